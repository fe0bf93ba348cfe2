//! Documents, or word that they come later.

use core::fmt;

use serde_json::{Map, Value, json};

use super::{BADGE, Badge, LARGEST_ANSWER};
use crate::Secret;
use crate::jose::json::{self, BadJson};
use crate::jose::{base64url, from_base64url};
use crate::vci::Draft;
use crate::vci::error::{ErrorAnswer, ErrorCode};

/// The most documents that are read from one answer.
const MOST: usize = 1000;

/// Documents.
#[derive(Clone, PartialEq, Eq)]
pub struct Issued {
    /// Each an encoded `IssuerSigned`.
    pub documents: Vec<Vec<u8>>,
    /// What to say what became of them by.
    pub notification_id: Option<String>,
    /// The document as a picture, if the issuer draws one.
    pub badge: Option<Badge>,
}

impl fmt::Debug for Issued {
    /// How many there are: what is in them is personal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Issued({} documents)", self.documents.len())
    }
}

/// What an issuer answers to a request that it does not refuse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CredentialResponse {
    /// Here they are: 200.
    Issued(Issued),
    /// Later: 202.
    Pending {
        /// What to ask by.
        transaction_id: String,
        /// After how many seconds.
        interval: u64,
    },
}

/// What a wallet is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Yes, or later.
    Response(CredentialResponse),
    /// No.
    Error {
        /// The status.
        status: u16,
        /// The body.
        body: ErrorAnswer,
    },
}

/// Why an answer cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ResponseError {
    /// It is no such JSON.
    Json(BadJson),
    /// It has neither documents nor a transaction.
    Neither,
    /// There are more documents than are read.
    TooMany,
    /// A document is not Base64url.
    Document,
    /// A status that no answer has, without the body of an error.
    Status(u16),
}

impl fmt::Display for ResponseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json(fault) => write!(f, "the answer of the issuer cannot be read: {fault}"),
            Self::Neither => f.write_str("the answer of the issuer has no document"),
            Self::TooMany => f.write_str("the answer of the issuer has more documents than are read"),
            Self::Document => f.write_str("a document in the answer of the issuer is not Base64url"),
            Self::Status(status) => write!(f, "the issuer answered with status {status}"),
        }
    }
}

impl core::error::Error for ResponseError {}

impl Issued {
    /// How many documents as large as the largest of these find room in an answer beside the badge, when it is encrypted:
    /// wallets read no more than [`LARGEST_ANSWER`] bytes.
    #[must_use]
    pub fn most_documents(&self) -> usize {
        // Base64url of what is encrypted; the rest of the answer takes less than a kilobyte.
        let room = LARGEST_ANSWER / 4 * 3 - 1024;
        let badge = self
            .badge
            .as_ref()
            .map_or(0, |badge| json::write(&badge.to_json()).len());
        let longest = self.documents.iter().map(Vec::len).max().unwrap_or_default();
        let each = longest.div_ceil(3) * 4 + r#"{"credential":""},"#.len();
        room.saturating_sub(badge) / each
    }
}

impl CredentialResponse {
    /// Status and JSON; for wallets of drafts, too, if `oldest` is one.
    #[must_use]
    pub fn encode(&self, oldest: Draft) -> (u16, Vec<u8>) {
        match self {
            Self::Issued(issued) => {
                let texts: Vec<String> = issued
                    .documents
                    .iter()
                    .map(|document| base64url(document))
                    .collect();
                let mut body = json!({
                    "credentials": texts.iter().map(|text| json!({ "credential": text })).collect::<Vec<_>>()
                });
                if let Some(members) = body.as_object_mut() {
                    if let (Draft::Draft13 | Draft::Draft14, [only]) = (oldest, texts.as_slice()) {
                        members.insert("credential".to_owned(), only.as_str().into());
                    }
                    if let Some(id) = &issued.notification_id {
                        members.insert("notification_id".to_owned(), id.as_str().into());
                    }
                    if let Some(badge) = &issued.badge {
                        members.insert(BADGE.to_owned(), badge.to_json());
                    }
                }
                (200, json::write(&body))
            }
            Self::Pending {
                transaction_id,
                interval,
            } => {
                let body = json!({ "transaction_id": transaction_id, "interval": interval });
                (202, json::write(&body))
            }
        }
    }

