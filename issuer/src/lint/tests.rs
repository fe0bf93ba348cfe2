use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use mdoc_core::crypto::{Curve, SecretKey};
use mdoc_core::seams::SoftwareKey;
use mdoc_core::x509::GeneralName;
use mdoc_core::x509::build::{DocumentSigner, Validity};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use super::*;
use crate::pki::{self, Authority};

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

const NOW: &str = "2026-06-01T12:00:00Z";

fn judged_at(now: &str) -> Terms<'static> {
    Terms {
        role: None,
        issuer: None,
        now: at(now),
    }
}

fn file(certificates: &[&Certificate]) -> Bundle {
    chain(certificates, Origin::File)
}

fn chain(certificates: &[&Certificate], origin: Origin) -> Bundle {
    Bundle {
        place: "here".to_owned(),
        certificates: certificates.iter().copied().cloned().map(Ok).collect(),
        origin,
    }
}

fn ids(linted: &Linted) -> Vec<&'static str> {
    linted.remarks.iter().map(|remark| remark.id).collect()
}

struct World {
    rng: ChaCha20Rng,
    iaca: Certificate,
    iaca_key: SoftwareKey,
    ds: Certificate,
}

fn terms(name: &str) -> pki::Terms {
    pki::Terms {
        common_name: name.to_owned(),
        organization: None,
        from: at("2026-05-01T00:00:00Z"),
        lifetime: None,
        contacts: vec![GeneralName::Email("iaca@example.org".to_owned())],
        crl_uri: Some("https://example.org/a.crl".to_owned()),
        curve: Curve::P256,
    }
}

fn world() -> World {
    let mut rng = ChaCha20Rng::from_seed([21; 32]);
    let root = pki::iaca("UT", None, &terms("Utopia IACA"), &mut rng).unwrap();
    let iaca_key = SoftwareKey::new(root.key).unwrap();
    let authority = Authority {
        certificate: &root.certificate,
        signer: &iaca_key,
    };
    let ds = pki::document_signer(&terms("Utopia DS"), authority, &mut rng).unwrap();
    World {
        ds: ds.certificate,
        iaca: root.certificate,
        iaca_key,
        rng,
    }
}

/// The certificate with octets replaced where they first occur, signed again or not.
fn changed(certificate: &Certificate, from: &[u8], to: &[u8]) -> Certificate {
    assert_eq!(from.len(), to.len());
    let mut der = certificate.der().to_vec();
    let at = der.windows(from.len()).position(|window| window == from).unwrap();
    der[at..at + to.len()].copy_from_slice(to);
    Certificate::from_der(&der).unwrap()
}

#[test]
fn what_we_make_has_nothing_to_report() {
    let w = world();
    for bundles in [
        vec![file(&[&w.ds, &w.iaca])],
        vec![file(&[&w.iaca, &w.ds])],
        vec![file(&[&w.ds]), file(&[&w.iaca])],
    ] {
        let linted = lint(&bundles, judged_at(NOW));
        assert!(linted.iter().all(|one| one.remarks.is_empty()), "{linted:#?}");
        assert_eq!(verdict(&linted), Verdict::Clean);
        let role = |subject: &Certificate| {
            let one = linted
                .iter()
                .find(|one| one.certificate.as_ref() == Some(subject));
            one.unwrap().role
        };
        assert_eq!(role(&w.iaca), Some(Role::IacaRoot));
        assert_eq!(role(&w.ds), Some(Role::DocumentSigner { mdl: true }));
    }
}

#[test]
fn a_signer_without_its_issuer_is_judged_alone_and_that_is_said() {
    let w = world();
    let alone = lint(&[file(&[&w.ds])], judged_at(NOW));
    assert_eq!(ids(&alone[0]), ["lint.no-issuer"]);
    assert_eq!(verdict(&alone), Verdict::Clean);
    let given = Terms {
        issuer: Some(&w.iaca),
        ..judged_at(NOW)
    };
    let linted = lint(&[file(&[&w.ds])], given);
    assert_eq!(ids(&linted[0]), Vec::<&str>::new());
    assert_eq!(linted[0].issuer.as_deref(), Some("CN=Utopia IACA,C=UT"));
}

