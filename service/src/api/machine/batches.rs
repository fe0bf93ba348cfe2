//! Batches: something is done to many documents, or for many people, and one sees how far it is.

use std::collections::BTreeMap;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::caller::Machine;
use super::documents::DeliveryWish;
use super::problem::{Answer, Body, Path, Problem, Query, found, made, page};
use crate::api::Shared;
use crate::domain::batch::{Operation, RowState};
use crate::domain::id::{BatchId, GroupId};
use crate::domain::scope::ApiScope;
use crate::random;
use crate::usecase::batch::{self, Batch, Plan, Row};
use crate::usecase::reports::{Report, Wanted};

/// Their addresses.
pub(super) fn routes() -> OpenApiRouter<std::sync::Arc<crate::service::Service>> {
    OpenApiRouter::new()
        .routes(routes!(list, begin))
        .routes(routes!(get))
        .routes(routes!(confirm))
        .routes(routes!(stop))
        .routes(routes!(rows))
}

/// What is done to each.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum OperationName {
    /// Documents are made anew.
    Update,
    /// They are made anew for another lifetime.
    Renew,
    /// They are switched off; it needs a reason.
    Disable,
    /// They are switched on again; it needs a reason.
    Enable,
    /// They are cancelled for good; it needs a reason.
    Cancel,
    /// Their cancellation is asked for; it needs a reason.
    RequestCancel,
    /// A document is requested for each person.
    Request,
}

impl From<OperationName> for Operation {
    fn from(name: OperationName) -> Self {
        match name {
            OperationName::Update => Self::Update,
            OperationName::Renew => Self::Renew,
            OperationName::Disable => Self::Disable,
            OperationName::Enable => Self::Enable,
            OperationName::Cancel => Self::Cancel,
            OperationName::RequestCancel => Self::RequestCancel,
            OperationName::Request => Self::Request,
        }
    }
}

/// A new batch: what is done, and to which. Exactly one of `serials`, `filters`, `people` and `group` is given.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewBatch {
    /// What is done.
    operation: OperationName,
    /// Why, of the list that the move has.
    #[serde(default)]
    reason: Option<String>,
    /// In words.
    #[serde(default)]
    #[schema(max_length = 1000)]
    notes: Option<String>,
    /// Of which profile documents are requested.
    #[serde(default)]
    profile: Option<String>,
    /// How those are to reach the people; as the profile says if not given.
    #[serde(default)]
    delivery: Option<DeliveryWish>,
    /// The documents, by serial.
    #[serde(default)]
    #[schema(max_items = 10_000)]
    serials: Option<Vec<String>>,
    /// All documents in scope of which this holds, by the filters of the report of documents; current ones alone if nothing is
    /// said of `current` or `state`.
    #[serde(default)]
    filters: Option<BTreeMap<String, String>>,
    /// The people for whom documents are requested, by id.
    #[serde(default)]
    #[schema(max_items = 10_000)]
    people: Option<Vec<String>>,
    /// All people in scope in this group and below it, by the id of the group.
    #[serde(default)]
    group: Option<String>,
}

/// What is selected.
enum Selection {
    Named(Vec<String>),
    Documents(Box<Wanted>),
    Members(GroupId),
}

/// A batch, and how far it is.
#[derive(Serialize, ToSchema)]
pub(super) struct BatchAnswer {
    /// Its id.
    id: String,
    /// What is done.
    #[schema(example = "cancel")]
    operation: &'static str,
    /// Why.
    reason: Option<String>,
    /// In words.
    notes: Option<String>,
    /// Of which profile documents are requested.
    profile: Option<String>,
    /// Where it is: `selecting`, `waiting` for its confirmation, `running`, `done`, `stopped`.
    #[schema(example = "running")]
    state: &'static str,
    /// Who made it, by id; nobody if the service itself did.
    by: Option<String>,
    /// How many rows it has.
    total: i64,
    /// How many nobody has yet.
    pending: i64,
    /// How many are being done.
    in_progress: i64,
    /// How many are done.
    completed: i64,
    /// How many were refused.
    failed: i64,
    /// When it was made (RFC 3339).
    #[schema(format = DateTime)]
    created: String,
    /// When it was confirmed (RFC 3339).
    #[schema(format = DateTime)]
    confirmed: Option<String>,
    /// When it was done or stopped (RFC 3339).
    #[schema(format = DateTime)]
    ended: Option<String>,
}

impl From<Batch> for BatchAnswer {
    fn from(batch: Batch) -> Self {
        Self {
            id: batch.id.to_string(),
            operation: batch.plan.operation.name(),
            state: batch.stage.name(),
            by: batch.by.as_ref().map(ToString::to_string),
            total: batch.total,
            pending: batch.pending(),
            in_progress: batch.in_progress,
            completed: batch.completed,
            failed: batch.failed,
            created: batch.created.to_string(),
            confirmed: batch.confirmed.map(|at| at.to_string()),
            ended: batch.ended.map(|at| at.to_string()),
            reason: batch.plan.reason,
            notes: batch.plan.notes,
            profile: batch.plan.profile,
        }
    }
}

