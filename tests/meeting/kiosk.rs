//! `mdoc-verifier kiosk`: one wallet after another, and how it is stopped.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Output};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::{stage, start_reader, text, wallet};
use crate::programs::{PERSONAL, issue, run};

#[test]
fn the_kiosk_reads_one_after_another_and_its_log_holds_nothing_of_a_person() {
    let space = stage();
    let mut kiosk = start_reader(&space, &["kiosk"], &["--log", "kiosk.log", "--timeout", "10s"]);
    let mut scanner = kiosk.stdin.take().unwrap();
    for more in [
        &["--yes"][..],
        &["--decline"],
        &["--yes", "--only", "org.iso.18013.5.1:portrait"],
    ] {
        let (wallet, code) = wallet(&space, more);
        scanner.write_all(code.as_bytes()).unwrap();
        wallet.wait_with_output().unwrap();
    }
    scanner.write_all(b"https://elsewhere.example/\n").unwrap();
    drop(scanner);
    let ended = kiosk.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(0), "{}", text(&ended.stderr));
    let screen = text(&ended.stdout);
    assert!(
        screen.contains("ACCEPTED") && screen.contains("over 18                  yes"),
        "{screen}"
    );
    assert!(
        screen.ends_with("1 accepted, 0 not accepted, 3 could not tell\n"),
        "{screen}"
    );
    let log = fs::read_to_string(space.0.join("kiosk.log")).unwrap();
    let lines: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let codes: Vec<_> = lines
        .iter()
        .map(|line| line["codes"][0].as_str().unwrap_or("none"))
        .collect();
    assert_eq!(
        codes,
        [
            "none",
            "session.peer-termination",
            "kiosk.age-not-shown",
            "kiosk.no-code"
        ]
    );
    assert_eq!(lines[0]["verdict"], "accepted");
    for personal in PERSONAL.iter().chain(&["age_over_18", "elsewhere"]) {
        assert!(!log.contains(personal), "{personal} is in the log");
    }
}

/// A program that is to end within twenty seconds, which is less than any of its waits.
pub(super) fn ends_at_once(mut kiosk: Child) -> Output {
    let began = Instant::now();
    while kiosk.try_wait().unwrap().is_none() {
        if began.elapsed() > Duration::from_secs(20) {
            kiosk.kill().unwrap();
            panic!("it does not end");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    kiosk.wait_with_output().unwrap()
}

pub(super) fn interrupt(child: &Child) {
    let number = child.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-INT", &number])
            .status()
            .unwrap()
            .success()
    );
}

/// Until the holder is asked.
pub(super) fn until_asked(wallet: &mut Child) {
    let mut said = Vec::new();
    let out = wallet.stdout.as_mut().unwrap();
    while !said.ends_with(b"[y/N] ") {
        let mut octet = [0];
        out.read_exact(&mut octet).unwrap();
        said.extend(octet);
    }
}

/// The wallet was not left waiting, or lost: the reader has said that it is over.
fn was_told(wallet: Child) {
    let ended = wallet.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(1), "{}", text(&ended.stderr));
    let words = text(&ended.stderr);
    assert!(words.contains("[session.peer-termination]"), "{words}");
}

#[test]
fn ctrl_c_ends_the_kiosk_while_it_reads() {
    let space = stage();
    let mut kiosk = start_reader(&space, &["kiosk"], &[]);
    let mut scanner = kiosk.stdin.take().unwrap();
    // Nobody answers the question: the kiosk would wait for two minutes.
    let (mut wallet, code) = wallet(&space, &[]);
    let held = wallet.stdin.take();
    scanner.write_all(code.as_bytes()).unwrap();
    until_asked(&mut wallet);
    interrupt(&kiosk);
    let ended = ends_at_once(kiosk);
    assert_eq!(ended.status.code(), Some(0), "{}", text(&ended.stderr));
    assert!(
        text(&ended.stdout).ends_with("0 accepted, 0 not accepted, 0 could not tell\n"),
        "{}",
        text(&ended.stdout)
    );
    was_told(wallet);
    drop((held, scanner));
}

