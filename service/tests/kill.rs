//! The service is killed at random moments under load, by SIGKILL, and started again (E23). After each time: what was
//! acknowledged is there once, no code works twice, no entry of a list has two documents, the audit trail is whole. And it is
//! told to end under load (E22): what was recorded is acknowledged.
//!
//! A few times with every run of the tests; `tests/service/kill` does so 200 times. On SQLite, and on PostgreSQL where
//! `MDOC_TEST_POSTGRES` has the URL of a server.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    dead_code,
    reason = "a test, with the wallet of the load script, which looks at more of an answer"
)]

#[path = "kill/batch.rs"]
mod batch;
#[path = "../examples/load/client.rs"]
mod client;
#[path = "../examples/load/world.rs"]
mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mdoc_core::seams::SoftwareKey;
use mdoc_service::store::{Store, StoreError};
use mdoc_service::usecase::audit;
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};

use self::client::{Connection, Progress, Ticket};
use self::world::World;

/// Wallets that collect at once.
const WALLETS: usize = 8;
/// Documents that are requested for each life of the service; a short life leaves some for the next one.
const SUPPLY: usize = 60;

/// A collection, whatever became of it.
struct Attempt {
    ticket: Ticket,
    key: SoftwareKey,
    progress: Progress,
}

type Waiting = Arc<Mutex<Vec<Attempt>>>;

/// Collects until the service is gone; gives back what was not finished.
async fn wallet(world: Arc<(String, std::net::SocketAddr)>, waiting: Waiting, done: Waiting) {
    let (issuer, address) = &*world;
    let Ok(mut connection) = Connection::new(*address).await else {
        return;
    };
    loop {
        let Some(mut attempt) = waiting.lock().unwrap().pop() else {
            return;
        };
        let ended = connection
            .collect(issuer, &attempt.ticket, &mut attempt.progress, &attempt.key)
            .await;
        match ended {
            // A code or a token whose use was recorded, and of which nobody was told, is used up: that is not an error.
            Ok(status) => {
                assert!([200, 400, 401, 404].contains(&status), "{status}");
                done.lock().unwrap().push(attempt);
            }
            Err(_) => {
                waiting.lock().unwrap().push(attempt);
                return;
            }
        }
    }
}

/// What the database says of a document: state, how often it was issued, its copies with list, entry and status.
type Kept = (String, i64, Vec<(i64, i64, i64)>);

async fn kept(store: &Store, serial: &str) -> Kept {
    let serial = serial.to_owned();
    let read = store.read::<_, StoreError>(move |tx| {
        let serial = serial.as_str();
        let state = tx.value("SELECT state FROM document WHERE serial = $1", &[serial.into()])?;
        let issued = tx.value(
            "SELECT COUNT(*) FROM document_move WHERE document = $1 AND move = 'issue'",
            &[serial.into()],
        )?;
        let copies = tx.rows(
            "SELECT list, place, status FROM copy WHERE document = $1",
            &[serial.into()],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )?;
        Ok((state.unwrap(), issued.unwrap(), copies))
    });
    read.await.unwrap()
}

/// Everything that has to hold of what was acknowledged so far.
async fn check(world: &World, done: &Waiting) {
    let store = world.store();
    let mut entries = BTreeSet::new();
    let acknowledged: Vec<_> = {
        let done = done.lock().unwrap();
        let copies = done.iter().filter_map(|attempt| {
            let copy = attempt.progress.copy.clone()?;
            Some((attempt.ticket.serial.clone(), copy))
        });
        copies.collect()
    };
    for (serial, (list, place)) in acknowledged {
        assert!(
            entries.insert((list.clone(), place)),
            "{list} {place} was given twice"
        );
        let (state, issued, copies) = kept(&store, &serial).await;
        assert_eq!((state.as_str(), issued), ("active", 1), "{serial}");
        let number: i64 = list.rsplit('/').next().unwrap().parse().unwrap();
        let place = i64::try_from(place).unwrap();
        let same = copies.iter().filter(|copy| **copy == (number, place, 0)).count();
        assert_eq!(same, 1, "{serial}: {list} {place} of {copies:?}");
    }
    let trail = store.read(audit::verify).await.unwrap();
    let trail = trail.unwrap_or_else(|broken| panic!("{broken}"));
    let issues = store
        .read::<_, StoreError>(|tx| {
            let moves = "SELECT COUNT(*) FROM document_move WHERE move = 'issue'";
            let told = "SELECT COUNT(*) FROM audit WHERE entry LIKE '%\"action\":\"document.issue\"%'";
            Ok((tx.value::<i64>(moves, &[])?, tx.value::<i64>(told, &[])?))
        })
        .await
        .unwrap();
    assert_eq!(issues.0, issues.1, "the trail tells of all that was issued");
    assert!(trail.head().0 >= issues.1.unwrap());
}

