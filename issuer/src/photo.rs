//! Pictures in documents: which kind of file the bytes are, whether they really decode, and how a picture of another
//! kind becomes one that a document may carry.
//!
//! A portrait goes into a document as the bytes of the image file, not as base64 text and not as a data URI.
//! [`prepare()`] is the way in: JPEG, JPEG 2000 or PNG, of any size that is sane, comes out as the document allows.
//! [`inspect`] looks at what is in a document already.
//!
//! Source: ISO/IEC 18013-5:2021, portrait and signature of the mDL data model: JPEG or JPEG 2000.

mod decode;
mod encode;
mod jpeg;
mod jpeg2000;
mod pixels;
mod prepare;

use core::fmt;

use sha2::{Digest as _, Sha256};

pub use prepare::{Change, LARGEST_INPUT, Prepared, Wanted, prepare};

/// Largest image file that a document has.
pub const LARGEST_FILE: usize = 4 * 1024 * 1024;
/// Largest width or height of a picture in a document, in pixels.
pub const LARGEST_SIDE: u32 = 5000;
/// Most pixels of a picture in a document.
const MOST_PIXELS: u64 = 16_000_000;

const JPEG_START: &[u8] = &[0xff, 0xd8, 0xff];
const JPEG_END: &[u8] = &[0xff, 0xd9];
const JP2_SIGNATURE: &[u8] = &[
    0x00, 0x00, 0x00, 0x0c, 0x6a, 0x50, 0x20, 0x20, 0x0d, 0x0a, 0x87, 0x0a,
];
const JPEG_2000_CODESTREAM: &[u8] = &[0xff, 0x4f, 0xff, 0x51];
const PNG_SIGNATURE: &[u8] = &[0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n'];

/// The kinds of image file that documents may carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ImageKind {
    /// JPEG, ISO/IEC 10918-1.
    Jpeg,
    /// JPEG 2000, as a JP2 file or as a bare codestream.
    Jpeg2000,
}

impl ImageKind {
    /// The name that a document format uses: `jpeg` or `jpeg2000`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Jpeg => "jpeg",
            Self::Jpeg2000 => "jpeg2000",
        }
    }

    const fn words(self) -> &'static str {
        match self {
            Self::Jpeg => "JPEG",
            Self::Jpeg2000 => "JPEG 2000",
        }
    }

    /// The kind with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Jpeg, Self::Jpeg2000]
            .into_iter()
            .find(|kind| kind.name() == name)
    }
}

impl fmt::Display for ImageKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words())
    }
}

/// Why bytes are not an image for a document.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum PhotoError {
    /// There are no bytes.
    Empty,
    /// The bytes are the text of a data URI.
    DataUri,
    /// The bytes are base64 text of an image, not the image.
    Base64Text,
    /// A PNG file, which mobile documents do not allow; [`prepare()`] makes a JPEG of it.
    Png,
    /// Neither JPEG nor JPEG 2000.
    NotAnImage,
    /// A JPEG that does not end with its end marker `FF D9`.
    Truncated,
    /// More bytes than are looked at.
    FileTooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// More pixels than are decoded.
    TooManyPixels {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
    },
    /// It begins like an image, but does not decode or lacks what every image has.
    Undecodable,
    /// The picture would have to be made anew, and the only kind that is allowed cannot be made, only be kept.
    CannotMake {
        /// The kind that is allowed.
        kind: ImageKind,
    },
    /// However small the picture is made, the file has too many bytes.
    DoesNotFit {
        /// The limit in bytes.
        max_bytes: usize,
    },
}

impl PhotoError {
    /// What to do about it, in one line.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Empty | Self::NotAnImage => "give a JPEG, JPEG 2000 or PNG file",
            Self::DataUri | Self::Base64Text => "decode the base64 and give the bytes of the image file",
            Self::Png => "convert the picture to JPEG",
            Self::Truncated | Self::Undecodable => "save the picture again as a baseline JPEG",
            Self::FileTooLarge { .. } | Self::TooManyPixels { .. } => {
                "scale the picture down, a portrait needs about 480 by 600 pixels"
            }
            Self::CannotMake { .. } => "give a picture of that kind that is upright and keeps the limits",
            Self::DoesNotFit { .. } => "allow more bytes; a portrait of 10,000 is still of use",
        }
    }
}

impl fmt::Display for PhotoError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the image is empty"),
            Self::DataUri => f.write_str("a data URI stands where the bytes of the image must be"),
            Self::Base64Text => f.write_str("base64 text stands where the bytes of the image must be"),
            Self::Png => f.write_str("a PNG file is not allowed, only JPEG or JPEG 2000"),
            Self::NotAnImage => f.write_str("the bytes are neither JPEG nor JPEG 2000 nor PNG"),
            Self::Truncated => f.write_str("the JPEG does not end with its end marker FF D9"),
            Self::FileTooLarge { limit } => write!(f, "the image file is larger than {limit} bytes"),
            Self::TooManyPixels { width, height } => {
                write!(f, "the image of {width} by {height} pixels is too large")
            }
            Self::Undecodable => f.write_str("the image cannot be decoded"),
            Self::CannotMake { kind } => {
                write!(f, "the picture has to be changed, and {kind} cannot be written")
            }
            Self::DoesNotFit { max_bytes } => {
                write!(f, "the picture cannot be made to fit into {max_bytes} bytes")
            }
        }
    }
}

impl core::error::Error for PhotoError {}

/// What was found out about an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Photo {
    /// The kind of file.
    pub kind: ImageKind,
    /// Width and height in pixels.
    pub pixels: Option<(u32, u32)>,
}

