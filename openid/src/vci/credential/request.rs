//! Asking for documents.

use core::fmt;

use serde_json::{Map, Value, json};

use super::encryption::ResponseTerms;
use crate::jose::json::{self, BadJson};
use crate::jose::jwe;
use crate::vci::error::ErrorCode;
use crate::vci::proof::Proofs;
use crate::vci::{Draft, MSO_MDOC};

/// Which document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// Of a configuration of the metadata, if the token response named no identifiers.
    Configuration(String),
    /// A dataset that the token response named.
    Identifier(String),
    /// Of a document type (drafts 13 and 14).
    DocType(String),
}

/// A request for documents.
#[derive(Debug, Clone, PartialEq)]
pub struct CredentialRequest {
    /// Which.
    pub wanted: Wanted,
    /// The keys that they are to be bound to.
    pub proofs: Option<Proofs>,
    /// How the answer is to be encrypted.
    pub response_encryption: Option<ResponseTerms>,
}

/// Why a request was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RequestError {
    /// It is no such JSON.
    Json(BadJson),
    /// Neither or both of `credential_configuration_id` and `credential_identifier`.
    Wanted,
    /// The format of a draft is not ours.
    Format,
    /// `proofs` has not exactly one kind, or is not what it should be.
    Proofs,
    /// Proofs of another type.
    ProofType,
    /// `credential_response_encryption` cannot be used.
    Encryption,
    /// The answer is to be encrypted and the request is not.
    NotEncrypted,
    /// There is no `transaction_id`.
    TransactionId,
}

impl RequestError {
    /// The code of the answer.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::Json(_) | Self::Wanted => ErrorCode::InvalidCredentialRequest,
            Self::Format => ErrorCode::UnsupportedCredentialFormat,
            Self::Proofs | Self::ProofType => ErrorCode::InvalidProof,
            Self::Encryption | Self::NotEncrypted => ErrorCode::InvalidEncryptionParameters,
            Self::TransactionId => ErrorCode::InvalidTransactionId,
        }
    }
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json(fault) => fault.fmt(f),
            Self::Wanted => f.write_str(
                "either credential_configuration_id or credential_identifier must be there, and not both",
            ),
            Self::Format => f.write_str("the format is not one of this issuer"),
            Self::Proofs => f.write_str("proofs must have exactly one member, a list of JWTs"),
            Self::ProofType => f.write_str("key proofs of this type are not taken"),
            Self::Encryption => f.write_str("credential_response_encryption cannot be used"),
            Self::NotEncrypted => f.write_str("an encrypted answer needs an encrypted request"),
            Self::TransactionId => f.write_str("transaction_id is missing"),
        }
    }
}

impl core::error::Error for RequestError {}

impl CredentialRequest {
    /// The JSON, as an issuer of that version takes it.
    #[must_use]
    pub fn encode(&self, version: Draft) -> Vec<u8> {
        let mut body = Map::new();
        match &self.wanted {
            Wanted::Configuration(id) => {
                body.insert("credential_configuration_id".to_owned(), id.as_str().into());
            }
            Wanted::Identifier(id) => {
                body.insert("credential_identifier".to_owned(), id.as_str().into());
            }
            Wanted::DocType(doctype) => {
                body.insert("format".to_owned(), MSO_MDOC.into());
                body.insert("doctype".to_owned(), doctype.as_str().into());
            }
        }
        match &self.proofs {
            None => {}
            Some(Proofs::Jwt(tokens)) if version < Draft::Final && tokens.len() == 1 => {
                body.insert(
                    "proof".to_owned(),
                    json!({ "proof_type": "jwt", "jwt": tokens.first() }),
                );
            }
            Some(Proofs::Jwt(tokens)) => {
                body.insert("proofs".to_owned(), json!({ "jwt": tokens }));
            }
            Some(Proofs::Attestation(token)) => {
                body.insert("proofs".to_owned(), json!({ "attestation": [token] }));
            }
        }
        if let Some(terms) = &self.response_encryption {
            body.insert(
                "credential_response_encryption".to_owned(),
                terms.to_value(version),
            );
        }
        json::write(&body)
    }

    /// Reads a request. `encrypted` says whether it came encrypted; `oldest` which drafts are taken, too.
    ///
    /// # Errors
    /// [`RequestError`].
    pub fn decode(body: &[u8], encrypted: bool, oldest: Draft) -> Result<Self, RequestError> {
        let body = json::object(body).map_err(RequestError::Json)?;
        Ok(Self {
            wanted: wanted(&body, oldest)?,
            proofs: proofs(&body, oldest)?,
            response_encryption: terms(&body, encrypted, oldest)?,
        })
    }
}

/// The text of a member; one that is there and is no text is an error.
fn text<'a>(body: &'a Map<String, Value>, member: &str) -> Result<Option<&'a str>, RequestError> {
    match body.get(member) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(RequestError::Json(BadJson::Shape)),
    }
}

