//! What was fetched, kept on the disk: for the next document, and for when there is no network.
//!
//! A folder with a file for each answer, named after a digest of what was asked. Folder and files are for their owner
//! alone, since whoever guesses an address finds its digest: names would tell which lists were looked at. A folder that is
//! there already keeps the rights that it was given.
//!
//! Files are never changed: a newer answer is written beside the older one, whole and on the disk, and takes its name then.
//! So neither a kill nor two programs at once leave half an answer, and one that is damaged all the same is not there. What
//! is kept is what was received; who signed it is checked each time.

use std::fs::{self, DirEntry, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, SystemTime};

use mdoc_cli::Failure;
use mdoc_cli::output::{self, Existing, NewFile, make_private_folder};
use mdoc_core::crypto::{Backend as _, DigestAlgorithm, RustCrypto};
use mdoc_core::time::Timestamp;
use serde::{Deserialize, Serialize};

/// The most that a folder holds, in octets and in answers; the oldest go first.
pub const LARGEST_CACHE: Size = Size {
    octets: 64 << 20,
    answers: 1_000,
};

/// The largest header line.
const LARGEST_HEADER: usize = 1_024;

/// For how long a file may be on its way to its name.
const UNFINISHED: Duration = Duration::from_secs(3_600);

/// How often, and how long after each other, the lock of a folder is tried for: a second in all.
const LOCK_ATTEMPTS: u32 = 100;
const LOCK_PAUSE: Duration = Duration::from_millis(10);

/// The form of the files; others are passed over.
const VERSION: u8 = 1;

/// Bounds of a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Of all files together.
    pub octets: u64,
    /// Number of files.
    pub answers: usize,
}

/// What was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key(String);

impl Key {
    /// Of the kind of question, its address, and what was asked beside it.
    #[must_use]
    pub fn of(kind: &str, url: &str, question: &[u8]) -> Self {
        let lengths =
            [kind.len(), url.len()].map(|length| u64::try_from(length).unwrap_or_default().to_be_bytes());
        let [kind_length, url_length] = &lengths;
        let parts: [&[u8]; 5] = [kind_length, kind.as_bytes(), url_length, url.as_bytes(), question];
        let digest = RustCrypto.digest(DigestAlgorithm::Sha256, &parts);
        Self(base16ct::lower::encode_string(digest.as_ref()))
    }
}

/// An answer as it was received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// When it was received, or when the server last said that it is still the present one.
    pub fetched: Timestamp,
    /// The validator that came with it.
    pub etag: Option<String>,
    /// The octets.
    pub bytes: Vec<u8>,
}

/// The first line of a file; the octets follow.
#[derive(Serialize, Deserialize)]
struct Header {
    version: u8,
    fetched: i64,
    etag: Option<String>,
    sha256: String,
}

/// A folder of answers.
#[derive(Debug, Clone)]
pub struct Cache {
    folder: PathBuf,
    size: Size,
}

