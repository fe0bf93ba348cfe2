//! How much a response makes its receiver compute.

use integration::world::World;
use mdoc_core::crypto::Curve;
use mdoc_core::present::encode_response;
use mdoc_core::verify::{Form, Inputs, Report, verify};

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
