//! The kiosk: what its screen says of a response, and its page.

use std::time::Duration;

use integration::world::{SMALL_JPEG, World};
use mdoc_core::ble::Service;
use mdoc_core::ble::link::Bearer;
use mdoc_core::device_request::ItemsRequest;
use mdoc_core::issue::NameSpaces;
use mdoc_core::present::encode_response;
use mdoc_core::value::Value;
use mdoc_core::verify::{Form, verify};
use mdoc_verifier::kiosk::{Board, Counts, Outcome, Phase, Verdict, web};
use mdoc_verifier::read::not_shown;
use mdoc_verifier::request;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

const PORTRAIT: &[u8] = include_bytes!("../document-formats/samples/portrait.jpg");
const JP2: &[u8] = include_bytes!("../issuer/src/photo/samples/portrait.jp2");
const PID: &str = "eu.europa.ec.eudi.pid.1";
const BADGE: &str = "com.example.access-badge.1";

/// What the screen says of a licence that says this of its holder, if that was asked.
fn outcome(asked: &[&str], released: &[&str], says: &[(&str, bool)]) -> Outcome {
    let says = says
        .iter()
        .map(|(identifier, says)| (*identifier, Value::Bool(*says)));
    outcome_of(asked, released, &says.collect::<Vec<_>>())
}

