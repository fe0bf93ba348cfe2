//! Keys in PKCS#11 tokens, on SoftHSM: made, listed, shown, and signing for every part of a country.
//!
//! SoftHSM reads where its tokens are from the environment of its process. What is tried within the process is
//! therefore done by this same test binary, started once more with that environment.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

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

/// A key, the environment, and what is to be in the error and in its hint.
type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a str, &'a str);

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

#[test]
fn what_goes_wrong_with_a_token_is_said() {
    let Some(token) = Token::new() else { return };
    let key = "pkcs11:token=issuing;object=ds";
    token.done(&["mdoc-issuer", "key", "new", "--key", key]);
    let file = |name: &str, text: &str, mode| {
        fs::write(token.space.0.join(name), text).unwrap();
        programs::mode(&token.space.0.join(name), mode);
    };
    file("pin", &format!("{PIN}\n"), 0o600);
    file("pin.open", PIN, 0o644);
    file("pin.wrong", "000000", 0o600);
    file("pin.empty", "\n", 0o600);
    let show = |key: &str, environment: &[(&str, &str)]| {
        token.run(&["mdoc-issuer", "key", "show", key], environment)
    };
    let right: &[(&str, &str)] = &[("MDOC_PKCS11_PIN", PIN)];
    // Every way to give the PIN, and a module in the URI.
    let by_uri = format!("{key}?module-path={}&pin-source=file:pin", token.module);
    for (key, environment) in [
        (key, right),
        ("pkcs11:token=issuing;object=ds?pin-source=file:pin", &[]),
        ("pkcs11:object=ds;type=private?pin-source=pin", &[]),
        (key, &[("MDOC_PKCS11_PIN_FILE", "pin")]),
        (&by_uri, &[("MDOC_PKCS11_MODULE", "/nowhere.so")]),
        (
            "pkcs11:object=ds?module-name=softhsm2&pin-source=pin",
            &[("MDOC_PKCS11_MODULE", "/nowhere.so")],
        ),
    ] {
        let output = show(key, environment);
        assert!(output.status.success(), "{key}: {}", words(&output));
        assert!(
            String::from_utf8(output.stdout)
                .unwrap()
                .starts_with("-----BEGIN PUBLIC KEY-----")
        );
    }
    token.init("other");
    let uri = token.module.replace('/', "%2F");
    let photo = format!(
        "{key}?module-path={}",
        uri.replace("libsofthsm2.so", "../../../etc/passwd")
    );
    let cases: &[Case<'_>] = &[
        (key, &[], "asks for a PIN, and none was given", "MDOC_PKCS11_PIN"),
        (
            key,
            &[("MDOC_PKCS11_PIN", "000000")],
            "does not take the PIN, which was tried once",
            "locks itself",
        ),
        (
            key,
            &[("MDOC_PKCS11_PIN", "0")],
            "does not take the PIN",
            "locks itself",
        ),
        (
            key,
            &[("MDOC_PKCS11_PIN", "")],
            "MDOC_PKCS11_PIN is empty",
            "fill it",
        ),
        (
            key,
            &[("MDOC_PKCS11_PIN_FILE", "pin.open")],
            "can be used by others",
            "0600",
        ),
        (
            key,
            &[("MDOC_PKCS11_PIN_FILE", "nowhere")],
            "cannot be read",
            "0600",
        ),
        (
            "pkcs11:token=issuing;object=ds?pin-source=file:pin.open",
            right,
            "others than its owner",
            "0600",
        ),
        (
            "pkcs11:token=issuing;object=ds?pin-source=file:pin.empty",
            right,
            "has no PIN",
            "0600",
        ),
        (
            "pkcs11:token=issuing;object=ds?pin-source=file:pin.wrong",
            right,
            "does not take the PIN",
            "locks",
        ),
        (
            "pkcs11:token=issuing;object=ds?pin-source=%7Ccat%20pin",
            right,
            "a program is not run",
            "0600",
        ),
        (
            "pkcs11:token=issuing;object=ds?pin-value=471100",
            &[],
            "has its PIN in it",
            "pin-source=file:",
        ),
        (
            "pkcs11:token=issuing;object=dd",
            right,
            "no private key fits the URI; the token has\n  pkcs11:object=ds;id=",
            "key new",
        ),
        (
            "pkcs11:token=issuing;object=ds;type=cert",
            right,
            "names no private key",
            "`type`",
        ),
        (
            "pkcs11:token=nobody;object=ds",
            right,
            "no token fits the URI; there are\n  pkcs11:token=",
            "key list",
        ),
        (
            "pkcs11:object=ds",
            right,
            "several tokens fit the URI\n  pkcs11:token=",
            "serial=",
        ),
        (
            "pkcs11:token=issuing;object=ds;vendor=1",
            right,
            "attribute vendor of the URI is not known",
            "leave",
        ),
        (
            "pkcs11:token=issuing;object=d s",
            right,
            "attribute object has the character ' '",
            "%20",
        ),
        (
            "pkcs11:token=issuing;object=%zz",
            right,
            "attribute object has a `%` without",
            "%20",
        ),
        (
            "pkcs11:token=issuing;object=ds?module-path=/no/module.so",
            right,
            "there is no PKCS#11 module /no/module.so",
            "module-path",
        ),
        (
            "pkcs11:token=issuing;object=ds?module-path=person.json",
            right,
            "cannot be used as a PKCS#11 module",
            "module-path",
        ),
        (
            "pkcs11:token=issuing;object=ds?module-name=..%2Fx",
            right,
            "there is no PKCS#11 module",
            "module-path",
        ),
        (&photo, right, "module", "module-path"),
    ];
    for (key, environment, sentence, hint) in cases {
        let output = show(key, environment);
        let said = words(&output);
        assert_eq!(output.status.code(), Some(2), "{key}: {said}");
        let (error, advice) = said.split_once("\nhint: ").unwrap_or((&said, ""));
        assert!(error.contains(sentence), "{key}: {said}");
        assert!(advice.contains(hint), "{key}: {said}");
        assert!(!said.contains(PIN) && !said.contains("000000"), "{said}");
        assert!(output.stdout.is_empty());
    }
    if ![
        "/usr/lib/x86_64-linux-gnu/p11-kit-proxy.so",
        "/usr/lib64/p11-kit-proxy.so",
    ]
    .iter()
    .any(|path| Path::new(path).exists())
    {
        let none = programs::run_with(&token.space.0, &["mdoc-issuer", "key", "show", key], right);
        assert!(
            words(&none).contains("no PKCS#11 module is named"),
            "{}",
            words(&none)
        );
    }
    // After all the wrong ones the right PIN still opens it.
    assert!(show(key, right).status.success());

    // On a terminal the PIN is asked for.
    let mut asked = Command::new("python3");
    asked.args(["-c", crate::secrets::TERMINAL, "PIN of token issuing: ", PIN]);
    asked
        .arg(programs::program("mdoc-issuer"))
        .args(["key", "show", key]);
    asked
        .current_dir(&token.space.0)
        .env("SOFTHSM2_CONF", &token.config);
    match asked.env("MDOC_PKCS11_MODULE", token.module).output() {
        Ok(output) => {
            let seen = String::from_utf8_lossy(&output.stdout).into_owned();
            assert!(
                output.status.success() && seen.contains("BEGIN PUBLIC KEY"),
                "{seen}"
            );
            assert!(!seen.contains(PIN), "{seen}");
        }
        Err(_) => not_done("the question for a PIN, for want of python3"),
    }

    // A label twice: made outside, since `key new` does not make a second one.
    let again = token.run(&["mdoc-issuer", "key", "new", "--key", key], right);
    assert!(
        words(&again).contains("the token has such a key already"),
        "{}",
        words(&again)
    );
    token.util(&[
        "--import",
        "pki/ds.key.pem",
        "--token",
        "issuing",
        "--label",
        "ds",
        "--id",
        "A1B2",
        "--pin",
        PIN,
    ]);
    let two = words(&show(key, right));
    assert!(
        two.contains("several private keys fit the URI\n  ") && two.contains("id=%A1%B2"),
        "{two}"
    );
    assert!(two.contains("hint: add the `id=`"), "{two}");
    assert!(show(&format!("{key};id=%A1%B2"), right).status.success());
    let listed = token.done(&["mdoc-issuer", "key", "list", "pkcs11:token=issuing"]);
    assert_eq!(listed.lines().count(), 3, "{listed}");
    let both = token.done(&["mdoc-issuer", "key", "list"]);
    assert!(
        both.contains("token=other") && both.contains("name one of them"),
        "{both}"
    );
    // The key of another certificate, in a token as in a file.
    let mut other = programs::issue("short/ds.pem", "pkcs11:token=issuing;id=%A1%B2", "new.mdoc");
    other.extend(["--valid-for", "5d"]);
    let other = token.run(&other, right);
    assert!(
        words(&other).contains("does not belong to the signer's certificate"),
        "{}",
        words(&other)
    );
    assert!(!token.space.0.join("new.mdoc").exists());
}

