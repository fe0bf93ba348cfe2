//! The program starts. With a test of its own, `cargo test` builds it together with everything else, and the tests of the
//! whole workspace find it there.

use std::process::Command;

#[test]
fn it_says_what_it_is() {
    let said = Command::new(env!("CARGO_BIN_EXE_mdoc-release"))
        .arg("--version")
        .output()
        .unwrap();
    assert!(said.status.success());
    let text = String::from_utf8(said.stdout).unwrap();
    assert_eq!(text.trim(), concat!("mdoc-release ", env!("CARGO_PKG_VERSION")));
}
