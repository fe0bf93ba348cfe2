//! What a reader asks for, and how it signs the question.

use std::borrow::Cow;

use crate::cbor::{Embedded, Item, embed, write};
use crate::cose::{CoseFault, Sign1, protected_header, to_be_signed, write_sign1};
use crate::crypto::{Backend, PublicKey};
use crate::error::{DecodeError, Fault};
use crate::limits::Limits;
use crate::mso::version_of;
use crate::seams::{Signer, SignerError};
use crate::transcript::SessionTranscript;

/// A request as received.
///
/// ```cddl
/// DeviceRequest = {"version": tstr, "docRequests": [+ DocRequest],
///                  ? "deviceRequestInfo": #6.24(bstr), ? "readerAuthAll": [+ COSE_Sign1]}
/// ```
/// `deviceRequestInfo` and `readerAuthAll` are of the second edition (version 1.1).
///
/// Source: ISO/IEC 18013-5:2021, 8.3.2.1.2.1.
#[derive(Debug, Clone)]
pub struct DeviceRequest<'b> {
    /// The version as received; its major number is 1.
    pub version: Cow<'b, str>,
    /// What is asked for, a document each.
    pub doc_requests: Vec<DocRequest<'b>>,
    /// Use cases over several documents (second edition), as received.
    pub device_request_info: Option<Embedded<'b>>,
    /// Signatures over the whole request (second edition).
    pub reader_auth_all: Vec<Sign1<'b>>,
}

/// `{"itemsRequest": #6.24(bstr .cbor ItemsRequest), ? "readerAuth": COSE_Sign1}`
#[derive(Debug, Clone)]
pub struct DocRequest<'b> {
    /// The request as received, which is what the reader signs.
    pub items_request_bytes: Embedded<'b>,
    /// The same, decoded.
    pub items_request: ItemsRequest,
    /// The reader's signature over this document's request.
    pub reader_auth: Option<Sign1<'b>>,
}

/// What is asked of one document.
///
/// Shape: `{"docType": tstr, "nameSpaces": {+ NameSpace => {+ tstr => bool}}, ? "requestInfo": {* tstr => any}}`;
/// the bool is IntentToRetain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemsRequest {
    /// The type of document.
    pub doc_type: String,
    /// The elements by namespace, in the order of the request.
    pub name_spaces: Vec<(String, Vec<RequestedElement>)>,
}

/// One element that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestedElement {
    /// The name of the element.
    pub identifier: String,
    /// Whether the verifier means to keep it longer than the transaction takes.
    pub intent_to_retain: bool,
}

impl<'b> DeviceRequest<'b> {
    /// Decodes a request of either edition.
    ///
    /// # Errors
    /// [`DecodeError`] with the path of the first offending member.
    pub fn decode(bytes: &'b [u8], limits: &Limits) -> Result<Self, DecodeError> {
        let item = Item::parse(bytes, limits)?;
        let version = version_of(item)?;
        let list = item
            .member("docRequests")?
            .expect_array()
            .map_err(|error| error.within("docRequests"))?;
        let mut doc_requests = Vec::new();
        for (index, request) in list.enumerate() {
            if index == limits.documents {
                return Err(DecodeError::new(Fault::Limit("the number of document requests")));
            }
            let decoded = DocRequest::from_item(request, limits);
            doc_requests.push(decoded.map_err(|error| error.within(&format!("docRequests[{index}]")))?);
        }
        if doc_requests.is_empty() {
            return Err(DecodeError::expected("at least one document request").within("docRequests"));
        }
        let info = item.optional("deviceRequestInfo").map(Embedded::new).transpose();
        let mut reader_auth_all = Vec::new();
        if let Some(list) = item.optional("readerAuthAll") {
            for signature in list
                .expect_array()
                .map_err(|error| error.within("readerAuthAll"))?
            {
                if reader_auth_all.len() == limits.certificates {
                    return Err(DecodeError::new(Fault::Limit("the number of reader signatures")));
                }
                let decoded = Sign1::decode(signature, limits);
                reader_auth_all.push(decoded.map_err(|error| error.within("readerAuthAll"))?);
            }
        }
        let device_request_info = info.map_err(|error| error.within("deviceRequestInfo"))?;
        Ok(Self {
            version,
            doc_requests,
            device_request_info,
            reader_auth_all,
        })
    }

