//! What the standard needs of cryptography, as a seam, with RustCrypto behind it.
//!
//! [`Backend`] is the one trait through which digests, signatures, key agreement and encryption are
//! done. [`RustCrypto`] is always there; with the feature `aws-lc` the faster `AwsLc` stands beside it, and
//! [`fastest`] is the one to take. Randomness is not part of the trait: it comes in as a
//! [`rand_core::CryptoRng`] wherever it is needed.

#[cfg(feature = "aws-lc")]
mod aws_lc;
mod effort;
mod layer;
mod rustcrypto;
#[cfg(test)]
mod tests;

use core::fmt;
use core::hash::{Hash, Hasher};

pub use rand_core::CryptoRng;
use zeroize::Zeroizing;

#[cfg(feature = "aws-lc")]
pub use self::aws_lc::{AwsLc, AwsLcRandom, NoRandomness};
pub use self::effort::Counted;
pub use self::layer::Layer;
pub use self::rustcrypto::RustCrypto;
use crate::scrub::scrubbed;

/// The curves of ISO/IEC 18013-5 (2021 edition, Table 22) that this crate computes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Curve {
    /// NIST P-256 (secp256r1).
    P256,
    /// NIST P-384 (secp384r1).
    P384,
    /// NIST P-521 (secp521r1).
    P521,
    /// X25519 (RFC 7748): key agreement only.
    X25519,
    /// Ed25519: signatures only.
    Ed25519,
    /// brainpoolP256r1 (RFC 5639).
    BrainpoolP256r1,
    /// brainpoolP384r1 (RFC 5639).
    BrainpoolP384r1,
}

impl Curve {
    /// All of them, in the order of their COSE numbers.
    pub const ALL: [Self; 7] = [
        Self::P256,
        Self::P384,
        Self::P521,
        Self::X25519,
        Self::Ed25519,
        Self::BrainpoolP256r1,
        Self::BrainpoolP384r1,
    ];

    /// Those with signatures.
    pub const SIGNING: [Self; 6] = [
        Self::P256,
        Self::P384,
        Self::P521,
        Self::Ed25519,
        Self::BrainpoolP256r1,
        Self::BrainpoolP384r1,
    ];

    /// Whether keys on it can agree on a secret: all but Ed25519.
    #[must_use]
    pub const fn agrees(self) -> bool {
        !matches!(self, Self::Ed25519)
    }

    /// Whether a public key is one octet string (`OKP` of RFC 9053, 7.2, and RFC 8037) and not two coordinates.
    #[must_use]
    pub const fn is_octet_string(self) -> bool {
        matches!(self, Self::X25519 | Self::Ed25519)
    }

    /// Length in bytes of a coordinate and of a private scalar.
    #[must_use]
    pub const fn field_len(self) -> usize {
        match self {
            Self::P256 | Self::X25519 | Self::Ed25519 | Self::BrainpoolP256r1 => 32,
            Self::P384 | Self::BrainpoolP384r1 => 48,
            Self::P521 => 66,
        }
    }

    /// Length in bytes of a raw signature (`r ‖ s`, or that of RFC 8032).
    #[must_use]
    pub const fn signature_len(self) -> usize {
        2 * self.field_len()
    }

    /// Whether a raw signature has the length of this curve's.
    const fn length_of_signature(self, signature: &[u8]) -> Result<(), CryptoError> {
        let (found, expected) = (signature.len(), self.signature_len());
        if found == expected {
            Ok(())
        } else {
            Err(CryptoError::SignatureLength { found, expected })
        }
    }

    /// The signature algorithm that issuing and presenting use with a key on this curve; none if it has no signatures.
    #[must_use]
    pub const fn algorithm(self) -> Option<SignatureAlgorithm> {
        Some(match self {
            Self::P256 | Self::BrainpoolP256r1 => SignatureAlgorithm::Es256,
            Self::P384 | Self::BrainpoolP384r1 => SignatureAlgorithm::Es384,
            Self::P521 => SignatureAlgorithm::Es512,
            Self::Ed25519 => SignatureAlgorithm::EdDsa,
            Self::X25519 => return None,
        })
    }
}

