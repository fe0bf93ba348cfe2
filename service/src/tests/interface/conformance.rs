//! The rules for issuers that nothing else here holds, one after the other; `docs/openid4vci.md` has the whole list.

use mdoc_core::crypto::{Curve, RustCrypto, SecretKey};
use mdoc_core::issuer_signed::IssuerSigned;
use mdoc_core::limits::Limits;
use mdoc_core::mso::ValidityInfo;
use mdoc_core::seams::{Signer as _, SoftwareKey};
use mdoc_openid::jose::jwe::{Encryption, OwnKey};
use mdoc_openid::jose::{Jwk, base64url, from_base64url};
use mdoc_openid::vci::credential::{self, ResponseTerms};
use mdoc_openid::vci::metadata::IssuerMetadata;
use mdoc_openid::vci::proof;
use mdoc_openid::vci::token::{Grant, TokenRequest, TokenResponse};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use serde_json::{Value, json};

use super::wallet::{Answered, Wallet};
use super::{ISSUER, begun, issued, offer, redeemed};
use crate::domain::profile::GenerateCode;
use crate::service::Service;
use crate::tests::world::{everywhere, operator};
use crate::usecase::document::Why;
use crate::usecase::validate;

fn read(document: &[u8]) -> IssuerSigned<'_> {
    IssuerSigned::decode(document, &Limits::DEFAULT).unwrap()
}

fn body(answer: &Answered) -> Value {
    serde_json::from_slice(&answer.body).unwrap()
}

#[test]
fn an_offer_has_nothing_personal_in_it_and_is_plain_json() {
    everywhere(async |mut world| {
        let offer = offer(&mut world).await;
        let wallet = Wallet::new(&mut world);
        let path = format!("/t/club/offer/{}", base64url(&*offer.secret));
        let answer = wallet.get(&path, &[]).await;
        assert_eq!(answer.header("content-type"), "application/json");
        assert_eq!(body(&answer)["credential_configuration_ids"], json!(["licence"]));
        let text = String::from_utf8(answer.body).unwrap().to_lowercase();
        let code = offer.code.unwrap();
        for personal in [
            "ada@example.org",
            "+441632960123",
            code.as_str(),
            offer.invitation.as_str(),
        ] {
            assert!(!text.contains(&personal.to_lowercase()), "{personal}: {text}");
        }
    });
}

#[test]
fn the_errors_of_the_token_endpoint() {
    everywhere(async |mut world| {
        world
            .profile("licence", |s| s.generate_code_on_request = GenerateCode::None)
            .await;
        let offer = offer(&mut world).await;
        let mut wallet = Wallet::new(&mut world);
        let pre = wallet.pre_authorized(&offer).await;
        for (form, expected) in [
            (String::new(), "invalid_request"),
            ("grant_type=password".to_owned(), "unsupported_grant_type"),
            (
                "grant_type=authorization_code&code=AAAA".to_owned(),
                "invalid_grant",
            ),
            (
                "grant_type=refresh_token&refresh_token=AAAA".to_owned(),
                "invalid_grant",
            ),
            (
                format!(
                    "{}&authorization_details=%7B",
                    TokenRequest::new(Grant::RefreshToken { token: "AAAA".into() }).encode()
                ),
                "invalid_authorization_details",
            ),
        ] {
            let refused = wallet.ask("/t/club/token", &form).await;
            assert_eq!(
                (refused.status, refused.error(), refused.header("cache-control")),
                (400, expected.to_owned(), "no-store"),
                "{form}"
            );
        }
        // A code where none is expected.
        assert_eq!(wallet.token(&pre, Some("1")).await.error(), "invalid_request");
        assert_eq!(wallet.token(&pre, None).await.status, 200);
        assert_eq!(wallet.get("/t/club/token", &[]).await.status, 405);
    });
}

