//! The columns of a CSV file: which field each is, and its cells as the type of that field reads them.
//!
//! A type is never guessed from what a cell looks like: `00123` stays a text where the format wants one, and is
//! a number where it wants a number. An empty cell is an absent field.

use core::fmt;

use serde_json::{Map, Value as Json};

use super::records::Record;
use super::rows::{RowFault, put};
use super::{Fault, MOST_VALUES, ReadError, read};
use crate::format::derive::set_identifier;
use crate::format::types::{TextRules, ValueType};
use crate::format::{DataPath, Format, Origin};
use mdoc_cli::nearest::nearest;

/// Most columns of a file; the largest format that is shipped has some ninety fields.
pub const MOST_COLUMNS: usize = 1_000;

/// What is wrong with a column of the header row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ColumnFault {
    /// The format has no such field.
    Unknown {
        /// The name of the column.
        column: String,
        /// What was probably meant.
        nearest: Option<String>,
    },
    /// Two columns are the same field, or one of them is part of the other.
    Twice {
        /// The name of the later one.
        column: String,
    },
    /// A column without a name.
    Nameless {
        /// Which one, from 1.
        at: usize,
    },
    /// The name is not UTF-8.
    NotUtf8 {
        /// Which one, from 1.
        at: usize,
    },
    /// There are more than [`MOST_COLUMNS`].
    TooMany {
        /// How many there are.
        found: usize,
    },
    /// There is one column, and its name holds what is probably the separator.
    Separator(
        /// Which one that is.
        char,
    ),
}

impl fmt::Display for ColumnFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown { column, nearest } => {
                write!(f, "line 1: the format has no field `{}`", short(column))?;
                match nearest {
                    Some(nearest) => write!(f, ", did you mean {nearest}?"),
                    None => Ok(()),
                }
            }
            Self::Twice { column } => {
                write!(
                    f,
                    "line 1: column `{}` is there twice, or a part of another one",
                    short(column)
                )
            }
            Self::Nameless { at } => write!(f, "line 1: column {at} has no name"),
            Self::NotUtf8 { at } => write!(f, "line 1: the name of column {at} is not encoded in UTF-8"),
            Self::TooMany { found } => {
                write!(
                    f,
                    "line 1: there are {found} columns, and {MOST_COLUMNS} are read at most"
                )
            }
            Self::Separator(found) => {
                write!(
                    f,
                    "line 1: there is one column alone; the cells are probably separated by "
                )?;
                match found {
                    '\t' => f.write_str("tabs"),
                    other => write!(f, "`{other}`"),
                }
            }
        }
    }
}

/// Of longer names of columns only the beginning is kept, in characters, and nothing similar is looked for.
const LONGEST_KEPT: usize = 200;

/// Names of columns may be long by mistake: of data in place of a header.
fn short(name: &str) -> String {
    name.chars().take(40).collect()
}

/// The columns of a file, in its order.
pub(super) struct Columns(Vec<Column>);

struct Column {
    name: String,
    path: Vec<String>,
    value_type: ValueType,
}

impl Columns {
    /// Finds the field of each column.
    pub(super) fn new(
        header: &Record,
        format: &Format,
        beside: &[&str],
        delimiter: u8,
    ) -> Result<Self, Vec<ColumnFault>> {
        if header.len() > MOST_COLUMNS {
            return Err(vec![ColumnFault::TooMany { found: header.len() }]);
        }
        let known = known(format, beside);
        let mut columns: Vec<Column> = Vec::new();
        let mut faults = Vec::new();
        for (index, cell) in header.iter().enumerate() {
            let at = index + 1;
            let Ok(name) = core::str::from_utf8(cell) else {
                faults.push(ColumnFault::NotUtf8 { at });
                continue;
            };
            let name = name.trim();
            if name.is_empty() {
                faults.push(ColumnFault::Nameless { at });
                continue;
            }
            let Some((path, value_type)) = find(name, &known, format) else {
                let name: String = name.chars().take(LONGEST_KEPT).collect();
                let candidates = known.iter().map(|field| field.name.as_str());
                let nearest = if name.len() < LONGEST_KEPT {
                    nearest(&name, candidates)
                } else {
                    None
                };
                faults.push(ColumnFault::Unknown {
                    column: name,
                    nearest: nearest.map(str::to_owned),
                });
                continue;
            };
            let meets = |other: &Column| other.path.iter().zip(&path).all(|(a, b)| a == b);
            if columns.iter().any(meets) {
                faults.push(ColumnFault::Twice {
                    column: name.to_owned(),
                });
                continue;
            }
            columns.push(Column {
                name: name.to_owned(),
                path,
                value_type,
            });
        }
        let others = [';', '\t', ',', '|']
            .into_iter()
            .filter(|c| *c != char::from(delimiter));
        if let [ColumnFault::Unknown { column, .. }] = faults.as_slice()
            && header.len() == 1
            && let Some(found) = others.into_iter().find(|c| column.contains(*c))
        {
            faults = vec![ColumnFault::Separator(found)];
        }
        if faults.is_empty() {
            Ok(Self(columns))
        } else {
            Err(faults)
        }
    }

