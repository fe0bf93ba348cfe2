//! Diagnostic notation (RFC 8949, section 8), for people who look into files.

use std::fmt::Write as _;

use super::{Item, Kind};
use crate::limits::Limits;
use crate::value::TAG_ENCODED;

/// The item in diagnostic notation, two spaces of indentation a level.
///
/// The content of tag 24 is written as `24(<< … >>)` where it is CBOR, as long as all that was opened has no more items
/// than one message may have; after that as the byte string that it is. Byte strings longer than `longest` bytes are
/// cut, with their length in a comment; 0 cuts none. Lines are indented by 32 levels at most.
#[must_use]
pub fn diagnostic(item: Item<'_>, longest: usize) -> String {
    let mut out = String::new();
    Printer {
        out: &mut out,
        longest,
        embedded: 0,
        left: Limits::DEFAULT.items,
    }
    .item(item, 0);
    out
}

/// Levels that lines are indented by.
const DEEPEST: usize = 32;

struct Printer<'o> {
    out: &'o mut String,
    longest: usize,
    embedded: usize,
    /// Items that may still come in what is opened.
    left: usize,
}

impl Printer<'_> {
    fn item(&mut self, item: Item<'_>, level: usize) {
        match item.kind() {
            Kind::Unsigned(n) => self.push(&n.to_string()),
            Kind::Negative(n) => self.push(&(-1 - i128::from(n)).to_string()),
            Kind::Bytes => self.bytes(&item.bytes().unwrap_or_default()),
            Kind::Text => {
                let text = item.text().unwrap_or_default();
                self.push(&serde_json::Value::from(text).to_string());
            }
            Kind::Array => {
                let items: Vec<_> = item
                    .array()
                    .into_iter()
                    .flatten()
                    .map(|item| (None, item))
                    .collect();
                self.container(['[', ']'], &items, level);
            }
            Kind::Map => {
                let entries: Vec<_> = item
                    .map()
                    .into_iter()
                    .flatten()
                    .map(|(key, value)| (Some(key), value))
                    .collect();
                self.container(['{', '}'], &entries, level);
            }
            Kind::Tag(tag) => self.tagged(tag, item, level),
            Kind::Bool(value) => self.push(if value { "true" } else { "false" }),
            Kind::Null => self.push(if item.raw() == [0xf7] { "undefined" } else { "null" }),
            Kind::Simple => self.simple(item),
        }
    }

    fn push(&mut self, text: &str) {
        self.out.push_str(text);
    }

    fn new_line(&mut self, level: usize) {
        self.push("\n");
        self.push(&"  ".repeat(level.min(DEEPEST)));
    }

    fn bytes(&mut self, bytes: &[u8]) {
        let cut = if self.longest == 0 {
            bytes.len()
        } else {
            self.longest.min(bytes.len())
        };
        self.push("h'");
        self.push(&base16ct::lower::encode_string(bytes.get(..cut).unwrap_or(bytes)));
        self.push("'");
        if cut < bytes.len() {
            let _ = write!(self.out, " / … {} bytes in all /", bytes.len());
        }
    }

    fn container(&mut self, [open, close]: [char; 2], items: &[(Option<Item<'_>>, Item<'_>)], level: usize) {
        self.out.push(open);
        for (index, (key, value)) in items.iter().enumerate() {
            if index > 0 {
                self.push(",");
            }
            self.new_line(level + 1);
            if let Some(key) = key {
                self.item(*key, level + 1);
                self.push(": ");
            }
            self.item(*value, level + 1);
        }
        if !items.is_empty() {
            self.new_line(level);
        }
        self.out.push(close);
    }

    fn tagged(&mut self, tag: u64, item: Item<'_>, level: usize) {
        let Some((_, inner)) = item.tagged() else { return };
        let _ = write!(self.out, "{tag}(");
        let content = inner.bytes().filter(|_| tag == TAG_ENCODED && self.embedded < 8);
        let limits = Limits {
            items: self.left,
            ..Limits::DEFAULT
        };
        match content
            .as_deref()
            .map(|content| Item::parse_with_shape(content, &limits))
        {
            Some(Ok((content, shape))) => {
                self.left = self.left.saturating_sub(shape.items);
                self.embedded += 1;
                self.push("<<");
                self.item(content, level);
                self.push(">>");
                self.embedded -= 1;
            }
            _ => self.item(inner, level),
        }
        self.push(")");
    }

    fn simple(&mut self, item: Item<'_>) {
        match item.to_value() {
            Ok(crate::value::Value::Float(number)) if number.is_nan() => self.push("NaN"),
            Ok(crate::value::Value::Float(number)) if number.is_infinite() => {
                self.push(if number > 0.0 { "Infinity" } else { "-Infinity" });
            }
            Ok(crate::value::Value::Float(number)) => {
                let _ = write!(self.out, "{number:?}");
            }
            _ => {
                let number = item.raw().get(1).or(item.raw().first()).copied().unwrap_or(0);
                let number = if item.raw().len() == 1 {
                    number & 31
                } else {
                    number
                };
                let _ = write!(self.out, "simple({number})");
            }
        }
    }
}
