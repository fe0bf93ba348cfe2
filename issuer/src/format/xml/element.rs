//! One element of a format: its type with the limits, and where its value comes from.

use roxmltree::Node;
use serde_json::Value as Json;

use super::Reader;
use super::value_type::TYPED;
use crate::format::derive::{Derivation, Lifetime, set_identifier};
use crate::format::error::FormatCode;
use crate::format::fill::Converter;
use crate::format::types::ValueType;
use crate::format::{DataPath, Element, Origin};
use mdoc_cli::nearest::nearest;

/// Attributes of `element` that say where the value comes from, and who it is.
const ORIGINS: [&str; 9] = [
    "identifier",
    "required",
    "display-name",
    "source",
    "derive",
    "age",
    "ages",
    "lifetime",
    "value",
];

/// The attribute that goes with a derivation, and that it needs.
fn parameter_of(derivation: &str) -> Option<&'static str> {
    match derivation {
        "age-over" => Some("age"),
        "age-over-set" => Some("ages"),
        "expiry" => Some("lifetime"),
        "constant" => Some("value"),
        _ => None,
    }
}

impl<'d> Reader<'d> {
    /// Reads an `element`. Returns it, if nothing is wrong with it, and the identifiers that it makes in a document.
    pub(super) fn element(&mut self, node: Node<'d, 'd>) -> (Option<Element>, Vec<String>) {
        let before = self.faults.count();
        let known: Vec<&str> = ORIGINS
            .iter()
            .chain(&["overridable"])
            .chain(&TYPED)
            .copied()
            .collect();
        self.faults.check_attributes(node, &known);
        let identifier = self.faults.required_name(node, "identifier");
        let required = self.faults.flag(node, "required");
        let value_type = self.value_type(node);
        let derivation = self.derivation(node, value_type.as_ref());
        let origin = self.origin(node, identifier.unwrap_or_default(), derivation);
        let names = self.names(node, identifier, &origin);
        let element = match (identifier, value_type) {
            (Some(identifier), Some(value_type)) if self.faults.count() == before => Some(Element {
                identifier: identifier.to_owned(),
                display_name: node.attribute("display-name").map(str::to_owned),
                required,
                value_type,
                origin,
            }),
            _ => None,
        };
        (element, names)
    }

    /// The identifiers an element makes; checks that they fit its derivation.
    fn names(&mut self, node: Node<'d, 'd>, identifier: Option<&str>, origin: &Origin) -> Vec<String> {
        let Some(identifier) = identifier else {
            return Vec::new();
        };
        let Origin::Derived { derivation, .. } = origin else {
            return vec![identifier.to_owned()];
        };
        let message = match derivation {
            Derivation::AgeOver(age) if !identifier.ends_with(&format!("_{age:02}")) => {
                format!(
                    "an element that says whether the age is over {age} must have an identifier that ends with _{age:02}"
                )
            }
            _ if derivation.is_set() && !identifier.ends_with("_NN") => {
                "a set of ages needs an identifier that ends with _NN, which two digits replace".to_owned()
            }
            Derivation::AgeOverSet(ages) => {
                return ages.iter().map(|nn| set_identifier(identifier, *nn)).collect();
            }
            _ => return vec![identifier.to_owned()],
        };
        self.faults
            .note_attribute::<()>(node, "identifier", FormatCode::BadDerivation, message);
        Vec::new()
    }

    fn origin(&mut self, node: Node<'d, 'd>, identifier: &str, derivation: Option<Derivation>) -> Origin {
        let source = node.attribute("source");
        let path = source.map_or_else(
            || DataPath::of(identifier),
            |source| {
                DataPath::parse(source).unwrap_or_else(|| {
                    let message = format!(
                        "source must be at most {} names separated by /",
                        DataPath::DEEPEST
                    );
                    self.faults
                        .note_attribute::<()>(node, "source", FormatCode::BadValue, message);
                    DataPath::of(identifier)
                })
            },
        );
        let overridable = self.faults.flag(node, "overridable");
        if source.is_some() && node.has_attribute("derive") {
            let message = "an element has either a source or a derivation".to_owned();
            self.faults
                .note_attribute::<()>(node, "source", FormatCode::SourceAndDerivation, message);
        }
        let fixed = derivation.as_ref().is_some_and(Derivation::needs_birth_date);
        if overridable && (fixed || !node.has_attribute("derive")) {
            let message = if fixed {
                "ages follow from the birth date and cannot be overridable"
            } else {
                "overridable goes with derive only"
            };
            self.faults.note_attribute::<()>(
                node,
                "overridable",
                FormatCode::MisplacedAttribute,
                message.to_owned(),
            );
        }
        match derivation {
            Some(derivation) => Origin::Derived {
                derivation,
                overridable,
                path,
            },
            None => Origin::Data(path),
        }
    }

