//! The status lists, for verifiers: with caching headers, by tag, in the form that is asked for.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use mdoc_core::status::{IDENTIFIER_LIST_CWT, STATUS_LIST_CWT, STATUS_LIST_JWT};

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
    let jwt = if wants_jwt(as_text(&headers, header::ACCEPT)) {
        service
            .publisher
            .jwt(&list)
            .await
            .map_err(|why| No::inside(&why))?
    } else {
        None
    };
    Ok(send(&list, jwt, &headers))
}

/// Whether a JWT is asked for rather than a CWT, which is what documents refer to: whoever takes both gets that.
fn wants_jwt(accept: &str) -> bool {
    weight(accept, &[STATUS_LIST_JWT])
        > weight(
            accept,
            &[STATUS_LIST_CWT, IDENTIFIER_LIST_CWT, "application/*", "*/*"],
        )
}

/// How much one of these is wanted: zero if it is not, or refused (RFC 9110, 12.4.2).
fn weight(asked: &str, wanted: &[&str]) -> f32 {
    let weights = asked.split(',').filter_map(|one| {
        let mut parts = one.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default();
        let known = wanted.iter().any(|wanted| wanted.eq_ignore_ascii_case(name));
        let given = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
        known.then(|| given.and_then(|text| text.trim().parse().ok()).unwrap_or(1.0_f32))
    });
    weights.fold(0.0, f32::max)
}

fn as_text(headers: &HeaderMap, name: HeaderName) -> &str {
    let value = headers.get(name).and_then(|value| value.to_str().ok());
    value.unwrap_or_default()
}

fn send(list: &Published, jwt: Option<&Jwt>, asked: &HeaderMap) -> Response {
    let encodings = as_text(asked, header::ACCEPT_ENCODING);
    let gzip = jwt.is_some() && weight(encodings, &["gzip", "x-gzip"]) > 0.0;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_that_is_refused_is_not_wanted() {
        for (encodings, wanted) in [
            ("gzip", true),
            ("br, GZip ;q=0.1", true),
            ("x-gzip", true),
            ("gzip;q=0", false),
            ("gzip; q=0.000, identity", false),
            ("gzipped", false),
            ("identity", false),
            ("", false),
        ] {
            assert_eq!(
                weight(encodings, &["gzip", "x-gzip"]) > 0.0,
                wanted,
                "{encodings}"
            );
        }
    }

    #[test]
    fn who_takes_both_gets_what_documents_refer_to() {
        let (cwt, jwt) = (STATUS_LIST_CWT, STATUS_LIST_JWT);
        for (accept, wanted) in [
            (String::new(), false),
            ("*/*".to_owned(), false),
            (jwt.to_owned(), true),
            (format!("{jwt}, */*;q=0.1"), true),
            (format!("{cwt}, {jwt};q=0.9"), false),
            (format!("{jwt}, {cwt}"), false),
            (format!("{cwt};q=0.5, {jwt}"), true),
            (format!("{jwt};q=0"), false),
            (format!("{jwt}; Q=0.0, */*;q=0"), false),
        ] {
            assert_eq!(wants_jwt(&accept), wanted, "{accept}");
        }
    }
}
