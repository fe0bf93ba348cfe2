//! What was measured, as a table in Markdown.

use crate::measure::{Bounds, Outcome, STACK};

/// Stands beside inputs whose memory is held against 10 MB, though they are smaller.
const SMALL: &str = " †";

pub(crate) fn print(outcomes: &[Outcome], all: bool) {
    if all {
        println!(
            "| decoder | input | bytes | ms | memory / input | MB | answer |\n|---|---|---:|---:|---:|---:|---|"
        );
        for o in outcomes {
            let (d, i, n, ms, t, a) = (&o.decoder, &o.input, o.bytes, o.millis, o.times(), &o.answer);
            let (small, mb) = (mark(o.small), megabytes(o.peak));
            println!("| {d} | {i}{small} | {n} | {ms:.1} | {t:.2} | {mb} | {a} |");
        }
        return;
    }
    println!(
        "| decoder | inputs | slowest: ms | largest: memory / input | most memory: MB |\n|---|---:|---|---|---:|"
    );
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
            let size = if large.small {
                format!(", {} KB", large.bytes.div_ceil(1000))
            } else {
                String::new()
            };
            println!(
                "| {decoder}{} | {} | {:.1} ({}: {}) | {:.2} ({}{size}) | {} |",
                mark(of().any(|outcome| outcome.small)),
                of().count(),
                slow.millis,
                slow.input,
                slow.answer,
                large.times(),
                large.input,
                megabytes(of().map(|outcome| outcome.peak).max().unwrap_or_default())
            );
        }
    }
}

const fn mark(small: bool) -> &'static str {
    if small { SMALL } else { "" }
}

/// Millions of bytes with one digit.
fn megabytes(bytes: usize) -> String {
    format!("{:.1}", bytes as f64 / 1e6)
}

pub(crate) fn summary(outcomes: &[Outcome], failed: usize, slowness: f64) {
    let count = |is: fn(&Outcome) -> bool| outcomes.iter().filter(|outcome| is(outcome)).count();
    let own = count(|outcome| outcome.own_bounds);
    let compared = count(|outcome| outcome.compared == Some(true));
    if compared > 0 {
        println!(
            "\n{compared} inputs were compared with half of them; of {} more the half is taken and the whole refused, or the \
             other way round.",
            count(|outcome| outcome.compared == Some(false))
        );
    }
    println!(
        "\n{} inputs, {failed} beyond a bound, in a thread with a stack of {} KiB. This machine takes {slowness:.1} × the \
         reference; {} inputs were measured again for the time that they took. For {} the bounds are {} ms and {} × the \
         input; {own} have others: inputs smaller than 10 MB (†: memory against those 10 MB), copies that a program keeps, \
         numbers of megabytes, millions of good rows or fragments, and 100 ms for pictures to be scanned, text to be explained, traces, 240,000 identifiers.",
        outcomes.len(),
        STACK / 1024,
        count(|outcome| outcome.again),
        outcomes.len() - own,
        Bounds::DEFAULT.millis,
        Bounds::DEFAULT.times,
    );
}
