//! QR codes, of engagements and of offers: for a terminal, as SVG and as PNG.
//!
//! All of them have the quiet zone of four modules that readers need. Dark modules are dark and light ones are light,
//! whatever the colours of the terminal or of the page are, except where a form says that it relies on them.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use mdoc_cli::qr::{QrCode, Screen};
//!
//! let code = QrCode::of_engagement(b"an encoded DeviceEngagement")?;
//! println!("{}", code.to_text(Screen::Colours));
//! # let folder = std::env::temp_dir();
//! std::fs::write(folder.join("engagement.svg"), code.to_svg())?;
//! std::fs::write(folder.join("engagement.png"), code.to_png(8)?)?;
//! # std::fs::remove_file(folder.join("engagement.svg"))?;
//! # std::fs::remove_file(folder.join("engagement.png"))?;
//! # Ok(())
//! # }
//! ```
//!
//! Source: ISO/IEC 18004:2024 (QR code); ISO/IEC 18013-5:2021, 8.2.2.3 (what is in it).

use core::fmt::{self, Write as _};
use core::ops::RangeInclusive;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

use mdoc_core::engagement;
use qrcode::{Color, EcLevel};

/// Modules that stay light on every side (ISO/IEC 18004:2024, 6.3.8).
const QUIET: usize = 4;

/// A QR code, as light and dark modules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QrCode {
    width: usize,
    /// Row by row; whether it is dark.
    modules: Vec<bool>,
}

enum Kind {
    Svg,
    Png,
}

impl Kind {
    fn of(name: &Path) -> Result<Self, QrError> {
        let is = |ending: &str| {
            name.extension()
                .is_some_and(|found| found.eq_ignore_ascii_case(ending))
        };
        match (is("svg"), is("png")) {
            (true, _) => Ok(Self::Svg),
            (_, true) => Ok(Self::Png),
            _ => Err(QrError::Name),
        }
    }
}

/// The name of a file for a code, from the command line.
///
/// # Errors
/// Words that say which names there are.
pub fn file_name(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    Kind::of(&path).map(|_| path).map_err(|why| why.to_string())
}

/// What a terminal can show, and how its colours are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Screen {
    /// Colours and Unicode: half blocks, two rows of modules a line, with black and white told by escape sequences
    /// (of the 256 colours, since a theme may change the first 16). Right on dark and on light ground.
    Colours,
    /// Colours, but ASCII alone: two spaces a module. As right, and twice as large.
    Spaces,
    /// Unicode without colours: half blocks in whatever colours the terminal has.
    Blocks(Ground),
    /// ASCII without colours: two characters a module. The last resort, which not every camera reads.
    Ascii(Ground),
}

/// The ground of a terminal, on which a code without colours relies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ground {
    /// Light letters on dark ground: what is printed are the light modules.
    Dark,
    /// Dark letters on light ground: what is printed are the dark modules.
    Light,
}

impl Screen {
    /// That of standard output: colours if it is a terminal that has them (`NO_COLOR`), otherwise blocks on dark ground.
    #[must_use]
    pub fn of_output() -> Self {
        if !std::io::stdout().is_terminal() || std::env::var_os("NO_COLOR").is_some() {
            Self::Blocks(Ground::Dark)
        } else {
            Self::Colours
        }
    }
}

/// Why there is no QR code or no picture of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum QrError {
    /// It is more than a QR code holds.
    TooLong {
        /// The length of the text, in bytes.
        bytes: usize,
    },
    /// A module of so many pixels is not possible.
    Pixels(u32),
    /// A file of another kind than SVG and PNG.
    Name,
}

impl fmt::Display for QrError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong { bytes } => write!(
                f,
                "a text of {bytes} bytes is more than a QR code holds, at most {}",
                QrCode::LONGEST
            ),
            Self::Name => f.write_str("the name has to end in .png or .svg"),
            Self::Pixels(pixels) => write!(
                f,
                "a module of {pixels} pixels is not possible, {} to {} are",
                QrCode::PIXELS.start(),
                QrCode::PIXELS.end()
            ),
        }
    }
}

impl core::error::Error for QrError {}

impl QrCode {
    /// Most bytes of a text, at the least correction that is used.
    pub const LONGEST: usize = 2331;
    /// How many pixels a module of a picture is wide if nobody says.
    const PIXELS_OF_FILES: u32 = 8;
    /// How many pixels a module of a picture may be wide.
    pub const PIXELS: RangeInclusive<u32> = 1..=40;

