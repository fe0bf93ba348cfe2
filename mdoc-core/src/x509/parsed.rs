//! The outer structure of a certificate, read strictly and once.

use core::ops::Range;
use std::sync::OnceLock;

use super::der::{self, BIT_STRING, BadCertificate, INTEGER, Reader, SEQUENCE, constructed};
use super::extension::Extension;
use super::profile::Finding;
use super::{CertificateSignature, DistinguishedName, LARGEST_CERTIFICATE, UnusableKey};
use crate::crypto::PublicKey;
use crate::time::Timestamp;

/// Extensions in one certificate; real ones have about ten.
const MOST_EXTENSIONS: usize = 64;
/// Room that is made for them at once.
const USUAL_EXTENSIONS: usize = 12;

/// Where everything is in the received bytes.
pub(super) struct Parsed {
    pub(super) der: Vec<u8>,
    pub(super) tbs: Range<usize>,
    pub(super) version: u8,
    pub(super) serial_number: Range<usize>,
    pub(super) issuer: Range<usize>,
    pub(super) subject: Range<usize>,
    pub(super) not_before: Timestamp,
    pub(super) not_after: Timestamp,
    pub(super) times_encoded_oddly: bool,
    pub(super) public_key_info: Range<usize>,
    pub(super) public_key: Range<usize>,
    pub(super) extensions: Vec<ExtensionAt>,
    pub(super) algorithm: CertificateSignature,
    /// Whether the algorithm outside the signed part is another one: no such signature holds.
    pub(super) algorithms_differ: bool,
    pub(super) algorithm_der: Range<usize>,
    pub(super) signature: Range<usize>,
    pub(super) known: Known,
}

/// What follows from the bytes of a certificate alone and takes time to find out: computed when it is first asked
/// for, and then known to everybody who has the same certificate.
#[derive(Default)]
pub(super) struct Known {
    pub(super) key: OnceLock<Result<PublicKey, UnusableKey>>,
    pub(super) key_identifier: OnceLock<[u8; 20]>,
    pub(super) fingerprint: OnceLock<[u8; 32]>,
    /// What is wrong with it as the root of an issuing authority.
    pub(super) as_iaca: OnceLock<Vec<Finding>>,
}

/// Where an extension is, and what was read of it.
pub(super) struct ExtensionAt {
    pub(super) oid: Range<usize>,
    pub(super) critical: bool,
    pub(super) critical_encoded_oddly: bool,
    pub(super) value: Range<usize>,
}

/// Where an element is.
pub(super) const fn raw_range(element: &der::Element<'_>) -> Range<usize> {
    element.offset..element.offset + element.raw.len()
}

/// Where the content of an element is.
pub(super) const fn value_range(element: &der::Element<'_>) -> Range<usize> {
    element.value_offset()..element.offset + element.raw.len()
}

impl Parsed {
    pub(super) fn read(der: &[u8]) -> Result<Self, BadCertificate> {
        const WHAT: &str = "certificate";
        if der.len() > LARGEST_CERTIFICATE {
            return Err(BadCertificate {
                what: "certificate of at most 64 KiB",
                offset: LARGEST_CERTIFICATE,
            });
        }
        let mut outer = Reader::only(der, SEQUENCE, WHAT)?.inside();
        let tbs = outer.one(SEQUENCE, WHAT)?;
        let outer_algorithm = outer.one(SEQUENCE, "signature algorithm")?;
        let signature = outer.one(BIT_STRING, "signature")?;
        let signature_octets = signature.whole_octets("signature")?;
        outer.end(WHAT)?;

        let mut fields = tbs.inside();
        let version = match fields.optional(constructed(0), "version")? {
            Some(explicit) => {
                let mut inside = explicit.inside();
                let number = inside.one(INTEGER, "version")?;
                inside.end("version")?;
                match number.value {
                    [version @ 0..=2] => version + 1,
                    _ => return Err(number.bad("version")),
                }
            }
            None => 1,
        };
        let serial_number = fields.one(INTEGER, "serial number")?;
        serial_number.integer("serial number")?;
        let algorithm = fields.one(SEQUENCE, "signature algorithm")?;
        let algorithms_differ = algorithm.raw != outer_algorithm.raw;
        let issuer = fields.one(SEQUENCE, "issuer")?;
        DistinguishedName::read(issuer)?;
        let mut validity = fields.one(SEQUENCE, "validity")?.inside();
        let (from, until) = (validity.any("validity")?, validity.any("validity")?);
        validity.end("validity")?;
        let (not_before, not_after) = (from.time("validity")?, until.time("validity")?);
        let subject = fields.one(SEQUENCE, "subject")?;
        DistinguishedName::read(subject)?;
        let key_info = fields.one(SEQUENCE, "public key")?;
        let mut key_parts = key_info.inside();
        key_parts.one(SEQUENCE, "public key")?;
        let key = key_parts.one(BIT_STRING, "public key")?;
        key.whole_octets("public key")?;
        key_parts.end("public key")?;
        fields.optional(der::context(1), "unique identifier")?;
        fields.optional(der::context(2), "unique identifier")?;
        let mut extensions = Vec::with_capacity(USUAL_EXTENSIONS);
        if let Some(explicit) = fields.optional(constructed(3), "extensions")? {
            let mut inside = explicit.inside();
            let mut list = inside.one(SEQUENCE, "extensions")?.inside();
            inside.end("extensions")?;
            while !list.is_empty() {
                let mut probe = list;
                let whole = probe.any("extension")?;
                let (extension, oid) = Extension::read_in_place(&mut list)?;
                if extensions.len() == MOST_EXTENSIONS {
                    return Err(whole.bad("certificate of at most 64 extensions"));
                }
                extensions.push(ExtensionAt {
                    oid,
                    critical: extension.critical,
                    critical_encoded_oddly: extension.critical_encoded_oddly,
                    value: extension.offset..extension.offset + extension.value.len(),
                });
            }
        }
        fields.end(WHAT)?;
        let signature_at = value_range(&signature);
        Ok(Self {
            der: der.to_vec(),
            tbs: raw_range(&tbs),
            version,
            serial_number: value_range(&serial_number),
            issuer: raw_range(&issuer),
            subject: raw_range(&subject),
            not_before,
            not_after,
            times_encoded_oddly: from.is_odd_time(not_before) || until.is_odd_time(not_after),
            public_key_info: raw_range(&key_info),
            public_key: value_range(&key).start + 1..value_range(&key).end,
            extensions,
            algorithm: CertificateSignature::read(algorithm.inside())?,
            algorithms_differ,
            algorithm_der: raw_range(&algorithm),
            signature: signature_at.end - signature_octets.len()..signature_at.end,
            known: Known::default(),
        })
    }
}
