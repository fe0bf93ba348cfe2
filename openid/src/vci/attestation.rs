//! Statements about keys by who keeps them (OpenID4VCI 1.0, D).

use core::fmt;

use mdoc_core::crypto::{Backend, PublicKey, SignatureAlgorithm};
use mdoc_core::seams::Signer;
use mdoc_core::time::Timestamp;
use serde_json::{Value, json};

use super::metadata::KeyAttestationsRequired;
use super::{Draft, Nonces, Window};
use crate::jose::jwk::{Jwk, JwkError};
use crate::jose::jws::{self, Claims, Jws, JwsError, Named};
use crate::jose::trust::{Trust, TrustError};

/// The type in the header.
pub const TYPE: &str = "key-attestation+jwt";

/// The type in the header, in draft 15.
const DRAFT_TYPE: &str = "keyattestation+jwt";

/// The most keys in one statement.
const MOST_KEYS: usize = 100;

/// The rules of an issuer.
#[derive(Debug, Clone, Copy)]
pub struct AttestationRules<'a> {
    /// Whose statements count.
    pub trust: &'a Trust,
    /// What they must say.
    pub required: &'a KeyAttestationsRequired,
    /// The algorithms that are taken.
    pub algorithms: &'a [SignatureAlgorithm],
    /// When they may have been made; the end they name themselves counts, too.
    pub window: Window,
    /// The oldest version of the protocol that is spoken.
    pub oldest: Draft,
}

/// Which rule a statement breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum AttestationError {
    /// The JWT does not hold.
    Jwt(JwsError),
    /// Its signer is not trusted.
    Trust(TrustError),
    /// `iat` is missing or in the future.
    IssuedAt,
    /// `exp` is missing, which it must not be inside of a proof.
    NoEnd,
    /// It is over.
    Expired,
    /// `attested_keys` is missing, empty, or too long.
    Keys,
    /// One of the keys cannot be used.
    Key(JwkError),
    /// `nonce` is missing.
    NonceMissing,
    /// `nonce` is not one that was given out lately.
    NonceWrong,
    /// The keys are not kept in a way that is asked for.
    KeyStorage,
    /// The person does not prove to be the one in a way that is asked for.
    UserAuthentication,
}

impl fmt::Display for AttestationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Jwt(fault) => fault.fmt(f),
            Self::Trust(fault) => fault.fmt(f),
            Self::IssuedAt => f.write_str("iat is missing or in the future"),
            Self::NoEnd => f.write_str("exp is missing"),
            Self::Expired => f.write_str("it is over"),
            Self::Keys => f.write_str("attested_keys is missing, empty or too long"),
            Self::Key(_) => f.write_str("an attested key cannot be used"),
            Self::NonceMissing => f.write_str("nonce is missing"),
            Self::NonceWrong => f.write_str("nonce is wrong or stale"),
            Self::KeyStorage => f.write_str("key_storage is not one that is asked for"),
            Self::UserAuthentication => f.write_str("user_authentication is not one that is asked for"),
        }
    }
}

impl core::error::Error for AttestationError {}

/// Keys about which somebody trusted made a statement. Nothing else makes one.
#[derive(Debug, Clone)]
pub struct AttestedKeys {
    keys: Vec<PublicKey>,
    names: Vec<Option<String>>,
    nonce: Option<String>,
    claims: Claims,
}

impl AttestedKeys {
    /// The keys.
    #[must_use]
    pub fn keys(&self) -> &[PublicKey] {
        &self.keys
    }

    /// The nonce, if there is one.
    #[must_use]
    pub fn nonce(&self) -> Option<&str> {
        self.nonce.as_deref()
    }

    /// All that was said; `status` refers to a status list.
    #[must_use]
    pub const fn claims(&self) -> &Claims {
        &self.claims
    }

    /// The key of that name, or of that number in the list.
    #[must_use]
    pub fn named(&self, kid: &str) -> Option<PublicKey> {
        find(&self.keys, &self.names, kid)
    }
}

fn find(keys: &[PublicKey], names: &[Option<String>], kid: &str) -> Option<PublicKey> {
    let by_name = names.iter().position(|name| name.as_deref() == Some(kid));
    let at = by_name.or_else(|| kid.parse().ok())?;
    keys.get(at).cloned()
}

/// The key that `kid` of a proof means, where nobody asks who made the statement: the proof itself shows that the wallet
/// has it.
pub(super) fn attested_without_trust(token: &str, kid: &str) -> Option<PublicKey> {
    let jws = Jws::decode(token).ok()?;
    let (keys, names) = keys(jws.unverified_claims()).ok()?;
    find(&keys, &names, kid)
}

type Keys = (Vec<PublicKey>, Vec<Option<String>>);

