//! The configuration: a TOML file, single settings from the environment before it, and flags before both (E22).
//!
//! Every key has a default but the address, the keys and the certificates. Paths are from the folder of the file.

pub mod notifications;
pub mod operators;
pub mod retention;
mod shown;
mod wallets;

use self::notifications::Notifications;
use self::operators::Operators;
use self::retention::Retention;
pub use self::wallets::{Download, Wallets};

use core::fmt;
use std::path::{Path, PathBuf};

use mdoc_openid::vci::Draft;
use mdoc_openid::web::Address;
use serde::Deserialize;

use crate::domain::code::CodeForm;
use crate::domain::profile::{PICTURE, is_picture};
use crate::log;
use crate::publish::Lifetimes;
use crate::serve::Rates;
use crate::status::SMALLEST_LIST;
use crate::store::DATABASE_CONNECTIONS;

/// What names of settings in the environment begin with: `MDOC_SERVICE_LISTEN`, `MDOC_SERVICE_CODES__TRIES`.
pub const PREFIX: &str = "MDOC_SERVICE_";

/// The configuration.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// What wallets and verifiers call the service: `https://id.example.org`, perhaps with a path (E12).
    pub external: String,
    /// Where it listens.
    #[serde(default = "listen")]
    pub listen: String,
    /// The name of who issues, as wallets show it.
    #[serde(default = "name")]
    pub name: String,
    /// A picture of who issues, as wallets show it: an address, `https:` or `data:image/`.
    pub logo: Option<String>,
    /// A file of SQLite, or `postgres://…`.
    #[serde(default = "database")]
    pub database: String,
    /// A folder with document formats of one's own.
    pub formats: Option<PathBuf>,
    /// A folder with badge layouts of one's own, and the pictures and fonts that they name.
    pub layouts: Option<PathBuf>,
    /// Files with the keys of the service.
    pub keys: Keys,
    /// The document signers; the right one is chosen each time.
    pub signers: Vec<SignerFiles>,
    /// The signer of status lists.
    pub status: Status,
    /// The signer of the metadata, if it is signed.
    pub metadata: Option<SignerFiles>,
    /// The certificate of the server; without it, there is a proxy before it.
    pub tls: Option<SignerFiles>,
    /// Codes that people type.
    #[serde(default)]
    pub codes: Codes,
    /// Collecting.
    #[serde(default)]
    pub collection: Collection,
    /// Whose word of wallets and of their keys counts.
    #[serde(default)]
    pub wallets: Wallets,
    /// The addresses of proxies that are believed when they say who asked them.
    #[serde(default)]
    pub proxies: Vec<String>,
    /// The header in which they say so: `x-forwarded-for` or `forwarded`.
    #[serde(default = "proxy_header")]
    pub proxy_header: String,
    /// What is sent to people.
    #[serde(default)]
    pub notifications: Notifications,
    /// How operators sign in.
    #[serde(default)]
    pub operators: Operators,
    /// How long what is over is kept.
    #[serde(default)]
    pub retention: Retention,
    /// What a request may cost.
    #[serde(default)]
    pub limits: Limits,
    /// What is logged, and where to.
    #[serde(default)]
    pub log: log::Settings,
    /// Where metrics, health and readiness are answered for who watches the service, if anywhere: `127.0.0.1:9090`.
    pub metrics: Option<String>,
}

/// Files with the keys of the service, each for its owner alone.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keys {
    /// 32 bytes, with which the service recognises what it gave out.
    pub secret: PathBuf,
    /// A P-256 key for which wallets may encrypt requests.
    pub encryption: Option<PathBuf>,
}

/// A certificate, and where its key is: a file or a `pkcs11:` URI, which may have a PIN.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignerFiles {
    /// The certificate.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: String,
}

/// Status lists.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Status {
    /// The certificate of their signer, below the issuing authority.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: String,
    /// How long a list is good, in seconds.
    #[serde(default = "expiry")]
    pub expiry: i64,
    /// After how long it is asked for again, in seconds.
    #[serde(default = "ttl")]
    pub ttl: u32,
    /// Entries of a list, from 128 to 1048576.
    #[serde(default = "list_size")]
    pub size: i64,
}

/// Codes that people type.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Codes {
    /// The form of simple ones.
    pub simple: String,
    /// The form of complex ones.
    pub complex: String,
    /// How often a wrong one may be given for an offer.
    pub tries: i64,
}

