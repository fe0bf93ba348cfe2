//! `mdoc-holder list`, `show` and `delete`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;
use mdoc_cli::failure::printable_line;
use mdoc_cli::output::{Existing, NewFile};
use mdoc_cli::{Exit, Failure, output};
use mdoc_core::cbor::diagnostic;
use mdoc_core::issuer_signed::{IssuerSigned, IssuerSignedItem};
use mdoc_core::limits::Limits;
use mdoc_holder::wallet::Record;
use mdoc_openid::vci::credential::Badge;
use serde_json::{Value, json};

use super::folder::{WalletArguments, records, state, valid_until};

/// Of a picture or another long value so many bytes are shown.
const LONGEST_BYTES: usize = 16;

#[derive(Args)]
struct Common {
    #[command(flatten)]
    wallet: WalletArguments,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
#[command(after_help = "\
Example:
  mdoc-holder list --wallet wallet

The passphrase of the wallet is asked for, or comes from MDOC_KEY_PASSPHRASE, or from
the file that MDOC_KEY_PASSPHRASE_FILE names.")]
pub(super) struct List {
    #[command(flatten)]
    common: Common,
}

#[derive(Args)]
#[command(after_help = "\
The badge is the document as a picture. It came from the issuer with the document, and
nobody signed it: readers are shown the document, never the badge.

Examples:
  mdoc-holder show k3mq7w2a
  mdoc-holder show k3mq7w2a --badge badge.png
  mdoc-holder show k3mq7w2a --badge back.svg --side back")]
pub(super) struct Show {
    /// The name of the record, from `mdoc-holder list`.
    id: String,
    /// Write the badge to this file, as its ending says: .svg or .png.
    #[arg(long, value_name = "FILE")]
    badge: Option<PathBuf>,
    /// Which side of the badge.
    #[arg(long, value_name = "SIDE", value_parser = ["front", "back"], default_value = "front", requires = "badge")]
    side: String,
    #[command(flatten)]
    common: Common,
}

#[derive(Args)]
#[command(after_help = "\
Removes documents and keys for good; whether the issuer gives them again is for it to
say.

Example:
  mdoc-holder delete k3mq7w2a")]
pub(super) struct Delete {
    /// The names of the records, from `mdoc-holder list`.
    #[arg(required = true)]
    id: Vec<String>,
    #[command(flatten)]
    common: Common,
}

pub(super) fn list(arguments: &List) -> Result<Exit, Failure> {
    let wallet = arguments.common.wallet.open()?;
    let records = records(&wallet)?;
    if arguments.common.json {
        let all: Vec<Value> = records.iter().map(summary).collect();
        output::print_json(&json!({ "records": all }))?;
        return Ok(Exit::Done);
    }
    if records.is_empty() {
        output::print("the wallet is empty\n")?;
    }
    for record in &records {
        output::print(&line(record))?;
    }
    Ok(Exit::Done)
}

/// One line for a record.
fn line(record: &Record) -> String {
    let (unused, all) = record.count();
    let until = valid_until(record).map_or_else(String::new, |until| format!(", valid until {until}"));
    let copies = match all {
        0 => state(record).to_owned(),
        1 => format!("1 copy, {unused} not shown yet{until}"),
        all => format!("{all} copies, {unused} not shown yet{until}"),
    };
    let doc_type = printable_line(&record.doc_type);
    format!(
        "{}  {doc_type}  from {}: {copies}\n",
        record.id,
        printable_line(&record.issuer)
    )
}

pub(super) fn summary(record: &Record) -> Value {
    let (unused, all) = record.count();
    json!({
        "id": record.id,
        "docType": record.doc_type,
        "issuer": record.issuer,
        "state": state(record),
        "collected": record.collected.to_string(),
        "copies": all,
        "unused": unused,
        "badge": sides(record),
        "validUntil": valid_until(record).map(|until| until.to_string()),
        "refreshable": record.session.as_ref().is_some_and(|session| session.can_refresh()),
    })
}

pub(super) fn show(arguments: &Show) -> Result<Exit, Failure> {
    let wallet = arguments.common.wallet.open()?;
    let record = wallet.read(&arguments.id)?;
    if let Some(path) = &arguments.badge {
        return badge(&record, path, &arguments.side, arguments.common.json);
    }
    let elements = elements(&record);
    if arguments.common.json {
        let mut shown = summary(&record);
        if let Some(members) = shown.as_object_mut() {
            let all = elements.iter().flat_map(|(name_space, of_it)| {
                of_it.iter().map(move |(element, value)| {
                    json!({ "namespace": name_space, "element": element, "value": value })
                })
            });
            members.insert("elements".to_owned(), all.collect());
        }
        output::print_json(&shown)?;
        return Ok(Exit::Done);
    }
    let mut text = line(&record);
    let sides = sides(&record).join(" and ");
    if !sides.is_empty() {
        let _ = writeln!(text, "badge: {sides}");
    }
    for (name_space, of_it) in &elements {
        let _ = writeln!(text, "{}", printable_line(name_space));
        for (element, value) in of_it {
            let _ = writeln!(text, "  {}: {}", printable_line(element), printable_line(value));
        }
    }
    output::print(&text)?;
    Ok(Exit::Done)
}

/// The names of the sides of a badge.
fn sides(record: &Record) -> Vec<&'static str> {
    let badge = record.badge.iter();
    badge
        .flat_map(|badge| badge.sides().map(|(name, _)| name))
        .collect()
}