    fn derivation(&mut self, node: Node<'d, 'd>, value_type: Option<&ValueType>) -> Option<Derivation> {
        let name = node.attribute("derive");
        let parameter = name.and_then(parameter_of);
        // Of a derivation that does not exist, nobody can say which attributes go with it.
        let known = name.is_none_or(|name| Derivation::NAMES.contains(&name));
        for attribute in ["age", "ages", "lifetime", "value"] {
            if known && Some(attribute) != parameter && node.has_attribute(attribute) {
                let message = name.map_or_else(
                    || format!("{attribute} goes with derive only"),
                    |name| format!("{attribute} does not go with the derivation {name}"),
                );
                self.faults
                    .note_attribute::<()>(node, attribute, FormatCode::MisplacedAttribute, message);
            }
        }
        let name = name?;
        // An empty constant is a value, for example of a distinguishing sign.
        let text = match parameter {
            Some("value") if node.has_attribute("value") => node.attribute("value"),
            Some(parameter) => Some(self.faults.required(node, parameter)?),
            None => None,
        }
        .unwrap_or_default();
        let derivation = match name {
            "age-over" => match self.ages(node, "age", text).as_slice() {
                [age] => Derivation::AgeOver(*age),
                _ => return None,
            },
            "age-over-set" => Derivation::AgeOverSet(self.ages(node, "ages", text)),
            "nearest-age-set" => Derivation::NearestAgeSet,
            "age-in-years" => Derivation::AgeInYears,
            "age-birth-year" => Derivation::AgeBirthYear,
            "issue-date" => Derivation::IssueDate,
            "issuing-country" => Derivation::IssuingCountry,
            "issuing-jurisdiction" => Derivation::IssuingJurisdiction,
            "issuing-authority" => Derivation::IssuingAuthority,
            "un-distinguishing-sign" => Derivation::UnDistinguishingSign,
            "expiry" => match Lifetime::parse(text) {
                Some(lifetime) => Derivation::Expiry(lifetime),
                None => {
                    let message =
                        "lifetime must be a number of days, months or years, such as 10 years".to_owned();
                    return self
                        .faults
                        .note_attribute(node, "lifetime", FormatCode::BadValue, message);
                }
            },
            "constant" => Derivation::Constant(self.constant(node, text, value_type?)?),
            other => {
                let mut message = format!("there is no derivation {other}");
                if let Some(meant) = nearest(other, Derivation::NAMES) {
                    message.push_str(&format!(", did you mean {meant}?"));
                }
                return self
                    .faults
                    .note_attribute(node, "derive", FormatCode::BadDerivation, message);
            }
        };
        let needed = value_type.and_then(|value_type| wrong_type_for(&derivation, value_type));
        if let Some(needed) = needed {
            let message = format!("the derivation {name} needs the type {needed}");
            return self
                .faults
                .note_attribute(node, "derive", FormatCode::BadDerivation, message);
        }
        Some(derivation)
    }

    /// The ages of a list, ascending; a single one for the attribute `age`.
    fn ages(&mut self, node: Node<'d, 'd>, attribute: &str, text: &str) -> Vec<u8> {
        let mut ages: Vec<u8> = Vec::new();
        for word in text.split_ascii_whitespace() {
            let plain = word.len() <= 2 && word.bytes().all(|b| b.is_ascii_digit());
            match word.parse().ok().filter(|_| plain) {
                Some(age) if ages.contains(&age) => {
                    let message = format!("the age {age:02} stands twice");
                    self.faults
                        .note_attribute::<()>(node, attribute, FormatCode::Duplicate, message);
                }
                Some(age) => ages.push(age),
                None => {
                    let message = format!("{word} is no age from 00 to 99");
                    self.faults
                        .note_attribute::<()>(node, attribute, FormatCode::BadAge, message);
                }
            }
        }
        if attribute == "age" && text.split_ascii_whitespace().count() != 1 {
            let message = "age must be one age from 00 to 99; for several there is age-over-set".to_owned();
            self.faults
                .note_attribute::<()>(node, attribute, FormatCode::BadAge, message);
        }
        ages.sort_unstable();
        ages
    }

    /// A constant as the JSON that user data would have, tried against the type.
    fn constant(&mut self, node: Node<'d, 'd>, text: &str, value_type: &ValueType) -> Option<Json> {
        let json = match value_type {
            ValueType::Uint(_) => text.parse::<u64>().map_or_else(|_| Json::from(text), Json::from),
            ValueType::Bool if text == "true" => Json::Bool(true),
            ValueType::Bool if text == "false" => Json::Bool(false),
            ValueType::Array(_) | ValueType::Map(_) => {
                serde_json::from_str(text).unwrap_or_else(|_| Json::from(text))
            }
            _ => Json::from(text),
        };
        let mut converter = Converter::default();
        converter.convert("value", value_type, &json);
        let errors = converter.errors.into_told();
        for error in &errors {
            let message = format!("the constant does not suit its own element: {}", error.problem);
            self.faults
                .note_attribute::<()>(node, "value", FormatCode::BadValue, message);
        }
        errors.is_empty().then_some(json)
    }
}

/// The type that a derivation needs, if this is not it.
const fn wrong_type_for(derivation: &Derivation, value_type: &ValueType) -> Option<&'static str> {
    let (fits, needed) = match derivation {
        Derivation::AgeOver(_) | Derivation::AgeOverSet(_) | Derivation::NearestAgeSet => {
            (matches!(value_type, ValueType::Bool), "bool")
        }
        Derivation::AgeInYears | Derivation::AgeBirthYear => {
            (matches!(value_type, ValueType::Uint(_)), "uint")
        }
        Derivation::Expiry(_) | Derivation::IssueDate => (
            matches!(
                value_type,
                ValueType::FullDate | ValueType::Tdate | ValueType::TdateOrFullDate
            ),
            "full-date, tdate or tdate-or-full-date",
        ),
        Derivation::Constant(_) => (
            !matches!(value_type, ValueType::Bytes(_)),
            "of a text, date, number or truth value",
        ),
        Derivation::IssuingCountry
        | Derivation::IssuingJurisdiction
        | Derivation::IssuingAuthority
        | Derivation::UnDistinguishingSign => (matches!(value_type, ValueType::Text(_)), "tstr"),
    };
    if fits { None } else { Some(needed) }
}
