//! Data of a person who does not exist, made from a format alone: something to try a format with.

mod matching;
mod values;

use core::fmt;
use std::collections::{BTreeMap, BTreeSet};

use mdoc_core::time::FullDate;
use serde_json::{Map, Value as Json};

use super::derive::Derivation;
use super::fill::{Converter, Filled, IssuerFacts, Times, fill};
use super::types::ValueType;
use super::{DataPath, Element, Format, Origin};
use crate::quality::{self, Severity};
use values::Values;

/// Rounds in which values are left out; each looks at the whole format.
const MOST_ROUNDS: usize = 100;

/// An element that must be there, and for which nothing suitable could be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SampleError(
    /// Each as field, colon, and what is wrong; never empty.
    pub Vec<String>,
);

impl fmt::Display for SampleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no sample data can be made: {}", self.0.join("; "))
    }
}

impl core::error::Error for SampleError {}

/// Makes user data with a plausible value for every element that takes one from the data; the portrait is in it.
///
/// What the signer's certificate or the day of issue tells is left out, and so are byte strings that are not required,
/// other than a portrait. The data fill the format and pass the data-quality gate if the document is issued on `today`
/// or soon after, under a certificate of `country`.
///
/// # Errors
/// [`SampleError`] with every required element for which no value was found, for example because its pattern is too
/// intricate.
pub fn sample(format: &Format, country: &str, today: FullDate) -> Result<Json, SampleError> {
    sample_within(MOST_ROUNDS, format, country, today)
}

fn sample_within(
    rounds: usize,
    format: &Format,
    country: &str,
    today: FullDate,
) -> Result<Json, SampleError> {
    let values = Values { country, today };
    let types = types_by_path(format);
    let mut entries: Vec<Entry> = Vec::new();
    let mut known: BTreeSet<&DataPath> = BTreeSet::new();
    for (_, element) in format.elements() {
        let path = element.path();
        let of_path = types.get(path).map(Vec::as_slice).unwrap_or_default();
        if !known.contains(path)
            && let Some(entry) = entry(element, of_path, &values)
        {
            known.insert(path);
            entries.push(entry);
        }
    }
    if let Some(path) = hidden_birth_date(format) {
        let json = values.candidates("birth_date", &ValueType::FullDate);
        entries.extend(json.into_iter().next().map(|json| Entry {
            path,
            identifier: "birth_date".to_owned(),
            required: true,
            json,
        }));
    }
    // What is optional and does not get through is left out, until the rest does.
    let mut round = 0;
    loop {
        let data = object(&entries);
        let faults = faults(format, &data, country, today);
        if faults.is_empty() {
            return Ok(data);
        }
        round += 1;
        let before = entries.len();
        let names = names(&faults);
        entries.retain(|entry| entry.required || !entry.is_named(&names));
        if entries.len() == before || round == rounds {
            let lines = faults.iter().map(|(field, why)| match field.as_str() {
                "" => why.clone(),
                field => format!("{field}: {why}"),
            });
            return Err(SampleError(lines.collect()));
        }
    }
}

/// A value, where it goes, and which element it is for.
struct Entry {
    path: DataPath,
    identifier: String,
    required: bool,
    json: Json,
}

impl Entry {
    /// Whether one of the findings of these names is about this value.
    fn is_named(&self, names: &BTreeSet<&str>) -> bool {
        names.contains(self.path.to_string().as_str()) || names.contains(self.identifier.as_str())
    }
}

/// What the values may be called that the findings are about: `a/b[0]` is about `a/b`, and about `a`.
fn names(faults: &[(String, String)]) -> BTreeSet<&str> {
    let mut names = BTreeSet::new();
    for (field, _) in faults {
        let ends = field.match_indices(['[', '/']).map(|(at, _)| at);
        names.extend(ends.chain([field.len()]).filter_map(|end| field.get(..end)));
    }
    names
}

