//! What an issuer checks of proofs; each rule has its own name.

use core::fmt;

use mdoc_core::crypto::{Backend, PublicKey, SignatureAlgorithm};

use super::{Proofs, TYPE};
use crate::jose::jws::{Jws, JwsError};
use crate::vci::attestation::{AttestationError, AttestationRules, AttestedKeys, attested_without_trust};
use crate::vci::error::ErrorCode;
use crate::vci::{Nonces, Window, attestation};

/// For whom a proof may say that it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wallet<'a> {
    /// The token was had anonymously: no proof may name a client.
    Anonymous,
    /// A proof that names a client must name this one.
    Client(&'a str),
}

/// Whether keys must be attested.
#[derive(Debug, Clone, Copy)]
pub enum Attestations<'a> {
    /// They need not be; one that is sent is passed over.
    NotAsked,
    /// They must be, by these rules.
    Required(&'a AttestationRules<'a>),
}

/// The rules of an issuer.
#[derive(Debug, Clone, Copy)]
pub struct ProofRules<'a> {
    /// The issuer's identifier, which `aud` must be.
    pub issuer: &'a str,
    /// The algorithms that its metadata lists.
    pub algorithms: &'a [SignatureAlgorithm],
    /// The most keys in one request.
    pub most: usize,
    /// Who the wallet is.
    pub wallet: Wallet<'a>,
    /// How nonces are judged.
    pub nonces: Nonces<'a>,
    /// When proofs may have been made.
    pub window: Window,
    /// Whether keys must be attested.
    pub attestations: Attestations<'a>,
    /// Whether a statement about keys, without proofs of them, is taken.
    pub attestation_alone: bool,
}

/// Which rule a proof breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProofFault {
    /// There is no proof.
    None,
    /// There are more than the issuer takes at once.
    TooMany,
    /// Proofs of this type are not taken.
    ProofType,
    /// The JWT does not hold: its form, type, algorithm, key or signature.
    Jwt(JwsError),
    /// Not exactly one of `jwk`, `kid` and `x5c` names the key.
    KeyNaming,
    /// `kid` is not that of an attested key.
    Kid,
    /// `x5c` cannot be used.
    Certificate,
    /// `aud` is not this issuer.
    Audience,
    /// `iat` is missing, too old, or in the future.
    IssuedAt,
    /// `nonce` is missing.
    NonceMissing,
    /// `nonce` is not one that was given out lately.
    NonceWrong,
    /// `iss` is there after an anonymous token.
    IssuerNotAllowed,
    /// `iss` is another client.
    Issuer,
    /// A key is there twice.
    KeyRepeated,
    /// A key must be attested and is not.
    AttestationMissing,
    /// The attestation does not hold.
    Attestation(AttestationError),
    /// The proof is not signed by one of the attested keys.
    NotAttested,
}

impl fmt::Display for ProofFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("there is no key proof"),
            Self::TooMany => f.write_str("there are more key proofs than are taken at once"),
            Self::ProofType => f.write_str("key proofs of this type are not taken"),
            Self::Jwt(fault) => fault.fmt(f),
            Self::KeyNaming => f.write_str("exactly one of jwk, kid and x5c must name the key"),
            Self::Kid => f.write_str("kid is not that of an attested key"),
            Self::Certificate => f.write_str("x5c cannot be used"),
            Self::Audience => f.write_str("aud is not this issuer"),
            Self::IssuedAt => f.write_str("iat is missing, too old, or in the future"),
            Self::NonceMissing => f.write_str("nonce is missing"),
            Self::NonceWrong => f.write_str("nonce is wrong or stale"),
            Self::IssuerNotAllowed => f.write_str("iss must not be there after an anonymous token"),
            Self::Issuer => f.write_str("iss is not the client of the token"),
            Self::KeyRepeated => f.write_str("a key is there twice"),
            Self::AttestationMissing => f.write_str("the key is not attested"),
            Self::Attestation(fault) => write!(f, "the key attestation is not taken: {fault}"),
            Self::NotAttested => f.write_str("the proof is not signed by an attested key"),
        }
    }
}

/// Which proof breaks which rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProofError {
    /// The number of the proof, from 0.
    pub at: usize,
    /// The rule.
    pub fault: ProofFault,
}

impl ProofError {
    /// The code of the answer: a wrong nonce has its own, because the wallet gets a new one and tries again.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match &self.fault {
            ProofFault::NonceWrong | ProofFault::Attestation(AttestationError::NonceWrong) => {
                ErrorCode::InvalidNonce
            }
            _ => ErrorCode::InvalidProof,
        }
    }
}

impl fmt::Display for ProofError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "key proof {}: {}", self.at + 1, self.fault)
    }
}

impl core::error::Error for ProofError {}

/// Keys that were proved by every rule. Nothing else makes one.
#[derive(Debug, Clone)]
pub struct ProvedKeys {
    keys: Vec<PublicKey>,
    nonces: Vec<String>,
    attestations: Vec<AttestedKeys>,
}

impl ProvedKeys {
    /// The keys, in the order of the proofs, each once: one document for each.
    #[must_use]
    pub fn keys(&self) -> &[PublicKey] {
        &self.keys
    }

    /// The nonces that were used, each once, for a store that lets none be used again.
    #[must_use]
    pub fn nonces(&self) -> &[String] {
        &self.nonces
    }

    /// What was said about the keys, if the rules asked for it.
    #[must_use]
    pub fn attestations(&self) -> &[AttestedKeys] {
        &self.attestations
    }

    fn add(&mut self, key: PublicKey) -> Result<(), ProofFault> {
        if self.keys.contains(&key) {
            return Err(ProofFault::KeyRepeated);
        }
        self.keys.push(key);
        Ok(())
    }