#[test]
fn a_token_that_is_bound_to_no_key_is_good_for_five_minutes_at_most() {
    everywhere(async |mut world| {
        world.terms.session_lifetime = 1800;
        world.profile("licence", |s| s.issue_over_existing = true).await;
        let offer_ = offer(&mut world).await;
        let mut wallet = Wallet::new(&mut world);
        let pre = wallet.pre_authorized(&offer_).await;
        let form = TokenRequest::new(Grant::PreAuthorizedCode {
            code: pre.as_str().into(),
            tx_code: offer_.code.as_ref().map(|code| code.as_str().into()),
        });
        let kind = [("content-type", "application/x-www-form-urlencoded")];
        let plain = wallet
            .post("/t/club/token", &kind, form.encode().as_bytes())
            .await;
        let plain = TokenResponse::decode(&plain.body).unwrap();
        assert_eq!(
            (plain.token_type.as_str(), plain.expires_in),
            ("Bearer", Some(300))
        );
        assert!(plain.refresh_token.is_none() && plain.c_nonce.is_none());
        let second = offer(&mut world).await;
        let bound = redeemed(&mut wallet, &second).await;
        let bound = TokenResponse::decode(&bound.body).unwrap();
        assert_eq!(
            (bound.token_type.as_str(), bound.expires_in),
            ("DPoP", Some(1800))
        );
    });
}

#[test]
fn the_metadata_keeps_its_rules_and_what_is_signed_says_for_whom() {
    everywhere(async |mut world| {
        let wallet = Wallet::new(&mut world);
        let place = "/.well-known/openid-credential-issuer/t/club";
        let metadata = body(&wallet.get(place, &[]).await);
        assert!(metadata.get("authorization_servers").is_none());
        assert!(
            metadata["batch_credential_issuance"]["batch_size"]
                .as_u64()
                .unwrap()
                >= 2
        );
        let licence = &metadata["credential_configurations_supported"]["licence"];
        let algorithms = licence["credential_signing_alg_values_supported"]
            .as_array()
            .unwrap();
        assert!(
            algorithms.iter().all(Value::is_i64) && algorithms.contains(&json!(-7)),
            "{licence}"
        );
        assert_eq!(
            licence["cryptographic_binding_methods_supported"],
            json!(["cose_key"])
        );
        assert!(licence["proof_types_supported"]["jwt"]["proof_signing_alg_values_supported"][0].is_string());
        assert!(licence["scope"].is_string());
        let paths: Vec<&Value> = licence["credential_metadata"]["claims"]
            .as_array()
            .unwrap()
            .iter()
            .map(|claim| &claim["path"])
            .collect();
        assert!(!paths.is_empty());
        for (at, path) in paths.iter().enumerate() {
            assert_eq!(path.as_array().map(Vec::len), Some(2));
            assert!(!paths[..at].contains(path), "{path} is there twice");
        }
        let signed = wallet.get(place, &[("accept", "application/jwt")]).await;
        let text = String::from_utf8(signed.body).unwrap();
        let part = |at: usize| -> Value {
            let part = text.split('.').nth(at).unwrap();
            serde_json::from_slice(&from_base64url(part).unwrap()).unwrap()
        };
        assert_eq!(part(0)["typ"], "openidvci-issuer-metadata+jwt");
        assert!(part(0)["x5c"].is_array());
        assert_eq!(part(1)["sub"], ISSUER);
        assert!(part(1)["iat"].is_i64());
        for (name, value) in metadata.as_object().unwrap() {
            assert_eq!(&part(1)[name], value, "{name}");
        }
    });
}

#[test]
fn the_nonce_endpoint_is_asked_by_post_without_a_token() {
    everywhere(async |mut world| {
        let wallet = Wallet::new(&mut world);
        assert_eq!(wallet.get("/t/club/nonce", &[]).await.status, 405);
        let (one, other) = (wallet.nonce().await, wallet.nonce().await);
        assert_ne!(one, other);
        assert!(one.len() >= 22, "{one} has not 128 bits");
    });
}

