//! Reports (E18): documents, requests, devices, what was issued by category, what expires. A report is asked for by filters,
//! an order and a page; whom the operator does not see is in none of them, and in no count.
//!
//! Pages go on after the last row of the page before, by the value that rows are ordered by and by their name: rows that are
//! added meanwhile neither repeat nor hide others. Queries are made of the fragments in `table` alone; whatever somebody
//! gives is a parameter.

mod cursor;
mod query;
mod sheet;
mod table;

use mdoc_core::time::{FullDate, Timestamp};
use serde_json::{Map, Value as Json};

pub(crate) use self::query::Query;
pub use self::sheet::sheet;
use self::table::Spec;
pub use self::table::{Column, Filter, Holds, Kind, Sort};
use super::Failure;
use super::authority::{self, Actor};
use crate::domain::Refusal;
use crate::domain::life::State;
use crate::domain::role::Workflow;
use crate::store::{Row, StoreError, Tx, Value};

/// The most rows of a page.
pub const MOST: u32 = 500;
/// How many rows of a page if nobody says.
pub const PAGE: u32 = 100;
/// How many rows of an export are read in one transaction: it neither holds a reader for long nor has everything in memory.
const AT_ONCE: u32 = 5000;
/// The longest text of a filter.
const LONGEST: usize = 256;

/// Which report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Report {
    /// Documents.
    Documents,
    /// Documents as they were asked for.
    Requests,
    /// Devices.
    Devices,
    /// How many documents were issued, by profile, type and state.
    Issued,
    /// Documents in wallets whose lifetime ends.
    Expiring,
}

impl Report {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Documents,
        Self::Requests,
        Self::Devices,
        Self::Issued,
        Self::Expiring,
    ];

    /// Its name, in the interface and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.spec().name
    }

    /// The one of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|report| report.name() == name)
    }

    /// What its rows have.
    #[must_use]
    pub const fn columns(self) -> &'static [Column] {
        self.spec().columns
    }

    /// What it may be narrowed by.
    #[must_use]
    pub const fn filters(self) -> &'static [Filter] {
        self.spec().filters
    }

    /// What it may be ordered by; the first is the order if nobody says.
    #[must_use]
    pub const fn sorts(self) -> &'static [Sort] {
        self.spec().sorts
    }

    const fn spec(self) -> &'static Spec {
        match self {
            Self::Documents => &table::DOCUMENTS,
            Self::Requests => &table::REQUESTS,
            Self::Devices => &table::DEVICES,
            Self::Issued => &table::ISSUED,
            Self::Expiring => &table::EXPIRING,
        }
    }
}

/// What is in a cell of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    /// Nothing.
    Nothing,
    /// Text, which perhaps somebody else chose.
    Text(String),
    /// A count.
    Number(i64),
    /// An instant.
    Instant(Timestamp),
    /// Yes or no.
    Flag(bool),
}

impl Cell {
    /// As text, for a table that people read.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Nothing => String::new(),
            Self::Text(text) => text.clone(),
            Self::Number(number) => number.to_string(),
            Self::Instant(at) => at.to_string(),
            Self::Flag(flag) => flag.to_string(),
        }
    }

    fn json(&self) -> Json {
        match self {
            Self::Nothing => Json::Null,
            Self::Text(text) => text.as_str().into(),
            Self::Number(number) => (*number).into(),
            Self::Instant(at) => at.to_string().into(),
            Self::Flag(flag) => (*flag).into(),
        }
    }

    fn read(row: &Row<'_>, (at, column): (usize, &Column)) -> Result<Self, StoreError> {
        let number = || row.get::<Option<i64>>(at);
        Ok(match column.holds {
            Holds::Text => row.get::<Option<String>>(at)?.map_or(Self::Nothing, Self::Text),
            Holds::Number => number()?.map_or(Self::Nothing, Self::Number),
            Holds::Instant => {
                let instant = |seconds| Self::Instant(Timestamp::from_unix(seconds));
                number()?.map_or(Self::Nothing, instant)
            }
            Holds::Flag => number()?.map_or(Self::Nothing, |flag| Self::Flag(flag != 0)),
        })
    }
}

