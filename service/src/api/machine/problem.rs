//! What machines are told when something is not done (RFC 9457).

use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::Refusal;
use crate::serve::Refused;
use crate::usecase::Failure;

/// The media type of [`Problem`].
pub(super) const PROBLEM: &str = "application/problem+json";

/// Why something was not done.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Problem {
    /// The status of the answer.
    #[schema(minimum = 400, maximum = 599)]
    pub(super) status: u16,
    /// The code of the rule that said no. It never changes.
    #[schema(example = "profile.issue-over-existing")]
    pub(super) code: &'static str,
    /// The same in words.
    pub(super) detail: String,
    /// The member that breaks its rule, if it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) field: Option<String>,
    /// The seconds after which to try again.
    #[serde(skip)]
    pub(super) later: Option<u32>,
}

impl Problem {
    pub(super) fn new(status: StatusCode, code: &'static str, detail: impl ToString) -> Self {
        Self {
            status: status.as_u16(),
            code,
            detail: detail.to_string(),
            field: None,
            later: None,
        }
    }

    /// A member of the request that breaks its rule.
    pub(super) fn field(field: &str, rule: &str) -> Self {
        Refusal::field(field, rule).into()
    }

    /// Something inside does not work, or not in time.
    pub(super) fn unavailable() -> Self {
        let words = "the service cannot answer now";
        let mut problem = Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", words);
        problem.later = Some(1);
        problem
    }

    /// What is named in the address is no name.
    pub(super) fn unknown(what: &'static str) -> Self {
        Refusal::Unknown { what }.into()
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let status = match &refusal {
            Refusal::Unknown { .. } => StatusCode::NOT_FOUND,
            Refusal::TokenUnknown | Refusal::ClientUnknown | Refusal::OperatorSession => {
                StatusCode::UNAUTHORIZED
            }
            Refusal::NotGranted { .. }
            | Refusal::ScopeMissing { .. }
            | Refusal::OtherOperator
            | Refusal::OtherSite => StatusCode::FORBIDDEN,
            Refusal::Field { .. }
            | Refusal::LayoutSelectionInvalid { .. }
            | Refusal::ReasonMissing { .. }
            | Refusal::ReasonUnknown { .. } => StatusCode::UNPROCESSABLE_ENTITY,
            Refusal::SessionsFull { .. } | Refusal::SessionsRefused => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::CONFLICT,
        };
        let mut problem = Self::new(status, refusal.code(), &refusal);
        match refusal {
            Refusal::Field { field, .. } => problem.field = Some(field),
            Refusal::LayoutSelectionInvalid { .. } => problem.field = Some("badge_layouts".to_owned()),
            Refusal::ReasonMissing { .. } | Refusal::ReasonUnknown { .. } => {
                problem.field = Some("reason".to_owned());
            }
            Refusal::SessionsFull { retry_after } => problem.later = Some(retry_after),
            _ => {}
        }
        problem
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Refused(refusal) => refusal.into(),
            Failure::Store(why) => {
                // What went wrong inside is for the log.
                tracing::error!(%why, "a request could not be answered");
                Self::unavailable()
            }
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::BAD_REQUEST);
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = (status, body).into_response();
        response.extensions_mut().insert(Refused(self.code));
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(later) = self.later {
            headers.insert(header::RETRY_AFTER, later.into());
        }
        let challenge = match self.code {
            "token.unknown" => Some("Bearer error=\"invalid_token\""),
            "token.missing" => Some("Bearer"),
            "token.scope" => Some("Bearer error=\"insufficient_scope\""),
            _ => None,
        };
        if let Some(challenge) = challenge {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        response
    }
}

/// An answer that nobody keeps.
pub(super) struct Answer<T>(pub(super) StatusCode, pub(super) T);

impl<T: Serialize> IntoResponse for Answer<T> {
    fn into_response(self) -> Response {
        let headers = [(header::CACHE_CONTROL, "no-store")];
        (self.0, headers, axum::Json(self.1)).into_response()
    }
}

/// What was asked for.
pub(super) fn found<T>(value: T) -> Answer<T> {
    Answer(StatusCode::OK, value)
}

/// What is there now.
pub(super) fn made<T>(value: T) -> Answer<T> {
    Answer(StatusCode::CREATED, value)
}

/// A body in JSON, every member of which has a meaning.
pub(super) struct Body<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let kind = request.headers().get(header::CONTENT_TYPE);
        let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim();
        if !kind.eq_ignore_ascii_case("application/json") {
            return Err(wrong_type("application/json"));
        }
        let body = bytes(request, state).await?;
        // A name twice would be read by one program as the first of the two, and as the second by another.
        let value = mdoc_openid::jose::json::parse(&body);
        let value = value
            .map_err(|_| Problem::new(StatusCode::BAD_REQUEST, "body.malformed", "the body is no JSON"))?;
        if has_nul(&value) {
            return Err(Problem::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "body.invalid",
                NUL,
            ));
        }
        serde_json::from_value(value)
            .map(Self)
            .map_err(|why| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "body.invalid", why))
    }
}

const NUL: &str = "no text has the character U+0000";

/// Not every database can keep it, and nothing means anything by it.
fn has_nul(value: &serde_json::Value) -> bool {
    match value {
        serde_json::Value::String(text) => text.contains('\0'),
        serde_json::Value::Array(items) => items.iter().any(has_nul),
        serde_json::Value::Object(members) => members
            .iter()
            .any(|(name, value)| name.contains('\0') || has_nul(value)),
        _ => false,
    }
}

/// The body as it is.
pub(super) async fn bytes<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Problem> {
    let body = Bytes::from_request(request, state).await;
    body.map_err(|why: BytesRejection| {
        let code = match why.status() {
            StatusCode::PAYLOAD_TOO_LARGE => "body.too-large",
            _ => "body.unreadable",
        };
        Problem::new(why.status(), code, why.body_text())
    })
}

/// A body of another media type.
pub(super) fn wrong_type(wanted: &str) -> Problem {
    let words = format!("the body has to be {wanted}");
    Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "body.media-type", words)
}

/// The parts of the address.
pub(super) struct Path<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        if parts.uri.path().contains("%00") {
            return Err(Problem::unknown("thing"));
        }
        let found = axum::extract::Path::from_request_parts(parts, state).await;
        found
            .map(|axum::extract::Path(found)| Self(found))
            .map_err(|_: PathRejection| Problem::unknown("thing"))
    }
}

/// The parameters after the address.
pub(super) struct Query<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        if parts.uri.query().is_some_and(|query| query.contains("%00")) {
            return Err(Problem::new(StatusCode::BAD_REQUEST, "query.invalid", NUL));
        }
        let found = axum::extract::Query::from_request_parts(parts, state).await;
        found
            .map(|axum::extract::Query(found)| Self(found))
            .map_err(|why: QueryRejection| {
                Problem::new(StatusCode::BAD_REQUEST, "query.invalid", why.body_text())
            })
    }
}

/// Whether something may be used.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Switch {
    /// On or off.
    pub(super) enabled: bool,
}

/// How many of something are on a page if nobody says.
pub(super) const fn page() -> u32 {
    100
}