#[test]
fn a_key_proof_that_does_not_hold_is_refused() {
    everywhere(async |mut world| {
        let (mut wallet, token) = begun(&mut world).await;
        let nonce = wallet.nonce().await;
        let now = world.now;
        let mut rng = ChaCha20Rng::seed_from_u64(5);
        let key = SoftwareKey::new(SecretKey::generate(Curve::P256, &mut rng)).unwrap();
        let sign = |issuer: &str, client: Option<&str>, nonce: Option<&str>| {
            proof::sign(issuer, client, nonce, None, now, &key).unwrap()
        };
        let good = sign(ISSUER, None, Some(&nonce));
        let (signed, signature) = good.rsplit_once('.').unwrap();
        let mut broken = from_base64url(signature).unwrap();
        broken[10] ^= 1;
        let broken = format!("{signed}.{}", base64url(&broken));
        for (what, proofs) in [
            ("a broken signature", json!({ "jwt": [broken] })),
            (
                "another audience",
                json!({ "jwt": [sign("https://other.example", None, Some(&nonce))] }),
            ),
            (
                "a client where there is none",
                json!({ "jwt": [sign(ISSUER, Some("w"), Some(&nonce))] }),
            ),
            ("no nonce", json!({ "jwt": [sign(ISSUER, None, None)] })),
            ("one key twice", json!({ "jwt": [good, good] })),
            ("no proof", json!({ "jwt": [] })),
            ("two kinds", json!({ "jwt": [good], "attestation": [good] })),
            ("another kind", json!({ "di_vp": [{}] })),
            (
                "an attestation that nobody asked for",
                json!({ "attestation": [good] }),
            ),
        ] {
            let request = json!({ "credential_configuration_id": "licence", "proofs": proofs });
            let refused = wallet.credential(&token, request.to_string().as_bytes()).await;
            assert_eq!(
                (refused.status, refused.error()),
                (400, "invalid_proof".to_owned()),
                "{what}"
            );
            assert_eq!(refused.header("cache-control"), "no-store");
        }
        // The form of the drafts is gone.
        let single = json!({ "credential_configuration_id": "licence", "proof": { "proof_type": "jwt", "jwt": good } });
        let refused = wallet.credential(&token, single.to_string().as_bytes()).await;
        assert_eq!(refused.error(), "invalid_proof");
        let request = json!({ "credential_configuration_id": "licence", "proofs": { "jwt": [good] } });
        let given = wallet.credential(&token, request.to_string().as_bytes()).await;
        // Base64url without padding, of an IssuerSigned, bound to the key of the proof.
        let text = body(&given)["credentials"][0]["credential"]
            .as_str()
            .unwrap()
            .to_owned();
        let document = from_base64url(&text).expect("no padding");
        let mso = read(&document).mso(&Limits::DEFAULT).unwrap();
        assert_eq!(&mso.device_key_info.device_key.unwrap(), key.public_key());
    });
}

#[test]
fn what_is_asked_for_is_what_the_token_is_for() {
    everywhere(async |mut world| {
        world.profile("other", |_| {}).await;
        let (mut wallet, token) = begun(&mut world).await;
        for (wanted, expected) in [
            (json!({}), "invalid_credential_request"),
            (json!({ "format": "mso_mdoc" }), "invalid_credential_request"),
            (
                json!({ "credential_configuration_id": 1 }),
                "invalid_credential_request",
            ),
            (
                json!({ "credential_configuration_id": "other" }),
                "unknown_credential_configuration",
            ),
            (
                json!({ "credential_configuration_id": "nothing" }),
                "unknown_credential_configuration",
            ),
            (
                json!({ "credential_identifier": "nothing" }),
                "unknown_credential_identifier",
            ),
            // The right one, which the wallet was not told.
            (
                json!({ "credential_identifier": world.only_document().await.as_str() }),
                "invalid_credential_request",
            ),
        ] {
            let refused = wallet.collect_by(&token, wanted).await;
            assert_eq!((refused.status, refused.error()), (400, expected.to_owned()));
        }
        let path = format!("/t/club/credential?access_token={}", token.token().expose());
        let refused = wallet.post(&path, &[], b"{}").await;
        assert_eq!(
            (refused.status, refused.error()),
            (401, "invalid_token".to_owned())
        );
    });
}

