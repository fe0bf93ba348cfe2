//! What is random in a document: digest IDs, salts, and digests of nothing.

use crate::crypto::CryptoRng;
use crate::issue::{DraftError, MOST_DIGESTS, SALT_LEN};

/// Bytes that each draw of a digest ID takes.
const DRAW_LEN: usize = 8;
/// Bytes drawn for a digest of nothing, of which as many are used as a digest has.
const DECOY_LEN: usize = 64;

/// The randomness of one document, all of it asked for in one call.
pub(super) struct Drawn {
    /// The numbers below the number of digests in random order: first those of the elements, then those of the decoys.
    pub(super) ids: Vec<u32>,
    /// The draws of the IDs, the salts and the decoys, one after the other.
    bytes: Vec<u8>,
    elements: usize,
}

impl Drawn {
    /// Draws for as many elements and as many digests without one.
    ///
    /// # Errors
    /// [`DraftError::TooManyDigests`].
    pub(super) fn new(elements: usize, decoys: usize, rng: &mut dyn CryptoRng) -> Result<Self, DraftError> {
        let count = elements
            .checked_add(decoys)
            .filter(|count| *count <= MOST_DIGESTS)
            .ok_or(DraftError::TooManyDigests)?;
        let mut bytes = vec![0; DRAW_LEN * draws(count) + SALT_LEN * elements + DECOY_LEN * decoys];
        rng.fill_bytes(&mut bytes);
        let mut ids: Vec<u32> = (0..).take(count).collect();
        shuffle(&mut ids, bytes.as_chunks().0, rng);
        Ok(Self { ids, bytes, elements })
    }

    /// A salt for each element.
    pub(super) fn salts(&self) -> impl Iterator<Item = &[u8]> {
        let (salts, _) = self
            .after_draws()
            .split_at_checked(self.elements * SALT_LEN)
            .unwrap_or_default();
        salts.chunks_exact(SALT_LEN)
    }

    /// For each digest without an element at least as many random bytes as a digest has.
    pub(super) fn decoys(&self) -> impl Iterator<Item = &[u8]> {
        let decoys = self.after_draws().get(self.elements * SALT_LEN..);
        decoys.unwrap_or_default().chunks_exact(DECOY_LEN)
    }

    fn after_draws(&self) -> &[u8] {
        self.bytes
            .get(DRAW_LEN * draws(self.ids.len())..)
            .unwrap_or_default()
    }
}

/// How many draws bring so many numbers into random order: the last place of all follows from the others.
const fn draws(count: usize) -> usize {
    count.saturating_sub(1)
}

/// Fisher and Yates: every order is as likely as any other.
fn shuffle(ids: &mut [u32], draws: &[[u8; DRAW_LEN]], rng: &mut dyn CryptoRng) {
    for (last, draw) in (1..ids.len()).rev().zip(draws) {
        let bound = u64::try_from(last).unwrap_or(u64::MAX - 1) + 1;
        let mut candidate = u64::from_le_bytes(*draw);
        // Candidates beyond the largest multiple of the bound would favour small numbers. Next to none are.
        while candidate >= u64::MAX - u64::MAX % bound {
            candidate = rng.next_u64();
        }
        ids.swap(last, usize::try_from(candidate % bound).unwrap_or(0));
    }
}

#[cfg(test)]
mod tests;
