//! Who sends a request, by its token.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use mdoc_core::time::Timestamp;
use mdoc_openid::jose::from_base64url;
use zeroize::Zeroizing;

use super::problem::Problem;
use crate::api::remote;
use crate::domain::scope::ApiScope;
use crate::service::Service;
use crate::store::Tx;
use crate::usecase::authority::Actor;
use crate::usecase::{Failure, clients};

/// Somebody with a token; whether it is good is asked in the transaction in which it is used.
#[derive(Clone)]
pub(super) struct Machine {
    service: Arc<Service>,
    token: Arc<Zeroizing<Vec<u8>>>,
    from: String,
}

impl FromRequestParts<Arc<Service>> for Machine {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, service: &Arc<Service>) -> Result<Self, Problem> {
        let mut given = parts.headers.get_all(header::AUTHORIZATION).iter();
        let token = match (given.next(), given.next()) {
            (Some(one), None) => one.to_str().ok().and_then(bearer),
            _ => None,
        };
        let missing = || {
            let words = "a token is needed: Authorization: Bearer …, from the token endpoint";
            Problem::new(StatusCode::UNAUTHORIZED, "token.missing", words)
        };
        Ok(Self {
            service: Arc::clone(service),
            token: Arc::new(Zeroizing::new(token.ok_or_else(missing)?)),
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
            let actor = self.actor(tx, now, scope)?;
            work(tx, &actor, now)
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
        let done = store.read(move |tx| {
            let actor = self.actor(tx, now, scope)?;
            work(tx, &actor, now)
        });
        Ok(done.await?)
    }

    /// Whether the token is for it, for what is read before anything else is done.
    pub(super) async fn permit(&self, scope: ApiScope) -> Result<(), Problem> {
        self.clone().read(scope, |_, _, _| Ok(())).await
    }

    fn actor(&self, tx: &mut Tx<'_>, now: Timestamp, scope: ApiScope) -> Result<Actor, Failure> {
        let given = (self.token.as_slice(), &self.service.terms.secrets, scope);
        clients::authorize(tx, now, given, &self.from)
    }
}
