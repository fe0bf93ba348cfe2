//! JPEG: its marker segments, what is metadata among them, and whether it decodes.
//!
//! Source: ISO/IEC 10918-1, annex B.

use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::PhotoError;

/// Most scans of a progressive JPEG: each costs a pass over all pixels, and encoders write about ten.
const MOST_SCANS: usize = 100;

/// A decoder that takes a file that ends early for what it is: damaged, not a picture with a grey half. The size must
/// have been looked at before.
///
/// Where the data of a scan run out before a marker, the library fills up with zeroes, and takes them for the picture. A
/// sequential one is therefore given with ones in the place of its end marker: no code has ones alone (ISO/IEC 10918-1,
/// C.2), so that data which end early are none, and the library may look ahead as far as it likes. Of a progressive one,
/// where each scan makes the picture finer, a last scan that was cut short and ended properly is not noticed.
pub(super) fn decoder(bytes: &[u8]) -> Option<JpegDecoder<ZCursor<Vec<u8>>>> {
    decoder_of(&Frame::find(bytes)?, bytes)
}

fn decoder_of(frame: &Frame, bytes: &[u8]) -> Option<JpegDecoder<ZCursor<Vec<u8>>>> {
    /// Eight bytes of ones, each followed by the zero that says that it is no marker.
    const ONES: [u8; 16] = [
        0xff, 0, 0xff, 0, 0xff, 0, 0xff, 0, 0xff, 0, 0xff, 0, 0xff, 0, 0xff, 0,
    ];
    let bytes = match bytes.strip_suffix(super::JPEG_END) {
        Some(data) if frame.sequential => [data, &ONES].concat(),
        _ => bytes.to_vec(),
    };
    let scans = bytes.windows(2).filter(|pair| *pair == [0xff, 0xda]).count();
    let sane = matches!(frame.components, 1 | 3 | 4) && scans <= MOST_SCANS;
    sane.then(|| JpegDecoder::new_with_options(ZCursor::new(bytes), options()))
}

fn options() -> DecoderOptions {
    DecoderOptions::default()
        .set_strict_mode(true)
        .set_max_width(usize::from(u16::MAX))
        .set_max_height(usize::from(u16::MAX))
}

/// Whether it is a whole picture.
pub(super) fn decodes(bytes: &[u8]) -> bool {
    let Some(frame) = Frame::find(bytes) else {
        return false;
    };
    let Some(mut decoder) = decoder_of(&frame, bytes) else {
        return false;
    };
    // All scans are read for the brightness alone, too, and half of the time goes into the colours. Of frames sampled
    // in unusual ways the library would read more than there is.
    let colours = decoder.decode_headers().map(|()| decoder.input_colorspace());
    if matches!(colours, Ok(Some(ColorSpace::YCbCr))) && frame.usual {
        decoder.set_options(options().jpeg_set_out_colorspace(ColorSpace::Luma));
    }
    decoder.decode().is_ok()
}

/// What of a JPEG is kept, and what its metadata told.
pub(super) struct Stripped {
    /// The file without metadata.
    pub(super) bytes: Vec<u8>,
    /// The orientation in the EXIF data, 1 to 8.
    pub(super) orientation: Option<u16>,
    /// Whether Adobe's segment tells how the colours are kept.
    pub(super) adobe: bool,
}

/// A JPEG without its metadata, and with the same pixels: the segments APP1 to APP13 and APP15 (EXIF with places and
/// thumbnails, XMP, colour profiles, camera makers' data) and comments go, and so does what stands behind the end of
/// the picture. JFIF (APP0) and Adobe's colour transform (APP14) stay, because decoders need them.
///
/// # Errors
/// [`PhotoError::Undecodable`] if the segments cannot be told apart, [`PhotoError::Truncated`] if there is no end.
pub(super) fn strip(jpeg: &[u8]) -> Result<Stripped, PhotoError> {
    let fault = if jpeg.ends_with(super::JPEG_END) {
        PhotoError::Undecodable
    } else {
        PhotoError::Truncated
    };
    kept(jpeg).ok_or(fault)
}

fn kept(jpeg: &[u8]) -> Option<Stripped> {
    let mut stripped = Stripped {
        bytes: Vec::with_capacity(jpeg.len()),
        orientation: None,
        adobe: false,
    };
    let mut rest = jpeg.strip_prefix(&[0xff, 0xd8])?;
    stripped.bytes.extend_from_slice(&[0xff, 0xd8]);
    loop {
        let (segment, after) = next_segment(rest)?;
        rest = after;
        match segment {
            [0xff, 0xd9] => {
                stripped.bytes.extend_from_slice(segment);
                return Some(stripped);
            }
            [0xff, 0xe1, _, _, content @ ..] => {
                let exif = content.strip_prefix(b"Exif\0\0");
                stripped.orientation = stripped.orientation.or(exif.and_then(exif_orientation));
            }
            [0xff, 0xe2..=0xed | 0xef | 0xfe, ..] | [0xff] => {}
            _ => {
                stripped.adobe |= matches!(segment, [0xff, 0xee, _, _, b'A', b'd', b'o', b'b', b'e', ..]);
                stripped.bytes.extend_from_slice(segment);
            }
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

/// The orientation, 1 to 8, that the first directory of EXIF data states; they begin with the TIFF header.
///
/// Source: EXIF 2.32, 4.6.4, tag 274; TIFF 6.0, section 2.
pub(super) fn exif_orientation(tiff: &[u8]) -> Option<u16> {
    const ORIENTATION: u16 = 274;
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
        .filter(|orientation| (1..=8).contains(orientation))
}

/// What the frame header of a JPEG states, read before anything is allocated for it.
pub(super) struct Frame {
    pub(super) width: u32,
    pub(super) height: u32,
    components: u8,
    /// Baseline or extended sequential, SOF0 or SOF1.
    sequential: bool,
    /// Brightness is sampled no less often than the colours, and no less often across than down.
    usual: bool,
}

impl Frame {
    /// Walks the marker segments up to the first frame header (SOF0 to SOF15).
    pub(super) fn find(bytes: &[u8]) -> Option<Self> {
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
                // A number, the factors across and down, and a table for each component.
                let of_component = |number| after.get(9 + 3 * number).copied().unwrap_or_default();
                let factors = (0..usize::from(components)).map(of_component);
                let mut factors = factors.map(|byte| (byte >> 4, byte & 0x0f));
                let (across, down) = factors.next().unwrap_or_default();
                let (width, height) = (u16::from_be_bytes([w0, w1]), u16::from_be_bytes([h0, h1]));
                return Some(Self {
                    width: width.into(),
                    height: height.into(),
                    components,
                    sequential: matches!(marker, 0xc0 | 0xc1),
                    usual: down <= across && factors.all(|(other, below)| other <= across && below <= down),
                });
            }
            rest = after.get(length.max(2)..)?;
        }
    }
}
