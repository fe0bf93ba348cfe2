//! What a wallet looks at before it keeps a badge: pictures that do nothing, and fetch nothing, when they are opened.

use core::fmt;

use mdoc_openid::vci::credential::{Badge, BadgeSide};
use roxmltree::{Document, Node, ParsingOptions};

/// Why a badge is not kept; the document is taken all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum BadgeFault {
    /// A file that should be PNG is not.
    Png,
    /// A file that should be SVG is not.
    Svg,
    /// A file of SVG has something in it that is no part of a picture: a script, a link, an address.
    Active,
}

impl fmt::Display for BadgeFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Png => "a file of the badge is no PNG",
            Self::Svg => "a file of the badge is no SVG",
            Self::Active => "a file of the badge has more in it than a picture",
        })
    }
}

impl core::error::Error for BadgeFault {}

const SVG: &str = "http://www.w3.org/2000/svg";

/// The elements of a picture.
const ELEMENTS: [&str; 15] = [
    "svg", "title", "desc", "defs", "g", "path", "rect", "circle", "ellipse", "line", "polyline", "polygon",
    "clipPath", "text", "image",
];

/// The most elements and attributes of a side.
const MOST_NODES: u32 = 100_000;

/// Looks at both sides.
///
/// # Errors
/// [`BadgeFault`].
pub(super) fn check(badge: &Badge) -> Result<(), BadgeFault> {
    badge.sides().try_for_each(|(_, side)| of_side(side))
}

fn of_side(side: &BadgeSide) -> Result<(), BadgeFault> {
    if !side.png.starts_with(b"\x89PNG\r\n\x1a\n") {
        return Err(BadgeFault::Png);
    }
    let options = ParsingOptions {
        allow_dtd: false,
        nodes_limit: MOST_NODES,
        ..ParsingOptions::default()
    };
    let svg = Document::parse_with_options(&side.svg, options).map_err(|_| BadgeFault::Svg)?;
    if !svg.root_element().has_tag_name((SVG, "svg")) {
        return Err(BadgeFault::Svg);
    }
    if svg.descendants().all(is_picture) {
        Ok(())
    } else {
        Err(BadgeFault::Active)
    }
}

/// Whether a node is known, starts nothing, and names nothing but what is in the file.
fn is_picture(node: Node<'_, '_>) -> bool {
    if node.is_pi() {
        return false;
    }
    if !node.is_element() {
        return true;
    }
    let name = node.tag_name();
    name.namespace() == Some(SVG)
        && ELEMENTS.contains(&name.name())
        && node.attributes().all(|attribute| {
            let value = attribute.value().trim();
            match attribute.name() {
                "href" => ["#", "data:image/png;", "data:image/jpeg;"]
                    .iter()
                    .any(|begin| value.starts_with(begin)),
                "style" => false,
                name if name.get(..2).is_some_and(|on| on.eq_ignore_ascii_case("on")) => false,
                _ => value.matches("url(").count() == value.matches("url(#").count(),
            }
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn badge(inside: &str) -> Badge {
        let svg = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<svg xmlns=\"{SVG}\" \
             xmlns:xlink=\"http://www.w3.org/1999/xlink\" width=\"1mm\">{inside}</svg>"
        );
        Badge {
            front: BadgeSide {
                svg,
                png: b"\x89PNG\r\n\x1a\nrest".to_vec(),
            },
            back: None,
        }
    }

    #[test]
    fn a_picture_is_kept_and_what_does_something_is_not() {
        let picture = "<title>Ada</title><clipPath id=\"c\"><path d=\"M0 0\"/></clipPath>\
                       <image clip-path=\"url(#c)\" xlink:href=\"data:image/png;base64,AA\"/>";
        assert_eq!(check(&badge(picture)), Ok(()));
        for active in [
            "<script>alert(1)</script>",
            "<path onclick=\"alert(1)\"/>",
            "<path style=\"fill: url(https://id.example.org/a)\"/>",
            "<path fill=\"url(https://id.example.org/a#b)\"/>",
            "<image xlink:href=\"https://id.example.org/seen.png\"/>",
            "<image href=\"data:image/svg+xml;base64,AA\"/>",
            "<image href=\" javascript:alert(1)\"/>",
            "<a href=\"#x\"/>",
            "<g xmlns=\"http://www.w3.org/1999/xhtml\"/>",
            "<foreignObject/>",
            "<?xml-stylesheet href=\"https://id.example.org/a.css\"?>",
        ] {
            assert_eq!(check(&badge(active)), Err(BadgeFault::Active), "{active}");
        }
        assert_eq!(check(&badge("<path>")), Err(BadgeFault::Svg));
        let mut other = badge("");
        other.front.svg = "<html/>".to_owned();
        assert_eq!(check(&other), Err(BadgeFault::Svg));
        other.front.svg = "<!DOCTYPE svg [<!ENTITY a \"b\">]><svg/>".to_owned();
        assert_eq!(check(&other), Err(BadgeFault::Svg));
    }

    #[test]
    fn each_side_is_looked_at_in_both_forms() {
        let mut both = badge("");
        both.back = Some(BadgeSide {
            svg: both.front.svg.clone(),
            png: b"GIF89a".to_vec(),
        });
        assert_eq!(check(&both), Err(BadgeFault::Png));
    }
}
