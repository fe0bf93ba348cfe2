//! Many people's data in one file: JSON lines or CSV, a row at a time, so that memory does not grow with the file.

use core::fmt;
use std::io::{self, BufRead, BufReader, Read};

use serde_json::{Map, Value as Json};

use super::cells::{ColumnFault, Columns};
use super::records::Records;
use super::{Fault, MOST_VALUES, ReadError, read};
use crate::format::Format;

/// Longest row, in bytes; a portrait of a megabyte in base64 fits.
pub const LONGEST_ROW: usize = 8 * 1024 * 1024;

/// Most lines one after another that are no records, before the file is taken for another kind of file.
pub const MOST_MALFORMED: u64 = 1_000;

const BOM: &[u8] = b"\xef\xbb\xbf";

/// How a file holds its rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// A JSON object on every line; blank lines are passed over.
    JsonLines,
    /// RFC 4180 with a header row; the byte separates the cells.
    Csv(u8),
}

impl Layout {
    /// What the beginning of a file is: JSON lines begin with `{`, everything else is taken for CSV.
    ///
    /// # Errors
    /// [`RowsError`] for what is neither: UTF-16, and JSON that is not one object a line.
    pub fn of(beginning: &[u8], delimiter: u8) -> Result<Self, RowsError> {
        if beginning.starts_with(&[0xff, 0xfe]) || beginning.starts_with(&[0xfe, 0xff]) {
            return Err(RowsError::Utf16);
        }
        let text = beginning
            .strip_prefix(BOM)
            .unwrap_or(beginning)
            .trim_ascii_start();
        match text.first() {
            None => Err(RowsError::Empty),
            Some(b'[') => Err(RowsError::JsonNotLines),
            Some(b'{') => {
                let first = text.split(|byte| *byte == b'\n').next().unwrap_or(text);
                if first.trim_ascii() == b"{" {
                    Err(RowsError::JsonNotLines)
                } else {
                    Ok(Self::JsonLines)
                }
            }
            Some(_) => Ok(Self::Csv(delimiter)),
        }
    }
}

/// One person's data, and where they stand.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The line in the file, from 1; of a row over several lines the first.
    pub line: u64,
    /// The data, a JSON object, without the cells that cannot be read; none if nothing can be read of the row.
    pub data: Option<Json>,
    /// What is wrong with the row itself.
    pub faults: Vec<RowFault>,
}

/// What is wrong with a row. No value of the person is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowFault {
    /// The line is no well-formed JSON.
    Syntax {
        /// What the reader says of it.
        problem: String,
        /// The character in the line, from 1.
        column: usize,
    },
    /// A field is there twice.
    Twice {
        /// Its name.
        field: String,
    },
    /// The line is JSON, but no object.
    NotAnObject,
    /// Bytes that are no UTF-8.
    NotUtf8 {
        /// The column; empty in JSON lines.
        field: String,
    },
    /// Fewer or more cells than there are columns.
    Cells {
        /// How many there are.
        found: usize,
        /// How many columns there are.
        expected: usize,
    },
    /// A cell with structured data that cannot be read.
    CellJson {
        /// The column.
        field: String,
        /// What is wrong with it as JSON.
        problem: Fault,
        /// The character in the cell, from 1.
        column: usize,
    },
    /// There are more values than [`MOST_VALUES`].
    TooManyValues {
        /// The column; empty in JSON lines.
        field: String,
    },
    /// The line is longer than [`LONGEST_ROW`].
    TooLong,
}

impl RowFault {
    /// Stable for ever: published, never renamed, never reused.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Syntax { .. } => "data.syntax",
            Self::Twice { .. } => "data.twice",
            Self::NotAnObject => "data.not-an-object",
            Self::NotUtf8 { .. } => "data.not-utf8",
            Self::Cells { .. } => "data.cells",
            Self::CellJson { .. } => "data.cell-json",
            Self::TooManyValues { .. } => "data.too-many-values",
            Self::TooLong => "data.too-long",
        }
    }

    /// The field it is about; empty if it is about the whole row.
    #[must_use]
    pub fn field(&self) -> &str {
        match self {
            Self::Twice { field }
            | Self::NotUtf8 { field }
            | Self::CellJson { field, .. }
            | Self::TooManyValues { field } => field,
            _ => "",
        }
    }
}

