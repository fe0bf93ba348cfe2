//! One binary for all integration tests, so that it links once.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests: where something is not as it should be, the test is to stop"
)]

mod badges;
#[cfg(unix)]
mod batch;
mod cache;
#[cfg(unix)]
mod ceremony;
#[cfg(unix)]
mod collecting;
#[cfg(unix)]
mod conversation;
#[cfg(unix)]
mod delivered;
mod docs;
mod effort;
mod field;
#[cfg(unix)]
mod formats;
#[cfg(unix)]
mod golden;
mod goldens;
#[cfg(unix)]
mod issuing;
mod kiosk;
#[cfg(unix)]
mod leaks;
mod lists;
mod machines;
#[cfg(unix)]
mod manual;
#[cfg(unix)]
mod meeting;
#[cfg(target_os = "linux")]
mod memory;
mod missing;
mod nearby;
#[cfg(unix)]
mod online;
#[cfg(unix)]
mod output;
#[cfg(unix)]
mod programs;
mod properties;
#[cfg(unix)]
mod python;
mod qr;
mod reasons;
mod rules;
#[cfg(unix)]
mod second_opinion;
#[cfg(unix)]
mod secrets;
#[cfg(unix)]
mod sign_in;
mod status;
mod supply;
#[cfg(unix)]
mod timing;
mod tokens;
mod traps;
