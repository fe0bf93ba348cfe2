//! Groups of people.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::caller::Machine;
use super::problem::{Answer, Body, Problem, found, made};
use crate::domain::id::GroupId;
use crate::domain::scope::ApiScope;
use crate::random;
use crate::usecase::people::{self as registry, Group};

/// A new group.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewGroup {
    /// Its name, which no other group below the same one has.
    #[schema(max_length = 128, min_length = 1)]
    name: String,
    /// The id of the group above it; none for one at the top.
    #[serde(default)]
    parent: Option<String>,
}

/// A group of people.
#[derive(Serialize, ToSchema)]
pub(super) struct GroupAnswer {
    /// Its id.
    id: String,
    /// Its name.
    name: String,
    /// The id of the group above it.
    parent: Option<String>,
}

impl From<Group> for GroupAnswer {
    fn from(group: Group) -> Self {
        Self {
            id: group.id.to_string(),
            name: group.name,
            parent: group.parent.map(|parent| parent.to_string()),
        }
    }
}

/// The groups that the operator's scope reaches, by name.
#[utoipa::path(
    get,
    path = "/groups",
    tag = "People",
    responses((status = 200, description = "The groups.", body = Vec<GroupAnswer>)),
    security(("machine" = ["people.read"]))
)]
pub(super) async fn groups(machine: Machine) -> Result<Answer<Vec<GroupAnswer>>, Problem> {
    let groups = machine
        .read(ApiScope::PeopleRead, |tx, actor, _| registry::groups(tx, actor))
        .await?;
    Ok(found(groups.into_iter().map(GroupAnswer::from).collect()))
}

/// Adds a group.
#[utoipa::path(
    post,
    path = "/groups",
    tag = "People",
    request_body = NewGroup,
    responses((status = 201, description = "The group.", body = GroupAnswer)),
    security(("machine" = ["people.write"]))
)]
pub(super) async fn add(
    machine: Machine,
    Body(group): Body<NewGroup>,
) -> Result<Answer<GroupAnswer>, Problem> {
    let parent = match &group.parent {
        None => None,
        Some(parent) => Some(GroupId::given(parent).ok_or_else(|| Problem::unknown("group"))?),
    };
    let added = machine
        .write(ApiScope::PeopleWrite, move |tx, actor, now| {
            let id = registry::add_group(
                tx,
                actor,
                now,
                (&group.name, parent.as_ref()),
                &mut random::system(),
            )?;
            Ok(Group {
                id,
                parent: parent.clone(),
                name: group.name.clone(),
            })
        })
        .await?;
    Ok(made(added.into()))
}
