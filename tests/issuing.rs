//! The life of a document over HTTP, by the four programs: requested, collected into a wallet, shown to a reader that asks the
//! issuer, switched off and on, cancelled. On SQLite, and on PostgreSQL where `tests/postgres/run` started one.

use std::cell::RefCell;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::programs::{Workspace, program};

const CLUB: &str = "display_name = \"Club card\"\nformat = \"loyalty-card\"\ncopies = 6\n";
const REQUEST: &str = "[[document]]\ndocType = \"com.example.loyalty-card.1\"\n\
                       [document.elements.\"com.example.loyalty-card.1\"]\nlevel = false\n";
const PERSON: &str = include_str!("../document-formats/samples/loyalty-card.json");
const PASSPHRASE: (&str, &str) = ("MDOC_KEY_PASSPHRASE", "of the wallet");

/// A service that runs, and everybody around it.
pub(crate) struct Stage {
    pub(crate) space: Workspace,
    address: String,
    database: Option<String>,
    serving: Child,
    /// What wallets and readers logged, at the level trace.
    logged: RefCell<String>,
}

impl Drop for Stage {
    fn drop(&mut self) {
        let _gone = self.serving.kill();
        let _gone = self.serving.wait();
    }
}

pub(crate) fn command(folder: &Path, name: &str, arguments: &[&str], database: Option<&String>) -> Command {
    let mut command = Command::new(program(name));
    command
        .args(arguments)
        .env_clear()
        .env(PASSPHRASE.0, PASSPHRASE.1)
        .env("MDOC_LOG", if name == "mdoc-service" { "" } else { "trace" })
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    if let Some(database) = database {
        command.env("MDOC_SERVICE_DATABASE", database);
    }
    command
}

impl Stage {
    pub(crate) fn new(database: Option<String>) -> Self {
        Self::with(database, "", |_| {})
    }

