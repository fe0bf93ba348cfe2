//! The steps about the elements that were returned: their digests, and what they are beside the rest.

use std::borrow::Cow;

use super::check::Check;
use super::reason::{Code, Detail, Why};
use super::report::Steps;
use super::{Inputs, MDL_DOC_TYPE, MDL_NAME_SPACE};
use crate::cbor::{Embedded, Shape};
use crate::crypto::{DigestAlgorithm, equal_in_constant_time};
use crate::device_signed::Elements;
use crate::issuer_signed::{IssuerSignedItem, NameSpaces};
use crate::mso::MobileSecurityObject;
use crate::x509::{Certificate, oid};

/// An element that the issuer signed, decoded once for all steps.
pub(super) struct Released<'s> {
    pub(super) name_space: &'s str,
    pub(super) item: IssuerSignedItem<'s>,
}

/// An element that was returned: namespace, name.
pub(super) type Seen<'s> = (&'s str, &'s str);

/// Decodes the items and compares each with its digest; those that do not decode are reported and left out. `complete`
/// says that the namespaces could be read at all.
pub(super) fn decode<'s>(
    name_spaces: &'s NameSpaces<'_>,
    complete: bool,
    mso: Option<&MobileSecurityObject>,
    shape: &mut Shape,
    steps: &mut Steps,
    inputs: &Inputs<'_>,
) -> Vec<Released<'s>> {
    let mut released = Vec::with_capacity(name_spaces.iter().map(|(_, items)| items.len()).sum());
    let mut used = Vec::new();
    let mut all_read = complete;
    for (name_space, items) in name_spaces {
        used.clear();
        used.reserve(items.len());
        for embedded in items {
            let decoded = IssuerSignedItem::read_with_shape(embedded, &inputs.limits);
            let decoded = decoded.and_then(|(found, item)| {
                *shape = shape.and(found);
                item
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
            released.push(Released { name_space, item });
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
    released
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
        Some(signed) => {
            let digest = inputs.backend.digest(algorithm, &[embedded.raw()]);
            if !equal_in_constant_time(digest.as_ref(), signed.as_ref()) {
                steps.find(Code::DigestMismatch, element());
            }
        }
    }
}

/// The names of all elements, those of the issuer first.
pub(super) fn seen<'s>(released: &'s [Released<'_>], of_device: &'s Elements<'_>) -> Vec<Seen<'s>> {
    let of_issuer = released
        .iter()
        .map(|released| (released.name_space, released.item.element_identifier.as_ref()));
    let of_device = of_device.iter().flat_map(|(name_space, elements)| {
        elements
            .iter()
            .map(|(element, _)| (name_space.as_ref(), element.as_ref()))
    });
    let mut seen = Vec::with_capacity(released.len());
    seen.extend(of_issuer);
    seen.extend(of_device);
    seen
}

/// Sorts the names, and reports those that are there twice.
pub(super) fn duplicates(seen: &mut [Seen<'_>], steps: &mut Steps) {
    seen.sort_unstable();
    for pair in seen.windows(2) {
        if let [a, b] = pair
            && a == b
        {
            let (name_space, element) = (a.0.to_owned(), a.1.to_owned());
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

/// A driving licence names the country and jurisdiction of the certificate that signed it.
pub(super) fn country(
    released: &[Released<'_>],
    doc_type: Option<&str>,
    ds: Option<&Certificate>,
    steps: &mut Steps,
) {
    if doc_type.is_some_and(|doc_type| doc_type != MDL_DOC_TYPE) {
        steps.not_done(Check::Country, Why::NotApplicable);
        return;
    }
    let Some(ds) = ds else { return };
    let subject = ds.subject();
    let mut compared = false;
    let mut compare = |identifier: &str, expected: Option<Cow<'_, str>>, code: Code| {
        let mut of_mdl = released
            .iter()
            .filter(|released| released.name_space == MDL_NAME_SPACE);
        if let Some(found) = of_mdl.find(|released| released.item.element_identifier == identifier) {
            compared = true;
            let found = found.item.element_value.text();
            if found.is_none() || found != expected {
                // What the document says is its own; what the certificate says is for everybody.
                let expected = expected.unwrap_or(Cow::Borrowed("none"));
                steps.find(code, Detail::Text(format!("the certificate has `{expected}`")));
            }
        }
    };
    compare(
        "issuing_country",
        subject.text(oid::COUNTRY),
        Code::CountryMismatch,
    );
    if let state @ Some(_) = subject.text(oid::STATE_OR_PROVINCE) {
        compare("issuing_jurisdiction", state, Code::JurisdictionMismatch);
    }
    if compared {
        steps.pass_unless_found(Check::Country);
    } else {
        steps.not_done(Check::Country, Why::NotApplicable);
    }
}

/// Nothing but what was asked for: documents by type, elements by name, ages by the nearest-age rule.
pub(super) fn requested(seen: &[Seen<'_>], doc_type: Option<&str>, steps: &mut Steps, inputs: &Inputs<'_>) {
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
            asked.identifier == **element
                || (is_age && crate::present::age_threshold(&asked.identifier).is_some())
        });
        if !answers.any(|answers| answers) {
            let (name_space, element) = ((*name_space).to_owned(), (*element).to_owned());
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
