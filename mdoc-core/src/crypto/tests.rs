use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use super::*;

/// Every backend keeps the same contract; which one made a signature or a secret, the other cannot tell.
const BACKENDS: &[&dyn Backend] = &[
    &RustCrypto,
    #[cfg(feature = "aws-lc")]
    &AwsLc,
];

/// One backend beside another, in every pairing.
fn pairs() -> impl Iterator<Item = (&'static dyn Backend, &'static dyn Backend)> {
    BACKENDS
        .iter()
        .flat_map(|one| BACKENDS.iter().map(|other| (*one, *other)))
}

#[test]
fn every_curve_signs_and_verifies_and_only_what_was_signed() {
    let mut rng = ChaCha20Rng::from_seed([7; 32]);
    for curve in Curve::SIGNING {
        for digest in [
            DigestAlgorithm::Sha256,
            DigestAlgorithm::Sha384,
            DigestAlgorithm::Sha512,
        ] {
            let key = SecretKey::generate(curve, &mut rng);
            let public = key.public_key();
            for (signs, verifies) in pairs() {
                let signature = signs.signing_key(&key).unwrap().sign(digest, b"message").unwrap();
                assert_eq!(signature.len(), curve.signature_len());
                verifies
                    .verify(public, digest, &[b"mess", b"age"], &signature)
                    .unwrap();
                verifies
                    .verify(public, digest, &[b"message"], &signature)
                    .unwrap();
                let other = verifies.verify(public, digest, &[b"massage"], &signature);
                assert_eq!(other, Err(CryptoError::BadSignature), "{curve}");
                let zeros = verifies.verify(public, digest, &[b"message"], &vec![0; signature.len()]);
                assert_eq!(zeros, Err(CryptoError::BadSignature), "{curve}");
                let short = verifies.verify(public, digest, &[b"message"], &signature[1..]);
                assert!(matches!(short, Err(CryptoError::SignatureLength { .. })));
            }
        }
    }
}

/// The orders of the curves (FIPS 186-5 and SP 800-186, 3.2.1; RFC 5639, 3).
const ORDERS: &[(Curve, &str)] = &[
    (
        Curve::P256,
        "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551",
    ),
    (
        Curve::P384,
        "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973",
    ),
    (
        Curve::P521,
        "01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d0\
         3bb5c9b8899c47aebb6fb71e91386409",
    ),
    (
        Curve::BrainpoolP256r1,
        "a9fb57dba1eea9bc3e660a909d838d718c397aa3b561a6f7901e0e82974856a7",
    ),
    (
        Curve::BrainpoolP384r1,
        "8cb91e82a3386d280f5d6f7e50e641df152f7109ed5456b31f166e6cac0425a7cf3ab6af6b7fc3103b883202e9046565",
    ),
];

#[test]
fn private_keys_are_from_one_to_below_the_order_and_their_public_halves_the_same_by_every_code() {
    let mut rng = ChaCha20Rng::from_seed([10; 32]);
    for &(curve, order) in ORDERS {
        let order = base16ct::lower::decode_vec(order).unwrap();
        let (mut below, mut above, mut one) = (order.clone(), order.clone(), vec![0; order.len()]);
        *below.last_mut().unwrap() -= 1;
        *above.last_mut().unwrap() += 1;
        *one.last_mut().unwrap() = 1;
        let drawn = SecretKey::generate(curve, &mut rng);
        for good in [&one, &below, &drawn.dangerous_bytes().to_vec()] {
            let public = SecretKey::from_bytes(curve, good).unwrap().public_key().clone();
            assert_eq!(public, rustcrypto::public_of(curve, good).unwrap(), "{curve}");
        }
        let long = [&[0][..], &one].concat();
        for bad in [&vec![0; order.len()], &order, &above, &one[1..].to_vec(), &long] {
            let refused = SecretKey::from_bytes(curve, bad).map(|_| ());
            assert_eq!(refused, Err(CryptoError::BadSecretKey), "{curve} {bad:02x?}");
            assert_eq!(
                rustcrypto::public_of(curve, bad),
                Err(CryptoError::BadSecretKey),
                "{curve}"
            );
        }
    }
}

