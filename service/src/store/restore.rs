//! Putting a copy of the SQLite file into its place: what it is, whether it is whole, and what the one before had besides.

use core::fmt;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use mdoc_core::time::Timestamp;
use rusqlite::{Connection, OpenFlags};

use super::sqlite::{create, error, is_busy, sync_folder};
use super::transaction::Session;
use super::{StoreError, Tx, migrate};
use crate::usecase::audit::{self, Broken, Entry};
use crate::usecase::authority::Actor;

/// By how much the numbers of lists jump: those that were opened after the copy was made are not in it, and what they said
/// must not be said of other documents.
const GAP: i64 = 1000;

/// What a copy has in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contents {
    /// The version of its schema.
    pub schema: i64,
    /// People.
    pub people: i64,
    /// Documents.
    pub documents: i64,
    /// Entries of the audit trail.
    pub entries: i64,
    /// The digest of the last of them.
    pub digest: Vec<u8>,
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// What the copy had in it.
    pub contents: Contents,
    /// Where the database is now that was there before.
    pub kept: Option<PathBuf>,
    /// What the database before had besides, if it could be read and the copy is of an earlier state of it.
    pub lost: Option<Lost>,
}

/// What was done after the copy was made.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Lost {
    /// Acts, by the names of the audit trail, and how often each was done.
    pub acts: BTreeMap<String, i64>,
    /// What has to be done again because the copy undoes it, the first of it first: `document.cancel SERIAL`,
    /// `client.disable ID`, `role.withdraw ROLE PERSON`.
    pub again: Vec<String>,
}

/// Why a copy was not put into its place. Everything is as it was.
#[derive(Debug)]
#[non_exhaustive]
pub enum RestoreError {
    /// The copy is no database of this program, or cannot be read.
    Unusable(StoreError),
    /// SQLite finds that it is damaged.
    Damaged(String),
    /// Its audit trail does not hold.
    Trail(Broken),
    /// There is a database already.
    Exists,
    /// A service, or another program, has the database open.
    InUse,
    /// Files could not be written or moved.
    File(io::Error),
    /// What belongs to a database that is not there: it would be taken for a part of the copy.
    LeftOver(PathBuf),
}

impl fmt::Display for RestoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unusable(why) => write!(f, "the copy cannot be used: {why}"),
            Self::Damaged(why) => write!(f, "the copy is damaged: {why}"),
            Self::Trail(why) => write!(f, "the audit trail of the copy does not hold: {why}"),
            Self::Exists => f.write_str("there is a database already"),
            Self::InUse => f.write_str("a program has the database open"),
            Self::File(why) => write!(f, "the copy was not put into its place: {why}"),
            Self::LeftOver(path) => write!(f, "{} is there, of a database that is not", path.display()),
        }
    }
}

impl core::error::Error for RestoreError {}

impl From<io::Error> for RestoreError {
    fn from(why: io::Error) -> Self {
        Self::File(why)
    }
}

/// Looks into a copy without changing it.
///
/// # Errors
/// [`RestoreError`] with what is wrong with it.
pub fn examine(copy: &Path) -> Result<Contents, RestoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let unusable = |why: rusqlite::Error| RestoreError::Unusable(error(&why));
    let connection = Connection::open_with_flags(copy, flags).map_err(unusable)?;
    let whole: String = connection
        .query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))
        .map_err(unusable)?;
    if whole != "ok" {
        return Err(RestoreError::Damaged(whole));
    }
    contents(&connection)
}

fn contents(connection: &Connection) -> Result<Contents, RestoreError> {
    let mut tx = Tx::new(Session::Sqlite(connection));
    let schema = migrate::check(&mut tx).map_err(RestoreError::Unusable)?;
    let mut count = |sql: &str| {
        let found = tx.value::<i64>(sql, &[]).map_err(RestoreError::Unusable)?;
        Ok::<_, RestoreError>(found.unwrap_or_default())
    };
    let (people, documents) = (
        count("SELECT COUNT(*) FROM person")?,
        count("SELECT COUNT(*) FROM document")?,
    );
    let chain = audit::verify(&mut tx).map_err(RestoreError::Unusable)?;
    let chain = chain.map_err(RestoreError::Trail)?;
    let (entries, digest) = chain.head();
    Ok(Contents {
        schema,
        people,
        documents,
        entries,
        digest: digest.to_vec(),
    })
}

