//! What comes before a response: engagement, request, transcript; and the COSE structures by themselves.

use std::hint::black_box;
use std::sync::OnceLock;

use mdoc_core::cbor::{Embedded, Item, embed};
use mdoc_core::cose::{Mac0, Sign1, key, write_sign1};
use mdoc_core::device_request::DeviceRequest;
use mdoc_core::device_response::DeviceResponse;
use mdoc_core::engagement::{BleOptions, DeviceEngagement, EngagementUri, encode_ble, to_uri};
use mdoc_core::issuer_signed::IssuerSigned;
use mdoc_core::present::DeviceKey;
use mdoc_core::seams::Signer as _;
use mdoc_core::transcript::SessionTranscript;
use mdoc_core::x509::path::TrustAnchor;
use mdoc_holder::question::{Held, Question, Session};
use mdoc_holder::reader::ReaderTrust;

use crate::fixtures::{LIMITS, backend, world};

/// The text of a QR code. What is read from it is written and read to the same bytes.
pub fn engagement_uri(input: &[u8]) {
    let Ok(text) = core::str::from_utf8(input) else {
        return;
    };
    match EngagementUri::parse(text) {
        Err(bad) => assert!(!bad.to_string().is_empty()),
        Ok(uri) => {
            assert!(!uri.bytes.is_empty() || text.len() < 16);
            let again = EngagementUri::parse(&to_uri(&uri.bytes)).unwrap();
            assert_eq!(again.bytes, uri.bytes);
            assert!(!again.with_slashes);
            engagement(&uri.bytes);
        }
    }
}

/// A device engagement. A key that is used is a key that is written and read again.
pub fn engagement(input: &[u8]) {
    match DeviceEngagement::decode(input, &LIMITS) {
        Err(error) => assert!(!error.to_string().is_empty()),
        Ok(engagement) => {
            assert_eq!(engagement.raw(), input);
            assert_eq!(engagement.version.split('.').next(), Some("1"));
            assert!(engagement.retrieval_methods.len() <= LIMITS.documents);
            black_box(engagement.unknown_keys().count());
            if let Ok(key) = &engagement.e_device_key {
                let options = engagement.ble().copied().unwrap_or(BleOptions::default());
                let written = encode_ble(key, &options);
                let again = DeviceEngagement::decode(&written, &LIMITS).unwrap();
                assert_eq!(again.e_device_key.as_ref(), Ok(key));
                let kept = again.ble().unwrap();
                assert_eq!(kept.peripheral_server_uuid, options.peripheral_server_uuid);
                assert_eq!(kept.central_client_uuid, options.central_client_uuid);
            }
        }
    }
}

/// A session transcript, wrapped or not: what is kept is the array, and reading that gives it again.
pub fn transcript(input: &[u8]) {
    match SessionTranscript::decode(input, &LIMITS) {
        Err(error) => assert!(!error.to_string().is_empty()),
        Ok(transcript) => {
            assert!(
                input
                    .windows(transcript.raw().len())
                    .any(|part| part == transcript.raw())
                    || input.windows(2).any(|part| part[0] & 0x1f == 0x1f)
            );
            assert_eq!(
                SessionTranscript::decode(transcript.raw(), &LIMITS).as_ref(),
                Ok(&transcript)
            );
            let wrapped = embed(transcript.raw());
            assert_eq!(
                SessionTranscript::decode(&wrapped, &LIMITS).as_ref(),
                Ok(&transcript)
            );
        }
    }
}

