//! The account of whoever is signed in: what it has, and changing that, for which the password is given anew.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use mdoc_core::time::Timestamp;
use mdoc_openid::Secret;
use mdoc_openid::jose::{base64url, from_base64url};
use mdoc_openid::web::Form;
use zeroize::Zeroizing;

use super::join::{self, new_password, password_fields, words};
use super::{busy, elsewhere, failed, form, is_ours, on, paths, session_token, wrong};
use crate::api::Shared;
use crate::api::html::Html;
use crate::api::remote::Remote;
use crate::domain::Refusal;
use crate::domain::id::PersonId;
use crate::domain::person::Person;
use crate::password::Busy;
use crate::random;
use crate::secrets;
use crate::service::Service;
use crate::store::Tx;
use crate::usecase::Failure;
use crate::usecase::authority::{self, Actor};
use crate::usecase::operators::{self, Account, Named, Session};
use crate::usecase::people;

/// Whoever has a session, if it is good: that is asked in the transaction in which it is used.
#[derive(Clone)]
pub(super) struct SignedIn {
    pub(super) service: Arc<Service>,
    pub(super) token: Arc<Zeroizing<Vec<u8>>>,
    from: String,
    ours: bool,
}

impl FromRequestParts<Arc<Service>> for SignedIn {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, service: &Arc<Service>) -> Result<Self, Response> {
        let Ok(remote) = Remote::from_request_parts(parts, service).await;
        let token = session_token(service, &parts.headers);
        let token = token.ok_or_else(|| on(service, paths::SIGN_IN))?;
        Ok(Self {
            service: Arc::clone(service),
            token: Arc::new(token),
            from: remote.address().to_owned(),
            ours: is_ours(service, &parts.headers),
        })
    }
}

impl SignedIn {
    fn session(&self, tx: &mut Tx<'_>, now: Timestamp) -> Result<Session, Failure> {
        let service = &self.service;
        let given = (
            self.token.as_slice(),
            &service.terms.secrets,
            service.operators.patience,
        );
        operators::authorize(tx, now, given, &self.from)
    }

    /// Does something in the name of whoever is signed in, with the person's id.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        mut work: impl FnMut(&mut Tx<'_>, &Actor, (&PersonId, Timestamp)) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let (now, this) = (self.service.now(), self.clone());
        let done = self.service.store.write(move |tx| {
            let session = this.session(tx, now)?;
            operators::seen(tx, now, (&this.token, &this.service.terms.secrets))?;
            let person = session.actor.person().ok_or(Refusal::OperatorSession)?;
            work(tx, &session.actor, (person, now))
        });
        done.await
    }

    /// Whether the password that the form has is that of the account: every change asks for it. The answer if it is not, or
    /// the form is of another site.
    pub(super) async fn confirm(&self, form: &Form) -> Result<(), Response> {
        let service = &self.service;
        if !self.ours {
            return Err(elsewhere(service));
        }
        let password = Secret::from(form.get("current").ok().flatten().unwrap_or_default());
        let known = self
            .write(|tx, _, (person, _)| Ok(operators::known_of(tx, person)?))
            .await
            .map_err(|why| failed(service, &why))?;
        let Ok(right) = service.operators.passwords.is(password, known.kept()).await else {
            return Err(busy(service));
        };
        let judged = self
            .write(move |tx, actor, (_, now)| operators::confirm(tx, actor, now, (&known, right)))
            .await
            .map_err(|why| failed(service, &why))?;
        match judged {
            Ok(_) => Ok(()),
            Err(refusal) => Err(self.page(Some(&refusal)).await),
        }
    }

    /// The page of the account, with what was wrong.
    pub(super) async fn page(&self, refused: Option<&Refusal>) -> Response {
        let service = &self.service;
        let patience = service.operators.patience;
        let found = self
            .write(move |tx, actor, (person, now)| {
                let account = operators::account(tx, actor, now, (person, patience))?;
                Ok(Found {
                    account: account.ok_or(Refusal::OperatorSession)?,
                    person: people::read(tx, person)?,
                    roles: authority::roles_of(tx, person)?
                        .into_iter()
                        .map(|role| role.name)
                        .collect(),
                    passkeys: operators::passkeys(tx, person)?,
                })
            })
            .await;
        match found {
            Ok(found) => shown(service, &found, refused),
            Err(Failure::Refused(Refusal::OperatorSession)) => on(service, paths::SIGN_IN),
            Err(why) => failed(service, &why),
        }
    }

    /// What follows a change: the page again, with what was wrong with it.
    pub(super) async fn after(&self, done: Result<(), Failure>) -> Response {
        match done {
            Ok(()) => on(&self.service, paths::ACCOUNT),
            Err(Failure::Refused(
                refusal @ (Refusal::Field { .. } | Refusal::Unknown { .. } | Refusal::OperatorCeremony),
            )) => self.page(Some(&refusal)).await,
            Err(why) => failed(&self.service, &why),
        }
    }
}

