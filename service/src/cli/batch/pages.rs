//! Batches and their rows, as many as there are, a page at a time.

use mdoc_cli::{Exit, Failure, output};
use mdoc_service::domain::batch::RowState;
use mdoc_service::domain::id::BatchId;
use mdoc_service::usecase::batch;
use serde_json::{Value, json};

use super::{RowsArguments, as_json, line};
use crate::cli::Acting;

pub(super) fn list(acting: &Acting) -> Result<Exit, Failure> {
    let session = acting.open()?;
    let (mut after, mut all): (Option<BatchId>, Vec<Value>) = (None, Vec::new());
    loop {
        let from = after.clone();
        let page = session.read(move |tx, actor, _| batch::list(tx, actor, (from.as_ref(), 500)))?;
        let Some(last) = page.last() else { break };
        after = Some(last.id.clone());
        if acting.at.json {
            all.extend(page.iter().map(as_json));
            continue;
        }
        for batch in &page {
            output::print(&line(batch))?;
        }
    }
    if acting.at.json {
        output::print_json(&all.into())?;
    }
    Ok(Exit::Done)
}

pub(super) fn rows(arguments: &RowsArguments) -> Result<Exit, Failure> {
    let session = arguments.one.acting.open()?;
    let state = arguments.state.as_deref().and_then(RowState::named);
    let (mut after, mut all) = (0, Vec::new());
    loop {
        let id = arguments.one.batch.clone();
        let rows = session.read(move |tx, actor, _| batch::rows(tx, actor, (&id, state, after, 500)))?;
        let Some(last) = rows.last() else { break };
        after = last.number;
        if arguments.one.acting.at.json {
            all.extend(rows);
            continue;
        }
        for row in &rows {
            let said = row.message.as_ref().or(row.document.as_ref());
            let said = said.map_or(String::new(), |said| format!("\t{said}"));
            let code = row
                .code
                .as_ref()
                .map_or(String::new(), |code| format!(" [{code}]"));
            output::print(&format!(
                "{}\t{}\t{}{said}{code}\n",
                row.number, row.object, row.state
            ))?;
        }
    }
    if arguments.one.acting.at.json {
        let rows = all.iter().map(|row| {
            json!({
                "number": row.number, "object": row.object, "state": row.state.name(), "document": row.document,
                "code": row.code, "message": row.message, "done": row.done.map(|at| at.to_string()),
            })
        });
        output::print_json(&rows.collect::<Vec<_>>().into())?;
    }
    Ok(Exit::Done)
}
