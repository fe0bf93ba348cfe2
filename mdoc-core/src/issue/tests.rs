use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use super::*;
use crate::cbor::Item;
use crate::crypto::{Curve, RustCrypto, SecretKey};
use crate::issuer_signed::{IssuerSigned, IssuerSignedItem};
use crate::limits::{LONGEST_NAME, Limits};
use crate::seams::SoftwareKey;
use crate::time::FullDate;
use crate::value;

fn rng() -> ChaCha20Rng {
    ChaCha20Rng::from_seed([42; 32])
}

fn device_key() -> PublicKey {
    SecretKey::generate(Curve::P256, &mut rng()).public_key().clone()
}

fn validity() -> Validity {
    let signed = Timestamp::parse("2026-06-01T00:00:00Z").unwrap();
    let valid_until = Timestamp::parse("2026-07-01T00:00:00Z").unwrap();
    Validity {
        signed,
        valid_from: signed,
        valid_until,
        expected_update: None,
    }
}

fn elements(portrait: usize) -> NameSpaces {
    let date = value::full_date(FullDate::parse("1990-01-02").unwrap());
    vec![
        (
            "org.iso.18013.5.1".to_owned(),
            vec![
                ("family_name".to_owned(), Value::Text("Ångström".to_owned())),
                ("birth_date".to_owned(), date),
                ("portrait".to_owned(), Value::Bytes(vec![0xff; portrait])),
                ("height".to_owned(), Value::Integer(300.into())),
            ],
        ),
        (
            "org.iso.18013.5.1.XX".to_owned(),
            vec![("extra".to_owned(), Value::Bool(true))],
        ),
    ]
}

fn issue(elements: &NameSpaces, seed: u8) -> Vec<u8> {
    let mut rng = ChaCha20Rng::from_seed([seed; 32]);
    let key = device_key();
    let draft = Draft::new("org.iso.18013.5.1.mDL", elements, &key, validity());
    let signer = SoftwareKey::new(SecretKey::generate(Curve::P256, &mut rng)).unwrap();
    draft
        .salt(&mut rng, &RustCrypto)
        .unwrap()
        .sign(&signer, &[b"certificate"])
        .unwrap()
}

fn digest_ids(document: &[u8]) -> Vec<(String, u64)> {
    let document = IssuerSigned::decode(document, &Limits::DEFAULT).unwrap();
    let mut ids = Vec::new();
    for item in document.name_spaces().iter().flat_map(|(_, items)| items) {
        let item = IssuerSignedItem::decode(item.item(&Limits::DEFAULT).unwrap()).unwrap();
        ids.push((item.element_identifier.into_owned(), item.digest_id));
    }
    ids
}

#[test]
fn trap_02_and_05_every_digest_covers_the_whole_item_with_shortest_lengths() {
    for portrait in [10, 200, 300, 90_000] {
        let bytes = issue(&elements(portrait), 1);
        let (_, shape) = Item::parse_with_shape(&bytes, &Limits::DEFAULT).unwrap();
        assert_eq!((shape.not_shortest, shape.indefinite), (0, 0));
        let document = IssuerSigned::decode(&bytes, &Limits::DEFAULT).unwrap();
        let mso = document.mso(&Limits::DEFAULT).unwrap();
        for (name, items) in document.name_spaces() {
            for embedded in items {
                let (item, shape) = embedded.item_with_shape(&Limits::DEFAULT).unwrap();
                assert_eq!((shape.not_shortest, shape.indefinite), (0, 0));
                let item = IssuerSignedItem::decode(item).unwrap();
                assert_eq!(item.random.len(), SALT_LEN);
                let digest = RustCrypto.digest(DigestAlgorithm::Sha256, &[embedded.raw()]);
                assert_eq!(
                    mso.value_digests.get(name, item.digest_id).unwrap().as_ref(),
                    digest.as_ref()
                );
            }
        }
    }
}

#[test]
fn trap_09_digest_ids_do_not_follow_the_elements() {
    let all: Vec<_> = (0..8)
        .map(|seed| digest_ids(&issue(&elements(10), seed)))
        .collect();
    assert!(
        all.iter().any(|ids| ids != &all[0]),
        "drawn anew for every document"
    );
    for ids in &all {
        let mut numbers: Vec<u64> = ids.iter().map(|(_, id)| *id).collect();
        numbers.sort_unstable();
        assert_eq!(numbers, [0, 1, 2, 3, 4], "one range over all namespaces");
    }
}

#[test]
fn trap_09_decoys_lie_between_the_real_digests() {
    let key = device_key();
    let elements = elements(10);
    let draft = Draft::new("d", &elements, &key, validity()).decoys(20);
    let signer = SoftwareKey::new(SecretKey::generate(Curve::P256, &mut rng())).unwrap();
    let bytes = draft
        .salt(&mut rng(), &RustCrypto)
        .unwrap()
        .sign(&signer, &[b"c"])
        .unwrap();
    let mso = IssuerSigned::decode(&bytes, &Limits::DEFAULT)
        .unwrap()
        .mso(&Limits::DEFAULT)
        .unwrap();
    assert_eq!(
        mso.value_digests.counts().map(|(_, count)| count).sum::<usize>(),
        25
    );
    let largest_real = digest_ids(&bytes).into_iter().map(|(_, id)| id).max().unwrap();
    assert!(largest_real > 4, "real IDs come from the whole range");
}

#[test]
fn trap_29_validity_is_written_in_utc_with_whole_seconds() {
    let bytes = issue(&elements(10), 1);
    let mso = IssuerSigned::decode(&bytes, &Limits::DEFAULT)
        .unwrap()
        .mso(&Limits::DEFAULT)
        .unwrap();
    assert!(mso.validity_info.strictly_written);
    assert_eq!(mso.validity_info.signed, validity().signed);
    assert!(mso.status.is_none());
}