impl Cache {
    /// The folder is made when something is first kept.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            size: LARGEST_CACHE,
        }
    }

    /// The same with other bounds.
    #[must_use]
    pub const fn bounded(mut self, size: Size) -> Self {
        self.size = size;
        self
    }

    /// The folder of the user for caches of this program: `mdoc-verifier` in `XDG_CACHE_HOME`, in `~/.cache`, on macOS
    /// in `~/Library/Caches`, on Windows in `LOCALAPPDATA`. None if the environment names none of them.
    #[must_use]
    pub fn default_folder() -> Option<PathBuf> {
        let folder = |name: &str| {
            let path = PathBuf::from(std::env::var_os(name)?);
            path.is_absolute().then_some(path) // the specification of XDG has others ignored
        };
        let of_user = || {
            if cfg!(windows) {
                return folder("LOCALAPPDATA");
            }
            let below = if cfg!(target_os = "macos") {
                "Library/Caches"
            } else {
                ".cache"
            };
            Some(folder("HOME")?.join(below))
        };
        Some(folder("XDG_CACHE_HOME").or_else(of_user)?.join("mdoc-verifier"))
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The answer that is kept, if it is whole.
    #[must_use]
    pub fn get(&self, key: &Key) -> Option<Kept> {
        let path = self.path(key);
        let length = fs::metadata(&path).ok()?.len();
        if length > self.size.octets {
            return None;
        }
        let content = fs::read(path).ok()?;
        let head = content.get(..content.len().min(LARGEST_HEADER))?;
        let end = head.iter().position(|octet| *octet == b'\n')?;
        let header: Header = serde_json::from_slice(content.get(..end)?).ok()?;
        let bytes = content.get(end + 1..)?.to_vec();
        (header.version == VERSION && header.sha256 == digest(&bytes)).then(|| Kept {
            fetched: Timestamp::from_unix(header.fetched),
            etag: header.etag,
            bytes,
        })
    }

    /// Keeps an answer in the place of the one before, if there is one, and lets the oldest go if there is no room.
    ///
    /// `newer` is asked, about the answer that is there by then, whether this one is to take its place: two programs may
    /// have asked at the same time. One that is larger than the whole folder may be is not kept.
    ///
    /// # Errors
    /// [`Failure`] with what was kept before still there.
    pub fn keep(&self, key: &Key, kept: &Kept, newer: impl Fn(&Kept) -> bool) -> Result<(), Failure> {
        let header = Header {
            version: VERSION,
            fetched: kept.fetched.unix(),
            etag: kept.etag.clone(),
            sha256: digest(&kept.bytes),
        };
        let mut content = serde_json::to_vec(&header).unwrap_or_default();
        content.push(b'\n');
        if content.len() > LARGEST_HEADER {
            return Err(Failure::new(
                "the answer has a validator that is too long to be kept",
            ));
        }
        content.extend_from_slice(&kept.bytes);
        if u64::try_from(content.len()).is_ok_and(|length| length > self.size.octets) {
            return Ok(());
        }
        make_private_folder(&self.folder)?;
        let _lock = self.lock();
        if self.get(key).is_some_and(|there| !newer(&there)) {
            return Ok(());
        }
        let file = NewFile {
            path: &self.path(key),
            content: &content,
            secret: true,
        };
        output::write(file, Existing::Replace)?;
        self.make_room();
        Ok(())
    }

    fn path(&self, key: &Key) -> PathBuf {
        self.folder.join(format!("{}.answer", key.0))
    }

    /// Held until the value goes. Where the system cannot lock, or another program does not let go, two at once may keep the
    /// older of two answers; both are whole and signed.
    fn lock(&self) -> Option<File> {
        let mut options = File::options();
        options.create(true).truncate(false).write(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(self.folder.join("lock")).ok()?;
        for _ in 0..LOCK_ATTEMPTS {
            match file.try_lock() {
                Ok(()) => return Some(file),
                Err(TryLockError::WouldBlock) => sleep(LOCK_PAUSE),
                Err(TryLockError::Error(_)) => return None,
            }
        }
        None
    }

    /// Removes the oldest above the bounds, and what a kill left behind.
    fn make_room(&self) {
        let mut answers = Vec::new();
        for entry in fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            let Ok((changed, length)) = state(&entry) else {
                continue;
            };
            if name.ends_with(".answer") {
                answers.push((changed, length, entry.path()));
            } else if name.ends_with(".tmp") && changed.elapsed().is_ok_and(|since| since > UNFINISHED) {
                let _ = fs::remove_file(entry.path());
            }
        }
        answers.sort();
        let mut octets: u64 = answers.iter().map(|(_, length, _)| length).sum();
        let mut number = answers.len();
        for (_, length, path) in &answers {
            if octets <= self.size.octets && number <= self.size.answers {
                break;
            }
            let _ = fs::remove_file(path);
            octets = octets.saturating_sub(*length);
            number -= 1;
        }
    }
}

fn state(entry: &DirEntry) -> io::Result<(SystemTime, u64)> {
    let metadata = entry.metadata()?;
    Ok((metadata.modified()?, metadata.len()))
}

fn digest(bytes: &[u8]) -> String {
    base16ct::lower::encode_string(RustCrypto.digest(DigestAlgorithm::Sha256, &[bytes]).as_ref())
}

#[cfg(test)]
mod tests;
