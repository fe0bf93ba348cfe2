//! A small organisation: an operator, another one, a person, a profile; and a database that is thrown away.

mod collect;

pub(crate) use self::collect::{certified, signers_and_status};

use core::time::Duration;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

use mdoc_core::crypto::RustCrypto;
use mdoc_core::time::Timestamp;
use mdoc_issuer::format::Catalogue;
use mdoc_openid::vci::Draft;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use crate::domain::Refusal;
use crate::domain::id::PersonId;
use crate::domain::person::Details;
use crate::domain::profile::Settings;
use crate::domain::role::{Role, Scope, Workflow};
use crate::passkeys::Passkeys;
use crate::password::{Cost, Passwords};
use crate::publish::{Lifetimes, Publisher};
use crate::rota::Rota;
use crate::secrets::Secrets;
use crate::service::{Operators, Service};
use crate::signed::Signed;
use crate::store::{Place, Store, Tx};
use crate::terms::Terms;
use crate::usecase::authority::Actor;
use crate::usecase::operators::Patience;
use crate::usecase::request::{self, Requested, Wish};
use crate::usecase::{Failure, people, profiles, roles};
use crate::wallets::{Proxies, Wallets};

/// Enough for what tests do at once; each is a process of the server.
const CONNECTIONS: usize = 3;

/// What passwords cost in tests.
const CHEAP: Cost = Cost {
    memory: 32,
    passes: 1,
};

/// The instant at which everything begins.
pub(crate) const NOON: i64 = 1_780_315_200;

pub(crate) struct World {
    pub(crate) store: Store,
    pub(crate) terms: Terms,
    pub(crate) rng: ChaCha20Rng,
    pub(crate) now: Timestamp,
    /// Who requests.
    pub(crate) clerk: PersonId,
    /// Who approves.
    pub(crate) chief: PersonId,
    /// Who gets documents.
    pub(crate) ada: PersonId,
    /// Where the database is.
    pub(crate) place: Place,
    _place: Thrown,
}

/// A database, removed when it is dropped.
pub(crate) enum Thrown {
    File(PathBuf),
    Server { url: String, name: String },
}

impl Drop for Thrown {
    fn drop(&mut self) {
        match self {
            Self::File(folder) => drop(std::fs::remove_dir_all(folder)),
            Self::Server { url, name } => {
                let (url, name) = (url.clone(), name.clone());
                // The server waits for those that are connected, which no test has to; what is left when all are over
                // goes with the server.
                std::thread::spawn(move || {
                    let mut client = postgres::Client::connect(&url, postgres::NoTls).unwrap();
                    client
                        .batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)"))
                        .unwrap();
                });
            }
        }
    }
}

/// The URL of a database of the server whose URL this is.
fn of(server: &str, name: &str) -> String {
    let (base, query) = server.split_once('?').unwrap_or((server, ""));
    let base = base.rsplit_once('/').unwrap().0;
    format!("{base}/{name}?{query}")
}

/// As a database with the schema and nothing else, which is copied: that is quicker than making the schema anew.
fn with_schema(server: &str) -> &'static str {
    static TEMPLATE: OnceLock<String> = OnceLock::new();
    TEMPLATE.get_or_init(|| {
        let name = format!("mdoc_{}_template", std::process::id());
        let mut client = postgres::Client::connect(server, postgres::NoTls).unwrap();
        client.batch_execute(&format!("CREATE DATABASE {name}")).unwrap();
        drop(Store::open(&Place::parse(&of(server, &name))).unwrap());
        format!("TEMPLATE {name}")
    })
}

/// The places where every test is run, with nothing in them.
pub(crate) fn places() -> Vec<(Place, Thrown)> {
    made(|_| "")
}

