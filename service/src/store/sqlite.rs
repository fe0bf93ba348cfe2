//! SQLite in one file: one thread writes, a few read.
//!
//! The writer takes what is queued together into one transaction, each piece of work in a savepoint of its own, and tells
//! all of them when the disk has it: a hundred waiting callers cost one flush of the disk.

use std::fs::{File, OpenOptions};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, OpenFlags, ffi};

use super::engine::{Engine, Job, Wish};
use super::transaction::Session;
use super::value::{Row, Value};
use super::{StoreError, Tx, migrate};
use crate::metrics::Metrics;

/// How long another program may hold the file.
const PATIENCE: Duration = Duration::from_secs(10);
/// What is flushed together, at most: so many pieces of work, and begun within so long.
const GROUP: usize = 128;
const GATHERING: Duration = Duration::from_millis(10);
const READERS: usize = 2;

pub(super) struct Sqlite {
    writes: Sender<Box<dyn Job>>,
    reads: Sender<Box<dyn Job>>,
    path: Box<Path>,
}

impl Sqlite {
    pub(super) fn open(path: &Path, metrics: Arc<Metrics>) -> Result<Self, StoreError> {
        create(path)?;
        let mut writer = connect(path)?;
        migrate_all(&mut writer)?;
        let readers = (0..READERS)
            .map(|_| reader(path))
            .collect::<Result<Vec<_>, _>>()?;
        let (writes, to_write) = channel();
        let (reads, to_read) = channel();
        spawn("store-writer", move || write_all(&writer, &to_write, &metrics))?;
        let to_read = Arc::new(Mutex::new(to_read));
        for connection in readers {
            let to_read = Arc::clone(&to_read);
            spawn("store-reader", move || read_all(&connection, &to_read))?;
        }
        Ok(Self {
            writes,
            reads,
            path: path.into(),
        })
    }
}

impl Engine for Sqlite {
    fn write(&self, job: Box<dyn Job>) {
        // A job that is dropped says itself that the store was closed.
        let _closed = self.writes.send(job);
    }

    fn read(&self, job: Box<dyn Job>) {
        let _closed = self.reads.send(job);
    }

    fn copy_to(&self, path: &Path) -> Result<(), StoreError> {
        if path.exists() {
            return Err(StoreError::Unavailable(format!(
                "{} is there already",
                path.display()
            )));
        }
        let to = path
            .to_str()
            .ok_or_else(|| StoreError::Unavailable("the name of the copy is not UTF-8".to_owned()))?;
        create(path)?;
        // Not a connection for readers: to SQLite, writing another file is writing.
        connect(&self.path)?
            .execute("VACUUM INTO $1", [to])
            .map_err(|why| error(&why))?;
        // SQLite leaves that to whoever has the copy made: what was said to be there outlives the power.
        OpenOptions::new()
            .write(true)
            .open(path)
            .and_then(|copy| copy.sync_all())
            .and_then(|()| sync_folder(path))
            .map_err(|why| StoreError::Unavailable(format!("{}: {why}", path.display())))
    }
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), StoreError> {
    thread::Builder::new()
        .name(name.to_owned())
        .spawn(work)
        .map(drop)
        .map_err(|why| StoreError::Unavailable(format!("no thread could be started: {why}")))
}

/// The file with names of people in it is its owner's alone from the beginning.
pub(super) fn create(path: &Path) -> Result<(), StoreError> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
        .open(path)
        .map(drop)
        .map_err(|why| StoreError::Unavailable(format!("{}: {why}", path.display())))
}

/// What was made or renamed in the folder of a file outlives the power.
pub(super) fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

fn connect(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(|why| error(&why))?;
    let set_up = || {
        connection.busy_timeout(PATIENCE)?;
        connection.set_prepared_statement_cache_capacity(256);
        to_wal(&connection)?;
        // Flushed at each commit: what was acknowledged outlives the power as well.
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.pragma_update(None, "trusted_schema", false)
    };
    set_up().map_err(|why| error(&why))?;
    Ok(connection)
}

