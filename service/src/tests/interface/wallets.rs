//! What is asked of wallets: the word of their provider, attested keys, nonces; what older ones are given; and what is shown
//! to people who have none.

use std::net::SocketAddr;

use mdoc_core::crypto::{Curve, PublicKey, SecretKey};
use mdoc_core::issuer_signed::IssuerSigned;
use mdoc_core::limits::Limits;
use mdoc_core::seams::{Signer as _, SoftwareKey};
use mdoc_core::time::Timestamp;
use mdoc_openid::jose::base64url;
use mdoc_openid::jose::jws::Named;
use mdoc_openid::vci::attestation::{self, Statement};
use mdoc_openid::vci::client::{self, ChallengeResponse};
use mdoc_openid::vci::metadata::KeyAttestationsRequired;
use mdoc_openid::vci::proof;
use mdoc_openid::vci::server::ServerMetadata;
use mdoc_openid::vci::token::{Grant, TokenRequest, TokenResponse};
use mdoc_openid::vci::{Draft, ErrorAnswer};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use serde_json::{Value, json};

use super::waiting::{approve, awaiting_with, transaction};
use super::wallet::{Answered, Installed, Wallet};
use super::{ISSUER, issued, offer, redeemed};
use crate::domain::profile::KeyAttestation;
use crate::service::Service;
use crate::tests::devices::of_ada;
use crate::tests::world::{World, everywhere};
use crate::usecase::devices::Facts;
use crate::wallets::App;

const CLIENT: &str = "https://wallet.example";

fn key(seed: u64) -> SoftwareKey {
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    SoftwareKey::new(SecretKey::generate(Curve::P256, &mut rng)).unwrap()
}

fn trusting(service: &mut Service) {
    service.wallets.trust.keys = vec![("provider".to_owned(), key(70).public_key().clone())];
}

fn attested(service: &mut Service) {
    trusting(service);
    service.wallets.attested = true;
}

fn challenging(service: &mut Service) {
    attested(service);
    service.wallets.challenges = true;
}

fn installed() -> Installed {
    Installed {
        client: CLIENT.to_owned(),
        kid: "provider",
        provider: key(70),
        key: key(71),
        challenge: None,
        more: Vec::new(),
    }
}

/// A wallet at a service that is set so, and its pre-authorized code and authentication code.
async fn at(world: &mut World, change: fn(&mut Service)) -> (Wallet, String, String) {
    let offer = offer(world).await;
    let wallet = Wallet::at(world, 1, change);
    let pre = wallet.pre_authorized(&offer).await;
    (wallet, pre, offer.code.unwrap().to_string())
}

#[test]
fn a_wallet_comes_with_the_word_of_its_provider_where_that_is_asked() {
    everywhere(async |mut world| {
        let (mut wallet, pre, code) = at(&mut world, attested).await;
        let server = wallet
            .get("/.well-known/oauth-authorization-server/t/club", &[])
            .await;
        let server = ServerMetadata::decode(&server.body, ISSUER).unwrap();
        assert_eq!(
            server.token_endpoint_auth_methods_supported,
            ["attest_jwt_client_auth"]
        );
        assert!(!server.pre_authorized_grant_anonymous_access_supported);

        let refused = wallet.token(&pre, Some(&code)).await;
        assert_eq!(
            (refused.status, refused.error()),
            (400, "invalid_client".to_owned())
        );
        type Change = fn(&mut Installed);
        let changes: [(&str, Change); 3] = [
            ("another provider", |one| one.provider = key(80)),
            ("a provider that nobody knows", |one| one.kid = "other"),
            ("no client", |one| one.client.clear()),
        ];
        for (what, change) in changes {
            let mut one = installed();
            change(&mut one);
            wallet.installed = Some(one);
            let refused = wallet.token(&pre, Some(&code)).await;
            assert_eq!(refused.error(), "invalid_client_attestation", "{what}");
        }
        let mut one = installed();
        one.more = vec![("wallet_name", "Wallet of the town"), ("app_version", "1.2")];
        wallet.installed = Some(one);
        let mut named = TokenRequest::new(Grant::PreAuthorizedCode {
            code: pre.as_str().into(),
            tx_code: Some(code.as_str().into()),
        });
        named.client_id = Some("other".to_owned());
        let refused = wallet.ask("/t/club/token", &named.encode()).await;
        assert_eq!(refused.error(), "invalid_client_attestation");

        let token = wallet.token(&pre, Some(&code)).await;
        assert_eq!(token.status, 200, "{}", token.error());
        // The very proof again, with the very code: the proof is what is refused.
        assert_eq!(wallet.repeat_last().await.error(), "invalid_client_attestation");
        assert_eq!(issued(&wallet.collect(&token, 1).await).documents.len(), 1);
        let known = of_ada(&world).await;
        let facts = Facts {
            app: Some("Wallet of the town".to_owned()),
            app_version: Some("1.2".to_owned()),
            ..Facts::default()
        };
        assert_eq!((known.len(), &known[0].facts), (1, &facts));
        assert!(known[0].instance.is_some());
        // Proofs of keys name the wallet that the token is for, if any.
        wallet.installed.as_mut().unwrap().client = "other".to_owned();
        assert_eq!(wallet.collect(&token, 1).await.error(), "invalid_proof");
    });
}

