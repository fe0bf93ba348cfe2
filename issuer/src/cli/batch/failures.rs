//! What stops a batch, in words, and what to do about it.

use mdoc_cli::{Failure, keys};
use mdoc_issuer::batch::Stop;
use mdoc_issuer::batch::folder::FolderError;
use mdoc_issuer::data::rows::RowsError;
use std::path::Path;

use super::{Arguments, Loaded};

pub(super) fn failure_of_rows(error: &RowsError, arguments: &Arguments) -> Failure {
    let failure = Failure::new(format!("{}: {}", arguments.data.display(), keys::sentence(error)));
    match error {
        RowsError::Utf16 => failure.hint("save it as CSV in UTF-8"),
        RowsError::JsonNotLines => failure.hint("`jq -c '.[]' FILE` writes a list as lines, `jq -c . FILE` an object"),
        RowsError::Empty => failure.hint("the program that should have written it has probably failed"),
        RowsError::Header(_) => failure.hint(format!(
            "`mdoc-issuer format show {}` lists the fields; --delimiter and --id-field tell what is different",
            arguments.format
        )),
        RowsError::TooLong { .. } => failure.hint("look for a quote that is not closed in that line"),
        RowsError::NotRecords { .. } => {
            failure.hint("JSON lines are expected, one object on every line; this is probably another file")
        }
        _ => failure.hint("get the file again from where it came"),
    }
}

pub(super) fn failure_of_folder(error: &FolderError, out: &Path) -> Failure {
    let name = out.display();
    let failure = Failure::new(format!("{name}: {}", words(error)));
    match error {
        FolderError::Locked => failure.hint("wait until it has ended"),
        FolderError::Begun => failure.hint("--resume goes on with it; a new batch needs a folder of its own"),
        FolderError::NotEmpty => failure.hint("give a new folder, or an empty one"),
        FolderError::Changed(_) => failure
            .hint("go on with the file and the options of the beginning, or begin a batch in a new folder"),
        FolderError::Damaged { .. } => {
            failure.hint("get it from a backup; without it documents may be made twice")
        }
        _ => failure.hint("see who may write there, and whether there is room left"),
    }
}

pub(super) fn failure_of_stop(stop: &Stop, arguments: &Arguments, signer: &Loaded) -> Failure {
    let goes_on = "the same command with --resume goes on";
    match stop {
        Stop::Signer(fault) => signer.failure(fault),
        Stop::Rows(error) => failure_of_rows(error, arguments),
        Stop::Sink(_) => Failure::new(words(stop)).hint(format!("make room or permit it; {goes_on}")),
        _ => Failure::new(words(stop)).hint(format!("when that is mended, {goes_on}")),
    }
}

/// An error with its causes; of what the system says only its kind.
fn words(error: &(dyn core::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(found) = cause {
        text.push_str(": ");
        match found.downcast_ref::<std::io::Error>() {
            Some(system) => text.push_str(&system.kind().to_string()),
            None => text.push_str(&found.to_string()),
        }
        cause = found.source();
    }
    text
}
