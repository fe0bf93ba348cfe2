//! What both databases have to do alike.

use super::scratch::Scratch;
use super::world::{World, everywhere, places, system};
use crate::domain::id::ClientId;
use crate::domain::scope::ApiScope;
use crate::store::{MIGRATIONS, Place, Store, StoreError, Tx};
use crate::usecase::{clients, profiles, roles};

#[test]
fn what_failed_leaves_nothing_and_what_was_done_stays() {
    everywhere(async |world| {
        let insert = |tx: &mut Tx<'_>, name: &str| {
            tx.execute(
                "INSERT INTO setting (name, value) VALUES ($1, $2)",
                &[name.into(), "x".into()],
            )
        };
        let failed: Result<(), StoreError> = world
            .store
            .write(move |tx| {
                insert(tx, "a")?;
                Err(StoreError::Contended)
            })
            .await;
        assert_eq!(failed, Err(StoreError::Contended));
        world.store.write(move |tx| insert(tx, "b")).await.unwrap();
        let taken = world.store.write(move |tx| insert(tx, "b")).await;
        assert!(matches!(taken, Err(StoreError::Taken { .. })), "{taken:?}");
        let names = world
            .store
            .read(|tx| {
                tx.rows("SELECT name FROM setting WHERE name IN ('a', 'b')", &[], |row| {
                    row.get::<String>(0)
                })
            })
            .await;
        assert_eq!(names.unwrap(), ["b"]);
    });
}

#[test]
fn a_transaction_that_reads_cannot_write() {
    everywhere(async |world| {
        let written = world
            .store
            .read(|tx| tx.execute("INSERT INTO setting (name, value) VALUES ('x', 'y')", &[]))
            .await;
        assert!(written.is_err());
    });
}

#[test]
fn of_many_that_add_at_once_each_is_there_once() {
    everywhere(async |world| {
        let add = |_| {
            let store = world.store.clone();
            async move {
                store
                    .write(|tx| {
                        let count: Option<i64> =
                            tx.value("SELECT number FROM audit_head WHERE one = 1 FOR UPDATE", &[])?;
                        let next = count.unwrap_or_default() + 1;
                        tx.execute("UPDATE audit_head SET number = $1 WHERE one = 1", &[next.into()])?;
                        Ok::<_, StoreError>(next)
                    })
                    .await
                    .unwrap()
            }
        };
        let mut tasks = tokio::task::JoinSet::new();
        for number in 0..200 {
            tasks.spawn(add(number));
        }
        let mut numbers = tasks.join_all().await;
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), 200);
    });
}

#[test]
fn a_store_is_opened_again_by_the_same_program_and_not_by_an_older_one() {
    for (place, _thrown) in places() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let first = Store::open(&place).unwrap();
            let second = Store::open(&place).unwrap();
            let next = i64::try_from(MIGRATIONS.len()).unwrap() + 1;
            first
                .write(move |tx| {
                    tx.execute(
                        "INSERT INTO migration (version, name, digest) VALUES ($1, 'later', '')",
                        &[next.into()],
                    )
                })
                .await
                .unwrap();
            drop((first, second));
            let known = next - 1;
            assert_eq!(
                Store::open(&place).map(drop),
                Err(StoreError::Newer { found: next, known })
            );
        });
    }
}

#[test]
fn a_schema_that_is_not_this_programs_is_not_touched() {
    for (place, _thrown) in places() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let store = Store::open(&place).unwrap();
            store
                .write(|tx| tx.execute("UPDATE migration SET digest = 'other'", &[]))
                .await
                .unwrap();
            drop(store);
            assert!(matches!(Store::open(&place), Err(StoreError::Unexpected(_))));
        });
    }
}

#[test]
fn a_copy_of_the_file_is_whole() {
    everywhere(async |world| {
        let folder = Scratch::new("copy");
        let copy = folder.join("copy.db");
        let copied = world.store.copy_to(&copy);
        if world.is_server() {
            // It has tools of its own.
            assert!(copied.is_err());
            return;
        }
        copied.unwrap();
        assert!(
            world.store.copy_to(&copy).is_err(),
            "a file that is there was overwritten"
        );
        let store = Store::open(&Place::File(copy.clone())).unwrap();
        let people: Option<i64> = store
            .read(|tx| tx.value("SELECT COUNT(*) FROM person", &[]))
            .await
            .unwrap();
        assert_eq!(people, Some(3));
    });
}

