//! Ten megabytes of hostile input for every decoder: how long until it is refused, and for how much memory.
//!
//! Each decoder runs in a thread with a small stack. The program ends with status 1 if one takes longer or more than
//! it may, takes what it should refuse, or panics; a stack that overflows ends it at once.

mod cbor;
mod certificates;
mod keys;
mod lists;
mod measure;
mod pictures;
mod structures;
mod text;
mod world;
mod write;

use std::process::ExitCode;

use measure::{Bounds, Case, Outcome, STACK};
use peak_alloc::PeakAlloc;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// About the size of every input, in bytes.
const SIZE: usize = 10_000_000;

const HELP: &str = "\
Gives every decoder inputs of about 10 MB that were made to be slow, deep or large, and prints a table in Markdown:
a line for each decoder with the slowest and the largest of its inputs.

Usage: hostile [--all] [TEXT]

  --all   a line for each input
  TEXT    only decoders and inputs with this text in their names
";

fn main() -> ExitCode {
    let mut all = false;
    let mut only = String::new();
    for argument in std::env::args().skip(1) {
        match argument.as_str() {
            "--help" | "-h" => {
                print!("{HELP}");
                return ExitCode::SUCCESS;
            }
            "--all" => all = true,
            option if option.starts_with('-') => {
                eprintln!("hostile: `{option}` is unknown; see --help");
                return ExitCode::from(2);
            }
            text => text.clone_into(&mut only),
        }
    }
    let mut outcomes: Vec<Outcome> = Vec::new();
    let mut run = |case: Case<'_>| {
        if case.decoder.contains(&only) || case.input.contains(&only) {
            outcomes.push(measure::run(case, &MEMORY));
        }
    };
    cbor::cases(&mut run);
    certificates::cases(&mut run);
    text::cases(&mut run);
    pictures::cases(&mut run);
    print(&outcomes, all);
    let failed: Vec<&Outcome> = outcomes
        .iter()
        .filter(|outcome| !outcome.faults.is_empty())
        .collect();
    for outcome in &failed {
        let faults = outcome.faults.join("; ");
        eprintln!("hostile: {}: {}: {faults}", outcome.decoder, outcome.input);
    }
    let own = outcomes.iter().filter(|outcome| outcome.own_bounds).count();
    println!(
        "\n{} inputs, {} beyond a bound, in a thread with a stack of {} KiB. For {} of them the bounds are {} ms and {} × the \
         input; {} have others: inputs smaller than 10 MB (memory against those 10 MB), copies that a program keeps, \
         millions of good rows.",
        outcomes.len(),
        failed.len(),
        STACK / 1024,
        outcomes.len() - own,
        Bounds::DEFAULT.millis,
        Bounds::DEFAULT.times,
        own
    );
    ExitCode::from(u8::from(!failed.is_empty() || outcomes.is_empty()))
}

fn print(outcomes: &[Outcome], all: bool) {
    if all {
        println!("| decoder | input | bytes | ms | memory / input | answer |\n|---|---|---:|---:|---:|---|");
        for o in outcomes {
            let (d, i, n, ms, t, a) = (&o.decoder, &o.input, o.bytes, o.millis, o.times(), &o.answer);
            println!("| {d} | {i} | {n} | {ms:.1} | {t:.2} | {a} |");
        }
        return;
    }
    println!("| decoder | inputs | slowest: ms | largest: memory / input |\n|---|---:|---|---|");
    let mut decoders: Vec<&str> = Vec::new();
    for outcome in outcomes {
        if !decoders.contains(&outcome.decoder.as_str()) {
            decoders.push(&outcome.decoder);
        }
    }
    for decoder in decoders {
        let of = || outcomes.iter().filter(|outcome| outcome.decoder == decoder);
        let slowest = of().max_by(|a, b| a.millis.total_cmp(&b.millis));
        let largest = of().max_by(|a, b| a.times().total_cmp(&b.times()));
        if let Some((slow, large)) = slowest.zip(largest) {
            println!(
                "| {decoder} | {} | {:.1} ({}: {}) | {:.2} ({}) |",
                of().count(),
                slow.millis,
                slow.input,
                slow.answer,
                large.times(),
                large.input
            );
        }
    }
}
