//! What is wrong with a person's data, by field and without showing any of it.

use core::fmt;

use crate::format::more::{self, Count, More, Told};
use crate::photo::{Change, PhotoError};

/// Which rule a field breaks.
///
/// None of these holds a value of the person: the names of fields, and the rules of the format, are all that is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum FillProblem {
    /// The user data are not a JSON object.
    NotAnObject,
    /// A required field is not there.
    Missing,
    /// The birth date is not there, and a required age follows from it.
    BirthDateNeeded,
    /// A required element follows from what is known of the issuer, but that is not known.
    IssuerFactMissing {
        /// What is missing.
        fact: &'static str,
    },
    /// A field that the format does not know.
    UnknownField {
        /// What was probably meant.
        nearest: Option<String>,
    },
    /// The JSON type is another one.
    WrongType {
        /// What must be there.
        expected: &'static str,
        /// What is there.
        found: &'static str,
    },
    /// Not a date in the form the format asks for, or a day that does not exist.
    BadDate {
        /// What must be there.
        expected: &'static str,
    },
    /// Too few characters.
    TooShort {
        /// The limit.
        min: usize,
    },
    /// Too many characters.
    TooLong {
        /// The limit.
        max: usize,
        /// How many there are.
        length: usize,
    },
    /// Characters outside ISO/IEC 8859-1.
    NotLatin1,
    /// Control characters.
    ControlCharacter,
    /// The text does not match the pattern.
    PatternMismatch {
        /// The pattern of the format.
        pattern: String,
    },
    /// The value is not in the code table.
    NotInTable {
        /// The name of the table.
        table: String,
        /// The values it has, if they are few.
        values: Vec<String>,
    },
    /// The number is outside its limits.
    OutOfRange {
        /// The smallest that is allowed.
        min: u64,
        /// The largest that is allowed.
        max: u64,
    },
    /// The list has too few or too many items.
    ItemCount {
        /// The fewest that are allowed.
        min: usize,
        /// The most that are allowed.
        max: usize,
    },
    /// Too few of the members of an object are there.
    TooFewMembers {
        /// How many must be there.
        min: usize,
    },
    /// The text is not base64.
    NotBase64,
    /// The text is a data URI instead of base64.
    DataUri,
    /// Too many bytes.
    TooManyBytes {
        /// The limit.
        max: usize,
    },
    /// The bytes are not an image, or none that the document can have.
    NotAnImage(PhotoError),
    /// The element is derived, and the data state something else.
    DerivedConflict {
        /// The derivation.
        derivation: &'static str,
    },
    /// The portrait is both in the data and a file of its own.
    PortraitTwice,
    /// There is a portrait, but the format has no element for it.
    NoPortraitElement,
    /// Not a fault of its own: there are more than those that are told. It comes last and has no field.
    More(More),
}

impl FillProblem {
    /// Stable for ever: published, never renamed, never reused.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotAnObject => "fill.not-an-object",
            Self::Missing => "fill.missing",
            Self::BirthDateNeeded => "fill.birth-date-needed",
            Self::IssuerFactMissing { .. } => "fill.issuer-fact-missing",
            Self::UnknownField { .. } => "fill.unknown-field",
            Self::WrongType { .. } => "fill.wrong-type",
            Self::BadDate { .. } => "fill.bad-date",
            Self::TooShort { .. } => "fill.too-short",
            Self::TooLong { .. } => "fill.too-long",
            Self::NotLatin1 => "fill.not-latin1",
            Self::ControlCharacter => "fill.control-character",
            Self::PatternMismatch { .. } => "fill.pattern",
            Self::NotInTable { .. } => "fill.not-in-table",
            Self::OutOfRange { .. } => "fill.out-of-range",
            Self::ItemCount { .. } => "fill.item-count",
            Self::TooFewMembers { .. } => "fill.too-few-members",
            Self::NotBase64 => "fill.not-base64",
            Self::DataUri => "fill.data-uri",
            Self::TooManyBytes { .. } => "fill.too-many-bytes",
            Self::NotAnImage(PhotoError::Undecodable) => "fill.image-undecodable",
            Self::NotAnImage(PhotoError::CannotMake { .. }) => "fill.wrong-image-kind",
            Self::NotAnImage(PhotoError::DoesNotFit { .. } | PhotoError::FileTooLarge { .. }) => {
                "fill.too-many-bytes"
            }
            Self::NotAnImage(PhotoError::TooManyPixels { .. }) => "fill.too-many-pixels",
            Self::NotAnImage(_) => "fill.not-an-image",
            Self::DerivedConflict { .. } => "fill.derived-conflict",
            Self::PortraitTwice => "fill.portrait-twice",
            Self::NoPortraitElement => "fill.no-portrait-element",
            Self::More(_) => "fill.more",
        }
    }

    /// What to do about it, in one line, where there is more to say than the sentence does.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::UnknownField { nearest: Some(name) } => Some(format!("did you mean {name}?")),
            Self::UnknownField { nearest: None } => {
                Some("remove it, or add an element to the format".to_owned())
            }
            Self::NotInTable { values, .. } if !values.is_empty() => {
                Some(format!("one of {}", values.join(", ")))
            }
            Self::NotLatin1 => {
                Some("transliterate it; names in other scripts have fields of their own".to_owned())
            }
            Self::DataUri => Some("remove everything up to and with `base64,`".to_owned()),
            Self::NotAnImage(error) => Some(error.hint().to_owned()),
            Self::DerivedConflict { .. } => Some("remove it from the data".to_owned()),
            Self::PortraitTwice => Some("give one of the two".to_owned()),
            Self::IssuerFactMissing { .. } => {
                Some("give it in the data if the format says overridable, or configure the issuer".to_owned())
            }
            _ => None,
        }
    }
}

