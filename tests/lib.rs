//! What the integration tests and the examples share.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "support for tests: where something is not as it should be, the test is to stop"
)]

pub mod corpus;
pub mod forgery;
pub mod parts;
pub mod statuses;
pub mod tree;
pub mod vectors;
pub mod world;
