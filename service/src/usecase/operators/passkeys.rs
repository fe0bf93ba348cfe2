//! Passkeys of an operator: asked for instead of a code, after the password.

use mdoc_core::crypto::CryptoRng;
use mdoc_core::time::Timestamp;
use zeroize::Zeroizing;

use super::super::audit::{self, Entry};
use super::super::authority::Actor;
use super::super::{Failure, people};
use super::session::end_ceremonies;
use super::sign_in::unwritable;
use crate::domain::Refusal;
use crate::domain::id::PersonId;
use crate::passkeys::{Kept, MOST, Offered, Owner, Passkeys};
use crate::secrets::{self, Purpose, Secrets};
use crate::store::{StoreError, Tx};
use crate::usecase::clients::Shown;

/// How long somebody has to make a passkey, in seconds.
const OFFER: i64 = 300;

/// A passkey as its owner sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// What it is called by.
    pub id: Vec<u8>,
    /// What its owner calls it.
    pub name: String,
    /// Since when it is there.
    pub added: Timestamp,
    /// When it was last used.
    pub used: Option<Timestamp>,
}

/// The passkeys of a person, the oldest first.
///
/// # Errors
/// [`StoreError`].
pub fn passkeys(tx: &mut Tx<'_>, person: &PersonId) -> Result<Vec<Named>, StoreError> {
    tx.rows(
        "SELECT id, name, added, used FROM operator_passkey WHERE person = $1 ORDER BY added, id",
        &[person.into()],
        |row| {
            Ok(Named {
                id: row.get(0)?,
                name: row.get(1)?,
                added: row.get(2)?,
                used: row.get(3)?,
            })
        },
    )
}

pub(super) fn kept_passkeys(tx: &mut Tx<'_>, person: &PersonId) -> Result<Vec<Kept>, StoreError> {
    let rows: Vec<String> = tx.rows(
        "SELECT passkey FROM operator_passkey WHERE person = $1 ORDER BY added, id",
        &[person.into()],
        |row| row.get(0),
    )?;
    let read = |text: &String| {
        serde_json::from_str(text).map_err(|_| StoreError::Unexpected("a passkey cannot be read".to_owned()))
    };
    rows.iter().map(read).collect()
}

pub(super) fn used_passkey(
    tx: &mut Tx<'_>,
    now: Timestamp,
    (person, kept): (&PersonId, &Kept),
) -> Result<(), StoreError> {
    let text = serde_json::to_string(kept).map_err(unwritable)?;
    tx.execute(
        "UPDATE operator_passkey SET passkey = $3, used = $4 WHERE id = $1 AND person = $2",
        &[kept.id().into(), person.into(), (&text).into(), now.into()],
    )
    .map(drop)
}

/// Asks the browser of an operator, whose password was right just now, for a new passkey: what goes with the answer, and what
/// is asked, as JSON.
///
/// # Errors
/// [`Refusal::Field`] if there are as many as there may be.
pub fn offer_passkey(
    tx: &mut Tx<'_>,
    now: Timestamp,
    person: &PersonId,
    (passkeys, secrets, rng): (&Passkeys, &Secrets, &mut dyn CryptoRng),
) -> Result<(Shown, String), Failure> {
    let kept = kept_passkeys(tx, person)?;
    if kept.len() >= MOST {
        return Err(Refusal::field("passkey", "the account has as many as it may: remove one").into());
    }
    let person = people::read(tx, person)?;
    let name = format!(
        "{} {}",
        person.details.given_name.trim(),
        person.details.family_name.trim()
    );
    let owner = Owner {
        id: person.id.as_str(),
        logon_name: &person.details.logon_name,
        name: &name,
    };
    let offered = passkeys
        .offer(owner, &kept)
        .ok_or_else(|| Refusal::field("passkey", "there is none for the address of this service"))?;
    let plain = Zeroizing::new(serde_json::to_vec(&offered).map_err(unwritable)?);
    let token = secrets::random(rng);
    let digest = secrets.digest(Purpose::Ceremony, &[&*token]);
    tx.execute(
        "INSERT INTO operator_ceremony (token, kind, person, sealed, expires) VALUES ($1, 'passkey', $2, $3, $4)",
        &[
            (&digest).into(),
            (&person.id).into(),
            (&secrets.seal(&[b"passkey", &digest], &plain, rng)).into(),
            Timestamp::from_unix(now.unix() + OFFER).into(),
        ],
    )?;
    Ok((token, offered.options))
}

/// Adds the passkey that a browser made.
///
/// # Errors
/// [`Refusal::OperatorCeremony`]; [`Refusal::Field`] for a name that cannot be one or a passkey that is not good.
pub fn add_passkey(
    tx: &mut Tx<'_>,
    actor: &Actor,
    now: Timestamp,
    (person, token, answer, name): (&PersonId, &[u8], &str, &str),
    (passkeys, secrets): (&Passkeys, &Secrets),
) -> Result<(), Failure> {
    Refusal::check_name("name", name, 64)?;
    let digest = secrets.digest(Purpose::Ceremony, &[token]);
    let sealed = tx.value::<Vec<u8>>(
        "SELECT sealed FROM operator_ceremony WHERE token = $1 AND kind = 'passkey' AND person = $2 AND expires > $3",
        &[(&digest).into(), person.into(), now.into()],
    )?;
    let plain = sealed.and_then(|sealed| secrets.open(&[b"passkey", &digest], &sealed));
    let offered: Option<Offered> = plain.and_then(|plain| serde_json::from_slice(&plain).ok());
    let offered = offered.ok_or(Refusal::OperatorCeremony)?;
    let not_good = || Refusal::field("passkey", "what the browser answered is not good");
    let kept = passkeys.made(answer, &offered).ok_or_else(not_good)?;
    let ended = tx.execute(
        "DELETE FROM operator_ceremony WHERE token = $1",
        &[(&digest).into()],
    )?;
    if ended == 0 {
        return Err(Refusal::OperatorCeremony.into());
    }
    let text = serde_json::to_string(&kept).map_err(unwritable)?;
    let added = tx.execute(
        "INSERT INTO operator_passkey (id, person, name, passkey, added) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (id) DO NOTHING",
        &[
            kept.id().into(),
            person.into(),
            name.trim().into(),
            (&text).into(),
            now.into(),
        ],
    )?;
    if added == 0 {
        return Err(not_good().into());
    }
    let entry = Entry::new("operator.add-passkey", ("person", person.as_str()));
    Ok(audit::append(tx, actor, now, &entry)?)
}

/// Takes a passkey away.
///
/// # Errors
/// [`Refusal::Unknown`].
pub fn remove_passkey(
    tx: &mut Tx<'_>,
    actor: &Actor,
    now: Timestamp,
    (person, id): (&PersonId, &[u8]),
) -> Result<(), Failure> {
    let removed = tx.execute(
        "DELETE FROM operator_passkey WHERE id = $1 AND person = $2",
        &[id.into(), person.into()],
    )?;
    if removed == 0 {
        return Err(Refusal::Unknown { what: "passkey" }.into());
    }
    end_ceremonies(tx, person)?;
    let entry = Entry::new("operator.remove-passkey", ("person", person.as_str()));
    Ok(audit::append(tx, actor, now, &entry)?)
}
