//! Whether a document was revoked since it was signed: signed lists, read, checked, looked up and made.
//!
//! The MSO refers to an entry of a list ([`Reference`]); somebody fetches the list and passes its bytes in
//! ([`Evidence`]), or asks the issuer itself ([`Told`]); [`check`] says what is known ([`Finding`]). Valid, revoked, suspended and unknown are four answers:
//! nothing that was not checked is ever valid, and what to do about unknown is for the caller's policy.
//!
//! The other side is [`StatusList`], which is set and compressed, and [`Claims::sign_cwt`].
//!
//! Source: ISO/IEC 18013-5 second edition, 12.3.6; draft-ietf-oauth-status-list.

mod aggregation;
mod at_most;
mod build;
mod check;
mod claims;
mod jwt;
mod list;
mod reason;
mod signer;
mod token;
mod told;

use core::fmt;
use core::time::Duration;

pub use self::aggregation::{MOST_LISTS, aggregated};
pub use self::build::BuildError;
pub use self::check::{check, look_up};
pub use self::claims::{Claims, Content, IdentifierList, LIMITS};
pub use self::list::{Bits, EncodedList, LARGEST_LIST, ListError, StatusList};
pub use self::reason::{Code, Detail, Reason};
pub use self::token::{IDENTIFIER_LIST_CWT, STATUS_LIST_CWT, STATUS_LIST_JWT, Token};
pub use self::told::{Standing, TOLD_FOR, Told};
use crate::crypto::{Backend, PublicKey, fastest};
use crate::mso::{IdentifierListReference, Status, StatusListReference};
use crate::time::Timestamp;
use crate::verify::Policy;
use crate::x509::Certificate;
use crate::x509::ocsp::OcspResponse;
use crate::x509::revocation::RevocationList;

/// The longest time that a list is used after it was fetched, or after it was made if it does not say when it expires.
pub const LONGEST_USE: Duration = Duration::from_secs(30 * 86_400);

/// Where the status of a document is to be found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reference<'a> {
    /// In a token status list.
    StatusList(&'a StatusListReference),
    /// In an identifier list.
    IdentifierList(&'a IdentifierListReference),
}

impl<'a> Reference<'a> {
    /// All of a document.
    pub fn all(status: &'a Status) -> impl Iterator<Item = Self> {
        let list = status.status_list.as_ref().map(Self::StatusList);
        let identifiers = status.identifier_list.as_ref().map(Self::IdentifierList);
        list.into_iter().chain(identifiers)
    }

    /// Where the list is published.
    #[must_use]
    pub fn uri(self) -> &'a str {
        match self {
            Self::StatusList(list) => &list.uri,
            Self::IdentifierList(list) => &list.uri,
        }
    }

    /// The media type to ask for.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::StatusList(_) => STATUS_LIST_CWT,
            Self::IdentifierList(_) => IDENTIFIER_LIST_CWT,
        }
    }

    /// DER of the certificate that the signer of the list leads to, if it is not the IACA.
    fn certificate(self) -> Option<&'a [u8]> {
        match self {
            Self::StatusList(list) => list.certificate.as_deref(),
            Self::IdentifierList(list) => list.certificate.as_deref(),
        }
    }
}

/// A list that was fetched: now, or earlier and kept since.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Evidence<'a> {
    /// The address it was asked for by, as in the document; where a server redirects is of no matter.
    pub uri: &'a str,
    /// The bytes received.
    pub token: &'a [u8],
    /// When.
    pub fetched: Timestamp,
}

/// Whom the signer of a list has to lead to.
#[derive(Debug, Clone, Copy)]
pub enum Trust<'a> {
    /// The IACA that the document's signer leads to; where the document names another certificate, that one.
    Issuer(&'a Certificate),
    /// No IACA is known: only the certificate that the document names will do.
    Named,
    /// This key is the signer's. Certificates are not looked at.
    Key(&'a PublicKey),
}

/// What a list is judged by.
#[derive(Clone, Copy)]
pub struct Inputs<'a> {
    /// Whom its signer has to lead to.
    pub trust: Trust<'a>,
    /// The type of the document: lists of driving licences have one bit for each.
    pub doc_type: Option<&'a str>,
    /// The instant to judge by.
    pub now: Timestamp,
    /// What decides where there is a choice; its clock skew is used for the times of the list.
    pub policy: Policy,
    /// Revocation lists at hand, for the certificate of the signer.
    pub revocation_lists: &'a [RevocationList],
    /// Answers of OCSP responders at hand, for the same.
    pub ocsp_answers: &'a [OcspResponse],
    /// What the issuer said itself; used by [`check`].
    pub told: &'a [Told<'a>],
    /// Who computes.
    pub backend: &'a dyn Backend,
}

