//! Invitations: what somebody is given to set a password and a second factor.

use mdoc_core::crypto::CryptoRng;
use mdoc_core::time::Timestamp;
use zeroize::Zeroizing;

use super::super::audit::{self, Entry};
use super::super::authority::{self, Actor};
use super::super::{Failure, people};
use super::factors::{first_step, new_codes, secret_of};
use super::{Patience, end_everything, make, permit};
use crate::domain::Refusal;
use crate::domain::id::PersonId;
use crate::domain::person::Person;
use crate::domain::role::Workflow;
use crate::secrets::{self, Purpose, Secrets};
use crate::store::{StoreError, Tx};
use crate::usecase::clients::Shown;

/// What is given to somebody who is to sign in.
pub struct Invited {
    /// What the address of the page ends with.
    pub token: Shown,
    /// Until when it is good.
    pub expires: Timestamp,
}

impl core::fmt::Debug for Invited {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Invited")
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}

/// Invites a person to sign in, or to begin anew after a password or a second factor was lost. What the person signs in by
/// now is good until the invitation is taken; an invitation that was made before is not.
///
/// # Errors
/// [`Refusal::OtherOperator`], [`Refusal::NotGranted`], [`Refusal::Unknown`], [`Refusal::Field`] if the person may not sign in.
pub fn invite(
    tx: &mut Tx<'_>,
    actor: &Actor,
    now: Timestamp,
    person: &PersonId,
    (secrets, patience, rng): (&Secrets, Patience, &mut dyn CryptoRng),
) -> Result<Invited, Failure> {
    permit(tx, actor, person)?;
    authority::permit_for(tx, actor, Workflow::EditRoles, person)?;
    people::hold(tx, person)?;
    let enabled: Option<bool> = tx.value(
        "SELECT enabled FROM operator_account WHERE person = $1",
        &[person.into()],
    )?;
    if enabled == Some(false) {
        return Err(Refusal::field("account", "it is switched off: enable it first").into());
    }
    let token = secrets::random(rng);
    let expires = Timestamp::from_unix(now.unix() + patience.invitation);
    tx.execute(
        "INSERT INTO operator_invitation (token, person, expires) VALUES ($1, $2, $3) \
         ON CONFLICT (person) DO UPDATE SET token = $1, expires = $3",
        &[(&digest(secrets, &*token)).into(), person.into(), expires.into()],
    )?;
    let entry = Entry::new("operator.invite", ("person", person.as_str()));
    audit::append(tx, actor, now, &entry)?;
    Ok(Invited { token, expires })
}

/// Who has an invitation.
///
/// # Errors
/// [`Refusal::OperatorInvitation`].
pub fn invitation(
    tx: &mut Tx<'_>,
    now: Timestamp,
    (token, secrets): (&[u8], &Secrets),
) -> Result<Person, Failure> {
    let person: Option<PersonId> = tx.value(
        "SELECT person FROM operator_invitation WHERE token = $1 AND expires > $2",
        &[(&digest(secrets, token)).into(), now.into()],
    )?;
    people::read(tx, &person.ok_or(Refusal::OperatorInvitation)?)
}

/// What an operator keeps who took an invitation.
pub struct Enrolled {
    /// Recovery codes, each good once: shown once.
    pub codes: Vec<Zeroizing<String>>,
}

impl core::fmt::Debug for Enrolled {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Enrolled")
    }
}

/// Takes an invitation: the password as it is kept, and a code of the authenticator that was shown. Passwords, authenticators,
/// codes and passkeys of before are good no more; certificates and providers are.
///
/// # Errors
/// [`Refusal::OperatorInvitation`], [`Refusal::Field`] for a code that is another one.
pub fn enrol(
    tx: &mut Tx<'_>,
    now: Timestamp,
    (token, kept, code): (&[u8], &str, &str),
    from: &str,
    (secrets, rng): (&Secrets, &mut dyn CryptoRng),
) -> Result<Enrolled, Failure> {
    let person = invitation(tx, now, (token, secrets))?.id;
    let secret = secret_of(secrets, token);
    let step = first_step(&secret, code, now)?;
    // Who is quicker with the same invitation has it.
    let taken = tx.execute(
        "DELETE FROM operator_invitation WHERE token = $1",
        &[(&digest(secrets, token)).into()],
    )?;
    if taken == 0 {
        return Err(Refusal::OperatorInvitation.into());
    }
    make(tx, &person)?;
    end_everything(tx, &person)?;
    forget_factors(tx, &person)?;
    let sealed = secrets.seal(&[b"authenticator", person.as_str().as_bytes()], &*secret, rng);
    tx.execute(
        "UPDATE operator_account SET password = $2, authenticator = $3, last_step = $4, failures = 0, \
         locked_until = NULL WHERE person = $1",
        &[(&person).into(), kept.into(), (&sealed).into(), step.into()],
    )?;
    let codes = new_codes(tx, &person, (secrets, rng))?;
    let actor = Actor::operator(person.clone(), None, from.to_owned());
    let entry = Entry::new("operator.enrol", ("person", person.as_str()));
    audit::append(tx, &actor, now, &entry)?;
    Ok(Enrolled { codes })
}

/// Certificates stay: they were given by somebody else.
fn forget_factors(tx: &mut Tx<'_>, person: &PersonId) -> Result<(), StoreError> {
    tx.execute("DELETE FROM operator_passkey WHERE person = $1", &[person.into()])
        .map(drop)
}

fn digest(secrets: &Secrets, token: &[u8]) -> [u8; 32] {
    secrets.digest(Purpose::Enrolment, &[token])
}
