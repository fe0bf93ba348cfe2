//! Doing a batch. A transaction does the rows that the node has, each so that nothing of it is kept if it is refused, notes
//! how each went, and takes further ones. A node that is gone leaves rows of which nothing is done: another one takes them
//! when its time with them is over.
//!
//! If that transaction cannot be, each row is tried in one of its own, so that one that the database never does holds up
//! nothing but itself; after some tries it has failed.

use mdoc_core::crypto::CryptoRng;
use mdoc_core::time::Timestamp;

use super::{Batch, end, read};
use crate::domain::Refusal;
use crate::domain::batch::{Operation, RowState, Stage};
use crate::domain::id::{BatchId, PersonId, Serial};
use crate::store::{StoreError, Tx};
use crate::terms::Terms;
use crate::usecase::authority::Actor;
use crate::usecase::change::{self, Change};
use crate::usecase::request::{self, Wish};
use crate::usecase::{Failure, update};

/// How many rows a node has at once: their transaction is short enough that nobody waits for it.
const AT_ONCE: i64 = 32;
/// How long it has them, in seconds: far longer than that takes.
const LEASE: i64 = 60;
/// How often a row is tried that the database does not do, although it does what else is asked of it.
const TRIES: i64 = 5;
/// The code of such a row.
const GIVEN_UP: &str = "database.given-up";
/// How many batches are done side by side.
const SIDE_BY_SIDE: i64 = 4;

/// What was done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Worked {
    /// Rows that are done or were refused.
    pub rows: usize,
    /// Rows that were taken, to be done next.
    pub taken: usize,
    /// Rows that the database did not do, to be tried again a little later.
    pub stuck: usize,
}

impl Worked {
    /// Whether nothing was there to do.
    #[must_use]
    pub const fn is_idle(self) -> bool {
        self.rows == 0 && self.taken == 0 && self.stuck == 0
    }
}

/// Does rows of a running batch for the node of that name, the next one each time, or of one alone.
///
/// # Errors
/// [`StoreError`]: nothing was done then.
pub fn work(
    tx: &mut Tx<'_>,
    now: Timestamp,
    (node, only, turn, terms): (&str, Option<&BatchId>, usize, &Terms),
    rng: &mut dyn CryptoRng,
) -> Result<Worked, StoreError> {
    let mut running: Vec<BatchId> = tx.rows(
        "SELECT id FROM batch WHERE state = 'running' AND ($1 = '' OR id = $1) ORDER BY confirmed, id LIMIT $2",
        &[only.map_or("", BatchId::as_str).into(), SIDE_BY_SIDE.into()],
        |row| row.get(0),
    )?;
    let turn = turn.checked_rem(running.len()).unwrap_or(0);
    running.rotate_left(turn);
    for id in running {
        let Some(batch) = read(tx, &id)?.filter(|batch| batch.stage == Stage::Running) else {
            continue;
        };
        if !may_go_on(tx, &batch)? {
            end(tx, &Actor::system("batches"), now, (&id, Stage::Stopped))?;
            continue;
        }
        let held = Held {
            batch: &batch,
            node,
            only: 0,
        };
        let rows = do_rows(tx, now, (&held, terms), rng)?;
        let taken = take(tx, now, (&id, node))?;
        if rows > 0 || taken > 0 {
            // Another batch in the same transaction would be locked after the trail is.
            let stuck = 0;
            return Ok(Worked { rows, taken, stuck });
        }
        finish(tx, now, &batch)?;
    }
    Ok(Worked::default())
}

/// Whether the machine that made it, if one did, is still on.
fn may_go_on(tx: &mut Tx<'_>, batch: &Batch) -> Result<bool, StoreError> {
    let Some(client) = &batch.client else {
        return Ok(true);
    };
    let on: Option<i64> = tx.value(
        "SELECT 1 FROM client WHERE id = $1 AND enabled = 1",
        &[client.into()],
    )?;
    Ok(on.is_some())
}

