//! Pictures for tests.

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