#[test]
fn times_do_not_follow_the_clock_and_places_no_pattern() {
    everywhere(async |mut world| {
        let (mut wallet, token) = begun(&mut world).await;
        let first = issued(&wallet.collect(&token, 3).await).documents;
        wallet.later(&mut world, 7, |_| {});
        let second = issued(&wallet.collect(&token, 3).await).documents;
        let all: Vec<&Vec<u8>> = first.iter().chain(&second).collect();
        let msos: Vec<_> = all
            .iter()
            .map(|document| read(document).mso(&Limits::DEFAULT).unwrap())
            .collect();
        let times: Vec<&ValidityInfo> = msos.iter().map(|mso| &mso.validity_info).collect();
        assert!(times.iter().all(|one| *one == times[0]), "{times:?}");
        assert_eq!(times[0].signed.unix() % 3600, 0);
        assert_eq!(times[0].valid_until.unix() % 3600, 0);
        let mut places: Vec<u64> = msos
            .iter()
            .map(|mso| mso.status.as_ref().unwrap().status_list.as_ref().unwrap().index)
            .collect();
        let steps: Vec<i128> = places
            .windows(2)
            .map(|pair| i128::from(pair[1]) - i128::from(pair[0]))
            .collect();
        assert!(steps.iter().any(|step| *step != steps[0]), "{places:?}");
        places.sort_unstable();
        places.dedup();
        assert_eq!(places.len(), 6);
    });
}

#[test]
fn what_is_denied_is_denied_and_what_waits_keeps_its_name() {
    everywhere(async |mut world| {
        world.profile("licence", |s| s.validate_issuance = true).await;
        world.data_of("loyalty-card").await;
        let (clerk, chief) = (world.clerk.clone(), world.chief.clone());
        let serial = world.request_as(&clerk, "licence").await.unwrap().document.serial;
        let offer = world.hand_out(&clerk, &serial).await.unwrap();
        let mut wallet = Wallet::new(&mut world);
        let token = redeemed(&mut wallet, &offer).await;
        let waiting = wallet.collect(&token, 1).await;
        assert_eq!(waiting.status, 202);
        let transaction = body(&waiting)["transaction_id"].as_str().unwrap().to_owned();
        assert!(body(&waiting)["interval"].as_u64().unwrap() > 0);
        let again = wallet.deferred(&token, &transaction).await;
        assert_eq!((again.status, &body(&again)), (202, &body(&waiting)));
        assert_eq!(
            wallet.deferred(&token, "AAAA").await.error(),
            "invalid_transaction_id"
        );
        let (now, terms) = (world.now, world.terms.clone());
        world
            .run(move |tx| {
                let why = Why {
                    reason: Some("not-entitled"),
                    notes: None,
                };
                let judged = (&serial, false, &terms);
                validate::validate(
                    tx,
                    &operator(&chief),
                    now,
                    judged,
                    why,
                    &mut crate::random::system(),
                )
            })
            .await;
        let refused = wallet.deferred(&token, &transaction).await;
        assert_eq!(
            (refused.status, refused.error()),
            (400, "credential_request_denied".to_owned())
        );
    });
}

#[test]
fn a_notification_that_is_none_is_refused() {
    everywhere(async |mut world| {
        let (mut wallet, token) = begun(&mut world).await;
        let id = issued(&wallet.collect(&token, 1).await).notification_id.unwrap();
        let refused = wallet.notify(&token, &id, "credential_eaten").await;
        assert_eq!(
            (refused.status, refused.error()),
            (400, "invalid_notification_request".to_owned())
        );
        for event in ["credential_accepted", "credential_accepted", "credential_deleted"] {
            assert_eq!(wallet.notify(&token, &id, event).await.status, 204, "{event}");
        }
        let mut other = Wallet::with_key(&mut world, 99);
        assert_eq!(other.notify(&token, &id, "credential_accepted").await.status, 401);
    });
}

