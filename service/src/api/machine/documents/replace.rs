//! Replacing a document in one step.

use axum::extract::State;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{DeliveryWish, RequestedAnswer, serial};
use crate::api::Shared;
use crate::api::machine::caller::Machine;
use crate::api::machine::problem::{Answer, Body, Path, Problem, made};
use crate::domain::scope::ApiScope;
use crate::random;
use crate::usecase::document::Why;
use crate::usecase::replace;

/// Why a document is replaced, and how the new one is to reach the person.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api::machine) struct ReplacementRequest {
    /// Why: `lost`, `stolen`, `damaged`, `compromised`, `superseded`, `holder-request` or `other`.
    #[schema(example = "lost")]
    reason: String,
    /// In words.
    #[serde(default)]
    #[schema(max_length = 900)]
    notes: Option<String>,
    /// How the new one is to reach the person; as the profile says if not given.
    #[serde(default)]
    delivery: Option<DeliveryWish>,
}

/// Cancels a document that a wallet has and requests another one of its profile for the same person: both, or neither. Where
/// another operator approves cancellations it is refused (`profile.validate-cancellation`): disable the document, have its
/// cancellation requested and approved, then request another one.
#[utoipa::path(
    post,
    path = "/documents/{serial}/replacement",
    tag = "Documents",
    params(("serial" = String, Path, description = "The document that is replaced.", max_length = 64)),
    request_body = ReplacementRequest,
    responses((status = 201, description = "The new document, which is not collected yet.", body = RequestedAnswer)),
    security(("machine" = ["documents.write"]))
)]
pub(in crate::api::machine) async fn replace(
    State(service): Shared,
    machine: Machine,
    Path(text): Path<String>,
    Body(asked): Body<ReplacementRequest>,
) -> Result<Answer<RequestedAnswer>, Problem> {
    let (serial, terms) = (serial(&text)?, service.terms.clone());
    let delivery = asked.delivery.map(Into::into);
    let replaced = machine
        .write(ApiScope::DocumentsWrite, move |tx, actor, now| {
            let why = Why {
                reason: Some(&asked.reason),
                notes: asked.notes.as_deref(),
            };
            let rng = &mut random::system();
            replace::replace(tx, actor, now, (&serial, delivery, &terms), why, rng)
        })
        .await?;
    service.publisher.changed();
    Ok(made(RequestedAnswer::new(&replaced.new, &service)))
}
