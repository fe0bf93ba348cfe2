//! Messages as operators see them, and what they do about those that did not go out.

use mdoc_core::time::Timestamp;

use super::{Stage, named, settle};
use crate::domain::Refusal;
use crate::domain::id::{MessageId, PersonId, Serial};
use crate::domain::notice::{Channel, Notice};
use crate::domain::role::Workflow;
use crate::store::{StoreError, Tx};
use crate::usecase::Failure;
use crate::usecase::audit::{self, Entry};
use crate::usecase::authority::{self, Actor};

/// A message as an operator sees it: what it says is not kept for anybody to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Its name.
    pub id: MessageId,
    /// To whom.
    pub person: PersonId,
    /// Of which document.
    pub document: Option<Serial>,
    /// What it is.
    pub notice: Notice,
    /// How it goes.
    pub channel: Channel,
    /// Where it is.
    pub stage: Stage,
    /// How often it was tried.
    pub tries: i64,
    /// When it was written down.
    pub created: Timestamp,
    /// When it is tried next, if it waits.
    pub due: Timestamp,
    /// Why it did not go out the last time.
    pub why: Option<String>,
}

/// Messages in a stage, or in any, and to one person, or to all whom the actor may see: the newest first, those after one, at
/// most so many.
///
/// # Errors
/// [`Refusal::NotGranted`]; [`Refusal::Unknown`] if there is no such person or message, or none in scope.
pub fn list(
    tx: &mut Tx<'_>,
    actor: &Actor,
    (stage, person, after, limit): (Option<Stage>, Option<&PersonId>, Option<&MessageId>, u32),
) -> Result<Vec<Message>, Failure> {
    let scope = authority::scope(tx, actor, Workflow::ViewReports)?;
    if let Some(person) = person {
        authority::permit_for(tx, actor, Workflow::ViewReports, person)?;
    }
    let before = after.map_or(Ok(i64::MAX), |after| created(tx, actor, after))?;
    // Each wish in its own words, so that each finds by an index.
    let stages = if stage.is_some() {
        "m.state = $1"
    } else {
        "$1 = ''"
    };
    let people = if person.is_some() {
        "m.person = $2"
    } else {
        "$2 = ''"
    };
    let sql = format!(
        "{} SELECT m.id, m.person, m.document, m.kind, m.channel, m.state, m.tries, m.created, m.due, m.why FROM message m \
         WHERE {} AND {stages} AND {people} AND ($5 = 3 OR m.person IN (SELECT p.id FROM person p WHERE {})) \
         AND (m.created < $6 OR m.created = $6 AND m.id > $7) ORDER BY m.created DESC, m.id LIMIT $3",
        authority::BELOW,
        settle::known(),
        authority::IS_COVERED,
    );
    let found = tx.rows(
        &sql,
        &[
            stage.map_or("", Stage::name).into(),
            person.map_or("", PersonId::as_str).into(),
            i64::from(limit.clamp(1, 500)).into(),
            actor.person().map_or("", PersonId::as_str).into(),
            authority::width(scope).into(),
            before.into(),
            after.map_or("", MessageId::as_str).into(),
        ],
        |row| {
            let (notice, channel) = named(row, 3)?;
            let state: String = row.get(5)?;
            let stage = Stage::named(&state);
            Ok(Message {
                id: row.get(0)?,
                person: row.get(1)?,
                document: row.get(2)?,
                notice,
                channel,
                stage: stage.ok_or_else(|| StoreError::Unexpected(format!("a message is {state}")))?,
                tries: row.get(6)?,
                created: row.get(7)?,
                due: row.get(8)?,
                why: row.get(9)?,
            })
        },
    )?;
    Ok(found)
}

/// When a message was written down, if the actor may see it.
fn created(tx: &mut Tx<'_>, actor: &Actor, id: &MessageId) -> Result<i64, Failure> {
    let found = tx.row(
        "SELECT person, created FROM message WHERE id = $1",
        &[id.into()],
        |row| Ok((row.get::<PersonId>(0)?, row.get::<i64>(1)?)),
    )?;
    let unknown = || Refusal::Unknown { what: "message" };
    let (person, created) = found.ok_or_else(unknown)?;
    match authority::permit_for(tx, actor, Workflow::ViewReports, &person) {
        Err(Failure::Refused(Refusal::Unknown { .. })) => Err(unknown().into()),
        other => other.map(|()| created),
    }
}

/// Has a message sent again that failed, or of which nobody knows whether it went out.
///
/// # Errors
/// [`Refusal::Unknown`] if there is none, or none in scope; [`Refusal::NotSentAgain`] if it went out, is on its way, or tells
/// what is good no more.
pub fn again(tx: &mut Tx<'_>, actor: &Actor, now: Timestamp, id: &MessageId) -> Result<(), Failure> {
    authority::permit(tx, actor, Workflow::RequestId)?;
    let unknown = || Refusal::Unknown { what: "message" };
    let person: Option<PersonId> = tx.value(
        "SELECT person FROM message WHERE id = $1 FOR UPDATE",
        &[id.into()],
    )?;
    let person = person.ok_or_else(unknown)?;
    match authority::permit_for(tx, actor, Workflow::RequestId, &person) {
        Err(Failure::Refused(Refusal::Unknown { .. })) => return Err(unknown().into()),
        other => other?,
    }
    let moved = tx.execute(
        "UPDATE message SET state = 'waiting', tries = 0, due = $2, changed = $2, node = NULL, why = NULL \
         WHERE id = $1 AND state IN ('failed', 'uncertain') AND sealed IS NOT NULL",
        &[id.into(), now.into()],
    )?;
    if moved == 0 {
        return Err(Refusal::NotSentAgain.into());
    }
    audit::append(
        tx,
        actor,
        now,
        &Entry::new("message.again", ("message", id.as_str())),
    )?;
    Ok(())
}
