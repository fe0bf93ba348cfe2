//! Badges beside documents: kept with them, and never instead of them.

use serde_json::{Value, json};

use super::*;
use crate::collect::BadgeFault;
use crate::wallet::Record;

/// As an issuer draws it; a PNG of one pixel begins with these octets.
fn badge(inside: &str) -> Value {
    json!({ "front": {
        "svg": format!("<svg xmlns=\"http://www.w3.org/2000/svg\">{inside}</svg>"),
        "png": "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAAA",
    } })
}

fn svg(received: &Received) -> Option<Result<&str, BadgeFault>> {
    let badge = received.badge()?.as_ref();
    Some(
        badge
            .map(|badge| badge.front.svg.as_str())
            .map_err(|fault| *fault),
    )
}

#[test]
fn a_badge_comes_with_the_documents_in_the_open_and_encrypted() {
    for encrypted in [false, true] {
        let mut world = World::new();
        world.issuer.encrypted = encrypted;
        world.issuer.badge = Some(badge("<title>Doe</title>"));
        let received = world.received(2);
        assert_eq!(received.copies().len(), 2);
        assert!(svg(&received).unwrap().unwrap().contains("Doe"));
    }
}

#[test]
fn what_comes_later_comes_with_its_badge() {
    let mut world = World::new();
    world.issuer.pending = 1;
    world.issuer.badge = Some(badge("<title>Doe</title>"));
    let Given::Later(pending) = world.given(1).unwrap() else {
        panic!("now");
    };
    let Given::Now(collected) = world.run(pending.ask().unwrap()).unwrap() else {
        panic!("later");
    };
    let Outcome::Received(received) = world.judged(collected) else {
        panic!("unusable");
    };
    assert!(svg(&received).unwrap().is_ok());
}

#[test]
fn a_badge_that_does_something_is_not_kept_and_the_document_is() {
    let mut world = World::new();
    world.issuer.badge = Some(badge("<script>alert(1)</script>"));
    let received = world.received(1);
    assert_eq!(svg(&received), Some(Err(BadgeFault::Active)));
    let mut record = requested(&received);
    assert_eq!(record.take(&received), Some(BadgeFault::Active));
    assert_eq!((record.count(), record.badge), ((1, 1), None));
    let mut world = World::new();
    world.issuer.badge = Some(json!("no badge at all"));
    assert_eq!(svg(&world.received(1)), None);
}

fn requested(received: &Received) -> Record {
    let keys: Vec<SecretKey> = received.copies().iter().map(|copy| copy.key.clone()).collect();
    let now = Timestamp::parse(NOW).unwrap();
    Record::requested("k3mq7w2a".to_owned(), received.session(), &keys, now)
}

fn refreshed(world: &mut World, record: &Record) -> Received {
    let refresh = record.session.clone().unwrap().refresh().unwrap();
    let session = world.run(refresh).unwrap();
    let keys = record.copies.iter().map(|copy| copy.key.clone()).collect();
    let Given::Now(collected) = world.run(session.documents(keys).unwrap()).unwrap() else {
        panic!("later");
    };
    match world.judged(collected) {
        Outcome::Received(received) => received,
        Outcome::Unusable(unusable) => panic!("{}", unusable.fault()),
    }
}

#[test]
fn what_is_fetched_anew_replaces_the_badge_of_before() {
    let mut world = World::new();
    world.issuer.badge = Some(badge("<title>Doe</title>"));
    let first = world.received(1);
    let mut record = requested(&first);
    assert_eq!(record.take(&first), None);
    let kept = |record: &Record| record.badge.as_ref().map(|badge| badge.front.svg.clone());
    assert!(kept(&record).unwrap().contains("Doe"));
    for (sent, expected) in [(Some("Roe"), Some("Roe")), (None, None)] {
        world.issuer.badge = sent.map(|name| badge(&format!("<title>{name}</title>")));
        let received = refreshed(&mut world, &record);
        assert_eq!(record.take(&received), None);
        assert_eq!(record.count(), (1, 1));
        match (kept(&record), expected) {
            (Some(svg), Some(name)) => assert!(svg.contains(name) && !svg.contains("Doe"), "{svg}"),
            (None, None) => {}
            other => panic!("{other:?}"),
        }
    }
}
