//! Why a step failed, and why one was not done: stable codes with the values that decided.

use core::fmt;

use super::check::Check;
use crate::cose::CoseFault;
use crate::crypto::CryptoError;
use crate::error::{DecodeError, Fault, Stage};
use crate::steps::{Found, codes, whys};
use crate::time::Timestamp;
use crate::x509::path::BrokenPath;
use crate::x509::profile::{self, Finding, Rule};

/// How much a fault of a list weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Weight {
    /// The list is not to be used.
    Hard,
    /// The list is not to be used under a strict policy; otherwise it is worth a warning.
    Deviation,
    /// Worth a warning under every policy: it costs an entry at most.
    Note,
}

codes! {
    /// A fault of a list. Published in `docs/vical-codes.md`, never renamed, never reused.
    Malformed = "vical.malformed", Decode, Hard, "the list is not one well-formed CBOR item within the limits";
    Structure = "vical.structure", Structure, Hard, "a required member is missing, or has the wrong type";
    Version = "vical.version", Version, Hard, "there is no version, or the major version is not 1";
    NotPreferred = "vical.encoding.not-preferred", Encoding, Deviation,
        "some lengths are not the shortest, or indefinite";
    Tagged = "vical.encoding.tagged", Encoding, Note, "the signature is tagged";
    X5chainProtected = "vical.encoding.x5chain-protected", Encoding, Deviation,
        "the certificates are in the protected header";
    X5chainMissing = "vical.x5chain.missing", X5chain, Hard, "there are no certificates with the signature";
    X5chainMalformed = "vical.x5chain.malformed", X5chain, Hard, "a certificate with the signature does not decode";
    ChainUntrusted = "vical.chain.untrusted", SignerChain, Hard,
        "no root that was configured has the name of the signer's issuer";
    ChainSignature = "vical.chain.signature", SignerChain, Hard,
        "no root that was configured made the signature on the signer's certificate";
    ChainBroken = "vical.chain.intermediate", SignerChain, Hard,
        "the certificates between signer and root do not hold";
    ChainPinned = "vical.chain.pinned", SignerChain, Deviation,
        "the signer's certificate itself is configured as the root";
    SignerExpired = "vical.signer.expired", SignerValidity, Hard, "the signer's certificate has expired";
    SignerNotYetValid = "vical.signer.not-yet-valid", SignerValidity, Hard,
        "the signer's certificate is not yet valid";
    RootExpired = "vical.root.expired", RootValidity, Hard, "the provider's root has expired";
    RootNotYetValid = "vical.root.not-yet-valid", RootValidity, Hard, "the provider's root is not yet valid";
    SignerRevoked = "vical.signer.revoked", SignerRevocation, Hard, "the signer's certificate is revoked";
    AlgMissing = "vical.alg.missing", Algorithm, Hard, "the protected header names no algorithm";
    AlgUnsupported = "vical.alg.unsupported", Algorithm, Hard, "the algorithm is none of the standard";
    AlgCurve = "vical.alg.curve", Algorithm, Hard, "the algorithm does not go with the curve of the key";
    SignerKey = "vical.alg.signer-key", Algorithm, Hard, "the key in the signer's certificate cannot be used";
    SignatureInvalid = "vical.signature.invalid", Signature, Hard, "the signature does not verify";
    SignatureForm = "vical.signature.form", Signature, Hard,
        "the signature is not raw r and s of the key's length";
    DateFuture = "vical.date.future", Date, Hard, "the list was made in the future";
    NotAfter = "vical.not-after.passed", NotAfter, Hard, "the list must not be used any more";
    NextUpdate = "vical.next-update.passed", NextUpdate, Deviation, "there should be a newer list by now";
    RollbackIssue = "vical.rollback.issue-id", Rollback, Hard,
        "a list with a higher issue number was accepted before";
    RollbackDate = "vical.rollback.date", Rollback, Hard, "a list with a later date was accepted before";
    RollbackContent = "vical.rollback.content", Rollback, Hard,
        "another list of the same issue number and date was accepted before";
    EntryUnreadable = "vical.entry.unreadable", EntriesReadable, Note,
        "an entry has no certificate that decodes, and is passed over";
    EntryDocType = "vical.entry.doctype", EntriesReadable, Note,
        "an entry does not name the documents it is trusted for, and is passed over";
    EntriesNone = "vical.entry.none", EntriesReadable, Note, "the list has no entry that can be used";
    EntryMember = "vical.entry.member", EntriesAgree, Note,
        "a member of an entry is missing or has the wrong type";
    EntrySki = "vical.entry.ski", EntriesAgree, Note,
        "the stated key identifier is not that of the certificate, whose own is used";
    EntrySkiWrapped = "vical.entry.ski-wrapped", EntriesAgree, Note,
        "the stated key identifier has the DER of an extension around it";
    EntrySerial = "vical.entry.serial-number", EntriesAgree, Note,
        "the stated serial number is not that of the certificate, whose own is used";
    EntryName = "vical.entry.name", EntriesAgree, Note,
        "the stated issuer or subject is not that of the certificate, whose own is used";
    EntryValidity = "vical.entry.validity", EntriesAgree, Note,
        "the stated validity is not that of the certificate, whose own is used";
    EntryCountry = "vical.entry.country", EntriesAgree, Note,
        "the stated country is not that of the certificate, whose own is used";
    EntryDuplicate = "vical.entry.duplicate", EntriesOnce, Note,
        "a certificate is listed twice, and trusted for the documents of both entries";
    EntryExpired = "vical.entry.expired", EntriesValid, Note, "a certificate of the list has expired";
    EntryNotYetValid = "vical.entry.not-yet-valid", EntriesValid, Note,
        "a certificate of the list is not yet valid";
}

