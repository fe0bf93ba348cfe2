//! Where a private key is: in a file, or in a token that signs and never gives it away.

use core::convert::Infallible;
use core::fmt;
use core::str::FromStr;
use std::path::{Path, PathBuf};

/// A private key by its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// A file; `-` is standard input.
    File(PathBuf),
    /// An object of a PKCS#11 token: a `pkcs11:` URI (RFC 7512).
    Token(String),
}

impl KeySource {
    /// The file, if it is one: a command must not write its result over it.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            Self::Token(_) => None,
        }
    }
}

impl FromStr for KeySource {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match text.get(..7) {
            Some(scheme) if scheme.eq_ignore_ascii_case("pkcs11:") => Self::Token(text.to_owned()),
            _ => Self::File(PathBuf::from(text)),
        })
    }
}

impl From<PathBuf> for KeySource {
    fn from(path: PathBuf) -> Self {
        Self::File(path)
    }
}

/// As it was given; a URI without the part that may hold a PIN.
impl fmt::Display for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Token(uri) => f.write_str(uri.split('?').next().unwrap_or_default()),
        }
    }
}
