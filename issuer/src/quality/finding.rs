//! What the gate can find, with a code for programs and a sentence for people.

use core::fmt;

use crate::photo::PhotoError;

/// Whether a finding stops the document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth a look; the document may be signed.
    Warning,
    /// The document must not be signed.
    Error,
}

/// Something that is wrong, or odd, with an element of a document.
///
/// It names the element and the rule and shows no value of the person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The namespace of the element.
    pub namespace: String,
    /// The element, with the place in it where that helps: `driving_privileges[0]/expiry_date`.
    pub field: String,
    /// The rule that is not kept.
    pub rule: Rule,
}

impl Finding {
    /// Stable for ever: published, never renamed, never reused.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        self.rule.code()
    }

    /// Whether it stops the document.
    #[must_use]
    pub const fn severity(&self) -> Severity {
        self.rule.severity()
    }

    /// What to do about it, in one line.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        self.rule.hint()
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.rule)
    }
}

/// Largest portrait that does not slow down a reading over Bluetooth noticeably, in bytes.
pub(super) const PORTRAIT_ADVICE: usize = 40 * 1024;

/// A rule of the gate.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rule {
    /// An element that every document of the kind has is missing.
    MandatoryMissing,
    /// An element of the mDL namespace that the standard does not know.
    UnknownIdentifier,
    /// Not a text, number or structure of the type the standard gives the element.
    ValueType {
        /// The type it must be.
        expected: &'static str,
    },
    /// Not a date with the right tag and form, or a day that does not exist.
    DateForm {
        /// The form it must have.
        expected: &'static str,
    },
    /// The birth date is after validFrom.
    BirthDateFuture,
    /// The birth date is before 1875.
    BirthDateImplausible,
    /// The issue date is after validFrom.
    IssueDateFuture,
    /// The issue date is before the birth date.
    IssueBeforeBirth,
    /// The expiry date is before the issue date.
    ExpiryBeforeIssue,
    /// The expiry date is before validFrom.
    Expired,
    /// More than 150 characters.
    TextTooLong,
    /// Characters outside ISO/IEC 8859-1.
    TextNotLatin1,
    /// A text that should say something is empty.
    TextEmpty,
    /// Not two upper-case letters.
    CountryForm,
    /// Two upper-case letters that ISO 3166-1 does not list.
    CountryUnlisted,
    /// The issuing country is not the one of the signer's certificate.
    CountryNotOfSigner,
    /// The jurisdiction is not a code of ISO 3166-2.
    JurisdictionForm,
    /// The jurisdiction is not the state of the signer's certificate.
    JurisdictionNotOfSigner,
    /// The jurisdiction does not begin with the issuing country.
    JurisdictionNotOfCountry,
    /// The distinguishing sign is not in the list of the standard.
    SignUnlisted,
    /// The image is none, or does not decode.
    Image(PhotoError),
    /// The portrait is empty.
    ImageEmpty,
    /// A kind of image that this document does not allow.
    ImageKind,
    /// The portrait is larger than is good for reading over Bluetooth.
    PortraitLarge,
    /// A driving privilege or code without what it must have, or with what it must not.
    PrivilegeForm {
        /// What is wrong.
        what: &'static str,
    },
    /// A driving privilege that expires before it begins.
    PrivilegeDates,
    /// Nationality or place of birth is there, but says nothing.
    NothingStated,
    /// Looks like `age_over_NN`, but is spelled differently.
    AgeOverSpelling,
    /// The answer is not what the birth date says at validFrom.
    AgeOverWrong,
    /// Over a higher age, but not over a lower one.
    AgeOverContradiction,
    /// The age is not what the birth date says at validFrom.
    AgeWrong,
    /// The year is not the one of the birth date.
    BirthYearWrong,
}