#[test]
fn the_word_of_a_provider_ends_and_its_proof_is_for_this_server() {
    everywhere(async |mut world| {
        let (mut wallet, pre, code) = at(&mut world, attested).await;
        let (now, form) = (world.now, token_form(&pre, &code));
        let (provider, own) = (key(70), key(71));
        let at = |seconds: i64| Timestamp::from_unix(now.unix() + seconds);
        let statement = |times, key: &SoftwareKey| {
            let named = Named::Kid("provider");
            client::sign_attestation(CLIENT, key.public_key(), times, &[], named, &provider).unwrap()
        };
        let proof = |server: &str, when, key: &SoftwareKey| {
            let jti = mdoc_openid::Secret::random(&mut ChaCha20Rng::seed_from_u64(3));
            client::sign_pop(CLIENT, server, None, &jti, when, key).unwrap()
        };
        let good = statement((at(0), at(60)), &own);
        for (expected, statement, proof) in [
            (
                "use_fresh_attestation",
                statement((at(-900), at(-600)), &own),
                proof(ISSUER, at(0), &own),
            ),
            (
                "invalid_client_attestation",
                statement((at(600), at(900)), &own),
                proof(ISSUER, at(0), &own),
            ),
            (
                "invalid_client_attestation",
                good.clone(),
                proof("https://other.example", at(0), &own),
            ),
            (
                "invalid_client_attestation",
                good.clone(),
                proof(ISSUER, at(-900), &own),
            ),
            (
                "invalid_client_attestation",
                good.clone(),
                proof(ISSUER, at(0), &key(72)),
            ),
            ("invalid_client_attestation", good.clone(), "x".to_owned()),
        ] {
            let headers = [
                (client::ATTESTATION_HEADER, statement.as_str()),
                (client::POP_HEADER, proof.as_str()),
            ];
            let refused = wallet.post("/t/club/token", &headers, form.as_bytes()).await;
            assert_eq!((refused.status, refused.error()), (400, expected.to_owned()));
        }
        let half = [(client::ATTESTATION_HEADER, good.as_str())];
        let refused = wallet.post("/t/club/token", &half, form.as_bytes()).await;
        assert_eq!(refused.error(), "invalid_client");
        wallet.installed = Some(installed());
        assert_eq!(wallet.token(&pre, Some(&code)).await.status, 200);
    });
}

fn token_form(pre: &str, code: &str) -> String {
    TokenRequest::new(Grant::PreAuthorizedCode {
        code: pre.into(),
        tx_code: Some(code.into()),
    })
    .encode()
}

