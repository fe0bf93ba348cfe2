//! Requests of other people's readers, and the table by which ages are answered.

use integration::tree::Tree;
use integration::world::World;
use mdoc_core::crypto::RustCrypto;
use mdoc_core::device_request::{DeviceRequest, DocRequest};
use mdoc_core::issuer_signed::IssuerSigned;
use mdoc_core::limits::Limits;
use mdoc_core::present;
use mdoc_core::value::Value;
use mdoc_core::verify::{MDL_DOC_TYPE, MDL_NAME_SPACE};
use mdoc_core::x509::Certificate;

use super::{file, json, transcript};

const LIMITS: Limits = Limits::DEFAULT;

fn elements<'r>(request: &'r DocRequest<'_>, name_space: &str) -> Vec<&'r str> {
    let spaces = request.items_request.name_spaces.iter();
    let of_name = spaces.filter(|(name, _)| name == name_space);
    of_name
        .flat_map(|(_, elements)| elements)
        .map(|element| element.identifier.as_str())
        .collect()
}

#[test]
fn the_extended_request_of_the_second_edition_decodes() {
    let bytes = file("second-edition/D.4.1.3_extended_request.cbor");
    let request = DeviceRequest::decode(&bytes, &LIMITS).unwrap();
    assert_eq!(request.version, "1.1");
    assert_eq!(request.doc_requests.len(), 3);
    let first = &request.doc_requests[0];
    assert_eq!(first.items_request.doc_type, MDL_DOC_TYPE);
    assert_eq!(
        elements(first, "org.iso.18013.5.1.aamva"),
        ["domestic_driving_privileges"]
    );
    assert!(elements(first, MDL_NAME_SPACE).contains(&"portrait"));
    let info = request.device_request_info.unwrap();
    let mut info = Tree::read(info.content());
    assert!(info.has("useCases"));
    // What a reader of the first edition does not know stays in the bytes that are signed.
    let mut items = Tree::read(first.items_request_bytes.content());
    assert!(items.get("requestInfo").has("alternativeDataElements"));
}

#[test]
fn the_request_of_the_eudi_reader_decodes() {
    let bytes = file("requests/eudi-transfer-request.cbor");
    let request = DeviceRequest::decode(&bytes, &LIMITS).unwrap();
    let [one] = request.doc_requests.as_slice() else {
        panic!("one document")
    };
    assert_eq!(
        elements(one, MDL_NAME_SPACE),
        ["given_name", "birth_date", "issue_date", "portrait"]
    );
    assert_eq!(elements(one, "org.iso.18013.5.1.Utopia"), ["UtopiaID"]);
    assert!(one.reader_auth.is_none());
}

#[test]
fn the_reader_of_chrome_signed_its_request_in_that_session() {
    let bytes = file("requests/chrome-dcapi-request.cbor");
    let request = DeviceRequest::decode(&bytes, &LIMITS).unwrap();
    let session = transcript("requests/chrome-dcapi-request.transcript.cbor");
    let one = &request.doc_requests[0];
    let chain = one.reader_auth.as_ref().unwrap().x5chain().unwrap().unwrap();
    let key = Certificate::from_der(&chain[0]).unwrap().public_key().unwrap();
    assert_eq!(one.verify_reader_auth(&key, &session, &RustCrypto), Some(Ok(())));
    let other = World::new(1).transcript;
    assert!(matches!(
        one.verify_reader_auth(&key, &other, &RustCrypto),
        Some(Err(_))
    ));
}

#[test]
fn trap_39_ages_are_answered_as_in_the_table_of_the_second_edition() {
    let table = json("second-edition/age_over_nn.json");
    let world = World::new(39);
    let mut answered = 0;
    for (age, answers) in table["answers"].as_object().unwrap() {
        let attestations = table["attestations"].as_object().unwrap().iter();
        let statements = attestations
            .map(|(name, by_age)| (name.clone(), Value::Bool(by_age[age.as_str()].as_bool().unwrap())))
            .collect();
        let statements = vec![(MDL_NAME_SPACE.to_owned(), statements)];
        let issued = world.issue().document(MDL_DOC_TYPE, statements).sign();
        let document = IssuerSigned::decode(&issued, &LIMITS).unwrap();
        for (asked, answer) in answers.as_object().unwrap() {
            let found = present::find(&document, &world.ask(&[asked]), &LIMITS).unwrap();
            let released = found.found.first().map(|found| found.released.as_str());
            assert_eq!(released, answer[0].as_str(), "{asked} of somebody of {age}");
            assert_eq!(found.absent.len(), usize::from(answer.is_null()));
            answered += 1;
        }
    }
    assert!(answered >= 50, "only {answered}");
}
