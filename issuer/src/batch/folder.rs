//! A folder of documents with a line of results for each record, which a kill at any moment leaves in order.
//!
//! ```text
//! batch.json          what is issued of which file: compared when the batch is resumed
//! results.jsonl       a line a record, in the order of the file
//! documents/NAME.mdoc or documents/0000/NAME.mdoc, and NAME-1.mdoc and so on for copies
//! .unfinished/        documents that do not count yet; removed when the batch is resumed
//! .lock               held by the process that works here
//! ```
//!
//! A document is written to `.unfinished` and on the disk before it is moved to its place; the moves are on the disk
//! before the result lines are written. So after a kill or a loss of power a document without a line is whole and in
//! its place, and is taken over instead of being made a second time; and a line without a document cannot be.
//! The disk is waited for by groups of records, which is what makes it fast.

mod disk;
mod results;
mod state;

use core::fmt;
use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use self::disk::Disk;
pub use self::results::Before;
use self::results::{line, open_results};
pub use self::state::Identity;
use self::state::{changes, read_state, write_state};
use super::{Name, Outcome, Sink, SinkError};

/// The file that says what the batch is.
pub const STATE: &str = "batch.json";
/// The file with the results.
pub const RESULTS: &str = "results.jsonl";
const DOCUMENTS: &str = "documents";
const UNFINISHED: &str = ".unfinished";
const LOCK: &str = ".lock";
/// Documents up to which one folder holds them all.
const FLAT: u64 = 5_000;
/// Records in one folder of more.
const SHARD: u64 = 1_000;

/// Why a folder cannot be used.
#[derive(Debug)]
#[non_exhaustive]
pub enum FolderError {
    /// A file in it cannot be read or written.
    Io(SinkError),
    /// Another process works in it.
    Locked,
    /// There is a batch in it already.
    Begun,
    /// There is something else in it.
    NotEmpty,
    /// It has another batch: what is different, in words.
    Changed(Vec<String>),
    /// A file in it is not as this program writes it.
    Damaged {
        /// Which file.
        file: &'static str,
        /// The line, from 1.
        line: u64,
    },
}

impl fmt::Display for FolderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::Locked => f.write_str("another process works in the folder"),
            Self::Begun => f.write_str("a batch was begun in the folder already"),
            Self::NotEmpty => f.write_str("the folder has other files in it"),
            Self::Changed(changes) => {
                f.write_str("the batch in the folder is another one")?;
                changes.iter().try_for_each(|change| write!(f, "\n  {change}"))
            }
            Self::Damaged { file, line } => {
                write!(f, "{file} is damaged in line {line}")
            }
        }
    }
}

impl core::error::Error for FolderError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Io(error) => error.source(),
            _ => None,
        }
    }
}

impl From<SinkError> for FolderError {
    fn from(error: SinkError) -> Self {
        Self::Io(error)
    }
}

/// A folder in which this process alone works.
pub struct Folder {
    root: PathBuf,
    sharded: bool,
    copies: u32,
    resumed: bool,
    results: Mutex<File>,
    disk: Disk,
    temporary: AtomicU64,
    /// Folders whose entries are on the disk.
    shards: Mutex<BTreeSet<PathBuf>>,
    /// Held until this value is dropped.
    _lock: File,
}

