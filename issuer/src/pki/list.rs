//! Revocation lists: the first, and the one after another.

use core::fmt;
use core::time::Duration;

use mdoc_core::crypto::fastest;
use mdoc_core::time::Timestamp;
use mdoc_core::x509::build::{BuildError, ListTerms, RevokedSerial, build_crl};
use mdoc_core::x509::revocation::RevocationList;
use mdoc_core::x509::{Certificate, SignatureError, UnusableKey};

use super::{Authority, DAY};

/// How long a revocation list holds if nothing is said: a month.
pub const LIST_LIFETIME: Duration = DAY.saturating_mul(30);
/// The longest that a revocation list may hold: a new one is due every 90 days (ISO/IEC 18013-5:2021, Annex B).
pub const LONGEST_LIST_LIFETIME: Duration = DAY.saturating_mul(90);

/// Why a revocation list was not made.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ListError {
    /// It would hold for more than [`LONGEST_LIST_LIFETIME`].
    TooLong(Duration),
    /// The list before is of another issuer; this is its name.
    OtherIssuer(String),
    /// The signature of the list before does not stand.
    Signature(SignatureError),
    /// The list before was made later than this one would be.
    Older {
        /// When the list before was made.
        before: Timestamp,
    },
    /// The number of the list before leaves none that is higher.
    Number,
    /// A serial number is empty, zero or longer than 20 octets.
    Serial,
    /// The list cannot be built.
    Build(BuildError),
}

impl fmt::Display for ListError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong(asked) => write!(
                f,
                "a revocation list holds for at most 90 days, not for {}",
                asked.as_secs().div_ceil(DAY.as_secs())
            ),
            Self::OtherIssuer(name) => write!(f, "the list before is of another issuer, {name}"),
            Self::Signature(_) => f.write_str("the issuer did not sign the list before"),
            Self::Older { before } => write!(f, "the list before was made later, at {before}"),
            Self::Number => f.write_str("the number of the list before leaves none that is higher"),
            Self::Serial => f.write_str("a serial number has 1 to 20 octets and is not zero"),
            Self::Build(_) => f.write_str("the list cannot be made"),
        }
    }
}

impl core::error::Error for ListError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Signature(cause) => Some(cause),
            Self::Build(cause) => Some(cause),
            _ => None,
        }
    }
}

/// Makes a revocation list: the first, or the one after `before`.
///
/// What was revoked stays revoked, since the first date; the number is higher by one.
///
/// # Errors
/// [`ListError`] if the list before is not of this issuer, or the new one would not keep to the profile.
pub fn revocation_list(
    authority: Authority<'_>,
    before: Option<&RevocationList>,
    revoke: &[Vec<u8>],
    now: Timestamp,
    lifetime: Duration,
) -> Result<RevocationList, ListError> {
    if lifetime > LONGEST_LIST_LIFETIME {
        return Err(ListError::TooLong(lifetime));
    }
    let mut revoked: Vec<RevokedSerial> = Vec::new();
    let mut number = 1;
    if let Some(before) = before {
        if before.issuer_der() != authority.certificate.subject_der() {
            return Err(ListError::OtherIssuer(before.issuer().to_string()));
        }
        before
            .verify_signed_by(authority.signer.public_key(), fastest())
            .map_err(ListError::Signature)?;
        if before.this_update() > now {
            return Err(ListError::Older {
                before: before.this_update(),
            });
        }
        number = number_after(before).ok_or(ListError::Number)?;
        revoked.extend(before.entries().map(|(serial, at)| RevokedSerial {
            serial_number: without_zeros(serial).to_vec(),
            at,
        }));
    }
    for serial in revoke {
        let serial_number = without_zeros(serial).to_vec();
        if serial_number.is_empty() || serial_number.len() > 20 {
            return Err(ListError::Serial);
        }
        if !revoked.iter().any(|known| known.serial_number == serial_number) {
            revoked.push(RevokedSerial {
                serial_number,
                at: now,
            });
        }
    }
    let terms = ListTerms {
        this_update: now,
        next_update: now.plus(lifetime),
        number,
    };
    build_crl(authority.certificate, authority.signer, &revoked, terms).map_err(ListError::Build)
}

fn without_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|octet| **octet == 0).count();
    number.get(zeros..).unwrap_or_default()
}

fn number_after(list: &RevocationList) -> Option<u64> {
    let digits = without_zeros(list.number().unwrap_or_default());
    if digits.len() > 8 {
        return None;
    }
    let number = digits
        .iter()
        .fold(0, |sum: u64, digit| sum << 8 | u64::from(*digit));
    number.checked_add(1)
}

/// Why a revocation list is not to be answered from.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ListFault {
    /// It is of another issuer; this is its name.
    OtherIssuer(String),
    /// The key of the issuer cannot be used.
    Key(UnusableKey),
    /// The signature does not stand.
    Signature(SignatureError),
    /// A newer list was due at that time, or it does not say when one is.
    Due(Option<Timestamp>),
    /// It was made at that time, which is to come.
    NotYet(Timestamp),
}

impl fmt::Display for ListFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherIssuer(name) => write!(f, "the list is of another issuer, {name}"),
            Self::Key(_) => f.write_str("the key of the issuer cannot be used"),
            Self::Signature(_) => f.write_str("the issuer did not sign the list"),
            Self::Due(Some(due)) => write!(f, "a newer list was due by {due}"),
            Self::Due(None) => f.write_str("the list does not say how long it holds"),
            Self::NotYet(from) => write!(f, "the list was made later, at {from}"),
        }
    }
}

impl core::error::Error for ListFault {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Key(cause) => Some(cause),
            Self::Signature(cause) => Some(cause),
            _ => None,
        }
    }
}

/// Makes sure that a list is of that authority, and current, before others are told what it says.
///
/// # Errors
/// [`ListFault`] saying why not.
pub fn current_list(list: &RevocationList, issuer: &Certificate, now: Timestamp) -> Result<(), ListFault> {
    if list.issuer_der() != issuer.subject_der() {
        return Err(ListFault::OtherIssuer(list.issuer().to_string()));
    }
    let key = issuer.public_key().map_err(ListFault::Key)?;
    list.verify_signed_by(&key, fastest())
        .map_err(ListFault::Signature)?;
    if now < list.this_update() {
        return Err(ListFault::NotYet(list.this_update()));
    }
    match list.next_update() {
        Some(due) if now <= due => Ok(()),
        due => Err(ListFault::Due(due)),
    }
}
