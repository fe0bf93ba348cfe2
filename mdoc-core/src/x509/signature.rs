//! Signatures and public keys in the form that certificates give them.

use core::fmt;

use super::der::{self, BadCertificate, Reader};
use super::oid::{self, Oid};
use crate::crypto::{Backend, CryptoError, Curve, DigestAlgorithm, PublicKey, SignatureAlgorithm};

/// A signature algorithm of a certificate (ISO/IEC 18013-5:2021, Table B.1 and following).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum CertificateSignature {
    /// ecdsa-with-SHA256, -SHA384 or -SHA512; the curve is that of the issuer's key.
    Ecdsa(DigestAlgorithm),
    /// Ed25519 (RFC 8410).
    Ed25519,
    /// Anything else, by its object identifier.
    Other(String),
}

impl CertificateSignature {
    /// Reads the content of an `AlgorithmIdentifier`. Parameters, which must be absent, are not looked at.
    pub(super) fn read(mut parts: Reader<'_>) -> Result<Self, BadCertificate> {
        const WHAT: &str = "signature algorithm";
        let kind = parts.one(der::OBJECT_IDENTIFIER, WHAT)?;
        Ok(match Oid::from_content(kind.value).ok_or(kind.bad(WHAT))? {
            oid::ECDSA_SHA256 => Self::Ecdsa(DigestAlgorithm::Sha256),
            oid::ECDSA_SHA384 => Self::Ecdsa(DigestAlgorithm::Sha384),
            oid::ECDSA_SHA512 => Self::Ecdsa(DigestAlgorithm::Sha512),
            oid::ED25519 => Self::Ed25519,
            other => Self::Other(other.to_string()),
        })
    }

    /// The `AlgorithmIdentifier` that goes with a key on that curve.
    pub(super) fn der_for(curve: Curve) -> Vec<u8> {
        let oid = match curve.algorithm() {
            Some(SignatureAlgorithm::Es256) => oid::ECDSA_SHA256,
            Some(SignatureAlgorithm::Es384) => oid::ECDSA_SHA384,
            Some(SignatureAlgorithm::Es512) => oid::ECDSA_SHA512,
            // What has no signatures is refused by who would make one.
            Some(SignatureAlgorithm::EdDsa) | None => oid::ED25519,
        };
        let oid = der::tlv(der::OBJECT_IDENTIFIER, &[oid.content()]);
        der::tlv(der::SEQUENCE, &[&oid])
    }

    /// Checks a signature over received bytes.
    pub(super) fn verify(
        &self,
        key: &PublicKey,
        message: &[u8],
        signature: &[u8],
        backend: &dyn Backend,
    ) -> Result<(), SignatureError> {
        match self {
            Self::Ecdsa(digest) if !key.curve().is_octet_string() => {
                let raw = raw_from_der(key.curve(), signature)?;
                Ok(backend.verify(key, *digest, &[message], &raw)?)
            }
            Self::Ed25519 if key.curve() == Curve::Ed25519 => {
                Ok(backend.verify(key, DigestAlgorithm::Sha512, &[message], signature)?)
            }
            Self::Other(oid) => Err(SignatureError::Unsupported(oid.clone())),
            _ => Err(SignatureError::WrongKey(key.curve())),
        }
    }
}

impl fmt::Display for CertificateSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ecdsa(digest) => write!(f, "ECDSA with {}", digest.name()),
            Self::Ed25519 => f.write_str("Ed25519"),
            Self::Other(oid) => f.write_str(oid),
        }
    }
}

/// Why the signature of a certificate or revocation list does not stand.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignatureError {
    /// The algorithm, by its object identifier, is none that the standard allows.
    Unsupported(String),
    /// The certificate names one algorithm inside and another outside (RFC 5280, 4.1.1.2).
    TwoAlgorithms,
    /// The key is of another kind than the algorithm asks for.
    WrongKey(Curve),
    /// The signature is not the DER sequence of two positive integers that fit the curve.
    Encoding(BadCertificate),
    /// It does not verify.
    Crypto(CryptoError),
}

impl fmt::Display for SignatureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsupported(oid) => write!(f, "signature algorithm {oid} is not supported"),
            Self::TwoAlgorithms => f.write_str("the certificate names two different signature algorithms"),
            Self::WrongKey(curve) => write!(f, "a key on {curve} cannot have made this kind of signature"),
            Self::Encoding(_) => f.write_str("the signature is not encoded as it should be"),
            Self::Crypto(_) => f.write_str("the signature was not made by this key over these bytes"),
        }
    }
}

impl core::error::Error for SignatureError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Encoding(cause) => Some(cause),
            Self::Crypto(cause) => Some(cause),
            Self::Unsupported(_) | Self::TwoAlgorithms | Self::WrongKey(_) => None,
        }
    }
}

impl From<BadCertificate> for SignatureError {
    fn from(cause: BadCertificate) -> Self {
        Self::Encoding(cause)
    }
}

impl From<CryptoError> for SignatureError {
    fn from(cause: CryptoError) -> Self {
        Self::Crypto(cause)
    }
}

