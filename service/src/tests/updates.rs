//! Documents that are made anew (E15): by what, for whom, and what becomes of those before.

use super::collecting::bound;
use super::interface::waiting::approve;
use super::outbox::{done, sending, stages, take};
use super::world::{World, code, everywhere, operator};
use crate::batches::Node;
use crate::domain::id::{BatchId, PersonId, Serial};
use crate::domain::life::State;
use crate::domain::notice::Notice;
use crate::domain::profile::{Scheme, Settings};
use crate::usecase::Failure;
use crate::usecase::change::{Change, change};
use crate::usecase::collect::Begun;
use crate::usecase::document::{self, Why};
use crate::usecase::outbox::{Outcome, Stage};
use crate::usecase::update::update;
use crate::usecase::{batch, renewal};

/// A document that a wallet has which refreshes.
async fn collected(world: &mut World) -> (Serial, Begun) {
    collected_by(world, |_| {}).await
}

/// The same by other settings.
async fn collected_by(world: &mut World, change: impl FnOnce(&mut Settings)) -> (Serial, Begun) {
    world.data_of("loyalty-card").await;
    world.profile("licence", change).await;
    let clerk = world.clerk.clone();
    let offer = world.request_as(&clerk, "licence").await.unwrap().offer.unwrap();
    let typed = offer.code.clone().unwrap();
    let begun = world.redeem(&offer, Some(&typed), &bound(1)).await.unwrap();
    world.issue(&begun, 2, b"first").await.unwrap();
    (begun.serial.clone(), begun)
}

async fn updated(world: &World, serial: &Serial) -> Result<State, Failure> {
    let (actor, now, terms, serial) = (
        operator(&world.clerk),
        world.now,
        world.terms.clone(),
        serial.clone(),
    );
    let done = world.store.write(move |tx| {
        let rng = &mut crate::random::system();
        update(tx, &actor, now, (&serial, &terms), Why::default(), rng)
    });
    done.await.map(|document| document.state)
}

async fn moved(world: &World, serial: &Serial, what: Change, reason: &'static str) -> State {
    moved_by(world, &world.clerk, serial, (what, reason)).await
}

