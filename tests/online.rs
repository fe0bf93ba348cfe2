//! What a verifier asks for over the network: of a real server, over real HTTP.

mod certificates;
mod net;
mod program;
mod query;
mod refused;
#[path = "../verifier/src/online/server.rs"]
pub(crate) mod server;

use core::time::Duration;
use std::io::Write;
use std::sync::Arc;

use integration::statuses::{self, INDEX, URI, claims, reference, sign};
use integration::world::World;
use mdoc_core::mso::{IdentifierListReference, Status};
use mdoc_core::seams::Clock as _;
use mdoc_core::status::{
    Bits, Content, IDENTIFIER_LIST_CWT, IdentifierList, STATUS_LIST_CWT, STATUS_LIST_JWT, StatusList,
};
use mdoc_core::time::Timestamp;
use mdoc_core::verify::{Check, Form, Inputs, Policy, StatusPolicy};
use mdoc_core::x509::build::{ListTerms, RevokedSerial, build_crl};
use mdoc_core::x509::revocation::RevocationList;
use mdoc_verifier::online::{Judged, MOST_QUESTIONS, Online};
use mdoc_verifier::show;
use net::{Folder, Net, Page};
use serde_json::Value;

/// Where the revocation list of everybody in this country is.
const CRL: &str = "https://utopia.example/crl";

const HOUR: Duration = Duration::from_secs(3600);

/// A country with a network, a folder of answers, and a licence that refers to a list.
struct Scene {
    world: World,
    net: Net,
    folder: Folder,
    document: Vec<u8>,
}

impl Scene {
    fn new(seed: u8) -> Self {
        let world = World::new(seed);
        let (net, folder) = (Net::new(), Folder::new());
        net.hosts.put(CRL, "application/pkix-crl", crl(&world, &[]).der());
        net.hosts
            .put(URI, STATUS_LIST_CWT, &sign(&world, &claims(&world, Bits::One, 0)));
        let document = world.issue().status(reference()).sign();
        Self {
            world,
            net,
            folder,
            document,
        }
    }

    /// Puts up a list that says so of the document.
    fn says(&self, bits: Bits, value: u8) {
        let list = sign(&self.world, &claims(&self.world, bits, value));
        self.net.hosts.put(URI, STATUS_LIST_CWT, &list);
    }

    fn judged_by<'s>(&'s self, online: &Online<'_>, policy: Policy, now: Timestamp) -> Judged<'s> {
        let inputs = Inputs {
            policy,
            now,
            ..self.world.inputs()
        };
        online.verify(&self.document, Form::IssuerSigned, &inputs)
    }

    /// Judged with the network, so long after everything was made.
    fn after(&self, later: Duration) -> Said {
        let (cache, now) = (self.folder.cache(), self.world.now.plus(later));
        Said::of(&self.judged_by(&self.net.online(&cache, &now), required(), now))
    }

    /// The same without the network.
    fn offline(&self, later: Duration) -> Said {
        let (cache, now) = (self.folder.cache(), self.world.now.plus(later));
        let online = Online {
            fetch: None,
            ..self.net.online(&cache, &now)
        };
        Said::of(&self.judged_by(&online, required(), now))
    }
}

const fn required() -> Policy {
    Policy::STANDARD
        .with_status(StatusPolicy::Require)
        .with_revocation_required(true)
}

