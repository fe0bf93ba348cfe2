//! What is wrong with a format file.

use core::fmt;

use super::more::{self, Count, More, Told};

/// What kind of fault it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum FormatCode {
    /// The file is larger than [`super::Format::LARGEST_FILE`].
    TooLarge,
    /// The file is not UTF-8.
    NotUtf8,
    /// The file is not well-formed XML.
    NotXml,
    /// The file has a document type declaration, and with it perhaps entities.
    Dtd,
    /// The elements of the file are nested too deeply, or there are too many.
    TooComplex,
    /// The root is not `document-format` in the right XML namespace.
    WrongRoot,
    /// An XML element that does not belong there.
    UnknownElement,
    /// An XML attribute that does not exist.
    UnknownAttribute,
    /// An attribute that does not go with this type or derivation.
    MisplacedAttribute,
    /// An attribute or a child is missing.
    Missing,
    /// Text where none belongs.
    UnexpectedText,
    /// A value of an attribute that cannot be.
    BadValue,
    /// A type that does not exist.
    BadType,
    /// A derivation that does not exist, or cannot be used this way.
    BadDerivation,
    /// An age that is not 00 to 99.
    BadAge,
    /// A pattern that is no regular expression, or too large a one.
    BadPattern,
    /// The name of a code table that does not exist.
    UnknownCodeTable,
    /// An identifier, namespace, member, table or code that stands twice.
    Duplicate,
    /// Both a source and a derivation.
    SourceAndDerivation,
    /// Not a fault of its own: there are more than those that are told, and this is where they go on. It comes last.
    More(More),
}

impl FormatCode {
    /// Stable for ever: published, never renamed, never reused.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::TooLarge => "format.too-large",
            Self::NotUtf8 => "format.not-utf8",
            Self::NotXml => "format.not-xml",
            Self::Dtd => "format.dtd",
            Self::TooComplex => "format.too-complex",
            Self::WrongRoot => "format.wrong-root",
            Self::UnknownElement => "format.unknown-element",
            Self::UnknownAttribute => "format.unknown-attribute",
            Self::MisplacedAttribute => "format.misplaced-attribute",
            Self::Missing => "format.missing",
            Self::UnexpectedText => "format.unexpected-text",
            Self::BadValue => "format.bad-value",
            Self::BadType => "format.bad-type",
            Self::BadDerivation => "format.bad-derivation",
            Self::BadAge => "format.bad-age",
            Self::BadPattern => "format.bad-pattern",
            Self::UnknownCodeTable => "format.unknown-code-table",
            Self::Duplicate => "format.duplicate",
            Self::SourceAndDerivation => "format.source-and-derivation",
            Self::More(_) => "format.more",
        }
    }
}

/// One fault of a format file, and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormatError {
    /// Line in the file, from 1.
    pub line: u32,
    /// Column in the line, in characters from 1.
    pub column: u32,
    /// The place in the document: `document-format/namespace[org.iso.18013.5.1]/element[height]`; may be empty.
    pub path: String,
    /// What kind of fault it is.
    pub code: FormatCode,
    /// The fault in a sentence.
    pub message: String,
}

impl fmt::Display for FormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: {}", self.line, self.column, self.message)
    }
}

impl core::error::Error for FormatError {}

impl Told for FormatError {
    fn more(&self) -> Option<More> {
        match self.code {
            FormatCode::More(more) => Some(more),
            _ => None,
        }
    }
}

/// Everything that is wrong with a format file, in the order of the file; never empty. If there is more than is told, the
/// last entry says so ([`FormatCode::More`]).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormatErrors(pub Vec<FormatError>);

impl FormatErrors {
    /// Most faults that are reported of one file.
    pub const MOST: usize = 200;

    /// How many faults there are, with those that are not told.
    #[must_use]
    pub fn count(&self) -> Count {
        more::count(&self.0)
    }
}

impl fmt::Display for FormatErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        more::sentence(f, "the format has", &self.0)
    }
}

impl core::error::Error for FormatErrors {}
