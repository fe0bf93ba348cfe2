//! What an operator changes of the own account: password, authenticator, recovery codes. Each change asks for the password
//! anew: a browser that was left alone gives nobody an account.

use mdoc_core::crypto::CryptoRng;
use mdoc_core::time::Timestamp;
use zeroize::Zeroizing;

use super::super::Failure;
use super::super::audit::{self, Entry};
use super::super::authority::Actor;
use super::session::end_ceremonies;
use super::sign_in::{Known, open, recovery_digest, wrong};
use super::{Judged, end_sessions};
use crate::domain::Refusal;
use crate::domain::code;
use crate::domain::id::PersonId;
use crate::domain::operator::{Authenticator, RECOVERY_CODES};
use crate::secrets::{Purpose, Secrets};
use crate::store::{StoreError, Tx};

/// Decides whether whoever is signed in is who began: the password was given anew, and was right or not. Being wrong counts
/// as it does when somebody signs in.
///
/// # Errors
/// [`Failure::Store`]; [`Refusal::OperatorRefused`] is kept.
pub fn confirm(
    tx: &mut Tx<'_>,
    actor: &Actor,
    now: Timestamp,
    (known, right): (&Known, bool),
) -> Result<Judged<PersonId>, Failure> {
    let Some((person, failures)) = open(tx, now, known)? else {
        return Ok(Err(Refusal::OperatorRefused));
    };
    if !right {
        wrong(tx, actor, now, (&person, failures))?;
        return Ok(Err(Refusal::OperatorRefused));
    }
    Ok(Ok(person))
}

/// Sets another password, as it is kept. All other sessions are over.
///
/// # Errors
/// [`Failure::Store`].
pub fn set_password(
    tx: &mut Tx<'_>,
    actor: &Actor,
    now: Timestamp,
    (person, kept): (&PersonId, &str),
    session: (&[u8], &Secrets),
) -> Result<(), Failure> {
    tx.execute(
        "UPDATE operator_account SET password = $2 WHERE person = $1",
        &[person.into(), kept.into()],
    )?;
    end_sessions(tx, actor, now, (person, Some(session)))?;
    let entry = Entry::new("operator.password", ("person", person.as_str()));
    Ok(audit::append(tx, actor, now, &entry)?)
}

/// Gives other recovery codes; those before are good no more.
///
/// # Errors
/// [`Failure::Store`].
pub fn renew_codes(
    tx: &mut Tx<'_>,
    actor: &Actor,
    now: Timestamp,
    person: &PersonId,
    (secrets, rng): (&Secrets, &mut dyn CryptoRng),
) -> Result<Vec<Zeroizing<String>>, Failure> {
    let codes = new_codes(tx, person, (secrets, rng))?;
    end_ceremonies(tx, person)?;
    let entry = Entry::new("operator.recovery-codes", ("person", person.as_str()));
    audit::append(tx, actor, now, &entry)?;
    Ok(codes)
}

pub(super) fn new_codes(
    tx: &mut Tx<'_>,
    person: &PersonId,
    (secrets, rng): (&Secrets, &mut dyn CryptoRng),
) -> Result<Vec<Zeroizing<String>>, StoreError> {
    tx.execute(
        "DELETE FROM operator_recovery WHERE person = $1",
        &[person.into()],
    )?;
    let mut codes = Vec::with_capacity(RECOVERY_CODES);
    for _ in 0..RECOVERY_CODES {
        let code = code::invitation(rng);
        let plain = Zeroizing::new(code.replace('-', ""));
        tx.execute(
            "INSERT INTO operator_recovery (person, code) VALUES ($1, $2)",
            &[person.into(), (&recovery_digest(secrets, person, &plain)).into()],
        )?;
        codes.push(code);
    }
    Ok(codes)
}

/// An authenticator as it is shown to whoever sets it up.
pub struct NewAuthenticator {
    /// For a QR code.
    pub address: Zeroizing<String>,
    /// For typing.
    pub typed: Zeroizing<String>,
}

impl core::fmt::Debug for NewAuthenticator {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("NewAuthenticator")
    }
}

/// What another authenticator is made of: what the page carries and whose account it is, so that nobody sets up one that is
/// known from elsewhere.
#[must_use]
pub fn setup_token(secrets: &Secrets, person: &PersonId, token: &[u8]) -> Zeroizing<[u8; 32]> {
    Zeroizing::new(secrets.digest(Purpose::Authenticator, &[person.as_str().as_bytes(), token]))
}

/// What an app is given that is set up on a page with that token. Nothing is kept: the same page shows the same.
#[must_use]
pub fn authenticator(
    secrets: &Secrets,
    token: &[u8],
    (issuer, account): (&str, &str),
) -> Option<NewAuthenticator> {
    let secret = secret_of(secrets, token);
    let one = Authenticator::new(&*secret, (issuer, account))?;
    Some(NewAuthenticator {
        address: Zeroizing::new(one.address()?),
        typed: Zeroizing::new(one.typed()),
    })
}

pub(super) fn secret_of(secrets: &Secrets, token: &[u8]) -> Zeroizing<[u8; 20]> {
    let whole = Zeroizing::new(secrets.digest(Purpose::Authenticator, &[token]));
    let mut secret = Zeroizing::new([0; 20]);
    for (to, from) in secret.iter_mut().zip(whole.iter()) {
        *to = *from;
    }
    secret
}

/// The half-minute of the code that shows that an authenticator was set up.
pub(super) fn first_step(secret: &[u8; 20], code: &str, now: Timestamp) -> Result<i64, Refusal> {
    let step = Authenticator::new(secret, ("", "")).and_then(|one| one.step(code, now, 0));
    step.ok_or_else(|| {
        let rule = "it is not the code that the authenticator shows now";
        Refusal::field("code", rule)
    })
}

/// Sets another authenticator, of the page with that token; a code shows that it was set up. All other sessions are over.
///
/// # Errors
/// [`Refusal::Field`] for a code that is another one.
pub fn set_authenticator(
    tx: &mut Tx<'_>,
    actor: &Actor,
    now: Timestamp,
    (person, token, code): (&PersonId, &[u8], &str),
    session: &[u8],
    (secrets, rng): (&Secrets, &mut dyn CryptoRng),
) -> Result<(), Failure> {
    let secret = secret_of(secrets, &*setup_token(secrets, person, token));
    let step = first_step(&secret, code, now)?;
    let sealed = secrets.seal(&[b"authenticator", person.as_str().as_bytes()], &*secret, rng);
    tx.execute(
        "UPDATE operator_account SET authenticator = $2, last_step = $3 WHERE person = $1",
        &[person.into(), (&sealed).into(), step.into()],
    )?;
    end_sessions(tx, actor, now, (person, Some((session, secrets))))?;
    let entry = Entry::new("operator.authenticator", ("person", person.as_str()));
    Ok(audit::append(tx, actor, now, &entry)?)
}
