use std::collections::BTreeSet;

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use super::super::NameSpaces;
use super::*;
use crate::crypto::{Curve, RustCrypto, SecretKey};
use crate::issuer_signed::{IssuerSigned, IssuerSignedItem};
use crate::limits::Limits;
use crate::mso::StatusListReference;
use crate::seams::SoftwareKey;
use crate::time::Timestamp;
use crate::value::Value;

fn rng(seed: u8) -> ChaCha20Rng {
    ChaCha20Rng::from_seed([seed; 32])
}

fn key(seed: u8) -> PublicKey {
    SecretKey::generate(Curve::P256, &mut rng(seed))
        .public_key()
        .clone()
}

fn validity() -> Validity {
    let signed = Timestamp::from_unix(1_780_000_000);
    Validity {
        signed,
        valid_from: signed,
        valid_until: Timestamp::from_unix(1_790_000_000),
        expected_update: None,
    }
}

/// Two namespaces, a portrait of some blocks, and lengths that turn from one head to the next with the digest ID.
fn elements() -> NameSpaces {
    let mut first: Vec<(String, Value)> = (0..30)
        .map(|number| (format!("element_{number}"), Value::Bytes(vec![1; 120 + number])))
        .collect();
    first.push(("portrait".to_owned(), Value::Bytes(vec![0xff; 3000])));
    let second = vec![("extra".to_owned(), Value::Bool(true))];
    vec![("first".to_owned(), first), ("second".to_owned(), second)]
}

fn signed(unsigned: Unsigned) -> Vec<u8> {
    let key = SoftwareKey::new(SecretKey::generate(Curve::P256, &mut rng(1))).unwrap();
    unsigned.sign(&key, &[b"certificate"]).unwrap()
}

/// IDs of the elements, after every digest was looked at as a reader does; whether the identifier comes first.
fn read(document: &[u8]) -> (Vec<u64>, bool) {
    let limits = Limits::DEFAULT;
    let document = IssuerSigned::decode(document, &limits).unwrap();
    let mso = document.mso(&limits).unwrap();
    let (mut ids, mut identifier_first) = (Vec::new(), true);
    for (name, items) in document.name_spaces() {
        for embedded in items {
            let (item, shape) = embedded.item_with_shape(&limits).unwrap();
            assert_eq!((shape.not_shortest, shape.indefinite), (0, 0));
            let first = item.map().unwrap().next().unwrap().0.text().unwrap();
            identifier_first &= first == "elementIdentifier";
            let item = IssuerSignedItem::decode(item).unwrap();
            let digest = RustCrypto.digest(mso.digest_algorithm, &[embedded.raw()]);
            let listed = mso.value_digests.get(name, item.digest_id).unwrap();
            assert_eq!(listed.as_ref(), digest.as_ref(), "{}", item.element_identifier);
            ids.push(item.digest_id);
        }
    }
    (ids, identifier_first)
}

const ALGORITHMS: [DigestAlgorithm; 3] = [
    DigestAlgorithm::Sha256,
    DigestAlgorithm::Sha384,
    DigestAlgorithm::Sha512,
];

#[test]
fn a_copy_in_the_customary_order_is_what_a_single_document_would_have_been() {
    let (elements, other, own) = (elements(), key(2), key(3));
    let status = Status {
        status_list: Some(StatusListReference {
            index: 7,
            uri: "https://status.example/1".to_owned(),
            certificate: None,
        }),
        ..Status::default()
    };
    for (algorithm, decoys) in ALGORITHMS.into_iter().zip([0, 9, 300]) {
        let draft = |key| {
            Draft::new("type", &elements, key, validity())
                .digest_algorithm(algorithm)
                .decoys(decoys)
        };
        let single = draft(&own)
            .status(status.clone())
            .salt(&mut rng(5), &RustCrypto)
            .unwrap();
        let copy = CopyOf {
            device_key: &own,
            validity: validity(),
            status: Some(&status),
        };
        let template = draft(&other).template(ItemOrder::Customary).unwrap();
        let copied = template.copy(&copy, &mut rng(5), &RustCrypto).unwrap();
        assert_eq!(signed(copied), signed(single));
    }
}

