//! The always-present backend: the pure Rust crates of the RustCrypto project.

use aes_gcm::aead::{Aead, KeyInit};
use aes_gcm::{Aes256Gcm, Key, Nonce};
use ecdsa::signature::hazmat::{PrehashSigner, PrehashVerifier};
use hmac::{Hmac, Mac};
use sha2::{Sha256, Sha384, Sha512};
use x25519_dalek::X25519_BASEPOINT_BYTES;
use zeroize::Zeroizing;

use super::{
    Backend, CryptoError, Curve, Digest, DigestAlgorithm, PublicKey, SecretKey, SigningKey,
    equal_in_constant_time,
};

/// Pure Rust, on every platform, no C compiler needed.
#[derive(Debug, Clone, Copy, Default)]
pub struct RustCrypto;

/// Runs the same lines for whichever curve crate belongs to the curve.
macro_rules! on_curve {
    ($curve:expr, $module:ident => $body:expr, montgomery => $montgomery:expr, edwards => $edwards:expr) => {
        match $curve {
            Curve::P256 => {
                use p256 as $module;
                $body
            }
            Curve::P384 => {
                use p384 as $module;
                $body
            }
            Curve::P521 => {
                use p521 as $module;
                $body
            }
            Curve::BrainpoolP256r1 => {
                use bp256::r1 as $module;
                $body
            }
            Curve::BrainpoolP384r1 => {
                use bp384::r1 as $module;
                $body
            }
            Curve::X25519 => $montgomery,
            Curve::Ed25519 => $edwards,
        }
    };
}

pub(super) fn normalise_point(curve: Curve, bytes: &[u8]) -> Result<Vec<u8>, CryptoError> {
    on_curve!(curve, c => {
        let key = ecdsa::VerifyingKey::<CurveOf<c::SecretKey>>::from_sec1_bytes(bytes)
            .map_err(|_| CryptoError::BadPublicKey)?;
        Ok(key.to_sec1_point(false).as_bytes().to_vec())
    }, montgomery => {
        if bytes.len() == curve.field_len() { Ok(bytes.to_vec()) } else { Err(CryptoError::BadPublicKey) }
    }, edwards => {
        let array: &[u8; 32] = bytes.try_into().map_err(|_| CryptoError::BadPublicKey)?;
        ed25519_dalek::VerifyingKey::from_bytes(array).map_err(|_| CryptoError::BadPublicKey)?;
        Ok(bytes.to_vec())
    })
}

pub(super) fn public_of(curve: Curve, secret: &[u8]) -> Result<PublicKey, CryptoError> {
    if secret.len() != curve.field_len() {
        return Err(CryptoError::BadSecretKey);
    }
    on_curve!(curve, c => {
        let key = c::SecretKey::from_slice(secret).map_err(|_| CryptoError::BadSecretKey)?;
        let key = ecdsa::SigningKey::<CurveOf<c::SecretKey>>::from(key);
        Ok(PublicKey { curve, bytes: key.verifying_key().to_sec1_point(false).as_bytes().to_vec() })
    }, montgomery => {
        let public = x25519(secret, &X25519_BASEPOINT_BYTES).ok_or(CryptoError::BadSecretKey)?;
        Ok(PublicKey { curve, bytes: public.to_vec() })
    }, edwards => {
        let seed: &[u8; 32] = secret.try_into().map_err(|_| CryptoError::BadSecretKey)?;
        let key = ed25519_dalek::SigningKey::from_bytes(seed);
        Ok(PublicKey { curve, bytes: key.verifying_key().to_bytes().to_vec() })
    })
}

/// The function X25519 (RFC 7748, 5); none if one of the two has not 32 bytes.
fn x25519(secret: &[u8], point: &[u8]) -> Option<Zeroizing<[u8; 32]>> {
    let secret: Zeroizing<[u8; 32]> = Zeroizing::new(secret.try_into().ok()?);
    let point = point.try_into().ok()?;
    Some(Zeroizing::new(x25519_dalek::x25519(*secret, point)))
}

/// The curve type of a secret key, so that one macro can name it.
trait HasCurve {
    type Curve;
}
impl<C: ecdsa::EcdsaCurve> HasCurve for ecdsa::elliptic_curve::SecretKey<C> {
    type Curve = C;
}
type CurveOf<K> = <K as HasCurve>::Curve;

/// A digest brought to the length of the field: shorter ones are padded on the left, which leaves the
/// number the same (SEC 1, 4.1.3), because the crates refuse a digest of less than half the field.
fn field_digest(digest: &Digest, curve: Curve) -> Vec<u8> {
    let digest = digest.as_ref();
    let mut padded = vec![0; curve.field_len().saturating_sub(digest.len())];
    padded.extend_from_slice(digest);
    padded
}

struct EcdsaKey<K> {
    curve: Curve,
    key: K,
}

macro_rules! ecdsa_key {
    ($($module:path),*) => {$(
        const _: () = {
            use $module as c;
            type Key = ecdsa::SigningKey<CurveOf<c::SecretKey>>;
            impl SigningKey for EcdsaKey<Key> {
                fn sign(&self, digest: DigestAlgorithm, message: &[u8]) -> Result<Vec<u8>, CryptoError> {
                    let digest = RustCrypto.digest(digest, &[message]);
                    let signature: ecdsa::Signature<CurveOf<c::SecretKey>> = self
                        .key
                        .sign_prehash(&field_digest(&digest, self.curve))
                        .map_err(|_| CryptoError::BadSecretKey)?;
                    Ok(signature.to_bytes().to_vec())
                }
            }
        };
    )*};
}
ecdsa_key!(p256, p384, p521, bp256::r1, bp384::r1);

