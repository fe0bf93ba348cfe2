//! People's data: one JSON object, or many as JSON lines or CSV. Read so that a field that is there twice is an
//! error, not a coin toss.

pub mod cells;
mod records;
pub mod rows;

use core::cell::Cell;
use core::fmt;

use mdoc_core::json::{MOST_DIGITS, long_number};
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::error::Category;
use serde_json::{Map, Value as Json};

/// Most values in a text, nested ones included. Each takes some seventy bytes, however short its text is; a person
/// has a few hundred at the most.
pub const MOST_VALUES: usize = 20_000;

/// Why a text is not read, and where. No value of the person is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadError {
    /// What is wrong.
    pub fault: Fault,
    /// The line, from 1.
    pub line: usize,
    /// The character in the line, from 1; 0 is the end of the line before.
    pub column: usize,
}

/// What is wrong with a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// It is no well-formed JSON: what the reader says of it.
    Syntax(String),
    /// A field is there twice in an object: the first hundred characters of its name.
    Twice(String),
    /// There are more values than [`MOST_VALUES`].
    TooMany,
    /// A number has more digits than [`MOST_DIGITS`].
    LongNumber,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax(problem) => f.write_str(problem),
            Self::Twice(field) => write!(f, "a field is there twice: {field}"),
            Self::TooMany => write!(f, "there are more values than {MOST_VALUES}"),
            Self::LongNumber => write!(f, "a number has more than {MOST_DIGITS} digits"),
        }
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at line {} column {}", self.fault, self.line, self.column)
    }
}

impl core::error::Error for ReadError {}

/// Reads a JSON text. Objects keep their order.
///
/// # Errors
/// [`ReadError`] for what is no JSON, and for a field that is there twice in an object, at whatever depth; more than
/// [`MOST_VALUES`]; a number of more than [`MOST_DIGITS`] digits, before anything is read.
pub fn read(text: &str) -> Result<Json, ReadError> {
    if let Some(at) = long_number(text.as_bytes()) {
        let before = text.as_bytes().get(..at).unwrap_or_default();
        let beginning = before.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        return Err(ReadError {
            fault: Fault::LongNumber,
            line,
            column: characters(text, line, beginning.len() + 1),
        });
    }
    let mut reader = serde_json::Deserializer::from_str(text);
    let (left, found) = (Cell::new(MOST_VALUES), Cell::new(None));
    let strict = Strict {
        left: &left,
        found: &found,
    };
    let value = strict.deserialize(&mut reader);
    value
        .and_then(|value| reader.end().map(|()| value))
        .map_err(|error| ReadError {
            fault: found.take().unwrap_or_else(|| syntax(&error)),
            line: error.line(),
            column: characters(text, error.line(), error.column()),
        })
}

/// How many characters begin in so many bytes of a line, which is counted from 1.
fn characters(text: &str, line: usize, bytes: usize) -> usize {
    let line = text.split('\n').nth(line.saturating_sub(1)).unwrap_or_default();
    line.char_indices().take_while(|(at, _)| *at < bytes).count()
}

/// What the reader says, without the place and without anything that was read.
fn syntax(error: &serde_json::Error) -> Fault {
    let sentence = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    Fault::Syntax(match error.classify() {
        Category::Syntax | Category::Eof => sentence.strip_suffix(&place).unwrap_or(&sentence).to_owned(),
        Category::Io | Category::Data => "it cannot be read".to_owned(),
    })
}

#[derive(Clone, Copy)]
struct Strict<'l> {
    /// How many values may still come.
    left: &'l Cell<usize>,
    /// What was found that is no fault of the syntax.
    found: &'l Cell<Option<Fault>>,
}

impl Strict<'_> {
    fn count<E: serde::de::Error>(self) -> Result<(), E> {
        let left = self.left.get().checked_sub(1);
        self.left.set(left.ok_or_else(|| self.refuse(Fault::TooMany))?);
        Ok(())
    }

    fn refuse<E: serde::de::Error>(self, fault: Fault) -> E {
        let error = E::custom(&fault);
        self.found.set(Some(fault));
        error
    }
}

