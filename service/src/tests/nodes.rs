//! What two nodes on one database could do twice, and what somebody could do who wants more than a role grants.

use super::world::{World, code, everywhere, operator, system};
use crate::domain::id::{GroupId, Serial};
use crate::domain::life::State;
use crate::domain::role::{Role, Scope, Workflow};
use crate::store::Store;
use crate::usecase::authority::Actor;
use crate::usecase::collect::{self, Holder, Presented};
use crate::usecase::people::{self, Search};
use crate::usecase::sweep;
use crate::usecase::{Failure, audit, document, lapse, roles};

/// Two nodes: each has the database open by itself.
fn nodes(world: &World) -> [Store; 2] {
    [(); 2].map(|()| Store::open(&world.place).unwrap())
}

#[test]
fn one_code_is_good_at_one_of_two_nodes() {
    everywhere(async |mut world| {
        let nodes = nodes(&world);
        for _round in 0..20 {
            world.profile("licence", |s| s.issue_over_existing = true).await;
            world.data_of("loyalty-card").await;
            let clerk = world.clerk.clone();
            let offer = world.request_as(&clerk, "licence").await.unwrap().offer.unwrap();
            let pre = {
                let digest = world
                    .terms
                    .secrets
                    .digest(crate::secrets::Purpose::PreAuthorized, &[b"of", &*offer.secret]);
                digest.to_vec()
            };
            let redeem = |node: &Store| {
                let (node, pre, terms, now) = (node.clone(), pre.clone(), world.terms.clone(), world.now);
                let typed = offer.code.clone().unwrap();
                async move {
                    let redeemed = node.write(move |tx| {
                        let holder = Holder::default();
                        let asked = (
                            Presented::PreAuthorized(&pre),
                            Some(typed.as_str()),
                            &holder,
                            &terms,
                        );
                        collect::redeem(tx, &system(), now, asked, &mut crate::random::system())
                    });
                    matches!(redeemed.await, Ok(Ok(_)))
                }
            };
            let (one, other) = tokio::join!(redeem(&nodes[0]), redeem(&nodes[1]));
            assert!(one ^ other, "{one} {other}");
        }
    });
}

#[test]
fn a_request_is_approved_at_one_of_two_nodes() {
    everywhere(async |mut world| {
        world.profile("licence", |s| s.validate_issuance = true).await;
        let nodes = nodes(&world);
        let clerk = world.clerk.clone();
        for _round in 0..10 {
            let serial = world.request_as(&clerk, "licence").await.unwrap().document.serial;
            let judge = |node: &Store, approved: bool| {
                let (node, serial, now, terms) =
                    (node.clone(), serial.clone(), world.now, world.terms.clone());
                let chief = operator(&world.chief);
                async move {
                    let judged = node.write(move |tx| {
                        let why = document::Why {
                            reason: (!approved).then_some("duplicate"),
                            notes: None,
                        };
                        crate::usecase::validate::validate(
                            tx,
                            &chief,
                            now,
                            (&serial, approved, &terms),
                            why,
                            &mut crate::random::system(),
                        )
                    });
                    code(judged.await)
                }
            };
            let (one, other) = tokio::join!(judge(&nodes[0], true), judge(&nodes[1], false));
            let mut both = [one, other];
            both.sort_unstable();
            assert_eq!(both, ["document.illegal-move", "done"]);
        }
    });
}

#[test]
fn two_requests_of_one_profile_are_not_both_collected() {
    everywhere(async |mut world| {
        world.data_of("loyalty-card").await;
        let clerk = world.clerk.clone();
        let mut begun = Vec::new();
        for _ in 0..2 {
            let offer = world.request_as(&clerk, "licence").await.unwrap().offer.unwrap();
            let typed = offer.code.clone().unwrap();
            begun.push(
                world
                    .redeem(&offer, Some(&typed), &Holder::default())
                    .await
                    .unwrap(),
            );
        }
        world.issue(&begun[0], 1, b"one").await.unwrap();
        let refused = world.issue(&begun[1], 1, b"two").await;
        assert_eq!(code(refused), "profile.issue-over-existing");
        assert_eq!(
            code(world.request_as(&clerk, "licence").await),
            "profile.issue-over-existing"
        );
        // The one that is there is fetched anew all the same.
        world.collected_again(&begun[0].serial, 1).await;
    });
}

