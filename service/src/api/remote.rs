//! From where a request comes, for the audit trail.

use core::convert::Infallible;
use core::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap};

use crate::service::Service;
use crate::usecase::authority::Actor;
use crate::wallets::Proxies;

/// Who is connected: what listens puts it with each request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Connected(pub SocketAddr);

/// Who asks: the other end of the connection, or whom a proxy that is believed names. None if nobody is connected, as in
/// tests without a listener.
pub(crate) fn client(extensions: &Extensions, headers: &HeaderMap, proxies: &Proxies) -> Option<IpAddr> {
    let Connected(peer) = extensions.get()?;
    // What a client wrote before the proxy's part may be anything.
    let lines = headers.get_all(proxies.header.name()).iter();
    let lines: Vec<_> = lines
        .map(|value| String::from_utf8_lossy(value.as_bytes()))
        .collect();
    Some(proxies.client(peer.ip(), lines.iter().map(AsRef::as_ref)))
}

/// Who asked, as an address in text; nothing where nobody is connected, which is in tests alone.
#[derive(Debug, Clone)]
pub(crate) struct Remote(String);

impl Remote {
    /// Whoever is at that address and not signed in.
    pub(crate) fn outsider(&self) -> Actor {
        Actor::outsider(self.0.clone())
    }

    /// The address.
    pub(crate) fn address(&self) -> &str {
        &self.0
    }
}

impl FromRequestParts<Arc<Service>> for Remote {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, service: &Arc<Service>) -> Result<Self, Infallible> {
        let address = client(&parts.extensions, &parts.headers, &service.proxies);
        Ok(Self(
            address.map(|address| address.to_string()).unwrap_or_default(),
        ))
    }
}
