//! Document formats: what a document looks like, described in an XML file instead of in code.
//!
//! A [`Format`] names the docType, the namespaces and their elements, and says of each element which type it has,
//! which limits, and where its value comes from. [`Format::read`] makes one from XML; [`Catalogue`] holds the shipped
//! ones together with an organisation's own; [`fill()`](fill::fill) applies one to a person's data.
//!
//! How to write such a file is told in `document-formats/README.md`.

pub mod ageing;
pub mod catalogue;
pub mod codes;
pub mod derive;
pub mod describe;
pub mod error;
pub mod fill;
pub mod more;
pub mod sample;
pub mod start;
pub mod types;

pub(crate) mod xml;

pub use catalogue::Catalogue;
pub use error::{FormatCode, FormatError, FormatErrors};

use derive::Derivation;
use types::ValueType;

/// The XML namespace of a format file.
pub const XML_NAMESPACE: &str = "urn:mdoc-issuer:document-format:1";

/// What a kind of document looks like.
///
/// Having one says that the file was right in every respect that can be checked without a person's data.
#[derive(Debug, Clone, PartialEq)]
pub struct Format {
    /// The name on the command line, for example `iso-18013-5-mdl`.
    pub name: String,
    /// The version of this description, as its author counts.
    pub version: String,
    /// The name that people see.
    pub display_name: String,
    /// What it is for, in a sentence or two.
    pub description: Option<String>,
    /// The docType, for example `org.iso.18013.5.1.mDL`.
    pub doctype: String,
    /// What a document that is switched off says online.
    pub when_disabled: WhenDisabled,
    /// The namespaces, in the order of the file; at least one.
    pub namespaces: Vec<Namespace>,
}

/// What the online status of a disabled document is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WhenDisabled {
    /// Suspended: it may come back.
    #[default]
    Suspended,
    /// Revoked, where the standard knows nothing else, as for driving licences: what comes back is signed anew.
    Revoked,
}

/// A namespace of a [`Format`].
#[derive(Debug, Clone, PartialEq)]
pub struct Namespace {
    /// The name, for example `org.iso.18013.5.1`.
    pub name: String,
    /// The elements, in the order of the file; at least one.
    pub elements: Vec<Element>,
}

/// A data element of a [`Namespace`], or a set of them that one derivation makes.
#[derive(Debug, Clone, PartialEq)]
pub struct Element {
    /// The identifier; for a set it ends with `NN`, which two digits replace.
    pub identifier: String,
    /// The name that people see.
    pub display_name: Option<String>,
    /// Whether no document is issued without it.
    pub required: bool,
    /// The type and limits of the value.
    pub value_type: ValueType,
    /// Where the value comes from.
    pub origin: Origin,
}

/// Where the value of an element comes from.
#[derive(Debug, Clone, PartialEq)]
pub enum Origin {
    /// From the user data.
    Data(DataPath),
    /// From a rule.
    Derived {
        /// The rule.
        derivation: Derivation,
        /// Whether a value in the user data comes before the rule; otherwise it may only repeat its result.
        overridable: bool,
        /// Where in the user data such a value stands.
        path: DataPath,
    },
}

/// A place in the user data: the names to follow from the outermost object; never empty.
///
/// As text, the names are separated by `/`: `address/street`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DataPath(Vec<String>);

impl Format {
    /// Largest format file, in bytes.
    pub const LARGEST_FILE: usize = 1024 * 1024;

    /// Reads a format from the bytes of an XML file.
    ///
    /// # Errors
    /// [`FormatErrors`] with everything that is wrong, each with line and column. Never panics, whatever the bytes.
    pub fn read(xml: &[u8]) -> Result<Self, FormatErrors> {
        xml::read(xml)
    }

    /// Every element with the name of its namespace, in the order of the file.
    pub fn elements(&self) -> impl Iterator<Item = (&str, &Element)> {
        self.namespaces.iter().flat_map(|namespace| {
            namespace
                .elements
                .iter()
                .map(|element| (namespace.name.as_str(), element))
        })
    }

    /// The element of this identifier in this namespace.
    #[must_use]
    pub fn element(&self, namespace: &str, identifier: &str) -> Option<&Element> {
        self.elements()
            .find(|(n, element)| *n == namespace && element.identifier == identifier)
            .map(|(_, e)| e)
    }
}

impl Element {
    /// Where the user data may state the value.
    #[must_use]
    pub const fn path(&self) -> &DataPath {
        match &self.origin {
            Origin::Data(path) | Origin::Derived { path, .. } => path,
        }
    }
}

impl DataPath {
    /// Most names in a path.
    pub const DEEPEST: usize = 8;

    /// The place of a single name in the outermost object; the name may contain `/`.
    #[must_use]
    pub fn of(name: &str) -> Self {
        Self(vec![name.to_owned()])
    }

    /// Reads names separated by `/`. `None` if a name is empty, or if there are more than [`Self::DEEPEST`].
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let names: Vec<String> = text.split('/').map(str::to_owned).collect();
        (names.len() <= Self::DEEPEST && names.iter().all(|name| !name.is_empty())).then_some(Self(names))
    }

    /// The names, from the outermost object inwards.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.0
    }

    /// What stands at this place; `null` counts as nothing.
    #[must_use]
    pub fn find<'d>(&self, data: &'d serde_json::Value) -> Option<&'d serde_json::Value> {
        self.0
            .iter()
            .try_fold(data, |value, name| value.get(name))
            .filter(|value| !value.is_null())
    }
}

impl core::fmt::Display for DataPath {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(&self.0.join("/"))
    }
}
