//! Verifying mobile documents: requests that ask for little, and reports that say what was checked.
//!
//! The checks themselves are [`mdoc_core::verify`]; this crate builds requests for it, and shows its
//! reports to people and programs.
//!
//! ```no_run
//! # use mdoc_core::{cbor::Item, time::Timestamp, transcript::SessionTranscript, x509::path::TrustAnchor};
//! # use mdoc_core::verify::{ChainCache, Form, Inputs, verify};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let (response, anchors): (Vec<u8>, Vec<TrustAnchor>) = Default::default();
//! # let transcript = SessionTranscript::qr(&[], &[]);
//! # let now = Timestamp::from_unix(0);
//! // Kept as long as the anchors are: the next document of the same signer needs a signature check less.
//! let cache = ChainCache::new(anchors);
//! let inputs = Inputs { transcript: Some(&transcript), ..Inputs::cached(&cache, now) };
//! let report = verify(&response, Form::DeviceResponse, &inputs);
//! for step in report.documents()[0].steps() {
//!     println!("{:20} {:9} {}", step.check.id(), step.outcome_name(), step.message());
//! }
//! let licence = report.documents()[0].accept()?; // the one door to the data
//! let over_18 = licence.get("org.iso.18013.5.1", "age_over_18").and_then(Item::boolean);
//! # let _ = over_18;
//! # Ok(())
//! # }
//! ```

#[cfg(feature = "scan")]
pub mod camera;
pub mod decode;
#[cfg(feature = "portraits")]
mod jpeg;
#[cfg(feature = "portraits")]
mod jpeg2000;
#[cfg(feature = "kiosk")]
pub mod kiosk;
#[cfg(feature = "online")]
pub mod online;
#[cfg(feature = "portraits")]
mod panics;
#[cfg(feature = "portraits")]
pub mod portrait;
#[cfg(feature = "read")]
pub mod read;
pub mod request;
#[cfg(feature = "scan")]
pub mod scan;
pub mod show;
pub mod vical;
