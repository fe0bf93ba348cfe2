//! What is scanned: texts and pictures of QR codes.

use std::cell::Cell;
use std::sync::Once;

use mdoc_core::engagement::to_uri;
use mdoc_verifier::scan::{self, ScanError, Scanned};

use crate::fixtures::LIMITS;
use crate::pictures::many_pixels;

/// Largest pictures that are searched: a code of an engagement with two pixels a module has less.
pub(crate) const MOST_PIXELS: u64 = 20_000;

/// A line that a barcode scanner typed.
pub fn scan_text(input: &[u8]) {
    let Ok(text) = core::str::from_utf8(input) else {
        return;
    };
    let scanned = scan::engagement_from_text(text);
    if let Err(error) = &scanned {
        // What was scanned may be somebody else's secret.
        let text = text.trim();
        assert!(text.len() < 32 || !error.to_string().contains(text));
    }
    holds(scanned);
}

/// A file with a photograph of a code.
pub fn scan_picture(input: &[u8]) {
    if !many_pixels(input, MOST_PIXELS) {
        holds(quietly(|| scan::engagement_in_picture(input)));
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
