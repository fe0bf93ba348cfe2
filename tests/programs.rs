//! The programs as a user has them, and a folder of files to try them on.
//!
//! The files are made once per run, from one seed: what a program says about them is the same every time.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "support for tests: where something is not as it should be, the test is to stop"
)]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

use base64ct::{Base64, Base64Unpadded, Base64UrlUnpadded, Encoding as _};
use mdoc_core::cbor;
use mdoc_core::cose;
use mdoc_core::crypto::{Curve, PublicKey, RustCrypto, SecretKey};
use mdoc_core::device_request::{ReaderAuth, ReaderIdentity, encode_request};
use mdoc_core::engagement::DeviceEngagement;
use mdoc_core::issue::{Draft, Validity};
use mdoc_core::issuer_signed::IssuerSigned;
use mdoc_core::keys::{public_to_jwk, public_to_pem, secret_to_pem};
use mdoc_core::limits::Limits;
use mdoc_core::present::{DeviceKey, Presentation, encode_response};
use mdoc_core::seams::SoftwareKey;
use mdoc_core::time::Timestamp;
use mdoc_core::transcript::SessionTranscript;
use mdoc_core::value::Value;
use mdoc_core::x509::build::{ListTerms, RevokedSerial, build_crl};
use mdoc_core::x509::{Certificate, GeneralName};
use mdoc_issuer::format::Catalogue;
use mdoc_issuer::issue::Order;
use mdoc_issuer::pki::{self, Authority, Made, Terms};
use mdoc_issuer::signer::{Deviations, DocumentSigner};
use mdoc_verifier::request;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

/// The programs.
pub(crate) const NAMES: [&str; 4] = ["mdoc-issuer", "mdoc-holder", "mdoc-verifier", "mdoc-service"];

/// What is in every document of the folder, and must not be where nobody asked for it.
pub(crate) const PERSONAL: [&str; 4] = ["de Vries", "Anna Maria", "1994-05-17", "NL-5501-2044"];

/// The instant at which everything in the folder was made, but for what is said to be old.
pub(crate) const NOW: &str = "2026-06-01T12:00:00Z";

const DAY: Duration = Duration::from_secs(86_400);
const PORTRAIT: &[u8] = include_bytes!("../document-formats/samples/portrait.jpg");
const PERSON: &str = include_str!("../document-formats/samples/partial-iso-18013-5.json");
const FORMAT: &str = include_str!("../document-formats/partial-iso-18013-5.xml");

/// Where a program is; built if it is not there, or older than its source.
pub(crate) fn program(name: &str) -> PathBuf {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(built).join(name)
}

/// The test is `target/<profile>/deps/integration-…`, the programs are in `target/<profile>`.
fn built() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let folder = test.parent().and_then(Path::parent).unwrap().to_path_buf();
    let made = |name: &&str| {
        let file = folder.join(name).with_extension(std::env::consts::EXE_EXTENSION);
        fs::metadata(file).and_then(|file| file.modified()).ok()
    };
    let oldest = NAMES.iter().map(made).min().flatten();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let sources = [
        "mdoc-core",
        "openid",
        "pkcs11",
        "cli",
        "issuer",
        "holder",
        "verifier",
        "service",
        "document-formats",
        "Cargo.lock",
    ];
    let newest = sources
        .iter()
        .filter_map(|source| newest(&root.join(source)))
        .max();
    if oldest.is_some() && oldest >= newest {
        return folder;
    }
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo);
    build.current_dir(root).arg("build").arg("--quiet");
    for name in NAMES {
        build.args(["-p", name]);
    }
    match folder.file_name().and_then(|profile| profile.to_str()) {
        Some("debug") => {}
        Some(profile) => drop(build.args(["--profile", profile])),
        None => panic!("{} is no folder of cargo", folder.display()),
    }
    build.arg("--target-dir").arg(folder.parent().unwrap());
    assert!(build.status().unwrap().success(), "the programs do not build");
    folder
}

/// When a file, or the newest one in a folder, was changed.
fn newest(path: &Path) -> Option<SystemTime> {
    let found = fs::metadata(path).ok()?;
    if found.is_file() {
        return found.modified().ok();
    }
    let entries = fs::read_dir(path).ok()?.flatten();
    entries.filter_map(|entry| newest(&entry.path())).max()
}

