//! Documents that cannot be made of the person's data (E13).

use mdoc_openid::vci::token::{Grant, TokenRequest, TokenResponse};
use serde_json::{Value, json};

use super::wallet::Wallet;
use super::{issued, offer, redeemed};
use crate::domain::life::State;
use crate::tests::world::{World, everywhere, system};
use crate::usecase::document;

/// The state of the one document, and the name and notes of its last move.
async fn last(world: &World) -> (State, String, Option<String>) {
    let serial = world.only_document().await;
    world
        .run(move |tx| {
            let state = document::read(tx, &serial)?.state;
            let history = document::history(tx, &system(), &serial)?;
            let last = history.last().unwrap();
            Ok((state, last.name.clone(), last.notes.clone()))
        })
        .await
}

/// Takes from Ada what every card has, or gives it back.
async fn spoil(world: &World, value: Option<Value>) -> Option<Value> {
    let ada = world.ada.clone();
    let id = ada.clone();
    let person = world.run(move |tx| crate::usecase::people::read(tx, &id)).await;
    let before = person.details.attributes.get(FIELD).cloned();
    world
        .edit(&ada, move |details| match &value {
            None => drop(details.attributes.remove(FIELD)),
            Some(value) => drop(details.attributes.insert(FIELD.to_owned(), value.clone())),
        })
        .await;
    before
}

/// A field without which there is no card.
const FIELD: &str = "member_number";

#[test]
fn what_cannot_be_made_has_failed_and_says_of_which_fields() {
    everywhere(async |mut world| {
        let offer = offer(&mut world).await;
        let mut wallet = Wallet::new(&mut world);
        let token = redeemed(&mut wallet, &offer).await;
        spoil(&world, Some(json!(["swordfish"]))).await;
        let refused = wallet.collect(&token, 1).await;
        assert_eq!(
            (refused.status, refused.error().as_str(), refused.rule),
            (400, "credential_request_denied", Some("issuance.failed"))
        );
        let (state, made, notes) = last(&world).await;
        assert_eq!((state, made.as_str()), (State::Failed, "fail"));
        let notes = notes.unwrap();
        assert!(
            notes.contains(FIELD) && notes.contains('[') && !notes.contains("swordfish"),
            "{notes}"
        );
        let told = world.audited().await.pop().unwrap();
        assert_eq!(
            (told["action"].as_str(), told["notes"].as_str()),
            (Some("document.fail"), Some(notes.as_str()))
        );
        // Nothing leads to it any more.
        let again = wallet.collect(&token, 1).await;
        assert_eq!((again.status, again.rule), (401, Some("session.unknown")));
    });
}

#[test]
fn what_a_wallet_has_does_not_fail_by_being_fetched_anew() {
    everywhere(async |mut world| {
        let offer = offer(&mut world).await;
        let mut wallet = Wallet::new(&mut world);
        let token = redeemed(&mut wallet, &offer).await;
        assert_eq!(issued(&wallet.collect(&token, 1).await).documents.len(), 1);
        let right = spoil(&world, Some(json!([]))).await;
        let refused = wallet.collect(&token, 1).await;
        assert_eq!(refused.rule, Some("issuance.failed"));
        assert_eq!(last(&world).await.0, State::Active);
        let told = world.audited().await.pop().unwrap();
        assert_eq!(told["action"], "issuance.fail");
        assert!(told["notes"].as_str().unwrap().contains(FIELD));
        spoil(&world, right).await;
        let refresh = TokenResponse::decode(&token.body).unwrap().refresh_token.unwrap();
        let form = TokenRequest::new(Grant::RefreshToken { token: refresh }).encode();
        let token = wallet.ask("/t/club/token", &form).await;
        assert_eq!(issued(&wallet.collect(&token, 1).await).documents.len(), 1);
    });
}
