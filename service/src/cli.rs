//! The command line: flags, help and printing; no rule of the domain.

mod account;
mod audit;
mod batch;
mod client;
mod config;
#[cfg(feature = "demo")]
mod demo;
mod device;
mod document;
mod group;
mod init;
mod message;
mod operator;
mod people;
mod profile;
mod report;
mod restore;
mod role;
mod serve;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use mdoc_cli::manual::{Completions, Manual};
use mdoc_cli::{Exit, Failure, system};
use mdoc_core::seams::Clock;
use mdoc_core::time::Timestamp;
use mdoc_service::config::Config;
use mdoc_service::domain::Refusal;
use mdoc_service::start;
use mdoc_service::store::{Store, Tx};
use mdoc_service::usecase::authority::Actor;
use mdoc_service::usecase::{self, people as registry};

/// Issues mobile documents to people: requests, approval, collection by wallets, status, audit.
#[derive(Parser)]
#[command(name = start::PROGRAM, version, arg_required_else_help = true, after_help = "\
Examples:
  mdoc-service demo
  mdoc-service init authority
  mdoc-service serve --config authority/service.toml
  mdoc-service person add --config authority/service.toml --logon ada \\
      --given-name Ada --family-name Lovelace
  mdoc-service request --config authority/service.toml --person ada --profile loyalty-card

Exit status: 0 done, 1 the answer is no (a rule refused it), 2 could not tell
(usage, files, database).")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make a service in an empty folder, with certificates for development.
    Init(init::Arguments),
    /// Show the whole life of documents, with people who do not exist.
    #[cfg(feature = "demo")]
    Demo(demo::Arguments),
    /// Answer wallets and verifiers.
    Serve(serve::Arguments),
    /// See to the configuration.
    #[command(
        subcommand,
        after_help = "Example:\n  mdoc-service config check --config authority/service.toml"
    )]
    Config(config::Command),
    /// See to people.
    #[command(
        subcommand,
        after_help = "Example:\n  mdoc-service person list --config authority/service.toml"
    )]
    Person(people::Command),
    /// See to groups of people.
    #[command(
        subcommand,
        after_help = "Example:\n  mdoc-service group list --config authority/service.toml"
    )]
    Group(group::Command),
    /// See to the devices of people.
    #[command(
        subcommand,
        after_help = "Example:\n  mdoc-service device list ada --config authority/service.toml"
    )]
    Device(device::Command),
    /// See to roles, and who has them.
    #[command(
        subcommand,
        after_help = "Example:\n  mdoc-service role list --config authority/service.toml"
    )]
    Role(role::Command),
    /// See to credential profiles.
    #[command(
        subcommand,
        after_help = "Example:\n  mdoc-service profile list --config authority/service.toml"
    )]
    Profile(profile::Command),
    /// Request a document for somebody.
    Request(document::RequestArguments),
    /// See to documents: approve, disable, enable, cancel.
    #[command(
        subcommand,
        after_help = "Example:\n  mdoc-service document list --config authority/service.toml --person ada"
    )]
    Document(document::Command),
    /// Do something to many documents, or for many people.
    #[command(
        subcommand,
        after_help = "Example:\n  mdoc-service batch cancel --config authority/service.toml --profile licence --reason other"
    )]
    Batch(Box<batch::Command>),
    /// See to what is sent to people.
    #[command(
        subcommand,
        after_help = "Example:\n  mdoc-service message list --config authority/service.toml --stage failed"
    )]
    Message(message::Command),
    /// Report of documents, requests, devices, what was issued, what expires.
    Report(Box<report::Arguments>),
    /// See to machines that use the interface.
    #[command(
        subcommand,
        after_help = "Example:\n  mdoc-service client list --config authority/service.toml"
    )]
    Client(client::Command),
    /// See to how operators sign in.
    #[command(
        subcommand,
        after_help = "Example:\n  mdoc-service operator list --config authority/service.toml"
    )]
    Operator(operator::Command),
    /// See to the audit trail.
    #[command(
        subcommand,
        after_help = "Example:\n  mdoc-service audit verify --config authority/service.toml"
    )]
    Audit(audit::Command),
    /// Copy the database as it is now to a new file.
    Backup(serve::BackupArguments),
    /// Put a copy of the database into its place.
    Restore(restore::Arguments),
    Completions(Completions),
    Man(Manual),
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    match arguments.command {
        Command::Init(arguments) => init::run(&arguments),
        #[cfg(feature = "demo")]
        Command::Demo(arguments) => demo::run(&arguments),
        Command::Serve(arguments) => serve::run(&arguments),
        Command::Config(command) => config::run(&command),
        Command::Person(command) => people::run(&command),
        Command::Group(command) => group::run(&command),
        Command::Device(command) => device::run(&command),
        Command::Role(command) => role::run(&command),
        Command::Profile(command) => profile::run(&command),
        Command::Request(arguments) => document::request(&arguments),
        Command::Document(command) => document::run(&command),
        Command::Batch(command) => batch::run(&command),
        Command::Message(command) => message::run(&command),
        Command::Report(arguments) => report::run(&arguments),
        Command::Client(command) => client::run(&command),
        Command::Operator(command) => operator::run(&command),
        Command::Audit(command) => audit::run(&command),
        Command::Backup(arguments) => serve::backup(&arguments),
        Command::Restore(arguments) => restore::run(&arguments),
        Command::Completions(arguments) => arguments.run::<Arguments>(),
        Command::Man(arguments) => arguments.run::<Arguments>(),
    }
}

