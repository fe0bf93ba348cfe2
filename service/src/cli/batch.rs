//! Doing something to many documents, or for many people: what is selected, its confirmation, and how far it is.

mod pages;
mod progress;

use std::collections::BTreeSet;
use std::io::{IsTerminal as _, Write as _, stderr, stdin};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};
use mdoc_cli::{Exit, Failure, input, output, system};
use mdoc_core::seams::Clock as _;
use mdoc_service::batches::Node;
use mdoc_service::domain::batch::{Operation, RowState, Stage};
use mdoc_service::domain::id::{BatchId, Serial};
use mdoc_service::domain::profile::Delivery;
use mdoc_service::start;
use mdoc_service::store::StoreError;
use mdoc_service::usecase::batch::{self, Batch, Plan};
use mdoc_service::usecase::people;
use mdoc_service::usecase::reports::Report;
use serde_json::{Value, json};

use self::progress::Progress;
use super::report::Filters;
use super::{Acting, Session, block_on, failed};

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Have documents made anew, by the newest profile and data.
    #[command(after_help = "Example:\n  mdoc-service batch update --profile licence --issued-to 2026-01-01")]
    Update(DocumentArguments),
    /// Have documents made anew for another lifetime.
    #[command(after_help = "Example:\n  mdoc-service batch renew --profile licence --expires-to 2026-12-31")]
    Renew(DocumentArguments),
    /// Switch documents off.
    #[command(after_help = "Example:\n  mdoc-service batch disable --group Berlin --reason suspended")]
    Disable(DocumentArguments),
    /// Switch documents on again.
    #[command(after_help = "Example:\n  mdoc-service batch enable --serials off.txt --reason reinstated")]
    Enable(DocumentArguments),
    /// Cancel documents for good.
    #[command(after_help = "\
What is selected is counted first; nothing is done before the count is confirmed.

Example:
  mdoc-service batch cancel --profile loyalty-card --reason no-longer-entitled")]
    Cancel(DocumentArguments),
    /// Ask for cancellations that another operator approves.
    #[command(after_help = "Example:\n  mdoc-service batch request-cancel --profile licence --reason other")]
    RequestCancel(DocumentArguments),
    /// Request a document for each of many people.
    #[command(after_help = "Example:\n  mdoc-service batch request loyalty-card --group Berlin/Sales")]
    Request(RequestArguments),
    /// List batches, the newest first.
    #[command(after_help = "Example:\n  mdoc-service batch list --config authority/service.toml")]
    List(Acting),
    /// Show how far a batch is.
    #[command(after_help = "Example:\n  mdoc-service batch show BATCH --watch")]
    Show(ShowArguments),
    /// List the rows of a batch, with what was said of each.
    #[command(after_help = "Example:\n  mdoc-service batch rows BATCH --state failed")]
    Rows(RowsArguments),
    /// Confirm a batch that waits for it.
    #[command(after_help = "Example:\n  mdoc-service batch confirm BATCH --count 1200")]
    Confirm(ConfirmArguments),
    /// Stop a batch: what is pending is not done.
    #[command(after_help = "Example:\n  mdoc-service batch stop BATCH")]
    Stop(OneArguments),
}

#[derive(Args)]
pub(crate) struct DocumentArguments {
    /// The documents, by a file with a serial a line; `-` is standard input. Otherwise filters select current documents
    #[arg(long, value_name = "FILE")]
    serials: Option<PathBuf>,
    #[command(flatten)]
    filters: Filters,
    /// Why, of the list that the move has: a wrong one shows it
    #[arg(long)]
    reason: Option<String>,
    #[command(flatten)]
    how: How,
}

#[derive(Args)]
pub(crate) struct RequestArguments {
    /// What, by the name of its profile
    profile: String,
    /// The people, by a file with a logon name a line; `-` is standard input
    #[arg(
        long,
        value_name = "FILE",
        required_unless_present = "group",
        conflicts_with = "group"
    )]
    people: Option<PathBuf>,
    /// All people in this group and below it, by its path from the top, as Berlin/Sales
    #[arg(long)]
    group: Option<String>,
    /// How it reaches them: notified, held; as the profile says if not given
    #[arg(long, value_parser = delivery)]
    delivery: Option<Delivery>,
    #[command(flatten)]
    how: How,
}