#[test]
fn of_an_exclusive_group_a_person_collects_one_document() {
    everywhere(async |mut world| {
        world.data_of("loyalty-card").await;
        let clerk = world.clerk.clone();
        let mut begun = Vec::new();
        for name in ["first", "second"] {
            world
                .profile(name, |settings| settings.exclusive_group = Some(name.to_owned()))
                .await;
            let offer = world.request_as(&clerk, name).await.unwrap().offer.unwrap();
            let typed = offer.code.clone().unwrap();
            let redeemed = world.redeem(&offer, Some(&typed), &Holder::default()).await;
            begun.push(redeemed.unwrap());
        }
        // Of one group after all: the rule is looked at again when there is something to collect.
        let sql = "UPDATE document SET exclusive_group = 'second'";
        world.run(move |tx| Ok(tx.execute(sql, &[])?)).await;
        world.issue(&begun[0], 1, b"one").await.unwrap();
        let refused = world.issue(&begun[1], 1, b"two").await;
        assert_eq!(code(refused), "profile.exclusive-group");
        let sql = "UPDATE document SET exclusive_group = 'first' WHERE profile = 'first'";
        world.run(move |tx| Ok(tx.execute(sql, &[])?)).await;
        world.issue(&begun[1], 1, b"three").await.unwrap();
    });
}

#[test]
fn an_offer_that_nobody_took_ends_with_its_document() {
    everywhere(async |mut world| {
        let clerk = world.clerk.clone();
        let serial = world.request_as(&clerk, "licence").await.unwrap().document.serial;
        let now = world.now;
        assert_eq!(world.run(move |tx| sweep::sweep(tx, now)).await.expired, 0);
        world.later(world.terms.offer_lifetime + 1);
        let now = world.now;
        assert_eq!(world.run(move |tx| sweep::sweep(tx, now)).await.expired, 1);
        let document = world.run(move |tx| document::read(tx, &serial)).await;
        assert_eq!(document.state, State::Expired);
    });
}

#[test]
fn what_nobody_saw_to_ends() {
    everywhere(async |mut world| {
        world.data_of("loyalty-card").await;
        let clerk = world.clerk.clone();
        let lapsed = async |world: &World| {
            let (now, terms) = (world.now, world.terms.clone());
            world.run(move |tx| lapse::lapse(tx, now, &terms)).await
        };
        let state = async |world: &World, serial: &Serial| {
            let serial = serial.clone();
            world.run(move |tx| document::read(tx, &serial)).await.state
        };
        // A wallet took the offer, and was not seen again.
        let offer = world.request_as(&clerk, "licence").await.unwrap().offer.unwrap();
        let typed = offer.code.clone().unwrap();
        let begun = world
            .redeem(&offer, Some(&typed), &Holder::default())
            .await
            .unwrap();
        world.later(301);
        let now = world.now;
        assert_eq!(world.run(move |tx| sweep::sweep(tx, now)).await.abandoned, 1);
        // Nobody decided; and something that somebody has still to hand out.
        world.profile("licence", |s| s.validate_issuance = true).await;
        let undecided = world.request_as(&clerk, "licence").await.unwrap().document.serial;
        let held = world.request_as(&clerk, "licence").await.unwrap().document.serial;
        let (chief, name, now) = (operator(&world.chief), held.clone(), world.now);
        let terms = world.terms.clone();
        world
            .run(move |tx| {
                let why = document::Why::default();
                crate::usecase::validate::validate(
                    tx,
                    &chief,
                    now,
                    (&name, true, &terms),
                    why,
                    &mut crate::random::system(),
                )
            })
            .await;

        world.later(world.terms.offer_lifetime - 1);
        assert_eq!(lapsed(&world).await, 0);
        world.later(2);
        assert_eq!(lapsed(&world).await, 1);
        assert_eq!(state(&world, &begun.serial).await, State::Expired);
        world.later(world.terms.request_lifetime - world.terms.offer_lifetime);
        assert_eq!(lapsed(&world).await, 1);
        assert_eq!(state(&world, &undecided).await, State::Expired);
        assert_eq!(state(&world, &held).await, State::Collectable);
        assert_eq!(lapsed(&world).await, 0);
    });
}

