use mdoc_core::crypto::RustCrypto;
use mdoc_core::x509::profile::{self, Role};
use mdoc_core::x509::revocation::RevocationList;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use super::*;

fn terms(name: &str) -> Terms {
    Terms {
        common_name: name.to_owned(),
        organization: None,
        from: Timestamp::parse("2026-06-01T12:00:00Z").unwrap(),
        lifetime: None,
        contacts: Vec::new(),
        crl_uri: None,
        curve: Curve::P256,
    }
}

#[test]
fn what_is_made_keeps_to_its_profile_and_has_what_is_above() {
    let mut rng = ChaCha20Rng::from_seed([9; 32]);
    let mut root_terms = terms("Example IACA");
    root_terms.contacts = vec![GeneralName::Email("iaca@example.org".to_owned())];
    root_terms.crl_uri = Some("https://example.org/a.crl".to_owned());
    let root = iaca("NL", Some("NL-UT"), &root_terms, &mut rng).unwrap();
    assert!(!root.placeholder);
    assert_eq!(profile::check(Role::IacaRoot, &root.certificate, None), []);
    let signer = SoftwareKey::new(root.key.clone()).unwrap();
    let authority = Authority {
        certificate: &root.certificate,
        signer: &signer,
    };
    let ds = document_signer(&terms("DS"), authority, &mut rng).unwrap();
    assert!(!ds.placeholder, "contacts and list are those of the root");
    let role = Role::DocumentSigner { mdl: true };
    assert_eq!(profile::check(role, &ds.certificate, Some(&root.certificate)), []);
    assert_eq!(ds.certificate.subject().state_or_province().unwrap(), "NL-UT");
    let points = ds.certificate.crl_distribution_points().unwrap().unwrap();
    assert_eq!(points.uris, ["https://example.org/a.crl"]);
    assert_eq!(ds.certificate.not_after().to_string(), "2027-06-01T12:00:00Z");
}

#[test]
fn a_signer_may_have_each_curve_of_its_profile() {
    let mut rng = ChaCha20Rng::from_seed([11; 32]);
    let root = iaca("NL", None, &terms("Example IACA"), &mut rng).unwrap();
    let signer = SoftwareKey::new(root.key.clone()).unwrap();
    let authority = Authority {
        certificate: &root.certificate,
        signer: &signer,
    };
    for curve in [Curve::P256, Curve::P384, Curve::P521, Curve::Ed25519] {
        let mut of_curve = terms("DS");
        of_curve.curve = curve;
        let ds = document_signer(&of_curve, authority, &mut rng).unwrap();
        let role = Role::DocumentSigner { mdl: true };
        assert_eq!(ds.key.curve(), curve);
        assert_eq!(profile::check(role, &ds.certificate, Some(&root.certificate)), []);
    }
}

#[test]
fn a_revocation_list_grows_and_its_number_with_it() {
    use mdoc_core::x509::revocation::Revocation;

    let mut rng = ChaCha20Rng::from_seed([13; 32]);
    let root = iaca("NL", None, &terms("Example IACA"), &mut rng).unwrap();
    let signer = SoftwareKey::new(root.key.clone()).unwrap();
    let authority = Authority {
        certificate: &root.certificate,
        signer: &signer,
    };
    let ds = document_signer(&terms("DS"), authority, &mut rng)
        .unwrap()
        .certificate;
    let day = |day: u8| Timestamp::parse(&format!("2026-07-{day:02}T00:00:00Z")).unwrap();
    let judge = |list: &RevocationList, now| list.evaluate(&ds, &root.certificate, now, &RustCrypto);

    let first = revocation_list(authority, None, &[], day(1), LIST_LIFETIME).unwrap();
    assert_eq!((first.number(), first.entries().count()), (Some(&[1][..]), 0));
    assert_eq!(judge(&first, day(2)), Revocation::Good);

    let serials = [ds.serial_number().to_vec()];
    let second = revocation_list(authority, Some(&first), &serials, day(3), LIST_LIFETIME).unwrap();
    assert_eq!(second.number(), Some(&[2][..]));
    assert_eq!(judge(&second, day(4)), Revocation::Revoked { at: day(3) });

    // Once revoked it stays so, since the first date, and is named once.
    let third = revocation_list(authority, Some(&second), &serials, day(5), LIST_LIFETIME).unwrap();
    assert_eq!((third.number(), third.entries().count()), (Some(&[3][..]), 1));
    assert_eq!(judge(&third, day(6)), Revocation::Revoked { at: day(3) });

    let refused = |before, serial: &[u8], now, days| {
        let lifetime = DAY.saturating_mul(days);
        revocation_list(authority, before, &[serial.to_vec()], now, lifetime).map(|_| ())
    };
    assert_eq!(refused(None, &[7], day(1), 90), Ok(()));
    let long = ListError::TooLong(DAY.saturating_mul(91));
    assert_eq!(refused(None, &[7], day(1), 91), Err(long));
    assert_eq!(refused(None, &[0, 0], day(1), 9), Err(ListError::Serial));
    assert_eq!(refused(None, &[9; 21], day(1), 9), Err(ListError::Serial));
    let older = ListError::Older { before: day(5) };
    assert_eq!(refused(Some(&third), &[7], day(4), 9), Err(older));

    let other = iaca("NL", None, &terms("Example IACA"), &mut rng).unwrap();
    let other_signer = SoftwareKey::new(other.key.clone()).unwrap();
    let twin = Authority {
        certificate: &other.certificate,
        signer: &other_signer,
    };
    let forged = revocation_list(twin, None, &[], day(1), LIST_LIFETIME).unwrap();
    let refused = revocation_list(authority, Some(&forged), &[], day(2), LIST_LIFETIME);
    assert!(matches!(refused, Err(ListError::Signature(_))));
}

