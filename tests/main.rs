//! One binary for all integration tests, so that it links once.

mod docs;
mod field;
#[cfg(unix)]
mod golden;
#[cfg(unix)]
mod output;
#[cfg(unix)]
mod programs;