fn outcome_of(asked: &[&str], released: &[&str], says: &[(&str, Value)]) -> Outcome {
    let world = World::new(77);
    let mut licence = world.issue().with("portrait", Value::Bytes(PORTRAIT.to_vec()));
    for (identifier, value) in says {
        licence = licence.with(identifier, value.clone());
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
    assert_eq!(outcome.portrait.unwrap().file(), PORTRAIT);
}

/// Elements of a namespace.
fn elements(name_space: &str, elements: &[(&str, Value)]) -> NameSpaces {
    let named = |(identifier, value): &(&str, Value)| ((*identifier).to_owned(), value.clone());
    vec![(name_space.to_owned(), elements.iter().map(named).collect())]
}

/// A person identification of somebody of whom it does not say the age.
fn pid(world: &World) -> Vec<u8> {
    let name = ("family_name", Value::Text("Vlasáková".to_owned()));
    let portrait = ("portrait", Value::Bytes(PORTRAIT.to_vec()));
    let issued = world
        .issue()
        .document(PID, elements(PID, &[name, portrait]))
        .sign();
    world.present(&issued).document()
}

fn doubted(outcome: &Outcome, code: &str) {
    assert_eq!(
        (outcome.verdict, outcome.codes.as_slice()),
        (Verdict::CouldNotTell, &[code][..]),
        "{:?}",
        outcome.reasons
    );
}

#[test]
fn another_document_than_was_asked_for_answers_nothing() {
    let world = World::new(77);
    let response = encode_response(&[pid(&world)], &[]);
    let asked = [world.ask(&["age_over_18", "portrait"])];
    assert!(verify(&response, Form::DeviceResponse, &world.inputs()).accepted());
    let outcome = judged(&world, &response, &asked);
    doubted(&outcome, "kiosk.document-not-shown");
    assert!(outcome.facts.is_empty() && outcome.portrait.is_none());
    assert_eq!(
        outcome.reasons,
        ["the wallet did not show the document that was asked for, org.iso.18013.5.1.mDL"]
    );
    let report = verify(&response, Form::DeviceResponse, &world.inputs());
    assert_eq!(not_shown(&report, &asked), ["org.iso.18013.5.1.mDL"]);
    doubted(&judged(&world, &response, &[]), "kiosk.nothing-asked");
}

#[test]
fn of_two_documents_that_were_asked_for_one_is_not_enough() {
    let world = World::new(77);
    let licence = world.issue().sign();
    let licence = world.present(&licence).only(&["age_over_18"]).document();
    let asked = [
        world.ask(&["age_over_18"]),
        ItemsRequest {
            doc_type: PID.to_owned(),
            name_spaces: vec![(
                PID.to_owned(),
                world.ask(&["family_name"]).name_spaces[0].1.clone(),
            )],
        },
    ];
    let one = encode_response(core::slice::from_ref(&licence), &[PID]);
    doubted(&judged(&world, &one, &asked), "kiosk.document-not-shown");
    let report = verify(&one, Form::DeviceResponse, &world.inputs());
    assert_eq!(not_shown(&report, &asked), [PID]);
    let both = encode_response(&[licence.clone(), pid(&world)], &[]);
    assert_eq!(judged(&world, &both, &asked).verdict, Verdict::Accepted);
    let report = verify(&both, Form::DeviceResponse, &world.inputs());
    assert_eq!(not_shown(&report, &asked), [""; 0]);
    // The age of one and the picture of another.
    let other = world.issue().number(1).sign();
    let other = world.present(&other).only(&["age_over_18"]).document();
    let twice = encode_response(&[licence, other], &[]);
    doubted(&judged(&world, &twice, &asked[..1]), "kiosk.several-documents");
}

#[test]
fn a_document_without_any_element_that_was_asked_for_is_not_shown() {
    let world = World::new(77);
    let licence = world.issue().sign();
    let response = world.present(&licence).only(&["family_name"]).response();
    let report = verify(&response, Form::DeviceResponse, &world.inputs());
    assert!(report.accepted());
    let asked = [world.ask(&["age_over_18", "portrait"])];
    assert_eq!(not_shown(&report, &asked), ["org.iso.18013.5.1.mDL"]);
    // Another limit of the age is an answer, though it may leave the question open.
    let response = world.present(&licence).only(&["age_over_65"]).response();
    let report = verify(&response, Form::DeviceResponse, &world.inputs());
    assert_eq!(not_shown(&report, &asked), [""; 0]);
}

#[test]
fn an_age_is_reached_only_if_the_document_plainly_says_yes() {
    for value in [
        Value::Integer(0.into()),
        Value::Integer(1.into()),
        Value::Text("true".to_owned()),
        Value::Null,
    ] {
        let said = [("age_over_18", value)];
        let outcome = outcome_of(&["age_over_18"], &["age_over_18", "age_over_21"], &said);
        assert_ne!(outcome.verdict, Verdict::Accepted, "{said:?}");
        doubted(&outcome, "kiosk.age-unreadable");
        assert!(outcome.facts.is_empty());
    }
}

#[test]
fn a_badge_that_keeps_its_zones_to_itself_opens_no_door() {
    let world = World::new(77);
    let text = |text: &str| Value::Text(text.to_owned());
    let mut says = vec![
        ("site", text("Harbour")),
        ("card_number", text("4711")),
        ("portrait", Value::Bytes(PORTRAIT.to_vec())),
    ];
    let judged = |says: &[(&str, Value)]| {
        let badge = world.issue().document(BADGE, elements(BADGE, says)).sign();
        let asked = request::preset("access-badge").unwrap().request();
        judged(&world, &world.present(&badge).response(), &asked)
    };
    let outcome = judged(&says);
    doubted(&outcome, "kiosk.element-not-shown");
    assert_eq!(outcome.reasons, ["the wallet did not show: zones"]);
    says.push(("zones", Value::Array(vec![text("A"), text("B")])));
    let outcome = judged(&says);
    assert_eq!(outcome.verdict, Verdict::Accepted, "{:?}", outcome.codes);
    assert_eq!(facts(&outcome)[1], ("zones", "[A, B]"));
}

#[test]
fn a_picture_that_cannot_be_shown_is_nobodys() {
    for picture in [SMALL_JPEG, b"", b"GIF89a", &JP2[..200]] {
        let says = [("portrait", Value::Bytes(picture.to_vec()))];
        let outcome = outcome_of(&["portrait", "age_over_18"], &["portrait", "age_over_18"], &says);
        doubted(&outcome, "kiosk.portrait-unreadable");
        assert!(outcome.portrait.is_none());
        assert_eq!(outcome.reasons, ["the picture of the holder cannot be shown"]);
    }
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
    let board = Board::new(Duration::from_secs(15));
    let (scans, mut scanned) = mpsc::channel(1);
    tokio::spawn(web::serve(listener, board.clone(), scans));
    let host = format!("Host: 127.0.0.1:{port}\r\n");

    let page = ask(port, "GET /", &host, "").await;
    assert!(
        page.starts_with("HTTP/1.1 200") && page.contains("Show your code"),
        "{page}"
    );
    // A page elsewhere whose name leads here, and one that posts here.
    let rebound = ask(port, "GET /state/9", "Host: evil.example\r\n", "").await;
    assert!(rebound.starts_with("HTTP/1.1 403"), "{rebound}");
    let nothing = ask(port, "GET /portrait/1", &host, "").await;
    for header in [
        "cache-control: no-store",
        "content-security-policy: default-src 'self'",
        "cross-origin-resource-policy: same-origin",
        "nosniff",
    ] {
        for answer in [&page, &rebound, &nothing] {
            assert!(answer.contains(header), "{header}: {answer}");
        }
    }
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
    let picture = ask(port, "GET /portrait/1", &host, "").await;
    assert!(picture.contains("content-type: image/jpeg"), "{picture}");
    // A picture in another page is asked for without Origin.
    for (site, status) in [
        ("cross-site", "403"),
        ("same-site", "403"),
        ("same-origin", "200"),
        ("none", "200"),
    ] {
        let head = format!("{host}Sec-Fetch-Site: {site}\r\nSec-Fetch-Mode: no-cors\r\n");
        let answer = ask(port, "GET /portrait/1", &head, "").await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}")),
            "{site}: {answer}"
        );
        assert_eq!(answer.contains("image/jpeg"), status == "200", "{site}");
    }

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

