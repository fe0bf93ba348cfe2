//! What was scanned or pasted, as an encoded engagement: with what to do if it is none.

use std::io::{BufRead, ErrorKind};

use mdoc_cli::{Failure, output};
use mdoc_core::engagement::EngagementUri;
use mdoc_verifier::scan::{self, ScanError, Scanned};

use super::PROGRAM;

/// Enough of a line to see that it is too long for a code.
const LONGEST: usize = EngagementUri::LONGEST + 1;

/// The encoded engagement of a QR code's text. Failures begin with `whose`: the name of what it came from and a colon,
/// or nothing.
pub(super) fn of_text(text: &str, whose: &str) -> Result<Vec<u8>, Failure> {
    encoded(scan::engagement_from_text(text), whose)
}

/// The encoded engagement in a picture of a QR code, PNG or JPEG; `whose` as for [`of_text`].
pub(super) fn of_picture(picture: &[u8], whose: &str) -> Result<Vec<u8>, Failure> {
    encoded(scan::engagement_in_picture(picture), whose)
}

fn encoded(scanned: Result<Scanned, ScanError>, whose: &str) -> Result<Vec<u8>, Failure> {
    let scanned =
        scanned.map_err(|error| Failure::new(format!("{whose}{error}")).hint_if(Some(hint(&error))))?;
    Ok(taken(&scanned))
}

/// The encoded engagement, and a warning if it came in another form than that of the standard.
pub(super) fn taken(scanned: &Scanned) -> Vec<u8> {
    if scanned.with_slashes() {
        output::warn(
            PROGRAM,
            "the wallet's code says `mdoc://`, which is not the form of the standard; it was taken all the same",
        );
    }
    scanned.bytes().to_vec()
}

/// The next line, whatever its octets are, or none at the end: what is not UTF-8 is replaced, and of what is longer than any
/// code the rest is left out, so that neither ends a program that waits for codes.
pub(super) fn line(input: &mut impl BufRead) -> std::io::Result<Option<String>> {
    let (mut line, mut some) = (Vec::new(), false);
    loop {
        let piece = match input.fill_buf() {
            Ok(piece) => piece,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let end = piece.iter().position(|&octet| octet == b'\n');
        let of_line = piece.get(..end.unwrap_or(piece.len())).unwrap_or_default();
        let room = LONGEST.saturating_sub(line.len()).min(of_line.len());
        line.extend(of_line.iter().take(room));
        some |= !piece.is_empty();
        let (taken, over) = (of_line.len() + usize::from(end.is_some()), piece.is_empty());
        input.consume(taken);
        if over || end.is_some() {
            break;
        }
    }
    Ok(some.then(|| String::from_utf8_lossy(&line).trim_end_matches('\r').to_owned()))
}

/// What to do about it.
fn hint(error: &ScanError) -> String {
    match error {
        ScanError::NoCode | ScanError::Undecodable => {
            "take the picture again: the whole code with its white margin, in focus, without glare"
        }
        ScanError::TooLarge => "take the picture with fewer pixels, or cut it to the code",
        ScanError::NoPicture => "save the picture as a PNG or a JPEG",
        ScanError::Several(_) => "take a picture of the code of one wallet alone",
        ScanError::KeyboardLayout => "set the scanner to the keyboard layout of this machine",
        ScanError::Uri(_) | ScanError::Engagement(_) => {
            "copy the whole text of the QR code: mdoc: and what follows, without a gap"
        }
        _ => "give the code that the wallet shows: it says `mdoc:` and then many letters and digits",
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_is_no_text_or_without_end_is_followed_by_the_next_one() {
        let mut typed = Vec::from(&b"mdoc:one\r\n\xff\xfe\x00\n"[..]);
        typed.resize(typed.len() + 3 * LONGEST, b'x');
        typed.extend(b"\n\nmdoc:two");
        let mut input = std::io::BufReader::with_capacity(7, typed.as_slice());
        let lines: Vec<String> = core::iter::from_fn(|| line(&mut input).unwrap()).collect();
        let [one, no_text, long, empty, two] = lines.as_slice() else {
            panic!("{} lines", lines.len());
        };
        assert_eq!(
            (one.as_str(), empty.as_str(), two.as_str()),
            ("mdoc:one", "", "mdoc:two")
        );
        assert_eq!(no_text, "\u{fffd}\u{fffd}\0");
        assert_eq!(long.len(), LONGEST);
    }
}
