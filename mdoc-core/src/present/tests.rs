use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use super::*;
use crate::crypto::{Curve, RustCrypto};
use crate::device_request::RequestedElement;
use crate::device_response::{DeviceResponse, Document};
use crate::device_signed::{DeviceAuth, mac_key};
use crate::issue::{Draft, Validity};
use crate::mso::KeyAuthorizations;
use crate::seams::SoftwareKey;
use crate::time::Timestamp;
use crate::value::Value;

const LIMITS: Limits = Limits::DEFAULT;

fn key(seed: u8) -> SecretKey {
    SecretKey::generate(Curve::P256, &mut ChaCha20Rng::from_seed([seed; 32]))
}

/// A document with boolean elements, bound to key 1.
fn issue(elements: &[(&str, bool)], authorizations: KeyAuthorizations) -> Vec<u8> {
    issue_to(key(1).public_key(), elements, authorizations)
}

fn issue_to(device: &PublicKey, elements: &[(&str, bool)], authorizations: KeyAuthorizations) -> Vec<u8> {
    let elements = elements
        .iter()
        .map(|(name, value)| ((*name).to_owned(), Value::Bool(*value)))
        .collect();
    let name_spaces = vec![("ns".to_owned(), elements)];
    let from = Timestamp::from_unix(0);
    let validity = Validity {
        signed: from,
        valid_from: from,
        valid_until: Timestamp::from_unix(9),
        expected_update: None,
    };
    let draft = Draft::new("type", &name_spaces, device, validity).authorize(authorizations);
    let signer = SoftwareKey::new(key(2)).unwrap();
    draft
        .salt(&mut ChaCha20Rng::from_seed([0; 32]), &RustCrypto)
        .unwrap()
        .sign(&signer, &[b"certificate"])
        .unwrap()
}

fn ask(names: &[&str]) -> ItemsRequest {
    let elements = names
        .iter()
        .map(|name| RequestedElement {
            identifier: (*name).to_owned(),
            intent_to_retain: false,
        })
        .collect();
    ItemsRequest {
        doc_type: "type".to_owned(),
        name_spaces: vec![("ns".to_owned(), elements)],
    }
}

fn released(stored: &[(&str, bool)], asked: &[&str]) -> Vec<String> {
    let bytes = issue(stored, KeyAuthorizations::default());
    let document = IssuerSigned::decode(&bytes, &LIMITS).unwrap();
    find(&document, &ask(asked), &LIMITS)
        .unwrap()
        .found
        .into_iter()
        .map(|found| found.released)
        .collect()
}

#[test]
fn trap_39_the_nearest_age_answers_as_in_the_table_of_the_standard() {
    // ISO/IEC 18013-5:2021, Table D.1: stored 21 and 60; holders of 19, 30 and 64
    let table = [
        ("age_over_18", [None, Some(21), Some(21)]),
        ("age_over_21", [Some(21), Some(21), Some(21)]),
        ("age_over_25", [Some(21), None, Some(60)]),
        ("age_over_65", [Some(60), Some(60), None]),
    ];
    let holders = [(false, false), (true, false), (true, true)];
    for (asked, answers) in table {
        for ((over_21, over_60), answer) in holders.into_iter().zip(answers) {
            let stored = [("age_over_21", over_21), ("age_over_60", over_60)];
            let expected: Vec<String> = answer.iter().map(|age| format!("age_over_{age}")).collect();
            assert_eq!(
                released(&stored, &[asked]),
                expected,
                "{asked} {over_21} {over_60}"
            );
        }
    }
}

#[test]
fn trap_39_two_ages_are_the_most() {
    let stored = [
        ("age_over_16", true),
        ("age_over_18", true),
        ("age_over_21", true),
        ("x", true),
    ];
    let asked = ["age_over_16", "age_over_18", "age_over_21", "x"];
    assert_eq!(released(&stored, &asked), ["age_over_16", "age_over_18", "x"]);
}

