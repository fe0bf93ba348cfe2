//! One binary for all integration tests, so that it links once.

mod docs;
mod field;
