//! People, roles and scope, the audit trail.

use serde_json::json;

use super::world::{World, code, everywhere, operator, system};
use crate::domain::id::{GroupId, PersonId};
use crate::domain::person::Details;
use crate::domain::role::{Scope, Workflow};
use crate::store::StoreError;
use crate::usecase::import::{self, Table};
use crate::usecase::people::{self, Search};
use crate::usecase::{audit, roles};

#[test]
fn a_person_who_is_there_is_refused_by_name() {
    everywhere(async |mut world| {
        let same = |change: fn(&mut Details)| {
            let mut details = Details {
                logon_name: "grace".to_owned(),
                given_name: "Grace".to_owned(),
                family_name: "Hopper".to_owned(),
                external_id: Some("x-1".to_owned()),
                ..Details::default()
            };
            change(&mut details);
            details
        };
        world.add(same(|_| {})).await.unwrap();
        let refused = world.add(same(|d| d.external_id = None)).await.unwrap_err();
        assert_eq!(
            refused.to_string(),
            "a person with the logon name \"grace\" exists already"
        );
        let shouted = world.add(same(|d| d.logon_name = "GRACE".to_owned())).await;
        assert_eq!(code(shouted), "exists");
        let other = world
            .add(same(|d| d.logon_name = "grace2".to_owned()))
            .await
            .unwrap_err();
        assert_eq!(
            other.to_string(),
            "a person with the external id \"x-1\" exists already"
        );
    });
}

#[test]
fn numbers_are_assigned_in_order_and_skip_what_was_given() {
    everywhere(async |mut world| {
        let (now, mut rng) = (world.now, world.rng());
        let details = Details {
            logon_name: "given".to_owned(),
            given_name: "G".to_owned(),
            family_name: "G".to_owned(),
            ..Details::default()
        };
        world
            .run(move |tx| people::add(tx, &system(), now, (&details, Some("100004")), &mut rng))
            .await;
        let id = world.person("next").await;
        let person = world.run(move |tx| people::read(tx, &id)).await;
        assert_eq!(person.employee_number, "100005");
    });
}

#[test]
fn nobody_overwrites_what_somebody_else_changed() {
    everywhere(async |world| {
        let (ada, now) = (world.ada.clone(), world.now);
        let stale = world.run(move |tx| people::read(tx, &ada)).await;
        world
            .edit(&world.ada, |details| details.family_name = "King".to_owned())
            .await;
        let lost = world
            .store
            .write(move |tx| people::change(tx, &system(), now, &stale))
            .await;
        assert_eq!(code(lost), "changed-meanwhile");
    });
}

#[test]
fn who_is_out_of_scope_is_as_invisible_as_who_is_not_there() {
    everywhere(async |mut world| {
        let top = group(&mut world, "top", None).await;
        let below = group(&mut world, "below", Some(&top)).await;
        let beside = group(&mut world, "beside", None).await;
        let people = [
            ("boss", &top),
            ("mate", &top),
            ("child", &below),
            ("stranger", &beside),
        ];
        let mut ids = Vec::new();
        for (name, group) in people {
            let id = world.person(name).await;
            let group = group.clone();
            world
                .edit(&id, move |details| details.group = Some(group.clone()))
                .await;
            ids.push(id);
        }
        let boss = ids[0].clone();
        let cases = [
            (Scope::Itself, [true, false, false, false]),
            (Scope::Group, [true, true, false, false]),
            (Scope::GroupAndBelow, [true, true, true, false]),
            (Scope::All, [true, true, true, true]),
        ];
        world
            .role("viewers", Scope::Itself, &[Workflow::ViewReports])
            .await;
        world.grant("viewers", &boss).await;
        for (scope, expected) in cases {
            world.role("viewers", scope, &[Workflow::ViewReports]).await;
            for (id, seen) in ids.iter().zip(expected) {
                let (actor, id) = (operator(&boss), id.clone());
                let got = world.store.read(move |tx| people::get(tx, &actor, &id)).await;
                assert_eq!(code(got), if seen { "done" } else { "not-found" }, "{scope}");
            }
            let actor = operator(&boss);
            let found = world
                .store
                .read(move |tx| {
                    people::search(
                        tx,
                        &actor,
                        &Search {
                            limit: 500,
                            ..Search::default()
                        },
                    )
                })
                .await
                .unwrap();
            let found = ids
                .iter()
                .filter(|id| found.iter().any(|person| person.id == **id));
            assert_eq!(
                found.count(),
                expected.iter().filter(|seen| **seen).count(),
                "{scope}"
            );
        }
    });
}

