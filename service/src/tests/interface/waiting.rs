//! Documents that somebody has to approve first, and how much a wallet may ask for.

use mdoc_openid::Secret;
use mdoc_openid::vci::Draft;
use mdoc_openid::vci::authorization::AuthorizationDetail;
use mdoc_openid::vci::token::{Grant, TokenRequest, TokenResponse};
use serde_json::{Value, json};

use super::wallet::{Answered, Wallet};
use super::{begun, issued, redeemed};
use crate::domain::id::Serial;
use crate::domain::profile::Settings;
use crate::domain::role::Scope;
use crate::store::Tx;
use crate::tests::world::{World, everywhere, operator, system};
use crate::usecase::change::{Change, change};
use crate::usecase::document::Why;
use crate::usecase::request::Offer;
use crate::usecase::{people, sweep, validate};

fn body(answer: &Answered) -> Value {
    serde_json::from_slice(&answer.body).unwrap()
}

/// A document that has to be approved, and its offer.
async fn awaiting(world: &mut World) -> (Serial, Offer) {
    awaiting_with(world, |_| ()).await
}

/// The same by a profile that has other settings besides.
pub(super) async fn awaiting_with(world: &mut World, change: fn(&mut Settings)) -> (Serial, Offer) {
    world
        .profile("licence", |s| {
            s.validate_issuance = true;
            change(s);
        })
        .await;
    world.data_of("loyalty-card").await;
    let clerk = world.clerk.clone();
    let serial = world.request_as(&clerk, "licence").await.unwrap().document.serial;
    let offer = world.hand_out(&clerk, &serial).await.unwrap();
    (serial, offer)
}

pub(in crate::tests) async fn approve(world: &World, serial: &Serial) {
    let (actor, now, serial) = (operator(&world.chief), world.now, serial.clone());
    let terms = world.terms.clone();
    world
        .run(move |tx| {
            let judged = (&serial, true, &terms);
            validate::validate(
                tx,
                &actor,
                now,
                judged,
                Why::default(),
                &mut crate::random::system(),
            )
        })
        .await;
}

pub(super) fn transaction(answer: &Answered) -> String {
    assert_eq!(answer.status, 202);
    body(answer)["transaction_id"].as_str().unwrap().to_owned()
}

/// How many collections wait.
async fn waiting(world: &World) -> Option<i64> {
    let sql = "SELECT CAST(COUNT(*) AS BIGINT) FROM deferred";
    world.run(move |tx| Ok(tx.value::<i64>(sql, &[])?)).await
}

#[test]
fn a_proof_that_was_used_to_ask_whether_it_is_ready_is_good_no_more() {
    everywhere(async |mut world| {
        let (serial, offer) = awaiting(&mut world).await;
        let mut wallet = Wallet::new(&mut world);
        let token = redeemed(&mut wallet, &offer).await;
        let name = transaction(&wallet.collect(&token, 1).await);
        assert_eq!(wallet.deferred(&token, &name).await.status, 202);
        let again = wallet.repeat_last().await;
        assert_eq!(
            (again.status, again.error()),
            (401, "invalid_dpop_proof".to_owned())
        );
        approve(&world, &serial).await;
        // Neither for the document when it is there.
        assert_eq!(wallet.repeat_last().await.error(), "invalid_dpop_proof");
        assert_eq!(
            wallet.deferred(&token, "AAAA").await.error(),
            "invalid_transaction_id"
        );
        assert_eq!(wallet.repeat_last().await.error(), "invalid_dpop_proof");
        assert_eq!(issued(&wallet.deferred(&token, &name).await).documents.len(), 1);
    });
}

