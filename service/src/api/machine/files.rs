//! What is sent as a file: photographs, and tables of people.

use axum::extract::{DefaultBodyLimit, Request};
use axum::http::{StatusCode, header};
use serde::Serialize;
use tokio::sync::Semaphore;
use utoipa::ToSchema;

use super::caller::Machine;
use super::people::person;
use super::problem::{Answer, Path, Problem, bytes, found, wrong_type};
use crate::domain::scope::ApiScope;
use crate::making::photograph;
use crate::random;
use crate::usecase::import::{self, Refused, Table};
use crate::usecase::people as registry;

/// A picture of few bytes may have many pixels: so many are decoded at once.
static DECODING: Semaphore = Semaphore::const_new(2);
/// The most bytes of a photograph that is sent, and of a table of people.
const LARGEST_BODY: usize = 16 * 1024 * 1024;

/// Sets or replaces the photograph; it is kept as documents have it, without the data that cameras add.
#[utoipa::path(
    put,
    path = "/people/{id}/photo",
    tag = "People",
    params(("id" = String, Path, description = "The person.", max_length = 64)),
    request_body(content(
        (Vec<u8> = "image/jpeg"),
        (Vec<u8> = "image/png"),
        (Vec<u8> = "image/jp2"),
    )),
    responses((status = 204, description = "The person has that photograph.")),
    security(("machine" = ["people.write"]))
)]
pub(super) async fn photo(
    machine: Machine,
    Path(id): Path<String>,
    request: Request,
) -> Result<StatusCode, Problem> {
    let id = person(&id)?;
    let kind = request.headers().get(header::CONTENT_TYPE);
    if !kind.is_some_and(|kind| kind.as_bytes().starts_with(b"image/")) {
        return Err(wrong_type("image/jpeg, image/png or image/jp2"));
    }
    machine.permit(ApiScope::PeopleWrite).await?;
    let picture = bytes(request, &()).await?;
    let held = DECODING.acquire().await;
    let decoded = tokio::task::spawn_blocking(move || {
        // Whoever does not wait for the end still has it decoded, and counted.
        let _held = held;
        photograph(&picture)
    });
    let photograph = decoded
        .await
        .map_err(|_| Problem::field("photo", "it cannot be read"))?;
    let photograph = photograph.map_err(|why| Problem::field("photo", &why.to_string()))?;
    machine
        .write(ApiScope::PeopleWrite, move |tx, actor, now| {
            registry::set_photo(tx, actor, now, &id, ("image/jpeg", &photograph))
        })
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What became of a table of people.
#[derive(Serialize, ToSchema)]
pub(super) struct Imported {
    /// How many were added.
    added: usize,
    /// The rows that were not.
    refused: Vec<RefusedRow>,
}

/// A row that was not taken.
#[derive(Serialize, ToSchema)]
struct RefusedRow {
    /// The line that it begins on, counted from one.
    line: u64,
    /// The code of the rule that said no.
    code: &'static str,
    /// In words.
    detail: String,
}

/// Adds the people of a table with a header: comma-separated values, 16 MiB at most.
///
/// Columns: `logon_name`, `given_name`, `family_name`, and `email`, `mobile_phone`, `employee_number`, `external_id`,
/// `user_data_approved`, `group` (the path of names from the top, `Berlin/Sales`); others are attributes, as text, or as
/// JSON if the name ends in `:json`. Rows that a rule refuses are told, and the others are added; sent again, those
/// that are there are refused as such.
#[utoipa::path(
    post,
    path = "/people/import",
    tag = "People",
    request_body(content = String, content_type = "text/csv"),
    responses((status = 200, description = "What became of the rows.", body = Imported)),
    security(("machine" = ["people.write"]))
)]
pub(super) async fn import(machine: Machine, request: Request) -> Result<Answer<Imported>, Problem> {
    let kind = request.headers().get(header::CONTENT_TYPE);
    if !kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/csv")) {
        return Err(wrong_type("text/csv"));
    }
    machine.permit(ApiScope::PeopleWrite).await?;
    let body = bytes(request, &()).await?;
    let unreadable =
        |why: import::Unreadable| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "body.invalid", why);
    let mut table = Table::new(&body, b',').map_err(unreadable)?;
    let mut imported = Imported {
        added: 0,
        refused: Vec::new(),
    };
    loop {
        let (rows, mut refused) = table.some().map_err(unreadable)?;
        if rows.is_empty() && refused.is_empty() {
            return Ok(found(imported));
        }
        let count = rows.len();
        let not_added = machine
            .clone()
            .write(ApiScope::PeopleWrite, move |tx, actor, now| {
                Ok(import::add(tx, actor, now, &rows, &mut random::system())?)
            })
            .await?;
        imported.added += count - not_added.len();
        refused.extend(not_added);
        refused.sort_by_key(|row| row.line);
        imported.refused.extend(refused.into_iter().map(|row| {
            let Refused { line, code, words } = row;
            RefusedRow {
                line,
                code,
                detail: words,
            }
        }));
    }
}

/// Bodies of these operations may be larger than others.
pub(super) fn large() -> DefaultBodyLimit {
    DefaultBodyLimit::max(LARGEST_BODY)
}
