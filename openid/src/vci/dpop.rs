//! DPoP (RFC 9449): a token is of use only to who has its key.

use core::fmt;

use mdoc_core::crypto::{Backend, DigestAlgorithm, PublicKey, SignatureAlgorithm, equal_in_constant_time};
use mdoc_core::seams::Signer;
use mdoc_core::time::Timestamp;
use serde_json::json;

use super::error::ErrorCode;
use super::{Nonces, Window};
use crate::Secret;
use crate::jose::jws::{self, Jws, JwsError, Named};
use crate::jose::{base64url, jwk};
use crate::web::Address;

/// The type in the header.
pub const TYPE: &str = "dpop+jwt";

/// The longest identifier of a proof, in bytes: a store keeps it for a while.
const LONGEST_JTI: usize = 256;

/// What a proof is for.
#[derive(Debug, Clone, Copy)]
pub struct DpopRules<'a> {
    /// The method of the request.
    pub method: &'a str,
    /// The address of the request, as the client sees it.
    pub url: &'a str,
    /// The token that comes with it, at a protected resource.
    pub access_token: Option<&'a Secret>,
    /// The thumbprint of the key that the token is bound to.
    pub bound_to: Option<&'a str>,
    /// How nonces are judged.
    pub nonces: Nonces<'a>,
    /// When it may have been made.
    pub window: Window,
    /// The algorithms that are taken.
    pub algorithms: &'a [SignatureAlgorithm],
}

/// Which rule a proof breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum DpopError {
    /// The JWT does not hold: its form, type, algorithm, key or signature.
    Jwt(JwsError),
    /// `jwk` is missing.
    KeyMissing,
    /// `jti` is missing, empty or too long.
    Identifier,
    /// `htm` is another method.
    Method,
    /// `htu` is another address.
    Url,
    /// `iat` is missing, too old, or in the future.
    IssuedAt,
    /// `nonce` is missing.
    NonceMissing,
    /// `nonce` is not one that was given out lately.
    NonceWrong,
    /// `ath` is missing or that of another token.
    Token,
    /// The token is bound to another key.
    Key,
}

impl DpopError {
    /// The code of the answer; with `use_dpop_nonce` comes the header `DPoP-Nonce`.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::NonceMissing | Self::NonceWrong => ErrorCode::UseDpopNonce,
            Self::Key => ErrorCode::InvalidToken,
            _ => ErrorCode::InvalidDpopProof,
        }
    }
}

impl fmt::Display for DpopError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Jwt(fault) => fault.fmt(f),
            Self::KeyMissing => f.write_str("jwk is missing"),
            Self::Identifier => f.write_str("jti is missing, empty or too long"),
            Self::Method => f.write_str("htm is another method"),
            Self::Url => f.write_str("htu is another address"),
            Self::IssuedAt => f.write_str("iat is missing, too old, or in the future"),
            Self::NonceMissing => f.write_str("nonce is missing"),
            Self::NonceWrong => f.write_str("nonce is wrong or stale"),
            Self::Token => f.write_str("ath is missing or that of another token"),
            Self::Key => f.write_str("the token is bound to another key"),
        }
    }
}

impl core::error::Error for DpopError {}

/// A proof that keeps every rule. Nothing else makes one.
#[derive(Debug, Clone)]
pub struct VerifiedDpop {
    key: PublicKey,
    thumbprint: String,
    jti: String,
    issued: Timestamp,
    nonce: Option<String>,
}

impl VerifiedDpop {
    /// The key.
    #[must_use]
    pub const fn key(&self) -> &PublicKey {
        &self.key
    }

    /// Its thumbprint (RFC 7638): the `jkt` that a token is bound to.
    #[must_use]
    pub fn thumbprint(&self) -> &str {
        &self.thumbprint
    }

    /// The identifier of the proof, for a store that takes none twice within the window.
    #[must_use]
    pub fn jti(&self) -> &str {
        &self.jti
    }

    /// When it was made.
    #[must_use]
    pub const fn issued(&self) -> Timestamp {
        self.issued
    }

