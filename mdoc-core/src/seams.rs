//! What the core asks of its surroundings: the time, and signatures by keys it does not hold.

mod remote;

use core::fmt;

pub use self::remote::{RemoteKey, SignatureForm, ToSign, raw_signature};
use crate::crypto::{Backend, CryptoError, PublicKey, RustCrypto, SecretKey, SignatureAlgorithm, SigningKey};
use crate::scrub::scrubbed;
use crate::time::Timestamp;

/// Tells the time. The core never asks the system.
pub trait Clock {
    /// The present instant.
    fn now(&self) -> Timestamp;
}

impl Clock for Timestamp {
    /// A clock that stands still, for tests and for judging a document as of some instant.
    fn now(&self) -> Timestamp {
        *self
    }
}

/// Makes signatures with a private key, wherever that key is kept; from several threads at once.
pub trait Signer: Send + Sync {
    /// The public half of the key.
    fn public_key(&self) -> &PublicKey;

    /// The algorithm of [`Signer::sign`]; it fits the curve of the key.
    fn algorithm(&self) -> SignatureAlgorithm {
        // What only agrees on secrets is refused by every signer that there is, and nothing verifies with its key.
        let algorithm = self.public_key().curve().algorithm();
        algorithm.unwrap_or(SignatureAlgorithm::EdDsa)
    }

    /// Signs `to_sign` (not yet hashed) and returns raw `r ‖ s` of fixed length (RFC 9053, 2.1), never DER.
    ///
    /// # Errors
    /// [`SignerError`] if the key's keeper does not sign.
    fn sign(&self, to_sign: &[u8]) -> Result<Vec<u8>, SignerError>;
}

/// Why a key's keeper did not sign.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignerError {
    /// The key is there and cannot be used.
    Crypto(CryptoError),
    /// The keeper (token, service) cannot be reached or refused; its own words, without secrets.
    Refused(String),
    /// The keeper answered with bytes that are no signature of the key's curve.
    BadSignature(CryptoError),
}

impl fmt::Display for SignerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Crypto(_) => f.write_str("the signing key cannot be used"),
            Self::Refused(why) => write!(f, "the keeper of the signing key refused: {why}"),
            Self::BadSignature(_) => f.write_str("the keeper of the signing key returned no valid signature"),
        }
    }
}

impl core::error::Error for SignerError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Crypto(cause) | Self::BadSignature(cause) => Some(cause),
            Self::Refused(_) => None,
        }
    }
}

/// A private key in memory, ready to sign and, on curves that can, to agree on secrets.
pub struct SoftwareKey {
    secret: SecretKey,
    signing: Box<dyn SigningKey>,
}

impl SoftwareKey {
    /// Makes a key ready, with the backend that is always there.
    ///
    /// # Errors
    /// [`CryptoError::BadSecretKey`] if the backend cannot use the key.
    pub fn new(secret: SecretKey) -> Result<Self, CryptoError> {
        Self::with_backend(secret, &RustCrypto)
    }

    /// Makes a key ready with a backend of the caller's choice.
    ///
    /// # Errors
    /// [`CryptoError::BadSecretKey`] if the backend cannot use the key.
    pub fn with_backend(secret: SecretKey, backend: &dyn Backend) -> Result<Self, CryptoError> {
        let signing = scrubbed(|| backend.signing_key(&secret))?;
        Ok(Self { secret, signing })
    }

    /// The private key, for key agreement.
    #[must_use]
    pub const fn secret(&self) -> &SecretKey {
        &self.secret
    }
}

impl Signer for SoftwareKey {
    fn public_key(&self) -> &PublicKey {
        self.secret.public_key()
    }

    fn sign(&self, to_sign: &[u8]) -> Result<Vec<u8>, SignerError> {
        scrubbed(|| self.signing.sign(self.algorithm().digest(), to_sign)).map_err(SignerError::Crypto)
    }
}

impl fmt::Debug for SoftwareKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SoftwareKey({:?})", self.public_key())
    }
}
