//! What both databases have to do alike.

use super::world::{everywhere, places};
use crate::store::{MIGRATIONS, Store, StoreError, Tx};

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
        let copy = std::env::temp_dir().join(format!("mdoc-copy-{}", std::process::id()));
        let _left_over = std::fs::remove_file(&copy);
        if world.store.copy_to(&copy).is_err() {
            // A server has tools of its own.
            return;
        }
        assert!(
            world.store.copy_to(&copy).is_err(),
            "a file that is there was overwritten"
        );
        let store = Store::open(&crate::store::Place::File(copy.clone())).unwrap();
        let people: Option<i64> = store
            .read(|tx| tx.value("SELECT COUNT(*) FROM person", &[]))
            .await
            .unwrap();
        assert_eq!(people, Some(3));
        std::fs::remove_file(&copy).unwrap();
    });
}
