//! A key that is kept elsewhere: in a cloud service, a hardware module, a token.

use core::fmt;

use super::{Signer, SignerError};
use crate::crypto::{
    Backend as _, CryptoError, Curve, Digest, DigestAlgorithm, PublicKey, RustCrypto, SignatureAlgorithm,
};
use crate::x509::raw_from_der;

/// How the keeper of a key writes its ECDSA signatures. Ed25519 has one form alone, that of RFC 8032.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignatureForm {
    /// `Ecdsa-Sig-Value`, a DER sequence of two integers (RFC 3279, 2.2.3): AWS KMS, Google Cloud KMS, OpenSSL.
    Der,
    /// `r ‖ s` of fixed length (RFC 9053, 2.1): Azure Key Vault, PKCS#11.
    Raw,
}

/// What the keeper of a key is asked to sign.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum ToSign<'a> {
    /// ECDSA over this digest, which is not to be hashed again.
    Digest(DigestAlgorithm, Digest),
    /// EdDSA over this message, which cannot be hashed beforehand.
    Message(&'a [u8]),
}

impl ToSign<'_> {
    /// The bytes to hand over: the digest or the message.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Digest(_, digest) => digest.as_ref(),
            Self::Message(message) => message,
        }
    }
}

/// A [`Signer`] around a function that has something signed, wherever the key is.
///
/// The function is given a digest (for Ed25519 the message) and returns what the keeper returned. Hashing, the
/// form of the signature and its length are dealt with here, and every signature is verified with the public
/// key before it is passed on: a wrong key, a wrong algorithm or a fault on the way shows at once, not at the
/// first reader. `docs/cloud-keys.md` is a worked example.
pub struct RemoteKey<F> {
    public: PublicKey,
    form: SignatureForm,
    sign: F,
}

impl<F> RemoteKey<F>
where
    F: Fn(ToSign<'_>) -> Result<Vec<u8>, SignerError> + Send + Sync,
{
    /// A key by its public half and the function that asks its keeper.
    pub const fn new(public: PublicKey, form: SignatureForm, sign: F) -> Self {
        Self { public, form, sign }
    }
}

impl<F> Signer for RemoteKey<F>
where
    F: Fn(ToSign<'_>) -> Result<Vec<u8>, SignerError> + Send + Sync,
{
    fn public_key(&self) -> &PublicKey {
        &self.public
    }

    fn sign(&self, to_sign: &[u8]) -> Result<Vec<u8>, SignerError> {
        let curve = self.public.curve();
        let algorithm = curve.algorithm();
        let algorithm = algorithm.ok_or(SignerError::Crypto(CryptoError::NoSignatures))?;
        let asked = match algorithm {
            SignatureAlgorithm::EdDsa => ToSign::Message(to_sign),
            _ => ToSign::Digest(
                algorithm.digest(),
                RustCrypto.digest(algorithm.digest(), &[to_sign]),
            ),
        };
        let answer = (self.sign)(asked)?;
        let raw = match self.form {
            SignatureForm::Der if curve != Curve::Ed25519 => raw_signature(curve, &answer)?,
            _ => answer,
        };
        RustCrypto
            .verify(&self.public, algorithm.digest(), &[to_sign], &raw)
            .map_err(SignerError::BadSignature)?;
        Ok(raw)
    }
}

impl<F> fmt::Debug for RemoteKey<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RemoteKey({:?})", self.public)
    }
}

