//! PNG and JPEG into brightness, bounded before anything is decoded.

use std::io::Cursor;

use png::Transformations;
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::grey::Grey;
use super::{LARGEST_FILE, MOST_PIXELS, MOST_PIXELS_IN_PASSES, ScanError};
use crate::jpeg;
use crate::panics::unless_panicked;

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";
const JPEG: &[u8] = &[0xff, 0xd8, 0xff];
/// Most bytes that the PNG reader may take for itself, apart from the pixels.
const PNG_BYTES: usize = 64 << 20;

/// # Errors
/// [`ScanError`] if it is too large, no picture, or damaged.
pub(super) fn decode(file: &[u8]) -> Result<Grey, ScanError> {
    if file.len() > LARGEST_FILE {
        return Err(ScanError::TooLarge);
    }
    if file.starts_with(PNG) {
        decoded(|| png(file))
    } else if file.starts_with(JPEG) {
        jpeg(file)
    } else {
        Err(ScanError::NoPicture)
    }
}

fn decoded(work: impl FnOnce() -> Result<Grey, ScanError>) -> Result<Grey, ScanError> {
    unless_panicked(work).unwrap_or(Err(ScanError::Undecodable))
}

/// Looked at before there is room made for them.
fn bounded(wide: usize, high: usize, most: usize) -> Result<(), ScanError> {
    match wide.checked_mul(high) {
        Some(pixels) if pixels <= most => Ok(()),
        _ => Err(ScanError::TooLarge),
    }
}

fn png(file: &[u8]) -> Result<Grey, ScanError> {
    let damaged = |_| ScanError::Undecodable;
    let (wide, high) = png_size(file).ok_or(ScanError::Undecodable)?;
    bounded(wide, high, MOST_PIXELS)?;
    let mut decoder = png::Decoder::new_with_limits(Cursor::new(file), png::Limits { bytes: PNG_BYTES });
    decoder.set_transformations(Transformations::normalize_to_color8());
    decoder.set_ignore_text_chunk(true);
    let mut reader = decoder.read_info().map_err(damaged)?;
    // A palette of whole colours, 256 at most (PNG, 11.2.2): png 0.18.1 panics at others (image-png, issue 694).
    let palette = reader.info().palette.as_deref().unwrap_or_default();
    if !palette.len().is_multiple_of(3) || palette.len() > 3 * 256 {
        return Err(ScanError::Undecodable);
    }
    if reader.info().interlaced {
        bounded(wide, high, MOST_PIXELS_IN_PASSES)?;
    }
    let samples = reader.output_color_type().0.samples();
    // Row by row: colours of all pixels at once would be four times what is needed.
    let mut pixels = Vec::with_capacity(wide * high);
    if reader.info().interlaced {
        let mut data = vec![0; reader.output_buffer_size().ok_or(ScanError::TooLarge)?];
        reader.next_frame(&mut data).map_err(|_| ScanError::Undecodable)?;
        extend(&mut pixels, &data, samples);
    } else {
        while let Some(row) = reader.next_row().map_err(|_| ScanError::Undecodable)? {
            extend(&mut pixels, row.data(), samples);
        }
    }
    Grey::new(wide, high, pixels).ok_or(ScanError::Undecodable)
}

/// Width and height in the header of a PNG.
fn png_size(file: &[u8]) -> Option<(usize, usize)> {
    let (wide, rest) = file.get(16..)?.split_first_chunk::<4>()?;
    let side = |bytes: [u8; 4]| usize::try_from(u32::from_be_bytes(bytes)).ok();
    Some((side(*wide)?, side(*rest.first_chunk::<4>()?)?))
}

pub(super) fn jpeg(file: &[u8]) -> Result<Grey, ScanError> {
    decoded(|| read_jpeg(file))
}

