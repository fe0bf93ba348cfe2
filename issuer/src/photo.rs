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
    /// It begins like an image, but does not decode or lacks what every image has.
    Undecodable,
    /// The metadata say that the picture is to be shown turned; a document has no such metadata.
    Turned,
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
            Self::Turned => "turn the picture upright in an image program and save it",
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
            Self::Undecodable => f.write_str("the image cannot be decoded"),
            Self::Turned => f.write_str("the picture is stored turned, with an EXIF orientation"),
        }
    }
}

impl core::error::Error for PhotoError {}

/// What was found out about an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Photo {
    /// The kind of file.
    pub kind: ImageKind,
    /// Width and height in pixels; of a JPEG 2000 what its header states.
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
/// Of a JPEG 2000, which is not decoded, the codestream must have its size and its end marker.
///
/// # Errors
/// [`PhotoError`] with the first thing that is wrong. Never panics, whatever the bytes.
pub fn inspect(bytes: &[u8]) -> Result<Photo, PhotoError> {
    let kind = kind(bytes)?;
    if kind == ImageKind::Jpeg2000 {
        let (width, height) = codestream(bytes)
            .and_then(size_of)
            .ok_or(PhotoError::Undecodable)?;
        check_size(width, height)?;
        return Ok(Photo {
            kind,
            pixels: Some((width, height)),
        });
    }
    let frame = Frame::find(bytes).ok_or(PhotoError::Undecodable)?;
    let (width, height) = (frame.width, frame.height);
    check_size(width, height)?;
    let scans = bytes.windows(2).filter(|pair| *pair == [0xff, 0xda]).count();
    if !matches!(frame.components, 1 | 3 | 4) || scans > MOST_SCANS || !decodes(bytes) {
        return Err(PhotoError::Undecodable);
    }
    Ok(Photo {
        kind,
        pixels: Some((width, height)),
    })
}

fn check_size(width: u16, height: u16) -> Result<(), PhotoError> {
    if width > LARGEST_SIDE || height > LARGEST_SIDE || u32::from(width) * u32::from(height) > MOST_PIXELS {
        return Err(PhotoError::TooManyPixels { width, height });
    }
    Ok(())
}

/// The codestream of a JPEG 2000: the file itself, or the content of the box `jp2c` of a JP2 file.
fn codestream(bytes: &[u8]) -> Option<&[u8]> {
    if bytes.starts_with(JPEG_2000_CODESTREAM) {
        return Some(bytes);
    }
    let mut rest = bytes;
    loop {
        let (head, after) = rest.split_first_chunk::<8>()?;
        let &[l0, l1, l2, l3, name @ ..] = head;
        let (header, length) = match u32::from_be_bytes([l0, l1, l2, l3]) {
            0 => (8, rest.len()), // up to the end of the file
            1 => (
                16,
                usize::try_from(u64::from_be_bytes(*after.first_chunk::<8>()?)).ok()?,
            ),
            length => (8, usize::try_from(length).ok()?),
        };
        let content = rest.get(header..length)?; // `None` also for a length that is less than the header
        if name == *b"jp2c" {
            return Some(content);
        }
        rest = rest.get(length..)?;
    }
}

/// Width and height of a JPEG 2000 codestream, if it begins with SOC and SIZ and ends with EOC.
///
/// Source: ISO/IEC 15444-1, A.5.1.
fn size_of(codestream: &[u8]) -> Option<(u16, u16)> {
    let siz = codestream.strip_prefix(JPEG_2000_CODESTREAM)?;
    let (head, rest) = siz.split_first_chunk::<38>()?;
    let number = |at: usize| Some(u32::from_be_bytes(*head.get(at..)?.first_chunk::<4>()?));
    let short = |at: usize| Some(u16::from_be_bytes(*head.get(at..)?.first_chunk::<2>()?));
    let (length, components) = (short(0)?, short(36)?);
    if components == 0
        || u32::from(length) != 38 + 3 * u32::from(components)
        || rest.len() < 3 * usize::from(components) + JPEG_END.len()
        || !codestream.ends_with(JPEG_END)
        || number(20)? == 0
        || number(24)? == 0
    {
        return None;
    }
    let side = |end: u32, offset: u32| {
        let side = end.checked_sub(offset).filter(|side| *side > 0)?;
        Some(u16::try_from(side).unwrap_or(u16::MAX))
    };
    Some((side(number(4)?, number(12)?)?, side(number(8)?, number(16)?)?))
}