/// Which service.
#[derive(Args, Clone)]
struct Where {
    /// The configuration
    #[arg(long, value_name = "FILE", default_value = "service.toml")]
    config: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Which service, and who does it.
#[derive(Args)]
struct Acting {
    #[command(flatten)]
    at: Where,
    /// The operator who does it, by logon name, with the roles that the operator has; without it, whoever has the files of
    /// the service does it in its name
    #[arg(long = "as", value_name = "LOGON")]
    operator: Option<String>,
}

impl Where {
    fn config(&self) -> Result<Config, Failure> {
        Config::read(&self.config, std::env::vars()).map_err(|why| {
            Failure::new(why.to_string()).hint("`mdoc-service init FOLDER` makes one to begin with")
        })
    }
}

/// A database, and when and by whom something is done to it.
struct Session {
    config: Config,
    store: Store,
    now: Timestamp,
    operator: Option<String>,
}

impl Acting {
    fn open(&self) -> Result<Session, Failure> {
        let config = self.at.config()?;
        let store = start::store(&config)?;
        Ok(Session {
            config,
            store,
            now: system::SystemClock.now(),
            operator: self.operator.clone(),
        })
    }
}

impl Session {
    /// Does something in the name of whoever was named, and keeps it.
    fn write<T: Send + 'static>(
        &self,
        mut work: impl FnMut(&mut Tx<'_>, &Actor, Timestamp) -> Result<T, usecase::Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let (operator, now, store) = (self.operator.clone(), self.now, self.store.clone());
        block_on(async move {
            let done = store.write(move |tx| {
                let actor = actor(tx, operator.as_deref())?;
                work(tx, &actor, now)
            });
            done.await.map_err(failed)
        })
    }
}

impl Session {
    /// Looks at something in the name of whoever was named, in one state of everything; nobody waits for it.
    fn read<T: Send + 'static>(
        &self,
        mut work: impl FnMut(&mut Tx<'_>, &Actor, Timestamp) -> Result<T, usecase::Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let (operator, now, store) = (self.operator.clone(), self.now, self.store.clone());
        block_on(async move {
            let done = store.read(move |tx| {
                let actor = actor(tx, operator.as_deref())?;
                work(tx, &actor, now)
            });
            done.await.map_err(failed)
        })
    }
}

/// Runs it to its end, on this thread.
fn block_on<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|why| Failure::new(format!("the program cannot wait for the database: {why}")))?
        .block_on(work)
}

fn actor(tx: &mut Tx<'_>, operator: Option<&str>) -> Result<Actor, usecase::Failure> {
    let from = account::place("command line");
    match operator {
        None => Ok(Actor::system(&from)),
        Some(logon) => {
            let person = registry::by_logon(tx, logon)?;
            Ok(Actor::operator(person.id, None, from))
        }
    }
}

/// A rule that said no is status 1, with its code; a database that cannot be used is status 2.
fn failed(failure: usecase::Failure) -> Failure {
    match failure {
        usecase::Failure::Refused(refusal) => {
            let failure = Failure::new(format!("{refusal} [{}]", refusal.code())).exit(Exit::Rejected);
            match refusal {
                Refusal::NotGranted { .. } => {
                    failure.hint("give a role that grants it: `mdoc-service role grant ROLE LOGON`")
                }
                Refusal::Unknown { what: "profile" } => {
                    failure.hint("`mdoc-service profile list` shows what there is")
                }
                Refusal::Unknown { what: "group" } => {
                    failure.hint("`mdoc-service group list` shows what there is")
                }
                Refusal::Unknown { what: "machine" } => {
                    failure.hint("`mdoc-service client list` shows what there is")
                }
                Refusal::Unknown { what: "account" } => {
                    failure.hint("`mdoc-service operator list` shows what there is")
                }
                Refusal::Unknown { what: "person" } => {
                    failure.hint("`mdoc-service person list` shows who there is")
                }
                Refusal::BatchEmpty => {
                    failure.hint("`mdoc-service report documents` shows what filters select")
                }
                Refusal::LayoutSelectionInvalid { .. } => failure.hint(
                    "one default front, and at most one back for it; `mdoc-issuer badge list` shows the shipped \
                     layouts, others go into the folder `layouts`",
                ),
                Refusal::NotificationsNotSetUp => failure.hint(
                    "see `[notifications]` in docs/operating.md, or hand it out on the screen: `--delivery screen`",
                ),
                _ => failure,
            }
        }
        usecase::Failure::Store(error) => Failure::new(error.to_string()),
    }
}
