//! Requesting and approving: every setting of a profile that says no (E4 to E8).

use super::world::{World, code, everywhere, operator, system};
use crate::domain::id::{PersonId, Serial};
use crate::domain::life::State;
use crate::domain::person::Details;
use crate::domain::profile::{Delivery, GenerateCode, MdmRestriction, Scheme, Settings};
use crate::domain::role::{Scope, Workflow};
use crate::store::Tx;
use crate::usecase::authority::Actor;
use crate::usecase::collect::{Begun, Holder};
use crate::usecase::deferred::{self, Later};
use crate::usecase::document::Why;
use crate::usecase::request::Wish;
use crate::usecase::{Failure, people, profiles, validate};

#[test]
fn a_request_without_approval_is_collectable_and_shown_at_once() {
    everywhere(async |mut world| {
        let requested = world.request_as(&world.clerk.clone(), "licence").await.unwrap();
        assert_eq!(requested.document.state, State::Collectable);
        let offer = requested.offer.unwrap();
        assert_eq!(offer.code.unwrap().len(), 8);
        assert_eq!(offer.invitation.len(), 19);
    });
}

#[test]
fn who_may_not_request_does_not() {
    everywhere(async |mut world| {
        let ada = world.ada.clone();
        assert_eq!(code(world.request_as(&ada, "licence").await), "role.not-granted");
        world
            .role("holders", Scope::Itself, &[Workflow::RequestMyId])
            .await;
        world.grant("holders", &ada).await;
        assert_eq!(code(world.request_as(&ada, "licence").await), "done");
        let wish = Wish {
            person: world.clerk.clone(),
            profile: "licence".to_owned(),
            delivery: None,
            notes: None,
        };
        assert_eq!(code(world.request(&ada, wish).await), "role.not-granted");
    });
}

/// The code that a request by the clerk ends with when the profile has these settings.
async fn with(world: &mut World, change: impl FnOnce(&mut Settings)) -> &'static str {
    world.profile("licence", change).await;
    let clerk = world.clerk.clone();
    code(world.request_as(&clerk, "licence").await)
}

#[test]
fn each_setting_refuses_by_its_own_name() {
    everywhere(async |mut world| {
        let w = &mut world;
        w.role("empty", Scope::Itself, &[]).await;
        assert_eq!(
            with(w, |s| s.roles.request = vec!["empty".to_owned()]).await,
            "profile.request-role"
        );
        assert_eq!(
            with(w, |s| s.roles.receive = vec!["empty".to_owned()]).await,
            "profile.receive-role"
        );
        assert_eq!(
            with(w, |s| s.requisite_user_data = vec!["birth_date".to_owned()]).await,
            "profile.requisite-user-data"
        );
        assert_eq!(
            with(w, |s| s.mdm_restriction = MdmRestriction::MustBeRegistered).await,
            "profile.mdm-restriction"
        );
        let ada = w.ada.clone();
        w.edit(&ada, |details| details.user_data_approved = false).await;
        assert_eq!(
            with(w, |s| s.require_user_data_approved = true).await,
            "profile.require-user-data-approved"
        );
        // What the registry itself has is there, by every name that formats know it by.
        let known = ["employee_number", "email_address", "mobile_phone_number"].map(str::to_owned);
        assert_eq!(with(w, |s| s.requisite_user_data = known.to_vec()).await, "done");
        assert_eq!(with(w, |_| {}).await, "done");
    });
}

#[test]
fn notified_delivery_needs_addresses_and_something_that_sends() {
    everywhere(async |mut world| {
        let scheme = |settings: &mut Settings| settings.notification_scheme = Scheme::Default;
        let w = &mut world;
        let ada = w.ada.clone();
        assert_eq!(with(w, scheme).await, "request.notifications-not-set-up");
        w.edit(&ada, |details| details.mobile_phone = None).await;
        assert_eq!(with(w, scheme).await, "request.no-mobile-phone");
        w.edit(&ada, |details| details.email = None).await;
        assert_eq!(with(w, scheme).await, "request.no-email");
        // A code on the screen is offered instead, but not where another operator approves.
        let screen = |w: &World| Wish {
            person: w.ada.clone(),
            profile: "licence".to_owned(),
            delivery: Some(Delivery::Screen),
            notes: None,
        };
        let (clerk, wish) = (w.clerk.clone(), screen(w));
        assert!(w.request(&clerk, wish).await.unwrap().offer.is_some());
        w.profile("licence", |s| s.validate_issuance = true).await;
        let wish = screen(w);
        assert_eq!(code(w.request(&clerk, wish).await), "request.not-on-screen");
    });
}

