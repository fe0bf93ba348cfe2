//! Why a step failed, and why one was not done: stable codes with the values that decided.

use core::fmt;

use super::check::Check;
use crate::cose::CoseFault;
use crate::cose::key::KeyFault;
use crate::crypto::CryptoError;
use crate::error::{DecodeError, Fault, Stage};
use crate::steps::{Found, codes, whys};
use crate::time::Timestamp;
use crate::x509::path::BrokenPath;
use crate::x509::profile::{Finding, Rule, Weight};

codes! {
    /// A fault that a step finds. Published in `docs/reason-codes.md`, never renamed, never reused.
    DecodeMalformed = "decode.malformed", Decode, Hard, "the bytes are not well-formed CBOR";
    DecodeTruncated = "decode.truncated", Decode, Hard, "the bytes end within an item";
    DecodeTrailing = "decode.trailing-bytes", Decode, Hard, "there are bytes after the item";
    DecodeLimit = "decode.limit", Decode, Hard,
        "the message is larger, deeper or more numerous than allowed";
    DuplicateKey = "decode.duplicate-key", DuplicateKeys, Hard, "a map has a key twice";
    EmbeddedMalformed = "decode.embedded", Embedded, Hard, "a tag 24 byte string does not hold exactly one item";
    EmbeddedLimit = "decode.embedded-limit", Embedded, Hard,
        "a tag 24 byte string holds something larger, deeper or more numerous than allowed";
    StructureMissing = "structure.missing", Structure, Hard, "a required member is missing";
    StructureType = "structure.type", Structure, Hard, "a member has the wrong type or value";
    VersionMissing = "version.missing", Version, Hard, "there is no version, or it is no text";
    VersionUnsupported = "version.unsupported", Version, Hard, "the major version is not 1";
    NotPreferred = "encoding.not-preferred", Encoding, Deviation, "some lengths are not the shortest, or indefinite";
    CoseTagged = "encoding.cose-tagged", Encoding, Deviation, "a COSE structure is tagged";
    TimeForm = "encoding.time-form", Encoding, Deviation, "an instant of the MSO is not in UTC with whole seconds";
    X5chainProtected = "encoding.x5chain-protected", Encoding, Deviation,
        "the certificates are in the protected header";
    PayloadAttached = "encoding.payload-attached", Encoding, Deviation,
        "the device authentication carries its payload, which should be detached";
    ResponseStatusError = "response.status", ResponseStatus, Hard, "the response reports an error";
    ResponseEmpty = "response.no-documents", Structure, Hard, "the response has no document";
    UnrequestedDocument = "requested.document", Requested, Deviation, "a document was not asked for";
    UnrequestedElement = "requested.element", Requested, Deviation, "an element was not asked for";
    X5chainMissing = "x5chain.missing", X5chain, Hard, "there are no certificates with the signature";
    X5chainMalformed = "x5chain.malformed", X5chain, Hard, "a certificate with the signature does not decode";
    ChainUntrusted = "chain.untrusted", DsChain, Hard, "the issuer of the certificate is not trusted";
    ChainSignature = "chain.signature", DsChain, Hard, "no trusted certificate made the signature on the certificate";
    ChainBroken = "chain.intermediate", DsChain, Hard, "the certificates between signer and anchor do not hold";
    ChainPinned = "chain.pinned", DsChain, Deviation,
        "the document signer's certificate itself is the trust anchor";
    ChainIntermediates = "chain.through-intermediates", DsChain, Deviation,
        "the path goes through certificates that the message brought along";
    DsExpired = "ds.expired", DsValidity, Hard, "the document signer's certificate has expired";
    DsNotYetValid = "ds.not-yet-valid", DsValidity, Hard, "the document signer's certificate is not yet valid";
    IacaExpired = "iaca.expired", IacaValidity, Hard, "the IACA certificate has expired";
    IacaNotYetValid = "iaca.not-yet-valid", IacaValidity, Hard, "the IACA certificate is not yet valid";
    AnchorDocType = "anchor.doctype", AnchorDocType, Hard,
        "the trust anchor is not trusted for this type of document";
    DsRevoked = "ds.revoked", DsRevocation, Hard, "the document signer's certificate is revoked";
    AlgMissing = "alg.missing", Algorithm, Hard, "the protected header names no algorithm";
    AlgUnsupported = "alg.unsupported", Algorithm, Hard, "the algorithm is none of the standard";
    AlgCurve = "alg.curve", Algorithm, Hard, "the algorithm does not go with the curve of the key";
    DsKeyUnusable = "alg.ds-key", Algorithm, Hard, "the key in the document signer's certificate cannot be used";
    IssuerSignatureInvalid = "issuer-signature.invalid", IssuerSignature, Hard,
        "the issuer's signature does not verify";
    IssuerSignatureForm = "issuer-signature.form", IssuerSignature, Hard,
        "the issuer's signature is not raw r and s of the key's length";
    ThumbprintMismatch = "x5t.mismatch", Thumbprint, Hard, "the signed thumbprint is of another certificate";
    MsoDocType = "mso.doctype", MsoDocType, Hard, "the MSO is for another type of document";
    MsoSignedOutsideDs = "mso.signed-outside-ds", MsoSigned, Hard,
        "the MSO was signed outside the validity of the document signer's certificate";
    MsoNotYetValid = "mso.not-yet-valid", MsoValidity, Hard, "the document is not yet valid";
    MsoExpired = "mso.expired", MsoValidity, Hard, "the document has expired";
    MsoValidityOrder = "mso.validity-order", MsoValidity, Deviation,
        "validFrom is before signed, or validUntil not after validFrom";
    MsoOutlivesDs = "mso.outlives-ds", MsoOutlivesDs, Deviation,
        "the document outlives the document signer's certificate";
    DigestMismatch = "digest.mismatch", Digest, Hard, "an element is not the one that was signed";
    DigestMissing = "digest-id.missing", DigestId, Hard, "the MSO has no digest for an element";
    DigestIdTwice = "digest-id.duplicate", DigestId, Hard, "two elements use one digest";
    DigestIdRange = "digest-id.range", DigestId, Deviation, "a digest ID is not below 2^31";
    SaltShort = "salt.short", Salt, Deviation, "a salt has fewer than 16 bytes";
    ElementTwice = "element.duplicate", DuplicateElement, Hard, "an element is returned twice";
    CountryMismatch = "country.mismatch", Country, Hard,
        "issuing_country is not the country of the signer's certificate";
    JurisdictionMismatch = "country.jurisdiction", Country, Hard,
        "issuing_jurisdiction is not the state of the signer's certificate";
    StatusRevoked = "status.revoked", Status, Hard, "the document was revoked";
    StatusSuspended = "status.suspended", Status, Hard, "the document was suspended";
    StatusExpired = "status.expired", Status, Hard, "the document has expired, as its issuer says";
    StatusApplication = "status.application-specific", Status, Hard,
        "the document has a status whose meaning only its issuer knows";
    StatusStale = "status.stale", Status, Deviation, "there should be a newer status list by now";
    StatusForm = "status.form", Status, Deviation, "the status list is not quite as it should be";
    DeviceElementUnauthorized = "key-auth.element", KeyAuthorization, Hard,
        "the device vouches for an element without the issuer's authorisation";
    DeviceElementMdl = "key-auth.mdl-element", KeyAuthorization, Deviation,
        "the device vouches for an element of the mDL namespace, which the first edition does not allow";
    DeviceKeyInvalid = "device-key.invalid", DeviceKey, Deviation, "the device key is not a point of its curve, or incomplete";
    DeviceKeyUnsupported = "device-key.unsupported", DeviceKey, Deviation, "the device key is on a curve that is not supported";
    DeviceAlg = "device-auth.alg", Algorithm, Hard,
        "the algorithm of the device authentication is missing, not allowed, or not for the key";
    DeviceSignature = "device-auth.signature", DeviceAuthentication, Hard,
        "the device's signature is not over this response in this session";
    DeviceMac = "device-auth.mac", DeviceAuthentication, Hard,
        "the device's MAC is not over this response in this session";
    DeviceMacKey = "device-auth.mac-key", DeviceAuthentication, Hard,
        "the device key and the reader key cannot agree on a MAC key";
    DeviceKeyUnusable = "device-auth.key", Structure, Hard,
        "the device key of the MSO is no usable key, and has to check the device authentication";
    DeviceKeyCurve = "device-auth.key-unsupported", Algorithm, Hard,
        "the device key of the MSO is on a curve that is not supported, and has to check the device authentication";
    DevicePayload = "device-auth.payload", DeviceAuthentication, Hard,
        "the attached payload is not that of this response in this session";
    ElementType = "element.type", MdlElements, Deviation, "an element has another type than the standard's";
    ElementValue = "element.value", MdlElements, Deviation, "an element has a value that the standard does not allow";
    ElementUnknown = "element.unknown", MdlElements, Deviation, "an element is not one of the mDL namespace";
}

