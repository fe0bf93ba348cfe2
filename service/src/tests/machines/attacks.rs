//! What somebody tries who means harm; none of it succeeds.

use std::time::Duration;

use super::*;
use crate::config::Limits;
use crate::serve;
use crate::service::Service;
use crate::store::Tx;
use crate::usecase::Failure;

/// Every operation of the description, as verb and address with plain names in it.
fn operations() -> Vec<(String, String, Vec<String>)> {
    let description: Value = serde_json::from_str(&api::openapi("/t/club")).unwrap();
    let mut all = Vec::new();
    for (path, item) in description["paths"].as_object().unwrap() {
        for (verb, operation) in item.as_object().unwrap() {
            let scopes = operation["security"][0]["machine"]
                .as_array()
                .into_iter()
                .flatten();
            let scopes: Vec<String> = scopes.map(|scope| scope.as_str().unwrap().to_owned()).collect();
            if scopes.is_empty() {
                continue;
            }
            let path = path.trim_start_matches("/t/club");
            let path = path
                .replace("{id}", "x")
                .replace("{serial}", "x")
                .replace("{name}", "x");
            all.push((verb.to_uppercase(), path.replace("{role}", "x"), scopes));
        }
    }
    all
}

/// A body that every operation of the kind reads as far as its members.
fn body_for(path: &str) -> (&'static str, &'static [u8]) {
    match path {
        "/api/v1/people/import" => ("text/csv", b"logon_name,given_name,family_name\n\"x\",x,x\n"),
        path if path.ends_with("/photo") => (
            "image/jpeg",
            include_bytes!("../../../../document-formats/samples/portrait.jpg"),
        ),
        _ => ("application/json", b"{}"),
    }
}

#[test]
fn without_a_token_or_with_a_made_up_one_nothing_is_answered() {
    everywhere(async |world| {
        let mut nobody = Caller::nobody(&world);
        for (verb, path, _) in operations() {
            nobody.token = None;
            let (kind, body) = body_for(&path);
            let answer = nobody.send(&verb, &path, kind, body).await;
            assert_eq!(answer.problem(), (401, "token.missing"), "{verb} {path}");
            assert_eq!(answer.header("www-authenticate"), "Bearer");
        }
        nobody.token = Some(base64url(&[3; 32]));
        for path in [
            "/people",
            "/groups",
            "/profiles",
            "/roles",
            "/audit",
            "/people/x/devices",
        ] {
            let answer = nobody.get(path).await;
            assert_eq!(answer.problem(), (401, "token.unknown"), "{path}");
        }
    });
}

#[test]
fn a_token_is_for_its_scopes_alone() {
    everywhere(async |mut world| {
        let clerk = world.clerk.clone();
        world.role("everything", Scope::All, &Workflow::ALL).await;
        world.grant("everything", &clerk).await;
        for scope in ApiScope::ALL {
            let machine = Caller::machine(&mut world, &clerk, &[scope]).await;
            for (verb, path, scopes) in operations() {
                if verb != "GET" || scopes.contains(&scope.name().to_owned()) {
                    continue;
                }
                let path = if path.ends_with("/documents") && !path.contains("people") {
                    format!("{path}?state=active")
                } else {
                    path
                };
                let answer = machine.send(&verb, &path, "", b"").await;
                assert_eq!(answer.problem(), (403, "token.scope"), "{scope}: {verb} {path}");
            }
        }
        // What writes: with a body that is in order, it is the scope that refuses.
        let reader = Caller::machine(&mut world, &clerk, &[ApiScope::Status]).await;
        let person = json!({ "logon_name": "m", "given_name": "m", "family_name": "m" });
        for (verb, path, body) in [
            ("POST", "/people", person),
            ("POST", "/groups", json!({ "name": "x" })),
            (
                "POST",
                "/documents",
                json!({ "person": world.ada.as_str(), "profile": "licence" }),
            ),
            (
                "POST",
                "/documents/x/moves",
                json!({ "move": "disable", "reason": "other" }),
            ),
            ("PUT", "/roles/x", json!({ "scope": "all", "workflows": [] })),
            ("PUT", "/profiles/x/enabled", json!({ "enabled": false })),
        ] {
            let answer = reader.json(verb, path, &body).await;
            assert_eq!(answer.problem(), (403, "token.scope"), "{verb} {path}");
        }
    });
}

