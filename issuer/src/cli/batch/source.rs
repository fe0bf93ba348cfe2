//! The file with the records.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};

use mdoc_cli::Failure;
use mdoc_cli::input::{self, Form, Input};
use mdoc_issuer::data::rows::{self, Layout, Rows, RowsError};
use mdoc_issuer::format::Format;
use sha2::{Digest as _, Sha256};

use super::failures::failure_of_rows;
use super::{Arguments, hex, intake};

/// The file with the records, read once to its end: what is in it, and how many there are.
pub(super) struct Source {
    pub(super) file: File,
    pub(super) layout: Layout,
    pub(super) sha256: String,
    pub(super) records: u64,
}

impl Source {
    pub(super) fn open(arguments: &Arguments, format: &Format) -> Result<Self, Failure> {
        let path = &arguments.data;
        if input::is_stdio(path) {
            return Err(
                Failure::new("the records are read twice and cannot come from standard input")
                    .hint("write them to a file first"),
            );
        }
        let fail = |error: &RowsError| failure_of_rows(error, arguments);
        let mut file = input::open(path)?;
        if !file.metadata().is_ok_and(|found| found.is_file()) {
            return Err(Failure::new(format!("{} is no regular file", path.display()))
                .hint("write the records to a file first; they are read twice"));
        }
        let mut head = Vec::new();
        let read = (&file).take(4096).read_to_end(&mut head);
        read.and_then(|_| file.rewind())
            .map_err(|error| fail(&RowsError::Io(error)))?;
        let layout = Layout::of(&head, arguments.delimiter).map_err(|error| fail(&error))?;
        let key = head.trim_ascii_start().starts_with(b"-----BEGIN ");
        let seen = Input::recognise(path.display().to_string(), head);
        // A key within a record is no reason to take the file for one.
        let records = matches!(seen.form, Form::Json | Form::Text | Form::Unknown | Form::Pem) && !key;
        if layout != Layout::JsonLines && !records {
            return Err(seen
                .not("a file with records")
                .hint("records are CSV or JSON lines, a person on every line"));
        }
        // The header before the rest: its faults are the likeliest.
        let intake = intake(arguments);
        Rows::new(&file, layout, format, &intake.beside()).map_err(|error| fail(&error))?;
        file.rewind().map_err(|error| fail(&RowsError::Io(error)))?;
        let mut hashing = Hashing(&file, Sha256::new());
        let records = rows::count(&mut hashing, layout).map_err(|error| fail(&error))?;
        let sha256 = hex(&hashing.1.finalize());
        if records == 0 {
            return Err(Failure::new(format!("{} has no records", path.display()))
                .hint("a record is a line below the header row, or a JSON object on a line"));
        }
        file.seek(SeekFrom::Start(0))
            .map_err(|error| fail(&RowsError::Io(error)))?;
        Ok(Self {
            file,
            layout,
            sha256,
            records,
        })
    }
}

struct Hashing<R>(R, Sha256);

impl<R: std::io::Read> std::io::Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.0.read(buffer)?;
        self.1.update(buffer.get(..read).unwrap_or_default());
        Ok(read)
    }
}
