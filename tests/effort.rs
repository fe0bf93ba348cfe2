//! How much a message makes its receiver compute.

use integration::world::World;
use mdoc_core::crypto::{Curve, RustCrypto};
use mdoc_core::device_request::DeviceRequest;
use mdoc_core::limits::Limits;
use mdoc_core::present::encode_response;
use mdoc_core::verify::{Form, Inputs, Report, verify};
use mdoc_core::x509::path::{BrokenPath, TrustAnchor};
use mdoc_holder::question::{Question, Session};
use mdoc_holder::reader::{Distrust, Reader, ReaderFault, ReaderTrust};

/// A response with one document of that many times.
fn response(world: &World, documents: usize) -> Vec<u8> {
    let issued = world.issue().sign();
    let document = world.present(&issued).only(&["age_over_18"]).document();
    encode_response(&vec![document; documents], &[])
}

fn accepted(report: &Report<'_>) -> usize {
    report
        .documents()
        .iter()
        .take_while(|document| document.accepted())
        .count()
}

#[test]
fn a_response_full_of_documents_on_the_usual_curve_is_inspected_whole() {
    let world = World::new(91);
    let bytes = response(&world, 64);
    let report = verify(&bytes, Form::DeviceResponse, &world.inputs());
    assert_eq!((report.documents().len(), accepted(&report)), (64, 64));
}

#[test]
fn documents_after_too_many_signatures_are_not_inspected_and_say_so() {
    let world = World::on(92, Curve::BrainpoolP384r1, Curve::BrainpoolP384r1);
    let bytes = response(&world, 20);
    let mut inputs = world.inputs();
    for (signatures, expected) in [(0, 1), (41, 2), (600, 15)] {
        inputs.limits.signatures = signatures;
        let report = verify(&bytes, Form::DeviceResponse, &inputs);
        assert_eq!((report.documents().len(), accepted(&report)), (20, expected));
        assert!(!report.accepted());
        for (at, document) in report.documents().iter().enumerate().skip(expected) {
            let step = document.failures().next().unwrap();
            assert_eq!(step.code(), "decode.limit");
            let expected = format!("too large: the signatures of one message in documents[{at}]");
            assert_eq!(step.message(), expected);
            assert!(document.accept().is_err());
        }
    }
    assert_eq!(Inputs::new(&[], world.now).limits.signatures, 600);
}

#[test]
fn signatures_of_a_reader_after_too_many_are_not_checked_and_say_so() {
    let world = World::new(93);
    let bytes = world.request(&vec![world.ask(&["age_over_18"]); 64]);
    for (signatures, expected) in [(0, 1), (1, 2), (40, 41), (64, 64)] {
        let limits = Limits {
            signatures,
            ..Limits::DEFAULT
        };
        let request = DeviceRequest::decode(&bytes, &limits).unwrap();
        let session = Session {
            transcript: &world.transcript,
            // Nobody: the signature alone is checked.
            trust: ReaderTrust {
                anchors: &[],
                now: world.now,
            },
            limits,
            backend: &RustCrypto,
        };
        let question = Question::new(&request, &[], &session).unwrap();
        let readers: Vec<&Reader> = question.documents.iter().map(|asked| &asked.reader).collect();
        let (checked, others) = readers.split_at(expected);
        assert!(
            checked
                .iter()
                .all(|reader| matches!(reader, Reader::Untrusted { .. }))
        );
        assert!(
            others
                .iter()
                .all(|reader| **reader == Reader::Failed(ReaderFault::Effort))
        );
        assert_eq!(readers.len(), 64);
    }
}

#[test]
fn the_chain_of_a_reader_is_looked_at_once_however_often_it_signs() {
    let world = World::new(94);
    // Of the same name as the one that certified the reader, which nobody trusts here.
    let namesake = TrustAnchor::new(World::new(95).reader_ca);
    assert_eq!(namesake.certificate.subject_der(), world.reader_ca.subject_der());
    let anchors = vec![namesake; 200];
    let bytes = world.request(&vec![world.ask(&["age_over_18"]); 64]);
    let request = DeviceRequest::decode(&bytes, &Limits::DEFAULT).unwrap();
    let session = Session {
        transcript: &world.transcript,
        trust: ReaderTrust {
            anchors: &anchors,
            now: world.now,
        },
        limits: Limits::DEFAULT,
        backend: &RustCrypto,
    };
    let question = Question::new(&request, &[], &session).unwrap();
    let too_many = |reader: &Reader| {
        matches!(
            reader,
            Reader::Untrusted {
                why: Distrust::Path(BrokenPath::TooManyAnchors { .. }),
                ..
            }
        )
    };
    assert_eq!(question.documents.len(), 64);
    assert!(question.documents.iter().all(|asked| too_many(&asked.reader)));
}
