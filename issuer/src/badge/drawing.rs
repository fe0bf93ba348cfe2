//! A badge as shapes: what SVG and PNG are written from.

use tiny_skia::{Path, PathBuilder, Rect};

use super::layout::{Area, Colour, Paint, Stroke};
use super::picture::Picture;
use super::{PngError, png, svg};

/// One side of a badge, drawn.
#[derive(Debug, Clone)]
pub struct Drawing {
    /// What it is, for people who cannot see it.
    pub(super) title: String,
    /// Width and height in millimetres.
    pub(super) size: (f32, f32),
    pub(super) shapes: Vec<Shape>,
}

/// Something on the badge; lengths are millimetres.
#[derive(Debug, Clone)]
pub(super) enum Shape {
    /// An outline that is filled, drawn along, or both.
    Path {
        path: Path,
        paint: Paint,
        /// What it says, for text and barcodes.
        label: Option<String>,
    },
    /// A picture.
    Picture {
        /// Where the whole picture lies.
        area: Area,
        /// What is seen of it.
        clip: Path,
        picture: Picture,
        label: &'static str,
    },
}

impl Drawing {
    /// The smallest resolution of a PNG, in dots per inch.
    pub const LEAST_DPI: u16 = 72;
    /// The largest one.
    pub const MOST_DPI: u16 = 1200;
    /// What printers of cards have.
    pub const DPI: u16 = 300;

    /// Width and height in millimetres.
    #[must_use]
    pub const fn size(&self) -> (f32, f32) {
        self.size
    }

    /// An SVG 1.1 file that needs nothing else: pictures are in it, and texts are outlines with their text as label.
    #[must_use]
    pub fn svg(&self) -> String {
        svg::write(self)
    }

    /// A PNG file of a resolution from [`Self::LEAST_DPI`] to [`Self::MOST_DPI`], which it states.
    ///
    /// # Errors
    /// [`PngError`] if it would be too large.
    pub fn png(&self, dpi: u16) -> Result<Vec<u8>, PngError> {
        png::write(self, dpi)
    }
}

impl Shape {
    /// A filled path without outline.
    pub(super) const fn filled(path: Path, colour: Colour, label: Option<String>) -> Self {
        let paint = Paint {
            fill: Some(colour),
            stroke: None,
        };
        Self::Path { path, paint, label }
    }
}

/// A rectangle, perhaps with rounded corners. `None` if it has no extent.
pub(super) fn rectangle(area: Area, radius: f32) -> Option<Path> {
    /// How far the handles of a quarter of a circle are from its ends, as a part of the radius.
    const HANDLE: f32 = 0.552_284_8;
    let Area { x, y, width, height } = area;
    let rect = Rect::from_xywh(x, y, width, height)?;
    if radius <= 0.0 {
        return Some(PathBuilder::from_rect(rect));
    }
    let r = radius.min(width / 2.0).min(height / 2.0);
    let (right, bottom, k) = (x + width, y + height, r * (1.0 - HANDLE));
    let mut path = PathBuilder::new();
    path.move_to(x + r, y);
    path.line_to(right - r, y);
    path.cubic_to(right - k, y, right, y + k, right, y + r);
    path.line_to(right, bottom - r);
    path.cubic_to(right, bottom - k, right - k, bottom, right - r, bottom);
    path.line_to(x + r, bottom);
    path.cubic_to(x + k, bottom, x, bottom - k, x, bottom - r);
    path.line_to(x, y + r);
    path.cubic_to(x, y + k, x + k, y, x + r, y);
    path.close();
    path.finish()
}

/// An ellipse that touches the sides of its area.
pub(super) fn ellipse(area: Area) -> Option<Path> {
    PathBuilder::from_oval(Rect::from_xywh(area.x, area.y, area.width, area.height)?)
}

/// A straight line.
pub(super) fn line(from: (f32, f32), to: (f32, f32), stroke: Stroke) -> Option<Shape> {
    let mut path = PathBuilder::new();
    path.move_to(from.0, from.1);
    path.line_to(to.0, to.1);
    Some(Shape::Path {
        path: path.finish()?,
        paint: Paint {
            fill: None,
            stroke: Some(stroke),
        },
        label: None,
    })
}
