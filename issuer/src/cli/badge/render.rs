//! `mdoc-issuer badge render`

use std::path::{Path, PathBuf};

use clap::Args;
use mdoc_cli::output::{self, Existing, NewFile};
use mdoc_cli::system::SystemClock;
use mdoc_cli::{Exit, Failure, args};
use mdoc_core::seams::Clock as _;
use mdoc_core::time::Timestamp;
use mdoc_issuer::format::fill::{self, IssuerFacts, Times};
use serde_json::json;

use super::super::{PROGRAM, format, issue, portrait};
use super::{Badge, Look};

/// `badge render`
#[derive(Debug, Args)]
pub(in super::super) struct Render {
    /// Name of a layout, or a layout file; a front, and perhaps its back
    #[arg(long, value_name = "NAME|FILE", required = true)]
    layout: Vec<String>,
    /// Name of a format, or a format file [default: the one that the layout names]
    #[arg(long, value_name = "NAME|FILE")]
    format: Option<String>,
    /// A folder with formats of your own (*.xml); they come before the shipped ones
    #[arg(long, value_name = "DIR")]
    formats: Option<PathBuf>,
    /// The person's data, JSON; `-` for standard input
    #[arg(long, value_name = "FILE")]
    data: PathBuf,
    /// The person's portrait, JPEG, JPEG 2000 or PNG; otherwise the data have it in base64
    #[arg(long, value_name = "FILE")]
    portrait: Option<PathBuf>,
    /// The issuing country, if the document has it; `issue` takes it from the signer's certificate
    #[arg(long, value_name = "CC", default_value = "NL", value_parser = args::country)]
    country: String,
    /// The issuing authority's name, if the data do not have it
    #[arg(long, value_name = "TEXT", value_parser = args::line)]
    authority: Option<String>,
    /// As if today were this day [default: today]
    #[arg(long, value_name = "RFC3339", value_parser = args::instant)]
    at: Option<Timestamp>,
    /// The name that the files begin with
    #[arg(long, value_name = "NAME", default_value = "badge", value_parser = file_name)]
    name: String,
    /// The folder to write to; it is made if it is not there
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    #[command(flatten)]
    look: Look,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

fn file_name(text: &str) -> Result<String, String> {
    if text.is_empty() || text.starts_with('.') || text.contains(['/', '\\', '\0']) {
        return Err("a file name without a folder and without an ending is expected".to_owned());
    }
    Ok(text.to_owned())
}

/// Draws a badge.
///
/// # Errors
/// [`Failure`] with everything that is wrong; nothing is written then.
pub(super) fn run(arguments: &Render) -> Result<Exit, Failure> {
    let badge = Badge::load(&arguments.layout, &arguments.look)?;
    let catalogue = format::catalogue(arguments.formats.as_deref())?;
    let name = arguments.format.as_deref().or(badge.format()).ok_or_else(|| {
        Failure::new("the layout names no format").hint("give --format with the name of one")
    })?;
    let (format, _) = format::find(&catalogue, name)?;
    let data = issue::person(&arguments.data)?;
    let portrait = arguments.portrait.as_deref().map(portrait::read).transpose()?;
    let now = arguments.at.unwrap_or_else(|| SystemClock.now());
    let facts = IssuerFacts {
        country: arguments.country.clone(),
        jurisdiction: None,
        authority: arguments.authority.clone(),
    };
    let times = Times {
        valid_from: now,
        issue_date: now.date(),
    };
    let filled = fill::fill(&format, &data, portrait.as_deref(), &facts, &times)
        .map_err(|errors| issue::data_failure(&errors, &format.name))?;
    for warning in &filled.warnings {
        output::warn(PROGRAM, &warning.to_string());
    }
    let files = badge.draw(&filled)?;
    output::make_folder(&arguments.out)?;
    let files: Vec<(PathBuf, Vec<u8>)> = files
        .into_iter()
        .map(|(end, content)| (arguments.out.join(format!("{}{end}", arguments.name)), content))
        .collect();
    let inputs: Vec<&Path> = [&arguments.data]
        .into_iter()
        .chain(&arguments.portrait)
        .map(PathBuf::as_path)
        .collect();
    for (path, _) in &files {
        output::not_over(path, &inputs)?;
    }
    let new: Vec<NewFile<'_>> = files
        .iter()
        .map(|(path, content)| NewFile {
            path,
            content,
            secret: false,
        })
        .collect();
    output::write_all(&new, Existing::Replace)?;
    let names: Vec<String> = files.iter().map(|(path, _)| path.display().to_string()).collect();
    if arguments.json {
        output::print_json(&json!({ "files": names }))?;
    } else {
        let lines = names.iter().map(|name| format!("wrote {name}\n"));
        output::print(&lines.collect::<String>())?;
    }
    Ok(Exit::Done)
}
