//! Why nothing is known of a document's status, or what about a list is not as it should be: stable codes with the
//! values that decided.

use core::fmt;

use super::list::ListError;
use crate::cose::CoseFault;
use crate::error::DecodeError;
use crate::steps::faults;
use crate::time::Timestamp;
use crate::x509::BadCertificate;
use crate::x509::path::BrokenPath;
use crate::x509::profile::{Finding, Weight};

faults! {
    /// What is wrong with a reference, a list, or who signed it. Never renamed, never reused. A hard fault leaves the
    /// status unknown, a deviation only under a strict policy.
    Unsupported = "status-list.unsupported", Hard, "the document refers to its status in an unknown way";
    NotFetched = "status-list.not-fetched", Hard, "the status list was not fetched";
    TooLarge = "status-list.too-large", Hard, "the status list is larger than allowed";
    Malformed = "status-list.malformed", Hard, "the status list does not decode";
    Tag = "status-list.tag", Deviation, "the status list is not a COSE_Sign1 with its tag, and no other one";
    Type = "status-list.type", Hard, "the signed object is of another type, or of none";
    TypePlace = "status-list.type-place", Deviation, "the type is among the claims, and not in the protected header";
    TypeName = "status-list.type-name", Deviation, "the type is misspelt";
    Jwt = "status-list.jwt", Deviation, "the status list is a JWT, where a document wants a CWT";
    X5chainMissing = "status-list.x5chain.missing", Hard, "there are no certificates with the signature";
    X5chainMalformed = "status-list.x5chain.malformed", Hard, "a certificate with the signature does not decode";
    X5chainUnprotected = "status-list.x5chain.unprotected", Deviation,
        "the certificates are not in the protected header";
    Subject = "status-list.subject", Hard, "the status list is another one than the document refers to";
    TrustMissing = "status-list.trust.missing", Hard,
        "there is no issuer known that the signer of the status list would have to lead to";
    TrustMalformed = "status-list.trust.malformed", Hard,
        "the certificate that the document names for its status list does not decode";
    TrustValidity = "status-list.trust.validity", Hard,
        "the certificate that the signer of the status list leads to is not valid now";
    TrustNotCa = "status-list.trust.not-ca", Hard,
        "the certificate that the signer of the status list leads to may not issue certificates";
    ChainUntrusted = "status-list.chain", Hard,
        "the signer of the status list does not lead to the issuer of the document's signer, or to the certificate named";
    SignerPinned = "status-list.signer.pinned", Deviation,
        "the certificate that the document names is the signer's own, and not that of its issuer";
    SignerValidity = "status-list.signer.validity", Hard,
        "the certificate of the signer of the status list is not valid now";
    SignerProfile = "status-list.signer.profile", Hard,
        "the certificate of the signer of the status list breaks a rule of its profile";
    SignerPurpose = "status-list.signer.purpose", Hard,
        "the certificate of the signer of the status list is for another purpose";
    SignerRevoked = "status-list.signer.revoked", Hard,
        "the certificate of the signer of the status list is revoked";
    SignerRevocationUnknown = "status-list.signer.revocation-unknown", Hard,
        "whether the certificate of the signer of the status list is revoked is not known";
    Algorithm = "status-list.alg", Hard, "the algorithm of the signature is missing, not allowed, or not for the key";
    SignerKey = "status-list.signer.key", Hard, "the key of the signer of the status list cannot be used";
    Signature = "status-list.signature", Hard, "the signature of the status list does not verify";
    NotYetValid = "status-list.not-yet-valid", Hard, "the status list was made in the future";
    Expired = "status-list.expired", Hard, "the status list has expired, and a newer one is needed";
    ExpiryMissing = "status-list.no-exp", Deviation, "the status list does not say when it expires";
    Bits = "status-list.bits", Deviation, "the status list of a driving licence has more than one bit for each";
    Index = "status-list.index", Hard, "the status list ends before the entry of the document";
    Reserved = "status-list.reserved-value", Hard, "the entry of the document has a value without a meaning";
    QueryUnknown = "status-query.unknown", Hard, "the issuer, asked itself, knows no such document";
    QueryTime = "status-query.time", Hard, "what the issuer said itself is not of this time";
}