#[test]
fn groups_keep_a_person_from_having_too_many() {
    everywhere(async |mut world| {
        let clerk = world.clerk.clone();
        let grouped = |settings: &mut Settings| {
            settings.credential_group = Some("cards".to_owned());
            settings.block_multiple_requests = true;
        };
        world.profile("licence", grouped).await;
        world.profile("other", grouped).await;
        world.request_as(&clerk, "licence").await.unwrap();
        assert_eq!(
            code(world.request_as(&clerk, "other").await),
            "profile.block-multiple-requests"
        );
        let exclusive = |settings: &mut Settings| settings.exclusive_group = Some("one".to_owned());
        world.profile("first", exclusive).await;
        world.profile("second", exclusive).await;
        world.request_as(&clerk, "first").await.unwrap();
        assert_eq!(
            code(world.request_as(&clerk, "second").await),
            "profile.exclusive-group"
        );
        assert_eq!(code(world.request_as(&clerk, "first").await), "done");
    });
}

#[test]
fn a_profile_that_is_off_or_not_there_is_not_requested() {
    everywhere(async |mut world| {
        let (clerk, now) = (world.clerk.clone(), world.now);
        world
            .run(move |tx| profiles::enable(tx, &system(), now, ("licence", false)))
            .await;
        assert_eq!(
            code(world.request_as(&clerk, "licence").await),
            "profile.disabled"
        );
        assert_eq!(code(world.request_as(&clerk, "licences").await), "not-found");
    });
}

#[test]
fn a_request_keeps_the_version_of_its_profile() {
    everywhere(async |mut world| {
        let clerk = world.clerk.clone();
        let first = world.request_as(&clerk, "licence").await.unwrap().document;
        world.profile("licence", |s| s.copies = 7).await;
        let second = world.request_as(&clerk, "licence").await.unwrap().document;
        assert_eq!((first.profile.1, second.profile.1), (1, 2));
    });
}

async fn judge(world: &World, who: Actor, serial: &Serial, approved: bool) -> Result<State, Failure> {
    let (serial, now, terms) = (serial.clone(), world.now, world.terms.clone());
    let why = if approved { None } else { Some("not-entitled") };
    world
        .store
        .write(move |tx| {
            let why = Why {
                reason: why,
                notes: None,
            };
            let judged = (&serial, approved, &terms);
            let rng = &mut crate::random::system();
            validate::validate(tx, &who, now, judged, why, rng).map(|document| document.state)
        })
        .await
}

async fn to_approve(world: &mut World, who: &PersonId) -> Serial {
    world
        .profile("licence", |s| {
            s.validate_issuance = true;
            s.generate_code_on_request = GenerateCode::Complex;
        })
        .await;
    let requested = world.request_as(who, "licence").await.unwrap();
    assert_eq!(requested.document.state, State::AwaitingValidation);
    assert!(requested.offer.is_none());
    requested.document.serial
}

#[test]
fn another_operator_approves_and_never_the_requester() {
    everywhere(async |mut world| {
        let (clerk, chief) = (world.clerk.clone(), world.chief.clone());
        let serial = to_approve(&mut world, &chief).await;
        // Two sessions, or a machine, are the same person.
        let client = crate::domain::id::ClientId::random(&mut world.rng());
        let machine = Actor::operator(chief.clone(), Some(client), "198.51.100.9".to_owned());
        assert_eq!(
            code(judge(&world, operator(&chief), &serial, true).await),
            "validation.own-request"
        );
        assert_eq!(
            code(judge(&world, machine, &serial, true).await),
            "validation.own-request"
        );
        assert_eq!(
            code(judge(&world, system(), &serial, true).await),
            "validation.own-request"
        );
        assert_eq!(
            code(judge(&world, operator(&clerk), &serial, true).await),
            "role.not-granted"
        );

        let serial = to_approve(&mut world, &clerk).await;
        assert_eq!(
            judge(&world, operator(&chief), &serial, true).await.unwrap(),
            State::Collectable
        );
        assert_eq!(
            code(judge(&world, operator(&chief), &serial, true).await),
            "document.illegal-move"
        );
    });
}

