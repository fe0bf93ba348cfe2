//! The interface for machines, over HTTP.

mod attacks;
mod batches;
mod messages;
mod people;
mod replacing;
mod reports;

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request};
use mdoc_openid::jose::base64url;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::world::{World, code, everywhere, operator, system};
use crate::api;
use crate::domain::id::PersonId;
use crate::domain::profile::StatusKind;
use crate::domain::role::{Scope, Workflow};
use crate::domain::scope::ApiScope;
use crate::usecase::clients;

const ISSUER: &str = "https://id.example.org/t/club";

/// Somebody who speaks to the service, with a token perhaps.
struct Caller {
    router: Router,
    token: Option<String>,
}

struct Answered {
    status: u16,
    headers: HeaderMap,
    body: Value,
}

impl Answered {
    fn text(&self, member: &str) -> &str {
        self.body[member].as_str().unwrap_or_default()
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Status and code of a problem.
    fn problem(&self) -> (u16, &str) {
        assert_eq!(
            self.header("content-type"),
            "application/problem+json",
            "{}",
            self.body
        );
        assert_eq!(self.body["status"], self.status);
        assert_eq!(self.header("cache-control"), "no-store");
        (self.status, self.text("code"))
    }
}

impl Caller {
    fn nobody(world: &World) -> Self {
        Self {
            router: api::router(Arc::new(world.service(ISSUER))),
            token: None,
        }
    }

    /// A machine of an operator with a token.
    async fn machine(world: &mut World, who: &PersonId, scopes: &[ApiScope]) -> Self {
        let (id, secret) = client(world, who, scopes).await;
        let mut caller = Self::nobody(world);
        let answer = caller.ask_token(&id, &secret, "").await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        caller.token = Some(answer.text("access_token").to_owned());
        caller
    }

    async fn ask_token(&self, id: &str, secret: &str, scope: &str) -> Answered {
        let form = format!(
            "grant_type=client_credentials&client_id={id}&client_secret={secret}&scope={}",
            scope.replace(' ', "+")
        );
        self.send(
            "POST",
            "/oauth/token",
            "application/x-www-form-urlencoded",
            form.as_bytes(),
        )
        .await
    }

    async fn send(&self, method: &str, path: &str, kind: &str, body: &[u8]) -> Answered {
        let mut request = Request::builder().method(method).uri(format!("/t/club{path}"));
        if !kind.is_empty() {
            request = request.header("content-type", kind);
        }
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let request = request.body(Body::from(body.to_vec())).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, 1 << 22).await.unwrap();
        Answered {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body: serde_json::from_slice(&body).unwrap_or(Value::Null),
        }
    }

    async fn get(&self, path: &str) -> Answered {
        self.send("GET", &format!("/api/v1{path}"), "", b"").await
    }

    async fn json(&self, method: &str, path: &str, body: &Value) -> Answered {
        let path = format!("/api/v1{path}");
        self.send(method, &path, "application/json", body.to_string().as_bytes())
            .await
    }
}

/// A document of Ada that a wallet collected: its serial, and where its copy is in which list.
async fn issued_licence(world: &mut World) -> (String, (i64, i64)) {
    let serial = world.collected("licence", 1).await;
    let wanted = serial.clone();
    let place = world
        .run(move |tx| {
            let place = tx.row(
                "SELECT list, place FROM copy WHERE document = $1",
                &[(&wanted).into()],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )?;
            Ok(place.unwrap())
        })
        .await;
    (serial.to_string(), place)
}

async fn client(world: &mut World, who: &PersonId, scopes: &[ApiScope]) -> (String, String) {
    let (now, mut rng, secrets) = (world.now, world.rng(), world.terms.secrets.clone());
    let (who, scopes) = (who.clone(), scopes.to_vec());
    let name = format!("machine {}", world.rng.clone().get_word_pos());
    let (client, secret) = world
        .run(move |tx| clients::add(tx, &system(), now, (&name, &who, &scopes), (&secrets, &mut rng)))
        .await;
    (client.id.to_string(), base64url(&*secret))
}

