//! People.

mod kept;

pub(super) use self::kept::*;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

use super::caller::Machine;
use super::documents::DocumentAnswer;
use super::problem::{Answer, Body, Path, Problem, Query, found, made, page};
use crate::domain::id::{GroupId, PersonId};
use crate::domain::person::{Details, Person};
use crate::domain::scope::ApiScope;
use crate::random;
use crate::usecase::document;
use crate::usecase::people::{self as registry, Search};

/// What is known of a person, besides the photograph.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PersonMembers {
    /// The name to sign in with; nobody else has it, whatever the size of its letters.
    #[schema(max_length = 256, min_length = 1)]
    logon_name: String,
    /// Given names; empty of somebody who was erased, and of nobody else.
    #[schema(max_length = 256)]
    given_name: String,
    /// Family name; the same.
    #[schema(max_length = 256)]
    family_name: String,
    /// Address of electronic mail.
    #[serde(default)]
    email: Option<String>,
    /// Number of the mobile phone: + and 7 to 15 digits.
    #[serde(default)]
    mobile_phone: Option<String>,
    /// Employee number; the next free one if a person is added without it.
    #[serde(default)]
    employee_number: Option<String>,
    /// The group, by its id.
    #[serde(default)]
    group: Option<String>,
    /// What another system calls the person.
    #[serde(default)]
    external_id: Option<String>,
    /// Somebody looked at the data and found them right. A change of what documents are made of takes that away; a further
    /// change gives it again.
    #[serde(default)]
    user_data_approved: bool,
    /// Whatever documents need besides, by the names that their formats use.
    #[serde(default)]
    #[schema(value_type = Object)]
    attributes: Map<String, Value>,
}

/// A change of a person: all members, and the version that was read.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PersonChange {
    /// The version that was read: a change that somebody else made meanwhile is not overwritten.
    version: i64,
    /// All members, as they are to be.
    person: PersonMembers,
}

/// A person.
#[derive(Serialize, ToSchema)]
pub(super) struct PersonAnswer {
    /// The registry's name for the person.
    id: String,
    /// Counts the changes.
    version: i64,
    /// The members.
    person: PersonMembers,
}

impl PersonMembers {
    fn details(self) -> Result<(Details, Option<String>), Problem> {
        let group = match self.group {
            None => None,
            Some(group) => Some(GroupId::given(&group).ok_or_else(|| Problem::unknown("group"))?),
        };
        let details = Details {
            logon_name: self.logon_name,
            given_name: self.given_name,
            family_name: self.family_name,
            email: self.email,
            mobile_phone: self.mobile_phone,
            group,
            external_id: self.external_id,
            user_data_approved: self.user_data_approved,
            attributes: self.attributes,
        };
        Ok((details, self.employee_number))
    }
}

impl From<Person> for PersonAnswer {
    fn from(person: Person) -> Self {
        let details = person.details;
        Self {
            id: person.id.to_string(),
            version: person.version,
            person: PersonMembers {
                logon_name: details.logon_name,
                given_name: details.given_name,
                family_name: details.family_name,
                email: details.email,
                mobile_phone: details.mobile_phone,
                employee_number: Some(person.employee_number),
                group: details.group.map(|group| group.to_string()),
                external_id: details.external_id,
                user_data_approved: details.user_data_approved,
                attributes: details.attributes,
            },
        }
    }
}

/// Who is looked for.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct SearchParameters {
    /// Part of a name, number or address; everybody if empty.
    #[serde(default)]
    text: String,
    /// The id of the last person of the page before.
    #[serde(default)]
    after: Option<String>,
    /// The most that is wanted.
    #[param(minimum = 1, maximum = 500)]
    #[serde(default = "page")]
    limit: u32,
}

pub(super) fn person(id: &str) -> Result<PersonId, Problem> {
    PersonId::given(id).ok_or_else(|| Problem::unknown("person"))
}

