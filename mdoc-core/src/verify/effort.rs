//! How much a message may make its receiver compute: its sender chooses how many keys there are, and on which curves.

use core::sync::atomic::{AtomicU32, Ordering};

use zeroize::Zeroizing;

use crate::crypto::{Backend, CryptoError, Curve, Digest, DigestAlgorithm, PublicKey, SecretKey, SigningKey};

/// A backend that counts what it verifies and agrees on.
pub(super) struct Counted<'a> {
    backend: &'a dyn Backend,
    spent: AtomicU32,
}

impl<'a> Counted<'a> {
    pub(super) const fn new(backend: &'a dyn Backend) -> Self {
        Self {
            backend,
            spent: AtomicU32::new(0),
        }
    }

    /// What was spent, in verifications of a signature on P-256.
    pub(super) fn spent(&self) -> u32 {
        self.spent.load(Ordering::Relaxed)
    }

    fn spend(&self, curve: Curve) {
        self.spent.fetch_add(cost(curve), Ordering::Relaxed);
    }
}

/// What an operation on a curve costs, in such on P-256: of the two backends the larger ratio, rounded up.
const fn cost(curve: Curve) -> u32 {
    match curve {
        Curve::P256 | Curve::X25519 | Curve::Ed25519 => 1,
        Curve::P384 => 5,
        Curve::P521 => 10,
        Curve::BrainpoolP256r1 => 8,
        Curve::BrainpoolP384r1 => 20,
    }
}

impl Backend for Counted<'_> {
    fn digest(&self, algorithm: DigestAlgorithm, parts: &[&[u8]]) -> Digest {
        self.backend.digest(algorithm, parts)
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

    fn signing_key(&self, key: &SecretKey) -> Result<Box<dyn SigningKey>, CryptoError> {
        self.backend.signing_key(key)
    }

    fn agree(&self, key: &SecretKey, peer: &PublicKey) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        self.spend(peer.curve());
        self.backend.agree(key, peer)
    }

    fn hkdf_sha256(&self, secret: &[u8], salt: &[u8], info: &[u8]) -> Zeroizing<[u8; 32]> {
        self.backend.hkdf_sha256(secret, salt, info)
    }

    fn hmac_sha256(&self, key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
        self.backend.hmac_sha256(key, parts)
    }

    fn seal(&self, key: &[u8; 32], iv: &[u8; 12], plaintext: &[u8]) -> Vec<u8> {
        self.backend.seal(key, iv, plaintext)
    }

    fn open(&self, key: &[u8; 32], iv: &[u8; 12], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        self.backend.open(key, iv, sealed)
    }
}
