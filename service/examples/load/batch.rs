//! A batch that cancels a hundred thousand documents, over the interface, while a machine asks how others stand.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use mdoc_cli::system::SystemClock;
use mdoc_core::seams::Clock as _;
use mdoc_service::domain::scope::ApiScope;
use mdoc_service::store::{Store, StoreError};
use serde_json::{Value, json};

use super::client::Connection;
use super::world::World;
use super::{Queries, goal, line, token};

const DOCUMENTS: i64 = 100_000;
/// How many are put there in one transaction.
const AT_ONCE: i64 = 5000;

/// Puts documents there as wallets have them, each with a copy in a list.
async fn put(store: &Store) {
    let now = SystemClock.now().unix();
    for from in (0..DOCUMENTS).step_by(AT_ONCE as usize) {
        let write = store.write::<_, StoreError>(move |tx| {
            let person: String = tx.value("SELECT person FROM document LIMIT 1", &[])?.unwrap();
            for number in from..from + AT_ONCE {
                let serial = format!("batch-{number:06}");
                tx.execute(
                    "INSERT INTO document (serial, person, profile, profile_version, doc_type, state, since, requested_by, \
                     requested, delivery, generation, issued, valid_until, moves) \
                     VALUES ($1, $2, 'cards', 1, 'org.example.1', 'active', $3, '', $3, 'held', 1, $3, $4, 1)",
                    &[(&serial).into(), (&person).into(), now.into(), (now + 86_400).into()],
                )?;
                tx.execute(
                    "INSERT INTO copy (list, place, document, generation, mso_digest, key_thumbprint, issued, valid_until, \
                     status, changed) VALUES (1, $1, $2, 1, $3, $3, $4, $5, 0, 0) ON CONFLICT DO NOTHING",
                    &[
                        (200_000 + number * 7).into(),
                        (&serial).into(),
                        b"load".as_slice().into(),
                        now.into(),
                        (now + 86_400).into(),
                    ],
                )?;
            }
            Ok(())
        });
        write.await.unwrap();
    }
}

pub(crate) async fn measure(world: &World, store: &Store, queries: &Queries) {
    world.profile_named(store, "cards").await;
    put(store).await;
    let scopes = &[ApiScope::DocumentsWrite, ApiScope::DocumentsRead];
    let token = token(world, store, ("batches", scopes)).await;
    let ends = AtomicBool::new(false);
    let run = async {
        let took = cancel(world, &token).await;
        ends.store(true, Ordering::Relaxed);
        took
    };
    let (took, asked) = tokio::join!(run, queries.paced_while(world, || !ends.load(Ordering::Relaxed)));
    let (selected, done) = took;
    goal(
        "100000 documents cancelled in a batch",
        &format!(
            "{:.1} s, {:.0} a second, and {:.1} s to select them",
            done.as_secs_f64(),
            DOCUMENTS as f64 / done.as_secs_f64(),
            selected.as_secs_f64()
        ),
        ("less than 60 s", (selected + done).as_secs_f64() < 60.0),
    );
    goal(
        "  one status query meanwhile",
        &asked.spread(),
        ("p99 less than 100 ms", asked.at(0.99) < 100.0),
    );
}

/// Selects them, confirms how many they are, and waits until the last one is done.
async fn cancel(world: &World, token: &str) -> (Duration, Duration) {
    let mut connection = Connection::new(world.address).await.unwrap();
    let headers = format!("Authorization: Bearer {token}\r\nContent-Type: application/json\r\n");
    let mut ask = async |method: &'static str, path: &str, body: Value| -> Value {
        let path = format!("/api/v1/batches{path}");
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let answer = connection
            .ask(method, &path, &headers, body.as_bytes())
            .await
            .unwrap();
        assert!(
            answer.status < 300,
            "{} {}",
            answer.head,
            String::from_utf8_lossy(&answer.body)
        );
        serde_json::from_slice(&answer.body).unwrap()
    };
    let began = Instant::now();
    let wish = json!({ "operation": "cancel", "reason": "other", "filters": { "profile": "cards" } });
    let batch = ask("POST", "", wish).await;
    let selected = began.elapsed();
    assert_eq!(batch["total"], DOCUMENTS);
    let path = format!("/{}", batch["id"].as_str().unwrap());
    let began = Instant::now();
    ask("POST", &format!("{path}/confirm"), json!({ "count": DOCUMENTS })).await;
    loop {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let batch = ask("GET", &path, Value::Null).await;
        if batch["state"] == "done" {
            assert_eq!(
                (&batch["completed"], &batch["failed"]),
                (&json!(DOCUMENTS), &json!(0))
            );
            line("  of them refused", "none");
            return (selected, began.elapsed());
        }
    }
}
