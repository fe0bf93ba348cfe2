//! Faults of documents: one for each code of the inspection procedure.

use integration::corpus::{Kind, jwk};
use integration::forgery::Forgery;
use integration::parts::{Parts, der_signature};
use integration::tree::Tree;
use integration::world::World;
use mdoc_core::crypto::Curve;
use mdoc_core::device_request::ItemsRequest;
use mdoc_core::mso::KeyAuthorizations;
use mdoc_core::value::Value;
use mdoc_core::verify::{MDL_DOC_TYPE, MDL_NAME_SPACE};
use mdoc_core::x509::oid;

use super::{Maker, OTHER_TYPE, RELEASED};

pub(super) fn make(m: &mut Maker) {
    decoding(m);
    form(m);
    answer(m);
    super::chains::make(m);
    signature(m);
    mso(m);
    items(m);
    device(m);
    elements(m);
}

fn decoding(m: &mut Maker) {
    m.forge(
        "decode.malformed",
        "the status is an initial byte that CBOR reserves",
        |f| f.whole.set("status", Tree::Raw(vec![0x1c])),
        &["decode failed decode.malformed"],
    );
    let whole = m.response();
    m.add(
        "decode.truncated",
        "the last ten bytes are missing",
        whole[..whole.len() - 10].to_vec(),
        &["decode failed decode.truncated"],
    );
    m.add(
        "decode.trailing-bytes",
        "a byte follows the response",
        [whole.as_slice(), &[0]].concat(),
        &["decode failed decode.trailing-bytes"],
    );
    m.forge(
        "decode.limit",
        "an unknown member is an array nested 300 levels deep",
        |f| {
            f.whole
                .set("deep", Tree::Raw([vec![0x81; 300], vec![0]].concat()))
        },
        &["decode failed decode.limit"],
    );
    m.forge(
        "decode.duplicate-key",
        "the response has its status twice",
        |f| f.whole.map().push(("status".into(), 0.into())),
        &["dup-keys failed decode.duplicate-key"],
    );
    m.forge(
        "decode.embedded",
        "a byte follows the device's elements within their tag 24; the device signed it so",
        |f| {
            f.device_signed().get("nameSpaces").bytes().push(0);
            f.sign_device_again();
        },
        &["tag24 failed decode.embedded"],
    );
    m.forge(
        "decode.embedded-limit",
        "an element of the device is an array nested 300 levels deep within its tag 24; the device signed it so",
        |f| {
            let bomb = [vec![0xa1, 0x61, b'n', 0xa1, 0x61, b'e'], vec![0x81; 300], vec![0]].concat();
            *f.device_signed().get("nameSpaces").bytes() = bomb;
            f.sign_device_again();
        },
        &["tag24 failed decode.embedded-limit"],
    );
    m.forge(
        "structure.missing",
        "the device's part has no deviceAuth",
        |f| drop(f.device_signed().remove("deviceAuth")),
        &["structure failed structure.missing"],
    );
    m.forge(
        "structure.type",
        "the device authentication has a signature and a MAC",
        |f| {
            let auth = f.device_auth().clone();
            f.device_signed().get("deviceAuth").set("deviceMac", auth);
        },
        &["structure failed structure.type"],
    );
    m.forge(
        "version.missing",
        "the MSO has no version",
        |f| {
            f.mso(|mso| drop(mso.remove("version")));
            f.sign_again();
        },
        &["version failed version.missing"],
    );
    m.forge(
        "version.unsupported",
        "the version of the MSO is 2.0",
        |f| {
            f.mso(|mso| mso.set("version", "2.0"));
            f.sign_again();
        },
        &["version failed version.unsupported"],
    );
}

fn form(m: &mut Maker) {
    let whole = m.response();
    m.add(
        "encoding.not-preferred",
        "the length of the outer map takes three bytes where one would do",
        [&[0xb9, 0, whole[0] & 31], &whole[1..]].concat(),
        &["encoding warning encoding.not-preferred"],
    );
    m.forge(
        "encoding.cose-tagged",
        "the issuerAuth has tag 18",
        |f| {
            let auth = f.issuer_auth().clone();
            *f.issuer_auth() = Tree::Tag(18, Box::new(auth));
        },
        &["encoding warning encoding.cose-tagged"],
    );
    m.forge(
        "encoding.time-form",
        "validFrom is written with an offset",
        |f| {
            let offset = Tree::tdate("2026-06-01T02:00:00+02:00");
            f.mso(|mso| mso.get("validityInfo").set("validFrom", offset));
            f.sign_again();
        },
        &["encoding warning encoding.time-form"],
    );
    m.forge(
        "encoding.x5chain-protected",
        "the certificate is in the protected header",
        |f| {
            let certificate = f.issuer_auth().at(1).remove(33);
            f.issuer_auth().at(0).inside(|header| header.set(33, certificate));
            f.sign_again();
        },
        &["encoding warning encoding.x5chain-protected"],
    );
    m.forge(
        "encoding.payload-attached",
        "the device's signature carries what it is over",
        |f| {
            let payload = f.device_authentication();
            *f.device_auth().at(2) = Tree::Bytes(payload);
        },
        &["encoding warning encoding.payload-attached"],
    );
}

