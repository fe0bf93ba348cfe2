//! Of OpenID4VCI.

use mdoc_core::crypto::{Curve, RustCrypto};
use mdoc_core::seams::Signer as _;
use mdoc_core::time::Timestamp;
use mdoc_openid::Secret;
use mdoc_openid::jose::from_base64url;
use mdoc_openid::jose::jwe::{self, Encryption, Recipient};
use mdoc_openid::jose::jws::Named;
use mdoc_openid::vci::attestation::{self, Statement};
use mdoc_openid::vci::metadata::{self, IssuerMetadata, KeyAttestationsRequired};
use mdoc_openid::vci::{Draft, client, dpop, proof};

use crate::fixtures::world;
use crate::openid::{ISSUER, NONCE, NOW, recipient};

pub(crate) fn jws() -> Vec<Vec<u8>> {
    let key = world().key("proof", Curve::P256);
    let now = Timestamp::from_unix(NOW);
    let proof = proof::sign(ISSUER, None, Some(NONCE), None, now, &key).unwrap();
    let token = Secret::from("t-1");
    let request = dpop::Request {
        method: "POST",
        url: ISSUER,
        access_token: Some(&token),
        nonce: None,
    };
    let dpop = dpop::sign(&request, &Secret::from("jti"), now, &key, &RustCrypto).unwrap();
    vec![proof.into_bytes(), dpop.into_bytes()]
}

pub(crate) fn jwe() -> Vec<Vec<u8>> {
    let made = |encryption, compress| {
        let recipient = Recipient {
            key: recipient().public_key().clone(),
            kid: None,
            encryption,
            compress,
        };
        let mut rng = world().rng("jwe seed");
        jwe::encrypt(b"{\"transaction_id\":\"t\"}", &recipient, &mut rng, &RustCrypto).unwrap()
    };
    [(Encryption::A128Gcm, false), (Encryption::A256Gcm, true)]
        .map(|(encryption, compress)| made(encryption, compress).into_bytes())
        .into()
}

/// Texts, each behind the byte that says of which kind it is.
fn kinds(texts: &[(u8, &str)]) -> Vec<Vec<u8>> {
    let seed = |(kind, text): &(u8, &str)| [&[*kind], text.as_bytes()].concat();
    texts.iter().map(seed).collect()
}