async fn moved_by(
    world: &World,
    who: &PersonId,
    serial: &Serial,
    (what, reason): (Change, &'static str),
) -> State {
    let (actor, now, serial) = (operator(who), world.now, serial.clone());
    let document = world.run(move |tx| {
        let why = Why {
            reason: Some(reason),
            notes: None,
        };
        change(tx, &actor, now, (&serial, what), why)
    });
    document.await.state
}

async fn kept(world: &World, serial: &Serial) -> document::Document {
    let serial = serial.clone();
    world.run(move |tx| document::read(tx, &serial)).await
}

#[test]
fn what_is_made_anew_has_the_newest_of_everything_and_those_before_are_revoked() {
    everywhere(async |mut world| {
        let (serial, begun) = collected(&mut world).await;
        world.profile("licence", |s| s.copy_days = 7).await;
        assert_eq!(updated(&world, &serial).await, Ok(State::Updating));
        // Until the wallet comes, it has what it had.
        assert_eq!(world.entries(&serial).await, [0, 0]);
        let again = world.refresh(&begun, &bound(1)).await.unwrap();
        let order = world.gathered(&again, 1).await.unwrap();
        assert_eq!(order.profile.settings.copy_days, 7);
        world.recorded(&again, (&order, 1), b"anew").await.unwrap();
        assert_eq!(world.entries(&serial).await, [1, 1, 0]);
        // What it fetches afterwards by itself stands beside it.
        world.issue(&again, 1, b"more").await.unwrap();
        assert_eq!(world.entries(&serial).await, [1, 1, 0, 0]);
    });
}

#[test]
fn what_is_off_or_ended_is_not_updated_and_not_twice() {
    everywhere(async |mut world| {
        let (serial, _) = collected(&mut world).await;
        updated(&world, &serial).await.unwrap();
        assert_eq!(code(updated(&world, &serial).await), "document.illegal-move");
        moved(&world, &serial, Change::Disable, "mislaid").await;
        assert_eq!(code(updated(&world, &serial).await), "document.illegal-move");
        moved(&world, &serial, Change::Cancel, "lost").await;
        assert_eq!(code(updated(&world, &serial).await), "document.illegal-move");
        let nobody = Serial::given("other").unwrap();
        assert_eq!(code(updated(&world, &nobody).await), "not-found");
    });
}

#[test]
fn an_update_needs_the_data_that_the_newest_settings_ask_for() {
    everywhere(async |mut world| {
        let (serial, _) = collected(&mut world).await;
        world
            .profile("licence", |s| {
                s.requisite_user_data = vec!["shoe_size".to_owned()]
            })
            .await;
        assert_eq!(
            code(updated(&world, &serial).await),
            "profile.requisite-user-data"
        );
        world.later(400 * 86_400);
        world.profile("licence", |_| {}).await;
        assert_eq!(code(updated(&world, &serial).await), "document.illegal-move");
    });
}

#[test]
fn whoever_has_the_document_is_told() {
    everywhere(async |mut world| {
        let (serial, _) = collected(&mut world).await;
        sending(&mut world, Scheme::AuthCodeViaSms).await;
        updated(&world, &serial).await.unwrap();
        let taken = take(&world).await;
        assert_eq!(
            taken.iter().map(|one| one.notice).collect::<Vec<_>>(),
            [Notice::Update]
        );
        assert_eq!(taken[0].letter.as_ref().unwrap().to, "ada@example.org");
    });
}

#[test]
fn an_update_is_not_forgotten_while_the_document_is_off() {
    everywhere(async |mut world| {
        let (serial, begun) = collected(&mut world).await;
        world.profile("licence", |s| s.copy_days = 7).await;
        updated(&world, &serial).await.unwrap();
        moved(&world, &serial, Change::Disable, "mislaid").await;
        moved(&world, &serial, Change::RequestCancel, "lost").await;
        let chief = world.chief.clone();
        let rejected = (Change::RejectCancel, "duplicate");
        assert_eq!(moved_by(&world, &chief, &serial, rejected).await, State::Disabled);
        assert_eq!(
            moved(&world, &serial, Change::Enable, "found").await,
            State::Updating
        );
        let again = world.refresh(&begun, &bound(1)).await.unwrap();
        let order = world.gathered(&again, 1).await.unwrap();
        assert_eq!(order.profile.settings.copy_days, 7);
        world.recorded(&again, (&order, 1), b"anew").await.unwrap();
        // It was fetched: nothing is left of it.
        moved(&world, &serial, Change::Disable, "mislaid").await;
        assert_eq!(
            moved(&world, &serial, Change::Enable, "found").await,
            State::Active
        );
    });
}

#[test]
fn who_is_told_of_an_update_can_still_fetch_it() {
    everywhere(async |mut world| {
        let (serial, begun) = collected(&mut world).await;
        sending(&mut world, Scheme::AuthCodeViaSms).await;
        // It did not go out, and is not tried again once the wallet has it.
        updated(&world, &serial).await.unwrap();
        let told = take(&world).await.remove(0).id;
        done(&world, &told, Outcome::Never("no".to_owned())).await;
        world.later(60);
        assert!(take(&world).await.is_empty());
        assert_eq!(stages(&world).await, [Stage::Failed]);
        let again = world.refresh(&begun, &bound(1)).await.unwrap();
        world.issue(&again, 1, b"anew").await.unwrap();
        assert!(take(&world).await.is_empty());
        assert_eq!(stages(&world).await, [Stage::Withdrawn]);
        // One of a document that was ended is not sent; one that is off may be switched on again.
        updated(&world, &serial).await.unwrap();
        moved(&world, &serial, Change::Disable, "mislaid").await;
        assert_eq!(take(&world).await.len(), 1);
        moved(&world, &serial, Change::Cancel, "lost").await;
        world.later(crate::usecase::outbox::LEASE + 1);
        assert!(take(&world).await.is_empty());
        assert_eq!(stages(&world).await, [Stage::Withdrawn; 2]);
        let sql = "SELECT COUNT(*) FROM message WHERE sealed IS NOT NULL";
        let sealed: Option<i64> = world.run(move |tx| Ok(tx.value(sql, &[])?)).await;
        assert_eq!(sealed, Some(0));
    });
}

#[test]
fn an_update_that_is_offered_anew_is_approved_by_the_newest_settings() {
    everywhere(async |mut world| {
        let (serial, _) = collected(&mut world).await;
        world.profile("licence", |s| s.validate_issuance = true).await;
        updated(&world, &serial).await.unwrap();
        let clerk = world.clerk.clone();
        let offer = world.hand_out(&clerk, &serial).await.unwrap();
        let typed = offer.code.clone().unwrap();
        let begun = world.redeem(&offer, Some(&typed), &bound(2)).await.unwrap();
        assert!(begun.profile.settings.validate_issuance);
        assert_eq!(code(world.gathered(&begun, 1).await), "validation.data-changed");
        approve(&world, &serial).await;
        world.issue(&begun, 1, b"anew").await.unwrap();
    });
}

#[test]
fn an_update_ends_nothing_else_and_the_document_is_what_was_made() {
    everywhere(async |mut world| {
        world
            .profile("licence", |s| {
                s.credential_group = Some("group".to_owned());
                s.cancel_previously_issued = true;
            })
            .await;
        world.data_of("loyalty-card").await;
        let clerk = world.clerk.clone();
        let offer = world.request_as(&clerk, "licence").await.unwrap().offer.unwrap();
        let typed = offer.code.clone().unwrap();
        let begun = world.redeem(&offer, Some(&typed), &bound(1)).await.unwrap();
        world.issue(&begun, 1, b"first").await.unwrap();
        let group = |s: &mut Settings| s.credential_group = Some("group".to_owned());
        world.profile("other", group).await;
        let other = world.collected("other", 1).await;
        assert_eq!(updated(&world, &begun.serial).await, Ok(State::Updating));
        let again = world.refresh(&begun, &bound(1)).await.unwrap();
        world.issue(&again, 1, b"anew").await.unwrap();
        assert_eq!(kept(&world, &other).await.state, State::Active);

        let before = kept(&world, &begun.serial).await.doc_type;
        world
            .profile("licence", |s| {
                s.format = "partial-iso-18013-5".to_owned();
                s.credential_group = Some("new".to_owned());
                s.exclusive_group = Some("one".to_owned());
            })
            .await;
        world.licence_data().await;
        updated(&world, &begun.serial).await.unwrap();
        let again = world.refresh(&begun, &bound(1)).await.unwrap();
        world.issue(&again, 1, b"again").await.unwrap();
        let after = kept(&world, &begun.serial).await.doc_type;
        assert_ne!(after, before);
        assert_eq!(after, "org.iso.18013.5.1.mDL");
        let groups = world
            .run(move |tx| {
                let sql = "SELECT credential_group, exclusive_group FROM document WHERE profile = 'licence'";
                Ok(tx.row(sql, &[], |row| Ok([row.get::<String>(0)?, row.get(1)?]))?)
            })
            .await;
        assert_eq!(groups, Some(["new".to_owned(), "one".to_owned()]));
    });
}

/// What the schedule does: the batch that it made, if it made one.
async fn scheduled(world: &mut World) -> Option<BatchId> {
    let (now, mut rng) = (world.now, world.rng());
    world.run(move |tx| renewal::due(tx, now, &mut rng)).await
}

#[test]
fn a_document_is_renewed_ahead_of_its_end_once_a_day_and_lasts_for_another_lifetime() {
    everywhere(async |mut world| {
        let (serial, begun) = collected_by(&mut world, |s| s.lifetime_days = 60).await;
        let end = kept(&world, &serial).await.valid_until.unwrap();
        assert_eq!(scheduled(&mut world).await, None);
        let renewing = |s: &mut Settings| (s.lifetime_days, s.renew_days) = (60, 30);
        world.profile("licence", renewing).await;
        world.later(29 * 86_400);
        assert_eq!(scheduled(&mut world).await, None, "it is not due yet");
        world.later(86_400);
        let id = scheduled(&mut world).await.unwrap();
        assert_eq!(scheduled(&mut world).await, None, "nor twice a day");
        let node = Node::new();
        for _ in 0..3 {
            node.round(&world.store, world.now, &world.terms).await.unwrap();
        }
        let actor = super::world::system();
        let batch = world.run(move |tx| batch::get(tx, &actor, &id)).await;
        assert_eq!((batch.stage.name(), batch.completed), ("done", 1));
        let waiting = kept(&world, &serial).await;
        assert_eq!((waiting.state, waiting.renews), (State::Updating, true));
        assert_eq!(
            waiting.valid_until,
            Some(end),
            "until the wallet comes it ends as before"
        );
        world.later(15 * 86_400);
        let again = world.refresh(&begun, &bound(1)).await.unwrap();
        let copies = world.issue(&again, 1, b"anew").await.unwrap();
        // Copies are not bound by the end that was.
        let copy = copies[0].signed.valid_until;
        assert!(
            copy > end && copy.unix() > world.now.unix() + 19 * 86_400,
            "{copy}"
        );
        let renewed = kept(&world, &serial).await;
        assert_eq!((renewed.state, renewed.renews), (State::Active, false));
        let lifetime = 60 * 86_400;
        let lasts = renewed.valid_until.unwrap().unix() - world.now.unix();
        assert!((lifetime - 3600..=lifetime).contains(&lasts), "{lasts}");
        let told = world.audited().await;
        let update = told
            .iter()
            .find(|entry| entry["action"] == "document.update")
            .unwrap();
        assert_eq!(update["after"]["renews"], true);
        assert_eq!(update["from"], "renewal of licence");
        // Its end is far away now.
        world.later(86_400);
        assert_eq!(scheduled(&mut world).await, None);
    });
}

#[test]
fn an_update_ends_when_the_document_did() {
    everywhere(async |mut world| {
        let (serial, begun) = collected(&mut world).await;
        let end = kept(&world, &serial).await.valid_until;
        world.later(100 * 86_400);
        updated(&world, &serial).await.unwrap();
        let again = world.refresh(&begun, &bound(1)).await.unwrap();
        world.issue(&again, 1, b"anew").await.unwrap();
        assert_eq!(kept(&world, &serial).await.valid_until, end);
    });
}

#[test]
fn a_document_that_waits_for_an_update_is_renewed_with_it_and_only_once() {
    everywhere(async |mut world| {
        let (serial, begun) = collected_by(&mut world, |s| s.lifetime_days = 60).await;
        let renewing = |s: &mut Settings| (s.lifetime_days, s.renew_days) = (60, 30);
        world.profile("licence", renewing).await;
        updated(&world, &serial).await.unwrap();
        world.later(31 * 86_400);
        let id = scheduled(&mut world).await.unwrap();
        // No node came to it in a day: it is in one batch all the same.
        world.later(86_400);
        assert_eq!(scheduled(&mut world).await, None);
        let node = Node::of(id);
        for _ in 0..3 {
            node.round(&world.store, world.now, &world.terms).await.unwrap();
        }
        let waiting = kept(&world, &serial).await;
        assert_eq!((waiting.state, waiting.renews), (State::Updating, true));
        let told = world.actions().await;
        assert_eq!(
            told.iter().filter(|action| *action == "document.renew").count(),
            1
        );
        assert_eq!(
            told.iter().filter(|action| *action == "document.update").count(),
            1
        );
        let again = world.refresh(&begun, &bound(1)).await.unwrap();
        world.issue(&again, 1, b"anew").await.unwrap();
        let lasts = kept(&world, &serial).await.valid_until.unwrap().unix() - world.now.unix();
        assert!(lasts > 59 * 86_400, "{lasts}");
    });
}

#[test]
fn a_wallet_that_comes_now_and_then_never_loses_its_refresh_token() {
    everywhere(async |mut world| {
        let (_, begun) = collected_by(&mut world, |s| s.lifetime_days = 3000).await;
        for _ in 0..3 {
            world.later(300 * 86_400);
            let now = world.now;
            world.run(move |tx| crate::usecase::sweep::sweep(tx, now)).await;
            world.refresh(&begun, &bound(1)).await.unwrap();
        }
        world.later(366 * 86_400);
        assert_eq!(code(world.refresh(&begun, &bound(1)).await), "session.unknown");
    });
}
