//! Tokens for machines: OAuth 2.0 client credentials (RFC 6749, 4.4).

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64ct::{Base64, Encoding as _};
use mdoc_openid::jose::{base64url, from_base64url};
use mdoc_openid::web::Form;
use serde::Serialize;
use utoipa::ToSchema;
use zeroize::Zeroizing;

use crate::api::Shared;
use crate::api::remote::Remote;
use crate::domain::Refusal;
use crate::domain::id::ClientId;
use crate::domain::scope::ApiScope;
use crate::random;
use crate::serve::Refused;
use crate::usecase::clients::{self, Granted, TOKEN_LIFETIME};
use crate::usecase::{Failure, audit};

/// What is asked for; the machine says who it is here or by HTTP Basic.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes a form, which is read by parameter")]
struct TokenRequest {
    /// `client_credentials`
    #[schema(pattern = "^client_credentials$")]
    grant_type: String,
    /// The scopes wanted, with spaces between; all that the machine may have, if not given.
    scope: Option<String>,
    /// The machine, if not by HTTP Basic.
    client_id: Option<String>,
    /// Its secret, if not by HTTP Basic.
    client_secret: Option<String>,
}

/// A token.
#[derive(Serialize, ToSchema)]
pub(super) struct TokenAnswer {
    /// For the header `Authorization: Bearer …`.
    access_token: String,
    /// `Bearer`
    token_type: &'static str,
    /// For how many seconds it is good.
    expires_in: i64,
    /// What it is for.
    scope: String,
}

/// Why there is no token (RFC 6749, 5.2).
#[derive(Serialize, ToSchema)]
pub(super) struct TokenError {
    /// The code.
    #[schema(example = "invalid_client")]
    error: &'static str,
    /// In words.
    error_description: &'static str,
}

/// Gives a token for a secret.
#[utoipa::path(
    post,
    path = "/token",
    tag = "Tokens",
    request_body(content = TokenRequest, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "A token.", body = TokenAnswer),
        (status = 400, description = "The request is not one, or for a scope that the machine has not.", body = TokenError),
        (status = 401, description = "There is no such machine, it has another secret, or it is switched off.", body = TokenError),
        (status = 413, description = "The body is too large."),
        (
            status = 429,
            description = "Too many requests; `Retry-After` says when to come again.",
            headers(("Retry-After" = i32, description = "Seconds")),
        ),
        (
            status = 503,
            description = "The service cannot answer now; `Retry-After` says when to come again.",
            body = TokenError,
            headers(("Retry-After" = i32, description = "Seconds")),
        ),
    ),
    security(())
)]
pub(super) async fn token(
    State(service): Shared,
    remote: Remote,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let (id, secret, wanted) = match read(&headers, &body) {
        Ok(asked) => asked,
        // A machine that there cannot be is counted as one that is not there.
        Err((error @ "invalid_client", words)) => {
            return counted(refused(error, words), &Refusal::ClientUnknown);
        }
        Err((error, words)) => return refused(error, words),
    };
    let (now, secrets) = (service.now(), service.terms.secrets.clone());
    let asked = service.store.write(move |tx| {
        let given = (&id, secret.as_slice(), wanted.as_slice());
        match clients::token(tx, now, given, (&secrets, &mut random::system())) {
            // What was guessed is noted, and the note is kept.
            Err(Failure::Refused(refusal)) => {
                if !clients::is_there(tx, &id)? {
                    // Names that are made up fill no trail.
                    return Ok(Err(refusal));
                }
                let entry = audit::Entry::new("client.refused", ("client", id.as_str()));
                audit::append(
                    tx,
                    &remote.outsider(),
                    now,
                    &entry.because(Some(refusal.code()), None),
                )?;
                Ok(Err(refusal))
            }
            other => other.map(Ok),
        }
    });
    match asked.await {
        Ok(Ok(granted)) => answer(&granted),
        Ok(Err(refusal @ Refusal::ScopeMissing { .. })) => {
            let words = "the machine has not all of these scopes";
            counted(refused("invalid_scope", words), &refusal)
        }
        Ok(Err(refusal)) => {
            let words = "there is no such machine, it has another secret, or it is switched off";
            counted(refused("invalid_client", words), &refusal)
        }
        Err(why) => {
            tracing::error!(%why, "a token could not be given");
            unavailable()
        }
    }
}

