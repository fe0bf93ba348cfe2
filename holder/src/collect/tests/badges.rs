//! Badges beside documents: kept with them, and never instead of them.

use core::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::{env, fs, process};

use rand_core::{TryCryptoRng, TryRng};
use serde_json::{Value, json};

use super::*;
use crate::collect::BadgeFault;
use crate::wallet::{Record, Wallet};

/// A folder that is removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = env::temp_dir().join(format!("mdoc-badges-{name}-{}", process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn wallet(&self) -> Wallet<'static> {
        let master = SecretKey::generate(Curve::P256, &mut rng(99));
        Wallet::open(&self.0, master, &RustCrypto).unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// As an issuer draws it; a PNG of one pixel begins with these octets.
fn badge(inside: &str) -> Value {
    json!({ "front": {
        "svg": format!("<svg xmlns=\"http://www.w3.org/2000/svg\">{inside}</svg>"),
        "png": "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAAA",
    } })
}

fn svg(received: &Received) -> Option<Result<&str, BadgeFault>> {
    Some(received.badge()?.map(|badge| badge.front.svg.as_str()))
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
    let folder = Folder::new("bad");
    let wallet = folder.wallet();
    let hostile: String = (0..100_000).map(|at| format!(" a{at}=''")).collect();
    for bad in ["<script>alert(1)</script>", &format!("<path{hostile}/>")] {
        let mut world = World::new();
        world.issuer.badge = Some(badge(bad));
        let received = world.received(1);
        let mut record = requested(&received);
        let fault = wallet.keep(&mut record, &received, &mut rng(1)).unwrap();
        assert_eq!(fault.unwrap().to_string(), BadgeFault::Active.to_string());
        assert_eq!((record.count(), &record.badge), ((1, 1), &None));
        let read = wallet.read(&record.id).unwrap();
        assert_eq!((read.count(), read.badge), ((1, 1), None));
    }
    let mut world = World::new();
    world.issuer.badge = Some(json!("no badge at all"));
    assert_eq!(svg(&world.received(1)), None);
}

/// Random numbers for one writing; the next does not end well.
struct Once(bool);

impl TryRng for Once {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        unreachable!("octets are asked for");
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        unreachable!("octets are asked for");
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        assert!(!self.0, "the program crashes");
        self.0 = true;
        bytes.fill(7);
        Ok(())
    }
}

impl TryCryptoRng for Once {}

#[test]
fn documents_are_on_the_disk_before_anything_is_done_with_the_badge() {
    let folder = Folder::new("first");
    let wallet = folder.wallet();
    let mut world = World::new();
    world.issuer.badge = Some(badge("<title>Doe</title>"));
    let received = world.received(2);
    let mut record = requested(&received);
    let mut once = Once(false);
    let crash = catch_unwind(AssertUnwindSafe(|| {
        wallet.keep(&mut record, &received, &mut once)
    }));
    assert!(crash.is_err());
    let read = wallet.read(&record.id).unwrap();
    assert_eq!((read.count(), read.badge), ((2, 2), None));
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
    let folder = Folder::new("anew");
    let wallet = folder.wallet();
    let mut world = World::new();
    world.issuer.badge = Some(badge("<title>Doe</title>"));
    let first = world.received(1);
    let mut record = requested(&first);
    assert!(wallet.keep(&mut record, &first, &mut rng(1)).unwrap().is_none());
    let kept = |record: &Record| record.badge.as_ref().map(|badge| badge.front.svg.clone());
    assert!(kept(&record).unwrap().contains("Doe"));
    for (sent, expected) in [(Some("Roe"), Some("Roe")), (None, None)] {
        world.issuer.badge = sent.map(|name| badge(&format!("<title>{name}</title>")));
        let received = refreshed(&mut world, &record);
        assert!(
            wallet
                .keep(&mut record, &received, &mut rng(2))
                .unwrap()
                .is_none()
        );
        let record = wallet.read(&record.id).unwrap();
        assert_eq!(record.count(), (1, 1));
        match (kept(&record), expected) {
            (Some(svg), Some(name)) => assert!(svg.contains(name) && !svg.contains("Doe"), "{svg}"),
            (None, None) => {}
            other => panic!("{other:?}"),
        }
    }
}