/// Ends a batch of which everything is done.
fn finish(tx: &mut Tx<'_>, now: Timestamp, batch: &Batch) -> Result<(), StoreError> {
    for state in [RowState::Pending, RowState::InProgress] {
        // The state as it stands, so that its index is used.
        let sql = format!(
            "SELECT 1 FROM batch_row WHERE batch = $1 AND state = '{}' LIMIT 1",
            state.name()
        );
        if tx.value::<i64>(&sql, &[(&batch.id).into()])?.is_some() {
            return Ok(());
        }
    }
    end(tx, &batch.actor(), now, (&batch.id, Stage::Done)).map(drop)
}

/// The rows that a node has, each as its batch and its number.
///
/// # Errors
/// [`StoreError`].
pub fn held_by(tx: &mut Tx<'_>, node: &str) -> Result<Vec<(BatchId, i64)>, StoreError> {
    let running: Vec<BatchId> = tx.rows("SELECT id FROM batch WHERE state = 'running'", &[], |row| {
        row.get(0)
    })?;
    let mut held = Vec::new();
    for id in running {
        let numbers: Vec<i64> = tx.rows(
            "SELECT number FROM batch_row WHERE batch = $1 AND state = 'in-progress' AND node = $2",
            &[(&id).into(), node.into()],
            |row| row.get(0),
        )?;
        held.extend(numbers.into_iter().map(|number| (id.clone(), number)));
    }
    Ok(held)
}

/// Does one of them alone; says how many that were.
///
/// # Errors
/// [`StoreError`]: nothing was done then.
pub fn work_one(
    tx: &mut Tx<'_>,
    now: Timestamp,
    (node, (id, number), terms): (&str, (&BatchId, i64), &Terms),
    rng: &mut dyn CryptoRng,
) -> Result<usize, StoreError> {
    let Some(batch) = read(tx, id)?.filter(|batch| batch.stage == Stage::Running) else {
        return Ok(0);
    };
    if !may_go_on(tx, &batch)? {
        return Ok(0);
    }
    let held = Held {
        batch: &batch,
        node,
        only: number,
    };
    do_rows(tx, now, (&held, terms), rng)
}

/// Notes that the database did not do a row that a node has, and that the node goes on with it; one that was tried often
/// enough has failed. Says whether it has. That this can be noted shows that the database is there.
///
/// # Errors
/// [`StoreError`]: it is not counted then.
pub fn tried(
    tx: &mut Tx<'_>,
    now: Timestamp,
    (node, (id, number)): (&str, (&BatchId, i64)),
) -> Result<bool, StoreError> {
    tx.execute(
        "UPDATE batch_row SET tries = COALESCE(tries, 0) + 1, lease = $4 \
         WHERE batch = $1 AND number = $2 AND state = 'in-progress' AND node = $3",
        &[id.into(), number.into(), node.into(), (now.unix() + LEASE).into()],
    )?;
    let tries: Option<i64> = tx.value(
        "SELECT COALESCE(tries, 0) FROM batch_row WHERE batch = $1 AND number = $2 AND state = 'in-progress' AND node = $3",
        &[id.into(), number.into(), node.into()],
    )?;
    if tries.is_none_or(|tries| tries < TRIES) {
        return Ok(false);
    }
    let message = format!("the database did not do it, {TRIES} times");
    let outcome = ("failed", None, Some(GIVEN_UP), Some(message));
    note(tx, now, (id, number), outcome)?;
    count(tx, (id, node), (0, 1))?;
    Ok(true)
}

/// Rows of a batch that a node has: the one of that number alone, or all of them if it is 0.
struct Held<'a> {
    batch: &'a Batch,
    node: &'a str,
    only: i64,
}

/// Which of them, of the batch of `$1`.
const HELD: &str =
    "batch = $1 AND state = 'in-progress' AND node = $2 AND (CAST($3 AS BIGINT) = 0 OR number = $3)";

