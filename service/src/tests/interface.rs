//! Over HTTP, as wallets see it: the messages of OpenID4VCI and the lists.

mod badges;
mod conformance;
mod failing;
mod running;
mod sign_in;
pub(super) mod waiting;
mod wallet;
mod wallets;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use mdoc_core::crypto::PublicKey;
use mdoc_core::issuer_signed::IssuerSigned;
use mdoc_core::limits::Limits;
use mdoc_core::seams::{Signer, SignerError};
use mdoc_core::status::{Content, Token};
use mdoc_openid::jose::{Jwk, base64url, from_base64url};
use mdoc_openid::vci::credential::{Answer, CredentialResponse, Issued};
use mdoc_openid::vci::metadata::IssuerMetadata;
use mdoc_openid::vci::offer::CredentialOffer;
use mdoc_openid::vci::server::ServerMetadata;
use mdoc_openid::vci::token::{Grant, TokenRequest};

use self::wallet::Wallet;
use super::world::{World, everywhere, operator, signers_and_status, system};
use crate::service::Identity;
use crate::store::Tx;
use crate::usecase::change::{Change, change};
use crate::usecase::document::Why;
use crate::usecase::request::Offer;
use crate::usecase::{people, profiles, validate};
use crate::wallets::RedirectUri;

const ISSUER: &str = "https://id.example.org/t/club";

/// A wallet with an access token for a document that was offered.
async fn begun(world: &mut World) -> (Wallet, wallet::Answered) {
    let offer = offer(world).await;
    let mut wallet = Wallet::new(world);
    let token = redeemed(&mut wallet, &offer).await;
    (wallet, token)
}

async fn redeemed(wallet: &mut Wallet, offer: &Offer) -> wallet::Answered {
    let pre = wallet.pre_authorized(offer).await;
    let code = offer.code.as_ref().map(|code| code.as_str());
    wallet.token(&pre, code).await
}

async fn offer(world: &mut World) -> Offer {
    world.data_of("loyalty-card").await;
    let clerk = world.clerk.clone();
    world.request_as(&clerk, "licence").await.unwrap().offer.unwrap()
}

#[test]
fn the_metadata_is_where_both_eras_look_and_says_what_is_offered() {
    everywhere(async |mut world| {
        let wallet = Wallet::new(&mut world);
        for path in [
            "/.well-known/openid-credential-issuer/t/club",
            "/t/club/.well-known/openid-credential-issuer",
        ] {
            let answer = wallet.get(path, &[]).await;
            assert_eq!(
                (answer.status, answer.header("content-type")),
                (200, "application/json")
            );
            let metadata = IssuerMetadata::decode(&answer.body, ISSUER).unwrap();
            metadata.validate().unwrap();
            let licence = &metadata.credential_configurations_supported["licence"];
            let doc_type = world
                .terms
                .formats
                .format("loyalty-card")
                .unwrap()
                .doctype
                .clone();
            assert_eq!(licence.doctype.as_ref(), Some(&doc_type));
            assert_eq!(licence.displays()[0].name, "Licence");
            let logo = metadata.display[0].logo.as_ref().unwrap();
            assert_eq!(logo.uri.as_deref(), Some("https://id.example.org/logo.svg"));
            assert_eq!(logo.alt_text.as_deref(), Some("Club"));
        }
        let signed = wallet
            .get(
                "/.well-known/openid-credential-issuer/t/club",
                &[("accept", "application/jwt")],
            )
            .await;
        assert_eq!(signed.header("content-type"), "application/jwt");
        assert_eq!(signed.body.iter().filter(|byte| **byte == b'.').count(), 2);
        let server = wallet
            .get("/.well-known/oauth-authorization-server/t/club", &[])
            .await;
        let server = ServerMetadata::decode(&server.body, ISSUER).unwrap();
        assert!(server.has_dpop());
    });
}