#[test]
fn several_threads_sign_and_a_lost_session_is_opened_again() {
    if child().is_some() {
        return sign_in_threads();
    }
    let Some(token) = Token::new() else { return };
    token.again("tokens::several_threads_sign_and_a_lost_session_is_opened_again");
}

fn sign_in_threads() {
    let mut rng = ChaCha20Rng::from_seed([34; 32]);
    for curve in [Curve::P256, Curve::P384, Curve::P521] {
        let name = uri(&format!("pkcs11:token=issuing;object={curve}"));
        let (entry, public) = mdoc_pkcs11::generate(&name, curve, &settings(), &mut rng).unwrap();
        assert_eq!((entry.curve, entry.extractable), (Some(curve), false));
        let key = TokenKey::open(&name, &settings()).unwrap();
        assert_eq!(*key.public_key(), public);
        let signature = key.sign(b"message").unwrap();
        assert_eq!(signature.len(), curve.signature_len());
        RustCrypto
            .verify(&public, curve.algorithm().digest(), &[b"message"], &signature)
            .unwrap();
    }
    // SoftHSM has Ed25519 only if it was built with it.
    let edwards = uri("pkcs11:token=issuing;object=edwards");
    match mdoc_pkcs11::generate(&edwards, Curve::Ed25519, &settings(), &mut rng) {
        Ok((_, public)) => {
            let key = TokenKey::open(&edwards, &settings()).unwrap();
            let signature = key.sign(b"message").unwrap();
            RustCrypto
                .verify(
                    &public,
                    Curve::Ed25519.algorithm().digest(),
                    &[b"message"],
                    &signature,
                )
                .unwrap();
        }
        Err(error) => {
            assert!(
                matches!(error, TokenError::NoSuchCurve(_) | TokenError::Failed(_)),
                "{error}"
            );
            eprintln!("SoftHSM has no Ed25519 ({error}): it was NOT tried");
        }
    }
    let key = open("P-256");
    let rate = |threads: usize| {
        const EACH: usize = 60;
        let begin = Instant::now();
        std::thread::scope(|scope| {
            for thread in 0..threads {
                let key = &key;
                scope.spawn(move || {
                    for round in 0..EACH {
                        // Every signature is verified before it is given.
                        key.sign(format!("{thread} {round}").as_bytes()).unwrap();
                    }
                });
            }
        });
        let signatures = f64::from(u32::try_from(threads * EACH).unwrap());
        signatures / begin.elapsed().as_secs_f64()
    };
    let rates: Vec<_> = [1, 2, 4].map(|threads| (threads, rate(threads).round())).to_vec();
    eprintln!("signatures a second by threads: {rates:?}");
    rate(40); // more threads than sessions

    // The module is stopped and started under its users, as if the token had been pulled out and put back: every
    // session is gone, and the PIN is needed again. Then somebody logs out.
    let another = || Pkcs11::new(module().unwrap()).unwrap();
    let slot = Slot::try_from(key.token().slot_id).unwrap();
    for round in 0..4 {
        if round < 2 {
            another().finalize().unwrap();
            let flags = CInitializeFlags::OS_LOCKING_OK;
            another().initialize(CInitializeArgs::new(flags)).unwrap();
        } else {
            another().open_ro_session(slot).unwrap().logout().unwrap();
        }
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| key.sign(b"after it was lost").unwrap());
            }
        });
    }
    // A key that is gone for good is an error, and stays one.
    let session = another().open_rw_session(slot).unwrap();
    for object in session.find_objects(&[]).unwrap() {
        let _ = session.destroy_object(object);
    }
    for _ in 0..2 {
        let refused = key.sign(b"destroyed").unwrap_err();
        assert!(
            matches!(&refused, SignerError::Refused(why) if why.contains("no private key")),
            "{refused:?}"
        );
    }
}
