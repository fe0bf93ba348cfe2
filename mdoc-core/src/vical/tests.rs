use core::time::Duration;

use ciborium::Value;
use proptest::prelude::*;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use super::build::{Draft, Entry};
use super::compare::compare;
use super::*;
use crate::cose::{protected_header, to_be_signed, write_sign1};
use crate::crypto::{Curve, SecretKey};
use crate::limits::Limits;
use crate::seams::{Signer, SoftwareKey};
use crate::time::Timestamp;
use crate::verify::{MDL_DOC_TYPE, Policy};
use crate::x509::build::{
    DocumentSigner, IacaRoot, ListTerms, OtherCa, RevokedSerial, Validity, VicalSigner, build_crl,
};
use crate::x509::path::TrustAnchor;
use crate::x509::{Certificate, GeneralName};

const AAMVA: &[u8] = include_bytes!("../../../tests/vectors/vical/aamva-2025-11-18.cbor");
const AAMVA_CA: &str = include_str!("../../../tests/vectors/vical/aamva-2025-11-18.ca0.pem");
const DAY: Duration = Duration::from_secs(86_400);
const PID: &str = "eu.europa.ec.eudi.pid.1";

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn now() -> Timestamp {
    at("2026-06-01T12:00:00Z")
}

/// A change of a CBOR map.
type Edit<'e> = &'e dyn Fn(&mut Vec<(Value, Value)>);

/// A change of a list to be made.
type Change<'e> = &'e dyn Fn(&mut Draft);

/// A provider with its root and its signer, and two authorities.
struct World {
    root: Certificate,
    root_key: SoftwareKey,
    signer: Certificate,
    key: SoftwareKey,
    authorities: Vec<Certificate>,
    /// A document signer of the first authority, with its key.
    ds: (Certificate, SoftwareKey),
}

impl World {
    fn new(seed: u8) -> Self {
        let mut rng = ChaCha20Rng::from_seed([seed; 32]);
        let mut key = || SoftwareKey::new(SecretKey::generate(Curve::P256, &mut rng)).unwrap();
        let (root_key, signer_key, ds_key) = (key(), key(), key());
        let iaca_keys = [key(), key()];
        let mut rng = ChaCha20Rng::from_seed([seed + 1; 32]);
        let validity = Validity {
            from: at("2026-01-01T00:00:00Z"),
            until: at("2027-12-31T00:00:00Z"),
        };
        let root = OtherCa {
            country: Some("UT".to_owned()),
            common_name: "List Provider".to_owned(),
            organization: None,
            validity,
        };
        let root = root.build(&root_key, &mut rng).unwrap();
        let signer = VicalSigner {
            country: "UT".to_owned(),
            organization: "Lists".to_owned(),
            common_name: "List Signer".to_owned(),
            validity,
            mdoc_purpose: false,
            crl_uri: "https://lists.example/root.crl".to_owned(),
            ocsp_uri: None,
        };
        let signer = signer
            .build(signer_key.public_key(), &root, &root_key, &mut rng)
            .unwrap();
        let contacts = vec![GeneralName::Uri("https://iaca.example/".to_owned())];
        let mut iaca = |name: &str, key: &SoftwareKey| {
            let root = IacaRoot {
                country: "UT".to_owned(),
                state: None,
                common_name: name.to_owned(),
                organization: None,
                validity,
                contacts: contacts.clone(),
                crl_uri: "https://iaca.example/iaca.crl".to_owned(),
            };
            root.build(key, &mut rng).unwrap()
        };
        let authorities = vec![iaca("One", &iaca_keys[0]), iaca("Two", &iaca_keys[1])];
        let ds = DocumentSigner {
            common_name: "Signer of One".to_owned(),
            organization: None,
            validity: Validity {
                from: at("2026-01-01T00:00:00Z"),
                until: at("2026-12-31T00:00:00Z"),
            },
            mdoc_purpose: false,
            contacts: contacts.clone(),
            crl_uri: "https://iaca.example/iaca.crl".to_owned(),
        };
        let mut rng = ChaCha20Rng::from_seed([seed + 2; 32]);
        let ds = ds
            .build(ds_key.public_key(), &authorities[0], &iaca_keys[0], &mut rng)
            .unwrap();
        Self {
            root,
            root_key,
            signer,
            key: signer_key,
            authorities,
            ds: (ds, ds_key),
        }
    }

