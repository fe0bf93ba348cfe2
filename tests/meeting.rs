//! `mdoc-verifier read` and `kiosk` with `mdoc-holder present`, through a folder instead of a radio.

mod kiosk;
mod stopped;
mod told;

use std::fs;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use base64ct::{Base64UrlUnpadded, Encoding as _};
use mdoc_core::engagement::DeviceEngagement;
use mdoc_core::limits::Limits;
use serde_json::Value;

use crate::programs::{NOW, PERSONAL, Workspace, issue, program, run};

/// A folder with a licence, and an air.
fn stage() -> Workspace {
    let space = Workspace::new();
    fs::create_dir(space.0.join("air")).unwrap();
    if !space.0.join("met.mdoc").exists() {
        let made = run(&space.0, &issue("pki/ds.pem", "pki/ds.key.pem", "met.mdoc"), b"");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    }
    space
}

fn start(folder: &Path, name: &str, arguments: &[&str]) -> Child {
    Command::new(program(name))
        .args(arguments)
        .env_clear()
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// A wallet that shows its code, and the code.
fn wallet(space: &Workspace, more: &[&str]) -> (Child, String) {
    let code = space.0.join("code.txt");
    let _none = fs::remove_file(&code);
    let arguments = [
        "present",
        "--document",
        "met.mdoc",
        "--key",
        "wallet/device.key.pem",
        "--radio",
        "air",
        "--engagement-out",
        "code.txt",
        "--at",
        NOW,
    ];
    let mut child = start(&space.0, "mdoc-holder", &[&arguments, more].concat());
    let began = Instant::now();
    // It appears whole.
    while !code.exists() && began.elapsed() < Duration::from_secs(30) {
        std::thread::sleep(Duration::from_millis(10));
    }
    let text = fs::read_to_string(&code).unwrap_or_else(|error| {
        child.kill().unwrap();
        panic!("the wallet shows no code: {error}");
    });
    (child, text)
}

/// What every reader here is told, whatever the command.
const READER: [&str; 8] = [
    "--preset",
    "age-over-18",
    "--trust",
    "pki/iaca.pem",
    "--radio",
    "air",
    "--at",
    NOW,
];

fn start_reader(space: &Workspace, command: &[&str], more: &[&str]) -> Child {
    start(
        &space.0,
        "mdoc-verifier",
        &[command, READER.as_slice(), more].concat(),
    )
}

const READ: [&str; 3] = ["read", "--engagement-file", "code.txt"];

fn read(space: &Workspace, more: &[&str]) -> Output {
    start_reader(space, &READ, more).wait_with_output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_wallet_is_read_in_both_modes_and_only_what_was_asked_is_shown() {
    for (mode, offered) in [
        ("central-client", "both"),
        ("peripheral-server", "peripheral-server"),
    ] {
        let space = stage();
        let (wallet, _) = wallet(&space, &["--yes", "--json", "--mode", offered]);
        let read = read(&space, &["--json", "--portrait", "face.jpg"]);
        let presented = wallet.wait_with_output().unwrap();
        assert_eq!(read.status.code(), Some(0), "{}", text(&read.stderr));
        assert_eq!(presented.status.code(), Some(0), "{}", text(&presented.stderr));
        let told: Value = serde_json::from_slice(&read.stdout).unwrap();
        assert_eq!(told["mode"], mode);
        assert_eq!(told["report"]["accepted"], true);
        let elements = told["report"]["documents"][0]["elements"]["org.iso.18013.5.1"]
            .as_object()
            .unwrap();
        let mut names: Vec<_> = elements.keys().cloned().collect();
        names.sort();
        assert_eq!(names, ["age_over_18", "portrait"]);
        let own = told["timings"]["decryptingMs"].as_f64().unwrap()
            + told["timings"]["verifyingMs"].as_f64().unwrap();
        assert!(own > 0.0);
        assert_eq!(&fs::read(space.0.join("face.jpg")).unwrap()[..2], [0xff, 0xd8]);
        let told: Value = serde_json::from_slice(&presented.stdout).unwrap();
        assert_eq!(
            (&told["mode"], &told["declined"]),
            (&Value::from(mode), &Value::from(false))
        );
        assert_eq!(
            fs::read_dir(space.0.join("air")).unwrap().count(),
            0,
            "no socket is left"
        );
    }
}

#[test]
fn both_sides_say_over_what_it_went_and_l2cap_takes_both() {
    for mode in ["central-client", "peripheral-server"] {
        for (holder, reader, bearer) in [
            (&["--l2cap"][..], &["--l2cap"][..], "l2cap"),
            (&["--l2cap"], &[], "gatt"),
            (&[], &["--l2cap"], "gatt"),
        ] {
            let space = stage();
            let (wallet, code) = wallet(&space, &[&["--yes", "--json", "--mode", mode], holder].concat());
            let read = read(&space, &[&["--json"], reader].concat());
            let presented = wallet.wait_with_output().unwrap();
            assert_eq!(read.status.code(), Some(0), "{}", text(&read.stderr));
            assert_eq!(presented.status.code(), Some(0), "{}", text(&presented.stderr));
            for told in [&read.stdout, &presented.stdout] {
                let told: Value = serde_json::from_slice(told).unwrap();
                assert_eq!((&told["bearer"], &told["mode"]), (&bearer.into(), &mode.into()));
            }
            assert_eq!(text(&read.stderr), "", "who has not offered it has not failed");
            let engagement = code.trim().strip_prefix("mdoc:").unwrap();
            let engagement = Base64UrlUnpadded::decode_vec(engagement).unwrap();
            let engagement = DeviceEngagement::decode(&engagement, &Limits::DEFAULT).unwrap();
            let known = mode == "peripheral-server" && !holder.is_empty();
            assert_eq!(engagement.ble().unwrap().peripheral_psm.is_some(), known);
        }
    }
}

/// What the holder of a wallet that trusts these readers is asked, if the Corner Bar asks for an age that it keeps.
fn asked_by_the_bar(trust: &[&str]) -> (String, String) {
    let space = stage();
    let request = "[[document]]\ndocType = \"org.iso.18013.5.1.mDL\"\n[document.elements.\"org.iso.18013.5.1\"]\n\
                   age_over_18 = true\nportrait = false\nhair_colour = true\n";
    fs::write(space.0.join("bar.toml"), request).unwrap();
    let (mut wallet, code) = wallet(&space, trust);
    wallet.stdin.take().unwrap().write_all(b"y\n").unwrap();
    let reader = [
        "--file",
        "bar.toml",
        "--reader-cert",
        "bar/reader.pem",
        "--reader-key",
        "bar/reader.key.pem",
    ];
    let arguments = [&READ[..], &READER[2..], &reader].concat();
    let read = start(&space.0, "mdoc-verifier", &arguments)
        .wait_with_output()
        .unwrap();
    let presented = wallet.wait_with_output().unwrap();
    assert_eq!(read.status.code(), Some(0), "{}", text(&read.stderr));
    (text(&presented.stdout), code)
}

/// Each element with whether it is kept, as the holder is asked.
const ASKED: &str = "
  org.iso.18013.5.1 hair_colour  (is not released)
  org.iso.18013.5.1 age_over_18  WILL BE KEPT
  org.iso.18013.5.1 portrait
Release this? [y/N] ";

#[test]
fn the_holder_is_asked_with_the_name_of_the_reader_every_element_and_what_is_kept() {
    let (shown, code) = asked_by_the_bar(&["--reader-trust", "readers/reader-ca.pem"]);
    assert!(shown.contains(code.trim()), "the text of the code: {shown}");
    let question = format!("\nCN=The Corner Bar,C=NL (trusted) asks for org.iso.18013.5.1.mDL{ASKED}");
    assert!(shown.contains(&question), "{shown}");
    for personal in PERSONAL {
        assert!(!shown.contains(personal), "values are not repeated");
    }
}

#[test]
fn a_reader_for_whom_nobody_vouches_is_shown_as_one_that_anybody_can_be() {
    let (shown, _) = asked_by_the_bar(&[]);
    let question = format!(
        "\nan untrusted reader that calls itself CN=The Corner Bar,C=NL (the issuer CN=Example Reader CA,C=NL is not \
         trusted) asks for org.iso.18013.5.1.mDL{ASKED}"
    );
    assert!(shown.contains(&question), "{shown}");
    assert!(!shown.contains("(trusted)"), "{shown}");
}

#[test]
fn another_document_than_was_asked_for_is_no_yes() {
    let space = stage();
    let request = |doc_type: &str| {
        format!(
            "[[document]]\ndocType = \"{doc_type}\"\n[document.elements.\"{doc_type}\"]\nfamily_name = false\n"
        )
    };
    let both = "[[document]]\ndocType = \"org.iso.18013.5.1.mDL\"\n[document.elements.\"org.iso.18013.5.1\"]\n\
                age_over_18 = false\n";
    let pid = request("eu.europa.ec.eudi.pid.1");
    for (asked, status, said) in [
        (both.to_owned(), 0, ""),
        (
            format!("{both}{pid}"),
            1,
            "the wallet showed nothing of what was asked for of eu.europa.ec.eudi.pid.1",
        ),
        (pid, 1, "released nothing of what was asked for"),
    ] {
        fs::write(space.0.join("asked.toml"), &asked).unwrap();
        for json in [true, false] {
            let (wallet, _) = wallet(&space, &["--yes"]);
            let more: &[&str] = if json { &["--json"] } else { &[] };
            let arguments = [&READ[..], &READER[2..], &["--file", "asked.toml"], more].concat();
            let read = start(&space.0, "mdoc-verifier", &arguments)
                .wait_with_output()
                .unwrap();
            wallet.wait_with_output().unwrap();
            assert_eq!(read.status.code(), Some(status), "{asked}{}", text(&read.stderr));
            assert!(text(&read.stderr).contains(said), "{}", text(&read.stderr));
            let shown = text(&read.stdout);
            if json {
                let told: Value = serde_json::from_slice(&read.stdout).unwrap();
                let missing = told["notShown"].as_array().unwrap();
                assert_eq!(missing.is_empty(), status == 0, "{told}");
            } else {
                let missing = shown.contains("NOT SHOWN  eu.europa.ec.eudi.pid.1\n");
                assert_eq!(missing, status == 1, "{shown}");
            }
        }
    }
}

#[test]
fn who_declines_gives_nothing_and_the_reader_says_so() {
    for answer in [&b"n\n"[..], b"\n", b""] {
        let space = stage();
        let (mut wallet, _) = wallet(&space, &[]);
        wallet.stdin.take().unwrap().write_all(answer).unwrap();
        let read = read(&space, &["--json"]);
        let presented = wallet.wait_with_output().unwrap();
        assert_eq!((read.status.code(), presented.status.code()), (Some(1), Some(1)));
        let told: Value = serde_json::from_slice(&read.stdout).unwrap();
        assert_eq!(told["code"], "session.peer-termination");
        assert_eq!(told["declined"], true);
        assert!(
            text(&read.stderr).contains("its holder declined"),
            "{}",
            text(&read.stderr)
        );
        assert!(text(&presented.stdout).contains("declined"));
    }
}

#[test]
fn a_wallet_that_is_killed_may_have_declined_or_be_out_of_range_to_the_reader() {
    let space = stage();
    // Nobody answers the question: the reader waits for the holder.
    let (mut wallet, _) = wallet(&space, &[]);
    let held = wallet.stdin.take();
    let reader = start_reader(&space, &READ, &["--json"]);
    // All of the request has come when the holder is asked.
    let mut shown = wallet.stdout.take().unwrap();
    let mut said = Vec::new();
    while !text(&said).contains("Release this?") {
        let mut some = [0; 1024];
        let length = shown.read(&mut some).unwrap();
        assert_ne!(length, 0, "the holder was not asked: {}", text(&said));
        said.extend_from_slice(&some[..length]);
    }
    std::thread::sleep(Duration::from_millis(200));
    wallet.kill().unwrap();
    wallet.wait().unwrap();
    drop(held);
    let read = reader.wait_with_output().unwrap();
    let told: Value = serde_json::from_slice(&read.stdout).unwrap();
    assert_eq!(
        (&told["code"], &told["declined"]),
        (&"link.disconnected".into(), &false.into())
    );
    assert_eq!(read.status.code(), Some(2));
    let said = text(&read.stderr);
    assert!(
        said.contains("its holder declined, or it is out of range [link.disconnected]")
            && said.contains("hint: if nobody declined, keep both devices close"),
        "{said}"
    );
}

#[test]
fn nobody_there_is_said_in_time_at_both_ends() {
    let space = stage();
    let (wallet, _) = wallet(&space, &["--yes", "--timeout", "1s"]);
    let presented = wallet.wait_with_output().unwrap();
    assert_eq!(presented.status.code(), Some(2));
    assert!(
        text(&presented.stderr).contains("[link.no-peer]"),
        "{}",
        text(&presented.stderr)
    );
    let read = read(&space, &["--timeout", "1s"]);
    assert_eq!(read.status.code(), Some(2));
    let said = text(&read.stderr);
    assert!(
        said.contains("[link.no-peer]") && said.contains("hint: hold both devices close"),
        "{said}"
    );
}
