//! What one side of a badge looks like.

use core::fmt;

use super::picture::Picture;
use super::template::Template;
use super::xml;
use crate::format::Format;
use crate::format::error::FormatError;
use crate::format::more::{self, Count};

/// A side of a badge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The side with the photo.
    Front,
    /// The other one.
    Back,
}

impl Side {
    /// `front` or `back`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Front => "front",
            Self::Back => "back",
        }
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One side of a badge, described by an XML file.
///
/// Having one says that the file was right in every respect that can be checked without a document.
#[derive(Debug, Clone)]
pub struct Layout {
    /// The name on the command line, for example `access-badge-front`.
    pub name: String,
    /// The version of this description, as its author counts.
    pub version: String,
    /// The name that people see.
    pub display_name: String,
    /// What it is for, in a sentence or two.
    pub description: Option<String>,
    /// The format of the documents that it is for, if it names one.
    pub format: Option<String>,
    /// Which side it is.
    pub side: Side,
    /// Of a front: whether it is the one that is used if nothing else is said.
    pub default: bool,
    /// Of a back: the name of the front it belongs to.
    pub back_of: Option<String>,
    /// Width and height in millimetres.
    pub size: (f32, f32),
    pub(super) background: Colour,
    pub(super) parts: Vec<Part>,
    /// Fonts that the file brings along, for scripts that the built-in one lacks.
    pub(super) fonts: Vec<Vec<u8>>,
}

impl Layout {
    /// Most bytes of all pictures of a badge that goes out with documents: each has them again.
    pub const MOST_PICTURE_BYTES: usize = 1 << 20;

    /// Bytes of the pictures that the file brings along.
    #[must_use]
    pub fn picture_bytes(&self) -> usize {
        let pictures = self.parts.iter().filter_map(|part| match &part.kind {
            PartKind::Image { picture, .. } => Some(picture.bytes()),
            _ => None,
        });
        pictures.fold(0, usize::saturating_add)
    }

    /// Largest layout file, in bytes; inline pictures are part of it.
    pub const LARGEST_FILE: usize = Format::LARGEST_FILE;

    /// Reads a layout from the bytes of an XML file. `files` finds the pictures and fonts that it names, which are
    /// relative paths without `..`; it says in a few words why it cannot.
    ///
    /// # Errors
    /// [`LayoutErrors`] with everything that is wrong, each with line and column. Never panics, whatever the bytes.
    pub fn read(
        xml: &[u8],
        files: &mut dyn FnMut(&str) -> Result<Vec<u8>, String>,
    ) -> Result<Self, LayoutErrors> {
        xml::read(xml, files).map_err(|errors| LayoutErrors(errors.0))
    }

    /// The places that name an element which no document of this format can have: line in the file, and name.
    #[must_use]
    pub fn unknown_elements(&self, format: &Format) -> Vec<(u32, String)> {
        let known = |name: &str| {
            format.elements().any(|(namespace, element)| {
                let identifier = match name.rsplit_once('/') {
                    Some((wanted, identifier)) if wanted == namespace => identifier,
                    Some(_) => return false,
                    None => name,
                };
                element.identifier == identifier
                    || element.identifier.strip_suffix("NN").is_some_and(|prefix| {
                        identifier.strip_prefix(prefix).is_some_and(|digits| {
                            digits.len() == 2 && digits.bytes().all(|b| b.is_ascii_digit())
                        })
                    })
            })
        };
        self.parts
            .iter()
            .flat_map(|part| part.kind.elements().into_iter().map(|name| (part.line, name)))
            .filter(|(_, name)| !known(name))
            .map(|(line, name)| (line, name.to_owned()))
            .collect()
    }
}

/// Everything that is wrong with a layout file, in the order of the file; never empty. What is told and what is counted is
/// as with [`FormatErrors`](crate::format::FormatErrors).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayoutErrors(pub Vec<FormatError>);

impl LayoutErrors {
    /// The code of one of the faults: as those of formats, with another beginning. Stable for ever.
    #[must_use]
    pub fn code(error: &FormatError) -> String {
        error.code.code().replacen("format.", "layout.", 1)
    }

