//! Requests: presets that ask for the least, or a TOML file.

use core::fmt;

use mdoc_core::device_request::{ItemsRequest, RequestedElement};
use mdoc_core::verify::MDL_MANDATORY;
use serde::Deserialize;

/// A request by name, for the questions that are asked most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Preset {
    /// The name on the command line.
    pub name: &'static str,
    /// What it asks, in a few words.
    pub about: &'static str,
    doc_type: &'static str,
    name_spaces: &'static [(&'static str, &'static [&'static str])],
}

const MDL: &str = "org.iso.18013.5.1.mDL";
const MDL_ELEMENTS: &str = "org.iso.18013.5.1";
const PID: &str = "eu.europa.ec.eudi.pid.1";
const BADGE: &str = "com.example.access-badge.1";

/// Every preset. None of them asks to keep anything.
pub const PRESETS: &[Preset] = &[
    Preset {
        name: "age-over-18",
        about: "portrait, and whether the holder is 18 or older",
        doc_type: MDL,
        name_spaces: &[(MDL_ELEMENTS, &["age_over_18", "portrait"])],
    },
    Preset {
        name: "age-over-21",
        about: "portrait, and whether the holder is 21 or older",
        doc_type: MDL,
        name_spaces: &[(MDL_ELEMENTS, &["age_over_21", "portrait"])],
    },
    Preset {
        name: "identity",
        about: "portrait, name, birth date, document number and issuer",
        doc_type: MDL,
        name_spaces: &[(
            MDL_ELEMENTS,
            &[
                "family_name",
                "given_name",
                "birth_date",
                "portrait",
                "document_number",
                "issuing_country",
                "issuing_authority",
                "expiry_date",
            ],
        )],
    },
    Preset {
        name: "mdl-full",
        about: "the mandatory elements of a driving licence, as a traffic police needs them",
        doc_type: MDL,
        name_spaces: &[(MDL_ELEMENTS, MDL_MANDATORY.as_slice())],
    },
    Preset {
        name: "pid",
        about: "name, birth date, nationality and portrait of an EU person identification",
        doc_type: PID,
        name_spaces: &[(
            PID,
            &[
                "family_name",
                "given_name",
                "birth_date",
                "nationality",
                "portrait",
            ],
        )],
    },
    Preset {
        name: "access-badge",
        about: "site, zones and card number of an access badge",
        doc_type: BADGE,
        name_spaces: &[(BADGE, &["site", "zones", "card_number", "portrait"])],
    },
];

/// The preset of that name.
#[must_use]
pub fn preset(name: &str) -> Option<&'static Preset> {
    PRESETS.iter().find(|preset| preset.name == name)
}

impl Preset {
    /// The request; nothing is to be retained.
    #[must_use]
    pub fn request(&self) -> Vec<ItemsRequest> {
        let element = |name: &&str| RequestedElement {
            identifier: (*name).to_owned(),
            intent_to_retain: false,
        };
        let space =
            |(name, elements): &(&str, &[&str])| ((*name).to_owned(), elements.iter().map(element).collect());
        vec![ItemsRequest {
            doc_type: self.doc_type.to_owned(),
            name_spaces: self.name_spaces.iter().map(space).collect(),
        }]
    }
}

/// Largest request file that is read, in bytes; a request for all elements of a licence has two thousand.
pub const LARGEST_FILE: usize = 64 * 1024;

/// What is wrong with a request file.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RequestError {
    /// Larger than [`LARGEST_FILE`].
    TooLarge,
    /// Not TOML, or not in the form described at [`parse`]; with line and column.
    Form(String),
    /// It asks for no document, or for none of a document's elements.
    Empty(String),
    /// More than two ages are asked for, which the standard does not allow.
    TooManyAges(usize),
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge => write!(f, "the request is larger than {} KiB", LARGEST_FILE / 1024),
            Self::Form(what) => write!(f, "the request does not read: {what}"),
            Self::Empty(doc_type) if doc_type.is_empty() => f.write_str("the request asks for no document"),
            Self::Empty(doc_type) => write!(f, "the request asks for no element of `{doc_type}`"),
            Self::TooManyAges(count) => write!(
                f,
                "the request asks for {count} age statements; ISO/IEC 18013-5 allows two in one retrieval"
            ),
        }
    }
}

