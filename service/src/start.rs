//! From a configuration to a service: files are read, keys are opened, certificates are judged, the database is made ready.

pub(crate) mod files;
mod notifications;
mod operators;
mod signers;
pub(crate) mod status;
mod wallets;

pub use self::operators::patience;
pub use self::signers::{again, ending};

use std::path::Path;
use std::sync::Arc;

use mdoc_cli::keys;
use mdoc_cli::system::SystemClock;
use mdoc_cli::{Failure, output, system};
use mdoc_core::crypto::{SecretKey, fastest};
use mdoc_core::seams::Clock as _;
use mdoc_core::time::Timestamp;
use mdoc_issuer::badge::{LayoutProblem, Layouts};
use mdoc_issuer::format::Catalogue;
use mdoc_openid::jose::jwk;
use mdoc_openid::vci::Draft;
use tokio::sync::Semaphore;

use self::signers::pair;
use crate::api;
use crate::badge;
use crate::config::{Config, SignerFiles};
use crate::domain::code::CodeForm;
use crate::domain::profile::Profile;
use crate::making::Signers;
use crate::notify::Courier;
use crate::notify::template::Templates;
use crate::publish::{Lifetimes, Publisher};
use crate::rota::Rota;
use crate::secrets::Secrets;
use crate::service::{Identity, Operators, Service};
use crate::signed::Signed;
use crate::store::{self, Place, Store, StoreError};
use crate::terms::Terms;
use crate::usecase::profiles;
use crate::usecase::retention::Retention;
use crate::wallets::{Proxies, Wallets};

/// The name in messages.
pub const PROGRAM: &str = "mdoc-service";

/// Opens everything that the service needs; nothing listens yet.
///
/// # Errors
/// [`Failure`] that names the file or the rule: a signer whose certificate breaks its profile or does not match its key
/// starts no service (C1).
pub fn service(config: &Config) -> Result<Service, Failure> {
    let opened = open(config)?;
    let store = store(config)?;
    let found = Store::look_into(&Place::parse(&config.database), profiles::in_use).map_err(unusable)?;
    for profile in found.and_then(|(_, profiles)| profiles).unwrap_or_default() {
        // The others are served all the same.
        if let Err(why) = check_profile(&profile, &opened.terms) {
            output::warn(PROGRAM, &why.to_string());
        }
    }
    Ok(opened.with(store))
}

/// What [`check`] found.
#[derive(Debug, Clone)]
pub struct Checked {
    /// The certificates that are to be replaced soon, and when they end.
    pub ending: Vec<(String, Timestamp)>,
    /// How many document formats there are.
    pub formats: usize,
    /// The version of the database's schema, if it has one.
    pub schema: Option<i64>,
    /// The version to which `serve` brings it.
    pub newest: i64,
}

/// Opens everything that the service needs, as [`service`] does, and leaves the database as it is: it may be that of a
/// service which runs, of an older program. The versions of profiles by which documents may yet be made are looked at, if the
/// schema is the newest.
///
/// # Errors
/// As for [`service`]; a profile whose format is not there, or whose layouts do not make a badge.
pub fn check(config: &Config) -> Result<Checked, Failure> {
    let opened = open(config)?;
    let place = Place::parse(&config.database);
    let found = Store::look_into(&place, profiles::in_use).map_err(unusable)?;
    let (schema, profiles) = found.unzip();
    for profile in profiles.flatten().unwrap_or_default() {
        check_profile(&profile, &opened.terms)?;
    }
    let metadata = opened.metadata_signer.as_ref().map(|signer| &signer.certificate);
    let others = (opened.publisher.certificate(), metadata);
    Ok(Checked {
        ending: ending(&opened.signers, others, SystemClock.now()),
        formats: opened.terms.formats.entries().len(),
        schema,
        newest: store::newest(),
    })
}

/// What a profile names may be gone since it was set: a format, or a badge layout.
fn check_profile(profile: &Profile, terms: &Terms) -> Result<(), Failure> {
    let sides = badge::sides(&profile.settings, terms);
    sides.map(drop).map_err(|why| {
        let (name, version, code) = (&profile.name, profile.version, why.code());
        Failure::new(format!("profile {name}, version {version}: {why} [{code}]"))
            .hint("see `formats` and `layouts` in the configuration, or set the profile anew")
    })
}

/// Everything but the database.
struct Opened {
    operators: Operators,
    courier: Option<Courier>,
    terms: Terms,
    signers: Signers,
    metadata_signer: Option<Identity>,
    publisher: Publisher,
    encryption: Option<(String, SecretKey)>,
    wallets: Wallets,
    proxies: Proxies,
    identifier: String,
    display_name: String,
    logo: Option<String>,
    oldest: Draft,
}

impl Opened {
    fn with(self, store: Store) -> Service {
        Service {
            store,
            courier: self.courier.map(Arc::new),
            operators: self.operators,
            exports: Semaphore::new(1),
            terms: self.terms,
            signers: Rota::new(self.signers),
            metadata_signer: self.metadata_signer,
            signed_metadata: Signed::default(),
            publisher: self.publisher,
            identifier: self.identifier,
            display_name: self.display_name,
            logo: self.logo,
            encryption: self.encryption,
            oldest: self.oldest,
            wallets: self.wallets,
            proxies: self.proxies,
            clock: Arc::new(SystemClock),
            backend: fastest(),
        }
    }
}

