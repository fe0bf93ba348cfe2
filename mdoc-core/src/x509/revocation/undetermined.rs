//! Why a list says nothing.

use core::fmt;

use crate::time::Timestamp;
use crate::x509::{SignatureError, UnusableKey};

/// Why a revocation list says nothing to rely on.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Undetermined {
    /// The certificate has another issuer than the one given.
    NotItsIssuer,
    /// The list is of another issuer; this is its name.
    OtherIssuer(String),
    /// The key usage of the issuer does not include signing lists.
    IssuerMayNotSign,
    /// The key of the issuer cannot be used.
    IssuerKey(UnusableKey),
    /// The signature of the list does not stand.
    Signature(SignatureError),
    /// The list has a critical extension that is not understood, for example because it is not complete.
    CriticalExtension(String),
    /// The list was made later than now, by more than clocks differ.
    NotYetValid {
        /// When it was made.
        this_update: Timestamp,
    },
    /// A newer list is due, or the list does not say when one is.
    Expired {
        /// When it was due.
        next_update: Option<Timestamp>,
    },
}

impl fmt::Display for Undetermined {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotItsIssuer => f.write_str("the certificate has another issuer"),
            Self::OtherIssuer(name) => write!(f, "the revocation list is of another issuer, {name}"),
            Self::IssuerMayNotSign => f.write_str("the issuer may not sign revocation lists"),
            Self::IssuerKey(_) => f.write_str("the key of the issuer cannot be used"),
            Self::Signature(_) => f.write_str("the signature of the revocation list does not stand"),
            Self::CriticalExtension(oid) => {
                write!(f, "the revocation list has the unknown critical extension {oid}")
            }
            Self::NotYetValid { this_update } => {
                write!(f, "the revocation list is valid only from {this_update}")
            }
            Self::Expired {
                next_update: Some(due),
            } => {
                write!(f, "the revocation list was to be replaced by {due}")
            }
            Self::Expired { next_update: None } => {
                f.write_str("the revocation list does not say how long it is valid")
            }
        }
    }
}

impl core::error::Error for Undetermined {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::IssuerKey(cause) => Some(cause),
            Self::Signature(cause) => Some(cause),
            _ => None,
        }
    }
}
