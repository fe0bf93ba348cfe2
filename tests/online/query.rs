//! The issuer's own status query, of an issuer that answers as a test says.

use core::sync::atomic::{AtomicUsize, Ordering};
use std::io;
use std::sync::{Arc, Mutex};

use mdoc_verifier::online::StatusQuery;
use serde_json::json;
use zeroize::Zeroizing;

use super::net::Hosts;
use super::server::answer;
use super::*;

const ISSUER: &str = "https://status.utopia.example";

/// What the issuer answers with: a status and a body.
type Answers = Arc<Mutex<(u16, String)>>;

/// An issuer with a list, who can be asked.
struct Asked {
    scene: Scene,
    queries: Vec<StatusQuery>,
    says: Answers,
    tokens: Arc<AtomicUsize>,
}

impl Asked {
    fn new(seed: u8) -> Self {
        let scene = Scene::new(seed);
        let says: Answers = Arc::default();
        let tokens = Arc::new(AtomicUsize::new(0));
        serve(&scene.net.hosts, &says, &tokens);
        let secret = Zeroizing::new("s3cret".to_owned());
        let queries = vec![StatusQuery::new(ISSUER, "gate-7", secret).unwrap()];
        let asked = Self {
            scene,
            queries,
            says,
            tokens,
        };
        asked.stands("valid");
        asked
    }

    /// What the issuer says from now on.
    fn stands(&self, word: &str) {
        self.answers(
            200,
            &json!({ "status": word, "at": self.scene.world.now.to_string() }),
        );
    }

    fn answers(&self, status: u16, body: &Value) {
        *self.says.lock().unwrap() = (status, body.to_string());
    }

    fn after(&self, later: Duration) -> Said {
        let (cache, now) = (self.scene.folder.cache(), self.scene.world.now.plus(later));
        let online = Online {
            queries: &self.queries,
            ..self.scene.net.online(&cache, &now)
        };
        Said::of(&self.scene.judged_by(&online, required(), now))
    }

    fn now(&self) -> Said {
        self.after(Duration::ZERO)
    }

    fn tokens(&self) -> usize {
        self.tokens.load(Ordering::SeqCst)
    }
}

