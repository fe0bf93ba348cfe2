//! The kiosk: what its screen says of a response, and its page.

use std::time::Duration;

use integration::world::World;
use mdoc_core::ble::Service;
use mdoc_core::ble::link::Bearer;
use mdoc_core::device_request::ItemsRequest;
use mdoc_core::present::encode_response;
use mdoc_core::value::Value;
use mdoc_core::verify::{Form, verify};
use mdoc_verifier::kiosk::{Board, Counts, Outcome, Phase, Verdict, web};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

/// What the screen says of a licence that says this of its holder, if that was asked.
fn outcome(asked: &[&str], released: &[&str], says: &[(&str, bool)]) -> Outcome {
    let world = World::new(77);
    let mut licence = world.issue();
    for (identifier, value) in says {
        licence = licence.with(identifier, Value::Bool(*value));
    }
    let licence = licence.sign();
    let response = world.present(&licence).only(released).response();
    judged(&world, &response, &[world.ask(asked)])
}

fn judged(world: &World, response: &[u8], asked: &[ItemsRequest]) -> Outcome {
    let report = verify(response, Form::DeviceResponse, &world.inputs());
    Outcome::of(
        &report,
        asked,
        (Service::Mdoc, Bearer::Gatt),
        Duration::from_millis(1234),
    )
}

fn facts(outcome: &Outcome) -> Vec<(&str, &str)> {
    let facts = outcome.facts.iter();
    facts
        .map(|fact| (fact.label.as_str(), fact.value.as_str()))
        .collect()
}

#[test]
fn who_is_over_the_age_is_accepted_and_shown() {
    let outcome = outcome(
        &["portrait", "age_over_18"],
        &["portrait", "age_over_18", "family_name"],
        &[],
    );
    assert_eq!(outcome.verdict, Verdict::Accepted);
    assert_eq!(
        facts(&outcome),
        [("over 18", "yes")],
        "and not what was not asked for"
    );
    assert_eq!(&outcome.portrait.unwrap()[..2], [0xff, 0xd8]);
}

#[test]
fn who_is_under_the_age_is_not_accepted_with_a_genuine_document() {
    let outcome = outcome(&["age_over_21"], &["age_over_21"], &[("age_over_21", false)]);
    assert_eq!(outcome.verdict, Verdict::NotAccepted);
    assert_eq!(outcome.reasons, ["not over 21"]);
    assert_eq!(outcome.codes, ["kiosk.under-age"]);
    assert_eq!(facts(&outcome), [("over 21", "no")]);
}

#[test]
fn the_nearest_age_answers_and_silence_is_no_answer() {
    // Over 21 is over 20; not over 18 is not over 19.
    assert_eq!(
        outcome(&["age_over_20"], &["age_over_21"], &[]).verdict,
        Verdict::Accepted
    );
    let minor = outcome(&["age_over_19"], &["age_over_18"], &[("age_over_18", false)]);
    assert_eq!(minor.verdict, Verdict::NotAccepted);
    // Over 18 says nothing of 25.
    let open = outcome(&["age_over_25"], &["age_over_18"], &[]);
    assert_eq!(
        (open.verdict, open.codes.as_slice()),
        (Verdict::CouldNotTell, &["kiosk.age-not-shown"][..])
    );
}

#[test]
fn without_the_picture_that_was_asked_for_nobody_is_known() {
    let faceless = outcome(&["portrait", "age_over_18"], &["age_over_18"], &[]);
    assert_eq!(
        (faceless.verdict, faceless.codes.as_slice()),
        (Verdict::CouldNotTell, &["kiosk.portrait-not-shown"][..])
    );
}

#[test]
fn a_wallet_that_releases_nothing_is_no_forgery() {
    let world = World::new(77);
    let response = encode_response(&[], &["org.iso.18013.5.1.mDL"]);
    let silent = judged(&world, &response, &[world.ask(&["age_over_18"])]);
    assert_eq!(
        (silent.verdict, silent.codes.as_slice()),
        (Verdict::CouldNotTell, &["kiosk.nothing-released"][..])
    );
}

