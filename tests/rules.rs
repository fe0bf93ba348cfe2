//! Every rule of the linter has a certificate that breaks exactly that one.
//!
//! The rules that a verification looks at too have theirs in the negative corpus; the others are here.

use std::collections::BTreeSet;

use integration::corpus::Case;
use integration::parts::{Parts, UTF8, name, purposes};
use integration::world::{World, at};
use mdoc_core::crypto::Curve;
use mdoc_core::seams::{Signer as _, SoftwareKey};
use mdoc_core::x509::oid::{self, Oid};
use mdoc_core::x509::profile::{self, Role, Rule};
use mdoc_core::x509::{BadCertificate, Certificate, GeneralName};
use mdoc_issuer::lint::{self, Bundle, LinkRule, Origin};
use mdoc_issuer::pki::{Authority, Kind, Terms, link};

const DIGITAL_SIGNATURE: &[u8] = &[3, 2, 7, 0x80];
const NON_REPUDIATION: &[u8] = &[3, 2, 6, 0x40];
const BOTH_SIGNATURES: &[u8] = &[3, 2, 6, 0xc0];
const CRL_SIGN: &[u8] = &[3, 2, 1, 0x02];
const NOT_A_CA: &[u8] = &[0x30, 0];

/// A good certificate of a role, what issued it, and the key that did.
struct Good {
    role: Role,
    prefix: &'static str,
    certificate: Certificate,
    issuer: Certificate,
    signer: SoftwareKey,
}

fn terms(name: &str) -> Terms {
    Terms {
        common_name: name.to_owned(),
        organization: Some("Utopia".to_owned()),
        from: at("2026-01-01T00:00:00Z"),
        lifetime: None,
        contacts: vec![GeneralName::Email("office@utopia.example".to_owned())],
        crl_uri: Some("https://utopia.example/crl".to_owned()),
        curve: Curve::P256,
    }
}

fn copy(key: &SoftwareKey) -> SoftwareKey {
    SoftwareKey::new(key.secret().clone()).unwrap()
}

fn good(world: &World) -> Vec<Good> {
    let mut rng = world.rng("rules");
    let root_key = world.key("another root", Curve::P256);
    let root = Kind::OtherCa { country: None };
    let root = root
        .root(&terms("Root"), &root_key, &mut rng)
        .unwrap()
        .certificate;
    let leaf = world.key("leaf", Curve::P256);
    let country = Some("UT".to_owned());
    let kinds = [
        ("status", Kind::StatusListSigner, true),
        ("ocsp", Kind::OcspResponder { no_check: false }, true),
        ("jws", Kind::JwsSigner, true),
        (
            "vical",
            Kind::VicalSigner {
                country: country.clone(),
                mdoc_purpose: true,
                ocsp_uri: Some("https://utopia.example/ocsp".to_owned()),
            },
            false,
        ),
        (
            "tls-server",
            Kind::TlsServer {
                country: country.clone(),
                hosts: vec![GeneralName::Dns("mdl.utopia.example".to_owned())],
            },
            false,
        ),
        ("tls-client", Kind::TlsClient { country }, false),
    ];
    let mut all: Vec<Good> = kinds
        .into_iter()
        .map(|(prefix, kind, below_iaca)| {
            let (issuer, signer) = if below_iaca {
                (world.iaca.clone(), copy(&world.iaca_key))
            } else {
                (root.clone(), copy(&root_key))
            };
            let authority = Authority {
                certificate: &issuer,
                signer: &signer,
            };
            let made = kind.certify(&terms("Leaf"), leaf.public_key(), authority, &mut rng);
            Good {
                role: kind.role(),
                prefix,
                certificate: made.unwrap().certificate,
                issuer,
                signer,
            }
        })
        .collect();
    let next = Kind::Iaca {
        country: "UT".to_owned(),
        state: Some("UT-NB".to_owned()),
    };
    let next = next
        .root(
            &terms("Next IACA"),
            &world.key("next root", Curve::P256),
            &mut rng,
        )
        .unwrap()
        .certificate;
    let authority = Authority {
        certificate: &world.iaca,
        signer: &world.iaca_key,
    };
    all.push(Good {
        role: Role::IacaLink,
        prefix: "link",
        certificate: link(&next, &terms(""), authority, &mut rng).unwrap().certificate,
        issuer: world.iaca.clone(),
        signer: copy(&world.iaca_key),
    });
    all.push(Good {
        role: Role::OtherCa,
        prefix: "ca",
        certificate: root.clone(),
        issuer: root,
        signer: root_key,
    });
    all
}