/// Of a server, a database that is made by `CREATE DATABASE` and what is said of it.
fn made(like: fn(server: &str) -> &'static str) -> Vec<(Place, Thrown)> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let name = format!(
        "mdoc_{}_{}",
        std::process::id(),
        COUNT.fetch_add(1, Ordering::Relaxed)
    );
    let folder = std::env::temp_dir().join(&name);
    std::fs::create_dir_all(&folder).unwrap();
    let mut places = vec![(Place::File(folder.join("service.db")), Thrown::File(folder))];
    match std::env::var("MDOC_TEST_POSTGRES") {
        Ok(url) => {
            let (server, made) = (url.clone(), name.clone());
            std::thread::spawn(move || {
                let like = like(&server);
                let mut client = postgres::Client::connect(&server, postgres::NoTls).unwrap();
                let sql = format!("CREATE DATABASE {made} {like}");
                client.batch_execute(&sql).unwrap();
            })
            .join()
            .unwrap();
            places.push((Place::parse(&of(&url, &name)), Thrown::Server { url, name }));
        }
        Err(_) => eprintln!("NOT DONE on PostgreSQL: MDOC_TEST_POSTGRES is not set"),
    }
    places
}

/// Runs a test on every database.
pub(crate) fn everywhere(test: impl AsyncFn(World)) {
    for (place, thrown) in made(with_schema) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async { test(World::new(&place, thrown).await).await });
    }
}

impl World {
    async fn new(place: &Place, thrown: Thrown) -> Self {
        let mut rng = ChaCha20Rng::seed_from_u64(6);
        let secrets = Secrets::generate(&mut rng);
        let terms = Terms::new(Arc::new(Catalogue::shipped()), secrets);
        let nobody = PersonId::random(&mut rng);
        let mut world = Self {
            store: Store::with_connections(place, CONNECTIONS).unwrap(),
            terms,
            rng,
            now: Timestamp::from_unix(NOON),
            clerk: nobody.clone(),
            chief: nobody.clone(),
            ada: nobody,
            place: place.clone(),
            _place: thrown,
        };
        world.clerk = world.person("clerk").await;
        world.chief = world.person("chief").await;
        world.ada = world.person("ada").await;
        let clerks = [
            Workflow::RequestId,
            Workflow::EnableDisable,
            Workflow::CancelCredential,
            Workflow::IssueDevice,
            Workflow::RequestUpdate,
            Workflow::ViewReports,
        ];
        let chiefs = [
            Workflow::ValidateRequest,
            Workflow::ValidateCancellation,
            Workflow::ViewReports,
            Workflow::RequestId,
            Workflow::CancelCredential,
        ];
        world.role("clerks", Scope::All, &clerks).await;
        world.role("chiefs", Scope::All, &chiefs).await;
        world.grant("clerks", &world.clerk.clone()).await;
        world.grant("chiefs", &world.chief.clone()).await;
        world.profile("licence", |_| {}).await;
        world
    }

    /// The service over HTTP, at `issuer`.
    pub(crate) fn service(&self, issuer: &str) -> Service {
        let (signers, status) = signers_and_status();
        Service {
            store: self.store.clone(),
            terms: self.terms.clone(),
            signers: Rota::new(signers),
            metadata_signer: Some(status.clone()),
            signed_metadata: Signed::default(),
            publisher: Publisher::new(status, format!("{issuer}/status"), Lifetimes::default()),
            identifier: issuer.to_owned(),
            display_name: "Club".to_owned(),
            logo: Some("https://id.example.org/logo.svg".to_owned()),
            encryption: None,
            oldest: Draft::Final,
            wallets: Wallets::default(),
            proxies: Proxies::default(),
            operators: Operators {
                passwords: Passwords::new(CHEAP, &mut ChaCha20Rng::seed_from_u64(7)).unwrap(),
                patience: Patience::default(),
                passkeys: Passkeys::new(issuer, "Club"),
                floor: Duration::ZERO,
                openid: None,
                certificate_header: false,
            },
            exports: tokio::sync::Semaphore::new(1),
            courier: None,
            clock: Arc::new(self.now),
            backend: &RustCrypto,
        }
    }