type Asked = (ClientId, Zeroizing<Vec<u8>>, Vec<ApiScope>);

fn read(headers: &HeaderMap, body: &[u8]) -> Result<Asked, (&'static str, &'static str)> {
    const BAD: &str = "invalid_request";
    let form = Form::parse(body).map_err(|_| (BAD, "the body is no form"))?;
    let get = |name| form.get(name).map_err(|_| (BAD, "a parameter is there twice"));
    match get("grant_type")? {
        Some("client_credentials") => {}
        Some(_) => return Err(("unsupported_grant_type", "machines have client_credentials")),
        None => return Err((BAD, "grant_type is missing")),
    }
    let basic = headers.get(header::AUTHORIZATION).map(basic);
    let (id, secret) = match (basic, get("client_id")?, get("client_secret")?) {
        (Some(Some((id, secret))), None, None) => (id, secret),
        (Some(Some((id, secret))), Some(named), None) if *named == id => (id, secret),
        (None, Some(id), Some(secret)) => (id.to_owned(), Zeroizing::new(secret.to_owned())),
        (Some(_), ..) => return Err((BAD, "the machine says who it is in one way, and properly")),
        (None, ..) => return Err(("invalid_client", "the machine does not say who it is")),
    };
    let scopes = ApiScope::list(get("scope")?.unwrap_or_default());
    let scopes = scopes.ok_or(("invalid_scope", "there is no such scope"))?;
    // What cannot be an id or a secret is refused as a wrong one is.
    let unknown = (
        "invalid_client",
        "there is no such machine, it has another secret, or it is switched off",
    );
    let id = ClientId::given(&id).ok_or(unknown)?;
    let secret = from_base64url(&secret).map(Zeroizing::new).ok_or(unknown)?;
    Ok((id, secret, scopes))
}

/// Id and secret by HTTP Basic; ours have no character that would have to be escaped (RFC 6749, 2.3.1).
fn basic(value: &HeaderValue) -> Option<(String, Zeroizing<String>)> {
    let (scheme, encoded) = value.to_str().ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = Zeroizing::new(Base64::decode_vec(encoded.trim()).ok()?);
    let (id, secret) = core::str::from_utf8(&decoded).ok()?.split_once(':')?;
    Some((id.to_owned(), Zeroizing::new(secret.to_owned())))
}

fn answer(granted: &Granted) -> Response {
    let body = TokenAnswer {
        access_token: base64url(&*granted.token),
        token_type: "Bearer",
        expires_in: TOKEN_LIFETIME,
        scope: ApiScope::names(&granted.scopes),
    };
    ([(header::CACHE_CONTROL, "no-store")], axum::Json(body)).into_response()
}

/// That no token can be given now.
pub(super) fn unavailable() -> Response {
    let mut response = refused("temporarily_unavailable", "the service cannot answer now");
    let soon = HeaderValue::from_static("1");
    response.headers_mut().insert(header::RETRY_AFTER, soon);
    response
}

/// The same, with the code of the rule that said no, by which it is counted.
fn counted(mut response: Response, refusal: &Refusal) -> Response {
    response.extensions_mut().insert(Refused(refusal.code()));
    response
}

fn refused(error: &'static str, error_description: &'static str) -> Response {
    let status = match error {
        "invalid_client" => StatusCode::UNAUTHORIZED,
        "temporarily_unavailable" => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::BAD_REQUEST,
    };
    let body = axum::Json(TokenError {
        error,
        error_description,
    });
    let mut response = (status, [(header::CACHE_CONTROL, "no-store")], body).into_response();
    if status == StatusCode::UNAUTHORIZED {
        let challenge = HeaderValue::from_static("Basic realm=\"machines\"");
        response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    }
    response
}
