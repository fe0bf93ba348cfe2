//! Badges that go out with documents: to every wallet, by every way, drawn of what the document says.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use mdoc_core::crypto::{Curve, PublicKey, RustCrypto, SecretKey};
use mdoc_core::seams::{Signer, SignerError, SoftwareKey};
use mdoc_issuer::badge::Layouts;
use mdoc_openid::jose::Jwk;
use mdoc_openid::jose::jwe::{Encryption, OwnKey};
use mdoc_openid::vci::credential::{self, BADGE, Badge, ResponseTerms};
use mdoc_openid::vci::token::{Grant, TokenRequest, TokenResponse};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use serde_json::{Value, json};

use super::wallet::{Answered, Wallet};
use super::{issued, redeemed};
use crate::domain::life::State;
use crate::making::Signers;
use crate::rota::Rota;
use crate::store::Place;
use crate::tests::badges::own;
use crate::tests::interface::waiting::approve;
use crate::tests::world::{World, certified, everywhere};
use crate::usecase::document;
use crate::usecase::request::Offer;

const SIDES: [&str; 2] = ["warrant-card-front", "warrant-card-back"];

/// An offer of a warrant card with these layouts, for Ada, whose data it needs.
async fn offered(world: &mut World, layouts: &[&str]) -> Offer {
    let names = layouts.iter().map(|name| (*name).to_owned()).collect();
    world
        .profile("licence", |settings| {
            settings.format = "warrant-card".to_owned();
            settings.badge_layouts = names;
        })
        .await;
    world.data_of("warrant-card").await;
    named(world, "Ada", "Lovelace").await;
    let clerk = world.clerk.clone();
    world.request_as(&clerk, "licence").await.unwrap().offer.unwrap()
}

async fn named(world: &World, given: &'static str, family: &'static str) {
    world
        .edit(&world.ada.clone(), move |details| {
            details.attributes.insert("given_name".to_owned(), given.into());
            details.attributes.insert("family_name".to_owned(), family.into());
        })
        .await;
}

fn badge(answer: &Answered) -> Badge {
    issued(answer).badge.unwrap()
}

fn shows(badge: &Badge, text: &str) -> bool {
    badge.front.svg.contains(&format!("aria-label=\"{text}\""))
}

fn body(answer: &Answered) -> Value {
    serde_json::from_slice(&answer.body).unwrap()
}

#[test]
fn a_badge_comes_once_with_all_copies_and_nothing_of_it_is_kept() {
    everywhere(async |mut world| {
        let offer = offered(&mut world, &SIDES).await;
        let mut wallet = Wallet::new(&mut world);
        let token = redeemed(&mut wallet, &offer).await;
        let answer = wallet.collect(&token, 3).await;
        let got = issued(&answer);
        assert_eq!(got.documents.len(), 3);
        let badge = got.badge.unwrap();
        assert!(shows(&badge, "Ada Lovelace"), "{}", badge.front.svg);
        assert!(
            badge.front.svg.contains("data:image/jpeg;base64,"),
            "the photo is on it"
        );
        let names: Vec<_> = badge.sides().map(|(name, _)| name).collect();
        assert_eq!(names, ["front", "back"]);
        for (_, side) in badge.sides() {
            assert!(side.png.starts_with(b"\x89PNG\r\n\x1a\n") && side.png.len() < 512 * 1024);
        }
        // A wallet by others reads the members that it knows, each where the specification has it.
        let body = body(&answer);
        let members: Vec<_> = body.as_object().unwrap().keys().collect();
        assert_eq!(members, ["credentials", "notification_id", BADGE]);
        for copy in body["credentials"].as_array().unwrap() {
            let members: Vec<_> = copy.as_object().unwrap().keys().collect();
            assert_eq!(members, ["credential"]);
        }
        if let Place::File(path) = &world.place {
            for file in [path.clone(), path.with_extension("db-wal")] {
                let content = std::fs::read(&file).unwrap_or_default();
                for picture in [&b"<svg"[..], b"\x89PNG", b"iVBORw0KGgo"] {
                    let found = content.windows(picture.len()).any(|bytes| bytes == picture);
                    assert!(!found, "{}", file.display());
                }
            }
        }
    });
}

#[test]
fn a_profile_without_layouts_has_no_badge() {
    everywhere(async |mut world| {
        let offer = offered(&mut world, &[]).await;
        let mut wallet = Wallet::new(&mut world);
        let token = redeemed(&mut wallet, &offer).await;
        let answer = wallet.collect(&token, 1).await;
        assert_eq!(answer.status, 200);
        assert!(body(&answer).get(BADGE).is_none());
    });
}

/// A document signer that takes its time, and counts how many sign at once and how often one does.
struct Slow {
    key: SoftwareKey,
    now: AtomicUsize,
    most: AtomicUsize,
    all: AtomicUsize,
}

impl Signer for Slow {
    fn public_key(&self) -> &PublicKey {
        self.key.public_key()
    }

