//! Pictures for tests. Those in files were written by Pillow (libjpeg, OpenJPEG, zlib), not by this program.
//!
//! `quadrants` has 48 by 32 pixels: red and green above, blue and white below.

/// The drawn portrait of the formats' samples, 90 by 120 pixels, as JP2.
pub(crate) const JP2: &[u8] = include_bytes!("samples/portrait.jp2");
/// The same as a bare codestream.
pub(super) const J2K: &[u8] = include_bytes!("samples/portrait.j2k");
pub(super) const QUADRANTS_JP2: &[u8] = include_bytes!("samples/quadrants.jp2");
pub(super) const QUADRANTS_PNG: &[u8] = include_bytes!("samples/quadrants.png");
/// The same with a palette.
pub(super) const PALETTE_PNG: &[u8] = include_bytes!("samples/palette.png");
/// The quadrants in shades of grey.
pub(super) const GREY_PNG: &[u8] = include_bytes!("samples/grey.png");
pub(super) const GREY_JP2: &[u8] = include_bytes!("samples/grey.jp2");
/// From black at the left to white at the right, 16 bits a pixel.
pub(super) const SIXTEEN_BIT_PNG: &[u8] = include_bytes!("samples/sixteen-bit.png");
/// The quadrants with blue half and white wholly transparent; beneath the latter is black.
pub(super) const TRANSPARENT_PNG: &[u8] = include_bytes!("samples/transparent.png");
pub(super) const TRANSPARENT_JP2: &[u8] = include_bytes!("samples/transparent.jp2");
/// The quadrants in four inks, with Adobe's segment.
pub(super) const CMYK_JPEG: &[u8] = include_bytes!("samples/cmyk.jpg");

/// A colour profile with matrix and gamma: the primaries of Display P3, and 2.2.
///
/// Source: ICC.1:2010, 7.2 (header), 10.5 (curveType), 10.31 (XYZType).
pub(super) fn profile(wide: bool) -> Vec<u8> {
    let fixed = |number: f64| -> [u8; 4] {
        format!("{:.0}", number * 65536.0)
            .parse::<i32>()
            .unwrap()
            .to_be_bytes()
    };
    let xyz =
        |[x, y, z]: [f64; 3]| [b"XYZ \0\0\0\0".to_vec(), [fixed(x), fixed(y), fixed(z)].concat()].concat();
    let [red, green, blue] = if wide {
        [
            [0.5151, 0.2412, -0.0011],
            [0.2919, 0.6922, 0.0419],
            [0.1572, 0.0666, 0.7841],
        ]
    } else {
        [
            [0.4361, 0.2225, 0.0139],
            [0.3851, 0.7169, 0.0971],
            [0.1431, 0.0606, 0.7141],
        ]
    };
    let curve = b"curv\0\0\0\0\0\0\0\x01\x02\x33\0\0".to_vec();
    let tags: Vec<(&[u8; 4], Vec<u8>)> = vec![
        (b"wtpt", xyz([0.9642, 1.0, 0.8249])),
        (b"rXYZ", xyz(red)),
        (b"gXYZ", xyz(green)),
        (b"bXYZ", xyz(blue)),
        (b"rTRC", curve.clone()),
        (b"gTRC", curve.clone()),
        (b"bTRC", curve),
    ];
    let start = 128 + 4 + 12 * tags.len();
    let number = |number: usize| u32::try_from(number).unwrap().to_be_bytes();
    let (mut table, mut data) = (number(tags.len()).to_vec(), Vec::new());
    for (name, content) in &tags {
        table.extend([&name[..], &number(start + data.len()), &number(content.len())].concat());
        data.extend(content);
    }
    let mut header = vec![0; 128];
    header[..4].copy_from_slice(&number(start + data.len()));
    header[8..12].copy_from_slice(&[2, 0x10, 0, 0]);
    header[12..24].copy_from_slice(b"mntrRGB XYZ ");
    header[36..40].copy_from_slice(b"acsp");
    header[68..80].copy_from_slice(&[fixed(0.9642), fixed(1.0), fixed(0.8249)].concat());
    [header, table, data].concat()
}

/// A JPEG with a colour profile.
pub(super) fn with_profile(jpeg: &[u8], profile: &[u8]) -> Vec<u8> {
    with_segment(jpeg, 0xe2, &[b"ICC_PROFILE\0\x01\x01", profile].concat())
}

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