#[test]
fn of_a_document_that_is_not_genuine_nothing_is_shown() {
    let world = World::new(77);
    let licence = world.issue().sign();
    let mut response = world
        .present(&licence)
        .only(&["portrait", "age_over_18"])
        .response();
    let last = response.len() - 40;
    response[last] ^= 1;
    let outcome = judged(&world, &response, &[world.ask(&["portrait", "age_over_18"])]);
    assert_eq!(outcome.verdict, Verdict::NotAccepted);
    assert!(outcome.facts.is_empty() && outcome.portrait.is_none());
    assert!(!outcome.codes.is_empty());
}

#[test]
fn neither_log_nor_debug_output_holds_anything_of_a_person() {
    let outcome = outcome(
        &["family_name", "age_over_18"],
        &["family_name", "age_over_18"],
        &[],
    );
    assert_eq!(
        facts(&outcome),
        [("family name", "Vlasáková"), ("over 18", "yes")]
    );
    let said = format!(
        "{outcome:?} {:?} {}",
        outcome.facts,
        outcome.log_line("2026-06-01T12:00:00Z")
    );
    assert!(!said.contains("Vlas") && !said.contains("yes"), "{said}");
    assert_eq!(
        outcome.log_line("2026-06-01T12:00:00Z"),
        "{\"time\":\"2026-06-01T12:00:00Z\",\"verdict\":\"accepted\",\"codes\":[],\"mode\":\"peripheral-server\",\"bearer\":\"gatt\",\
         \"milliseconds\":1234}\n"
    );
}

/// Asks the page, and gives the whole answer.
async fn ask(port: u16, request: &str, head: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let text = format!(
        "{request} HTTP/1.1\r\n{head}Connection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn the_page_follows_the_board_and_is_served_to_this_machine_alone() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let board = Board::default();
    let (scans, mut scanned) = mpsc::channel(1);
    tokio::spawn(web::serve(listener, board.clone(), scans));
    let host = format!("Host: 127.0.0.1:{port}\r\n");

    let page = ask(port, "GET /", &host, "").await;
    assert!(
        page.starts_with("HTTP/1.1 200") && page.contains("Show your code"),
        "{page}"
    );
    for header in [
        "cache-control: no-store",
        "content-security-policy: default-src 'self'",
        "nosniff",
    ] {
        assert!(page.contains(header), "{header}: {page}");
    }
    // A page elsewhere whose name leads here, and one that posts here.
    let rebound = ask(port, "GET /state/9", "Host: evil.example\r\n", "").await;
    assert!(rebound.starts_with("HTTP/1.1 403"), "{rebound}");
    let foreign = format!("{host}Origin: https://evil.example\r\n");
    assert!(
        ask(port, "POST /scan", &foreign, "mdoc:x")
            .await
            .starts_with("HTTP/1.1 403")
    );
    assert!(scanned.try_recv().is_err());

    assert!(
        ask(port, "POST /scan", &host, "mdoc:x")
            .await
            .starts_with("HTTP/1.1 202")
    );
    assert!(
        ask(port, "POST /scan", &host, "mdoc:y")
            .await
            .starts_with("HTTP/1.1 409"),
        "one at a time"
    );
    assert_eq!(scanned.recv().await.as_deref(), Some("mdoc:x"));

    assert!(
        ask(port, "GET /portrait/1", &host, "")
            .await
            .starts_with("HTTP/1.1 404")
    );
    let shown = outcome(&["portrait", "age_over_18"], &["portrait", "age_over_18"], &[]);
    let waiting = tokio::spawn({
        let host = host.clone();
        async move { ask(port, "GET /state/0", &host, "").await }
    });
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(!waiting.is_finished(), "there is nothing new");
    board.show(Phase::Shown(shown.into()));
    let state = waiting.await.unwrap();
    assert!(
        state.contains("\"headline\":\"ACCEPTED\"") && state.contains("\"label\":\"over 18\""),
        "{state}"
    );
    assert!(
        ask(port, "GET /portrait/1", &host, "")
            .await
            .contains("content-type: image/jpeg")
    );

    // Cleared, the picture is gone; the count stays.
    assert!(
        ask(port, "POST /clear", &host, "")
            .await
            .starts_with("HTTP/1.1 204")
    );
    assert!(
        ask(port, "GET /portrait/1", &host, "")
            .await
            .starts_with("HTTP/1.1 404")
    );
    assert_eq!(
        board.now().counts,
        Counts {
            accepted: 1,
            ..Counts::default()
        }
    );
}
