//! A status list compressed in pieces, so that a change of one entry costs the compression of one piece.
//!
//! Each piece is a run of deflate blocks that refers to nothing before it and ends on an octet (RFC 1951, 3.2.4: an empty
//! stored block); the pieces one after the other, between the header and the check of RFC 1950, are a zlib stream like any.

use flate2::{Compress, Compression, FlushCompress, Status};
use mdoc_core::status::StatusList;

use super::PublishError;

/// The level of zlib: the highest ones cost ten times as much for a few bytes less.
const LEVEL: u32 = 6;
/// The octets of a piece. Smaller ones compress worse, larger ones take longer.
const PIECE: usize = 16 * 1024;
/// Deflate with a window of 32 kilobytes, the default level, no dictionary.
const HEADER: [u8; 2] = [0x78, 0x9c];
/// A last block, with fixed codes and nothing in it.
const LAST: [u8; 2] = [0x03, 0x00];
/// The modulus of Adler-32.
const MODULUS: u32 = 65_521;

/// A list, and its pieces as they were compressed last.
pub(super) struct Packed {
    list: StatusList,
    pieces: Vec<Option<Piece>>,
}

struct Piece {
    compressed: Vec<u8>,
    check: Check,
    length: usize,
}

impl Packed {
    pub(super) fn new(list: StatusList) -> Self {
        let mut pieces = Vec::new();
        pieces.resize_with(list.as_bytes().len().div_ceil(PIECE), || None);
        Self { list, pieces }
    }

    pub(super) const fn list(&self) -> &StatusList {
        &self.list
    }

    /// Changes an entry.
    pub(super) fn set(&mut self, place: u64, status: u8) -> Result<(), PublishError> {
        if self.list.get(place) == Some(status) {
            return Ok(());
        }
        let done = self.list.set(place, status);
        done.map_err(|why| PublishError::Build(why.to_string()))?;
        let octet = place.saturating_mul(u64::from(self.list.bits().count())) / 8;
        let piece = usize::try_from(octet).unwrap_or(usize::MAX) / PIECE;
        if let Some(piece) = self.pieces.get_mut(piece) {
            *piece = None;
        }
        Ok(())
    }

    /// The list in zlib's format; only what changed is compressed again.
    pub(super) fn compressed(&mut self) -> Result<Vec<u8>, PublishError> {
        let (mut out, mut check) = (HEADER.to_vec(), Check::EMPTY);
        for (piece, octets) in self.pieces.iter_mut().zip(self.list.as_bytes().chunks(PIECE)) {
            let piece = match piece {
                Some(piece) => piece,
                none => none.insert(compress(octets)?),
            };
            out.extend_from_slice(&piece.compressed);
            check = check.followed_by(piece.check, piece.length);
        }
        out.extend_from_slice(&LAST);
        out.extend_from_slice(&check.value().to_be_bytes());
        Ok(out)
    }
}

fn compress(octets: &[u8]) -> Result<Piece, PublishError> {
    let broken = || PublishError::Build("it was not compressed".to_owned());
    let mut deflate = Compress::new(Compression::new(LEVEL), false);
    let mut compressed = Vec::with_capacity(octets.len() + octets.len() / 8 + 64);
    let mut left = octets;
    loop {
        let before = deflate.total_in();
        let status = deflate
            .compress_vec(left, &mut compressed, FlushCompress::Sync)
            .map_err(|_| broken())?;
        let taken = usize::try_from(deflate.total_in() - before).unwrap_or_default();
        left = left.get(taken..).ok_or_else(broken)?;
        // With room left over, the flush is complete.
        if left.is_empty() && compressed.len() < compressed.capacity() {
            break;
        }
        if status == Status::StreamEnd {
            return Err(broken());
        }
        compressed.reserve(octets.len().max(64));
    }
    compressed.shrink_to_fit();
    Ok(Piece {
        compressed,
        check: Check::of(octets),
        length: octets.len(),
    })
}

