//! Compressed streams: what is small and becomes large, or takes long to become nothing.

use mdoc_core::inflate::{MOST_CODED, deflate, zlib};
use mdoc_core::status::LARGEST_LIST;
use miniz_oxide::deflate::{compress_to_vec, compress_to_vec_zlib};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng as _, SeedableRng as _};

use crate::SIZE;
use crate::cbor::Decode;
use crate::measure::{Answer, Case};

/// Blocks of DEFLATE with the fixed codes and nothing in them, ten bits each; the last one says so.
pub(crate) fn empty_blocks(size: usize) -> Vec<u8> {
    // 0, 01 and seven noughts, the lowest bit first: four blocks in five bytes.
    let mut out = [0x02, 0x08, 0x20, 0x80, 0x00].repeat(size / 5);
    out.extend_from_slice(&[0x03, 0x00]);
    out
}

/// Blocks that are stored and empty.
pub(crate) fn stored_blocks(size: usize) -> Vec<u8> {
    let mut out = [0, 0, 0, 0xff, 0xff].repeat(size / 5);
    out.extend_from_slice(&[0x03, 0x00]);
    out
}

/// Blocks with codes of their own and nothing in them.
pub(crate) fn dynamic_blocks(size: usize) -> Vec<u8> {
    let mut bits = Bits::default();
    while bits.out.len() < size {
        bits.dynamic(false);
    }
    bits.dynamic(true);
    bits.out.push(bits.last);
    bits.out
}

/// Bits, the lowest of a byte first.
#[derive(Default)]
struct Bits {
    out: Vec<u8>,
    last: u8,
    count: u32,
}

impl Bits {
    fn push(&mut self, value: u32, count: u32) {
        for bit in 0..count {
            self.last |= u8::from(value >> bit & 1 == 1) << self.count;
            self.count += 1;
            if self.count == 8 {
                self.out.push(std::mem::take(&mut self.last));
                self.count = 0;
            }
        }
    }

    /// 257 codes of which the last has one bit, one distance without a code.
    fn dynamic(&mut self, last: bool) {
        self.push(u32::from(last), 1);
        self.push(2, 2);
        self.push(0, 5);
        self.push(0, 5);
        self.push(14, 4);
        // Lengths of the codes of lengths, in the order 16, 17, 18, 0, 8, 7, …, 1: for 18, 0 and 1.
        for symbol in [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1] {
            self.push(
                match symbol {
                    18 => 1,
                    0 | 1 => 2,
                    _ => 0,
                },
                3,
            );
        }
        // 256 noughts, in two runs; then one bit; then no distance.
        self.push(0, 1);
        self.push(138 - 11, 7);
        self.push(0, 1);
        self.push(118 - 11, 7);
        self.push(0b11, 2);
        self.push(0b01, 2);
        // The end of the block.
        self.push(0, 1);
    }
}

/// A stream with the head of zlib and the checksum of nothing.
pub(crate) fn as_zlib(blocks: &[u8]) -> Vec<u8> {
    [&[0x78, 0x9c], blocks, &[0, 0, 0, 1]].concat()
}

/// All of it.
pub(crate) fn cases(run: &mut dyn FnMut(Case<'_>)) {
    let said = |inflated: Result<Vec<u8>, mdoc_core::inflate::BadStream>| -> Answer {
        inflated
            .map(|bytes| format!("{} bytes", bytes.len()))
            .map_err(|error| error.to_string())
    };
    let whole = |bytes: &[u8]| said(zlib(bytes, LARGEST_LIST));
    let bare = |bytes: &[u8]| said(deflate(bytes, LARGEST_LIST));
    let decoders: [(&str, &Decode<'_>, bool); 2] = [
        ("inflate::zlib", &whole, true),
        ("inflate::deflate", &bare, false),
    ];
    // As much as a signed list may have.
    let mut noise = vec![0; 4 << 20];
    ChaCha20Rng::from_seed([4; 32]).fill_bytes(&mut noise);
    for (decoder, decode, headed) in decoders {
        let packed = |bytes: &[u8]| {
            if headed {
                compress_to_vec_zlib(bytes, 1)
            } else {
                compress_to_vec(bytes, 1)
            }
        };
        let blocks = |blocks: Vec<u8>| if headed { as_zlib(&blocks) } else { blocks };
        for (input, bytes) in [
            ("64 MB of noughts", packed(&vec![0; 64 << 20])),
            (
                "16 MiB of noughts, as much as is taken",
                packed(&vec![0; LARGEST_LIST]),
            ),
            ("4 MiB that do not get smaller", packed(&noise)),
            (
                "millions of empty blocks with the fixed codes",
                blocks(empty_blocks(SIZE)),
            ),
            (
                "millions of blocks that are stored and empty",
                blocks(stored_blocks(SIZE)),
            ),
            (
                "empty blocks with codes of their own",
                blocks(dynamic_blocks(SIZE)),
            ),
            (
                "as many empty blocks as are taken",
                blocks(empty_blocks((MOST_CODED - 4) / 4 * 5)),
            ),
            ("ten million noughts", vec![0; SIZE]),
        ] {
            let case = Case::new(decoder, input, &bytes, decode).decided();
            run(if bytes.len() < SIZE { case.small() } else { case });
        }
    }
}
