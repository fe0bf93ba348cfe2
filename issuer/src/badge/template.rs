//! Texts with places for elements of the document: `{given_name} {family_name|upper}`.

use std::borrow::Cow;

use mdoc_core::time::{FullDate, Timestamp};
use mdoc_core::value::{self, Value};
use serde_json::Value as Json;

use crate::format::fill::Filled;

/// A text with places for elements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Template(Vec<Piece>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Element { name: String, filter: Option<Filter> },
}

/// What is done to a value.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Filter {
    Upper,
    Lower,
    /// With `YYYY`, `MM` and `DD` in it.
    Date(String),
}

/// Why a template has no value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum TemplateFault {
    /// The document lacks this element, or it is empty.
    Missing(String),
    /// This element is bytes or has parts, and cannot be shown as text.
    NotText(String),
    /// This element is no date.
    NotADate(String),
}

impl Template {
    /// Reads a text: `{name}`, `{namespace/name}`, `{name|upper}`, `{name|lower}`, `{name|date:DD.MM.YYYY}`;
    /// `{{` and `}}` are braces. The error says what is wrong.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            let (before, from) = rest.split_at(at);
            plain.push_str(before);
            if let Some(after) = from.strip_prefix("{{") {
                plain.push('{');
                rest = after;
            } else if let Some(after) = from.strip_prefix("}}") {
                plain.push('}');
                rest = after;
            } else if let Some(after) = from.strip_prefix('{') {
                let (inside, after) = after
                    .split_once('}')
                    .ok_or("a { has no }; for a brace itself write {{")?;
                if !plain.is_empty() {
                    pieces.push(Piece::Text(core::mem::take(&mut plain)));
                }
                pieces.push(Self::place(inside)?);
                rest = after;
            } else {
                return Err("a } has no {; for a brace itself write }}".to_owned());
            }
        }
        plain.push_str(rest);
        if !plain.is_empty() {
            pieces.push(Piece::Text(plain));
        }
        Ok(Self(pieces))
    }

    fn place(inside: &str) -> Result<Piece, String> {
        let (name, filter) = match inside.split_once('|') {
            None => (inside, None),
            Some((name, "upper")) => (name, Some(Filter::Upper)),
            Some((name, "lower")) => (name, Some(Filter::Lower)),
            Some((name, filter)) => match filter.strip_prefix("date:") {
                Some(form) if !form.is_empty() => (name, Some(Filter::Date(form.to_owned()))),
                _ => {
                    return Err(format!(
                        "there is no filter {filter}, but upper, lower and date:DD.MM.YYYY"
                    ));
                }
            },
        };
        if name.is_empty() || name.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err("between { and } stands the name of an element, without blanks".to_owned());
        }
        Ok(Piece::Element {
            name: name.to_owned(),
            filter,
        })
    }

    /// The elements that it names.
    pub(super) fn elements(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Element { name, .. } => Some(name.as_str()),
            Piece::Text(_) => None,
        })
    }

    /// Whether nothing is in it.
    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The text with the values of a document.
    pub(super) fn fill(&self, document: &Filled) -> Result<String, TemplateFault> {
        let pieces = self.0.iter().map(|piece| match piece {
            Piece::Text(text) => Ok(Cow::Borrowed(text.as_str())),
            Piece::Element { name, filter } => {
                let value = find(document, name).ok_or_else(|| TemplateFault::Missing(name.clone()))?;
                let text = text_of(value).ok_or_else(|| TemplateFault::NotText(name.clone()))?;
                if text.trim().is_empty() {
                    return Err(TemplateFault::Missing(name.clone()));
                }
                Ok(Cow::Owned(match filter {
                    None => text,
                    Some(Filter::Upper) => text.to_uppercase(),
                    Some(Filter::Lower) => text.to_lowercase(),
                    Some(Filter::Date(form)) => {
                        dated(&text, form).ok_or_else(|| TemplateFault::NotADate(name.clone()))?
                    }
                }))
            }
        });
        pieces.collect()
    }
}

