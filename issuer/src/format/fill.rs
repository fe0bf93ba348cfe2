//! A person's data and a format become the elements of a document.

mod convert;
mod error;
mod found;
mod unknown;

use std::collections::BTreeSet;

use mdoc_core::time::{FullDate, Timestamp};
use mdoc_core::value::{self, Value};
use serde_json::Value as Json;

pub(crate) use convert::Converter;
pub use error::{FillError, FillErrors, FillNotice, FillProblem, FillWarning};

use super::codes::{has_subdivision_form, sign_of};
use super::derive::{Derivation, set_identifier};
use super::types::ValueType;
use super::{DataPath, Element, Format, Origin};
use crate::photo::Decoded;
use unknown::Known;

/// What is known of the issuer, from the certificate of the signer and the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IssuerFacts {
    /// C of the subject of the signer's certificate: an alpha-2 code of ISO 3166-1.
    pub country: String,
    /// ST of the subject of the signer's certificate, if it has one; should be a code of ISO 3166-2.
    pub jurisdiction: Option<String>,
    /// The name of the issuing authority, as configured.
    pub authority: Option<String>,
}

/// The times that derivations start from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    /// validFrom of the document: ages are those of this day, in UTC.
    pub valid_from: Timestamp,
    /// The administrative date of issue.
    pub issue_date: FullDate,
}

/// The elements of a document, ready for the data-quality gate and for signing.
///
/// Having one says that every value has the type and keeps the limits of its format; not yet that the values make
/// sense together: for that see [`crate::quality::check`].
#[derive(Debug, Clone, PartialEq)]
pub struct Filled {
    /// The docType.
    pub doctype: String,
    /// Namespaces and their elements, both in the order of the format; none of them is empty.
    pub namespaces: Vec<(String, Vec<(String, Value)>)>,
    /// What a person should look at.
    pub warnings: Vec<FillWarning>,
}

impl Filled {
    /// The value of an element.
    #[must_use]
    pub fn element(&self, namespace: &str, identifier: &str) -> Option<&Value> {
        self.elements()
            .find(|(n, i, _)| *n == namespace && *i == identifier)
            .map(|(_, _, value)| value)
    }

    /// Every element as namespace, identifier and value.
    pub fn elements(&self) -> impl Iterator<Item = (&str, &str, &Value)> {
        self.namespaces.iter().flat_map(|(namespace, elements)| {
            elements
                .iter()
                .map(move |(i, v)| (namespace.as_str(), i.as_str(), v))
        })
    }
}

/// Applies a format to a person's data.
///
/// `data` is a JSON object; `null` counts as absent. `portrait` is an image file for the element `portrait`, instead of
/// base64 in the data.
///
/// # Errors
/// [`FillErrors`] with everything that is wrong, by field. It shows names of fields and rules, no values.
pub fn fill(
    format: &Format,
    data: &Json,
    portrait: Option<&[u8]>,
    facts: &IssuerFacts,
    times: &Times,
) -> Result<Filled, FillErrors> {
    fill_noting(format, data, portrait, facts, times).map(|(filled, _)| filled)
}

/// Like [`fill`]; notes which pictures were decoded meanwhile, for the data-quality gate.
pub(crate) fn fill_noting(
    format: &Format,
    data: &Json,
    portrait: Option<&[u8]>,
    facts: &IssuerFacts,
    times: &Times,
) -> Result<(Filled, Decoded), FillErrors> {
    let mut filling = Filling {
        format,
        data,
        portrait,
        facts,
        valid_from: times.valid_from.date(),
        birth_stated: false,
        birth_date: None,
        issue_date: times.issue_date,
        converter: Converter::default(),
    };
    let namespaces = filling.run();
    let Converter {
        errors,
        warnings,
        decoded,
    } = filling.converter;
    if errors.is_empty() {
        let filled = Filled {
            doctype: format.doctype.clone(),
            namespaces,
            warnings,
        };
        Ok((filled, decoded))
    } else {
        Err(FillErrors(errors.into_told()))
    }
}

/// The work of [`fill`].
struct Filling<'a> {
    format: &'a Format,
    data: &'a Json,
    portrait: Option<&'a [u8]>,
    facts: &'a IssuerFacts,
    valid_from: FullDate,
    /// Whether the data have a birth date, even if it is no date.
    birth_stated: bool,
    /// `None` also if the data have one that is no date.
    birth_date: Option<FullDate>,
    issue_date: FullDate,
    converter: Converter,
}

/// The element that takes the portrait given as a file.
const PORTRAIT: &str = "portrait";
/// The element, or else the field, that ages are counted from.
const BIRTH_DATE: &str = "birth_date";

