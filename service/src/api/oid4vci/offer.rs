//! Offers, by reference: what the QR code of a collection leads to (E8).

use axum::extract::{Path, State};
use axum::response::Response;
use mdoc_openid::Secret;
use mdoc_openid::jose::{base64url, from_base64url};
use mdoc_openid::vci::offer::{AuthorizationCode, CredentialOffer, Grants, PreAuthorizedCode, TxCode};

use crate::api::Shared;
use crate::api::answer::{No, json};
use crate::usecase::collect::{self, Offered};

pub(super) async fn offer(State(service): Shared, Path(secret): Path<String>) -> Result<Response, No> {
    // Whatever is wrong with an offer, there is none: nobody learns which addresses were ever given out.
    let secret: [u8; 32] = from_base64url(&secret)
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or(No::Nothing)?;
    let (terms, now) = (service.terms.clone(), service.now());
    let offered = service
        .store
        .read(move |tx| collect::offered(tx, now, (&secret, &terms)))
        .await
        .map_err(|why| No::of_failure(&why, |_| No::Nothing))?;
    Ok(json(200, message(&service.identifier, &offered).encode()))
}

fn message(issuer: &str, offered: &Offered) -> CredentialOffer {
    let tx_code = offered.code.as_ref().map(|form| TxCode {
        input_mode: Some(if form.is_numeric() { "numeric" } else { "text" }.to_owned()),
        length: u32::try_from(form.length()).ok(),
        description: Some("The code that you were given separately".to_owned()),
    });
    CredentialOffer {
        credential_issuer: issuer.to_owned(),
        credential_configuration_ids: vec![offered.profile.name.clone()],
        grants: Some(Grants {
            authorization_code: Some(AuthorizationCode {
                issuer_state: Some(base64url(&offered.issuer_state)),
                authorization_server: None,
            }),
            pre_authorized_code: Some(PreAuthorizedCode {
                code: Secret::new(base64url(&offered.pre_authorized)),
                tx_code,
                authorization_server: None,
                interval: None,
            }),
        }),
    }
}
