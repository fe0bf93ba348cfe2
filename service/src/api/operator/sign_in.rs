//! Signing in with a password, then with a code; and out.

use std::time::Instant;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use mdoc_openid::Secret;
use mdoc_openid::web::Form;
use zeroize::Zeroizing;

use super::{Cookie, busy, elsewhere, failed, form, is_ours, on, passkey, paths, session_token, wrong};
use crate::api::Shared;
use crate::api::html::Html;
use crate::api::remote::Remote;
use crate::domain::Refusal;
use crate::random;
use crate::serve::Refused;
use crate::service::Service;
use crate::usecase::Failure;
use crate::usecase::operators::{self, Begun, Judged, Second};

use super::certificate::Certified;

pub(super) async fn show(State(service): Shared, certificate: Certified) -> Response {
    page(&service, certificate.is_there(), None)
}

fn page(service: &Service, certificate: bool, refused: Option<&Refusal>) -> Response {
    const FIELDS: &str = "<label for=\"name\">Name</label>\n\
         <input id=\"name\" name=\"name\" autocomplete=\"username\" maxlength=\"256\" autocapitalize=\"off\" \
         spellcheck=\"false\" required autofocus>\n\
         <label for=\"password\">Password</label>\n\
         <input id=\"password\" name=\"password\" type=\"password\" autocomplete=\"current-password\" maxlength=\"256\" required>\n";
    let mut html = Html::default();
    if refused.is_some() {
        html = html.add(&wrong(
            "Name or password is not right, or was tried too often. Try again, or later.",
        ));
    }
    html = html.add(&form(
        service,
        paths::SIGN_IN,
        &Html::default().raw(FIELDS),
        "Continue",
    ));
    if certificate {
        let nothing = Html::default();
        html = html.add(&form(
            service,
            paths::CERTIFICATE,
            &nothing,
            "Sign in with your certificate",
        ));
    }
    if let Some(provider) = &service.operators.openid {
        let inside = Html::default()
            .raw("<p class=\"note\">Your organisation: ")
            .text(provider.name())
            .raw("</p>\n");
        html = html.add(&form(
            service,
            paths::OPENID,
            &inside,
            "Sign in at your organisation",
        ));
    }
    let status = refused.map_or(StatusCode::OK, |_| StatusCode::FORBIDDEN);
    let mut response = html.page(status, "Sign in", None);
    if let Some(refused) = refused {
        response.extensions_mut().insert(Refused(refused.code()));
    }
    response
}

pub(super) async fn first(
    State(service): Shared,
    remote: Remote,
    certificate: Certified,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if !is_ours(&service, &headers) {
        return elsewhere(&service);
    }
    let arrived = Instant::now();
    let form = Form::parse(&body).unwrap_or_default();
    let field = |name| form.get(name).ok().flatten().unwrap_or_default();
    let (name, password) = (field("name").to_owned(), Secret::from(field("password")));
    let known = service.store.read(move |tx| operators::known(tx, &name));
    let known = match known.await {
        Ok(known) => known,
        Err(why) => return failed(&service, &why.into()),
    };
    let passwords = &service.operators.passwords;
    let Ok(right) = passwords.is(password.clone(), known.kept()).await else {
        return busy(&service);
    };
    // A password is kept as passwords are kept now, whenever it is known.
    let outdated = right && known.kept().is_some_and(|kept| passwords.is_outdated(kept));
    let anew = if outdated {
        passwords.keep(password, &mut random::system()).await.ok()
    } else {
        None
    };
    let (now, asked) = (service.now(), std::sync::Arc::clone(&service));
    let first = service.store.write(move |tx| {
        let with = (&asked.terms.secrets, asked.operators.passkeys.as_ref());
        let decided = operators::first(
            tx,
            &remote.outsider(),
            now,
            (&known, right),
            with,
            &mut random::system(),
        )?;
        if let (Ok(_), Some(anew)) = (&decided, &anew) {
            operators::keep_anew(tx, (&known, anew))?;
        }
        Ok::<_, Failure>(decided)
    });
    match first.await {
        Ok(Ok(token)) => {
            let mut response = on(&service, paths::SECOND);
            Cookie::Second.set(&service, &mut response, (&*token, 300));
            response
        }
        Ok(Err(refusal)) => {
            tokio::time::sleep(service.operators.floor.saturating_sub(arrived.elapsed())).await;
            page(&service, certificate.is_there(), Some(&refusal))
        }
        Err(why) => failed(&service, &why),
    }
}

pub(super) async fn show_second(State(service): Shared, headers: HeaderMap) -> Response {
    second_page(&service, &headers, None).await
}