/// A page of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The rows: a cell for each column.
    pub rows: Vec<Vec<Cell>>,
    /// What the next page is asked for with, if there is more.
    pub next: Option<String>,
}

/// A row as a JSON object with a member for each column.
#[must_use]
pub fn as_json(report: Report, row: &[Cell]) -> Json {
    let members = report.columns().iter().zip(row);
    let members = members.map(|(column, cell)| (column.name.to_owned(), cell.json()));
    members.collect::<Map<_, _>>().into()
}

/// What is given for a filter, as the database has it.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Given {
    Text(String),
    Number(i64),
}

impl Given {
    fn value(&self) -> Value<'_> {
        match self {
            Self::Text(text) => text.into(),
            Self::Number(number) => (*number).into(),
        }
    }
}

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Wanted {
    report: Report,
    now: Timestamp,
    filters: Vec<(&'static Filter, Given)>,
    sort: &'static Sort,
    descending: bool,
    limit: u32,
    cursor: Option<String>,
}

impl Wanted {
    /// The first page of all rows; of what expires, those of the next thirty days.
    #[must_use]
    pub const fn new(report: Report, now: Timestamp) -> Self {
        let spec = report.spec();
        Self {
            report,
            now,
            filters: Vec::new(),
            sort: &spec.first,
            descending: spec.descending,
            limit: PAGE,
            cursor: None,
        }
    }

    /// Which report.
    #[must_use]
    pub const fn report(&self) -> Report {
        self.report
    }

    /// Narrows it.
    ///
    /// # Errors
    /// [`Refusal::Field`] if the report has no such filter, it is given twice, or the text is none for it.
    pub fn filter(&mut self, name: &str, text: &str) -> Result<(), Refusal> {
        let report = self.report;
        let filter = report.filters().iter().find(|filter| filter.name == name);
        let filter = filter.ok_or_else(|| {
            let names: Vec<_> = report.filters().iter().map(|filter| filter.name).collect();
            let rule = format!("the report of {} has {}", report.name(), names.join(", "));
            Refusal::field(name, rule)
        })?;
        if self.given(name).is_some() {
            return Err(Refusal::field(name, "it is given twice"));
        }
        let given = given(filter, text)?;
        self.filters.push((filter, given));
        Ok(())
    }

    fn given(&self, name: &str) -> Option<&Given> {
        let found = self.filters.iter().find(|(filter, _)| filter.name == name);
        found.map(|(_, given)| given)
    }

    /// Orders it: the name of a column, and perhaps `:asc` or `:desc`.
    ///
    /// # Errors
    /// [`Refusal::Field`] if it is none of [`Report::sorts`].
    pub fn order(&mut self, text: &str) -> Result<(), Refusal> {
        let (name, direction) = text.split_once(':').unwrap_or((text, "asc"));
        let sorts = self.report.sorts();
        let sort = sorts.iter().find(|sort| sort.name == name);
        let descending = match direction {
            "asc" => Some(false),
            "desc" => Some(true),
            _ => None,
        };
        let (Some(sort), Some(descending)) = (sort, descending) else {
            let names: Vec<_> = sorts.iter().map(|sort| sort.name).collect();
            let rule = format!("it is one of {}, perhaps with :desc", names.join(", "));
            return Err(Refusal::field("sort", rule));
        };
        (self.sort, self.descending) = (sort, descending);
        Ok(())
    }

    /// Has so many rows on a page.
    ///
    /// # Errors
    /// [`Refusal::Field`] if that is none, or more than [`MOST`].
    pub fn limit(&mut self, rows: u32) -> Result<(), Refusal> {
        if !(1..=MOST).contains(&rows) {
            return Err(Refusal::field("limit", format!("it is 1 to {MOST}")));
        }
        self.limit = rows;
        Ok(())
    }

    /// Goes on after another page, by its [`Page::next`].
    pub fn after(&mut self, cursor: String) {
        self.cursor = Some(cursor);
    }

    /// As much at once as is good for an export, which goes on with [`Self::after`] until there is no more.
    #[must_use]
    pub fn whole(mut self) -> Self {
        self.limit = AT_ONCE;
        self
    }

    /// So many rows at once, for who goes on with [`Self::after`] in several transactions.
    #[must_use]
    pub(crate) const fn in_parts(mut self, rows: u32) -> Self {
        self.limit = rows;
        self
    }

    /// Whether it is narrowed by that.
    #[must_use]
    pub fn is_by(&self, name: &str) -> bool {
        self.given(name).is_some()
    }

    /// What a cursor is good for: the report, its order and its filters.
    fn named(&self) -> String {
        let mut filters: Vec<String> = self
            .filters
            .iter()
            .map(|(f, g)| format!("{}={g:?}", f.name))
            .collect();
        filters.sort_unstable();
        let (report, sort, descending) = (self.report.name(), self.sort.name, self.descending);
        format!("{report} {sort} {descending} {filters:?}")
    }
}

fn given(filter: &Filter, text: &str) -> Result<Given, Refusal> {
    let refused = |rule: &str| Err(Refusal::field(filter.name, rule));
    match filter.kind {
        Kind::Text if text.is_empty() || text.len() > LONGEST || text.chars().any(char::is_control) => {
            refused("it is empty, too long, or has a control character")
        }
        Kind::State if State::named(text).is_none() => refused("there is no such state"),
        Kind::Text | Kind::State => Ok(Given::Text(text.to_owned())),
        Kind::Flag => match text {
            "true" => Ok(Given::Number(1)),
            "false" => Ok(Given::Number(0)),
            _ => refused("it is true or false"),
        },
        Kind::Instant => match instant(text) {
            Some(at) => Ok(Given::Number(at.unix())),
            None => refused("it is no date as 2026-06-01 and no instant as 2026-06-01T12:00:00Z"),
        },
    }
}

/// An instant, or the beginning of a day in UTC.
fn instant(text: &str) -> Option<Timestamp> {
    Timestamp::parse(text)
        .ok()
        .or_else(|| FullDate::parse(text).ok().map(FullDate::midnight))
}

/// A page of a report, of whom the actor may see.
///
/// # Errors
/// [`Refusal::NotGranted`]; [`Refusal::Field`] if the cursor is none of this report, order and filters.
pub fn page(tx: &mut Tx<'_>, actor: &Actor, wanted: &Wanted) -> Result<Page, Failure> {
    page_for(tx, actor, Workflow::ViewReports, wanted)
}

/// The same of those to whom the actor may do something.
pub(super) fn page_for(
    tx: &mut Tx<'_>,
    actor: &Actor,
    workflow: Workflow,
    wanted: &Wanted,
) -> Result<Page, Failure> {
    let scope = authority::scope(tx, actor, workflow)?;
    let query = Query::of(wanted, scope, actor)?;
    let values: Vec<Value<'_>> = query.values.iter().map(Given::value).collect();
    let columns = wanted.report.columns();
    let width = columns.len();
    let found = tx.rows(&query.sql, &values, |row| {
        let cells = columns.iter().enumerate();
        let cells: Vec<Cell> = cells
            .map(|column| Cell::read(row, column))
            .collect::<Result<_, _>>()?;
        let value = match wanted.sort.holds {
            Holds::Text => Given::Text(row.get(width)?),
            Holds::Number | Holds::Instant | Holds::Flag => Given::Number(row.get(width)?),
        };
        Ok((cells, (value, row.get::<String>(width + 1)?)))
    })?;
    let limit = usize::try_from(wanted.limit).unwrap_or(usize::MAX);
    let more = found.len() > limit;
    let (mut rows, mut last) = (Vec::with_capacity(found.len().min(limit)), None);
    for (cells, place) in found.into_iter().take(limit) {
        rows.push(cells);
        last = Some(place);
    }
    let next = last.filter(|_| more);
    Ok(Page {
        rows,
        next: next.map(|place| cursor::write(&wanted.named(), &place)),
    })
}
