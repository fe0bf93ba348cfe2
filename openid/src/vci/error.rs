//! Every code of an error, and the body of an answer that carries one.

use core::fmt;

use serde::{Deserialize, Serialize};

use crate::Secret;
use crate::jose::json::{self, BadJson};

macro_rules! codes {
    ($($variant:ident = $text:literal, $doc:literal;)+) => {
        /// A code of an error (OpenID4VCI 1.0, 6.3, 8.3.1, 9.3, 11.3; RFC 6749, 5.2; RFC 6750, 3.1; RFC 9126; RFC 9396;
        /// RFC 9449; attestation-based client authentication).
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum ErrorCode {
            $(#[doc = $doc] $variant,)+
        }

        impl ErrorCode {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The code on the wire.
            #[must_use]
            pub const fn text(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }
        }
    };
}

codes! {
    InvalidRequest = "invalid_request", "A parameter is missing, repeated or wrong.";
    InvalidClient = "invalid_client", "The client is not known, or did not authenticate.";
    InvalidGrant = "invalid_grant", "A code, transaction code or refresh token is wrong, used or expired.";
    UnauthorizedClient = "unauthorized_client", "The client may not use this grant.";
    UnsupportedGrantType = "unsupported_grant_type", "No such grant here.";
    UnsupportedResponseType = "unsupported_response_type", "No such response type here.";
    AccessDenied = "access_denied", "The person, or the server, said no.";
    InvalidScope = "invalid_scope", "The scope is unknown or malformed.";
    ServerError = "server_error", "Something is broken on this side.";
    TemporarilyUnavailable = "temporarily_unavailable", "Not now.";
    InvalidRequestUri = "invalid_request_uri", "The request URI is not known, used or expired.";
    InvalidAuthorizationDetails = "invalid_authorization_details", "The authorization details cannot be granted.";
    InvalidTarget = "invalid_target", "The resource is not known.";
    UseAttestationChallenge = "use_attestation_challenge", "The attestation's proof needs a fresh challenge.";
    UseFreshAttestation = "use_fresh_attestation", "The attestation is too old.";
    InvalidClientAttestation = "invalid_client_attestation", "The client's attestation does not hold.";
    UseDpopNonce = "use_dpop_nonce", "The DPoP proof needs the nonce that comes with this.";
    InvalidDpopProof = "invalid_dpop_proof", "The DPoP proof does not hold.";
    AuthorizationPending = "authorization_pending", "Draft 13: not yet.";
    SlowDown = "slow_down", "Draft 13: not yet, and not so often.";
    InvalidCredentialRequest = "invalid_credential_request", "The request is malformed.";
    UnknownCredentialConfiguration = "unknown_credential_configuration", "No such configuration.";
    UnknownCredentialIdentifier = "unknown_credential_identifier", "No such dataset.";
    InvalidProof = "invalid_proof", "A key proof is missing, does not hold, or lacks the nonce.";
    InvalidNonce = "invalid_nonce", "A key proof has a nonce that is wrong or stale: get a new one.";
    InvalidEncryptionParameters = "invalid_encryption_parameters", "The encryption is not one that is offered.";
    CredentialRequestDenied = "credential_request_denied", "No, and asking again is of no use.";
    InvalidTransactionId = "invalid_transaction_id", "No such transaction, or it is over.";
    InvalidNotificationId = "invalid_notification_id", "No such notification.";
    InvalidNotificationRequest = "invalid_notification_request", "The notification is malformed.";
    InvalidToken = "invalid_token", "The access token is wrong, expired or revoked.";
    InsufficientScope = "insufficient_scope", "The access token is not for this.";
    IssuancePending = "issuance_pending", "Drafts 13 to 15: not yet.";
    UnsupportedCredentialType = "unsupported_credential_type", "Drafts 13 to 15: no such configuration.";
    UnsupportedCredentialFormat = "unsupported_credential_format", "Drafts 13 to 15: no such format.";
}

/// Which part of the issuing service answers: its status codes differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endpoint {
    /// The authorization server: PAR and token.
    Server,
    /// A protected resource: credential, deferred, notification.
    Resource,
}

