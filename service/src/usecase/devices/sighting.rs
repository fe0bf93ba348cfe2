//! What wallets show of the devices that they are on.

use mdoc_core::crypto::CryptoRng;
use mdoc_core::time::Timestamp;

use super::{Device, Facts, add};
use crate::domain::Refusal;
use crate::domain::id::{DeviceId, PersonId};
use crate::domain::profile::Devices;
use crate::store::{Row, StoreError, Tx};
use crate::usecase::Failure;
use crate::usecase::authority::Actor;

/// What a wallet shows of the device that it is on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sighting {
    /// The thumbprint of the key that its requests are bound to.
    pub binding: Option<Vec<u8>>,
    /// The thumbprint of the installation's key, if the wallet's provider vouches for it.
    pub instance: Option<Vec<u8>>,
    /// What is said of it.
    pub facts: Facts,
}

struct Known {
    id: DeviceId,
    owner: PersonId,
    active: bool,
}

/// The devices with one of the keys that are shown, the one of the installation first: that one has its provider's word. A
/// device may have been registered by either key. Without a key, the one on which the document was collected in this session.
fn known(
    tx: &mut Tx<'_>,
    before: Option<(&DeviceId, Timestamp)>,
    shown: &Sighting,
) -> Result<Vec<Known>, StoreError> {
    let read = |row: &Row<'_>| {
        Ok(Known {
            id: row.get(0)?,
            owner: row.get(1)?,
            active: row.get::<String>(2)? == "active",
        })
    };
    if shown.binding.is_some() || shown.instance.is_some() {
        return tx.rows(
            "SELECT id, owner, status FROM device WHERE instance_key = $1 OR binding = $1 OR binding = $2 \
             ORDER BY CASE WHEN instance_key = $1 THEN 0 ELSE 1 END, registered, id",
            &[shown.instance.as_ref().into(), shown.binding.as_ref().into()],
            read,
        );
    }
    let Some((before, began)) = before else {
        return Ok(Vec::new());
    };
    // One that shows no key takes no other's place.
    tx.rows(
        "SELECT id, owner, status FROM device \
         WHERE id = $1 AND registered >= $2 AND binding IS NULL AND instance_key IS NULL",
        &[before.into(), began.into()],
        read,
    )
}

/// Whether a document may go onto the device that shows itself. One that shows no key is known in the session alone in which
/// the document was collected on it (`before`, as for [`seen`]).
///
/// # Errors
/// [`Refusal::KnownDevices`], [`Refusal::MyDevices`].
pub fn check(
    tx: &mut Tx<'_>,
    wanted: Devices,
    (person, before): (&PersonId, Option<(&DeviceId, Timestamp)>),
    shown: &Sighting,
) -> Result<(), Failure> {
    let known = known(tx, before, shown)?;
    // Nothing goes onto a device that was switched off, whatever the profile asks.
    if known.iter().any(|device| !device.active) {
        return Err(Refusal::KnownDevices.into());
    }
    match wanted {
        Devices::Any => Ok(()),
        _ if known.is_empty() => Err(Refusal::KnownDevices.into()),
        Devices::Mine if known.iter().any(|device| device.owner != *person) => Err(Refusal::MyDevices.into()),
        Devices::Known | Devices::Mine => Ok(()),
    }
}

/// Registers the device on which something was collected for a person, or notes that it was seen again, and what is said of
/// it now. A wallet that shows no key is not known again: each session of it is a device of its own, on which the document is
/// already (`before`, with the start of the session) if it was collected in that session before.
///
/// # Errors
/// [`StoreError`].
pub fn seen(
    tx: &mut Tx<'_>,
    actor: &Actor,
    now: Timestamp,
    (person, before, shown): (&PersonId, Option<(&DeviceId, Timestamp)>, &Sighting),
    rng: &mut dyn CryptoRng,
) -> Result<DeviceId, StoreError> {
    if let Some(id) = find(tx, before, shown)? {
        note(tx, now, (&id, shown))?;
        return Ok(id);
    }
    let device = Device {
        id: DeviceId::random(rng),
        owner: person.clone(),
        binding: shown.binding.clone(),
        instance: shown.instance.clone(),
        facts: shown.facts.clone(),
        active: true,
        registered: now,
        seen: Some(now),
    };
    if add(tx, actor, now, &device)? {
        return Ok(device.id);
    }
    // Another session of the same wallet was quicker.
    find(tx, before, shown)?
        .ok_or_else(|| StoreError::Unexpected("a device is there and cannot be found".to_owned()))
}

fn find(
    tx: &mut Tx<'_>,
    before: Option<(&DeviceId, Timestamp)>,
    shown: &Sighting,
) -> Result<Option<DeviceId>, StoreError> {
    let first = known(tx, before, shown)?.into_iter().next();
    Ok(first.map(|known| known.id))
}

/// What is not said stays as it was known.
fn note(tx: &mut Tx<'_>, now: Timestamp, (id, shown): (&DeviceId, &Sighting)) -> Result<(), StoreError> {
    let facts = super::FACTS
        .split(", ")
        .zip(4..)
        .map(|(fact, at)| format!(", {fact} = COALESCE(${at}, {fact})"));
    let facts: String = facts.collect();
    let sql = format!(
        "UPDATE device SET seen = $2, instance_key = COALESCE(instance_key, $3){facts} WHERE id = $1"
    );
    let [app, platform, manufacturer, model, os, version, security] = shown.facts.values();
    tx.execute(
        &sql,
        &[
            id.into(),
            now.into(),
            shown.instance.as_ref().into(),
            app.into(),
            platform.into(),
            manufacturer.into(),
            model.into(),
            os.into(),
            version.into(),
            security.into(),
        ],
    )
    .map(drop)
}