    /// Checks one signature of `readerAuthAll` against the certificate's key.
    ///
    /// # Errors
    /// [`CoseFault`] if it was not made over this request in this session.
    pub fn verify_reader_auth_all(
        &self,
        signature: &Sign1<'_>,
        key: &PublicKey,
        transcript: &SessionTranscript,
        backend: &dyn Backend,
    ) -> Result<(), CoseFault> {
        let requests: Vec<&[u8]> = self
            .doc_requests
            .iter()
            .map(|request| request.items_request_bytes.raw())
            .collect();
        let info = self.device_request_info.as_ref().map(Embedded::raw);
        let payload = reader_authentication_all_bytes(transcript, &requests, info);
        signature.verify_detached(key, &payload, backend)
    }
}

impl<'b> DocRequest<'b> {
    fn from_item(item: Item<'b>, limits: &Limits) -> Result<Self, DecodeError> {
        let inside = |error: DecodeError| error.within("itemsRequest");
        let items_request_bytes = Embedded::new(item.member("itemsRequest")?).map_err(inside)?;
        let items_request = items_request_bytes
            .item(limits)
            .and_then(ItemsRequest::from_item)
            .map_err(inside)?;
        let reader_auth = item
            .optional("readerAuth")
            .map(|auth| Sign1::decode(auth, limits))
            .transpose();
        let reader_auth = reader_auth.map_err(|error| error.within("readerAuth"))?;
        Ok(Self {
            items_request_bytes,
            items_request,
            reader_auth,
        })
    }

    /// Checks the reader's signature over this document's request. None if there is none.
    ///
    /// # Errors
    /// [`CoseFault`] if it was not made over these bytes in this session.
    pub fn verify_reader_auth(
        &self,
        key: &PublicKey,
        transcript: &SessionTranscript,
        backend: &dyn Backend,
    ) -> Option<Result<(), CoseFault>> {
        let payload = reader_authentication_bytes(transcript, self.items_request_bytes.raw());
        Some(self.reader_auth.as_ref()?.verify_detached(key, &payload, backend))
    }
}

impl ItemsRequest {
    fn from_item(item: Item<'_>) -> Result<Self, DecodeError> {
        let doc_type = item
            .member("docType")?
            .expect_name()
            .map_err(|error| error.within("docType"))?;
        let mut name_spaces = Vec::new();
        let inside = |error: DecodeError| error.within("nameSpaces");
        for (name, elements) in item.member("nameSpaces")?.expect_map().map_err(inside)? {
            let name = name.expect_name().map_err(inside)?.into_owned();
            let mut requested = Vec::new();
            for (identifier, retain) in elements.expect_map().map_err(inside)? {
                let identifier = identifier.expect_name().map_err(inside)?.into_owned();
                let intent_to_retain = retain
                    .boolean()
                    .ok_or(DecodeError::expected("a boolean").within("nameSpaces"))?;
                requested.push(RequestedElement {
                    identifier,
                    intent_to_retain,
                });
            }
            name_spaces.push((name, requested));
        }
        Ok(Self {
            doc_type: doc_type.into_owned(),
            name_spaces,
        })
    }

    /// The map, encoded.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        write::map(&mut out, 2);
        write::text(&mut out, "docType");
        write::text(&mut out, &self.doc_type);
        write::text(&mut out, "nameSpaces");
        write::map(&mut out, self.name_spaces.len());
        for (name, elements) in &self.name_spaces {
            write::text(&mut out, name);
            write::map(&mut out, elements.len());
            for element in elements {
                write::text(&mut out, &element.identifier);
                write::boolean(&mut out, element.intent_to_retain);
            }
        }
        out
    }
}

