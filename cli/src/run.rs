//! The frame around every `main`.

use std::io::Write as _;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Command, Parser};

use crate::failure::{Exit, Failure};
use crate::log;

/// Reads the arguments, runs the command, says what went wrong, and gives the exit status.
///
/// Wrong usage is status 2, as a sentence with the option that was probably meant as its hint; `--help` and
/// `--version` are status 0. Before the command runs the log is begun, if one is asked for.
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
pub fn run<A: Parser>(program: &'static str, command: impl FnOnce(A) -> Result<Exit, Failure>) -> ExitCode {
    let arguments = match A::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Nobody is left to be told if this cannot be written.
            if !error.use_stderr() {
                let _ = error.print();
                return Exit::Done.into();
            }
            if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
                let _ = error.print();
                return Exit::CouldNotTell.into();
            }
            let path = command_path(A::command(), std::env::args().skip(1));
            let failure = usage(&error, &path);
            let _ = std::io::stderr().write_all(failure.words(program).as_bytes());
            return failure.exit.into();
        }
    };
    let ended = log::start(program).and_then(|()| command(arguments));
    match ended {
        Ok(exit) => {
            tracing::debug!(status = exit.status(), "program ended");
            exit.into()
        }
        Err(failure) => {
            tracing::error!(target: log::FATAL, status = failure.exit.status(), error = failure.message, "failed");
            let _ = std::io::stderr().write_all(failure.words(program).as_bytes());
            failure.exit.into()
        }
    }
}

/// The program with the subcommands that were named: `mdoc-issuer pki iaca`.
fn command_path(program: Command, arguments: impl Iterator<Item = String>) -> String {
    let mut path = program.get_name().to_owned();
    let mut command = program;
    command.build();
    for argument in arguments {
        let Some(found) = command.find_subcommand(&argument).cloned() else {
            break;
        };
        path = format!("{path} {argument}");
        command = found;
    }
    path
}

/// What clap found, as a sentence and a hint.
fn usage(error: &clap::Error, path: &str) -> Failure {
    let text = error.render().to_string();
    let lines = text.lines().take_while(|line| !line.is_empty());
    let sentence: Vec<&str> = lines.collect();
    let sentence = sentence.join("\n");
    let sentence = sentence.strip_prefix("error: ").unwrap_or(&sentence);
    let suggestions = [
        ContextKind::SuggestedArg,
        ContextKind::SuggestedSubcommand,
        ContextKind::SuggestedValue,
    ];
    let meant = suggestions.into_iter().find_map(|kind| match error.get(kind)? {
        ContextValue::String(name) => Some(name.clone()),
        // The nearest comes last.
        ContextValue::Strings(names) => names.last().cloned(),
        _ => None,
    });
    let help = format!("`{path} --help` shows what is expected");
    Failure::new(sentence).hint(match meant {
        Some(meant) => format!("did you mean `{meant}`? {help}"),
        None => help,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Parser)]
    #[command(name = "mdoc-test")]
    enum Arguments {
        Inspect,
        Issue {
            #[arg(long)]
            out: String,
        },
    }

    fn words(arguments: &[&str]) -> String {
        let all = ["mdoc-test"].iter().chain(arguments);
        let error = Arguments::try_parse_from(all).unwrap_err();
        let arguments = arguments.iter().map(|argument| (*argument).to_owned());
        let path = command_path(<Arguments as clap::CommandFactory>::command(), arguments);
        usage(&error, &path).words("mdoc-test")
    }

    #[test]
    fn a_typing_error_is_a_sentence_with_a_hint() {
        assert_eq!(
            words(&["issue", "--outt", "x"]),
            "mdoc-test: error: unexpected argument '--outt' found\n\
             hint: did you mean `--out`? `mdoc-test issue --help` shows what is expected\n"
        );
        assert_eq!(
            words(&["isue"]),
            "mdoc-test: error: unrecognized subcommand 'isue'\n\
             hint: did you mean `issue`? `mdoc-test --help` shows what is expected\n"
        );
        assert_eq!(
            words(&["issue"]),
            "mdoc-test: error: the following required arguments were not provided:\n  --out <OUT>\n\
             hint: `mdoc-test issue --help` shows what is expected\n"
        );
    }
}