fn decodes(bytes: &[u8]) -> bool {
    // Strict: a file that ends early is damaged, not a picture with a grey half.
    let options = DecoderOptions::default().set_strict_mode(true);
    JpegDecoder::new_with_options(bytes, options).decode().is_ok()
}

/// A JPEG without its metadata, and with the same pixels: the segments APP1 to APP13 and APP15 (EXIF with places and
/// thumbnails, XMP, camera makers' data) and comments go, and so does what stands behind the end of the picture. JFIF
/// (APP0) and Adobe's colour transform (APP14) stay, because decoders need them.
///
/// # Errors
/// [`PhotoError::Turned`] if the EXIF orientation is not upright, because without EXIF the picture would be shown
/// turned; [`PhotoError::Undecodable`] if the segments cannot be told apart.
pub fn strip(jpeg: &[u8]) -> Result<Vec<u8>, PhotoError> {
    let mut kept = Vec::with_capacity(jpeg.len());
    let mut rest = jpeg.strip_prefix(&[0xff, 0xd8]).ok_or(PhotoError::Undecodable)?;
    kept.extend_from_slice(&[0xff, 0xd8]);
    loop {
        let (segment, after) = next_segment(rest).ok_or(PhotoError::Undecodable)?;
        rest = after;
        match segment {
            [0xff, 0xd9] => {
                kept.extend_from_slice(segment);
                return Ok(kept);
            }
            [0xff, 0xe1, _, _, content @ ..] if exif_orientation(content).is_some_and(|o| o != 1) => {
                return Err(PhotoError::Turned);
            }
            [0xff, 0xe1..=0xed | 0xef | 0xfe, ..] | [0xff] => {}
            _ => kept.extend_from_slice(segment),
        }
    }
}

/// The marker segment that begins here, and what follows it. A segment SOS has the data of its scan, a fill byte is a
/// segment of its own.
fn next_segment(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let length = match *bytes.first_chunk::<2>()? {
        [0xff, 0xff] => 1,
        [0xff, 0x01 | 0xd0..=0xd9] => 2,
        [0xff, 0x00] => return None,
        [0xff, marker] => {
            let length = usize::from(u16::from_be_bytes(*bytes.get(2..)?.first_chunk::<2>()?));
            let header = 2 + Some(length).filter(|length| *length >= 2)?;
            let scan = if marker == 0xda {
                scan_length(bytes.get(header..)?)?
            } else {
                0
            };
            header + scan
        }
        _ => return None,
    };
    bytes.split_at_checked(length)
}

/// How many bytes the data of a scan have: up to the next marker that is not a restart.
fn scan_length(bytes: &[u8]) -> Option<usize> {
    bytes
        .windows(2)
        .position(|pair| matches!(pair, [0xff, second] if !matches!(second, 0x00 | 0xd0..=0xd7 | 0xff)))
}

