//! Files as users have them: read within a limit, and recognised by what is in them, not by their names.

mod form;

use core::fmt;
use std::borrow::Cow;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use mdoc_core::cbor::Item;
use mdoc_core::engagement::EngagementUri;
use mdoc_core::error::{DecodeError, Fault};
use mdoc_core::limits::Limits;
use zeroize::Zeroizing;

use self::form::recognise;
pub use self::form::{Form, LARGEST_TEXT, Writing};
use crate::failure::Failure;
use crate::nearest::nearest;
use crate::recognise::Structure;

/// The largest file that is read, in bytes: 64 MiB.
pub const LARGEST_FILE: u64 = 64 << 20;

/// The name that stands for standard input, and for standard output.
pub const STDIN: &str = "-";

/// Whether standard input was read already.
static STDIN_READ: AtomicBool = AtomicBool::new(false);

/// A file that was read and recognised.
#[derive(Clone, PartialEq, Eq)]
pub struct Input {
    /// How to call it in messages: the path as given, or `standard input`.
    pub name: String,
    /// What is in it.
    pub form: Form,
    /// How that was written.
    pub writing: Writing,
    /// The content; hexadecimal digits and base64 undone, PEM, JSON and URIs as they are.
    /// Wiped when dropped: somebody may give a private key where something else is expected.
    pub bytes: Zeroizing<Vec<u8>>,
}

impl fmt::Debug for Input {
    /// Without the content: it may be a private key, or a person's data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            name, form, bytes, ..
        } = self;
        write!(f, "Input({name}, {form:?}, {} bytes)", bytes.len())
    }
}

impl Input {
    /// Reads and recognises a file, or standard input for `-`.
    ///
    /// # Errors
    /// [`Failure`] if it cannot be read, is empty or too large.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let input = read_bytes(path).map(|bytes| Self::recognise(display(path), bytes))?;
        tracing::debug!(
            path = input.name,
            bytes = input.bytes.len(),
            kind = input.kind(),
            "file read"
        );
        Ok(input)
    }

    /// Recognises bytes that are there already.
    #[must_use]
    pub fn recognise(name: String, bytes: Vec<u8>) -> Self {
        let (form, writing, decoded) = recognise(&bytes);
        let bytes = Zeroizing::new(bytes);
        let bytes = decoded.map_or(bytes, Zeroizing::new);
        Self {
            name,
            form,
            writing,
            bytes,
        }
    }

    /// What it is, with an article: `a JPEG picture`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self.form {
            Form::Cbor => match Item::parse(&self.bytes, &Limits::VICAL).map(Structure::of) {
                Ok(structure) => structure.words(),
                Err(_) => "CBOR that is cut off or damaged",
            },
            Form::Pem => self.pem_kind(),
            Form::Der => "a certificate or key in DER",
            Form::Json => "JSON",
            Form::EngagementUri => "an mdoc: URI",
            Form::Jpeg => "a JPEG picture",
            Form::Other(kind) => kind,
            Form::Text => "text",
            Form::Unknown => "of an unknown kind",
        }
    }

    fn pem_kind(&self) -> &'static str {
        let text = String::from_utf8_lossy(&self.bytes);
        if text.contains("PRIVATE KEY-----") {
            "a private key"
        } else if text.contains("-----BEGIN CERTIFICATE-----") {
            "a certificate"
        } else if text.contains("PUBLIC KEY-----") {
            "a public key"
        } else {
            "a PEM file"
        }
    }

    /// The content as text.
    ///
    /// # Errors
    /// [`Failure`] if it is not UTF-8.
    pub fn text(&self) -> Result<&str, Failure> {
        core::str::from_utf8(&self.bytes)
            .map(|text| text.trim_start_matches('\u{feff}'))
            .map_err(|_| {
                Failure::new(format!("{} is not text in UTF-8", self.name))
                    .hint("save it again as UTF-8, with an editor")
            })
    }

    /// The content as CBOR, of an `mdoc:` URI that which is in it. `expected` is what the command wants,
    /// with an article: `an mdoc`.
    ///
    /// # Errors
    /// [`Failure`] that says what it is instead. Whether the CBOR is well-formed is not asked here.
    pub fn cbor(&self, expected: &str) -> Result<Cow<'_, [u8]>, Failure> {
        match self.form {
            Form::Cbor => Ok(Cow::Borrowed(&self.bytes)),
            Form::EngagementUri => {
                let uri = EngagementUri::parse(self.text()?).map_err(|error| {
                    Failure::new(format!("{} is no usable mdoc: URI: {error}", self.name))
                        .hint("copy the whole text of the QR code: mdoc: and what follows, without a gap")
                })?;
                Ok(Cow::Owned(uri.bytes))
            }
            Form::Text | Form::Unknown => Err(self.not(expected).hint(
                "CBOR is taken raw, as hexadecimal digits and as base64url; the file may be cut off or not what its name says",
            )),
            _ => Err(self.not(expected)),
        }
    }

    /// The failure of CBOR that does not decode as what is expected: what it is instead, if that is known, or
    /// else where the decoder stopped.
    #[must_use]
    pub fn undecodable(&self, expected: Structure, error: &DecodeError) -> Failure {
        let found = Item::parse(&self.bytes, &Limits::VICAL).map_or(Structure::Unknown, Structure::of);
        if found != Structure::Unknown && found != expected {
            return self.not(expected.words());
        }
        let failure = Failure::new(format!("{} is not {}: {error}", self.name, expected.words()));
        match error.fault() {
            Fault::Truncated => failure.hint("the file is cut off; get it again from where it came"),
            _ => failure.hint(format!("`mdoc-issuer inspect {}` shows what is in it", self.name)),
        }
    }

    /// The failure of a file of the wrong kind: `portrait.jpg is a JPEG picture, an mdoc is expected`.
    #[must_use]
    pub fn not(&self, expected: &str) -> Failure {
        let message = format!("{} is {}, {expected} is expected", self.name, self.kind());
        let hint = match self.form {
            Form::Jpeg | Form::Other(_) => "give the file itself, not a picture or an archive of it",
            Form::Pem if self.pem_kind() == "a private key" => {
                "a private key goes with an option such as --signer-key or --key"
            }
            Form::Pem | Form::Der => "`mdoc-issuer inspect FILE` shows what is in a certificate",
            Form::Json => "JSON is taken as user data (`mdoc-issuer issue --data`) and as a JWK",
            Form::Cbor => "`mdoc-issuer inspect FILE` shows what is in it",
            Form::EngagementUri => "this is the text of a QR code, not what came after it was scanned",
            Form::Text | Form::Unknown => "the file may be cut off, or not what its name says",
        };
        Failure::new(message).hint(hint)
    }
}

