//! The service as one thing: what every request needs, made once when it starts.

use core::time::Duration;
use std::sync::Arc;

use mdoc_core::crypto::{Backend, SecretKey};
use mdoc_core::seams::{Clock, Signer};
use mdoc_core::time::Timestamp;
use mdoc_core::x509::Certificate;
use mdoc_openid::vci::Draft;
use tokio::sync::Semaphore;

use crate::notify::Courier;
use crate::passkeys::Passkeys;
use crate::password::Passwords;
use crate::provider::Provider;
use crate::publish::Publisher;
use crate::rota::Rota;
use crate::signed::Signed;
use crate::store::Store;
use crate::terms::Terms;
use crate::usecase::operators::Patience;
use crate::wallets::{Proxies, Wallets};

/// A key and the certificates that say whose it is.
#[derive(Clone)]
pub struct Identity {
    /// The keeper of the key.
    pub signer: Arc<dyn Signer + Send + Sync>,
    /// Its certificate.
    pub certificate: Certificate,
}

/// How operators sign in.
#[derive(Debug)]
pub struct Operators {
    /// What makes and compares passwords.
    pub passwords: Passwords,
    /// How long they are signed in.
    pub patience: Patience,
    /// What asks browsers for passkeys, if the service has an address for which there are any.
    pub passkeys: Option<Passkeys>,
    /// How long it takes at least until somebody is told that a name or a password is not right: what is written down for
    /// those who are there takes no longer.
    pub floor: Duration,
    /// Where they may sign in instead, if there is such a place.
    pub openid: Option<Arc<Provider>>,
    /// Whether a proxy that is believed says which certificate its connection has.
    pub certificate_header: bool,
}

/// Everything that answers requests. Clones share it.
pub struct Service {
    /// Where everything is kept.
    pub store: Store,
    /// The organisation's rules.
    pub terms: Terms,
    /// Who signs documents.
    pub signers: Rota,
    /// Who signs the metadata, if somebody does.
    pub metadata_signer: Option<Identity>,
    /// The metadata as it was signed last.
    pub signed_metadata: Signed,
    /// What makes and keeps the signed lists.
    pub publisher: Publisher,
    /// What wallets call the service: `https://id.example.org` and perhaps a path, without a slash at the end (E12).
    pub identifier: String,
    /// The name that wallets show of who issues.
    pub display_name: String,
    /// A picture that wallets show of who issues.
    pub logo: Option<String>,
    /// The key for which requests may be encrypted, and its name.
    pub encryption: Option<(String, SecretKey)>,
    /// The oldest draft of OpenID4VCI whose wallets are served too.
    pub oldest: Draft,
    /// What is asked of wallets, and what they are told.
    pub wallets: Wallets,
    /// Who forwards requests, and in which header it says whose.
    pub proxies: Proxies,
    /// How operators sign in.
    pub operators: Operators,
    /// Room for one export of a person at a time.
    pub exports: Semaphore,
    /// What sends messages to people, if something does.
    pub courier: Option<Arc<Courier>>,
    /// The clock.
    pub clock: Arc<dyn Clock + Send + Sync>,
    /// The cryptography.
    pub backend: &'static (dyn Backend + Sync),
}

impl Service {
    /// The present instant.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// An address of the service, from its path.
    #[must_use]
    pub fn address(&self, path: &str) -> String {
        format!("{}{path}", self.identifier)
    }

    /// The path before everything, if the identifier has one.
    #[must_use]
    pub fn base(&self) -> &str {
        let after = self.identifier.split_once("://").map_or("", |(_, rest)| rest);
        after.find('/').and_then(|at| after.get(at..)).unwrap_or("")
    }
}