#[tokio::test(start_paused = true)]
async fn the_board_says_when_a_result_is_to_be_forgotten_and_is_cleared_at_any_time() {
    let board = Board::new(Duration::from_secs(15));
    assert_eq!(board.now().to_json()["forgetIn"], serde_json::Value::Null);
    let shown = outcome(&["age_over_18"], &["age_over_18"], &[]);
    board.show(Phase::Shown(shown.into()));
    assert_eq!(board.now().to_json()["forgetIn"], 15_000);
    // A page that asks later has less time.
    tokio::time::advance(Duration::from_secs(6)).await;
    assert_eq!(board.now().to_json()["forgetIn"], 9_000);
    board.clear();
    let cleared = board.now();
    assert!(matches!(cleared.phase, Phase::Ready) && cleared.until.is_none());
    board.clear();
    assert_eq!(board.now().number, cleared.number, "there was nothing");
    // Esc breaks a reading off, which who reads hears of.
    let reading = board.show(Phase::Reading);
    board.clear();
    assert!(matches!(board.after(reading).await.phase, Phase::Ready));
}

#[tokio::test]
async fn a_portrait_in_jpeg_2000_comes_to_the_page_as_png() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let board = Board::new(Duration::from_secs(15));
    let (scans, _scanned) = mpsc::channel(1);
    tokio::spawn(web::serve(listener, board.clone(), scans));
    let says = [("portrait", Value::Bytes(JP2.to_vec()))];
    let outcome = outcome_of(&["portrait"], &["portrait"], &says);
    assert_eq!(outcome.verdict, Verdict::Accepted, "{:?}", outcome.codes);
    board.show(Phase::Shown(outcome.into()));
    let host = format!("Host: localhost:{port}\r\n");
    let picture = ask(port, "GET /portrait/1", &host, "").await;
    assert!(
        picture.contains("content-type: image/png") && picture.contains("PNG\r\n"),
        "{}",
        &picture[..400]
    );
}