#[test]
fn what_was_changed_after_the_approval_is_approved_again() {
    everywhere(async |mut world| {
        world.data_of("loyalty-card").await;
        let (clerk, chief, ada) = (world.clerk.clone(), world.chief.clone(), world.ada.clone());
        let serial = to_approve(&mut world, &clerk).await;
        judge(&world, operator(&chief), &serial, true).await.unwrap();
        let offer = world.hand_out(&clerk, &serial).await.unwrap();
        let typed = offer.code.clone().unwrap();
        let begun = world
            .redeem(&offer, Some(&typed), &Holder::default())
            .await
            .unwrap();
        // What is in no document may change.
        let group = {
            let (now, mut rng) = (world.now, world.rng());
            let add =
                move |tx: &mut Tx<'_>| people::add_group(tx, &system(), now, ("Berlin", None), &mut rng);
            world.run(add).await
        };
        world
            .edit(&ada, move |details| details.group = Some(group.clone()))
            .await;
        world.gathered(&begun, 1).await.unwrap();

        let name = |name: &'static str| {
            move |details: &mut Details| {
                details.attributes.insert("given_name".to_owned(), name.into());
            }
        };
        world.edit(&ada, name("Mallory")).await;
        // Nor does it help to say of the data that they are approved.
        world
            .edit(&ada, |details| details.user_data_approved = true)
            .await;
        let changed = world.issue(&begun, 1, b"changed").await;
        assert_eq!(code(changed), "validation.data-changed");
        for (who, expected) in [(&clerk, "role.not-granted"), (&chief, "done")] {
            let again = judge(&world, operator(who), &serial, true).await;
            assert_eq!(code(again), expected);
        }
        let once = judge(&world, operator(&chief), &serial, true).await;
        assert_eq!(code(once), "document.illegal-move");
        let now = world.now;
        let set = move |tx: &mut Tx<'_>| people::set_photo(tx, &system(), now, &ada, ("image/jpeg", b"x"));
        world.run(set).await;
        let changed = world.issue(&begun, 1, b"photo").await;
        assert_eq!(code(changed), "validation.data-changed");
        judge(&world, operator(&chief), &serial, true).await.unwrap();
        world.issue(&begun, 1, b"approved").await.unwrap();
        // What a wallet has is fetched anew with the data as they are.
        let ada = world.ada.clone();
        world.edit(&ada, name("Grace")).await;
        world.issue(&begun, 1, b"anew").await.unwrap();
        // They may be approved ahead of an offer for another wallet; there is nothing to reject any more.
        for (approved, expected) in [
            (false, "document.illegal-move"),
            (true, "done"),
            (true, "document.illegal-move"),
        ] {
            let late = judge(&world, operator(&chief), &serial, approved).await;
            assert_eq!(code(late), expected);
        }
    });
}

/// A document that two pairs of eyes saw, and a wallet has.
async fn approved_and_collected(world: &mut World) -> (Serial, Begun) {
    world.data_of("loyalty-card").await;
    let (clerk, chief) = (world.clerk.clone(), world.chief.clone());
    let serial = to_approve(world, &clerk).await;
    judge(world, operator(&chief), &serial, true).await.unwrap();
    let offer = world.hand_out(&clerk, &serial).await.unwrap();
    let typed = offer.code.clone().unwrap();
    let holder = Holder {
        key_thumbprint: Some([1; 32]),
        ..Holder::default()
    };
    let begun = world.redeem(&offer, Some(&typed), &holder).await.unwrap();
    world.issue(&begun, 1, b"first").await.unwrap();
    (serial, begun)
}

async fn rename(world: &World, name: &'static str) {
    let ada = world.ada.clone();
    world
        .edit(&ada, move |details| {
            details.attributes.insert("given_name".to_owned(), name.into());
        })
        .await;
}

