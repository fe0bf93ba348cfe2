//! `mdoc-issuer format`

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use mdoc_cli::input::{self, Form, Input};
use mdoc_cli::output::{self, Existing, NewFile};
use mdoc_cli::system::SystemClock;
use mdoc_cli::{Exit, Failure, args, keys};
use mdoc_core::seams::Clock as _;
use mdoc_core::time::Timestamp;
use serde_json::{Value as Json, json};

use super::PROGRAM;
use mdoc_issuer::format::catalogue::{Entry, Problem, SHIPPED};
use mdoc_issuer::format::codes::has_country_form;
use mdoc_issuer::format::start::start;
use mdoc_issuer::format::{Catalogue, Format, FormatErrors, Origin, describe, sample};

/// What to do with document formats.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List the formats that can be asked for by name
    #[command(after_help = "\
Examples:
  mdoc-issuer format list
  mdoc-issuer format list --formats our-formats/")]
    List(List),
    /// Check a format file, and tell everything that is wrong with it
    #[command(after_help = "\
Example:
  mdoc-issuer format check our-formats/staff-badge.xml

Each fault is a line FILE:LINE:COLUMN: message. Exit status 1 if there are any.")]
    Check(Check),
    /// Show the elements of a format, with types, limits and origins
    #[command(after_help = "\
Examples:
  mdoc-issuer format show iso-18013-5-mdl
  mdoc-issuer format show eu-pid --xml > our-formats/our-pid.xml")]
    Show(Show),
    /// Make data of a person who does not exist, to try a format with
    #[command(after_help = "\
Examples:
  mdoc-issuer format sample eu-pid
  mdoc-issuer format sample our-formats/staff-badge.xml --out person.json
  mdoc-issuer issue --format our-formats/staff-badge.xml --data person.json …

The data are JSON, with a drawn portrait in base64 if the format has one. They
fill the format and pass the data-quality gate. What the signer's certificate
tells is left out.")]
    Sample(Sample),
    /// Start a format of your own: a file with comments that say what to change
    #[command(after_help = "\
Examples:
  mdoc-issuer format new --name staff-badge --doctype com.example.staff-badge.1 \\
      --out our-formats/staff-badge.xml
  mdoc-issuer format check our-formats/staff-badge.xml

A docType is a domain name backwards, the kind of document, and a version.
A file that is there already is not replaced without --force.")]
    New(New),
}