    fn draft(&self) -> Draft {
        let types = [MDL_DOC_TYPE, PID];
        let entries = self.authorities.iter().zip(types);
        Draft {
            provider: "Lists".to_owned(),
            issue_id: Some(7),
            date: now(),
            next_update: Some(now().plus(10 * DAY)),
            not_after: Some(now().plus(90 * DAY)),
            url: Some("https://lists.example/list".to_owned()),
            entries: entries
                .map(|(certificate, doc_type)| Entry::new(certificate.clone(), vec![doc_type.to_owned()]))
                .collect(),
        }
    }

    fn sign(&self, draft: &Draft) -> Vec<u8> {
        draft.sign(&self.key, &[self.signer.der()]).unwrap()
    }

    /// Signs any payload, with any certificates.
    fn sign_payload(&self, payload: &[u8], chain: &[&[u8]]) -> Vec<u8> {
        let protected = protected_header(self.key.algorithm());
        let signature = self.key.sign(&to_be_signed(&protected, payload)).unwrap();
        let mut out = Vec::new();
        write_sign1(&mut out, &protected, chain, Some(payload), &signature);
        out
    }

    /// The draft with its payload changed, signed.
    fn edited(&self, edit: impl FnOnce(&mut Vec<(Value, Value)>)) -> Vec<u8> {
        let mut value: Value = ciborium::from_reader(self.draft().payload().as_slice()).unwrap();
        edit(value.as_map_mut().unwrap());
        let mut payload = Vec::new();
        ciborium::into_writer(&value, &mut payload).unwrap();
        self.sign_payload(&payload, &[self.signer.der()])
    }

    /// The draft with its first entry changed, signed.
    fn edited_entry(&self, edit: impl FnOnce(&mut Vec<(Value, Value)>)) -> Vec<u8> {
        self.edited(|list| {
            let infos = member(list, "certificateInfos").as_array_mut().unwrap();
            edit(infos[0].as_map_mut().unwrap());
        })
    }

    fn roots(&self) -> Vec<TrustAnchor> {
        vec![TrustAnchor::new(self.root.clone())]
    }

    fn check(&self, list: &[u8]) -> Report {
        verify(list, &Inputs::new(&self.roots(), now().plus(DAY)))
    }
}

fn member<'v>(map: &'v mut [(Value, Value)], name: &str) -> &'v mut Value {
    let entry = map.iter_mut().find(|(key, _)| key.as_text() == Some(name));
    &mut entry.unwrap().1
}

fn codes<'r>(steps: impl Iterator<Item = &'r Step>) -> Vec<&'static str> {
    steps.map(Step::code).collect()
}

fn failures(report: &Report) -> Vec<&'static str> {
    codes(
        report
            .failures()
            .filter(|step| step.code() != Why::EarlierFailure.id()),
    )
}

fn warnings(report: &Report) -> Vec<&'static str> {
    codes(report.warnings())
}

fn aamva(now: &str, policy: Policy) -> Report {
    let roots = [TrustAnchor::new(Certificate::from_pem(AAMVA_CA).unwrap())];
    let mut inputs = Inputs::new(&roots, at(now));
    inputs.policy = policy;
    verify(AAMVA, &inputs)
}

