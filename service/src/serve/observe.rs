//! A name, a line in the log and a place in the metrics for each request.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderValue, Method};
use axum::middleware::Next;
use axum::response::Response;
use rand_core::Rng as _;

use crate::log;
use crate::metrics::Metrics;
use crate::random;

/// The header with the name of a request, which is in the log too. A name that a client sends is not taken over.
pub const REQUEST_ID: &str = "x-request-id";

/// The code of the rule that said no, put into an answer by who knows it, and counted here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused(pub &'static str);

/// Lets the request pass, and tells of it: its route as a template and never its address, which has secrets in it.
pub(super) async fn observe(metrics: Arc<Metrics>, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "other".to_owned(), |path| path.as_str().to_owned());
    let method = method(request.method());
    let mut name = [0; 8];
    random::system().fill_bytes(&mut name);
    let name = base16ct::lower::encode_string(&name);
    log::REQUEST
        .scope(name.clone(), async move {
            let mut response = next.run(request).await;
            let (status, took) = (response.status().as_u16(), began.elapsed());
            metrics.answered(&route, method, status, took);
            let code = response.extensions().get().map(|Refused(code)| *code);
            if let Some(code) = code {
                metrics.refused(code);
            }
            if let Ok(value) = HeaderValue::from_str(&name) {
                response.headers_mut().insert(REQUEST_ID, value);
            }
            tell(&route, method, status, (took, code));
            response
        })
        .await
}

fn tell(route: &str, method: &'static str, status: u16, (took, code): (Duration, Option<&str>)) {
    let ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    match code {
        Some(code) => tracing::info!(method, route, status, ms, code, "request"),
        None => tracing::info!(method, route, status, ms, "request"),
    }
}

/// One of the names that are known: a client may send any.
fn method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}