impl Filling<'_> {
    fn run(&mut self) -> Vec<(String, Vec<(String, Value)>)> {
        if !self.data.is_object() {
            self.converter.fail::<()>("", FillProblem::NotAnObject);
            return Vec::new();
        }
        self.read_birth_date();
        self.read_issue_date();
        let format = self.format;
        if self.portrait.is_some() && !has_portrait(format) {
            self.converter
                .fail::<()>(PORTRAIT, FillProblem::NoPortraitElement);
        }
        let mut namespaces = Vec::new();
        for namespace in &format.namespaces {
            let mut filled = Vec::new();
            for element in &namespace.elements {
                self.fill_element(element, &mut filled);
            }
            if !filled.is_empty() {
                namespaces.push((namespace.name.clone(), filled));
            }
        }
        self.refuse_unknown_fields();
        namespaces
    }

    fn read_birth_date(&mut self) {
        let path = birth_path(self.format);
        let Some(json) = path.find(self.data) else { return };
        self.birth_stated = true;
        self.birth_date = birth_date(self.format, self.data);
        // If it is an element, its own conversion reports what is wrong.
        let mut elements = self.format.elements();
        let element = elements.find(|(_, element)| element.identifier == BIRTH_DATE);
        let needed = self
            .format
            .elements()
            .any(|(_, element)| needs_birth_date(element));
        if element.is_none() && needed && self.birth_date.is_none() {
            self.converter
                .convert(&path.to_string(), &ValueType::FullDate, json);
        }
    }

    /// The date that the data state for the element with the rule `issue-date` comes before the one of today.
    fn read_issue_date(&mut self) {
        let stated = self
            .format
            .elements()
            .filter(|(_, element)| {
                matches!(
                    element.origin,
                    Origin::Derived {
                        derivation: Derivation::IssueDate,
                        overridable: true,
                        ..
                    }
                )
            })
            .find_map(|(_, element)| element.path().find(self.data)?.as_str());
        let date = stated.and_then(|text| {
            FullDate::parse(text)
                .or_else(|_| Timestamp::parse(text).map(Timestamp::date))
                .ok()
        });
        self.issue_date = date.unwrap_or(self.issue_date);
    }

    fn fill_element(&mut self, element: &Element, filled: &mut Vec<(String, Value)>) {
        self.converter.errors.begin();
        match &element.origin {
            Origin::Data(path) => filled.extend(self.stated(element, path)),
            Origin::Derived { derivation, .. } if derivation.is_set() => {
                self.fill_set(element, derivation, filled)
            }
            Origin::Derived {
                derivation,
                overridable,
                path,
            } => {
                let stated = path.find(self.data);
                let before = self.converter.errors.count();
                let value = match stated {
                    Some(json) if *overridable => {
                        self.converter
                            .convert(&path.to_string(), &element.value_type, json)
                    }
                    _ => self.derive(element, derivation),
                };
                match (stated, &value) {
                    (Some(json), Some(value)) if !overridable => {
                        self.compare(&path.to_string(), derivation, json, value);
                    }
                    // What the data state is never dropped silently; an error noted already says enough.
                    (Some(_), None) if self.converter.errors.count() == before => {
                        let problem = FillProblem::DerivedConflict {
                            derivation: derivation.name(),
                        };
                        self.converter.fail::<()>(&path.to_string(), problem);
                    }
                    _ => {}
                }
                filled.extend(value.map(|value| (element.identifier.clone(), value)));
            }
        }
    }

    fn stated(&mut self, element: &Element, path: &DataPath) -> Option<(String, Value)> {
        let field = path.to_string();
        let stated = path.find(self.data);
        let file = self.portrait.filter(|_| takes_portrait(element));
        let value = match (stated, file, &element.value_type) {
            (Some(_), Some(_), _) => self.converter.fail(&field, FillProblem::PortraitTwice),
            (None, Some(bytes), ValueType::Bytes(rules)) => self.converter.bytes(&field, rules, bytes),
            (Some(json), None, value_type) => self.converter.convert(&field, value_type, json),
            _ if element.required => self.converter.fail(&field, FillProblem::Missing),
            _ => None,
        };
        value.map(|value| (element.identifier.clone(), value))
    }

    fn fill_set(&mut self, element: &Element, derivation: &Derivation, filled: &mut Vec<(String, Value)>) {
        let Some(age) = self.age(element) else { return };
        for nn in derivation.ages(age) {
            let identifier = set_identifier(&element.identifier, nn);
            let value = Value::Bool(age >= u16::from(nn));
            if let Some(json) = DataPath::of(&identifier).find(self.data) {
                self.compare(&identifier, derivation, json, &value);
            }
            filled.push((identifier, value));
        }
    }

    /// The age at validFrom. Notes what is missing if the element is required.
    fn age(&mut self, element: &Element) -> Option<u16> {
        if let Some(born) = self.birth_date {
            return Some(born.years_until(self.valid_from));
        }
        // A birth date that is there but wrong has been reported already.
        if element.required && !self.birth_stated {
            self.converter
                .fail::<()>(&element.identifier, FillProblem::BirthDateNeeded);
        }
        None
    }

    fn derive(&mut self, element: &Element, derivation: &Derivation) -> Option<Value> {
        let field = element.identifier.as_str();
        let text = |text: &str| Json::String(text.to_owned());
        let json = match derivation {
            Derivation::AgeOver(nn) => Json::Bool(self.age(element)? >= u16::from(*nn)),
            Derivation::AgeInYears => Json::from(self.age(element)?),
            Derivation::AgeBirthYear => {
                self.age(element)?;
                Json::from(self.birth_date?.year())
            }
            Derivation::IssueDate => return Some(dated(&element.value_type, self.issue_date)),
            Derivation::Expiry(lifetime) => {
                return Some(dated(&element.value_type, lifetime.after(self.issue_date)));
            }
            Derivation::Constant(json) => json.clone(),
            Derivation::IssuingCountry => text(&self.facts.country),
            Derivation::IssuingJurisdiction => {
                let code = self
                    .facts
                    .jurisdiction
                    .as_deref()
                    .filter(|code| has_subdivision_form(code));
                if code.is_none() && self.facts.jurisdiction.is_some() && !element.required {
                    self.converter.warn(field, FillNotice::JurisdictionNotACode);
                }
                text(self.fact(
                    element,
                    code,
                    "an ISO 3166-2 code as the state in the signer's certificate",
                )?)
            }
            Derivation::IssuingAuthority => text(self.fact(
                element,
                self.facts.authority.as_deref(),
                "the configured issuing authority",
            )?),
            Derivation::UnDistinguishingSign => {
                let sign = sign_of(&self.facts.country);
                text(self.fact(element, sign, "the distinguishing sign of the issuing country")?)
            }
            // Made by `fill_set`.
            Derivation::AgeOverSet(_) | Derivation::NearestAgeSet => return None,
        };
        self.converter.convert(field, &element.value_type, &json)
    }

    fn fact<'f>(&mut self, element: &Element, fact: Option<&'f str>, name: &'static str) -> Option<&'f str> {
        if fact.is_none() && element.required {
            self.converter.fail::<()>(
                &element.path().to_string(),
                FillProblem::IssuerFactMissing { fact: name },
            );
        }
        fact
    }

    /// What the data state of an element that may not be overridden must be what the rule makes.
    fn compare(&mut self, field: &str, derivation: &Derivation, stated: &Json, derived: &Value) {
        let derived = value::to_json(derived);
        if stated.is_boolean() != derived.is_boolean() {
            let expected = if derived.is_boolean() {
                "true or false"
            } else {
                convert::kind_of(&derived)
            };
            let found = convert::kind_of(stated);
            self.converter
                .fail::<()>(field, FillProblem::WrongType { expected, found });
        } else if *stated != derived {
            self.converter.fail::<()>(
                field,
                FillProblem::DerivedConflict {
                    derivation: derivation.name(),
                },
            );
        }
    }

    fn refuse_unknown_fields(&mut self) {
        let born = self.birth_date;
        let age = born.map_or(0, |born| born.years_until(self.valid_from));
        self.converter.errors.begin();
        Known::of(self.format, age).refuse_others(self.data, &[], &mut self.converter);
    }
}

