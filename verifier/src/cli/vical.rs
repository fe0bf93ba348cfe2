//! `mdoc-verifier vical`.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use mdoc_cli::input::Input;
use mdoc_cli::recognise::Structure;
use mdoc_cli::system::SystemClock;
use mdoc_cli::trust::{ListTrust, check_list};
use mdoc_cli::{Exit, Failure, args, output};
use mdoc_core::limits::Limits;
use mdoc_core::seams::Clock as _;
use mdoc_core::time::Timestamp;
use mdoc_core::vical::compare::compare;
use mdoc_core::vical::{self as list, Inputs, SignedVical, Vical};
use mdoc_verifier::show::Detail;
use mdoc_verifier::vical;

use super::trust::{JudgeArguments, PolicyArguments};

/// What to do with lists of issuing authorities.
#[derive(Subcommand)]
pub(super) enum Command {
    /// Check a list, step by step.
    Verify(VerifyArguments),
    /// Show what is in a list, without trusting it.
    List(ListArguments),
    /// Tell what changed from one list to another.
    Diff(DiffArguments),
}

#[derive(Args)]
#[command(after_help = "\
Every step is passed, failed, a warning or not done; docs/vical-codes.md explains
each code. What is wrong with one entry costs that entry at most. A root that
comes with the list is never trusted: get it from the provider by another way.

Examples:
  mdoc-verifier vical verify list.vical --root provider.pem
  mdoc-verifier vical verify list.vical --root provider.pem --state /var/lib/vical
  mdoc-verifier vical verify list.vical --root provider.pem --policy strict \\
      --crl provider.crl --json

Exit status: 0 accepted, 1 rejected, 2 could not tell (usage, files).")]
pub(super) struct VerifyArguments {
    /// The list; `-` is standard input.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Root certificate of the provider, or folder of them; may be given more than once.
    #[arg(long, value_name = "FILE|DIR", required = true)]
    root: Vec<PathBuf>,
    /// Folder that keeps the last accepted list of each provider, so that an older one is refused.
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
    #[command(flatten)]
    judge: JudgeArguments,
    #[command(flatten)]
    policy: PolicyArguments,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    /// Show every step, with its source.
    #[arg(long, short, conflicts_with = "json")]
    verbose: bool,
}

#[derive(Args)]
#[command(after_help = "\
Nothing is verified: `mdoc-verifier vical verify` does.

Examples:
  mdoc-verifier vical list list.vical
  mdoc-verifier vical list list.vical --json")]
pub(super) struct ListArguments {
    /// The list; `-` is standard input.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Judge validity by this instant [default: now].
    #[arg(long, value_name = "RFC3339", value_parser = args::instant)]
    at: Option<Timestamp>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
#[command(after_help = "\
Certificates are the same if their bytes are; the order of entries does not matter.
Nothing is verified: `mdoc-verifier vical verify` does.

Examples:
  mdoc-verifier vical diff old.vical new.vical
  mdoc-verifier vical diff old.vical new.vical --json

Exit status: 0 the same, 1 something changed, 2 could not tell (usage, files).")]
pub(super) struct DiffArguments {
    /// The list before.
    #[arg(value_name = "OLD")]
    old: PathBuf,
    /// The list after.
    #[arg(value_name = "NEW")]
    new: PathBuf,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(command: &Command) -> Result<Exit, Failure> {
    match command {
        Command::Verify(arguments) => verify(arguments),
        Command::List(arguments) => contents(arguments),
        Command::Diff(arguments) => diff(arguments),
    }
}

fn verify(arguments: &VerifyArguments) -> Result<Exit, Failure> {
    let input = read(&arguments.file)?;
    let judged = arguments.judge.judged(&arguments.policy);
    let trust = ListTrust {
        roots: &arguments.root,
        store: arguments.state.as_deref(),
        now: judged.now,
        policy: judged.policy,
        revocation_lists: &arguments.judge.revocation_lists()?,
    };
    let report = check_list(&input, &trust)?.report;
    if arguments.json {
        output::print_json(&vical::report_json(&report))?;
    } else {
        let detail = if arguments.verbose {
            Detail::Full
        } else {
            Detail::Brief
        };
        output::print(&vical::report_text(&report, detail))?;
    }
    Ok(if report.accepted() {
        Exit::Done
    } else {
        Exit::Rejected
    })
}

fn contents(arguments: &ListArguments) -> Result<Exit, Failure> {
    let input = read(&arguments.file)?;
    let now = arguments.at.unwrap_or_else(|| SystemClock.now());
    let vical = decoded(&input)?;
    // For what is to be said of the entries; nobody is trusted, so that the rest of it fails.
    let report = list::verify(&input.bytes, &Inputs::new(&[], now));
    if arguments.json {
        output::print_json(&vical::contents_json(&vical, &report, now))?;
    } else {
        let mut text = vical::contents_text(&vical, &report, now);
        text.push_str("\nnothing was verified; use mdoc-verifier vical verify\n");
        output::print(&text)?;
    }
    Ok(Exit::Done)
}

fn diff(arguments: &DiffArguments) -> Result<Exit, Failure> {
    let (old, new) = (read(&arguments.old)?, read(&arguments.new)?);
    let (old, new) = (decoded(&old)?, decoded(&new)?);
    let changes = compare(&old, &new);
    if arguments.json {
        output::print_json(&vical::changes_json(&old, &new, &changes))?;
    } else {
        output::print(&vical::changes_text(&old, &new, &changes))?;
    }
    Ok(if changes.is_empty() {
        Exit::Done
    } else {
        Exit::Rejected
    })
}

/// Reads a file that is to be a list. What is no CBOR at all, or CBOR of another kind, is not judged.
fn read(path: &Path) -> Result<Input, Failure> {
    let input = Input::read(path)?;
    let expected = Structure::Vical;
    let kind = input.kind();
    let known = [Structure::Unknown, Structure::CoseSign1, expected].map(Structure::words);
    if input.cbor(expected.words()).is_err() {
        return Err(input.not(expected.words()));
    }
    if !known.contains(&kind) && kind != "CBOR that is cut off or damaged" {
        return Err(input.not(expected.words()));
    }
    Ok(input)
}

fn decoded(input: &Input) -> Result<Vical, Failure> {
    SignedVical::decode(&input.bytes, &Limits::VICAL)
        .map(|list| list.vical().clone())
        .map_err(|error| input.undecodable(Structure::Vical, &error))
}
