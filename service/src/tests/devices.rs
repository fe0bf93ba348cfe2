//! Devices: how they are known again, and what profiles ask of them (F1).

use super::collecting::{begun, bound, offer};
use super::world::{World, code, everywhere, system};
use crate::domain::Refusal;
use crate::domain::profile::{Devices, Settings};
use crate::usecase::collect::Holder;
use crate::usecase::devices::{self, Device, Facts};

#[test]
fn a_device_is_known_once_it_collected_and_belongs_to_its_person() {
    everywhere(async |mut world| {
        world.profile("licence", |s| s.issue_over_existing = true).await;
        let first = begun(&mut world, &bound(1)).await;
        world.issue(&first, 1, b"first").await.unwrap();
        let known = |s: &mut Settings| {
            s.issue_over_existing = true;
            s.devices = Devices::Known;
        };
        world.profile("licence", known).await;
        let second = offer(&mut world).await;
        let typed = second.code.clone().unwrap();
        for stranger in [bound(2), Holder::default()] {
            let refused = world.redeem(&second, Some(&typed), &stranger).await;
            assert_eq!(code(refused), "profile.known-devices");
        }
        assert_eq!(code(world.redeem(&second, Some(&typed), &bound(1)).await), "done");
        // The device of somebody else.
        world.profile("licence", |s| s.devices = Devices::Mine).await;
        world.ada = world.person("grace").await;
        let third = offer(&mut world).await;
        let typed = third.code.clone().unwrap();
        let refused = world.redeem(&third, Some(&typed), &bound(1)).await;
        assert_eq!(code(refused), "profile.my-devices");
    });
}

#[test]
fn a_device_that_is_switched_off_while_a_session_lasts_gets_nothing() {
    everywhere(async |mut world| {
        world.profile("licence", |s| s.issue_over_existing = true).await;
        let first = begun(&mut world, &bound(1)).await;
        world.issue(&first, 1, b"first").await.unwrap();
        let second = begun(&mut world, &bound(1)).await;
        let (ada, now) = (world.ada.clone(), world.now);
        world
            .run(move |tx| {
                let known = devices::of_person(tx, &system(), &ada)?;
                devices::enable(tx, &system(), now, (&known[0].id, false))
            })
            .await;
        assert_eq!(
            code(world.issue(&second, 1, b"second").await),
            "profile.known-devices"
        );
        assert_eq!(
            code(world.issue(&first, 1, b"third").await),
            "profile.known-devices"
        );
    });
}

#[test]
fn nothing_goes_onto_a_device_that_was_switched_off() {
    everywhere(async |mut world| {
        world.data_of("loyalty-card").await;
        let (ada, now, mut rng) = (world.ada.clone(), world.now, world.rng());
        world
            .run(move |tx| {
                let facts = Default::default();
                let made = devices::register(tx, &system(), now, (&ada, &[1; 32], &facts), &mut rng)?;
                devices::enable(tx, &system(), now, (&made.id, false)).map(drop)
            })
            .await;
        let clerk = world.clerk.clone();
        let offer = world.request_as(&clerk, "licence").await.unwrap().offer.unwrap();
        let typed = offer.code.clone().unwrap();
        let refused = world.redeem(&offer, Some(&typed), &bound(1)).await;
        assert_eq!(code(refused), Refusal::KnownDevices.code());
    });
}

pub(super) async fn of_ada(world: &World) -> Vec<Device> {
    let ada = world.ada.clone();
    world.run(move |tx| devices::of_person(tx, &system(), &ada)).await
}

/// The wallet of an installation for which its provider vouches, with requests that are bound to a key.
fn vouched(instance: u8, key: u8, facts: Facts) -> Holder {
    Holder {
        instance_key: Some([instance; 32]),
        facts,
        ..bound(key)
    }
}

