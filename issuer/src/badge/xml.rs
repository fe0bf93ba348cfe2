//! Reads a layout from XML: everything that is wrong is reported at once, with line and column.

use base64ct::{Base64, Encoding as _};
use roxmltree::Node;

use super::XML_NAMESPACE;
use super::fonts::Fonts;
use super::layout::{
    Align, Area, Colour, Fit, Layout, Overflow, Paint, Part, PartKind, Side, Stroke, Symbology, TextPart,
};
use super::picture::Picture;
use super::template::Template;
use crate::format::error::{FormatCode, FormatErrors};
use crate::format::xml::parse;
use crate::format::xml::place::{Faults, position};

/// Largest width or height of a badge, in millimetres.
const LARGEST_SIDE: f32 = 300.0;
/// Smallest width or height of a badge, in millimetres.
const SMALLEST_SIDE: f32 = 10.0;
/// Millimetres of a typographic point.
const POINT: f32 = 25.4 / 72.0;
/// Most parts of a layout.
const MOST_PARTS: usize = 500;
/// Most fonts of a layout.
const MOST_FONTS: usize = 8;
/// Coordinates are rounded to a thousandth when they are compared with the edge.
const ROUNDING: f32 = 0.001;

const PARTS: [&str; 7] = [
    "rectangle",
    "ellipse",
    "line",
    "image",
    "photo",
    "text",
    "barcode",
];

/// Finds the files that a layout names.
type Files<'f> = &'f mut dyn FnMut(&str) -> Result<Vec<u8>, String>;

/// See [`Layout::read`].
pub(super) fn read(bytes: &[u8], files: Files<'_>) -> Result<Layout, FormatErrors> {
    parse(bytes, |document| {
        let mut reader = Reader {
            faults: Faults::new(document, XML_NAMESPACE),
            files,
            size: (0.0, 0.0),
        };
        let layout = reader.layout(document.root_element());
        reader.faults.into_result(layout)
    })
}

/// The work of [`read`]: methods note what is wrong and go on.
struct Reader<'d, 'f> {
    faults: Faults<'d>,
    files: Files<'f>,
    size: (f32, f32),
}

