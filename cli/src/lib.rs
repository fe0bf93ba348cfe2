//! What the programs mdoc-issuer, mdoc-holder and mdoc-verifier share where they meet their user.
//!
//! The one place of these packages that opens files, asks the clock and the system's randomness, and
//! turns failures into words and exit statuses: results go to stdout, talk goes to stderr, and whatever
//! goes wrong is a sentence and a hint.

#[cfg(feature = "radio")]
pub mod air;
pub mod args;
#[cfg(feature = "clap")]
pub mod deferred;
pub mod failure;
pub mod input;
pub mod keys;
pub mod log;
#[cfg(feature = "clap")]
pub mod manual;
pub mod nearest;
#[cfg(feature = "net")]
pub mod net;
pub mod output;
#[cfg(feature = "qr")]
pub mod qr;
pub mod recognise;
#[cfg(feature = "clap")]
pub mod run;
#[cfg(test)]
mod scratch;
pub mod system;
pub mod trust;

#[cfg(feature = "clap")]
pub use deferred::Deferred;
pub use failure::{Exit, Failure};
#[cfg(feature = "clap")]
pub use run::run;
