//! Seeing to the devices of people.

use clap::{Args, Subcommand};
use mdoc_cli::{Exit, Failure, output, system};
use mdoc_openid::jose::{base64url, from_base64url};
use mdoc_service::domain::id::DeviceId;
use mdoc_service::usecase::devices::{self, Device, Facts};
use mdoc_service::usecase::people;
use serde_json::{Value, json};

use super::Acting;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Register a device of a person ahead of time.
    #[command(after_help = "\
Profiles whose `devices` is known or mine give documents to registered devices alone.
Other devices are registered when something is collected on them.

Example:
  mdoc-service device register ada --key NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs")]
    Register(RegisterArguments),
    /// List the devices of a person, the newest first.
    #[command(after_help = "Example:\n  mdoc-service device list ada --config authority/service.toml")]
    List(ListArguments),
    /// Let nothing new go onto a device.
    #[command(after_help = "Example:\n  mdoc-service device disable ID --config authority/service.toml")]
    Disable(OneArguments),
    /// Let documents go onto a device again.
    #[command(after_help = "Example:\n  mdoc-service device enable ID --config authority/service.toml")]
    Enable(OneArguments),
}

#[derive(Args)]
pub(crate) struct RegisterArguments {
    /// Whose it is, by logon name
    logon: String,
    /// The thumbprint of the key that its wallet's requests are bound to (jkt)
    #[arg(long, value_name = "THUMBPRINT", value_parser = thumbprint)]
    key: [u8; 32],
    /// What the wallet on it is called
    #[arg(long)]
    app: Option<String>,
    /// android, ios, …
    #[arg(long)]
    platform: Option<String>,
    /// Who made it
    #[arg(long)]
    manufacturer: Option<String>,
    /// What it is
    #[arg(long)]
    model: Option<String>,
    /// Version of its operating system
    #[arg(long)]
    os_version: Option<String>,
    /// Version of the wallet
    #[arg(long)]
    app_version: Option<String>,
    /// How well it keeps keys, as iso_18045_high
    #[arg(long)]
    key_security: Option<String>,
    #[command(flatten)]
    acting: Acting,
}

#[derive(Args)]
pub(crate) struct ListArguments {
    /// The person, by logon name
    logon: String,
    #[command(flatten)]
    acting: Acting,
}

#[derive(Args)]
pub(crate) struct OneArguments {
    /// The device, from `device list`
    #[arg(value_parser = device)]
    id: DeviceId,
    #[command(flatten)]
    acting: Acting,
}

fn device(text: &str) -> Result<DeviceId, String> {
    DeviceId::given(text).ok_or_else(|| "it is no id of a device".to_owned())
}

fn thumbprint(text: &str) -> Result<[u8; 32], String> {
    let bytes = from_base64url(text).and_then(|bytes| bytes.try_into().ok());
    bytes.ok_or_else(|| "it is no SHA-256 thumbprint in base64url (43 characters)".to_owned())
}

pub(super) fn run(command: &Command) -> Result<Exit, Failure> {
    match command {
        Command::Register(arguments) => register(arguments),
        Command::List(arguments) => list(arguments),
        Command::Disable(arguments) => switch(arguments, false),
        Command::Enable(arguments) => switch(arguments, true),
    }
}

fn register(arguments: &RegisterArguments) -> Result<Exit, Failure> {
    let facts = Facts {
        app: arguments.app.clone(),
        platform: arguments.platform.clone(),
        manufacturer: arguments.manufacturer.clone(),
        model: arguments.model.clone(),
        os_version: arguments.os_version.clone(),
        app_version: arguments.app_version.clone(),
        key_security: arguments.key_security.clone(),
    };
    let (logon, key, mut rng) = (arguments.logon.clone(), arguments.key, system::random()?);
    let device = arguments.acting.open()?.write(move |tx, actor, now| {
        let owner = people::by_logon(tx, &logon)?.id;
        devices::register(tx, actor, now, (&owner, &key, &facts), &mut rng)
    })?;
    say(&arguments.acting, &[device])
}

fn list(arguments: &ListArguments) -> Result<Exit, Failure> {
    let logon = arguments.logon.clone();
    let all = arguments.acting.open()?.write(move |tx, actor, _| {
        let owner = people::by_logon(tx, &logon)?.id;
        devices::of_person(tx, actor, &owner)
    })?;
    say(&arguments.acting, &all)
}

fn switch(arguments: &OneArguments, active: bool) -> Result<Exit, Failure> {
    let id = arguments.id.clone();
    let device = arguments
        .acting
        .open()?
        .write(move |tx, actor, now| devices::enable(tx, actor, now, (&id, active)))?;
    say(&arguments.acting, &[device])
}

fn say(acting: &Acting, all: &[Device]) -> Result<Exit, Failure> {
    if acting.at.json {
        output::print_json(&all.iter().map(as_json).collect::<Vec<_>>().into())?;
        return Ok(Exit::Done);
    }
    for device in all {
        let state = if device.active { "active" } else { "disabled" };
        let facts = &device.facts;
        let words: Vec<&str> = [
            &facts.app,
            &facts.app_version,
            &facts.platform,
            &facts.os_version,
            &facts.manufacturer,
            &facts.model,
            &facts.key_security,
        ]
        .into_iter()
        .filter_map(|fact| fact.as_deref())
        .collect();
        let id = &device.id;
        output::print(&format!("{id}\t{state}\t{}\n", words.join(" ")))?;
    }
    Ok(Exit::Done)
}

fn as_json(device: &Device) -> Value {
    let facts = &device.facts;
    json!({
        "id": device.id.as_str(),
        "owner": device.owner.as_str(),
        "key": device.binding.as_deref().map(base64url),
        "instance": device.instance.as_deref().map(base64url),
        "app": facts.app,
        "platform": facts.platform,
        "manufacturer": facts.manufacturer,
        "model": facts.model,
        "os_version": facts.os_version,
        "app_version": facts.app_version,
        "key_security": facts.key_security,
        "active": device.active,
        "registered": device.registered.to_string(),
        "seen": device.seen.map(|at| at.to_string()),
    })
}
