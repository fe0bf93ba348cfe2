//! Seeing to the audit trail.

use base16ct::lower::encode_string;
use clap::{Args, Subcommand};
use mdoc_cli::{Exit, Failure, output};
use mdoc_service::usecase::audit;

use super::Acting;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Check that nothing of the trail was changed, left out or put in.
    ///
    /// Keep the digest that this prints somewhere else: with it, a later check shows that the trail still begins with
    /// what was there.
    #[command(after_help = "\
Example:
  mdoc-service audit verify --config authority/service.toml")]
    Verify(VerifyArguments),
    /// Print the trail, an entry a line, as JSON.
    #[command(after_help = "\
Example:
  mdoc-service audit show --config authority/service.toml --after 100")]
    Show(ShowArguments),
}

#[derive(Args)]
pub(crate) struct VerifyArguments {
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
    let session = arguments.acting.open()?;
    let found = session.read(|tx, _, _| Ok(audit::verify(tx)?))?;
    let json = arguments.acting.at.json;
    match found {
        Ok(chain) => {
            let (number, digest) = chain.head();
            let digest = encode_string(digest);
            if json {
                output::print_json(
                    &serde_json::json!({ "whole": true, "entries": number, "digest": digest }),
                )?;
            } else {
                output::print(&format!(
                    "The trail is whole: {number} entries, the last one with the digest\n{digest}\n"
                ))?;
            }
            Ok(Exit::Done)
        }
        Err(broken) => {
            if json {
                output::print_json(&serde_json::json!({ "whole": false, "why": broken.to_string() }))?;
            }
            Err(Failure::new(format!("the audit trail does not hold: {broken}")).exit(Exit::Rejected))
        }
    }
}

fn show(arguments: &ShowArguments) -> Result<Exit, Failure> {
    let session = arguments.acting.open()?;
    let mut after = arguments.after;
    loop {
        let page = session.read(move |tx, actor, _| audit::page(tx, actor, after))?;
        let Some((last, _)) = page.last() else {
            return Ok(Exit::Done);
        };
        after = *last;
        for (_, entry) in &page {
            output::print(&format!("{entry}\n"))?;
        }
    }
}
