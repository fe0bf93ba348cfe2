//! Pictures, as they come with a person's data and as they are in a document.

use std::hint::black_box;

use mdoc_issuer::photo::{self, ImageKind, Wanted, prepare};
use mdoc_verifier::portrait::Portrait;

use crate::fixtures::one_in;

/// Largest pictures that are decoded: enough for every kind of block of every format.
const MOST_PIXELS: u64 = 1024;

/// PNG.
pub fn picture_png(input: &[u8]) {
    picture(input);
}

/// JPEG.
pub fn picture_jpeg(input: &[u8]) {
    picture(input);
}

/// JPEG 2000, in a JP2 file or as the codestream alone.
pub fn picture_jpeg2000(input: &[u8]) {
    picture(input);
}

/// A picture that is prepared is one that a document may have, and can be read; whatever a document has, a verifier looks at.
fn picture(input: &[u8]) {
    if many_pixels(input, MOST_PIXELS) {
        return;
    }
    black_box(Portrait::decode(input).is_some());
    match photo::inspect(input) {
        Err(error) => assert!(!error.to_string().is_empty()),
        Ok(found) => assert_eq!(photo::kind(input), Ok(found.kind)),
    }
    let wanted = Wanted {
        // Below it the first quality is taken; to find a quality, the picture is encoded again and again.
        aim_bytes: if one_in(16, input) { 600 } else { 1 << 20 },
        max_pixels: 1024,
        ..Wanted::new(&[ImageKind::Jpeg, ImageKind::Jpeg2000], 1 << 20)
    };
    match prepare(input, &wanted) {
        Err(error) => assert!(!error.to_string().is_empty()),
        Ok(prepared) => {
            assert!(prepared.bytes.len() <= wanted.max_bytes);
            assert!(prepared.width > 0 && prepared.height > 0);
            assert!(prepared.width * prepared.height <= wanted.max_pixels);
            let found = photo::inspect(&prepared.bytes).unwrap();
            assert_eq!(found.kind, prepared.kind);
            assert_eq!(found.pixels, Some((prepared.width, prepared.height)));
            black_box(prepared.changes);
        }
    }
}

/// Whether a header says that there are more pixels: so many are decoded in the time of a thousand other inputs. How many
/// are taken at all is looked at before memory is, and is for the tests of the reader.
pub(crate) fn many_pixels(input: &[u8], most: u64) -> bool {
    let number = |at: usize| -> u64 {
        let bytes = input.get(at..at + 4).unwrap_or(&[0; 4]);
        bytes
            .iter()
            .fold(0, |number, byte| number << 8 | u64::from(*byte))
    };
    let many = |width: u64, height: u64| width.saturating_mul(height) > most;
    if input.starts_with(b"\x89PNG") {
        return many(number(16), number(20));
    }
    (0..input.len().saturating_sub(9)).any(|at| match (input[at], input[at + 1]) {
        // SOFn: length, precision, height, width.
        (0xff, 0xc0..=0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf) => {
            many(number(at + 5) >> 16, number(at + 5) & 0xffff)
        }
        // SIZ: length, capabilities, width, height of the grid.
        (0xff, 0x51) => many(number(at + 6), number(at + 10)),
        _ => false,
    })
}
