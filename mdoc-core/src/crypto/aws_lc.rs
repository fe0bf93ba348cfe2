//! The fast backend: AWS-LC, where it is faster, and RustCrypto for the rest.
//!
//! By AWS-LC: digests, ECDSA and key agreement on the three NIST curves, AES-256-GCM. By [`RustCrypto`]: the
//! brainpool curves, which AWS-LC has not; X25519, which is one function for both; Ed25519, whose strict verification (no keys of small order) it has not;
//! an ECDSA key with a hash of another strength; HKDF and HMAC, which are over a few bytes.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::agreement::{self, ECDH_P256, ECDH_P384, ECDH_P521, PrivateKey, UnparsedPublicKey};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED,
    ECDSA_P384_SHA384_FIXED_SIGNING, ECDSA_P521_SHA512_FIXED, ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair,
    EcdsaSigningAlgorithm, EcdsaVerificationAlgorithm, ParsedPublicKey,
};
use aws_lc_rs::{digest, rand};
use rand_core::{TryCryptoRng, TryRng};
use zeroize::Zeroizing;

use super::{
    Backend, CryptoError, Curve, Digest, DigestAlgorithm, PublicKey, RustCrypto, SecretKey, SigningKey,
};

/// AWS-LC, in C and assembler; several times as fast as [`RustCrypto`] on 64-bit processors.
///
/// Its signatures are not deterministic (RFC 6979), as those of [`RustCrypto`] are: the nonce is random.
#[derive(Debug, Clone, Copy, Default)]
pub struct AwsLc;

/// The ways in which AWS-LC computes on a curve.
struct Suite {
    digest: DigestAlgorithm,
    signing: &'static EcdsaSigningAlgorithm,
    verification: &'static EcdsaVerificationAlgorithm,
    agreement: &'static agreement::Algorithm,
}

const P256: Suite = Suite {
    digest: DigestAlgorithm::Sha256,
    signing: &ECDSA_P256_SHA256_FIXED_SIGNING,
    verification: &ECDSA_P256_SHA256_FIXED,
    agreement: &ECDH_P256,
};
const P384: Suite = Suite {
    digest: DigestAlgorithm::Sha384,
    signing: &ECDSA_P384_SHA384_FIXED_SIGNING,
    verification: &ECDSA_P384_SHA384_FIXED,
    agreement: &ECDH_P384,
};
const P521: Suite = Suite {
    digest: DigestAlgorithm::Sha512,
    signing: &ECDSA_P521_SHA512_FIXED_SIGNING,
    verification: &ECDSA_P521_SHA512_FIXED,
    agreement: &ECDH_P521,
};

const fn suite(curve: Curve) -> Option<&'static Suite> {
    match curve {
        Curve::P256 => Some(&P256),
        Curve::P384 => Some(&P384),
        Curve::P521 => Some(&P521),
        Curve::X25519 | Curve::Ed25519 | Curve::BrainpoolP256r1 | Curve::BrainpoolP384r1 => None,
    }
}

const fn hash(algorithm: DigestAlgorithm) -> &'static digest::Algorithm {
    match algorithm {
        DigestAlgorithm::Sha256 => &digest::SHA256,
        DigestAlgorithm::Sha384 => &digest::SHA384,
        DigestAlgorithm::Sha512 => &digest::SHA512,
    }
}

fn digest_of(algorithm: DigestAlgorithm, parts: &[&[u8]]) -> digest::Digest {
    if let [whole] = parts {
        return digest::digest(hash(algorithm), whole);
    }
    let mut context = digest::Context::new(hash(algorithm));
    for part in parts {
        context.update(part);
    }
    context.finish()
}

/// The public half of a private key; none on a curve that AWS-LC has not.
pub(super) fn public_of(curve: Curve, secret: &[u8]) -> Option<Result<PublicKey, CryptoError>> {
    let suite = suite(curve)?;
    let public = PrivateKey::from_private_key(suite.agreement, secret)
        .ok()
        .and_then(|key| key.compute_public_key().ok())
        .map(|public| PublicKey {
            curve,
            bytes: public.as_ref().to_vec(),
        });
    Some(public.ok_or(CryptoError::BadSecretKey))
}

struct EcdsaKey {
    digest: DigestAlgorithm,
    pair: EcdsaKeyPair,
    /// For digests that AWS-LC does not sign on this curve.
    secret: SecretKey,
}

impl SigningKey for EcdsaKey {
    fn sign(&self, digest: DigestAlgorithm, message: &[u8]) -> Result<Vec<u8>, CryptoError> {
        if digest != self.digest {
            return RustCrypto.signing_key(&self.secret)?.sign(digest, message);
        }
        // The source of randomness is ignored: AWS-LC draws the nonce itself.
        let signature = self.pair.sign(&rand::SystemRandom::new(), message);
        let signature = signature.map_err(|_| CryptoError::BadSecretKey)?;
        Ok(signature.as_ref().to_vec())
    }
}

