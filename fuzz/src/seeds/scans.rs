//! Of what is scanned.

use mdoc_holder::qr::QrCode;

use super::pictures::png;
use super::{engagement_uri, engagements};

pub(crate) fn scan_text() -> Vec<Vec<u8>> {
    let mut all = engagement_uri();
    let around = |text: &[u8]| [b"\xef\xbb\xbf]Q1 \"", text, b"\"\r\n"].concat();
    let first = all.first().map(|text| around(text));
    all.extend(first);
    let others = [
        "https://example.org/mdoc:",
        "WIFI:T:WPA;S:a;P:b;;",
        "mdocÖoA",
        "4007630000116",
    ];
    all.extend(others.map(|text| text.as_bytes().to_vec()));
    all
}

/// Codes of engagements, and of something else, with one pixel a module and with two, dark on light and the other way.
pub(crate) fn scan_picture() -> Vec<Vec<u8>> {
    let engagements = engagements();
    let smallest = engagements.iter().min_by_key(|bytes| bytes.len()).unwrap();
    let code = QrCode::of_engagement(smallest).unwrap();
    let other = QrCode::new("https://example.org/").unwrap();
    let mut all = Vec::new();
    for (code, pixels, inverted) in [
        (&code, 1, false),
        (&code, 2, false),
        (&code, 1, true),
        (&other, 2, false),
    ] {
        let (side, rows) = rows(code, pixels, inverted);
        all.push(png(0, 1, 0, side, &rows));
    }
    all.push(code.to_png(1).unwrap());
    // No code, but the way to the reader of that kind of pictures.
    all.push(integration::world::SMALL_JPEG.to_vec());
    all
}

/// The same codes as a camera gives them: a byte a pixel, and with colours.
pub(crate) fn scan_frame() -> Vec<Vec<u8>> {
    let engagements = engagements();
    let smallest = engagements.iter().min_by_key(|bytes| bytes.len()).unwrap();
    let code = QrCode::of_engagement(smallest).unwrap();
    let wide = u8::try_from(code.side()).unwrap();
    let mut all = Vec::new();
    for (format, step) in [(0, 1), (2, 2), (3, 2)] {
        for (way, dark) in [(0, 0), (1, 0), (2, 0), (3, 255)] {
            let pixels = (0..code.side()).flat_map(|y| (0..code.side()).map(move |x| (y, x)));
            let pixel = |(y, x)| if code.is_dark(y, x) { dark } else { 255 - dark };
            let data = pixels.flat_map(|at| std::iter::repeat_n(pixel(at), step));
            all.push([format | way << 3, wide, 0].into_iter().chain(data).collect());
        }
    }
    all
}

/// The rows of a picture, a bit a pixel, each after the number of its filter; and its width in pixels.
fn rows(code: &QrCode, pixels: usize, inverted: bool) -> (usize, Vec<u8>) {
    let side = code.side() * pixels;
    let mut out = Vec::new();
    for y in 0..side {
        let mut row = vec![0; side.div_ceil(8)];
        for x in 0..side {
            let light = code.is_dark(y / pixels, x / pixels) == inverted;
            row[x / 8] |= u8::from(light) << (7 - x % 8);
        }
        out.push(0);
        out.extend(row);
    }
    (side, out)
}
