//! From where a request comes, for the audit trail.

use core::convert::Infallible;
use core::net::SocketAddr;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use crate::service::Service;
use crate::usecase::authority::Actor;

/// Who is connected: what listens puts it with each request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer(pub SocketAddr);

/// Who asked, as an address in text; nothing where nobody is connected, which is in tests alone.
#[derive(Debug, Clone)]
pub(crate) struct Remote(String);

impl Remote {
    /// The holder's wallet, or browser, at that address.
    pub(crate) fn wallet(&self) -> Actor {
        Actor::wallet(self.0.clone())
    }
}

impl FromRequestParts<Arc<Service>> for Remote {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, service: &Arc<Service>) -> Result<Self, Infallible> {
        let Some(Peer(peer)) = parts.extensions.get() else {
            return Ok(Self(String::new()));
        };
        let proxies = &service.proxies;
        let lines: Vec<&str> = parts
            .headers
            .get_all(proxies.header.name())
            .iter()
            .filter_map(|value| value.to_str().ok())
            .collect();
        Ok(Self(proxies.client(peer.ip(), lines.into_iter()).to_string()))
    }
}
