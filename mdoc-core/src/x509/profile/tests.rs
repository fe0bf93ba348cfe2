use super::*;
use crate::crypto::Curve;
use crate::seams::Signer;
use crate::time::Timestamp;
use crate::x509::world::{DS, DS_NAME, Parts, World, at, ids, kept, rules, world};
use crate::x509::{der, key_algorithm_der};

/// Changes one thing of the document signer and names the rules it then breaks.
fn ds(change: impl FnOnce(Parts, &Certificate) -> Parts) -> Vec<&'static str> {
    let w = world();
    let changed = change(Parts::of(&w.ds), &w.ds).sign(&w.iaca_key);
    rules(DS, &changed, Some(&w.iaca))
}

/// The same for the root.
fn iaca(change: impl FnOnce(Parts, &Certificate) -> Parts) -> Vec<&'static str> {
    let w = world();
    let changed = change(Parts::of(&w.iaca), &w.iaca).sign(&w.iaca_key);
    rules(Role::IacaRoot, &changed, None)
}

fn reader(change: impl FnOnce(Parts, &Certificate) -> Parts) -> Vec<&'static str> {
    let w = world();
    let changed = change(Parts::of(&w.reader), &w.reader).sign(&w.reader_ca_key);
    rules(Role::ReaderAuthentication, &changed, Some(&w.reader_ca))
}

fn usage(usage: KeyUsage) -> Vec<u8> {
    usage.to_der()
}

fn purposes(oids: &[Oid<'_>]) -> Vec<u8> {
    let list: Vec<_> = oids
        .iter()
        .map(|oid| der::tlv(der::OBJECT_IDENTIFIER, &[oid.content()]))
        .collect();
    der::tlv(der::SEQUENCE, &list.iter().map(Vec::as_slice).collect::<Vec<_>>())
}

fn time(text: &str) -> Vec<u8> {
    der::time(at(text))
}

#[test]
fn identifiers_are_unique_and_each_has_a_source() {
    let mut ids: Vec<_> = Rule::ALL.iter().map(|rule| rule.id()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), Rule::ALL.len());
    for rule in Rule::ALL {
        assert!(
            !rule.clause().is_empty() && rule.meaning().ends_with('.'),
            "{rule}"
        );
        assert!(rule.why().len() > 40 && !rule.why().ends_with('.'), "{rule}");
    }
}

#[test]
fn real_roots_deviate_as_they_are_known_to() {
    let mut deviations = Vec::new();
    for (name, root) in kept("us-production-iaca") {
        let findings = check(Role::IacaRoot, &root, None);
        assert!(findings.iter().all(|f| f.weight() == Weight::Deviation), "{name}");
        deviations.push((name, ids(&findings)));
    }
    let extra = "cert.subject-attribute";
    let expected = [
        ("US-AZ-AZ-MID-PROD-ROOT-CA", vec![]),
        ("US-AZ-MDL-CA", vec![extra, extra, "iaca.path-len", "iaca.aki"]),
        ("US-CA-ca-dmv-iaca-root-ca-crt", vec![]),
        (
            "US-CO-CO-Root-Certificate-New",
            vec![extra, extra, "iaca.path-len"],
        ),
        (
            "US-CO-Prod-Root-Certificate",
            vec![
                extra,
                "cert.state-form",
                "iaca.path-len",
                "cert.issuer-alt-name",
                "cert.crl-dp",
            ],
        ),
        ("US-GA-GA-mDL-Root", vec![extra, extra]),
        ("US-HI-2024-HI-IACA-Root", vec![extra, extra]),
        ("US-LA-LA-mDL-iaca-2023-09-08", vec!["cert.state-form"]),
        (
            "US-MD-Root-Certificate",
            vec![extra, "iaca.path-len", "cert.crl-dp"],
        ),
        (
            "US-NM-NM-mDL-Root-Certificate",
            vec![extra, extra, "iaca.path-len"],
        ),
        ("US-NY-New-York-iaca-cert", vec![]),
        ("US-OH-ohio-mdl-iaca-root-2024", vec![extra, extra]),
        ("US-PR-PRDTOPProdCA", vec![extra, "iaca.aki"]),
        ("US-WV-WV-mID-Root", vec![]),
    ];
    for ((name, found), (expected_name, expected)) in deviations.iter().zip(&expected) {
        assert_eq!((name.as_str(), found), (*expected_name, expected));
    }
    assert_eq!(deviations.len(), expected.len());
}

