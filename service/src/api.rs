//! The interface over HTTP: wire types and handlers, no rules.

pub mod answer;
mod health;
mod html;
mod machine;
mod oid4vci;
pub mod remote;
mod status;

use std::sync::Arc;

use axum::Router;

pub use self::machine::openapi;
pub use self::oid4vci::{offer_address, offer_link};

pub use self::health::watched;
use crate::service::Service;

/// Everything that the service answers.
pub fn router(service: Arc<Service>) -> Router {
    Router::new()
        .merge(oid4vci::routes(&service))
        .merge(status::routes(service.base()))
        .merge(machine::routes(service.base()))
        .merge(health::routes(service.base()))
        .with_state(service)
}

/// What handlers are given.
type Shared = axum::extract::State<Arc<Service>>;