impl ErrorCode {
    /// The code of that text.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.text() == text)
    }

    /// The HTTP status that goes with it.
    #[must_use]
    pub const fn http_status(self, endpoint: Endpoint) -> u16 {
        match (self, endpoint) {
            (Self::InvalidToken, _) | (Self::UseDpopNonce | Self::InvalidDpopProof, Endpoint::Resource) => {
                401
            }
            (Self::InsufficientScope, _) => 403,
            (Self::ServerError, _) => 500,
            (Self::TemporarilyUnavailable, _) => 503,
            _ => 400,
        }
    }

    /// The value of `WWW-Authenticate` for an answer of a protected resource (RFC 6750, 3; RFC 9449, 7.1), if the code has
    /// one. `algs` are the algorithms of DPoP that are taken, with blanks between; without them the scheme is Bearer.
    #[must_use]
    pub fn www_authenticate(self, algs: Option<&str>) -> Option<String> {
        if !matches!(
            self,
            Self::InvalidToken | Self::InsufficientScope | Self::UseDpopNonce | Self::InvalidDpopProof
        ) {
            return None;
        }
        let code = self.text();
        Some(match algs {
            Some(algs) => format!("DPoP error=\"{code}\", algs=\"{algs}\""),
            None => format!("Bearer error=\"{code}\""),
        })
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

/// The body of an answer that says no.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorAnswer {
    /// The code.
    pub error: String,
    /// What to tell a developer; never anything of a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_description: Option<String>,
    /// Seconds after which to ask again (drafts 13 to 15).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<u64>,
    /// A nonce for the next proof (drafts 13 and 14).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub c_nonce: Option<Secret>,
}

impl ErrorAnswer {
    /// A code with a description, of which everything is left out that the specifications do not allow: what is not
    /// printable ASCII, quotes and backslashes.
    #[must_use]
    pub fn new(code: ErrorCode, description: &str) -> Self {
        let allowed = |c: &char| matches!(c, ' '..='~') && !matches!(c, '"' | '\\');
        let description: String = description.chars().filter(allowed).collect();
        Self {
            error: code.text().to_owned(),
            error_description: (!description.is_empty()).then_some(description),
            interval: None,
            c_nonce: None,
        }
    }

    /// The code, if it is one that we know.
    #[must_use]
    pub fn code(&self) -> Option<ErrorCode> {
        ErrorCode::from_text(&self.error)
    }

    /// The JSON.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        json::write(self)
    }

    /// Reads the body of an answer.
    ///
    /// # Errors
    /// [`BadJson`] if it is no such body.
    pub fn decode(body: &[u8]) -> Result<Self, BadJson> {
        json::read(body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_found_by_its_text() {
        for code in ErrorCode::ALL {
            assert_eq!(ErrorCode::from_text(code.text()), Some(*code));
            assert!(code.text().bytes().all(|b| b.is_ascii_lowercase() || b == b'_'));
        }
        assert_eq!(ErrorCode::from_text("invalid"), None);
    }

    #[test]
    fn statuses_are_those_of_the_endpoint() {
        use Endpoint::{Resource, Server};
        for (code, endpoint, status) in [
            (ErrorCode::InvalidGrant, Server, 400),
            (ErrorCode::UseDpopNonce, Server, 400),
            (ErrorCode::UseDpopNonce, Resource, 401),
            (ErrorCode::InvalidProof, Resource, 400),
            (ErrorCode::InvalidToken, Resource, 401),
            (ErrorCode::InsufficientScope, Resource, 403),
        ] {
            assert_eq!(code.http_status(endpoint), status, "{code}");
        }
        assert_eq!(
            ErrorCode::UseDpopNonce.www_authenticate(Some("ES256")).unwrap(),
            r#"DPoP error="use_dpop_nonce", algs="ES256""#
        );
        assert_eq!(ErrorCode::InvalidProof.www_authenticate(None), None);
    }

    #[test]
    fn descriptions_keep_to_the_characters_that_are_allowed() {
        let answer = ErrorAnswer::new(ErrorCode::InvalidProof, "a \"b\" \\ c\r\nd é");
        assert_eq!(answer.error_description.as_deref(), Some("a b  cd "));
        let text = String::from_utf8(answer.encode()).unwrap();
        assert_eq!(
            text,
            r#"{"error":"invalid_proof","error_description":"a b  cd "}"#
        );
        let foreign = ErrorAnswer::decode(br#"{"error":"new_code","more":1}"#).unwrap();
        assert_eq!((foreign.code(), foreign.error.as_str()), (None, "new_code"));
    }
}