#[test]
fn a_status_list_signer_keeps_to_its_profile() {
    let mut rng = ChaCha20Rng::from_seed([14; 32]);
    let root = iaca("NL", None, &terms("Example IACA"), &mut rng).unwrap();
    let signer = SoftwareKey::new(root.key.clone()).unwrap();
    let authority = Authority {
        certificate: &root.certificate,
        signer: &signer,
    };
    let role = Role::StatusListSigner;
    for curve in [Curve::P256, Curve::P384, Curve::P521] {
        let mut of_curve = terms("Status");
        of_curve.curve = curve;
        let made = status_list_signer(&of_curve, authority, &mut rng).unwrap();
        assert_eq!(
            profile::check(role, &made.certificate, Some(&root.certificate)),
            []
        );
        assert!(
            made.certificate.crl_distribution_points().is_none(),
            "no placeholder"
        );
    }
    let mut edwards = terms("Status");
    edwards.curve = Curve::Ed25519;
    let refused = status_list_signer(&edwards, authority, &mut rng).map(|_| ());
    assert_eq!(refused, Err(BuildError::Curve(Curve::Ed25519)));
    // Who signs data for another end has the same usage; the root has not.
    let of_root: Vec<_> = profile::check(role, &root.certificate, None)
        .into_iter()
        .map(|finding| finding.rule.id())
        .collect();
    assert!(of_root.contains(&"status.key-usage") && of_root.contains(&"cert.validity-period"));
}

#[test]
fn an_issuing_authority_does_not_have_ed25519() {
    let mut rng = ChaCha20Rng::from_seed([12; 32]);
    let mut edwards = terms("Example root");
    edwards.curve = Curve::Ed25519;
    let refused = iaca("NL", None, &edwards, &mut rng).map(|_| ());
    assert_eq!(refused, Err(BuildError::Curve(Curve::Ed25519)));
}

#[test]
fn a_leaf_ends_with_its_root_unless_more_is_asked_for() {
    let mut rng = ChaCha20Rng::from_seed([10; 32]);
    let mut short = terms("Reader CA");
    short.lifetime = Some(DAY.saturating_mul(30));
    let root = reader_ca("NL", &short, &mut rng).unwrap();
    let signer = SoftwareKey::new(root.key.clone()).unwrap();
    let authority = Authority {
        certificate: &root.certificate,
        signer: &signer,
    };
    let made = reader(None, &terms("Bar"), authority, &mut rng).unwrap();
    assert_eq!(made.certificate.not_after(), root.certificate.not_after());
    assert!(made.placeholder);
    let role = Role::ReaderAuthentication;
    assert_eq!(
        profile::check(role, &made.certificate, Some(&root.certificate)),
        []
    );
    let mut long = terms("Bar");
    long.lifetime = Some(DAY.saturating_mul(31));
    assert!(matches!(
        reader(None, &long, authority, &mut rng),
        Err(BuildError::OutsideIssuer { .. })
    ));
}
