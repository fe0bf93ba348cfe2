//! A node that does what batches have to do (E16): a short transaction after the other, between which everybody else has theirs.

use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::watch;

use crate::domain::id::{BatchId, MessageId};
use crate::random;
use crate::service::Service;
use crate::store::{Store, StoreError};
use crate::terms::Terms;
use crate::usecase::batch::{self, Worked};
use mdoc_core::time::Timestamp;

/// How long it is waited when there is nothing to do.
const PAUSE: Duration = Duration::from_secs(1);
const LONGEST_GAP: Duration = Duration::from_millis(100);

/// A node, by a name that nobody else has.
#[derive(Debug)]
pub struct Node {
    name: String,
    only: Option<BatchId>,
    /// Whose turn it is, of several batches.
    turn: AtomicUsize,
}

impl Node {
    /// One that does all batches.
    #[must_use]
    pub fn new() -> Self {
        let name = MessageId::random(&mut random::system()).to_string();
        Self {
            name,
            only: None,
            turn: AtomicUsize::new(0),
        }
    }

    /// One that does a batch alone.
    #[must_use]
    pub fn of(batch: BatchId) -> Self {
        Self {
            only: Some(batch),
            ..Self::new()
        }
    }

    /// Does the rows that it has, and takes further ones. If that cannot be done at once, it does those that it has one by one,
    /// and takes none.
    ///
    /// # Errors
    /// [`StoreError`] if the database does nothing at all.
    pub async fn round(&self, store: &Store, now: Timestamp, terms: &Terms) -> Result<Worked, StoreError> {
        let (name, only, shared) = (self.name.clone(), self.only.clone(), terms.clone());
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let done = store.write(move |tx| {
            let rng = &mut random::system();
            batch::work(tx, now, (&name, only.as_ref(), turn, &shared), rng)
        });
        match done.await {
            Err(why) => self.one_by_one(store, now, (terms, why)).await,
            done => done,
        }
    }

    async fn one_by_one(
        &self,
        store: &Store,
        now: Timestamp,
        (terms, why): (&Terms, StoreError),
    ) -> Result<Worked, StoreError> {
        let name = self.name.clone();
        let held = store.read(move |tx| batch::held_by(tx, &name)).await?;
        if held.is_empty() {
            return Err(why);
        }
        let (mut worked, mut failed) = (Worked::default(), Vec::new());
        for (id, number) in held {
            let (name, row, shared) = (self.name.clone(), id.clone(), terms.clone());
            let done = store.write(move |tx| {
                let rng = &mut random::system();
                batch::work_one(tx, now, (&name, (&row, number), &shared), rng)
            });
            match done.await {
                Ok(rows) => worked.rows += rows,
                Err(why) => failed.push((id, number, why)),
            }
        }
        // Where nothing at all was done it need not be the rows: a try is counted for one of them, each in its turn.
        if worked.rows == 0 && failed.len() > 1 {
            worked.stuck = failed.len() - 1;
            let one = self.turn.load(Ordering::Relaxed) % failed.len();
            failed = failed.into_iter().skip(one).take(1).collect();
        }
        for (id, number, why) in failed {
            let (name, row) = (self.name.clone(), id.clone());
            let tried = store.write(move |tx| batch::tried(tx, now, (&name, (&row, number))));
            if tried.await? {
                worked.rows += 1;
                tracing::error!(batch = %id, row = number, %why, "a row of a batch is given up");
            } else {
                worked.stuck += 1;
                tracing::warn!(batch = %id, row = number, %why, "a row of a batch is tried again");
            }
        }
        Ok(worked)
    }

    /// Gives back what it has.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn leave(self, store: &Store) -> Result<(), StoreError> {
        store.write(move |tx| batch::leave(tx, &self.name)).await
    }
}

impl Default for Node {
    fn default() -> Self {
        Self::new()
    }
}

/// How long others go first after a round that took so long: who has a file of SQLite open in another program waits for its turn
/// by looking now and then.
fn gap(took: Duration) -> Duration {
    (took / 4).min(LONGEST_GAP)
}

/// Does what there is to do until it is told to end.
pub async fn run(service: Arc<Service>, mut told: watch::Receiver<()>) {
    let node = Node::new();
    while !told.has_changed().unwrap_or(true) {
        let began = Instant::now();
        let worked = node.round(&service.store, service.now(), &service.terms).await;
        let stuck = worked
            .as_ref()
            .is_ok_and(|worked| worked.rows == 0 && worked.stuck > 0);
        match worked {
            Ok(worked) => {
                if worked.rows > 0 {
                    service.publisher.changed();
                }
                if !worked.is_idle() && worked.stuck == 0 {
                    tokio::time::sleep(gap(began.elapsed())).await;
                    continue;
                }
            }
            Err(why) => tracing::error!(%why, "rows of batches were not done"),
        }
        let pause = if stuck { PAUSE * 5 } else { PAUSE };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            _ = told.changed() => break,
        }
    }
    if let Err(why) = node.leave(&service.store).await {
        tracing::warn!(%why, "rows of batches are given to others after a minute");
    }
}
