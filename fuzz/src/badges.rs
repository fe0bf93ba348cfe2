//! Badges that come beside documents, from issuers whom a wallet does not know.

use base64ct::{Base64, Encoding as _};
use mdoc_holder::collect::check_badge;
use mdoc_openid::vci::credential::{Answer, Badge, BadgeSide, CredentialResponse};
use serde_json::Value;

use crate::fixtures::one_in;

/// The elements that a badge is drawn with.
const ELEMENTS: [&str; 5] = ["svg", "title", "clipPath", "image", "path"];
/// The most attributes of one of them.
const MOST_ATTRIBUTES: usize = 32;
/// The longest side of a picture that is shown, in pixels.
const LONGEST_SIDE: u64 = 8192;
/// The most pixels of the pictures in a file of SVG together, and of a file of PNG.
const MOST_PIXELS: u64 = 40_000_000;

/// The beginning of a PNG file of 1011 by 638 pixels, which is all of it that is looked at.
pub(crate) const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\x03\xf3\0\0\x02\x7e\x08\x02";

/// The SVG file or the PNG file of a side, a PNG or a JPEG in its SVG file, or the whole answer of an issuer: one kind by the
/// first byte. What is taken paints and does nothing else, and is written and read to itself.
pub fn badge_received(input: &[u8]) {
    let Some((kind, body)) = input.split_first() else {
        return;
    };
    let front = match kind % 5 {
        0 => match core::str::from_utf8(body) {
            Ok(text) => side(text.to_owned(), PNG),
            Err(_) => return,
        },
        1 => side(svg(""), body),
        2 => side(svg(&image("png", body)), PNG),
        3 => side(svg(&image("jpeg", body)), PNG),
        _ => return answer(body),
    };
    holds(&Badge { front, back: None });
}

fn answer(body: &[u8]) {
    if let Ok(Answer::Response(CredentialResponse::Issued(issued))) = Answer::decode(200, body, None)
        && let Some(badge) = &issued.badge
    {
        holds(badge);
    }
}

fn side(svg: String, png: &[u8]) -> BadgeSide {
    BadgeSide {
        svg,
        png: png.to_vec(),
    }
}

/// An SVG file with this in it.
pub(crate) fn svg(inside: &str) -> String {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" xmlns:xlink=\"http://www.w3.org/1999/xlink\" width=\"85.6mm\" \
         height=\"54mm\" viewBox=\"0 0 85.6 54\">{inside}</svg>"
    )
}

/// A picture in an SVG file.
pub(crate) fn image(kind: &str, file: &[u8]) -> String {
    let data = Base64::encode_string(file);
    format!("<image xlink:href=\"data:image/{kind};base64,{data}\"/>")
}

fn holds(badge: &Badge) {
    let shown = format!("{badge:?} {:?}", badge.front);
    assert!(shown.len() < 100, "what is on a badge is shown");
    let checked = check_badge(badge);
    if badge.back.is_none() && one_in(4, badge.front.svg.as_bytes()) {
        let behind = Badge {
            front: side(svg(""), PNG),
            back: Some(badge.front.clone()),
        };
        assert_eq!(check_badge(&behind), checked, "the back is looked at less");
    }
    if let Err(fault) = checked {
        assert!(!fault.to_string().is_empty());
        return;
    }
    let files = badge.sides().map(|(_, side)| side.svg.len() + side.png.len());
    let largest = 2 * files.sum::<usize>() + 128;
    badge.sides().for_each(|(_, side)| paints(side));
    let written = badge.to_json().to_string();
    assert!(written.len() <= largest, "it is written far longer");
    let read: Value = serde_json::from_str(&written).unwrap();
    assert!(Badge::of_json(&read).as_ref() == Some(badge));
}

/// A side that is taken, read a second time without a reader of XML: it has the elements and attributes that a badge has, no
/// value that calls or fetches anything, and no pictures but those in it, which are no larger than is shown.
fn paints(side: &BadgeSide) {
    assert!(png_pixels(&side.png) <= MOST_PIXELS);
    let mut pixels = 0;
    // Without comments and the like, and with none in values, this character begins a tag wherever it stands.
    for tag in side.svg.split('<').skip(1) {
        if tag.starts_with('/') || tag.starts_with("?xml ") {
            continue;
        }
        let (element, attributes) = start_tag(tag);
        let element = local(element);
        assert!(ELEMENTS.contains(&element), "an element that no badge has");
        assert!(attributes.len() <= MOST_ATTRIBUTES);
        for (name, value) in attributes {
            // What names mean, which nobody asks for.
            if name.starts_with("xmlns:") || local(name) == "xmlns" {
                continue;
            }
            let value = unescaped(value);
            match (element, local(name)) {
                ("image", "href") => {
                    assert!(name.contains(':'), "another address than that of a picture");
                    pixels += picture(&value);
                }
                // Read aloud.
                ("image" | "path", "aria-label") => {}
                ("image", "clip-path") => {
                    let inside = value.strip_prefix("url(#");
                    let inside = inside.and_then(|value| value.strip_suffix(')'));
                    assert!(inside.is_some_and(is_plain), "an address outside of the file");
                }
                (_, name) => {
                    assert!(!name.starts_with("on") && name != "style" && name != "href");
                    assert!(is_plain(&value), "a value that is no number, word or colour");
                }
            }
        }
    }
    assert!(pixels <= MOST_PIXELS);
}