impl<'d> Reader<'d, '_> {
    fn layout(&mut self, root: Node<'d, 'd>) -> Option<Layout> {
        let name = root.tag_name();
        if name.name() != "badge-layout" || name.namespace() != Some(XML_NAMESPACE) {
            let message = format!("the root must be badge-layout in the XML namespace {XML_NAMESPACE}");
            return self.faults.note(root, FormatCode::WrongRoot, message);
        }
        let attributes = [
            "name",
            "version",
            "display-name",
            "format",
            "side",
            "default",
            "back-of",
            "width",
            "height",
            "background",
        ];
        self.faults.check_attributes(root, &attributes);
        let name = self.faults.required_name(root, "name");
        let version = self.faults.required_text(root, "version", 32);
        let display_name = self.faults.required_text(root, "display-name", 150);
        let side = self.choice(
            root,
            "side",
            &[("front", Side::Front), ("back", Side::Back)],
            None,
        );
        let default = self.faults.flag(root, "default");
        let back_of = root.attribute("back-of").map(str::to_owned);
        match side {
            Some(Side::Back) if back_of.is_none() => {
                let message = "a back needs the attribute back-of, the name of its front".to_owned();
                self.faults.note::<()>(root, FormatCode::Missing, message);
            }
            Some(Side::Back) if default => {
                self.misplaced(root, "default", "only a front can be the default");
            }
            Some(Side::Front) if back_of.is_some() => {
                self.misplaced(root, "back-of", "only a back belongs to a front");
            }
            _ => {}
        }
        let width = self.length(root, "width", None, (SMALLEST_SIDE, LARGEST_SIDE));
        let height = self.length(root, "height", None, (SMALLEST_SIDE, LARGEST_SIDE));
        self.size = (width, height);
        let background = self.colour(root, "background").unwrap_or(Colour::WHITE);
        let known: Vec<&str> = ["description", "font"].into_iter().chain(PARTS).collect();
        let mut description = None;
        let mut parts = Vec::new();
        let mut fonts = Vec::new();
        for child in self.faults.children(root, &known) {
            if self.faults.is_full() {
                break;
            }
            match child.tag_name().name() {
                "description" => {
                    self.faults.check_attributes(child, &[]);
                    description = Some(text_of(child));
                }
                "font" if fonts.len() >= MOST_FONTS => {
                    let message = format!("there are more than {MOST_FONTS} fonts");
                    self.faults.note::<()>(child, FormatCode::TooComplex, message);
                    break;
                }
                "font" => fonts.extend(self.font(child)),
                _ if parts.len() >= MOST_PARTS => {
                    let message = format!("there are more than {MOST_PARTS} parts");
                    self.faults.note::<()>(child, FormatCode::TooComplex, message);
                    break;
                }
                _ => {
                    let line = position(child).0;
                    parts.extend(self.part(child).map(|kind| Part { line, kind }));
                }
            }
        }
        Some(Layout {
            name: name?.to_owned(),
            version: version?.to_owned(),
            display_name: display_name?.to_owned(),
            description,
            format: root.attribute("format").map(str::to_owned),
            side: side?,
            default,
            back_of,
            size: self.size,
            background,
            parts,
            fonts,
        })
    }

    fn misplaced(&mut self, node: Node<'d, 'd>, name: &str, message: &str) {
        self.faults
            .note_attribute::<()>(node, name, FormatCode::MisplacedAttribute, message.to_owned());
    }

    fn font(&mut self, node: Node<'d, 'd>) -> Option<Vec<u8>> {
        self.faults.check_attributes(node, &["file"]);
        self.faults.children(node, &[]);
        let name = self.faults.required(node, "file")?;
        let bytes = self.file(node, name)?;
        if Fonts::built_in().with(&bytes).is_err() {
            let message = "file is no TrueType or OpenType font".to_owned();
            return self
                .faults
                .note_attribute(node, "file", FormatCode::BadValue, message);
        }
        Some(bytes)
    }

    fn file(&mut self, node: Node<'d, 'd>, name: &str) -> Option<Vec<u8>> {
        let inside = !name.starts_with('/')
            && !name.contains(['\\', ':'])
            && name.split('/').all(|step| !matches!(step, "" | "." | ".."));
        let found = if inside {
            (self.files)(name)
        } else {
            Err("must be in the folder of the layout, or below it".to_owned())
        };
        found.map_or_else(
            |why| {
                self.faults
                    .note_attribute(node, "file", FormatCode::BadValue, format!("file {why}"))
            },
            Some,
        )
    }

    fn part(&mut self, node: Node<'d, 'd>) -> Option<PartKind> {
        match node.tag_name().name() {
            "rectangle" => {
                self.shape_attributes(node, &["radius"]);
                Some(PartKind::Rectangle {
                    area: self.area(node, true)?,
                    radius: self.length(node, "radius", Some(0.0), (0.0, LARGEST_SIDE)),
                    paint: self.paint(node),
                })
            }
            "ellipse" => {
                self.shape_attributes(node, &[]);
                Some(PartKind::Ellipse {
                    area: self.area(node, true)?,
                    paint: self.paint(node),
                })
            }
            "line" => self.line(node),
            "image" => self.image(node),
            "photo" => self.photo(node),
            "text" => self.text(node),
            _ => self.barcode(node),
        }
    }

    fn shape_attributes(&mut self, node: Node<'d, 'd>, more: &[&str]) {
        let mut known = vec!["x", "y", "width", "height", "fill", "stroke", "stroke-width"];
        known.extend(more);
        self.faults.check_attributes(node, &known);
        self.faults.children(node, &[]);
    }

    fn paint(&mut self, node: Node<'d, 'd>) -> Paint {
        let fill = self.colour(node, "fill");
        let stroke = self.stroke(node);
        if fill.is_none() && stroke.is_none() && self.faults.count() == 0 {
            let message = format!(
                "{} needs fill or stroke, or it is not seen",
                node.tag_name().name()
            );
            self.faults.note::<()>(node, FormatCode::Missing, message);
        }
        Paint { fill, stroke }
    }

    fn stroke(&mut self, node: Node<'d, 'd>) -> Option<Stroke> {
        let width = self.length(node, "stroke-width", Some(0.2), (0.01, 50.0));
        let colour = self.colour(node, "stroke")?;
        Some(Stroke { colour, width })
    }

    fn line(&mut self, node: Node<'d, 'd>) -> Option<PartKind> {
        self.faults
            .check_attributes(node, &["x1", "y1", "x2", "y2", "stroke", "stroke-width"]);
        self.faults.children(node, &[]);
        let anywhere = (-LARGEST_SIDE, 2.0 * LARGEST_SIDE);
        let mut at = |name| self.length(node, name, None, anywhere);
        let (from, to) = ((at("x1"), at("y1")), (at("x2"), at("y2")));
        let stroke = self.stroke(node).unwrap_or(Stroke {
            colour: Colour::BLACK,
            width: 0.2,
        });
        Some(PartKind::Line { from, to, stroke })
    }

    fn image(&mut self, node: Node<'d, 'd>) -> Option<PartKind> {
        self.faults
            .check_attributes(node, &["x", "y", "width", "height", "fit", "file"]);
        let area = self.area(node, true);
        let fit = self.fit(node, Fit::Contain);
        let inline: String = node
            .children()
            .filter_map(|child| child.text())
            .flat_map(str::chars)
            .filter(|c| !c.is_ascii_whitespace())
            .collect();
        let bytes = match (node.attribute("file"), inline.as_str()) {
            (Some(name), "") => self.file(node, name)?,
            (None, "") => {
                let message = "image needs the attribute file, or the picture in base64".to_owned();
                return self.faults.note(node, FormatCode::Missing, message);
            }
            (Some(_), _) => {
                let message = "image has both the attribute file and a picture".to_owned();
                return self.faults.note(node, FormatCode::Duplicate, message);
            }
            (None, base64) => match Base64::decode_vec(base64) {
                Ok(bytes) => bytes,
                Err(_) => {
                    let message = "the picture is not base64".to_owned();
                    return self.faults.note(node, FormatCode::BadValue, message);
                }
            },
        };
        match Picture::read(&bytes) {
            Ok(picture) => Some(PartKind::Image {
                area: area?,
                fit: fit?,
                picture,
            }),
            Err(error) => {
                let message = format!("the picture cannot be used: {error}");
                self.faults
                    .note_attribute(node, "file", FormatCode::BadValue, message)
            }
        }
    }

    fn photo(&mut self, node: Node<'d, 'd>) -> Option<PartKind> {
        let known = [
            "x", "y", "width", "height", "fit", "radius", "element", "optional",
        ];
        self.faults.check_attributes(node, &known);
        self.faults.children(node, &[]);
        let element = node.attribute("element").unwrap_or("portrait").to_owned();
        Some(PartKind::Photo {
            radius: self.length(node, "radius", Some(0.0), (0.0, LARGEST_SIDE)),
            optional: self.faults.flag(node, "optional"),
            fit: self.fit(node, Fit::Cover)?,
            area: self.area(node, false)?,
            element,
        })
    }

    fn fit(&mut self, node: Node<'d, 'd>, default: Fit) -> Option<Fit> {
        let fits = [("contain", Fit::Contain), ("cover", Fit::Cover)];
        self.choice(node, "fit", &fits, Some(default))
    }

    fn text(&mut self, node: Node<'d, 'd>) -> Option<PartKind> {
        let known = [
            "x", "y", "width", "size", "min-size", "weight", "align", "colour", "lines", "overflow",
            "optional",
        ];
        self.faults.check_attributes(node, &known);
        let value = self.template(node);
        let size = self.length(node, "size", None, (1.0, 200.0));
        let min_size = self.length(node, "min-size", Some((size * 0.6).max(1.0)), (1.0, 200.0));
        if min_size > size {
            let message = "min-size is larger than size".to_owned();
            self.faults
                .note_attribute::<()>(node, "min-size", FormatCode::BadValue, message);
        }
        let lines = self.faults.number(node, "lines", 1);
        let lines = u16::try_from(lines).ok().filter(|lines| (1..=50).contains(lines));
        if lines.is_none() {
            let message = "lines must be 1 to 50".to_owned();
            self.faults
                .note_attribute::<()>(node, "lines", FormatCode::BadValue, message);
        }
        let size = size * POINT;
        let lines = lines.unwrap_or(1);
        let height = size * (1.0 + TextPart::LINE_HEIGHT * f32::from(lines.saturating_sub(1)));
        let (x, y, width) = self.placed(node, height)?;
        let weights = [("regular", false), ("bold", true)];
        let aligns = [
            ("left", Align::Left),
            ("centre", Align::Centre),
            ("right", Align::Right),
        ];
        let overflows = [
            ("shrink", Overflow::Shrink),
            ("ellipsis", Overflow::Ellipsis),
            ("error", Overflow::Refuse),
        ];
        Some(PartKind::Text(TextPart {
            x,
            y,
            width,
            size,
            min_size: min_size * POINT,
            bold: self.choice(node, "weight", &weights, Some(false))?,
            align: self.choice(node, "align", &aligns, Some(Align::Left))?,
            colour: self.colour(node, "colour").unwrap_or(Colour::BLACK),
            lines,
            overflow: self.choice(node, "overflow", &overflows, Some(Overflow::Shrink))?,
            optional: self.faults.flag(node, "optional"),
            value: value?,
        }))
    }

    fn barcode(&mut self, node: Node<'d, 'd>) -> Option<PartKind> {
        let known = ["x", "y", "width", "height", "type", "optional"];
        self.faults.check_attributes(node, &known);
        let value = self.template(node);
        let types = [("code128", Symbology::Code128), ("pdf417", Symbology::Pdf417)];
        let symbology = self.choice(node, "type", &types, None);
        Some(PartKind::Barcode {
            area: self.area(node, false)?,
            symbology: symbology?,
            optional: self.faults.flag(node, "optional"),
            value: value?,
        })
    }

    /// The text inside, with places for elements.
    fn template(&mut self, node: Node<'d, 'd>) -> Option<Template> {
        if let Some(child) = node.children().find(Node::is_element) {
            let message = format!(
                "{} does not belong in {}",
                child.tag_name().name(),
                node.tag_name().name()
            );
            return self.faults.note(child, FormatCode::UnknownElement, message);
        }
        match Template::parse(&text_of(node)) {
            Ok(template) if template.is_empty() => {
                let message = format!("{} has nothing in it", node.tag_name().name());
                self.faults.note(node, FormatCode::Missing, message)
            }
            Ok(template) => Some(template),
            Err(message) => self.faults.note(node, FormatCode::BadValue, message),
        }
    }

    /// A rectangle; if it must not bleed, none that reaches beyond the badge.
    fn area(&mut self, node: Node<'d, 'd>, bleeds: bool) -> Option<Area> {
        let anywhere = (-LARGEST_SIDE, 2.0 * LARGEST_SIDE);
        let extent = (0.01, 2.0 * LARGEST_SIDE);
        let before = self.faults.count();
        let area = Area {
            x: self.length(node, "x", None, anywhere),
            y: self.length(node, "y", None, anywhere),
            width: self.length(node, "width", None, extent),
            height: self.length(node, "height", None, extent),
        };
        if self.faults.count() > before {
            return None;
        }
        if bleeds || self.inside(area) {
            return Some(area);
        }
        self.beyond(node)
    }

    fn placed(&mut self, node: Node<'d, 'd>, height: f32) -> Option<(f32, f32, f32)> {
        let anywhere = (-LARGEST_SIDE, 2.0 * LARGEST_SIDE);
        let before = self.faults.count();
        let (x, y) = (
            self.length(node, "x", None, anywhere),
            self.length(node, "y", None, anywhere),
        );
        let width = self.length(node, "width", None, (0.5, LARGEST_SIDE));
        if self.faults.count() > before {
            return None;
        }
        if self.inside(Area { x, y, width, height }) {
            return Some((x, y, width));
        }
        self.beyond(node)
    }

    fn inside(&self, area: Area) -> bool {
        area.x >= -ROUNDING
            && area.y >= -ROUNDING
            && area.x + area.width <= self.size.0 + ROUNDING
            && area.y + area.height <= self.size.1 + ROUNDING
    }

    fn beyond<T>(&mut self, node: Node<'d, 'd>) -> Option<T> {
        let message = format!("{} reaches beyond the edge of the badge", node.tag_name().name());
        self.faults.note(node, FormatCode::BadValue, message)
    }

    /// A decimal number within limits; required if there is no default.
    fn length(&mut self, node: Node<'d, 'd>, name: &str, default: Option<f32>, limits: (f32, f32)) -> f32 {
        let (low, high) = limits;
        let Some(text) = node.attribute(name) else {
            if default.is_none() {
                self.faults.required(node, name);
            }
            return default.unwrap_or(low);
        };
        let plain = text
            .bytes()
            .all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-'));
        match text.parse::<f32>().ok().filter(|_| plain && text.len() <= 12) {
            Some(number) if (low..=high).contains(&number) => number,
            found => {
                let message = match found {
                    Some(_) => format!("{name} must be {low} to {high}"),
                    None => format!("{name} must be a number such as 12.5"),
                };
                self.faults
                    .note_attribute::<()>(node, name, FormatCode::BadValue, message);
                default.unwrap_or(low)
            }
        }
    }

    fn colour(&mut self, node: Node<'d, 'd>, name: &str) -> Option<Colour> {
        let text = node.attribute(name)?;
        Colour::parse(text).or_else(|| {
            let message = format!("{name} must be a colour such as #1a2b3c");
            self.faults
                .note_attribute(node, name, FormatCode::BadValue, message)
        })
    }

    fn choice<T: Copy>(
        &mut self,
        node: Node<'d, 'd>,
        name: &str,
        choices: &[(&str, T)],
        default: Option<T>,
    ) -> Option<T> {
        let text = match node.attribute(name) {
            None if default.is_some() => return default,
            None => self.faults.required(node, name)?,
            Some(text) => text,
        };
        let found = choices.iter().find(|(name, _)| *name == text);
        found.map(|(_, value)| *value).or_else(|| {
            let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
            let message = format!("{name} must be {}", names.join(" or "));
            self.faults
                .note_attribute(node, name, FormatCode::BadValue, message)
        })
    }
}

/// The text inside of a node, with single blanks.
fn text_of(node: Node<'_, '_>) -> String {
    let text: String = node
        .children()
        .filter(Node::is_text)
        .filter_map(|child| child.text())
        .collect();
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ")
}
