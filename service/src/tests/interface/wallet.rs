//! A wallet of the tests: a key for its requests, a key for each copy, and the messages.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderMap, Request};
use mdoc_core::crypto::{Curve, RustCrypto, SecretKey};
use mdoc_core::seams::{Signer as _, SoftwareKey};
use mdoc_core::time::Timestamp;
use mdoc_openid::Secret;
use mdoc_openid::jose::base64url;
use mdoc_openid::jose::jws::Named;
use mdoc_openid::vci::ErrorAnswer;
use mdoc_openid::vci::client;
use mdoc_openid::vci::credential::NonceResponse;
use mdoc_openid::vci::dpop;
use mdoc_openid::vci::offer::CredentialOffer;
use mdoc_openid::vci::proof;
use mdoc_openid::vci::token::{Grant, TokenRequest, TokenResponse};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::ISSUER;
use crate::api;
use crate::api::remote::Connected;
use crate::serve::Refused;
use crate::service::Service;
use crate::tests::world::World;
use crate::usecase::request::Offer;

pub(super) struct Wallet {
    pub(super) service: Arc<Service>,
    router: axum::Router,
    key: SoftwareKey,
    rng: ChaCha20Rng,
    last: Option<Sent>,
    /// What its proofs of DPoP carry.
    pub(super) nonce: Option<String>,
    /// What its provider vouches for.
    pub(super) installed: Option<Installed>,
    /// From where it comes, and what a proxy says of that.
    pub(super) connected: Option<SocketAddr>,
    pub(super) forwarded: Option<&'static str>,
    content_type: Option<&'static str>,
}

/// An installation of a wallet, and its provider.
pub(super) struct Installed {
    pub(super) client: String,
    pub(super) kid: &'static str,
    pub(super) provider: SoftwareKey,
    pub(super) key: SoftwareKey,
    pub(super) challenge: Option<String>,
    /// What else its provider says of it.
    pub(super) more: Vec<(&'static str, &'static str)>,
}

/// A request with a token, as it was sent: path, headers, body.
type Sent = (String, Vec<(String, String)>, Vec<u8>);

/// What came back.
pub(super) struct Answered {
    pub(super) status: u16,
    headers: HeaderMap,
    pub(super) body: Vec<u8>,
    /// The code of the rule that said no, which is counted and not sent.
    pub(super) rule: Option<&'static str>,
}

impl Answered {
    /// What came back earlier.
    pub(super) fn of(status: u16, body: Vec<u8>) -> Self {
        let headers = HeaderMap::new();
        Self {
            status,
            headers,
            body,
            rule: None,
        }
    }

    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(super) fn error(&self) -> String {
        ErrorAnswer::decode(&self.body)
            .map_or_else(|_| format!("status {}", self.status), |answer| answer.error)
    }

    pub(super) fn token(&self) -> Secret {
        TokenResponse::decode(&self.body).unwrap().access_token
    }
}

impl Wallet {
    pub(super) fn new(world: &mut World) -> Self {
        Self::with_key(world, 1)
    }

    pub(super) fn with_key(world: &mut World, seed: u64) -> Self {
        Self::at(world, seed, |_| {})
    }

    /// At a service that is set differently.
    pub(super) fn at(world: &mut World, seed: u64, change: impl FnOnce(&mut Service)) -> Self {
        let mut service = world.service(ISSUER);
        change(&mut service);
        let service = Arc::new(service);
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        Self {
            router: api::router(Arc::clone(&service)),
            service,
            key: SoftwareKey::new(SecretKey::generate(Curve::P256, &mut rng)).unwrap(),
            rng,
            last: None,
            nonce: None,
            installed: None,
            connected: None,
            forwarded: None,
            content_type: None,
        }
    }

    /// Goes through that from now on.
    pub(super) fn through(&mut self, app: axum::Router) {
        self.router = app;
    }

    /// The same wallet later.
    pub(super) fn later(&mut self, world: &mut World, seconds: i64, change: impl FnOnce(&mut Service)) {
        world.later(seconds);
        let later = Self::at(world, 0, change);
        (self.service, self.router) = (later.service, later.router);
    }

    pub(super) async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Answered {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(forwarded) = self.forwarded {
            request = request.header("x-forwarded-for", forwarded);
        }
        let mut request = request.body(Body::from(body.to_vec())).unwrap();
        if let Some(connected) = self.connected {
            request.extensions_mut().insert(Connected(connected));
        }
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        Answered {
            status: parts.status.as_u16(),
            headers: parts.headers,
            rule: parts.extensions.get().map(|Refused(code)| *code),
            body: axum::body::to_bytes(body, 1 << 22).await.unwrap().to_vec(),
        }
    }

    pub(super) async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answered {
        self.send("GET", path, headers, b"").await
    }

