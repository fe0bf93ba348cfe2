//! The pages on which operators sign in and see to their accounts (E3): plain forms, which need no script but for passkeys.
//!
//! What a browser has while somebody is signed in is a cookie that no script reads and no other site sends along with a form.
//! The same cookie opens the interface for machines, so that pages of this service can use it.

mod account;
mod browser;
mod certificate;
mod join;
mod openid;
mod passkey;
mod sign_in;

use std::sync::Arc;

use axum::Router;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};

pub(super) use self::browser::{Cookie, is_ours, session_token};
pub use self::certificate::Shown as ShownCertificate;
pub use self::certificate::presented;

use mdoc_openid::jose::base64url;
use zeroize::Zeroizing;

use super::answer::No;
use super::html::Html;
use crate::domain::Refusal;
use crate::serve::Refused;
use crate::service::Service;
use crate::usecase::Failure;

/// Addresses below the identifier.
pub(crate) mod paths {
    /// The operator's account.
    pub(crate) const ACCOUNT: &str = "/operator";
    /// Signing in.
    pub(crate) const SIGN_IN: &str = "/operator/sign-in";
    /// The second thing, by a code.
    pub(crate) const SECOND: &str = "/operator/second";
    /// The second thing, by a passkey.
    pub(crate) const SECOND_PASSKEY: &str = "/operator/second/passkey";
    /// Signing in by the certificate of the connection.
    pub(crate) const CERTIFICATE: &str = "/operator/certificate";
    /// Signing in by a provider.
    pub(crate) const OPENID: &str = "/operator/openid";
    /// Where the provider sends browsers back to.
    pub(crate) const CALLBACK: &str = "/operator/openid/callback";
    /// Signing out.
    pub(crate) const SIGN_OUT: &str = "/operator/sign-out";
    /// Taking an invitation.
    pub(crate) const JOIN: &str = "/operator/join";
    /// Another password.
    pub(crate) const PASSWORD: &str = "/operator/password";
    /// Other recovery codes.
    pub(crate) const CODES: &str = "/operator/recovery-codes";
    /// Another authenticator.
    pub(crate) const AUTHENTICATOR: &str = "/operator/authenticator";
    /// A new passkey: the password first.
    pub(crate) const PASSKEY: &str = "/operator/passkey";
    /// A new passkey, made.
    pub(crate) const PASSKEY_MADE: &str = "/operator/passkey/made";
    /// One passkey less.
    pub(crate) const PASSKEY_REMOVE: &str = "/operator/passkey/remove";
    /// No other session.
    pub(crate) const SESSIONS: &str = "/operator/sessions/end";
}

pub(super) fn routes(service: &Service) -> Router<Arc<Service>> {
    let base = service.base();
    let at = |path: &str| format!("{base}{path}");
    let mut router = Router::new()
        .route(&at(paths::ACCOUNT), get(account::show))
        .route(&at(paths::SIGN_IN), get(sign_in::show).post(sign_in::first))
        .route(
            &at(paths::SECOND),
            get(sign_in::show_second).post(sign_in::second),
        )
        .route(&at(paths::SECOND_PASSKEY), post(passkey::second))
        .route(&at(paths::SIGN_OUT), post(sign_in::out))
        .route(
            &format!("{base}{}/{{token}}", paths::JOIN),
            get(join::show).post(join::join),
        )
        .route(&at(paths::PASSWORD), post(account::password))
        .route(&at(paths::CODES), post(account::codes))
        .route(
            &at(paths::AUTHENTICATOR),
            get(account::show_authenticator).post(account::authenticator),
        )
        .route(&at(paths::SESSIONS), post(account::end_others))
        .route(&at(paths::PASSKEY), post(passkey::offer))
        .route(&at(paths::PASSKEY_MADE), post(passkey::made))
        .route(&at(paths::PASSKEY_REMOVE), post(passkey::remove))
        .route(&at(paths::CERTIFICATE), post(certificate::sign_in));
    if service.operators.openid.is_some() {
        router = router
            .route(&at(paths::OPENID), post(openid::ask))
            .route(&at(paths::CALLBACK), get(openid::back));
    }
    router
}

