//! `mdoc-holder`: the other side, for tests and demonstrations.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    mdoc_cli::run(cli::PROGRAM, cli::run)
}