#[test]
fn a_secret_gets_a_token_for_what_the_machine_may() {
    everywhere(async |mut world| {
        let clerk = world.clerk.clone();
        let (id, secret) = client(&mut world, &clerk, &[ApiScope::Status, ApiScope::PeopleRead]).await;
        let caller = Caller::nobody(&world);
        let all = caller.ask_token(&id, &secret, "").await;
        assert_eq!((all.status, all.text("scope")), (200, "people.read status"));
        assert_eq!(
            (all.text("token_type"), all.header("cache-control")),
            ("Bearer", "no-store")
        );
        let one = caller.ask_token(&id, &secret, "status").await;
        assert_eq!(one.text("scope"), "status");
        let other = base64url(&[7; 32]);
        for (id, secret, scope, expected) in [
            (id.as_str(), other.as_str(), "", (401, "invalid_client")),
            ("nobody", secret.as_str(), "", (401, "invalid_client")),
            (&id, "", "", (401, "invalid_client")),
            (&id, &secret, "audit", (400, "invalid_scope")),
            (&id, &secret, "everything", (400, "invalid_scope")),
        ] {
            let refused = caller.ask_token(id, secret, scope).await;
            assert_eq!((refused.status, refused.text("error")), expected, "{id} {scope}");
        }
        let basic = {
            use base64ct::Encoding as _;
            base64ct::Base64::encode_string(format!("{id}:{secret}").as_bytes())
        };
        let request = Request::builder()
            .method("POST")
            .uri("/t/club/oauth/token")
            .header("authorization", format!("Basic {basic}"))
            .body(Body::from("grant_type=client_credentials"))
            .unwrap();
        let response = caller.router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), 200);
    });
}

#[test]
fn a_document_is_requested_approved_and_cancelled_by_two_machines() {
    everywhere(async |mut world| {
        world
            .profile("licence", |settings| settings.validate_issuance = true)
            .await;
        let (clerk, chief, ada) = (world.clerk.clone(), world.chief.clone(), world.ada.clone());
        let scopes = [ApiScope::DocumentsRead, ApiScope::DocumentsWrite];
        let one = Caller::machine(&mut world, &clerk, &scopes).await;
        let other = Caller::machine(&mut world, &chief, &scopes).await;
        let wish = json!({ "person": ada.as_str(), "profile": "licence", "delivery": "held" });
        let requested = one.json("POST", "/documents", &wish).await;
        assert_eq!(requested.status, 201, "{}", requested.body);
        let document = &requested.body["document"];
        assert_eq!(document["state"], "awaiting-validation");
        let serial = document["serial"].as_str().unwrap();
        let moves = format!("/documents/{serial}/moves");
        let own = one.json("POST", &moves, &json!({ "move": "approve" })).await;
        assert_eq!(own.problem(), (403, "role.not-granted"));
        let waiting = other.get("/documents?state=awaiting-validation").await;
        assert_eq!(waiting.body[0]["serial"], serial);
        let approved = other.json("POST", &moves, &json!({ "move": "approve" })).await;
        assert_eq!((approved.status, approved.text("state")), (200, "collectable"));
        assert!(
            other
                .get("/documents?state=awaiting-validation")
                .await
                .body
                .as_array()
                .unwrap()
                .is_empty()
        );
        let offer = one
            .json("POST", &format!("/documents/{serial}/offer"), &json!({}))
            .await;
        assert_eq!(offer.status, 201, "{}", offer.body);
        assert!(
            offer
                .text("link")
                .starts_with("openid-credential-offer://?credential_offer_uri=")
        );
        assert!(offer.text("address").starts_with(ISSUER));

        let why = one.json("POST", &moves, &json!({ "move": "cancel" })).await;
        assert_eq!(
            (why.problem(), why.text("field")),
            ((422, "reason.missing"), "reason")
        );
        let cancelled = one
            .json("POST", &moves, &json!({ "move": "cancel", "reason": "left" }))
            .await;
        assert_eq!(cancelled.text("state"), "cancelled");
        let again = one
            .json("POST", &moves, &json!({ "move": "cancel", "reason": "left" }))
            .await;
        assert_eq!(again.problem(), (409, "document.illegal-move"));
        let history = one.get(&format!("/documents/{serial}/history")).await;
        let names: Vec<_> = history
            .body
            .as_array()
            .unwrap()
            .iter()
            .map(|made| made["name"].clone())
            .collect();
        assert_eq!(names, ["submit", "approve", "cancel"]);
        let of_ada = one.get(&format!("/people/{ada}/documents")).await;
        assert_eq!(of_ada.body[0]["state"], "cancelled");
    });
}