#[test]
fn an_installation_is_known_by_its_key_and_what_is_said_of_it_stays() {
    everywhere(async |mut world| {
        world.profile("licence", |s| s.issue_over_existing = true).await;
        let said = |app_version: Option<&str>, model: Option<&str>| Facts {
            app: Some("Wallet of the town".to_owned()),
            app_version: app_version.map(str::to_owned),
            model: model.map(str::to_owned),
            ..Facts::default()
        };
        let first = begun(&mut world, &vouched(1, 1, said(Some("1.0"), Some("X1")))).await;
        world.issue(&first, 1, b"first").await.unwrap();
        world.later(5);
        // The key that its requests are bound to is another one.
        world
            .profile("licence", |s| {
                s.issue_over_existing = true;
                s.devices = Devices::Mine;
            })
            .await;
        let stranger = vouched(2, 2, Facts::default());
        let offer = offer(&mut world).await;
        let typed = offer.code.clone().unwrap();
        let refused = world.redeem(&offer, Some(&typed), &stranger).await;
        assert_eq!(code(refused), "profile.known-devices");
        let again = vouched(1, 3, said(Some("1.1"), None));
        let second = world.redeem(&offer, Some(&typed), &again).await.unwrap();
        world.issue(&second, 1, b"second").await.unwrap();
        let known = of_ada(&world).await;
        let [device] = known.as_slice() else {
            panic!("{known:?}");
        };
        assert_eq!(device.facts, said(Some("1.1"), Some("X1")));
        assert_eq!(device.binding.as_deref(), Some(&[1; 32][..]));
        assert_eq!(device.instance.as_deref(), Some(&[1; 32][..]));
        assert_eq!(device.seen, Some(world.now));
    });
}

#[test]
fn the_device_of_a_vouched_installation_may_be_registered_by_that_key() {
    everywhere(async |mut world| {
        let (ada, now, mut rng) = (world.ada.clone(), world.now, world.rng());
        let facts = Facts {
            platform: Some("android".to_owned()),
            ..Facts::default()
        };
        world
            .run(move |tx| devices::register(tx, &system(), now, (&ada, &[9; 32], &facts), &mut rng))
            .await;
        world.profile("licence", |s| s.devices = Devices::Mine).await;
        let begun = begun(&mut world, &vouched(9, 1, Facts::default())).await;
        world.issue(&begun, 1, b"first").await.unwrap();
        let known = of_ada(&world).await;
        assert_eq!(known.len(), 1);
        assert_eq!(known[0].facts.platform.as_deref(), Some("android"));
        assert_eq!(known[0].seen, Some(world.now));
    });
}

#[test]
fn an_installation_that_is_switched_off_gets_nothing_with_another_key_either() {
    everywhere(async |mut world| {
        world.profile("licence", |s| s.issue_over_existing = true).await;
        let first = begun(&mut world, &vouched(1, 1, Facts::default())).await;
        world.issue(&first, 1, b"first").await.unwrap();
        let (known, now) = (of_ada(&world).await, world.now);
        world
            .run(move |tx| devices::enable(tx, &system(), now, (&known[0].id, false)))
            .await;
        for holder in [vouched(1, 2, Facts::default()), vouched(2, 1, Facts::default())] {
            let offer = offer(&mut world).await;
            let typed = offer.code.clone().unwrap();
            let refused = world.redeem(&offer, Some(&typed), &holder).await;
            assert_eq!(code(refused), "profile.known-devices");
        }
    });
}

#[test]
fn a_wallet_that_shows_no_key_is_a_device_for_each_session() {
    everywhere(async |mut world| {
        world.profile("licence", |s| s.issue_over_existing = true).await;
        let first = begun(&mut world, &Holder::default()).await;
        world.issue(&first, 1, b"first").await.unwrap();
        world.issue(&first, 1, b"again").await.unwrap();
        let known = of_ada(&world).await;
        assert_eq!(known.len(), 1);
        assert_eq!((&known[0].binding, &known[0].instance), (&None, &None));
        let (id, now) = (known[0].id.clone(), world.now);
        world
            .run(move |tx| devices::enable(tx, &system(), now, (&id, false)))
            .await;
        assert_eq!(
            code(world.issue(&first, 1, b"off").await),
            "profile.known-devices"
        );
        world.later(5);
        world.collected_again(&first.serial, 1).await;
        let known = of_ada(&world).await;
        assert_eq!(
            known.iter().map(|device| device.active).collect::<Vec<_>>(),
            [true, false]
        );
    });
}

#[test]
fn what_could_not_be_registered_is_not_taken_from_a_provider_either() {
    let long = "x".repeat(200);
    let facts = Facts::said(|claim| match claim {
        "wallet_name" => Some("Wallet"),
        "model" => Some("a\nb"),
        "platform" => Some(""),
        "os_version" => Some(&long),
        _ => None,
    });
    let app = Some("Wallet".to_owned());
    assert_eq!(
        facts,
        Facts {
            app,
            ..Facts::default()
        }
    );
    let levels = ["iso_18045_moderate", "iso_18045_high", "iso_18045_high", "a\nb"];
    assert_eq!(
        Facts::levels(levels.into_iter()).as_deref(),
        Some("iso_18045_high iso_18045_moderate")
    );
    assert_eq!(Facts::levels([].into_iter()), None);
}
