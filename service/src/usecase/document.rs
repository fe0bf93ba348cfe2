//! A document as it is kept: everything but the document itself. And the one way to move it on in its life.

use mdoc_core::time::Timestamp;
use serde_json::{Map, Value as Json, json};

use super::Failure;
use super::audit::{self, Entry};
use super::authority::{self, Actor};
use crate::domain::Refusal;
use crate::domain::id::{DeviceId, PersonId, Serial};
use crate::domain::life::{Move, Standing, State};
use crate::domain::profile::Delivery;
use crate::domain::role::Workflow;
use crate::store::{Row, StoreError, Tx, Value};

/// What is kept of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Its name for life.
    pub serial: Serial,
    /// Whose it is.
    pub person: PersonId,
    /// The profile, and the version of it.
    pub profile: (String, i64),
    /// The type of the mdoc.
    pub doc_type: String,
    /// Where it is in its life.
    pub state: State,
    /// Where it was before its cancellation was requested.
    pub before: Option<State>,
    /// Where it was before it was switched off, if it is, or its cancellation was requested since.
    pub resumes: Option<State>,
    /// Since when it is in its state.
    pub since: Timestamp,
    /// Who requested it; nobody if the service itself did.
    pub requested_by: Option<PersonId>,
    /// When.
    pub requested: Timestamp,
    /// Who requested its cancellation.
    pub cancel_requested_by: Option<PersonId>,
    /// The wallet that collected it.
    pub device: Option<DeviceId>,
    /// How often it was signed; each time for several keys perhaps.
    pub generation: i64,
    /// When it was first collected.
    pub issued: Option<Timestamp>,
    /// When its lifetime ends.
    pub valid_until: Option<Timestamp>,
    /// Which state of the person's data another operator approved.
    pub approved_data: Option<i64>,
    /// Who approved them, if a wallet had the document already and nobody collected it since.
    pub approved_again_by: Option<PersonId>,
    /// Whether the update that it waits for is for another lifetime.
    pub renews: bool,
    /// How it reaches its person.
    pub delivery: Delivery,
    moves: i64,
}

/// Why a document is moved, by a list and in words.
#[derive(Debug, Clone, Copy, Default)]
pub struct Why<'a> {
    /// One of [`Move::reasons`].
    pub reason: Option<&'a str>,
    /// Whatever else is to be said.
    pub notes: Option<&'a str>,
}

impl Why<'_> {
    pub(super) fn check(&self, made: Move) -> Result<(), Refusal> {
        match (made.reasons(), self.reason) {
            ([], None) => {}
            (_, None) => return Err(Refusal::ReasonMissing { made }),
            (known, Some(reason)) if known.contains(&reason) => {}
            _ => return Err(Refusal::ReasonUnknown { made }),
        }
        self.notes
            .map_or(Ok(()), |notes| Refusal::check_words("notes", notes))
    }
}

impl Document {
    /// The end of what is signed now: none if a lifetime begins with it.
    #[must_use]
    pub fn bound(&self) -> Option<Timestamp> {
        let begins = self.renews && self.state == State::Updating;
        self.valid_until.filter(|_| !begins)
    }

    /// What anybody who asks is told.
    #[must_use]
    pub fn standing(&self, now: Timestamp) -> Standing {
        let standing = Standing::of(self.state, self.before, self.issued.is_some());
        let over = self.valid_until.is_some_and(|end| end < now);
        match standing {
            Standing::Valid | Standing::Disabled if over => Standing::Expired,
            other => other,
        }
    }
}

const COLUMNS: &str = "serial, person, profile, profile_version, doc_type, state, state_before, since, requested_by, \
                       requested, cancel_requested_by, device, generation, issued, valid_until, moves, approved_data, \
                       approved_again_by, delivery, resumes, renews";

/// A document that the actor may see.
///
/// # Errors
/// [`Refusal::Unknown`] if there is none, or none in scope.
pub fn get(tx: &mut Tx<'_>, actor: &Actor, serial: &Serial) -> Result<Document, Failure> {
    let document = look(tx, serial)?.ok_or(Refusal::Unknown { what: "document" })?;
    in_scope(tx, actor, Workflow::ViewReports, document)
}

/// A document on which the actor may do that; its row stays as it is until the transaction ends.
///
/// # Errors
/// [`Refusal::NotGranted`]; [`Refusal::Unknown`] if there is none, or none in scope.
pub fn for_workflow(
    tx: &mut Tx<'_>,
    actor: &Actor,
    workflow: Workflow,
    serial: &Serial,
) -> Result<Document, Failure> {
    authority::permit(tx, actor, workflow)?;
    let document = read(tx, serial)?;
    in_scope(tx, actor, workflow, document)
}

