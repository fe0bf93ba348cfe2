//! How much the service does in a second, on this machine, wallets included: `tests/service/load` builds and runs it.
//!
//! ```sh
//! cargo run --release -p mdoc-service --example load -- target/release/mdoc-service
//! ```

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::panic,
    reason = "a measurement, which ends at the first surprise and prints a table"
)]

mod batch;
mod client;
mod world;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use mdoc_service::domain::scope::ApiScope;
use mdoc_service::start;
use mdoc_service::store::{Store, StoreError};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};

use self::client::{Connection, Progress, Ticket};
use self::world::World;

const COLLECTIONS: usize = 3000;
const WALLETS: usize = 32;
const READERS: usize = 8;
/// Entries of the large list that say something else than valid.
const REVOKED: i64 = 50_000;
const LASTS: Duration = Duration::from_secs(5);

/// Times in microseconds, in order.
struct Times(Vec<u64>);

impl Times {
    fn of(mut all: Vec<Duration>) -> Self {
        all.sort();
        Self(all.iter().map(|time| time.as_micros() as u64).collect())
    }

    /// In milliseconds.
    fn at(&self, part: f64) -> f64 {
        let at = ((self.0.len() as f64 - 1.0) * part) as usize;
        self.0[at] as f64 / 1000.0
    }

    fn spread(&self) -> String {
        let (half, late, last) = (self.at(0.5), self.at(0.99), self.at(1.0));
        format!(
            "p50 {half:.2} ms, p99 {late:.2} ms, longest {last:.2} ms, of {}",
            self.0.len()
        )
    }
}

static MISSED: AtomicBool = AtomicBool::new(false);

fn line(name: &str, value: &str) {
    println!("{name:<54}{value}");
}

/// With what it is to be, and whether it is.
fn goal(name: &str, value: &str, (aim, reached): (&str, bool)) {
    let word = if reached { "reached" } else { "MISSED" };
    println!("{name:<54}{value:<70}{aim}: {word}");
    MISSED.fetch_or(!reached, Ordering::Relaxed);
}

fn main() {
    let program = PathBuf::from(
        std::env::args()
            .nth(1)
            .unwrap_or_else(|| panic!("give the program")),
    );
    let goals = std::env::args().nth(2).is_some_and(|option| option == "--goals");
    let mut world = World::new(&program, "load", std::env::var("MDOC_LOAD_DATABASE").ok());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let store = world.store();
    runtime.block_on(world.profile(&store));
    let began = Instant::now();
    let tickets = runtime.block_on(world.tickets(&store, COLLECTIONS * 2));
    line(
        "requests, 50 in a transaction",
        &format!(
            "{:.0} a second",
            tickets.len() as f64 / began.elapsed().as_secs_f64()
        ),
    );
    let mut service = world.start();
    let (first, second) = tickets.split_at(COLLECTIONS);
    let (rate, times) = runtime.block_on(collections(&world, first.to_vec()));
    goal(
        "collections, each of four requests",
        &format!("{rate:.0} a second"),
        ("at least 300", rate >= 300.0),
    );
    line("  one collection", &times.spread());

    runtime.block_on(revoke(&store));
    runtime.block_on(list(&world, &store));
    let queries = runtime.block_on(Queries::new(&world, &store, first));
    let ((rate, times), asked) =
        runtime.block_on(async { tokio::join!(read(&world, LASTS), queries.paced(&world)) });
    goal(
        "a list of 1048576 entries, asked for",
        &format!("{rate:.0} a second"),
        ("more than 5000", rate > 5000.0),
    );
    line(
        "  one question, the list changed 20 times a second",
        &times.spread(),
    );
    let quick = |asked: &Times| ("p99 less than 20 ms", asked.at(0.99) < 20.0);
    goal("  one status query meanwhile", &asked.spread(), quick(&asked));
    let (collected, asked) =
        runtime.block_on(async { tokio::join!(collections(&world, second.to_vec()), queries.paced(&world)) });
    goal(
        "  one status query while others collect",
        &asked.spread(),
        quick(&asked),
    );
    line("  collections meanwhile", &format!("{:.0} a second", collected.0));
    runtime.block_on(batch::measure(&world, &store, &queries));
    service.kill();
    if goals && MISSED.load(Ordering::Relaxed) {
        std::process::exit(1);
    }
}