#[test]
fn another_issuer_than_the_one_given_is_told_by_name_and_signature() {
    let mut w = world();
    let other = pki::iaca("UT", None, &terms("Another IACA"), &mut w.rng).unwrap();
    let given = Terms {
        issuer: Some(&other.certificate),
        ..judged_at(NOW)
    };
    let linted = lint(&[file(&[&w.ds])], given);
    assert_eq!(
        ids(&linted[0]),
        ["lint.issuer-name", "lint.signature", "cert.aki"]
    );
    assert_eq!(verdict(&linted), Verdict::Errors);
    // The same name and another key.
    let twin = pki::iaca("UT", None, &terms("Utopia IACA"), &mut w.rng).unwrap();
    let given = Terms {
        issuer: Some(&twin.certificate),
        ..judged_at(NOW)
    };
    assert_eq!(
        ids(&lint(&[file(&[&w.ds])], given)[0]),
        ["lint.signature", "cert.aki"]
    );
    // Among several of one name the one that signed is taken.
    let linted = lint(&[file(&[&twin.certificate, &w.ds, &w.iaca])], judged_at(NOW));
    assert!(linted.iter().all(|one| one.remarks.is_empty()), "{linted:#?}");
}

#[test]
fn names_that_only_look_alike_differ() {
    let w = world();
    // UTF8String to PrintableString: the text is the same.
    let from = [&[0x0c, 11][..], b"Utopia IACA"].concat();
    let to = [&[0x13, 11][..], b"Utopia IACA"].concat();
    let linted = lint(&[file(&[&changed(&w.ds, &from, &to), &w.iaca])], judged_at(NOW));
    assert_eq!(ids(&linted[0]), ["lint.issuer-name", "lint.signature"]);
    assert!(
        linted[0].remarks[0]
            .found
            .ends_with("in another order or string type")
    );
}

#[test]
fn a_changed_octet_is_a_signature_that_does_not_stand() {
    let w = world();
    let forged = changed(&w.ds, b"Utopia DS", b"Utopia XS");
    let linted = lint(&[file(&[&forged, &w.iaca])], judged_at(NOW));
    assert_eq!(ids(&linted[0]), ["lint.signature"]);
    let forged = changed(&w.iaca, b"iaca@example.org", b"evil@example.org");
    assert_eq!(
        ids(&lint(&[file(&[&forged])], judged_at(NOW))[0]),
        ["lint.signature"]
    );
}

#[test]
fn time_is_told_of() {
    let w = world();
    let when = |now| {
        lint(&[file(&[&w.ds, &w.iaca])], judged_at(now))
            .iter()
            .map(ids)
            .collect::<Vec<_>>()
    };
    assert_eq!(when("2027-05-02T00:00:00Z"), [vec!["lint.expired"], vec![]]);
    assert_eq!(when("2026-04-30T00:00:00Z"), [["lint.not-yet-valid"]; 2]);
}

#[test]
fn what_is_no_ca_issues_nothing() {
    let w = world();
    let given = Terms {
        issuer: Some(&w.ds),
        ..judged_at(NOW)
    };
    let mut rng = w.rng.clone();
    let authority = Authority {
        certificate: &w.iaca,
        signer: &w.iaca_key,
    };
    let second = pki::document_signer(&terms("Second"), authority, &mut rng).unwrap();
    let linted = lint(&[file(&[&second.certificate])], given);
    assert!(ids(&linted[0]).contains(&"lint.issuer-not-ca"));
}

#[test]
fn a_signer_that_outlives_its_root_is_told_of() {
    let mut w = world();
    let mut short = terms("Utopia IACA");
    short.lifetime = Some(core::time::Duration::from_secs(86_400 * 30));
    // The same key with another period: the signature of the signer stands.
    let root = mdoc_core::x509::build::IacaRoot {
        country: "UT".to_owned(),
        state: None,
        common_name: "Utopia IACA".to_owned(),
        organization: None,
        validity: Validity {
            from: short.from,
            until: short.from.plus(core::time::Duration::from_secs(86_400 * 100)),
        },
        contacts: short.contacts.clone(),
        crl_uri: short.crl_uri.clone().unwrap(),
    }
    .build(&w.iaca_key, &mut w.rng)
    .unwrap();
    let linted = lint(&[file(&[&w.ds, &root])], judged_at(NOW));
    assert_eq!(ids(&linted[0]), ["lint.outlives-issuer"]);
    assert_eq!(verdict(&linted), Verdict::Clean);
}

#[test]
fn an_x5chain_has_the_signer_first_and_no_root() {
    let w = world();
    let origin = || Origin::Document { doc_type: None };
    let linted = lint(&[chain(&[&w.ds, &w.iaca], origin())], judged_at(NOW));
    assert_eq!(ids(&linted[0]), Vec::<&str>::new());
    assert_eq!(ids(&linted[1]), ["lint.chain-root"]);
    let mut rng = w.rng.clone();
    let authority = Authority {
        certificate: &w.iaca,
        signer: &w.iaca_key,
    };
    let second = pki::document_signer(&terms("Second"), authority, &mut rng).unwrap();
    let linted = lint(
        &[chain(&[&w.ds, &second.certificate, &w.iaca], origin())],
        judged_at(NOW),
    );
    assert_eq!(ids(&linted[0]), ["lint.chain-order"]);
}

