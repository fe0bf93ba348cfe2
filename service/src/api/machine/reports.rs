//! Reports: pages of rows as JSON, and everything as comma-separated values for a spreadsheet.

mod export;
mod shape;

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use self::shape::{
    DevicesFilters, DevicesReport, DocumentsFilters, DocumentsReport, ExpiringFilters, ExpiringReport,
    IssuedFilters, IssuedReport, Paging, RequestsFilters, RequestsReport, Sorting,
};
use super::caller::Machine;
use super::problem::{Answer, Problem, Query, found};
use crate::api::Shared;
use crate::domain::scope::ApiScope;
use crate::usecase::reports::{self, Report, Wanted};

/// Their addresses.
pub(super) fn routes() -> OpenApiRouter<std::sync::Arc<crate::service::Service>> {
    OpenApiRouter::new()
        .routes(routes!(documents))
        .routes(routes!(documents_sheet))
        .routes(routes!(requests))
        .routes(routes!(requests_sheet))
        .routes(routes!(devices))
        .routes(routes!(devices_sheet))
        .routes(routes!(issued))
        .routes(routes!(issued_sheet))
        .routes(routes!(expiring))
        .routes(routes!(expiring_sheet))
}

/// The parameters of a request, as they are given.
#[derive(Deserialize)]
#[serde(transparent)]
struct Asked(Vec<(String, String)>);

/// What is asked for: a page, or everything.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Much {
    Page,
    Everything,
}

/// A page of documents. Previous ones are among them; `current` tells which.
#[utoipa::path(
    get,
    path = "/reports/documents",
    tag = "Reports",
    params(DocumentsFilters, Sorting, Paging),
    responses((status = 200, description = "Documents of people in scope.", body = DocumentsReport)),
    security(("machine" = ["documents.read"]))
)]
async fn documents(state: Shared, machine: Machine, asked: Query<Asked>) -> Result<Answer<Value>, Problem> {
    page(state, machine, asked, Report::Documents).await
}

/// All documents, for a spreadsheet.
#[utoipa::path(
    get,
    path = "/reports/documents.csv",
    tag = "Reports",
    params(DocumentsFilters, Sorting),
    responses((status = 200, description = "A row for each document in scope.", content_type = "text/csv", body = String)),
    security(("machine" = ["documents.read"]))
)]
async fn documents_sheet(state: Shared, machine: Machine, asked: Query<Asked>) -> Result<Response, Problem> {
    everything(state, machine, asked, Report::Documents).await
}

/// A page of documents as they were asked for: by whom, and what became of it.
#[utoipa::path(
    get,
    path = "/reports/requests",
    tag = "Reports",
    params(RequestsFilters, Sorting, Paging),
    responses((status = 200, description = "Requests for people in scope.", body = RequestsReport)),
    security(("machine" = ["documents.read"]))
)]
async fn requests(state: Shared, machine: Machine, asked: Query<Asked>) -> Result<Answer<Value>, Problem> {
    page(state, machine, asked, Report::Requests).await
}

/// All requests, for a spreadsheet.
#[utoipa::path(
    get,
    path = "/reports/requests.csv",
    tag = "Reports",
    params(RequestsFilters, Sorting),
    responses((status = 200, description = "A row for each request in scope.", content_type = "text/csv", body = String)),
    security(("machine" = ["documents.read"]))
)]
async fn requests_sheet(state: Shared, machine: Machine, asked: Query<Asked>) -> Result<Response, Problem> {
    everything(state, machine, asked, Report::Requests).await
}

/// A page of devices.
#[utoipa::path(
    get,
    path = "/reports/devices",
    tag = "Reports",
    params(DevicesFilters, Sorting, Paging),
    responses((status = 200, description = "Devices of people in scope.", body = DevicesReport)),
    security(("machine" = ["people.read"]))
)]
async fn devices(state: Shared, machine: Machine, asked: Query<Asked>) -> Result<Answer<Value>, Problem> {
    page(state, machine, asked, Report::Devices).await
}

/// All devices, for a spreadsheet.
#[utoipa::path(
    get,
    path = "/reports/devices.csv",
    tag = "Reports",
    params(DevicesFilters, Sorting),
    responses((status = 200, description = "A row for each device in scope.", content_type = "text/csv", body = String)),
    security(("machine" = ["people.read"]))
)]
async fn devices_sheet(state: Shared, machine: Machine, asked: Query<Asked>) -> Result<Response, Problem> {
    everything(state, machine, asked, Report::Devices).await
}