fn open(config: &Config) -> Result<Opened, Failure> {
    system::random()?;
    let terms = terms(config)?;
    let (signers, documents) = signers::load(config, &terms)?;
    let (certificate, signer) = pair(&SignerFiles {
        certificate: config.status.certificate.clone(),
        key: config.status.key.clone(),
    })?;
    signers::fit(config, &certificate, &documents)?;
    let lifetimes = Lifetimes {
        expiry: config.status.expiry,
        ttl: config.status.ttl,
        ..Lifetimes::default()
    };
    let lists = format!("{}/status", config.external);
    let status = Identity { signer, certificate };
    let metadata_signer = match &config.metadata {
        Some(files) => {
            let (certificate, signer) = pair(files)?;
            Some(Identity { signer, certificate })
        }
        None => None,
    };
    let encryption = match &config.keys.encryption {
        Some(path) => {
            let key = keys::secret_key(path)?;
            Some((jwk::thumbprint(key.public_key(), fastest()), key))
        }
        None => None,
    };
    Ok(Opened {
        operators: operators::operators(config)?,
        courier: (!terms.channels.is_empty())
            .then(|| notifications::courier(config))
            .transpose()?,
        terms,
        signers,
        metadata_signer,
        publisher: Publisher::new(status, lists, lifetimes),
        identifier: config.external.clone(),
        display_name: config.name.clone(),
        logo: config.logo.clone(),
        encryption,
        oldest: config.oldest().unwrap_or_default(),
        wallets: wallets::wallets(config)?,
        proxies: config.proxies().map_err(wallets::wrong)?,
    })
}

/// Opens the database of a configuration.
///
/// # Errors
/// [`Failure`] if it cannot be reached.
pub fn store(config: &Config) -> Result<Store, Failure> {
    Store::with_connections(
        &Place::parse(&config.database),
        config.limits.database_connections,
    )
    .map_err(unusable)
}

#[expect(clippy::needless_pass_by_value, reason = "for `map_err`")]
fn unusable(why: StoreError) -> Failure {
    Failure::new(why.to_string())
        .hint("see `database` in the configuration, and whether it is there and yours")
}

/// The organisation's rules, from a configuration.
///
/// # Errors
/// [`Failure`] if the key of the service, or a folder of formats or layouts, cannot be read.
pub fn terms(config: &Config) -> Result<Terms, Failure> {
    let mut formats = Catalogue::shipped();
    if let Some(folder) = &config.formats {
        formats = formats
            .with_folder(folder)
            .map_err(|why| Failure::new(why.to_string()).hint("see `formats` in the configuration"))?;
        for problem in formats.problems() {
            output::warn(PROGRAM, &problem.to_string());
        }
    }
    let mut terms = Terms::new(Arc::new(formats), secrets(&config.keys.secret)?);
    terms.layouts = Arc::new(layouts(config)?);
    let form = |text: &str| CodeForm::parse(text).map_err(|why| Failure::new(why.to_string()));
    terms.simple_code = form(&config.codes.simple)?;
    terms.complex_code = form(&config.codes.complex)?;
    terms.code_tries = config.codes.tries;
    terms.max_sessions =
        (config.collection.max_session_count >= 0).then_some(config.collection.max_session_count);
    terms.session_lifetime = config.collection.session_seconds;
    terms.offer_lifetime = config.collection.offer_days * 86_400;
    terms.request_lifetime = config.collection.request_days * 86_400;
    terms.refresh_lifetime = config.collection.refresh_days * 86_400;
    terms.retention = Retention {
        messages: config.retention.message_days * 86_400,
        batches: config.retention.batch_days * 86_400,
        offers: config.retention.offer_days * 86_400,
    };
    terms.list_size = config.status.size;
    terms.channels = notifications::channels(&config.notifications);
    terms.offers = api::offer_prefix(&config.external);
    Ok(terms)
}

/// The badge layouts: the shipped ones, and those of the folder; a file that is none starts no service.
fn layouts(config: &Config) -> Result<Layouts, Failure> {
    let shipped = Layouts::shipped();
    let Some(folder) = &config.layouts else {
        return Ok(shipped);
    };
    let layouts = shipped
        .with_folder(folder)
        .map_err(|why| Failure::new(why.to_string()).hint("see `layouts` in the configuration"))?;
    for problem in layouts.problems() {
        // Without the file another layout of the same name would be drawn: a shipped one.
        if !matches!(problem, LayoutProblem::Replaces { .. }) {
            return Err(Failure::new(problem.to_string()).hint(
                "`mdoc-issuer badge check` looks at it; take it out of the folder of layouts, or mend it",
            ));
        }
        output::warn(PROGRAM, &problem.to_string());
    }
    Ok(layouts)
}

/// What messages to people say, from a configuration.
///
/// # Errors
/// [`Failure`] with the template and what is wrong with it.
pub fn templates(config: &Config) -> Result<Templates, Failure> {
    notifications::templates(config)
}

/// The key of the service, from its file.
///
/// # Errors
/// [`Failure`] if it cannot be read, is another thing, or others can read it.
pub fn secrets(path: &Path) -> Result<Secrets, Failure> {
    let name = path.display();
    let bytes = zeroize::Zeroizing::new(
        std::fs::read(path).map_err(|why| Failure::new(format!("{name} cannot be read: {why}")))?,
    );
    for_owner_alone(path, "the key of the service")?;
    Secrets::from_bytes(&bytes).ok_or_else(|| {
        Failure::new(format!("{name} is not the key of a service"))
            .hint("it has 32 bytes; `mdoc-service init` makes one")
    })
}

/// Refuses a file that others can read.
fn for_owner_alone(path: &Path, what: &str) -> Result<(), Failure> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let name = path.display();
        let mode = std::fs::metadata(path)
            .map(|data| data.permissions().mode())
            .unwrap_or_default();
        if mode & 0o077 != 0 {
            return Err(
                Failure::new(format!("others can read {name}, which is {what}")).hint(format!(
                    "`chmod 600 {name}`, if nobody did; or begin anew with another one"
                )),
            );
        }
    }
    #[cfg(not(unix))]
    let _anybody = (path, what);
    Ok(())
}
