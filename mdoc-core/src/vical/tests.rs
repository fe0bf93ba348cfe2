mod entries;
mod refused;

use core::time::Duration;

use ciborium::Value;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use super::build::{Draft, Entry};
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
