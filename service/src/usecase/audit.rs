//! The audit trail (E19): entries that are only appended, each tied to the one before by its digest.
//!
//! The digest of an entry is SHA-256 over the digest of the one before and the entry's text, which is a JSON object as it
//! was written. So whoever has the digest of the last entry can tell whether anything before it was changed, left out or
//! put in, without the service.

use core::fmt;

use mdoc_core::time::Timestamp;
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};

use super::Failure;
use super::authority::{self, Actor};
use crate::domain::role::Workflow;
use crate::store::{StoreError, Tx};

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

fn chained(before: &[u8], entry: &str) -> [u8; 32] {
    Sha256::new()
        .chain_update(before)
        .chain_update(entry)
        .finalize()
        .into()
}

/// What is wrong with a trail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Broken {
    /// The number of an entry is not the next one.
    Number {
        /// The next one.
        expected: i64,
        /// The entry's.
        found: i64,
    },
    /// The digest does not fit the entry and the one before.
    Digest {
        /// The entry.
        number: i64,
    },
    /// The trail ends before its head, or after it.
    Head,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number { expected, found } => {
                write!(
                    f,
                    "entry {expected} is missing: the next one there is number {found}"
                )
            }
            Self::Digest { number } => write!(f, "entry {number} or one before it was changed"),
            Self::Head => {
                f.write_str("the last entries are missing: the trail does not end where its head says")
            }
        }
    }
}

impl core::error::Error for Broken {}

/// Goes through a trail, an entry at a time, from the first on.
#[derive(Debug, Clone, Default)]
pub struct Chain {
    number: i64,
    digest: Vec<u8>,
}

impl Chain {
    /// Checks the next entry.
    ///
    /// # Errors
    /// [`Broken`] if it does not follow.
    pub fn next(&mut self, number: i64, entry: &str, digest: &[u8]) -> Result<(), Broken> {
        if number != self.number + 1 {
            return Err(Broken::Number {
                expected: self.number + 1,
                found: number,
            });
        }
        let expected = chained(&self.digest, entry);
        let says = serde_json::from_str::<Json>(entry).ok();
        let says = says.and_then(|entry| entry.get("number").and_then(Json::as_i64));
        if expected != digest || says != Some(number) {
            return Err(Broken::Digest { number });
        }
        (self.number, self.digest) = (number, digest.to_vec());
        Ok(())
    }

    /// The number and the digest of the last entry; the digest is empty if there is none.
    #[must_use]
    pub fn head(&self) -> (i64, &[u8]) {
        (self.number, &self.digest)
    }
}

/// Entries after a number, at most a thousand, each with its number.
///
/// # Errors
/// [`Refusal::NotGranted`](crate::domain::Refusal::NotGranted).
pub fn page(tx: &mut Tx<'_>, actor: &Actor, after: i64) -> Result<Vec<(i64, String)>, Failure> {
    authority::permit(tx, actor, Workflow::ViewAudit)?;
    let page = tx.rows(
        "SELECT number, entry FROM audit WHERE number > $1 ORDER BY number LIMIT 1000",
        &[after.into()],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    Ok(page)
}

/// Checks the whole trail in the database.
///
/// # Errors
/// [`StoreError`]; what is wrong with the trail is the inner result.
pub fn verify(tx: &mut Tx<'_>) -> Result<Result<Chain, Broken>, StoreError> {
    const PAGE: i64 = 1000;
    let mut chain = Chain::default();
    loop {
        let page = tx.rows(
            "SELECT number, entry, digest FROM audit WHERE number > $1 ORDER BY number LIMIT $2",
            &[chain.head().0.into(), PAGE.into()],
            |row| Ok((row.get::<i64>(0)?, row.get::<String>(1)?, row.get::<Vec<u8>>(2)?)),
        )?;
        if page.is_empty() {
            break;
        }
        for (number, entry, digest) in page {
            if let Err(broken) = chain.next(number, &entry, &digest) {
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
    Ok(if ends { Ok(chain) } else { Err(Broken::Head) })
}