async fn group(world: &mut World, name: &str, parent: Option<&GroupId>) -> GroupId {
    let (name, parent, now, mut rng) = (name.to_owned(), parent.cloned(), world.now, world.rng());
    world
        .run(move |tx| people::add_group(tx, &system(), now, (&name, parent.as_ref()), &mut rng))
        .await
}

#[test]
fn a_search_pages_and_takes_signs_for_themselves() {
    everywhere(async |mut world| {
        for number in 0..7 {
            let name = format!("page_{number}");
            world.person(&name).await;
        }
        world.person("page%x").await;
        let mut seen: Vec<PersonId> = Vec::new();
        loop {
            let search = Search {
                text: "PAGE_".to_owned(),
                after: seen.last().cloned(),
                limit: 3,
            };
            let page = world
                .store
                .read(move |tx| people::search(tx, &system(), &search))
                .await
                .unwrap();
            assert!(page.iter().all(|person| !seen.contains(&person.id)));
            if page.is_empty() {
                break;
            }
            seen.extend(page.into_iter().map(|person| person.id));
        }
        assert_eq!(seen.len(), 7);
    });
}

#[test]
fn without_a_role_nothing_is_granted_and_nobody_helps_themself() {
    everywhere(async |world| {
        let (ada, clerk, now) = (world.ada.clone(), world.clerk.clone(), world.now);
        let actor = operator(&ada);
        let got = world.store.read(move |tx| people::get(tx, &actor, &clerk)).await;
        assert_eq!(code(got), "role.not-granted");
        world.role("editors", Scope::All, &[Workflow::EditRoles]).await;
        world.grant("editors", &world.ada.clone()).await;
        let (ada, actor) = (world.ada.clone(), operator(&world.ada));
        let own = world
            .store
            .write(move |tx| roles::grant(tx, &actor, now, ("clerks", &ada)))
            .await;
        assert_eq!(code(own), "field.invalid");
    });
}

#[test]
fn the_trail_holds_until_something_in_it_is_changed() {
    everywhere(async |world| {
        let check = || world.store.read(audit::verify);
        let whole = check().await.unwrap().unwrap();
        assert!(whole.head().0 > 5);
        let tampering = [
            (
                "UPDATE audit SET entry = replace(entry, 'person.add', 'person.got') WHERE number = 2",
                2,
            ),
            ("DELETE FROM audit WHERE number = 3", 3),
        ];
        for (sql, number) in tampering {
            let broken: Result<_, StoreError> = world
                .store
                .write(move |tx| {
                    tx.execute(sql, &[])?;
                    let found = audit::verify(tx)?;
                    // Nothing of it is kept.
                    Err::<(), _>(StoreError::Unexpected(found.unwrap_err().to_string()))
                })
                .await;
            assert!(
                broken
                    .unwrap_err()
                    .to_string()
                    .contains(&format!("entry {number}"))
            );
        }
        let cut: Result<(), StoreError> = world
            .store
            .write(move |tx| {
                tx.execute(
                    "DELETE FROM audit WHERE number = (SELECT MAX(number) FROM audit)",
                    &[],
                )?;
                assert_eq!(audit::verify(tx)?.unwrap_err(), audit::Broken::Head);
                Err(StoreError::Contended)
            })
            .await;
        assert_eq!(cut, Err(StoreError::Contended));
        assert_eq!(check().await.unwrap().unwrap().head(), whole.head());
    });
}

#[test]
fn the_trail_names_what_changed_and_not_to_what() {
    everywhere(async |world| {
        world
            .edit(&world.ada, |details| {
                details.email = Some("secret-address@example.org".to_owned());
                details
                    .attributes
                    .insert("birth_date".to_owned(), json!("1815-12-10"));
            })
            .await;
        let entries = world
            .store
            .read(|tx| {
                tx.rows("SELECT entry FROM audit ORDER BY number", &[], |row| {
                    row.get::<String>(0)
                })
            })
            .await
            .unwrap();
        let last = entries.last().unwrap();
        // What was approved is not what is there now.
        let members = r#""members":["email","user_data_approved","attributes"]"#;
        assert!(last.contains(members), "{last}");
        assert!(
            entries
                .iter()
                .all(|entry| !entry.contains("secret-address") && !entry.contains("1815"))
        );
    });
}

/// The codes by which an operator's table is refused, row by row, and everybody who is there afterwards.
async fn imported(
    world: &mut World,
    who: &PersonId,
    table: &'static str,
) -> (Vec<&'static str>, Vec<String>) {
    let (actor, now, mut rng) = (operator(who), world.now, world.rng());
    let refused = world
        .run(move |tx| {
            let (rows, _) = Table::new(table.as_bytes(), b',').unwrap().some().unwrap();
            Ok(import::add(tx, &actor, now, &rows, &mut rng)?)
        })
        .await;
    let names = world
        .run(|tx| {
            let sql = "SELECT logon_name FROM person ORDER BY logon_name";
            Ok(tx.rows(sql, &[], |row| row.get::<String>(0))?)
        })
        .await;
    (refused.into_iter().map(|row| row.code).collect(), names)
}

