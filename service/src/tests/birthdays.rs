//! Documents in which an age becomes another one (E15): on which day, once, and what the wallet has then.

use mdoc_core::issuer_signed::{IssuerSigned, IssuerSignedItem};
use mdoc_core::limits::Limits;

use super::collecting::bound;
use super::outbox::{sending, take};
use super::races::at_once;
use super::world::{World, everywhere, system};
use crate::batches::Node;
use crate::domain::id::{BatchId, Serial};
use crate::domain::life::State;
use crate::domain::notice::Notice;
use crate::domain::profile::Scheme;
use crate::making::Copy;
use crate::usecase::change::{Change, change};
use crate::usecase::collect::Begun;
use crate::usecase::document::{self, Why};
use crate::usecase::renewal;

/// The world begins at noon on 1 June 2026: ten days before somebody is eighteen who was born then.
const BORN: &str = "2008-06-11";
const DAY: i64 = 86_400;

async fn born(world: &World, date: &'static str) {
    let ada = world.ada.clone();
    let set = move |details: &mut crate::domain::person::Details| {
        details.attributes.insert("birth_date".to_owned(), date.into());
    };
    world.edit(&ada, set).await;
}

/// A loyalty card of somebody who was born then, in a wallet that refreshes.
async fn card(world: &mut World) -> Begun {
    world.data_of("loyalty-card").await;
    born(world, BORN).await;
    let clerk = world.clerk.clone();
    let offer = world.request_as(&clerk, "licence").await.unwrap().offer.unwrap();
    let typed = offer.code.clone().unwrap();
    let begun = world.redeem(&offer, Some(&typed), &bound(1)).await.unwrap();
    let copies = world.issue(&begun, 1, b"first").await.unwrap();
    assert!(!over_18(&copies[0]));
    begun
}

fn over_18(copy: &Copy) -> bool {
    let document = IssuerSigned::decode(&copy.document, &Limits::DEFAULT).unwrap();
    let items = document.name_spaces().iter().flat_map(|(_, items)| items);
    let mut items = items.map(|item| IssuerSignedItem::read(item, &Limits::DEFAULT).unwrap());
    let item = items.find(|item| item.element_identifier == "age_over_18");
    item.unwrap().element_value.boolean().unwrap()
}

/// What the schedule does: the batch that it made, if it made one; it is done to the end.
async fn scheduled(world: &mut World) -> Option<BatchId> {
    let (now, mut rng) = (world.now, world.rng());
    let made = world.run(move |tx| renewal::due(tx, now, &mut rng)).await;
    let node = Node::new();
    while !node
        .round(&world.store, world.now, &world.terms)
        .await
        .unwrap()
        .is_idle()
    {}
    made
}

async fn state(world: &World, serial: &Serial) -> State {
    let serial = serial.clone();
    let document = world.run(move |tx| document::read(tx, &serial)).await;
    document.state
}

async fn changes(world: &World) -> Option<i64> {
    let sql = "SELECT ages_change FROM document";
    let found = world.run(move |tx| Ok(tx.value::<Option<i64>>(sql, &[])?)).await;
    found.flatten()
}

#[test]
fn on_the_birthday_the_document_is_made_anew_and_its_person_is_told_once() {
    everywhere(async |mut world| {
        sending(&mut world, Scheme::None).await;
        let begun = card(&mut world).await;
        sending(&mut world, Scheme::AuthCodeViaSms).await;
        born(&world, BORN).await;
        // Until a second before midnight, by UTC.
        world.later(9 * DAY + DAY / 2 - 1);
        assert_eq!(changes(&world).await, Some(world.now.unix() + 1));
        assert_eq!(scheduled(&mut world).await, None);
        world.later(1);
        assert!(scheduled(&mut world).await.is_some());
        assert_eq!(state(&world, &begun.serial).await, State::Updating);
        let told = take(&world).await;
        assert_eq!(told.len(), 1);
        assert_eq!(told[0].notice, Notice::Update);
        for _ in 0..3 {
            assert_eq!(scheduled(&mut world).await, None);
            world.later(DAY);
        }
        let again = world.refresh(&begun, &bound(1)).await.unwrap();
        let copies = world.issue(&again, 1, b"anew").await.unwrap();
        assert!(over_18(&copies[0]));
        assert_eq!(world.entries(&begun.serial).await, [1, 0]);
        // Nothing changes any more.
        assert_eq!(changes(&world).await, None);
        world.later(365 * DAY);
        assert_eq!(scheduled(&mut world).await, None);
        let entries = world.audited().await;
        let update = entries.iter().find(|entry| entry["action"] == "document.update");
        assert_eq!(update.unwrap()["from"], "birthdays");
    });
}

