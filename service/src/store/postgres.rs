//! PostgreSQL: a few connections, each on a thread of its own; the server orders what they do.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use postgres::error::SqlState;
use postgres::types::{IsNull, ToSql, Type, to_sql_checked};
use postgres::{Client, Config, IsolationLevel, Statement, Transaction};
use rustls::ClientConfig;
use tokio_postgres_rustls::MakeRustlsConnect;

use super::engine::{Engine, Job, Wish};
use super::transaction::Session;
use super::value::Value;
use super::{StoreError, Tx, migrate};
use crate::metrics::Metrics;

/// How often work is done again when the server asks for that.
const ATTEMPTS: u32 = 12;
/// How many statements a connection keeps prepared.
const PREPARED: usize = 512;
/// How long a statement of a request may take; the schema is brought up to date without such a bound.
const STATEMENT: &str = "SET statement_timeout = '60s'; SET idle_in_transaction_session_timeout = '60s'";

pub(super) struct Postgres {
    jobs: Sender<(Access, Box<dyn Job>)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Access {
    Write,
    Read,
}

impl Postgres {
    pub(super) fn open(url: &str, connections: usize, metrics: Arc<Metrics>) -> Result<Self, StoreError> {
        let dial = Arc::new(Dial {
            config: settings(url)?,
            tls: tls()?,
            metrics,
        });
        elsewhere(|| migrate_all(&dial))?;
        let (jobs, to_do) = channel();
        let to_do = Arc::new(Mutex::new(to_do));
        for _ in 0..connections {
            let (dial, to_do) = (Arc::clone(&dial), Arc::clone(&to_do));
            thread::Builder::new()
                .name("store".to_owned())
                .spawn(move || Worker::new(dial).work(&to_do))
                .map_err(|why| StoreError::Unavailable(format!("no thread could be started: {why}")))?;
        }
        Ok(Self { jobs })
    }
}

/// The version of the schema that is there, if one is; nothing is changed.
pub(super) fn look<T: Send>(
    url: &str,
    work: impl FnOnce(&mut Tx<'_>, i64) -> Result<T, StoreError> + Send,
) -> Result<Option<T>, StoreError> {
    let (config, tls) = (settings(url)?, tls()?);
    elsewhere(|| {
        let mut client = config.connect(tls.clone()).map_err(|why| Fault::of(&why).error)?;
        let transaction = client
            .build_transaction()
            .read_only(true)
            .start()
            .map_err(|why| Fault::of(&why).error)?;
        let mut prepared = HashMap::new();
        let mut tx = Tx::new(Session::Postgres {
            transaction,
            prepared: &mut prepared,
        });
        let there: Option<i64> = tx.value(
            "SELECT CAST(COUNT(*) AS BIGINT) FROM pg_tables \
             WHERE schemaname = current_schema() AND tablename = 'migration'",
            &[],
        )?;
        if there == Some(0) {
            return Ok(None);
        }
        let schema = migrate::check(&mut tx)?;
        work(&mut tx, schema).map(Some)
    })
}

/// The client waits on a runtime of its own, which the caller's thread may not be in another one for.
fn elsewhere<T: Send>(work: impl FnOnce() -> Result<T, StoreError> + Send) -> Result<T, StoreError> {
    let done = thread::scope(|scope| scope.spawn(work).join());
    done.unwrap_or_else(|_| Err(StoreError::Unexpected("the work broke off".to_owned())))
}

/// A server that is gone without a word, as after a failover, is noticed within half a minute, whatever is waited for: what
/// was sent and is not acknowledged, or an answer. What the URL says goes before.
fn settings(url: &str) -> Result<Config, StoreError> {
    let mut config: Config = url
        .parse()
        .map_err(|why: postgres::Error| StoreError::Unavailable(format!("the database's URL: {why}")))?;
    config.application_name("mdoc-service");
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(Duration::from_secs(10));
    }
    if config.get_tcp_user_timeout().is_none() {
        config.tcp_user_timeout(Duration::from_secs(20));
    }
    if config.get_keepalives_idle() == Config::new().get_keepalives_idle() {
        config.keepalives_idle(Duration::from_secs(10));
    }
    if config.get_keepalives_interval().is_none() {
        config.keepalives_interval(Duration::from_secs(5));
    }
    if config.get_keepalives_retries().is_none() {
        config.keepalives_retries(3);
    }
    Ok(config)
}

impl Engine for Postgres {
    fn write(&self, job: Box<dyn Job>) {
        let _closed = self.jobs.send((Access::Write, job));
    }

    fn read(&self, job: Box<dyn Job>) {
        let _closed = self.jobs.send((Access::Read, job));
    }

