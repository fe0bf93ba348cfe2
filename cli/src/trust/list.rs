//! Lists of issuing authorities (VICAL) from files: checked before anything in them is trusted.

use std::path::{Path, PathBuf};

use mdoc_core::limits::Limits;
use mdoc_core::time::Timestamp;
use mdoc_core::verify::Policy;
use mdoc_core::vical::{self, Code, Inputs, Known, Outcome, Rejected, Report, SignedVical, Step, Why};
use mdoc_core::x509::path::TrustAnchor;
use mdoc_core::x509::revocation::RevocationList;

use super::{ListStore, trust_anchors};
use crate::failure::Failure;
use crate::input::Input;
use crate::recognise::Structure;

/// What lists of issuing authorities are judged by.
#[derive(Clone, Copy)]
pub struct ListTrust<'a> {
    /// Certificates of providers' roots, and folders of them.
    pub roots: &'a [PathBuf],
    /// The folder with the lists that were accepted before, if older ones are to be refused.
    pub store: Option<&'a Path>,
    /// The instant to judge by.
    pub now: Timestamp,
    /// What decides where there is a choice.
    pub policy: Policy,
    /// Revocation lists at hand.
    pub revocation_lists: &'a [RevocationList],
}

/// A list that was checked; whether it is accepted says its report.
#[derive(Debug, Clone)]
pub struct CheckedList {
    /// How to call it in messages.
    pub name: String,
    /// What was found.
    pub report: Report,
}

impl CheckedList {
    /// What is worth saying of a list that is used: findings about the list itself in full, those about its
    /// entries as a number.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let about_entries = |step: &&Step| step.entry().is_some();
        let (entries, whole): (Vec<&Step>, Vec<&Step>) = self.report.warnings().partition(about_entries);
        let mut warnings: Vec<String> = whole
            .iter()
            .map(|step| format!("{}: {}", self.name, step.message()))
            .collect();
        let lost = [Code::EntryUnreadable, Code::EntryDocType].map(Code::id);
        let passed_over = entries.iter().filter(|step| lost.contains(&step.code())).count();
        if passed_over > 0 {
            warnings.push(format!(
                "{}: {passed_over} of its entries are passed over; `mdoc-verifier vical verify` says why",
                self.name
            ));
        }
        warnings
    }
}

/// Checks a list, and keeps it in the store if it is accepted.
///
/// # Errors
/// [`Failure`] if it is no list, no root of its provider was given, or the store cannot be used. That the list is
/// not accepted is no failure here.
pub fn check_list(input: &Input, trust: &ListTrust<'_>) -> Result<CheckedList, Failure> {
    let name = &input.name;
    if trust.roots.is_empty() {
        return Err(Failure::new(format!(
            "{name} is {}, and no root of its provider was given to check its signature by",
            Structure::Vical.words()
        ))
        .hint("give the provider's root, got from the provider by another way, with --vical-root"));
    }
    let roots = trust_anchors(trust.roots)?;
    let roots: Vec<TrustAnchor> = roots.certificates.into_iter().map(TrustAnchor::new).collect();
    let store = trust.store.map(ListStore::open).transpose()?;
    let decoded = SignedVical::decode(&input.bytes, &Limits::VICAL).ok();
    let stored = match (&store, &decoded) {
        (Some(store), Some(list)) => store.last(&list.vical().provider)?,
        _ => None,
    };
    let mut inputs = Inputs::new(&roots, trust.now);
    inputs.policy = trust.policy;
    inputs.stored = stored.as_ref();
    inputs.revocation_lists = trust.revocation_lists;
    let report = vical::verify(&input.bytes, &inputs);
    if let (Some(store), Some(list), true) = (&store, &decoded, report.accepted()) {
        let known = Known::of(list);
        if stored.as_ref() != Some(&known) {
            store.keep(list, &known)?;
        }
    }
    Ok(CheckedList {
        name: name.clone(),
        report,
    })
}

/// The failure of a list that is not accepted, with what to do about it.
#[must_use]
pub fn rejected(name: &str, no: &Rejected) -> Failure {
    let reasons: Vec<String> = no
        .steps
        .iter()
        // The failure that came first says it all.
        .filter(|step| step.outcome != Outcome::NotDone(Why::EarlierFailure))
        .map(|step| format!("\n  {} ({})", step.message(), step.code()))
        .collect();
    let failure = Failure::new(format!(
        "{name} is not accepted as a list of issuing authorities, and nothing in it is trusted:{}",
        reasons.concat()
    ));
    let has = |codes: &[Code]| {
        no.steps
            .iter()
            .any(|step| codes.iter().any(|code| code.id() == step.code()))
    };
    if has(&[Code::RollbackIssue, Code::RollbackDate, Code::RollbackContent]) {
        failure.hint(
            "get the newest list from the provider; an old one may name authorities that are trusted no more",
        )
    } else if has(&[Code::ChainUntrusted, Code::ChainSignature]) {
        failure.hint("give the root of this list's provider with --vical-root, if you trust that provider")
    } else if has(&[
        Code::NotAfter,
        Code::NextUpdate,
        Code::SignerExpired,
        Code::RootExpired,
    ]) {
        failure.hint("get the newest list from the provider")
    } else {
        failure.hint("get the list again from its provider; `mdoc-verifier vical verify` shows every step")
    }
}
