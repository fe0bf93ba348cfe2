//! What holds for every input, tried on some: damage is never accepted, what is issued comes back.
//!
//! Few cases, so that all tests stay quick; `PROPTEST_CASES` asks for more.

mod every_bit;

use std::collections::BTreeMap;
use std::sync::OnceLock;

use integration::world::{World, day};
use mdoc_core::crypto::Curve;
use mdoc_core::device_request::{DeviceRequest, ItemsRequest, ReaderAuth, RequestedElement, encode_request};
use mdoc_core::device_response::DeviceResponse;
use mdoc_core::issue::NameSpaces;
use mdoc_core::issuer_signed::IssuerSigned;
use mdoc_core::limits::Limits;
use mdoc_core::transcript::SessionTranscript;
use mdoc_core::value::Value;
use mdoc_core::verify::{Form, Report, verify};
use mdoc_core::x509::Certificate;
use mdoc_core::x509::csr::CertificationRequest;
use mdoc_core::x509::ocsp::{OcspRequest, OcspResponse};
use mdoc_core::x509::revocation::RevocationList;
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;

const LIMITS: Limits = Limits::DEFAULT;

fn cases(few: u32) -> ProptestConfig {
    let more = std::env::var("PROPTEST_CASES")
        .ok()
        .and_then(|text| text.parse().ok());
    ProptestConfig {
        cases: more.unwrap_or(few),
        failure_persistence: Some(Box::new(FileFailurePersistence::Off)),
        ..ProptestConfig::default()
    }
}

/// A world with a response by signature and one by MAC.
fn presented() -> &'static (World, [Vec<u8>; 2]) {
    static PRESENTED: OnceLock<(World, [Vec<u8>; 2])> = OnceLock::new();
    PRESENTED.get_or_init(|| {
        let world = World::new(77);
        let licence = world.issue().sign();
        let signature = world.present(&licence).response();
        let mac = world.present(&licence).mac().response();
        (world, [signature, mac])
    })
}

/// What a relying party would see of an accepted response: type, namespace, name and bytes of the value.
fn seen(report: &Report<'_>) -> Vec<(String, String, String, Vec<u8>)> {
    let mut seen = Vec::new();
    for document in report.documents() {
        let accepted = document.accept().unwrap();
        for element in accepted.elements() {
            seen.push((
                accepted.doc_type().to_owned(),
                element.name_space.to_string(),
                element.identifier.to_string(),
                element.value.raw().to_vec(),
            ));
        }
    }
    seen
}

/// Refuses a damaged response that is accepted and says something that the original does not say.
///
/// It may say less: which of the signed elements are shown is under nobody's signature, so that whoever
/// carries the response can leave some out, as the holder can.
fn check_damaged(which: usize, damaged: &[u8]) -> Result<(), TestCaseError> {
    let (world, responses) = presented();
    let report = verify(damaged, Form::DeviceResponse, &world.inputs());
    if report.accepted() {
        let good = verify(&responses[which], Form::DeviceResponse, &world.inputs());
        let (found, good) = (seen(&report), seen(&good));
        for element in &found {
            prop_assert!(good.contains(element), "{:?}", element);
        }
        prop_assert!(found.len() <= good.len());
    }
    Ok(())
}