fn answer(m: &mut Maker) {
    m.forge(
        "response.status",
        "the status is 10, a general error, and there is a document all the same",
        |f| f.whole.set("status", 10),
        &["response-status failed response.status"],
    );
    m.forge(
        "response.no-documents",
        "the document was not returned",
        |f| {
            f.whole.remove("documents");
            let error = Tree::Map(vec![(MDL_DOC_TYPE.into(), 0.into())]);
            f.whole.set("documentErrors", Tree::Array(vec![error]));
        },
        &["structure failed response.no-documents"],
    );
    let ask = m.world.ask(&["age_over_18"]);
    let other = ItemsRequest {
        doc_type: OTHER_TYPE.to_owned(),
        ..ask.clone()
    };
    let (ask, other) = (m.world.request(&[ask]), m.world.request(&[other]));
    let response = m.response();
    m.add(
        "requested.document",
        "a photo ID was asked for and a driving licence returned",
        response,
        &["requested warning requested.document"],
    )
    .request = Some(other);
    let licence = m.world.issue().sign();
    let both = m
        .world
        .present(&licence)
        .only(&["age_over_18", "family_name"])
        .response();
    m.add(
        "requested.element",
        "age_over_18 was asked for and the family name returned with it",
        both,
        &["requested warning requested.element"],
    )
    .request = Some(ask);
}

/// A protected header, encoded.
fn header(entries: Vec<(Tree, Tree)>) -> Tree {
    Tree::Bytes(Tree::Map(entries).encode())
}

fn signature(m: &mut Maker) {
    m.forge(
        "alg.missing",
        "the protected header is empty",
        |f| {
            *f.issuer_auth().at(0) = Tree::Bytes(Vec::new());
            f.sign_again();
        },
        &["alg failed alg.missing"],
    );
    m.forge(
        "alg.unsupported",
        "the algorithm is PS256",
        |f| {
            *f.issuer_auth().at(0) = header(vec![(1.into(), (-37).into())]);
            f.sign_again();
        },
        &["alg failed alg.unsupported"],
    );
    m.forge(
        "alg.curve",
        "the algorithm is ES384 and the key is on P-256",
        |f| {
            *f.issuer_auth().at(0) = header(vec![(1.into(), (-35).into())]);
            f.sign_again();
        },
        &["alg failed alg.curve"],
    );
    let p224 = oid::Oid::from_content(&[0x2b, 0x81, 4, 0, 0x21]).unwrap();
    let point: Vec<u8> = (4..61).collect();
    let ds = Parts::of(&m.world.ds).key(p224, &point).sign(&m.world.iaca_key);
    m.signer(
        "alg.ds-key",
        "the signer's key is on P-224, which the standard does not have",
        &ds,
        &["alg failed alg.ds-key", "ds-profile warning cert.public-key"],
    );
    let other = m.world.key("stranger", Curve::P256);
    m.forge(
        "issuer-signature.invalid",
        "another key than that of the certificate made the issuer's signature",
        |f| f.sign_by(&other),
        &["issuer-signature failed issuer-signature.invalid"],
    );
    m.forge(
        "issuer-signature.form",
        "the issuer's signature is in DER",
        |f| {
            let signature = f.issuer_auth().at(3).bytes();
            *signature = der_signature(signature);
        },
        &["issuer-signature failed issuer-signature.form"],
    );
    let fingerprint = m.world.stranger.fingerprint();
    m.forge(
        "x5t.mismatch",
        "the thumbprint under the signature is that of another certificate",
        |f| {
            let thumbprint = Tree::Array(vec![(-16).into(), fingerprint.as_slice().into()]);
            *f.issuer_auth().at(0) = header(vec![(1.into(), (-7).into()), (34.into(), thumbprint)]);
            f.sign_again();
        },
        &["x5t failed x5t.mismatch"],
    );
}

/// A response whose MSO has another `validityInfo`.
fn valid(f: &mut Forgery<'_>, instants: &[(&str, &str)]) {
    f.mso(|mso| {
        for (member, instant) in instants {
            mso.get("validityInfo").set(*member, Tree::tdate(instant));
        }
    });
    f.sign_again();
}