/// People by family name and given name.
#[utoipa::path(
    get,
    path = "/people",
    tag = "People",
    params(SearchParameters),
    responses((status = 200, description = "People in scope.", body = Vec<PersonAnswer>)),
    security(("machine" = ["people.read"]))
)]
pub(super) async fn search(
    machine: Machine,
    Query(asked): Query<SearchParameters>,
) -> Result<Answer<Vec<PersonAnswer>>, Problem> {
    let search = Search {
        text: asked.text,
        after: asked.after.as_deref().map(person).transpose()?,
        limit: asked.limit,
    };
    let people = machine
        .read(ApiScope::PeopleRead, move |tx, actor, _| {
            registry::search(tx, actor, &search)
        })
        .await?;
    Ok(found(people.into_iter().map(PersonAnswer::from).collect()))
}

/// Adds a person.
#[utoipa::path(
    post,
    path = "/people",
    tag = "People",
    request_body = PersonMembers,
    responses((status = 201, description = "The person.", body = PersonAnswer)),
    security(("machine" = ["people.write"]))
)]
pub(super) async fn add(
    machine: Machine,
    Body(members): Body<PersonMembers>,
) -> Result<Answer<PersonAnswer>, Problem> {
    let (details, number) = members.details()?;
    let person = machine
        .write(ApiScope::PeopleWrite, move |tx, actor, now| {
            registry::add(
                tx,
                actor,
                now,
                (&details, number.as_deref()),
                &mut random::system(),
            )
        })
        .await?;
    Ok(made(person.into()))
}

/// A person.
#[utoipa::path(
    get,
    path = "/people/{id}",
    tag = "People",
    params(("id" = String, Path, description = "The person.", max_length = 64)),
    responses((status = 200, description = "The person.", body = PersonAnswer)),
    security(("machine" = ["people.read"]))
)]
pub(super) async fn get(machine: Machine, Path(id): Path<String>) -> Result<Answer<PersonAnswer>, Problem> {
    let id = person(&id)?;
    let person = machine
        .read(ApiScope::PeopleRead, move |tx, actor, _| {
            registry::get(tx, actor, &id)
        })
        .await?;
    Ok(found(person.into()))
}

/// Changes a person, if nobody else did since the version that was read.
#[utoipa::path(
    put,
    path = "/people/{id}",
    tag = "People",
    params(("id" = String, Path, description = "The person.", max_length = 64)),
    request_body = PersonChange,
    responses((status = 200, description = "The person.", body = PersonAnswer)),
    security(("machine" = ["people.write"]))
)]
pub(super) async fn change(
    machine: Machine,
    Path(id): Path<String>,
    Body(change): Body<PersonChange>,
) -> Result<Answer<PersonAnswer>, Problem> {
    let id = person(&id)?;
    let (details, number) = change.person.details()?;
    let version = change.version;
    let person = machine
        .write(ApiScope::PeopleWrite, move |tx, actor, now| {
            let before = registry::get(tx, actor, &id)?;
            let person = Person {
                id: id.clone(),
                details: details.clone(),
                employee_number: number.clone().unwrap_or(before.employee_number),
                version,
            };
            registry::change(tx, actor, now, &person)
        })
        .await?;
    Ok(found(person.into()))
}

/// The documents of a person, current and previous ones, the newest first.
#[utoipa::path(
    get,
    path = "/people/{id}/documents",
    tag = "People",
    params(("id" = String, Path, description = "The person.", max_length = 64)),
    responses((status = 200, description = "The documents.", body = Vec<DocumentAnswer>)),
    security(("machine" = ["documents.read"]))
)]
pub(super) async fn documents(
    machine: Machine,
    Path(id): Path<String>,
) -> Result<Answer<Vec<DocumentAnswer>>, Problem> {
    let id = person(&id)?;
    let documents = machine
        .read(ApiScope::DocumentsRead, move |tx, actor, _| {
            document::of_person(tx, actor, &id)
        })
        .await?;
    Ok(found(documents.iter().map(DocumentAnswer::from).collect()))
}
