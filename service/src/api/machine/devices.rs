//! Devices of people (F1).

use mdoc_openid::jose::{base64url, from_base64url};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::caller::Machine;
use super::people::person;
use super::problem::{Answer, Body, Path, Problem, Switch, found, made};
use crate::domain::id::DeviceId;
use crate::domain::scope::ApiScope;
use crate::random;
use crate::usecase::devices::{self, Device, Facts};

/// What is said of a device (F1).
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct DeviceFacts {
    /// What the wallet on it is called.
    app: Option<String>,
    /// `android`, `ios`, …
    platform: Option<String>,
    /// Who made it.
    manufacturer: Option<String>,
    /// What it is.
    model: Option<String>,
    /// Version of its operating system.
    os_version: Option<String>,
    /// Version of the wallet.
    app_version: Option<String>,
    /// How well it keeps keys, as `iso_18045_high`.
    key_security: Option<String>,
}

/// A device that is to be registered.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewDevice {
    /// The thumbprint of the key that the requests of its wallet are bound to (`jkt`: RFC 7638, SHA-256, base64url).
    #[schema(min_length = 43, max_length = 43)]
    key: String,
    /// What is said of it.
    facts: DeviceFacts,
}

/// A device.
#[derive(Serialize, ToSchema)]
pub(super) struct DeviceAnswer {
    /// Its id.
    id: String,
    /// The id of the person whose it is.
    owner: String,
    /// The thumbprint of the key that the requests of its wallet are bound to, if they are.
    key: Option<String>,
    /// The thumbprint of the key of the installation, if the wallet's provider vouched for it.
    instance: Option<String>,
    /// What is said of it.
    facts: DeviceFacts,
    /// Whether documents may go onto it.
    active: bool,
    /// When it was registered (RFC 3339).
    #[schema(format = DateTime)]
    registered: String,
    /// When something was last collected on it (RFC 3339).
    #[schema(format = DateTime)]
    seen: Option<String>,
}

impl From<Device> for DeviceAnswer {
    fn from(device: Device) -> Self {
        let facts = device.facts;
        Self {
            id: device.id.to_string(),
            owner: device.owner.to_string(),
            key: device.binding.as_deref().map(base64url),
            instance: device.instance.as_deref().map(base64url),
            facts: DeviceFacts {
                app: facts.app,
                platform: facts.platform,
                manufacturer: facts.manufacturer,
                model: facts.model,
                os_version: facts.os_version,
                app_version: facts.app_version,
                key_security: facts.key_security,
            },
            active: device.active,
            registered: device.registered.to_string(),
            seen: device.seen.map(|at| at.to_string()),
        }
    }
}

/// The devices of a person, the newest first.
#[utoipa::path(
    get,
    path = "/people/{id}/devices",
    tag = "Devices",
    params(("id" = String, Path, description = "The person.", max_length = 64)),
    responses((status = 200, description = "The devices.", body = Vec<DeviceAnswer>)),
    security(("machine" = ["people.read"]))
)]
pub(super) async fn devices(
    machine: Machine,
    Path(id): Path<String>,
) -> Result<Answer<Vec<DeviceAnswer>>, Problem> {
    let id = person(&id)?;
    let devices = machine
        .read(ApiScope::PeopleRead, move |tx, actor, _| {
            devices::of_person(tx, actor, &id)
        })
        .await?;
    Ok(found(devices.into_iter().map(DeviceAnswer::from).collect()))
}

/// Registers a device of a person ahead of time.
#[utoipa::path(
    post,
    path = "/people/{id}/devices",
    tag = "Devices",
    params(("id" = String, Path, description = "The person.", max_length = 64)),
    request_body = NewDevice,
    responses((status = 201, description = "The device.", body = DeviceAnswer)),
    security(("machine" = ["people.write"]))
)]
pub(super) async fn register(
    machine: Machine,
    Path(id): Path<String>,
    Body(device): Body<NewDevice>,
) -> Result<Answer<DeviceAnswer>, Problem> {
    let id = person(&id)?;
    let key: Option<[u8; 32]> = from_base64url(&device.key).and_then(|key| key.try_into().ok());
    let key = key.ok_or_else(|| Problem::field("key", "it is no SHA-256 thumbprint in base64url"))?;
    let facts = device.facts;
    let facts = Facts {
        app: facts.app,
        platform: facts.platform,
        manufacturer: facts.manufacturer,
        model: facts.model,
        os_version: facts.os_version,
        app_version: facts.app_version,
        key_security: facts.key_security,
    };
    let device = machine
        .write(ApiScope::PeopleWrite, move |tx, actor, now| {
            devices::register(tx, actor, now, (&id, &key, &facts), &mut random::system())
        })
        .await?;
    Ok(made(device.into()))
}

/// Switches a device off or on: nothing new goes onto one that is off, and what is on it stays.
#[utoipa::path(
    put,
    path = "/devices/{id}/enabled",
    tag = "Devices",
    params(("id" = String, Path, description = "The device.", max_length = 64)),
    request_body = Switch,
    responses((status = 200, description = "The device.", body = DeviceAnswer)),
    security(("machine" = ["people.write"]))
)]
pub(super) async fn switch(
    machine: Machine,
    Path(id): Path<String>,
    Body(switch): Body<Switch>,
) -> Result<Answer<DeviceAnswer>, Problem> {
    let id = DeviceId::given(&id).ok_or_else(|| Problem::unknown("device"))?;
    let device = machine
        .write(ApiScope::PeopleWrite, move |tx, actor, now| {
            devices::enable(tx, actor, now, (&id, switch.enabled))
        })
        .await?;
    Ok(found(device.into()))
}
