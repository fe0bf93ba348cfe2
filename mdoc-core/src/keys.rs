//! Keys in files: PEM, DER and JWK, read and written; private ones also under a passphrase.
//!
//! Errors say what is wrong and never show what was read. Private keys are wiped from memory after use,
//! copies made on the way included.
//!
//! Source: RFC 5958 (PKCS#8), RFC 5915 (SEC 1), RFC 8410 (Ed25519), RFC 7517, 7518 and 8037 (JWK),
//! RFC 8018 and 7914 (passphrases).

mod encrypted;
mod jwk;

use core::fmt;

use zeroize::Zeroizing;

pub use self::encrypted::{Kdf, secret_from_encrypted, secret_to_encrypted_pem};
pub use self::jwk::{public_from_jwk, public_to_jwk, secret_from_jwk};
use crate::crypto::{CryptoError, Curve, PublicKey, SecretKey};
use crate::scrub::scrubbed;
use crate::x509::{
    BIT_STRING, BadCertificate, Certificate, INTEGER, OBJECT_IDENTIFIER, OCTET_STRING, Reader, SEQUENCE,
    UnusableKey, algorithm_curve, constructed, encode_pem, key_algorithm_der, oid, pem_blocks, public_key,
    public_key_der, tlv,
};

/// The largest key file that is read, in bytes.
pub const LARGEST_FILE: usize = 256 * 1024;

/// Why a key could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyError {
    /// Neither PEM nor JSON nor DER of a key was found, or the file is too large.
    Unrecognised,
    /// The private key is encrypted with a passphrase: [`secret_from_encrypted`] reads it.
    Encrypted,
    /// The private key is encrypted in the old way of OpenSSL (`Proc-Type: 4,ENCRYPTED`), whose one round of
    /// MD5 protects nothing.
    OldEncryption,
    /// The encryption, by an object identifier or by name, is none that this crate opens.
    Encryption(String),
    /// Opening the file would take more time or memory than any honest file asks for.
    EncryptionCost,
    /// The passphrase does not open the file, or the file is damaged: the two cannot be told apart.
    Passphrase,
    /// It is a public key, or a certificate, where a private one is needed.
    PublicOnly,
    /// The text between the lines of PEM is not Base64.
    Base64,
    /// The structure is broken.
    Structure(BadCertificate),
    /// The algorithm, curve or point cannot be used.
    Unusable(UnusableKey),
    /// The bytes are no private key of the curve.
    Secret(CryptoError),
    /// The file also has a public key, and it belongs to another private key.
    Mismatch,
    /// The JSON is no JWK: this member is missing or is not what it should be.
    Jwk {
        /// The name of the member.
        member: &'static str,
    },
    /// The JWK has another kind of key or another curve than is supported.
    JwkKind,
    /// A value of a JWK does not have the length of its curve, leading zeros included.
    JwkLength {
        /// The name of the member.
        member: &'static str,
        /// Octets it has.
        found: usize,
        /// Octets the curve asks for.
        expected: usize,
    },
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unrecognised => f.write_str("no key was found: PEM, DER or JWK is expected"),
            Self::Encrypted => f.write_str("the private key is encrypted with a passphrase"),
            Self::OldEncryption => f.write_str(
                "the private key is encrypted in the old way of OpenSSL, which does not protect it",
            ),
            Self::Encryption(what) => write!(
                f,
                "the private key is encrypted by {what}, which is not supported"
            ),
            Self::EncryptionCost => {
                f.write_str("the passphrase of the private key would take too long to try")
            }
            Self::Passphrase => {
                f.write_str("the passphrase does not open the private key, or the file is damaged")
            }
            Self::PublicOnly => f.write_str("a private key is needed and only a public one is there"),
            Self::Base64 => f.write_str("the PEM text is not Base64"),
            Self::Structure(_) => f.write_str("the key is not encoded as it should be"),
            Self::Unusable(_) => f.write_str("the key cannot be used"),
            Self::Secret(_) => f.write_str("the private key is none of its curve"),
            Self::Mismatch => f.write_str("private and public key do not belong together"),
            Self::Jwk { member } => write!(f, "the JWK has no usable member {member}"),
            Self::JwkKind => f.write_str("the JWK is of a kind or curve that is not supported"),
            Self::JwkLength {
                member,
                found,
                expected,
            } => write!(
                f,
                "member {member} of the JWK has {found} octets where its curve has {expected}"
            ),
        }
    }
}

impl core::error::Error for KeyError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Structure(cause) => Some(cause),
            Self::Unusable(cause) => Some(cause),
            Self::Secret(cause) => Some(cause),
            _ => None,
        }
    }
}

impl From<BadCertificate> for KeyError {
    fn from(cause: BadCertificate) -> Self {
        Self::Structure(cause)
    }
}

impl From<UnusableKey> for KeyError {
    fn from(cause: UnusableKey) -> Self {
        Self::Unusable(cause)
    }
}

