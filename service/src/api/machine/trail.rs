//! The audit trail.

use base16ct::lower::encode_string;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::caller::Machine;
use super::problem::{Answer, Problem, Query, found};
use crate::domain::scope::ApiScope;
use crate::usecase::audit;

/// Which entries.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct After {
    /// The number of the last entry that is known.
    #[param(minimum = 0)]
    #[serde(default)]
    after: i64,
}

/// An entry of the trail.
#[derive(Serialize, ToSchema)]
pub(super) struct AuditEntry {
    /// Its number; there is none left out.
    number: i64,
    /// What the chain is over: a JSON object as text.
    entry: String,
    /// SHA-256 over the digest of the entry before and this text, in hexadecimal digits.
    #[schema(min_length = 64, max_length = 64)]
    digest: String,
}

/// Entries of the audit trail after a number, at most 1000.
#[utoipa::path(
    get,
    path = "/audit",
    tag = "Audit",
    params(After),
    responses((status = 200, description = "Entries, the oldest first.", body = Vec<AuditEntry>)),
    security(("machine" = ["audit"]))
)]
pub(super) async fn audit(
    machine: Machine,
    Query(page): Query<After>,
) -> Result<Answer<Vec<AuditEntry>>, Problem> {
    let page = machine
        .read(ApiScope::Audit, move |tx, actor, _| {
            audit::page(tx, actor, page.after)
        })
        .await?;
    let entry = |recorded: audit::Recorded| AuditEntry {
        number: recorded.number,
        entry: recorded.entry,
        digest: encode_string(&recorded.digest),
    };
    Ok(found(page.into_iter().map(entry).collect()))
}
