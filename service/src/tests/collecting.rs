//! Collecting: codes, sessions, copies, and what happens to what is presented twice (E8, E10, E11, E23).

use mdoc_core::issuer_signed::IssuerSigned;
use mdoc_core::limits::Limits;

use super::world::{World, code, everywhere, operator, system};
use crate::domain::life::State;
use crate::domain::profile::{GenerateCode, StatusKind};
use crate::domain::role::Scope;
use crate::usecase::change::{Change, change};
use crate::usecase::collect::{Begun, Holder};
use crate::usecase::document::{self, Why};
use crate::usecase::request::Offer;
use crate::usecase::roles;
use crate::usecase::sweep::{self, Swept};

pub(super) async fn offer(world: &mut World) -> Offer {
    world.data_of("loyalty-card").await;
    let ada = world.ada.clone();
    world
        .edit(&ada, |details| details.user_data_approved = true)
        .await;
    let clerk = world.clerk.clone();
    world.request_as(&clerk, "licence").await.unwrap().offer.unwrap()
}

/// What a wallet begins with that was given an offer and its code.
pub(super) async fn begun(world: &mut World, holder: &Holder) -> Begun {
    let offer = offer(world).await;
    let typed = offer.code.clone().unwrap();
    world.redeem(&offer, Some(&typed), holder).await.unwrap()
}

pub(super) fn bound(key: u8) -> Holder {
    Holder {
        key_thumbprint: Some([key; 32]),
        ..Holder::default()
    }
}

#[test]
fn a_code_is_taken_once_and_an_offer_too() {
    everywhere(async |mut world| {
        let offer = offer(&mut world).await;
        let typed = offer.code.clone().unwrap();
        let spaced = format!(" {} {}", &typed[..4], &typed[4..]);
        let anybody = Holder::default();
        assert_eq!(code(world.redeem(&offer, None, &anybody).await), "code.missing");
        assert_eq!(
            code(world.redeem(&offer, Some("x"), &anybody).await),
            "code.wrong"
        );
        assert_eq!(code(world.redeem(&offer, Some(&spaced), &anybody).await), "done");
        assert_eq!(
            code(world.redeem(&offer, Some(&typed), &anybody).await),
            "offer.used"
        );
        assert_eq!(
            code(world.redeem_by(vec![0; 32], None, &anybody).await),
            "offer.unknown"
        );
    });
}

#[test]
fn a_code_is_guessed_five_times_at_most_and_each_guess_is_noted() {
    everywhere(async |mut world| {
        let offer = offer(&mut world).await;
        let anybody = Holder::default();
        for _ in 0..4 {
            assert_eq!(
                code(world.redeem(&offer, Some("0"), &anybody).await),
                "code.wrong"
            );
        }
        assert_eq!(
            code(world.redeem(&offer, Some("0"), &anybody).await),
            "code.exhausted"
        );
        let typed = offer.code.clone().unwrap();
        assert_eq!(
            code(world.redeem(&offer, Some(&typed), &anybody).await),
            "code.exhausted"
        );
        let noted = world
            .run(|tx| {
                let sql = "SELECT CAST(COUNT(*) AS BIGINT) FROM audit WHERE entry LIKE '%offer.wrong-code%'";
                Ok(tx.value::<i64>(sql, &[])?)
            })
            .await;
        assert_eq!(noted, Some(5));
    });
}

#[test]
fn an_offer_expires_and_one_without_code_takes_none() {
    everywhere(async |mut world| {
        world
            .profile("licence", |s| s.generate_code_on_request = GenerateCode::None)
            .await;
        let first = offer(&mut world).await;
        assert!(first.code.is_none());
        assert_eq!(
            code(world.redeem(&first, Some("1234"), &Holder::default()).await),
            "code.unexpected"
        );
        world.later(14 * 86_400 + 1);
        assert_eq!(
            code(world.redeem(&first, None, &Holder::default()).await),
            "offer.expired"
        );
        assert_eq!(code(world.offered(&first.secret).await), "offer.expired");
    });
}

#[test]
fn so_many_collect_at_once_and_no_more() {
    everywhere(async |mut world| {
        world.profile("licence", |s| s.issue_over_existing = true).await;
        let offers = [
            offer(&mut world).await,
            offer(&mut world).await,
            offer(&mut world).await,
        ];
        let codes = offers.each_ref().map(|offer| offer.code.clone().unwrap());
        let anybody = Holder::default();
        world.terms.max_sessions = Some(0);
        assert_eq!(
            code(world.redeem(&offers[0], Some(&codes[0]), &anybody).await),
            "sessions.refused"
        );
        world.terms.max_sessions = Some(1);
        let begun = world.redeem(&offers[0], Some(&codes[0]), &anybody).await.unwrap();
        assert_eq!(
            code(world.redeem(&offers[1], Some(&codes[1]), &anybody).await),
            "sessions.full"
        );
        // Whoever has the document makes room.
        world.issue(&begun, 1, b"first").await.unwrap();
        assert_eq!(
            code(world.redeem(&offers[1], Some(&codes[1]), &anybody).await),
            "done"
        );
        // So does whoever did not finish.
        world.later(301);
        assert_eq!(
            code(world.redeem(&offers[2], Some(&codes[2]), &anybody).await),
            "done"
        );
    });
}