impl<'d> DeserializeSeed<'d> for Strict<'_> {
    type Value = Json;

    fn deserialize<D: Deserializer<'d>>(self, deserializer: D) -> Result<Json, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'d> Visitor<'d> for Strict<'_> {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
        Ok(Json::from(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
        Ok(Json::from(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Json, E> {
        Ok(Json::from(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Json, E> {
        Ok(Json::from(value))
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_seq<A: SeqAccess<'d>>(self, mut items: A) -> Result<Json, A::Error> {
        let mut array = Vec::new();
        while let Some(item) = items.next_element_seed(self)? {
            self.count()?;
            array.push(item);
        }
        Ok(Json::Array(array))
    }

    fn visit_map<A: MapAccess<'d>>(self, mut entries: A) -> Result<Json, A::Error> {
        let mut object = Map::new();
        while let Some(name) = entries.next_key::<String>()? {
            if object.contains_key(&name) {
                return Err(self.refuse(Fault::Twice(name.chars().take(100).collect())));
            }
            self.count()?;
            let value = entries.next_value_seed(self)?;
            object.insert(name, value);
        }
        Ok(Json::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_in_order_is_read_as_ever() {
        let text = r#"{"b": [1, -2, 3.5, null, true, {"x": "ü"}], "a": {}}"#;
        let read = read(text).unwrap();
        assert_eq!(read, json!({"b": [1, -2, 3.5, null, true, {"x": "ü"}], "a": {}}));
        assert_eq!(
            read.as_object().unwrap().keys().collect::<Vec<_>>(),
            ["b", "a"],
            "in its order"
        );
    }

    #[test]
    fn a_number_of_more_digits_than_any_value_has_is_refused_where_it_stands() {
        let digits = "9".repeat(MOST_DIGITS);
        let most = format!("0.{}", &digits[1..]);
        assert_eq!(read(&format!("[{most}, {most}]")).unwrap(), json!([1.0, 1.0]));
        let error = read(&format!("{{\"a\": {digits}0}}")).unwrap_err();
        assert_eq!(
            (&error.fault, error.line, error.column),
            (&Fault::LongNumber, 1, 1007)
        );
        let error = read(&format!("{{\n\"a\":\n{digits}0}}")).unwrap_err();
        let words = "a number has more than 1000 digits at line 3 column 1001";
        assert_eq!(error.to_string(), words);
    }

    #[test]
    fn places_are_counted_in_characters() {
        for (text, line, column) in [
            ("{\"\u{fc}\u{20ac}\u{1f600}\": x", 1, 9),
            ("{\"\u{fc}\":\n\"\u{20ac}\" \u{20ac}", 2, 5),
            ("{\"\u{fc}\": \"\u{fc}\", \"\u{fc}\"", 1, 14),
        ] {
            let error = read(text).unwrap_err();
            assert_eq!((error.line, error.column), (line, column), "{text}");
        }
        let long = format!("{{\"\u{20ac}\": {}0}}", "9".repeat(MOST_DIGITS));
        assert_eq!(read(&long).unwrap_err().column, 1007);
    }

    #[test]
    fn a_field_that_is_there_twice_is_named_at_any_depth_without_its_values() {
        for (text, line) in [
            ("{\"n\": \"one\", \"n\": \"two\"}", 1),
            ("{\"o\": [{\"n\": 1,\n\"n\": 2}]}", 2),
        ] {
            let error = read(text).unwrap_err();
            assert_eq!(error.fault, Fault::Twice("n".to_owned()));
            assert_eq!(error.line, line);
            assert!(!error.to_string().contains("one"));
        }
    }

    #[test]
    fn more_values_than_any_person_has_are_refused_at_any_depth() {
        let array = |items: usize| format!("{{\"a\": [{}0]}}", "0,".repeat(items - 1));
        assert!(read(&array(MOST_VALUES - 1)).is_ok());
        let nested = format!("[{}0]", "[[],{\"a\":0}],".repeat(MOST_VALUES / 4 + 1));
        for text in [array(MOST_VALUES), nested] {
            assert_eq!(read(&text).unwrap_err().fault, Fault::TooMany);
        }
    }

    #[test]
    fn deep_nesting_and_trailing_text_are_errors() {
        assert!(read(&"[".repeat(10_000)).is_err());
        assert!(read("{} {}").is_err());
    }
}
