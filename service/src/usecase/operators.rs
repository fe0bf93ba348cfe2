//! Operators' accounts (E3): who may sign in, and how. What somebody may do then is for roles.
//!
//! An account is made by whoever has the files of the service, who gives an invitation to the person; password and second
//! factor are set by the person alone. Nobody else ever knows what somebody would need to act as another operator: that is
//! what two pairs of eyes are for.

mod certificates;
mod enrol;
mod factors;
mod openid;
mod passkeys;
mod session;
mod sign_in;

pub use self::certificates::{Presented, add_certificate, remove_certificate, sign_in_by_certificate};
pub use self::enrol::{Enrolled, Invited, enrol, invitation, invite};
pub use self::factors::{
    NewAuthenticator, authenticator, confirm, renew_codes, set_authenticator, set_password, setup_token,
};
pub use self::openid::{Asked, ask_openid, asked_openid, sign_in_by_openid};
pub use self::passkeys::{Named, add_passkey, offer_passkey, passkeys, remove_passkey};
pub use self::session::{Begun, Session, authorize, end_session, end_sessions, seen};
pub use self::sign_in::{
    Known, Second, first, keep_anew, known, known_of, second, second_by_code, second_by_passkey,
};

use mdoc_core::time::Timestamp;

use super::Failure;
use super::audit::{self, Entry};
use super::authority::{self, Actor};
use crate::domain::Refusal;
use crate::domain::id::PersonId;
use crate::domain::role::Workflow;
use crate::store::{Row, StoreError, Tx};

/// How long operators are signed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// Without asking for anything, in seconds.
    pub idle: i64,
    /// At most, in seconds.
    pub longest: i64,
    /// How long an invitation may be taken, in seconds.
    pub invitation: i64,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            idle: 30 * 60,
            longest: 12 * 3600,
            invitation: 24 * 3600,
        }
    }
}

/// What was decided, and is kept whichever it is: that somebody was wrong is written down, too.
pub type Judged<T> = Result<T, Refusal>;

/// The account of an operator, without anything that is secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Whose it is.
    pub person: PersonId,
    /// The name to sign in by.
    pub logon_name: String,
    /// Whether it may be used.
    pub enabled: bool,
    /// Whether it has a password.
    pub password: bool,
    /// Whether it has an authenticator.
    pub authenticator: bool,
    /// How many passkeys it has.
    pub passkeys: i64,
    /// How many certificates it has.
    pub certificates: i64,
    /// How many recovery codes are left.
    pub recovery_codes: i64,
    /// How many sessions there are.
    pub sessions: i64,
    /// Until when it is closed, since somebody was wrong too often.
    pub locked_until: Option<Timestamp>,
    /// When it was last signed in to.
    pub signed_in: Option<Timestamp>,
}

const COLUMNS: &str = "a.person, p.logon_name, a.enabled, \
     CAST(CASE WHEN a.password IS NULL THEN 0 ELSE 1 END AS BIGINT), \
     CAST(CASE WHEN a.authenticator IS NULL THEN 0 ELSE 1 END AS BIGINT), \
     (SELECT COUNT(*) FROM operator_passkey k WHERE k.person = a.person), \
     (SELECT COUNT(*) FROM operator_certificate c WHERE c.person = a.person), \
     (SELECT COUNT(*) FROM operator_recovery r WHERE r.person = a.person), \
     (SELECT COUNT(*) FROM operator_session s WHERE s.person = a.person AND s.expires > $1 AND s.seen > $2), \
     a.locked_until, a.signed_in \
     FROM operator_account a JOIN person p ON p.id = a.person";

fn of_row(row: &Row<'_>) -> Result<Account, StoreError> {
    Ok(Account {
        person: row.get(0)?,
        logon_name: row.get(1)?,
        enabled: row.get(2)?,
        password: row.get(3)?,
        authenticator: row.get(4)?,
        passkeys: row.get(5)?,
        certificates: row.get(6)?,
        recovery_codes: row.get(7)?,
        sessions: row.get(8)?,
        locked_until: row.get(9)?,
        signed_in: row.get(10)?,
    })
}

/// All accounts, by logon name.
///
/// # Errors
/// [`Refusal::NotGranted`].
pub fn list(
    tx: &mut Tx<'_>,
    actor: &Actor,
    now: Timestamp,
    patience: Patience,
) -> Result<Vec<Account>, Failure> {
    authority::permit(tx, actor, Workflow::EditRoles)?;
    let sql = format!("SELECT {COLUMNS} ORDER BY p.logon_key");
    Ok(tx.rows(&sql, &[now.into(), idle_since(now, patience).into()], of_row)?)
}

/// The account of a person, if there is one; for the person, and for those who see to roles.
///
/// # Errors
/// [`Refusal::NotGranted`].
pub fn account(
    tx: &mut Tx<'_>,
    actor: &Actor,
    now: Timestamp,
    (person, patience): (&PersonId, Patience),
) -> Result<Option<Account>, Failure> {
    if actor.person() != Some(person) {
        authority::permit(tx, actor, Workflow::EditRoles)?;
    }
    let sql = format!("SELECT {COLUMNS} WHERE a.person = $3");
    let values = [now.into(), idle_since(now, patience).into(), person.into()];
    Ok(tx.row(&sql, &values, of_row)?)
}

const fn idle_since(now: Timestamp, patience: Patience) -> Timestamp {
    Timestamp::from_unix(now.unix() - patience.idle)
}

