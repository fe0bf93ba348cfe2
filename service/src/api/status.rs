//! The status lists, for verifiers: with caching headers, by tag, in the form that is asked for.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use mdoc_core::status::STATUS_LIST_JWT;

use super::Shared;
use super::answer::No;
use crate::publish::{self, Jwt, PublishError, Published};
use crate::service::Service;

pub(super) fn routes(base: &str) -> Router<Arc<Service>> {
    Router::new()
        .route(&format!("{base}/status"), get(all))
        .route(&format!("{base}/status/{{number}}"), get(one))
}

async fn all(State(service): Shared) -> Result<Response, No> {
    let numbers = service
        .store
        .read(publish::numbers)
        .await
        .map_err(|why| No::inside(&why))?;
    let prefix = service.publisher.prefix();
    let uris: Vec<String> = numbers
        .iter()
        .map(|number| format!("{prefix}/{number}"))
        .collect();
    let body = serde_json::json!({ "status_lists": uris }).to_string();
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "public, max-age=300"),
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
    ];
    Ok((headers, body).into_response())
}

async fn one(State(service): Shared, Path(number): Path<String>, headers: HeaderMap) -> Result<Response, No> {
    let number: i64 = number.parse().map_err(|_| No::Nothing)?;
    let found = service.publisher.get(&service.store, number, service.now()).await;
    let list = found.map_err(|why| match why {
        PublishError::Unknown => No::Nothing,
        other => No::inside(&other),
    })?;
    let wants_jwt = as_text(&headers, header::ACCEPT).contains(STATUS_LIST_JWT);
    let jwt = match wants_jwt {
        true => service.publisher.jwt(&list).map_err(|why| No::inside(&why))?,
        false => None,
    };
    Ok(send(&list, jwt, &headers))
}

fn as_text(headers: &HeaderMap, name: HeaderName) -> &str {
    let value = headers.get(name).and_then(|value| value.to_str().ok());
    value.unwrap_or_default()
}

fn send(list: &Published, jwt: Option<&Jwt>, asked: &HeaderMap) -> Response {
    let gzip = jwt.is_some()
        && as_text(asked, header::ACCEPT_ENCODING)
            .split(',')
            .any(|one| one.trim().starts_with("gzip"));
    // A tag for each form: a cache on the way would mix them up.
    let form = match (jwt, gzip) {
        (None, _) => "",
        (Some(_), false) => "-jwt",
        (Some(_), true) => "-jwt-gzip",
    };
    let tag = list
        .tag
        .strip_suffix('"')
        .map_or_else(String::new, |tag| format!("{tag}{form}\""));
    let mut headers = HeaderMap::new();
    let mut set = |name, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    };
    set(header::ETAG, &tag);
    set(header::CACHE_CONTROL, &format!("public, max-age={}", list.ttl));
    set(header::VARY, "accept, accept-encoding");
    set(header::ACCESS_CONTROL_ALLOW_ORIGIN, "*");
    let known = as_text(asked, header::IF_NONE_MATCH);
    if known
        .split(',')
        .any(|one| one.trim().trim_start_matches("W/") == tag || one.trim() == "*")
    {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    let (media_type, body) = match jwt {
        None => (list.media_type, list.cwt.clone()),
        Some(jwt) if gzip => (STATUS_LIST_JWT, jwt.gzip.clone()),
        Some(jwt) => (STATUS_LIST_JWT, jwt.plain.clone()),
    };
    set(header::CONTENT_TYPE, media_type);
    if gzip {
        set(header::CONTENT_ENCODING, "gzip");
    }
    (headers, body).into_response()
}
