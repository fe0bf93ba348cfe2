//! How much a message may make its receiver compute: its sender chooses how many keys there are, and on which curves.

use core::sync::atomic::{AtomicU32, Ordering};

use zeroize::Zeroizing;

use super::{Backend, CryptoError, Curve, DigestAlgorithm, Layer, PublicKey, SecretKey};

/// A backend that counts what it verifies and agrees on, for who holds a message to
/// [`Limits::signatures`](crate::limits::Limits::signatures).
pub struct Counted<'a> {
    backend: &'a dyn Backend,
    spent: AtomicU32,
}

impl<'a> Counted<'a> {
    /// Has spent nothing.
    #[must_use]
    pub const fn new(backend: &'a dyn Backend) -> Self {
        Self {
            backend,
            spent: AtomicU32::new(0),
        }
    }

    /// What was spent, in verifications of a signature on P-256.
    #[must_use]
    pub fn spent(&self) -> u32 {
        self.spent.load(Ordering::Relaxed)
    }

    fn spend(&self, curve: Curve) {
        self.spent.fetch_add(cost(curve), Ordering::Relaxed);
    }
}

/// What an operation on a curve counts for, in such on P-256: estimates, held as a whole by the cases of signatures in
/// `benches/run hostile`.
const fn cost(curve: Curve) -> u32 {
    match curve {
        Curve::P256 | Curve::X25519 | Curve::Ed25519 => 1,
        Curve::P384 => 5,
        Curve::P521 => 10,
        Curve::BrainpoolP256r1 => 8,
        Curve::BrainpoolP384r1 => 20,
    }
}

impl Layer for Counted<'_> {
    fn below(&self) -> &dyn Backend {
        self.backend
    }

    fn verify(
        &self,
        key: &PublicKey,
        digest: DigestAlgorithm,
        message: &[&[u8]],
        signature: &[u8],
    ) -> Result<(), CryptoError> {
        self.spend(key.curve());
        self.backend.verify(key, digest, message, signature)
    }

    fn agree(&self, key: &SecretKey, peer: &PublicKey) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        self.spend(peer.curve());
        self.backend.agree(key, peer)
    }
}