/// Whether somebody may see to how another operator signs in: whoever could give themselves what somebody else signs in by
/// would be two persons. That is left to whoever has the files of the service, and the trail has the account of the system.
fn permit(tx: &mut Tx<'_>, actor: &Actor, person: &PersonId) -> Result<(), Failure> {
    authority::permit(tx, actor, Workflow::EditRoles)?;
    match actor.person() {
        Some(operator) if operator != person => Err(Refusal::OtherOperator.into()),
        _ => Ok(()),
    }
}

/// Lets an operator sign in, by an account that is made if there is none; or not any more: then all sessions are over, and an
/// invitation is good no more.
///
/// # Errors
/// [`Refusal::OtherOperator`] where somebody is let in, [`Refusal::NotGranted`], [`Refusal::Unknown`].
pub fn enable(
    tx: &mut Tx<'_>,
    actor: &Actor,
    now: Timestamp,
    (person, enabled): (&PersonId, bool),
) -> Result<(), Failure> {
    if enabled {
        permit(tx, actor, person)?;
    }
    authority::permit_for(tx, actor, Workflow::EditRoles, person)?;
    super::people::hold(tx, person)?;
    make(tx, person)?;
    tx.execute(
        "UPDATE operator_account SET enabled = $2 WHERE person = $1",
        &[person.into(), enabled.into()],
    )?;
    if !enabled {
        end_everything(tx, person)?;
    }
    let action = if enabled {
        "operator.enable"
    } else {
        "operator.disable"
    };
    let entry = Entry::new(action, ("person", person.as_str()));
    Ok(audit::append(tx, actor, now, &entry)?)
}

/// Opens an account again that was closed since somebody was wrong too often.
///
/// # Errors
/// [`Refusal::OtherOperator`]: whoever could do it between guesses would guess for ever; [`Refusal::NotGranted`],
/// [`Refusal::Unknown`].
pub fn unlock(tx: &mut Tx<'_>, actor: &Actor, now: Timestamp, person: &PersonId) -> Result<(), Failure> {
    permit(tx, actor, person)?;
    authority::permit_for(tx, actor, Workflow::EditRoles, person)?;
    let done = tx.execute(
        "UPDATE operator_account SET failures = 0, locked_until = NULL WHERE person = $1",
        &[person.into()],
    )?;
    if done == 0 {
        return Err(Refusal::Unknown { what: "account" }.into());
    }
    let entry = Entry::new("operator.unlock", ("person", person.as_str()));
    Ok(audit::append(tx, actor, now, &entry)?)
}

/// Makes the row of an account, if there is none.
fn make(tx: &mut Tx<'_>, person: &PersonId) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO operator_account (person, enabled, last_step, failures) VALUES ($1, 1, 0, 0) \
         ON CONFLICT (person) DO NOTHING",
        &[person.into()],
    )
    .map(drop)
}

/// Nothing that an operator was given leads to the service any more.
fn end_everything(tx: &mut Tx<'_>, person: &PersonId) -> Result<(), StoreError> {
    for sql in [
        "DELETE FROM operator_session WHERE person = $1",
        "DELETE FROM operator_ceremony WHERE person = $1",
        "DELETE FROM operator_invitation WHERE person = $1",
    ] {
        tx.execute(sql, &[person.into()])?;
    }
    Ok(())
}

/// Whether a person is an operator: somebody with a role, or an account.
///
/// # Errors
/// [`StoreError`].
pub(super) fn is_operator(tx: &mut Tx<'_>, person: &PersonId) -> Result<bool, StoreError> {
    Ok(!authority::roles_of(tx, person)?.is_empty() || has_account(tx, person)?)
}

/// Whether a person can sign in.
///
/// # Errors
/// [`StoreError`].
pub(super) fn has_account(tx: &mut Tx<'_>, person: &PersonId) -> Result<bool, StoreError> {
    let found: Option<i64> = tx.value(
        "SELECT 1 FROM operator_account WHERE person = $1",
        &[person.into()],
    )?;
    Ok(found.is_some())
}

/// Erases everything by which a person signs in.
pub(super) fn erase(tx: &mut Tx<'_>, person: &PersonId) -> Result<(), StoreError> {
    // The account first: whoever signs in at this moment has it, or finds none.
    for sql in [
        "DELETE FROM operator_account WHERE person = $1",
        "DELETE FROM operator_recovery WHERE person = $1",
        "DELETE FROM operator_passkey WHERE person = $1",
        "DELETE FROM operator_certificate WHERE person = $1",
    ] {
        tx.execute(sql, &[person.into()])?;
    }
    end_everything(tx, person)
}

/// What time does to sessions, sign-ins that nobody finished, and invitations that nobody took.
///
/// # Errors
/// [`StoreError`].
pub fn sweep(tx: &mut Tx<'_>, now: Timestamp, patience: Patience) -> Result<(), StoreError> {
    for sql in [
        "DELETE FROM operator_ceremony WHERE expires < $1",
        "DELETE FROM operator_invitation WHERE expires < $1",
        "DELETE FROM operator_session WHERE expires < $1",
    ] {
        tx.execute(sql, &[now.into()])?;
    }
    let idle = idle_since(now, patience);
    tx.execute("DELETE FROM operator_session WHERE seen < $1", &[idle.into()])?;
    Ok(())
}
