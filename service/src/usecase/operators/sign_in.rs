//! Signing in with a password and then something else. What a password has to do with is compared before, outside of any
//! transaction; here it is decided what follows.
//!
//! A name that nobody has, a password that is another one and an account that is closed are answered alike, and take the same
//! time. Whoever is wrong too often waits; the first of the two things being right changes nothing about that.

use mdoc_core::crypto::CryptoRng;
use mdoc_core::time::Timestamp;
use serde_json::{Value as Json, json};
use zeroize::Zeroizing;

use super::super::Failure;
use super::super::audit::{self, Entry};
use super::super::authority::Actor;
use super::passkeys::{kept_passkeys, used_passkey};
use super::session::{Begun, begin, end_ceremonies};
use super::{Judged, Patience};
use crate::domain::Refusal;
use crate::domain::code::invitation_normalised;
use crate::domain::id::PersonId;
use crate::domain::operator::{Authenticator, Method, pause};
use crate::domain::person::key;
use crate::passkeys::{Asked, Passkeys};
use crate::secrets::{self, Purpose, Secrets};
use crate::store::{StoreError, Tx};
use crate::usecase::clients::Shown;

/// How long somebody has for the second thing, in seconds.
const SECOND: i64 = 300;

/// What is known of somebody who says a name and a password.
#[derive(Clone, Default)]
pub struct Known {
    person: Option<PersonId>,
    kept: Option<String>,
}

impl Known {
    /// The password as it is kept, with which the one that was given is compared.
    #[must_use]
    pub fn kept(&self) -> Option<&str> {
        self.kept.as_deref()
    }
}

impl core::fmt::Debug for Known {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Known")
            .field("person", &self.person)
            .finish_non_exhaustive()
    }
}

/// Looks for somebody who says that name.
///
/// # Errors
/// [`StoreError`]. Who is not there is no error: the password is compared all the same.
pub fn known(tx: &mut Tx<'_>, logon_name: &str) -> Result<Known, StoreError> {
    let found = tx.row(
        "SELECT a.person, a.password FROM operator_account a JOIN person p ON p.id = a.person \
         WHERE p.logon_key = $1 AND a.enabled = 1",
        &[(&key(logon_name)).into()],
        |row| Ok((row.get(0)?, row.get::<Option<String>>(1)?)),
    )?;
    let (person, kept) = found.unzip();
    Ok(Known {
        person,
        kept: kept.flatten(),
    })
}

/// The same of somebody who is signed in.
///
/// # Errors
/// [`StoreError`].
pub fn known_of(tx: &mut Tx<'_>, person: &PersonId) -> Result<Known, StoreError> {
    let kept: Option<Option<String>> = tx.value(
        "SELECT password FROM operator_account WHERE person = $1 AND enabled = 1",
        &[person.into()],
    )?;
    Ok(Known {
        person: Some(person.clone()),
        kept: kept.flatten(),
    })
}

/// An account that may be used now, and nobody else changes: whose password is still the one that was compared.
pub(super) fn open(
    tx: &mut Tx<'_>,
    now: Timestamp,
    known: &Known,
) -> Result<Option<(PersonId, i64)>, StoreError> {
    let (Some(person), Some(kept)) = (&known.person, &known.kept) else {
        return Ok(None);
    };
    let found = held(tx, person)?;
    Ok(found
        .filter(|account| {
            account.enabled && !account.is_closed(now) && account.password.as_deref() == Some(kept.as_str())
        })
        .map(|account| (person.clone(), account.failures)))
}

/// The account of an operator, held until the transaction ends.
pub(super) struct Held {
    pub(super) enabled: bool,
    pub(super) password: Option<String>,
    pub(super) authenticator: Option<Vec<u8>>,
    pub(super) last_step: i64,
    pub(super) failures: i64,
    locked_until: Option<Timestamp>,
}

impl Held {
    fn is_closed(&self, now: Timestamp) -> bool {
        self.locked_until.is_some_and(|until| now < until)
    }
}

pub(super) fn held(tx: &mut Tx<'_>, person: &PersonId) -> Result<Option<Held>, StoreError> {
    tx.row(
        "SELECT enabled, password, authenticator, last_step, failures, locked_until FROM operator_account \
         WHERE person = $1 FOR UPDATE",
        &[person.into()],
        |row| {
            Ok(Held {
                enabled: row.get(0)?,
                password: row.get(1)?,
                authenticator: row.get(2)?,
                last_step: row.get(3)?,
                failures: row.get(4)?,
                locked_until: row.get(5)?,
            })
        },
    )
}