#[test]
fn a_reader_finds_every_digest_of_a_copy_with_the_salt_last() {
    let (elements, device_key) = (elements(), key(2));
    let mut classes = BTreeSet::new();
    for (algorithm, decoys) in ALGORITHMS.into_iter().zip([0, 300, 9_000]) {
        let draft = Draft::new("type", &elements, &device_key, validity())
            .digest_algorithm(algorithm)
            .decoys(decoys);
        let template = draft.template(ItemOrder::SaltLast).unwrap();
        let copy = CopyOf {
            device_key: &device_key,
            validity: validity(),
            status: None,
        };
        for seed in 0..2 {
            let copied = template.copy(&copy, &mut rng(seed), &RustCrypto).unwrap();
            let (ids, identifier_first) = read(&signed(copied));
            assert!(identifier_first);
            classes.extend(ids.into_iter().map(|id| id_class(u32::try_from(id).unwrap())));
        }
    }
    assert_eq!(classes.len(), 3, "IDs of one byte, of two and of three");
}

#[test]
fn copies_have_nothing_in_common_that_was_drawn() {
    let (elements, device_key) = (elements(), key(2));
    for order in [ItemOrder::Customary, ItemOrder::SaltLast] {
        let draft = Draft::new("type", &elements, &device_key, validity()).decoys(8);
        let template = draft.template(order).unwrap();
        let copy = CopyOf {
            device_key: &device_key,
            validity: validity(),
            status: None,
        };
        let mut generator = rng(4);
        let documents: Vec<Vec<u8>> = (0..3)
            .map(|_| signed(template.copy(&copy, &mut generator, &RustCrypto).unwrap()))
            .collect();
        let ids: BTreeSet<Vec<u64>> = documents.iter().map(|document| read(document).0).collect();
        assert_eq!(ids.len(), 3, "the elements have other IDs in each");
        let mut salts = BTreeSet::new();
        let mut digests = BTreeSet::new();
        for document in &documents {
            let document = IssuerSigned::decode(document, &Limits::DEFAULT).unwrap();
            let mso = document.mso(&Limits::DEFAULT).unwrap();
            for name in ["first", "second"] {
                for id in 0..40 {
                    digests.extend(
                        mso.value_digests
                            .get(name, id)
                            .map(|digest| digest.as_ref().to_vec()),
                    );
                }
            }
            for item in document.name_spaces().iter().flat_map(|(_, items)| items) {
                let item = IssuerSignedItem::decode(item.item(&Limits::DEFAULT).unwrap()).unwrap();
                salts.insert(item.random.into_owned());
            }
        }
        assert_eq!(salts.len(), 3 * 32);
        assert_eq!(digests.len(), 3 * 40, "decoys too");
    }
}

#[test]
fn what_can_never_be_issued_is_refused_by_the_template_or_by_the_copy() {
    let (elements, device_key) = (elements(), key(2));
    let template = |doc_type: &str, elements: &NameSpaces| {
        Draft::new(doc_type, elements, &device_key, validity())
            .template(ItemOrder::SaltLast)
            .map(drop)
    };
    assert_eq!(template("", &elements), Err(DraftError::EmptyName));
    assert_eq!(template("type", &Vec::new()), Err(DraftError::NoElements));
    let draft = Draft::new("type", &elements, &device_key, validity());
    let template = draft.template(ItemOrder::SaltLast).unwrap();
    let backwards = Validity {
        valid_until: validity().signed,
        ..validity()
    };
    let copy = CopyOf {
        device_key: &device_key,
        validity: backwards,
        status: None,
    };
    let refused = template.copy(&copy, &mut rng(1), &RustCrypto).map(drop);
    assert_eq!(refused, Err(DraftError::Validity));
}
