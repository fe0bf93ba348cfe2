use mdoc_core::crypto::{RustCrypto, SignatureAlgorithm};
use mdoc_core::seams::Signer as _;
use serde_json::json;

use super::*;
use crate::jose::jws::JwsError;
use crate::jose::trust::TrustError;
use crate::vci::world::{ISSUER, ago, ahead, changed, key, now, provider, window};

/// The configuration of the reference, in metadata with all endpoints, one of another format, and one that is broken.
fn document() -> Value {
    json!({
        "credential_issuer": ISSUER,
        "credential_endpoint": "https://id.example.org/t/dmv/credential",
        "nonce_endpoint": "https://id.example.org/t/dmv/nonce",
        "deferred_credential_endpoint": "https://id.example.org/t/dmv/deferred",
        "notification_endpoint": "https://id.example.org/t/dmv/notification",
        "batch_credential_issuance": { "batch_size": 50 },
        "credential_response_encryption": { "alg_values_supported": ["ECDH-ES"],
            "enc_values_supported": ["A128GCM", "A256GCM"], "encryption_required": false },
        "display": [{ "name": "Agency", "locale": "en-GB", "logo": { "uri": "https://id.example.org/a/logo.png" } }],
        "credential_configurations_supported": {
            "mdl-2025": {
                "format": "mso_mdoc", "doctype": "org.iso.18013.5.1.mDL", "scope": "org.example.mdl",
                "credential_signing_alg_values_supported": [-7, -9],
                "cryptographic_binding_methods_supported": ["cose_key"],
                "proof_types_supported": { "jwt": { "proof_signing_alg_values_supported": ["ES256"] } },
                "credential_metadata": {
                    "display": [{ "name": "Driving licence", "locale": "en-GB",
                        "logo": { "uri": "https://id.example.org/a/logo.png", "alt_text": "Agency" },
                        "background_color": "#12305a", "text_color": "#ffffff",
                        "background_image": { "uri": "https://id.example.org/a/card.png" } }],
                    "claims": [{ "path": ["org.iso.18013.5.1", "family_name"], "mandatory": true,
                        "display": [{ "name": "Surname", "locale": "en-GB" }] }],
                    "credential_reuse_policy": { "id": "x" } } },
            "sd": { "format": "dc+sd-jwt", "vct": "a", "credential_signing_alg_values_supported": ["ES256"],
                "claims": { "a": {} } },
            "broken": { "format": 1 }
        }
    })
}

fn read(document: &Value) -> Result<IssuerMetadata, MetadataError> {
    IssuerMetadata::decode(&serde_json::to_vec(document).unwrap(), ISSUER)
}

#[test]
fn metadata_is_read_and_what_is_broken_or_not_known_is_passed_over() {
    let metadata = read(&document()).unwrap();
    metadata.validate().unwrap();
    assert_eq!(metadata.unreadable, ["broken"]);
    let mdl = &metadata.credential_configurations_supported["mdl-2025"];
    assert!(mdl.is_mdoc() && !metadata.credential_configurations_supported["sd"].is_mdoc());
    assert!(mdl.credential_signing_alg_values_supported[1].is(SignatureAlgorithm::Es256));
    assert_eq!(mdl.displays()[0].name, "Driving licence");
    let encryption = metadata.credential_response_encryption.as_ref().unwrap();
    assert_eq!(encryption.encryption(), Some(Encryption::A256Gcm));
    let again = IssuerMetadata::decode(&metadata.encode(Draft::Final), ISSUER).unwrap();
    assert_eq!((again.unreadable.len(), again.display.len()), (0, 1));
    assert_eq!(
        again.credential_configurations_supported,
        metadata.credential_configurations_supported
    );
}

#[test]
fn metadata_is_that_of_the_issuer_byte_for_byte() {
    let body = serde_json::to_vec(&document()).unwrap();
    for other in [
        "https://id.example.org/t/dmv/",
        "https://id.example.org:443/t/dmv",
    ] {
        assert_eq!(
            IssuerMetadata::decode(&body, other),
            Err(MetadataError::OtherIssuer)
        );
    }
}

#[test]
fn metadata_that_cannot_be_used_is_refused() {
    let with = |member: &str, value: Value| {
        let mut document = document();
        document[member] = value;
        read(&document)
    };
    assert_eq!(
        with("nonce_endpoint", json!("file:///etc/passwd")),
        Err(MetadataError::Endpoint("nonce_endpoint", BadAddress::Scheme))
    );
    assert_eq!(
        with("credential_endpoint", Value::Null),
        Err(MetadataError::Json(BadJson::Shape))
    );
    assert_eq!(
        with("credential_configurations_supported", json!([])),
        Err(MetadataError::Json(BadJson::Shape))
    );
    let many: serde_json::Map<_, _> = (0..1001).map(|n| (n.to_string(), json!({}))).collect();
    assert_eq!(
        with("credential_configurations_supported", many.into()),
        Err(MetadataError::TooMany)
    );
}

