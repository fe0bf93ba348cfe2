//! Document signers are replaced while the service runs, by SIGHUP (C3).

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use mdoc_core::crypto::Curve;
use mdoc_core::keys::secret_to_pem;
use mdoc_core::seams::SoftwareKey;
use mdoc_core::time::Timestamp;
use mdoc_core::x509::Certificate;
use mdoc_issuer::pki::{Authority, Terms, document_signer};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use super::{Folder, Serving, ask};

/// Another document signer of the authority of the folder, of so many days.
fn another(folder: &Folder, stem: &str, days: u32) {
    another_from(folder, stem, (0, days));
}

/// The same, from so many days on.
fn another_from(folder: &Folder, stem: &str, (later, days): (u32, u32)) {
    use std::os::unix::fs::PermissionsExt as _;
    let read = |name: &str| std::fs::read_to_string(folder.0.join(name)).unwrap();
    let certificate = Certificate::from_pem(&read("iaca.pem")).unwrap();
    let key = mdoc_cli::keys::secret_key(&folder.0.join("iaca.key.pem")).unwrap();
    let key = SoftwareKey::new(key).unwrap();
    let authority = Authority {
        certificate: &certificate,
        signer: &key,
    };
    let terms = Terms {
        common_name: stem.to_owned(),
        organization: None,
        from: Timestamp::from_unix(certificate.not_before().unix() + i64::from(later) * 86_400),
        lifetime: Some(Duration::from_secs(86_400) * days),
        contacts: Vec::new(),
        crl_uri: None,
        curve: Curve::P256,
    };
    let mut rng = ChaCha20Rng::seed_from_u64(u64::from(days));
    let made = document_signer(&terms, authority, &mut rng).unwrap();
    let at = |kind: &str| folder.0.join(format!("{stem}.{kind}"));
    std::fs::write(at("pem"), made.certificate.to_pem()).unwrap();
    std::fs::write(at("key.pem"), secret_to_pem(&made.key).as_bytes()).unwrap();
    std::fs::set_permissions(at("key.pem"), std::fs::Permissions::from_mode(0o600)).unwrap();
}

fn name(folder: &Folder, stem: &str) {
    let file = std::fs::OpenOptions::new()
        .append(true)
        .open(folder.0.join("service.toml"));
    let lines = format!("\n[[signers]]\ncertificate = \"{stem}.pem\"\nkey = \"{stem}.key.pem\"\n");
    file.unwrap().write_all(lines.as_bytes()).unwrap();
}

/// Waits until it is so, for a minute at most.
fn until(what: &str, is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed().as_secs() < 60, "not after a minute: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn signers_are_read_again_while_the_service_runs_and_bad_ones_change_nothing() {
    let free = || {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().to_string()
    };
    let (listen, metrics) = (free(), free());
    let folder = Folder::new("rotated", &listen);
    let mut serve = folder.command(&["serve"]);
    let serve = serve.env("MDOC_SERVICE_METRICS", &metrics).stdout(Stdio::null());
    let serving = Serving(serve.spawn().unwrap());
    until("the metrics answer", || {
        std::net::TcpStream::connect(&metrics).is_ok()
    });
    let second = || ask(&metrics, "/metrics").contains("certificate=\"document-signer-2\"");
    let log = || std::fs::read_to_string(folder.0.join("service.log")).unwrap_or_default();
    let hang_up = || {
        let told = Command::new("kill")
            .args(["-HUP", &serving.0.id().to_string()])
            .status();
        assert!(told.unwrap().success());
    };
    assert!(!second());
    another(&folder, "next", 90);
    name(&folder, "next");
    hang_up();
    until("there are two signers", second);
    // It is said after it is so.
    let says = |line: &'static str| until(line, || log().contains(line));
    says("the document signers were read again");
    // One without a key leaves both where they are.
    name(&folder, "missing");
    hang_up();
    says("the document signers are those from before");
    assert!(second());
    // Nor does one alone that is valid next week.
    another_from(&folder, "future", (7, 60));
    let file = folder.0.join("service.toml");
    let config = std::fs::read_to_string(&file).unwrap();
    let future = config
        .replace("\"missing.", "\"future.")
        .replace("\"next.", "\"future.");
    std::fs::write(&file, future.replace("\"ds.", "\"future.")).unwrap();
    hang_up();
    says("no document signer of the configuration is valid now");
    assert!(second());
    until("it is ready", || {
        ask(&metrics, "/ready").starts_with("HTTP/1.1 200")
    });
}

#[test]
fn a_certificate_that_ends_soon_is_named_when_the_configuration_is_looked_at() {
    let folder = Folder::new("ending", "127.0.0.1:1");
    let check = || folder.run(&["config", "check"]);
    let (status, text) = check();
    assert_eq!(status, Some(0), "{text}");
    assert!(!text.contains("the certificate ends at"), "{text}");
    another(&folder, "brief", 20);
    let file = folder.0.join("service.toml");
    let config = std::fs::read_to_string(&file).unwrap();
    let brief = config.replace("\"ds.pem\"", "\"brief.pem\"");
    std::fs::write(&file, brief.replace("\"ds.key.pem\"", "\"brief.key.pem\"")).unwrap();
    let (status, text) = check();
    assert_eq!(status, Some(0), "{text}");
    assert!(
        text.contains("brief.pem: the certificate ends at") && text.contains("have another one certified"),
        "{text}"
    );
    let json = folder.command(&["config", "check", "--json"]).output().unwrap();
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(json["ending"].as_array().unwrap().len(), 1);
    // One that goes on takes its place.
    name(&folder, "ds");
    assert!(!check().1.contains("the certificate ends at"));
}