impl SigningKey for ed25519_dalek::SigningKey {
    fn sign(&self, _: DigestAlgorithm, message: &[u8]) -> Result<Vec<u8>, CryptoError> {
        Ok(ed25519_dalek::Signer::sign(self, message).to_bytes().to_vec())
    }
}

impl Backend for RustCrypto {
    fn digest(&self, algorithm: DigestAlgorithm, parts: &[&[u8]]) -> Digest {
        fn run<H: sha2::Digest>(parts: &[&[u8]]) -> Digest {
            let mut hash = H::new();
            for part in parts {
                hash.update(part);
            }
            Digest::new(&hash.finalize())
        }
        match algorithm {
            DigestAlgorithm::Sha256 => run::<Sha256>(parts),
            DigestAlgorithm::Sha384 => run::<Sha384>(parts),
            DigestAlgorithm::Sha512 => run::<Sha512>(parts),
        }
    }

    fn verify(
        &self,
        key: &PublicKey,
        digest: DigestAlgorithm,
        message: &[&[u8]],
        signature: &[u8],
    ) -> Result<(), CryptoError> {
        key.curve().length_of_signature(signature)?;
        on_curve!(key.curve(), c => {
            type C = CurveOf<c::SecretKey>;
            let verifier = ecdsa::VerifyingKey::<C>::from_sec1_bytes(key.as_bytes())
                .map_err(|_| CryptoError::BadPublicKey)?;
            let signature =
                ecdsa::Signature::<C>::from_slice(signature).map_err(|_| CryptoError::BadSignature)?;
            let digest = self.digest(digest, message);
            verifier
                .verify_prehash(&field_digest(&digest, key.curve()), &signature)
                .map_err(|_| CryptoError::BadSignature)
        }, montgomery => Err(CryptoError::NoSignatures), edwards => {
            let array: &[u8; 32] = key.as_bytes().try_into().map_err(|_| CryptoError::BadPublicKey)?;
            let verifier =
                ed25519_dalek::VerifyingKey::from_bytes(array).map_err(|_| CryptoError::BadPublicKey)?;
            let signature =
                ed25519_dalek::Signature::from_slice(signature).map_err(|_| CryptoError::BadSignature)?;
            verifier.verify_strict(&message.concat(), &signature).map_err(|_| CryptoError::BadSignature)
        })
    }

    fn signing_key(&self, key: &SecretKey) -> Result<Box<dyn SigningKey>, CryptoError> {
        let (curve, bytes) = (key.curve(), key.dangerous_bytes());
        on_curve!(curve, c => {
            let secret = c::SecretKey::from_slice(bytes).map_err(|_| CryptoError::BadSecretKey)?;
            let key = ecdsa::SigningKey::<CurveOf<c::SecretKey>>::from(secret);
            Ok(Box::new(EcdsaKey { curve, key }))
        }, montgomery => Err(CryptoError::NoSignatures), edwards => {
            let seed: &[u8; 32] = bytes.try_into().map_err(|_| CryptoError::BadSecretKey)?;
            Ok(Box::new(ed25519_dalek::SigningKey::from_bytes(seed)))
        })
    }

    fn agree(&self, key: &SecretKey, peer: &PublicKey) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        if key.curve() != peer.curve() {
            return Err(CryptoError::CurveMismatch);
        }
        on_curve!(key.curve(), c => {
            let secret = c::SecretKey::from_slice(key.dangerous_bytes())
                .map_err(|_| CryptoError::BadSecretKey)?;
            let peer = ecdsa::elliptic_curve::PublicKey::<CurveOf<c::SecretKey>>::from_sec1_bytes(peer.as_bytes())
                .map_err(|_| CryptoError::BadPublicKey)?;
            Ok(Zeroizing::new(secret.diffie_hellman(&peer).raw_secret_bytes().to_vec()))
        }, montgomery => {
            let shared = x25519(key.dangerous_bytes(), peer.as_bytes()).ok_or(CryptoError::BadPublicKey)?;
            if equal_in_constant_time(&*shared, &[0; 32]) {
                return Err(CryptoError::ZeroSecret);
            }
            Ok(Zeroizing::new(shared.to_vec()))
        }, edwards => Err(CryptoError::CurveMismatch))
    }

    fn hkdf_sha256(&self, secret: &[u8], salt: &[u8], info: &[u8]) -> Zeroizing<[u8; 32]> {
        let mut out = Zeroizing::new([0; 32]);
        // One block of output: far below the limit of 255, the only way to fail.
        let _ = hkdf::Hkdf::<Sha256>::new(Some(salt), secret).expand(info, out.as_mut());
        out
    }

    fn hmac_sha256(&self, key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
        let mut mac = hmac_keyed(key);
        for part in parts {
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }

    fn seal(&self, key: &[u8; 32], iv: &[u8; 12], plaintext: &[u8]) -> Vec<u8> {
        let cipher = Aes256Gcm::new(&Key::<Aes256Gcm>::from(*key));
        // Fails only for messages over 64 GiB, which no caller can hold.
        cipher.encrypt(&Nonce::from(*iv), plaintext).unwrap_or_default()
    }

    fn open(&self, key: &[u8; 32], iv: &[u8; 12], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        let cipher = Aes256Gcm::new(&Key::<Aes256Gcm>::from(*key));
        cipher
            .decrypt(&Nonce::from(*iv), sealed)
            .map(Zeroizing::new)
            .map_err(|_| CryptoError::BadTag)
    }
}

/// HMAC takes a key of the block's length; a shorter one is filled with zeros (RFC 2104, section 2).
fn hmac_keyed(key: &[u8; 32]) -> Hmac<Sha256> {
    let mut block = Zeroizing::new([0; 64]);
    for (to, from) in block.iter_mut().zip(key) {
        *to = *from;
    }
    Hmac::<Sha256>::new(&(*block).into())
}
