//! The command line of the measurement.

use std::process::ExitCode;
use std::time::Duration;

use crate::baseline::Figures;
use crate::harness::{Case, Effort, interleaved};
use crate::ours::{Data, cases};
use crate::world::World;
use crate::{allocations, baseline, suite};

const HELP: &str = "\
Measures issuing, verifying and decoding against the floor, interleaved, and prints a table in Markdown.

Usage: ratios [--rounds N] [--goals] [--check FILE | --update FILE]

  --rounds N     rounds; in each every case runs for 10 ms (default 61)
  --goals        exit status 1 if a goal is not reached, of those that this program measures
  --check FILE   exit status 1 if an allocation count or a ratio to the floor is more than a quarter larger than in FILE;
                 a case whose ratio is goes through its rounds again, up to three times
  --update FILE  write what was measured to FILE, for --check
";

/// Why there is nothing to compare or to keep.
const NOT_COUNTED: &str =
    "this program does not count allocations: `--check` and `--update` are for `ratios`";

/// How often a case that seems to have grown slower is measured again.
const AGAIN: usize = 3;

struct Options {
    rounds: usize,
    goals: bool,
    check: Option<String>,
    update: Option<String>,
}

fn options(arguments: &[String]) -> Result<Option<Options>, String> {
    let mut options = Options {
        rounds: 61,
        goals: false,
        check: None,
        update: None,
    };
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        let mut value = || {
            arguments
                .next()
                .cloned()
                .ok_or_else(|| format!("`{argument}` needs a value"))
        };
        match argument.as_str() {
            "--help" | "-h" => return Ok(None),
            "--goals" => options.goals = true,
            "--check" => options.check = Some(value()?),
            "--update" => options.update = Some(value()?),
            "--rounds" => {
                let rounds: usize = value()?
                    .parse()
                    .map_err(|_| "`--rounds` needs a number".to_owned())?;
                options.rounds = rounds.max(1);
            }
            _ => return Err(format!("`{argument}` is unknown")),
        }
    }
    Ok(Some(options))
}

/// Measures what the arguments say, with cases that `more` adds, and prints the table.
pub fn run(
    program: &str,
    arguments: &[String],
    more: impl for<'a> FnOnce(&'a World, &'a Data, &mut Vec<Case<'a>>),
) -> ExitCode {
    let fail = |message: &str| {
        eprintln!("{program}: {message}");
        ExitCode::from(2)
    };
    match options(arguments) {
        Ok(Some(options)) => match measure(program, &options, more) {
            Ok(true) => ExitCode::SUCCESS,
            Ok(false) => ExitCode::from(1),
            Err(message) => fail(&message),
        },
        Ok(None) => {
            print!("{HELP}");
            ExitCode::SUCCESS
        }
        Err(message) => fail(&format!("{message}; see --help")),
    }
}

fn measure(
    program: &str,
    options: &Options,
    more: impl for<'a> FnOnce(&'a World, &'a Data, &mut Vec<Case<'a>>),
) -> Result<bool, String> {
    let before = match &options.check {
        Some(path) => {
            let text = std::fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?;
            Some(baseline::read(&text).map_err(|error| format!("{path}: {error}"))?)
        }
        None => None,
    };
    crate::pin();
    let world = World::new();
    let data = Data::of(&world);
    let mut cases = cases(&world, &data);
    more(&world, &data, &mut cases);
    let counted: Vec<_> = cases
        .iter_mut()
        .map(|case| (case.name().to_owned(), allocations::count(|| case.once())))
        .collect();
    let effort = Effort {
        rounds: options.rounds,
        batch: Duration::from_millis(10),
    };
    let times = interleaved(&mut cases, effort);
    let results = suite::results(suite::lines(data.licence.len()), &times, |name| {
        counted
            .iter()
            .find(|(case, _)| case == name)
            .and_then(|(_, counted)| *counted)
    });
    println!(
        "IssuerSigned {} bytes, DeviceResponse {} bytes, 25 elements; {} rounds\n",
        data.licence.len(),
        data.response.len(),
        options.rounds
    );
    print!("{}", suite::table(&results, &times));
    let figures: Option<Vec<_>> = results.iter().map(Figures::of).collect();
    let mut good = true;
    if options.goals {
        good &= results.iter().all(|result| result.missed().is_empty());
    }
    if let Some(before) = before {
        let guarded = figures.clone().ok_or(NOT_COUNTED)?;
        let guarded = remeasured(program, guarded, &before, &results, cases, effort);
        let grown = baseline::grown(&before, &guarded);
        for line in &grown {
            eprintln!("{program}: {line}");
        }
        good &= grown.is_empty();
    }
    if let Some(path) = &options.update {
        let figures = figures.ok_or(NOT_COUNTED)?;
        std::fs::write(path, baseline::write(&figures)).map_err(|error| format!("{path}: {error}"))?;
    }
    Ok(good)
}

/// The figures, with the least of several measurements for cases that seem to have grown slower.
fn remeasured(
    program: &str,
    mut figures: Vec<Figures>,
    baseline: &[Figures],
    results: &[suite::Result],
    mut cases: Vec<Case<'_>>,
    effort: Effort,
) -> Vec<Figures> {
    for _ in 0..AGAIN {
        let slower: Vec<(&mut Figures, &suite::Line)> = figures
            .iter_mut()
            .zip(results.iter().map(|result| &result.line))
            .filter(|(figures, _)| figures.is_slower(baseline))
            .collect();
        if slower.is_empty() {
            break;
        }
        cases.retain(|case| {
            let name = case.name();
            slower
                .iter()
                .any(|(_, line)| line.case == name || line.floor == name)
        });
        let times = interleaved(&mut cases, effort);
        for (figures, line) in slower {
            if let Some(ratio) = times.ratio(&line.case, &line.floor) {
                eprintln!(
                    "{program}: {}: {:.2}, measured again {:.2}",
                    line.case, figures.to_floor, ratio.low
                );
                figures.to_floor = figures.to_floor.min(ratio.low);
            }
        }
    }
    figures
}
