//! Holding mobile documents: who asks, what they ask for, and an answer with what the holder permits.
//!
//! A library for wallets and wallet backends: it opens nothing, shows nothing and keeps nothing. The
//! wallet decodes a request into a [`Question`], shows it to its user, and turns the user's decision
//! into a response. With the feature `collect` it gets documents from an issuer over OpenID4VCI, as steps that ask
//! and are answered. The feature `wallet` is the exception: a folder that keeps documents with their keys.

#[cfg(feature = "collect")]
pub mod collect;
#[cfg(feature = "present")]
pub mod present;
#[cfg(feature = "qr")]
pub use mdoc_cli::qr;
pub mod question;
pub mod reader;
#[cfg(feature = "wallet")]
pub mod wallet;

pub use question::{Answer, AnswerError, DocumentQuestion, Held, Question, Release, Released};
pub use reader::Reader;
