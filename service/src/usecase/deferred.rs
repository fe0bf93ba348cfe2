//! Collections that wait until somebody approved the document: the wallet's keys are kept meanwhile.

use mdoc_core::time::Timestamp;

use super::Failure;
use super::collect::{self, Holder, Once, Session};
use super::document;
use crate::domain::Refusal;
use crate::domain::id::Serial;
use crate::secrets::Purpose;
use crate::store::{StoreError, Tx};
use crate::terms::Terms;

/// How many collections wait for one document: of a wallet that asks anew, the newest ones are what it knows of.
const MOST: i64 = 4;

/// A collection for later.
#[derive(Clone)]
pub struct Later {
    /// What the wallet asks by.
    pub transaction: Vec<u8>,
    /// The access token of the wallet, which is good for this for as long as it waits.
    pub token: Vec<u8>,
    /// The document.
    pub serial: Serial,
    /// The keys, each an encoded `COSE_Key`.
    pub keys: Vec<Vec<u8>>,
    /// How well they are kept, if that was said.
    pub key_security: Option<String>,
    /// What may be presented once.
    pub once: Vec<Once>,
}

impl core::fmt::Debug for Later {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Later")
            .field("serial", &self.serial)
            .finish_non_exhaustive()
    }
}

/// Keeps the keys of a collection for later, in place of the oldest one if too many wait for the document. Who rejected the
/// document at that moment, or erased its person, ended the session: nothing is kept then.
///
/// # Errors
/// [`Refusal::SessionUnknown`], [`Refusal::Replayed`].
pub fn keep(tx: &mut Tx<'_>, now: Timestamp, (later, terms): (&Later, &Terms)) -> Result<(), Failure> {
    // Those who ask at once come one after the other, and each counts those before.
    document::read(tx, &later.serial)?;
    let session = tx.execute(
        "UPDATE session SET waits = $2, key_security = $3 WHERE token = $1 AND ended IS NULL",
        &[
            (&terms.secrets.digest(Purpose::AccessToken, &[&later.token])).into(),
            (now.unix() + terms.offer_lifetime).into(),
            later.key_security.as_ref().into(),
        ],
    )?;
    if session == 0 {
        return Err(Refusal::SessionUnknown.into());
    }
    collect::once(tx, &later.once)?;
    let mut keys = Vec::new();
    for key in &later.keys {
        keys.extend_from_slice(&u32::try_from(key.len()).unwrap_or(u32::MAX).to_be_bytes());
        keys.extend_from_slice(key);
    }
    tx.execute(
        "DELETE FROM deferred WHERE document = $1 AND transaction_id NOT IN (SELECT transaction_id FROM deferred \
         WHERE document = $1 ORDER BY created DESC, transaction_id LIMIT $2)",
        &[(&later.serial).into(), (MOST - 1).into()],
    )?;
    tx.execute(
        "INSERT INTO deferred (transaction_id, document, keys, created, expires) VALUES ($1, $2, $3, $4, $5)",
        &[
            (&terms.secrets.digest(Purpose::Transaction, &[&later.transaction])).into(),
            (&later.serial).into(),
            (&keys).into(),
            now.into(),
            (now.unix() + terms.offer_lifetime).into(),
        ],
    )?;
    Ok(())
}

/// The session of a wallet that asks for what it waits for, or tells how that went: one that is open, or one that is over and
/// waits. That gives nobody documents for other keys than those that were proved while it was open.
///
/// # Errors
/// [`Refusal::SessionUnknown`], [`Refusal::SessionOfOtherKey`].
pub fn session(
    tx: &mut Tx<'_>,
    now: Timestamp,
    (token, holder, terms): (&[u8], &Holder, &Terms),
) -> Result<Session, Failure> {
    collect::held(tx, (now, "expires >= $2 OR waits >= $2"), (token, holder, terms))
}

/// The keys of a collection that waits, each an encoded `COSE_Key`; none if there is none of that name for the document.
///
/// # Errors
/// [`StoreError`].
pub fn find(
    tx: &mut Tx<'_>,
    now: Timestamp,
    (transaction, serial, terms): (&[u8], &Serial, &Terms),
) -> Result<Option<Vec<Vec<u8>>>, StoreError> {
    let id = terms.secrets.digest(Purpose::Transaction, &[transaction]);
    let kept: Option<Vec<u8>> = tx.value(
        "SELECT keys FROM deferred WHERE transaction_id = $1 AND document = $2 AND expires >= $3",
        &[(&id).into(), serial.into(), now.into()],
    )?;
    let Some(kept) = kept else { return Ok(None) };
    let mut rest = kept.as_slice();
    let mut keys = Vec::new();
    while let Some((length, after)) = rest.split_first_chunk() {
        let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
        let (key, after) = after
            .split_at_checked(length)
            .ok_or_else(|| StoreError::Unexpected("keys of a deferred collection".to_owned()))?;
        keys.push(key.to_vec());
        rest = after;
    }
    Ok(Some(keys))
}

/// Ends a collection that waited: its name is good no more.
///
/// # Errors
/// [`Refusal::Replayed`] if it was ended before.
pub fn done(tx: &mut Tx<'_>, (transaction, terms): (&[u8], &Terms)) -> Result<(), Failure> {
    let id = terms.secrets.digest(Purpose::Transaction, &[transaction]);
    let ended = tx.execute("DELETE FROM deferred WHERE transaction_id = $1", &[(&id).into()])?;
    if ended == 0 {
        return Err(Refusal::Replayed { what: "transaction" }.into());
    }
    Ok(())
}