pub(crate) fn credential_request() -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for version in [0, 1, 2] {
        all.extend(kinds(&[
            (version, r#"{"credential_configuration_id":"mdl","proofs":{"jwt":["a.b.c","d.e.f"]}}"#),
            (version, r#"{"credential_identifier":"mdl/1","proofs":{"attestation":["a.b.c"]},"credential_response_encryption":
                {"jwk":{"kty":"EC","crv":"P-256","alg":"ECDH-ES","x":"AA","y":"AA"},"enc":"A256GCM","zip":"DEF"}}"#),
            (version, r#"{"format":"mso_mdoc","doctype":"org.iso.18013.5.1.mDL","proof":{"proof_type":"jwt","jwt":"a.b.c"},
                "credential_response_encryption":{"jwk":{"kty":"EC"},"alg":"ECDH-ES","enc":"A256GCM"}}"#),
        ]));
    }
    all.extend(kinds(&[
        (3, r#"{"transaction_id":"t","credential_response_encryption":{"jwk":{"alg":"ECDH-ES"},"enc":"A128GCM"}}"#),
        (4, r#"{"credentials":[{"credential":"ov8"}],"notification_id":"n"}"#),
        (4, r#"{"credential":"ov8="}"#),
        (4, r#"{"transaction_id":"t","interval":5}"#),
        (5, r#"{"error":"issuance_pending","interval":9}"#),
        (5, r#"{"error":"invalid_proof","error_description":"a","c_nonce":"n"}"#),
        (6, r#"{"credential_issuer":"https://a","credential_configuration_ids":["m"],"grants":{"authorization_code":
            {"issuer_state":"s","authorization_server":"https://b"},"urn:ietf:params:oauth:grant-type:pre-authorized_code":
            {"pre-authorized_code":"c","tx_code":{"input_mode":"text","length":4,"description":"d"},"interval":5}}}"#),
        (7, "openid-credential-offer://?credential_offer=%7B%22credential_issuer%22%3A%22https%3A%2F%2Fa%22%2C%22\
             credential_configuration_ids%22%3A%5B%22m%22%5D%7D"),
        (7, "openid-credential-offer://?credential_offer_uri=https%3A%2F%2Fa%2Fo"),
    ]));
    all
}

pub(crate) fn metadata() -> Vec<Vec<u8>> {
    let issuer = r##"{"credential_issuer":"https://id.example.org/t/dmv","credential_endpoint":"https://id.example.org/c",
        "authorization_servers":["https://a"],"nonce_endpoint":"https://id.example.org/n","batch_credential_issuance":
        {"batch_size":50},"credential_request_encryption":{"jwks":{"keys":[{"kty":"EC","kid":"1","alg":"ECDH-ES"}]},
        "enc_values_supported":["A256GCM"],"encryption_required":true},"display":[{"name":"A","locale":"en-GB",
        "logo":{"uri":"https://a/l"}}],"credential_configurations_supported":{"mdl":{"format":"mso_mdoc","doctype":"x",
        "scope":"s","credential_signing_alg_values_supported":[-7,"ES256"],"cryptographic_binding_methods_supported":
        ["cose_key"],"proof_types_supported":{"jwt":{"proof_signing_alg_values_supported":["ES256"],
        "key_attestations_required":{"key_storage":["iso_18045_high"]}}},"credential_metadata":{"display":[{"name":"L",
        "background_color":"#12305a"}],"claims":[{"path":["a","b"],"mandatory":true,"display":[{"name":"S"}]}]}},
        "b":{"format":1}}}"##;
    let small = r#"{"credential_issuer":"https://id.example.org/t/dmv","credential_endpoint":"https://id.example.org/c",
        "credential_configurations_supported":{"mdl":{"format":"mso_mdoc","doctype":"x"}}}"#;
    let server = r#"{"issuer":"https://id.example.org/t/dmv","token_endpoint":"https://id.example.org/t",
        "authorization_endpoint":"https://id.example.org/a","pushed_authorization_request_endpoint":"https://id.example.org/p",
        "require_pushed_authorization_requests":true,"response_types_supported":["code"],"grant_types_supported":
        ["authorization_code"],"code_challenge_methods_supported":["S256"],"dpop_signing_alg_values_supported":["ES256"],
        "pre-authorized_grant_anonymous_access_supported":true,"challenge_endpoint":"https://id.example.org/h"}"#;
    kinds(&[(0, issuer), (1, issuer), (0, small), (1, small), (2, server)])
}

pub(crate) fn authorization() -> Vec<Vec<u8>> {
    kinds(&[
        (
            0,
            "response_type=code&client_id=wallet&redirect_uri=https%3A%2F%2Fw%2Fcb&scope=a+b&authorization_details=%5B%7B%22\
             type%22%3A%22openid_credential%22%2C%22credential_configuration_id%22%3A%22mdl%22%7D%5D&state=s&code_challenge=\
             E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256&issuer_state=i&resource=https%3A%2F%2Fa\
             &dpop_jkt=0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I",
        ),
        (
            1,
            r#"{"request_uri":"urn:ietf:params:oauth:request_uri:6","expires_in":60}"#,
        ),
        (2, "code=c&state=s-1&iss=https%3A%2F%2Fid.example.org%2Ft%2Fdmv"),
        (2, "error=access_denied&state=s-1"),
        (
            3,
            "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Apre-authorized_code&pre-authorized_code=a&tx_code=1",
        ),
        (
            3,
            "grant_type=authorization_code&code=c&code_verifier=v&redirect_uri=https%3A%2F%2Fa&client_id=w",
        ),
        (
            3,
            "grant_type=refresh_token&refresh_token=r&scope=s&resource=https%3A%2F%2Fa",
        ),
        (
            4,
            r#"{"access_token":"t","token_type":"DPoP","expires_in":9,"refresh_token":"r","scope":"s","authorization_details":
            [{"type":"openid_credential","credential_identifiers":["a"]}],"c_nonce":"n","c_nonce_expires_in":9}"#,
        ),
        (
            5,
            r#"{"error":"invalid_proof","error_description":"a","interval":5,"c_nonce":"n"}"#,
        ),
        (6, r#"{"attestation_challenge":"c"}"#),
        (7, r#"{"c_nonce":"n"}"#),
        (
            8,
            r#"{"notification_id":"n","event":"credential_accepted","event_description":"d"}"#,
        ),
        (8, r#"{"notification_id":"n","event":"credential_failure"}"#),
        (9, "a=1&b=%20x+y&c=%F0%9F%98%80"),
        (10, "https://a.example:8443/b/c?d=e#f"),
        (11, "HTTPS://a.example/b"),
    ])
}

/// Statements of every kind: as they are made, and as headers and claims that the target signs.
pub(crate) fn signed_jwt() -> Vec<Vec<u8>> {
    let world = world();
    let key = &world.ds_key;
    let (now, end) = (Timestamp::from_unix(NOW), Timestamp::from_unix(NOW + 3600));
    let levels = KeyAttestationsRequired {
        key_storage: vec!["iso_18045_high".to_owned()],
        user_authentication: Vec::new(),
    };
    let keys = [key.public_key().clone(), world.device_key.public_key().clone()];
    let statement = Statement {
        keys: &keys,
        issued: now,
        expires: end,
        nonce: Some(NONCE),
        levels: &levels,
    };
    let ds = [world.ds.der()];
    let jti = Secret::from("jti");
    let token = Secret::from("t-1");
    let attested = attestation::sign(&statement, Named::Kid("k"), key).unwrap();
    let by_chain = attestation::sign(&statement, Named::Certificates(&ds), key).unwrap();
    let client = client::sign_attestation(
        "wallet",
        key.public_key(),
        (now, end),
        &[("wallet_name", "Wallet")],
        Named::Kid("k"),
        key,
    )
    .unwrap();
    let pop = client::sign_pop("wallet", ISSUER, Some(NONCE), &jti, now, key).unwrap();
    let metadata = IssuerMetadata::new(ISSUER, "https://id.example.org/c");
    let metadata = metadata::sign(&metadata, Draft::Final, (now, Some(end)), &ds, key).unwrap();
    let proof = proof::sign(ISSUER, Some("wallet"), Some(NONCE), Some(&attested), now, key).unwrap();
    let plain = proof::sign(ISSUER, None, Some(NONCE), None, now, key).unwrap();
    let request = dpop::Request {
        method: "POST",
        url: ISSUER,
        access_token: Some(&token),
        nonce: Some(NONCE),
    };
    let dpop = dpop::sign(&request, &jti, now, key, &RustCrypto).unwrap();
    let mut all = Vec::new();
    for (kind, tokens) in [
        (0, vec![&attested]),
        (0, vec![&by_chain]),
        (1, vec![&client, &pop]),
        (2, vec![&metadata]),
        (3, vec![&proof]),
        (3 | 0x20, vec![&plain]),
        (4, vec![&attested]),
        (5, vec![&dpop]),
    ] {
        // Bits that choose a policy and whether the target signs change the kind, which is a remainder: the next that fits.
        let texts: Vec<&str> = tokens.iter().map(|token| token.as_str()).collect();
        all.push([&[fitting(kind, 0)], texts.join("\n").as_bytes()].concat());
        let parts = texts.iter().flat_map(|token| token.split('.').take(2));
        let parts: Vec<_> = parts
            .map(|part| String::from_utf8(from_base64url(part).unwrap()).unwrap())
            .collect();
        all.push([&[fitting(kind, 0x80)], parts.join("\n").as_bytes()].concat());
    }
    all
}

/// A first byte for a kind of statement, with those of its high bits set and the rest as they come.
fn fitting(kind: u8, high: u8) -> u8 {
    let wanted = |byte: &u8| byte % 6 == (kind & 0x1f) % 6 && byte & 0xe0 == kind & 0x60 | high;
    (0..=255).find(wanted).unwrap()
}