    /// The QR code with the `mdoc:` URI of an encoded engagement.
    ///
    /// # Errors
    /// [`QrError::TooLong`].
    pub fn of_engagement(engagement: &[u8]) -> Result<Self, QrError> {
        Self::new(&engagement::to_uri(engagement))
    }

    /// The QR code with a text.
    ///
    /// Of the four levels of correction it is M, the second, which mends 15 % of what is read wrong: L leaves little for
    /// glare on a screen and for dirt on a lens, and with Q an engagement would no longer fit a terminal of 80 columns
    /// and 40 lines. Where the size allows more at no cost, it is more.
    ///
    /// # Errors
    /// [`QrError::TooLong`].
    pub fn new(text: &str) -> Result<Self, QrError> {
        let too_long = QrError::TooLong { bytes: text.len() };
        if text.len() > Self::LONGEST {
            return Err(too_long);
        }
        let code = qrcode::QrCode::with_error_correction_level(text, EcLevel::M).map_err(|_| too_long)?;
        let version = code.version();
        let better = [EcLevel::H, EcLevel::Q]
            .into_iter()
            .find_map(|level| qrcode::QrCode::with_version(text, version, level).ok());
        let code = better.unwrap_or(code);
        Ok(Self {
            width: code.width(),
            modules: code.into_colors().into_iter().map(|c| c == Color::Dark).collect(),
        })
    }

    /// The code as a file of that name: SVG or PNG.
    ///
    /// # Errors
    /// [`QrError::Name`] for any other ending.
    pub fn to_file(&self, name: &Path) -> Result<Vec<u8>, QrError> {
        match Kind::of(name)? {
            Kind::Svg => Ok(self.to_svg().into_bytes()),
            Kind::Png => self.to_png(Self::PIXELS_OF_FILES),
        }
    }

    /// Modules on a side, the quiet zone included.
    #[must_use]
    pub const fn side(&self) -> usize {
        self.width + 2 * QUIET
    }

    /// Whether the module is dark; row and column count from the corner of the quiet zone.
    #[must_use]
    pub fn is_dark(&self, row: usize, column: usize) -> bool {
        let inside = |at: usize| at.checked_sub(QUIET).filter(|at| *at < self.width);
        let (Some(row), Some(column)) = (inside(row), inside(column)) else {
            return false;
        };
        self.modules.get(row * self.width + column) == Some(&true)
    }

    /// The code as lines of text, each with its end.
    #[must_use]
    pub fn to_text(&self, screen: Screen) -> String {
        match screen {
            Screen::Colours => self.half_blocks(Ground::Light, "\x1b[38;5;16;48;5;231m", "\x1b[0m"),
            Screen::Blocks(ground) => self.half_blocks(ground, "", ""),
            Screen::Spaces => self.cells("\x1b[48;5;16m  ", "\x1b[48;5;231m  ", "\x1b[0m"),
            Screen::Ascii(Ground::Light) => self.cells("##", "  ", ""),
            Screen::Ascii(Ground::Dark) => self.cells("  ", "##", ""),
        }
    }

    /// Two rows a line. The number of rows is odd: what is under the last one counts as light.
    fn half_blocks(&self, ground: Ground, before: &str, after: &str) -> String {
        let mut out = String::new();
        let printed = |row, column| self.is_dark(row, column) == (ground == Ground::Light);
        for row in (0..self.side()).step_by(2) {
            out.push_str(before);
            out.extend((0..self.side()).map(|column| {
                match (printed(row, column), printed(row + 1, column)) {
                    (true, true) => '█',
                    (true, false) => '▀',
                    (false, true) => '▄',
                    (false, false) => ' ',
                }
            }));
            out.push_str(after);
            out.push('\n');
        }
        out
    }

    fn cells(&self, dark: &str, light: &str, after: &str) -> String {
        let mut out = String::new();
        for row in 0..self.side() {
            for column in 0..self.side() {
                out.push_str(if self.is_dark(row, column) { dark } else { light });
            }
            out.push_str(after);
            out.push('\n');
        }
        out
    }

