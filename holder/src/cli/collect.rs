//! `mdoc-holder collect` and `mdoc-holder refresh`.

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use mdoc_cli::system::{self, SystemClock};
use mdoc_cli::{Exit, Failure, args, output};
use mdoc_core::crypto::{Curve, SecretKey};
use mdoc_core::seams::Clock as _;
use mdoc_core::x509::path::TrustAnchor;
use mdoc_holder::collect::{
    Authorize, CollectError, Collected, Given, Judge, Outcome, Pending, Plan, Session, Start, start,
};
use mdoc_holder::wallet::{Record, State, Wallet};
use mdoc_openid::Secret;
use serde_json::json;

use super::PROGRAM;
use super::folder::WalletArguments;
use super::http::{Http, failure};
use super::list::summary;
use super::respond::reader_anchors;

/// How long all questions may take together.
const TIME_LIMIT: Duration = Duration::from_secs(120);

#[derive(Args)]
#[command(after_help = "\
Takes up the offer of an issuer (OpenID4VCI 1.0): the text of its QR code, or the
link. Each copy is bound to a key of its own that is made and kept here, so that two
readers who were shown two copies cannot tell that they met the same person. What
comes is checked before the issuer is told that it is accepted.

If the offer needs a sign-in, or --sign-in asks for one, the address to open in a
browser is printed, and the address that the browser ends at is read from standard
input.

Examples:
  mdoc-holder collect 'openid-credential-offer://?credential_offer_uri=https%3A%2F%2F…'
  mdoc-holder collect OFFER --code '4935 36' --copies 10 --issuer-trust iaca.pem
  mdoc-holder collect --resume k3mq7w2a

Exit status: 0 the documents are in the wallet, 1 the issuer refuses or what it gave
does not hold, 2 could not tell (usage, files, network), or they come later.")]
pub(super) struct Arguments {
    /// The offer: its link or the text of its QR code.
    #[arg(value_name = "URL", required_unless_present = "resume")]
    offer: Option<String>,
    /// Ask again for a record that is pending.
    #[arg(long, value_name = "ID", conflicts_with_all = ["offer", "code", "copies", "document"])]
    resume: Option<String>,
    /// The code that the issuer sent another way; blanks do not count.
    #[arg(long)]
    code: Option<String>,
    /// How many copies; no more than the issuer gives at once.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100))]
    copies: u32,
    /// Which of several documents that are offered, by the issuer's name for it [default: the first]
    #[arg(long, value_name = "NAME")]
    document: Option<String>,
    #[command(flatten)]
    common: Common,
    /// What this wallet calls itself to the issuer.
    #[arg(long, value_name = "NAME", default_value = "mdoc-holder")]
    client_id: String,
    /// Sign in with a browser even if the offer has a code.
    #[arg(long, conflicts_with_all = ["resume", "code"])]
    sign_in: bool,
    /// Where the issuer sends the browser after a sign-in.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1/mdoc-holder")]
    redirect_uri: String,
}

#[derive(Args)]
#[command(after_help = "\
Fetches documents anew that an issuer gave with a refresh token, each with keys of its
own: when their copies end or were shown, or when the issuer made the document anew.
What is in the wallet is kept until there is something in its place.

Examples:
  mdoc-holder refresh k3mq7w2a
  mdoc-holder refresh k3mq7w2a --copies 10 --issuer-trust iaca.pem

Exit status: 0 the new documents are in the wallet, 1 the issuer refuses or what it gave
does not hold, 2 could not tell (usage, files, network), or they come later.")]
pub(super) struct RefreshArguments {
    /// The record, from `mdoc-holder list`.
    #[arg(value_name = "ID")]
    id: String,
    /// How many copies [default: as many as there are]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100))]
    copies: Option<u32>,
    #[command(flatten)]
    common: Common,
}