/// For a good certificate, each rule of its role with the parts that break it.
fn spoiled(good: &Good) -> Vec<(String, Parts)> {
    let parts = || Parts::of(&good.certificate);
    let (usage, purpose) = (oid::KEY_USAGE, oid::EXTENDED_KEY_USAGE);
    let mut all = Vec::new();
    let mut add = |rule: &str, parts: Parts| all.push((format!("{}.{rule}", good.prefix), parts));
    match good.role {
        Role::IacaLink => add("subject-alt-name", parts().without(oid::SUBJECT_ALT_NAME)),
        Role::OtherCa => {
            let constraints = oid::BASIC_CONSTRAINTS;
            add("basic-constraints", parts().with(constraints, true, NOT_A_CA));
            add("basic-constraints.critical", parts().critical(constraints, &[]));
            add("key-usage", parts().with(usage, true, DIGITAL_SIGNATURE));
            add("key-usage.critical", parts().critical(usage, &[]));
        }
        role => {
            let wrong = if role == Role::VicalSigner {
                DIGITAL_SIGNATURE
            } else {
                NON_REPUDIATION
            };
            add("key-usage", parts().with(usage, true, wrong));
            add("key-usage.critical", parts().critical(usage, &[]));
            add("key-usage.exact", parts().with(usage, true, BOTH_SIGNATURES));
            if let Some(found) = good.certificate.extended_key_usage() {
                let right = found.unwrap();
                let more: Vec<Oid<'_>> = right.iter().copied().chain([oid::MDL_DS]).collect();
                add("eku", parts().with(purpose, true, &purposes(&[oid::MDL_DS])));
                add("eku.critical", parts().critical(purpose, &[]));
                add("eku.exact", parts().with(purpose, true, &purposes(&more)));
            }
            match role {
                Role::OcspResponder => {
                    add("revocation", parts().without(oid::CRL_DISTRIBUTION_POINTS));
                }
                Role::VicalSigner => {
                    let mut nameless = parts();
                    let country = (oid::COUNTRY, integration::parts::PRINTABLE, "UT");
                    nameless.subject = name(&[country, (oid::COMMON_NAME, UTF8, "Lists")]);
                    add("organization", nameless);
                }
                Role::TlsServer => add("host", parts().without(oid::SUBJECT_ALT_NAME)),
                _ => {}
            }
        }
    }
    all
}

#[test]
fn rules_of_the_linter_alone_are_broken_one_by_one() {
    let world = World::new(18);
    let mut broken = BTreeSet::new();
    for good in good(&world) {
        let issuer = Some(&good.issuer);
        assert_eq!(
            profile::check(good.role, &good.certificate, issuer),
            [],
            "{}",
            good.prefix
        );
        for (rule, parts) in spoiled(&good) {
            let certificate = parts.sign(&good.signer);
            // A root has nobody above.
            let issuer = issuer.filter(|_| good.role != Role::OtherCa);
            let found = profile::check(good.role, &certificate, issuer);
            let found: Vec<_> = found.iter().map(|finding| finding.rule.id()).collect();
            assert_eq!(found, [rule.as_str()]);
            broken.insert(rule);
        }
    }
    let wanted: BTreeSet<String> = Rule::ALL
        .iter()
        .filter(|rule| rule.is_of_linter_alone())
        .map(|rule| rule.id().to_owned())
        .collect();
    assert_eq!(broken, wanted);
}

#[test]
fn a_client_needs_both_purposes_and_a_responder_without_check_is_short_lived() {
    let world = World::new(18);
    for good in good(&world) {
        let spoiled = match good.role {
            Role::TlsClient => {
                let half = purposes(&[oid::MDL_TLS_CLIENT_AUTH]);
                (
                    "tls-client.eku",
                    Parts::of(&good.certificate).with(oid::EXTENDED_KEY_USAGE, true, &half),
                )
            }
            Role::OcspResponder => (
                "cert.validity-period",
                Parts::of(&good.certificate).with(oid::OCSP_NO_CHECK, false, &[5, 0]),
            ),
            _ => continue,
        };
        let certificate = spoiled.1.sign(&good.signer);
        let found = profile::check(good.role, &certificate, Some(&good.issuer));
        let found: Vec<_> = found.iter().map(|finding| finding.rule.id()).collect();
        assert_eq!(found, [spoiled.0]);
    }
}

