//! Positions in a status list: each used once, and neighbours not told apart from strangers.

use mdoc_core::mso::{Status, StatusListReference};
use sha2::{Digest as _, Sha256};

const ROUNDS: u8 = 8;

/// The positions of a batch in a status list.
///
/// Record and copy decide the position, so that a batch that is resumed gives out the same ones, and a position is
/// never given twice; that of a record with faults stays unused. A keyed permutation spreads them: the
/// copies of a person are not side by side, which would link them.
#[derive(Debug, Clone)]
pub struct Places {
    uri: String,
    from: u64,
    count: u64,
    /// Bits of each half of a number below `count`.
    half: u32,
    key: [u8; 32],
}

impl Places {
    /// The `count` positions beginning with `from`; `None` if there are none, or more than there can be.
    #[must_use]
    pub fn new(uri: &str, from: u64, count: u64, key: [u8; 32]) -> Option<Self> {
        // The largest number of JSON that every reader takes.
        let end = from.checked_add(count)?;
        if count == 0 || end > 1 << 53 {
            return None;
        }
        let bits = (u64::BITS - (count - 1).leading_zeros()).max(2);
        Some(Self {
            uri: uri.to_owned(),
            from,
            count,
            half: bits.div_ceil(2),
            key,
        })
    }

    /// The position of the document with this number among all of the batch, from 0; `None` beyond the last.
    #[must_use]
    pub fn index(&self, number: u64) -> Option<u64> {
        if number >= self.count {
            return None;
        }
        // A permutation of a slightly larger range, walked until it is within: on average four steps at most.
        let mut at = self.permuted(number);
        while at >= self.count {
            at = self.permuted(at);
        }
        Some(self.from + at)
    }

    /// As a member of the MSO.
    #[must_use]
    pub fn status(&self, index: u64) -> Status {
        Status {
            status_list: Some(StatusListReference {
                index,
                uri: self.uri.clone(),
                certificate: None,
            }),
            ..Status::default()
        }
    }

    /// A Feistel network over twice `half` bits.
    fn permuted(&self, number: u64) -> u64 {
        let mask = (1_u64 << self.half) - 1;
        let (mut left, mut right) = (number >> self.half, number & mask);
        for round in 0..ROUNDS {
            let digest = Sha256::new()
                .chain_update(self.key)
                .chain_update([round])
                .chain_update(right.to_be_bytes())
                .finalize();
            let mixed = digest
                .iter()
                .take(8)
                .fold(0, |sum: u64, byte| sum << 8 | u64::from(*byte));
            (left, right) = (right, left ^ (mixed & mask));
        }
        left << self.half | right
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_position_is_given_once_and_always_the_same() {
        for count in [1, 2, 3, 5, 16, 17, 1000, 4097] {
            let places = Places::new("https://s.example/1", 100, count, [7; 32]).unwrap();
            let given: BTreeSet<u64> = (0..count).map(|number| places.index(number).unwrap()).collect();
            assert_eq!(u64::try_from(given.len()).unwrap(), count);
            assert!(given.iter().all(|index| (100..100 + count).contains(index)));
            assert_eq!(places.index(count), None);
        }
        let same = |key| {
            let places = Places::new("https://s.example/1", 0, 1000, key).unwrap();
            (0..1000)
                .map(|number| places.index(number).unwrap())
                .collect::<Vec<_>>()
        };
        assert_eq!(same([1; 32]), same([1; 32]));
        assert_ne!(same([1; 32]), same([2; 32]));
        assert!(Places::new("x", 1 << 53, 1, [0; 32]).is_none() && Places::new("x", 0, 0, [0; 32]).is_none());
    }

    #[test]
    fn copies_of_a_person_are_not_neighbours() {
        let places = Places::new("https://s.example/1", 0, 10_000, [9; 32]).unwrap();
        let neighbours = (0..9_999)
            .filter(|number| {
                places
                    .index(*number)
                    .unwrap()
                    .abs_diff(places.index(number + 1).unwrap())
                    == 1
            })
            .count();
        // By chance it is two in ten thousand.
        assert!(neighbours < 20, "{neighbours}");
    }
}