/// The command line that issues the person of the folder a licence.
pub(crate) fn issue<'a>(signer: &'a str, key: &'a str, out: &'a str) -> Vec<&'a str> {
    let person = ["--data", "person.json", "--portrait", "photo.jpg"];
    let holder = ["--device-key", "wallet/device.pub.pem"];
    let mut arguments = vec![
        "mdoc-issuer",
        "issue",
        "--format",
        "partial-iso-18013-5",
        "--at",
        NOW,
    ];
    arguments.extend(person.iter().chain(&holder));
    arguments.extend(["--signer", signer, "--signer-key", key, "--out", out]);
    arguments
}

/// Runs a program in a folder with an input, and with nothing of the environment that changes its words.
pub(crate) fn run(folder: &Path, arguments: &[&str], input: &[u8]) -> Output {
    let (name, arguments) = arguments.split_first().unwrap();
    let mut command = Command::new(program(name));
    command.args(arguments);
    run_command(command, folder, input)
}

/// Runs a program like [`run`], with more in its environment.
pub(crate) fn run_with(folder: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    let (name, arguments) = arguments.split_first().unwrap();
    let mut command = Command::new(program(name));
    command.args(arguments).env_clear();
    command.envs(environment.iter().copied());
    run_prepared(command, folder, b"")
}

/// Runs any command like [`run`].
pub(crate) fn run_command(mut command: Command, folder: &Path, input: &[u8]) -> Output {
    command.env_clear();
    run_prepared(command, folder, input)
}

fn run_prepared(mut command: Command, folder: &Path, input: &[u8]) -> Output {
    command.current_dir(folder).env("PATH", "/usr/bin:/bin");
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // A program that does not want its input may have ended.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap()
}

/// A copy of the folder, which goes away with this value.
pub(crate) struct Workspace(pub(crate) PathBuf);

impl Workspace {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        static FILES: OnceLock<Files> = OnceLock::new();
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("mdoc-programs-{}-{count}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        let space = Self(path);
        FILES.get_or_init(Files::make).write(&space.0);
        space
    }

    /// Every file with its content, by its name from here; folders end with `/`.
    pub(crate) fn list(&self) -> BTreeMap<String, Vec<u8>> {
        let mut found = BTreeMap::new();
        let mut folders = vec![self.0.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
                let path = entry.path();
                let name = path.strip_prefix(&self.0).unwrap().to_str().unwrap().to_owned();
                if path.is_dir() {
                    found.insert(format!("{name}/"), Vec::new());
                    folders.push(path);
                } else {
                    found.insert(name, fs::read(path).unwrap_or_default());
                }
            }
        }
        found
    }
}

impl Drop for Workspace {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Every way in which private keys could be written.
pub(crate) fn secrets_of(pem: &str) -> Vec<String> {
    let Ok(key) = mdoc_core::keys::secret_from_pem(pem) else {
        return Vec::new();
    };
    let bytes = key.dangerous_bytes();
    let hex = bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    });
    let mut all = vec![
        hex.to_uppercase(),
        hex,
        Base64UrlUnpadded::encode_string(bytes),
        Base64Unpadded::encode_string(bytes),
        format!("{bytes:?}").trim_matches(['[', ']']).to_owned(),
    ];
    // The first line is the same for every key of a curve, and the last may hold nothing but public octets.
    let public = key.public_key().as_bytes();
    let is_public = |line: &str| {
        let octets = Base64::decode_vec(line).or_else(|_| Base64Unpadded::decode_vec(line));
        octets.is_ok_and(|octets| public.windows(octets.len().max(1)).any(|window| window == octets))
    };
    let body = pem.lines().filter(|line| !line.starts_with("-----"));
    let body = body.skip(1).filter(|line| !is_public(line));
    all.extend(body.filter(|line| line.len() > 12).map(str::to_owned));
    all
}