fn mso(m: &mut Maker) {
    m.forge(
        "mso.doctype",
        "the MSO is for a photo ID and the document says that it is a driving licence",
        |f| {
            f.mso(|mso| mso.set("docType", OTHER_TYPE));
            f.sign_again();
        },
        &["mso-doctype failed mso.doctype"],
    );
    m.forge(
        "mso.signed-outside-ds",
        "the MSO was signed a second before the signer's certificate begins",
        |f| valid(f, &[("signed", "2025-12-31T23:59:59Z")]),
        &["mso-signed failed mso.signed-outside-ds"],
    );
    m.forge(
        "mso.not-yet-valid",
        "the document is valid from the next second",
        |f| valid(f, &[("validFrom", "2026-06-01T12:00:01Z")]),
        &["mso-validity failed mso.not-yet-valid"],
    );
    m.forge(
        "mso.expired",
        "the document was valid until the second before",
        |f| valid(f, &[("validUntil", "2026-06-01T11:59:59Z")]),
        &["mso-validity failed mso.expired"],
    );
    m.forge(
        "mso.validity-order",
        "the document is valid from an hour before it was signed",
        |f| valid(f, &[("signed", "2026-06-01T01:00:00Z")]),
        &["mso-validity warning mso.validity-order"],
    );
    m.forge(
        "mso.outlives-ds",
        "the document is valid a second longer than the signer's certificate",
        |f| valid(f, &[("validUntil", "2027-01-01T00:00:01Z")]),
        &["mso-until-ds warning mso.outlives-ds"],
    );
}

fn items(m: &mut Maker) {
    m.forge(
        "digest.mismatch",
        "the family name was changed after it was signed",
        |f| f.item("family_name", |item| item.set("elementValue", "Nováková")),
        &["digest failed digest.mismatch"],
    );
    m.forge(
        "digest-id.missing",
        "the MSO has no digest for the portrait",
        |f| {
            let mut id = Tree::null();
            f.item("portrait", |item| id = item.get("digestID").clone());
            f.mso(|mso| drop(mso.get("valueDigests").get(MDL_NAME_SPACE).remove(id)));
            f.sign_again();
        },
        &["digest-id failed digest-id.missing"],
    );
    m.forge(
        "digest-id.duplicate",
        "the portrait goes by the digest ID of the family name, and so has another digest",
        |f| {
            let mut id = Tree::null();
            f.item("family_name", |item| id = item.get("digestID").clone());
            f.item("portrait", |item| item.set("digestID", id));
        },
        &[
            "digest-id failed digest-id.duplicate",
            "digest failed digest.mismatch",
        ],
    );
    m.forge(
        "digest-id.range",
        "the digest ID of the family name is 2^31",
        |f| {
            f.item("family_name", |item| item.set("digestID", 1 << 31));
            f.digest_again();
        },
        &["digest-id warning digest-id.range"],
    );
    m.forge(
        "salt.short",
        "the salt of the family name has 15 bytes",
        |f| {
            f.item("family_name", |item| item.get("random").bytes().truncate(15));
            f.digest_again();
        },
        &["salt warning salt.short"],
    );
    m.forge(
        "element.duplicate",
        "there are two family names, both signed",
        |f| {
            f.item("portrait", |item| {
                item.set("elementIdentifier", "family_name");
                item.set("elementValue", "Nováková");
            });
            f.digest_again();
        },
        &["dup-element failed element.duplicate"],
    );
    m.forge(
        "country.mismatch",
        "issuing_country is AT and the signer is from UT",
        |f| {
            f.item("issuing_country", |item| item.set("elementValue", "AT"));
            f.digest_again();
        },
        &["country failed country.mismatch"],
    );
    m.forge(
        "country.jurisdiction",
        "issuing_jurisdiction is UT-SB and the signer is from UT-NB",
        |f| {
            f.item("issuing_jurisdiction", |item| item.set("elementValue", "UT-SB"));
            f.digest_again();
        },
        &["country failed country.jurisdiction"],
    );
}