pub(super) async fn second_page(
    service: &Service,
    headers: &HeaderMap,
    refused: Option<&Refusal>,
) -> Response {
    let Some(token) = Cookie::Second.read(service, headers) else {
        return failed(service, &Refusal::OperatorCeremony.into());
    };
    let (now, secrets) = (service.now(), service.terms.secrets.clone());
    let found = service
        .store
        .read(move |tx| operators::second(tx, now, (&token, &secrets)));
    let second = match found.await {
        Ok(second) => second,
        Err(why) => return failed(service, &why),
    };
    let mut html = Html::default();
    if refused.is_some() {
        html = html.add(&wrong("That was not right, or was used before. Try again."));
    }
    html = html.add(&code_form(service, &second));
    let status = refused.map_or(StatusCode::OK, |_| StatusCode::FORBIDDEN);
    let title = "Show that it is you";
    let mut response = match &second.passkey {
        Some(options) => passkey::ask(service, html, options).scripted(status, title, passkey::SCRIPT),
        None => html.page(status, title, None),
    };
    if let Some(refused) = refused {
        response.extensions_mut().insert(Refused(refused.code()));
    }
    response
}

fn code_form(service: &Service, second: &Second) -> Html {
    const FIELD: &str = "<input id=\"code\" name=\"code\" aria-describedby=\"about-code\" autocomplete=\"one-time-code\" \
         maxlength=\"64\" autocapitalize=\"off\" spellcheck=\"false\" required autofocus>\n";
    let about = if second.authenticator {
        "<label for=\"code\">Code</label>\n\
         <p class=\"note\" id=\"about-code\">Six digits of your authenticator app, or one of your recovery codes.</p>\n"
    } else {
        "<label for=\"code\">Recovery code</label>\n\
         <p class=\"note\" id=\"about-code\">One of those that you kept.</p>\n"
    };
    form(
        service,
        paths::SECOND,
        &Html::default().raw(about).raw(FIELD),
        "Sign in",
    )
}

pub(super) async fn second(
    State(service): Shared,
    remote: Remote,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let token = match half_done(&service, &headers) {
        Ok(token) => token,
        Err(refusal) => return failed(&service, &refusal.into()),
    };
    let form = Form::parse(&body).unwrap_or_default();
    let code = Secret::from(form.get("code").ok().flatten().unwrap_or_default());
    let (now, patience, secrets) = (
        service.now(),
        service.operators.patience,
        service.terms.secrets.clone(),
    );
    let done = service.store.write(move |tx| {
        operators::second_by_code(
            tx,
            &remote.outsider(),
            now,
            (&token, code.expose()),
            (&secrets, patience, &mut random::system()),
        )
    });
    finish(&service, &headers, done.await).await
}

/// What the browser has whose password was right, if a page of this service sends it.
pub(super) fn half_done(service: &Service, headers: &HeaderMap) -> Result<Zeroizing<Vec<u8>>, Refusal> {
    if !is_ours(service, headers) {
        return Err(Refusal::OtherSite);
    }
    Cookie::Second
        .read(service, headers)
        .ok_or(Refusal::OperatorCeremony)
}

/// What follows the second thing.
pub(super) async fn finish(
    service: &Service,
    headers: &HeaderMap,
    done: Result<Judged<Begun>, Failure>,
) -> Response {
    match done {
        Ok(Ok(begun)) => signed_in(service, headers, &begun).await,
        Ok(Err(refusal)) => second_page(service, headers, Some(&refusal)).await,
        Err(why) => failed(service, &why),
    }
}

/// The browser has a session from now on, and no other one.
pub(super) async fn signed_in(service: &Service, headers: &HeaderMap, begun: &Begun) -> Response {
    if let Err(why) = end(service, headers, "another sign-in").await {
        return failed(service, &why);
    }
    let mut response = match begun.codes_left {
        None => on(service, paths::ACCOUNT),
        Some(left) => codes_left(service, left),
    };
    Cookie::Session.set(service, &mut response, (&*begun.token, begun.longest));
    Cookie::Second.clear(service, &mut response);
    response
}

fn codes_left(service: &Service, left: i64) -> Response {
    Html::default()
        .raw("<p>You signed in with a recovery code. It is used up; there are ")
        .text(&left.to_string())
        .raw(" left. If your authenticator is lost, set up another one now.</p>\n<p><a class=\"button\" href=\"")
        .text(&service.address(paths::ACCOUNT))
        .raw("\">Continue</a></p>\n")
        .page(StatusCode::OK, "You are signed in", None)
}

pub(super) async fn out(State(service): Shared, remote: Remote, headers: HeaderMap) -> Response {
    if !is_ours(&service, &headers) {
        return elsewhere(&service);
    }
    if let Err(why) = end(&service, &headers, remote.address()).await {
        return failed(&service, &why);
    }
    let mut response = on(&service, paths::SIGN_IN);
    Cookie::Session.clear(&service, &mut response);
    Cookie::Second.clear(&service, &mut response);
    response
}

/// Ends the session that the browser has, if it has one.
async fn end(service: &Service, headers: &HeaderMap, from: &str) -> Result<(), Failure> {
    let Some(token) = session_token(service, headers) else {
        return Ok(());
    };
    let (now, secrets, from) = (service.now(), service.terms.secrets.clone(), from.to_owned());
    let ended = service
        .store
        .write(move |tx| operators::end_session(tx, now, (&token, &secrets), &from));
    Ok(ended.await?)
}
