//! The program starts. With a test of its own, `cargo test` builds it together with everything else, and the tests of the
//! whole workspace find it there.

#![expect(clippy::unwrap_used, reason = "tests, and what they share")]

#[path = "program/kept.rs"]
mod kept;
#[cfg(unix)]
#[path = "program/rotation.rs"]
mod rotation;
#[cfg(unix)]
#[path = "program/tls.rs"]
mod tls;

use std::process::Command;

#[test]
fn it_says_what_it_is() {
    let said = Command::new(env!("CARGO_BIN_EXE_mdoc-service"))
        .arg("--version")
        .output()
        .unwrap();
    assert!(said.status.success());
    let text = String::from_utf8(said.stdout).unwrap();
    assert_eq!(text.trim(), concat!("mdoc-service ", env!("CARGO_PKG_VERSION")));
}

/// The show ends well, and shows what it should: what a reader finds after each change, and no warning of its own making.
#[cfg(feature = "demo")]
#[test]
fn the_demo_shows_the_whole_life_of_a_document() {
    let folder = std::env::temp_dir().join(format!("mdoc-demo-{}", std::process::id()));
    let _left_over = std::fs::remove_dir_all(&folder);
    let demo = || {
        Command::new(env!("CARGO_BIN_EXE_mdoc-service"))
            .args(["demo".as_ref(), folder.as_os_str()])
            .output()
            .unwrap()
    };
    let shown = demo();
    let text = String::from_utf8(shown.stdout).unwrap();
    assert!(
        shown.status.success(),
        "{text}{}",
        String::from_utf8_lossy(&shown.stderr)
    );
    let found: Vec<_> = text
        .lines()
        .filter_map(|line| {
            let line = line.trim_start();
            ["ACCEPTED", "REJECTED", "FAILED", "warning"]
                .into_iter()
                .find(|word| line.starts_with(word))
                .map(|word| match line.rsplit_once("  [") {
                    Some((_, code)) => code.split(';').next().unwrap(),
                    None => word,
                })
        })
        .collect();
    let expected = [
        "ACCEPTED",
        "REJECTED",
        "status.suspended",
        "ACCEPTED",
        "REJECTED",
        "status.revoked",
    ];
    assert_eq!(found, expected, "{text}");
    assert_eq!(text.matches(" copies of ").count(), 7, "{text}");
    assert!(folder.join("service.db").exists());
    // People are told over two channels, of an offer and of an update; what is lost is replaced, and a batch ends what is left.
    for said in [
        "To: person009@example.org",
        "To: +441632960008",
        "updating: its wallet",
        "the lost one    cancelled",
        "another lifetime begins",
        "9 documents",
    ] {
        assert!(text.contains(said), "{said}: {text}");
    }
    assert!(
        text.contains("0 pending, 0 in progress, 9 completed, 0 failed"),
        "{text}"
    );

    let again = demo();
    let words = String::from_utf8(again.stderr).unwrap();
    assert_eq!(again.status.code(), Some(2), "{words}");
    assert!(words.contains("is not empty"), "{words}");
    std::fs::remove_dir_all(folder).unwrap();
}

/// A service of `init` in a folder of the test, which goes with it.
struct Folder(std::path::PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _gone = std::fs::remove_dir_all(&self.0);
    }
}

impl Folder {
    fn new(name: &str, listen: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("mdoc-{name}-{}", std::process::id()));
        let _left_over = std::fs::remove_dir_all(&folder);
        let made = Command::new(env!("CARGO_BIN_EXE_mdoc-service"))
            .arg("init")
            .arg(&folder)
            .args(["--listen", listen, "--external", &format!("http://{listen}")])
            .output()
            .unwrap();
        assert!(made.status.success());
        Self(folder)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mdoc-service"));
        command
            .args(arguments)
            .current_dir(&self.0)
            .env_remove("MDOC_LOG");
        command
    }

    fn run(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let ran = self.command(arguments).output().unwrap();
        let both = [ran.stdout, ran.stderr].concat();
        (ran.status.code(), String::from_utf8(both).unwrap())
    }

    fn add(&self, name: &str) {
        let add = [
            "person",
            "add",
            "--logon",
            name,
            "--given-name",
            "Ada",
            "--family-name",
        ];
        let (status, text) = self.run(&[&add[..], &["Example"]].concat());
        assert_eq!(status, Some(0), "{text}");
    }
}

