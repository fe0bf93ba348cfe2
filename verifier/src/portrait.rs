//! The portrait of an accepted document: whether it can be shown, in a terminal and in a browser.

use core::fmt::{self, Write as _};

use base64ct::{Base64, Encoding as _};
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use crate::panics::unless_panicked;
use crate::{jpeg, jpeg2000};

/// How many pixels a side are decoded at most; portraits have some hundreds.
pub(crate) const LARGEST_SIDE: usize = 4096;

/// A portrait that was decoded: it can be shown, and somebody be known by it.
#[derive(Clone, PartialEq, Eq)]
pub struct Portrait {
    media_type: &'static str,
    file: Vec<u8>,
    pixels: Pixels,
}

impl fmt::Debug for Portrait {
    /// Without anything of a person.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Portrait({})", self.media_type)
    }
}

impl Portrait {
    /// Decodes a JPEG or JPEG 2000, as ISO/IEC 18013-5 has them; none if it cannot be shown, or a library panics at it.
    /// Blocks for as long as that takes, some tens of milliseconds.
    #[must_use]
    pub fn decode(picture: &[u8]) -> Option<Self> {
        Self::made_by(|| Self::read(picture))
    }

    fn made_by(work: impl FnOnce() -> Option<Self>) -> Option<Self> {
        unless_panicked(work).flatten()
    }

    fn read(picture: &[u8]) -> Option<Self> {
        if picture.starts_with(&[0xff, 0xd8]) {
            return Some(Self {
                media_type: "image/jpeg",
                file: picture.to_vec(),
                pixels: Pixels::of_jpeg(picture)?,
            });
        }
        // Few browsers and terminals show JPEG 2000: it becomes a PNG.
        let pixels = jpeg2000::decode(picture)?;
        Some(Self {
            media_type: "image/png",
            file: pixels.to_png()?,
            pixels,
        })
    }

    /// A file that browsers show: the JPEG as it was received, or a PNG.
    #[must_use]
    pub fn file(&self) -> &[u8] {
        &self.file
    }

    /// What the file is: `image/jpeg` or `image/png`.
    #[must_use]
    pub const fn media_type(&self) -> &'static str {
        self.media_type
    }
}

/// What a terminal can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Terminal {
    /// Pictures as they are, by the escape sequence of iTerm2, which WezTerm and others have too.
    Pictures,
    /// Sixteen million colours: two pixels a character.
    Colours,
    /// Neither.
    Text,
}

impl Terminal {
    /// By what terminals tell of themselves in the environment.
    #[must_use]
    pub fn of(environment: impl Fn(&str) -> Option<String>) -> Self {
        let is = |name: &str, values: &[&str]| {
            let value = environment(name);
            value.is_some_and(|value| values.contains(&value.as_str()))
        };
        if environment("NO_COLOR").is_some() || is("TERM", &["dumb"]) {
            Self::Text
        } else if is("TERM_PROGRAM", &["iTerm.app", "WezTerm", "mintty"]) {
            Self::Pictures
        } else if is("COLORTERM", &["truecolor", "24bit"]) {
            Self::Colours
        } else {
            Self::Text
        }
    }

    /// A portrait in so many columns; none if the terminal or the picture does not allow it.
    #[must_use]
    pub fn show(self, picture: &[u8], columns: usize) -> Option<String> {
        match self {
            Self::Text => None,
            Self::Pictures | Self::Colours => self.draw(&Portrait::decode(picture)?, columns),
        }
    }

    /// The same of one that is decoded.
    #[must_use]
    pub fn draw(self, portrait: &Portrait, columns: usize) -> Option<String> {
        match self {
            Self::Text => None,
            Self::Pictures => Some(format!(
                "\x1b]1337;File=inline=1;size={};width={columns}:{}\x07\n",
                portrait.file.len(),
                Base64::encode_string(&portrait.file)
            )),
            Self::Colours => portrait.pixels.blocks(columns),
        }
    }
}

/// A picture, three bytes a pixel.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Pixels {
    wide: usize,
    high: usize,
    rgb: Vec<u8>,
}

impl Pixels {
    /// None if there are none, or not as many as there should be.
    pub(crate) fn new(wide: usize, high: usize, rgb: Vec<u8>) -> Option<Self> {
        let enough = rgb.len() == wide.checked_mul(high)?.checked_mul(3)? && !rgb.is_empty();
        enough.then_some(Self { wide, high, rgb })
    }

    fn of_jpeg(picture: &[u8]) -> Option<Self> {
        if jpeg::has_too_many_scans(picture) {
            return None;
        }
        let options = DecoderOptions::default()
            .set_max_width(LARGEST_SIDE)
            .set_max_height(LARGEST_SIDE)
            .jpeg_set_out_colorspace(ColorSpace::RGB);
        let mut decoder = JpegDecoder::new_with_options(ZCursor::new(picture), options);
        let rgb = decoder.decode().ok()?;
        let (wide, high) = decoder.dimensions()?;
        Self::new(wide, high, rgb)
    }

    /// The colour of a pixel.
    #[cfg(test)]
    pub(crate) fn at(&self, x: usize, y: usize) -> Option<[u8; 3]> {
        self.rgb.get((y * self.wide + x) * 3..)?.first_chunk().copied()
    }