impl core::error::Error for RequestError {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    document: Vec<DocumentTable>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct DocumentTable {
    doc_type: String,
    #[serde(default)]
    elements: toml::Table,
}

/// Reads a request from TOML. `true` says that the verifier means to keep the element.
///
/// ```toml
/// [[document]]
/// docType = "org.iso.18013.5.1.mDL"
///
/// [document.elements."org.iso.18013.5.1"]
/// age_over_18 = false
/// portrait = false
/// ```
///
/// # Errors
/// [`RequestError`] with line and column where the file is at fault, or if it is too large.
pub fn parse(text: &str) -> Result<Vec<ItemsRequest>, RequestError> {
    if text.len() > LARGEST_FILE {
        return Err(RequestError::TooLarge);
    }
    let file: File = toml::from_str(text).map_err(|error| RequestError::Form(error.to_string()))?;
    if file.document.is_empty() {
        return Err(RequestError::Empty(String::new()));
    }
    let mut requests = Vec::new();
    for document in file.document {
        let mut name_spaces = Vec::new();
        for (name_space, elements) in document.elements {
            let toml::Value::Table(elements) = elements else {
                let what = format!("`{name_space}` is not a table of elements");
                return Err(RequestError::Form(what));
            };
            let mut requested = Vec::new();
            for (identifier, retain) in elements {
                let toml::Value::Boolean(intent_to_retain) = retain else {
                    let what =
                        format!("`{identifier}` of `{name_space}` is neither true (to be kept) nor false");
                    return Err(RequestError::Form(what));
                };
                requested.push(RequestedElement {
                    identifier,
                    intent_to_retain,
                });
            }
            if !requested.is_empty() {
                name_spaces.push((name_space, requested));
            }
        }
        if name_spaces.is_empty() {
            return Err(RequestError::Empty(document.doc_type));
        }
        requests.push(ItemsRequest {
            doc_type: document.doc_type,
            name_spaces,
        });
    }
    check_ages(&requests)?;
    Ok(requests)
}

fn check_ages(requests: &[ItemsRequest]) -> Result<(), RequestError> {
    for request in requests {
        let elements = request.name_spaces.iter().flat_map(|(_, elements)| elements);
        let is_age =
            |element: &&RequestedElement| mdoc_core::present::age_threshold(&element.identifier).is_some();
        match elements.filter(is_age).count() {
            0..=2 => {}
            more => return Err(RequestError::TooManyAges(more)),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_preset_keeps_anything_or_asks_for_more_than_two_ages() {
        for preset in PRESETS {
            let request = preset.request();
            check_ages(&request).unwrap();
            let elements = request[0].name_spaces.iter().flat_map(|(_, elements)| elements);
            assert!(elements.clone().count() > 0);
            assert!(
                elements.into_iter().all(|element| !element.intent_to_retain),
                "{}",
                preset.name
            );
        }
        assert_eq!(
            preset("age-over-18").unwrap().request()[0].name_spaces[0].1.len(),
            2
        );
    }

    #[test]
    fn a_file_says_what_is_kept() {
        let text = "[[document]]\ndocType = \"t\"\n[document.elements.\"n.s\"]\na = true\nb = false\n";
        let request = parse(text).unwrap();
        assert_eq!(request[0].doc_type, "t");
        let keep: Vec<bool> = request[0].name_spaces[0]
            .1
            .iter()
            .map(|e| e.intent_to_retain)
            .collect();
        assert_eq!(keep, [true, false]);
    }

    #[test]
    fn faults_of_a_file_are_named() {
        let error = parse("[[document]]\ndoctype = \"t\"").unwrap_err().to_string();
        assert!(error.contains("doctype") && error.contains("line 2"), "{error}");
        assert_eq!(parse(""), Err(RequestError::Empty(String::new())));
        assert_eq!(
            parse("[[document]]\ndocType = \"t\""),
            Err(RequestError::Empty("t".to_owned()))
        );
        let kept = parse("[[document]]\ndocType = \"t\"\n[document.elements.n]\na = \"yes\"").unwrap_err();
        assert!(kept.to_string().contains("`a` of `n`"), "{kept}");
        let large = " ".repeat(LARGEST_FILE + 1);
        assert_eq!(parse(&large), Err(RequestError::TooLarge));
        assert_eq!(parse(&large[1..]), Err(RequestError::Empty(String::new())));
        let ages = "[[document]]\ndocType = \"t\"\n[document.elements.n]\nage_over_16=false\nage_over_18=false\nage_over_21=false";
        assert_eq!(parse(ages), Err(RequestError::TooManyAges(3)), "trap 39");
    }
}
