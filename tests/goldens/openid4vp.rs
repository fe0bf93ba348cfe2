//! The examples of transcripts of OpenID4VP 1.0 (B.2.6) and of ISO/IEC TS 18013-7 (annexes B and C).

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

/// Hashes of the same examples whose response is not encrypted.
const NOT_ENCRYPTED: [(&str, &str); 2] = [
    (
        "redirect",
        "c672b54a2facfb3284965c5be838a8cd1f96f7de36ede3470b1d5de2c57d7719",
    ),
    (
        "dc_api",
        "3563b629e28bf0a736c6ba6faacb60a9cd3074e51416a04565031d8690638c43",
    ),
];

/// Trap 46: four ways online, four handovers.
#[test]
fn every_transcript_of_a_verification_online_is_that_of_its_specification() {
    let all = json("oid4vp/handovers.json");
    let text = |example: &serde_json::Value, name: &str| example[name].as_str().unwrap().to_owned();
    let final_1 = &all["openid4vp-1.0"];
    for (name, without) in NOT_ENCRYPTED {
        let example = &final_1[name];
        let transcript = |thumbprint: Option<&[u8]>| {
            let nonce = text(example, "nonce");
            if name == "redirect" {
                let (client, uri) = (text(example, "client_id"), text(example, "response_uri"));
                SessionTranscript::openid4vp(&client, &nonce, thumbprint, &uri, &RustCrypto)
            } else {
                let origin = text(example, "origin");
                SessionTranscript::openid4vp_dc_api(&origin, &nonce, thumbprint, &RustCrypto)
            }
        };
        let thumbprint = unhex(&text(example, "jwk_thumbprint_hex"));
        assert_eq!(
            hex(transcript(Some(&thumbprint)).raw()),
            text(example, "session_transcript_hex"),
            "{name}"
        );
        assert!(hex(transcript(None).raw()).ends_with(without), "{name}");
    }

    let example = &all["18013-7-annex-b"];
    let (client, uri) = (text(example, "client_id"), text(example, "response_uri"));
    let (nonce, mdoc) = (text(example, "nonce"), text(example, "mdoc_generated_nonce"));
    let transcript = SessionTranscript::iso_openid4vp(&client, &uri, &nonce, &mdoc, &RustCrypto);
    assert_eq!(hex(transcript.raw()), text(example, "session_transcript_hex"));

    let example = &all["18013-7-annex-c"];
    let (info, origin) = (text(example, "encryptionInfoB64"), text(example, "origin"));
    let transcript = SessionTranscript::iso_dc_api(&info, &origin, &RustCrypto);
    assert_eq!(hex(transcript.raw()), text(example, "session_transcript_hex"));
    // The text is hashed, not what it says.
    let padded = SessionTranscript::iso_dc_api(&format!("{info}="), &origin, &RustCrypto);
    assert_ne!(padded, transcript);
}
