//! Encrypted JSON: JWE in the compact form with ECDH-ES on P-256, the agreed key used directly.
//!
//! Source: RFC 7516, 5; RFC 7518, 4.6 and 5.3.

use core::fmt;

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes128Gcm, Aes256Gcm, Key, Nonce};
use mdoc_core::crypto::{Backend, Curve, DigestAlgorithm, PublicKey, SecretKey};
use mdoc_core::inflate::{BadStream, deflate};
use mdoc_core::scrub::scrubbed;
use miniz_oxide::deflate::compress_to_vec;
use rand_core::CryptoRng;
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use super::json::{self, BadJson};
use super::jwk::{Jwk, JwkError};
use super::{LARGEST, base64url, from_base64url};

/// The one way of agreeing on a key.
pub const ALG: &str = "ECDH-ES";

/// The one way of compressing.
pub const DEFLATE: &str = "DEF";

/// The largest plaintext that is inflated, in bytes.
pub const LARGEST_PLAINTEXT: usize = 1024 * 1024;

/// How the content is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encryption {
    /// AES-128 in GCM.
    A128Gcm,
    /// AES-256 in GCM.
    A256Gcm,
}

impl Encryption {
    /// Both, the one that everybody has first.
    pub const ALL: [Self; 2] = [Self::A128Gcm, Self::A256Gcm];

    /// The name in `enc`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::A128Gcm => "A128GCM",
            Self::A256Gcm => "A256GCM",
        }
    }

    /// The one of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|enc| enc.name() == name)
    }

    const fn key_len(self) -> usize {
        match self {
            Self::A128Gcm => 16,
            Self::A256Gcm => 32,
        }
    }
}

impl fmt::Display for Encryption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why a JWE was not opened, or not made.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum JweError {
    /// It is larger than is read.
    TooLarge,
    /// It is not five parts in Base64url with dots between, or a part has a wrong length.
    Compact,
    /// The header is not the JSON it should be.
    Header(BadJson),
    /// `alg` is another than ECDH-ES.
    Algorithm,
    /// `enc` is none that is taken here.
    Encryption,
    /// The header names something that must be understood.
    Critical,
    /// `zip` is there and was not agreed upon, or is not DEF.
    Compression,
    /// `kid` is not that of a key of ours, or is missing.
    UnknownKey,
    /// `epk` or the recipient's key cannot be used, or is not on P-256.
    Key(Option<JwkError>),
    /// The key is that of another, or something was changed.
    NotAuthentic,
    /// What was compressed cannot be inflated, or becomes too large.
    Inflate(BadStream),
}

impl fmt::Display for JweError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge => f.write_str("the JWE is larger than is read"),
            Self::Compact => f.write_str("the JWE is not in the compact form"),
            Self::Header(fault) => write!(f, "the header of the JWE cannot be read: {fault}"),
            Self::Algorithm => f.write_str("the JWE is not encrypted by ECDH-ES"),
            Self::Encryption => {
                f.write_str("the content of the JWE is encrypted in a way that is not taken here")
            }
            Self::Critical => f.write_str("the header of the JWE names something that must be understood"),
            Self::Compression => f.write_str("the JWE is compressed, which was not agreed upon"),
            Self::UnknownKey => f.write_str("the JWE is for a key that is not known"),
            Self::Key(_) => f.write_str("a key of the JWE cannot be used"),
            Self::NotAuthentic => f.write_str("the JWE does not authenticate"),
            Self::Inflate(fault) => write!(f, "the JWE cannot be inflated: {fault}"),
        }
    }
}

impl core::error::Error for JweError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Header(cause) => Some(cause),
            Self::Key(Some(cause)) => Some(cause),
            Self::Inflate(cause) => Some(cause),
            _ => None,
        }
    }
}

/// For whom, and how, something is encrypted.
#[derive(Debug, Clone)]
pub struct Recipient {
    /// The recipient's key.
    pub key: PublicKey,
    /// Its name, copied to the header.
    pub kid: Option<String>,
    /// How the content is encrypted.
    pub encryption: Encryption,
    /// Whether it is compressed first.
    pub compress: bool,
}

impl Recipient {
    /// Takes a JWK of metadata or of a request, which has to have `alg`.
    ///
    /// # Errors
    /// [`JweError::Algorithm`] or [`JweError::Key`].
    pub fn new(jwk: &Jwk, encryption: Encryption, compress: bool) -> Result<Self, JweError> {
        if jwk.text("alg") != Some(ALG) {
            return Err(JweError::Algorithm);
        }
        let key = jwk.public_key().map_err(|fault| JweError::Key(Some(fault)))?;
        if key.curve() != Curve::P256 {
            return Err(JweError::Key(None));
        }
        Ok(Self {
            key,
            kid: jwk.text("kid").map(str::to_owned),
            encryption,
            compress,
        })
    }
}

