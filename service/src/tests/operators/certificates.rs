//! Signing in by a certificate: of the connection, or as a proxy says.

use std::net::SocketAddr;

use base64ct::{Base64, Encoding as _};
use mdoc_core::crypto::Curve;
use mdoc_issuer::pki::{self, Terms};

use super::*;
use crate::api::{ShownCertificate, presented};
use crate::tests::world::code;
use crate::usecase::operators::Presented;

/// A certificate that is good for the world's time; what it is for is for TLS to know.
fn certificate(world: &mut World) -> Vec<u8> {
    let terms = Terms {
        common_name: "Ada's laptop".to_owned(),
        organization: None,
        from: Timestamp::from_unix(world.now.unix() - 3600),
        lifetime: None,
        contacts: Vec::new(),
        crl_uri: None,
        curve: Curve::P256,
    };
    let made = pki::iaca("NL", None, &terms, &mut world.rng()).unwrap();
    made.certificate.der().to_vec()
}

async fn add(
    world: &World,
    actor: crate::usecase::authority::Actor,
    who: &PersonId,
    one: &Presented,
) -> &'static str {
    let (now, who, one) = (world.now, who.clone(), one.clone());
    let done = world
        .store
        .write(move |tx| operators::add_certificate(tx, &actor, now, (&who, &one)));
    code(done.await)
}

#[test]
fn a_certificate_signs_in_whom_it_was_given_to() {
    everywhere(async |mut world| {
        let (der, other) = (certificate(&mut world), certificate(&mut world));
        let clerk = world.clerk.clone();
        let one = presented(&der).unwrap();
        assert!(one.subject.contains("Ada's laptop"), "{}", one.subject);
        let chief = world.chief.clone();
        world.role("admins", Scope::All, &Workflow::ALL).await;
        world.grant("admins", &chief).await;
        assert_eq!(
            add(&world, operator(&chief), &clerk, &one).await,
            "client.other-operator"
        );
        assert_eq!(add(&world, system(), &clerk, &one).await, "done");
        assert_eq!(add(&world, system(), &chief, &one).await, "exists");

        let mut browser = Browser::new(&world);
        let page = browser.get("/operator/sign-in").await;
        assert!(!page.body.contains("certificate"), "{}", page.body);
        assert_eq!(browser.post("/operator/certificate", &[]).await.status, 403);
        browser.certificate = Some(ShownCertificate(other.into()));
        assert_eq!(browser.post("/operator/certificate", &[]).await.status, 403);
        browser.certificate = Some(ShownCertificate(der.clone().into()));
        let page = browser.get("/operator/sign-in").await;
        assert!(page.body.contains("your certificate"), "{}", page.body);
        assert_eq!(browser.people().await, 401);
        let page = browser.post("/operator/certificate", &[]).await;
        assert_eq!((page.status, page.location()), (303, "/operator"));
        assert_eq!(browser.people().await, 200);
        let page = browser.get("/operator").await;
        assert!(!page.body.contains("password"), "{}", page.body);
        let entry = world.audited().await.pop().unwrap();
        assert_eq!(entry["after"]["method"], "certificate");

        let (now, fingerprint) = (world.now, one.fingerprint);
        world
            .run(move |tx| operators::remove_certificate(tx, &system(), now, &fingerprint))
            .await;
        assert_eq!(browser.people().await, 401);
        assert_eq!(browser.post("/operator/certificate", &[]).await.status, 403);
    });
}

#[test]
fn a_certificate_is_good_in_its_time_and_for_who_may_sign_in() {
    everywhere(async |mut world| {
        let der = certificate(&mut world);
        let clerk = world.clerk.clone();
        let one = presented(&der).unwrap();
        assert_eq!(add(&world, system(), &clerk, &one).await, "done");
        let (now, who) = (world.now, clerk.clone());
        let mut browser = Browser::new(&world);
        browser.certificate = Some(ShownCertificate(der.into()));
        world
            .run(move |tx| operators::enable(tx, &system(), now, (&who, false)))
            .await;
        assert_eq!(browser.post("/operator/certificate", &[]).await.status, 403);
        let who = clerk.clone();
        world
            .run(move |tx| operators::enable(tx, &system(), now, (&who, true)))
            .await;
        assert_eq!(browser.post("/operator/certificate", &[]).await.status, 303);
        world.later(one.until.unix() - world.now.unix());
        let mut browser = browser.moved(&world);
        assert_eq!(browser.post("/operator/certificate", &[]).await.status, 303);
        world.later(1);
        let mut browser = browser.moved(&world);
        assert_eq!(browser.post("/operator/certificate", &[]).await.status, 403);
        let audited = world.audited().await;
        let why: Vec<&str> = audited
            .iter()
            .filter_map(|entry| entry["after"]["why"].as_str())
            .collect();
        assert_eq!(why, ["account.disabled", "certificate.time"]);
    });
}

/// RFC 9440: what anybody but a proxy of ours says there is nothing.
#[test]
fn a_proxy_that_is_believed_says_which_certificate_its_connection_has() {
    everywhere(async |mut world| {
        let der = certificate(&mut world);
        let clerk = world.clerk.clone();
        let one = presented(&der).unwrap();
        assert_eq!(add(&world, system(), &clerk, &one).await, "done");
        let named = format!(":{}:", Base64::encode_string(&der));
        for (from, header, value, status) in [
            ("10.0.0.7:1", true, named.as_str(), 303),
            ("10.0.0.8:1", true, &named, 403),
            ("10.0.0.7:1", false, &named, 403),
            ("10.0.0.7:1", true, &named[1..], 403),
            ("10.0.0.7:1", true, "::", 403),
            // Its own certificate is nobody's who comes through it.
            ("10.0.0.7:1", true, "", 403),
        ] {
            let mut service = world.service(ISSUER);
            service.proxies.believed = vec!["10.0.0.7".parse().unwrap()];
            service.operators.certificate_header = header;
            let mut browser = Browser::at(service);
            if value.is_empty() {
                browser.certificate = Some(ShownCertificate(der.clone().into()));
            }
            let peer: SocketAddr = from.parse().unwrap();
            browser.router = browser.router.layer(axum::middleware::from_fn(
                move |mut request: axum::extract::Request, next: axum::middleware::Next| {
                    request
                        .extensions_mut()
                        .insert(crate::api::remote::Connected(peer));
                    next.run(request)
                },
            ));
            browser.from.push(("client-cert", value.to_owned()));
            let page = browser.post("/operator/certificate", &[]).await;
            assert_eq!(page.status, status, "{from} {header}");
        }
    });
}