/// The element of this name: the first in any namespace, or that of the namespace in front of the last `/`.
pub(super) fn find<'f>(document: &'f Filled, name: &str) -> Option<&'f Value> {
    match name.rsplit_once('/') {
        Some((namespace, identifier)) => document.element(namespace, identifier),
        None => document
            .elements()
            .find(|(_, identifier, _)| *identifier == name)
            .map(|(_, _, value)| value),
    }
}

/// A value as people read it; lists are joined by commas.
fn text_of(value: &Value) -> Option<String> {
    if value.as_bytes().is_some() {
        return None;
    }
    match value::to_json(value) {
        Json::Array(items) => {
            let items: Option<Vec<String>> = items.iter().map(simple).collect();
            items.map(|items| items.join(", "))
        }
        json => simple(&json),
    }
}

fn simple(json: &Json) -> Option<String> {
    match json {
        Json::String(text) => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()),
        Json::Bool(yes) => Some(if *yes { "yes" } else { "no" }.to_owned()),
        Json::Null | Json::Array(_) | Json::Object(_) => None,
    }
}

fn dated(text: &str, form: &str) -> Option<String> {
    let date = FullDate::parse(text)
        .or_else(|_| Timestamp::parse(text).map(Timestamp::date))
        .ok()?
        .to_string();
    let mut parts = date.splitn(3, '-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    Some(form.replace("YYYY", year).replace("MM", month).replace("DD", day))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document() -> Filled {
        let text = |text: &str| Value::Text(text.to_owned());
        Filled {
            doctype: "d".to_owned(),
            namespaces: vec![
                (
                    "one".to_owned(),
                    vec![
                        ("name".to_owned(), text("Łukasz")),
                        ("empty".to_owned(), text(" ")),
                        ("zones".to_owned(), Value::Array(vec![text("a"), text("b c")])),
                        (
                            "on".to_owned(),
                            value::full_date(FullDate::parse("2026-06-01").unwrap()),
                        ),
                        ("photo".to_owned(), Value::Bytes(vec![1])),
                        ("adult".to_owned(), Value::Bool(true)),
                    ],
                ),
                ("two/x".to_owned(), vec![("name".to_owned(), text("other"))]),
            ],
            warnings: Vec::new(),
        }
    }

    #[test]
    fn places_are_filled_with_the_values_of_the_document() {
        for (template, expected) in [
            ("{name|upper} / {two/x/name}", "ŁUKASZ / other"),
            ("{{{name|lower}}}", "{łukasz}"),
            ("until {on|date:DD.MM.YYYY}, {on}", "until 01.06.2026, 2026-06-01"),
            ("{zones}; {adult}", "a, b c; yes"),
            ("", ""),
        ] {
            assert_eq!(
                Template::parse(template).unwrap().fill(&document()).unwrap(),
                expected
            );
        }
    }

    #[test]
    fn what_cannot_be_filled_is_named() {
        let name = |name: &str| name.to_owned();
        for (template, expected) in [
            ("{empty}", TemplateFault::Missing(name("empty"))),
            ("x{nothing}", TemplateFault::Missing(name("nothing"))),
            ("{two/name}", TemplateFault::Missing(name("two/name"))),
            ("{photo}", TemplateFault::NotText(name("photo"))),
            ("{name|date:YYYY}", TemplateFault::NotADate(name("name"))),
        ] {
            assert_eq!(
                Template::parse(template).unwrap().fill(&document()),
                Err(expected)
            );
        }
    }

    #[test]
    fn braces_must_match_and_filters_must_exist() {
        for bad in ["{name", "name}", "{}", "{a b}", "{name|bold}", "{name|date:}"] {
            assert!(Template::parse(bad).is_err(), "{bad}");
        }
    }
}
