//! What the programs say, and what values show of themselves: never a secret, and of persons nothing in logs and errors.

use std::collections::BTreeSet;
use std::fs;
use std::process::Output;

use base64ct::{Base64, Base64UrlUnpadded, Encoding as _};
use mdoc_core::crypto::{Backend as _, Curve, DigestAlgorithm, RustCrypto, SecretKey};
use mdoc_core::engagement::DeviceEngagement;
use mdoc_core::keys::{secret_from_file, secret_to_pem};
use mdoc_core::limits::Limits;
use mdoc_core::seams::SoftwareKey;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;

use crate::programs::{self, NOW, PERSONAL, Workspace, secrets_of};
use crate::timing::sources;

const PASSPHRASE: &str = "a passphrase that nobody says";

/// A folder, and all that the programs said in it.
struct Journey {
    space: Workspace,
    /// By command: what went to stdout and to stderr.
    said: Vec<(String, Output)>,
}

impl Journey {
    fn run(&mut self, status: i32, command: &str) {
        let arguments: Vec<&str> = command.split_whitespace().collect();
        let environment = [
            ("MDOC_LOG", "trace"),
            ("MDOC_KEY_PASSPHRASE", PASSPHRASE),
            ("MDOC_KEY_NEW_PASSPHRASE", PASSPHRASE),
        ];
        self.run_with(status, &arguments, &environment);
    }

    fn run_with(&mut self, status: i32, arguments: &[&str], environment: &[(&str, &str)]) {
        let output = programs::run_with(&self.space.0, arguments, environment);
        let words = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(status), "{arguments:?}: {words}");
        self.said.push((arguments.join(" "), output));
    }

    fn log(&self) -> String {
        let logs = self
            .said
            .iter()
            .map(|(_, output)| String::from_utf8_lossy(&output.stderr));
        logs.collect::<Vec<_>>().join("")
    }
}

