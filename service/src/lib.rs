//! The issuing service: it takes people from a registry through request, approval and collection to a document in their
//! wallet, and tells any verifier its status.
//!
//! Arrows point one way: programs and interfaces call the verbs of [`usecase`], which follow the rules of [`domain`] and
//! keep what they know in a [`store`]. Documents are made by `mdoc-issuer`, and kept by nobody but their holder.

pub mod api;
pub mod badge;
pub mod batches;
pub mod config;
pub mod domain;
pub mod log;
pub mod making;
pub mod metrics;
pub mod nonce;
pub mod notify;
pub mod passkeys;
pub mod password;
pub mod provider;
pub mod publish;
mod random;
mod room;
pub mod rota;
pub mod secrets;
pub mod serve;
pub mod service;
pub mod signed;
pub mod start;
pub mod status;
pub mod store;
pub mod terms;
pub mod usecase;
pub mod wallets;

#[cfg(test)]
mod tests;
