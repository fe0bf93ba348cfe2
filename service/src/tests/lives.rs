//! The life of a document: moves, reasons, four eyes at cancellations, and what the lists say meanwhile (E13, E14, E17).

use super::world::{World, code, everywhere, operator, system};
use crate::domain::id::{PersonId, Serial};
use crate::domain::life::{Standing, State};
use crate::domain::profile::Settings;
use crate::usecase::change::{Change, change};
use crate::usecase::collect::Holder;
use crate::usecase::document::{self, Why};
use crate::usecase::{Failure, audit, profiles, validate};

async fn change_as(
    world: &World,
    who: &PersonId,
    serial: &Serial,
    (what, reason): (Change, Option<&'static str>),
) -> Result<State, Failure> {
    let (actor, serial, now) = (operator(who), serial.clone(), world.now);
    world
        .store
        .write(move |tx| {
            let why = Why { reason, notes: None };
            change(tx, &actor, now, (&serial, what), why).map(|document| document.state)
        })
        .await
}

async fn standing(world: &World, serial: &Serial) -> Standing {
    let (serial, now) = (serial.clone(), world.now);
    let document = world
        .store
        .read(move |tx| document::look(tx, &serial))
        .await
        .unwrap()
        .unwrap();
    document.standing(now)
}

async fn state(world: &World, serial: &Serial) -> State {
    let serial = serial.clone();
    let document = world.store.read(move |tx| document::look(tx, &serial)).await;
    document.unwrap().unwrap().state
}

#[test]
fn what_is_switched_off_comes_back_and_what_is_cancelled_does_not() {
    everywhere(async |mut world| {
        let clerk = world.clerk.clone();
        let serial = world.collected("licence", 2).await;
        assert_eq!(standing(&world, &serial).await, Standing::Valid);
        assert_eq!(world.entries(&serial).await, [0, 0]);
        let off = (Change::Disable, Some("mislaid"));
        assert_eq!(
            change_as(&world, &clerk, &serial, off).await.unwrap(),
            State::Disabled
        );
        assert_eq!(standing(&world, &serial).await, Standing::Disabled);
        assert_eq!(world.entries(&serial).await, [2, 2]);
        assert_eq!(
            code(change_as(&world, &clerk, &serial, off).await),
            "document.illegal-move"
        );
        let on = (Change::Enable, Some("found"));
        assert_eq!(
            change_as(&world, &clerk, &serial, on).await.unwrap(),
            State::Active
        );
        assert_eq!(world.entries(&serial).await, [0, 0]);
        let end = (Change::Cancel, Some("lost"));
        assert_eq!(
            change_as(&world, &clerk, &serial, end).await.unwrap(),
            State::Cancelled
        );
        assert_eq!(standing(&world, &serial).await, Standing::Cancelled);
        assert_eq!(world.entries(&serial).await, [1, 1]);
        assert_eq!(
            code(change_as(&world, &clerk, &serial, on).await),
            "document.illegal-move"
        );
        assert_eq!(
            code(change_as(&world, &clerk, &serial, end).await),
            "document.illegal-move"
        );
    });
}

#[test]
fn where_suspension_is_unknown_disabling_revokes_for_good() {
    everywhere(async |mut world| {
        world.licence_data().await;
        world
            .profile("driving", |s| s.format = "partial-iso-18013-5".to_owned())
            .await;
        let clerk = world.clerk.clone();
        let serial = world.collected("driving", 1).await;
        change_as(&world, &clerk, &serial, (Change::Disable, Some("suspended")))
            .await
            .unwrap();
        assert_eq!(world.entries(&serial).await, [1]);
        change_as(&world, &clerk, &serial, (Change::Enable, Some("reinstated")))
            .await
            .unwrap();
        // The copy that was revoked stays so; what the wallet collects now is new.
        assert_eq!(world.entries(&serial).await, [1]);
        world.collected_again(&serial, 1).await;
        assert_eq!(world.entries(&serial).await, [1, 0]);
    });
}

#[test]
fn only_the_chosen_document_is_touched() {
    everywhere(async |mut world| {
        world.profile("licence", |s| s.issue_over_existing = true).await;
        let clerk = world.clerk.clone();
        let (one, other) = (
            world.collected("licence", 2).await,
            world.collected("licence", 2).await,
        );
        change_as(&world, &clerk, &one, (Change::Cancel, Some("stolen")))
            .await
            .unwrap();
        assert_eq!(world.entries(&one).await, [1, 1]);
        assert_eq!(world.entries(&other).await, [0, 0]);
        assert_eq!(standing(&world, &other).await, Standing::Valid);
    });
}

#[test]
fn a_cancellation_that_needs_approval_is_approved_by_another_operator() {
    everywhere(async |mut world| {
        world.profile("licence", |s| s.validate_cancellation = true).await;
        let (clerk, chief) = (world.clerk.clone(), world.chief.clone());
        let serial = world.collected("licence", 1).await;
        let why = Some("damaged");
        assert_eq!(
            code(change_as(&world, &clerk, &serial, (Change::Cancel, why)).await),
            "profile.validate-cancellation"
        );
        change_as(&world, &chief, &serial, (Change::RequestCancel, why))
            .await
            .unwrap();
        // It is still good while nobody decided.
        assert_eq!(standing(&world, &serial).await, Standing::Valid);
        assert_eq!(
            code(change_as(&world, &chief, &serial, (Change::ApproveCancel, None)).await),
            "cancellation.own-request"
        );
        assert_eq!(
            code(change_as(&world, &clerk, &serial, (Change::ApproveCancel, None)).await),
            "role.not-granted"
        );
        world.grant("chiefs", &clerk).await;
        let reject = (Change::RejectCancel, Some("not-justified"));
        assert_eq!(
            change_as(&world, &clerk, &serial, reject).await.unwrap(),
            State::Active
        );
        change_as(&world, &chief, &serial, (Change::RequestCancel, why))
            .await
            .unwrap();
        let approve = (Change::ApproveCancel, None);
        assert_eq!(
            change_as(&world, &clerk, &serial, approve).await.unwrap(),
            State::Cancelled
        );
        assert_eq!(world.entries(&serial).await, [1]);
    });
}

#[test]
fn reasons_are_of_the_list_and_notes_are_bounded() {
    everywhere(async |mut world| {
        let clerk = world.clerk.clone();
        let serial = world.collected("licence", 1).await;
        let try_it = async |reason, notes: Option<String>| {
            let (actor, serial, now) = (operator(&clerk), serial.clone(), world.now);
            let done = world
                .store
                .write(move |tx| {
                    let why = Why {
                        reason,
                        notes: notes.as_deref(),
                    };
                    change(tx, &actor, now, (&serial, Change::Disable), why)
                })
                .await;
            code(done)
        };
        assert_eq!(try_it(None, None).await, "reason.missing");
        assert_eq!(try_it(Some("lost"), None).await, "reason.unknown");
        assert_eq!(
            try_it(Some("mislaid"), Some("x".repeat(1001))).await,
            "field.invalid"
        );
        assert_eq!(
            try_it(Some("mislaid"), Some("a\rb".to_owned())).await,
            "field.invalid"
        );
        assert_eq!(
            try_it(Some("mislaid"), Some("at the pool\r\nagain".to_owned())).await,
            "done"
        );
        // Characters are counted, not bytes.
        let (actor, name, now) = (operator(&clerk), serial.clone(), world.now);
        let enabled = world
            .store
            .write(move |tx| {
                let words = "\u{e9}".repeat(1000);
                let why = Why {
                    reason: Some("found"),
                    notes: Some(&words),
                };
                change(tx, &actor, now, (&name, Change::Enable), why)
            })
            .await;
        assert_eq!(code(enabled), "done");
    });
}

#[test]
fn a_move_that_explains_itself_takes_no_reason() {
    everywhere(async |mut world| {
        world
            .profile("licence", |s| {
                s.validate_issuance = true;
                s.validate_cancellation = true;
            })
            .await;
        let (clerk, chief) = (world.clerk.clone(), world.chief.clone());
        let serial = world.request_as(&clerk, "licence").await.unwrap().document.serial;
        let (actor, name, now) = (operator(&chief), serial.clone(), world.now);
        let terms = world.terms.clone();
        let approved = world
            .store
            .write(move |tx| {
                let long = "x".repeat(500_000);
                let why = Why {
                    reason: Some(&long),
                    notes: None,
                };
                validate::validate(
                    tx,
                    &actor,
                    now,
                    (&name, true, &terms),
                    why,
                    &mut crate::random::system(),
                )
            })
            .await
            .unwrap_err();
        assert_eq!(
            approved.to_string(),
            "approve explains itself and takes no reason; notes may be given"
        );
        assert_eq!(code::<()>(Err(approved)), "reason.unknown");

        world.profile("licence", |s| s.validate_cancellation = true).await;
        let issued = world.collected("licence", 1).await;
        change_as(&world, &clerk, &issued, (Change::RequestCancel, Some("lost")))
            .await
            .unwrap();
        let approve = (Change::ApproveCancel, Some("lost"));
        assert_eq!(
            code(change_as(&world, &chief, &issued, approve).await),
            "reason.unknown"
        );
        let approve = (Change::ApproveCancel, None);
        assert_eq!(
            change_as(&world, &chief, &issued, approve).await.unwrap(),
            State::Cancelled
        );
    });
}

#[test]
fn the_comment_of_a_profile_is_bounded() {
    everywhere(async |world| {
        let comment = async |text: String| {
            let (now, terms) = (world.now, world.terms.clone());
            let set = world.store.write(move |tx| {
                let current = profiles::current(tx, "licence")?;
                let settings = current.profile.settings;
                profiles::set(tx, &system(), now, ("licence", &settings, &terms), &text)
            });
            code(set.await)
        };
        assert_eq!(comment("\u{e9}".repeat(1000)).await, "done");
        assert_eq!(comment("x".repeat(1001)).await, "field.invalid");
        assert_eq!(comment("a\u{1b}[2Jb".to_owned()).await, "field.invalid");
        assert_eq!(comment("for the\nnew year".to_owned()).await, "done");
    });
}

#[test]
fn a_documents_history_tells_who_when_and_why() {
    everywhere(async |mut world| {
        let clerk = world.clerk.clone();
        let serial = world.collected("licence", 1).await;
        world.later(60);
        change_as(&world, &clerk, &serial, (Change::Cancel, Some("left")))
            .await
            .unwrap();
        let (name, at) = (serial.clone(), world.now);
        let actor = operator(&clerk);
        let history = world
            .store
            .read(move |tx| document::history(tx, &actor, &name))
            .await
            .unwrap();
        let moves: Vec<_> = history.iter().map(|made| made.name.as_str()).collect();
        assert_eq!(moves, ["release", "begin", "issue", "cancel"]);
        let last = history.last().unwrap();
        assert_eq!(
            (last.at, last.by.as_ref(), last.reason.as_deref()),
            (at, Some(&clerk), Some("left"))
        );
        assert!(world.store.read(audit::verify).await.unwrap().is_ok());
    });
}

#[test]
fn a_new_document_of_the_group_cancels_the_one_before() {
    everywhere(async |mut world| {
        let grouped = |s: &mut Settings| {
            s.credential_group = Some("cards".to_owned());
            s.cancel_previously_issued = true;
            s.issue_over_existing = true;
        };
        world.profile("licence", grouped).await;
        let first = world.collected("licence", 1).await;
        let second = world.collected("licence", 1).await;
        assert_eq!(standing(&world, &first).await, Standing::Cancelled);
        assert_eq!(world.entries(&first).await, [1]);
        assert_eq!(standing(&world, &second).await, Standing::Valid);
    });
}

/// A document that stands for another one, whose cancellation has to be approved; requested by the chief.
async fn superseding(world: &mut World) -> (Serial, Serial) {
    let grouped = |s: &mut Settings| {
        s.credential_group = Some("cards".to_owned());
        s.cancel_previously_issued = true;
        s.issue_over_existing = true;
        s.validate_cancellation = true;
    };
    world.profile("licence", grouped).await;
    let first = world.collected("licence", 1).await;
    // Whether the new one needs an approval is of no account: it is the profile of the other one that asks.
    world
        .profile("licence", |s| {
            grouped(s);
            s.validate_cancellation = false;
        })
        .await;
    let chief = world.chief.clone();
    let offer = world.request_as(&chief, "licence").await.unwrap().offer.unwrap();
    let typed = offer.code.clone().unwrap();
    let begun = world
        .redeem(&offer, Some(&typed), &Holder::default())
        .await
        .unwrap();
    world.issue(&begun, 1, b"second").await.unwrap();
    (first, begun.serial)
}

#[test]
fn a_cancellation_that_needs_approval_needs_it_when_another_document_comes_too() {
    everywhere(async |mut world| {
        let (first, second) = superseding(&mut world).await;
        assert_eq!(state(&world, &first).await, State::CancelRequested);
        assert_eq!(standing(&world, &first).await, Standing::Valid);
        assert_eq!(world.entries(&first).await, [0]);
        assert_eq!(standing(&world, &second).await, Standing::Valid);
        // Who requested the new one is one pair of eyes.
        let (clerk, chief) = (world.clerk.clone(), world.chief.clone());
        assert_eq!(
            code(change_as(&world, &chief, &first, (Change::ApproveCancel, None)).await),
            "cancellation.own-request"
        );
        world.grant("chiefs", &clerk).await;
        change_as(&world, &clerk, &first, (Change::ApproveCancel, None))
            .await
            .unwrap();
        assert_eq!(world.entries(&first).await, [1]);
    });
}

#[test]
fn a_wallet_approves_no_cancellation() {
    everywhere(async |mut world| {
        let grouped = |s: &mut Settings| {
            s.credential_group = Some("cards".to_owned());
            s.cancel_previously_issued = true;
            s.issue_over_existing = true;
        };
        world.profile("licence", grouped).await;
        let clerk = world.clerk.clone();
        let first = world.collected("licence", 1).await;
        change_as(&world, &clerk, &first, (Change::RequestCancel, Some("lost")))
            .await
            .unwrap();
        let told = world.actions().await.len();
        world.collected("licence", 1).await;
        assert_eq!(state(&world, &first).await, State::CancelRequested);
        let told = world.actions().await.split_off(told);
        assert!(!told.contains(&"document.approve-cancel".to_owned()), "{told:?}");
    });
}

#[test]
fn nobody_is_told_anything_of_what_nobody_has() {
    everywhere(async |mut world| {
        let clerk = world.clerk.clone();
        let requested = world.request_as(&clerk, "licence").await.unwrap();
        assert_eq!(
            standing(&world, &requested.document.serial).await,
            Standing::Unknown
        );
        let stranger = Serial::random(&mut world.rng());
        let actor = operator(&clerk);
        let unknown = world
            .store
            .read(move |tx| document::get(tx, &actor, &stranger))
            .await;
        assert_eq!(code(unknown), "not-found");
    });
}

#[test]
fn a_lifetime_ends_by_itself() {
    everywhere(async |mut world| {
        let serial = world.collected("licence", 1).await;
        world.later(365 * 86_400 - 1);
        assert_eq!(standing(&world, &serial).await, Standing::Valid);
        world.later(2);
        assert_eq!(standing(&world, &serial).await, Standing::Expired);
        let _unused = system();
    });
}