/// What a file seems to be.
enum Form<'a> {
    Jwk(&'a str),
    Pem(&'a str),
    Der(&'a [u8]),
}

fn form(file: &[u8]) -> Result<Form<'_>, KeyError> {
    if file.len() > LARGEST_FILE {
        return Err(KeyError::Unrecognised);
    }
    match core::str::from_utf8(file) {
        Ok(text) if text.trim_start().starts_with('{') => Ok(Form::Jwk(text)),
        Ok(text) if text.contains("-----BEGIN ") => Ok(Form::Pem(text)),
        _ if file.first() == Some(&SEQUENCE) => Ok(Form::Der(file)),
        _ => Err(KeyError::Unrecognised),
    }
}

/// Reads a private key from a file of whatever form: PEM, DER or JWK.
///
/// # Errors
/// [`KeyError`] saying what is wrong with it.
pub fn secret_from_file(file: &[u8]) -> Result<SecretKey, KeyError> {
    match form(file)? {
        Form::Jwk(text) => secret_from_jwk(text),
        Form::Pem(text) => secret_from_pem(text),
        Form::Der(der) => secret_from_der(der),
    }
}

/// Reads a public key from a file of whatever form: PEM or DER of a key or a certificate, or JWK.
///
/// # Errors
/// [`KeyError`] saying what is wrong with it.
pub fn public_from_file(file: &[u8]) -> Result<PublicKey, KeyError> {
    match form(file)? {
        Form::Jwk(text) => public_from_jwk(text),
        Form::Pem(text) => public_from_pem(text),
        Form::Der(der) => match Certificate::from_der(der) {
            Ok(certificate) => Ok(certificate.public_key()?),
            Err(_) => Ok(public_key(der)?),
        },
    }
}

/// Reads the first private key of a PEM text: `PRIVATE KEY` (PKCS#8) or `EC PRIVATE KEY` (SEC 1).
///
/// # Errors
/// [`KeyError::Encrypted`] for one that needs a passphrase, otherwise what is wrong with it.
pub fn secret_from_pem(text: &str) -> Result<SecretKey, KeyError> {
    if text.len() > LARGEST_FILE {
        return Err(KeyError::Unrecognised);
    }
    let mut otherwise = KeyError::Unrecognised;
    for block in pem_blocks(text) {
        match block.label {
            "ENCRYPTED PRIVATE KEY" => return Err(KeyError::Encrypted),
            "PRIVATE KEY" | "EC PRIVATE KEY" if block.is_encrypted() => return Err(KeyError::OldEncryption),
            "PRIVATE KEY" => {
                return scrubbed(|| secret_from_pkcs8(&block.decode().ok_or(KeyError::Base64)?));
            }
            "EC PRIVATE KEY" => {
                return scrubbed(|| secret_from_sec1(&block.decode().ok_or(KeyError::Base64)?, None));
            }
            "PUBLIC KEY" | "CERTIFICATE" => otherwise = KeyError::PublicOnly,
            _ => {} // such as EC PARAMETERS, which `openssl ecparam -genkey` puts in front
        }
    }
    Err(otherwise)
}

/// Reads a private key in DER: PKCS#8 or SEC 1.
///
/// # Errors
/// [`KeyError::Encrypted`] for one that needs a passphrase, otherwise what is wrong with it.
pub fn secret_from_der(der: &[u8]) -> Result<SecretKey, KeyError> {
    const WHAT: &str = "private key";
    let mut parts = Reader::only(der, SEQUENCE, WHAT)?.inside();
    let first = parts.any(WHAT)?;
    // EncryptedPrivateKeyInfo begins with an algorithm, SubjectPublicKeyInfo as well: they differ in what follows.
    let second = parts.any(WHAT)?;
    match (first.tag, first.value, second.tag) {
        (INTEGER, [0 | 1], SEQUENCE) => scrubbed(|| secret_from_pkcs8(der)),
        (INTEGER, [1], OCTET_STRING) => scrubbed(|| secret_from_sec1(der, None)),
        (SEQUENCE, _, OCTET_STRING) => Err(KeyError::Encrypted),
        (SEQUENCE, _, BIT_STRING | SEQUENCE) => Err(KeyError::PublicOnly),
        _ => Err(KeyError::Unrecognised),
    }
}

/// `OneAsymmetricKey` (RFC 5958, 2), version 1 or 2.
fn secret_from_pkcs8(der: &[u8]) -> Result<SecretKey, KeyError> {
    const WHAT: &str = "PKCS#8 private key";
    let mut parts = Reader::only(der, SEQUENCE, WHAT)?.inside();
    let version = parts.one(INTEGER, WHAT)?;
    if !matches!(version.value, [0 | 1]) {
        return Err(version.bad(WHAT).into());
    }
    let curve = algorithm_curve(&mut parts.one(SEQUENCE, WHAT)?.inside())?;
    let key = parts.one(OCTET_STRING, WHAT)?;
    parts.optional(constructed(0), WHAT)?; // attributes
    let public = parts.optional(0x81, WHAT)?;
    parts.end(WHAT)?;
    let secret = if curve.is_octet_string() {
        // CurvePrivateKey: an OCTET STRING inside the OCTET STRING (RFC 8410, 7).
        let seed = Reader::only(key.value, OCTET_STRING, WHAT)?;
        SecretKey::from_bytes(curve, seed.value).map_err(KeyError::Secret)?
    } else {
        secret_from_sec1(key.value, Some(curve))?
    };
    if let Some(public) = public {
        compare(&secret, public.whole_octets(WHAT)?)?;
    }
    Ok(secret)
}

/// `ECPrivateKey` (RFC 5915, 3); inside PKCS#8 the curve may be left out.
fn secret_from_sec1(der: &[u8], curve: Option<Curve>) -> Result<SecretKey, KeyError> {
    const WHAT: &str = "EC private key";
    let mut parts = Reader::only(der, SEQUENCE, WHAT)?.inside();
    let version = parts.one(INTEGER, WHAT)?;
    if version.value != [1] {
        return Err(version.bad(WHAT).into());
    }
    let key = parts.one(OCTET_STRING, WHAT)?;
    let named = match parts.optional(constructed(0), WHAT)? {
        Some(explicit) => {
            let mut inside = explicit.inside();
            let Some(name) = inside.optional(OBJECT_IDENTIFIER, WHAT)? else {
                return Err(UnusableKey::NotNamed.into());
            };
            inside.end(WHAT)?;
            let name = oid::Oid::from_content(name.value).ok_or(name.bad(WHAT))?;
            Some(oid::named_curve(name).ok_or_else(|| UnusableKey::Curve(name.to_string()))?)
        }
        None => None,
    };
    let public = parts.optional(constructed(1), WHAT)?;
    parts.end(WHAT)?;
    let curve = match (curve, named) {
        (Some(a), Some(b)) if a != b => return Err(KeyError::Mismatch),
        (Some(curve), _) | (None, Some(curve)) => curve,
        (None, None) => return Err(UnusableKey::NotNamed.into()),
    };
    let secret = SecretKey::from_bytes(curve, key.value).map_err(KeyError::Secret)?;
    if let Some(public) = public {
        let mut inside = public.inside();
        let octets = inside.one(BIT_STRING, WHAT)?.whole_octets(WHAT)?;
        inside.end(WHAT)?;
        compare(&secret, octets)?;
    }
    Ok(secret)
}

fn compare(secret: &SecretKey, public: &[u8]) -> Result<(), KeyError> {
    match PublicKey::from_bytes(secret.curve(), public) {
        Ok(public) if public == *secret.public_key() => Ok(()),
        _ => Err(KeyError::Mismatch),
    }
}

/// Reads the first public key of a PEM text: `PUBLIC KEY`, or that of a `CERTIFICATE`.
///
/// # Errors
/// [`KeyError`] saying what is wrong with it.
pub fn public_from_pem(text: &str) -> Result<PublicKey, KeyError> {
    if text.len() > LARGEST_FILE {
        return Err(KeyError::Unrecognised);
    }
    for block in pem_blocks(text) {
        match block.label {
            "PUBLIC KEY" => return Ok(public_key(&block.decode().ok_or(KeyError::Base64)?)?),
            "CERTIFICATE" | "X509 CERTIFICATE" => {
                let der = block.decode().ok_or(KeyError::Base64)?;
                return Ok(Certificate::from_der(&der)?.public_key()?);
            }
            _ => {}
        }
    }
    Err(KeyError::Unrecognised)
}

/// Writes a private key as PKCS#8 PEM, with its public key inside as OpenSSL does it.
#[must_use]
pub fn secret_to_pem(key: &SecretKey) -> Zeroizing<String> {
    scrubbed(|| encode_pem("PRIVATE KEY", &secret_to_pkcs8(key)))
}

/// `OneAsymmetricKey` of version 1 (RFC 5958, 2).
fn secret_to_pkcs8(key: &SecretKey) -> Zeroizing<Vec<u8>> {
    let octets = Zeroizing::new(tlv(OCTET_STRING, &[key.dangerous_bytes()]));
    let inner = if key.curve().is_octet_string() {
        octets
    } else {
        let public = tlv(BIT_STRING, &[&[0], key.public_key().as_bytes()]);
        let public = tlv(constructed(1), &[&public]);
        Zeroizing::new(tlv(SEQUENCE, &[&[INTEGER, 1, 1], &octets, &public]))
    };
    let inner = Zeroizing::new(tlv(OCTET_STRING, &[&inner]));
    let algorithm = key_algorithm_der(key.curve());
    Zeroizing::new(tlv(SEQUENCE, &[&[INTEGER, 1, 0], &algorithm, &inner]))
}

/// Writes a public key as `PUBLIC KEY` PEM.
#[must_use]
pub fn public_to_pem(key: &PublicKey) -> String {
    encode_pem("PUBLIC KEY", &public_key_der(key)).to_string()
}

#[cfg(test)]
mod tests;