async fn collections(world: &World, tickets: Vec<Ticket>) -> (f64, Times) {
    let (count, waiting) = (tickets.len(), Arc::new(Mutex::new(tickets)));
    let began = Instant::now();
    let wallets: Vec<_> = (0..WALLETS)
        .map(|number| {
            let (issuer, address, waiting) = (world.issuer.clone(), world.address, Arc::clone(&waiting));
            tokio::spawn(async move {
                let mut random = ChaCha20Rng::seed_from_u64(number as u64);
                let mut connection = Connection::new(address).await.unwrap();
                let mut times = Vec::new();
                loop {
                    let Some(ticket) = waiting.lock().unwrap().pop() else {
                        return times;
                    };
                    let began = Instant::now();
                    let (key, mut progress) = (client::key(&mut random), Progress::default());
                    let done = connection
                        .collect(&issuer, &ticket, &mut progress, &key)
                        .await
                        .unwrap();
                    assert_eq!(done, 200, "{}", ticket.serial);
                    times.push(began.elapsed());
                }
            })
        })
        .collect();
    let mut times = Vec::new();
    for wallet in wallets {
        times.extend(wallet.await.unwrap());
    }
    (count as f64 / began.elapsed().as_secs_f64(), Times::of(times))
}

/// Has many entries of the list say that they are revoked, as after years.
async fn revoke(store: &Store) {
    let write = store.write::<_, StoreError>(|tx| {
        let mut random = ChaCha20Rng::seed_from_u64(9);
        let document: String = tx.value("SELECT serial FROM document LIMIT 1", &[])?.unwrap();
        for _ in 0..REVOKED {
            let place = i64::from(random.next_u32() % (1 << 20));
            tx.execute(
                "INSERT INTO copy (list, place, document, generation, mso_digest, key_thumbprint, issued, valid_until, \
                 status, changed) VALUES (1, $1, $2, 0, $3, $3, 0, 0, $4, 0) ON CONFLICT DO NOTHING",
                &[
                    place.into(),
                    (&document).into(),
                    b"load".as_slice().into(),
                    i64::from(1 + random.next_u32() % 2).into(),
                ],
            )?;
        }
        Ok(())
    });
    write.await.unwrap();
}

/// Turns one entry over.
async fn turn(store: &Store) {
    let write = store.write::<_, StoreError>(|tx| {
        tx.execute("UPDATE status_list SET changes = changes + 1 WHERE id = 1", &[])?;
        tx.execute(
            "UPDATE copy SET status = 3 - status, changed = (SELECT changes FROM status_list WHERE id = 1) \
             WHERE list = 1 AND generation = 0 AND place = \
             (SELECT MIN(place) FROM copy WHERE list = 1 AND generation = 0)",
            &[],
        )
    });
    write.await.unwrap();
}

/// Making the list, here and not over HTTP: the first time from all rows, then after changes of one entry.
async fn list(world: &World, store: &Store) {
    let service = start::service(&world.config()).unwrap();
    let get = async || {
        let began = Instant::now();
        let list = service
            .publisher
            .get(&service.store, 1, service.now())
            .await
            .unwrap();
        (began.elapsed(), list)
    };
    let (whole, made) = get().await;
    line(
        "a list of 1048576 entries, made anew",
        &format!("{:.1} ms, {} bytes", whole.as_secs_f64() * 1000.0, made.cwt.len()),
    );
    let mut times = Vec::new();
    let mut before = made.tag.clone();
    for _ in 0..100 {
        turn(store).await;
        let (took, made) = get().await;
        assert_ne!(std::mem::replace(&mut before, made.tag.clone()), made.tag);
        times.push(took);
    }
    let times = Times::of(times);
    goal(
        "  one entry changed, compressed and signed",
        &times.spread(),
        ("5 ms in the middle", times.at(0.5) <= 5.0),
    );
}