impl fmt::Display for RowFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax { problem, column } => {
                write!(f, "the line is not well-formed JSON: column {column}: {problem}")
            }
            Self::Twice { .. } => f.write_str("the field is there twice"),
            Self::NotAnObject => f.write_str("the line is no JSON object"),
            Self::NotUtf8 { .. } => f.write_str("it is not encoded in UTF-8"),
            Self::Cells { found, expected } => write!(
                f,
                "the row has {found} cell{} where the header has {expected}; a cell with the separator or a \
                 quote in it must be quoted",
                if *found == 1 { "" } else { "s" }
            ),
            Self::CellJson {
                problem: Fault::Syntax(_),
                column,
                ..
            } => write!(f, "the cell must hold JSON and does not: character {column}"),
            Self::CellJson { problem, column, .. } => write!(f, "{problem}: character {column}"),
            Self::TooManyValues { .. } => write!(f, "it has more than {MOST_VALUES} values"),
            Self::TooLong => write!(f, "the line is longer than {} MiB", LONGEST_ROW >> 20),
        }
    }
}

/// Why a file cannot be read any further.
#[derive(Debug)]
#[non_exhaustive]
pub enum RowsError {
    /// The file cannot be read.
    Io(io::Error),
    /// There is nothing in it.
    Empty,
    /// It is encoded in UTF-16.
    Utf16,
    /// It is JSON, but not one object a line.
    JsonNotLines,
    /// The header row is wrong; every fault of it.
    Header(Vec<ColumnFault>),
    /// A row does not end within [`LONGEST_ROW`]: a quote is probably not closed.
    TooLong {
        /// Where the row begins.
        line: u64,
    },
    /// More than [`MOST_MALFORMED`] lines one after another are not one JSON object each.
    NotRecords {
        /// The first of them.
        line: u64,
    },
}

impl fmt::Display for RowsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(_) => f.write_str("it cannot be read"),
            Self::Empty => f.write_str("there is nothing in it"),
            Self::Utf16 => f.write_str("it is encoded in UTF-16, and UTF-8 is expected"),
            Self::JsonNotLines => f.write_str("it is JSON, but not one object on every line"),
            Self::Header(faults) => {
                f.write_str("the header row does not fit the format")?;
                faults.iter().try_for_each(|fault| write!(f, "\n  {fault}"))
            }
            Self::TooLong { line } => write!(
                f,
                "the row that begins in line {line} does not end within {} MiB; a quote is probably not closed",
                LONGEST_ROW >> 20
            ),
            Self::NotRecords { line } => write!(
                f,
                "from line {line} on, {MOST_MALFORMED} lines and more are not one JSON object each"
            ),
        }
    }
}

impl core::error::Error for RowsError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Io(cause) => Some(cause),
            _ => None,
        }
    }
}

/// The rows of a file, in its order.
pub enum Rows<R> {
    /// Of JSON lines.
    Lines(Lines<R>),
    /// Of CSV.
    Table(Box<Table<R>>),
}

impl<R: Read> Rows<R> {
    /// Begins to read; of CSV the header row. `beside` are columns that are not fields of the format, such as
    /// `device_key`; their cells are texts.
    ///
    /// # Errors
    /// [`RowsError`] if the file cannot be read, or with everything that is wrong with its header row.
    pub fn new(source: R, layout: Layout, format: &Format, beside: &[&str]) -> Result<Self, RowsError> {
        match layout {
            Layout::JsonLines => Ok(Self::Lines(Lines::new(source))),
            Layout::Csv(delimiter) => {
                let mut cells = Records::new(source, delimiter);
                let Some((_, header)) = cells.next()? else {
                    return Err(RowsError::Empty);
                };
                let columns = Columns::new(header, format, beside, delimiter).map_err(RowsError::Header)?;
                Ok(Self::Table(Box::new(Table { cells, columns })))
            }
        }
    }
}

impl<R: Read> Iterator for Rows<R> {
    type Item = Result<Row, RowsError>;

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::Lines(lines) => lines.row().transpose(),
            Self::Table(table) => table.row().transpose(),
        }
    }
}

/// How many rows a file has; the header row is none of them.
///
/// # Errors
/// [`RowsError`] if it cannot be read to its end.
pub fn count(source: impl Read, layout: Layout) -> Result<u64, RowsError> {
    let mut rows = 0;
    match layout {
        Layout::JsonLines => {
            let mut lines = Lines::new(source);
            while lines.next_line()?.is_some() {
                rows += 1;
            }
        }
        Layout::Csv(delimiter) => {
            let mut cells = Records::new(source, delimiter);
            let mut header = true;
            while cells.next()?.is_some() {
                rows += u64::from(!core::mem::take(&mut header));
            }
        }
    }
    Ok(rows)
}

