//! The groups of people: a tree.

use mdoc_core::crypto::CryptoRng;
use mdoc_core::time::Timestamp;

use super::exists;
use crate::domain::Refusal;
use crate::domain::id::{GroupId, PersonId};
use crate::domain::role::{Scope, Workflow};
use crate::store::{Tx, Value};
use crate::usecase::Failure;
use crate::usecase::audit::{self, Entry};
use crate::usecase::authority::{self, Actor};

/// The deepest that groups may be nested.
const DEEPEST: i64 = 32;

/// Adds a group below another one, or at the top, where the operator's scope reaches.
///
/// # Errors
/// [`Refusal::Exists`], [`Refusal::Unknown`] for the one above, [`Refusal::Field`] if it is too deep, or at the top and the
/// scope is not everybody.
pub fn add_group(
    tx: &mut Tx<'_>,
    actor: &Actor,
    now: Timestamp,
    (name, parent): (&str, Option<&GroupId>),
    rng: &mut dyn CryptoRng,
) -> Result<GroupId, Failure> {
    authority::permit(tx, actor, Workflow::EditPeople)?;
    Refusal::check_name("name", name, 128)?;
    group_is_there(tx, parent)?;
    if parent.is_none() && authority::scope(tx, actor, Workflow::EditPeople)? < Scope::All {
        let rule = "whoever sees to some people alone adds groups below a group of theirs";
        return Err(Refusal::field("parent", rule).into());
    }
    authority::permit_into(tx, actor, Workflow::EditPeople, parent)?;
    if let Some(parent) = parent {
        let depth: Option<i64> = tx.value(
            "WITH RECURSIVE above (id) AS ( SELECT CAST($1 AS TEXT) \
               UNION SELECT g.parent FROM person_group g JOIN above ON g.id = above.id WHERE g.parent IS NOT NULL \
             ) SELECT CAST(COUNT(*) AS BIGINT) FROM above",
            &[parent.into()],
        )?;
        if depth.unwrap_or_default() >= DEEPEST {
            return Err(Refusal::field("parent", "groups are nested 32 deep at most").into());
        }
    }
    let id = GroupId::random(rng);
    let added = tx.execute(
        "INSERT INTO person_group (id, parent, name) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        &[(&id).into(), parent.into(), name.into()],
    )?;
    if added == 0 {
        return Err(exists("group", "name", name));
    }
    audit::append(tx, actor, now, &Entry::new("group.add", ("group", id.as_str())))?;
    Ok(id)
}

/// A group of people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Its name for programs.
    pub id: GroupId,
    /// The one above it.
    pub parent: Option<GroupId>,
    /// Its name, which no other group below the same one has.
    pub name: String,
}

/// The groups that the operator's scope reaches, by name. What is above them is as invisible as what is beside.
///
/// # Errors
/// [`Refusal::NotGranted`].
pub fn groups(tx: &mut Tx<'_>, actor: &Actor) -> Result<Vec<Group>, Failure> {
    let scope = authority::scope(tx, actor, Workflow::ViewReports)?;
    // A query that has nothing else to say of.
    let below = authority::BELOW.replace("$4", "$1").replace("$5", "$2");
    let sql = format!(
        "{below} SELECT g.id, CASE WHEN $2 = 3 OR g.parent IN (SELECT id FROM below) THEN g.parent END, g.name \
         FROM person_group g WHERE $2 = 3 OR g.id IN (SELECT id FROM below) ORDER BY g.name, g.id",
    );
    let values: [Value<'_>; 2] = [
        actor.person().map_or("", PersonId::as_str).into(),
        authority::width(scope).into(),
    ];
    let groups = tx.rows(&sql, &values, |row| {
        Ok(Group {
            id: row.get(0)?,
            parent: row.get(1)?,
            name: row.get(2)?,
        })
    })?;
    Ok(groups)
}

/// The group at the end of a path of names from the top, with `/` between. Groups are made by name beforehand: a slip of
/// the pen makes none.
///
/// # Errors
/// [`Refusal::Unknown`].
pub fn group_at(tx: &mut Tx<'_>, path: &str) -> Result<Option<GroupId>, Failure> {
    let mut found: Option<GroupId> = None;
    for name in path.split('/') {
        let above = found.as_ref().map_or("", GroupId::as_str);
        let below: Option<GroupId> = tx.value(
            "SELECT id FROM person_group WHERE COALESCE(parent, '') = $1 AND name = $2",
            &[above.into(), name.into()],
        )?;
        found = Some(below.ok_or(Refusal::Unknown { what: "group" })?);
    }
    Ok(found)
}

pub(super) fn group_is_there(tx: &mut Tx<'_>, group: Option<&GroupId>) -> Result<(), Failure> {
    let Some(group) = group else { return Ok(()) };
    let found: Option<i64> = tx.value("SELECT 1 FROM person_group WHERE id = $1", &[group.into()])?;
    found
        .map(drop)
        .ok_or_else(|| Refusal::Unknown { what: "group" }.into())
}
