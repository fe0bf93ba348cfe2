//! Seeing to credential profiles.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use mdoc_cli::failure::printable_line;
use mdoc_cli::{Exit, Failure, input, output};
use mdoc_service::domain::profile::Settings;
use mdoc_service::start;
use mdoc_service::usecase::profiles;
use serde_json::{Value, json};

use super::Acting;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// List the profiles.
    #[command(after_help = "Example:\n  mdoc-service profile list --config authority/service.toml")]
    List(Acting),
    /// Print the settings of a profile as TOML: what `profile set` takes.
    #[command(
        after_help = "Example:\n  mdoc-service profile show loyalty-card --config authority/service.toml"
    )]
    Show(OneArguments),
    /// List the versions of a profile: who made them, when, and what was said of them.
    #[command(
        after_help = "Example:\n  mdoc-service profile history loyalty-card --config authority/service.toml"
    )]
    History(OneArguments),
    /// Make a profile, or a new version of one, from a TOML file.
    #[command(after_help = "\
Example:
  mdoc-service profile set club club.toml --comment \"For the new season\"")]
    Set(SetArguments),
    /// Let documents of a profile be requested again.
    #[command(after_help = "Example:\n  mdoc-service profile enable club --config authority/service.toml")]
    Enable(OneArguments),
    /// Let no documents of a profile be requested.
    #[command(after_help = "Example:\n  mdoc-service profile disable club --config authority/service.toml")]
    Disable(OneArguments),
}

#[derive(Args)]
pub(crate) struct OneArguments {
    /// The profile
    name: String,
    #[command(flatten)]
    acting: Acting,
}

#[derive(Args)]
pub(crate) struct SetArguments {
    /// The profile
    name: String,
    /// Its settings, in TOML; `-` is standard input
    settings: PathBuf,
    /// What is new in this version
    #[arg(long, default_value = "")]
    comment: String,
    #[command(flatten)]
    acting: Acting,
}

pub(super) fn run(command: &Command) -> Result<Exit, Failure> {
    match command {
        Command::List(acting) => list(acting),
        Command::Show(arguments) => show(arguments),
        Command::History(arguments) => history(arguments),
        Command::Set(arguments) => set(arguments),
        Command::Enable(arguments) => enable(arguments, true),
        Command::Disable(arguments) => enable(arguments, false),
    }
}

fn list(acting: &Acting) -> Result<Exit, Failure> {
    let all = acting.open()?.write(|tx, _, _| Ok(profiles::all(tx)?))?;
    if acting.at.json {
        let all: Vec<_> = all
            .iter()
            .map(|current| {
                let profile = &current.profile;
                serde_json::json!({
                    "name": profile.name, "version": profile.version, "enabled": current.enabled,
                    "format": profile.settings.format, "display_name": profile.settings.display_name,
                })
            })
            .collect();
        output::print_json(&all.into())?;
    } else {
        for current in &all {
            let profile = &current.profile;
            output::print(&format!(
                "{profile}: {}, format {}{}\n",
                profile.settings.display_name,
                profile.settings.format,
                if current.enabled { "" } else { ", switched off" }
            ))?;
        }
    }
    Ok(Exit::Done)
}

fn show(arguments: &OneArguments) -> Result<Exit, Failure> {
    let name = arguments.name.clone();
    let current = arguments
        .acting
        .open()?
        .write(move |tx, _, _| profiles::current(tx, &name))?;
    let settings = &current.profile.settings;
    if arguments.acting.at.json {
        let settings = serde_json::to_value(settings).map_err(|why| Failure::new(why.to_string()))?;
        output::print_json(&settings)?;
    } else {
        let text = toml::to_string(settings).map_err(|why| Failure::new(why.to_string()))?;
        output::print(&text)?;
    }
    Ok(Exit::Done)
}

fn history(arguments: &OneArguments) -> Result<Exit, Failure> {
    let name = arguments.name.clone();
    let session = arguments.acting.open()?;
    let versions = session.read(move |tx, _, _| profiles::history(tx, &name))?;
    if arguments.acting.at.json {
        let versions: Vec<Value> = versions
            .iter()
            .map(|version| {
                json!({
                    "version": version.profile.version, "made": version.made.to_string(), "by": version.logon,
                    "comment": version.comment, "settings": version.profile.settings,
                })
            })
            .collect();
        output::print_json(&versions.into())?;
    } else {
        for version in &versions {
            let by = version.logon.as_deref().unwrap_or("the service");
            let comment = printable_line(&version.comment);
            let (number, made) = (version.profile.version, version.made);
            output::print(&format!("{number:>4}  {made}  {by}  {comment}\n"))?;
        }
    }
    Ok(Exit::Done)
}

fn set(arguments: &SetArguments) -> Result<Exit, Failure> {
    let name = input::display(&arguments.settings);
    let text = input::read_bytes(&arguments.settings)?;
    let text = String::from_utf8(text).map_err(|_| Failure::new(format!("{name} is not UTF-8")))?;
    let settings: Settings = toml::from_str(&text).map_err(|why| {
        Failure::new(format!("{name}: {}", why.message())).hint("`mdoc-service profile show` prints one")
    })?;
    let session = arguments.acting.open()?;
    let terms = start::terms(&session.config)?;
    if terms.formats.format(&settings.format).is_none() {
        return Err(Failure::new(format!(
            "{name}: there is no document format {:?}",
            settings.format
        ))
        .hint("`mdoc-issuer format list` shows what there is; others go into the folder `formats`"));
    }
    let (profile, comment) = (arguments.name.clone(), arguments.comment.clone());
    let version = session.write(move |tx, actor, now| {
        profiles::set(tx, actor, now, (&profile, &settings, &terms), &comment)
    })?;
    if arguments.acting.at.json {
        output::print_json(&json!({ "name": arguments.name, "version": version }))?;
    } else {
        output::print(&format!(
            "{} is version {version} now; a service that runs goes on with the formats and layouts of its start\n",
            arguments.name
        ))?;
    }
    Ok(Exit::Done)
}

fn enable(arguments: &OneArguments, enabled: bool) -> Result<Exit, Failure> {
    let name = arguments.name.clone();
    arguments
        .acting
        .open()?
        .write(move |tx, actor, now| profiles::enable(tx, actor, now, (&name, enabled)))?;
    if arguments.acting.at.json {
        output::print_json(&json!({ "name": arguments.name, "enabled": enabled }))?;
    }
    Ok(Exit::Done)
}
