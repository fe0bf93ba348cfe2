//! COSE headers, signatures and certificates.

use integration::forgery::{Forgery, sign1};
use integration::parts::Parts;
use integration::tree::Tree;
use integration::world::{World, at};
use mdoc_core::cose::to_be_signed;
use mdoc_core::crypto::Curve;
use mdoc_core::seams::Signer as _;
use mdoc_core::verify::{Form, MDL_NAME_SPACE, Policy, verify};
use mdoc_core::x509::build::{ListTerms, RevokedSerial, build_crl};
use mdoc_core::x509::revocation::RevocationList;
use mdoc_core::x509::{Certificate, oid};
use p256::ecdsa::signature::Verifier as _;
use p256::ecdsa::{Signature, VerifyingKey};

use super::{NOTHING, codes, findings, forged, outcome};

#[test]
fn trap_16_a_root_that_comes_along_is_neither_needed_nor_trusted() {
    let world = World::new(16);
    let mut issued = Forgery::of(&world, &world.issue().sign());
    let certificates = issued.issuer_auth().at(1).get(33).clone();
    assert_eq!(
        certificates,
        world.ds.der().into(),
        "one certificate, and not the root"
    );
    let both = forged(&world, |f| f.certificates(&[&world.ds, &world.iaca]));
    assert_eq!(codes(&world, &both), NOTHING);
    // Somebody with a root of their own, who brings it along.
    let mut parts = Parts::of(&world.ds);
    parts.issuer = world.stranger.subject_der().to_vec();
    let theirs = parts.sign(&world.stranger_key);
    let theirs = forged(&world, |f| f.certificates(&[&theirs, &world.stranger]));
    assert_eq!(codes(&world, &theirs), ["chain.untrusted"]);
    assert!(!verify(&theirs, Form::DeviceResponse, &world.inputs()).accepted());
}

#[test]
fn trap_18_the_external_aad_is_the_empty_byte_string() {
    let world = World::new(18);
    let signed = to_be_signed(&[0xa1, 0x01, 0x26], b"payload");
    assert_eq!(signed, b"\x84\x6aSignature1\x43\xa1\x01\x26\x40\x47payload");
    let null = forged(&world, |f| {
        let auth = f.issuer_auth();
        let (protected, payload) = (auth.at(0).clone(), auth.at(2).clone());
        let structure = Tree::Array(vec!["Signature1".into(), protected, Tree::null(), payload]);
        *f.issuer_auth().at(3) = Tree::Bytes(world.ds_key.sign(&structure.encode()).unwrap());
    });
    assert_eq!(codes(&world, &null), ["issuer-signature.invalid"]);
}

#[test]
fn trap_20_headers_hold_the_algorithm_and_the_certificate_and_nothing_else() {
    let world = World::new(20);
    let mut issued = Forgery::of(&world, &world.issue().sign());
    let auth = issued.issuer_auth();
    assert_eq!(*auth.at(0), [0xa1, 0x01, 0x26].as_slice().into());
    let keys: Vec<_> = auth.at(1).map().iter().map(|(label, _)| label.clone()).collect();
    assert_eq!(keys, [33.into()]);
    // What others put in besides is taken: a right thumbprint, a content type.
    let thumbprint = |certificate: &Certificate| {
        let fingerprint = certificate.fingerprint();
        Tree::Array(vec![(-16).into(), fingerprint.as_slice().into()])
    };
    let with = |label: i64, value: Tree| {
        forged(&world, |f| {
            f.issuer_auth().at(0).inside(|header| header.set(label, value));
            f.sign_again();
        })
    };
    let response = with(34, thumbprint(&world.ds));
    let report = verify(&response, Form::DeviceResponse, &world.inputs());
    assert_eq!(outcome(&report, "x5t"), ("passed", ""));
    assert_eq!(findings(&report), NOTHING);
    assert_eq!(
        codes(&world, &with(34, thumbprint(&world.iaca))),
        ["x5t.mismatch"]
    );
    assert_eq!(codes(&world, &with(3, "application/cbor".into())), NOTHING);
    // But not one that says it has to be understood.
    let critical = with(2, Tree::Array(vec![3.into()]));
    assert_eq!(codes(&world, &critical), ["structure.type"]);
}

#[test]
fn trap_21_a_key_identifier_is_ignored_whatever_it_is() {
    let world = World::new(21);
    for kid in [Tree::from([1, 2].as_slice()), Tree::from("key-1"), Tree::null()] {
        let response = forged(&world, |f| f.issuer_auth().at(1).set(4, kid));
        assert_eq!(codes(&world, &response), NOTHING);
    }
}

