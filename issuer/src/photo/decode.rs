//! Image files into pixels: the colours turned into sRGB, what is transparent into white.

mod colour;

use std::io::Cursor;

use hayro_jpeg2000::{ColorSpace, DecodeSettings, Image};
use png::Transformations;
use zune_jpeg::zune_core::colorspace::ColorSpace as JpegColours;

use super::pixels::Pixels;
use super::{PNG_SIGNATURE, PhotoError, jpeg, jpeg2000};
use crate::panics::unless_panicked;
pub(super) use colour::Colours;
use colour::{Samples, is_srgb, to_srgb};

/// Most bytes that the PNG reader may take for itself, apart from the pixels.
const PNG_BYTES: usize = 64 << 20;

/// Pixels as they are in the file, not yet turned upright.
pub(super) struct Decoded {
    pub(super) pixels: Pixels,
    /// What had to be done to the colours.
    pub(super) colours: Colours,
    /// Whether anything was transparent.
    pub(super) transparent: bool,
    /// The orientation in the EXIF data, 1 to 8.
    pub(super) orientation: Option<u16>,
}

/// A picture at which a library panics is one that it does not decode.
fn decoded<T>(work: impl FnOnce() -> Option<T>) -> Result<T, PhotoError> {
    unless_panicked(work).flatten().ok_or(PhotoError::Undecodable)
}

/// Decodes a JPEG. `adobe` says whether it states how its colours are kept.
pub(super) fn jpeg(bytes: &[u8], adobe: bool) -> Result<Decoded, PhotoError> {
    decoded(|| read_jpeg(bytes, adobe))
}

fn read_jpeg(bytes: &[u8], adobe: bool) -> Option<Decoded> {
    let mut decoder = jpeg::decoder(bytes)?;
    decoder.decode_headers().ok()?;
    let four = matches!(decoder.input_colorspace()?, JpegColours::CMYK | JpegColours::YCCK);
    let grey = decoder.output_colorspace()? == JpegColours::Luma;
    let profile = decoder.icc_profile();
    let data = decoder.decode().ok()?;
    let (width, height) = decoder.dimensions()?;
    let samples = if grey {
        Samples::Grey(data)
    } else {
        Samples::Rgb(data)
    };
    // The decoder turns four inks into RGB by the plain formula; their profile would say it better.
    let (rgb, colours) = if four {
        let colours = if adobe { Colours::Inks } else { Colours::Unknown };
        (samples.into_rgb(), colours)
    } else {
        to_srgb(samples, profile.as_deref())
    };
    Some(Decoded {
        pixels: Pixels::new(width, height, rgb)?,
        colours,
        transparent: false,
        orientation: None,
    })
}

/// Whether a JPEG has colours that every viewer shows right without its colour profile.
pub(super) fn plain_jpeg(bytes: &[u8]) -> bool {
    decoded(|| has_plain_colours(bytes)).unwrap_or(false)
}

fn has_plain_colours(bytes: &[u8]) -> Option<bool> {
    let mut decoder = jpeg::decoder(bytes)?;
    decoder.decode_headers().ok()?;
    Some(match decoder.input_colorspace()? {
        JpegColours::CMYK | JpegColours::YCCK => false,
        space => decoder
            .icc_profile()
            .is_none_or(|profile| is_srgb(&profile, space == JpegColours::Luma)),
    })
}

/// Whether a JPEG, as the document has it, decodes.
pub(super) fn jpeg_decodes(bytes: &[u8]) -> bool {
    decoded(|| Some(jpeg::decodes(bytes))).unwrap_or(false)
}

/// Decodes a JPEG 2000, JP2 file or codestream, the size of which was looked at.
pub(super) fn jpeg_2000(bytes: &[u8]) -> Result<Decoded, PhotoError> {
    decoded(|| read_jpeg_2000(bytes))
}

fn read_jpeg_2000(bytes: &[u8]) -> Option<Decoded> {
    let settings = |strict| DecodeSettings {
        strict,
        ..DecodeSettings::default()
    };
    let mut image = Image::new(bytes, &settings(true)).ok()?;
    if matches!(image.color_space(), ColorSpace::CMYK) {
        // Some writers say RGB and have a fourth channel of which they say nothing: it is how opaque pixels are.
        let other = Image::new(bytes, &settings(false)).ok()?;
        if other.has_alpha() {
            image = other;
        }
    }
    let (width, height) = (
        usize::try_from(image.width()).ok()?,
        usize::try_from(image.height()).ok()?,
    );
    let data = image.decode().ok()?;
    let channels = usize::from(image.color_space().num_channels());
    let (data, alpha) = if image.has_alpha() {
        split_alpha(&data, channels)
    } else {
        (data, None)
    };
    let (rgb, colours) = match (image.color_space(), channels) {
        (ColorSpace::Gray, _) => (Samples::Grey(data).into_rgb(), Colours::Kept),
        (ColorSpace::RGB, _) => (data, Colours::Kept),
        (ColorSpace::Icc { profile, .. }, 1) => to_srgb(Samples::Grey(data), Some(profile)),
        (ColorSpace::Icc { profile, .. }, 3) => to_srgb(Samples::Rgb(data), Some(profile)),
        (ColorSpace::Unknown { .. }, 1) => (Samples::Grey(data).into_rgb(), Colours::Unknown),
        (ColorSpace::Unknown { .. }, 3) => (data, Colours::Unknown),
        (ColorSpace::CMYK, _) => (Samples::Inks(data).into_rgb(), Colours::Inks),
        (_, 4) => (Samples::Inks(data).into_rgb(), Colours::Unknown),
        _ => return None,
    };
    finish(width, height, rgb, alpha, colours, jpeg2000::exif(bytes))
}

