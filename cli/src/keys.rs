//! Keys, certificates and trust anchors from files; keys in tokens.

mod secrets;
mod source;
pub mod token;

use core::error::Error;
use std::fs::{self, Metadata};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use mdoc_core::cbor::{Embedded, Item};
use mdoc_core::cose;
use mdoc_core::crypto::{PublicKey, RustCrypto, SecretKey};
use mdoc_core::keys::{self, KeyError};
use mdoc_core::limits::Limits;
use mdoc_core::seams::{Signer, SoftwareKey};
use mdoc_core::x509::Certificate;
use zeroize::Zeroizing;

pub use self::secrets::{NEW_PASSPHRASE, PASSPHRASE, PIN, new_passphrase};
pub use self::source::KeySource;
use crate::failure::Failure;
use crate::input::{Form, Input, claim_stdin, display, is_stdio, open};
use crate::recognise::Structure;

/// The most files that are looked at in a folder of trust anchors.
const MOST_FILES: usize = 10_000;

/// Reads a private key: PEM (PKCS#8 or SEC 1), DER or JWK.
///
/// The passphrase of an encrypted one comes from [`PASSPHRASE`], or is asked for on the terminal. A file that others than its owner can read is refused, on systems that have such a notion.
///
/// # Errors
/// [`Failure`] that names the file; nothing of what was read is ever in it.
pub fn secret_key(path: &Path) -> Result<SecretKey, Failure> {
    let name = display(path);
    let mut bytes = Zeroizing::new(Vec::new());
    let most = u64::try_from(keys::LARGEST_FILE).unwrap_or(u64::MAX);
    // Room for all of it from the beginning: a buffer that grows leaves copies behind.
    bytes.reserve_exact(keys::LARGEST_FILE + 64);
    let mut metadata = None;
    let read = if is_stdio(path) {
        claim_stdin()?;
        std::io::stdin().lock().take(most + 1).read_to_end(&mut bytes)
    } else {
        let file = open(path)?;
        // Asked of the open file, so that it cannot be exchanged in between.
        let found = file
            .metadata()
            .map_err(|error| Failure::new(format!("{name} cannot be read: {error}")))?;
        metadata = Some(found);
        file.take(most + 1).read_to_end(&mut bytes)
    };
    read.map_err(|error| Failure::new(format!("{name} cannot be read: {error}")))?;
    if bytes.is_empty() {
        return Err(Failure::new(format!("{name} is empty")).hint("give the file with the private key"));
    }
    let key = match keys::secret_from_file(&bytes) {
        Err(KeyError::Encrypted) => None,
        other => Some(other.map_err(|error| no_secret_key(&name, &bytes, &error))?),
    };
    // Not before it is known to be a key: of a photograph it would be an odd thing to say.
    if let Some(metadata) = metadata {
        owner_alone(path, &metadata)?;
    }
    if let Some(key) = key {
        return Ok(key);
    }
    let passphrase = secrets::passphrase(&name)?;
    keys::secret_from_encrypted(&bytes, passphrase.as_bytes())
        .map_err(|error| no_secret_key(&name, &bytes, &error))
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
        KeySource::Token(uri) => token::signer(uri),
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
    SoftwareKey::new(secret_key(path)?)
        .map_err(|error| Failure::new(format!("the key in {} cannot sign: {error}", display(path))))
}