#[test]
fn the_word_of_a_provider_comes_with_a_challenge_where_that_is_asked() {
    everywhere(async |mut world| {
        let (mut wallet, pre, code) = at(&mut world, challenging).await;
        wallet.installed = Some(installed());
        let refused = wallet.token(&pre, Some(&code)).await;
        assert_eq!(
            (refused.status, refused.error()),
            (400, "use_attestation_challenge".to_owned())
        );
        let told = refused.header("oauth-client-attestation-challenge").to_owned();
        assert!(!told.is_empty());
        let nonce = wallet.nonce().await;
        wallet.installed.as_mut().unwrap().challenge = Some(nonce);
        let other = wallet.token(&pre, Some(&code)).await;
        assert_eq!(
            other.error(),
            "use_attestation_challenge",
            "a nonce for other proofs"
        );
        let answer = wallet.post("/t/club/challenge", &[], b"").await;
        assert_eq!((answer.status, answer.header("cache-control")), (200, "no-store"));
        let fetched = ChallengeResponse::decode(&answer.body)
            .unwrap()
            .attestation_challenge;
        assert_ne!(fetched.expose(), told);
        wallet.installed.as_mut().unwrap().challenge = Some(fetched.expose().to_owned());
        assert_eq!(wallet.token(&pre, Some(&code)).await.status, 200);
    });
}

#[test]
fn a_refresh_token_of_an_installation_is_for_that_installation() {
    everywhere(async |mut world| {
        let (mut wallet, pre, code) = at(&mut world, trusting).await;
        wallet.installed = Some(installed());
        let token = wallet.token(&pre, Some(&code)).await;
        assert_eq!(issued(&wallet.collect(&token, 1).await).documents.len(), 1);
        let refresh = TokenResponse::decode(&token.body).unwrap().refresh_token.unwrap();
        let form = TokenRequest::new(Grant::RefreshToken { token: refresh }).encode();
        let changes: [fn(&mut Wallet); 3] = [
            |one| one.installed = None,
            |one| one.installed.as_mut().unwrap().key = key(72),
            |one| one.installed.as_mut().unwrap().client = "https://other.example".to_owned(),
        ];
        for change in changes {
            wallet.installed = Some(installed());
            change(&mut wallet);
            assert_eq!(wallet.ask("/t/club/token", &form).await.error(), "invalid_grant");
        }
        wallet.installed = Some(installed());
        let again = wallet.ask("/t/club/token", &form).await;
        assert_eq!(issued(&wallet.collect(&again, 2).await).documents.len(), 2);
    });
}

/// What a wallet's provider says of keys, signed by the key of that seed.
fn word(keys: &[PublicKey], nonce: Option<&str>, now: Timestamp, provider: u64) -> String {
    let statement = Statement {
        keys,
        issued: now,
        expires: Timestamp::from_unix(now.unix() + 600),
        nonce,
        levels: &KeyAttestationsRequired {
            key_storage: vec!["iso_18045_high".to_owned()],
            ..KeyAttestationsRequired::default()
        },
    };
    attestation::sign(&statement, Named::Kid("provider"), &key(provider)).unwrap()
}

