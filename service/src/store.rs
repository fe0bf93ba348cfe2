//! Where everything is kept: one SQLite file, or a PostgreSQL database that several nodes share.
//!
//! Work is a function over a transaction ([`Tx`]), the same for both: it reads and writes by SQL that both understand,
//! and what it wrote is kept if it returns `Ok`, all of it, or not at all. It may be run again if the database asks for
//! that, so it does nothing but read and write. When [`Store::write`] has returned, what was written survives a crash.

mod engine;
mod migrate;
mod postgres;
pub mod restore;
mod sqlite;
mod transaction;
mod value;

use core::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::oneshot;

pub use self::migrate::{MIGRATIONS, Migration};
pub use self::transaction::Tx;
pub use self::value::{FromColumn, Row, Value};
use crate::metrics::Metrics;
use engine::{Engine, Job, Work};

/// How many connections a node has to a PostgreSQL server, unless it is told otherwise.
pub const DATABASE_CONNECTIONS: usize = 12;

/// A database. Clones share it.
#[derive(Clone)]
pub struct Store {
    engine: Arc<dyn Engine>,
    metrics: Arc<Metrics>,
}

/// Which database.
#[derive(Clone, PartialEq, Eq)]
pub enum Place {
    /// A file of SQLite, which is made if it is not there.
    File(PathBuf),
    /// A PostgreSQL server: `postgres://user@host/database`, as its own programs take it.
    Server(String),
}

impl Place {
    /// Reads `postgres://…`, `postgresql://…`, `sqlite:FILE`, or the path of a file.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return Self::Server(text.to_owned());
        }
        Self::File(text.strip_prefix("sqlite:").unwrap_or(text).into())
    }
}

impl fmt::Debug for Place {
    /// Without the URL of a server: it may have a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
            Self::Server(_) => f.debug_tuple("Server").finish_non_exhaustive(),
        }
    }
}

/// Why the database did not do it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreError {
    /// It cannot be reached or used: the disk is full, the server is down, the file is locked.
    Unavailable(String),
    /// Two wrote the same thing that may be there once.
    Taken {
        /// What the database calls it; empty if it does not say.
        constraint: String,
    },
    /// A text has the character U+0000, which not every database can keep.
    Nul,
    /// It asked for the work to be done again, and did so until it was given up.
    Contended,
    /// What it holds is not what this program wrote.
    Unexpected(String),
    /// Its schema is of a newer version of this program.
    Newer {
        /// The version of the schema.
        found: i64,
        /// The newest that this program knows.
        known: i64,
    },
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unavailable(why) => write!(f, "the database cannot be used: {why}"),
            Self::Taken { constraint } if constraint.is_empty() => {
                f.write_str("it is in the database already")
            }
            Self::Taken { constraint } => write!(f, "it is in the database already ({constraint})"),
            Self::Nul => f.write_str("a text has the character U+0000"),
            Self::Contended => f.write_str("too many wanted to change the same thing at once"),
            Self::Unexpected(what) => write!(f, "the database holds something unexpected: {what}"),
            Self::Newer { found, known } => write!(
                f,
                "the database has schema {found}, and this program knows no newer one than {known}"
            ),
        }
    }
}

impl core::error::Error for StoreError {}

/// The version of the schema that this program makes.
#[must_use]
pub fn newest() -> i64 {
    i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX)
}

impl Store {
    /// Opens the database and brings its schema up to date.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be reached, is no database of this program, or is newer.
    pub fn open(place: &Place) -> Result<Self, StoreError> {
        Self::with_connections(place, DATABASE_CONNECTIONS)
    }

    /// The same, with so many connections if it is a server.
    ///
    /// # Errors
    /// As for [`Store::open`].
    pub fn with_connections(place: &Place, connections: usize) -> Result<Self, StoreError> {
        let metrics = Arc::new(Metrics::default());
        let engine: Arc<dyn Engine> = match place {
            Place::File(path) => Arc::new(sqlite::Sqlite::open(path, Arc::clone(&metrics))?),
            Place::Server(url) => Arc::new(postgres::Postgres::open(url, connections, Arc::clone(&metrics))?),
        };
        Ok(Self { engine, metrics })
    }

    /// The version of the schema of a database, if it has one, and the newest that this program knows. Nothing is made or
    /// changed.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be reached, is no database of this program, or is newer.
    pub fn look(place: &Place) -> Result<(Option<i64>, i64), StoreError> {
        let found = Self::look_into(place, |_| Ok(()))?;
        Ok((found.map(|(schema, _)| schema), newest()))
    }

    /// Does work that reads, if there is a database, and gives the version of its schema; what the work found only if that is
    /// the newest. Nothing is changed.
    ///
    /// # Errors
    /// As for [`Self::look`], and those of the work.
    pub fn look_into<T: Send>(
        place: &Place,
        work: impl FnOnce(&mut Tx<'_>) -> Result<T, StoreError> + Send,
    ) -> Result<Option<(i64, Option<T>)>, StoreError> {
        let work = |tx: &mut Tx<'_>, schema| {
            let found = (schema == newest()).then(|| work(tx)).transpose()?;
            Ok((schema, found))
        };
        match place {
            Place::File(path) => sqlite::look(path, work),
            Place::Server(url) => postgres::look(url, work),
        }
    }

    /// What is counted and measured of this service.
    #[must_use]
    pub const fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    /// Does the work in a transaction that may write. What it wrote is on the disk when this returns `Ok`.
    ///
    /// # Errors
    /// Those of the work; nothing that it wrote is kept then.
    pub async fn write<T, E>(
        &self,
        work: impl FnMut(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.submit(work, |engine, job| engine.write(job)).await
    }

    /// Does the work in a transaction that sees one state of everything, and writes nothing.
    ///
    /// # Errors
    /// Those of the work, and of a work that tries to write.
    pub async fn read<T, E>(
        &self,
        work: impl FnMut(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.submit(work, |engine, job| engine.read(job)).await
    }

    /// Writes a copy of everything, of one instant, to a new file; for SQLite alone.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if it is a server, which has tools of its own, or the file is there or cannot be written.
    pub fn copy_to(&self, path: &std::path::Path) -> Result<(), StoreError> {
        self.engine.copy_to(path)
    }

    async fn submit<T, E>(
        &self,
        work: impl FnMut(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
        queue: impl FnOnce(&dyn Engine, Box<dyn Job>),
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        queue(
            &*self.engine,
            Box::new(Work::new(work, reply, Arc::clone(&self.metrics))),
        );
        answer
            .await
            .unwrap_or_else(|_| Err(StoreError::Unavailable("it was closed".to_owned()).into()))
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").finish_non_exhaustive()
    }
}
