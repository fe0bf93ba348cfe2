//! Wallets on devices (F1): known by the key that their requests are bound to.

use mdoc_core::crypto::CryptoRng;
use mdoc_core::time::Timestamp;

use super::Failure;
use crate::domain::Refusal;
use crate::domain::id::{DeviceId, PersonId};
use crate::domain::profile::Devices;
use crate::store::{StoreError, Tx};

/// Whether a document may go onto the device with that key.
///
/// # Errors
/// [`Refusal::KnownDevices`], [`Refusal::MyDevices`].
pub fn check(
    tx: &mut Tx<'_>,
    wanted: Devices,
    person: &PersonId,
    key_thumbprint: Option<&[u8; 32]>,
) -> Result<(), Failure> {
    if wanted == Devices::Any {
        return Ok(());
    }
    let owner: Option<PersonId> = match key_thumbprint {
        None => None,
        Some(key) => tx.value(
            "SELECT owner FROM device WHERE binding = $1 AND status = 'active'",
            &[key.into()],
        )?,
    };
    match owner {
        None => Err(Refusal::KnownDevices.into()),
        Some(owner) if wanted == Devices::Mine && owner != *person => Err(Refusal::MyDevices.into()),
        Some(_) => Ok(()),
    }
}

/// Registers the device that collected something for a person, or notes that it was seen again.
///
/// # Errors
/// [`StoreError`].
pub fn seen(
    tx: &mut Tx<'_>,
    now: Timestamp,
    (person, key_thumbprint): (&PersonId, &[u8]),
    rng: &mut dyn CryptoRng,
) -> Result<Option<DeviceId>, StoreError> {
    tx.execute(
        "INSERT INTO device (id, owner, binding, status, registered, seen) VALUES ($1, $2, $3, 'active', $4, $4) \
         ON CONFLICT (binding) DO UPDATE SET seen = $4",
        &[
            (&DeviceId::random(rng)).into(),
            person.into(),
            key_thumbprint.into(),
            now.into(),
        ],
    )?;
    tx.value(
        "SELECT id FROM device WHERE binding = $1",
        &[key_thumbprint.into()],
    )
}