/// JSON lines.
pub struct Lines<R> {
    source: BufReader<R>,
    line: u64,
    buffer: Vec<u8>,
    /// The first line and the number of those before this one that were no records.
    malformed: Option<(u64, u64)>,
}

impl<R: Read> Lines<R> {
    fn new(source: R) -> Self {
        Self {
            source: BufReader::with_capacity(1 << 16, source),
            line: 0,
            buffer: Vec::new(),
            malformed: None,
        }
    }

    /// The next line that is not blank, in the buffer without its end; whether it is whole.
    fn next_line(&mut self) -> Result<Option<bool>, RowsError> {
        loop {
            self.buffer.clear();
            let most = u64::try_from(LONGEST_ROW).unwrap_or(u64::MAX);
            let mut limited = self.source.by_ref().take(most);
            let read = limited
                .read_until(b'\n', &mut self.buffer)
                .map_err(RowsError::Io)?;
            if read == 0 {
                return Ok(None);
            }
            self.line += 1;
            let whole = self.buffer.ends_with(b"\n") || read < LONGEST_ROW;
            if !whole {
                self.source.skip_until(b'\n').map_err(RowsError::Io)?;
            }
            if self.line == 1 && self.buffer.starts_with(BOM) {
                self.buffer.drain(..BOM.len());
            }
            if !self.buffer.trim_ascii().is_empty() {
                return Ok(Some(whole));
            }
        }
    }

    fn row(&mut self) -> Result<Option<Row>, RowsError> {
        let Some(whole) = self.next_line()? else {
            return Ok(None);
        };
        let data = if whole {
            parse(&self.buffer)
        } else {
            Err(RowFault::TooLong)
        };
        let (data, faults) = match data {
            Ok(data) => {
                self.malformed = None;
                (Some(data), Vec::new())
            }
            Err(fault) => {
                let (line, count) = self.malformed.unwrap_or((self.line, 0));
                if count == MOST_MALFORMED {
                    return Err(RowsError::NotRecords { line });
                }
                self.malformed = Some((line, count + 1));
                (None, vec![fault])
            }
        };
        Ok(Some(Row {
            line: self.line,
            data,
            faults,
        }))
    }
}

fn parse(line: &[u8]) -> Result<Json, RowFault> {
    let text = core::str::from_utf8(line).map_err(|_| RowFault::NotUtf8 { field: String::new() })?;
    // What begins with a letter that begins no JSON: a file of something else has one such line after the other.
    if text.starts_with(|c: char| c.is_ascii_alphabetic() && !matches!(c, 't' | 'f' | 'n')) {
        return Err(RowFault::Syntax {
            problem: "expected value".to_owned(),
            column: 1,
        });
    }
    let data = read(text.trim_ascii_end()).map_err(json_fault)?;
    if data.is_object() {
        Ok(data)
    } else {
        Err(RowFault::NotAnObject)
    }
}

fn json_fault(error: ReadError) -> RowFault {
    match error.fault {
        Fault::Twice(field) => RowFault::Twice { field },
        Fault::TooMany => RowFault::TooManyValues { field: String::new() },
        fault => RowFault::Syntax {
            problem: fault.to_string(),
            column: error.column,
        },
    }
}

/// CSV with its columns.
pub struct Table<R> {
    cells: Records<R>,
    columns: Columns,
}

impl<R: Read> Table<R> {
    fn row(&mut self) -> Result<Option<Row>, RowsError> {
        let Some((line, record)) = self.cells.next()? else {
            return Ok(None);
        };
        let (data, faults) = self.columns.read(record);
        Ok(Some(Row { line, data, faults }))
    }
}

/// Puts a value at a place in an object, making the objects that lead to it.
pub(super) fn put(object: &mut Map<String, Json>, path: &[String], value: Json) {
    let Some((first, rest)) = path.split_first() else {
        return;
    };
    if rest.is_empty() {
        object.insert(first.clone(), value);
        return;
    }
    let below = object
        .entry(first.clone())
        .or_insert_with(|| Json::Object(Map::new()));
    if let Json::Object(below) = below {
        put(below, rest, value);
    }
}

#[cfg(test)]
mod tests;
