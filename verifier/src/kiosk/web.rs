//! The kiosk's page, for the browser of this machine: it shows personal data, and is served to nobody else.

use std::io;
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
    let address = listener.local_addr()?;
    let port = address.port();
    let kiosk = Kiosk {
        board,
        scans,
        hosts: vec![address.to_string(), format!("localhost:{port}")],
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

async fn file(kind: &'static str, content: &'static str) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, kind)], content)
}

/// Whoever asks by another name, or from another page, is refused; and nothing is kept by the browser.
async fn guard(State(kiosk): State<Kiosk>, request: Request, next: Next) -> Response {
    if !allowed(request.headers(), &kiosk.hosts) {
        return (StatusCode::FORBIDDEN, "this page is for this machine alone\n").into_response();
    }
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CACHE_CONTROL, "no-store"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'self'; frame-ancestors 'none'",
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
    from_here && hosts.iter().any(|known| known == host)
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

/// The picture that is shown now; the number only keeps the browser from showing another one.
async fn portrait(State(kiosk): State<Kiosk>, Path(_number): Path<u64>) -> Response {
    let Phase::Shown(outcome) = kiosk.board.now().phase else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let Some(portrait) = outcome.portrait.clone() else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let kind = match portrait.as_slice() {
        [0xff, 0xd8, ..] => "image/jpeg",
        _ => "image/jp2",
    };
    ([(header::CONTENT_TYPE, kind)], portrait).into_response()
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

async fn clear(State(kiosk): State<Kiosk>) -> StatusCode {
    if matches!(kiosk.board.now().phase, Phase::Shown(_)) {
        kiosk.board.show(Phase::Ready);
    }
    StatusCode::NO_CONTENT
}
