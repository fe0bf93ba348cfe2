use mdoc_core::crypto::{RustCrypto, SecretKey};
use mdoc_core::seams::SoftwareKey;
use proptest::prelude::*;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use super::*;

const ALL: &[SignatureAlgorithm] = &[
    SignatureAlgorithm::Es256,
    SignatureAlgorithm::Es384,
    SignatureAlgorithm::Es512,
    SignatureAlgorithm::EdDsa,
];

/// RFC 7515, A.3: ES256 over a JSON object.
const RFC7515_A3: &str = "eyJhbGciOiJFUzI1NiJ9.\
    eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.\
    DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";

fn rfc_key() -> PublicKey {
    let jwk: Jwk = serde_json::from_str(
        r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
            "y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#,
    )
    .unwrap();
    jwk.public_key().unwrap()
}

fn signer(curve: Curve) -> SoftwareKey {
    SoftwareKey::new(SecretKey::generate(curve, &mut ChaCha20Rng::from_seed([3; 32]))).unwrap()
}

fn made(header: &str, payload: &str, signer: &dyn Signer) -> String {
    let token = jws::to_be_signed(header.as_bytes(), payload.as_bytes());
    let signature = signer.sign(token.as_bytes()).unwrap();
    format!("{token}.{}", base64url(&signature))
}

#[test]
fn the_example_of_rfc_7515_verifies_and_no_bit_of_it_is_free() {
    let jws = Jws::decode(RFC7515_A3).unwrap();
    let verified = jws.verify(&rfc_key(), ALL, &RustCrypto).unwrap();
    assert_eq!(verified.claims().text("iss"), Some("joe"));
    assert_eq!(
        verified.claims().time("exp"),
        Some(Timestamp::from_unix(1_300_819_380))
    );
    assert_eq!(verified.key(), &rfc_key());
    for at in (0..RFC7515_A3.len()).step_by(7) {
        let mut other = RFC7515_A3.as_bytes().to_vec();
        other[at] = if other[at] == b'A' { b'B' } else { b'A' };
        let other = String::from_utf8(other).unwrap();
        let result = Jws::decode(&other).and_then(|jws| jws.verify(&rfc_key(), ALL, &RustCrypto));
        assert!(result.is_err(), "{at}");
    }
}

#[test]
fn the_example_of_rfc_8037_verifies_if_its_payload_were_json() {
    // RFC 8037, A.4: the payload is a sentence, which no JWT has; the signature itself is checked below the claims.
    let text = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.\
        hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
    assert_eq!(
        Jws::decode(text).unwrap_err(),
        JwsError::Payload(BadJson::Malformed)
    );
    let jwk: Jwk = serde_json::from_str(
        r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#,
    )
    .unwrap();
    let compact = Compact::split(text).unwrap();
    assert_eq!(
        compact.verify("EdDSA", &jwk.public_key().unwrap(), &RustCrypto),
        Ok(())
    );
}

#[test]
fn what_is_signed_verifies_on_each_curve_that_jose_has() {
    for curve in Curve::SIGNING {
        let signer = signer(curve);
        let claims = json!({ "iat": 1_700_000_000 });
        let token = sign("x+jwt", Named::Jwk, &[("a", "b")], &claims, &signer);
        if matches!(curve, Curve::BrainpoolP256r1 | Curve::BrainpoolP384r1) {
            assert_eq!(token, Err(JwsError::Curve(curve)));
            continue;
        }
        let token = token.unwrap();
        let jws = Jws::decode(&token).unwrap();
        jws.header().expect_type("x+jwt").unwrap();
        assert_eq!(jws.header().text("a"), Some("b"));
        let key = jws.header().jwk().unwrap().unwrap();
        assert_eq!(&key, signer.public_key());
        let verified = jws.clone().verify(&key, ALL, &RustCrypto).unwrap();
        assert_eq!(verified.claims().all().len(), 1);
        let only: Vec<_> = ALL
            .iter()
            .copied()
            .filter(|alg| Some(*alg) != curve.algorithm())
            .collect();
        assert_eq!(
            jws.verify(&key, &only, &RustCrypto).unwrap_err(),
            JwsError::AlgorithmNotAllowed(curve.algorithm().unwrap())
        );
    }
}

