//! Pictures in documents: which kind of file the bytes are, and whether they really decode.
//!
//! A portrait goes into a document as the bytes of the image file, not as base64 text and not as a data URI.
//!
//! Source: ISO/IEC 18013-5:2021, portrait and signature of the mDL data model: JPEG or JPEG 2000.

use core::fmt;
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::options::DecoderOptions;

/// Largest image file that is looked at.
pub const LARGEST_FILE: usize = 4 * 1024 * 1024;
/// Largest width or height that is decoded, in pixels.
pub const LARGEST_SIDE: u16 = 5000;
/// Most pixels that are decoded.
const MOST_PIXELS: u32 = 16_000_000;
/// Most scans of a progressive JPEG: each costs a pass over all pixels, and encoders write about ten.
const MOST_SCANS: usize = 100;

const JPEG_START: &[u8] = &[0xff, 0xd8, 0xff];
const JPEG_END: &[u8] = &[0xff, 0xd9];
const JP2_SIGNATURE: &[u8] = &[
    0x00, 0x00, 0x00, 0x0c, 0x6a, 0x50, 0x20, 0x20, 0x0d, 0x0a, 0x87, 0x0a,
];
const JPEG_2000_CODESTREAM: &[u8] = &[0xff, 0x4f, 0xff, 0x51];
const PNG_SIGNATURE: &[u8] = &[0x89, b'P', b'N', b'G'];

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
        f.write_str(match self {
            Self::Jpeg => "JPEG",
            Self::Jpeg2000 => "JPEG 2000",
        })
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
    /// A PNG file, which mobile documents do not allow.
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
        width: u16,
        /// Height in pixels.
        height: u16,
    },
    /// It begins and ends like a JPEG, but does not decode.
    Undecodable,
}

impl PhotoError {
    /// What to do about it, in one line.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Empty | Self::NotAnImage => "give a JPEG file",
            Self::DataUri | Self::Base64Text => "decode the base64 and give the bytes of the image file",
            Self::Png => "convert the picture to JPEG",
            Self::Truncated | Self::Undecodable => "save the picture again as a baseline JPEG",
            Self::FileTooLarge { .. } | Self::TooManyPixels { .. } => {
                "scale the picture down, a portrait needs about 480 by 600 pixels"
            }
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
            Self::NotAnImage => f.write_str("the bytes are neither JPEG nor JPEG 2000"),
            Self::Truncated => f.write_str("the JPEG does not end with its end marker FF D9"),
            Self::FileTooLarge { limit } => write!(f, "the image file is larger than {limit} bytes"),
            Self::TooManyPixels { width, height } => {
                write!(f, "the image of {width} by {height} pixels is too large")
            }
            Self::Undecodable => f.write_str("the JPEG cannot be decoded"),
        }
    }
}

impl core::error::Error for PhotoError {}

/// What was found out about an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Photo {
    /// The kind of file.
    pub kind: ImageKind,
    /// Width and height in pixels; `None` where the kind is recognised but not decoded (JPEG 2000).
    pub pixels: Option<(u16, u16)>,
}

/// The kind of file by its first bytes; for a JPEG the end marker is looked for, too. Nothing is decoded.
///
/// # Errors
/// [`PhotoError`], except [`PhotoError::TooManyPixels`] and [`PhotoError::Undecodable`].
pub fn kind(bytes: &[u8]) -> Result<ImageKind, PhotoError> {
    if bytes.is_empty() {
        return Err(PhotoError::Empty);
    }
    if bytes.len() > LARGEST_FILE {
        return Err(PhotoError::FileTooLarge { limit: LARGEST_FILE });
    }
    if bytes.starts_with(JP2_SIGNATURE) || bytes.starts_with(JPEG_2000_CODESTREAM) {
        return Ok(ImageKind::Jpeg2000);
    }
    if bytes.starts_with(JPEG_START) {
        return if bytes.ends_with(JPEG_END) {
            Ok(ImageKind::Jpeg)
        } else {
            Err(PhotoError::Truncated)
        };
    }
    Err(if bytes.starts_with(PNG_SIGNATURE) {
        PhotoError::Png
    } else if bytes
        .get(..5)
        .is_some_and(|start| start.eq_ignore_ascii_case(b"data:"))
    {
        PhotoError::DataUri
    } else if ["/9j/", "AAAADGpQ", "/0//", "_9j_"]
        .iter()
        .any(|start| bytes.starts_with(start.as_bytes()))
    {
        PhotoError::Base64Text // how FF D8 FF and the JPEG 2000 signatures look in base64
    } else {
        PhotoError::NotAnImage
    })
}

/// Looks at an image file and decodes it if it is a JPEG; the size in pixels is checked before.
///
/// A JPEG 2000 is recognised by its first bytes only.
///
/// # Errors
/// [`PhotoError`] with the first thing that is wrong. Never panics, whatever the bytes.
pub fn inspect(bytes: &[u8]) -> Result<Photo, PhotoError> {
    let kind = kind(bytes)?;
    if kind == ImageKind::Jpeg2000 {
        return Ok(Photo { kind, pixels: None });
    }
    let frame = Frame::find(bytes).ok_or(PhotoError::Undecodable)?;
    let (width, height) = (frame.width, frame.height);
    if width > LARGEST_SIDE || height > LARGEST_SIDE || u32::from(width) * u32::from(height) > MOST_PIXELS {
        return Err(PhotoError::TooManyPixels { width, height });
    }
    let scans = bytes.windows(2).filter(|pair| *pair == [0xff, 0xda]).count();
    if !matches!(frame.components, 1 | 3 | 4) || scans > MOST_SCANS || !decodes(bytes) {
        return Err(PhotoError::Undecodable);
    }
    Ok(Photo {
        kind,
        pixels: Some((width, height)),
    })
}