#[test]
fn keys_are_attested_where_the_profile_asks_for_it() {
    everywhere(async |mut world| {
        world
            .profile("licence", |s| s.key_attestation = KeyAttestation::Required)
            .await;
        let offer = offer(&mut world).await;
        let mut wallet = Wallet::at(&mut world, 1, trusting);
        let metadata = wallet
            .get("/.well-known/openid-credential-issuer/t/club", &[])
            .await;
        let metadata: Value = serde_json::from_slice(&metadata.body).unwrap();
        let proofs = &metadata["credential_configurations_supported"]["licence"]["proof_types_supported"];
        assert!(proofs["jwt"]["key_attestations_required"].is_object(), "{proofs}");
        assert!(proofs["attestation"].is_object(), "{proofs}");

        let token = redeemed(&mut wallet, &offer).await;
        let now = world.now;
        let holders: Vec<SoftwareKey> = (90..93).map(key).collect();
        let publics: Vec<PublicKey> = holders.iter().map(|key| key.public_key().clone()).collect();
        let (nonce, stale) = (wallet.nonce().await, "nobody-made-this");
        let jwt = |word: Option<&str>, nonce: &str, key: &SoftwareKey| json!({ "jwt": [proof::sign(ISSUER, None, Some(nonce), word, now, key).unwrap()] });
        for (expected, proofs) in [
            ("invalid_proof", jwt(None, &nonce, &holders[0])),
            (
                "invalid_proof",
                jwt(Some(&word(&publics, None, now, 80)), &nonce, &holders[0]),
            ),
            (
                "invalid_proof",
                jwt(Some(&word(&publics[1..], None, now, 70)), &nonce, &holders[0]),
            ),
            ("invalid_proof", jwt(Some("x"), &nonce, &holders[0])),
            (
                "invalid_nonce",
                jwt(Some(&word(&publics, Some(stale), now, 70)), &nonce, &holders[0]),
            ),
            (
                "invalid_proof",
                json!({ "attestation": [word(&publics, Some(&nonce), now, 80)] }),
            ),
            (
                "invalid_proof",
                json!({ "attestation": [word(&publics, None, now, 70)] }),
            ),
            (
                "invalid_nonce",
                json!({ "attestation": [word(&publics, Some(stale), now, 70)] }),
            ),
        ] {
            let body = json!({ "credential_configuration_id": "licence", "proofs": proofs });
            let refused = wallet.credential(&token, body.to_string().as_bytes()).await;
            assert_eq!(
                (refused.status, refused.error()),
                (400, expected.to_owned()),
                "{body}"
            );
            assert_eq!(refused.rule, Some("profile.key-attestation"), "{body}");
        }
        // A copy for each key that is attested, whichever way it is said.
        let nonces = [wallet.nonce().await, wallet.nonce().await];
        for proofs in [
            jwt(
                Some(&word(&publics, Some(&nonces[0]), now, 70)),
                &nonces[0],
                &holders[0],
            ),
            json!({ "attestation": [word(&publics, Some(&nonces[1]), now, 70)] }),
        ] {
            let body = json!({ "credential_configuration_id": "licence", "proofs": proofs });
            let given = issued(&wallet.credential(&token, body.to_string().as_bytes()).await);
            let keys: Vec<PublicKey> = given
                .documents
                .iter()
                .map(|document| {
                    let document = IssuerSigned::decode(document, &Limits::DEFAULT).unwrap();
                    document
                        .mso(&Limits::DEFAULT)
                        .unwrap()
                        .device_key_info
                        .device_key
                        .unwrap()
                })
                .collect();
            assert_eq!(keys, publics);
        }
        let known = of_ada(&world).await;
        assert_eq!(known[0].facts.key_security.as_deref(), Some("iso_18045_high"));
    });
}

#[test]
fn how_keys_are_kept_that_waited_is_known_of_the_device() {
    everywhere(async |mut world| {
        let (serial, offer) =
            awaiting_with(&mut world, |s| s.key_attestation = KeyAttestation::Required).await;
        let mut wallet = Wallet::at(&mut world, 1, trusting);
        let token = redeemed(&mut wallet, &offer).await;
        let (nonce, keys) = (wallet.nonce().await, [key(90).public_key().clone()]);
        let proofs = json!({ "attestation": [word(&keys, Some(&nonce), world.now, 70)] });
        let body = json!({ "credential_configuration_id": "licence", "proofs": proofs });
        let name = transaction(&wallet.credential(&token, body.to_string().as_bytes()).await);
        approve(&world, &serial).await;
        assert_eq!(issued(&wallet.deferred(&token, &name).await).documents.len(), 1);
        let known = of_ada(&world).await;
        assert_eq!(known[0].facts.key_security.as_deref(), Some("iso_18045_high"));
    });
}