/// The orientation that the first directory of an EXIF segment states, if it is one.
///
/// Source: EXIF 2.32, 4.6.4, tag 274; TIFF 6.0, section 2.
fn exif_orientation(content: &[u8]) -> Option<u16> {
    const ORIENTATION: u16 = 274;
    let tiff = content.strip_prefix(b"Exif\0\0")?;
    let little = tiff.starts_with(b"II");
    let short = |at: usize| {
        let bytes = *tiff.get(at..)?.first_chunk::<2>()?;
        Some(if little {
            u16::from_le_bytes(bytes)
        } else {
            u16::from_be_bytes(bytes)
        })
    };
    let bytes = *tiff.get(4..)?.first_chunk::<4>()?;
    let directory = if little {
        u32::from_le_bytes(bytes)
    } else {
        u32::from_be_bytes(bytes)
    };
    let directory = usize::try_from(directory).ok()?;
    (0..usize::from(short(directory)?))
        .filter_map(|entry| directory.checked_add(2 + 12 * entry))
        .find(|at| short(*at) == Some(ORIENTATION))
        .and_then(|at| short(at.checked_add(8)?))
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
    fn metadata_go_and_pixels_stay() {
        let pixels = |bytes: &[u8]| JpegDecoder::new(bytes).decode().unwrap();
        let plain = strip(PORTRAIT).unwrap();
        let gps = samples::with_segment(PORTRAIT, 0xe1, b"Exif\0\0II*\0\x08\0\0\0\0\0 GPS 52.09 N");
        let noisy = samples::with_segment(&gps, 0xfe, b"a comment");
        let noisy = [&noisy, PORTRAIT].concat(); // a second picture behind the first, as cameras write it
        let stripped = strip(&noisy).unwrap();
        assert_eq!(stripped, plain);
        assert!(!stripped.windows(3).any(|bytes| bytes == b"GPS"));
        assert_eq!(pixels(&stripped), pixels(&noisy));
        assert_eq!(inspect(&stripped), inspect(PORTRAIT));
        for end in 0..PORTRAIT.len().min(700) {
            assert_eq!(strip(&PORTRAIT[..end]), Err(PhotoError::Undecodable));
        }
    }

    #[test]
    fn a_turned_picture_is_refused() {
        for (orientation, expected) in [(1, None), (6, Some(PhotoError::Turned))] {
            let turned = samples::turned(PORTRAIT, orientation);
            assert_eq!(strip(&turned).err(), expected);
        }
    }

    /// A box of a JP2 file.
    fn jp2_box(name: &[u8; 4], content: &[u8]) -> Vec<u8> {
        let length = u32::try_from(content.len() + 8).unwrap();
        [&length.to_be_bytes(), name, content].concat()
    }

    #[test]
    fn jpeg_2000_needs_its_size_and_its_end() {
        let stream = samples::jpeg_2000(480, 600);
        let photo = Photo {
            kind: ImageKind::Jpeg2000,
            pixels: Some((480, 600)),
        };
        assert_eq!(inspect(&stream), Ok(photo));
        let file = [
            JP2_SIGNATURE,
            &jp2_box(b"ftyp", b"jp2 "),
            &jp2_box(b"jp2c", &stream),
        ]
        .concat();
        assert_eq!(inspect(&file), Ok(photo));
        for bad in [JP2_SIGNATURE, JPEG_2000_CODESTREAM, &file[..file.len() - 1]] {
            assert_eq!(inspect(bad), Err(PhotoError::Undecodable));
        }
        for end in 12..stream.len() {
            assert_eq!(inspect(&stream[..end]), Err(PhotoError::Undecodable), "{end}");
        }
        let endless = [JP2_SIGNATURE, &[0, 0, 0, 1], b"free", &[0xff; 8]].concat();
        assert_eq!(inspect(&endless), Err(PhotoError::Undecodable));
        assert_eq!(inspect(&samples::jpeg_2000(0, 600)), Err(PhotoError::Undecodable));
        assert!(matches!(
            inspect(&samples::jpeg_2000(70_000, 600)),
            Err(PhotoError::TooManyPixels { .. })
        ));
    }
}

/// Pictures for tests.
#[cfg(test)]
pub(crate) mod samples {
    /// A JPEG with one more segment, the first.
    pub(crate) fn with_segment(jpeg: &[u8], marker: u8, content: &[u8]) -> Vec<u8> {
        let length = u16::try_from(content.len() + 2).unwrap().to_be_bytes();
        [&[0xff, 0xd8, 0xff, marker], &length[..], content, &jpeg[2..]].concat()
    }

    /// A JPEG with an EXIF orientation.
    pub(crate) fn turned(jpeg: &[u8], orientation: u8) -> Vec<u8> {
        let head = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0";
        with_segment(
            jpeg,
            0xe1,
            &[&head[..], &[orientation, 0, 0, 0, 0, 0, 0]].concat(),
        )
    }

    /// The headers of a JPEG 2000 codestream of one component, and its end.
    pub(crate) fn jpeg_2000(width: u32, height: u32) -> Vec<u8> {
        let mut bytes = vec![0xff, 0x4f, 0xff, 0x51, 0, 41, 0, 0];
        for number in [width, height, 0, 0, 480, 600, 0, 0] {
            bytes.extend_from_slice(&number.to_be_bytes());
        }
        bytes.extend_from_slice(&[0, 1, 7, 1, 1, 0xff, 0xd9]);
        bytes
    }
}
