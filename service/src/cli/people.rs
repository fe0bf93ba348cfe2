//! Seeing to people.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use mdoc_cli::output::{Existing, NewFile};
use mdoc_cli::{Exit, Failure, input, output, system};
use mdoc_service::domain::person::{Details, Person};
use mdoc_service::making::photograph;
use mdoc_service::usecase::import::{self, Table};
use mdoc_service::usecase::people::{self, Search};
use serde_json::{Map, Value, json};

use super::Acting;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Add a person.
    #[command(after_help = "\
Example:
  mdoc-service person add --logon ada --given-name Ada --family-name Lovelace \\
      --email ada@example.org --attributes ada.json")]
    Add(Box<AddArguments>),
    /// Add the people of a table: comma-separated values with a header.
    #[command(after_help = "\
Columns: logon_name, given_name, family_name, and email, mobile_phone,
employee_number, external_id, user_data_approved (true or false), group (its path from
the top: Berlin/Sales). Every other column is an attribute: text, or JSON if its name
ends in :json, as height:json.

Rows that a rule refuses are printed with their line, and the others are added. When
the table is given again, who is there is refused as such.

Example:
  mdoc-service person import people.csv --config authority/service.toml")]
    Import(ImportArguments),
    /// Change what is known of a person.
    #[command(after_help = "\
Example:
  mdoc-service person change ada --email ada@example.net --approved true")]
    Change(Box<ChangeArguments>),
    /// List people by name, perhaps only those in whose names, numbers or addresses a text is.
    #[command(after_help = "Example:\n  mdoc-service person list --config authority/service.toml love")]
    List(ListArguments),
    /// Show a person, without the photograph.
    #[command(after_help = "Example:\n  mdoc-service person show ada --config authority/service.toml")]
    Show(ShowArguments),
    /// Set or replace the photograph.
    #[command(
        after_help = "Example:\n  mdoc-service person photo ada ada.jpg --config authority/service.toml"
    )]
    Photo(PhotoArguments),
    /// Write down everything that is kept of a person, for the person.
    #[command(after_help = "\
One JSON document: details, photograph, roles, devices, documents with their histories,
messages without their content, rows of batches, and what the audit trail tells of the
person and of what the person did. The trail notes that it was made.

Example:
  mdoc-service person export ada --out ada.json --config authority/service.toml")]
    Export(ExportArguments),
    /// Erase a person, for good.
    #[command(after_help = "\
All documents of the person are cancelled or over before. What stays says what was done
when: documents, entries of status lists, moves with their reasons, the audit trail; it
names the person by an id that is random. Two things in the trail are as they were
written: notes in words, and from where something was done (an address, or an account
of the machine). Copies of the database made before have all.

Example:
  mdoc-service person erase ada --confirm ada --config authority/service.toml")]
    Erase(EraseArguments),
}

#[derive(Args)]
pub(crate) struct AddArguments {
    /// The name to sign in with
    #[arg(long)]
    logon: String,
    /// Given names
    #[arg(long)]
    given_name: String,
    /// Family name
    #[arg(long)]
    family_name: String,
    /// Address of electronic mail
    #[arg(long)]
    email: Option<String>,
    /// Mobile phone, as +441632960123
    #[arg(long)]
    mobile_phone: Option<String>,
    /// Employee number; the next free one if not given
    #[arg(long)]
    employee_number: Option<String>,
    /// What another system calls the person
    #[arg(long)]
    external_id: Option<String>,
    /// Whatever documents need besides: a JSON object; `-` is standard input
    #[arg(long, value_name = "FILE")]
    attributes: Option<PathBuf>,
    /// The path of the group from the top, as Berlin/Sales
    #[arg(long)]
    group: Option<String>,
    /// Somebody looked at the data and found them right
    #[arg(long)]
    approved: bool,
    #[command(flatten)]
    acting: Acting,
}

#[derive(Args)]
pub(crate) struct ImportArguments {
    /// The table; `-` is standard input
    table: PathBuf,
    /// What is between cells
    #[arg(long, value_name = "CHARACTER", default_value = ",", value_parser = delimiter)]
    delimiter: u8,
    #[command(flatten)]
    acting: Acting,
}