#[test]
fn trap_28_a_detached_payload_is_no_mso() {
    let world = World::new(28);
    let detached = forged(&world, |f| *f.issuer_auth().at(2) = Tree::null());
    assert_eq!(codes(&world, &detached), ["structure.missing"]);
    let report = verify(&detached, Form::DeviceResponse, &world.inputs());
    for step in ["issuer-signature", "digest", "mso-validity", "device-auth"] {
        assert_eq!(outcome(&report, step), ("not_done", "not-done.earlier-failure"));
    }
    assert!(!report.accepted());
    // Nor is one without its tag 24.
    let bare = forged(&world, |f| {
        let mut mso = Tree::read(f.issuer_auth().at(2).bytes());
        *f.issuer_auth().at(2) = Tree::Bytes(mso.bytes().clone());
        f.sign_again();
    });
    assert_eq!(codes(&world, &bare), ["structure.type"]);
}

/// A revocation list of that issuer.
fn list(
    issuer: &Certificate,
    key: &mdoc_core::seams::SoftwareKey,
    revoked: &[&Certificate],
    until: &str,
) -> RevocationList {
    let revoked: Vec<_> = revoked
        .iter()
        .map(|certificate| RevokedSerial {
            serial_number: certificate.serial_number().to_vec(),
            at: at("2026-05-10T00:00:00Z"),
        })
        .collect();
    let terms = ListTerms {
        this_update: at("2026-05-20T00:00:00Z"),
        next_update: at(until),
        number: 1,
    };
    build_crl(issuer, key, &revoked, terms).unwrap()
}

#[test]
fn trap_73_a_list_that_is_out_of_date_or_forged_says_nothing() {
    let world = World::new(73);
    let response = world.present(&world.issue().sign()).response();
    let judged = |lists: &[RevocationList], policy| {
        let mut inputs = world.inputs();
        (inputs.revocation_lists, inputs.policy) = (lists, policy);
        let report = verify(&response, Form::DeviceResponse, &inputs);
        (report.accepted(), outcome(&report, "ds-revocation"))
    };
    let undetermined = ("not_done", "not-done.crl-undetermined");
    let (july, ago) = ("2026-07-01T00:00:00Z", "2026-05-31T00:00:00Z");
    let good = list(&world.iaca, &world.iaca_key, &[], july);
    let expired = list(&world.iaca, &world.iaca_key, &[], ago);
    let revoked = list(&world.iaca, &world.iaca_key, &[&world.ds], july);
    let same_name = Parts::of(&world.iaca)
        .key_of(world.stranger_key.public_key())
        .sign(&world.stranger_key);
    let forged = list(&same_name, &world.stranger_key, &[], july);
    for (lists, standard, strict, expected) in [
        (vec![good.clone()], true, true, ("passed", "")),
        (vec![expired.clone()], true, false, undetermined),
        (vec![forged], true, false, undetermined),
        (vec![], true, false, ("not_done", "not-done.no-crl")),
        (vec![expired, good.clone()], true, true, ("passed", "")),
        (vec![good, revoked], false, false, ("failed", "ds.revoked")),
    ] {
        assert_eq!(judged(&lists, Policy::STANDARD), (standard, expected));
        assert_eq!(judged(&lists, Policy::STRICT), (strict, expected));
    }
}

#[test]
fn trap_73_the_intermediates_are_looked_up_and_not_the_leaf_alone() {
    let world = World::new(74);
    let key = world.key("intermediate", Curve::P256);
    let authority = |parts: Parts, issuer: &Certificate| {
        let id = issuer.computed_key_identifier();
        let id = [&[0x30, 22, 0x80, 20], id.as_slice()].concat();
        parts.with(oid::AUTHORITY_KEY_IDENTIFIER, false, &id)
    };
    let one_below = [0x30, 6, 1, 1, 0xff, 2, 1, 1];
    let iaca = Parts::of(&world.iaca).with(oid::BASIC_CONSTRAINTS, true, &one_below);
    let iaca = iaca.sign(&world.iaca_key);
    let mut between = authority(Parts::of(&iaca), &iaca).key_of(key.public_key());
    between.subject.clone_from(&Parts::of(&world.stranger).subject);
    between = between.with(oid::BASIC_CONSTRAINTS, true, &[0x30, 6, 1, 1, 0xff, 2, 1, 0]);
    let between = between.sign(&world.iaca_key);
    let mut ds = authority(Parts::of(&world.ds), &between);
    ds.issuer = between.subject_der().to_vec();
    let ds = ds.sign(&key);
    let response = forged(&world, |f| f.certificates(&[&ds, &between]));
    let anchors = [mdoc_core::x509::path::TrustAnchor::new(iaca.clone())];
    let judged = |lists: &[RevocationList]| {
        let mut inputs = world.inputs();
        (inputs.anchors, inputs.revocation_lists) = (&anchors, lists);
        let report = verify(&response, Form::DeviceResponse, &inputs);
        outcome(&report, "ds-revocation")
    };
    let july = "2026-07-01T00:00:00Z";
    let of_leaf = |revoked: &[&Certificate]| list(&between, &key, revoked, july);
    let of_between = |revoked: &[&Certificate]| list(&iaca, &world.iaca_key, revoked, july);
    assert_eq!(judged(&[of_leaf(&[]), of_between(&[])]), ("passed", ""));
    assert_eq!(judged(&[of_leaf(&[])]), ("not_done", "not-done.crl-undetermined"));
    assert_eq!(judged(&[of_leaf(&[&ds])]), ("failed", "ds.revoked"));
    assert_eq!(
        judged(&[of_leaf(&[]), of_between(&[&between])]),
        ("failed", "ds.revoked")
    );
}

