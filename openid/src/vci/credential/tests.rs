use mdoc_core::crypto::{Curve, RustCrypto, SecretKey};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::jose::jwe::{self, Encryption, JweError, OwnKey};
use crate::jose::jwk::Jwk;
use crate::vci::Draft;
use crate::vci::error::{ErrorAnswer, ErrorCode};
use crate::vci::metadata::ResponseEncryption;
use crate::vci::proof::Proofs;
use crate::vci::world::rng;

fn body(value: &Value) -> Vec<u8> {
    serde_json::to_vec(value).unwrap()
}

/// The request of the reference (OpenID4VCI 1.0, 8.2), with a member of the future.
fn request() -> Value {
    json!({
        "credential_configuration_id": "mdl-2025",
        "proofs": { "jwt": ["eyJ0.a.b", "eyJ0.c.d"] },
        "random": { "member": 1 }
    })
}

fn decoded(value: &Value, oldest: Draft) -> Result<CredentialRequest, RequestError> {
    CredentialRequest::decode(&body(value), false, oldest)
}

fn with(member: &str, value: Value) -> Value {
    let mut request = request();
    let members = request.as_object_mut().unwrap();
    if value.is_null() {
        members.remove(member);
    } else {
        members.insert(member.to_owned(), value);
    }
    request
}

#[test]
fn a_request_is_read_and_what_is_not_known_is_passed_over() {
    let read = decoded(&request(), Draft::Final).unwrap();
    assert_eq!(read.wanted, Wanted::Configuration("mdl-2025".to_owned()));
    assert_eq!(
        read.proofs,
        Some(Proofs::Jwt(vec!["eyJ0.a.b".to_owned(), "eyJ0.c.d".to_owned()]))
    );
    assert_eq!(
        CredentialRequest::decode(&read.encode(Draft::Final), false, Draft::Final),
        Ok(read)
    );
}

#[test]
fn each_way_to_be_wrong_has_its_code() {
    use ErrorCode::{InvalidCredentialRequest, InvalidEncryptionParameters, InvalidProof};
    for (value, expected, code) in [
        (
            with("credential_configuration_id", Value::Null),
            RequestError::Wanted,
            InvalidCredentialRequest,
        ),
        (
            with("credential_identifier", json!("a")),
            RequestError::Wanted,
            InvalidCredentialRequest,
        ),
        (
            with("credential_configuration_id", json!(1)),
            RequestError::Json(BadJson::Shape),
            InvalidCredentialRequest,
        ),
        (with("proofs", json!({})), RequestError::Proofs, InvalidProof),
        (with("proofs", json!([])), RequestError::Proofs, InvalidProof),
        (
            with("proofs", json!({ "jwt": [] })),
            RequestError::Proofs,
            InvalidProof,
        ),
        (
            with("proofs", json!({ "jwt": "a" })),
            RequestError::Proofs,
            InvalidProof,
        ),
        (
            with("proofs", json!({ "jwt": [1] })),
            RequestError::Proofs,
            InvalidProof,
        ),
        (
            with("proofs", json!({ "jwt": ["a"], "attestation": ["b"] })),
            RequestError::Proofs,
            InvalidProof,
        ),
        (
            with("proofs", json!({ "attestation": ["a", "b"] })),
            RequestError::Proofs,
            InvalidProof,
        ),
        (
            with("proofs", json!({ "di_vp": [{}] })),
            RequestError::ProofType,
            InvalidProof,
        ),
        (
            with(
                "credential_response_encryption",
                json!({ "jwk": {}, "enc": "A128GCM" }),
            ),
            RequestError::NotEncrypted,
            InvalidEncryptionParameters,
        ),
    ] {
        assert_eq!(decoded(&value, Draft::Final), Err(expected.clone()), "{value}");
        assert_eq!(expected.code(), code);
    }
    let terms = |value: Value| {
        let request = body(&with("credential_response_encryption", value));
        CredentialRequest::decode(&request, true, Draft::Final)
    };
    assert_eq!(terms(json!({ "enc": "A128GCM" })), Err(RequestError::Encryption));
    assert!(terms(json!({ "jwk": { "kty": "EC" }, "enc": "A128GCM" })).is_ok());
    let twice = br#"{"credential_identifier":"a","credential_identifier":"b"}"#;
    assert_eq!(
        CredentialRequest::decode(twice, false, Draft::Final),
        Err(RequestError::Json(BadJson::Malformed))
    );
}

