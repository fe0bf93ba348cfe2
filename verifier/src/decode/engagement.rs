//! Engagements and transcripts.

use mdoc_core::ble::{Uuid, ident};
use mdoc_core::cbor::{Embedded, Item, Kind, diagnostic};
use mdoc_core::cose::key;
use mdoc_core::crypto::fastest;
use mdoc_core::engagement::{BleOptions, CIPHER_SUITE, DeviceEngagement, RetrievalMethod};
use serde_json::json;

use super::tree::Node;
use super::{Known, LIMITS};

pub(super) fn hex(bytes: &[u8]) -> String {
    base16ct::lower::encode_string(bytes)
}

pub(super) fn engagement(bytes: &[u8]) -> Node {
    let node = Node::new(format!("DeviceEngagement, {} bytes", bytes.len()));
    let read = match DeviceEngagement::decode(bytes, &LIMITS) {
        Ok(read) => read,
        Err(error) => return node.fault(error),
    };
    let mut node = node
        .value("version", &*read.version)
        .value("cipherSuite", read.cipher_suite);
    if read.cipher_suite != CIPHER_SUITE {
        node = node.fault(format!(
            "cipher suite {} is not known, only 1 is",
            read.cipher_suite
        ));
    }
    node = match &read.e_device_key {
        Ok(key) => node.value("eDeviceKey", key.curve().to_string()),
        Err(fault) => node.fault(format!("the mdoc's ephemeral key is of no use: {fault}")),
    };
    if read.retrieval_methods.is_empty() {
        node = node.note(
            "no way of reaching the mdoc is named: right over NFC alone, where the NDEF records name them",
        );
    }
    let ident = ident(read.e_device_key_bytes.raw(), fastest());
    for method in &read.retrieval_methods {
        node = node.part(self::method(method, &ident));
    }
    for origin in &read.origin_infos {
        let domain = origin.domain.as_deref().unwrap_or("of another kind");
        node = node.value("origin", domain);
    }
    if let Some(can) = &read.capabilities {
        let all = [
            ("MAC without a key of the reader", can.mac_keys_support),
            (
                "SessionEstablishment in the NFC handover",
                can.handover_session_establishment,
            ),
            ("readerAuthAll", can.reader_auth_all),
            ("extended requests", can.extended_request),
        ];
        let named: Vec<&str> = all
            .iter()
            .filter(|(_, can)| *can)
            .map(|(name, _)| *name)
            .collect();
        node = node.value("capabilities", json!(named));
    }
    for fault in &read.passed_over {
        node = node.fault(format!("passed over: {fault}"));
    }
    let unknown: Vec<String> = read.unknown_keys().map(|key| diagnostic(key, 16)).collect();
    if !unknown.is_empty() {
        node = node.note(format!("keys that are not known: {}", unknown.join(", ")));
    }
    node
}

fn method(method: &RetrievalMethod<'_>, ident: &[u8; 16]) -> Node {
    match method {
        RetrievalMethod::Nfc {
            max_command,
            max_response,
        } => Node::new("NFC")
            .value("maxCommand", *max_command)
            .value("maxResponse", *max_response),
        RetrievalMethod::Ble(options) => ble(options, ident),
        RetrievalMethod::WifiAware(options) => {
            Node::new("Wi-Fi Aware").value("options", diagnostic(*options, 32))
        }
        RetrievalMethod::Other { kind, version } => Node::new(format!("type {kind}, version {version}"))
            .note("not known or not usable, to be passed over"),
        _ => Node::new("a way that is not known"),
    }
}

fn ble(options: &BleOptions, ident: &[u8; 16]) -> Node {
    let mut node = Node::new("Bluetooth Low Energy");
    if let Some(uuid) = options.peripheral_server_uuid {
        node = node
            .value("peripheralServer", Uuid(uuid).to_string())
            .note("the mdoc advertises the service peripheralServer (mdoc peripheral server mode)");
    }
    if let Some(uuid) = options.central_client_uuid {
        node = node
            .value("centralClient", Uuid(uuid).to_string())
            .value("ident", hex(ident))
            .note("the reader has to advertise the service centralClient and to serve this Ident (mdoc central client mode)");
    }
    if let Some(address) = options.peripheral_address {
        node = node.value("address", hex(&address));
    }
    if let Some(psm) = options.peripheral_psm {
        node = node.value("psm", psm);
    }
    if options.peripheral_server_uuid.is_none() && options.central_client_uuid.is_none() {
        node = node.fault("neither mode is offered, so that nobody can connect");
    }
    node
}

/// A transcript: engagement, the reader's key, handover.
pub(super) fn transcript(item: Item<'_>, known: &Known) -> Node {
    let node = Node::new(format!("SessionTranscript, {} bytes", item.raw().len()));
    let mut parts = item.array().into_iter().flatten();
    let (Some(engaged), Some(key), Some(handover)) = (parts.next(), parts.next(), parts.next()) else {
        return node.fault("an array of three expected");
    };
    let node = match Embedded::new(engaged) {
        _ if engaged.is_null() => node.value("deviceEngagement", "none"),
        Ok(embedded) => {
            let mut part = engagement(embedded.content());
            if known
                .engagement
                .as_ref()
                .is_some_and(|known| known != embedded.content())
            {
                part = part.fault("this is not the engagement that was given");
            }
            node.part(part)
        }
        Err(error) => node.fault(format!("DeviceEngagementBytes: {error}")),
    };
    let node = match reader_key(key) {
        _ if key.is_null() => node.value("eReaderKey", "none"),
        Ok(curve) => node.value("eReaderKey", curve),
        Err(fault) => node.fault(format!("EReaderKeyBytes: {fault}")),
    };
    node.value("handover", handover_of(handover))
}

/// The curve of a key in tag 24.
pub(super) fn reader_key(item: Item<'_>) -> Result<String, String> {
    let embedded = Embedded::new(item).map_err(|error| error.to_string())?;
    let inner = embedded.item(&LIMITS).map_err(|error| error.to_string())?;
    let key = key::decode(inner).map_err(|fault| fault.to_string())?;
    Ok(key.curve().to_string())
}

fn handover_of(handover: Item<'_>) -> String {
    let first = handover.array().and_then(|mut parts| parts.next());
    match (handover.kind(), first) {
        (Kind::Null, _) => "QR code".to_owned(),
        (Kind::Array, Some(first)) if first.kind() == Kind::Bytes => {
            let negotiated = handover.array().and_then(|mut parts| parts.nth(1));
            match negotiated.is_some_and(|request| request.kind() == Kind::Bytes) {
                true => "NFC, negotiated".to_owned(),
                false => "NFC, static".to_owned(),
            }
        }
        (Kind::Array, Some(first)) => first.text().map_or_else(
            || "of a kind that is not known".to_owned(),
            |name| name.into_owned(),
        ),
        _ => "of a kind that is not known".to_owned(),
    }
}
