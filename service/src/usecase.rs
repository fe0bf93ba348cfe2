//! What the service does, one verb a file. Each verb is a function over a transaction: it checks every rule, writes, and
//! appends to the audit trail in the same transaction. None knows HTTP, and none asks the time.

pub mod audit;
pub mod authority;
pub mod authorize;
pub mod batch;
pub mod change;
pub mod clients;
pub mod collect;
pub mod deferred;
pub mod delivery;
pub mod devices;
pub mod document;
pub mod import;
pub mod issue;
pub mod lapse;
mod notices;
pub mod operators;
pub mod outbox;
pub mod people;
pub mod profiles;
pub mod renewal;
pub mod replace;
pub mod reports;
pub mod request;
pub mod retention;
pub mod roles;
pub mod standing;
pub mod sweep;
pub mod update;
pub mod validate;

use core::fmt;

use crate::domain::Refusal;
use crate::store::StoreError;

/// Why something was not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// A rule said no.
    Refused(Refusal),
    /// The database could not.
    Store(StoreError),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(refusal) => refusal.fmt(f),
            Self::Store(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for Failure {}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<StoreError> for Failure {
    /// What no database can keep is for whoever sent it to mend.
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Nul => Self::Refused(Refusal::field("text", "it has the character U+0000")),
            error => Self::Store(error),
        }
    }
}
