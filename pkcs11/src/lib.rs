//! Signing keys in PKCS#11 tokens: smart cards, hardware security modules, SoftHSM.
//!
//! A key is named by a `pkcs11:` URI (RFC 7512), see [`Uri`]. [`TokenKey`] is a
//! [`Signer`](mdoc_core::seams::Signer) that several threads may use at once; the private key never leaves its
//! token. [`keys`](keys()) and [`tokens`](tokens()) list what is there, [`generate`](generate()) makes a new key
//! that cannot be taken out.
//!
//! ```no_run
//! use mdoc_core::seams::Signer as _;
//! use mdoc_pkcs11::{Settings, TokenKey, Uri};
//!
//! let uri: Uri = "pkcs11:token=issuing;object=ds-2026?pin-source=file:/etc/issuing.pin".parse()?;
//! let key = TokenKey::open(&uri, &Settings::default())?;
//! let signature = key.sign(b"what is to be signed")?; // r ‖ s, verified
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A PIN that is wrong is tried once: tokens lock themselves after a few. The module, a library of the token's
//! maker, becomes a part of the process and stays loaded until it ends.

mod error;
mod generate;
mod keeper;
mod module;
mod objects;
mod point;
mod uri;

pub use self::error::TokenError;
pub use self::generate::generate;
pub use self::keeper::TokenKey;
pub use self::module::{AskPin, Settings, TokenInfo, tokens};
pub use self::objects::{KeyEntry, Listing, keys};
pub use self::uri::{ObjectKind, Uri, UriError};
