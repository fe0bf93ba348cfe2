use std::convert::Infallible;

use rand_chacha::ChaCha20Rng;
use rand_core::{SeedableRng, TryCryptoRng, TryRng};

use super::*;

/// Counts how often it is asked, and may begin with bytes of the test's choice.
struct Counting {
    inner: ChaCha20Rng,
    first: Vec<u8>,
    fills: usize,
    words: usize,
}

impl Counting {
    fn beginning(first: &[u8]) -> Self {
        Self {
            inner: ChaCha20Rng::from_seed([8; 32]),
            first: first.to_vec(),
            fills: 0,
            words: 0,
        }
    }
}

impl TryRng for Counting {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        self.words += 1;
        self.inner.try_next_u32()
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        self.words += 1;
        self.inner.try_next_u64()
    }

    fn try_fill_bytes(&mut self, to: &mut [u8]) -> Result<(), Infallible> {
        self.fills += 1;
        self.inner.try_fill_bytes(to)?;
        for (to, from) in to.iter_mut().zip(self.first.drain(..)) {
            *to = from;
        }
        Ok(())
    }
}

impl TryCryptoRng for Counting {}

#[test]
fn the_generator_is_asked_once_a_document() {
    let mut rng = Counting::beginning(&[]);
    let drawn = Drawn::new(25, 7, &mut rng).unwrap();
    assert_eq!((rng.fills, rng.words), (1, 0));
    assert_eq!(drawn.ids.len(), 32);
    assert_eq!(drawn.salts().count(), 25);
    assert_eq!(drawn.decoys().count(), 7);
    let mut parts: Vec<&[u8]> = drawn.salts().chain(drawn.decoys()).collect();
    parts.sort_unstable();
    parts.dedup();
    assert_eq!(parts.len(), 32, "no bytes are used twice");
    let together: usize = parts.iter().map(|part| part.len()).sum();
    assert_eq!(
        together + 31 * DRAW_LEN,
        drawn.bytes.len(),
        "and none for two purposes"
    );
}

#[test]
fn a_draw_that_would_favour_small_numbers_is_drawn_again() {
    // The largest number there is lies beyond the largest multiple of 3.
    let mut rng = Counting::beginning(&[0xff; 8]);
    let drawn = Drawn::new(3, 0, &mut rng).unwrap();
    assert_eq!((rng.fills, rng.words), (1, 1));
    let mut ids = drawn.ids.clone();
    ids.sort_unstable();
    assert_eq!(ids, [0, 1, 2]);
}

#[test]
fn every_order_is_as_likely_as_any_other() {
    let mut rng = ChaCha20Rng::from_seed([9; 32]);
    let mut seen = std::collections::BTreeMap::new();
    for _ in 0..6000 {
        let drawn = Drawn::new(3, 0, &mut rng).unwrap();
        *seen.entry(drawn.ids).or_insert(0) += 1;
    }
    assert_eq!(seen.len(), 6);
    // 1000 each, with a standard deviation of 29.
    assert!(seen.values().all(|times| (850..1150).contains(times)), "{seen:?}");
}

#[test]
fn more_digests_than_readers_take_are_refused_before_memory_is_taken() {
    for decoys in [MOST_DIGESTS, 2_000_000_000, usize::MAX] {
        let mut rng = Counting::beginning(&[]);
        let refused = Drawn::new(1, decoys, &mut rng).err();
        assert_eq!((refused, rng.fills), (Some(DraftError::TooManyDigests), 0));
    }
}