impl fmt::Display for Curve {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::P256 => "P-256",
            Self::P384 => "P-384",
            Self::P521 => "P-521",
            Self::X25519 => "X25519",
            Self::Ed25519 => "Ed25519",
            Self::BrainpoolP256r1 => "brainpoolP256r1",
            Self::BrainpoolP384r1 => "brainpoolP384r1",
        })
    }
}

/// A member of the SHA-2 family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DigestAlgorithm {
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

impl DigestAlgorithm {
    /// Length of a digest in bytes.
    #[must_use]
    pub const fn output_len(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }

    /// The name in `digestAlgorithm` of the MSO.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "SHA-256",
            Self::Sha384 => "SHA-384",
            Self::Sha512 => "SHA-512",
        }
    }

    /// The algorithm of that exact name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Sha256, Self::Sha384, Self::Sha512]
            .into_iter()
            .find(|hash| hash.name() == name)
    }
}

/// A digest of up to 64 bytes, without an allocation.
#[derive(Debug, Clone, Copy)]
pub struct Digest {
    bytes: [u8; 64],
    len: usize,
}

impl Digest {
    /// Takes the output of a hash function; anything beyond 64 bytes is cut off.
    #[must_use]
    #[inline]
    pub fn new(output: &[u8]) -> Self {
        let mut bytes = [0; 64];
        let len = output.len().min(64);
        if let (Some(to), Some(from)) = (bytes.get_mut(..len), output.get(..len)) {
            to.copy_from_slice(from);
        }
        Self { bytes, len }
    }
}

impl AsRef<[u8]> for Digest {
    fn as_ref(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

/// The signature algorithms of RFC 9053 that this crate emits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SignatureAlgorithm {
    /// ECDSA with SHA-256, −7.
    Es256,
    /// ECDSA with SHA-384, −35.
    Es384,
    /// ECDSA with SHA-512, −36.
    Es512,
    /// Edwards-curve signatures, −8.
    EdDsa,
}

impl SignatureAlgorithm {
    /// The digest that ECDSA is computed over; for EdDSA the one inside, never used from outside.
    #[must_use]
    pub const fn digest(self) -> DigestAlgorithm {
        match self {
            Self::Es256 => DigestAlgorithm::Sha256,
            Self::Es384 => DigestAlgorithm::Sha384,
            Self::Es512 | Self::EdDsa => DigestAlgorithm::Sha512,
        }
    }
}

impl fmt::Display for SignatureAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::Es512 => "ES512",
            Self::EdDsa => "EdDSA",
        })
    }
}

/// What went wrong in a cryptographic operation. Says nothing of the values involved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum CryptoError {
    /// The bytes are no point of the curve, or the point at infinity.
    BadPublicKey,
    /// The bytes are no private key of the curve.
    BadSecretKey,
    /// A signature has the wrong length; raw `r ‖ s` of the curve is expected.
    SignatureLength {
        /// Bytes received.
        found: usize,
        /// Bytes that the curve asks for.
        expected: usize,
    },
    /// A signature is not the DER sequence of two positive integers that fit the curve.
    SignatureEncoding,
    /// The signature was not made over this message by this key.
    BadSignature,
    /// The two keys are on different curves, or on one without key agreement.
    CurveMismatch,
    /// The keys agree on zero, whatever the private one is: the public one has a small order (RFC 7748, 6.1).
    ZeroSecret,
    /// The key is on a curve that has no signatures.
    NoSignatures,
    /// The authentication tag of a ciphertext does not verify.
    BadTag,
}

impl fmt::Display for CryptoError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadPublicKey => f.write_str("the public key is not a point of its curve"),
            Self::BadSecretKey => f.write_str("the private key is not one of its curve"),
            Self::SignatureLength { found, expected } => {
                write!(
                    f,
                    "the signature has {found} bytes where raw r and s have {expected}"
                )
            }
            Self::SignatureEncoding => f.write_str("the signature is not encoded as it should be"),
            Self::BadSignature => f.write_str("the signature does not verify"),
            Self::CurveMismatch => f.write_str("the keys are not on one curve that can agree on a secret"),
            Self::ZeroSecret => f.write_str("the public key agrees on zero with every private key"),
            Self::NoSignatures => f.write_str("a key on this curve agrees on secrets and signs nothing"),
            Self::BadTag => f.write_str("the ciphertext does not authenticate"),
        }
    }
}

