//! Collections that wait until somebody approved the document: the wallet's keys are kept meanwhile.

use mdoc_core::time::Timestamp;

use super::Failure;
use super::collect::{self, Once};
use crate::domain::id::Serial;
use crate::secrets::Purpose;
use crate::store::{StoreError, Tx};
use crate::terms::Terms;

/// A collection for later.
#[derive(Clone)]
pub struct Later {
    /// What the wallet asks by.
    pub transaction: Vec<u8>,
    /// The document.
    pub serial: Serial,
    /// The keys, each an encoded `COSE_Key`.
    pub keys: Vec<Vec<u8>>,
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

/// Keeps the keys of a collection for later.
///
/// # Errors
/// [`crate::domain::Refusal::Replayed`].
pub fn keep(tx: &mut Tx<'_>, now: Timestamp, (later, terms): (&Later, &Terms)) -> Result<(), Failure> {
    collect::once(tx, &later.once)?;
    let mut keys = Vec::new();
    for key in &later.keys {
        keys.extend_from_slice(&u32::try_from(key.len()).unwrap_or(u32::MAX).to_be_bytes());
        keys.extend_from_slice(key);
    }
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
/// [`crate::domain::Refusal::Replayed`] if it was ended before.
pub fn done(tx: &mut Tx<'_>, (transaction, terms): (&[u8], &Terms)) -> Result<(), Failure> {
    let id = terms.secrets.digest(Purpose::Transaction, &[transaction]);
    let ended = tx.execute("DELETE FROM deferred WHERE transaction_id = $1", &[(&id).into()])?;
    if ended == 0 {
        return Err(crate::domain::Refusal::Replayed { what: "transaction" }.into());
    }
    Ok(())
}
