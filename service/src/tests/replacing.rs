//! Replacing a document in one step (E15): what both documents are then, and what keeps both as they were.

use super::collecting::bound;
use super::outbox::{sending, take};
use super::races::at_once;
use super::world::{World, code, everywhere, operator, system};
use crate::domain::id::{PersonId, Serial};
use crate::domain::life::{Standing, State};
use crate::domain::notice::Notice;
use crate::domain::profile::{Delivery, Scheme, Settings};
use crate::domain::role::{Scope, Workflow};
use crate::usecase::change::{Change, change};
use crate::usecase::document::{self, Why};
use crate::usecase::replace::{Replaced, replace};
use crate::usecase::{Failure, profiles};

const LOST: (Option<&str>, Option<&str>) = (Some("lost"), Some("at the pool"));

async fn replaced_by(
    world: &World,
    who: &PersonId,
    serial: &Serial,
    (reason, notes): (Option<&'static str>, Option<&'static str>),
) -> Result<Replaced, Failure> {
    let (actor, now, terms, serial) = (operator(who), world.now, world.terms.clone(), serial.clone());
    let done = world.store.write(move |tx| {
        let rng = &mut crate::random::system();
        replace(
            tx,
            &actor,
            now,
            (&serial, None, &terms),
            Why { reason, notes },
            rng,
        )
    });
    done.await
}

/// By the clerk, who may.
async fn replaced(world: &World, serial: &Serial) -> Result<Replaced, Failure> {
    replaced_by(world, &world.clerk, serial, LOST).await
}

async fn replacers(world: &World) {
    let workflows = [Workflow::RequestReplacement];
    world.role("replacers", Scope::All, &workflows).await;
    world.grant("replacers", &world.clerk).await;
}

async fn moved(world: &World, serial: &Serial, what: Change, reason: &'static str) {
    let (actor, now, serial) = (system(), world.now, serial.clone());
    let why = Why {
        reason: Some(reason),
        notes: None,
    };
    let made = move |tx: &mut crate::store::Tx<'_>| change(tx, &actor, now, (&serial, what), why);
    world.run(made).await;
}

async fn kept(world: &World, serial: &Serial) -> document::Document {
    let serial = serial.clone();
    world.run(move |tx| document::read(tx, &serial)).await
}

async fn notes(world: &World, serial: &Serial) -> Vec<Option<String>> {
    let serial = serial.clone();
    let history = world.run(move |tx| document::history(tx, &system(), &serial));
    history.await.into_iter().map(|made| made.notes).collect()
}

#[test]
fn the_old_one_is_cancelled_and_a_new_one_of_the_newest_profile_is_requested() {
    everywhere(async |mut world| {
        replacers(&world).await;
        let old = world.collected("licence", 2).await;
        world.profile("licence", |s| s.copy_days = 7).await;
        let done = replaced(&world, &old).await.unwrap();
        assert_eq!(done.old, kept(&world, &old).await);
        assert_eq!((&done.old.serial, done.old.state), (&old, State::Cancelled));
        assert_eq!(done.old.standing(world.now), Standing::Cancelled);
        assert_eq!(world.entries(&old).await, [1, 1]);
        let new = &done.new.document;
        assert_eq!((new.state, &new.person), (State::Collectable, &world.ada));
        assert_eq!(new.profile, ("licence".to_owned(), done.old.profile.1 + 1));
        assert_eq!(new.requested_by.as_ref(), Some(&world.clerk));
        assert!(done.new.offer.is_some());
        // Each names the other one.
        let said = notes(&world, &old).await.pop().flatten().unwrap();
        assert_eq!(said, format!("replaced by {}: at the pool", new.serial));
        let said = notes(&world, &new.serial).await.pop().flatten();
        assert_eq!(said, Some(format!("replaces {old}")));
        let told = world.audited().await;
        let of = |action: &str, serial: &Serial| {
            let is = |entry: &&serde_json::Value| {
                entry["action"] == action && entry["object"]["name"] == serial.as_str()
            };
            told.iter().find(is).unwrap()
        };
        let cancelled = of("document.cancel", &old);
        assert_eq!(cancelled["after"]["replaced_by"], new.serial.as_str());
        assert_eq!(cancelled["reason"], "lost");
        let requested = of("document.release", &new.serial);
        assert_eq!(requested["after"]["replaces"], old.as_str());
    });
}

