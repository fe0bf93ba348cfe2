//! Documents: what the issuer signed, what the device signed, what is in them.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use base64ct::{Base64UrlUnpadded, Encoding as _};
use mdoc_core::cbor::{Embedded, Item};
use mdoc_core::cose::{Mac0, Sign1};
use mdoc_core::device_response::{DeviceResponse, element_errors};
use mdoc_core::device_signed::device_elements;
use mdoc_core::issuer_signed::IssuerSignedItem;
use mdoc_core::limits::Limits;
use mdoc_core::mso::{KeyAuthorizations, MobileSecurityObject, Status};
use mdoc_core::time::Timestamp;
use mdoc_core::value::to_json;
use serde_json::json;

use super::tree::Node;
use super::{Context, certificate, time, value};

/// Digest IDs that elements refer to, by namespace.
type Referred = BTreeMap<String, BTreeSet<u64>>;

/// A whole response.
pub(super) fn response(item: Item<'_>, context: Context<'_>) -> Vec<Node> {
    let decoded = match DeviceResponse::from_item(item, context.limits) {
        Ok(decoded) => decoded,
        Err(error) => {
            // As far as it goes: the documents may be well all the same.
            let mut nodes = vec![Node::fault("DeviceResponse", error)];
            let documents = item.get("documents").and_then(Item::array).into_iter().flatten();
            nodes.push(documents_of(documents.take(context.limits.documents), context));
            return nodes;
        }
    };
    let meaning = match decoded.status {
        0 => "OK",
        10 => "general error",
        11 => "the request could not be decoded",
        12 => "the request was not valid",
        _ => "unknown",
    };
    let mut nodes = vec![
        Node::text("version", &decoded.version),
        Node::value("status", decoded.status.to_string(), decoded.status).remark(Some(meaning)),
        documents_of(decoded.documents.into_iter(), context),
    ];
    if !decoded.document_errors.is_empty() {
        let errors = decoded.document_errors.iter();
        let errors = errors
            .map(|(doc_type, code)| error_code(doc_type, *code))
            .collect();
        nodes.push(Node::group("documentErrors", errors));
    }
    nodes
}

fn documents_of<'b>(items: impl Iterator<Item = Item<'b>>, context: Context<'_>) -> Node {
    let documents: Vec<Node> = items
        .enumerate()
        .map(|(index, item)| Node::group(format!("document {}", index + 1), document(item, context)))
        .collect();
    let none = documents.is_empty();
    Node::list("documents", documents).summary(if none { "none" } else { "" })
}

fn error_code(name: &str, code: i64) -> Node {
    let remark = (code == 0).then_some("not returned, no reason given");
    Node::value(name, code.to_string(), code).remark(remark)
}

