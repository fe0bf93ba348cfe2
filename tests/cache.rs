//! Verifying with the chains of earlier verifications at hand: the same reports, with a signature less to check.

use std::sync::atomic::{AtomicUsize, Ordering};

use integration::corpus::Case;
use integration::forgery::Forgery;
use integration::world::{World, at, licence};
use mdoc_core::crypto::{Backend, CryptoError, DigestAlgorithm, Layer, PublicKey, RustCrypto};
use mdoc_core::verify::{ChainCache, Form, Inputs, Outcome, Policy, Report, verify};
use mdoc_core::x509::build::{ListTerms, RevokedSerial, build_crl};
use mdoc_core::x509::path::TrustAnchor;

/// Counts the signatures that are checked.
#[derive(Default)]
struct Counting(AtomicUsize);

impl Counting {
    /// How many since it was asked last.
    fn taken(&self) -> usize {
        self.0.swap(0, Ordering::Relaxed)
    }
}

impl Layer for Counting {
    fn below(&self) -> &dyn Backend {
        &RustCrypto
    }

    fn verify(
        &self,
        key: &PublicKey,
        digest: DigestAlgorithm,
        message: &[&[u8]],
        signature: &[u8],
    ) -> Result<(), CryptoError> {
        self.0.fetch_add(1, Ordering::Relaxed);
        RustCrypto.verify(key, digest, message, signature)
    }
}

/// Everything a report says, and the elements it gives out.
fn said(report: &Report<'_>) -> String {
    let each = report.documents().iter().map(|document| {
        let elements = document
            .accept()
            .map(|accepted| format!("{:?}", accepted.elements()));
        format!("{:?} {:?} {elements:?}", document.doc_type(), document.steps())
    });
    each.collect::<Vec<_>>().join("\n")
}

fn code(report: &Report<'_>, step: &str) -> String {
    let steps = report.documents()[0].steps();
    let step = steps.iter().find(|line| line.check.id() == step).unwrap();
    match step.outcome {
        Outcome::Passed => "passed".to_owned(),
        _ => step.code().to_owned(),
    }
}

fn cached<'a>(world: &'a World, cache: &'a ChainCache, backend: &'a Counting) -> Inputs<'a> {
    Inputs {
        cache: Some(cache),
        anchors: cache.anchors(),
        backend,
        ..world.inputs()
    }
}

fn response(world: &World) -> Vec<u8> {
    world.present(&world.issue().sign()).response()
}

#[test]
fn a_second_document_of_a_signer_needs_a_signature_less_and_has_the_same_report() {
    let (world, backend) = (World::new(40), Counting::default());
    let cache = ChainCache::new(world.anchors.clone());
    let bytes = response(&world);
    let inputs = cached(&world, &cache, &backend);
    let first = said(&verify(&bytes, Form::DeviceResponse, &inputs));
    assert_eq!((backend.taken(), cache.len()), (3, 1), "chain, issuer, device");
    let second = verify(&bytes, Form::DeviceResponse, &inputs);
    assert!(second.accepted());
    assert_eq!((backend.taken(), cache.len()), (2, 1), "issuer, device");
    assert_eq!(said(&second), first);
    let without = Inputs {
        cache: None,
        ..inputs
    };
    assert_eq!(said(&verify(&bytes, Form::DeviceResponse, &without)), first);
    assert_eq!(backend.taken(), 3);
}

#[test]
fn every_fault_of_the_corpus_is_reported_the_same_with_the_chains_of_an_earlier_verification() {
    let mut compared = 0;
    for (name, case) in Case::all() {
        for policy in [Policy::STANDARD, Policy::STRICT] {
            case.with_inputs(policy, |inputs, form| {
                let plain = said(&verify(&case.document, form, inputs));
                let cache = ChainCache::new(inputs.anchors.to_vec());
                let with = Inputs {
                    cache: Some(&cache),
                    anchors: cache.anchors(),
                    ..*inputs
                };
                for time in ["first", "second", "third"] {
                    let report = verify(&case.document, form, &with);
                    assert_eq!(said(&report), plain, "{name}, the {time} time");
                }
                compared += 1;
            });
        }
    }
    assert!(compared > 200, "only {compared} reports");
}

