//! One transaction.

use std::collections::HashMap;

use super::value::{FromColumn, Row, Value};
use super::{StoreError, postgres, sqlite};

/// The end of a query whose rows stay as they are until the transaction ends. SQLite has one writer at a time anyway.
const LOCKING: [&str; 3] = [" FOR UPDATE", " FOR UPDATE SKIP LOCKED", " FOR NO KEY UPDATE"];

/// A transaction. Parameters in SQL are `$1`, `$2`, …; columns are whole numbers, text and bytes.
pub struct Tx<'a> {
    session: Session<'a>,
    /// The database wants it all done again.
    again: bool,
    noted: Vec<String>,
}

pub(super) enum Session<'a> {
    Sqlite(&'a rusqlite::Connection),
    Postgres {
        transaction: ::postgres::Transaction<'a>,
        prepared: &'a mut HashMap<String, ::postgres::Statement>,
    },
}

impl<'a> Tx<'a> {
    pub(super) const fn new(session: Session<'a>) -> Self {
        Self {
            session,
            again: false,
            noted: Vec::new(),
        }
    }

    pub(super) fn into_parts(self) -> (Session<'a>, bool) {
        (self.session, self.again)
    }

    /// Notes something that was done, to be counted if it is kept.
    pub fn note(&mut self, action: &str) {
        self.noted.push(action.to_owned());
    }

    pub(super) fn take_noted(&mut self) -> Vec<String> {
        core::mem::take(&mut self.noted)
    }

    /// Writes, and says how many rows that concerned.
    ///
    /// # Errors
    /// [`StoreError`]; [`StoreError::Taken`] if something that may be there once would be there twice.
    pub fn execute(&mut self, sql: &str, values: &[Value<'_>]) -> Result<u64, StoreError> {
        storable(values)?;
        match &mut self.session {
            Session::Sqlite(connection) => sqlite::execute(connection, sql, values),
            Session::Postgres {
                transaction,
                prepared,
            } => postgres::execute(transaction, prepared, sql, values).map_err(|fault| {
                self.again |= fault.again;
                fault.error
            }),
        }
    }

    /// All rows, each by `read`.
    ///
    /// # Errors
    /// [`StoreError`], also that of `read`.
    pub fn rows<T>(
        &mut self,
        sql: &str,
        values: &[Value<'_>],
        mut read: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        storable(values)?;
        match &mut self.session {
            Session::Sqlite(connection) => {
                let plain = LOCKING.iter().find_map(|locking| sql.strip_suffix(locking));
                sqlite::rows(connection, plain.unwrap_or(sql), values, read)
            }
            Session::Postgres {
                transaction,
                prepared,
            } => {
                let found = postgres::rows(transaction, prepared, sql, values).map_err(|fault| {
                    self.again |= fault.again;
                    fault.error
                })?;
                found.iter().map(|row| read(&Row::Postgres(row))).collect()
            }
        }
    }

    /// The first row, if there is one.
    ///
    /// # Errors
    /// [`StoreError`], also that of `read`.
    pub fn row<T>(
        &mut self,
        sql: &str,
        values: &[Value<'_>],
        read: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        Ok(self.rows(sql, values, read)?.into_iter().next())
    }

    /// The one column of the first row, if there is one.
    ///
    /// # Errors
    /// [`StoreError`], also if the column is of another type.
    pub fn value<T: FromColumn>(&mut self, sql: &str, values: &[Value<'_>]) -> Result<Option<T>, StoreError> {
        self.row(sql, values, |row| row.get(0))
    }

    /// Does something of which nothing is kept if it fails, while the rest of the transaction is.
    ///
    /// # Errors
    /// [`StoreError`] if the whole transaction is to be given up, or done again.
    pub fn attempt<T, E>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<Result<T, E>, StoreError> {
        let noted = self.noted.len();
        self.batch("SAVEPOINT attempt")?;
        let done = work(self);
        if self.again {
            return Err(StoreError::Contended);
        }
        if done.is_err() {
            self.noted.truncate(noted);
            self.batch("ROLLBACK TO SAVEPOINT attempt")?;
        }
        self.batch("RELEASE SAVEPOINT attempt")?;
        Ok(done)
    }

    /// Several statements without parameters.
    pub(super) fn batch(&mut self, sql: &str) -> Result<(), StoreError> {
        match &mut self.session {
            Session::Sqlite(connection) => connection
                .execute_batch(sql)
                .map_err(|error| sqlite::error(&error)),
            Session::Postgres { transaction, .. } => transaction
                .batch_execute(sql)
                .map_err(|error| postgres::Fault::of(&error).error),
        }
    }

    /// Whether it is PostgreSQL, for the little that differs.
    pub(super) const fn is_server(&self) -> bool {
        matches!(self.session, Session::Postgres { .. })
    }
}

/// PostgreSQL keeps no text with U+0000, and its transaction would be lost; SQLite does alike.
fn storable(values: &[Value<'_>]) -> Result<(), StoreError> {
    let bad = |value: &Value<'_>| matches!(value, Value::Text(text) if text.contains('\0'));
    if values.iter().any(bad) {
        return Err(StoreError::Nul);
    }
    Ok(())
}