/// The files of the folder.
#[derive(Default)]
struct Files(BTreeMap<&'static str, (Vec<u8>, bool)>);

impl Files {
    fn add(&mut self, name: &'static str, content: impl AsRef<[u8]>) {
        self.0.insert(name, (content.as_ref().to_vec(), false));
    }

    fn secret(&mut self, name: &'static str, content: impl AsRef<[u8]>) {
        self.0.insert(name, (content.as_ref().to_vec(), true));
    }

    fn pair(&mut self, certificate: &'static str, key: &'static str, made: &Made) {
        self.add(certificate, made.certificate.to_pem());
        self.secret(key, secret_to_pem(&made.key).as_bytes());
    }

    fn write(&self, folder: &Path) {
        for (name, (content, secret)) in &self.0 {
            let path = folder.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, content).unwrap();
            if *secret {
                mode(&path, 0o600);
            }
        }
    }

    fn make() -> Self {
        let mut rng = ChaCha20Rng::from_seed([42; 32]);
        let mut files = Self::default();
        let (signer, reader) = files.certificates(&mut rng);
        files.person();
        let (wallet, maced) = (new_key(&mut rng), new_key(&mut rng));
        let session = Session::new(&mut rng);
        files.keys(&wallet, &session);
        files.secret("wallet/mac.key.pem", secret_to_pem(maced.secret()).as_bytes());

        let licence = licence(&signer, wallet.secret().public_key(), &mut rng);
        files.add("licence.mdoc", &licence);
        files.add("licence.hex", hex_lines(&licence));
        files.add("licence.b64", Base64UrlUnpadded::encode_string(&licence));
        files.add("cut.mdoc", &licence[..5000]);
        let other = self::licence(&signer, maced.secret().public_key(), &mut rng);
        files.add("mac.mdoc", &other);
        let key = DeviceKey::Mac {
            secret: maced.secret(),
            reader_key: session.reader.secret().public_key(),
        };
        files.add(
            "mac.cbor",
            encode_response(&[present(&other, &key, &session)], &[]),
        );
        let hostile = hostile(&signer, wallet.secret().public_key(), &mut rng);
        files.add("hostile.mdoc", hostile);

        files.requests(&reader, &session);
        let document = present(&licence, &DeviceKey::Signature(&wallet), &session);
        files.add("document.cbor", &document);
        let response = encode_response(&[document], &[]);
        files.add("tampered.cbor", tampered(&response));
        let request = files.0["request.cbor"].0.clone();
        for (name, content) in session.conversation(&request, &response) {
            files.add(name, content);
        }
        files.add("response.cbor", response);
        let root = Certificate::from_pem(core::str::from_utf8(&files.0["pki/iaca.pem"].0).unwrap()).unwrap();
        for (name, content, secret) in crate::lists::files(&root) {
            files.0.insert(name, (content, secret));
        }
        files
    }

    /// Certificates with their keys; gives the signer and the reader.
    fn certificates(&mut self, rng: &mut ChaCha20Rng) -> (Made, Made) {
        let now = Timestamp::parse(NOW).unwrap();
        let terms = |name: &str, from: Timestamp, lifetime: Option<Duration>| Terms {
            common_name: name.to_owned(),
            organization: None,
            from,
            lifetime,
            contacts: vec![GeneralName::Uri("https://licences.example/".to_owned())],
            crl_uri: Some("https://licences.example/iaca.crl".to_owned()),
            curve: Curve::P256,
        };
        let two_years_ago = now.minus(730 * DAY);
        let root = pki::iaca("NL", None, &terms("Example IACA", two_years_ago, None), rng).unwrap();
        self.pair("pki/iaca.pem", "pki/iaca.key.pem", &root);
        let root_key = SoftwareKey::new(root.key.clone()).unwrap();
        let above = Authority {
            certificate: &root.certificate,
            signer: &root_key,
        };
        let signer = |name, from, lifetime, rng: &mut ChaCha20Rng| {
            pki::document_signer(&terms(name, from, lifetime), above, rng).unwrap()
        };
        let current = signer("Document Signer", now.minus(DAY), Some(400 * DAY), rng);
        self.pair("pki/ds.pem", "pki/ds.key.pem", &current);
        let old = signer("Old Signer", two_years_ago, Some(365 * DAY), rng);
        self.pair("old/ds.pem", "old/ds.key.pem", &old);
        let short = signer("Short Signer", now.minus(DAY), Some(10 * DAY), rng);
        self.pair("short/ds.pem", "short/ds.key.pem", &short);

        let list = |revoked: &[RevokedSerial]| {
            let terms = ListTerms {
                this_update: now.minus(DAY),
                next_update: now.plus(30 * DAY),
                number: 7,
            };
            build_crl(&root.certificate, &root_key, revoked, terms).unwrap()
        };
        self.add("pki/iaca.crl", list(&[]).to_pem());
        let revoked = RevokedSerial {
            serial_number: current.certificate.serial_number().to_vec(),
            at: now.minus(DAY / 2),
        };
        self.add("pki/revoked.crl", list(&[revoked]).der());

        let reader_ca = pki::reader_ca("NL", &terms("Example Reader CA", now, None), rng).unwrap();
        self.pair("readers/reader-ca.pem", "readers/reader-ca.key.pem", &reader_ca);
        let reader_ca_key = SoftwareKey::new(reader_ca.key.clone()).unwrap();
        let above = Authority {
            certificate: &reader_ca.certificate,
            signer: &reader_ca_key,
        };
        let reader = pki::reader(None, &terms("The Corner Bar", now, None), above, rng).unwrap();
        self.pair("bar/reader.pem", "bar/reader.key.pem", &reader);
        (current, reader)
    }

    /// The person, and files of every wrong kind.
    fn person(&mut self) {
        self.add("person.json", PERSON);
        self.add("photo.jpg", PORTRAIT);
        self.add("cut.jpg", &PORTRAIT[..4000]);
        let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x02\0\0\0\x90wS\xde";
        self.add("photo.png", png);
        self.add("note.txt", "Dear Sir or Madam,\n");
        self.add("empty", "");
        self.add("garbage", [0xff, 0x00, 0x13, 0x9f].repeat(20));
        self.add("out.mdoc", "what was there before");
        self.add(
            "formats/wrong-type.xml",
            FORMAT.replacen("type=\"full-date\"", "type=\"ful-date\"", 1),
        );
        self.add("formats/cut.xml", &FORMAT[..FORMAT.len() / 2]);
        let own = FORMAT.replacen("name=\"partial-iso-18013-5\"", "name=\"our-licence\"", 1);
        self.add("our-formats/our-licence.xml", own);
    }

    fn keys(&mut self, wallet: &SoftwareKey, session: &Session) {
        let public = wallet.secret().public_key();
        self.secret("wallet/device.key.pem", secret_to_pem(wallet.secret()).as_bytes());
        self.secret("wallet/device.key.jwk", secret_jwk(wallet.secret()));
        self.add("wallet/device.pub.pem", public_to_pem(public));
        self.add("wallet/device.pub.jwk", public_to_jwk(public));
        self.add("wallet/device.pub.cbor", cose::key::encode(public));
        let pem = secret_to_pem(wallet.secret());
        let cut: Vec<&str> = pem.lines().take(2).collect();
        self.secret("wallet/cut.key.pem", format!("{}\n", cut.join("\n")));
        let mut incomplete: serde_json::Value = serde_json::from_str(&secret_jwk(wallet.secret())).unwrap();
        incomplete.as_object_mut().unwrap().remove("x");
        self.secret("wallet/incomplete.jwk", incomplete.to_string());
        let encrypted = include_bytes!("vectors/keys/openssl/encrypted.p8.pem");
        self.secret("wallet/encrypted.key.pem", encrypted);
        self.add("session/transcript.cbor", session.transcript.raw());
        self.add(
            "session/transcript.tag24.cbor",
            cbor::embed(session.transcript.raw()),
        );
        self.add("session/other.cbor", Session::other().transcript.raw());
        self.secret(
            "session/reader.key.pem",
            secret_to_pem(session.reader.secret()).as_bytes(),
        );
        self.add(
            "session/reader.pub.pem",
            public_to_pem(session.reader.secret().public_key()),
        );
        let qr_code = Base64UrlUnpadded::encode_string(&session.engagement);
        self.add("session/qr.txt", format!("mdoc:{qr_code}\n"));
    }

    fn requests(&mut self, reader: &Made, session: &Session) {
        let ask = request::preset("age-over-18").unwrap().request();
        self.add("request.cbor", encode_request(&ask, &ReaderAuth::None).unwrap());
        let key = SoftwareKey::new(reader.key.clone()).unwrap();
        let identity = ReaderIdentity {
            signer: &key,
            x5chain: &[reader.certificate.der()],
        };
        let auth = ReaderAuth::EachDocument(identity, &session.transcript);
        self.add("signed.cbor", encode_request(&ask, &auth).unwrap());
        let pid = request::preset("pid").unwrap().request();
        self.add("pid.cbor", encode_request(&pid, &ReaderAuth::None).unwrap());
        self.add(
            "request.toml",
            "[[document]]\ndocType = \"org.iso.18013.5.1.mDL\"\n\
             [document.elements.\"org.iso.18013.5.1\"]\nage_over_20 = false\nfamily_name = true\n",
        );
    }
}