    fn copy_to(&self, _: &Path) -> Result<(), StoreError> {
        Err(StoreError::Unavailable(
            "a PostgreSQL database is copied by its own tools (pg_dump)".to_owned(),
        ))
    }
}

struct Dial {
    config: Config,
    tls: MakeRustlsConnect,
    metrics: Arc<Metrics>,
}

impl Dial {
    fn connect(&self) -> Result<Client, StoreError> {
        let connected = self.config.connect(self.tls.clone());
        connected.map_err(|why| Fault::of(&why).error)
    }
}

/// With the roots that this system trusts, which are read once.
fn tls() -> Result<MakeRustlsConnect, StoreError> {
    static TLS: OnceLock<MakeRustlsConnect> = OnceLock::new();
    if let Some(tls) = TLS.get() {
        return Ok(tls.clone());
    }
    let mut roots = rustls::RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|why| StoreError::Unavailable(format!("TLS: {why}")))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TLS.get_or_init(|| MakeRustlsConnect::new(config)).clone())
}

fn migrate_all(dial: &Dial) -> Result<(), StoreError> {
    let mut client = dial.connect()?;
    let mut prepared = HashMap::new();
    let transaction = client.transaction().map_err(|why| Fault::of(&why).error)?;
    let mut tx = Tx::new(Session::Postgres {
        transaction,
        prepared: &mut prepared,
    });
    migrate::run(&mut tx)?;
    let (Session::Postgres { transaction, .. }, _) = tx.into_parts() else {
        return Ok(());
    };
    transaction.commit().map_err(|why| Fault::of(&why).error)
}

struct Worker {
    dial: Arc<Dial>,
    session: Option<(Client, HashMap<String, Statement>)>,
}

impl Worker {
    const fn new(dial: Arc<Dial>) -> Self {
        Self { dial, session: None }
    }

    fn work(mut self, jobs: &Mutex<Receiver<(Access, Box<dyn Job>)>>) {
        loop {
            let next = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
            let Ok((access, mut job)) = next else { return };
            let done = self.attempts(access, &mut *job);
            job.end(done);
        }
    }

    fn attempts(&mut self, access: Access, job: &mut dyn Job) -> Result<(), StoreError> {
        let mut pause = Duration::from_millis(1);
        for _ in 0..ATTEMPTS {
            let began = Instant::now();
            let done = self.attempt(access, job);
            if access == Access::Write {
                self.dial.metrics.wrote(1, began.elapsed());
            }
            match done {
                Err(fault) if fault.again => {
                    self.dial.metrics.retried();
                    thread::sleep(pause);
                }
                done => return done.map_err(|fault| fault.error),
            }
            pause = (pause * 2).min(Duration::from_millis(100));
        }
        Err(StoreError::Contended)
    }

    fn attempt(&mut self, access: Access, job: &mut dyn Job) -> Result<(), Fault> {
        if self.session.as_ref().is_none_or(|(client, _)| client.is_closed()) {
            let mut client = self.dial.connect()?;
            client.batch_execute(STATEMENT).map_err(|why| Fault::of(&why))?;
            self.session = Some((client, HashMap::new()));
        }
        let Some((client, prepared)) = self.session.as_mut() else {
            return Ok(());
        };
        let transaction = match access {
            Access::Write => client.transaction(),
            Access::Read => client
                .build_transaction()
                .read_only(true)
                .isolation_level(IsolationLevel::RepeatableRead)
                .start(),
        };
        let transaction = transaction.map_err(|why| {
            let fault = Fault::of(&why);
            // A connection that broke while nobody used it: nothing was done yet.
            let again = fault.again || why.is_closed();
            Fault { again, ..fault }
        })?;
        let mut tx = Tx::new(Session::Postgres {
            transaction,
            prepared,
        });
        let wish = catch_unwind(AssertUnwindSafe(|| job.run(&mut tx)))
            .map_err(|_| StoreError::Unexpected("the work broke off".to_owned()))?;
        let (session, again) = tx.into_parts();
        let Session::Postgres { transaction, .. } = session else {
            return Ok(());
        };
        if again {
            return Err(Fault {
                error: StoreError::Contended,
                again,
            });
        }
        if wish == Wish::Keep {
            transaction.commit().map_err(|why| Fault::of(&why))
        } else {
            transaction.rollback().map_err(|why| Fault::of(&why))
        }
    }
}

/// What went wrong, and whether doing the whole transaction again may help.
pub(super) struct Fault {
    pub(super) error: StoreError,
    pub(super) again: bool,
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self { error, again: false }
    }
}