#[test]
fn a_signer_and_an_authority_that_expire_after_they_were_kept_are_expired() {
    let (world, backend) = (World::new(41), Counting::default());
    let cache = ChainCache::new(world.anchors.clone());
    let bytes = response(&world);
    let mut inputs = cached(&world, &cache, &backend);
    assert!(verify(&bytes, Form::DeviceResponse, &inputs).accepted());
    for (now, signer, authority) in [
        ("2027-01-01T00:00:01Z", "ds.expired", "passed"),
        ("2045-01-01T00:00:01Z", "ds.expired", "iaca.expired"),
        ("2025-06-01T00:00:00Z", "ds.not-yet-valid", "passed"),
        ("2024-12-31T23:59:59Z", "ds.not-yet-valid", "iaca.not-yet-valid"),
    ] {
        inputs.now = at(now);
        let report = verify(&bytes, Form::DeviceResponse, &inputs);
        let found = (code(&report, "ds-validity"), code(&report, "iaca-validity"));
        assert_eq!(found, (signer.to_owned(), authority.to_owned()), "{now}");
        assert!(!report.accepted());
    }
    inputs.now = world.now;
    assert!(verify(&bytes, Form::DeviceResponse, &inputs).accepted());
}

#[test]
fn a_signer_that_is_revoked_after_it_was_kept_is_revoked() {
    let (world, backend) = (World::new(42), Counting::default());
    let cache = ChainCache::new(world.anchors.clone());
    let bytes = response(&world);
    let inputs = cached(&world, &cache, &backend);
    assert!(verify(&bytes, Form::DeviceResponse, &inputs).accepted());
    let list = |revoked: &[RevokedSerial]| {
        let terms = ListTerms {
            this_update: at("2026-05-20T00:00:00Z"),
            next_update: at("2026-07-01T00:00:00Z"),
            number: 1,
        };
        [build_crl(&world.iaca, &world.iaca_key, revoked, terms).unwrap()]
    };
    let revoked = RevokedSerial {
        serial_number: world.ds.serial_number().to_vec(),
        at: at("2026-05-10T00:00:00Z"),
    };
    for (lists, expected) in [
        (list(&[]), "passed"),
        (list(&[revoked]), "ds.revoked"),
        (list(&[]), "passed"),
    ] {
        let inputs = Inputs {
            revocation_lists: &lists,
            ..inputs
        };
        let report = verify(&bytes, Form::DeviceResponse, &inputs);
        assert_eq!(code(&report, "ds-revocation"), expected);
        assert_eq!(report.accepted(), expected == "passed");
    }
}

#[test]
fn a_cache_is_nothing_to_whoever_trusts_others() {
    let (world, backend) = (World::new(43), Counting::default());
    let cache = ChainCache::new(world.anchors.clone());
    let bytes = response(&world);
    assert!(verify(&bytes, Form::DeviceResponse, &cached(&world, &cache, &backend)).accepted());
    backend.taken();
    let others = [TrustAnchor::new(world.stranger.clone())];
    let same_again = world.anchors.clone();
    for (anchors, accepted, signatures) in [(&others[..], false, 2), (&[], false, 2), (&same_again, true, 3)]
    {
        let inputs = Inputs {
            anchors,
            ..cached(&world, &cache, &backend)
        };
        let report = verify(&bytes, Form::DeviceResponse, &inputs);
        assert_eq!(report.accepted(), accepted);
        assert_eq!(backend.taken(), signatures, "the cache is left aside");
        assert_eq!(code(&report, "ds-chain") == "passed", accepted);
    }
    assert_eq!(cache.len(), 1);
}