#[test]
fn what_a_verifier_means_to_keep_is_found_whichever_question_says_so() {
    let stored = [
        ("age_over_18", true),
        ("age_over_21", true),
        ("age_over_65", false),
    ];
    let bytes = issue(&stored, KeyAuthorizations::default());
    let document = IssuerSigned::decode(&bytes, &LIMITS).unwrap();
    let mut asked = ask(&[
        "age_over_16",
        "age_over_17",
        "age_over_20",
        "age_over_65",
        "age_over_18",
    ]);
    asked.name_spaces[0].1[4].intent_to_retain = true;
    let matches = find(&document, &asked, &LIMITS).unwrap();
    let found = matches.found.iter();
    let found: Vec<_> = found
        .map(|one| {
            (
                one.requested.as_str(),
                one.released.as_str(),
                one.intent_to_retain,
            )
        })
        .collect();
    let expected = [
        ("age_over_16", "age_over_18", false),
        ("age_over_17", "age_over_18", false),
        ("age_over_20", "age_over_21", false),
        ("age_over_18", "age_over_18", true),
    ];
    assert_eq!(found, expected);
    assert_eq!(matches.absent, [("ns".to_owned(), "age_over_65".to_owned())]);
}

#[test]
fn only_two_digits_make_an_age_statement() {
    assert_eq!(age_threshold("age_over_18"), Some(18));
    for other in [
        "age_over_1",
        "age_over_018",
        "age_over_+8",
        "age_over18",
        "age_in_years",
    ] {
        assert_eq!(age_threshold(other), None, "{other}");
    }
}

fn present(key: &DeviceKey<'_>, device_elements: &NameSpaces) -> Result<Vec<u8>, PresentError> {
    let authorizations = KeyAuthorizations {
        name_spaces: vec![],
        data_elements: vec![("own".to_owned(), vec!["now".to_owned()])],
    };
    let bytes = issue(&[("a", true), ("b", false)], authorizations);
    let document = IssuerSigned::decode(&bytes, &LIMITS).unwrap();
    let transcript = SessionTranscript::decode(&[0x83, 0xf6, 0xf6, 0xf6], &LIMITS).unwrap();
    let release = [("ns", "b")];
    Presentation {
        document: &document,
        release: &release,
        device_elements,
        transcript: &transcript,
        key,
    }
    .encode(&LIMITS, &RustCrypto)
}

#[test]
fn only_what_is_released_leaves_the_device_and_as_it_was_received() {
    let signer = SoftwareKey::new(key(1)).unwrap();
    let document = present(&DeviceKey::Signature(&signer), &Vec::new()).unwrap();
    let response = encode_response(&[document], &["other"]);
    let response = DeviceResponse::decode(&response, &LIMITS).unwrap();
    assert_eq!(response.document_errors, [("other".into(), 0)]);
    let document = Document::from_item(response.documents[0], &LIMITS).unwrap();
    let spaces = document.issuer_signed.name_spaces();
    assert_eq!(spaces.len(), 1);
    assert_eq!(spaces[0].1.len(), 1);
    let item = IssuerSignedItem::decode(spaces[0].1[0].item(&LIMITS).unwrap()).unwrap();
    assert_eq!(
        (item.element_identifier.as_ref(), item.element_value.boolean()),
        ("b", Some(false))
    );
    let issued = issue(&[("a", true), ("b", false)], KeyAuthorizations::default());
    let issued = IssuerSigned::decode(&issued, &LIMITS).unwrap();
    assert!(
        issued.name_spaces()[0]
            .1
            .iter()
            .any(|item| item.raw() == spaces[0].1[0].raw())
    );
}

#[test]
fn trap_48_the_empty_device_name_spaces_are_tag_24_of_an_empty_map() {
    let signer = SoftwareKey::new(key(1)).unwrap();
    let document = present(&DeviceKey::Signature(&signer), &Vec::new()).unwrap();
    let document = crate::cbor::Item::parse(&document, &LIMITS).unwrap();
    let spaces = document.get("deviceSigned").unwrap().get("nameSpaces").unwrap();
    assert_eq!(spaces.raw(), [0xd8, 0x18, 0x41, 0xa0]);
}

