//! Documents that are changed and then signed again, so that the checks behind the signatures are reached.
//!
//! The fuzzer's bytes are a list of edits, four bytes each: what is done, where, and with what. The edits are made to
//! the decoded parts of a good document; then digests are computed, the security object and the device
//! authentication are signed with the keys that the edits chose, and the whole is verified.

mod build;
mod edit;
mod model;
mod oracle;
mod reader;
mod tables;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use mdoc_core::verify::{Form, Outcome, Report, verify};

pub use self::edit::OPERATIONS;
use self::model::Model;
use crate::responses::{check, show_some};

/// An issued document alone.
pub fn resigned_issued(input: &[u8]) {
    run(input, Form::IssuerSigned);
}

/// A response, by signature or by MAC; or the document of one alone.
pub fn resigned_response(input: &[u8]) {
    run(input, Form::DeviceResponse);
}

fn run(input: &[u8], form: Form) {
    let (first, edits) = input.split_first().unwrap_or((&0, &[]));
    let form = match form {
        Form::DeviceResponse if first & 2 == 2 => Form::Document,
        form => form,
    };
    let mut model = Model::new(first & 1 == 1);
    let edits: Vec<[u8; 4]> = edits
        .chunks_exact(4)
        .map(|edit| edit.try_into().unwrap())
        .collect();
    for edit in &edits {
        model.edit_elements(*edit);
    }
    model.digest();
    for edit in &edits {
        model.edit_rest(*edit);
    }
    let sent = model.sign(form);
    let inputs = model.inputs();
    let report = verify(&sent.bytes, form, &inputs);
    check(&report, input);
    show_some(&report, input);
    count(&report);
    if edits.is_empty() {
        let failures: Vec<_> = report.documents()[0].failures().collect();
        assert!(report.accepted(), "unchanged, and not accepted: {failures:?}");
    }
    for document in report.documents() {
        if let Ok(accepted) = document.accept() {
            oracle::check(&model, &sent, form, &accepted);
        }
    }
}

static COUNTS: Mutex<BTreeMap<&'static str, u64>> = Mutex::new(BTreeMap::new());
static RUNS: AtomicU64 = AtomicU64::new(0);

/// Counts how many inputs come to which reason code. With `FUZZ_REASONS` in the environment the counts are written
/// to the file of that name now and then.
fn count(report: &Report<'_>) {
    let mut counts = COUNTS.lock().unwrap();
    if report.accepted() {
        *counts.entry("accepted").or_default() += 1;
    }
    for document in report.documents() {
        for step in document.steps() {
            if let Outcome::Failed(reason) | Outcome::Warning(reason) = &step.outcome {
                *counts.entry(reason.code().id()).or_default() += 1;
            }
        }
    }
    let runs = RUNS.fetch_add(1, Ordering::Relaxed) + 1;
    if runs.is_multiple_of(1 << 16)
        && let Some(path) = std::env::var_os("FUZZ_REASONS")
    {
        let lines: String = counts
            .iter()
            .map(|(code, count)| format!("{code}\t{count}\n"))
            .collect();
        std::fs::write(path, format!("inputs\t{runs}\n{lines}")).unwrap();
    }
}

/// How many inputs came to which reason code since the program began.
///
/// # Panics
/// If a run has panicked.
#[must_use]
pub fn counts() -> BTreeMap<&'static str, u64> {
    COUNTS.lock().unwrap().clone()
}

/// Edits that come to a reason code which the plain list of them does not come to.
const FOR_ONE_CODE: [&[u8]; 14] = [
    &[0, 36, 0, 8, 0],  // alg.unsupported
    &[0, 36, 0, 2, 0],  // alg.curve
    &[0, 37, 0, 1, 5],  // x5t.mismatch
    &[1, 24, 4, 0, 0],  // device-auth.mac-key
    &[0, 13, 0, 10, 3], // element.value
    &[0, 13, 0, 2, 25], // the same, a day that there is not
    &[0, 19, 0, 2, 10], // version.unsupported
    &[0, 19, 0, 2, 28], // version.missing
    &[0, 20, 0, 6, 42], // decode.limit
    &[0, 20, 0, 6, 41], // decode.truncated
    &[0, 20, 0, 6, 38], // decode.malformed
    &[0, 14, 0, 42, 0], // decode.embedded-limit
    &[0, 24, 1, 3, 0],  // device-key.invalid
    &[1, 24, 1, 2, 0],  // device-key.unsupported
];

/// Every edit once, with small arguments and some large ones.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let mut all = vec![vec![0], vec![1], vec![2], vec![3]];
    for operation in 0..OPERATIONS {
        for (first, second) in [(0, 0), (1, 1), (2, 3), (5, 9), (17, 30), (40, 200)] {
            let mac = operation & 1;
            all.push(vec![mac, operation, first, second, first ^ second]);
        }
    }
    all.extend(FOR_ONE_CODE.map(|seed| seed.to_vec()));
    for which in 0..tables::statuses().len() {
        all.push(vec![0, edit::STATUS, u8::try_from(which).unwrap(), 0, 0]);
    }
    // Every pair of certificates and anchors that the negative corpus has.
    for (chain, anchors) in tables::pairs() {
        let [chain, anchors] = [chain, anchors].map(|at| u8::try_from(at).unwrap());
        all.push(vec![0, edit::CHAIN, chain, 0, 0, edit::ANCHORS, anchors, 0, 0]);
    }
    // Every certificate and every set of anchors of the negative corpus.
    for (operation, count) in [
        (edit::CHAIN, tables::chains().len()),
        (edit::ANCHORS, tables::anchors().len()),
    ] {
        for which in 0..count.min(256) {
            all.push(vec![0, operation, u8::try_from(which).unwrap(), 0, 0]);
        }
    }
    all
}
