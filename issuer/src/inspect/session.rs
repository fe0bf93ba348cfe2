//! What is exchanged around a document: engagement, request, transcript.

use mdoc_core::cbor::{Embedded, Item, Kind};
use mdoc_core::device_request::{DeviceRequest, DocRequest};
use mdoc_core::engagement::{BleOptions, CIPHER_SUITE, DeviceEngagement, RetrievalMethod};
use mdoc_core::limits::Limits;
use serde_json::{Map, Value as Json, json};

use super::tree::Node;
use super::{Context, certificate, document, value};

/// A request; what of it can be seen if it does not decode.
pub(super) fn request(bytes: &[u8], context: Context<'_>) -> Vec<Node> {
    let decoded = match DeviceRequest::decode(bytes, context.limits) {
        Ok(decoded) => decoded,
        Err(error) => return broken("DeviceRequest", bytes, &error, context.limits),
    };
    let requests = decoded.doc_requests.iter().enumerate();
    let requests = requests.map(|(index, request)| {
        Node::group(format!("document {}", index + 1), doc_request(request, context))
    });
    let mut nodes = vec![
        Node::text("version", &decoded.version),
        Node::list("docRequests", requests.collect()),
    ];
    if let Some(Ok(info)) = decoded
        .device_request_info
        .as_ref()
        .map(|info| info.item(context.limits))
    {
        nodes.push(value::item("deviceRequestInfo", info));
    }
    if !decoded.reader_auth_all.is_empty() {
        let signatures = decoded.reader_auth_all.iter().enumerate();
        let signatures = signatures.map(|(index, auth)| {
            Node::group(
                format!("signature {}", index + 1),
                document::signature(auth, context),
            )
        });
        nodes.push(Node::list("readerAuthAll", signatures.collect()));
    }
    nodes
}

fn doc_request(request: &DocRequest<'_>, context: Context<'_>) -> Vec<Node> {
    let asked = &request.items_request;
    let spaces = asked.name_spaces.iter().map(|(name, elements)| {
        let elements = elements.iter().map(|element| {
            let text = if element.intent_to_retain {
                "to be kept"
            } else {
                "not to be kept"
            };
            Node::value(&element.identifier, text, element.intent_to_retain)
        });
        Node::group(name, elements.collect())
    });
    let mut nodes = vec![
        Node::text("docType", &asked.doc_type),
        Node::group("nameSpaces", spaces.collect()),
    ];
    let items = request.items_request_bytes.item(context.limits).ok();
    if let Some(info) = items.and_then(|items| items.get("requestInfo")) {
        nodes.push(value::item("requestInfo", info));
    }
    nodes.push(match &request.reader_auth {
        Some(auth) => Node::group("readerAuth", document::signature(auth, context)),
        None => Node::value("readerAuth", "none", Json::Null),
    });
    nodes
}

/// An engagement; what of it can be seen if it does not decode.
pub(super) fn engagement(bytes: &[u8], context: Context<'_>) -> Vec<Node> {
    let decoded = match DeviceEngagement::decode(bytes, context.limits) {
        Ok(decoded) => decoded,
        Err(error) => return broken("DeviceEngagement", bytes, &error, context.limits),
    };
    let suite = Node::value(
        "cipherSuite",
        decoded.cipher_suite.to_string(),
        decoded.cipher_suite,
    );
    let mut nodes = vec![
        Node::text("version", &decoded.version),
        suite.remark((decoded.cipher_suite != CIPHER_SUITE).then_some("not one that the standard defines")),
        match &decoded.e_device_key {
            Ok(key) => certificate::public_key("eDeviceKey", key),
            Err(error) => Node::fault("eDeviceKey", error),
        },
    ];
    let methods: Vec<Node> = decoded.retrieval_methods.iter().map(method).collect();
    let none = if methods.is_empty() { "none" } else { "" };
    nodes.push(Node::list("deviceRetrievalMethods", methods).summary(none));
    if !decoded.passed_over.is_empty() {
        let faults = decoded.passed_over.iter();
        let faults = faults.map(|error| Node::fault("method", error));
        nodes.push(Node::list("passedOver", faults.collect()));
    }
    if !decoded.origin_infos.is_empty() {
        let origins = decoded.origin_infos.iter().map(|origin| {
            let domain = origin.domain.as_deref();
            let json = json!({"cat": origin.category, "type": origin.kind, "domain": domain});
            Node::value("origin", domain.unwrap_or("of another kind"), json)
        });
        nodes.push(Node::list("originInfos", origins.collect()));
    }
    if let Some(capabilities) = &decoded.capabilities {
        let named = [
            ("macKeysSupport", capabilities.mac_keys_support),
            (
                "handoverSessionEstablishment",
                capabilities.handover_session_establishment,
            ),
            ("readerAuthAll", capabilities.reader_auth_all),
            ("extendedRequest", capabilities.extended_request),
        ];
        let text: Vec<&str> = named
            .iter()
            .filter(|(_, has)| *has)
            .map(|(name, _)| *name)
            .collect();
        let json: Map<String, Json> = named
            .iter()
            .map(|(name, has)| ((*name).to_owned(), json!(has)))
            .collect();
        let text = if text.is_empty() {
            "none".to_owned()
        } else {
            text.join(", ")
        };
        nodes.push(Node::value("capabilities", text, json));
    }
    let unknown: Vec<String> = decoded
        .unknown_keys()
        .map(|name| mdoc_core::cbor::diagnostic(name, 0))
        .collect();
    if !unknown.is_empty() {
        let remark = Some("not known, ignored");
        nodes.push(Node::value("otherKeys", unknown.join(", "), json!(unknown)).remark(remark));
    }
    nodes
}

