//! Backends that lie over another one.

use zeroize::Zeroizing;

use super::{Backend, CryptoError, Digest, DigestAlgorithm, PublicKey, SecretKey, SigningKey};

/// A backend that lies over another one, to count or to remember what is asked for most dearly: signatures that are verified,
/// and agreements. Everything else is passed on.
pub trait Layer: Send + Sync {
    /// The backend below.
    fn below(&self) -> &dyn Backend;

    /// As [`Backend::verify`]; passed on unless it is written.
    ///
    /// # Errors
    /// As there.
    fn verify(
        &self,
        key: &PublicKey,
        digest: DigestAlgorithm,
        message: &[&[u8]],
        signature: &[u8],
    ) -> Result<(), CryptoError> {
        self.below().verify(key, digest, message, signature)
    }

    /// As [`Backend::agree`]; passed on unless it is written.
    ///
    /// # Errors
    /// As there.
    fn agree(&self, key: &SecretKey, peer: &PublicKey) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        self.below().agree(key, peer)
    }
}

impl<L: Layer> Backend for L {
    fn digest(&self, algorithm: DigestAlgorithm, parts: &[&[u8]]) -> Digest {
        self.below().digest(algorithm, parts)
    }

    fn verify(
        &self,
        key: &PublicKey,
        digest: DigestAlgorithm,
        message: &[&[u8]],
        signature: &[u8],
    ) -> Result<(), CryptoError> {
        Layer::verify(self, key, digest, message, signature)
    }

    fn signing_key(&self, key: &SecretKey) -> Result<Box<dyn SigningKey>, CryptoError> {
        self.below().signing_key(key)
    }

    fn agree(&self, key: &SecretKey, peer: &PublicKey) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        Layer::agree(self, key, peer)
    }

    fn hkdf_sha256(&self, secret: &[u8], salt: &[u8], info: &[u8]) -> Zeroizing<[u8; 32]> {
        self.below().hkdf_sha256(secret, salt, info)
    }

    fn hmac_sha256(&self, key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
        self.below().hmac_sha256(key, parts)
    }

    fn seal(&self, key: &[u8; 32], iv: &[u8; 12], plaintext: &[u8]) -> Vec<u8> {
        self.below().seal(key, iv, plaintext)
    }

    fn open(&self, key: &[u8; 32], iv: &[u8; 12], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        self.below().open(key, iv, sealed)
    }
}