/// Options that all of them have.
#[derive(Debug, Args)]
struct Common {
    /// A folder with formats of your own (*.xml); they come before the shipped ones
    #[arg(long, value_name = "DIR")]
    formats: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// `format list`
#[derive(Debug, Args)]
pub(super) struct List {
    #[command(flatten)]
    common: Common,
}

/// `format check`
#[derive(Debug, Args)]
pub(super) struct Check {
    /// The format file, XML; `-` for standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// `format show`
#[derive(Debug, Args)]
pub(super) struct Show {
    /// The name of a format, or a format file
    #[arg(value_name = "NAME|FILE")]
    name: String,
    /// Print the format file itself, to start one of your own
    #[arg(long, conflicts_with = "json")]
    xml: bool,
    #[command(flatten)]
    common: Common,
}

/// `format sample`
#[derive(Debug, Args)]
pub(super) struct Sample {
    /// The name of a format, or a format file
    #[arg(value_name = "NAME|FILE")]
    name: String,
    /// A folder with formats of your own (*.xml); they come before the shipped ones
    #[arg(long, value_name = "DIR")]
    formats: Option<PathBuf>,
    /// The country of the signer's certificate, ISO 3166-1
    #[arg(long, value_name = "CC", default_value = "NL", value_parser = country)]
    country: String,
    /// As if today were this day [default: today]
    #[arg(long, value_name = "RFC3339", value_parser = args::instant)]
    at: Option<Timestamp>,
    /// Where to write the data, JSON; `-` for standard output
    #[arg(long, value_name = "FILE", default_value = "-")]
    out: PathBuf,
}

/// `format new`
#[derive(Debug, Args)]
pub(super) struct New {
    /// The name on the command line: lower-case letters, digits, `-`, `.` and `_`
    #[arg(long, value_name = "NAME")]
    name: String,
    /// The docType, for example com.example.staff-badge.1; also the namespace
    #[arg(long, value_name = "DOCTYPE", value_parser = args::line)]
    doctype: String,
    /// The name that people see [default: from the name]
    #[arg(long, value_name = "TEXT", value_parser = args::line)]
    display_name: Option<String>,
    /// Where to write the format file, XML; `-` for standard output
    #[arg(long, value_name = "FILE", default_value = "-")]
    out: PathBuf,
    /// Replace a file that is there already
    #[arg(long)]
    force: bool,
}

fn country(text: &str) -> Result<String, String> {
    if has_country_form(text) {
        Ok(text.to_owned())
    } else {
        Err("a code of two capital letters such as NL is expected".to_owned())
    }
}

/// Runs `format list`, `check`, `show`, `sample` or `new`.
///
/// # Errors
/// [`Failure`] if a file cannot be read or a name is not known.
pub(super) fn run(command: &Command) -> Result<Exit, Failure> {
    match command {
        Command::List(list) => self::list(list),
        Command::Check(check) => self::check(check),
        Command::Show(show) => self::show(show),
        Command::Sample(sample) => self::sample(sample),
        Command::New(new) => self::new(new),
    }
}

fn list(list: &List) -> Result<Exit, Failure> {
    let catalogue = catalogue(list.common.formats.as_deref())?;
    if list.common.json {
        let formats: Vec<Json> = catalogue.entries().iter().map(summary_json).collect();
        let problems: Vec<String> = catalogue.problems().iter().map(ToString::to_string).collect();
        output::print_json(&json!({"formats": formats, "problems": problems}))?;
        return Ok(Exit::Done);
    }
    let width = |of: fn(&Format) -> &str| {
        let widths = catalogue
            .entries()
            .iter()
            .map(|entry| of(&entry.format).chars().count());
        widths.max().unwrap_or(0)
    };
    let (names, types) = (width(|format| &format.name), width(|format| &format.doctype));
    let mut text = String::new();
    for Entry { format, file } in catalogue.entries() {
        let file = file
            .as_ref()
            .map_or(String::new(), |file| format!("  {}", file.display()));
        text.push_str(&format!(
            "{:names$}  {:types$}  {}{file}\n",
            format.name, format.doctype, format.display_name
        ));
    }
    output::print(&text)?;
    Ok(Exit::Done)
}

fn summary_json(entry: &Entry) -> Json {
    json!({
        "name": entry.format.name,
        "version": entry.format.version,
        "displayName": entry.format.display_name,
        "docType": entry.format.doctype,
        "file": entry.file.as_ref().map(|file| file.display().to_string()),
    })
}

fn check(check: &Check) -> Result<Exit, Failure> {
    let bytes = read(&check.file)?;
    let name = input::display(&check.file);
    match Format::read(&bytes) {
        Ok(format) => {
            let count = format.elements().count();
            if check.json {
                output::print_json(&json!({"file": name, "valid": true, "errors": [], "name": format.name}))?;
            } else {
                let (format_name, doc_type) = (&format.name, &format.doctype);
                output::print(&format!(
                    "{name}: in order: format {format_name}, docType {doc_type}, {count} elements\n"
                ))?;
            }
            Ok(Exit::Done)
        }
        Err(errors) => {
            if check.json {
                output::print_json(&json!({"file": name, "valid": false, "errors": errors_json(&errors)}))?;
            } else {
                output::print(&lines(&name, &errors))?;
            }
            Err(Failure::new(format!("{name} has {}", errors.count()))
                .hint("`mdoc-issuer format new` starts one that is in order")
                .exit(Exit::Rejected))
        }
    }
}

/// Reads a file that may be XML; whether it is in order is not asked here.
fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let bytes = input::read_bytes(path)?;
    let input = Input::recognise(input::display(path), bytes.clone());
    match input.form {
        Form::Text | Form::Unknown => Ok(bytes),
        _ => Err(input
            .not("a format in XML")
            .hint("`mdoc-issuer format new` starts one that is in order")),
    }
}

fn lines(name: &str, errors: &FormatErrors) -> String {
    let lines = errors
        .0
        .iter()
        .map(|error| format!("{name}:{}:{}: {}\n", error.line, error.column, error.message));
    lines.collect()
}

fn errors_json(errors: &FormatErrors) -> Vec<Json> {
    let errors = errors.0.iter().map(|error| {
        json!({
            "line": error.line,
            "column": error.column,
            "path": error.path,
            "code": error.code.code(),
            "message": error.message,
        })
    });
    errors.collect()
}

fn show(show: &Show) -> Result<Exit, Failure> {
    let catalogue = catalogue(show.common.formats.as_deref())?;
    let (format, file) = find(&catalogue, &show.name)?;
    if show.xml {
        return print_xml(&format, file.as_deref());
    }
    if show.common.json {
        output::print_json(&to_json(&format))?;
        return Ok(Exit::Done);
    }
    output::print(&to_text(&format))?;
    Ok(Exit::Done)
}

fn sample(arguments: &Sample) -> Result<Exit, Failure> {
    let catalogue = catalogue(arguments.formats.as_deref())?;
    let (format, file) = find(&catalogue, &arguments.name)?;
    let inputs: Vec<&Path> = file.as_deref().into_iter().collect();
    output::not_over(&arguments.out, &inputs)?;
    let today = arguments.at.unwrap_or_else(|| SystemClock.now()).date();
    let data = sample::sample(&format, &arguments.country, today).map_err(|error| {
        let lines: Vec<String> = error.0.iter().map(|line| format!("  {line}")).collect();
        Failure::new(format!(
            "no sample data can be made for {}:\n{}",
            format.name,
            lines.join("\n")
        ))
        .hint("write data by hand; `mdoc-issuer format show` lists the fields and their limits")
    })?;
    let content = format!("{data:#}\n");
    let file = NewFile {
        path: &arguments.out,
        content: content.as_bytes(),
        secret: false,
    };
    output::write(file, Existing::Replace)?;
    Ok(Exit::Done)
}

fn new(arguments: &New) -> Result<Exit, Failure> {
    let display_name = arguments.display_name.clone().unwrap_or_else(|| {
        let words = arguments.name.replace(['-', '_', '.'], " ");
        let mut letters = words.chars();
        let first = letters.next().map(|c| c.to_ascii_uppercase());
        first.into_iter().chain(letters).collect()
    });
    let xml = start(&arguments.name, &arguments.doctype, &display_name).map_err(|errors| {
        // Line and column are those of a file that nobody has.
        let mut messages: Vec<&str> = errors.0.iter().map(|error| error.message.as_str()).collect();
        messages.dedup();
        Failure::new(format!("no format can start like this: {}", messages.join("; ")))
            .hint("for example: --name staff-badge --doctype com.example.staff-badge.1")
    })?;
    let file = NewFile {
        path: &arguments.out,
        content: xml.as_bytes(),
        secret: false,
    };
    let existing = if arguments.force {
        Existing::Replace
    } else {
        Existing::Keep
    };
    output::write(file, existing)?;
    Ok(Exit::Done)
}

/// The format of a name or of a file, with the file that it is from, if it is from one.
///
/// # Errors
/// [`Failure`] if there is no such format, with the name that was probably meant; or if the file is faulty.
pub(super) fn find(catalogue: &Catalogue, name: &str) -> Result<(Format, Option<PathBuf>), Failure> {
    if let Some(entry) = catalogue.entries().iter().find(|entry| entry.format.name == name) {
        loaded(&entry.format);
        return Ok((entry.format.clone(), entry.file.clone()));
    }
    let path = Path::new(name);
    let looks_like_file = path
        .extension()
        .is_some_and(|ext| ext.eq_ignore_ascii_case("xml"))
        || name.contains(['/', '\\']);
    if path.is_file() || looks_like_file {
        let bytes = read(path)?;
        let format = Format::read(&bytes).map_err(|errors| {
            let lines = lines(name, &errors);
            Failure::new(format!("{name} is not a format in order:\n{}", lines.trim_end()))
                .hint("`mdoc-issuer format new` starts one that is in order")
        })?;
        loaded(&format);
        return Ok((format, Some(path.to_owned())));
    }
    let hint = match catalogue.nearest(name) {
        Some(nearest) => format!("did you mean {nearest}? `mdoc-issuer format list` lists all"),
        None => "`mdoc-issuer format list` lists those there are; a file is given with its .xml".to_owned(),
    };
    Err(Failure::new(format!("there is no format `{name}`")).hint(hint))
}

/// The format of a name, or in a file; where it was read from, if it was not shipped. Formats that are not asked for are
/// read only if one of them may have that name.
///
/// # Errors
/// [`Failure`] as [`catalogue`] and [`find`].
pub(super) fn load(folder: Option<&Path>, name: &str) -> Result<(Format, Option<PathBuf>), Failure> {
    match folder {
        None => match Catalogue::shipped_format(name) {
            Some(format) => {
                loaded(&format);
                Ok((format, None))
            }
            None => find(&catalogue(None)?, name),
        },
        Some(folder) => find(&catalogue(Some(folder))?, name),
    }
}

fn loaded(format: &Format) {
    tracing::debug!(name = format.name, doc_type = format.doctype, "format loaded");
}

/// The shipped formats and those of a folder; what is odd about files of the folder goes to stderr.
///
/// # Errors
/// [`Failure`] if the folder cannot be listed.
pub(super) fn catalogue(folder: Option<&Path>) -> Result<Catalogue, Failure> {
    let mut catalogue = Catalogue::shipped();
    if let Some(folder) = folder {
        if !folder.is_dir() {
            let name = folder.display();
            let missing = if folder.exists() {
                format!("{name} is a file, a folder of formats is expected")
            } else {
                format!("there is no folder {name}")
            };
            return Err(Failure::new(missing).hint("--formats is a folder with format files (*.xml)"));
        }
        catalogue = catalogue.with_folder(folder).map_err(|error| {
            Failure::new(keys::sentence(&error)).hint("give a folder with format files (*.xml)")
        })?;
    }
    for problem in catalogue.problems() {
        match problem {
            Problem::Faulty { file, errors } => {
                let lines = lines(&file.display().to_string(), errors);
                let text = format!(
                    "{} is no format and is passed over:\n{}",
                    file.display(),
                    lines.trim_end()
                );
                output::warn(PROGRAM, &text);
            }
            other => output::warn(PROGRAM, &other.to_string()),
        }
    }
    Ok(catalogue)
}

fn print_xml(format: &Format, file: Option<&Path>) -> Result<Exit, Failure> {
    match file {
        Some(file) => output::print_bytes(&input::read_bytes(file)?)?,
        None => {
            let wanted = format!("{}.xml", format.name);
            let shipped = SHIPPED.iter().find(|(file, _)| *file == wanted);
            let (_, xml) = shipped
                .ok_or_else(|| Failure::new(format!("there is no file of the format {}", format.name)))?;
            output::print_bytes(xml.as_bytes())?;
        }
    }
    Ok(Exit::Done)
}

fn to_text(format: &Format) -> String {
    let mut text = format!("{} {}: {}\n", format.name, format.version, format.display_name);
    text.push_str(&format!("docType {}\n", format.doctype));
    if let Some(description) = &format.description {
        let words: Vec<&str> = description.split_whitespace().collect();
        text.push_str(&format!("{}\n", words.join(" ")));
    }
    for namespace in &format.namespaces {
        text.push_str(&format!("\n{}\n", namespace.name));
        let width = namespace
            .elements
            .iter()
            .map(|element| element.identifier.chars().count())
            .max()
            .unwrap_or(0);
        for element in &namespace.elements {
            let required = if element.required { "required" } else { "optional" };
            let origin = describe::origin(element).map_or(String::new(), |origin| format!("; {origin}"));
            text.push_str(&format!(
                "  {:width$}  {required}  {}{origin}\n",
                element.identifier,
                describe::value_type(&element.value_type)
            ));
        }
    }
    text
}

fn to_json(format: &Format) -> Json {
    let namespaces = format.namespaces.iter().map(|namespace| {
        let elements: Vec<Json> = namespace
            .elements
            .iter()
            .map(|element| {
                let derivation = match &element.origin {
                    Origin::Data(_) => None,
                    Origin::Derived { derivation, .. } => Some(derivation.name()),
                };
                json!({
                    "identifier": element.identifier,
                    "displayName": element.display_name,
                    "required": element.required,
                    "type": element.value_type.name(),
                    "description": describe::value_type(&element.value_type),
                    "data": element.path().names(),
                    "derive": derivation,
                })
            })
            .collect();
        json!({"name": namespace.name, "elements": elements})
    });
    json!({
        "name": format.name,
        "version": format.version,
        "displayName": format.display_name,
        "description": format.description,
        "docType": format.doctype,
        "namespaces": namespaces.collect::<Vec<Json>>(),
    })
}
