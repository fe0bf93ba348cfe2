//! Certificates and what is signed with them: paths, revocation lists, OCSP, requests, lists of authorities.

use std::hint::black_box;
use std::sync::OnceLock;

use mdoc_core::vical::{self, Known, SignedVical};
use mdoc_core::x509::csr::CertificationRequest;
use mdoc_core::x509::ocsp::{OcspAnswer, OcspCheck, OcspRequest, OcspResponse};
use mdoc_core::x509::path::{self, Path, TrustAnchor};
use mdoc_core::x509::profile::{self, Role};
use mdoc_core::x509::revocation::{Revocation, RevocationList};
use mdoc_core::x509::{Certificate, oid};
use mdoc_issuer::lint::{Bundle, Origin, Terms, lint};

use crate::fixtures::{LIMITS, backend, files, one_in, world};
use crate::memory::remembering;

const ROLES: [Role; 13] = [
    Role::IacaRoot,
    Role::DocumentSigner { mdl: true },
    Role::DocumentSigner { mdl: false },
    Role::IacaLink,
    Role::ReaderCa,
    Role::OtherCa,
    Role::ReaderAuthentication,
    Role::StatusListSigner,
    Role::OcspResponder,
    Role::VicalSigner,
    Role::JwsSigner,
    Role::TlsServer,
    Role::TlsClient,
];

/// A certificate: every accessor, every profile. What is kept is what came, and PEM of it is read to the same.
pub fn certificate(input: &[u8]) {
    let found = match Certificate::from_der(input) {
        Err(bad) => return assert!(!bad.to_string().is_empty()),
        Ok(found) => found,
    };
    assert_eq!(found.der(), input);
    assert_eq!(Certificate::from_pem(&found.to_pem()).as_ref(), Ok(&found));
    let serial = found.serial_number();
    assert!(found.serial_number_der().ends_with(serial));
    black_box((found.issuer().to_string(), found.subject().to_string()));
    black_box((
        found.version(),
        found.is_self_issued(),
        found.is_valid_at(world().now),
    ));
    black_box((
        found.key_usage(),
        found.extended_key_usage().is_some(),
        found.basic_constraints(),
    ));
    black_box((
        found.subject_key_identifier(),
        found.issuer_alt_name(),
        found.subject_alt_name(),
    ));
    black_box((found.ocsp_addresses(), found.crl_distribution_points()));
    black_box((
        found.authority_key_identifier().is_some(),
        found.times_encoded_oddly(),
    ));
    for duplicate in found.duplicate_extensions() {
        assert!(found.extensions().filter(|one| one.oid == duplicate).count() > 1);
    }
    assert_eq!(
        found.extension(oid::KEY_USAGE).is_some(),
        found.key_usage().is_some()
    );
    black_box(found.public_key().is_ok());
    for role in ROLES {
        for issuer in [None, Some(&world().iaca)] {
            for finding in profile::check(role, &found, issuer) {
                assert!(!finding.to_string().is_empty());
            }
        }
    }
}

/// DER certificates one after the other, leaf first: the way to an anchor, and the linter.
///
/// A way that is found is walked again: every certificate on it is signed by the next one.
pub fn chain(input: &[u8]) {
    let world = world();
    let mut chain = Vec::new();
    let mut rest = input;
    while let Some(len) = tlv_len(rest).filter(|_| chain.len() <= path::LONGEST_CHAIN) {
        let (one, after) = rest.split_at(len);
        let Ok(found) = Certificate::from_der(one) else {
            break;
        };
        chain.push(found);
        rest = after;
    }
    let signs = |issuer: &Certificate, below: &Certificate| {
        issuer
            .public_key()
            .is_ok_and(|key| below.verify_signed_by(&key, remembering()).is_ok())
    };
    match path::find(&chain, anchors(), world.now, remembering()) {
        Path::Broken(broken) => assert!(!broken.to_string().is_empty()),
        Path::Pinned { anchor } => assert_eq!(anchor.certificate, chain[0]),
        Path::Anchored {
            anchor,
            intermediates,
        } => {
            let mut below = &chain[0];
            for one in intermediates {
                assert!(signs(one, below) && one.is_valid_at(world.now));
                assert!(one.basic_constraints().unwrap().unwrap().ca);
                below = one;
            }
            assert!(signs(&anchor.certificate, below));
        }
    }
    // The linter compares each certificate with each.
    if chain.len() > 3 && !one_in(8, input) {
        return;
    }
    let bundle = Bundle {
        place: "input".to_owned(),
        certificates: chain.into_iter().map(Ok).collect(),
        origin: Origin::File,
    };
    let terms = Terms {
        role: None,
        issuer: None,
        now: world.now,
    };
    for linted in lint(&[bundle], terms) {
        black_box(linted.worst());
    }
}

