//! Roles, and who has them.

use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::caller::Machine;
use super::people::person;
use super::problem::{Answer, Body, Path, Problem, found};
use crate::domain::role::{Role, Scope, Workflow};
use crate::domain::scope::ApiScope;
use crate::usecase::roles;

/// What a role grants, and over whom.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RoleMembers {
    /// Over whom: `self`, `group`, `group-and-below`, `all`.
    #[schema(pattern = "^(self|group|group-and-below|all)$")]
    scope: String,
    /// What, as `RequestId`.
    workflows: Vec<String>,
}

/// A role.
#[derive(Serialize, ToSchema)]
pub(super) struct RoleAnswer {
    /// Its name.
    name: String,
    /// What it grants.
    role: RoleMembers,
}

impl From<Role> for RoleAnswer {
    fn from(role: Role) -> Self {
        Self {
            name: role.name,
            role: RoleMembers {
                scope: role.scope.name().to_owned(),
                workflows: role.workflows.iter().map(ToString::to_string).collect(),
            },
        }
    }
}

/// All roles, by name.
#[utoipa::path(
    get,
    path = "/roles",
    tag = "Roles",
    responses((status = 200, description = "The roles.", body = Vec<RoleAnswer>)),
    security(("machine" = ["roles"]))
)]
pub(super) async fn roles(machine: Machine) -> Result<Answer<Vec<RoleAnswer>>, Problem> {
    let roles = machine
        .read(ApiScope::Roles, |tx, actor, _| roles::list(tx, actor))
        .await?;
    Ok(found(roles.into_iter().map(RoleAnswer::from).collect()))
}

/// The roles of a person, by name.
#[utoipa::path(
    get,
    path = "/people/{id}/roles",
    tag = "Roles",
    params(("id" = String, Path, description = "The person.", max_length = 64)),
    responses((status = 200, description = "The roles.", body = Vec<RoleAnswer>)),
    security(("machine" = ["roles"]))
)]
pub(super) async fn of(machine: Machine, Path(id): Path<String>) -> Result<Answer<Vec<RoleAnswer>>, Problem> {
    let id = person(&id)?;
    let roles = machine
        .read(ApiScope::Roles, move |tx, actor, _| roles::of(tx, actor, &id))
        .await?;
    Ok(found(roles.into_iter().map(RoleAnswer::from).collect()))
}

/// Makes a role, or changes what it grants.
#[utoipa::path(
    put,
    path = "/roles/{name}",
    tag = "Roles",
    params(("name" = String, Path, description = "The role.", max_length = 64)),
    request_body = RoleMembers,
    responses((status = 204, description = "The role grants that.")),
    security(("machine" = ["roles"]))
)]
pub(super) async fn set(
    machine: Machine,
    Path(name): Path<String>,
    Body(members): Body<RoleMembers>,
) -> Result<StatusCode, Problem> {
    let scope = Scope::named(&members.scope);
    let workflow = |name: &String| {
        Workflow::named(name)
            .ok_or_else(|| Problem::field("workflows", &format!("there is no workflow {name:?}")))
    };
    let role = Role {
        name,
        scope: scope.ok_or_else(|| Problem::field("scope", "it is self, group, group-and-below or all"))?,
        workflows: members.workflows.iter().map(workflow).collect::<Result<_, _>>()?,
    };
    machine
        .write(ApiScope::Roles, move |tx, actor, now| {
            roles::set(tx, actor, now, &role)
        })
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Who has or is to have a role.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct PersonRole {
    /// The person.
    #[param(max_length = 64)]
    id: String,
    /// The role, by name.
    #[param(max_length = 64)]
    role: String,
}

/// Gives a role to a person; nobody gives one to themself.
#[utoipa::path(
    put,
    path = "/people/{id}/roles/{role}",
    tag = "Roles",
    params(PersonRole),
    responses((status = 204, description = "The person has the role.")),
    security(("machine" = ["roles"]))
)]
pub(super) async fn grant(machine: Machine, Path(asked): Path<PersonRole>) -> Result<StatusCode, Problem> {
    let id = person(&asked.id)?;
    machine
        .write(ApiScope::Roles, move |tx, actor, now| {
            roles::grant(tx, actor, now, (&asked.role, &id))
        })
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes a role from a person.
#[utoipa::path(
    delete,
    path = "/people/{id}/roles/{role}",
    tag = "Roles",
    params(PersonRole),
    responses((status = 204, description = "The person has the role no more.")),
    security(("machine" = ["roles"]))
)]
pub(super) async fn withdraw(machine: Machine, Path(asked): Path<PersonRole>) -> Result<StatusCode, Problem> {
    let id = person(&asked.id)?;
    machine
        .write(ApiScope::Roles, move |tx, actor, now| {
            roles::withdraw(tx, actor, now, (&asked.role, &id))
        })
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