/// A folder with a database in which something was done before and after it was copied.
async fn copied(mut world: World, folder: &std::path::Path) -> Option<(String, String, Vec<String>)> {
    world.data_of("loyalty-card").await;
    let client = machine(&mut world).await;
    let (clerk, copy) = (world.clerk.clone(), folder.join("copy.db"));
    let first = world.request_as(&clerk, "licence").await.unwrap().document.serial;
    if world.is_server() {
        return None;
    }
    world.store.copy_to(&copy).unwrap();
    let why = || crate::usecase::document::Why {
        reason: Some("lost"),
        notes: None,
    };
    let (actor, serial, now) = (crate::tests::world::operator(&clerk), first.clone(), world.now);
    let what = crate::usecase::change::Change::Cancel;
    world
        .run(move |tx| crate::usecase::change::change(tx, &actor, now, (&serial, what), why()))
        .await;
    let second = world.request_as(&clerk, "licence").await.unwrap().document.serial;
    let others = switched_off(&mut world, client).await;
    world.store.copy_to(&folder.join("service.db")).unwrap();
    let mut again = vec![format!("document.cancel {first}")];
    again.extend(others);
    Some((first.as_str().to_owned(), second.as_str().to_owned(), again))
}

/// A machine of the clerk.
async fn machine(world: &mut World) -> ClientId {
    let (clerk, now, secrets, mut rng) = (
        world.clerk.clone(),
        world.now,
        world.terms.secrets.clone(),
        world.rng(),
    );
    let made = world
        .run(move |tx| {
            let wanted = ("desk", &clerk, [ApiScope::Status].as_slice());
            clients::add(tx, &system(), now, wanted, (&secrets, &mut rng))
        })
        .await;
    made.0.id
}

/// Takes from a machine and an operator what they could do; gives what a copy from before undoes.
async fn switched_off(world: &mut World, client: ClientId) -> Vec<String> {
    let (chief, now, secrets, mut rng) = (
        world.chief.clone(),
        world.now,
        world.terms.secrets.clone(),
        world.rng(),
    );
    let name = chief.clone();
    world
        .run(move |tx| {
            clients::renew(tx, &system(), now, "desk", (&secrets, &mut rng))?;
            clients::enable(tx, &system(), now, ("desk", false))?;
            roles::withdraw(tx, &system(), now, ("chiefs", &name))?;
            profiles::enable(tx, &system(), now, ("licence", false))
        })
        .await;
    vec![
        format!("client.renew {client}"),
        format!("client.disable {client}"),
        format!("role.withdraw chiefs {chief}"),
        "profile.disable licence".to_owned(),
    ]
}