#[test]
fn whom_an_import_refuses_is_not_written() {
    everywhere(async |mut world| {
        let top = group(&mut world, "top", None).await;
        group(&mut world, "below", Some(&top)).await;
        group(&mut world, "beside", None).await;
        let clerk = world.clerk.clone();
        world
            .edit(&clerk, move |details| details.group = Some(top.clone()))
            .await;
        let table = "logon_name,given_name,family_name,group\n\
                     one,One,Example,top\n\
                     two,Two,Example,top/below\n\
                     three,Three,Example,beside\n\
                     four,Four,Example,\n";
        let there = ["ada", "chief", "clerk"].map(str::to_owned);
        let cases: [(Scope, [&str; 4], &[&str]); 4] = [
            (
                Scope::Itself,
                ["not-found", "not-found", "not-found", "field.invalid"],
                &[],
            ),
            (
                Scope::Group,
                ["not-found", "not-found", "field.invalid", ""],
                &["one"],
            ),
            (
                Scope::GroupAndBelow,
                ["exists", "not-found", "field.invalid", ""],
                &["one", "two"],
            ),
            (
                Scope::All,
                ["exists", "exists", "", ""],
                &["four", "one", "three", "two"],
            ),
        ];
        for (scope, codes, added) in cases {
            world.role("editors", scope, &[Workflow::EditPeople]).await;
            world.grant("editors", &clerk).await;
            let before = world.actions().await.len();
            let (refused, names) = imported(&mut world, &clerk, table).await;
            let codes: Vec<&str> = codes.into_iter().filter(|code| !code.is_empty()).collect();
            assert_eq!(refused, codes, "{scope}");
            let mut expected = there.to_vec();
            expected.extend(added.iter().map(|name| (*name).to_owned()));
            expected.sort_unstable();
            assert_eq!(names, expected, "{scope}");
            // Each who was added is in the trail, and nobody else.
            let told = world.actions().await.split_off(before);
            assert_eq!(told.len(), 4 - codes.len(), "{scope}: {told:?}");
            assert!(told.iter().all(|action| action == "person.add"), "{told:?}");
        }
        // Nor was a number used up for whom a rule refused.
        let number = world
            .run(|tx| {
                let sql = "SELECT CAST(COUNT(DISTINCT employee_number) AS BIGINT) FROM person \
                           WHERE CAST(employee_number AS BIGINT) <= 100007";
                Ok(tx.value::<i64>(sql, &[])?)
            })
            .await;
        assert_eq!(number, Some(7));
    });
}

#[test]
fn what_was_approved_of_a_person_is_what_stood_there() {
    everywhere(async |world| {
        let ada = world.ada.clone();
        let approved = async |world: &World| {
            let id = ada.clone();
            let person = world.run(move |tx| people::read(tx, &id)).await;
            person.details.user_data_approved
        };
        assert!(approved(&world).await);
        // What is in no document is of no account.
        world
            .edit(&ada, |details| details.external_id = Some("x-1".to_owned()))
            .await;
        assert!(approved(&world).await);
        type Change = fn(&mut Details);
        let changes: [Change; 4] = [
            |d| d.family_name = "King".to_owned(),
            |d| drop(d.attributes.insert("birth_date".to_owned(), json!("1815-12-10"))),
            |d| d.email = None,
            // Saying so in the same breath is no approval of what is new.
            |d| {
                d.given_name = "Augusta".to_owned();
                d.user_data_approved = true;
            },
        ];
        for change in changes {
            world.edit(&ada, change).await;
            assert!(!approved(&world).await);
            world
                .edit(&ada, |details| details.user_data_approved = true)
                .await;
            assert!(approved(&world).await);
        }
        let photo = async |world: &World, picture: &'static [u8]| {
            let (id, now) = (ada.clone(), world.now);
            world
                .run(move |tx| people::set_photo(tx, &system(), now, &id, ("image/jpeg", picture)))
                .await;
        };
        photo(&world, b"one").await;
        assert!(!approved(&world).await);
        let last = world.audited().await.pop().unwrap();
        assert_eq!(last["after"], json!({ "user_data_approved": false }));
        world
            .edit(&ada, |details| details.user_data_approved = true)
            .await;
        photo(&world, b"one").await;
        assert!(approved(&world).await, "it is the same one");
        photo(&world, b"two").await;
        assert!(!approved(&world).await);
    });
}