/// The path as it is called in messages.
#[must_use]
pub fn display(path: &Path) -> String {
    if is_stdio(path) {
        "standard input".to_owned()
    } else {
        path.display().to_string()
    }
}

/// Whether the path is `-`.
#[must_use]
pub fn is_stdio(path: &Path) -> bool {
    path.as_os_str() == STDIN
}

/// Reads a file, or standard input for `-`, but no more of it than tells that it is too large.
///
/// # Errors
/// [`Failure`] if it cannot be read, is empty or too large.
pub fn read_bytes(path: &Path) -> Result<Vec<u8>, Failure> {
    if is_stdio(path) {
        claim_stdin()?;
        return read_from(io::stdin().lock(), "standard input");
    }
    read_from(open(path)?, &display(path))
}

/// Notes that standard input is read, which goes once.
///
/// # Errors
/// [`Failure`] if it was read already.
pub(crate) fn claim_stdin() -> Result<(), Failure> {
    if STDIN_READ.swap(true, Ordering::Relaxed) {
        return Err(
            Failure::new("standard input is given for two files and can be read only once")
                .hint("write one of them to a file, and name it instead of `-`"),
        );
    }
    Ok(())
}

/// Opens a file that is to be read.
///
/// # Errors
/// [`Failure`] if it cannot be opened, with a name that may have been meant.
pub fn open(path: &Path) -> Result<File, Failure> {
    let name = display(path);
    // Asked first: opening a folder for reading succeeds on some systems, and a pipe may wait for ever.
    if path.is_dir() {
        return Err(Failure::new(format!("{name} is a folder, a file is expected"))
            .hint(format!("name a file in it; `ls {name}` shows them")));
    }
    File::open(path).map_err(|error| unreadable(path, &error))
}