/// The kind of file by its first bytes; for a JPEG the end marker is looked for, too. Nothing is decoded.
///
/// # Errors
/// [`PhotoError`], except [`PhotoError::TooManyPixels`] and [`PhotoError::Undecodable`].
pub fn kind(bytes: &[u8]) -> Result<ImageKind, PhotoError> {
    if bytes.len() > LARGEST_FILE {
        return Err(PhotoError::FileTooLarge { limit: LARGEST_FILE });
    }
    let kind = kind_of_start(bytes)?;
    if kind == ImageKind::Jpeg && !bytes.ends_with(JPEG_END) {
        return Err(PhotoError::Truncated);
    }
    Ok(kind)
}

fn kind_of_start(bytes: &[u8]) -> Result<ImageKind, PhotoError> {
    if bytes.is_empty() {
        return Err(PhotoError::Empty);
    }
    if bytes.starts_with(JP2_SIGNATURE) || bytes.starts_with(JPEG_2000_CODESTREAM) {
        return Ok(ImageKind::Jpeg2000);
    }
    if bytes.starts_with(JPEG_START) {
        return Ok(ImageKind::Jpeg);
    }
    Err(if bytes.starts_with(PNG_SIGNATURE) {
        PhotoError::Png
    } else if bytes
        .get(..5)
        .is_some_and(|start| start.eq_ignore_ascii_case(b"data:"))
    {
        PhotoError::DataUri
    } else if ["/9j/", "AAAADGpQ", "/0//", "_9j_", "iVBORw0K"]
        .iter()
        .any(|start| bytes.starts_with(start.as_bytes()))
    {
        PhotoError::Base64Text // how FF D8 FF and the signatures of JPEG 2000 and PNG look in base64
    } else {
        PhotoError::NotAnImage
    })
}

/// Looks at an image file of a document and decodes it; the size in pixels is checked before.
///
/// # Errors
/// [`PhotoError`] with the first thing that is wrong. Never panics, whatever the bytes.
pub fn inspect(bytes: &[u8]) -> Result<Photo, PhotoError> {
    let photo = look(bytes)?;
    let decodes = match photo.kind {
        ImageKind::Jpeg => decode::jpeg_decodes(bytes),
        ImageKind::Jpeg2000 => decode::jpeg_2000(bytes).is_ok(),
    };
    if decodes {
        Ok(photo)
    } else {
        Err(PhotoError::Undecodable)
    }
}

/// Like [`inspect`], but a picture of more pixels for each of its bytes is not decoded; also tells whether it was.
pub(crate) fn inspect_within(bytes: &[u8], pixels_a_byte: u64) -> Result<(Photo, bool), PhotoError> {
    let photo = look(bytes)?;
    let pixels = photo
        .pixels
        .map_or(0, |(width, height)| u64::from(width) * u64::from(height));
    let most = u64::try_from(bytes.len())
        .unwrap_or(u64::MAX)
        .saturating_mul(pixels_a_byte);
    if pixels > most {
        return Ok((photo, false));
    }
    inspect(bytes).map(|photo| (photo, true))
}

/// All that [`inspect`] looks at before it decodes.
fn look(bytes: &[u8]) -> Result<Photo, PhotoError> {
    let kind = kind(bytes)?;
    let (width, height) = match kind {
        ImageKind::Jpeg2000 => jpeg2000::size(bytes).ok_or(PhotoError::Undecodable)?,
        ImageKind::Jpeg => {
            let frame = jpeg::Frame::find(bytes).ok_or(PhotoError::Undecodable)?;
            (frame.width, frame.height)
        }
    };
    check_size(width, height, LARGEST_SIDE, MOST_PIXELS)?;
    Ok(Photo {
        kind,
        pixels: Some((width, height)),
    })
}

/// Pictures that are known to decode, by their SHA-256: [`prepare()`] has just decoded or written them. To decode a
/// portrait costs more than to sign the document that it is in.
#[derive(Debug, Default)]
pub(crate) struct Decoded(Vec<[u8; 32]>);

impl Decoded {
    /// Notes a picture. One in JPEG 2000 is not noted: it was decoded before its metadata were removed.
    pub(crate) fn note(&mut self, prepared: &Prepared) {
        if prepared.kind == ImageKind::Jpeg {
            self.0.push(Sha256::digest(&prepared.bytes).into());
        }
    }

    /// Like [`inspect`], but what was noted is not decoded again.
    pub(crate) fn inspect(&self, bytes: &[u8]) -> Result<Photo, PhotoError> {
        let known = !self.0.is_empty() && self.0.contains(&Sha256::digest(bytes).into());
        if known { look(bytes) } else { inspect(bytes) }
    }
}

/// Width and height in the header of a PNG; `None` if it is none.
#[cfg(feature = "badge")]
pub(crate) fn png_size(bytes: &[u8]) -> Option<(u32, u32)> {
    decode::png_size(bytes)
}

/// Reads what stands before the pixels of a PNG, the size of which was looked at.
#[cfg(feature = "badge")]
pub(crate) use decode::png_reader;

/// Width, height and RGB of a JPEG that [`prepare()`] made or let pass.
#[cfg(feature = "badge")]
pub(crate) fn jpeg_pixels(bytes: &[u8]) -> Option<(u32, u32, Vec<u8>)> {
    decode::jpeg(bytes, true)
        .ok()
        .and_then(|decoded| decoded.pixels.into_parts())
}

/// Before anything is allocated for a picture, the size that its header states is looked at.
fn check_size(width: u32, height: u32, largest_side: u32, most_pixels: u64) -> Result<(), PhotoError> {
    if width > largest_side || height > largest_side || u64::from(width) * u64::from(height) > most_pixels {
        return Err(PhotoError::TooManyPixels { width, height });
    }
    Ok(())
}

#[cfg(test)]
pub(crate) mod samples;
#[cfg(test)]
mod tests;
