//! Heads and strings of CBOR, appended to a buffer (RFC 8949, section 3).

pub(super) const UNSIGNED: u8 = 0;
pub(super) const BYTES: u8 = 2;
pub(super) const TEXT: u8 = 3;
pub(super) const ARRAY: u8 = 4;
pub(super) const MAP: u8 = 5;
pub(super) const TAG: u8 = 6;

pub(super) fn head(out: &mut Vec<u8>, major: u8, argument: usize) {
    let major = major << 5;
    if argument < 24 {
        out.push(major | argument as u8);
    } else if argument < 1 << 8 {
        out.extend_from_slice(&[major | 24, argument as u8]);
    } else if argument < 1 << 16 {
        out.push(major | 25);
        out.extend_from_slice(&(argument as u16).to_be_bytes());
    } else {
        out.push(major | 26);
        out.extend_from_slice(&(argument as u32).to_be_bytes());
    }
}

pub(super) const fn head_len(argument: usize) -> usize {
    match argument {
        0..24 => 1,
        24..256 => 2,
        256..65_536 => 3,
        _ => 5,
    }
}

pub(super) fn text(out: &mut Vec<u8>, text: &str) {
    head(out, TEXT, text.len());
    out.extend_from_slice(text.as_bytes());
}

pub(super) fn bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    head(out, BYTES, bytes.len());
    out.extend_from_slice(bytes);
}

/// Tag 24 around a byte string of `len` bytes, which the caller appends.
pub(super) fn embedded_head(out: &mut Vec<u8>, len: usize) {
    head(out, TAG, 24);
    head(out, BYTES, len);
}
