//! Everything that an issuer may do wrong, or say no to.

use super::issuer::DOC_TYPE;
use super::*;

use serde_json::{Value, json};

fn refused(place: &'static str, status: u16, body: Value) -> CollectError {
    let mut world = World::new();
    world.issuer.instead.insert(place, (status, body));
    world.given(1).unwrap_err()
}

#[test]
fn every_error_of_every_endpoint_is_told() {
    for (place, at, codes) in [
        (
            "/token",
            Step::Token,
            &[
                "invalid_request",
                "invalid_client",
                "invalid_grant",
                "unauthorized_client",
                "unsupported_grant_type",
                "invalid_scope",
                "invalid_authorization_details",
                "invalid_dpop_proof",
                "use_dpop_nonce",
                "a_code_of_the_future",
            ][..],
        ),
        ("/nonce", Step::Nonce, &["server_error"]),
        (
            "/credential",
            Step::Credential,
            &[
                "invalid_credential_request",
                "unknown_credential_configuration",
                "unknown_credential_identifier",
                "invalid_proof",
                "invalid_nonce",
                "invalid_encryption_parameters",
                "credential_request_denied",
                "invalid_token",
                "insufficient_scope",
                "use_dpop_nonce",
            ],
        ),
    ] {
        for code in codes {
            let error = refused(place, 400, json!({ "error": code, "error_description": "why" }));
            let CollectError::Refused {
                at: found,
                status,
                answer,
            } = &error
            else {
                panic!("{error}");
            };
            assert_eq!((found, *status), (&at, 400), "{code}");
            assert_eq!(answer.as_ref().unwrap().error, *code);
            assert!(error.to_string().contains(&format!("{code} (why)")), "{error}");
        }
        let broken = refused(place, 500, json!("oops"));
        let told = matches!(
            broken,
            CollectError::Refused {
                status: 500,
                answer: None,
                ..
            } | CollectError::Response(ResponseError::Status(500))
        );
        assert!(told, "{broken}");
    }
}

#[test]
fn what_was_to_come_later_may_be_refused() {
    for code in ["invalid_transaction_id", "credential_request_denied"] {
        let mut world = World::new();
        world.issuer.pending = 5;
        let Given::Later(pending) = world.given(1).unwrap() else {
            panic!("now");
        };
        world
            .issuer
            .instead
            .insert("/deferred", (400, json!({ "error": code })));
        let error = world.run(pending.ask().unwrap()).unwrap_err();
        assert!(
            matches!(&error, CollectError::Refused { at: Step::Deferred, answer: Some(answer), .. }
                if answer.error == code),
            "{error}"
        );
    }
    // Drafts 13 to 15 say with an error that it takes longer.
    let mut world = World::new();
    world.issuer.pending = 5;
    let Given::Later(pending) = world.given(1).unwrap() else {
        panic!("now");
    };
    let body = json!({ "error": "issuance_pending", "interval": 9 });
    world.issuer.instead.insert("/deferred", (400, body));
    let Given::Later(pending) = world.run(pending.ask().unwrap()).unwrap() else {
        panic!("now");
    };
    assert_eq!(pending.interval(), 9);
}

#[test]
fn documents_that_do_not_hold_are_a_failure_that_is_told() {
    let unusable = |change: fn(&mut World), keys: u8| {
        let mut world = World::new();
        change(&mut world);
        let collected = world.collected(keys).unwrap();
        let Outcome::Unusable(unusable) = world.judged(collected) else {
            panic!("taken");
        };
        let fault = unusable.fault().clone();
        world.run(unusable.tell().unwrap()).unwrap();
        assert_eq!(world.issuer.notified, ["credential_failure"]);
        fault
    };
    assert_eq!(
        unusable(|world| world.issuer.doc_type = "org.example.other", 1),
        DocumentFault::DocType
    );
    assert_eq!(
        unusable(|world| world.issuer.wrong_key = true, 1),
        DocumentFault::DeviceKey
    );
    assert_eq!(
        unusable(
            |world| world.issuer.spoil = |_, document| document[1..].to_vec(),
            1
        ),
        DocumentFault::Undecodable
    );
    // The last of three has another name in it.
    let renamed = |at: usize, mut document: Vec<u8>| {
        let name = document.windows(3).position(|bytes| bytes == b"Doe").unwrap();
        if at == 2 {
            document[name] = b'R';
        }
        document
    };
    let mut world = World::new();
    world.issuer.spoil = renamed;
    let collected = world.collected(3).unwrap();
    let Outcome::Unusable(spoilt) = world.judged(collected) else {
        panic!("taken");
    };
    assert!(
        matches!(spoilt.fault(), DocumentFault::Check("digest", _)),
        "{}",
        spoilt.fault()
    );
    // One bit of the signature, which is the last of a document.
    let fault = unusable(
        |world| {
            world.issuer.spoil = |_, mut document| {
                let len = document.len();
                let at = document
                    .windows(2)
                    .rposition(|bytes| bytes == [0x58, 0x40])
                    .unwrap();
                assert!(at + 66 <= len);
                document[at + 30] ^= 1;
                document
            };
        },
        1,
    );
    assert!(
        matches!(fault, DocumentFault::Check("issuer-signature", _)),
        "{fault}"
    );
}

