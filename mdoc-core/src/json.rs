//! What has to be looked at in a JSON text before a library reads it.

/// Most digits of a number. A reader that wants the nearest floating-point number keeps them all until the number ends; nothing
/// that this toolkit reads has that many.
pub const MOST_DIGITS: usize = 1_000;

/// The byte at which a number has more than [`MOST_DIGITS`] digits, with those behind the point and in the exponent; texts are passed
/// over. What is no JSON is for its reader to find.
#[must_use]
pub fn long_number(text: &[u8]) -> Option<usize> {
    let (mut digits, mut quoted, mut escaped) = (0, false, false);
    for (at, byte) in text.iter().enumerate() {
        if quoted {
            quoted = escaped || *byte != b'"';
            escaped = !escaped && *byte == b'\\';
            continue;
        }
        match byte {
            b'0'..=b'9' => digits += 1,
            b'.' | b'e' | b'E' | b'+' | b'-' => {}
            _ => (digits, quoted) = (0, *byte == b'"'),
        }
        if digits > MOST_DIGITS {
            return Some(at);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_of_one_number_are_counted_and_those_in_texts_are_not() {
        let digits = "9".repeat(MOST_DIGITS);
        for fine in [
            format!("[{digits}, {digits}]"),
            format!("[0.{}, 1]", &digits[1..]),
            format!("[\"\\\"{digits}{digits}\\\\\", 7]"),
            format!("\"{digits}{digits}"),
        ] {
            assert_eq!(long_number(fine.as_bytes()), None, "{fine}");
        }
        for (long, at) in [
            (format!("{digits}0"), 1_000),
            (format!("[0.{digits}]"), 1_002),
            (format!("{{\"a\\\\\":1e-{digits}}}"), 1_009),
        ] {
            assert_eq!(long_number(long.as_bytes()), Some(at), "{long}");
        }
    }
}
