//! Credential profiles.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::caller::Machine;
use super::problem::{Answer, Body, Path, Problem, Switch, found};
use crate::api::Shared;
use crate::domain::profile::Settings;
use crate::domain::scope::ApiScope;
use crate::usecase::profiles::{self, Current, Version};

/// A profile in its newest version.
#[derive(Serialize, ToSchema)]
pub(super) struct ProfileAnswer {
    /// Its name.
    name: String,
    /// Its version, from 1.
    version: i64,
    /// Whether documents of it may be requested.
    enabled: bool,
    /// Its settings.
    settings: Settings,
}

impl From<Current> for ProfileAnswer {
    fn from(current: Current) -> Self {
        Self {
            name: current.profile.name,
            version: current.profile.version,
            enabled: current.enabled,
            settings: current.profile.settings,
        }
    }
}

/// A new version of a profile.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewVersion {
    /// Its settings.
    settings: Settings,
    /// What is new in it.
    #[serde(default)]
    #[schema(max_length = 1000)]
    comment: String,
}

/// All profiles, by name.
#[utoipa::path(
    get,
    path = "/profiles",
    tag = "Profiles",
    responses((status = 200, description = "The profiles.", body = Vec<ProfileAnswer>)),
    security(("machine" = ["profiles.read"]))
)]
pub(super) async fn list(machine: Machine) -> Result<Answer<Vec<ProfileAnswer>>, Problem> {
    let all = machine
        .read(ApiScope::ProfilesRead, |tx, _, _| Ok(profiles::all(tx)?))
        .await?;
    Ok(found(all.into_iter().map(ProfileAnswer::from).collect()))
}

/// A profile.
#[utoipa::path(
    get,
    path = "/profiles/{name}",
    tag = "Profiles",
    params(("name" = String, Path, description = "The profile.", max_length = 64)),
    responses((status = 200, description = "The profile.", body = ProfileAnswer)),
    security(("machine" = ["profiles.read"]))
)]
pub(super) async fn get(
    machine: Machine,
    Path(name): Path<String>,
) -> Result<Answer<ProfileAnswer>, Problem> {
    let current = machine
        .read(ApiScope::ProfilesRead, move |tx, _, _| {
            profiles::current(tx, &name)
        })
        .await?;
    Ok(found(current.into()))
}

/// A version of a profile, and how it came about.
#[derive(Serialize, ToSchema)]
pub(super) struct VersionAnswer {
    /// Its number, from 1.
    version: i64,
    /// What was said to be new in it.
    comment: String,
    /// The person who made it; none if the service itself did.
    made_by: Option<String>,
    /// When.
    #[schema(format = DateTime)]
    made: String,
    /// Its settings.
    settings: Settings,
}

impl From<Version> for VersionAnswer {
    fn from(version: Version) -> Self {
        Self {
            version: version.profile.version,
            comment: version.comment,
            made_by: version.made_by.map(|person| person.to_string()),
            made: version.made.to_string(),
            settings: version.profile.settings,
        }
    }
}

/// Every version of a profile, the newest first.
#[utoipa::path(
    get,
    path = "/profiles/{name}/versions",
    tag = "Profiles",
    params(("name" = String, Path, description = "The profile.", max_length = 64)),
    responses((status = 200, description = "The versions.", body = Vec<VersionAnswer>)),
    security(("machine" = ["profiles.read"]))
)]
pub(super) async fn versions(
    machine: Machine,
    Path(name): Path<String>,
) -> Result<Answer<Vec<VersionAnswer>>, Problem> {
    let versions = machine
        .read(ApiScope::ProfilesRead, move |tx, _, _| {
            profiles::history(tx, &name)
        })
        .await?;
    Ok(found(versions.into_iter().map(VersionAnswer::from).collect()))
}

/// Makes a profile, or a new version of one; documents that were issued keep theirs until they are updated.
#[utoipa::path(
    put,
    path = "/profiles/{name}",
    tag = "Profiles",
    params(("name" = String, Path, description = "The profile: small letters, digits, `-`, `.` and `_`.", max_length = 64)),
    request_body = NewVersion,
    responses((status = 200, description = "The profile.", body = ProfileAnswer)),
    security(("machine" = ["profiles.write"]))
)]
pub(super) async fn set(
    State(service): Shared,
    machine: Machine,
    Path(name): Path<String>,
    Body(new): Body<NewVersion>,
) -> Result<Answer<ProfileAnswer>, Problem> {
    let terms = service.terms.clone();
    let current = machine
        .write(ApiScope::ProfilesWrite, move |tx, actor, now| {
            profiles::set(tx, actor, now, (&name, &new.settings, &terms), &new.comment)?;
            profiles::current(tx, &name)
        })
        .await?;
    Ok(found(current.into()))
}

/// Lets documents of a profile be requested, or no more.
#[utoipa::path(
    put,
    path = "/profiles/{name}/enabled",
    tag = "Profiles",
    params(("name" = String, Path, description = "The profile.", max_length = 64)),
    request_body = Switch,
    responses((status = 200, description = "The profile.", body = ProfileAnswer)),
    security(("machine" = ["profiles.write"]))
)]
pub(super) async fn switch(
    machine: Machine,
    Path(name): Path<String>,
    Body(switch): Body<Switch>,
) -> Result<Answer<ProfileAnswer>, Problem> {
    let current = machine
        .write(ApiScope::ProfilesWrite, move |tx, actor, now| {
            profiles::enable(tx, actor, now, (&name, switch.enabled))?;
            profiles::current(tx, &name)
        })
        .await?;
    Ok(found(current.into()))
}