impl core::error::Error for CryptoError {}

/// A public key whose point was checked to be on its curve.
///
/// Two of them are compared in constant time: that is how a private key is told to belong to a certificate.
#[derive(Clone, Eq)]
pub struct PublicKey {
    curve: Curve,
    /// `04 ‖ x ‖ y`, or the 32 bytes of X25519 and Ed25519.
    bytes: Vec<u8>,
}

impl PublicKey {
    /// Takes a SEC1 point (compressed or not), or the 32 bytes of an X25519 or Ed25519 key.
    ///
    /// Any 32 bytes are a key of X25519 (RFC 7748, 5); those of small order show when they agree on zero.
    ///
    /// # Errors
    /// [`CryptoError::BadPublicKey`] if it is no point of that curve.
    pub fn from_bytes(curve: Curve, bytes: &[u8]) -> Result<Self, CryptoError> {
        rustcrypto::normalise_point(curve, bytes).map(|bytes| Self { curve, bytes })
    }

    /// The curve of the key.
    #[must_use]
    pub const fn curve(&self) -> Curve {
        self.curve
    }

    /// `04 ‖ x ‖ y` of a curve with two coordinates, or the 32 bytes of X25519 and Ed25519.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The coordinates, each of [`Curve::field_len`] bytes; X25519 and Ed25519 have only the first.
    #[must_use]
    pub fn coordinates(&self) -> (&[u8], Option<&[u8]>) {
        if self.curve.is_octet_string() {
            return (&self.bytes, None);
        }
        let (x, y) = self
            .bytes
            .get(1..)
            .unwrap_or_default()
            .split_at(self.curve.field_len());
        (x, Some(y))
    }
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.curve == other.curve && equal_in_constant_time(&self.bytes, &other.bytes)
    }
}

impl Hash for PublicKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.curve.hash(state);
        self.bytes.hash(state);
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.curve)
    }
}

/// A private scalar of a curve (of X25519 as RFC 7748 writes it), or the seed of an Ed25519 key; wiped when dropped, never shown.
#[derive(Clone)]
pub struct SecretKey {
    curve: Curve,
    bytes: Zeroizing<Vec<u8>>,
    public: PublicKey,
}

impl SecretKey {
    /// Takes a big-endian scalar of exactly [`Curve::field_len`] bytes; of X25519 and Ed25519 any bytes of that length.
    ///
    /// # Errors
    /// [`CryptoError::BadSecretKey`] if it has another length or, with two coordinates, is zero or not below the order.
    pub fn from_bytes(curve: Curve, bytes: &[u8]) -> Result<Self, CryptoError> {
        let public = scrubbed(|| public_of(curve, bytes))?;
        Ok(Self {
            curve,
            bytes: Zeroizing::new(bytes.to_vec()),
            public,
        })
    }

    /// A new key from the given source of randomness.
    #[must_use]
    pub fn generate(curve: Curve, rng: &mut dyn CryptoRng) -> Self {
        loop {
            let mut bytes = Zeroizing::new(vec![0; curve.field_len()]);
            rng.fill_bytes(&mut bytes);
            if curve == Curve::P521
                && let Some(first) = bytes.first_mut()
            {
                *first &= 1; // the order has 521 bits: 7 of the 528 are always zero
            }
            // Out-of-range candidates are drawn again: uniform over the scalars (FIPS 186-5, A.2.2).
            if let Ok(key) = Self::from_bytes(curve, &bytes) {
                return key;
            }
        }
    }

    /// The curve of the key.
    #[must_use]
    pub const fn curve(&self) -> Curve {
        self.curve
    }

    /// The public half.
    #[must_use]
    pub const fn public_key(&self) -> &PublicKey {
        &self.public
    }

    /// The scalar itself, for writing a key file or a backend; handle with care.
    #[must_use]
    pub fn dangerous_bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey({}, not shown)", self.curve)
    }
}

