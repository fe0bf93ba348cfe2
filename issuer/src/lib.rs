//! Making mobile documents: what a document looks like, filling it from a person's data, and the checks
//! that the data must pass before anybody signs it.

pub mod photo;
