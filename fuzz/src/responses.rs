//! What a verifier receives: responses, documents, security objects, and the whole inspection procedure.

use std::collections::HashSet;
use std::hint::black_box;
use std::sync::OnceLock;

use mdoc_core::cbor::Item;
use mdoc_core::device_response::{DeviceResponse, Document};
use mdoc_core::device_signed::{DeviceAuth, device_elements};
use mdoc_core::issuer_signed::{IssuerSigned, IssuerSignedItem};
use mdoc_core::mso::{self, MobileSecurityObject};
use mdoc_core::verify::{Check, Form, Inputs, Outcome, Policy, Report, verify};
use mdoc_core::x509::Certificate;
use mdoc_core::x509::path::TrustAnchor;
use mdoc_verifier::show;

use crate::fixtures::{LIMITS, files, lists, one_in, world};
use crate::memory::remembering;

/// A response taken apart, without any trust. Every part is within what was received.
pub fn device_response(input: &[u8]) {
    let response = match DeviceResponse::decode(input, &LIMITS) {
        Err(error) => return assert!(!error.to_string().is_empty()),
        Ok(response) => response,
    };
    assert_eq!(response.version.split('.').next(), Some("1"));
    assert!(response.documents.len() <= LIMITS.documents);
    let mut total = 0;
    for item in &response.documents {
        total += item.raw().len();
        let Ok(document) = Document::from_item(*item, &LIMITS) else {
            continue;
        };
        black_box(document.errors.len());
        issued(&document.issuer_signed);
        if let Ok(item) = document.device_signed.name_spaces.item(&LIMITS) {
            for (_, elements) in device_elements(item).unwrap_or_default() {
                black_box(elements.len());
            }
        }
        match &document.device_signed.device_auth {
            DeviceAuth::Signature(signature) => drop(black_box(signature.algorithm().is_ok())),
            DeviceAuth::Mac(mac) => drop(black_box(mac.check_algorithm().is_ok())),
        }
    }
    assert!(total < input.len(), "documents are part of the response");
}

/// An issued document as a wallet receives it.
pub fn issuer_signed(input: &[u8]) {
    match IssuerSigned::decode(input, &LIMITS) {
        Err(error) => assert!(!error.to_string().is_empty()),
        Ok(document) => {
            assert_eq!(document.raw(), input);
            issued(&document);
        }
    }
}

fn issued(document: &IssuerSigned<'_>) {
    for (_, items) in document.name_spaces() {
        assert!(!items.is_empty());
        for embedded in items {
            let Ok(item) = embedded.item(&LIMITS) else {
                continue;
            };
            assert_eq!(item.raw(), embedded.content());
            if let Ok(item) = IssuerSignedItem::decode(item) {
                black_box(item.element_value.to_value().is_ok());
            }
        }
    }
    if let Ok(mso) = document.mso(&LIMITS) {
        security_object(&mso);
    }
    black_box(document.issuer_auth().x5chain());
}

/// A security object, as the content of the payload and as the payload.
pub fn mso(input: &[u8]) {
    if let Ok(item) = Item::parse(input, &LIMITS)
        && let Ok(found) = MobileSecurityObject::decode(item)
    {
        security_object(&found);
    }
    match mso::decode_payload(input, &LIMITS) {
        Err(error) => assert!(!error.to_string().is_empty()),
        Ok(found) => security_object(&found),
    }
}

fn security_object(found: &MobileSecurityObject) {
    assert_eq!(found.version.split('.').next(), Some("1"));
    let names: Vec<_> = found.value_digests.counts().collect();
    assert!(
        names.is_sorted_by(|(a, _), (b, _)| a < b),
        "a namespace is there once"
    );
    let authorized = found.device_key_info.key_authorizations.lookup();
    for name in &found.device_key_info.key_authorizations.name_spaces {
        assert!(authorized.permits(name, "any"));
    }
    for (name, elements) in &found.device_key_info.key_authorizations.data_elements {
        for element in elements {
            assert!(authorized.permits(name, element));
        }
    }
    let validity = &found.validity_info;
    assert!(validity.signed.to_string().parse::<u8>().is_err());
    black_box(&found.status);
}

/// A document's elements: namespace, name and bytes of the value.
type Seen = (String, String, Vec<u8>);

