//! What was scanned or pasted, as an encoded engagement: with what to do if it is none.

use mdoc_cli::{Failure, output};
use mdoc_verifier::scan::{self, ScanError, Scanned};

use super::PROGRAM;

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
