use super::*;
use crate::crypto::{Curve, RustCrypto};
use crate::seams::Signer;
use crate::x509::build::{BuildError, ListTerms, RevokedSerial, build_crl};
use crate::x509::world::{Parts, World, at, key, world};

fn terms() -> ListTerms {
    ListTerms {
        this_update: at("2026-02-01T00:00:00Z"),
        next_update: at("2026-05-01T00:00:00Z"),
        number: 300,
    }
}

fn now() -> Timestamp {
    at("2026-03-01T00:00:00Z")
}

fn revoking(w: &World, certificates: &[&Certificate]) -> RevocationList {
    let revoked: Vec<_> = certificates
        .iter()
        .map(|certificate| RevokedSerial {
            serial_number: certificate.serial_number().to_vec(),
            at: at("2026-01-31T00:00:00Z"),
        })
        .collect();
    build_crl(&w.iaca, &w.iaca_key, &revoked, terms()).unwrap()
}

#[test]
fn a_current_list_says_good_or_revoked() {
    let w = world();
    for certificates in [&[][..], &[&w.reader]] {
        let list = revoking(&w, certificates);
        assert_eq!(
            list.evaluate(&w.ds, &w.iaca, now(), &RustCrypto),
            Revocation::Good
        );
        assert_eq!(list.entries().count(), certificates.len());
    }
    let list = revoking(&w, &[&w.reader, &w.ds]);
    assert_eq!(
        list.evaluate(&w.ds, &w.iaca, now(), &RustCrypto),
        Revocation::Revoked {
            at: at("2026-01-31T00:00:00Z")
        }
    );
    assert_eq!(list.number(), Some(&[1, 44][..]));
    let pem = RevocationList::from_bytes(list.to_pem().as_bytes()).unwrap();
    assert_eq!(pem.der(), list.der());
    assert!(format!("{list:?}").contains("Utopia IACA"));
}

#[test]
fn another_reader_agrees() {
    use x509_cert::der::{Decode, Encode};
    let w = world();
    for certificates in [&[][..], &[&w.ds]] {
        let list = revoking(&w, certificates);
        let other =
            x509_cert::crl::CertificateList::<x509_cert::certificate::Rfc5280>::from_der(list.der()).unwrap();
        assert_eq!(other.to_der().unwrap(), list.der());
        assert_eq!(
            other.tbs_cert_list.revoked_certificates.is_some(),
            !certificates.is_empty()
        );
    }
}

#[test]
fn trap_73_an_expired_list_is_no_good_news() {
    let w = world();
    let late = at("2026-05-01T00:00:01Z");
    assert_eq!(
        revoking(&w, &[]).evaluate(&w.ds, &w.iaca, late, &RustCrypto),
        Revocation::Undetermined(Undetermined::Expired {
            next_update: Some(at("2026-05-01T00:00:00Z"))
        })
    );
    let early = at("2026-01-31T23:58:59Z");
    assert_eq!(
        revoking(&w, &[&w.ds]).evaluate(&w.ds, &w.iaca, early, &RustCrypto),
        Revocation::Undetermined(Undetermined::NotYetValid {
            this_update: at("2026-02-01T00:00:00Z")
        })
    );
    // Revocation is final, however old the news.
    assert!(matches!(
        revoking(&w, &[&w.ds]).evaluate(&w.ds, &w.iaca, late, &RustCrypto),
        Revocation::Revoked { .. }
    ));
}

#[test]
fn a_list_that_was_published_this_moment_is_not_of_the_future() {
    let w = world();
    let made = terms().this_update;
    let says = |revoked: &[&Certificate], ahead: u64| {
        let now = made.minus(core::time::Duration::from_secs(ahead));
        revoking(&w, revoked).evaluate(&w.ds, &w.iaca, now, &RustCrypto)
    };
    for ahead in [0, 5, 60] {
        assert_eq!(says(&[], ahead), Revocation::Good, "{ahead}");
        let revoked = says(&[&w.ds], ahead);
        assert!(
            matches!(revoked, Revocation::Revoked { .. }),
            "{ahead}: {revoked:?}"
        );
    }
    let this_update = made;
    let future = Revocation::Undetermined(Undetermined::NotYetValid { this_update });
    assert_eq!((says(&[], 61), says(&[&w.ds], 61)), (future.clone(), future));
}

