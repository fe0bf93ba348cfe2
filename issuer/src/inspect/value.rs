//! Values of elements, and of whatever has no name in the standard.

use std::borrow::Cow;

pub(super) use base16ct::lower::encode_string as hex;
use mdoc_core::cbor::{self, Item};
use mdoc_core::limits::Limits;
use mdoc_core::value::{TAG_ENCODED, TAG_FULL_DATE, TAG_TDATE, Value, to_json};

use serde_json::Value as Json;

use super::tree::Node;
use crate::photo;

/// Byte strings up to this length are shown.
const SHOWN_BYTES: usize = 32;
/// Pictures of more pixels for each of their bytes are not decoded to see whether they can be: portraits have up to
/// twenty, and thousands of pictures of a few bytes and millions of pixels each would take hours.
const PIXELS_A_BYTE: u64 = 32;
/// Levels that are shown of one value.
const DEEPEST: usize = 32;

/// An item under a name.
pub(super) fn item(name: impl Into<String>, item: Item<'_>) -> Node {
    match item.to_value() {
        Ok(found) => value(name, &found),
        Err(_) => Node::text(name, cbor::diagnostic(item, SHOWN_BYTES)),
    }
}

/// A value under a name.
pub(super) fn value(name: impl Into<String>, value: &Value) -> Node {
    let mut content = Cow::Borrowed(value);
    while let Some(inner) = opened(&content) {
        content = Cow::Owned(inner);
    }
    Node {
        json: Some(to_json(&content)),
        ..at_depth(name.into(), value, 0)
    }
}

/// What people see of a value. What programs see is said once, by its root: at every level it would be there as often as
/// there are levels.
fn at_depth(name: String, value: &Value, depth: usize) -> Node {
    if depth == DEEPEST {
        return Node::value(name, "…", Json::Null);
    }
    match value {
        Value::Map(entries) => {
            let children = entries
                .iter()
                .map(|(key, value)| at_depth(short(key), value, depth + 1))
                .collect();
            Node {
                text: if entries.is_empty() { "empty" } else { "" }.to_owned(),
                ..Node::group(name, children)
            }
        }
        Value::Array(items) if items.iter().all(is_plain) => {
            let texts: Vec<String> = items.iter().map(short).collect();
            let text = if texts.is_empty() {
                "none".to_owned()
            } else {
                texts.join(", ")
            };
            Node::value(name, text, Json::Null)
        }
        Value::Array(items) => {
            let children = items
                .iter()
                .enumerate()
                .map(|(index, value)| at_depth(format!("{}", index + 1), value, depth + 1))
                .collect();
            Node::list(name, children)
        }
        _ => match opened(value) {
            Some(inner) => at_depth(name, &inner, depth + 1),
            None => Node::value(name, short(value), Json::Null),
        },
    }
}

/// What is inside a tag 24 byte string, if the value is one.
fn opened(value: &Value) -> Option<Value> {
    let Value::Tag(TAG_ENCODED, inner) = value else {
        return None;
    };
    Item::parse(inner.as_bytes()?, &Limits::DEFAULT)
        .ok()?
        .to_value()
        .ok()
}

fn is_plain(value: &Value) -> bool {
    match value {
        Value::Tag(TAG_TDATE | TAG_FULL_DATE, _) => true,
        Value::Tag(..) | Value::Array(_) | Value::Map(_) => false,
        Value::Bytes(bytes) => bytes.len() <= SHOWN_BYTES,
        _ => true,
    }
}

/// A value on one line.
pub(super) fn short(value: &Value) -> String {
    match value {
        Value::Bytes(found) => bytes(found),
        Value::Text(text) => text.clone(),
        Value::Integer(number) => i128::from(*number).to_string(),
        Value::Float(number) => number.to_string(),
        Value::Bool(true) => "true".to_owned(),
        Value::Bool(false) => "false".to_owned(),
        Value::Null => "null".to_owned(),
        Value::Tag(TAG_TDATE | TAG_FULL_DATE, inner) if inner.is_text() => short(inner),
        Value::Tag(tag, inner) => format!("{tag}({})", short(inner)),
        Value::Array(items) => format!("a list of {}", items.len()),
        Value::Map(entries) => format!("a map of {}", entries.len()),
        _ => "a value of another type".to_owned(),
    }
}

/// Bytes on one line: short ones as they are, pictures and other long ones by their size.
pub(super) fn bytes(bytes: &[u8]) -> String {
    let picture = match photo::kind(bytes) {
        Ok(kind) => Some(match photo::inspect_within(bytes, PIXELS_A_BYTE) {
            Ok((photo, is_decoded)) => {
                let size = photo.pixels.map(|(width, height)| format!(" {width}x{height}"));
                let unseen = if is_decoded { "" } else { ", not decoded" };
                format!("{kind}{}{unseen}", size.unwrap_or_default())
            }
            Err(error) => format!("{kind}, but {error}"),
        }),
        Err(photo::PhotoError::Empty | photo::PhotoError::NotAnImage) => None,
        Err(error) => Some(error.to_string()),
    };
    match picture {
        Some(picture) => format!("{} bytes, {picture}", thousands(bytes.len())),
        None if bytes.is_empty() => "0 bytes".to_owned(),
        None if bytes.len() <= SHOWN_BYTES => hex(bytes),
        None => format!("{} bytes", thousands(bytes.len())),
    }
}

/// `30,214`
pub(super) fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
