//! Deterministic encoding: shortest heads, definite lengths (RFC 8949, 4.2.1 without the sorting).

pub(super) fn head(out: &mut Vec<u8>, major: u8, value: u64) {
    let major = major << 5;
    if let Ok(byte) = u8::try_from(value) {
        if byte < 24 {
            out.push(major | byte);
        } else {
            out.extend([major | 24, byte]);
        }
    } else if let Ok(short) = u16::try_from(value) {
        out.push(major | 25);
        out.extend(short.to_be_bytes());
    } else if let Ok(word) = u32::try_from(value) {
        out.push(major | 26);
        out.extend(word.to_be_bytes());
    } else {
        out.push(major | 27);
        out.extend(value.to_be_bytes());
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

pub(crate) fn unsigned(out: &mut Vec<u8>, value: u64) {
    head(out, 0, value);
}

pub(crate) fn integer(out: &mut Vec<u8>, value: i64) {
    match u64::try_from(value) {
        Ok(value) => head(out, 0, value),
        Err(_) => head(out, 1, value.unsigned_abs() - 1),
    }
}

pub(crate) fn bytes(out: &mut Vec<u8>, value: &[u8]) {
    bytes_head(out, value.len());
    out.extend_from_slice(value);
}

pub(crate) fn bytes_head(out: &mut Vec<u8>, len: usize) {
    head(out, 2, count(len));
}

pub(crate) fn text(out: &mut Vec<u8>, value: &str) {
    head(out, 3, count(value.len()));
    out.extend_from_slice(value.as_bytes());
}

pub(crate) fn array(out: &mut Vec<u8>, len: usize) {
    head(out, 4, count(len));
}

pub(crate) fn map(out: &mut Vec<u8>, len: usize) {
    head(out, 5, count(len));
}

pub(crate) fn tag(out: &mut Vec<u8>, number: u64) {
    head(out, 6, number);
}

pub(crate) fn boolean(out: &mut Vec<u8>, value: bool) {
    out.push(if value { 0xf5 } else { 0xf4 });
}

pub(crate) fn null(out: &mut Vec<u8>) {
    out.push(0xf6);
}

pub(crate) fn embedded(out: &mut Vec<u8>, content: &[u8]) {
    tag(out, crate::value::TAG_ENCODED);
    bytes(out, content);
}

pub(crate) fn tdate(out: &mut Vec<u8>, instant: crate::time::Timestamp) {
    tag(out, crate::value::TAG_TDATE);
    text(out, &instant.to_string());
}
