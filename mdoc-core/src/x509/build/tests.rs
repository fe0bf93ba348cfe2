use std::collections::HashSet;

use x509_cert::der::{Decode, Encode};

use super::*;
use crate::crypto::Curve;
use crate::x509::profile::check;
use crate::x509::world::{
    DS, World, at, document_signer, iaca_root, kept, key, reader_authentication, world, world_on, years,
};
use crate::x509::{GeneralName, oid};

#[test]
fn what_is_built_has_no_findings_and_another_reader_agrees() {
    for (root, leaf) in [
        (Curve::P256, Curve::P256),
        (Curve::P384, Curve::P256),
        (Curve::P521, Curve::Ed25519),
        (Curve::BrainpoolP256r1, Curve::BrainpoolP384r1),
    ] {
        let w = world_on(root, leaf);
        assert_eq!(check(Role::IacaRoot, &w.iaca, None), []);
        assert_eq!(check(DS, &w.ds, Some(&w.iaca)), []);
        assert_eq!(check(Role::ReaderCa, &w.reader_ca, None), []);
        assert_eq!(
            check(Role::ReaderAuthentication, &w.reader, Some(&w.reader_ca)),
            []
        );
        for certificate in [&w.iaca, &w.ds, &w.reader_ca, &w.reader] {
            let other = x509_cert::Certificate::from_der(certificate.der()).unwrap();
            assert_eq!(other.to_der().unwrap(), certificate.der());
            assert_eq!(
                other.tbs_certificate().serial_number().as_bytes(),
                certificate.serial_number()
            );
        }
    }
}

#[test]
fn a_document_signer_takes_country_and_state_from_its_issuer_octet_for_octet() {
    let w = world();
    let subject = w.ds.subject();
    for oid in [oid::COUNTRY, oid::STATE_OR_PROVINCE] {
        assert_eq!(subject.attribute(oid), w.iaca.subject().attribute(oid));
    }
    assert_eq!(
        subject.attribute(oid::COUNTRY).unwrap().tag,
        der::PRINTABLE_STRING
    );
    assert_eq!(w.ds.issuer_der(), w.iaca.subject_der());
    assert_eq!(
        w.ds.extension(oid::EXTENDED_KEY_USAGE).unwrap().value,
        [0x30, 0x09, 0x06, 0x07, 0x28, 0x81, 0x8c, 0x5d, 0x05, 0x01, 0x02]
    );
    let mut both = document_signer();
    both.mdoc_purpose = true;
    let mut w = world();
    let both = both
        .build(w.ds_key.public_key(), &w.iaca, &w.iaca_key, &mut w.rng)
        .unwrap();
    assert_eq!(check(DS, &both, Some(&w.iaca)), []);
    assert_eq!(
        both.extended_key_usage().unwrap().unwrap(),
        [oid::MDL_DS, oid::MDOC_DS]
    );
}

#[test]
fn trap_66_no_certificate_outlives_its_profile() {
    let mut w = world();
    let mut ds = document_signer();
    ds.validity.until = at("2027-04-03T00:00:01Z");
    let built = ds.build(w.ds_key.public_key(), &w.iaca, &w.iaca_key, &mut w.rng);
    assert_eq!(
        built.unwrap_err(),
        BuildError::ValidTooLong {
            asked: ds.validity,
            most: "457 days".into()
        }
    );
    let mut root = iaca_root();
    root.validity.until = at("2045-01-01T00:00:01Z");
    assert!(matches!(
        root.build(&w.iaca_key, &mut w.rng),
        Err(BuildError::ValidTooLong { most, .. }) if most == "20 years"
    ));
    let mut reader = reader_authentication();
    reader.validity.until = at("2029-04-02T00:00:01Z"); // 1187 days and a second
    assert!(matches!(
        reader.build(w.ds_key.public_key(), &w.reader_ca, &w.reader_ca_key, &mut w.rng),
        Err(BuildError::ValidTooLong { most, .. }) if most == "1187 days"
    ));
    ds.validity = years(2044, 2045);
    ds.validity.until = at("2045-01-01T00:00:01Z");
    assert!(matches!(
        ds.build(w.ds_key.public_key(), &w.iaca, &w.iaca_key, &mut w.rng),
        Err(BuildError::OutsideIssuer { .. })
    ));
}