    fn to_png(&self) -> Option<Vec<u8>> {
        let (wide, high) = (u32::try_from(self.wide).ok()?, u32::try_from(self.high).ok()?);
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, wide, high);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        let mut writer = encoder.write_header().ok()?;
        writer.write_image_data(&self.rgb).ok()?;
        writer.finish().ok()?;
        Some(file)
    }

    /// The upper pixel of a character is its colour, the lower one its ground.
    fn blocks(&self, columns: usize) -> Option<String> {
        let columns = columns.min(self.wide);
        // A character is twice as high as wide, and two pixels high.
        let rows = (self.high * columns / self.wide).max(2) / 2;
        let mut text = String::new();
        for row in 0..rows {
            for column in 0..columns {
                let [r, g, b] = self.mean(column, columns, row * 2, rows * 2)?;
                let _ = write!(text, "\x1b[38;2;{r};{g};{b}m");
                let [r, g, b] = self.mean(column, columns, row * 2 + 1, rows * 2)?;
                let _ = write!(text, "\x1b[48;2;{r};{g};{b}m▀");
            }
            text.push_str("\x1b[0m\n");
        }
        Some(text)
    }

    /// The mean colour of a part of the picture.
    fn mean(&self, column: usize, columns: usize, row: usize, rows: usize) -> Option<[u8; 3]> {
        let part = |at: usize, of: usize, all: usize| {
            let from = at * all / of;
            from..((at + 1) * all / of).max(from + 1).min(all)
        };
        let (mut sum, mut count) = ([0_usize; 3], 0_usize);
        for y in part(row, rows, self.high) {
            for x in part(column, columns, self.wide) {
                let at = (y * self.wide + x) * 3;
                let pixel = self.rgb.get(at..at + 3)?;
                for (sum, colour) in sum.iter_mut().zip(pixel) {
                    *sum += usize::from(*colour);
                }
                count += 1;
            }
        }
        let mean = |sum: usize| u8::try_from(sum / count.max(1)).unwrap_or(u8::MAX);
        Some(sum.map(mean))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terminal(settings: &[(&str, &str)]) -> Terminal {
        Terminal::of(|name| {
            let found = settings.iter().find(|(set, _)| *set == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    /// Left half red, right half blue.
    fn picture() -> Vec<u8> {
        let rgb: Vec<u8> = (0..64 * 80)
            .flat_map(|at| if at % 64 < 32 { [255, 0, 0] } else { [0, 0, 255] })
            .collect();
        let mut file = Vec::new();
        jpeg_encoder::Encoder::new(&mut file, 95)
            .encode(&rgb, 64, 80, jpeg_encoder::ColorType::Rgb)
            .unwrap();
        file
    }

    #[test]
    fn terminals_are_known_by_what_they_say() {
        assert_eq!(terminal(&[("TERM_PROGRAM", "WezTerm")]), Terminal::Pictures);
        assert_eq!(terminal(&[("COLORTERM", "truecolor")]), Terminal::Colours);
        assert_eq!(terminal(&[("TERM", "xterm")]), Terminal::Text);
        let plain = [("COLORTERM", "truecolor"), ("NO_COLOR", "1")];
        assert_eq!(terminal(&plain), Terminal::Text);
    }

    #[test]
    fn a_portrait_is_drawn_in_its_shape_and_colours() {
        let drawn = Terminal::Colours.show(&picture(), 16).unwrap();
        let lines: Vec<&str> = drawn.lines().collect();
        assert_eq!(lines.len(), 10, "80 : 64 of 16 columns, two pixels a character");
        assert!(lines.iter().all(|line| line.matches('▀').count() == 16));
        let red = lines[5]
            .split('m')
            .next()
            .unwrap()
            .strip_prefix("\x1b[38;2;")
            .unwrap();
        let red: Vec<u8> = red.split(';').map(|part| part.parse().unwrap()).collect();
        assert!(red[0] > 200 && red[2] < 60, "{red:?}");
        let inline = Terminal::Pictures.show(&picture(), 16).unwrap();
        assert!(inline.starts_with("\x1b]1337;File=inline=1;size="));
    }

    #[test]
    fn a_jpeg_is_given_to_browsers_as_it_is_and_jpeg_2000_as_png() {
        let jpeg = Portrait::decode(&picture()).unwrap();
        assert_eq!((jpeg.media_type(), jpeg.file()), ("image/jpeg", &picture()[..]));
        let jp2 = include_bytes!("../../issuer/src/photo/samples/portrait.jp2");
        let portrait = Portrait::decode(jp2).unwrap();
        assert_eq!(portrait.media_type(), "image/png");
        let mut reader = png::Decoder::new(std::io::Cursor::new(portrait.file()))
            .read_info()
            .unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let frame = reader.next_frame(&mut pixels).unwrap();
        assert_eq!((frame.width, frame.height), (90, 120));
        assert!(pixels == portrait.pixels.rgb);
        assert!(Terminal::Colours.show(jp2, 16).unwrap().contains('▀'));
        assert!(Terminal::Pictures.show(jp2, 16).unwrap().contains(":iVBORw0KGgo"));
    }

    #[test]
    fn a_library_that_panics_makes_no_portrait() {
        assert_eq!(Portrait::made_by(|| panic!("at a picture")), None);
    }

    #[test]
    fn what_cannot_be_drawn_is_left_out() {
        assert_eq!(Terminal::Text.show(&picture(), 16), None);
        for broken in [
            &b""[..],
            b"\xff\xd8\xff",
            &[0, 0, 0, 0x0c, 0x6a, 0x50],
            &picture()[..80],
        ] {
            assert_eq!(Terminal::Colours.show(broken, 16), None);
        }
        // A header that speaks of more pixels than are decoded.
        let mut large = picture();
        let frame = large.windows(2).position(|two| two == [0xff, 0xc0]).unwrap();
        large[frame + 5..frame + 9].copy_from_slice(&[0xff, 0xff, 0xff, 0xff]);
        assert_eq!(Terminal::Colours.show(&large, 16), None);
    }
}
