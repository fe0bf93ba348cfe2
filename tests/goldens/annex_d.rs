//! ISO/IEC 18013-5:2021, Annex D: decoded, checked, and made again with the same bytes.

use integration::tree::Tree;
use mdoc_core::cbor::{Item, embed};
use mdoc_core::cose::{Mac0, Sign1, protected_header, to_be_signed};
use mdoc_core::crypto::{Backend as _, Curve, RustCrypto, SecretKey, SignatureAlgorithm};
use mdoc_core::device_request::{
    DeviceRequest, ReaderAuth, ReaderIdentity, encode_request, reader_authentication_bytes,
};
use mdoc_core::device_response::{DeviceResponse, Document};
use mdoc_core::device_signed::{DeviceAuth, device_authentication_bytes, mac_key};
use mdoc_core::issue::NameSpaces;
use mdoc_core::issuer_signed::{IssuerSigned, IssuerSignedItem};
use mdoc_core::limits::Limits;
use mdoc_core::present::{DeviceKey, Presentation, encode_response};
use mdoc_core::seams::SoftwareKey;
use mdoc_core::time::FullDate;
use mdoc_core::transcript::SessionTranscript;
use mdoc_core::value::{self, Value, full_date};
use mdoc_core::verify::{MDL_DOC_TYPE, MDL_NAME_SPACE};
use mdoc_core::x509::Certificate;

use super::{Recorded, file, hex, json, path, secret, unhex};

const LIMITS: Limits = Limits::DEFAULT;

fn annex(name: &str) -> Vec<u8> {
    let all = json("annex-d/annex-d.json");
    unhex(all[name].as_str().unwrap_or_else(|| panic!("no {name}")))
}

fn certificate(name: &str) -> Certificate {
    Certificate::from_pem(&std::fs::read_to_string(path(&format!("annex-d/{name}"))).unwrap()).unwrap()
}

/// The transcript of D.5.1; the annex has it in its tag.
fn session() -> SessionTranscript {
    SessionTranscript::decode(&annex("D.5.1_session_transcript_bytes"), &LIMITS).unwrap()
}

/// The four parts of a COSE structure.
fn part(cose: &[u8], index: usize) -> Vec<u8> {
    Tree::read(cose).at(index).bytes().clone()
}

#[test]
fn driving_privileges_are_encoded_as_in_d_2_1() {
    let text = |text: &str| Value::Text(text.to_owned());
    let date = |text: &str| full_date(FullDate::parse(text).unwrap());
    let privilege = |code: &str, issued: &str, expires: &str| {
        Value::Map(vec![
            (text("vehicle_category_code"), text(code)),
            (text("issue_date"), date(issued)),
            (text("expiry_date"), date(expires)),
        ])
    };
    let both = Value::Array(vec![
        privilege("A", "2018-08-09", "2024-10-20"),
        privilege("B", "2017-02-23", "2024-10-20"),
    ]);
    assert_eq!(
        hex(&value::encode(&both)),
        hex(&annex("D.2.1_driving_privileges"))
    );
}

#[test]
fn the_transcript_of_d_5_1_is_kept_as_it_came() {
    let bytes = annex("D.5.1_session_transcript_bytes");
    assert_eq!(hex(&embed(session().raw())), hex(&bytes));
    let digest = RustCrypto.digest(mdoc_core::crypto::DigestAlgorithm::Sha256, &[&bytes]);
    assert_eq!(session().salt(&RustCrypto).as_ref(), digest.as_ref());
}

