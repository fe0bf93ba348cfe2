//! The whole life of documents on the screen: a service in an empty folder, people, a wallet, a reader.

mod office;
mod people;
mod wallet;

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use clap::Args;
use mdoc_cli::system::{self, SystemClock};
use mdoc_cli::{Exit, Failure, keys, output};
use mdoc_core::seams::Clock as _;
use mdoc_core::verify::{Form, Inputs, Policy, StatusPolicy};
use mdoc_core::x509::path::TrustAnchor;
use mdoc_holder::collect::Copy;
use mdoc_service::api::{offer_address, offer_link};
use mdoc_service::config::Config;
use mdoc_service::domain::id::Serial;
use mdoc_service::domain::profile::Settings;
use mdoc_service::service::Service;
use mdoc_service::store::Tx;
use mdoc_service::usecase::authority::Actor;
use mdoc_service::usecase::change::{Change, change};
use mdoc_service::usecase::document::Why;
use mdoc_service::usecase::request::{self, Offer, Wish};
use mdoc_service::usecase::{self, audit, people as registry, profiles, replace};
use mdoc_service::{serve, start};
use mdoc_verifier::online::Online;
use mdoc_verifier::online::fetch::{HttpFetch, Reach};
use mdoc_verifier::request::preset;
use mdoc_verifier::show;

use self::wallet::Wallet;
use super::{failed, init};

/// A profile for each use: name, what is shown, format, copies of a collection, and whose document is collected.
const PROFILES: [(&str, &str, &str, u32, usize); 7] = [
    ("driving-licence", "Driving licence", "iso-18013-5-mdl", 4, 0),
    ("pid", "Person identification (PID)", "eu-pid", 4, 1),
    ("photo-id", "Photo ID", "iso-23220-photo-id", 4, 2),
    ("age-proof", "Proof of age", "eu-age-verification", 10, 3),
    ("access-badge", "Access badge", "access-badge", 4, 4),
    ("loyalty-card", "Loyalty card", "loyalty-card", 4, 5),
    ("warrant-card", "Warrant card", "warrant-card", 4, 6),
];
/// The one whose life is shown: its format knows suspension, which driving licences do not.
const BADGE: (&str, usize) = ("access-badge", 7);

#[derive(Args)]
#[command(after_help = "\
Makes a service in an empty folder, as `init` does, with a profile for each use and two
hundred people who do not exist, starts it on a free port of this machine, and shows what
happens to documents: requested, collected by a wallet over HTTP, shown to a reader that
asks the service for their status, disabled, enabled, replaced because it was lost. Then
people are told by mail and by message (into the folder `messages`), a document is made
anew, another one is renewed, and a batch cancels what is left.

Examples:
  mdoc-service demo
  mdoc-service demo authority --keep

Exit status: 0 everything went as it should, 1 something did not, 2 it could not be tried.")]
pub(crate) struct Arguments {
    /// The folder; it is made, or empty. Without it, a temporary one that is removed afterwards
    folder: Option<PathBuf>,
    /// Leave the service running at the end, until it is interrupted, and the folder where it is
    #[arg(long)]
    keep: bool,
}

/// A folder that goes unless it is to stay.
struct Place {
    path: PathBuf,
    stays: bool,
}

impl Drop for Place {
    fn drop(&mut self) {
        if !self.stays {
            let _gone = std::fs::remove_dir_all(&self.path);
        }
    }
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let began = Instant::now();
    let place = Place {
        path: arguments.folder.clone().unwrap_or_else(|| {
            let name = format!("mdoc-service-demo-{}", std::process::id());
            std::env::temp_dir().join(name)
        }),
        stays: arguments.keep || arguments.folder.is_some(),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|why| Failure::new(format!("the service cannot be run: {why}")))?;
    let step = Step::new(1, "A service in an empty folder")?;
    let (listener, address) = runtime.block_on(serve::bind("127.0.0.1:0"))?;
    init::make(&init::Arguments {
        external: format!("http://{address}"),
        listen: address.to_string(),
        name: "Example Authority".to_owned(),
        ..init::Arguments::at(&place.path)
    })?;
    let file = place.path.join("service.toml");
    notify(&file)?;
    let config = Config::read(&file, std::iter::empty()).map_err(|why| Failure::new(why.to_string()))?;
    let service = Arc::new(start::service(&config)?);
    step.say("folder", &place.path.display().to_string())?;
    step.say(
        "made",
        "configuration, database, keys, certificates for development",
    )?;
    step.say("address", &config.external)?;
    step.done()?;

