//! Signing in at a provider of OpenID Connect, which says what a test wants it to.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use mdoc_core::crypto::{Curve, SecretKey};
use mdoc_core::seams::{Clock as _, SoftwareKey};
use mdoc_openid::Secret;
use mdoc_openid::jose::jwk::Jwk;
use mdoc_openid::jose::jws::{Named, sign};
use serde_json::{Value, json};

use super::browser::Page;
use super::*;
use crate::provider::{Provider, Settings};

/// What the provider has to say.
struct Says {
    key: SecretKey,
    /// Whether the keys that it shows are those by which it signs.
    shows_key: bool,
    claims: Value,
    /// What it was sent at its token endpoint: headers and form.
    got: Vec<String>,
    /// How often it was asked for its keys.
    asked: usize,
}

struct Fake {
    issuer: String,
    says: Arc<Mutex<Says>>,
}

impl Fake {
    fn new(world: &mut World) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let issuer = format!("http://127.0.0.1:{}", listener.local_addr().unwrap().port());
        let says = Arc::new(Mutex::new(Says {
            key: SecretKey::generate(Curve::P256, &mut world.rng()),
            shows_key: true,
            claims: Value::Null,
            got: Vec::new(),
            asked: 0,
        }));
        let (shared, name) = (Arc::clone(&says), issuer.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                drop(talk(stream, &name, &shared));
            }
        });
        Self { issuer, says }
    }

    fn settings(&self) -> Settings {
        Settings {
            name: "Example organisation".to_owned(),
            issuer: self.issuer.clone(),
            client_id: "mdoc service".to_owned(),
            client_secret: Some(Secret::from("s3cret")),
            redirect: format!("{ISSUER}/operator/openid/callback"),
            claim: "sub".to_owned(),
            scopes: vec!["profile".to_owned()],
            acr: Vec::new(),
            internal: true,
            roots: None,
        }
    }

    fn browser(&self, world: &World, settings: Settings) -> Browser {
        let mut service = world.service(ISSUER);
        service.operators.openid = Some(Arc::new(Provider::new(settings).unwrap()));
        Browser::at(service)
    }

    /// Claims of a token that is good.
    fn claims(&self, nonce: &str) -> Value {
        let now = mdoc_cli::system::SystemClock.now().unix();
        json!({
            "iss": self.issuer, "aud": "mdoc service", "sub": "clerk-7", "nonce": nonce,
            "iat": now, "exp": now + 300, "acr": "urn:example:mfa",
        })
    }

    fn set(&self, change: impl FnOnce(&mut Says)) {
        change(&mut self.says.lock().unwrap());
    }
}

fn talk(stream: TcpStream, issuer: &str, says: &Mutex<Says>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line.trim().is_empty() {
            break;
        }
        head.push_str(&line);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let mut says = says.lock().unwrap();
    let signer = SoftwareKey::new(says.key.clone()).unwrap();
    let answer = match head.split(' ').nth(1).unwrap_or_default() {
        "/.well-known/openid-configuration" => json!({
            "issuer": issuer, "authorization_endpoint": format!("{issuer}/auth"),
            "token_endpoint": format!("{issuer}/token"), "jwks_uri": format!("{issuer}/jwks"),
            "response_types_supported": ["code"], "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["ES256"],
        }),
        "/jwks" => {
            says.asked += 1;
            let key = Jwk::new(says.key.public_key())
                .with("kid", "one")
                .with("use", "sig");
            let keys = if says.shows_key { vec![key] } else { Vec::new() };
            json!({ "keys": keys })
        }
        _ => {
            says.got
                .push(format!("{head}\n{}", String::from_utf8_lossy(&body)));
            let token = sign("JWT", Named::Kid("one"), &[], &says.claims, &signer).unwrap();
            json!({ "access_token": "x", "token_type": "Bearer", "id_token": token })
        }
    };
    let answer = answer.to_string();
    write!(
        reader.get_mut(),
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{answer}",
        answer.len()
    )
}

/// A parameter of where the browser is sent.
fn parameter(page: &Page, name: &str) -> String {
    let (_, query) = page.header("refresh").split_once('?').unwrap();
    let pair = form_urlencoded::parse(query.as_bytes()).find(|(found, _)| found == name);
    pair.map(|(_, value)| value.into_owned()).unwrap_or_default()
}

