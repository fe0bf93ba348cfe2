use proptest::prelude::*;

use super::build::{ListTerms, RevokedSerial, build_crl};
use super::revocation::{Revocation, RevocationList};
use super::world::{Parts, at, kept, world, world_on};
use super::*;
use crate::crypto::{CryptoError, Curve};
use crate::seams::Signer;

#[test]
fn all_kept_certificates_are_read_and_roots_signed_themselves() {
    for folder in ["us-production-iaca", "../trust", "utopia-test"] {
        for (name, certificate) in kept(folder) {
            let key = certificate.public_key().unwrap();
            if certificate.is_self_issued() {
                certificate
                    .verify_signed_by(&key, &RustCrypto)
                    .unwrap_or_else(|e| panic!("{name}: {e}"));
            }
            assert_eq!(
                Certificate::from_pem(&certificate.to_pem()).unwrap(),
                certificate,
                "{name}"
            );
        }
    }
    assert_eq!(kept("us-production-iaca").len(), 14);
}

#[test]
fn a_real_root_says_what_it_says() {
    let (_, la) = kept("us-production-iaca")
        .into_iter()
        .find(|(name, _)| name.starts_with("US-LA"))
        .unwrap();
    assert_eq!(
        la.subject().to_string(),
        "C=US,ST=LA,O=LA Wallet,CN=Louisiana Department of Motor Vehicles"
    );
    assert_eq!(la.subject().country().as_deref(), Some("US"));
    assert_eq!(la.subject().organization().as_deref(), Some("LA Wallet"));
    assert_eq!(la.not_before(), at("2023-09-07T00:00:00Z"));
    assert_eq!(la.not_after(), at("2028-08-12T00:00:00Z"));
    assert_eq!(la.public_key().unwrap().curve(), Curve::P384);
    assert_eq!(
        *la.signature_algorithm(),
        CertificateSignature::Ecdsa(DigestAlgorithm::Sha384)
    );
    assert_eq!(
        la.basic_constraints().unwrap().unwrap(),
        BasicConstraints {
            ca: true,
            path_len: Some(0),
            encoded_oddly: false
        }
    );
    assert_eq!(
        la.key_usage().unwrap().unwrap().to_string(),
        "keyCertSign, cRLSign"
    );
    assert_eq!(
        la.crl_distribution_points().unwrap().unwrap().uris,
        ["https://trust.louisiana.gov/revocations/la-mDL-iaca-2023-09-08.crl"]
    );
    assert_eq!(
        la.subject_key_identifier().unwrap().unwrap(),
        la.computed_key_identifier()
    );
}

#[test]
fn only_what_was_signed_with_the_key_verifies() {
    for root in [
        Curve::P256,
        Curve::P384,
        Curve::P521,
        Curve::BrainpoolP256r1,
        Curve::BrainpoolP384r1,
    ] {
        let w = world_on(root, Curve::Ed25519);
        let key = w.iaca.public_key().unwrap();
        w.ds.verify_signed_by(&key, &RustCrypto).unwrap();
        assert_eq!(w.ds.public_key().unwrap(), *w.ds_key.public_key());
        assert_eq!(
            w.ds.verify_signed_by(w.ds_key.public_key(), &RustCrypto),
            Err(SignatureError::WrongKey(Curve::Ed25519))
        );
        let other = w.reader_ca.public_key().unwrap();
        assert_eq!(
            w.ds.verify_signed_by(&other, &RustCrypto),
            Err(SignatureError::Crypto(CryptoError::BadSignature))
        );
        let mut changed = w.ds.der().to_vec();
        let at = w.ds.0.serial_number.start + 5;
        changed[at] ^= 1;
        let changed = Certificate::from_der(&changed).unwrap();
        assert_eq!(
            changed.verify_signed_by(&key, &RustCrypto),
            Err(SignatureError::Crypto(CryptoError::BadSignature))
        );
    }
}

#[test]
fn signatures_are_two_positive_integers_in_shortest_form() {
    let w = world();
    let key = w.iaca.public_key().unwrap();
    let verify = |signature: &[u8]| {
        CertificateSignature::Ecdsa(DigestAlgorithm::Sha256).verify(&key, w.ds.tbs(), signature, &RustCrypto)
    };
    verify(w.ds.signature()).unwrap();
    let raw = w.iaca_key.sign(w.ds.tbs()).unwrap();
    let (r, s) = raw.split_at(32);
    let (r, s) = (der::unsigned(r), der::unsigned(s));
    verify(&tlv(SEQUENCE, &[&r, &s])).unwrap();
    let zero = [2, 1, 0];
    let negative = [2, 1, 0x81];
    let padded = [2, 2, 0, 1];
    let long = tlv(INTEGER, &[&[1; 33]]);
    for bad in [
        raw.clone(),
        tlv(SEQUENCE, &[&r]),
        tlv(SEQUENCE, &[&r, &s, &s]),
        tlv(SEQUENCE, &[&zero, &s]),
        tlv(SEQUENCE, &[&r, &negative]),
        tlv(SEQUENCE, &[&padded, &s]),
        tlv(SEQUENCE, &[&r, &long]),
        [tlv(SEQUENCE, &[&r, &s]), vec![0]].concat(),
        vec![],
    ] {
        assert!(
            matches!(verify(&bad), Err(SignatureError::Encoding(_))),
            "{bad:02x?}"
        );
    }
}

