//! What a wallet looks at before it says that it has a document.

use core::fmt;

use mdoc_core::crypto::PublicKey;
use mdoc_core::issuer_signed::IssuerSigned;
use mdoc_core::limits::Limits;
use mdoc_core::time::Timestamp;
use mdoc_core::verify::{Check, Form, Inputs, verify};
use mdoc_core::x509::path::TrustAnchor;

/// What documents are judged by.
#[derive(Debug, Clone, Copy)]
pub struct Judge<'a> {
    /// Trusted issuing authorities; without any, whoever signed is taken.
    pub anchors: &'a [TrustAnchor],
    /// The instant to judge by. A document may begin to be valid later.
    pub now: Timestamp,
}

/// Why a document is not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum DocumentFault {
    /// It is no document as issued.
    Undecodable,
    /// It is of another type than was asked for.
    DocType,
    /// It is bound to none of our keys, or to one that another document has.
    DeviceKey,
    /// There are more documents than keys.
    TooMany,
    /// A check of the inspection procedure fails: its name, and in words.
    Check(&'static str, String),
}

impl fmt::Display for DocumentFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Undecodable => f.write_str("what was received is no document"),
            Self::DocType => f.write_str("the document is of another type than was offered"),
            Self::DeviceKey => {
                f.write_str("the document is bound to a key that is not ours, or to one twice")
            }
            Self::TooMany => f.write_str("there are more documents than keys"),
            Self::Check(id, words) => write!(f, "the document does not hold: {id}, {words}"),
        }
    }
}

impl core::error::Error for DocumentFault {}

/// Checks that need to know whom to trust. Signature and digests are not among them.
const NEED_ANCHORS: [Check; 6] = [
    Check::DsChain,
    Check::IacaValidity,
    Check::IacaProfile,
    Check::CertificateCountry,
    Check::AnchorDocType,
    Check::DsRevocation,
];

/// Judges one document: that it decodes, is of the type, its signature and all digests hold, and to which of the keys it
/// is bound. Gives the number of the key.
///
/// # Errors
/// [`DocumentFault`].
pub fn document(
    bytes: &[u8],
    doc_type: &str,
    keys: &[&PublicKey],
    judge: &Judge<'_>,
) -> Result<usize, DocumentFault> {
    let limits = Limits::DEFAULT;
    let decoded = IssuerSigned::decode(bytes, &limits).map_err(|_| DocumentFault::Undecodable)?;
    let mso = decoded.mso(&limits).map_err(|_| DocumentFault::Undecodable)?;
    if mso.doc_type != doc_type {
        return Err(DocumentFault::DocType);
    }
    let bound = mso.device_key_info.device_key.as_ref().ok();
    let at = keys.iter().position(|key| bound == Some(*key));
    let at = at.ok_or(DocumentFault::DeviceKey)?;
    // Documents of a batch begin at a time that tells nothing, which may be tomorrow.
    let instant = judge.now.max(mso.validity_info.valid_from);
    let report = verify(bytes, Form::IssuerSigned, &Inputs::new(judge.anchors, instant));
    for step in report.documents().iter().flat_map(|report| report.failures()) {
        if !(judge.anchors.is_empty() && NEED_ANCHORS.contains(&step.check)) {
            return Err(DocumentFault::Check(step.check.id(), step.message().to_string()));
        }
    }
    Ok(at)
}
