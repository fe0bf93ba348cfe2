//! People's data: one JSON object, or many as JSON lines or CSV. Read so that a field that is there twice is an
//! error, not a coin toss.

pub mod cells;
pub mod rows;

use core::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value as Json};

/// Begins the words of an error about a field that is there twice.
pub const TWICE: &str = "a field is there twice: ";

/// Reads a JSON text. Objects keep their order.
///
/// # Errors
/// [`serde_json::Error`] with line and column; its words begin with [`TWICE`] and name the field if one is
/// there twice in an object, at whatever depth. No values are in them then.
pub fn read(text: &str) -> Result<Json, serde_json::Error> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let value = Strict.deserialize(&mut reader)?;
    reader.end()?;
    Ok(value)
}

struct Strict;

impl<'d> DeserializeSeed<'d> for Strict {
    type Value = Json;

    fn deserialize<D: Deserializer<'d>>(self, deserializer: D) -> Result<Json, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'d> Visitor<'d> for Strict {
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
        while let Some(item) = items.next_element_seed(Self)? {
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
            let value = entries.next_value_seed(Self)?;
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
    fn deep_nesting_and_trailing_text_are_errors() {
        assert!(read(&"[".repeat(10_000)).is_err());
        assert!(read("{} {}").is_err());
    }
}
