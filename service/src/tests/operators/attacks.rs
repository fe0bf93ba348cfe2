//! What somebody does who has no business here: guesses names, passwords and codes, brings a session along, has another
//! site send a form.

use std::time::{Duration, Instant};

use serde_json::json;

use super::*;
use crate::config::Limits;
use crate::serve::bounded;

/// Who is there and who is not are answered alike, byte for byte, however wrong the rest is.
#[test]
fn nobody_learns_who_has_an_account() {
    everywhere(async |mut world| {
        let clerk = world.clerk.clone();
        account(&mut world, &clerk, "clerk").await;
        let chief = world.chief.clone();
        account(&mut world, &chief, "chief").await;
        let (now, ada) = (world.now, world.ada.clone());
        // Ada has an account without a password, and the chief may not sign in.
        world
            .run(move |tx| {
                operators::enable(tx, &system(), now, (&ada, true))?;
                operators::enable(tx, &system(), now, (&chief, false))
            })
            .await;
        // An account that is closed, too.
        let admin = world.person("admin").await;
        account(&mut world, &admin, "admin").await;
        for _ in 0..5 {
            Browser::new(&world).password("admin", "wrong").await;
        }
        let mut bodies = Vec::new();
        for (name, password) in [
            ("admin", PASSWORD),
            ("clerk", "wrong"),
            ("chief", PASSWORD),
            ("ada", "wrong"),
            ("nobody", "wrong"),
            ("", ""),
            ("clerk\u{0}", "wrong"),
            ("' OR 1=1 --", "wrong"),
        ] {
            let page = Browser::new(&world).password(name, password).await;
            assert_eq!(page.status, 403, "{name}");
            assert!(page.cookies().is_empty());
            bodies.push((page.body, format!("{:?}", page.headers)));
        }
        assert!(bodies.iter().all(|body| *body == bodies[0]));
        assert!(bodies[0].0.contains("Name or password is not right"));
    });
}

/// Whatever is written down for those who are there, nobody is answered before the floor; and what is dear is done for all:
/// passwords cost so much in the second half that everything else is nothing beside it.
#[test]
fn time_tells_nobody_who_has_an_account() {
    use crate::password::{Cost, Passwords};
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    everywhere(async |mut world| {
        let clerk = world.clerk.clone();
        account(&mut world, &clerk, "clerk").await;
        let floor = Duration::from_millis(200);
        let mut service = world.service(ISSUER);
        service.operators.floor = floor;
        let mut browser = Browser::at(service);
        for name in ["clerk", "nobody"] {
            let began = Instant::now();
            browser.password(name, "wrong").await;
            assert!(began.elapsed() >= floor, "{name}");
        }

        let cost = Cost {
            memory: 8 * 1024,
            passes: 8,
        };
        let mut service = world.service(ISSUER);
        service.operators.passwords = Passwords::new(cost, &mut ChaCha20Rng::seed_from_u64(9)).unwrap();
        let mut browser = Browser::at(service);
        // Signing in keeps the password at the new cost.
        assert_eq!(browser.password("clerk", PASSWORD).await.status, 303);
        let mut shortest = [u128::MAX; 2];
        for _ in 0..6 {
            for (at, name) in ["clerk", "nobody"].into_iter().enumerate() {
                let began = Instant::now();
                browser.password(name, "wrong").await;
                shortest[at] = shortest[at].min(began.elapsed().as_micros());
            }
        }
        let [there, nobody] = shortest;
        assert!(
            nobody * 3 > there && there * 3 > nobody,
            "{there} µs, {nobody} µs"
        );
    });
}

