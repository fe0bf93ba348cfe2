//! A drawing as SVG.

use core::fmt::Write as _;

use base64ct::{Base64, Encoding as _};
use tiny_skia::{Path, PathSegment};

use super::drawing::{Drawing, Shape};
use super::layout::{Colour, Paint};

pub(super) fn write(drawing: &Drawing) -> String {
    let (width, height) = (number(drawing.size.0), number(drawing.size.1));
    let mut svg = String::new();
    let mut clips = 0_usize;
    // Writing to a string does not fail.
    let _ = writeln!(
        svg,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\" \
         xmlns:xlink=\"http://www.w3.org/1999/xlink\" version=\"1.1\" width=\"{width}mm\" height=\"{height}mm\" \
         viewBox=\"0 0 {width} {height}\">\n<title>{}</title>",
        escaped(&drawing.title)
    );
    for shape in &drawing.shapes {
        match shape {
            Shape::Path { path, paint, label } => {
                let label = label.as_deref().map_or_else(String::new, |label| {
                    format!(" role=\"img\" aria-label=\"{}\"", escaped(label))
                });
                let _ = writeln!(svg, "<path{label}{} d=\"{}\"/>", painted(paint), outline(path));
            }
            Shape::Picture {
                area,
                clip,
                picture,
                label,
            } => {
                clips += 1;
                let _ = writeln!(
                    svg,
                    "<clipPath id=\"clip{clips}\"><path d=\"{}\"/></clipPath>\n<image \
                     clip-path=\"url(#clip{clips})\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" \
                     preserveAspectRatio=\"none\" aria-label=\"{label}\" xlink:href=\"data:{};base64,{}\"/>",
                    outline(clip),
                    number(area.x),
                    number(area.y),
                    number(area.width),
                    number(area.height),
                    picture.media_type(),
                    Base64::encode_string(picture.file()),
                );
            }
        }
    }
    svg.push_str("</svg>\n");
    svg
}

fn painted(paint: &Paint) -> String {
    let fill = paint.fill.as_ref().map_or("none".to_owned(), Colour::to_string);
    let stroke = paint.stroke.map_or_else(String::new, |stroke| {
        format!(
            " stroke=\"{}\" stroke-width=\"{}\"",
            stroke.colour,
            number(stroke.width)
        )
    });
    format!(" fill=\"{fill}\"{stroke}")
}

fn outline(path: &Path) -> String {
    let mut d = String::new();
    for segment in path.segments() {
        let (letter, points) = match segment {
            PathSegment::MoveTo(p) => ('M', vec![p]),
            PathSegment::LineTo(p) => ('L', vec![p]),
            PathSegment::QuadTo(p1, p) => ('Q', vec![p1, p]),
            PathSegment::CubicTo(p1, p2, p) => ('C', vec![p1, p2, p]),
            PathSegment::Close => ('Z', Vec::new()),
        };
        d.push(letter);
        for (at, point) in points.iter().enumerate() {
            let blank = if at == 0 { "" } else { " " };
            let _ = write!(d, "{blank}{} {}", number(point.x), number(point.y));
        }
    }
    d
}

/// Millimetres with three digits after the point, at most.
fn number(value: f32) -> String {
    let text = format!("{value:.3}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0" } else { text }.to_owned()
}

/// A text in an attribute or between tags. Characters that XML does not have are left out; values have none.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' => escaped.push(' '),
            '\u{fffe}' | '\u{ffff}' => {}
            c if c.is_control() => {}
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_texts_escaped() {
        for (value, text) in [
            (0.0, "0"),
            (-0.0001, "0"),
            (85.6, "85.6"),
            (10.0, "10"),
            (-1.25, "-1.25"),
        ] {
            assert_eq!(number(value), text);
        }
        assert_eq!(
            escaped("<\"a\" & 'b'>\n\u{0}c"),
            "&lt;&quot;a&quot; &amp; 'b'&gt; c"
        );
    }
}