#[test]
fn what_was_requested_is_collected_although_its_profile_was_switched_off_since() {
    everywhere(async |mut world| {
        let now = world.now;
        let offer = offer(&mut world).await;
        world.profile("unused", |_| {}).await;
        for name in ["licence", "unused"] {
            let off = move |tx: &mut Tx<'_>| profiles::enable(tx, &system(), now, (name, false));
            world.run(off).await;
        }
        let mut wallet = Wallet::new(&mut world);
        let offered = async |wallet: &Wallet| {
            let path = "/.well-known/openid-credential-issuer/t/club";
            let metadata = wallet.get(path, &[]).await;
            let metadata = IssuerMetadata::decode(&metadata.body, ISSUER).unwrap();
            let configurations = metadata.credential_configurations_supported;
            configurations.into_keys().collect::<Vec<_>>()
        };
        assert_eq!(offered(&wallet).await, ["licence"]);
        let mut browsing = Wallet::at(&mut world, 2, |service| {
            service.wallets.redirect_uris = vec![RedirectUri::parse("https://wallet.example/cb").unwrap()];
        });
        for (scope, status) in [("licence", 201), ("unused", 400)] {
            let form = format!(
                "client_id=w&response_type=code&redirect_uri=https%3A%2F%2Fwallet.example%2Fcb&scope={scope}\
                 &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256"
            );
            assert_eq!(browsing.ask("/t/club/par", &form).await.status, status, "{scope}");
        }
        let token = redeemed(&mut wallet, &offer).await;
        assert_eq!(issued(&wallet.collect(&token, 1).await).documents.len(), 1);
        // As long as somebody has it, it is fetched anew; then nobody asks for it.
        assert_eq!(offered(&wallet).await, ["licence"]);
        let (serial, actor) = (world.only_document().await, operator(&world.clerk));
        let why = Why {
            reason: Some("lost"),
            notes: None,
        };
        world
            .run(move |tx| change(tx, &actor, now, (&serial, Change::Cancel), why))
            .await;
        assert!(offered(&wallet).await.is_empty());
    });
}

#[test]
fn a_wallet_collects_copies_bound_to_its_keys_and_says_so() {
    everywhere(async |mut world| {
        let offer = offer(&mut world).await;
        let mut wallet = Wallet::new(&mut world);
        let answer = wallet
            .get(&format!("/t/club/offer/{}", base64url(&*offer.secret)), &[])
            .await;
        assert_eq!(answer.header("cache-control"), "no-store");
        let offered = CredentialOffer::decode(&answer.body).unwrap();
        assert_eq!(offered.credential_issuer, ISSUER);
        let grant = offered.grants.unwrap().pre_authorized_code.unwrap();
        assert!(grant.tx_code.as_ref().unwrap().is_numeric());
        assert_eq!(grant.tx_code.unwrap().length, Some(8));

        let token = wallet
            .token(grant.code.expose(), offer.code.as_ref().map(|code| code.as_str()))
            .await;
        assert_eq!((token.status, token.header("cache-control")), (200, "no-store"));
        let issued = issued(&wallet.collect(&token, 3).await);
        assert_eq!(issued.documents.len(), 3);
        let doc_type = world
            .terms
            .formats
            .format("loyalty-card")
            .unwrap()
            .doctype
            .clone();
        for document in &issued.documents {
            let document = IssuerSigned::decode(document, &Limits::DEFAULT).unwrap();
            assert_eq!(document.mso(&Limits::DEFAULT).unwrap().doc_type, doc_type);
        }
        let id = issued.notification_id.unwrap();
        for _twice in 0..2 {
            let noted = wallet.notify(&token, &id, "credential_accepted").await;
            assert_eq!(noted.status, 204);
        }
        let unknown = wallet.notify(&token, "AAAA", "credential_accepted").await;
        assert_eq!(
            (unknown.status, unknown.error()),
            (400, "invalid_notification_id".to_owned())
        );
        let again = wallet
            .token(grant.code.expose(), offer.code.as_ref().map(|code| code.as_str()))
            .await;
        assert_eq!((again.status, again.error()), (400, "invalid_grant".to_owned()));
        let gone = wallet
            .get(&format!("/t/club/offer/{}", base64url(&*offer.secret)), &[])
            .await;
        assert_eq!(gone.status, 404);
    });
}

fn issued(answer: &wallet::Answered) -> Issued {
    match decoded(answer) {
        Answer::Response(CredentialResponse::Issued(issued)) => issued,
        other => panic!("{other:?}"),
    }
}

fn decoded(answer: &wallet::Answered) -> Answer {
    Answer::decode(answer.status, &answer.body, None).unwrap()
}

