//! Keys in PKCS#11 tokens, on SoftHSM: made, listed, shown, and signing for every part of a country.
//!
//! SoftHSM reads where its tokens are from the environment of its process. What is tried within the process is
//! therefore done by this same test binary, started once more with that environment.

mod faults;
mod threads;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::slot::Slot;
use mdoc_core::crypto::{Backend as _, Curve, RustCrypto};
use mdoc_core::keys::public_from_pem;
use mdoc_core::seams::{Signer, SignerError};
use mdoc_core::time::Timestamp;
use mdoc_core::x509::build::{
    DocumentSigner, IacaRoot, ListTerms, RevokedSerial, StatusListSigner, Validity, build_crl,
};
use mdoc_core::x509::profile::{self, Role};
use mdoc_core::x509::{Certificate, GeneralName};
use mdoc_pkcs11::{Settings, TokenError, TokenKey, Uri};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use serde_json::Value as Json;

use crate::missing::not_done;
use crate::programs::{self, NOW, Workspace};

const PIN: &str = "471100";
const DAY: Duration = Duration::from_secs(86_400);

/// Says to a second run of this binary where its files are.
const CHILD: &str = "MDOC_TEST_TOKEN_FOLDER";

fn module() -> Option<&'static str> {
    [
        "/usr/lib/softhsm/libsofthsm2.so",
        "/usr/lib64/softhsm/libsofthsm2.so",
        "/usr/lib64/pkcs11/libsofthsm2.so",
        "/usr/local/lib/softhsm/libsofthsm2.so",
        "/opt/homebrew/lib/softhsm/libsofthsm2.so",
    ]
    .into_iter()
    .find(|path| Path::new(path).is_file())
}

/// A folder with a token `issuing`, and the environment that finds it.
struct Token {
    space: Workspace,
    config: String,
    module: &'static str,
}

impl Token {
    /// None where SoftHSM is not installed, which is said.
    fn new() -> Option<Self> {
        let Some(module) = module() else {
            not_done("keys in tokens, for want of SoftHSM (package softhsm2)");
            return None;
        };
        let space = Workspace::new();
        let folder = space.0.join("tokens");
        fs::create_dir_all(&folder).unwrap();
        let config = space.0.join("softhsm2.conf");
        let text = format!(
            "directories.tokendir = {}\nobjectstore.backend = file\nlog.level = ERROR\n",
            folder.display()
        );
        fs::write(&config, text).unwrap();
        let token = Self {
            config: config.to_str().unwrap().to_owned(),
            space,
            module,
        };
        token.init("issuing");
        Some(token)
    }

    fn init(&self, label: &str) {
        self.util(&[
            "--init-token",
            "--free",
            "--label",
            label,
            "--so-pin",
            "12345678",
            "--pin",
            PIN,
        ]);
    }

    fn util(&self, arguments: &[&str]) {
        let mut command = Command::new("softhsm2-util");
        command.args(arguments).env("SOFTHSM2_CONF", &self.config);
        let output = command.current_dir(&self.space.0).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", words(&output));
    }

    /// Runs a program with the token, its PIN, and whatever else.
    fn run(&self, arguments: &[&str], more: &[(&str, &str)]) -> Output {
        let environment = [
            &[
                ("SOFTHSM2_CONF", self.config.as_str()),
                ("MDOC_PKCS11_MODULE", self.module),
            ][..],
            more,
        ]
        .concat();
        programs::run_with(&self.space.0, arguments, &environment)
    }

    /// Runs a program that is to succeed, with the PIN; gives what it printed.
    fn done(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments, &[("MDOC_PKCS11_PIN", PIN), ("MDOC_LOG", "trace")]);
        assert!(output.status.success(), "{arguments:?}: {}", words(&output));
        let quoted = words(&output)
            .split(['=', ' ', '"', '\n'])
            .any(|word| word == PIN);
        assert!(
            words(&output).contains("level=debug") && !quoted,
            "{}",
            words(&output)
        );
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs one test of this binary again, with the token in its environment.
    fn again(&self, test: &str) {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", test, "--nocapture"]);
        command
            .env(CHILD, &self.space.0)
            .env("SOFTHSM2_CONF", &self.config);
        let output = command.output().unwrap();
        let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), words(&output));
        assert!(output.status.success() && said.contains("1 passed"), "{said}");
        eprint!("{}", words(&output));
    }
}

fn words(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Where the files are, in the second run.
fn child() -> Option<PathBuf> {
    std::env::var_os(CHILD).map(PathBuf::from)
}

fn uri(text: &str) -> Uri {
    text.parse().unwrap()
}

fn settings() -> Settings<'static> {
    Settings {
        module: module().map(PathBuf::from),
        pin: Some(&|_| Some(PIN.to_owned().into())),
    }
}

fn open(label: &str) -> TokenKey {
    TokenKey::open(&uri(&format!("pkcs11:token=issuing;object={label}")), &settings()).unwrap()
}

