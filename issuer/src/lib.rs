//! Making mobile documents: what a document looks like, filling it from a person's data, and the checks
//! that the data must pass before anybody signs it.
//!
//! Nothing here knows a server, a database or a command line. What touches files is [`batch::folder`],
//! [`batch::intake`] and [`format::Catalogue::with_folder`].

#[cfg(feature = "badge")]
pub mod badge;
pub mod batch;
pub mod data;
pub mod format;
pub mod inspect;
pub mod issue;
pub mod lint;
mod panics;
pub mod photo;
pub mod pki;
pub mod quality;
pub mod signer;
pub mod vical;