#[test]
fn copies_have_keys_salts_and_entries_of_their_own_and_the_same_rounded_times() {
    everywhere(async |mut world| {
        let begun = begun(&mut world, &Holder::default()).await;
        world.later(77);
        let copies = world.issue(&begun, 3, b"nonce").await.unwrap();
        let msos: Vec<_> = copies
            .iter()
            .map(|copy| {
                let decoded = IssuerSigned::decode(&copy.document, &Limits::DEFAULT).unwrap();
                decoded.mso(&Limits::DEFAULT).unwrap()
            })
            .collect();
        let mut places: Vec<_> = msos
            .iter()
            .map(|mso| mso.status.as_ref().unwrap().status_list.as_ref().unwrap().index)
            .collect();
        places.sort_unstable();
        places.dedup();
        assert_eq!(places.len(), 3);
        assert_ne!(places[1] - places[0], places[2] - places[1]);
        for mso in &msos {
            assert_eq!(mso.validity_info.signed.unix() % 3600, 0);
            assert_eq!(mso.validity_info.signed, msos[0].validity_info.signed);
        }
        assert_ne!(
            msos[0].device_key_info.device_key,
            msos[1].device_key_info.device_key
        );
        assert_eq!(code(world.issue(&begun, 4, b"other").await), "keys.too-many");
    });
}

#[test]
fn copies_of_the_last_days_end_with_a_whole_hour() {
    everywhere(async |mut world| {
        world
            .profile("licence", |s| {
                s.lifetime_days = 60;
                s.copy_days = 30;
            })
            .await;
        let serial = world.collected("licence", 1).await;
        // What is left is less than a copy lasts, and no whole number of hours.
        world.later(50 * 86_400 + 1234);
        world.collected_again(&serial, 2).await;
        let ends = world
            .run(|tx| {
                let sql = "SELECT valid_until FROM copy";
                Ok(tx.rows(sql, &[], |row| row.get::<i64>(0))?)
            })
            .await;
        assert_eq!(ends.len(), 3);
        for end in ends {
            assert_eq!(end % 3600, 0, "{end}");
        }
    });
}

#[test]
fn an_identifier_list_gets_identifiers() {
    everywhere(async |mut world| {
        world
            .profile("licence", |s| s.status = StatusKind::IdentifierList)
            .await;
        let begun = begun(&mut world, &Holder::default()).await;
        let copies = world.issue(&begun, 2, b"nonce").await.unwrap();
        let mut ids: Vec<_> = copies
            .iter()
            .map(|copy| {
                let decoded = IssuerSigned::decode(&copy.document, &Limits::DEFAULT).unwrap();
                let status = decoded.mso(&Limits::DEFAULT).unwrap().status.unwrap();
                assert!(status.status_list.is_none());
                status.identifier_list.unwrap().id
            })
            .collect();
        ids.dedup();
        assert_eq!(ids.len(), 2);
    });
}

#[test]
fn a_nonce_is_good_once_and_a_token_until_it_is_over() {
    everywhere(async |mut world| {
        let begun = begun(&mut world, &Holder::default()).await;
        world.issue(&begun, 1, b"nonce").await.unwrap();
        assert_eq!(code(world.issue(&begun, 1, b"nonce").await), "replayed");
        assert_eq!(code(world.issue(&begun, 1, b"fresh").await), "done");
        world.later(301);
        assert_eq!(code(world.issue(&begun, 1, b"late").await), "session.unknown");
    });
}

#[test]
fn a_refresh_token_without_its_key_is_good_for_nothing() {
    everywhere(async |mut world| {
        let begun = begun(&mut world, &bound(1)).await;
        world.issue(&begun, 1, b"nonce").await.unwrap();
        assert_eq!(code(world.refresh(&begun, &bound(2)).await), "session.other-key");
        assert_eq!(
            code(world.refresh(&begun, &Holder::default()).await),
            "session.other-key"
        );
        let again = world.refresh(&begun, &bound(1)).await.unwrap();
        world.issue(&again, 2, b"again").await.unwrap();
        assert_eq!(world.entries(&begun.serial).await, [0, 0, 0]);
        // What is cancelled is not refreshed.
        let (serial, now, actor) = (begun.serial.clone(), world.now, operator(&world.clerk));
        world
            .run(move |tx| {
                let why = Why {
                    reason: Some("lost"),
                    notes: None,
                };
                change(tx, &actor, now, (&serial, Change::Cancel), why)
            })
            .await;
        assert_eq!(code(world.refresh(&begun, &bound(1)).await), "session.unknown");
        assert_eq!(
            code(world.issue(&again, 1, b"more").await),
            "document.illegal-move"
        );
    });
}

