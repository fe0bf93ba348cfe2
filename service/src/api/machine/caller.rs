//! Who sends a request: a machine by its token, or the page of an operator by the session.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use mdoc_core::time::Timestamp;
use mdoc_openid::jose::from_base64url;
use zeroize::Zeroizing;

use super::problem::Problem;
use crate::api::{operator, remote};
use crate::domain::Refusal;
use crate::domain::scope::ApiScope;
use crate::service::Service;
use crate::store::Tx;
use crate::usecase::authority::Actor;
use crate::usecase::{Failure, clients, operators};

/// Somebody with a token or a session; whether it is good is asked in the transaction in which it is used.
#[derive(Clone)]
pub(super) struct Machine {
    service: Arc<Service>,
    shown: Shown,
    from: String,
}

#[derive(Clone)]
enum Shown {
    /// The token of a machine.
    Token(Arc<Zeroizing<Vec<u8>>>),
    /// What the browser of an operator has.
    Session(Arc<Zeroizing<Vec<u8>>>),
}

impl FromRequestParts<Arc<Service>> for Machine {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, service: &Arc<Service>) -> Result<Self, Problem> {
        let mut given = parts.headers.get_all(header::AUTHORIZATION).iter();
        let shown = match (given.next(), given.next()) {
            (None, _) => {
                operator::session_token(service, &parts.headers).map(|token| Shown::Session(Arc::new(token)))
            }
            (Some(one), None) => one
                .to_str()
                .ok()
                .and_then(bearer)
                .map(|token| Shown::Token(Arc::new(Zeroizing::new(token)))),
            _ => None,
        };
        let missing = || {
            let words = "a token is needed: Authorization: Bearer …, from the token endpoint; or a session";
            Problem::new(StatusCode::UNAUTHORIZED, "token.missing", words)
        };
        let shown = shown.ok_or_else(missing)?;
        // A browser sends a session along whoever asks it to.
        if matches!(shown, Shown::Session(_))
            && !parts.method.is_safe()
            && !operator::is_ours(service, &parts.headers)
        {
            return Err(Refusal::OtherSite.into());
        }
        Ok(Self {
            service: Arc::clone(service),
            shown,
            from: remote::client(&parts.extensions, &parts.headers, &service.proxies)
                .map(|address| address.to_string())
                .unwrap_or_default(),
        })
    }
}

fn bearer(value: &str) -> Option<Vec<u8>> {
    let (scheme, token) = value.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then(|| from_base64url(token.trim()))
        .flatten()
}

impl Machine {
    /// Does something that may write, if the token is for it.
    pub(super) async fn write<T: Send + 'static>(
        self,
        scope: ApiScope,
        mut work: impl FnMut(&mut Tx<'_>, &Actor, Timestamp) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Problem> {
        let (now, store) = (self.service.now(), self.service.store.clone());
        let done = store.write(move |tx| {
            let (actor, unseen) = self.actor(tx, now, scope)?;
            let done = work(tx, &actor, now)?;
            // Last, as whoever is erased loses sessions last.
            if unseen {
                self.seen(tx, now)?;
            }
            Ok::<_, Failure>(done)
        });
        Ok(done.await?)
    }

    /// Does something that only reads, if the token is for it.
    pub(super) async fn read<T: Send + 'static>(
        self,
        scope: ApiScope,
        mut work: impl FnMut(&mut Tx<'_>, &Actor, Timestamp) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Problem> {
        let (now, store) = (self.service.now(), self.service.store.clone());
        let this = self.clone();
        let done = store.read(move |tx| {
            let (actor, unseen) = this.actor(tx, now, scope)?;
            Ok::<_, Failure>((work(tx, &actor, now)?, unseen))
        });
        let (done, unseen) = done.await?;
        if unseen {
            store.write(move |tx| self.seen(tx, now)).await?;
        }
        Ok(done)
    }

    /// Whether the token is for it, for what is read before anything else is done.
    pub(super) async fn permit(&self, scope: ApiScope) -> Result<(), Problem> {
        self.clone().read(scope, |_, _, _| Ok(())).await
    }

    /// Who it is, and whether it is to be written down that somebody is there. Sessions are for everything that the roles of
    /// the operator are for.
    fn actor(&self, tx: &mut Tx<'_>, now: Timestamp, scope: ApiScope) -> Result<(Actor, bool), Failure> {
        let secrets = &self.service.terms.secrets;
        match &self.shown {
            Shown::Token(token) => {
                let actor = clients::authorize(tx, now, (token, secrets, scope), &self.from)?;
                Ok((actor, false))
            }
            Shown::Session(token) => {
                let given = (token.as_slice(), secrets, self.service.operators.patience);
                let session = operators::authorize(tx, now, given, &self.from)?;
                Ok((session.actor, session.unseen))
            }
        }
    }

    fn seen(&self, tx: &mut Tx<'_>, now: Timestamp) -> Result<(), Failure> {
        if let Shown::Session(token) = &self.shown {
            operators::seen(tx, now, (token, &self.service.terms.secrets))?;
        }
        Ok(())
    }
}
