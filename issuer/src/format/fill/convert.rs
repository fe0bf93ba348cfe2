//! One JSON value into one CBOR value, under the limits of its type.

use std::collections::BTreeSet;

use base64ct::{Base64, Base64Unpadded, Base64Url, Base64UrlUnpadded, Encoding};
use mdoc_core::time::{FullDate, Timestamp};
use mdoc_core::value::{self, Value};
use serde_json::Value as Json;

use super::error::{FillNotice, FillProblem, FillWarning};
use super::found::Found;
use crate::format::codes::{CodeTable, Standing};
use crate::format::types::{ArrayRules, BytesRules, Charset, MapRules, TextRules, UintRules, ValueType};
use crate::photo::{self, Wanted};
use mdoc_cli::nearest::nearest;

/// Collects what is wrong while values are converted; a value that is wrong is `None`.
#[derive(Default)]
pub(crate) struct Converter {
    pub(crate) errors: Found,
    pub(crate) warnings: Vec<FillWarning>,
    /// Pictures that need not be decoded again.
    pub(crate) decoded: photo::Decoded,
}

impl Converter {
    /// The value of a field, or `None` after having noted why there is none.
    pub(crate) fn convert(&mut self, field: &str, value_type: &ValueType, json: &Json) -> Option<Value> {
        match (value_type, json) {
            (ValueType::Text(rules), Json::String(text)) => self.text(field, rules, text),
            (ValueType::Bytes(rules), Json::String(text)) => {
                let bytes = self.base64(field, text)?;
                self.bytes(field, rules, &bytes)
            }
            (ValueType::FullDate | ValueType::Tdate | ValueType::TdateOrFullDate, Json::String(text)) => {
                let date = parse_date(value_type, text);
                self.noting(
                    field,
                    date.ok_or(FillProblem::BadDate {
                        expected: value_type.expected(),
                    }),
                )
            }
            (ValueType::Uint(rules), Json::Number(number)) if number.as_u64().is_some() => {
                self.uint(field, rules, number.as_u64().unwrap_or(0))
            }
            (ValueType::Bool, Json::Bool(yes)) => Some(Value::Bool(*yes)),
            (ValueType::Array(rules), Json::Array(items)) => self.array(field, rules, items),
            (ValueType::Map(rules), Json::Object(members)) => self.map(field, rules, members),
            _ => self.fail(
                field,
                FillProblem::WrongType {
                    expected: value_type.expected(),
                    found: kind_of(json),
                },
            ),
        }
    }

    /// The bytes of a field, if they are what the type allows; a picture is made so, if it can be.
    pub(crate) fn bytes(&mut self, field: &str, rules: &BytesRules, bytes: &[u8]) -> Option<Value> {
        let anything = rules.images.is_empty() || (rules.allow_empty && bytes.is_empty());
        if !anything {
            let prepared = photo::prepare(bytes, &Wanted::new(&rules.images, rules.max_bytes))
                .map_err(FillProblem::NotAnImage);
            let prepared = self.noting(field, prepared)?;
            self.decoded.note(&prepared);
            for change in prepared.changes {
                self.warn(field, FillNotice::Picture(change));
            }
            return Some(Value::Bytes(prepared.bytes));
        }
        if bytes.len() > rules.max_bytes {
            return self.fail(field, FillProblem::TooManyBytes { max: rules.max_bytes });
        }
        Some(Value::Bytes(bytes.to_vec()))
    }

    /// Notes a fault.
    pub(crate) fn fail<T>(&mut self, field: &str, problem: FillProblem) -> Option<T> {
        self.errors.note(field, problem);
        None
    }