/// What came of it: whether it is accepted, the status in a word, and a line for each source.
#[derive(Debug, PartialEq, Eq)]
struct Said(bool, &'static str, String);

impl Said {
    fn of(judged: &Judged<'_>) -> Self {
        let document = &judged.report.documents()[0];
        let sources = judged.sources.iter().map(|source| {
            let code = source.supply.problem().map_or("", |problem| problem.code());
            format!("{} {} {code}", source.kind.id(), source.supply.id())
                .trim()
                .to_owned()
        });
        assert_eq!(judged.not_kept, None);
        let sources: Vec<_> = sources.collect();
        Self(
            document.accepted(),
            show::status_word(document).unwrap_or("-"),
            sources.join(", "),
        )
    }
}

fn said(accepted: bool, word: &'static str, sources: &str) -> Said {
    Said(accepted, word, sources.to_owned())
}

fn crl(world: &World, revoked: &[&[u8]]) -> RevocationList {
    crl_of(world, revoked, world.now.minus(HOUR), 1)
}

fn crl_of(world: &World, revoked: &[&[u8]], this_update: Timestamp, number: u64) -> RevocationList {
    let entries: Vec<_> = revoked
        .iter()
        .map(|serial| RevokedSerial {
            serial_number: serial.to_vec(),
            at: this_update,
        })
        .collect();
    let terms = ListTerms {
        this_update,
        next_update: this_update.plus(30 * 24 * HOUR),
        number,
    };
    build_crl(&world.iaca, &world.iaca_key, &entries, terms).unwrap()
}

#[test]
fn valid_revoked_and_suspended_come_from_the_network_and_are_kept() {
    let scene = Scene::new(71);
    let both = "crl fetched, status-list fetched";
    assert_eq!(scene.after(Duration::ZERO), said(true, "valid", both));
    assert_eq!(scene.net.asked(), 2);
    let seen = scene.net.server.seen();
    assert_eq!(
        seen[1].header("accept"),
        Some("application/statuslist+cwt, application/statuslist+jwt;q=0.5")
    );
    // The second document of that issuer, or the same again: nobody is asked.
    assert_eq!(
        scene.after(HOUR),
        said(true, "valid", "crl kept, status-list kept")
    );
    assert_eq!(
        scene.offline(HOUR),
        said(true, "valid", "crl kept, status-list kept")
    );
    assert_eq!(scene.net.asked(), 2);
    for (bits, value, word) in [
        (Bits::One, 1, "revoked"),
        (Bits::Two, 2, "suspended"),
        (Bits::Four, 12, "application-specific"),
    ] {
        let scene = Scene::new(71);
        scene.says(bits, value);
        assert_eq!(scene.after(Duration::ZERO), said(false, word, both));
        assert_eq!(
            scene.offline(Duration::ZERO),
            said(false, word, "crl kept, status-list kept")
        );
    }
}

#[test]
fn what_is_kept_is_asked_for_again_when_it_is_due_and_used_until_it_expires() {
    let scene = Scene::new(72);
    scene.after(Duration::ZERO);
    // The list is to be kept for two hours: its server confirms it then, and it is good for two more.
    assert_eq!(
        scene.after(2 * HOUR),
        said(true, "valid", "crl kept, status-list confirmed")
    );
    assert_eq!(
        scene.after(3 * HOUR),
        said(true, "valid", "crl kept, status-list kept")
    );
    // Due, and the server is away: stale, which is neither valid nor unknown, and says so.
    scene.net.hosts.remove(URI);
    let stale = said(true, "stale", "crl kept, status-list kept-old online.status");
    assert_eq!(scene.after(5 * HOUR), stale);
    let offline = said(true, "stale", "crl kept, status-list kept-old online.offline");
    assert_eq!(scene.offline(5 * HOUR), offline);
    // A newer one is there.
    scene.says(Bits::One, 1);
    assert_eq!(
        scene.after(6 * HOUR),
        said(false, "revoked", "crl kept, status-list fetched")
    );
    // After its end it says nothing any more.
    scene.net.hosts.remove(URI);
    let expired = said(
        false,
        "unknown",
        "crl kept-old online.offline, status-list missing online.offline",
    );
    assert_eq!(scene.offline(25 * HOUR), expired);
}

#[test]
fn what_is_not_known_counts_as_the_policy_says() {
    let scene = Scene::new(73);
    scene.net.hosts.remove(URI);
    scene.net.hosts.remove(CRL);
    let (cache, now) = (scene.folder.cache(), scene.world.now);
    let online = scene.net.online(&cache, &now);
    let missing = "crl missing online.status, status-list missing online.status";
    let of = |policy| {
        let judged = scene.judged_by(&online, policy, now);
        let document = &judged.report.documents()[0];
        let codes: Vec<_> = document.failures().map(|step| step.code().to_owned()).collect();
        (Said::of(&judged), codes.join(" "))
    };
    let prefer = Policy::STANDARD.with_status(StatusPolicy::Prefer);
    assert_eq!(of(prefer), (said(true, "unknown", missing), String::new()));
    let codes = "not-done.no-crl not-done.status-not-fetched".to_owned();
    assert_eq!(of(required()), (said(false, "unknown", missing), codes));
    let skip = Policy::STANDARD.with_status(StatusPolicy::Skip);
    assert_eq!(of(skip).0, said(true, "-", "crl missing online.status"));
    assert!(!scene.folder.0.exists(), "nothing was kept");
}

#[test]
fn nobody_learns_of_a_document_that_is_refused_anyway() {
    let mut scene = Scene::new(74);
    let whole = scene.document.clone();
    let at = whole.windows(8).position(|octets| octets == b"Utopia M").unwrap();
    scene.document[at] = b'X';
    assert_eq!(scene.after(Duration::ZERO), said(false, "unknown", ""));
    scene.document = whole;
    // Expired.
    assert_eq!(scene.after(40 * 24 * HOUR), said(false, "unknown", ""));
    // Of nobody who is trusted.
    let issuer = scene.world.anchors.clone();
    scene.world.anchors.clear();
    assert_eq!(scene.after(Duration::ZERO), said(false, "unknown", ""));
    scene.world.anchors = issuer;
    // Presented in another session.
    let response = scene.world.present(&scene.document).response();
    let (cache, now) = (scene.folder.cache(), scene.world.now);
    let online = scene.net.online(&cache, &now);
    let another = World::new(70).transcript;
    let inputs = Inputs {
        transcript: Some(&another),
        ..scene.world.inputs()
    };
    let judged = online.verify(&response, Form::DeviceResponse, &inputs);
    assert_eq!(Said::of(&judged), said(false, "unknown", ""));
    assert_eq!(scene.net.asked(), 0);
    let judged = online.verify(&response, Form::DeviceResponse, &scene.world.inputs());
    assert_eq!(
        Said::of(&judged),
        said(true, "valid", "crl fetched, status-list fetched")
    );
    // What is no response at all asks nothing either.
    assert!(
        !online
            .verify(b"\xff", Form::DeviceResponse, &scene.world.inputs())
            .report
            .accepted()
    );
    assert_eq!(scene.net.asked(), 2);
}

#[test]
fn lists_as_jwt_and_identifier_lists_are_fetched_too() {
    let mut scene = Scene::new(79);
    let (key, certificate) = statuses::signer(&scene.world);
    let jwt = claims(&scene.world, Bits::One, 1)
        .sign_jwt(&key, &[certificate.der()])
        .unwrap();
    scene.net.hosts.put(URI, STATUS_LIST_JWT, jwt.as_bytes());
    assert_eq!(
        scene.after(Duration::ZERO),
        said(false, "revoked", "crl fetched, status-list fetched")
    );

    let id = vec![7; 16];
    scene.document = scene
        .world
        .issue()
        .status(Status {
            identifier_list: Some(IdentifierListReference {
                id: id.clone(),
                uri: URI.to_owned(),
                certificate: None,
            }),
            ..Status::default()
        })
        .sign();
    let mut listed = claims(&scene.world, Bits::One, 0);
    for (identifiers, word) in [(vec![vec![8; 16]], "valid"), (vec![id], "revoked")] {
        listed.issued_at = listed.issued_at.plus(Duration::from_secs(1));
        listed.content = Content::IdentifierList(IdentifierList {
            identifiers: identifiers.into_iter().collect(),
            aggregation_uri: None,
        });
        scene
            .net
            .hosts
            .put(URI, IDENTIFIER_LIST_CWT, &sign(&scene.world, &listed));
        let later = if word == "valid" { Duration::ZERO } else { 3 * HOUR };
        let expected = said(word == "valid", word, "crl kept, identifier-list fetched");
        assert_eq!(scene.after(later), expected);
    }
    let seen = scene.net.server.seen();
    assert_eq!(seen.last().unwrap().header("accept"), Some(IDENTIFIER_LIST_CWT));
}

#[test]
fn status_lists_are_not_asked_for_without_tls_unless_that_is_allowed() {
    let mut scene = Scene::new(80);
    let uri = URI.replace("https://", "http://");
    let mut place = reference();
    place.status_list.as_mut().unwrap().uri.clone_from(&uri);
    scene.document = scene.world.issue().status(place).sign();
    let mut list = claims(&scene.world, Bits::One, 0);
    list.subject = uri;
    scene
        .net
        .hosts
        .put(URI, STATUS_LIST_CWT, &sign(&scene.world, &list));
    assert_eq!(
        scene.after(Duration::ZERO),
        said(
            false,
            "unknown",
            "crl fetched, status-list missing online.insecure"
        )
    );
    let (cache, now) = (scene.folder.cache(), scene.world.now);
    let online = Online {
        plain_status_lists: true,
        ..scene.net.online(&cache, &now)
    };
    let judged = scene.judged_by(&online, required(), now);
    assert_eq!(
        Said::of(&judged),
        said(true, "valid", "crl kept, status-list fetched")
    );
}

#[test]
fn all_questions_together_end_in_time() {
    let scene = Scene::new(81);
    let silent = Page::Made(Arc::new(|_: &server::Seen, out: &mut dyn Write| {
        for _ in 0..100 {
            std::thread::sleep(Duration::from_millis(100));
            out.write_all(b"")?;
        }
        Ok(())
    }));
    scene.net.hosts.made(CRL, silent.clone());
    scene.net.hosts.made(URI, silent);
    let (cache, now) = (scene.folder.cache(), scene.world.now);
    let online = Online {
        time: Duration::from_millis(700),
        ..scene.net.online(&cache, &now)
    };
    let began = std::time::Instant::now();
    let judged = scene.judged_by(&online, required(), now);
    assert!(began.elapsed() < Duration::from_secs(9), "{:?}", began.elapsed());
    assert_eq!(
        Said::of(&judged),
        said(
            false,
            "unknown",
            "crl missing online.time, status-list missing online.time"
        )
    );
}

#[test]
fn a_clock_that_was_put_back_makes_nothing_last_longer() {
    let scene = Scene::new(82);
    scene.after(HOUR);
    // An hour earlier than it was fetched: it is asked for again.
    assert_eq!(
        scene.after(Duration::ZERO),
        said(true, "valid", "crl confirmed, status-list confirmed")
    );
}

#[test]
fn a_response_of_many_documents_asks_for_each_list_once() {
    let scene = Scene::new(83);
    let one = scene.world.present(&scene.document).document();
    let documents = vec![one; 3];
    let response = mdoc_core::present::encode_response(&documents, &[]);
    let (cache, now) = (scene.folder.cache(), scene.world.now);
    let judged =
        scene
            .net
            .online(&cache, &now)
            .verify(&response, Form::DeviceResponse, &scene.world.inputs());
    assert_eq!(judged.report.documents().len(), 3);
    for document in judged.report.documents() {
        assert!(document.accepted());
        assert_eq!(show::status_word(document), Some("valid"));
    }
    assert_eq!(scene.net.asked(), 2);
}

#[test]
fn a_message_is_worth_so_many_questions() {
    let scene = Scene::new(85);
    let documents: Vec<Vec<u8>> = (0..40)
        .map(|number| {
            let mut place = reference();
            place.status_list.as_mut().unwrap().uri = format!("https://status.utopia.example/of/{number}");
            let issued = scene.world.issue().status(place).sign();
            scene.world.present(&issued).document()
        })
        .collect();
    let response = mdoc_core::present::encode_response(&documents, &[]);
    let (cache, now) = (scene.folder.cache(), scene.world.now);
    let online = scene.net.online(&cache, &now);
    let judged = online.verify(&response, Form::DeviceResponse, &scene.world.inputs());
    assert_eq!(scene.net.asked(), MOST_QUESTIONS);
    let codes = judged.sources.iter().filter_map(|source| source.supply.problem());
    let codes: Vec<_> = codes.map(|problem| problem.code()).collect();
    assert_eq!(codes.len(), 40);
    assert_eq!(
        codes.iter().filter(|code| **code == "online.too-many").count(),
        41 - MOST_QUESTIONS
    );
}

#[test]
fn a_report_tells_the_states_apart_in_text_and_json() {
    let scene = Scene::new(84);
    let (cache, now) = (scene.folder.cache(), scene.world.now);
    let online = scene.net.online(&cache, &now);
    let shown = |now: Timestamp| {
        let judged = scene.judged_by(&online, Policy::STANDARD, now);
        let json: Value = show::to_json(&judged.report)["documents"][0]["status"].clone();
        let text = show::to_text(&judged.report, show::Detail::Brief);
        let line = text
            .lines()
            .find(|line| line.starts_with("  status "))
            .map(str::to_owned);
        (json, line.unwrap_or_default(), text)
    };
    let (json, line, _) = shown(now.now());
    assert_eq!(
        json,
        serde_json::json!({
            "state": "valid", "message": "the document was not revoked", "by": "list", "issuedAt": "2026-06-01T11:00:00Z",
            "freshUntil": "2026-06-01T14:00:00Z", "usableUntil": "2026-06-02T12:00:00Z",
        })
    );
    let times = "by a list of 2026-06-01T11:00:00Z; a newer one is due from 2026-06-01T14:00:00Z, this one ends \
                 2026-06-02T12:00:00Z";
    assert_eq!(line, format!("  status    valid, {times}"));
    scene.net.hosts.remove(URI);
    let (json, line, text) = shown(now.plus(3 * HOUR));
    assert_eq!(
        (&json["state"], line),
        (&"stale".into(), format!("  status    stale, {times}"))
    );
    assert!(text.contains("[status.stale; "), "{text}");
    let (json, line, text) = shown(now.plus(25 * HOUR));
    assert_eq!(
        (&json["state"], &json["code"]),
        (&"unknown".into(), &"status-list.expired".into())
    );
    assert!(
        line.starts_with("  status    unknown: the status list has expired"),
        "{line}"
    );
    assert!(text.starts_with("ACCEPTED"), "{text}");
    let has = |check| {
        scene.judged_by(&online, Policy::STANDARD, now).report.documents()[0]
            .steps()
            .iter()
            .any(|step| step.check == check)
    };
    assert!(has(Check::Status));
}
