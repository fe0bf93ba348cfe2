//! The steps about what the issuer signed.

use core::time::Duration;
use std::borrow::Cow;

use super::check::Check;
use super::reason::{Code, Detail, Why};
use super::report::{DocumentReport, Steps};
use super::{Inputs, MDL_DOC_TYPE, MDL_NAME_SPACE, certificates, device, elements};
use crate::cbor::{Embedded, Item, Shape};
use crate::cose::{CoseFault, Sign1};
use crate::crypto::{CryptoError, DigestAlgorithm};
use crate::error::DecodeError;
use crate::issuer_signed::{self, IssuerSignedItem, NameSpaces};
use crate::mso::MobileSecurityObject;
use crate::x509::Certificate;

/// A document taken apart; what is missing was reported before.
pub(super) struct Parts<'b> {
    /// The type that the document claims; an issued document alone claims none.
    pub(super) doc_type: Option<String>,
    pub(super) issuer_signed: Option<Item<'b>>,
    /// None for an issued document alone; an error for one that lacks it.
    pub(super) device_signed: Option<Result<Item<'b>, ()>>,
}

/// The procedure for one document.
pub(super) fn inspect<'b>(
    parts: Parts<'b>,
    shape: Shape,
    mut steps: Steps,
    inputs: &Inputs<'_>,
) -> DocumentReport<'b> {
    let mut shape = shape;
    let issuer_auth = parts
        .issuer_signed
        .and_then(|item| issuer_auth(item, &mut steps, inputs));
    let mso = issuer_auth
        .as_ref()
        .and_then(|auth| mso(auth, &mut shape, &mut steps, inputs));
    let doc_type = parts
        .doc_type
        .clone()
        .or_else(|| mso.as_ref().map(|mso| mso.doc_type.clone()));

    let chain = issuer_auth
        .as_ref()
        .and_then(|auth| certificates::chain(auth, &mut steps));
    if let (Some(auth), Some(chain)) = (&issuer_auth, &chain) {
        certificates::inspect(chain, doc_type.as_deref(), &mut steps, inputs);
        signature(auth, chain, &mut steps, inputs);
    }
    if let Some(mso) = &mso {
        inspect_mso(
            mso,
            parts.doc_type.as_deref(),
            chain.as_deref(),
            &mut steps,
            inputs,
        );
    }
    let name_spaces = parts.issuer_signed.and_then(|item| {
        issuer_signed::name_spaces(item)
            .map_err(|error| steps.decode_error(error.within("issuerSigned")))
            .ok()
    });
    let name_spaces = name_spaces.unwrap_or_default();
    let mut seen = Vec::new();
    items(
        &name_spaces,
        mso.as_ref(),
        &mut shape,
        &mut seen,
        &mut steps,
        inputs,
    );
    let device_signed = device::inspect(
        parts.device_signed,
        doc_type.as_deref(),
        mso.as_ref(),
        &mut seen,
        &mut steps,
        inputs,
    );
    duplicates(&mut seen, &mut steps);
    country(
        &name_spaces,
        doc_type.as_deref(),
        chain.as_deref(),
        &mut steps,
        inputs,
    );
    if parts.issuer_signed.is_some() {
        elements::inspect(&name_spaces, doc_type.as_deref(), &mut steps, inputs);
        requested(&seen, doc_type.as_deref(), &mut steps, inputs);
    }
    form(shape, &mut steps);
    if parts.device_signed.is_none() {
        steps.not_done(Check::ResponseStatus, Why::NoDeviceSigned);
    }
    DocumentReport {
        doc_type,
        steps: steps.finish(),
        policy: inputs.policy,
        issuer_signed: name_spaces,
        device_signed,
        limits: inputs.limits,
    }
}

/// Decoding that found nothing wrong in any part has passed.
fn form(shape: Shape, steps: &mut Steps) {
    if shape.indefinite + shape.not_shortest > 0 {
        let counts = format!(
            "{} indefinite, {} not the shortest",
            shape.indefinite, shape.not_shortest
        );
        steps.find(Code::NotPreferred, Detail::Text(counts));
    }
    for check in [
        Check::Decode,
        Check::DuplicateKeys,
        Check::Embedded,
        Check::Structure,
        Check::Version,
        Check::Encoding,
    ] {
        steps.pass_unless_found(check);
    }
}

