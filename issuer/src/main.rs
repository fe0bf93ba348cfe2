//! The program mdoc-issuer: arguments in, one command, an exit status out.

use std::process::ExitCode;

fn main() -> ExitCode {
    mdoc_cli::run(mdoc_issuer::cli::PROGRAM, mdoc_issuer::cli::run)
}
