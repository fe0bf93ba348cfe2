//! CBOR, digests, data elements and dates.

use integration::tree::Tree;
use integration::world::{World, at, licence};
use mdoc_core::crypto::DigestAlgorithm;
use mdoc_core::issue::ItemOrder;
use mdoc_core::mso::KeyAuthorizations;
use mdoc_core::value::Value;
use mdoc_core::verify::{Detail, Form, MDL_NAME_SPACE, Outcome, verify};

use super::{NOTHING, codes, forged, outcome};

#[test]
fn trap_01_the_digest_is_over_the_received_bytes_and_not_over_a_new_encoding() {
    let world = World::new(1);
    // The issuer wrote the head of each item's map in two bytes, and digested that.
    let long = forged(&world, |f| {
        for item in f.items() {
            let content = item.bytes();
            assert_eq!(content[0], 0xa4);
            content.splice(0..1, [0xb8, 4]);
        }
        f.digest_again();
    });
    assert_eq!(codes(&world, &long), ["encoding.not-preferred"]);
    // Somebody on the way wrote the same values in the shortest form.
    let again = forged(&world, |f| {
        f.whole = Tree::read(&long);
        f.items()[0].inside(|_| ());
    });
    assert_eq!(
        codes(&world, &again),
        ["encoding.not-preferred", "digest.mismatch"]
    );
}

#[test]
fn trap_03_every_item_is_compared_and_a_missing_namespace_is_no_excuse() {
    let world = World::new(3);
    for (identifier, _) in &licence()[0].1 {
        let response = forged(&world, |f| {
            f.item(identifier, |item| *item.get("random") = [7; 32].as_slice().into());
        });
        let report = verify(&response, Form::DeviceResponse, &world.inputs());
        assert!(!report.accepted(), "{identifier}");
        let failures: Vec<_> = report.documents()[0].failures().collect();
        let [step] = failures.as_slice() else {
            panic!("{identifier}: {failures:?}")
        };
        let Outcome::Failed(reason) = &step.outcome else {
            panic!("{identifier}: {step:?}")
        };
        assert_eq!(reason.code().id(), "digest.mismatch");
        let expected = Detail::Element {
            name_space: MDL_NAME_SPACE.to_owned(),
            element: identifier.clone(),
            what: "",
        };
        assert_eq!(*reason.detail(), expected);
    }
    let without = forged(&world, |f| {
        f.mso(|mso| {
            let digests = mso.get("valueDigests").remove(MDL_NAME_SPACE);
            mso.get("valueDigests").set("org.example", digests);
        });
        f.sign_again();
    });
    assert_eq!(
        codes(&world, &without),
        vec!["digest-id.missing"; licence()[0].1.len()]
    );
}

#[test]
fn an_item_that_does_not_decode_was_not_compared_with_its_digest() {
    let world = World::new(3);
    let response = forged(&world, |f| f.items()[0].bytes().push(0));
    let report = verify(&response, Form::DeviceResponse, &world.inputs());
    assert_eq!(codes(&world, &response), ["decode.embedded"]);
    for step in ["digest", "digest-id", "salt"] {
        assert_eq!(outcome(&report, step), ("not_done", "not-done.earlier-failure"));
    }
}

#[test]
fn the_order_of_the_entries_of_an_item_is_the_issuers() {
    let world = World::new(3);
    let issued = world.issue().order(ItemOrder::SaltLast).decoys(40).sign();
    let licence = licence();
    let elements: Vec<&str> = licence[0].1.iter().map(|(name, _)| &**name).collect();
    let elements = elements.as_slice();
    let responses = [
        world.present(&issued).response(),
        world.present(&issued).mac().response(),
        world.present(&issued).only(&elements[..1]).response(),
    ];
    for response in &responses {
        let report = verify(response, Form::DeviceResponse, &world.inputs());
        assert!(report.accepted());
        assert_eq!(codes(&world, response), NOTHING);
    }
    let report = verify(&issued, Form::IssuerSigned, &world.inputs());
    assert_eq!(report.documents()[0].failures().count(), 0);
    let mut forgery = integration::forgery::Forgery::of(&world, &responses[0]);
    let first = forgery.items()[0].bytes();
    assert!(
        first[1..].starts_with(b"\x71elementIdentifier"),
        "the salt is last"
    );
    *first.last_mut().unwrap() ^= 1;
    assert_eq!(codes(&world, &forgery.encode()), ["digest.mismatch"]);
}