#[test]
fn what_was_backed_up_is_restored_and_its_trail_is_whole() {
    let folder = Folder::new("restored", "127.0.0.1:1");
    folder.add("ada");
    assert_eq!(folder.run(&["backup", "copy.db"]).0, Some(0));
    folder.add("grace");

    let (status, text) = folder.run(&["restore", "copy.db"]);
    assert_eq!(status, Some(2), "{text}");
    assert!(
        text.contains("there is a database already") && text.contains("--replace"),
        "{text}"
    );
    let (status, text) = folder.run(&["restore", "service.toml", "--replace"]);
    assert_eq!(status, Some(2), "{text}");
    assert!(text.contains("the copy cannot be used"), "{text}");
    assert!(folder.run(&["person", "list"]).1.contains("grace"));

    let (status, text) = folder.run(&["restore", "copy.db", "--replace"]);
    assert_eq!(status, Some(0), "{text}");
    assert!(
        text.contains("2 people, 0 documents") && text.contains("1 person.add"),
        "{text}"
    );
    let people = folder.run(&["person", "list"]).1;
    assert!(people.contains("ada") && !people.contains("grace"), "{people}");
    let (status, text) = folder.run(&["audit", "verify"]);
    assert_eq!(status, Some(0), "{text}");
    let kept = std::fs::read_dir(&folder.0).unwrap().filter_map(|entry| {
        let name = entry.unwrap().file_name().into_string().unwrap();
        name.starts_with("service.db.before-").then_some(name)
    });
    let kept: Vec<_> = kept.collect();
    assert_eq!(kept.len(), 1);

    // Where there is none, it is put into its place as it is.
    std::fs::remove_file(folder.0.join("service.db")).unwrap();
    let (status, text) = folder.run(&["restore", &kept[0]]);
    assert_eq!(status, Some(2), "{text}");
    assert!(text.contains("service.db-wal is there"), "{text}");
    for part in ["-wal", "-shm"] {
        let _none = std::fs::remove_file(folder.0.join(format!("service.db{part}")));
    }
    let (status, text) = folder.run(&["restore", &kept[0], "--json"]);
    assert_eq!(status, Some(0), "{text}");
    let said: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        (&said["people"], &said["kept"]),
        (&3.into(), &serde_json::Value::Null)
    );
    assert!(folder.run(&["person", "list"]).1.contains("grace"));

    let server = folder
        .command(&["restore", "copy.db"])
        .env("MDOC_SERVICE_DATABASE", "postgres://localhost/x")
        .output()
        .unwrap();
    let words = String::from_utf8(server.stderr).unwrap();
    assert_eq!(server.status.code(), Some(2));
    assert!(words.contains("pg_restore"), "{words}");
}

/// A service that ends with the test.
#[cfg(unix)]
struct Serving(std::process::Child);

#[cfg(unix)]
impl Drop for Serving {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _gone = self.0.wait();
    }
}

