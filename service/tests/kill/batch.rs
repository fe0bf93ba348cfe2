//! A batch while the service that does it is killed, beside another node (E16, E23): after each time every row is done and
//! noted, or neither; in the end all are done once.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use mdoc_cli::system::SystemClock;
use mdoc_core::seams::Clock as _;
use mdoc_service::batches::Node;
use mdoc_service::domain::batch::{Operation, Stage};
use mdoc_service::domain::id::BatchId;
use mdoc_service::store::{Store, StoreError};
use mdoc_service::usecase::authority::Actor;
use mdoc_service::usecase::batch::{self, Plan};
use mdoc_service::usecase::{Failure, audit};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};

use super::world::World;
use super::{kills, on_both};

/// Rows for each life of the service, so that there is something left for the last one.
const EACH: usize = 200;
/// The longest life, in microseconds.
const LONGEST: u32 = 200_000;

async fn number(store: &Store, sql: &'static str) -> i64 {
    let read = store.read::<_, StoreError>(move |tx| tx.value::<i64>(sql, &[]));
    read.await.unwrap().unwrap_or_default()
}

/// Everything that has to hold at any moment.
async fn check(store: &Store) -> i64 {
    let half = "SELECT COUNT(*) FROM batch_row r JOIN document d ON d.serial = r.object \
                WHERE (r.state = 'completed') <> (d.state = 'cancelled')";
    assert_eq!(
        number(store, half).await,
        0,
        "done and not noted, or noted and not done"
    );
    let done = number(store, "SELECT COUNT(*) FROM batch_row WHERE state = 'completed'").await;
    for (what, sql) in [
        (
            "moves",
            "SELECT COUNT(*) FROM document_move WHERE move = 'cancel'",
        ),
        (
            "entries",
            "SELECT COUNT(*) FROM audit WHERE entry LIKE '%\"action\":\"document.cancel\"%'",
        ),
        (
            "counted",
            "SELECT CAST(COALESCE(SUM(completed), 0) AS BIGINT) FROM batch_node",
        ),
    ] {
        assert_eq!(number(store, sql).await, done, "{what}");
    }
    assert_eq!(
        number(store, "SELECT COUNT(*) FROM batch_row WHERE state = 'failed'").await,
        0
    );
    let trail = store.read(audit::verify).await.unwrap();
    trail.unwrap_or_else(|broken| panic!("{broken}"));
    done
}

async fn begin(store: &Store, serials: Vec<String>) -> BatchId {
    let now = SystemClock.now();
    let begun = store.write::<_, Failure>(move |tx| {
        let (actor, plan) = (
            Actor::system("kill"),
            Plan {
                operation: Operation::Cancel,
                reason: Some("other".to_owned()),
                notes: None,
                profile: None,
                delivery: None,
            },
        );
        let id = batch::begin(tx, &actor, now, &plan, &mut mdoc_cli::system::random().unwrap())?;
        batch::add(tx, &actor, &id, &serials)?;
        let ready = batch::ready(tx, &actor, &id)?;
        batch::confirm(tx, &actor, now, (&id, ready.total))?;
        Ok(id)
    });
    begun.await.unwrap()
}

fn killed(database: Option<String>, kills: usize) {
    let seed = std::process::id().into();
    let mut random = ChaCha20Rng::seed_from_u64(seed);
    let mut world = World::new(Path::new(env!("CARGO_BIN_EXE_mdoc-service")), "batch", database);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let store = world.store();
    runtime.block_on(world.profile(&store));
    let tickets = runtime.block_on(world.tickets(&store, EACH * (kills + 1)));
    let total = i64::try_from(tickets.len()).unwrap();
    let id = runtime.block_on(begin(
        &store,
        tickets.into_iter().map(|ticket| ticket.serial).collect(),
    ));
    // Another node beside it, slow enough that both have something to do.
    let (ends, beside, most) = (Arc::new(AtomicBool::new(false)), Node::new(), EACH * kills / 2);
    let other = {
        let (ends, store, terms) = (Arc::clone(&ends), world.store(), world.terms());
        runtime.spawn(async move {
            let mut rows = 0;
            while !ends.load(Ordering::Relaxed) {
                // However long the other one takes to start, something is left for it.
                if rows < most {
                    let worked = beside.round(&store, SystemClock.now(), &terms).await;
                    rows += worked.unwrap().rows;
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            beside.leave(&store).await.unwrap();
            rows
        })
    };
    let mut cut = 0;
    for _life in 0..kills {
        let mut service = world.start();
        std::thread::sleep(Duration::from_micros((random.next_u32() % LONGEST).into()));
        service.kill();
        let before = runtime.block_on(number(
            &store,
            "SELECT COUNT(*) FROM batch_row WHERE state = 'in-progress'",
        ));
        cut += usize::from(before > 0);
        if ends.load(Ordering::Relaxed) {
            continue;
        }
        runtime.block_on(check_beside(&store));
    }
    ends.store(true, Ordering::Relaxed);
    let shared = runtime.block_on(other).unwrap();
    let so_far = runtime.block_on(check(&store));
    assert!(
        so_far < total,
        "seed {seed}: all was done before the last kill, which shows less"
    );
    assert!(
        shared > 0 && cut > 0,
        "seed {seed}: {shared} rows beside, {cut} cut off: that shows nothing"
    );
    // The time of nodes that are gone is over.
    let over = store.write::<_, StoreError>(|tx| {
        tx.execute("UPDATE batch_row SET lease = 0 WHERE state = 'in-progress'", &[])
    });
    runtime.block_on(over).unwrap();
    let _service = world.start();
    let (mut moved, mut completed) = (Instant::now(), 0);
    loop {
        let (actor, id) = (Actor::system("kill"), id.clone());
        let read = store.read::<_, Failure>(move |tx| batch::get(tx, &actor, &id));
        let batch = runtime.block_on(read).unwrap();
        if batch.stage == Stage::Done {
            assert_eq!((batch.completed, batch.failed, batch.in_progress), (total, 0, 0));
            break;
        }
        if batch.completed > completed {
            (moved, completed) = (Instant::now(), batch.completed);
        }
        assert!(
            moved.elapsed() < Duration::from_secs(60),
            "it does not go on: {batch:?}"
        );
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(runtime.block_on(check(&store)), total);
    let ended = "SELECT COUNT(*) FROM audit WHERE entry LIKE '%\"action\":\"batch.end\"%'";
    assert_eq!(runtime.block_on(number(&store, ended)), 1);
    eprintln!(
        "{kills} kills (seed {seed}): {total} rows done once, {so_far} until the last kill, {shared} by another node"
    );
}

/// The same while another node works: all in one state of everything.
async fn check_beside(store: &Store) {
    let read = store.read::<_, StoreError>(|tx| {
        let half = "SELECT COUNT(*) FROM batch_row r JOIN document d ON d.serial = r.object \
                    WHERE (r.state = 'completed') <> (d.state = 'cancelled')";
        let done = "SELECT COUNT(*) FROM batch_row WHERE state = 'completed'";
        let moves = "SELECT COUNT(*) FROM document_move WHERE move = 'cancel'";
        Ok([half, done, moves].map(|sql| tx.value::<i64>(sql, &[]).map(Option::unwrap_or_default)))
    });
    let [half, done, moves] = read.await.unwrap();
    assert_eq!(half.unwrap(), 0, "done and not noted, or noted and not done");
    assert_eq!(done.unwrap(), moves.unwrap());
}

#[test]
fn a_batch_is_done_once_however_often_its_node_is_killed() {
    on_both("batch", |database| killed(database, kills()));
}