struct Found {
    account: Account,
    person: Person,
    roles: Vec<String>,
    passkeys: Vec<Named>,
}

pub(super) async fn show(signed_in: SignedIn) -> Response {
    signed_in.page(None).await
}

/// The field for the password that every change asks for; `id` tells apart the forms of a page.
fn current(id: &'static str) -> Html {
    Html::default()
        .raw("<label for=\"")
        .raw(id)
        .raw("\">Your password now</label>\n<input id=\"")
        .raw(id)
        .raw("\" name=\"current\" type=\"password\" autocomplete=\"current-password\" maxlength=\"256\" required>\n")
}

fn shown(service: &Service, found: &Found, refused: Option<&Refusal>) -> Response {
    let (account, details) = (&found.account, &found.person.details);
    let mut html = Html::default();
    if let Some(refused) = refused {
        html = html.add(&wrong(&match refused {
            Refusal::OperatorRefused => "The password is not right, or was tried too often.".to_owned(),
            other => words(other),
        }));
    }
    let roles = if found.roles.is_empty() {
        "no role".to_owned()
    } else {
        found.roles.join(", ")
    };
    html = html
        .raw("<p>You are <strong>")
        .text(&details.logon_name)
        .raw("</strong>: ")
        .text(&roles)
        .raw(".</p>\n")
        .add(&form(service, paths::SIGN_OUT, &Html::default(), "Sign out"));
    if account.sessions > 1 {
        html = html
            .raw("<p>There are ")
            .text(&(account.sessions - 1).to_string())
            .raw(" other sessions of yours.</p>\n")
            .add(&form(
                service,
                paths::SESSIONS,
                &Html::default(),
                "End the other sessions",
            ));
    }
    if account.password {
        html = html
            .add(&password_part(service))
            .add(&codes_part(service, account));
        html = html
            .raw("<h2>Authenticator app</h2>\n<p><a href=\"")
            .text(&service.address(paths::AUTHENTICATOR))
            .raw("\">Set up another one</a></p>\n");
        if service.operators.passkeys.is_some() {
            html = html.add(&passkeys_part(service, &found.passkeys));
        }
    }
    let status = refused.map_or(StatusCode::OK, |_| StatusCode::UNPROCESSABLE_ENTITY);
    let mut response = html.page(status, "Your account", None);
    if let Some(refused) = refused {
        response
            .extensions_mut()
            .insert(crate::serve::Refused(refused.code()));
    }
    response
}

fn password_part(service: &Service) -> Html {
    let inside = current("current-password").add(&password_fields());
    Html::default().raw("<h2>Password</h2>\n").add(&form(
        service,
        paths::PASSWORD,
        &inside,
        "Change the password",
    ))
}

fn codes_part(service: &Service, account: &Account) -> Html {
    Html::default()
        .raw("<h2>Recovery codes</h2>\n<p>There are ")
        .text(&account.recovery_codes.to_string())
        .raw(" left.</p>\n")
        .add(&form(
            service,
            paths::CODES,
            &current("current-codes"),
            "Make new ones",
        ))
}

fn passkeys_part(service: &Service, passkeys: &[Named]) -> Html {
    let mut html = Html::default().raw("<h2>Passkeys</h2>\n");
    for passkey in passkeys {
        let id = base64url(&passkey.id);
        let inside = Html::default()
            .raw("<input type=\"hidden\" name=\"id\" value=\"")
            .text(&id)
            .raw("\">\n<p><strong>")
            .text(&passkey.name)
            .raw("</strong>, since ")
            .text(&passkey.added.date().to_string())
            .raw(match passkey.used {
                Some(_) => ", last used ",
                None => ", never used",
            })
            .text(&passkey.used.map(|at| at.date().to_string()).unwrap_or_default())
            .raw("</p>\n<label>Your password now\n")
            .raw("<input name=\"current\" type=\"password\" autocomplete=\"current-password\" maxlength=\"256\" required></label>\n");
        html = html.add(&form(service, paths::PASSKEY_REMOVE, &inside, "Remove"));
    }
    html.add(&form(
        service,
        paths::PASSKEY,
        &current("current-passkey"),
        "Add a passkey",
    ))
}