impl fmt::Display for FillProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAnObject => f.write_str("the user data must be one JSON object"),
            Self::Missing => f.write_str("it is required and missing"),
            Self::BirthDateNeeded => f.write_str("it follows from the birth date, which is missing"),
            Self::IssuerFactMissing { fact } => write!(f, "it follows from {fact}, which is not known"),
            Self::UnknownField { .. } => f.write_str("the format has no such field"),
            Self::WrongType { expected, found } => write!(f, "it must be {expected}, but is {found}"),
            Self::BadDate { expected } => write!(f, "it must be {expected}, and the day must exist"),
            Self::TooShort { min: 1 } => f.write_str("it must not be empty"),
            Self::TooShort { min } => write!(f, "it must have at least {min} characters"),
            Self::TooLong { max, length } => {
                write!(f, "it has {length} characters, at most {max} are allowed")
            }
            Self::NotLatin1 => f.write_str("it has characters outside Latin-1 (ISO/IEC 8859-1)"),
            Self::ControlCharacter => f.write_str("it has control characters"),
            Self::PatternMismatch { pattern } => write!(f, "it does not match the pattern {pattern}"),
            Self::NotInTable { table, .. } => write!(f, "it is not in the code table {table}"),
            Self::OutOfRange { min, max: u64::MAX } => write!(f, "it must be at least {min}"),
            Self::OutOfRange { min, max } => write!(f, "it must be {min} to {max}"),
            Self::ItemCount { min, max } => write!(f, "it must have {min} to {max} items"),
            Self::TooFewMembers { min } => write!(f, "it must have at least {min} of its members"),
            Self::NotBase64 => f.write_str("it is not base64"),
            Self::DataUri => f.write_str("it is a data URI, but must be base64 alone"),
            Self::TooManyBytes { max } => write!(f, "it has more than {max} bytes"),
            Self::NotAnImage(error) => error.fmt(f),
            Self::DerivedConflict { derivation } => {
                write!(
                    f,
                    "it is derived by the rule {derivation}, and the data state something else"
                )
            }
            Self::PortraitTwice => f.write_str("it is in the data and given as a file, too"),
            Self::NoPortraitElement => f.write_str("the format has no element for a portrait"),
            Self::More(more) => more.fmt(f),
        }
    }
}

/// One fault of a person's data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FillError {
    /// The field, as a path in the user data: `driving_privileges[0]/issue_date`; empty for the data as a whole.
    pub field: String,
    /// The rule it breaks.
    pub problem: FillProblem,
}

impl FillError {
    /// Stable for ever: published, never renamed, never reused.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        self.problem.code()
    }

    /// What to do about it, in one line, where there is more to say than the sentence does.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        if self.field == super::PORTRAIT && self.problem == FillProblem::Missing {
            return Some("give an image file, or base64 in the data".to_owned());
        }
        self.problem.hint()
    }
}

impl fmt::Display for FillError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.field.is_empty() {
            write!(f, "{}: ", self.field)?;
        }
        self.problem.fmt(f)
    }
}

impl core::error::Error for FillError {}

impl Told for FillError {
    fn more(&self) -> Option<More> {
        match self.problem {
            FillProblem::More(more) => Some(more),
            _ => None,
        }
    }
}

/// Everything that is wrong with a person's data; never empty. Of each element the first hundred faults of every kind are
/// told, and if there are others, the last entry says how many ([`FillProblem::More`]).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FillErrors(pub Vec<FillError>);

impl FillErrors {
    /// How many faults there are, with those that are not told.
    #[must_use]
    pub fn count(&self) -> Count {
        more::count(&self.0)
    }
}

impl fmt::Display for FillErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        more::sentence(f, "the user data have", &self.0)
    }
}

impl core::error::Error for FillErrors {}

/// Something that need not be wrong, but that a person should look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FillWarning {
    /// The field, as in [`FillError::field`].
    pub field: String,
    /// What it is.
    pub notice: FillNotice,
}

/// What a [`FillWarning`] is about.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum FillNotice {
    /// The value is not in an open code table.
    Unlisted {
        /// The name of the table.
        table: String,
    },
    /// A picture was changed so that the document can have it.
    Picture(Change),
    /// The state or province of the signer is a name and no ISO 3166-2 code, so the optional element was left out.
    JurisdictionNotACode,
}

impl FillNotice {
    /// Stable for ever: published, never renamed, never reused.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unlisted { .. } => "fill.unlisted",
            Self::JurisdictionNotACode => "fill.jurisdiction-not-a-code",
            Self::Picture(change) => change.code(),
        }
    }
}

impl FillWarning {
    /// Stable for ever: published, never renamed, never reused.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        self.notice.code()
    }
}

impl fmt::Display for FillWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.field)?;
        match &self.notice {
            FillNotice::Unlisted { table } => write!(f, "it is not in the code table {table}"),
            FillNotice::Picture(change) => change.fmt(f),
            FillNotice::JurisdictionNotACode => f.write_str(
                "it is left out, because the state in the signer's certificate is not a code of ISO 3166-2",
            ),
        }
    }
}
