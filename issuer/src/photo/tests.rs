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
    let scan = PORTRAIT.windows(2).position(|pair| pair == [0xff, 0xda]).unwrap();
    let cuts = (scan..PORTRAIT.len() - 16).step_by(151);
    for at in cuts.chain([300, scan + 2, scan + 14]) {
        let mut cut = PORTRAIT[..at].to_vec();
        cut.extend_from_slice(JPEG_END);
        assert_eq!(inspect(&cut), Err(PhotoError::Undecodable), "at {at}");
    }
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
fn a_picture_is_whole_for_its_brightness_if_it_is_for_its_colours() {
    use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
    let (width, height) = (73_u16, 95_u16);
    let noise = |at: u32| at.wrapping_mul(2_654_435_761).to_be_bytes()[0];
    let pixels: Vec<u8> = (0..3 * u32::from(width) * u32::from(height)).map(noise).collect();
    for sampling in [
        SamplingFactor::F_1_1,
        SamplingFactor::F_2_1,
        SamplingFactor::F_1_2,
        SamplingFactor::F_2_2,
    ] {
        for (progressive, restart) in [(false, 0), (false, 5), (true, 0)] {
            let mut file = Vec::new();
            let mut encoder = Encoder::new(&mut file, 30);
            encoder.set_sampling_factor(sampling);
            encoder.set_progressive(progressive);
            encoder.set_restart_interval(restart);
            encoder.encode(&pixels, width, height, ColorType::Rgb).unwrap();
            assert!(jpeg::decodes(&file), "{sampling:?} {progressive} {restart}");
            let full =
                |bytes: &[u8]| jpeg::decoder(bytes).is_some_and(|mut decoder| decoder.decode().is_ok());
            // The library reads some bytes ahead: of the last ones it does not notice that they are missing.
            for at in (2..file.len()).step_by(17) {
                let mut damaged = file.clone();
                damaged[at] ^= noise(u32::try_from(at).unwrap()) | 1;
                let ended = [&file[..at], JPEG_END].concat();
                for bytes in [&damaged[..], &file[..at], &ended] {
                    let what = format!("{sampling:?} {progressive} {restart} at {at} of {}", file.len());
                    assert_eq!(jpeg::decodes(bytes), full(bytes), "{what}");
                }
                assert!(
                    progressive || at + 64 > file.len() || !jpeg::decodes(&ended),
                    "cut at {at} of {}",
                    file.len()
                );
            }
        }
    }
}

#[test]
fn metadata_go_and_pixels_stay() {
    let pixels = |bytes: &[u8]| jpeg::decoder(bytes).unwrap().decode().unwrap();
    let plain = jpeg::strip(PORTRAIT).unwrap().bytes;
    let gps = samples::with_segment(PORTRAIT, 0xe1, b"Exif\0\0II*\0\x08\0\0\0\0\0 GPS 52.09 N");
    let noisy = samples::with_segment(&gps, 0xfe, b"a comment");
    let noisy = [&noisy, PORTRAIT].concat(); // a second picture behind the first, as cameras write it
    let stripped = jpeg::strip(&noisy).unwrap().bytes;
    assert_eq!(stripped, plain);
    assert!(!stripped.windows(3).any(|bytes| bytes == b"GPS"));
    assert_eq!(pixels(&stripped), pixels(&noisy));
    assert_eq!(inspect(&stripped), inspect(PORTRAIT));
    for end in 0..PORTRAIT.len().min(700) {
        assert_eq!(jpeg::strip(&PORTRAIT[..end]).err(), Some(PhotoError::Truncated));
    }
}

/// A box of a JP2 file.
fn jp2_box(name: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len() + 8).unwrap();
    [&length.to_be_bytes(), name, content].concat()
}