#[test]
fn the_status_query_answers_at_once_by_serial_and_by_reference() {
    everywhere(async |mut world| {
        let (serial, place) = issued_licence(&mut world).await;
        let clerk = world.clerk.clone();
        let scopes = [ApiScope::Status, ApiScope::DocumentsWrite];
        let machine = Caller::machine(&mut world, &clerk, &scopes).await;
        let by_serial = json!({ "serial": serial });
        let uri = format!("{ISSUER}/status/{}", place.0);
        let by_entry = json!({ "status_list": { "uri": uri, "idx": place.1 } });
        let moves = format!("/documents/{serial}/moves");
        let stands = async |expected: &str| {
            for query in [&by_serial, &by_entry] {
                let answer = machine.json("POST", "/status", query).await;
                assert_eq!(
                    (answer.status, answer.text("status")),
                    (200, expected),
                    "{}",
                    answer.body
                );
            }
        };
        stands("valid").await;
        for (made, reason, expected) in [
            ("disable", "mislaid", "disabled"),
            ("enable", "found", "valid"),
            ("cancel", "lost", "cancelled"),
        ] {
            let moved = machine
                .json("POST", &moves, &json!({ "move": made, "reason": reason }))
                .await;
            assert_eq!(moved.status, 200, "{}", moved.body);
            stands(expected).await;
        }
        for query in [
            json!({ "serial": "nobody" }),
            json!({ "serial": "../../etc" }),
            json!({ "status_list": { "uri": uri, "idx": place.1 ^ 1 } }),
            json!({ "status_list": { "uri": "https://elsewhere.example/status/1", "idx": 0 } }),
            json!({ "identifier_list": { "uri": uri, "id": "AAAA" } }),
        ] {
            let answer = machine.json("POST", "/status", &query).await;
            assert_eq!(
                (answer.status, answer.text("status")),
                (200, "unknown"),
                "{query}"
            );
        }
        let both = json!({ "serial": serial, "status_list": { "uri": uri, "idx": 0 } });
        assert_eq!(
            machine.json("POST", "/status", &both).await.problem(),
            (422, "body.invalid")
        );
    });
}

