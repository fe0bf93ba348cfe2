//! What goes over the air, before and after encryption.

use std::borrow::Cow;

use core::fmt;

use crate::cbor::{Embedded, Item, write};
use crate::error::DecodeError;
use crate::limits::Limits;

/// How a session stands.
///
/// Source: ISO/IEC 18013-5:2021, 9.1.1.4, Table 20.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Status {
    /// 10: a message did not decrypt, or no keys could be agreed on.
    EncryptionError,
    /// 11: a message did not decode.
    DecodingError,
    /// 20: the session is over.
    Termination,
    /// A value that the standard does not define; ends the session too.
    Other(u64),
}

impl Status {
    /// The number on the wire.
    #[must_use]
    pub const fn number(self) -> u64 {
        match self {
            Self::EncryptionError => 10,
            Self::DecodingError => 11,
            Self::Termination => 20,
            Self::Other(number) => number,
        }
    }

    const fn of(number: u64) -> Self {
        match number {
            10 => Self::EncryptionError,
            11 => Self::DecodingError,
            20 => Self::Termination,
            number => Self::Other(number),
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EncryptionError => f.write_str("status 10, session encryption error"),
            Self::DecodingError => f.write_str("status 11, CBOR decoding error"),
            Self::Termination => f.write_str("status 20, session termination"),
            Self::Other(number) => write!(f, "status {number}"),
        }
    }
}

/// The first message, from the reader.
///
/// ```cddl
/// SessionEstablishment = {"eReaderKey": EReaderKeyBytes, "data": bstr}
/// ```
/// Source: ISO/IEC 18013-5:2021, 9.1.1.4.
#[derive(Debug, Clone)]
pub struct SessionEstablishment<'b> {
    /// The reader's ephemeral key, as the tag 24 item that enters the transcript.
    pub e_reader_key_bytes: Embedded<'b>,
    /// The encrypted request.
    pub data: Cow<'b, [u8]>,
}

impl<'b> SessionEstablishment<'b> {
    /// Decodes it; members that are not known are passed over.
    ///
    /// # Errors
    /// [`DecodeError`] with the member at fault.
    pub fn decode(bytes: &'b [u8], limits: &Limits) -> Result<Self, DecodeError> {
        let [key, data] = Item::parse(bytes, limits)?.members(["eReaderKey", "data"])?;
        let key = key.ok_or(DecodeError::missing("eReaderKey"))?;
        let data = data.ok_or(DecodeError::missing("data"))?;
        Ok(Self {
            e_reader_key_bytes: Embedded::new(key).map_err(|error| error.within("eReaderKey"))?,
            data: data.expect_bytes().map_err(|error| error.within("data"))?,
        })
    }

    /// The message with this key, a whole tag 24 item, and this encrypted request.
    #[must_use]
    pub fn encode(e_reader_key_bytes: &[u8], data: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(e_reader_key_bytes.len() + data.len() + 32);
        write::map(&mut out, 2);
        write::text(&mut out, "eReaderKey");
        out.extend_from_slice(e_reader_key_bytes);
        write::text(&mut out, "data");
        write::bytes(&mut out, data);
        out
    }
}

/// Every other message.
///
/// ```cddl
/// SessionData = {? "data": bstr, ? "status": uint}
/// ```
/// Source: ISO/IEC 18013-5:2021, 9.1.1.4.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionData<'b> {
    /// The encrypted request or response.
    pub data: Option<Cow<'b, [u8]>>,
    /// How the session stands; it goes on if there is none.
    pub status: Option<Status>,
}

impl<'b> SessionData<'b> {
    /// A status alone.
    #[must_use]
    pub const fn status(status: Status) -> Self {
        Self {
            data: None,
            status: Some(status),
        }
    }

    /// Decodes it; members that are not known are passed over.
    ///
    /// # Errors
    /// [`DecodeError`] if there is neither data nor a status, or one of them has another type; or if it is a
    /// [`SessionEstablishment`], of which a session has one.
    pub fn decode(bytes: &'b [u8], limits: &Limits) -> Result<Self, DecodeError> {
        let [key, data, status] = Item::parse(bytes, limits)?.members(["eReaderKey", "data", "status"])?;
        if key.is_some() {
            return Err(DecodeError::expected(
                "SessionData (eReaderKey is in the first message alone)",
            ));
        }
        let data = data.map(|data| data.expect_bytes().map_err(|error| error.within("data")));
        let status = status.map(|status| status.expect_unsigned().map_err(|error| error.within("status")));
        let read = Self {
            data: data.transpose()?,
            status: status.transpose()?.map(Status::of),
        };
        if read.data.is_none() && read.status.is_none() {
            return Err(DecodeError::missing("data"));
        }
        Ok(read)
    }

    /// The message.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.data.as_ref().map_or(0, |data| data.len()) + 32);
        let members = usize::from(self.data.is_some()) + usize::from(self.status.is_some());
        write::map(&mut out, members);
        if let Some(data) = &self.data {
            write::text(&mut out, "data");
            write::bytes(&mut out, data);
        }
        if let Some(status) = self.status {
            write::text(&mut out, "status");
            write::unsigned(&mut out, status.number());
        }
        out
    }
}
