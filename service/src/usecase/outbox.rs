//! What is sent to people (E9): written down in the transaction of what it tells, so that neither is there without the other,
//! and sent afterwards by whichever node takes it.
//!
//! A node takes a message for a while, and says so again right before it hands it over. If it is gone then, nobody knows
//! whether the message went out: it is not sent again by itself, since nothing is sent twice, and an operator decides. A
//! channel that recognises what it was given before is handed it again.

mod seen;
mod settle;

pub use self::seen::{Message, again, list};
#[cfg(test)]
pub(crate) use self::settle::WITHDRAW;

use core::fmt;

use mdoc_core::crypto::{CryptoRng, fastest};
use mdoc_core::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use zeroize::Zeroizing;

use super::audit::{self, Entry};
use super::authority::Actor;
use crate::domain::id::{MessageId, PersonId, Serial};
use crate::domain::notice::{Channel, Notice};
use crate::secrets::{Purpose, Secrets};
use crate::store::{Row, StoreError, Tx};
use crate::terms::Terms;

/// How long a node has a message, in seconds: longer than anything that it does with it.
pub const LEASE: i64 = 120;
/// How long it is waited at most before it is tried again, in seconds.
const LONGEST_PAUSE: i64 = 3600;

/// Where a message is on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// It waits for a node.
    Waiting,
    /// A node has it.
    Taken,
    /// A node hands it over.
    HandingOver,
    /// It went out.
    Sent,
    /// It was tried often enough, or will never be taken.
    Failed,
    /// The node that handed it over is gone: it may have gone out.
    Uncertain,
    /// What it tells is good no more.
    Withdrawn,
}

impl Stage {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Waiting,
        Self::Taken,
        Self::HandingOver,
        Self::Sent,
        Self::Failed,
        Self::Uncertain,
        Self::Withdrawn,
    ];

    /// Its name, in the interface and the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Taken => "taken",
            Self::HandingOver => "handing-over",
            Self::Sent => "sent",
            Self::Failed => "failed",
            Self::Uncertain => "uncertain",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// The one of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stage| stage.name() == name)
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a message says, and to whom: what templates are filled with. It is personal, and may be as good as a document.
#[derive(Clone, Serialize, Deserialize)]
pub struct Letter {
    /// The address of mail, or the number of the phone.
    pub to: String,
    /// The person's given names.
    pub given_name: String,
    /// The person's family name.
    pub family_name: String,
    /// What the document is called.
    pub document: String,
    /// Where it is collected.
    #[serde(default)]
    pub address: String,
    /// The invitation code, which stands for the address where somebody types.
    #[serde(default)]
    pub invitation: String,
    /// The authentication code.
    #[serde(default)]
    pub code: String,
    /// Until when.
    #[serde(default)]
    pub expires: String,
}

impl fmt::Debug for Letter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Letter").finish_non_exhaustive()
    }
}

/// A message that is written down.
pub struct New<'a> {
    /// To whom.
    pub person: &'a PersonId,
    /// Of which document.
    pub document: Option<&'a Serial>,
    /// The offer without which it tells nothing.
    pub offer: Option<&'a [u8; 32]>,
    /// What it is.
    pub notice: Notice,
    /// How it goes.
    pub channel: Channel,
    /// What it says.
    pub letter: &'a Letter,
}

