//! The VICAL: a signed list of issuing authorities, each with the documents that it is trusted for.
//!
//! [`SignedVical::decode`] reads a received list, of which nobody has vouched for anything yet; [`verify`] checks
//! it step by step against the provider's root that the verifier configured, and
//! [`Report::accept`] is the one door to trust anchors. [`build`] makes a list, [`compare`] tells two apart.
//!
//! What is wrong with one entry costs that entry at most: real lists have entries that do not parse, and the
//! others count all the same. The certificate decides, not what the list says of it.
//!
//! Source: ISO/IEC 18013-5:2021, Annex C; `notAfter` and `vicalURL` from the second edition.

pub mod build;
mod check;
pub mod compare;
mod decode;
mod entries;
mod reason;
mod report;
mod verify;

pub use self::check::Check;
pub use self::decode::{CertificateInfo, Fault, SignedVical, Vical};
pub use self::entries::role_of;
pub use self::reason::{Code, Detail, Reason, ReasonCode, Weight, Why};
pub use self::report::{Accepted, Outcome, Rejected, Report, Step};
pub use self::verify::{Inputs, Known, verify};

/// Most entries of a list that are read; real ones have some fifty.
pub const MOST_ENTRIES: usize = 10_000;

#[cfg(test)]
mod tests;
