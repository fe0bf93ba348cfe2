//! Verifying mobile documents: requests that ask for little, and reports that say what was checked.
//!
//! The checks themselves are [`mdoc_core::verify`]; this crate builds requests for it, and shows its
//! reports to people and programs.

pub mod request;
pub mod show;
