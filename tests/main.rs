//! One binary for all integration tests, so that it links once.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests: where something is not as it should be, the test is to stop"
)]

mod badges;
mod docs;
mod field;
#[cfg(unix)]
mod golden;
mod goldens;
#[cfg(unix)]
mod output;
#[cfg(unix)]
mod programs;
mod properties;
mod reasons;
mod traps;