impl<'a> Inputs<'a> {
    /// The least that is needed; the rest is none or default, to be set by field.
    #[must_use]
    pub fn new(trust: Trust<'a>, now: Timestamp) -> Self {
        Self {
            trust,
            doc_type: None,
            now,
            policy: Policy::STANDARD,
            revocation_lists: &[],
            ocsp_answers: &[],
            told: &[],
            backend: fastest(),
        }
    }
}

/// The status of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The list says that it is valid, or does not name it among those that were revoked.
    Valid,
    /// It was revoked for good.
    Revoked,
    /// It was suspended, and may come back.
    Suspended,
    /// Its time ran out, as the issuer says; no list does.
    Expired,
    /// A value whose meaning the issuer's application alone knows: 3, or 12 to 15.
    Application(u8),
    /// Nothing is known, for this reason.
    Unknown(Reason),
}

impl Answer {
    /// `valid`, `revoked`, `suspended`, `expired`, `application-specific` or `unknown`.
    #[must_use]
    pub const fn id(&self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Revoked => "revoked",
            Self::Suspended => "suspended",
            Self::Expired => "expired",
            Self::Application(_) => "application-specific",
            Self::Unknown(_) => "unknown",
        }
    }

    /// What an entry says (draft-ietf-oauth-status-list, 7.1).
    fn of_value(value: u8) -> Self {
        match value {
            0 => Self::Valid,
            1 => Self::Revoked,
            2 => Self::Suspended,
            3 | 12..=15 => Self::Application(value),
            _ => Self::Unknown(Reason::text(Code::Reserved, value.to_string())),
        }
    }

    /// Of several answers the one with the highest number counts.
    const fn rank(&self) -> u8 {
        match self {
            Self::Unknown(_) => 0,
            Self::Valid => 1,
            Self::Application(_) => 2,
            Self::Expired => 3,
            Self::Suspended => 4,
            Self::Revoked => 5,
        }
    }
}

impl fmt::Display for Answer {
    /// A sentence without a full stop.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Valid => f.write_str("the document was not revoked"),
            Self::Revoked => f.write_str("the document was revoked"),
            Self::Suspended => f.write_str("the document was suspended"),
            Self::Expired => f.write_str("the document has expired, as its issuer says"),
            Self::Application(value) => write!(f, "the status {value} is one that only the issuer knows"),
            Self::Unknown(reason) => reason.fmt(f),
        }
    }
}

/// For how long an answer holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Freshness {
    /// When the list was made. A cache keeps the list with the later one.
    pub issued_at: Timestamp,
    /// From when on a newer list is to be asked for: the expiry, or earlier as many seconds after it was fetched as
    /// the list says (`ttl`).
    pub fresh_until: Timestamp,
    /// From when on the list must not be used: its expiry, and [`LONGEST_USE`] after it was fetched at the latest.
    pub usable_until: Timestamp,
}

impl Freshness {
    /// Of a list with these claims that was fetched then.
    #[must_use]
    pub fn of(claims: &Claims, fetched: Timestamp) -> Self {
        let issued_at = claims.issued_at;
        let expires = claims.expires.unwrap_or(issued_at.plus(LONGEST_USE));
        let usable_until = expires.min(fetched.plus(LONGEST_USE));
        let fresh_until = match claims.ttl {
            Some(seconds) => usable_until.min(fetched.plus(Duration::from_secs(seconds))),
            None => usable_until,
        };
        Self {
            issued_at,
            fresh_until,
            usable_until,
        }
    }

    /// Whether a newer list should be asked for; the answer still counts if there is none to be had.
    #[must_use]
    pub fn is_stale_at(&self, now: Timestamp) -> bool {
        now >= self.fresh_until
    }
}

/// Who said it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// A list, or nobody.
    List,
    /// The issuer, which was asked itself.
    Issuer,
}

/// What is known of a document's status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The status.
    pub answer: Answer,
    /// What is not as it should be and the policy lets pass.
    pub deviations: Vec<Reason>,
    /// For how long the answer holds; none if nothing is known.
    pub freshness: Option<Freshness>,
    /// Who said so.
    pub by: By,
}

impl Finding {
    const fn unknown(reason: Reason) -> Self {
        Self {
            answer: Answer::Unknown(reason),
            deviations: Vec::new(),
            freshness: None,
            by: By::List,
        }
    }
}

#[cfg(test)]
mod tests;