/// A private key made ready for signing by a [`Backend`].
pub trait SigningKey: Send + Sync {
    /// Signs `message`: raw `r ‖ s` of fixed length, or RFC 8032 for Ed25519.
    ///
    /// # Errors
    /// [`CryptoError`] only if the key cannot sign at all.
    fn sign(&self, digest: DigestAlgorithm, message: &[u8]) -> Result<Vec<u8>, CryptoError>;
}

/// The cryptographic operations of the standard.
///
/// Implementations hold no secret and no state; comparison of secrets is theirs to do in constant time. What they
/// leave on the stack is overwritten by who calls them, with [`crate::scrub::scrubbed`].
pub trait Backend: Send + Sync {
    /// The digest of the concatenated parts.
    fn digest(&self, algorithm: DigestAlgorithm, parts: &[&[u8]]) -> Digest;

    /// Checks a raw signature over the concatenated parts. For Ed25519 `digest` is not used.
    ///
    /// # Errors
    /// [`CryptoError::SignatureLength`] or [`CryptoError::BadSignature`].
    fn verify(
        &self,
        key: &PublicKey,
        digest: DigestAlgorithm,
        message: &[&[u8]],
        signature: &[u8],
    ) -> Result<(), CryptoError>;

    /// Makes a private key ready for many signatures.
    ///
    /// # Errors
    /// [`CryptoError::NoSignatures`] on a curve without; [`CryptoError::BadSecretKey`] if this backend cannot sign on it.
    fn signing_key(&self, key: &SecretKey) -> Result<Box<dyn SigningKey>, CryptoError>;

    /// The x-coordinate of the shared point, [`Curve::field_len`] bytes (BSI TR-03111 ECKA-DH); of X25519 what the function
    /// gives (RFC 7748, 6.1).
    ///
    /// # Errors
    /// [`CryptoError::CurveMismatch`] if the curves differ or cannot agree, [`CryptoError::ZeroSecret`] if it is zero.
    fn agree(&self, key: &SecretKey, peer: &PublicKey) -> Result<Zeroizing<Vec<u8>>, CryptoError>;

    /// HKDF with SHA-256 (RFC 5869). An empty salt stands for no salt.
    fn hkdf_sha256(&self, secret: &[u8], salt: &[u8], info: &[u8]) -> Zeroizing<[u8; 32]>;

    /// HMAC with SHA-256 over the concatenated parts.
    fn hmac_sha256(&self, key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32];

    /// AES-256-GCM with empty additional data: ciphertext followed by the 16-byte tag.
    fn seal(&self, key: &[u8; 32], iv: &[u8; 12], plaintext: &[u8]) -> Vec<u8>;

    /// Opens what [`Backend::seal`] made.
    ///
    /// # Errors
    /// [`CryptoError::BadTag`] if it was not made with this key and IV, or was changed.
    fn open(&self, key: &[u8; 32], iv: &[u8; 12], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, CryptoError>;
}

/// The fastest backend that was built in: `AwsLc` with the feature `aws-lc`, else [`RustCrypto`].
#[must_use]
pub fn fastest() -> &'static dyn Backend {
    #[cfg(feature = "aws-lc")]
    return &AwsLc;
    #[cfg(not(feature = "aws-lc"))]
    return &RustCrypto;
}

/// The source of randomness that goes with [`fastest`], if it has one of its own: seeded by the operating system, and
/// for a document several times as fast as asking that.
#[must_use]
pub fn fastest_random() -> Option<Box<dyn CryptoRng>> {
    #[cfg(feature = "aws-lc")]
    return Some(Box::new(rand_core::UnwrapErr(AwsLcRandom)));
    #[cfg(not(feature = "aws-lc"))]
    return None;
}

/// The public half of a private key, by the fastest code that was built in: [`RustCrypto`] computes tables first, which
/// take as long as all else that a program does before its first signature.
fn public_of(curve: Curve, secret: &[u8]) -> Result<PublicKey, CryptoError> {
    #[cfg(feature = "aws-lc")]
    if let Some(result) = aws_lc::public_of(curve, secret) {
        return result;
    }
    rustcrypto::public_of(curve, secret)
}

/// Whether two byte strings are equal, in time that does not depend on their content.
#[must_use]
pub fn equal_in_constant_time(a: &[u8], b: &[u8]) -> bool {
    subtle::ConstantTimeEq::ct_eq(a, b).into()
}
