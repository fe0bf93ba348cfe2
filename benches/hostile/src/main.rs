//! Ten megabytes of hostile input for every decoder: how long until it is refused, and for how much memory.
//!
//! Each decoder runs in a thread with a small stack. The program ends with status 1 if one takes longer or more than
//! it may, takes what it should refuse, or panics; a stack that overflows ends it at once.

mod calibration;
mod cbor;
mod certificates;
mod chains;
mod decode;
mod jose;
mod keys;
mod lists;
mod measure;
mod openid;
mod pictures;
mod radio;
mod sessions;
mod signatures;
mod statuses;
mod streams;
mod structures;
mod table;
mod text;
mod world;
mod write;

use std::process::ExitCode;

use calibration::slowness;
use measure::{Case, Outcome};
use peak_alloc::PeakAlloc;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// About the size of every input, in bytes.
const SIZE: usize = 10_000_000;

/// How many times as long as on a quiet machine something may take on a busy one. What is not linear takes far longer.
const BUSY: f64 = 3.0;

const HELP: &str = "\
Gives every decoder inputs of about 10 MB that were made to be slow, deep or large, and prints a table in Markdown:
a line for each decoder with the slowest and the largest of its inputs. A machine that is slower than the one that the
bounds are for has longer; how much is told below the table.

Usage: hostile [--all] [--busy] [TEXT]

  --all   a line for each input
  --busy  other programs run here: three times as long is no fault, though it is in the table; taking more than three
          times as long as half of the input is one
  TEXT    only decoders and inputs with this text in their names
";

fn main() -> ExitCode {
    let mut all = false;
    let mut patience = 1.0;
    let mut only = String::new();
    for argument in std::env::args().skip(1) {
        match argument.as_str() {
            "--help" | "-h" => {
                print!("{HELP}");
                return ExitCode::SUCCESS;
            }
            "--all" => all = true,
            "--busy" => patience = BUSY,
            option if option.starts_with('-') => {
                eprintln!("hostile: `{option}` is unknown; see --help");
                return ExitCode::from(2);
            }
            text => text.clone_into(&mut only),
        }
    }
    let slowness = slowness();
    let mut outcomes: Vec<Outcome> = Vec::new();
    let mut run = |case: Case<'_>| {
        if case.decoder.contains(&only) || case.input.contains(&only) {
            outcomes.push(measure::run(case, &MEMORY, (&calibration::slowness, patience)));
        }
    };
    cbor::cases(&mut run);
    sessions::cases(&mut run);
    radio::cases(&mut run);
    statuses::cases(&mut run);
    certificates::cases(&mut run);
    streams::cases(&mut run);
    jose::cases(&mut run);
    openid::cases(&mut run);
    text::cases(&mut run);
    decode::cases(&mut run);
    pictures::cases(&mut run);
    table::print(&outcomes, all);
    let failed: Vec<&Outcome> = outcomes
        .iter()
        .filter(|outcome| !outcome.faults.is_empty())
        .collect();
    for outcome in &failed {
        let faults = outcome.faults.join("; ");
        eprintln!("hostile: {}: {}: {faults}", outcome.decoder, outcome.input);
    }
    table::summary(&outcomes, failed.len(), slowness);
    ExitCode::from(u8::from(!failed.is_empty() || outcomes.is_empty()))
}