/// Puts a copy into the place of the database. What is there is replaced only if that is wanted, and kept beside it.
///
/// The copy is written anew and examined where it will be used, and its lists are closed: entries that were given away
/// after it was made are given to nobody else. The trail says that `actor` did it.
///
/// # Errors
/// [`RestoreError`]; the database is as it was then.
pub fn restore(
    (copy, place): (&Path, &Path),
    replace: bool,
    now: Timestamp,
    actor: &Actor,
) -> Result<Restored, RestoreError> {
    let contents = examine(copy)?;
    if place.exists() && !replace {
        return Err(RestoreError::Exists);
    }
    if !place.exists() {
        let parts = ["-wal", "-shm", "-journal"].map(|part| beside(place, part));
        if let Some(part) = parts.into_iter().find(|part| part.exists()) {
            return Err(RestoreError::LeftOver(part));
        }
    }
    let new = beside(place, ".restoring");
    let _left_over = fs::remove_file(&new);
    let made = prepare((copy, &new), &contents, now, actor).and_then(|()| swap(&new, place, &contents, now));
    if made.is_err() {
        let _gone = fs::remove_file(&new);
    }
    let (kept, lost) = made?;
    Ok(Restored { contents, kept, lost })
}

/// Writes what will be the database, and makes sure that it is what was examined.
fn prepare(
    (copy, new): (&Path, &Path),
    contents: &Contents,
    now: Timestamp,
    actor: &Actor,
) -> Result<(), RestoreError> {
    let unusable = RestoreError::Unusable;
    create(new).map_err(unusable)?;
    io::copy(
        &mut File::open(copy)?,
        &mut fs::OpenOptions::new().write(true).open(new)?,
    )?;
    if examine(new)? != *contents {
        return Err(RestoreError::Damaged("it changed while it was read".to_owned()));
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(new, flags).map_err(|why| unusable(error(&why)))?;
    let run = |sql: &str| connection.execute_batch(sql).map_err(|why| unusable(error(&why)));
    run("PRAGMA synchronous = FULL; BEGIN EXCLUSIVE")?;
    close_lists(&mut Tx::new(Session::Sqlite(&connection)), now, actor).map_err(unusable)?;
    run("COMMIT")?;
    connection.close().map_err(|(_, why)| unusable(error(&why)))?;
    File::open(new)?.sync_all()?;
    Ok(())
}

/// Does what [`restore`] does for SQLite to a database that a server restored with its own tools, before a node starts: closes
/// its lists, since entries that were given away after the copy was made are given to nobody else. The trail says so. Gives
/// the number of lists that were open.
///
/// # Errors
/// [`StoreError`].
pub fn restored_by_server(tx: &mut Tx<'_>, now: Timestamp, actor: &Actor) -> Result<i64, StoreError> {
    let open = tx.value("SELECT COUNT(*) FROM status_list WHERE closed = 0", &[])?;
    close_lists(tx, now, actor)?;
    Ok(open.unwrap_or_default())
}

fn close_lists(tx: &mut Tx<'_>, now: Timestamp, actor: &Actor) -> Result<(), StoreError> {
    tx.execute("UPDATE status_list SET closed = 1", &[])?;
    tx.execute(
        "INSERT INTO status_list (id, kind, bits, size, taken, changes, closed) \
         SELECT COALESCE(MAX(id), 0) + $1, 'status', 1, 8, 0, 0, 1 FROM status_list",
        &[GAP.into()],
    )?;
    audit::append(
        tx,
        actor,
        now,
        &Entry::new("service.restore", ("database", "service")),
    )
}

type Swapped = (Option<PathBuf>, Option<Lost>);

/// Keeps the old one under another name, and puts the new one into its place. There is a database at every instant: a service
/// that starts where none is makes an empty one.
fn swap(new: &Path, place: &Path, contents: &Contents, now: Timestamp) -> Result<Swapped, RestoreError> {
    if !place.exists() {
        fs::rename(new, place)?;
        sync_folder(place)?;
        return Ok((None, None));
    }
    // Held until the end: who opens the file meanwhile waits, and finds another one.
    let held = take(place)?;
    let lost = contents_lost(&held, contents);
    let stamp = now.to_string().replace(':', "-");
    let kept = beside(place, &format!(".before-{stamp}"));
    if kept.exists() {
        return Err(RestoreError::LeftOver(kept));
    }
    fs::hard_link(place, &kept)?;
    if let Err(why) = fs::rename(new, place) {
        fs::remove_file(&kept)?;
        return Err(why.into());
    }
    sync_folder(place)?;
    drop(held);
    Ok((Some(kept), lost))
}

/// Opens the database for nobody else, with everything in the one file. A damaged one is taken as it is: that may be why
/// it is replaced.
fn take(place: &Path) -> Result<Connection, RestoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let unusable = |why: rusqlite::Error| RestoreError::Unusable(error(&why));
    let connection = Connection::open_with_flags(place, flags).map_err(unusable)?;
    connection.busy_timeout(Duration::ZERO).map_err(unusable)?;
    // Leaving the journal of several users is possible for the only one.
    let alone = connection
        .query_row("PRAGMA journal_mode = DELETE", [], |row| row.get::<_, String>(0))
        .and_then(|_| connection.execute_batch("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE"));
    match alone {
        Err(why) if is_busy(&why) => Err(RestoreError::InUse),
        _ => Ok(connection),
    }
}