/// Presents the codes of everybody who has a token once more.
async fn codes_are_used(world: &World, done: &Waiting, random: &mut ChaCha20Rng) -> usize {
    let mut connection = Connection::new(world.address).await.unwrap();
    let again: Vec<_> = {
        let done = done.lock().unwrap();
        let with_token = done.iter().filter(|attempt| attempt.progress.token.is_some());
        with_token
            .map(|attempt| (attempt.ticket.clone(), attempt.progress.clone()))
            .collect()
    };
    let mut count = 0;
    for (ticket, progress) in again {
        // All of the last ones, and some of those before.
        if count < 20 || random.next_u32().is_multiple_of(16) {
            let answer = connection.token(&ticket, &progress).await.unwrap();
            assert_eq!(answer.status, 400, "{}: its code worked twice", ticket.serial);
            count += 1;
        }
    }
    count
}

fn killed(database: Option<String>, kills: usize) {
    let seed = std::process::id().into();
    // A server of its own takes longer for each step: so long that there is something to cut off.
    let longest = if database.is_some() { 1_200_000 } else { 400_000 };
    let mut random = ChaCha20Rng::seed_from_u64(seed);
    let mut world = World::new(Path::new(env!("CARGO_BIN_EXE_mdoc-service")), "kill", database);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let (waiting, done) = (Waiting::default(), Waiting::default());
    let store = world.store();
    runtime.block_on(world.profile(&store));
    let mut lives = BTreeMap::<&str, usize>::new();
    for life in 0..=kills {
        let lacking = SUPPLY.saturating_sub(waiting.lock().unwrap().len());
        for ticket in runtime.block_on(world.tickets(&store, lacking)) {
            waiting.lock().unwrap().push(Attempt {
                ticket,
                key: client::key(&mut random),
                progress: Progress::default(),
            });
        }
        let mut service = world.start();
        let place = Arc::new((world.issuer.clone(), world.address));
        let wallets: Vec<_> = (0..WALLETS)
            .map(|_| {
                runtime.spawn(wallet(
                    Arc::clone(&place),
                    Arc::clone(&waiting),
                    Arc::clone(&done),
                ))
            })
            .collect();
        if life < kills {
            std::thread::sleep(Duration::from_micros((random.next_u32() % longest).into()));
            service.kill();
        }
        for wallet in wallets {
            runtime.block_on(wallet).unwrap();
        }
        if life < kills {
            service = world.start();
        }
        *lives.entry("codes again").or_default() +=
            runtime.block_on(codes_are_used(&world, &done, &mut random));
        service.kill();
        runtime.block_on(check(&world, &done));
    }
    let done = done.lock().unwrap();
    let collected = done
        .iter()
        .filter(|attempt| attempt.progress.copy.is_some())
        .count();
    assert!(
        collected > kills,
        "seed {seed}: {collected} were collected, which shows nothing"
    );
    eprintln!(
        "{kills} kills (seed {seed}): {collected} collected, {} cut off for good, {} codes presented again",
        done.len() - collected,
        lives["codes again"]
    );
}

