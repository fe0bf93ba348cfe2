//! A picture of any kind that comes in becomes one that the document allows.

use core::fmt;

use super::decode::{self, Colours, Decoded};
use super::{
    ImageKind, JPEG_START, PNG_SIGNATURE, PhotoError, check_size, encode, jpeg, jpeg2000, kind_of_start,
};

/// Largest image file that is taken, in bytes.
pub const LARGEST_INPUT: usize = 32 << 20;
/// Largest width or height of a picture that is taken, in pixels.
const LARGEST_SIDE: u32 = 12_000;
/// Most pixels of a picture that is taken: what cameras make.
const MOST_PIXELS: u64 = 50_000_000;

/// What the document allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The kinds of image it may be; not empty.
    pub kinds: Vec<ImageKind>,
    /// Most bytes of the file.
    pub max_bytes: usize,
    /// How small a file that is made anew should be, if that takes nothing of its quality.
    pub aim_bytes: usize,
    /// Most pixels, width times height.
    pub max_pixels: u32,
}

impl Wanted {
    /// What a re-made file should have at most: a document is carried over Bluetooth, where 40 KiB take a second or two.
    pub const AIM_BYTES: usize = 40 * 1024;
    /// Most pixels where nothing else is said: 600 by 800.
    pub const MAX_PIXELS: u32 = 600 * 800;

    /// These kinds, at most so many bytes, and the usual number of pixels.
    #[must_use]
    pub fn new(kinds: &[ImageKind], max_bytes: usize) -> Self {
        Self {
            kinds: kinds.to_vec(),
            max_bytes,
            aim_bytes: Self::AIM_BYTES,
            max_pixels: Self::MAX_PIXELS,
        }
    }
}

/// A picture for a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepared {
    /// The image file.
    pub bytes: Vec<u8>,
    /// Its kind.
    pub kind: ImageKind,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// What was done to it; nothing if the bytes are those that came in.
    pub changes: Vec<Change>,
}

/// Something that was done to a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// It is of another kind now.
    Converted {
        /// What it was: `PNG`.
        from: &'static str,
        /// What it is.
        to: ImageKind,
    },
    /// It was turned or mirrored, as its metadata say that it is to be shown.
    Turned {
        /// The orientation in the metadata, 2 to 8.
        orientation: u16,
    },
    /// It has fewer pixels now.
    Scaled {
        /// Width and height before, upright.
        from: (u32, u32),
        /// Width and height now.
        to: (u32, u32),
    },
    /// Its file was written anew with this quality, 1 to 100, and lost some of its detail.
    Compressed {
        /// The quality.
        quality: u8,
    },
    /// What was transparent is white now.
    Flattened,
    /// Its colours were turned into sRGB, as its colour profile says.
    ColoursConverted,
    /// Its four inks were turned into RGB by the plain formula.
    InksConverted,
    /// It states colours in a way that is not understood; they were taken for sRGB and may look different.
    ColoursUnknown,
    /// Metadata were removed: places, dates, makes of cameras, comments, thumbnails.
    MetadataRemoved,
}

impl Change {
    /// Stable for ever: published, never renamed, never reused.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Converted { .. } => "picture.converted",
            Self::Turned { .. } => "picture.turned",
            Self::Scaled { .. } => "picture.scaled",
            Self::Compressed { .. } => "picture.compressed",
            Self::Flattened => "picture.flattened",
            Self::ColoursConverted => "picture.colours-converted",
            Self::InksConverted => "picture.inks-converted",
            Self::ColoursUnknown => "picture.colours-unknown",
            Self::MetadataRemoved => "picture.metadata-removed",
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Converted { from, to } => write!(f, "the picture was converted from {from} to {to}"),
            Self::Turned { orientation } => {
                write!(
                    f,
                    "the picture was turned upright (EXIF orientation {orientation})"
                )
            }
            Self::Scaled { from, to } => {
                write!(
                    f,
                    "the picture was scaled from {} by {} to {} by {} pixels",
                    from.0, from.1, to.0, to.1
                )
            }
            Self::Compressed { quality } => write!(f, "the picture was written as JPEG of quality {quality}"),
            Self::Flattened => f.write_str("what was transparent in the picture is white now"),
            Self::ColoursConverted => {
                f.write_str("the colours of the picture were turned into sRGB by its colour profile")
            }
            Self::InksConverted => f.write_str("the picture was turned from four inks (CMYK) into RGB"),
            Self::ColoursUnknown => f.write_str(
                "the picture states its colours in a way that is not understood, look whether they are right",
            ),
            Self::MetadataRemoved => f.write_str("metadata of the picture were removed"),
        }
    }
}

