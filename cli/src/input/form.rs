//! What is in a file, told by its content, and how that was written.

use base64ct::{Base64Unpadded, Base64UrlUnpadded, Encoding as _};
use mdoc_core::cbor::Item;
use mdoc_core::limits::Limits;
use serde::de::IgnoredAny;
use zeroize::Zeroizing;

/// The longest text that may be hexadecimal digits or Base64 of something, in bytes: 4 MiB.
pub const LARGEST_TEXT: usize = 4 << 20;

/// What is in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// CBOR, or what seems to be CBOR with a fault in it.
    Cbor,
    /// PEM blocks: certificates, keys.
    Pem,
    /// DER, as of a certificate.
    Der,
    /// JSON text.
    Json,
    /// An `mdoc:` URI, the text of a QR code.
    EngagementUri,
    /// A JPEG picture.
    Jpeg,
    /// Another known kind of file; its name with an article.
    Other(&'static str),
    /// Text of no known kind.
    Text,
    /// Nothing known.
    Unknown,
}

/// How the bytes were written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writing {
    /// As they are.
    Raw,
    /// As hexadecimal digits.
    Hex,
    /// As base64url or base64.
    Base64,
}

/// The form, how it was written, and the bytes if they are not those of the file.
pub(super) fn recognise(bytes: &[u8]) -> (Form, Writing, Option<Vec<u8>>) {
    if let Some(form) = by_first_bytes(bytes) {
        return (form, Writing::Raw, None);
    }
    if let Some(text) = text_of(bytes) {
        return by_text(text);
    }
    (binary(bytes).unwrap_or(Form::Unknown), Writing::Raw, None)
}