#[test]
fn an_account_closes_when_a_password_is_guessed() {
    everywhere(async |mut world| {
        let clerk = world.clerk.clone();
        let account = account(&mut world, &clerk, "clerk").await;
        let mut browser = Browser::new(&world);
        for _ in 0..5 {
            assert_eq!(browser.password("clerk", "guess").await.status, 403);
        }
        // The right one is no better now, and says no more.
        let right = browser.password("clerk", PASSWORD).await;
        let wrong = browser.password("clerk", "guess").await;
        assert_eq!((right.status, &right.body), (403, &wrong.body));
        world.later(59);
        let mut browser = browser.moved(&world);
        assert_eq!(browser.password("clerk", PASSWORD).await.status, 403);
        world.later(1);
        let mut browser = browser.moved(&world);
        assert_eq!(browser.password("clerk", "guess").await.status, 403);
        // Once more wrong, and it is closed for two minutes.
        world.later(119);
        let mut browser = browser.moved(&world);
        assert_eq!(browser.password("clerk", PASSWORD).await.status, 403);
        world.later(1);
        drop(signed_in(&world, &account).await);
        let refused: Vec<_> = world
            .audited()
            .await
            .into_iter()
            .filter(|entry| entry["action"] == "operator.refused")
            .map(|entry| entry["after"]["failures"].clone())
            .collect();
        // What was not even looked at is not counted.
        assert_eq!(refused, [1, 2, 3, 4, 5, 6].map(|count| json!(count)));
        // Whoever signed in begins anew.
        let mut browser = Browser::new(&world);
        for _ in 0..4 {
            browser.password("clerk", "guess").await;
        }
        assert_eq!(browser.password("clerk", PASSWORD).await.status, 303);
    });
}

#[test]
fn an_account_closes_when_a_code_is_guessed() {
    everywhere(async |mut world| {
        let clerk = world.clerk.clone();
        let account = account(&mut world, &clerk, "clerk").await;
        let mut browser = Browser::new(&world);
        let wrong = another(&account.code(world.now));
        // The right password between does not begin the count anew.
        for turn in 0..5 {
            assert_eq!(browser.password("clerk", PASSWORD).await.status, 303, "{turn}");
            assert_eq!(
                browser.post("/operator/second", &[("code", &wrong)]).await.status,
                403
            );
        }
        let code = account.code(world.now);
        assert_eq!(
            browser.post("/operator/second", &[("code", &code)]).await.status,
            403
        );
        assert_eq!(browser.password("clerk", PASSWORD).await.status, 403);
        let now = world.now;
        let who = clerk.clone();
        world
            .run(move |tx| operators::unlock(tx, &system(), now, &who))
            .await;
        drop(signed_in(&world, &account).await);
    });
}

#[test]
fn whoever_has_a_browser_that_was_left_alone_does_not_guess_the_password_there() {
    everywhere(async |mut world| {
        let clerk = world.clerk.clone();
        let account = account(&mut world, &clerk, "clerk").await;
        let mut browser = signed_in(&world, &account).await;
        for _ in 0..5 {
            let form = [("current", "guess")];
            assert_eq!(browser.post("/operator/recovery-codes", &form).await.status, 422);
        }
        let form = [("current", PASSWORD)];
        assert_eq!(browser.post("/operator/recovery-codes", &form).await.status, 422);
    });
}

/// Six digits that are another code.
fn another(code: &str) -> String {
    code.chars()
        .map(|digit| if digit == '9' { '0' } else { '9' })
        .collect()
}

/// What is good once is good once, however many bring it at the same time.
#[test]
fn one_code_at_once_signs_in_once() {
    everywhere(async |mut world| {
        let clerk = world.clerk.clone();
        let account = account(&mut world, &clerk, "clerk").await;
        for code in [account.code(world.now), account.codes[0].clone()] {
            let mut first = Browser::new(&world);
            assert_eq!(first.password("clerk", PASSWORD).await.status, 303);
            let all: Vec<_> = (0..4)
                .map(|_| {
                    let (mut browser, code) = (Browser::new(&world), code.clone());
                    browser.cookies.clone_from(&first.cookies);
                    tokio::spawn(async move { browser.post("/operator/second", &[("code", &code)]).await })
                })
                .collect();
            let mut sessions = 0;
            for one in all {
                let page = one.await.unwrap();
                sessions += usize::from(
                    page.cookies()
                        .iter()
                        .any(|line| line.starts_with("__Host-mdoc-operator=")),
                );
            }
            assert_eq!(sessions, 1);
        }
    });
}