impl Folder {
    /// Takes a folder, makes it if it is not there, and reads how far the batch in it is. With `resume` it goes on with
    /// one that was begun, and begins one if there is none.
    ///
    /// The identity comes back with the key of the positions that the batch was begun with.
    ///
    /// # Errors
    /// [`FolderError`]; nothing was changed then but for `.lock`.
    pub fn open(
        root: &Path,
        mut identity: Identity,
        resume: bool,
    ) -> Result<(Self, Identity, Before), FolderError> {
        make(root)?;
        // Before the lock, which would be one more file in somebody else's folder.
        if !root.join(STATE).exists() {
            only_ours(root)?;
        }
        let lock = lock(root)?;
        let state = root.join(STATE);
        let begun = read_state(&state)?;
        match &begun {
            Some(_) if !resume => return Err(FolderError::Begun),
            Some(found) => {
                let changes = changes(found, &identity);
                if !changes.is_empty() {
                    return Err(FolderError::Changed(changes));
                }
                identity.places_key.clone_from(&found.places_key);
            }
            None => only_ours(root)?,
        }
        let unfinished = root.join(UNFINISHED);
        if unfinished.exists() {
            fs::remove_dir_all(&unfinished).map_err(at(".unfinished cannot be removed"))?;
        }
        fs::create_dir(&unfinished).map_err(at(".unfinished cannot be made"))?;
        if begun.is_none() {
            write_state(root, &identity)?;
        }
        fs::create_dir_all(root.join(DOCUMENTS)).map_err(at("documents cannot be made"))?;
        let (results, before) = open_results(root)?;
        sync(root)?;
        let folder = Self {
            root: root.to_owned(),
            sharded: identity.records.saturating_mul(u64::from(identity.copies)) > FLAT,
            copies: identity.copies,
            resumed: begun.is_some(),
            results: Mutex::new(results),
            disk: Disk::of(root).map_err(at("the folder cannot be opened"))?,
            temporary: AtomicU64::new(0),
            shards: Mutex::default(),
            _lock: lock,
        };
        Ok((folder, identity, before))
    }

    /// As on systems that cannot wait for all files at once.
    #[cfg(test)]
    pub(super) fn wait_for_each(&mut self) {
        self.disk = Disk::Each;
    }

    /// Where a document is, from the folder of the batch.
    fn place(&self, name: Name<'_>) -> PathBuf {
        let stem = file_name(name.id);
        let file = if self.copies == 1 {
            format!("{stem}.mdoc")
        } else {
            format!("{stem}-{}.mdoc", name.copy)
        };
        let folder = Path::new(DOCUMENTS);
        if self.sharded {
            folder
                .join(format!("{:04}", (name.number.saturating_sub(1)) / SHARD))
                .join(file)
        } else {
            folder.join(file)
        }
    }
}

/// A document in the folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Where it is, or will be: from the folder of the batch.
    pub place: PathBuf,
    /// Where it is until it counts; none if it counts.
    unfinished: Option<PathBuf>,
}

impl Sink for Folder {
    type Kept = Kept;

    fn find(&self, name: Name<'_>) -> Result<Option<(Vec<u8>, Kept)>, SinkError> {
        if !self.resumed {
            return Ok(None);
        }
        let place = self.place(name);
        match fs::read(self.root.join(&place)) {
            Ok(bytes) => Ok(Some((
                bytes,
                Kept {
                    place,
                    unfinished: None,
                },
            ))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(cause) => Err(SinkError {
                what: "a document of the run before cannot be read".to_owned(),
                cause,
            }),
        }
    }

    fn keep(&self, name: Name<'_>, document: &[u8]) -> Result<Kept, SinkError> {
        let count = self.temporary.fetch_add(1, Ordering::Relaxed);
        let unfinished = self.root.join(UNFINISHED).join(count.to_string());
        let written = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&unfinished)
            .and_then(|mut file| file.write_all(document));
        written.map_err(at("a document cannot be written"))?;
        Ok(Kept {
            place: self.place(name),
            unfinished: Some(unfinished),
        })
    }

    fn commit(&self, outcomes: Vec<Outcome<Kept>>) -> Result<(), SinkError> {
        let documents = outcomes
            .iter()
            .flat_map(|outcome| outcome.result.iter().flatten());
        let unfinished: Vec<_> = documents
            .filter_map(|document| document.kept.unfinished.as_deref())
            .collect();
        self.disk
            .keep(&unfinished)
            .map_err(at("documents cannot be written to the disk"))?;
        let mut touched = BTreeSet::new();
        let mut lines = Vec::new();
        for outcome in &outcomes {
            for document in outcome.result.iter().flatten() {
                let place = self.root.join(&document.kept.place);
                let folder = place.parent().unwrap_or(&self.root).to_owned();
                if let Some(unfinished) = &document.kept.unfinished {
                    self.shard(&folder)?;
                    fs::rename(unfinished, &place).map_err(at("a document cannot be moved to its place"))?;
                }
                touched.insert(folder);
            }
            lines.extend_from_slice(line(outcome).as_bytes());
        }
        for folder in &touched {
            sync(folder)?;
        }
        let mut results = self.results.lock().unwrap_or_else(PoisonError::into_inner);
        results
            .write_all(&lines)
            .and_then(|()| results.sync_data())
            .map_err(at("results.jsonl cannot be written"))
    }
}