/// The detached payload of `readerAuth` (ISO/IEC 18013-5:2021, 9.1.4). `items_request_bytes` is the
/// whole tag 24 item.
#[must_use]
pub fn reader_authentication_bytes(transcript: &SessionTranscript, items_request_bytes: &[u8]) -> Vec<u8> {
    let mut inner = Vec::new();
    write::array(&mut inner, 3);
    write::text(&mut inner, "ReaderAuthentication");
    inner.extend_from_slice(transcript.raw());
    inner.extend_from_slice(items_request_bytes);
    embed(&inner)
}

/// The detached payload of `readerAuthAll` (second edition).
fn reader_authentication_all_bytes(
    transcript: &SessionTranscript,
    items_requests: &[&[u8]],
    device_request_info: Option<&[u8]>,
) -> Vec<u8> {
    let mut inner = Vec::new();
    write::array(&mut inner, 4);
    write::text(&mut inner, "ReaderAuthenticationAll");
    inner.extend_from_slice(transcript.raw());
    write::array(&mut inner, items_requests.len());
    for request in items_requests {
        inner.extend_from_slice(request);
    }
    match device_request_info {
        Some(info) => inner.extend_from_slice(info),
        None => write::null(&mut inner),
    }
    embed(&inner)
}

/// The reader's key with the certificates that go with it, leaf first, root not included.
pub struct ReaderIdentity<'a> {
    /// The key.
    pub signer: &'a dyn Signer,
    /// DER certificates, leaf first.
    pub x5chain: &'a [&'a [u8]],
}

impl ReaderIdentity<'_> {
    fn sign(&self, payload: &[u8]) -> Result<Vec<u8>, SignerError> {
        let protected = protected_header(self.signer.algorithm());
        let signature = self.signer.sign(&to_be_signed(&protected, payload))?;
        let mut out = Vec::new();
        write_sign1(&mut out, &protected, self.x5chain, None, &signature);
        Ok(out)
    }
}

/// How a request is signed.
pub enum ReaderAuth<'a> {
    /// Not at all.
    None,
    /// A signature for every document: both editions.
    EachDocument(ReaderIdentity<'a>, &'a SessionTranscript),
    /// One signature over everything: version 1.1, only for a wallet that announced it.
    WholeRequest(ReaderIdentity<'a>, &'a SessionTranscript),
}

