//! What a release says of itself: a bill of materials (CycloneDX 1.5) and the licences of its parts.
//!
//! [`Parts`] are the packages that are linked into the three programs, as cargo resolves them by the lock file: no
//! tests, no build scripts, no procedural macros. `release.sh` writes them beside the programs.

pub mod licences;
pub mod parts;
pub mod sbom;

pub use parts::{Part, Parts, PartsError, Platform};
