//! Signing in by the certificate of the connection, or by the one of which a proxy says that it was the connection's
//! (RFC 9440).

use core::convert::Infallible;
use std::sync::Arc;

use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;
use base64ct::{Base64, Encoding as _};
use mdoc_core::x509::Certificate;
use sha2::{Digest as _, Sha256};

use super::{elsewhere, failed, is_ours, sign_in};
use crate::api::Shared;
use crate::api::remote::{Connected, Remote};
use crate::domain::Refusal;
use crate::random;
use crate::service::Service;
use crate::usecase::operators::{self, Presented};

/// The certificate that the other end of a connection has shown, and of which TLS made sure: what listens puts it with each
/// request.
#[derive(Debug, Clone)]
pub struct Shown(pub Arc<[u8]>);

/// The header in which a proxy says which certificate its connection has.
const CLIENT_CERT: &str = "client-cert";

/// The certificate of whoever asks, if there is one.
pub(super) struct Certified(Option<Presented>);

impl Certified {
    pub(super) const fn is_there(&self) -> bool {
        self.0.is_some()
    }
}

impl FromRequestParts<Arc<Service>> for Certified {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, service: &Arc<Service>) -> Result<Self, Infallible> {
        let connected = parts.extensions.get::<Connected>();
        let by_proxy = connected.is_some_and(|Connected(peer)| service.proxies.believes(peer.ip()));
        // A proxy's own certificate is nobody's who comes through it.
        let shown = if by_proxy && service.operators.certificate_header {
            named(&parts.headers)
        } else {
            parts.extensions.get().map(|Shown(der)| der.to_vec())
        };
        Ok(Self(shown.and_then(|der| presented(&der))))
    }
}

/// Of the header, if it is there once: `:MIIB…:`.
fn named(headers: &HeaderMap) -> Option<Vec<u8>> {
    let mut found = headers.get_all(CLIENT_CERT).iter();
    let (Some(value), None) = (found.next(), found.next()) else {
        return None;
    };
    let text = |value: &HeaderValue| value.to_str().map(str::trim).map(str::to_owned).ok();
    let text = text(value)?;
    let inside = text.strip_prefix(':')?.strip_suffix(':')?;
    Base64::decode_vec(inside).ok()
}

/// What there is to know of a certificate: of DER.
#[must_use]
pub fn presented(der: &[u8]) -> Option<Presented> {
    let certificate = Certificate::from_der(der).ok()?;
    Some(Presented {
        fingerprint: Sha256::digest(der).into(),
        subject: certificate.subject().to_string(),
        from: certificate.not_before(),
        until: certificate.not_after(),
    })
}

pub(super) async fn sign_in(
    State(service): Shared,
    remote: Remote,
    certified: Certified,
    headers: HeaderMap,
) -> Response {
    if !is_ours(&service, &headers) {
        return elsewhere(&service);
    }
    let Certified(Some(certificate)) = certified else {
        return failed(&service, &Refusal::OperatorRefused.into());
    };
    let (now, patience, secrets) = (
        service.now(),
        service.operators.patience,
        service.terms.secrets.clone(),
    );
    let begun = service.store.write(move |tx| {
        operators::sign_in_by_certificate(
            tx,
            now,
            (&certificate, remote.address()),
            (&secrets, patience, &mut random::system()),
        )
    });
    match begun.await {
        Ok(Ok(begun)) => sign_in::signed_in(&service, &headers, &begun).await,
        Ok(Err(refusal)) => failed(&service, &refusal.into()),
        Err(why) => failed(&service, &why),
    }
}