/// Makes of an image file, JPEG, JPEG 2000 or PNG, one that the document allows.
///
/// A file that is as it should be stays as it is, but for its metadata, which are removed without touching a pixel.
/// Any other is decoded, turned upright, scaled down, and written as a baseline JPEG in sRGB without metadata. In
/// either case the whole picture was decoded before this function returns it, if only in its brightness.
///
/// # Errors
/// [`PhotoError`]. Never panics, whatever the bytes; the size is looked at before memory is taken for the pixels.
pub fn prepare(bytes: &[u8], wanted: &Wanted) -> Result<Prepared, PhotoError> {
    if bytes.len() > LARGEST_INPUT {
        return Err(PhotoError::FileTooLarge { limit: LARGEST_INPUT });
    }
    if bytes.starts_with(PNG_SIGNATURE) {
        let size = decode::png_size(bytes).ok_or(PhotoError::Undecodable)?;
        sane(size)?;
        return remake(decode::png(bytes)?, "PNG", wanted);
    }
    match kind_of_start(bytes)? {
        ImageKind::Jpeg => prepare_jpeg(bytes, wanted),
        ImageKind::Jpeg2000 => prepare_jpeg_2000(bytes, wanted),
    }
}

fn sane((width, height): (u32, u32)) -> Result<(), PhotoError> {
    if width == 0 || height == 0 {
        return Err(PhotoError::Undecodable);
    }
    check_size(width, height, LARGEST_SIDE, MOST_PIXELS)
}

fn prepare_jpeg(bytes: &[u8], wanted: &Wanted) -> Result<Prepared, PhotoError> {
    debug_assert!(bytes.starts_with(JPEG_START), "looked at by the caller");
    let stripped = jpeg::strip(bytes)?;
    let frame = jpeg::Frame::find(bytes).ok_or(PhotoError::Undecodable)?;
    sane((frame.width, frame.height))?;
    let as_it_should_be = fits(
        ImageKind::Jpeg,
        &stripped.bytes,
        (frame.width, frame.height),
        wanted,
    ) && stripped.orientation.unwrap_or(1) == 1
        && decode::plain_jpeg(bytes);
    if as_it_should_be {
        if !decode::jpeg_decodes(&stripped.bytes) {
            return Err(PhotoError::Undecodable);
        }
        return Ok(kept(
            ImageKind::Jpeg,
            bytes,
            stripped.bytes,
            (frame.width, frame.height),
        ));
    }
    let mut decoded = decode::jpeg(bytes, stripped.adobe)?;
    decoded.orientation = stripped.orientation;
    remake(decoded, ImageKind::Jpeg.words(), wanted)
}

fn prepare_jpeg_2000(bytes: &[u8], wanted: &Wanted) -> Result<Prepared, PhotoError> {
    let size = jpeg2000::size(bytes).ok_or(PhotoError::Undecodable)?;
    sane(size)?;
    let stripped = jpeg2000::strip(bytes).ok_or(PhotoError::Undecodable)?;
    let decoded = decode::jpeg_2000(bytes)?;
    if fits(ImageKind::Jpeg2000, &stripped, size, wanted) && decoded.orientation.unwrap_or(1) == 1 {
        return Ok(kept(ImageKind::Jpeg2000, bytes, stripped, size));
    }
    remake(decoded, ImageKind::Jpeg2000.words(), wanted)
}