#[test]
fn what_was_kept_for_one_type_of_document_is_judged_again_for_another() {
    let (world, backend) = (World::new(44), Counting::default());
    let for_licences = TrustAnchor {
        doc_types: Some(vec!["org.iso.18013.5.1.mDL".to_owned()]),
        ..world.anchors[0].clone()
    };
    let cache = ChainCache::new(vec![for_licences]);
    let licence_bytes = world.issue().sign();
    let other_bytes = world.issue().document("com.example.pass", licence()).sign();
    let inputs = cached(&world, &cache, &backend);
    let plain = Inputs {
        cache: None,
        ..inputs
    };
    for _ in 0..2 {
        for (bytes, eku, anchor) in [
            (&licence_bytes, "passed", "passed"),
            (&other_bytes, "not-done.not-applicable", "anchor.doctype"),
        ] {
            let report = verify(bytes, Form::IssuerSigned, &inputs);
            assert_eq!(code(&report, "ds-eku"), eku);
            assert_eq!(code(&report, "anchor-doctype"), anchor);
            assert_eq!(said(&report), said(&verify(bytes, Form::IssuerSigned, &plain)));
        }
    }
}

#[test]
fn a_chain_that_failed_is_not_kept() {
    let (world, backend) = (World::new(45), Counting::default());
    let cache = ChainCache::new(world.anchors.clone());
    let inputs = cached(&world, &cache, &backend);
    // The signer of another country under the name of this one: no trusted key made its certificate.
    let other = World::new(46);
    let mut forged = Forgery::of(&world, &response(&world));
    forged.certificates(&[&other.ds]);
    let forged = forged.encode();
    for _ in 0..3 {
        let report = verify(&forged, Form::DeviceResponse, &inputs);
        assert_eq!(code(&report, "ds-chain"), "chain.signature");
        assert!(cache.is_empty());
    }
    // Certificates that nobody needs could be varied without end.
    let mut padded = Forgery::of(&world, &response(&world));
    padded.certificates(&[&world.ds, &other.ds]);
    assert!(verify(&padded.encode(), Form::DeviceResponse, &inputs).accepted());
    assert!(cache.is_empty());
    let mut with_root = Forgery::of(&world, &response(&world));
    with_root.certificates(&[&world.ds, &world.iaca]);
    assert!(verify(&with_root.encode(), Form::DeviceResponse, &inputs).accepted());
    assert_eq!(cache.len(), 1, "the root is as good as known");
    // The chain is known with its root: alone it is another chain, and takes its place.
    let alone = response(&world);
    backend.taken();
    for signatures in [3, 2] {
        assert!(verify(&alone, Form::DeviceResponse, &inputs).accepted());
        assert_eq!((backend.taken(), cache.len()), (signatures, 1));
    }
}

#[test]
fn the_chain_that_was_not_used_for_longest_makes_room() {
    let backend = Counting::default();
    let worlds = [47, 48, 49].map(World::new);
    let anchors = worlds.iter().map(|world| world.anchors[0].clone()).collect();
    let cache = ChainCache::with_room(anchors, 2);
    let bytes = worlds.each_ref().map(response);
    let signatures = |at: usize| {
        let inputs = cached(&worlds[at], &cache, &backend);
        assert!(
            verify(&bytes[at], Form::DeviceResponse, &inputs).accepted(),
            "{at}"
        );
        backend.taken()
    };
    // Roots of one name: each that is tried is a signature to check.
    let (a, b, again) = (signatures(0), signatures(1), signatures(0));
    assert!(a > 2 && b > 2 && again == 2, "{a} {b} {again}");
    assert!(signatures(2) > 2);
    assert_eq!(cache.len(), 2);
    assert_eq!(signatures(0), 2, "used last but one");
    assert!(signatures(1) > 2, "had to make room");
    let none = ChainCache::with_room(worlds[0].anchors.clone(), 0);
    let inputs = cached(&worlds[0], &none, &backend);
    assert!(verify(&bytes[0], Form::DeviceResponse, &inputs).accepted());
    assert!(none.is_empty());
}

#[test]
fn several_threads_use_one_cache() {
    let (world, backend) = (World::new(50), Counting::default());
    let cache = ChainCache::with_room(world.anchors.clone(), 1);
    let bytes = response(&world);
    let plain = said(&verify(&bytes, Form::DeviceResponse, &world.inputs()));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..5 {
                    let report = verify(&bytes, Form::DeviceResponse, &cached(&world, &cache, &backend));
                    assert_eq!(said(&report), plain);
                }
            });
        }
    });
    assert_eq!(cache.len(), 1);
    let checked = backend.taken();
    assert!(
        (41..=44).contains(&checked),
        "{checked}: once for each thread at the most"
    );
}
