//! People from a table (E1): comma-separated values with a header (RFC 4180).
//!
//! The columns `logon_name`, `given_name`, `family_name`, `email`, `mobile_phone`, `employee_number`, `external_id`,
//! `user_data_approved` (`true`, `false`) and `group` (the path from the top, `Berlin/Sales`) are members of a person;
//! every other one is an attribute: text as it is, or the JSON in the cell if its name ends in `:json`.

use core::fmt;
use std::collections::BTreeSet;

use csv::{ByteRecord, Reader, ReaderBuilder, Trim};
use mdoc_core::crypto::CryptoRng;
use mdoc_core::time::Timestamp;
use serde_json::{Map, Value as Json};

use super::Failure;
use super::authority::Actor;
use super::people;
use crate::domain::person::Details;
use crate::store::{StoreError, Tx};

/// How many rows are taken in one transaction.
pub const AT_ONCE: usize = 500;
/// The most columns.
const MOST_COLUMNS: usize = 200;
/// What the name of a column ends in whose cells are JSON.
const AS_JSON: &str = ":json";

/// Why a table, or a row of it, cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unreadable {
    /// There is no such column, which is needed.
    Missing(&'static str),
    /// A column is there twice.
    Twice(String),
    /// A column has no name, or the table has too many.
    Columns,
    /// A row has another number of cells than the header.
    Cells,
    /// A cell is no UTF-8.
    Text,
    /// A cell is not what its column has.
    Cell(String, &'static str),
    /// The input fails.
    Input(String),
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(column) => write!(f, "there is no column {column}"),
            Self::Twice(column) => write!(f, "the column {column:?} is there twice"),
            Self::Columns => write!(f, "a column has no name, or there are more than {MOST_COLUMNS}"),
            Self::Cells => f.write_str("it has another number of cells than the header"),
            Self::Text => f.write_str("a cell is no UTF-8"),
            Self::Cell(column, rule) => write!(f, "{column}: {rule}"),
            Self::Input(why) => f.write_str(why),
        }
    }
}

impl core::error::Error for Unreadable {}

/// A row: whom it is about.
#[derive(Clone)]
pub struct Row {
    /// The line that it begins on, counted from one.
    pub line: u64,
    details: Details,
    number: Option<String>,
    group: Option<String>,
}

/// What became of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The line that it begins on.
    pub line: u64,
    /// The code of the rule; `row.unreadable` if it could not be read.
    pub code: &'static str,
    /// In words.
    pub words: String,
}

/// A table of people, read a row at a time.
pub struct Table<'t> {
    text: &'t [u8],
    reader: Reader<&'t [u8]>,
    columns: Vec<String>,
    /// How far lines were counted, and how many ended before.
    counted: (usize, u64),
}

impl<'t> Table<'t> {
    /// Reads the header; `delimiter` is between cells.
    ///
    /// # Errors
    /// [`Unreadable`] if it is no header of such a table.
    pub fn new(text: &'t [u8], delimiter: u8) -> Result<Self, Unreadable> {
        let mut reader = ReaderBuilder::new()
            .delimiter(delimiter)
            .flexible(true)
            .trim(Trim::Headers)
            .from_reader(text);
        let header = reader.headers().map_err(|why| unreadable(&why))?;
        let columns: Vec<String> = header
            .iter()
            .map(|name| name.trim_start_matches('\u{feff}').to_owned())
            .collect();
        if columns.len() > MOST_COLUMNS
            || columns
                .iter()
                .any(|name| name.trim_end_matches(AS_JSON).is_empty())
        {
            return Err(Unreadable::Columns);
        }
        for needed in ["logon_name", "given_name", "family_name"] {
            if !columns.iter().any(|column| column == needed) {
                return Err(Unreadable::Missing(needed));
            }
        }
        let mut seen = BTreeSet::new();
        for column in &columns {
            if !seen.insert(column.trim_end_matches(AS_JSON)) {
                return Err(Unreadable::Twice(column.clone()));
            }
        }
        Ok(Self {
            text,
            reader,
            columns,
            counted: (0, 0),
        })
    }