/// What two devices have after they met.
struct Session {
    engagement: Vec<u8>,
    transcript: SessionTranscript,
    reader: SoftwareKey,
}

impl Session {
    fn new(rng: &mut ChaCha20Rng) -> Self {
        let (phone, reader) = (new_key(rng), new_key(rng));
        let options = mdoc_core::engagement::BleOptions {
            peripheral_server_uuid: Some([7; 16]),
            ..Default::default()
        };
        let engagement = mdoc_core::engagement::encode_ble(phone.secret().public_key(), &options);
        let hello = cose::key::encode(reader.secret().public_key());
        Self {
            transcript: SessionTranscript::qr(&cbor::embed(&engagement), &cbor::embed(&hello)),
            engagement,
            reader,
        }
    }

    /// Its messages, as they were captured.
    fn conversation(&self, request: &[u8], response: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
        let engagement = DeviceEngagement::decode(&self.engagement, &Limits::DEFAULT).unwrap();
        let phone = engagement.e_device_key.unwrap();
        let messages = (request, response);
        crate::conversation::files(self.reader.secret(), &phone, &self.transcript, messages)
    }

    fn other() -> Self {
        Self::new(&mut ChaCha20Rng::from_seed([43; 32]))
    }
}

fn new_key(rng: &mut ChaCha20Rng) -> SoftwareKey {
    SoftwareKey::new(SecretKey::generate(Curve::P256, rng)).unwrap()
}