#[test]
fn one_that_was_switched_off_first_is_replaced_and_its_wallet_has_nothing_any_more() {
    everywhere(async |mut world| {
        replacers(&world).await;
        world.data_of("loyalty-card").await;
        let clerk = world.clerk.clone();
        let offer = world.request_as(&clerk, "licence").await.unwrap().offer.unwrap();
        let typed = offer.code.clone().unwrap();
        let begun = world.redeem(&offer, Some(&typed), &bound(1)).await.unwrap();
        world.issue(&begun, 1, b"first").await.unwrap();
        moved(&world, &begun.serial, Change::Disable, "mislaid").await;
        let new = replaced(&world, &begun.serial).await.unwrap().new;
        assert_eq!(code(world.refresh(&begun, &bound(1)).await), "session.unknown");
        let offer = new.offer.unwrap();
        let typed = offer.code.clone().unwrap();
        let begun = world.redeem(&offer, Some(&typed), &bound(2)).await.unwrap();
        assert_eq!(begun.serial, new.document.serial);
        world.issue(&begun, 1, b"second").await.unwrap();
    });
}

#[test]
fn what_no_wallet_has_or_is_over_is_not_replaced() {
    everywhere(async |mut world| {
        let clerk = world.clerk.clone();
        let old = world.collected("licence", 1).await;
        assert_eq!(code(replaced(&world, &old).await), "role.not-granted");
        replacers(&world).await;
        world.profile("licence", |s| s.issue_over_existing = true).await;
        let waits = world.request_as(&clerk, "licence").await.unwrap().document.serial;
        assert_eq!(code(replaced(&world, &waits).await), "document.not-replaceable");
        moved(&world, &waits, Change::Cancel, "other").await;
        assert_eq!(code(replaced(&world, &waits).await), "document.not-replaceable");
        let nobody = Serial::given("other").unwrap();
        assert_eq!(code(replaced(&world, &nobody).await), "not-found");
        for (why, refused) in [
            ((None, None), "reason.missing"),
            ((Some("mislaid"), None), "reason.unknown"),
            ((Some("lost"), Some("a\rb")), "field.invalid"),
        ] {
            assert_eq!(code(replaced_by(&world, &clerk, &old, why).await), refused);
        }
        assert_eq!(kept(&world, &old).await.state, State::Active);
        world.later(4000 * 86_400);
        let refused = replaced(&world, &old).await.unwrap_err();
        assert_eq!(refused.to_string(), "a document that is expired is not replaced");
    });
}

#[test]
fn who_is_to_have_no_document_any_more_gets_no_other_one() {
    everywhere(async |mut world| {
        replacers(&world).await;
        let old = world.collected("licence", 1).await;
        let clerk = world.clerk.clone();
        for (reason, refused) in [
            ("deceased", "field.invalid"),
            ("no-longer-entitled", "field.invalid"),
            ("mislaid", "reason.unknown"),
        ] {
            let done = replaced_by(&world, &clerk, &old, (Some(reason), None)).await;
            assert_eq!(code(done), refused, "{reason}");
        }
        assert_eq!(kept(&world, &old).await.state, State::Active);
        for reason in crate::usecase::replace::REASONS {
            assert!(
                crate::domain::life::Move::Cancel.reasons().contains(&reason),
                "{reason}"
            );
        }
    });
}

#[test]
fn where_cancellations_are_approved_nobody_replaces_alone() {
    everywhere(async |mut world| {
        replacers(&world).await;
        world.profile("licence", |s| s.validate_cancellation = true).await;
        let old = world.collected("licence", 1).await;
        assert_eq!(
            code(replaced(&world, &old).await),
            "profile.validate-cancellation"
        );
        assert_eq!(kept(&world, &old).await.state, State::Active);
        moved(&world, &old, Change::RequestCancel, "lost").await;
        assert_eq!(code(replaced(&world, &old).await), "document.not-replaceable");
    });
}