/// What a step found, with the values that decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    code: ReasonCode,
    detail: Detail,
    entry: Option<(usize, String)>,
}

/// The code of a reason: one of the list, or a rule of a certificate profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReasonCode {
    /// A fault of the list.
    List(Code),
    /// A rule that the signer's certificate breaks.
    Signer(Rule),
    /// A rule that the certificate of an entry breaks.
    Entry(Rule),
}

impl ReasonCode {
    /// The code itself.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::List(code) => code.id(),
            Self::Signer(rule) | Self::Entry(rule) => rule.id(),
        }
    }

    /// The step that finds it.
    #[must_use]
    pub const fn check(self) -> Check {
        match self {
            Self::List(code) => code.check(),
            Self::Signer(_) => Check::SignerProfile,
            Self::Entry(_) => Check::EntriesProfile,
        }
    }

    /// How much it weighs. A root that breaks its profile is judged when a document leads to it.
    #[must_use]
    pub const fn weight(self) -> Weight {
        match self {
            Self::List(code) => code.weight(),
            Self::Entry(_) => Weight::Note,
            Self::Signer(rule) => match rule.weight() {
                profile::Weight::Hard => Weight::Hard,
                profile::Weight::Deviation => Weight::Deviation,
            },
        }
    }
}

/// The values that decided.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Detail {
    /// The code says it all.
    None,
    /// What did not decode.
    Decode(DecodeError),
    /// A name, number or sentence.
    Text(String),
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
    /// A fault of the signature.
    Cose(CoseFault),
    /// A path that leads nowhere.
    Path(BrokenPath),
    /// A breach of a certificate profile.
    Profile(Finding),
}

impl Reason {
    pub(super) const fn new(code: Code, detail: Detail) -> Self {
        Self {
            code: ReasonCode::List(code),
            detail,
            entry: None,
        }
    }

    pub(super) const fn signer(finding: Finding) -> Self {
        Self {
            code: ReasonCode::Signer(finding.rule),
            detail: Detail::Profile(finding),
            entry: None,
        }
    }

    pub(super) const fn entry_profile(finding: Finding) -> Self {
        Self {
            code: ReasonCode::Entry(finding.rule),
            detail: Detail::Profile(finding),
            entry: None,
        }
    }

    /// The same of one entry, which has that subject.
    pub(super) fn of_entry(mut self, index: usize, subject: String) -> Self {
        self.entry = Some((index, subject));
        self
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

    /// The entry that it is about, counted from 0.
    #[must_use]
    pub fn entry(&self) -> Option<usize> {
        self.entry.as_ref().map(|(index, _)| *index)
    }
}

impl From<DecodeError> for Reason {
    fn from(error: DecodeError) -> Self {
        let code = match (error.stage(), error.fault()) {
            (Stage::Version, _) => Code::Version,
            (_, Fault::Limit(_)) => Code::Malformed,
            (Stage::Structure, _) => Code::Structure,
            _ => Code::Malformed,
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
        match &self.entry {
            // As people count.
            Some((index, subject)) if subject.is_empty() => write!(f, "entry {}: ", index.saturating_add(1))?,
            Some((index, subject)) => write!(f, "entry {} ({subject}): ", index.saturating_add(1))?,
            None => {}
        }
        match (&self.detail, self.code) {
            (Detail::Profile(finding), code) => {
                let whose = if matches!(code, ReasonCode::Signer(_)) {
                    "certificate of the signer: "
                } else {
                    ""
                };
                let (found, expected) = (&finding.found, &finding.expected);
                return write!(f, "{whose}{found} where {expected} is expected");
            }
            (Detail::Path(broken), _) => return broken.fmt(f),
            (_, ReasonCode::List(code)) => f.write_str(code.meaning())?,
            (_, code) => f.write_str(code.id())?,
        }
        match &self.detail {
            Detail::None | Detail::Profile(_) | Detail::Path(_) => Ok(()),
            Detail::Cose(CoseFault::Crypto(CryptoError::BadSignature)) => Ok(()),
            Detail::Decode(error) => write!(f, ": {error}"),
            Detail::Text(text) => write!(f, ": {text}"),
            Detail::Time { limit, at } => write!(f, ": the limit is {limit}, the instant {at}"),
            Detail::Differs { found, expected } => write!(f, ": `{found}`, expected `{expected}`"),
            Detail::Cose(fault) => write!(f, ": {fault}"),
        }
    }
}

whys! {
    EarlierFailure = "vical.not-done.earlier-failure", "an earlier step failed, so there was nothing to check";
    NoNextUpdate = "vical.not-done.no-next-update", "the list does not say when it is due for replacement";
    NoNotAfter = "vical.not-done.no-not-after", "the list does not say until when it may be used";
    NoStoredList = "vical.not-done.no-stored-list", "no list of the provider was stored to compare with";
    NoRevocationList = "vical.not-done.no-crl", "no revocation list of the signer's issuer was given";
    RevocationUndetermined = "vical.not-done.crl-undetermined",
        "the revocation lists given say nothing reliable of the signer's certificate";
    Pinned = "vical.not-done.pinned", "the signer's certificate itself is configured, so nothing above it was checked";
    NoEntries = "vical.not-done.no-entries", "the list has no entries";
}