    /// The code as an SVG document, a module a unit: black on a white ground, to be shown in any size.
    #[must_use]
    pub fn to_svg(&self) -> String {
        let side = self.side();
        let mut path = String::new();
        for row in 0..side {
            let mut column = 0;
            while column < side {
                let wide = (column..side).take_while(|at| self.is_dark(row, *at)).count();
                if wide > 0 {
                    // A text takes everything.
                    let _ = write!(path, "M{column} {row}h{wide}v1h-{wide}z");
                }
                column += wide.max(1);
            }
        }
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {side} {side}\" shape-rendering=\"crispEdges\">\n\
             <title>QR code</title>\n<path fill=\"#fff\" d=\"M0 0h{side}v{side}h-{side}z\"/>\n\
             <path fill=\"#000\" d=\"{path}\"/>\n</svg>\n"
        )
    }

    /// The code as a PNG of one bit a pixel, with so many pixels a module in both directions.
    ///
    /// # Errors
    /// [`QrError::Pixels`] if the number is not in [`QrCode::PIXELS`].
    pub fn to_png(&self, pixels: u32) -> Result<Vec<u8>, QrError> {
        let refused = QrError::Pixels(pixels);
        if !Self::PIXELS.contains(&pixels) {
            return Err(refused);
        }
        let times = usize::try_from(pixels).map_err(|_| refused)?;
        let side = self.side() * times;
        let mut rows = Vec::with_capacity(side * side.div_ceil(8));
        for row in 0..self.side() {
            let mut bits = (0..side).map(|x| !self.is_dark(row, x / times));
            let line: Vec<u8> = (0..side.div_ceil(8))
                .map(|_| (0..8).fold(0, |byte, _| byte << 1 | u8::from(bits.next().unwrap_or(false))))
                .collect();
            (0..times).for_each(|_| rows.extend_from_slice(&line));
        }
        // At most 185 modules of 40 pixels: nothing of this can fail when writing to memory.
        let wide = u32::try_from(side).map_err(|_| refused)?;
        write_png(wide, &rows).map_err(|_| refused)
    }
}

