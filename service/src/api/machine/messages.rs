//! What people were sent: whether it went out, and never what it says.

use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::caller::Machine;
use super::people::person;
use super::problem::{Answer, Path, Problem, Query, found, page};
use crate::domain::id::MessageId;
use crate::domain::scope::ApiScope;
use crate::usecase::outbox::{self, Message, Stage};

/// A message. What it says is not kept for anybody to read.
#[derive(Serialize, ToSchema)]
pub(super) struct MessageAnswer {
    /// Its name.
    id: String,
    /// The id of the person to whom it is.
    person: String,
    /// The serial of the document of which it tells.
    document: Option<String>,
    /// What it tells: `address` (where the document is collected), `code` (the code for that), `update`.
    #[schema(example = "address")]
    notice: &'static str,
    /// How it goes: `mail` or `sms`.
    #[schema(example = "mail")]
    channel: &'static str,
    /// Where it is: `waiting`, `taken`, `handing-over`, `sent`, `failed`, `uncertain` or `withdrawn`.
    #[schema(example = "sent")]
    stage: &'static str,
    /// How often it was tried.
    tries: i64,
    /// When it was written down (RFC 3339).
    #[schema(format = DateTime)]
    created: String,
    /// When it is tried next, if it waits (RFC 3339).
    #[schema(format = DateTime)]
    due: Option<String>,
    /// Why it did not go out the last time.
    why: Option<String>,
}

impl From<Message> for MessageAnswer {
    fn from(message: Message) -> Self {
        let waits = message.stage == Stage::Waiting;
        Self {
            id: message.id.to_string(),
            person: message.person.to_string(),
            document: message.document.map(|serial| serial.to_string()),
            notice: message.notice.name(),
            channel: message.channel.name(),
            stage: message.stage.name(),
            tries: message.tries,
            created: message.created.to_string(),
            due: waits.then(|| message.due.to_string()),
            why: message.why,
        }
    }
}

/// Which messages.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct MessageParameters {
    /// Where they are, as `failed`; anywhere if not given.
    #[serde(default)]
    stage: Option<String>,
    /// To whom, by the id of the person; to all in scope if not given.
    #[serde(default)]
    person: Option<String>,
    /// The id of the last message of the page before.
    #[serde(default)]
    after: Option<String>,
    /// The most that is wanted.
    #[param(minimum = 1, maximum = 500)]
    #[serde(default = "page")]
    limit: u32,
}

fn message(text: &str) -> Result<MessageId, Problem> {
    MessageId::given(text).ok_or_else(|| Problem::unknown("message"))
}

/// Messages to people in scope, the newest first.
#[utoipa::path(
    get,
    path = "/messages",
    tag = "Messages",
    params(MessageParameters),
    responses((status = 200, description = "The messages.", body = Vec<MessageAnswer>)),
    security(("machine" = ["documents.read"]))
)]
pub(super) async fn list(
    machine: Machine,
    Query(asked): Query<MessageParameters>,
) -> Result<Answer<Vec<MessageAnswer>>, Problem> {
    let none = || Problem::field("stage", "there is no such stage");
    let stage = asked.stage.as_deref();
    let stage = stage
        .map(|name| Stage::named(name).ok_or_else(none))
        .transpose()?;
    let person = asked.person.as_deref().map(person).transpose()?;
    let after = asked.after.as_deref().map(message).transpose()?;
    let messages = machine
        .read(ApiScope::DocumentsRead, move |tx, actor, _| {
            let wanted = (stage, person.as_ref(), after.as_ref(), asked.limit);
            outbox::list(tx, actor, wanted)
        })
        .await?;
    Ok(found(messages.into_iter().map(MessageAnswer::from).collect()))
}

/// Has a message sent again that failed, or of which nobody knows whether it went out.
#[utoipa::path(
    post,
    path = "/messages/{id}/again",
    tag = "Messages",
    params(("id" = String, Path, description = "The message.", max_length = 64)),
    responses((status = 204, description = "It is sent again, by a service that runs.")),
    security(("machine" = ["documents.write"]))
)]
pub(super) async fn again(machine: Machine, Path(text): Path<String>) -> Result<StatusCode, Problem> {
    let id = message(&text)?;
    machine
        .write(ApiScope::DocumentsWrite, move |tx, actor, now| {
            outbox::again(tx, actor, now, &id)
        })
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
