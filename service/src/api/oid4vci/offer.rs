//! Offers, by reference: what the QR code of a collection leads to (E8). A browser that comes to the same address is shown
//! the code, a link that opens a wallet, and where wallets are had (E10).

use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use mdoc_openid::Secret;
use mdoc_openid::jose::{base64url, from_base64url};
use mdoc_openid::vci::offer::{
    AuthorizationCode, CredentialOffer, Grants, PreAuthorizedCode, SCHEME, TxCode, reference_uri,
};

use super::paths;
use crate::api::Shared;
use crate::api::answer::{No, json};
use crate::api::html::Html;
use crate::service::Service;
use crate::usecase::collect::{self, Offered};

pub(super) async fn offer(
    State(service): Shared,
    headers: HeaderMap,
    Path(name): Path<String>,
) -> Result<Response, No> {
    let offered = find(&service, &name).await;
    let mut response = match (browser(&headers), offered) {
        (true, Ok(offered)) => page(&service, &offered, &name),
        (true, Err(No::Nothing)) => gone(),
        (_, Err(no)) => return Err(no),
        (false, Ok(offered)) => json(200, message(&service, &offered).encode()),
    };
    response
        .headers_mut()
        .insert(header::VARY, HeaderValue::from_static("accept"));
    Ok(response)
}

/// Whether somebody looks at it: browsers say that they take pages, and wallets take JSON.
fn browser(headers: &HeaderMap) -> bool {
    let accepted = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    accepted.is_some_and(|text| text.contains("text/html") && !text.contains("application/json"))
}

async fn find(service: &Service, name: &str) -> Result<Offered, No> {
    // Whatever is wrong with an offer, there is none: nobody learns which addresses were ever given out.
    let secret: [u8; 32] = from_base64url(name)
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or(No::Nothing)?;
    let (terms, now) = (service.terms.clone(), service.now());
    service
        .store
        .read(move |tx| collect::offered(tx, now, (&secret, &terms)))
        .await
        .map_err(|why| No::of_failure(&why, |_| No::Nothing))
}

/// What the addresses of offers begin with, at a service that wallets call `issuer`.
#[must_use]
pub fn offer_prefix(issuer: &str) -> String {
    format!("{issuer}{}/", paths::OFFER)
}

/// Where an offer is, at a service that wallets call `issuer`.
#[must_use]
pub fn offer_address(issuer: &str, secret: &[u8; 32]) -> String {
    format!("{}{}", offer_prefix(issuer), base64url(secret))
}

/// What opens a wallet for the offer at an address: the text of its QR code.
#[must_use]
pub fn offer_link(address: &str) -> String {
    reference_uri(&format!("{SCHEME}://"), address)
}

fn page(service: &Service, offered: &Offered, name: &str) -> Response {
    let link = offer_link(&service.address(&format!("{}/{name}", paths::OFFER)));
    let mut html = Html::default()
        .raw("<p>")
        .text(&service.display_name)
        .raw(" has a document for you: <strong>")
        .text(&offered.profile.settings.display_name)
        .raw("</strong>.</p>\n<p>On the device with your wallet:</p>\n<p><a class=\"button\" href=\"")
        .text(&link)
        .raw("\">Open the wallet</a></p>\n<p>Or scan this with your wallet on another device:</p>\n<div class=\"code\">")
        .qr(&link)
        .raw("</div>\n");
    if offered.code.is_some() {
        html = html.raw("<p>The wallet will ask for the code that you were given separately.</p>\n");
    }
    if !service.wallets.apps.is_empty() {
        html = html.raw("<h2>If nothing opens</h2>\n<p>You may not have a wallet yet. Wallets that work here:</p>\n<ul>\n");
        for app in &service.wallets.apps {
            html = html
                .raw("<li><a rel=\"noreferrer\" href=\"")
                .text(&app.url)
                .raw("\">")
                .text(&app.name)
                .raw("</a></li>\n");
        }
        html = html.raw("</ul>\n<p>Then come back to this page.</p>\n");
    }
    html.page(StatusCode::OK, "Your document is ready", None)
}

fn gone() -> Response {
    Html::default()
        .raw("<p>It was collected already, or it is over. If you have not got it, ask for a new one where you got this.</p>\n")
        .page(StatusCode::NOT_FOUND, "There is nothing here to collect", None)
}

fn message(service: &Service, offered: &Offered) -> CredentialOffer {
    let tx_code = offered.code.as_ref().map(|form| TxCode {
        input_mode: Some(if form.is_numeric() { "numeric" } else { "text" }.to_owned()),
        length: u32::try_from(form.length()).ok(),
        description: Some("The code that you were given separately".to_owned()),
    });
    CredentialOffer {
        credential_issuer: service.identifier.clone(),
        credential_configuration_ids: vec![offered.profile.name.clone()],
        grants: Some(Grants {
            authorization_code: (!service.wallets.redirect_uris.is_empty()).then(|| AuthorizationCode {
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
