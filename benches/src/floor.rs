//! The least that issuing and verifying can be: what must be hashed, signed and written, and nothing else.
//!
//! Written by hand for one shape of document (P-256, SHA-256, one namespace, a device signature). No rule is
//! checked beyond signatures and digests, no name is free, and odd input is refused at best. What our library
//! takes longer is what its checks, its errors and its freedom cost.

mod crypto;
mod issue;
mod read;
mod verify;
mod write;

pub use self::crypto::{AwsLc, Primitives, Pure};
pub use self::issue::{Element, Issuer, Template, issue};
pub use self::read::{Item, Mso, Response, mso, response};
pub use self::verify::{Refused, Verifier, verify};

/// The uncompressed point in a certificate, of which nothing is checked.
#[must_use]
pub fn point_of(certificate: &[u8]) -> Option<&[u8]> {
    verify::certificate(certificate).map(|certificate| certificate.point)
}