/// Makes a batch: everything is selected, and nothing is done until it is confirmed by the number of its rows. What nobody
/// confirms in a day is forgotten.
#[utoipa::path(
    post,
    path = "/batches",
    tag = "Batches",
    request_body = NewBatch,
    responses((status = 201, description = "The batch, which waits for its confirmation.", body = BatchAnswer)),
    security(("machine" = ["documents.write"]))
)]
pub(super) async fn begin(
    State(service): Shared,
    machine: Machine,
    Body(asked): Body<NewBatch>,
) -> Result<Answer<BatchAnswer>, Problem> {
    let operation = Operation::from(asked.operation);
    let selection = match (asked.serials, asked.filters, asked.people, asked.group) {
        (Some(named), None, None, None) if operation != Operation::Request => Selection::Named(named),
        (None, None, Some(named), None) if operation == Operation::Request => Selection::Named(named),
        (None, Some(filters), None, None) if operation != Operation::Request => {
            let mut wanted = Wanted::new(Report::Documents, service.now());
            for (name, text) in filters {
                wanted.filter(&name, &text)?;
            }
            Selection::Documents(Box::new(wanted))
        }
        (None, None, None, Some(group)) if operation == Operation::Request => {
            Selection::Members(GroupId::given(&group).ok_or_else(|| Problem::unknown("group"))?)
        }
        _ => {
            let rule = "a batch of documents has either serials or filters, one of requests either people or a group";
            return Err(Problem::field("operation", rule));
        }
    };
    let plan = Plan {
        operation,
        reason: asked.reason,
        notes: asked.notes,
        profile: asked.profile,
        delivery: asked.delivery.map(Into::into),
    };
    let scope = ApiScope::DocumentsWrite;
    let begun = machine.clone().write(scope, move |tx, actor, now| {
        batch::begin(tx, actor, now, &plan, &mut random::system())
    });
    let id = begun.await?;
    let selected = select(&machine, (&id, operation), selection).await;
    let batch = id.clone();
    let ready = match selected {
        Ok(()) => {
            let ready = machine
                .clone()
                .write(scope, move |tx, actor, _| batch::ready(tx, actor, &batch));
            ready.await
        }
        Err(why) => Err(why),
    };
    if ready.is_err() {
        // Nobody was told of it: it goes by itself, and at once it is nothing that could be confirmed.
        let stopped = machine.write(scope, move |tx, actor, now| batch::stop(tx, actor, now, &id));
        let _already_refused = stopped.await;
    }
    Ok(made(ready?.into()))
}

async fn select(
    machine: &Machine,
    (id, operation): (&BatchId, Operation),
    selection: Selection,
) -> Result<(), Problem> {
    let scope = ApiScope::DocumentsWrite;
    let add = async |objects: Vec<String>| {
        for part in objects.chunks(batch::AT_ONCE.into()) {
            let (id, part) = (id.clone(), part.to_vec());
            let added = machine
                .clone()
                .write(scope, move |tx, actor, _| batch::add(tx, actor, &id, &part));
            added.await?;
        }
        Ok::<_, Problem>(())
    };
    match selection {
        Selection::Named(named) => add(named).await?,
        Selection::Documents(mut wanted) => loop {
            let asked = wanted.clone();
            let part = machine.clone().read(scope, move |tx, actor, _| {
                batch::documents(tx, actor, (operation, &asked))
            });
            let part = part.await?;
            add(part.objects).await?;
            match part.next {
                Some(next) => wanted.after(next),
                None => break,
            }
        },
        Selection::Members(group) => {
            let mut after = None;
            loop {
                let group = group.clone();
                let part = machine.clone().read(scope, move |tx, actor, _| {
                    batch::members(tx, actor, (&group, after.as_deref()))
                });
                let part = part.await?;
                add(part.objects).await?;
                after = part.next;
                if after.is_none() {
                    break;
                }
            }
        }
    }
    Ok(())
}

/// Which batches.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct ListParameters {
    /// The id of the last batch of the page before.
    #[serde(default)]
    after: Option<String>,
    /// The most that is wanted.
    #[param(minimum = 1, maximum = 500)]
    #[serde(default = "page")]
    limit: u32,
}

/// Batches, the newest first: the operator's own, or all for who sees reports of everybody.
#[utoipa::path(
    get,
    path = "/batches",
    tag = "Batches",
    params(ListParameters),
    responses((status = 200, description = "Batches.", body = Vec<BatchAnswer>)),
    security(("machine" = ["documents.read"]))
)]
pub(super) async fn list(
    machine: Machine,
    Query(asked): Query<ListParameters>,
) -> Result<Answer<Vec<BatchAnswer>>, Problem> {
    let after = asked.after.as_deref().map(id).transpose()?;
    let batches = machine
        .read(ApiScope::DocumentsRead, move |tx, actor, _| {
            batch::list(tx, actor, (after.as_ref(), asked.limit))
        })
        .await?;
    Ok(found(batches.into_iter().map(BatchAnswer::from).collect()))
}

fn id(text: &str) -> Result<BatchId, Problem> {
    BatchId::given(text).ok_or_else(|| Problem::unknown("batch"))
}