    /// With settings more, and what they name, in place before the service starts.
    pub(crate) fn with(database: Option<String>, settings: &str, furnish: impl FnOnce(&Path)) -> Self {
        let space = Workspace::new();
        let folder = space.0.clone();
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let external = format!("http://127.0.0.1:{port}");
        let mut init = vec!["init", "authority", "--external", &external];
        if let Some(url) = &database {
            init.extend(["--database", url.as_str()]);
        }
        good(command(&folder, "mdoc-service", &init, None));
        let file = folder.join("authority/service.toml");
        let text = fs::read_to_string(&file).unwrap();
        furnish(&folder);
        fs::write(
            &file,
            text.replacen("listen = ", &format!("{settings}listen = "), 1)
                .replace("127.0.0.1:8080", &format!("127.0.0.1:{port}"))
                .replace("level = \"info\"", "level = \"trace\""),
        )
        .unwrap();
        for (name, content) in [
            ("club.toml", CLUB),
            ("ada.json", PERSON),
            ("request.toml", REQUEST),
        ] {
            fs::write(folder.join(name), content).unwrap();
        }
        fs::create_dir(folder.join("air")).unwrap();
        let serve = ["serve", "--config", "authority/service.toml"];
        let serving = command(&folder, "mdoc-service", &serve, database.as_ref())
            .spawn()
            .unwrap();
        let stage = Self {
            space,
            address: format!("127.0.0.1:{port}"),
            database,
            serving,
            logged: RefCell::default(),
        };
        let began = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(
                began.elapsed() < Duration::from_secs(30),
                "the service does not answer"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
        stage
    }

    pub(crate) const fn database(&self) -> Option<&String> {
        self.database.as_ref()
    }

    /// Where the service answers.
    pub(crate) fn address(&self) -> String {
        self.address.clone()
    }

    pub(crate) fn service(&self, arguments: &[&str]) -> Value {
        let arguments = [arguments, &["--config", "authority/service.toml", "--json"]].concat();
        let output = good(command(
            &self.space.0,
            "mdoc-service",
            &arguments,
            self.database.as_ref(),
        ));
        serde_json::from_slice(&output.stdout).unwrap_or_default()
    }

    /// Ada, a profile, and a document of it for her.
    pub(crate) fn requested(&self) -> Value {
        let ada = [
            "person",
            "add",
            "--logon",
            "ada",
            "--given-name",
            "Ada",
            "--family-name",
            "Lovelace",
        ];
        self.service(&[&ada[..], &["--attributes", "ada.json"]].concat());
        good(command(
            &self.space.0,
            "mdoc-service",
            &[
                "profile",
                "set",
                "club",
                "club.toml",
                "--config",
                "authority/service.toml",
            ],
            self.database.as_ref(),
        ));
        self.service(&["request", "--person", "ada", "--profile", "club"])
    }

    pub(crate) fn collect(&self, offer: &Value, copies: &str) -> Command {
        let (link, code) = (offer["link"].as_str().unwrap(), offer["code"].as_str().unwrap());
        let arguments = [
            "collect",
            link,
            "--code",
            code,
            "--copies",
            copies,
            "--issuer-trust",
            "authority/iaca.pem",
            "--allow-private-addresses",
        ];
        command(&self.space.0, "mdoc-holder", &arguments, None)
    }

    /// Has the wallet fetch its one document anew.
    fn refreshed(&self) {
        let folder = &self.space.0;
        let records = || -> Value {
            let listed = good(command(folder, "mdoc-holder", &["list", "--json"], None));
            serde_json::from_slice(&listed.stdout).unwrap()
        };
        let id = |records: &Value| {
            let mut found = records
                .as_array()
                .or_else(|| records["records"].as_array())
                .unwrap()
                .iter();
            let id = found.next().unwrap()["id"].as_str().unwrap().to_owned();
            assert!(
                found.next().is_none(),
                "one in the place of the other: {records:#}"
            );
            id
        };
        let before = id(&records());
        let refresh = [
            "refresh",
            &before,
            "--copies",
            "2",
            "--issuer-trust",
            "authority/iaca.pem",
            "--allow-private-addresses",
        ];
        let done = good(command(folder, "mdoc-holder", &refresh, None));
        self.logged.borrow_mut().push_str(&text(&done.stderr));
        assert_ne!(id(&records()), before);
    }

    /// Shows a copy to a reader that asks the issuer; gives what the reader found. Not `require`: nobody publishes a revocation
    /// list of the certificates for development.
    pub(crate) fn shown(&self) -> Value {
        // What was learnt of the status before is not asked again for minutes: another reader asks.
        let _none = fs::remove_dir_all(self.space.0.join("cache"));
        self.shown_again(&[])
    }

    /// The same to the reader of before, who may ask in one way more.
    pub(crate) fn shown_again(&self, more: &[&str]) -> Value {
        let folder = &self.space.0;
        let code = folder.join("code.txt");
        let _none = fs::remove_file(&code);
        let present = [
            "present",
            "--wallet",
            "wallet",
            "--radio",
            "air",
            "--engagement-out",
            "code.txt",
            "--yes",
        ];
        let wallet = command(folder, "mdoc-holder", &present, None).spawn().unwrap();
        let began = Instant::now();
        while !code.exists() {
            assert!(
                began.elapsed() < Duration::from_secs(30),
                "the wallet shows no code"
            );
            std::thread::sleep(Duration::from_millis(10));
        }
        let read = [
            "read",
            "--engagement-file",
            "code.txt",
            "--file",
            "request.toml",
            "--radio",
            "air",
            "--trust",
            "authority/iaca.pem",
            "--status",
            "prefer",
            "--status-cache",
            "cache",
            "--allow-private-addresses",
            "--json",
        ];
        let read = [&read, more].concat();
        let read = command(folder, "mdoc-verifier", &read, None).output().unwrap();
        let presented = wallet.wait_with_output().unwrap();
        let words = text(&[read.stderr.as_slice(), &presented.stderr].concat());
        assert!(presented.status.success(), "{words}");
        self.logged.borrow_mut().push_str(&words);
        serde_json::from_slice(&read.stdout).unwrap_or_else(|_| panic!("{}", text(&read.stderr)))
    }
}

/// A new database on the server of the tests.
pub(crate) fn fresh(url: &str) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let name = format!(
        "life_{}_{}",
        std::process::id(),
        COUNT.fetch_add(1, Ordering::Relaxed)
    );
    let mut client = postgres::Client::connect(url, postgres::NoTls).unwrap();
    client.batch_execute(&format!("CREATE DATABASE {name}")).unwrap();
    format!("{}/{name}", url.rsplit_once('/').unwrap().0)
}