fn in_scope(
    tx: &mut Tx<'_>,
    actor: &Actor,
    workflow: Workflow,
    document: Document,
) -> Result<Document, Failure> {
    match authority::permit_for(tx, actor, workflow, &document.person) {
        Ok(()) => Ok(document),
        Err(Failure::Refused(Refusal::Unknown { .. })) => Err(Refusal::Unknown { what: "document" }.into()),
        Err(other) => Err(other),
    }
}

/// A document, whoever asks. Its row stays as it is until the transaction ends.
///
/// # Errors
/// [`Refusal::Unknown`] if there is none.
pub(crate) fn read(tx: &mut Tx<'_>, serial: &Serial) -> Result<Document, Failure> {
    let sql = format!("SELECT {COLUMNS} FROM document WHERE serial = $1 FOR UPDATE");
    tx.row(&sql, &[serial.into()], of_row)?
        .ok_or_else(|| Refusal::Unknown { what: "document" }.into())
}

/// The same in a transaction that only reads.
///
/// # Errors
/// [`StoreError`].
pub fn look(tx: &mut Tx<'_>, serial: &Serial) -> Result<Option<Document>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM document WHERE serial = $1");
    tx.row(&sql, &[serial.into()], of_row)
}

/// All documents of a person that the actor may see, the newest first: current and previous ones.
///
/// # Errors
/// [`Refusal::Unknown`] if the person is out of scope.
pub fn of_person(tx: &mut Tx<'_>, actor: &Actor, person: &PersonId) -> Result<Vec<Document>, Failure> {
    authority::permit_for(tx, actor, Workflow::ViewReports, person)?;
    let sql = format!("SELECT {COLUMNS} FROM document WHERE person = $1 ORDER BY requested DESC, serial");
    Ok(tx.rows(&sql, &[person.into()], of_row)?)
}

/// Documents in a state that the actor may see, by their serials: those after one, at most so many.
///
/// # Errors
/// [`Refusal::NotGranted`].
pub fn in_state(
    tx: &mut Tx<'_>,
    actor: &Actor,
    (state, after, limit): (State, Option<&Serial>, u32),
) -> Result<Vec<Document>, Failure> {
    let scope = authority::scope(tx, actor, Workflow::ViewReports)?;
    let sql = format!(
        "{} SELECT {COLUMNS} FROM document d WHERE d.state = $1 AND d.serial > $2 \
         AND ($5 = 3 OR d.person IN (SELECT p.id FROM person p WHERE {})) ORDER BY d.serial LIMIT $3",
        authority::BELOW,
        authority::IS_COVERED,
    );
    let values: [Value<'_>; 5] = [
        state.name().into(),
        after.map_or("", Serial::as_str).into(),
        i64::from(limit.clamp(1, 500)).into(),
        actor.person().map_or("", PersonId::as_str).into(),
        authority::width(scope).into(),
    ];
    Ok(tx.rows(&sql, &values, of_row)?)
}

/// A move that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// Which.
    pub name: String,
    /// The state after it.
    pub after: String,
    /// When.
    pub at: Timestamp,
    /// By whom; nobody if it was the service, or a wallet.
    pub by: Option<PersonId>,
    /// Why.
    pub reason: Option<String>,
    /// In words.
    pub notes: Option<String>,
}

/// What happened to a document, from the beginning.
///
/// # Errors
/// As for [`get`].
pub fn history(tx: &mut Tx<'_>, actor: &Actor, serial: &Serial) -> Result<Vec<Made>, Failure> {
    get(tx, actor, serial)?;
    let made = tx.rows(
        "SELECT move, after, made, made_by, reason, notes FROM document_move WHERE document = $1 ORDER BY number",
        &[serial.into()],
        |row| {
            Ok(Made {
                name: row.get(0)?,
                after: row.get(1)?,
                at: row.get(2)?,
                by: row.get(3)?,
                reason: row.get(4)?,
                notes: row.get(5)?,
            })
        },
    )?;
    Ok(made)
}

/// What there is to a move besides its name.
#[derive(Default)]
pub(super) struct Step<'a> {
    /// Why it is made.
    pub(super) why: Why<'a>,
    /// What the audit trail tells of it besides the state.
    pub(super) tells: Map<String, Json>,
    /// Who asked for the cancellation, if that is not who acts.
    pub(super) canceller: Option<&'a PersonId>,
}