#[test]
fn a_copy_is_found_by_its_identifier_and_ends_before_its_document() {
    everywhere(async |mut world| {
        world
            .profile("licence", |settings| {
                settings.status = StatusKind::IdentifierList;
                settings.lifetime_days = 60;
                settings.copy_days = 30;
            })
            .await;
        let (serial, place) = issued_licence(&mut world).await;
        let sql = "SELECT identifier FROM copy";
        let id: Option<Vec<u8>> = world.run(move |tx| Ok(tx.value(sql, &[])?)).await;
        let uri = format!("{ISSUER}/status/{}", place.0);
        let by_identifier = json!({ "identifier_list": { "uri": uri, "id": base64url(&id.unwrap()) } });
        let by_serial = json!({ "serial": serial });
        let clerk = world.clerk.clone();
        let stands = async |machine: &Caller, query: &Value| {
            let answer = machine.json("POST", "/status", query).await;
            (answer.status, answer.text("status").to_owned())
        };
        let is = |expected: &str| (200, expected.to_owned());
        let machine = Caller::machine(&mut world, &clerk, &[ApiScope::Status]).await;
        assert_eq!(stands(&machine, &by_identifier).await, is("valid"));
        // In another list it is nobody's.
        let elsewhere = format!("{ISSUER}/status/{}", place.0 + 1);
        let mut other = by_identifier.clone();
        other["identifier_list"]["uri"] = json!(elsewhere);
        assert_eq!(stands(&machine, &other).await, is("unknown"));
        world.later(40 * 86_400);
        let machine = Caller::machine(&mut world, &clerk, &[ApiScope::Status]).await;
        assert_eq!(stands(&machine, &by_identifier).await, is("expired"));
        assert_eq!(stands(&machine, &by_serial).await, is("valid"));
        world.later(21 * 86_400);
        let scopes = [ApiScope::Status, ApiScope::DocumentsWrite];
        let machine = Caller::machine(&mut world, &clerk, &scopes).await;
        for query in [&by_identifier, &by_serial] {
            assert_eq!(stands(&machine, query).await, is("expired"));
        }
        let cancel = json!({ "move": "cancel", "reason": "lost" });
        let moves = format!("/documents/{serial}/moves");
        assert_eq!(machine.json("POST", &moves, &cancel).await.status, 200);
        assert_eq!(stands(&machine, &by_identifier).await, is("cancelled"));
    });
}

#[test]
fn profiles_roles_and_devices_are_seen_to() {
    everywhere(async |mut world| {
        let clerk = world.clerk.clone();
        world.role("everything", Scope::All, &Workflow::ALL).await;
        world.grant("everything", &clerk).await;
        let machine = Caller::machine(&mut world, &clerk, &ApiScope::ALL).await;
        let settings = json!({ "display_name": "Pass", "format": "loyalty-card", "copies": 2 });
        let body = json!({ "settings": settings, "comment": "first" });
        let set = machine.json("PUT", "/profiles/pass", &body).await;
        assert_eq!(
            (set.status, &set.body["version"]),
            (200, &json!(1)),
            "{}",
            set.body
        );
        let off = machine
            .json("PUT", "/profiles/pass/enabled", &json!({ "enabled": false }))
            .await;
        assert_eq!(off.body["enabled"], false);
        let listed = machine.get("/profiles").await;
        let names: Vec<_> = listed
            .body
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["name"].clone())
            .collect();
        assert_eq!(names, ["licence", "pass"]);
        let odd = json!({ "settings": { "display_name": "x", "format": "../../etc/passwd" } });
        let refused = machine.json("PUT", "/profiles/odd", &odd).await;
        assert_eq!(
            (refused.problem(), refused.text("field")),
            ((422, "field.invalid"), "format")
        );

        let front = |names: &[&str]| json!({ "settings": { "display_name": "Pass", "format": "access-badge", "badge_layouts": names } });
        let set = machine
            .json("PUT", "/profiles/gate", &front(&["access-badge-front"]))
            .await;
        assert_eq!(
            set.body["settings"]["badge_layouts"],
            json!(["access-badge-front"])
        );
        let refused = machine
            .json("PUT", "/profiles/gate", &front(&["warrant-card-front"]))
            .await;
        assert_eq!(
            (refused.problem(), refused.text("field")),
            ((422, "LayoutSelectionInvalid"), "badge_layouts")
        );
        assert!(
            refused
                .text("detail")
                .contains("warrant-card-front is for documents of the format")
        );

        let role = json!({ "scope": "group", "workflows": ["RequestId"] });
        assert_eq!(machine.json("PUT", "/roles/helpers", &role).await.status, 204);
        let wrong = json!({ "scope": "group", "workflows": ["Everything"] });
        assert_eq!(
            machine.json("PUT", "/roles/helpers", &wrong).await.problem(),
            (422, "field.invalid")
        );
        let ada = world.ada.clone();
        let held = format!("/people/{ada}/roles/helpers");
        assert_eq!(
            machine
                .send("PUT", &format!("/api/v1{held}"), "", b"")
                .await
                .status,
            204
        );
        assert_eq!(
            machine
                .send("DELETE", &format!("/api/v1{held}"), "", b"")
                .await
                .status,
            204
        );

        let key = base64url(&[9; 32]);
        let device = json!({ "key": key, "facts": { "platform": "android" } });
        let devices = format!("/people/{ada}/devices");
        let registered = machine.json("POST", &devices, &device).await;
        assert_eq!((registered.status, registered.text("key")), (201, key.as_str()));
        assert_eq!(
            machine.json("POST", &devices, &device).await.problem(),
            (409, "exists")
        );
        let switch = format!("/devices/{}/enabled", registered.text("id"));
        let off = machine.json("PUT", &switch, &json!({ "enabled": false })).await;
        assert_eq!(off.body["active"], false);
        assert_eq!(machine.get(&devices).await.body[0]["active"], false);
        let trail = machine.get("/audit?after=0").await;
        let entries = trail.body.as_array().unwrap();
        assert!(
            entries
                .iter()
                .any(|entry| entry["entry"].as_str().unwrap().contains("device.register"))
        );
    });
}