    /// What an issuer says to a wallet of a draft that asks again too early: 400.
    #[must_use]
    pub fn pending_in_drafts(interval: u64) -> ErrorAnswer {
        let mut answer = ErrorAnswer::new(ErrorCode::IssuancePending, "");
        answer.interval = Some(interval);
        answer
    }

    fn decode(body: &[u8]) -> Result<Self, ResponseError> {
        let body = json::object_up_to(body, LARGEST_ANSWER).map_err(ResponseError::Json)?;
        let text = |member| body.get(member).and_then(Value::as_str);
        let texts: Vec<&str> = match (body.get("credentials"), text("credential")) {
            (Some(Value::Array(all)), _) => {
                if all.len() > MOST {
                    return Err(ResponseError::TooMany);
                }
                // In draft 14 the texts themselves.
                let one = |entry: &'_ Value| match entry {
                    Value::String(_) => Some(()),
                    other => other.get("credential").and_then(Value::as_str).map(drop),
                };
                if all.iter().any(|entry| one(entry).is_none()) {
                    return Err(ResponseError::Document);
                }
                let value = |entry: &'_ Value| -> Option<String> {
                    let text = entry
                        .as_str()
                        .or_else(|| entry.get("credential").and_then(Value::as_str));
                    text.map(str::to_owned)
                };
                let texts: Vec<String> = all.iter().filter_map(value).collect();
                return Self::issued(texts.iter().map(String::as_str), &body);
            }
            (None, Some(only)) => vec![only],
            _ => Vec::new(),
        };
        if !texts.is_empty() {
            return Self::issued(texts.into_iter(), &body);
        }
        match text("transaction_id") {
            Some(id) => Ok(Self::Pending {
                transaction_id: id.to_owned(),
                interval: body.get("interval").and_then(Value::as_u64).unwrap_or(5),
            }),
            None => Err(ResponseError::Neither),
        }
    }

    fn issued<'a>(
        texts: impl Iterator<Item = &'a str>,
        body: &Map<String, Value>,
    ) -> Result<Self, ResponseError> {
        // Some pad it, and that does no harm.
        let decoded = |text: &str| from_base64url(text.trim_end_matches('=')).ok_or(ResponseError::Document);
        let documents: Vec<_> = texts.map(decoded).collect::<Result<_, _>>()?;
        if documents.is_empty() {
            return Err(ResponseError::Neither);
        }
        let notification_id = body.get("notification_id").and_then(Value::as_str);
        Ok(Self::Issued(Issued {
            documents,
            notification_id: notification_id.map(str::to_owned),
            badge: body.get(BADGE).and_then(Badge::of_json),
        }))
    }
}

impl Answer {
    /// Reads an answer of the credential or the deferred endpoint, decrypted if it was encrypted. `transaction` is the one
    /// that was asked for, for issuers of drafts that do not repeat it.
    ///
    /// # Errors
    /// [`ResponseError`].
    pub fn decode(status: u16, body: &[u8], transaction: Option<&str>) -> Result<Self, ResponseError> {
        if (200..300).contains(&status) {
            return CredentialResponse::decode(body).map(Self::Response);
        }
        let error = ErrorAnswer::decode(body).map_err(|_| ResponseError::Status(status))?;
        if let (Some(ErrorCode::IssuancePending), Some(id)) = (error.code(), transaction) {
            return Ok(Self::Response(CredentialResponse::Pending {
                transaction_id: id.to_owned(),
                interval: error.interval.unwrap_or(5),
            }));
        }
        Ok(Self::Error { status, body: error })
    }

    /// The nonce that an issuer of drafts 13 and 14 sends with a refusal of a proof.
    #[must_use]
    pub const fn fresh_nonce(&self) -> Option<&Secret> {
        match self {
            Self::Error { body, .. } => body.c_nonce.as_ref(),
            Self::Response(_) => None,
        }
    }
}
