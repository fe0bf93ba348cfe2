//! A reader and a wallet that are told to stop while the holder is asked.

use super::kiosk::{ends_at_once, interrupt, until_asked};
use super::*;

/// Interrupts one of both while the holder is asked; gives what the reader and the wallet have said.
fn interrupted(of_both: impl FnOnce(&Child, &Child)) -> [Output; 2] {
    let space = stage();
    let (mut wallet, _) = wallet(&space, &[]);
    let held = wallet.stdin.take();
    let reader = start_reader(&space, &READ, &["--json"]);
    until_asked(&mut wallet);
    of_both(&reader, &wallet);
    let said = [ends_at_once(reader), ends_at_once(wallet)];
    drop(held);
    let left = fs::read_dir(space.0.join("air")).unwrap().count();
    assert_eq!(left, 0, "no socket is left");
    said
}

#[test]
fn a_reader_that_is_interrupted_tells_the_wallet() {
    let [read, presented] = interrupted(|reader, _| interrupt(reader));
    assert_eq!(read.status.code(), Some(2), "{}", text(&read.stderr));
    let told: Value = serde_json::from_slice(&read.stdout).unwrap();
    assert_eq!(
        (&told["code"], &told["declined"]),
        (&"link.ended".into(), &false.into())
    );
    assert_eq!(presented.status.code(), Some(1));
    let said = text(&presented.stderr);
    assert!(said.contains("[session.peer-termination]"), "{said}");
}

#[test]
fn a_wallet_that_is_interrupted_tells_the_reader() {
    let [read, presented] = interrupted(|_, wallet| interrupt(wallet));
    assert_eq!(presented.status.code(), Some(2));
    let said = text(&presented.stderr);
    assert!(said.contains("[link.ended]"), "{said}");
    assert_eq!(read.status.code(), Some(1), "{}", text(&read.stderr));
    let told: Value = serde_json::from_slice(&read.stdout).unwrap();
    assert_eq!(told["code"], "session.peer-termination");
}