fn read_jpeg(file: &[u8]) -> Result<Grey, ScanError> {
    if jpeg::has_too_many_scans(file) {
        return Err(ScanError::Undecodable);
    }
    let most = usize::from(u16::MAX);
    let options = DecoderOptions::default().set_max_width(most).set_max_height(most);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(file), options);
    decoder.decode_headers().map_err(|_| ScanError::Undecodable)?;
    let (wide, high) = decoder.dimensions().ok_or(ScanError::Undecodable)?;
    let in_passes = decoder.info().is_some_and(|info| info.sof.is_progressive());
    let most = if in_passes {
        MOST_PIXELS_IN_PASSES
    } else {
        MOST_PIXELS
    };
    bounded(wide, high, most)?;
    let data = decoder.decode().map_err(|_| ScanError::Undecodable)?;
    let samples = data.len().checked_div(wide * high).unwrap_or_default();
    let mut pixels = Vec::with_capacity(wide * high);
    extend(&mut pixels, &data, samples);
    Grey::new(wide, high, pixels).ok_or(ScanError::Undecodable)
}

/// Adds the brightness of pixels of so many samples: grey, grey and alpha, RGB, RGBA. What is transparent is white.
pub(super) fn extend(pixels: &mut Vec<u8>, data: &[u8], samples: usize) {
    let over_white = |grey: u8, alpha: u8| {
        let (grey, alpha) = (u32::from(grey), u32::from(alpha));
        u8::try_from((grey * alpha + 255 * (255 - alpha) + 127) / 255).unwrap_or(u8::MAX)
    };
    // ITU-R BT.601, in parts of 256.
    let of = |red: u8, green: u8, blue: u8| {
        let sum = 77 * u32::from(red) + 150 * u32::from(green) + 29 * u32::from(blue);
        u8::try_from(sum / 256).unwrap_or(u8::MAX)
    };
    pixels.extend(data.chunks_exact(samples.max(1)).map(|pixel| match *pixel {
        [grey] => grey,
        [grey, alpha] => over_white(grey, alpha),
        [red, green, blue] => of(red, green, blue),
        [red, green, blue, alpha] => over_white(of(red, green, blue), alpha),
        _ => u8::MAX,
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_palette_that_is_no_whole_number_of_colours_is_refused() {
        let with = |palette: usize| {
            let mut file = Vec::new();
            let mut encoder = png::Encoder::new(&mut file, 4, 4);
            encoder.set_color(png::ColorType::Indexed);
            encoder.set_palette(vec![7; palette]);
            let mut writer = encoder.write_header().unwrap();
            writer.write_image_data(&[0; 16]).unwrap();
            writer.finish().unwrap();
            // Not by way of `decoded`, which catches what the library does at it.
            png(&file).err()
        };
        for whole in [3, 6, 768] {
            assert_eq!(with(whole), None, "{whole}");
        }
        for broken in [1, 4, 5, 7, 766, 767, 769, 771, 1000] {
            assert_eq!(with(broken), Some(ScanError::Undecodable), "{broken}");
        }
    }

    #[test]
    fn a_decoder_that_panics_is_a_picture_that_cannot_be_decoded() {
        let ended = decoded(|| panic!("at a picture"));
        assert_eq!(ended.err(), Some(ScanError::Undecodable));
    }

    #[test]
    fn pictures_in_passes_have_fewer_pixels() {
        let interlaced = |side: u32| {
            let mut file = Vec::new();
            let mut info = png::Info::with_size(side, side);
            info.interlaced = true;
            let encoder = png::Encoder::with_info(&mut file, info).unwrap();
            let mut writer = encoder.write_header().unwrap();
            writer.write_chunk(png::chunk::IDAT, &[0x78, 0x9c]).unwrap();
            drop(writer);
            decode(&file).err()
        };
        assert_eq!(interlaced(1_000), Some(ScanError::Undecodable));
        assert_eq!(interlaced(8_000), Some(ScanError::TooLarge));
        let progressive = |side: u16| {
            let mut file = Vec::new();
            let mut encoder = jpeg_encoder::Encoder::new(&mut file, 80);
            encoder.set_progressive(true);
            encoder
                .encode(&[128; 64 * 64 * 3], 64, 64, jpeg_encoder::ColorType::Rgb)
                .unwrap();
            let frame = file.windows(2).position(|two| two == [0xff, 0xc2]).unwrap();
            let side = side.to_be_bytes();
            file[frame + 5..frame + 9].copy_from_slice(&[side, side].concat());
            decode(&file).err()
        };
        assert_eq!(progressive(64), None);
        assert_eq!(progressive(8_000), Some(ScanError::TooLarge));
    }
}
