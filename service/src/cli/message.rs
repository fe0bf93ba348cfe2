//! Seeing to what is sent to people: what is on its way, and what it looks like.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use mdoc_cli::output::{Existing, NewFile};
use mdoc_cli::{Exit, Failure, output};
use mdoc_service::domain::id::MessageId;
use mdoc_service::domain::notice::{Channel, Notice};
use mdoc_service::domain::role::Workflow;
use mdoc_service::notify::template::{Filled, SHIPPED};
use mdoc_service::start;
use mdoc_service::usecase::outbox::{self, Letter, Message, Stage};
use mdoc_service::usecase::{authority, people};
use serde_json::{Value, json};

use super::{Acting, Where};

#[derive(Subcommand)]
pub(crate) enum Command {
    /// List messages, the newest first. What they say is not kept for anybody to read.
    #[command(after_help = "\
Examples:
  mdoc-service message list --config authority/service.toml --stage failed
  mdoc-service message list --config authority/service.toml --person ada")]
    List(ListArguments),
    /// Send a message again that failed, or of which nobody knows whether it went out.
    #[command(after_help = "Example:\n  mdoc-service message again ID --config authority/service.toml")]
    Again(AgainArguments),
    /// Show what a message looks like, filled with an example.
    #[command(after_help = "\
Examples:
  mdoc-service message preview address mail --config authority/service.toml
  mdoc-service message preview address mail --config authority/service.toml --html > address.html")]
    Preview(PreviewArguments),
    /// Write the shipped templates into a folder, to be changed.
    ///
    /// `[notifications] templates` names the folder.
    #[command(after_help = "\
Templates are in the language of Jinja. They know `issuer`, `given_name`, `family_name`,
`document`, `address`, `invitation`, `code`, `expires` and `to`. What is not in the folder
is taken from those that are shipped.

Example:
  mdoc-service message templates authority/templates")]
    Templates(TemplatesArguments),
}

#[derive(Args)]
pub(crate) struct ListArguments {
    /// waiting, taken, handing-over, sent, failed, uncertain or withdrawn
    #[arg(long, value_parser = stage)]
    stage: Option<Stage>,
    /// To one person, by logon name
    #[arg(long, value_name = "LOGON")]
    person: Option<String>,
    /// The most of them
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=500))]
    limit: u32,
    #[command(flatten)]
    acting: Acting,
}

#[derive(Args)]
pub(crate) struct AgainArguments {
    /// The message, from `message list`
    #[arg(value_parser = message)]
    id: MessageId,
    #[command(flatten)]
    acting: Acting,
}

#[derive(Args)]
pub(crate) struct PreviewArguments {
    /// What it tells: address, code or update
    #[arg(value_parser = notice)]
    notice: Notice,
    /// How it goes: mail or sms
    #[arg(value_parser = channel)]
    channel: Channel,
    /// Print the HTML of the mail instead of its text
    #[arg(long)]
    html: bool,
    #[command(flatten)]
    at: Where,
}