fn keys(claims: &Claims) -> Result<Keys, AttestationError> {
    let list = claims.get("attested_keys").and_then(Value::as_array);
    let list = list.ok_or(AttestationError::Keys)?;
    if list.is_empty() || list.len() > MOST_KEYS {
        return Err(AttestationError::Keys);
    }
    let (mut keys, mut names) = (Vec::new(), Vec::new());
    for item in list {
        let jwk: Jwk = serde_json::from_value(item.clone()).map_err(|_| AttestationError::Keys)?;
        keys.push(jwk.public_key().map_err(AttestationError::Key)?);
        names.push(jwk.text("kid").map(str::to_owned));
    }
    Ok((keys, names))
}

/// Checks a statement that stands for the proofs of its keys.
///
/// # Errors
/// [`AttestationError`] with the first rule that is broken.
pub fn verify(
    token: &str,
    rules: &AttestationRules<'_>,
    nonces: Nonces<'_>,
    backend: &dyn Backend,
) -> Result<AttestedKeys, AttestationError> {
    let attested = checked(token, rules, nonces, backend)?;
    if matches!(nonces, Nonces::Required(_)) && attested.nonce.is_none() {
        return Err(AttestationError::NonceMissing);
    }
    Ok(attested)
}

/// Checks a statement in the header of a proof: it must have an end, and need not have a nonce.
pub(super) fn verify_inside_proof(
    token: &str,
    rules: &AttestationRules<'_>,
    nonces: Nonces<'_>,
    backend: &dyn Backend,
) -> Result<AttestedKeys, AttestationError> {
    let attested = checked(token, rules, nonces, backend)?;
    if attested.claims.time("exp").is_none() {
        return Err(AttestationError::NoEnd);
    }
    Ok(attested)
}

fn checked(
    token: &str,
    rules: &AttestationRules<'_>,
    nonces: Nonces<'_>,
    backend: &dyn Backend,
) -> Result<AttestedKeys, AttestationError> {
    let jws = Jws::decode(token).map_err(AttestationError::Jwt)?;
    let header = jws.header();
    let draft = rules.oldest <= Draft::Draft15 && header.expect_type(DRAFT_TYPE).is_ok();
    if !draft {
        header.expect_type(TYPE).map_err(AttestationError::Jwt)?;
    }
    let key = rules
        .trust
        .key(header, rules.window.now, backend)
        .map_err(AttestationError::Trust)?;
    let verified = jws
        .verify(&key, rules.algorithms, backend)
        .map_err(AttestationError::Jwt)?;
    let claims = verified.claims();
    if claims
        .time("iat")
        .is_none_or(|instant| rules.window.is_before(instant))
    {
        return Err(AttestationError::IssuedAt);
    }
    if claims.has("exp") && claims.time("exp").is_none_or(|end| rules.window.is_over(end)) {
        return Err(AttestationError::Expired);
    }
    let nonce = claims.text("nonce").map(str::to_owned);
    if let (Nonces::Required(known), Some(nonce)) = (nonces, &nonce)
        && !known(nonce)
    {
        return Err(AttestationError::NonceWrong);
    }
    if !meets(claims, "key_storage", &rules.required.key_storage) {
        return Err(AttestationError::KeyStorage);
    }
    if !meets(claims, "user_authentication", &rules.required.user_authentication) {
        return Err(AttestationError::UserAuthentication);
    }
    let (keys, names) = keys(claims)?;
    Ok(AttestedKeys {
        keys,
        names,
        nonce,
        claims: claims.clone(),
    })
}

/// Whether a claim has any of what is accepted; nothing accepted means that nothing is asked for.
fn meets(claims: &Claims, claim: &str, accepted: &[String]) -> bool {
    let said = claims.get(claim).and_then(Value::as_array);
    let said = said.map(Vec::as_slice).unwrap_or_default();
    accepted.is_empty()
        || said
            .iter()
            .any(|level| accepted.iter().any(|accepted| level == accepted))
}

/// What a statement says.
#[derive(Debug, Clone, Copy)]
pub struct Statement<'a> {
    /// The keys.
    pub keys: &'a [PublicKey],
    /// When it is made.
    pub issued: Timestamp,
    /// When it ends.
    pub expires: Timestamp,
    /// The issuer's nonce.
    pub nonce: Option<&'a str>,
    /// How the keys are kept, and how the person proves to be the one.
    pub levels: &'a KeyAttestationsRequired,
}

/// Makes a statement, as a wallet's provider does.
///
/// # Errors
/// [`JwsError`] if the key does not sign.
pub fn sign(statement: &Statement<'_>, named: Named<'_>, signer: &dyn Signer) -> Result<String, JwsError> {
    let mut claims = json!({
        "iat": statement.issued.unix(),
        "exp": statement.expires.unix(),
        "attested_keys": statement.keys.iter().map(Jwk::new).collect::<Vec<_>>(),
    });
    if let Some(members) = claims.as_object_mut() {
        for (name, levels) in [
            ("key_storage", &statement.levels.key_storage),
            ("user_authentication", &statement.levels.user_authentication),
        ] {
            if !levels.is_empty() {
                members.insert(name.to_owned(), json!(levels));
            }
        }
        if let Some(nonce) = statement.nonce {
            members.insert("nonce".to_owned(), nonce.into());
        }
    }
    jws::sign(TYPE, named, &[], &claims, signer)
}
