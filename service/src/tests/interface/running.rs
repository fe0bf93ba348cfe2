//! What who runs the service sees of it: names of requests, health, metrics, and limits of how often one may ask.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response};
use mdoc_openid::jose::base64url;
use serde_json::Value;
use tower::ServiceExt;

use super::wallet::Wallet;
use super::{begun, issued, offer, redeemed};
use crate::api::remote::Connected;
use crate::api::watched;
use crate::config::Limits;
use crate::serve::{REQUEST_ID, Rates, bounded};
use crate::tests::world::{World, everywhere};

async fn ask(app: &Router, method: &str, path: &str, from: &str) -> Response<Body> {
    let address: SocketAddr = from.parse().unwrap();
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .body(Body::empty())
        .unwrap();
    request.extensions_mut().insert(Connected(address));
    app.clone().oneshot(request).await.unwrap()
}

async fn text(answer: Response<Body>) -> String {
    let body = axum::body::to_bytes(answer.into_body(), 1 << 20).await.unwrap();
    String::from_utf8(body.to_vec()).unwrap()
}

async fn ready(app: &Router) -> (u16, Value) {
    let answer = ask(app, "GET", "/ready", "127.0.0.1:1").await;
    let status = answer.status().as_u16();
    (status, serde_json::from_str(&text(answer).await).unwrap())
}

#[test]
fn ready_is_who_has_a_database_and_signers_that_are_valid() {
    everywhere(async |mut world| {
        let wallet = Wallet::new(&mut world);
        let app = watched(Arc::clone(&wallet.service));
        let (status, said) = ready(&app).await;
        assert_eq!(
            (status, &said["ready"], &said["database"]),
            (200, &true.into(), &true.into())
        );
        assert_eq!(wallet.get("/t/club/ready", &[]).await.status, 200);

        let year = 366 * 86_400;
        world.later(2 * year);
        let late = Wallet::new(&mut world);
        let (status, said) = ready(&watched(Arc::clone(&late.service))).await;
        assert_eq!(
            (status, &said["ready"], &said["database"]),
            (503, &false.into(), &true.into())
        );
        assert_eq!(
            (&said["document_signer"], &said["status_signer"]),
            (&false.into(), &false.into())
        );

        world
            .run(|tx| Ok(tx.execute("DROP TABLE audit_head", &[])?))
            .await;
        let (status, said) = ready(&app).await;
        assert_eq!((status, &said["database"]), (503, &false.into()));
        assert_eq!(said["document_signer"], true);
        assert_eq!(ask(&app, "GET", "/health", "127.0.0.1:1").await.status(), 200);
    });
}

#[test]
fn every_request_has_a_name_of_ours_and_is_counted_by_its_template() {
    everywhere(async |mut world| {
        let wallet = Wallet::new(&mut world);
        let app = bounded(Arc::clone(&wallet.service), &Limits::default());
        let offered = "/t/club/offer/c2VjcmV0";
        let request = Request::get(offered)
            .header(REQUEST_ID, "mine")
            .body(Body::empty())
            .unwrap();
        let answer = app.clone().oneshot(request).await.unwrap();
        let name = answer.headers()[REQUEST_ID].to_str().unwrap().to_owned();
        assert!(
            name.len() == 16 && name.bytes().all(|c| c.is_ascii_hexdigit()),
            "{name}"
        );
        let next = ask(&app, "BREW", "/nowhere/lovelace", "127.0.0.1:1").await;
        assert_eq!(next.status(), 404);
        assert_ne!(next.headers()[REQUEST_ID], name.as_str());

        let watch = watched(Arc::clone(&wallet.service));
        let answer = ask(&watch, "GET", "/metrics", "127.0.0.1:1").await;
        assert_eq!(answer.headers()["content-type"], crate::metrics::MEDIA_TYPE);
        let metrics = text(answer).await;
        for line in [
            "mdoc_service_requests_total{route=\"/t/club/offer/{secret}\",method=\"GET\",status=\"4xx\"} 1",
            "mdoc_service_requests_total{route=\"other\",method=\"other\",status=\"4xx\"} 1",
        ] {
            assert!(metrics.contains(line), "{line} is not in\n{metrics}");
        }
        for word in ["c2VjcmV0", "lovelace", "BREW"] {
            assert!(!metrics.contains(word), "{word}\n{metrics}");
        }
        // Metrics are not for who collects.
        assert_eq!(
            ask(&app, "GET", "/t/club/metrics", "127.0.0.1:1").await.status(),
            404
        );
        assert_eq!(ask(&app, "GET", "/metrics", "127.0.0.1:1").await.status(), 404);
    });
}

#[test]
fn what_was_done_and_refused_is_counted() {
    everywhere(async |mut world| {
        let (mut wallet, token) = begun(&mut world).await;
        let watch = watched(Arc::clone(&wallet.service));
        let metrics = async || text(ask(&watch, "GET", "/metrics", "127.0.0.1:1").await).await;
        assert!(metrics().await.contains("mdoc_service_sessions 1\n"));
        issued(&wallet.collect(&token, 1).await);
        let path = "/t/club/status/1";
        assert_eq!(wallet.get(path, &[]).await.status, 200);
        let found = metrics().await;
        for line in [
            "mdoc_service_sessions 0\n",
            "mdoc_service_acts_total{action=\"document.issue\"} 1\n",
            "mdoc_service_list_entries{list=\"1\"} 1048576\n",
            "mdoc_service_list_making_duration_seconds_count 1\n",
            "mdoc_service_certificate_expiry_seconds{certificate=\"status-signer\"} ",
            "mdoc_service_certificate_expiry_seconds{certificate=\"document-signer-1\"} ",
            "mdoc_service_database_batch_size_count ",
        ] {
            assert!(found.contains(line), "{line} is not in\n{found}");
        }
        // What was written and not kept is not counted.
        assert_eq!(wallet.collect_with(&token, 1, Some("stale")).await.status, 400);
        assert!(metrics().await.contains("action=\"document.issue\"} 1\n"));

        let refused = refused(&mut world).await;
        assert!(
            refused.contains("mdoc_service_refusals_total{code=\""),
            "{refused}"
        );
    });
}

