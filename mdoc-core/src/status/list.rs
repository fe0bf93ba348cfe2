//! The token status list: many small numbers in a compressed byte string.

use core::fmt;

use miniz_oxide::deflate::compress_to_vec_zlib;

use crate::cbor::Item;
use crate::cbor::write::{self, Output};
use crate::error::DecodeError;
use crate::inflate::{self, BadStream};

/// The largest list that is inflated, in bytes: room for 16 million entries of 8 bits, or 134 million of 1 bit.
pub const LARGEST_LIST: usize = 16 << 20;

/// The level of zlib that the standard recommends: the highest.
const LEVEL: u8 = 9;

/// How many bits a list has for each entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Bits {
    /// Valid or revoked: the only ones that a driving licence may have.
    One,
    /// Also suspended, and one value of the application's own.
    Two,
    /// Values 0 to 15.
    Four,
    /// Values 0 to 255.
    Eight,
}

impl Bits {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::One, Self::Two, Self::Four, Self::Eight];

    /// The number itself: 1, 2, 4 or 8.
    #[must_use]
    pub const fn count(self) -> u8 {
        match self {
            Self::One => 1,
            Self::Two => 2,
            Self::Four => 4,
            Self::Eight => 8,
        }
    }

    /// The one with that number.
    #[must_use]
    pub fn from_count(count: u64) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|bits| u64::from(bits.count()) == count)
    }

    /// The highest value of an entry.
    #[must_use]
    pub const fn highest(self) -> u8 {
        match self {
            Self::One => 1,
            Self::Two => 3,
            Self::Four => 15,
            Self::Eight => 255,
        }
    }

    /// Entries in a byte.
    const fn per_byte(self) -> u8 {
        8 / self.count()
    }
}

/// A list to look entries up in, or to set them.
///
/// Entry i has its bits in byte `i * bits / 8`, those of lower entries in the lower bits. A list has a whole
/// number of bytes, so that up to seven entries at its end may be nobody's.
///
/// Source: draft-ietf-oauth-status-list, 4.1; ISO/IEC 18013-5 second edition, 12.3.6.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusList {
    bits: Bits,
    bytes: Vec<u8>,
}

/// Why a list cannot be had, or an entry not be set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ListError {
    /// More bytes than [`LARGEST_LIST`].
    TooLarge,
    /// The bytes are no zlib stream (RFC 1950), or something comes after it.
    NoZlib,
    /// The list has no such entry.
    Beyond {
        /// The entry.
        index: u64,
        /// How many there are.
        entries: u64,
    },
    /// The value needs more bits than an entry has.
    Value {
        /// The value.
        value: u8,
        /// The bits.
        bits: Bits,
    },
}

impl fmt::Display for ListError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge => write!(f, "the status list inflates to more than {LARGEST_LIST} bytes"),
            Self::NoZlib => f.write_str("the status list is not one zlib stream"),
            Self::Beyond { index, entries } => {
                write!(f, "there is no entry {index} in a status list of {entries}")
            }
            Self::Value { value, bits } => {
                write!(f, "the status {value} does not fit in {} bits", bits.count())
            }
        }
    }
}

impl core::error::Error for ListError {}

impl StatusList {
    /// A list of at least that many entries, all of them 0 (valid).
    ///
    /// # Errors
    /// [`ListError::TooLarge`] above [`LARGEST_LIST`].
    pub fn new(bits: Bits, entries: u64) -> Result<Self, ListError> {
        let bytes = usize::try_from(entries.div_ceil(bits.per_byte().into())).ok();
        let bytes = bytes
            .filter(|bytes| *bytes <= LARGEST_LIST)
            .ok_or(ListError::TooLarge)?;
        Ok(Self {
            bits,
            bytes: vec![0; bytes],
        })
    }

    /// How many bits an entry has.
    #[must_use]
    pub const fn bits(&self) -> Bits {
        self.bits
    }

    /// How many entries there are, those that fill the last byte included.
    #[must_use]
    pub fn entries(&self) -> u64 {
        u64::try_from(self.bytes.len())
            .unwrap_or(u64::MAX)
            .saturating_mul(self.bits.per_byte().into())
    }

    /// The value of an entry, if the list has it.
    #[must_use]
    pub fn get(&self, index: u64) -> Option<u8> {
        let (byte, shift) = self.place(index)?;
        let byte = self.bytes.get(byte)?;
        Some((byte >> shift) & self.bits.highest())
    }

