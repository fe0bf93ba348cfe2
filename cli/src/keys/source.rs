//! Where a private key is: in a file, or in a token that signs and never gives it away.

use core::convert::Infallible;
use core::fmt;
use core::str::FromStr;
use std::path::{Path, PathBuf};

/// A private key by its place.
#[derive(Clone, PartialEq, Eq)]
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

/// The attributes of a URI that say which object is meant, and may be shown (RFC 7512, 2.3).
const PUBLIC: [&str; 12] = [
    "id",
    "library-description",
    "library-manufacturer",
    "library-version",
    "manufacturer",
    "model",
    "object",
    "serial",
    "slot-description",
    "slot-id",
    "token",
    "type",
];

/// As it was given; a URI without the part that may hold a PIN.
impl fmt::Display for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let uri = match self {
            Self::File(path) => return path.display().fmt(f),
            Self::Token(uri) => uri.split('?').next().unwrap_or_default(),
        };
        // A PIN has no place there; somebody may put it there all the same, under whatever name.
        let (scheme, path) = uri.split_once(':').unwrap_or((uri, ""));
        write!(f, "{scheme}:")?;
        let mut between = "";
        for part in path.split(';').filter(|part| {
            part.split_once('=')
                .is_some_and(|(name, _)| PUBLIC.contains(&name))
        }) {
            write!(f, "{between}{part}")?;
            between = ";";
        }
        Ok(())
    }
}

impl fmt::Debug for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeySource({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_pin_is_shown() {
        for text in [
            "pkcs11:token=a;object=b?pin-value=4711",
            "pkcs11:token=a;pin-value=4711;object=b",
            "PKCS11:token=a;object=b?module-path=/m.so&pin-value=4711",
            "pkcs11:token=a;PIN-value=4711;object=b",
            "pkcs11:token=a;object=b;%70in-value=4711",
            "pkcs11:token=a;object=b;4711",
        ] {
            let source: KeySource = text.parse().unwrap();
            for shown in [source.to_string(), format!("{source:?}")] {
                assert!(
                    shown.contains("token=a;object=b") && !shown.contains("4711"),
                    "{shown}"
                );
            }
        }
        let file: KeySource = "pkcs11".parse().unwrap();
        assert_eq!(file.file(), Some(Path::new("pkcs11")));
    }
}