#[test]
fn the_structure_is_read_strictly() {
    let w = world();
    let der = w.ds.der();
    assert!(Certificate::from_der(&[der, &[0]].concat()).is_err());
    assert!(Certificate::from_der(&der[..der.len() - 1]).is_err());
    assert_eq!(
        Certificate::from_der(&vec![0x30; LARGEST_CERTIFICATE + 1])
            .unwrap_err()
            .offset,
        LARGEST_CERTIFICATE
    );
}

#[test]
fn names_have_a_largest_size() {
    let w = world();
    let with_name = |bytes: usize| {
        // Of sequence, set, sequence, OID and string there are 21 octets around the text.
        let text = "n".repeat(bytes - 21);
        let parts = Parts::of(&w.ds).subject(&[(oid::COMMON_NAME, der::UTF8_STRING, &text)]);
        let name = parts.subject.clone();
        assert_eq!(name.len(), bytes);
        assert_eq!(DistinguishedName::from_der(&name).is_ok(), bytes <= LONGEST_NAME);
        let issued = Parts {
            issuer: name.clone(),
            ..Parts::of(&w.ds)
        };
        [parts, issued].map(|parts| Certificate::from_der(&parts.signed(&w.iaca_key)).is_ok())
    };
    assert_eq!(with_name(LONGEST_NAME), [true, true]);
    assert_eq!(with_name(LONGEST_NAME + 1), [false, false]);
}

#[test]
fn a_bundle_has_a_largest_number_of_certificates_and_each_a_largest_size() {
    let pem = world().ds.to_pem();
    let bundle = pem.repeat(MOST_CERTIFICATES);
    let (read, broken) = Certificate::readable_from_pem(&bundle);
    assert_eq!((read.len(), broken.len()), (MOST_CERTIFICATES, 0));
    let (read, broken) = Certificate::readable_from_pem(&(bundle + &pem + &pem));
    assert_eq!(
        (read.len(), broken.len()),
        (MOST_CERTIFICATES, 1),
        "one line for all others"
    );
    assert!(
        broken[0].to_string().contains("at most 2,000 certificates"),
        "{}",
        broken[0]
    );
    let large = pem::encode("CERTIFICATE", &vec![0x30; 2 * LARGEST_CERTIFICATE]);
    assert_eq!(
        Certificate::from_pem(&large).unwrap_err().offset,
        LARGEST_CERTIFICATE
    );
}

#[test]
fn lists_and_requests_have_a_largest_size_as_pem_too() {
    let text = |label: &str, bytes: usize| pem::encode(label, &vec![0x30; bytes]).to_string();
    for (bytes, what) in [(5 << 20, "at most 4 MiB"), (20 << 20, "at most 4 MiB")] {
        let error = RevocationList::from_bytes(text("X509 CRL", bytes).as_bytes()).unwrap_err();
        assert!(error.to_string().contains(what), "{error}");
    }
    for bytes in [100 << 10, 1 << 20] {
        let text = text("CERTIFICATE REQUEST", bytes);
        let error = csr::CertificationRequest::from_bytes(text.as_bytes()).unwrap_err();
        assert!(error.to_string().contains("at most 64 KiB"), "{error}");
    }
}

#[test]
fn no_signature_holds_under_two_algorithms() {
    let w = world();
    let mut other = w.ds.der().to_vec();
    let position = w.ds.tbs().len() + 4 + 11;
    assert_eq!(other[position], 2); // the last arc of ecdsa-with-SHA256
    other[position] = 3;
    let other = Certificate::from_der(&other).unwrap();
    assert_eq!(
        other.verify_signed_by(w.iaca_key.public_key(), &RustCrypto),
        Err(SignatureError::TwoAlgorithms)
    );
}

#[test]
fn a_malformed_extension_does_not_hide_the_certificate() {
    let w = world();
    let spoiled = Parts::of(&w.ds)
        .with(oid::ISSUER_ALT_NAME, false, b"no DER at all")
        .sign(&w.iaca_key);
    let why = spoiled.issuer_alt_name().unwrap().unwrap_err();
    assert_eq!(why.what, "list of general names");
    assert_eq!(&spoiled.der()[why.offset..][..5], b"no DE");
    assert!(spoiled.key_usage().unwrap().is_ok());
    assert!(spoiled.issuer_alt_name().is_some());
    assert_eq!(spoiled.extensions().count(), 6);
}

#[test]
fn true_written_as_01_is_true_and_noticed() {
    let w = world();
    let odd = Parts::of(&w.iaca)
        .with(oid::BASIC_CONSTRAINTS, true, &[0x30, 6, 1, 1, 1, 2, 1, 0])
        .sign(&w.iaca_key);
    let constraints = odd.basic_constraints().unwrap().unwrap();
    assert!(constraints.ca && constraints.encoded_oddly);
    assert_eq!(constraints.path_len, Some(0));
}