#[test]
fn an_issuer_that_is_not_trusted_is_noticed_if_anchors_are_given() {
    let mut world = World::new();
    let other = Issuer::new_root();
    let collected = world.collected(1).unwrap();
    let anchors = [TrustAnchor::new(other)];
    let now = Timestamp::parse(NOW).unwrap();
    let judge = Judge {
        anchors: &anchors,
        now,
    };
    let Outcome::Unusable(unusable) = collected.judge(&judge) else {
        panic!("taken");
    };
    assert!(
        matches!(unusable.fault(), DocumentFault::Check("ds-chain", _)),
        "{}",
        unusable.fault()
    );
    // Without any, all but who signed is judged.
    let collected = World::new().collected(1).unwrap();
    let judge = Judge { anchors: &[], now };
    match collected.judge(&judge) {
        Outcome::Received(received) => assert_eq!(received.copies().len(), 1),
        Outcome::Unusable(unusable) => panic!("{}", unusable.fault()),
    }
}

#[test]
fn more_documents_than_keys_or_one_twice_are_refused() {
    let mut world = World::new();
    let Given::Now(collected) = world.given(2).unwrap() else {
        panic!("later");
    };
    let Outcome::Received(received) = world.judged(collected) else {
        panic!("unusable");
    };
    let document = |at: usize| {
        let bytes = &received.copies()[at].document;
        json!({ "credential": mdoc_openid::jose::base64url(bytes) })
    };
    for (documents, keys, fault) in [
        (json!([document(0), document(0)]), 2, DocumentFault::DeviceKey),
        (json!([document(0), document(1)]), 1, DocumentFault::TooMany),
    ] {
        let mut world = World::new();
        let body = json!({ "credentials": documents });
        world.issuer.instead.insert("/credential", (200, body));
        let collected = world.collected(keys).unwrap();
        let Outcome::Unusable(unusable) = world.judged(collected) else {
            panic!("taken");
        };
        assert_eq!(*unusable.fault(), fault);
        assert!(unusable.tell().is_none(), "nothing to tell it by");
    }
}

#[test]
fn metadata_and_offers_that_are_wrong_end_it() {
    let plan = |place: &'static str, body: Value| {
        let mut world = World::new();
        world.issuer.instead.insert(place, (200, body));
        world.plan().unwrap_err()
    };
    assert!(matches!(plan("/offer/1", json!({})), CollectError::Offer(_)));
    let other = json!({ "credential_issuer": "https://other.example", "credential_endpoint": "https://a",
        "credential_configurations_supported": {} });
    let error = plan("/openid-credential-issuer/t/dmv", other);
    // The old place was tried too.
    assert!(
        matches!(
            error,
            CollectError::Refused {
                at: Step::Issuer,
                status: 404,
                ..
            }
        ),
        "{error}"
    );
    let server = json!({ "issuer": "https://other.example" });
    let error = plan("/oauth-authorization-server/t/dmv", server);
    assert!(
        matches!(error, CollectError::Refused { at: Step::Server, .. }),
        "{error}"
    );
    let nothing = json!({ "credential_issuer": "https://id.example.org/t/dmv",
        "credential_endpoint": "https://id.example.org/c",
        "credential_configurations_supported": { "mdl": { "format": "dc+sd-jwt" } } });
    assert_eq!(
        plan("/openid-credential-issuer/t/dmv", nothing),
        CollectError::NoDocument
    );
}

#[test]
fn codes_are_given_exactly_if_they_are_asked_for() {
    let mut world = World::new();
    let plan = world.plan().unwrap();
    let redeem = |plan: &Plan, code: Option<&str>, world: &mut World| {
        let code = code.map(mdoc_openid::Secret::from);
        plan.redeem(code.as_ref(), "w", &mut world.around()).map(drop)
    };
    assert_eq!(redeem(&plan, None, &mut world), Err(CollectError::TxCodeNeeded));
    assert_eq!(redeem(&plan, Some("1"), &mut world), Ok(()));
    let without = json!({ "credential_issuer": "https://id.example.org/t/dmv",
        "credential_configuration_ids": ["mdl"], "grants": {
        "urn:ietf:params:oauth:grant-type:pre-authorized_code": { "pre-authorized_code": "a" } } });
    world.issuer.instead.insert("/offer/1", (200, without));
    let plan = world.plan().unwrap();
    assert_eq!(
        redeem(&plan, Some("1"), &mut world),
        Err(CollectError::TxCodeNotNeeded)
    );
    assert_eq!(redeem(&plan, None, &mut world), Ok(()));
    assert!(matches!(
        plan.clone().choose("other"),
        Err(CollectError::NotOffered(name)) if name == "other"
    ));
    let grant = plan
        .authorize("w", "http://127.0.0.1", &mut world.around())
        .map(drop);
    assert_eq!(grant, Err(CollectError::NoGrant));
}

#[test]
fn tokens_keys_and_documents_are_not_shown() {
    let mut world = World::new();
    let received = world.received(1);
    let shown = format!("{received:?}");
    assert!(
        !shown.contains("access-1") && !shown.contains("refresh-1"),
        "{shown}"
    );
    assert!(!shown.contains("68, 111, 101"), "{shown}");
    let mut get = received.session().clone().refresh().unwrap();
    let request = get.request(&mut world.around()).unwrap();
    assert_eq!(format!("{request:?}"), "POST https://id.example.org/t/dmv/token");
    assert_eq!(received.session().doc_type(), Some(DOC_TYPE));
}
