//! Of pictures.

use mdoc_issuer::photo::{ImageKind, Wanted, prepare};

use super::{formats, formats_folder, hex};

fn portrait() -> Vec<u8> {
    std::fs::read(formats_folder().join("samples/portrait.jpg")).unwrap()
}

/// Samples of the tests of pictures.
fn samples(ending: &str) -> Vec<Vec<u8>> {
    formats("../issuer/src/photo/samples", ending)
}

pub(crate) fn picture_jpeg() -> Vec<Vec<u8>> {
    let mut all = samples("jpg");
    all.push(integration::world::SMALL_JPEG.to_vec());
    for pixels in [64, 256, 1024] {
        let wanted = Wanted {
            max_pixels: pixels,
            aim_bytes: 600,
            ..Wanted::new(&[ImageKind::Jpeg], 1 << 20)
        };
        if let Ok(prepared) = prepare(&portrait(), &wanted) {
            all.push(prepared.bytes);
        }
    }
    all
}

pub(crate) fn picture_png() -> Vec<Vec<u8>> {
    let mut all = samples("png");
    // Eight pixels by eight: grey, palette, colour with transparency and in rows that are interlaced.
    for (kind, depth, interlace) in [
        (0_u8, 8_u8, 0_u8),
        (0, 1, 1),
        (2, 8, 0),
        (3, 4, 0),
        (4, 8, 1),
        (6, 16, 0),
    ] {
        let channels = [1, 0, 3, 1, 2, 0, 4][usize::from(kind)];
        let row = 1 + (8 * channels * usize::from(depth)).div_ceil(8);
        all.push(png(kind, depth, interlace, 8, &vec![0; row * 16]));
    }
    all
}

/// A square PNG with stored blocks alone, so that a change in its pixels is one in its bytes.
pub(super) fn png(kind: u8, depth: u8, interlace: u8, side: usize, raw: &[u8]) -> Vec<u8> {
    let mut body = vec![0x78, 1, 1];
    let len = u16::try_from(raw.len()).unwrap();
    body.extend(len.to_le_bytes());
    body.extend((!len).to_le_bytes());
    body.extend(raw);
    body.extend([0, 0, 0, 1]);
    let mut out = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut chunk = |name: &[u8; 4], content: &[u8]| {
        out.extend(u32::try_from(content.len()).unwrap().to_be_bytes());
        let start = out.len();
        out.extend(name);
        out.extend(content);
        let sum = crc(&out[start..]);
        out.extend(sum.to_be_bytes());
    };
    let side = u32::try_from(side).unwrap().to_be_bytes();
    let header = [&side[..], &side, &[depth, kind, 0, 0, interlace]].concat();
    chunk(b"IHDR", &header);
    if kind == 3 {
        chunk(b"PLTE", &[0; 48]);
    }
    chunk(b"IDAT", &body);
    chunk(b"IEND", &[]);
    out
}

fn crc(bytes: &[u8]) -> u32 {
    let step = |crc: u32| {
        if crc & 1 == 1 {
            0xedb8_8320 ^ crc >> 1
        } else {
            crc >> 1
        }
    };
    let byte = |crc: u32, byte: &u8| (0..8).fold(crc ^ u32::from(*byte), |crc, _| step(crc));
    !bytes.iter().fold(u32::MAX, byte)
}

pub(crate) fn picture_jpeg2000() -> Vec<Vec<u8>> {
    let mut all = samples("jp2");
    for stream in [
        // SOC, SIZ of one component of 8 by 8, COD, QCD, an empty tile, EOC.
        "ff4fff51002900000000000800000008000000000000000000000008000000080000000000000000000107 0101",
        "ff52000c00000001000104040001 ff5c00042040 ff90000a0000000000000001 ff93ffd9",
    ] {
        all.push(hex(&stream.replace(' ', "")));
    }
    all.push(all[all.len() - 2..].concat());
    all
}
