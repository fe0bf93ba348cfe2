//! Pictures on a badge: the photo, logos, backgrounds.

use core::fmt;
use std::sync::Arc;

use png::Transformations;
use tiny_skia::{ColorU8, IntSize, Pixmap};

use crate::panics::unless_panicked;
use crate::photo::{self, ImageKind, PhotoError, Wanted};

/// Most pixels of a picture; at 300 dots per inch a card has 640,000.
const MOST_PIXELS: u32 = 4_000_000;
/// Most bytes of its file.
const MOST_BYTES: usize = 4 << 20;

/// A picture that decodes: the file, PNG or JPEG, and its pixels.
#[derive(Clone)]
pub(super) struct Picture(Arc<Content>);

struct Content {
    file: Vec<u8>,
    media_type: &'static str,
    pixels: Pixmap,
}

impl fmt::Debug for Picture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Picture")
            .field("media_type", &self.0.media_type)
            .field("width", &self.0.pixels.width())
            .field("height", &self.0.pixels.height())
            .finish()
    }
}

impl Picture {
    /// Bytes of the file.
    pub(super) fn bytes(&self) -> usize {
        self.0.file.len()
    }

    /// Reads a PNG, which may be transparent, or a JPEG or JPEG 2000. What viewers of SVG do not know, or show in
    /// other ways, is made a plain JPEG.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, PhotoError> {
        let wanted = Wanted {
            aim_bytes: MOST_BYTES,
            max_pixels: MOST_PIXELS,
            ..Wanted::new(&[ImageKind::Jpeg], MOST_BYTES)
        };
        if let Some(pixels) = photo::png_size(bytes) {
            return match pixels {
                (width, height)
                    if bytes.len() <= MOST_BYTES
                        && u64::from(width) * u64::from(height) <= u64::from(MOST_PIXELS) =>
                {
                    let pixels = unless_panicked(|| transparent(bytes)).flatten();
                    let pixels = pixels.ok_or(PhotoError::Undecodable)?;
                    Ok(Self::of(bytes.to_vec(), "image/png", pixels))
                }
                (width, height) => Err(PhotoError::TooManyPixels { width, height }),
            };
        }
        let prepared = photo::prepare(bytes, &wanted)?;
        let (width, height, rgb) = photo::jpeg_pixels(&prepared.bytes).ok_or(PhotoError::Undecodable)?;
        let rgba = rgb
            .as_chunks::<3>()
            .0
            .iter()
            .flat_map(|&[r, g, b]| [r, g, b, u8::MAX])
            .collect();
        let size = IntSize::from_wh(width, height).ok_or(PhotoError::Undecodable)?;
        let pixels = Pixmap::from_vec(rgba, size).ok_or(PhotoError::Undecodable)?;
        Ok(Self::of(prepared.bytes, "image/jpeg", pixels))
    }

    fn of(file: Vec<u8>, media_type: &'static str, pixels: Pixmap) -> Self {
        Self(Arc::new(Content {
            file,
            media_type,
            pixels,
        }))
    }

    pub(super) fn file(&self) -> &[u8] {
        &self.0.file
    }

    pub(super) fn media_type(&self) -> &'static str {
        self.0.media_type
    }

    pub(super) fn pixmap(&self) -> &Pixmap {
        &self.0.pixels
    }

    /// Width divided by height.
    pub(super) fn shape(&self) -> f32 {
        let side = |pixels: u32| u16::try_from(pixels).map_or(f32::from(u16::MAX), f32::from);
        side(self.0.pixels.width()) / side(self.0.pixels.height())
    }
}

/// The pixels of a PNG with what is transparent.
fn transparent(bytes: &[u8]) -> Option<Pixmap> {
    let mut reader = photo::png_reader(
        bytes,
        Transformations::normalize_to_color8() | Transformations::ALPHA,
    )?;
    let mut data = vec![0; reader.output_buffer_size()?];
    let frame = reader.next_frame(&mut data).ok()?;
    data.truncate(frame.buffer_size());
    let premultiplied = |r, g, b, a| {
        let colour = ColorU8::from_rgba(r, g, b, a).premultiply();
        [colour.red(), colour.green(), colour.blue(), colour.alpha()]
    };
    let rgba: Vec<u8> = match frame.color_type {
        png::ColorType::Rgba => {
            let pixels = data.as_chunks::<4>().0.iter();
            pixels
                .flat_map(|&[r, g, b, a]| premultiplied(r, g, b, a))
                .collect()
        }
        png::ColorType::GrayscaleAlpha => {
            let pixels = data.as_chunks::<2>().0.iter();
            pixels
                .flat_map(|&[grey, a]| premultiplied(grey, grey, grey, a))
                .collect()
        }
        _ => return None,
    };
    Pixmap::from_vec(rgba, IntSize::from_wh(frame.width, frame.height)?)
}