/// An operator who sees to one group alone.
async fn small(world: &mut World, workflows: &[Workflow]) -> crate::domain::id::PersonId {
    let small = world.person("small").await;
    let now = world.now;
    let mut rng = world.rng();
    let group = world
        .run(move |tx| people::add_group(tx, &system(), now, ("Berlin", None), &mut rng))
        .await;
    world
        .edit(&small, move |details| details.group = Some(group.clone()))
        .await;
    world.role("small", Scope::GroupAndBelow, workflows).await;
    world.grant("small", &small).await;
    small
}

#[test]
fn whoever_sees_to_a_group_takes_nobody_out_of_it_not_even_themself() {
    everywhere(async |mut world| {
        let small = small(&mut world, &[Workflow::EditPeople, Workflow::ViewReports]).await;
        let (now, mut rng) = (world.now, world.rng());
        let other = world
            .run(move |tx| people::add_group(tx, &system(), now, ("Paris", None), &mut rng))
            .await;
        let colleague = world.person("colleague").await;
        let own = {
            let small = small.clone();
            world.run(move |tx| people::read(tx, &small)).await.details.group
        };
        world
            .edit(&colleague, move |details| details.group.clone_from(&own))
            .await;
        for (who, expected) in [(small.clone(), "field.invalid"), (colleague, "not-found")] {
            for group in [Some(other.clone()), None] {
                let (actor, who) = (operator(&small), who.clone());
                let moved = world.store.write(move |tx| {
                    let mut person = people::read(tx, &who)?;
                    person.details.group.clone_from(&group);
                    people::change(tx, &actor, now, &person).map(drop)
                });
                assert_eq!(code(moved.await), expected);
            }
        }
    });
}

#[test]
fn whoever_sees_to_a_group_sees_and_adds_groups_below_it_alone() {
    everywhere(async |mut world| {
        let small = small(&mut world, &[Workflow::EditPeople, Workflow::ViewReports]).await;
        let add = async |world: &mut World, who: Actor, name: &'static str, parent: Option<GroupId>| {
            let (now, mut rng) = (world.now, world.rng());
            world
                .store
                .write(move |tx| people::add_group(tx, &who, now, (name, parent.as_ref()), &mut rng))
                .await
        };
        let own = {
            let small = small.clone();
            world.run(move |tx| people::read(tx, &small)).await.details.group
        };
        let paris = add(&mut world, system(), "Paris", None).await.unwrap();
        let actor = operator(&small);
        let top = add(&mut world, actor.clone(), "Rome", None).await;
        assert_eq!(code(top), "field.invalid");
        let beside = add(&mut world, actor.clone(), "Louvre", Some(paris.clone())).await;
        assert_eq!(code(beside), "not-found");
        let sales = add(&mut world, actor.clone(), "Sales", own.clone())
            .await
            .unwrap();
        add(&mut world, actor.clone(), "Abroad", Some(sales))
            .await
            .unwrap();
        let names = async |world: &World, who: Actor| {
            let groups = world
                .store
                .read(move |tx| people::groups(tx, &who))
                .await
                .unwrap();
            let name = |group: &people::Group| (group.name.clone(), group.parent.is_some());
            groups.iter().map(name).collect::<Vec<_>>()
        };
        let named = |names: &[(&str, bool)]| {
            let owned = names.iter().map(|(name, below)| ((*name).to_owned(), *below));
            owned.collect::<Vec<_>>()
        };
        let all = [
            ("Abroad", true),
            ("Berlin", false),
            ("Paris", false),
            ("Sales", true),
        ];
        assert_eq!(names(&world, system()).await, named(&all));
        let below = [("Abroad", true), ("Berlin", false), ("Sales", true)];
        assert_eq!(names(&world, actor.clone()).await, named(&below));
        // Of a group that is not at the top, what is above is not told either.
        let sales = world.run(move |tx| people::group_at(tx, "Berlin/Sales")).await;
        world
            .edit(&small, move |details| details.group.clone_from(&sales))
            .await;
        let below = [("Abroad", true), ("Sales", false)];
        assert_eq!(names(&world, actor.clone()).await, named(&below));
        let workflows = [Workflow::EditPeople, Workflow::ViewReports];
        for (scope, seen) in [
            (Scope::Group, [("Sales", false)].as_slice()),
            (Scope::Itself, &[]),
        ] {
            world.role("small", scope, &workflows).await;
            assert_eq!(names(&world, actor.clone()).await, named(seen), "{scope}");
        }
    });
}

