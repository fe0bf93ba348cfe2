//! A folder of documents with their keys, under a passphrase.
//!
//! `wallet.key.pem` is a private key under the passphrase (PKCS#8, scrypt); no signature is ever made with it. Each record,
//! what was collected at one time, is a file `ID.record`: four bytes of magic, 32 random bytes, and JSON sealed with
//! AES-256-GCM under a key that is derived (HKDF with SHA-256) from the private key, the random bytes and the ID. Whoever
//! has the folder without the passphrase learns how many records there are and how large.
//!
//! Every file is for its owner alone, is written beside its place, brought to the disk and moved there: after a crash each
//! record is there as it was before or after. One program at a time has a wallet open.

mod record;
#[cfg(test)]
mod tests;

use std::fs::{self, File, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use mdoc_cli::Failure;
use mdoc_cli::output::{self, Existing, NewFile};
use mdoc_core::crypto::{Backend, CryptoRng, Curve, SecretKey};
use mdoc_core::keys::{Kdf, secret_to_encrypted_pem};
use mdoc_core::scrub::scrubbed;
use zeroize::Zeroizing;

pub use self::record::{Held, Record, State};
use crate::collect::Received;

/// The key of the wallet.
const KEY: &str = "wallet.key.pem";

/// Held by the program that has the wallet open.
const LOCK: &str = "wallet.lock";

/// What the name of a record ends in.
const SUFFIX: &str = ".record";

/// What a record begins with: the version is the last of it.
const MAGIC: [u8; 4] = *b"MDW1";

/// The largest record that is read, in bytes.
const LARGEST: u64 = 256 << 20;

/// An open wallet.
pub struct Wallet<'a> {
    folder: PathBuf,
    master: SecretKey,
    backend: &'a dyn Backend,
    /// Unlocked when dropped.
    _lock: File,
}

impl core::fmt::Debug for Wallet<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Wallet({})", self.folder.display())
    }
}

/// Where the key of a wallet is: a file to read with `mdoc_cli::keys::secret_key`.
#[must_use]
pub fn key_path(folder: &Path) -> PathBuf {
    folder.join(KEY)
}

/// Whether there is a wallet.
#[must_use]
pub fn exists(folder: &Path) -> bool {
    key_path(folder).exists()
}

/// Makes a wallet in a folder that has none, and gives its key.
///
/// # Errors
/// [`Failure`] if there is one already, or it cannot be written.
pub fn create(folder: &Path, passphrase: &[u8], rng: &mut dyn CryptoRng) -> Result<SecretKey, Failure> {
    output::make_folder(folder)?;
    owner_alone(folder)?;
    let master = SecretKey::generate(Curve::P256, rng);
    let pem = secret_to_encrypted_pem(&master, passphrase, Kdf::Scrypt, rng)
        .map_err(|error| Failure::new(error.to_string()))?;
    let file = NewFile {
        path: &key_path(folder),
        content: pem.as_bytes(),
        secret: true,
    };
    output::write(file, Existing::Keep)?;
    Ok(master)
}

#[cfg(unix)]
fn owner_alone(folder: &Path) -> Result<(), Failure> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).map_err(|error| {
        Failure::new(format!(
            "{} cannot be kept from others: {error}",
            folder.display()
        ))
    })
}

#[cfg(not(unix))]
fn owner_alone(_: &Path) -> Result<(), Failure> {
    Ok(())
}