#[test]
fn the_list_of_aamva_verifies_while_it_is_current() {
    let report = aamva("2025-11-19T00:00:00Z", Policy::STANDARD);
    assert_eq!(failures(&report), [""; 0]);
    let accepted = report.accept().unwrap();
    let expected: serde_json::Value = serde_json::from_str(include_str!(
        "../../../tests/vectors/vical/aamva-2025-11-18.expected.json"
    ))
    .unwrap();
    let vical = accepted.vical();
    assert_eq!(vical.provider, expected["vicalProvider"]);
    assert_eq!(vical.issue_id, expected["vicalIssueID"].as_u64());
    assert_eq!(vical.date.to_string(), expected["date"]);
    assert_eq!(vical.next_update.unwrap().to_string(), expected["nextUpdate"]);
    let anchors = accepted.anchors();
    let certificates = expected["certs"].as_array().unwrap();
    assert_eq!(anchors.len(), certificates.len());
    for (anchor, expected) in anchors.iter().zip(certificates) {
        let hex: String = anchor
            .certificate
            .fingerprint()
            .iter()
            .map(|octet| format!("{octet:02x}"))
            .collect();
        assert_eq!(hex, expected["sha256"]);
        let types: Vec<&str> = expected["docType"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|t| t.as_str())
            .collect();
        assert_eq!(anchor.doc_types.as_deref().unwrap(), types);
        assert!(anchor.permits(MDL_DOC_TYPE) && !anchor.permits(PID));
    }
    // Each entry has its key identifier wrapped twice, and is there all the same.
    let wrapped = warnings(&report);
    let wrapped = wrapped.iter().filter(|code| **code == Code::EntrySkiWrapped.id());
    assert_eq!(wrapped.count(), 14);
}

#[test]
fn the_list_of_aamva_is_stale_after_a_day_and_dead_with_its_signer() {
    let later = "2025-11-20T00:00:00Z";
    let standard = aamva(later, Policy::STANDARD);
    assert!(standard.accepted());
    assert!(warnings(&standard).contains(&Code::NextUpdate.id()));
    let strict = aamva(later, Policy::STRICT);
    assert!(failures(&strict).contains(&Code::NextUpdate.id()));
    let dead = aamva("2026-06-01T00:00:00Z", Policy::STANDARD);
    assert_eq!(failures(&dead), [Code::SignerExpired.id()]);
    let early = aamva("2025-11-18T18:38:11Z", Policy::STANDARD);
    assert_eq!(failures(&early), [Code::DateFuture.id()]);
}

#[test]
fn a_root_that_came_with_the_list_is_not_trusted() {
    // The chain of AAMVA's list ends in its root.
    let report = verify(AAMVA, &Inputs::new(&[], at("2025-11-19T00:00:00Z")));
    assert_eq!(failures(&report), [Code::ChainUntrusted.id()]);
    assert!(report.accept().is_err());
    let world = World::new(1);
    let chain = [world.signer.der(), world.root.der()];
    let list = world.sign_payload(&world.draft().payload(), &chain);
    assert!(world.check(&list).accepted());
    let other = World::new(9);
    // The other provider's root has the same name.
    assert_eq!(failures(&other.check(&list)), [Code::ChainSignature.id()]);
}