fn issuer_auth<'b>(item: Item<'b>, steps: &mut Steps, inputs: &Inputs<'_>) -> Option<Sign1<'b>> {
    let decoded = item
        .member("issuerAuth")
        .and_then(|auth| Sign1::decode(auth, &inputs.limits));
    match decoded {
        Ok(auth) => {
            if auth.tagged() {
                steps.find(Code::CoseTagged, Detail::Text("issuerAuth".to_owned()));
            }
            if auth.x5chain_is_protected() {
                steps.find(Code::X5chainProtected, Detail::None);
            }
            Some(auth)
        }
        Err(error) => {
            steps.decode_error(error.within("issuerAuth"));
            None
        }
    }
}

fn mso(
    auth: &Sign1<'_>,
    shape: &mut Shape,
    steps: &mut Steps,
    inputs: &Inputs<'_>,
) -> Option<MobileSecurityObject> {
    let decode = || {
        let payload = auth.payload().ok_or(DecodeError::missing("payload"))?;
        let (payload, outer) = Item::parse_with_shape(payload, &inputs.limits)?;
        let bytes = Embedded::new(payload)?;
        let (item, inner) = bytes.item_with_shape(&inputs.limits)?;
        Ok((MobileSecurityObject::decode(item)?, outer.and(inner)))
    };
    match decode() {
        Ok((mso, found)) => {
            *shape = shape.and(found);
            Some(mso)
        }
        Err(error) => {
            let error: DecodeError = error;
            steps.decode_error(error.within("payload").within("issuerAuth"));
            None
        }
    }
}

fn signature(auth: &Sign1<'_>, chain: &[Certificate], steps: &mut Steps, inputs: &Inputs<'_>) {
    let Some(ds) = chain.first() else { return };
    match auth.thumbprint() {
        Some(thumbprint) if thumbprint != ds.fingerprint() => {
            steps.find(Code::ThumbprintMismatch, Detail::None);
        }
        Some(_) => steps.pass(Check::Thumbprint),
        None => steps.not_done(Check::Thumbprint, Why::NotApplicable),
    }
    let key = match ds.public_key() {
        Ok(key) => key,
        Err(why) => {
            steps.find(Code::DsKeyUnusable, Detail::Text(why.to_string()));
            return;
        }
    };
    let Some(payload) = auth.payload() else { return };
    match auth.verify(&key, payload, inputs.backend) {
        Ok(()) => {
            steps.pass(Check::Algorithm);
            steps.pass(Check::IssuerSignature);
        }
        Err(fault) if fault.is_algorithm() => {
            let code = match fault {
                CoseFault::AlgorithmMissing => Code::AlgMissing,
                CoseFault::AlgorithmCurve(..) => Code::AlgCurve,
                _ => Code::AlgUnsupported,
            };
            steps.find(code, Detail::Cose(fault));
        }
        Err(fault) => {
            steps.pass(Check::Algorithm);
            let code = match fault {
                CoseFault::Crypto(CryptoError::SignatureLength { .. }) => Code::IssuerSignatureForm,
                _ => Code::IssuerSignatureInvalid,
            };
            steps.find(code, Detail::Cose(fault));
        }
    }
}

