//! `mdoc-verifier`: builds requests and checks documents.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    mdoc_cli::run(cli::PROGRAM, cli::run)
}