#[test]
fn only_who_has_the_files_makes_machines_for_others() {
    everywhere(async |mut world| {
        let (clerk, chief) = (world.clerk.clone(), world.chief.clone());
        world.role("setters", Scope::All, &[Workflow::EditRoles]).await;
        world.grant("setters", &clerk).await;
        for (whose, expected) in [(clerk.clone(), "done"), (chief, "client.other-operator")] {
            let (now, mut rng, secrets) = (world.now, world.rng(), world.terms.secrets.clone());
            let who = operator(&clerk);
            let made = world
                .store
                .write(move |tx| {
                    let wanted = ("m", &whose, [ApiScope::DocumentsWrite].as_slice());
                    clients::add(tx, &who, now, wanted, (&secrets, &mut rng)).map(drop)
                })
                .await;
            assert_eq!(code(made), expected);
        }
    });
}

#[test]
fn the_description_has_every_operation_once_with_its_answers() {
    let description: Value = serde_json::from_str(&api::openapi("/t/club")).unwrap();
    assert_eq!(description["openapi"].as_str().unwrap().get(..3), Some("3.1"));
    let mut names = BTreeSet::new();
    for (path, item) in description["paths"].as_object().unwrap() {
        assert!(path.starts_with("/t/club/"), "{path}");
        for operation in item.as_object().unwrap().values() {
            let name = operation["operationId"].as_str().unwrap();
            assert!(names.insert(name.to_owned()), "{name} is there twice");
            assert!(operation["responses"].get("503").is_some(), "{name}");
            assert!(operation["summary"].is_string(), "{name}");
            for requirement in operation["security"].as_array().unwrap() {
                for scope in requirement["machine"].as_array().into_iter().flatten() {
                    let scope = scope.as_str().unwrap();
                    assert!(ApiScope::named(scope).is_some(), "{name}: {scope}");
                }
            }
        }
    }
    assert!(names.len() > 25, "{names:?}");
}

#[test]
fn the_description_is_served_as_json_and_as_a_page() {
    everywhere(async |world| {
        let nobody = Caller::nobody(&world);
        let json = nobody.send("GET", "/api/openapi.json", "", b"").await;
        assert_eq!(
            (json.status, json.header("content-type")),
            (200, "application/json")
        );
        assert!(json.body["paths"]["/t/club/api/v1/status"]["post"].is_object());
        let page = nobody.send("GET", "/api", "", b"").await;
        assert_eq!(
            (page.status, page.header("content-type")),
            (200, "text/html; charset=utf-8")
        );
        assert!(
            page.header("content-security-policy")
                .starts_with("default-src 'none'")
        );
    });
}