#[derive(Args)]
pub(crate) struct ChangeArguments {
    /// The person, by logon name
    logon: String,
    /// Another logon name
    #[arg(long)]
    logon_name: Option<String>,
    /// Another employee number
    #[arg(long)]
    employee_number: Option<String>,
    /// Given names
    #[arg(long)]
    given_name: Option<String>,
    /// Family name
    #[arg(long)]
    family_name: Option<String>,
    /// Address of electronic mail; empty for none
    #[arg(long)]
    email: Option<String>,
    /// Mobile phone, as +441632960123; empty for none
    #[arg(long)]
    mobile_phone: Option<String>,
    /// What another system calls the person; empty for nothing
    #[arg(long)]
    external_id: Option<String>,
    /// The path of the group from the top, as Berlin/Sales; empty for none
    #[arg(long)]
    group: Option<String>,
    /// Whatever documents need besides: a JSON object that takes the place of the one before; `-` is standard input
    #[arg(long, value_name = "FILE")]
    attributes: Option<PathBuf>,
    /// Whether somebody looked at the data and found them right
    #[arg(long, value_name = "true|false")]
    approved: Option<bool>,
    #[command(flatten)]
    acting: Acting,
}

fn delimiter(text: &str) -> Result<u8, String> {
    match text.as_bytes() {
        [byte @ (b',' | b';' | b'\t' | b'|')] => Ok(*byte),
        _ => Err("it is a comma, a semicolon, a tabulator or |".to_owned()),
    }
}

#[derive(Args)]
pub(crate) struct ListArguments {
    /// Part of a name, number or address
    #[arg(default_value = "")]
    text: String,
    /// The most that is listed
    #[arg(long, default_value_t = 50)]
    limit: u32,
    #[command(flatten)]
    acting: Acting,
}

#[derive(Args)]
pub(crate) struct ShowArguments {
    /// The person, by logon name
    logon: String,
    #[command(flatten)]
    acting: Acting,
}

#[derive(Args)]
pub(crate) struct PhotoArguments {
    /// The person, by logon name
    logon: String,
    /// The picture: JPEG, JPEG 2000 or PNG
    picture: PathBuf,
    #[command(flatten)]
    acting: Acting,
}

#[derive(Args)]
pub(crate) struct ExportArguments {
    /// The person, by logon name
    logon: String,
    /// Write it to this new file, for its owner alone; `-` is standard output
    #[arg(long, value_name = "FILE", default_value = "-")]
    out: PathBuf,
    #[command(flatten)]
    acting: Acting,
}

#[derive(Args)]
pub(crate) struct EraseArguments {
    /// The person, by logon name
    logon: String,
    /// The logon name once more
    #[arg(long, value_name = "LOGON")]
    confirm: String,
    #[command(flatten)]
    acting: Acting,
}

pub(super) fn run(command: &Command) -> Result<Exit, Failure> {
    match command {
        Command::Add(arguments) => add(arguments),
        Command::Import(arguments) => import(arguments),
        Command::Change(arguments) => change(arguments),
        Command::List(arguments) => list(arguments),
        Command::Show(arguments) => show(arguments),
        Command::Photo(arguments) => photo(arguments),
        Command::Export(arguments) => export(arguments),
        Command::Erase(arguments) => erase(arguments),
    }
}

fn add(arguments: &AddArguments) -> Result<Exit, Failure> {
    let attributes = arguments
        .attributes
        .as_deref()
        .map_or_else(|| Ok(Map::new()), attributes)?;
    let mut details = Details {
        logon_name: arguments.logon.clone(),
        given_name: arguments.given_name.clone(),
        family_name: arguments.family_name.clone(),
        email: arguments.email.clone(),
        mobile_phone: arguments.mobile_phone.clone(),
        group: None,
        external_id: arguments.external_id.clone(),
        user_data_approved: arguments.approved,
        attributes,
    };
    let (number, mut rng) = (arguments.employee_number.clone(), system::random()?);
    let group = arguments.group.clone();
    let person = arguments.acting.open()?.write(move |tx, actor, now| {
        if let Some(path) = &group {
            details.group = people::group_at(tx, path)?;
        }
        people::add(tx, actor, now, (&details, number.as_deref()), &mut rng)
    })?;
    if arguments.acting.at.json {
        output::print_json(&as_json(&person))?;
    } else {
        output::print(&format!(
            "{} has the number {}\n",
            person.details.logon_name, person.employee_number
        ))?;
    }
    Ok(Exit::Done)
}

