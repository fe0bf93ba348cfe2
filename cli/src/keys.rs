//! Keys and certificates from files; keys in tokens.

mod secrets;
mod source;
pub mod token;

use core::error::Error;
use std::fs::Metadata;
use std::io::Read as _;
use std::path::Path;

use mdoc_core::cbor::{Embedded, Item};
use mdoc_core::cose;
use mdoc_core::crypto::{PublicKey, SecretKey, fastest};
use mdoc_core::keys::{self, KeyError};
use mdoc_core::limits::Limits;
use mdoc_core::seams::{Signer, SoftwareKey};
use mdoc_core::x509::Certificate;
use zeroize::Zeroizing;

pub use self::secrets::{NEW_PASSPHRASE, PASSPHRASE, PIN, new_passphrase};
pub use self::source::KeySource;
use crate::failure::Failure;
use crate::input::{Form, Input, claim_stdin, display, is_stdio, open};
use crate::log;
use crate::recognise::Structure;

/// Bytes beyond a file's length, so that its end is found without a larger buffer, also where the length is not right.
const ROOM_BEHIND: usize = 4096;

/// Reads a private key: PEM (PKCS#8 or SEC 1), DER or JWK.
///
/// The passphrase of an encrypted one comes from [`PASSPHRASE`], or is asked for on the terminal. A file that others than its owner can read is refused, on systems that have such a notion.
///
/// # Errors
/// [`Failure`] that names the file; nothing of what was read is ever in it.
pub fn secret_key(path: &Path) -> Result<SecretKey, Failure> {
    let name = display(path);
    let (bytes, metadata) = read_secret(path, keys::LARGEST_FILE)?;
    if bytes.is_empty() {
        return Err(Failure::new(format!("{name} is empty")).hint("give the file with the private key"));
    }
    tracing::debug!(path = name, bytes = bytes.len(), "key file read");
    let key = match keys::secret_from_file(&bytes) {
        Err(KeyError::Encrypted) => None,
        other => Some(other.map_err(|error| no_secret_key(&name, &bytes, &error))?),
    };
    // Not before it is known to be a key: of a photograph it would be an odd thing to say.
    owner_alone(path, metadata.as_ref(), "a private key")?;
    let encrypted = key.is_none();
    let key = match key {
        Some(key) => key,
        None => {
            let passphrase = secrets::passphrase(&name)?;
            keys::secret_from_encrypted(&bytes, passphrase.as_bytes())
                .map_err(|error| no_secret_key(&name, &bytes, &error))?
        }
    };
    opened(&name, key.public_key(), encrypted);
    Ok(key)
}

/// Reads a text with a secret in it, of at most so many octets, from a file that its owner alone can use. `what` is what
/// it is, with an article.
///
/// # Errors
/// [`Failure`] that names the file; nothing of what was read is ever in it.
pub fn secret_text(path: &Path, what: &str, largest: usize) -> Result<Zeroizing<String>, Failure> {
    let name = display(path);
    let (mut bytes, metadata) = read_secret(path, largest)?;
    owner_alone(path, metadata.as_ref(), what)?;
    if bytes.len() > largest {
        return Err(Failure::new(format!("{name} is too large to be {what}")));
    }
    let text = String::from_utf8(core::mem::take(&mut *bytes)).map_err(|failed| {
        let _wiped = Zeroizing::new(failed.into_bytes());
        Failure::new(format!("{name} is no text"))
    })?;
    Ok(Zeroizing::new(text))
}

/// The octets of a file, or of standard input, and one more than the most if there are more; with what is known of the
/// file.
fn read_secret(path: &Path, largest: usize) -> Result<(Zeroizing<Vec<u8>>, Option<Metadata>), Failure> {
    let name = display(path);
    let mut bytes = Zeroizing::new(Vec::new());
    let most = u64::try_from(largest).unwrap_or(u64::MAX);
    // Room for all of it from the beginning: a buffer that grows leaves copies behind.
    let mut room = |len: u64| {
        let len = usize::try_from(len).map_or(largest, |len| len.min(largest));
        bytes.reserve_exact(len + ROOM_BEHIND);
    };
    let mut metadata = None;
    let read = if is_stdio(path) {
        claim_stdin()?;
        room(most);
        std::io::stdin().lock().take(most + 1).read_to_end(&mut bytes)
    } else {
        let file = open(path)?;
        // Asked of the open file, so that it cannot be exchanged in between.
        let found = file
            .metadata()
            .map_err(|error| Failure::new(format!("{name} cannot be read: {error}")))?;
        room(if found.is_file() { found.len() } else { most });
        metadata = Some(found);
        file.take(most + 1).read_to_end(&mut bytes)
    };
    read.map_err(|error| Failure::new(format!("{name} cannot be read: {error}")))?;
    Ok((bytes, metadata))
}

