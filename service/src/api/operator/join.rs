//! Taking an invitation: a password, an authenticator, and recovery codes that are shown once.

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use mdoc_openid::Secret;
use mdoc_openid::jose::from_base64url;
use mdoc_openid::web::Form;
use zeroize::Zeroizing;

use super::{busy, elsewhere, failed, form, is_ours, paths, wrong};
use crate::api::Shared;
use crate::api::html::Html;
use crate::api::remote::Remote;
use crate::domain::Refusal;
use crate::domain::person::Person;
use crate::password::Busy;
use crate::random;
use crate::service::Service;
use crate::usecase::Failure;
use crate::usecase::operators;

pub(super) async fn show(State(service): Shared, Path(token): Path<String>) -> Response {
    let token = from_base64url(&token).unwrap_or_default();
    match guest(&service, &token).await {
        Ok(person) => page(&service, (&token, &person), None),
        Err(why) => failed(&service, &why),
    }
}

async fn guest(service: &Service, token: &[u8]) -> Result<Person, Failure> {
    let (now, secrets, token) = (service.now(), service.terms.secrets.clone(), token.to_vec());
    let found = service
        .store
        .read(move |tx| operators::invitation(tx, now, (&token, &secrets)));
    found.await
}

fn page(service: &Service, (token, person): (&[u8], &Person), refused: Option<&Refusal>) -> Response {
    let details = &person.details;
    let Some(shown) = authenticator(service, token, &details.logon_name) else {
        return failed(service, &Refusal::OperatorInvitation.into());
    };
    let mut html = Html::default()
        .raw("<p>You were invited to sign in to ")
        .text(&service.display_name)
        .raw(" as <strong>")
        .text(&details.logon_name)
        .raw("</strong>.</p>\n");
    if let Some(refused) = refused {
        html = html.add(&wrong(&words(refused)));
    }
    let inside = Html::default()
        .raw("<input type=\"hidden\" name=\"username\" autocomplete=\"username\" value=\"")
        .text(&details.logon_name)
        .raw("\">\n")
        .add(&password_fields())
        .add(&shown);
    let path = format!("{}/{}", paths::JOIN, mdoc_openid::jose::base64url(token));
    let html = html.add(&form(service, &path, &inside, "Set up the account"));
    let status = refused.map_or(StatusCode::OK, |_| StatusCode::UNPROCESSABLE_ENTITY);
    html.page(status, "Set up your account", None)
}

/// Two fields for a new password.
pub(super) fn password_fields() -> Html {
    Html::default()
        .raw("<label for=\"password\">New password</label>\n")
        .raw("<p class=\"note\" id=\"about-password\">At least 10 characters; several words are good.</p>\n")
        .raw("<input id=\"password\" name=\"password\" type=\"password\" aria-describedby=\"about-password\" ")
        .raw("autocomplete=\"new-password\" maxlength=\"256\" required>\n")
        .raw("<label for=\"again\">The same again</label>\n")
        .raw("<input id=\"again\" name=\"again\" type=\"password\" autocomplete=\"new-password\" maxlength=\"256\" required>\n")
}

/// What an authenticator app is set up by, and a field for its code.
pub(super) fn authenticator(service: &Service, token: &[u8], account: &str) -> Option<Html> {
    let names = (service.display_name.as_str(), account);
    let new = operators::authenticator(&service.terms.secrets, token, names)?;
    Some(
        Html::default()
            .raw("<h2>Authenticator app</h2>\n<p>Scan this with your authenticator app, or type it in:</p>\n<div class=\"code\">")
            .qr(&new.address)
            .raw("</div>\n<p><code>")
            .text(&new.typed)
            .raw("</code></p>\n<label for=\"code\">The code that it shows</label>\n")
            .raw("<input id=\"code\" name=\"code\" inputmode=\"numeric\" autocomplete=\"one-time-code\" maxlength=\"16\" required>\n"),
    )
}

/// A new password that was typed twice, if it can be one.
pub(super) async fn new_password(
    service: &Service,
    form: &Form,
    person: &Person,
) -> Result<Result<Secret, Refusal>, Busy> {
    let field = |name| Secret::from(form.get(name).ok().flatten().unwrap_or_default());
    let (password, again) = (field("password"), field("again"));
    if password != again {
        return Ok(Err(Refusal::field("again", "it is not the same password")));
    }
    let known = known_words(service, person);
    let judged = service.operators.passwords.judge(password.clone(), known).await?;
    Ok(judged.map(|()| password))
}

/// What nobody's password is who has that account.
fn known_words(service: &Service, person: &Person) -> Vec<String> {
    let details = &person.details;
    let names = [&details.logon_name, &details.given_name, &details.family_name];
    names
        .into_iter()
        .chain([&service.display_name])
        .cloned()
        .collect()
}

/// What to tell whoever filled in a form.
pub(super) fn words(refused: &Refusal) -> String {
    match refused {
        Refusal::Field { field, rule } => {
            let field = match field.as_str() {
                "password" | "again" => "Password",
                "code" => "Code",
                "passkey" => "Passkey",
                _ => "Name",
            };
            format!("{field}: {rule}.")
        }
        other => other.to_string(),
    }
}

pub(super) async fn join(
    State(service): Shared,
    remote: Remote,
    Path(token): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if !is_ours(&service, &headers) {
        return elsewhere(&service);
    }
    let token = from_base64url(&token).unwrap_or_default();
    let person = match guest(&service, &token).await {
        Ok(person) => person,
        Err(why) => return failed(&service, &why),
    };
    let form = Form::parse(&body).unwrap_or_default();
    let password = match new_password(&service, &form, &person).await {
        Ok(Ok(password)) => password,
        Ok(Err(refusal)) => return page(&service, (&token, &person), Some(&refusal)),
        Err(Busy) => return busy(&service),
    };
    let code = form.get("code").ok().flatten().unwrap_or_default().to_owned();
    let Ok(kept) = service
        .operators
        .passwords
        .keep(password, &mut random::system())
        .await
    else {
        return busy(&service);
    };
    let (now, secrets, given) = (service.now(), service.terms.secrets.clone(), token.clone());
    let done = service.store.write(move |tx| {
        let what = (given.as_slice(), kept.as_str(), code.as_str());
        operators::enrol(tx, now, what, remote.address(), (&secrets, &mut random::system()))
    });
    match done.await {
        Ok(enrolled) => codes(&service, &enrolled.codes, "Your account is set up"),
        Err(Failure::Refused(refusal @ Refusal::Field { .. })) => {
            page(&service, (&token, &person), Some(&refusal))
        }
        Err(why) => failed(&service, &why),
    }
}

/// Recovery codes, shown once.
pub(super) fn codes(service: &Service, codes: &[Zeroizing<String>], title: &str) -> Response {
    let mut html = Html::default()
        .raw("<p>These are your recovery codes. Each lets you in once without your authenticator. Print them, or write ")
        .raw("them down, and keep them where nobody else finds them: they are shown this once.</p>\n<ul class=\"codes\">\n");
    for code in codes {
        html = html.raw("<li><code>").text(code).raw("</code></li>\n");
    }
    html.raw("</ul>\n<p><a class=\"button\" href=\"")
        .text(&service.address(paths::ACCOUNT))
        .raw("\">I have kept them</a></p>\n")
        .page(StatusCode::OK, title, None)
}
