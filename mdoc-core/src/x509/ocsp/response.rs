//! The answer, read.

use core::fmt;
use core::ops::Range;

use super::{CertificateId, extensions};
use crate::crypto::{Backend, PublicKey, equal_in_constant_time};
use crate::time::Timestamp;
use crate::x509::der::{self, BadCertificate, Reader};
use crate::x509::oid::{self, Oid};
use crate::x509::parsed::{raw_range, value_range};
use crate::x509::{Certificate, CertificateSignature, DistinguishedName, SignatureError};

/// The largest response that is read, in bytes.
pub const LARGEST_RESPONSE: usize = 1024 * 1024;

/// Answers in one response, and certificates that it brings along.
const MOST_ANSWERS: usize = 256;
const MOST_CERTIFICATES: usize = 16;

const WHAT: &str = "OCSP response";

/// Whether the responder answered at all (RFC 6960, 4.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum OcspStatus {
    /// It did: there is something signed.
    Successful,
    /// It could not read the request.
    MalformedRequest,
    /// It has a fault of its own.
    InternalError,
    /// It asks to try later.
    TryLater,
    /// It wants signed requests.
    SigRequired,
    /// It does not answer to whoever asked.
    Unauthorized,
}

impl fmt::Display for OcspStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Successful => "successful",
            Self::MalformedRequest => "malformedRequest",
            Self::InternalError => "internalError",
            Self::TryLater => "tryLater",
            Self::SigRequired => "sigRequired",
            Self::Unauthorized => "unauthorized",
        })
    }
}

/// Who answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResponderId {
    /// By its name in DER.
    Name(Vec<u8>),
    /// By the SHA-1 of its key.
    Key(Vec<u8>),
}

impl ResponderId {
    /// Whether that certificate is meant.
    #[must_use]
    pub fn is(&self, certificate: &Certificate) -> bool {
        match self {
            Self::Name(name) => name == certificate.subject_der(),
            Self::Key(hash) => equal_in_constant_time(hash, &certificate.computed_key_identifier()),
        }
    }
}

/// What the responder says of one certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CertificateStatus {
    /// It was not revoked.
    Good,
    /// It was revoked; whatever the reason given.
    Revoked {
        /// Since when.
        at: Timestamp,
    },
    /// The responder does not know it.
    Unknown,
}

/// The answer about one certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SingleResponse {
    /// Which one.
    pub id: CertificateId,
    /// What is said of it.
    pub status: CertificateStatus,
    /// The last instant at which that is known to be so.
    pub this_update: Timestamp,
    /// When there will be something newer, if that is said.
    pub next_update: Option<Timestamp>,
}

/// A response whose structure was read; nobody has vouched for it yet.
#[derive(Clone, PartialEq, Eq)]
pub struct OcspResponse {
    der: Vec<u8>,
    status: OcspStatus,
    basic: Option<Basic>,
}

/// What is signed, and by whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Basic {
    tbs: Range<usize>,
    algorithm: CertificateSignature,
    signature: Range<usize>,
    pub(super) responder: ResponderId,
    pub(super) produced_at: Timestamp,
    pub(super) answers: Vec<SingleResponse>,
    pub(super) nonce: Option<Vec<u8>>,
    pub(super) critical: Option<String>,
    pub(super) certificates: Vec<Certificate>,
}