/// Somebody was wrong: it is counted, and the account is closed for a while if it was too often.
pub(super) fn wrong(
    tx: &mut Tx<'_>,
    actor: &Actor,
    now: Timestamp,
    (person, failures): (&PersonId, i64),
) -> Result<(), StoreError> {
    let failures = failures + 1;
    let until = pause(failures).map(|pause| Timestamp::from_unix(now.unix() + pause));
    tx.execute(
        "UPDATE operator_account SET failures = $2, locked_until = $3 WHERE person = $1",
        &[person.into(), failures.into(), until.into()],
    )?;
    if until.is_some() {
        end_ceremonies(tx, person)?;
    }
    let entry = Entry::new("operator.refused", ("person", person.as_str()));
    let after = json!({ "failures": failures, "closed_until": until.map(|until| until.to_string()) });
    audit::append(tx, actor, now, &entry.change(Json::Null, after))
}

/// Decides what follows a password that was right or not: what the browser goes on with.
///
/// # Errors
/// [`Failure::Store`]; [`Refusal::OperatorRefused`] is kept.
pub fn first(
    tx: &mut Tx<'_>,
    actor: &Actor,
    now: Timestamp,
    (known, right): (&Known, bool),
    (secrets, passkeys): (&Secrets, Option<&Passkeys>),
    rng: &mut dyn CryptoRng,
) -> Result<Judged<Shown>, Failure> {
    let Some((person, failures)) = open(tx, now, known)? else {
        return Ok(Err(Refusal::OperatorRefused));
    };
    if !right {
        wrong(tx, actor, now, (&person, failures))?;
        return Ok(Err(Refusal::OperatorRefused));
    }
    let asked = match passkeys {
        Some(passkeys) => {
            let kept = kept_passkeys(tx, &person)?;
            passkeys.ask(&kept)
        }
        None => None,
    };
    let token = secrets::random(rng);
    let digest = secrets.digest(Purpose::Ceremony, &[&*token]);
    let sealed = match &asked {
        Some(asked) => {
            let plain = Zeroizing::new(serde_json::to_vec(asked).map_err(unwritable)?);
            Some(secrets.seal(&[b"second", &digest], &plain, rng))
        }
        None => None,
    };
    tx.execute(
        "INSERT INTO operator_ceremony (token, kind, person, sealed, expires) VALUES ($1, 'second', $2, $3, $4)",
        &[
            (&digest).into(),
            (&person).into(),
            sealed.as_deref().into(),
            Timestamp::from_unix(now.unix() + SECOND).into(),
        ],
    )?;
    Ok(Ok(token))
}

#[expect(clippy::needless_pass_by_value, reason = "for `map_err`")]
pub(super) fn unwritable(why: serde_json::Error) -> StoreError {
    StoreError::Unexpected(format!("a ceremony cannot be written: {why}"))
}

/// What somebody may go on with whose password was right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Second {
    /// Whether the account has an authenticator.
    pub authenticator: bool,
    /// What a browser asks a passkey, as JSON, if there is one.
    pub passkey: Option<String>,
}

/// What the page of the second thing shows.
///
/// # Errors
/// [`Refusal::OperatorCeremony`].
pub fn second(
    tx: &mut Tx<'_>,
    now: Timestamp,
    (token, secrets): (&[u8], &Secrets),
) -> Result<Second, Failure> {
    let (person, asked) = ceremony(tx, now, (token, secrets))?;
    let authenticator: Option<i64> = tx.value(
        "SELECT 1 FROM operator_account WHERE person = $1 AND authenticator IS NOT NULL",
        &[(&person).into()],
    )?;
    Ok(Second {
        authenticator: authenticator.is_some(),
        passkey: asked.map(|asked| asked.options),
    })
}

fn ceremony(
    tx: &mut Tx<'_>,
    now: Timestamp,
    (token, secrets): (&[u8], &Secrets),
) -> Result<(PersonId, Option<Asked>), Failure> {
    let digest = secrets.digest(Purpose::Ceremony, &[token]);
    let found = tx.row(
        "SELECT person, sealed FROM operator_ceremony WHERE token = $1 AND kind = 'second' AND expires > $2",
        &[(&digest).into(), now.into()],
        |row| Ok((row.get::<PersonId>(0)?, row.get::<Option<Vec<u8>>>(1)?)),
    )?;
    let (person, sealed) = found.ok_or(Refusal::OperatorCeremony)?;
    let plain = sealed.and_then(|sealed| secrets.open(&[b"second", &digest], &sealed));
    let asked = plain.and_then(|plain| serde_json::from_slice(&plain).ok());
    Ok((person, asked))
}

/// Whose password was right, what a passkey of theirs was asked, and the account, which is open.
struct HalfDone {
    person: PersonId,
    asked: Option<Asked>,
    account: Held,
}

fn half_done(
    tx: &mut Tx<'_>,
    now: Timestamp,
    (token, secrets): (&[u8], &Secrets),
) -> Result<Judged<HalfDone>, Failure> {
    let (person, asked) = ceremony(tx, now, (token, secrets))?;
    let account = held(tx, &person)?.filter(|account| account.enabled && !account.is_closed(now));
    Ok(account
        .map(|account| HalfDone {
            person,
            asked,
            account,
        })
        .ok_or(Refusal::OperatorRefused))
}

