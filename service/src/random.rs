//! Where randomness comes from: the operating system.

use mdoc_cli::system::SystemRandom;

/// The generator of the operating system. That it works is made sure of when the service starts.
#[must_use]
pub(crate) fn system() -> SystemRandom {
    SystemRandom::default()
}