/// An answer to a question without body.
#[cfg(unix)]
fn ask(address: &str, path: &str) -> String {
    use std::io::{Read as _, Write as _};
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    let injected = "X-Request-Id: mine\r\nUser-Agent: mine\r\n";
    let asked = format!("GET {path} HTTP/1.1\r\nHost: x\r\n{injected}Connection: close\r\n\r\n");
    stream.write_all(asked.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[cfg(unix)]
#[test]
fn a_service_that_runs_has_a_log_of_json_lines_and_metrics_elsewhere() {
    let free = || {
        std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
    };
    let (listen, metrics) = (free().to_string(), free().to_string());
    let folder = Folder::new("watched", &listen);
    let mut serve = folder.command(&["serve"]);
    let serve = serve
        .env("MDOC_SERVICE_METRICS", &metrics)
        .stdout(std::process::Stdio::null());
    let mut serving = Serving(serve.spawn().unwrap());
    let began = std::time::Instant::now();
    while std::net::TcpStream::connect(&metrics).is_err() || std::net::TcpStream::connect(&listen).is_err() {
        assert!(began.elapsed().as_secs() < 30, "it does not answer");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let secret = "/offer/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA?x=secret";
    let answer = ask(&listen, secret);
    assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
    let name = answer
        .lines()
        .find_map(|line| line.strip_prefix("x-request-id: "))
        .unwrap()
        .to_owned();
    // The database has two seconds to answer, and the service has just begun.
    while !ask(&metrics, "/ready").contains("\"ready\":true") {
        assert!(began.elapsed().as_secs() < 60, "it is not ready");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    assert!(ask(&listen, "/ready").starts_with("HTTP/1.1 200"));
    assert!(ask(&listen, "/metrics").starts_with("HTTP/1.1 404"));
    let counted = ask(&metrics, "/metrics");
    assert!(
        counted.contains("route=\"/offer/{secret}\",method=\"GET\",status=\"4xx\"} 1"),
        "{counted}"
    );
    // Nobody can write a second line, or the name of the request.
    let pid = serving.0.id().to_string();
    assert!(
        Command::new("sh")
            .args(["-c", &format!("kill -TERM {pid}")])
            .status()
            .unwrap()
            .success()
    );
    assert!(serving.0.wait().unwrap().success());
    let log = std::fs::read_to_string(folder.0.join("service.log")).unwrap();
    let lines: Vec<serde_json::Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let line = lines
        .iter()
        .find(|line| line["request"] == name.as_str())
        .unwrap();
    assert_eq!(
        (&line["event"], &line["route"]),
        (&"request".into(), &"/offer/{secret}".into())
    );
    assert_eq!((&line["status"], &line["method"]), (&404.into(), &"GET".into()));
    for word in ["AAAA", "x=secret", "mine"] {
        assert!(!log.contains(word), "{word}: {log}");
    }
}

#[test]
fn looking_at_the_configuration_changes_no_database() {
    let folder = Folder::new("checked", "127.0.0.1:1");
    let elsewhere = folder
        .command(&["config", "check"])
        .env("MDOC_SERVICE_DATABASE", "other.db")
        .output()
        .unwrap();
    let text = String::from_utf8(elsewhere.stdout).unwrap();
    assert!(
        elsewhere.status.success() && text.contains("The database is empty"),
        "{text}"
    );
    assert!(!folder.0.join("other.db").exists());

    let (status, text) = folder.run(&["config", "check"]);
    assert_eq!(status, Some(0), "{text}");
    assert!(!text.contains("database"), "{text}");
    // As the first version of the program left it.
    let database = rusqlite::Connection::open(folder.0.join("service.db")).unwrap();
    database
        .execute_batch(
            "DELETE FROM migration WHERE version > 1; DROP INDEX deferred_by_document; \
             ALTER TABLE session DROP COLUMN waits; ALTER TABLE session DROP COLUMN by_identifier; \
             ALTER TABLE person DROP COLUMN data_version; ALTER TABLE document DROP COLUMN approved_data; \
             DROP INDEX device_by_instance; ALTER TABLE device DROP COLUMN instance_key; ALTER TABLE device DROP COLUMN app; \
             ALTER TABLE session DROP COLUMN instance_key; ALTER TABLE session DROP COLUMN said; \
             ALTER TABLE session DROP COLUMN key_security; ALTER TABLE offer DROP COLUMN made_by; \
             ALTER TABLE offer DROP COLUMN generation; ALTER TABLE document DROP COLUMN approved_again_by; \
             ALTER TABLE refresh_token DROP COLUMN by_identifier; DROP INDEX document_by_request; \
             DROP INDEX document_by_issue; DROP INDEX document_by_expiry; DROP INDEX document_by_state_and_request; \
             DROP INDEX document_by_profile_and_request; DROP INDEX device_by_registration; DROP TABLE message; \
             ALTER TABLE document DROP COLUMN resumes; ALTER TABLE document DROP COLUMN renews; DROP TABLE batch_node; \
             DROP TABLE operator_session; DROP TABLE operator_ceremony; DROP TABLE operator_certificate; \
             DROP TABLE operator_passkey; DROP TABLE operator_recovery; DROP TABLE operator_invitation; \
             DROP TABLE operator_account; DROP INDEX document_ageing; ALTER TABLE document DROP COLUMN ages_change; \
             ALTER TABLE person DROP COLUMN erased; \
             DROP TABLE batch_row; DROP TABLE batch; DROP INDEX offer_over; \
             DROP INDEX authorization_request_by_refresh; DROP INDEX authorization_request_by_offer; ALTER TABLE offer DROP COLUMN ended",
        )
        .unwrap();
    let schema = || -> i64 {
        database
            .query_row("SELECT MAX(version) FROM migration", [], |row| row.get(0))
            .unwrap()
    };
    let (status, text) = folder.run(&["config", "check"]);
    assert_eq!(status, Some(0), "{text}");
    assert!(text.contains("The database has schema 1"), "{text}");
    assert_eq!(schema(), 1);
    let said: serde_json::Value =
        serde_json::from_str(&folder.run(&["config", "check", "--json"]).1).unwrap();
    assert_eq!(said["schema"], 1);
    assert_eq!(folder.run(&["person", "list"]).0, Some(0));
    assert_eq!(said["newest_schema"], schema());

    // A certificate of another role signs no lists, and the words name its file.
    let refused = folder
        .command(&["config", "check"])
        .env("MDOC_SERVICE_STATUS__CERTIFICATE", "ds.pem")
        .env("MDOC_SERVICE_STATUS__KEY", "ds.key.pem")
        .output()
        .unwrap();
    let words = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(2), "{words}");
    assert!(words.contains("ds.pem cannot sign status lists"), "{words}");

    std::fs::write(folder.0.join("text.db"), "no database, and rather long for one").unwrap();
    let unusable = folder
        .command(&["config", "check"])
        .env("MDOC_SERVICE_DATABASE", "text.db")
        .output()
        .unwrap();
    assert_eq!(unusable.status.code(), Some(2));
}