#[test]
fn test_roots_of_others_deviate_too_and_none_is_beyond_use() {
    for (name, root) in kept("../trust") {
        let findings = check(Role::IacaRoot, &root, None);
        let hard: Vec<_> = findings.iter().filter(|f| f.weight() == Weight::Hard).collect();
        assert_eq!(hard, Vec::<&Finding>::new(), "{name}");
        let has = |rule| findings.iter().any(|f| f.rule == rule);
        assert_eq!(has(Rule::BooleanForm), name.starts_with("google-test"), "{name}");
        if name.starts_with("sprind") {
            assert!(has(Rule::IacaKeyUsageExact) && has(Rule::IssuerAltName));
        }
        if name.starts_with("pid-issuer") {
            assert!(has(Rule::ForbiddenExtension)); // extended key usage
        }
        if name.starts_with("utopia") {
            let points = findings
                .iter()
                .find(|f| f.rule == Rule::CrlDistributionPoints)
                .unwrap();
            assert_eq!(points.found, "no URI, a point without a URI or with another name");
        }
    }
    let kept = kept("utopia-test");
    assert_eq!(rules(DS, &kept[0].1, Some(&kept[1].1)), Vec::<&str>::new());
    assert_eq!(rules(Role::IacaRoot, &kept[1].1, None), Vec::<&str>::new());
}

#[test]
fn key_usage_of_a_signer() {
    let oid = oid::KEY_USAGE;
    let signing = KeyUsage::DIGITAL_SIGNATURE;
    assert_eq!(ds(|p, _| p.without(oid)), ["ds.key-usage"]);
    assert_eq!(ds(|p, c| p.critical(c, oid, false)), ["ds.key-usage.critical"]);
    for bad in [
        KeyUsage::NON_REPUDIATION,
        signing.and(KeyUsage::KEY_CERT_SIGN),
        signing.and(KeyUsage::CRL_SIGN),
    ] {
        assert_eq!(ds(|p, _| p.with(oid, true, &usage(bad))), ["ds.key-usage"]);
    }
    let more = signing.and(KeyUsage::NON_REPUDIATION);
    assert_eq!(ds(|p, _| p.with(oid, true, &usage(more))), ["ds.key-usage.exact"]);
    assert_eq!(ds(|p, _| p.with(oid, true, &[3, 1, 9])), ["ds.key-usage"]);
}

#[test]
fn trap_71_a_signer_of_licences_has_that_purpose() {
    let oid = oid::EXTENDED_KEY_USAGE;
    assert_eq!(ds(|p, _| p.without(oid)), ["ds.eku"]);
    assert_eq!(
        ds(|p, _| p.with(oid, true, &purposes(&[oid::MDL_READER_AUTH]))),
        ["ds.eku"]
    );
    assert_eq!(
        ds(|p, _| p.with(oid, true, &purposes(&[oid::MDOC_DS]))),
        ["ds.eku"]
    );
    assert_eq!(ds(|p, _| p.with(oid, true, &[0x30, 0])), ["ds.eku"]);
    assert_eq!(ds(|p, c| p.critical(c, oid, false)), ["ds.eku.critical"]);
    assert_eq!(
        ds(|p, _| p.with(oid, true, &purposes(&[oid::MDL_DS, oid::ED25519]))),
        ["ds.eku.exact"]
    );
    assert_eq!(
        ds(|p, _| p.with(oid, true, &purposes(&[oid::MDOC_DS, oid::MDL_DS]))),
        Vec::<&str>::new()
    );
}

#[test]
fn purposes_of_signers_of_other_documents_are_looser() {
    let w = world();
    let other = Role::DocumentSigner { mdl: false };
    let none = Parts::of(&w.ds)
        .without(oid::EXTENDED_KEY_USAGE)
        .sign(&w.iaca_key);
    let findings = check(other, &none, Some(&w.iaca));
    assert_eq!(ids(&findings), ["ds.eku.other"]);
    assert_eq!(findings[0].weight(), Weight::Deviation);
    for purpose in [oid::MDL_DS, oid::MDOC_DS] {
        let one = Parts::of(&w.ds)
            .with(oid::EXTENDED_KEY_USAGE, true, &purposes(&[purpose]))
            .sign(&w.iaca_key);
        assert_eq!(check(other, &one, Some(&w.iaca)), []);
    }
    let reader = Parts::of(&w.ds)
        .with(oid::EXTENDED_KEY_USAGE, true, &purposes(&[oid::MDL_READER_AUTH]))
        .sign(&w.iaca_key);
    let findings = check(other, &reader, Some(&w.iaca));
    assert_eq!(
        ids(&findings),
        ["ds.eku.foreign"],
        "trap 71: a reader signs no documents"
    );
    assert_eq!(findings[0].weight(), Weight::Hard);
}

