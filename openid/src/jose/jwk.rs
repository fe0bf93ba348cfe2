//! JSON Web Keys in messages: a public key with its name and its use.

use core::fmt;

use mdoc_core::crypto::{Backend, DigestAlgorithm, PublicKey};
use mdoc_core::keys::{KeyError, public_from_jwk, public_to_jwk};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::base64url;

/// Members that only a private or a symmetric key has (RFC 7518, 6.2.2, 6.3.2, 6.4.1).
const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// Why a JWK is of no use.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum JwkError {
    /// It has a private member: whoever sends that has given the key away.
    Private,
    /// The key cannot be read, or is of a kind that is not supported.
    Key(KeyError),
}

impl fmt::Display for JwkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Private => f.write_str("the JWK has a private member"),
            Self::Key(_) => f.write_str("the JWK holds no public key that can be used"),
        }
    }
}

impl core::error::Error for JwkError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Private => None,
            Self::Key(cause) => Some(cause),
        }
    }
}

/// A JWK as it stands in a message, its members in their order. Nothing is looked at before [`Jwk::public_key`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Jwk(Map<String, Value>);

impl Jwk {
    /// The members of a public key and no others.
    #[must_use]
    pub fn new(key: &PublicKey) -> Self {
        // Its own text is an object.
        Self(serde_json::from_str(&public_to_jwk(key)).unwrap_or_default())
    }

    /// With another member, for example `kid`, `alg` or `use`.
    #[must_use]
    pub fn with(mut self, member: &str, value: &str) -> Self {
        self.0.insert(member.to_owned(), value.into());
        self
    }

    /// The text of a member.
    #[must_use]
    pub fn text(&self, member: &str) -> Option<&str> {
        self.0.get(member)?.as_str()
    }

    /// All members.
    #[must_use]
    pub const fn members(&self) -> &Map<String, Value> {
        &self.0
    }

    /// Whether a private member is there.
    #[must_use]
    pub fn is_private(&self) -> bool {
        PRIVATE.iter().any(|member| self.0.contains_key(*member))
    }

    /// The key.
    ///
    /// # Errors
    /// [`JwkError`] if there is none, or a private one.
    pub fn public_key(&self) -> Result<PublicKey, JwkError> {
        if self.is_private() {
            return Err(JwkError::Private);
        }
        let text = serde_json::to_string(&self.0).unwrap_or_default();
        public_from_jwk(&text).map_err(JwkError::Key)
    }
}

/// The thumbprint of a key with SHA-256, in Base64url (RFC 7638): the `jkt` of DPoP.
#[must_use]
pub fn thumbprint(key: &PublicKey, backend: &dyn Backend) -> String {
    // The text has the required members alone, in the order of their names, without blanks.
    let digest = backend.digest(DigestAlgorithm::Sha256, &[public_to_jwk(key).as_bytes()]);
    base64url(digest.as_ref())
}

#[cfg(test)]
mod tests {
    use mdoc_core::crypto::RustCrypto;

    use super::*;

    /// RFC 7517, A.1, the EC key.
    const RFC7517_EC: &str = r#"{"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
        "y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM","use":"enc","kid":"1"}"#;

    fn jwk(text: &str) -> Jwk {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn thumbprints_are_those_of_the_rfcs() {
        for (text, expected) in [
            // RFC 8037, A.3.
            (
                r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#,
                "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
            ),
            // RFC 9449, 4.2 with 6.1: the key of the example and its `jkt`.
            (
                r#"{"kty":"EC","x":"l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs",
                    "y":"9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA","crv":"P-256"}"#,
                "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I",
            ),
        ] {
            let key = jwk(text).public_key().unwrap();
            assert_eq!(thumbprint(&key, &RustCrypto), expected);
        }
    }

    #[test]
    fn a_key_comes_back_with_its_other_members_kept_apart() {
        let received = jwk(RFC7517_EC);
        assert_eq!(
            (received.text("kid"), received.text("use")),
            (Some("1"), Some("enc"))
        );
        let key = received.public_key().unwrap();
        let made = Jwk::new(&key).with("kid", "1");
        assert_eq!(made.public_key().as_ref(), Ok(&key));
        assert_eq!(made.text("kid"), Some("1"));
    }

    #[test]
    fn private_and_symmetric_members_are_refused() {
        for member in PRIVATE {
            let with = jwk(RFC7517_EC).with(member, "AAAA");
            assert_eq!(with.public_key(), Err(JwkError::Private), "{member}");
        }
    }

    #[test]
    fn keys_of_other_kinds_are_refused() {
        for text in [
            "{}",
            r#"{"kty":"RSA","n":"AQAB","e":"AQAB"}"#,
            r#"{"kty":"EC","crv":"secp256k1","x":"AA","y":"AA"}"#,
        ] {
            assert!(matches!(jwk(text).public_key(), Err(JwkError::Key(_))), "{text}");
        }
    }
}