/// For each rule between certificates, bundles of which one certificate breaks it and nothing else.
fn links(world: &World) -> Vec<(LinkRule, Vec<Bundle>, &'static str)> {
    const NOW: &str = "2026-06-01T12:00:00Z";
    let file = |certificates: &[&Certificate]| Bundle {
        place: "here".to_owned(),
        certificates: certificates.iter().copied().cloned().map(Ok).collect(),
        origin: Origin::File,
    };
    let message = |certificates: &[&Certificate]| Bundle {
        origin: Origin::Message,
        ..file(certificates)
    };
    let (iaca, ds) = (&world.iaca, &world.ds);
    let status = good(world).into_iter().next().unwrap().certificate;
    let mut other_name = Parts::of(ds);
    other_name.issuer = name(&[(oid::COMMON_NAME, UTF8, "Somebody")]);
    let other_name = other_name.sign(&world.iaca_key);
    let forged = Parts::of(ds).sign(&world.ds_key);
    let no_ca = Parts::of(iaca)
        .with(oid::KEY_USAGE, true, CRL_SIGN)
        .sign(&world.iaca_key);
    let mut early = Parts::of(iaca);
    early.not_after = integration::parts::time(at("2026-07-01T00:00:00Z"));
    let early = early.sign(&world.iaca_key);
    let broken = Bundle {
        certificates: vec![Err(BadCertificate {
            what: "certificate",
            offset: 0,
        })],
        ..file(&[])
    };
    // A CA between the root, whose path length is 0, and the signer; what is to be said of itself is not counted.
    let middle_key = world.key("middle", Curve::P256);
    let mut middle = Parts::of(iaca).key_of(middle_key.public_key());
    middle.subject = name(&[
        (oid::COUNTRY, integration::parts::PRINTABLE, "UT"),
        (oid::STATE_OR_PROVINCE, UTF8, "UT-NB"),
        (oid::COMMON_NAME, UTF8, "Between"),
    ]);
    let middle_name = middle.subject.clone();
    let middle = middle.sign(&world.iaca_key);
    let mut low = Parts::of(ds);
    low.issuer = middle_name;
    let id = [&[0x30, 22, 0x80, 20][..], &middle.computed_key_identifier()].concat();
    let low = low
        .with(oid::AUTHORITY_KEY_IDENTIFIER, false, &id)
        .sign(&middle_key);
    vec![
        (LinkRule::Unreadable, vec![broken], NOW),
        (LinkRule::Role, vec![file(&[&status, iaca])], NOW),
        (LinkRule::Expired, vec![file(&[ds, iaca])], "2030-01-01T00:00:00Z"),
        (
            LinkRule::NotYetValid,
            vec![file(&[ds, iaca])],
            "2025-12-31T00:00:00Z",
        ),
        (LinkRule::NoIssuer, vec![file(&[ds])], NOW),
        (LinkRule::IssuerName, vec![file(&[&other_name, iaca])], NOW),
        (LinkRule::Signature, vec![file(&[&forged, iaca])], NOW),
        (LinkRule::IssuerNotCa, vec![file(&[ds, &no_ca])], NOW),
        (LinkRule::OutlivesIssuer, vec![file(&[ds, &early])], NOW),
        (LinkRule::PathLength, vec![file(&[&low, &middle, iaca])], NOW),
        (
            LinkRule::ChainOrder,
            vec![message(&[ds, &world.reader]), file(&[iaca])],
            NOW,
        ),
        (LinkRule::ChainRoot, vec![message(&[ds, iaca])], NOW),
    ]
}

#[test]
fn rules_between_certificates_are_broken_one_by_one() {
    let world = World::new(18);
    let mut seen = BTreeSet::new();
    for (rule, bundles, now) in links(&world) {
        let terms = lint::Terms {
            role: None,
            issuer: None,
            now: at(now),
        };
        // The certificate that breaks it: the first, but for a root in a chain.
        let index = usize::from(rule == LinkRule::ChainRoot);
        let linted = lint::lint(&bundles, terms);
        let ids: Vec<_> = linted[index].remarks.iter().map(|remark| remark.id).collect();
        assert_eq!(ids, [rule.id()]);
        seen.insert(rule.id());
    }
    assert_eq!(seen, LinkRule::ALL.iter().map(|rule| rule.id()).collect());
}

#[test]
fn roles_are_guessed_and_what_is_made_has_nothing_to_report() {
    let world = World::new(18);
    for good in good(&world) {
        let bundle = Bundle {
            place: "here".to_owned(),
            certificates: vec![Ok(good.certificate.clone()), Ok(good.issuer.clone())],
            origin: Origin::File,
        };
        let terms = lint::Terms {
            role: None,
            issuer: None,
            now: at("2026-06-01T12:00:00Z"),
        };
        // A purpose tells the role of all but status-list signers; a root is told by what it issued.
        let guessed = match good.role {
            Role::StatusListSigner => None,
            Role::OtherCa => Some(Role::ReaderCa),
            role => Some(role),
        };
        let linted = lint::lint(&[bundle], terms);
        assert_eq!(linted[0].role, guessed, "{}", good.prefix);
        if guessed.is_some() {
            assert_eq!(linted[0].remarks, [], "{}", good.prefix);
            assert!(linted[1].role.is_some_and(Role::is_ca), "{}", good.prefix);
        }
    }
}

#[test]
fn every_rule_is_broken_somewhere() {
    let files: BTreeSet<String> = Case::all().into_iter().map(|(name, _)| name).collect();
    for (id, ..) in lint::rules() {
        let here = id.starts_with("lint.")
            || Rule::ALL
                .iter()
                .any(|rule| rule.id() == id && rule.is_of_linter_alone());
        assert!(here || files.contains(id), "{id}");
    }
}
