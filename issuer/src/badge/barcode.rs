//! Barcodes as rectangles: Code 128 and PDF417.
//!
//! Source: ISO/IEC 15417 (Code 128), ISO/IEC 15438 (PDF417): quiet zones and heights of rows.

use core::fmt;

use rxing::EncodeHints;
use rxing::common::CharacterSet;
use rxing::oned::{Code128Writer, OneDimensionalCodeWriter as _};
use rxing::pdf417::encoder::PDF417;
use tiny_skia::{Path, PathBuilder, Rect};

use super::layout::{Area, Symbology};

/// Most characters of a Code 128.
const LONGEST_CODE_128: usize = 80;
/// Most bytes of a PDF417 that are tried; what it holds depends on the characters, and is less.
const LONGEST_PDF417: usize = 1800;
/// Modules that stay white on both sides of a Code 128.
const QUIET_CODE_128: u16 = 10;
/// Modules that stay white around a PDF417.
const QUIET_PDF417: u16 = 2;
/// The narrowest bar, in millimetres: two dots of a printer with 300 dots per inch.
const NARROWEST: f32 = 0.169;
/// The height of a row of a PDF417, in modules.
const ROW: f32 = 3.0;

/// Why a text cannot be a barcode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum BarcodeFault {
    /// There is no text.
    Empty,
    /// The text has characters that the barcode does not have.
    Unencodable,
    /// The text is too long for the barcode, however large.
    TooLong {
        /// The limit, in characters or bytes.
        limit: usize,
    },
    /// The bars would be narrower than printers and readers can do.
    TooDense,
}

impl BarcodeFault {
    /// Stable for ever: published, never renamed, never reused.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Empty => "badge.barcode-empty",
            Self::Unencodable => "badge.barcode-unencodable",
            Self::TooLong { .. } => "badge.barcode-too-long",
            Self::TooDense => "badge.barcode-too-dense",
        }
    }
}

impl fmt::Display for BarcodeFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("there is nothing to be encoded"),
            Self::Unencodable => {
                f.write_str("Code 128 has letters without accents, digits and signs of ASCII only, use PDF417")
            }
            Self::TooLong { limit } => write!(f, "the text is longer than the {limit} characters that it holds"),
            Self::TooDense => f.write_str(
                "the text is too long for this area, bars would be less than 0.17 mm: enlarge it or encode less",
            ),
        }
    }
}

/// The bars in their area, in millimetres; the quiet zones are part of the area.
pub(super) fn bars(symbology: Symbology, text: &str, area: Area) -> Result<Path, BarcodeFault> {
    if text.is_empty() {
        return Err(BarcodeFault::Empty);
    }
    match symbology {
        Symbology::Code128 => code_128(text, area),
        Symbology::Pdf417 => pdf417(text, area),
    }
}

fn code_128(text: &str, area: Area) -> Result<Path, BarcodeFault> {
    // ASCII without control characters: they cannot be typed, and readers send them on as keystrokes.
    if !text.bytes().all(|b| matches!(b, b' '..=b'~')) {
        return Err(BarcodeFault::Unencodable);
    }
    if text.len() > LONGEST_CODE_128 {
        return Err(BarcodeFault::TooLong {
            limit: LONGEST_CODE_128,
        });
    }
    let hints = EncodeHints {
        Code128Compact: Some(true),
        ..EncodeHints::default()
    };
    let modules = Code128Writer
        .encode_oned_with_hints(text, &hints)
        .map_err(|_| BarcodeFault::Unencodable)?;
    let count = count(modules.len() + 2 * usize::from(QUIET_CODE_128));
    let module = area.width / count;
    if module < NARROWEST {
        return Err(BarcodeFault::TooDense);
    }
    let start = area.x + f32::from(QUIET_CODE_128) * module;
    let mut path = PathBuilder::new();
    push_row(&mut path, &modules, (start, area.y), module, area.height);
    path.finish().ok_or(BarcodeFault::Empty)
}

fn pdf417(text: &str, area: Area) -> Result<Path, BarcodeFault> {
    let too_long = BarcodeFault::TooLong {
        limit: LONGEST_PDF417,
    };
    if text.len() > LONGEST_PDF417 {
        return Err(too_long);
    }
    // Of all numbers of columns, the one that gives the widest bars.
    let mut best: Option<(f32, Vec<Vec<bool>>)> = None;
    let mut encodable = false;
    for columns in 1..=30 {
        let Some(rows) = symbol(text, columns) else {
            continue;
        };
        encodable = true;
        let quiet = 2.0 * f32::from(QUIET_PDF417);
        let wide = count(rows.first().map_or(0, Vec::len)) + quiet;
        let high = count(rows.len()) * ROW + quiet;
        let module = (area.width / wide).min(area.height / high);
        if best.as_ref().is_none_or(|(widest, _)| module > *widest) {
            best = Some((module, rows));
        }
    }
    let (module, rows) = best.ok_or(if encodable {
        BarcodeFault::TooDense
    } else {
        too_long
    })?;
    if module < NARROWEST {
        return Err(BarcodeFault::TooDense);
    }
    let (wide, high) = (
        count(rows.first().map_or(0, Vec::len)) * module,
        count(rows.len()) * ROW * module,
    );
    let left = area.x + (area.width - wide) / 2.0;
    let top = area.y + (area.height - high) / 2.0;
    let mut path = PathBuilder::new();
    for (at, row) in rows.iter().enumerate() {
        let y = top + count(at) * ROW * module;
        push_row(&mut path, row, (left, y), module, ROW * module);
    }
    path.finish().ok_or(BarcodeFault::Empty)
}

/// The rows of a symbol with so many columns; `None` if it does not hold the text.
fn symbol(text: &str, columns: u32) -> Option<Vec<Vec<bool>>> {
    // Codewords for correction as ISO/IEC 15438, annex E recommends, by the length of the text.
    let level = match text.len() {
        0..=60 => 2,
        61..=250 => 3,
        251..=500 => 4,
        _ => 5,
    };
    let mut encoder = PDF417::new();
    encoder.setDimensions(columns, columns, 90, 3);
    if !text.is_ascii() {
        encoder.setEncoding(Some(CharacterSet::UTF8));
    }
    encoder.generateBarcodeLogic(text, level).ok()?;
    let matrix = encoder.getBarcodeMatrix().as_ref()?.getMatrix();
    // The library gives the lowest row first.
    let rows = matrix
        .into_iter()
        .rev()
        .map(|row| row.into_iter().map(|module| module == 1).collect());
    Some(rows.collect())
}

/// Draws the bars of a row, neighbouring modules as one.
fn push_row(path: &mut PathBuilder, modules: &[bool], (x, y): (f32, f32), module: f32, height: f32) {
    let mut at = 0;
    for bar in modules.chunk_by(|a, b| a == b) {
        if bar.first() == Some(&true) {
            let rect = Rect::from_xywh(x + count(at) * module, y, count(bar.len()) * module, height);
            rect.into_iter().for_each(|rect| path.push_rect(rect));
        }
        at += bar.len();
    }
}

fn count(number: usize) -> f32 {
    u16::try_from(number).map_or(f32::from(u16::MAX), f32::from)
}
