//! Keys in PKCS#11 tokens, in words: where they are, what is there, and new ones.

use mdoc_core::crypto::{Curve, PublicKey};
use mdoc_core::seams::Signer;

use crate::failure::Failure;

/// The module, if the URI names none.
pub const MODULE: &str = "MDOC_PKCS11_MODULE";
/// The same by the name that other programs have for it.
pub const OTHER_MODULE: &str = "PKCS11_MODULE_PATH";

/// A token with its private keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// The URI of the token.
    pub uri: String,
    /// The keys; none if they were not looked at, because several tokens are there.
    pub keys: Option<Vec<Key>>,
}

/// A private key in a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The URI of the key within its token.
    pub uri: String,
    /// Its label.
    pub label: String,
    /// Its id, in hexadecimal digits.
    pub id: String,
    /// Its curve; none if it is another kind of key.
    pub curve: Option<Curve>,
    /// Whether it may sign.
    pub signs: bool,
    /// Whether the token would give it away.
    pub extractable: bool,
}

#[cfg(not(feature = "pkcs11"))]
mod without {
    use super::{Curve, Failure, Key, PublicKey, Signer, Token};

    fn refused(uri: &str) -> Failure {
        let uri = crate::keys::KeySource::Token(uri.to_owned());
        Failure::new(format!(
            "{uri} is a key in a token, and this program was built without PKCS#11"
        ))
        .hint("build it with the feature `pkcs11`, or give a file with the private key")
    }

    pub(in crate::keys) fn signer(uri: &str) -> Result<Box<dyn Signer>, Failure> {
        Err(refused(uri))
    }

    /// Lists tokens and keys.
    ///
    /// # Errors
    /// [`Failure`]: this program was built without PKCS#11.
    pub fn list(uri: &str) -> Result<Vec<Token>, Failure> {
        Err(refused(uri))
    }

    /// Makes a key.
    ///
    /// # Errors
    /// [`Failure`]: this program was built without PKCS#11.
    pub fn generate(uri: &str, _: Curve) -> Result<(Key, PublicKey), Failure> {
        Err(refused(uri))
    }
}

#[cfg(not(feature = "pkcs11"))]
pub(super) use without::signer;
#[cfg(not(feature = "pkcs11"))]
pub use without::{generate, list};

#[cfg(feature = "pkcs11")]
pub(super) use with::signer;
#[cfg(feature = "pkcs11")]
pub use with::{generate, list};

#[cfg(feature = "pkcs11")]
mod with {
    use std::cell::RefCell;
    use std::env;
    use std::path::PathBuf;

    use mdoc_pkcs11::{KeyEntry, Settings, TokenError, TokenInfo, TokenKey, Uri};
    use zeroize::Zeroizing;

    use super::{Curve, Failure, Key, MODULE, OTHER_MODULE, PublicKey, Signer, Token};
    use crate::keys::{KeySource, secrets};
    use crate::system;

    pub(in crate::keys) fn signer(uri: &str) -> Result<Box<dyn Signer>, Failure> {
        let parsed = parse(uri)?;
        let key = ask(uri, |settings| TokenKey::open(&parsed, settings))?;
        Ok(Box::new(key))
    }

    /// The tokens that fit a URI; if it is one alone, with the keys in it that do.
    ///
    /// # Errors
    /// [`Failure`] if there is none, and if the one does not open.
    pub fn list(uri: &str) -> Result<Vec<Token>, Failure> {
        let parsed = parse(uri)?;
        let tokens = ask(uri, |settings| mdoc_pkcs11::tokens(&parsed, settings))?;
        let several = tokens.len() > 1;
        if several {
            let shown = |info: &TokenInfo| Token {
                uri: info.uri().to_string(),
                keys: None,
            };
            return Ok(tokens.iter().map(shown).collect());
        }
        let listing = ask(uri, |settings| mdoc_pkcs11::keys(&parsed, settings))?;
        Ok(vec![Token {
            uri: listing.token.uri().to_string(),
            keys: Some(listing.keys.iter().map(key).collect()),
        }])
    }

    /// Makes a key in a token that cannot be taken out.
    ///
    /// # Errors
    /// [`Failure`] if it is there already, and if the token does not open or does not keep it.
    pub fn generate(uri: &str, curve: Curve) -> Result<(Key, PublicKey), Failure> {
        let parsed = parse(uri)?;
        let mut rng = system::random()?;
        let (entry, public) = ask(uri, |settings| {
            mdoc_pkcs11::generate(&parsed, curve, settings, &mut rng)
        })?;
        Ok((key(&entry), public))
    }

