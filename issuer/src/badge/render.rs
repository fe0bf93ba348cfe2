//! A document and a layout become a drawing.

use core::fmt;
use std::collections::BTreeSet;

use mdoc_core::value::Value;
use tiny_skia::PathBuilder;

use super::barcode::{self, BarcodeFault};
use super::drawing::{Drawing, Shape, ellipse, line, rectangle};
use super::fit::fit;
use super::fonts::Fonts;
use super::layout::{Align, Area, Colour, Fit, Layout, Part, PartKind, TextPart};
use super::picture::Picture;
use super::template::{self, TemplateFault};
use crate::format::fill::Filled;
use crate::photo::PhotoError;

/// Something that keeps a badge from being drawn, and where in the layout file.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum BadgeError {
    /// The document lacks an element, or has nothing in it.
    Missing {
        /// The line in the layout file.
        line: u32,
        /// The element.
        element: String,
    },
    /// An element is no text, number, date or list of these.
    NotText {
        /// The line in the layout file.
        line: u32,
        /// The element.
        element: String,
    },
    /// An element is to be written as a date, and is none.
    NotADate {
        /// The line in the layout file.
        line: u32,
        /// The element.
        element: String,
    },
    /// The photo of the document is no picture.
    Photo {
        /// The line in the layout file.
        line: u32,
        /// What is wrong with it.
        fault: PhotoError,
    },
    /// A text is too long for its field, which must not be cut.
    TextTooLong {
        /// The line in the layout file.
        line: u32,
    },
    /// A barcode cannot be made.
    Barcode {
        /// The line in the layout file.
        line: u32,
        /// Why not.
        fault: BarcodeFault,
    },
}

impl BadgeError {
    /// Stable for ever: published, never renamed, never reused.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Missing { .. } => "badge.element-missing",
            Self::NotText { .. } => "badge.element-not-text",
            Self::NotADate { .. } => "badge.element-not-a-date",
            Self::Photo { .. } => "badge.photo",
            Self::TextTooLong { .. } => "badge.text-too-long",
            Self::Barcode { fault, .. } => fault.code(),
        }
    }

    fn of(line: u32, fault: TemplateFault) -> Self {
        match fault {
            TemplateFault::Missing(element) => Self::Missing { line, element },
            TemplateFault::NotText(element) => Self::NotText { line, element },
            TemplateFault::NotADate(element) => Self::NotADate { line, element },
        }
    }
}

impl fmt::Display for BadgeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { line, element } => write!(
                f,
                "line {line}: the document has no {element}; give it, or write optional=\"true\""
            ),
            Self::NotText { line, element } => write!(f, "line {line}: {element} cannot be shown as text"),
            Self::NotADate { line, element } => write!(f, "line {line}: {element} is no date"),
            Self::Photo { line, fault } => write!(f, "line {line}: {fault}"),
            Self::TextTooLong { line } => write!(f, "line {line}: the text does not fit into its field"),
            Self::Barcode { line, fault } => write!(f, "line {line}: {fault}"),
        }
    }
}

impl core::error::Error for BadgeError {}

/// Everything that keeps a badge from being drawn; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadgeErrors(pub Vec<BadgeError>);

impl fmt::Display for BadgeErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the badge cannot be drawn")?;
        self.0
            .iter()
            .try_for_each(|error| write!(f, "\n  {error} [{}]", error.code()))
    }
}

impl core::error::Error for BadgeErrors {}

/// Something that a person should look at on the badge.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum BadgeNotice {
    /// A text was too long for its field and was cut, with an ellipsis.
    TextCut {
        /// The line in the layout file.
        line: u32,
    },
    /// No font has these characters; boxes stand in their places.
    NoGlyph {
        /// The line in the layout file.
        line: u32,
        /// The characters.
        characters: Vec<char>,
    },
}

impl BadgeNotice {
    /// Stable for ever: published, never renamed, never reused.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TextCut { .. } => "badge.text-cut",
            Self::NoGlyph { .. } => "badge.no-glyph",
        }
    }
}

impl fmt::Display for BadgeNotice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TextCut { line } => {
                write!(f, "line {line}: the text is too long for its field and was cut")
            }
            Self::NoGlyph { line, characters } => {
                write!(f, "line {line}: no font has")?;
                for (at, c) in characters.iter().enumerate() {
                    let comma = if at == 0 { "" } else { "," };
                    write!(f, "{comma} U+{:04X}", u32::from(*c))?;
                }
                f.write_str("; add a font that has")
            }
        }
    }
}

/// Draws one side of the badge of a document. `fonts` come before those that the layout brings along.
///
/// What is optional and not in the document is left out.
///
/// # Errors
/// [`BadgeErrors`] with everything that is wrong. It names elements and lines of the layout, and shows no values.
pub fn draw(
    layout: &Layout,
    document: &Filled,
    fonts: Fonts<'_>,
) -> Result<(Drawing, Vec<BadgeNotice>), BadgeErrors> {
    let fonts = layout.fonts.iter().fold(fonts, |fonts, font| {
        // Reading the layout found that each is a font.
        fonts.or_same(font)
    });
    let mut work = Work {
        document,
        fonts: &fonts,
        shapes: Vec::new(),
        errors: Vec::new(),
        notices: Vec::new(),
    };
    let whole = Area {
        x: 0.0,
        y: 0.0,
        width: layout.size.0,
        height: layout.size.1,
    };
    work.fill(whole, layout.background);
    for part in &layout.parts {
        work.part(part);
    }
    let Work {
        shapes,
        errors,
        notices,
        ..
    } = work;
    if errors.is_empty() {
        let drawing = Drawing {
            title: layout.display_name.clone(),
            size: layout.size,
            shapes,
        };
        Ok((drawing, notices))
    } else {
        Err(BadgeErrors(errors))
    }
}

