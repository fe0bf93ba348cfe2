//! The service at work: people are told by mail and by message, a document is made anew, one is renewed, a batch cancels what
//! is left.

use std::fs;
use std::path::Path;

use mdoc_cli::{Failure, output, system};
use mdoc_service::batches::Node;
use mdoc_service::domain::batch::Operation;
use mdoc_service::domain::profile::{Scheme, Settings};
use mdoc_service::usecase::batch::{self, Batch, Plan};
use mdoc_service::usecase::document::{self, Why};
use mdoc_service::usecase::reports::{Report, Wanted};
use mdoc_service::usecase::request::{self, Wish};
use mdoc_service::usecase::{people as registry, profiles, update};

use super::{Demo, PROFILES, Step, people, wrong};
use crate::cli::failed;

/// The profile of which people are told, and for whom a document is requested.
const CARD: (&str, usize) = ("loyalty-card", 8);

/// The profile of which a document is renewed.
const RENEWED: &str = "photo-id";

impl Demo<'_> {
    /// From the step of that number on; messages are in the folder.
    pub(super) fn office(&self, number: usize, messages: &Path) -> Result<(), Failure> {
        self.told(number, messages)?;
        self.made_anew(number + 1, messages)?;
        self.renewed(number + 2)?;
        self.cancelled(number + 3)
    }

    /// What was put into the folder since: all of it, for the screen.
    fn sent(&self, messages: &Path) -> Result<(), Failure> {
        let courier = self.service.courier.as_ref();
        let courier = courier.ok_or_else(|| wrong("nothing sends messages"))?;
        let node = "demo";
        let round = courier.round(&self.service, node);
        let count = self.runtime.block_on(round).map_err(|why| failed(why.into()))?;
        let unreadable = |why: std::io::Error| Failure::new(format!("{}: {why}", messages.display()));
        let mut texts = Vec::new();
        for entry in fs::read_dir(messages).map_err(unreadable)? {
            let path = entry.map_err(unreadable)?.path();
            if path.extension().is_some_and(|kind| kind == "txt") {
                texts.push(fs::read_to_string(&path).map_err(unreadable)?);
            }
            fs::remove_file(&path).map_err(unreadable)?;
        }
        if count == 0 || texts.len() != count {
            return Err(wrong("a message was not sent"));
        }
        texts.sort();
        for text in texts {
            for line in text.lines() {
                output::print(&format!("  │ {line}\n"))?;
            }
            output::print("\n")?;
        }
        Ok(())
    }

    fn told(&self, number: usize, messages: &Path) -> Result<(), Failure> {
        let step = Step::new(
            number,
            "A loyalty card is requested, and its person is told: the address by mail, the code by message",
        )?;
        let (profile, person) = CARD;
        let (terms, now, mut random) = (self.service.terms.clone(), self.service.now(), system::random()?);
        let logon = people::details(person).logon_name;
        let version = self.write(move |tx, actor| {
            let settings = Settings {
                display_name: "Loyalty card".to_owned(),
                format: profile.to_owned(),
                notification_scheme: Scheme::AuthCodeViaSms,
                ..Settings::default()
            };
            let set = (profile, &settings, &terms);
            let version = profiles::set(tx, actor, now, set, "people are told")?;
            let wish = Wish {
                person: registry::by_logon(tx, &logon)?.id,
                profile: profile.to_owned(),
                delivery: None,
                notes: None,
            };
            request::request(tx, actor, now, (&wish, &terms), &mut random)?;
            Ok(version)
        })?;
        step.say("profile", &format!("{profile}, version {version}"))?;
        self.sent(messages)?;
        step.done()
    }

    fn made_anew(&self, number: usize, messages: &Path) -> Result<(), Failure> {
        let step = Step::new(
            number,
            "The card that a wallet has since step 3 is made anew, by the newest version of its profile",
        )?;
        let holder = PROFILES.iter().find(|(name, ..)| *name == CARD.0);
        let logon = people::details(holder.map_or(0, |profile| profile.4)).logon_name;
        let (terms, now, mut random) = (self.service.terms.clone(), self.service.now(), system::random()?);
        let document = self.write(move |tx, actor| {
            let person = registry::by_logon(tx, &logon)?.id;
            let mut document = None;
            for one in document::of_person(tx, actor, &person)? {
                let made = (&one.serial, &terms);
                document = Some(update::update(tx, actor, now, made, Why::default(), &mut random)?);
            }
            Ok(document)
        })?;
        let document = document.ok_or_else(|| wrong("there is no card"))?;
        step.say("state", &format!("{}: its wallet fetches it", document.state))?;
        self.sent(messages)?;
        step.done()
    }

    fn renewed(&self, number: usize) -> Result<(), Failure> {
        let step = Step::new(
            number,
            "A photo ID is renewed, as the service does by itself ahead of an end",
        )?;
        let holder = PROFILES.iter().find(|(name, ..)| *name == RENEWED);
        let logon = people::details(holder.map_or(0, |profile| profile.4)).logon_name;
        let (terms, now, mut random) = (self.service.terms.clone(), self.service.now(), system::random()?);
        let document = self.write(move |tx, actor| {
            let person = registry::by_logon(tx, &logon)?.id;
            let mut document = None;
            for one in document::of_person(tx, actor, &person)? {
                let made = (&one.serial, &terms);
                document = Some(update::renew(tx, actor, now, made, Why::default(), &mut random)?);
            }
            Ok(document)
        })?;
        let document = document.ok_or_else(|| wrong("there is no photo ID"))?;
        let end = document.valid_until.map(|end| end.to_string());
        step.say(
            "state",
            &format!(
                "{}: another lifetime begins when its wallet fetches it",
                document.state
            ),
        )?;
        step.say("until then", &format!("it ends at {}", end.unwrap_or_default()))?;
        if !document.renews {
            return Err(wrong("it is not renewed"));
        }
        step.done()
    }

    fn cancelled(&self, number: usize) -> Result<(), Failure> {
        let step = Step::new(number, "A batch cancels whatever is current")?;
        let (now, mut random) = (self.service.now(), system::random()?);
        let batch = self.write(move |tx, actor| {
            let plan = Plan {
                operation: Operation::Cancel,
                reason: Some("no-longer-entitled".to_owned()),
                notes: None,
                profile: None,
                delivery: None,
            };
            let id = batch::begin(tx, actor, now, &plan, &mut random)?;
            let mut wanted = Wanted::new(Report::Documents, now);
            loop {
                let part = batch::documents(tx, actor, (plan.operation, &wanted))?;
                batch::add(tx, actor, &id, &part.objects)?;
                match part.next {
                    Some(next) => wanted.after(next),
                    None => break,
                }
            }
            batch::ready(tx, actor, &id)
        })?;
        step.say("selected", &format!("{} documents", batch.total))?;
        let (id, total) = (batch.id.clone(), batch.total);
        self.write(move |tx, actor| batch::confirm(tx, actor, now, (&id, total)))?;
        let node = Node::of(batch.id.clone());
        loop {
            let round = node.round(&self.service.store, now, &self.service.terms);
            let worked = self.runtime.block_on(round).map_err(|why| failed(why.into()))?;
            let done = self.seen(&batch)?;
            step.say(
                done.stage.name(),
                &format!(
                    "{} pending, {} in progress, {} completed, {} failed",
                    done.pending(),
                    done.in_progress,
                    done.completed,
                    done.failed
                ),
            )?;
            if worked.is_idle() {
                if done.completed != total {
                    return Err(wrong("not all of the batch was done"));
                }
                break;
            }
        }
        self.service.publisher.changed();
        step.done()
    }

    fn seen(&self, batch: &Batch) -> Result<Batch, Failure> {
        let id = batch.id.clone();
        self.write(move |tx, actor| batch::get(tx, actor, &id))
    }
}
