//! Collecting by a sign-in: `mdoc-holder` prints an address, a browser opens it, and brings back a code. The test is the
//! browser. On SQLite, and on PostgreSQL where `tests/postgres/run` started one.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::Stdio;

use crate::issuing::{Stage, command, text};

/// What a browser gets: status, the address that it is sent to, and the page.
struct Got {
    status: u16,
    location: Option<String>,
    page: String,
}

/// Asks a server on this machine.
fn ask(method: &str, url: &str, body: &str) -> Got {
    let (authority, path) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let mut stream = TcpStream::connect(authority).unwrap();
    let asked = format!(
        "{method} /{path} HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\nAccept: text/html\r\n\
         Sec-Fetch-Site: same-origin\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(asked.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, page) = answer.split_once("\r\n\r\n").unwrap();
    let location = head
        .lines()
        .find_map(|line| line.strip_prefix("location: "))
        .map(str::to_owned);
    Got {
        status: head.split(' ').nth(1).unwrap().parse().unwrap(),
        location,
        page: page.to_owned(),
    }
}

/// What stands in a page between two texts.
fn between<'p>(page: &'p str, before: &str, after: &str) -> &'p str {
    let (_, rest) = page
        .split_once(before)
        .unwrap_or_else(|| panic!("{before}: {page}"));
    rest.split_once(after).unwrap().0
}

/// Sends the form of a page, with what a person types.
fn send(got: &Got, typed: &[(&str, &str)]) -> Got {
    let hidden = ["request_uri", "client_id", "ticket"].map(|name| {
        (
            name,
            between(&got.page, &format!("name=\"{name}\" value=\""), "\""),
        )
    });
    let escaped = |text: &str| {
        text.bytes()
            .map(|byte| format!("%{byte:02X}"))
            .collect::<String>()
    };
    let pairs: Vec<String> = hidden
        .iter()
        .chain(typed)
        .map(|(name, value)| format!("{name}={}", escaped(value)))
        .collect();
    ask(
        "POST",
        between(&got.page, "method=\"post\" action=\"", "\""),
        &pairs.join("&"),
    )
}

fn sign_in(database: Option<String>) {
    let stage = Stage::new(database);
    let requested = stage.requested();
    let offer = &requested["offer"];
    let (link, code) = (offer["link"].as_str().unwrap(), offer["code"].as_str().unwrap());
    let arguments = [
        "collect",
        link,
        "--sign-in",
        "--copies",
        "3",
        "--issuer-trust",
        "authority/iaca.pem",
        "--allow-private-addresses",
        "--json",
    ];
    let mut holder = command(&stage.space.0, "mdoc-holder", &arguments, None)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(holder.stderr.take().unwrap()).lines();
    let address = said
        .by_ref()
        .map(Result::unwrap)
        .find(|line| line.starts_with("http"))
        .unwrap();

    let first = ask("GET", &address, "");
    assert_eq!(first.status, 200, "{}", first.page);
    assert!(
        first.page.contains("mdoc-holder") && first.page.contains("Club card"),
        "{}",
        first.page
    );
    let wrong = send(&first, &[("code", "no")]);
    assert_eq!((wrong.status, wrong.location.as_ref()), (403, None));
    let spaced = format!("{} {}", &code[..4], &code[4..]);
    let right = send(&wrong, &[("code", &spaced)]);
    assert_eq!(right.status, 303, "{}", right.page);
    let back = right.location.unwrap();
    assert!(back.starts_with("http://127.0.0.1/mdoc-holder?code="), "{back}");

    writeln!(holder.stdin.take().unwrap(), "{back}").unwrap();
    let rest: Vec<String> = said.map(Result::unwrap).collect();
    let output = holder.wait_with_output().unwrap();
    assert!(output.status.success(), "{rest:?}");
    assert!(text(&output.stdout).contains("com.example.loyalty-card.1"));

    assert_eq!(stage.shown()["report"]["accepted"], true);
    let serial = requested["serial"].as_str().unwrap();
    assert_eq!(stage.service(&["document", "show", serial])["state"], "active");
    assert_eq!(stage.service(&["audit", "verify"])["whole"], true);
    // What was taken is taken, by whichever way.
    let again = [&arguments[..2], &["--code", code, "--allow-private-addresses"]].concat();
    let again = command(&stage.space.0, "mdoc-holder", &again, None)
        .output()
        .unwrap();
    assert_eq!(again.status.code(), Some(1), "{}", text(&again.stderr));
}

#[test]
fn a_person_signs_in_with_a_browser_and_the_wallet_collects() {
    sign_in(None);
    match std::env::var("MDOC_TEST_POSTGRES") {
        Ok(url) => sign_in(Some(crate::issuing::fresh(&url))),
        Err(_) => eprintln!("NOT DONE on PostgreSQL: MDOC_TEST_POSTGRES is not set"),
    }
}