impl OcspResponse {
    /// Reads a response.
    ///
    /// # Errors
    /// [`BadCertificate`] with the first place where the structure is broken, or a limit is exceeded: 1 MiB,
    /// 256 answers, 16 certificates.
    pub fn from_der(bytes: &[u8]) -> Result<Self, BadCertificate> {
        if bytes.len() > LARGEST_RESPONSE {
            return Err(BadCertificate {
                what: "OCSP response of at most 1 MiB",
                offset: LARGEST_RESPONSE,
            });
        }
        let mut outer = Reader::only(bytes, der::SEQUENCE, WHAT)?.inside();
        let status = outer.one(der::ENUMERATED, "response status")?;
        let read = match status.value {
            [0] => OcspStatus::Successful,
            [1] => OcspStatus::MalformedRequest,
            [2] => OcspStatus::InternalError,
            [3] => OcspStatus::TryLater,
            [5] => OcspStatus::SigRequired,
            [6] => OcspStatus::Unauthorized,
            _ => return Err(status.bad("response status")),
        };
        let content = outer.optional(der::constructed(0), "response bytes")?;
        outer.end(WHAT)?;
        let basic = match (read, content) {
            (OcspStatus::Successful, Some(explicit)) => {
                let mut inside = explicit.inside();
                let mut parts = inside.one(der::SEQUENCE, "response bytes")?.inside();
                inside.end("response bytes")?;
                let kind = parts.one(der::OBJECT_IDENTIFIER, "response type")?;
                if Oid::from_content(kind.value) != Some(oid::OCSP_BASIC) {
                    return Err(kind.bad("basic OCSP response"));
                }
                let octets = parts.one(der::OCTET_STRING, "response")?;
                parts.end("response bytes")?;
                let mut whole = Reader::at(octets.value, octets.value_offset());
                let basic = whole.one(der::SEQUENCE, "basic response")?;
                whole.end("basic response")?;
                Some(Basic::read(basic.inside())?)
            }
            (OcspStatus::Successful, None) => return Err(status.bad("response with an answer")),
            _ => None,
        };
        Ok(Self {
            der: bytes.to_vec(),
            status: read,
            basic,
        })
    }

    /// The received bytes.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// Whether the responder answered at all.
    #[must_use]
    pub const fn status(&self) -> OcspStatus {
        self.status
    }

    pub(super) const fn basic(&self) -> Option<&Basic> {
        self.basic.as_ref()
    }

    /// Who answered, if somebody did.
    #[must_use]
    pub fn responder(&self) -> Option<&ResponderId> {
        self.basic().map(|basic| &basic.responder)
    }

    /// When the response was made.
    #[must_use]
    pub fn produced_at(&self) -> Option<Timestamp> {
        self.basic().map(|basic| basic.produced_at)
    }

    /// What is said of each certificate.
    #[must_use]
    pub fn answers(&self) -> &[SingleResponse] {
        self.basic().map_or(&[], |basic| &basic.answers)
    }

    /// The nonce of the request, if it is repeated.
    #[must_use]
    pub fn nonce(&self) -> Option<&[u8]> {
        self.basic().and_then(|basic| basic.nonce.as_deref())
    }

    /// The certificates that came along.
    #[must_use]
    pub fn certificates(&self) -> &[Certificate] {
        self.basic().map_or(&[], |basic| &basic.certificates)
    }

    /// Checks that the holder of `key` signed the answers.
    pub(super) fn verify_signed_by(
        &self,
        key: &PublicKey,
        backend: &dyn Backend,
    ) -> Result<(), SignatureError> {
        let part = |range: &Range<usize>| self.der.get(range.clone()).unwrap_or_default();
        match &self.basic {
            Some(basic) => basic
                .algorithm
                .verify(key, part(&basic.tbs), part(&basic.signature), backend),
            None => Err(SignatureError::Unsupported("none".to_owned())),
        }
    }
}