#[test]
fn nobody_hands_out_data_anew_that_the_other_one_did_not_see() {
    everywhere(async |mut world| {
        let (serial, _) = approved_and_collected(&mut world).await;
        let (clerk, chief) = (world.clerk.clone(), world.chief.clone());
        let thief = Holder {
            key_thumbprint: Some([2; 32]),
            ..Holder::default()
        };
        // What was approved goes into another wallet as it is.
        world.later(5);
        let offer = world.hand_out(&clerk, &serial).await.unwrap();
        let typed = offer.code.clone().unwrap();
        let moved = world.redeem(&offer, Some(&typed), &thief).await.unwrap();
        world.issue(&moved, 1, b"moved").await.unwrap();

        // Whoever changes and hands out may not approve besides, in whatever order.
        let both = [
            Workflow::ValidateRequest,
            Workflow::IssueDevice,
            Workflow::RequestUpdate,
        ];
        world.role("both", Scope::All, &both).await;
        let other = world.person("other").await;
        world.grant("both", &other).await;
        rename(&world, "Mallory").await;
        let offer = world.hand_out(&other, &serial).await.unwrap();
        let typed = offer.code.clone().unwrap();
        let own = judge(&world, operator(&other), &serial, true).await;
        assert_eq!(code(own), "validation.own-request");
        let begun = world.redeem(&offer, Some(&typed), &thief).await.unwrap();
        assert_eq!(
            code(world.issue(&begun, 1, b"changed").await),
            "validation.data-changed"
        );
        // Nor does the refresh token help that came with it.
        let refreshed = world.refresh(&begun, &thief).await.unwrap();
        assert_eq!(
            code(world.issue(&refreshed, 1, b"changed").await),
            "validation.data-changed"
        );
        let own = judge(&world, operator(&other), &serial, true).await;
        assert_eq!(code(own), "validation.own-request");
        judge(&world, operator(&chief), &serial, true).await.unwrap();
        world.issue(&begun, 1, b"approved").await.unwrap();

        rename(&world, "Eve").await;
        judge(&world, operator(&other), &serial, true).await.unwrap();
        let own = world.hand_out(&other, &serial).await;
        assert_eq!(code(own.map(drop)), "validation.own-request");
        world.hand_out(&clerk, &serial).await.unwrap();
    });
}

#[test]
fn what_was_requested_by_whoever_changes_the_data_waits_for_the_other_one() {
    everywhere(async |mut world| {
        world.data_of("loyalty-card").await;
        let (clerk, chief, ada) = (world.clerk.clone(), world.chief.clone(), world.ada.clone());
        let both = [Workflow::EditPeople, Workflow::ValidateRequest];
        world.role("both", Scope::All, &both).await;
        world.grant("both", &clerk).await;
        let serial = to_approve(&mut world, &clerk).await;
        judge(&world, operator(&chief), &serial, true).await.unwrap();
        world
            .edit(&ada, |details| details.given_name = "Mallory".to_owned())
            .await;
        let own = judge(&world, operator(&clerk), &serial, true).await;
        assert_eq!(code(own), "validation.own-request");
    });
}

#[test]
fn nobody_approves_a_document_for_themself() {
    everywhere(async |mut world| {
        let (clerk, ada) = (world.clerk.clone(), world.ada.clone());
        world.grant("chiefs", &ada).await;
        let serial = to_approve(&mut world, &clerk).await;
        assert_eq!(
            code(judge(&world, operator(&ada), &serial, true).await),
            "validation.own-document"
        );
    });
}

#[test]
fn a_role_of_the_profile_approves_and_a_rejection_says_why() {
    everywhere(async |mut world| {
        let (clerk, chief) = (world.clerk.clone(), world.chief.clone());
        world.role("notaries", Scope::All, &[]).await;
        world
            .profile("licence", |s| {
                s.validate_issuance = true;
                s.roles.validate = vec!["notaries".to_owned()];
            })
            .await;
        let serial = world.request_as(&clerk, "licence").await.unwrap().document.serial;
        assert_eq!(
            code(judge(&world, operator(&chief), &serial, true).await),
            "profile.validate-role"
        );
        world.grant("notaries", &chief).await;
        let unexplained = {
            let (serial, actor, now) = (serial.clone(), operator(&chief), world.now);
            let terms = world.terms.clone();
            world
                .store
                .write(move |tx| {
                    validate::validate(
                        tx,
                        &actor,
                        now,
                        (&serial, false, &terms),
                        Why::default(),
                        &mut crate::random::system(),
                    )
                })
                .await
        };
        assert_eq!(code(unexplained), "reason.missing");
        assert_eq!(
            judge(&world, operator(&chief), &serial, false).await.unwrap(),
            State::Rejected
        );
    });
}