#[test]
fn an_intermediate_certificate_breaks_the_path_length_of_the_root() {
    let mut w = world();
    // Below a root with path length 0 a second CA of another name, itself not self-issued.
    let middle = changed(&w.iaca, b"Utopia IACA", b"Utopia XACA"); // issuer changed, subject not
    assert!(!middle.is_self_issued());
    let mut upper_terms = terms("Utopia XACA");
    upper_terms.curve = Curve::P384;
    let upper = pki::iaca("UT", None, &upper_terms, &mut w.rng).unwrap();
    let linted = lint(&[file(&[&w.ds, &middle, &upper.certificate])], judged_at(NOW));
    assert_eq!(ids(&linted[0]), ["lint.path-length"]);
    assert_eq!(linted[1].role, None);
    assert!(ids(&linted[1]).contains(&"lint.role"));
}

#[test]
fn what_cannot_be_read_is_a_finding_and_the_rest_is_looked_at() {
    let w = world();
    let mut bundle = file(&[&w.ds, &w.iaca]);
    bundle
        .certificates
        .insert(1, Certificate::from_der(&[0x30, 3, 1, 1]));
    let linted = lint(&[bundle], judged_at(NOW));
    assert_eq!(ids(&linted[0]), Vec::<&str>::new());
    assert_eq!(ids(&linted[1]), ["lint.unreadable"]);
    assert_eq!(verdict(&linted), Verdict::Errors);
    // A malformed extension is a finding of its own: the e-mail address becomes a tag that no name has.
    let odd = changed(&w.ds, &[0x81, 16, b'i', b'a'], &[0x01, 16, b'i', b'a']);
    let linted = lint(&[file(&[&odd, &w.iaca])], judged_at(NOW));
    assert_eq!(ids(&linted[0]), ["lint.signature", "cert.extension-malformed"]);
}

#[test]
fn no_octet_cut_off_or_changed_makes_it_stop() {
    let w = world();
    let der = w.ds.der();
    for end in 0..der.len() {
        assert!(Certificate::from_der(&der[..end]).is_err());
    }
    for at in 0..der.len() {
        let mut spoiled = der.to_vec();
        spoiled[at] ^= 0x15;
        let bundle = Bundle {
            place: "here".to_owned(),
            certificates: vec![Certificate::from_der(&spoiled), Ok(w.iaca.clone())],
            origin: Origin::File,
        };
        let linted = lint(&[bundle], judged_at(NOW));
        assert_ne!(verdict(&linted), Verdict::Clean, "octet {at}");
    }
}

#[test]
fn a_role_that_is_given_goes_before_the_guess() {
    let w = world();
    let given = Terms {
        role: Some(Role::ReaderAuthentication),
        issuer: Some(&w.iaca),
        now: at(NOW),
    };
    let linted = lint(&[file(&[&w.ds])], given);
    assert_eq!(ids(&linted[0]), ["reader.eku"]);
    assert_eq!(linted[0].guess, None);
}

#[test]
fn readers_and_their_root_are_guessed() {
    let mut rng = ChaCha20Rng::from_seed([22; 32]);
    let root = pki::reader_ca("UT", &terms("Readers"), &mut rng).unwrap();
    let signer = SoftwareKey::new(root.key).unwrap();
    let authority = Authority {
        certificate: &root.certificate,
        signer: &signer,
    };
    let reader = pki::reader(None, &terms("Bar"), authority, &mut rng).unwrap();
    let linted = lint(&[file(&[&reader.certificate, &root.certificate])], judged_at(NOW));
    assert_eq!(linted[0].role, Some(Role::ReaderAuthentication));
    assert_eq!(linted[1].role, Some(Role::ReaderCa));
    assert!(linted.iter().all(|one| one.remarks.is_empty()), "{linted:#?}");
}

#[test]
fn one_day_too_many_is_an_error() {
    let w = world();
    let parts = DocumentSigner {
        common_name: "Long".to_owned(),
        organization: None,
        validity: Validity {
            from: at("2026-05-01T00:00:00Z"),
            until: at("2027-08-01T00:00:00Z"), // 457 days
        },
        mdoc_purpose: true,
        contacts: terms("").contacts,
        crl_uri: "https://example.org/a.crl".to_owned(),
    };
    let mut rng = w.rng.clone();
    let key = SecretKey::generate(Curve::P256, &mut rng);
    let ds = parts.build(key.public_key(), &w.iaca, &w.iaca_key, &mut rng);
    let long = changed(&ds.unwrap(), b"270801000000Z", b"270802000000Z");
    let linted = lint(&[file(&[&long, &w.iaca])], judged_at(NOW));
    assert_eq!(ids(&linted[0]), ["cert.validity-period", "lint.signature"]);
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../tests/vectors")
        .join(name)
}