/// What a step found, with the values that decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    code: ReasonCode,
    detail: Detail,
}

/// The code of a reason: one of the inspection procedure, or a rule of a certificate profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReasonCode {
    /// A fault of the document.
    Document(Code),
    /// A rule that the document signer's certificate breaks.
    DocumentSigner(Rule),
    /// A rule that the IACA certificate breaks.
    Iaca(Rule),
}

impl ReasonCode {
    /// The code itself.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::Document(code) => code.id(),
            Self::DocumentSigner(rule) | Self::Iaca(rule) => rule.id(),
        }
    }

    /// Whether it rejects always, or only under a strict policy.
    #[must_use]
    pub const fn weight(self) -> Weight {
        match self {
            Self::Document(code) => code.weight(),
            // An anchor is trusted as it is: its own extensions are no part of the path (RFC 5280, 6.1).
            Self::Iaca(Rule::CriticalExtension | Rule::DuplicateExtension) => Weight::Deviation,
            Self::DocumentSigner(rule) | Self::Iaca(rule) => rule.weight(),
        }
    }
}

/// The values that decided. Values of elements are not among them.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Detail {
    /// The code says it all.
    None,
    /// What did not decode.
    Decode(DecodeError),
    /// A name or number: a docType, a status code, a certificate's subject.
    Text(String),
    /// An element.
    Element {
        /// Its namespace.
        name_space: String,
        /// Its name.
        element: String,
        /// What about it.
        what: &'static str,
    },
    /// A digest ID, used by an element.
    DigestId {
        /// The namespace.
        name_space: String,
        /// The ID.
        id: u64,
    },
    /// An instant against the limit that it breaks.
    Time {
        /// The limit.
        limit: Timestamp,
        /// The instant.
        at: Timestamp,
    },
    /// What was found, and what was expected.
    Differs {
        /// Found.
        found: String,
        /// Expected.
        expected: String,
    },
    /// A fault of a COSE structure.
    Cose(CoseFault),
    /// A fault of a COSE key.
    Key(KeyFault),
    /// A fault of a computation.
    Crypto(CryptoError),
    /// A path that leads nowhere.
    Path(BrokenPath),
    /// A breach of a certificate profile.
    Profile(Finding),
}