/// Logs which private key was opened, by its public half.
fn opened(place: &str, key: &PublicKey, encrypted: bool) {
    let (curve, fingerprint) = (key.curve(), || log::fingerprint(key));
    tracing::info!(path = place, %curve, fingerprint = fingerprint(), encrypted, "private key opened");
}

/// Why a file is no private key; of what is in it nothing but its kind is said.
fn no_secret_key(name: &str, bytes: &[u8], error: &KeyError) -> Failure {
    if matches!(
        error,
        KeyError::PublicOnly | KeyError::Unrecognised | KeyError::Jwk { .. }
    ) {
        // Not a key of anybody, so that a copy does no harm.
        let input = Input::recognise(name.to_owned(), bytes.to_vec());
        let kind = input.kind();
        let jwk = matches!(error, KeyError::Jwk { member } if *member != "kty");
        if kind != "a private key" && kind != "a certificate or key in DER" && !jwk {
            return Failure::new(format!("{name} is {kind}, a private key is expected")).hint(
                "a private key is a PEM file with `BEGIN PRIVATE KEY`, such as ds.key.pem, or a JWK with `d`",
            );
        }
    }
    let failure = Failure::new(format!(
        "no private key can be read from {name}: {}",
        sentence(error)
    ));
    match error {
        KeyError::PublicOnly => failure.hint("give the file with the private key, such as ds.key.pem"),
        KeyError::Passphrase => failure.hint(format!(
            "see whether {PASSPHRASE} or what was typed is the passphrase of this file"
        )),
        KeyError::OldEncryption | KeyError::Encryption(_) | KeyError::EncryptionCost => failure.hint(format!(
            "encrypt it anew: `(umask 077; openssl pkcs8 -topk8 -v2 aes-256-cbc -v2prf hmacWithSHA256 -in {name} \
             -out new.key.pem)`"
        )),
        _ => failure.hint("a private key is a PEM file with `BEGIN PRIVATE KEY`, or a JWK with `d`"),
    }
}

/// Finds a private key that is to sign, wherever it is.
///
/// # Errors
/// [`Failure`] that names the place; nothing secret is in it.
pub fn signer(source: &KeySource) -> Result<Box<dyn Signer>, Failure> {
    match source {
        KeySource::File(path) => Ok(Box::new(software_key(path)?)),
        KeySource::Token(uri) => {
            let signer = token::signer(uri)?;
            opened(&source.to_string(), signer.public_key(), false);
            Ok(signer)
        }
    }
}

/// The public half of a key: of a private one wherever it is, or a public one in a file.
///
/// # Errors
/// [`Failure`] that names the place.
pub fn public_half(source: &KeySource) -> Result<PublicKey, Failure> {
    let KeySource::File(path) = source else {
        return Ok(signer(source)?.public_key().clone());
    };
    let input = Input::read(path)?;
    if input.form != Form::Cbor && keys::public_from_file(&input.bytes).is_err() {
        let private = keys::secret_from_file(&input.bytes);
        if matches!(private, Ok(_) | Err(KeyError::Encrypted)) && !is_stdio(path) {
            return Ok(secret_key(path)?.public_key().clone());
        }
        return private.map(|key| key.public_key().clone()).map_err(|_| {
            input
                .not("a key")
                .hint("give a key in PEM, DER or JWK, a certificate, or a pkcs11: URI")
        });
    }
    public_in(&input)
}

/// Reads a private key from a file and makes it ready to sign and to agree on secrets.
///
/// # Errors
/// [`Failure`] that names the file.
pub fn software_key(path: &Path) -> Result<SoftwareKey, Failure> {
    SoftwareKey::with_backend(secret_key(path)?, fastest())
        .map_err(|error| Failure::new(format!("the key in {} cannot sign: {error}", display(path))))
}

/// Refuses a file with a secret that others than its owner can use.
fn owner_alone(path: &Path, metadata: Option<&Metadata>, what: &str) -> Result<(), Failure> {
    let Some(mode) = metadata.and_then(mode_for_others) else {
        return Ok(());
    };
    let name = path.display();
    Err(Failure::new(format!(
        "{name} is {what} that others can use: its mode is {mode:04o}, it must be for its owner alone"
    ))
    .hint(format!(
        "if nobody has taken it yet, `chmod 600 {name}`; otherwise make a new one"
    )))
}