/// Everything that the programs do, with good files and with bad ones.
fn journey() -> Journey {
    let mut journey = Journey {
        space: Workspace::new(),
        said: Vec::new(),
    };
    let folder = journey.space.0.clone();
    // A key file that is broken in its middle, and one that is none.
    let key = fs::read_to_string(folder.join("pki/ds.key.pem")).unwrap();
    let at = key.len() / 2;
    fs::write(
        folder.join("broken.key.pem"),
        format!("{}!{}", &key[..at], &key[at + 1..]),
    )
    .unwrap();
    programs::mode(&folder.join("broken.key.pem"), 0o600);
    let people = "family_name,given_name,birth_date,document_number,issuing_authority,driving_privileges,portrait,\
        device_key\n\
        de Vries,Anna Maria,1994-05-17,NL-5501-2044,Example Licensing Authority,[],photo.jpg,device.pub.pem\n\
        de Vries,,1994-13-17,NL-5501-2045,Example Licensing Authority,[{,no.jpg,device.pub.pem\n";
    fs::write(folder.join("people.csv"), people).unwrap();
    let broken = fs::read_to_string(folder.join("person.json"))
        .unwrap()
        .replace("05-17", "13-17");
    fs::write(folder.join("faulty.json"), &broken).unwrap();
    fs::write(folder.join("unclosed.json"), broken.replace('}', "")).unwrap();

    let mut run = |status, command: &str| journey.run(status, command);
    run(0, "mdoc-issuer pki iaca --country NL --name Example --out own");
    run(0, "mdoc-issuer pki signer --iaca own --out own");
    run(0, "mdoc-issuer pki lint own/ds.pem");
    run(0, "mdoc-holder key new --out own");
    run(0, "mdoc-issuer key new --key own/new.key.pem --encrypt");
    run(0, "mdoc-issuer key encrypt own/ds.key.pem --out own/ds-2.key.pem");
    run(
        0,
        "mdoc-issuer key decrypt own/ds-2.key.pem --out own/ds-3.key.pem",
    );
    run(0, "mdoc-issuer key show own/new.key.pem");
    run(0, "mdoc-issuer key show wallet/device.key.jwk");
    let issue = format!(
        "mdoc-issuer issue --format partial-iso-18013-5 --data person.json --portrait photo.jpg --at {NOW} \
         --signer pki/ds.pem"
    );
    let device = "--device-key wallet/device.pub.pem";
    run(
        0,
        &format!("{issue} --signer-key pki/ds.key.pem {device} --out new.mdoc"),
    );
    run(0, "mdoc-issuer key encrypt pki/ds.key.pem --out ds-2.key.pem");
    run(
        0,
        &format!("{issue} --signer-key ds-2.key.pem {device} --out new.mdoc --json"),
    );
    for key in [
        "broken.key.pem",
        "own/ds.key.pem",
        "photo.jpg",
        "wallet/encrypted.key.pem",
    ] {
        run(2, &format!("{issue} --signer-key {key} {device} --out no.mdoc"));
    }
    run(
        2,
        &format!("{issue} --signer-key pki/ds.key.pem --device-key wallet/device.key.pem --out no.mdoc"),
    );
    for data in ["faulty.json", "unclosed.json"] {
        let issue = issue.replace("person.json", data);
        run(
            2,
            &format!("{issue} --signer-key pki/ds.key.pem {device} --out no.mdoc"),
        );
    }
    run(
        3,
        &format!(
            "mdoc-issuer batch --format partial-iso-18013-5 --data people.csv --signer pki/ds.pem --signer-key \
         pki/ds.key.pem --at {NOW} --device-keys wallet --allow-shared-device-keys --portraits . --out issued"
        ),
    );
    run(0, "mdoc-verifier request --preset age-over-18 --out asked.cbor");
    let respond = format!(
        "mdoc-holder respond --document new.mdoc --request request.cbor --transcript session/transcript.cbor \
         --at {NOW} --out answer.cbor"
    );
    run(0, &format!("{respond} --key wallet/device.key.pem"));
    run(0, &format!("{respond} --key wallet/device.key.jwk"));
    run(2, &format!("{respond} --key wallet/mac.key.pem"));
    run(2, &format!("{respond} --key wallet/cut.key.pem"));
    let respond = respond.replace("new.mdoc", "mac.mdoc").replace("answer", "maced");
    let mac = "--key wallet/mac.key.pem --mac --reader-key session/reader.pub.pem";
    run(0, &format!("{respond} {mac}"));
    let check = format!("--trust pki --at {NOW} --transcript session/transcript.cbor");
    run(0, &format!("mdoc-verifier check answer.cbor {check}"));
    run(
        0,
        &format!("mdoc-verifier check maced.cbor {check} --reader-key session/reader.key.pem --verbose"),
    );
    run(1, &format!("mdoc-verifier check tampered.cbor {check} --json"));
    for file in [
        "new.mdoc",
        "answer.cbor",
        "request.cbor",
        "session/qr.txt",
        "pki/ds.pem",
    ] {
        run(0, &format!("mdoc-issuer inspect {file}"));
    }
    let decode = "mdoc-verifier decode session/lines.txt --engagement session/qr.txt --reader-key session/reader.key.pem";
    run(0, decode);
    run(0, &format!("{decode} --json"));
    for file in ["cut.mdoc", "pki/ds.key.pem", "wallet/device.key.jwk"] {
        journey.run_any(&format!("mdoc-issuer inspect {file}"));
    }
    let wrong = [
        ("MDOC_LOG", "trace"),
        ("MDOC_KEY_PASSPHRASE", "not the passphrase"),
    ];
    journey.run_with(2, &["mdoc-issuer", "key", "decrypt", "ds-2.key.pem"], &wrong);
    journey
}

impl Journey {
    /// Runs what may end in one way or another.
    fn run_any(&mut self, command: &str) {
        let arguments: Vec<&str> = command.split_whitespace().collect();
        let output = programs::run_with(&self.space.0, &arguments, &[("MDOC_LOG", "trace")]);
        self.said.push((command.to_owned(), output));
    }