    /// Notes a field that nothing reads, beside those that are `known`.
    pub(super) fn unknown<'k>(
        &mut self,
        name: &str,
        known: impl IntoIterator<Item = &'k str>,
        path: impl FnOnce() -> String,
    ) {
        let meant = || nearest(name, known).map(str::to_owned);
        self.errors.note_unknown(path, meant);
    }

    /// Notes something to look at.
    pub(crate) fn warn(&mut self, field: &str, notice: FillNotice) {
        self.warnings.push(FillWarning {
            field: field.to_owned(),
            notice,
        });
    }

    fn noting<T>(&mut self, field: &str, result: Result<T, FillProblem>) -> Option<T> {
        result.map_or_else(|problem| self.fail(field, problem), Some)
    }

    fn text(&mut self, field: &str, rules: &TextRules, text: &str) -> Option<Value> {
        let before = self.errors.count();
        let length = text.chars().count();
        if length < rules.min_length {
            self.fail::<()>(
                field,
                FillProblem::TooShort {
                    min: rules.min_length,
                },
            );
        }
        if length > rules.max_length {
            return self.fail(
                field,
                FillProblem::TooLong {
                    max: rules.max_length,
                    length,
                },
            );
        }
        if !Charset::Unicode.holds(text) {
            self.fail::<()>(field, FillProblem::ControlCharacter);
        } else if !rules.charset.holds(text) {
            self.fail::<()>(field, FillProblem::NotLatin1);
        }
        if let Some(pattern) = rules.pattern.as_ref().filter(|pattern| !pattern.matches(text)) {
            self.fail::<()>(
                field,
                FillProblem::PatternMismatch {
                    pattern: pattern.source().to_owned(),
                },
            );
        }
        if let Some(table) = &rules.codes {
            self.look_up(field, table, text);
        }
        (self.errors.count() == before).then(|| Value::Text(text.to_owned()))
    }

    fn uint(&mut self, field: &str, rules: &UintRules, number: u64) -> Option<Value> {
        let before = self.errors.count();
        if number < rules.min || number > rules.max {
            self.fail::<()>(
                field,
                FillProblem::OutOfRange {
                    min: rules.min,
                    max: rules.max,
                },
            );
        }
        if let Some(table) = &rules.codes {
            self.look_up(field, table, &number.to_string());
        }
        (self.errors.count() == before).then(|| Value::Integer(number.into()))
    }

    fn look_up(&mut self, field: &str, table: &CodeTable, value: &str) {
        match table.standing(value) {
            Standing::Listed => {}
            Standing::Unlisted => self.warn(
                field,
                FillNotice::Unlisted {
                    table: table.name.clone(),
                },
            ),
            Standing::Refused => {
                let few = if table.codes.len() <= 20 {
                    table.codes.as_slice()
                } else {
                    &[]
                };
                let values = few.iter().map(|code| code.value.clone()).collect();
                self.fail::<()>(
                    field,
                    FillProblem::NotInTable {
                        table: table.name.clone(),
                        values,
                    },
                );
            }
        }
    }

    fn base64(&mut self, field: &str, text: &str) -> Option<Vec<u8>> {
        // Never accepted silently: what is behind the comma need not be base64, nor of the type it claims.
        if text
            .trim_start()
            .get(..5)
            .is_some_and(|start| start.eq_ignore_ascii_case("data:"))
        {
            return self.fail(field, FillProblem::DataUri);
        }
        // Line breaks are usual in base64 that comes from a tool.
        let text: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
        let bytes = Base64::decode_vec(&text)
            .or_else(|_| Base64Unpadded::decode_vec(&text))
            .or_else(|_| Base64UrlUnpadded::decode_vec(&text))
            .or_else(|_| Base64Url::decode_vec(&text));
        self.noting(field, bytes.map_err(|_| FillProblem::NotBase64))
    }

    fn array(&mut self, field: &str, rules: &ArrayRules, items: &[Json]) -> Option<Value> {
        if items.len() < rules.min_items || items.len() > rules.max_items {
            return self.fail(
                field,
                FillProblem::ItemCount {
                    min: rules.min_items,
                    max: rules.max_items,
                },
            );
        }
        let mut converted = Vec::with_capacity(items.len());
        for (at, item) in items.iter().enumerate() {
            converted.push(self.convert(&format!("{field}[{at}]"), &rules.item, item));
        }
        // Only now: the faults of all items are told together.
        converted
            .into_iter()
            .collect::<Option<Vec<_>>>()
            .map(Value::Array)
    }

    fn map(&mut self, field: &str, rules: &MapRules, given: &serde_json::Map<String, Json>) -> Option<Value> {
        let before = self.errors.count();
        let mut entries = Vec::new();
        for member in &rules.members {
            let inner = format!("{field}/{}", member.name);
            match given.get(&member.name).filter(|json| !json.is_null()) {
                Some(json) => {
                    if let Some(value) = self.convert(&inner, &member.value_type, json) {
                        entries.push((Value::Text(member.name.clone()), value));
                    }
                }
                None if member.required => {
                    self.fail::<()>(&inner, FillProblem::Missing);
                }
                None => {}
            }
        }
        let known: BTreeSet<&str> = rules.members.iter().map(|member| member.name.as_str()).collect();
        for name in given.keys().filter(|name| !known.contains(name.as_str())) {
            self.unknown(name, known.iter().copied(), || format!("{field}/{name}"));
        }
        if self.errors.count() == before && entries.len() < rules.min_members {
            return self.fail(
                field,
                FillProblem::TooFewMembers {
                    min: rules.min_members,
                },
            );
        }
        (self.errors.count() == before).then_some(Value::Map(entries))
    }
}

/// A date in the form that its type allows.
fn parse_date(value_type: &ValueType, text: &str) -> Option<Value> {
    let full_date = || FullDate::parse(text).ok().map(value::full_date);
    let tdate = || Timestamp::parse(text).ok().map(value::tdate);
    match value_type {
        ValueType::FullDate => full_date(),
        ValueType::Tdate => tdate(),
        _ => full_date().or_else(tdate),
    }
}

/// The JSON type in the words of an error message.
pub(crate) const fn kind_of(json: &Json) -> &'static str {
    match json {
        Json::Null => "null",
        Json::Bool(_) => "true or false",
        Json::Number(_) => "a number",
        Json::String(_) => "a text",
        Json::Array(_) => "a list",
        Json::Object(_) => "an object",
    }
}