/// Encrypts for a recipient under a new ephemeral key.
///
/// # Errors
/// [`JweError::Key`] if the recipient's key is not on P-256.
pub fn encrypt(
    plaintext: &[u8],
    recipient: &Recipient,
    rng: &mut dyn CryptoRng,
    backend: &dyn Backend,
) -> Result<String, JweError> {
    let ephemeral = SecretKey::generate(Curve::P256, rng);
    let mut header = Map::new();
    header.insert("alg".to_owned(), ALG.into());
    header.insert("enc".to_owned(), recipient.encryption.name().into());
    if let Some(kid) = &recipient.kid {
        header.insert("kid".to_owned(), kid.as_str().into());
    }
    if recipient.compress {
        header.insert("zip".to_owned(), DEFLATE.into());
    }
    header.insert("epk".to_owned(), json!(Jwk::new(ephemeral.public_key())));
    let header = base64url(&json::write(&header));
    let mut iv = [0; 12];
    rng.fill_bytes(&mut iv);
    let party = Parties::default();
    let key = agreed(&ephemeral, &recipient.key, recipient.encryption, &party, backend)?;
    let compressed;
    let content = if recipient.compress {
        compressed = Zeroizing::new(compress_to_vec(plaintext, 6));
        compressed.as_slice()
    } else {
        plaintext
    };
    let sealed = seal(&key, iv, content, header.as_bytes()).ok_or(JweError::TooLarge)?;
    let (ciphertext, tag) = sealed.split_last_chunk::<16>().ok_or(JweError::TooLarge)?;
    let [iv, ciphertext, tag] = [&iv[..], ciphertext, &tag[..]].map(base64url);
    Ok(format!("{header}..{iv}.{ciphertext}.{tag}"))
}

/// A key that things are encrypted for, and its name.
#[derive(Debug, Clone, Copy)]
pub struct OwnKey<'a> {
    /// Its `kid`, if it was published with one.
    pub kid: Option<&'a str>,
    /// The key.
    pub secret: &'a SecretKey,
}

/// What is taken of a JWE.
#[derive(Debug, Clone, Copy)]
pub struct Opening<'a> {
    /// The keys that it may be for.
    pub keys: &'a [OwnKey<'a>],
    /// The encryptions that are taken.
    pub encryptions: &'a [Encryption],
    /// Whether it may be compressed.
    pub compressed: bool,
}

/// What was inside a JWE, which anybody may have made.
#[derive(Clone)]
pub struct Opened {
    /// The content.
    pub plaintext: Zeroizing<Vec<u8>>,
    /// How it was encrypted.
    pub encryption: Encryption,
    /// The name of the key in the header.
    pub kid: Option<String>,
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Opened({}, not shown)", self.encryption)
    }
}

/// Decrypts what was encrypted for one of our keys, in at most [`LARGEST`] bytes.
///
/// # Errors
/// [`JweError`] saying what is not as it was agreed.
pub fn decrypt(text: &str, opening: &Opening<'_>, backend: &dyn Backend) -> Result<Opened, JweError> {
    decrypt_up_to(text, LARGEST, opening, backend)
}

/// The same, in at most so many bytes.
///
/// # Errors
/// As [`decrypt`].
pub(crate) fn decrypt_up_to(
    text: &str,
    largest: usize,
    opening: &Opening<'_>,
    backend: &dyn Backend,
) -> Result<Opened, JweError> {
    if text.len() > largest {
        return Err(JweError::TooLarge);
    }
    let mut parts = text.split('.');
    let mut next = || parts.next().ok_or(JweError::Compact);
    let (protected, wrapped, iv, ciphertext, tag) = (next()?, next()?, next()?, next()?, next()?);
    if parts.next().is_some() || !wrapped.is_empty() {
        return Err(JweError::Compact);
    }
    let decoded = |part| from_base64url(part).ok_or(JweError::Compact);
    let header = json::object(&decoded(protected)?).map_err(JweError::Header)?;
    let iv: [u8; 12] = decoded(iv)?.try_into().map_err(|_| JweError::Compact)?;
    let (mut sealed, tag) = (decoded(ciphertext)?, decoded(tag)?);
    if tag.len() != 16 {
        return Err(JweError::Compact);
    }
    let terms = Terms::of(&header, opening)?;
    let ours = opening
        .keys
        .iter()
        .find(|ours| match terms.kid {
            Some(kid) => ours.kid == Some(kid),
            None => opening.keys.len() == 1,
        })
        .ok_or(JweError::UnknownKey)?;
    let key = agreed(ours.secret, &terms.epk, terms.encryption, &terms.parties, backend)?;
    sealed.extend_from_slice(&tag);
    let plain = open(&key, iv, &sealed, protected.as_bytes()).ok_or(JweError::NotAuthentic)?;
    let plaintext = if terms.compressed {
        Zeroizing::new(deflate(&plain, LARGEST_PLAINTEXT).map_err(JweError::Inflate)?)
    } else {
        plain
    };
    Ok(Opened {
        plaintext,
        encryption: terms.encryption,
        kid: terms.kid.map(str::to_owned),
    })
}