/// The mode of a file, if others than its owner can use it.
#[cfg(unix)]
fn mode_for_others(metadata: &Metadata) -> Option<u32> {
    let mode = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o7777;
    (metadata.is_file() && mode & 0o077 != 0).then_some(mode)
}

#[cfg(not(unix))]
fn mode_for_others(_: &Metadata) -> Option<u32> {
    None
}

/// Reads a public key: PEM or DER of a key or a certificate, JWK, or a `COSE_Key` in CBOR.
///
/// # Errors
/// [`Failure`] that names the file.
pub fn public_key(path: &Path) -> Result<PublicKey, Failure> {
    public_in(&Input::read(path)?)
}

fn public_in(input: &Input) -> Result<PublicKey, Failure> {
    let name = &input.name;
    match input.form {
        Form::Cbor => cose_key(input),
        Form::Pem | Form::Der | Form::Json => keys::public_from_file(&input.bytes).map_err(|error| {
            if input.kind() == "a private key" {
                return Failure::new(format!("{name} is a private key, a public key is expected")).hint(
                    format!("write its public half to a file: `mdoc-issuer key show {name} > public.pem`"),
                );
            }
            Failure::new(format!(
                "no public key can be read from {name}: {}",
                sentence(&error)
            ))
            .hint("a public key is a PEM file, a certificate, a JWK or a COSE_Key")
        }),
        _ => Err(input.not("a public key")),
    }
}

fn cose_key(input: &Input) -> Result<PublicKey, Failure> {
    let broken = |error: &dyn Error| {
        Failure::new(format!(
            "no public key can be read from {}: {}",
            input.name,
            sentence(error)
        ))
        .hint("a public key is a PEM file, a certificate, a JWK or a COSE_Key")
    };
    let item = Item::parse(&input.bytes, &Limits::DEFAULT).map_err(|error| broken(&error))?;
    if Structure::of(item) != Structure::CoseKey {
        let found = Structure::of(item).words();
        return Err(
            Failure::new(format!("{} is {found}, a public key is expected", input.name))
                .hint("a public key is a PEM file, a certificate, a JWK or a COSE_Key"),
        );
    }
    match Embedded::new(item) {
        Ok(embedded) => {
            let inner = embedded.item(&Limits::DEFAULT).map_err(|error| broken(&error))?;
            cose::key::decode(inner).map_err(|error| broken(&error))
        }
        Err(_) => cose::key::decode(item).map_err(|error| broken(&error)),
    }
}

/// Reads all certificates of a file: PEM, one or more, or DER. At least one.
///
/// # Errors
/// [`Failure`] that names the file.
pub fn certificates(path: &Path) -> Result<Vec<Certificate>, Failure> {
    let input = Input::read(path)?;
    let found = certificates_in(&input)?;
    if found.is_empty() {
        return Err(input.not("a certificate"));
    }
    Ok(found)
}

/// Reads the one certificate of a file; of a bundle the first, which is the leaf.
///
/// # Errors
/// [`Failure`] that names the file.
pub fn certificate(path: &Path) -> Result<Certificate, Failure> {
    let input = Input::read(path)?;
    let first = certificates_in(&input)?.into_iter().next();
    first.ok_or_else(|| input.not("a certificate"))
}

/// All certificates in what was read; none if it is something else.
///
/// # Errors
/// [`Failure`] if one of them is broken.
pub fn certificates_in(input: &Input) -> Result<Vec<Certificate>, Failure> {
    let broken = |error: &dyn Error| {
        Failure::new(format!(
            "{} holds a broken certificate: {}",
            input.name,
            sentence(error)
        ))
        .hint("get the file again from where it came")
    };
    match input.form {
        Form::Pem => {
            Certificate::all_from_pem(&String::from_utf8_lossy(&input.bytes)).map_err(|e| broken(&e))
        }
        Form::Der => match Certificate::from_der(&input.bytes) {
            Ok(certificate) => Ok(vec![certificate]),
            // Keys are DER as well.
            Err(_) if keys::public_from_file(&input.bytes).is_ok() => Ok(Vec::new()),
            Err(_) if keys::secret_from_file(&input.bytes).is_ok() => Ok(Vec::new()),
            Err(error) => Err(broken(&error)),
        },
        _ => Ok(Vec::new()),
    }
}

/// An error with its causes, as one sentence.
#[must_use]
pub fn sentence(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(found) = cause {
        text.push_str(": ");
        text.push_str(&found.to_string());
        cause = found.source();
    }
    text
}

#[cfg(test)]
mod tests;
