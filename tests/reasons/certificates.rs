//! Faults of certificates: one for each rule of the profiles.

use integration::corpus::{Case, Kind};
use integration::forgery::Forgery;
use integration::parts::{PRINTABLE, Parts, SEQUENCE, UTF8, name, purposes, time, tlv};
use integration::world::{World, at};
use mdoc_core::seams::{Signer as _, SoftwareKey};
use mdoc_core::value::Value;
use mdoc_core::x509::Certificate;
use mdoc_core::x509::oid::{self, Oid};

use super::Maker;

const DIGITAL_SIGNATURE: &[u8] = &[3, 2, 7, 0x80];
const NON_REPUDIATION: &[u8] = &[3, 2, 6, 0x40];
const BOTH_SIGNATURES: &[u8] = &[3, 2, 6, 0xc0];
const KEY_CERT_SIGN: &[u8] = &[3, 2, 2, 0x04];
const CRL_SIGN: &[u8] = &[3, 2, 1, 0x02];
const NOT_A_CA: &[u8] = &[0x30, 0];
const CA_OF_ANY_DEPTH: &[u8] = &[0x30, 3, 1, 1, 0xff];

const COUNTRY: (Oid<'_>, u8, &str) = (oid::COUNTRY, PRINTABLE, "UT");
const STATE: (Oid<'_>, u8, &str) = (oid::STATE_OR_PROVINCE, UTF8, "UT-NB");
const NAME: (Oid<'_>, u8, &str) = (oid::COMMON_NAME, UTF8, "Utopia Signer 1");

pub(super) fn make(m: &mut Maker) {
    basics(m);
    names(m);
    extensions(m);
    roots(m);
    signers(m);
    readers(m);
}

/// A document whose signer's certificate breaks a rule.
fn ds(m: &mut Maker, line: &str, what: &str, change: impl FnOnce(Parts) -> Parts) {
    let certificate = change(Parts::of(&m.world.ds)).sign(&m.world.iaca_key);
    m.signer(code(line), what, &certificate, &[line]);
}

/// A good document under a root that breaks a rule.
fn iaca(m: &mut Maker, line: &str, what: &str, change: impl FnOnce(Parts) -> Parts) {
    let certificate = change(Parts::of(&m.world.iaca)).sign(&m.world.iaca_key);
    let response = m.response();
    m.add(code(line), what, response, &[line]).anchors = certificate.to_pem();
}

fn code(line: &str) -> &str {
    line.rsplit(' ').next().unwrap()
}

fn basics(m: &mut Maker) {
    ds(
        m,
        "ds-profile warning cert.version",
        "the signer's certificate is of version 1",
        |mut p| {
            p.version.clear();
            p
        },
    );
    ds(
        m,
        "ds-profile warning cert.serial-number",
        "the signer's serial number is 1",
        |mut p| {
            p.serial = tlv(2, &[1]);
            p
        },
    );
    ds(
        m,
        "ds-profile warning cert.signature-algorithm",
        "the signature algorithm of the signer's certificate has NULL for parameters",
        |mut p| {
            let algorithm = [tlv(6, oid::ECDSA_SHA256.content()), vec![5, 0]].concat();
            p.algorithm = Some(tlv(SEQUENCE, &algorithm));
            p
        },
    );
    let point = m.world.ds_key.public_key().clone();
    let (x, y) = point.coordinates();
    let compressed = [&[2 + (y.unwrap()[31] & 1)], x].concat();
    ds(
        m,
        "ds-profile warning cert.public-key",
        "the signer's key is a compressed point",
        |p| p.key(oid::P256, &compressed),
    );
    let iaca_key = copy(&m.world.iaca_key);
    let reuse = Parts::of(&m.world.ds)
        .key_of(iaca_key.public_key())
        .sign(&iaca_key);
    m.forge(
        "cert.key-reuse",
        "the IACA signs documents with its own key",
        |f| {
            f.certificates(&[&reuse]);
            f.sign_by(&iaca_key);
        },
        &["ds-profile warning cert.key-reuse"],
    );
    ds(
        m,
        "ds-profile warning cert.validity-period",
        "the signer's certificate is valid for 458 days",
        |mut p| {
            p.not_after = time(at("2027-04-04T00:00:00Z"));
            p
        },
    );
    ds(
        m,
        "ds-profile warning cert.time-form",
        "the signer's certificate begins with a GeneralizedTime before 2050",
        |mut p| {
            p.not_before = tlv(0x18, b"20260101000000Z");
            p
        },
    );
}

fn copy(key: &SoftwareKey) -> SoftwareKey {
    SoftwareKey::new(key.secret().clone()).unwrap()
}

/// Root and signer of a country with other names, and a document that says nothing of its place.
fn placed(
    m: &mut Maker,
    root: &[(Oid<'_>, u8, &str)],
    signer: &[(Oid<'_>, u8, &str)],
    case: (&str, &str, &[&str]),
) {
    let world = &m.world;
    let mut iaca = Parts::of(&world.iaca);
    iaca.subject = name(root);
    iaca.issuer.clone_from(&iaca.subject);
    let mut ds = Parts::of(&world.ds);
    ds.issuer.clone_from(&iaca.subject);
    ds.subject = name(signer);
    let (iaca, ds) = (iaca.sign(&world.iaca_key), ds.sign(&world.iaca_key));
    let response = nowhere(world, &ds);
    let (code, what, expect) = case;
    m.add(code, what, response, expect).anchors = iaca.to_pem();
}

fn nowhere(world: &World, ds: &Certificate) -> Vec<u8> {
    let response = world
        .present(&world.issue().sign())
        .only(&["family_name", "age_over_18"])
        .response();
    let mut forgery = Forgery::of(world, &response);
    forgery.certificates(&[ds]);
    forgery.encode()
}

fn names(m: &mut Maker) {
    const ROOT: (Oid<'_>, u8, &str) = (oid::COMMON_NAME, UTF8, "Utopia IACA");
    const ELSEWHERE: (Oid<'_>, u8, &str) = (oid::STATE_OR_PROVINCE, UTF8, "UT-SB");
    const NO_CODE: (Oid<'_>, u8, &str) = (oid::STATE_OR_PROVINCE, UTF8, "New Bavaria");
    placed(
        m,
        &[COUNTRY, ROOT],
        &[(oid::COUNTRY, PRINTABLE, "AT"), NAME],
        (
            "cert.country",
            "the signer is from AT and its IACA from UT",
            &["cert-country failed cert.country"],
        ),
    );
    ds(
        m,
        "ds-profile warning cert.country-form",
        "the country of the signer's certificate is a UTF8String",
        |mut p| {
            p.subject = name(&[(oid::COUNTRY, UTF8, "UT"), STATE, NAME]);
            p
        },
    );
    placed(
        m,
        &[COUNTRY, STATE, ROOT],
        &[COUNTRY, ELSEWHERE, NAME],
        (
            "cert.state",
            "the signer is from UT-SB and its IACA from UT-NB",
            &["cert-country failed cert.state"],
        ),
    );
    placed(
        m,
        &[COUNTRY, STATE, ROOT],
        &[COUNTRY, NAME],
        (
            "cert.state.presence",
            "the IACA names its state and the signer does not",
            &["cert-country warning cert.state.presence"],
        ),
    );
    placed(
        m,
        &[COUNTRY, NO_CODE, ROOT],
        &[COUNTRY, NO_CODE, NAME],
        (
            "cert.state-form",
            "signer and IACA write out the name of their state",
            &[
                "ds-profile warning cert.state-form",
                "iaca-profile warning cert.state-form",
            ],
        ),
    );
    ds(
        m,
        "ds-profile warning cert.common-name",
        "the signer has no common name",
        |mut p| {
            p.subject = name(&[COUNTRY, STATE]);
            p
        },
    );
    ds(
        m,
        "ds-profile warning cert.subject-attribute",
        "the signer's name has an organizational unit",
        |mut p| {
            p.subject = name(&[COUNTRY, STATE, (oid::ORGANIZATIONAL_UNIT, UTF8, "Cars"), NAME]);
            p
        },
    );
}

fn extensions(m: &mut Maker) {
    let unknown = Oid::from_content(&[0x2a, 3, 4]).unwrap();
    ds(
        m,
        "ds-profile failed cert.extension-duplicate",
        "the signer's certificate has an extension twice",
        Parts::with_one_twice,
    );
    ds(
        m,
        "ds-critical-ext failed cert.critical-extension",
        "the signer's certificate has a critical extension that nobody knows",
        |p| p.with(unknown, true, &[5, 0]),
    );
    ds(
        m,
        "ds-profile warning cert.extension-malformed",
        "the issuer alternative name of the signer's certificate is plain text",
        |p| p.with(oid::ISSUER_ALT_NAME, false, b"https://utopia.example/"),
    );
    ds(
        m,
        "ds-profile warning cert.boolean-form",
        "the criticality of the signer's key usage is 01 where DER has FF",
        |p| p.critical(oid::KEY_USAGE, &[1, 1, 1]),
    );
    ds(
        m,
        "ds-profile warning cert.forbidden-extension",
        "the signer's certificate has basic constraints",
        |p| p.with(oid::BASIC_CONSTRAINTS, true, NOT_A_CA),
    );
    ds(
        m,
        "ds-profile warning cert.ski",
        "the subject key identifier of the signer is not that of its key",
        |p| p.with(oid::SUBJECT_KEY_IDENTIFIER, false, &[4, 4, 1, 2, 3, 4]),
    );
    ds(
        m,
        "ds-profile warning cert.aki",
        "the authority key identifier of the signer is not that of its IACA",
        |p| {
            p.with(
                oid::AUTHORITY_KEY_IDENTIFIER,
                false,
                &[0x30, 6, 0x80, 4, 1, 2, 3, 4],
            )
        },
    );
    ds(
        m,
        "ds-profile warning cert.issuer-alt-name",
        "the signer's certificate has no issuer alternative name",
        |p| p.without(oid::ISSUER_ALT_NAME),
    );
    ds(
        m,
        "ds-profile warning cert.crl-dp",
        "the signer's certificate does not say where the revocation list is",
        |p| p.without(oid::CRL_DISTRIBUTION_POINTS),
    );
}

fn roots(m: &mut Maker) {
    iaca(
        m,
        "iaca-profile warning cert.self-issued",
        "the trusted certificate was issued by somebody else",
        |mut p| {
            p.issuer = name(&[COUNTRY, (oid::COMMON_NAME, UTF8, "Utopia Root of Roots")]);
            p
        },
    );
    let constraints = oid::BASIC_CONSTRAINTS;
    iaca(
        m,
        "iaca-profile failed iaca.basic-constraints",
        "the IACA certificate is not one of a CA",
        |p| p.with(constraints, true, NOT_A_CA),
    );
    iaca(
        m,
        "iaca-profile failed iaca.basic-constraints.critical",
        "the basic constraints of the IACA are not critical",
        |p| p.critical(constraints, &[]),
    );
    iaca(
        m,
        "iaca-profile warning iaca.path-len",
        "the IACA certificate does not limit the path below it",
        |p| p.with(constraints, true, CA_OF_ANY_DEPTH),
    );
    iaca(
        m,
        "iaca-profile failed iaca.key-usage",
        "the IACA may sign revocation lists and no certificates",
        |p| p.with(oid::KEY_USAGE, true, CRL_SIGN),
    );
    iaca(
        m,
        "iaca-profile failed iaca.key-usage.critical",
        "the key usage of the IACA is not critical",
        |p| p.critical(oid::KEY_USAGE, &[]),
    );
    iaca(
        m,
        "iaca-profile warning iaca.key-usage.exact",
        "the IACA may sign certificates and no revocation lists",
        |p| p.with(oid::KEY_USAGE, true, KEY_CERT_SIGN),
    );
    iaca(
        m,
        "iaca-profile warning iaca.aki",
        "the IACA certificate has an authority key identifier",
        |p| {
            p.with(
                oid::AUTHORITY_KEY_IDENTIFIER,
                false,
                &[0x30, 6, 0x80, 4, 1, 2, 3, 4],
            )
        },
    );
}

fn signers(m: &mut Maker) {
    let usage = oid::KEY_USAGE;
    ds(
        m,
        "ds-ku failed ds.key-usage",
        "the signer's key is not for signatures",
        |p| p.with(usage, true, NON_REPUDIATION),
    );
    ds(
        m,
        "ds-ku-critical failed ds.key-usage.critical",
        "the key usage of the signer is not critical",
        |p| p.critical(usage, &[]),
    );
    ds(
        m,
        "ds-ku warning ds.key-usage.exact",
        "the signer's key is also for nonRepudiation",
        |p| p.with(usage, true, BOTH_SIGNATURES),
    );
    let purpose = oid::EXTENDED_KEY_USAGE;
    ds(
        m,
        "ds-eku failed ds.eku",
        "the signer's certificate is one for readers",
        |p| p.with(purpose, true, &purposes(&[oid::MDL_READER_AUTH])),
    );
    ds(
        m,
        "ds-eku-critical warning ds.eku.critical",
        "the extended key usage of the signer is not critical",
        |p| p.critical(purpose, &[]),
    );
    ds(
        m,
        "ds-profile warning ds.eku.exact",
        "the signer's certificate is one for readers as well",
        |p| p.with(purpose, true, &purposes(&[oid::MDL_DS, oid::MDL_READER_AUTH])),
    );
    let world = &m.world;
    let without = Parts::of(&world.ds).without(purpose).sign(&world.iaca_key);
    let elements = vec![("family_name".to_owned(), Value::Text("Vlasáková".to_owned()))];
    let elements = vec![("org.iso.23220.1".to_owned(), elements)];
    let photo_id = world.issue().document("org.iso.23220.photoid.1", elements).sign();
    let mut forgery = Forgery::of(world, &world.present(&photo_id).response());
    forgery.certificates(&[&without]);
    let document = forgery.encode();
    let reading = Parts::of(&world.ds)
        .with(purpose, true, &purposes(&[oid::MDL_READER_AUTH]))
        .sign(&world.iaca_key);
    forgery.certificates(&[&reading]);
    let by_a_reader = forgery.encode();
    m.add(
        "ds.eku.other",
        "the signer of a photo ID has no extended key usage",
        document,
        &["ds-profile warning ds.eku.other"],
    );
    m.add(
        "ds.eku.foreign",
        "the signer of a photo ID has the certificate of a reader",
        by_a_reader,
        &["ds-eku failed ds.eku.foreign"],
    );
}

/// A certificate of a reader, or of a root for readers, that breaks a rule.
fn reader(m: &mut Maker, kind: Kind, line: &str, what: &str, change: impl FnOnce(Parts) -> Parts) {
    let world = &m.world;
    let (good, anchors) = match kind {
        Kind::ReaderCa => (&world.reader_ca, String::new()),
        _ => (&world.reader, world.reader_ca.to_pem()),
    };
    let document = change(Parts::of(good)).sign(&world.reader_ca_key).der().to_vec();
    let case: &mut Case = m.add(code(line), what, document, &[line]);
    case.kind = kind;
    case.anchors = anchors;
    case.transcript = None;
}

fn readers(m: &mut Maker) {
    let (ca, leaf) = (Kind::ReaderCa, Kind::ReaderCertificate);
    let (constraints, usage, purpose) = (oid::BASIC_CONSTRAINTS, oid::KEY_USAGE, oid::EXTENDED_KEY_USAGE);
    reader(
        m,
        ca,
        " failed reader-ca.basic-constraints",
        "the root for readers is not a CA",
        |p| p.with(constraints, true, NOT_A_CA),
    );
    reader(
        m,
        ca,
        " warning reader-ca.basic-constraints.critical",
        "the basic constraints of the root for readers are not critical",
        |p| p.critical(constraints, &[]),
    );
    reader(
        m,
        ca,
        " failed reader-ca.key-usage",
        "the root for readers may not sign certificates",
        |p| p.with(usage, true, DIGITAL_SIGNATURE),
    );
    reader(
        m,
        ca,
        " warning reader-ca.key-usage.critical",
        "the key usage of the root for readers is not critical",
        |p| p.critical(usage, &[]),
    );
    reader(
        m,
        leaf,
        " failed reader.key-usage",
        "the reader's key is not for signatures",
        |p| p.with(usage, true, NON_REPUDIATION),
    );
    reader(
        m,
        leaf,
        " warning reader.key-usage.critical",
        "the key usage of the reader is not critical",
        |p| p.critical(usage, &[]),
    );
    reader(
        m,
        leaf,
        " warning reader.key-usage.exact",
        "the reader's key is also for nonRepudiation",
        |p| p.with(usage, true, BOTH_SIGNATURES),
    );
    reader(
        m,
        leaf,
        " failed reader.eku",
        "the reader's certificate is one for document signers",
        |p| p.with(purpose, true, &purposes(&[oid::MDL_DS])),
    );
    reader(
        m,
        leaf,
        " warning reader.eku.critical",
        "the extended key usage of the reader is not critical",
        |p| p.critical(purpose, &[]),
    );
    reader(
        m,
        leaf,
        " warning reader.eku.exact",
        "the reader's certificate is one for document signers as well",
        |p| p.with(purpose, true, &purposes(&[oid::MDL_READER_AUTH, oid::MDL_DS])),
    );
}