#[test]
fn trap_67_serial_numbers_are_random_positive_and_20_octets() {
    let mut w = world();
    let mut seen = HashSet::new();
    for _ in 0..20 {
        let root = iaca_root().build(&w.iaca_key, &mut w.rng).unwrap();
        let serial = root.serial_number_der();
        assert_eq!(serial.len(), 20);
        assert_eq!(serial[0] >> 6, 1);
        assert!(seen.insert(serial.to_vec()));
    }
}

#[test]
fn times_change_their_form_in_2050() {
    let mut w = world();
    let mut root = iaca_root();
    root.validity = years(2040, 2060);
    let root = root.build(&w.iaca_key, &mut w.rng).unwrap();
    let from = b"\x17\x0d400101000000Z";
    let until = b"\x18\x0f20600101000000Z";
    for form in [&from[..], until] {
        assert!(root.tbs().windows(form.len()).any(|window| window == form));
    }
    assert_eq!(check(Role::IacaRoot, &root, None), []);
}

#[test]
fn trap_69_the_country_is_two_upper_case_letters() {
    let mut w = world();
    for bad in ["ut", "UTO", "U", "", "Ü"] {
        let mut root = iaca_root();
        root.country = bad.into();
        assert_eq!(
            root.build(&w.iaca_key, &mut w.rng).unwrap_err(),
            BuildError::Country(bad.into())
        );
    }
    for bad in ["Maryland", "US-MD", "UT-", "UT-ABCD", "UT-nb"] {
        let mut root = iaca_root();
        root.state = Some(bad.into());
        assert_eq!(
            root.build(&w.iaca_key, &mut w.rng).unwrap_err(),
            BuildError::State(bad.into())
        );
    }
}

#[test]
fn parts_that_no_profile_allows_are_refused() {
    let mut w = world();
    let edwards = key(Curve::Ed25519, &mut w.rng);
    assert_eq!(
        iaca_root().build(&edwards, &mut w.rng).unwrap_err(),
        BuildError::Curve(Curve::Ed25519)
    );
    let ds = w.ds_key.public_key();
    assert_eq!(
        document_signer()
            .build(ds, &w.iaca, &w.ds_key, &mut w.rng)
            .unwrap_err(),
        BuildError::NotTheKeyOfTheIssuer
    );
    assert!(matches!(
        document_signer().build(edwards.public_key(), &w.ds, &w.ds_key, &mut w.rng),
        Err(BuildError::IssuerNotCa(_))
    ));
    let change = |change: fn(&mut DocumentSigner)| {
        let mut terms = document_signer();
        change(&mut terms);
        terms
    };
    let mut build = |terms: DocumentSigner| terms.build(ds, &w.iaca, &w.iaca_key, &mut w.rng).unwrap_err();
    assert_eq!(
        build(change(|t| t.common_name = "x".repeat(65))),
        BuildError::Text {
            field: "common name",
            most: 64,
            found: 65
        }
    );
    assert_eq!(
        build(change(|t| t.contacts.clear())),
        BuildError::Contact(String::new())
    );
    assert_eq!(
        build(change(|t| t.contacts = vec![GeneralName::Dns("a.example".into())])),
        BuildError::Contact("a.example".into())
    );
    assert_eq!(
        build(change(|t| t.crl_uri = "not a uri".into())),
        BuildError::CrlUri("not a uri".into())
    );
    assert!(matches!(
        build(change(|t| t.validity = years(2027, 2026))),
        BuildError::EndsBeforeItBegins(_)
    ));
}

#[test]
fn trap_70_the_root_key_does_not_sign_documents() {
    let mut w = world();
    assert_eq!(
        document_signer()
            .build(w.iaca_key.public_key(), &w.iaca, &w.iaca_key, &mut w.rng)
            .unwrap_err(),
        BuildError::KeyOfTheIssuer
    );
}

