//! Nonces that nobody keeps: each says when it was made, and that this service made it. Which were used is kept, until they
//! would be too old anyway.

use mdoc_core::crypto::{CryptoRng, equal_in_constant_time};
use mdoc_core::time::Timestamp;
use mdoc_openid::jose::{base64url, from_base64url};

use crate::secrets::{Purpose, Secrets};

/// How long a nonce is good, in seconds.
pub const LIFETIME: i64 = 300;
/// By how many seconds the clocks of two nodes may differ.
const SKEW: i64 = 60;

/// What a nonce is for; one is never taken for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Proofs of possession of a document's key: `c_nonce`.
    Proof,
    /// Proofs of DPoP (RFC 9449, 8).
    Dpop,
    /// Proofs of client attestations.
    Challenge,
}

impl Kind {
    const fn purpose(self) -> Purpose {
        match self {
            Self::Proof => Purpose::Nonce,
            Self::Dpop => Purpose::DpopNonce,
            Self::Challenge => Purpose::Challenge,
        }
    }
}

const TIME: usize = 8;
const RANDOM: usize = 16;
const TAG: usize = 16;

/// A new nonce.
#[must_use]
pub fn new(secrets: &Secrets, kind: Kind, now: Timestamp, rng: &mut dyn CryptoRng) -> String {
    let mut random = [0; RANDOM];
    rng.fill_bytes(&mut random);
    let mut nonce = Vec::with_capacity(TIME + RANDOM + TAG);
    nonce.extend_from_slice(&now.unix().to_be_bytes());
    nonce.extend_from_slice(&random);
    let tag = secrets.digest(kind.purpose(), &[&nonce]);
    nonce.extend_from_slice(tag.get(..TAG).unwrap_or_default());
    base64url(&nonce)
}

/// Until when a nonce is good; none if this service did not make it, or it is not good any more.
#[must_use]
pub fn good_until(secrets: &Secrets, kind: Kind, now: Timestamp, nonce: &str) -> Option<Timestamp> {
    let nonce = from_base64url(nonce).filter(|nonce| nonce.len() == TIME + RANDOM + TAG)?;
    let (made, tag) = nonce.split_at_checked(TIME + RANDOM)?;
    let expected = secrets.digest(kind.purpose(), &[made]);
    if !equal_in_constant_time(expected.get(..TAG)?, tag) {
        return None;
    }
    let made = i64::from_be_bytes(made.first_chunk().copied()?);
    let until = Timestamp::from_unix(made.saturating_add(LIFETIME));
    (made <= now.unix() + SKEW && now <= until).then_some(until)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    #[test]
    fn a_nonce_is_good_for_five_minutes_at_the_service_that_made_it() {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let (ours, theirs) = (Secrets::generate(&mut rng), Secrets::generate(&mut rng));
        let at = |seconds: i64| Timestamp::from_unix(1_000_000 + seconds);
        let nonce = new(&ours, Kind::Proof, at(0), &mut rng);
        assert_ne!(nonce, new(&ours, Kind::Proof, at(0), &mut rng));
        assert_eq!(good_until(&ours, Kind::Proof, at(0), &nonce), Some(at(300)));
        assert_eq!(good_until(&ours, Kind::Proof, at(300), &nonce), Some(at(300)));
        assert_eq!(good_until(&ours, Kind::Proof, at(301), &nonce), None);
        // Another node may be behind.
        assert_eq!(good_until(&ours, Kind::Proof, at(-SKEW), &nonce), Some(at(300)));
        assert_eq!(good_until(&ours, Kind::Proof, at(-SKEW - 1), &nonce), None);
        assert_eq!(good_until(&theirs, Kind::Proof, at(0), &nonce), None);
        for other in [Kind::Dpop, Kind::Challenge] {
            assert_eq!(good_until(&ours, other, at(0), &nonce), None);
        }
        let mut changed = nonce.clone().into_bytes();
        changed[5] = if changed[5] == b'A' { b'B' } else { b'A' };
        assert_eq!(
            good_until(&ours, Kind::Proof, at(0), core::str::from_utf8(&changed).unwrap()),
            None
        );
        for bad in ["", "x", "AAAA", &"A".repeat(10_000)] {
            assert_eq!(good_until(&ours, Kind::Proof, at(0), bad), None);
        }
    }
}
