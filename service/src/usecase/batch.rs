//! Batches (E16): something is done to many documents, or for many people. What is selected is written down first, in
//! parts, so that nobody waits for it; somebody confirms how many there are; then nodes do it row by row, in `work`.
//!
//! A batch is the operator's who made it: each row is done in that name, by the roles that the operator has then.

mod select;
mod work;

use mdoc_core::crypto::CryptoRng;
use mdoc_core::time::Timestamp;
use serde_json::{Value as Json, json};

pub(crate) use self::select::forget;
pub use self::select::{AT_ONCE, MOST, Part, add, documents, members, ready};
pub use self::work::{Worked, held_by, leave, tried, work, work_one};
use super::audit::{self, Entry};
use super::authority::{self, Actor};
use super::document::Why;
use super::{Failure, people, profiles};
use crate::domain::Refusal;
use crate::domain::batch::{Operation, RowState, Stage};
use crate::domain::id::{BatchId, ClientId, PersonId};
use crate::domain::profile::{Delivery, Scheme};
use crate::domain::role::Workflow;
use crate::store::{Row as Found, StoreError, Tx};

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// What.
    pub operation: Operation,
    /// Why, of the list that the move has.
    pub reason: Option<String>,
    /// In words.
    pub notes: Option<String>,
    /// Of which profile documents are requested; for [`Operation::Request`] alone.
    pub profile: Option<String>,
    /// How they reach the people; as the profile says if none.
    pub delivery: Option<Delivery>,
}

impl Plan {
    fn why(&self) -> Why<'_> {
        Why {
            reason: self.reason.as_deref(),
            notes: self.notes.as_deref(),
        }
    }

    /// Whether it can be done at all, whoever is concerned.
    fn check(&self, tx: &mut Tx<'_>) -> Result<(), Failure> {
        match (self.operation.made(), &self.profile) {
            (Some(made), None) => {
                self.why().check(made)?;
                let rule = "it is for documents that are requested";
                if self.delivery.is_some() {
                    return Err(Refusal::field("delivery", rule).into());
                }
            }
            (Some(_), Some(_)) => {
                let rule = "documents keep their profile; a filter selects by it";
                return Err(Refusal::field("profile", rule).into());
            }
            (None, None) => {
                return Err(Refusal::field("profile", "it says what is requested").into());
            }
            (None, Some(name)) => {
                if self.reason.is_some() {
                    let rule = "a request explains itself; notes may be given";
                    return Err(Refusal::field("reason", rule).into());
                }
                if let Some(notes) = &self.notes {
                    Refusal::check_words("notes", notes)?;
                }
                let current = profiles::current(tx, name)?;
                if !current.enabled {
                    return Err(Refusal::ProfileDisabled.into());
                }
                let settings = &current.profile.settings;
                let shown = settings.notification_scheme == Scheme::None && !settings.validate_issuance;
                if self.delivery == Some(Delivery::Screen) || self.delivery.is_none() && shown {
                    return Err(Refusal::BatchOnScreen.into());
                }
            }
        }
        Ok(())
    }
}

/// A batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// Its name.
    pub id: BatchId,
    /// What is done.
    pub plan: Plan,
    /// Where it is.
    pub stage: Stage,
    /// Who made it; nobody if the service did.
    pub by: Option<PersonId>,
    /// How many rows it has.
    pub total: i64,
    /// How many are done.
    pub completed: i64,
    /// How many were refused.
    pub failed: i64,
    /// How many nodes have at present.
    pub in_progress: i64,
    /// When it was made.
    pub created: Timestamp,
    /// When it was confirmed.
    pub confirmed: Option<Timestamp>,
    /// When it was done, or stopped.
    pub ended: Option<Timestamp>,
    client: Option<ClientId>,
    place: String,
}

impl Batch {
    /// How many rows nobody has yet.
    #[must_use]
    pub const fn pending(&self) -> i64 {
        self.total - self.completed - self.failed - self.in_progress
    }

    /// Who does it.
    fn actor(&self) -> Actor {
        match &self.by {
            Some(person) => Actor::operator(person.clone(), self.client.clone(), self.place.clone()),
            None => Actor::system(&self.place),
        }
    }

    fn is_of(&self, actor: &Actor) -> bool {
        self.by.as_ref() == actor.person()
    }

    fn counts(&self) -> Json {
        json!({
            "operation": self.plan.operation.name(), "total": self.total,
            "completed": self.completed, "failed": self.failed,
        })
    }
}

const COLUMNS: &str = "id, operation, reason, notes, profile, delivery, state, person, client, place, total, created, \
                       confirmed, ended, \
                       CAST((SELECT COALESCE(SUM(n.completed), 0) FROM batch_node n WHERE n.batch = batch.id) AS BIGINT), \
                       CAST((SELECT COALESCE(SUM(n.failed), 0) FROM batch_node n WHERE n.batch = batch.id) AS BIGINT), \
                       CAST((SELECT COUNT(*) FROM batch_row r WHERE r.batch = batch.id AND r.state = 'in-progress') AS BIGINT)";