/// `Ecdsa-Sig-Value` (RFC 3279, 2.2.3) to `r ‖ s` of fixed length.
pub(crate) fn raw_from_der(curve: Curve, signature: &[u8]) -> Result<Vec<u8>, BadCertificate> {
    const WHAT: &str = "ECDSA signature";
    let length = curve.field_len();
    let mut parts = Reader::only(signature, der::SEQUENCE, WHAT)?.inside();
    let mut raw = Vec::with_capacity(2 * length);
    for _ in 0..2 {
        let number = parts.one(der::INTEGER, WHAT)?;
        let digits = number.unsigned(WHAT)?;
        let padding = length.checked_sub(digits.len()).ok_or(number.bad(WHAT))?;
        if digits.is_empty() {
            return Err(number.bad(WHAT)); // zero is no signature
        }
        raw.resize(raw.len() + padding, 0);
        raw.extend_from_slice(digits);
    }
    parts.end(WHAT)?;
    Ok(raw)
}

/// A raw signature of that curve in the form that certificates have.
pub(crate) fn to_x509(curve: Curve, raw: &[u8]) -> Vec<u8> {
    if curve.is_octet_string() {
        return raw.to_vec();
    }
    let (r, s) = raw.split_at(raw.len() / 2);
    der::tlv(der::SEQUENCE, &[&der::unsigned(r), &der::unsigned(s)])
}

/// A public key that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum UnusableKey {
    /// The structure is broken.
    Structure(BadCertificate),
    /// The key algorithm, by its object identifier, is none that the standard allows.
    Algorithm(String),
    /// The curve, by its object identifier, is not one that this crate computes on.
    Curve(String),
    /// The curve is not given by its name, as it must be.
    NotNamed,
    /// The bytes are no key of the curve.
    Point(CryptoError),
}

impl fmt::Display for UnusableKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Structure(_) => f.write_str("the public key is not encoded as it should be"),
            Self::Algorithm(oid) => write!(f, "public key algorithm {oid} is not supported"),
            Self::Curve(oid) => write!(f, "curve {oid} is not supported"),
            Self::NotNamed => f.write_str("the curve of the public key is not given by name"),
            Self::Point(_) => f.write_str("the public key is not a point of its curve"),
        }
    }
}

impl core::error::Error for UnusableKey {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Structure(cause) => Some(cause),
            Self::Point(cause) => Some(cause),
            Self::Algorithm(_) | Self::Curve(_) | Self::NotNamed => None,
        }
    }
}

impl From<BadCertificate> for UnusableKey {
    fn from(cause: BadCertificate) -> Self {
        Self::Structure(cause)
    }
}

/// Reads a `SubjectPublicKeyInfo` (RFC 5280, 4.1.2.7), the SEQUENCE with its tag.
pub(crate) fn public_key(info: &[u8]) -> Result<PublicKey, UnusableKey> {
    const WHAT: &str = "public key";
    let mut parts = Reader::only(info, der::SEQUENCE, WHAT)?.inside();
    let mut algorithm = parts.one(der::SEQUENCE, WHAT)?.inside();
    let octets = parts.one(der::BIT_STRING, WHAT)?.whole_octets(WHAT)?;
    parts.end(WHAT)?;
    let curve = algorithm_curve(&mut algorithm)?;
    PublicKey::from_bytes(curve, octets).map_err(UnusableKey::Point)
}

/// Reads the content of the `AlgorithmIdentifier` of a key.
pub(crate) fn algorithm_curve(algorithm: &mut Reader<'_>) -> Result<Curve, UnusableKey> {
    const WHAT: &str = "key algorithm";
    let kind = algorithm.one(der::OBJECT_IDENTIFIER, WHAT)?;
    match Oid::from_content(kind.value).ok_or(kind.bad(WHAT))? {
        oid::X25519 => {
            algorithm.end(WHAT)?;
            Ok(Curve::X25519)
        }
        oid::ED25519 => {
            algorithm.end(WHAT)?;
            Ok(Curve::Ed25519)
        }
        oid::EC_PUBLIC_KEY => {
            let Some(name) = algorithm.optional(der::OBJECT_IDENTIFIER, WHAT)? else {
                return Err(UnusableKey::NotNamed);
            };
            algorithm.end(WHAT)?;
            let name = Oid::from_content(name.value).ok_or(name.bad(WHAT))?;
            oid::named_curve(name).ok_or_else(|| UnusableKey::Curve(name.to_string()))
        }
        other => Err(UnusableKey::Algorithm(other.to_string())),
    }
}

/// The `AlgorithmIdentifier` of a key on that curve.
pub(crate) fn key_algorithm_der(curve: Curve) -> Vec<u8> {
    let name = der::tlv(der::OBJECT_IDENTIFIER, &[oid::of_curve(curve).content()]);
    if curve.is_octet_string() {
        return der::tlv(der::SEQUENCE, &[&name]);
    }
    let kind = der::tlv(der::OBJECT_IDENTIFIER, &[oid::EC_PUBLIC_KEY.content()]);
    der::tlv(der::SEQUENCE, &[&kind, &name])
}

/// The `SubjectPublicKeyInfo` of a key, with an uncompressed point.
pub(crate) fn public_key_der(key: &PublicKey) -> Vec<u8> {
    let algorithm = key_algorithm_der(key.curve());
    der::tlv(der::SEQUENCE, &[&algorithm, &der::bit_string(key.as_bytes())])
}