/// The metrics after a code that nobody was given.
async fn refused(world: &mut World) -> String {
    let offer = offer_again(world).await;
    let mut wallet = Wallet::new(world);
    let app = bounded(Arc::clone(&wallet.service), &Limits::default());
    let pre = wallet.pre_authorized(&offer).await;
    wallet.through(app);
    assert_eq!(wallet.token(&pre, Some("0000")).await.status, 400);
    let watch = watched(Arc::clone(&wallet.service));
    text(ask(&watch, "GET", "/metrics", "127.0.0.1:1").await).await
}

async fn offer_again(world: &mut World) -> crate::usecase::request::Offer {
    world.profile("licence", |s| s.issue_over_existing = true).await;
    offer(world).await
}

#[test]
fn who_asks_too_often_is_told_when_to_come_again() {
    everywhere(async |mut world| {
        let offer = offer(&mut world).await;
        let mut wallet = Wallet::new(&mut world);
        let rates = Rates {
            token: 2,
            ..Rates::default()
        };
        let limits = Limits {
            rates,
            ..Limits::default()
        };
        let app = bounded(Arc::clone(&wallet.service), &limits);
        let (mallory, other) = ("192.0.2.1:1", "192.0.2.2:1");
        for status in [400, 400, 429] {
            let answer = ask(&app, "POST", "/t/club/token", mallory).await;
            assert_eq!(answer.status(), status);
            let seconds = answer
                .headers()
                .get("retry-after")
                .map(|value| value.to_str().unwrap());
            assert_eq!(seconds.is_some(), status == 429);
            let seconds = seconds.map_or(0, |text| text.parse::<u64>().unwrap());
            assert!(seconds <= 31, "{seconds}");
        }
        // From another port it is the same one; others, other endpoints and health are as they were.
        assert_eq!(
            ask(&app, "POST", "/t/club/token", "192.0.2.1:2").await.status(),
            429
        );
        assert_eq!(ask(&app, "POST", "/t/club/token", other).await.status(), 400);
        assert_eq!(ask(&app, "POST", "/t/club/nonce", mallory).await.status(), 200);
        assert_eq!(ask(&app, "GET", "/t/club/health", mallory).await.status(), 200);
        let metrics = wallet.service.store.metrics().text();
        assert!(
            metrics.contains("rate_limited_total{class=\"token\"} 2\n"),
            "{metrics}"
        );
        // Nobody's offer was touched.
        assert_eq!(redeemed(&mut wallet, &offer).await.status, 200);
    });
}

/// What is logged, as text.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Told {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Told {
    fn take(&self) -> String {
        String::from_utf8(std::mem::take(&mut *self.0.lock().unwrap())).unwrap()
    }
}

#[test]
fn a_wallet_that_comes_when_too_many_collect_is_told_when_to_come_again_and_the_log_tells_of_it() {
    let told = Told::default();
    let writer = told.clone();
    // As much as is logged where nothing is set.
    let log = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::WARN)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let _until_the_end = tracing::subscriber::set_default(log);
    everywhere(async |mut world| {
        world.profile("licence", |s| s.issue_over_existing = true).await;
        world.terms.max_sessions = Some(1);
        let mut wallet = Wallet::new(&mut world);
        let offers = [offer(&mut world).await, offer(&mut world).await];
        let token = redeemed(&mut wallet, &offers[0]).await;
        assert_eq!(token.status, 200);
        assert_eq!(told.take(), "");
        let full = redeemed(&mut wallet, &offers[1]).await;
        assert_eq!(
            (
                full.status,
                full.header("retry-after"),
                full.header("cache-control")
            ),
            (503, "300", "no-store")
        );
        let line = told.take();
        assert!(
            line.contains("WARN") && line.contains("code=\"sessions.full\""),
            "{line}"
        );
        // Wallets alone: verifiers, and who looks at an offer, are answered; so is who has a session.
        let path = format!("/t/club/offer/{}", base64url(&*offers[1].secret));
        for path in [path.as_str(), "/t/club/status", "/t/club/health"] {
            assert_eq!(wallet.get(path, &[]).await.status, 200, "{path}");
        }
        issued(&wallet.collect(&token, 1).await);
        // Who was sent away has lost nothing, and there is room again.
        assert_eq!(redeemed(&mut wallet, &offers[1]).await.status, 200);

        world.terms.max_sessions = Some(0);
        let mut late = Wallet::with_key(&mut world, 2);
        let third = offer(&mut world).await;
        told.take();
        let refused = redeemed(&mut late, &third).await;
        assert_eq!((refused.status, refused.header("retry-after")), (503, "3600"));
        assert!(told.take().contains("sessions.refused"));
    });
}
