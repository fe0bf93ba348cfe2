//! What is kept of a person: written down for the person, and erased.

use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::person;
use crate::api::Shared;
use crate::api::machine::caller::Machine;
use crate::api::machine::problem::{Answer, Body, Path, Problem, found};
use crate::domain::scope::ApiScope;
use crate::usecase::people::{self, Trail};

/// Everything that is kept of a person, for the person: no secret, and no content of messages. Of what the person did to others
/// there is what and when, and nothing more. It is noted in the audit trail that it was read. One at a time: the whole trail is
/// looked through.
#[utoipa::path(
    get,
    path = "/people/{id}/export",
    tag = "People",
    params(("id" = String, Path, description = "The person.", max_length = 64)),
    responses((status = 200, description = "An object with a member for each kind of thing.", body = Object)),
    security(("machine" = ["people.kept"]))
)]
pub(in crate::api::machine) async fn export(
    State(service): Shared,
    machine: Machine,
    Path(id): Path<String>,
) -> Result<Answer<Value>, Problem> {
    let Ok(_alone) = service.exports.try_acquire() else {
        return Err(Problem::unavailable());
    };
    let id = person(&id)?;
    let whose = id.clone();
    machine
        .clone()
        .write(ApiScope::PeopleKept, move |tx, actor, now| {
            people::export_one(tx, actor, now, &whose)
        })
        .await?;
    let all = machine
        .read(ApiScope::PeopleKept, move |tx, actor, _| {
            people::exported(tx, actor, (&id, Trail::OfThePerson))
        })
        .await?;
    Ok(found(all))
}

/// That a person is meant to be erased.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api::machine) struct ErasureRequest {
    /// The logon name of the person, once more.
    #[schema(max_length = 256, min_length = 1)]
    confirm: String,
}

/// Erases a person, for good. No document of the person is open: they are cancelled or rejected before. What stays says what was
/// done when, and nothing of who that was.
#[utoipa::path(
    post,
    path = "/people/{id}/erase",
    tag = "People",
    params(("id" = String, Path, description = "The person.", max_length = 64)),
    request_body = ErasureRequest,
    responses((status = 204, description = "Nothing is kept of the person any more.")),
    security(("machine" = ["people.kept"]))
)]
pub(in crate::api::machine) async fn erase(
    machine: Machine,
    Path(id): Path<String>,
    Body(asked): Body<ErasureRequest>,
) -> Result<StatusCode, Problem> {
    let id = person(&id)?;
    machine
        .write(ApiScope::PeopleKept, move |tx, actor, now| {
            people::erase_one(tx, actor, now, (&id, &asked.confirm))
        })
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
