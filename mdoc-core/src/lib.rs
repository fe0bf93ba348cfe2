//! ISO/IEC 18013-5 mobile documents: issue, present, verify. Bytes and values in, bytes and values out.
//!
//! This crate opens nothing, waits for nothing, and asks nobody the time: the clock, randomness, keys and
//! revocation lists are passed in. What was signed is never encoded again: digests and signatures are
//! computed over the bytes received. Decoders are total and bounded.
//!
//! # From elements to a verified document
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use mdoc_core::crypto::{Curve, RustCrypto, SecretKey};
//! use mdoc_core::issue::{Draft, Validity};
//! use mdoc_core::seams::SoftwareKey;
//! use mdoc_core::time::Timestamp;
//! use mdoc_core::value::Value;
//! use mdoc_core::verify::{Form, Inputs, verify};
//! # use rand_core::SeedableRng;
//! # let mut rng = rand_chacha::ChaCha20Rng::from_seed([1; 32]);
//! # let now = Timestamp::parse("2026-06-01T12:00:00Z")?;
//!
//! // Issue: a draft, salts and digests, a signature by whoever keeps the key.
//! let wallet = SecretKey::generate(Curve::P256, &mut rng);
//! let signer = SoftwareKey::new(SecretKey::generate(Curve::P256, &mut rng))?;
//! let elements = vec![("com.example.loyalty.1".to_owned(), vec![("points".to_owned(), Value::from(120))])];
//! let valid_until = Timestamp::parse("2026-07-01T12:00:00Z")?;
//! let validity = Validity { signed: now, valid_from: now, valid_until, expected_update: None };
//! let draft = Draft::new("com.example.loyalty.1", &elements, wallet.public_key(), validity);
//! let certificate = b"DER of the signer's certificate";
//! let document = draft.salt(&mut rng, &RustCrypto)?.sign(&signer, &[certificate])?;
//!
//! // Verify: every check is a step, and nothing is accepted without trust in the issuer.
//! let report = verify(&document, Form::IssuerSigned, &Inputs::new(&[], now));
//! for step in report.documents()[0].steps() {
//!     println!("{:20} {:9} {}", step.check.id(), step.outcome_name(), step.message());
//! }
//! assert!(!report.accepted(), "that was no certificate");
//! # Ok(())
//! # }
//! ```
//!
//! The whole way, with certificates, a request and a response, is `tests/journey.rs` of the repository.
//!
//! # Where to look
//!
//! | To | use |
//! |---|---|
//! | issue | [`issue::Draft`], [`x509::build`] |
//! | ask | [`device_request::encode_request`] |
//! | present | [`present::find`], [`present::Presentation`] |
//! | talk to a reader or an mdoc | [`session::DeviceSession`], [`session::ReaderSession`] |
//! | verify | [`verify::verify`], [`verify::DocumentReport::accept`] |
//! | trust the authorities of a list (VICAL) | [`vical::verify`], [`vical::Report::accept`] |
//! | look up, or publish, whether a document was revoked | [`status::check`], [`status::Claims`] |
//! | look into bytes | [`cbor::Item`], [`cbor::diagnostic`] |
//! | bring a key of your own | [`seams::Signer`], or [`issue::Unsigned::to_sign`] and `attach` |
//! | bring a faster backend | [`crypto::Backend`] |

pub mod ble;
pub mod cbor;
pub mod cose;
pub mod crypto;
pub mod device_request;
pub mod device_response;
pub mod device_signed;
pub mod engagement;
pub mod error;
pub mod inflate;
pub mod issue;
pub mod issuer_signed;
pub mod json;
pub mod jws;
pub mod keys;
pub mod limits;
pub mod mso;
pub mod present;
pub mod scrub;
pub mod seams;
pub mod session;
pub mod status;
pub mod steps;
pub mod time;
pub mod transcript;
pub mod value;
pub mod verify;
pub mod vical;
pub mod x509;
