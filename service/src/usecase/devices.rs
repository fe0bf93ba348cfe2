//! Wallets on devices (F1): known by the key that their requests are bound to.

use mdoc_core::crypto::CryptoRng;
use mdoc_core::time::Timestamp;
use serde_json::{Value as Json, json};

use super::Failure;
use super::audit::{self, Entry};
use super::authority::{self, Actor};
use crate::domain::Refusal;
use crate::domain::id::{DeviceId, PersonId};
use crate::domain::profile::Devices;
use crate::domain::role::Workflow;
use crate::store::{Row, StoreError, Tx};

/// The most bytes of what is said of a device.
const LONGEST: usize = 128;

/// What is known of a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// Its name here.
    pub id: DeviceId,
    /// Whose it is.
    pub owner: PersonId,
    /// The SHA-256 thumbprint of the key that its requests are bound to (RFC 7638).
    pub binding: Vec<u8>,
    /// What somebody said of it.
    pub facts: Facts,
    /// Whether documents may go onto it.
    pub active: bool,
    /// When it was registered.
    pub registered: Timestamp,
    /// When something was last collected on it.
    pub seen: Option<Timestamp>,
}

/// What may be said of a device (F1).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// `android`, `ios`, …
    pub platform: Option<String>,
    /// Who made it.
    pub manufacturer: Option<String>,
    /// What it is.
    pub model: Option<String>,
    /// Version of its operating system.
    pub os_version: Option<String>,
    /// Version of the wallet.
    pub app_version: Option<String>,
    /// How well it keeps keys, as `iso_18045_high`.
    pub key_security: Option<String>,
}

