//! What is signed and encrypted in JSON, as far as OpenID4VC with mobile documents needs it.
//!
//! One set of algorithms: ES256, ES384, ES512 and EdDSA; ECDH-ES on P-256 with A128GCM and A256GCM. `none` is no
//! algorithm, nothing is symmetric, and what a header says must be understood (`crit`) is not. Everything is bounded
//! before it is decoded.
//!
//! Source: RFC 7515, 7516, 7517, 7518, 7638, 8037.

pub mod json;
pub mod jwe;
pub mod jwk;
pub mod jws;
pub mod trust;

use base64ct::{Base64UrlUnpadded, Encoding};

pub use self::jwe::{JweError, Recipient};
pub use self::jwk::{Jwk, JwkError};
pub use self::jws::{Header, Jws, JwsError, Verified};
pub use self::trust::{Trust, TrustError};

/// The largest JWS or JWE that is read, in bytes.
pub const LARGEST: usize = 512 * 1024;

/// Base64url without padding (RFC 7515, 2).
#[must_use]
pub fn base64url(bytes: &[u8]) -> String {
    Base64UrlUnpadded::encode_string(bytes)
}

/// Reads Base64url without padding.
#[must_use]
pub fn from_base64url(text: &str) -> Option<Vec<u8>> {
    Base64UrlUnpadded::decode_vec(text).ok()
}
