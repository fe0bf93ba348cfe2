//! A document that a wallet has, collected once more: by the offer that an operator hands out (E8, E15).

use super::world::{World, code, everywhere, operator};
use crate::domain::id::Serial;
use crate::domain::role::{Scope, Workflow};
use crate::usecase::change::{Change, change};
use crate::usecase::collect::{Begun, Holder};
use crate::usecase::document::Why;
use crate::usecase::request::Offer;

fn bound(key: u8) -> Holder {
    Holder {
        key_thumbprint: Some([key; 32]),
        ..Holder::default()
    }
}

async fn taken(world: &mut World, offer: &Offer, holder: &Holder) -> Begun {
    let typed = offer.code.clone().unwrap();
    world.redeem(offer, Some(&typed), holder).await.unwrap()
}

/// A document that a wallet has two copies of, and what it collected them by.
async fn collected(world: &mut World, holder: &Holder) -> Begun {
    world.data_of("loyalty-card").await;
    let clerk = world.clerk.clone();
    let offer = world.request_as(&clerk, "licence").await.unwrap().offer.unwrap();
    let begun = taken(world, &offer, holder).await;
    world.issue(&begun, 2, b"first").await.unwrap();
    begun
}

async fn moved(world: &World, serial: &Serial, what: Change, reason: &'static str) {
    let (actor, serial, now) = (operator(&world.clerk), serial.clone(), world.now);
    world
        .run(move |tx| {
            let why = Why {
                reason: Some(reason),
                notes: None,
            };
            change(tx, &actor, now, (&serial, what), why)
        })
        .await;
}

#[test]
fn a_wallet_without_a_refresh_token_gets_its_document_by_a_new_offer() {
    everywhere(async |mut world| {
        let first = collected(&mut world, &Holder::default()).await;
        assert!(first.refresh.is_none());
        // All that it has is over.
        world.later(31 * 86_400);
        let told = world.audited().await.len();
        world.collected_again(&first.serial, 3).await;
        let told = world.audited().await.split_off(told);
        let actions: Vec<_> = told
            .iter()
            .map(|entry| entry["action"].as_str().unwrap())
            .collect();
        assert_eq!(
            actions,
            [
                "document.offer",
                "offer.take",
                "device.register",
                "document.refresh"
            ]
        );
        for entry in &told[..2] {
            assert_eq!(entry["object"]["name"], first.serial.as_str());
            assert_eq!(entry["after"]["state"], "active");
        }
        // What ended by itself need not be revoked.
        assert_eq!(world.entries(&first.serial).await, [0; 5]);
    });
}

#[test]
fn what_an_answer_that_was_lost_had_in_it_is_revoked_when_others_are_collected() {
    everywhere(async |mut world| {
        let first = collected(&mut world, &Holder::default()).await;
        world.later(60);
        let clerk = world.clerk.clone();
        let offer = world.hand_out(&clerk, &first.serial).await.unwrap();
        let again = taken(&mut world, &offer, &Holder::default()).await;
        // It is the only wallet from now on; what the other one has goes when there is something else.
        assert_eq!(code(world.issue(&first, 1, b"more").await), "session.unknown");
        assert_eq!(world.entries(&first.serial).await, [0, 0]);
        world.later(1);
        world.issue(&again, 1, b"second").await.unwrap();
        assert_eq!(world.entries(&first.serial).await, [1, 1, 0]);
        world.issue(&again, 1, b"third").await.unwrap();
        assert_eq!(world.entries(&first.serial).await, [1, 1, 0, 0]);
    });
}

#[test]
fn a_document_is_in_one_wallet() {
    everywhere(async |mut world| {
        let first = collected(&mut world, &bound(1)).await;
        world.later(60);
        let clerk = world.clerk.clone();
        let offer = world.hand_out(&clerk, &first.serial).await.unwrap();
        // Until somebody takes the offer, nothing changes for the wallet that has it.
        let own = world.refresh(&first, &bound(1)).await.unwrap();
        let second = taken(&mut world, &offer, &bound(2)).await;
        assert_eq!(code(world.issue(&own, 1, b"own").await), "session.unknown");
        assert_eq!(code(world.refresh(&first, &bound(1)).await), "session.unknown");
        world.issue(&second, 1, b"second").await.unwrap();
        assert_eq!(world.entries(&first.serial).await, [1, 1, 0]);
        // What the new one refreshes by itself it has besides.
        world.later(60);
        let again = world.refresh(&second, &bound(2)).await.unwrap();
        world.issue(&again, 1, b"again").await.unwrap();
        assert_eq!(world.entries(&first.serial).await, [1, 1, 0, 0]);
    });
}

#[test]
fn what_was_switched_off_and_on_is_collected_anew() {
    everywhere(async |mut world| {
        world.licence_data().await;
        world
            .profile("driving", |s| s.format = "partial-iso-18013-5".to_owned())
            .await;
        let serial = world.collected("driving", 1).await;
        world.later(60);
        moved(&world, &serial, Change::Disable, "suspended").await;
        let clerk = world.clerk.clone();
        // What is switched off is not handed out.
        assert_eq!(
            code(world.hand_out(&clerk, &serial).await),
            "document.illegal-move"
        );
        moved(&world, &serial, Change::Enable, "reinstated").await;
        assert_eq!(world.entries(&serial).await, [1]);
        world.collected_again(&serial, 1).await;
        assert_eq!(world.entries(&serial).await, [1, 0]);
        // Nor is what is over, although nobody has swept yet.
        world.later(365 * 86_400);
        assert_eq!(
            code(world.hand_out(&clerk, &serial).await),
            "document.illegal-move"
        );
    });
}

#[test]
fn who_hands_out_new_documents_alone_does_not_hand_out_what_somebody_has() {
    everywhere(async |mut world| {
        let begun = collected(&mut world, &Holder::default()).await;
        let counter = world.person("counter").await;
        world.role("counter", Scope::All, &[Workflow::IssueDevice]).await;
        world.grant("counter", &counter).await;
        assert_eq!(
            code(world.hand_out(&counter, &begun.serial).await),
            "role.not-granted"
        );
        let updates = [Workflow::IssueDevice, Workflow::RequestUpdate];
        world.role("counter", Scope::All, &updates).await;
        assert_eq!(code(world.hand_out(&counter, &begun.serial).await), "done");
        world
            .role("counter", Scope::All, &[Workflow::RequestUpdate])
            .await;
        assert_eq!(
            code(world.hand_out(&counter, &begun.serial).await),
            "role.not-granted"
        );
    });
}