impl Rule {
    /// Stable for ever: published, never renamed, never reused.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::MandatoryMissing => "quality.mandatory-missing",
            Self::UnknownIdentifier => "quality.unknown-identifier",
            Self::ValueType { .. } => "quality.value-type",
            Self::DateForm { .. } => "quality.date-form",
            Self::BirthDateFuture => "quality.birth-date-future",
            Self::BirthDateImplausible => "quality.birth-date-implausible",
            Self::IssueDateFuture => "quality.issue-date-future",
            Self::IssueBeforeBirth => "quality.issue-before-birth",
            Self::ExpiryBeforeIssue => "quality.expiry-before-issue",
            Self::Expired => "quality.expired",
            Self::TextTooLong => "quality.text-too-long",
            Self::TextNotLatin1 => "quality.text-not-latin1",
            Self::TextEmpty => "quality.text-empty",
            Self::CountryForm => "quality.country-form",
            Self::CountryUnlisted => "quality.country-unlisted",
            Self::CountryNotOfSigner => "quality.country-not-of-signer",
            Self::JurisdictionForm => "quality.jurisdiction-form",
            Self::JurisdictionNotOfSigner => "quality.jurisdiction-not-of-signer",
            Self::JurisdictionNotOfCountry => "quality.jurisdiction-not-of-country",
            Self::SignUnlisted => "quality.sign-unlisted",
            Self::Image(PhotoError::Truncated) => "quality.image-truncated",
            Self::Image(PhotoError::Undecodable) => "quality.image-undecodable",
            Self::Image(PhotoError::FileTooLarge { .. } | PhotoError::TooManyPixels { .. }) => {
                "quality.image-too-large"
            }
            Self::Image(_) => "quality.image-not-an-image",
            Self::ImageEmpty => "quality.image-empty",
            Self::ImageKind => "quality.image-kind",
            Self::PortraitLarge => "quality.portrait-large",
            Self::PrivilegeForm { .. } => "quality.privilege-form",
            Self::PrivilegeDates => "quality.privilege-dates",
            Self::NothingStated => "quality.nothing-stated",
            Self::AgeOverSpelling => "quality.age-over-spelling",
            Self::AgeOverWrong => "quality.age-over-wrong",
            Self::AgeOverContradiction => "quality.age-over-contradiction",
            Self::AgeWrong => "quality.age-wrong",
            Self::BirthYearWrong => "quality.birth-year-wrong",
        }
    }

    /// Whether breaking it stops the document.
    #[must_use]
    pub const fn severity(&self) -> Severity {
        match self {
            Self::IssueDateFuture
            | Self::CountryUnlisted
            | Self::SignUnlisted
            | Self::ImageEmpty
            | Self::PortraitLarge => Severity::Warning,
            _ => Severity::Error,
        }
    }

    /// What to do about it, in one line.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::MandatoryMissing => "add it to the data, or to the format if that leaves it out",
            Self::UnknownIdentifier => "put domestic elements into a namespace of their own",
            Self::ValueType { .. } | Self::PrivilegeForm { .. } => {
                "give the element in the format the type of the standard"
            }
            Self::DateForm { .. } => {
                "give the element in the format the type full-date, tdate or tdate-or-full-date"
            }
            Self::BirthDateFuture | Self::BirthDateImplausible | Self::IssueBeforeBirth => {
                "compare the birth date with the register"
            }
            Self::IssueDateFuture => "issue on that day, or correct the date",
            Self::ExpiryBeforeIssue | Self::Expired => "renew the administrative validity first",
            Self::TextTooLong => "shorten it as the register does on cards",
            Self::TextNotLatin1 => "transliterate it; the *_national_character elements take every script",
            Self::TextEmpty => "fill it in as the register has it",
            Self::CountryForm => "write the alpha-2 code of ISO 3166-1 in capital letters, such as NL",
            Self::CountryUnlisted => "check that this is the country that is meant",
            Self::CountryNotOfSigner | Self::JurisdictionNotOfSigner => {
                "sign with the certificate of that country or state, or correct the data"
            }
            Self::JurisdictionForm => "write the code of ISO 3166-2, such as NL-UT",
            Self::JurisdictionNotOfCountry => {
                "write a code of ISO 3166-2 that begins with the issuing country"
            }
            Self::SignUnlisted => "check the sign; an empty one is allowed if the country has none",
            Self::Image(error) => error.hint(),
            Self::ImageEmpty => "add a portrait, unless the person has opted out",
            Self::ImageKind => "convert the picture to JPEG",
            Self::PortraitLarge => "scale it to about 480 by 600 pixels or compress it more",
            Self::PrivilegeDates => "compare the dates of the category with the register",
            Self::NothingStated => "state at least one value",
            Self::AgeOverSpelling => "spell it age_over_18: two underscores, two digits",
            Self::AgeOverWrong | Self::AgeWrong | Self::BirthYearWrong | Self::AgeOverContradiction => {
                "let the format derive it from the birth date"
            }
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MandatoryMissing => "it is mandatory in every document of this type and missing",
            Self::UnknownIdentifier => "the standard has no such element in this namespace",
            Self::ValueType { expected } => return write!(f, "it must be {expected}"),
            Self::DateForm { expected } => return write!(f, "it must be {expected}, and the day must exist"),
            Self::BirthDateFuture => "the birth date is in the future",
            Self::BirthDateImplausible => "the birth date is before 1875",
            Self::IssueDateFuture => "it is in the future",
            Self::IssueBeforeBirth => "it is before the birth date",
            Self::ExpiryBeforeIssue => "the expiry date is before the issue date",
            Self::Expired => "the expiry date is past",
            Self::TextTooLong => "it has more than 150 characters",
            Self::TextNotLatin1 => "it has characters outside Latin-1 (ISO/IEC 8859-1)",
            Self::TextEmpty => "it is empty or blank",
            Self::CountryForm => "it is not a country code of two capital letters",
            Self::CountryUnlisted => "it is not a country code that ISO 3166-1 lists",
            Self::CountryNotOfSigner => "it is not the country of the signer's certificate",
            Self::JurisdictionForm => "it is not a code of ISO 3166-2",
            Self::JurisdictionNotOfSigner => "it is not the state of the signer's certificate",
            Self::JurisdictionNotOfCountry => "it does not begin with the issuing country",
            Self::SignUnlisted => "it is not a distinguishing sign that the standard lists",
            Self::Image(error) => return error.fmt(f),
            Self::ImageEmpty => "the image is empty",
            Self::ImageKind => "this document allows only JPEG",
            Self::PortraitLarge => return write!(f, "it is larger than {} KiB", PORTRAIT_ADVICE / 1024),
            Self::PrivilegeForm { what } => what,
            Self::PrivilegeDates => "it expires before it begins",
            Self::NothingStated => "it states nothing",
            Self::AgeOverSpelling => "it looks like age_over_NN, but is spelled differently",
            Self::AgeOverWrong => "it is not what the birth date says at validFrom",
            Self::AgeOverContradiction => "it is true for a higher age and false for a lower one",
            Self::AgeWrong => "it is not the age at validFrom",
            Self::BirthYearWrong => "it is not the year of the birth date",
        })
    }
}