    /// All private keys in the folder, and the keys of its session, in every way to write them, also in pieces.
    fn secrets(&self) -> BTreeSet<String> {
        let mut secrets = BTreeSet::from([PASSPHRASE.to_owned(), "not the passphrase".to_owned()]);
        let mut keys: Vec<SecretKey> = Vec::new();
        for content in self.space.list().into_values() {
            let key = secret_from_file(&content)
                .or_else(|_| mdoc_core::keys::secret_from_encrypted(&content, PASSPHRASE.as_bytes()));
            let Ok(key) = key else { continue };
            secrets.extend(secrets_of(&secret_to_pem(&key)));
            secrets.extend(written(key.dangerous_bytes()));
            if !keys.iter().any(|known| known.public_key() == key.public_key()) {
                keys.push(key);
            }
        }
        let session = self.session_keys(&keys);
        assert!(session.len() > 20, "only {} keys of sessions", session.len());
        secrets.extend(session.iter().flat_map(|key| written(key)));
        assert!(secrets.len() > 3000, "only {} secrets were found", secrets.len());
        secrets
    }

    /// What the reader of the folder agrees on with anybody in its session, and the keys that follow: SKReader, SKDevice,
    /// EMacKey.
    fn session_keys(&self, keys: &[SecretKey]) -> BTreeSet<Vec<u8>> {
        let read = |name: &str| fs::read(self.space.0.join(name)).unwrap();
        let transcript = read("session/transcript.tag24.cbor");
        let salt = RustCrypto.digest(DigestAlgorithm::Sha256, &[&transcript]);
        let code = String::from_utf8(read("session/qr.txt")).unwrap();
        let engagement = Base64UrlUnpadded::decode_vec(code.trim().strip_prefix("mdoc:").unwrap()).unwrap();
        let engagement = DeviceEngagement::decode(&engagement, &Limits::DEFAULT).unwrap();
        let phone = engagement.e_device_key.unwrap();
        let mut found = BTreeSet::new();
        let reader = secret_from_file(&read("session/reader.key.pem")).unwrap();
        for other in keys.iter().map(SecretKey::public_key).chain([&phone]) {
            let Ok(shared) = RustCrypto.agree(&reader, other) else {
                continue;
            };
            for info in [&b"SKReader"[..], b"SKDevice", b"EMacKey"] {
                found.insert(RustCrypto.hkdf_sha256(&shared, salt.as_ref(), info).to_vec());
            }
            found.insert(shared.to_vec());
        }
        found
    }
}

/// Every way that a log may have to write octets, in pieces.
fn written(bytes: &[u8]) -> Vec<String> {
    let mut all = Vec::new();
    for piece in bytes.windows(10).step_by(2) {
        let hex: String = piece.iter().map(|octet| format!("{octet:02x}")).collect();
        all.push(hex.to_uppercase());
        all.push(hex);
        all.push(format!("{piece:?}").trim_matches(['[', ']']).to_owned());
        all.push(format!("{piece:02x?}").trim_matches(['[', ']']).to_owned());
    }
    for shift in 0..3 {
        all.push(Base64::encode_string(&bytes[shift..shift + 24]));
        all.push(Base64UrlUnpadded::encode_string(&bytes[shift..shift + 24]));
    }
    all
}

#[test]
fn octets_in_a_log_are_found_however_they_are_written() {
    let octets: Vec<u8> = (0..32).map(|at| at * 7 + 3).collect();
    let pieces = written(&octets);
    for log in [
        format!("key={octets:?}"),
        format!("key={octets:02x?}"),
        octets.iter().map(|octet| format!("{octet:02X}")).collect(),
        Base64UrlUnpadded::encode_string(&octets),
    ] {
        assert!(pieces.iter().any(|piece| log.contains(piece.as_str())), "{log}");
    }
}

