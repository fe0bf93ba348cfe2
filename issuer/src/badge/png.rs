//! A drawing as PNG.

use core::fmt;

use tiny_skia::{
    FillRule, FilterQuality, Mask, Paint as Brush, Pixmap, PixmapPaint, Stroke as Pen, Transform,
};

use super::drawing::{Drawing, Shape};
use super::layout::{Area, Colour, Paint};

/// Most pixels of a badge.
const MOST_PIXELS: u64 = 40_000_000;

/// Why a badge cannot be a PNG.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PngError {
    /// The resolution is not within its limits.
    Resolution,
    /// It has too many pixels at this resolution.
    TooLarge,
}

impl fmt::Display for PngError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Resolution => write!(
                f,
                "the resolution must be {} to {} dots per inch",
                Drawing::LEAST_DPI,
                Drawing::MOST_DPI
            ),
            Self::TooLarge => f.write_str("the badge has too many pixels at this resolution"),
        }
    }
}

impl core::error::Error for PngError {}

pub(super) fn write(drawing: &Drawing, dpi: u16) -> Result<Vec<u8>, PngError> {
    if !(Drawing::LEAST_DPI..=Drawing::MOST_DPI).contains(&dpi) {
        return Err(PngError::Resolution);
    }
    let scale = f32::from(dpi) / 25.4;
    let (width, height) = (pixels(drawing.size.0, scale), pixels(drawing.size.1, scale));
    if u64::from(width) * u64::from(height) > MOST_PIXELS {
        return Err(PngError::TooLarge);
    }
    let mut map = Pixmap::new(width, height).ok_or(PngError::TooLarge)?;
    map.fill(tiny_skia::Color::WHITE);
    let to_pixels = Transform::from_scale(scale, scale);
    for shape in &drawing.shapes {
        match shape {
            Shape::Path { path, paint, .. } => draw(&mut map, path, paint, to_pixels),
            Shape::Picture {
                area, clip, picture, ..
            } => {
                let pixmap = picture.pixmap();
                let Some(mut mask) = Mask::new(width, height) else {
                    continue;
                };
                mask.fill_path(clip, FillRule::Winding, true, to_pixels);
                let smooth = PixmapPaint {
                    quality: FilterQuality::Bicubic,
                    ..PixmapPaint::default()
                };
                let place = placed(*area, pixmap.width(), pixmap.height(), scale);
                map.draw_pixmap(0, 0, pixmap.as_ref(), &smooth, place, Some(&mask));
            }
        }
    }
    encode(&map, dpi).ok_or(PngError::TooLarge)
}

/// A length in pixels, rounded, at least one.
fn pixels(millimetres: f32, scale: f32) -> u32 {
    // Written and read: a float becomes a whole number by no conversion that cannot lose something.
    format!("{:.0}", (millimetres * scale).max(1.0))
        .parse()
        .unwrap_or(u32::MAX)
}

/// Where the pixels of a picture come to lie.
fn placed(area: Area, width: u32, height: u32, scale: f32) -> Transform {
    let side = |pixels: u32| u16::try_from(pixels).map_or(f32::from(u16::MAX), f32::from);
    Transform::from_row(
        area.width * scale / side(width),
        0.0,
        0.0,
        area.height * scale / side(height),
        area.x * scale,
        area.y * scale,
    )
}

fn draw(map: &mut Pixmap, path: &tiny_skia::Path, paint: &Paint, to_pixels: Transform) {
    if let Some(colour) = paint.fill {
        map.fill_path(path, &brush(colour), FillRule::Winding, to_pixels, None);
    }
    if let Some(stroke) = paint.stroke {
        let pen = Pen {
            width: stroke.width,
            ..Pen::default()
        };
        map.stroke_path(path, &brush(stroke.colour), &pen, to_pixels, None);
    }
}

fn brush(Colour([r, g, b]): Colour) -> Brush<'static> {
    let mut brush = Brush::default();
    brush.set_color_rgba8(r, g, b, 255);
    brush.anti_alias = true;
    brush
}

fn encode(map: &Pixmap, dpi: u16) -> Option<Vec<u8>> {
    // Everything lies on an opaque ground, so that no pixel is transparent.
    let rgb: Vec<u8> = map
        .pixels()
        .iter()
        .flat_map(|pixel| [pixel.red(), pixel.green(), pixel.blue()])
        .collect();
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, map.width(), map.height());
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let per_metre = (u32::from(dpi) * 10_000 + 127) / 254;
    encoder.set_pixel_dims(Some(png::PixelDimensions {
        xppu: per_metre,
        yppu: per_metre,
        unit: png::Unit::Meter,
    }));
    let mut writer = encoder.write_header().ok()?;
    writer.write_image_data(&rgb).ok()?;
    writer.finish().ok()?;
    Some(file)
}
