use super::*;

const PORTRAIT: &[u8] = include_bytes!("../../../document-formats/samples/portrait.jpg");

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
