//! What an accepted document must be, worked out a second time from what was sent and from who signed.
//!
//! The security object is read here by another reader, and digests are compared by `sha2`, so that nothing of the
//! verifier vouches for itself.

use ciborium::Value;
use integration::statuses::{INDEX, URI};
use integration::tree::Tree;
use mdoc_core::seams::Signer as _;
use mdoc_core::verify::{Accepted, Form, Source};
use mdoc_core::x509::{Certificate, KeyUsage};

use super::build::Sent;
use super::model::{Model, Payload, Spoil, hash};
use super::reader::read;
use super::tables;

/// Stops the run if the document should not have been accepted.
pub(super) fn check(model: &Model, sent: &Sent, form: Form, accepted: &Accepted<'_>) {
    let mso = read(&sent.mso).expect("an accepted MSO is CBOR");
    signed_by_the_certificate(model);
    let mut issued = 0;
    for element in accepted.elements() {
        if element.source == Source::Issuer {
            let found = items(sent, &element.name_space).any(|item| {
                covers(
                    item,
                    &mso,
                    &element.name_space,
                    &element.identifier,
                    element.value.raw(),
                )
            });
            assert!(
                found,
                "`{}` is not what the MSO has a digest of",
                element.identifier
            );
            issued += 1;
        }
    }
    let all: usize = sent.items.iter().map(|(_, items)| items.len()).sum();
    assert_eq!(issued, all, "every item is an element, and none is passed over");
    let mut names: Vec<_> = accepted
        .elements()
        .iter()
        .map(|one| (&one.name_space, &one.identifier))
        .collect();
    names.sort();
    assert!(names.is_sorted_by(|a, b| a < b), "an element is there twice");
    assert_eq!(text(get(&mso, "version")).split('.').next(), Some("1"));
    validity(model, &mso);
    revocation(model, &mso);
    if form != Form::IssuerSigned {
        assert_eq!(text(get(&mso, "docType")), accepted.doc_type());
        device(model, &mso, accepted);
    }
}

fn signed_by_the_certificate(model: &Model) {
    assert!(
        model.issuer_spoil == Spoil::No,
        "the issuer's signature was spoiled"
    );
    assert!(model.tampered.is_none() || model.spaces.first().is_none_or(|(_, items)| items.is_empty()));
    let leaf = tables::chains()[model.chain].first().expect("a certificate");
    let leaf = Certificate::from_der(leaf).expect("one that decodes");
    let signer = tables::keys()[model.issuer_key].public_key();
    assert_eq!(leaf.public_key().as_ref(), Ok(signer), "another key signed");
    let now = tables::instants()[model.now];
    assert!(leaf.is_valid_at(now), "the signer's certificate is not valid now");
    let (world, anchors) = (crate::fixtures::world(), &tables::anchors()[model.anchors]);
    // Of a signer that is trusted itself nobody is known who could revoke it, a root that may not sign lists revokes
    // nobody, and a list is good for its time alone.
    let is_pinned = anchors.iter().any(|anchor| anchor.certificate == leaf);
    let is_told = anchors.iter().all(|anchor| {
        let usage = anchor.certificate.key_usage();
        usage.is_some_and(|usage| usage.is_ok_and(|usage| usage.contains(KeyUsage::CRL_SIGN)))
    });
    if now == world.now && !is_pinned && is_told {
        assert!(model.list != Some(1) || leaf != world.ds, "it is revoked");
    }
    assert!(!anchors.is_empty(), "nobody is trusted");
}

/// Neither the document nor its signer was revoked, by what was at hand when all of it was made.
fn revocation(model: &Model, mso: &Value) {
    let now = tables::instants()[model.now] == crate::fixtures::world().now;
    let by_the_root = model.anchors == 0;
    let leaf = tables::chains()[model.chain].first();
    if now && by_the_root && leaf.is_some_and(|leaf| leaf == crate::fixtures::world().ds.der()) {
        assert!(model.ocsp != Some(1), "the signer was revoked, by an answer");
        let list = get(get(mso, "status"), "status_list");
        let refers = text(get(list, "uri")) == URI && *get(list, "idx") == Value::from(INDEX);
        let bad = model.status.is_some_and(|which| tables::statuses()[which].1);
        assert!(!(refers && bad), "the document was revoked");
    }
}

