//! What a verification found, and the one door to the data.

use core::fmt;
use std::borrow::Cow;
use std::collections::BTreeMap;

use super::check::Check;
use super::policy::Policy;
use super::reason::{Code, Detail, Reason, Why};
use crate::cbor::{Embedded, Item};
use crate::device_signed::device_elements;
use crate::error::DecodeError;
use crate::issuer_signed::{IssuerSignedItem, NameSpaces};
use crate::limits::Limits;
use crate::status::Finding;
use crate::steps;
use crate::value::Value;
use crate::x509::profile::Weight;

/// How a step ended.
pub type Outcome = steps::Outcome<Reason, Why>;

/// One line of a report. A step that found several things has several lines.
pub type Step = steps::Step<Check, Reason, Why>;

/// Lines of one code that a report holds; a document with thousands of one fault needs no more.
const MOST_LINES: usize = 100;

/// Collects the steps of one document.
pub(super) struct Steps {
    policy: Policy,
    steps: Vec<Step>,
    /// Lines by code. Counted by code and not by step, so that warnings never crowd out a failure.
    lines: BTreeMap<&'static str, usize>,
    /// Steps that have a line, and those that have one which is no pass.
    seen: Checks,
    found: Checks,
}

/// A set of steps.
#[derive(Debug, Clone, Copy, Default)]
struct Checks(u64);

impl Checks {
    /// Fits all steps.
    const _ROOM: () = assert!(Check::ALL.len() <= 64, "more steps than bits");

    fn add(&mut self, check: Check) {
        self.0 |= 1 << check.place();
    }

    fn has(self, check: Check) -> bool {
        self.0 >> check.place() & 1 == 1
    }
}

impl Steps {
    pub(super) fn new(policy: Policy) -> Self {
        Self {
            policy,
            steps: Vec::with_capacity(48),
            lines: BTreeMap::new(),
            seen: Checks::default(),
            found: Checks::default(),
        }
    }

    pub(super) const fn policy(&self) -> &Policy {
        &self.policy
    }

    fn add(&mut self, check: Check, outcome: Outcome) {
        self.seen.add(check);
        if outcome != Outcome::Passed {
            self.found.add(check);
        }
        self.steps.push(Step { check, outcome });
    }

    pub(super) fn pass(&mut self, check: Check) {
        self.add(check, Outcome::Passed);
    }

    pub(super) fn not_done(&mut self, check: Check, why: Why) {
        self.add(check, Outcome::NotDone(why));
    }

    pub(super) fn find(&mut self, code: Code, detail: Detail) {
        self.reason(code.check(), Reason::new(code, detail));
    }

    pub(super) fn decode_error(&mut self, error: DecodeError) {
        let reason = Reason::from(error);
        if let super::reason::ReasonCode::Document(code) = reason.code() {
            self.reason(code.check(), reason);
        }
    }

    pub(super) fn reason(&mut self, check: Check, reason: Reason) {
        let lines = self.lines.entry(reason.code().id()).or_default();
        *lines += 1;
        if *lines > MOST_LINES {
            return;
        }
        let outcome = match reason.code().weight() {
            Weight::Deviation if !self.policy.deviations_reject => Outcome::Warning(reason),
            _ => Outcome::Failed(reason),
        };
        self.add(check, outcome);
    }

    pub(super) fn has(&self, check: Check) -> bool {
        self.seen.has(check)
    }

    /// A pass, unless the step has found something.
    pub(super) fn pass_unless_found(&mut self, check: Check) {
        if !self.has(check) {
            self.pass(check);
        }
    }

    /// Every step that has no line was cut off by an earlier one. Lines come in the order of the procedure.
    pub(super) fn finish(mut self) -> Vec<Step> {
        // A step that held for one part and not for another has not passed.
        let found = self.found;
        self.steps
            .retain(|step| step.outcome != Outcome::Passed || !found.has(step.check));
        for check in Check::ALL {
            if !self.has(*check) {
                self.not_done(*check, Why::EarlierFailure);
            }
        }
        self.steps.sort_by_key(|step| step.check);
        self.steps
    }
}