/// The work of [`draw`].
struct Work<'w, 'f> {
    document: &'w Filled,
    fonts: &'w Fonts<'f>,
    shapes: Vec<Shape>,
    errors: Vec<BadgeError>,
    notices: Vec<BadgeNotice>,
}

impl Work<'_, '_> {
    fn part(&mut self, part: &Part) {
        let line_number = part.line;
        match &part.kind {
            PartKind::Rectangle { area, radius, paint } => {
                let path = rectangle(*area, *radius);
                self.shapes.extend(path.map(|path| Shape::Path {
                    path,
                    paint: *paint,
                    label: None,
                }));
            }
            PartKind::Ellipse { area, paint } => {
                self.shapes.extend(ellipse(*area).map(|path| Shape::Path {
                    path,
                    paint: *paint,
                    label: None,
                }));
            }
            PartKind::Line { from, to, stroke } => self.shapes.extend(line(*from, *to, *stroke)),
            PartKind::Image { area, fit, picture } => {
                self.picture(*area, 0.0, *fit, picture.clone(), "image")
            }
            PartKind::Photo {
                area,
                fit,
                radius,
                element,
                optional,
            } => {
                let bytes = template::find(self.document, element)
                    .and_then(Value::as_bytes)
                    .filter(|bytes| !bytes.is_empty());
                match bytes.map(|bytes| Picture::read(bytes)) {
                    Some(Ok(picture)) => self.picture(*area, *radius, *fit, picture, "photo"),
                    Some(Err(fault)) => self.errors.push(BadgeError::Photo {
                        line: line_number,
                        fault,
                    }),
                    None if *optional => {}
                    None => self.errors.push(BadgeError::Missing {
                        line: line_number,
                        element: element.clone(),
                    }),
                }
            }
            PartKind::Text(text) => match text.value.fill(self.document) {
                Ok(value) => self.text(line_number, text, &value),
                Err(TemplateFault::Missing(_)) if text.optional => {}
                Err(fault) => self.errors.push(BadgeError::of(line_number, fault)),
            },
            PartKind::Barcode {
                area,
                symbology,
                value,
                optional,
            } => match value.fill(self.document) {
                Ok(value) => match barcode::bars(*symbology, &value, *area) {
                    Ok(path) => {
                        self.fill(*area, Colour::WHITE);
                        let label = format!("barcode: {value}");
                        self.shapes.push(Shape::filled(path, Colour::BLACK, Some(label)));
                    }
                    Err(fault) => self.errors.push(BadgeError::Barcode {
                        line: line_number,
                        fault,
                    }),
                },
                Err(TemplateFault::Missing(_)) if *optional => {}
                Err(fault) => self.errors.push(BadgeError::of(line_number, fault)),
            },
        }
    }

    fn fill(&mut self, area: Area, colour: Colour) {
        let path = rectangle(area, 0.0);
        self.shapes
            .extend(path.map(|path| Shape::filled(path, colour, None)));
    }

    fn picture(&mut self, area: Area, radius: f32, fit: Fit, picture: Picture, label: &'static str) {
        let shape = picture.shape();
        let wider = shape > area.width / area.height;
        // The side by which the picture is fitted: contained by its longer one, covering by its shorter one.
        let (width, height) = if wider == (fit == Fit::Contain) {
            (area.width, area.width / shape)
        } else {
            (area.height * shape, area.height)
        };
        let placed = Area {
            x: area.x + (area.width - width) / 2.0,
            y: area.y + (area.height - height) / 2.0,
            width,
            height,
        };
        self.shapes
            .extend(rectangle(area, radius).map(|clip| Shape::Picture {
                area: placed,
                clip,
                picture,
                label,
            }));
    }

    fn text(&mut self, line_number: u32, part: &TextPart, value: &str) {
        let Some(fitted) = fit(part, value, self.fonts) else {
            return self.errors.push(BadgeError::TextTooLong { line: line_number });
        };
        if fitted.cut {
            self.notices.push(BadgeNotice::TextCut { line: line_number });
        }
        let missing: BTreeSet<char> = fitted.missing;
        if !missing.is_empty() {
            self.notices.push(BadgeNotice::NoGlyph {
                line: line_number,
                characters: missing.into_iter().collect(),
            });
        }
        // The first baseline is where it would be for the full size, so that a smaller text does not jump.
        let mut baseline = part.y + part.size;
        let mut path = PathBuilder::new();
        for line in &fitted.lines {
            let free = part.width - line.width * fitted.size;
            let x = part.x
                + match part.align {
                    Align::Left => 0.0,
                    Align::Centre => free / 2.0,
                    Align::Right => free,
                };
            line.outline(x, baseline, fitted.size, &mut path);
            baseline += fitted.size * TextPart::LINE_HEIGHT;
        }
        // A text of blanks has no outline.
        self.shapes.extend(
            path.finish()
                .map(|path| Shape::filled(path, part.colour, Some(value.to_owned()))),
        );
    }
}
