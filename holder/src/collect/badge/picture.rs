//! How large a picture says that it is; nothing is decoded.

use base64ct::{Base64, Encoding as _};
use zeroize::Zeroizing;

use super::BadgeFault;

/// The longest side of a picture that is shown, in pixels.
const LONGEST_SIDE: u32 = 8192;
/// The most pixels of it.
pub(super) const MOST_PIXELS: u64 = 40_000_000;

/// The bytes of a file, which a person may be on.
pub(super) fn from_base64(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    Base64::decode_vec(text).ok().map(Zeroizing::new)
}

/// The number of pixels.
///
/// # Errors
/// [`BadgeFault::Large`] if they are too many; there is no picture without any either.
pub(super) fn pixels((width, height): (u32, u32)) -> Result<u64, BadgeFault> {
    let pixels = u64::from(width) * u64::from(height);
    if width.max(height) > LONGEST_SIDE || !(1..=MOST_PIXELS).contains(&pixels) {
        return Err(BadgeFault::Large);
    }
    Ok(pixels)
}

/// Width and height of a PNG, from its first chunk (PNG, third edition, 11.2.1).
pub(super) fn png(file: &[u8]) -> Option<(u32, u32)> {
    let header = file.strip_prefix(b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR")?;
    let (width, after) = header.split_first_chunk::<4>()?;
    let height = after.first_chunk::<4>()?;
    Some((u32::from_be_bytes(*width), u32::from_be_bytes(*height)))
}

/// Width and height of a JPEG, from its frame header (ITU-T T.81, B.2.2). Before that come tables and notes alone.
pub(super) fn jpeg(file: &[u8]) -> Option<(u32, u32)> {
    let mut rest = file.strip_prefix(&[0xff, 0xd8])?;
    loop {
        let (&[0xff, marker], after) = rest.split_first_chunk::<2>()? else {
            return None;
        };
        match marker {
            0xff => rest = rest.get(1..)?, // a fill byte
            0xc4 | 0xcc | 0xdb | 0xdd | 0xe0..=0xef | 0xfe => {
                let length = usize::from(u16::from_be_bytes(*after.first_chunk::<2>()?));
                rest = after.get(length.max(2)..)?;
            }
            0xc0..=0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf => {
                let &[_, _, _, h0, h1, w0, w1] = after.first_chunk::<7>()?;
                let side = |high, low| u32::from(u16::from_be_bytes([high, low]));
                return Some((side(w0, w1), side(h0, h1)));
            }
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_from_headers() {
        let file = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\x01\0\0\0\0\x03\x08";
        assert_eq!(png(file), Some((256, 3)));
        for len in 0..24 {
            assert_eq!(png(&file[..len]), None, "{len}");
        }
        assert_eq!(png(b"\x89PNG\r\n\x1a\n\0\0\0\x04pHYs\0\0\x01\0\0\0\0\x03"), None);
        // A note, a table, a fill byte, and the header of a progressive frame.
        let file =
            b"\xff\xd8\xff\xe1\0\x06\xff\xc0\0\0\xff\xdb\0\x03\0\xff\xff\xc2\0\x11\x08\0\x03\x01\0\x03";
        assert_eq!(jpeg(file), Some((256, 3)));
        for len in 0..25 {
            assert_eq!(jpeg(&file[..len]), None, "{len}");
        }
        for other in [
            &b"\xff\xd8\xff\xda\0\x02\xff\xc0\0\x11\x08\0\x03\x01\0\x03"[..], // a scan before its frame
            b"\xff\xd8\0\xff\xc0\0\x11\x08\0\x03\x01\0\x03",
            b"<svg/>",
        ] {
            assert_eq!(jpeg(other), None, "{other:?}");
        }
    }

    #[test]
    fn sides_and_pixels_are_bounded() {
        for good in [(1, 1), (8192, 4882), (6324, 6324)] {
            assert!(pixels(good).is_ok(), "{good:?}");
        }
        for bad in [
            (8193, 1),
            (1, 8193),
            (8192, 4883),
            (0, 1),
            (1, 0),
            (u32::MAX, u32::MAX),
        ] {
            assert_eq!(pixels(bad), Err(BadgeFault::Large), "{bad:?}");
        }
    }
}
