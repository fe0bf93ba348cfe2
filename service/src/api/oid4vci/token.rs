//! The token endpoint.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use mdoc_openid::Secret;
use mdoc_openid::jose::{base64url, from_base64url};
use mdoc_openid::vci::Draft;
use mdoc_openid::vci::authorization::AuthorizationDetail;
use mdoc_openid::vci::token::{Grant, TokenRequest, TokenResponse};

use super::caller::{Caller, spend};
use super::paths;
use crate::api::Shared;
use crate::api::answer::{No, json};
use crate::api::remote::Remote;
use crate::domain::Refusal;
use crate::nonce::{self, Kind, LIFETIME};
use crate::random;
use crate::service::Service;
use crate::usecase::authorize::{self, Redeemed};
use crate::usecase::collect::{self, Begun, Noted, Presented};

pub(super) async fn token(
    State(service): Shared,
    remote: Remote,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, No> {
    let request = TokenRequest::decode(&body).map_err(|why| No::server(why.code(), why))?;
    let caller = Caller::at_server(&service, paths::TOKEN, request.client_id.as_deref(), &headers)?;
    let wanted: Vec<Option<String>> = request
        .authorization_details
        .iter()
        .map(|wanted| wanted.credential_configuration_id.clone())
        .collect();
    let once = caller.once.clone();
    let begun = begin(&service, (&request.grant, wanted), caller, remote).await;
    if begun.is_err() {
        // What a rule undid took the note with it: whoever saw the request does not try another one with its proof.
        spend(&service, once, No::of_token).await?;
    }
    let (begun, detailed) = begun?.map_err(|refusal| {
        tracing::warn!(code = refusal.code(), "a wallet was given no token");
        No::of_token(&refusal)
    })?;
    let answer = answer(&service, &begun, detailed, &request);
    Ok(json(200, answer.encode(service.oldest)))
}

/// Opens a session; tells whether the wallet asked for it in detail.
async fn begin(
    service: &Service,
    (grant, wanted): (&Grant, Vec<Option<String>>),
    caller: Caller,
    remote: Remote,
) -> Result<Noted<(Begun, bool)>, No> {
    let (terms, now) = (service.terms.clone(), service.now());
    let grant = grant.clone();
    let begun = service.store.write(move |tx| {
        collect::once(tx, &caller.once)?;
        let actor = remote.outsider();
        let plainly = |begun: Noted<Begun>| begun.map(|begun| (begun, false));
        let mut rng = random::system();
        let begun = match &grant {
            Grant::PreAuthorizedCode { code, tx_code } => {
                let code = from_base64url(code.expose()).unwrap_or_default();
                let asked = (
                    Presented::PreAuthorized(&code),
                    tx_code.as_ref().map(Secret::expose),
                    &caller.holder,
                    &terms,
                );
                collect::redeem(tx, &actor, now, asked, &mut rng).map(plainly)
            }
            Grant::RefreshToken { token } => {
                let token = from_base64url(token.expose()).unwrap_or_default();
                collect::refresh(tx, &actor, now, (&token, &caller.holder, &terms), &mut rng)
            }
            Grant::AuthorizationCode {
                code,
                verifier,
                redirect_uri,
            } => {
                let redeemed = Redeemed {
                    code: &from_base64url(code.expose()).unwrap_or_default(),
                    redirect_uri: redirect_uri.as_deref(),
                    verifier: verifier.as_ref(),
                    holder: &caller.holder,
                };
                authorize::redeem(tx, &actor, now, (&redeemed, &terms), &mut rng)
            }
        }?;
        // A wallet that asks for something else keeps its code.
        if let Ok((begun, _)) = &begun
            && wanted.iter().any(|id| id.as_ref() != Some(&begun.profile.name))
        {
            let rule = "they name what was not offered";
            return Err(Refusal::field("authorization_details", rule).into());
        }
        if let Ok((begun, detailed)) = &begun
            && (*detailed || !wanted.is_empty())
        {
            collect::told_identifier(tx, (begun, &terms))?;
        }
        Ok(begun)
    });
    begun.await.map_err(|why| No::of_failure(&why, No::of_token))
}

fn answer(service: &Service, begun: &Begun, detailed: bool, request: &TokenRequest) -> TokenResponse {
    let bound = begun.bound;
    let granted = || AuthorizationDetail {
        credential_identifiers: vec![begun.serial.as_str().to_owned()],
        ..AuthorizationDetail::new(&begun.profile.name)
    };
    let mut details = Vec::new();
    if detailed && request.authorization_details.is_empty() {
        details.push(granted());
    }
    details.extend(request.authorization_details.iter().map(|_| granted()));
    // Wallets of older drafts know no nonce endpoint.
    let c_nonce = (service.oldest <= Draft::Draft14).then(|| {
        Secret::new(nonce::new(
            &service.terms.secrets,
            Kind::Proof,
            service.now(),
            &mut random::system(),
        ))
    });
    TokenResponse {
        access_token: Secret::new(base64url(&*begun.token)),
        token_type: if bound { "DPoP" } else { "Bearer" }.to_owned(),
        expires_in: u64::try_from(begun.lifetime).ok(),
        refresh_token: begun
            .refresh
            .as_ref()
            .map(|token| Secret::new(base64url(&**token))),
        scope: None,
        authorization_details: details,
        c_nonce_expires_in: c_nonce
            .is_some()
            .then(|| u64::try_from(LIFETIME).unwrap_or_default()),
        c_nonce,
    }
}
