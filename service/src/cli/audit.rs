//! Seeing to the audit trail.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use base16ct::lower::encode_string;
use clap::{Args, Subcommand};
use mdoc_cli::input::STDIN;
use mdoc_cli::{Exit, Failure, output};
use mdoc_service::usecase::audit::{self, BadExport, Chain, Kept};

use super::Acting;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Check that nothing of the trail was changed, left out or put in.
    ///
    /// Keep what this prints somewhere else: who can change the trail can make all its digests anew. With --expect, a later
    /// check shows that the trail still begins with what was there.
    #[command(after_help = "\
Examples:
  mdoc-service audit verify --config authority/service.toml
  mdoc-service audit verify --config authority/service.toml --expect 812:9f2c…
  mdoc-service audit verify --file trail.jsonl --expect 812:9f2c…

Exit status: 0 it holds, 1 it does not, 2 could not tell (usage, files, database).")]
    Verify(VerifyArguments),
    /// Print the trail, an entry a line, as JSON with its digest.
    #[command(after_help = "\
Examples:
  mdoc-service audit show --config authority/service.toml --after 100
  mdoc-service audit show --config authority/service.toml > trail.jsonl")]
    Show(ShowArguments),
}

#[derive(Args)]
pub(crate) struct VerifyArguments {
    /// What an earlier check printed: the number of an entry and its digest; may be given several times
    #[arg(long, value_name = "NUMBER:DIGEST")]
    expect: Vec<Kept>,
    /// What `audit show` printed, instead of the database: neither that nor a configuration is needed; `-` is standard
    /// input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["config", "operator"])]
    file: Option<PathBuf>,
    #[command(flatten)]
    acting: Acting,
}

#[derive(Args)]
pub(crate) struct ShowArguments {
    #[command(flatten)]
    acting: Acting,
    /// Only entries with a higher number
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    after: i64,
}

pub(super) fn run(command: &Command) -> Result<Exit, Failure> {
    match command {
        Command::Verify(arguments) => verify(arguments),
        Command::Show(arguments) => show(arguments),
    }
}

fn verify(arguments: &VerifyArguments) -> Result<Exit, Failure> {
    let chain = Chain::with(arguments.expect.clone());
    let found = match &arguments.file {
        Some(path) => of_file(path, chain)?,
        None => {
            let session = arguments.acting.open()?;
            session
                .read(move |tx, _, _| Ok(audit::verify_with(tx, chain.clone())?))?
                .map_err(|broken| broken.to_string())
        }
    };
    let json = arguments.acting.at.json;
    match found {
        Ok(chain) => {
            let (number, digest) = chain.head();
            let digest = encode_string(digest);
            if json {
                output::print_json(
                    &serde_json::json!({ "whole": true, "entries": number, "digest": digest }),
                )?;
            } else if let Some(keep) = chain.to_keep() {
                output::print(&format!(
                    "The trail is whole: {number} entries. Keep the number and the digest of the last one:\n{keep}\n"
                ))?;
            } else {
                output::print("The trail is whole: it has no entries.\n")?;
            }
            Ok(Exit::Done)
        }
        Err(why) => {
            if json {
                output::print_json(&serde_json::json!({ "whole": false, "why": why }))?;
            }
            Err(Failure::new(format!("the audit trail does not hold: {why}")).exit(Exit::Rejected))
        }
    }
}

/// Checks an export; what is wrong with the trail in it is the inner result.
fn of_file(path: &Path, chain: Chain) -> Result<Result<Chain, String>, Failure> {
    let failure = |why: BadExport| Failure::new(format!("{}: {why}", path.display()));
    let lines: Box<dyn BufRead> = if path == Path::new(STDIN) {
        Box::new(io::stdin().lock())
    } else {
        let file = File::open(path).map_err(|why| failure(BadExport::Input(why)))?;
        Box::new(BufReader::new(file))
    };
    match audit::verify_export(lines, chain) {
        Ok(chain) => Ok(Ok(chain)),
        Err(BadExport::Broken(broken)) => Ok(Err(broken.to_string())),
        Err(why @ BadExport::Begins(number)) => Err(failure(why).hint(format!(
            "give the digest of the entry before: `--expect {}:DIGEST`",
            number - 1
        ))),
        Err(why @ BadExport::Line(_)) => Err(failure(why).hint(
            "give the lines as `audit show` printed them: the digests are over their text, which other programs change",
        )),
        Err(why) => Err(failure(why)),
    }
}

fn show(arguments: &ShowArguments) -> Result<Exit, Failure> {
    let session = arguments.acting.open()?;
    let mut after = arguments.after;
    loop {
        let page = session.read(move |tx, actor, _| audit::page(tx, actor, after))?;
        let Some(last) = page.last() else {
            return Ok(Exit::Done);
        };
        after = last.number;
        for recorded in &page {
            output::print(&format!("{}\n", audit::line(recorded)))?;
        }
    }
}
