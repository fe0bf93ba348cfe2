//! Of OpenID4VCI.

use mdoc_core::crypto::{Curve, RustCrypto};
use mdoc_core::time::Timestamp;
use mdoc_openid::Secret;
use mdoc_openid::jose::jwe::{self, Encryption, Recipient};
use mdoc_openid::vci::{dpop, proof};

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

pub(crate) fn credential_request() -> Vec<Vec<u8>> {
    [
        r#"{"credential_configuration_id":"mdl","proofs":{"jwt":["a.b.c","d.e.f"]}}"#,
        r#"{"credential_identifier":"mdl/1","proofs":{"attestation":["a.b.c"]},"credential_response_encryption":
            {"jwk":{"kty":"EC","crv":"P-256","alg":"ECDH-ES","x":"AA","y":"AA"},"enc":"A256GCM","zip":"DEF"}}"#,
        r#"{"format":"mso_mdoc","doctype":"org.iso.18013.5.1.mDL","proof":{"proof_type":"jwt","jwt":"a.b.c"}}"#,
        r#"{"credentials":[{"credential":"ov8"}],"notification_id":"n"}"#,
        r#"{"credential_issuer":"https://id.example.org/t/dmv","credential_endpoint":"https://id.example.org/c",
            "credential_configurations_supported":{"mdl":{"format":"mso_mdoc","doctype":"x"}}}"#,
        "openid-credential-offer://?credential_offer=%7B%22credential_issuer%22%3A%22https%3A%2F%2Fa%22%2C%22\
         credential_configuration_ids%22%3A%5B%22m%22%5D%7D",
        "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Apre-authorized_code&pre-authorized_code=a&tx_code=1",
    ]
    .map(|text| text.as_bytes().to_vec())
    .into()
}