#[test]
fn a_made_list_is_read_back_as_it_was_meant() {
    let world = World::new(1);
    let list = world.sign(&world.draft());
    let report = world.check(&list);
    assert_eq!(failures(&report), [""; 0]);
    assert_eq!(warnings(&report), [""; 0], "nothing to complain of in our own");
    let vical = report.accept().unwrap().vical();
    assert_eq!(vical.url.as_deref(), Some("https://lists.example/list"));
    assert_eq!(vical.not_after, world.draft().not_after);
    let entry = &vical.entries[0];
    assert_eq!(entry.issuing_country.as_deref(), Some("UT"));
    assert_eq!(entry.subject.as_deref(), Some(world.authorities[0].subject_der()));
    assert_eq!(entry.not_after, Some(world.authorities[0].not_after()));
    let decoded = SignedVical::decode(&list, &Limits::DEFAULT).unwrap();
    assert_eq!(decoded.raw(), list);
    assert_eq!(decoded.payload(), world.draft().payload());
}

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
fn an_older_list_is_refused() {
    let world = World::new(1);
    let newest = world.sign(&world.draft());
    let known = Known::of(&SignedVical::decode(&newest, &Limits::DEFAULT).unwrap());
    let against = |known: &Known, edit: &dyn Fn(&mut Draft)| {
        let mut draft = world.draft();
        edit(&mut draft);
        let roots = world.roots();
        let mut inputs = Inputs::new(&roots, now().plus(2 * DAY));
        inputs.stored = Some(known);
        verify(&world.sign(&draft), &inputs)
    };
    let cases: [(Code, Change<'_>); 4] = [
        (Code::RollbackIssue, &|draft| draft.issue_id = Some(6)),
        (Code::RollbackDate, &|draft| draft.date = now().minus(DAY)),
        (Code::RollbackContent, &|draft| drop(draft.entries.pop())),
        (Code::RollbackContent, &|draft| draft.issue_id = None),
    ];
    for (code, edit) in cases {
        let report = against(&known, edit);
        assert_eq!(failures(&report), [code.id()]);
    }
    let both = against(&known, &|draft| {
        draft.issue_id = Some(6);
        draft.date = now().minus(DAY);
    });
    assert_eq!(
        failures(&both),
        [Code::RollbackIssue.id(), Code::RollbackDate.id()]
    );
    let passed = |report: &Report| {
        let step = report.steps().iter().find(|step| step.check == Check::Rollback);
        step.unwrap().outcome == Outcome::Passed
    };
    for newer in [
        against(&known, &|_| {}),
        against(&known, &|draft| {
            draft.issue_id = Some(8);
            draft.date = now().plus(DAY);
        }),
    ] {
        assert!(newer.accepted() && passed(&newer));
    }
    // Of another provider nothing is known: not done, which is no pass.
    let other = against(&known, &|draft| draft.provider = "Others".to_owned());
    assert!(other.accepted() && !passed(&other));
}

#[test]
fn times_are_those_of_the_list() {
    let world = World::new(1);
    let roots = world.roots();
    let list = world.sign(&world.draft());
    let on = |days: u32, policy| {
        let mut inputs = Inputs::new(&roots, now().plus(days * DAY));
        inputs.policy = policy;
        verify(&list, &inputs)
    };
    assert_eq!(warnings(&on(10, Policy::STANDARD)), [""; 0]);
    let due = on(11, Policy::STANDARD);
    assert!(due.accepted());
    assert_eq!(warnings(&due), [Code::NextUpdate.id()]);
    let missing = Why::NoRevocationList.id();
    assert_eq!(failures(&on(1, Policy::STRICT)), [missing]);
    assert_eq!(
        failures(&on(11, Policy::STRICT)),
        [missing, Code::NextUpdate.id()]
    );
    assert_eq!(failures(&on(91, Policy::STANDARD)), [Code::NotAfter.id()]);
    let mut inputs = Inputs::new(&roots, now().minus(Duration::from_secs(20)));
    assert_eq!(failures(&verify(&list, &inputs)), [Code::DateFuture.id()]);
    inputs.policy = Policy::STANDARD.with_clock_skew(Duration::from_secs(30));
    assert!(verify(&list, &inputs).accepted());
}

#[test]
fn trap_35_one_unreadable_entry_does_not_lose_the_list() {
    let world = World::new(1);
    let report = world.check(&world.edited_entry(|entry| {
        let der = member(entry, "certificate").as_bytes_mut().unwrap();
        der[1] = 0xff;
    }));
    assert!(report.accepted());
    assert_eq!(warnings(&report), [Code::EntryUnreadable.id()]);
    let anchors = report.accept().unwrap().anchors();
    assert_eq!(anchors.len(), 1);
    assert_eq!(anchors[0].certificate, world.authorities[1]);
    // No map at all, and no certificate at all.
    let edits: [Edit<'_>; 2] = [
        &|list| member(list, "certificateInfos").as_array_mut().unwrap()[0] = Value::from(1),
        &|list| {
            let infos = member(list, "certificateInfos").as_array_mut().unwrap();
            let entry = infos[0].as_map_mut().unwrap();
            entry.retain(|(key, _)| key.as_text() != Some("certificate"));
        },
    ];
    for edit in edits {
        let report = world.check(&world.edited(edit));
        assert!(report.accepted());
        assert_eq!(warnings(&report), [Code::EntryUnreadable.id()]);
    }
}

#[test]
fn trap_a_boolean_that_is_not_der_costs_nothing() {
    // Roots in the lists of Austroads and RDW have cA TRUE as 01 01 01.
    let world = World::new(1);
    let report = world.check(&world.edited_entry(|entry| {
        let der = member(entry, "certificate").as_bytes_mut().unwrap();
        let mark = [0x30, 0x06, 0x01, 0x01, 0xff, 0x02, 0x01, 0x00];
        let place = der.windows(mark.len()).position(|window| window == mark).unwrap();
        der[place + 4] = 0x01;
    }));
    assert!(report.accepted());
    assert_eq!(warnings(&report), ["cert.boolean-form"]);
    assert_eq!(report.accept().unwrap().anchors().len(), 2);
}

#[test]
fn trap_74_the_certificate_decides_and_not_what_the_list_says_of_it() {
    let world = World::new(1);
    let bytes = |bytes: &[u8]| Value::Bytes(bytes.to_vec());
    let identifier = world.authorities[0].computed_key_identifier();
    let wrapped = [&[0x04, 0x16, 0x04, 0x14], identifier.as_slice()].concat();
    let cases: [(&[&str], Edit<'_>); 12] = [
        (&["vical.entry.ski"], &|entry| {
            *member(entry, "ski") = bytes(&[1; 20])
        }),
        (&["vical.entry.ski-wrapped"], &|entry| {
            *member(entry, "ski") = bytes(&wrapped);
        }),
        (&["vical.entry.serial-number"], &|entry| {
            *member(entry, "serialNumber") = Value::from(5);
        }),
        (&["vical.entry.name"], &|entry| {
            *member(entry, "issuer") = bytes(b"\x30\x00")
        }),
        (&["vical.entry.validity"], &|entry| {
            *member(entry, "notAfter") = Value::Tag(0, Box::new(Value::from("2030-01-01T00:00:00Z")));
        }),
        (&["vical.entry.country"], &|entry| {
            *member(entry, "issuingCountry") = Value::from("XX");
        }),
        (&["vical.entry.member"], &|entry| {
            *member(entry, "ski") = Value::from(1)
        }),
        (&["vical.entry.member"], &|entry| {
            entry.retain(|(key, _)| key.as_text() != Some("serialNumber"));
        }),
        (&["vical.entry.doctype", "vical.entry.member"], &|entry| {
            *member(entry, "docType") = Value::Array(Vec::new());
        }),
        (&["vical.entry.doctype", "vical.entry.member"], &|entry| {
            entry.retain(|(key, _)| key.as_text() != Some("docType"));
        }),
        // As AAMVA writes them, and what nobody knows.
        (&[], &|entry| {
            let profile = Value::Array(vec![Value::from("https://aamva.example")]);
            entry.push((Value::from("CertificateProfile"), profile));
            entry.push((Value::from("Extensions"), Value::Map(Vec::new())));
            entry.push((Value::from(5), Value::Null));
        }),
        (&[], &|entry| {
            let serial = member(entry, "serialNumber");
            let Value::Tag(2, inner) = serial else {
                panic!("{serial:?}")
            };
            let padded = [&[0, 0], inner.as_bytes().unwrap().as_slice()].concat();
            *serial = Value::Tag(2, Box::new(Value::Bytes(padded)));
        }),
    ];
    for (expected, edit) in cases {
        let report = world.check(&world.edited_entry(edit));
        assert!(report.accepted(), "{expected:?}");
        assert_eq!(warnings(&report), expected);
        let anchors = report.accept().unwrap().anchors();
        // Without docType an entry is trusted for nothing, never for everything.
        let lost = usize::from(expected.contains(&"vical.entry.doctype"));
        assert_eq!(anchors.len(), 2 - lost, "{expected:?}");
        assert!(anchors.iter().all(|anchor| anchor.doc_types.is_some()));
    }
}

#[test]
fn a_small_serial_number_may_be_an_integer() {
    let world = World::new(1);
    let list = world.edited_entry(|entry| *member(entry, "serialNumber") = Value::from(0x0102));
    let decoded = SignedVical::decode(&list, &Limits::DEFAULT).unwrap();
    assert_eq!(
        decoded.vical().entries[0].serial_number.as_deref(),
        Some(&[1, 2][..])
    );
}

#[test]
fn a_certificate_that_is_listed_twice_is_trusted_for_the_documents_of_both() {
    let world = World::new(1);
    let mut draft = world.draft();
    let twice = Entry::new(world.authorities[0].clone(), vec![PID.to_owned()]);
    draft.entries.push(twice);
    let report = world.check(&world.sign(&draft));
    assert_eq!(warnings(&report), [Code::EntryDuplicate.id()]);
    let anchors = report.accept().unwrap().anchors();
    assert_eq!(anchors.len(), 2);
    assert!(anchors[0].permits(PID) && anchors[0].permits(MDL_DOC_TYPE));
    assert!(!anchors[1].permits(MDL_DOC_TYPE));
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
fn a_tag_around_the_signature_is_worth_a_note() {
    let world = World::new(1);
    let tagged = [&[0xd2], world.sign(&world.draft()).as_slice()].concat();
    let roots = world.roots();
    for policy in [Policy::STANDARD, Policy::STRICT] {
        let mut inputs = Inputs::new(&roots, now());
        inputs.policy = policy;
        let report = verify(&tagged, &inputs);
        assert_eq!(warnings(&report), [Code::Tagged.id()]);
        assert!(!failures(&report).contains(&Code::Tagged.id()));
    }
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

#[test]
fn a_report_that_lacks_a_step_never_yields_anchors() {
    let world = World::new(1);
    let report = world.check(&world.sign(&world.draft()));
    for check in Check::ALL {
        let mut report = report.clone();
        report.steps.retain(|step| step.check != *check);
        assert!(report.accept().is_err(), "{check}");
        report.steps.push(Step {
            check: *check,
            outcome: Outcome::NotDone(Why::EarlierFailure),
        });
        assert!(report.accept().is_err(), "{check}");
    }
}

#[test]
fn lists_are_compared_by_what_they_trust() {
    let (world, other) = (World::new(1), World::new(9));
    let decode = |draft: &Draft| {
        let list = world.sign(draft);
        SignedVical::decode(&list, &Limits::DEFAULT)
            .unwrap()
            .vical()
            .clone()
    };
    let old = decode(&world.draft());
    let mut draft = world.draft();
    draft.issue_id = Some(8);
    draft.entries.reverse();
    assert!(
        compare(&old, &decode(&draft)).is_empty(),
        "the order says nothing"
    );
    // The other world has roots of the same names with other keys.
    let renewed = Entry::new(other.authorities[0].clone(), vec![MDL_DOC_TYPE.to_owned()]);
    let mut draft = world.draft();
    draft.entries[0] = renewed;
    draft.entries[1].doc_types = vec![MDL_DOC_TYPE.to_owned()];
    draft.entries[1].issuing_authority = Some("Two".to_owned());
    let new = decode(&draft);
    let changes = compare(&old, &new);
    assert_eq!(changes.added.len() + changes.removed.len(), 0);
    assert_eq!(changes.renewed.len(), 1);
    assert!(changes.renewed[0].new_key());
    assert_eq!(changes.renewed[0].new, [&other.authorities[0]]);
    assert_eq!(changes.doc_types[0].added, [MDL_DOC_TYPE]);
    assert_eq!(changes.doc_types[0].removed, [PID]);
    assert_eq!(
        changes.stated,
        [(&world.authorities[1], vec!["issuingAuthority"])]
    );
    let mut draft = world.draft();
    drop(draft.entries.pop());
    let fewer = decode(&draft);
    assert_eq!(compare(&old, &fewer).removed, [&world.authorities[1]]);
    assert_eq!(compare(&fewer, &old).added, [&world.authorities[1]]);
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
