//! Signing in at a provider of OpenID Connect: the way there, and back.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use mdoc_core::crypto::equal_in_constant_time;
use mdoc_openid::Secret;
use mdoc_openid::jose::base64url;
use mdoc_openid::web::Form;

use super::{Cookie, busy, elsewhere, failed, is_ours, sign_in, stopped};
use crate::api::Shared;
use crate::api::html::Html;
use crate::api::remote::Remote;
use crate::domain::Refusal;
use crate::password::Busy;
use crate::provider::BadProvider;
use crate::service::Service;
use crate::usecase::operators::{self, Asked};
use crate::{random, secrets};

/// How long the browser keeps what ties it to what it began, in seconds.
const WAY: i64 = 600;

pub(super) async fn ask(State(service): Shared, headers: HeaderMap) -> Response {
    if !is_ours(&service, &headers) {
        return elsewhere(&service);
    }
    let now = service.now();
    let Some(provider) = &service.operators.openid else {
        return failed(&service, &Refusal::OperatorCeremony.into());
    };
    let begun = match provider.begin(now).await {
        Ok(Ok(begun)) => begun,
        Ok(Err(why)) => return unanswered(&service, &why),
        Err(Busy) => return busy(&service),
    };
    let browser = secrets::random(&mut random::system());
    let asked = Asked {
        nonce: begun.nonce.expose().to_owned(),
        verifier: begun.verifier.expose().to_owned(),
        browser: base64url(&*browser),
    };
    let (keys, state) = (service.terms.secrets.clone(), begun.state.clone());
    let kept = service.store.write(move |tx| {
        operators::ask_openid(tx, now, (state.expose(), &asked), (&keys, &mut random::system()))
    });
    if let Err(why) = kept.await {
        return failed(&service, &why);
    }
    let mut response = leave(provider.name(), &begun.address);
    Cookie::Provider.set(&service, &mut response, (&*browser, WAY));
    response
}

/// A page that leads on by itself, and by a link. Not a redirect: browsers hold forms to the hosts that the policy of the page
/// names, and a provider may send them on to any other one.
fn leave(name: &str, address: &str) -> Response {
    let mut response = Html::default()
        .raw("<p>You sign in at <strong>")
        .text(name)
        .raw("</strong>, and come back here.</p>\n<p><a class=\"button\" rel=\"noreferrer\" href=\"")
        .text(address)
        .raw("\">Continue</a></p>\n")
        .page(StatusCode::OK, "Sign in at your organisation", None);
    if let Ok(on) = HeaderValue::from_str(&format!("0;url={address}")) {
        response.headers_mut().insert(header::REFRESH, on);
    }
    response
}

/// What is wrong is for the log.
fn unanswered(service: &Service, why: &BadProvider) -> Response {
    tracing::warn!(%why, "nobody was signed in at the provider");
    let at = (StatusCode::BAD_GATEWAY, "operator.provider");
    stopped(
        service,
        at,
        "Your organisation did not answer as it should. Try again later.",
    )
}

pub(super) async fn back(
    State(service): Shared,
    remote: Remote,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    let mut response = came_back(&service, &remote, &headers, &query.unwrap_or_default()).await;
    Cookie::Provider.clear(&service, &mut response);
    response
}

async fn came_back(service: &Arc<Service>, remote: &Remote, headers: &HeaderMap, query: &str) -> Response {
    let over = || failed(service, &Refusal::OperatorCeremony.into());
    let form = Form::parse(query.as_bytes()).unwrap_or_default();
    let field = |name| form.get(name).ok().flatten();
    let (Some(state), Some(browser)) = (field("state"), Cookie::Provider.read(service, headers)) else {
        return over();
    };
    let (now, keys, state) = (service.now(), service.terms.secrets.clone(), state.to_owned());
    let asked = service
        .store
        .write(move |tx| operators::asked_openid(tx, now, (&state, &keys)));
    let asked = match asked.await {
        Ok(asked) => asked,
        Err(why) => return failed(service, &why),
    };
    // Whoever was led here by somebody else's sign-in has another browser.
    if !equal_in_constant_time(asked.browser.as_bytes(), base64url(&browser).as_bytes()) {
        return over();
    }
    let Some(code) = field("code").map(Secret::from) else {
        // Whoever gave up there, or may not.
        return failed(service, &Refusal::OperatorRefused.into());
    };
    let Some(provider) = service.operators.openid.as_ref() else {
        return over();
    };
    if !provider.is(field("iss")) {
        return over();
    }
    let given = (
        Secret::from(asked.nonce.as_str()),
        Secret::from(asked.verifier.as_str()),
    );
    let external_id = match provider.identify(now, code, given).await {
        Ok(Ok(external_id)) => external_id,
        Ok(Err(why)) => return unanswered(service, &why),
        Err(Busy) => return busy(service),
    };
    let (keys, patience, from) = (
        service.terms.secrets.clone(),
        service.operators.patience,
        remote.address().to_owned(),
    );
    let begun = service.store.write(move |tx| {
        operators::sign_in_by_openid(
            tx,
            now,
            (&external_id, &from),
            (&keys, patience, &mut random::system()),
        )
    });
    match begun.await {
        Ok(Ok(begun)) => sign_in::signed_in(service, headers, &begun).await,
        Ok(Err(refusal)) => failed(service, &refusal.into()),
        Err(why) => failed(service, &why),
    }
}
