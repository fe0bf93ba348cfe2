//! Requesting documents, and seeing to them.

mod replace;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use mdoc_cli::output::{Existing, NewFile};
use mdoc_cli::qr::{self, QrCode, Screen};
use mdoc_cli::{Exit, Failure, output, system};
use mdoc_core::crypto::CryptoRng;
use mdoc_core::time::Timestamp;
use mdoc_service::api::{offer_address, offer_link};
use mdoc_service::config::Config;
use mdoc_service::domain::id::Serial;
use mdoc_service::domain::life::State;
use mdoc_service::domain::profile::Delivery;
use mdoc_service::start;
use mdoc_service::store::Tx;
use mdoc_service::terms::Terms;
use mdoc_service::usecase::authority::Actor;
use mdoc_service::usecase::change::{self, Change};
use mdoc_service::usecase::document::{self, Document, Why};
use mdoc_service::usecase::request::{self, Offer, Requested, Wish};
use mdoc_service::usecase::{self, people, update, validate};
use serde_json::{Value, json};

use super::Acting;

#[derive(Args)]
#[command(after_help = "\
What a wallet collects by is shown once, and kept by nobody: the address as a link for
the wallet, and the authentication code, which is told over another way.

Example:
  mdoc-service request --config authority/service.toml --person ada --profile loyalty-card")]
pub(crate) struct RequestArguments {
    /// For whom, by logon name
    #[arg(long, value_name = "LOGON")]
    person: String,
    /// What, by the name of its profile
    #[arg(long)]
    profile: String,
    /// How it reaches the person: notified, screen, held; as the profile says if not given
    #[arg(long, value_parser = delivery)]
    delivery: Option<Delivery>,
    /// In words
    #[arg(long)]
    notes: Option<String>,
    #[command(flatten)]
    shown: Shown,
    #[command(flatten)]
    acting: Acting,
}

/// How an offer is shown.
#[derive(Args)]
pub(crate) struct Shown {
    /// Print the QR code of the link
    #[arg(long)]
    qr: bool,
    /// Write the QR code of the link to this file, as PNG or SVG by its name
    #[arg(long, value_name = "FILE", value_parser = qr::file_name)]
    qr_out: Option<PathBuf>,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// List a person's documents, current and previous ones, the newest first.
    #[command(
        after_help = "Example:\n  mdoc-service document list --person ada --config authority/service.toml"
    )]
    List(ListArguments),
    /// Show a document and everything that happened to it.
    #[command(after_help = "Example:\n  mdoc-service document show SERIAL --config authority/service.toml")]
    Show(OneArguments),
    /// Show what the person collects by; what was shown before is good no more.
    #[command(after_help = "Example:\n  mdoc-service document offer SERIAL --qr-out offer.svg")]
    Offer(OfferArguments),
    /// Approve a request of another operator.
    #[command(after_help = "Example:\n  mdoc-service document approve SERIAL --as chief")]
    Approve(OneArguments),
    /// Reject a request of another operator.
    #[command(
        after_help = "Example:\n  mdoc-service document reject SERIAL --as chief --reason not-entitled"
    )]
    Reject(MoveArguments),
    /// Have a document made anew, by the newest profile and data.
    #[command(after_help = "\
The wallet fetches it by itself, and what it had before is revoked then. A wallet that
cannot refresh is given an offer: `mdoc-service document offer`.

Example:
  mdoc-service document update SERIAL --as clerk")]
    Update(OneArguments),
    /// Have a document made anew for another lifetime.
    #[command(after_help = "\
As `update`; the new lifetime begins when the wallet fetches it. A profile has documents
renewed by themselves with `renew_days`.

Example:
  mdoc-service document renew SERIAL --as clerk")]
    Renew(OneArguments),
    /// Cancel a document that was lost, stolen or damaged, and request another one.
    #[command(after_help = "\
Both are done, or neither. The new document is of the same profile, by its newest version
and the person's data as they are. Where another operator approves cancellations, use
`request-cancel`, and `mdoc-service request` when it is approved.