/// Collecting.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Collection {
    /// How many may collect at once: -1 is no limit, 0 nobody (E11).
    pub max_session_count: i64,
    /// How long a collection may take, in seconds.
    pub session_seconds: i64,
    /// How long an offer may be taken, in days.
    pub offer_days: i64,
    /// How long a request waits for its approval, in days.
    pub request_days: i64,
    /// How long a wallet may refresh without its holder, in days.
    pub refresh_days: i64,
    /// The oldest version of OpenID4VCI whose wallets are served: `draft-13`, `draft-14`, `draft-15`, `1.0`.
    pub oldest: String,
    /// Where wallets may have browsers sent after a sign-in, each as it stands; `http://127.0.0.1/…` with any port. Without
    /// any, nothing is collected by a sign-in.
    pub redirect_uris: Vec<String>,
    /// Whether proofs of DPoP have to carry a nonce of the service.
    pub dpop_nonces: bool,
    /// Wallets for those who have none, shown with an offer.
    pub wallets: Vec<Download>,
}

/// What a request may cost.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// The most bytes of a body.
    pub body: usize,
    /// How long a request may take, in seconds.
    pub seconds: u64,
    /// For how long a connection takes further requests, in seconds.
    pub connection_seconds: u64,
    /// How many connections there may be.
    pub connections: usize,
    /// How many of them one address may have; 0 is no limit.
    pub connections_per_address: usize,
    /// How many connections to a PostgreSQL server this node has.
    pub database_connections: usize,
    /// How often one address may ask.
    pub rates: Rates,
}

impl Default for Codes {
    fn default() -> Self {
        Self {
            simple: CodeForm::default().to_string(),
            complex: CodeForm::complex().to_string(),
            tries: 5,
        }
    }
}

impl Default for Collection {
    fn default() -> Self {
        Self {
            max_session_count: -1,
            session_seconds: 300,
            offer_days: 14,
            request_days: 90,
            refresh_days: 365,
            oldest: "1.0".to_owned(),
            redirect_uris: Vec::new(),
            dpop_nonces: false,
            wallets: Vec::new(),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body: 512 * 1024,
            seconds: 30,
            connection_seconds: 600,
            connections: 2000,
            connections_per_address: 200,
            database_connections: DATABASE_CONNECTIONS,
            rates: Rates::default(),
        }
    }
}

fn listen() -> String {
    "127.0.0.1:8080".to_owned()
}

fn name() -> String {
    "Issuing authority".to_owned()
}

fn proxy_header() -> String {
    "x-forwarded-for".to_owned()
}

fn database() -> String {
    "service.db".to_owned()
}

fn expiry() -> i64 {
    Lifetimes::default().expiry
}

fn ttl() -> u32 {
    Lifetimes::default().ttl
}

const fn list_size() -> i64 {
    1 << 20
}

/// What is wrong with a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file cannot be read.
    Unreadable(String),
    /// It is no TOML, or has a key that nobody knows, or a value of another type; in the words of the reader.
    Malformed(String),
    /// A value breaks its rule.
    Value {
        /// The key.
        key: &'static str,
        /// What it has to be.
        rule: String,
    },
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(why) | Self::Malformed(why) => f.write_str(why),
            Self::Value { key, rule } => write!(f, "{key}: {rule}"),
        }
    }
}

impl core::error::Error for ConfigError {}

impl Config {
    /// Reads a file, with single settings from the environment before it.
    ///
    /// # Errors
    /// [`ConfigError`] with the key and the rule.
    pub fn read(
        path: &Path,
        environment: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let name = path.display();
        let text = std::fs::read_to_string(path)
            .map_err(|why| ConfigError::Unreadable(format!("{name} cannot be read: {why}")))?;
        let mut table: toml::Table = toml::from_str(&text)
            .map_err(|why| ConfigError::Malformed(format!("{name}: {}", why.message())))?;
        for (key, value) in environment {
            if let Some(key) = key.strip_prefix(PREFIX) {
                set(&mut table, &key.to_ascii_lowercase(), &value);
            }
        }
        let mut config: Self = table
            .try_into()
            .map_err(|why: toml::de::Error| ConfigError::Malformed(format!("{name}: {}", why.message())))?;
        config.check()?;
        config.resolve(path.parent().unwrap_or(Path::new("")));
        Ok(config)
    }