/// SQLite waits for other programs at everything but this, which the first of several does that begin with a new file.
fn to_wal(connection: &Connection) -> rusqlite::Result<()> {
    let began = Instant::now();
    loop {
        let done = connection.pragma_update(None, "journal_mode", "WAL");
        match &done {
            Err(why) if is_busy(why) && began.elapsed() < PATIENCE => thread::sleep(Duration::from_millis(5)),
            _ => return done,
        }
    }
}

pub(super) fn is_busy(why: &rusqlite::Error) -> bool {
    let codes = [ErrorCode::DatabaseBusy, ErrorCode::DatabaseLocked];
    matches!(why, rusqlite::Error::SqliteFailure(code, _) if codes.contains(&code.code))
}

fn reader(path: &Path) -> Result<Connection, StoreError> {
    let connection = connect(path)?;
    connection
        .pragma_update(None, "query_only", true)
        .map_err(|why| error(&why))?;
    Ok(connection)
}

/// The version of the schema that is there, if one is; nothing is changed, and no file is made.
pub(super) fn look<T>(
    path: &Path,
    work: impl FnOnce(&mut Tx<'_>, i64) -> Result<T, StoreError>,
) -> Result<Option<T>, StoreError> {
    if !path.exists() {
        return Ok(None);
    }
    // A file that is written by somebody else at the moment has another one beside it, which has to be open for writing.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(|why| error(&why))?;
    let set_up = || {
        connection.busy_timeout(PATIENCE)?;
        connection.pragma_update(None, "query_only", true)
    };
    set_up().map_err(|why| error(&why))?;
    let mut tx = Tx::new(Session::Sqlite(&connection));
    let there: Option<i64> = tx.value(
        "SELECT COUNT(*) FROM sqlite_schema WHERE type = 'table' AND name = 'migration'",
        &[],
    )?;
    if there == Some(0) {
        return Ok(None);
    }
    let schema = migrate::check(&mut tx)?;
    work(&mut tx, schema).map(Some)
}

fn migrate_all(connection: &mut Connection) -> Result<(), StoreError> {
    begin(connection, "BEGIN EXCLUSIVE")?;
    let migrated = migrate::run(&mut Tx::new(Session::Sqlite(connection)));
    match migrated {
        Ok(()) => finish(connection, "COMMIT"),
        Err(why) => {
            finish(connection, "ROLLBACK")?;
            Err(why)
        }
    }
}

fn write_all(connection: &Connection, jobs: &Receiver<Box<dyn Job>>, metrics: &Metrics) {
    while let Ok(first) = jobs.recv() {
        if let Err(why) = begin(connection, "BEGIN IMMEDIATE") {
            first.end(Err(why));
            continue;
        }
        let began = Instant::now();
        let mut group = Vec::new();
        let mut next = Some(first);
        let mut broken = None;
        while let Some(mut job) = next.take() {
            let done = in_savepoint(connection, &mut *job);
            group.push(job);
            if let Err(why) = done {
                broken = Some(why);
                break;
            }
            if group.len() < GROUP && began.elapsed() < GATHERING {
                next = jobs.try_recv().ok();
            }
        }
        let kept = broken.map_or_else(|| finish(connection, "COMMIT"), Err);
        if kept.is_err() && !connection.is_autocommit() {
            let _told_already = finish(connection, "ROLLBACK");
        }
        metrics.wrote(group.len(), began.elapsed());
        for job in group {
            job.end(kept.clone());
        }
    }
}

/// An error says that the whole transaction is lost, not only this work.
fn in_savepoint(connection: &Connection, job: &mut dyn Job) -> Result<(), StoreError> {
    finish(connection, "SAVEPOINT work")?;
    let wish = run(connection, job)?;
    if connection.is_autocommit() {
        return Err(StoreError::Unavailable(
            "the transaction was rolled back".to_owned(),
        ));
    }
    if wish == Wish::Discard {
        finish(connection, "ROLLBACK TO work")?;
    }
    finish(connection, "RELEASE work")
}

fn run(connection: &Connection, job: &mut dyn Job) -> Result<Wish, StoreError> {
    let mut tx = Tx::new(Session::Sqlite(connection));
    catch_unwind(AssertUnwindSafe(|| job.run(&mut tx)))
        .map_err(|_| StoreError::Unexpected("the work broke off".to_owned()))
}

fn read_all(connection: &Connection, jobs: &Mutex<Receiver<Box<dyn Job>>>) {
    loop {
        let next = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(mut job) = next else { return };
        let done = begin(connection, "BEGIN").and_then(|()| {
            let wish = run(connection, &mut *job);
            finish(connection, "ROLLBACK")?;
            wish.map(drop)
        });
        job.end(done);
    }
}

fn begin(connection: &Connection, how: &str) -> Result<(), StoreError> {
    finish(connection, how)
}

fn finish(connection: &Connection, how: &str) -> Result<(), StoreError> {
    let mut statement = connection.prepare_cached(how).map_err(|why| error(&why))?;
    statement.raw_execute().map(drop).map_err(|why| error(&why))
}

pub(super) fn execute(connection: &Connection, sql: &str, values: &[Value<'_>]) -> Result<u64, StoreError> {
    let done = connection.prepare_cached(sql).and_then(|mut statement| {
        bind(&mut statement, values)?;
        statement.raw_execute()
    });
    let rows = done.map_err(|why| error(&why))?;
    Ok(u64::try_from(rows).unwrap_or(u64::MAX))
}

pub(super) fn rows<T>(
    connection: &Connection,
    sql: &str,
    values: &[Value<'_>],
    mut read: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    let mut statement = connection.prepare_cached(sql).map_err(|why| error(&why))?;
    bind(&mut statement, values).map_err(|why| error(&why))?;
    let mut found = statement.raw_query();
    let mut all = Vec::new();
    while let Some(row) = found.next().map_err(|why| error(&why))? {
        all.push(read(&Row::Sqlite(row))?);
    }
    Ok(all)
}

fn bind(statement: &mut rusqlite::CachedStatement<'_>, values: &[Value<'_>]) -> rusqlite::Result<()> {
    for (number, value) in (1..).zip(values) {
        // For SQLite, `$1` is a name, and its place that of its first use.
        let Some(index) = statement.parameter_index(&format!("${number}"))? else {
            continue;
        };
        match value {
            Value::Null => statement.raw_bind_parameter(index, rusqlite::types::Null)?,
            Value::Int(value) => statement.raw_bind_parameter(index, value)?,
            Value::Text(value) => statement.raw_bind_parameter(index, value)?,
            Value::Bytes(value) => statement.raw_bind_parameter(index, value)?,
        }
    }
    Ok(())
}

pub(super) fn error(why: &rusqlite::Error) -> StoreError {
    let rusqlite::Error::SqliteFailure(code, message) = why else {
        return StoreError::Unexpected(why.to_string());
    };
    let unique = [ffi::SQLITE_CONSTRAINT_UNIQUE, ffi::SQLITE_CONSTRAINT_PRIMARYKEY];
    if unique.contains(&code.extended_code) {
        let constraint = message.as_deref().unwrap_or_default();
        let constraint = constraint.rsplit(": ").next().unwrap_or_default();
        return StoreError::Taken {
            constraint: constraint.to_owned(),
        };
    }
    match code.code {
        ErrorCode::ConstraintViolation
        | ErrorCode::TypeMismatch
        | ErrorCode::DatabaseCorrupt
        | ErrorCode::NotADatabase => StoreError::Unexpected(why.to_string()),
        _ => StoreError::Unavailable(why.to_string()),
    }
}