fn by_first_bytes(bytes: &[u8]) -> Option<Form> {
    Some(match bytes {
        [0xff, 0xd8, 0xff, ..] => Form::Jpeg,
        [0x89, b'P', b'N', b'G', ..] => Form::Other("a PNG picture"),
        [0, 0, 0, 12, b'j', b'P', ..] => Form::Other("a JPEG 2000 picture"),
        [b'G', b'I', b'F', b'8', ..] => Form::Other("a GIF picture"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Form::Other("a WebP picture"),
        [0, 0, 0, _, b'f', b't', b'y', b'p', b'h' | b'm', ..] => Form::Other("a HEIC picture"),
        [b'%', b'P', b'D', b'F', ..] => Form::Other("a PDF document"),
        [b'P', b'K', 3, 4, ..] => Form::Other("a ZIP archive"),
        [0x1f, 0x8b, 8, ..] => Form::Other("a gzip archive"),
        _ => return None,
    })
}

/// UTF-8 without control characters. No structure of the standard can be mistaken for it: the first byte
/// of each is a map, an array or a tag, and none of these begins a character.
fn text_of(bytes: &[u8]) -> Option<&str> {
    let text = core::str::from_utf8(bytes).ok()?;
    let control = if text.is_ascii() {
        bytes.iter().any(|byte| matches!(byte, 0..=8 | 14..=31 | 127))
    } else {
        text.contains(|c: char| c.is_control() && !c.is_whitespace())
    };
    (!control).then(|| text.trim_start_matches('\u{feff}').trim())
}

fn by_text(text: &str) -> (Form, Writing, Option<Vec<u8>>) {
    let scheme = text.get(..5).unwrap_or_default();
    if text.contains("-----BEGIN ") {
        return (Form::Pem, Writing::Raw, None);
    }
    if scheme.eq_ignore_ascii_case("mdoc:") {
        return (Form::EngagementUri, Writing::Raw, None);
    }
    if text.starts_with(['{', '[']) && serde_json::from_str::<IgnoredAny>(text).is_ok() {
        return (Form::Json, Writing::Raw, None);
    }
    let Some(packed) = packed(text) else {
        return (Form::Text, Writing::Raw, None);
    };
    for writing in [Writing::Hex, Writing::Base64] {
        let decoded = match writing {
            Writing::Base64 => base64(&packed),
            _ => hex(&packed),
        };
        if let Some(bytes) = decoded
            && let Some(form) = by_first_bytes(&bytes).or_else(|| binary(&bytes))
        {
            return (form, writing, Some(bytes));
        }
    }
    (Form::Text, Writing::Raw, None)
}

/// The text without its blanks; none if it is too long, or begins with what is no digit of either writing.
fn packed(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let digit =
        |byte: &u8| byte.is_ascii_alphanumeric() || b"+/-_='".contains(byte) || byte.is_ascii_whitespace();
    let beginning = text.as_bytes().get(..64).unwrap_or(text.as_bytes());
    if text.len() > LARGEST_TEXT || !beginning.iter().all(digit) {
        return None;
    }
    let mut packed = Zeroizing::new(Vec::with_capacity(text.len()));
    for word in text.split_ascii_whitespace() {
        packed.extend_from_slice(word.as_bytes());
    }
    Some(packed)
}

/// What binary data is: DER if its length is right, CBOR if it is well-formed or begins like a structure.
fn binary(bytes: &[u8]) -> Option<Form> {
    if is_der(bytes) {
        return Some(Form::Der);
    }
    // Maps, arrays and tags: 0x80 to 0xdb, and those of indefinite length.
    let first = *bytes.first()?;
    let begins = matches!(first, 0x80..=0x9b | 0x9f | 0xa0..=0xbb | 0xbf | 0xc0..=0xdb);
    (begins || Item::parse(bytes, &Limits::VICAL).is_ok()).then_some(Form::Cbor)
}

/// A SEQUENCE that ends where the data end.
fn is_der(bytes: &[u8]) -> bool {
    let (length, head) = match bytes {
        [0x30, 0x81, a, ..] => (u64::from(*a), 3),
        [0x30, 0x82, a, b, ..] => (u64::from(u16::from_be_bytes([*a, *b])), 4),
        [0x30, 0x83, a, b, c, ..] => (u64::from(u32::from_be_bytes([0, *a, *b, *c])), 5),
        [0x30, a, ..] if *a < 0x80 => (u64::from(*a), 2),
        _ => return false,
    };
    u64::try_from(bytes.len()).is_ok_and(|len| len == length + head)
}

fn hex(packed: &[u8]) -> Option<Vec<u8>> {
    let digits = packed
        .strip_prefix(b"0x")
        .or_else(|| packed.strip_prefix(b"h'")?.strip_suffix(b"'"))
        .unwrap_or(packed);
    if digits.is_empty() {
        return None;
    }
    base16ct::mixed::decode_vec(digits).ok()
}

fn base64(packed: &[u8]) -> Option<Vec<u8>> {
    let text = core::str::from_utf8(packed).ok()?.trim_end_matches('=');
    if text.is_empty() {
        return None;
    }
    let other = |byte: &u8| matches!(byte, b'+' | b'/');
    if packed.iter().any(other) {
        Base64Unpadded::decode_vec(text).ok()
    } else {
        Base64UrlUnpadded::decode_vec(text).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::super::Input;
    use super::*;

    fn form(bytes: &[u8]) -> (Form, Writing) {
        let input = Input::recognise("x".to_owned(), bytes.to_vec());
        (input.form, input.writing)
    }

    const ENGAGEMENT: &str = "a20063312e300182 01D8185846\nA0";

    #[test]
    fn content_tells_what_a_file_is() {
        let cbor: &[u8] = &[0xa1, 0x61, b'a', 0x82, 0x01, 0x02];
        assert_eq!(form(cbor), (Form::Cbor, Writing::Raw));
        assert_eq!(form(b"a1 61\r\n61 8201 02\n"), (Form::Cbor, Writing::Hex));
        assert_eq!(form(b"oWFhggEC"), (Form::Cbor, Writing::Base64));
        assert_eq!(form(b"oWFh\nggEC==\n"), (Form::Cbor, Writing::Base64));
        assert_eq!(form(b"h'a161618201 02'"), (Form::Cbor, Writing::Hex));
        assert_eq!(
            form(ENGAGEMENT.as_bytes()),
            (Form::Cbor, Writing::Hex),
            "broken, but begun"
        );
        assert_eq!(form(&[0xff, 0xd8, 0xff, 0xe0]), (Form::Jpeg, Writing::Raw));
        assert_eq!(form(b"_9j_4AAQ"), (Form::Jpeg, Writing::Base64));
        assert_eq!(
            form(b"text before\n-----BEGIN CERTIFICATE-----\n"),
            (Form::Pem, Writing::Raw)
        );
        assert_eq!(form(&[0x30, 0x03, 0x02, 0x01, 0x00]), (Form::Der, Writing::Raw));
        assert_eq!(form(b"\xef\xbb\xbf {\"a\": 1}\n"), (Form::Json, Writing::Raw));
        assert_eq!(form(b"MDOC:owBj"), (Form::EngagementUri, Writing::Raw));
        assert_eq!(form(b"Dear Sir or Madam,"), (Form::Text, Writing::Raw));
        assert_eq!(form(&[0, 1, 2, 0xfe]), (Form::Unknown, Writing::Raw));
    }

    #[test]
    fn digits_are_undone_up_to_a_length() {
        let digits = |bytes: usize| format!("41{}", "0a".repeat(bytes / 2 - 1));
        assert_eq!(
            form(digits(LARGEST_TEXT).as_bytes()),
            (Form::Text, Writing::Raw),
            "no CBOR in it"
        );
        let array = |bytes: usize| format!("9a00{}", "0a".repeat(bytes / 2 - 2));
        assert_eq!(form(array(LARGEST_TEXT).as_bytes()), (Form::Cbor, Writing::Hex));
        assert_eq!(
            form(array(LARGEST_TEXT + 2).as_bytes()),
            (Form::Text, Writing::Raw)
        );
        let late = format!("{}!", array(200));
        assert_eq!(form(late.as_bytes()), (Form::Text, Writing::Raw));
        assert_eq!(form(b"A1 61 61 01"), (Form::Cbor, Writing::Hex), "capitals");
    }
}
