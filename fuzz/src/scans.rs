//! What is scanned: texts and pictures of QR codes.

use std::cell::Cell;
use std::sync::Once;

use mdoc_core::engagement::to_uri;
use mdoc_verifier::scan::{self, Frame, PixelFormat, ScanError, Scanned, Watch};

use crate::fixtures::{LIMITS, one_in};
use crate::pictures::many_pixels;

/// Largest pictures that are searched: a code of an engagement with two pixels a module has less.
pub(crate) const MOST_PIXELS: u64 = 20_000;

/// Largest of fifteen pictures in sixteen: a code of an engagement with one pixel a module has less.
const MOST_OF_MANY: u64 = 4_000;

/// A line that a barcode scanner typed.
pub fn scan_text(input: &[u8]) {
    let Ok(text) = core::str::from_utf8(input) else {
        return;
    };
    let scanned = scan::engagement_from_text(text);
    if let Err(error) = &scanned {
        // What was scanned may be somebody else's secret. Who scans the words of an error itself is told them.
        let (text, words) = (text.trim(), error.to_string());
        if text.len() >= 32 && words.contains(text) {
            let reversed: String = text.chars().rev().collect();
            let other = scan::engagement_from_text(&reversed).unwrap_err();
            assert_eq!(other.to_string(), words, "the error repeats what was scanned");
        }
    }
    holds(scanned);
}

/// A file with a photograph of a code.
pub fn scan_picture(input: &[u8]) {
    let most = if one_in(16, input) {
        MOST_PIXELS
    } else {
        MOST_OF_MANY
    };
    if !many_pixels(input, most) {
        holds(quietly(|| scan::engagement_in_picture(input)));
    }
}

/// A frame of a camera: the first byte chooses how its pixels lie and which of the ways a frame is looked at it gets, two
/// more are its width and what lies between rows.
pub fn scan_frame(input: &[u8]) {
    let [first, wide, between, data @ ..] = input else {
        return;
    };
    let formats = [
        (PixelFormat::Grey, 1),
        (PixelFormat::Planar, 1),
        (PixelFormat::Yuyv, 2),
        (PixelFormat::Uyvy, 2),
        (PixelFormat::Rgb, 3),
        (PixelFormat::Bgr, 3),
        (PixelFormat::Jpeg, 1),
    ];
    let (format, step) = formats[usize::from(first & 7) % formats.len()];
    if format == PixelFormat::Jpeg && many_pixels(data, MOST_OF_MANY) {
        return;
    }
    let wide = usize::from(*wide);
    let stride = if *between == 0 {
        0
    } else {
        wide * step + usize::from(*between)
    };
    let row = if stride == 0 { wide * step } else { stride };
    // As many rows as there are bytes for; the last bit says that one more is promised.
    let high = data.len().checked_div(row).unwrap_or(1) + usize::from(first >> 7);
    let frame = |data: &[u8]| Frame {
        format,
        wide,
        high,
        stride,
        data: data.to_vec(),
    };
    let mut watch = Watch::default();
    let damaged = usize::from(first >> 3 & 15);
    for _ in 0..damaged {
        assert!(watch.look(&frame(&[])).is_none());
    }
    let found = quietly(|| watch.look(&frame(data)));
    assert_eq!(watch.frames(), damaged + 1);
    match found {
        None => assert!(!watch.in_vain(core::time::Duration::from_secs(1)).is_empty()),
        Some(scanned) => {
            holds(Ok(scanned));
            assert!(watch.look(&frame(data)).is_none(), "taken twice");
        }
    }
}

/// What is taken is an engagement, which says the same as a text of its own.
fn holds(scanned: Result<Scanned, ScanError>) {
    match scanned {
        Err(error) => assert!(!error.to_string().is_empty()),
        Ok(scanned) => {
            let engagement = scanned.engagement(&LIMITS).unwrap();
            assert_eq!(engagement.raw(), scanned.bytes());
            let again = scan::engagement_from_text(&to_uri(scanned.bytes())).unwrap();
            assert_eq!(again.bytes(), scanned.bytes());
            assert!(!again.with_slashes());
        }
    }
}

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Panics of the library that reads codes are caught by who calls it; libFuzzer would take each for the end, before that.
/// One that is not caught there still ends the run.
fn quietly<T>(work: impl FnOnce() -> T) -> T {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let loud = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !QUIET.get() {
                loud(info);
            }
        }));
    });
    QUIET.set(true);
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
    QUIET.set(false);
    result.unwrap_or_else(|_| panic!("a panic came out of the search for codes"))
}