/// The length of the first DER item of an input, if it is all there.
fn tlv_len(input: &[u8]) -> Option<usize> {
    let (head, len) = match *input.get(1)? {
        short @ 0..=0x7f => (2, usize::from(short)),
        0x81 => (3, usize::from(*input.get(2)?)),
        0x82 => (
            4,
            usize::from(u16::from_be_bytes([*input.get(2)?, *input.get(3)?])),
        ),
        _ => return None,
    };
    (input.len() >= head + len).then_some(head + len)
}

fn anchors() -> &'static [TrustAnchor] {
    static ANCHORS: OnceLock<Vec<TrustAnchor>> = OnceLock::new();
    ANCHORS.get_or_init(|| {
        let world = world();
        let roots = [&world.iaca, &world.reader_ca, &world.ds];
        roots.map(|root| TrustAnchor::new(root.clone())).into()
    })
}

/// A revocation list. It says that a certificate is revoked only if its issuer signed it.
pub fn crl(input: &[u8]) {
    let world = world();
    let list = match RevocationList::from_der(input) {
        Err(bad) => return assert!(!bad.to_string().is_empty()),
        Ok(list) => list,
    };
    assert_eq!(list.der(), input);
    let pem = RevocationList::from_bytes(list.to_pem().as_bytes()).unwrap();
    assert_eq!(pem.der(), input);
    black_box((
        list.issuer().to_string(),
        list.number().is_some(),
        list.this_update(),
        list.next_update(),
    ));
    let named = list
        .entries()
        .filter(|(serial, _)| *serial == world.ds.serial_number_der())
        .count();
    let key = world.iaca.public_key().unwrap();
    let signed = list.verify_signed_by(&key, backend()).is_ok();
    match list.evaluate(&world.ds, &world.iaca, world.now, backend()) {
        Revocation::Revoked { .. } => assert!(signed && named > 0),
        Revocation::Good => assert!(signed && named == 0),
        Revocation::Undetermined(why) => assert!(!why.to_string().is_empty()),
    }
}

/// A question about revocation. What it asks is asked again in the same words.
pub fn ocsp_request(input: &[u8]) {
    match OcspRequest::from_der(input) {
        Err(bad) => assert!(!bad.to_string().is_empty()),
        Ok(request) => {
            assert_eq!(request.der(), input);
            assert!(!request.ids().is_empty());
            let again = OcspRequest::new(request.ids(), request.nonce()).unwrap();
            assert_eq!(again.ids(), request.ids());
            assert_eq!(again.nonce(), request.nonce());
            black_box(request.unknown_critical());
        }
    }
}