impl<'a> Wallet<'a> {
    /// Opens a wallet with its key.
    ///
    /// # Errors
    /// [`Failure`] if another program has it open, or it cannot be written to.
    pub fn open(folder: &Path, master: SecretKey, backend: &'a dyn Backend) -> Result<Self, Failure> {
        let path = folder.join(LOCK);
        let name = path.display();
        let mut options = File::options();
        options.create(true).truncate(false).write(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let lock = options
            .open(&path)
            .map_err(|error| Failure::new(format!("{name} cannot be opened: {error}")))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Failure::new(format!(
                    "the wallet {} is in use by another program",
                    folder.display()
                ))
                .hint("wait until that has ended"));
            }
            Err(TryLockError::Error(error)) => {
                return Err(Failure::new(format!("{name} cannot be locked: {error}")));
            }
        }
        Ok(Self {
            folder: folder.to_owned(),
            master,
            backend,
            _lock: lock,
        })
    }

    /// A new name for a record: eight letters and digits.
    #[must_use]
    pub fn new_id(&self, rng: &mut dyn CryptoRng) -> String {
        const LETTERS: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz234567890";
        loop {
            let mut bytes = [0; 8];
            rng.fill_bytes(&mut bytes);
            let letter = |byte: u8| LETTERS.get(usize::from(byte % 32)).copied().map(char::from);
            let id: String = bytes.into_iter().filter_map(letter).collect();
            if !self.path(&id).exists() {
                return id;
            }
        }
    }

    fn path(&self, id: &str) -> PathBuf {
        self.folder.join(format!("{id}{SUFFIX}"))
    }

    /// Writes a record; when this returns it is on the disk.
    ///
    /// # Errors
    /// [`Failure`] with what was there before untouched.
    pub fn write(&self, record: &Record, rng: &mut dyn CryptoRng) -> Result<(), Failure> {
        let plain = record.encode()?;
        let mut salt = [0; 32];
        rng.fill_bytes(&mut salt);
        let sealed = scrubbed(|| {
            let key = self.key(&record.id, &salt);
            // The key is for this one message, so any IV will do.
            self.backend.seal(&key, &[0; 12], &plain)
        });
        let content = [&MAGIC[..], &salt, &sealed].concat();
        let file = NewFile {
            path: &self.path(&record.id),
            content: &content,
            secret: true,
        };
        output::write(file, Existing::Replace)
    }

    /// Keeps what was received: the documents, and when they are on the disk, the badge. Gives why a badge that came is not
    /// kept; nothing about it costs the documents.
    ///
    /// # Errors
    /// [`Failure`] if the documents are not kept, with what was there before untouched.
    pub fn keep(
        &self,
        record: &mut Record,
        received: &Received,
        rng: &mut dyn CryptoRng,
    ) -> Result<Option<Failure>, Failure> {
        record.take(received);
        self.write(record, rng)?;
        let kept = match record.take_badge(received) {
            Ok(true) => self.write(record, rng),
            Ok(false) => Ok(()),
            Err(fault) => Err(Failure::new(fault.to_string())),
        };
        Ok(kept.err().inspect(|_| record.badge = None))
    }

    fn key(&self, id: &str, salt: &[u8; 32]) -> Zeroizing<[u8; 32]> {
        let info = [b"mdoc-holder wallet record ", id.as_bytes()].concat();
        self.backend
            .hkdf_sha256(self.master.dangerous_bytes(), salt, &info)
    }

    /// Reads a record.
    ///
    /// # Errors
    /// [`Failure`] if there is none, or it was damaged or is not of this wallet.
    pub fn read(&self, id: &str) -> Result<Record, Failure> {
        let unknown = || {
            Failure::new(format!("the wallet has no record {id}"))
                .hint("`mdoc-holder list` names those it has")
        };
        if !id.bytes().all(|byte| byte.is_ascii_alphanumeric()) || id.is_empty() {
            return Err(unknown());
        }
        let path = self.path(id);
        let name = path.display();
        let cannot = |error: std::io::Error| match error.kind() {
            ErrorKind::NotFound => unknown(),
            _ => Failure::new(format!("{name} cannot be read: {error}")),
        };
        let damaged = || {
            Failure::new(format!("{name} is damaged, or is not of this wallet"))
                .hint("take it from a copy of the folder, or collect the document again")
        };
        if fs::metadata(&path).map_err(cannot)?.len() > LARGEST {
            return Err(damaged());
        }
        let content = fs::read(&path).map_err(cannot)?;
        let (magic, rest) = content.split_first_chunk::<4>().ok_or_else(damaged)?;
        let (salt, sealed) = rest.split_first_chunk::<32>().ok_or_else(damaged)?;
        if *magic != MAGIC {
            return Err(damaged());
        }
        let plain = scrubbed(|| self.backend.open(&self.key(id, salt), &[0; 12], sealed));
        let plain = plain.map_err(|_| damaged())?;
        Record::decode(id, &plain).ok_or_else(damaged)
    }

    /// All records, the earliest first, and the names of files that are none.
    ///
    /// # Errors
    /// [`Failure`] if the folder cannot be read.
    pub fn records(&self) -> Result<(Vec<Record>, Vec<String>), Failure> {
        let cannot = |error| Failure::new(format!("{} cannot be read: {error}", self.folder.display()));
        let (mut records, mut damaged) = (Vec::new(), Vec::new());
        for entry in fs::read_dir(&self.folder).map_err(cannot)? {
            let name = entry.map_err(cannot)?.file_name();
            let name = name.to_string_lossy();
            // A file beside its place, left by a crash, begins with a dot.
            let Some(id) = name.strip_suffix(SUFFIX).filter(|id| !id.starts_with('.')) else {
                continue;
            };
            match self.read(id) {
                Ok(record) => records.push(record),
                Err(_) => damaged.push(name.into_owned()),
            }
        }
        records.sort_by(|a, b| (a.collected, &a.id).cmp(&(b.collected, &b.id)));
        damaged.sort();
        Ok((records, damaged))
    }

    /// Removes a record with all its documents and keys.
    ///
    /// # Errors
    /// [`Failure`] if there is none.
    pub fn delete(&self, id: &str) -> Result<(), Failure> {
        self.read(id)?;
        let path = self.path(id);
        fs::remove_file(&path)
            .map_err(|error| Failure::new(format!("{} cannot be removed: {error}", path.display())))?;
        // So that it does not come back after a crash; not all systems can open a folder.
        if let Ok(folder) = File::open(&self.folder) {
            let _ = folder.sync_all();
        }
        Ok(())
    }
}
