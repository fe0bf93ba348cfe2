//! OpenID4VP 1.0, B.2.6: the example of a transcript over redirects.

use mdoc_core::crypto::{Backend as _, DigestAlgorithm, RustCrypto};
use mdoc_core::keys::{public_from_jwk, public_to_jwk};
use mdoc_core::transcript::SessionTranscript;

use super::{hex, json, unhex};

#[test]
fn the_transcript_of_a_redirect_is_that_of_the_specification() {
    let all = json("oid4vp/handovers.json");
    let example = &all["openid4vp-1.0"]["redirect"];
    let text = |name: &str| example[name].as_str().unwrap();
    let transcript = |thumbprint: Option<&[u8]>| {
        let (client, nonce, uri) = (text("client_id"), text("nonce"), text("response_uri"));
        SessionTranscript::openid4vp(client, nonce, thumbprint, uri, &RustCrypto)
    };
    let thumbprint = unhex(text("jwk_thumbprint_hex"));
    assert_eq!(
        hex(transcript(Some(&thumbprint)).raw()),
        text("session_transcript_hex")
    );
    assert_ne!(hex(transcript(None).raw()), text("session_transcript_hex"));

    // RFC 7638: the digest of the members that matter, in their order.
    let key = public_from_jwk(&example["jwk"].to_string()).unwrap();
    let digest = RustCrypto.digest(DigestAlgorithm::Sha256, &[public_to_jwk(&key).as_bytes()]);
    assert_eq!(digest.as_ref(), thumbprint);
}
