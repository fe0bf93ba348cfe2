//! What can go wrong between a URI and a signature.

use core::fmt;
use std::path::PathBuf;

use cryptoki::error::{Error, RvError};
use mdoc_core::crypto::Curve;

use crate::module::TokenInfo;
use crate::objects::KeyEntry;

/// Why a key in a token cannot be had or used. No PIN is in any of them.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenError {
    /// No module is named, and p11-kit is not there to know the installed ones.
    NoModule,
    /// No module of that name or at that place.
    ModuleMissing(String),
    /// The file is no PKCS#11 module, or does not start; its own words.
    ModuleBroken {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        why: String,
    },
    /// The URI asks for something by an attribute that is not known here, so that nothing can match.
    UnknownAttribute(String),
    /// No token fits the URI; those that are there.
    NoToken(Vec<TokenInfo>),
    /// Several tokens fit the URI.
    SeveralTokens(Vec<TokenInfo>),
    /// The file of `pin-source` cannot be used; why.
    PinSource(String),
    /// The token asks for a PIN and none was given; the label of the token.
    NoPin(String),
    /// The token does not take the PIN. It was tried once.
    WrongPin(String),
    /// The token locked its PIN after too many wrong ones.
    PinLocked(String),
    /// One more wrong PIN would lock the token, so that none is tried.
    LastTry(String),
    /// The token has no user PIN yet.
    NoPinSet(String),
    /// The URI names another kind of object than a key that signs.
    NotPrivate,
    /// No private key fits the URI; those that are in the token.
    NoKey(Vec<KeyEntry>),
    /// Several private keys fit the URI.
    SeveralKeys(Vec<KeyEntry>),
    /// The key is for something else than ECDSA or Ed25519, or on a curve that is not supported.
    KeyKind,
    /// The key may not sign (`CKA_SIGN`).
    MayNotSign,
    /// The key wants the PIN before each signature (`CKA_ALWAYS_AUTHENTICATE`).
    PinEachTime,
    /// Neither a public key nor a certificate with the key's id or label is in the token.
    NoPublicKey,
    /// The public key or certificate of the key cannot be read, or there are several that differ.
    BadPublicKey,
    /// The token cannot make or use keys on that curve.
    NoSuchCurve(Curve),
    /// A new key needs a label: attribute `object` of the URI.
    NoLabel,
    /// A key of that label or id is there already.
    Exists(Vec<KeyEntry>),
    /// The token made the key, but such that it could be taken out; it was destroyed again.
    Extractable,
    /// The token failed: the function, and the name of its answer.
    Failed(String),
}

/// A failure of a function of the module, in the words of the standard.
pub(crate) fn failed(error: &Error) -> TokenError {
    TokenError::Failed(match error {
        Error::Pkcs11(answer, function) => format!("{function} answered {answer:?}"),
        other => other.to_string(),
    })
}

/// The answer of the module, if it is one.
pub(crate) const fn answer(error: &Error) -> Option<RvError> {
    match error {
        Error::Pkcs11(answer, _) => Some(*answer),
        _ => None,
    }
}

fn list<T: fmt::Display>(f: &mut fmt::Formatter<'_>, all: &[T]) -> fmt::Result {
    all.iter().try_for_each(|one| write!(f, "\n  {one}"))
}

impl fmt::Display for TokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoModule => f.write_str("no PKCS#11 module is named"),
            Self::ModuleMissing(name) => write!(f, "there is no PKCS#11 module {name}"),
            Self::ModuleBroken { path, why } => {
                write!(f, "{} cannot be used as a PKCS#11 module: {why}", path.display())
            }
            Self::UnknownAttribute(name) => write!(f, "attribute {name} of the URI is not known"),
            Self::NoToken(found) if found.is_empty() => f.write_str("the PKCS#11 module has no token"),
            Self::NoToken(found) => {
                f.write_str("no token fits the URI; there are")?;
                list(f, found)
            }
            Self::SeveralTokens(found) => {
                f.write_str("several tokens fit the URI")?;
                list(f, found)
            }
            Self::PinSource(why) => write!(f, "the PIN cannot be read from `pin-source`: {why}"),
            Self::NoPin(token) => write!(f, "token {token} asks for a PIN, and none was given"),
            Self::WrongPin(token) => write!(f, "token {token} does not take the PIN, which was tried once"),
            Self::PinLocked(token) => write!(f, "the PIN of token {token} is locked"),
            Self::LastTry(token) => {
                write!(
                    f,
                    "one more wrong PIN would lock token {token}, so that none is tried"
                )
            }
            Self::NoPinSet(token) => write!(f, "token {token} has no user PIN yet"),
            Self::NotPrivate => f.write_str("the URI names no private key: its `type` is another"),
            Self::NoKey(found) if found.is_empty() => f.write_str("the token has no private key"),
            Self::NoKey(found) => {
                f.write_str("no private key fits the URI; the token has")?;
                list(f, found)
            }
            Self::SeveralKeys(found) => {
                f.write_str("several private keys fit the URI")?;
                list(f, found)
            }
            Self::KeyKind => f.write_str("the key is none of a curve that is supported"),
            Self::MayNotSign => f.write_str("the key may not sign"),
            Self::PinEachTime => f.write_str("the key wants the PIN before each signature"),
            Self::NoPublicKey => {
                f.write_str("the token has neither a public key nor a certificate that goes with the key")
            }
            Self::BadPublicKey => {
                f.write_str("the public key in the token cannot be used, or there are several")
            }
            Self::NoSuchCurve(curve) => write!(f, "the token does not compute on {curve}"),
            Self::NoLabel => f.write_str("the URI gives no label to the new key"),
            Self::Exists(found) => {
                f.write_str("the token has such a key already")?;
                list(f, found)
            }
            Self::Extractable => {
                f.write_str("the token would let the key be taken out, so that it was not kept")
            }
            Self::Failed(what) => write!(f, "the token failed: {what}"),
        }
    }
}

impl core::error::Error for TokenError {}
