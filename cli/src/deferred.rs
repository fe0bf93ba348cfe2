//! Commands whose options are described to clap only when they are called.

use core::ops::Deref;

use clap::error::Error;
use clap::{ArgMatches, Args, Command, FromArgMatches, Subcommand};

/// Options or subcommands that are described once the command is called, or help about it is wanted.
///
/// A program of many commands starts as fast as one that has the called one alone: a tenth of the time to the first
/// signature went into options of other commands.
///
/// ```
/// # use clap::{Args, Parser, Subcommand};
/// # use mdoc_cli::Deferred;
/// #[derive(Args)]
/// struct Issue {
///     #[arg(long)]
///     out: String,
/// }
///
/// #[derive(Subcommand)]
/// enum Command {
///     /// Issue a document
///     Issue(Deferred<Issue>),
/// }
/// # #[derive(Parser)]
/// # struct Arguments { #[command(subcommand)] command: Command }
/// let Command::Issue(issue) = Arguments::parse_from(["mdoc-issuer", "issue", "--out", "x"]).command;
/// assert_eq!(issue.out, "x");
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Deferred<T>(T);

impl<T> Deref for Deferred<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

/// What is said of a command where it is named in a list goes before what its options say of themselves.
fn keeping_about(command: Command, describe: fn(Command) -> Command) -> Command {
    let Some(short) = command.get_about().cloned() else {
        return describe(command);
    };
    let long = command.get_long_about().cloned();
    let command = describe(command).about(short);
    match long {
        Some(long) => command.long_about(long),
        None => command.long_about(None),
    }
}

impl<T: FromArgMatches> FromArgMatches for Deferred<T> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        T::from_arg_matches(matches).map(Self)
    }

    fn from_arg_matches_mut(matches: &mut ArgMatches) -> Result<Self, Error> {
        T::from_arg_matches_mut(matches).map(Self)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        self.0.update_from_arg_matches(matches)
    }

    fn update_from_arg_matches_mut(&mut self, matches: &mut ArgMatches) -> Result<(), Error> {
        self.0.update_from_arg_matches_mut(matches)
    }
}

impl<T: Args> Args for Deferred<T> {
    fn augment_args(command: Command) -> Command {
        command.defer(|command| keeping_about(command, T::augment_args))
    }

    fn augment_args_for_update(command: Command) -> Command {
        command.defer(|command| keeping_about(command, T::augment_args_for_update))
    }
}

impl<T: Subcommand> Subcommand for Deferred<T> {
    fn augment_subcommands(command: Command) -> Command {
        command.defer(|command| keeping_about(command, T::augment_subcommands))
    }

    fn augment_subcommands_for_update(command: Command) -> Command {
        command.defer(|command| keeping_about(command, T::augment_subcommands_for_update))
    }

    fn has_subcommand(name: &str) -> bool {
        T::has_subcommand(name)
    }
}