    pub(super) async fn post(&self, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answered {
        self.send("POST", path, headers, body).await
    }

    fn dpop(&mut self, path: &str, token: Option<&Secret>) -> String {
        let url = format!("https://id.example.org{path}");
        let request = dpop::Request {
            method: "POST",
            url: &url,
            access_token: token,
            nonce: self.nonce.as_deref(),
        };
        let jti = Secret::random(&mut self.rng);
        dpop::sign(&request, &jti, self.service.now(), &self.key, &RustCrypto).unwrap()
    }

    pub(super) async fn pre_authorized(&self, offer: &Offer) -> String {
        let answer = self
            .get(&format!("/t/club/offer/{}", base64url(&*offer.secret)), &[])
            .await;
        let grants = CredentialOffer::decode(&answer.body).unwrap().grants.unwrap();
        grants.pre_authorized_code.unwrap().code.expose().to_owned()
    }

    pub(super) async fn token(&mut self, pre_authorized: &str, tx_code: Option<&str>) -> Answered {
        let request = TokenRequest::new(Grant::PreAuthorizedCode {
            code: Secret::new(pre_authorized),
            tx_code: tx_code.map(Secret::new),
        });
        self.ask("/t/club/token", &request.encode()).await
    }

    /// Sends a form to the authorization server, with the wallet's proofs.
    pub(super) async fn ask(&mut self, path: &str, form: &str) -> Answered {
        let mut headers = vec![
            ("dpop".to_owned(), self.dpop(path, None)),
            (
                "content-type".to_owned(),
                "application/x-www-form-urlencoded".to_owned(),
            ),
        ];
        headers.extend(self.attested());
        self.last = Some((path.to_owned(), headers, form.as_bytes().to_vec()));
        self.repeat_last().await
    }

    fn attested(&mut self) -> Vec<(String, String)> {
        let now = self.service.now();
        let Some(installed) = &self.installed else {
            return Vec::new();
        };
        let until = Timestamp::from_unix(now.unix() + 3600);
        let attestation = client::sign_attestation(
            &installed.client,
            installed.key.public_key(),
            (now, until),
            &installed.more,
            Named::Kid(installed.kid),
            &installed.provider,
        );
        let (jti, challenge) = (Secret::random(&mut self.rng), installed.challenge.as_deref());
        let pop = client::sign_pop(&installed.client, ISSUER, challenge, &jti, now, &installed.key);
        vec![
            (client::ATTESTATION_HEADER.to_owned(), attestation.unwrap()),
            (client::POP_HEADER.to_owned(), pop.unwrap()),
        ]
    }

    pub(super) async fn nonce(&self) -> String {
        let answer = self.post("/t/club/nonce", &[], b"").await;
        assert_eq!(answer.header("cache-control"), "no-store");
        NonceResponse::decode(&answer.body)
            .unwrap()
            .c_nonce
            .expose()
            .to_owned()
    }

    pub(super) async fn collect(&mut self, token: &Answered, copies: usize) -> Answered {
        let nonce = self.nonce().await;
        self.collect_with(token, copies, Some(&nonce)).await
    }

    pub(super) async fn collect_with(
        &mut self,
        token: &Answered,
        copies: usize,
        nonce: Option<&str>,
    ) -> Answered {
        let proofs = self.proofs(copies, nonce);
        self.collect_by_proofs(token, &proofs).await
    }

    /// Asks for a copy for each of these proofs.
    pub(super) async fn collect_by_proofs(&mut self, token: &Answered, proofs: &[String]) -> Answered {
        let body =
            json!({ "credential_configuration_id": "licence", "proofs": { "jwt": proofs }, "unknown": 1 });
        self.credential(token, body.to_string().as_bytes()).await
    }

    /// Asks for one copy in other words.
    pub(super) async fn collect_by(&mut self, token: &Answered, mut wanted: Value) -> Answered {
        let nonce = self.nonce().await;
        wanted["proofs"] = json!({ "jwt": self.proofs(1, Some(&nonce)) });
        self.credential(token, wanted.to_string().as_bytes()).await
    }

    /// A proof for each of so many new keys.
    pub(super) fn proofs(&mut self, copies: usize, nonce: Option<&str>) -> Vec<String> {
        (0..copies)
            .map(|_| {
                let key = SoftwareKey::new(SecretKey::generate(Curve::P256, &mut self.rng)).unwrap();
                let client = self.installed.as_ref().map(|installed| installed.client.as_str());
                proof::sign(ISSUER, client, nonce, None, self.service.now(), &key).unwrap()
            })
            .collect()
    }

    pub(super) async fn credential(&mut self, token: &Answered, body: &[u8]) -> Answered {
        self.credential_as(token, body, "DPoP", true).await
    }

    pub(super) async fn credential_as(
        &mut self,
        token: &Answered,
        body: &[u8],
        scheme: &str,
        proved: bool,
    ) -> Answered {
        self.with_token(("/t/club/credential", scheme, proved), token, body)
            .await
    }

    pub(super) async fn deferred(&mut self, token: &Answered, transaction: &str) -> Answered {
        let body = json!({ "transaction_id": transaction }).to_string();
        self.with_token(("/t/club/deferred", "DPoP", true), token, body.as_bytes())
            .await
    }

    pub(super) async fn notify(&mut self, token: &Answered, id: &str, event: &str) -> Answered {
        let body = json!({ "notification_id": id, "event": event }).to_string();
        self.with_token(("/t/club/notification", "DPoP", true), token, body.as_bytes())
            .await
    }

    /// Sends an encrypted request with a token and its proof.
    pub(super) async fn sealed(&mut self, path: &str, token: &Answered, body: &[u8]) -> Answered {
        self.content_type = Some("application/jwt");
        let answer = self.with_token((path, "DPoP", true), token, body).await;
        self.content_type = None;
        answer
    }

    async fn with_token(
        &mut self,
        (path, scheme, proved): (&str, &str, bool),
        token: &Answered,
        body: &[u8],
    ) -> Answered {
        let token = token.token();
        let mut headers = vec![("authorization".to_owned(), format!("{scheme} {}", token.expose()))];
        if proved {
            headers.push(("dpop".to_owned(), self.dpop(path, Some(&token))));
        }
        if let Some(kind) = self.content_type {
            headers.push(("content-type".to_owned(), kind.to_owned()));
        }
        self.last = Some((path.to_owned(), headers, body.to_vec()));
        self.repeat_last().await
    }

    /// Sends the last request with a token once more, as it was.
    pub(super) async fn repeat_last(&self) -> Answered {
        let (path, headers, body) = self.last.as_ref().unwrap();
        let headers: Vec<_> = headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        self.post(path, &headers, body).await
    }
}
