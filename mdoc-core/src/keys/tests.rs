use base64ct::{Base64UrlUnpadded, Encoding};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use super::*;

const NAMES: [(&str, Curve); 7] = [
    ("prime256v1", Curve::P256),
    ("secp384r1", Curve::P384),
    ("secp521r1", Curve::P521),
    ("x25519", Curve::X25519),
    ("ed25519", Curve::Ed25519),
    ("brainpoolP256r1", Curve::BrainpoolP256r1),
    ("brainpoolP384r1", Curve::BrainpoolP384r1),
];

/// A file that OpenSSL made.
fn openssl(name: &str) -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors/keys/openssl");
    std::fs::read_to_string(format!("{folder}/{name}.pem")).unwrap()
}

fn der_of(pem: &str) -> Vec<u8> {
    pem_blocks(pem).last().unwrap().decode().unwrap().to_vec()
}

#[test]
fn keys_of_openssl_are_read_and_written_the_same() {
    for (name, curve) in NAMES {
        let pkcs8 = openssl(&format!("{name}.p8"));
        let secret = secret_from_pem(&pkcs8).unwrap();
        assert_eq!(secret.curve(), curve);
        assert_eq!(*secret_to_pem(&secret), pkcs8, "{name}");
        let public = openssl(&format!("{name}.pub"));
        assert_eq!(public_from_pem(&public).unwrap(), *secret.public_key());
        assert_eq!(public_to_pem(secret.public_key()), public, "{name}");
        assert_eq!(
            secret_from_file(&der_of(&pkcs8)).unwrap().dangerous_bytes(),
            secret.dangerous_bytes()
        );
        assert_eq!(public_from_file(&der_of(&public)).unwrap(), *secret.public_key());
        if !curve.is_octet_string() {
            // With EC PARAMETERS in front.
            let sec1 = openssl(&format!("{name}.sec1"));
            for file in [sec1.as_bytes(), &der_of(&sec1)] {
                let read = secret_from_file(file).unwrap();
                assert_eq!(read.dangerous_bytes(), secret.dangerous_bytes(), "{name}");
            }
        }
        assert_eq!(
            secret_from_file(public.as_bytes()).unwrap_err(),
            KeyError::PublicOnly
        );
        assert_eq!(
            secret_from_der(&der_of(&public)).unwrap_err(),
            KeyError::PublicOnly
        );
    }
}

#[test]
fn every_curve_survives_every_form() {
    let mut rng = ChaCha20Rng::from_seed([5; 32]);
    for curve in Curve::ALL {
        for _ in 0..4 {
            let secret = SecretKey::generate(curve, &mut rng);
            let pem = secret_to_pem(&secret);
            let read = secret_from_file(pem.replace('\n', "\r\n").as_bytes()).unwrap();
            assert_eq!(read.dangerous_bytes(), secret.dangerous_bytes());
            let public = secret.public_key();
            assert_eq!(public_from_jwk(&public_to_jwk(public)).unwrap(), *public);
            assert_eq!(
                public_from_file(public_to_pem(public).as_bytes()).unwrap(),
                *public
            );
            assert!(!pem.is_empty());
        }
    }
}

#[test]
fn other_crates_read_what_is_written() {
    use p256::elliptic_curve::sec1::ToSec1Point;
    use pkcs8::{DecodePrivateKey, DecodePublicKey};
    let secret = secret_from_pem(&openssl("prime256v1.p8")).unwrap();
    let other = p256::SecretKey::from_pkcs8_pem(&secret_to_pem(&secret)).unwrap();
    assert_eq!(other.to_bytes().as_slice(), secret.dangerous_bytes());
    let other = p256::PublicKey::from_public_key_pem(&public_to_pem(secret.public_key())).unwrap();
    assert_eq!(
        other.to_sec1_point(false).as_bytes(),
        secret.public_key().as_bytes()
    );
}

#[test]
fn encrypted_keys_are_told_apart() {
    for (name, kind) in [
        ("encrypted.p8", KeyError::Encrypted),
        ("encrypted.sec1", KeyError::OldEncryption),
    ] {
        let file = openssl(name);
        assert_eq!(secret_from_file(file.as_bytes()).unwrap_err(), kind, "{name}");
    }
    assert_eq!(
        secret_from_file(&der_of(&openssl("encrypted.p8"))).unwrap_err(),
        KeyError::Encrypted
    );
}

#[test]
fn what_is_no_usable_key_is_refused_in_words() {
    assert_eq!(
        secret_from_pem(&openssl("rsa.p8")).unwrap_err(),
        KeyError::Unusable(UnusableKey::Algorithm("1.2.840.113549.1.1.1".into()))
    );
    for nothing in [&b""[..], b"text", b"-----BEGIN PRIVATE KEY-----", &[0xFF; 9]] {
        assert_eq!(secret_from_file(nothing).unwrap_err(), KeyError::Unrecognised);
        assert_eq!(public_from_file(nothing).unwrap_err(), KeyError::Unrecognised);
    }
    let pkcs8 = openssl("prime256v1.p8");
    assert_eq!(
        secret_from_pem(&pkcs8.replace('M', "*")).unwrap_err(),
        KeyError::Base64
    );
    let mut der = der_of(&pkcs8);
    *der.last_mut().unwrap() ^= 1;
    assert_eq!(secret_from_der(&der).unwrap_err(), KeyError::Mismatch);
    der.pop();
    assert!(matches!(secret_from_der(&der), Err(KeyError::Structure(_))));
    assert_eq!(
        public_from_file(&vec![b'{'; LARGEST_FILE + 1]).unwrap_err(),
        KeyError::Unrecognised
    );
}