fn attributes(path: &Path) -> Result<Map<String, Value>, Failure> {
    let name = input::display(path);
    serde_json::from_slice(&input::read_bytes(path)?).map_err(|_| {
        Failure::new(format!("{name} is no JSON object")).hint("as {\"birth_date\": \"1815-12-10\"}")
    })
}

fn import(arguments: &ImportArguments) -> Result<Exit, Failure> {
    let name = input::display(&arguments.table);
    let bad = |why: import::Unreadable| {
        Failure::new(format!("{name}: {why}"))
            .hint("`mdoc-service person import --help` says which columns there are")
    };
    let table = input::read_bytes(&arguments.table)?;
    let mut table = Table::new(&table, arguments.delimiter).map_err(bad)?;
    let session = arguments.acting.open()?;
    let (mut added, mut refused) = (0, Vec::new());
    loop {
        let (rows, unreadable) = table.some().map_err(bad)?;
        if rows.is_empty() && unreadable.is_empty() {
            break;
        }
        let (count, mut rng) = (rows.len(), system::random()?);
        let not_added =
            session.write(move |tx, actor, now| Ok(import::add(tx, actor, now, &rows, &mut rng)?))?;
        added += count - not_added.len();
        refused.extend(unreadable);
        refused.extend(not_added);
    }
    refused.sort_by_key(|row| row.line);
    if arguments.acting.at.json {
        let rows = refused
            .iter()
            .map(|row| json!({ "line": row.line, "code": row.code, "detail": row.words }));
        output::print_json(&json!({ "added": added, "refused": rows.collect::<Vec<_>>() }))?;
    } else {
        for row in &refused {
            output::print(&format!("line {}: {} [{}]\n", row.line, row.words, row.code))?;
        }
        output::print(&format!("{added} added, {} refused\n", refused.len()))?;
    }
    Ok(if refused.is_empty() {
        Exit::Done
    } else {
        Exit::Rejected
    })
}

fn change(arguments: &ChangeArguments) -> Result<Exit, Failure> {
    let attributes = arguments.attributes.as_deref().map(attributes).transpose()?;
    let set = |text: &Option<String>| text.clone().map(|text| (!text.is_empty()).then_some(text));
    let (email, mobile_phone, external_id) = (
        set(&arguments.email),
        set(&arguments.mobile_phone),
        set(&arguments.external_id),
    );
    let (given_name, family_name) = (arguments.given_name.clone(), arguments.family_name.clone());
    let (logon_name, number) = (arguments.logon_name.clone(), arguments.employee_number.clone());
    let (logon, group, approved) = (arguments.logon.clone(), set(&arguments.group), arguments.approved);
    let person = arguments.acting.open()?.write(move |tx, actor, now| {
        let mut person = people::by_logon(tx, &logon)?;
        let details = &mut person.details;
        let put = |member: &mut Option<String>, new: &Option<Option<String>>| {
            if let Some(new) = new {
                member.clone_from(new);
            }
        };
        put(&mut details.email, &email);
        put(&mut details.mobile_phone, &mobile_phone);
        put(&mut details.external_id, &external_id);
        for (member, new) in [
            (&mut details.given_name, &given_name),
            (&mut details.family_name, &family_name),
            (&mut details.logon_name, &logon_name),
            (&mut person.employee_number, &number),
        ] {
            if let Some(new) = new {
                member.clone_from(new);
            }
        }
        if let Some(group) = &group {
            details.group = match group {
                None => None,
                Some(path) => people::group_at(tx, path)?,
            };
        }
        if let Some(attributes) = &attributes {
            details.attributes.clone_from(attributes);
        }
        details.user_data_approved = approved.unwrap_or(details.user_data_approved);
        people::change(tx, actor, now, &person)
    })?;
    output::print_json(&as_json(&person))?;
    Ok(Exit::Done)
}

