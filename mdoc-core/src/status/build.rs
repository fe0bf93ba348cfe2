//! Signing a list.

use core::fmt;

use base64ct::{Base64UrlUnpadded as Base64Url, Encoding};

use super::claims::Claims;
use super::jwt;
use super::token::{HEADER_TYPE, STATUS_LIST_JWT, bare};
use crate::cbor::write;
use crate::cose::{TAG_SIGN1, to_be_signed, write_sign1, write_x5chain};
use crate::crypto::{Curve, SignatureAlgorithm};
use crate::jws;
use crate::seams::{Signer, SignerError};

/// Why a list was not signed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum BuildError {
    /// The key's keeper did not sign.
    Signer(SignerError),
    /// An identifier list has no form as JWT.
    IdentifierListAsJwt,
    /// JWTs have no algorithm for keys on that curve.
    CurveAsJwt(Curve),
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Signer(_) => f.write_str("the list was not signed"),
            Self::IdentifierListAsJwt => f.write_str("an identifier list is always a CWT"),
            Self::CurveAsJwt(curve) => write!(f, "a JWT cannot be signed with a key on {curve}"),
        }
    }
}

impl core::error::Error for BuildError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Signer(cause) => Some(cause),
            Self::IdentifierListAsJwt | Self::CurveAsJwt(_) => None,
        }
    }
}

impl From<SignerError> for BuildError {
    fn from(cause: SignerError) -> Self {
        Self::Signer(cause)
    }
}

impl Claims {
    /// Signs the list as a CWT: a `COSE_Sign1` with tag 18, algorithm, type and certificates in the protected header.
    ///
    /// `chain` is the signer's certificate first, then intermediate ones; the root does not belong in it.
    ///
    /// # Errors
    /// [`SignerError`] if the key's keeper does not sign.
    pub fn sign_cwt(&self, signer: &dyn Signer, chain: &[&[u8]]) -> Result<Vec<u8>, SignerError> {
        let typ = self.content.media_type();
        let (payload, protected) = (self.encode(), protected(signer.algorithm(), typ, chain));
        let signature = signer.sign(&to_be_signed(&protected, &payload))?;
        let mut out = Vec::with_capacity(payload.len() + protected.len() + 256);
        write::tag(&mut out, TAG_SIGN1);
        write_sign1(&mut out, &protected, &[], Some(&payload), &signature);
        Ok(out)
    }

    /// Signs the list as a JWT in compact form, certificates in `x5c`. For readers of other credentials: documents
    /// refer to the CWT.
    ///
    /// # Errors
    /// [`BuildError`] if the list is an identifier list, the key on a curve that JWTs have no algorithm for, or its
    /// keeper does not sign.
    pub fn sign_jwt(&self, signer: &dyn Signer, chain: &[&[u8]]) -> Result<String, BuildError> {
        let curve = signer.public_key().curve();
        let alg = jws::algorithm(curve).ok_or(BuildError::CurveAsJwt(curve))?;
        let mut token = jwt::to_be_signed(self, alg, bare(STATUS_LIST_JWT), chain)
            .ok_or(BuildError::IdentifierListAsJwt)?;
        let signature = signer.sign(token.as_bytes())?;
        token.push('.');
        token.push_str(&Base64Url::encode_string(&signature));
        Ok(token)
    }
}

fn protected(algorithm: SignatureAlgorithm, typ: &str, chain: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::new();
    write::map(&mut out, 2 + usize::from(!chain.is_empty()));
    // The entry of a map with nothing but the algorithm.
    out.extend_from_slice(crate::cose::protected(algorithm).get(1..).unwrap_or_default());
    write::integer(&mut out, HEADER_TYPE);
    write::text(&mut out, typ);
    write_x5chain(&mut out, chain);
    out
}