    fn sign(&self, to_sign: &[u8]) -> Result<Vec<u8>, SignerError> {
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        self.all.fetch_add(1, Ordering::SeqCst);
        std::thread::sleep(Duration::from_millis(100));
        self.now.fetch_sub(1, Ordering::SeqCst);
        self.key.sign(to_sign)
    }
}

/// The signers of a service, and what counts how they are used.
fn slow() -> (Signers, Arc<Slow>) {
    let [ds, _] = certified(9);
    let slow = Arc::new(Slow {
        key: SoftwareKey::new(ds.key).unwrap(),
        now: AtomicUsize::new(0),
        most: AtomicUsize::new(0),
        all: AtomicUsize::new(0),
    });
    let mut signers = Signers::default();
    let shared: Arc<dyn Signer + Send + Sync> = slow.clone();
    signers.add("ds".to_owned(), ds.certificate, shared);
    (signers, slow)
}

#[test]
fn two_badges_are_drawn_at_once_and_others_wait() {
    everywhere(async |mut world| {
        offered(&mut world, &SIDES).await;
        world
            .profile("licence", |settings| {
                settings.format = "warrant-card".to_owned();
                settings.badge_layouts = SIDES.map(str::to_owned).to_vec();
                settings.issue_over_existing = true;
            })
            .await;
        let (signers, slow) = slow();
        let mut all = Vec::new();
        for seed in 1..=4 {
            let clerk = world.clerk.clone();
            let offer = world.request_as(&clerk, "licence").await.unwrap().offer.unwrap();
            let signers = signers.clone();
            let mut wallet = Wallet::at(&mut world, seed, |service| service.signers = Rota::new(signers));
            let token = redeemed(&mut wallet, &offer).await;
            all.push((wallet, token));
        }
        let mut all = all.iter_mut().map(|(wallet, token)| wallet.collect(token, 1));
        let mut next = || all.next().unwrap();
        let (a, b, c, d) = tokio::join!(next(), next(), next(), next());
        for answer in [a, b, c, d] {
            assert_eq!(badge(&answer).sides().count(), 2);
        }
        assert_eq!(slow.all.load(Ordering::SeqCst), 4);
        assert!(slow.most.load(Ordering::SeqCst) <= 2);
    });
}

#[test]
fn a_nonce_that_was_used_has_no_badge_drawn() {
    everywhere(async |mut world| {
        let offer = offered(&mut world, &SIDES).await;
        let (signers, slow) = slow();
        let mut wallet = Wallet::at(&mut world, 1, |service| service.signers = Rota::new(signers));
        let token = redeemed(&mut wallet, &offer).await;
        let nonce = wallet.nonce().await;
        badge(&wallet.collect_with(&token, 1, Some(&nonce)).await);
        let again = wallet.collect_with(&token, 1, Some(&nonce)).await;
        assert_eq!(
            (again.error().as_str(), again.rule),
            ("invalid_nonce", Some("replayed"))
        );
        assert_eq!(slow.all.load(Ordering::SeqCst), 1, "nothing was made for it");
    });
}

#[test]
fn what_is_fetched_anew_has_a_badge_of_what_the_data_say_now() {
    everywhere(async |mut world| {
        let offer = offered(&mut world, &SIDES[..1]).await;
        let mut wallet = Wallet::new(&mut world);
        let token = redeemed(&mut wallet, &offer).await;
        let first = badge(&wallet.collect(&token, 1).await);
        assert!(shows(&first, "Ada Lovelace") && first.back.is_none());
        named(&world, "Ada", "King").await;
        let refresh = TokenResponse::decode(&token.body).unwrap().refresh_token.unwrap();
        let form = TokenRequest::new(Grant::RefreshToken { token: refresh }).encode();
        let token = wallet.ask("/t/club/token", &form).await;
        let second = badge(&wallet.collect(&token, 1).await);
        assert!(shows(&second, "Ada King") && !shows(&second, "Ada Lovelace"));
    });
}

#[test]
fn what_is_approved_later_comes_with_its_badge() {
    everywhere(async |mut world| {
        offered(&mut world, &SIDES).await;
        world
            .profile("licence", |settings| {
                settings.format = "warrant-card".to_owned();
                settings.badge_layouts = SIDES.map(str::to_owned).to_vec();
                settings.validate_issuance = true;
                settings.issue_over_existing = true;
            })
            .await;
        let clerk = world.clerk.clone();
        let serial = world.request_as(&clerk, "licence").await.unwrap().document.serial;
        let offer = world.hand_out(&clerk, &serial).await.unwrap();
        let mut wallet = Wallet::new(&mut world);
        let token = redeemed(&mut wallet, &offer).await;
        let waits = wallet.collect(&token, 2).await;
        assert_eq!(waits.status, 202);
        assert!(body(&waits).get(BADGE).is_none());
        approve(&world, &serial).await;
        let name = body(&waits)["transaction_id"].as_str().unwrap().to_owned();
        let answer = wallet.deferred(&token, &name).await;
        assert_eq!(issued(&answer).documents.len(), 2);
        assert!(shows(&badge(&answer), "Ada Lovelace"));
    });
}

