//! ISO/IEC 18013-5 mobile documents, without I/O.

pub mod cbor;
pub mod cose;
pub mod crypto;
pub mod device_request;
pub mod device_response;
pub mod device_signed;
pub mod engagement;
pub mod error;
pub mod issue;
pub mod issuer_signed;
pub mod keys;
pub mod limits;
pub mod mso;
pub mod present;
pub mod seams;
pub mod time;
pub mod transcript;
pub mod value;
pub mod verify;
pub mod x509;
