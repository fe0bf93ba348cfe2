//! `mdoc-holder collect` and what follows it, against an issuer on this machine, over HTTP.

#[path = "../holder/src/collect/tests/issuer.rs"]
#[expect(dead_code, reason = "this is as of today, and at an address of its own")]
mod issuer;

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use mdoc_cli::system::SystemClock;
use mdoc_core::seams::Clock as _;
use mdoc_holder::collect::{Request, Response};
use serde_json::Value;

use self::issuer::Issuer;
use crate::online::server::{Seen, Server, answer};
use crate::programs::{program, run_with};

/// An issuer that listens, and a folder for the wallet.
struct Scene {
    issuer: Arc<Mutex<Issuer>>,
    _server: Server,
    folder: PathBuf,
}

impl Scene {
    fn new(name: &str) -> Self {
        let place: Arc<OnceLock<Arc<Mutex<Issuer>>>> = Arc::default();
        let (served, origin) = (Arc::clone(&place), Arc::new(OnceLock::<String>::new()));
        let known = Arc::clone(&origin);
        let server = Server::start(move |seen, out| {
            let request = request(seen, known.get().unwrap());
            let response = served.get().unwrap().lock().unwrap().answer(&request);
            let headers: Vec<(&str, &str)> = response
                .headers
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str()))
                .collect();
            answer(out, response.status, &headers, &response.body)
        });
        let url = server.url("");
        let issuer = Arc::new(Mutex::new(Issuer::at(
            url.trim_end_matches('/'),
            SystemClock.now(),
        )));
        origin.set(url.trim_end_matches('/').to_owned()).unwrap();
        assert!(place.set(Arc::clone(&issuer)).is_ok());
        let folder = std::env::temp_dir().join(format!("mdoc-collecting-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("iaca.der"), issuer.lock().unwrap().root.der()).unwrap();
        Self {
            issuer,
            _server: server,
            folder,
        }
    }

    fn run(&self, arguments: &[&str]) -> Output {
        run_with(
            &self.folder,
            arguments,
            &[("MDOC_KEY_PASSPHRASE", "a passphrase")],
        )
    }

    fn collect(&self, more: &[&str]) -> Output {
        let offer = self.issuer.lock().unwrap().offer_uri();
        let mut arguments = vec!["mdoc-holder", "collect", &offer, "--allow-private-addresses"];
        arguments.extend(more);
        self.run(&arguments)
    }

    fn list(&self) -> Vec<Value> {
        let output = self.run(&["mdoc-holder", "list", "--json"]);
        json(&output)["records"].as_array().unwrap().clone()
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn request(seen: &Seen, origin: &str) -> Request {
    let header = |wanted: &'static str| {
        let found = seen.header(&wanted.to_ascii_lowercase())?;
        Some((wanted, found.to_owned().into()))
    };
    let media_type = match seen.header("content-type") {
        Some("application/jwt") => "application/jwt",
        Some("application/json") => "application/json",
        _ => "application/x-www-form-urlencoded",
    };
    Request {
        url: format!("{origin}{}", seen.path),
        headers: ["DPoP", "Authorization"].into_iter().filter_map(header).collect(),
        post: (seen.method == "POST").then(|| (media_type, seen.body.clone().into())),
        largest: 0,
    }
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", words(output)))
}

fn words(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

#[test]
fn a_batch_goes_into_the_wallet_is_listed_shown_and_deleted() {
    let scene = Scene::new("batch");
    scene.issuer.lock().unwrap().dpop_nonce = true;
    let more = [
        "--code",
        "49 35 36",
        "--copies",
        "3",
        "--issuer-trust",
        "iaca.der",
        "--json",
    ];
    let output = scene.collect(&more);
    assert_eq!(output.status.code(), Some(0), "{}", words(&output));
    assert_eq!(scene.issuer.lock().unwrap().notified, ["credential_accepted"]);
    let record = json(&output)["record"].clone();
    assert_eq!(
        (&record["copies"], &record["state"]),
        (&3.into(), &"ready".into())
    );
    assert_eq!(record["refreshable"], true);
    assert_eq!(scene.list(), std::slice::from_ref(&record));

    let id = record["id"].as_str().unwrap();
    let shown = words(&scene.run(&["mdoc-holder", "show", id]));
    assert!(shown.contains("family_name: \"Doe\""), "{shown}");
    let other = run_with(
        &scene.folder,
        &["mdoc-holder", "list"],
        &[("MDOC_KEY_PASSPHRASE", "another")],
    );
    assert_eq!(other.status.code(), Some(2), "{}", words(&other));
    let mistyped = scene.run(&["mdoc-holder", "delete", id, "nosuchid"]);
    assert_eq!(mistyped.status.code(), Some(2));
    assert_eq!(scene.list().len(), 1, "nothing is deleted if one name is wrong");
    assert_eq!(scene.run(&["mdoc-holder", "delete", id]).status.code(), Some(0));
    assert!(scene.list().is_empty());
}

/// Presents from the wallet to a reader of the same machine; what the wallet says on stderr, and the copies not shown.
fn presented(scene: &Scene) -> (String, Value) {
    let at = SystemClock
        .now()
        .plus(Duration::from_secs(2 * 86_400))
        .to_string();
    let code = scene.folder.join("code.txt");
    let _none = fs::remove_file(&code);
    let start = |name: &str, arguments: &[&str]| {
        let mut command = Command::new(program(name));
        command.args(arguments).current_dir(&scene.folder).env_clear();
        command.env("MDOC_KEY_PASSPHRASE", "a passphrase");
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command.spawn().unwrap()
    };
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
    let wallet = start("mdoc-holder", &present);
    let began = Instant::now();
    while !code.exists() && began.elapsed() < Duration::from_secs(30) {
        std::thread::sleep(Duration::from_millis(10));
    }
    let read = [
        "read",
        "--engagement-file",
        "code.txt",
        "--preset",
        "age-over-18",
        "--radio",
        "air",
    ];
    let read = [&read[..], &["--trust", "iaca.der", "--at", &at]].concat();
    let read = start("mdoc-verifier", &read).wait_with_output().unwrap();
    let wallet = wallet.wait_with_output().unwrap();
    assert_eq!(read.status.code(), Some(0), "{}{}", words(&read), words(&wallet));
    assert_eq!(wallet.status.code(), Some(0), "{}", words(&wallet));
    let said = String::from_utf8_lossy(&wallet.stderr).into_owned();
    (said, scene.list()[0]["unused"].clone())
}

#[test]
fn a_copy_that_was_shown_is_not_shown_again_while_there_are_others() {
    let scene = Scene::new("shown");
    fs::create_dir(scene.folder.join("air")).unwrap();
    let output = scene.collect(&["--code", "1", "--copies", "2"]);
    assert_eq!(output.status.code(), Some(0), "{}", words(&output));
    for (unused, warned) in [(1, false), (0, false), (0, true)] {
        let (said, left) = presented(&scene);
        assert_eq!(
            (left, said.contains("was shown before")),
            (unused.into(), warned),
            "{said}"
        );
    }
}

#[test]
fn a_refusal_leaves_nothing_behind_and_what_does_not_hold_is_told() {
    let scene = Scene::new("refused");
    let body = serde_json::json!({ "error": "invalid_grant", "error_description": "used up" });
    scene.issuer.lock().unwrap().instead.insert("/token", (400, body));
    let output = scene.collect(&["--code", "1"]);
    assert_eq!(output.status.code(), Some(1), "{}", words(&output));
    assert!(
        words(&output).contains("invalid_grant (used up)"),
        "{}",
        words(&output)
    );
    scene.issuer.lock().unwrap().instead.clear();
    scene.issuer.lock().unwrap().wrong_key = true;
    let output = scene.collect(&["--code", "1"]);
    assert_eq!(output.status.code(), Some(1), "{}", words(&output));
    assert_eq!(scene.issuer.lock().unwrap().notified, ["credential_failure"]);
    assert!(scene.list().is_empty());
    let output = scene.collect(&[]);
    assert_eq!(output.status.code(), Some(2), "{}", words(&output));
    assert!(
        words(&output).contains("give it with --code"),
        "{}",
        words(&output)
    );
    let output = scene.collect(&["--code", "1", "--copies", "11"]);
    assert!(
        words(&output).contains("no more than 10 at once"),
        "{}",
        words(&output)
    );
}

#[test]
fn what_comes_later_is_pending_until_it_is_resumed() {
    let scene = Scene::new("later");
    scene.issuer.lock().unwrap().pending = 2;
    let output = scene.collect(&["--code", "1", "--json"]);
    assert_eq!(output.status.code(), Some(2), "{}", words(&output));
    let id = json(&output)["record"]["id"].as_str().unwrap().to_owned();
    assert_eq!(scene.list()[0]["state"], "pending");
    let resume = [
        "mdoc-holder",
        "collect",
        "--resume",
        &id,
        "--allow-private-addresses",
        "--json",
    ];
    assert_eq!(scene.run(&resume).status.code(), Some(2), "once more");
    let output = scene.run(&resume);
    assert_eq!(output.status.code(), Some(0), "{}", words(&output));
    assert_eq!(scene.list()[0]["state"], "ready");
    assert_eq!(
        scene.run(&resume).status.code(),
        Some(2),
        "it is not pending any more"
    );
}

impl Scene {
    fn refresh(&self) -> Output {
        let id = self.list()[0]["id"].as_str().unwrap().to_owned();
        self.run(&[
            "mdoc-holder",
            "refresh",
            &id,
            "--allow-private-addresses",
            "--json",
        ])
    }
}

#[test]
fn a_token_that_came_for_another_one_outlives_a_refusal() {
    let scene = Scene::new("rotated");
    let output = scene.collect(&["--code", "1"]);
    assert_eq!(output.status.code(), Some(0), "{}", words(&output));
    let refused = serde_json::json!({ "error": "credential_request_denied" });
    {
        let mut issuer = scene.issuer.lock().unwrap();
        issuer.rotates = true;
        issuer.instead.insert("/credential", (400, refused));
    }
    let output = scene.refresh();
    assert_eq!(output.status.code(), Some(1), "{}", words(&output));
    scene.issuer.lock().unwrap().instead.clear();
    let output = scene.refresh();
    assert_eq!(output.status.code(), Some(0), "{}", words(&output));
    assert_eq!(scene.list().len(), 1);
}

#[test]
fn what_is_fetched_anew_later_takes_the_place_of_what_was_there() {
    let scene = Scene::new("anew-later");
    let output = scene.collect(&["--code", "1"]);
    assert_eq!(output.status.code(), Some(0), "{}", words(&output));
    let before = scene.list()[0]["id"].clone();
    scene.issuer.lock().unwrap().pending = 1;
    let output = scene.refresh();
    assert_eq!(output.status.code(), Some(2), "{}", words(&output));
    assert_eq!(scene.list().len(), 2, "until it is there, the other one is");
    let id = json(&output)["record"]["id"].as_str().unwrap().to_owned();
    let resume = [
        "mdoc-holder",
        "collect",
        "--resume",
        &id,
        "--allow-private-addresses",
    ];
    let output = scene.run(&resume);
    assert_eq!(output.status.code(), Some(0), "{}", words(&output));
    let left = scene.list();
    assert_eq!((left.len(), left[0]["id"].as_str()), (1, Some(id.as_str())));
    assert_ne!(left[0]["id"], before);
}

#[test]
fn an_issuer_of_this_machine_is_not_asked_unless_that_is_allowed() {
    let scene = Scene::new("private");
    let offer = scene.issuer.lock().unwrap().offer_uri();
    let output = scene.run(&["mdoc-holder", "collect", &offer, "--code", "1"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(words(&output).contains("without TLS"), "{}", words(&output));
    assert!(!scene.folder.join("wallet").exists());
}