#[test]
fn forms_of_the_drafts_are_taken_where_those_are_spoken() {
    let old = json!({
        "format": "mso_mdoc", "doctype": "org.iso.18013.5.1.mDL",
        "proof": { "proof_type": "jwt", "jwt": "a.b.c" }
    });
    let read = decoded(&old, Draft::Draft13).unwrap();
    assert_eq!(read.wanted, Wanted::DocType("org.iso.18013.5.1.mDL".to_owned()));
    assert_eq!(read.proofs, Some(Proofs::Jwt(vec!["a.b.c".to_owned()])));
    let again: Value = serde_json::from_slice(&read.encode(Draft::Draft13)).unwrap();
    assert_eq!(again, old);
    assert_eq!(decoded(&old, Draft::Draft15), Err(RequestError::Wanted));
    assert_eq!(decoded(&old, Draft::Final), Err(RequestError::Wanted));
    let mut other = old.clone();
    other["format"] = "vc+sd-jwt".into();
    assert_eq!(decoded(&other, Draft::Draft14), Err(RequestError::Format));
    other = old;
    other["proof"]["proof_type"] = "cwt".into();
    assert_eq!(decoded(&other, Draft::Draft13), Err(RequestError::ProofType));
    // Draft 15: one proof, by the identifier of the final version; the algorithm beside the key.
    let newer = json!({
        "credential_configuration_id": "a",
        "proof": { "proof_type": "attestation", "attestation": "x.y.z" },
        "credential_response_encryption": { "jwk": { "kty": "EC" }, "alg": "ECDH-ES", "enc": "A128GCM" }
    });
    let read = decoded(&newer, Draft::Draft15).unwrap();
    assert_eq!(read.proofs, Some(Proofs::Attestation("x.y.z".to_owned())));
    assert_eq!(read.response_encryption.unwrap().jwk.text("alg"), Some("ECDH-ES"));
    let strict = decoded(&newer, Draft::Final);
    assert_eq!(strict, Err(RequestError::NotEncrypted));
}

fn issued(documents: &[&[u8]]) -> CredentialResponse {
    CredentialResponse::Issued(Issued {
        documents: documents.iter().map(|document| document.to_vec()).collect(),
        notification_id: Some("n-1".to_owned()),
        badge: None,
    })
}

#[test]
fn a_badge_comes_beside_the_documents_and_one_that_is_none_is_passed_over() {
    let side = |letter: &str| BadgeSide {
        svg: format!("<svg xmlns=\"http://www.w3.org/2000/svg\">{letter}</svg>"),
        png: letter.as_bytes().to_vec(),
    };
    let sent = Issued {
        documents: vec![vec![1]],
        notification_id: None,
        badge: Some(Badge {
            front: side("f"),
            back: Some(side("b")),
        }),
    };
    assert_eq!(
        format!("{:?}", sent.badge),
        "Some(Badge(2 sides))",
        "nothing of the person"
    );
    let (status, text) = CredentialResponse::Issued(sent.clone()).encode(Draft::Final);
    let read: Value = serde_json::from_slice(&text).unwrap();
    assert_eq!(read["credentials"][0]["credential"], "AQ");
    assert_eq!(read[BADGE]["back"]["png"], "Yg");
    let answer = Answer::decode(status, &text, None);
    assert_eq!(
        answer,
        Ok(Answer::Response(CredentialResponse::Issued(sent.clone())))
    );

    let large = "A".repeat((LARGEST_BADGE_FILE + 1) / 3 * 4 + 4);
    for bad in [
        json!([]),
        json!({ "back": { "svg": "", "png": "" } }),
        json!({ "front": { "svg": "<svg/>" } }),
        json!({ "front": { "svg": "<svg/>", "png": "%" } }),
        json!({ "front": { "svg": "<svg/>", "png": "" }, "back": null }),
        json!({ "front": { "svg": "<svg/>", "png": large } }),
    ] {
        let text = body(&json!({ "credentials": [{ "credential": "AQ" }], BADGE: bad }));
        let answer = Answer::decode(200, &text, None);
        let plain = Issued {
            badge: None,
            ..sent.clone()
        };
        assert_eq!(answer, Ok(Answer::Response(CredentialResponse::Issued(plain))));
    }
}

#[test]
fn as_many_documents_fit_as_wallets_read_in_an_encrypted_answer() {
    let document = vec![7; 300 * 1024];
    let side = || BadgeSide {
        svg: "\"".repeat(1024 * 1024),
        png: vec![7; 1024 * 1024],
    };
    let mut answer = Issued {
        documents: vec![document.clone()],
        notification_id: Some("n".repeat(43)),
        badge: Some(Badge {
            front: side(),
            back: Some(side()),
        }),
    };
    let most = answer.most_documents();
    assert_eq!(most, 13);
    let own = SecretKey::generate(Curve::P256, &mut rng(1));
    let terms = ResponseTerms::new(Jwk::new(own.public_key()).with("kid", "w1"), Encryption::A256Gcm);
    let recipient = terms
        .recipient(Some(&ResponseEncryption::baseline(false)))
        .unwrap();
    for (count, fits) in [(most, true), (most + 2, false)] {
        answer.documents = vec![document.clone(); count];
        let (_, text) = CredentialResponse::Issued(answer.clone()).encode(Draft::Final);
        let sealed = encrypt(&text, &recipient, &mut rng(2), &RustCrypto).unwrap();
        assert_eq!(sealed.len() <= LARGEST_ANSWER, fits, "{count}: {}", sealed.len());
    }
    answer.badge = None;
    assert!(answer.most_documents() > 25);
}