#[test]
fn a_wallet_that_asks_as_drafts_do_is_told_as_they_do_that_it_waits() {
    everywhere(async |mut world| {
        let (serial, offer) = awaiting(&mut world).await;
        let mut wallet = Wallet::at(&mut world, 1, |service| service.oldest = Draft::Draft13);
        let token = redeemed(&mut wallet, &offer).await;
        let nonce = wallet.nonce().await;
        let proof = wallet.proofs(1, Some(&nonce)).remove(0);
        let asked = json!({
            "credential_configuration_id": "licence", "proof": { "proof_type": "jwt", "jwt": proof },
        });
        let name = transaction(&wallet.credential(&token, asked.to_string().as_bytes()).await);
        let waits = wallet.deferred(&token, &name).await;
        assert_eq!(
            (waits.status, waits.error(), waits.header("cache-control")),
            (400, "issuance_pending".to_owned(), "no-store")
        );
        assert_eq!(body(&waits)["interval"], 60);
        // Others are told what the final version has.
        let other = transaction(&wallet.collect(&token, 1).await);
        assert_eq!(wallet.deferred(&token, &other).await.status, 202);
        approve(&world, &serial).await;
        assert_eq!(issued(&wallet.deferred(&token, &name).await).documents.len(), 1);
    });
}

#[test]
fn a_proof_of_a_request_that_failed_is_good_no_more() {
    everywhere(async |mut world| {
        let (mut wallet, token) = begun(&mut world).await;
        let stale = wallet.collect_with(&token, 1, Some("nobody-made-this")).await;
        assert_eq!(stale.error(), "invalid_nonce");
        assert_eq!(wallet.repeat_last().await.error(), "invalid_dpop_proof");
        // Whoever has no session writes nothing.
        let mut thief = Wallet::with_key(&mut world, 99);
        for _twice in 0..2 {
            assert_eq!(thief.collect(&token, 1).await.error(), "invalid_token");
        }
        assert_eq!(thief.repeat_last().await.error(), "invalid_token");
        assert_eq!(issued(&wallet.collect(&token, 1).await).documents.len(), 1);
    });
}

#[test]
fn a_proof_is_good_once_at_the_token_endpoint_whatever_came_of_it() {
    everywhere(async |mut world| {
        world.role("staff", Scope::Itself, &[]).await;
        world
            .profile("licence", |s| s.roles.collect = vec!["staff".to_owned()])
            .await;
        let offer = super::offer(&mut world).await;
        let mut wallet = Wallet::new(&mut world);
        let pre = wallet.pre_authorized(&offer).await;
        let code = offer.code.clone().unwrap();
        let replayed = async |wallet: &Wallet| {
            let again = wallet.repeat_last().await;
            assert_eq!(
                (again.status, again.error(), again.rule),
                (400, "invalid_dpop_proof".to_owned(), Some("replayed"))
            );
        };
        // What is noted of a refusal stays, and what a rule undoes leaves nothing but that.
        for (typed, rule) in [("0", "code.wrong"), (code.as_str(), "profile.collect-role")] {
            let refused = wallet.token(&pre, Some(typed)).await;
            assert_eq!((refused.status, refused.rule), (400, Some(rule)));
            replayed(&wallet).await;
        }
        let ada = world.ada.clone();
        world.grant("staff", &ada).await;
        replayed(&wallet).await;
        let request = TokenRequest {
            authorization_details: vec![AuthorizationDetail::new("other")],
            ..TokenRequest::new(Grant::PreAuthorizedCode {
                code: Secret::new(&*pre),
                tx_code: Some(Secret::new(code.as_str())),
            })
        };
        let other = wallet.ask("/t/club/token", &request.encode()).await;
        assert_eq!(other.error(), "invalid_authorization_details");
        replayed(&wallet).await;
        assert_eq!(wallet.token(&pre, Some(&code)).await.status, 200);
        replayed(&wallet).await;
    });
}