pub(crate) fn good(mut command: Command) -> Output {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", text(&output.stderr));
    output
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn life(database: Option<String>) {
    let stage = Stage::new(database);
    assert_eq!(
        stage.service(&["person", "list"])[0]["logon_name"],
        "administrator"
    );
    assert_eq!(
        stage.service(&["role", "list", "--person", "administrator"])[0]["name"],
        "administrators"
    );
    if let Some(url) = &stage.database {
        let folder = &stage.space.0;
        let mode = fs::metadata(folder.join("authority/service.toml"))
            .unwrap()
            .permissions();
        assert_eq!(mode.mode() & 0o777, 0o600, "the URL may have a password");
        let again = ["init", "other", "--database", url];
        let again = command(folder, "mdoc-service", &again, None).output().unwrap();
        assert_eq!(again.status.code(), Some(2));
        assert!(
            text(&again.stderr).contains("copy its folder"),
            "{}",
            text(&again.stderr)
        );
        assert_eq!(
            fs::read_dir(folder.join("other")).unwrap().count(),
            0,
            "nothing is half done"
        );
    }
    let requested = stage.requested();
    let versions = stage.service(&["profile", "history", "club"]);
    assert_eq!(
        (&versions[0]["version"], &versions[0]["by"]),
        (&1.into(), &Value::Null)
    );
    let (serial, offer) = (requested["serial"].as_str().unwrap(), &requested["offer"]);
    assert_eq!(requested["state"], "collectable");
    let collected = text(&good(stage.collect(offer, "6")).stderr);
    let again = stage.collect(offer, "1").output().unwrap();
    let words = text(&again.stderr);
    assert_eq!(again.status.code(), Some(1), "{words}");
    stage.logged.borrow_mut().push_str(&(collected + &words));

    let accepted = |told: &Value| told["report"]["accepted"].as_bool();
    let told = stage.shown();
    assert_eq!(accepted(&told), Some(true), "{told:#}");
    let document = |change: &str, reason: &str| {
        stage.service(&["document", change, serial, "--reason", reason])["state"].clone()
    };
    assert_eq!(document("disable", "mislaid"), "disabled");
    let told = stage.shown();
    assert_eq!(accepted(&told), Some(false), "{told:#}");
    assert!(told.to_string().contains("suspended"), "{told:#}");
    assert_eq!(document("enable", "found"), "active");
    let told = stage.shown();
    assert_eq!(accepted(&told), Some(true), "{told:#}");
    // Made anew, and fetched by the wallet without its holder.
    assert_eq!(
        stage.service(&["document", "update", serial])["state"],
        "updating"
    );
    stage.refreshed();
    let told = stage.shown();
    assert_eq!(accepted(&told), Some(true), "{told:#}");
    assert_eq!(document("cancel", "lost"), "cancelled");
    let told = stage.shown();
    assert_eq!(accepted(&told), Some(false), "{told:#}");
    assert!(told.to_string().contains("revoked"), "{told:#}");

    let history = stage.service(&["document", "show", serial]);
    let moves: Vec<_> = history["history"]
        .as_array()
        .unwrap()
        .iter()
        .map(|made| made["move"].as_str().unwrap())
        .collect();
    assert_eq!(
        moves,
        [
            "release", "begin", "issue", "disable", "enable", "update", "issue", "cancel"
        ]
    );
    assert_eq!(stage.service(&["audit", "verify"])["whole"], true);
    stage.logged_no_secret(offer);
}

impl Stage {
    /// What service, wallet and reader have logged at the level trace has no secret in it, and nothing of the person.
    fn logged_no_secret(&self, offer: &Value) {
        let service = fs::read_to_string(self.space.0.join("authority/service.log")).unwrap();
        let logged = service + &self.logged.borrow();
        for event in [
            "\"event\":\"request\"",
            "event=\"connected\"",
            "event=\"program ended\"",
        ] {
            assert!(logged.contains(event), "the log does not tell {event}:\n{logged}");
        }
        let told = |member: &str| offer[member].as_str().unwrap();
        let address = told("link").rsplit("%2F").next().unwrap();
        assert_eq!(address.len(), 43);
        for secret in [
            PASSPHRASE.1,
            told("code"),
            told("invitation"),
            address,
            "Lovelace",
            "Ada",
        ] {
            assert!(!logged.contains(secret), "{secret} is logged");
        }
        // Codes, tokens, nonces, keys: thirty-two octets of randomness. Fingerprints are said to be some.
        let word = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        // So are the digests of addresses that files in a cache are called by.
        let public = ["fingerprint=\"", "fingerprint\":\"", "path=\"cache/"];
        let mark = |log: String, public: &str| log.replace(public, &format!("{public}\"of "));
        let shown = public.into_iter().fold(logged.clone(), mark);
        let long = shown.split(|c: char| !word(c) && c != ' ');
        let found: Vec<_> = long
            .filter(|found| !found.starts_with("of "))
            .flat_map(|found| found.split(' '))
            .filter(|found| found.len() >= 43)
            .collect();
        assert!(found.is_empty(), "are these secrets? {found:?}");
        let octets = |line: &&str| {
            let numbers = line.split(", ").map(|number| number.trim_start_matches('['));
            let runs: Vec<_> = numbers.map(|number| number.parse::<u8>().is_ok()).collect();
            runs.windows(8).any(|run| run.iter().all(|number| *number))
        };
        let found: Vec<_> = logged.lines().filter(octets).collect();
        assert!(found.is_empty(), "are these secrets? {found:?}");
    }
}

#[test]
fn a_document_is_requested_collected_shown_switched_off_and_on_and_cancelled() {
    life(None);
    match std::env::var("MDOC_TEST_POSTGRES") {
        Ok(url) => life(Some(fresh(&url))),
        Err(_) => eprintln!("NOT DONE on PostgreSQL: MDOC_TEST_POSTGRES is not set"),
    }
}
