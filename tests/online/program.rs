//! `mdoc-verifier check --status`, against a server on this machine.

use std::fs;
use std::process::Output;
use std::sync::Mutex;

use mdoc_core::x509::{Certificate, GeneralName};
use serde_json::Value;

use super::net::Folder;
use super::server::{Seen, Server, answer};
use super::*;
use crate::programs::run_with;

/// A scene whose list is on this machine under its own address, and files for the program.
struct Files {
    scene: Scene,
    folder: Folder,
}

impl Files {
    fn new(seed: u8) -> Self {
        let mut scene = Scene::new(seed);
        let uri = scene.net.server.url("/lists/1");
        let mut place = reference();
        place.status_list.as_mut().unwrap().uri.clone_from(&uri);
        scene.document = scene.world.issue().status(place).sign();
        let files = Self {
            scene,
            folder: Folder::new(),
        };
        files.says(0);
        fs::create_dir_all(&files.folder.0).unwrap();
        let write = |name: &str, content: &[u8]| fs::write(files.folder.0.join(name), content).unwrap();
        write("document.mdoc", &files.scene.document);
        write("iaca.der", files.scene.world.iaca.der());
        write("iaca.crl", crl(&files.scene.world, &[]).der());
        files
    }

    /// Puts up a list that says so of the document.
    fn says(&self, value: u8) {
        let mut list = claims(&self.scene.world, Bits::One, value);
        list.subject = self.scene.net.server.url("/lists/1");
        let token = sign(&self.scene.world, &list);
        self.scene
            .net
            .hosts
            .put("http://lists/1", STATUS_LIST_CWT, &token);
    }

    fn check(&self, more: &str) -> Output {
        self.check_with(more, &[])
    }

    fn check_with(&self, more: &str, environment: &[(&str, &str)]) -> Output {
        let line = format!(
            "mdoc-verifier check document.mdoc --trust iaca.der --crl iaca.crl --at 2026-06-01T12:00:00Z {more}"
        );
        let arguments: Vec<&str> = line.split_whitespace().collect();
        // A proxy that is not there would be noticed.
        let mut all = vec![
            ("http_proxy", "http://127.0.0.1:9"),
            ("HTTPS_PROXY", "http://127.0.0.1:9"),
            ("ALL_PROXY", "http://127.0.0.1:9"),
            ("MDOC_LOG", "trace"),
        ];
        all.extend_from_slice(environment);
        run_with(&self.folder.0, &arguments, &all)
    }
}

fn text(output: &[u8]) -> String {
    String::from_utf8(output.to_vec()).unwrap()
}

#[test]
fn nothing_is_asked_unless_it_is_said() {
    let files = Files::new(101);
    for more in ["", "--status skip"] {
        let output = files.check(more);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    }
    assert_eq!(files.scene.net.asked(), 0);
    assert!(
        text(&files.check("").stdout).contains("not done  status            the status list was not fetched")
    );
}

#[test]
fn the_program_asks_keeps_and_does_without_the_network() {
    let files = Files::new(102);
    let private = files.check("--status require --status-cache kept");
    assert_eq!(private.status.code(), Some(1));
    let said = text(&private.stderr);
    assert!(said.contains("warning: no status list of 127.0.0.1:"), "{said}");
    assert!(said.contains("the address is without TLS"), "{said}");
    assert_eq!(files.scene.net.asked(), 0);

    let output = files.check("--status require --status-cache kept --allow-private-addresses --json");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["documents"][0]["status"]["state"], "valid");
    let host = files.scene.net.server.address().to_string();
    let source = serde_json::json!({ "kind": "status-list", "host": host, "supply": "fetched" });
    assert_eq!(report["sources"], serde_json::json!([source]));
    assert_eq!(files.scene.net.asked(), 1);

    // Revoked meanwhile, which is learnt when the list is due.
    files.says(1);
    let offline = files.check("--status require --status-cache kept --offline");
    assert_eq!(offline.status.code(), Some(0), "{}", text(&offline.stderr));
    assert!(text(&offline.stdout).contains("  status    valid, by a list of 2026-06-01T11:00:00Z"));
    assert_eq!(files.scene.net.asked(), 1);
    let other = files.check("--status require --status-cache other --allow-private-addresses");
    assert_eq!(other.status.code(), Some(1));
    assert!(
        text(&other.stdout).contains("status.revoked"),
        "{}",
        text(&other.stdout)
    );

    let nothing = files.check("--status prefer --status-cache none --offline");
    assert_eq!(nothing.status.code(), Some(2));
    assert!(text(&nothing.stderr).contains("there is no folder none with answers that were kept"));
}

#[test]
fn tls_trusts_the_roots_of_the_system_or_of_the_file_that_is_named() {
    let files = Files::new(104);
    let token: Arc<Mutex<Vec<u8>>> = Arc::default();
    let served = Arc::clone(&token);
    let handler = move |_: &Seen, out: &mut dyn Write| {
        answer(
            out,
            200,
            &[("Content-Type", STATUS_LIST_CWT)],
            &served.lock().unwrap(),
        )
    };
    let (server, root) = Server::secure(GeneralName::Dns("localhost".to_owned()), Arc::new(handler));
    let root = Certificate::from_der(&root).unwrap();
    fs::write(files.folder.0.join("root.pem"), root.to_pem()).unwrap();
    let uri = format!("https://localhost:{}/lists/1", server.address().port());
    let mut place = reference();
    place.status_list.as_mut().unwrap().uri.clone_from(&uri);
    let document = files.scene.world.issue().status(place).sign();
    fs::write(files.folder.0.join("document.mdoc"), document).unwrap();
    let mut list = claims(&files.scene.world, Bits::One, 0);
    list.subject = uri;
    *token.lock().unwrap() = sign(&files.scene.world, &list);

    let options = "--status require --status-cache kept --allow-private-addresses";
    let foreign = files.check(options);
    assert_eq!(foreign.status.code(), Some(1));
    let said = text(&foreign.stderr);
    assert!(
        said.contains("no secure connection") && said.contains("SSL_CERT_FILE"),
        "{said}"
    );
    let trusted = files.check_with(options, &[("SSL_CERT_FILE", "root.pem")]);
    assert_eq!(trusted.status.code(), Some(0), "{}", text(&trusted.stderr));
    let private = files.check_with(
        "--status require --status-cache other",
        &[("SSL_CERT_FILE", "root.pem")],
    );
    assert_eq!(private.status.code(), Some(1));
    assert!(
        text(&private.stderr).contains("the host is in a private network"),
        "{}",
        text(&private.stderr)
    );
}

#[test]
fn logs_name_no_more_of_an_address_than_its_place() {
    let files = Files::new(103);
    let mut place = reference();
    let uri = files.scene.net.server.url("/lists/1?person=ada");
    place.status_list.as_mut().unwrap().uri.clone_from(&uri);
    let document = files.scene.world.issue().status(place).sign();
    fs::write(files.folder.0.join("document.mdoc"), document).unwrap();
    let output = files.check("--status prefer --status-cache kept --allow-private-addresses");
    let said = text(&output.stderr);
    assert!(said.contains("/lists/1"), "{said}");
    assert!(!said.contains("person") && !said.contains("ada"), "{said}");
    assert!(files.scene.net.server.seen()[0].path.ends_with("?person=ada"));
}