#[test]
fn an_approved_document_is_handed_out_later_and_only_the_last_offer_counts() {
    everywhere(async |mut world| {
        let (clerk, chief) = (world.clerk.clone(), world.chief.clone());
        let serial = to_approve(&mut world, &clerk).await;
        judge(&world, operator(&chief), &serial, true).await.unwrap();
        let first = world.hand_out(&clerk, &serial).await.unwrap();
        let second = world.hand_out(&clerk, &serial).await.unwrap();
        assert_eq!(second.code.unwrap().len(), 12);
        assert_eq!(code(world.offered(&first.secret).await), "offer.unknown");
        assert_eq!(code(world.offered(&second.secret).await), "done");
    });
}

#[test]
fn nothing_leads_to_what_was_rejected() {
    everywhere(async |mut world| {
        world.data_of("loyalty-card").await;
        let (clerk, chief) = (world.clerk.clone(), world.chief.clone());
        let serial = to_approve(&mut world, &clerk).await;
        // A wallet waits with its keys, and somebody else has an offer that nobody took.
        let first = world.hand_out(&clerk, &serial).await.unwrap();
        let typed = first.code.clone().unwrap();
        let holder = Holder {
            key_thumbprint: Some([1; 32]),
            ..Holder::default()
        };
        let begun = world.redeem(&first, Some(&typed), &holder).await.unwrap();
        let (later, now, terms) = (
            Later {
                transaction: b"later".to_vec(),
                token: begun.token.to_vec(),
                serial: serial.clone(),
                keys: vec![b"key".to_vec()],
                key_security: None,
                once: Vec::new(),
            },
            world.now,
            world.terms.clone(),
        );
        world
            .run(move |tx| deferred::keep(tx, now, (&later, &terms)))
            .await;
        let second = world.hand_out(&clerk, &serial).await.unwrap();
        assert_eq!(code(world.offered(&second.secret).await), "done");
        judge(&world, operator(&chief), &serial, false).await.unwrap();
        assert_eq!(code(world.offered(&second.secret).await), "offer.unknown");
        assert_eq!(code(world.refresh(&begun, &holder).await), "session.unknown");
        // The wallet that waits is told, and what it showed is forgotten.
        assert_eq!(
            code(world.gathered(&begun, 1).await.map(drop)),
            "document.illegal-move"
        );
        let left = world
            .run(|tx| {
                let count = "SELECT COUNT(*) FROM refresh_token";
                let tokens: Option<i64> = tx.value(count, &[])?;
                let keys: Option<Vec<u8>> = tx.value("SELECT keys FROM deferred", &[])?;
                let open = "SELECT COUNT(*) FROM session WHERE ended IS NULL";
                Ok((tokens, keys, tx.value::<i64>(open, &[])?))
            })
            .await;
        assert_eq!(left, (Some(0), Some(Vec::new()), Some(1)));
    });
}

#[test]
fn nobody_who_does_not_wait_keeps_a_session_for_what_was_rejected() {
    everywhere(async |mut world| {
        let (clerk, chief) = (world.clerk.clone(), world.chief.clone());
        let serial = to_approve(&mut world, &clerk).await;
        let offer = world.hand_out(&clerk, &serial).await.unwrap();
        let typed = offer.code.clone().unwrap();
        world
            .redeem(&offer, Some(&typed), &Holder::default())
            .await
            .unwrap();
        judge(&world, operator(&chief), &serial, false).await.unwrap();
        let open = world
            .run(|tx| {
                let sql = "SELECT COUNT(*) FROM session WHERE ended IS NULL";
                Ok(tx.value::<i64>(sql, &[])?)
            })
            .await;
        assert_eq!(open, Some(0));
    });
}