#[test]
fn the_request_of_d_4_1_1_is_what_it_says_and_its_reader_signed_it() {
    let bytes = file("annex-d/D.4.1.1_device_request.cbor");
    assert_eq!(bytes, annex("D.4.1.1_device_request"));
    let request = DeviceRequest::decode(&bytes, &LIMITS).unwrap();
    assert_eq!(request.version, "1.0");
    assert!(request.device_request_info.is_none() && request.reader_auth_all.is_empty());
    let [document] = request.doc_requests.as_slice() else {
        panic!("one document")
    };
    assert_eq!(document.items_request.doc_type, MDL_DOC_TYPE);
    let [(name_space, elements)] = document.items_request.name_spaces.as_slice() else {
        panic!("one namespace")
    };
    assert_eq!(name_space, MDL_NAME_SPACE);
    let elements: Vec<_> = elements
        .iter()
        .map(|element| (element.identifier.as_str(), element.intent_to_retain))
        .collect();
    assert_eq!(
        elements,
        [
            ("family_name", true),
            ("document_number", true),
            ("driving_privileges", true),
            ("issue_date", true),
            ("expiry_date", true),
            ("portrait", false),
        ]
    );

    let auth = document.reader_auth.as_ref().unwrap();
    let chain = auth.x5chain().unwrap().unwrap();
    let [leaf] = chain.as_slice() else {
        panic!("one certificate")
    };
    let reader = Certificate::from_der(leaf).unwrap();
    assert_eq!(reader, certificate("reader.pem"));
    let root = certificate("reader_root.pem");
    assert_eq!(root.der(), annex("D.5.4_reader_root_cert"));
    reader
        .verify_signed_by(&root.public_key().unwrap(), &RustCrypto)
        .unwrap();
    let key = reader.public_key().unwrap();
    assert_eq!(
        document.verify_reader_auth(&key, &session(), &RustCrypto),
        Some(Ok(()))
    );

    let payload = reader_authentication_bytes(&session(), document.items_request_bytes.raw());
    assert_eq!(hex(&payload), hex(&annex("D.5.4_reader_authentication_bytes")));
    let protected = protected_header(SignatureAlgorithm::Es256);
    assert_eq!(
        hex(&to_be_signed(&protected, &payload)),
        hex(&annex("D.5.4_sig_structure"))
    );
}

#[test]
fn the_request_of_d_4_1_1_is_made_again_with_the_same_bytes() {
    let bytes = annex("D.4.1.1_device_request");
    let request = DeviceRequest::decode(&bytes, &LIMITS).unwrap();
    let document = &request.doc_requests[0];
    assert_eq!(
        hex(&embed(&document.items_request.encode())),
        hex(document.items_request_bytes.raw())
    );
    let reader_auth = annex("D.5.4_reader_auth");
    let chain = document.reader_auth.as_ref().unwrap().x5chain().unwrap().unwrap();
    // The annex does not tell the reader's private key; any key on its curve stands for it.
    let any = SecretKey::from_bytes(Curve::P256, &[1; 32]).unwrap();
    let signer = Recorded {
        key: SoftwareKey::new(any).unwrap(),
        to_sign: annex("D.5.4_sig_structure"),
        signature: part(&reader_auth, 3),
    };
    let x5chain = [chain[0].as_ref()];
    let reader = ReaderIdentity {
        signer: &signer,
        x5chain: &x5chain,
    };
    let session = session();
    let again = encode_request(
        std::slice::from_ref(&document.items_request),
        &ReaderAuth::EachDocument(reader, &session),
    );
    assert_eq!(hex(&again.unwrap()), hex(&bytes));
}

#[test]
fn the_issuer_of_d_5_2_signed_the_document_of_d_4_1_2() {
    let response = annex("D.4.1.2_device_response");
    let response = DeviceResponse::decode(&response, &LIMITS).unwrap();
    assert_eq!((response.version.as_ref(), response.status), ("1.0", 0));
    let document = Document::from_item(response.documents[0], &LIMITS).unwrap();
    let auth_bytes = annex("D.5.2_issuer_auth");
    let auth = Sign1::decode(Item::parse(&auth_bytes, &LIMITS).unwrap(), &LIMITS).unwrap();
    assert_eq!(auth.payload(), document.issuer_signed.issuer_auth().payload());
    let (iaca, ds) = (certificate("iaca.pem"), certificate("ds.pem"));
    assert_eq!(auth.x5chain().unwrap().unwrap()[0].as_ref(), ds.der());
    assert_eq!(iaca.der(), annex("D.5.2_iaca_cert"));
    let iaca_key = iaca.public_key().unwrap();
    assert_eq!(secret("annex-d/iaca_key.jwk.json").public_key(), &iaca_key);
    for certificate in [&ds, &iaca] {
        certificate.verify_signed_by(&iaca_key, &RustCrypto).unwrap();
    }
    let payload = auth.payload().unwrap();
    auth.verify(&ds.public_key().unwrap(), payload, &RustCrypto)
        .unwrap();
    assert_eq!(
        hex(&to_be_signed(&part(&auth_bytes, 0), payload)),
        hex(&annex("D.5.2_sig_structure"))
    );
    let mso = document.issuer_signed.mso(&LIMITS).unwrap();
    assert_eq!(
        (mso.version.as_str(), mso.doc_type.as_str()),
        ("1.0", MDL_DOC_TYPE)
    );
    assert_eq!(mso.validity_info.valid_until.to_string(), "2021-10-01T13:30:02Z");
    assert_eq!(
        mso.device_key_info.device_key.as_ref(),
        Ok(secret("annex-d/device_key.jwk.json").public_key())
    );
    let mut items = 0;
    for embedded in document
        .issuer_signed
        .name_spaces()
        .iter()
        .flat_map(|(_, items)| items)
    {
        let item = IssuerSignedItem::decode(embedded.item(&LIMITS).unwrap()).unwrap();
        let digest = RustCrypto.digest(mso.digest_algorithm, &[embedded.raw()]);
        let signed = mso.value_digests.get(MDL_NAME_SPACE, item.digest_id).unwrap();
        assert_eq!(signed.as_ref(), digest.as_ref(), "{}", item.element_identifier);
        items += 1;
    }
    assert_eq!(items, 6);
}