/// How many documents were issued: by profile, type and present state.
#[utoipa::path(
    get,
    path = "/reports/issued",
    tag = "Reports",
    params(IssuedFilters, Sorting, Paging),
    responses((status = 200, description = "Counts of documents of people in scope.", body = IssuedReport)),
    security(("machine" = ["documents.read"]))
)]
async fn issued(state: Shared, machine: Machine, asked: Query<Asked>) -> Result<Answer<Value>, Problem> {
    page(state, machine, asked, Report::Issued).await
}

/// All counts of what was issued, for a spreadsheet.
#[utoipa::path(
    get,
    path = "/reports/issued.csv",
    tag = "Reports",
    params(IssuedFilters, Sorting),
    responses((status = 200, description = "A row for each count.", content_type = "text/csv", body = String)),
    security(("machine" = ["documents.read"]))
)]
async fn issued_sheet(state: Shared, machine: Machine, asked: Query<Asked>) -> Result<Response, Problem> {
    everything(state, machine, asked, Report::Issued).await
}

/// A page of documents in wallets whose lifetime ends: within thirty days, or between the instants that are given.
#[utoipa::path(
    get,
    path = "/reports/expiring",
    tag = "Reports",
    params(ExpiringFilters, Sorting, Paging),
    responses((status = 200, description = "Documents of people in scope.", body = ExpiringReport)),
    security(("machine" = ["documents.read"]))
)]
async fn expiring(state: Shared, machine: Machine, asked: Query<Asked>) -> Result<Answer<Value>, Problem> {
    page(state, machine, asked, Report::Expiring).await
}

/// All documents in wallets whose lifetime ends, for a spreadsheet.
#[utoipa::path(
    get,
    path = "/reports/expiring.csv",
    tag = "Reports",
    params(ExpiringFilters, Sorting),
    responses((status = 200, description = "A row for each document in scope.", content_type = "text/csv", body = String)),
    security(("machine" = ["documents.read"]))
)]
async fn expiring_sheet(state: Shared, machine: Machine, asked: Query<Asked>) -> Result<Response, Problem> {
    everything(state, machine, asked, Report::Expiring).await
}

async fn page(
    State(service): Shared,
    machine: Machine,
    Query(asked): Query<Asked>,
    report: Report,
) -> Result<Answer<Value>, Problem> {
    let wanted = wanted(Wanted::new(report, service.now()), asked, Much::Page)?;
    let page = machine
        .read(scope(report), move |tx, actor, _| {
            reports::page(tx, actor, &wanted)
        })
        .await?;
    let rows: Vec<Value> = page
        .rows
        .iter()
        .map(|row| reports::as_json(report, row))
        .collect();
    Ok(found(json!({ "rows": rows, "next": page.next })))
}

async fn everything(
    State(service): Shared,
    machine: Machine,
    Query(asked): Query<Asked>,
    report: Report,
) -> Result<Response, Problem> {
    let wanted = wanted(Wanted::new(report, service.now()), asked, Much::Everything)?;
    export::export(machine, scope(report), wanted.whole()).await
}

/// What a token has to be for: devices are of people.
const fn scope(report: Report) -> ApiScope {
    match report {
        Report::Devices => ApiScope::PeopleRead,
        Report::Documents | Report::Requests | Report::Issued | Report::Expiring => ApiScope::DocumentsRead,
    }
}

fn wanted(mut wanted: Wanted, Asked(asked): Asked, much: Much) -> Result<Wanted, Problem> {
    let invalid = |why: String| Problem::new(axum::http::StatusCode::BAD_REQUEST, "query.invalid", why);
    let mut seen: Vec<String> = Vec::new();
    for (name, text) in asked {
        if seen.contains(&name) {
            return Err(invalid(format!("{name:?} is given twice")));
        }
        match (name.as_str(), much) {
            ("sort", _) => wanted.order(&text)?,
            ("limit", Much::Page) => {
                let limit = text
                    .parse()
                    .map_err(|_| invalid("limit is no number".to_owned()))?;
                wanted.limit(limit)?;
            }
            ("cursor", Much::Page) => wanted.after(text),
            (filter, _) if wanted.report().filters().iter().any(|known| known.name == filter) => {
                wanted.filter(filter, &text)?;
            }
            _ => return Err(invalid(format!("there is no parameter {name:?}"))),
        }
        seen.push(name);
    }
    Ok(wanted)
}