/// Several elements may read the same field.
fn types_by_path(format: &Format) -> BTreeMap<&DataPath, Vec<&ValueType>> {
    let mut types: BTreeMap<&DataPath, Vec<&ValueType>> = BTreeMap::new();
    for (_, element) in format.elements() {
        types.entry(element.path()).or_default().push(&element.value_type);
    }
    types
}

/// The value for an element, if the data are to state it. It must suit all the types of its field.
fn entry(element: &Element, types: &[&ValueType], values: &Values<'_>) -> Option<Entry> {
    let stated = match &element.origin {
        Origin::Data(_) => true,
        // The one fact of the issuer that no certificate tells.
        Origin::Derived {
            derivation,
            overridable,
            ..
        } => *overridable && matches!(derivation, Derivation::IssuingAuthority),
    };
    let bytes = matches!(element.value_type, ValueType::Bytes(_));
    if !stated || bytes && !element.required && element.identifier != "portrait" {
        return None;
    }
    let suits = |json: &Json, warnings: bool| {
        let mut converter = Converter::default();
        for value_type in types {
            converter.convert("", value_type, json);
        }
        converter.errors.is_empty() && (warnings || converter.warnings.is_empty())
    };
    let candidates = values.candidates(&element.identifier, &element.value_type);
    let best = [false, true]
        .into_iter()
        .find_map(|warnings| candidates.iter().find(|json| suits(json, warnings)));
    Some(Entry {
        path: element.path().clone(),
        identifier: element.identifier.clone(),
        required: element.required,
        json: best.or(candidates.first())?.clone(),
    })
}

/// The field of the birth date, if ages follow from it and it is no element itself.
fn hidden_birth_date(format: &Format) -> Option<DataPath> {
    let needed = format.elements().any(|(_, element)| {
        matches!(&element.origin, Origin::Derived { derivation, .. } if derivation.needs_birth_date())
    });
    let is_element = format
        .elements()
        .any(|(_, element)| element.identifier == "birth_date");
    (needed && !is_element).then(|| DataPath::of("birth_date"))
}

/// The data with every value in its place.
fn object(entries: &[Entry]) -> Json {
    let mut data = Map::new();
    for entry in entries {
        insert(&mut data, entry.path.names(), &entry.json);
    }
    Json::Object(data)
}

fn insert(object: &mut Map<String, Json>, names: &[String], json: &Json) {
    let Some((first, rest)) = names.split_first() else {
        return;
    };
    if rest.is_empty() {
        object.insert(first.clone(), json.clone());
    } else {
        let inner = object
            .entry(first.clone())
            .or_insert_with(|| Json::Object(Map::new()));
        // A path may lead through a value of another element only if that is an object.
        if let Some(inner) = inner.as_object_mut() {
            insert(inner, rest, json);
        }
    }
}

/// What stands in the way of issuing, by field or element.
fn faults(format: &Format, data: &Json, country: &str, today: FullDate) -> Vec<(String, String)> {
    let facts = IssuerFacts {
        country: country.to_owned(),
        jurisdiction: Some(values::jurisdiction(country)),
        authority: Some(values::AUTHORITY.to_owned()),
    };
    let times = Times {
        valid_from: today.midnight(),
        issue_date: today,
    };
    match fill(format, data, None, &facts, &times) {
        Err(errors) => errors
            .0
            .iter()
            .map(|error| (error.field.clone(), error.problem.to_string()))
            .collect(),
        Ok(filled) => findings(&filled, &facts, &times),
    }
}

fn findings(filled: &Filled, facts: &IssuerFacts, times: &Times) -> Vec<(String, String)> {
    quality::check(filled, facts, times.valid_from)
        .iter()
        .filter(|finding| finding.severity() == Severity::Error)
        .map(|finding| (finding.field.clone(), finding.rule.to_string()))
        .collect()
}

#[cfg(test)]
mod tests;
