//! OpenID4VCI 1.0: what wallets collect by (E10).

mod authorize;
mod caller;
mod credential;
mod metadata;
mod offer;
mod token;

pub use self::offer::{offer_address, offer_link, offer_prefix};

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::map_response_with_state;
use axum::response::Response;
use axum::routing::{get, post};
use mdoc_openid::Secret;
use mdoc_openid::vci::client::ChallengeResponse;
use mdoc_openid::vci::credential::NonceResponse;
use mdoc_openid::vci::{metadata as message, server};

use super::Shared;
use super::answer::json;
use crate::nonce::{self, Kind};
use crate::random;
use crate::service::Service;

/// Addresses below the identifier.
pub(crate) mod paths {
    /// Offers, by their secret.
    pub(crate) const OFFER: &str = "/offer";
    /// Where authorization requests are left beforehand.
    pub(crate) const PAR: &str = "/par";
    /// The page of a sign-in.
    pub(crate) const AUTHORIZE: &str = "/authorize";
    /// Where challenges for client attestations are had.
    pub(crate) const CHALLENGE: &str = "/challenge";
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

pub(super) fn routes(service: &Arc<Service>) -> Router<Arc<Service>> {
    let base = service.base();
    let at = |path: &str| format!("{base}{path}");
    let wallets = &service.wallets;
    let mut endpoints = Router::new()
        .route(&at(paths::TOKEN), post(token::token))
        .route(&at(paths::NONCE), post(nonce))
        .route(&at(paths::CREDENTIAL), post(credential::credential))
        .route(&at(paths::DEFERRED), post(credential::deferred))
        .route(&at(paths::NOTIFICATION), post(credential::notification));
    if wallets.challenges {
        endpoints = endpoints.route(&at(paths::CHALLENGE), post(challenge));
    }
    if !wallets.redirect_uris.is_empty() {
        endpoints = endpoints.route(&at(paths::PAR), post(authorize::push));
    }
    if wallets.challenges || wallets.dpop_nonces {
        endpoints = endpoints.layer(map_response_with_state(Arc::clone(service), fresh));
    }
    let mut router = endpoints.route(&format!("{base}{}/{{secret}}", paths::OFFER), get(offer::offer));
    if !wallets.redirect_uris.is_empty() {
        router = router.route(
            &at(paths::AUTHORIZE),
            get(authorize::show).post(authorize::answer),
        );
    }
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
    let c_nonce = Secret::new(new_nonce(&service, Kind::Proof));
    json(200, NonceResponse { c_nonce }.encode())
}

async fn challenge(State(service): Shared) -> Response {
    let attestation_challenge = Secret::new(new_nonce(&service, Kind::Challenge));
    json(
        200,
        ChallengeResponse {
            attestation_challenge,
        }
        .encode(),
    )
}

fn new_nonce(service: &Service, kind: Kind) -> String {
    nonce::new(&service.terms.secrets, kind, service.now(), &mut random::system())
}

/// Gives each answer what the wallet needs for its next request (RFC 9449, 8.2; 9).
async fn fresh(State(service): Shared, mut response: Response) -> Response {
    let wanted = [
        (service.wallets.dpop_nonces, "dpop-nonce", Kind::Dpop),
        (
            service.wallets.challenges,
            "oauth-client-attestation-challenge",
            Kind::Challenge,
        ),
    ];
    for (wanted, name, kind) in wanted {
        if wanted && let Ok(value) = HeaderValue::from_str(&new_nonce(&service, kind)) {
            response
                .headers_mut()
                .insert(HeaderName::from_static(name), value);
        }
    }
    response
}
