//! The command line: flags, help and printing; no rule of the domain.

mod collect;
mod consent;
mod folder;
mod http;
mod key;
mod list;
mod present;
mod respond;
mod taken;

use clap::{Parser, Subcommand};
use mdoc_cli::manual::{Completions, Manual};
use mdoc_cli::{Exit, Failure};

/// The name in messages.
pub(crate) const PROGRAM: &str = "mdoc-holder";

/// Holds ISO/IEC 18013-5 mobile documents and answers requests.
#[derive(Parser)]
#[command(name = PROGRAM, version, arg_required_else_help = true, after_help = "\
Examples:
  mdoc-holder collect 'openid-credential-offer://?…' --code 493536 --copies 10
  mdoc-holder list
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
    /// Collect documents from an issuer into a wallet.
    Collect(collect::Arguments),
    /// Fetch documents of a wallet anew.
    Refresh(collect::RefreshArguments),
    /// List what is in a wallet.
    List(list::List),
    /// Show a document of a wallet.
    Show(list::Show),
    /// Delete a document of a wallet.
    Delete(list::Delete),
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
        Command::Collect(arguments) => collect::run(&arguments),
        Command::Refresh(arguments) => collect::refresh(&arguments),
        Command::List(arguments) => list::list(&arguments),
        Command::Show(arguments) => list::show(&arguments),
        Command::Delete(arguments) => list::delete(&arguments),
        Command::Key(command) => key::run(&command),
        Command::Present(arguments) => present::run(&arguments),
        Command::Respond(arguments) => respond::run(&arguments),
        Command::Completions(arguments) => arguments.run::<Arguments>(),
        Command::Man(arguments) => arguments.run::<Arguments>(),
    }
}
