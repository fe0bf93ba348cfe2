//! JSON in which no object says a thing twice.

use core::cell::Cell;
use core::fmt;

use mdoc_core::json::long_number;
use serde::Deserializer as _;
use serde::de::{DeserializeOwned, DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// The largest text that is read, in bytes.
pub const LARGEST: usize = 1024 * 1024;

/// The most values in a text: an issuer with a thousand kinds of documents has fewer, and in memory each takes as much
/// room as some fifty bytes of the text.
pub const MOST_VALUES: usize = 50_000;

/// Why a text was not read. What it says is not repeated: it may be personal, or a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum BadJson {
    /// It is larger than is read, has more values than [`MOST_VALUES`], or a number of more than
    /// [`mdoc_core::json::MOST_DIGITS`] digits.
    TooLarge,
    /// It is no JSON, is nested too deeply, or an object has two members of one name.
    Malformed,
    /// It is JSON of another shape than is wanted.
    Shape,
}

impl fmt::Display for BadJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLarge => "the JSON is larger than is read",
            Self::Malformed => "it is no JSON, or an object has two members of one name",
            Self::Shape => "the JSON does not have the members it should, or one has another type",
        })
    }
}

impl core::error::Error for BadJson {}

/// Reads a JSON text of at most [`LARGEST`] bytes and [`MOST_VALUES`] values.
///
/// # Errors
/// [`BadJson::TooLarge`] or [`BadJson::Malformed`].
pub fn parse(text: &[u8]) -> Result<Value, BadJson> {
    parse_up_to(text, LARGEST)
}

fn parse_up_to(text: &[u8], largest: usize) -> Result<Value, BadJson> {
    if text.len() > largest || long_number(text).is_some() {
        return Err(BadJson::TooLarge);
    }
    let mut reader = serde_json::Deserializer::from_slice(text);
    let left = Cell::new(MOST_VALUES + 1);
    let value = reader.deserialize_any(Any(&left)).map_err(|_| {
        if left.get() == 0 {
            BadJson::TooLarge
        } else {
            BadJson::Malformed
        }
    })?;
    reader.end().map_err(|_| BadJson::Malformed)?;
    Ok(value)
}

/// Reads an object.
///
/// # Errors
/// [`BadJson`].
pub fn object(text: &[u8]) -> Result<Map<String, Value>, BadJson> {
    object_up_to(text, LARGEST)
}

/// Reads an object of at most so many bytes.
///
/// # Errors
/// [`BadJson`].
pub(crate) fn object_up_to(text: &[u8], largest: usize) -> Result<Map<String, Value>, BadJson> {
    match parse_up_to(text, largest)? {
        Value::Object(object) => Ok(object),
        _ => Err(BadJson::Shape),
    }
}

/// Reads a message; members that its type does not have are passed over.
///
/// # Errors
/// [`BadJson`].
pub fn read<T: DeserializeOwned>(text: &[u8]) -> Result<T, BadJson> {
    serde_json::from_value(parse(text)?).map_err(|_| BadJson::Shape)
}

/// Writes a message. Everything that this crate writes has text keys and finite numbers, so it cannot fail.
pub(crate) fn write<T: serde::Serialize + ?Sized>(message: &T) -> Vec<u8> {
    serde_json::to_vec(message).unwrap_or_default()
}

/// Any value, and how many more there may be.
#[derive(Clone, Copy)]
struct Any<'a>(&'a Cell<usize>);

impl<'de> DeserializeSeed<'de> for Any<'_> {
    type Value = Value;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        let left = self.0.get().saturating_sub(1);
        self.0.set(left);
        if left == 0 {
            return Err(D::Error::custom("too many values"));
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Any<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value)
            .map(Value::Number)
            .ok_or_else(|| E::custom("a number"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut all = Vec::new();
        while let Some(item) = items.next_element_seed(self)? {
            all.push(item);
        }
        Ok(Value::Array(all))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut all = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            let value = members.next_value_seed(self)?;
            if all.insert(name, value).is_some() {
                return Err(A::Error::custom("a member twice"));
            }
        }
        Ok(Value::Object(all))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_come_back_in_their_order() {
        let text = r#"{"b":[1,-2,0.5,null,true],"a":{"x":"\u00e9"}}"#;
        assert_eq!(
            serde_json::to_string(&parse(text.as_bytes()).unwrap()).unwrap(),
            text.replace("\\u00e9", "é")
        );
    }

    #[test]
    fn a_number_is_read_as_the_one_that_was_written() {
        let text = format!("[40{}]", "5".repeat(90));
        let once = parse(text.as_bytes()).unwrap();
        let again = parse(once.to_string().as_bytes()).unwrap();
        assert_eq!(again, once);
    }

    #[test]
    fn a_number_of_more_digits_than_anything_has_is_too_large() {
        let digits = |count| format!("[0.{}]", "9".repeat(count));
        assert!(parse(digits(900).as_bytes()).is_ok());
        assert_eq!(parse(digits(1_000).as_bytes()), Err(BadJson::TooLarge));
    }

    #[test]
    fn a_member_that_is_there_twice_is_refused_at_any_depth() {
        for text in [r#"{"a":1,"a":1}"#, r#"[{"x":{"a":1,"\u0061":2}}]"#] {
            assert_eq!(parse(text.as_bytes()), Err(BadJson::Malformed), "{text}");
        }
    }

    #[test]
    fn what_is_no_json_or_too_much_of_it_is_refused() {
        for text in ["", "{", "{} {}", "nul", "\u{feff}{}", r#"{"a":1e999}"#] {
            assert_eq!(parse(text.as_bytes()), Err(BadJson::Malformed), "{text}");
        }
        assert_eq!(parse(&[b'['; 100_000]), Err(BadJson::Malformed));
        assert_eq!(parse(&vec![b' '; LARGEST + 1]), Err(BadJson::TooLarge));
        assert_eq!(object(b"[]"), Err(BadJson::Shape));
    }

    #[test]
    fn more_values_than_a_message_has_are_refused_before_they_fill_the_memory() {
        let zeros = |count: usize| format!("[{}0]", "0,".repeat(count - 1));
        // The list itself is not counted.
        assert!(parse(zeros(MOST_VALUES).as_bytes()).is_ok());
        assert_eq!(parse(zeros(MOST_VALUES + 1).as_bytes()), Err(BadJson::TooLarge));
        let members = (0..MOST_VALUES)
            .map(|at| format!("\"{at}\":[]"))
            .collect::<Vec<_>>();
        let text = format!("{{\"a\":{{{}}}}}", members.join(","));
        assert_eq!(parse(text.as_bytes()), Err(BadJson::TooLarge));
    }
}