fn wanted(body: &Map<String, Value>, oldest: Draft) -> Result<Wanted, RequestError> {
    let configuration = text(body, "credential_configuration_id")?;
    let identifier = text(body, "credential_identifier")?;
    match (configuration, identifier) {
        (Some(id), None) => Ok(Wanted::Configuration(id.to_owned())),
        (None, Some(id)) => Ok(Wanted::Identifier(id.to_owned())),
        (None, None) if oldest <= Draft::Draft14 => {
            let format = text(body, "format")?.ok_or(RequestError::Wanted)?;
            if format != MSO_MDOC {
                return Err(RequestError::Format);
            }
            let doctype = text(body, "doctype")?.ok_or(RequestError::Wanted)?;
            Ok(Wanted::DocType(doctype.to_owned()))
        }
        _ => Err(RequestError::Wanted),
    }
}

fn proofs(body: &Map<String, Value>, oldest: Draft) -> Result<Option<Proofs>, RequestError> {
    if oldest < Draft::Final
        && !body.contains_key("proofs")
        && let Some(proof) = body.get("proof")
    {
        let member = |name| proof.get(name).and_then(Value::as_str);
        let kind = member("proof_type").ok_or(RequestError::Proofs)?;
        let token = member(kind).map(str::to_owned);
        return match kind {
            "jwt" => Ok(Some(Proofs::Jwt(vec![token.ok_or(RequestError::Proofs)?]))),
            "attestation" => Ok(Some(Proofs::Attestation(token.ok_or(RequestError::Proofs)?))),
            _ => Err(RequestError::ProofType),
        };
    }
    let Some(value) = body.get("proofs") else {
        return Ok(None);
    };
    let proofs = value.as_object().ok_or(RequestError::Proofs)?;
    let mut members = proofs.iter();
    let (Some((kind, list)), None) = (members.next(), members.next()) else {
        return Err(RequestError::Proofs);
    };
    let list = list.as_array().ok_or(RequestError::Proofs)?;
    let tokens: Option<Vec<String>> = list
        .iter()
        .map(|token| token.as_str().map(str::to_owned))
        .collect();
    match (kind.as_str(), tokens) {
        ("jwt" | "attestation", None) => Err(RequestError::Proofs),
        ("jwt", Some(tokens)) if !tokens.is_empty() => Ok(Some(Proofs::Jwt(tokens))),
        ("attestation", Some(tokens)) => match <[String; 1]>::try_from(tokens) {
            Ok([token]) => Ok(Some(Proofs::Attestation(token))),
            Err(_) => Err(RequestError::Proofs),
        },
        ("jwt", Some(_)) => Err(RequestError::Proofs),
        _ => Err(RequestError::ProofType),
    }
}

fn terms(
    body: &Map<String, Value>,
    encrypted: bool,
    oldest: Draft,
) -> Result<Option<ResponseTerms>, RequestError> {
    let Some(value) = body.get("credential_response_encryption") else {
        return Ok(None);
    };
    // The drafts have no encrypted requests, and the algorithm beside the key.
    let draft = oldest < Draft::Final && value.get("alg").is_some();
    if !encrypted && !draft {
        return Err(RequestError::NotEncrypted);
    }
    let mut value = value.clone();
    if draft
        && let Some(alg) = value.get("alg").cloned()
        && let Some(jwk) = value.get_mut("jwk").and_then(Value::as_object_mut)
    {
        jwk.entry("alg").or_insert(alg);
    }
    ResponseTerms::from_value(value)
        .map(Some)
        .ok_or(RequestError::Encryption)
}

/// Asking again for documents that were not ready.
#[derive(Debug, Clone, PartialEq)]
pub struct DeferredRequest {
    /// From the answer that said to wait.
    pub transaction_id: String,
    /// How this answer is to be encrypted; what was said before does not count.
    pub response_encryption: Option<ResponseTerms>,
}

impl DeferredRequest {
    /// The JSON.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut body = json!({ "transaction_id": self.transaction_id });
        if let (Some(terms), Some(body)) = (&self.response_encryption, body.as_object_mut()) {
            body.insert(
                "credential_response_encryption".to_owned(),
                terms.to_value(Draft::Final),
            );
        }
        json::write(&body)
    }

    /// Reads a request.
    ///
    /// # Errors
    /// [`RequestError`].
    pub fn decode(body: &[u8], encrypted: bool, oldest: Draft) -> Result<Self, RequestError> {
        let body = json::object(body).map_err(RequestError::Json)?;
        let id = text(&body, "transaction_id")?.ok_or(RequestError::TransactionId)?;
        Ok(Self {
            transaction_id: id.to_owned(),
            response_encryption: terms(&body, encrypted, oldest)?,
        })
    }
}

impl ResponseTerms {
    fn to_value(&self, version: Draft) -> Value {
        let mut value = json!({ "jwk": self.jwk, "enc": self.enc });
        if let Some(members) = value.as_object_mut() {
            if let Some(zip) = &self.zip {
                members.insert("zip".to_owned(), zip.as_str().into());
            }
            if version < Draft::Final {
                members.insert("alg".to_owned(), jwe::ALG.into());
            }
        }
        value
    }

    fn from_value(value: Value) -> Option<Self> {
        serde_json::from_value(value).ok()
    }
}
