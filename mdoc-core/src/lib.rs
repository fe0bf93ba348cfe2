//! ISO/IEC 18013-5 mobile documents, without I/O.

pub mod cbor;
pub mod cose;
pub mod crypto;
pub mod error;
pub mod limits;
pub mod seams;
pub mod time;
pub mod value;
