//! The traps that bit others in issuing and verifying, each a test named after it. The numbers are those of
//! the project's list; the traps that concern one module alone are tested below its code.

mod digests;
mod headers;
mod policy;
mod session;

use integration::forgery::Forgery;
use integration::world::World;
use mdoc_core::verify::{Form, Outcome, Report, verify};

/// Everything that a verifier of this world has to say against a response: code by code.
fn codes(world: &World, response: &[u8]) -> Vec<&'static str> {
    findings(&verify(response, Form::DeviceResponse, &world.inputs()))
}

fn findings(report: &Report<'_>) -> Vec<&'static str> {
    let steps = report.documents().iter().flat_map(|document| document.steps());
    steps
        .filter(|step| matches!(step.outcome, Outcome::Failed(_) | Outcome::Warning(_)))
        .map(|step| step.code())
        .collect()
}

/// The response with all of the licence, changed.
fn forged(world: &World, change: impl FnOnce(&mut Forgery<'_>)) -> Vec<u8> {
    let mut forgery = Forgery::of(world, &world.present(&world.issue().sign()).response());
    change(&mut forgery);
    forgery.encode()
}

/// How a step of the first document ended: `passed`, `failed`, `warning` or `not_done`, and its code.
fn outcome(report: &Report<'_>, step: &str) -> (&'static str, &'static str) {
    let mut steps = report.documents()[0].steps().iter();
    let step = steps.find(|found| found.check.id() == step).unwrap();
    (step.outcome_name(), step.code())
}

const NOTHING: [&str; 0] = [];