#[test]
fn each_error_has_its_code() {
    everywhere(async |mut world| {
        let offer = offer(&mut world).await;
        let mut wallet = Wallet::new(&mut world);
        let pre = wallet.pre_authorized(&offer).await;
        let code = offer.code.clone().unwrap();
        assert_eq!(wallet.token(&pre, None).await.error(), "invalid_request");
        assert_eq!(
            wallet.token(&pre, Some("00000000000")).await.error(),
            "invalid_grant"
        );
        assert_eq!(wallet.token("AAAA", Some("1")).await.error(), "invalid_grant");
        let token = wallet.token(&pre, Some(&code)).await;

        let stale = wallet.collect_with(&token, 1, Some("nobody-made-this")).await;
        assert_eq!((stale.status, stale.error()), (400, "invalid_nonce".to_owned()));
        let many = wallet.collect(&token, 51).await;
        assert_eq!((many.status, many.error()), (400, "invalid_proof".to_owned()));
        let none = wallet
            .credential(&token, br#"{"credential_configuration_id": "licence"}"#)
            .await;
        assert_eq!(none.error(), "invalid_proof");
        let other = wallet
            .credential(
                &token,
                br#"{"credential_configuration_id": "other", "proofs": {}}"#,
            )
            .await;
        assert!(["unknown_credential_configuration", "invalid_proof"].contains(&other.error().as_str()));
        let nothing = wallet.credential(&token, b"[]").await;
        assert_eq!(nothing.error(), "invalid_credential_request");

        // Without the key it is bound to, or without proof, a token is good for nothing.
        let plain = wallet.credential_as(&token, b"{}", "Bearer", false).await;
        assert_eq!((plain.status, plain.error()), (401, "invalid_token".to_owned()));
        let unproved = wallet.credential_as(&token, b"{}", "DPoP", false).await;
        assert_eq!(unproved.error(), "invalid_dpop_proof");
        let missing = wallet.post("/t/club/credential", &[], b"{}").await;
        assert_eq!(missing.status, 401);
        assert!(!missing.header("www-authenticate").is_empty());
        let mut thief = Wallet::with_key(&mut world, 99);
        let stolen = thief.collect(&token, 1).await;
        assert_eq!((stolen.status, stolen.error()), (401, "invalid_token".to_owned()));
        assert_eq!(issued(&wallet.collect(&token, 2).await).documents.len(), 2);
    });
}

#[test]
fn a_wallet_that_proves_as_many_keys_as_may_be_gets_the_copies_of_the_profile() {
    everywhere(async |mut world| {
        let (mut wallet, token) = begun(&mut world).await;
        let path = "/.well-known/openid-credential-issuer/t/club";
        let metadata = wallet.get(path, &[]).await;
        let metadata = IssuerMetadata::decode(&metadata.body, ISSUER).unwrap();
        let most = metadata.batch_credential_issuance.unwrap().batch_size;
        let most = usize::try_from(most).unwrap();
        let nonce = wallet.nonce().await;
        let proofs = wallet.proofs(most, Some(&nonce));
        let keys: Vec<_> = proofs.iter().map(|proof| proved(proof)).collect();
        let answer = wallet.collect_by_proofs(&token, &proofs).await;
        let got = issued(&answer).documents;
        let bound: Vec<_> = got.iter().map(|document| device_key(document)).collect();
        assert_eq!(bound, keys[..3], "the first ones");
        // Each of them is judged, and none of more.
        let nonce = wallet.nonce().await;
        let mut proofs = wallet.proofs(most, Some(&nonce));
        proofs[most - 1] = wallet.proofs(1, Some("stale")).remove(0);
        let wrong = wallet.collect_by_proofs(&token, &proofs).await;
        assert_eq!((wrong.status, wrong.error()), (400, "invalid_nonce".to_owned()));
        let many = wallet.collect(&token, most + 1).await;
        assert_eq!((many.status, many.error()), (400, "invalid_proof".to_owned()));
    });
}

/// The public key in the header of a proof.
fn proved(proof: &str) -> PublicKey {
    let header = from_base64url(proof.split('.').next().unwrap()).unwrap();
    let header: serde_json::Value = serde_json::from_slice(&header).unwrap();
    let jwk: Jwk = serde_json::from_value(header["jwk"].clone()).unwrap();
    jwk.public_key().unwrap()
}

fn device_key(document: &[u8]) -> PublicKey {
    let document = IssuerSigned::decode(document, &Limits::DEFAULT).unwrap();
    let mso = document.mso(&Limits::DEFAULT).unwrap();
    mso.device_key_info.device_key.unwrap()
}

#[test]
fn a_photograph_is_no_obstacle_to_a_document_without_one() {
    everywhere(async |mut world| {
        let (ada, now) = (world.ada.clone(), world.now);
        let portrait: &[u8] = include_bytes!("../../../document-formats/samples/portrait.jpg");
        world
            .run(move |tx| people::set_photo(tx, &system(), now, &ada, ("image/jpeg", portrait)))
            .await;
        let (mut wallet, token) = begun(&mut world).await;
        assert_eq!(issued(&wallet.collect(&token, 1).await).documents.len(), 1);
    });
}

#[test]
fn proofs_and_nonces_are_good_once() {
    everywhere(async |mut world| {
        let (mut wallet, token) = begun(&mut world).await;
        let nonce = wallet.nonce().await;
        assert_eq!(wallet.collect_with(&token, 1, Some(&nonce)).await.status, 200);
        let repeated = wallet.repeat_last().await;
        assert_eq!(
            (repeated.status, repeated.error()),
            (401, "invalid_dpop_proof".to_owned())
        );
        let replayed = wallet.collect_with(&token, 1, Some(&nonce)).await;
        assert_eq!(
            (replayed.status, replayed.error()),
            (400, "invalid_nonce".to_owned())
        );
    });
}

#[test]
fn what_is_not_approved_yet_comes_later() {
    everywhere(async |mut world| {
        world.profile("licence", |s| s.validate_issuance = true).await;
        world.data_of("loyalty-card").await;
        let (clerk, chief) = (world.clerk.clone(), world.chief.clone());
        let serial = world.request_as(&clerk, "licence").await.unwrap().document.serial;
        let offer = world.hand_out(&clerk, &serial).await.unwrap();
        let mut wallet = Wallet::new(&mut world);
        let token = redeemed(&mut wallet, &offer).await;
        let CredentialResponse::Pending { transaction_id, .. } =
            (match decoded(&wallet.collect(&token, 2).await) {
                Answer::Response(response) => response,
                other => panic!("{other:?}"),
            })
        else {
            panic!("nobody approved it");
        };
        let pending = wallet.deferred(&token, &transaction_id).await;
        assert_eq!(pending.status, 202);
        let (actor, now, name) = (operator(&chief), world.now, serial.clone());
        let terms = world.terms.clone();
        world
            .run(move |tx| {
                validate::validate(
                    tx,
                    &actor,
                    now,
                    (&name, true, &terms),
                    Why::default(),
                    &mut crate::random::system(),
                )
            })
            .await;
        let issued = issued(&wallet.deferred(&token, &transaction_id).await);
        assert_eq!(issued.documents.len(), 2);
        let void = wallet.deferred(&token, &transaction_id).await;
        assert_eq!(
            (void.status, void.error()),
            (400, "invalid_transaction_id".to_owned())
        );
    });
}

#[test]
fn lists_follow_at_once_and_are_sent_once() {
    everywhere(async |mut world| {
        let (mut wallet, token) = begun(&mut world).await;
        let issued = issued(&wallet.collect(&token, 1).await);
        let document = IssuerSigned::decode(&issued.documents[0], &Limits::DEFAULT).unwrap();
        let status = document
            .mso(&Limits::DEFAULT)
            .unwrap()
            .status
            .unwrap()
            .status_list
            .unwrap();
        let path = status
            .uri
            .strip_prefix("https://id.example.org")
            .unwrap()
            .to_owned();
        let entry = |body: &[u8]| {
            let token = Token::decode(body).unwrap();
            let claims = token.claims();
            assert_eq!(claims.subject, status.uri);
            match &claims.content {
                Content::StatusList(list) => list.inflate().unwrap().get(status.index),
                Content::IdentifierList(_) => None,
            }
        };
        let first = wallet.get(&path, &[]).await;
        assert_eq!(first.header("content-type"), "application/statuslist+cwt");
        assert_eq!(entry(&first.body), Some(0));
        let tag = first.header("etag").to_owned();
        let same = wallet.get(&path, &[("if-none-match", &tag)]).await;
        assert_eq!((same.status, same.body.len()), (304, 0));

        let (actor, serial, now) = (operator(&world.clerk), world.only_document().await, world.now);
        world
            .run(move |tx| {
                let why = Why {
                    reason: Some("mislaid"),
                    notes: None,
                };
                change(tx, &actor, now, (&serial, Change::Disable), why)
            })
            .await;
        wallet.service.publisher.changed();
        let second = wallet.get(&path, &[("if-none-match", &tag)]).await;
        assert_eq!(second.status, 200);
        assert_eq!(entry(&second.body), Some(2));
        let jwt = wallet
            .get(
                &path,
                &[
                    ("accept", "application/statuslist+jwt"),
                    ("accept-encoding", "gzip"),
                ],
            )
            .await;
        assert_eq!(
            (jwt.header("content-type"), jwt.header("content-encoding")),
            ("application/statuslist+jwt", "gzip")
        );
        assert_eq!(wallet.get("/t/club/status/77", &[]).await.status, 404);
        assert_eq!(wallet.get("/t/club/status/../x", &[]).await.status, 404);
    });
}

#[test]
fn each_form_of_a_list_has_its_tag_and_says_for_how_long_it_is_kept() {
    everywhere(async |mut world| {
        let (mut wallet, token) = begun(&mut world).await;
        issued(&wallet.collect(&token, 1).await);
        let path = "/t/club/status/1";
        let (cwt, jwt) = ("application/statuslist+cwt", "application/statuslist+jwt");
        let forms = [
            (vec![("accept", cwt), ("accept-encoding", "gzip")], cwt, ""),
            (vec![("accept", jwt)], jwt, ""),
            (vec![("accept", jwt), ("accept-encoding", "gzip;q=0")], jwt, ""),
            (
                vec![("accept", jwt), ("accept-encoding", "br, gzip")],
                jwt,
                "gzip",
            ),
        ];
        let mut tags = Vec::new();
        for (asked, kind, encoding) in &forms {
            let answer = wallet.get(path, asked).await;
            assert_eq!(answer.status, 200);
            assert_eq!(
                (answer.header("content-type"), answer.header("content-encoding")),
                (*kind, *encoding)
            );
            assert_eq!(answer.header("cache-control"), "public, max-age=300");
            assert_eq!(answer.header("vary"), "accept, accept-encoding");
            assert_eq!(answer.header("access-control-allow-origin"), "*");
            let tag = answer.header("etag").to_owned();
            assert!(
                tag.starts_with('"') && tag.ends_with('"') && tag.len() > 10,
                "{tag}"
            );
            tags.push(tag);
        }
        assert_eq!(tags[1], tags[2]);
        // Each is known by its own tag alone.
        for (number, (asked, ..)) in forms.iter().enumerate() {
            for tag in &tags {
                let mut asked = asked.clone();
                asked.push(("if-none-match", tag));
                let answer = wallet.get(path, &asked).await;
                let same = *tag == tags[number];
                assert_eq!(answer.status, if same { 304 } else { 200 }, "{number} {tag}");
                if same {
                    assert_eq!(answer.body.len(), 0);
                    assert_eq!(answer.header("etag"), tag);
                    assert_eq!(answer.header("cache-control"), "public, max-age=300");
                    assert_eq!(answer.header("vary"), "accept, accept-encoding");
                }
            }
        }
        for others in ["\"x\", *", &format!("\"x\", W/{}", tags[0])] {
            let asked = [("accept", cwt), ("if-none-match", others)];
            assert_eq!(wallet.get(path, &asked).await.status, 304, "{others}");
        }
        assert_eq!(tags.iter().collect::<std::collections::BTreeSet<_>>().len(), 3);
    });
}

/// A key that counts what it signs.
struct Counting(Identity, Arc<AtomicUsize>);

impl Signer for Counting {
    fn public_key(&self) -> &PublicKey {
        self.0.signer.public_key()
    }

    fn sign(&self, to_sign: &[u8]) -> Result<Vec<u8>, SignerError> {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.signer.sign(to_sign)
    }
}

#[test]
fn metadata_are_signed_when_they_change_and_not_for_each_who_asks() {
    everywhere(async |mut world| {
        let count = Arc::new(AtomicUsize::new(0));
        let counting = Arc::clone(&count);
        let wallet = Wallet::at(&mut world, 1, move |service| {
            let (_, status) = signers_and_status();
            service.metadata_signer = Some(Identity {
                certificate: status.certificate.clone(),
                signer: Arc::new(Counting(status, counting)),
            });
        });
        let ask = async || {
            let place = "/.well-known/openid-credential-issuer/t/club";
            let answer = wallet.get(place, &[("accept", "application/jwt")]).await;
            assert_eq!(answer.header("content-type"), "application/jwt");
            String::from_utf8(answer.body).unwrap()
        };
        let first = ask().await;
        assert_eq!((ask().await, ask().await), (first.clone(), first.clone()));
        assert_eq!(count.load(Ordering::Relaxed), 1);
        world.profile("other", |_| {}).await;
        assert_ne!(ask().await, first);
        ask().await;
        assert_eq!(count.load(Ordering::Relaxed), 2);
    });
}

#[test]
fn a_name_that_no_database_keeps_is_refused_and_costs_no_offer() {
    everywhere(async |mut world| {
        let offer = offer(&mut world).await;
        let mut wallet = Wallet::new(&mut world);
        let form = TokenRequest::new(Grant::PreAuthorizedCode {
            code: wallet.pre_authorized(&offer).await.as_str().into(),
            tx_code: offer.code.as_ref().map(|code| code.as_str().into()),
        });
        let form = format!("{}&client_id=a%00b", form.encode());
        let refused = wallet.ask("/t/club/token", &form).await;
        assert_eq!(
            (refused.status, refused.error()),
            (400, "invalid_request".to_owned())
        );
        assert_eq!(redeemed(&mut wallet, &offer).await.status, 200);
    });
}
