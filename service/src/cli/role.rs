//! Seeing to roles.

use clap::{Args, Subcommand};
use mdoc_cli::{Exit, Failure, output};
use mdoc_service::domain::role::{Role, Scope, Workflow};
use mdoc_service::usecase::{people, roles};
use serde_json::{Value, json};

use super::Acting;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// List the roles, or those of a person.
    #[command(after_help = "\
Examples:
  mdoc-service role list --config authority/service.toml
  mdoc-service role list --person ada")]
    List(ListArguments),
    /// Make a role, or change what it grants.
    #[command(after_help = "\
Example:
  mdoc-service role set clerks --scope group-and-below RequestId IssueDevice ViewReports")]
    Set(SetArguments),
    /// Give a role to a person.
    #[command(after_help = "Example:\n  mdoc-service role grant clerks ada --config authority/service.toml")]
    Grant(PairArguments),
    /// Take a role from a person.
    #[command(
        after_help = "Example:\n  mdoc-service role withdraw clerks ada --config authority/service.toml"
    )]
    Withdraw(PairArguments),
}

#[derive(Args)]
pub(crate) struct ListArguments {
    /// Only those of this person, by logon name
    #[arg(long, value_name = "LOGON")]
    person: Option<String>,
    #[command(flatten)]
    acting: Acting,
}

#[derive(Args)]
pub(crate) struct SetArguments {
    /// The name
    name: String,
    /// What it grants: RequestId, ValidateRequest, EnableDisable and so on
    #[arg(required = true, value_parser = workflow)]
    workflows: Vec<Workflow>,
    /// Over whom: self, group, group-and-below, all
    #[arg(long, value_parser = scope)]
    scope: Scope,
    #[command(flatten)]
    acting: Acting,
}

#[derive(Args)]
pub(crate) struct PairArguments {
    /// The role
    role: String,
    /// The person, by logon name
    logon: String,
    #[command(flatten)]
    acting: Acting,
}

fn workflow(text: &str) -> Result<Workflow, String> {
    Workflow::named(text).ok_or_else(|| {
        let known: Vec<_> = Workflow::ALL.iter().map(|workflow| workflow.name()).collect();
        format!("it is one of {}", known.join(", "))
    })
}

fn scope(text: &str) -> Result<Scope, String> {
    Scope::named(text).ok_or_else(|| "it is one of self, group, group-and-below, all".to_owned())
}

pub(super) fn run(command: &Command) -> Result<Exit, Failure> {
    match command {
        Command::List(arguments) => list(arguments),
        Command::Set(arguments) => {
            let role = Role {
                name: arguments.name.clone(),
                scope: arguments.scope,
                workflows: arguments.workflows.clone(),
            };
            let session = arguments.acting.open()?;
            let told = as_json(&role);
            session.write(move |tx, actor, now| roles::set(tx, actor, now, &role))?;
            say(&arguments.acting, &told)
        }
        Command::Grant(arguments) => pair(arguments, true),
        Command::Withdraw(arguments) => pair(arguments, false),
    }
}

fn pair(arguments: &PairArguments, given: bool) -> Result<Exit, Failure> {
    let session = arguments.acting.open()?;
    let (role, logon) = (arguments.role.clone(), arguments.logon.clone());
    session.write(move |tx, actor, now| {
        let person = people::by_logon(tx, &logon)?.id;
        if given {
            roles::grant(tx, actor, now, (&role, &person))
        } else {
            roles::withdraw(tx, actor, now, (&role, &person))
        }
    })?;
    let told = json!({ "role": arguments.role, "person": arguments.logon, "given": given });
    say(&arguments.acting, &told)
}

/// What was done, for programs; people know what they asked for.
fn say(acting: &Acting, told: &Value) -> Result<Exit, Failure> {
    if acting.at.json {
        output::print_json(told)?;
    }
    Ok(Exit::Done)
}

fn names(role: &Role) -> Vec<&'static str> {
    role.workflows.iter().map(|one| one.name()).collect()
}

fn as_json(role: &Role) -> Value {
    json!({ "name": role.name, "scope": role.scope.name(), "workflows": names(role) })
}

fn list(arguments: &ListArguments) -> Result<Exit, Failure> {
    let person = arguments.person.clone();
    let session = arguments.acting.open()?;
    let roles = session.read(move |tx, actor, _| match &person {
        None => roles::list(tx, actor),
        Some(logon) => {
            let id = people::by_logon(tx, logon)?.id;
            roles::of(tx, actor, &id)
        }
    })?;
    if arguments.acting.at.json {
        output::print_json(&roles.iter().map(as_json).collect::<Vec<_>>().into())?;
    } else {
        for role in &roles {
            output::print(&format!(
                "{} ({}): {}\n",
                role.name,
                role.scope,
                names(role).join(", ")
            ))?;
        }
    }
    Ok(Exit::Done)
}
