//! Fonts: which character comes from which, and text as outlines.

use core::fmt;
use std::collections::BTreeSet;

use rustybuzz::ttf_parser::{GlyphId, OutlineBuilder};
use rustybuzz::{Direction, Face, UnicodeBuffer};
use tiny_skia::PathBuilder;
use unicode_bidi::BidiInfo;

const REGULAR: &[u8] = include_bytes!("../../../document-formats/layouts/fonts/OpenSans-Regular.ttf");
const BOLD: &[u8] = include_bytes!("../../../document-formats/layouts/fonts/OpenSans-Bold.ttf");

/// A file that is no font.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FontError;

impl fmt::Display for FontError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("this is no TrueType or OpenType font")
    }
}

impl core::error::Error for FontError {}

/// The fonts that text is set in: the built-in one (Latin, Greek, Cyrillic), and others for what it lacks.
pub struct Fonts<'f> {
    regular: Option<Face<'f>>,
    bold: Option<Face<'f>>,
    others: Vec<Face<'f>>,
}

impl<'f> Fonts<'f> {
    /// Largest font file, in bytes: fonts of Chinese characters have up to 20 MiB.
    pub const LARGEST_FILE: usize = 32 << 20;

    /// The built-in font alone.
    #[must_use]
    pub fn built_in() -> Self {
        Self {
            regular: Face::from_slice(REGULAR, 0),
            bold: Face::from_slice(BOLD, 0),
            others: Vec::new(),
        }
    }

    /// Adds a font, TrueType or OpenType, for characters that those before it lack.
    ///
    /// # Errors
    /// [`FontError`] if it is none.
    pub fn with(mut self, font: &'f [u8]) -> Result<Self, FontError> {
        let face = Face::from_slice(font, 0).ok_or(FontError)?;
        self.others.push(face);
        Ok(self)
    }

    /// With a font that is known to be one.
    pub(super) fn or_same(mut self, font: &'f [u8]) -> Self {
        self.others.extend(Face::from_slice(font, 0));
        self
    }

    fn faces(&self, bold: bool) -> impl Iterator<Item = &Face<'f>> {
        let main = if bold { &self.bold } else { &self.regular };
        main.iter().chain(&self.others)
    }

    /// Sets one line of text, in the order in which it is seen, with the letters joined as their script has it.
    pub(super) fn set(&self, text: &str, bold: bool) -> Line<'_, 'f> {
        let faces: Vec<&Face<'f>> = self.faces(bold).collect();
        let mut line = Line::default();
        let bidi = BidiInfo::new(text, None);
        for paragraph in &bidi.paragraphs {
            let (levels, runs) = bidi.visual_runs(paragraph, paragraph.range.clone());
            for run in runs {
                let rtl = levels.get(run.start).is_some_and(|level| level.is_rtl());
                let mut pieces = by_face(&faces, text.get(run).unwrap_or_default());
                if rtl {
                    pieces.reverse();
                }
                for (face, piece) in pieces {
                    line.missing.extend(
                        piece
                            .chars()
                            .filter(|c| !ignorable(*c) && !faces.iter().any(|face| has(face, *c))),
                    );
                    if let Some(face) = faces.get(face) {
                        line.shape(face, piece, rtl);
                    }
                }
            }
        }
        line
    }
}

fn has(face: &Face<'_>, c: char) -> bool {
    face.glyph_index(c).is_some()
}

/// Characters that are not seen, and need no glyph.
fn ignorable(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{fe00}'..='\u{fe0f}')
}