fn device(m: &mut Maker) {
    vouching(m);
    let issued = m.world.issue().only(RELEASED).sign();
    // `inside` reads and writes a COSE_Key again in its order.
    let with_key = |world: &World, bytes: &[u8], change: &dyn Fn(&mut Tree)| {
        let mut forgery = Forgery::of(world, bytes);
        forgery.mso(|mso| change(mso.get("deviceKeyInfo").get("deviceKey")));
        forgery.sign_again();
        forgery.encode()
    };
    let off_curve = |key: &mut Tree| key.get(-3).bytes()[31] ^= 1;
    let koblitz = |key: &mut Tree| key.set(-1, 8);
    let document = with_key(&m.world, &issued, &off_curve);
    m.add(
        "device-key.invalid",
        "the device key is no point of its curve",
        document,
        &["device-key warning device-key.invalid"],
    )
    .kind = Kind::IssuerSigned;
    let document = with_key(&m.world, &issued, &koblitz);
    m.add(
        "device-key.unsupported",
        "the device key is on secp256k1",
        document,
        &["device-key warning device-key.unsupported"],
    )
    .kind = Kind::IssuerSigned;
    let document = with_key(&m.world, &m.response(), &off_curve);
    m.add(
        "device-auth.key",
        "the device key is no point of its curve, and there is a device signature to be checked with it",
        document,
        &[
            "structure failed device-auth.key",
            "device-key warning device-key.invalid",
        ],
    );
    let document = with_key(&m.world, &m.response(), &koblitz);
    m.add(
        "device-auth.key-unsupported",
        "the device key is on secp256k1, and there is a device signature to be checked with it",
        document,
        &[
            "alg failed device-auth.key-unsupported",
            "device-key warning device-key.unsupported",
        ],
    );
    m.forge(
        "device-auth.alg",
        "the algorithm of the device's signature is ES384 and its key is on P-256",
        |f| *f.device_auth().at(0) = header(vec![(1.into(), (-35).into())]),
        &["alg failed device-auth.alg"],
    );
    let (response, session) = (m.response(), World::new(19).transcript);
    m.add(
        "device-auth.signature",
        "the device's signature was made in another session",
        response,
        &["device-auth failed device-auth.signature"],
    )
    .transcript = Some(session.raw().to_vec());
    m.forge(
        "device-auth.payload",
        "the device's signature carries another payload than that of this session",
        |f| *f.device_auth().at(2) = Tree::from("payload").embedded().encode().as_slice().into(),
        &[
            "device-auth failed device-auth.payload",
            "encoding warning encoding.payload-attached",
        ],
    );
    let mac = m
        .world
        .present(&m.world.issue().sign())
        .only(RELEASED)
        .mac()
        .response();
    let mut changed = Forgery::of(&m.world, &mac);
    changed.device_auth().at(3).bytes()[0] ^= 1;
    let (changed, reader_key) = (changed.encode(), jwk(&m.world.e_reader_key));
    m.add(
        "device-auth.mac",
        "a bit of the device's MAC is another",
        changed,
        &["device-auth failed device-auth.mac"],
    )
    .reader_key = Some(reader_key);
    let p384 = jwk(m.world.key("reader on P-384", Curve::P384).secret());
    m.add(
        "device-auth.mac-key",
        "the reader's key of the session is on P-384 and the device key on P-256",
        mac,
        &["device-auth failed device-auth.mac-key"],
    )
    .reader_key = Some(p384);
}

fn vouching(m: &mut Maker) {
    m.forge(
        "key-auth.element",
        "the device vouches for an element, and the issuer authorised none",
        |f| {
            let elements = Tree::Map(vec![("badge".into(), "A7".into())]);
            let spaces = Tree::Map(vec![("org.example.pass".into(), elements)]);
            f.device_signed().set("nameSpaces", spaces.embedded());
            f.sign_device_again();
        },
        &["key-auth failed key-auth.element"],
    );
    let element = |name: &str| vec![(MDL_NAME_SPACE.to_owned(), vec![name.to_owned()])];
    let authorizations = KeyAuthorizations {
        name_spaces: Vec::new(),
        data_elements: element("height"),
    };
    let licence = m.world.issue().authorize(authorizations).sign();
    let height = vec![("height".to_owned(), Value::Integer(176.into()))];
    let response = m
        .world
        .present(&licence)
        .only(RELEASED)
        .vouch(vec![(MDL_NAME_SPACE.to_owned(), height)])
        .response();
    m.add(
        "key-auth.mdl-element",
        "the device vouches for the height, as it was authorised to",
        response,
        &["key-auth warning key-auth.mdl-element"],
    );
}

fn elements(m: &mut Maker) {
    let text = |text: &str| Value::Text(text.to_owned());
    let with = |m: &Maker, name: &str, value: Value| {
        let licence = m.world.issue().with(name, value).sign();
        m.world.present(&licence).only(&["family_name", name]).response()
    };
    let document = with(m, "birth_date", text("1998-08-14"));
    m.add(
        "element.type",
        "the birth date is a text without a tag",
        document,
        &["mdl-elements warning element.type"],
    );
    let document = with(m, "sex", Value::Integer(3.into()));
    m.add(
        "element.value",
        "the sex is 3, which ISO/IEC 5218 does not have",
        document,
        &["mdl-elements warning element.value"],
    );
    let document = with(m, "age_over18", Value::Bool(true));
    m.add(
        "element.unknown",
        "an element is called age_over18, without the second underscore",
        document,
        &["mdl-elements warning element.unknown"],
    );
}