#[test]
fn a_wallet_gets_its_copies_again_and_not_without_end() {
    everywhere(async |mut world| {
        let (mut wallet, token) = begun(&mut world).await;
        for _answer_that_was_lost in 0..4 {
            assert_eq!(issued(&wallet.collect(&token, 3).await).documents.len(), 3);
        }
        let refused = wallet.collect(&token, 1).await;
        assert_eq!(
            (refused.status, refused.error(), refused.rule),
            (
                400,
                "credential_request_denied".to_owned(),
                Some("copies.exhausted")
            )
        );
        let words = body(&refused)["error_description"].as_str().unwrap().to_owned();
        assert!(words.contains("try again in 3600 s"), "{words}");
        // A new session does not help, and time does.
        let refresh = TokenResponse::decode(&token.body).unwrap().refresh_token.unwrap();
        let form = TokenRequest::new(Grant::RefreshToken { token: refresh }).encode();
        let another = wallet.ask("/t/club/token", &form).await;
        let refused = wallet.collect(&another, 1).await;
        assert_eq!(refused.error(), "credential_request_denied");
        wallet.later(&mut world, 3600, |_| {});
        let another = wallet.ask("/t/club/token", &form).await;
        assert_eq!(issued(&wallet.collect(&another, 3).await).documents.len(), 3);
        let sql = "SELECT CAST(COUNT(*) AS BIGINT) FROM copy";
        let copies = world.run(move |tx| Ok(tx.value::<i64>(sql, &[])?)).await;
        assert_eq!(copies, Some(15));
    });
}

/// The portrait with much in it that no decoder looks at and no file loses.
fn large_portrait() -> Vec<u8> {
    let portrait: &[u8] = include_bytes!("../../../../document-formats/samples/portrait.jpg");
    let (start, rest) = portrait.split_at(2);
    let mut large = start.to_vec();
    for _ in 0..3 {
        large.extend_from_slice(&[0xff, 0xe0, 0xfd, 0xe8]);
        large.extend_from_slice(b"JFXX\0");
        large.resize(large.len() + 0xfde8 - 7, 0);
    }
    large.extend_from_slice(rest);
    large
}

#[test]
fn an_answer_that_no_wallet_would_read_is_refused_and_nothing_is_recorded() {
    everywhere(async |mut world| {
        world
            .profile("licence", |settings| {
                settings.format = "partial-iso-18013-5".to_owned();
                settings.copies = 50;
            })
            .await;
        world.licence_data().await;
        let ada = world.ada.clone();
        world
            .edit(&ada, |details| drop(details.attributes.remove("portrait")))
            .await;
        let (now, portrait) = (world.now, large_portrait());
        let set =
            move |tx: &mut Tx<'_>| people::set_photo(tx, &system(), now, &ada, ("image/jpeg", &portrait));
        world.run(set).await;
        let clerk = world.clerk.clone();
        let offer = world.request_as(&clerk, "licence").await.unwrap().offer.unwrap();
        let mut wallet = Wallet::new(&mut world);
        let token = redeemed(&mut wallet, &offer).await;
        let refused = wallet.collect(&token, 50).await;
        assert_eq!(
            (refused.status, refused.error(), refused.rule),
            (400, "invalid_proof".to_owned(), Some("keys.too-many"))
        );
        let sql = "SELECT CAST(COUNT(*) AS BIGINT) FROM copy";
        let copies = world.run(move |tx| Ok(tx.value::<i64>(sql, &[])?)).await;
        assert_eq!(copies, Some(0));
        assert_eq!(issued(&wallet.collect(&token, 2).await).documents.len(), 2);
    });
}

#[test]
fn of_many_requests_for_what_is_not_approved_the_newest_ones_are_kept() {
    everywhere(async |mut world| {
        let (serial, offer) = awaiting(&mut world).await;
        let mut wallet = Wallet::new(&mut world);
        let token = redeemed(&mut wallet, &offer).await;
        let mut names = Vec::new();
        for _ in 0..6 {
            names.push(transaction(&wallet.collect(&token, 1).await));
            wallet.later(&mut world, 1, |_| {});
        }
        assert_eq!(waiting(&world).await, Some(4));
        for old in &names[..2] {
            assert_eq!(
                wallet.deferred(&token, old).await.error(),
                "invalid_transaction_id"
            );
        }
        approve(&world, &serial).await;
        assert_eq!(
            issued(&wallet.deferred(&token, &names[2]).await).documents.len(),
            1
        );
        assert_eq!(
            issued(&wallet.deferred(&token, &names[5]).await).documents.len(),
            1
        );
    });
}

/// A wallet whose requests are bound to no key.
struct Plain {
    wallet: Wallet,
    token: String,
}