fn of_row(row: &Found<'_>) -> Result<Batch, StoreError> {
    let (operation, stage): (String, String) = (row.get(1)?, row.get(6)?);
    let unexpected = |what: &str| StoreError::Unexpected(format!("a batch has the {what}"));
    let delivery: Option<String> = row.get(5)?;
    Ok(Batch {
        id: row.get(0)?,
        plan: Plan {
            operation: Operation::named(&operation).ok_or_else(|| unexpected(&operation))?,
            reason: row.get(2)?,
            notes: row.get(3)?,
            profile: row.get(4)?,
            delivery: delivery.as_deref().and_then(Delivery::named),
        },
        stage: Stage::named(&stage).ok_or_else(|| unexpected(&stage))?,
        by: row.get(7)?,
        client: row.get(8)?,
        place: row.get(9)?,
        total: row.get(10)?,
        created: row.get(11)?,
        confirmed: row.get(12)?,
        ended: row.get(13)?,
        completed: row.get(14)?,
        failed: row.get(15)?,
        // What a node took of a batch that was stopped at that moment is not done.
        in_progress: if stage == Stage::Running.name() {
            row.get(16)?
        } else {
            0
        },
    })
}

/// Begins a batch: nothing is selected yet.
///
/// # Errors
/// [`Refusal::NotGranted`]; those of the reason, the profile and its delivery; [`Refusal::BatchOnScreen`].
pub fn begin(
    tx: &mut Tx<'_>,
    actor: &Actor,
    now: Timestamp,
    plan: &Plan,
    rng: &mut dyn CryptoRng,
) -> Result<BatchId, Failure> {
    authority::permit(tx, actor, plan.operation.workflow())?;
    plan.check(tx)?;
    if let Some(person) = actor.person() {
        people::hold(tx, person)?;
    }
    let id = BatchId::random(rng);
    tx.execute(
        "INSERT INTO batch (id, operation, reason, notes, profile, delivery, state, person, client, place, total, created) \
         VALUES ($1, $2, $3, $4, $5, $6, 'selecting', $7, $8, $9, 0, $10)",
        &[
            (&id).into(),
            plan.operation.name().into(),
            plan.reason.as_ref().into(),
            plan.notes.as_ref().into(),
            plan.profile.as_ref().into(),
            plan.delivery.map(Delivery::name).into(),
            actor.person().map(PersonId::as_str).into(),
            actor.client().map(ClientId::as_str).into(),
            actor.from().into(),
            now.into(),
        ],
    )?;
    Ok(id)
}

/// A batch of the actor's; who sees reports of everybody sees all batches.
///
/// # Errors
/// [`Refusal::Unknown`] if there is none, or none that the actor may see.
pub fn get(tx: &mut Tx<'_>, actor: &Actor, id: &BatchId) -> Result<Batch, Failure> {
    let unknown = Refusal::Unknown { what: "batch" };
    let batch = read(tx, id)?.ok_or(unknown.clone())?;
    if batch.is_of(actor) || authority::over_all(tx, actor, Workflow::ViewReports)? {
        Ok(batch)
    } else {
        Err(unknown.into())
    }
}

fn read(tx: &mut Tx<'_>, id: &BatchId) -> Result<Option<Batch>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM batch WHERE id = $1");
    tx.row(&sql, &[id.into()], of_row)
}

/// The same as [`get`], and its own row stays as it is until the transaction ends; nodes go on meanwhile.
fn held(tx: &mut Tx<'_>, actor: &Actor, id: &BatchId) -> Result<Batch, Failure> {
    // On its own, so that what is counted is of after the lock.
    tx.rows(
        "SELECT 1 FROM batch WHERE id = $1 FOR NO KEY UPDATE",
        &[id.into()],
        |_| Ok(()),
    )?;
    get(tx, actor, id)
}

/// Batches that the actor may see, the newest first: those made before one, at most so many.
///
/// # Errors
/// [`Refusal::Unknown`] if there is no such batch to go on after.
pub fn list(
    tx: &mut Tx<'_>,
    actor: &Actor,
    (after, limit): (Option<&BatchId>, u32),
) -> Result<Vec<Batch>, Failure> {
    let before = match after {
        Some(id) => get(tx, actor, id)?.created.unix(),
        None => i64::MAX,
    };
    let all = authority::over_all(tx, actor, Workflow::ViewReports)?;
    let sql = format!(
        "SELECT {COLUMNS} FROM batch WHERE (created < $1 OR created = $1 AND id > $2) AND ($3 = 1 OR person = $4) \
         ORDER BY created DESC, id LIMIT $5"
    );
    let values = [
        before.into(),
        after.map_or("", BatchId::as_str).into(),
        i64::from(all).into(),
        actor.person().map_or("", PersonId::as_str).into(),
        i64::from(limit.clamp(1, 500)).into(),
    ];
    Ok(tx.rows(&sql, &values, of_row)?)
}