/// An ECDSA signature in DER as `r ‖ s` of the fixed length of the curve.
///
/// Strict: one sequence of two positive integers in their shortest form, and nothing after it.
///
/// # Errors
/// [`SignerError::BadSignature`] for anything else; Ed25519 has no such signatures, and X25519 none.
pub fn raw_signature(curve: Curve, der: &[u8]) -> Result<Vec<u8>, SignerError> {
    if curve.is_octet_string() {
        return Err(SignerError::BadSignature(CryptoError::CurveMismatch));
    }
    raw_from_der(curve, der).map_err(|_| SignerError::BadSignature(CryptoError::SignatureEncoding))
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    use super::*;
    use crate::crypto::SecretKey;
    use crate::seams::SoftwareKey;
    use crate::x509::to_x509;

    const MESSAGE: &[u8] = b"what is to be signed";

    fn key(curve: Curve, seed: u8) -> SoftwareKey {
        SoftwareKey::new(SecretKey::generate(
            curve,
            &mut ChaCha20Rng::from_seed([seed; 32]),
        ))
        .unwrap()
    }

    /// A service that signs what it is given, as `RemoteKey` would have it, by another crate.
    fn service(key: &SoftwareKey, asked: ToSign<'_>, form: SignatureForm) -> Vec<u8> {
        use p256::ecdsa::signature::hazmat::PrehashSigner as _;
        let ToSign::Digest(algorithm, digest) = asked else {
            return key.sign(asked.as_bytes()).unwrap();
        };
        assert_eq!(digest.as_ref().len(), algorithm.output_len());
        let bytes = key.secret().dangerous_bytes();
        let raw = match key.public_key().curve() {
            Curve::P256 => {
                let signing = p256::ecdsa::SigningKey::from_slice(bytes).unwrap();
                let signature: p256::ecdsa::Signature = signing.sign_prehash(digest.as_ref()).unwrap();
                if form == SignatureForm::Der {
                    return signature.to_der().as_bytes().to_vec();
                }
                signature.to_bytes().to_vec()
            }
            Curve::P384 => {
                let signing = p384::ecdsa::SigningKey::from_slice(bytes).unwrap();
                let signature: p384::ecdsa::Signature = signing.sign_prehash(digest.as_ref()).unwrap();
                signature.to_bytes().to_vec()
            }
            Curve::P521 => {
                let signing = p521::ecdsa::SigningKey::from_slice(bytes).unwrap();
                let signature: p521::ecdsa::Signature = signing.sign_prehash(digest.as_ref()).unwrap();
                signature.to_bytes().to_vec()
            }
            other => panic!("{other} is not served"),
        };
        match form {
            SignatureForm::Der => to_x509(key.public_key().curve(), &raw),
            SignatureForm::Raw => raw,
        }
    }

    #[test]
    fn what_services_return_becomes_a_signature_of_fixed_length() {
        for curve in [Curve::P256, Curve::P384, Curve::P521, Curve::Ed25519] {
            for form in [SignatureForm::Der, SignatureForm::Raw] {
                let held = key(curve, 1);
                let remote = RemoteKey::new(held.public_key().clone(), form, |asked: ToSign<'_>| {
                    Ok(service(&held, asked, form))
                });
                // Enough of them that some have an r or s with leading zeros.
                for round in 0..if curve == Curve::P256 { 300_u16 } else { 8 } {
                    let message = round.to_be_bytes();
                    let signature = remote.sign(&message).unwrap();
                    assert_eq!(signature.len(), curve.signature_len(), "{curve}");
                    RustCrypto
                        .verify(
                            held.public_key(),
                            curve.algorithm().unwrap().digest(),
                            &[&message],
                            &signature,
                        )
                        .unwrap();
                }
            }
        }
    }

    #[test]
    fn a_signature_that_does_not_verify_goes_nowhere() {
        let (held, other) = (key(Curve::P256, 1), key(Curve::P256, 2));
        let public = other.public_key().clone();
        let wrong_key = RemoteKey::new(public, SignatureForm::Raw, |asked: ToSign<'_>| {
            Ok(service(&held, asked, SignatureForm::Raw))
        });
        let refused = Err(SignerError::BadSignature(CryptoError::BadSignature));
        assert_eq!(wrong_key.sign(MESSAGE), refused);
        // Hashed once more by the keeper, a usual mistake with cloud services.
        let public = held.public_key().clone();
        let twice = RemoteKey::new(public.clone(), SignatureForm::Raw, |asked: ToSign<'_>| {
            held.sign(asked.as_bytes())
        });
        assert_eq!(twice.sign(MESSAGE), refused);
        // DER where raw was said, and the other way round.
        let der = RemoteKey::new(public.clone(), SignatureForm::Raw, |asked: ToSign<'_>| {
            Ok(service(&held, asked, SignatureForm::Der))
        });
        assert!(matches!(
            der.sign(MESSAGE),
            Err(SignerError::BadSignature(CryptoError::SignatureLength {
                expected: 64,
                ..
            }))
        ));
        let raw = RemoteKey::new(public.clone(), SignatureForm::Der, |asked: ToSign<'_>| {
            Ok(service(&held, asked, SignatureForm::Raw))
        });
        assert_eq!(
            raw.sign(MESSAGE),
            Err(SignerError::BadSignature(CryptoError::SignatureEncoding))
        );
        let down = RemoteKey::new(public, SignatureForm::Der, |_: ToSign<'_>| {
            Err(SignerError::Refused("503".to_owned()))
        });
        assert_eq!(down.sign(MESSAGE), Err(SignerError::Refused("503".to_owned())));
    }

    #[test]
    fn der_is_taken_strictly() {
        let number = |first: u8, length: usize| {
            let mut all = vec![first];
            all.resize(length, 0x11);
            all
        };
        let tlv = |tag: u8, value: &[u8]| {
            let mut all = vec![tag, u8::try_from(value.len()).unwrap()];
            all.extend_from_slice(value);
            all
        };
        let pair = |r: &[u8], s: &[u8]| tlv(0x30, &[tlv(2, r), tlv(2, s)].concat());
        let good = number(0x7f, 32);
        let raw = raw_signature(Curve::P256, &pair(&good, &good)).unwrap();
        assert_eq!(raw, [good.clone(), good.clone()].concat());
        // Short ones get their zeros back, a sign octet goes.
        let raw = raw_signature(Curve::P256, &pair(&[1], &number(0, 33).map_second(0x80))).unwrap();
        assert_eq!((raw.len(), raw[31], raw[32]), (64, 1, 0x80));

        let mut long_form = vec![0x30, 0x81, 0x44];
        long_form.extend([tlv(2, &good), tlv(2, &good)].concat());
        let mut indefinite = vec![0x30, 0x80];
        indefinite.extend([tlv(2, &good), tlv(2, &good), vec![0, 0]].concat());
        let cut = &pair(&good, &good)[..40];
        let hostile: Vec<(&str, Vec<u8>)> = vec![
            ("empty", vec![]),
            ("cut", cut.to_vec()),
            ("something after it", [pair(&good, &good), vec![0]].concat()),
            (
                "a third number",
                tlv(0x30, &[tlv(2, &good), tlv(2, &good), tlv(2, &[1])].concat()),
            ),
            ("one number", tlv(0x30, &tlv(2, &good))),
            ("no number", tlv(0x30, &[])),
            ("zero", pair(&[0], &good)),
            ("an empty number", pair(&[], &good)),
            ("a negative number", pair(&number(0x80, 32), &good)),
            ("a needless zero", pair(&number(0, 33), &good)),
            ("a number too long", pair(&number(1, 33), &good)),
            ("a length in the long form", long_form),
            ("an indefinite length", indefinite),
            ("a set", tlv(0x31, &[tlv(2, &good), tlv(2, &good)].concat())),
            (
                "a bit string",
                tlv(0x30, &[tlv(3, &good), tlv(2, &good)].concat()),
            ),
            ("raw", raw.clone()),
        ];
        for (what, bytes) in hostile {
            assert_eq!(
                raw_signature(Curve::P256, &bytes),
                Err(SignerError::BadSignature(CryptoError::SignatureEncoding)),
                "{what}"
            );
        }
        assert!(raw_signature(Curve::Ed25519, &pair(&good, &good)).is_err());
    }

    trait Second {
        fn map_second(self, byte: u8) -> Self;
    }

    impl Second for Vec<u8> {
        fn map_second(mut self, byte: u8) -> Self {
            self[1] = byte;
            self
        }
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_from_a_service_stop_the_program(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..150)) {
            for curve in Curve::ALL {
                if let Ok(raw) = raw_signature(curve, &bytes) {
                    assert_eq!(raw.len(), curve.signature_len());
                }
            }
        }
    }
}