/// Where the data have the birth date, whether it is an element or not.
fn birth_path(format: &Format) -> DataPath {
    let element = format
        .elements()
        .find(|(_, element)| element.identifier == BIRTH_DATE);
    element.map_or_else(|| DataPath::of(BIRTH_DATE), |(_, element)| element.path().clone())
}

/// The birth date of the data; none also if they have one that is no date.
pub(super) fn birth_date(format: &Format, data: &Json) -> Option<FullDate> {
    let text = birth_path(format).find(data)?.as_str()?;
    FullDate::parse(text).ok()
}

/// Whether one of its elements takes the portrait that is given as a file.
#[must_use]
pub fn has_portrait(format: &Format) -> bool {
    format.elements().any(|(_, element)| takes_portrait(element))
}

/// Of data that serve several formats, what this one takes: the members that one of its elements comes from.
#[must_use]
pub fn taken(format: &Format, data: serde_json::Map<String, Json>) -> Json {
    let mut names: BTreeSet<&str> = BTreeSet::new();
    for (_, element) in format.elements() {
        names.extend(element.path().names().first().map(String::as_str));
        if needs_birth_date(element) {
            names.insert(BIRTH_DATE);
        }
    }
    let data = data.into_iter();
    Json::Object(data.filter(|(name, _)| names.contains(name.as_str())).collect())
}

fn takes_portrait(element: &Element) -> bool {
    element.identifier == PORTRAIT
        && matches!(element.value_type, ValueType::Bytes(_))
        && matches!(element.origin, Origin::Data(_))
}

const fn needs_birth_date(element: &Element) -> bool {
    matches!(&element.origin, Origin::Derived { derivation, .. } if derivation.needs_birth_date())
}

/// A date as the type has it; a `tdate` is midnight, because a precise time would link the copies of a batch.
fn dated(value_type: &ValueType, date: FullDate) -> Value {
    if matches!(value_type, ValueType::Tdate) {
        value::tdate(date.midnight())
    } else {
        value::full_date(date)
    }
}

#[cfg(test)]
mod tests;