#[test]
fn authority_of_a_root() {
    let oid = oid::BASIC_CONSTRAINTS;
    assert_eq!(iaca(|p, _| p.without(oid)), ["iaca.basic-constraints"]);
    assert_eq!(
        iaca(|p, c| p.critical(c, oid, false)),
        ["iaca.basic-constraints.critical"]
    );
    assert_eq!(
        iaca(|p, _| p.with(oid, true, &[0x30, 0])),
        ["iaca.basic-constraints"]
    );
    assert_eq!(
        iaca(|p, _| p.with(oid, true, &[0x30, 3, 1, 1, 0xFF])),
        ["iaca.path-len"]
    );
    assert_eq!(
        iaca(|p, _| p.with(oid, true, &[0x30, 6, 1, 1, 0xFF, 2, 1, 1])),
        ["iaca.path-len"]
    );
    assert_eq!(
        iaca(|p, _| p.with(oid, true, &[0x30, 6, 1, 1, 1, 2, 1, 0])),
        ["cert.boolean-form"]
    );
    let oid = oid::KEY_USAGE;
    assert_eq!(iaca(|p, _| p.without(oid)), ["iaca.key-usage"]);
    assert_eq!(
        iaca(|p, c| p.critical(c, oid, false)),
        ["iaca.key-usage.critical"]
    );
    assert_eq!(
        iaca(|p, _| p.with(oid, true, &usage(KeyUsage::CRL_SIGN))),
        ["iaca.key-usage"]
    );
    assert_eq!(
        iaca(|p, _| p.with(oid, true, &usage(KeyUsage::KEY_CERT_SIGN))),
        ["iaca.key-usage.exact"]
    );
    assert_eq!(
        iaca(|p, _| p.with(oid::EXTENDED_KEY_USAGE, false, &purposes(&[oid::MDL_DS]))),
        ["cert.forbidden-extension"]
    );
}

#[test]
fn extensions_nobody_understands() {
    let unknown = Oid::from_content(&[0x2A, 3, 4]).unwrap();
    assert_eq!(
        ds(|p, _| p.with(unknown, true, &[5, 0])),
        ["cert.critical-extension"]
    );
    assert_eq!(ds(|p, _| p.with(unknown, false, &[9])), Vec::<&str>::new());
    assert_eq!(
        ds(|p, _| p.with(oid::POLICY_MAPPINGS, false, &[0x30, 0])),
        ["cert.forbidden-extension"]
    );
    assert_eq!(
        ds(|p, _| p.with(oid::NAME_CONSTRAINTS, true, &[0x30, 0])),
        ["cert.critical-extension"]
    );
    assert_eq!(
        ds(|p, _| p.with(oid::BASIC_CONSTRAINTS, true, &[0x30, 0])),
        ["cert.forbidden-extension"]
    );
    assert_eq!(
        ds(|p, _| p.with(oid::SUBJECT_ALT_NAME, true, &[1])),
        ["cert.critical-extension"]
    );
    assert_eq!(
        ds(|mut p, _| {
            let again = p.extensions[0].clone();
            p.extensions.push(again);
            p
        }),
        ["cert.extension-duplicate"]
    );
}

#[test]
fn trap_66_too_long() {
    let change = |until: &'static str| {
        move |mut p: Parts, _: &Certificate| {
            p.not_after = time(until);
            p
        }
    };
    assert_eq!(ds(change("2027-04-04T00:00:00Z")), ["cert.validity-period"]); // 458 days
    assert_eq!(ds(change("2027-04-03T00:00:00Z")), Vec::<&str>::new());
    assert_eq!(iaca(change("2045-01-01T00:00:01Z")), ["cert.validity-period"]);
    assert_eq!(reader(change("2029-04-03T00:00:00Z")), ["cert.validity-period"]);
}

#[test]
fn trap_67_serial_numbers() {
    let change = |serial: Vec<u8>| {
        move |mut p: Parts, _: &Certificate| {
            p.serial = serial;
            p
        }
    };
    for bad in [
        vec![2, 1, 1],
        vec![2, 1, 0],
        der::tlv(der::INTEGER, &[&[0x9A; 16]]), // negative
        der::tlv(der::INTEGER, &[&[0x1A; 21]]),
        der::unsigned(&[0xFF; 20]), // 21 octets with the sign
        der::unsigned(&[0xFF; 7]),
    ] {
        assert_eq!(ds(change(bad)), ["cert.serial-number"]);
    }
    assert_eq!(ds(change(der::unsigned(&[0xFF; 8]))), Vec::<&str>::new());
}