/// Begins, has the provider say something, and comes back.
async fn round(fake: &Fake, browser: &mut Browser, change: impl FnOnce(&mut Value)) -> Page {
    let page = browser.post("/operator/openid", &[]).await;
    assert_eq!(page.status, 200, "{}", page.body);
    let mut claims = fake.claims(&parameter(&page, "nonce"));
    change(&mut claims);
    fake.set(|says| says.claims = claims);
    let state = parameter(&page, "state");
    browser
        .get(&format!("/operator/openid/callback?code=c0de&state={state}"))
        .await
}

/// The clerk has an account, and a name at the provider.
async fn known(world: &World) {
    let (clerk, now) = (world.clerk.clone(), world.now);
    let who = clerk.clone();
    world
        .run(move |tx| operators::enable(tx, &system(), now, (&who, true)))
        .await;
    world
        .edit(&clerk, |details| details.external_id = Some("clerk-7".to_owned()))
        .await;
}

#[test]
fn whoever_the_provider_names_is_signed_in() {
    everywhere(async |mut world| {
        known(&world).await;
        let fake = Fake::new(&mut world);
        let mut browser = fake.browser(&world, fake.settings());
        let page = browser.get("/operator/sign-in").await;
        assert!(page.body.contains("Example organisation"), "{}", page.body);

        let page = browser.post("/operator/openid", &[]).await;
        let location = page.header("refresh");
        assert!(
            location.starts_with(&format!("0;url={}/auth?", fake.issuer)),
            "{location}"
        );
        let link = format!("href=\"{}/auth?", fake.issuer);
        assert!(page.body.contains(&link), "{}", page.body);
        assert_eq!(parameter(&page, "scope"), "openid profile");
        assert_eq!(parameter(&page, "code_challenge_method"), "S256");
        assert_eq!(
            parameter(&page, "redirect_uri"),
            format!("{ISSUER}/operator/openid/callback")
        );

        let page = round(&fake, &mut browser, |_| {}).await;
        assert_eq!(
            (page.status, page.location()),
            (303, "/operator"),
            "{}",
            page.body
        );
        assert_eq!(browser.people().await, 200);
        let entry = world.audited().await.pop().unwrap();
        assert_eq!(
            (&entry["after"]["method"], &entry["who"]),
            (&json!("openid"), &json!(world.clerk.as_str()))
        );
        let got = fake.says.lock().unwrap().got.pop().unwrap();
        // RFC 6749, 2.3.1: both parts are encoded as in a form.
        assert!(got.to_lowercase().contains("authorization: basic "), "{got}");
        assert!(
            got.contains("code=c0de") && got.contains("code_verifier="),
            "{got}"
        );
        // Keys are not asked for each time.
        assert_eq!(fake.says.lock().unwrap().asked, 1);
    });
}

type Change = Box<dyn FnOnce(&mut Value)>;

#[test]
fn a_token_that_is_not_good_signs_nobody_in() {
    everywhere(async |mut world| {
        known(&world).await;
        let fake = Fake::new(&mut world);
        let mut browser = fake.browser(&world, fake.settings());
        let now = mdoc_cli::system::SystemClock.now().unix();
        let wrong: [(&str, Change, u16); 7] = [
            (
                "another nonce",
                Box::new(|claims| claims["nonce"] = json!("x")),
                502,
            ),
            (
                "no nonce",
                Box::new(|claims| drop(claims.as_object_mut().unwrap().remove("nonce"))),
                502,
            ),
            (
                "another audience",
                Box::new(|claims| claims["aud"] = json!("somebody")),
                502,
            ),
            (
                "another issuer",
                Box::new(|claims| claims["iss"] = json!("https://evil.example")),
                502,
            ),
            (
                "over",
                Box::new(move |claims| claims["exp"] = json!(now - 1)),
                502,
            ),
            (
                "nobody of ours",
                Box::new(|claims| claims["sub"] = json!("stranger")),
                403,
            ),
            (
                "no text",
                Box::new(|claims| claims["at_hash"] = json!("AAAA")),
                502,
            ),
        ];
        for (what, change, status) in wrong {
            let page = round(&fake, &mut browser, change).await;
            assert_eq!(page.status, status, "{what}");
            assert!(!browser.cookies.contains_key("__Host-mdoc-operator"), "{what}");
        }
        // Ada is known to the provider, and has no account.
        let ada = world.ada.clone();
        world
            .edit(&ada, |details| details.external_id = Some("ada-1".to_owned()))
            .await;
        let page = round(&fake, &mut browser, |claims| claims["sub"] = json!("ada-1")).await;
        assert_eq!(page.status, 403);
        let other = SecretKey::generate(Curve::P256, &mut world.rng());
        fake.set(|says| says.shows_key = false);
        let page = {
            fake.set(|says| says.key = other);
            round(&fake, &mut browser, |_| {}).await
        };
        assert_eq!(page.status, 502);
        // As soon as it shows the new key, that is known.
        fake.set(|says| says.shows_key = true);
        let page = round(&fake, &mut browser, |_| {}).await;
        assert_eq!(page.status, 303, "{}", page.body);
    });
}

