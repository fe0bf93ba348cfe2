//! What is kept for how long, and then no more.

use super::world::{NOON, World, everywhere, operator};
use crate::domain::id::Serial;
use crate::store::Tx;
use crate::usecase::change::{Change, change};
use crate::usecase::document::Why;
use crate::usecase::retention::{self, BATCH, MESSAGES, OFFERS, ROWS, Retention};

const DAY: i64 = 86_400;

async fn sweep(world: &World) -> u64 {
    let now = world.now;
    world
        .run(move |tx| Ok(retention::sweep(tx, now, &Retention::default())?))
        .await
}

async fn set(world: &World, sql: String) {
    world
        .run(move |tx| {
            tx.execute(&sql, &[])?;
            Ok(())
        })
        .await;
}

async fn texts(world: &World, sql: &'static str) -> Vec<String> {
    world
        .run(move |tx| Ok(tx.rows(sql, &[], |row| row.get::<String>(0))?))
        .await
}

async fn count(world: &World, table: &'static str) -> i64 {
    let sql = format!("SELECT CAST(COUNT(*) AS BIGINT) FROM {table}");
    let found = world.run(move |tx| Ok(tx.value(&sql, &[])?)).await;
    found.unwrap()
}

pub(super) async fn cancel(world: &World, serial: &Serial) {
    let (actor, now, serial) = (operator(&world.clerk), world.now, serial.clone());
    world
        .run(move |tx| {
            let why = Why {
                reason: Some("lost"),
                notes: None,
            };
            change(tx, &actor, now, (&serial, Change::Cancel), why)
        })
        .await;
}

#[test]
fn a_message_that_is_over_goes_after_its_days_and_no_other_one() {
    everywhere(async |mut world| {
        let stages = [
            "waiting",
            "taken",
            "handing-over",
            "sent",
            "failed",
            "uncertain",
            "withdrawn",
        ];
        for (id, changed) in [("old", NOON), ("new", NOON + 1)] {
            for stage in stages {
                set(
                    &world,
                    format!(
                        "INSERT INTO message (id, person, kind, channel, state, tries, due, created, changed) \
                         VALUES ('{id}-{stage}', '{}', 'offer', 'mail', '{stage}', 1, {NOON}, {NOON}, {changed})",
                        world.ada
                    ),
                )
                .await;
            }
        }
        world.later(90 * DAY);
        assert_eq!(sweep(&world).await, 0);
        world.later(1);
        assert_eq!(sweep(&world).await, 4);
        assert_eq!(
            texts(&world, "SELECT id FROM message WHERE id LIKE 'old%' ORDER BY id").await,
            ["old-handing-over", "old-taken", "old-waiting"]
        );
        assert_eq!(count(&world, "message").await, 10);
    });
}

#[test]
fn a_batch_that_is_over_goes_with_its_rows_some_at_a_time() {
    everywhere(async |mut world| {
        for (id, state, ended) in [
            ("old", "done", NOON.to_string()),
            ("stopped", "stopped", (NOON + 1).to_string()),
            ("running", "running", "NULL".to_owned()),
        ] {
            set(
                &world,
                format!(
                    "INSERT INTO batch (id, operation, state, place, total, created, ended) \
                     VALUES ('{id}', 'cancel', '{state}', 'here', 1, {NOON}, {ended})"
                ),
            )
            .await;
            set(
                &world,
                format!(
                    "INSERT INTO batch_node (batch, node, completed, failed) VALUES ('{id}', 'one', 1, 0)"
                ),
            )
            .await;
            set(
                &world,
                format!(
                    "INSERT INTO batch_row (batch, number, object, state) \
                     WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 700) \
                     SELECT '{id}', i, 's' || i, 'completed' FROM n"
                ),
            )
            .await;
        }
        world.later(365 * DAY);
        assert_eq!(sweep(&world).await, 0);
        world.later(1);
        for gone in [500, 200, 1, 0] {
            assert_eq!(sweep(&world).await, gone);
        }
        let left = "SELECT id FROM batch ORDER BY id";
        assert_eq!(texts(&world, left).await, ["running", "stopped"]);
        assert_eq!(count(&world, "batch_row").await, 1400);
        assert_eq!(count(&world, "batch_node").await, 2);
        world.later(1);
        while sweep(&world).await > 0 {}
        assert_eq!(texts(&world, left).await, ["running"]);
    });
}

#[test]
fn an_offer_that_was_taken_stays_until_its_document_ended_long_ago() {
    everywhere(async |mut world| {
        let serial = world.collected("licence", 1).await;
        // Of a document that is good, rules look at it for as long as that is.
        world.collected_again(&serial, 1).await;
        world.later(400 * DAY);
        assert_eq!(sweep(&world).await, 0);
        assert_eq!(count(&world, "offer").await, 2);
        cancel(&world, &serial).await;
        world.later(90 * DAY);
        assert_eq!(sweep(&world).await, 0);
        world.later(1);
        assert_eq!(sweep(&world).await, 2);
        assert_eq!(count(&world, "offer").await, 0);
        assert_eq!(count(&world, "document").await, 1);
    });
}

#[test]
fn an_offer_of_a_document_that_had_ended_is_dated_when_the_schema_is_brought_up_to_date() {
    everywhere(async |mut world| {
        let first = world.collected("licence", 1).await;
        world.later(DAY);
        cancel(&world, &first).await;
        world.collected("licence", 1).await;
        set(&world, "UPDATE offer SET ended = NULL".to_owned()).await;
        let step = include_str!("../../migrations/0009-retention.sql");
        let (_, update) = step.split_once("UPDATE offer").unwrap();
        let update = update.trim().trim_end_matches(';');
        set(&world, format!("UPDATE offer {update}")).await;
        let ended = format!("offer WHERE ended = {}", NOON + DAY);
        let ended: &'static str = ended.leak();
        assert_eq!(count(&world, ended).await, 1);
        assert_eq!(count(&world, "offer WHERE ended IS NULL").await, 1);
    });
}

#[test]
fn what_is_over_is_found_without_a_look_at_what_is_not() {
    everywhere(async |world| {
        // The server's plans are of how much is there, and nothing is.
        if world.is_server() {
            return;
        }
        let plan = |tx: &mut Tx<'_>, sql: &str, two: bool| {
            let values = [NOON.into(), 500_i64.into()];
            let values = if two { &values[..] } else { &values[..1] };
            tx.rows(&format!("EXPLAIN QUERY PLAN {sql}"), values, |row| {
                row.get::<String>(3)
            })
        };
        for (sql, two, index) in [
            (MESSAGES, true, "message_over"),
            (OFFERS, true, "offer_over"),
            (BATCH, false, "batch_over"),
            (ROWS, true, "batch_row"),
        ] {
            let plan = world.run(move |tx| Ok(plan(tx, sql, two)?)).await;
            assert!(plan.iter().any(|step| step.contains(index)), "{plan:?}");
            assert!(!plan.iter().any(|step| step.starts_with("SCAN")), "{plan:?}");
        }
    });
}