#[test]
fn who_is_out_of_scope_is_as_invisible_as_who_is_not_there() {
    everywhere(async |mut world| {
        let (clerk, ada) = (world.person("small").await, world.ada.clone());
        let workflows = [
            Workflow::ViewReports,
            Workflow::EditPeople,
            Workflow::RequestId,
            Workflow::IssueDevice,
        ];
        world.role("own", Scope::Itself, &workflows).await;
        world.grant("own", &clerk).await;
        let serial = issued_licence(&mut world).await.0;
        let machine = Caller::machine(&mut world, &clerk, &ApiScope::ALL).await;
        for (there, not_there) in [
            (format!("/people/{ada}"), "/people/none".to_owned()),
            (
                format!("/people/{ada}/documents"),
                "/people/none/documents".to_owned(),
            ),
            (
                format!("/people/{ada}/devices"),
                "/people/none/devices".to_owned(),
            ),
            (format!("/documents/{serial}"), "/documents/none".to_owned()),
            (
                format!("/documents/{serial}/history"),
                "/documents/none/history".to_owned(),
            ),
        ] {
            let (one, other) = (machine.get(&there).await, machine.get(&not_there).await);
            assert_eq!(one.problem(), (404, "not-found"), "{there}");
            assert_eq!(one.body, other.body, "{there}");
        }
        let wish = |person: &str| json!({ "person": person, "profile": "licence" });
        let one = machine.json("POST", "/documents", &wish(ada.as_str())).await;
        let other = machine.json("POST", "/documents", &wish("none")).await;
        assert_eq!((one.problem(), &one.body), ((404, "not-found"), &other.body));
        let listed = machine.get("/documents?state=active").await;
        assert_eq!(listed.body, json!([]));
        // Who may see everybody is told the same of nobody.
        world.role("everything", Scope::All, &Workflow::ALL).await;
        world.grant("everything", &clerk).await;
        let device = json!({ "key": base64url(&[1; 32]), "facts": {} });
        let registered = machine.json("POST", "/people/none/devices", &device).await;
        assert_eq!(registered.problem(), (404, "not-found"));
        for path in ["/people/none", "/people/none/documents", "/people/none/devices"] {
            assert_eq!(machine.get(path).await.problem(), (404, "not-found"), "{path}");
        }
        let photo = include_bytes!("../../../../document-formats/samples/portrait.jpg");
        let sent = machine
            .send("PUT", "/api/v1/people/none/photo", "image/jpeg", photo)
            .await;
        assert_eq!(sent.problem(), (404, "not-found"));
    });
}

#[test]
fn members_that_are_not_asked_for_are_refused() {
    everywhere(async |mut world| {
        let clerk = world.clerk.clone();
        world.role("everything", Scope::All, &Workflow::ALL).await;
        world.grant("everything", &clerk).await;
        let machine = Caller::machine(&mut world, &clerk, &ApiScope::ALL).await;
        let ada = world.ada.as_str().to_owned();
        for (path, body) in [
            (
                "/people",
                json!({ "logon_name": "m", "given_name": "m", "family_name": "m", "id": "chosen" }),
            ),
            (
                "/people",
                json!({ "logon_name": "m", "given_name": "m", "family_name": "m", "roles": ["chiefs"] }),
            ),
            (
                "/documents",
                json!({ "person": ada, "profile": "licence", "state": "active" }),
            ),
            (
                "/documents",
                json!({ "person": ada, "profile": "licence", "requested_by": "somebody" }),
            ),
            ("/status", json!({ "serial": "x", "status": "valid" })),
        ] {
            let answer = machine.json("POST", path, &body).await;
            assert_eq!(answer.problem(), (422, "body.invalid"), "{body}");
        }
        let twice = br#"{"serial": "a", "serial": "b"}"#;
        let answer = machine
            .send("POST", "/api/v1/status", "application/json", twice)
            .await;
        assert_eq!(answer.problem(), (400, "body.malformed"));
    });
}

#[test]
fn a_token_ends_with_its_time_and_with_its_machine() {
    everywhere(async |mut world| {
        let clerk = world.clerk.clone();
        let mut machine = Caller::machine(&mut world, &clerk, &[ApiScope::ProfilesRead]).await;
        assert_eq!(machine.get("/profiles").await.status, 200);
        let token = machine.token.take();
        let now = world.now;
        let name = world.run(move |tx| clients::list(tx, &system())).await[0]
            .name
            .clone();
        world.later(clients::TOKEN_LIFETIME);
        let mut later = Caller::nobody(&world);
        later.token.clone_from(&token);
        assert_eq!(later.get("/profiles").await.problem(), (401, "token.unknown"));
        machine.token = token;
        assert_eq!(
            machine.get("/profiles").await.status,
            200,
            "the clock of this one stands still"
        );
        world
            .run(move |tx| clients::enable(tx, &system(), now, (&name, false)).map(drop))
            .await;
        assert_eq!(machine.get("/profiles").await.problem(), (401, "token.unknown"));
    });
}

#[test]
fn guesses_of_a_secret_are_in_the_trail() {
    everywhere(async |mut world| {
        let clerk = world.clerk.clone();
        let (id, _) = client(&mut world, &clerk, &[ApiScope::Status]).await;
        let caller = Caller::nobody(&world);
        for guess in 0..3 {
            let answer = caller.ask_token(&id, &base64url(&[guess; 32]), "").await;
            assert_eq!((answer.status, answer.text("error")), (401, "invalid_client"));
        }
        let entries = world
            .run(|tx| crate::usecase::audit::page(tx, &system(), 0))
            .await;
        let noted = entries
            .iter()
            .map(|recorded| &recorded.entry)
            .filter(|entry| entry.contains("client.refused") && entry.contains(&id));
        assert_eq!(noted.count(), 3);
    });
}