#[test]
fn both_sides_agree_on_the_same_secret() {
    let mut rng = ChaCha20Rng::from_seed([8; 32]);
    let other = SecretKey::generate(Curve::Ed25519, &mut rng);
    for curve in Curve::ALL.into_iter().filter(|curve| curve.agrees()) {
        let (a, b) = (
            SecretKey::generate(curve, &mut rng),
            SecretKey::generate(curve, &mut rng),
        );
        for (here, there) in pairs() {
            let one = here.agree(&a, b.public_key()).unwrap();
            assert_eq!(one, there.agree(&b, a.public_key()).unwrap());
            assert_eq!(one.len(), curve.field_len());
            let mixed = here.agree(&a, other.public_key());
            assert_eq!(mixed, Err(CryptoError::CurveMismatch));
        }
    }
}

fn hex(text: &str) -> Vec<u8> {
    base16ct::lower::decode_vec(text).unwrap()
}

fn x25519(secret: &str, public: &str) -> Result<Vec<u8>, CryptoError> {
    let secret = SecretKey::from_bytes(Curve::X25519, &hex(secret)).unwrap();
    let public = PublicKey::from_bytes(Curve::X25519, &hex(public)).unwrap();
    let agreed: Vec<_> = BACKENDS
        .iter()
        .map(|backend| backend.agree(&secret, &public))
        .collect();
    assert!(agreed.iter().all(|one| *one == agreed[0]));
    agreed[0].clone().map(|shared| shared.to_vec())
}