#[test]
fn a_certificate_gives_its_public_key() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors/certs/utopia-test");
    let pem = std::fs::read_to_string(format!("{folder}/ds.pem")).unwrap();
    let certificate = Certificate::from_pem(&pem).unwrap();
    let key = certificate.public_key().unwrap();
    assert_eq!(public_from_file(pem.as_bytes()).unwrap(), key);
    assert_eq!(public_from_file(certificate.der()).unwrap(), key);
    assert_eq!(secret_from_pem(&pem).unwrap_err(), KeyError::PublicOnly);
}

/// RFC 7515, A.3.1 and RFC 8037, A.1.
const P256_JWK: &str = r#"{"kty":"EC","crv":"P-256",
    "x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    "d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI","use":"sig"}"#;
const ED25519_JWK: &str = r#"{"kty":"OKP","crv":"Ed25519",
    "d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
    "x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;

#[test]
fn jwks_of_the_standards_are_read() {
    for jwk in [P256_JWK, ED25519_JWK] {
        let secret = secret_from_file(jwk.as_bytes()).unwrap();
        assert_eq!(public_from_file(jwk.as_bytes()).unwrap(), *secret.public_key());
    }
    assert_eq!(
        public_to_jwk(&public_from_jwk(ED25519_JWK).unwrap()),
        r#"{"crv":"Ed25519","kty":"OKP","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#
    );
}

#[test]
fn a_coordinate_keeps_its_leading_zeros() {
    let mut rng = ChaCha20Rng::from_seed([6; 32]);
    let key = loop {
        let key = SecretKey::generate(Curve::P256, &mut rng);
        if key.public_key().coordinates().0[0] == 0 {
            break key;
        }
    };
    let jwk = public_to_jwk(key.public_key());
    assert!(jwk.contains(r#""x":"A"#));
    assert_eq!(public_from_jwk(&jwk).unwrap(), *key.public_key());
    // Without the zero, as careless software writes it.
    let x = jwk.split('"').nth(11).unwrap();
    let cut = Base64UrlUnpadded::encode_string(&key.public_key().coordinates().0[1..]);
    assert_eq!(
        public_from_jwk(&jwk.replace(x, &cut)).unwrap_err(),
        KeyError::JwkLength {
            member: "x",
            found: 31,
            expected: 32
        }
    );
}

#[test]
fn jwks_that_are_none_are_refused() {
    for (from, to, expected) in [
        ("\"EC\"", "\"RSA\"", KeyError::JwkKind),
        ("P-256", "secp256k1", KeyError::JwkKind),
        ("P-256", "Ed25519", KeyError::JwkKind),
        ("\"kty\"", "\"k\"", KeyError::Jwk { member: "kty" }),
        ("\"y\"", "\"z\"", KeyError::Jwk { member: "y" }),
        ("f83O", "f83=", KeyError::Jwk { member: "x" }),
        ("\"d\"", "\"e\"", KeyError::PublicOnly),
        ("jpsQ", "jpsR", KeyError::Mismatch),
        (
            "jpsQnnGQ",
            "jpsQ",
            KeyError::JwkLength {
                member: "d",
                found: 29,
                expected: 32,
            },
        ),
        ("{", "", KeyError::Unrecognised),
    ] {
        assert_eq!(
            secret_from_jwk(&P256_JWK.replacen(from, to, 1)).unwrap_err(),
            expected,
            "{from}"
        );
    }
    assert!(matches!(
        public_from_jwk(&P256_JWK.replacen("f83O", "f83P", 1)),
        Err(KeyError::Unusable(UnusableKey::Point(_)))
    ));
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_a_key_or_an_error(
        bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200),
        at in proptest::prelude::any::<proptest::sample::Index>(),
        to in proptest::prelude::any::<u8>(),
    ) {
        let _ = secret_from_file(&bytes);
        let _ = public_from_file(&bytes);
        let _ = secret_from_der(&bytes);
        for pem in [openssl("prime256v1.p8"), openssl("prime256v1.sec1"), openssl("ed25519.p8")] {
            let mut der = der_of(&pem);
            let at = at.index(der.len());
            der[at] = to;
            let _ = secret_from_der(&der);
        }
    }
}

#[test]
fn errors_and_debug_show_no_key() {
    let secret = secret_from_jwk(P256_JWK).unwrap();
    assert!(!format!("{secret:?}").contains("jpsQ"));
    let odd = format!("{{\"kty\":\"EC\",\"d\":{}}}", "12345");
    let error = secret_from_jwk(&odd).unwrap_err();
    assert!(!format!("{error:?} {error}").contains("12345"));
}