#[test]
fn names_of_every_string_type_are_shown() {
    let w = world();
    let subject = Parts::of(&w.ds)
        .subject(&[
            (oid::COUNTRY, der::PRINTABLE_STRING, "UT"),
            (oid::ORGANIZATION, der::T61_STRING, "A+B, \"C\""),
            (oid::LOCALITY, der::BMP_STRING, "\0U\0t"),
            (oid::COMMON_NAME, der::UTF8_STRING, " #Zoë\n"),
        ])
        .sign(&w.iaca_key);
    assert_eq!(
        subject.subject().to_string(),
        "CN=\\ #Zoë\\0a,L=Ut,O=A\\+B\\, \\\"C\\\",C=UT"
    );
    assert_eq!(subject.subject().locality().as_deref(), Some("Ut"));
}

#[test]
fn an_unsupported_key_is_known_only_when_asked_for() {
    let w = world();
    let mut parts = Parts::of(&w.ds);
    let rsa = tlv(
        OBJECT_IDENTIFIER,
        &[&[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 1, 1]],
    );
    parts.key = tlv(SEQUENCE, &[&tlv(SEQUENCE, &[&rsa]), &der::bit_string(&[1, 2, 3])]);
    let certificate = parts.sign(&w.iaca_key);
    assert_eq!(
        certificate.public_key(),
        Err(UnusableKey::Algorithm("1.2.840.113549.1.1.1".into()))
    );
    // A compressed point is the same key.
    let key = w.ds_key.public_key();
    let (x, y) = key.coordinates();
    let sign = 2 + (y.unwrap()[31] & 1);
    parts.key = tlv(
        SEQUENCE,
        &[
            &key_algorithm_der(Curve::P256),
            &der::bit_string(&[&[sign], x].concat()),
        ],
    );
    assert_eq!(parts.sign(&w.iaca_key).public_key().as_ref(), Ok(key));
}

#[test]
fn an_extension_twice_is_noticed() {
    let w = world();
    let mut parts = Parts::of(&w.ds);
    assert!(w.ds.duplicate_extensions().is_empty());
    let again = parts.extensions[2].clone();
    parts.extensions.push(again);
    assert_eq!(parts.sign(&w.iaca_key).duplicate_extensions(), [oid::KEY_USAGE]);
}

#[test]
fn debug_shows_subject_and_serial_number_only() {
    let text = format!("{:?}", world().ds);
    assert!(text.starts_with("Certificate(CN=Utopia DS 1,ST=UT-NB,C=UT, "));
    assert!(text.len() < 90);
}

thread_local! {
    /// A document signer, its root, and a list of the root that does not name it.
    static LIST_WORLD: (Certificate, Certificate, Vec<u8>) = {
        let w = world();
        let revoked = [RevokedSerial {
            serial_number: w.reader.serial_number().to_vec(),
            at: at("2026-01-31T00:00:00Z"),
        }];
        let terms = ListTerms {
            this_update: at("2026-02-01T00:00:00Z"),
            next_update: at("2026-05-01T00:00:00Z"),
            number: 1,
        };
        let list = build_crl(&w.iaca, &w.iaca_key, &revoked, terms).unwrap();
        (w.ds, w.iaca, list.der().to_vec())
    };
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..512)) {
        let _ = Certificate::from_der(&bytes);
        let _ = RevocationList::from_bytes(&bytes);
    }

    #[test]
    fn a_damaged_list_is_read_or_refused(at in any::<prop::sample::Index>(), to in any::<u8>()) {
        let w = LIST_WORLD.with(|w| (w.0.clone(), w.1.clone(), w.2.clone()));
        let mut der = w.2;
        let at = at.index(der.len());
        der[at] = to;
        if let Ok(list) = RevocationList::from_der(&der) {
            // A change is noticed, unless it changed nothing.
            let answer = list.evaluate(&w.0, &w.1, world::at("2026-03-01T00:00:00Z"), &RustCrypto);
            let unchanged = list.der() == LIST_WORLD.with(|w| w.2.clone());
            prop_assert_eq!(answer == Revocation::Good, unchanged, "{}", at);
        }
    }

    #[test]
    fn a_damaged_certificate_is_read_or_refused(at in any::<prop::sample::Index>(), to in any::<u8>()) {
        let mut der = kept("utopia-test")[0].1.der().to_vec();
        let at = at.index(der.len());
        der[at] = to;
        if let Ok(certificate) = Certificate::from_der(&der) {
            for role in [
                Role::IacaRoot,
                world::DS,
                Role::ReaderCa,
                Role::ReaderAuthentication,
            ] {
                for finding in profile::check(role, &certificate, None) {
                    let _ = finding.to_string();
                }
            }
            let _ = certificate.public_key();
            let _ = format!("{certificate:?}");
        }
    }
}