#[test]
fn trap_04_the_digest_algorithm_is_that_of_the_mso() {
    let world = World::new(4);
    for (algorithm, length) in [
        (DigestAlgorithm::Sha256, 32),
        (DigestAlgorithm::Sha384, 48),
        (DigestAlgorithm::Sha512, 64),
    ] {
        let issued = world.issue().digest(algorithm).sign();
        let response = world.present(&issued).response();
        assert_eq!(codes(&world, &response), NOTHING);
        let mut forgery = integration::forgery::Forgery::of(&world, &response);
        forgery.mso(|mso| {
            assert_eq!(*mso.get("digestAlgorithm"), algorithm.name().into());
            let digests = mso.get("valueDigests").get(MDL_NAME_SPACE).map();
            assert!(
                digests
                    .iter_mut()
                    .all(|(_, digest)| digest.bytes().len() == length)
            );
        });
    }
    let relabelled = forged(&world, |f| {
        f.mso(|mso| mso.set("digestAlgorithm", "SHA-384"));
        f.sign_again();
    });
    assert_eq!(
        codes(&world, &relabelled),
        vec!["digest.mismatch"; licence()[0].1.len()]
    );
    let weak = forged(&world, |f| {
        f.mso(|mso| mso.set("digestAlgorithm", "SHA-1"));
        f.sign_again();
    });
    assert_eq!(codes(&world, &weak), ["structure.type"]);
}

#[test]
fn trap_06_the_members_of_an_item_come_in_any_order() {
    let world = World::new(6);
    let reversed = forged(&world, |f| {
        for item in f.items() {
            item.inside(|item| item.map().reverse());
        }
        f.digest_again();
    });
    let report = verify(&reversed, Form::DeviceResponse, &world.inputs());
    let accepted = report.documents()[0].accept().unwrap();
    assert_eq!(codes(&world, &reversed), NOTHING);
    assert_eq!(
        accepted.value(MDL_NAME_SPACE, "given_name"),
        Some(Value::Text("Ada".to_owned()))
    );
    // The order of the MSO is the issuer's as well.
    let mso = forged(&world, |f| {
        f.mso(|mso| mso.map().reverse());
        f.sign_again();
    });
    assert_eq!(codes(&world, &mso), NOTHING);
}

#[test]
fn trap_07_an_element_is_there_once_counting_issuer_and_device_together() {
    let world = World::new(7);
    let authorizations = KeyAuthorizations {
        name_spaces: vec![MDL_NAME_SPACE.to_owned()],
        data_elements: Vec::new(),
    };
    let issued = world.issue().authorize(authorizations).sign();
    let vouched = |name: &str| {
        let elements = vec![(name.to_owned(), Value::Text("Eve".to_owned()))];
        world
            .present(&issued)
            .only(&["given_name"])
            .vouch(vec![(MDL_NAME_SPACE.to_owned(), elements)])
            .response()
    };
    assert_eq!(codes(&world, &vouched("nickname")), ["key-auth.mdl-element"]);
    assert_eq!(
        codes(&world, &vouched("given_name")),
        ["element.duplicate", "key-auth.mdl-element"]
    );
}

#[test]
fn trap_08_digest_ids_are_unsigned_and_negative_ones_belong_to_nothing() {
    let world = World::new(8);
    let decoy = forged(&world, |f| {
        f.mso(|mso| {
            let digests = mso.get("valueDigests").get(MDL_NAME_SPACE);
            digests.set(-7, [0; 32].as_slice());
            digests.set(1 << 40, [0; 32].as_slice());
        });
        f.sign_again();
    });
    assert_eq!(codes(&world, &decoy), NOTHING, "nothing was returned for them");
    let used = forged(&world, |f| {
        f.item("family_name", |item| item.set("digestID", -7));
        f.digest_again();
    });
    assert_eq!(codes(&world, &used), ["structure.type"]);
    for (id, expected) in [((1 << 31) - 1, vec![]), (1 << 31, vec!["digest-id.range"])] {
        let response = forged(&world, |f| {
            f.item("family_name", |item| item.set("digestID", id));
            f.digest_again();
        });
        assert_eq!(codes(&world, &response), expected, "{id}");
    }
}

#[test]
fn trap_12_a_document_may_be_larger_than_64_kilobytes() {
    let world = World::new(12);
    let mut picture = vec![0x55; 200_000];
    picture[..3].copy_from_slice(&[0xff, 0xd8, 0xff]);
    picture[199_998..].copy_from_slice(&[0xff, 0xd9]);
    let issued = world
        .issue()
        .with("portrait", Value::Bytes(picture.clone()))
        .sign();
    // Shortest heads: 200,000 is 00 03 0d 40, in four bytes.
    let head = [0x5a, 0x00, 0x03, 0x0d, 0x40, 0xff, 0xd8, 0xff];
    assert!(issued.windows(head.len()).any(|window| window == head));
    let response = world.present(&issued).response();
    let report = verify(&response, Form::DeviceResponse, &world.inputs());
    assert_eq!(codes(&world, &response), NOTHING);
    let accepted = report.documents()[0].accept().unwrap();
    let portrait = accepted.get(MDL_NAME_SPACE, "portrait").unwrap().bytes().unwrap();
    assert!(portrait == picture);
}

