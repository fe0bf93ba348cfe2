//! Transcript and device authentication.

use integration::forgery::Forgery;
use integration::tree::Tree;
use integration::world::World;
use mdoc_core::cbor::embed;
use mdoc_core::crypto::{Curve, SecretKey, fastest};
use mdoc_core::issuer_signed::IssuerSigned;
use mdoc_core::limits::Limits;
use mdoc_core::present::{DeviceKey, Presentation, encode_response};
use mdoc_core::transcript::SessionTranscript;
use mdoc_core::verify::{Form, MDL_NAME_SPACE, Policy, verify};

use super::{NOTHING, codes, findings, forged, outcome};

#[test]
fn trap_43_readers_take_a_mac_and_a_signature() {
    let world = World::new(43);
    let licence = world.issue().sign();
    let (signature, mac) = (
        world.present(&licence).response(),
        world.present(&licence).mac().response(),
    );
    for (response, member) in [(&signature, "deviceSignature"), (&mac, "deviceMac")] {
        let mut forgery = Forgery::of(&world, response);
        let auth = forgery.device_signed().get("deviceAuth");
        assert!(auth.map().len() == 1 && auth.has(member), "never both");
        assert_eq!(codes(&world, response), NOTHING);
    }
    // The MAC needs the reader's private key, and is not taken on trust without it.
    let mut inputs = world.inputs();
    inputs.reader_key = None;
    let report = verify(&mac, Form::DeviceResponse, &inputs);
    assert_eq!(
        outcome(&report, "device-auth"),
        ("not_done", "not-done.no-reader-key")
    );
    // With another reader's key it does not verify.
    let other = World::new(44);
    inputs.reader_key = Some(&other.e_reader_key);
    assert_eq!(
        findings(&verify(&mac, Form::DeviceResponse, &inputs)),
        ["device-auth.mac"]
    );
}

/// A device key on X25519 signs nothing; what it is good for is verified.
#[test]
fn trap_43_a_device_key_that_only_agrees_is_verified_by_its_mac() {
    let mut world = World::new(45);
    let device = SecretKey::generate(Curve::X25519, &mut world.rng("device on X25519"));
    world.e_reader_key = SecretKey::generate(Curve::X25519, &mut world.rng("reader on X25519"));
    let licence = world.issue().device_key(device.public_key()).sign();
    let document = IssuerSigned::decode(&licence, &Limits::DEFAULT).unwrap();
    let key = DeviceKey::Mac {
        secret: &device,
        reader_key: world.e_reader_key.public_key(),
    };
    let presentation = Presentation {
        document: &document,
        release: &[(MDL_NAME_SPACE, "family_name")],
        device_elements: &Vec::new(),
        transcript: &world.transcript,
        key: &key,
    };
    let good = encode_response(&[presentation.encode(&Limits::DEFAULT, fastest()).unwrap()], &[]);
    assert_eq!(codes(&world, &good), NOTHING);
    let report = verify(&good, Form::DeviceResponse, &world.inputs());
    assert!(report.accepted());
    assert_eq!(outcome(&report, "device-auth").0, "passed");
    // A reader's key of another curve cannot make the key of the MAC.
    let mut inputs = world.inputs();
    let other = SecretKey::generate(Curve::P256, &mut world.rng("reader on P-256"));
    inputs.reader_key = Some(&other);
    assert_eq!(
        findings(&verify(&good, Form::DeviceResponse, &inputs)),
        ["device-auth.mac-key"]
    );
    // A signature that says to be of that key.
    let mut forgery = Forgery::of(&world, &good);
    let mac = forgery.device_signed().get("deviceAuth");
    *mac = Tree::read(
        &[
            b"\xa1\x6fdeviceSignature\x84\x43\xa1\x01\x27\xa0\xf6\x58\x40".as_slice(),
            &[0; 64],
        ]
        .concat(),
    );
    assert_eq!(codes(&world, &forgery.encode()), ["device-auth.alg"]);
}

