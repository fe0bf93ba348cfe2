//! Looking into anything: the tree of a message in words, and diagnostic notation.

use std::hint::black_box;

use mdoc_core::cbor::{Item, diagnostic};
use mdoc_core::value;
use mdoc_issuer::inspect::{self, Inspection};

use crate::fixtures::{LIMITS, one_in, world};

/// Whatever CBOR it is: its tree in words; of one input in four as JSON, its diagnostic notation, its value.
pub fn inspect(input: &[u8]) {
    match Inspection::of_cbor(input, world().now) {
        Err(error) => {
            assert!(!error.to_string().is_empty());
            assert!(Item::parse(input, &LIMITS).is_err(), "{error}");
        }
        Ok(found) => {
            let text = found.text();
            assert!(!text.is_empty());
            let controls = text.chars().filter(|c| c.is_control() && *c != '\n').count();
            assert_eq!(controls, 0, "no control character reaches a terminal");
            black_box(found.faults().len());
            if one_in(4, input) {
                black_box(found.json().to_string());
            }
        }
    }
    if !one_in(4, input) {
        return;
    }
    if let Ok(item) = Item::parse(input, &LIMITS) {
        for longest in [0, 16] {
            let text = diagnostic(item, longest);
            assert!(!text.is_empty());
        }
        if let Ok(value) = item.to_value() {
            black_box(value::to_json(&value));
        }
    }
    black_box(inspect::diagnostic(input).is_ok());
    black_box(inspect::portrait(input).is_ok());
}