#[test]
fn proofs_of_dpop_carry_a_nonce_where_that_is_asked() {
    everywhere(async |mut world| {
        let (mut wallet, pre, code) = at(&mut world, |service| service.wallets.dpop_nonces = true).await;
        let refused = wallet.token(&pre, Some(&code)).await;
        assert_eq!(
            (refused.status, refused.error()),
            (400, "use_dpop_nonce".to_owned())
        );
        let told = refused.header("dpop-nonce").to_owned();
        wallet.nonce = Some(wallet.nonce().await);
        let other = wallet.token(&pre, Some(&code)).await;
        assert_eq!(other.error(), "use_dpop_nonce", "a nonce for other proofs");
        wallet.nonce = Some(told.clone());
        let token = wallet.token(&pre, Some(&code)).await;
        assert_eq!(token.status, 200, "{}", token.error());
        assert!(![String::new(), told].contains(&token.header("dpop-nonce").to_owned()));
        let nonce = wallet.post("/t/club/nonce", &[], b"").await;
        assert!(!nonce.header("dpop-nonce").is_empty());

        wallet.nonce = None;
        let refused = wallet.collect(&token, 1).await;
        assert_eq!(
            (refused.status, refused.error()),
            (401, "use_dpop_nonce".to_owned())
        );
        assert!(
            refused
                .header("www-authenticate")
                .contains("error=\"use_dpop_nonce\"")
        );
        wallet.nonce = Some(refused.header("dpop-nonce").to_owned());
        let given = wallet.collect(&token, 1).await;
        assert_eq!(issued(&given).documents.len(), 1);
        wallet.nonce = Some(nonce.header("dpop-nonce").to_owned());
        wallet.later(&mut world, 301, |service| service.wallets.dpop_nonces = true);
        assert_eq!(wallet.collect(&token, 1).await.error(), "use_dpop_nonce");
    });
}

fn member(answer: &Answered, name: &str) -> Value {
    let body: Value = serde_json::from_slice(&answer.body).unwrap();
    body[name].clone()
}

#[test]
fn wallets_of_older_drafts_are_served_where_that_is_set() {
    everywhere(async |mut world| {
        let doc_type = world
            .terms
            .formats
            .format("loyalty-card")
            .unwrap()
            .doctype
            .clone();
        world.profile("licence", |s| s.issue_over_existing = true).await;
        // What is asked for, by which setting, and whether it is taken.
        let by_type = json!({ "format": "mso_mdoc", "doctype": doc_type });
        let by_name = json!({ "credential_configuration_id": "licence" });
        for (seed, (oldest, wanted, taken)) in (1..).zip([
            (Draft::Final, &by_name, false),
            (Draft::Draft15, &by_name, true),
            (Draft::Draft15, &by_type, false),
            (Draft::Draft14, &by_type, true),
            (Draft::Draft13, &by_type, true),
        ]) {
            let offer = offer(&mut world).await;
            let mut wallet = Wallet::at(&mut world, seed, |service| service.oldest = oldest);
            let token = redeemed(&mut wallet, &offer).await;
            let early = oldest <= Draft::Draft14;
            let nonce = member(&token, "c_nonce");
            assert_eq!(nonce.is_string(), early, "{oldest:?}");
            assert_eq!(member(&token, "c_nonce_expires_in").is_number(), early);
            let nonce = match nonce.as_str() {
                Some(nonce) => nonce.to_owned(),
                None => wallet.nonce().await,
            };
            let proof = wallet.proofs(1, Some(&nonce)).remove(0);
            let mut body = wanted.clone();
            body["proof"] = json!({ "proof_type": "jwt", "jwt": proof });
            let given = wallet.credential(&token, body.to_string().as_bytes()).await;
            assert_eq!(given.status == 200, taken, "{oldest:?} {body} {}", given.error());
            if taken {
                assert_eq!(member(&given, "credential").is_string(), early);
                assert_eq!(issued(&given).documents.len(), 1);
            }
            let unproved = wallet.proofs(1, Some("stale")).remove(0);
            body["proof"] = json!({ "proof_type": "jwt", "jwt": unproved });
            let refused = wallet.credential(&token, body.to_string().as_bytes()).await;
            let refused = ErrorAnswer::decode(&refused.body).unwrap();
            assert_eq!(refused.c_nonce.is_some(), early, "{oldest:?} {}", refused.error);
            if let Some(fresh) = refused.c_nonce {
                let proof = wallet.proofs(1, Some(fresh.expose())).remove(0);
                body["proof"] = json!({ "proof_type": "jwt", "jwt": proof });
                let given = wallet.credential(&token, body.to_string().as_bytes()).await;
                assert_eq!(issued(&given).documents.len(), 1);
            }
            let metadata = wallet
                .get("/t/club/.well-known/openid-credential-issuer", &[])
                .await;
            let metadata: Value = serde_json::from_slice(&metadata.body).unwrap();
            let licence = &metadata["credential_configurations_supported"]["licence"];
            assert_eq!(licence["display"].is_array(), oldest < Draft::Final, "{licence}");
        }
    });
}