Example:
  mdoc-service document replace SERIAL --as clerk --reason lost")]
    Replace(replace::Arguments),
    /// Switch a document off.
    #[command(after_help = "Example:\n  mdoc-service document disable SERIAL --reason mislaid")]
    Disable(MoveArguments),
    /// Switch a document on again.
    #[command(after_help = "Example:\n  mdoc-service document enable SERIAL --reason found")]
    Enable(MoveArguments),
    /// Cancel a document for good.
    #[command(after_help = "Example:\n  mdoc-service document cancel SERIAL --reason lost")]
    Cancel(MoveArguments),
    /// Ask for a cancellation that another operator approves.
    #[command(
        after_help = "Example:\n  mdoc-service document request-cancel SERIAL --as clerk --reason stolen"
    )]
    RequestCancel(MoveArguments),
    /// Approve the cancellation that another operator asked for.
    #[command(after_help = "Example:\n  mdoc-service document approve-cancel SERIAL --as chief")]
    ApproveCancel(OneArguments),
    /// Reject the cancellation that another operator asked for.
    #[command(
        after_help = "Example:\n  mdoc-service document reject-cancel SERIAL --as chief --reason not-justified"
    )]
    RejectCancel(MoveArguments),
}

#[derive(Args)]
pub(crate) struct ListArguments {
    /// Whose, by logon name
    #[arg(long, value_name = "LOGON")]
    person: String,
    #[command(flatten)]
    acting: Acting,
}

#[derive(Args)]
pub(crate) struct OneArguments {
    /// The document
    #[arg(value_parser = serial)]
    serial: Serial,
    #[command(flatten)]
    acting: Acting,
}

#[derive(Args)]
pub(crate) struct OfferArguments {
    #[command(flatten)]
    shown: Shown,
    #[command(flatten)]
    one: OneArguments,
}

#[derive(Args)]
pub(crate) struct MoveArguments {
    /// The document
    #[arg(value_parser = serial)]
    serial: Serial,
    /// Why, of the list that the move has: a wrong one shows it
    #[arg(long)]
    reason: Option<String>,
    /// In words
    #[arg(long)]
    notes: Option<String>,
    #[command(flatten)]
    acting: Acting,
}

fn delivery(text: &str) -> Result<Delivery, String> {
    Delivery::named(text).ok_or_else(|| "it is one of notified, screen, held".to_owned())
}

fn serial(text: &str) -> Result<Serial, String> {
    Serial::given(text).ok_or_else(|| "it is no serial of a document".to_owned())
}

pub(super) fn request(arguments: &RequestArguments) -> Result<Exit, Failure> {
    let session = arguments.acting.open()?;
    let terms = start::terms(&session.config)?;
    let (logon, profile) = (arguments.person.clone(), arguments.profile.clone());
    let (delivery, notes, mut rng) = (arguments.delivery, arguments.notes.clone(), system::random()?);
    let requested = session.write(move |tx, actor, now| {
        let wish = Wish {
            person: people::by_logon(tx, &logon)?.id,
            profile: profile.clone(),
            delivery,
            notes: notes.clone(),
        };
        request::request(tx, actor, now, (&wish, &terms), &mut rng)
    })?;
    let (shown, config) = (&arguments.shown, &session.config);
    if let Some(offer) = &requested.offer {
        shown.write(offer, config)?;
    }
    if arguments.acting.at.json {
        output::print_json(&requested_json(&requested, config))?;
    } else {
        say_requested(&requested, shown, config)?;
    }
    Ok(Exit::Done)
}

/// The document, and its offer if there is one.
fn requested_json(requested: &Requested, config: &Config) -> Value {
    let mut value = as_json(&requested.document);
    if let (Some(value), Some(offer)) = (value.as_object_mut(), &requested.offer) {
        value.insert("offer".to_owned(), offer_json(offer, config));
    }
    value
}

fn say_requested(requested: &Requested, shown: &Shown, config: &Config) -> Result<(), Failure> {
    output::print(&format!(
        "{} is {}\n",
        requested.document.serial, requested.document.state
    ))?;
    let document = &requested.document;
    match (&requested.offer, document.delivery, document.state) {
        (Some(offer), ..) => show_offer(offer, config, shown),
        (None, Delivery::Notified, State::Collectable) => {
            output::print("address and code are sent to the person by a service that runs\n")
        }
        (None, Delivery::Notified, _) => {
            output::print("address and code are sent to the person when another operator approves it\n")
        }
        (None, ..) => output::print("`mdoc-service document offer` hands it out\n"),
    }
}

