//! Proofs of keys (OpenID4VCI 1.0, F): the wallet has the keys that its documents are bound to.

mod rules;
#[cfg(test)]
mod tests;

use mdoc_core::seams::Signer;
use mdoc_core::time::Timestamp;
use serde_json::{Map, Value};

pub use self::rules::{Attestations, ProofError, ProofFault, ProofRules, ProvedKeys, Wallet, verify};
use crate::jose::jws::{self, JwsError, Named};

/// The type in the header of a proof.
pub const TYPE: &str = "openid4vci-proof+jwt";

/// The proofs of a request: exactly one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proofs {
    /// A JWT for each key, signed by it.
    Jwt(Vec<String>),
    /// One statement about all keys, signed by who keeps them.
    Attestation(String),
}

/// Makes a proof of the signer's key.
///
/// `client_id` must be left out after a token that was had anonymously. `nonce` is the issuer's; `attestation` is a
/// statement about the key, if the issuer asks for one.
///
/// # Errors
/// [`JwsError`] if the key does not sign.
pub fn sign(
    issuer: &str,
    client_id: Option<&str>,
    nonce: Option<&str>,
    attestation: Option<&str>,
    now: Timestamp,
    signer: &dyn Signer,
) -> Result<String, JwsError> {
    let mut claims = Map::new();
    if let Some(client_id) = client_id {
        claims.insert("iss".to_owned(), client_id.into());
    }
    claims.insert("aud".to_owned(), issuer.into());
    claims.insert("iat".to_owned(), now.unix().into());
    if let Some(nonce) = nonce {
        claims.insert("nonce".to_owned(), nonce.into());
    }
    let attestation = attestation.map(|attestation| ("key_attestation", attestation));
    let extra: Vec<_> = attestation.into_iter().collect();
    jws::sign(TYPE, Named::Jwk, &extra, &Value::Object(claims), signer)
}
