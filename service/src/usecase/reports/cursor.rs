//! Where a page ended: the value that rows are ordered by and the name of the row, and of which report, order and filters.
//!
//! It is no secret and needs no key: whoever makes one chooses where to go on, which filters do as well.

use mdoc_openid::jose::{base64url, from_base64url};
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};

use super::Given;
use super::table::Holds;
use crate::domain::Refusal;

/// The most that one has that was made here: names of rows, and what they are ordered by, are short.
const LONGEST: usize = 4096;

/// What it was made for.
fn digest(named: &str) -> String {
    let digest = Sha256::digest(named);
    base64url(digest.get(..12).unwrap_or_default())
}

pub(super) fn write(named: &str, (value, id): &(Given, String)) -> String {
    let value: Json = match value {
        Given::Text(text) => text.as_str().into(),
        Given::Number(number) => (*number).into(),
    };
    base64url(json!([digest(named), value, id]).to_string().as_bytes())
}

pub(super) fn read(text: &str, named: &str, holds: Holds) -> Result<(Given, String), Refusal> {
    let refused = || {
        Refusal::field(
            "cursor",
            "it is none of this report with this order and these filters",
        )
    };
    let bytes = Some(text)
        .filter(|text| text.len() <= LONGEST)
        .and_then(from_base64url);
    let parts: Vec<Json> = bytes
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .ok_or_else(refused)?;
    let [Json::String(made_for), value, Json::String(id)] = parts.as_slice() else {
        return Err(refused());
    };
    let value = match (value, holds) {
        (Json::String(text), Holds::Text) => Given::Text(text.clone()),
        (Json::Number(number), Holds::Number | Holds::Instant | Holds::Flag) => {
            Given::Number(number.as_i64().ok_or_else(refused)?)
        }
        _ => return Err(refused()),
    };
    if *made_for != digest(named) {
        return Err(refused());
    }
    Ok((value, id.clone()))
}
