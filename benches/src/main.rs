//! Measures all cases interleaved and prints the table. `benches/run --help` has the words.

use std::process::ExitCode;

use mdoc_benches::allocations::{COUNTING, Counting};

#[global_allocator]
static ALLOCATOR: &Counting = COUNTING;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    mdoc_benches::run("ratios", &arguments, |_, _, _| {})
}