/// Confirms a batch by the number of its rows: nodes begin with it.
///
/// # Errors
/// [`Refusal::BatchCount`] if it has another number; [`Refusal::BatchElsewhere`] if it does not wait for that;
/// [`Refusal::Unknown`] if it is somebody else's.
pub fn confirm(
    tx: &mut Tx<'_>,
    actor: &Actor,
    now: Timestamp,
    (id, count): (&BatchId, i64),
) -> Result<Batch, Failure> {
    let mut batch = held(tx, actor, id)?;
    authority::permit(tx, actor, batch.plan.operation.workflow())?;
    if !batch.is_of(actor) {
        return Err(Refusal::Unknown { what: "batch" }.into());
    }
    at(&batch, &[Stage::Waiting])?;
    if batch.total != count {
        let total = batch.total;
        return Err(Refusal::BatchCount { total }.into());
    }
    tx.execute(
        "UPDATE batch SET state = 'running', confirmed = $2 WHERE id = $1",
        &[id.into(), now.into()],
    )?;
    (batch.stage, batch.confirmed) = (Stage::Running, Some(now));
    let why = batch.plan.why();
    let entry = Entry::new("batch.confirm", ("batch", id.as_str())).because(why.reason, why.notes);
    audit::append(tx, actor, now, &entry.change(Json::Null, batch.counts()))?;
    Ok(batch)
}

/// Stops a batch: what nobody has done yet is not done. What is done stays so; rows that are being done are waited for.
///
/// # Errors
/// [`Refusal::BatchElsewhere`] if it is over; [`Refusal::NotGranted`], [`Refusal::Unknown`].
pub fn stop(tx: &mut Tx<'_>, actor: &Actor, now: Timestamp, id: &BatchId) -> Result<Batch, Failure> {
    let batch = held(tx, actor, id)?;
    authority::permit(tx, actor, batch.plan.operation.workflow())?;
    at(&batch, &[Stage::Selecting, Stage::Waiting, Stage::Running])?;
    tx.execute(
        "UPDATE batch_row SET state = 'pending', node = NULL, lease = NULL WHERE batch = $1 AND state = 'in-progress'",
        &[id.into()],
    )?;
    let ended = end(tx, actor, now, (id, Stage::Stopped))?;
    Ok(ended.ok_or(Refusal::Unknown { what: "batch" })?)
}

/// Ends it, if it has not ended; tells the trail how far it came.
fn end(
    tx: &mut Tx<'_>,
    actor: &Actor,
    now: Timestamp,
    (id, stage): (&BatchId, Stage),
) -> Result<Option<Batch>, StoreError> {
    let ended = tx.execute(
        "UPDATE batch SET state = $2, ended = $3 WHERE id = $1 AND state IN ('selecting', 'waiting', 'running')",
        &[id.into(), stage.name().into(), now.into()],
    )?;
    let Some(batch) = read(tx, id)?.filter(|_| ended == 1) else {
        return Ok(None);
    };
    let action = if stage == Stage::Done {
        "batch.end"
    } else {
        "batch.stop"
    };
    let entry = Entry::new(action, ("batch", id.as_str()));
    audit::append(tx, actor, now, &entry.change(Json::Null, batch.counts()))?;
    Ok(Some(batch))
}

fn at(batch: &Batch, stages: &[Stage]) -> Result<(), Refusal> {
    if stages.contains(&batch.stage) {
        return Ok(());
    }
    let stage = batch.stage.name();
    Err(Refusal::BatchElsewhere { stage })
}

/// A row of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its number in the batch, from 1.
    pub number: i64,
    /// The document that is seen to, or the person for whom one is requested.
    pub object: String,
    /// Where it is.
    pub state: RowState,
    /// The document that was requested.
    pub document: Option<String>,
    /// The code of the rule that refused it.
    pub code: Option<String>,
    /// What it said.
    pub message: Option<String>,
    /// When it was done, or refused.
    pub done: Option<Timestamp>,
}

/// Rows of a batch after a number, in a state or in any, at most so many.
///
/// # Errors
/// As for [`get`].
pub fn rows(
    tx: &mut Tx<'_>,
    actor: &Actor,
    (id, state, after, limit): (&BatchId, Option<RowState>, i64, u32),
) -> Result<Vec<Row>, Failure> {
    get(tx, actor, id)?;
    let narrowed = state.map_or(String::new(), |state| format!(" AND state = '{}'", state.name()));
    let sql = format!(
        "SELECT number, object, state, document, code, message, done FROM batch_row \
         WHERE batch = $1 AND number > $2{narrowed} ORDER BY number LIMIT $3"
    );
    let values = [id.into(), after.into(), i64::from(limit.clamp(1, 500)).into()];
    let found = tx.rows(&sql, &values, |row| {
        let state: String = row.get(2)?;
        let unexpected = || StoreError::Unexpected(format!("a row of a batch is {state}"));
        Ok(Row {
            number: row.get(0)?,
            object: row.get(1)?,
            state: RowState::named(&state).ok_or_else(unexpected)?,
            document: row.get(3)?,
            code: row.get(4)?,
            message: row.get(5)?,
            done: row.get(6)?,
        })
    })?;
    Ok(found)
}
