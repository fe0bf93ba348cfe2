//! `results.jsonl`: a line a record.

use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Read as _, Seek as _, SeekFrom};
use std::path::Path;

use serde_json::{Map, Value as Json, json};

use super::{FolderError, Kept, RESULTS, at};
use crate::batch::{Document, Outcome};

/// Longest line that is read, in bytes.
const LONGEST_LINE: u64 = 16 << 20;

/// What was done before.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Before {
    /// Records with a result.
    pub records: u64,
    /// Those of them that failed.
    pub failed: u64,
}

/// A line of results. It has no value of the person but for the name of the record.
pub(super) fn line(outcome: &Outcome<Kept>) -> String {
    let mut object = Map::new();
    object.insert("record".to_owned(), outcome.number.into());
    object.insert("line".to_owned(), outcome.line.into());
    object.insert("id".to_owned(), outcome.id.clone().into());
    match &outcome.result {
        Ok(documents) => {
            let status = if documents.is_empty() { "valid" } else { "issued" };
            object.insert("status".to_owned(), status.into());
            if !documents.is_empty() {
                object.insert("documents".to_owned(), documents.iter().map(document).collect());
            }
        }
        Err(faults) => {
            object.insert("status".to_owned(), "failed".into());
            let errors = faults
                .iter()
                .map(|fault| json!({"field": fault.field, "code": fault.code, "message": fault.message}));
            object.insert("errors".to_owned(), errors.collect());
        }
    }
    object.insert("warnings".to_owned(), outcome.warnings.clone().into());
    let mut line = Json::Object(object).to_string();
    line.push('\n');
    line
}

fn document(document: &Document<Kept>) -> Json {
    let place: Vec<_> = document
        .kept
        .place
        .iter()
        .map(|part| part.to_string_lossy())
        .collect();
    let mut object = json!({
        "file": place.join("/"),
        "docType": document.doc_type,
        "signed": document.validity.signed.to_string(),
        "validFrom": document.validity.valid_from.to_string(),
        "validUntil": document.validity.valid_until.to_string(),
    });
    if let (Some(index), Some(object)) = (document.status_index, object.as_object_mut()) {
        object.insert("statusIndex".to_owned(), index.into());
    }
    object
}

/// Opens the results for appending after the last whole line, and counts them.
pub(super) fn open_results(root: &Path) -> Result<(File, Before), FolderError> {
    let failed = at("results.jsonl cannot be read");
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(root.join(RESULTS))
        .map_err(&failed)?;
    let mut before = Before::default();
    let mut end = 0;
    let mut reader = BufReader::new(&mut file);
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = reader
            .by_ref()
            .take(LONGEST_LINE)
            .read_until(b'\n', &mut line)
            .map_err(&failed)?;
        // A line without its end was being written when the batch was broken off.
        if !line.ends_with(b"\n") {
            break;
        }
        let damaged = FolderError::Damaged {
            file: RESULTS,
            line: before.records + 1,
        };
        let Ok(result) = serde_json::from_slice::<Json>(&line) else {
            return Err(damaged);
        };
        match (
            result.get("record").and_then(Json::as_u64),
            result.get("status").and_then(Json::as_str),
        ) {
            (Some(number), Some(status)) if number == before.records + 1 => {
                before.failed += u64::from(status == "failed");
            }
            _ => return Err(damaged),
        }
        before.records += 1;
        end += u64::try_from(read).unwrap_or(0);
    }
    file.set_len(end)
        .and_then(|()| file.seek(SeekFrom::Start(end)))
        .and_then(|_| file.sync_all())
        .map_err(at("results.jsonl cannot be written"))?;
    Ok((file, before))
}