/// The failure of a path that cannot be opened, in words.
pub(crate) fn unreadable(path: &Path, error: &io::Error) -> Failure {
    let name = display(path);
    match error.kind() {
        ErrorKind::NotFound => {
            let folder = path
                .parent()
                .filter(|folder| !folder.as_os_str().is_empty())
                .unwrap_or(Path::new("."));
            if !folder.is_dir() {
                return Failure::new(format!(
                    "{name} does not exist: there is no folder {}",
                    folder.display()
                ))
                .hint("check the spelling of the path");
            }
            let hint = similar_name(path, folder).map_or_else(
                || "check the spelling of the path".to_owned(),
                |similar| format!("did you mean {similar}?"),
            );
            Failure::new(format!("{name} does not exist")).hint(hint)
        }
        ErrorKind::PermissionDenied => Failure::new(format!("you are not permitted to read {name}"))
            .hint(format!("see who may with `ls -l {name}`")),
        ErrorKind::NotADirectory => {
            Failure::new(format!("{name} does not exist: a part of its path is a file"))
                .hint("check the spelling of the path")
        }
        _ => Failure::new(format!("{name} cannot be read: {error}")),
    }
}

fn similar_name(path: &Path, folder: &Path) -> Option<String> {
    let wanted = path.file_name()?.to_str()?;
    let entries = fs::read_dir(folder).ok()?.take(10_000);
    let names: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect();
    let found = nearest(wanted, names.iter().map(String::as_str))?;
    Some(path.with_file_name(found).display().to_string())
}

fn read_from(mut source: impl Read, name: &str) -> Result<Vec<u8>, Failure> {
    // Room for a key file from the beginning: a buffer that grows leaves copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(64 * 1024));
    source
        .by_ref()
        .take(LARGEST_FILE + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| Failure::new(format!("{name} cannot be read: {error}")))?;
    if u64::try_from(bytes.len()).is_ok_and(|len| len > LARGEST_FILE) {
        return Err(Failure::new(format!("{name} is larger than 64 MiB"))
            .hint("documents have some kilobytes; this is probably another file"));
    }
    if bytes.is_empty() {
        return Err(Failure::new(format!("{name} is empty"))
            .hint("the command that should have written it has probably failed"));
    }
    Ok(core::mem::take(&mut *bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wrong_kind_of_file_is_named() {
        let jpeg = Input::recognise("portrait.jpg".to_owned(), vec![0xff, 0xd8, 0xff, 0xe0]);
        let failure = jpeg.cbor("an mdoc").unwrap_err();
        assert_eq!(
            failure.message,
            "portrait.jpg is a JPEG picture, an mdoc is expected"
        );
        assert!(failure.hint.is_some());
        let key = Input::recognise("k".to_owned(), b"-----BEGIN PRIVATE KEY-----".to_vec());
        assert_eq!(
            key.cbor("an mdoc").unwrap_err().message,
            "k is a private key, an mdoc is expected"
        );
    }

    #[test]
    fn a_file_that_is_not_there_has_a_neighbour() {
        let folder = std::env::temp_dir().join(format!("mdoc-cli-input-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("document.mdoc"), [0xa0]).unwrap();
        fs::write(folder.join("nothing"), []).unwrap();
        let failure = Input::read(&folder.join("documnet.mdoc")).unwrap_err();
        assert!(failure.message.ends_with("documnet.mdoc does not exist"));
        assert!(failure.hint.unwrap().ends_with("document.mdoc?"));
        assert!(Input::read(&folder).unwrap_err().message.contains("is a folder"));
        assert!(
            Input::read(&folder.join("nothing"))
                .unwrap_err()
                .message
                .ends_with("is empty")
        );
        let missing = Input::read(&folder.join("no/file")).unwrap_err();
        assert!(missing.message.contains("there is no folder"), "{missing}");
        assert!(Input::read(&folder.join("document.mdoc")).is_ok());
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn what_is_too_large_is_not_read_to_its_end() {
        let failure = read_from(io::repeat(1), "zero").unwrap_err();
        assert_eq!(failure.message, "zero is larger than 64 MiB");
    }
}