/// A caller that goes through what bounds every request.
fn bounded(world: &World, limits: &Limits) -> (Caller, Arc<Service>) {
    let service = Arc::new(world.service(ISSUER));
    let router = serve::bounded(Arc::clone(&service), limits);
    (Caller { router, token: None }, service)
}

#[test]
fn who_would_wait_for_too_long_is_told_when_to_come_again_in_the_form_of_the_interface() {
    everywhere(async |mut world| {
        let chief = world.chief.clone();
        let (id, secret) = client(&mut world, &chief, &[ApiScope::PeopleRead]).await;
        let limits = Limits {
            seconds: 0,
            ..Limits::default()
        };
        let (mut caller, _) = bounded(&world, &limits);
        // Whatever the database is asked from now on has to wait.
        let busy = |_: &mut Tx<'_>| -> Result<(), Failure> {
            std::thread::sleep(Duration::from_secs(1));
            Ok(())
        };
        let mut held = Vec::new();
        for _each_connection in 0..3 {
            let store = world.store.clone();
            held.push(tokio::spawn(async move {
                tokio::join!(store.write(busy), store.read(busy))
            }));
        }
        tokio::task::yield_now().await;
        let later = |answer: &Answered| {
            assert_eq!(
                (
                    answer.status,
                    answer.header("retry-after"),
                    answer.header("cache-control")
                ),
                (503, "1", "no-store")
            );
        };
        let token = caller.ask_token(&id, &secret, "").await;
        later(&token);
        assert_eq!(token.text("error"), "temporarily_unavailable");
        caller.token = Some(base64url(&[3; 32]));
        let people = caller.get("/people").await;
        later(&people);
        assert_eq!(people.problem(), (503, "unavailable"));
        // Wallets have no such body.
        let wallet = caller
            .send("GET", "/.well-known/openid-credential-issuer", "", b"")
            .await;
        later(&wallet);
        assert_eq!(wallet.body, Value::Null);
        for held in held {
            held.await.unwrap().0.unwrap();
        }
    });
}

#[test]
fn what_is_refused_at_the_token_endpoint_is_counted_and_not_kept() {
    everywhere(async |mut world| {
        let chief = world.chief.clone();
        let (id, secret) = client(&mut world, &chief, &[ApiScope::PeopleRead]).await;
        let (caller, service) = bounded(&world, &Limits::default());
        for (secret, scope, expected) in [
            ("AAAA", "", (401, "invalid_client")),
            ("no base64url!", "", (401, "invalid_client")),
            (secret.as_str(), "audit", (400, "invalid_scope")),
        ] {
            let refused = caller.ask_token(&id, secret, scope).await;
            assert_eq!((refused.status, refused.text("error")), expected);
        }
        let metrics = service.store.metrics().text();
        for line in [
            "mdoc_service_refusals_total{code=\"client.unknown\"} 2\n",
            "mdoc_service_refusals_total{code=\"token.scope\"} 1\n",
        ] {
            assert!(metrics.contains(line), "{line} is not in\n{metrics}");
        }
        let large = vec![b'a'; 1024 * 1024];
        for path in ["/oauth/token", "/token", "/credential", "/api/v1/people"] {
            let kind = "application/x-www-form-urlencoded";
            let answer = caller.send("POST", path, kind, &large).await;
            assert!([413, 401].contains(&answer.status), "{path} {}", answer.status);
            assert_eq!(answer.header("cache-control"), "no-store", "{path}");
        }
        let description: Value = serde_json::from_str(&api::openapi("/t/club")).unwrap();
        let answers = &description["paths"]["/t/club/oauth/token"]["post"]["responses"];
        for (status, later) in [("413", false), ("429", true), ("503", true)] {
            assert!(answers[status].is_object(), "{status}");
            assert_eq!(
                answers[status]["headers"]["Retry-After"].is_object(),
                later,
                "{status}"
            );
        }
    });
}

#[test]
fn bodies_have_a_bound_and_a_type() {
    everywhere(async |mut world| {
        let clerk = world.clerk.clone();
        let machine = Caller::machine(&mut world, &clerk, &ApiScope::ALL).await;
        let large = vec![b' '; 17 * 1024 * 1024];
        for (path, kind) in [
            ("/api/v1/status", "application/json"),
            ("/api/v1/people/import", "text/csv"),
        ] {
            let answer = machine.send("POST", path, kind, &large).await;
            assert_eq!(answer.problem(), (413, "body.too-large"), "{path}");
            let answer = machine.send("POST", path, "application/xml", b"<x/>").await;
            assert_eq!(answer.problem(), (415, "body.media-type"), "{path}");
        }
        for text in ["", "{", "[1", "{\"serial\": \"\u{0}"] {
            let answer = machine
                .send("POST", "/api/v1/status", "application/json", text.as_bytes())
                .await;
            assert_eq!(answer.problem().0, 400, "{text:?}");
        }
        let deep = "[".repeat(100_000);
        let answer = machine
            .send("POST", "/api/v1/status", "application/json", deep.as_bytes())
            .await;
        assert_eq!(answer.problem(), (400, "body.malformed"));
    });
}
