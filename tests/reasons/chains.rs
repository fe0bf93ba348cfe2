//! Faults of the signer's certificates and of what is known about them.

use integration::parts::{PRINTABLE, Parts, UTF8, name, time};
use integration::world::{World, at};
use mdoc_core::crypto::Curve;
use mdoc_core::seams::Signer as _;
use mdoc_core::x509::build::{ListTerms, RevokedSerial, build_crl};
use mdoc_core::x509::{Certificate, oid};

use super::{Maker, OTHER_TYPE};

/// The revocation list of the IACA in DER.
pub(super) fn revocation_list(world: &World, revoked: &[&Certificate]) -> Vec<u8> {
    let revoked: Vec<_> = revoked
        .iter()
        .map(|certificate| RevokedSerial {
            serial_number: certificate.serial_number().to_vec(),
            at: at("2026-05-20T08:00:00Z"),
        })
        .collect();
    let terms = ListTerms {
        this_update: at("2026-05-25T00:00:00Z"),
        next_update: at("2026-07-01T00:00:00Z"),
        number: 7,
    };
    let list = build_crl(&world.iaca, &world.iaca_key, &revoked, terms);
    list.unwrap().der().to_vec()
}

pub(super) fn make(m: &mut Maker) {
    m.forge(
        "x5chain.missing",
        "there is no certificate beside the signature",
        |f| drop(f.issuer_auth().at(1).remove(33)),
        &["x5chain failed x5chain.missing"],
    );
    m.forge(
        "x5chain.malformed",
        "the certificate lacks its last byte",
        |f| assert!(f.issuer_auth().at(1).get(33).bytes().pop().is_some()),
        &["x5chain failed x5chain.malformed"],
    );
    let (response, stranger) = (m.response(), m.world.stranger.to_pem());
    m.add(
        "chain.untrusted",
        "another authority is trusted than the one that certified the signer",
        response.clone(),
        &["ds-chain failed chain.untrusted"],
    )
    .anchors = stranger;
    let other = Parts::of(&m.world.ds).sign(&m.world.stranger_key);
    m.signer(
        "chain.signature",
        "somebody else signed the signer's certificate in the name of the trusted IACA",
        &other,
        &["ds-chain failed chain.signature"],
    );
    below_a_signer(m);
    let ds = m.world.ds.to_pem();
    m.add(
        "chain.pinned",
        "the signer's certificate itself is what is trusted",
        response.clone(),
        &["ds-chain warning chain.pinned"],
    )
    .anchors = ds;
    through_an_intermediate(m);
    certificate_validity(m);
    m.add(
        "anchor.doctype",
        "the IACA is trusted for photo IDs alone",
        response.clone(),
        &["anchor-doctype failed anchor.doctype"],
    )
    .anchor_doc_types = Some(vec![OTHER_TYPE.to_owned()]);
    let crl = revocation_list(&m.world, &[&m.world.ds]);
    m.add(
        "ds.revoked",
        "the signer's certificate is on the revocation list of its IACA",
        response,
        &["ds-revocation failed ds.revoked"],
    )
    .crl = Some(crl);
}

/// A document signer certified by a document signer.
fn below_a_signer(m: &mut Maker) {
    let key = m.world.key("below a signer", Curve::P256);
    let mut leaf = Parts::of(&m.world.ds);
    leaf.issuer = m.world.ds.subject_der().to_vec();
    let leaf = with_authority(leaf, &m.world.ds)
        .key_of(key.public_key())
        .sign(&m.world.ds_key);
    let ds = m.world.ds.clone();
    m.forge(
        "chain.intermediate",
        "a document signer, which is no CA, certified the signer",
        |f| {
            f.certificates(&[&leaf, &ds]);
            f.sign_by(&key);
        },
        &["ds-chain failed chain.intermediate"],
    );
}

/// Refers to the key of that issuer.
fn with_authority(parts: Parts, issuer: &Certificate) -> Parts {
    let id = issuer.computed_key_identifier();
    parts.with(
        oid::AUTHORITY_KEY_IDENTIFIER,
        false,
        &[&[0x30, 22, 0x80, 20], id.as_slice()].concat(),
    )
}

fn through_an_intermediate(m: &mut Maker) {
    let world = &m.world;
    let key = world.key("intermediate", Curve::P256);
    let one_below = [0x30, 6, 1, 1, 0xff, 2, 1, 1];
    let iaca = Parts::of(&world.iaca)
        .with(oid::BASIC_CONSTRAINTS, true, &one_below)
        .sign(&world.iaca_key);
    let mut between = with_authority(Parts::of(&world.iaca), &world.iaca).key_of(key.public_key());
    between.subject = name(&[
        (oid::COUNTRY, PRINTABLE, "UT"),
        (oid::STATE_OR_PROVINCE, UTF8, "UT-NB"),
        (oid::COMMON_NAME, UTF8, "Utopia Intermediate"),
    ]);
    let between = between.sign(&world.iaca_key);
    let mut ds = with_authority(Parts::of(&world.ds), &between);
    ds.issuer = between.subject_der().to_vec();
    let ds = ds.sign(&key);
    m.forge(
        "chain.through-intermediates",
        "an intermediate CA, which the message brings along, certified the signer",
        |f| f.certificates(&[&ds, &between]),
        &[
            "ds-chain warning chain.through-intermediates",
            "iaca-profile warning iaca.path-len",
        ],
    )
    .anchors = iaca.to_pem();
}

fn certificate_validity(m: &mut Maker) {
    let (before, after) = (at("2026-06-01T11:59:59Z"), at("2026-06-01T12:00:01Z"));
    let ended = |certificate: &Certificate| {
        let mut parts = Parts::of(certificate);
        parts.not_after = time(before);
        parts
    };
    let begins = |certificate: &Certificate| {
        let mut parts = Parts::of(certificate);
        parts.not_before = time(after);
        parts
    };
    let iaca_key = m.world.key("iaca", Curve::P256);
    let (ds, iaca) = (m.world.ds.clone(), m.world.iaca.clone());
    m.signer(
        "ds.expired",
        "the signer's certificate ended a second ago, and the document with it would not have been issued so",
        &ended(&ds).sign(&iaca_key),
        &[
            "ds-validity failed ds.expired",
            "mso-until-ds warning mso.outlives-ds",
        ],
    );
    m.signer(
        "ds.not-yet-valid",
        "the signer's certificate begins in a second, after the document was signed",
        &begins(&ds).sign(&iaca_key),
        &[
            "ds-validity failed ds.not-yet-valid",
            "mso-signed failed mso.signed-outside-ds",
        ],
    );
    let response = m.response();
    m.add(
        "iaca.expired",
        "the IACA certificate ended a second ago",
        response.clone(),
        &["iaca-validity failed iaca.expired"],
    )
    .anchors = ended(&iaca).sign(&iaca_key).to_pem();
    m.add(
        "iaca.not-yet-valid",
        "the IACA certificate begins in a second",
        response,
        &["iaca-validity failed iaca.not-yet-valid"],
    )
    .anchors = begins(&iaca).sign(&iaca_key).to_pem();
}