fn decodes(bytes: &[u8]) -> bool {
    // Strict: a file that ends early is damaged, not a picture with a grey half.
    let options = DecoderOptions::default().set_strict_mode(true);
    JpegDecoder::new_with_options(bytes, options).decode().is_ok()
}

/// What the frame header of a JPEG states, read before anything is allocated for it.
struct Frame {
    width: u16,
    height: u16,
    components: u8,
}

impl Frame {
    /// Walks the marker segments up to the first frame header (SOF0 to SOF15).
    fn find(bytes: &[u8]) -> Option<Self> {
        let mut rest = bytes.get(2..)?;
        loop {
            let (&[0xff, marker], after) = rest.split_first_chunk::<2>()? else {
                return None;
            };
            if marker == 0xff {
                rest = rest.get(1..)?; // a fill byte
                continue;
            }
            let length = usize::from(u16::from_be_bytes(*after.first_chunk::<2>()?));
            if matches!(marker, 0xc0..=0xcf) && !matches!(marker, 0xc4 | 0xc8 | 0xcc) {
                let &[_, _, _, h0, h1, w0, w1, components] = after.first_chunk::<8>()?;
                let (width, height) = (u16::from_be_bytes([w0, w1]), u16::from_be_bytes([h0, h1]));
                return Some(Self {
                    width,
                    height,
                    components,
                });
            }
            rest = after.get(length.max(2)..)?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PORTRAIT: &[u8] = include_bytes!("../../document-formats/samples/portrait.jpg");

    #[test]
    fn a_real_jpeg_has_its_size() {
        let photo = inspect(PORTRAIT).unwrap();
        assert_eq!(photo.kind, ImageKind::Jpeg);
        let (width, height) = photo.pixels.unwrap();
        assert!(width >= 100 && height > width, "{width} by {height}");
    }

    #[test]
    fn what_is_no_jpeg_is_told_apart() {
        let cases: [(&[u8], PhotoError); 7] = [
            (b"", PhotoError::Empty),
            (b"data:image/jpeg;base64,/9j/4AAQ", PhotoError::DataUri),
            (b"/9j/4AAQSkZJRg==", PhotoError::Base64Text),
            (b"\x89PNG\r\n\x1a\n", PhotoError::Png),
            (b"%PDF-1.7", PhotoError::NotAnImage),
            (b"\xff\xd8\xff\xe0", PhotoError::Truncated),
            (b"\xff\xd8\xff\xe0\xff\xd9", PhotoError::Undecodable),
        ];
        for (bytes, error) in cases {
            assert_eq!(inspect(bytes), Err(error));
        }
        assert_eq!(
            inspect(&PORTRAIT[..PORTRAIT.len() - 2]),
            Err(PhotoError::Truncated)
        );
    }

    #[test]
    fn a_jpeg_cut_in_the_middle_is_refused_even_with_an_end_marker() {
        let mut cut = PORTRAIT[..300].to_vec();
        cut.extend_from_slice(JPEG_END);
        assert_eq!(inspect(&cut), Err(PhotoError::Undecodable));
    }

    #[test]
    fn size_is_checked_before_decoding() {
        // The frame header (SOF0) of the sample, with the largest size it can state.
        let mut huge = PORTRAIT.to_vec();
        let frame = huge.windows(2).position(|pair| pair == [0xff, 0xc0]).unwrap();
        huge[frame + 5..frame + 9].copy_from_slice(&[0xff; 4]);
        assert_eq!(
            inspect(&huge),
            Err(PhotoError::TooManyPixels {
                width: 65_535,
                height: 65_535
            })
        );
    }

    #[test]
    fn a_frame_of_two_components_is_refused() {
        let mut odd = PORTRAIT.to_vec();
        let frame = odd.windows(2).position(|pair| pair == [0xff, 0xc0]).unwrap();
        odd[frame + 3] = 11 + 3;
        odd[frame + 9] = 2;
        assert_eq!(inspect(&odd), Err(PhotoError::Undecodable));
    }

    #[test]
    fn damage_anywhere_is_a_result_and_never_a_panic() {
        for at in (2..PORTRAIT.len().min(700)).step_by(3) {
            for value in [0x00, 0xff] {
                let mut damaged = PORTRAIT.to_vec();
                damaged[at] = value;
                let _ = inspect(&damaged);
            }
        }
    }

    #[test]
    fn jpeg_2000_is_recognised_and_not_decoded() {
        let file = [JP2_SIGNATURE, b"rest"].concat();
        assert_eq!(
            inspect(&file),
            Ok(Photo {
                kind: ImageKind::Jpeg2000,
                pixels: None
            })
        );
        assert_eq!(kind(JPEG_2000_CODESTREAM), Ok(ImageKind::Jpeg2000));
    }
}