/// RFC 7748, 5.2 and 6.1.
#[test]
fn x25519_gives_what_its_specification_gives() {
    for (scalar, point, expected) in [
        (
            "a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
            "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
            "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552",
        ),
        (
            "4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
            // Its highest bit is set, and is not looked at.
            "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493",
            "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957",
        ),
    ] {
        assert_eq!(x25519(scalar, point).unwrap(), hex(expected));
    }
    let (mut k, mut u) = (vec![0; 32], vec![0; 32]);
    (k[0], u[0]) = (9, 9);
    for round in 1..=1000 {
        let secret = SecretKey::from_bytes(Curve::X25519, &k).unwrap();
        let public = PublicKey::from_bytes(Curve::X25519, &u).unwrap();
        let next = RustCrypto.agree(&secret, &public).unwrap().to_vec();
        (u, k) = (k, next);
        if round == 1 {
            assert_eq!(
                k,
                hex("422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079")
            );
        }
    }
    assert_eq!(
        k,
        hex("684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51")
    );
    let (alice, bob) = (
        "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a",
        "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb",
    );
    let public = |secret: &str| {
        let secret = SecretKey::from_bytes(Curve::X25519, &hex(secret)).unwrap();
        base16ct::lower::encode_string(secret.public_key().as_bytes())
    };
    assert_eq!(
        public(alice),
        "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a"
    );
    assert_eq!(
        public(bob),
        "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f"
    );
    let shared = hex("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
    assert_eq!(x25519(alice, &public(bob)).unwrap(), shared);
    assert_eq!(x25519(bob, &public(alice)).unwrap(), shared);
}

/// RFC 7748, 6.1: points of small order, and what they are with the prime added, make every key agree on zero.
#[test]
fn x25519_does_not_agree_on_zero_and_does_not_sign() {
    for point in [
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0000000000000000000000000000000000000000000000000000000000000080",
    ] {
        let secret = "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a";
        assert_eq!(x25519(secret, point), Err(CryptoError::ZeroSecret), "{point}");
    }
    for length in [0, 31, 33, 65] {
        let bytes = vec![9; length];
        let public = PublicKey::from_bytes(Curve::X25519, &bytes);
        assert_eq!(public, Err(CryptoError::BadPublicKey), "{length}");
        let secret = SecretKey::from_bytes(Curve::X25519, &bytes).map(|_| ());
        assert_eq!(secret, Err(CryptoError::BadSecretKey), "{length}");
    }
    let key = SecretKey::generate(Curve::X25519, &mut ChaCha20Rng::from_seed([12; 32]));
    for backend in BACKENDS {
        let signing = backend.signing_key(&key).map(|_| ());
        assert_eq!(signing, Err(CryptoError::NoSignatures));
        let verified = backend.verify(key.public_key(), DigestAlgorithm::Sha512, &[b"m"], &[0; 64]);
        assert_eq!(verified, Err(CryptoError::NoSignatures));
    }
}

#[test]
fn digests_are_those_of_the_concatenation_whoever_computes_them() {
    for algorithm in [
        DigestAlgorithm::Sha256,
        DigestAlgorithm::Sha384,
        DigestAlgorithm::Sha512,
    ] {
        let expected = RustCrypto.digest(algorithm, &[b"abcdef"]);
        for backend in BACKENDS {
            for parts in [&[&b"abc"[..], b"", b"def"][..], &[b"abcdef"]] {
                assert_eq!(backend.digest(algorithm, parts).as_ref(), expected.as_ref());
            }
        }
    }
}

#[cfg(feature = "aws-lc")]
#[test]
fn randomness_comes_and_differs() {
    let mut rng = rand_core::UnwrapErr(AwsLcRandom);
    let mut draw = || {
        let mut bytes = [0; 32];
        rand_core::Rng::fill_bytes(&mut rng, &mut bytes);
        bytes
    };
    assert_ne!(draw(), draw());
}

#[test]
fn trap_26_a_point_off_the_curve_is_refused() {
    let mut rng = ChaCha20Rng::from_seed([9; 32]);
    for curve in Curve::ALL.into_iter().filter(|curve| !curve.is_octet_string()) {
        let key = SecretKey::generate(curve, &mut rng);
        let mut point = key.public_key().as_bytes().to_vec();
        *point.last_mut().unwrap() ^= 1;
        assert_eq!(
            PublicKey::from_bytes(curve, &point),
            Err(CryptoError::BadPublicKey),
            "{curve}"
        );
        assert_eq!(
            PublicKey::from_bytes(curve, &[0]),
            Err(CryptoError::BadPublicKey),
            "infinity"
        );
    }
}

#[test]
fn known_answers_of_the_appendix() {
    // reference "Appendix A": EDeviceKey x EReaderKey
    let device = SecretKey::from_bytes(
        Curve::P256,
        &hex("4e191740332aa93137c522d43eb0dbf4b2f2b4d6c95192b9e4b442f09aaef130"),
    )
    .unwrap();
    let reader = SecretKey::from_bytes(
        Curve::P256,
        &hex("07db8ef035be44eb9820f30c370f4a27600fafe1b047c02c30267f56c782f2db"),
    )
    .unwrap();
    let salt = hex("c634da66ae725fa4d3c1a51fa618f05e3c0b508c7c0b70af896800214cc39157");
    for backend in BACKENDS {
        let zab = backend.agree(&device, reader.public_key()).unwrap();
        assert_eq!(
            *zab,
            hex("615b438752b7a067840ad0a98ef1be45581dcf96714b1b4254599c62d21fc730")
        );
        let key = backend.hkdf_sha256(&zab, &salt, b"SKReader");
        assert_eq!(
            key.to_vec(),
            hex("4f3a70b5583fe626c0fd837e60458913a986df96f3ca7b8ccdef07c489347881")
        );
    }
}

#[test]
fn a_changed_ciphertext_does_not_open() {
    for (here, there) in pairs() {
        let mut sealed = here.seal(&[1; 32], &[2; 12], b"text");
        assert_eq!(sealed.len(), 20);
        assert_eq!(*there.open(&[1; 32], &[2; 12], &sealed).unwrap(), b"text");
        sealed[0] ^= 1;
        for damaged in [&sealed[..], &sealed[..15], &[]] {
            let opened = there.open(&[1; 32], &[2; 12], damaged);
            assert_eq!(opened, Err(CryptoError::BadTag));
        }
    }
}
