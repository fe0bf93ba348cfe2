//! What a wallet looks at before it keeps a badge: pictures that do nothing, and fetch nothing, when they are opened.
//!
//! What is known is let through, and nothing else: the elements and attributes that `mdoc-issuer` draws badges with, and
//! a few that paint.

mod picture;
#[cfg(test)]
mod tests;

use core::fmt;

use mdoc_openid::vci::credential::{Badge, BadgeSide};
use roxmltree::{Attribute, Document, Node, ParsingOptions};

/// Why a badge is not kept; the document is taken all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum BadgeFault {
    /// A file that should be PNG is not.
    Png,
    /// A file that should be SVG is not.
    Svg,
    /// A file of SVG has something in it that is no part of a badge: a script, a link, an address.
    Active,
    /// A picture in a file of SVG is not the PNG or JPEG that it is called.
    Picture,
    /// A picture has more pixels than are shown.
    Large,
}

impl fmt::Display for BadgeFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Png => "a file of the badge is no PNG",
            Self::Svg => "a file of the badge is no SVG",
            Self::Active => "a file of the badge has more in it than a picture",
            Self::Picture => "a picture in the badge is neither PNG nor JPEG",
            Self::Large => "a picture of the badge has too many pixels",
        })
    }
}

impl core::error::Error for BadgeFault {}

const SVG: &str = "http://www.w3.org/2000/svg";
const XLINK: &str = "http://www.w3.org/1999/xlink";

/// The most elements and texts of a side.
const MOST_NODES: u32 = 100_000;
/// The most attributes of a tag, which the reader of XML compares each with each.
const MOST_ATTRIBUTES: usize = 32;
/// The most XML namespaces that are declared, which it compares too; a badge needs two.
const MOST_NAMESPACES: usize = 8;
/// The most pixels of the pictures in a file of SVG together.
const MOST_PIXELS: u64 = picture::MOST_PIXELS;

/// Attributes of paths that paint, and cannot do more.
const PAINT: [&str; 14] = [
    "fill",
    "fill-opacity",
    "fill-rule",
    "clip-rule",
    "opacity",
    "stroke",
    "stroke-width",
    "stroke-opacity",
    "stroke-linecap",
    "stroke-linejoin",
    "stroke-miterlimit",
    "stroke-dasharray",
    "stroke-dashoffset",
    "d",
];

/// Looks at all files of both sides, before a badge is kept or shown. No picture is decoded, and nothing is changed.
///
/// [`Received::badge`](super::Received::badge) does it with what came beside documents; this is for what came another way.
///
/// # Errors
/// [`BadgeFault`] of the first file that is not a picture and nothing else. Never panics, whatever the files.
pub fn check(badge: &Badge) -> Result<(), BadgeFault> {
    badge.sides().try_for_each(|(_, side)| of_side(side))
}

fn of_side(side: &BadgeSide) -> Result<(), BadgeFault> {
    picture::pixels(picture::png(&side.png).ok_or(BadgeFault::Png)?)?;
    bounded(&side.svg)?;
    let options = ParsingOptions {
        allow_dtd: false,
        nodes_limit: MOST_NODES,
        ..ParsingOptions::default()
    };
    let svg = Document::parse_with_options(&side.svg, options).map_err(|_| BadgeFault::Svg)?;
    if !svg.root_element().has_tag_name((SVG, "svg")) {
        return Err(BadgeFault::Svg);
    }
    let mut pixels = 0;
    for node in svg.descendants() {
        pixels += of_node(node)?;
        if pixels > MOST_PIXELS {
            return Err(BadgeFault::Large);
        }
    }
    Ok(())
}

