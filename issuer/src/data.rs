//! People's data: one JSON object, or many as JSON lines or CSV. Read so that a field that is there twice is an
//! error, not a coin toss.

pub mod cells;
mod records;
pub mod rows;

use core::cell::Cell;
use core::fmt;

use mdoc_core::json::long_number;
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value as Json};

/// Begins the words of an error about a field that is there twice.
pub const TWICE: &str = "a field is there twice: ";

/// Begins the words of an error about more values than [`MOST_VALUES`].
pub const TOO_MANY: &str = "there are more values than 20000";

/// Most values in a text, nested ones included. Each takes some seventy bytes, however short its text is; a person
/// has a few hundred at the most.
pub const MOST_VALUES: usize = 20_000;

/// Begins the words of an error about a number of more than [`mdoc_core::json::MOST_DIGITS`] digits.
pub const LONG_NUMBER: &str = "a number has more than 1000 digits";

/// Reads a JSON text. Objects keep their order.
///
/// # Errors
/// [`serde_json::Error`] with line and column; its words begin with [`TWICE`] and name the field if one is
/// there twice in an object, at whatever depth, and with [`TOO_MANY`] if there are more than [`MOST_VALUES`]. No
/// values are in them then, nor in those about a number of more than [`mdoc_core::json::MOST_DIGITS`] digits, whose words
/// begin with [`LONG_NUMBER`].
pub fn read(text: &str) -> Result<Json, serde_json::Error> {
    if let Some(at) = long_number(text.as_bytes()) {
        return Err(serde_json::Error::custom(format_args!(
            "{LONG_NUMBER} at byte {at}"
        )));
    }
    let mut reader = serde_json::Deserializer::from_str(text);
    let left = Cell::new(MOST_VALUES);
    let value = Strict { left: &left }.deserialize(&mut reader)?;
    reader.end()?;
    Ok(value)
}

#[derive(Clone, Copy)]
struct Strict<'l> {
    /// How many values may still come.
    left: &'l Cell<usize>,
}

impl Strict<'_> {
    fn count<E: serde::de::Error>(self) -> Result<(), E> {
        let left = self
            .left
            .get()
            .checked_sub(1)
            .ok_or_else(|| E::custom(TOO_MANY))?;
        self.left.set(left);
        Ok(())
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
                let name: String = name.chars().take(100).collect();
                return Err(A::Error::custom(format_args!("{TWICE}{name}")));
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
    use mdoc_core::json::MOST_DIGITS;
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
        let error = read(&format!("{{\"a\": {digits}0}}")).unwrap_err().to_string();
        assert_eq!(error, format!("{LONG_NUMBER} at byte 1006"));
        assert!(LONG_NUMBER.contains(&MOST_DIGITS.to_string()));
    }

    #[test]
    fn a_field_that_is_there_twice_is_named_at_any_depth_without_its_values() {
        for (text, line) in [
            ("{\"n\": \"one\", \"n\": \"two\"}", 1),
            ("{\"o\": [{\"n\": 1,\n\"n\": 2}]}", 2),
        ] {
            let error = read(text).unwrap_err();
            assert!(
                error.to_string().starts_with("a field is there twice: n"),
                "{error}"
            );
            assert_eq!(error.line(), line);
            assert!(!error.to_string().contains("one"));
        }
    }

    #[test]
    fn more_values_than_any_person_has_are_refused_at_any_depth() {
        let array = |items: usize| format!("{{\"a\": [{}0]}}", "0,".repeat(items - 1));
        assert!(read(&array(MOST_VALUES - 1)).is_ok());
        let nested = format!("[{}0]", "[[],{\"a\":0}],".repeat(MOST_VALUES / 4 + 1));
        for text in [array(MOST_VALUES), nested] {
            let error = read(&text).unwrap_err();
            assert!(error.to_string().starts_with(TOO_MANY), "{error}");
        }
        assert!(TOO_MANY.ends_with(&MOST_VALUES.to_string()));
    }

    #[test]
    fn deep_nesting_and_trailing_text_are_errors() {
        assert!(read(&"[".repeat(10_000)).is_err());
        assert!(read("{} {}").is_err());
    }
}