fn do_rows(
    tx: &mut Tx<'_>,
    now: Timestamp,
    (held, terms): (&Held<'_>, &Terms),
    rng: &mut dyn CryptoRng,
) -> Result<usize, StoreError> {
    let Held { batch, node, only } = *held;
    // Without an order by the database, which would look through all rows in that order for those few.
    let mut rows: Vec<(i64, String)> = tx.rows(
        &format!("SELECT number, object FROM batch_row WHERE {HELD} FOR UPDATE"),
        &[(&batch.id).into(), node.into(), only.into()],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    rows.sort_unstable_by(|one, other| one.1.cmp(&other.1));
    if rows.is_empty() {
        return Ok(0);
    }
    lock(tx, held)?;
    let actor = batch.actor();
    let (mut completed, mut failed) = (0_i64, 0_i64);
    for (number, object) in &rows {
        let done = tx.attempt(|tx| one(tx, &actor, now, (batch, object, terms), rng))?;
        let (state, document, code, message) = match done {
            Ok(document) => ("completed", document.map(|serial| serial.to_string()), None, None),
            Err(Failure::Refused(refusal)) => {
                ("failed", None, Some(refusal.code()), Some(refusal.to_string()))
            }
            // What the database cannot do at all is told of the row; otherwise the whole is tried again.
            Err(Failure::Store(StoreError::Unexpected(why))) => {
                tracing::error!(batch = %batch.id, row = number, why, "a row of a batch could not be done");
                (
                    "failed",
                    None,
                    Some("database"),
                    Some("the database could not do it".to_owned()),
                )
            }
            Err(Failure::Store(why)) => return Err(why),
        };
        if state == "completed" {
            completed += 1;
        } else {
            failed += 1;
        }
        let outcome = (state, document, code, message);
        note(tx, now, (&batch.id, *number), outcome)?;
    }
    count(tx, (&batch.id, node), (completed, failed))?;
    Ok(rows.len())
}

/// Notes how a row went: the state, the document that was requested, the code and the words of what refused it.
fn note(
    tx: &mut Tx<'_>,
    now: Timestamp,
    (id, number): (&BatchId, i64),
    (state, document, code, message): (&str, Option<String>, Option<&str>, Option<String>),
) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE batch_row SET state = $3, document = $4, code = $5, message = $6, done = $7, node = NULL, lease = NULL \
         WHERE batch = $1 AND number = $2",
        &[
            id.into(),
            number.into(),
            state.into(),
            document.as_ref().into(),
            code.into(),
            message.as_ref().into(),
            now.into(),
        ],
    )
    .map(drop)
}

/// Counts what a node did.
fn count(
    tx: &mut Tx<'_>,
    (id, node): (&BatchId, &str),
    (completed, failed): (i64, i64),
) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO batch_node (batch, node, completed, failed) VALUES ($1, $2, $3, $4) ON CONFLICT (batch, node) \
         DO UPDATE SET completed = batch_node.completed + $3, failed = batch_node.failed + $4",
        &[id.into(), node.into(), completed.into(), failed.into()],
    )
    .map(drop)
}

/// Everything that is seen to is locked before the trail is: whoever has a document and waits for the trail is not waited for.
fn lock(tx: &mut Tx<'_>, held: &Held<'_>) -> Result<(), StoreError> {
    let Held { batch, node, only } = *held;
    let objects = format!("SELECT object FROM batch_row WHERE {HELD}");
    let (documents, people) = if batch.plan.operation == Operation::Request {
        (None, objects.clone())
    } else {
        let serials =
            format!("SELECT serial FROM document WHERE serial IN ({objects}) ORDER BY serial FOR UPDATE");
        (
            Some(serials),
            format!("SELECT person FROM document WHERE serial IN ({objects})"),
        )
    };
    let people = format!("SELECT id FROM person WHERE id IN ({people}) ORDER BY id FOR UPDATE");
    let lists = format!(
        "SELECT id FROM status_list WHERE id IN (SELECT list FROM copy WHERE document IN ({objects})) ORDER BY id FOR UPDATE"
    );
    // Only what follows into lists takes them.
    let follows = !matches!(
        batch.plan.operation,
        Operation::Request | Operation::Update | Operation::Renew
    );
    for sql in documents.iter().chain([&people]).chain(follows.then_some(&lists)) {
        tx.rows(sql, &[(&batch.id).into(), node.into(), only.into()], |_| Ok(()))?;
    }
    Ok(())
}

