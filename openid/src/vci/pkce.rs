//! Proof Key for Code Exchange with SHA-256 (RFC 7636): who asked for a code is who redeems it.

use mdoc_core::crypto::{Backend, DigestAlgorithm, equal_in_constant_time};

use crate::Secret;
use crate::jose::base64url;

/// The only method.
pub const S256: &str = "S256";

/// The challenge of a verifier, which is 43 to 128 unreserved characters; [`Secret::random`] makes one.
#[must_use]
pub fn challenge(verifier: &Secret, backend: &dyn Backend) -> String {
    let digest = backend.digest(DigestAlgorithm::Sha256, &[verifier.expose().as_bytes()]);
    base64url(digest.as_ref())
}

/// Whether a verifier has the form of one (RFC 7636, 4.1).
#[must_use]
pub fn is_verifier(text: &str) -> bool {
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    (43..=128).contains(&text.len()) && text.bytes().all(unreserved)
}

/// Whether the verifier is the one of the challenge.
#[must_use]
pub fn verify(verifier: &Secret, expected: &str, backend: &dyn Backend) -> bool {
    is_verifier(verifier.expose())
        && equal_in_constant_time(challenge(verifier, backend).as_bytes(), expected.as_bytes())
}

#[cfg(test)]
mod tests {
    use mdoc_core::crypto::RustCrypto;

    use super::*;

    #[test]
    fn the_example_of_rfc_7636_appendix_b() {
        let verifier = Secret::from("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
        let expected = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
        assert_eq!(challenge(&verifier, &RustCrypto), expected);
        assert!(verify(&verifier, expected, &RustCrypto));
        assert!(!verify(
            &Secret::from("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXl"),
            expected,
            &RustCrypto
        ));
        assert!(!verify(
            &verifier,
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cN",
            &RustCrypto
        ));
    }

    #[test]
    fn a_verifier_that_is_too_short_is_none() {
        let short = Secret::from("a");
        assert!(!verify(&short, &challenge(&short, &RustCrypto), &RustCrypto));
        assert!(!is_verifier(&"a".repeat(129)) && !is_verifier(&"ä".repeat(43)));
    }
}
