//! A service in a folder of its own, with people and documents that wait for their wallets.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use mdoc_cli::system::SystemClock;
use mdoc_core::seams::Clock as _;
use mdoc_openid::jose::base64url;
use mdoc_service::config::Config;
use mdoc_service::domain::person::Details;
use mdoc_service::domain::profile::{GenerateCode, Settings};
use mdoc_service::domain::scope::ApiScope;
use mdoc_service::start;
use mdoc_service::store::{Place, Store};
use mdoc_service::terms::Terms;
use mdoc_service::usecase::authority::Actor;
use mdoc_service::usecase::request::{self, Wish};
use mdoc_service::usecase::{Failure, clients, people, profiles};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;

use super::client::Ticket;

/// How many documents one person has at most, and are requested in one transaction.
const EACH: usize = 50;

/// The service.
pub(crate) struct World {
    /// Where everything is.
    pub(crate) folder: PathBuf,
    /// Where it answers.
    pub(crate) address: SocketAddr,
    /// What it is called.
    pub(crate) issuer: String,
    program: PathBuf,
    database: Option<String>,
    config: PathBuf,
    people: usize,
}

impl World {
    /// Makes it, by the program's own `init`, on SQLite or on a server's database.
    pub(crate) fn new(program: &Path, name: &str, database: Option<String>) -> Self {
        let folder = std::env::temp_dir().join(format!("mdoc-{name}-{}", std::process::id()));
        let _left_over = std::fs::remove_dir_all(&folder);
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let issuer = format!("http://{address}");
        let made = Command::new(program)
            .arg("init")
            .arg(&folder)
            .args(["--external", &issuer, "--listen", &address.to_string()])
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        Self {
            config: folder.join("service.toml"),
            folder,
            address,
            issuer,
            program: program.to_owned(),
            database,
            people: 0,
        }
    }

    /// The settings that go before the file: all requests come from one address here.
    fn environment(&self) -> Vec<(String, String)> {
        let rates = ["TOKEN", "NONCE", "CREDENTIAL", "STATUS", "API", "OTHER"];
        let mut all: Vec<_> = rates
            .map(|name| (format!("MDOC_SERVICE_LIMITS__RATES__{name}"), "0".to_owned()))
            .into();
        if let Some(database) = &self.database {
            all.push(("MDOC_SERVICE_DATABASE".to_owned(), database.clone()));
        }
        all
    }

    /// The configuration with them.
    pub(crate) fn config(&self) -> Config {
        Config::read(&self.config, self.environment().into_iter()).unwrap()
    }

    /// Opens the database beside the service.
    pub(crate) fn store(&self) -> Store {
        Store::open(&Place::parse(&self.config().database)).unwrap()
    }

    /// The rules of the organisation.
    pub(crate) fn terms(&self) -> Terms {
        start::terms(&self.config()).unwrap()
    }

    /// Starts the program, and waits until it answers.
    pub(crate) fn start(&self) -> Serving {
        let child = Command::new(&self.program)
            .args(["serve", "--config"])
            .arg(&self.config)
            .envs(self.environment())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let began = Instant::now();
        while std::net::TcpStream::connect(self.address).is_err() {
            assert!(
                began.elapsed() < Duration::from_secs(60),
                "the service does not answer"
            );
            std::thread::sleep(Duration::from_millis(5));
        }
        Serving(child)
    }

    /// The profile that everything is requested of: a card without portrait, one copy, no code beside the address.
    pub(crate) async fn profile(&self, store: &Store) {
        self.profile_named(store, "load").await;
    }

    /// The same by another name.
    pub(crate) async fn profile_named(&self, store: &Store, name: &'static str) {
        let settings = Settings {
            display_name: "Load".to_owned(),
            format: "loyalty-card".to_owned(),
            copies: 1,
            issue_over_existing: true,
            generate_code_on_request: GenerateCode::None,
            ..Settings::default()
        };
        let (now, terms) = (SystemClock.now(), self.terms());
        let made = store.write::<_, Failure>(move |tx| {
            profiles::set(tx, &Actor::system("load"), now, (name, &settings, &terms), "")
        });
        made.await.unwrap();
    }

    /// A machine of the administrator's that may do that: its id and its secret.
    pub(crate) async fn machine(
        &self,
        store: &Store,
        (name, scopes): (&'static str, &'static [ApiScope]),
    ) -> (String, String) {
        let (secrets, now) = (self.terms().secrets, SystemClock.now());
        let made = store.write::<_, Failure>(move |tx| {
            let operator = people::by_logon(tx, "administrator")?.id;
            let mut seed = [0; 32];
            getrandom(&mut seed);
            let mut rng = ChaCha20Rng::from_seed(seed);
            let wanted = (name, &operator, scopes);
            clients::add(tx, &Actor::system("load"), now, wanted, (&secrets, &mut rng))
        });
        let (client, secret) = made.await.unwrap();
        (client.id.to_string(), base64url(&*secret))
    }

    /// Requests so many documents, and gives what they are collected by.
    pub(crate) async fn tickets(&mut self, store: &Store, count: usize) -> Vec<Ticket> {
        let terms = self.terms();
        let mut tickets = Vec::with_capacity(count);
        while tickets.len() < count {
            let (number, wanted) = (self.people, EACH.min(count - tickets.len()));
            self.people += 1;
            let (terms, now) = (terms.clone(), SystemClock.now());
            let mut seed = [0; 32];
            getrandom(&mut seed);
            let mut rng = ChaCha20Rng::from_seed(seed);
            let requested = store.write::<_, Failure>(move |tx| {
                let actor = Actor::system("load");
                let details = Details {
                    logon_name: format!("load{number}"),
                    given_name: "Load".to_owned(),
                    family_name: format!("Example {number}"),
                    attributes: serde_json::from_str(
                        r#"{"birth_date":"1990-01-31","member_number":"LC-0001","level":"gold","issuing_authority":"Load"}"#,
                    )
                    .unwrap(),
                    ..Details::default()
                };
                let person = people::add(tx, &actor, now, (&details, None), &mut rng)?.id;
                let mut made = Vec::new();
                for _ in 0..wanted {
                    let wish = Wish {
                        person: person.clone(),
                        profile: "load".to_owned(),
                        delivery: None,
                        notes: None,
                    };
                    let requested = request::request(tx, &actor, now, (&wish, &terms), &mut rng)?;
                    let offer = requested.offer.unwrap();
                    made.push(Ticket {
                        serial: requested.document.serial.as_str().to_owned(),
                        secret: *offer.secret,
                        code: offer.code.as_ref().map(|code| code.as_str().to_owned()),
                    });
                }
                Ok(made)
            });
            tickets.extend(requested.await.unwrap());
        }
        tickets
    }
}

/// The program, for as long as this is held.
pub(crate) struct Serving(pub(crate) Child);

impl Serving {
    /// Kills it, as the system does at its worst.
    pub(crate) fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _gone = self.0.wait();
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _gone = std::fs::remove_dir_all(&self.folder);
    }
}

fn getrandom(seed: &mut [u8]) {
    rand_core::Rng::fill_bytes(&mut mdoc_cli::system::random().unwrap(), seed);
}