impl Facts {
    fn members(&self) -> [(&'static str, Option<&String>); 6] {
        [
            ("platform", self.platform.as_ref()),
            ("manufacturer", self.manufacturer.as_ref()),
            ("model", self.model.as_ref()),
            ("os_version", self.os_version.as_ref()),
            ("app_version", self.app_version.as_ref()),
            ("key_security", self.key_security.as_ref()),
        ]
    }

    fn check(&self) -> Result<(), Refusal> {
        let odd = |text: &str| text.is_empty() || text.len() > LONGEST || text.chars().any(char::is_control);
        let wrong = self
            .members()
            .into_iter()
            .find(|(_, text)| text.is_some_and(|text| odd(text)));
        wrong.map_or(Ok(()), |(field, _)| {
            Err(Refusal::field(
                field,
                "it is empty, too long, or has a control character",
            ))
        })
    }
}

/// Registers a device ahead of time.
///
/// # Errors
/// [`Refusal::Exists`] if the key is known, [`Refusal::Field`], or that of [`authority::permit_for`].
pub fn register(
    tx: &mut Tx<'_>,
    actor: &Actor,
    now: Timestamp,
    (owner, binding, facts): (&PersonId, &[u8; 32], &Facts),
    rng: &mut dyn CryptoRng,
) -> Result<Device, Failure> {
    authority::permit_for(tx, actor, Workflow::EditPeople, owner)?;
    facts.check()?;
    let id = DeviceId::random(rng);
    let [platform, manufacturer, model, os, app, security] = facts.members().map(|(_, text)| text);
    let added = tx.execute(
        "INSERT INTO device (id, owner, binding, platform, manufacturer, model, os_version, app_version, key_security, \
         status, registered) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'active', $10) ON CONFLICT DO NOTHING",
        &[
            (&id).into(),
            owner.into(),
            binding.into(),
            platform.into(),
            manufacturer.into(),
            model.into(),
            os.into(),
            app.into(),
            security.into(),
            now.into(),
        ],
    )?;
    if added == 0 {
        let name = mdoc_openid::jose::base64url(binding);
        let (what, field) = ("device", "key");
        return Err(Refusal::Exists { what, field, name }.into());
    }
    let entry = Entry::new("device.register", ("device", id.as_str()));
    let after = json!({ "owner": owner.as_str() });
    audit::append(tx, actor, now, &entry.change(Json::Null, after))?;
    Ok(Device {
        id,
        owner: owner.clone(),
        binding: binding.to_vec(),
        facts: facts.clone(),
        active: true,
        registered: now,
        seen: None,
    })
}

/// The devices of a person, the newest first.
///
/// # Errors
/// That of [`authority::permit_for`].
pub fn of_person(tx: &mut Tx<'_>, actor: &Actor, owner: &PersonId) -> Result<Vec<Device>, Failure> {
    authority::permit_for(tx, actor, Workflow::ViewReports, owner)?;
    let sql = format!("SELECT {COLUMNS} FROM device WHERE owner = $1 ORDER BY registered DESC, id");
    Ok(tx.rows(&sql, &[owner.into()], of_row)?)
}

/// Switches a device off or on: nothing new goes onto one that is off; what is on it stays as it is.
///
/// # Errors
/// [`Refusal::Unknown`] if there is none, or none in scope.
pub fn enable(
    tx: &mut Tx<'_>,
    actor: &Actor,
    now: Timestamp,
    (id, active): (&DeviceId, bool),
) -> Result<Device, Failure> {
    let sql = format!("SELECT {COLUMNS} FROM device WHERE id = $1");
    let unknown = || Refusal::Unknown { what: "device" };
    let device = tx.row(&sql, &[id.into()], of_row)?.ok_or_else(unknown)?;
    match authority::permit_for(tx, actor, Workflow::EditPeople, &device.owner) {
        Err(Failure::Refused(Refusal::Unknown { .. })) => return Err(unknown().into()),
        other => other?,
    }
    let status = if active { "active" } else { "disabled" };
    tx.execute(
        "UPDATE device SET status = $2 WHERE id = $1",
        &[id.into(), status.into()],
    )?;
    let action = if active { "device.enable" } else { "device.disable" };
    audit::append(tx, actor, now, &Entry::new(action, ("device", id.as_str())))?;
    Ok(Device { active, ..device })
}

const COLUMNS: &str = "id, owner, binding, platform, manufacturer, model, os_version, app_version, key_security, \
                       status, registered, seen";

fn of_row(row: &Row<'_>) -> Result<Device, StoreError> {
    Ok(Device {
        id: row.get(0)?,
        owner: row.get(1)?,
        binding: row.get::<Option<Vec<u8>>>(2)?.unwrap_or_default(),
        facts: Facts {
            platform: row.get(3)?,
            manufacturer: row.get(4)?,
            model: row.get(5)?,
            os_version: row.get(6)?,
            app_version: row.get(7)?,
            key_security: row.get(8)?,
        },
        active: row.get::<String>(9)? == "active",
        registered: row.get(10)?,
        seen: row.get(11)?,
    })
}

/// Whether a document may go onto the device with that key.
///
/// # Errors
/// [`Refusal::KnownDevices`], [`Refusal::MyDevices`].
pub fn check(
    tx: &mut Tx<'_>,
    wanted: Devices,
    person: &PersonId,
    key_thumbprint: Option<&[u8]>,
) -> Result<(), Failure> {
    let known: Option<(PersonId, String)> = match key_thumbprint {
        None => None,
        Some(key) => tx.row(
            "SELECT owner, status FROM device WHERE binding = $1",
            &[key.into()],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?,
    };
    // Nothing goes onto a device that was switched off, whatever the profile asks.
    if known.as_ref().is_some_and(|(_, status)| status != "active") {
        return Err(Refusal::KnownDevices.into());
    }
    match known.map(|(owner, _)| owner) {
        _ if wanted == Devices::Any => Ok(()),
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
    actor: &Actor,
    now: Timestamp,
    (person, key_thumbprint): (&PersonId, &[u8]),
    rng: &mut dyn CryptoRng,
) -> Result<Option<DeviceId>, StoreError> {
    let known: Option<DeviceId> = tx.value(
        "SELECT id FROM device WHERE binding = $1",
        &[key_thumbprint.into()],
    )?;
    if let Some(id) = &known {
        tx.execute(
            "UPDATE device SET seen = $2 WHERE id = $1",
            &[id.into(), now.into()],
        )?;
        return Ok(known);
    }
    let id = DeviceId::random(rng);
    tx.execute(
        "INSERT INTO device (id, owner, binding, status, registered, seen) VALUES ($1, $2, $3, 'active', $4, $4)",
        &[
            (&id).into(),
            person.into(),
            key_thumbprint.into(),
            now.into(),
        ],
    )?;
    let entry = Entry::new("device.register", ("device", id.as_str()));
    let after = json!({ "owner": person.as_str() });
    audit::append(tx, actor, now, &entry.change(Json::Null, after))?;
    Ok(Some(id))
}
