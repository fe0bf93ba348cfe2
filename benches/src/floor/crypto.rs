//! The cryptographic operations of the floor, called in each library as directly as can be.

/// What the floor needs of a library: P-256 with SHA-256, and randomness.
pub trait Primitives {
    /// A private key, ready to sign.
    type SigningKey;
    /// A public key, ready to verify.
    type VerifyingKey;

    /// From the scalar and the uncompressed point.
    fn signing_key(scalar: &[u8], point: &[u8]) -> Self::SigningKey;
    /// From the uncompressed point.
    fn verifying_key(point: &[u8]) -> Self::VerifyingKey;
    /// `r ‖ s`.
    fn sign(key: &Self::SigningKey, message: &[u8]) -> [u8; 64];
    /// Whether `r ‖ s` is of this message.
    fn verify(key: &Self::VerifyingKey, message: &[u8], signature: &[u8]) -> bool;
    /// SHA-256.
    fn sha256(message: &[u8]) -> [u8; 32];
    /// Random bytes.
    fn fill(bytes: &mut [u8]);
}

/// aws-lc-rs.
pub struct AwsLc;

impl Primitives for AwsLc {
    type SigningKey = aws_lc_rs::signature::EcdsaKeyPair;
    type VerifyingKey = aws_lc_rs::signature::ParsedPublicKey;

    fn signing_key(scalar: &[u8], point: &[u8]) -> Self::SigningKey {
        let algorithm = &aws_lc_rs::signature::ECDSA_P256_SHA256_FIXED_SIGNING;
        Self::SigningKey::from_private_key_and_public_key(algorithm, scalar, point).unwrap()
    }

    fn verifying_key(point: &[u8]) -> Self::VerifyingKey {
        Self::VerifyingKey::new(&aws_lc_rs::signature::ECDSA_P256_SHA256_FIXED, point).unwrap()
    }

    fn sign(key: &Self::SigningKey, message: &[u8]) -> [u8; 64] {
        let signature = key.sign(&aws_lc_rs::rand::SystemRandom::new(), message).unwrap();
        signature.as_ref().try_into().unwrap()
    }

    fn verify(key: &Self::VerifyingKey, message: &[u8], signature: &[u8]) -> bool {
        key.verify_sig(message, signature).is_ok()
    }

    fn sha256(message: &[u8]) -> [u8; 32] {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, message);
        digest.as_ref().try_into().unwrap()
    }

    fn fill(bytes: &mut [u8]) {
        aws_lc_rs::rand::fill(bytes).unwrap();
    }
}

/// The crates p256 0.14 and sha2 0.11.
pub struct Pure;

impl Primitives for Pure {
    type SigningKey = p256::ecdsa::SigningKey;
    type VerifyingKey = p256::ecdsa::VerifyingKey;

    fn signing_key(scalar: &[u8], _: &[u8]) -> Self::SigningKey {
        Self::SigningKey::from_slice(scalar).unwrap()
    }

    fn verifying_key(point: &[u8]) -> Self::VerifyingKey {
        Self::VerifyingKey::from_sec1_bytes(point).unwrap()
    }

    fn sign(key: &Self::SigningKey, message: &[u8]) -> [u8; 64] {
        let signature: p256::ecdsa::Signature = p256::ecdsa::signature::Signer::sign(key, message);
        signature.to_bytes().into()
    }

    fn verify(key: &Self::VerifyingKey, message: &[u8], signature: &[u8]) -> bool {
        p256::ecdsa::Signature::from_slice(signature)
            .is_ok_and(|signature| p256::ecdsa::signature::Verifier::verify(key, message, &signature).is_ok())
    }

    fn sha256(message: &[u8]) -> [u8; 32] {
        sha2::Digest::finalize(<sha2::Sha256 as sha2::Digest>::new_with_prefix(message)).into()
    }

    fn fill(bytes: &mut [u8]) {
        getrandom::fill(bytes).unwrap();
    }
}
