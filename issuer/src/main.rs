//! The program mdoc-issuer: arguments in, one command, an exit status out.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    mdoc_cli::run(cli::PROGRAM, cli::run)
}