/// Adler-32 (RFC 1950, 8): the sum of the octets and one, and the sum of these sums.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Check {
    sum: u32,
    sums: u32,
}

impl Check {
    const EMPTY: Self = Self { sum: 1, sums: 0 };

    fn of(octets: &[u8]) -> Self {
        // So many octets of 255 do not overflow the sum of sums.
        const AT_ONCE: usize = 5552;
        let mut check = Self::EMPTY;
        for octets in octets.chunks(AT_ONCE) {
            for octet in octets {
                check.sum += u32::from(*octet);
                check.sums += check.sum;
            }
            check.sum %= MODULUS;
            check.sums %= MODULUS;
        }
        check
    }

    /// The check of both parts, the second of which has that length: each of its sums grows by what the first part summed
    /// up to, less the one that the second began with.
    fn followed_by(self, next: Self, length: usize) -> Self {
        let length = u32::try_from(length % 65_521).unwrap_or_default();
        let before = (self.sum + MODULUS - 1) % MODULUS;
        let grown = u64::from(before) * u64::from(length) % u64::from(MODULUS);
        let grown = u32::try_from(grown).unwrap_or_default();
        Self {
            sum: (before + next.sum) % MODULUS,
            sums: (self.sums + next.sums + grown) % MODULUS,
        }
    }

    const fn value(self) -> u32 {
        self.sums << 16 | self.sum
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use flate2::read::ZlibDecoder;
    use mdoc_core::status::Bits;
    use rand_chacha::ChaCha20Rng;
    use rand_core::{Rng, SeedableRng};

    use super::*;

    fn inflated(bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        // It checks the sum at the end.
        ZlibDecoder::new(bytes).read_to_end(&mut out).unwrap();
        out
    }

    #[test]
    fn whatever_changed_the_stream_is_that_of_the_list() {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        for (bits, size) in [
            (Bits::One, 8),
            (Bits::Two, 1 << 20),
            (Bits::One, 1_000_003),
            (Bits::Eight, 40_000),
        ] {
            let mut packed = Packed::new(StatusList::new(bits, size).unwrap());
            assert_eq!(inflated(&packed.compressed().unwrap()), packed.list().as_bytes());
            for changes in [1, 1, 2, 5000, 1] {
                for _ in 0..changes {
                    let place = rng.next_u64() % size;
                    let status = u8::try_from(rng.next_u32() % (1 << bits.count())).unwrap();
                    packed.set(place, status).unwrap();
                    assert_eq!(packed.list().get(place), Some(status));
                }
                assert_eq!(inflated(&packed.compressed().unwrap()), packed.list().as_bytes());
            }
            assert!(packed.set(packed.list().entries() + 8, 1).is_err());
        }
    }

    #[test]
    fn a_change_compresses_one_piece_and_no_change_none() {
        let mut packed = Packed::new(StatusList::new(Bits::Two, 1 << 20).unwrap());
        packed.compressed().unwrap();
        let stale = |packed: &Packed| packed.pieces.iter().filter(|piece| piece.is_none()).count();
        assert_eq!((packed.pieces.len(), stale(&packed)), (16, 0));
        packed.set(77, 0).unwrap();
        assert_eq!(stale(&packed), 0);
        packed.set(77, 2).unwrap();
        packed.set(78, 1).unwrap();
        assert!(packed.pieces[0].is_none());
        assert_eq!(stale(&packed), 1);
        packed.set((1 << 20) - 1, 1).unwrap();
        assert!(packed.pieces[15].is_none());
    }

    #[test]
    fn what_does_not_compress_is_whole_as_well() {
        let mut rng = ChaCha20Rng::seed_from_u64(2);
        let mut octets = vec![0; PIECE];
        rng.fill_bytes(&mut octets);
        let piece = compress(&octets).unwrap();
        let mut stream = HEADER.to_vec();
        stream.extend_from_slice(&piece.compressed);
        stream.extend_from_slice(&LAST);
        stream.extend_from_slice(&piece.check.value().to_be_bytes());
        assert_eq!(inflated(&stream), octets);
    }
}
