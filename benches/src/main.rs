//! Measures all cases interleaved and prints the table. `benches/run --help` has the words.

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    mdoc_benches::run("ratios", &arguments, |_, _, _| {})
}