#[test]
fn trap_13_members_that_nobody_knows_are_kept_and_ignored() {
    let world = World::new(13);
    let response = forged(&world, |f| {
        f.mso(|mso| {
            mso.set("org.example.new", 1);
            mso.get("validityInfo").set("graceUntil", "tomorrow");
            mso.get("deviceKeyInfo")
                .set("keyInfo", Tree::Map(vec![(1.into(), 2.into())]));
            mso.get("deviceKeyInfo").get("deviceKey").set(4, [9].as_slice());
        });
        f.sign_again();
        f.item("family_name", |item| item.set("org.example.new", Tree::null()));
        f.digest_again();
        f.issuer_signed().set("org.example.new", 1);
        f.device_signed().set("org.example.new", 1);
        f.document().set("org.example.new", 1);
        f.whole.set("zkDocuments", Tree::Array(Vec::new()));
        f.whole.set("version", "1.7");
    });
    assert_eq!(codes(&world, &response), NOTHING);
    assert!(verify(&response, Form::DeviceResponse, &world.inputs()).accepted());
}

#[test]
fn trap_30_dates_have_their_tags() {
    let world = World::new(30);
    let issued = world.issue().sign();
    let birth_date = [b"\x6celementValue\xd9\x03\xec\x6a".as_slice(), b"1998-08-14"].concat();
    assert!(
        issued
            .windows(birth_date.len())
            .any(|window| window == birth_date)
    );
    let signed = [b"\x66signed\xc0\x74".as_slice(), b"2026-06-01T00:00:00Z"].concat();
    assert!(issued.windows(signed.len()).any(|window| window == signed));
    let text = Tree::from("2026-06-01T00:00:00Z");
    for bad in [
        text.clone(),
        Tree::Tag(1004, Box::new(text)),
        Tree::Tag(1, Box::new(1_780_272_000.into())),
        Tree::Tag(0, Box::new("2026-06-01".into())),
    ] {
        let response = forged(&world, |f| {
            f.mso(|mso| mso.get("validityInfo").set("signed", bad.clone()));
            f.sign_again();
        });
        assert_eq!(codes(&world, &response), ["structure.type"], "{bad:?}");
    }
    for (bad, code) in [
        (Tree::tdate("1998-08-14T00:00:00Z"), "element.type"),
        ("1998-08-14".into(), "element.type"),
        (Tree::Tag(1004, Box::new("1998-02-30".into())), "element.value"),
    ] {
        let response = forged(&world, |f| {
            f.item("birth_date", |item| item.set("elementValue", bad));
            f.digest_again();
        });
        assert_eq!(codes(&world, &response), [code]);
    }
}

#[test]
fn trap_31_an_offset_and_z_together_are_no_instant() {
    let world = World::new(31);
    let signed = |text: &str| {
        forged(&world, |f| {
            f.mso(|mso| mso.get("validityInfo").set("signed", Tree::tdate(text)));
            f.sign_again();
        })
    };
    assert_eq!(
        codes(&world, &signed("2026-06-01T00:00:00+00:00Z")),
        ["structure.type"]
    );
    for tolerated in ["2026-06-01T00:00:00+00:00", "2026-06-01T00:00:00.000Z"] {
        assert_eq!(codes(&world, &signed(tolerated)), ["encoding.time-form"]);
    }
}

#[test]
fn trap_32_the_document_lies_within_its_signer_to_the_second() {
    let world = World::new(32);
    let (from, until) = (world.ds.not_before(), world.ds.not_after());
    let within = world.issue().valid(from, until).sign();
    assert_eq!(codes(&world, &world.present(&within).response()), NOTHING);
    let early = world.issue().valid(at("2025-12-31T23:59:59Z"), until).sign();
    assert_eq!(
        codes(&world, &world.present(&early).response()),
        ["mso.signed-outside-ds"]
    );
    let late = world.issue().valid(from, at("2027-01-01T00:00:01Z")).sign();
    assert_eq!(
        codes(&world, &world.present(&late).response()),
        ["mso.outlives-ds"]
    );
}