fn method(method: &RetrievalMethod<'_>) -> Node {
    match method {
        RetrievalMethod::Nfc {
            max_command,
            max_response,
        } => Node::value(
            "NFC",
            format!("commands up to {max_command} bytes, responses up to {max_response} bytes"),
            json!({"type": "NFC", "maxCommandLength": max_command, "maxResponseLength": max_response}),
        ),
        RetrievalMethod::Ble(options) => ble(options),
        RetrievalMethod::WifiAware(options) => {
            let mut node = value::item("Wi-Fi Aware", *options);
            let found = node.json.take();
            node.json = Some(json!({"type": "Wi-Fi Aware", "options": found}));
            node
        }
        RetrievalMethod::Other { kind, version } => Node::value(
            format!("type {kind}"),
            format!("version {version}"),
            json!({"type": kind, "version": version}),
        )
        .remark(Some("not known or not usable")),
        _ => Node::value("other", "not known", Json::Null),
    }
}

fn ble(options: &BleOptions) -> Node {
    let mut children = Vec::new();
    if let Some(uuid) = &options.peripheral_server_uuid {
        children.push(Node::text("peripheralServer", self::uuid(uuid)));
    }
    if let Some(uuid) = &options.central_client_uuid {
        children.push(Node::text("centralClient", self::uuid(uuid)));
    }
    if let Some(address) = &options.peripheral_address {
        children.push(Node::text("address", value::hex(address)));
    }
    if let Some(psm) = options.peripheral_psm {
        children.push(Node::value("psm", psm.to_string(), psm));
    }
    let mut json = json!({"type": "BLE"});
    if let Some(members) = json.as_object_mut() {
        members.extend(children.iter().map(|child| (child.name.clone(), child.to_json())));
    }
    Node {
        json: Some(json),
        ..Node::group("BLE", children)
    }
}

fn uuid(bytes: &[u8; 16]) -> String {
    let digits = value::hex(bytes);
    let parts = [0..8, 8..12, 12..16, 16..20, 20..32];
    parts.map(|part| digits.get(part).unwrap_or_default()).join("-")
}

/// A transcript: engagement, the reader's key, handover.
pub(super) fn transcript(item: Item<'_>, context: Context<'_>) -> Vec<Node> {
    if let Ok(embedded) = Embedded::new(item) {
        return match embedded.item(context.limits) {
            Ok(inner) => parts_of_transcript(inner, context),
            Err(error) => vec![Node::fault("SessionTranscript", error)],
        };
    }
    parts_of_transcript(item, context)
}

fn parts_of_transcript(item: Item<'_>, context: Context<'_>) -> Vec<Node> {
    let mut parts = item.array().into_iter().flatten();
    let (Some(engaged), Some(key), Some(handover)) = (parts.next(), parts.next(), parts.next()) else {
        return vec![Node::fault("SessionTranscript", "an array of three expected")];
    };
    let none = |name: &str| Node::value(name, "none", Json::Null);
    let device_engagement = if engaged.is_null() {
        none("deviceEngagement")
    } else {
        match Embedded::new(engaged) {
            Ok(embedded) => Node::group("deviceEngagement", engagement(embedded.content(), context)),
            Err(error) => Node::fault("deviceEngagement", error),
        }
    };
    let reader_key = if key.is_null() {
        none("eReaderKey")
    } else {
        match Embedded::new(key).and_then(|embedded| {
            let item = embedded.item(context.limits)?;
            Ok(match mdoc_core::cose::key::decode(item) {
                Ok(key) => certificate::public_key("eReaderKey", &key),
                Err(error) => Node::fault("eReaderKey", error),
            })
        }) {
            Ok(node) => node,
            Err(error) => Node::fault("eReaderKey", error),
        }
    };
    let kind = handover_kind(handover);
    let handover = if handover.is_null() {
        Node::value("handover", kind, Json::Null)
    } else {
        let mut node = value::item("handover", handover);
        node.remark = Some(kind);
        node
    };
    vec![device_engagement, reader_key, handover]
}

fn handover_kind(handover: Item<'_>) -> String {
    match handover.kind() {
        Kind::Null => "QR code".to_owned(),
        Kind::Bytes => "website, ISO/IEC 18013-7 annex A".to_owned(),
        Kind::Array => match handover.array().and_then(|mut parts| parts.next()) {
            Some(first) if first.kind() == Kind::Bytes => "NFC".to_owned(),
            Some(first) => first
                .text()
                .map_or("unknown".to_owned(), |name| name.into_owned()),
            None => "unknown".to_owned(),
        },
        _ => "unknown".to_owned(),
    }
}

/// What can be seen of something that does not decode: the fault, and its values without their meaning.
fn broken(name: &str, bytes: &[u8], error: &impl ToString, limits: &Limits) -> Vec<Node> {
    match Item::parse(bytes, limits) {
        Ok(item) => vec![value::item(name, item).with_fault(error.to_string())],
        Err(_) => vec![Node::fault(name, error.to_string())],
    }
}