#[test]
fn trap_42_the_mac_key_of_d_5_3_is_of_the_static_device_key_and_the_readers() {
    let (device, reader) = (
        secret("annex-d/device_key.jwk.json"),
        secret("annex-d/e_reader_key.jwk.json"),
    );
    let expected = hex(&annex("D.5.3_EMacKey_key"));
    for (ours, theirs) in [(&device, &reader), (&reader, &device)] {
        let shared = RustCrypto.agree(ours, theirs.public_key()).unwrap();
        assert_eq!(hex(&shared), hex(&annex("D.5.3_EMacKey_Zab")));
        let key = mac_key(ours, theirs.public_key(), &session(), &RustCrypto).unwrap();
        assert_eq!(hex(key.as_ref()), expected);
    }
    // The keys of the session agree on something else.
    let wrong = secret("annex-d/e_device_key.jwk.json");
    let key = mac_key(&wrong, reader.public_key(), &session(), &RustCrypto).unwrap();
    assert_ne!(hex(key.as_ref()), expected);
    let session_key = RustCrypto.agree(&wrong, reader.public_key()).unwrap();
    assert_eq!(hex(&session_key), hex(&annex("D.5.1_SKReader_Zab")));
}

#[test]
fn the_device_of_d_5_3_macked_the_document_of_d_4_1_2() {
    let response = annex("D.4.1.2_device_response");
    let response = DeviceResponse::decode(&response, &LIMITS).unwrap();
    let document = Document::from_item(response.documents[0], &LIMITS).unwrap();
    let payload =
        device_authentication_bytes(&session(), MDL_DOC_TYPE, document.device_signed.name_spaces.raw());
    assert_eq!(hex(&payload), hex(&annex("D.5.3_device_authentication_bytes")));
    let reader = secret("annex-d/e_reader_key.jwk.json");
    let mso = document.issuer_signed.mso(&LIMITS).unwrap();
    let device = mso.device_key_info.device_key.unwrap();
    let key = mac_key(&reader, &device, &session(), &RustCrypto).unwrap();
    let DeviceAuth::Mac(mac) = &document.device_signed.device_auth else {
        panic!("a MAC")
    };
    mac.verify_detached(&key, &payload, &RustCrypto).unwrap();
    assert!(mac.verify_detached(&key, b"other", &RustCrypto).is_err());

    let mut made = Vec::new();
    Mac0::write(&mut made, &key, &payload, &RustCrypto);
    let made = Tree::Map(vec![("deviceMac".into(), Tree::Raw(made))]).encode();
    assert_eq!(hex(&made), hex(&annex("D.5.3_device_auth")));
    let structure = annex("D.5.3_mac_structure");
    let tag = RustCrypto.hmac_sha256(&key, &[&structure]);
    assert_eq!(hex(&tag), hex(&annex("D.5.3_MAC_tag")));
}

#[test]
fn the_response_of_d_4_1_2_is_made_again_with_the_same_bytes() {
    let issued = file("annex-d/issuer_signed.cbor");
    let document = IssuerSigned::decode(&issued, &LIMITS).unwrap();
    let names: Vec<String> = document
        .name_spaces()
        .iter()
        .flat_map(|(_, items)| items)
        .map(|item| {
            let item = IssuerSignedItem::decode(item.item(&LIMITS).unwrap()).unwrap();
            item.element_identifier.into_owned()
        })
        .collect();
    let release: Vec<_> = names.iter().map(|name| (MDL_NAME_SPACE, name.as_str())).collect();
    let (device, reader) = (
        secret("annex-d/device_key.jwk.json"),
        secret("annex-d/e_reader_key.jwk.json"),
    );
    let key = DeviceKey::Mac {
        secret: &device,
        reader_key: reader.public_key(),
    };
    let presentation = Presentation {
        document: &document,
        release: &release,
        device_elements: &NameSpaces::new(),
        transcript: &session(),
        key: &key,
    };
    let made = presentation.encode(&LIMITS, &RustCrypto).unwrap();
    assert_eq!(
        hex(&encode_response(&[made], &[])),
        hex(&annex("D.4.1.2_device_response"))
    );
}