/// How it is confirmed and done.
#[derive(Args)]
struct How {
    /// In words
    #[arg(long)]
    notes: Option<String>,
    /// Confirm this number of rows; another number does nothing
    #[arg(long, value_name = "COUNT")]
    confirm: Option<i64>,
    /// Leave it to a service that runs, and do not wait
    #[arg(long)]
    no_wait: bool,
    #[command(flatten)]
    acting: Acting,
}

#[derive(Args)]
pub(crate) struct OneArguments {
    /// The batch
    #[arg(value_parser = id)]
    batch: BatchId,
    #[command(flatten)]
    acting: Acting,
}

#[derive(Args)]
pub(crate) struct ShowArguments {
    /// Show it until it is over
    #[arg(long)]
    watch: bool,
    #[command(flatten)]
    one: OneArguments,
}

#[derive(Args)]
pub(crate) struct RowsArguments {
    /// Only rows in this state
    #[arg(long, value_parser = PossibleValuesParser::new(RowState::ALL.map(RowState::name)))]
    state: Option<String>,
    #[command(flatten)]
    one: OneArguments,
}

#[derive(Args)]
pub(crate) struct ConfirmArguments {
    /// How many rows it has
    #[arg(long)]
    count: i64,
    #[command(flatten)]
    one: OneArguments,
}

fn id(text: &str) -> Result<BatchId, String> {
    BatchId::given(text).ok_or_else(|| "it is no id of a batch".to_owned())
}

fn delivery(text: &str) -> Result<Delivery, String> {
    match Delivery::named(text) {
        Some(delivery) if delivery != Delivery::Screen => Ok(delivery),
        _ => Err("it is one of notified, held".to_owned()),
    }
}

pub(super) fn run(command: &Command) -> Result<Exit, Failure> {
    match command {
        Command::Update(arguments) => arguments.run(Operation::Update),
        Command::Renew(arguments) => arguments.run(Operation::Renew),
        Command::Disable(arguments) => arguments.run(Operation::Disable),
        Command::Enable(arguments) => arguments.run(Operation::Enable),
        Command::Cancel(arguments) => arguments.run(Operation::Cancel),
        Command::RequestCancel(arguments) => arguments.run(Operation::RequestCancel),
        Command::Request(arguments) => arguments.run(),
        Command::List(acting) => pages::list(acting),
        Command::Show(arguments) => show(arguments),
        Command::Rows(arguments) => pages::rows(arguments),
        Command::Confirm(arguments) => {
            let (id, count) = (arguments.one.batch.clone(), arguments.count);
            let session = arguments.one.acting.open()?;
            let batch = session.write(move |tx, actor, now| batch::confirm(tx, actor, now, (&id, count)))?;
            say(&arguments.one.acting, &batch)
        }
        Command::Stop(arguments) => {
            let id = arguments.batch.clone();
            let session = arguments.acting.open()?;
            let batch = session.write(move |tx, actor, now| batch::stop(tx, actor, now, &id))?;
            say(&arguments.acting, &batch)
        }
    }
}

/// The lines of a file that have something in them, each once.
fn lines(path: &Path) -> Result<Vec<String>, Failure> {
    let text = String::from_utf8(input::read_bytes(path)?)
        .map_err(|_| Failure::new(format!("{} is no text in UTF-8", input::display(path))))?;
    let mut seen = BTreeSet::new();
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    Ok(lines
        .filter(|line| seen.insert(*line))
        .map(str::to_owned)
        .collect())
}

