//! A browser: it keeps cookies, and says from which site a form comes.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request};
use tower::ServiceExt as _;

use super::ISSUER;
use crate::api;
use crate::service::Service;
use crate::tests::world::World;

pub(super) struct Browser {
    pub(super) router: Router,
    pub(super) cookies: BTreeMap<String, String>,
    /// What it says of where a form comes from.
    pub(super) from: Vec<(&'static str, String)>,
    /// What who listens found out of the connection.
    pub(super) certificate: Option<api::ShownCertificate>,
}

pub(super) struct Page {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
}

impl Page {
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Where it leads, below the identifier.
    pub(super) fn location(&self) -> &str {
        self.header("location").strip_prefix(ISSUER).unwrap_or("")
    }

    pub(super) fn cookies(&self) -> Vec<&str> {
        let lines = self.headers.get_all("set-cookie").iter();
        lines.map(|line| line.to_str().unwrap()).collect()
    }
}

impl Browser {
    pub(super) fn new(world: &World) -> Self {
        Self::at(world.service(ISSUER))
    }

    pub(super) fn at(service: Service) -> Self {
        Self {
            router: api::router(Arc::new(service)),
            cookies: BTreeMap::new(),
            from: vec![("origin", "https://id.example.org".to_owned())],
            certificate: None,
        }
    }

    /// The same browser at a later time, or another node.
    pub(super) fn moved(self, world: &World) -> Self {
        Self {
            router: api::router(Arc::new(world.service(ISSUER))),
            ..self
        }
    }

    pub(super) async fn get(&mut self, path: &str) -> Page {
        self.send(("GET", path), "", Vec::new()).await
    }

    pub(super) async fn post(&mut self, path: &str, form: &[(&str, &str)]) -> Page {
        let body = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(form)
            .finish();
        let kind = "application/x-www-form-urlencoded";
        self.send(("POST", path), kind, body.into_bytes()).await
    }

    pub(super) async fn password(&mut self, logon: &str, password: &str) -> Page {
        let form = [("name", logon), ("password", password)];
        self.post("/operator/sign-in", &form).await
    }

    pub(super) async fn send(&mut self, (method, path): (&str, &str), kind: &str, body: Vec<u8>) -> Page {
        let mut request = Request::builder().method(method).uri(format!("/t/club{path}"));
        if !kind.is_empty() {
            request = request.header("content-type", kind);
        }
        if method != "GET" {
            for (name, value) in &self.from {
                request = request.header(*name, value);
            }
        }
        if !self.cookies.is_empty() {
            let pairs = self.cookies.iter().map(|(name, value)| format!("{name}={value}"));
            request = request.header("cookie", pairs.collect::<Vec<_>>().join("; "));
        }
        let mut request = request.body(Body::from(body)).unwrap();
        if let Some(certificate) = &self.certificate {
            request.extensions_mut().insert(certificate.clone());
        }
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, 1 << 22).await.unwrap();
        let page = Page {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body: String::from_utf8_lossy(&body).into_owned(),
        };
        for line in page.cookies() {
            let (pair, rest) = line.split_once(';').unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            if rest.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        page
    }

    /// What the interface for machines answers to this browser.
    pub(super) async fn people(&mut self) -> u16 {
        self.get("/api/v1/people").await.status
    }
}