#[test]
fn a_badge_is_encrypted_with_the_documents() {
    everywhere(async |mut world| {
        let mut rng = ChaCha20Rng::seed_from_u64(8);
        let (service, own) = (
            SecretKey::generate(Curve::P256, &mut rng),
            SecretKey::generate(Curve::P256, &mut rng),
        );
        let offer = offered(&mut world, &SIDES).await;
        let key = service.clone();
        let mut wallet = Wallet::at(&mut world, 1, |service| {
            service.encryption = Some(("service-1".to_owned(), key));
        });
        let token = redeemed(&mut wallet, &offer).await;
        let nonce = wallet.nonce().await;
        let request = json!({
            "credential_configuration_id": "licence",
            "proofs": { "jwt": wallet.proofs(1, Some(&nonce)) },
            "credential_response_encryption":
                ResponseTerms::new(Jwk::new(own.public_key()).with("kid", "w1"), Encryption::A256Gcm),
        });
        let to = Jwk::new(service.public_key())
            .with("kid", "service-1")
            .with("alg", "ECDH-ES");
        let to = mdoc_openid::jose::Recipient::new(&to, Encryption::A256Gcm, false).unwrap();
        let sealed = credential::encrypt(request.to_string().as_bytes(), &to, &mut rng, &RustCrypto).unwrap();
        let answer = wallet
            .sealed("/t/club/credential", &token, sealed.as_bytes())
            .await;
        assert_eq!(answer.header("content-type"), "application/jwt");
        let keys = [OwnKey {
            kid: Some("w1"),
            secret: &own,
        }];
        let opened = credential::decrypt_answer(&answer.body, &keys, &RustCrypto).unwrap();
        assert!(shows(&badge(&Answered::of(200, opened.to_vec())), "Ada Lovelace"));
    });
}

/// The state of the one document, and the notes of its last move.
async fn last(world: &World) -> (State, String) {
    let serial = world.only_document().await;
    world
        .run(move |tx| {
            let state = document::read(tx, &serial)?.state;
            let history = document::history(tx, &crate::tests::world::system(), &serial)?;
            let notes = history.last().and_then(|last| last.notes.clone());
            Ok((state, notes.unwrap_or_default()))
        })
        .await
}

#[test]
fn a_document_whose_badge_cannot_be_drawn_has_failed_and_says_of_which_layout() {
    everywhere(async |mut world| {
        let parts = "<text x=\"1\" y=\"1\" width=\"2\" size=\"20\" overflow=\"error\">{family_name}</text>\n\
                     <text x=\"1\" y=\"20\" width=\"50\" size=\"8\">{area}</text>";
        let front = "side=\"front\" default=\"true\"";
        let _own = own(&mut world, "failing", &[("narrow", front, parts)]);
        let offer = offered(&mut world, &["narrow"]).await;
        world
            .edit(&world.ada.clone(), |details| {
                drop(details.attributes.remove("area"))
            })
            .await;
        let mut wallet = Wallet::new(&mut world);
        let token = redeemed(&mut wallet, &offer).await;
        let refused = wallet.collect(&token, 1).await;
        assert_eq!(
            (refused.status, refused.error().as_str(), refused.rule),
            (400, "credential_request_denied", Some("issuance.failed"))
        );
        let (state, notes) = last(&world).await;
        assert_eq!(state, State::Failed);
        for part in [
            "narrow, line 2",
            "[badge.text-too-long]",
            "no area",
            "[badge.element-missing]",
        ] {
            assert!(notes.contains(part), "{part}: {notes}");
        }
        assert!(!notes.contains("Lovelace"), "{notes}");
        let copies = world
            .run(|tx| Ok(tx.value::<i64>("SELECT CAST(COUNT(*) AS BIGINT) FROM copy", &[])?))
            .await;
        assert_eq!(copies, Some(0), "nothing was signed");
    });
}

#[test]
fn a_layout_that_is_gone_is_a_fault_of_the_service_and_none_of_the_document() {
    everywhere(async |mut world| {
        let text = "<text x=\"1\" y=\"1\" width=\"50\" size=\"8\">{agency}</text>";
        let _own = own(
            &mut world,
            "gone",
            &[("ours", "side=\"front\" default=\"true\"", text)],
        );
        let offer = offered(&mut world, &["ours"]).await;
        let ours = Arc::clone(&world.terms.layouts);
        world.terms.layouts = Arc::new(Layouts::shipped());
        let mut wallet = Wallet::new(&mut world);
        let token = redeemed(&mut wallet, &offer).await;
        assert_eq!(wallet.collect(&token, 1).await.status, 500);
        assert_eq!(last(&world).await.0, State::Issuing);
        world.terms.layouts = ours;
        wallet.later(&mut world, 0, |_| {});
        assert_eq!(badge(&wallet.collect(&token, 1).await).sides().count(), 1);
    });
}