impl Reason {
    pub(crate) const fn new(code: Code, detail: Detail) -> Self {
        Self {
            code: ReasonCode::Document(code),
            detail,
        }
    }

    pub(crate) const fn profile(finding: Finding, of_iaca: bool) -> Self {
        let rule = finding.rule;
        let code = if of_iaca {
            ReasonCode::Iaca(rule)
        } else {
            ReasonCode::DocumentSigner(rule)
        };
        Self {
            code,
            detail: Detail::Profile(finding),
        }
    }

    /// The code for programs.
    #[must_use]
    pub const fn code(&self) -> ReasonCode {
        self.code
    }

    /// The values that decided.
    #[must_use]
    pub const fn detail(&self) -> &Detail {
        &self.detail
    }
}

impl From<DecodeError> for Reason {
    fn from(error: DecodeError) -> Self {
        let code = match (error.stage(), error.fault()) {
            (Stage::DuplicateKeys, _) => Code::DuplicateKey,
            (Stage::Embedded, Fault::Limit(_)) => Code::EmbeddedLimit,
            (Stage::WellFormed, Fault::Limit(_)) => Code::DecodeLimit,
            (Stage::Embedded, _) => Code::EmbeddedMalformed,
            (Stage::Version, Fault::NoVersion) => Code::VersionMissing,
            (Stage::Version, _) => Code::VersionUnsupported,
            (Stage::Structure, Fault::Missing(_)) => Code::StructureMissing,
            (Stage::Structure, _) => Code::StructureType,
            (Stage::WellFormed, Fault::Truncated) => Code::DecodeTruncated,
            (Stage::WellFormed, Fault::TrailingBytes(_)) => Code::DecodeTrailing,
            (Stage::WellFormed, _) => Code::DecodeMalformed,
        };
        Self::new(code, Detail::Decode(error))
    }
}

