//! ISO/IEC 18013-5 mobile documents, without I/O.

pub mod crypto;
pub mod keys;
pub mod seams;
pub mod time;
pub mod value;
pub mod x509;
