//! Deterministic encoding: shortest heads, definite lengths (RFC 8949, 4.2.1 without the sorting).
//!
//! Everything is written to an [`Output`]: a buffer, or [`Length`], which only counts. So the length that stands before
//! something is counted by the lines that write it, and the two cannot differ.

use ciborium::Value;

/// Where encoded bytes go.
pub(crate) trait Output {
    /// Appends bytes.
    fn put(&mut self, bytes: &[u8]);
}

impl Output for Vec<u8> {
    #[inline]
    fn put(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

/// How many bytes were written, without the bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Length(usize);

impl Length {
    /// The number of bytes that `write` writes.
    #[inline]
    pub(crate) fn of(write: impl FnOnce(&mut Self)) -> usize {
        let mut length = Self::default();
        write(&mut length);
        length.0
    }
}

impl Output for Length {
    #[inline]
    fn put(&mut self, bytes: &[u8]) {
        self.0 += bytes.len();
    }
}

#[inline]
pub(super) fn head(out: &mut impl Output, major: u8, value: u64) {
    let major = major << 5;
    let [a, b, c, d, e, f, g, h] = value.to_be_bytes();
    match value {
        0..24 => out.put(&[major | h]),
        24..0x100 => out.put(&[major | 24, h]),
        0x100..0x1_0000 => out.put(&[major | 25, g, h]),
        0x1_0000..0x1_0000_0000 => out.put(&[major | 26, e, f, g, h]),
        _ => out.put(&[major | 27, a, b, c, d, e, f, g, h]),
    }
}

fn count(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}

/// Bytes that a head with this value takes.
pub(crate) const fn head_len(value: usize) -> usize {
    match value {
        0..24 => 1,
        24..0x100 => 2,
        0x100..0x1_0000 => 3,
        0x1_0000..0x1_0000_0000 => 5,
        _ => 9,
    }
}

#[inline]
pub(crate) fn unsigned(out: &mut impl Output, value: u64) {
    head(out, 0, value);
}

pub(crate) fn integer(out: &mut impl Output, value: i64) {
    match u64::try_from(value) {
        Ok(value) => head(out, 0, value),
        Err(_) => head(out, 1, value.unsigned_abs() - 1),
    }
}

#[inline]
pub(crate) fn bytes(out: &mut impl Output, value: &[u8]) {
    bytes_head(out, value.len());
    out.put(value);
}

#[inline]
pub(crate) fn bytes_head(out: &mut impl Output, len: usize) {
    head(out, 2, count(len));
}

#[inline]
pub(crate) fn text(out: &mut impl Output, value: &str) {
    head(out, 3, count(value.len()));
    out.put(value.as_bytes());
}

#[inline]
pub(crate) fn array(out: &mut impl Output, len: usize) {
    head(out, 4, count(len));
}

#[inline]
pub(crate) fn map(out: &mut impl Output, len: usize) {
    head(out, 5, count(len));
}

#[inline]
pub(crate) fn tag(out: &mut impl Output, number: u64) {
    head(out, 6, number);
}

pub(crate) fn boolean(out: &mut impl Output, value: bool) {
    out.put(if value { &[0xf5] } else { &[0xf4] });
}

pub(crate) fn null(out: &mut impl Output) {
    out.put(&[0xf6]);
}

pub(crate) fn embedded(out: &mut impl Output, content: &[u8]) {
    tag(out, crate::value::TAG_ENCODED);
    bytes(out, content);
}

pub(crate) fn tdate(out: &mut impl Output, instant: crate::time::Timestamp) {
    tag(out, crate::value::TAG_TDATE);
    head(out, 3, 20);
    out.put(&instant.strict());
}

/// A value of any shape; entries of maps in the order in which they are.
pub(crate) fn value(out: &mut impl Output, item: &Value) {
    match item {
        Value::Text(content) => text(out, content),
        Value::Bytes(content) => bytes(out, content),
        Value::Bool(yes) => boolean(out, *yes),
        Value::Null => null(out),
        Value::Tag(number, inner) => {
            tag(out, *number);
            value(out, inner);
        }
        Value::Array(items) => {
            array(out, items.len());
            for item in items {
                value(out, item);
            }
        }
        Value::Map(entries) => {
            map(out, entries.len());
            for (key, item) in entries {
                value(out, key);
                value(out, item);
            }
        }
        Value::Integer(number) => {
            let number = i128::from(*number);
            // Every integer of CBOR is n or -1 - n, with n of 64 bits.
            match u64::try_from(number) {
                Ok(number) => head(out, 0, number),
                Err(_) => head(out, 1, u64::try_from(-1 - number).unwrap_or(u64::MAX)),
            }
        }
        // Floats, of which documents have next to none: their shortest form is a matter of its own.
        other => {
            let mut encoded = Vec::new();
            // Writing a `Value` to memory has no way to fail.
            let _ = ciborium::into_writer(other, &mut encoded);
            out.put(&encoded);
        }
    }
}

#[cfg(test)]
mod tests;
