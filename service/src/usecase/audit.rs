//! The audit trail (E19): entries that are only appended, each tied to the one before by its digest.
//!
//! The digest of an entry is SHA-256 over the digest of the one before and the entry's text, which is a JSON object as it
//! was written. So whoever has the digest of the last entry can tell whether anything before it was changed, left out or
//! put in, without the service.

mod chain;
mod export;

pub use self::chain::{Broken, Chain, Kept};
pub use self::export::{BadExport, line, verify_export};

use mdoc_core::time::Timestamp;
use serde_json::{Value as Json, json};

use self::chain::chained;
use super::Failure;
use super::authority::{self, Actor};
use crate::domain::Refusal;
use crate::domain::role::{Scope, Workflow};
use crate::store::{Row, StoreError, Tx};

/// What happened.
#[derive(Debug, Clone)]
pub struct Entry<'a> {
    /// What was done, as `document.cancel`.
    pub action: &'a str,
    /// To what kind of thing, and what it is called.
    pub object: (&'a str, &'a str),
    /// Why, of a list.
    pub reason: Option<&'a str>,
    /// In words.
    pub notes: Option<&'a str>,
    /// What it was before; names of members where the values are personal.
    pub before: Json,
    /// What it is now.
    pub after: Json,
}

impl<'a> Entry<'a> {
    /// An entry without reason, notes and values.
    #[must_use]
    pub const fn new(action: &'a str, object: (&'a str, &'a str)) -> Self {
        Self {
            action,
            object,
            reason: None,
            notes: None,
            before: Json::Null,
            after: Json::Null,
        }
    }

    /// The same with what changed.
    #[must_use]
    pub fn change(mut self, before: Json, after: Json) -> Self {
        (self.before, self.after) = (before, after);
        self
    }

    /// The same with a reason and words.
    #[must_use]
    pub const fn because(mut self, reason: Option<&'a str>, notes: Option<&'a str>) -> Self {
        (self.reason, self.notes) = (reason, notes);
        self
    }
}

/// Appends an entry, in the transaction of what it tells.
///
/// # Errors
/// [`StoreError`].
pub fn append(tx: &mut Tx<'_>, actor: &Actor, now: Timestamp, entry: &Entry<'_>) -> Result<(), StoreError> {
    let head = tx.row(
        "SELECT number, digest FROM audit_head WHERE one = 1 FOR UPDATE",
        &[],
        |row| Ok((row.get::<i64>(0)?, row.get::<Vec<u8>>(1)?)),
    )?;
    let (last, before) =
        head.ok_or_else(|| StoreError::Unexpected("the audit trail has no head".to_owned()))?;
    let number = last + 1;
    let (kind, name) = entry.object;
    let mut text = json!({
        "number": number,
        "at": now.to_string(),
        "who": actor.person().map(ToString::to_string),
        "client": actor.client().map(ToString::to_string),
        "from": actor.from(),
        "action": entry.action,
        "object": { "kind": kind, "name": name },
        "reason": entry.reason,
        "notes": entry.notes,
        "before": entry.before,
        "after": entry.after,
    });
    if let Some(members) = text.as_object_mut() {
        members.retain(|_, value| !value.is_null());
    }
    let text = text.to_string();
    let digest = chained(&before, &text);
    tx.execute(
        "INSERT INTO audit (number, entry, digest) VALUES ($1, $2, $3)",
        &[number.into(), (&text).into(), (&digest).into()],
    )?;
    tx.execute(
        "UPDATE audit_head SET number = $1, digest = $2 WHERE one = 1",
        &[number.into(), (&digest).into()],
    )?;
    tx.note(entry.action);
    Ok(())
}

/// An entry as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// Its number.
    pub number: i64,
    /// Its text.
    pub entry: String,
    /// The digest of the one before and of the text.
    pub digest: Vec<u8>,
}

impl Recorded {
    fn of_row(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            number: row.get(0)?,
            entry: row.get(1)?,
            digest: row.get(2)?,
        })
    }
}

/// Entries after a number, at most a thousand. The trail tells of everybody, and of the service itself: it is for whom a role
/// grants it over all.
///
/// # Errors
/// [`Refusal::NotGranted`].
pub fn page(tx: &mut Tx<'_>, actor: &Actor, after: i64) -> Result<Vec<Recorded>, Failure> {
    let workflow = Workflow::ViewAudit;
    if authority::scope(tx, actor, workflow)? < Scope::All {
        return Err(Refusal::NotGranted { workflow }.into());
    }
    Ok(some(tx, after)?)
}

pub(super) fn some(tx: &mut Tx<'_>, after: i64) -> Result<Vec<Recorded>, StoreError> {
    tx.rows(
        "SELECT number, entry, digest FROM audit WHERE number > $1 ORDER BY number LIMIT 1000",
        &[after.into()],
        Recorded::of_row,
    )
}

/// Checks the whole trail in the database.
///
/// # Errors
/// [`StoreError`]; what is wrong with the trail is the inner result.
pub fn verify(tx: &mut Tx<'_>) -> Result<Result<Chain, Broken>, StoreError> {
    verify_with(tx, Chain::default())
}

/// Checks the whole trail in the database, and whether it has what was kept of it.
///
/// # Errors
/// As for [`verify`].
pub fn verify_with(tx: &mut Tx<'_>, mut chain: Chain) -> Result<Result<Chain, Broken>, StoreError> {
    loop {
        let page = some(tx, chain.head().0)?;
        if page.is_empty() {
            break;
        }
        for recorded in page {
            if let Err(broken) = chain.next(recorded.number, &recorded.entry, &recorded.digest) {
                return Ok(Err(broken));
            }
        }
    }
    let head = tx.row(
        "SELECT number, digest FROM audit_head WHERE one = 1",
        &[],
        |row| Ok((row.get::<i64>(0)?, row.get::<Vec<u8>>(1)?)),
    )?;
    let ends = head.is_some_and(|(number, digest)| (number, digest.as_slice()) == chain.head());
    Ok(if ends { chain.end() } else { Err(Broken::Head) })
}