pub(super) fn run(command: &Command) -> Result<Exit, Failure> {
    match command {
        Command::List(arguments) => list(arguments),
        Command::Show(arguments) => show(arguments),
        Command::Offer(arguments) => offer(arguments),
        Command::Approve(arguments) => judge(&arguments.acting, &arguments.serial, (true, None, None)),
        Command::Reject(arguments) => judge(
            &arguments.acting,
            &arguments.serial,
            (false, arguments.reason.as_deref(), arguments.notes.as_deref()),
        ),
        Command::ApproveCancel(arguments) => change(
            &arguments.acting,
            &arguments.serial,
            (Change::ApproveCancel, None, None),
        ),
        Command::Update(arguments) => update(arguments, update::update),
        Command::Renew(arguments) => update(arguments, update::renew),
        Command::Replace(arguments) => replace::run(arguments),
        Command::Disable(arguments) => moved(arguments, Change::Disable),
        Command::Enable(arguments) => moved(arguments, Change::Enable),
        Command::Cancel(arguments) => moved(arguments, Change::Cancel),
        Command::RequestCancel(arguments) => moved(arguments, Change::RequestCancel),
        Command::RejectCancel(arguments) => moved(arguments, Change::RejectCancel),
    }
}

/// One of the two ways to have a document made anew.
type MadeAnew = fn(
    &mut Tx<'_>,
    &Actor,
    Timestamp,
    (&Serial, &Terms),
    Why<'_>,
    &mut dyn CryptoRng,
) -> Result<Document, usecase::Failure>;

fn update(arguments: &OneArguments, made: MadeAnew) -> Result<Exit, Failure> {
    let session = arguments.acting.open()?;
    let (terms, mut rng) = (start::terms(&session.config)?, system::random()?);
    let serial = arguments.serial.clone();
    let document = session
        .write(move |tx, actor, now| made(tx, actor, now, (&serial, &terms), Why::default(), &mut rng))?;
    say(&arguments.acting, &document)
}

fn moved(arguments: &MoveArguments, what: Change) -> Result<Exit, Failure> {
    let why = (what, arguments.reason.as_deref(), arguments.notes.as_deref());
    change(&arguments.acting, &arguments.serial, why)
}

fn change(
    acting: &Acting,
    serial: &Serial,
    (what, reason, notes): (Change, Option<&str>, Option<&str>),
) -> Result<Exit, Failure> {
    let (serial, reason, notes) = (
        serial.clone(),
        reason.map(str::to_owned),
        notes.map(str::to_owned),
    );
    let document = acting.open()?.write(move |tx, actor, now| {
        let why = Why {
            reason: reason.as_deref(),
            notes: notes.as_deref(),
        };
        change::change(tx, actor, now, (&serial, what), why)
    })?;
    say(acting, &document)
}

fn judge(
    acting: &Acting,
    serial: &Serial,
    (approved, reason, notes): (bool, Option<&str>, Option<&str>),
) -> Result<Exit, Failure> {
    let (serial, reason, notes) = (
        serial.clone(),
        reason.map(str::to_owned),
        notes.map(str::to_owned),
    );
    let session = acting.open()?;
    let (terms, mut rng) = (start::terms(&session.config)?, system::random()?);
    let document = session.write(move |tx, actor, now| {
        let why = Why {
            reason: reason.as_deref(),
            notes: notes.as_deref(),
        };
        validate::validate(tx, actor, now, (&serial, approved, &terms), why, &mut rng)
    })?;
    say(acting, &document)
}

fn say(acting: &Acting, document: &Document) -> Result<Exit, Failure> {
    if acting.at.json {
        output::print_json(&as_json(document))?;
    } else {
        output::print(&format!("{} is {}\n", document.serial, document.state))?;
    }
    Ok(Exit::Done)
}

fn list(arguments: &ListArguments) -> Result<Exit, Failure> {
    let logon = arguments.person.clone();
    let documents = arguments.acting.open()?.write(move |tx, actor, _| {
        let person = people::by_logon(tx, &logon)?.id;
        document::of_person(tx, actor, &person)
    })?;
    if arguments.acting.at.json {
        output::print_json(&documents.iter().map(as_json).collect::<Vec<_>>().into())?;
        return Ok(Exit::Done);
    }
    for document in &documents {
        let (profile, version) = &document.profile;
        let which = if document.state.is_open() {
            "current"
        } else {
            "previous"
        };
        output::print(&format!(
            "{}\t{}\t{profile} (version {version})\tsince {}\t{which}\n",
            document.serial, document.state, document.since
        ))?;
    }
    Ok(Exit::Done)
}

