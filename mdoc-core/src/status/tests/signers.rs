//! Who may sign lists.

use super::*;
use crate::x509::build::{DocumentSigner, ListTerms, ReaderAuthentication, RevokedSerial, build_crl};
use crate::x509::revocation::RevocationList;

#[test]
fn keys_of_every_curve() {
    for curve in Curve::SIGNING {
        let key = key(curve, 4);
        let known = Inputs::new(Trust::Key(key.public_key()), now());
        let cwt = claims().sign_cwt(&key, &[]).unwrap();
        assert_eq!(look(&cwt, &known).answer, Answer::Valid, "{curve}");
        if let Ok(jwt) = claims().sign_jwt(&key, &[]) {
            assert_eq!(look(jwt.as_bytes(), &known).answer, Answer::Valid, "{curve}");
        }
        // The profile of certificates knows Edwards curves for servers and clients of TLS alone.
        if curve != Curve::Ed25519 {
            let country = country_on(curve);
            let finding = country.judge(&country.cwt(&claims()));
            assert_eq!(
                (finding.answer, finding.deviations),
                (Answer::Valid, vec![]),
                "{curve}"
            );
        }
    }
}

#[test]
fn every_way_a_signature_can_be_wrong() {
    let country = country();
    let good = country.cwt(&claims());
    let len = good.len();
    for place in [len - 64, len - 1] {
        let mut spoilt = good.clone();
        spoilt[place] ^= 1;
        unknown(&country.judge(&spoilt), Code::Signature);
    }
    let other = Country {
        key: key(Curve::P256, 77),
        signer: country.signer.clone(),
        ..self::country()
    };
    unknown(&country.judge(&other.cwt(&claims())), Code::Signature);
    let good = || Forgery::of(&country);
    unknown(&good().without_header(1).judge(), Code::Algorithm);
    unknown(&good().header(1, -35).judge(), Code::Algorithm);
    unknown(&good().header(1, 5).judge(), Code::Algorithm);
    unknown(&good().header(1, "ES256").judge(), Code::Algorithm);
    let mut unprotected = good().without_header(1);
    unprotected.unprotected = vec![(1.into(), (-7).into())];
    unknown(&unprotected.judge(), Code::Algorithm);
    // Claims changed after they were signed.
    let (forged, kept) = (good().claim(65534, 1).payload(), good().payload());
    let mut token = good().encode();
    let start = token
        .windows(kept.len())
        .position(|window| window == kept)
        .unwrap();
    assert_ne!(forged.len(), kept.len(), "so that one byte is enough");
    token[start + kept.len() - 1] ^= 1;
    unknown(&country.judge(&token), Code::Signature);
}

#[test]
fn every_way_certificates_can_be_wrong() {
    let country = country();
    let good = || Forgery::of(&country);
    let der = || Value::from(country.signer.der().to_vec());
    unknown(&good().without_header(33).judge(), Code::X5chainMissing);
    unknown(&good().header(33, "PEM").judge(), Code::X5chainMalformed);
    unknown(&good().header(33, vec![1_u8]).judge(), Code::X5chainMalformed);
    unknown(
        &good().header(33, Vec::<Value>::new()).judge(),
        Code::X5chainMalformed,
    );
    unknown(
        &good().header(33, vec![der(); 17]).judge(),
        Code::X5chainMalformed,
    );
    let finding = good().header(33, vec![der()]).judge();
    assert_eq!(finding.answer, Answer::Valid, "an array of one");
    let root = Value::from(country.iaca.der().to_vec());
    let finding = good().header(33, vec![der(), root]).judge();
    assert_eq!(
        finding.answer,
        Answer::Valid,
        "the root brought along counts for nothing"
    );
}

#[test]
fn a_signer_under_another_root_is_not_trusted() {
    let (country, mut rng) = (country(), ChaCha20Rng::from_seed([5; 32]));
    let token = country.cwt(&claims());
    let key = key(Curve::P256, 50);
    for name in ["Atlantis IACA", "Utopia IACA"] {
        let other = iaca(name, &key, &mut rng);
        unknown(
            &look(&token, &Inputs::new(Trust::Issuer(&other), now())),
            Code::ChainUntrusted,
        );
    }
    unknown(
        &look(&token, &Inputs::new(Trust::Named, now())),
        Code::TrustMissing,
    );
    let known = Inputs::new(Trust::Key(country.key.public_key()), now());
    assert_eq!(look(&token, &known).answer, Answer::Valid);
    let known = Inputs::new(Trust::Key(key.public_key()), now());
    unknown(&look(&token, &known), Code::Signature);
}

/// The same reference, with a certificate in it.
fn naming(certificate: &[u8]) -> StatusListReference {
    StatusListReference {
        certificate: Some(certificate.to_vec()),
        ..place(0)
    }
}