#[test]
fn headers_that_ask_for_trouble_are_refused() {
    let signer = signer(Curve::P256);
    for (header, expected) in [
        (r#"{"alg":"none"}"#, JwsError::Algorithm),
        (r#"{"alg":"None"}"#, JwsError::Algorithm),
        (r#"{"alg":"HS256"}"#, JwsError::Algorithm),
        (r#"{"alg":["ES256"]}"#, JwsError::Algorithm),
        ("{}", JwsError::Algorithm),
        (
            r#"{"alg":"ES256","alg":"ES256"}"#,
            JwsError::Header(BadJson::Malformed),
        ),
        (
            r#"{"alg":"ES256","crit":["b64"],"b64":false}"#,
            JwsError::Critical,
        ),
        (r#"{"alg":"ES256","crit":[]}"#, JwsError::Critical),
        ("[]", JwsError::Header(BadJson::Shape)),
    ] {
        let token = made(header, "{}", &signer);
        assert_eq!(Jws::decode(&token).unwrap_err(), expected, "{header}");
    }
    let token = made(r#"{"alg":"ES256"}"#, r#"{"a":1,"a":2}"#, &signer);
    assert_eq!(
        Jws::decode(&token).unwrap_err(),
        JwsError::Payload(BadJson::Malformed)
    );
    assert_eq!(
        Jws::decode(&"a".repeat(LARGEST + 1)).unwrap_err(),
        JwsError::TooLarge
    );
    for text in ["", "a.b", "a.b.c.d", "....", "e30=.e30.AA"] {
        assert!(
            matches!(Jws::decode(text).unwrap_err(), JwsError::Compact(_)),
            "{text}"
        );
    }
}

#[test]
fn an_algorithm_of_another_curve_does_not_verify() {
    let signer = signer(Curve::P256);
    let token = made(r#"{"alg":"ES384"}"#, "{}", &signer);
    let jws = Jws::decode(&token).unwrap();
    assert!(matches!(
        jws.verify(signer.public_key(), ALL, &RustCrypto),
        Err(JwsError::Signature(CoseFault::AlgorithmCurve(..)))
    ));
}

#[test]
fn keys_and_certificates_of_the_header_are_read_strictly() {
    let signer = signer(Curve::P256);
    let header = |members: &str| made(&format!(r#"{{"alg":"ES256",{members}}}"#), "{}", &signer);
    let x5c = |members: &str| Jws::decode(&header(members)).unwrap().header().x5c();
    assert_eq!(
        x5c(r#""x5c":["AAAA","/w=="]"#),
        Ok(Some(vec![vec![0; 3], vec![0xff]]))
    );
    for members in [
        r#""x5c":[]"#,
        r#""x5c":"AAAA""#,
        r#""x5c":["_w=="]"#,
        r#""x5c":[1]"#,
        r#""x5c":["","","","","","","","",""]"#,
    ] {
        assert_eq!(x5c(members), Err(JwsError::Certificates), "{members}");
    }
    let with_d = header(r#""jwk":{"kty":"EC","crv":"P-256","x":"AA","y":"AA","d":"AA"}"#);
    let jwk = Jws::decode(&with_d).unwrap().header().jwk();
    assert_eq!(jwk, Err(JwsError::Jwk(JwkError::Private)));
}

#[test]
fn types_are_media_types() {
    let signer = signer(Curve::P256);
    for (typ, good) in [
        ("dpop+jwt", true),
        ("DPoP+JWT", true),
        ("application/dpop+jwt", true),
        ("jwt", false),
        ("", false),
    ] {
        let token = made(&format!(r#"{{"alg":"ES256","typ":"{typ}"}}"#), "{}", &signer);
        let result = Jws::decode(&token).unwrap().header().expect_type("dpop+jwt");
        assert_eq!(result.is_ok(), good, "{typ}");
    }
}

#[test]
fn times_are_numbers_and_audiences_are_one_or_more() {
    let claims = |text: &str| Claims(json::object(text.as_bytes()).unwrap());
    for (text, expected) in [
        ("1700000000", Some(1_700_000_000)),
        ("1700000000.9", Some(1_700_000_000)),
        ("-5", Some(-5)),
        (r#""1700000000""#, None),
        ("1e300", None),
        ("null", None),
    ] {
        let found = claims(&format!(r#"{{"iat":{text}}}"#)).time("iat");
        assert_eq!(found.map(Timestamp::unix), expected, "{text}");
    }
    assert!(claims(r#"{"aud":"a"}"#).is_for("a") && claims(r#"{"aud":["b","a"]}"#).is_for("a"));
    assert!(!claims(r#"{"aud":"a/"}"#).is_for("a") && !claims("{}").is_for("a"));
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "[A-Za-z0-9_.-]{0,200}") {
        let _ = Jws::decode(&text);
    }

    #[test]
    fn any_header_and_payload_is_read_or_refused(header in any::<Vec<u8>>(), payload in any::<Vec<u8>>()) {
        let token = format!("{}.AA", jws::to_be_signed(&header, &payload));
        let _ = Jws::decode(&token);
    }
}