/// Does one row; gives the document that was requested.
fn one(
    tx: &mut Tx<'_>,
    actor: &Actor,
    now: Timestamp,
    (batch, object, terms): (&Batch, &str, &Terms),
    rng: &mut dyn CryptoRng,
) -> Result<Option<Serial>, Failure> {
    let plan = &batch.plan;
    let change = match plan.operation {
        Operation::Request => {
            let wish = Wish {
                person: PersonId::given(object).ok_or(Refusal::Unknown { what: "person" })?,
                profile: plan.profile.clone().unwrap_or_default(),
                delivery: plan.delivery,
                notes: plan.notes.clone(),
            };
            let requested = request::request(tx, actor, now, (&wish, terms), rng)?;
            // The profile may have been changed since; what nobody sees is not made.
            return match requested.offer {
                Some(_) => Err(Refusal::BatchOnScreen.into()),
                None => Ok(Some(requested.document.serial)),
            };
        }
        Operation::Update | Operation::Renew => None,
        Operation::Disable => Some(Change::Disable),
        Operation::Enable => Some(Change::Enable),
        Operation::Cancel => Some(Change::Cancel),
        Operation::RequestCancel => Some(Change::RequestCancel),
    };
    let serial = Serial::given(object).ok_or(Refusal::Unknown { what: "document" })?;
    match change {
        Some(change) => change::change(tx, actor, now, (&serial, change), plan.why())?,
        None if plan.operation == Operation::Renew => {
            update::renew(tx, actor, now, (&serial, terms), plan.why(), rng)?
        }
        None => update::update(tx, actor, now, (&serial, terms), plan.why(), rng)?,
    };
    Ok(None)
}

/// Takes further rows, also those that a node left behind.
fn take(tx: &mut Tx<'_>, now: Timestamp, (id, node): (&BatchId, &str)) -> Result<usize, StoreError> {
    let mut free: Vec<i64> = Vec::new();
    // Those that were left behind are few, and would be looked for in all if they were ordered.
    for which in [
        "state = 'in-progress' AND lease < $2 LIMIT $3",
        "state = 'pending' AND $2 >= CAST(0 AS BIGINT) ORDER BY number LIMIT $3",
    ] {
        let left = AT_ONCE - i64::try_from(free.len()).unwrap_or(AT_ONCE);
        // What another one has locked is not waited for.
        let sql = format!(
            "SELECT number FROM batch_row WHERE batch = $1 \
             AND EXISTS (SELECT 1 FROM batch b WHERE b.id = $1 AND b.state = 'running') AND {which} FOR UPDATE SKIP LOCKED"
        );
        let found: Vec<i64> = tx.rows(&sql, &[id.into(), now.into(), left.into()], |row| row.get(0))?;
        free.extend(found);
    }
    for number in &free {
        tx.execute(
            "UPDATE batch_row SET state = 'in-progress', node = $3, lease = $4 WHERE batch = $1 AND number = $2",
            &[id.into(), (*number).into(), node.into(), (now.unix() + LEASE).into()],
        )?;
    }
    Ok(free.len())
}

/// Gives back what a node has and will not do: others need not wait until its time is over.
///
/// # Errors
/// [`StoreError`].
pub fn leave(tx: &mut Tx<'_>, node: &str) -> Result<(), StoreError> {
    let running: Vec<BatchId> = tx.rows("SELECT id FROM batch WHERE state = 'running'", &[], |row| {
        row.get(0)
    })?;
    for id in running {
        tx.execute(
            "UPDATE batch_row SET state = 'pending', node = NULL, lease = NULL \
             WHERE batch = $1 AND state = 'in-progress' AND node = $2",
            &[(&id).into(), node.into()],
        )?;
    }
    Ok(())
}
