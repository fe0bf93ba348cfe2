//! What is wrong with a record, by field and with a code; never with a value of the person.

use core::fmt;

use crate::data::rows::RowFault;
use crate::issue::IssueError;

/// One thing that is wrong with a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The field; empty if it is about the whole record.
    pub field: String,
    /// What it is, for programs: never renamed, never reused.
    pub code: &'static str,
    /// What it is, for people.
    pub message: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.field.is_empty() {
            write!(f, "{}: ", self.field)?;
        }
        write!(f, "{} [{}]", self.message, self.code)
    }
}

impl From<RowFault> for Fault {
    fn from(fault: RowFault) -> Self {
        Self {
            field: fault.field().to_owned(),
            code: fault.code(),
            message: fault.to_string(),
        }
    }
}

/// What can be wrong with a record beyond its data.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Problem {
    /// The field that names the record is not there, or is neither a text nor a whole number.
    IdMissing,
    /// The name of the record is longer than 64 bytes or has control characters.
    IdUnusable,
    /// The record has the name of an earlier one.
    IdTwice {
        /// Where that one stands.
        line: u64,
    },
    /// There is no key for the holder.
    KeyMissing {
        /// Of which copy, if a record gets several.
        copy: Option<u32>,
    },
    /// There are more or fewer keys than copies.
    KeyCount {
        /// How many there are.
        found: usize,
        /// How many copies.
        copies: u32,
    },
    /// A key cannot be read.
    KeyUnreadable(String),
    /// Two copies have the same key.
    KeyTwice,
    /// An earlier record has the same key.
    KeyOfAnother {
        /// Where that one stands.
        line: u64,
    },
    /// A key is that of the signer.
    KeyOfSigner,
    /// The path is absolute, or leads out of the folder.
    PathOutside,
    /// The value is no text with a path.
    NotAPath,
    /// The file cannot be read.
    Unreadable(&'static str),
    /// The path of a file is given, but no folder that it is in.
    NoFolder(&'static str),
    /// A document of that name is there that does not belong to this record.
    ForeignDocument,
}

impl Problem {
    /// Stable for ever: published, never renamed, never reused.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::IdMissing => "batch.id-missing",
            Self::IdUnusable => "batch.id-unusable",
            Self::IdTwice { .. } => "batch.id-twice",
            Self::KeyMissing { .. } => "batch.device-key-missing",
            Self::KeyCount { .. } => "batch.device-key-count",
            Self::KeyUnreadable(_) => "batch.device-key-unreadable",
            Self::KeyTwice => "batch.device-key-twice",
            Self::KeyOfAnother { .. } => "batch.device-key-of-another",
            Self::KeyOfSigner => "batch.device-key-of-signer",
            Self::PathOutside => "batch.path-outside",
            Self::NotAPath => "batch.not-a-path",
            Self::Unreadable(_) => "batch.file-unreadable",
            Self::NoFolder(_) => "batch.no-folder",
            Self::ForeignDocument => "batch.foreign-document",
        }
    }

    /// The problem with a field.
    #[must_use]
    pub fn of(self, field: &str) -> Fault {
        Fault {
            field: field.to_owned(),
            code: self.code(),
            message: self.to_string(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::IdMissing => f.write_str("a text or a whole number is needed to name the documents"),
            Self::IdUnusable => {
                f.write_str("a name for documents has 1 to 64 bytes and no control characters")
            }
            Self::IdTwice { line } => write!(f, "the record in line {line} has the same"),
            Self::KeyMissing { copy: None } => f.write_str("the holder's public key is missing"),
            Self::KeyMissing { copy: Some(copy) } => {
                write!(f, "the holder's public key for copy {copy} is missing")
            }
            Self::KeyCount { found, copies } => {
                write!(
                    f,
                    "there are {found} where each of {copies} copies needs a key of its own"
                )
            }
            Self::KeyUnreadable(why) => write!(f, "no public key can be read: {why}"),
            Self::KeyTwice => f.write_str("two copies have the same key, which would link them"),
            Self::KeyOfAnother { line } => write!(f, "the record in line {line} has the same key"),
            Self::KeyOfSigner => {
                f.write_str("it is the key of the signer; the holder has a key of their own")
            }
            Self::PathOutside => f.write_str("the path must lead to a file in the folder that was given"),
            Self::NotAPath => f.write_str("the path of a file is expected"),
            Self::Unreadable(why) => write!(f, "the file {why}"),
            Self::NoFolder(option) => write!(
                f,
                "it is the path of a file, and {option} does not say in which folder"
            ),
            Self::ForeignDocument => {
                f.write_str("a document of this name is there already and is not one of this record")
            }
        }
    }
}

/// The faults of the data; `None` if the error is not the record's.
pub(super) fn of_issue(error: &IssueError) -> Option<Vec<Fault>> {
    match error {
        IssueError::Data(errors) => Some(
            errors
                .0
                .iter()
                .map(|error| Fault {
                    field: error.field.clone(),
                    code: error.code(),
                    message: error.problem.to_string(),
                })
                .collect(),
        ),
        IssueError::Quality(findings) => Some(
            findings
                .iter()
                .map(|finding| Fault {
                    field: finding.field.clone(),
                    code: finding.code(),
                    message: finding.rule.to_string(),
                })
                .collect(),
        ),
        _ => None,
    }
}
