//! zlib streams (RFC 1950) and bare DEFLATE (RFC 1951) whose size is known before room is made for it.

use core::fmt;

use miniz_oxide::inflate::TINFLStatus as State;
use miniz_oxide::inflate::core::inflate_flags::{
    TINFL_FLAG_PARSE_ZLIB_HEADER as ZLIB, TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF as WHOLE,
};
use miniz_oxide::inflate::core::{DecompressorOxide, decompress};

/// Neither header nor checksum.
const BARE: u32 = 0;

/// As far back as a stream may refer (RFC 1951, 2).
const WINDOW: usize = 32 << 10;

/// Why a stream was not inflated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadStream {
    /// It inflates to more than is wanted.
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
/// stream that becomes too long costs no memory, and the time of `limit` bytes.
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
    let (mut rest, mut at, mut len) = (stream, 0, 0_usize);
    loop {
        let (status, read, written) = decompress(&mut state, rest, &mut window, at, form);
        rest = rest.get(read..).unwrap_or_default();
        len = len.saturating_add(written);
        at = (at + written) % WINDOW;
        if len > limit {
            return Err(BadStream::TooLarge);
        }
        match status {
            State::Done if rest.is_empty() => return Ok(len),
            // Each turn writes something, so that there are no more than `limit` of them.
            State::HasMoreOutput if written > 0 => {}
            _ => return Err(BadStream::Malformed),
        }
    }
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
