//! JPEG 2000: the boxes of a JP2 file, the size in its codestream, and what is metadata.
//!
//! Source: ISO/IEC 15444-1, A.5.1 (SIZ), I.4 (boxes).

use super::{JP2_SIGNATURE, JPEG_2000_CODESTREAM, JPEG_END};

/// Most tiles that are decoded; encoders write one, or a few dozens.
const MOST_TILES: u64 = 1024;
/// Most components that are decoded: four colours and transparency.
const MOST_COMPONENTS: u16 = 5;
/// The comment marker of a codestream.
const COM: [u8; 2] = [0xff, 0x64];
/// Start of the first tile: here the main header ends.
const SOT: [u8; 2] = [0xff, 0x90];
/// How a box UUID begins in which EXIF is kept.
const EXIF_UUID: &[u8; 16] = b"JpgTiffExif->JP2";

/// A box of a JP2 file.
struct Jp2Box<'b> {
    name: [u8; 4],
    /// With its length and name.
    whole: &'b [u8],
    content: &'b [u8],
}

/// The boxes, one after the other; ends early where a length cannot be.
struct Boxes<'b>(&'b [u8]);

impl<'b> Iterator for Boxes<'b> {
    type Item = Jp2Box<'b>;

    fn next(&mut self) -> Option<Jp2Box<'b>> {
        let rest = core::mem::take(&mut self.0);
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
        self.0 = rest.get(length..)?;
        Some(Jp2Box {
            name,
            whole: rest.get(..length)?,
            content,
        })
    }
}

/// The codestream: the file itself, or the content of the box `jp2c` of a JP2 file.
fn codestream(bytes: &[u8]) -> Option<&[u8]> {
    if bytes.starts_with(JPEG_2000_CODESTREAM) {
        return Some(bytes);
    }
    Boxes(bytes)
        .find(|jp2| jp2.name == *b"jp2c")
        .map(|jp2| jp2.content)
}

/// Width and height, if the codestream begins with SOC and SIZ, ends with EOC, and has tiles and components in
/// numbers that are sane.
pub(super) fn size(bytes: &[u8]) -> Option<(u32, u32)> {
    let codestream = codestream(bytes)?;
    let siz = codestream.strip_prefix(JPEG_2000_CODESTREAM)?;
    let (head, rest) = siz.split_first_chunk::<38>()?;
    let number = |at: usize| Some(u32::from_be_bytes(*head.get(at..)?.first_chunk::<4>()?));
    let short = |at: usize| Some(u16::from_be_bytes(*head.get(at..)?.first_chunk::<2>()?));
    let (length, components) = (short(0)?, short(36)?);
    if components == 0
        || components > MOST_COMPONENTS
        || u32::from(length) != 38 + 3 * u32::from(components)
        || rest.len() < 3 * usize::from(components) + JPEG_END.len()
        || !codestream.ends_with(JPEG_END)
    {
        return None;
    }
    let (tile_width, tile_height) = (number(20)?, number(24)?);
    let side = |end: u32, offset: u32| end.checked_sub(offset).filter(|side| *side > 0);
    let (width, height) = (side(number(4)?, number(12)?)?, side(number(8)?, number(16)?)?);
    let tiles = u64::from(width.checked_div(tile_width)?) * u64::from(height.checked_div(tile_height)?);
    (tiles <= MOST_TILES).then_some((width, height))
}

/// The EXIF data of a JP2 file.
pub(super) fn exif(bytes: &[u8]) -> Option<&[u8]> {
    Boxes(bytes)
        .filter(|jp2| jp2.name == *b"uuid")
        .find_map(|jp2| jp2.content.strip_prefix(EXIF_UUID))
}

/// The file without its metadata, and with the same pixels. Of a JP2 file the boxes that decoding needs stay
/// (signature, file type, header, codestream); of the codestream, the comments of its main header go.
pub(super) fn strip(bytes: &[u8]) -> Option<Vec<u8>> {
    if bytes.starts_with(JPEG_2000_CODESTREAM) {
        return without_comments(bytes);
    }
    bytes.starts_with(JP2_SIGNATURE).then_some(())?;
    let mut kept = Vec::with_capacity(bytes.len());
    for jp2 in Boxes(bytes) {
        match &jp2.name {
            b"jP  " | b"ftyp" => kept.extend_from_slice(jp2.whole),
            b"jp2h" => {
                let inner = Boxes(jp2.content).filter(|inner| {
                    matches!(
                        &inner.name,
                        b"ihdr" | b"bpcc" | b"colr" | b"pclr" | b"cmap" | b"cdef"
                    )
                });
                let inner: Vec<u8> = inner.flat_map(|inner| inner.whole.iter().copied()).collect();
                push_box(&mut kept, *b"jp2h", &inner)?;
            }
            b"jp2c" => {
                push_box(&mut kept, *b"jp2c", &without_comments(jp2.content)?)?;
                return Some(kept);
            }
            _ => {}
        }
    }
    None
}

fn push_box(file: &mut Vec<u8>, name: [u8; 4], content: &[u8]) -> Option<()> {
    let length = u32::try_from(content.len().checked_add(8)?).ok()?;
    file.extend_from_slice(&length.to_be_bytes());
    file.extend_from_slice(&name);
    file.extend_from_slice(content);
    Some(())
}

fn without_comments(codestream: &[u8]) -> Option<Vec<u8>> {
    let mut kept = Vec::with_capacity(codestream.len());
    let (start, mut rest) = codestream.split_at_checked(2)?;
    kept.extend_from_slice(start);
    while !rest.starts_with(&SOT) {
        let length = usize::from(u16::from_be_bytes(*rest.get(2..)?.first_chunk::<2>()?));
        let (segment, after) = rest.split_at_checked(length.checked_add(2)?)?;
        if !segment.starts_with(&COM) {
            kept.extend_from_slice(segment);
        }
        rest = after;
    }
    kept.extend_from_slice(rest);
    Some(kept)
}