fn inspect_mso(
    mso: &MobileSecurityObject,
    claimed: Option<&str>,
    chain: Option<&[Certificate]>,
    steps: &mut Steps,
    inputs: &Inputs<'_>,
) {
    match claimed {
        None => steps.not_done(Check::MsoDocType, Why::NoDeviceSigned),
        Some(claimed) if claimed == mso.doc_type => steps.pass(Check::MsoDocType),
        Some(claimed) => {
            let differs = Detail::Differs {
                found: mso.doc_type.clone(),
                expected: claimed.to_owned(),
            };
            steps.find(Code::MsoDocType, differs);
        }
    }
    let validity = mso.validity_info;
    if !validity.strictly_written {
        steps.find(Code::TimeForm, Detail::None);
    }
    if validity.valid_from < validity.signed || validity.valid_until <= validity.valid_from {
        steps.find(Code::MsoValidityOrder, Detail::None);
    }
    let skew: Duration = steps.policy().clock_skew;
    if inputs.now.plus(skew) < validity.valid_from {
        steps.find(
            Code::MsoNotYetValid,
            Detail::Time {
                limit: validity.valid_from,
                at: inputs.now,
            },
        );
    } else if inputs.now.minus(skew) > validity.valid_until {
        steps.find(
            Code::MsoExpired,
            Detail::Time {
                limit: validity.valid_until,
                at: inputs.now,
            },
        );
    }
    steps.pass_unless_found(Check::MsoValidity);
    if let Some(ds) = chain.and_then(<[_]>::first) {
        if validity.signed < ds.not_before() {
            let limit = ds.not_before();
            steps.find(
                Code::MsoSignedOutsideDs,
                Detail::Time {
                    limit,
                    at: validity.signed,
                },
            );
        } else if validity.signed_at_the_latest > ds.not_after() {
            let limit = ds.not_after();
            steps.find(
                Code::MsoSignedOutsideDs,
                Detail::Time {
                    limit,
                    at: validity.signed,
                },
            );
        } else {
            steps.pass(Check::MsoSigned);
        }
        if validity.valid_until > ds.not_after() {
            let limit = ds.not_after();
            steps.find(
                Code::MsoOutlivesDs,
                Detail::Time {
                    limit,
                    at: validity.valid_until,
                },
            );
        } else {
            steps.pass(Check::MsoOutlivesDs);
        }
    }
    let why = if mso.status.is_some() {
        Why::StatusNotFetched
    } else {
        Why::NoStatusReference
    };
    steps.not_done(Check::Status, why);
    device::key(mso, steps);
}

/// An element that was returned: namespace, name.
pub(super) type Seen<'s> = (Cow<'s, str>, String);

fn items<'b>(
    name_spaces: &NameSpaces<'b>,
    mso: Option<&MobileSecurityObject>,
    shape: &mut Shape,
    seen: &mut Vec<Seen<'b>>,
    steps: &mut Steps,
    inputs: &Inputs<'_>,
) {
    let mut all_read = true;
    for (name_space, items) in name_spaces {
        let mut used = Vec::with_capacity(items.len());
        for embedded in items {
            let decoded = embedded
                .item_with_shape(&inputs.limits)
                .and_then(|(item, found)| {
                    *shape = shape.and(found);
                    IssuerSignedItem::decode(item)
                });
            let item = match decoded {
                Ok(item) => item,
                Err(error) => {
                    steps.decode_error(error.within(name_space).within("nameSpaces"));
                    all_read = false;
                    continue;
                }
            };
            used.push(item.digest_id);
            inspect_item(name_space, embedded, &item, mso, steps, inputs);
            seen.push((name_space.clone(), item.element_identifier.into_owned()));
        }
        used.sort_unstable();
        for pair in used.windows(2) {
            if let [a, b] = pair
                && a == b
            {
                steps.find(
                    Code::DigestIdTwice,
                    Detail::DigestId {
                        name_space: name_space.to_string(),
                        id: *a,
                    },
                );
            }
        }
    }
    // An item that does not decode was not compared with its digest, and that is no pass.
    if mso.is_some() && all_read {
        for check in [Check::Digest, Check::DigestId, Check::Salt] {
            steps.pass_unless_found(check);
        }
    }
}

fn inspect_item(
    name_space: &str,
    embedded: &Embedded<'_>,
    item: &IssuerSignedItem<'_>,
    mso: Option<&MobileSecurityObject>,
    steps: &mut Steps,
    inputs: &Inputs<'_>,
) {
    const MOST: u64 = 1 << 31;
    let element = || Detail::Element {
        name_space: name_space.to_owned(),
        element: item.element_identifier.to_string(),
        what: "",
    };
    if item.digest_id >= MOST {
        let id = item.digest_id;
        steps.find(
            Code::DigestIdRange,
            Detail::DigestId {
                name_space: name_space.to_owned(),
                id,
            },
        );
    }
    if item.random.len() < 16 {
        steps.find(Code::SaltShort, element());
    }
    let Some(mso) = mso else { return };
    let algorithm: DigestAlgorithm = mso.digest_algorithm;
    match mso.value_digests.get(name_space, item.digest_id) {
        None => steps.find(Code::DigestMissing, element()),
        // Over the bytes received, tag and head included: never over a new encoding.
        Some(signed) if inputs.backend.digest(algorithm, &[embedded.raw()]).as_ref() != signed.as_ref() => {
            steps.find(Code::DigestMismatch, element());
        }
        Some(_) => {}
    }
}