#[derive(Args)]
pub(crate) struct TemplatesArguments {
    /// The folder; no file that is there is replaced
    out: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

fn stage(text: &str) -> Result<Stage, String> {
    let names = || Stage::ALL.map(Stage::name).join(", ");
    Stage::named(text).ok_or_else(|| format!("it is one of {}", names()))
}

fn message(text: &str) -> Result<MessageId, String> {
    MessageId::given(text).ok_or_else(|| "it is no id of a message".to_owned())
}

fn notice(text: &str) -> Result<Notice, String> {
    let names = || Notice::ALL.map(Notice::name).join(", ");
    Notice::named(text).ok_or_else(|| format!("it is one of {}", names()))
}

fn channel(text: &str) -> Result<Channel, String> {
    Channel::named(text).ok_or_else(|| "it is mail or sms".to_owned())
}

pub(super) fn run(command: &Command) -> Result<Exit, Failure> {
    match command {
        Command::List(arguments) => list(arguments),
        Command::Again(arguments) => again(arguments),
        Command::Preview(arguments) => preview(arguments),
        Command::Templates(arguments) => templates(arguments),
    }
}

fn list(arguments: &ListArguments) -> Result<Exit, Failure> {
    let (stage, logon, limit) = (arguments.stage, arguments.person.clone(), arguments.limit);
    let all = arguments.acting.open()?.read(move |tx, actor, _| {
        // Who may list nothing is not told either who there is.
        authority::permit(tx, actor, Workflow::ViewReports)?;
        let person = match &logon {
            None => None,
            Some(logon) => Some(people::by_logon(tx, logon)?.id),
        };
        outbox::list(tx, actor, (stage, person.as_ref(), None, limit))
    })?;
    if arguments.acting.at.json {
        output::print_json(&all.iter().map(as_json).collect::<Vec<_>>().into())?;
        return Ok(Exit::Done);
    }
    for message in &all {
        let why = message.why.as_deref().unwrap_or_default();
        output::print(&format!(
            "{}\t{}\t{} by {}\t{}\ttried {}\t{why}\n",
            message.id, message.created, message.notice, message.channel, message.stage, message.tries,
        ))?;
    }
    Ok(Exit::Done)
}

fn as_json(message: &Message) -> Value {
    json!({
        "id": message.id.as_str(),
        "person": message.person.as_str(),
        "document": message.document.as_ref().map(|serial| serial.as_str()),
        "notice": message.notice.name(),
        "channel": message.channel.name(),
        "stage": message.stage.name(),
        "tries": message.tries,
        "created": message.created.to_string(),
        "due": (message.stage == Stage::Waiting).then(|| message.due.to_string()),
        "why": message.why,
    })
}

fn again(arguments: &AgainArguments) -> Result<Exit, Failure> {
    let id = arguments.id.clone();
    arguments
        .acting
        .open()?
        .write(move |tx, actor, now| outbox::again(tx, actor, now, &id))?;
    if arguments.acting.at.json {
        output::print_json(&json!({ "id": arguments.id.as_str(), "stage": Stage::Waiting.name() }))?;
    } else {
        output::print(&format!("{} is sent by a service that runs\n", arguments.id))?;
    }
    Ok(Exit::Done)
}

fn preview(arguments: &PreviewArguments) -> Result<Exit, Failure> {
    let config = arguments.at.config()?;
    let filled = start::templates(&config)?
        .fill(arguments.notice, arguments.channel, &Letter::sample())
        .map_err(|why| Failure::new(why.to_string()))?;
    let Filled { subject, text, html } = filled;
    if arguments.at.json {
        output::print_json(&json!({ "subject": subject, "text": text, "html": html }))?;
        return Ok(Exit::Done);
    }
    if arguments.html {
        let html = html.ok_or_else(|| {
            Failure::new("messages to phones have no HTML").hint("leave out --html, or preview mail")
        })?;
        output::print(&html)?;
        return Ok(Exit::Done);
    }
    if let Some(subject) = subject {
        output::print(&format!("Subject: {subject}\n\n"))?;
    }
    output::print(&format!("{}\n", text.trim_end()))?;
    Ok(Exit::Done)
}

fn templates(arguments: &TemplatesArguments) -> Result<Exit, Failure> {
    let out = &arguments.out;
    std::fs::create_dir_all(out)
        .map_err(|why| Failure::new(format!("{} cannot be made: {why}", out.display())))?;
    let paths: Vec<PathBuf> = SHIPPED.iter().map(|(name, _)| out.join(name)).collect();
    for (path, (_, source)) in paths.iter().zip(SHIPPED) {
        let file = NewFile {
            path,
            content: source.as_bytes(),
            secret: false,
        };
        output::write(file, Existing::Keep)?;
    }
    let names: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
    if arguments.json {
        output::print_json(&json!({ "templates": names }))?;
    } else {
        for name in names {
            output::print(&format!("{name}\n"))?;
        }
    }
    Ok(Exit::Done)
}