fn fits(kind: ImageKind, file: &[u8], (width, height): (u32, u32), wanted: &Wanted) -> bool {
    wanted.kinds.contains(&kind)
        && file.len() <= wanted.max_bytes.min(super::LARGEST_FILE)
        && width.max(height) <= super::LARGEST_SIDE
        && u64::from(width) * u64::from(height) <= u64::from(wanted.max_pixels)
}

fn kept(kind: ImageKind, before: &[u8], bytes: Vec<u8>, (width, height): (u32, u32)) -> Prepared {
    let changes = if before == bytes {
        Vec::new()
    } else {
        vec![Change::MetadataRemoved]
    };
    Prepared {
        bytes,
        kind,
        width,
        height,
        changes,
    }
}

/// Turns, scales and writes a picture as a JPEG.
fn remake(decoded: Decoded, from: &'static str, wanted: &Wanted) -> Result<Prepared, PhotoError> {
    if !wanted.kinds.contains(&ImageKind::Jpeg) {
        let kind = *wanted.kinds.first().unwrap_or(&ImageKind::Jpeg2000);
        return Err(PhotoError::CannotMake { kind });
    }
    let mut changes = Vec::new();
    if from != ImageKind::Jpeg.words() {
        changes.push(Change::Converted {
            from,
            to: ImageKind::Jpeg,
        });
    }
    match decoded.colours {
        Colours::Kept => {}
        Colours::ByProfile => changes.push(Change::ColoursConverted),
        Colours::Inks => changes.push(Change::InksConverted),
        Colours::Unknown => changes.push(Change::ColoursUnknown),
    }
    if decoded.transparent {
        changes.push(Change::Flattened);
    }
    let mut pixels = decoded.pixels;
    let stored = (pixels.width(), pixels.height());
    let (width, height) = within(stored, wanted.max_pixels);
    // Scaled first: it is less work to turn the few pixels that are left.
    if (width, height) != stored {
        pixels = pixels.scaled(width, height).ok_or(PhotoError::Undecodable)?;
    }
    let mut full = stored;
    if let Some(orientation @ 2..) = decoded.orientation {
        pixels = pixels.upright(orientation);
        changes.push(Change::Turned { orientation });
        if orientation >= 5 {
            full = (stored.1, stored.0);
        }
    }
    let fault = PhotoError::DoesNotFit {
        max_bytes: wanted.max_bytes,
    };
    let encoded = encode::encode(&pixels, wanted.aim_bytes, wanted.max_bytes).ok_or(fault)?;
    let (from, to) = (numbers(full), numbers((encoded.width, encoded.height)));
    if from != to {
        changes.push(Change::Scaled { from, to });
    }
    let quality = encoded.quality;
    changes.push(Change::Compressed { quality });
    Ok(Prepared {
        bytes: encoded.bytes,
        kind: ImageKind::Jpeg,
        width: to.0,
        height: to.1,
        changes,
    })
}

fn numbers((width, height): (usize, usize)) -> (u32, u32) {
    let number = |side| u32::try_from(side).unwrap_or(u32::MAX);
    (number(width), number(height))
}

/// The largest size of the same shape with sides as a document has them.
fn with_sides((width, height): (usize, usize)) -> (usize, usize) {
    let side = usize::try_from(super::LARGEST_SIDE).unwrap_or(usize::MAX);
    let longest = width.max(height).max(side);
    let scaled = |length: usize| (length.saturating_mul(side) / longest).max(1);
    (scaled(width), scaled(height))
}

/// The largest size of the same shape that has at most so many pixels, and no side that is longer than a document has.
fn within((width, height): (usize, usize), max_pixels: u32) -> (usize, usize) {
    let most = usize::try_from(max_pixels).unwrap_or(usize::MAX).max(1);
    let (width, height) = with_sides((width, height));
    if width.saturating_mul(height) <= most {
        return (width, height);
    }
    // width' = sqrt(most × width ÷ height), and height' likewise; a side of one pixel leaves the rest to the other.
    let narrow = (most.saturating_mul(width) / height.max(1))
        .isqrt()
        .clamp(1, most);
    let low = (narrow.saturating_mul(height) / width.max(1)).clamp(1, most / narrow);
    (narrow, low)
}

#[cfg(test)]
mod tests;