/// Encodes a request, version 1.0 unless the kind of signature asks for 1.1.
///
/// # Errors
/// [`SignerError`] if the reader's key does not sign.
pub fn encode_request(requests: &[ItemsRequest], auth: &ReaderAuth<'_>) -> Result<Vec<u8>, SignerError> {
    let whole = matches!(auth, ReaderAuth::WholeRequest(..));
    let encoded: Vec<Vec<u8>> = requests.iter().map(|request| embed(&request.encode())).collect();
    let mut out = Vec::new();
    write::map(&mut out, if whole { 3 } else { 2 });
    write::text(&mut out, "version");
    write::text(&mut out, if whole { "1.1" } else { "1.0" });
    write::text(&mut out, "docRequests");
    write::array(&mut out, encoded.len());
    for items_request in &encoded {
        let each = matches!(auth, ReaderAuth::EachDocument(..));
        write::map(&mut out, if each { 2 } else { 1 });
        write::text(&mut out, "itemsRequest");
        out.extend_from_slice(items_request);
        if let ReaderAuth::EachDocument(reader, transcript) = auth {
            write::text(&mut out, "readerAuth");
            out.extend(reader.sign(&reader_authentication_bytes(transcript, items_request))?);
        }
    }
    if let ReaderAuth::WholeRequest(reader, transcript) = auth {
        let requests: Vec<&[u8]> = encoded.iter().map(Vec::as_slice).collect();
        write::text(&mut out, "readerAuthAll");
        write::array(&mut out, 1);
        out.extend(reader.sign(&reader_authentication_all_bytes(transcript, &requests, None))?);
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    use super::*;
    use crate::crypto::{Curve, RustCrypto, SecretKey};
    use crate::limits::LONGEST_NAME;
    use crate::seams::SoftwareKey;

    fn ask() -> ItemsRequest {
        let element = |name: &str, keep| RequestedElement {
            identifier: name.to_owned(),
            intent_to_retain: keep,
        };
        ItemsRequest {
            doc_type: "org.iso.18013.5.1.mDL".to_owned(),
            name_spaces: vec![(
                "org.iso.18013.5.1".to_owned(),
                vec![element("age_over_18", false), element("portrait", true)],
            )],
        }
    }

    #[test]
    fn trap_41_intent_to_retain_is_kept_for_each_element() {
        let bytes = encode_request(&[ask()], &ReaderAuth::None).unwrap();
        let request = DeviceRequest::decode(&bytes, &Limits::DEFAULT).unwrap();
        assert_eq!(request.version, "1.0");
        assert_eq!(request.doc_requests[0].items_request, ask());
    }

    #[test]
    fn names_are_short_because_they_are_repeated() {
        for (name, is_taken) in [(LONGEST_NAME, true), (LONGEST_NAME + 1, false)] {
            let long = "n".repeat(name);
            let (mut of_space, mut of_element, mut of_type) = (ask(), ask(), ask());
            of_space.name_spaces[0].0.clone_from(&long);
            of_element.name_spaces[0].1[0].identifier.clone_from(&long);
            of_type.doc_type = long;
            for request in [of_space, of_element, of_type] {
                let bytes = encode_request(&[request], &ReaderAuth::None).unwrap();
                let decoded = DeviceRequest::decode(&bytes, &Limits::DEFAULT);
                assert_eq!(decoded.is_ok(), is_taken);
                if let Err(error) = decoded {
                    assert_eq!(error.fault(), &Fault::Limit("a name"));
                    assert!(error.to_string().len() < 100, "{error}");
                }
            }
        }
    }

    #[test]
    fn both_kinds_of_reader_authentication_hold_in_their_session_only() {
        let key = SecretKey::generate(Curve::P256, &mut ChaCha20Rng::from_seed([1; 32]));
        let signer = SoftwareKey::new(key).unwrap();
        let transcript = SessionTranscript::decode(&[0x83, 0xf6, 0xf6, 0x01], &Limits::DEFAULT).unwrap();
        let other = SessionTranscript::decode(&[0x83, 0xf6, 0xf6, 0x02], &Limits::DEFAULT).unwrap();
        let identity = || ReaderIdentity {
            signer: &signer,
            x5chain: &[b"cert"],
        };

        let auth = ReaderAuth::EachDocument(identity(), &transcript);
        let bytes = encode_request(&[ask(), ask()], &auth).unwrap();
        let request = DeviceRequest::decode(&bytes, &Limits::DEFAULT).unwrap();
        assert_eq!(request.version, "1.0");
        for document in &request.doc_requests {
            let check = |session| document.verify_reader_auth(signer.public_key(), session, &RustCrypto);
            assert_eq!(check(&transcript), Some(Ok(())));
            assert!(check(&other).unwrap().is_err());
        }

        let auth = ReaderAuth::WholeRequest(identity(), &transcript);
        let bytes = encode_request(&[ask(), ask()], &auth).unwrap();
        let request = DeviceRequest::decode(&bytes, &Limits::DEFAULT).unwrap();
        assert_eq!(request.version, "1.1");
        let all = &request.reader_auth_all[0];
        let check = |session| request.verify_reader_auth_all(all, signer.public_key(), session, &RustCrypto);
        assert_eq!(check(&transcript), Ok(()));
        assert!(check(&other).is_err());
    }
}