impl Plain {
    async fn ask(&self, path: &str, body: &Value) -> Answered {
        let bearer = format!("Bearer {}", self.token);
        let headers = [("authorization", bearer.as_str())];
        let body = body.to_string();
        self.wallet
            .post(&format!("/t/club/{path}"), &headers, body.as_bytes())
            .await
    }

    async fn credential(&mut self) -> Answered {
        let nonce = self.wallet.nonce().await;
        let proofs = self.wallet.proofs(1, Some(&nonce));
        let body = json!({ "credential_configuration_id": "licence", "proofs": { "jwt": proofs } });
        self.ask("credential", &body).await
    }

    async fn later(&mut self, world: &mut World, seconds: i64) {
        self.wallet.later(world, seconds, |_| {});
        let now = world.now;
        world.run(move |tx| sweep::sweep(tx, now)).await;
    }
}

#[test]
fn a_wallet_without_a_key_of_its_own_waits_for_as_long_as_an_offer_lasts() {
    everywhere(async |mut world| {
        const DAY: i64 = 86_400;
        let (serial, offer) = awaiting(&mut world).await;
        let wallet = Wallet::new(&mut world);
        let form = TokenRequest::new(Grant::PreAuthorizedCode {
            code: wallet.pre_authorized(&offer).await.as_str().into(),
            tx_code: offer.code.as_ref().map(|code| code.as_str().into()),
        });
        let kind = [("content-type", "application/x-www-form-urlencoded")];
        let given = wallet
            .post("/t/club/token", &kind, form.encode().as_bytes())
            .await;
        let token = TokenResponse::decode(&given.body).unwrap();
        assert_eq!(token.expires_in, Some(300));
        let mut plain = Plain {
            wallet,
            token: token.access_token.expose().to_owned(),
        };
        let name = transaction(&plain.credential().await);
        let wanted = json!({ "transaction_id": name });

        plain.later(&mut world, 10 * DAY).await;
        assert_eq!(plain.ask("deferred", &wanted).await.status, 202);
        // For other keys it is good no more, and nobody else's transaction is found by it.
        assert_eq!(plain.credential().await.error(), "invalid_token");
        let other = plain.ask("deferred", &json!({ "transaction_id": "AAAA" })).await;
        assert_eq!(other.error(), "invalid_transaction_id");
        approve(&world, &serial).await;
        assert_eq!(plain.credential().await.error(), "invalid_token");
        let issued = issued(&plain.ask("deferred", &wanted).await);
        assert_eq!(issued.documents.len(), 1);

        let told = json!({ "notification_id": issued.notification_id, "event": "credential_accepted" });
        assert_eq!(plain.ask("notification", &told).await.status, 204);
        assert_eq!(plain.credential().await.error(), "invalid_token");
        plain.later(&mut world, 301).await;
        for path in ["notification", "deferred"] {
            assert_eq!(plain.ask(path, &told).await.error(), "invalid_token", "{path}");
        }
    });
}

#[test]
fn nobody_waits_for_longer_than_an_offer_lasts_nor_for_what_was_withdrawn() {
    everywhere(async |mut world| {
        let (serial, offer) = awaiting(&mut world).await;
        let mut wallet = Wallet::new(&mut world);
        let token = redeemed(&mut wallet, &offer).await;
        let name = transaction(&wallet.collect(&token, 1).await);
        let lifetime = world.terms.offer_lifetime;
        wallet.later(&mut world, lifetime, |_| {});
        assert_eq!(wallet.deferred(&token, &name).await.status, 202);
        wallet.later(&mut world, 1, |_| {});
        assert_eq!(wallet.deferred(&token, &name).await.error(), "invalid_token");

        let offer = world.hand_out(&world.clerk.clone(), &serial).await.unwrap();
        let token = redeemed(&mut wallet, &offer).await;
        let name = transaction(&wallet.collect(&token, 1).await);
        let (actor, now) = (operator(&world.clerk), world.now);
        world
            .run(move |tx| {
                let why = Why {
                    reason: Some("other"),
                    notes: None,
                };
                change(tx, &actor, now, (&serial, Change::Cancel), why)
            })
            .await;
        assert_eq!(wallet.deferred(&token, &name).await.error(), "invalid_token");
    });
}
