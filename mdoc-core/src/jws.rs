//! JSON Web Signatures in the compact form: the three parts, the algorithms, and what is signed.
//!
//! What the header and the payload say is for the caller to read; nothing of it is looked at here.
//!
//! Source: RFC 7515, 3.1 and 5; RFC 7518, 3.4; RFC 8037, 3.1; RFC 9864, 2.2.

use base64ct::{Base64UrlUnpadded as Base64Url, Encoding};
use core::fmt;

use crate::cose::CoseFault;
use crate::crypto::{Backend, Curve, PublicKey, SignatureAlgorithm};

/// Why a text is no JWS in the compact form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadCompact {
    /// There are not three parts with dots between.
    Parts,
    /// The header is not Base64url.
    Header,
    /// The payload is not Base64url.
    Payload,
    /// The signature is not Base64url.
    Signature,
}

impl BadCompact {
    /// What is wrong, in words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Parts => "not three parts with dots between",
            Self::Header => "the header is not Base64url",
            Self::Payload => "the payload is not Base64url",
            Self::Signature => "the signature is not Base64url",
        }
    }
}

impl fmt::Display for BadCompact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words())
    }
}

impl core::error::Error for BadCompact {}

/// A received JWS, its parts decoded and nothing of it verified.
#[derive(Debug, Clone)]
pub struct Compact<'a> {
    /// Header and payload as received: what is signed.
    signed: &'a str,
    /// The protected header, in JSON.
    pub header: Vec<u8>,
    /// The payload.
    pub payload: Vec<u8>,
    /// The signature.
    pub signature: Vec<u8>,
}

impl<'a> Compact<'a> {
    /// Takes a text apart.
    ///
    /// # Errors
    /// [`BadCompact`] with the part at fault.
    pub fn split(text: &'a str) -> Result<Self, BadCompact> {
        let parts = text.rsplit_once('.').and_then(|(signed, signature)| {
            let (header, payload) = signed.split_once('.')?;
            Some((signed, header, payload, signature))
        });
        let (signed, header, payload, signature) = parts.ok_or(BadCompact::Parts)?;
        let decoded = |part, fault| Base64Url::decode_vec(part).map_err(|_| fault);
        Ok(Self {
            signed,
            header: decoded(header, BadCompact::Header)?,
            payload: decoded(payload, BadCompact::Payload)?,
            signature: decoded(signature, BadCompact::Signature)?,
        })
    }

    /// Checks the signature by the algorithm that the header names, which must be the one of the key's curve.
    ///
    /// # Errors
    /// [`CoseFault`]: the algorithm is not known (`none` never is), is of another curve, or the signature does not
    /// hold.
    pub fn verify(&self, alg: &str, key: &PublicKey, backend: &dyn Backend) -> Result<(), CoseFault> {
        let unknown = CoseFault::AlgorithmUnknown(None);
        let (curve, algorithm) = curve(alg).zip(named(alg)).ok_or(unknown)?;
        if key.curve() != curve {
            return Err(CoseFault::AlgorithmCurve(algorithm, key.curve()));
        }
        backend
            .verify(
                key,
                algorithm.digest(),
                &[self.signed.as_bytes()],
                &self.signature,
            )
            .map_err(CoseFault::Crypto)
    }
}

/// The curve that an algorithm of JOSE is computed on, if it is one of ours. `none` above all is not.
fn curve(alg: &str) -> Option<Curve> {
    match alg {
        "ES256" => Some(Curve::P256),
        "ES384" => Some(Curve::P384),
        "ES512" => Some(Curve::P521),
        "EdDSA" | "Ed25519" => Some(Curve::Ed25519),
        _ => None,
    }
}

/// The algorithm of that name in JOSE.
#[must_use]
pub fn named(alg: &str) -> Option<SignatureAlgorithm> {
    curve(alg).and_then(Curve::algorithm)
}

/// The algorithm that goes with a key on that curve, if JOSE has one; its names are those of COSE.
#[must_use]
pub fn algorithm(curve: Curve) -> Option<SignatureAlgorithm> {
    let brainpool = matches!(curve, Curve::BrainpoolP256r1 | Curve::BrainpoolP384r1);
    curve.algorithm().filter(|_| !brainpool)
}

/// Header and payload in Base64url with the dot between: what is to be signed.
#[must_use]
pub fn to_be_signed(header: &[u8], payload: &[u8]) -> String {
    let [header, payload] = [header, payload].map(Base64Url::encode_string);
    format!("{header}.{payload}")
}
