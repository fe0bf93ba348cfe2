//! Credential profiles and their versions (E4).

use mdoc_core::time::Timestamp;
use serde_json::json;

use super::Failure;
use super::audit::{self, Entry};
use super::authority::{self, Actor};
use super::document::Document;
use crate::badge;
use crate::domain::Refusal;
use crate::domain::id::PersonId;
use crate::domain::life::State;
use crate::domain::profile::{Profile, Settings, is_name};
use crate::domain::role::Workflow;
use crate::store::{Row, StoreError, Tx};
use crate::terms::Terms;

/// A new version of a profile, or its first one. Documents that were requested keep the version they have.
///
/// # Errors
/// [`Refusal::Field`] for the name, a setting, the comment, or a format or role that is not there;
/// [`Refusal::LayoutSelectionInvalid`]; [`Refusal::NotGranted`].
pub fn set(
    tx: &mut Tx<'_>,
    actor: &Actor,
    now: Timestamp,
    (name, settings, terms): (&str, &Settings, &Terms),
    comment: &str,
) -> Result<i64, Failure> {
    authority::permit(tx, actor, Workflow::EditProfiles)?;
    if !is_name(name) {
        return Err(Refusal::field(
            "name",
            "it is not made of small letters, digits, `-`, `_` and `.`",
        )
        .into());
    }
    settings.check()?;
    badge::sides(settings, terms)?;
    Refusal::check_words("comment", comment)?;
    let roles = &settings.roles;
    for role in [&roles.receive, &roles.request, &roles.validate, &roles.collect]
        .into_iter()
        .flatten()
    {
        let known: Option<i64> = tx.value("SELECT 1 FROM role WHERE name = $1", &[role.into()])?;
        known.ok_or_else(|| Refusal::field("roles", format!("there is no role {role:?}")))?;
    }
    tx.execute(
        "INSERT INTO profile (name, version, enabled) VALUES ($1, 0, 1) ON CONFLICT DO NOTHING",
        &[name.into()],
    )?;
    let last: Option<i64> = tx.value(
        "SELECT version FROM profile WHERE name = $1 FOR UPDATE",
        &[name.into()],
    )?;
    let version = last.unwrap_or_default() + 1;
    let text = serde_json::to_string(settings).map_err(|why| StoreError::Unexpected(why.to_string()))?;
    tx.execute(
        "INSERT INTO profile_version (profile, version, settings, comment, made_by, made) \
         VALUES ($1, $2, $3, $4, $5, $6)",
        &[
            name.into(),
            version.into(),
            (&text).into(),
            comment.into(),
            actor.person().map(PersonId::as_str).into(),
            now.into(),
        ],
    )?;
    tx.execute(
        "UPDATE profile SET version = $2 WHERE name = $1",
        &[name.into(), version.into()],
    )?;
    let entry = Entry::new("profile.set", ("profile", name)).because(None, Some(comment));
    audit::append(
        tx,
        actor,
        now,
        &entry.change(json!({ "version": version - 1 }), json!({ "version": version })),
    )?;
    Ok(version)
}

/// Switches a profile on or off: what is switched off is not requested any more.
///
/// # Errors
/// [`Refusal::Unknown`], [`Refusal::NotGranted`].
pub fn enable(
    tx: &mut Tx<'_>,
    actor: &Actor,
    now: Timestamp,
    (name, enabled): (&str, bool),
) -> Result<(), Failure> {
    authority::permit(tx, actor, Workflow::EditProfiles)?;
    let found = tx.execute(
        "UPDATE profile SET enabled = $2 WHERE name = $1",
        &[name.into(), enabled.into()],
    )?;
    if found == 0 {
        return Err(Refusal::Unknown { what: "profile" }.into());
    }
    let action = if enabled {
        "profile.enable"
    } else {
        "profile.disable"
    };
    audit::append(tx, actor, now, &Entry::new(action, ("profile", name)))?;
    Ok(())
}

/// A profile, and whether it is switched on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Current {
    /// Its newest version.
    pub profile: Profile,
    /// Whether documents of it may be requested.
    pub enabled: bool,
}

/// The newest version of a profile.
///
/// # Errors
/// [`Refusal::Unknown`] if there is none of that name.
pub fn current(tx: &mut Tx<'_>, name: &str) -> Result<Current, Failure> {
    tx.row(
        "SELECT v.profile, v.version, v.settings, p.enabled FROM profile p \
         JOIN profile_version v ON v.profile = p.name AND v.version = p.version WHERE p.name = $1",
        &[name.into()],
        of_row,
    )?
    .ok_or_else(|| Refusal::Unknown { what: "profile" }.into())
}