#[test]
fn an_answer_may_be_larger_than_a_message() {
    let document = vec![7; json::LARGEST];
    let (status, text) = issued(&[&document]).encode(Draft::Final);
    assert!(Answer::decode(status, &text, None).is_ok(), "{}", text.len());
    let own = SecretKey::generate(Curve::P256, &mut rng(1));
    let terms = ResponseTerms::new(Jwk::new(own.public_key()).with("kid", "w1"), Encryption::A256Gcm);
    let recipient = terms
        .recipient(Some(&ResponseEncryption::baseline(false)))
        .unwrap();
    let sealed = encrypt(&text, &recipient, &mut rng(2), &RustCrypto).unwrap();
    let keys = [OwnKey {
        kid: Some("w1"),
        secret: &own,
    }];
    let opened = decrypt_answer(sealed.as_bytes(), &keys, &RustCrypto).unwrap();
    assert_eq!(*opened, text);
    assert_eq!(
        decrypt(sealed.as_bytes(), &keys, false, &RustCrypto),
        Err(JweError::TooLarge),
        "a request is bounded as before"
    );
}

#[test]
fn answers_come_back() {
    let two = issued(&[&[0xa2, 0xff], &[1]]);
    let (status, text) = two.encode(Draft::Draft13);
    assert_eq!(status, 200);
    assert_eq!(
        String::from_utf8(text.clone()).unwrap(),
        r#"{"credentials":[{"credential":"ov8"},{"credential":"AQ"}],"notification_id":"n-1"}"#,
        "without padding; two have no place of the drafts"
    );
    assert_eq!(Answer::decode(status, &text, None), Ok(Answer::Response(two)));
    let pending = CredentialResponse::Pending {
        transaction_id: "t".to_owned(),
        interval: 30,
    };
    let (status, text) = pending.encode(Draft::Final);
    assert_eq!(status, 202);
    assert_eq!(Answer::decode(status, &text, None), Ok(Answer::Response(pending)));
    let one = String::from_utf8(issued(&[&[1]]).encode(Draft::Draft14).1).unwrap();
    assert!(
        one.contains(r#""credential":"AQ""#) && one.contains(r#""credentials":"#),
        "{one}"
    );
    let one = String::from_utf8(issued(&[&[1]]).encode(Draft::Final).1).unwrap();
    assert_eq!(one.matches("credential\"").count(), 1);
}

#[test]
fn answers_of_the_drafts_are_understood() {
    let documents = |text: &str| match Answer::decode(200, text.as_bytes(), None) {
        Ok(Answer::Response(CredentialResponse::Issued(issued))) => issued.documents,
        other => panic!("{other:?}"),
    };
    assert_eq!(documents(r#"{"credential":"AQ"}"#), [vec![1]]);
    assert_eq!(documents(r#"{"credentials":["AQ","Ag"]}"#), [vec![1], vec![2]]);
    assert_eq!(documents(r#"{"credentials":[{"credential":"AQ=="}]}"#), [vec![1]]);
    let pending = CredentialResponse::pending_in_drafts(7).encode();
    assert_eq!(
        Answer::decode(400, &pending, Some("t")),
        Ok(Answer::Response(CredentialResponse::Pending {
            transaction_id: "t".to_owned(),
            interval: 7
        }))
    );
    let refused = br#"{"error":"invalid_proof","c_nonce":"n"}"#;
    let answer = Answer::decode(400, refused, None).unwrap();
    assert_eq!(answer.fresh_nonce(), Some(&Secret::from("n")));
}

#[test]
fn answers_that_are_none_are_refused() {
    for (status, text, expected) in [
        (200, "{", ResponseError::Json(BadJson::Malformed)),
        (200, "{}", ResponseError::Neither),
        (200, r#"{"credentials":[]}"#, ResponseError::Neither),
        (200, r#"{"credentials":[{}]}"#, ResponseError::Document),
        (
            200,
            r#"{"credentials":[{"credential":"*"}]}"#,
            ResponseError::Document,
        ),
        (500, "oops", ResponseError::Status(500)),
        (404, "{}", ResponseError::Status(404)),
    ] {
        assert_eq!(
            Answer::decode(status, text.as_bytes(), None),
            Err(expected),
            "{text}"
        );
    }
    let many = json!({ "credentials": vec![json!({ "credential": "AQ" }); 1001] });
    assert_eq!(
        Answer::decode(200, &body(&many), None),
        Err(ResponseError::TooMany)
    );
}

#[test]
fn every_error_is_told_apart() {
    for code in ErrorCode::ALL {
        let body = ErrorAnswer::new(*code, "why");
        let answer = Answer::decode(400, &body.encode(), None).unwrap();
        assert_eq!(answer, Answer::Error { status: 400, body });
    }
}

#[test]
fn what_comes_later_is_asked_for_by_its_transaction() {
    let request = DeferredRequest {
        transaction_id: "t".to_owned(),
        response_encryption: None,
    };
    assert_eq!(
        DeferredRequest::decode(&request.encode(), false, Draft::Final),
        Ok(request)
    );
    let none = DeferredRequest::decode(b"{}", false, Draft::Final).unwrap_err();
    assert_eq!(none.code(), ErrorCode::InvalidTransactionId);
}

#[test]
fn notifications_have_three_events() {
    for (event, text) in [
        (Event::CredentialAccepted, "credential_accepted"),
        (Event::CredentialFailure, "credential_failure"),
        (Event::CredentialDeleted, "credential_deleted"),
    ] {
        let notification = Notification {
            notification_id: "n".to_owned(),
            event,
            event_description: None,
        };
        let body = notification.encode();
        assert_eq!(
            String::from_utf8(body.clone()).unwrap(),
            format!(r#"{{"notification_id":"n","event":"{text}"}}"#)
        );
        assert_eq!(Notification::decode(&body), Ok(notification));
    }
    let unknown = br#"{"notification_id":"n","event":"lost"}"#;
    assert_eq!(Notification::decode(unknown), Err(BadJson::Shape));
    let nonce = NonceResponse::decode(br#"{"c_nonce":"n","x":1}"#).unwrap();
    assert_eq!(nonce.encode(), br#"{"c_nonce":"n"}"#);
}

#[test]
fn an_answer_is_encrypted_as_it_was_asked_for_if_that_is_offered() {
    let secret = SecretKey::generate(Curve::P256, &mut rng(5));
    let jwk = Jwk::new(secret.public_key()).with("kid", "w1");
    let mut terms = ResponseTerms::new(jwk, Encryption::A256Gcm);
    let offered = ResponseEncryption::baseline(false);
    let recipient = terms.recipient(Some(&offered)).unwrap();
    let text = encrypt(b"{}", &recipient, &mut rng(6), &RustCrypto).unwrap();
    let keys = [OwnKey {
        kid: Some("w1"),
        secret: &secret,
    }];
    assert_eq!(
        &**decrypt(text.as_bytes(), &keys, false, &RustCrypto).unwrap(),
        b"{}"
    );

    assert_eq!(terms.recipient(None).unwrap_err(), JweError::Encryption);
    let mut less = offered.clone();
    less.enc_values_supported = vec!["A128GCM".to_owned()];
    assert_eq!(terms.recipient(Some(&less)).unwrap_err(), JweError::Encryption);
    less = offered.clone();
    less.alg_values_supported = vec!["RSA-OAEP".to_owned()];
    assert_eq!(terms.recipient(Some(&less)).unwrap_err(), JweError::Algorithm);
    terms.zip = Some(jwe::DEFLATE.to_owned());
    assert_eq!(
        terms.recipient(Some(&offered)).unwrap_err(),
        JweError::Compression
    );
    less = offered;
    less.zip_values_supported = vec![jwe::DEFLATE.to_owned()];
    assert!(terms.recipient(Some(&less)).unwrap().compress);
}

#[test]
fn documents_are_not_shown() {
    let shown = format!("{:?}", issued(&[b"secret"]));
    assert!(!shown.contains("115"), "{shown}");
}

proptest! {
    #[test]
    fn any_body_is_read_or_refused(bytes in any::<Vec<u8>>(), status in 100_u16..600) {
        let _ = CredentialRequest::decode(&bytes, false, Draft::Draft13);
        let _ = DeferredRequest::decode(&bytes, true, Draft::Draft13);
        let _ = Answer::decode(status, &bytes, Some("t"));
    }

    #[test]
    fn what_is_written_is_read(id in ".{0,20}", tokens in prop::collection::vec("[a-z.]{0,9}", 1..4)) {
        let request = CredentialRequest {
            wanted: Wanted::Identifier(id),
            proofs: Some(Proofs::Jwt(tokens)),
            response_encryption: None,
        };
        for version in [Draft::Draft13, Draft::Draft15, Draft::Final] {
            let read = CredentialRequest::decode(&request.encode(version), false, version);
            prop_assert_eq!(read.as_ref(), Ok(&request));
        }
    }
}
