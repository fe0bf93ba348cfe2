//! Values of data elements, which only the document format knows the shape of.
//!
//! A value is a [`ciborium::Value`]; this module makes the two date forms of the standard and turns
//! values into JSON for people and programs.

use base64ct::{Base64UrlUnpadded, Encoding};
pub use ciborium::Value;
use serde_json::json;

use crate::cbor::write::{self, Length};
use crate::time::{FullDate, Timestamp};

/// CBOR tag of a `tdate`: RFC 3339 date-time as text.
pub const TAG_TDATE: u64 = 0;
/// CBOR tag of an embedded, encoded CBOR item.
pub const TAG_ENCODED: u64 = 24;
/// CBOR tag of a `full-date` (RFC 8943).
pub const TAG_FULL_DATE: u64 = 1004;

/// A `full-date`: tag 1004 over `YYYY-MM-DD`.
#[must_use]
pub fn full_date(date: FullDate) -> Value {
    Value::Tag(TAG_FULL_DATE, Box::new(Value::Text(date.to_string())))
}

/// A `tdate`: tag 0 over `YYYY-MM-DDThh:mm:ssZ`.
#[must_use]
pub fn tdate(instant: Timestamp) -> Value {
    Value::Tag(TAG_TDATE, Box::new(Value::Text(instant.to_string())))
}

/// The deterministic encoding of a value: shortest heads, definite lengths, map order kept.
#[must_use]
pub fn encode(value: &Value) -> Vec<u8> {
    let mut out = Vec::with_capacity(Length::of(|counted| write::value(counted, value)));
    write::value(&mut out, value);
    out
}

/// A value as JSON: dates as text, bytes as `{"bytes": base64url}`, other tags as
/// `{"tag": n, "value": …}`.
///
/// A map key that is not text is written as in diagnostic notation (RFC 8949, section 8): `-7`, `true`, `h'ffd8'`; one
/// that is an array, a map or a tag is written as its encoding in tag 24, `24(h'820102')`. No key is written inside of
/// another one, so that the text grows with the value alone, whatever is nested in it.
#[must_use]
pub fn to_json(value: &Value) -> serde_json::Value {
    match value {
        Value::Integer(number) => {
            let wide = i128::from(*number);
            i64::try_from(wide)
                .map(|n| json!(n))
                .or_else(|_| u64::try_from(wide).map(|n| json!(n)))
                .unwrap_or_else(|_| json!(wide.to_string()))
        }
        Value::Bytes(bytes) => json!({ "bytes": Base64UrlUnpadded::encode_string(bytes) }),
        Value::Float(number) => json!(number),
        Value::Text(text) => json!(text),
        Value::Bool(yes) => json!(yes),
        Value::Tag(TAG_TDATE | TAG_FULL_DATE, inner) if inner.is_text() => to_json(inner),
        Value::Tag(tag, inner) => json!({ "tag": tag, "value": to_json(inner) }),
        Value::Array(items) => items.iter().map(to_json).collect(),
        Value::Map(entries) => serde_json::Value::Object(
            entries
                .iter()
                .map(|(key, value)| (key_text(key), to_json(value)))
                .collect(),
        ),
        _ => serde_json::Value::Null,
    }
}

fn key_text(key: &Value) -> String {
    match key {
        Value::Text(text) => text.clone(),
        Value::Integer(number) => i128::from(*number).to_string(),
        Value::Bytes(bytes) => format!("h'{}'", base16ct::lower::encode_string(bytes)),
        other @ (Value::Array(_) | Value::Map(_) | Value::Tag(..)) => {
            format!(
                "{TAG_ENCODED}(h'{}')",
                base16ct::lower::encode_string(&encode(other))
            )
        }
        plain => to_json(plain).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_have_the_tags_of_the_standard() {
        let date = full_date(FullDate::parse("1990-01-02").unwrap());
        assert_eq!(
            encode(&date),
            [b"\xd9\x03\xec\x6a".as_slice(), b"1990-01-02"].concat()
        );
        let instant = tdate(Timestamp::from_unix(0));
        assert_eq!(
            encode(&instant),
            [b"\xc0\x74".as_slice(), b"1970-01-01T00:00:00Z"].concat()
        );
        assert_eq!(to_json(&date), json!("1990-01-02"));
    }

    #[test]
    fn bytes_and_odd_keys_survive_in_json() {
        let value = Value::Map(vec![
            (Value::Integer(1.into()), Value::Bytes(vec![0xff, 0xd8])),
            (Value::Text("n".into()), Value::Integer(u64::MAX.into())),
        ]);
        assert_eq!(to_json(&value), json!({"1": {"bytes": "_9g"}, "n": u64::MAX}));
        for (key, text) in [
            (Value::Integer((-7).into()), "-7"),
            (Value::Bool(true), "true"),
            (Value::Bytes(vec![0xff, 0xd8]), "h'ffd8'"),
            (Value::Array(vec![1.into(), 2.into()]), "24(h'820102')"),
            (Value::Tag(24, Box::new(Value::Bytes(vec![1]))), "24(h'd8184101')"),
        ] {
            assert_eq!(
                to_json(&Value::Map(vec![(key, Value::Null)])),
                json!({ text: null })
            );
        }
    }

    #[test]
    fn keys_in_keys_are_as_long_as_they_are() {
        let nested = (0..60).fold(Value::from("\"\\"), |inner, _| {
            Value::Map(vec![(inner, Value::Null)])
        });
        let text = to_json(&nested).to_string();
        assert!(text.len() < 3 * encode(&nested).len(), "{text}");
    }
}
