use mdoc_core::cbor::embed;
use mdoc_core::crypto::{Curve, RustCrypto, SecretKey};
use mdoc_core::device_request::{ItemsRequest, ReaderAuth, RequestedElement, encode_request};
use mdoc_core::engagement::{BleOptions, encode_ble};
use mdoc_core::issue::{Draft, Validity};
use mdoc_core::mso::{Status, StatusListReference};
use mdoc_core::seams::SoftwareKey;
use mdoc_core::time::FullDate;
use mdoc_core::value::full_date;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use super::*;
use crate::pki;

const NAMESPACE: &str = "org.iso.18013.5.1";

fn now() -> Timestamp {
    Timestamp::parse("2026-06-11T12:00:00Z").unwrap()
}

fn key(seed: u8) -> SecretKey {
    SecretKey::generate(Curve::P256, &mut ChaCha20Rng::from_seed([seed; 32]))
}

fn certificate() -> (Certificate, SoftwareKey) {
    let terms = pki::Terms {
        common_name: "Example".to_owned(),
        organization: None,
        from: Timestamp::parse("2026-06-01T00:00:00Z").unwrap(),
        lifetime: None,
        contacts: Vec::new(),
        crl_uri: None,
        curve: Curve::P256,
    };
    let made = pki::iaca("NL", None, &terms, &mut ChaCha20Rng::from_seed([1; 32])).unwrap();
    (made.certificate, SoftwareKey::new(made.key).unwrap())
}

/// Valid for June 2026; the certificate is a root, which nobody minds who only looks.
fn issued(portrait: &[u8]) -> Vec<u8> {
    let signed = Timestamp::parse("2026-06-01T00:00:00Z").unwrap();
    let date = FullDate::parse("1990-01-02").unwrap();
    let elements = vec![(
        NAMESPACE.to_owned(),
        vec![
            (
                "family_name".to_owned(),
                Value::Text("Doe\nnothing was faked".to_owned()),
            ),
            ("birth_date".to_owned(), full_date(date)),
            ("portrait".to_owned(), Value::Bytes(portrait.to_vec())),
        ],
    )];
    let validity = Validity {
        signed,
        valid_from: signed,
        valid_until: Timestamp::parse("2026-07-01T00:00:00Z").unwrap(),
        expected_update: None,
    };
    let status = Status {
        status_list: Some(StatusListReference {
            index: 7,
            uri: "https://example.org/list".to_owned(),
            certificate: None,
        }),
        ..Status::default()
    };
    let (certificate, signer) = certificate();
    let device = key(2);
    Draft::new("org.iso.18013.5.1.mDL", &elements, device.public_key(), validity)
        .decoys(2)
        .status(status)
        .salt(&mut ChaCha20Rng::from_seed([3; 32]), &RustCrypto)
        .unwrap()
        .sign(&signer, &[certificate.der()])
        .unwrap()
}

fn look(bytes: &[u8]) -> Inspection {
    Inspection::of_cbor(bytes, now()).unwrap()
}

/// The document with some bytes replaced by as many others, wherever they stand.
fn replaced(from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut bytes = issued(&[0xff; 40]);
    let at = bytes.windows(from.len()).position(|found| found == from).unwrap();
    bytes[at..at + from.len()].copy_from_slice(to);
    bytes
}