fn write_png(wide: u32, rows: &[u8]) -> Result<Vec<u8>, png::EncodingError> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, wide, wide);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::One);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(rows)?;
    writer.finish()?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As long as an engagement with both modes and an address.
    const ENGAGEMENT: [u8; 160] = [0x5a; 160];

    /// A finder pattern and the quiet zone above and left of it.
    #[rustfmt::skip]
    const CORNER: [&str; 11] = [
        "           ", "           ", "           ", "           ",
        "    #######", "    #     #", "    # ### #", "    # ### #", "    # ### #", "    #     #", "    #######",
    ];

    fn ascii(code: &QrCode) -> Vec<Vec<char>> {
        let text = code.to_text(Screen::Ascii(Ground::Light));
        let lines = text.lines().map(|line| line.chars().step_by(2).collect());
        lines.collect()
    }

    #[test]
    fn a_code_has_its_finder_patterns_and_its_quiet_zone() {
        let code = QrCode::of_engagement(&ENGAGEMENT).unwrap();
        let rows = ascii(&code);
        assert_eq!((rows.len(), rows[0].len()), (code.side(), code.side()));
        for (row, expected) in rows.iter().zip(CORNER) {
            assert_eq!(row[..11].iter().collect::<String>(), expected);
            let mirrored: String = row.iter().rev().take(11).collect();
            assert_eq!(mirrored, expected);
        }
        for (row, expected) in rows.iter().rev().zip(CORNER) {
            assert_eq!(row[..11].iter().collect::<String>(), expected);
        }
    }

    #[test]
    fn an_engagement_fits_a_terminal_of_80_columns_and_40_lines() {
        let code = QrCode::of_engagement(&ENGAGEMENT).unwrap();
        let text = code.to_text(Screen::Blocks(Ground::Light));
        assert!(text.lines().count() <= 36, "{}", text.lines().count());
        assert!(text.lines().all(|line| line.chars().count() == code.side()));
        assert!(code.side() <= 80);
    }

    #[test]
    fn every_text_form_says_the_same_modules() {
        let code = QrCode::new("mdoc:AAAA").unwrap();
        let modules = ascii(&code);
        let dark = |row: usize, column: usize| {
            modules
                .get(row)
                .is_some_and(|modules: &Vec<char>| modules[column] == '#')
        };
        for (screen, of_dark) in [
            (Screen::Colours, true),
            (Screen::Blocks(Ground::Light), true),
            (Screen::Blocks(Ground::Dark), false),
        ] {
            let text = code.to_text(screen);
            let text = text.replace("\x1b[38;5;16;48;5;231m", "").replace("\x1b[0m", "");
            for (line, shown) in text.lines().enumerate() {
                for (column, block) in shown.chars().enumerate() {
                    let halves = (matches!(block, '█' | '▀'), matches!(block, '█' | '▄'));
                    let expected = (dark(2 * line, column), dark(2 * line + 1, column));
                    let expected = (expected.0 == of_dark, expected.1 == of_dark);
                    assert_eq!(halves, expected, "{screen:?} line {line} column {column}");
                }
            }
        }
        let inverted = code.to_text(Screen::Ascii(Ground::Dark));
        let swapped = |c| match c {
            '#' => ' ',
            ' ' => '#',
            c => c,
        };
        let inverted: String = inverted.chars().map(swapped).collect();
        assert_eq!(inverted, code.to_text(Screen::Ascii(Ground::Light)));
        let spaces = code.to_text(Screen::Spaces);
        let plain = spaces
            .replace("\x1b[48;5;16m  ", "##")
            .replace("\x1b[48;5;231m", "")
            .replace("\x1b[0m", "");
        assert_eq!(plain, code.to_text(Screen::Ascii(Ground::Light)));
    }

    #[test]
    fn a_png_has_whole_pixels_a_module_and_one_bit_a_pixel() {
        let code = QrCode::of_engagement(&ENGAGEMENT).unwrap();
        for pixels in [1, 3, 8] {
            let file = code.to_png(pixels).unwrap();
            let mut reader = png::Decoder::new(std::io::Cursor::new(&file))
                .read_info()
                .unwrap();
            assert_eq!(reader.info().bit_depth, png::BitDepth::One);
            let side = code.side() * usize::try_from(pixels).unwrap();
            assert_eq!(usize::try_from(reader.info().width).unwrap(), side);
            assert_eq!(reader.info().width, reader.info().height);
            let mut rows = vec![0; reader.output_buffer_size().unwrap()];
            reader.next_frame(&mut rows).unwrap();
            let times = usize::try_from(pixels).unwrap();
            for y in 0..side {
                for x in 0..side {
                    let light = rows[y * side.div_ceil(8) + x / 8] >> (7 - x % 8) & 1 == 1;
                    assert_eq!(light, !code.is_dark(y / times, x / times), "{x}, {y}");
                }
            }
        }
    }

    #[test]
    fn an_svg_draws_every_dark_module_once() {
        let code = QrCode::of_engagement(&ENGAGEMENT).unwrap();
        let svg = code.to_svg();
        let path = svg
            .split("fill=\"#000\" d=\"")
            .nth(1)
            .unwrap()
            .split('"')
            .next()
            .unwrap();
        let mut drawn = vec![0_u32; code.side() * code.side()];
        for run in path.split_terminator('z') {
            let (at, size) = run.strip_prefix('M').unwrap().split_once('h').unwrap();
            let (column, row) = at.split_once(' ').unwrap();
            let (column, row): (usize, usize) = (column.parse().unwrap(), row.parse().unwrap());
            let wide: usize = size.split('v').next().unwrap().parse().unwrap();
            (column..column + wide).for_each(|column| drawn[row * code.side() + column] += 1);
        }
        for (at, times) in drawn.iter().enumerate() {
            let dark = code.is_dark(at / code.side(), at % code.side());
            assert_eq!(*times, u32::from(dark), "{at}");
        }
    }

    #[test]
    fn correction_is_raised_while_the_code_does_not_grow() {
        let small = QrCode::new("mdoc:AAAA").unwrap();
        let plain = qrcode::QrCode::with_error_correction_level("mdoc:AAAA", EcLevel::M).unwrap();
        assert_eq!(small.width, plain.width());
        let modules: Vec<bool> = plain.to_colors().iter().map(|c| *c == Color::Dark).collect();
        assert_ne!(small.modules, modules, "level M alone would leave room unused");
    }

    #[test]
    fn a_file_is_of_the_kind_that_its_name_says() {
        let code = QrCode::new("mdoc:AAAA").unwrap();
        assert!(code.to_file(Path::new("a/b.SVG")).unwrap().starts_with(b"<svg"));
        assert!(code.to_file(Path::new("b.png")).unwrap().starts_with(b"\x89PNG"));
        for name in ["b", "b.jpg", "png", ""] {
            assert_eq!(code.to_file(Path::new(name)), Err(QrError::Name), "{name}");
        }
    }

    #[test]
    fn what_does_not_fit_is_refused_with_its_size() {
        assert!(QrCode::new(&"a".repeat(QrCode::LONGEST)).is_ok());
        let bytes = QrCode::LONGEST + 1;
        assert_eq!(
            QrCode::new(&"a".repeat(bytes)).unwrap_err(),
            QrError::TooLong { bytes }
        );
        let code = QrCode::new(&"a".repeat(QrCode::LONGEST)).unwrap();
        for pixels in [0, 41, u32::MAX] {
            assert_eq!(code.to_png(pixels).unwrap_err(), QrError::Pixels(pixels));
        }
        assert!(code.to_png(40).is_ok());
    }
}