proptest! {
    #![proptest_config(cases(1000))]

    #[test]
    fn a_flipped_bit_is_never_accepted_with_other_elements(which in 0..2_usize, at in any::<prop::sample::Index>()) {
        let (_, responses) = presented();
        let mut damaged = responses[which].clone();
        let bit = at.index(damaged.len() * 8);
        damaged[bit / 8] ^= 1 << (bit % 8);
        check_damaged(which, &damaged)?;
    }

    #[test]
    fn a_piece_cut_out_put_in_or_moved_is_never_accepted_with_other_elements(
        which in 0..2_usize,
        from in any::<prop::sample::Index>(),
        length in 0..40_usize,
        with in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        let (_, responses) = presented();
        let mut damaged = responses[which].clone();
        let from = from.index(damaged.len());
        let until = (from + length).min(damaged.len());
        damaged.splice(from..until, with);
        check_damaged(which, &damaged)?;
    }

    #[test]
    fn whatever_the_bytes_decoders_end_in_words(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let (world, _) = presented();
        for form in [Form::DeviceResponse, Form::Document, Form::IssuerSigned] {
            prop_assert!(!verify(&bytes, form, &world.inputs()).accepted());
        }
        let _ = DeviceRequest::decode(&bytes, &LIMITS).map_err(|error| error.to_string());
        let _ = DeviceResponse::decode(&bytes, &LIMITS).map_err(|error| error.to_string());
        let _ = IssuerSigned::decode(&bytes, &LIMITS).map_err(|error| error.to_string());
        let _ = SessionTranscript::decode(&bytes, &LIMITS).map_err(|error| error.to_string());
        let _ = RevocationList::from_der(&bytes).map_err(|error| error.to_string());
        let _ = CertificationRequest::from_bytes(&bytes).map_err(|error| error.to_string());
        let _ = OcspRequest::from_der(&bytes).map_err(|error| error.to_string());
        let _ = OcspResponse::from_der(&bytes).map_err(|error| error.to_string());
    }

    #[test]
    fn a_flipped_bit_of_a_certificate_is_noticed(at in any::<prop::sample::Index>()) {
        let (world, _) = presented();
        let mut der = world.ds.der().to_vec();
        let bit = at.index(der.len() * 8);
        der[bit / 8] ^= 1 << (bit % 8);
        if let Ok(certificate) = Certificate::from_der(&der) {
            let key = world.iaca.public_key().unwrap();
            prop_assert!(certificate.verify_signed_by(&key, &mdoc_core::crypto::RustCrypto).is_err());
        }
    }
}

#[test]
fn a_response_that_was_cut_off_is_never_accepted() {
    let (world, responses) = presented();
    for response in responses {
        for length in 0..response.len() {
            let report = verify(&response[..length], Form::DeviceResponse, &world.inputs());
            assert!(!report.accepted(), "{length}");
            let first = report.documents()[0].failures().next().unwrap();
            assert_eq!(first.code(), "decode.truncated", "{length}");
        }
    }
}

/// Values of elements: what the standard's documents have, and some of what others may.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(|number| Value::Integer(number.into())),
        any::<u64>().prop_map(|number| Value::Integer(number.into())),
        prop::collection::vec(any::<u8>(), 0..300).prop_map(Value::Bytes),
        "\\PC{0,20}".prop_map(Value::Text),
        (1..29_u8, 1..13_u8, 1900..2100_u16).prop_map(|(d, m, y)| day(&format!("{y}-{m:02}-{d:02}"))),
        Just(Value::Null),
        any::<f32>()
            .prop_filter("NaN is not equal to itself", |n| !n.is_nan())
            .prop_map(|n| Value::Float(n.into())),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::btree_map("[a-z]{1,6}", inner, 0..4).prop_map(|entries| {
                Value::Map(
                    entries
                        .into_iter()
                        .map(|(key, value)| (Value::Text(key), value))
                        .collect(),
                )
            }),
        ]
    })
}

fn name_spaces() -> impl Strategy<Value = NameSpaces> {
    let elements = prop::collection::btree_map("\\PC{1,24}", value(), 1..5);
    let spaces = prop::collection::btree_map("[a-z]{1,4}(\\.[a-z0-9]{1,6}){0,3}", elements, 1..4);
    spaces.prop_map(|spaces: BTreeMap<String, BTreeMap<String, Value>>| {
        spaces
            .into_iter()
            .map(|(name, elements)| (name, elements.into_iter().collect()))
            .collect()
    })
}

/// One world for each pair of curves: those that issue, those that devices have.
fn worlds() -> &'static Vec<World> {
    static WORLDS: OnceLock<Vec<World>> = OnceLock::new();
    WORLDS.get_or_init(|| {
        let issuing = [Curve::P256, Curve::P384, Curve::P521, Curve::Ed25519];
        let devices = Curve::SIGNING.iter().zip(issuing.into_iter().cycle());
        let mut pairs: Vec<_> = devices.map(|(device, issuer)| (issuer, *device)).collect();
        pairs.extend(issuing.map(|issuer| (issuer, Curve::P256)));
        pairs
            .into_iter()
            .map(|(issuer, device)| World::on(5, issuer, device))
            .collect()
    })
}

