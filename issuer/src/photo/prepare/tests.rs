use super::super::{decode, jpeg, samples};
use super::*;
use png::Transformations;
use proptest::prelude::*;

const PORTRAIT: &[u8] = include_bytes!("../../../../document-formats/samples/portrait.jpg");

const RED: [u8; 3] = [200, 30, 30];
const GREEN: [u8; 3] = [30, 160, 40];
const BLUE: [u8; 3] = [30, 40, 180];
const WHITE: [u8; 3] = [255, 255, 255];

fn jpeg_only() -> Wanted {
    Wanted::new(&[ImageKind::Jpeg], 100_000)
}

fn either() -> Wanted {
    Wanted::new(&[ImageKind::Jpeg, ImageKind::Jpeg2000], 100_000)
}

/// The colours in the middle of the four quarters: above left and right, below left and right.
fn quarters(picture: &[u8]) -> [[u8; 3]; 4] {
    let decoded = decode::jpeg(picture, true).unwrap().pixels;
    let (width, height) = (decoded.width(), decoded.height());
    [(1, 1), (3, 1), (1, 3), (3, 3)].map(|(x, y)| {
        let at = 3 * (y * height / 4 * width + x * width / 4);
        decoded.rgb()[at..at + 3].try_into().unwrap()
    })
}

#[track_caller]
fn assert_near(found: [[u8; 3]; 4], expected: [[u8; 3]; 4], tolerance: u8) {
    let near = found
        .iter()
        .flatten()
        .zip(expected.iter().flatten())
        .all(|(a, b)| a.abs_diff(*b) <= tolerance);
    assert!(near, "{found:?} is not {expected:?}");
}

#[test]
fn what_is_as_it_should_be_stays_to_the_byte() {
    for picture in [PORTRAIT, &jpeg2000::strip(samples::JP2).unwrap()] {
        let prepared = prepare(picture, &either()).unwrap();
        assert_eq!(prepared.bytes, picture);
        assert_eq!(prepared.changes, []);
    }
    let noisy = samples::with_segment(PORTRAIT, 0xe1, b"Exif\0\0II*\0\x08\0\0\0\0\0 GPS 52.09 N");
    let prepared = prepare(&noisy, &either()).unwrap();
    assert_eq!(prepared.bytes, PORTRAIT);
    assert_eq!(prepared.changes, [Change::MetadataRemoved]);
    assert_eq!((prepared.width, prepared.height), (360, 480));
    // A colour profile that is sRGB for the eye is metadata, too.
    let srgb = samples::with_profile(PORTRAIT, &samples::profile(false));
    let prepared = prepare(&srgb, &either()).unwrap();
    assert!(
        prepared.bytes == PORTRAIT || prepared.changes.contains(&Change::ColoursConverted),
        "{:?}",
        prepared.changes
    );
    // Bytes behind the end, as some cameras write them.
    let prepared = prepare(&[PORTRAIT, &[0; 10]].concat(), &either()).unwrap();
    assert_eq!(prepared.bytes, PORTRAIT);
}

#[test]
fn png_and_jpeg_2000_become_jpeg_with_the_same_colours() {
    let converted = |from| Change::Converted {
        from,
        to: ImageKind::Jpeg,
    };
    for (picture, from) in [
        (samples::QUADRANTS_PNG, "PNG"),
        (samples::PALETTE_PNG, "PNG"),
        (samples::QUADRANTS_JP2, "JPEG 2000"),
    ] {
        let prepared = prepare(picture, &jpeg_only()).unwrap();
        assert_eq!(prepared.kind, ImageKind::Jpeg);
        assert_eq!(
            prepared.changes,
            [converted(from), Change::Compressed { quality: 90 }]
        );
        assert_near(quarters(&prepared.bytes), [RED, GREEN, BLUE, WHITE], 8);
        // Baseline in one scan, and nothing but what decoding needs.
        let scans = prepared.bytes.windows(2).filter(|marker| *marker == [0xff, 0xda]);
        assert_eq!(scans.count(), 1);
        assert!(prepared.bytes.windows(2).any(|marker| marker == [0xff, 0xc0]));
        assert_eq!(jpeg::strip(&prepared.bytes).unwrap().bytes, prepared.bytes);
    }
}

