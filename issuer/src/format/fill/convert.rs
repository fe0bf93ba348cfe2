//! One JSON value into one CBOR value, under the limits of its type.

use base64ct::{Base64, Base64Unpadded, Base64Url, Base64UrlUnpadded, Encoding};
use mdoc_core::time::{FullDate, Timestamp};
use mdoc_core::value::{self, Value};
use serde_json::Value as Json;

use super::error::{FillError, FillNotice, FillProblem, FillWarning};
use crate::format::codes::{CodeTable, Standing};
use crate::format::types::{ArrayRules, BytesRules, Charset, MapRules, TextRules, UintRules, ValueType};
use crate::photo::{self, Wanted};
use mdoc_cli::nearest::nearest;

/// Most faults that are told of the items of an array, and most unknown members of a map.
const MOST_FAULTS: usize = 100;

/// Collects what is wrong while values are converted; a value that is wrong is `None`.
#[derive(Default)]
pub(crate) struct Converter {
    pub(crate) errors: Vec<FillError>,
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
        self.errors.push(FillError {
            field: field.to_owned(),
            problem,
        });
        None
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
        let before = self.errors.len();
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
        (self.errors.len() == before).then(|| Value::Text(text.to_owned()))
    }

    fn uint(&mut self, field: &str, rules: &UintRules, number: u64) -> Option<Value> {
        let before = self.errors.len();
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
        (self.errors.len() == before).then(|| Value::Integer(number.into()))
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
        let most = self.errors.len() + MOST_FAULTS;
        let mut converted = Vec::with_capacity(items.len());
        for (at, item) in items.iter().enumerate() {
            converted.push(self.convert(&format!("{field}[{at}]"), &rules.item, item));
            // Thousands of items with one fault need no more.
            if self.errors.len() >= most {
                return None;
            }
        }
        converted
            .into_iter()
            .collect::<Option<Vec<_>>>()
            .map(Value::Array)
    }

    fn map(&mut self, field: &str, rules: &MapRules, given: &serde_json::Map<String, Json>) -> Option<Value> {
        let before = self.errors.len();
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
        let names = || rules.members.iter().map(|member| member.name.as_str());
        let unknown = given
            .keys()
            .filter(|name| !names().any(|known| known == name.as_str()));
        for name in unknown.take(MOST_FAULTS) {
            let nearest = nearest(name, names()).map(str::to_owned);
            self.fail::<()>(&format!("{field}/{name}"), FillProblem::UnknownField { nearest });
        }
        if self.errors.len() == before && entries.len() < rules.min_members {
            return self.fail(
                field,
                FillProblem::TooFewMembers {
                    min: rules.min_members,
                },
            );
        }
        (self.errors.len() == before).then_some(Value::Map(entries))
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