/// Where an invitation is taken, at a service with that address.
#[must_use]
pub fn invitation_address(identifier: &str, token: &[u8; 32]) -> Zeroizing<String> {
    Zeroizing::new(format!("{identifier}{}/{}", paths::JOIN, base64url(token)))
}

/// Sends the browser on, by GET whatever it came by.
fn on(service: &Service, path: &str) -> Response {
    let location = HeaderValue::from_str(&service.address(path));
    let headers = [
        (
            header::LOCATION,
            location.unwrap_or(HeaderValue::from_static("/")),
        ),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (StatusCode::SEE_OTHER, headers).into_response()
}

/// A form that goes to that path, with what is in it and what its button says.
fn form(service: &Service, path: &str, inside: &Html, button: &'static str) -> Html {
    Html::default()
        .raw("<form method=\"post\" action=\"")
        .text(&service.address(path))
        .raw("\">\n")
        .add(inside)
        .raw("<button>")
        .raw(button)
        .raw("</button>\n</form>\n")
}

/// What was wrong with what was sent.
fn wrong(words: &str) -> Html {
    Html::default()
        .raw("<div class=\"wrong\" role=\"alert\" id=\"wrong\">")
        .text(words)
        .raw("</div>\n")
}

/// A page without a way on but signing in.
fn stopped(service: &Service, (status, code): (StatusCode, &'static str), words: &'static str) -> Response {
    let mut response = Html::default()
        .raw("<p role=\"alert\">")
        .raw(words)
        .raw("</p>\n<p><a href=\"")
        .text(&service.address(paths::SIGN_IN))
        .raw("\">Sign in</a></p>\n")
        .page(status, "This does not go on here", None);
    response.extensions_mut().insert(Refused(code));
    response
}

/// That a form was sent by a page of another site.
fn elsewhere(service: &Service) -> Response {
    let refusal = Refusal::OtherSite;
    let words = "Another site sent this. Nothing was done.";
    stopped(service, (StatusCode::FORBIDDEN, refusal.code()), words)
}

/// That too many sign in at once.
fn busy(service: &Service) -> Response {
    let at = (StatusCode::SERVICE_UNAVAILABLE, Refusal::SignInsFull.code());
    let mut response = stopped(
        service,
        at,
        "Too many sign in at this moment. Try again in a minute.",
    );
    let later = HeaderValue::from_static("30");
    response.headers_mut().insert(header::RETRY_AFTER, later);
    response
}

/// What a rule said no to, where the page cannot be shown again.
fn failed(service: &Service, why: &Failure) -> Response {
    match why {
        Failure::Refused(Refusal::SignInsFull) => busy(service),
        Failure::Refused(Refusal::OtherSite) => elsewhere(service),
        Failure::Refused(refusal) => {
            let (status, words) = match refusal {
                Refusal::OperatorSession => {
                    (StatusCode::UNAUTHORIZED, "Nobody is signed in, or not any more.")
                }
                Refusal::OperatorCeremony => (
                    StatusCode::FORBIDDEN,
                    "That took too long, or was done already. Begin anew.",
                ),
                Refusal::OperatorInvitation => (
                    StatusCode::NOT_FOUND,
                    "This invitation is over, or was taken. Ask for a new one where you got it.",
                ),
                Refusal::OperatorRefused => (
                    StatusCode::FORBIDDEN,
                    "That was not right, or was tried too often. Try again later.",
                ),
                _ => (StatusCode::CONFLICT, "That cannot be done now."),
            };
            stopped(service, (status, refusal.code()), words)
        }
        Failure::Store(error) => No::inside(error).into_response(),
    }
}
