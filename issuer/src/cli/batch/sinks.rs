//! Where outcomes go besides the folder: to the screen, and to the file of a check.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use mdoc_cli::Failure;
use mdoc_issuer::batch::{Found, Name, Outcome, Sink, SinkError};

use super::SHOWN;

/// A sink that also notes the first faults, to be shown.
pub(super) struct Noting<S> {
    sink: S,
    failures: Mutex<Vec<String>>,
}

impl<S> Noting<S> {
    pub(super) const fn new(sink: S) -> Self {
        Self {
            sink,
            failures: Mutex::new(Vec::new()),
        }
    }

    pub(super) fn into_parts(self) -> (S, Vec<String>) {
        (
            self.sink,
            self.failures.into_inner().unwrap_or_else(PoisonError::into_inner),
        )
    }
}

impl<S: Sink> Sink for Noting<S> {
    type Kept = S::Kept;

    fn find(&self, name: Name<'_>) -> Result<Found<S::Kept>, SinkError> {
        self.sink.find(name)
    }

    fn keep(&self, name: Name<'_>, document: &[u8]) -> Result<S::Kept, SinkError> {
        self.sink.keep(name, document)
    }

    fn commit(&self, outcomes: Vec<Outcome<S::Kept>>) -> Result<(), SinkError> {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        for outcome in &outcomes {
            log(outcome);
            if let Err(faults) = &outcome.result
                && failures.len() < SHOWN
            {
                let mut text = format!("the record in line {} is not issued", outcome.line);
                for fault in faults {
                    text.push_str(&format!("\n  {fault}"));
                }
                failures.push(text);
            }
        }
        drop(failures);
        self.sink.commit(outcomes)
    }
}

/// Logs a record by its position. Its name is left out: people are called by document numbers there.
fn log<T>(outcome: &Outcome<T>) {
    let (record, line) = (outcome.number, outcome.line);
    match &outcome.result {
        Ok(documents) => {
            tracing::debug!(record, line, documents = documents.len(), "record dealt with");
        }
        Err(faults) => {
            let codes: Vec<&str> = faults.iter().map(|fault| fault.code).collect();
            tracing::warn!(record, line, codes = codes.join(" "), "record not issued");
        }
    }
}

/// The file of results of a check, written beside its place until all are there: some of them would mislead.
pub(super) struct Beside<'a> {
    place: &'a Path,
    temporary: PathBuf,
    writer: BufWriter<File>,
}

impl<'a> Beside<'a> {
    pub(super) fn new(place: &'a Path) -> Result<Self, Failure> {
        let name = place.file_name().unwrap_or_default().to_string_lossy();
        let temporary = place.with_file_name(format!(".{name}.{}.tmp", std::process::id()));
        let file = File::create_new(&temporary).map_err(|error| unwritable(place, &error))?;
        Ok(Self {
            place,
            temporary,
            writer: BufWriter::new(file),
        })
    }

    pub(super) fn publish(mut self) -> Result<(), Failure> {
        let written = self
            .writer
            .flush()
            .and_then(|()| fs::rename(&self.temporary, self.place));
        written.map_err(|error| unwritable(self.place, &error))
    }
}

impl Write for Beside<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.writer.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.writer.flush()
    }
}

impl Drop for Beside<'_> {
    fn drop(&mut self) {
        // Gone already if it was published.
        let _ = fs::remove_file(&self.temporary);
    }
}

fn unwritable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(format!("{} cannot be written: {}", path.display(), error.kind()))
        .hint("give another place for the file")
}