/// What was found, with the values that decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    code: Code,
    detail: Detail,
}

/// The values that decided. Neither index nor identifier of a document is among them.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Detail {
    /// The code says it all.
    None,
    /// What did not decode.
    Decode(DecodeError),
    /// The part of a JWT or of other JSON that is not as it should be.
    Json(&'static str),
    /// What is wrong with the compressed list.
    List(ListError),
    /// A name: a type, an algorithm, a purpose, a subject.
    Text(String),
    /// What was found, and what was expected.
    Differs {
        /// Found.
        found: String,
        /// Expected.
        expected: String,
    },
    /// An instant against the limit that it breaks.
    Time {
        /// The limit.
        limit: Timestamp,
        /// The instant.
        at: Timestamp,
    },
    /// A fault of the signature.
    Cose(CoseFault),
    /// A certificate that does not decode.
    Certificate(BadCertificate),
    /// A path that leads nowhere.
    Path(BrokenPath),
    /// A breach of a certificate profile.
    Profile(Finding),
}

impl Reason {
    pub(super) const fn new(code: Code, detail: Detail) -> Self {
        Self { code, detail }
    }

    pub(super) const fn plain(code: Code) -> Self {
        Self::new(code, Detail::None)
    }

    pub(super) fn text(code: Code, text: impl Into<String>) -> Self {
        Self::new(code, Detail::Text(text.into()))
    }

    pub(super) fn differs(code: Code, found: impl Into<String>, expected: impl Into<String>) -> Self {
        let (found, expected) = (found.into(), expected.into());
        Self::new(code, Detail::Differs { found, expected })
    }

    /// The code for programs.
    #[must_use]
    pub const fn code(&self) -> Code {
        self.code
    }

    /// The values that decided.
    #[must_use]
    pub const fn detail(&self) -> &Detail {
        &self.detail
    }

    /// How much it weighs: that of the code, and for a certificate profile that of the rule.
    #[must_use]
    pub const fn weight(&self) -> Weight {
        match &self.detail {
            Detail::Profile(finding) => finding.rule.weight(),
            _ => self.code.weight(),
        }
    }
}

impl From<DecodeError> for Reason {
    fn from(error: DecodeError) -> Self {
        let code = match error.fault() {
            crate::error::Fault::Limit(_) => Code::TooLarge,
            _ => Code::Malformed,
        };
        Self::new(code, Detail::Decode(error))
    }
}

impl From<ListError> for Reason {
    fn from(error: ListError) -> Self {
        let code = match error {
            ListError::TooLarge => Code::TooLarge,
            _ => Code::Malformed,
        };
        Self::new(code, Detail::List(error))
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code.meaning())?;
        match &self.detail {
            Detail::None => Ok(()),
            Detail::Decode(error) => write!(f, ": {error}"),
            Detail::Json(what) => write!(f, ": {what}"),
            Detail::List(error) => write!(f, ": {error}"),
            Detail::Text(text) => write!(f, ": {text}"),
            Detail::Differs { found, expected } => write!(f, ": `{found}`, expected `{expected}`"),
            Detail::Time { limit, at } => write!(f, ": the limit is {limit}, the instant {at}"),
            Detail::Cose(fault) => write!(f, ": {fault}"),
            Detail::Certificate(error) => write!(f, ": {error}"),
            Detail::Path(broken) => write!(f, ": {broken}"),
            Detail::Profile(finding) => {
                let (found, expected) = (&finding.found, &finding.expected);
                write!(f, ": {found} where {expected} is expected")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn codes_are_different_and_have_their_form() {
        let ids: BTreeSet<_> = Code::ALL.iter().map(|code| code.id()).collect();
        assert_eq!(ids.len(), Code::ALL.len());
        for code in Code::ALL {
            let id = code.id();
            assert!(
                id.starts_with("status-list.") || id.starts_with("status-query."),
                "{id}"
            );
            assert!(
                id.bytes()
                    .all(|b| b.is_ascii_lowercase() || b"0123456789.-".contains(&b)),
                "{id}"
            );
            assert!(!code.meaning().ends_with('.'), "{id}");
        }
    }
}
