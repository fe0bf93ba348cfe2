//! Words about what a test could not do.

use std::fs::OpenOptions;
use std::io::Write as _;

/// Says it past the test harness, which would keep the words of a test that passes to itself; and in the file that
/// `MDOC_NOT_DONE` names, for whoever runs many steps and wants to end with it.
pub(crate) fn not_done(what: &str) {
    // Nobody is left to be told if this cannot be written.
    let _ = writeln!(std::io::stderr(), "NOT DONE: {what}");
    let Some(list) = std::env::var_os("MDOC_NOT_DONE") else {
        return;
    };
    let mut list = OpenOptions::new().append(true).create(true).open(list).unwrap();
    // One write, so that tests at the same time do not mix their lines.
    list.write_all(format!("{what}\n").as_bytes()).unwrap();
}
