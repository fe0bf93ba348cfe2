//! Pixels into a baseline JPEG of a limited size.

use jpeg_encoder::{ColorType, Encoder, SamplingFactor};

use super::pixels::Pixels;

/// Qualities that are tried until the file is as small as one would like.
const GOOD: [u8; 5] = [90, 85, 80, 75, 70];
/// Qualities that are tried only because the file must become smaller.
const POOR: [u8; 3] = [60, 50, 40];
/// Narrower or lower than this, nobody can be told from a picture.
const SMALLEST_SIDE: usize = 48;

/// A JPEG, and how it came about.
pub(super) struct Encoded {
    pub(super) bytes: Vec<u8>,
    pub(super) quality: u8,
    pub(super) width: usize,
    pub(super) height: usize,
}

/// Writes a baseline JPEG: in good quality if possible in `aim` bytes, else in what quality and size it takes to keep
/// to `limit`. `None` if nothing does.
pub(super) fn encode(pixels: &Pixels, aim: usize, limit: usize) -> Option<Encoded> {
    let mut smaller: Option<Pixels> = None;
    loop {
        let pixels = smaller.as_ref().unwrap_or(pixels);
        let (width, height) = (pixels.width(), pixels.height());
        let done = |bytes, quality| Encoded {
            bytes,
            quality,
            width,
            height,
        };
        let mut last = None;
        for quality in GOOD {
            let bytes = write(pixels, quality)?;
            if bytes.len() <= aim.min(limit) {
                return Some(done(bytes, quality));
            }
            last = Some((bytes, quality));
        }
        let (bytes, quality) = last?;
        if bytes.len() <= limit {
            return Some(done(bytes, quality));
        }
        for quality in POOR {
            let bytes = write(pixels, quality)?;
            if bytes.len() <= limit {
                return Some(done(bytes, quality));
            }
        }
        let (width, height) = (width * 3 / 4, height * 3 / 4);
        if width.min(height) < SMALLEST_SIDE {
            return None;
        }
        smaller = Some(pixels.scaled(width, height)?);
    }
}

fn write(pixels: &Pixels, quality: u8) -> Option<Vec<u8>> {
    let (width, height) = (
        u16::try_from(pixels.width()).ok()?,
        u16::try_from(pixels.height()).ok()?,
    );
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, quality);
    encoder.set_sampling_factor(SamplingFactor::F_2_2);
    // Optimised tables would save a few bytes, but put each colour in a scan of its own, which some decoders get wrong.
    encoder.set_optimized_huffman_tables(false);
    if pixels.is_grey() {
        let grey: Vec<u8> = pixels.rgb().iter().copied().step_by(3).collect();
        encoder.encode(&grey, width, height, ColorType::Luma).ok()?;
    } else {
        encoder.encode(pixels.rgb(), width, height, ColorType::Rgb).ok()?;
    }
    Some(bytes)
}
