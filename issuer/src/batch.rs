//! Many documents: records in, signed documents out, on all cores, in memory that does not grow with their number.
//!
//! [`run`] takes records one at a time from an iterator, fills and signs them in parallel, hands the documents to a
//! [`Sink`], and commits them in the order of the records. Nothing here knows a file or a clock, but for
//! [`intake`], which reads the pictures and keys that a record names, and [`folder`], a sink that
//! keeps documents in files so that no kill and no loss of power loses or doubles one.
//!
//! Copies of a person's document cannot be told to belong together by what is in them: each has salts, digest IDs, a
//! device key, a signature and a position in the status list of its own, and the hour of signing in common with the
//! whole batch.

mod fault;
pub mod folder;
pub mod intake;
mod places;
mod run;

use core::fmt;
use core::time::Duration;
use std::path::PathBuf;

use mdoc_core::crypto::{Backend, CryptoRng, DigestAlgorithm, PublicKey};
use mdoc_core::issue::{DraftError, ItemOrder, Validity};
use mdoc_core::mso::KeyAuthorizations;
use mdoc_core::seams::{Clock, SignerError};
use mdoc_core::time::FullDate;
use serde_json::Value as Json;

pub use self::fault::{Fault, Problem};
pub use self::places::Places;
pub use self::run::run;
use crate::data::rows::RowsError;
use crate::format::Format;
use crate::signer::{DocumentSigner, SignerFault};

/// A person for whom documents are to be made.
#[derive(Debug)]
pub struct Record {
    /// Which one it is, from 1; numbers follow each other without a gap.
    pub number: u64,
    /// Where it stands in the file.
    pub line: u64,
    /// What its documents are named after; none if it has none that can be used, which is among the faults.
    pub id: Option<String>,
    /// The data of the format; none if they cannot be read.
    pub data: Option<Json>,
    /// A picture beside the data.
    pub portrait: Option<Portrait>,
    /// The holder's keys, one a copy.
    pub device_keys: Vec<PublicKey>,
    /// What was wrong already.
    pub faults: Vec<Fault>,
}

/// A picture beside the data.
#[derive(Debug)]
pub enum Portrait {
    /// To be read from a file when it is needed.
    File(PathBuf),
    /// Here.
    Bytes(Vec<u8>),
}

/// What all documents of a batch have in common.
pub struct Plan<'a> {
    /// The format.
    pub format: &'a Format,
    /// Who signs.
    pub signer: &'a DocumentSigner<'a>,
    /// How long each document is valid.
    pub valid_for: Duration,
    /// The administrative date of issue; the day of signing if none.
    pub issue_date: Option<FullDate>,
    /// The issuing authority's name, if the data do not have it.
    pub authority: Option<&'a str>,
    /// What the devices may vouch for themselves.
    pub key_authorizations: KeyAuthorizations,
    /// The digest of the elements.
    pub digest_algorithm: DigestAlgorithm,
    /// Digests without an element.
    pub decoys: usize,
    /// How many documents each person gets, 1 or more.
    pub copies: u32,
    /// In which order the entries of each item are written.
    pub item_order: ItemOrder,
    /// Where the status of the documents will be published.
    pub places: Option<&'a Places>,
    /// What is done.
    pub mode: Mode,
    /// Records up to this one were dealt with before, and are passed over.
    pub done: u64,
    /// How many threads read, fill and sign.
    pub threads: usize,
}

/// What is done with the records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Documents are made.
    Issue,
    /// The data are checked; nothing is signed.
    Check,
}

/// Where the time and the randomness come from, and who computes.
pub struct Surroundings<'a> {
    /// The instant of signing, asked for each record.
    pub clock: &'a (dyn Clock + Sync),
    /// A generator for each thread.
    pub random: &'a (dyn Fn() -> Box<dyn CryptoRng> + Sync),
    /// Digests.
    pub backend: &'a (dyn Backend + Sync),
}

