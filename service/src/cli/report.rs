//! Reports: as a table, as JSON, and as comma-separated values for a spreadsheet.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;
use clap::builder::PossibleValuesParser;
use mdoc_cli::failure::steers;
use mdoc_cli::input::is_stdio;
use mdoc_cli::{Exit, Failure, output};
use mdoc_service::domain::Refusal;
use mdoc_service::usecase::reports::{self, Cell, Page, Report, Wanted};
use mdoc_service::usecase::{self, people};
use serde_json::{Value, json};

use super::{Acting, Session, failed};

#[derive(Args)]
#[command(after_help = "\
Filters are for reports that have such a column; one that a report has not is refused
with those that it has. A date is its beginning in UTC. `expiring` looks thirty days
ahead if nothing else is said, and `issued` counts by profile, type and state.

Examples:
  mdoc-service report documents --person ada --current true
  mdoc-service report requests --waiting true --group Berlin --sort requested
  mdoc-service report issued --issued-from 2026-01-01 --issued-to 2027-01-01
  mdoc-service report expiring --expires-to 2026-12-31 --csv expiring.csv")]
pub(crate) struct Arguments {
    /// Which report
    #[arg(value_parser = PossibleValuesParser::new(Report::ALL.map(Report::name)))]
    report: String,
    #[command(flatten)]
    filters: Filters,
    /// The column that rows are ordered by, perhaps with :desc
    #[arg(long, value_name = "COLUMN[:desc]")]
    sort: Option<String>,
    /// The most rows of a page, up to 500
    #[arg(long, value_name = "NUMBER", conflicts_with = "all")]
    limit: Option<u32>,
    /// Go on after another page, by what it printed as next
    #[arg(long)]
    cursor: Option<String>,
    /// All rows, and not a page alone; with --json a row a line
    #[arg(long)]
    all: bool,
    /// Write all rows to this new file, for a spreadsheet; `-` is standard output
    #[arg(long, value_name = "FILE", conflicts_with_all = ["json", "limit", "cursor"])]
    csv: Option<PathBuf>,
    #[command(flatten)]
    acting: Acting,
}

/// What a report is narrowed by.
#[derive(Args)]
pub(super) struct Filters {
    /// Only of this person, by logon name
    #[arg(long, value_name = "LOGON")]
    person: Option<String>,
    /// Only of people in this group or below it, by its path from the top, as Berlin/Sales
    #[arg(long)]
    group: Option<String>,
    /// Only of this profile
    #[arg(long)]
    profile: Option<String>,
    /// Only documents of this type
    #[arg(long)]
    doc_type: Option<String>,
    /// Only documents in this state
    #[arg(long)]
    state: Option<String>,
    /// Only current documents, or only previous ones
    #[arg(long, value_name = "true|false")]
    current: Option<String>,
    /// Only what waits to be approved or collected, or only the others
    #[arg(long, value_name = "true|false")]
    waiting: Option<String>,
    /// Only what this operator requested, by logon name
    #[arg(long, value_name = "LOGON")]
    requested_by: Option<String>,
    /// Only what was requested then or later
    #[arg(long, value_name = "TIME")]
    requested_from: Option<String>,
    /// Only what was requested before
    #[arg(long, value_name = "TIME")]
    requested_to: Option<String>,
    /// Only what was first collected then or later
    #[arg(long, value_name = "TIME")]
    issued_from: Option<String>,
    /// Only what was first collected before
    #[arg(long, value_name = "TIME")]
    issued_to: Option<String>,
    /// Only what ends then or later
    #[arg(long, value_name = "TIME")]
    expires_from: Option<String>,
    /// Only what ends before
    #[arg(long, value_name = "TIME")]
    expires_to: Option<String>,
    /// Only devices of this platform, as android
    #[arg(long)]
    platform: Option<String>,
    /// Only devices that documents may go onto, or only the others
    #[arg(long, value_name = "true|false")]
    active: Option<String>,
    /// Only devices that were registered then or later
    #[arg(long, value_name = "TIME")]
    registered_from: Option<String>,
    /// Only devices that were registered before
    #[arg(long, value_name = "TIME")]
    registered_to: Option<String>,
    /// Only devices on which something was last collected then or later
    #[arg(long, value_name = "TIME")]
    seen_from: Option<String>,
    /// Only devices on which something was last collected before
    #[arg(long, value_name = "TIME")]
    seen_to: Option<String>,
}