/// What a header says, if it is what was agreed.
struct Terms<'a> {
    encryption: Encryption,
    compressed: bool,
    kid: Option<&'a str>,
    epk: PublicKey,
    parties: Parties,
}

impl<'a> Terms<'a> {
    fn of(header: &'a Map<String, Value>, opening: &Opening<'_>) -> Result<Self, JweError> {
        let text = |member| header.get(member).and_then(Value::as_str);
        if header.contains_key("crit") {
            return Err(JweError::Critical);
        }
        if text("alg") != Some(ALG) {
            return Err(JweError::Algorithm);
        }
        let encryption = text("enc")
            .and_then(Encryption::named)
            .filter(|encryption| opening.encryptions.contains(encryption))
            .ok_or(JweError::Encryption)?;
        let compressed = match header.get("zip") {
            None => false,
            Some(zip) if opening.compressed && zip == DEFLATE => true,
            Some(_) => return Err(JweError::Compression),
        };
        let epk = header.get("epk").cloned().unwrap_or_default();
        let epk: Jwk = serde_json::from_value(epk).map_err(|_| JweError::Key(None))?;
        let epk = epk.public_key().map_err(|fault| JweError::Key(Some(fault)))?;
        let party = |member| match header.get(member) {
            None => Ok(Vec::new()),
            Some(info) => info
                .as_str()
                .and_then(from_base64url)
                .ok_or(JweError::Header(BadJson::Shape)),
        };
        Ok(Self {
            encryption,
            compressed,
            kid: text("kid"),
            epk,
            parties: Parties {
                producer: party("apu")?,
                recipient: party("apv")?,
            },
        })
    }
}

/// What the two sides are called in the derivation: `apu` and `apv`.
#[derive(Debug, Default)]
struct Parties {
    producer: Vec<u8>,
    recipient: Vec<u8>,
}

/// The key that both sides agree on.
fn agreed(
    secret: &SecretKey,
    peer: &PublicKey,
    encryption: Encryption,
    parties: &Parties,
    backend: &dyn Backend,
) -> Result<Zeroizing<Vec<u8>>, JweError> {
    if secret.curve() != Curve::P256 {
        return Err(JweError::Key(None));
    }
    scrubbed(|| {
        let shared = backend.agree(secret, peer).map_err(|_| JweError::Key(None))?;
        Ok(concat_kdf(&shared, encryption, parties, backend))
    })
}

/// The Concat KDF of NIST SP 800-56A, 5.8.1, with SHA-256; the keys are no longer than one of its rounds.
fn concat_kdf(
    shared: &[u8],
    encryption: Encryption,
    parties: &Parties,
    backend: &dyn Backend,
) -> Zeroizing<Vec<u8>> {
    let length = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes();
    let id = encryption.name().as_bytes();
    let bits = u32::try_from(encryption.key_len() * 8).unwrap_or(u32::MAX);
    let digest = backend.digest(
        DigestAlgorithm::Sha256,
        &[
            &1_u32.to_be_bytes(),
            shared,
            &length(id),
            id,
            &length(&parties.producer),
            &parties.producer,
            &length(&parties.recipient),
            &parties.recipient,
            &bits.to_be_bytes(),
        ],
    );
    let key = digest.as_ref().iter().take(encryption.key_len());
    Zeroizing::new(key.copied().collect())
}

fn seal(key: &[u8], iv: [u8; 12], msg: &[u8], aad: &[u8]) -> Option<Vec<u8>> {
    let (nonce, payload) = (Nonce::from(iv), Payload { msg, aad });
    if let Ok(key) = <[u8; 16]>::try_from(key) {
        let key = Zeroizing::new(key);
        return Aes128Gcm::new(&Key::<Aes128Gcm>::from(*key))
            .encrypt(&nonce, payload)
            .ok();
    }
    let key = Zeroizing::new(<[u8; 32]>::try_from(key).ok()?);
    Aes256Gcm::new(&Key::<Aes256Gcm>::from(*key))
        .encrypt(&nonce, payload)
        .ok()
}

fn open(key: &[u8], iv: [u8; 12], msg: &[u8], aad: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (nonce, payload) = (Nonce::from(iv), Payload { msg, aad });
    let plain = if let Ok(key) = <[u8; 16]>::try_from(key) {
        let key = Zeroizing::new(key);
        Aes128Gcm::new(&Key::<Aes128Gcm>::from(*key)).decrypt(&nonce, payload)
    } else {
        let key = Zeroizing::new(<[u8; 32]>::try_from(key).ok()?);
        Aes256Gcm::new(&Key::<Aes256Gcm>::from(*key)).decrypt(&nonce, payload)
    };
    plain.ok().map(Zeroizing::new)
}

#[cfg(test)]
mod tests;