/// Where documents go, whom they have to be from, and how long that may take.
#[derive(Args)]
struct Common {
    #[command(flatten)]
    wallet: WalletArguments,
    /// Certificate of an issuing authority, or folder of them; without any, whoever signed is taken.
    #[arg(long, value_name = "FILE|DIR")]
    issuer_trust: Vec<PathBuf>,
    /// How long to wait for documents that come later, before they are left pending.
    #[arg(long, value_name = "DURATION", value_parser = args::duration)]
    wait: Option<Duration>,
    /// The longest time for all questions together [default: 2m]
    #[arg(long, value_name = "DURATION", value_parser = args::duration)]
    time_limit: Option<Duration>,
    /// Ask hosts of private networks and of this machine too, and without TLS
    #[arg(long)]
    allow_private_addresses: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Common {
    fn collecting(&self) -> Result<Collecting<'_>, Failure> {
        let time = self
            .time_limit
            .unwrap_or(TIME_LIMIT)
            .saturating_add(self.wait.unwrap_or_default());
        Ok(Collecting {
            common: self,
            http: Http::new(self.allow_private_addresses, time)?,
            anchors: reader_anchors(&self.issuer_trust)?,
        })
    }
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let mut collecting = arguments.common.collecting()?;
    match (&arguments.resume, &arguments.offer) {
        (Some(id), _) => collecting.resume(id),
        (None, Some(offer)) => collecting.begin(offer, arguments),
        // The arguments are such that one is there.
        (None, None) => Err(Failure::new("no offer was given")),
    }
}

pub(super) fn refresh(arguments: &RefreshArguments) -> Result<Exit, Failure> {
    let mut collecting = arguments.common.collecting()?;
    collecting.refresh(&arguments.id, arguments.copies)
}

struct Collecting<'a> {
    common: &'a Common,
    http: Http,
    anchors: Vec<TrustAnchor>,
}