    /// The cells of a row as data, and what is wrong with the others.
    pub(super) fn read(&self, record: &Record) -> (Option<Json>, Vec<RowFault>) {
        let mut faults = Vec::new();
        if record.len() != self.0.len() {
            faults.push(RowFault::Cells {
                found: record.len(),
                expected: self.0.len(),
            });
            // With a cell too many or too few, all others stand in the wrong columns.
            return (None, faults);
        }
        let mut data = Map::new();
        for (column, cell) in self.0.iter().zip(record.iter()) {
            let Ok(text) = core::str::from_utf8(cell) else {
                faults.push(RowFault::NotUtf8 {
                    field: column.name.clone(),
                });
                continue;
            };
            if text.trim().is_empty() {
                continue;
            }
            match value(&column.name, &column.value_type, text) {
                Ok(value) => put(&mut data, &column.path, value),
                Err(fault) => faults.push(fault),
            }
        }
        (Some(Json::Object(data)), faults)
    }
}

/// A cell by its type. What is not of the type stays a text, which the filling of the format then refuses in
/// its own words; an error is what cannot be read where JSON is needed, and more than [`MOST_VALUES`].
fn value(field: &str, value_type: &ValueType, text: &str) -> Result<Json, RowFault> {
    let json = |text: &str| read(text).map_err(|error| unread(field, text, error));
    Ok(match value_type {
        ValueType::Uint(_) => match text.trim().parse::<u64>() {
            Ok(number) if text.trim().bytes().all(|byte| byte.is_ascii_digit()) => Json::from(number),
            _ => Json::from(text),
        },
        ValueType::Bool if text.trim().eq_ignore_ascii_case("true") => Json::Bool(true),
        ValueType::Bool if text.trim().eq_ignore_ascii_case("false") => Json::Bool(false),
        ValueType::Map(_) => json(text)?,
        ValueType::Array(rules) => {
            let structured = matches!(*rules.item, ValueType::Map(_) | ValueType::Array(_));
            if structured || text.trim_start().starts_with('[') {
                json(text)?
            } else {
                // Looked for first: a value takes many times the memory of a separator.
                if text.matches(';').nth(MOST_VALUES - 1).is_some() {
                    return Err(too_many(field));
                }
                let items = text.split(';').map(|item| value(field, &rules.item, item.trim()));
                Json::Array(items.collect::<Result<_, _>>()?)
            }
        }
        _ => Json::from(text),
    })
}

/// What is wrong with a cell that was to be read as JSON.
fn unread(field: &str, text: &str, error: ReadError) -> RowFault {
    // A cell may have several lines, and nobody counts them.
    let above = text.split_inclusive('\n').take(error.line.saturating_sub(1));
    let above: usize = above.map(|line| line.chars().count()).sum();
    match error.fault {
        Fault::TooMany => too_many(field),
        problem => RowFault::CellJson {
            field: field.to_owned(),
            problem,
            column: above + error.column,
        },
    }
}

fn too_many(field: &str) -> RowFault {
    RowFault::TooManyValues {
        field: field.to_owned(),
    }
}

struct Known {
    name: String,
    path: Vec<String>,
    value_type: ValueType,
}

const BIRTH_DATE: &str = "birth_date";

/// Every name that a column may have; of a map also its members, as `place_of_birth/country`.
fn known(format: &Format, beside: &[&str]) -> Vec<Known> {
    let mut known = Vec::new();
    for (_, element) in format.elements() {
        if !is_set(&element.origin) {
            add(&mut known, element.path().names().to_vec(), &element.value_type);
        }
    }
    let texts = [BIRTH_DATE].into_iter().chain(beside.iter().copied());
    for name in texts {
        if !known.iter().any(|field: &Known| field.name == name) {
            let text = ValueType::Text(TextRules::default());
            add(&mut known, vec![name.to_owned()], &text);
        }
    }
    known
}

fn add(known: &mut Vec<Known>, path: Vec<String>, value_type: &ValueType) {
    if let ValueType::Map(rules) = value_type {
        for member in &rules.members {
            let below = path.iter().chain([&member.name]).cloned().collect();
            add(known, below, &member.value_type);
        }
    }
    known.push(Known {
        name: path.join("/"),
        path,
        value_type: value_type.clone(),
    });
}

const fn is_set(origin: &Origin) -> bool {
    matches!(origin, Origin::Derived { derivation, .. } if derivation.is_set())
}

/// The field of a column; also the members of sets, such as `age_over_18` of `age_over_NN`.
fn find(name: &str, known: &[Known], format: &Format) -> Option<(Vec<String>, ValueType)> {
    if let Some(field) = known.iter().find(|field| field.name == name) {
        return Some((field.path.clone(), field.value_type.clone()));
    }
    let of_set = format.elements().any(|(_, element)| match &element.origin {
        Origin::Derived { derivation, .. } if derivation.is_set() => is_member(name, &element.identifier),
        _ => false,
    });
    of_set.then(|| (DataPath::of(name).names().to_vec(), ValueType::Bool))
}

fn is_member(name: &str, template: &str) -> bool {
    (0..=99).any(|age| set_identifier(template, age) == name)
}
