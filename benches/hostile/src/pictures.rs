//! Pictures.

use mdoc_issuer::photo::{self, ImageKind};

use crate::measure::Case;
use crate::{SIZE, streams};

/// All of them.
pub(crate) fn cases(run: &mut dyn FnMut(Case<'_>)) {
    let inspect = |bytes: &[u8]| {
        photo::inspect(bytes)
            .map(|_| String::new())
            .map_err(|error| error.to_string())
    };
    let prepare = |bytes: &[u8]| {
        let wanted = photo::Wanted::new(&[ImageKind::Jpeg], 100_000);
        photo::prepare(bytes, &wanted)
            .map(|_| String::new())
            .map_err(|error| error.to_string())
    };
    for (input, bytes) in hostile() {
        run(Case::new("photo::inspect", input, &bytes, &inspect));
        run(Case::new("photo::prepare", input, &bytes, &prepare));
    }
}

/// Pictures that are none, or far too large.
pub(crate) fn hostile() -> Vec<(&'static str, Vec<u8>)> {
    let padded = |start: &[u8], padding: &[u8]| [start, &padding.repeat(SIZE / padding.len())].concat();
    let jpeg = |width: u16, height: u16| {
        let mut out = vec![0xff, 0xd8, 0xff, 0xe0, 0, 16];
        out.extend_from_slice(b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0");
        out.extend_from_slice(&[0xff, 0xc0, 0, 17, 8]);
        out.extend_from_slice(&height.to_be_bytes());
        out.extend_from_slice(&width.to_be_bytes());
        out.extend_from_slice(&[3, 1, 0x22, 0, 2, 0x11, 1, 3, 0x11, 1]);
        out
    };
    let png = |width: u32, height: u32| {
        let mut out = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
        out.extend_from_slice(&width.to_be_bytes());
        out.extend_from_slice(&height.to_be_bytes());
        out.extend_from_slice(&[8, 2, 0, 0, 0, 0, 0, 0, 0]);
        out
    };
    let j2k = |width: u32, height: u32, tile: u32| {
        let mut out = vec![0xff, 0x4f, 0xff, 0x51, 0, 47, 0, 0];
        for number in [width, height, 0, 0, tile, tile, 0, 0] {
            out.extend_from_slice(&number.to_be_bytes());
        }
        out.extend_from_slice(&[0, 3, 7, 1, 1, 7, 1, 1, 7, 1, 1]);
        out
    };
    vec![
        (
            "a JPEG of 65,535 by 65,535 pixels",
            padded(&jpeg(65_535, 65_535), &[0]),
        ),
        (
            "a JPEG of segments of two bytes",
            padded(&[0xff, 0xd8, 0xff], &[0xe1, 0, 2, 0xff]),
        ),
        ("a JPEG of fill bytes", padded(&[0xff, 0xd8], &[0xff])),
        ("a JPEG of noughts", padded(&[0xff, 0xd8, 0xff], &[0])),
        (
            "a JPEG of thousands of frames",
            padded(&[0xff, 0xd8], &jpeg(600, 800)[20..]),
        ),
        ("a PNG of 2³¹ by 2³¹ pixels", padded(&png(1 << 31, 1 << 31), &[0])),
        (
            "a PNG of 2³¹ − 1 by 1 pixels",
            padded(&png((1 << 31) - 1, 1), &[0]),
        ),
        (
            "a PNG of empty chunks",
            padded(&png(600, 800), b"\0\0\0\0tEXt\0\0\0\0"),
        ),
        (
            "a JPEG 2000 of 2³² by 2³² pixels",
            padded(&j2k(u32::MAX, u32::MAX, u32::MAX), &[0]),
        ),
        (
            "a JPEG 2000 of millions of tiles",
            padded(&j2k(4000, 4000, 1), &[0]),
        ),
        (
            "JPEG 2000 boxes in boxes",
            padded(b"\0\0\0\x0cjP  \r\n\x87\n", b"\0\0\0\x08jp2h"),
        ),
        ("ten million zeros", vec![0; SIZE]),
        (
            "a PNG of empty blocks with the fixed codes",
            compressed_png(&streams::empty_blocks(LARGE)),
        ),
        (
            "a PNG of blocks that are stored and empty",
            compressed_png(&streams::stored_blocks(LARGE)),
        ),
        (
            "a PNG of empty blocks with codes of their own",
            compressed_png(&streams::dynamic_blocks(LARGE)),
        ),
    ]
}

/// Nearly as large as a picture may be.
const LARGE: usize = photo::LARGEST_FILE - 1_000;

/// A PNG of 600 by 800 pixels with that stream in it.
fn compressed_png(blocks: &[u8]) -> Vec<u8> {
    let mut out = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut chunk = |kind: &[u8; 4], data: &[u8]| {
        out.extend_from_slice(&u32::try_from(data.len()).unwrap().to_be_bytes());
        let named = [&kind[..], data].concat();
        out.extend_from_slice(&named);
        out.extend_from_slice(&checksum(&named).to_be_bytes());
    };
    let [width, height] = [600_u32, 800].map(u32::to_be_bytes);
    chunk(b"IHDR", &[&width[..], &height[..], &[8, 2, 0, 0, 0][..]].concat());
    chunk(b"IDAT", &streams::as_zlib(blocks));
    chunk(b"IEND", &[]);
    out
}

/// CRC-32, as PNG has it.
fn checksum(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0xedb8_8320 & 0_u32.wrapping_sub(crc & 1))
        })
    })
}