impl Filters {
    /// Those that are given as they stand, without the ones by which people and groups are named.
    fn given(&self) -> Vec<(&'static str, String)> {
        let all = [
            ("profile", &self.profile),
            ("doc_type", &self.doc_type),
            ("state", &self.state),
            ("current", &self.current),
            ("waiting", &self.waiting),
            ("requested_from", &self.requested_from),
            ("requested_to", &self.requested_to),
            ("issued_from", &self.issued_from),
            ("issued_to", &self.issued_to),
            ("expires_from", &self.expires_from),
            ("expires_to", &self.expires_to),
            ("platform", &self.platform),
            ("active", &self.active),
            ("registered_from", &self.registered_from),
            ("registered_to", &self.registered_to),
            ("seen_from", &self.seen_from),
            ("seen_to", &self.seen_to),
        ];
        all.into_iter()
            .filter_map(|(name, text)| Some((name, text.clone()?)))
            .collect()
    }

    /// Whether there are any.
    pub(super) fn any(&self) -> bool {
        !self.given().is_empty()
            || [&self.person, &self.requested_by, &self.group]
                .iter()
                .any(|named| named.is_some())
    }

    /// What they select of a report.
    pub(super) fn wanted(&self, session: &Session, report: Report) -> Result<Wanted, Failure> {
        let mut wanted = Wanted::new(report, session.now);
        for (name, text) in self.by_id(session)? {
            wanted.filter(name, &text).map_err(refused)?;
        }
        Ok(wanted)
    }

    /// The same with ids of people and groups.
    fn by_id(&self, session: &Session) -> Result<Vec<(&'static str, String)>, Failure> {
        let named = (self.person.clone(), self.requested_by.clone(), self.group.clone());
        let ids = session.read(move |tx, _, _| {
            let mut ids = Vec::new();
            for (name, logon) in [("person", &named.0), ("requested_by", &named.1)] {
                if let Some(logon) = logon {
                    ids.push((name, people::by_logon(tx, logon)?.id.to_string()));
                }
            }
            if let Some(path) = &named.2
                && let Some(group) = people::group_at(tx, path)?
            {
                ids.push(("group", group.to_string()));
            }
            Ok(ids)
        })?;
        Ok([self.given(), ids].concat())
    }
}

fn refused(why: Refusal) -> Failure {
    failed(usecase::Failure::from(why))
}

impl Arguments {
    fn wanted(&self, session: &Session, report: Report) -> Result<Wanted, Failure> {
        let mut wanted = self.filters.wanted(session, report)?;
        if let Some(sort) = &self.sort {
            wanted.order(sort).map_err(refused)?;
        }
        if let Some(limit) = self.limit {
            wanted.limit(limit).map_err(refused)?;
        }
        if let Some(cursor) = &self.cursor {
            wanted.after(cursor.clone());
        }
        let whole = self.all || self.csv.is_some();
        Ok(if whole { wanted.whole() } else { wanted })
    }
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let unknown = || Failure::new(format!("there is no report of {}", arguments.report));
    let report = Report::named(&arguments.report).ok_or_else(unknown)?;
    let session = arguments.acting.open()?;
    let wanted = arguments.wanted(&session, report)?;
    if let Some(path) = &arguments.csv {
        let mut sheet = Sheet::new(path)?;
        let mut first = true;
        pages(&session, wanted, true, |page| {
            let text = reports::sheet(report, &page.rows, first);
            first = false;
            sheet.add(&text.map_err(|why| failed(why.into()))?)
        })?;
        sheet.done()?;
        return Ok(Exit::Done);
    }
    let (json, all) = (arguments.acting.at.json, arguments.all);
    pages(&session, wanted, all, |page| match (json, all) {
        (true, true) => page.rows.iter().try_for_each(|row| line(report, row)),
        (true, false) => {
            let rows: Vec<Value> = page
                .rows
                .iter()
                .map(|row| reports::as_json(report, row))
                .collect();
            output::print_json(&json!({ "rows": rows, "next": page.next }))
        }
        (false, _) => {
            output::print(&table(report, &page.rows))?;
            match &page.next {
                Some(next) if !all => output::print(&format!("\nThere is more: --cursor {next}\n")),
                _ => Ok(()),
            }
        }
    })?;
    Ok(Exit::Done)
}

