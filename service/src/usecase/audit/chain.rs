//! Whether entries follow each other, and whether they are those of which somebody kept a digest.

use core::fmt;
use core::str::FromStr;

use base16ct::{lower, mixed};
use serde_json::Value as Json;
use sha2::{Digest, Sha256};

pub(super) fn chained(before: &[u8], entry: &str) -> [u8; 32] {
    Sha256::new()
        .chain_update(before)
        .chain_update(entry)
        .finalize()
        .into()
}

/// What is wrong with a trail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Broken {
    /// The number of an entry is not the next one.
    Number {
        /// The next one.
        expected: i64,
        /// The entry's.
        found: i64,
    },
    /// The digest does not fit the entry and the one before.
    Digest {
        /// The entry.
        number: i64,
    },
    /// The trail ends before its head, or after it.
    Head,
    /// An entry has another digest than the one that was kept.
    Kept {
        /// The entry.
        number: i64,
    },
    /// The trail ends before an entry whose digest was kept.
    Missing {
        /// The entry.
        number: i64,
    },
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number { expected, found } => {
                write!(
                    f,
                    "entry {expected} is missing: the next one there is number {found}"
                )
            }
            Self::Digest { number } => write!(f, "entry {number} or one before it was changed"),
            Self::Head => {
                f.write_str("the last entries are missing: the trail does not end where its head says")
            }
            Self::Kept { number } => {
                write!(
                    f,
                    "entry {number} has another digest than the one that was kept: it or one before it was changed"
                )
            }
            Self::Missing { number } => {
                write!(f, "entry {number} is missing, of which a digest was kept")
            }
        }
    }
}

impl core::error::Error for Broken {}

/// The digest of an entry, kept where nobody changes it together with the trail: `NUMBER:DIGEST`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    number: i64,
    digest: [u8; 32],
}

impl Kept {
    /// The entry.
    #[must_use]
    pub const fn number(&self) -> i64 {
        self.number
    }
}

/// A text that is no `NUMBER:DIGEST`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotKept;

impl fmt::Display for NotKept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "it is the number of an entry, a colon and 64 hexadecimal digits, as `audit verify` prints it",
        )
    }
}

impl core::error::Error for NotKept {}

impl FromStr for Kept {
    type Err = NotKept;

    fn from_str(text: &str) -> Result<Self, NotKept> {
        let (number, digits) = text.split_once(':').ok_or(NotKept)?;
        let number = number.parse().map_err(|_| NotKept)?;
        let mut digest = [0; 32];
        if number < 1 || digits.len() != 64 || mixed::decode(digits, &mut digest).is_err() {
            return Err(NotKept);
        }
        Ok(Self { number, digest })
    }
}

impl fmt::Display for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.number, lower::encode_string(&self.digest))
    }
}

/// Goes through a trail, an entry at a time, from the first on.
#[derive(Debug, Clone, Default)]
pub struct Chain {
    number: i64,
    digest: Vec<u8>,
    kept: Vec<Kept>,
}

impl Chain {
    /// A trail in which the entries of which a digest was kept are still what they were.
    #[must_use]
    pub fn with(kept: Vec<Kept>) -> Self {
        Self {
            kept,
            ..Self::default()
        }
    }

    /// Goes on after an entry of which a digest was kept, if there is one of that number.
    pub(super) fn skip_to(&mut self, number: i64) {
        if let Some(kept) = self.kept.iter().find(|kept| kept.number == number) {
            (self.number, self.digest) = (kept.number, kept.digest.to_vec());
        }
    }

    /// Checks the next entry.
    ///
    /// # Errors
    /// [`Broken`] if it does not follow.
    pub fn next(&mut self, number: i64, entry: &str, digest: &[u8]) -> Result<(), Broken> {
        if number != self.number + 1 {
            return Err(Broken::Number {
                expected: self.number + 1,
                found: number,
            });
        }
        let expected = chained(&self.digest, entry);
        if expected != digest || number_of(entry) != Some(number) {
            return Err(Broken::Digest { number });
        }
        let mut kept = self.kept.iter().filter(|kept| kept.number == number);
        if kept.any(|kept| kept.digest != expected) {
            return Err(Broken::Kept { number });
        }
        (self.number, self.digest) = (number, digest.to_vec());
        Ok(())
    }

    /// The trail at its end.
    ///
    /// # Errors
    /// [`Broken::Missing`] if it ends before an entry of which a digest was kept.
    pub fn end(self) -> Result<Self, Broken> {
        let missing = self.kept.iter().find(|kept| kept.number > self.number);
        match missing {
            Some(kept) => Err(Broken::Missing { number: kept.number }),
            None => Ok(self),
        }
    }

    /// The number and the digest of the last entry; the digest is empty if there is none.
    #[must_use]
    pub fn head(&self) -> (i64, &[u8]) {
        (self.number, &self.digest)
    }

    /// What is to be kept of it; nothing if it has no entry.
    #[must_use]
    pub fn to_keep(&self) -> Option<Kept> {
        let digest = self.digest.as_slice().try_into().ok()?;
        let number = self.number;
        Some(Kept { number, digest })
    }
}

/// The number that an entry says it has.
pub(super) fn number_of(entry: &str) -> Option<i64> {
    let entry: Json = serde_json::from_str(entry).ok()?;
    entry.get("number").and_then(Json::as_i64)
}