/// One document of a response.
pub(super) fn document(item: Item<'_>, context: Context<'_>) -> Vec<Node> {
    let mut nodes = vec![match item.get("docType").and_then(Item::text) {
        Some(doc_type) => Node::text("docType", doc_type),
        None => Node::fault("docType", "`docType` is missing or no text"),
    }];
    nodes.push(match item.get("issuerSigned") {
        Some(inner) => Node::group("issuerSigned", issuer_signed(inner, context)),
        None => Node::fault("issuerSigned", "`issuerSigned` is missing"),
    });
    nodes.push(match item.get("deviceSigned") {
        Some(inner) => Node::group("deviceSigned", device_signed(inner, context)),
        None => Node::fault("deviceSigned", "`deviceSigned` is missing"),
    });
    let errors = element_errors(item);
    if !errors.is_empty() {
        let mut spaces: Vec<(Cow<'_, str>, Vec<Node>)> = Vec::new();
        for error in errors {
            let node = error_code(&error.element_identifier, error.code);
            match spaces.iter_mut().find(|(name, _)| *name == error.name_space) {
                Some((_, nodes)) => nodes.push(node),
                None => spaces.push((error.name_space, vec![node])),
            }
        }
        let spaces = spaces.into_iter().map(|(name, nodes)| Node::group(name, nodes));
        nodes.push(Node::group("errors", spaces.collect()));
    }
    nodes
}

/// What the issuer gave.
pub(super) fn issuer_signed(item: Item<'_>, context: Context<'_>) -> Vec<Node> {
    let (elements, referred) = name_spaces(item, context);
    let mut nodes = Vec::new();
    let auth = item
        .get("issuerAuth")
        .map(|auth| Sign1::decode(auth, context.limits));
    let signer = match &auth {
        Some(Ok(auth)) => {
            match auth
                .payload()
                .map(|payload| mso_payload(payload, context, Some(&referred)))
            {
                Some(Ok(mso)) => nodes.extend(mso),
                Some(Err(fault)) => nodes.push(*fault),
                None => nodes.push(Node::fault("mso", "the signed payload is missing")),
            }
            Node::group("issuerAuth", signature(auth, context))
        }
        Some(Err(error)) => Node::fault("issuerAuth", error),
        None => Node::fault("issuerAuth", "`issuerAuth` is missing"),
    };
    nodes.extend([elements, signer]);
    nodes
}

/// The MSO in a payload; what of it can be seen if it does not decode.
pub(super) fn mso_payload(
    payload: &[u8],
    context: Context<'_>,
    referred: Option<&Referred>,
) -> Result<Vec<Node>, Box<Node>> {
    let outer = Item::parse(payload, context.limits).map_err(|error| Box::new(Node::fault("mso", error)))?;
    let embedded =
        Embedded::new(outer).map_err(|error| Box::new(value::item("mso", outer).with_fault(error)))?;
    let item = embedded
        .item(context.limits)
        .map_err(|error| Box::new(Node::fault("mso", error)))?;
    MobileSecurityObject::decode(item)
        .map(|mso| self::mso(&mso, context.now, referred))
        .map_err(|error| Box::new(value::item("mso", item).with_fault(error)))
}

/// What the issuer signed.
pub(super) fn mso(mso: &MobileSecurityObject, now: Timestamp, referred: Option<&Referred>) -> Vec<Node> {
    let validity = mso.validity_info;
    let mut period = vec![
        Node::text("signed", validity.signed),
        time::from("validFrom", validity.valid_from, now),
        time::until("validUntil", validity.valid_until, now),
    ];
    if let Some(update) = validity.expected_update {
        period.push(Node::text("expectedUpdate", update));
    }
    let lax = (!validity.strictly_written).then_some("not written as UTC in whole seconds");
    let mut nodes = vec![
        Node::text("docType", &mso.doc_type),
        Node::text("version", &mso.version),
        Node::group("validityInfo", period).remark(lax),
    ];
    nodes.push(match &mso.device_key_info.device_key {
        Ok(key) => certificate::public_key("deviceKey", key),
        Err(error) => Node::fault("deviceKey", error),
    });
    nodes.extend(key_authorizations(&mso.device_key_info.key_authorizations));
    nodes.extend(mso.status.as_ref().map(status));
    nodes.push(Node::text("digestAlgorithm", mso.digest_algorithm.name()));
    let counts = mso.value_digests.counts().map(|(name, digests)| {
        let used = referred.map(|referred| {
            let ids = referred.get(name).into_iter().flatten();
            ids.filter(|id| mso.value_digests.get(name, **id).is_some())
                .count()
        });
        digest_count(name, digests, used)
    });
    nodes.push(Node::group("valueDigests", counts.collect()));
    nodes
}

fn digest_count(name: &str, digests: usize, used: Option<usize>) -> Node {
    let Some(used) = used else {
        return Node::value(name, format!("{digests} digests"), json!({"digests": digests}));
    };
    let others = digests.saturating_sub(used);
    let text = match (used, others) {
        (1, 0) => "1 digest, of the element shown".to_owned(),
        (_, 0) => format!("{digests} digests, all of elements shown"),
        (0, _) => format!("{digests} digests, none of an element shown (decoys or not released)"),
        _ => format!("{digests} digests: {used} of elements shown, {others} others (decoys or not released)"),
    };
    Node::value(
        name,
        text,
        json!({"digests": digests, "elements": used, "others": others}),
    )
}

fn key_authorizations(authorizations: &KeyAuthorizations) -> Option<Node> {
    let mut children: Vec<Node> = authorizations
        .name_spaces
        .iter()
        .map(|name| Node::value(name, "every element", json!(true)))
        .collect();
    for (name, elements) in &authorizations.data_elements {
        children.push(Node::value(name, elements.join(", "), json!(elements)));
    }
    (!children.is_empty()).then(|| Node::group("keyAuthorizations", children))
}

fn status(status: &Status) -> Node {
    let mut children = Vec::new();
    if let Some(list) = &status.status_list {
        children.push(Node::value(
            "status_list",
            format!("position {} in {}", list.index, list.uri),
            json!({"idx": list.index, "uri": list.uri}),
        ));
    }
    if let Some(list) = &status.identifier_list {
        let id = Base64UrlUnpadded::encode_string(&list.id);
        children.push(Node::value(
            "identifier_list",
            format!("{} in {}", value::hex(&list.id), list.uri),
            json!({"id": {"bytes": id}, "uri": list.uri}),
        ));
    }
    let node = Node::group("status", children);
    if status.unknown {
        node.with_fault("neither a status list nor an identifier list that can be read")
    } else {
        node
    }
}

/// A signature: its algorithm and its certificates.
pub(super) fn signature(auth: &Sign1<'_>, context: Context<'_>) -> Vec<Node> {
    let mut nodes = vec![match auth.algorithm() {
        Ok(algorithm) => Node::text("alg", algorithm),
        Err(error) => Node::fault("alg", error),
    }];
    nodes.extend(auth.x5chain().map(|chain| match chain {
        Ok(chain) => {
            let certificates = chain
                .iter()
                .enumerate()
                .map(|(index, der)| certificate::der(format!("certificate {}", index + 1), der, context.now));
            Node::list("x5chain", certificates.collect())
        }
        Err(error) => Node::fault("x5chain", error),
    }));
    nodes
}

/// The elements, and which digests they refer to.
fn name_spaces(item: Item<'_>, context: Context<'_>) -> (Node, Referred) {
    let mut referred = Referred::new();
    let Some(spaces) = item.get("nameSpaces") else {
        return (Node::group("nameSpaces", Vec::new()).summary("none"), referred);
    };
    let Some(spaces) = spaces.map() else {
        return (Node::fault("nameSpaces", "a map expected"), referred);
    };
    let mut nodes = Vec::new();
    for (name, items) in spaces {
        let name = name.text().unwrap_or_default().into_owned();
        let Some(items) = items.array() else {
            nodes.push(Node::fault(name, "an array expected"));
            continue;
        };
        let ids = referred.entry(name.clone()).or_default();
        let elements = items
            .enumerate()
            .map(|(index, item)| element(index, item, context, ids));
        nodes.push(Node::list(name, elements.collect()));
    }
    (Node::group("nameSpaces", nodes), referred)
}

fn element(index: usize, item: Item<'_>, context: Context<'_>, ids: &mut BTreeSet<u64>) -> Node {
    let name = || format!("item {}", index + 1);
    let embedded = match Embedded::new(item) {
        Ok(embedded) => embedded,
        Err(error) => return value::item(name(), item).with_fault(error),
    };
    let inner = match embedded.item(context.limits) {
        Ok(inner) => inner,
        Err(error) => return Node::fault(name(), error),
    };
    let element = match IssuerSignedItem::decode(inner) {
        Ok(element) => element,
        Err(error) => return value::item(name(), inner).with_fault(error),
    };
    let fresh = ids.insert(element.digest_id);
    let name = element.element_identifier.clone();
    let found = element.element_value.to_value();
    let mut node = match &found {
        Ok(found) => value::value(name, found),
        Err(_) => value::item(name, element.element_value),
    };
    // Of a large value there is one text in JSON at a time.
    node.json = None;
    let json = json!({
        "elementIdentifier": element.element_identifier,
        "elementValue": found.map_or(serde_json::Value::Null, |found| to_json(&found)),
        "digestID": element.digest_id,
        "random": {"bytes": Base64UrlUnpadded::encode_string(&element.random)},
    });
    node.json = Some(json);
    if !fresh {
        node = node.with_fault(format!("digest ID {} is used twice", element.digest_id));
    }
    node
}

/// What the device signed.
fn device_signed(item: Item<'_>, context: Context<'_>) -> Vec<Node> {
    let mut nodes = Vec::new();
    let auth = item.get("deviceAuth");
    let signature = auth.and_then(|auth| auth.get("deviceSignature"));
    let mac = auth.and_then(|auth| auth.get("deviceMac"));
    nodes.push(match (signature, mac) {
        (Some(signature), None) => match Sign1::decode(signature, context.limits) {
            Ok(decoded) => match decoded.algorithm() {
                Ok(algorithm) => Node::value(
                    "deviceAuth",
                    format!("a signature, {algorithm}"),
                    json!({"deviceSignature": algorithm.to_string()}),
                ),
                Err(error) => Node::fault("deviceAuth", error).summary("a signature"),
            },
            Err(error) => Node::fault("deviceAuth", error).summary("a signature"),
        },
        (None, Some(mac)) => {
            let decoded = Mac0::decode(mac, context.limits).map_err(|error| error.to_string());
            let checked = decoded.and_then(|mac| mac.check_algorithm().map_err(|error| error.to_string()));
            match checked {
                Ok(()) => Node::value(
                    "deviceAuth",
                    "a MAC, HMAC 256/256",
                    json!({"deviceMac": "HMAC 256/256"}),
                ),
                Err(error) => Node::fault("deviceAuth", error).summary("a MAC"),
            }
        }
        (Some(_), Some(_)) => Node::fault(
            "deviceAuth",
            "a signature and a MAC, where one of them is expected",
        ),
        (None, None) => Node::fault("deviceAuth", "neither a signature nor a MAC"),
    });
    let Some(spaces) = item.get("nameSpaces") else {
        nodes.push(Node::fault("nameSpaces", "`nameSpaces` is missing"));
        return nodes;
    };
    let embedded = match Embedded::new(spaces) {
        Ok(embedded) => embedded,
        Err(error) => {
            nodes.push(value::item("nameSpaces", spaces).with_fault(error));
            return nodes;
        }
    };
    let decoded = embedded.item(context.limits).and_then(device_elements);
    nodes.push(match decoded {
        Ok(spaces) => {
            let children: Vec<Node> = spaces
                .iter()
                .map(|(name, elements)| {
                    let elements = elements
                        .iter()
                        .map(|(name, found)| value::item(name.as_ref(), *found));
                    Node::group(name.as_ref(), elements.collect())
                })
                .collect();
            let summary = if children.is_empty() { "none" } else { "" };
            Node::group("nameSpaces", children).summary(summary)
        }
        Err(error) => Node::fault("nameSpaces", error),
    });
    nodes
}

/// Every element called `portrait`, or any other picture, in the order received: name and bytes.
pub(super) fn pictures<'b>(item: Item<'b>, limits: &Limits) -> Vec<(String, Vec<u8>)> {
    let documents: Vec<Item<'b>> = match item.get("documents").and_then(Item::array) {
        Some(documents) => documents.collect(),
        None => vec![item],
    };
    let mut found = Vec::new();
    for document in documents {
        let issuer_signed = document.get("issuerSigned").unwrap_or(document);
        let spaces = issuer_signed
            .get("nameSpaces")
            .and_then(Item::map)
            .into_iter()
            .flatten();
        for item in spaces.filter_map(|(_, items)| items.array()).flatten() {
            let Ok(embedded) = Embedded::new(item) else {
                continue;
            };
            let Ok(inner) = embedded.item(limits) else {
                continue;
            };
            let Ok(element) = IssuerSignedItem::decode(inner) else {
                continue;
            };
            if let Some(bytes) = element.element_value.bytes() {
                let named = element.element_identifier == "portrait";
                if named || crate::photo::kind(&bytes).is_ok() {
                    found.push((element.element_identifier.into_owned(), bytes.into_owned()));
                }
            }
        }
    }
    found
}
