//! Engagements out of pictures and texts: a photograph of a QR code, a line that was pasted, the keystrokes of a
//! barcode scanner.
//!
//! What comes in is not trusted: files and pictures are bounded before anything is made of them, and errors name what
//! kind of code was found, never its content, which may be somebody else's secret.
//!
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use mdoc_core::limits::Limits;
//! use mdoc_verifier::scan;
//!
//! let scanned = scan::engagement_in_picture(&std::fs::read("photo.jpg")?)?;
//! let engagement = scanned.engagement(&Limits::DEFAULT)?;
//! # let _ = engagement;
//! # Ok(())
//! # }
//! ```

mod find;
mod frame;
mod grey;
mod kind;
mod picture;
#[cfg(test)]
mod tests;
mod watch;

use core::fmt;

use mdoc_core::engagement::{BadUri, DeviceEngagement, EngagementUri};
use mdoc_core::error::DecodeError;
use mdoc_core::limits::Limits;

pub use self::frame::{Frame, PixelFormat};
pub use self::kind::Kind;
pub use self::watch::Watch;

/// Largest file of a picture that is read, in bytes.
pub const LARGEST_FILE: usize = 64 << 20;
/// Most pixels of a picture: those of the largest sensors of telephones.
pub const MOST_PIXELS: usize = 110_000_000;
/// Most pixels of an interlaced PNG or a progressive JPEG: all of them are kept between the passes.
pub const MOST_PIXELS_IN_PASSES: usize = 32_000_000;

/// An engagement that decodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scanned {
    bytes: Vec<u8>,
    with_slashes: bool,
}

/// Why there is no engagement.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ScanError {
    /// The file is larger than [`LARGEST_FILE`], or the picture has more than [`MOST_PIXELS`], or [`MOST_PIXELS_IN_PASSES`].
    TooLarge,
    /// The file is neither PNG nor JPEG.
    NoPicture,
    /// The file is damaged, or of a kind of PNG or JPEG that is not read.
    Undecodable,
    /// No QR code was found in the picture.
    NoCode,
    /// The QR codes are all something else, of these kinds.
    SomethingElse(Vec<Kind>),
    /// So many different engagements are in the picture.
    Several(usize),
    /// The text is empty.
    NoText,
    /// The text is something else.
    Text(Kind),
    /// The text begins with `mdoc` and goes on with another character than a colon: the scanner types for a keyboard of
    /// another country.
    KeyboardLayout,
    /// It begins with `mdoc:` and is no such URI.
    Uri(BadUri),
    /// What is in the URI is no engagement.
    Engagement(DecodeError),
}

impl fmt::Display for ScanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge => write!(
                f,
                "the picture is larger than {} MiB or has more than {} million pixels, {} million if it is \
                 interlaced or progressive",
                LARGEST_FILE >> 20,
                MOST_PIXELS / 1_000_000,
                MOST_PIXELS_IN_PASSES / 1_000_000
            ),
            Self::NoPicture => f.write_str("the file is neither a PNG nor a JPEG"),
            Self::Undecodable => f.write_str("the picture is damaged or of a kind that is not read"),
            Self::NoCode => f.write_str("there is no QR code in the picture that can be read"),
            Self::SomethingElse(kinds) => {
                f.write_str(match kinds.len() {
                    1 => "the QR code in the picture is ",
                    _ => "the QR codes in the picture are ",
                })?;
                for (at, kind) in kinds.iter().enumerate() {
                    let between = match at {
                        0 => "",
                        _ if at + 1 == kinds.len() => " and ",
                        _ => ", ",
                    };
                    write!(f, "{between}{kind}")?;
                }
                f.write_str(", not the code of a mobile document")
            }
            Self::Several(count) => {
                write!(f, "there are the codes of {count} different wallets in the picture")
            }
            Self::NoText => f.write_str("the text is empty"),
            Self::Text(kind) => write!(f, "the text is {kind}, not the code of a mobile document (`mdoc:…`)"),
            Self::KeyboardLayout => f.write_str(
                "the text begins with `mdoc`, but no colon follows: the scanner types for a keyboard of another country",
            ),
            Self::Uri(bad) => bad.fmt(f),
            Self::Engagement(error) => write!(f, "what `mdoc:` carries is no device engagement: {error}"),
        }
    }
}

