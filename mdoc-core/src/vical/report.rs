//! What checking a list found, and the one door to trust anchors.

use core::fmt;

use super::check::Check;
use super::decode::Vical;
use super::reason::{Reason, Weight, Why};
use crate::error::DecodeError;
use crate::steps;
use crate::verify::Policy;
use crate::x509::path::{TrustAnchor, merged};

/// How a step ended.
pub type Outcome = steps::Outcome<Reason, Why>;

/// One line of a report. A step that found several things has several lines.
pub type Step = steps::Step<Check, Reason, Why>;

impl Step {
    /// The entry that the line is about, counted from 0.
    #[must_use]
    pub fn entry(&self) -> Option<usize> {
        match &self.outcome {
            Outcome::Failed(reason) | Outcome::Warning(reason) => reason.entry(),
            Outcome::Passed | Outcome::NotDone(_) => None,
        }
    }
}

/// Lines that a report holds; a list with thousands of faults needs no more.
const MOST_LINES: usize = 1_000;

/// Collects the steps.
pub(super) struct Steps {
    policy: Policy,
    steps: Vec<Step>,
}

impl Steps {
    pub(super) const fn new(policy: Policy) -> Self {
        Self {
            policy,
            steps: Vec::new(),
        }
    }

    pub(super) fn pass(&mut self, check: Check) {
        let outcome = Outcome::Passed;
        self.steps.push(Step { check, outcome });
    }

    pub(super) fn not_done(&mut self, check: Check, why: Why) {
        let outcome = Outcome::NotDone(why);
        self.steps.push(Step { check, outcome });
    }

    pub(super) fn find(&mut self, reason: Reason) {
        let check = reason.code().check();
        let outcome = match reason.code().weight() {
            Weight::Hard => Outcome::Failed(reason),
            Weight::Deviation if self.policy.deviations_reject => Outcome::Failed(reason),
            Weight::Deviation | Weight::Note => Outcome::Warning(reason),
        };
        // Only what cannot reject is ever left out.
        if self.steps.len() < MOST_LINES || matches!(outcome, Outcome::Failed(_)) || !self.has(check) {
            self.steps.push(Step { check, outcome });
        }
    }

    fn has(&self, check: Check) -> bool {
        self.steps.iter().any(|step| step.check == check)
    }

    pub(super) fn pass_unless_found(&mut self, check: Check) {
        if !self.has(check) {
            self.pass(check);
        }
    }

    /// Every step that has no line was cut off by an earlier one. Lines come in the order of the steps.
    pub(super) fn finish(mut self, vical: Option<Vical>) -> Report {
        for check in Check::ALL {
            if !self.has(*check) {
                self.not_done(*check, Why::EarlierFailure);
            }
        }
        self.steps.sort_by_key(|step| step.check);
        Report {
            steps: self.steps,
            policy: self.policy,
            vical,
        }
    }

    pub(super) fn unreadable(mut self, error: DecodeError) -> Report {
        self.find(Reason::from(error));
        self.finish(None)
    }
}

/// What checking a list found.
#[derive(Debug, Clone)]
pub struct Report {
    pub(super) steps: Vec<Step>,
    pub(super) policy: Policy,
    pub(super) vical: Option<Vical>,
}

impl Report {
    /// Every step, in order; each has at least one line.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// What the list claims, if that much could be read: to be shown, not to be relied on.
    #[must_use]
    pub const fn claimed(&self) -> Option<&Vical> {
        self.vical.as_ref()
    }

    /// Whether no step failed, and none that the policy insists on was left out.
    #[must_use]
    pub fn accepted(&self) -> bool {
        self.vical.is_some()
            && Check::ALL
                .iter()
                .all(|check| self.steps.iter().any(|step| step.check == *check))
            && self.failures().next().is_none()
    }

    /// The list, if it is accepted.
    ///
    /// # Errors
    /// [`Rejected`] with the steps that stand against it.
    pub fn accept(&self) -> Result<Accepted<'_>, Rejected> {
        match &self.vical {
            Some(vical) if self.accepted() => Ok(Accepted { vical }),
            _ => Err(Rejected {
                steps: self.failures().cloned().collect(),
            }),
        }
    }

    /// The steps that stand against the list: failed, or left out against the policy.
    pub fn failures(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(|step| match step.outcome {
            Outcome::Failed(_) => true,
            Outcome::NotDone(why) => self.insists(why),
            Outcome::Passed | Outcome::Warning(_) => false,
        })
    }

    /// The steps that found something that does not stand against the list.
    pub fn warnings(&self) -> impl Iterator<Item = &Step> {
        self.steps
            .iter()
            .filter(|step| matches!(step.outcome, Outcome::Warning(_)))
    }

    /// Whether a step that was left out for this reason stands against the list.
    const fn insists(&self, why: Why) -> bool {
        match why {
            // Nothing is cut off without an earlier failure; if it were, it must not count as a pass.
            Why::EarlierFailure => true,
            Why::NoRevocationList | Why::RevocationUndetermined => self.policy.evidence_required,
            Why::NoNextUpdate | Why::NoNotAfter | Why::NoStoredList | Why::Pinned | Why::NoEntries => false,
        }
    }
}

/// A list of which a policy said yes to a complete report. There is no other way to have one than
/// [`Report::accept`].
#[derive(Debug, Clone, Copy)]
pub struct Accepted<'r> {
    vical: &'r Vical,
}

impl<'r> Accepted<'r> {
    /// What the list says.
    #[must_use]
    pub const fn vical(self) -> &'r Vical {
        self.vical
    }

    /// The authorities as trust anchors, each for the documents of its entry and no others. Entries without a
    /// readable certificate or without documents are none; one listed twice is there once, for the documents of both.
    #[must_use]
    pub fn anchors(self) -> Vec<TrustAnchor> {
        let entries = self.vical.entries.iter();
        let anchors = entries.filter_map(|entry| {
            let certificate = entry.certificate.as_ref().ok()?.clone();
            let doc_types = Some(entry.doc_types.clone()).filter(|doc_types| !doc_types.is_empty())?;
            Some(TrustAnchor {
                certificate,
                doc_types: Some(doc_types),
            })
        });
        merged(anchors)
    }
}

/// A list that the policy does not accept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// The steps that stand against it.
    pub steps: Vec<Step>,
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the list is rejected")?;
        for (index, step) in self.steps.iter().enumerate() {
            f.write_str(if index == 0 { ": " } else { "; " })?;
            write!(f, "{} ({})", step.message(), step.code())?;
        }
        Ok(())
    }
}

impl core::error::Error for Rejected {}