#[test]
fn how_somebody_signed_in_there_may_be_asked_for() {
    everywhere(async |mut world| {
        known(&world).await;
        let fake = Fake::new(&mut world);
        for (wanted, claim, status) in [
            ("urn:example:mfa", "sub", 303),
            ("urn:example:key", "sub", 502),
            ("urn:example:mfa", "employee", 502),
            ("urn:example:mfa", "iat", 502),
            ("urn:example:mfa", "email", 502),
        ] {
            let mut settings = fake.settings();
            settings.acr = vec![wanted.to_owned()];
            settings.claim = claim.to_owned();
            let mut browser = fake.browser(&world, settings);
            let page = browser.post("/operator/openid", &[]).await;
            assert_eq!(parameter(&page, "acr_values"), wanted);
            assert_eq!(
                round(&fake, &mut browser, |_| {}).await.status,
                status,
                "{wanted} {claim}"
            );
        }
    });
}

#[test]
fn a_way_back_is_good_once_in_time_and_for_the_browser_that_went() {
    everywhere(async |mut world| {
        known(&world).await;
        let fake = Fake::new(&mut world);
        let mut browser = fake.browser(&world, fake.settings());
        let begin = async |browser: &mut Browser| {
            let page = browser.post("/operator/openid", &[]).await;
            let claims = fake.claims(&parameter(&page, "nonce"));
            fake.set(|says| says.claims = claims);
            format!(
                "/operator/openid/callback?code=c0de&state={}",
                parameter(&page, "state")
            )
        };
        // Somebody else's way back, sent to another browser.
        let way = begin(&mut browser).await;
        let mut victim = fake.browser(&world, fake.settings());
        begin(&mut victim).await;
        assert_eq!(victim.get(&way).await.status, 403);
        let mut without = Browser::new(&world);
        without.router = browser.router.clone();
        assert_eq!(without.get(&way).await.status, 403);
        // It is used up now.
        assert_eq!(browser.get(&way).await.status, 403);
        // The answer of another provider (RFC 9207).
        let way = begin(&mut browser).await;
        assert_eq!(
            browser
                .get(&format!("{way}&iss=https%3A%2F%2Fevil.example"))
                .await
                .status,
            403
        );
        let way = begin(&mut browser).await;
        let named = format!(
            "{way}&iss={}",
            fake.issuer.replace(':', "%3A").replace('/', "%2F")
        );
        assert_eq!(browser.get(&named).await.status, 303);
        let state = begin(&mut browser)
            .await
            .replace("code=c0de", "error=access_denied");
        assert_eq!(browser.get(&state).await.status, 403);
        for nothing in [
            "",
            "?state=AAAA",
            "?code=c0de",
            "?state=AAAA&state=BBBB&code=c0de",
        ] {
            let page = browser.get(&format!("/operator/openid/callback{nothing}")).await;
            assert_eq!(page.status, 403, "{nothing}");
        }
        let way = begin(&mut browser).await;
        world.later(600);
        let mut service = world.service(ISSUER);
        service.operators.openid = Some(Arc::new(Provider::new(fake.settings()).unwrap()));
        browser.router = crate::api::router(Arc::new(service));
        assert_eq!(browser.get(&way).await.status, 403);
    });
}

#[test]
fn a_provider_that_is_gone_or_in_a_private_network_signs_nobody_in() {
    everywhere(async |mut world| {
        let fake = Fake::new(&mut world);
        let mut settings = fake.settings();
        settings.internal = false;
        // Without TLS it is refused before anybody is asked.
        assert!(Provider::new(settings.clone()).is_err());
        settings.issuer = fake.issuer.replace("http:", "https:");
        let mut browser = fake.browser(&world, settings.clone());
        assert_eq!(browser.post("/operator/openid", &[]).await.status, 502);
        settings.internal = true;
        settings.issuer = "http://127.0.0.1:1".to_owned();
        let mut browser = fake.browser(&world, settings);
        let page = browser.post("/operator/openid", &[]).await;
        assert_eq!(page.status, 502);
        assert!(!page.body.contains("127.0.0.1"), "{}", page.body);
    });
}