#[test]
fn a_country_whose_keys_are_all_in_a_token() {
    if let Some(folder) = child() {
        return certify(&folder);
    }
    let Some(token) = Token::new() else { return };
    for (label, curve) in [("iaca", "P-384"), ("ds", "P-256"), ("status", "P-521")] {
        let key = format!("pkcs11:token=issuing;object={label}");
        let said = token.done(&["mdoc-issuer", "key", "new", "--key", &key, "--curve", curve]);
        assert_eq!(said, format!("made {key}: a private key on {curve}\n"));
    }
    let listed: Json = serde_json::from_str(&token.done(&["mdoc-issuer", "key", "list", "--json"])).unwrap();
    let keys = listed["tokens"][0]["keys"].as_array().unwrap();
    let seen: Vec<_> = keys
        .iter()
        .map(|key| (key["label"].as_str(), key["curve"].as_str()))
        .collect();
    assert_eq!(
        seen,
        [
            (Some("ds"), Some("P-256")),
            (Some("iaca"), Some("P-384")),
            (Some("status"), Some("P-521"))
        ]
    );
    for key in keys {
        assert_eq!(
            (&key["extractable"], &key["signs"]),
            (&Json::Bool(false), &Json::Bool(true))
        );
    }
    let plain = token.done(&["mdoc-issuer", "key", "list", "pkcs11:token=issuing;object=ds"]);
    assert!(
        plain.contains("object=ds;id=") && plain.ends_with("  P-256\n"),
        "{plain}"
    );

    token.again("tokens::a_country_whose_keys_are_all_in_a_token");
    let pem = token.done(&["mdoc-issuer", "key", "show", "pkcs11:token=issuing;object=ds"]);
    let certificate = fs::read(token.space.0.join("token/ds.pem")).unwrap();
    let certificate = Certificate::from_pem(&String::from_utf8(certificate).unwrap()).unwrap();
    assert_eq!(public_from_pem(&pem).unwrap(), certificate.public_key().unwrap());

    let said = token.done(&issue("pkcs11:token=issuing;object=ds", "new.mdoc"));
    assert!(said.starts_with("wrote new.mdoc: "), "{said}");
    let check = [
        "mdoc-verifier",
        "check",
        "new.mdoc",
        "--trust",
        "token/iaca.pem",
        "--crl",
        "token/iaca.crl",
        "--at",
        NOW,
    ];
    let checked = token.run(&check, &[]);
    let shown = String::from_utf8_lossy(&checked.stdout).into_owned();
    assert!(checked.status.success(), "{shown}{}", words(&checked));
    // The same command with a changed document says no.
    let mut document = fs::read(token.space.0.join("new.mdoc")).unwrap();
    let last = document.len() - 1;
    document[last] ^= 1;
    fs::write(token.space.0.join("new.mdoc"), document).unwrap();
    assert_eq!(token.run(&check, &[]).status.code(), Some(1));
}

fn issue<'a>(key: &'a str, out: &'a str) -> Vec<&'a str> {
    programs::issue("token/ds.pem", key, out)
}

/// Root, signers and revocation list, all signed by the token.
fn certify(folder: &Path) {
    let (iaca, ds, status) = (open("iaca"), open("ds"), open("status"));
    let mut rng = ChaCha20Rng::from_seed([33; 32]);
    let now = Timestamp::parse(NOW).unwrap();
    let validity = |days| Validity {
        from: now.minus(DAY),
        until: now.plus(DAY * days),
    };
    let contacts = vec![GeneralName::Uri("https://licences.example/".to_owned())];
    let crl_uri = "https://licences.example/iaca.crl".to_owned();
    let root = IacaRoot {
        country: "NL".to_owned(),
        state: None,
        common_name: "Token IACA".to_owned(),
        organization: None,
        validity: validity(3000),
        contacts: contacts.clone(),
        crl_uri: crl_uri.clone(),
    };
    let root = root.build(&iaca, &mut rng).unwrap();
    assert_eq!(profile::check(Role::IacaRoot, &root, None), []);
    let signer = DocumentSigner {
        common_name: "Token Signer".to_owned(),
        organization: None,
        validity: validity(300),
        mdoc_purpose: false,
        contacts,
        crl_uri,
    };
    let signer = signer.build(ds.public_key(), &root, &iaca, &mut rng).unwrap();
    assert_eq!(
        profile::check(Role::DocumentSigner { mdl: true }, &signer, Some(&root)),
        []
    );
    let lists = StatusListSigner {
        country: None,
        common_name: "Token Status".to_owned(),
        organization: None,
        validity: validity(300),
        crl_uri: None,
    };
    let lists = lists.build(status.public_key(), &root, &iaca, &mut rng).unwrap();
    assert_eq!(profile::check(Role::StatusListSigner, &lists, Some(&root)), []);
    let revoked = RevokedSerial {
        serial_number: lists.serial_number().to_vec(),
        at: now.minus(DAY),
    };
    let terms = ListTerms {
        this_update: now.minus(DAY),
        next_update: now.plus(DAY * 30),
        number: 1,
    };
    let list = build_crl(&root, &iaca, &[revoked], terms).unwrap();
    fs::create_dir_all(folder.join("token")).unwrap();
    for (name, text) in [
        ("iaca.pem", root.to_pem()),
        ("ds.pem", signer.to_pem()),
        ("iaca.crl", list.to_pem()),
    ] {
        fs::write(folder.join("token").join(name), text).unwrap();
    }
}
