use mdoc_core::crypto::RustCrypto;
use mdoc_core::keys::secret_from_jwk;
use proptest::prelude::*;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use super::*;

/// RFC 7518, C: Alice's ephemeral key and Bob's.
const ALICE: &str = r#"{"kty":"EC","crv":"P-256","x":"gI0GAILBdu7T53akrFmMyGcsF3n5dO7MmwNBHKW5SV0",
    "y":"SLW_xSffzlPWrHEVI30DHM_4egVwt3NQqeUD7nMFpps","d":"0_NxaRPUMQoAJt50Gz8YiTr8gRTwyEaCumd-MToTmIo"}"#;
const BOB: &str = r#"{"kty":"EC","crv":"P-256","x":"weNJy2HscCSM6AEDTDg04biOvhFhyyWvOHQfeF_PxMQ",
    "y":"e8lnCO-AlStT-NJVX-crhB7QRYhiix03illJOVAOyck","d":"VEmDZpDXXK8p8N0Cndsxs924q6nS1RXFASRl6BfUqdw"}"#;

#[test]
fn the_key_agreement_is_that_of_rfc_7518_appendix_c() {
    let (alice, bob) = (secret_from_jwk(ALICE).unwrap(), secret_from_jwk(BOB).unwrap());
    let parties = Parties {
        producer: b"Alice".to_vec(),
        recipient: b"Bob".to_vec(),
    };
    for (secret, peer) in [(&alice, &bob), (&bob, &alice)] {
        let key = agreed(
            secret,
            peer.public_key(),
            Encryption::A128Gcm,
            &parties,
            &RustCrypto,
        )
        .unwrap();
        assert_eq!(base64url(&key), "VqqN6vgjbSBcIijNcacQGg");
    }
}

fn rng() -> ChaCha20Rng {
    ChaCha20Rng::from_seed([9; 32])
}

fn recipient(encryption: Encryption, compress: bool) -> Recipient {
    let bob = secret_from_jwk(BOB).unwrap();
    let jwk = Jwk::new(bob.public_key()).with("alg", ALG).with("kid", "bob");
    Recipient::new(&jwk, encryption, compress).unwrap()
}

fn opened(text: &str, kid: Option<&str>, compressed: bool) -> Result<Opened, JweError> {
    let bob = secret_from_jwk(BOB).unwrap();
    let keys = [OwnKey { kid, secret: &bob }];
    let opening = Opening {
        keys: &keys,
        encryptions: &Encryption::ALL,
        compressed,
    };
    decrypt(text, &opening, &RustCrypto)
}

#[test]
fn what_is_encrypted_is_opened_in_each_way() {
    for encryption in Encryption::ALL {
        for compress in [false, true] {
            let text = encrypt(
                b"{\"a\":1}",
                &recipient(encryption, compress),
                &mut rng(),
                &RustCrypto,
            )
            .unwrap();
            assert_eq!(text.split('.').count(), 5);
            let content = opened(&text, Some("bob"), true).unwrap();
            assert_eq!(&*content.plaintext, b"{\"a\":1}");
            assert_eq!(
                (content.encryption, content.kid.as_deref()),
                (encryption, Some("bob"))
            );
            if compress {
                assert_eq!(
                    opened(&text, Some("bob"), false).unwrap_err(),
                    JweError::Compression
                );
            }
        }
    }
}

#[test]
fn the_names_of_both_sides_are_part_of_the_key() {
    // Made by hand: what we write has neither.
    let bob = secret_from_jwk(BOB).unwrap();
    let alice = secret_from_jwk(ALICE).unwrap();
    let made = |apu: &str, apv: &str| {
        let header = json!({ "alg": ALG, "enc": "A256GCM", "apu": apu, "apv": apv, "epk": Jwk::new(alice.public_key()) });
        let header = base64url(&json::write(&header));
        let parties = Parties {
            producer: b"Alice".to_vec(),
            recipient: b"Bob".to_vec(),
        };
        let key = agreed(
            &alice,
            bob.public_key(),
            Encryption::A256Gcm,
            &parties,
            &RustCrypto,
        )
        .unwrap();
        let sealed = seal(&key, [1; 12], b"x", header.as_bytes()).unwrap();
        format!(
            "{header}..{}.{}.{}",
            base64url(&[1; 12]),
            base64url(&sealed[..1]),
            base64url(&sealed[1..])
        )
    };
    let names = (base64url(b"Alice"), base64url(b"Bob"));
    assert_eq!(
        &*opened(&made(&names.0, &names.1), None, false).unwrap().plaintext,
        b"x"
    );
    assert_eq!(
        opened(&made(&names.1, &names.0), None, false).unwrap_err(),
        JweError::NotAuthentic
    );
    assert_eq!(
        opened(&made("*", &names.0), None, false).unwrap_err(),
        JweError::Header(BadJson::Shape)
    );
}