#[test]
fn a_full_run_at_trace_level_says_no_secret_and_logs_nothing_of_a_person() {
    let journey = journey();
    let secrets = journey.secrets();
    let portrait = fs::read(journey.space.0.join("photo.jpg")).unwrap();
    // The head of a JPEG is no personal data; from the middle it is.
    let portrait = &portrait[portrait.len() / 2..][..48];
    let hex: String = portrait.iter().map(|octet| format!("{octet:02x}")).collect();
    let mut personal: Vec<String> = PERSONAL.iter().map(|text| (*text).to_owned()).collect();
    personal.extend(["Vries", "Anna", "1994-13-17", "NL-5501", "Licensing Authority"].map(str::to_owned));
    personal.extend([hex[..24].to_owned(), Base64::encode_string(&portrait[..24])]);
    personal.push(
        format!("{:?}", &portrait[..8])
            .trim_matches(['[', ']'])
            .to_owned(),
    );
    for (command, output) in &journey.said {
        let (out, log) = (
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
        );
        assert!(
            log.contains("level=debug program=mdoc-"),
            "{command} wrote no log: {log}"
        );
        for secret in &secrets {
            // What a command is to print is not there to be hidden from whoever asked for it, keys are.
            assert!(!out.contains(secret), "{command} prints a secret");
            assert!(!log.contains(secret), "{command} logs a secret");
        }
        for word in &personal {
            assert!(!log.contains(word.as_str()), "{command} logs {word}:\n{log}");
        }
    }
    // The log tells what was done, or it would be easy to keep it clean.
    let log = journey.log();
    for event in [
        "event=\"program started\"",
        "event=\"key file read\" path=\"pki/ds.key.pem\" bytes=",
        "event=\"private key opened\" path=\"ds-2.key.pem\" curve=\"P-256\" fingerprint=\"",
        "event=\"format loaded\" name=\"partial-iso-18013-5\"",
        "event=\"signer chosen\" path=\"pki/ds.pem\"",
        "event=\"document signed\" doc_type=\"org.iso.18013.5.1.mDL\"",
        "event=\"record not issued\" record=2 line=3 codes=\"",
        "event=\"response made\" documents=1 bytes=",
        "proof=\"mac\"",
        "outcome=\"failed\" code=\"digest.mismatch\"",
        "event=\"document judged\" doc_type=\"org.iso.18013.5.1.mDL\" accepted=true",
        "level=fatal program=mdoc-issuer event=\"failed\" status=2 error=\"",
    ] {
        assert!(log.contains(event), "the log does not tell {event}:\n{log}");
    }
    // Every line is one event; what a file is called does not begin another.
    for line in log.lines().filter(|line| line.starts_with("time=")) {
        assert!(line.contains(" level=") && line.contains(" event=\""), "{line}");
    }
}

#[test]
fn the_log_has_as_much_as_is_asked_for_and_none_by_default() {
    let space = Workspace::new();
    let run = |level: Option<&str>| {
        let environment: Vec<(&str, &str)> = level.map(|level| ("MDOC_LOG", level)).into_iter().collect();
        let arguments = programs::issue("pki/ds.pem", "pki/ds.key.pem", "new.mdoc");
        programs::run_with(&space.0, &arguments, &environment)
    };
    let words = |output: &Output| String::from_utf8_lossy(&output.stderr).into_owned();
    for (level, expected) in [
        (None, &[][..]),
        (Some("none"), &[]),
        (Some(""), &[]),
        (Some("fatal"), &[]),
        (Some("error"), &[]),
        (Some("warning"), &[]),
        (Some("info"), &["info"]),
        (Some("debug"), &["debug", "info"]),
        (Some("trace"), &["debug", "info"]),
    ] {
        let output = run(level);
        assert!(output.status.success(), "{level:?}: {}", words(&output));
        let log = words(&output);
        let found: BTreeSet<&str> = log
            .split_whitespace()
            .filter_map(|word| word.strip_prefix("level="))
            .collect();
        assert_eq!(
            found.into_iter().collect::<Vec<_>>(),
            expected,
            "{level:?}: {log}"
        );
    }
    let wrong = run(Some("verbose"));
    assert_eq!(wrong.status.code(), Some(2));
    let said = words(&wrong);
    assert!(
        said.contains("error: MDOC_LOG is `verbose`, which is no level of the log\nhint: "),
        "{said}"
    );

    // What ends the program is logged from `fatal` on.
    let arguments = programs::issue("pki/ds.pem", "old/ds.key.pem", "other.mdoc");
    let failed = programs::run_with(&space.0, &arguments, &[("MDOC_LOG", "fatal")]);
    let said = words(&failed);
    assert_eq!(said.matches("level=").count(), 1, "{said}");
    assert!(
        said.contains(" level=fatal program=mdoc-issuer event=\"failed\" status=2 "),
        "{said}"
    );
}