#[test]
fn trap_82_algorithms_and_namespaces_are_not_mixed_up() {
    let world = World::new(82);
    let licence = world.issue().sign();
    let relabelled = |response: &[u8], number: i64| {
        let mut forgery = Forgery::of(&world, response);
        let header = Tree::Map(vec![(1.into(), number.into())]);
        *forgery.device_auth().at(0) = Tree::Bytes(header.encode());
        forgery.encode()
    };
    // A signature that calls itself a MAC, and a MAC that calls itself a signature.
    let (signature, mac) = (
        world.present(&licence).response(),
        world.present(&licence).mac().response(),
    );
    assert_eq!(codes(&world, &relabelled(&signature, 5)), ["device-auth.alg"]);
    assert_eq!(codes(&world, &relabelled(&mac, -7)), ["device-auth.alg"]);
    assert_eq!(codes(&world, &relabelled(&mac, 5)), NOTHING);
    // A MAC under the member of signatures.
    let swapped = forged(&world, |f| {
        let mut other = Forgery::of(&world, &mac);
        let mac = other.device_auth().clone();
        *f.device_auth() = mac;
    });
    assert_eq!(codes(&world, &swapped), ["device-auth.alg"]);
    // An element that was signed in one namespace and is shown in another.
    let elements = |name: &str| vec![(name.to_owned(), mdoc_core::value::Value::Bool(true))];
    let two = vec![("a".to_owned(), elements("x")), ("b".to_owned(), elements("y"))];
    let issued = world.issue().document("org.example", two).sign();
    let mut moved = Forgery::of(&world, &world.present(&issued).response());
    let spaces = moved.issuer_signed().get("nameSpaces");
    let items = (spaces.get("a").clone(), spaces.get("b").clone());
    (*spaces.get("a"), *spaces.get("b")) = (items.1, items.0);
    assert_eq!(
        codes(&world, &moved.encode()),
        ["digest-id.missing", "digest-id.missing"]
    );
    // An element of the driving licence in a namespace of the same name in capitals is not one of the licence.
    let capitals = forged(&world, |f| {
        let spaces = f.issuer_signed().get("nameSpaces");
        let items = spaces.remove(MDL_NAME_SPACE);
        spaces.set(MDL_NAME_SPACE.to_uppercase().as_str(), items);
    });
    assert!(codes(&world, &capitals).contains(&"digest-id.missing"));
}

#[test]
fn trap_83_what_we_sign_verifies_with_other_means() {
    let world = World::new(83);
    let response = world.present(&world.issue().sign()).response();
    let mut forgery = Forgery::of(&world, &response);
    let check = |key: &mdoc_core::seams::SoftwareKey, auth: &mut Tree, payload: &[u8]| {
        // Sig_structure, by hand.
        let structure = Tree::Array(vec![
            "Signature1".into(),
            auth.at(0).clone(),
            [].as_slice().into(),
            payload.into(),
        ]);
        let verifier = VerifyingKey::from_sec1_bytes(key.public_key().as_bytes()).unwrap();
        let signature = Signature::from_slice(auth.at(3).bytes()).unwrap();
        verifier.verify(&structure.encode(), &signature).unwrap();
    };
    let payload = forgery.issuer_auth().at(2).bytes().clone();
    assert_eq!(payload[..3], [0xd8, 0x18, 0x59], "MobileSecurityObjectBytes");
    check(&world.ds_key, forgery.issuer_auth(), &payload);
    let payload = forgery.device_authentication();
    check(&world.device_key, forgery.device_auth(), &payload);
    assert_eq!(*forgery.device_auth().at(2), Tree::null(), "detached");
    assert_eq!(
        *forgery.device_signed().get("nameSpaces"),
        Tree::Map(vec![]).embedded()
    );
    // And what others sign by the book verifies with ours.
    let theirs = forged(&world, |f| {
        let auth = f.issuer_auth();
        let (protected, payload) = (auth.at(0).bytes().clone(), auth.at(2).bytes().clone());
        *f.issuer_auth().at(3) = Tree::Bytes(sign1(&world.ds_key, &protected, &payload));
        f.sign_device_again();
    });
    assert_eq!(codes(&world, &theirs), NOTHING);
}