#[test]
fn trap_73_the_signature_of_a_list_is_verified() {
    let mut w = world();
    let list = revoking(&w, &[&w.ds]);
    let forged = {
        let mut der = list.der().to_vec();
        let serial = w.ds.serial_number();
        let position = der.windows(20).position(|window| window == serial).unwrap();
        der[position + 3] ^= 1;
        RevocationList::from_der(&der).unwrap()
    };
    assert!(matches!(
        forged.evaluate(&w.ds, &w.iaca, now(), &RustCrypto),
        Revocation::Undetermined(Undetermined::Signature(SignatureError::Crypto(_)))
    ));
    // Another authority of the same name.
    let other_key = key(Curve::P256, &mut w.rng);
    let mut parts = Parts::of(&w.iaca);
    parts.key = crate::x509::public_key_der(other_key.public_key());
    let other = parts.sign(&other_key);
    assert_eq!(other.subject_der(), w.iaca.subject_der());
    let list = build_crl(&other, &other_key, &[], terms()).unwrap();
    let says = |issuer| list.evaluate(&w.ds, issuer, now(), &RustCrypto);
    // That it was found to be the other's does not make it ours, nor the other way round.
    for _ in 0..2 {
        assert!(matches!(
            says(&w.iaca),
            Revocation::Undetermined(Undetermined::Signature(_))
        ));
        assert_eq!(says(&other), Revocation::Good);
    }
}

#[test]
fn trap_73_a_list_of_another_issuer_says_nothing() {
    let w = world();
    let list = build_crl(&w.reader_ca, &w.reader_ca_key, &[], terms()).unwrap();
    assert_eq!(
        list.evaluate(&w.ds, &w.iaca, now(), &RustCrypto),
        Revocation::Undetermined(Undetermined::OtherIssuer("CN=Utopia Readers,C=UT".into()))
    );
    assert_eq!(
        list.evaluate(&w.ds, &w.reader_ca, now(), &RustCrypto),
        Revocation::Undetermined(Undetermined::NotItsIssuer)
    );
}

/// The list without entries, with other extensions, signed again.
fn with_extension(w: &World, oid: &[u8], critical: bool) -> RevocationList {
    let list = revoking(w, &[]);
    let mut fields = Reader::only(list.part(&list.tbs), der::SEQUENCE, "")
        .unwrap()
        .inside();
    let mut kept = Vec::new();
    for _ in 0..5 {
        kept.extend_from_slice(fields.any("").unwrap().raw);
    }
    let oid = Oid::from_content(oid).unwrap();
    let extension = crate::x509::build::extension(oid, critical, &[5, 0]);
    let explicit = der::tlv(der::constructed(0), &[&der::tlv(der::SEQUENCE, &[&extension])]);
    let tbs = der::tlv(der::SEQUENCE, &[&kept, &explicit]);
    let signature = crate::x509::signature::to_x509(Curve::P256, &w.iaca_key.sign(&tbs).unwrap());
    let algorithm = CertificateSignature::der_for(Curve::P256);
    RevocationList::from_der(&der::tlv(
        der::SEQUENCE,
        &[&tbs, &algorithm, &der::bit_string(&signature)],
    ))
    .unwrap()
}

#[test]
fn a_list_that_is_not_complete_says_nothing() {
    let w = world();
    let delta = [0x55, 0x1D, 27];
    assert_eq!(
        with_extension(&w, &delta, true).evaluate(&w.ds, &w.iaca, now(), &RustCrypto),
        Revocation::Undetermined(Undetermined::CriticalExtension("2.5.29.27".into()))
    );
    assert_eq!(
        with_extension(&w, &delta, false).evaluate(&w.ds, &w.iaca, now(), &RustCrypto),
        Revocation::Good
    );
}

#[test]
fn only_who_may_sign_lists_is_believed() {
    let w = world();
    let usage = KeyUsage::KEY_CERT_SIGN.to_der();
    let iaca = Parts::of(&w.iaca)
        .with(oid::KEY_USAGE, true, &usage)
        .sign(&w.iaca_key);
    assert_eq!(
        revoking(&w, &[]).evaluate(&w.ds, &iaca, now(), &RustCrypto),
        Revocation::Undetermined(Undetermined::IssuerMayNotSign)
    );
    assert!(matches!(
        build_crl(&iaca, &w.iaca_key, &[], terms()),
        Err(BuildError::IssuerNotCa(_))
    ));
}