pub(super) async fn password(signed_in: SignedIn, body: Bytes) -> Response {
    let form = Form::parse(&body).unwrap_or_default();
    if let Err(answer) = signed_in.confirm(&form).await {
        return answer;
    }
    let service = &signed_in.service;
    let person = match signed_in
        .write(|tx, _, (person, _)| people::read(tx, person))
        .await
    {
        Ok(person) => person,
        Err(why) => return failed(service, &why),
    };
    let password = match new_password(service, &form, &person).await {
        Ok(Ok(password)) => password,
        Ok(Err(refusal)) => return signed_in.page(Some(&refusal)).await,
        Err(Busy) => return busy(service),
    };
    let mut rng = random::system();
    let Ok(kept) = service.operators.passwords.keep(password, &mut rng).await else {
        return busy(service);
    };
    let (token, secrets) = (Arc::clone(&signed_in.token), service.terms.secrets.clone());
    let done = signed_in
        .write(move |tx, actor, (person, now)| {
            operators::set_password(tx, actor, now, (person, &kept), (&token, &secrets))
        })
        .await;
    signed_in.after(done).await
}

pub(super) async fn codes(signed_in: SignedIn, body: Bytes) -> Response {
    let form = Form::parse(&body).unwrap_or_default();
    if let Err(answer) = signed_in.confirm(&form).await {
        return answer;
    }
    let secrets = signed_in.service.terms.secrets.clone();
    let done = signed_in
        .write(move |tx, actor, (person, now)| {
            operators::renew_codes(tx, actor, now, person, (&secrets, &mut random::system()))
        })
        .await;
    match done {
        Ok(codes) => join::codes(&signed_in.service, &codes, "New recovery codes"),
        Err(why) => failed(&signed_in.service, &why),
    }
}

/// A page with what a new authenticator is set up by; its token is in the form.
pub(super) async fn show_authenticator(signed_in: SignedIn) -> Response {
    let token = secrets::random(&mut random::system());
    authenticator_page(&signed_in, &*token, None).await
}

async fn authenticator_page(signed_in: &SignedIn, token: &[u8], refused: Option<&Refusal>) -> Response {
    let service = &signed_in.service;
    let person = signed_in
        .write(|tx, _, (person, _)| people::read(tx, person))
        .await;
    let person = match person {
        Ok(person) => person,
        Err(Failure::Refused(Refusal::OperatorSession)) => return on(service, paths::SIGN_IN),
        Err(why) => return failed(service, &why),
    };
    let token_of = operators::setup_token(&service.terms.secrets, &person.id, token);
    let Some(shown) = join::authenticator(service, &*token_of, &person.details.logon_name) else {
        return failed(service, &Refusal::OperatorCeremony.into());
    };
    let mut html = Html::default();
    if let Some(refused) = refused {
        html = html.add(&wrong(&words(refused)));
    }
    let inside = Html::default()
        .raw("<input type=\"hidden\" name=\"token\" value=\"")
        .text(&base64url(token))
        .raw("\">\n")
        .add(&shown)
        .add(&current("current"));
    html = html.add(&form(service, paths::AUTHENTICATOR, &inside, "Use this one"));
    let status = refused.map_or(StatusCode::OK, |_| StatusCode::UNPROCESSABLE_ENTITY);
    html.page(status, "Another authenticator", None)
}

pub(super) async fn authenticator(signed_in: SignedIn, body: Bytes) -> Response {
    let form = Form::parse(&body).unwrap_or_default();
    if let Err(answer) = signed_in.confirm(&form).await {
        return answer;
    }
    let field = |name| form.get(name).ok().flatten().unwrap_or_default();
    let (token, code) = (
        from_base64url(field("token")).unwrap_or_default(),
        field("code").to_owned(),
    );
    let (service, given) = (Arc::clone(&signed_in.service), token.clone());
    let own = Arc::clone(&signed_in.token);
    let done = signed_in
        .write(move |tx, actor, (person, now)| {
            operators::set_authenticator(
                tx,
                actor,
                now,
                (person, &given, &code),
                &own,
                (&service.terms.secrets, &mut random::system()),
            )
        })
        .await;
    match done {
        Err(Failure::Refused(refusal @ Refusal::Field { .. })) => {
            authenticator_page(&signed_in, &token, Some(&refusal)).await
        }
        done => signed_in.after(done).await,
    }
}

pub(super) async fn end_others(State(service): Shared, signed_in: SignedIn, headers: HeaderMap) -> Response {
    if !is_ours(&service, &headers) {
        return elsewhere(&service);
    }
    let (token, secrets) = (Arc::clone(&signed_in.token), service.terms.secrets.clone());
    let done = signed_in
        .write(move |tx, actor, (person, now)| {
            operators::end_sessions(tx, actor, now, (person, Some((&token, &secrets)))).map(drop)
        })
        .await;
    signed_in.after(done).await
}
