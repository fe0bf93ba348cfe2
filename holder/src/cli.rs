//! The command line: flags, help and printing; no rule of the domain.

mod consent;
mod key;
mod present;
mod respond;

use clap::{Parser, Subcommand};
use mdoc_cli::manual::{Completions, Manual};
use mdoc_cli::{Exit, Failure};

/// The name in messages.
pub(crate) const PROGRAM: &str = "mdoc-holder";

/// Holds ISO/IEC 18013-5 mobile documents and answers requests.
#[derive(Parser)]
#[command(name = PROGRAM, version, arg_required_else_help = true, after_help = "\
Examples:
  mdoc-holder key new --out wallet
  mdoc-holder present --document document.mdoc --key wallet/device.key.pem
  mdoc-holder respond --document document.mdoc --key wallet/device.key.pem \\
      --request request.cbor --transcript transcript.cbor --out response.cbor

Exit status: 0 done, 1 the answer is no (nothing of what was asked for can be
given, or the reader's signature does not hold), 2 could not tell (usage, files).")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make device keys.
    #[command(
        subcommand,
        after_help = "\
Example:
  mdoc-holder key new --out wallet"
    )]
    Key(key::Command),
    /// Present documents to a reader, face to face.
    Present(present::Arguments),
    /// Answer a request with a document.
    Respond(respond::Arguments),
    Completions(Completions),
    Man(Manual),
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    match arguments.command {
        Command::Key(command) => key::run(&command),
        Command::Present(arguments) => present::run(&arguments),
        Command::Respond(arguments) => respond::run(&arguments),
        Command::Completions(arguments) => arguments.run::<Arguments>(),
        Command::Man(arguments) => arguments.run::<Arguments>(),
    }
}
