//! The clock and the randomness of the system, which the core never asks for itself.

use std::time::{SystemTime, UNIX_EPOCH};

use getrandom::SysRng;
use mdoc_core::seams::Clock;
use mdoc_core::time::Timestamp;
use rand_core::UnwrapErr;

use crate::failure::Failure;

/// The clock of the system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let seconds = |d: std::time::Duration| i64::try_from(d.as_secs()).unwrap_or(i64::MAX);
        Timestamp::from_unix(match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(after) => seconds(after),
            Err(before) => -seconds(before.duration()),
        })
    }
}

/// The random number generator of the operating system.
pub type SystemRandom = UnwrapErr<SysRng>;

/// Opens the system's random number generator.
///
/// # Errors
/// [`Failure`] if the system has none to offer; after that it does not fail any more.
pub fn random() -> Result<SystemRandom, Failure> {
    let mut probe = [0; 1];
    getrandom::fill(&mut probe).map_err(|error| {
        Failure::new(format!(
            "the random number generator of the system does not work: {error}"
        ))
    })?;
    Ok(UnwrapErr(SysRng))
}
