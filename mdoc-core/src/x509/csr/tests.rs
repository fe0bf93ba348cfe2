use x509_cert::der::{Decode, Encode};

use super::*;
use crate::crypto::Curve;
use crate::x509::world::{key, world};

fn terms(role: Role) -> RequestTerms {
    RequestTerms {
        role,
        country: Some("UT".into()),
        state: Some("UT-NB".into()),
        organization: Some("Utopia".into()),
        common_name: "Utopia DS 2".into(),
        hosts: Vec::new(),
    }
}

#[test]
fn what_is_asked_for_is_read_again_and_another_reader_agrees() {
    let mut w = world();
    for (curve, role) in [
        (Curve::P256, Role::DocumentSigner { mdl: true }),
        (Curve::P384, Role::IacaRoot),
        (Curve::Ed25519, Role::ReaderAuthentication),
    ] {
        let signer = key(curve, &mut w.rng);
        let request = terms(role).build(&signer).unwrap();
        assert_eq!(
            request.subject().to_string(),
            "CN=Utopia DS 2,O=Utopia,ST=UT-NB,C=UT"
        );
        assert_eq!(request.verify(&RustCrypto).unwrap(), *signer.public_key());
        let other = x509_cert::request::CertReq::from_der(request.der()).unwrap();
        assert_eq!(other.to_der().unwrap(), request.der());
        let pem = CertificationRequest::from_bytes(request.to_pem().as_bytes()).unwrap();
        assert_eq!(pem, request);
        let asked: Vec<_> = request.extensions().map(|e| e.oid).collect();
        assert_eq!(asked[0], oid::KEY_USAGE);
        assert_eq!(asked[1] == oid::BASIC_CONSTRAINTS, role.is_ca());
    }
}

#[test]
fn a_request_without_the_key_is_not_believed() {
    let mut w = world();
    let signer = key(Curve::P256, &mut w.rng);
    let request = terms(Role::ReaderAuthentication).build(&signer).unwrap();
    let mut der = request.der().to_vec();
    let at = der.windows(6).position(|w| w == b"Utopia").unwrap();
    der[at] = b'E';
    let forged = CertificationRequest::from_der(&der).unwrap();
    assert!(matches!(forged.verify(&RustCrypto), Err(Unproven::Signature(_))));
    // A key of another kind in its place.
    let edwards = Role::IacaRoot;
    let signer = key(Curve::Ed25519, &mut w.rng);
    assert_eq!(
        terms(edwards).build(&signer).unwrap_err(),
        BuildError::Curve(Curve::Ed25519)
    );
}

#[test]
fn every_prefix_and_every_changed_octet_is_read_or_refused() {
    let mut w = world();
    let signer = key(Curve::P256, &mut w.rng);
    let request = terms(Role::DocumentSigner { mdl: true }).build(&signer).unwrap();
    for length in 0..request.der().len() {
        assert!(CertificationRequest::from_der(&request.der()[..length]).is_err());
    }
    for at in 0..request.der().len() {
        let mut der = request.der().to_vec();
        der[at] ^= 0x55;
        if let Ok(read) = CertificationRequest::from_der(&der) {
            assert!(read.verify(&RustCrypto).is_err(), "octet {at}");
            let _ = (read.subject().to_string(), read.alternative_names());
        }
    }
    assert!(CertificationRequest::from_der(&vec![0x30; LARGEST_CERTIFICATE + 1]).is_err());
}
