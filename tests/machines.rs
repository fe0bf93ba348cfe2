//! The life of a document over the interface for machines of a service that runs: two machines of two operators, a wallet, a
//! reader. On SQLite, and on PostgreSQL where `tests/postgres/run` started one.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use base64ct::{Base64, Encoding as _};
use serde_json::{Value, json};

use crate::issuing::{Stage, good};

const WORKFLOWS: [&str; 8] = [
    "RequestId",
    "IssueDevice",
    "ValidateRequest",
    "EnableDisable",
    "CancelCredential",
    "ViewReports",
    "ViewAudit",
    "EditPeople",
];

/// A machine of an operator.
struct Machine {
    address: String,
    token: String,
}

impl Machine {
    /// The operator, with a role, and a machine that acts in that name.
    fn new(stage: &Stage, logon: &str) -> Self {
        let names = ["--given-name", logon, "--family-name", "Example"];
        stage.service(&[&["person", "add", "--logon", logon], &names[..]].concat());
        stage.service(&["role", "grant", "operators", logon]);
        let scopes = "people.write people.read documents.write documents.read status audit";
        let scopes: Vec<&str> = scopes.split(' ').flat_map(|scope| ["--scope", scope]).collect();
        let added = stage.service(&[&["client", "add", logon, "--operator", logon], &scopes[..]].concat());
        let (id, secret) = (
            added["client_id"].as_str().unwrap(),
            added["client_secret"].as_str().unwrap(),
        );
        let basic = Base64::encode_string(format!("{id}:{secret}").as_bytes());
        let address = stage.address();
        let form = (
            "application/x-www-form-urlencoded",
            "grant_type=client_credentials",
        );
        let (status, answer) = ask(
            &address,
            ("POST", "/oauth/token"),
            &format!("Basic {basic}"),
            form,
        );
        assert_eq!(status, 200, "{answer}");
        let token = answer["access_token"].as_str().unwrap().to_owned();
        Self { address, token }
    }

    fn ask(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let path = format!("/api/v1{path}");
        let bearer = format!("Bearer {}", self.token);
        ask(
            &self.address,
            (method, &path),
            &bearer,
            ("application/json", &body),
        )
    }

    /// What has to work.
    fn done(&self, method: &str, path: &str, body: &Value) -> Value {
        let (status, answer) = self.ask(method, path, body);
        assert!((200..300).contains(&status), "{method} {path}: {status} {answer}");
        answer
    }

    fn moved(&self, serial: &str, made: &str, reason: Option<&str>) -> Value {
        let body = json!({ "move": made, "reason": reason });
        self.done("POST", &format!("/documents/{serial}/moves"), &body)["state"].clone()
    }

    fn standing(&self, serial: &str) -> Value {
        self.done("POST", "/status", &json!({ "serial": serial }))["status"].clone()
    }
}

/// One question over a connection of its own.
fn ask(
    address: &str,
    (method, path): (&str, &str),
    authorization: &str,
    (kind, body): (&str, &str),
) -> (u16, Value) {
    let mut stream = TcpStream::connect(address).unwrap();
    let length = body.len();
    let asked = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nAuthorization: {authorization}\r\n\
         Content-Type: {kind}\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    stream.write_all(asked.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (
        head[9..12].parse().unwrap(),
        serde_json::from_str(body).unwrap_or_default(),
    )
}

fn life(database: Option<String>) {
    let stage = Stage::new(database);
    let folder = stage.space.0.clone();
    let club = fs::read_to_string(folder.join("club.toml")).unwrap();
    fs::write(
        folder.join("club.toml"),
        format!("{club}validate_issuance = true\n"),
    )
    .unwrap();
    stage.service(&["profile", "set", "club", "club.toml"]);
    stage.service(&[&["role", "set", "operators", "--scope", "all"], &WORKFLOWS[..]].concat());
    let (clerk, chief) = (Machine::new(&stage, "clerk"), Machine::new(&stage, "chief"));

    let attributes: Value = serde_json::from_slice(&fs::read(folder.join("ada.json")).unwrap()).unwrap();
    let ada = json!({
        "logon_name": "ada", "given_name": "Ada", "family_name": "Lovelace", "attributes": attributes,
    });
    let ada = clerk.done("POST", "/people", &ada);
    let wish = json!({ "person": ada["id"], "profile": "club" });
    let requested = clerk.done("POST", "/documents", &wish);
    assert_eq!(requested["document"]["state"], "awaiting-validation");
    let serial = requested["document"]["serial"].as_str().unwrap();
    let moves = format!("/documents/{serial}/moves");
    let (status, own) = clerk.ask("POST", &moves, &json!({ "move": "approve" }));
    assert_eq!(
        (status, own["code"].as_str()),
        (409, Some("validation.own-request"))
    );
    assert_eq!(chief.moved(serial, "approve", None), "collectable");
    assert_eq!(clerk.standing(serial), "unknown");

    let offer = clerk.done("POST", &format!("/documents/{serial}/offer"), &Value::Null);
    good(stage.collect(&offer, "6"));
    let accepted = || stage.shown()["report"]["accepted"].as_bool();
    assert_eq!((clerk.standing(serial), accepted()), ("valid".into(), Some(true)));
    // A reader that may ask the service itself learns at once what the list that it keeps does not say yet.
    let gate = [
        "client",
        "add",
        "gate",
        "--operator",
        "clerk",
        "--scope",
        "status",
    ];
    stage.service(&[&gate[..], &["--out", "gate.toml"]].concat());
    let asked = || {
        let seen = stage.shown_again(&["--status-query", "gate.toml"]);
        let status = &seen["report"]["documents"][0]["status"];
        let said = ["state", "by"].map(|member| status[member].as_str().unwrap().to_owned());
        (said.join(" by "), seen["report"]["accepted"].as_bool())
    };
    for (made, reason, standing, word, taken) in [
        ("disable", "mislaid", "disabled", "suspended by issuer", false),
        ("enable", "found", "valid", "valid by issuer", true),
        ("cancel", "lost", "cancelled", "revoked by issuer", false),
    ] {
        chief.moved(serial, made, Some(reason));
        assert_eq!(asked(), (word.to_owned(), Some(taken)), "{made}");
        assert_eq!(
            (clerk.standing(serial), accepted()),
            (standing.into(), Some(taken)),
            "{made}"
        );
    }
    let history = clerk.done("GET", &format!("/documents/{serial}/history"), &Value::Null);
    let names: Vec<&str> = history
        .as_array()
        .unwrap()
        .iter()
        .map(|made| made["name"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "submit", "approve", "begin", "issue", "disable", "enable", "cancel"
        ]
    );
    let trail = chief.done("GET", "/audit", &Value::Null).to_string();
    assert!(trail.contains("127.0.0.1") && !trail.contains("Lovelace"));
    assert_eq!(stage.service(&["audit", "verify"])["whole"], true);
}

#[test]
fn two_machines_take_a_document_through_its_life() {
    life(None);
    match std::env::var("MDOC_TEST_POSTGRES") {
        Ok(url) => life(Some(crate::issuing::fresh(&url))),
        Err(_) => eprintln!("NOT DONE on PostgreSQL: MDOC_TEST_POSTGRES is not set"),
    }
}