    /// The nonce, if one was asked for.
    #[must_use]
    pub fn nonce(&self) -> Option<&str> {
        self.nonce.as_deref()
    }
}

/// Checks the header `DPoP` of a request.
///
/// # Errors
/// [`DpopError`] with the first rule that is broken.
pub fn verify(proof: &str, rules: &DpopRules<'_>, backend: &dyn Backend) -> Result<VerifiedDpop, DpopError> {
    let jws = Jws::decode(proof).map_err(DpopError::Jwt)?;
    jws.header().expect_type(TYPE).map_err(DpopError::Jwt)?;
    let key = jws
        .header()
        .jwk()
        .map_err(DpopError::Jwt)?
        .ok_or(DpopError::KeyMissing)?;
    let verified = jws
        .verify(&key, rules.algorithms, backend)
        .map_err(DpopError::Jwt)?;
    let claims = verified.claims();
    let jti = claims
        .text("jti")
        .filter(|jti| (1..=LONGEST_JTI).contains(&jti.len()))
        .ok_or(DpopError::Identifier)?;
    if claims.text("htm") != Some(rules.method) {
        return Err(DpopError::Method);
    }
    let stated = claims.text("htu").and_then(|htu| Address::parse(htu).ok());
    let actual = Address::parse(rules.url).map_err(|_| DpopError::Url)?;
    if !stated.is_some_and(|stated| stated.same_place(&actual)) {
        return Err(DpopError::Url);
    }
    let issued = claims
        .time("iat")
        .filter(|issued| rules.window.contains(*issued))
        .ok_or(DpopError::IssuedAt)?;
    let mut nonce = None;
    if let Nonces::Required(known) = rules.nonces {
        let found = claims.text("nonce").ok_or(DpopError::NonceMissing)?;
        if !known(found) {
            return Err(DpopError::NonceWrong);
        }
        nonce = Some(found.to_owned());
    }
    if let Some(token) = rules.access_token {
        let expected = token_hash(token, backend);
        let found = claims.text("ath").ok_or(DpopError::Token)?;
        if !equal_in_constant_time(found.as_bytes(), expected.as_bytes()) {
            return Err(DpopError::Token);
        }
    }
    let thumbprint = jwk::thumbprint(&key, backend);
    let is_other = |bound_to: &str| !equal_in_constant_time(bound_to.as_bytes(), thumbprint.as_bytes());
    if rules.bound_to.is_some_and(is_other) {
        return Err(DpopError::Key);
    }
    Ok(VerifiedDpop {
        key,
        thumbprint,
        jti: jti.to_owned(),
        issued,
        nonce,
    })
}

/// What `ath` is: the digest of the token.
fn token_hash(token: &Secret, backend: &dyn Backend) -> String {
    let digest = backend.digest(DigestAlgorithm::Sha256, &[token.expose().as_bytes()]);
    base64url(digest.as_ref())
}

/// What a proof is made for.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The method.
    pub method: &'a str,
    /// The address.
    pub url: &'a str,
    /// The token that goes with it.
    pub access_token: Option<&'a Secret>,
    /// The nonce that the server asked for last.
    pub nonce: Option<&'a str>,
}

/// Makes the header `DPoP` of a request. `jti` must be new: [`Secret::random`] makes one.
///
/// # Errors
/// [`JwsError`] if the key does not sign.
pub fn sign(
    request: &Request<'_>,
    jti: &Secret,
    now: Timestamp,
    signer: &dyn Signer,
    backend: &dyn Backend,
) -> Result<String, JwsError> {
    let url = request.url.split(['?', '#']).next().unwrap_or_default();
    let mut claims = json!({
        "jti": jti.expose(),
        "htm": request.method,
        "htu": url,
        "iat": now.unix(),
    });
    if let Some(claims) = claims.as_object_mut() {
        if let Some(token) = request.access_token {
            claims.insert("ath".to_owned(), token_hash(token, backend).into());
        }
        if let Some(nonce) = request.nonce {
            claims.insert("nonce".to_owned(), nonce.into());
        }
    }
    jws::sign(TYPE, Named::Jwk, &[], &claims, signer)
}

#[cfg(test)]
mod tests;