/// Signs in by a code of the authenticator, or by a recovery code, which is good once.
///
/// # Errors
/// [`Refusal::OperatorCeremony`]; [`Refusal::OperatorRefused`] is kept.
pub fn second_by_code(
    tx: &mut Tx<'_>,
    actor: &Actor,
    now: Timestamp,
    (token, code): (&[u8], &str),
    (secrets, patience, rng): (&Secrets, Patience, &mut dyn CryptoRng),
) -> Result<Judged<Begun>, Failure> {
    let HalfDone { person, account, .. } = match half_done(tx, now, (token, secrets))? {
        Ok(half_done) => half_done,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let step = account
        .authenticator
        .as_ref()
        .and_then(|sealed| secrets.open(&[b"authenticator", person.as_str().as_bytes()], sealed))
        .and_then(|secret| Authenticator::new(&secret, ("", "")))
        .and_then(|one| one.step(code, now, account.last_step));
    let method = if let Some(step) = step {
        tx.execute(
            "UPDATE operator_account SET last_step = $2 WHERE person = $1",
            &[(&person).into(), step.into()],
        )?;
        Method::Totp
    } else if use_recovery_code(tx, &person, (code, secrets))? {
        Method::Recovery
    } else {
        wrong(tx, actor, now, (&person, account.failures))?;
        return Ok(Err(Refusal::OperatorRefused));
    };
    end(tx, (token, secrets))?;
    let begun = begin(tx, now, (&person, method, actor.from()), (secrets, patience, rng))?;
    if method != Method::Recovery {
        return Ok(begun);
    }
    let left: Option<i64> = tx.value(
        "SELECT COUNT(*) FROM operator_recovery WHERE person = $1",
        &[(&person).into()],
    )?;
    Ok(begun.map(|begun| Begun {
        codes_left: left,
        ..begun
    }))
}

fn use_recovery_code(
    tx: &mut Tx<'_>,
    person: &PersonId,
    (code, secrets): (&str, &Secrets),
) -> Result<bool, StoreError> {
    let Some(code) = invitation_normalised(code) else {
        return Ok(false);
    };
    let digest = recovery_digest(secrets, person, &code);
    let used = tx.execute(
        "DELETE FROM operator_recovery WHERE person = $1 AND code = $2",
        &[person.into(), (&digest).into()],
    )?;
    Ok(used == 1)
}

pub(super) fn recovery_digest(secrets: &Secrets, person: &PersonId, code: &str) -> [u8; 32] {
    secrets.digest(Purpose::Recovery, &[person.as_str().as_bytes(), code.as_bytes()])
}

/// Signs in by what a passkey answered.
///
/// # Errors
/// [`Refusal::OperatorCeremony`]; [`Refusal::OperatorRefused`] is kept.
pub fn second_by_passkey(
    tx: &mut Tx<'_>,
    actor: &Actor,
    now: Timestamp,
    (token, answer): (&[u8], &str),
    (secrets, passkeys, patience, rng): (&Secrets, &Passkeys, Patience, &mut dyn CryptoRng),
) -> Result<Judged<Begun>, Failure> {
    let HalfDone {
        person,
        asked,
        account,
    } = match half_done(tx, now, (token, secrets))? {
        Ok(half_done) => half_done,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let kept = kept_passkeys(tx, &person)?;
    let answered = asked.and_then(|asked| passkeys.answered(answer, &asked, kept));
    let Some(answered) = answered else {
        wrong(tx, actor, now, (&person, account.failures))?;
        return Ok(Err(Refusal::OperatorRefused));
    };
    used_passkey(tx, now, (&person, &answered))?;
    end(tx, (token, secrets))?;
    begin(
        tx,
        now,
        (&person, Method::Passkey, actor.from()),
        (secrets, patience, rng),
    )
}

/// Ends what is half done, once: whoever sends the same at the same time has nothing of it.
fn end(tx: &mut Tx<'_>, (token, secrets): (&[u8], &Secrets)) -> Result<(), Failure> {
    let digest = secrets.digest(Purpose::Ceremony, &[token]);
    let ended = tx.execute(
        "DELETE FROM operator_ceremony WHERE token = $1",
        &[(&digest).into()],
    )?;
    if ended == 0 {
        return Err(Refusal::OperatorCeremony.into());
    }
    Ok(())
}

/// Keeps a password as passwords are kept now, if it is still the one that was right.
///
/// # Errors
/// [`StoreError`].
pub fn keep_anew(tx: &mut Tx<'_>, (known, kept): (&Known, &str)) -> Result<(), StoreError> {
    let (Some(person), Some(before)) = (&known.person, &known.kept) else {
        return Ok(());
    };
    tx.execute(
        "UPDATE operator_account SET password = $3 WHERE person = $1 AND password = $2",
        &[person.into(), before.into(), kept.into()],
    )
    .map(drop)
}