/// Every type that has a secret in it and can be shown.
#[test]
fn what_holds_a_secret_does_not_show_it() {
    let mut rng = ChaCha20Rng::from_seed([21; 32]);
    for curve in Curve::ALL {
        let secret = SecretKey::generate(curve, &mut rng);
        let pem = secret_to_pem(&secret);
        let secrets = secrets_of(&pem);
        let mut shown = vec![format!("{secret:?} {secret:#?}")];
        if curve.algorithm().is_some() {
            let key = SoftwareKey::new(secret.clone()).unwrap();
            shown.push(format!("{key:?} {key:#?} {:?}", Some(&key)));
        }
        // Errors of reading a key: cut off, changed, of another curve.
        for broken in [
            &pem[..pem.len() / 2],
            &pem.replacen("-----END", "!-----END", 1),
            &pem.replace('A', "B"),
        ] {
            if let Err(error) = secret_from_file(broken.as_bytes()) {
                shown.push(format!("{error:?} {error}"));
            }
        }
        let body = |piece: &str| shown.iter().any(|text| text.contains(piece));
        for secret in &secrets {
            assert!(!body(secret), "{curve}: {shown:?}");
        }
    }
    let space = Workspace::new();
    for name in ["pki/ds.key.pem", "wallet/device.key.jwk", "person.json"] {
        let input = mdoc_cli::input::Input::read(&space.0.join(name)).unwrap();
        let shown = format!("{input:?} {input:#?}");
        assert!(shown.contains(name) && shown.len() < 400, "{shown}");
    }
    let (a, b) = (
        SecretKey::generate(Curve::P256, &mut rng),
        SecretKey::generate(Curve::P256, &mut rng),
    );
    // A session key is bytes without a type of its own; an error of opening with it tells nothing of it.
    let shared = RustCrypto.agree(&a, b.public_key()).unwrap();
    let key = RustCrypto.hkdf_sha256(&shared, &[], b"SKReader");
    let error = RustCrypto.open(&key, &[0; 12], &[0; 40]).unwrap_err();
    assert_eq!(
        format!("{error:?} {error}"),
        "BadTag the ciphertext does not authenticate"
    );
}

/// `Zeroizing` shows what it holds: nothing that has one may have its `Debug` derived.
#[test]
fn nothing_that_holds_octets_to_be_wiped_has_a_derived_debug() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut looked = 0;
    for (file, text) in sources(root) {
        let mut derived = false;
        let mut within: Option<String> = None;
        for line in text
            .lines()
            .map(str::trim_start)
            .filter(|line| !line.starts_with("//"))
        {
            if line.starts_with("#[derive(") {
                derived = line.contains("Debug");
            } else if let Some(name) = definition(line) {
                within = Some(name.to_owned());
            }
            if let Some(name) = &within
                && line.contains("Zeroizing<")
            {
                looked += 1;
                assert!(!derived, "{}: `{name}` derives Debug: {line}", file.display());
            }
            if line == "}" || line.ends_with(';') {
                (derived, within) = (false, None);
            }
        }
    }
    assert!(looked > 20, "only {looked} members are wiped");
}

/// What a line begins to define, if it is a type with members.
fn definition(line: &str) -> Option<&str> {
    let words = ["pub ", "pub(crate) ", "pub(super) "];
    let line = words
        .iter()
        .find_map(|word| line.strip_prefix(word))
        .unwrap_or(line);
    let line = line
        .strip_prefix("struct ")
        .or_else(|| line.strip_prefix("enum "))?;
    line.split(|c: char| !c.is_alphanumeric()).next()
}
