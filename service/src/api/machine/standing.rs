//! The status query (E17).

use axum::extract::State;
use axum::http::StatusCode;
use mdoc_openid::jose::from_base64url;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::caller::Machine;
use super::problem::{Answer, Body, Problem, found};
use crate::api::Shared;
use crate::domain::id::Serial;
use crate::domain::life::Standing;
use crate::domain::scope::ApiScope;
use crate::publish::Publisher;
use crate::usecase::standing::{self, Known};

/// What is known of a document: its serial, or the reference that a copy carries; one of them.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct StatusQuery {
    /// The serial.
    #[schema(max_length = 64)]
    serial: Option<String>,
    /// The `status_list` of the MSO.
    status_list: Option<ListEntry>,
    /// The `identifier_list` of the MSO.
    identifier_list: Option<ListIdentifier>,
}

/// An entry of a token status list.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ListEntry {
    /// The address of the list.
    uri: String,
    /// The number of the entry.
    #[schema(minimum = 0, maximum = 1048575)]
    idx: i64,
}

/// An identifier of an identifier list.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ListIdentifier {
    /// The address of the list.
    uri: String,
    /// The identifier, in base64url.
    #[schema(pattern = "^[A-Za-z0-9_-]+$")]
    id: String,
}

/// How a document stands.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Stands {
    /// It may be relied on.
    Valid,
    /// Not now, perhaps later.
    Disabled,
    /// Not any more.
    Cancelled,
    /// Its time ran out.
    Expired,
    /// There is no such document, or it is in nobody's wallet.
    Unknown,
}

/// The answer to a query.
#[derive(Serialize, ToSchema)]
pub(super) struct StatusAnswer {
    /// How the document stands.
    status: Stands,
    /// When that was so (RFC 3339).
    #[schema(format = DateTime)]
    at: String,
}

/// Says how a document stands now, by its serial or by the status reference of one of its copies.
#[utoipa::path(
    post,
    path = "/status",
    tag = "Status",
    request_body = StatusQuery,
    responses((status = 200, description = "How it stands; `unknown` if nobody issued it.", body = StatusAnswer)),
    security(("machine" = ["status"]))
)]
pub(super) async fn standing(
    State(service): Shared,
    machine: Machine,
    Body(query): Body<StatusQuery>,
) -> Result<Answer<StatusAnswer>, Problem> {
    let known = known(&query, &service.publisher)?;
    let (standing, at) = machine
        .read(ApiScope::Status, move |tx, _, now| {
            let standing = match &known {
                Some(known) => standing::standing(tx, now, known)?,
                None => Standing::Unknown,
            };
            Ok((standing, now))
        })
        .await?;
    let status = match standing {
        Standing::Valid => Stands::Valid,
        Standing::Disabled => Stands::Disabled,
        Standing::Cancelled => Stands::Cancelled,
        Standing::Expired => Stands::Expired,
        Standing::Unknown => Stands::Unknown,
    };
    Ok(found(StatusAnswer {
        status,
        at: at.to_string(),
    }))
}

/// What is asked for; none if it cannot be anything of this service.
fn known(query: &StatusQuery, publisher: &Publisher) -> Result<Option<Known>, Problem> {
    let list = |uri: &str| -> Option<i64> {
        let number = uri.strip_prefix(publisher.prefix())?.strip_prefix('/')?;
        number.parse().ok()
    };
    Ok(
        match (&query.serial, &query.status_list, &query.identifier_list) {
            (Some(serial), None, None) => Serial::given(serial).map(Known::Serial),
            (None, Some(entry), None) => list(&entry.uri).map(|list| Known::Entry(list, entry.idx)),
            (None, None, Some(entry)) => {
                let id = from_base64url(&entry.id);
                list(&entry.uri)
                    .zip(id)
                    .map(|(list, id)| Known::Identifier(list, id))
            }
            _ => {
                let words = "give one of serial, status_list and identifier_list";
                return Err(Problem::new(
                    StatusCode::UNPROCESSABLE_ENTITY,
                    "body.invalid",
                    words,
                ));
            }
        },
    )
}
