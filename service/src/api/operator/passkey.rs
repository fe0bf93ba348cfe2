//! Passkeys: the one thing that a page needs a script for.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use mdoc_openid::jose::{base64url, from_base64url};
use mdoc_openid::web::Form;

use super::account::SignedIn;
use super::sign_in::{finish, half_done};
use super::{elsewhere, failed, is_ours, on, paths};
use crate::api::Shared;
use crate::api::html::Html;
use crate::api::remote::Remote;
use crate::domain::Refusal;
use crate::random;
use crate::service::Service;
use crate::usecase::operators;

/// Asks the browser for what the form has in `data-options`, and sends the form with its answer. Bytes are Base64url in JSON.
pub(super) const SCRIPT: &str = "\
'use strict';\
const form=document.getElementById('passkey'),said=document.getElementById('said');\
const bytes=t=>Uint8Array.from(atob(t.replace(/-/g,'+').replace(/_/g,'/')),c=>c.charCodeAt(0));\
const text=b=>btoa(String.fromCharCode(...new Uint8Array(b))).replace(/\\+/g,'-').replace(/\\//g,'_').replace(/=+$/,'');\
form.addEventListener('submit',async event=>{\
event.preventDefault();said.hidden=true;\
try{\
const options=JSON.parse(form.dataset.options),create=form.dataset.verb==='create';\
options.challenge=bytes(options.challenge);\
if(options.user)options.user.id=bytes(options.user.id);\
for(const one of[...(options.allowCredentials||[]),...(options.excludeCredentials||[])])one.id=bytes(one.id);\
const made=await navigator.credentials[create?'create':'get']({publicKey:options});\
const from=made.response,answer={id:made.id,rawId:text(made.rawId),type:made.type,extensions:{},response:{}};\
for(const name of['clientDataJSON','attestationObject','authenticatorData','signature','userHandle'])\
if(from[name])answer.response[name]=text(from[name]);\
if(from.getTransports)answer.response.transports=from.getTransports();\
form.elements.answer.value=JSON.stringify(answer);\
form.submit();\
}catch(why){said.hidden=false;said.textContent='The browser did not do it: '+why.message;}\
});";

/// A form that the script sends.
fn scripted_form(
    service: &Service,
    path: &str,
    (verb, options): (&'static str, &str),
    inside: &Html,
) -> Html {
    Html::default()
        .raw("<form method=\"post\" id=\"passkey\" data-verb=\"")
        .raw(verb)
        .raw("\" data-options=\"")
        .text(options)
        .raw("\" action=\"")
        .text(&service.address(path))
        .raw("\">\n<input type=\"hidden\" name=\"answer\">\n")
        .add(inside)
        .raw("<div class=\"wrong\" role=\"alert\" id=\"said\" hidden></div>\n")
}

/// A button that asks for a passkey instead of a code.
pub(super) fn ask(service: &Service, page: Html, options: &str) -> Html {
    let form = scripted_form(service, paths::SECOND_PASSKEY, ("get", options), &Html::default());
    page.raw("<h2>Or by passkey</h2>\n")
        .add(&form)
        .raw("<button>Use a passkey</button>\n</form>\n")
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
    let answer = form.get("answer").ok().flatten().unwrap_or_default().to_owned();
    let (now, asked) = (service.now(), std::sync::Arc::clone(&service));
    let done = service.store.write(move |tx| {
        let operators = &asked.operators;
        let passkeys = operators.passkeys.as_ref().ok_or(Refusal::OperatorCeremony)?;
        operators::second_by_passkey(
            tx,
            &remote.outsider(),
            now,
            (&token, &answer),
            (
                &asked.terms.secrets,
                passkeys,
                operators.patience,
                &mut random::system(),
            ),
        )
    });
    finish(&service, &headers, done.await).await
}

/// The page on which a passkey is made, after the password was given.
pub(super) async fn offer(signed_in: SignedIn, body: Bytes) -> Response {
    let form = Form::parse(&body).unwrap_or_default();
    if let Err(answer) = signed_in.confirm(&form).await {
        return answer;
    }
    let service = std::sync::Arc::clone(&signed_in.service);
    let offered = signed_in
        .write(move |tx, _, (person, now)| {
            let passkeys = service.operators.passkeys.as_ref();
            let passkeys = passkeys.ok_or(Refusal::OperatorCeremony)?;
            operators::offer_passkey(
                tx,
                now,
                person,
                (passkeys, &service.terms.secrets, &mut random::system()),
            )
        })
        .await;
    let service = &signed_in.service;
    match offered {
        Ok((token, options)) => {
            let inside = Html::default()
                .raw("<input type=\"hidden\" name=\"token\" value=\"")
                .text(&base64url(&*token))
                .raw("\">\n<label for=\"name\">What you call it</label>\n")
                .raw("<input id=\"name\" name=\"name\" maxlength=\"64\" required autofocus>\n");
            let form = scripted_form(service, paths::PASSKEY_MADE, ("create", &options), &inside);
            Html::default()
                .add(&form)
                .raw("<button>Make a passkey</button>\n</form>\n<p><a href=\"")
                .text(&service.address(paths::ACCOUNT))
                .raw("\">Back to the account</a></p>\n")
                .scripted(StatusCode::OK, "A new passkey", SCRIPT)
        }
        Err(crate::usecase::Failure::Refused(refusal @ Refusal::Field { .. })) => {
            signed_in.page(Some(&refusal)).await
        }
        Err(why) => failed(service, &why),
    }
}

pub(super) async fn made(
    State(service): Shared,
    signed_in: SignedIn,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if !is_ours(&service, &headers) {
        return elsewhere(&service);
    }
    let form = Form::parse(&body).unwrap_or_default();
    let field = |name| form.get(name).ok().flatten().unwrap_or_default().to_owned();
    let (token, answer, name) = (
        from_base64url(&field("token")).unwrap_or_default(),
        field("answer"),
        field("name"),
    );
    let with = std::sync::Arc::clone(&service);
    let done = signed_in
        .write(move |tx, actor, (person, now)| {
            let passkeys = with.operators.passkeys.as_ref();
            let passkeys = passkeys.ok_or(Refusal::OperatorCeremony)?;
            let what = (person, token.as_slice(), answer.as_str(), name.as_str());
            operators::add_passkey(tx, actor, now, what, (passkeys, &with.terms.secrets))
        })
        .await;
    signed_in.after(done).await
}

pub(super) async fn remove(signed_in: SignedIn, body: Bytes) -> Response {
    let form = Form::parse(&body).unwrap_or_default();
    if let Err(answer) = signed_in.confirm(&form).await {
        return answer;
    }
    let id = form.get("id").ok().flatten().and_then(from_base64url);
    let Some(id) = id else {
        return on(&signed_in.service, paths::ACCOUNT);
    };
    let done = signed_in
        .write(move |tx, actor, (person, now)| operators::remove_passkey(tx, actor, now, (person, &id)))
        .await;
    signed_in.after(done).await
}