#[test]
fn of_two_nodes_one_makes_the_batch() {
    everywhere(async |mut world| {
        card(&mut world).await;
        world.later(10 * DAY);
        let now = world.now;
        let node = move |tx: &mut crate::store::Tx<'_>| renewal::due(tx, now, &mut crate::random::system());
        let (first, second) = at_once(&world, node, node).await;
        assert!(first.unwrap().is_some());
        assert_eq!(second, Ok(None));
    });
}

#[test]
fn what_a_wallet_fetched_by_itself_since_is_not_made_anew() {
    everywhere(async |mut world| {
        let begun = card(&mut world).await;
        world.later(10 * DAY);
        let again = world.refresh(&begun, &bound(1)).await.unwrap();
        let copies = world.issue(&again, 1, b"anew").await.unwrap();
        assert!(over_18(&copies[0]));
        assert_eq!(scheduled(&mut world).await, None);
        assert_eq!(state(&world, &begun.serial).await, State::Active);
    });
}

#[test]
fn one_that_is_off_on_the_birthday_follows_when_it_is_on_again() {
    everywhere(async |mut world| {
        let begun = card(&mut world).await;
        let moved = async |world: &World, what: Change, reason: &'static str| {
            let (now, serial) = (world.now, begun.serial.clone());
            let why = Why {
                reason: Some(reason),
                notes: None,
            };
            world
                .run(move |tx| change(tx, &system(), now, (&serial, what), why))
                .await;
        };
        moved(&world, Change::Disable, "mislaid").await;
        world.later(20 * DAY);
        assert_eq!(scheduled(&mut world).await, None);
        moved(&world, Change::Enable, "found").await;
        assert!(scheduled(&mut world).await.is_some());
        assert_eq!(state(&world, &begun.serial).await, State::Updating);
    });
}

#[test]
fn one_that_a_rule_refuses_is_tried_again_the_next_day() {
    everywhere(async |mut world| {
        let begun = card(&mut world).await;
        let lacking = |s: &mut crate::domain::profile::Settings| {
            s.requisite_user_data = vec!["shoe_size".to_owned()];
        };
        world.profile("licence", lacking).await;
        world.later(10 * DAY);
        assert!(scheduled(&mut world).await.is_some());
        world.later(60);
        assert_eq!(scheduled(&mut world).await, None);
        assert_eq!(state(&world, &begun.serial).await, State::Active);
        world.profile("licence", |_| {}).await;
        world.later(DAY);
        assert!(scheduled(&mut world).await.is_some());
        assert_eq!(state(&world, &begun.serial).await, State::Updating);
    });
}

#[test]
fn a_profile_that_is_not_in_use_makes_nothing_anew() {
    everywhere(async |mut world| {
        let begun = card(&mut world).await;
        let now = world.now;
        let switch = async |world: &World, on: bool| {
            world
                .run(move |tx| crate::usecase::profiles::enable(tx, &system(), now, ("licence", on)))
                .await;
        };
        switch(&world, false).await;
        world.later(10 * DAY);
        assert_eq!(scheduled(&mut world).await, None);
        switch(&world, true).await;
        assert!(scheduled(&mut world).await.is_some());
        assert_eq!(state(&world, &begun.serial).await, State::Updating);
    });
}

#[test]
fn they_are_found_by_an_index_among_however_many() {
    everywhere(async |world| {
        if world.is_server() {
            return;
        }
        let plan = world
            .run(|tx| {
                let sql = format!("EXPLAIN QUERY PLAN {}", renewal::BIRTHDAYS);
                let values = [0_i64.into(), "".into(), 0_i64.into(), 0_i64.into()];
                Ok(tx.rows(&sql, &values, |row| row.get::<String>(3))?)
            })
            .await;
        assert!(
            plan.iter().any(|step| step.contains("document_ageing")),
            "{plan:?}"
        );
        assert!(!plan.iter().any(|step| step.starts_with("SCAN d")), "{plan:?}");
    });
}
