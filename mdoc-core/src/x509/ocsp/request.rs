//! The question.

use super::{CertificateId, extensions, nonce_extension};
use crate::x509::der::{self, BadCertificate, Reader};

/// The largest request that is read, in bytes.
pub const LARGEST_REQUEST: usize = 64 * 1024;

/// Certificates asked about in one request.
const MOST_IDS: usize = 256;

const WHAT: &str = "OCSP request";

/// A question about certificates. Signatures of requests are passed over: anybody may ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OcspRequest {
    der: Vec<u8>,
    ids: Vec<CertificateId>,
    nonce: Option<Vec<u8>>,
    critical: Option<String>,
}

impl OcspRequest {
    /// Asks about certificates, with a nonce or without.
    ///
    /// # Errors
    /// [`BadCertificate`] if it would not be read again: no certificate, more than 256, or a nonce that is empty
    /// or longer than 128 octets.
    pub fn new(ids: &[CertificateId], nonce: Option<&[u8]>) -> Result<Self, BadCertificate> {
        let list: Vec<Vec<u8>> = ids.iter().map(|id| der::tlv(der::SEQUENCE, &[&id.der])).collect();
        let list: Vec<&[u8]> = list.iter().map(Vec::as_slice).collect();
        let extensions = nonce.map_or_else(Vec::new, |nonce| {
            der::tlv(der::constructed(2), &[&nonce_extension(nonce)])
        });
        let tbs = der::tlv(der::SEQUENCE, &[&der::tlv(der::SEQUENCE, &list), &extensions]);
        Self::from_der(&der::tlv(der::SEQUENCE, &[&tbs]))
    }

    /// Reads a request.
    ///
    /// # Errors
    /// [`BadCertificate`] with the first place where the structure is broken, or a limit is exceeded: 64 KiB,
    /// 256 certificates, a nonce of 128 octets.
    pub fn from_der(bytes: &[u8]) -> Result<Self, BadCertificate> {
        if bytes.len() > LARGEST_REQUEST {
            return Err(BadCertificate {
                what: "OCSP request of at most 64 KiB",
                offset: LARGEST_REQUEST,
            });
        }
        let mut outer = Reader::only(bytes, der::SEQUENCE, WHAT)?.inside();
        let mut tbs = outer.one(der::SEQUENCE, WHAT)?.inside();
        outer.optional(der::constructed(0), "signature")?;
        outer.end(WHAT)?;
        if let Some(version) = tbs.optional(der::constructed(0), "version")?
            && version.value != [der::INTEGER, 1, 0]
        {
            return Err(version.bad("version"));
        }
        tbs.optional(der::constructed(1), "requestor name")?;
        let list = tbs.one(der::SEQUENCE, "list of questions")?;
        let (mut inside, mut ids, mut critical) = (list.inside(), Vec::new(), None);
        while !inside.is_empty() {
            let question = inside.one(der::SEQUENCE, "question")?;
            if ids.len() == MOST_IDS {
                return Err(question.bad("request about at most 256 certificates"));
            }
            let mut parts = question.inside();
            ids.push(CertificateId::read(&parts.one(der::SEQUENCE, "question")?)?);
            if let Some(single) = parts.optional(der::constructed(0), "extensions")? {
                critical = critical.or(extensions(single.inside())?.1);
            }
            parts.end("question")?;
        }
        if ids.is_empty() {
            return Err(list.bad("request about at least one certificate"));
        }
        let mut nonce = None;
        if let Some(explicit) = tbs.optional(der::constructed(2), "extensions")? {
            let (found, unknown) = extensions(explicit.inside())?;
            nonce = found;
            critical = critical.or(unknown);
        }
        tbs.end(WHAT)?;
        Ok(Self {
            der: bytes.to_vec(),
            ids,
            nonce,
            critical,
        })
    }

    /// The bytes.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The certificates that are asked about.
    #[must_use]
    pub fn ids(&self) -> &[CertificateId] {
        &self.ids
    }

    /// What the answer has to repeat.
    #[must_use]
    pub fn nonce(&self) -> Option<&[u8]> {
        self.nonce.as_deref()
    }

    /// A critical extension that is not understood: such a request is not to be answered.
    #[must_use]
    pub fn unknown_critical(&self) -> Option<&str> {
        self.critical.as_deref()
    }
}