    fn use_nonce(&mut self, nonce: Option<&str>) {
        if let Some(nonce) = nonce
            && !self.nonces.iter().any(|known| known == nonce)
        {
            self.nonces.push(nonce.to_owned());
        }
    }
}

/// Checks the proofs of a request.
///
/// With one proof whose attestation has several keys, all of them are proved; with several proofs, the keys that signed
/// them.
///
/// # Errors
/// [`ProofError`] with the first rule that is broken.
pub fn verify(
    proofs: Option<&Proofs>,
    rules: &ProofRules<'_>,
    backend: &dyn Backend,
) -> Result<ProvedKeys, ProofError> {
    let at = |at| move |fault| ProofError { at, fault };
    let mut proved = ProvedKeys {
        keys: Vec::new(),
        nonces: Vec::new(),
        attestations: Vec::new(),
    };
    match proofs {
        None => return Err(at(0)(ProofFault::None)),
        Some(Proofs::Jwt(tokens)) => {
            if tokens.is_empty() {
                return Err(at(0)(ProofFault::None));
            }
            if tokens.len() > rules.most {
                return Err(at(rules.most)(ProofFault::TooMany));
            }
            let alone = tokens.len() == 1;
            for (number, token) in tokens.iter().enumerate() {
                one(token, alone, rules, &mut proved, backend).map_err(at(number))?;
            }
        }
        Some(Proofs::Attestation(token)) => {
            let Attestations::Required(attestation_rules) = rules.attestations else {
                return Err(at(0)(ProofFault::ProofType));
            };
            if !rules.attestation_alone {
                return Err(at(0)(ProofFault::ProofType));
            }
            let attested = attestation::verify(token, attestation_rules, rules.nonces, backend)
                .map_err(|fault| at(0)(ProofFault::Attestation(fault)))?;
            take_all(attested, rules, &mut proved).map_err(at(0))?;
        }
    }
    Ok(proved)
}

fn take_all(
    attested: AttestedKeys,
    rules: &ProofRules<'_>,
    proved: &mut ProvedKeys,
) -> Result<(), ProofFault> {
    if attested.keys().len() > rules.most {
        return Err(ProofFault::TooMany);
    }
    for key in attested.keys() {
        proved.add(key.clone())?;
    }
    proved.use_nonce(attested.nonce());
    proved.attestations.push(attested);
    Ok(())
}

fn one(
    token: &str,
    alone: bool,
    rules: &ProofRules<'_>,
    proved: &mut ProvedKeys,
    backend: &dyn Backend,
) -> Result<(), ProofFault> {
    let jws = Jws::decode(token).map_err(ProofFault::Jwt)?;
    let header = jws.header();
    header.expect_type(TYPE).map_err(ProofFault::Jwt)?;
    let namings = ["jwk", "kid", "x5c"].iter().filter(|member| header.has(member));
    if namings.count() != 1 {
        return Err(ProofFault::KeyNaming);
    }
    let attestation = header.text("key_attestation").map(str::to_owned);
    let attested = match (rules.attestations, &attestation) {
        (Attestations::NotAsked, _) => None,
        (Attestations::Required(_), None) => return Err(ProofFault::AttestationMissing),
        (Attestations::Required(attestation_rules), Some(token)) => {
            // Its nonce may be left out: that of the proof is there. One that is there must be good.
            let attested = attestation::verify_inside_proof(token, attestation_rules, rules.nonces, backend);
            Some(attested.map_err(ProofFault::Attestation)?)
        }
    };
    let key = match (header.jwk().map_err(ProofFault::Jwt)?, header.text("kid")) {
        (Some(key), _) => key,
        (None, Some(kid)) => {
            let named = match (&attested, &attestation) {
                (Some(attested), _) => attested.named(kid),
                (None, Some(token)) => attested_without_trust(token, kid),
                (None, None) => None,
            };
            named.ok_or(ProofFault::Kid)?
        }
        (None, None) => {
            let chain = header.x5c().map_err(ProofFault::Jwt)?.unwrap_or_default();
            let certificate = chain.first().ok_or(ProofFault::Certificate)?;
            mdoc_core::x509::Certificate::from_der(certificate)
                .ok()
                .and_then(|certificate| certificate.public_key().ok())
                .ok_or(ProofFault::Certificate)?
        }
    };
    let verified = jws
        .verify(&key, rules.algorithms, backend)
        .map_err(ProofFault::Jwt)?;
    let claims = verified.claims();
    if !claims.is_for(rules.issuer) {
        return Err(ProofFault::Audience);
    }
    if !claims
        .time("iat")
        .is_some_and(|instant| rules.window.contains(instant))
    {
        return Err(ProofFault::IssuedAt);
    }
    match (rules.wallet, claims.get("iss")) {
        (_, None) => {}
        (Wallet::Anonymous, Some(_)) => return Err(ProofFault::IssuerNotAllowed),
        (Wallet::Client(client), Some(iss)) if iss != client => return Err(ProofFault::Issuer),
        _ => {}
    }
    if let Nonces::Required(known) = rules.nonces {
        let nonce = claims.text("nonce").ok_or(ProofFault::NonceMissing)?;
        if !known(nonce) {
            return Err(ProofFault::NonceWrong);
        }
        proved.use_nonce(Some(nonce));
    }
    match attested {
        None => proved.add(key),
        Some(attested) => {
            if !attested.keys().contains(&key) {
                return Err(ProofFault::NotAttested);
            }
            if alone {
                return take_all(attested, rules, proved);
            }
            proved.attestations.push(attested);
            proved.add(key)
        }
    }
}