#[test]
fn a_foreign_root_can_be_built_upon() {
    // Only the names are taken over, octet for octet, whatever the order and the string types.
    for (name, root) in kept("us-production-iaca") {
        let mut parts = crate::x509::world::Parts::of(&root);
        let mut w = world();
        parts.key = w.iaca.public_key_info_der().to_vec();
        let root = parts.sign(&w.iaca_key);
        let mut terms = document_signer();
        terms.validity = Validity {
            from: root.not_before(),
            until: root.not_before(),
        };
        let ds = terms
            .build(w.ds_key.public_key(), &root, &w.iaca_key, &mut w.rng)
            .unwrap();
        assert_eq!(ds.issuer_der(), root.subject_der(), "{name}");
        assert!(
            check(DS, &ds, Some(&root))
                .iter()
                .all(|f| f.rule.id() == "cert.state-form"),
            "{name}"
        );
    }
}

/// One certificate of each role that others do not make here, with what issued it.
pub(in crate::x509) fn other_roles(w: &mut World) -> Vec<(Role, Certificate, Certificate)> {
    let leaf = key(Curve::P256, &mut w.rng);
    let leaf = leaf.public_key();
    let (contacts, list) = (iaca_root().contacts, "https://utopia.example/crl".to_owned());
    let year = years(2026, 2027);
    let mut new = iaca_root();
    new.common_name = "Utopia IACA 2".into();
    let new = new.build(&key(Curve::P384, &mut w.rng), &mut w.rng).unwrap();
    let link = IacaLink {
        validity: year,
        contacts: contacts.clone(),
        crl_uri: list.clone(),
    }
    .build(&new, &w.iaca, &w.iaca_key, &mut w.rng);
    let ca_key = key(Curve::P256, &mut w.rng);
    let ca = OtherCa {
        country: None,
        common_name: "Utopia Lists".into(),
        organization: None,
        validity: years(2025, 2045),
    }
    .build(&ca_key, &mut w.rng)
    .unwrap();
    let mut responder = OcspResponder {
        common_name: "Utopia Answers".into(),
        organization: None,
        validity: year,
        contacts: contacts.clone(),
        revocation: ResponderRevocation::List(list.clone()),
    };
    let listed = responder.build(leaf, &w.iaca, &w.iaca_key, &mut w.rng);
    responder.revocation = ResponderRevocation::NoCheck;
    responder.validity.until = at("2026-04-01T00:00:00Z"); // 90 days
    let unchecked = responder.build(leaf, &w.iaca, &w.iaca_key, &mut w.rng);
    let jws = JwsSigner {
        common_name: "Utopia Tokens".into(),
        organization: None,
        validity: year,
        contacts,
        crl_uri: list.clone(),
    }
    .build(leaf, &w.iaca, &w.iaca_key, &mut w.rng);
    let vical = VicalSigner {
        country: "UT".into(),
        organization: "Utopia".into(),
        common_name: "Utopia Lists 1".into(),
        validity: years(2026, 2029),
        mdoc_purpose: true,
        crl_uri: list.clone(),
        ocsp_uri: Some("https://utopia.example/ocsp".into()),
    }
    .build(leaf, &ca, &ca_key, &mut w.rng);
    let server = TlsServer {
        country: None,
        common_name: "mdl.utopia.example".into(),
        organization: None,
        validity: years(2026, 2028),
        hosts: vec![
            GeneralName::Dns("mdl.utopia.example".into()),
            GeneralName::Ip(vec![127, 0, 0, 1]),
        ],
        crl_uri: Some(list.clone()),
    }
    .build(leaf, &ca, &ca_key, &mut w.rng);
    let client = TlsClient {
        country: None,
        common_name: "Reader 7".into(),
        organization: None,
        validity: years(2026, 2029),
        crl_uri: None,
    }
    .build(leaf, &ca, &ca_key, &mut w.rng);
    let iaca = w.iaca.clone();
    vec![
        (Role::IacaLink, link.unwrap(), iaca.clone()),
        (Role::OtherCa, ca.clone(), ca.clone()),
        (Role::OcspResponder, listed.unwrap(), iaca.clone()),
        (Role::OcspResponder, unchecked.unwrap(), iaca.clone()),
        (Role::JwsSigner, jws.unwrap(), iaca),
        (Role::VicalSigner, vical.unwrap(), ca.clone()),
        (Role::TlsServer, server.unwrap(), ca.clone()),
        (Role::TlsClient, client.unwrap(), ca),
    ]
}