/// Makes a move: checks that it is legal and says why, notes it in the document's history and the audit trail.
///
/// # Errors
/// [`Refusal::IllegalMove`], [`Refusal::ReasonMissing`], [`Refusal::ReasonUnknown`], [`Refusal::Field`] for the notes.
pub fn step(
    tx: &mut Tx<'_>,
    actor: &Actor,
    now: Timestamp,
    document: &mut Document,
    (made, why): (Move, Why<'_>),
) -> Result<(), Failure> {
    let step = Step {
        why,
        ..Step::default()
    };
    step_by(tx, actor, now, document, (made, step))
}

/// The same, with what else there is to it.
pub(super) fn step_by(
    tx: &mut Tx<'_>,
    actor: &Actor,
    now: Timestamp,
    document: &mut Document,
    (made, step): (Move, Step<'_>),
) -> Result<(), Failure> {
    let (state, why) = (document.state, step.why);
    let back = match state {
        State::Disabled => document.resumes,
        _ => document.before,
    };
    let after = state
        .after(made, back)
        .ok_or(Refusal::IllegalMove { made, state })?;
    why.check(made)?;
    let before = (made == Move::RequestCancel).then_some(state);
    let resumes = match made {
        Move::Disable => Some(state),
        Move::RequestCancel | Move::RejectCancel => document.resumes,
        _ => None,
    };
    let canceller = if made == Move::RequestCancel {
        actor.person().or(step.canceller)
    } else {
        None
    };
    let moves = document.moves + 1;
    let written = tx.execute(
        "UPDATE document SET state = $2, state_before = $3, since = $4, cancel_requested_by = $5, moves = $6, \
         resumes = $8 WHERE serial = $1 AND moves = $7",
        &[
            (&document.serial).into(),
            after.name().into(),
            before.map(State::name).into(),
            now.into(),
            canceller.map(PersonId::as_str).into(),
            moves.into(),
            document.moves.into(),
            resumes.map(State::name).into(),
        ],
    )?;
    if written != 1 {
        return Err(Refusal::ChangedMeanwhile.into());
    }
    tx.execute(
        "INSERT INTO document_move (document, number, move, before, after, made, made_by, client, reason, notes) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        &[
            (&document.serial).into(),
            moves.into(),
            made.name().into(),
            state.name().into(),
            after.name().into(),
            now.into(),
            actor.person().map(PersonId::as_str).into(),
            actor.client().map(|client| client.as_str()).into(),
            why.reason.into(),
            why.notes.into(),
        ],
    )?;
    let action = format!("document.{}", made.name());
    let entry = Entry::new(&action, ("document", document.serial.as_str())).because(why.reason, why.notes);
    let mut tells = step.tells;
    tells.insert("state".to_owned(), after.name().into());
    audit::append(
        tx,
        actor,
        now,
        &entry.change(json!({ "state": state.name() }), tells.into()),
    )?;
    document.state = after;
    (document.before, document.resumes) = (before, resumes);
    document.since = now;
    document.cancel_requested_by = canceller.cloned();
    document.moves = moves;
    Ok(())
}

fn delivered(name: &str) -> Result<Delivery, StoreError> {
    Delivery::named(name).ok_or_else(|| StoreError::Unexpected(format!("a document is delivered by {name}")))
}

fn of_row(row: &Row<'_>) -> Result<Document, StoreError> {
    let named = |name: &str| {
        State::named(name).ok_or_else(|| StoreError::Unexpected(format!("a document is in the state {name}")))
    };
    let by: String = row.get(8)?;
    Ok(Document {
        serial: row.get(0)?,
        person: row.get(1)?,
        profile: (row.get(2)?, row.get(3)?),
        doc_type: row.get(4)?,
        state: named(&row.get::<String>(5)?)?,
        before: row.get::<Option<String>>(6)?.as_deref().map(named).transpose()?,
        since: row.get(7)?,
        requested_by: PersonId::given(&by),
        requested: row.get(9)?,
        cancel_requested_by: row.get(10)?,
        device: row.get(11)?,
        generation: row.get(12)?,
        issued: row.get(13)?,
        valid_until: row.get(14)?,
        moves: row.get(15)?,
        approved_data: row.get(16)?,
        approved_again_by: row.get(17)?,
        delivery: delivered(&row.get::<String>(18)?)?,
        resumes: row.get::<Option<String>>(19)?.as_deref().map(named).transpose()?,
        renews: row.get::<i64>(20)? != 0,
    })
}
