//! The diagnostic log of the programs: what was done with what, for whoever looks for a fault.
//!
//! It goes to stderr, a line for each event, if the variable [`VARIABLE`] asks for it; by default there is none.
//! A line has `name=value` pairs: the time, the level, the program, the event, and what belongs to it. Libraries tell
//! events to `tracing`; who links them brings a subscriber of its own, or none.
//!
//! Events have paths, sizes, kinds, codes, positions and fingerprints of public keys and certificates. They never
//! have keys, passphrases or PINs, nor anything of a person: no element's value, no name, no picture.

#[cfg(feature = "clap")]
mod start;

use base16ct::lower::encode_string;
use mdoc_core::crypto::{Backend as _, DigestAlgorithm, PublicKey, RustCrypto};
use mdoc_core::keys::public_to_jwk;

#[cfg(feature = "clap")]
pub use self::start::{Level, start};

/// The variable that asks for a log.
pub const VARIABLE: &str = "MDOC_LOG";

/// The target of events that end a program: `tracing` has no level above that of errors.
pub const FATAL: &str = "fatal";

/// What identifies a public key in the log: its thumbprint by RFC 7638, SHA-256, in hexadecimal digits.
#[must_use]
pub fn fingerprint(key: &PublicKey) -> String {
    digest(public_to_jwk(key).as_bytes())
}

/// The SHA-256 of something, in hexadecimal digits.
#[must_use]
pub fn digest(bytes: &[u8]) -> String {
    encode_string(RustCrypto.digest(DigestAlgorithm::Sha256, &[bytes]).as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_called_by_the_thumbprint_of_rfc_7638() {
        // RFC 8037, A.3: the thumbprint of the key of A.2, there in base64url.
        let jwk = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
        let key = mdoc_core::keys::public_from_jwk(jwk).unwrap();
        assert_eq!(
            fingerprint(&key),
            "90facafea9b1556698540f70c0117a22ea37bd5cf3ed3c47093c1707282b4b89"
        );
    }
}