#[test]
fn the_other_roles_have_no_findings_either() {
    let mut w = world();
    for (role, certificate, issuer) in other_roles(&mut w) {
        assert_eq!(check(role, &certificate, Some(&issuer)), [], "{role:?}");
        certificate
            .verify_signed_by(&issuer.public_key().unwrap(), &RustCrypto)
            .unwrap();
        let other = x509_cert::Certificate::from_der(certificate.der()).unwrap();
        assert_eq!(other.to_der().unwrap(), certificate.der());
    }
}

#[test]
fn a_link_names_the_new_root_and_ends_with_the_old_one() {
    let mut w = world();
    let terms = IacaLink {
        validity: years(2026, 2045),
        contacts: iaca_root().contacts,
        crl_uri: "https://utopia.example/crl".into(),
    };
    let new_key = key(Curve::P256, &mut w.rng);
    let same_name = iaca_root().build(&new_key, &mut w.rng).unwrap();
    let link = terms.build(&same_name, &w.iaca, &w.iaca_key, &mut w.rng).unwrap();
    assert!(link.subject_alt_name().is_none());
    assert_eq!(link.subject_der(), same_name.subject_der());
    assert_eq!(link.public_key_info_der(), same_name.public_key_info_der());
    assert_eq!(check(Role::IacaLink, &link, Some(&w.iaca)), []);
    let mut longer = terms.clone();
    longer.validity.until = at("2045-01-01T00:00:01Z");
    assert!(matches!(
        longer.build(&same_name, &w.iaca, &w.iaca_key, &mut w.rng),
        Err(BuildError::OutsideIssuer { .. })
    ));
    let mut abroad = iaca_root();
    (abroad.country, abroad.state) = ("AT".into(), None);
    let abroad = abroad.build(&new_key, &mut w.rng).unwrap();
    assert!(matches!(
        terms.build(&abroad, &w.iaca, &w.iaca_key, &mut w.rng),
        Err(BuildError::OtherCountry { .. })
    ));
    let own = w.iaca.clone();
    assert_eq!(
        terms.build(&own, &w.iaca, &w.iaca_key, &mut w.rng).unwrap_err(),
        BuildError::KeyOfTheIssuer
    );
}

#[test]
fn responders_that_nobody_checks_live_for_90_days() {
    let mut w = world();
    let mut terms = OcspResponder {
        common_name: "Utopia Answers".into(),
        organization: None,
        validity: years(2026, 2027),
        contacts: iaca_root().contacts,
        revocation: ResponderRevocation::NoCheck,
    };
    let edwards = key(Curve::Ed25519, &mut w.rng);
    let ds = w.ds_key.public_key().clone();
    let mut build = |terms: &OcspResponder, key| terms.build(key, &w.iaca, &w.iaca_key, &mut w.rng);
    assert!(matches!(
        build(&terms, &ds),
        Err(BuildError::ValidTooLong { most, .. }) if most == "90 days"
    ));
    terms.revocation = ResponderRevocation::List("https://utopia.example/crl".into());
    assert!(build(&terms, &ds).is_ok());
    assert_eq!(
        build(&terms, edwards.public_key()).unwrap_err(),
        BuildError::Curve(Curve::Ed25519)
    );
}

#[test]
fn hosts_are_names_or_addresses() {
    let mut w = world();
    let mut terms = TlsServer {
        country: None,
        common_name: "Server".into(),
        organization: None,
        validity: years(2026, 2027),
        hosts: vec![],
        crl_uri: None,
    };
    let mut build = |hosts: Vec<GeneralName>| {
        terms.hosts = hosts;
        terms.build(w.ds_key.public_key(), &w.reader_ca, &w.reader_ca_key, &mut w.rng)
    };
    for bad in [
        "",
        "a b",
        "-a.example",
        "a..b",
        "https://a.example",
        "ü.example",
        "a.*.b",
    ] {
        assert_eq!(
            build(vec![GeneralName::Dns(bad.into())]).unwrap_err(),
            BuildError::Host(bad.into())
        );
    }
    assert_eq!(build(vec![]).unwrap_err(), BuildError::Host(String::new()));
    assert!(build(vec![GeneralName::Dns("*.a.example".into())]).is_ok());
}