    let demo = Demo {
        service: Arc::clone(&service),
        runtime: &runtime,
        anchors: vec![TrustAnchor::new(keys::certificate(&place.path.join("iaca.pem"))?)],
    };
    demo.furnish()?;
    let app = serve::bounded(Arc::clone(&service), &config.limits);
    let limits = config.limits.clone();
    let serving = runtime.spawn(async move {
        let ends = std::future::pending();
        serve::serve(listener, app, (&limits, None, &[]), ends).await
    });
    demo.one_of_each()?;
    demo.life()?;
    let messages = config.notifications.folder.clone().unwrap_or_default();
    demo.office(13, &messages)?;
    demo.trail(17)?;
    output::print(&format!(
        "\nAll of it took {:.1} s.\n",
        began.elapsed().as_secs_f64()
    ))?;
    if arguments.keep {
        keep(&config, &file)?;
        runtime
            .block_on(async { tokio::signal::ctrl_c().await })
            .map_err(|why| Failure::new(why.to_string()))?;
    }
    serving.abort();
    Ok(Exit::Done)
}

/// Has the service put its messages into a folder: nothing is sent to anybody.
fn notify(file: &Path) -> Result<(), Failure> {
    let written = OpenOptions::new()
        .append(true)
        .open(file)
        .and_then(|mut file| file.write_all(b"\n[notifications]\nfolder = \"messages\"\n"));
    written.map_err(|why| Failure::new(format!("{} cannot be written: {why}", file.display())))
}

fn keep(config: &Config, file: &Path) -> Result<(), Failure> {
    let file = file.display();
    output::print(&format!(
        "\nThe service goes on at {external} until you press Ctrl-C. In another terminal:\n\n  \
         mdoc-service person list --config {file}\n  \
         mdoc-service request --config {file} --person person008 --profile loyalty-card\n  \
         mdoc-holder collect LINK --code CODE --issuer-trust {iaca} --allow-private-addresses\n\n\
         Later, `mdoc-service serve --config {file}` starts it again.\n",
        external = config.external,
        iaca = file.to_string().replace("service.toml", "iaca.pem"),
    ))
}

/// A step of the show: a heading, lines, and how long it took.
struct Step {
    began: Instant,
}

impl Step {
    fn new(number: usize, title: &str) -> Result<Self, Failure> {
        output::print(&format!("\n── {number}. {title}\n"))?;
        let began = Instant::now();
        Ok(Self { began })
    }

    fn say(&self, name: &str, what: &str) -> Result<(), Failure> {
        output::print(&format!("{name:<16}{what}\n"))
    }

    fn done(self) -> Result<(), Failure> {
        output::print(&format!(
            "{:<16}{:.2} s\n",
            "took",
            self.began.elapsed().as_secs_f64()
        ))
    }
}

/// A document that a wallet has, and what the service calls it.
struct Held {
    serial: Serial,
    copies: Vec<Copy>,
}

struct Demo<'a> {
    service: Arc<Service>,
    runtime: &'a tokio::runtime::Runtime,
    anchors: Vec<TrustAnchor>,
}