/// The name of a tag, and its attributes with their values as they are written.
fn start_tag(tag: &str) -> (&str, Vec<(&str, &str)>) {
    let end = tag.find(|c: char| c.is_ascii_whitespace() || matches!(c, '/' | '>'));
    let (name, mut rest) = tag.split_at(end.unwrap());
    let mut attributes = Vec::new();
    loop {
        rest = rest.trim_ascii_start();
        if rest.starts_with(['/', '>']) {
            return (name, attributes);
        }
        let (attribute, after) = rest.split_once('=').unwrap();
        let after = after.trim_ascii_start();
        let quote = after.chars().next().unwrap();
        let (value, behind) = after[1..].split_once(quote).unwrap();
        attributes.push((attribute.trim_ascii_end(), value));
        rest = behind;
    }
}

/// A name without its prefix.
fn local(name: &str) -> &str {
    name.rsplit_once(':').map_or(name, |(_, local)| local)
}

/// A value as a reader of XML has it.
fn unescaped(value: &str) -> String {
    let mut parts = value.split('&');
    let mut out = parts.next().unwrap().to_owned();
    for part in parts {
        let (name, rest) = part.split_once(';').unwrap();
        out.push(match name {
            "lt" => '<',
            "gt" => '>',
            "amp" => '&',
            "quot" => '"',
            "apos" => '\'',
            number => character(number.strip_prefix('#').unwrap()),
        });
        out.push_str(rest);
    }
    out
}

fn character(number: &str) -> char {
    let code = match number.strip_prefix('x') {
        Some(digits) => u32::from_str_radix(digits, 16),
        None => number.parse(),
    };
    char::from_u32(code.unwrap()).unwrap_or(char::REPLACEMENT_CHARACTER)
}

fn is_plain(value: &str) -> bool {
    value
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || " \t\r\n#%+,-.".contains(c))
}

/// The pixels of a picture that stands in an attribute; of a JPEG, one, if it has a header of a size that is shown.
fn picture(address: &str) -> u64 {
    let (kind, data) = address.split_once(";base64,").unwrap();
    let file = Base64::decode_vec(data).unwrap();
    match kind {
        "data:image/png" => png_pixels(&file),
        "data:image/jpeg" => u64::from(has_frame(&file)),
        _ => panic!("an address of something else"),
    }
}

/// The pixels of a PNG that begins as it should, and has some.
fn png_pixels(file: &[u8]) -> u64 {
    assert!(file.starts_with(&PNG[..16]), "it is no PNG");
    let number = |at: usize| u64::from(u32::from_be_bytes(file[at..at + 4].try_into().unwrap()));
    let (wide, high) = (number(16), number(20));
    assert!(wide.max(high) <= LONGEST_SIDE && wide.min(high) > 0);
    wide * high
}

/// Whether there is a frame header in a JPEG with a size that is shown (ITU-T T.81, B.2.2).
fn has_frame(file: &[u8]) -> bool {
    let found = file.windows(9).any(|at| {
        let &[0xff, 0xc0..=0xcf, _, _, _, h0, h1, w0, w1] = at else {
            return false;
        };
        let [wide, high] = [[w0, w1], [h0, h1]].map(|side| u64::from(u16::from_be_bytes(side)));
        wide.max(high) <= LONGEST_SIDE && (1..=MOST_PIXELS).contains(&(wide * high))
    });
    assert!(found, "it is no JPEG of a size that is shown");
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether a side with this in it is taken, and whether the second reading takes it.
    fn taken(inside: &str) -> (bool, bool) {
        let front = side(svg(inside), PNG);
        let second = std::panic::catch_unwind(|| paints(&front)).is_ok();
        (check_badge(&Badge { front, back: None }).is_ok(), second)
    }

    #[test]
    fn the_second_reading_refuses_what_does_something_too() {
        let mut large = PNG.to_vec();
        large[18..20].copy_from_slice(&[0x40, 0]);
        for active in [
            "<script/>".to_owned(),
            "<path onclick=\"a\"/>".to_owned(),
            "<path style=\"fill\"/>".to_owned(),
            "<path fill = '&#x75;rl&#40;#a)'/>".to_owned(),
            "<image clip-path=\"url(https://a/b)\"/>".to_owned(),
            "<image xlink:href=\"https://a/b\"/>".to_owned(),
            "<image href=\"data:image/png;base64,AA==\"/>".to_owned(),
            image("png", &large),
            image("jpeg", b"\xff\xd8\xff\xc0\0\x11\x08\xff\xff\x01\0\x03"),
        ] {
            assert_eq!(taken(&active), (false, false), "{active}");
        }
        for good in [
            "<path fill = '&#x72;ed'\td=\"M0&#32;0\" />",
            "<title>a > b</title>",
        ] {
            assert_eq!(taken(good), (true, true), "{good}");
        }
    }

    #[test]
    fn the_first_inputs_are_badges_that_are_taken() {
        let seeds = crate::seeds::badge_received();
        assert_eq!((seeds[0][0], seeds[1][0]), (0, 4));
        let text = core::str::from_utf8(&seeds[0][1..]).unwrap();
        let front = side(text.to_owned(), PNG);
        assert_eq!(check_badge(&Badge { front, back: None }), Ok(()));
        let answer = Answer::decode(200, &seeds[1][1..], None).unwrap();
        let Answer::Response(CredentialResponse::Issued(issued)) = answer else {
            panic!("no documents");
        };
        assert_eq!(check_badge(&issued.badge.unwrap()), Ok(()));
    }
}