/// Writes a message down; it is sent soon.
///
/// # Errors
/// [`StoreError`].
pub fn add(
    tx: &mut Tx<'_>,
    now: Timestamp,
    (new, secrets): (&New<'_>, &Secrets),
    rng: &mut dyn CryptoRng,
) -> Result<MessageId, StoreError> {
    let id = MessageId::random(rng);
    let sealed = seal(secrets, &id, new.letter)?;
    tx.execute(
        "INSERT INTO message (id, person, document, offer, kind, channel, state, sealed, tries, due, created, changed) \
         VALUES ($1, $2, $3, $4, $5, $6, 'waiting', $7, 0, $8, $8, $8)",
        &[
            (&id).into(),
            new.person.into(),
            new.document.into(),
            new.offer.map(<[u8; 32]>::as_slice).into(),
            new.notice.name().into(),
            new.channel.name().into(),
            (&sealed).into(),
            now.into(),
        ],
    )?;
    Ok(id)
}

/// The key of one message, which seals it once: its number need not differ.
fn key(secrets: &Secrets, id: &MessageId) -> Zeroizing<[u8; 32]> {
    Zeroizing::new(secrets.digest(Purpose::Letter, &[id.as_str().as_bytes()]))
}

fn seal(secrets: &Secrets, id: &MessageId, letter: &Letter) -> Result<Vec<u8>, StoreError> {
    let plain = serde_json::to_vec(letter).map_err(|_| StoreError::Unexpected("a message".to_owned()))?;
    Ok(fastest().seal(&key(secrets, id), &[0; 12], &Zeroizing::new(plain)))
}

fn open(secrets: &Secrets, id: &MessageId, sealed: &[u8]) -> Option<Letter> {
    let plain = fastest().open(&key(secrets, id), &[0; 12], sealed).ok()?;
    serde_json::from_slice(&plain).ok()
}

/// A message that a node has.
#[derive(Debug)]
pub struct Taken {
    /// Its name.
    pub id: MessageId,
    /// What it is.
    pub notice: Notice,
    /// How it goes.
    pub channel: Channel,
    /// What it says; nothing if it was sealed under another key.
    pub letter: Option<Letter>,
}

/// How messages are sent.
#[derive(Debug, Clone)]
pub struct Rules {
    /// How often one is tried.
    pub tries: i64,
    /// How long it is waited after the first time, in seconds; twice as long after each further one.
    pub pause: i64,
    /// The channels that recognise what they were handed before.
    pub repeatable: Vec<Channel>,
}

/// Takes messages that are due, at most so many, for the node of that name. What a newer program wrote, and this one does not
/// know, is left to that.
///
/// # Errors
/// [`StoreError`].
pub fn take(
    tx: &mut Tx<'_>,
    now: Timestamp,
    (node, most, rules, terms): (&str, u32, &Rules, &Terms),
) -> Result<Vec<Taken>, StoreError> {
    let given_up = settle::settle(tx, now, rules)?;
    let sql = format!(
        "SELECT id FROM message WHERE state = 'waiting' AND due <= $1 AND {} ORDER BY due, id LIMIT $2 FOR UPDATE",
        settle::known()
    );
    let ids: Vec<MessageId> = tx.rows(&sql, &[now.into(), i64::from(most).into()], |row| row.get(0))?;
    let mut taken = Vec::new();
    for id in ids {
        let found = tx.row(
            "SELECT kind, channel, sealed FROM message WHERE id = $1",
            &[(&id).into()],
            |row| Ok((named(row, 0)?, row.get::<Option<Vec<u8>>>(2)?)),
        )?;
        let Some(((notice, channel), sealed)) = found else {
            continue;
        };
        let held = tx.execute(
            "UPDATE message SET state = 'taken', node = $2, lease = $3, tries = tries + 1, changed = $4 \
             WHERE id = $1 AND state = 'waiting'",
            &[(&id).into(), node.into(), (now.unix() + LEASE).into(), now.into()],
        )?;
        if held == 1 {
            let letter = sealed.and_then(|sealed| open(&terms.secrets, &id, &sealed));
            taken.push(Taken {
                id,
                notice,
                channel,
                letter,
            });
        }
    }
    for message in given_up {
        message.tell(tx, now)?;
    }
    Ok(taken)
}

fn named(row: &Row<'_>, from: usize) -> Result<(Notice, Channel), StoreError> {
    let (kind, channel): (String, String) = (row.get(from)?, row.get(from + 1)?);
    Notice::named(&kind)
        .zip(Channel::named(&channel))
        .ok_or_else(|| StoreError::Unexpected(format!("a message is {kind} by {channel}")))
}

/// Says that a message is handed over now: whoever finds it so later does not know whether it went out. False if the node has
/// it no more.
///
/// # Errors
/// [`StoreError`].
pub fn hand_over(
    tx: &mut Tx<'_>,
    now: Timestamp,
    (id, node): (&MessageId, &str),
) -> Result<bool, StoreError> {
    let held = tx.execute(
        "UPDATE message SET state = 'handing-over', lease = $3, changed = $4 WHERE id = $1 AND state = 'taken' AND node = $2",
        &[id.into(), node.into(), (now.unix() + LEASE).into(), now.into()],
    )?;
    Ok(held == 1)
}

/// How it went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It went out.
    Sent,
    /// It did not, and may do so later.
    Later(String),
    /// It did not, and never will.
    Never(String),
    /// Nobody knows: the other side was gone before it said so.
    Unknown(String),
}

