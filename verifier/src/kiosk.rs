//! Verification one after another, as at a door or a bar: what the screen says, what is counted, what is logged.
//!
//! The screen says one of three things, and the facts that were asked for. A person who is under the age that was asked
//! for is not accepted, however genuine the document is. Whatever was asked for and not shown is a doubt: a wallet does not
//! come past the kiosk by keeping something to itself. Nothing of a person is counted or logged.

mod board;
pub mod web;

use core::fmt;
use std::time::Duration;

use mdoc_core::ble::Service;
use mdoc_core::ble::link::Bearer;
use mdoc_core::cbor::{Item, Kind};
use mdoc_core::device_request::ItemsRequest;
use mdoc_core::verify::{Accepted, Report};
use serde_json::{Value, json};

pub use self::board::{Board, Phase, Snapshot};
use crate::portrait::Portrait;
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
    /// The picture of the holder, if it was asked for and the document is accepted.
    pub portrait: Option<Portrait>,
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
            outcome.doubt("the wallet released nothing".to_owned(), "kiosk.nothing-released");
            return outcome;
        }
        for document in report.documents() {
            if document.accept().is_err() {
                outcome.reject(
                    document
                        .failures()
                        .map(|step| (step.message().into_owned(), step.code())),
                );
            }
        }
        if outcome.verdict == Verdict::NotAccepted {
            // Nobody vouches for what a document says that is not accepted.
            return outcome;
        }
        if asked.is_empty() {
            outcome.doubt("nothing was asked for".to_owned(), "kiosk.nothing-asked");
        }
        for request in asked {
            outcome.answer(request, report);
        }
        outcome
    }

    /// Of a reading that did not come to an answer, with what can be done about it.
    #[must_use]
    pub fn without_answer(reason: String, hint: Option<String>, code: &'static str, took: Duration) -> Self {
        Self {
            verdict: Verdict::CouldNotTell,
            facts: Vec::new(),
            reasons: core::iter::once(reason).chain(hint).collect(),
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

    fn doubt(&mut self, reason: String, code: &'static str) {
        if self.verdict == Verdict::Accepted {
            self.verdict = Verdict::CouldNotTell;
        }
        self.reasons.push(reason);
        if !self.codes.contains(&code) {
            self.codes.push(code);
        }
    }

    /// Takes what one request asked for from the document that answers it; all documents are accepted.
    fn answer(&mut self, request: &ItemsRequest, report: &Report<'_>) {
        let of_type = report
            .documents()
            .iter()
            .filter(|document| document.doc_type() == Some(&request.doc_type));
        let mut answers = of_type.filter_map(|document| document.accept().ok());
        match (answers.next(), answers.next()) {
            (Some(accepted), None) => self.take(request, &accepted),
            // The picture of one and the age of another would be those of nobody.
            (Some(_), Some(_)) => self.doubt(
                format!("the wallet showed more than one document {}", request.doc_type),
                "kiosk.several-documents",
            ),
            (None, _) => self.doubt(
                format!(
                    "the wallet did not show the document that was asked for, {}",
                    request.doc_type
                ),
                "kiosk.document-not-shown",
            ),
        }
    }

    /// Takes what was asked for from an accepted document.
    fn take(&mut self, request: &ItemsRequest, accepted: &Accepted<'_>) {
        let mut missing = Vec::new();
        for (name_space, elements) in &request.name_spaces {
            for asked in elements {
                let identifier = asked.identifier.as_str();
                let found = accepted.get(name_space, identifier);
                if identifier == "portrait" {
                    self.take_portrait(found);
                } else if let Some(years) = identifier.strip_prefix("age_over_") {
                    let found = found.or_else(|| nearest_age(name_space, years, accepted));
                    self.take_age(identifier_words(identifier), found);
                } else if let Some(item) = found {
                    let value = match item.kind() {
                        Kind::Bool(true) => "yes".to_owned(),
                        Kind::Bool(false) => "no".to_owned(),
                        _ => value_text(item),
                    };
                    let label = identifier_words(identifier);
                    self.facts.push(Fact { label, value });
                } else {
                    missing.push(identifier_words(identifier));
                }
            }
        }
        if !missing.is_empty() {
            self.doubt(
                format!("the wallet did not show: {}", missing.join(", ")),
                "kiosk.element-not-shown",
            );
        }
    }

    fn take_portrait(&mut self, found: Option<Item<'_>>) {
        let Some(picture) = found.and_then(Item::bytes) else {
            // Whoever holds the telephone could be anybody.
            return self.doubt(
                "the wallet did not show the picture of its holder".to_owned(),
                "kiosk.portrait-not-shown",
            );
        };
        self.portrait = Portrait::decode(&picture);
        if self.portrait.is_none() {
            self.doubt(
                "the picture of the holder cannot be shown".to_owned(),
                "kiosk.portrait-unreadable",
            );
        }
    }

    /// Only a plain yes counts.
    fn take_age(&mut self, label: String, found: Option<Item<'_>>) {
        match found.map(Item::boolean) {
            Some(Some(true)) => self.facts.push(Fact {
                label,
                value: "yes".to_owned(),
            }),
            Some(Some(false)) => {
                self.verdict = Verdict::NotAccepted;
                self.reasons.push(format!("not {label}"));
                self.codes.push("kiosk.under-age");
                let value = "no".to_owned();
                self.facts.push(Fact { label, value });
            }
            Some(None) => self.doubt(
                "what the document says of the age is neither yes nor no".to_owned(),
                "kiosk.age-unreadable",
            ),
            None => self.doubt(
                "the wallet did not say whether the age is reached".to_owned(),
                "kiosk.age-not-shown",
            ),
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

fn identifier_words(identifier: &str) -> String {
    identifier
        .strip_prefix("age_over_")
        .map_or_else(|| identifier.replace('_', " "), |years| format!("over {years}"))
}

/// The answer with the nearest limit: one that is over a higher age is over this one, and one that is not over a lower
/// age is not over this one (7.2.5).
fn nearest_age<'r>(name_space: &str, years: &str, accepted: &Accepted<'r>) -> Option<Item<'r>> {
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
