//! The kiosk's page, for the browser of this machine: it shows personal data, and is served to nobody else.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use super::{Board, Phase};

/// How long a browser waits for a change before it asks again.
const PATIENCE: Duration = Duration::from_secs(25);

/// No more of a code than this.
const LONGEST: usize = 64 * 1024;

#[derive(Clone)]
struct Kiosk {
    board: Board,
    scans: mpsc::Sender<String>,
    /// The names by which the page may be asked for: without this, any page in the browser could read it (DNS rebinding).
    hosts: Vec<String>,
}

/// Serves the page until the future is dropped. What is scanned into it goes to `scans`.
///
/// # Errors
/// If the listener fails.
pub async fn serve(listener: TcpListener, board: Board, scans: mpsc::Sender<String>) -> io::Result<()> {
    let kiosk = Kiosk {
        board,
        scans,
        hosts: hosts(listener.local_addr()?),
    };
    let app = Router::new()
        .route(
            "/",
            get(|| file("text/html; charset=utf-8", include_str!("page.html"))),
        )
        .route("/page.css", get(|| file("text/css", include_str!("page.css"))))
        .route(
            "/page.js",
            get(|| file("text/javascript", include_str!("page.js"))),
        )
        .route("/state/{after}", get(state))
        .route("/portrait/{number}", get(portrait))
        .route("/scan", post(scan))
        .route("/clear", post(clear))
        .layer(middleware::from_fn_with_state(kiosk.clone(), guard))
        .with_state(kiosk);
    axum::serve(listener, app).await
}

/// What browsers say in Host: the port is left out if it is that of HTTP (RFC 9110, 4.2.1).
fn hosts(address: SocketAddr) -> Vec<String> {
    let port = address.port();
    let mut hosts = vec![address.to_string(), format!("localhost:{port}")];
    if port == 80 {
        let without = hosts.iter().filter_map(|host| host.strip_suffix(":80"));
        hosts.extend(without.map(str::to_owned).collect::<Vec<_>>());
    }
    hosts
}

async fn file(kind: &'static str, content: &'static str) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, kind)], content)
}

/// Whoever asks by another name, or from another page, is refused; and nothing is kept by the browser.
async fn guard(State(kiosk): State<Kiosk>, request: Request, next: Next) -> Response {
    let mut response = if allowed(request.headers(), &kiosk.hosts) {
        next.run(request).await
    } else {
        (StatusCode::FORBIDDEN, "this page is for this machine alone\n").into_response()
    };
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CACHE_CONTROL, "no-store"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'self'; frame-ancestors 'none'",
        ),
        // No other page takes a portrait into itself (Fetch Standard).
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

fn allowed(headers: &HeaderMap, hosts: &[String]) -> bool {
    let named = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let host = named(header::HOST).unwrap_or_default();
    let from_here = named(header::ORIGIN).is_none_or(|origin| origin == format!("http://{host}"));
    // Pictures and scripts are asked for without Origin. `none` is what somebody typed (W3C, Fetch Metadata).
    let site = HeaderName::from_static("sec-fetch-site");
    let same_site = !headers.contains_key(&site) || matches!(named(site), Some("same-origin" | "none"));
    from_here && same_site && hosts.iter().any(|known| known == host)
}

/// What is shown, once it is another than that of the number.
async fn state(State(kiosk): State<Kiosk>, Path(after): Path<u64>) -> impl IntoResponse {
    let changed = tokio::time::timeout(PATIENCE, kiosk.board.after(after)).await;
    let snapshot = changed.unwrap_or_else(|_| kiosk.board.now());
    (
        [(header::CONTENT_TYPE, "application/json")],
        snapshot.to_json().to_string(),
    )
}

/// The picture of what is shown now, if that is what the number is of: a page that is late gets nobody's else.
async fn portrait(State(kiosk): State<Kiosk>, Path(number): Path<u64>) -> Response {
    let now = kiosk.board.now();
    let portrait = match &now.phase {
        Phase::Shown(outcome) if now.number == number => outcome.portrait.as_ref(),
        _ => None,
    };
    let Some(portrait) = portrait else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let kind = [(header::CONTENT_TYPE, portrait.media_type())];
    (kind, portrait.file().to_vec()).into_response()
}

async fn scan(State(kiosk): State<Kiosk>, body: Bytes) -> StatusCode {
    let Ok(text) = String::from_utf8(body.to_vec()) else {
        return StatusCode::BAD_REQUEST;
    };
    if text.len() > LONGEST {
        return StatusCode::PAYLOAD_TOO_LARGE;
    }
    match kiosk.scans.try_send(text) {
        Ok(()) => StatusCode::ACCEPTED,
        // One at a time.
        Err(_) => StatusCode::CONFLICT,
    }
}

/// Forgets a result, and breaks off a reading.
async fn clear(State(kiosk): State<Kiosk>) -> StatusCode {
    kiosk.board.clear();
    StatusCode::NO_CONTENT
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(headers: &[(&'static str, &'static str)], address: &str) -> bool {
        let headers = headers.iter().map(|(name, value)| {
            let name = HeaderName::from_static(name);
            (name, HeaderValue::from_static(value))
        });
        allowed(&headers.collect(), &hosts(address.parse().unwrap()))
    }

    #[test]
    fn at_port_80_browsers_name_no_port() {
        for host in ["127.0.0.1", "localhost", "127.0.0.1:80"] {
            assert!(asked(&[("host", host)], "127.0.0.1:80"), "{host}");
        }
        assert!(asked(&[("host", "[::1]")], "[::1]:80"));
        let own = [("host", "localhost"), ("origin", "http://localhost")];
        assert!(asked(&own, "127.0.0.1:80"));
        assert!(!asked(&[("host", "127.0.0.1")], "127.0.0.1:8018"));
        assert!(!asked(&[("host", "evil.example")], "127.0.0.1:80"));
    }

    #[test]
    fn what_another_page_asks_for_without_saying_so_is_refused() {
        let from = |site| {
            let headers = [("host", "127.0.0.1:8018"), ("sec-fetch-site", site)];
            asked(&headers, "127.0.0.1:8018")
        };
        assert!(from("same-origin") && from("none"));
        assert!(!from("cross-site") && !from("same-site") && !from(""));
    }
}
