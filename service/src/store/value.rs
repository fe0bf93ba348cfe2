//! What goes into the database and what comes out: whole numbers, text, bytes, or nothing.

use mdoc_core::time::Timestamp;
use postgres::types::Type;

use super::StoreError;

/// A parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value<'v> {
    /// Nothing.
    Null,
    /// A whole number; also instants, in seconds since 1970, and yes (1) and no (0).
    Int(i64),
    /// Text.
    Text(&'v str),
    /// Bytes.
    Bytes(&'v [u8]),
}

impl From<i64> for Value<'_> {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<u32> for Value<'_> {
    fn from(value: u32) -> Self {
        Self::Int(value.into())
    }
}

impl From<bool> for Value<'_> {
    fn from(value: bool) -> Self {
        Self::Int(value.into())
    }
}

impl From<Timestamp> for Value<'_> {
    fn from(value: Timestamp) -> Self {
        Self::Int(value.unix())
    }
}

impl<'v> From<&'v str> for Value<'v> {
    fn from(value: &'v str) -> Self {
        Self::Text(value)
    }
}

impl<'v> From<&'v String> for Value<'v> {
    fn from(value: &'v String) -> Self {
        Self::Text(value)
    }
}

impl<'v> From<&'v [u8]> for Value<'v> {
    fn from(value: &'v [u8]) -> Self {
        Self::Bytes(value)
    }
}

impl<'v> From<&'v Vec<u8>> for Value<'v> {
    fn from(value: &'v Vec<u8>) -> Self {
        Self::Bytes(value)
    }
}

impl<'v, const N: usize> From<&'v [u8; N]> for Value<'v> {
    fn from(value: &'v [u8; N]) -> Self {
        Self::Bytes(value)
    }
}

impl<'v, T> From<Option<T>> for Value<'v>
where
    Self: From<T>,
{
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Self::from)
    }
}

/// A row of an answer.
pub enum Row<'r> {
    #[doc(hidden)]
    Sqlite(&'r rusqlite::Row<'r>),
    #[doc(hidden)]
    Postgres(&'r postgres::Row),
}

impl Row<'_> {
    /// A column, counted from zero.
    ///
    /// # Errors
    /// [`StoreError::Unexpected`] if it is of another type, or nothing where something is expected.
    pub fn get<T: FromColumn>(&self, column: usize) -> Result<T, StoreError> {
        T::from_column(self, column)
    }
}

/// What a column can be read as.
pub trait FromColumn: Sized {
    /// Reads it.
    ///
    /// # Errors
    /// [`StoreError::Unexpected`] if it is something else.
    fn from_column(row: &Row<'_>, column: usize) -> Result<Self, StoreError>;
}

macro_rules! as_it_is {
    ($($kind:ty),*) => {$(
        impl FromColumn for $kind {
            fn from_column(row: &Row<'_>, column: usize) -> Result<Self, StoreError> {
                match row {
                    Row::Sqlite(row) => row.get(column).map_err(|error| unexpected(column, &error)),
                    Row::Postgres(row) => row.try_get(column).map_err(|error| unexpected(column, &error)),
                }
            }
        }
    )*};
}

as_it_is!(String, Vec<u8>, Option<String>, Option<Vec<u8>>);

impl FromColumn for Option<i64> {
    fn from_column(row: &Row<'_>, column: usize) -> Result<Self, StoreError> {
        match row {
            Row::Sqlite(row) => row.get(column).map_err(|error| unexpected(column, &error)),
            Row::Postgres(row) => {
                // What is written as a number in SQL is shorter than what is in a column.
                let short = row
                    .columns()
                    .get(column)
                    .is_some_and(|column| *column.type_() == Type::INT4);
                let found = if short {
                    row.try_get::<_, Option<i32>>(column)
                        .map(|found| found.map(i64::from))
                } else {
                    row.try_get(column)
                };
                found.map_err(|error| unexpected(column, &error))
            }
        }
    }
}

impl FromColumn for i64 {
    fn from_column(row: &Row<'_>, column: usize) -> Result<Self, StoreError> {
        row.get::<Option<Self>>(column)?
            .ok_or_else(|| StoreError::Unexpected(format!("column {column} is empty")))
    }
}

impl FromColumn for bool {
    fn from_column(row: &Row<'_>, column: usize) -> Result<Self, StoreError> {
        Ok(row.get::<i64>(column)? != 0)
    }
}

impl FromColumn for Timestamp {
    fn from_column(row: &Row<'_>, column: usize) -> Result<Self, StoreError> {
        Ok(Self::from_unix(row.get(column)?))
    }
}

impl FromColumn for Option<Timestamp> {
    fn from_column(row: &Row<'_>, column: usize) -> Result<Self, StoreError> {
        Ok(row.get::<Option<i64>>(column)?.map(Timestamp::from_unix))
    }
}

impl FromColumn for u32 {
    fn from_column(row: &Row<'_>, column: usize) -> Result<Self, StoreError> {
        let number: i64 = row.get(column)?;
        Self::try_from(number)
            .map_err(|_| StoreError::Unexpected(format!("column {column} holds {number}, which is no count")))
    }
}

fn unexpected(column: usize, error: &dyn core::error::Error) -> StoreError {
    StoreError::Unexpected(format!("column {column}: {error}"))
}