impl Backend for AwsLc {
    fn digest(&self, algorithm: DigestAlgorithm, parts: &[&[u8]]) -> Digest {
        Digest::new(digest_of(algorithm, parts).as_ref())
    }

    fn verify(
        &self,
        key: &PublicKey,
        digest: DigestAlgorithm,
        message: &[&[u8]],
        signature: &[u8],
    ) -> Result<(), CryptoError> {
        let Some(suite) = suite(key.curve()).filter(|suite| suite.digest == digest) else {
            return RustCrypto.verify(key, digest, message, signature);
        };
        key.curve().length_of_signature(signature)?;
        ParsedPublicKey::new(suite.verification, key.as_bytes())
            .map_err(|_| CryptoError::BadPublicKey)?
            .verify_digest_sig(&digest_of(digest, message), signature)
            .map_err(|_| CryptoError::BadSignature)
    }

    fn signing_key(&self, key: &SecretKey) -> Result<Box<dyn SigningKey>, CryptoError> {
        let Some(suite) = suite(key.curve()) else {
            return RustCrypto.signing_key(key);
        };
        let public = key.public_key().as_bytes();
        let pair =
            EcdsaKeyPair::from_private_key_and_public_key(suite.signing, key.dangerous_bytes(), public)
                .map_err(|_| CryptoError::BadSecretKey)?;
        Ok(Box::new(EcdsaKey {
            digest: suite.digest,
            pair,
            secret: key.clone(),
        }))
    }

    fn agree(&self, key: &SecretKey, peer: &PublicKey) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        let Some(suite) = suite(key.curve()).filter(|_| key.curve() == peer.curve()) else {
            return RustCrypto.agree(key, peer);
        };
        let key = PrivateKey::from_private_key(suite.agreement, key.dangerous_bytes())
            .map_err(|_| CryptoError::BadSecretKey)?;
        let peer = UnparsedPublicKey::new(suite.agreement, peer.as_bytes());
        agreement::agree(&key, peer, CryptoError::BadPublicKey, |secret| {
            Ok(Zeroizing::new(secret.to_vec()))
        })
    }

    fn hkdf_sha256(&self, secret: &[u8], salt: &[u8], info: &[u8]) -> Zeroizing<[u8; 32]> {
        RustCrypto.hkdf_sha256(secret, salt, info)
    }

    fn hmac_sha256(&self, key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
        RustCrypto.hmac_sha256(key, parts)
    }

    fn seal(&self, key: &[u8; 32], iv: &[u8; 12], plaintext: &[u8]) -> Vec<u8> {
        let Some(cipher) = cipher(key) else {
            return RustCrypto.seal(key, iv, plaintext);
        };
        let mut sealed = Vec::with_capacity(plaintext.len() + AES_256_GCM.tag_len());
        sealed.extend_from_slice(plaintext);
        let nonce = Nonce::assume_unique_for_key(*iv);
        match cipher.seal_in_place_append_tag(nonce, Aad::empty(), &mut sealed) {
            Ok(()) => sealed,
            // Fails only for messages over 64 GiB, which no caller can hold. Plaintext is never returned.
            Err(_) => Vec::new(),
        }
    }

    fn open(&self, key: &[u8; 32], iv: &[u8; 12], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        let Some(cipher) = cipher(key) else {
            return RustCrypto.open(key, iv, sealed);
        };
        let mut opened = Zeroizing::new(sealed.to_vec());
        let nonce = Nonce::assume_unique_for_key(*iv);
        let len = cipher
            .open_in_place(nonce, Aad::empty(), &mut opened)
            .map_err(|_| CryptoError::BadTag)?
            .len();
        opened.truncate(len);
        Ok(opened)
    }
}

/// Always some: the key has the length that is asked for.
fn cipher(key: &[u8; 32]) -> Option<LessSafeKey> {
    UnboundKey::new(&AES_256_GCM, key).ok().map(LessSafeKey::new)
}

/// The random number generator of AWS-LC, seeded by the operating system: less than a microsecond for the salts of
/// a document, where a call of the system takes several. Never fails in practice; wrap it in
/// [`rand_core::UnwrapErr`] for a [`CryptoRng`](super::CryptoRng).
#[derive(Debug, Clone, Copy, Default)]
pub struct AwsLcRandom;

/// AWS-LC could not draw randomness.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoRandomness;

impl core::fmt::Display for NoRandomness {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("the random number generator does not work")
    }
}

impl core::error::Error for NoRandomness {}

impl TryRng for AwsLcRandom {
    type Error = NoRandomness;

    fn try_next_u32(&mut self) -> Result<u32, NoRandomness> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, NoRandomness> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), NoRandomness> {
        rand::fill(bytes).map_err(|_| NoRandomness)
    }
}

impl TryCryptoRng for AwsLcRandom {}
