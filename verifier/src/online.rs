//! Whether a document or its signer was revoked, asked over the network: status lists, revocation lists (CRL) and OCSP.
//!
//! [`Online::verify`] is [`mdoc_core::verify`] with evidence that it fetches first, within bounds of time and size, and
//! keeps on the disk for the next document and for when there is no network. Only for a document that would be accepted but
//! for evidence is anything asked: where a list is, is then said by an issuer that is trusted, and nobody learns of a
//! document that is refused anyway.
//!
//! What is fetched is worth what its signature is. Nothing here decides: the report does, as it would with the same
//! lists from files. What could not be had is in [`Judged::sources`].
//!
//! ```no_run
//! # use mdoc_cli::system::SystemClock;
//! # use mdoc_core::seams::Clock as _;
//! # use mdoc_core::verify::{Form, Inputs, Policy, StatusPolicy};
//! # use mdoc_core::x509::path::TrustAnchor;
//! use mdoc_verifier::online::cache::Cache;
//! use mdoc_verifier::online::fetch::{HttpFetch, Reach};
//! use mdoc_verifier::online::Online;
//!
//! # let (response, anchors): (Vec<u8>, Vec<TrustAnchor>) = Default::default();
//! // Kept as long as the program runs.
//! let (network, cache) = (HttpFetch::new(Reach::Public), Cache::new("/var/cache/door"));
//! let online = Online { cache: Some(&cache), ..Online::new(Some(&network), &SystemClock) };
//! let mut inputs = Inputs::new(&anchors, SystemClock.now());
//! inputs.policy = Policy::STANDARD.with_status(StatusPolicy::Require).with_revocation_required(true);
//! let judged = online.verify(&response, Form::DeviceResponse, &inputs);
//! for source in &judged.sources {
//!     println!("{source}");
//! }
//! let accepted = judged.report.accepted();
//! # let _ = accepted;
//! ```
//!
//! An issuer's own status query, by document and with authentication, is asked beside its list where somebody has the
//! credentials for it ([`StatusQuery`]).

pub mod cache;
pub mod fetch;
mod gather;
mod query;
mod revocation;
#[cfg(test)]
mod server;
mod source;
mod status;
mod subject;

use std::time::Duration;

use mdoc_core::seams::Clock;
use mdoc_core::verify::{Check, DocumentReport, Form, Inputs, Outcome, Report, verify};

use self::cache::Cache;
use self::fetch::Fetch;
use self::gather::Gather;
pub use self::query::{BadQuery, StatusQuery};
pub use self::source::{Kind, Problem, Source, Supply};

/// The longest time for all questions about one message, if nothing else is said.
pub const TIME_LIMIT: Duration = Duration::from_secs(10);

/// The most questions about one message.
pub const MOST_QUESTIONS: usize = 32;

/// Who asks for evidence, and how.
#[derive(Clone, Copy)]
pub struct Online<'a> {
    /// Who asks the network; none if only what was kept is to be used.
    pub fetch: Option<&'a dyn Fetch>,
    /// Where answers are kept; none to keep nothing.
    pub cache: Option<&'a Cache>,
    /// When answers come in. What they are judged by is the instant of the verification.
    pub clock: &'a dyn Clock,
    /// The longest time for all questions about one message together.
    pub time: Duration,
    /// Whether status lists may be fetched without TLS. They are signed, but who listens learns which one is asked for.
    pub plain_status_lists: bool,
    /// Whether OCSP responders have to repeat a nonce, so that an answer cannot be an older one. Many of those on the
    /// Internet sign their answers beforehand and do not.
    pub ocsp_nonce: bool,
    /// Issuers that are asked themselves about documents with a list of theirs.
    pub queries: &'a [StatusQuery],
}

impl<'a> Online<'a> {
    /// Asks by `fetch`, keeps nothing, and has the rest by default.
    #[must_use]
    pub const fn new(fetch: Option<&'a dyn Fetch>, clock: &'a dyn Clock) -> Self {
        Self {
            fetch,
            cache: None,
            clock,
            time: TIME_LIMIT,
            plain_status_lists: false,
            ocsp_nonce: false,
            queries: &[],
        }
    }

    /// Runs the inspection procedure with the evidence of `inputs` and what can be had beside it.
    ///
    /// Blocks for [`Online::time`] at most, and for as long as it takes to verify twice. Never fails: what is not to be had
    /// is not there, and the policy in `inputs` decides what that means.
    #[must_use]
    pub fn verify<'b>(&self, bytes: &'b [u8], form: Form, inputs: &Inputs<'_>) -> Judged<'b> {
        let report = verify(bytes, form, inputs);
        let mut gather = Gather::new(self, inputs);
        let subjects = subject::of(bytes, form, &inputs.limits);
        for (subject, report) in subjects.iter().zip(report.documents()) {
            if let Some(subject) = subject
                && lacks_evidence_alone(report)
            {
                gather.document(subject);
            }
        }
        let evidence = gather.finish();
        let report = if evidence.sources.is_empty() {
            report
        } else {
            let status_lists = evidence.status_lists(inputs.status_lists);
            let inputs = Inputs {
                status_lists: &status_lists,
                told: &evidence.told,
                revocation_lists: &evidence.revocation_lists,
                ocsp_answers: &evidence.ocsp_answers,
                ..*inputs
            };
            verify(bytes, form, &inputs)
        };
        Judged {
            report,
            sources: evidence.sources,
            not_kept: evidence.not_kept,
        }
    }
}

/// Whether nothing stands against a document but evidence that is missing and may be had.
fn lacks_evidence_alone(report: &DocumentReport<'_>) -> bool {
    report.failures().all(|step| {
        matches!(step.check, Check::Status | Check::DsRevocation)
            && matches!(step.outcome, Outcome::NotDone(_))
    })
}

/// A verification with what was fetched for it.
#[derive(Debug, Clone)]
pub struct Judged<'b> {
    /// The report, which is the whole answer.
    pub report: Report<'b>,
    /// What was asked for, and what came of it, in the order of the questions.
    pub sources: Vec<Source>,
    /// Why answers were not kept, if they should have been and were not.
    pub not_kept: Option<String>,
}