/// Cuts a text into pieces that one font has; what none has is left to the first.
fn by_face<'t>(faces: &[&Face<'_>], text: &'t str) -> Vec<(usize, &'t str)> {
    let mut pieces: Vec<(usize, usize)> = Vec::new(); // font, start
    for (at, c) in text.char_indices() {
        let last = pieces.last().map(|(face, _)| *face);
        let suits = |face: usize| faces.get(face).is_some_and(|face| has(face, c));
        let face = match last {
            // Blanks and joiners stay with what is before them, and so does what its font has.
            Some(last) if ignorable(c) || suits(last) => last,
            _ => (0..faces.len()).find(|face| suits(*face)).unwrap_or(0),
        };
        if last != Some(face) {
            pieces.push((face, at));
        }
    }
    let ends = pieces.iter().skip(1).map(|(_, start)| *start).chain([text.len()]);
    pieces
        .iter()
        .zip(ends)
        .map(|((face, start), end)| (*face, text.get(*start..end).unwrap_or_default()))
        .collect()
}

/// A line of text that was set; lengths are parts of the size of the type.
#[derive(Default)]
pub(super) struct Line<'s, 'f> {
    glyphs: Vec<Glyph<'s, 'f>>,
    pub(super) width: f32,
    /// Characters that no font has.
    pub(super) missing: BTreeSet<char>,
}

struct Glyph<'s, 'f> {
    face: &'s Face<'f>,
    id: GlyphId,
    x: f32,
    y: f32,
}

/// A number of a font as a part of the size of the type.
fn em(face: &Face<'_>, units: i32) -> f32 {
    // Numbers of fonts have 16 bits, sums of them hardly more.
    let units = i16::try_from(units).map_or(0.0, f32::from);
    let per_em = u16::try_from(face.units_per_em()).map_or(1000.0, f32::from);
    units / per_em
}

impl<'s, 'f> Line<'s, 'f> {
    fn shape(&mut self, face: &'s Face<'f>, text: &str, rtl: bool) {
        let mut buffer = UnicodeBuffer::new();
        buffer.push_str(text);
        buffer.guess_segment_properties();
        buffer.set_direction(if rtl {
            Direction::RightToLeft
        } else {
            Direction::LeftToRight
        });
        let shaped = rustybuzz::shape(face, &[], buffer);
        for (info, position) in shaped.glyph_infos().iter().zip(shaped.glyph_positions()) {
            let id = GlyphId(u16::try_from(info.glyph_id).unwrap_or(0));
            self.glyphs.push(Glyph {
                face,
                id,
                x: self.width + em(face, position.x_offset),
                y: em(face, position.y_offset),
            });
            self.width += em(face, position.x_advance);
        }
    }

    /// Draws the line; `x` and `y` are where its baseline begins.
    pub(super) fn outline(&self, x: f32, y: f32, size: f32, path: &mut PathBuilder) {
        for glyph in &self.glyphs {
            let per_em = u16::try_from(glyph.face.units_per_em()).map_or(1000.0, f32::from);
            let mut pen = Pen {
                path: &mut *path,
                x: x + glyph.x * size,
                y: y - glyph.y * size,
                scale: size / per_em,
            };
            // A blank has no outline.
            let _ = glyph.face.outline_glyph(glyph.id, &mut pen);
        }
    }
}

/// Moves outlines from the font, where up is plus, to the badge, where down is plus.
struct Pen<'p> {
    path: &'p mut PathBuilder,
    x: f32,
    y: f32,
    scale: f32,
}

impl Pen<'_> {
    fn at(&self, x: f32, y: f32) -> (f32, f32) {
        (self.x + x * self.scale, self.y - y * self.scale)
    }
}

impl OutlineBuilder for Pen<'_> {
    fn move_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.at(x, y);
        self.path.move_to(x, y);
    }

    fn line_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.at(x, y);
        self.path.line_to(x, y);
    }

    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        let ((x1, y1), (x, y)) = (self.at(x1, y1), self.at(x, y));
        self.path.quad_to(x1, y1, x, y);
    }

    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        let ((x1, y1), (x2, y2), (x, y)) = (self.at(x1, y1), self.at(x2, y2), self.at(x, y));
        self.path.cubic_to(x1, y1, x2, y2, x, y);
    }

    fn close(&mut self) {
        self.path.close();
    }
}
