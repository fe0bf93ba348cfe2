//! What is selected for a batch, written down in parts: each is a short transaction of its own.

use mdoc_core::time::Timestamp;

use super::{Batch, at, held};
use crate::domain::Refusal;
use crate::domain::batch::{Operation, Stage};
use crate::domain::id::{BatchId, GroupId, PersonId, Serial};
use crate::store::{StoreError, Tx};
use crate::usecase::Failure;
use crate::usecase::authority::{self, Actor};
use crate::usecase::reports::{self, Cell, Report, Wanted};

/// The most rows of a batch.
pub const MOST: u32 = 1_000_000;
/// How many are written down in one transaction.
pub const AT_ONCE: u16 = 1000;

/// Adds documents by their serials, or people by their ids; who is there already is not added again. Whether there is such a
/// document or person is told of each row when it is done.
///
/// # Errors
/// [`Refusal::BatchElsewhere`], [`Refusal::BatchTooLarge`], [`Refusal::Unknown`]; [`Refusal::Field`] for what can be no name.
pub fn add(tx: &mut Tx<'_>, actor: &Actor, id: &BatchId, objects: &[String]) -> Result<(), Failure> {
    let batch = selecting(tx, actor, id)?;
    if let Some(bad) = objects.iter().find(|object| Serial::given(object).is_none()) {
        let shown: String = bad.chars().take(64).collect();
        return Err(Refusal::field("rows", format!("{shown:?} names nothing")).into());
    }
    let mut total = batch.total;
    for object in objects {
        let added = tx.execute(
            "INSERT INTO batch_row (batch, number, object, state) VALUES ($1, $2, $3, 'pending') ON CONFLICT DO NOTHING",
            &[id.into(), (total + 1).into(), object.into()],
        )?;
        total += i64::try_from(added).unwrap_or(0);
        if total > i64::from(MOST) {
            return Err(Refusal::BatchTooLarge { most: MOST }.into());
        }
    }
    tx.execute(
        "UPDATE batch SET total = $2 WHERE id = $1",
        &[id.into(), total.into()],
    )?;
    Ok(())
}

/// A part of what is selected, to be added, and where it goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Serials, or ids of people.
    pub objects: Vec<String>,
    /// After what the next part is; nothing if this is the last one.
    pub next: Option<String>,
}

/// A part of the documents of a query to whom the actor may do that. What is not current is left out where nothing is said of
/// it. Nothing is written: nobody waits for it.
///
/// # Errors
/// [`Refusal::NotGranted`] and those of the query; [`Refusal::Field`] if it is done for people.
pub fn documents(
    tx: &mut Tx<'_>,
    actor: &Actor,
    (operation, wanted): (Operation, &Wanted),
) -> Result<Part, Failure> {
    if operation == Operation::Request {
        return Err(Refusal::field("filters", "documents are requested for people").into());
    }
    let mut wanted = wanted.clone().in_parts(AT_ONCE.into());
    if !wanted.is_by("current") && !wanted.is_by("state") {
        wanted.filter("current", "true")?;
    }
    let page = reports::page_for(tx, actor, operation.workflow(), &wanted)?;
    let columns = Report::Documents.columns();
    let serial = columns.iter().position(|column| column.name == "serial");
    let serials = page.rows.iter().filter_map(|row| match row.get(serial?) {
        Some(Cell::Text(serial)) => Some(serial.clone()),
        _ => None,
    });
    Ok(Part {
        objects: serials.collect(),
        next: page.next,
    })
}

/// A part of the people in a group and below it for whom the actor may request something, after one.
///
/// # Errors
/// [`Refusal::NotGranted`].
pub fn members(
    tx: &mut Tx<'_>,
    actor: &Actor,
    (group, after): (&GroupId, Option<&str>),
) -> Result<Part, Failure> {
    let scope = authority::scope(tx, actor, Operation::Request.workflow())?;
    let sql = format!(
        "{}, wanted (id) AS (SELECT CAST($1 AS TEXT) \
         UNION SELECT g.id FROM person_group g JOIN wanted ON g.parent = wanted.id) \
         SELECT p.id FROM person p WHERE p.group_id IN (SELECT id FROM wanted) AND p.id > $2 AND {} ORDER BY p.id LIMIT $3",
        authority::BELOW,
        authority::IS_COVERED,
    );
    let objects: Vec<String> = tx.rows(
        &sql,
        &[
            group.into(),
            after.unwrap_or_default().into(),
            i64::from(AT_ONCE).into(),
            actor.person().map_or("", PersonId::as_str).into(),
            authority::width(scope).into(),
        ],
        |row| row.get(0),
    )?;
    let full = objects.len() >= usize::from(AT_ONCE);
    let next = objects.last().filter(|_| full).cloned();
    Ok(Part { objects, next })
}

/// Says that everything is selected; somebody confirms then how many there are.
///
/// # Errors
/// [`Refusal::BatchEmpty`] if nothing is, [`Refusal::BatchElsewhere`], [`Refusal::Unknown`].
pub fn ready(tx: &mut Tx<'_>, actor: &Actor, id: &BatchId) -> Result<Batch, Failure> {
    let mut batch = selecting(tx, actor, id)?;
    if batch.total == 0 {
        return Err(Refusal::BatchEmpty.into());
    }
    tx.execute("UPDATE batch SET state = 'waiting' WHERE id = $1", &[id.into()])?;
    batch.stage = Stage::Waiting;
    Ok(batch)
}

fn selecting(tx: &mut Tx<'_>, actor: &Actor, id: &BatchId) -> Result<Batch, Failure> {
    let batch = held(tx, actor, id)?;
    if !batch.is_of(actor) {
        return Err(Refusal::Unknown { what: "batch" }.into());
    }
    at(&batch, &[Stage::Selecting])?;
    Ok(batch)
}

/// Forgets batches that nobody confirmed in a day, in parts: they are stopped first, so that nobody confirms what is half gone.
/// Says how much went.
///
/// # Errors
/// [`StoreError`].
pub(crate) fn forget(tx: &mut Tx<'_>, now: Timestamp) -> Result<u64, StoreError> {
    const DAY: i64 = 86_400;
    let old: Option<BatchId> = tx
        .rows(
            "SELECT id FROM batch WHERE confirmed IS NULL AND created < $1 ORDER BY created LIMIT 1 FOR UPDATE SKIP LOCKED",
            &[(now.unix() - DAY).into()],
            |row| row.get(0),
        )?
        .pop();
    let Some(id) = old else { return Ok(0) };
    tx.execute(
        "UPDATE batch SET state = 'stopped', ended = $2 WHERE id = $1 AND state <> 'stopped'",
        &[(&id).into(), now.into()],
    )?;
    let gone = tx.execute(
        "DELETE FROM batch_row WHERE batch = $1 AND number IN \
         (SELECT number FROM batch_row WHERE batch = $1 ORDER BY number LIMIT 1000)",
        &[(&id).into()],
    )?;
    if gone > 0 {
        return Ok(gone);
    }
    tx.execute("DELETE FROM batch WHERE id = $1", &[(&id).into()])
}
