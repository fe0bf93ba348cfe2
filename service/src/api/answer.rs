//! Answers: of a protocol, with its codes, and nothing of what went wrong inside.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use mdoc_openid::Secret;
use mdoc_openid::vci::error::Endpoint;
use mdoc_openid::vci::{Draft, ErrorAnswer, ErrorCode};

use crate::domain::Refusal;
use crate::nonce::{self, Kind};
use crate::random;
use crate::serve::Refused;
use crate::service::Service;
use crate::usecase::Failure;

/// After how many seconds a wallet may try again where nobody may collect.
pub(crate) const RETRY_REFUSED: u32 = 3600;

/// Why a wallet does not get what it asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum No {
    /// By the protocol: at which kind of endpoint, with which code, in which words.
    Protocol(Endpoint, ErrorCode, String),
    /// By a rule, whose code is counted.
    Rule(&'static str, Box<Self>),
    /// The same, with a nonce to try again with: for wallets of drafts 13 and 14.
    Nonce(ErrorCode, String, Secret),
    /// Not now; after so many seconds perhaps.
    Later(u32),
    /// There is nothing there.
    Nothing,
    /// Something inside does not work; what, is in the log.
    Inside,
}

impl No {
    /// What an authorization server says.
    pub(crate) fn server(code: ErrorCode, words: impl ToString) -> Self {
        Self::Protocol(Endpoint::Server, code, words.to_string())
    }

    /// What a credential issuer says.
    pub(crate) fn resource(code: ErrorCode, words: impl ToString) -> Self {
        Self::Protocol(Endpoint::Resource, code, words.to_string())
    }

    /// A rule that said no, at the token endpoint.
    pub(crate) fn of_token(refusal: &Refusal) -> Self {
        Self::Rule(refusal.code(), Box::new(Self::said_of_token(refusal)))
    }

    fn said_of_token(refusal: &Refusal) -> Self {
        let code = match refusal {
            Refusal::SessionsFull { retry_after } => return Self::Later(*retry_after),
            Refusal::SessionsRefused => return Self::Later(RETRY_REFUSED),
            Refusal::Field { field, .. } if field == "authorization_details" => {
                ErrorCode::InvalidAuthorizationDetails
            }
            Refusal::Field { .. } | Refusal::CodeMissing | Refusal::CodeUnexpected => {
                ErrorCode::InvalidRequest
            }
            Refusal::Replayed { what: "attestation" } => ErrorCode::InvalidClientAttestation,
            Refusal::Replayed { .. } => ErrorCode::InvalidDpopProof,
            _ => ErrorCode::InvalidGrant,
        };
        // Whether a code was wrong, used or never there is for whoever has the right one to know.
        Self::server(
            code,
            match code {
                ErrorCode::InvalidGrant => "the code or token is not good, or not any more".to_owned(),
                _ => refusal.to_string(),
            },
        )
    }

    /// A rule that said no, at the credential endpoint.
    pub(crate) fn of_credential(refusal: &Refusal) -> Self {
        let code = match refusal {
            Refusal::SessionUnknown | Refusal::SessionOfOtherKey => ErrorCode::InvalidToken,
            Refusal::Replayed { what: "nonce" } => ErrorCode::InvalidNonce,
            Refusal::Replayed { .. } => ErrorCode::InvalidDpopProof,
            Refusal::TooManyKeys { .. } => ErrorCode::InvalidProof,
            _ => ErrorCode::CredentialRequestDenied,
        };
        Self::Rule(refusal.code(), Box::new(Self::resource(code, refusal)))
    }

    /// The same with a nonce, if a wallet that knows no nonce endpoint may need one.
    pub(crate) fn with_nonce(self, service: &Service) -> Self {
        let nonce = || {
            let (secrets, now) = (&service.terms.secrets, service.now());
            Secret::new(nonce::new(secrets, Kind::Proof, now, &mut random::system()))
        };
        match self {
            Self::Protocol(
                Endpoint::Resource,
                code @ (ErrorCode::InvalidProof | ErrorCode::InvalidNonce),
                words,
            ) if service.oldest <= Draft::Draft14 => Self::Nonce(code, words, nonce()),
            other => other,
        }
    }

    /// What failed inside is logged, and nothing of it is said.
    pub(crate) fn inside(why: &dyn core::fmt::Display) -> Self {
        tracing::error!(%why, "a request could not be answered");
        Self::Inside
    }

    pub(crate) fn of_failure(failure: &Failure, refused: fn(&Refusal) -> Self) -> Self {
        match failure {
            Failure::Refused(refusal) => refused(refusal),
            Failure::Store(error) => Self::inside(error),
        }
    }
}

impl IntoResponse for No {
    fn into_response(self) -> Response {
        let mut headers = HeaderMap::new();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        let (endpoint, code, words, c_nonce) = match self {
            Self::Protocol(endpoint, code, words) => (endpoint, code, words, None),
            Self::Nonce(code, words, nonce) => (Endpoint::Resource, code, words, Some(nonce)),
            Self::Rule(code, said) => {
                let mut response = said.into_response();
                response.extensions_mut().insert(Refused(code));
                return response;
            }
            Self::Later(seconds) => {
                headers.insert(header::RETRY_AFTER, seconds.into());
                return (StatusCode::SERVICE_UNAVAILABLE, headers).into_response();
            }
            Self::Nothing => return (StatusCode::NOT_FOUND, headers).into_response(),
            Self::Inside => return (StatusCode::INTERNAL_SERVER_ERROR, headers).into_response(),
        };
        let status = StatusCode::from_u16(code.http_status(endpoint)).unwrap_or(StatusCode::BAD_REQUEST);
        let challenge = code.www_authenticate(Some("ES256"));
        if let Some(value) = challenge.and_then(|text| HeaderValue::from_str(&text).ok()) {
            headers.insert(header::WWW_AUTHENTICATE, value);
        }
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let mut answer = ErrorAnswer::new(code, &words);
        answer.c_nonce = c_nonce;
        (status, headers, answer.encode()).into_response()
    }
}

/// JSON that nobody keeps.
pub(crate) fn json(status: u16, body: Vec<u8>) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (status, headers, body).into_response()
}