/// Which document it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Name<'a> {
    /// The number of the record.
    pub number: u64,
    /// What its documents are named after.
    pub id: &'a str,
    /// Which copy, from 1.
    pub copy: u32,
}

/// What became of a record.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome<T> {
    /// The number of the record.
    pub number: u64,
    /// Where it stands in the file.
    pub line: u64,
    /// What its documents are named after.
    pub id: Option<String>,
    /// The documents, one a copy, none if they were only checked; or everything that is wrong with the record.
    pub result: Result<Vec<Document<T>>, Vec<Fault>>,
    /// What a person should look at, a sentence each.
    pub warnings: Vec<String>,
}

/// A document of a record.
#[derive(Debug, Clone, PartialEq)]
pub struct Document<T> {
    /// What the sink made of it.
    pub kept: T,
    /// The docType.
    pub doc_type: String,
    /// When it was signed and is valid.
    pub validity: Validity,
    /// Its position in the status list.
    pub status_index: Option<u64>,
    /// Whether it was there already, from a run that was broken off.
    pub adopted: bool,
}

/// A document that is there already, with its bytes; or none.
pub type Found<T> = Option<(Vec<u8>, T)>;

/// Where documents go. Used from several threads at once; [`Sink::commit`] from one.
pub trait Sink: Sync {
    /// A document that was taken in and does not count yet.
    type Kept: Send;

    /// A document that counts, although no result was committed for it: the run before was broken off there.
    ///
    /// # Errors
    /// [`SinkError`] if that cannot be told.
    fn find(&self, name: Name<'_>) -> Result<Found<Self::Kept>, SinkError>;

    /// Takes a document in, without waiting for a disk: that, and to make it count, is for [`Sink::commit`].
    ///
    /// # Errors
    /// [`SinkError`] if it cannot; the batch stops.
    fn keep(&self, name: Name<'_>, document: &[u8]) -> Result<Self::Kept, SinkError>;

    /// Makes the documents of consecutive records count, all copies of each, and notes what became of the records.
    ///
    /// # Errors
    /// [`SinkError`] if it cannot; the batch stops.
    fn commit(&self, outcomes: Vec<Outcome<Self::Kept>>) -> Result<(), SinkError>;
}

/// Why a sink does not take a document.
#[derive(Debug)]
pub struct SinkError {
    /// What could not be done, such as `documents/4711.mdoc cannot be written`.
    pub what: String,
    /// Why.
    pub cause: std::io::Error,
}

impl fmt::Display for SinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl core::error::Error for SinkError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        Some(&self.cause)
    }
}

/// Why a batch stopped before its end. What was committed before counts; the rest can be resumed.
#[derive(Debug)]
#[non_exhaustive]
pub enum Stop {
    /// The records cannot be read any further.
    Rows(RowsError),
    /// A document cannot be kept.
    Sink(SinkError),
    /// The signer's certificate does not allow it.
    Signer(SignerFault),
    /// The key did not sign.
    Key(SignerError),
    /// The format makes no document that can be issued.
    Draft(DraftError),
    /// A thread ended without saying why.
    Lost,
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rows(error) => error.fmt(f),
            Self::Sink(error) => error.fmt(f),
            Self::Signer(error) => error.fmt(f),
            Self::Key(error) => error.fmt(f),
            Self::Draft(error) => error.fmt(f),
            Self::Lost => f.write_str("a thread of the batch ended before its work was done"),
        }
    }
}

impl core::error::Error for Stop {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Rows(error) => error.source(),
            Self::Sink(error) => error.source(),
            Self::Key(error) => error.source(),
            _ => None,
        }
    }
}

/// How far a batch is: the records that were committed in this run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Records that are in order: issued, or found good.
    pub good: u64,
    /// Records with faults.
    pub failed: u64,
    /// Documents that a run before had made and not noted, and that were taken over.
    pub adopted: u64,
}

impl Tally {
    /// All records that were dealt with.
    #[must_use]
    pub const fn records(&self) -> u64 {
        self.good + self.failed
    }
}

#[cfg(test)]
mod tests;
