//! The interface over HTTP: wire types and handlers, no rules.

pub mod answer;
mod health;
mod html;
mod machine;
mod oid4vci;
mod operator;
pub mod remote;
mod status;

use std::sync::Arc;

use axum::Router;
use axum::response::{IntoResponse as _, Response};

pub use self::machine::openapi;
pub use self::oid4vci::{offer_address, offer_link, offer_prefix};
pub(crate) use self::operator::paths as operator_paths;
pub use self::operator::{ShownCertificate, invitation_address, presented};

pub use self::health::watched;
use crate::service::Service;

/// Everything that the service answers.
pub fn router(service: Arc<Service>) -> Router {
    Router::new()
        .merge(oid4vci::routes(&service))
        .merge(status::routes(service.base()))
        .merge(machine::routes(service.base()))
        .merge(operator::routes(&service))
        .merge(health::routes(service.base()))
        .with_state(service)
}

/// What is said to whoever would have to wait for too long, in the form of the interface that was asked.
pub fn unavailable(base: &str, path: &str) -> Response {
    let path = path.strip_prefix(base).unwrap_or(path);
    machine::unavailable(path).unwrap_or_else(|| answer::No::Later(1).into_response())
}

/// What handlers are given.
type Shared = axum::extract::State<Arc<Service>>;
