//! Wallets that say what they are: attestation-based client authentication (OpenID4VCI 1.0, E).
//!
//! The provider of a wallet says of an installation's key that it belongs to its product; the installation signs with that
//! key. `client_id` names the product and never the person.

use core::fmt;

use mdoc_core::crypto::{Backend, PublicKey, SignatureAlgorithm};
use mdoc_core::seams::Signer;
use mdoc_core::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::error::ErrorCode;
use super::{Nonces, Window};
use crate::Secret;
use crate::jose::json::{self, BadJson};
use crate::jose::jwk::{self, Jwk};
use crate::jose::jws::{self, Claims, Jws, JwsError, Named};
use crate::jose::trust::{Trust, TrustError};

/// The header with the provider's statement.
pub const ATTESTATION_HEADER: &str = "OAuth-Client-Attestation";

/// The header with the installation's proof.
pub const POP_HEADER: &str = "OAuth-Client-Attestation-PoP";

/// The header of an answer with a new challenge.
pub const CHALLENGE_HEADER: &str = "OAuth-Client-Attestation-Challenge";

/// The answer of the challenge endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChallengeResponse {
    /// To be put into the installation's proof.
    pub attestation_challenge: Secret,
}

impl ChallengeResponse {
    /// The JSON.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        json::write(self)
    }

    /// Reads the answer.
    ///
    /// # Errors
    /// [`BadJson`].
    pub fn decode(body: &[u8]) -> Result<Self, BadJson> {
        json::read(body)
    }
}

/// The type of the provider's statement.
pub const ATTESTATION_TYPE: &str = "oauth-client-attestation+jwt";

/// The type of the installation's proof.
pub const POP_TYPE: &str = "oauth-client-attestation-pop+jwt";

/// The longest identifier of a proof, in bytes.
const LONGEST_JTI: usize = 256;

/// The rules of a server.
#[derive(Debug, Clone, Copy)]
pub struct ClientRules<'a> {
    /// The server's identifier, which `aud` of the proof must be.
    pub server: &'a str,
    /// Which providers' statements count.
    pub trust: &'a Trust,
    /// `client_id` of the request, if it has one.
    pub client_id: Option<&'a str>,
    /// How challenges are judged.
    pub challenges: Nonces<'a>,
    /// When proofs may have been made; statements name their own end.
    pub window: Window,
    /// The algorithms that are taken.
    pub algorithms: &'a [SignatureAlgorithm],
}

/// Which rule is broken.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClientError {
    /// The statement's JWT does not hold.
    Attestation(JwsError),
    /// The provider is not trusted.
    Trust(TrustError),
    /// The statement has no `sub`, or another than `client_id` of the request.
    Subject,
    /// The statement has no end, or is over.
    Expired,
    /// The statement is not yet of effect, or was made in the future.
    NotYet,
    /// The statement has no key in `cnf`.
    Confirmation,
    /// The proof's JWT does not hold, or another key signed it.
    Pop(JwsError),
    /// The proof is for another server.
    Audience,
    /// The proof says that it is from another client.
    PopIssuer,
    /// The proof has no `jti`, or one that is too long.
    Identifier,
    /// The proof is too old, or was made in the future.
    PopIssuedAt,
    /// The proof has no challenge.
    ChallengeMissing,
    /// The proof's challenge is not one that was given out lately.
    ChallengeWrong,
}

impl ClientError {
    /// The code of the answer.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::ChallengeMissing | Self::ChallengeWrong => ErrorCode::UseAttestationChallenge,
            Self::Expired => ErrorCode::UseFreshAttestation,
            _ => ErrorCode::InvalidClientAttestation,
        }
    }
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Attestation(fault) => write!(f, "client attestation: {fault}"),
            Self::Trust(fault) => write!(f, "client attestation: {fault}"),
            Self::Subject => f.write_str("client attestation: sub is missing or not the client"),
            Self::Expired => f.write_str("client attestation: it is over"),
            Self::NotYet => f.write_str("client attestation: it is of the future"),
            Self::Confirmation => f.write_str("client attestation: cnf has no key that can be used"),
            Self::Pop(fault) => write!(f, "proof of the client attestation: {fault}"),
            Self::Audience => f.write_str("proof of the client attestation: aud is not this server"),
            Self::PopIssuer => f.write_str("proof of the client attestation: iss is not the client"),
            Self::Identifier => f.write_str("proof of the client attestation: jti is missing or too long"),
            Self::PopIssuedAt => {
                f.write_str("proof of the client attestation: iat is missing, too old, or in the future")
            }
            Self::ChallengeMissing => f.write_str("proof of the client attestation: challenge is missing"),
            Self::ChallengeWrong => {
                f.write_str("proof of the client attestation: challenge is wrong or stale")
            }
        }
    }
}

impl core::error::Error for ClientError {}

/// A client that authenticated by every rule. Nothing else makes one.
#[derive(Debug, Clone)]
pub struct VerifiedClient {
    client_id: String,
    key: PublicKey,
    thumbprint: String,
    jti: String,
    challenge: Option<String>,
    claims: Claims,
}

impl VerifiedClient {
    /// The product.
    #[must_use]
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    /// The key of the installation, to which its refresh tokens are bound.
    #[must_use]
    pub const fn key(&self) -> &PublicKey {
        &self.key
    }

    /// The thumbprint of the key.
    #[must_use]
    pub fn thumbprint(&self) -> &str {
        &self.thumbprint
    }

    /// The identifier of the proof, for a store that takes none twice within the window.
    #[must_use]
    pub fn jti(&self) -> &str {
        &self.jti
    }