    /// Sets an entry.
    ///
    /// # Errors
    /// [`ListError::Beyond`] or [`ListError::Value`].
    pub fn set(&mut self, index: u64, value: u8) -> Result<(), ListError> {
        let (bits, entries) = (self.bits, self.entries());
        if value > bits.highest() {
            return Err(ListError::Value { value, bits });
        }
        let place = self.place(index);
        let Some((byte, shift)) = place.and_then(|(byte, shift)| Some((self.bytes.get_mut(byte)?, shift)))
        else {
            return Err(ListError::Beyond { index, entries });
        };
        *byte = (*byte & !(bits.highest() << shift)) | (value << shift);
        Ok(())
    }

    /// The byte of an entry and the lowest of its bits there.
    fn place(&self, index: u64) -> Option<(usize, u32)> {
        let per_byte = u64::from(self.bits.per_byte());
        let within = u32::try_from(index % per_byte).ok()?;
        let byte = usize::try_from(index / per_byte).ok()?;
        Some((byte, within * u32::from(self.bits.count())))
    }

    /// The entries as they are compressed, for who has a compressor of their own.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The list as it is published, compressed.
    #[must_use]
    pub fn deflate(&self) -> EncodedList {
        EncodedList {
            bits: self.bits,
            lst: compress_to_vec_zlib(&self.bytes, LEVEL),
            aggregation_uri: None,
        }
    }
}

/// A list as it is published.
///
/// ```cddl
/// StatusList = { "bits": 1 / 2 / 4 / 8, "lst": bstr, ? "aggregation_uri": tstr }
/// ```
/// In JSON `lst` is Base64url without padding. Having one says nothing of what is inside of `lst`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncodedList {
    /// How many bits an entry has.
    pub bits: Bits,
    /// The entries as a zlib stream.
    pub lst: Vec<u8>,
    /// Where the addresses of all lists of the issuer are.
    pub aggregation_uri: Option<String>,
}

impl EncodedList {
    /// Reads the claim `status_list` of a CWT.
    ///
    /// # Errors
    /// [`DecodeError`] if a member is missing or has another type.
    pub fn decode(item: Item<'_>) -> Result<Self, DecodeError> {
        let bits = item.member("bits")?.unsigned().and_then(Bits::from_count);
        let bits = bits.ok_or_else(|| DecodeError::expected("1, 2, 4 or 8").within("bits"))?;
        let lst = item.member("lst")?.expect_bytes();
        let lst = lst.map_err(|error| error.within("lst"))?.into_owned();
        Ok(Self {
            bits,
            lst,
            aggregation_uri: aggregation_uri(item)?,
        })
    }

    pub(super) fn write(&self, out: &mut impl Output) {
        write::map(out, 2 + usize::from(self.aggregation_uri.is_some()));
        write::text(out, "bits");
        write::unsigned(out, self.bits.count().into());
        write::text(out, "lst");
        write::bytes(out, &self.lst);
        write_aggregation_uri(out, self.aggregation_uri.as_deref());
    }

    /// The entries. What is too large is refused before any room is made for it.
    ///
    /// # Errors
    /// [`ListError::TooLarge`] or [`ListError::NoZlib`].
    pub fn inflate(&self) -> Result<StatusList, ListError> {
        match inflate::zlib(&self.lst, LARGEST_LIST) {
            Ok(bytes) => Ok(StatusList {
                bits: self.bits,
                bytes,
            }),
            Err(BadStream::TooLarge) => Err(ListError::TooLarge),
            Err(BadStream::Malformed) => Err(ListError::NoZlib),
        }
    }
}

/// The member that both kinds of list may have.
pub(super) fn aggregation_uri(list: Item<'_>) -> Result<Option<String>, DecodeError> {
    let uri = list
        .optional("aggregation_uri")
        .map(Item::expect_text)
        .transpose();
    let uri = uri.map_err(|error| error.within("aggregation_uri"))?;
    Ok(uri.map(std::borrow::Cow::into_owned))
}

pub(super) fn write_aggregation_uri(out: &mut impl Output, uri: Option<&str>) {
    if let Some(uri) = uri {
        write::text(out, "aggregation_uri");
        write::text(out, uri);
    }
}

#[cfg(test)]
mod tests;