impl DocumentArguments {
    fn run(&self, operation: Operation) -> Result<Exit, Failure> {
        let session = self.how.acting.open()?;
        let plan = Plan {
            operation,
            reason: self.reason.clone(),
            notes: self.how.notes.clone(),
            profile: None,
            delivery: None,
        };
        let named = self.serials.as_deref().map(lines).transpose()?;
        if let Some(bad) = named.iter().flatten().find(|line| Serial::given(line).is_none()) {
            return Err(Failure::new(format!("{bad:?} is no serial of a document")).hint("one serial a line"));
        }
        let wanted = match &named {
            Some(_) if self.filters.any() => {
                return Err(Failure::new("either a file says which documents, or filters do"));
            }
            None if !self.filters.any() => {
                return Err(Failure::new("nothing says which documents").hint(
                    "give `--serials FILE`, or filters; `--current true` selects all current documents",
                ));
            }
            Some(_) => None,
            None => Some(self.filters.wanted(&session, Report::Documents)?),
        };
        let id = begin(&session, plan)?;
        if let Some(mut wanted) = wanted {
            loop {
                let asked = wanted.clone();
                let part =
                    session.read(move |tx, actor, _| batch::documents(tx, actor, (operation, &asked)))?;
                add(&session, &id, &part.objects)?;
                match part.next {
                    Some(next) => wanted.after(next),
                    None => break,
                }
            }
        }
        add(&session, &id, &named.unwrap_or_default())?;
        self.how.go_on(&session, &id)
    }
}

impl RequestArguments {
    fn run(&self) -> Result<Exit, Failure> {
        let session = self.how.acting.open()?;
        let plan = Plan {
            operation: Operation::Request,
            reason: None,
            notes: self.how.notes.clone(),
            profile: Some(self.profile.clone()),
            delivery: self.delivery,
        };
        let logons = self.people.as_deref().map(lines).transpose()?.unwrap_or_default();
        let people = session.read(move |tx, _, _| {
            let people = logons
                .iter()
                .map(|logon| Ok(people::by_logon(tx, logon)?.id.to_string()));
            people.collect::<Result<Vec<_>, _>>()
        })?;
        let group = self.group.clone();
        let group = session.read(move |tx, _, _| match &group {
            Some(path) => people::group_at(tx, path),
            None => Ok(None),
        })?;
        let id = begin(&session, plan)?;
        add(&session, &id, &people)?;
        let mut after = None;
        while let Some(group) = group.clone() {
            let part =
                session.read(move |tx, actor, _| batch::members(tx, actor, (&group, after.as_deref())))?;
            add(&session, &id, &part.objects)?;
            after = part.next;
            if after.is_none() {
                break;
            }
        }
        self.how.go_on(&session, &id)
    }
}

fn begin(session: &Session, plan: Plan) -> Result<BatchId, Failure> {
    let mut rng = system::random()?;
    session.write(move |tx, actor, now| batch::begin(tx, actor, now, &plan, &mut rng))
}

fn add(session: &Session, id: &BatchId, objects: &[String]) -> Result<(), Failure> {
    for part in objects.chunks(batch::AT_ONCE.into()) {
        let (id, part) = (id.clone(), part.to_vec());
        session.write(move |tx, actor, _| batch::add(tx, actor, &id, &part))?;
    }
    Ok(())
}

impl How {
    /// Has it confirmed, and does it.
    fn go_on(&self, session: &Session, id: &BatchId) -> Result<Exit, Failure> {
        let waiting = id.clone();
        let batch = session.write(move |tx, actor, _| batch::ready(tx, actor, &waiting))?;
        let count = match self.confirm {
            Some(count) => count,
            None => match asked(&batch)? {
                Some(count) => count,
                None => {
                    say(&self.acting, &batch)?;
                    output::warn(
                        start::PROGRAM,
                        &format!(
                            "nothing was done; `mdoc-service batch confirm {id} --count {}` begins with it",
                            batch.total
                        ),
                    );
                    return Ok(Exit::Rejected);
                }
            },
        };
        let confirmed = id.clone();
        let batch =
            session.write(move |tx, actor, now| batch::confirm(tx, actor, now, (&confirmed, count)))?;
        if self.no_wait {
            return say(&self.acting, &batch);
        }
        let batch = finish(session, batch)?;
        say(&self.acting, &batch)?;
        Ok(status(&batch))
    }
}

/// What the batch comes to: all of it, some of it, or nothing was done.
const fn status(batch: &Batch) -> Exit {
    match batch.completed {
        0 => Exit::Rejected,
        done if done == batch.total => Exit::Done,
        _ => Exit::SomeFailed,
    }
}

/// The number that somebody at a terminal confirms, if somebody is there.
fn asked(batch: &Batch) -> Result<Option<i64>, Failure> {
    if !stdin().is_terminal() {
        return Ok(None);
    }
    let (operation, total) = (batch.plan.operation, batch.total);
    // Whoever closed stderr is not asked.
    let _ = write!(stderr(), "{operation}: {total} rows. Type {total} to confirm: ");
    let mut line = String::new();
    stdin()
        .read_line(&mut line)
        .map_err(|why| Failure::new(format!("the confirmation cannot be read: {why}")))?;
    Ok(line.trim().parse().ok().filter(|count| *count == total))
}

