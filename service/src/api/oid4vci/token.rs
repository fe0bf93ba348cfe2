//! The token endpoint.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use mdoc_openid::Secret;
use mdoc_openid::jose::{base64url, from_base64url};
use mdoc_openid::vci::ErrorCode;
use mdoc_openid::vci::authorization::AuthorizationDetail;
use mdoc_openid::vci::token::{Grant, TokenRequest, TokenResponse};

use super::caller::Caller;
use super::paths;
use crate::api::Shared;
use crate::api::answer::{No, json};
use crate::domain::Refusal;
use crate::random;
use crate::service::Service;
use crate::usecase::authority::Actor;
use crate::usecase::collect::{self, Begun, Noted, Presented};

pub(super) async fn token(State(service): Shared, headers: HeaderMap, body: Bytes) -> Result<Response, No> {
    let request = TokenRequest::decode(&body).map_err(|why| No::server(why.code(), why))?;
    let caller = Caller::at_token(&service, paths::TOKEN, request.client_id.as_deref(), &headers)?;
    let begun = begin(&service, &request.grant, caller).await?;
    let begun = begun.map_err(|refusal| {
        tracing::warn!(code = refusal.code(), "a wallet was given no token");
        No::of_token(&refusal)
    })?;
    Ok(json(200, answer(&begun, &request)?.encode(service.oldest)))
}

async fn begin(service: &Service, grant: &Grant, caller: Caller) -> Result<Noted<Begun>, No> {
    let (terms, now) = (service.terms.clone(), service.now());
    let grant = grant.clone();
    let begun = service.store.write(move |tx| {
        collect::once(tx, &caller.once)?;
        let actor = Actor::wallet(String::new());
        let mut rng = random::system();
        match &grant {
            Grant::PreAuthorizedCode { code, tx_code } => {
                let code = from_base64url(code.expose()).unwrap_or_default();
                let asked = (
                    Presented::PreAuthorized(&code),
                    tx_code.as_ref().map(Secret::expose),
                    &caller.holder,
                    &terms,
                );
                collect::redeem(tx, &actor, now, asked, &mut rng)
            }
            Grant::RefreshToken { token } => {
                let token = from_base64url(token.expose()).unwrap_or_default();
                collect::refresh(tx, &actor, now, (&token, &caller.holder, &terms), &mut rng)
            }
            Grant::AuthorizationCode { .. } => Ok(Err(Refusal::OfferUnknown)),
        }
    });
    begun.await.map_err(|why| No::of_failure(&why, No::of_token))
}

fn answer(begun: &Begun, request: &TokenRequest) -> Result<TokenResponse, No> {
    let bound = begun.bound;
    let mut details = Vec::new();
    for wanted in &request.authorization_details {
        if wanted.credential_configuration_id.as_ref() != Some(&begun.profile.name) {
            let words = "authorization_details names what was not offered";
            return Err(No::server(ErrorCode::InvalidRequest, words));
        }
        details.push(AuthorizationDetail {
            credential_identifiers: vec![begun.serial.as_str().to_owned()],
            ..AuthorizationDetail::new(&begun.profile.name)
        });
    }
    Ok(TokenResponse {
        access_token: Secret::new(base64url(&*begun.token)),
        token_type: if bound { "DPoP" } else { "Bearer" }.to_owned(),
        expires_in: u64::try_from(begun.lifetime).ok(),
        refresh_token: begun
            .refresh
            .as_ref()
            .map(|token| Secret::new(base64url(&**token))),
        scope: None,
        authorization_details: details,
        c_nonce: None,
        c_nonce_expires_in: None,
    })
}