fn owner_alone(path: &Path, metadata: &Metadata) -> Result<(), Failure> {
    let Some(mode) = mode_for_others(metadata) else {
        return Ok(());
    };
    let name = path.display();
    Err(Failure::new(format!(
        "{name} is a private key that others can use: its mode is {mode:04o}, it must be for its owner alone"
    ))
    .hint(format!(
        "if nobody has taken it yet, `chmod 600 {name}`; otherwise make a new key"
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

/// Certificates to start from, and what was odd about the files that they came from.
#[derive(Debug, Clone, Default)]
pub struct TrustAnchors {
    /// The certificates, in the order of the files' names, none twice.
    pub certificates: Vec<Certificate>,
    /// Sentences about files of a folder that hold no certificate, or a broken one.
    pub warnings: Vec<String>,
}

/// Reads trust anchors from files and folders.
///
/// Of a folder, and of the folders right in it, all `*.pem`, `*.der`, `*.crt` and `*.cer` are taken, except
/// that `*.key.pem` are private keys by the names we give and are not opened, and that a certificate of a
/// signer or reader is no anchor beside the root that issued it: that root is to be asked about it.
///
/// # Errors
/// [`Failure`] if a path cannot be read, a file named by itself holds no certificate, or there is none at all.
pub fn trust_anchors<P: AsRef<Path>>(paths: &[P]) -> Result<TrustAnchors, Failure> {
    let mut anchors = TrustAnchors::default();
    let mut named = Vec::new();
    for path in paths.iter().map(AsRef::as_ref) {
        if !path.is_dir() {
            let found = anchors.readable(&Input::read(path)?)?;
            named.extend(found.iter().map(Certificate::fingerprint));
            anchors.add(found);
            continue;
        }
        let mut files = Vec::new();
        candidates(path, true, &mut files)?;
        let before = anchors.certificates.len() + anchors.warnings.len();
        for file in &files {
            match Input::read(file).and_then(|input| anchors.readable_or_none(&input)) {
                Ok(found) if found.is_empty() => anchors.warnings.push(format!(
                    "{} holds no certificate and is passed over",
                    file.display()
                )),
                Ok(found) => anchors.add(found),
                Err(failure) => anchors.warnings.push(failure.message),
            }
        }
        if anchors.certificates.len() + anchors.warnings.len() == before && files.is_empty() {
            anchors.warnings.push(format!(
                "{} has no *.pem, *.der, *.crt or *.cer file",
                path.display()
            ));
        }
    }
    anchors.leave_out_leaves(&named);
    if anchors.certificates.is_empty() {
        let why = anchors
            .warnings
            .first()
            .map_or(String::new(), |warning| format!(": {warning}"));
        return Err(Failure::new(format!("no trust anchor was found{why}")).hint(
            "give a certificate in PEM or DER, or a folder of them, such as that of `mdoc-issuer pki iaca`",
        ));
    }
    Ok(anchors)
}

impl TrustAnchors {
    /// The anchors of a file; of a bundle those that can be read, with a warning about the others.
    fn readable(&mut self, input: &Input) -> Result<Vec<Certificate>, Failure> {
        let found = self.readable_or_none(input)?;
        if found.is_empty() {
            Err(input.not("a certificate"))
        } else {
            Ok(found)
        }
    }

    fn readable_or_none(&mut self, input: &Input) -> Result<Vec<Certificate>, Failure> {
        if input.form != Form::Pem {
            return certificates_in(input);
        }
        let (found, broken) = Certificate::readable_from_pem(&String::from_utf8_lossy(&input.bytes));
        if found.is_empty() {
            return certificates_in(input);
        }
        for error in broken {
            let text = sentence(&error);
            self.warnings.push(format!(
                "a certificate in {} is broken and passed over: {text}",
                input.name
            ));
        }
        Ok(found)
    }

    fn add(&mut self, found: Vec<Certificate>) {
        for certificate in found {
            if !self.certificates.contains(&certificate) {
                self.certificates.push(certificate);
            }
        }
    }

    /// Leaves out end-entity certificates that another one here issued, but for those that were `named`.
    fn leave_out_leaves(&mut self, named: &[[u8; 32]]) {
        let issued = |leaf: &Certificate| {
            let is_ca = matches!(leaf.basic_constraints(), Some(Ok(constraints)) if constraints.ca);
            !is_ca
                && self.certificates.iter().any(|root| {
                    root != leaf
                        && root.subject_der() == leaf.issuer_der()
                        && root
                            .public_key()
                            .is_ok_and(|key| leaf.verify_signed_by(&key, &RustCrypto).is_ok())
                })
        };
        let keep = |leaf: &&Certificate| named.contains(&leaf.fingerprint()) || !issued(leaf);
        self.certificates = self.certificates.iter().filter(keep).cloned().collect();
    }
}

fn candidates(folder: &Path, enter: bool, files: &mut Vec<PathBuf>) -> Result<(), Failure> {
    let listed = fs::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let entries = listed.map_err(|error| {
        Failure::new(format!(
            "the folder {} cannot be listed: {error}",
            folder.display()
        ))
        .hint(format!("see who may with `ls -ld {}`", folder.display()))
    })?;
    let mut paths: Vec<PathBuf> = entries.into_iter().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            if enter {
                candidates(&path, false, files)?;
            }
        } else if is_certificate_name(&path) {
            if files.len() == MOST_FILES {
                return Err(Failure::new(format!(
                    "{} has more than {MOST_FILES} certificate files",
                    folder.display()
                ))
                .hint("give a folder with nothing but trust anchors"));
            }
            files.push(path);
        }
    }
    Ok(())
}

fn is_certificate_name(path: &Path) -> bool {
    let name = path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .to_lowercase();
    let certificate = [".pem", ".der", ".crt", ".cer"]
        .iter()
        .any(|end| name.ends_with(end));
    certificate && !name.ends_with(".key.pem")
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