#[test]
fn another_password_ends_what_was_half_done() {
    everywhere(async |mut world| {
        let clerk = world.clerk.clone();
        let account = account(&mut world, &clerk, "clerk").await;
        let mut owner = signed_in(&world, &account).await;
        let mut thief = Browser::new(&world);
        assert_eq!(thief.password("clerk", PASSWORD).await.status, 303);
        let new = "granite lamp 4 violin";
        let form = [("current", PASSWORD), ("password", new), ("again", new)];
        assert_eq!(owner.post("/operator/password", &form).await.status, 303);
        let page = thief
            .post("/operator/second", &[("code", &account.codes[0])])
            .await;
        assert_eq!(page.status, 403);
        assert_eq!((thief.people().await, owner.people().await), (401, 200));
    });
}

/// However many are at once, no more answers are had than when they come one after the other.
#[test]
fn guesses_at_once_are_counted_one_by_one() {
    everywhere(async |mut world| {
        let clerk = world.clerk.clone();
        account(&mut world, &clerk, "clerk").await;
        let app = Browser::new(&world).router;
        let all: Vec<_> = (0..12)
            .map(|_| {
                let mut browser = Browser::new(&world);
                browser.router = app.clone();
                tokio::spawn(async move { browser.password("clerk", "guess").await.status })
            })
            .collect();
        for one in all {
            assert_eq!(one.await.unwrap(), 403);
        }
        let refused = world.actions().await;
        let refused = refused.iter().filter(|action| *action == "operator.refused");
        assert_eq!(refused.count(), 5);
    });
}

#[test]
fn a_session_that_somebody_brought_along_is_never_taken_over() {
    everywhere(async |mut world| {
        let clerk = world.clerk.clone();
        let account = account(&mut world, &clerk, "clerk").await;
        let planted = mdoc_openid::jose::base64url(&[7; 32]);
        let mut browser = Browser::new(&world);
        for name in ["__Host-mdoc-operator", "__Host-mdoc-second"] {
            browser.cookies.insert(name.to_owned(), planted.clone());
        }
        assert_eq!(browser.people().await, 401);
        browser.password("clerk", PASSWORD).await;
        let second = browser.cookies["__Host-mdoc-second"].clone();
        assert_ne!(second, planted);
        let code = account.code(world.now);
        browser.post("/operator/second", &[("code", &code)]).await;
        let session = browser.cookies["__Host-mdoc-operator"].clone();
        assert!(session != planted && session != second);
        assert!(!browser.cookies.contains_key("__Host-mdoc-second"));
        // What led there is worth nothing afterwards, for the one thing or the other.
        for (name, value) in [
            ("__Host-mdoc-operator", &planted),
            ("__Host-mdoc-operator", &second),
            ("mdoc-operator", &session),
        ] {
            let mut other = Browser::new(&world);
            other.cookies.insert(name.to_owned(), value.clone());
            assert_eq!(other.people().await, 401);
        }
        let mut other = Browser::new(&world);
        other.cookies.insert("__Host-mdoc-second".to_owned(), second);
        assert_eq!(other.get("/operator/second").await.status, 403);
        // Two of one name: one of them is somebody else's.
        let mut two = Browser::new(&world);
        two.cookies.insert(
            "__Host-mdoc-operator".to_owned(),
            format!("{planted}; __Host-mdoc-operator={session}"),
        );
        assert_eq!(two.people().await, 401);
    });
}