/// The verification of one document. Borrows from the received bytes.
#[derive(Debug, Clone)]
pub struct DocumentReport<'b> {
    pub(super) doc_type: Option<String>,
    pub(super) steps: Vec<Step>,
    pub(super) policy: Policy,
    pub(super) issuer_signed: NameSpaces<'b>,
    pub(super) device_signed: Option<Embedded<'b>>,
    pub(super) status: Option<Finding>,
    pub(super) limits: Limits,
}

impl<'b> DocumentReport<'b> {
    /// The type that the document claims to be of, if that much could be read.
    #[must_use]
    pub fn doc_type(&self) -> Option<&str> {
        self.doc_type.as_deref()
    }

    /// Every step, in the order of the procedure; each has at least one line.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// What the status lists say of the document, with the values that decided and for how long it holds; none if they
    /// were not looked at.
    #[must_use]
    pub const fn status(&self) -> Option<&Finding> {
        self.status.as_ref()
    }

    /// Whether no step failed, and none that the policy insists on was left out.
    #[must_use]
    pub fn accepted(&self) -> bool {
        let mut seen = Checks::default();
        self.steps.iter().for_each(|step| seen.add(step.check));
        Check::ALL.iter().all(|check| seen.has(*check))
            && self.steps.iter().all(|step| match step.outcome {
                Outcome::Passed | Outcome::Warning(_) => true,
                Outcome::Failed(_) => false,
                Outcome::NotDone(why) => !self.policy.insists(step.check, why),
            })
    }

    /// The data, if the document is accepted.
    ///
    /// # Errors
    /// [`Rejected`] with the steps that stand against it.
    pub fn accept(&self) -> Result<Accepted<'_>, Rejected> {
        if !self.accepted() {
            return Err(Rejected {
                steps: self.failures().cloned().collect(),
            });
        }
        let mut elements = Vec::new();
        let read = || Rejected { steps: Vec::new() };
        for (name_space, items) in &self.issuer_signed {
            for embedded in items {
                let item = IssuerSignedItem::read(embedded, &self.limits).map_err(|_| read())?;
                elements.push(Element {
                    name_space: Cow::Borrowed(name_space.as_ref()),
                    identifier: item.element_identifier,
                    value: item.element_value,
                    source: Source::Issuer,
                });
            }
        }
        if let Some(embedded) = &self.device_signed {
            let item = embedded
                .item(&self.limits)
                .and_then(device_elements)
                .map_err(|_| read())?;
            for (name_space, values) in item {
                for (identifier, value) in values {
                    let name_space = name_space.clone();
                    elements.push(Element {
                        name_space,
                        identifier,
                        value,
                        source: Source::Device,
                    });
                }
            }
        }
        Ok(Accepted {
            doc_type: self.doc_type.as_deref().unwrap_or_default(),
            elements,
        })
    }

    /// The steps that stand against the document: failed, or left out against the policy.
    pub fn failures(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(|step| match step.outcome {
            Outcome::Failed(_) => true,
            Outcome::NotDone(why) => self.policy.insists(step.check, why),
            Outcome::Passed | Outcome::Warning(_) => false,
        })
    }
}

/// A document that the policy does not accept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// The steps that stand against it.
    pub steps: Vec<Step>,
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the document is rejected")?;
        for (index, step) in self.steps.iter().enumerate() {
            f.write_str(if index == 0 { ": " } else { ", " })?;
            f.write_str(step.code())?;
        }
        Ok(())
    }
}

impl core::error::Error for Rejected {}

/// Who vouches for an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The issuing authority.
    Issuer,
    /// The device, with the issuer's authorisation.
    Device,
}

/// An element that a policy accepted.
#[derive(Debug, Clone)]
pub struct Element<'r> {
    /// Its namespace.
    pub name_space: Cow<'r, str>,
    /// Its name.
    pub identifier: Cow<'r, str>,
    /// Its value, as received.
    pub value: Item<'r>,
    /// Who vouches for it.
    pub source: Source,
}

