//! The interface for machines: JSON over HTTP, described by OpenAPI 3.1 that is made of the handlers themselves.
//!
//! A machine gets a token for its secret (OAuth 2.0 client credentials) and acts in the name of an operator; the page of an
//! operator who is signed in has a session instead. Every handler
//! does the same: it reads the request, asks in one transaction who acts and runs one verb, and writes the answer.

#![allow(
    unused_qualifications,
    reason = "what utoipa makes of a handler repeats the types of its parameters"
)]

mod batches;
mod caller;
mod description;
mod devices;
mod documents;
mod files;
mod groups;
mod messages;
mod operator;
mod page;
mod people;
mod problem;
mod profiles;
mod reports;
mod roles;
mod standing;
mod token;
mod trail;

use std::sync::Arc;

use axum::Router;
use axum::response::{IntoResponse as _, Response};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::service::Service;

/// What addresses of the interface begin with, below the identifier of the service.
const BASE: &str = "/api/v1";
/// Where machines get tokens.
const TOKEN: &str = "/oauth/token";

pub(super) fn routes(base: &str) -> Router<Arc<Service>> {
    let (router, document) = operations(base).split_for_parts();
    let description = description::Description::new(document, base);
    router.merge(page::routes(base, description))
}

fn operations(base: &str) -> OpenApiRouter<Arc<Service>> {
    let api = OpenApiRouter::new()
        .routes(routes!(people::search, people::add))
        .merge(
            OpenApiRouter::new()
                .routes(routes!(files::import))
                .routes(routes!(files::photo))
                .layer(files::large()),
        )
        .routes(routes!(people::get, people::change))
        .routes(routes!(people::documents))
        .routes(routes!(people::export))
        .routes(routes!(people::erase))
        .routes(routes!(devices::devices, devices::register))
        .routes(routes!(devices::switch))
        .routes(routes!(roles::grant, roles::withdraw))
        .routes(routes!(groups::groups, groups::add))
        .routes(routes!(documents::list, documents::request))
        .routes(routes!(documents::get))
        .routes(routes!(documents::history))
        .routes(routes!(documents::offer))
        .routes(routes!(documents::change))
        .routes(routes!(documents::replace))
        .merge(batches::routes())
        .routes(routes!(messages::list))
        .routes(routes!(messages::again))
        .merge(reports::routes())
        .routes(routes!(standing::standing))
        .routes(routes!(operator::operator))
        .routes(routes!(profiles::list))
        .routes(routes!(profiles::get, profiles::set))
        .routes(routes!(profiles::versions))
        .routes(routes!(profiles::switch))
        .routes(routes!(roles::roles))
        .routes(routes!(roles::of))
        .routes(routes!(roles::set))
        .routes(routes!(trail::audit));
    OpenApiRouter::with_openapi(description::about())
        .nest(&format!("{base}{BASE}"), api)
        .merge(OpenApiRouter::new().nest(
            &format!("{base}/oauth"),
            OpenApiRouter::new().routes(routes!(token::token)),
        ))
}

/// That the service cannot answer now, at a path of this interface.
pub(super) fn unavailable(path: &str) -> Option<Response> {
    if path == TOKEN {
        Some(token::unavailable())
    } else if path.strip_prefix(BASE).is_some_and(|rest| rest.starts_with('/')) {
        Some(problem::Problem::unavailable().into_response())
    } else {
        None
    }
}

/// The description as JSON, for who writes it to a file.
#[must_use]
pub fn openapi(base: &str) -> String {
    let (_, document) = operations(base).split_for_parts();
    description::Description::new(document, base).json
}
