//! Metadata as a JWT, for a wallet that asks for `application/jwt` (OpenID4VCI 1.0, 12.2.3).

use core::fmt;

use mdoc_core::crypto::{Backend, SignatureAlgorithm};
use mdoc_core::seams::Signer;
use mdoc_core::time::Timestamp;
use serde_json::Value;

use super::{IssuerMetadata, MetadataError};
use crate::jose::jws::{self, Jws, JwsError, Named};
use crate::jose::trust::{Trust, TrustError};
use crate::vci::{Draft, Window};

/// The type in the header.
pub const SIGNED_TYPE: &str = "openidvci-issuer-metadata+jwt";

/// Why signed metadata is not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignedError {
    /// The JWT does not hold.
    Jwt(JwsError),
    /// Its signer is not trusted.
    Trust(TrustError),
    /// `sub` is another issuer.
    Subject,
    /// `iat` is missing or lies in the future.
    IssuedAt,
    /// It is over.
    Expired,
    /// What it says is of no use.
    Metadata(MetadataError),
}

impl fmt::Display for SignedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Jwt(fault) => fault.fmt(f),
            Self::Trust(fault) => fault.fmt(f),
            Self::Subject => f.write_str("the signed metadata is that of another issuer"),
            Self::IssuedAt => f.write_str("the signed metadata has no time of issue, or one in the future"),
            Self::Expired => f.write_str("the signed metadata is over"),
            Self::Metadata(fault) => fault.fmt(f),
        }
    }
}

impl core::error::Error for SignedError {}

/// Signs metadata; `expires` ends it. The chain is without the anchor.
///
/// # Errors
/// [`JwsError`] if the key does not sign.
pub fn sign(
    metadata: &IssuerMetadata,
    oldest: Draft,
    (issued, expires): (Timestamp, Option<Timestamp>),
    chain: &[&[u8]],
    signer: &dyn Signer,
) -> Result<String, JwsError> {
    let mut claims = metadata.to_value(oldest);
    if let Some(claims) = claims.as_object_mut() {
        claims.insert("sub".to_owned(), metadata.credential_issuer.as_str().into());
        claims.insert("iss".to_owned(), metadata.credential_issuer.as_str().into());
        claims.insert("iat".to_owned(), issued.unix().into());
        if let Some(expires) = expires {
            claims.insert("exp".to_owned(), expires.unix().into());
        }
    }
    jws::sign(SIGNED_TYPE, Named::Certificates(chain), &[], &claims, signer)
}

/// Checks signed metadata and reads it.
///
/// # Errors
/// [`SignedError`].
pub fn verify(
    token: &str,
    identifier: &str,
    trust: &Trust,
    window: &Window,
    backend: &dyn Backend,
) -> Result<IssuerMetadata, SignedError> {
    let jws = Jws::decode(token).map_err(SignedError::Jwt)?;
    jws.header().expect_type(SIGNED_TYPE).map_err(SignedError::Jwt)?;
    let key = trust
        .key(jws.header(), window.now, backend)
        .map_err(SignedError::Trust)?;
    let allowed = [
        SignatureAlgorithm::Es256,
        SignatureAlgorithm::Es384,
        SignatureAlgorithm::Es512,
        SignatureAlgorithm::EdDsa,
    ];
    let verified = jws.verify(&key, &allowed, backend).map_err(SignedError::Jwt)?;
    let claims = verified.claims();
    if claims.text("sub") != Some(identifier) {
        return Err(SignedError::Subject);
    }
    match claims.time("iat") {
        Some(issued) if !window.is_before(issued) => {}
        _ => return Err(SignedError::IssuedAt),
    }
    if claims.has("exp") && claims.time("exp").is_none_or(|end| window.is_over(end)) {
        return Err(SignedError::Expired);
    }
    IssuerMetadata::from_value(Value::Object(claims.all().clone()), identifier).map_err(SignedError::Metadata)
}
