//! zlib streams (RFC 1950) and bare DEFLATE (RFC 1951) whose size is known before room is made for it.

use core::fmt;

use miniz_oxide::inflate::TINFLStatus as State;
use miniz_oxide::inflate::core::inflate_flags::{
    TINFL_FLAG_PARSE_ZLIB_HEADER as ZLIB, TINFL_FLAG_STOP_ON_BLOCK_BOUNDARY as BLOCKS,
    TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF as WHOLE,
};
use miniz_oxide::inflate::core::{DecompressorOxide, decompress};

/// Neither header nor checksum.
const BARE: u32 = 0;

/// As far back as a stream may refer (RFC 1951, 2).
const WINDOW: usize = 32 << 10;

/// The most blocks of a stream. Usual compressors put 16 KiB and more into one, and those that end pieces of 16 KiB put an
/// empty one behind each.
pub const MOST_BLOCKS: usize = 4_096;

/// The most blocks with codes, fixed ones or their own. One with nothing in it takes ten bits, and longer to prepare for
/// than thousands of bytes to inflate.
pub const MOST_CODED: usize = 2_200;

/// Why a stream was not inflated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadStream {
    /// It inflates to more than is wanted, or has more blocks than [`MOST_BLOCKS`] or [`MOST_CODED`].
    TooLarge,
    /// It is no such stream, its checksum is wrong, or something comes after it.
    Malformed,
}

impl fmt::Display for BadStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLarge => "what is compressed is larger than is taken",
            Self::Malformed => "what is compressed cannot be read",
        })
    }
}

impl core::error::Error for BadStream {}

/// Inflates a zlib stream that becomes at most `limit` bytes.
///
/// The stream is gone through twice: the first time into a window of 32 KiB to learn how long it becomes. So a
/// stream that becomes too long costs no memory, and the time of `limit` bytes and [`MOST_BLOCKS`].
///
/// # Errors
/// [`BadStream`].
pub fn zlib(stream: &[u8], limit: usize) -> Result<Vec<u8>, BadStream> {
    inflate(stream, limit, ZLIB)
}

/// Like [`zlib`], for DEFLATE without header and checksum.
///
/// # Errors
/// [`BadStream`].
pub fn deflate(stream: &[u8], limit: usize) -> Result<Vec<u8>, BadStream> {
    inflate(stream, limit, BARE)
}

fn inflate(stream: &[u8], limit: usize, form: u32) -> Result<Vec<u8>, BadStream> {
    let len = inflated_len(stream, limit, form)?;
    let mut out = vec![0; len];
    let mut state = Box::<DecompressorOxide>::default();
    match decompress(&mut state, stream, &mut out, 0, form | WHOLE) {
        (State::Done, _, written) if written == len => Ok(out),
        _ => Err(BadStream::Malformed),
    }
}

/// The length that a stream inflates to, its checksum checked if it has one.
fn inflated_len(stream: &[u8], limit: usize, form: u32) -> Result<usize, BadStream> {
    let mut state = Box::<DecompressorOxide>::default();
    let mut window = vec![0; WINDOW];
    let (mut rest, mut at, mut len, mut blocks, mut coded) = (stream, 0, 0_usize, 1, 1);
    loop {
        let (status, read, written) = decompress(&mut state, rest, &mut window, at, form | BLOCKS);
        rest = rest.get(read..).unwrap_or_default();
        len = len.saturating_add(written);
        at = (at + written) % WINDOW;
        if len > limit {
            return Err(BadStream::TooLarge);
        }
        match status {
            State::Done if rest.is_empty() => return Ok(len),
            // Each turn writes something or ends a block, so that there are no more than `limit` and `MOST_BLOCKS` of them.
            State::HasMoreOutput if written > 0 => {}
            State::BlockBoundary => {
                blocks += 1;
                coded += usize::from(!is_stored(&state, rest));
                if blocks > MOST_BLOCKS || coded > MOST_CODED {
                    return Err(BadStream::TooLarge);
                }
            }
            _ => return Err(BadStream::Malformed),
        }
    }
}