fn vectors(name: &str) -> BTreeMap<String, Certificate> {
    let mut all = BTreeMap::new();
    for entry in std::fs::read_dir(folder(name)).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "pem") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let stem = path.file_stem().unwrap().to_str().unwrap().to_owned();
        all.insert(stem, Certificate::from_pem(&text).unwrap());
    }
    all
}

#[test]
fn the_roots_of_the_states_have_exactly_their_known_deviations() {
    const EXTRA: &str = "note cert.subject-attribute";
    const DEPTH: &str = "warning iaca.path-len";
    const AKI: &str = "note iaca.aki";
    const STATE: &str = "warning cert.state-form";
    const LIST: &str = "warning cert.crl-dp";
    let known: [(&str, &[&str]); 14] = [
        ("US-AZ-AZ-MID-PROD-ROOT-CA", &[]),
        ("US-AZ-MDL-CA", &[DEPTH, EXTRA, EXTRA, AKI]),
        ("US-CA-ca-dmv-iaca-root-ca-crt", &[]),
        ("US-CO-CO-Root-Certificate-New", &[DEPTH, EXTRA, EXTRA]),
        (
            "US-CO-Prod-Root-Certificate",
            &[STATE, DEPTH, "warning cert.issuer-alt-name", LIST, EXTRA],
        ),
        ("US-GA-GA-mDL-Root", &[EXTRA, EXTRA]),
        ("US-HI-2024-HI-IACA-Root", &[EXTRA, EXTRA]),
        ("US-LA-LA-mDL-iaca-2023-09-08", &[STATE]),
        ("US-MD-Root-Certificate", &[DEPTH, LIST, EXTRA]),
        ("US-NM-NM-mDL-Root-Certificate", &[DEPTH, EXTRA, EXTRA]),
        ("US-NY-New-York-iaca-cert", &[]),
        ("US-OH-ohio-mdl-iaca-root-2024", &[EXTRA, EXTRA]),
        ("US-PR-PRDTOPProdCA", &[EXTRA, AKI]),
        ("US-WV-WV-mID-Root", &[]),
    ];
    let roots = vectors("certs/us-production-iaca");
    assert_eq!(roots.len(), known.len());
    for (name, expected) in known {
        let linted = lint(&[file(&[&roots[name]])], judged_at("2025-06-01T00:00:00Z"));
        assert_eq!(linted[0].role, Some(Role::IacaRoot), "{name}");
        let found: Vec<String> = linted[0]
            .remarks
            .iter()
            .map(|remark| format!("{} {}", remark.severity.id(), remark.id))
            .collect();
        assert_eq!(found, expected, "{name}");
        assert_eq!(verdict(&linted), Verdict::Clean, "{name}");
    }
}

#[test]
fn the_certificates_of_documents_and_requests_are_found() {
    let of =
        |name: &str| bundles_of_cbor(name, &std::fs::read(folder("annex-d").join(name)).unwrap()).unwrap();
    let issued = of("issuer_signed.cbor");
    let response = of("D.4.1.2_device_response.cbor");
    let signature = of("D.5.2_issuer_auth.cbor");
    let request = of("D.4.1.1_device_request.cbor");
    let certificates = vectors("annex-d");
    for found in [&issued, &response, &signature] {
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].certificates, [Ok(certificates["ds"].clone())]);
    }
    let licence = Origin::Document {
        doc_type: Some(MDL_DOC_TYPE.to_owned()),
    };
    assert_eq!((&issued[0].origin, &response[0].origin), (&licence, &licence));
    assert_eq!(response[0].place, "D.4.1.2_device_response.cbor, document 1");
    assert_eq!(signature[0].origin, Origin::Message);
    assert_eq!(request[0].origin, Origin::Request);
    assert_eq!(request[0].certificates, [Ok(certificates["reader"].clone())]);
    let reader = lint(&request, judged_at("2021-01-01T00:00:00Z"));
    assert_eq!(reader[0].role, Some(Role::ReaderAuthentication));
    assert_eq!(bundles_of_cbor("", &[0xa0]).unwrap(), []);
    assert!(bundles_of_cbor("", &[0xa1]).is_err());
}

#[test]
fn every_rule_has_a_name_of_its_own_and_a_reason() {
    let mut names: Vec<&str> = rules().map(|(id, ..)| id).collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
    for (id, _, clause, meaning, why) in rules() {
        assert!(!clause.is_empty() && meaning.ends_with('.'), "{id}");
        assert!(why.len() > 40 && !why.ends_with('.'), "{id}");
    }
}