#[test]
fn grey_pictures_stay_grey() {
    let luma = |[r, g, b]: [u8; 3]| {
        let y = (299 * u32::from(r) + 587 * u32::from(g) + 114 * u32::from(b)) / 1000;
        [u8::try_from(y).unwrap(); 3]
    };
    let expected = [RED, GREEN, BLUE, WHITE].map(luma);
    for picture in [samples::GREY_PNG, samples::GREY_JP2] {
        let prepared = prepare(picture, &jpeg_only()).unwrap();
        assert_near(quarters(&prepared.bytes), expected, 6);
        let frame = prepared
            .bytes
            .windows(2)
            .position(|marker| marker == [0xff, 0xc0])
            .unwrap();
        assert_eq!(prepared.bytes[frame + 9], 1, "one component");
    }
    let ramp = prepare(samples::SIXTEEN_BIT_PNG, &jpeg_only()).unwrap();
    assert_near(quarters(&ramp.bytes), [[65; 3], [195; 3], [65; 3], [195; 3]], 6);
}

#[test]
fn what_is_transparent_becomes_white() {
    let half_blue = BLUE.map(|channel| u8::try_from((u16::from(channel) + 255) / 2).unwrap());
    for picture in [samples::TRANSPARENT_PNG, samples::TRANSPARENT_JP2] {
        let prepared = prepare(picture, &jpeg_only()).unwrap();
        assert!(prepared.changes.contains(&Change::Flattened));
        assert_near(quarters(&prepared.bytes), [RED, GREEN, half_blue, WHITE], 8);
    }
}

#[test]
fn four_inks_become_the_right_colours_and_it_is_said() {
    let prepared = prepare(samples::CMYK_JPEG, &jpeg_only()).unwrap();
    assert!(prepared.changes.contains(&Change::InksConverted));
    assert_near(quarters(&prepared.bytes), [RED, GREEN, BLUE, WHITE], 12);
    // Without Adobe's segment nobody knows which way round the inks are.
    let at = samples::CMYK_JPEG
        .windows(5)
        .position(|name| name == b"Adobe")
        .unwrap();
    let mut unknown = samples::CMYK_JPEG.to_vec();
    unknown[at] = b'B';
    let prepared = prepare(&unknown, &jpeg_only()).unwrap();
    assert!(prepared.changes.contains(&Change::ColoursUnknown));
}

#[test]
fn a_wide_colour_profile_is_applied_and_not_just_dropped() {
    let plain = prepare(samples::QUADRANTS_PNG, &jpeg_only()).unwrap().bytes;
    let wide = samples::with_profile(&plain, &samples::profile(true));
    let prepared = prepare(&wide, &jpeg_only()).unwrap();
    assert!(prepared.changes.contains(&Change::ColoursConverted));
    let [red, green, _, white] = quarters(&prepared.bytes);
    // The same numbers mean stronger colours in a wide space: more red in red, less red in green.
    assert!(
        red[0] > RED[0] + 8 && green[0] < GREEN[0] - 8,
        "{red:?} {green:?}"
    );
    assert!(white.iter().all(|channel| *channel > 250), "{white:?}");
    // One that cannot be understood is told.
    let broken = samples::with_profile(&plain, &samples::profile(true)[..200]);
    let prepared = prepare(&broken, &jpeg_only()).unwrap();
    assert!(prepared.changes.contains(&Change::ColoursUnknown));
}