/// What the database has that the copy has not, if the copy is of an earlier state of it.
fn contents_lost(held: &Connection, copy: &Contents) -> Option<Lost> {
    let mut tx = Tx::new(Session::Sqlite(held));
    let same = tx
        .value::<Vec<u8>>(
            "SELECT digest FROM audit WHERE number = $1",
            &[copy.entries.into()],
        )
        .ok()?;
    if copy.entries > 0 && same.as_deref() != Some(copy.digest.as_slice()) {
        return None;
    }
    let entries = tx
        .rows(
            "SELECT entry FROM audit WHERE number > $1 ORDER BY number",
            &[copy.entries.into()],
            |row| row.get::<String>(0),
        )
        .ok()?;
    let mut lost = Lost::default();
    for entry in &entries {
        let entry: serde_json::Value = serde_json::from_str(entry).ok()?;
        let text = |pointer: &str| entry.pointer(pointer).and_then(|value| value.as_str());
        let action = text("/action").unwrap_or_default();
        *lost.acts.entry(action.to_owned()).or_default() += 1;
        if let Some(again) = again(action, &entry) {
            lost.again.push(again);
        }
    }
    Some(lost)
}

/// What has to be done again, since the copy says the opposite: what verifiers are told of documents; and who may do
/// something, which is a machine, a secret, a role or a device that was switched off or withdrawn; and of whom nothing is kept.
fn again(action: &str, entry: &serde_json::Value) -> Option<String> {
    const OBJECTS: [&str; 11] = [
        "document.disable",
        "document.enable",
        "document.cancel",
        "document.approve-cancel",
        "client.disable",
        "client.renew",
        "device.disable",
        "profile.disable",
        "profile.set",
        "role.set",
        "person.erase",
    ];
    let text = |pointer: &str| entry.pointer(pointer).and_then(|value| value.as_str());
    let name = text("/object/name")?;
    if OBJECTS.contains(&action) {
        return Some(format!("{action} {name}"));
    }
    let role = (action == "role.withdraw")
        .then(|| text("/before/role"))
        .flatten()?;
    Some(format!("{action} {role} {name}"))
}

fn beside(place: &Path, part: &str) -> PathBuf {
    let mut name = place.as_os_str().to_owned();
    name.push(part);
    name.into()
}