#[test]
fn a_browser_is_shown_the_offer_and_where_wallets_are_had() {
    everywhere(async |mut world| {
        let offer = offer(&mut world).await;
        let wallet = Wallet::at(&mut world, 1, |service| {
            service.wallets.apps = vec![App {
                name: "A <b>wallet</b>".to_owned(),
                url: "https://wallet.example/get?a=1&b=2".to_owned(),
            }];
        });
        let path = format!("/t/club/offer/{}", base64url(&*offer.secret));
        let browser = [("accept", "text/html,application/xhtml+xml,*/*;q=0.8")];
        let page = wallet.get(&path, &browser).await;
        assert_eq!((page.status, page.header("cache-control")), (200, "no-store"));
        assert_eq!(page.header("vary"), "accept");
        let text = String::from_utf8(page.body.clone()).unwrap();
        let encoded = format!("https%3A%2F%2Fid.example.org{}", path.replace('/', "%2F"));
        for part in [
            format!("href=\"openid-credential-offer://?credential_offer_uri={encoded}\"").as_str(),
            "<svg ",
            "href=\"https://wallet.example/get?a=1&amp;b=2\"",
            "A &lt;b&gt;wallet&lt;/b&gt;",
            "Licence",
        ] {
            assert!(text.contains(part), "{part} is missing: {text}");
        }
        let code = offer.code.as_ref().unwrap();
        assert!(!text.contains(code.as_str()) && !text.contains("<script"));
        for accept in ["application/json", "*/*", "application/json, text/html"] {
            let answer = wallet.get(&path, &[("accept", accept)]).await;
            assert_eq!(answer.header("content-type"), "application/json", "{accept}");
            assert_eq!(answer.header("vary"), "accept");
        }
        for gone in ["AAAA", "x y", &"A".repeat(43)] {
            let page = wallet
                .get(&format!("/t/club/offer/{}", gone.replace(' ', "%20")), &browser)
                .await;
            assert_eq!(
                (page.status, page.header("content-type")),
                (404, "text/html; charset=utf-8")
            );
        }
    });
}

#[test]
fn the_audit_trail_says_from_where_a_wallet_came() {
    everywhere(async |mut world| {
        let offer = offer(&mut world).await;
        let connected: SocketAddr = "[::ffff:127.0.0.1]:4711".parse().unwrap();
        for (seed, proxy, expected) in [(1, "192.0.2.1", "127.0.0.1"), (2, "127.0.0.1", "203.0.113.9")] {
            let mut wallet = Wallet::at(&mut world, seed, |service| {
                service.proxies.believed = vec![proxy.parse().unwrap()];
            });
            wallet.connected = Some(connected);
            wallet.forwarded = Some("6.6.6.6, 203.0.113.9");
            let pre = wallet.pre_authorized(&offer).await;
            let wrong = wallet.token(&pre, Some("no")).await;
            assert_eq!(wrong.error(), "invalid_grant");
            let last = world.audited().await.pop().unwrap();
            assert_eq!(
                (&last["action"], &last["from"]),
                (&json!("offer.wrong-code"), &json!(expected))
            );
        }
    });
}
