//! Lists that are not what they should be.

use proptest::prelude::*;

use super::*;

#[test]
fn no_byte_can_be_changed() {
    let world = World::new(1);
    let list = world.sign(&world.draft());
    assert!(world.check(&list).accepted());
    for place in 0..list.len() {
        let mut changed = list.clone();
        changed[place] ^= 1;
        let report = world.check(&changed);
        assert!(!report.accepted(), "byte {place}");
        assert_ne!(failures(&report), [""; 0], "byte {place}");
    }
}

#[test]
fn no_byte_of_a_real_list_can_be_changed_but_of_certificates_that_nobody_looks_at() {
    let roots = [TrustAnchor::new(Certificate::from_pem(AAMVA_CA).unwrap())];
    let original = SignedVical::decode(AAMVA, &Limits::DEFAULT).unwrap();
    let (mut signature, mut other) = (0, 0);
    for place in (0..AAMVA.len()).step_by(251).chain(AAMVA.len() - 64..AAMVA.len()) {
        let mut changed = AAMVA.to_vec();
        changed[place] ^= 0x10;
        let report = verify(&changed, &Inputs::new(&roots, at("2025-11-19T00:00:00Z")));
        if report.accepted() {
            // The CA and its root, which come with the signer's certificate: the configured one counts.
            let now = SignedVical::decode(&changed, &Limits::DEFAULT).unwrap();
            assert_eq!(now.payload(), original.payload(), "byte {place}");
            let (old, new) = (original.sign1().x5chain(), now.sign1().x5chain());
            let (old, new) = (old.unwrap().unwrap(), new.unwrap().unwrap());
            assert_eq!(old[0], new[0], "byte {place}");
            assert_ne!(old, new, "byte {place}");
            continue;
        }
        if failures(&report) == [Code::SignatureInvalid.id()] {
            signature += 1;
        } else {
            other += 1;
        }
    }
    assert!(signature > 100 && other > 5, "{signature} {other}");
}

#[test]
fn another_signer_is_refused() {
    let (world, stranger) = (World::new(1), World::new(9));
    // Their own chain, below a root of the same name.
    let theirs = stranger.sign(&stranger.draft());
    assert_eq!(failures(&world.check(&theirs)), [Code::ChainSignature.id()]);
    // Our certificate, their key.
    let forged = stranger.sign_payload(&world.draft().payload(), &[world.signer.der()]);
    assert_eq!(failures(&world.check(&forged)), [Code::SignatureInvalid.id()]);
    // A document signer that the root of lists did not certify, and one that it did, is none for lists.
    let (ds, key) = &world.ds;
    let list = world.draft().sign(key, &[ds.der()]).unwrap();
    let roots = [TrustAnchor::new(world.authorities[0].clone())];
    let report = verify(&list, &Inputs::new(&roots, now()));
    let found = failures(&report);
    assert!(
        found.contains(&"vical.eku") && found.contains(&"vical.key-usage"),
        "{found:?}"
    );
    assert!(failures(&world.check(&list)).contains(&Code::ChainUntrusted.id()));
    let unsigned = world.sign_payload(&world.draft().payload(), &[]);
    assert_eq!(failures(&world.check(&unsigned)), [Code::X5chainMissing.id()]);
}

#[test]
fn what_is_no_list_is_refused_with_the_reason() {
    let world = World::new(1);
    let check = |list: &[u8]| failures(&world.check(list));
    assert_eq!(check(b""), [Code::Malformed.id()]);
    assert_eq!(check(b"\x84"), [Code::Malformed.id()]);
    assert_eq!(check(b"\xa0"), [Code::Structure.id()]);
    for (version, code) in [("2.0", Some(Code::Version)), ("1.9", None)] {
        let list = world.edited(|list| *member(list, "version") = Value::from(version));
        let expected: Vec<_> = code.iter().map(|code| code.id()).collect();
        assert_eq!(check(&list), expected, "{version}");
    }
    for name in ["vicalProvider", "date", "certificateInfos"] {
        let without = world.edited(|list| list.retain(|(key, _)| key.as_text() != Some(name)));
        assert_eq!(check(&without), [Code::Structure.id()], "{name}");
        let other = world.edited(|list| *member(list, name) = Value::from(1));
        assert_eq!(check(&other), [Code::Structure.id()], "{name}");
    }
    let none = world.edited(|list| *member(list, "certificateInfos") = Value::Array(Vec::new()));
    let report = world.check(&none);
    assert!(report.accepted() && report.accept().unwrap().anchors().is_empty());
    assert_eq!(warnings(&report), [Code::EntriesNone.id()]);
    // Tag 24 around the payload is another structure.
    let embedded = crate::cbor::embed(&world.draft().payload());
    let list = world.sign_payload(&embedded, &[world.signer.der()]);
    assert_eq!(check(&list), [Code::Structure.id()]);
}