#[test]
fn trap_11_absent_members_are_not_written() {
    let bytes = issue(&elements(10), 1);
    let item = Item::parse(&bytes, &Limits::DEFAULT).unwrap();
    let payload = item
        .get("issuerAuth")
        .unwrap()
        .array()
        .unwrap()
        .nth(2)
        .unwrap()
        .bytes()
        .unwrap();
    let mso = Item::parse(&payload, &Limits::DEFAULT).unwrap();
    let mso = crate::cbor::Embedded::new(mso).unwrap();
    let mso = mso.item(&Limits::DEFAULT).unwrap();
    assert_eq!(mso.map().unwrap().count(), 6);
    assert_eq!(mso.get("validityInfo").unwrap().map().unwrap().count(), 3);
    assert_eq!(mso.get("deviceKeyInfo").unwrap().map().unwrap().count(), 1);
}

#[test]
fn every_algorithm_issues_and_its_signature_holds() {
    let (key, elements) = (device_key(), elements(10));
    for curve in [Curve::P256, Curve::P384, Curve::P521, Curve::Ed25519] {
        let signer = SoftwareKey::new(SecretKey::generate(curve, &mut rng())).unwrap();
        let draft = Draft::new("d", &elements, &key, validity()).digest_algorithm(DigestAlgorithm::Sha384);
        let bytes = draft
            .salt(&mut rng(), &RustCrypto)
            .unwrap()
            .sign(&signer, &[b"c"])
            .unwrap();
        let document = IssuerSigned::decode(&bytes, &Limits::DEFAULT).unwrap();
        let auth = document.issuer_auth();
        auth.verify(signer.public_key(), auth.payload().unwrap(), &RustCrypto)
            .unwrap();
    }
}

#[test]
fn drafts_that_can_never_be_issued_are_refused() {
    let key = device_key();
    let refuse = |doc_type: &str, elements: &NameSpaces, validity| {
        Draft::new(doc_type, elements, &key, validity)
            .salt(&mut rng(), &RustCrypto)
            .unwrap_err()
    };
    let mut backwards = validity();
    backwards.valid_until = backwards.valid_from;
    assert_eq!(refuse("d", &elements(1), backwards), DraftError::Validity);
    assert_eq!(refuse("d", &Vec::new(), validity()), DraftError::NoElements);
    assert_eq!(refuse("", &elements(1), validity()), DraftError::EmptyName);
    let long = "d".repeat(LONGEST_NAME + 1);
    assert_eq!(refuse(&long, &elements(1), validity()), DraftError::LongName);
    let mut twice = elements(1);
    let again = twice[0].1[0].clone();
    twice[0].1.push(again);
    assert_eq!(
        refuse("d", &twice, validity()),
        DraftError::Duplicate("family_name".to_owned())
    );
}

#[test]
fn a_document_that_repeats_a_name_among_many_is_refused() {
    let key = device_key();
    let mut many = vec![("n".to_owned(), Vec::new())];
    for number in 0..200 {
        many[0].1.push((format!("element_{number}"), Value::Bool(true)));
    }
    let draft = |elements: &NameSpaces| {
        Draft::new("n", elements, &key, validity())
            .salt(&mut rng(), &RustCrypto)
            .map(drop)
    };
    assert_eq!(draft(&many), Ok(()), "the docType may be the name of a namespace");
    many[0].1.push(("element_7".to_owned(), Value::Bool(true)));
    assert_eq!(draft(&many), Err(DraftError::Duplicate("element_7".to_owned())));
    let spaces = vec![
        many[0].clone(),
        ("n".to_owned(), vec![("x".to_owned(), Value::Null)]),
    ];
    assert_eq!(draft(&spaces), Err(DraftError::Duplicate("n".to_owned())));
}

#[test]
fn the_buffer_of_a_document_has_the_right_size_from_the_beginning() {
    let key = device_key();
    for (portrait, decoys) in [(10, 0), (30_000, 0), (90_000, 300)] {
        let elements = elements(portrait);
        let draft = Draft::new("org.iso.18013.5.1.mDL", &elements, &key, validity()).decoys(decoys);
        let unsigned = draft.salt(&mut rng(), &RustCrypto).unwrap();
        let room = unsigned.encoded.capacity();
        let signer = SoftwareKey::new(SecretKey::generate(Curve::P256, &mut rng())).unwrap();
        let document = unsigned.sign(&signer, &[&[7; 900]]).unwrap();
        assert_eq!(document.capacity(), room, "it did not grow");
        assert!(room - document.len() < 900, "{room} for {}", document.len());
    }
}

#[test]
fn what_no_reader_takes_is_not_issued() {
    let (elements, device_key, mut rng) = (elements(10), device_key(), rng());
    let draft = Draft::new("type", &elements, &device_key, validity());
    let most = draft.clone().decoys(MOST_DIGESTS - 5);
    let signer = SoftwareKey::new(SecretKey::generate(Curve::P256, &mut rng)).unwrap();
    let most = most
        .digest_algorithm(DigestAlgorithm::Sha512)
        .salt(&mut rng, &RustCrypto)
        .unwrap();
    let most = most.sign(&signer, &[b"certificate"]).unwrap();
    let taken = IssuerSigned::decode(&most, &Limits::DEFAULT)
        .unwrap()
        .mso(&Limits::DEFAULT);
    assert!(taken.is_ok(), "{taken:?}");
    let refused = draft.decoys(MOST_DIGESTS - 4).salt(&mut rng, &RustCrypto).err();
    assert_eq!(refused, Some(DraftError::TooManyDigests));
}