#[test]
fn a_document_is_shown_with_its_remarks() {
    let inspection = look(&issued(&[0xff; 1040]));
    assert_eq!(inspection.structure, "IssuerSigned");
    assert_eq!(inspection.faults(), []);
    let text = inspection.text();
    for line in [
        "docType          org.iso.18013.5.1.mDL",
        "  validUntil  2026-07-01T00:00:00Z (19 days left)",
        "  status_list  position 7 in https://example.org/list",
        "  org.iso.18013.5.1  5 digests: 3 of elements shown, 2 others (decoys or not released)",
        "    birth_date   1990-01-02",
        "    portrait     1,040 bytes",
        "      subject                CN=Example,C=NL",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
}

#[test]
fn a_value_cannot_pass_for_a_line_of_ours() {
    let text = look(&issued(&[])).text();
    assert!(text.contains("family_name  Doe\\nnothing was faked"), "{text}");
}

#[test]
fn expired_and_not_yet_valid_are_remarked_upon() {
    let at = |text| {
        let now = Timestamp::parse(text).unwrap();
        Inspection::of_cbor(&issued(&[]), now).unwrap().text()
    };
    assert!(at("2026-07-04T00:00:00Z").contains("2026-07-01T00:00:00Z (expired 3 days ago)"));
    assert!(at("2026-05-30T00:00:00Z").contains("(not yet valid, begins in 2 days)"));
}

#[test]
fn json_has_dates_as_text_and_bytes_as_base64url() {
    let json = look(&issued(&[0xff, 0xd8])).json();
    assert_eq!(json["verified"], false);
    assert_eq!(json["faults"], json!([]));
    let content = &json["content"];
    assert_eq!(content["validityInfo"]["validUntil"], "2026-07-01T00:00:00Z");
    assert_eq!(content["valueDigests"][NAMESPACE]["others"], 2);
    assert_eq!(content["issuerAuth"]["x5chain"][0]["subject"], "CN=Example,C=NL");
    let elements = content["nameSpaces"][NAMESPACE].as_array().unwrap();
    let value = |name: &str| {
        let found = elements
            .iter()
            .find(|element| element["elementIdentifier"] == name);
        found.unwrap()["elementValue"].clone()
    };
    assert_eq!(value("birth_date"), "1990-01-02");
    assert_eq!(value("portrait"), json!({"bytes": "_9g"}));
}

#[test]
fn a_broken_part_is_named_and_the_rest_is_shown() {
    // A member of one item, a member of the MSO, the signature, the date.
    let item = look(&replaced(b"elementIdentifier", b"elementidentifier"));
    let [(path, fault)] = item.faults().try_into().unwrap();
    assert!(path.starts_with("nameSpaces/org.iso.18013.5.1/item "), "{path}");
    assert_eq!(fault, "`elementIdentifier` is missing");
    assert!(item.text().contains("docType"));

    let mso = look(&replaced(b"validityInfo", b"validityinfo"));
    assert_eq!(
        mso.faults(),
        [("mso".to_owned(), "`validityInfo` is missing".to_owned())]
    );
    let text = mso.text();
    assert!(
        text.contains("validityinfo") && text.contains("birth_date"),
        "{text}"
    );

    let auth = look(&replaced(b"nameSpaces", b"namespaces"));
    assert_eq!(auth.faults(), []);
    assert!(
        auth.text()
            .lines()
            .any(|line| line.starts_with("nameSpaces") && line.ends_with("none"))
    );

    let version = look(&replaced(b"\x67version\x631.0", b"\x67version\x632.0"));
    let [(path, fault)] = version.faults().try_into().unwrap();
    assert_eq!(path, "mso");
    assert!(fault.starts_with("version `2.0` is not supported"), "{fault}");
}

#[test]
fn what_is_not_well_formed_is_an_error_but_for_a_key_that_stands_twice() {
    let bytes = issued(&[]);
    let error = Inspection::of_cbor(&bytes[..bytes.len() - 1], now()).unwrap_err();
    assert_eq!(error.fault(), &Fault::Truncated);
    let twice = look(&[0xa2, 0x61, b'a', 1, 0x61, b'a', 2]);
    assert_eq!(twice.faults()[0].1, "a map has the same key twice at byte 4");
    assert!(twice.text().contains("  a  2"));
}

#[test]
fn faults_are_listed_by_paths_of_short_names_and_not_without_end() {
    // A name of a megabyte, and under it what is no item, thousands of times.
    let mut spaces = vec![0xa1, 0x7a, 0, 0x10, 0, 0];
    spaces.resize(spaces.len() + (1 << 20), b'n');
    spaces.extend([0x99, 0x0f, 0xa0]);
    spaces.resize(spaces.len() + 4_000, 0);
    let mut bytes = b"\xa2\x6aissuerAuth\x00\x6anameSpaces".to_vec();
    bytes.extend(spaces);
    let faults = look(&bytes).faults();
    assert_eq!(faults.len(), MOST_FAULTS);
    let listed = look(&bytes).json()["faults"].clone();
    assert_eq!(listed.as_array().unwrap().len(), MOST_FAULTS + 1);
    assert!(
        listed[MOST_FAULTS]["message"]
            .to_string()
            .contains("of 4001 faults")
    );
    assert!(faults.iter().all(|(path, _)| path.len() < 200));
    let (path, _) = &faults[1];
    assert!(
        path.starts_with("nameSpaces/nnn") && path.ends_with("n…/item 2"),
        "{path}"
    );
}

#[test]
fn a_value_is_said_to_programs_once_and_not_at_every_level() {
    fn size(nodes: &[Node]) -> usize {
        let of = |node: &Node| node.json.as_ref().map_or(0, |json| json.to_string().len());
        nodes.iter().map(|node| of(node) + size(&node.children)).sum()
    }
    let nested = [&[0x81; 30][..], &[0x98, 200], &b"\xc1\x00".repeat(200)].concat();
    let seen = look(&nested);
    assert!(size(&seen.nodes) < 20 * nested.len(), "{}", size(&seen.nodes));
    let json = seen.json()["content"]["content"].to_string();
    assert_eq!(json.matches(r#"{"tag":1,"value":0}"#).count(), 200);
}

#[test]
fn pictures_of_few_bytes_and_many_pixels_are_not_decoded() {
    // A JPEG that says that it has four thousand by four thousand, and has none.
    let start = b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0";
    let frame = b"\xff\xc0\0\x0b\x08\x0f\xa0\x0f\xa0\x01\x01\x11\0";
    let picture = [&start[..], frame, b"\xff\xd9"].concat();
    let text = value::value("a", &Value::Bytes(picture)).text;
    assert!(text.contains("JPEG 4000x4000, not decoded"), "{text}");
}

#[test]
fn every_beginning_and_every_damaged_byte_is_looked_at_without_a_panic() {
    let bytes = issued(&[0xff; 20]);
    for end in 0..bytes.len() {
        assert!(Inspection::of_cbor(&bytes[..end], now()).is_err());
    }
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x21;
        if let Ok(inspection) = Inspection::of_cbor(&damaged, now()) {
            let _ = (inspection.text(), inspection.json());
        }
        let _ = (diagnostic(&damaged), portrait(&damaged));
    }
}

#[test]
fn portraits_are_found_or_missed_in_words() {
    let picture = [0xff, 0xd8, 0xff, 0xe0, 0xff, 0xd9];
    assert_eq!(portrait(&issued(&picture)).unwrap(), picture);
    assert_eq!(
        portrait(&embed(&issued(&picture))).unwrap(),
        picture,
        "in tag 24 as well"
    );
    let mut renamed = issued(&picture);
    let at = renamed.windows(8).position(|found| found == b"portrait").unwrap();
    renamed[at..at + 8].copy_from_slice(b"face_jpg");
    assert_eq!(
        portrait(&renamed),
        Err(NoPortrait::Missing(vec!["face_jpg".to_owned()]))
    );
    assert_eq!(
        portrait(&[0x83, 0xf6, 0xf6, 0xf6]),
        Err(NoPortrait::NoDocument("SessionTranscript"))
    );
}

#[test]
fn requests_engagements_and_transcripts() {
    let ask = ItemsRequest {
        doc_type: "org.iso.18013.5.1.mDL".to_owned(),
        name_spaces: vec![(
            NAMESPACE.to_owned(),
            vec![RequestedElement {
                identifier: "age_over_18".to_owned(),
                intent_to_retain: true,
            }],
        )],
    };
    let request = look(&encode_request(&[ask], &ReaderAuth::None).unwrap());
    assert_eq!(request.structure, "DeviceRequest");
    assert!(request.text().contains("age_over_18  to be kept"));

    let options = BleOptions {
        central_client_uuid: Some([0x45; 16]),
        ..BleOptions::default()
    };
    let encoded = encode_ble(key(4).public_key(), &options);
    let engagement = look(&encoded);
    assert_eq!(engagement.structure, "DeviceEngagement");
    let methods = &engagement.json()["content"]["deviceRetrievalMethods"];
    assert_eq!(
        methods[0],
        json!({"type": "BLE", "centralClient": "45454545-4545-4545-4545-454545454545"})
    );

    let transcript = [&[0x83][..], &embed(&encoded), &[0xf6, 0xf6]].concat();
    let transcript = look(&embed(&transcript));
    assert_eq!(transcript.structure, "SessionTranscript");
    let text = transcript.text();
    assert!(text.contains("QR code") && text.contains("45454545-"), "{text}");
}

#[test]
fn the_private_half_of_a_key_is_never_shown() {
    let public = key::encode(key(5).public_key());
    let mut private = vec![0xa5];
    private.extend_from_slice(&public[1..]);
    private.extend([0x23, 0x58, 0x20]);
    private.extend([0x5e; 32]);
    let inspection = look(&private);
    assert_eq!(inspection.structure, "COSE_Key");
    assert!(inspection.text().contains("its private half is not shown"));
    for shown in [inspection.text(), inspection.json().to_string()] {
        assert!(!shown.contains("5e5e5e") && !shown.contains("Xl5eXl5e"));
    }
    for bytes in [private.clone(), embed(&private)] {
        assert_eq!(diagnostic(&bytes), Err(NoDiagnostic::PrivateKey));
    }
    assert!(diagnostic(&public).is_ok());
}

#[test]
fn keys_that_are_there_twice_are_shown_in_small_files_alone() {
    let of = |keys: usize| {
        let mut map = vec![0xb9];
        map.extend_from_slice(&u16::try_from(keys).unwrap().to_be_bytes());
        map.extend_from_slice(&[0, 0].repeat(keys));
        Inspection::of_cbor(&map, now())
    };
    let most = (LARGEST_WITH_DUPLICATES - 3) / 2;
    assert_eq!(of(most).unwrap().faults().len(), 1);
    assert_eq!(of(most + 1).unwrap_err().fault(), &Fault::DuplicateKey);
}

#[test]
fn what_is_too_much_to_be_shown_is_refused_in_every_form() {
    let large = [&[0x5a, 0, 0x40, 0, 0][..], &vec![0; 4 << 20]].concat();
    let limit = Fault::Limit("the message");
    assert_eq!(Inspection::of_cbor(&large, now()).unwrap_err().fault(), &limit);
    let error = |error: &DecodeError| error.fault() == &limit;
    assert!(matches!(diagnostic(&large), Err(NoDiagnostic::Decode(found)) if error(&found)));
    assert!(matches!(portrait(&large), Err(NoPortrait::Decode(found)) if error(&found)));
}