#[test]
fn trap_43_one_call_makes_a_signature_or_a_mac() {
    let signer = SoftwareKey::new(key(1)).unwrap();
    let (secret, reader) = (key(1), key(3));
    let mac = DeviceKey::Mac {
        secret: &secret,
        reader_key: reader.public_key(),
    };
    for (key, is_mac) in [(&DeviceKey::Signature(&signer), false), (&mac, true)] {
        let document = present(key, &Vec::new()).unwrap();
        let item = crate::cbor::Item::parse(&document, &LIMITS).unwrap();
        let document = Document::from_item(item, &LIMITS).unwrap();
        assert_eq!(
            matches!(document.device_signed.device_auth, DeviceAuth::Mac(_)),
            is_mac
        );
    }
}

/// A device key that can only agree, in the hands of the reader: the tag is that of the MAC key of the reader's half.
#[test]
fn device_keys_mac_on_every_curve_that_agrees() {
    for curve in Curve::ALL.into_iter().filter(|curve| curve.agrees()) {
        let mut rng = ChaCha20Rng::from_seed([8; 32]);
        let (secret, reader) = (
            SecretKey::generate(curve, &mut rng),
            SecretKey::generate(curve, &mut rng),
        );
        let document = issue_to(secret.public_key(), &[("a", true)], KeyAuthorizations::default());
        let document = IssuerSigned::decode(&document, &LIMITS).unwrap();
        let transcript = SessionTranscript::decode(&[0x83, 0xf6, 0xf6, 0xf6], &LIMITS).unwrap();
        let key = DeviceKey::Mac {
            secret: &secret,
            reader_key: reader.public_key(),
        };
        let presentation = Presentation {
            document: &document,
            release: &[("ns", "a")],
            device_elements: &Vec::new(),
            transcript: &transcript,
            key: &key,
        };
        let encoded = presentation.encode(&LIMITS, &RustCrypto).unwrap();
        let item = crate::cbor::Item::parse(&encoded, &LIMITS).unwrap();
        let presented = Document::from_item(item, &LIMITS).unwrap();
        let DeviceAuth::Mac(mac) = &presented.device_signed.device_auth else {
            panic!("a MAC");
        };
        let payload = device_authentication_bytes(&transcript, "type", &[0xd8, 0x18, 0x41, 0xa0]);
        let theirs = mac_key(&reader, secret.public_key(), &transcript, &RustCrypto).unwrap();
        mac.verify_detached(&theirs, &payload, &RustCrypto).unwrap();
        let zero = PublicKey::from_bytes(Curve::X25519, &[0; 32]).unwrap();
        if curve == Curve::X25519 {
            let refused = mac_key(&reader, &zero, &transcript, &RustCrypto).map(|_| ());
            assert_eq!(refused, Err(CryptoError::ZeroSecret));
        }
    }
}

#[test]
fn trap_49_the_device_vouches_only_for_what_it_was_authorised_to() {
    let signer = SoftwareKey::new(key(1)).unwrap();
    let own = |element: &str| vec![("own".to_owned(), vec![(element.to_owned(), Value::Bool(true))])];
    assert!(present(&DeviceKey::Signature(&signer), &own("now")).is_ok());
    let refused = present(&DeviceKey::Signature(&signer), &own("later")).unwrap_err();
    let expected = PresentError::Unauthorized {
        name_space: "own".to_owned(),
        element: "later".to_owned(),
    };
    assert_eq!(refused, expected);
}

#[test]
fn another_key_presents_nothing() {
    let signer = SoftwareKey::new(key(5)).unwrap();
    let refused = present(&DeviceKey::Signature(&signer), &Vec::new()).unwrap_err();
    assert_eq!(refused, PresentError::WrongDeviceKey);
}
