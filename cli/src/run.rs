//! The frame around every `main`.

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser;

use crate::failure::{Exit, Failure};

/// Reads the arguments, runs the command, says what went wrong, and gives the exit status.
///
/// Wrong usage is status 2, in clap's own words, which know the option that was probably meant; `--help`
/// and `--version` are status 0.
///
/// ```no_run
/// # use std::process::ExitCode;
/// # use mdoc_cli::Exit;
/// #[derive(clap::Parser)]
/// struct Arguments {}
///
/// fn main() -> ExitCode {
///     mdoc_cli::run("mdoc-issuer", |_: Arguments| Ok(Exit::Done))
/// }
/// ```
pub fn run<A: Parser>(program: &str, command: impl FnOnce(A) -> Result<Exit, Failure>) -> ExitCode {
    let arguments = match A::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Nobody is left to be told if this cannot be written.
            let _ = error.print();
            return if error.use_stderr() {
                Exit::CouldNotTell.into()
            } else {
                Exit::Done.into()
            };
        }
    };
    match command(arguments) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            let _ = std::io::stderr().write_all(failure.words(program).as_bytes());
            failure.exit.into()
        }
    }
}