/// On SQLite, and on a server's database of that name if there is a server.
fn on_both(name: &str, test: impl Fn(Option<String>)) {
    test(None);
    match std::env::var("MDOC_TEST_POSTGRES") {
        Ok(url) => {
            let name = format!("mdoc_{name}_{}", std::process::id());
            let mut server = postgres::Client::connect(&url, postgres::NoTls).unwrap();
            server.batch_execute(&format!("CREATE DATABASE {name}")).unwrap();
            let (base, query) = url.split_once('?').unwrap_or((&url, ""));
            let base = base.rsplit_once('/').unwrap().0;
            test(Some(format!("{base}/{name}?{query}")));
            server
                .batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)"))
                .unwrap();
        }
        Err(_) => eprintln!("NOT DONE on PostgreSQL: MDOC_TEST_POSTGRES is not set"),
    }
}

/// How often it is killed.
fn kills() -> usize {
    std::env::var("MDOC_KILLS").map_or(5, |text| text.parse().unwrap())
}

#[test]
fn a_kill_at_any_moment_loses_nothing_and_leaves_nothing_half_done() {
    on_both("kill", |database| killed(database, kills()));
}

/// What the database holds of all of them was told: who was given a token has it, and who was given a document has that.
async fn told(store: &Store, attempts: &[Attempt]) -> usize {
    let mut recorded = 0;
    for attempt in attempts {
        let serial = attempt.ticket.serial.clone();
        let (_, issued, _) = kept(store, &serial).await;
        let sessions = store.read::<_, StoreError>(move |tx| {
            let sql = "SELECT COUNT(*) FROM session WHERE document = $1";
            Ok(tx
                .value::<i64>(sql, &[serial.as_str().into()])?
                .unwrap_or_default())
        });
        let (serial, progress) = (&attempt.ticket.serial, &attempt.progress);
        let has = (progress.token.is_some(), progress.copy.is_some());
        assert_eq!((sessions.await.unwrap() > 0, issued > 0), has, "{serial}");
        recorded += usize::from(has.1);
    }
    recorded
}

/// Told to end, and not killed: whoever's request was begun is answered.
fn ended(database: Option<String>) {
    let mut random = ChaCha20Rng::seed_from_u64(std::process::id().into());
    let mut world = World::new(Path::new(env!("CARGO_BIN_EXE_mdoc-service")), "end", database);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let store = world.store();
    runtime.block_on(world.profile(&store));
    let mut collected = 0;
    for _life in 0..4 {
        let (waiting, done) = (Waiting::default(), Waiting::default());
        for ticket in runtime.block_on(world.tickets(&store, 100)) {
            waiting.lock().unwrap().push(Attempt {
                ticket,
                key: client::key(&mut random),
                progress: Progress::default(),
            });
        }
        let mut service = world.start();
        let place = Arc::new((world.issuer.clone(), world.address));
        let wallets: Vec<_> = (0..WALLETS)
            .map(|_| {
                let (waiting, done) = (Arc::clone(&waiting), Arc::clone(&done));
                runtime.spawn(wallet(Arc::clone(&place), waiting, done))
            })
            .collect();
        // In the middle of it, however fast it is.
        while done.lock().unwrap().len() < WALLETS {
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(Duration::from_micros((random.next_u32() % 20_000).into()));
        let id = service.0.id().to_string();
        let told_to_end = std::process::Command::new("kill").args(["-TERM", &id]).status();
        assert!(told_to_end.unwrap().success());
        let asked = std::time::Instant::now();
        let status = service.0.wait().unwrap();
        assert!(status.success(), "{status}");
        // Nobody is waited for who asks nothing.
        assert!(asked.elapsed() < Duration::from_secs(10), "{:?}", asked.elapsed());
        for wallet in wallets {
            runtime.block_on(wallet).unwrap();
        }
        let waiting = std::mem::take(&mut *waiting.lock().unwrap());
        let done = std::mem::take(&mut *done.lock().unwrap());
        assert!(
            done.iter().all(|attempt| attempt.progress.copy.is_some()),
            "who was answered has a document"
        );
        assert!(!waiting.is_empty(), "all had ended before: that shows nothing");
        collected += runtime.block_on(told(&store, &waiting)) + runtime.block_on(told(&store, &done));
    }
    assert!(collected > 0, "nobody collected anything, which shows nothing");
    eprintln!("4 ends: {collected} collected, each of them told");
}

#[cfg(unix)]
#[test]
fn a_service_that_is_told_to_end_under_load_answers_what_it_recorded() {
    on_both("end", ended);
}