/// A batch, and how far it is at this moment.
#[utoipa::path(
    get,
    path = "/batches/{id}",
    tag = "Batches",
    params(("id" = String, Path, description = "The batch.", max_length = 64)),
    responses((status = 200, description = "The batch.", body = BatchAnswer)),
    security(("machine" = ["documents.read"]))
)]
pub(super) async fn get(machine: Machine, Path(text): Path<String>) -> Result<Answer<BatchAnswer>, Problem> {
    let id = id(&text)?;
    let batch = machine
        .read(ApiScope::DocumentsRead, move |tx, actor, _| {
            batch::get(tx, actor, &id)
        })
        .await?;
    Ok(found(batch.into()))
}

/// The confirmation of a batch.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Confirmation {
    /// How many rows it has, as whoever confirms saw it.
    #[schema(minimum = 1, maximum = 1_000_000)]
    count: i64,
}

/// Confirms a batch by the number of its rows. It is done then, by whichever node has time, and survives restarts.
#[utoipa::path(
    post,
    path = "/batches/{id}/confirm",
    tag = "Batches",
    params(("id" = String, Path, description = "The batch.", max_length = 64)),
    request_body = Confirmation,
    responses((status = 200, description = "The batch, which runs.", body = BatchAnswer)),
    security(("machine" = ["documents.write"]))
)]
pub(super) async fn confirm(
    machine: Machine,
    Path(text): Path<String>,
    Body(asked): Body<Confirmation>,
) -> Result<Answer<BatchAnswer>, Problem> {
    let id = id(&text)?;
    let batch = machine
        .write(ApiScope::DocumentsWrite, move |tx, actor, now| {
            batch::confirm(tx, actor, now, (&id, asked.count))
        })
        .await?;
    Ok(found(batch.into()))
}

/// Stops a batch: what is done stays so, what is pending is not done.
#[utoipa::path(
    post,
    path = "/batches/{id}/stop",
    tag = "Batches",
    params(("id" = String, Path, description = "The batch.", max_length = 64)),
    responses((status = 200, description = "The batch, which is stopped.", body = BatchAnswer)),
    security(("machine" = ["documents.write"]))
)]
pub(super) async fn stop(machine: Machine, Path(text): Path<String>) -> Result<Answer<BatchAnswer>, Problem> {
    let id = id(&text)?;
    let batch = machine
        .write(ApiScope::DocumentsWrite, move |tx, actor, now| {
            batch::stop(tx, actor, now, &id)
        })
        .await?;
    Ok(found(batch.into()))
}

/// Which rows.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct RowParameters {
    /// Only rows in this state: `pending`, `in-progress`, `completed`, `failed`.
    #[serde(default)]
    state: Option<String>,
    /// The number of the last row of the page before.
    #[param(minimum = 0)]
    #[serde(default)]
    after: i64,
    /// The most that is wanted.
    #[param(minimum = 1, maximum = 500)]
    #[serde(default = "page")]
    limit: u32,
}

/// A row of a batch.
#[derive(Serialize, ToSchema)]
pub(super) struct RowAnswer {
    /// Its number, from 1.
    number: i64,
    /// The serial of the document that is seen to, or the id of the person for whom one is requested.
    object: String,
    /// Where it is.
    #[schema(example = "failed")]
    state: &'static str,
    /// The serial of the document that was requested.
    document: Option<String>,
    /// The code of the rule that refused it.
    #[schema(example = "document.illegal-move")]
    code: Option<String>,
    /// The same in words.
    message: Option<String>,
    /// When it was done or refused (RFC 3339).
    #[schema(format = DateTime)]
    done: Option<String>,
}

impl From<Row> for RowAnswer {
    fn from(row: Row) -> Self {
        Self {
            number: row.number,
            object: row.object,
            state: row.state.name(),
            document: row.document,
            code: row.code,
            message: row.message,
            done: row.done.map(|at| at.to_string()),
        }
    }
}

/// Rows of a batch, by their numbers, with what was said of each.
#[utoipa::path(
    get,
    path = "/batches/{id}/rows",
    tag = "Batches",
    params(("id" = String, Path, description = "The batch.", max_length = 64), RowParameters),
    responses((status = 200, description = "Rows.", body = Vec<RowAnswer>)),
    security(("machine" = ["documents.read"]))
)]
pub(super) async fn rows(
    machine: Machine,
    Path(text): Path<String>,
    Query(asked): Query<RowParameters>,
) -> Result<Answer<Vec<RowAnswer>>, Problem> {
    let id = id(&text)?;
    let state = match asked.state.as_deref() {
        None => None,
        Some(name) => {
            let known = RowState::named(name);
            Some(known.ok_or_else(|| Problem::field("state", "there is no such state"))?)
        }
    };
    let rows = machine
        .read(ApiScope::DocumentsRead, move |tx, actor, _| {
            batch::rows(tx, actor, (&id, state, asked.after, asked.limit))
        })
        .await?;
    Ok(found(rows.into_iter().map(RowAnswer::from).collect()))
}