    /// Does something as the service itself.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnMut(&mut Tx<'_>) -> Result<T, Failure> + Send + 'static,
    ) -> T {
        self.store.write(work).await.unwrap()
    }

    pub(crate) async fn person(&mut self, name: &str) -> PersonId {
        let details = Details {
            logon_name: name.to_owned(),
            given_name: name.to_owned(),
            family_name: "Example".to_owned(),
            email: Some(format!("{name}@example.org")),
            mobile_phone: Some("+441632960123".to_owned()),
            user_data_approved: true,
            ..Details::default()
        };
        self.add(details).await.unwrap()
    }

    pub(crate) async fn add(&mut self, details: Details) -> Result<PersonId, Failure> {
        let (now, mut rng) = (self.now, self.rng());
        self.store
            .write(move |tx| people::add(tx, &system(), now, (&details, None), &mut rng))
            .await
            .map(|person| person.id)
    }

    pub(crate) async fn edit(&self, id: &PersonId, change: impl Fn(&mut Details) + Send + 'static) {
        let (now, id) = (self.now, id.clone());
        self.run(move |tx| {
            let mut person = people::read(tx, &id)?;
            change(&mut person.details);
            people::change(tx, &system(), now, &person)
        })
        .await;
    }

    pub(crate) async fn role(&self, name: &str, scope: Scope, workflows: &[Workflow]) {
        let role = Role {
            name: name.to_owned(),
            scope,
            workflows: workflows.to_vec(),
        };
        let now = self.now;
        self.run(move |tx| roles::set(tx, &system(), now, &role)).await;
    }

    pub(crate) async fn grant(&self, role: &str, person: &PersonId) {
        let (role, person, now) = (role.to_owned(), person.clone(), self.now);
        self.run(move |tx| roles::grant(tx, &system(), now, (&role, &person)))
            .await;
    }

    pub(crate) async fn profile(&self, name: &str, change: impl FnOnce(&mut Settings)) {
        let mut settings = Settings {
            display_name: "Licence".to_owned(),
            format: "loyalty-card".to_owned(),
            copies: 3,
            ..Settings::default()
        };
        change(&mut settings);
        self.set_profile(name, settings).await.unwrap();
    }

    pub(crate) async fn set_profile(&self, name: &str, settings: Settings) -> Result<i64, Failure> {
        let (name, now, terms) = (name.to_owned(), self.now, self.terms.clone());
        let set = self
            .store
            .write(move |tx| profiles::set(tx, &system(), now, (&name, &settings, &terms), "for the test"));
        set.await
    }

    /// Requests a document for Ada.
    pub(crate) async fn request_as(&mut self, who: &PersonId, profile: &str) -> Result<Requested, Failure> {
        let wish = Wish {
            person: self.ada.clone(),
            profile: profile.to_owned(),
            delivery: None,
            notes: None,
        };
        self.request(who, wish).await
    }

    pub(crate) async fn request(&mut self, who: &PersonId, wish: Wish) -> Result<Requested, Failure> {
        let (now, terms, mut rng, actor) = (self.now, self.terms.clone(), self.rng(), operator(who));
        self.store
            .write(move |tx| request::request(tx, &actor, now, (&wish, &terms), &mut rng))
            .await
    }

    /// What the audit trail tells.
    pub(crate) async fn audited(&self) -> Vec<serde_json::Value> {
        let entries = self
            .run(|tx| {
                let sql = "SELECT entry FROM audit ORDER BY number";
                Ok(tx.rows(sql, &[], |row| row.get::<String>(0))?)
            })
            .await;
        entries
            .iter()
            .map(|entry| serde_json::from_str(entry).unwrap())
            .collect()
    }

    pub(crate) async fn actions(&self) -> Vec<String> {
        let action = |entry: serde_json::Value| entry["action"].as_str().unwrap().to_owned();
        self.audited().await.into_iter().map(action).collect()
    }

    pub(crate) const fn is_server(&self) -> bool {
        matches!(self._place, Thrown::Server { .. })
    }

    pub(crate) fn rng(&mut self) -> ChaCha20Rng {
        ChaCha20Rng::from_rng(&mut self.rng)
    }

    pub(crate) fn later(&mut self, seconds: i64) {
        self.now = Timestamp::from_unix(self.now.unix() + seconds);
    }
}

pub(crate) fn system() -> Actor {
    Actor::system("test")
}

pub(crate) fn operator(person: &PersonId) -> Actor {
    Actor::operator(person.clone(), None, "192.0.2.7".to_owned())
}

/// The code of the rule that said no.
pub(crate) fn code<T>(result: Result<T, Failure>) -> &'static str {
    match result {
        Ok(_) => "done",
        Err(failure) => refusal(failure).code(),
    }
}

pub(crate) fn refusal(failure: Failure) -> Refusal {
    match failure {
        Failure::Refused(refusal) => refusal,
        Failure::Store(error) => panic!("{error}"),
    }
}