fn list(arguments: &ListArguments) -> Result<Exit, Failure> {
    let search = Search {
        text: arguments.text.clone(),
        after: None,
        limit: arguments.limit,
    };
    let found = arguments
        .acting
        .open()?
        .write(move |tx, actor, _| people::search(tx, actor, &search))?;
    if arguments.acting.at.json {
        output::print_json(&found.iter().map(as_json).collect::<Vec<_>>().into())?;
        return Ok(Exit::Done);
    }
    for person in &found {
        let details = &person.details;
        output::print(&format!(
            "{}\t{}\t{}, {}\n",
            details.logon_name, person.employee_number, details.family_name, details.given_name
        ))?;
    }
    Ok(Exit::Done)
}

fn show(arguments: &ShowArguments) -> Result<Exit, Failure> {
    let logon = arguments.logon.clone();
    let person = arguments.acting.open()?.write(move |tx, actor, _| {
        let id = people::by_logon(tx, &logon)?.id;
        people::get(tx, actor, &id)
    })?;
    output::print_json(&as_json(&person))?;
    Ok(Exit::Done)
}

fn photo(arguments: &PhotoArguments) -> Result<Exit, Failure> {
    let name = input::display(&arguments.picture);
    let picture = input::read_bytes(&arguments.picture)?;
    let photograph = photograph(&picture).map_err(|why| {
        Failure::new(format!("{name}: {why}")).hint("give a JPEG, JPEG 2000 or PNG picture of the person")
    })?;
    let logon = arguments.logon.clone();
    arguments.acting.open()?.write(move |tx, actor, now| {
        let id = people::by_logon(tx, &logon)?.id;
        people::set_photo(tx, actor, now, &id, ("image/jpeg", &photograph))
    })?;
    if arguments.acting.at.json {
        output::print_json(&json!({ "logon_name": arguments.logon }))?;
    }
    Ok(Exit::Done)
}

fn export(arguments: &ExportArguments) -> Result<Exit, Failure> {
    let path = &arguments.out;
    // Nothing is noted of what would not be written.
    if !input::is_stdio(path) && path.exists() {
        return Err(Failure::new(format!("{} is there already", path.display()))
            .hint("give the name of a new file, or `-` for standard output"));
    }
    let (logon, session) = (arguments.logon.clone(), arguments.acting.open()?);
    let id = session.write(move |tx, actor, now| people::export(tx, actor, now, &logon))?;
    // The trail may be long: nobody waits for that.
    let all =
        session.read(move |tx, actor, _| people::exported(tx, actor, (&id, people::Trail::AsGranted)))?;
    if input::is_stdio(path) {
        output::print_json(&all)?;
        return Ok(Exit::Done);
    }
    let text = format!("{all:#}\n");
    let file = NewFile {
        path,
        content: text.as_bytes(),
        secret: true,
    };
    output::write(file, Existing::Keep)?;
    if arguments.acting.at.json {
        output::print_json(&json!({ "logon_name": arguments.logon, "out": path }))?;
    }
    Ok(Exit::Done)
}

fn erase(arguments: &EraseArguments) -> Result<Exit, Failure> {
    let (logon, confirm) = (arguments.logon.clone(), arguments.confirm.clone());
    let id = arguments
        .acting
        .open()?
        .write(move |tx, actor, now| people::erase(tx, actor, now, (&logon, &confirm)))?;
    if arguments.acting.at.json {
        output::print_json(&json!({ "id": id.as_str() }))?;
    } else {
        output::print(&format!("{id} is nobody any more\n"))?;
    }
    Ok(Exit::Done)
}

fn as_json(person: &Person) -> Value {
    let details = &person.details;
    json!({
        "id": person.id.as_str(),
        "logon_name": details.logon_name,
        "employee_number": person.employee_number,
        "given_name": details.given_name,
        "family_name": details.family_name,
        "email": details.email,
        "mobile_phone": details.mobile_phone,
        "group": details.group.as_ref().map(ToString::to_string),
        "external_id": details.external_id,
        "user_data_approved": details.user_data_approved,
        "attributes": details.attributes,
        "version": person.version,
    })
}