/// Notes how it went with a message. What was not handed over did not go out, whatever became of who had it.
///
/// # Errors
/// [`StoreError`].
pub fn done(
    tx: &mut Tx<'_>,
    now: Timestamp,
    (id, node, outcome, rules): (&MessageId, &str, &Outcome, &Rules),
) -> Result<Option<Stage>, StoreError> {
    let held = tx.row(
        "SELECT tries, document, kind, channel, state FROM message \
         WHERE id = $1 AND node = $2 AND state IN ('taken', 'handing-over', 'uncertain') FOR UPDATE",
        &[id.into(), node.into()],
        |row| {
            let said = (row.get::<String>(2)?, row.get::<String>(3)?);
            let handed_over = row.get::<String>(4)? != Stage::Taken.name();
            Ok((
                row.get::<i64>(0)?,
                row.get::<Option<Serial>>(1)?,
                said,
                handed_over,
            ))
        },
    )?;
    let Some((tries, document, (kind, channel), handed_over)) = held else {
        return Ok(None);
    };
    let again = tries < rules.tries;
    let repeatable =
        !handed_over || Channel::named(&channel).is_some_and(|channel| rules.repeatable.contains(&channel));
    let (stage, why) = match outcome {
        Outcome::Sent => (Stage::Sent, None),
        Outcome::Later(why) if again => (Stage::Waiting, Some(why)),
        Outcome::Unknown(why) if again && repeatable => (Stage::Waiting, Some(why)),
        Outcome::Unknown(why) if !repeatable => (Stage::Uncertain, Some(why)),
        Outcome::Later(why) | Outcome::Never(why) | Outcome::Unknown(why) => (Stage::Failed, Some(why)),
    };
    let due = now.unix() + pause(tries, rules.pause);
    tx.execute(
        "UPDATE message SET state = $2, due = $3, why = $4, changed = $5, node = NULL, lease = NULL, \
         sealed = CASE WHEN $2 = 'sent' THEN NULL ELSE sealed END WHERE id = $1",
        &[id.into(), stage.name().into(), due.into(), why.into(), now.into()],
    )?;
    told(tx, now, stage, (id, document.as_ref(), (&kind, &channel), tries))?;
    Ok(Some(stage))
}

/// Tells the audit trail what became of a message.
fn told(
    tx: &mut Tx<'_>,
    now: Timestamp,
    stage: Stage,
    (id, document, (kind, channel), tries): (&MessageId, Option<&Serial>, (&str, &str), i64),
) -> Result<(), StoreError> {
    let action = match stage {
        Stage::Sent => "message.send",
        Stage::Failed => "message.fail",
        Stage::Uncertain => "message.uncertain",
        _ => return Ok(()),
    };
    let entry = match document {
        Some(serial) => Entry::new(action, ("document", serial.as_str())),
        None => Entry::new(action, ("message", id.as_str())),
    };
    let after = json!({ "message": id.as_str(), "kind": kind, "channel": channel, "tries": tries });
    let actor = Actor::system("notifications");
    audit::append(tx, &actor, now, &entry.change(serde_json::Value::Null, after))
}

/// How long it is waited after so many tries, in seconds.
fn pause(tries: i64, first: i64) -> i64 {
    let doubled = u32::try_from(tries - 1)
        .ok()
        .and_then(|times| 1_i64.checked_shl(times));
    doubled
        .and_then(|times| first.checked_mul(times))
        .map_or(LONGEST_PAUSE, |pause| {
            pause.clamp(first, LONGEST_PAUSE.max(first))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_and_end_at_an_hour() {
        let pauses: Vec<i64> = (1..=12).map(|tries| pause(tries, 10)).collect();
        assert_eq!(pauses[..4], [10, 20, 40, 80]);
        assert_eq!(pauses[11], LONGEST_PAUSE);
        assert_eq!(pause(100, 10), LONGEST_PAUSE);
    }
}
