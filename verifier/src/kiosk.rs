//! Verification one after another, as at a door or a bar: what the screen says, what is counted, what is logged.
//!
//! The screen says one of three things, and the facts that were asked for. A person who is under the age that was asked
//! for is not accepted, however genuine the document is. Nothing of a person is counted or logged.

mod board;
pub mod web;

use core::fmt;
use std::time::Duration;

use mdoc_core::ble::Service;
use mdoc_core::ble::link::Bearer;
use mdoc_core::cbor::Kind;
use mdoc_core::device_request::ItemsRequest;
use mdoc_core::verify::{Accepted, Report};
use serde_json::{Value, json};

pub use self::board::{Board, Phase, Snapshot};
use crate::read::released_nothing;
use crate::show::value_text;

/// What the screen says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// The document is genuine, it is its holder's, and what was asked for is as it has to be.
    Accepted,
    /// One of these does not hold.
    NotAccepted,
    /// Nothing can be said: nobody was reached, or what was asked for was not shown.
    CouldNotTell,
}

impl Verdict {
    /// Stable for ever: for programs and logs.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::NotAccepted => "not-accepted",
            Self::CouldNotTell => "could-not-tell",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Accepted => "ACCEPTED",
            Self::NotAccepted => "NOT ACCEPTED",
            Self::CouldNotTell => "COULD NOT TELL",
        })
    }
}

/// One of the things that were asked for.
#[derive(Clone, PartialEq, Eq)]
pub struct Fact {
    /// In words: `over 18`, `family name`.
    pub label: String,
    /// In words: `yes`, `Vlasáková`.
    pub value: String,
}

/// What came of one reading.
#[derive(Clone, PartialEq, Eq)]
pub struct Outcome {
    /// What the screen says.
    pub verdict: Verdict,
    /// What was asked for, if the document is accepted.
    pub facts: Vec<Fact>,
    /// Why it is not accepted, or nothing can be said; in words, without anything of a person.
    pub reasons: Vec<String>,
    /// The codes of the reasons, for the log.
    pub codes: Vec<&'static str>,
    /// The picture of the holder, if it was asked for and the document is accepted: JPEG or JPEG 2000.
    pub portrait: Option<Vec<u8>>,
    /// How the wallet was reached, if it was.
    pub service: Option<Service>,
    /// Over what, if it was.
    pub bearer: Option<Bearer>,
    /// From the scan to this.
    pub took: Duration,
}

impl fmt::Debug for Fact {
    /// Without what it says.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fact({})", self.label)
    }
}

impl fmt::Debug for Outcome {
    /// Without anything of a person.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Outcome({}, {:?})", self.verdict.code(), self.codes)
    }
}

impl Outcome {
    /// Of a report on what a wallet answered.
    #[must_use]
    pub fn of(
        report: &Report<'_>,
        asked: &[ItemsRequest],
        (service, bearer): (Service, Bearer),
        took: Duration,
    ) -> Self {
        let mut outcome = Self {
            verdict: Verdict::Accepted,
            facts: Vec::new(),
            reasons: Vec::new(),
            codes: Vec::new(),
            portrait: None,
            service: Some(service),
            bearer: Some(bearer),
            took,
        };
        if released_nothing(report) {
            outcome.doubt("the wallet released nothing", "kiosk.nothing-released");
            return outcome;
        }
        for document in report.documents() {
            match document.accept() {
                Ok(accepted) => {
                    let doc_type = document.doc_type().unwrap_or_default();
                    let of_type = asked.iter().filter(|request| request.doc_type == doc_type);
                    of_type.for_each(|request| outcome.take(request, &accepted));
                }
                Err(_) => outcome.reject(
                    document
                        .failures()
                        .map(|step| (step.message().into_owned(), step.code())),
                ),
            }
        }
        if outcome.verdict == Verdict::NotAccepted && !outcome.codes.iter().all(|code| *code == UNDER_AGE) {
            // Nobody vouches for what a document says that is not accepted.
            outcome.facts.clear();
            outcome.portrait = None;
        }
        outcome
    }

    /// Of a reading that did not come to an answer.
    #[must_use]
    pub fn without_answer(reason: String, code: &'static str, took: Duration) -> Self {
        Self {
            verdict: Verdict::CouldNotTell,
            facts: Vec::new(),
            reasons: vec![reason],
            codes: vec![code],
            portrait: None,
            service: None,
            bearer: None,
            took,
        }
    }

