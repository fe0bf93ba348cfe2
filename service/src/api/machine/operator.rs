//! Who asks, and what that operator may do: for pages that show what there is to do.

use serde::Serialize;
use utoipa::ToSchema;

use super::caller::Machine;
use super::problem::{Answer, Problem, found};
use super::roles::RoleAnswer;
use crate::domain::Refusal;
use crate::domain::scope::ApiScope;
use crate::usecase::{authority, people};

/// Whoever asks.
#[derive(Serialize, ToSchema)]
pub(super) struct OperatorAnswer {
    /// The id of the person.
    id: String,
    /// The name to sign in by.
    logon_name: String,
    /// Given name.
    given_name: String,
    /// Family name.
    family_name: String,
    /// The machine, if it is one that acts in the operator's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    machine: Option<String>,
    /// The operator's roles, by name.
    roles: Vec<RoleAnswer>,
}

/// Says who asks.
#[utoipa::path(
    get,
    path = "/operator",
    tag = "Roles",
    responses((status = 200, description = "The operator.", body = OperatorAnswer)),
    security(("machine" = ["people.read"]))
)]
pub(super) async fn operator(machine: Machine) -> Result<Answer<OperatorAnswer>, Problem> {
    let answer = machine.read(ApiScope::PeopleRead, |tx, actor, _| {
        let id = actor.person().ok_or(Refusal::OperatorSession)?;
        let details = people::read(tx, id)?.details;
        Ok(OperatorAnswer {
            id: id.to_string(),
            logon_name: details.logon_name,
            given_name: details.given_name,
            family_name: details.family_name,
            machine: actor.client().map(ToString::to_string),
            roles: authority::roles_of(tx, id)?
                .into_iter()
                .map(RoleAnswer::from)
                .collect(),
        })
    });
    Ok(found(answer.await?))
}