#[test]
fn a_revoked_signer_signs_no_list() {
    let world = World::new(1);
    let list = world.sign(&world.draft());
    let roots = world.roots();
    let crl = |serials: &[&[u8]]| {
        let terms = ListTerms {
            this_update: now().minus(DAY),
            next_update: now().plus(30 * DAY),
            number: 1,
        };
        let revoked = serials.iter().map(|serial| RevokedSerial {
            serial_number: serial.to_vec(),
            at: now().minus(DAY),
        });
        build_crl(&world.root, &world.root_key, &revoked.collect::<Vec<_>>(), terms).unwrap()
    };
    let with = |lists: &[_], now, policy| {
        let mut inputs = Inputs::new(&roots, now);
        inputs.policy = policy;
        inputs.revocation_lists = lists;
        verify(&list, &inputs)
    };
    let good = with(&[crl(&[])], now(), Policy::STRICT);
    assert_eq!(failures(&good), [""; 0], "nothing is missing for a strict policy");
    let revoked = crl(&[world.signer.serial_number()]);
    let revoked = with(&[revoked], now(), Policy::STANDARD);
    assert_eq!(failures(&revoked), [Code::SignerRevoked.id()]);
    let stale = with(&[crl(&[])], now().plus(31 * DAY), Policy::STRICT);
    assert!(failures(&stale).contains(&Why::RevocationUndetermined.id()));
}

#[test]
fn every_fault_of_headers_and_certificates_has_its_code() {
    let world = World::new(1);
    let payload = world.draft().payload();
    let protected = protected_header(world.key.algorithm());
    let build = |protected: &[u8], chain: &[&[u8]], cut: usize| {
        let signature = world.key.sign(&to_be_signed(protected, &payload)).unwrap();
        let mut out = Vec::new();
        let end = signature.len() - cut;
        write_sign1(&mut out, protected, chain, Some(&payload), &signature[..end]);
        out
    };
    let leaf = world.signer.der();
    let with_chain = |chain: Value| {
        let header = Value::Map(vec![(Value::from(1), Value::from(-7)), (Value::from(33), chain)]);
        let mut out = Vec::new();
        ciborium::into_writer(&header, &mut out).unwrap();
        out
    };
    for (list, code) in [
        (build(&[0xa0], &[leaf], 0), Code::AlgMissing),
        (build(&[], &[leaf], 0), Code::AlgMissing),
        (
            build(&[0xa1, 0x01, 0x39, 0x01, 0x00], &[leaf], 0),
            Code::AlgUnsupported,
        ),
        (build(&[0xa1, 0x01, 0x38, 0x22], &[leaf], 0), Code::AlgCurve),
        (build(&protected, &[leaf], 1), Code::SignatureForm),
        (build(&protected, &[&leaf[1..]], 0), Code::X5chainMalformed),
    ] {
        assert_eq!(failures(&world.check(&list)), [code.id()]);
    }
    // Worth a warning, and no more under the standard policy.
    let inside = with_chain(Value::Bytes(leaf.to_vec()));
    let good = build(&protected, &[leaf], 0);
    let long_head = [&[0x98, 0x04], &good[1..]].concat();
    for (list, code) in [
        (build(&inside, &[], 0), Code::X5chainProtected),
        (long_head, Code::NotPreferred),
    ] {
        let report = world.check(&list);
        assert_eq!(failures(&report), [""; 0]);
        assert_eq!(warnings(&report), [code.id()]);
    }
    let pinned = [TrustAnchor::new(world.signer.clone())];
    let report = verify(&good, &Inputs::new(&pinned, now()));
    assert!(report.accepted());
    assert_eq!(warnings(&report), [Code::ChainPinned.id()]);
    let roots = world.roots();
    let on = |text: &str| verify(&good, &Inputs::new(&roots, at(text)));
    let early = on("2025-12-31T00:00:00Z");
    let expected = [Code::SignerNotYetValid, Code::RootNotYetValid, Code::DateFuture];
    assert_eq!(failures(&early), expected.map(Code::id));
    assert_eq!(warnings(&early), [Code::EntryNotYetValid.id(); 2]);
    let late = on("2028-01-01T00:00:00Z");
    let expected = [Code::SignerExpired, Code::RootExpired, Code::NotAfter];
    assert_eq!(failures(&late), expected.map(Code::id));
    let expected = [Code::NextUpdate, Code::EntryExpired, Code::EntryExpired];
    assert_eq!(warnings(&late), expected.map(Code::id));
    // A chain of which one leads nowhere: the signer's certificate under one that may not issue.
    let detour = build(&protected, &[world.ds.0.der(), leaf], 0);
    assert!(failures(&world.check(&detour)).contains(&Code::ChainUntrusted.id()));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn damaged_lists_are_refused_and_never_panic(
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in any::<Option<prop::sample::Index>>(),
    ) {
        let mut list = AAMVA.to_vec();
        for (place, value) in edits {
            let place = place.index(list.len());
            list[place] = value;
        }
        if let Some(cut) = cut {
            list.truncate(cut.index(list.len()));
        }
        let original = SignedVical::decode(AAMVA, &Limits::DEFAULT).unwrap();
        let roots = [TrustAnchor::new(Certificate::from_pem(AAMVA_CA).unwrap())];
        let report = verify(&list, &Inputs::new(&roots, at("2025-11-19T00:00:00Z")));
        if report.accepted() {
            let now = SignedVical::decode(&list, &Limits::DEFAULT).unwrap();
            prop_assert_eq!(now.payload(), original.payload());
        }
    }

    #[test]
    fn any_bytes_as_a_payload_decode_or_err(payload in prop::collection::vec(any::<u8>(), 0..200)) {
        let world = World::new(1);
        let list = world.sign_payload(&payload, &[world.signer.der()]);
        let _ = SignedVical::decode(&list, &Limits::DEFAULT);
    }
}