impl Fault {
    /// Without the server's detail, which quotes values.
    pub(super) fn of(why: &postgres::Error) -> Self {
        let Some(server) = why.as_db_error() else {
            return Self {
                error: StoreError::Unavailable(why.to_string()),
                again: false,
            };
        };
        let again = [
            SqlState::T_R_SERIALIZATION_FAILURE,
            SqlState::T_R_DEADLOCK_DETECTED,
        ]
        .contains(server.code());
        let error = if *server.code() == SqlState::UNIQUE_VIOLATION {
            StoreError::Taken {
                constraint: server.constraint().unwrap_or_default().to_owned(),
            }
        } else {
            let what = format!("{} ({})", server.message(), server.code().code());
            match server.code().code().get(..2) {
                Some("08" | "28" | "3D" | "53" | "55" | "57" | "58") => StoreError::Unavailable(what),
                _ => StoreError::Unexpected(what),
            }
        };
        Self { error, again }
    }
}

type Prepared = HashMap<String, Statement>;

fn prepare(
    transaction: &mut Transaction<'_>,
    prepared: &mut Prepared,
    sql: &str,
) -> Result<Statement, Fault> {
    if let Some(statement) = prepared.get(sql) {
        return Ok(statement.clone());
    }
    let statement = transaction.prepare(sql).map_err(|why| Fault::of(&why))?;
    // Reports are of as many shapes as there are choices of filters.
    if prepared.len() >= PREPARED {
        prepared.clear();
    }
    prepared.insert(sql.to_owned(), statement.clone());
    Ok(statement)
}

pub(super) fn execute(
    transaction: &mut Transaction<'_>,
    prepared: &mut Prepared,
    sql: &str,
    values: &[Value<'_>],
) -> Result<u64, Fault> {
    let statement = prepare(transaction, prepared, sql)?;
    transaction
        .execute(&statement, &parameters(values))
        .map_err(|why| Fault::of(&why))
}

pub(super) fn rows(
    transaction: &mut Transaction<'_>,
    prepared: &mut Prepared,
    sql: &str,
    values: &[Value<'_>],
) -> Result<Vec<postgres::Row>, Fault> {
    let statement = prepare(transaction, prepared, sql)?;
    transaction
        .query(&statement, &parameters(values))
        .map_err(|why| Fault::of(&why))
}

fn parameters<'v>(values: &'v [Value<'v>]) -> Vec<&'v (dyn ToSql + Sync)> {
    values
        .iter()
        .map(|value| -> &(dyn ToSql + Sync) { value })
        .collect()
}

impl ToSql for Value<'_> {
    fn to_sql(
        &self,
        ty: &Type,
        out: &mut bytes::BytesMut,
    ) -> Result<IsNull, Box<dyn core::error::Error + Sync + Send>> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Int(value) if *ty == Type::INT4 => i32::try_from(*value)?.to_sql(ty, out),
            Self::Int(value) => value.to_sql(&Type::INT8, out),
            Self::Text(value) => value.to_sql(&Type::TEXT, out),
            Self::Bytes(value) => value.to_sql(&Type::BYTEA, out),
        }
    }

    fn accepts(ty: &Type) -> bool {
        [Type::INT4, Type::INT8, Type::TEXT, Type::VARCHAR, Type::BYTEA].contains(ty)
    }

    to_sql_checked!();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_is_gone_without_a_word_is_noticed_soon_unless_the_url_says_otherwise() {
        let set = settings("postgres://mdoc@db.example/mdoc").unwrap();
        let seconds = Duration::from_secs;
        assert_eq!(set.get_connect_timeout(), Some(&seconds(10)));
        assert_eq!(set.get_tcp_user_timeout(), Some(&seconds(20)));
        assert!(set.get_keepalives());
        assert_eq!(set.get_keepalives_idle(), seconds(10));
        assert_eq!(set.get_keepalives_interval(), Some(seconds(5)));
        assert_eq!(set.get_keepalives_retries(), Some(3));
        let said = "connect_timeout=3&tcp_user_timeout=4&keepalives_idle=7&keepalives_interval=8";
        let set = settings(&format!("postgres://mdoc@db.example/mdoc?{said}")).unwrap();
        assert_eq!(set.get_connect_timeout(), Some(&seconds(3)));
        assert_eq!(set.get_tcp_user_timeout(), Some(&seconds(4)));
        assert_eq!(set.get_keepalives_idle(), seconds(7));
        assert_eq!(set.get_keepalives_interval(), Some(seconds(8)));
        assert!(settings("postgres://db.example:port/").is_err());
    }
}