impl core::error::Error for ScanError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Uri(cause) => Some(cause),
            Self::Engagement(cause) => Some(cause),
            _ => None,
        }
    }
}

impl Scanned {
    /// The encoded engagement.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether it came as `mdoc://…`, which is not the form of the standard (trap 63). Worth a warning.
    #[must_use]
    pub const fn with_slashes(&self) -> bool {
        self.with_slashes
    }

    /// The engagement.
    ///
    /// # Errors
    /// None with the limits that are the default, or wider ones: it has been decoded before.
    pub fn engagement(&self, limits: &Limits) -> Result<DeviceEngagement<'_>, DecodeError> {
        DeviceEngagement::decode(&self.bytes, limits)
    }
}

/// The texts of the QR codes in a picture, PNG or JPEG: each once, none if there is no code.
///
/// Codes are found turned, tilted, blurred, noisy, in bad light, and light on dark. That takes some tenths of a second
/// for a photograph, some seconds if nothing is found in a large one.
///
/// # Errors
/// [`ScanError`] if it is no picture that can be read.
pub fn texts(picture: &[u8]) -> Result<Vec<String>, ScanError> {
    Ok(find::texts(&picture::decode(picture)?, |_| false))
}

/// The engagement in a picture, PNG or JPEG. Other codes beside it, of a poster on the wall, are passed over.
///
/// # Errors
/// [`ScanError`] if it is no picture, or there is not exactly one engagement in it.
pub fn engagement_in_picture(picture: &[u8]) -> Result<Scanned, ScanError> {
    settled(&find::texts(&picture::decode(picture)?, kind::is_mdoc))
}

/// The one engagement among the texts of the codes of a picture.
fn settled(texts: &[String]) -> Result<Scanned, ScanError> {
    let (ours, others): (Vec<_>, Vec<_>) = texts.iter().partition(|text| kind::is_mdoc(text));
    match ours.as_slice() {
        [text] => engagement_from_text(text),
        [] if others.is_empty() => Err(ScanError::NoCode),
        [] => {
            let mut kinds: Vec<Kind> = others.iter().map(|text| Kind::of(text)).collect();
            kinds.sort_unstable();
            Err(ScanError::SomethingElse(kinds))
        }
        several => Err(ScanError::Several(several.len())),
    }
}

/// The engagement in a text: the line that a barcode scanner typed, or that somebody pasted.
///
/// Passed over: white space and line ends anywhere, a byte order mark, control characters and the identifier of the
/// symbology (`]Q1`) that scanners put around it, quotation marks and angle brackets, the case of `mdoc:`, `=` at the
/// end. `mdoc://` is taken and told.
///
/// # Errors
/// [`ScanError`] if it is something else.
pub fn engagement_from_text(text: &str) -> Result<Scanned, ScanError> {
    if text.len() > EngagementUri::LONGEST {
        return Err(ScanError::Uri(BadUri::TooLong));
    }
    let text = bare(text);
    if text.is_empty() {
        return Err(ScanError::NoText);
    }
    let uri = EngagementUri::parse(text).map_err(|bad| match bad {
        BadUri::Scheme if kind::begins_with(text, "mdoc") => ScanError::KeyboardLayout,
        BadUri::Scheme => ScanError::Text(Kind::of(text)),
        bad => ScanError::Uri(bad),
    })?;
    DeviceEngagement::decode(&uri.bytes, &Limits::DEFAULT).map_err(ScanError::Engagement)?;
    Ok(Scanned {
        bytes: uri.bytes,
        with_slashes: uri.with_slashes,
    })
}

/// The text without what scanners and people put around it.
fn bare(text: &str) -> &str {
    let around = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '\u{feff}' | '\u{200b}');
    let text = text.trim_matches(around);
    // ISO/IEC 15424: `]`, the letter of the symbology, a modifier.
    let text = match text.strip_prefix("]Q") {
        Some(rest) => rest.get(1..).unwrap_or_default(),
        None => text,
    };
    let quote = |c| matches!(c, '"' | '\'' | '`' | '<' | '>' | '“' | '”' | '„' | '«' | '»');
    text.trim_matches(|c| around(c) || quote(c))
}
