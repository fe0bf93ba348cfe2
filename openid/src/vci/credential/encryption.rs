//! Requests and answers that are read by nobody between (OpenID4VCI 1.0, 10).

use mdoc_core::crypto::Backend;
use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::LARGEST_ANSWER;
use crate::jose::jwe::{self, Encryption, JweError, Opening, OwnKey, Recipient};
use crate::jose::jwk::Jwk;
use crate::vci::metadata::ResponseEncryption;

/// How an answer is to be encrypted: `credential_response_encryption` of a request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ResponseTerms {
    /// The wallet's key, with `alg`.
    pub jwk: Jwk,
    /// The encryption of the content.
    pub enc: String,
    /// The compression.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zip: Option<String>,
}

impl ResponseTerms {
    /// For a key of the wallet.
    #[must_use]
    pub fn new(jwk: Jwk, encryption: Encryption) -> Self {
        Self {
            jwk: jwk.with("alg", jwe::ALG),
            enc: encryption.name().to_owned(),
            zip: None,
        }
    }

    /// Whom to encrypt for, if the metadata offers what is asked for; without metadata nothing is offered. What goes wrong
    /// is `invalid_encryption_parameters`.
    ///
    /// # Errors
    /// [`JweError`].
    pub fn recipient(&self, offered: Option<&ResponseEncryption>) -> Result<Recipient, JweError> {
        let offered = offered.ok_or(JweError::Encryption)?;
        let listed = |list: &[String], name: &str| list.iter().any(|known| known == name);
        if !listed(
            &offered.alg_values_supported,
            self.jwk.text("alg").unwrap_or_default(),
        ) {
            return Err(JweError::Algorithm);
        }
        let encryption = Encryption::named(&self.enc)
            .filter(|_| listed(&offered.enc_values_supported, &self.enc))
            .ok_or(JweError::Encryption)?;
        let compress = match &self.zip {
            None => false,
            Some(zip) if zip == jwe::DEFLATE && listed(&offered.zip_values_supported, zip) => true,
            Some(_) => return Err(JweError::Compression),
        };
        Recipient::new(&self.jwk, encryption, compress)
    }
}

/// Encrypts a request or an answer: the body of media type `application/jwt`.
///
/// # Errors
/// [`JweError`] if the recipient's key cannot be used.
pub fn encrypt(
    body: &[u8],
    recipient: &Recipient,
    rng: &mut dyn CryptoRng,
    backend: &dyn Backend,
) -> Result<String, JweError> {
    jwe::encrypt(body, recipient, rng, backend)
}

/// Decrypts a request or an answer.
///
/// # Errors
/// [`JweError`]; of a request `invalid_encryption_parameters`.
pub fn decrypt(
    body: &[u8],
    keys: &[OwnKey<'_>],
    compressed: bool,
    backend: &dyn Backend,
) -> Result<Zeroizing<Vec<u8>>, JweError> {
    let opening = Opening {
        keys,
        encryptions: &Encryption::ALL,
        compressed,
    };
    opened(body, &opening, crate::jose::LARGEST, backend)
}

/// Decrypts an answer of at most [`LARGEST_ANSWER`] bytes; it is not compressed.
///
/// # Errors
/// [`JweError`].
pub fn decrypt_answer(
    body: &[u8],
    keys: &[OwnKey<'_>],
    backend: &dyn Backend,
) -> Result<Zeroizing<Vec<u8>>, JweError> {
    let opening = Opening {
        keys,
        encryptions: &Encryption::ALL,
        compressed: false,
    };
    opened(body, &opening, LARGEST_ANSWER, backend)
}

fn opened(
    body: &[u8],
    opening: &Opening<'_>,
    largest: usize,
    backend: &dyn Backend,
) -> Result<Zeroizing<Vec<u8>>, JweError> {
    let text = core::str::from_utf8(body).map_err(|_| JweError::Compact)?;
    jwe::decrypt_up_to(text.trim(), largest, opening, backend).map(|opened| opened.plaintext)
}
