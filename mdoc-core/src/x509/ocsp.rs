//! Asking a responder whether certificates were revoked, answering, and judging an answer.
//!
//! Three answers, never two, as with revocation lists: what could not be determined is neither good nor revoked.
//!
//! Source: RFC 6960; RFC 9654 (nonces); ISO/IEC 18013-5:2021, Annex B, OCSP.

mod request;
mod respond;
mod response;
mod verdict;

use sha1::{Digest as _, Sha1};

pub use self::request::{LARGEST_REQUEST, OcspRequest};
pub use self::respond::{Responder, respond};
pub use self::response::{
    CertificateStatus, LARGEST_RESPONSE, OcspResponse, OcspStatus, ResponderId, SingleResponse,
};
pub use self::verdict::{LONGEST_WITHOUT_NEXT_UPDATE, OcspAnswer, OcspCheck, OcspUndetermined};
use super::der::{self, BadCertificate, Element, Reader};
use super::extension::Extension;
use super::oid::{self, Oid};
use super::{Certificate, build};
use crate::crypto::{Backend as _, DigestAlgorithm, RustCrypto, equal_in_constant_time};

/// The longest nonce, in octets (RFC 9654, 2.1).
pub const LONGEST_NONCE: usize = 128;

/// The hash function by which a question names the issuer. A name, not a protection: SHA-1 is what all
/// responders know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdHash {
    /// SHA-1.
    Sha1,
    /// SHA-256.
    Sha256,
}

impl IdHash {
    fn digest(self, octets: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha1 => Sha1::digest(octets).to_vec(),
            Self::Sha256 => RustCrypto
                .digest(DigestAlgorithm::Sha256, &[octets])
                .as_ref()
                .to_vec(),
        }
    }

    const fn oid(self) -> Oid<'static> {
        match self {
            Self::Sha1 => oid::SHA1,
            Self::Sha256 => oid::SHA256,
        }
    }
}

/// Which certificate a question or an answer is about: hashes of its issuer's name and key, and its serial
/// number (RFC 6960, 4.1.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateId {
    /// As received: an answer repeats it octet for octet.
    der: Vec<u8>,
    /// None if the function is not known here.
    hash: Option<IdHash>,
    name_hash: Vec<u8>,
    key_hash: Vec<u8>,
    serial_number: Vec<u8>,
}

impl CertificateId {
    /// The identifier of a certificate of `issuer`.
    #[must_use]
    pub fn of(certificate: &Certificate, issuer: &Certificate, hash: IdHash) -> Self {
        let (name_hash, key_hash) = (
            hash.digest(issuer.subject_der()),
            hash.digest(issuer.public_key_octets()),
        );
        let serial_number = certificate.serial_number_der().to_vec();
        let kind = der::tlv(der::OBJECT_IDENTIFIER, &[hash.oid().content()]);
        let der = der::tlv(
            der::SEQUENCE,
            &[
                &der::tlv(der::SEQUENCE, &[&kind, &der::tlv(der::NULL, &[])]),
                &der::tlv(der::OCTET_STRING, &[&name_hash]),
                &der::tlv(der::OCTET_STRING, &[&key_hash]),
                &der::tlv(der::INTEGER, &[&serial_number]),
            ],
        );
        Self {
            der,
            hash: Some(hash),
            name_hash,
            key_hash,
            serial_number,
        }
    }

    fn read(element: &Element<'_>) -> Result<Self, BadCertificate> {
        const WHAT: &str = "certificate identifier";
        let mut parts = element.inside();
        let mut algorithm = parts.one(der::SEQUENCE, WHAT)?.inside();
        let kind = algorithm.one(der::OBJECT_IDENTIFIER, WHAT)?;
        let hash = match Oid::from_content(kind.value).ok_or(kind.bad(WHAT))? {
            oid::SHA1 => Some(IdHash::Sha1),
            oid::SHA256 => Some(IdHash::Sha256),
            _ => None,
        };
        let name_hash = parts.one(der::OCTET_STRING, WHAT)?.value.to_vec();
        let key_hash = parts.one(der::OCTET_STRING, WHAT)?.value.to_vec();
        let serial_number = parts.one(der::INTEGER, WHAT)?.integer(WHAT)?.to_vec();
        parts.end(WHAT)?;
        Ok(Self {
            der: element.raw.to_vec(),
            hash,
            name_hash,
            key_hash,
            serial_number,
        })
    }

    /// Whether it names a certificate of that issuer.
    #[must_use]
    pub fn is_of(&self, issuer: &Certificate) -> bool {
        self.hash.is_some_and(|hash| {
            let (name, key) = (issuer.subject_der(), issuer.public_key_octets());
            equal_in_constant_time(&self.name_hash, &hash.digest(name))
                && equal_in_constant_time(&self.key_hash, &hash.digest(key))
        })
    }

    /// Whether it names that certificate of that issuer.
    #[must_use]
    pub fn is(&self, certificate: &Certificate, issuer: &Certificate) -> bool {
        self.serial_number == certificate.serial_number_der() && self.is_of(issuer)
    }

    /// The content octets of the serial number.
    #[must_use]
    pub fn serial_number_der(&self) -> &[u8] {
        &self.serial_number
    }

    /// The hash function; none if it is not SHA-1 or SHA-256.
    #[must_use]
    pub const fn hash(&self) -> Option<IdHash> {
        self.hash
    }
}

/// The nonce, and the first critical extension that is not understood, of `SEQUENCE OF Extension`.
fn extensions(list: Reader<'_>) -> Result<(Option<Vec<u8>>, Option<String>), BadCertificate> {
    let mut outer = list;
    let (mut nonce, mut critical) = (None, None);
    let sequence = outer.one(der::SEQUENCE, "extensions")?;
    outer.end("extensions")?;
    let mut inside = sequence.inside();
    while !inside.is_empty() {
        let extension = Extension::read(&mut inside)?;
        if extension.oid == oid::OCSP_NONCE {
            let octets = extension.one(der::OCTET_STRING, "nonce")?;
            if nonce.is_some() || octets.value.is_empty() || octets.value.len() > LONGEST_NONCE {
                return Err(octets.bad("nonce of 1 to 128 octets, once"));
            }
            nonce = Some(octets.value.to_vec());
        } else if extension.critical && critical.is_none() {
            critical = Some(extension.oid.to_string());
        }
    }
    Ok((nonce, critical))
}

/// `SEQUENCE OF Extension` with the nonce alone.
fn nonce_extension(nonce: &[u8]) -> Vec<u8> {
    let value = der::tlv(der::OCTET_STRING, &[nonce]);
    let extension = build::extension(oid::OCSP_NONCE, false, &value);
    der::tlv(der::SEQUENCE, &[&extension])
}

#[cfg(test)]
mod tests;