    /// The challenge, if there was one.
    #[must_use]
    pub fn challenge(&self) -> Option<&str> {
        self.challenge.as_deref()
    }

    /// All that the provider said: `wallet_name`, `wallet_link`, `status`.
    #[must_use]
    pub const fn claims(&self) -> &Claims {
        &self.claims
    }
}

/// Checks the two headers of a request.
///
/// # Errors
/// [`ClientError`] with the first rule that is broken.
pub fn verify(
    attestation: &str,
    pop: &str,
    rules: &ClientRules<'_>,
    backend: &dyn Backend,
) -> Result<VerifiedClient, ClientError> {
    let (claims, client_id, key) = statement(attestation, rules, backend)?;
    let jws = Jws::decode(pop).map_err(ClientError::Pop)?;
    jws.header().expect_type(POP_TYPE).map_err(ClientError::Pop)?;
    let verified = jws
        .verify(&key, rules.algorithms, backend)
        .map_err(ClientError::Pop)?;
    let said = verified.claims();
    if !said.is_for(rules.server) {
        return Err(ClientError::Audience);
    }
    // Dropped in later drafts, so it need not be there.
    if said.get("iss").is_some_and(|iss| *iss != client_id.as_str()) {
        return Err(ClientError::PopIssuer);
    }
    let jti = said
        .text("jti")
        .filter(|jti| (1..=LONGEST_JTI).contains(&jti.len()))
        .ok_or(ClientError::Identifier)?;
    if !said
        .time("iat")
        .is_some_and(|issued| rules.window.contains(issued))
    {
        return Err(ClientError::PopIssuedAt);
    }
    let challenge = said.text("challenge");
    if let Nonces::Required(known) = rules.challenges {
        let challenge = challenge.ok_or(ClientError::ChallengeMissing)?;
        if !known(challenge) {
            return Err(ClientError::ChallengeWrong);
        }
    }
    Ok(VerifiedClient {
        thumbprint: jwk::thumbprint(&key, backend),
        client_id,
        key,
        jti: jti.to_owned(),
        challenge: challenge.map(str::to_owned),
        claims,
    })
}

fn statement(
    attestation: &str,
    rules: &ClientRules<'_>,
    backend: &dyn Backend,
) -> Result<(Claims, String, PublicKey), ClientError> {
    let jws = Jws::decode(attestation).map_err(ClientError::Attestation)?;
    jws.header()
        .expect_type(ATTESTATION_TYPE)
        .map_err(ClientError::Attestation)?;
    let signer = rules
        .trust
        .key(jws.header(), rules.window.now, backend)
        .map_err(ClientError::Trust)?;
    let verified = jws
        .verify(&signer, rules.algorithms, backend)
        .map_err(ClientError::Attestation)?;
    let claims = verified.claims();
    let client_id = claims
        .text("sub")
        .filter(|sub| !sub.is_empty())
        .ok_or(ClientError::Subject)?;
    if rules.client_id.is_some_and(|expected| expected != client_id) {
        return Err(ClientError::Subject);
    }
    if claims.time("exp").is_none_or(|end| rules.window.is_over(end)) {
        return Err(ClientError::Expired);
    }
    for claim in ["nbf", "iat"] {
        if claims.has(claim)
            && claims
                .time(claim)
                .is_none_or(|begin| rules.window.is_before(begin))
        {
            return Err(ClientError::NotYet);
        }
    }
    let confirmation = claims.get("cnf").and_then(|cnf| cnf.get("jwk")).cloned();
    let jwk: Jwk =
        serde_json::from_value(confirmation.unwrap_or(Value::Null)).map_err(|_| ClientError::Confirmation)?;
    let key = jwk.public_key().map_err(|_| ClientError::Confirmation)?;
    Ok((claims.clone(), client_id.to_owned(), key))
}

/// Makes the provider's statement about an installation's key; `more` are claims beside those that are needed, such as
/// `wallet_name`, and replace none of them.
///
/// # Errors
/// [`JwsError`] if the key does not sign.
pub fn sign_attestation(
    client_id: &str,
    key: &PublicKey,
    (issued, expires): (Timestamp, Timestamp),
    more: &[(&str, &str)],
    named: Named<'_>,
    provider: &dyn Signer,
) -> Result<String, JwsError> {
    let mut claims = json!({
        "sub": client_id,
        "iat": issued.unix(),
        "exp": expires.unix(),
        "cnf": { "jwk": Jwk::new(key) },
    });
    if let Some(claims) = claims.as_object_mut() {
        for (name, value) in more {
            claims
                .entry((*name).to_owned())
                .or_insert_with(|| (*value).into());
        }
    }
    jws::sign(ATTESTATION_TYPE, named, &[], &claims, provider)
}

/// Makes the installation's proof, for one request.
///
/// # Errors
/// [`JwsError`] if the key does not sign.
pub fn sign_pop(
    client_id: &str,
    server: &str,
    challenge: Option<&str>,
    jti: &Secret,
    now: Timestamp,
    signer: &dyn Signer,
) -> Result<String, JwsError> {
    let mut claims = json!({
        "iss": client_id,
        "aud": server,
        "jti": jti.expose(),
        "iat": now.unix(),
    });
    if let (Some(claims), Some(challenge)) = (claims.as_object_mut(), challenge) {
        claims.insert("challenge".to_owned(), challenge.into());
    }
    jws::sign(POP_TYPE, Named::Nobody, &[], &claims, signer)
}

#[cfg(test)]
mod tests;