fn items<'s>(sent: &'s Sent, name_space: &str) -> impl Iterator<Item = &'s [u8]> {
    let name = Tree::from(name_space);
    let of_name = sent
        .items
        .iter()
        .filter(move |(known, _)| *known == name || matches!(known, Tree::Raw(_)));
    of_name.flat_map(|(_, items)| items.iter().map(Vec::as_slice))
}

/// Whether an encoded item is that element, and the security object has its digest.
fn covers(item: &[u8], mso: &Value, name_space: &str, identifier: &str, value: &[u8]) -> bool {
    let Some(Value::Tag(24, content)) = read(item) else {
        return false;
    };
    let Some(decoded) = read(content.as_bytes().unwrap()) else {
        return false;
    };
    let has_value = content
        .as_bytes()
        .unwrap()
        .windows(value.len())
        .any(|part| part == value);
    let id = get(&decoded, "digestID");
    let digests = get(get(mso, "valueDigests"), name_space);
    let digest = digests
        .as_map()
        .and_then(|digests| digests.iter().find(|(known, _)| known == id));
    text(get(&decoded, "elementIdentifier")) == identifier
        && has_value
        && digest.and_then(|(_, digest)| digest.as_bytes())
            == Some(&hash(text(get(mso, "digestAlgorithm")), item))
}

/// Valid at the instant that it was judged by: compared as text, where the text has the form of the standard.
fn validity(model: &Model, mso: &Value) {
    let now = tables::instants()[model.now].to_string();
    let info = get(mso, "validityInfo");
    let instant = |name| match get(info, name) {
        Value::Tag(0, inner) => text(inner),
        _ => panic!("`{name}` is no date"),
    };
    let strict = |instant: &str| instant.len() == 20 && instant.ends_with('Z');
    let (from, until) = (instant("validFrom"), instant("validUntil"));
    assert!(
        !strict(from) || from <= now.as_str(),
        "valid from {from} on, and it is {now}"
    );
    assert!(
        !strict(until) || until >= now.as_str(),
        "valid until {until}, and it is {now}"
    );
}

fn device(model: &Model, mso: &Value, accepted: &Accepted<'_>) {
    if model.transcript && (model.reader_key || !model.mac) {
        assert!(model.device_spoil == Spoil::No, "the device's proof was spoiled");
        assert!(
            model.payload != Payload::Other,
            "the device's proof is over something else"
        );
        let key = get(get(mso, "deviceKeyInfo"), "deviceKey");
        let (x, _) = tables::keys()[model.device_key].public_key().coordinates();
        let entries = key.as_map().expect("a key");
        let found = entries.iter().find(|(label, _)| *label == Value::from(-2));
        assert_eq!(
            found.and_then(|(_, x)| x.as_bytes()).map(Vec::as_slice),
            Some(x),
            "another device"
        );
    } else {
        assert!(!model.strict, "nobody looked at the device's proof");
    }
    for element in accepted
        .elements()
        .iter()
        .filter(|one| one.source == Source::Device)
    {
        let info = get(mso, "deviceKeyInfo");
        let authorized = get(info, "keyAuthorizations");
        let whole = get(authorized, "nameSpaces").as_array().into_iter().flatten();
        let single = get(get(authorized, "dataElements"), &element.name_space).as_array();
        let permitted = whole.map(text).any(|name| name == element.name_space)
            || single
                .into_iter()
                .flatten()
                .map(text)
                .any(|name| name == element.identifier);
        assert!(permitted, "the device may not vouch for `{}`", element.identifier);
    }
}

const NOTHING: Value = Value::Null;

fn get<'v>(value: &'v Value, key: &str) -> &'v Value {
    let entries = value.as_map().into_iter().flatten();
    let mut found = entries.filter(|(name, _)| name.as_text() == Some(key));
    found.next().map_or(&NOTHING, |(_, value)| value)
}

fn text(value: &Value) -> &str {
    value.as_text().unwrap_or_default()
}
