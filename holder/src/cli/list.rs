//! `mdoc-holder list`, `show` and `delete`.

use std::fmt::Write as _;

use clap::Args;
use mdoc_cli::failure::printable_line;
use mdoc_cli::{Exit, Failure, output};
use mdoc_core::cbor::diagnostic;
use mdoc_core::issuer_signed::{IssuerSigned, IssuerSignedItem};
use mdoc_core::limits::Limits;
use mdoc_holder::wallet::Record;
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
Example:
  mdoc-holder show k3mq7w2a")]
pub(super) struct Show {
    /// The name of the record, from `mdoc-holder list`.
    id: String,
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
        "validUntil": valid_until(record).map(|until| until.to_string()),
        "refreshable": record.session.as_ref().is_some_and(|session| session.can_refresh()),
    })
}

pub(super) fn show(arguments: &Show) -> Result<Exit, Failure> {
    let wallet = arguments.common.wallet.open()?;
    let record = wallet.read(&arguments.id)?;
    let elements = elements(&record);
    if arguments.common.json {
        let mut shown = summary(&record);
        if let Some(members) = shown.as_object_mut() {
            let all = elements.iter().map(|(name_space, element, value)| {
                json!({ "namespace": name_space, "element": element, "value": value })
            });
            members.insert("elements".to_owned(), all.collect());
        }
        output::print_json(&shown)?;
        return Ok(Exit::Done);
    }
    let mut text = line(&record);
    let mut last = "";
    for (name_space, element, value) in &elements {
        if name_space != last {
            let _ = writeln!(text, "{}", printable_line(name_space));
            last = name_space;
        }
        let _ = writeln!(text, "  {}: {}", printable_line(element), printable_line(value));
    }
    output::print(&text)?;
    Ok(Exit::Done)
}

/// Namespace, element, and the value in diagnostic notation, cut where it is long.
fn elements(record: &Record) -> Vec<(String, String, String)> {
    let limits = Limits::DEFAULT;
    let document = record.copies.iter().find_map(|copy| copy.document.as_deref());
    let decoded = document.and_then(|bytes| IssuerSigned::decode(bytes, &limits).ok());
    let Some(decoded) = decoded else { return Vec::new() };
    let mut all = Vec::new();
    for (name_space, items) in decoded.name_spaces() {
        for item in items {
            let Ok(item) = IssuerSignedItem::read(item, &limits) else {
                continue;
            };
            let value = diagnostic(item.element_value, LONGEST_BYTES);
            let value: Vec<&str> = value.lines().map(str::trim).collect();
            let value = value.join(" ");
            all.push((
                name_space.clone().into_owned(),
                item.element_identifier.into_owned(),
                value,
            ));
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