#[test]
fn a_form_of_another_site_does_nothing() {
    everywhere(async |mut world| {
        let clerk = world.clerk.clone();
        let account = account(&mut world, &clerk, "clerk").await;
        let mut browser = signed_in(&world, &account).await;
        let header = |name, value: &str| vec![(name, value.to_owned())];
        for from in [
            Vec::new(),
            header("origin", "https://evil.example"),
            header("origin", "null"),
            header("origin", "https://id.example.org.evil.example"),
            header("origin", "http://id.example.org"),
            header("sec-fetch-site", "cross-site"),
            header("sec-fetch-site", "same-site"),
            header("sec-fetch-site", "none"),
            vec![
                ("sec-fetch-site", "cross-site".to_owned()),
                ("origin", "https://id.example.org".to_owned()),
            ],
        ] {
            browser.from = from;
            for path in [
                "/operator/sign-in",
                "/operator/second",
                "/operator/second/passkey",
                "/operator/sign-out",
                "/operator/certificate",
                "/operator/password",
                "/operator/recovery-codes",
                "/operator/authenticator",
                "/operator/passkey",
                "/operator/passkey/made",
                "/operator/passkey/remove",
                "/operator/sessions/end",
                "/operator/join/AAAA",
            ] {
                let form = [("current", PASSWORD), ("name", "clerk"), ("password", PASSWORD)];
                let page = browser.post(path, &form).await;
                assert_eq!(page.status, 403, "{path}");
                assert!(page.cookies().is_empty(), "{path}");
            }
            let body = br#"{"profile": "licence"}"#.to_vec();
            let page = browser
                .send(("POST", "/api/v1/documents"), "application/json", body)
                .await;
            assert_eq!(page.status, 403);
            assert!(page.body.contains("operator.other-site"), "{}", page.body);
            // Looking is no harm: another site does not see the answer.
            assert_eq!(browser.people().await, 200);
        }
        browser.from = header("sec-fetch-site", "same-origin");
        assert_eq!(browser.post("/operator/sign-out", &[]).await.status, 303);
    });
}

/// A browser of an operator asks for a document, as a page of the service would.
#[test]
fn a_session_does_what_the_roles_grant() {
    everywhere(async |mut world| {
        let clerk = world.clerk.clone();
        let account = account(&mut world, &clerk, "clerk").await;
        let mut browser = signed_in(&world, &account).await;
        let wanted = json!({ "person": world.ada.as_str(), "profile": "licence", "delivery": "screen" });
        let page = browser
            .send(
                ("POST", "/api/v1/documents"),
                "application/json",
                wanted.to_string().into_bytes(),
            )
            .await;
        assert_eq!(page.status, 201, "{}", page.body);
        let entry = world.audited().await.pop().unwrap();
        assert_eq!(entry["who"], clerk.as_str());
        assert_eq!(entry.get("client"), None);
        // A token goes before a session, and is what counts.
        let mut both = Browser::new(&world);
        both.cookies.clone_from(&browser.cookies);
        let request = axum::http::Request::get("/t/club/api/v1/people")
            .header("authorization", "Bearer AAAA")
            .body(axum::body::Body::empty())
            .unwrap();
        let answer = tower::ServiceExt::oneshot(both.router.clone(), request)
            .await
            .unwrap();
        assert_eq!(answer.status(), 401);
    });
}

#[test]
fn one_address_tries_only_so_often() {
    everywhere(async |world| {
        let mut limits = Limits::default();
        limits.rates.operator = 3;
        let service = std::sync::Arc::new(world.service(ISSUER));
        let mut browser = Browser::new(&world);
        browser.router = bounded(service, &limits).layer(axum::middleware::from_fn(
            |mut request: axum::extract::Request, next: axum::middleware::Next| {
                let peer = std::net::SocketAddr::from(([192, 0, 2, 9], 1));
                request
                    .extensions_mut()
                    .insert(crate::api::remote::Connected(peer));
                next.run(request)
            },
        ));
        let mut said = Vec::new();
        for name in ["one", "two", "three", "four"] {
            said.push(browser.password(name, "x").await.status);
        }
        assert_eq!(said, [403, 403, 403, 429]);
    });
}

#[test]
fn what_an_organisation_is_called_stays_text() {
    everywhere(async |mut world| {
        let clerk = world.clerk.clone();
        let address = invited(&mut world, &clerk).await;
        let mut service = world.service(ISSUER);
        service.display_name = "<script>alert(1)</script>:\"&".to_owned();
        let mut browser = Browser::at(service);
        let page = browser.get(&address).await;
        assert_eq!(page.status, 200);
        assert!(!page.body.contains("<script"), "{}", page.body);
        let policy = page.header("content-security-policy");
        assert!(
            policy.contains("form-action 'self';") && !policy.contains("script-src"),
            "{policy}"
        );
    });
}