#[test]
fn trap_68_malformed_and_missing_contacts() {
    let oid = oid::ISSUER_ALT_NAME;
    let dns = [0x30, 3, 0x82, 1, b'a'];
    assert_eq!(
        ds(|p, _| p.with(oid, false, b"text")),
        ["cert.extension-malformed"]
    );
    assert_eq!(ds(|p, _| p.with(oid, true, b"text")), ["cert.critical-extension"]);
    assert_eq!(ds(|p, _| p.without(oid)), ["cert.issuer-alt-name"]);
    assert_eq!(ds(|p, _| p.with(oid, false, &dns)), ["cert.issuer-alt-name"]);
    let oid = oid::CRL_DISTRIBUTION_POINTS;
    let dns_point = [0x30, 9, 0x30, 7, 0xA0, 5, 0xA0, 3, 0x82, 1, b'a'];
    assert_eq!(ds(|p, _| p.without(oid)), ["cert.crl-dp"]);
    assert_eq!(ds(|p, _| p.with(oid, false, &dns_point)), ["cert.crl-dp"]);
    assert_eq!(reader(|p, _| p.without(oid)), ["cert.crl-dp"]);
    assert_eq!(
        ds(|mut p, _| {
            p.not_before = der::tlv(der::GENERALIZED_TIME, &[b"20260101000000Z"]);
            p
        }),
        ["cert.time-form"]
    );
}

#[test]
fn identifiers_of_keys() {
    let (subject, authority) = (oid::SUBJECT_KEY_IDENTIFIER, oid::AUTHORITY_KEY_IDENTIFIER);
    assert_eq!(ds(|p, _| p.without(subject)), ["cert.ski"]);
    assert_eq!(ds(|p, _| p.with(subject, false, &[4, 1, 7])), ["cert.ski"]);
    assert_eq!(ds(|p, _| p.without(authority)), ["cert.aki"]);
    assert_eq!(ds(|p, _| p.with(authority, false, &[0x30, 0])), ["cert.aki"]);
    assert_eq!(
        ds(|p, _| p.with(authority, false, &[0x30, 3, 0x80, 1, 7])),
        ["cert.aki"]
    );
    assert_eq!(reader(|p, _| p.without(authority)), ["cert.aki"]);
    assert_eq!(
        iaca(|p, _| p.with(authority, false, &[0x30, 3, 0x80, 1, 7])),
        ["iaca.aki"]
    );
}

#[test]
fn trap_69_country_and_state() {
    let [country, state, name] = DS_NAME;
    assert_eq!(ds(|p, _| p.subject(&[country, state, name])), Vec::<&str>::new());
    assert_eq!(
        ds(|p, _| p.subject(&[state, name])),
        ["cert.country", "cert.state-form"]
    );
    let other = (oid::COUNTRY, der::PRINTABLE_STRING, "AT");
    assert_eq!(
        ds(|p, _| p.subject(&[other, name])),
        ["cert.country", "cert.state.presence"]
    );
    let lower = (oid::COUNTRY, der::PRINTABLE_STRING, "ut");
    assert!(ds(|p, _| p.subject(&[lower, name])).contains(&"cert.country-form"));
    let utf8 = (oid::COUNTRY, der::UTF8_STRING, "UT");
    assert_eq!(ds(|p, _| p.subject(&[utf8, state, name])), ["cert.country-form"]);
    let state_elsewhere = (oid::STATE_OR_PROVINCE, der::UTF8_STRING, "UT-SB");
    assert_eq!(
        ds(|p, _| p.subject(&[country, state_elsewhere, name])),
        ["cert.state"]
    );
    assert_eq!(ds(|p, _| p.subject(&[country, name])), ["cert.state.presence"]);
    assert_eq!(ds(|p, _| p.subject(&[country, state])), ["cert.common-name"]);
    assert_eq!(Rule::Country.weight(), Weight::Hard);
    assert_eq!(Rule::State.weight(), Weight::Hard);
}

