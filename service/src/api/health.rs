//! Whether the service lives, and whether it is of use, for who starts and stops it and who sends requests to it.

use core::time::Duration;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use mdoc_core::time::Timestamp;

use super::Shared;
use crate::metrics::MEDIA_TYPE;
use crate::service::Service;
use crate::store::StoreError;

/// How long the database may take to say that it is there.
const PATIENCE: Duration = Duration::from_secs(2);

/// `/health` and `/ready`; neither writes.
pub(super) fn routes(base: &str) -> Router<Arc<Service>> {
    Router::new()
        .route(&format!("{base}/health"), get(health))
        .route(&format!("{base}/ready"), get(ready))
}

/// What is answered on the listener for who watches: the same two, and `/metrics`.
pub fn watched(service: Arc<Service>) -> Router {
    routes("").route("/metrics", get(metrics)).with_state(service)
}

fn said(status: StatusCode, body: &serde_json::Value) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (status, headers, body.to_string()).into_response()
}

async fn health() -> Response {
    said(StatusCode::OK, &serde_json::json!({ "live": true }))
}

async fn ready(State(service): Shared) -> Response {
    let now = service.now();
    let asked = service
        .store
        .read(|tx| tx.value::<i64>("SELECT one FROM audit_head", &[]));
    let database = matches!(tokio::time::timeout(PATIENCE, asked).await, Ok(Ok(Some(_))));
    let (document_signer, status_signer) = signers(&service, now);
    let ready = database && document_signer && status_signer;
    if !ready {
        tracing::error!(database, document_signer, status_signer, "not ready");
    }
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let body = serde_json::json!({
        "ready": ready, "database": database,
        "document_signer": document_signer, "status_signer": status_signer,
    });
    said(status, &body)
}

/// Whether there is a document signer that is valid, and whether that of the lists is.
fn signers(service: &Service, now: Timestamp) -> (bool, bool) {
    let valid = |certificate: &mdoc_core::x509::Certificate| {
        certificate.not_before() <= now && now <= certificate.not_after()
    };
    let signers = service.signers.now();
    let mut documents = signers.certificates();
    (
        documents.any(|(_, certificate)| valid(certificate)),
        valid(service.publisher.certificate()),
    )
}

async fn metrics(State(service): Shared) -> Response {
    let (metrics, now) = (service.store.metrics(), service.now());
    let open = service.store.read(move |tx| {
        let sql = "SELECT count(*) FROM session WHERE ended IS NULL AND delivered IS NULL AND expires >= $1";
        Ok::<_, StoreError>(tx.value::<i64>(sql, &[now.into()])?.unwrap_or_default())
    });
    if let Ok(Ok(open)) = tokio::time::timeout(PATIENCE, open).await {
        metrics.sessions.set(open);
    }
    let left = |certificate: &mdoc_core::x509::Certificate| certificate.not_after().unix() - now.unix();
    // There may be fewer than before.
    metrics.no_certificates();
    for (number, (_, certificate)) in (1..).zip(service.signers.now().certificates()) {
        metrics.certificate(&format!("document-signer-{number}"), left(certificate));
    }
    metrics.certificate("status-signer", left(service.publisher.certificate()));
    if let Some(signer) = &service.metadata_signer {
        metrics.certificate("metadata-signer", left(&signer.certificate));
    }
    service.publisher.measure(metrics, now);
    ([(header::CONTENT_TYPE, MEDIA_TYPE)], metrics.text()).into_response()
}
