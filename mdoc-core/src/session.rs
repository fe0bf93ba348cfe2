//! The encrypted conversation of a reader and an mdoc, face to face: messages in, messages out.
//!
//! Each side is a chain of types, so that what cannot come next cannot be written: a reader asks, waits, and may ask
//! again; an mdoc is engaged, was asked, has answered. Every step takes the session. After a failure there is nothing
//! left to go on with, and [`Ended`] holds the message that is still owed to the other side.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use mdoc_core::crypto::{Curve, RustCrypto};
//! use mdoc_core::engagement::{BleOptions, DeviceEngagement};
//! use mdoc_core::limits::Limits;
//! use mdoc_core::session::{DeviceSession, ReaderSession, Received};
//! # use rand_core::SeedableRng;
//! # let mut rng = rand_chacha::ChaCha20Rng::from_seed([1; 32]);
//! # let (limits, backend) = (Limits::DEFAULT, &RustCrypto);
//!
//! // The mdoc shows a QR code, the reader scans it and asks.
//! let options = BleOptions { central_client_uuid: Some([7; 16]), ..BleOptions::default() };
//! let mdoc = DeviceSession::engage(Curve::P256, &options, &mut rng);
//! let scanned = DeviceEngagement::decode(mdoc.engagement(), &limits)?;
//! let reader = ReaderSession::open(&scanned, &mut rng, backend)?;
//! let (reader, hello) = reader.ask(b"an encoded DeviceRequest", backend)?;
//!
//! // The mdoc answers.
//! let (mdoc, request) = mdoc.accept(&hello, &limits, backend)?;
//! assert_eq!(request.as_slice(), b"an encoded DeviceRequest");
//! let reply = mdoc.answer_and_end(b"an encoded DeviceResponse", backend)?;
//!
//! // What the reader receives carries its transcript and key: it cannot be mixed up with another session's.
//! let Received::Last(response) = reader.receive(&reply, &limits, backend)? else { panic!("not ended") };
//! assert_eq!(response.bytes(), b"an encoded DeviceResponse");
//! # Ok(())
//! # }
//! ```
//!
//! Source: ISO/IEC 18013-5:2021, 9.1.1.

pub mod capture;
mod cipher;
mod device;
mod message;
mod reader;
#[cfg(test)]
mod tests;

use core::fmt;

pub use self::device::{Answered, Asked, DeviceSession, Engaged};
pub use self::message::{SessionData, SessionEstablishment, Status};
pub use self::reader::{MayAsk, ReaderSession, Received, Response, Waiting};
use crate::cose::key::KeyFault;
use crate::crypto::CryptoError;
use crate::error::DecodeError;

/// A session that is over, and what is still to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// Why.
    pub why: Why,
    /// The message that tells the other side; none if it has ended the session itself.
    pub owed: Option<Vec<u8>>,
}

/// Why a session is over.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Why {
    /// The other side says so.
    ByPeer(Status),
    /// A message of the other side does not decode.
    Decode(DecodeError),
    /// A message of the other side does not authenticate: one was lost, came twice, or was changed, or the keys are
    /// not the same.
    Decrypt,
    /// The other side's ephemeral key is of no use.
    Key(KeyFault),
    /// The two ephemeral keys cannot agree on a secret.
    Agree(CryptoError),
    /// The cipher suite of the engagement is not the one that the standard defines.
    CipherSuite(u64),
    /// As many messages were encrypted as one key may encrypt.
    Exhausted,
}

impl Why {
    /// Stable for ever: for programs and logs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::ByPeer(Status::EncryptionError) => "session.peer-encryption-error",
            Self::ByPeer(Status::DecodingError) => "session.peer-decoding-error",
            Self::ByPeer(Status::Termination) => "session.peer-termination",
            Self::ByPeer(Status::Other(_)) => "session.peer-unknown-status",
            Self::Decode(_) => "session.malformed",
            Self::Decrypt => "session.decryption",
            Self::Key(_) => "session.key",
            Self::Agree(_) => "session.key-agreement",
            Self::CipherSuite(_) => "session.cipher-suite",
            Self::Exhausted => "session.exhausted",
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ByPeer(Status::Termination) => f.write_str("the other side has ended the session"),
            Self::ByPeer(status) => write!(f, "the other side has ended the session: {status}"),
            Self::Decode(error) => write!(f, "a message of the other side does not decode: {error}"),
            Self::Decrypt => f.write_str("a message of the other side does not decrypt"),
            Self::Key(fault) => write!(f, "the other side's ephemeral key is of no use: {fault}"),
            Self::Agree(_) => f.write_str("the two ephemeral keys cannot agree on a secret"),
            Self::CipherSuite(suite) => write!(f, "cipher suite {suite} is not known, only 1 is"),
            Self::Exhausted => f.write_str("the session has had as many messages as its keys allow"),
        }
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.why.fmt(f)
    }
}

impl core::error::Error for Ended {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match &self.why {
            Why::Decode(cause) => Some(cause),
            Why::Key(cause) => Some(cause),
            Why::Agree(cause) => Some(cause),
            Why::ByPeer(_) | Why::Decrypt | Why::CipherSuite(_) | Why::Exhausted => None,
        }
    }
}

impl Ended {
    /// With the status that the standard has for it.
    fn because(why: Why) -> Self {
        let status = match &why {
            Why::ByPeer(_) => None,
            Why::Decode(_) => Some(Status::DecodingError),
            Why::Decrypt | Why::Key(_) | Why::Agree(_) => Some(Status::EncryptionError),
            Why::CipherSuite(_) | Why::Exhausted => Some(Status::Termination),
        };
        Self {
            why,
            owed: status.map(|status| SessionData::status(status).encode()),
        }
    }
}
