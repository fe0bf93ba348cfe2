//! Roles, and who has them.

use mdoc_core::time::Timestamp;
use serde_json::json;

use super::Failure;
use super::audit::{self, Entry};
use super::authority::{self, Actor};
use crate::domain::Refusal;
use crate::domain::id::PersonId;
use crate::domain::role::{Role, Scope, Workflow};
use crate::store::Tx;

/// All roles, by name.
///
/// # Errors
/// [`Refusal::NotGranted`].
pub fn list(tx: &mut Tx<'_>, actor: &Actor) -> Result<Vec<Role>, Failure> {
    authority::permit(tx, actor, Workflow::EditRoles)?;
    let rows = tx.rows(
        "SELECT name, scope, workflows FROM role ORDER BY name",
        &[],
        |row| {
            authority::role(
                &row.get::<String>(0)?,
                &row.get::<String>(1)?,
                &row.get::<String>(2)?,
            )
        },
    )?;
    Ok(rows)
}

/// The roles of a person, by name.
///
/// # Errors
/// [`Refusal::NotGranted`]; [`Refusal::Unknown`] for a person who is out of scope.
pub fn of(tx: &mut Tx<'_>, actor: &Actor, person: &PersonId) -> Result<Vec<Role>, Failure> {
    authority::permit_for(tx, actor, Workflow::EditRoles, person)?;
    super::people::read(tx, person)?;
    Ok(authority::roles_of(tx, person)?)
}

/// Makes a role, or changes what it grants.
///
/// # Errors
/// [`Refusal::Field`] if the name cannot be one, [`Refusal::NotGranted`].
pub fn set(tx: &mut Tx<'_>, actor: &Actor, now: Timestamp, role: &Role) -> Result<(), Failure> {
    // What a role grants, it grants to everybody who has it.
    if authority::scope(tx, actor, Workflow::EditRoles)? < Scope::All {
        let workflow = Workflow::EditRoles;
        return Err(Refusal::NotGranted { workflow }.into());
    }
    if let Some(person) = actor.person()
        && authority::roles_of(tx, person)?
            .iter()
            .any(|own| own.name == role.name)
    {
        return Err(Refusal::field("name", "nobody changes a role of their own").into());
    }
    let name = role.name.as_str();
    Refusal::check_name("name", name, 64)?;
    let workflows: Vec<&str> = role.workflows.iter().map(|workflow| workflow.name()).collect();
    let before = tx.row(
        "SELECT scope, workflows FROM role WHERE name = $1 FOR UPDATE",
        &[name.into()],
        |row| {
            let workflows: String = row.get(1)?;
            let workflows: Vec<&str> = workflows.split_ascii_whitespace().collect();
            Ok(json!({ "scope": row.get::<String>(0)?, "workflows": workflows }))
        },
    )?;
    tx.execute(
        "INSERT INTO role (name, scope, workflows) VALUES ($1, $2, $3) \
         ON CONFLICT (name) DO UPDATE SET scope = $2, workflows = $3",
        &[
            name.into(),
            role.scope.name().into(),
            (&workflows.join(" ")).into(),
        ],
    )?;
    let after = json!({ "scope": role.scope.name(), "workflows": workflows });
    audit::append(
        tx,
        actor,
        now,
        &Entry::new("role.set", ("role", name)).change(before.unwrap_or_default(), after),
    )?;
    Ok(())
}

/// Gives a role to a person. Nobody gives one to themself.
///
/// # Errors
/// [`Refusal::Unknown`] for role or person, [`Refusal::NotGranted`], [`Refusal::Field`] for oneself.
pub fn grant(
    tx: &mut Tx<'_>,
    actor: &Actor,
    now: Timestamp,
    (role, person): (&str, &PersonId),
) -> Result<(), Failure> {
    authority::permit_for(tx, actor, Workflow::EditRoles, person)?;
    if actor.person() == Some(person) {
        return Err(Refusal::field("person", "nobody gives a role to themself").into());
    }
    super::people::hold(tx, person)?;
    let reach: Option<String> = tx.value("SELECT scope FROM role WHERE name = $1", &[role.into()])?;
    let reach = reach.ok_or(Refusal::Unknown { what: "role" })?;
    // A role that reaches further than who gives it would be a way out of the scope, by a friend.
    if Scope::named(&reach) > Some(authority::scope(tx, actor, Workflow::EditRoles)?) {
        let workflow = Workflow::EditRoles;
        return Err(Refusal::NotGranted { workflow }.into());
    }
    let added = tx.execute(
        "INSERT INTO person_role (person, role) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        &[person.into(), role.into()],
    )?;
    if added > 0 {
        let entry = Entry::new("role.grant", ("person", person.as_str()));
        audit::append(
            tx,
            actor,
            now,
            &entry.change(serde_json::Value::Null, json!({ "role": role })),
        )?;
    }
    Ok(())
}

/// Takes a role from a person.
///
/// # Errors
/// [`Refusal::Unknown`] if the person does not have it, [`Refusal::NotGranted`].
pub fn withdraw(
    tx: &mut Tx<'_>,
    actor: &Actor,
    now: Timestamp,
    (role, person): (&str, &PersonId),
) -> Result<(), Failure> {
    authority::permit_for(tx, actor, Workflow::EditRoles, person)?;
    let taken = tx.execute(
        "DELETE FROM person_role WHERE person = $1 AND role = $2",
        &[person.into(), role.into()],
    )?;
    if taken == 0 {
        return Err(Refusal::Unknown { what: "role" }.into());
    }
    let entry = Entry::new("role.withdraw", ("person", person.as_str()));
    audit::append(
        tx,
        actor,
        now,
        &entry.change(json!({ "role": role }), serde_json::Value::Null),
    )?;
    Ok(())
}
