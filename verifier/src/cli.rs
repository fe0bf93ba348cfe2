//! The command line: flags, help and printing; no rule of the domain.

#[cfg(feature = "camera")]
mod camera;
mod check;
mod decode;
mod kiosk;
mod online;
mod read;
mod reader;
mod request;
mod scanned;
mod trust;
mod vical;

use clap::{Parser, Subcommand};
use mdoc_cli::manual::{Completions, Manual};
use mdoc_cli::{Exit, Failure};

/// The name in messages.
pub(crate) const PROGRAM: &str = "mdoc-verifier";

/// Verifies ISO/IEC 18013-5 mobile documents.
#[derive(Parser)]
#[command(name = PROGRAM, version, arg_required_else_help = true, after_help = "\
Examples:
  mdoc-verifier request --preset age-over-18 --out request.cbor
  mdoc-verifier check response.cbor --trust trusted --transcript transcript.cbor
  mdoc-verifier read --engagement - --preset age-over-18 --trust trusted
  mdoc-verifier vical verify list.vical --root provider.pem
  mdoc-verifier decode 'mdoc:owBjMS4wAYIB…'

Exit status: 0 accepted or done, 1 rejected, 2 could not tell (usage, files).")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Check a document or a response, step by step.
    Check(check::Arguments),
    /// Read a document from a wallet, face to face.
    Read(read::Arguments),
    /// Read one wallet after another, with a screen for a door or a bar.
    Kiosk(kiosk::Arguments),
    /// Explain an engagement, a transcript, a captured session or a trace of Bluetooth.
    Decode(decode::Arguments),
    /// Write a request.
    Request(request::Arguments),
    /// Verify, list and compare lists of issuing authorities (VICAL).
    #[command(
        subcommand,
        after_help = "\
Examples:
  mdoc-verifier vical verify list.vical --root provider.pem
  mdoc-verifier vical list list.vical
  mdoc-verifier vical diff old.vical new.vical

`mdoc-issuer vical make` makes such a list."
    )]
    Vical(vical::Command),
    Completions(Completions),
    Man(Manual),
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    match arguments.command {
        Command::Check(arguments) => check::run(&arguments),
        Command::Read(arguments) => read::run(&arguments),
        Command::Kiosk(arguments) => kiosk::run(arguments),
        Command::Decode(arguments) => decode::run(&arguments),
        Command::Request(arguments) => request::run(&arguments),
        Command::Vical(command) => vical::run(&command),
        Command::Completions(arguments) => arguments.run::<Arguments>(),
        Command::Man(arguments) => arguments.run::<Arguments>(),
    }
}
