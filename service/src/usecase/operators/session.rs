//! Sessions: what a browser has while somebody is signed in. Each is made anew when somebody signs in, so that none that was
//! known before leads to anything then.

use mdoc_core::crypto::CryptoRng;
use mdoc_core::time::Timestamp;
use serde_json::{Value as Json, json};

use super::super::Failure;
use super::super::audit::{self, Entry};
use super::super::authority::{self, Actor};
use super::{Judged, Patience};
use crate::domain::Refusal;
use crate::domain::id::PersonId;
use crate::domain::operator::Method;
use crate::domain::role::Workflow;
use crate::secrets::{self, Purpose, Secrets};
use crate::store::{StoreError, Tx};
use crate::usecase::clients::Shown;

/// That somebody is seen is written down when the last time is so many seconds ago.
const LOOK: i64 = 60;

/// A session that was begun.
pub struct Begun {
    /// What the browser keeps.
    pub token: Shown,
    /// For how many seconds at most.
    pub longest: i64,
    /// How many recovery codes are left, if one was used.
    pub codes_left: Option<i64>,
}

impl core::fmt::Debug for Begun {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Begun")
            .field("longest", &self.longest)
            .finish_non_exhaustive()
    }
}

/// Who is signed in.
#[derive(Debug, Clone)]
pub struct Session {
    /// The operator.
    pub actor: Actor,
    /// Whether it is to be written down that the operator is there.
    pub unseen: bool,
}

/// Begins a session, if there is an account that may be used: no way to sign in makes one. Whoever was wrong before is forgiven
/// if a password was right now.
pub(super) fn begin(
    tx: &mut Tx<'_>,
    now: Timestamp,
    (person, method, from): (&PersonId, Method, &str),
    (secrets, patience, rng): (&Secrets, Patience, &mut dyn CryptoRng),
) -> Result<Judged<Begun>, Failure> {
    let forgiven = i64::from(method.has_password());
    let open = tx.execute(
        "UPDATE operator_account SET failures = CASE WHEN $3 = 1 THEN 0 ELSE failures END, \
         locked_until = CASE WHEN $3 = 1 THEN NULL ELSE locked_until END, signed_in = $2 WHERE person = $1 AND enabled = 1",
        &[person.into(), now.into(), forgiven.into()],
    )?;
    if open == 0 {
        let actor = Actor::outsider(from.to_owned());
        refused(tx, &actor, now, (person, method, "account.disabled"))?;
        return Ok(Err(Refusal::OperatorRefused));
    }
    let token = secrets::random(rng);
    tx.execute(
        "INSERT INTO operator_session (token, person, method, started, seen, expires) VALUES ($1, $2, $3, $4, $4, $5)",
        &[
            (&digest(secrets, &*token)).into(),
            person.into(),
            method.name().into(),
            now.into(),
            Timestamp::from_unix(now.unix() + patience.longest).into(),
        ],
    )?;
    let actor = Actor::operator(person.clone(), None, from.to_owned());
    let entry = Entry::new("operator.sign-in", ("person", person.as_str()));
    let after = json!({ "method": method.name() });
    audit::append(tx, &actor, now, &entry.change(Json::Null, after))?;
    Ok(Ok(Begun {
        token,
        longest: patience.longest,
        codes_left: None,
    }))
}

/// Writes down that an operator was not signed in, and why.
pub(super) fn refused(
    tx: &mut Tx<'_>,
    actor: &Actor,
    now: Timestamp,
    (person, method, why): (&PersonId, Method, &str),
) -> Result<(), StoreError> {
    let entry = Entry::new("operator.refused", ("person", person.as_str()));
    let after = json!({ "method": method.name(), "why": why });
    audit::append(tx, actor, now, &entry.change(Json::Null, after))
}

/// Who has that session.
///
/// # Errors
/// [`Refusal::OperatorSession`] if it is over, or was never begun.
pub fn authorize(
    tx: &mut Tx<'_>,
    now: Timestamp,
    (token, secrets, patience): (&[u8], &Secrets, Patience),
    from: &str,
) -> Result<Session, Failure> {
    let found = tx.row(
        "SELECT s.person, s.seen FROM operator_session s JOIN operator_account a ON a.person = s.person \
         WHERE s.token = $1 AND s.expires > $2 AND s.seen > $3 AND a.enabled = 1",
        &[
            (&digest(secrets, token)).into(),
            now.into(),
            super::idle_since(now, patience).into(),
        ],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    let (person, seen): (PersonId, Timestamp) = found.ok_or(Refusal::OperatorSession)?;
    Ok(Session {
        actor: Actor::operator(person, None, from.to_owned()),
        unseen: seen.unix() + LOOK <= now.unix(),
    })
}

/// Writes down that an operator is there.
///
/// # Errors
/// [`StoreError`].
pub fn seen(tx: &mut Tx<'_>, now: Timestamp, (token, secrets): (&[u8], &Secrets)) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE operator_session SET seen = $2 WHERE token = $1 AND seen < $2",
        &[(&digest(secrets, token)).into(), now.into()],
    )
    .map(drop)
}

/// Ends a session: the operator signs out. One that is over already is no error.
///
/// # Errors
/// [`StoreError`].
pub fn end_session(
    tx: &mut Tx<'_>,
    now: Timestamp,
    (token, secrets): (&[u8], &Secrets),
    from: &str,
) -> Result<(), StoreError> {
    let token = digest(secrets, token);
    let person: Option<PersonId> = tx.value(
        "SELECT person FROM operator_session WHERE token = $1",
        &[(&token).into()],
    )?;
    let Some(person) = person else { return Ok(()) };
    tx.execute(
        "DELETE FROM operator_session WHERE token = $1",
        &[(&token).into()],
    )?;
    let actor = Actor::operator(person.clone(), None, from.to_owned());
    let entry = Entry::new("operator.sign-out", ("person", person.as_str()));
    audit::append(tx, &actor, now, &entry)
}

/// Ends all sessions of an operator but the one that asks, and what is half done, and says how many sessions there were.
///
/// # Errors
/// [`Refusal::NotGranted`] and [`Refusal::Unknown`] for those of somebody else.
pub fn end_sessions(
    tx: &mut Tx<'_>,
    actor: &Actor,
    now: Timestamp,
    (person, but): (&PersonId, Option<(&[u8], &Secrets)>),
) -> Result<u64, Failure> {
    if actor.person() != Some(person) {
        authority::permit_for(tx, actor, Workflow::EditRoles, person)?;
    }
    let but = but.map_or([0; 32], |(token, secrets)| digest(secrets, token));
    let ended = tx.execute(
        "DELETE FROM operator_session WHERE person = $1 AND token <> $2",
        &[person.into(), (&but).into()],
    )?;
    end_ceremonies(tx, person)?;
    let entry = Entry::new("operator.end-sessions", ("person", person.as_str()));
    let after = json!({ "sessions": ended });
    audit::append(tx, actor, now, &entry.change(Json::Null, after))?;
    Ok(ended)
}

/// Nothing that was half done is gone on with.
pub(super) fn end_ceremonies(tx: &mut Tx<'_>, person: &PersonId) -> Result<(), StoreError> {
    tx.execute(
        "DELETE FROM operator_ceremony WHERE person = $1",
        &[person.into()],
    )
    .map(drop)
}

fn digest(secrets: &Secrets, token: &[u8]) -> [u8; 32] {
    secrets.digest(Purpose::OperatorSession, &[token])
}