/// Whoever sees to people would otherwise put the own name at the provider to somebody else's powers.
#[test]
fn nobody_gives_another_operator_an_identity_at_the_provider() {
    everywhere(async |world| {
        world.role("admins", Scope::All, &Workflow::ALL).await;
        let (chief, clerk, ada) = (world.chief.clone(), world.clerk.clone(), world.ada.clone());
        world.grant("admins", &chief).await;
        let now = world.now;
        for (who, key, expected) in [
            (&clerk, Some("mine"), "client.other-operator"),
            (&chief, Some("mine"), "client.other-operator"),
            (&ada, Some("ada-1"), "done"),
            (&ada, None, "done"),
        ] {
            let (actor, who, key) = (operator(&chief), who.clone(), key.map(str::to_owned));
            let done = world.store.write(move |tx| {
                let mut person = crate::usecase::people::read(tx, &who)?;
                person.details.external_id.clone_from(&key);
                crate::usecase::people::change(tx, &actor, now, &person)
            });
            assert_eq!(crate::tests::world::code(done.await), expected);
        }
        // Everything else of an operator is changed as before.
        let actor = operator(&chief);
        let done = world.store.write(move |tx| {
            let mut person = crate::usecase::people::read(tx, &clerk)?;
            person.details.family_name = "Changed".to_owned();
            crate::usecase::people::change(tx, &actor, now, &person)
        });
        assert_eq!(crate::tests::world::code(done.await), "done");
    });
}

/// With powers over people and roles, somebody makes a person of an identity of their own, or puts it in the place of an
/// operator who has no role just then: neither signs in.
#[test]
fn a_second_self_at_the_provider_has_no_account() {
    everywhere(async |mut world| {
        world.role("admins", Scope::All, &Workflow::ALL).await;
        let (chief, clerk) = (world.chief.clone(), world.clerk.clone());
        world.grant("admins", &chief).await;
        known(&world).await;
        let (now, mut rng, actor) = (world.now, world.rng(), operator(&chief));
        let made = world.run(move |tx| {
            let details = crate::domain::person::Details {
                logon_name: "second.self".to_owned(),
                given_name: "Second".to_owned(),
                family_name: "Self".to_owned(),
                external_id: Some("chief-at-provider".to_owned()),
                ..crate::domain::person::Details::default()
            };
            let person = crate::usecase::people::add(tx, &actor, now, (&details, None), &mut rng)?;
            crate::usecase::roles::grant(tx, &actor, now, ("clerks", &person.id))?;
            Ok(person.id)
        });
        let second = made.await;
        let fake = Fake::new(&mut world);
        let mut browser = fake.browser(&world, fake.settings());
        let as_chief = |claims: &mut Value| claims["sub"] = json!("chief-at-provider");
        assert_eq!(round(&fake, &mut browser, as_chief).await.status, 403);
        let entry = world.audited().await.pop().unwrap();
        assert_eq!(entry["object"]["name"], second.as_str());
        assert_eq!(
            entry["after"],
            json!({ "method": "openid", "why": "account.none" })
        );

        let (actor, who) = (operator(&chief), clerk.clone());
        let done = world.store.write(move |tx| {
            crate::usecase::roles::withdraw(tx, &actor, now, ("clerks", &who))?;
            let mut person = crate::usecase::people::read(tx, &who)?;
            person.details.external_id = Some("other-chief".to_owned());
            crate::usecase::people::change(tx, &actor, now, &person)
        });
        assert_eq!(crate::tests::world::code(done.await), "client.other-operator");
    });
}

#[test]
fn metadata_of_another_issuer_are_not_taken() {
    everywhere(async |mut world| {
        known(&world).await;
        let fake = Fake::new(&mut world);
        let mut settings = fake.settings();
        settings.issuer = format!("{}/tenant", fake.issuer);
        let mut browser = fake.browser(&world, settings);
        assert_eq!(browser.post("/operator/openid", &[]).await.status, 502);
    });
}