/// A document with text that would steer a terminal; no gate lets it pass, so that it is built without one.
fn hostile(signer: &Made, device_key: &PublicKey, rng: &mut ChaCha20Rng) -> Vec<u8> {
    let now = Timestamp::parse(NOW).unwrap();
    let validity = Validity {
        signed: now,
        valid_from: now,
        valid_until: now.plus(30 * DAY),
        expected_update: None,
    };
    let text = Value::Text("\u{1b}[31mred\u{9b}0m\u{202e}txt\u{7f}\nACCEPTED".to_owned());
    let space = "com.example.hostile.1".to_owned();
    let spaces = vec![(space.clone(), vec![("te\u{1b}xt".to_owned(), text)])];
    let key = SoftwareKey::new(signer.key.clone()).unwrap();
    let unsigned = Draft::new(&space, &spaces, device_key, validity)
        .salt(rng, &RustCrypto)
        .unwrap();
    unsigned.sign(&key, &[signer.certificate.der()]).unwrap()
}

fn licence(signer: &Made, device_key: &PublicKey, rng: &mut ChaCha20Rng) -> Vec<u8> {
    let catalogue = Catalogue::shipped();
    let format = catalogue.format("partial-iso-18013-5").unwrap();
    let key = SoftwareKey::new(signer.key.clone()).unwrap();
    let certificate = signer.certificate.clone();
    let signer = DocumentSigner::new(certificate, &key, &format.doctype, Deviations::Refuse).unwrap();
    let person = serde_json::from_str(PERSON).unwrap();
    let mut order = Order::new(format, &person, device_key);
    order.portrait = Some(PORTRAIT);
    let now = Timestamp::parse(NOW).unwrap();
    mdoc_issuer::issue::issue(&order, &signer, now, rng, &RustCrypto)
        .unwrap()
        .document
}

fn present(licence: &[u8], key: &DeviceKey<'_>, session: &Session) -> Vec<u8> {
    let limits = Limits::DEFAULT;
    let presentation = Presentation {
        document: &IssuerSigned::decode(licence, &limits).unwrap(),
        release: &[
            ("org.iso.18013.5.1", "age_over_18"),
            ("org.iso.18013.5.1", "portrait"),
        ],
        device_elements: &Vec::new(),
        transcript: &session.transcript,
        key,
    };
    presentation.encode(&limits, &RustCrypto).unwrap()
}

/// Turns the value of `age_over_18` round.
fn tampered(response: &[u8]) -> Vec<u8> {
    let mark = b"age_over_18\x6celementValue\xf5";
    let at = response
        .windows(mark.len())
        .position(|window| window == mark)
        .unwrap();
    let mut tampered = response.to_vec();
    tampered[at + mark.len() - 1] = 0xf4;
    tampered
}

fn secret_jwk(key: &SecretKey) -> String {
    let mut jwk: serde_json::Value = serde_json::from_str(&public_to_jwk(key.public_key())).unwrap();
    jwk["d"] = Base64UrlUnpadded::encode_string(key.dangerous_bytes()).into();
    jwk.to_string()
}

fn hex_lines(bytes: &[u8]) -> String {
    bytes.chunks(32).fold(String::new(), |mut text, chunk| {
        for byte in chunk {
            let _ = write!(text, "{byte:02x}");
        }
        text + "\n"
    })
}

/// Sets the mode of a file.
pub(crate) fn mode(path: &Path, bits: u32) {
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(bits)).unwrap();
}