#[test]
fn each_of_the_eight_orientations_becomes_upright() {
    // How the quadrants are stored, by EXIF 2.32, tag 274.
    for (orientation, stored) in [
        (1, [RED, GREEN, BLUE, WHITE]),
        (2, [GREEN, RED, WHITE, BLUE]),
        (3, [WHITE, BLUE, GREEN, RED]),
        (4, [BLUE, WHITE, RED, GREEN]),
        (5, [RED, BLUE, GREEN, WHITE]),
        (6, [GREEN, WHITE, RED, BLUE]),
        (7, [WHITE, GREEN, BLUE, RED]),
        (8, [BLUE, RED, WHITE, GREEN]),
    ] {
        let across = orientation >= 5;
        let (width, height) = if across { (64, 96) } else { (96, 64) };
        let mut rgb = Vec::new();
        for y in 0..height {
            for x in 0..width {
                rgb.extend(stored[2 * (2 * y / height) + 2 * x / width]);
            }
        }
        let mut file = Vec::new();
        let mut encoder = jpeg_encoder::Encoder::new(&mut file, 95);
        encoder.set_optimized_huffman_tables(false);
        encoder
            .encode(
                &rgb,
                u16::try_from(width).unwrap(),
                u16::try_from(height).unwrap(),
                jpeg_encoder::ColorType::Rgb,
            )
            .unwrap();
        let turned = samples::turned(&file, u8::try_from(orientation).unwrap());
        let prepared = prepare(&turned, &jpeg_only()).unwrap();
        assert_eq!((prepared.width, prepared.height), (96, 64), "{orientation}");
        assert_near(quarters(&prepared.bytes), [RED, GREEN, BLUE, WHITE], 10);
        let said = Change::Turned { orientation };
        assert_eq!(prepared.changes.contains(&said), orientation != 1);
    }
}

#[test]
fn a_picture_is_scaled_to_its_limits_and_keeps_its_shape() {
    let wanted = Wanted {
        max_pixels: 20_000,
        ..jpeg_only()
    };
    let prepared = prepare(PORTRAIT, &wanted).unwrap();
    assert_eq!((prepared.width, prepared.height), (122, 162));
    assert!(prepared.changes.contains(&Change::Scaled {
        from: (360, 480),
        to: (122, 162)
    }));
    for max_bytes in [6000, 3000, 1500] {
        let prepared = prepare(PORTRAIT, &Wanted::new(&[ImageKind::Jpeg], max_bytes)).unwrap();
        assert!(prepared.bytes.len() <= max_bytes);
        assert!(inspect_size(&prepared) && prepared.width >= 48);
    }
    assert_eq!(
        prepare(PORTRAIT, &Wanted::new(&[ImageKind::Jpeg], 300)),
        Err(PhotoError::DoesNotFit { max_bytes: 300 })
    );
}

fn inspect_size(prepared: &Prepared) -> bool {
    super::super::inspect(&prepared.bytes).unwrap().pixels == Some((prepared.width, prepared.height))
}

#[test]
fn what_is_prepared_keeps_the_limits_of_the_gate() {
    // Few pixels, and a side that no document has: it is scaled, and not let pass to be refused by the gate.
    let mut narrow = Vec::new();
    let mut encoder = png::Encoder::new(&mut narrow, 9520, 32);
    encoder.set_color(png::ColorType::Grayscale);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&[90; 9520 * 32]).unwrap();
    writer.finish().unwrap();
    let prepared = prepare(&narrow, &jpeg_only()).unwrap();
    assert_eq!((prepared.width, prepared.height), (5000, 16));
    assert!(inspect_size(&prepared));
}

#[test]
fn sizes_within_a_number_of_pixels() {
    for (size, most) in [
        ((4000, 3000), 480_000),
        ((3000, 4000), 480_000),
        ((12_000, 1), 2500),
        ((1, 12_000), 2500),
        ((601, 800), 480_000),
        ((700, 700), 1),
    ] {
        let (width, height) = within(size, most);
        assert!(width >= 1 && height >= 1 && width * height <= usize::try_from(most).unwrap());
    }
    assert_eq!(within((9520, 32), 480_000), (5000, 16));
    assert_eq!(within((1, 12_000), 480_000), (1, 5000));
    assert_eq!(within((4000, 3000), 480_000), (800, 600));
    assert_eq!(within((600, 800), 480_000), (600, 800));
}

#[test]
fn a_palette_that_is_no_whole_number_of_colours_is_refused() {
    let with = |palette: usize| {
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, 4, 4);
        encoder.set_color(png::ColorType::Indexed);
        encoder.set_palette(vec![7; palette]);
        let mut writer = encoder.write_header().unwrap();
        writer.write_image_data(&[0; 16]).unwrap();
        writer.finish().unwrap();
        // The library would panic at it, which is caught elsewhere.
        let taken = decode::png_reader(&file, Transformations::normalize_to_color8()).is_some();
        let prepared = prepare(&file, &jpeg_only());
        assert_eq!(taken, prepared.is_ok(), "{palette}");
        prepared
    };
    for whole in [3, 6, 768] {
        assert!(with(whole).is_ok(), "{whole}");
    }
    for broken in [1, 4, 5, 7, 766, 767, 769, 771, 1000] {
        assert_eq!(with(broken), Err(PhotoError::Undecodable), "{broken}");
    }
}

