//! Everything that is kept of a person, for that person.

mod tables;

use std::collections::BTreeSet;

use base64ct::{Base64, Encoding as _};
use mdoc_core::time::Timestamp;
use serde_json::{Map, Value as Json, json};

use self::tables::Kind::{self, Bytes, Instant, Number, Text, Yes};
use self::tables::{BATCH_ROW, Columns, DOCUMENT, OF_DOCUMENT, OF_TRAIL, PERSON, TABLES};
use super::by_logon;
use crate::domain::Refusal;
use crate::domain::id::PersonId;
use crate::domain::role::Workflow;
use crate::store::{Row, StoreError, Tx, Value};
use crate::usecase::Failure;
use crate::usecase::audit::{self, Entry};
use crate::usecase::authority::{self, Actor};

/// Notes that everything of a person is read, before it is.
///
/// # Errors
/// [`Refusal::Unknown`] if there is no such person, or none in scope; [`Refusal::NotGranted`].
pub fn export(tx: &mut Tx<'_>, actor: &Actor, now: Timestamp, logon_name: &str) -> Result<PersonId, Failure> {
    authority::permit(tx, actor, Workflow::EditPeople)?;
    let id = by_logon(tx, logon_name)?.id;
    export_one(tx, actor, now, &id)?;
    Ok(id)
}

/// The same of a person who is named by the id.
///
/// # Errors
/// As for [`export`].
pub fn export_one(tx: &mut Tx<'_>, actor: &Actor, now: Timestamp, id: &PersonId) -> Result<(), Failure> {
    authority::permit_for(tx, actor, Workflow::EditPeople, id)?;
    let entry = Entry::new("person.export", ("person", id.as_str()));
    audit::append(tx, actor, now, &entry)?;
    Ok(())
}

/// What an export has of what the person did to others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trail {
    /// What was done, and when.
    OfThePerson,
    /// All of it, if a role grants the trail over all.
    AsGranted,
}

/// Everything that is kept of a person, with what the audit trail says of the person, the documents, the devices, the messages
/// and the machines, and of what the person did. Of messages it has no content, and no secret of anything.
///
/// # Errors
/// As for [`export`].
pub fn exported(tx: &mut Tx<'_>, actor: &Actor, (id, trail): (&PersonId, Trail)) -> Result<Json, Failure> {
    authority::permit_for(tx, actor, Workflow::EditPeople, id)?;
    let mut all = Map::new();
    let person = table(tx, "FROM person WHERE id = $1", PERSON, id.into())?;
    let person = person.into_iter().next();
    all.insert(
        "person".to_owned(),
        person.ok_or(Refusal::Unknown { what: "person" })?,
    );
    for (name, from, columns) in TABLES {
        all.insert(name.to_owned(), table(tx, from, columns, id.into())?.into());
    }
    let mut names: BTreeSet<String> = BTreeSet::from([id.as_str().to_owned()]);
    let from = "FROM document WHERE person = $1 ORDER BY requested, serial";
    let mut documents = table(tx, from, DOCUMENT, id.into())?;
    for document in &mut documents {
        let Some(members) = document.as_object_mut() else {
            continue;
        };
        let serial = members.get("serial").and_then(Json::as_str).unwrap_or_default();
        let serial = serial.to_owned();
        for (name, from, columns) in OF_DOCUMENT {
            let rows = table(tx, from, columns, (&serial).into())?;
            members.insert(name.to_owned(), rows.into());
        }
        names.insert(serial);
    }
    all.insert("documents".to_owned(), documents.into());
    let from = "FROM batch_row WHERE batch IN (SELECT id FROM batch) AND object = $1 ORDER BY batch, number";
    let mut rows = Vec::new();
    for name in &names {
        rows.extend(table(tx, from, BATCH_ROW, name.into())?);
    }
    all.insert("batches".to_owned(), rows.into());
    for sql in OF_TRAIL {
        names.extend(tx.rows(sql, &[id.into()], |row| row.get::<String>(0))?);
    }
    // What the person did to others is for whom the trail is.
    let trail = trail == Trail::AsGranted && authority::over_all(tx, actor, Workflow::ViewAudit)?;
    all.insert("audit".to_owned(), entries(tx, (id, trail), &names)?.into());
    Ok(all.into())
}

/// The entries of the trail whose object has one of the names; and those that the person made, which tell of others: of them
/// only what was done and when, but for who may see the trail. The trail is read a page at a time.
fn entries(
    tx: &mut Tx<'_>,
    (id, trail): (&PersonId, bool),
    names: &BTreeSet<String>,
) -> Result<Vec<Json>, StoreError> {
    let (mut after, mut found) = (0, Vec::new());
    loop {
        let page = audit::some(tx, after)?;
        let Some(last) = page.last() else {
            return Ok(found);
        };
        after = last.number;
        for recorded in &page {
            let entry: Json = serde_json::from_str(&recorded.entry)
                .map_err(|why| StoreError::Unexpected(format!("entry {}: {why}", recorded.number)))?;
            let text = |pointer: &str| entry.pointer(pointer).and_then(Json::as_str);
            let told = text("/object/name").is_some_and(|name| names.contains(name));
            if told {
                found.push(entry);
            } else if text("/who") == Some(id.as_str()) {
                let members = ["number", "at", "action"];
                let brief =
                    members.map(|name| (name.to_owned(), entry.get(name).cloned().unwrap_or_default()));
                found.push(if trail {
                    entry
                } else {
                    Map::from_iter(brief).into()
                });
            }
        }
    }
}

/// The rows of a query as objects, with the columns by their names.
fn table(tx: &mut Tx<'_>, from: &str, columns: Columns, name: Value<'_>) -> Result<Vec<Json>, StoreError> {
    let wanted: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
    let sql = format!("SELECT {} {from}", wanted.join(", "));
    tx.rows(&sql, &[name], |row| {
        let mut object = Map::new();
        for (at, (name, kind)) in columns.iter().enumerate() {
            object.insert((*name).to_owned(), cell(row, at, *kind)?);
        }
        Ok(object.into())
    })
}

fn cell(row: &Row<'_>, at: usize, kind: Kind) -> Result<Json, StoreError> {
    Ok(match kind {
        Text => row.get::<Option<String>>(at)?.into(),
        Kind::Json => {
            let text: String = row.get(at)?;
            serde_json::from_str(&text)
                .map_err(|why| StoreError::Unexpected(format!("attributes of a person: {why}")))?
        }
        Number => row.get::<Option<i64>>(at)?.into(),
        Yes => row.get::<Option<i64>>(at)?.map(|yes| yes != 0).into(),
        Instant => json!(row.get::<Option<Timestamp>>(at)?.map(|at| at.to_string())),
        Bytes => json!(
            row.get::<Option<Vec<u8>>>(at)?
                .map(|bytes| Base64::encode_string(&bytes))
        ),
    })
}

/// Every column that is written down, as `table.column`.
#[cfg(test)]
pub(crate) fn exported_columns() -> Vec<String> {
    let own = [
        ("person", "FROM person", PERSON),
        ("documents", "FROM document", DOCUMENT),
        ("batches", "FROM batch_row", BATCH_ROW),
    ];
    let all = own.into_iter().chain(TABLES).chain(OF_DOCUMENT);
    let named = all.flat_map(|(_, from, columns)| {
        let table = from.split(' ').nth(1).unwrap_or_default();
        columns.iter().map(move |(column, _)| format!("{table}.{column}"))
    });
    named.collect()
}