impl Folder {
    /// Makes the folder of a shard, once.
    fn shard(&self, folder: &Path) -> Result<(), SinkError> {
        let mut shards = self.shards.lock().unwrap_or_else(PoisonError::into_inner);
        if !shards.contains(folder) {
            fs::create_dir_all(folder).map_err(at("a folder for documents cannot be made"))?;
            sync(folder.parent().unwrap_or(&self.root))?;
            shards.insert(folder.to_owned());
        }
        Ok(())
    }
}

/// A sink that keeps no documents: for records that are only checked. Lines of results go to a writer, if there is one.
#[derive(Debug, Default)]
pub struct Lines<W>(Mutex<Option<W>>);

impl<W: io::Write> Lines<W> {
    /// Writes the lines to `writer`, if there is one.
    #[must_use]
    pub const fn new(writer: Option<W>) -> Self {
        Self(Mutex::new(writer))
    }

    /// The writer again, with all lines written to it.
    #[must_use]
    pub fn into_inner(self) -> Option<W> {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<W: io::Write + Send> Sink for Lines<W> {
    type Kept = Kept;

    fn find(&self, _: Name<'_>) -> Result<Option<(Vec<u8>, Kept)>, SinkError> {
        Ok(None)
    }

    fn keep(&self, _: Name<'_>, _: &[u8]) -> Result<Kept, SinkError> {
        Err(SinkError {
            what: "no documents are kept here".to_owned(),
            cause: io::ErrorKind::Unsupported.into(),
        })
    }

    fn commit(&self, outcomes: Vec<Outcome<Kept>>) -> Result<(), SinkError> {
        let mut writer = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(writer) = writer.as_mut() else {
            return Ok(());
        };
        for outcome in &outcomes {
            writer
                .write_all(line(outcome).as_bytes())
                .map_err(at("the results cannot be written"))?;
        }
        Ok(())
    }
}

/// The name of the files of a record: what is not a letter, digit, `-`, `_` or `.` of ASCII is written `%XX`.
pub(super) fn file_name(id: &str) -> String {
    let mut name = String::with_capacity(id.len());
    for (at, byte) in id.bytes().enumerate() {
        match byte {
            b'.' if at == 0 => name.push_str("%2E"),
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => name.push(char::from(byte)),
            other => name.push_str(&format!("%{other:02X}")),
        }
    }
    name
}

/// Makes a folder, and the folders that it is in, if they are not there.
fn make(folder: &Path) -> Result<(), SinkError> {
    let new: Vec<_> = folder.ancestors().take_while(|folder| !folder.exists()).collect();
    fs::create_dir_all(folder).map_err(at("the folder cannot be made"))?;
    for parent in new.into_iter().filter_map(Path::parent) {
        let here = parent.as_os_str().is_empty();
        sync(if here { Path::new(".") } else { parent })?;
    }
    Ok(())
}

/// Refuses a folder with anything but what a batch leaves that was broken off while it began.
fn only_ours(root: &Path) -> Result<(), FolderError> {
    for entry in fs::read_dir(root).map_err(at("the folder cannot be listed"))? {
        let name = entry.map_err(at("the folder cannot be listed"))?.file_name();
        if name != LOCK && name != UNFINISHED {
            return Err(FolderError::NotEmpty);
        }
    }
    Ok(())
}

fn lock(root: &Path) -> Result<File, FolderError> {
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .open(root.join(LOCK))
        .map_err(at(".lock cannot be made"))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(FolderError::Locked),
        Err(TryLockError::Error(error)) => Err(at(".lock cannot be locked")(error).into()),
    }
}

/// Makes the names in a folder survive a loss of power; not every system can.
fn sync(folder: &Path) -> Result<(), SinkError> {
    #[cfg(unix)]
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(at("a folder cannot be written to the disk"))?;
    #[cfg(not(unix))]
    let _ = folder;
    Ok(())
}

fn at(what: &str) -> impl Fn(io::Error) -> SinkError {
    move |cause| SinkError {
        what: what.to_owned(),
        cause,
    }
}