/// How often a database that cannot be used is tried again, a second apart.
const PATIENCE: u32 = 60;

/// Does it here, beside whatever services run, and shows how far it is.
fn finish(session: &Session, batch: Batch) -> Result<Batch, Failure> {
    let terms = start::terms(&session.config)?;
    let (store, id) = (session.store.clone(), batch.id.clone());
    let mut progress = Progress::new(&batch);
    let node = Node::of(id.clone());
    block_on(async move {
        let mut refused = 0;
        loop {
            let began = Instant::now();
            let worked = node.round(&store, system::SystemClock.now(), &terms).await;
            match worked {
                // Somebody else may have the database for a while.
                Err(StoreError::Unavailable(_) | StoreError::Contended) if refused < PATIENCE => {
                    refused += 1;
                    tokio::time::sleep(Duration::from_secs(1)).await;
                    continue;
                }
                Err(why) => {
                    let _left_for_a_minute = node.leave(&store).await;
                    return Err(failed(why.into()));
                }
                // The database may do it a little later.
                Ok(worked) if worked.stuck > 0 => tokio::time::sleep(Duration::from_secs(1)).await,
                // Another node may have some.
                Ok(worked) if worked.is_idle() => tokio::time::sleep(Duration::from_millis(200)).await,
                Ok(_) => {
                    refused = 0;
                    // Whoever answers wallets goes first.
                    tokio::time::sleep(began.elapsed().max(Duration::from_millis(20))).await;
                    if !progress.is_due() {
                        continue;
                    }
                }
            }
            let batch = look(&store, &id).await?;
            progress.tell(&batch);
            if matches!(batch.stage, Stage::Done | Stage::Stopped) {
                progress.end();
                return Ok(batch);
            }
        }
    })
}

async fn look(store: &mdoc_service::store::Store, id: &BatchId) -> Result<Batch, Failure> {
    let id = id.clone();
    let system = mdoc_service::usecase::authority::Actor::system(start::PROGRAM);
    let found = store.read(move |tx| batch::get(tx, &system, &id));
    found.await.map_err(failed)
}

fn say(acting: &Acting, batch: &Batch) -> Result<Exit, Failure> {
    if acting.at.json {
        output::print_json(&as_json(batch))?;
    } else {
        output::print(&line(batch))?;
    }
    Ok(Exit::Done)
}

fn line(batch: &Batch) -> String {
    format!(
        "{} is {}: {} of {} rows; {} completed, {} failed, {} in progress, {} pending\n",
        batch.id,
        batch.stage,
        batch.plan.operation,
        batch.total,
        batch.completed,
        batch.failed,
        batch.in_progress,
        batch.pending()
    )
}

fn as_json(batch: &Batch) -> Value {
    json!({
        "id": batch.id.as_str(), "operation": batch.plan.operation.name(), "state": batch.stage.name(),
        "reason": batch.plan.reason, "profile": batch.plan.profile,
        "total": batch.total, "pending": batch.pending(), "in_progress": batch.in_progress,
        "completed": batch.completed, "failed": batch.failed,
        "created": batch.created.to_string(),
        "confirmed": batch.confirmed.map(|at| at.to_string()), "ended": batch.ended.map(|at| at.to_string()),
    })
}

fn show(arguments: &ShowArguments) -> Result<Exit, Failure> {
    let session = arguments.one.acting.open()?;
    let of = || {
        let id = arguments.one.batch.clone();
        session.read(move |tx, actor, _| batch::get(tx, actor, &id))
    };
    let mut batch = of()?;
    if arguments.watch {
        let mut progress = Progress::new(&batch);
        while !matches!(batch.stage, Stage::Done | Stage::Stopped) {
            std::thread::sleep(Duration::from_millis(500));
            batch = of()?;
            progress.tell(&batch);
        }
        progress.end();
        say(&arguments.one.acting, &batch)?;
        return Ok(status(&batch));
    }
    say(&arguments.one.acting, &batch)
}