#[test]
fn jpeg_2000_is_decoded() {
    let photo = Photo {
        kind: ImageKind::Jpeg2000,
        pixels: Some((90, 120)),
    };
    assert_eq!(inspect(samples::JP2), Ok(photo));
    assert_eq!(inspect(samples::J2K), Ok(photo));
    for bad in [
        JP2_SIGNATURE,
        JPEG_2000_CODESTREAM,
        &samples::JP2[..samples::JP2.len() - 1],
        &samples::jpeg_2000(480, 600),
    ] {
        assert_eq!(inspect(bad), Err(PhotoError::Undecodable));
    }
    let endless = [JP2_SIGNATURE, &[0, 0, 0, 1], b"free", &[0xff; 8]].concat();
    assert_eq!(inspect(&endless), Err(PhotoError::Undecodable));
    assert_eq!(inspect(&samples::jpeg_2000(0, 600)), Err(PhotoError::Undecodable));
    assert!(matches!(
        inspect(&samples::jpeg_2000(70_000, 600)),
        Err(PhotoError::TooManyPixels { .. })
    ));
}

#[test]
fn a_jpeg_2000_of_a_million_tiles_is_refused_before_it_is_decoded() {
    let mut tiles = samples::J2K.to_vec();
    tiles[8..16].copy_from_slice(&[0, 0, 4, 0, 0, 0, 4, 0]); // 1024 by 1024 pixels
    tiles[24..32].copy_from_slice(&[0, 0, 0, 1, 0, 0, 0, 1]); // in tiles of one
    assert_eq!(inspect(&tiles), Err(PhotoError::Undecodable));
}

#[test]
fn boxes_and_comments_with_metadata_go_from_a_jpeg_2000_and_pixels_stay() {
    let (stripped, _) = (jpeg2000::strip(samples::JP2).unwrap(), ());
    let at = samples::JP2.windows(4).position(|name| name == b"jp2h").unwrap() - 4;
    let xml = jp2_box(b"xml ", b"<gps>52.09 N</gps>");
    let noisy = [
        &samples::JP2[..at],
        &xml,
        &samples::JP2[at..],
        &jp2_box(b"uuid", &[7; 40]),
    ]
    .concat();
    assert_eq!(jpeg2000::strip(&noisy).unwrap(), stripped);
    assert!(!stripped.windows(4).any(|name| name == b"xml " || name == b"uuid"));
    // OpenJPEG names itself in a comment.
    let names_itself = |bytes: &[u8]| bytes.windows(8).any(|name| name == b"OpenJPEG");
    assert!(names_itself(samples::J2K));
    let bare = jpeg2000::strip(samples::J2K).unwrap();
    assert!(!names_itself(&bare) && !names_itself(&stripped));
    let pixels = |bytes: &[u8]| decode::jpeg_2000(bytes).unwrap().pixels.rgb().to_vec();
    assert_eq!(pixels(&bare), pixels(samples::J2K));
    assert_eq!(pixels(&stripped), pixels(samples::JP2));
}

#[test]
fn what_was_prepared_is_not_decoded_again_and_anything_else_is() {
    let prepared = prepare(PORTRAIT, &Wanted::new(&[ImageKind::Jpeg], 1 << 20)).unwrap();
    let mut decoded = Decoded::default();
    decoded.note(&prepared);
    assert_eq!(decoded.inspect(&prepared.bytes), inspect(&prepared.bytes));

    // A picture that does not decode passes only if it was noted: so it is the note that spares the work.
    let start = jpeg::Frame::find(PORTRAIT).map(|frame| (frame.width, frame.height));
    let scan = PORTRAIT.windows(2).position(|pair| pair == [0xff, 0xda]).unwrap();
    let broken = [&PORTRAIT[..scan], JPEG_END].concat();
    assert_eq!(decoded.inspect(&broken), Err(PhotoError::Undecodable));
    let noted = Prepared {
        bytes: broken.clone(),
        ..prepared.clone()
    };
    decoded.note(&noted);
    assert_eq!(decoded.inspect(&broken).map(|photo| photo.pixels), Ok(start));

    // Of JPEG 2000 nothing is taken on trust.
    let mut decoded = Decoded::default();
    decoded.note(&Prepared {
        kind: ImageKind::Jpeg2000,
        ..noted
    });
    assert_eq!(decoded.inspect(&broken), Err(PhotoError::Undecodable));
}