#[test]
fn if_there_can_be_no_new_one_the_old_one_stays() {
    everywhere(async |mut world| {
        replacers(&world).await;
        let (now, old) = (world.now, world.collected("licence", 1).await);
        let refuses = async |expected: &str| {
            assert_eq!(code(replaced(&world, &old).await), expected);
            assert_eq!(kept(&world, &old).await.state, State::Active);
            assert_eq!(world.entries(&old).await, [0]);
        };
        let lacking = |s: &mut Settings| s.requisite_user_data = vec!["shoe_size".to_owned()];
        world.profile("licence", lacking).await;
        refuses("profile.requisite-user-data").await;
        world.role("empty", Scope::Itself, &[]).await;
        let nobody = |s: &mut Settings| s.roles.receive = vec!["empty".to_owned()];
        world.profile("licence", nobody).await;
        refuses("profile.receive-role").await;
        let nobody = |s: &mut Settings| s.roles.request = vec!["empty".to_owned()];
        world.profile("licence", nobody).await;
        refuses("profile.request-role").await;
        let notified = |s: &mut Settings| s.notification_scheme = Scheme::Default;
        world.profile("licence", notified).await;
        refuses("request.notifications-not-set-up").await;
        world
            .run(move |tx| profiles::enable(tx, &system(), now, ("licence", false)))
            .await;
        refuses("profile.disabled").await;
        let told = world.actions().await;
        assert!(!told.contains(&"document.cancel".to_owned()), "{told:?}");
    });
}

#[test]
fn the_old_one_counts_as_gone_and_another_request_does_not() {
    everywhere(async |mut world| {
        replacers(&world).await;
        let one = |s: &mut Settings| {
            s.exclusive_group = Some("one".to_owned());
            s.credential_group = Some("cards".to_owned());
            s.block_multiple_requests = true;
        };
        world.profile("licence", one).await;
        let old = world.collected("licence", 1).await;
        let new = replaced(&world, &old).await.unwrap().new.document.serial;
        moved(&world, &new, Change::Cancel, "other").await;
        let old = world.collected("licence", 1).await;
        world
            .profile("other", |s| s.credential_group = Some("cards".to_owned()))
            .await;
        let clerk = world.clerk.clone();
        world.request_as(&clerk, "other").await.unwrap();
        assert_eq!(
            code(replaced(&world, &old).await),
            "profile.block-multiple-requests"
        );
    });
}

#[test]
fn another_operator_approves_the_new_one_and_the_person_is_told() {
    everywhere(async |mut world| {
        replacers(&world).await;
        sending(&mut world, Scheme::None).await;
        let old = world.collected("licence", 1).await;
        sending(&mut world, Scheme::AuthCodeViaSms).await;
        let done = replaced(&world, &old).await.unwrap();
        assert!(done.new.offer.is_none());
        let mut notices: Vec<_> = take(&world).await.iter().map(|one| one.notice.name()).collect();
        notices.sort_unstable();
        assert_eq!(notices, [Notice::Address.name(), Notice::Code.name()]);
        moved(&world, &done.new.document.serial, Change::Cancel, "other").await;
        world.profile("licence", |_| {}).await;
        let old = world.collected("licence", 1).await;
        world.profile("licence", |s| s.validate_issuance = true).await;
        let new = replaced(&world, &old).await.unwrap().new.document;
        assert_eq!(
            (new.state, new.delivery),
            (State::AwaitingValidation, Delivery::Held)
        );
    });
}

#[test]
fn who_replaces_twice_at_once_gets_one_new_document() {
    everywhere(async |mut world| {
        let old = world.collected("licence", 1).await;
        let (now, terms) = (world.now, world.terms.clone());
        let once = move |tx: &mut crate::store::Tx<'_>| {
            let why = Why {
                reason: Some("lost"),
                notes: None,
            };
            let rng = &mut crate::random::system();
            replace(tx, &system(), now, (&old, None, &terms), why, rng).map(drop)
        };
        let (first, second) = at_once(&world, once.clone(), once).await;
        assert_eq!((code(first), code(second)), ("done", "document.not-replaceable"));
        let sql = "SELECT CAST(COUNT(*) AS BIGINT) FROM document";
        let count = world.run(move |tx| Ok(tx.value::<i64>(sql, &[])?)).await;
        assert_eq!(count, Some(2));
    });
}

#[test]
fn a_role_over_oneself_replaces_ones_own_and_nobody_elses() {
    everywhere(async |mut world| {
        let workflows = [Workflow::RequestReplacement];
        world.role("holders", Scope::Itself, &workflows).await;
        let (ada, chief) = (world.ada.clone(), world.chief.clone());
        for who in [&ada, &chief] {
            world.grant("holders", who).await;
        }
        let old = world.collected("licence", 1).await;
        assert_eq!(code(replaced_by(&world, &chief, &old, LOST).await), "not-found");
        let done = replaced_by(&world, &ada, &old, LOST).await.unwrap();
        assert_eq!(done.new.document.requested_by, Some(ada));
    });
}