#[test]
fn esc_breaks_a_reading_off_and_the_next_one_goes_on() {
    let space = stage();
    let mut kiosk = start_reader(&space, &["kiosk"], &["--log", "kiosk.log"]);
    let mut scanner = kiosk.stdin.take().unwrap();
    // What is no text ends nothing.
    scanner.write_all(b"\xff\xfe\n").unwrap();
    let (mut silent, code) = wallet(&space, &[]);
    let held = silent.stdin.take();
    scanner.write_all(code.as_bytes()).unwrap();
    until_asked(&mut silent);
    scanner.write_all(b"\x1b\n").unwrap();
    was_told(silent);
    drop(held);
    let (wallet, code) = wallet(&space, &["--yes"]);
    scanner.write_all(code.as_bytes()).unwrap();
    drop(scanner);
    wallet.wait_with_output().unwrap();
    let ended = kiosk.wait_with_output().unwrap();
    let shown = text(&ended.stdout);
    assert!(shown.contains("broken off"), "{shown}");
    assert!(
        shown.ends_with("1 accepted, 0 not accepted, 1 could not tell\n"),
        "{shown}"
    );
    let log = fs::read_to_string(space.0.join("kiosk.log")).unwrap();
    assert_eq!(log.lines().count(), 2, "{log}");
}

#[test]
fn the_kiosk_says_what_can_be_done_about_it() {
    let space = stage();
    let mut kiosk = start_reader(&space, &["kiosk"], &["--timeout", "1s"]);
    let mut scanner = kiosk.stdin.take().unwrap();
    let (gone, code) = wallet(&space, &["--yes", "--timeout", "1s"]);
    gone.wait_with_output().unwrap();
    scanner.write_all(code.as_bytes()).unwrap();
    scanner.write_all(b"https://elsewhere.example/\n").unwrap();
    drop(scanner);
    let shown = text(&kiosk.wait_with_output().unwrap().stdout);
    assert!(
        shown.contains("  hold both devices close to each other"),
        "{shown}"
    );
    assert!(shown.contains("  give the code that the wallet shows"), "{shown}");
}

/// Asks the kiosk's page; the whole answer, which has to come within twenty seconds, long before what it does not wait for.
fn page(address: &str, request: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let head =
        format!("{request} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn while_a_status_list_is_waited_for_the_page_goes_on_and_the_kiosk_can_be_stopped() {
    let space = stage();
    // It takes questions, and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let list = format!("http://{}/1", silent.local_addr().unwrap());
    let status = ["--status-list", &list, "--status-index", "1"];
    let made = [&issue("pki/ds.pem", "pki/ds.key.pem", "listed.mdoc")[..], &status].concat();
    assert!(run(&space.0, &made, b"").status.success());
    fs::rename(space.0.join("listed.mdoc"), space.0.join("met.mdoc")).unwrap();
    let online = [
        "--web",
        "127.0.0.1:0",
        "--status",
        "prefer",
        "--status-cache",
        "kept",
        "--allow-private-addresses",
        "--time-limit",
        "60s",
        "--crl",
        "pki/iaca.crl",
    ];
    let mut kiosk = start_reader(&space, &["kiosk"], &online);
    let mut said = BufReader::new(kiosk.stderr.take().unwrap()).lines();
    let address = said.find_map(|line| {
        let line = line.unwrap();
        let (_, rest) = line.split_once("http://")?;
        Some(rest.trim_end_matches('/').to_owned())
    });
    let address = address.unwrap();
    let mut scanner = kiosk.stdin.take().unwrap();
    let mut asked = Vec::new();
    for ends in [false, true] {
        let (wallet, code) = wallet(&space, &["--yes"]);
        scanner.write_all(code.as_bytes()).unwrap();
        // The wallet is not kept waiting; the verification is.
        let presented = wallet.wait_with_output().unwrap();
        assert_eq!(presented.status.code(), Some(0), "{}", text(&presented.stderr));
        asked.push(silent.accept().unwrap());
        let state = page(&address, "GET /state/99");
        assert!(state.contains("\"state\":\"reading\""), "{state}");
        if ends {
            break;
        }
        page(&address, "POST /clear");
        let state = page(&address, "GET /state/99");
        assert!(state.contains("\"state\":\"ready\""), "{state}");
    }
    interrupt(&kiosk);
    let ended = ends_at_once(kiosk);
    assert_eq!(ended.status.code(), Some(0));
    let shown = text(&ended.stdout);
    assert!(
        shown.ends_with("0 accepted, 0 not accepted, 0 could not tell\n"),
        "{shown}"
    );
}