#[test]
fn a_copy_is_restored_whole_and_says_what_is_lost() {
    use crate::store::restore::{RestoreError, examine};
    let restore = |copy: &std::path::Path, place: &std::path::Path, replace, now| {
        crate::store::restore::restore((copy, place), replace, now, &system())
    };
    everywhere(async |world| {
        let now = world.now;
        let folder = Scratch::new("restore");
        // A server has tools of its own.
        let Some((first, second, again)) = copied(world, &folder).await else {
            return;
        };
        let (copy, place) = (folder.join("copy.db"), folder.join("service.db"));
        let before = std::fs::read(&place).unwrap();
        let unchanged = || assert_eq!(std::fs::read(&place).unwrap(), before);

        assert!(matches!(
            restore(&copy, &place, false, now),
            Err(RestoreError::Exists)
        ));
        unchanged();
        let open = Store::open(&Place::File(place.clone())).unwrap();
        assert!(matches!(
            restore(&copy, &place, true, now),
            Err(RestoreError::InUse)
        ));
        drop(open);

        let mut damaged = std::fs::read(&copy).unwrap();
        let middle = damaged.len() / 2;
        // A whole page at least: of a half, nothing may be in use.
        damaged[middle..middle + 8192].fill(0x5a);
        std::fs::write(folder.join("damaged.db"), damaged).unwrap();
        let done = restore(&folder.join("damaged.db"), &place, true, now).unwrap_err();
        assert!(
            matches!(done, RestoreError::Damaged(_) | RestoreError::Unusable(_)),
            "{done}"
        );
        std::fs::write(folder.join("text.db"), "no database").unwrap();
        assert!(matches!(
            restore(&folder.join("text.db"), &place, true, now),
            Err(RestoreError::Unusable(_))
        ));
        let changed = folder.join("changed.db");
        std::fs::copy(&copy, &changed).unwrap();
        rusqlite::Connection::open(&changed)
            .unwrap()
            .execute(
                "UPDATE audit SET entry = replace(entry, 'ada', 'bob') || ' ' WHERE number = 2",
                [],
            )
            .unwrap();
        assert!(matches!(
            restore(&changed, &place, true, now),
            Err(RestoreError::Trail(_))
        ));

        let began = std::time::Instant::now();
        let restored = loop {
            match restore(&copy, &place, true, now) {
                // The threads of what was open end by themselves.
                Err(RestoreError::InUse) if began.elapsed().as_secs() < 60 => {
                    std::thread::sleep(std::time::Duration::from_millis(20));
                }
                done => break done.unwrap(),
            }
        };
        assert_eq!((restored.contents.people, restored.contents.documents), (3, 1));
        let lost = restored.lost.unwrap();
        assert_eq!(lost.again, again);
        assert_eq!(
            (lost.acts["document.cancel"], lost.acts["document.release"]),
            (1, 1)
        );
        assert_eq!(examine(restored.kept.as_ref().unwrap()).unwrap().documents, 2);
        let contents = examine(&place).unwrap();
        assert_eq!(contents.entries, restored.contents.entries + 1);

        let store = Store::open(&Place::File(place.clone())).unwrap();
        let trail = store.read(crate::usecase::audit::verify).await.unwrap().unwrap();
        assert_eq!(trail.head().0, contents.entries);
        let (state, unknown, open): (Option<String>, Option<String>, Option<i64>) = store
            .read::<_, StoreError>(move |tx| {
                let state = "SELECT state FROM document WHERE serial = $1";
                Ok((
                    tx.value(state, &[(&first).into()])?,
                    tx.value(state, &[(&second).into()])?,
                    tx.value("SELECT COUNT(*) FROM status_list WHERE closed = 0", &[])?,
                ))
            })
            .await
            .unwrap();
        assert_eq!(
            (state.as_deref(), unknown, open),
            (Some("collectable"), None, Some(0))
        );
        drop(store);

        // One that is damaged is replaced as well, and nothing can be told of it.
        let damaged = folder.join("other.db");
        std::fs::write(&damaged, "no database").unwrap();
        let restored = restore(&copy, &damaged, true, now).unwrap();
        assert_eq!(restored.lost, None);
        assert_eq!(std::fs::read(restored.kept.unwrap()).unwrap(), b"no database");
        assert_eq!(examine(&damaged).unwrap().documents, 1);
    });
}

#[test]
fn the_lists_of_a_database_that_its_server_restored_are_closed() {
    use crate::store::restore::restored_by_server;
    everywhere(async |mut world| {
        world.profile("licence", |s| s.issue_over_existing = true).await;
        world.collected("licence", 1).await;
        let now = world.now;
        let before: Option<i64> = world
            .run(|tx| Ok(tx.value("SELECT MAX(id) FROM status_list", &[])?))
            .await;
        let closed = world
            .run(move |tx| Ok(restored_by_server(tx, now, &system())?))
            .await;
        assert!(closed > 0, "{closed}");
        world.collected("licence", 1).await;
        let (open, first): (Option<i64>, Option<i64>) = world
            .run(|tx| {
                let open = "SELECT COUNT(*) FROM status_list WHERE closed = 0 AND id <= 1000";
                let first = "SELECT MIN(id) FROM status_list WHERE closed = 0";
                Ok((tx.value(open, &[])?, tx.value(first, &[])?))
            })
            .await;
        assert_eq!(open, Some(0));
        assert!(first > before.map(|before| before + 1000), "{first:?} {before:?}");
        let told = world.audited().await;
        assert!(told.iter().any(|entry| entry["action"] == "service.restore"));
    });
}

#[test]
fn there_is_a_database_at_every_instant_of_a_restore() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    everywhere(async |world| {
        let folder = Scratch::new("instant");
        let (copy, place) = (folder.join("copy.db"), folder.join("service.db"));
        if world.store.copy_to(&copy).is_err() {
            return; // a server has tools of its own
        }
        std::fs::copy(&copy, &place).unwrap();
        let over = Arc::new(AtomicBool::new(false));
        let (watched, ends) = (place.clone(), Arc::clone(&over));
        let watch = std::thread::spawn(move || {
            let mut gone = 0;
            while !ends.load(Ordering::Relaxed) {
                gone += u32::from(!watched.exists());
            }
            gone
        });
        for second in 0..60 {
            let now = mdoc_core::time::Timestamp::from_unix(world.now.unix() + second);
            let restored = crate::store::restore::restore((&copy, &place), true, now, &system()).unwrap();
            assert!(restored.kept.unwrap().exists());
        }
        over.store(true, Ordering::Relaxed);
        assert_eq!(watch.join().unwrap(), 0);
    });
}

