//! Making mobile documents: what a document looks like, filling it from a person's data, and the checks
//! that the data must pass before anybody signs it.
//!
//! Nothing here knows a server or a database. The only thing that touches files is
//! [`format::Catalogue::with_folder`].

pub mod format;
pub mod photo;
pub mod quality;

mod nearest;
