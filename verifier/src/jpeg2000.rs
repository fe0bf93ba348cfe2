//! JPEG 2000 into pixels, within bounds.
//!
//! Source: ISO/IEC 15444-1, A.5.1 (SIZ).

use hayro_jpeg2000::{ColorSpace, DecodeSettings, Image};

use crate::portrait::{LARGEST_SIDE, Pixels};

/// How the codestream begins: the markers SOC and SIZ.
const START: [u8; 4] = [0xff, 0x4f, 0xff, 0x51];
/// Most tiles that are decoded; encoders write one, or a few dozens.
const MOST_TILES: u64 = 1024;
/// Most components that are decoded: four colours and transparency.
const MOST_COMPONENTS: u16 = 5;

/// Decodes a JP2 file or a bare codestream, in grey or three colours; what is transparent becomes white. None if it does
/// not decode, has four inks, or is too large.
pub(crate) fn decode(file: &[u8]) -> Option<Pixels> {
    if !is_bounded(file) {
        return None;
    }
    let settings = |strict| DecodeSettings {
        strict,
        ..DecodeSettings::default()
    };
    let mut image = Image::new(file, &settings(true)).ok()?;
    if matches!(image.color_space(), ColorSpace::CMYK) {
        // Some writers say RGB and have a fourth channel of which they say nothing: it is how opaque pixels are.
        image = Image::new(file, &settings(false)).ok()?;
    }
    let wide = usize::try_from(image.width()).ok()?;
    let high = usize::try_from(image.height()).ok()?;
    if wide > LARGEST_SIDE || high > LARGEST_SIDE {
        return None;
    }
    let colours = usize::from(image.color_space().num_channels());
    let channels = colours + usize::from(image.has_alpha());
    let data = image.decode().ok()?;
    let mut rgb = Vec::with_capacity(data.len());
    for pixel in data.chunks_exact(channels) {
        let (pixel, alpha) = pixel.split_at_checked(colours)?;
        let alpha = alpha.first().copied().unwrap_or(u8::MAX);
        let [r, g, b] = match pixel {
            [grey] => [*grey; 3],
            [r, g, b] => [*r, *g, *b],
            _ => return None,
        };
        rgb.extend([r, g, b].map(|colour| over_white(colour, alpha)));
    }
    Pixels::new(wide, high, rgb)
}

fn over_white(colour: u8, alpha: u8) -> u8 {
    let (colour, alpha) = (u32::from(colour), u32::from(alpha));
    u8::try_from((colour * alpha + 255 * (255 - alpha)) / 255).unwrap_or(u8::MAX)
}

/// Whether there is a codestream, and every one has a size, tiles and components in numbers that are sane: before anything
/// is allocated for it.
fn is_bounded(file: &[u8]) -> bool {
    let starts = file.windows(START.len()).enumerate();
    let mut starts = starts.filter(|(_, four)| *four == START).peekable();
    starts.peek().is_some()
        && starts.all(|(at, _)| {
            let siz = file.get(at + START.len()..);
            siz.and_then(numbers).is_some()
        })
}

/// Nothing but whether they are sane.
fn numbers(siz: &[u8]) -> Option<()> {
    let number = |at: usize| Some(u32::from_be_bytes(*siz.get(at..)?.first_chunk::<4>()?));
    // Lsiz and Rsiz have two bytes each; then the ends, the offsets, the tiles and their offsets, each wide and high.
    let side = |end: usize, offset: usize| number(end)?.checked_sub(number(offset)?);
    let (wide, high) = (side(4, 12)?, side(8, 16)?);
    let across = wide.checked_div(number(20)?)?;
    let down = high.checked_div(number(24)?)?;
    let components = u16::from_be_bytes(*siz.get(36..)?.first_chunk::<2>()?);
    let largest = u32::try_from(LARGEST_SIDE).ok()?;
    let sane = wide <= largest
        && high <= largest
        && u64::from(across) * u64::from(down) <= MOST_TILES
        && (1..=MOST_COMPONENTS).contains(&components);
    sane.then_some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Written by Pillow with OpenJPEG: red and green above, blue and white below, 48 by 32 pixels.
    const QUADRANTS: &[u8] = include_bytes!("../../issuer/src/photo/samples/quadrants.jp2");
    const GREY: &[u8] = include_bytes!("../../issuer/src/photo/samples/grey.jp2");
    const TRANSPARENT: &[u8] = include_bytes!("../../issuer/src/photo/samples/transparent.jp2");

    fn colour(file: &[u8], x: usize, y: usize) -> [u8; 3] {
        let pixels = decode(file).unwrap();
        pixels.at(x, y).unwrap()
    }

    fn near(colour: [u8; 3], other: [u8; 3]) -> bool {
        colour.iter().zip(other).all(|(one, two)| one.abs_diff(two) < 24)
    }

    #[test]
    fn colours_grey_and_what_is_transparent_are_decoded() {
        assert!(near(colour(QUADRANTS, 10, 5), [200, 30, 30]));
        assert!(near(colour(QUADRANTS, 40, 5), [30, 160, 40]));
        assert!(near(colour(QUADRANTS, 10, 28), [30, 40, 180]));
        let [r, g, b] = colour(GREY, 40, 5);
        assert!(r == g && g == b && r > 100);
        // Black beneath, and wholly transparent.
        assert!(near(colour(TRANSPARENT, 40, 28), [255, 255, 255]));
    }

    #[test]
    fn what_does_not_decode_or_is_too_large_is_no_picture() {
        assert!(decode(b"").is_none());
        assert!(decode(&QUADRANTS[..QUADRANTS.len() - 40]).is_none());
        let siz = QUADRANTS.windows(4).position(|four| four == START).unwrap() + 4;
        let changed = |at: usize, number: u32| {
            let mut file = QUADRANTS.to_vec();
            file[siz + at..siz + at + 4].copy_from_slice(&number.to_be_bytes());
            file
        };
        assert!(is_bounded(QUADRANTS));
        assert!(!is_bounded(&changed(4, 5000)), "wide");
        let mut tiles = changed(20, 1);
        tiles[siz + 24..siz + 28].copy_from_slice(&1_u32.to_be_bytes());
        assert!(!is_bounded(&tiles), "48 by 32 tiles");
        let mut decoy = QUADRANTS.to_vec();
        decoy.extend(&tiles[siz - 4..]);
        assert!(!is_bounded(&decoy), "one codestream of two");
        assert!(!is_bounded(&changed(36, 0xffff_0000)), "components");
    }
}