    fn key(entry: &KeyEntry) -> Key {
        Key {
            uri: entry.uri().to_string(),
            label: entry.label.clone(),
            id: base16ct::lower::encode_string(&entry.id),
            curve: entry.curve,
            signs: entry.signs,
            extractable: entry.extractable,
        }
    }

    fn parse(text: &str) -> Result<Uri, Failure> {
        let shown = KeySource::Token(text.to_owned());
        let uri: Uri = text.parse().map_err(|error| {
            Failure::new(format!("{shown} is no proper URI: {error}"))
                .hint("such a URI is pkcs11:token=LABEL;object=LABEL, with %20 for a space")
        })?;
        if uri.pin_value.is_some() {
            return Err(Failure::new(format!(
                "{shown} has its PIN in it, where everybody on this machine can see it"
            ))
            .hint(format!(
                "take `pin-value` away; put the PIN in {}, or name a file by `pin-source=file:/path`",
                secrets::PIN
            )));
        }
        Ok(uri)
    }

    /// Does something with the settings of this program, and says in words what it ended with.
    fn ask<T>(uri: &str, what: impl FnOnce(&Settings<'_>) -> Result<T, TokenError>) -> Result<T, Failure> {
        // Why no PIN could be had, which the library only sees as none.
        let broken = RefCell::new(None);
        let pin = |token: &TokenInfo| -> Option<Zeroizing<String>> {
            secrets::pin(&token.label).unwrap_or_else(|failure| {
                *broken.borrow_mut() = Some(failure);
                None
            })
        };
        let module = [MODULE, OTHER_MODULE].into_iter().find_map(env::var_os);
        let settings = Settings {
            module: module.map(PathBuf::from),
            pin: Some(&pin),
        };
        let result = what(&settings);
        if let Some(failure) = broken.borrow_mut().take() {
            return Err(failure);
        }
        let shown = KeySource::Token(uri.to_owned());
        result.map_err(|error| Failure::new(format!("{shown}: {error}")).hint(hint(&error)))
    }

    fn hint(error: &TokenError) -> String {
        match error {
            TokenError::NoModule | TokenError::ModuleMissing(_) | TokenError::ModuleBroken { .. } => {
                return format!(
                    "name the library of the token's maker: `module-path=/path/to/module.so` behind a `?` in the \
                     URI, or {MODULE}"
                );
            }
            TokenError::NoPin(_) => {
                return format!(
                    "put it in {}, name a file by `?pin-source=file:/path` in the URI, or run the command in a \
                     terminal",
                    secrets::PIN
                );
            }
            TokenError::UnknownAttribute(_) => "leave the attribute away",
            TokenError::NoToken(_) => "`mdoc-issuer key list` shows the tokens that are there",
            TokenError::SeveralTokens(_) => "add what tells them apart, such as `serial=`",
            TokenError::PinSource(_) => "give a text file of mode 0600 with the PIN in its first line",
            TokenError::WrongPin(_) => "correct it first: a token locks itself after a few wrong ones",
            TokenError::PinLocked(_) => "the security officer of the token can set a new PIN",
            TokenError::LastTry(_) => "log in by the tool of the token's maker, which sets the count back",
            TokenError::NoPinSet(_) => "set one by the tool of the token's maker",
            TokenError::NotPrivate => "leave `type` away",
            TokenError::NoKey(_) => "name one of them by `object=` or `id=`, or make one by `mdoc-issuer key new`",
            TokenError::SeveralKeys(_) => "add the `id=` of the one that is meant",
            TokenError::KeyKind => "give a key on P-256, P-384, P-521 or Ed25519",
            TokenError::MayNotSign | TokenError::PinEachTime => "make one that may by `mdoc-issuer key new`",
            TokenError::NoPublicKey | TokenError::BadPublicKey => {
                "put the one public key, or the certificate, into the token with the id of the key"
            }
            TokenError::NoSuchCurve(_) => "choose another curve; every token has P-256",
            TokenError::NoLabel => "add `object=LABEL` to the URI",
            TokenError::Exists(_) => "choose another label; a key in a token is never replaced",
            TokenError::Extractable => "this token is not fit for keys that must not leave it",
            _ => "see whether the token is plugged in and works with the tool of its maker",
        }
        .to_owned()
    }
}
