//! What is wrong with bytes that somebody else made, and where.

use core::fmt;

/// Bytes that do not decode: what is wrong, in which member, at which byte.
///
/// Never holds a value of the document, so it can be shown and logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecodeError {
    fault: Fault,
    path: String,
    offset: Option<usize>,
    embedded: bool,
}

/// The kinds of fault in encoded data.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The input ends within an item.
    Truncated,
    /// There are bytes after the item.
    TrailingBytes(usize),
    /// Not well-formed CBOR (RFC 8949, appendix F), or a form that this decoder does not take.
    Malformed(&'static str),
    /// Larger than [`crate::limits::Limits`] allows; says which limit.
    Limit(&'static str),
    /// A map has the same key twice.
    DuplicateKey,
    /// A required member is not there.
    Missing(&'static str),
    /// A member has another type or value than the one expected.
    Expected(&'static str),
    /// There is no version, or it is no text.
    NoVersion,
    /// A version with an unknown major number.
    Version(String),
}

/// The step of decoding that a fault belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Well-formed, within limits, exactly one item.
    WellFormed,
    /// No map has a key twice.
    DuplicateKeys,
    /// A tag 24 byte string holds exactly one well-formed item.
    Embedded,
    /// Required members are there and have the right types.
    Structure,
    /// The major version is known.
    Version,
}

impl DecodeError {
    /// A fault of which the place is not known yet.
    #[must_use]
    pub const fn new(fault: Fault) -> Self {
        Self {
            fault,
            path: String::new(),
            offset: None,
            embedded: false,
        }
    }

    pub(crate) const fn missing(member: &'static str) -> Self {
        Self::new(Fault::Missing(member))
    }

    pub(crate) const fn expected(what: &'static str) -> Self {
        Self::new(Fault::Expected(what))
    }

    pub(crate) const fn at(mut self, offset: usize) -> Self {
        self.offset = Some(offset);
        self
    }

    /// The error seen from one level further out.
    pub(crate) fn within(mut self, member: &str) -> Self {
        let separator = if self.path.is_empty() || self.path.starts_with('[') {
            ""
        } else {
            "."
        };
        self.path = format!("{member}{separator}{}", self.path);
        self
    }

    /// The error happened inside a tag 24 byte string; offsets count from its beginning.
    pub(crate) const fn embedded(mut self) -> Self {
        self.embedded = true;
        self
    }

    /// What is wrong.
    #[must_use]
    pub const fn fault(&self) -> &Fault {
        &self.fault
    }

    /// The member in which it is wrong, outermost first, for example `documents[0].issuerSigned`.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The byte at which decoding stopped, counted from the beginning of the input, or of the
    /// innermost tag 24 byte string.
    #[must_use]
    pub const fn offset(&self) -> Option<usize> {
        self.offset
    }

    /// The step of decoding that failed.
    #[must_use]
    pub const fn stage(&self) -> Stage {
        match self.fault {
            Fault::DuplicateKey => Stage::DuplicateKeys,
            Fault::Missing(_) | Fault::Expected(_) => Stage::Structure,
            Fault::Version(_) | Fault::NoVersion => Stage::Version,
            _ if self.embedded => Stage::Embedded,
            _ => Stage::WellFormed,
        }
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.fault {
            Fault::Truncated => f.write_str("the input ends within an item")?,
            Fault::TrailingBytes(count) => write!(f, "{count} bytes follow the item")?,
            Fault::Malformed(what) => write!(f, "malformed CBOR: {what}")?,
            Fault::Limit(which) => write!(f, "too large: {which}")?,
            Fault::DuplicateKey => f.write_str("a map has the same key twice")?,
            Fault::Missing(member) => write!(f, "`{member}` is missing")?,
            Fault::Expected(what) => write!(f, "{what} expected")?,
            Fault::NoVersion => f.write_str("there is no `version`, or it is no text")?,
            Fault::Version(version) => write!(f, "version `{version}` is not supported, only 1.x is")?,
        }
        if !self.path.is_empty() {
            write!(f, " in {}", self.path)?;
        }
        match (self.offset, self.embedded) {
            (Some(offset), true) => write!(f, " at byte {offset} of an embedded item"),
            (Some(offset), false) => write!(f, " at byte {offset}"),
            (None, _) => Ok(()),
        }
    }
}

impl core::error::Error for DecodeError {}