/// One page after the other, or only one.
fn pages(
    session: &Session,
    mut wanted: Wanted,
    all: bool,
    mut each: impl FnMut(&Page) -> Result<(), Failure>,
) -> Result<(), Failure> {
    loop {
        let asked = wanted.clone();
        let page = session.read(move |tx, actor, _| reports::page(tx, actor, &asked))?;
        each(&page)?;
        match page.next {
            Some(next) if all => wanted.after(next),
            _ => return Ok(()),
        }
    }
}

/// A row as JSON on a line of its own. What could steer a terminal is escaped, so that the values stay what they are.
fn line(report: Report, row: &[Cell]) -> Result<(), Failure> {
    let mut line = String::new();
    for character in reports::as_json(report, row).to_string().chars() {
        if steers(character) {
            line.push_str(&format!("\\u{:04x}", u32::from(character)));
        } else {
            line.push(character);
        }
    }
    output::print(&format!("{line}\n"))
}

/// What people read: the columns for which there is room.
fn table(report: Report, rows: &[Vec<Cell>]) -> String {
    let shown: Vec<(usize, &str)> = report
        .columns()
        .iter()
        .enumerate()
        .filter(|(_, column)| column.brief)
        .map(|(at, column)| (at, column.name))
        .collect();
    let mut lines: Vec<Vec<String>> = vec![shown.iter().map(|(_, name)| (*name).to_owned()).collect()];
    for row in rows {
        let cell = |(at, _): &(usize, &str)| row.get(*at).map(Cell::text).unwrap_or_default();
        // What has several lines would spoil the table.
        lines.push(
            shown
                .iter()
                .map(cell)
                .map(|text| text.replace(['\n', '\r'], " "))
                .collect(),
        );
    }
    let widths: Vec<usize> = (0..shown.len())
        .map(|at| {
            let width = |line: &Vec<String>| line.get(at).map_or(0, |cell| cell.chars().count());
            lines.iter().map(width).max().unwrap_or_default()
        })
        .collect();
    let mut text = String::new();
    for line in &lines {
        let cells: Vec<String> = line
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:<width$}"))
            .collect();
        text.push_str(cells.join("  ").trim_end());
        text.push('\n');
    }
    text
}

/// A file that grows beside its place, and is there when it is whole; or standard output.
struct Sheet {
    file: Option<(File, PathBuf, PathBuf)>,
}

impl Sheet {
    fn new(path: &Path) -> Result<Self, Failure> {
        if is_stdio(path) {
            return Ok(Self { file: None });
        }
        if path.exists() {
            return Err(Failure::new(format!("{} is there already", path.display()))
                .hint("give the name of a new file, or `-` for standard output"));
        }
        let mut beside = path.as_os_str().to_owned();
        beside.push(".part");
        let beside = PathBuf::from(beside);
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        // It tells of people.
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&beside).map_err(|why| unwritable(path, &why))?;
        Ok(Self {
            file: Some((file, beside, path.to_owned())),
        })
    }

    fn add(&mut self, text: &[u8]) -> Result<(), Failure> {
        match &mut self.file {
            None => output::print_bytes(text),
            Some((file, _, path)) => file.write_all(text).map_err(|why| unwritable(path, &why)),
        }
    }

    fn done(mut self) -> Result<(), Failure> {
        let Some((file, beside, path)) = &self.file else {
            return Ok(());
        };
        let moved = file.sync_all().and_then(|()| fs::rename(beside, path));
        moved.map_err(|why| unwritable(path, &why))?;
        self.file = None;
        Ok(())
    }
}

impl Drop for Sheet {
    fn drop(&mut self) {
        if let Some((_, beside, _)) = &self.file {
            // Best effort: what cannot be removed here, nobody could.
            let _ = fs::remove_file(beside);
        }
    }
}

fn unwritable(path: &Path, why: &std::io::Error) -> Failure {
    Failure::new(format!("{} cannot be written: {why}", path.display()))
}