fn show(arguments: &OneArguments) -> Result<Exit, Failure> {
    let serial = arguments.serial.clone();
    let (document, history) = arguments.acting.open()?.write(move |tx, actor, _| {
        let document = document::get(tx, actor, &serial)?;
        Ok((document, document::history(tx, actor, &serial)?))
    })?;
    if arguments.acting.at.json {
        let mut value = as_json(&document);
        let history: Vec<_> = history
            .iter()
            .map(|made| {
                json!({
                    "move": made.name, "after": made.after, "at": made.at.to_string(),
                    "by": made.by.as_ref().map(ToString::to_string), "reason": made.reason, "notes": made.notes,
                })
            })
            .collect();
        if let Some(value) = value.as_object_mut() {
            value.insert("history".to_owned(), history.into());
        }
        output::print_json(&value)?;
        return Ok(Exit::Done);
    }
    output::print(&format!("{} is {}\n", document.serial, document.state))?;
    for made in &history {
        let reason = made
            .reason
            .as_ref()
            .map(|reason| format!(", {reason}"))
            .unwrap_or_default();
        output::print(&format!(
            "  {} {} -> {}{reason}\n",
            made.at, made.name, made.after
        ))?;
    }
    Ok(Exit::Done)
}

fn offer(arguments: &OfferArguments) -> Result<Exit, Failure> {
    let one = &arguments.one;
    let session = one.acting.open()?;
    let terms = start::terms(&session.config)?;
    let (serial, mut rng) = (one.serial.clone(), system::random()?);
    let offer =
        session.write(move |tx, actor, now| request::offer(tx, actor, now, (&serial, &terms), &mut rng))?;
    arguments.shown.write(&offer, &session.config)?;
    if one.acting.at.json {
        output::print_json(&offer_json(&offer, &session.config))?;
    } else {
        show_offer(&offer, &session.config, &arguments.shown)?;
    }
    Ok(Exit::Done)
}

impl Shown {
    /// Writes the QR code to its file. It is as secret as the link.
    fn write(&self, offer: &Offer, config: &Config) -> Result<(), Failure> {
        let Some(path) = &self.qr_out else { return Ok(()) };
        let content = code(offer, config)?.to_file(path);
        let content = content.map_err(|why| Failure::new(why.to_string()))?;
        let file = NewFile {
            path,
            content: &content,
            secret: true,
        };
        output::write(file, Existing::Replace)
    }
}

fn code(offer: &Offer, config: &Config) -> Result<QrCode, Failure> {
    QrCode::new(&link(offer, config)).map_err(|why| Failure::new(why.to_string()))
}

/// The link that a wallet opens.
fn link(offer: &Offer, config: &Config) -> String {
    offer_link(&offer_address(&config.external, &offer.secret))
}

fn offer_json(offer: &Offer, config: &Config) -> Value {
    json!({
        "link": link(offer, config),
        "invitation": offer.invitation.as_str(),
        "code": offer.code.as_ref().map(|code| code.as_str()),
        "expires": offer.expires.to_string(),
    })
}

fn show_offer(offer: &Offer, config: &Config, shown: &Shown) -> Result<(), Failure> {
    if shown.qr {
        output::print(&code(offer, config)?.to_text(Screen::of_output()))?;
    }
    let link = link(offer, config);
    output::print(&format!(
        "\n{link}\n\ninvitation code      {}\n",
        offer.invitation.as_str()
    ))?;
    if let Some(code) = &offer.code {
        output::print(&format!(
            "authentication code  {} (tell it over another way)\n",
            code.as_str()
        ))?;
    }
    output::print(&format!("good until           {}\n", offer.expires))
}

fn as_json(document: &Document) -> Value {
    let (profile, version) = &document.profile;
    json!({
        "serial": document.serial.as_str(),
        "person": document.person.as_str(),
        "profile": profile,
        "profile_version": version,
        "doc_type": document.doc_type,
        "state": document.state.name(),
        "current": document.state.is_open(),
        "since": document.since.to_string(),
        "generation": document.generation,
        "issued": document.issued.map(|at| at.to_string()),
        "valid_until": document.valid_until.map(|at| at.to_string()),
    })
}
