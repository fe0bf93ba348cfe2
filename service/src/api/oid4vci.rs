//! OpenID4VCI 1.0: what wallets collect by (E10).

mod caller;
mod credential;
mod metadata;
mod offer;
mod token;

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{get, post};
use mdoc_openid::Secret;
use mdoc_openid::vci::credential::NonceResponse;
use mdoc_openid::vci::{metadata as message, server};

use super::Shared;
use super::answer::json;
use crate::nonce;
use crate::random;
use crate::service::Service;

/// Addresses below the identifier.
pub(crate) mod paths {
    /// Offers, by their secret.
    pub(crate) const OFFER: &str = "/offer";
    /// The token endpoint.
    pub(crate) const TOKEN: &str = "/token";
    /// The nonce endpoint.
    pub(crate) const NONCE: &str = "/nonce";
    /// The credential endpoint.
    pub(crate) const CREDENTIAL: &str = "/credential";
    /// The deferred credential endpoint.
    pub(crate) const DEFERRED: &str = "/deferred";
    /// The notification endpoint.
    pub(crate) const NOTIFICATION: &str = "/notification";
    /// The status lists.
    pub(crate) const STATUS: &str = "/status";
}

pub(super) fn routes(base: &str) -> Router<Arc<Service>> {
    let mut router = Router::new()
        .route(&format!("{base}{}/{{secret}}", paths::OFFER), get(offer::offer))
        .route(&format!("{base}{}", paths::TOKEN), post(token::token))
        .route(&format!("{base}{}", paths::NONCE), post(nonce))
        .route(
            &format!("{base}{}", paths::CREDENTIAL),
            post(credential::credential),
        )
        .route(&format!("{base}{}", paths::DEFERRED), post(credential::deferred))
        .route(
            &format!("{base}{}", paths::NOTIFICATION),
            post(credential::notification),
        );
    // Since draft 16 the well-known part is between host and path; before it was at the end, and some still look there.
    let mut places = vec![(String::new(), base)];
    if !base.is_empty() {
        places.push((base.to_owned(), ""));
    }
    for (before, after) in places {
        let place = |name| format!("{before}/.well-known/{name}{after}");
        router = router
            .route(&place(message::WELL_KNOWN), get(metadata::issuer))
            .route(&place(server::WELL_KNOWN), get(metadata::server));
    }
    router
}

async fn nonce(State(service): Shared) -> Response {
    let nonce = nonce::new(&service.terms.secrets, service.now(), &mut random::system());
    json(
        200,
        NonceResponse {
            c_nonce: Secret::new(nonce),
        }
        .encode(),
    )
}