    fn check(&self) -> Result<(), ConfigError> {
        let wrong = |key, rule: &str| {
            let rule = rule.to_owned();
            Err(ConfigError::Value { key, rule })
        };
        if self.external.ends_with('/') || Address::identifier(&self.external).is_err() {
            return wrong(
                "external",
                "it is an address without query, fragment and slash at the end, as https://id.example.org",
            );
        }
        if self.listen.parse::<std::net::SocketAddr>().is_err() {
            return wrong("listen", "it is an address and a port, as 127.0.0.1:8080");
        }
        if let Some(metrics) = &self.metrics
            && (metrics.parse::<std::net::SocketAddr>().is_err() || *metrics == self.listen)
        {
            return wrong(
                "metrics",
                "it is an address and a port of its own, as 127.0.0.1:9090",
            );
        }
        if self.log.level().is_none() {
            return wrong(
                "log.level",
                "it is none, fatal, error, warning, info, debug or trace",
            );
        }
        if !(1..=1000).contains(&self.limits.database_connections) {
            return wrong("limits.database_connections", "it is from 1 to 1000");
        }
        if self.limits.connections == 0 {
            return wrong("limits.connections", "it is at least 1");
        }
        if self.limits.body < 4096 {
            return wrong("limits.body", "it is at least 4096");
        }
        for (key, value) in [
            ("limits.seconds", self.limits.seconds),
            ("limits.connection_seconds", self.limits.connection_seconds),
        ] {
            if !(1..=86_400).contains(&value) {
                return wrong(key, "it is from 1 to 86400");
            }
        }
        if self.log.bytes < 1024 || self.log.keep > 1000 {
            return wrong("log", "bytes is at least 1024, and keep at most 1000");
        }
        if self.logo.as_deref().is_some_and(|logo| !is_picture(logo)) {
            return wrong("logo", PICTURE);
        }
        if self.signers.is_empty() {
            return wrong("signers", "there is at least one");
        }
        for (key, form) in [
            ("codes.simple", &self.codes.simple),
            ("codes.complex", &self.codes.complex),
        ] {
            if let Err(why) = CodeForm::parse(form) {
                return wrong(key, &why.to_string());
            }
        }
        let ranges = [
            ("codes.tries", self.codes.tries, 1..=100),
            (
                "collection.max_session_count",
                self.collection.max_session_count,
                -1..=1_000_000,
            ),
            (
                "collection.session_seconds",
                self.collection.session_seconds,
                30..=3600,
            ),
            ("collection.offer_days", self.collection.offer_days, 1..=365),
            ("collection.request_days", self.collection.request_days, 1..=3650),
            ("collection.refresh_days", self.collection.refresh_days, 1..=3650),
            ("status.expiry", self.status.expiry, 60..=2_678_400),
            // A list that is sent is good for half of its time at least: nobody is told to keep it for longer.
            ("status.ttl", self.status.ttl.into(), 1..=self.status.expiry / 2),
            ("status.size", self.status.size, SMALLEST_LIST..=1 << 20),
        ];
        for (key, value, range) in ranges {
            if !range.contains(&value) {
                return wrong(key, &format!("it is from {} to {}", range.start(), range.end()));
            }
        }
        if self.oldest().is_none() {
            return wrong("collection.oldest", "it is draft-13, draft-14, draft-15 or 1.0");
        }
        self.check_notifications()?;
        self.check_operators()?;
        self.check_retention()?;
        self.check_wallets()
    }

    /// The oldest version of OpenID4VCI whose wallets are served.
    #[must_use]
    pub fn oldest(&self) -> Option<Draft> {
        match self.collection.oldest.as_str() {
            "draft-13" => Some(Draft::Draft13),
            "draft-14" => Some(Draft::Draft14),
            "draft-15" => Some(Draft::Draft15),
            "1.0" => Some(Draft::Final),
            _ => None,
        }
    }

    fn resolve(&mut self, folder: &Path) {
        let join = |path: &mut PathBuf| *path = folder.join(&*path);
        let key = |key: &mut String| {
            if !key.starts_with("pkcs11:") {
                *key = folder.join(&*key).to_string_lossy().into_owned();
            }
        };
        let files = self
            .signers
            .iter_mut()
            .chain(&mut self.metadata)
            .chain(&mut self.tls);
        for files in files {
            join(&mut files.certificate);
            key(&mut files.key);
        }
        join(&mut self.status.certificate);
        key(&mut self.status.key);
        join(&mut self.keys.secret);
        self.keys.encryption.iter_mut().for_each(join);
        self.formats.iter_mut().for_each(join);
        self.layouts.iter_mut().for_each(join);
        self.log.file.iter_mut().for_each(join);
        self.wallets.trust.iter_mut().for_each(join);
        self.notifications.files().for_each(join);
        self.operators.files().for_each(join);
        if !self.database.starts_with("postgres") {
            let file = self.database.strip_prefix("sqlite:").unwrap_or(&self.database);
            self.database = folder.join(file).to_string_lossy().into_owned();
        }
    }
}

/// Sets `codes__tries` in the table `codes`: as TOML where it can be read so, as text otherwise.
fn set(table: &mut toml::Table, key: &str, value: &str) {
    let (outer, inner) = key
        .split_once("__")
        .map_or((key, None), |(outer, inner)| (outer, Some(inner)));
    let Some(inner) = inner else {
        let read: Option<toml::Table> = toml::from_str(&format!("value = {value}")).ok();
        let read = read.and_then(|mut table| table.remove("value"));
        table.insert(outer.to_owned(), read.unwrap_or_else(|| value.into()));
        return;
    };
    let entry = table.entry(outer).or_insert_with(|| toml::Table::new().into());
    if let Some(below) = entry.as_table_mut() {
        set(below, inner, value);
    }
}

#[cfg(test)]
mod tests;