    fn reject(&mut self, failures: impl Iterator<Item = (String, &'static str)>) {
        self.verdict = Verdict::NotAccepted;
        for (message, code) in failures {
            // What follows from an earlier failure says nothing new.
            if !self.codes.contains(&code) {
                self.reasons.push(message);
                self.codes.push(code);
            }
        }
    }

    fn doubt(&mut self, reason: &str, code: &'static str) {
        if self.verdict == Verdict::Accepted {
            self.verdict = Verdict::CouldNotTell;
        }
        self.reasons.push(reason.to_owned());
        self.codes.push(code);
    }

    /// Takes what was asked for from an accepted document.
    fn take(&mut self, request: &ItemsRequest, accepted: &Accepted<'_>) {
        for (name_space, elements) in &request.name_spaces {
            for asked in elements {
                let identifier = asked.identifier.as_str();
                if identifier == "portrait" {
                    let portrait = accepted.get(name_space, identifier);
                    self.portrait = portrait.and_then(|item| item.bytes().map(|bytes| bytes.into_owned()));
                    if self.portrait.is_none() {
                        // Whoever holds the telephone could be anybody.
                        self.doubt(
                            "the wallet did not show the picture of its holder",
                            "kiosk.portrait-not-shown",
                        );
                    }
                    continue;
                }
                let age = identifier.strip_prefix("age_over_");
                let label = identifier_words(identifier);
                let found = accepted.get(name_space, identifier);
                let found = found.or_else(|| nearest_age(name_space, age?, accepted));
                match found {
                    Some(item) => {
                        let value = match item.kind() {
                            Kind::Bool(true) => "yes".to_owned(),
                            Kind::Bool(false) => "no".to_owned(),
                            _ => value_text(item),
                        };
                        if age.is_some() && item.boolean() == Some(false) {
                            self.verdict = Verdict::NotAccepted;
                            self.reasons.push(format!("not {label}"));
                            self.codes.push(UNDER_AGE);
                        }
                        self.facts.push(Fact { label, value });
                    }
                    // An element that the document does not have is a doubt only if it is what decides.
                    None if age.is_some() => {
                        self.doubt(
                            "the wallet did not say whether the age is reached",
                            "kiosk.age-not-shown",
                        );
                    }
                    None => {}
                }
            }
        }
    }

    /// A line for the log, without anything of a person. `at` is an instant of RFC 3339.
    #[must_use]
    pub fn log_line(&self, at: &str) -> String {
        let millis = u64::try_from(self.took.as_millis()).unwrap_or(u64::MAX);
        let line = json!({
            "time": at,
            "verdict": self.verdict.code(),
            "codes": self.codes,
            "mode": self.service.map(Service::mode),
            "bearer": self.bearer.map(Bearer::name),
            "milliseconds": millis,
        });
        format!("{line}\n")
    }

    /// For a screen.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let facts = self
            .facts
            .iter()
            .map(|fact| json!({ "label": fact.label, "value": fact.value }));
        json!({
            "verdict": self.verdict.code(),
            "headline": self.verdict.to_string(),
            "facts": facts.collect::<Vec<_>>(),
            "reasons": self.reasons,
            "portrait": self.portrait.is_some(),
        })
    }
}

const UNDER_AGE: &str = "kiosk.under-age";

fn identifier_words(identifier: &str) -> String {
    identifier
        .strip_prefix("age_over_")
        .map_or_else(|| identifier.replace('_', " "), |years| format!("over {years}"))
}

/// The answer with the nearest limit: one that is over a higher age is over this one, and one that is not over a lower
/// age is not over this one (7.2.5).
fn nearest_age<'r>(
    name_space: &str,
    years: &str,
    accepted: &Accepted<'r>,
) -> Option<mdoc_core::cbor::Item<'r>> {
    let years: u32 = years.parse().ok()?;
    accepted.elements().iter().find_map(|element| {
        let other: u32 = element.identifier.strip_prefix("age_over_")?.parse().ok()?;
        let says = element.value.boolean()?;
        let decides = if says { other >= years } else { other <= years };
        (element.name_space == name_space && decides).then_some(element.value)
    })
}

/// How many there were of what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Accepted.
    pub accepted: u64,
    /// Not accepted.
    pub not_accepted: u64,
    /// Could not tell.
    pub could_not_tell: u64,
}

impl Counts {
    /// One more.
    pub const fn count(&mut self, verdict: Verdict) {
        match verdict {
            Verdict::Accepted => self.accepted += 1,
            Verdict::NotAccepted => self.not_accepted += 1,
            Verdict::CouldNotTell => self.could_not_tell += 1,
        }
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            accepted,
            not_accepted,
            could_not_tell,
        } = self;
        write!(
            f,
            "{accepted} accepted, {not_accepted} not accepted, {could_not_tell} could not tell"
        )
    }
}