#[test]
fn what_cannot_be_made_is_said() {
    let only_2000 = Wanted::new(&[ImageKind::Jpeg2000], 100_000);
    let error = PhotoError::CannotMake {
        kind: ImageKind::Jpeg2000,
    };
    for picture in [PORTRAIT, samples::QUADRANTS_PNG] {
        assert_eq!(prepare(picture, &only_2000), Err(error.clone()));
    }
    assert!(prepare(samples::JP2, &only_2000).is_ok());
    assert_eq!(prepare(b"", &either()), Err(PhotoError::Empty));
    assert_eq!(prepare(b"iVBORw0KGgo=", &either()), Err(PhotoError::Base64Text));
    assert_eq!(prepare(b"GIF89a", &either()), Err(PhotoError::NotAnImage));
    assert_eq!(prepare(&PORTRAIT[..4000], &either()), Err(PhotoError::Truncated));
}

#[test]
fn bombs_are_refused_by_their_header() {
    let mut png = samples::QUADRANTS_PNG.to_vec();
    png[16..24].copy_from_slice(&[0, 0, 0x75, 0x30, 0, 0, 0x75, 0x30]);
    assert_eq!(
        prepare(&png, &either()),
        Err(PhotoError::TooManyPixels {
            width: 30_000,
            height: 30_000
        })
    );
    let mut jpeg = PORTRAIT.to_vec();
    let frame = jpeg.windows(2).position(|pair| pair == [0xff, 0xc0]).unwrap();
    jpeg[frame + 5..frame + 9].copy_from_slice(&[0xff; 4]);
    assert!(matches!(
        prepare(&jpeg, &either()),
        Err(PhotoError::TooManyPixels { .. })
    ));
    assert_eq!(
        prepare(&vec![0xff; LARGEST_INPUT + 1], &either()),
        Err(PhotoError::FileTooLarge { limit: LARGEST_INPUT })
    );
}

/// Every kind of file that is read.
fn files() -> Vec<Vec<u8>> {
    let small = prepare(samples::QUADRANTS_PNG, &jpeg_only()).unwrap().bytes;
    let wide = samples::with_profile(&small, &samples::profile(true));
    [
        small.as_slice(),
        &wide,
        samples::CMYK_JPEG,
        samples::JP2,
        samples::J2K,
        samples::TRANSPARENT_JP2,
        samples::GREY_JP2,
        samples::PALETTE_PNG,
        samples::TRANSPARENT_PNG,
        samples::SIXTEEN_BIT_PNG,
    ]
    .map(<[u8]>::to_vec)
    .to_vec()
}

#[test]
fn a_picture_whose_last_bits_are_few_is_whole() {
    // As high as nothing is: the data of the JPEG that is made of it end in short codes, beyond which a decoder looks.
    let mut high = samples::GREY_JP2.to_vec();
    high[99] = 26;
    let prepared = prepare(&high, &jpeg_only()).unwrap();
    assert_eq!((prepared.width, prepared.height), (35, 5000));
    assert!(inspect_size(&prepared));
    // And without its last bytes it is not.
    let end = prepared.bytes.len() - super::super::JPEG_END.len();
    for missing in 1..60 {
        let cut = [&prepared.bytes[..end - missing], super::super::JPEG_END].concat();
        assert_eq!(
            super::super::inspect(&cut),
            Err(PhotoError::Undecodable),
            "{missing} bytes are missing"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn damage_anywhere_is_a_result_and_never_a_panic(
        file in 0..10_usize,
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in proptest::option::weighted(0.2, any::<prop::sample::Index>()),
    ) {
        let mut bytes = files().swap_remove(file);
        for (at, value) in damage {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        if let Ok(prepared) = prepare(&bytes, &jpeg_only()) {
            prop_assert!(prepared.bytes.len() <= 100_000);
            prop_assert!(inspect_size(&prepared));
        }
    }
}