proptest! {
    #![proptest_config(cases(12))]

    #[test]
    fn what_is_issued_and_presented_comes_back_for_every_algorithm_and_both_proofs(
        spaces in name_spaces(),
        decoys in 0..6_usize,
        keep in any::<prop::sample::Index>(),
    ) {
        let mut all: Vec<(String, String, Value)> = Vec::new();
        for (name, elements) in &spaces {
            all.extend(elements.iter().map(|(id, value)| (name.clone(), id.clone(), value.clone())));
        }
        let kept = &all[keep.index(all.len())];
        let only = ItemsRequest {
            doc_type: "org.example.test".to_owned(),
            name_spaces: vec![(kept.0.clone(), vec![RequestedElement {
                identifier: kept.1.clone(),
                intent_to_retain: true,
            }])],
        };
        for world in worlds() {
            let issued = world.issue().document("org.example.test", spaces.clone()).decoys(decoys).sign();
            let macs = world.device_key.secret().curve() != Curve::Ed25519;
            for mac in [false, true] {
                if mac && !macs {
                    continue;
                }
                let present = || if mac { world.present(&issued).mac() } else { world.present(&issued) };
                for (response, expected) in [
                    (present().response(), all.as_slice()),
                    (present().answer(&only).response(), core::slice::from_ref(kept)),
                ] {
                    let report = verify(&response, Form::DeviceResponse, &world.inputs());
                    prop_assert!(report.accepted(), "{:?}", report.documents()[0].failures().collect::<Vec<_>>());
                    let accepted = report.documents()[0].accept().unwrap();
                    let found: Vec<_> = accepted
                        .elements()
                        .iter()
                        .map(|e| (e.name_space.to_string(), e.identifier.to_string(), e.value.to_value().unwrap()))
                        .collect();
                    prop_assert_eq!(found.as_slice(), expected);
                }
            }
        }
    }
}

fn question() -> impl Strategy<Value = ItemsRequest> {
    let elements = prop::collection::btree_map("\\PC{0,24}", any::<bool>(), 0..30);
    let spaces = prop::collection::btree_map("\\PC{0,24}", elements, 0..4);
    ("\\PC{0,24}", spaces).prop_map(|(doc_type, spaces)| {
        let requested = |(identifier, intent_to_retain)| RequestedElement {
            identifier,
            intent_to_retain,
        };
        ItemsRequest {
            doc_type,
            name_spaces: spaces
                .into_iter()
                .map(|(name, elements)| (name, elements.into_iter().map(requested).collect()))
                .collect(),
        }
    })
}

proptest! {
    #![proptest_config(cases(60))]

    #[test]
    fn a_request_that_was_encoded_decodes_to_itself(questions in prop::collection::vec(question(), 1..4)) {
        let (world, _) = presented();
        let unsigned = encode_request(&questions, &ReaderAuth::None).unwrap();
        let signed = world.request(&questions);
        for bytes in [&unsigned, &signed] {
            let request = DeviceRequest::decode(bytes, &LIMITS).unwrap();
            let decoded: Vec<_> = request.doc_requests.iter().map(|one| one.items_request.clone()).collect();
            prop_assert_eq!(&decoded, &questions);
            let again = if request.doc_requests[0].reader_auth.is_some() {
                world.request(&decoded)
            } else {
                encode_request(&decoded, &ReaderAuth::None).unwrap()
            };
            prop_assert_eq!(&again, bytes);
        }
        let request = DeviceRequest::decode(&signed, &LIMITS).unwrap();
        let key = world.reader.public_key().unwrap();
        for one in &request.doc_requests {
            let checked = one.verify_reader_auth(&key, &world.transcript, &mdoc_core::crypto::RustCrypto);
            prop_assert_eq!(checked, Some(Ok(())));
        }
    }
}