impl Demo<'_> {
    /// Does something in the name of the service.
    fn write<T: Send + 'static>(
        &self,
        mut work: impl FnMut(&mut Tx<'_>, &Actor) -> Result<T, usecase::Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let done = self
            .service
            .store
            .write(move |tx| work(tx, &Actor::system("demo")));
        self.runtime.block_on(done).map_err(failed)
    }

    fn furnish(&self) -> Result<(), Failure> {
        let step = Step::new(
            2,
            "A profile for each use, and two hundred people who do not exist",
        )?;
        let now = self.service.now();
        for (name, shown, format, copies, _) in PROFILES {
            let settings = Settings {
                display_name: shown.to_owned(),
                format: format.to_owned(),
                copies,
                ..Settings::default()
            };
            let terms = self.service.terms.clone();
            self.write(move |tx, actor| {
                profiles::set(tx, actor, now, (name, &settings, &terms), "for the demo")
            })?;
            step.say(
                "profile",
                &format!("{name:<17}{shown}, {copies} copies a collection"),
            )?;
        }
        let portraits: Result<Vec<_>, Failure> = (0..people::COUNT).map(people::portrait).collect();
        let (portraits, mut random) = (portraits?, system::random()?);
        self.write(move |tx, actor| {
            for (number, portrait) in portraits.iter().enumerate() {
                let person = registry::add(tx, actor, now, (&people::details(number), None), &mut random)?;
                registry::set_photo(tx, actor, now, &person.id, ("image/jpeg", portrait))?;
            }
            Ok(())
        })?;
        step.say(
            "people",
            &format!("{}, each with a drawn portrait", people::COUNT),
        )?;
        step.done()
    }

    fn request(&self, person: usize, profile: &'static str) -> Result<(Serial, Offer), Failure> {
        let (terms, now, mut random) = (self.service.terms.clone(), self.service.now(), system::random()?);
        let logon = people::details(person).logon_name;
        let requested = self.write(move |tx, actor| {
            let wish = Wish {
                person: registry::by_logon(tx, &logon)?.id,
                profile: profile.to_owned(),
                delivery: None,
                notes: None,
            };
            request::request(tx, actor, now, (&wish, &terms), &mut random)
        })?;
        let offer = requested
            .offer
            .ok_or_else(|| Failure::new("the request gave no offer"))?;
        Ok((requested.document.serial, offer))
    }

    fn link(&self, offer: &Offer) -> String {
        offer_link(&offer_address(&self.service.identifier, &offer.secret))
    }

    fn collect(&self, (serial, offer): (Serial, &Offer), copies: u32) -> Result<Held, Failure> {
        let code = offer.code.as_ref().map(|code| code.as_str());
        let copies = usize::try_from(copies).unwrap_or(1);
        let copies = Wallet::new(self.anchors.clone())?.collect(&self.link(offer), code, copies)?;
        Ok(Held { serial, copies })
    }

    fn one_of_each(&self) -> Result<(), Failure> {
        let step = Step::new(
            3,
            "One document of each, requested, and collected by a wallet over HTTP (OpenID4VCI)",
        )?;
        for (name, _, _, copies, person) in PROFILES {
            let (serial, offer) = self.request(person, name)?;
            let began = Instant::now();
            let held = self.collect((serial, &offer), copies)?;
            let bytes = held.copies.first().map_or(0, |copy| copy.document.len());
            let who = people::details(person);
            step.say(
                name,
                &format!(
                    "{} copies of {bytes} bytes for {} {}, in {} ms",
                    held.copies.len(),
                    who.given_name,
                    who.family_name,
                    began.elapsed().as_millis()
                ),
            )?;
        }
        step.done()
    }

    fn life(&self) -> Result<(), Failure> {
        let (profile, person) = BADGE;
        let who = people::details(person);
        let step = Step::new(4, "An access badge is requested")?;
        let (serial, offer) = self.request(person, profile)?;
        step.say("for", &format!("{} {}", who.given_name, who.family_name))?;
        step.say("serial", serial.as_str())?;
        step.say("offer", &self.link(&offer))?;
        let code = offer.code.as_ref().map_or("none", |code| code.as_str());
        step.say("code", &format!("{code}, told over another way"))?;
        step.done()?;

        let step = Step::new(5, "The wallet collects it")?;
        let held = self.collect((serial, &offer), 4)?;
        step.say(
            "collected",
            &format!("{} copies, each for a key of its own", held.copies.len()),
        )?;
        let again = self.collect((held.serial.clone(), &offer), 1);
        let Err(refused) = again else {
            return Err(wrong("an offer was taken twice"));
        };
        step.say("again", &format!("refused: {refused}"))?;
        step.done()?;

        let (door, off, on) = ("shown at a door", "disabled: mislaid", "enabled: found");
        self.check(6, door, &held, (0, true, None))?;
        self.change(7, off, &held, (Change::Disable, "mislaid"))?;
        self.check(8, "shown again", &held, (1, false, Some("suspended")))?;
        self.change(9, on, &held, (Change::Enable, "found"))?;
        self.check(10, "shown again", &held, (2, true, None))?;
        self.replace(11, &held)?;
        self.check(12, "shown again", &held, (3, false, Some("revoked")))
    }

    fn change(
        &self,
        number: usize,
        title: &str,
        held: &Held,
        (what, reason): (Change, &'static str),
    ) -> Result<(), Failure> {
        let step = Step::new(number, &format!("It is {title}"))?;
        let (serial, now) = (held.serial.clone(), self.service.now());
        let document = self.write(move |tx, actor| {
            let why = Why {
                reason: Some(reason),
                notes: None,
            };
            change(tx, actor, now, (&serial, what), why)
        })?;
        self.service.publisher.changed();
        step.say("state", &document.state.to_string())?;
        step.done()
    }

    /// The one that was lost is cancelled, and another wallet collects the one that stands for it.
    fn replace(&self, number: usize, lost: &Held) -> Result<(), Failure> {
        let step = Step::new(
            number,
            "It is lost, and replaced: cancelled, and another one is requested",
        )?;
        let (serial, now) = (lost.serial.clone(), self.service.now());
        let (terms, mut random) = (self.service.terms.clone(), system::random()?);
        let replaced = self.write(move |tx, actor| {
            let why = Why {
                reason: Some("lost"),
                notes: None,
            };
            replace::replace(tx, actor, now, (&serial, None, &terms), why, &mut random)
        })?;
        self.service.publisher.changed();
        step.say("the lost one", replaced.old.state.name())?;
        let new = replaced.new;
        let offer = new.offer.ok_or_else(|| wrong("the request gave no offer"))?;
        let held = self.collect((new.document.serial, &offer), 1)?;
        step.say("the new one", &format!("{}, in another wallet", held.serial))?;
        step.done()
    }

    /// Shows a copy that nobody has seen yet to a reader, which asks the service for the list; fails if it finds anything
    /// else than it should.
    fn check(
        &self,
        number: usize,
        title: &str,
        held: &Held,
        (copy, accepted, status): (usize, bool, Option<&str>),
    ) -> Result<(), Failure> {
        let step = Step::new(
            number,
            &format!("It is {title}, and the reader asks the service for its status"),
        )?;
        let asks = preset("access-badge")
            .map(mdoc_verifier::request::Preset::request)
            .unwrap_or_default();
        let copy = held
            .copies
            .get(copy)
            .ok_or_else(|| wrong("there are too few copies"))?;
        let reading = wallet::show(copy, &asks)?;
        let mut inputs = Inputs::new(&self.anchors, SystemClock.now());
        inputs.request = Some(&asks);
        inputs.policy = Policy::STANDARD.with_status(StatusPolicy::Require);
        let network = HttpFetch::new(Reach::Everywhere);
        let online = Online {
            plain_status_lists: true,
            ..Online::new(Some(&network), &SystemClock)
        };
        let judged = online.verify(reading.bytes(), Form::DeviceResponse, &reading.inputs(inputs));
        let report = &judged.report;
        let found = report.documents().first().and_then(show::status_word);
        for line in show::to_text(report, show::Detail::Brief).lines() {
            output::print(&format!("  {line}\n"))?;
        }
        if report.accepted() != accepted || status.is_some_and(|wanted| found != Some(wanted)) {
            return Err(wrong("the reader found something else than it should"));
        }
        step.done()
    }

    fn trail(&self, number: usize) -> Result<(), Failure> {
        let step = Step::new(number, "The audit trail is whole")?;
        let chain = self.write(|tx, _| Ok(audit::verify(tx)?))?;
        let chain = chain.map_err(|broken| wrong(&broken.to_string()))?;
        let (entries, digest) = chain.head();
        step.say("entries", &entries.to_string())?;
        step.say("last digest", &base16ct::lower::encode_string(digest))?;
        step.done()
    }
}

fn wrong(why: &str) -> Failure {
    Failure::new(why).exit(Exit::Rejected)
}
