//! ISO/IEC 18013-5 mobile documents, without I/O.

pub mod time;
pub mod value;