/// Writes one side of the badge to a file, which others may not read.
fn badge(record: &Record, path: &Path, side: &str, as_json: bool) -> Result<Exit, Failure> {
    let of_name = |badge: &Badge| {
        let found = badge.sides().find(|(name, _)| *name == side);
        found.map(|(_, side)| side.clone())
    };
    let found = record.badge.as_ref().and_then(of_name);
    let found = found.ok_or_else(|| {
        Failure::new(match sides(record).as_slice() {
            [] => format!("{} has no badge", record.id),
            _ => format!("the badge of {} has no {side}", record.id),
        })
        .hint("badges come with documents for which the issuer draws them")
    })?;
    let ending = path.extension().and_then(|ending| ending.to_str());
    let content = match ending.unwrap_or_default().to_ascii_lowercase().as_str() {
        "svg" => found.svg.into_bytes(),
        "png" => found.png,
        _ => {
            let name = path.display();
            return Err(Failure::new(format!("{name} ends in neither .svg nor .png"))
                .hint("the ending says which of the two is written"));
        }
    };
    let file = NewFile {
        path,
        content: &content,
        secret: true,
    };
    output::write(file, Existing::Replace)?;
    if as_json {
        output::print_json(&json!({ "files": [path.display().to_string()] }))?;
    } else {
        output::print(&format!("wrote {}\n", path.display()))?;
    }
    Ok(Exit::Done)
}

/// By namespace the elements, each with its value in diagnostic notation, cut where it is long.
fn elements(record: &Record) -> Vec<(String, Vec<(String, String)>)> {
    let limits = Limits::DEFAULT;
    let document = record.copies.iter().find_map(|copy| copy.document.as_deref());
    let decoded = document.and_then(|bytes| IssuerSigned::decode(bytes, &limits).ok());
    let Some(decoded) = decoded else { return Vec::new() };
    let mut all = Vec::new();
    for (name_space, items) in decoded.name_spaces() {
        let mut of_it = Vec::new();
        for item in items {
            let Ok(item) = IssuerSignedItem::read(item, &limits) else {
                continue;
            };
            let value = diagnostic(item.element_value, LONGEST_BYTES);
            let value: Vec<&str> = value.lines().map(str::trim).collect();
            let value = value.join(" ");
            of_it.push((item.element_identifier.into_owned(), value));
        }
        if !of_it.is_empty() {
            all.push((name_space.clone().into_owned(), of_it));
        }
    }
    all
}

pub(super) fn delete(arguments: &Delete) -> Result<Exit, Failure> {
    let wallet = arguments.common.wallet.open()?;
    // All of them are looked for first: nothing is removed if a name is mistyped.
    for id in &arguments.id {
        wallet.read(id)?;
    }
    for id in &arguments.id {
        wallet.delete(id)?;
        if !arguments.common.json {
            output::print(&format!("removed {id}\n"))?;
        }
    }
    if arguments.common.json {
        output::print_json(&json!({ "removed": arguments.id }))?;
    }
    Ok(Exit::Done)
}