impl Found for Reason {
    fn code_id(&self) -> &'static str {
        self.code().id()
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.detail {
            // These say it all, and better than the code's own words before them would.
            Detail::Decode(error) => return error.fmt(f),
            Detail::Path(broken) => return broken.fmt(f),
            Detail::Profile(finding) => {
                let iaca = matches!(self.code, ReasonCode::Iaca(_));
                let whose = if iaca { "IACA" } else { "document signer" };
                let (found, expected) = (&finding.found, &finding.expected);
                return write!(
                    f,
                    "certificate of the {whose}: {found} where {expected} is expected"
                );
            }
            _ => {}
        }
        match self.code {
            ReasonCode::Document(code) => f.write_str(code.meaning())?,
            ReasonCode::DocumentSigner(rule) | ReasonCode::Iaca(rule) => f.write_str(rule.id())?,
        }
        match &self.detail {
            Detail::None | Detail::Profile(_) | Detail::Decode(_) | Detail::Path(_) => Ok(()),
            Detail::Cose(CoseFault::Crypto(CryptoError::BadSignature | CryptoError::BadTag)) => Ok(()),
            Detail::Text(text) => write!(f, ": {text}"),
            Detail::Element {
                name_space,
                element,
                what: "",
            } => write!(f, ": `{element}` of `{name_space}`"),
            Detail::Element {
                name_space,
                element,
                what,
            } => {
                write!(f, ": `{element}` of `{name_space}` is not {what}")
            }
            Detail::DigestId { name_space, id } => write!(f, ": {id} in `{name_space}`"),
            Detail::Time { limit, at } => write!(f, ": the limit is {limit}, the instant {at}"),
            Detail::Differs { found, expected } => write!(f, ": `{found}`, expected `{expected}`"),
            Detail::Cose(fault) => write!(f, ": {fault}"),
            Detail::Key(fault) => write!(f, ": {fault}"),
            Detail::Crypto(fault) => write!(f, ": {fault}"),
        }
    }
}

whys! {
    EarlierFailure = "not-done.earlier-failure", "an earlier step failed, so there was nothing to check";
    NotApplicable = "not-done.not-applicable", "the step does not apply to this document";
    NoDeviceSigned = "not-done.no-device-signed", "an issued document alone has no device authentication";
    NoTranscript = "not-done.no-transcript", "no session transcript was given";
    NoReaderKey = "not-done.no-reader-key", "the MAC needs the reader's private key, and none was given";
    NoRequest = "not-done.no-request", "no request was given to compare with";
    NoRevocationList = "not-done.no-crl", "no revocation list was given";
    RevocationUndetermined = "not-done.crl-undetermined", "the revocation lists given say nothing reliable of the certificate";
    NoStatusReference = "not-done.no-status", "the document has no status reference";
    StatusNotFetched = "not-done.status-not-fetched", "the status list was not fetched";
    StatusSkipped = "not-done.status-skipped", "the policy leaves the status of documents aside";
    StatusUnsupported = "not-done.status-unsupported", "the document refers to its status in an unknown way";
    StatusMalformed = "not-done.status-malformed",
        "the status list does not decode, is too large, or is of another type";
    StatusSubject = "not-done.status-subject", "the status list is another one than the document refers to";
    StatusSigner = "not-done.status-signer",
        "the signer of the status list does not lead to the document's issuer, or may not sign status lists";
    StatusSignature = "not-done.status-signature", "the signature of the status list does not verify";
    StatusTime = "not-done.status-time",
        "the status list has expired or is not yet valid, or the issuer's own answer is of another time";
    StatusIndex = "not-done.status-index", "the status list has no entry for the document, or one without a meaning";
    StatusIssuerUnknown = "not-done.status-issuer-unknown", "the issuer, asked itself, knows no such document";
    Pinned = "not-done.pinned", "the certificate itself is the trust anchor, so nothing above it was checked";
}