/// Asks for the list as fast as it comes, with the tag of the last answer, while it changes.
async fn read(world: &World, lasts: Duration) -> (f64, Times) {
    let ends = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = (0..READERS)
        .map(|_| {
            let (address, ends) = (world.address, Arc::clone(&ends));
            tokio::spawn(async move {
                let mut connection = Connection::new(address).await.unwrap();
                let (mut times, mut tag) = (Vec::new(), String::from("\"none\""));
                while !ends.load(Ordering::Relaxed) {
                    let began = Instant::now();
                    let headers = format!("If-None-Match: {tag}\r\n");
                    let answer = connection.ask("GET", "/status/1", &headers, b"").await.unwrap();
                    times.push(began.elapsed());
                    let given = tag_of(&answer.head);
                    // 304 says that it is the same, and 200 that it is another one.
                    assert_eq!(answer.status == 304, given == tag, "{}", answer.head);
                    tag = given;
                }
                times
            })
        })
        .collect();
    let (began, store) = (Instant::now(), world.store());
    let mut connection = Connection::new(world.address).await.unwrap();
    let mut changes = 0;
    while began.elapsed() < lasts {
        let before = tag_of(&connection.ask("GET", "/status/1", "", b"").await.unwrap().head);
        turn(&store).await;
        let headers = format!("If-None-Match: {before}\r\n");
        let after = connection.ask("GET", "/status/1", &headers, b"").await.unwrap();
        assert_eq!(after.status, 200, "a change was not told of at once");
        changes += 1;
        tokio::time::sleep(Duration::from_millis(45)).await;
    }
    let took = began.elapsed().as_secs_f64();
    ends.store(true, Ordering::Relaxed);
    let mut times = Vec::new();
    for reader in readers {
        times.extend(reader.await.unwrap());
    }
    assert!(changes > 0);
    (times.len() as f64 / took, Times::of(times))
}

fn tag_of(head: &str) -> String {
    let tag = head.lines().find_map(|line| line.strip_prefix("etag: "));
    tag.unwrap_or_else(|| panic!("no tag: {head}")).trim().to_owned()
}

/// The token of a machine of the administrator's.
async fn token(world: &World, store: &Store, what: (&'static str, &'static [ApiScope])) -> String {
    let (id, secret) = world.machine(store, what).await;
    let form = format!("grant_type=client_credentials&client_id={id}&client_secret={secret}");
    let mut connection = Connection::new(world.address).await.unwrap();
    let answer = connection
        .ask("POST", "/oauth/token", "", form.as_bytes())
        .await
        .unwrap();
    let answer: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    answer["access_token"].as_str().unwrap().to_owned()
}

/// A machine that asks how documents stand.
struct Queries {
    token: String,
    serials: Vec<String>,
}

impl Queries {
    async fn new(world: &World, store: &Store, collected: &[Ticket]) -> Self {
        Self {
            token: token(world, store, ("queries", &[ApiScope::Status])).await,
            serials: collected.iter().map(|ticket| ticket.serial.clone()).collect(),
        }
    }

    /// Asks a hundred times a second, four hundred times.
    async fn paced(&self, world: &World) -> Times {
        let mut left = 400;
        let go_on = || {
            left -= 1;
            left >= 0
        };
        self.paced_while(world, go_on).await
    }

    /// Asks a hundred times a second for as long as that says so.
    async fn paced_while(&self, world: &World, mut go_on: impl FnMut() -> bool) -> Times {
        let mut connection = Connection::new(world.address).await.unwrap();
        let headers = format!(
            "Authorization: Bearer {}\r\nContent-Type: application/json\r\n",
            self.token
        );
        let mut times = Vec::new();
        for serial in self.serials.iter().cycle().step_by(7) {
            if !go_on() {
                break;
            }
            let body = format!("{{\"serial\":\"{serial}\"}}");
            let began = Instant::now();
            let asked = connection.ask("POST", "/api/v1/status", &headers, body.as_bytes());
            let answer = asked.await.unwrap();
            times.push(began.elapsed());
            assert!(
                answer.body.starts_with(b"{\"status\":\"valid\""),
                "{}",
                answer.head
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Times::of(times)
    }
}