/// Everything that somebody signed who is trusted here, by the vectors, the negative corpus and this world.
fn genuine() -> &'static HashSet<Seen> {
    static GENUINE: OnceLock<HashSet<Seen>> = OnceLock::new();
    GENUINE.get_or_init(|| {
        let mut all = HashSet::new();
        for bytes in crate::seeds::every_response() {
            let report = verify(&bytes, Form::DeviceResponse, &inputs());
            let Ok(response) = DeviceResponse::decode(&bytes, &LIMITS) else {
                continue;
            };
            for (item, report) in response.documents.into_iter().zip(report.documents()) {
                let held = [Check::IssuerSignature, Check::DigestId, Check::Digest];
                let passed = |check: &Check| {
                    let mut steps = report.steps().iter().filter(|step| step.check == *check);
                    steps.all(|step| step.outcome == Outcome::Passed)
                };
                if let Ok(document) = Document::from_item(item, &LIMITS)
                    && held.iter().all(passed)
                {
                    note(&document, &mut all);
                }
            }
        }
        assert!(all.len() > 20, "the seeds have documents that hold");
        all
    })
}

/// Notes the elements of a document.
fn note(document: &Document<'_>, all: &mut HashSet<Seen>) {
    for (name_space, items) in document.issuer_signed.name_spaces() {
        for embedded in items {
            let item = embedded.item(&LIMITS).and_then(IssuerSignedItem::decode);
            if let Ok(item) = item {
                all.insert(seen(name_space, &item.element_identifier, item.element_value));
            }
        }
    }
    let vouched = document.device_signed.name_spaces.item(&LIMITS);
    for (name_space, elements) in vouched.and_then(device_elements).unwrap_or_default() {
        for (identifier, value) in elements {
            all.insert(seen(&name_space, &identifier, value));
        }
    }
}

fn seen(name_space: &str, identifier: &str, value: Item<'_>) -> Seen {
    (name_space.to_owned(), identifier.to_owned(), value.raw().to_vec())
}

/// Whom the vectors trust, and the root of this world.
fn anchors() -> &'static [TrustAnchor] {
    static ANCHORS: OnceLock<Vec<TrustAnchor>> = OnceLock::new();
    ANCHORS.get_or_init(|| {
        let mut anchors = world().anchors.clone();
        for pem in files("trust", &[".pem"]) {
            let text = String::from_utf8(pem).unwrap();
            let found = Certificate::all_from_pem(&text).unwrap();
            anchors.extend(found.into_iter().map(TrustAnchor::new));
        }
        anchors
    })
}

fn inputs() -> Inputs<'static> {
    let world = world();
    let mut inputs = Inputs::new(anchors(), world.now);
    inputs.transcript = Some(&world.transcript);
    inputs.reader_key = Some(&world.e_reader_key);
    inputs.backend = remembering();
    inputs.revocation_lists = &lists()[..1];
    inputs
}

/// The inspection procedure with everything that it can be given: a response, a document of one, an issued document.
///
/// What is accepted says nothing that nobody signed, whatever the bytes.
pub fn verify_response(input: &[u8]) {
    let mut inputs = inputs();
    let form = match input {
        [0xa2, ..] => Form::IssuerSigned,
        [_, b'g', b'd', b'o', b'c', b'T', ..] => Form::Document,
        _ => Form::DeviceResponse,
    };
    let report = verify(input, form, &inputs);
    check(&report, input);
    show_some(&report, input);
    if report.accepted() {
        for document in report.documents() {
            let accepted = document.accept().unwrap();
            for element in accepted.elements() {
                let found = seen(&element.name_space, &element.identifier, element.value);
                assert!(genuine().contains(&found), "nobody signed {found:?}");
            }
        }
        inputs.policy = Policy::STRICT;
        check(&verify(input, form, &inputs), input);
    }
}

/// What holds for every report: each step is there and in order; for one input in sixteen, that it has its words.
pub(crate) fn check(report: &Report<'_>, input: &[u8]) {
    let with_words = one_in(16, input);
    assert!(!report.documents().is_empty());
    for document in report.documents() {
        let steps = document.steps();
        let mut checks: Vec<_> = steps.iter().map(|step| step.check).collect();
        checks.dedup();
        assert_eq!(checks, Check::ALL, "every step is there, in order");
        let failed = steps
            .iter()
            .any(|step| matches!(step.outcome, Outcome::Failed(_)));
        assert!(!(failed && document.accepted()));
        assert_eq!(document.accept().is_ok(), document.accepted());
        for step in steps {
            assert_eq!(step.code().is_empty(), step.outcome == Outcome::Passed);
            assert!(!with_words || !step.message().is_empty());
        }
    }
}

/// Shows reports as people and programs get them, of one input in sixteen: that takes longer than to verify.
pub(crate) fn show_some(report: &Report<'_>, input: &[u8]) {
    if one_in(16, input) {
        black_box(show::to_json(report));
        black_box(show::to_text(report, show::Detail::Full));
    }
}