/// An answer about revocation. It is believed only if the issuer, or somebody it certified, signed it.
pub fn ocsp_response(input: &[u8]) {
    let world = world();
    let response = match OcspResponse::from_der(input) {
        Err(bad) => return assert!(!bad.to_string().is_empty()),
        Ok(response) => response,
    };
    assert_eq!(response.der(), input);
    black_box((
        response.status(),
        response.produced_at(),
        response.nonce().is_some(),
    ));
    let check = OcspCheck {
        certificate: &world.ds,
        issuer: &world.iaca,
        nonce: None,
        lists: &[],
        now: world.now,
    };
    match check.judge(&response, backend()) {
        OcspAnswer::Undetermined(why) => assert!(!why.to_string().is_empty()),
        OcspAnswer::Good | OcspAnswer::Revoked { .. } => {
            assert_eq!(check.trusted(&response, backend()), Ok(()));
            assert!(
                response
                    .answers()
                    .iter()
                    .any(|one| one.id.is(&world.ds, &world.iaca))
            );
        }
    }
}

/// A certification request, DER or PEM. One that is proven has a key that can be used.
pub fn csr(input: &[u8]) {
    match CertificationRequest::from_bytes(input) {
        Err(bad) => assert!(!bad.to_string().is_empty()),
        Ok(request) => {
            let again = CertificationRequest::from_bytes(request.to_pem().as_bytes()).unwrap();
            assert_eq!(again.der(), request.der());
            black_box((request.subject().to_string(), request.alternative_names()));
            black_box(request.extensions().count());
            match request.verify(backend()) {
                Ok(key) => assert_eq!(request.public_key().as_ref(), Ok(&key)),
                Err(why) => assert!(!why.to_string().is_empty()),
            }
        }
    }
}

/// A text of PEM blocks, whatever they hold.
pub fn pem(input: &[u8]) {
    let _ = RevocationList::from_bytes(input).map_err(|bad| bad.to_string());
    let _ = CertificationRequest::from_bytes(input).map_err(|bad| bad.to_string());
    let Ok(text) = core::str::from_utf8(input) else {
        return;
    };
    let each = Certificate::each_from_pem(text);
    let (readable, unreadable) = Certificate::readable_from_pem(text);
    assert_eq!(readable.len() + unreadable.len(), each.len());
    match Certificate::all_from_pem(text) {
        Ok(all) => assert_eq!(all, readable),
        Err(bad) => assert!(!bad.to_string().is_empty()),
    }
    let written: String = readable.iter().map(Certificate::to_pem).collect();
    if !readable.is_empty() {
        assert_eq!(Certificate::all_from_pem(&written).unwrap(), readable);
    }
}

/// A list of authorities, with the whole check of it. What is accepted was signed under a configured root.
pub fn vical(input: &[u8]) {
    if let Ok(list) = SignedVical::decode(input, &LIMITS) {
        black_box(Known::of(&list));
        let changes = vical::compare::compare(list.vical(), list.vical());
        assert!(changes.added.is_empty() && changes.removed.is_empty());
    }
    let mut inputs = vical::Inputs::new(vical_roots(), world().now);
    inputs.backend = remembering();
    let report = vical::verify(input, &inputs);
    assert!(
        vical::Check::ALL
            .iter()
            .all(|check| report.steps().iter().any(|step| step.check == *check))
    );
    for step in report.steps() {
        assert!(!step.message().is_empty());
    }
    assert_eq!(report.accept().is_ok(), report.accepted());
    if let Ok(accepted) = report.accept() {
        let list = SignedVical::decode(input, &LIMITS).unwrap();
        assert!(list.sign1().payload().is_some());
        assert!(accepted.anchors().len() <= list.vical().entries.len());
    }
}

fn vical_roots() -> &'static [TrustAnchor] {
    static ROOTS: OnceLock<Vec<TrustAnchor>> = OnceLock::new();
    ROOTS.get_or_init(|| {
        let mut roots = Vec::new();
        for pem in files("vical", &[".pem"]) {
            let text = String::from_utf8(pem).unwrap();
            let found = Certificate::all_from_pem(&text).unwrap();
            roots.extend(found.into_iter().map(TrustAnchor::new));
        }
        roots.push(TrustAnchor::new(world().stranger.clone()));
        roots
    })
}