#[test]
fn another_key_or_name_does_not_open_it() {
    let text = encrypt(
        b"x",
        &recipient(Encryption::A128Gcm, false),
        &mut rng(),
        &RustCrypto,
    )
    .unwrap();
    assert_eq!(
        opened(&text, Some("alice"), false).unwrap_err(),
        JweError::UnknownKey
    );
    assert_eq!(opened(&text, None, false).unwrap_err(), JweError::UnknownKey);
    let alice = secret_from_jwk(ALICE).unwrap();
    let keys = [OwnKey {
        kid: Some("bob"),
        secret: &alice,
    }];
    let mut opening = Opening {
        keys: &keys,
        encryptions: &[Encryption::A128Gcm],
        compressed: false,
    };
    assert_eq!(
        decrypt(&text, &opening, &RustCrypto).unwrap_err(),
        JweError::NotAuthentic
    );
    opening.encryptions = &[Encryption::A256Gcm];
    assert_eq!(
        decrypt(&text, &opening, &RustCrypto).unwrap_err(),
        JweError::Encryption
    );
}

#[test]
fn no_part_may_be_changed() {
    let text = encrypt(
        b"some text",
        &recipient(Encryption::A256Gcm, false),
        &mut rng(),
        &RustCrypto,
    )
    .unwrap();
    for at in 0..text.len() {
        let mut other = text.clone().into_bytes();
        other[at] = if other[at] == b'A' { b'B' } else { b'A' };
        let other = String::from_utf8(other).unwrap();
        assert!(opened(&other, Some("bob"), false).is_err(), "{at}");
    }
    assert_eq!(
        opened(&format!("{text}."), Some("bob"), false).unwrap_err(),
        JweError::Compact
    );
    let wrapped = text.replacen("..", ".AA.", 1);
    assert_eq!(
        opened(&wrapped, Some("bob"), false).unwrap_err(),
        JweError::Compact
    );
    assert_eq!(opened("a.b.c", None, false).unwrap_err(), JweError::Compact);
    assert_eq!(
        opened(&"a".repeat(LARGEST + 1), None, false).unwrap_err(),
        JweError::TooLarge
    );
}

#[test]
fn headers_that_were_not_agreed_upon_are_refused() {
    let epk = Jwk::new(secret_from_jwk(ALICE).unwrap().public_key());
    let opened = |header: Value| {
        let header = base64url(&json::write(&header));
        opened(
            &format!("{header}..{}..{}", base64url(&[0; 12]), base64url(&[0; 16])),
            None,
            true,
        )
        .unwrap_err()
    };
    let good = json!({ "alg": ALG, "enc": "A128GCM", "epk": epk });
    let with = |member: &str, value: Value| {
        let mut header = good.clone();
        header[member] = value;
        opened(header)
    };
    assert_eq!(
        opened(good.clone()),
        JweError::NotAuthentic,
        "nothing but the tag is wrong"
    );
    assert_eq!(with("alg", "ECDH-ES+A128KW".into()), JweError::Algorithm);
    assert_eq!(with("alg", "dir".into()), JweError::Algorithm);
    assert_eq!(with("enc", "A128CBC-HS256".into()), JweError::Encryption);
    assert_eq!(with("zip", "GZ".into()), JweError::Compression);
    assert_eq!(with("crit", json!(["x"])), JweError::Critical);
    assert_eq!(with("epk", Value::Null), JweError::Key(None));
    let off = json!({ "kty": "EC", "crv": "P-256", "x": base64url(&[1; 32]), "y": base64url(&[1; 32]) });
    assert!(matches!(with("epk", off), JweError::Key(Some(JwkError::Key(_)))));
    let other_curve = SecretKey::generate(Curve::P384, &mut rng());
    assert_eq!(
        with("epk", json!(Jwk::new(other_curve.public_key()))),
        JweError::Key(None)
    );
}

#[test]
fn a_bomb_is_not_inflated() {
    let bomb = vec![0; LARGEST_PLAINTEXT + 1];
    let text = encrypt(
        &bomb,
        &recipient(Encryption::A128Gcm, true),
        &mut rng(),
        &RustCrypto,
    )
    .unwrap();
    assert!(text.len() < 10_000);
    assert_eq!(
        opened(&text, Some("bob"), true).unwrap_err(),
        JweError::Inflate(BadStream::TooLarge)
    );
}

#[test]
fn recipients_need_an_algorithm_and_the_curve() {
    let bob = Jwk::new(secret_from_jwk(BOB).unwrap().public_key());
    let new = |jwk: &Jwk| Recipient::new(jwk, Encryption::A128Gcm, false).map(drop);
    assert_eq!(new(&bob), Err(JweError::Algorithm));
    assert_eq!(
        new(&bob.clone().with("alg", "RSA-OAEP")),
        Err(JweError::Algorithm)
    );
    let other = SecretKey::generate(Curve::P384, &mut rng());
    let other = Jwk::new(other.public_key()).with("alg", ALG);
    assert_eq!(new(&other), Err(JweError::Key(None)));
    assert_eq!(new(&bob.with("alg", ALG)), Ok(()));
}

proptest! {
    #[test]
    fn any_text_is_opened_or_refused(text in "[A-Za-z0-9_.-]{0,200}") {
        let _ = opened(&text, None, true);
    }
}