#[test]
fn an_issuer_is_told_what_it_must_not_publish() {
    let metadata = read(&document()).unwrap();
    let mut bad = metadata.clone();
    bad.batch_credential_issuance = Some(Batch { batch_size: 1 });
    assert_eq!(bad.validate(), Err(MetadataError::BatchSize));
    for change in [
        |mdl: &mut Configuration| mdl.proof_types_supported.clear(),
        |mdl: &mut Configuration| mdl.cryptographic_binding_methods_supported.clear(),
    ] {
        let mut bad = metadata.clone();
        change(
            bad.credential_configurations_supported
                .get_mut("mdl-2025")
                .unwrap(),
        );
        assert_eq!(
            bad.validate(),
            Err(MetadataError::ProofTypes("mdl-2025".to_owned()))
        );
    }
    let mut bad = metadata.clone();
    bad.credential_configurations_supported
        .get_mut("mdl-2025")
        .unwrap()
        .doctype = None;
    assert_eq!(bad.validate(), Err(MetadataError::DocType("mdl-2025".to_owned())));
    let mut bad = metadata;
    bad.credential_request_encryption = Some(RequestEncryption {
        jwks: Jwks {
            keys: vec![Jwk::new(key(1).public_key()).with("alg", jwe::ALG)],
        },
        enc_values_supported: vec!["A128GCM".to_owned()],
        zip_values_supported: Vec::new(),
        encryption_required: true,
    });
    assert_eq!(bad.validate(), Err(MetadataError::RequestKey));
    let recipient = bad.credential_request_encryption.unwrap().recipient().unwrap();
    assert_eq!(recipient.encryption, Encryption::A128Gcm);
}

#[test]
fn wallets_of_drafts_find_display_and_claims_where_they_look() {
    let metadata = read(&document()).unwrap();
    let mdl = |oldest| {
        let value: Value = serde_json::from_slice(&metadata.encode(oldest)).unwrap();
        value["credential_configurations_supported"]["mdl-2025"].clone()
    };
    assert_eq!(mdl(Draft::Final).get("display"), None);
    assert_eq!(mdl(Draft::Final).get("claims"), None);
    let fifteen = mdl(Draft::Draft15);
    assert_eq!(fifteen["display"][0]["name"], "Driving licence");
    assert_eq!(fifteen["claims"][0]["path"][1], "family_name");
    let thirteen = mdl(Draft::Draft13);
    assert_eq!(
        thirteen["claims"]["org.iso.18013.5.1"]["family_name"]["mandatory"],
        true
    );
    assert_eq!(thirteen["order"], json!(["org.iso.18013.5.1~family_name"]));
}

#[test]
fn the_authorization_server_is_the_issuer_unless_others_are_named() {
    let mut metadata = IssuerMetadata::new(ISSUER, "https://id.example.org/c");
    assert_eq!(metadata.authorization_server(None), Ok(ISSUER));
    assert_eq!(metadata.authorization_server(Some(ISSUER)), Ok(ISSUER));
    metadata.authorization_servers = vec!["https://a".to_owned(), "https://b".to_owned()];
    assert_eq!(metadata.authorization_server(None), Ok("https://a"));
    assert_eq!(metadata.authorization_server(Some("https://b")), Ok("https://b"));
    assert_eq!(
        metadata.authorization_server(Some("https://evil")),
        Err(MetadataError::OtherIssuer)
    );
}

#[test]
fn signed_metadata_is_checked_by_each_rule() {
    let provider = provider();
    let metadata = read(&document()).unwrap();
    let times = (ago(10), Some(ahead(100)));
    let token = sign(
        &metadata,
        Draft::Final,
        times,
        &[provider.leaf.der()],
        &provider.key,
    )
    .unwrap();
    let judged = |token: &str| verify(token, ISSUER, &provider.trust, &window(), &RustCrypto);
    let verified = judged(&token).unwrap();
    assert_eq!(verified.nonce_endpoint, metadata.nonce_endpoint);
    let with = |header, claims| judged(&changed(&token, header, claims, &provider.key)).unwrap_err();
    let none = || json!({});
    assert_eq!(
        with(json!({ "typ": "JWT" }), none()),
        SignedError::Jwt(JwsError::Type(SIGNED_TYPE))
    );
    assert_eq!(
        with(json!({ "x5c": null }), none()),
        SignedError::Trust(TrustError::NoKey)
    );
    assert_eq!(
        with(none(), json!({ "sub": "https://other" })),
        SignedError::Subject
    );
    assert_eq!(with(none(), json!({ "iat": null })), SignedError::IssuedAt);
    assert_eq!(
        with(none(), json!({ "exp": ago(100).unix() })),
        SignedError::Expired
    );
    assert_eq!(
        with(none(), json!({ "credential_issuer": "https://other" })),
        SignedError::Metadata(MetadataError::OtherIssuer)
    );
    let forged = changed(&token, none(), none(), &key(3));
    assert!(matches!(
        judged(&forged),
        Err(SignedError::Jwt(JwsError::Signature(_)))
    ));
    assert!(now() < ahead(1));
}