/// Tokens number one, two and so on, of which the last is good.
fn serve(hosts: &Hosts, says: &Answers, tokens: &Arc<AtomicUsize>) {
    let counted = Arc::clone(tokens);
    let token = move |seen: &server::Seen, out: &mut dyn Write| {
        let known = seen.header("authorization") == Some("Basic Z2F0ZS03OnMzY3JldA==")
            && seen.body == b"grant_type=client_credentials&scope=status";
        if !known {
            return answer(out, 401, &[], br#"{"error":"invalid_client"}"#);
        }
        let number = counted.fetch_add(1, Ordering::SeqCst) + 1;
        let body = json!({ "access_token": format!("t{number}"), "token_type": "Bearer", "expires_in": 300 });
        answer(out, 200, &[], body.to_string().as_bytes())
    };
    hosts.made(&format!("{ISSUER}/oauth/token"), Page::Made(Arc::new(token)));
    let (says, counted) = (Arc::clone(says), Arc::clone(tokens));
    let status = move |seen: &server::Seen, out: &mut dyn Write| -> io::Result<()> {
        let good = format!("Bearer t{}", counted.load(Ordering::SeqCst));
        if seen.header("authorization") != Some(&good) {
            return answer(out, 401, &[], b"");
        }
        let asked: Value = serde_json::from_slice(&seen.body).unwrap();
        assert_eq!(asked, json!({ "status_list": { "uri": URI, "idx": INDEX } }));
        let (status, body) = says.lock().unwrap().clone();
        answer(out, status, &[], body.as_bytes())
    };
    hosts.made(&format!("{ISSUER}/api/v1/status"), Page::Made(Arc::new(status)));
}

#[test]
fn the_issuer_says_at_once_what_a_list_that_is_kept_does_not() {
    let asked = Asked::new(90);
    let first = said(
        true,
        "valid",
        "crl fetched, status-query fetched, status-list fetched",
    );
    assert_eq!(asked.now(), first);
    for (word, found) in [
        ("disabled", "suspended"),
        ("cancelled", "revoked"),
        ("expired", "expired"),
    ] {
        asked.stands(word);
        let line = "crl kept, status-query fetched, status-list kept";
        assert_eq!(asked.now(), said(false, found, line));
    }
    asked.stands("unknown");
    let line = "crl kept, status-query fetched, status-list kept";
    assert_eq!(asked.now(), said(false, "unknown", line));
    assert_eq!(asked.tokens(), 1, "a token is used as long as it is good");
}

#[test]
fn what_was_signed_against_a_document_needs_a_signature_to_be_taken_back() {
    let asked = Asked::new(91);
    asked.scene.says(Bits::Two, 2);
    asked.stands("disabled");
    let line = "crl fetched, status-query fetched, status-list fetched";
    assert_eq!(asked.now(), said(false, "suspended", line));
    // Good again, and in the list that is kept it is not: the list is asked for again, though it is not due.
    asked.stands("valid");
    let line = "crl kept, status-query fetched, status-list confirmed";
    assert_eq!(asked.now(), said(false, "suspended", line));
    asked.scene.says(Bits::One, 0);
    let line = "crl kept, status-query fetched, status-list fetched";
    assert_eq!(asked.now(), said(true, "valid", line));
}

#[test]
fn a_document_without_a_list_is_known_by_the_query_alone() {
    let asked = Asked::new(92);
    asked.scene.net.hosts.remove(URI);
    let line = "crl fetched, status-query fetched, status-list missing online.status";
    assert_eq!(asked.now(), said(true, "valid", line));
}

#[test]
fn a_token_that_is_over_is_renewed_once() {
    let asked = Asked::new(93);
    asked.now();
    // The issuer has forgotten the first.
    asked.tokens.store(7, Ordering::SeqCst);
    let line = "crl kept, status-query fetched, status-list kept";
    assert_eq!(asked.now(), said(true, "valid", line));
    assert_eq!(asked.tokens(), 8);
    // Whoever takes none at all is not asked for ever.
    asked.answers(401, &json!({}));
    let seen = asked.scene.net.asked();
    let line = "crl kept, status-query missing online.query-credentials, status-list kept";
    assert_eq!(asked.now(), said(true, "valid", line));
    assert_eq!(asked.scene.net.asked() - seen, 3);
}

#[test]
fn an_answer_that_is_none_is_told_and_counts_for_nothing() {
    let mut asked = Asked::new(94);
    let now = asked.scene.world.now;
    let of = |word: &str, at: Timestamp| json!({ "status": word, "at": at.to_string() });
    let half_an_hour = Duration::from_secs(1800);
    for (status, body, code) in [
        (403, json!({}), "online.query-scope"),
        (500, json!({}), "online.status"),
        (302, json!({}), "online.redirect"),
        (200, json!({}), "online.query-answer"),
        (200, of("perhaps", now), "online.query-answer"),
        (
            200,
            json!({ "status": "valid", "at": "noon" }),
            "online.query-answer",
        ),
        (200, of("valid", now.minus(half_an_hour)), "online.query-time"),
        (200, of("valid", now.plus(half_an_hour)), "online.query-time"),
        (
            200,
            json!({ "status": "valid", "pad": "x".repeat(20_000) }),
            "online.too-large",
        ),
    ] {
        asked.answers(status, &body);
        let Said(accepted, word, line) = asked.now();
        assert_eq!((accepted, word), (true, "valid"), "by the list: {body}");
        assert!(line.contains(&format!("status-query missing {code}")), "{line}");
    }
    asked.stands("valid");
    let secret = Zeroizing::new("another".to_owned());
    asked.queries = vec![StatusQuery::new(ISSUER, "gate-7", secret).unwrap()];
    let line = "crl kept, status-query missing online.query-credentials, status-list kept";
    assert_eq!(asked.now(), said(true, "valid", line));
}

#[test]
fn nobody_else_is_asked_and_nobody_about_what_is_refused() {
    let mut asked = Asked::new(95);
    let secret = || Zeroizing::new("s3cret".to_owned());
    for other in [
        "https://status.utopia.exam",
        "https://other.example",
        "http://localhost",
    ] {
        asked.queries = vec![StatusQuery::new(other, "gate-7", secret()).unwrap()];
        let Said(_, _, line) = asked.now();
        assert!(!line.contains("status-query"), "{line}");
    }
    asked.queries = vec![StatusQuery::new(ISSUER, "gate-7", secret()).unwrap()];
    asked.scene.document.truncate(100);
    let (cache, now) = (asked.scene.folder.cache(), asked.scene.world.now);
    let online = Online {
        queries: &asked.queries,
        ..asked.scene.net.online(&cache, &now)
    };
    assert!(asked.scene.judged_by(&online, required(), now).sources.is_empty());
    // Nor anybody without the network.
    let asked = Asked::new(95);
    let (cache, now) = (asked.scene.folder.cache(), asked.scene.world.now);
    let online = Online {
        fetch: None,
        queries: &asked.queries,
        ..asked.scene.net.online(&cache, &now)
    };
    let Said(_, _, line) = Said::of(&asked.scene.judged_by(&online, required(), now));
    assert!(line.contains("status-query missing online.offline"), "{line}");
    assert_eq!(asked.tokens(), 0);
}