fn duplicates(seen: &mut [Seen<'_>], steps: &mut Steps) {
    seen.sort_unstable();
    for pair in seen.windows(2) {
        if let [a, b] = pair
            && a == b
        {
            let (name_space, element) = (a.0.to_string(), a.1.clone());
            steps.find(
                Code::ElementTwice,
                Detail::Element {
                    name_space,
                    element,
                    what: "",
                },
            );
        }
    }
    steps.pass_unless_found(Check::DuplicateElement);
}

/// The text of an element of the mDL namespace.
fn mdl_text(name_spaces: &NameSpaces<'_>, identifier: &str, inputs: &Inputs<'_>) -> Option<Option<String>> {
    let items = name_spaces
        .iter()
        .filter(|(name, _)| name == MDL_NAME_SPACE)
        .flat_map(|(_, items)| items);
    for embedded in items {
        let Ok(item) = embedded.item(&inputs.limits).and_then(IssuerSignedItem::decode) else {
            continue;
        };
        if item.element_identifier == identifier {
            return Some(item.element_value.text().map(Cow::into_owned));
        }
    }
    None
}

fn country(
    name_spaces: &NameSpaces<'_>,
    doc_type: Option<&str>,
    chain: Option<&[Certificate]>,
    steps: &mut Steps,
    inputs: &Inputs<'_>,
) {
    if doc_type.is_some_and(|doc_type| doc_type != MDL_DOC_TYPE) {
        steps.not_done(Check::Country, Why::NotApplicable);
        return;
    }
    let Some(ds) = chain.and_then(<[_]>::first) else {
        return;
    };
    let subject = ds.subject();
    let mut compared = false;
    let mut compare = |identifier: &str, expected: Option<String>, code: Code| {
        if let Some(found) = mdl_text(name_spaces, identifier, inputs) {
            compared = true;
            if found.is_none() || found != expected {
                // What the document says is its own; what the certificate says is for everybody.
                let expected = expected.unwrap_or_else(|| "none".to_owned());
                steps.find(code, Detail::Text(format!("the certificate has `{expected}`")));
            }
        }
    };
    compare("issuing_country", subject.country(), Code::CountryMismatch);
    if let Some(state) = subject.state_or_province() {
        compare("issuing_jurisdiction", Some(state), Code::JurisdictionMismatch);
    }
    if compared {
        steps.pass_unless_found(Check::Country);
    } else {
        steps.not_done(Check::Country, Why::NotApplicable);
    }
}

/// Nothing but what was asked for: documents by type, elements by name, ages by the nearest-age rule.
fn requested(seen: &[Seen<'_>], doc_type: Option<&str>, steps: &mut Steps, inputs: &Inputs<'_>) {
    let Some(requests) = inputs.request else {
        steps.not_done(Check::Requested, Why::NoRequest);
        return;
    };
    // One type may be asked for more than once: for alternatives, or by several sets of a use case.
    let of_type: Vec<_> = requests
        .iter()
        .filter(|request| Some(request.doc_type.as_str()) == doc_type)
        .collect();
    if of_type.is_empty() {
        steps.find(
            Code::UnrequestedDocument,
            Detail::Text(doc_type.unwrap_or("of unknown type").to_owned()),
        );
        return;
    }
    for (name_space, element) in seen {
        let asked = of_type
            .iter()
            .flat_map(|request| &request.name_spaces)
            .filter(|(name, _)| name == name_space)
            .flat_map(|(_, asked)| asked);
        let is_age = crate::present::age_threshold(element).is_some();
        let mut answers = asked.map(|asked| {
            asked.identifier == *element
                || (is_age && crate::present::age_threshold(&asked.identifier).is_some())
        });
        if !answers.any(|answers| answers) {
            let (name_space, element) = (name_space.to_string(), element.clone());
            steps.find(
                Code::UnrequestedElement,
                Detail::Element {
                    name_space,
                    element,
                    what: "",
                },
            );
        }
    }
    steps.pass_unless_found(Check::Requested);
}