#[test]
fn requests_and_answers_are_encrypted_as_the_metadata_says() {
    everywhere(async |mut world| {
        let mut rng = ChaCha20Rng::seed_from_u64(8);
        let (secret, own) = (
            SecretKey::generate(Curve::P256, &mut rng),
            SecretKey::generate(Curve::P256, &mut rng),
        );
        let offer = offer(&mut world).await;
        let key = secret.clone();
        let mut wallet = Wallet::at(&mut world, 1, move |service: &mut Service| {
            service.encryption = Some(("service-1".to_owned(), key));
        });
        let token = redeemed(&mut wallet, &offer).await;
        let place = "/.well-known/openid-credential-issuer/t/club";
        let metadata = IssuerMetadata::decode(&wallet.get(place, &[]).await.body, ISSUER).unwrap();
        let offered = metadata.credential_request_encryption.unwrap();
        assert_eq!(offered.jwks.keys[0].text("kid"), Some("service-1"));
        let terms = ResponseTerms::new(Jwk::new(own.public_key()).with("kid", "w1"), Encryption::A256Gcm);
        let nonce = wallet.nonce().await;
        let request = json!({
            "credential_configuration_id": "licence",
            "proofs": { "jwt": wallet.proofs(2, Some(&nonce)) },
            "credential_response_encryption": terms,
        });
        let sealed = |request: &Value, rng: &mut ChaCha20Rng| {
            let to =
                mdoc_openid::jose::Recipient::new(&offered.jwks.keys[0], Encryption::A128Gcm, false).unwrap();
            credential::encrypt(request.to_string().as_bytes(), &to, rng, &RustCrypto).unwrap()
        };
        // Plainly asked, for a key that is not one, with an algorithm that is not offered, and broken.
        let plain = wallet.credential(&token, request.to_string().as_bytes()).await;
        assert_eq!(plain.error(), "invalid_encryption_parameters");
        for (member, value) in [("enc", json!("A128CBC-HS256")), ("jwk", json!({ "kty": "EC" }))] {
            let mut wrong = request.clone();
            wrong["credential_response_encryption"][member] = value;
            let text = sealed(&wrong, &mut rng);
            let refused = wallet.sealed("/t/club/credential", &token, text.as_bytes()).await;
            assert_eq!(refused.error(), "invalid_encryption_parameters", "{member}");
            assert_eq!(
                refused.header("content-type"),
                "application/json",
                "no error is encrypted"
            );
        }
        let text = sealed(&request, &mut rng);
        // The first letter of the tag: all of its bits count.
        let (rest, tag) = text.rsplit_once('.').unwrap();
        let other = if tag.starts_with('A') { 'B' } else { 'A' };
        let broken = format!("{rest}.{other}{}", &tag[1..]);
        let refused = wallet
            .sealed("/t/club/credential", &token, broken.as_bytes())
            .await;
        assert_eq!(refused.error(), "invalid_encryption_parameters");

        let answer = wallet.sealed("/t/club/credential", &token, text.as_bytes()).await;
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (200, "application/jwt")
        );
        let keys = [OwnKey {
            kid: Some("w1"),
            secret: &own,
        }];
        let opened = credential::decrypt(&answer.body, &keys, false, &RustCrypto).unwrap();
        let opened: Value = serde_json::from_slice(&opened).unwrap();
        assert_eq!(opened["credentials"].as_array().map(Vec::len), Some(2));
        // A service without a key offers nothing of this.
        wallet.later(&mut world, 0, |_| {});
        let metadata = IssuerMetadata::decode(&wallet.get(place, &[]).await.body, ISSUER).unwrap();
        assert!(metadata.credential_request_encryption.is_none());
        assert!(metadata.credential_response_encryption.is_none());
        let refused = wallet.sealed("/t/club/credential", &token, text.as_bytes()).await;
        assert_eq!(refused.error(), "invalid_encryption_parameters");
    });
}