/// Width and height in the header of a PNG, before anything is allocated for it.
pub(super) fn png_size(bytes: &[u8]) -> Option<(u32, u32)> {
    let header = bytes.strip_prefix(PNG_SIGNATURE)?.get(8..)?;
    let width = u32::from_be_bytes(*header.first_chunk::<4>()?);
    let height = u32::from_be_bytes(*header.get(4..)?.first_chunk::<4>()?);
    Some((width, height))
}

/// Decodes a PNG, the size of which was looked at.
pub(super) fn png(bytes: &[u8]) -> Result<Decoded, PhotoError> {
    decoded(|| read_png(bytes))
}

/// Reads what stands before the pixels of a PNG, the size of which was looked at.
pub(crate) fn png_reader(
    bytes: &[u8],
    transformations: Transformations,
) -> Option<png::Reader<Cursor<&[u8]>>> {
    let mut decoder = png::Decoder::new_with_limits(Cursor::new(bytes), png::Limits { bytes: PNG_BYTES });
    decoder.set_transformations(transformations);
    decoder.set_ignore_text_chunk(true);
    let reader = decoder.read_info().ok()?;
    // A palette of whole colours, 256 at most (PNG, 11.2.2): png 0.18.1 panics at others (image-png, issue 694).
    let palette = reader.info().palette.as_deref().unwrap_or_default();
    (palette.len().is_multiple_of(3) && palette.len() <= 3 * 256).then_some(reader)
}

fn read_png(bytes: &[u8]) -> Option<Decoded> {
    let mut reader = png_reader(bytes, Transformations::normalize_to_color8())?;
    let mut data = vec![0; reader.output_buffer_size()?];
    let frame = reader.next_frame(&mut data).ok()?;
    data.truncate(frame.buffer_size());
    // What stands behind the picture, with its checksums; a file that is cut there is told, too.
    reader.finish().ok()?;
    let channels = frame.color_type.samples();
    let grey = channels <= 2;
    let (data, alpha) = if channels % 2 == 0 {
        split_alpha(&data, channels - 1)
    } else {
        (data, None)
    };
    let samples = if grey {
        Samples::Grey(data)
    } else {
        Samples::Rgb(data)
    };
    let info = reader.info();
    let profile = info.icc_profile.as_deref().filter(|_| info.srgb.is_none());
    let (rgb, mut colours) = to_srgb(samples, profile);
    let other_gamma = info
        .gama_chunk
        .is_some_and(|gamma| (gamma.into_value() - 0.45455).abs() > 0.02);
    if profile.is_none() && info.srgb.is_none() && other_gamma {
        colours = Colours::Unknown;
    }
    let (width, height) = (
        usize::try_from(frame.width).ok()?,
        usize::try_from(frame.height).ok()?,
    );
    finish(width, height, rgb, alpha, colours, info.exif_metadata.as_deref())
}

/// Takes the last of the channels, which says how opaque a pixel is, from the others.
fn split_alpha(data: &[u8], colours: usize) -> (Vec<u8>, Option<Vec<u8>>) {
    let pixels = data.chunks_exact(colours + 1);
    let alpha = pixels.clone().filter_map(|pixel| pixel.last().copied()).collect();
    let rest = pixels
        .flat_map(|pixel| pixel.get(..colours).unwrap_or_default().iter().copied())
        .collect();
    (rest, Some(alpha))
}

fn finish(
    width: usize,
    height: usize,
    mut rgb: Vec<u8>,
    alpha: Option<Vec<u8>>,
    colours: Colours,
    exif: Option<&[u8]>,
) -> Option<Decoded> {
    let alpha = alpha.unwrap_or_default();
    let transparent = alpha.iter().any(|alpha| *alpha != u8::MAX);
    if transparent {
        for (pixel, alpha) in rgb.chunks_exact_mut(3).zip(&alpha) {
            for channel in pixel {
                *channel = over_white(*channel, *alpha);
            }
        }
    }
    Some(Decoded {
        pixels: Pixels::new(width, height, rgb)?,
        colours,
        transparent,
        orientation: exif.and_then(jpeg::exif_orientation),
    })
}

/// A channel laid over white.
fn over_white(channel: u8, alpha: u8) -> u8 {
    let (channel, alpha) = (u32::from(channel), u32::from(alpha));
    let mixed = (channel * alpha + 255 * (255 - alpha) + 127) / 255;
    u8::try_from(mixed).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_at_which_a_library_panics_cannot_be_decoded() {
        let ended = decoded::<()>(|| panic!("at a picture"));
        assert_eq!(ended, Err(PhotoError::Undecodable));
    }
}