    /// The next rows, at most [`AT_ONCE`], and what could not be read among them; both are empty at the end.
    ///
    /// # Errors
    /// [`Unreadable::Input`].
    pub fn some(&mut self) -> Result<(Vec<Row>, Vec<Refused>), Unreadable> {
        let (mut rows, mut refused) = (Vec::new(), Vec::new());
        let mut record = ByteRecord::new();
        while rows.len() + refused.len() < AT_ONCE {
            if !self
                .reader
                .read_byte_record(&mut record)
                .map_err(|why| unreadable(&why))?
            {
                break;
            }
            let line = self.line(&record);
            match row(&self.columns, &record, line) {
                Ok(row) => rows.push(row),
                Err(why) => refused.push(Refused {
                    line,
                    code: "row.unreadable",
                    words: why.to_string(),
                }),
            }
        }
        Ok((rows, refused))
    }
}

impl Table<'_> {
    /// The line that a record begins on, counted from one; the reader's own count is wrong after `CR LF`.
    fn line(&mut self, record: &ByteRecord) -> u64 {
        let start = record.position().map_or(0, csv::Position::byte);
        let mut start = usize::try_from(start).unwrap_or(usize::MAX);
        while matches!(self.text.get(start), Some(b'\r' | b'\n')) {
            start += 1;
        }
        let (from, before) = self.counted;
        let between = self.text.get(from..start).unwrap_or_default();
        let ended = between.iter().map(|byte| u64::from(*byte == b'\n')).sum::<u64>();
        self.counted = (start, before + ended);
        before + ended + 1
    }
}

fn unreadable(why: &csv::Error) -> Unreadable {
    match why.kind() {
        csv::ErrorKind::Utf8 { .. } => Unreadable::Text,
        _ => Unreadable::Input(why.to_string()),
    }
}

fn row(columns: &[String], record: &ByteRecord, line: u64) -> Result<Row, Unreadable> {
    if record.len() != columns.len() {
        return Err(Unreadable::Cells);
    }
    let mut details = Details::default();
    let mut attributes = Map::new();
    let (mut number, mut group) = (None, None);
    for (column, cell) in columns.iter().zip(record) {
        let cell = core::str::from_utf8(cell).map_err(|_| Unreadable::Text)?;
        if cell.is_empty() {
            continue;
        }
        let text = cell.to_owned();
        match column.as_str() {
            "logon_name" => details.logon_name = text,
            "given_name" => details.given_name = text,
            "family_name" => details.family_name = text,
            "email" => details.email = Some(text),
            "mobile_phone" => details.mobile_phone = Some(text),
            "external_id" => details.external_id = Some(text),
            "employee_number" => number = Some(text),
            "user_data_approved" => {
                details.user_data_approved = text
                    .parse()
                    .map_err(|_| Unreadable::Cell(column.clone(), "it is true or false"))?;
            }
            "group" => group = Some(text),
            other => match other.strip_suffix(AS_JSON) {
                None => drop(attributes.insert(other.to_owned(), Json::String(text))),
                Some(name) => {
                    let value: Json = serde_json::from_str(cell)
                        .map_err(|_| Unreadable::Cell(column.clone(), "it is no JSON"))?;
                    attributes.insert(name.to_owned(), value);
                }
            },
        }
    }
    details.attributes = attributes;
    Ok(Row {
        line,
        details,
        number,
        group,
    })
}

/// Adds the people of some rows: those whom no rule refuses.
///
/// # Errors
/// [`StoreError`]; then none of them was added.
pub fn add(
    tx: &mut Tx<'_>,
    actor: &Actor,
    now: Timestamp,
    rows: &[Row],
    rng: &mut dyn CryptoRng,
) -> Result<Vec<Refused>, StoreError> {
    let mut refused = Vec::new();
    for row in rows {
        match one(tx, actor, now, row, rng) {
            Ok(()) => {}
            Err(Failure::Store(error)) => return Err(error),
            Err(Failure::Refused(refusal)) => refused.push(Refused {
                line: row.line,
                code: refusal.code(),
                words: refusal.to_string(),
            }),
        }
    }
    Ok(refused)
}

fn one(
    tx: &mut Tx<'_>,
    actor: &Actor,
    now: Timestamp,
    row: &Row,
    rng: &mut dyn CryptoRng,
) -> Result<(), Failure> {
    let mut details = row.details.clone();
    details.group = match &row.group {
        None => None,
        Some(path) => people::group_at(tx, path)?,
    };
    people::add(tx, actor, now, (&details, row.number.as_deref()), rng).map(drop)
}