impl Collecting<'_> {
    fn begin(&mut self, offer: &str, arguments: &Arguments) -> Result<Exit, Failure> {
        let fetch = match start(offer).map_err(|error| failure(error.into()))? {
            Start::Fetch(fetch) => self.http.run(fetch).map_err(failure)?,
            Start::Have(fetch) => *fetch,
        };
        let described = self.http.run(fetch).map_err(failure)?;
        let fetch = described.server().map_err(|error| failure(error.into()))?;
        let mut plan = self.http.run(fetch).map_err(failure)?;
        if let Some(name) = &arguments.document {
            plan = plan.choose(name).map_err(|error| failure(error.into()))?;
        }
        let copies = arguments.copies;
        if copies > plan.most() {
            return Err(
                Failure::new(format!("the issuer gives no more than {} at once", plan.most()))
                    .hint("give fewer --copies"),
            );
        }
        // Before the code is used up: a wallet that cannot be opened would lose it.
        let wallet = self.common.wallet.open_or_create()?;
        let session = self.session(&plan, arguments)?;
        self.fetch(&wallet, session, copies, None)
    }

    /// Fetches documents anew, and puts them into the place of a record.
    fn refresh(&mut self, id: &str, copies: Option<u32>) -> Result<Exit, Failure> {
        let wallet = self.common.wallet.open()?;
        let mut before = wallet.read(id)?;
        let (_, all) = before.count();
        let copies = copies.unwrap_or_else(|| u32::try_from(all).unwrap_or(1).clamp(1, 100));
        let session = before.session.clone().filter(Session::can_refresh);
        let session = session.ok_or_else(|| {
            Failure::new(format!("the issuer gave nothing by which {id} is fetched anew"))
                .hint("ask it for a new offer, and collect that")
        })?;
        let get = session.refresh().map_err(|error| failure(error.into()))?;
        let session = self.http.run(get).map_err(failure)?;
        // The issuer may have given another token for the one of before, which is good no more: it is kept whatever follows.
        before.session = Some(session.clone());
        wallet.write(&before, &mut system::random()?)?;
        self.fetch(&wallet, session, copies, Some(id))
    }

    /// Asks for documents, each for a key of its own, and keeps them in a new record, in the place of another one if
    /// `replaces` names it.
    fn fetch(
        &mut self,
        wallet: &Wallet<'_>,
        session: Session,
        copies: u32,
        replaces: Option<&str>,
    ) -> Result<Exit, Failure> {
        let mut rng = system::random()?;
        let keys: Vec<SecretKey> = (0..copies)
            .map(|_| SecretKey::generate(Curve::P256, &mut rng))
            .collect();
        let mut record = Record::requested(wallet.new_id(&mut rng), &session, &keys, SystemClock.now());
        record.replaces = replaces.map(str::to_owned);
        let get = session.documents(keys).map_err(|error| failure(error.into()))?;
        wallet.write(&record, &mut rng)?;
        match self.http.run(get) {
            Ok(given) => self.given(wallet, &mut record, given),
            Err(undone) => {
                // A refusal says that there is nothing for these keys; after silence there may be.
                let refused = matches!(
                    &undone,
                    super::http::Undone::Collect(CollectError::Refused { status, .. }) if *status < 500
                );
                if refused {
                    wallet.delete(&record.id)?;
                }
                Err(failure(undone))
            }
        }
    }

    fn session(&mut self, plan: &Plan, arguments: &Arguments) -> Result<Session, Failure> {
        let client = &arguments.client_id;
        let undone = |error: CollectError| failure(error.into());
        if plan.is_pre_authorized() && !arguments.sign_in {
            let code = code(plan, arguments)?;
            let get = plan
                .redeem(code.as_ref(), client, &mut self.http.around())
                .map_err(undone)?;
            return self.http.run(get).map_err(failure);
        }
        let redirect = &arguments.redirect_uri;
        let authorize = plan
            .authorize(client, redirect, &mut self.http.around())
            .map_err(undone)?;
        let waiting = match authorize {
            Authorize::Push(push) => self.http.run(push).map_err(failure)?,
            Authorize::Open(waiting) => waiting,
        };
        output::warn(
            PROGRAM,
            &format!(
                "open this address in a browser, and give the one that it ends at:\n{}",
                waiting.url()
            ),
        );
        let get = waiting.back(&line()?).map_err(undone)?;
        self.http.run(get).map_err(failure)
    }

    fn resume(&mut self, id: &str) -> Result<Exit, Failure> {
        let wallet = self.common.wallet.open()?;
        let mut record = wallet.read(id)?;
        let (State::Pending(transaction), Some(session)) = (record.state.clone(), record.session.clone())
        else {
            return Err(Failure::new(format!("the record {id} is not pending"))
                .hint("`mdoc-holder list` tells which are"));
        };
        let keys = record.copies.iter().map(|copy| copy.key.clone()).collect();
        let get = Pending::new(session, keys, transaction).ask();
        let get = get.map_err(|error| failure(error.into()))?;
        let given = self.http.run(get).map_err(failure)?;
        self.given(&wallet, &mut record, given)
    }

    fn given(&mut self, wallet: &Wallet<'_>, record: &mut Record, mut given: Given) -> Result<Exit, Failure> {
        let waited = self.common.wait.unwrap_or_default();
        let begun = std::time::Instant::now();
        loop {
            match given {
                Given::Now(collected) => return self.judged(wallet, record, collected),
                Given::Later(pending) => {
                    let (session, transaction) = pending.to_keep();
                    record.state = State::Pending(transaction.to_owned());
                    record.session = Some(session.clone());
                    wallet.write(record, &mut system::random()?)?;
                    let interval = Duration::from_secs(pending.interval().max(1));
                    if begun.elapsed().saturating_add(interval) > waited {
                        return self.later(record, interval);
                    }
                    std::thread::sleep(interval);
                    let get = pending.ask().map_err(|error| failure(error.into()))?;
                    given = self.http.run(get).map_err(failure)?;
                }
            }
        }
    }

    fn later(&self, record: &Record, interval: Duration) -> Result<Exit, Failure> {
        let seconds = interval.as_secs();
        if self.common.json {
            output::print_json(&json!({ "record": summary(record), "interval": seconds }))?;
        } else {
            output::print(&format!(
                "{} is pending: the issuer asks to try again after {seconds} s, with\n  mdoc-holder collect --resume {}\n",
                record.id, record.id
            ))?;
        }
        Ok(Exit::CouldNotTell)
    }

    fn judged(
        &mut self,
        wallet: &Wallet<'_>,
        record: &mut Record,
        collected: Collected,
    ) -> Result<Exit, Failure> {
        let judge = Judge {
            anchors: &self.anchors,
            now: SystemClock.now(),
        };
        match collected.judge(&judge) {
            Outcome::Unusable(unusable) => {
                let fault = Failure::new(unusable.fault().to_string())
                    .hint("nothing was kept; tell the issuer, or see whether --issuer-trust is the right authority")
                    .exit(Exit::Rejected);
                if let Some(notify) = unusable.tell() {
                    self.tell(notify);
                }
                wallet.delete(&record.id)?;
                Err(fault)
            }
            Outcome::Received(received) => {
                let replaced = record.replaces.take();
                match wallet.keep(record, &received, &mut system::random()?) {
                    Ok(None) => {}
                    Ok(Some(fault)) => {
                        output::warn(PROGRAM, &format!("{fault}: it was not kept, the document is"));
                    }
                    Err(error) => {
                        if let Some(notify) = received.not_kept() {
                            self.tell(notify);
                        }
                        return Err(error);
                    }
                }
                if let Some(notify) = received.kept() {
                    self.tell(notify);
                }
                let exit = self.done(record)?;
                // Its holder may have deleted it while documents were pending.
                if let Some(replaced) = replaced.filter(|id| wallet.read(id).is_ok()) {
                    wallet.delete(&replaced)?;
                }
                Ok(exit)
            }
        }
    }

    /// The documents are there or not whatever comes of this.
    fn tell(&mut self, notify: mdoc_holder::collect::Notify) {
        if let Err(undone) = self.http.run(notify) {
            let why = failure(undone).to_string();
            output::warn(PROGRAM, &format!("the issuer could not be told: {why}"));
        }
    }

    fn done(&self, record: &Record) -> Result<Exit, Failure> {
        if self.anchors.is_empty() {
            output::warn(
                PROGRAM,
                "who signed was not judged: --issuer-trust names the authorities to trust",
            );
        }
        if self.common.json {
            output::print_json(&json!({ "record": summary(record) }))?;
        } else {
            let (_, all) = record.count();
            let copies = if all == 1 { "copy" } else { "copies" };
            let badge = if record.badge.is_some() {
                ", with a badge,"
            } else {
                ""
            };
            output::print(&format!(
                "{}: {all} {copies} of {}{badge} in {}\n",
                record.id,
                record.doc_type,
                self.common.wallet.folder().display()
            ))?;
        }
        Ok(Exit::Done)
    }
}

/// The code, from the command line or the person.
fn code(plan: &Plan, arguments: &Arguments) -> Result<Option<Secret>, Failure> {
    match (&arguments.code, plan.tx_code()) {
        (Some(code), _) => Ok(Some(Secret::new(code.as_str()))),
        (None, Some(wanted)) if std::io::stdin().is_terminal() => {
            let what = wanted
                .description
                .as_deref()
                .unwrap_or("The code that the issuer sent");
            output::warn(PROGRAM, &format!("{what}:"));
            line().map(|line| Some(Secret::new(line.trim())))
        }
        (None, _) => Ok(None),
    }
}

/// A line of standard input.
fn line() -> Result<String, Failure> {
    let mut line = String::new();
    let read = std::io::stdin().read_line(&mut line);
    match read {
        Ok(read) if read > 0 => Ok(line),
        _ => Err(Failure::new("nothing was entered").hint("run the command again")),
    }
}
