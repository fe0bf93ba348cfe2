use mdoc_core::crypto::RustCrypto;
use mdoc_core::seams::SoftwareKey;
use proptest::prelude::*;

use super::*;
use crate::jose::jwk::Jwk;
use crate::vci::world::{ES256, ago, ahead, changed, key, now, window};

const URL: &str = "https://server.example.com/token";

/// RFC 9449, 4.1: a proof for the token endpoint; and 7.1: one for a resource, with the token of 7.1.
const AT_TOKEN: &str = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg";
const AT_RESOURCE: &str = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9.2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA";
const TOKEN: &str = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU";

fn at(seconds: i64) -> Window {
    Window::at(Timestamp::from_unix(seconds))
}

fn rules<'a>() -> DpopRules<'a> {
    DpopRules {
        method: "POST",
        url: URL,
        access_token: None,
        bound_to: None,
        nonces: Nonces::NotUsed,
        window: window(),
        algorithms: ES256,
    }
}

#[test]
fn the_examples_of_rfc_9449_verify() {
    let rules = DpopRules {
        window: at(1_562_262_616),
        ..rules()
    };
    let proof = verify(AT_TOKEN, &rules, &RustCrypto).unwrap();
    assert_eq!(proof.jti(), "-BwC3ESc6acc2lTc");
    assert_eq!(proof.issued(), Timestamp::from_unix(1_562_262_616));
    assert_eq!(proof.thumbprint(), "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I");
    assert_eq!(proof.nonce(), None);
    let token = Secret::from(TOKEN);
    let at_resource = DpopRules {
        method: "GET",
        url: "https://resource.example.org/protectedresource",
        access_token: Some(&token),
        bound_to: Some("0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"),
        ..rules
    };
    assert_eq!(
        verify(AT_RESOURCE, &at_resource, &RustCrypto).unwrap().jti(),
        "e1j3V_bKic8-LAEB"
    );
}

fn made(request: &Request<'_>, signer: &SoftwareKey) -> String {
    sign(request, &Secret::from("jti-1"), now(), signer, &RustCrypto).unwrap()
}

const REQUEST: Request<'_> = Request {
    method: "POST",
    url: "https://server.example.com/token?a=b#c",
    access_token: None,
    nonce: None,
};

fn fault(token: &str, rules: &DpopRules<'_>) -> DpopError {
    verify(token, rules, &RustCrypto).unwrap_err()
}

#[test]
fn each_rule_has_its_own_error() {
    let wallet = key(1);
    let good = made(&REQUEST, &wallet);
    verify(&good, &rules(), &RustCrypto).unwrap();
    let with = |header, claims| fault(&changed(&good, header, claims, &wallet), &rules());
    let none = || json!({});
    assert_eq!(
        with(json!({ "typ": "jwt" }), none()),
        DpopError::Jwt(JwsError::Type(TYPE))
    );
    assert_eq!(with(json!({ "jwk": null }), none()), DpopError::KeyMissing);
    let other = json!({ "jwk": Jwk::new(key(2).public_key()) });
    assert!(matches!(
        with(other, none()),
        DpopError::Jwt(JwsError::Signature(_))
    ));
    assert_eq!(with(none(), json!({ "jti": null })), DpopError::Identifier);
    assert_eq!(with(none(), json!({ "jti": "" })), DpopError::Identifier);
    assert_eq!(
        with(none(), json!({ "jti": "a".repeat(257) })),
        DpopError::Identifier
    );
    assert_eq!(with(none(), json!({ "htm": "GET" })), DpopError::Method);
    assert_eq!(with(none(), json!({ "htm": "post" })), DpopError::Method);
    assert_eq!(
        with(none(), json!({ "htu": "https://server.example.com/other" })),
        DpopError::Url
    );
    assert_eq!(with(none(), json!({ "htu": null })), DpopError::Url);
    assert_eq!(
        with(none(), json!({ "iat": ago(361).unix() })),
        DpopError::IssuedAt
    );
    assert_eq!(
        with(none(), json!({ "iat": ahead(61).unix() })),
        DpopError::IssuedAt
    );
    assert_eq!(with(none(), json!({ "iat": null })), DpopError::IssuedAt);
    let only = DpopRules {
        algorithms: &[SignatureAlgorithm::Es384],
        ..rules()
    };
    assert_eq!(
        fault(&good, &only),
        DpopError::Jwt(JwsError::AlgorithmNotAllowed(SignatureAlgorithm::Es256))
    );
}

#[test]
fn nonces_are_asked_for() {
    let known = |nonce: &str| nonce == "n";
    let rules = DpopRules {
        nonces: Nonces::Required(&known),
        ..rules()
    };
    let with = |nonce| made(&Request { nonce, ..REQUEST }, &key(1));
    assert_eq!(
        verify(&with(Some("n")), &rules, &RustCrypto).unwrap().nonce(),
        Some("n")
    );
    assert_eq!(fault(&with(None), &rules), DpopError::NonceMissing);
    assert_eq!(fault(&with(Some("m")), &rules), DpopError::NonceWrong);
    assert_eq!(fault(&with(Some("m")), &rules).code(), ErrorCode::UseDpopNonce);
}

#[test]
fn a_proof_is_for_its_token_and_the_token_for_its_key() {
    let (token, other) = (Secret::from("t-1"), Secret::from("t-2"));
    let wallet = key(1);
    let thumbprint = jwk::thumbprint(wallet.public_key(), &RustCrypto);
    let rules = DpopRules {
        access_token: Some(&token),
        bound_to: Some(&thumbprint),
        ..rules()
    };
    let with = |access_token, signer: &SoftwareKey| {
        let proof = made(
            &Request {
                access_token,
                ..REQUEST
            },
            signer,
        );
        verify(&proof, &rules, &RustCrypto).map(drop)
    };
    assert_eq!(with(Some(&token), &wallet), Ok(()));
    assert_eq!(with(None, &wallet), Err(DpopError::Token));
    assert_eq!(with(Some(&other), &wallet), Err(DpopError::Token));
    assert_eq!(with(Some(&token), &key(2)), Err(DpopError::Key));
    assert_eq!(DpopError::Key.code(), ErrorCode::InvalidToken);
    assert_eq!(DpopError::Token.code(), ErrorCode::InvalidDpopProof);
}

proptest! {
    #[test]
    fn any_header_is_judged(text in "[ -~]{0,300}") {
        prop_assert!(verify(&text, &rules(), &RustCrypto).is_err());
    }
}
