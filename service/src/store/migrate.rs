//! The schema: a list of steps that only grows. Each is applied once, in order, in the transaction that notes it.

use sha2::{Digest, Sha256};

use super::{StoreError, Tx};

/// A step of the schema.
#[derive(Debug, Clone, Copy)]
pub struct Migration {
    /// What it is for.
    pub name: &'static str,
    sql: &'static str,
}

/// All steps. One that was published is never changed: it is in databases already, and its digest with it.
pub const MIGRATIONS: [Migration; 12] = [
    Migration {
        name: "people, documents, status, audit",
        sql: include_str!("../../migrations/0001-initial.sql"),
    },
    Migration {
        name: "wallets that wait",
        sql: include_str!("../../migrations/0002-waiting.sql"),
    },
    Migration {
        name: "data that were approved",
        sql: include_str!("../../migrations/0003-approved.sql"),
    },
    Migration {
        name: "devices known by more, offers of what is in a wallet",
        sql: include_str!("../../migrations/0004-known-by-more.sql"),
    },
    Migration {
        name: "messages to people",
        sql: include_str!("../../migrations/0005-messages.sql"),
    },
    Migration {
        name: "reports",
        sql: include_str!("../../migrations/0006-reports.sql"),
    },
    Migration {
        name: "messages that are withdrawn, documents that are switched on again",
        sql: include_str!("../../migrations/0007-withdrawn.sql"),
    },
    Migration {
        name: "batches",
        sql: include_str!("../../migrations/0008-batches.sql"),
    },
    Migration {
        name: "what is over goes after a while",
        sql: include_str!("../../migrations/0009-retention.sql"),
    },
    Migration {
        name: "renewal",
        sql: include_str!("../../migrations/0010-renewal.sql"),
    },
    Migration {
        name: "operators sign in",
        sql: include_str!("../../migrations/0011-operators.sql"),
    },
    Migration {
        name: "birthdays, people who were erased, rows that are given up",
        sql: include_str!("../../migrations/0012-ages.sql"),
    },
];

/// What keeps two nodes from doing this at once; any number that nothing else uses in this database.
const LOCK: i64 = 0x6d64_6f63;

/// The version of the schema, if this program knows it and all before it; nothing is changed.
pub(super) fn check(tx: &mut Tx<'_>) -> Result<i64, StoreError> {
    let applied = applied(tx)?;
    for ((version, digest), migration) in applied.iter().zip(&MIGRATIONS) {
        same(*version, migration, digest)?;
    }
    applied
        .last()
        .map(|(version, _)| *version)
        .ok_or_else(|| StoreError::Unexpected("it has no schema".to_owned()))
}

fn applied(tx: &mut Tx<'_>) -> Result<Vec<(i64, String)>, StoreError> {
    let applied = tx.rows(
        "SELECT version, digest FROM migration ORDER BY version",
        &[],
        |row| Ok((row.get::<i64>(0)?, row.get::<String>(1)?)),
    )?;
    let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    match applied.last() {
        Some((found, _)) if *found > known => Err(StoreError::Newer { found: *found, known }),
        _ => Ok(applied),
    }
}

fn same(version: i64, migration: &Migration, before: &str) -> Result<(), StoreError> {
    if before == digest(migration) {
        return Ok(());
    }
    Err(StoreError::Unexpected(format!(
        "step {version} of the schema ({}) is not the one of this program",
        migration.name
    )))
}

fn digest(migration: &Migration) -> String {
    base16ct::lower::encode_string(&Sha256::digest(migration.sql))
}

/// Applies what is missing. The transaction is the caller's.
pub(super) fn run(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    if tx.is_server() {
        tx.rows(
            "SELECT CAST(pg_advisory_xact_lock($1) AS TEXT)",
            &[LOCK.into()],
            |_| Ok(()),
        )?;
    }
    tx.batch(
        "CREATE TABLE IF NOT EXISTS migration \
         (version BIGINT PRIMARY KEY, name TEXT NOT NULL, digest TEXT NOT NULL)",
    )?;
    let applied = applied(tx)?;
    for (version, migration) in (1i64..).zip(&MIGRATIONS) {
        match applied.iter().find(|(done, _)| *done == version) {
            Some((_, before)) => same(version, migration, before)?,
            None => {
                let sql = if tx.is_server() {
                    migration.sql.replace(" BLOB", " BYTEA")
                } else {
                    migration.sql.to_owned()
                };
                tx.batch(&sql)?;
                tx.execute(
                    "INSERT INTO migration (version, name, digest) VALUES ($1, $2, $3)",
                    &[version.into(), migration.name.into(), (&digest(migration)).into()],
                )?;
            }
        }
    }
    Ok(())
}
