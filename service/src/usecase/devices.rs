//! Wallets on devices (F1): known by the key that their requests are bound to, or by that of their installation.

mod sighting;

use std::collections::BTreeSet;

use mdoc_core::crypto::CryptoRng;
use mdoc_core::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

pub use self::sighting::{Sighting, check, seen};
use super::Failure;
use super::audit::{self, Entry};
use super::authority::{self, Actor};
use crate::domain::Refusal;
use crate::domain::id::{DeviceId, PersonId};
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
    /// The SHA-256 thumbprint of the key that its requests are bound to (RFC 7638); none of a wallet that binds them to no key.
    pub binding: Option<Vec<u8>>,
    /// The thumbprint of the installation's key, if the wallet's provider vouched for it.
    pub instance: Option<Vec<u8>>,
    /// What its provider, its wallet or somebody who registered it said of it.
    pub facts: Facts,
    /// Whether documents may go onto it.
    pub active: bool,
    /// When it was registered.
    pub registered: Timestamp,
    /// When something was last collected on it.
    pub seen: Option<Timestamp>,
}

/// What may be said of a device (F1).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Facts {
    /// What the wallet on it is called.
    pub app: Option<String>,
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

/// The columns of [`Facts`], in the order of [`Facts::values`].
const FACTS: &str = "app, platform, manufacturer, model, os_version, app_version, key_security";

impl Facts {
    const NAMES: [&str; 7] = [
        "app",
        "platform",
        "manufacturer",
        "model",
        "os_version",
        "app_version",
        "key_security",
    ];

    const fn values(&self) -> [Option<&String>; 7] {
        [
            self.app.as_ref(),
            self.platform.as_ref(),
            self.manufacturer.as_ref(),
            self.model.as_ref(),
            self.os_version.as_ref(),
            self.app_version.as_ref(),
            self.key_security.as_ref(),
        ]
    }

    /// What a wallet's provider says by claims of its client attestation. Those of the standard have the name of the wallet
    /// alone; of the others, the ones named as here are read. What could not be registered either is passed over.
    pub fn said<'c>(claim: impl Fn(&str) -> Option<&'c str>) -> Self {
        let fact = |name| claim(name).filter(|text| !odd(text)).map(str::to_owned);
        Self {
            app: fact("wallet_name"),
            platform: fact("platform"),
            manufacturer: fact("manufacturer"),
            model: fact("model"),
            os_version: fact("os_version"),
            app_version: fact("app_version"),
            key_security: None,
        }
    }

    /// How well keys are kept, of what was said by a statement about each.
    pub fn levels<'c>(said: impl Iterator<Item = &'c str>) -> Option<String> {
        let levels: BTreeSet<&str> = said.filter(|level| !odd(level)).collect();
        let all = levels.into_iter().collect::<Vec<_>>().join(" ");
        (!odd(&all)).then_some(all)
    }

    fn check(&self) -> Result<(), Refusal> {
        let mut named = Self::NAMES.into_iter().zip(self.values());
        let wrong = named.find(|(_, text)| text.is_some_and(|text| odd(text)));
        wrong.map_or(Ok(()), |(field, _)| {
            Err(Refusal::field(
                field,
                "it is empty, too long, or has a control character",
            ))
        })
    }
}

fn odd(text: &str) -> bool {
    text.is_empty() || text.len() > LONGEST || text.chars().any(char::is_control)
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
    super::people::hold(tx, owner)?;
    let device = Device {
        id: DeviceId::random(rng),
        owner: owner.clone(),
        binding: Some(binding.to_vec()),
        instance: None,
        facts: facts.clone(),
        active: true,
        registered: now,
        seen: None,
    };
    if add(tx, actor, now, &device)? {
        return Ok(device);
    }
    let name = mdoc_openid::jose::base64url(binding);
    let (what, field) = ("device", "key");
    Err(Refusal::Exists { what, field, name }.into())
}

/// Adds a device, and notes it; whether its keys are new.
fn add(tx: &mut Tx<'_>, actor: &Actor, now: Timestamp, device: &Device) -> Result<bool, StoreError> {
    let [app, platform, manufacturer, model, os, version, security] = device.facts.values();
    let sql = format!(
        "INSERT INTO device (id, owner, binding, instance_key, status, registered, seen, {FACTS}) \
         VALUES ($1, $2, $3, $4, 'active', $5, $6, $7, $8, $9, $10, $11, $12, $13) ON CONFLICT DO NOTHING"
    );
    let added = tx.execute(
        &sql,
        &[
            (&device.id).into(),
            (&device.owner).into(),
            device.binding.as_ref().into(),
            device.instance.as_ref().into(),
            device.registered.into(),
            device.seen.into(),
            app.into(),
            platform.into(),
            manufacturer.into(),
            model.into(),
            os.into(),
            version.into(),
            security.into(),
        ],
    )?;
    if added == 0 {
        return Ok(false);
    }
    let entry = Entry::new("device.register", ("device", device.id.as_str()));
    let after = json!({ "owner": device.owner.as_str() });
    audit::append(tx, actor, now, &entry.change(Json::Null, after))?;
    Ok(true)
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
    if active {
        super::people::hold(tx, &device.owner)?;
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

const COLUMNS: &str = "id, owner, binding, instance_key, status, registered, seen, app, platform, manufacturer, model, \
                       os_version, app_version, key_security";

fn of_row(row: &Row<'_>) -> Result<Device, StoreError> {
    Ok(Device {
        id: row.get(0)?,
        owner: row.get(1)?,
        binding: row.get(2)?,
        instance: row.get(3)?,
        active: row.get::<String>(4)? == "active",
        registered: row.get(5)?,
        seen: row.get(6)?,
        facts: Facts {
            app: row.get(7)?,
            platform: row.get(8)?,
            manufacturer: row.get(9)?,
            model: row.get(10)?,
            os_version: row.get(11)?,
            app_version: row.get(12)?,
            key_security: row.get(13)?,
        },
    })
}