/// `COSE_Key`, `COSE_Sign1` and `COSE_Mac0`: no signature or tag that the fuzzer makes up holds for keys it does
/// not have, and a key that decodes is written and read to itself.
pub fn cose(input: &[u8]) {
    let Ok(item) = Item::parse(input, &LIMITS) else {
        return;
    };
    match key::decode(item) {
        Err(fault) => assert!(!fault.to_string().is_empty()),
        Ok(found) => {
            let written = key::encode(&found);
            let again = key::decode(Item::parse(&written, &LIMITS).unwrap());
            assert_eq!(again, Ok(found));
        }
    }
    if let Ok(secret) = key::decode_secret(item) {
        assert_eq!(key::decode(item).as_ref(), Ok(secret.public_key()));
    }
    if let Ok(message) = Sign1::decode(item, &LIMITS) {
        let world = world();
        let verified = message.verify_detached(world.ds_key.public_key(), b"never signed", backend());
        assert!(verified.is_err(), "a signature over what was never signed");
        let chain = message.x5chain();
        black_box((
            message.thumbprint(),
            message.x5chain_is_protected(),
            message.algorithm().is_ok(),
        ));
        if let Some(Ok(chain)) = &chain {
            assert!(!chain.is_empty() && chain.len() <= LIMITS.certificates);
            let chain: Vec<&[u8]> = chain.iter().map(AsRef::as_ref).collect();
            let mut out = Vec::new();
            write_sign1(&mut out, &[], &chain, message.payload(), &[]);
            let again = Item::parse(&out, &LIMITS).unwrap();
            let again = Sign1::decode(again, &LIMITS).unwrap();
            assert_eq!(again.payload(), message.payload());
            assert_eq!(again.x5chain().unwrap().unwrap(), chain);
        }
    }
    if let Ok(message) = Mac0::decode(item, &LIMITS) {
        let verified = message.verify_detached(&[7; 32], b"never authenticated", backend());
        assert!(verified.is_err(), "a tag over what was never authenticated");
        black_box(message.check_algorithm().is_ok());
    }
}

/// A request with the authentication of its reader, as a wallet judges it.
pub fn device_request(input: &[u8]) {
    let request = match DeviceRequest::decode(input, &LIMITS) {
        Err(error) => return assert!(!error.to_string().is_empty()),
        Ok(request) => request,
    };
    assert!(!request.doc_requests.is_empty() && request.doc_requests.len() <= LIMITS.documents);
    let world = world();
    for one in &request.doc_requests {
        let encoded = one.items_request.encode();
        let wrapped = embed(&encoded);
        let mut whole = b"\xa2\x67version\x631.0\x6bdocRequests\x81\xa1\x6citemsRequest".to_vec();
        whole.extend(&wrapped);
        let again = DeviceRequest::decode(&whole, &LIMITS).unwrap();
        assert_eq!(again.doc_requests[0].items_request, one.items_request);
        let raw = Item::parse(one.items_request_bytes.raw(), &LIMITS).unwrap();
        assert_eq!(
            Embedded::new(raw).unwrap().content(),
            one.items_request_bytes.content()
        );
    }
    let anchors = [TrustAnchor::new(world.reader_ca.clone())];
    let session = Session {
        transcript: &world.transcript,
        trust: ReaderTrust {
            anchors: &anchors,
            now: world.now,
        },
        limits: LIMITS,
        backend: backend(),
    };
    let licence = licence();
    let document = IssuerSigned::decode(licence, &LIMITS).unwrap();
    let held = [Held {
        document: &document,
        key: DeviceKey::Signature(&world.device_key),
    }];
    let question = Question::new(&request, &held, &session).unwrap();
    assert_eq!(question.documents.len(), request.doc_requests.len());
    for one in &question.documents {
        assert!(!one.reader.to_string().is_empty());
        assert!(one.held.is_some() || one.found.is_empty());
    }
    // A signature for each costs more than everything else; the first few say as much as all.
    if question
        .documents
        .iter()
        .filter(|one| !one.found.is_empty())
        .count()
        < 3
        && let Ok(answer) = question.answer(&held, &session)
    {
        let response = DeviceResponse::decode(&answer.response, &LIMITS).unwrap();
        assert_eq!(response.documents.len(), answer.documents);
    }
}

/// An issued licence in the wallet.
fn licence() -> &'static [u8] {
    static LICENCE: OnceLock<Vec<u8>> = OnceLock::new();
    LICENCE.get_or_init(|| world().issue().sign())
}