impl Basic {
    fn read(mut parts: Reader<'_>) -> Result<Self, BadCertificate> {
        let tbs = parts.one(der::SEQUENCE, "response data")?;
        let algorithm = parts.one(der::SEQUENCE, "signature algorithm")?;
        let signature = parts.one(der::BIT_STRING, "signature")?;
        signature.whole_octets("signature")?;
        let mut certificates = Vec::new();
        if let Some(explicit) = parts.optional(der::constructed(0), "certificates")? {
            let mut inside = explicit.inside();
            let mut list = inside.one(der::SEQUENCE, "certificates")?.inside();
            inside.end("certificates")?;
            while !list.is_empty() {
                let one = list.one(der::SEQUENCE, "certificate")?;
                if certificates.len() == MOST_CERTIFICATES {
                    return Err(one.bad("response with at most 16 certificates"));
                }
                certificates.push(Certificate::from_der(one.raw)?);
            }
        }
        parts.end("basic response")?;

        let mut fields = tbs.inside();
        if let Some(version) = fields.optional(der::constructed(0), "version")?
            && version.value != [der::INTEGER, 1, 0]
        {
            return Err(version.bad("version"));
        }
        let who = fields.any("responder")?;
        let mut inside = who.inside();
        let responder = match who.tag {
            0xA1 => {
                let name = inside.one(der::SEQUENCE, "responder")?;
                DistinguishedName::read(name)?;
                ResponderId::Name(name.raw.to_vec())
            }
            0xA2 => ResponderId::Key(inside.one(der::OCTET_STRING, "responder")?.value.to_vec()),
            _ => return Err(who.bad("responder")),
        };
        inside.end("responder")?;
        let produced_at = fields.one(der::GENERALIZED_TIME, "time")?.time("time")?;
        let list = fields.one(der::SEQUENCE, "answers")?;
        let (mut inside, mut answers, mut critical) = (list.inside(), Vec::new(), None);
        while !inside.is_empty() {
            let one = inside.one(der::SEQUENCE, "answer")?;
            if answers.len() == MOST_ANSWERS {
                return Err(one.bad("response with at most 256 answers"));
            }
            let (answer, unknown) = single(one.inside())?;
            answers.push(answer);
            critical = critical.or(unknown);
        }
        let mut nonce = None;
        if let Some(explicit) = fields.optional(der::constructed(1), "extensions")? {
            let (found, unknown) = extensions(explicit.inside())?;
            nonce = found;
            critical = critical.or(unknown);
        }
        fields.end("response data")?;
        let signature = value_range(&signature);
        Ok(Self {
            tbs: raw_range(&tbs),
            algorithm: CertificateSignature::read(algorithm.inside())?,
            signature: signature.start + 1..signature.end,
            responder,
            produced_at,
            answers,
            nonce,
            critical,
            certificates,
        })
    }
}

/// One answer, and its critical extension, if any.
fn single(mut parts: Reader<'_>) -> Result<(SingleResponse, Option<String>), BadCertificate> {
    let id = CertificateId::read(&parts.one(der::SEQUENCE, "answer")?)?;
    let status = parts.any("certificate status")?;
    let status = match (status.tag, status.value) {
        (0x80, []) => CertificateStatus::Good,
        (0x82, []) => CertificateStatus::Unknown,
        (0xA1, _) => {
            let mut inside = status.inside();
            let at = inside.one(der::GENERALIZED_TIME, "revocation time")?;
            inside.optional(der::constructed(0), "revocation reason")?;
            inside.end("revocation")?;
            CertificateStatus::Revoked {
                at: at.time("revocation time")?,
            }
        }
        _ => return Err(status.bad("certificate status")),
    };
    let this_update = parts
        .one(der::GENERALIZED_TIME, "thisUpdate")?
        .time("thisUpdate")?;
    let next_update = match parts.optional(der::constructed(0), "nextUpdate")? {
        Some(explicit) => {
            let mut inside = explicit.inside();
            let time = inside.one(der::GENERALIZED_TIME, "nextUpdate")?;
            inside.end("nextUpdate")?;
            Some(time.time("nextUpdate")?)
        }
        None => None,
    };
    let critical = match parts.optional(der::constructed(1), "extensions")? {
        Some(explicit) => extensions(explicit.inside())?.1,
        None => None,
    };
    parts.end("answer")?;
    let answer = SingleResponse {
        id,
        status,
        this_update,
        next_update,
    };
    Ok((answer, critical))
}

impl fmt::Debug for OcspResponse {
    /// Status and number of answers.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "OcspResponse({}, {} answers)",
            self.status,
            self.answers().len()
        )
    }
}