#[test]
fn trap_75_the_certificate_that_the_document_names_stands_for_the_iaca() {
    let (country, mut rng) = (country(), ChaCha20Rng::from_seed([6; 32]));
    let other_key = key(Curve::P384, 51);
    let other = iaca("Utopia lists", &other_key, &mut rng);
    let signer = terms()
        .build(country.key.public_key(), &other, &other_key, &mut rng)
        .unwrap();
    let token = claims().sign_cwt(&country.key, &[signer.der()]).unwrap();
    let said = |named: &[u8], trust| {
        let inputs = Inputs::new(trust, now());
        look_up(Reference::StatusList(&naming(named)), &fetched(&token), &inputs)
    };
    let iaca = Trust::Issuer(&country.iaca);
    for trust in [iaca, Trust::Named] {
        let finding = said(other.der(), trust);
        assert_eq!((finding.answer, finding.deviations), (Answer::Valid, vec![]));
    }
    unknown(&look(&token, &country.inputs()), Code::ChainUntrusted);
    // Named, it is the only one: the IACA does not count besides.
    let by_iaca = country.cwt(&claims());
    let finding = look_up(
        Reference::StatusList(&naming(other.der())),
        &fetched(&by_iaca),
        &country.inputs(),
    );
    unknown(&finding, Code::ChainUntrusted);
    unknown(&said(b"no certificate", iaca), Code::TrustMalformed);
    // The signer's own, which is not what the standard means.
    let finding = said(signer.der(), iaca);
    assert_eq!(deviations(&finding), [Code::SignerPinned]);
    assert_eq!(finding.answer, Answer::Valid);
    let strict = Inputs {
        policy: Policy {
            evidence_required: false,
            ..Policy::STRICT
        },
        ..country.inputs()
    };
    let finding = look_up(
        Reference::StatusList(&naming(signer.der())),
        &fetched(&token),
        &strict,
    );
    unknown(&finding, Code::SignerPinned);
}

#[test]
fn who_may_not_issue_certificates_vouches_for_no_signer() {
    let (mut country, ds_key) = (country(), key(Curve::P256, 52));
    let ds = document_signer(&mut country, &ds_key);
    // A certificate under that of a document signer, of which the builder would make none.
    let finding = look_up(
        Reference::StatusList(&naming(ds.der())),
        &fetched(&country.cwt(&claims())),
        &country.inputs(),
    );
    unknown(&finding, Code::ChainUntrusted);
}

fn document_signer(country: &mut Country, key: &SoftwareKey) -> Certificate {
    DocumentSigner {
        common_name: "Utopia DS".into(),
        organization: None,
        validity: Validity {
            from: at("2026-01-01T00:00:00Z"),
            until: at("2027-01-01T00:00:00Z"),
        },
        mdoc_purpose: false,
        contacts: vec![GeneralName::Email("office@utopia.example".into())],
        crl_uri: "https://utopia.example/crl".into(),
    }
    .build(
        key.public_key(),
        &country.iaca,
        &country.iaca_key,
        &mut country.rng,
    )
    .unwrap()
}

#[test]
fn purposes_of_others_do_not_sign_lists() {
    let mut country = country();
    let ds_key = key(Curve::P256, 53);
    let ds = document_signer(&mut country, &ds_key);
    let token = claims().sign_cwt(&ds_key, &[ds.der()]).unwrap();
    assert_eq!(
        country.judge(&token).answer,
        Answer::Valid,
        "the issuer's own signer"
    );
    let reader = ReaderAuthentication {
        country: Some("UT".into()),
        common_name: "Utopia Police".into(),
        organization: None,
        validity: years(2026, 2028),
        contacts: vec![],
        crl_uri: "https://utopia.example/crl".into(),
        mdoc_purpose: false,
        ocsp_uri: None,
    }
    .build(
        ds_key.public_key(),
        &country.iaca,
        &country.iaca_key,
        &mut country.rng,
    )
    .unwrap();
    let token = claims().sign_cwt(&ds_key, &[reader.der()]).unwrap();
    unknown(&country.judge(&token), Code::SignerPurpose);
}

#[test]
fn a_ca_does_not_sign_lists_itself() {
    let country = country();
    let token = claims()
        .sign_cwt(&country.iaca_key, &[country.iaca.der()])
        .unwrap();
    unknown(&country.judge(&token), Code::SignerProfile);
}

#[test]
fn certificates_are_valid_at_the_time() {
    let country = country();
    let on = |text: &str| {
        let made = at(text);
        let token = country.cwt(&Claims {
            issued_at: made,
            expires: Some(made.plus(Duration::from_secs(HOUR))),
            ..claims()
        });
        let evidence = Evidence {
            fetched: made,
            ..fetched(&token)
        };
        let inputs = Inputs {
            now: made,
            ..country.inputs()
        };
        look_up(Reference::StatusList(&place(0)), &evidence, &inputs)
    };
    assert_eq!(on("2026-01-01T00:00:00Z").answer, Answer::Valid);
    assert_eq!(on("2029-01-01T00:00:00Z").answer, Answer::Valid);
    unknown(&on("2029-01-01T00:00:01Z"), Code::SignerValidity);
    unknown(&on("2025-12-31T23:59:59Z"), Code::SignerValidity);
    unknown(&on("2024-12-31T23:59:59Z"), Code::TrustValidity);
    unknown(&on("2045-01-01T00:00:01Z"), Code::TrustValidity);
}

#[test]
fn a_revoked_signer_signs_nothing() {
    let country = country();
    let token = country.cwt(&claims());
    let list = |revoked: &[RevokedSerial]| {
        let terms = ListTerms {
            this_update: now().minus(Duration::from_secs(HOUR)),
            next_update: now().plus(Duration::from_secs(HOUR)),
            number: 1,
        };
        build_crl(&country.iaca, &country.iaca_key, revoked, terms).unwrap()
    };
    let revoked = RevokedSerial {
        serial_number: country.signer.serial_number().to_vec(),
        at: now(),
    };
    let said = |lists: &[RevocationList], policy| {
        let inputs = Inputs {
            revocation_lists: lists,
            policy,
            ..country.inputs()
        };
        look(&token, &inputs)
    };
    let (good, bad) = ([list(&[])], [list(&[revoked])]);
    unknown(&said(&bad, Policy::STANDARD), Code::SignerRevoked);
    assert_eq!(said(&good, Policy::STANDARD).answer, Answer::Valid);
    assert_eq!(said(&[], Policy::STANDARD).answer, Answer::Valid);
    assert_eq!(said(&good, Policy::STRICT).answer, Answer::Valid);
    unknown(&said(&[], Policy::STRICT), Code::SignerRevocationUnknown);
}