#[test]
fn the_trail_of_everybody_is_for_who_sees_to_everybody() {
    everywhere(async |mut world| {
        let small = small(&mut world, &[Workflow::ViewAudit]).await;
        for scope in [Scope::Itself, Scope::Group, Scope::GroupAndBelow] {
            world.role("small", scope, &[Workflow::ViewAudit]).await;
            let actor = operator(&small);
            let page = world.store.read(move |tx| audit::page(tx, &actor, 0)).await;
            assert_eq!(code(page), "role.not-granted", "{scope}");
        }
        world.role("small", Scope::All, &[Workflow::ViewAudit]).await;
        let actor = operator(&small);
        let page = world.store.read(move |tx| audit::page(tx, &actor, 0)).await;
        assert!(!page.unwrap().is_empty());
    });
}

#[test]
fn nobody_makes_a_role_of_their_own_larger_or_gives_one_that_reaches_further() {
    everywhere(async |mut world| {
        let small = small(&mut world, &[Workflow::EditRoles, Workflow::ViewReports]).await;
        world.role("everything", Scope::All, &Workflow::ALL).await;
        let now = world.now;
        let set = async |who: &crate::domain::id::PersonId, name: &'static str| {
            let (actor, role) = (
                operator(who),
                Role {
                    name: name.to_owned(),
                    scope: Scope::All,
                    workflows: Workflow::ALL.to_vec(),
                },
            );
            code(
                world
                    .store
                    .write(move |tx| roles::set(tx, &actor, now, &role))
                    .await,
            )
        };
        assert_eq!(set(&small, "small").await, "role.not-granted");
        assert_eq!(set(&small, "new").await, "role.not-granted");
        world.grant("everything", &world.chief.clone()).await;
        assert_eq!(set(&world.chief, "everything").await, "field.invalid");
        assert_eq!(set(&world.chief, "new").await, "done");

        let friend = world.person("friend").await;
        let own = {
            let small = small.clone();
            world.run(move |tx| people::read(tx, &small)).await.details.group
        };
        world
            .edit(&friend, move |details| details.group.clone_from(&own))
            .await;
        for (role, expected) in [("everything", "role.not-granted"), ("small", "done")] {
            let (actor, friend) = (operator(&small), friend.clone());
            let given = world
                .store
                .write(move |tx| roles::grant(tx, &actor, now, (role, &friend)));
            assert_eq!(code(given.await), expected, "{role}");
        }
    });
}

#[test]
fn a_page_that_begins_at_somebody_out_of_scope_tells_nothing() {
    everywhere(async |mut world| {
        let small = small(&mut world, &[Workflow::ViewReports]).await;
        let ada = world.ada.clone();
        let search = |after: &crate::domain::id::PersonId| {
            let (actor, after) = (operator(&small), after.clone());
            let search = Search {
                text: String::new(),
                after: Some(after),
                limit: 10,
            };
            world.store.read(move |tx| people::search(tx, &actor, &search))
        };
        let there: Result<Vec<_>, Failure> = search(&ada).await;
        let nobody = crate::domain::id::PersonId::given("nobody").unwrap();
        let not_there = search(&nobody).await;
        assert_eq!(code(there.map(drop)), "not-found");
        assert_eq!(code(not_there.map(drop)), "not-found");
    });
}