#[test]
fn a_text_with_nul_is_refused_by_both_and_spoils_nothing() {
    everywhere(async |world| {
        let sql = "INSERT INTO setting (name, value) VALUES ($1, 'x')";
        let refused = world
            .store
            .write(move |tx| tx.execute(sql, &["a\0b".into()]))
            .await;
        assert_eq!(refused, Err(StoreError::Nul));
        let kept = world.store.write(move |tx| {
            assert_eq!(tx.execute(sql, &["a\0b".into()]), Err(StoreError::Nul));
            let look = "SELECT value FROM setting WHERE name = $1";
            assert_eq!(tx.value::<String>(look, &["\0".into()]), Err(StoreError::Nul));
            tx.execute(sql, &["ab".into()])
        });
        assert_eq!(kept.await, Ok(1));
        let group = world
            .store
            .write(|tx| crate::usecase::people::group_at(tx, "Ber\0lin"))
            .await;
        assert_eq!(crate::tests::world::code(group), "field.invalid");
    });
}

#[test]
fn a_group_with_nul_in_a_table_is_wrong_in_its_row_alone() {
    use crate::usecase::import::{self, Table};

    everywhere(async |mut world| {
        let text =
            b"logon_name,given_name,family_name,group\ngrace,Grace,Hopper,Ber\0lin\nalan,Alan,Turing,\n";
        let (rows, unreadable) = Table::new(text, b',').unwrap().some().unwrap();
        assert_eq!((rows.len(), unreadable.len()), (2, 0));
        let (now, mut rng) = (world.now, world.rng());
        let refused = world
            .store
            .write(move |tx| import::add(tx, &system(), now, &rows, &mut rng))
            .await
            .unwrap();
        let refused: Vec<_> = refused.iter().map(|row| (row.line, row.code)).collect();
        assert_eq!(refused, [(2, "field.invalid")]);
        let sql = "SELECT CAST(COUNT(*) AS BIGINT) FROM person WHERE logon_name IN ('grace', 'alan')";
        assert_eq!(world.run(move |tx| Ok(tx.value::<i64>(sql, &[])?)).await, Some(1));
    });
}

#[test]
fn a_server_that_does_not_answer_is_not_waited_for_for_ever() {
    everywhere(async |world| {
        if !world.is_server() {
            return;
        }
        for (name, expected) in [
            ("statement_timeout", "1min"),
            ("idle_in_transaction_session_timeout", "1min"),
        ] {
            let sql = format!("SELECT current_setting('{name}')");
            let set = world.store.read(move |tx| tx.value::<String>(&sql, &[])).await;
            assert_eq!(set.unwrap().as_deref(), Some(expected), "{name}");
        }
    });
}

#[test]
fn looking_at_a_database_makes_and_changes_nothing() {
    for (place, _thrown) in places() {
        let known = i64::try_from(MIGRATIONS.len()).unwrap();
        for _twice in 0..2 {
            assert_eq!(Store::look(&place), Ok((None, known)));
        }
        if let Place::File(path) = &place {
            assert!(!path.exists());
        }
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let store = Store::open(&place).unwrap();
            assert_eq!(Store::look(&place), Ok((Some(known), known)));
            // As an older program left it.
            store
                .write(move |tx| tx.execute("DELETE FROM migration WHERE version > 1", &[]))
                .await
                .unwrap();
            assert_eq!(Store::look(&place), Ok((Some(1), known)));
            assert_eq!(Store::look(&place), Ok((Some(1), known)));
            store
                .write(move |tx| {
                    tx.execute(
                        "INSERT INTO migration (version, name, digest) VALUES ($1, 'later', '')",
                        &[(known + 1).into()],
                    )
                })
                .await
                .unwrap();
            let newer = StoreError::Newer {
                found: known + 1,
                known,
            };
            assert_eq!(Store::look(&place), Err(newer));
        });
    }
}
