//! Files that appear whole or not at all, whatever happens to the program that writes them.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "support for tests: where something is not as it should be, the test is to stop"
)]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, Output};

use crate::programs::{self, Workspace, program, run, run_command};

/// Runs a program below a shell that has set something before.
fn run_after(setting: &str, space: &Workspace, arguments: &[&str]) -> Output {
    let (name, arguments) = arguments.split_first().unwrap();
    let mut command = Command::new("sh");
    command.args(["-c", &format!("{setting}; exec \"$0\" \"$@\"")]);
    command.arg(program(name)).args(arguments);
    run_command(command, &space.0, b"")
}

fn issue(out: &str) -> Vec<&str> {
    programs::issue("pki/ds.pem", "pki/ds.key.pem", out)
}

fn hidden(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names
        .filter(|name| name.starts_with('.') || name.ends_with(".tmp"))
        .collect()
}

#[test]
fn a_full_disk_leaves_the_former_file_and_nothing_else() {
    let space = Workspace::new();
    let before = space.list();
    // A document has eleven kilobytes; the limit counts in blocks of 512 or 1024 bytes.
    let output = run_after("trap '' XFSZ; ulimit -f 2", &space, &issue("out.mdoc"));
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let talk = String::from_utf8(output.stderr).unwrap();
    assert!(
        talk.contains("out.mdoc cannot be written") && talk.contains("\nhint: "),
        "{talk}"
    );
    assert_eq!(before, space.list());
}

#[test]
fn a_program_that_is_killed_while_it_writes_leaves_the_former_file() {
    let space = Workspace::new();
    let output = run_after("ulimit -f 2", &space, &issue("out.mdoc"));
    assert!(output.status.signal().is_some(), "{output:?}");
    assert_eq!(
        fs::read(space.0.join("out.mdoc")).unwrap(),
        b"what was there before"
    );
}

#[test]
fn a_key_is_for_its_owner_alone_before_the_first_byte_is_in_it() {
    let space = Workspace::new();
    // Killed at the first byte: what is left is the file as it was created, whatever the umask.
    let arguments = ["mdoc-holder", "key", "new", "--out", "new"];
    let output = run_after("umask 000; ulimit -f 0", &space, &arguments);
    assert!(output.status.signal().is_some(), "{output:?}");
    let left = hidden(&space.0.join("new"));
    assert_eq!(left.len(), 1, "{left:?}");
    let metadata = fs::metadata(space.0.join("new").join(&left[0])).unwrap();
    assert_eq!(
        (metadata.len(), metadata.permissions().mode() & 0o777),
        (0, 0o600)
    );
}

#[test]
fn keys_have_mode_0600_and_nothing_is_left_beside_them() {
    let space = Workspace::new();
    let all: [&[&str]; 5] = [
        &["mdoc-holder", "key", "new", "--out", "new"],
        &[
            "mdoc-issuer",
            "pki",
            "iaca",
            "--country",
            "NL",
            "--name",
            "A",
            "--out",
            "new",
        ],
        &["mdoc-issuer", "pki", "signer", "--iaca", "new", "--out", "new"],
        &[
            "mdoc-issuer",
            "pki",
            "reader-ca",
            "--country",
            "NL",
            "--name",
            "R",
            "--out",
            "new",
        ],
        &["mdoc-issuer", "pki", "reader", "--ca", "new", "--out", "new"],
    ];
    for arguments in all {
        for again in [&[][..], &["--force"]] {
            let arguments: Vec<&str> = arguments.iter().chain(again).copied().collect();
            let output = run_after("umask 000", &space, &arguments);
            assert!(output.status.success(), "{output:?}");
        }
        let output = run(&space.0, arguments, b"");
        assert_eq!(output.status.code(), Some(2), "without --force: {output:?}");
    }
    let folder = space.0.join("new");
    let mut keys = 0;
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        if path.to_str().unwrap().ends_with(".key.pem") {
            keys += 1;
            let mode = fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o7777, 0o600, "{}", path.display());
        }
    }
    assert_eq!(keys, 5);
    assert_eq!(hidden(&folder), Vec::<String>::new());
}

#[test]
fn a_pair_is_not_half_replaced() {
    let space = Workspace::new();
    fs::create_dir_all(space.0.join("new/device.pub.pem")).unwrap();
    let before = space.list();
    for force in [&["--force"][..], &[]] {
        let arguments: Vec<&str> = ["mdoc-holder", "key", "new", "--out", "new"]
            .iter()
            .chain(force)
            .copied()
            .collect();
        let output = run(&space.0, &arguments, b"");
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert_eq!(
            before,
            space.list(),
            "the private key must not be there without the public one"
        );
    }
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let space = Workspace::new();
    let tool = program("mdoc-issuer");
    let mut command = Command::new("sh");
    let line = format!("{} format show iso-18013-5-mdl --xml | head -1", tool.display());
    command.args(["-c", &line]);
    let output = run_command(command, &space.0, b"");
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
}

#[test]
fn a_full_device_is_said() {
    if !Path::new("/dev/full").exists() {
        return;
    }
    let space = Workspace::new();
    for setting in ["exec >/dev/full", "true"] {
        let out = if setting == "true" { "/dev/full" } else { "-" };
        let output = run_after(setting, &space, &issue(out));
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(
            String::from_utf8(output.stderr)
                .unwrap()
                .contains("cannot be written")
        );
    }
}