    /// How many faults there are, with those that are not told.
    #[must_use]
    pub fn count(&self) -> Count {
        more::count(&self.0)
    }
}

impl fmt::Display for LayoutErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        more::sentence(f, "the layout has", &self.0)
    }
}

impl core::error::Error for LayoutErrors {}

/// Red, green and blue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Colour(pub(super) [u8; 3]);

impl Colour {
    pub(super) const BLACK: Self = Self([0; 3]);
    pub(super) const WHITE: Self = Self([255; 3]);

    /// Reads `#rrggbb` or `#rgb`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('#')?;
        if !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        let number = u32::from_str_radix(digits, 16).ok()?;
        match digits.len() {
            3 => {
                let channel = |shift: u32| u8::try_from((number >> shift & 0xf) * 0x11).ok();
                Some(Self([channel(8)?, channel(4)?, channel(0)?]))
            }
            6 => {
                let [_, r, g, b] = number.to_be_bytes();
                Some(Self([r, g, b]))
            }
            _ => None,
        }
    }
}

impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self([r, g, b]) = self;
        write!(f, "#{r:02x}{g:02x}{b:02x}")
    }
}

/// A rectangle on the badge, in millimetres from the upper left corner.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Area {
    pub(super) x: f32,
    pub(super) y: f32,
    pub(super) width: f32,
    pub(super) height: f32,
}

/// Something that is drawn, and where in the file it stands.
#[derive(Debug, Clone)]
pub(super) struct Part {
    pub(super) line: u32,
    pub(super) kind: PartKind,
}

#[derive(Debug, Clone)]
pub(super) enum PartKind {
    Rectangle {
        area: Area,
        radius: f32,
        paint: Paint,
    },
    Ellipse {
        area: Area,
        paint: Paint,
    },
    Line {
        from: (f32, f32),
        to: (f32, f32),
        stroke: Stroke,
    },
    Image {
        area: Area,
        fit: Fit,
        picture: Picture,
    },
    Photo {
        area: Area,
        fit: Fit,
        radius: f32,
        element: String,
        optional: bool,
    },
    Text(TextPart),
    Barcode {
        area: Area,
        symbology: Symbology,
        value: Template,
        optional: bool,
    },
}

impl PartKind {
    /// The elements of the document that it needs.
    fn elements(&self) -> Vec<&str> {
        match self {
            Self::Photo { element, .. } => vec![element],
            Self::Text(text) => text.value.elements().collect(),
            Self::Barcode { value, .. } => value.elements().collect(),
            Self::Rectangle { .. } | Self::Ellipse { .. } | Self::Line { .. } | Self::Image { .. } => {
                Vec::new()
            }
        }
    }
}

/// How a shape is filled and outlined.
#[derive(Debug, Clone, Copy)]
pub(super) struct Paint {
    pub(super) fill: Option<Colour>,
    pub(super) stroke: Option<Stroke>,
}

/// An outline; the width is in millimetres.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stroke {
    pub(super) colour: Colour,
    pub(super) width: f32,
}

/// How a picture of another shape gets into its area.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fit {
    /// The whole picture, with margins.
    Contain,
    /// The whole area, with the edges of the picture cut off.
    Cover,
}

#[derive(Debug, Clone)]
pub(super) struct TextPart {
    pub(super) x: f32,
    pub(super) y: f32,
    pub(super) width: f32,
    /// Height of the type, in millimetres.
    pub(super) size: f32,
    pub(super) min_size: f32,
    pub(super) bold: bool,
    pub(super) align: Align,
    pub(super) colour: Colour,
    pub(super) lines: u16,
    pub(super) overflow: Overflow,
    pub(super) value: Template,
    pub(super) optional: bool,
}

impl TextPart {
    /// The distance of two lines, as a part of the size of the type.
    pub(super) const LINE_HEIGHT: f32 = 1.25;
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Align {
    Left,
    Centre,
    Right,
}

/// What happens to a text that is too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Overflow {
    /// It gets smaller down to the smallest size, and is cut only then.
    Shrink,
    /// It is cut.
    Ellipsis,
    /// The badge is refused.
    Refuse,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Symbology {
    Code128,
    Pdf417,
}