/// The data of a document of which a policy said yes to a complete report. There is no other way to
/// have one than [`DocumentReport::accept`].
#[derive(Debug, Clone)]
pub struct Accepted<'r> {
    doc_type: &'r str,
    elements: Vec<Element<'r>>,
}

impl<'r> Accepted<'r> {
    /// The type of the document.
    #[must_use]
    pub const fn doc_type(&self) -> &'r str {
        self.doc_type
    }

    /// All elements, in the order received.
    #[must_use]
    pub fn elements(&self) -> &[Element<'r>] {
        &self.elements
    }

    /// One element as it was received.
    #[must_use]
    pub fn get(&self, name_space: &str, identifier: &str) -> Option<Item<'r>> {
        let same =
            |element: &&Element<'_>| element.name_space == name_space && element.identifier == identifier;
        self.elements.iter().find(same).map(|element| element.value)
    }

    /// One element as a value of its own.
    #[must_use]
    pub fn value(&self, name_space: &str, identifier: &str) -> Option<Value> {
        self.get(name_space, identifier)?.to_value().ok()
    }
}

/// The verification of a whole message: a report for each document.
///
/// A message that could not be read, or has no document, has one report without a docType.
#[derive(Debug, Clone)]
pub struct Report<'b> {
    pub(super) documents: Vec<DocumentReport<'b>>,
}

impl<'b> Report<'b> {
    /// The reports, in the order of the documents; never empty.
    #[must_use]
    pub fn documents(&self) -> &[DocumentReport<'b>] {
        &self.documents
    }

    /// Whether every document is accepted.
    #[must_use]
    pub fn accepted(&self) -> bool {
        !self.documents.is_empty() && self.documents.iter().all(DocumentReport::accepted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(policy: Policy) -> DocumentReport<'static> {
        let steps = Check::ALL.iter().map(|check| Step {
            check: *check,
            outcome: Outcome::Passed,
        });
        DocumentReport {
            doc_type: Some("type".to_owned()),
            steps: steps.collect(),
            policy,
            issuer_signed: Vec::new(),
            device_signed: None,
            status: None,
            limits: Limits::DEFAULT,
        }
    }

    #[test]
    fn a_report_that_lacks_a_step_never_yields_data() {
        for policy in [Policy::STANDARD, Policy::STRICT] {
            assert!(report(policy).accept().is_ok());
            for check in Check::ALL {
                let mut report = report(policy);
                report.steps.retain(|step| step.check != *check);
                assert!(!report.accepted(), "{check}");
                assert_eq!(report.accept().unwrap_err().steps, [], "{check}");
            }
        }
    }

    #[test]
    fn a_step_that_was_cut_off_or_failed_stands_against_the_document() {
        let not_done = Outcome::NotDone(Why::EarlierFailure);
        let failed = Outcome::Failed(Reason::new(Code::DigestMismatch, Detail::None));
        for outcome in [not_done, failed] {
            for at in 0..Check::ALL.len() {
                let mut report = report(Policy::STANDARD);
                report.steps[at].outcome = outcome.clone();
                let rejected = report.accept().unwrap_err();
                assert_eq!(rejected.steps, [report.steps[at].clone()]);
            }
        }
    }

    #[test]
    fn a_pass_beside_a_failure_of_the_same_step_does_not_outweigh_it() {
        let mut report = report(Policy::STANDARD);
        report.steps.push(Step {
            check: Check::Digest,
            outcome: Outcome::Failed(Reason::new(Code::DigestMismatch, Detail::None)),
        });
        assert!(report.accept().is_err());
    }

    #[test]
    fn steps_that_nobody_looked_at_are_not_done_and_in_order() {
        let mut steps = Steps::new(Policy::STANDARD);
        steps.pass(Check::Digest);
        steps.pass(Check::Decode);
        let steps = steps.finish();
        let checks: Vec<_> = steps.iter().map(|step| step.check).collect();
        assert_eq!(checks, Check::ALL);
        let passed = steps.iter().filter(|step| step.outcome == Outcome::Passed);
        assert_eq!(passed.count(), 2);
    }
}