#[test]
fn trap_44_the_transcript_holds_the_engagement_as_it_was_scanned() {
    // A second-edition engagement with members 5 and 6 and a long head, as a foreign wallet may write it.
    let engagement = b"\xb8\x04\x00\x631.1\x01\x82\x01\xd8\x18\x41\xa0\x05\x80\x06\xa1\x01\xf5";
    let reader_key = embed(b"\xa0");
    let transcript = SessionTranscript::qr(&embed(engagement), &reader_key);
    // Trap 45: the handover of a QR code is null.
    let expected = [vec![0x83], embed(engagement), reader_key.clone(), vec![0xf6]];
    assert_eq!(transcript.raw(), expected.concat());
    let wrapped = embed(transcript.raw());
    for bytes in [transcript.raw(), &wrapped] {
        let decoded = SessionTranscript::decode(bytes, &Limits::DEFAULT);
        assert_eq!(
            decoded.as_ref(),
            Ok(&transcript),
            "kept, whether in its tag or not"
        );
    }

    let mut world = World::new(44);
    world.transcript = transcript;
    let licence = world.issue().sign();
    let (signature, mac) = (
        world.present(&licence).response(),
        world.present(&licence).mac().response(),
    );
    assert_eq!(codes(&world, &signature), NOTHING);
    assert_eq!(codes(&world, &mac), NOTHING);
    // The same values, encoded again.
    let again = Tree::read(engagement).encode();
    assert_ne!(again, engagement);
    world.transcript = SessionTranscript::qr(&embed(&again), &reader_key);
    assert_eq!(codes(&world, &signature), ["device-auth.signature"]);
    assert_eq!(codes(&world, &mac), ["device-auth.mac"]);
}

#[test]
fn trap_50_the_device_authentication_is_verified_or_said_not_to_be() {
    let world = World::new(50);
    let stolen = forged(&world, |f| f.sign_device_by(&world.stranger_key));
    assert_eq!(codes(&world, &stolen), ["device-auth.signature"]);
    let mut inputs = world.inputs();
    inputs.transcript = None;
    let report = verify(&stolen, Form::DeviceResponse, &inputs);
    assert_eq!(
        outcome(&report, "device-auth"),
        ("not_done", "not-done.no-transcript")
    );
    inputs.policy = Policy::STRICT;
    let report = verify(&stolen, Form::DeviceResponse, &inputs);
    assert!(!report.accepted());
    let rejected = report.documents()[0].accept().unwrap_err();
    let codes: Vec<_> = rejected.steps.iter().map(|step| step.code()).collect();
    assert!(codes.contains(&"not-done.no-transcript"), "{codes:?}");
}

#[test]
fn trap_51_a_response_without_documents_is_a_clean_result() {
    let world = World::new(51);
    let status = |status: i64| ("status".into(), status.into());
    let version = || ("version".into(), "1.0".into());
    let documents = |documents: Tree| ("documents".into(), documents);
    let cases = [
        (vec![version(), status(0)], vec!["response.no-documents"]),
        (
            vec![version(), documents(Tree::Array(Vec::new())), status(0)],
            vec!["response.no-documents"],
        ),
        (
            vec![version(), documents(Tree::null()), status(0)],
            vec!["response.no-documents"],
        ),
        (
            vec![version(), status(10)],
            vec!["response.no-documents", "response.status"],
        ),
        (vec![version()], vec!["structure.missing"]),
    ];
    for (entries, expected) in cases {
        let response = Tree::Map(entries).encode();
        let report = verify(&response, Form::DeviceResponse, &world.inputs());
        assert_eq!(findings(&report), expected);
        assert!(!report.accepted());
        assert_eq!(report.documents().len(), 1);
        assert_eq!(report.documents()[0].doc_type(), None);
    }
    // Errors of a document beside it are no fault of what was returned.
    let partly = forged(&world, |f| {
        let codes = Tree::Map(vec![("portrait".into(), 0.into())]);
        f.document().set("errors", Tree::Map(vec![("ns".into(), codes)]));
        let error = Tree::Map(vec![("org.example".into(), 0.into())]);
        f.whole.set("documentErrors", Tree::Array(vec![error]));
    });
    assert_eq!(codes(&world, &partly), NOTHING);
    // Nothing released: the issuer's part without namespaces.
    let nothing = forged(&world, |f| drop(f.issuer_signed().remove("nameSpaces")));
    assert_eq!(codes(&world, &nothing), NOTHING);
    let null = forged(&world, |f| *f.issuer_signed().get("nameSpaces") = Tree::null());
    assert_eq!(codes(&world, &null), ["structure.type"], "null is no map");
}
