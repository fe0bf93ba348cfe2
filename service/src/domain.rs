//! What the service knows, without databases, networks or clocks: people, roles, profiles, the life of a document.

pub mod batch;
pub mod code;
pub mod id;
pub mod life;
pub mod notice;
pub mod operator;
pub mod person;
pub mod profile;
pub mod refusal;
pub mod role;
pub mod scope;

pub use refusal::Refusal;
