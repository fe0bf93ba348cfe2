//! `mdoc-service`: issues mobile documents to people.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    mdoc_cli::run(mdoc_service::start::PROGRAM, cli::run)
}