/// Whether the block that comes next is stored as it is: a bit that says whether it is the last one, then two noughts
/// (RFC 1951, 3.2.3).
fn is_stored(state: &DecompressorOxide, rest: &[u8]) -> bool {
    let next = u16::from(rest.first().copied().unwrap_or_default());
    let (bits, count) = state
        .block_boundary_state()
        .map_or((0, 0), |begun| (u16::from(begun.bit_buf), begun.num_bits));
    (bits | next << count) >> 1 & 0b11 == 0
}

#[cfg(test)]
mod tests {
    use miniz_oxide::deflate::compress_to_vec_zlib;

    use super::*;

    #[test]
    fn streams_come_back_at_every_size_about_the_window() {
        for len in [0, 1, WINDOW - 1, WINDOW, WINDOW + 1, 3 * WINDOW, 200_000] {
            let bytes: Vec<u8> = (0..len).map(|i| u8::try_from(i * i % 251).unwrap()).collect();
            for level in [0, 1, 9] {
                let stream = compress_to_vec_zlib(&bytes, level);
                assert_eq!(zlib(&stream, len).as_deref(), Ok(bytes.as_slice()), "{len}");
                if len > 0 {
                    assert_eq!(zlib(&stream, len - 1), Err(BadStream::TooLarge), "{len}");
                }
            }
        }
    }

    #[test]
    fn blocks_with_nothing_in_them_are_taken_until_there_are_too_many() {
        // Stored and empty, then the last one with the fixed codes and empty.
        let of = |blocks: usize| [[0, 0, 0, 0xff, 0xff].repeat(blocks - 1), vec![0x03, 0x00]].concat();
        assert_eq!(deflate(&of(MOST_BLOCKS), 0), Ok(Vec::new()));
        assert_eq!(deflate(&of(MOST_BLOCKS + 1), 1000), Err(BadStream::TooLarge));
        // Four with the fixed codes in five bytes.
        let fixed = [[0x02, 0x08, 0x20, 0x80, 0x00].repeat(1_000_000), vec![0x03, 0x00]].concat();
        assert_eq!(deflate(&fixed, 1000), Err(BadStream::TooLarge));
        let fixed =
            |count: usize| [[0x02, 0x08, 0x20, 0x80, 0x00].repeat(count / 4), vec![0x03, 0x00]].concat();
        assert_eq!(deflate(&fixed(MOST_CODED - 4), 0), Ok(Vec::new()));
        assert_eq!(deflate(&fixed(MOST_CODED), 0), Err(BadStream::TooLarge));
    }

    #[test]
    fn pieces_of_16_kib_that_end_in_an_empty_block_are_taken_up_to_16_mib() {
        // As the issuing service makes them: what is coded, then a block that is stored and empty.
        let piece: Vec<u8> = (0..16 << 10)
            .map(|at| u8::try_from(at * at % 251).unwrap())
            .collect();
        let mut one = miniz_oxide::deflate::core::CompressorOxide::new(
            miniz_oxide::deflate::core::create_comp_flags_from_zip_params(6, 0, 0),
        );
        let mut packed = vec![0; 32 << 10];
        let (_, _, written) = miniz_oxide::deflate::core::compress(
            &mut one,
            &piece,
            &mut packed,
            miniz_oxide::deflate::core::TDEFLFlush::Full,
        );
        let stream = [packed[..written].repeat(1024), vec![0x03, 0x00]].concat();
        assert_eq!(deflate(&stream, 16 << 20), Ok(piece.repeat(1024)));
    }

    #[test]
    fn what_is_no_stream_or_more_than_one_is_malformed() {
        let good = compress_to_vec_zlib(b"some bytes, some bytes", 9);
        let malformed = |stream: &[u8]| assert_eq!(zlib(stream, 1000), Err(BadStream::Malformed));
        malformed(&[]);
        for len in 0..good.len() {
            malformed(&good[..len]);
        }
        malformed(&[good.as_slice(), &[0]].concat());
        let bare = &good[2..good.len() - 4];
        malformed(bare); // DEFLATE without zlib
        assert_eq!(deflate(bare, 1000).as_deref(), Ok(&b"some bytes, some bytes"[..]));
        assert_eq!(deflate(bare, 21), Err(BadStream::TooLarge));
        assert_eq!(deflate(&good, 1000), Err(BadStream::Malformed));
        let mut checksum = good.clone();
        *checksum.last_mut().unwrap() ^= 1;
        malformed(&checksum);
    }
}