/// What has to be known before the reader of XML may have a file: that no tag has so many attributes, and no file so many
/// XML namespaces, that comparing them takes long. A badge has no comments, instructions or declarations either.
fn bounded(svg: &str) -> Result<(), BadgeFault> {
    let body = match svg.strip_prefix("<?xml ") {
        Some(declaration) => declaration.split_once("?>").ok_or(BadgeFault::Svg)?.1,
        None => svg,
    };
    if body.matches("xmlns").nth(MOST_NAMESPACES).is_some() {
        return Err(BadgeFault::Active);
    }
    // In well-formed XML without comments and the like, this character begins a tag wherever it stands.
    for tag in body.split('<').skip(1) {
        if tag.starts_with(['!', '?']) || attributes(tag) > MOST_ATTRIBUTES {
            return Err(BadgeFault::Active);
        }
    }
    Ok(())
}

/// The number of attributes of a tag, which text may follow.
fn attributes(tag: &str) -> usize {
    let (mut count, mut quote) = (0, None);
    for byte in tag.bytes() {
        match (quote, byte) {
            (Some(open), _) if byte == open => quote = None,
            (Some(_), _) => {}
            (None, b'"' | b'\'') => quote = Some(byte),
            (None, b'=') => count += 1,
            (None, b'>') => break,
            _ => {}
        }
    }
    count
}

/// The pixels of the picture that a node is, if it is one.
///
/// # Errors
/// [`BadgeFault`] if it is nothing that badges are drawn with.
fn of_node(node: Node<'_, '_>) -> Result<u64, BadgeFault> {
    if !node.is_element() {
        return if node.is_pi() {
            Err(BadgeFault::Active)
        } else {
            Ok(0)
        };
    }
    let parent = node.parent_element().map(|parent| parent.tag_name().name());
    let element = node.tag_name();
    let known = match (element.name(), parent) {
        ("svg", None)
        | ("title" | "clipPath" | "image", Some("svg"))
        | ("path", Some("svg" | "clipPath")) => element.namespace() == Some(SVG),
        _ => false,
    };
    if !known {
        return Err(BadgeFault::Active);
    }
    let mut pixels = 0;
    for attribute in node.attributes() {
        if let ("image", Some(XLINK), "href") = (element.name(), attribute.namespace(), attribute.name()) {
            pixels = of_data(attribute.value())?;
        } else if !is_plain_attribute(element.name(), &attribute) {
            return Err(BadgeFault::Active);
        }
    }
    Ok(pixels)
}

/// Whether an attribute is one that this element has in a badge, and names nothing but what is in the file.
fn is_plain_attribute(element: &str, attribute: &Attribute<'_, '_>) -> bool {
    let value = attribute.value();
    if attribute.namespace().is_some() {
        return false;
    }
    match (element, attribute.name()) {
        // Read aloud, and never looked into.
        ("path" | "image", "aria-label") => true,
        ("image", "clip-path") => value
            .strip_prefix("url(#")
            .and_then(|value| value.strip_suffix(')'))
            .is_some_and(is_plain),
        ("svg", "version" | "width" | "height" | "viewBox")
        | ("clipPath", "id")
        | ("path", "role")
        | ("image", "x" | "y" | "width" | "height" | "preserveAspectRatio") => is_plain(value),
        ("path", name) => PAINT.contains(&name) && is_plain(value),
        _ => false,
    }
}

/// Whether a value has words, numbers and colours in it alone: no function, no escape, no address.
fn is_plain(value: &str) -> bool {
    value
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b" #%+,-.".contains(&byte))
}

/// The pixels of a picture that stands in an attribute.
fn of_data(value: &str) -> Result<u64, BadgeFault> {
    let data = value.strip_prefix("data:image/").ok_or(BadgeFault::Active)?;
    let (kind, text) = data.split_once(";base64,").ok_or(BadgeFault::Active)?;
    let size = match kind {
        "png" => picture::png,
        "jpeg" => picture::jpeg,
        _ => return Err(BadgeFault::Active),
    };
    let file = picture::from_base64(text).ok_or(BadgeFault::Picture)?;
    picture::pixels(size(&file).ok_or(BadgeFault::Picture)?)
}