#[test]
fn settings_say_no_at_the_collection_as_well() {
    everywhere(async |mut world| {
        world.role("staff", Scope::Itself, &[]).await;
        world
            .profile("licence", |s| {
                s.enforce_photo_at_issuance = true;
                s.require_user_data_approved = true;
                s.roles.collect = vec!["staff".to_owned()];
            })
            .await;
        let offer = offer(&mut world).await;
        let typed = offer.code.clone().unwrap();
        let anybody = Holder::default();
        assert_eq!(
            code(world.redeem(&offer, Some(&typed), &anybody).await),
            "profile.collect-role"
        );
        let ada = world.ada.clone();
        world.grant("staff", &ada).await;
        // What was refused did not use the offer up.
        let begun = world.redeem(&offer, Some(&typed), &anybody).await.unwrap();
        assert_eq!(
            code(world.issue(&begun, 1, b"a").await),
            "profile.enforce-photo-at-issuance"
        );
        // What was changed since is not what was approved.
        world
            .edit(&ada, |details| {
                details.attributes.insert("level".to_owned(), "silver".into());
            })
            .await;
        assert_eq!(
            code(world.issue(&begun, 1, b"b").await),
            "profile.require-user-data-approved"
        );
    });
}

#[test]
fn what_changed_while_it_was_signed_is_not_given_out() {
    everywhere(async |mut world| {
        let begun = begun(&mut world, &Holder::default()).await;
        let serial = begun.serial.clone();
        let order = world.gathered(&begun, 1).await.unwrap();
        world
            .edit(&world.ada, |details| details.family_name = "King".to_owned())
            .await;
        let late = world.recorded(&begun, (&order, 1), b"late").await;
        assert_eq!(code(late), "changed-meanwhile");
        let document = world
            .store
            .read(move |tx| document::look(tx, &serial))
            .await
            .unwrap()
            .unwrap();
        assert_eq!((document.state, document.generation), (State::Issuing, 0));
    });
}

#[test]
fn what_nobody_finished_waits_again_and_what_is_over_is_put_away() {
    everywhere(async |mut world| {
        let begun = begun(&mut world, &bound(1)).await;
        let swept = async |world: &World| {
            let now = world.now;
            world.run(move |tx| sweep::sweep(tx, now)).await
        };
        let state = async |world: &World| {
            let serial = begun.serial.clone();
            let document = world.store.read(move |tx| document::look(tx, &serial)).await;
            document.unwrap().unwrap().state
        };
        assert_eq!(swept(&world).await, Swept::default());
        world.later(301);
        assert_eq!(swept(&world).await.abandoned, 1);
        assert_eq!(state(&world).await, State::Collectable);
        // The wallet still has its refresh token, and fetches what it did not get.
        let again = world.refresh(&begun, &bound(1)).await.unwrap();
        world.issue(&again, 1, b"again").await.unwrap();
        assert_eq!(state(&world).await, State::Active);
        world.later(366 * 86_400);
        assert_eq!(swept(&world).await.expired, 1);
        assert_eq!(state(&world).await, State::Expired);
        let left = world
            .run(|tx| {
                let sql = "SELECT CAST((SELECT COUNT(*) FROM session) + (SELECT COUNT(*) FROM refresh_token) \
                           + (SELECT COUNT(*) FROM used_once) AS BIGINT)";
                Ok(tx.value::<i64>(sql, &[])?)
            })
            .await;
        // What the test itself presented is good for longer.
        assert!(left <= Some(1), "{left:?}");
    });
}

#[test]
fn a_role_that_is_withdrawn_while_a_session_lasts_collects_nothing() {
    everywhere(async |mut world| {
        world.role("staff", Scope::Itself, &[]).await;
        world
            .profile("licence", |s| s.roles.collect = vec!["staff".to_owned()])
            .await;
        let ada = world.ada.clone();
        world.grant("staff", &ada).await;
        let begun = begun(&mut world, &Holder::default()).await;
        let order = world.gathered(&begun, 1).await.unwrap();
        let now = world.now;
        world
            .run(move |tx| roles::withdraw(tx, &system(), now, ("staff", &ada)))
            .await;
        // Whether it was gathered before or not.
        assert_eq!(
            code(world.recorded(&begun, (&order, 1), b"late").await),
            "profile.collect-role"
        );
        assert_eq!(
            code(world.gathered(&begun, 1).await.map(drop)),
            "profile.collect-role"
        );
    });
}
