//! Seeing to machines that use the interface.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use mdoc_cli::output::{Existing, NewFile};
use mdoc_cli::{Exit, Failure, output, system};
use mdoc_openid::jose::base64url;
use mdoc_service::domain::scope::ApiScope;
use mdoc_service::start;
use mdoc_service::usecase::clients::{self, Client, Shown};
use mdoc_service::usecase::people;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::Acting;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Add a machine; its secret is shown once.
    #[command(after_help = "\
The machine acts in the name of the operator, and may do what its scopes and the
operator's roles both allow. It gets tokens at /oauth/token (client credentials).

Scopes: people.read, people.write, people.kept, documents.read, documents.write,
status, profiles.read, profiles.write, roles, audit.

Example:
  mdoc-service client add gate-7 --operator ada --scope status")]
    Add(AddArguments),
    /// List the machines.
    #[command(after_help = "Example:\n  mdoc-service client list --config authority/service.toml")]
    List(Acting),
    /// Give a machine another secret; the one before is good no more.
    #[command(after_help = "Example:\n  mdoc-service client renew gate-7 --config authority/service.toml")]
    Renew(RenewArguments),
    /// Let a machine do nothing any more.
    #[command(after_help = "Example:\n  mdoc-service client disable gate-7 --config authority/service.toml")]
    Disable(OneArguments),
    /// Let a machine do again what it may.
    #[command(after_help = "Example:\n  mdoc-service client enable gate-7 --config authority/service.toml")]
    Enable(OneArguments),
}

#[derive(Args)]
pub(crate) struct AddArguments {
    /// What operators call it
    name: String,
    /// In whose name it acts, by logon name
    #[arg(long = "operator", value_name = "LOGON")]
    whose: String,
    /// What it may do; more than once for more
    #[arg(long, value_name = "SCOPE", required = true, value_parser = scope)]
    scope: Vec<ApiScope>,
    #[command(flatten)]
    credentials: CredentialsArguments,
    #[command(flatten)]
    acting: Acting,
}

#[derive(Args)]
struct CredentialsArguments {
    /// Write issuer, id and secret to a new file for its owner alone, as `mdoc-verifier read --status-query` takes it, and
    /// do not show the secret
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct RenewArguments {
    /// The machine, by name
    name: String,
    #[command(flatten)]
    credentials: CredentialsArguments,
    #[command(flatten)]
    acting: Acting,
}

#[derive(Args)]
pub(crate) struct OneArguments {
    /// The machine, by name
    name: String,
    #[command(flatten)]
    acting: Acting,
}

fn scope(text: &str) -> Result<ApiScope, String> {
    ApiScope::named(text).ok_or_else(|| {
        let all = ApiScope::ALL.map(ApiScope::name).join(", ");
        format!("it is one of {all}")
    })
}

pub(super) fn run(command: &Command) -> Result<Exit, Failure> {
    match command {
        Command::Add(arguments) => add(arguments),
        Command::List(acting) => list(acting),
        Command::Renew(arguments) => renew(arguments),
        Command::Disable(arguments) => switch(arguments, false),
        Command::Enable(arguments) => switch(arguments, true),
    }
}

fn add(arguments: &AddArguments) -> Result<Exit, Failure> {
    arguments.credentials.check()?;
    let session = arguments.acting.open()?;
    let external = session.config.external.clone();
    let (secrets, mut rng) = (start::secrets(&session.config.keys.secret)?, system::random()?);
    let (name, operator, scopes) = (
        arguments.name.clone(),
        arguments.whose.clone(),
        arguments.scope.clone(),
    );
    let (client, secret) = session.write(move |tx, actor, now| {
        let operator = people::by_logon(tx, &operator)?.id;
        clients::add(tx, actor, now, (&name, &operator, &scopes), (&secrets, &mut rng))
    })?;
    arguments
        .credentials
        .hand_out(&arguments.acting, &external, &client, &secret)
}

fn renew(arguments: &RenewArguments) -> Result<Exit, Failure> {
    arguments.credentials.check()?;
    let session = arguments.acting.open()?;
    let external = session.config.external.clone();
    let (secrets, mut rng) = (start::secrets(&session.config.keys.secret)?, system::random()?);
    let name = arguments.name.clone();
    let (client, secret) =
        session.write(move |tx, actor, now| clients::renew(tx, actor, now, &name, (&secrets, &mut rng)))?;
    arguments
        .credentials
        .hand_out(&arguments.acting, &external, &client, &secret)
}

impl CredentialsArguments {
    /// Before a secret is made that would then be nowhere.
    fn check(&self) -> Result<(), Failure> {
        match &self.out {
            Some(path) if path.exists() => Err(Failure::new(format!("{} is there already", path.display()))
                .hint("name a file that is not there yet")),
            _ => Ok(()),
        }
    }

    /// Gives out the secret, which is nowhere else.
    fn hand_out(
        &self,
        acting: &Acting,
        issuer: &str,
        client: &Client,
        secret: &Shown,
    ) -> Result<Exit, Failure> {
        let secret = Zeroizing::new(base64url(&**secret));
        if let Some(path) = &self.out {
            let content = Zeroizing::new(format!(
                "issuer = \"{issuer}\"\nclient-id = \"{}\"\nclient-secret = \"{}\"\n",
                client.id, *secret
            ));
            let file = NewFile {
                path,
                content: content.as_bytes(),
                secret: true,
            };
            let again = format!(
                "`mdoc-service client renew {} --out FILE` makes another secret",
                client.name
            );
            output::write(file, Existing::Keep).map_err(|failure| failure.hint(again))?;
        }
        if acting.at.json {
            let mut value = as_json(client);
            if let (Some(members), None) = (value.as_object_mut(), &self.out) {
                members.insert("client_secret".to_owned(), secret.as_str().into());
            }
            output::print_json(&value)?;
        } else if let Some(path) = &self.out {
            output::print(&format!(
                "client id      {}\nclient secret  in {}\n",
                client.id,
                path.display()
            ))?;
        } else {
            output::print(&format!(
                "client id      {}\nclient secret  {}\n\nThe secret is shown this once.\n",
                client.id, *secret
            ))?;
        }
        Ok(Exit::Done)
    }
}

fn list(acting: &Acting) -> Result<Exit, Failure> {
    let all = acting.open()?.write(|tx, actor, _| clients::list(tx, actor))?;
    if acting.at.json {
        output::print_json(&all.iter().map(as_json).collect::<Vec<_>>().into())?;
        return Ok(Exit::Done);
    }
    for client in &all {
        let off = if client.enabled { "" } else { "\tdisabled" };
        output::print(&format!(
            "{}\t{}\t{}{off}\n",
            client.name,
            client.id,
            ApiScope::names(&client.scopes)
        ))?;
    }
    Ok(Exit::Done)
}

fn switch(arguments: &OneArguments, enabled: bool) -> Result<Exit, Failure> {
    let name = arguments.name.clone();
    arguments
        .acting
        .open()?
        .write(move |tx, actor, now| clients::enable(tx, actor, now, (&name, enabled)).map(drop))?;
    Ok(Exit::Done)
}

fn as_json(client: &Client) -> Value {
    json!({
        "client_id": client.id.as_str(),
        "name": client.name,
        "operator": client.operator.as_str(),
        "scopes": client.scopes.iter().map(|scope| scope.name()).collect::<Vec<_>>(),
        "enabled": client.enabled,
    })
}
