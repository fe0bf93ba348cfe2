//! The credential endpoint and what follows it (OpenID4VCI 1.0, 7 to 11).

mod badge;
mod encryption;
mod request;
mod response;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use self::badge::{BADGE, Badge, BadgeSide, LARGEST_BADGE, LARGEST_BADGE_FILE};
pub use self::encryption::{ResponseTerms, decrypt, decrypt_answer, encrypt};
pub use self::request::{CredentialRequest, DeferredRequest, RequestError, Wanted};
pub use self::response::{Answer, CredentialResponse, Issued, ResponseError};
use crate::Secret;
use crate::jose::json::{self, BadJson};

/// The media type of requests and answers that are encrypted, and of signed metadata.
pub const APPLICATION_JWT: &str = "application/jwt";

/// The largest answer that is read, in bytes: a batch of documents with portraits, and a badge.
pub const LARGEST_ANSWER: usize = 16 * 1024 * 1024;

/// The answer of the nonce endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NonceResponse {
    /// The nonce for proofs.
    pub c_nonce: Secret,
}

impl NonceResponse {
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

/// What became of the documents of one answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// They are all in the wallet.
    CredentialAccepted,
    /// One at least is not.
    CredentialFailure,
    /// The person did not want them.
    CredentialDeleted,
}

/// What the wallet says to the notification endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notification {
    /// Of which answer.
    pub notification_id: String,
    /// What became of it.
    pub event: Event,
    /// More, for a developer: printable ASCII.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_description: Option<String>,
}

impl Notification {
    /// The JSON.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        json::write(self)
    }

    /// Reads a notification. What cannot be read is `invalid_notification_request`.
    ///
    /// # Errors
    /// [`BadJson`].
    pub fn decode(body: &[u8]) -> Result<Self, BadJson> {
        json::read(body)
    }
}