/// The newest version of every profile, by name.
///
/// # Errors
/// [`StoreError`].
pub fn all(tx: &mut Tx<'_>) -> Result<Vec<Current>, StoreError> {
    tx.rows(
        "SELECT v.profile, v.version, v.settings, p.enabled FROM profile p \
         JOIN profile_version v ON v.profile = p.name AND v.version = p.version ORDER BY p.name",
        &[],
        of_row,
    )
}

/// The newest version of the profiles that wallets may ask for, by name: those that are switched on, and those of documents
/// that are not over. Switching off is for what nobody requested yet: what was requested is collected, and fetched anew.
///
/// # Errors
/// [`StoreError`].
pub fn offered(tx: &mut Tx<'_>) -> Result<Vec<Profile>, StoreError> {
    let found = tx.rows(
        "SELECT v.profile, v.version, v.settings, p.enabled FROM profile p \
         JOIN profile_version v ON v.profile = p.name AND v.version = p.version WHERE p.enabled = 1 OR EXISTS \
         (SELECT 1 FROM document d WHERE d.profile = p.name \
         AND d.state NOT IN ('cancelled', 'expired', 'failed', 'rejected')) ORDER BY p.name",
        &[],
        of_row,
    )?;
    Ok(found.into_iter().map(|current| current.profile).collect())
}

/// Every version of a profile by which documents may yet be made: the newest, and those of documents that are not over.
///
/// # Errors
/// [`StoreError`].
pub fn in_use(tx: &mut Tx<'_>) -> Result<Vec<Profile>, StoreError> {
    let found = tx.rows(
        "SELECT v.profile, v.version, v.settings, 1 FROM profile_version v WHERE EXISTS \
         (SELECT 1 FROM profile p WHERE p.name = v.profile AND p.version = v.version) OR EXISTS \
         (SELECT 1 FROM document d WHERE d.profile = v.profile AND d.profile_version = v.version \
         AND d.state NOT IN ('cancelled', 'expired', 'failed', 'rejected')) ORDER BY v.profile, v.version",
        &[],
        of_row,
    )?;
    Ok(found.into_iter().map(|current| current.profile).collect())
}

/// One version of a profile.
///
/// # Errors
/// [`Refusal::Unknown`] if there is none.
pub fn version(tx: &mut Tx<'_>, name: &str, version: i64) -> Result<Profile, Failure> {
    let found = tx.row(
        "SELECT profile, version, settings, 1 FROM profile_version WHERE profile = $1 AND version = $2",
        &[name.into(), version.into()],
        of_row,
    )?;
    let found = found.ok_or(Refusal::Unknown { what: "profile" })?;
    Ok(found.profile)
}

/// The version of its profile by which a document is made now: what is updated by the newest one, everything else by the one
/// that it has.
///
/// # Errors
/// [`Refusal::Unknown`] if there is none.
pub fn of_document(tx: &mut Tx<'_>, document: &Document) -> Result<Profile, Failure> {
    let (name, own) = &document.profile;
    if document.state == State::Updating {
        Ok(current(tx, name)?.profile)
    } else {
        version(tx, name, *own)
    }
}

/// A version of a profile, and how it came about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// The version.
    pub profile: Profile,
    /// What was said to be new in it.
    pub comment: String,
    /// Who made it; nobody if the service itself did.
    pub made_by: Option<PersonId>,
    /// The logon name of that person.
    pub logon: Option<String>,
    /// When.
    pub made: Timestamp,
}

/// Every version of a profile, the newest first.
///
/// # Errors
/// [`Refusal::Unknown`] if there is none of that name.
pub fn history(tx: &mut Tx<'_>, name: &str) -> Result<Vec<Version>, Failure> {
    let versions = tx.rows(
        "SELECT v.profile, v.version, v.settings, 1, v.comment, v.made_by, v.made, p.logon_name \
         FROM profile_version v LEFT JOIN person p ON p.id = v.made_by \
         WHERE v.profile = $1 ORDER BY v.version DESC",
        &[name.into()],
        |row| {
            Ok(Version {
                profile: of_row(row)?.profile,
                comment: row.get(4)?,
                made_by: row.get(5)?,
                made: row.get(6)?,
                logon: row.get(7)?,
            })
        },
    )?;
    if versions.is_empty() {
        return Err(Refusal::Unknown { what: "profile" }.into());
    }
    Ok(versions)
}

fn of_row(row: &Row<'_>) -> Result<Current, StoreError> {
    let settings = serde_json::from_str(&row.get::<String>(2)?)
        .map_err(|why| StoreError::Unexpected(format!("settings of a profile: {why}")))?;
    Ok(Current {
        profile: Profile {
            name: row.get(0)?,
            version: row.get(1)?,
            settings,
        },
        enabled: row.get(3)?,
    })
}