#[test]
fn trap_70_what_is_no_root_is_not_taken_for_one() {
    let w = world();
    for other in [&w.ds, &w.reader] {
        let hard: Vec<_> = check(Role::IacaRoot, other, None)
            .into_iter()
            .filter(|finding| finding.weight() == Weight::Hard)
            .map(|finding| finding.rule)
            .collect();
        assert!(hard.contains(&Rule::IacaBasicConstraints));
        assert!(hard.contains(&Rule::IacaKeyUsage));
    }
    let mut reuse = Parts::of(&w.ds);
    reuse.key = w.iaca.public_key_info_der().to_vec();
    let reuse = reuse.without(oid::SUBJECT_KEY_IDENTIFIER).sign(&w.iaca_key);
    assert_eq!(rules(DS, &reuse, Some(&w.iaca)), ["cert.key-reuse", "cert.ski"]);
}

#[test]
fn trap_72_findings_say_what_is_there_and_what_should_be() {
    let w = world();
    let purposes = purposes(&[oid::MDL_DS]);
    let wrong = Parts::of(&w.reader)
        .with(oid::EXTENDED_KEY_USAGE, true, &purposes)
        .sign(&w.reader_ca_key);
    let findings = check(Role::ReaderAuthentication, &wrong, Some(&w.reader_ca));
    assert_eq!(
        findings[0].to_string(),
        "reader.eku: 1.0.18013.5.1.2 where 1.0.18013.5.1.6, 1.0.23220.4.1.6 is expected"
    );
    // What a reader may lack without being refused.
    let poor = Parts::of(&w.reader)
        .without(oid::CRL_DISTRIBUTION_POINTS)
        .without(oid::SUBJECT_KEY_IDENTIFIER)
        .without(oid::AUTHORITY_KEY_IDENTIFIER)
        .critical(&w.reader, oid::EXTENDED_KEY_USAGE, false)
        .sign(&w.reader_ca_key);
    let findings = check(Role::ReaderAuthentication, &poor, Some(&w.reader_ca));
    assert_eq!(findings.len(), 4);
    assert!(findings.iter().all(|f| f.weight() == Weight::Deviation));
}

#[test]
fn keys_and_algorithms() {
    let w = world();
    let World { ds_key, .. } = &w;
    let (x, y) = ds_key.public_key().coordinates();
    let compressed = [&[2 + (y.unwrap()[31] & 1)], x].concat();
    let mut parts = Parts::of(&w.ds);
    parts.key = der::tlv(
        der::SEQUENCE,
        &[&key_algorithm_der(Curve::P256), &der::bit_string(&compressed)],
    );
    let parts = parts.with(
        oid::SUBJECT_KEY_IDENTIFIER,
        false,
        &der::tlv(der::OCTET_STRING, &[&crate::x509::key_identifier(&compressed)]),
    );
    let found = rules(DS, &parts.sign(&w.iaca_key), Some(&w.iaca));
    assert_eq!(found, ["cert.public-key"]);
    assert_eq!(
        ds(|mut p, _| {
            p.version = vec![];
            p
        }),
        ["cert.version"]
    );
    assert!(!is_within(
        Limit::Days(1),
        Timestamp::from_unix(0),
        Timestamp::from_unix(86_401)
    ));
}

#[test]
fn key_usage_of_a_status_list_signer() {
    let mut w = world();
    let key = crate::x509::world::key(Curve::P256, &mut w.rng);
    let good = crate::x509::build::StatusListSigner {
        country: Some("UT".into()),
        common_name: "Utopia status".into(),
        organization: None,
        validity: crate::x509::world::years(2026, 2029),
        crl_uri: None,
    }
    .build(key.public_key(), &w.iaca, &w.iaca_key, &mut w.rng)
    .unwrap();
    let changed = |change: &dyn Fn(Parts) -> Parts| {
        let certificate = change(Parts::of(&good)).sign(&w.iaca_key);
        rules(Role::StatusListSigner, &certificate, Some(&w.iaca))
    };
    let oid = oid::KEY_USAGE;
    let both = usage(KeyUsage::DIGITAL_SIGNATURE.and(KeyUsage::NON_REPUDIATION));
    let list = usage(KeyUsage::DIGITAL_SIGNATURE.and(KeyUsage::CRL_SIGN));
    assert_eq!(changed(&|p| p), Vec::<&str>::new());
    assert_eq!(changed(&|p| p.without(oid)), ["status.key-usage"]);
    assert_eq!(changed(&|p| p.with(oid, true, &list)), ["status.key-usage"]);
    assert_eq!(
        changed(&|p| p.critical(&good, oid, false)),
        ["status.key-usage.critical"]
    );
    assert_eq!(changed(&|p| p.with(oid, true, &both)), ["status.key-usage.exact"]);
    assert_eq!(
        changed(&|p| p.with(oid::BASIC_CONSTRAINTS, false, &[0x30, 0])),
        ["cert.forbidden-extension"]
    );
}
