//! The program starts. With a test of its own, `cargo test` builds it together with everything else, and the tests of the
//! whole workspace find it there.

use std::process::Command;

#[test]
fn it_says_what_it_is() {
    let said = Command::new(env!("CARGO_BIN_EXE_mdoc-service"))
        .arg("--version")
        .output()
        .unwrap();
    assert!(said.status.success());
    let text = String::from_utf8(said.stdout).unwrap();
    assert_eq!(text.trim(), concat!("mdoc-service ", env!("CARGO_PKG_VERSION")));
}

/// The show ends well, and shows what it should: what a reader finds after each change, and no warning of its own making.
#[cfg(feature = "demo")]
#[test]
fn the_demo_shows_the_whole_life_of_a_document() {
    let folder = std::env::temp_dir().join(format!("mdoc-demo-{}", std::process::id()));
    let _left_over = std::fs::remove_dir_all(&folder);
    let demo = || {
        Command::new(env!("CARGO_BIN_EXE_mdoc-service"))
            .args(["demo".as_ref(), folder.as_os_str()])
            .output()
            .unwrap()
    };
    let shown = demo();
    let text = String::from_utf8(shown.stdout).unwrap();
    assert!(
        shown.status.success(),
        "{text}{}",
        String::from_utf8_lossy(&shown.stderr)
    );
    let found: Vec<_> = text
        .lines()
        .filter_map(|line| {
            let line = line.trim_start();
            ["ACCEPTED", "REJECTED", "FAILED", "warning"]
                .into_iter()
                .find(|word| line.starts_with(word))
                .map(|word| match line.rsplit_once("  [") {
                    Some((_, code)) => code.split(';').next().unwrap(),
                    None => word,
                })
        })
        .collect();
    let expected = [
        "ACCEPTED",
        "REJECTED",
        "status.suspended",
        "ACCEPTED",
        "REJECTED",
        "status.revoked",
    ];
    assert_eq!(found, expected, "{text}");
    assert_eq!(text.matches(" copies of ").count(), 7, "{text}");
    assert!(folder.join("service.db").exists());

    let again = demo();
    let words = String::from_utf8(again.stderr).unwrap();
    assert_eq!(again.status.code(), Some(2), "{words}");
    assert!(words.contains("is not empty"), "{words}");
    std::fs::remove_dir_all(folder).unwrap();
}
