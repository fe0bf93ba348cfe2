//! What the process does that is looked at.

use std::fs;
use std::io::{BufRead as _, Write as _};
use std::path::Path;

use mdoc_cli::keys;
use mdoc_core::crypto::{AwsLc, Backend, CryptoError, PublicKey, RustCrypto, SecretKey};
use mdoc_core::device_signed::mac_key;
use mdoc_core::issue::{Draft, NameSpaces, Validity};
use mdoc_core::issuer_signed::IssuerSigned;
use mdoc_core::keys::{
    Kdf, KeyError, secret_from_encrypted, secret_from_file, secret_to_encrypted_pem, secret_to_pem,
};
use mdoc_core::limits::Limits;
use mdoc_core::present::{DeviceKey, Presentation, encode_response};
use mdoc_core::scrub::scrubbed;
use mdoc_core::seams::{Signer as _, SoftwareKey};
use mdoc_core::time::Timestamp;
use mdoc_core::transcript::SessionTranscript;
use mdoc_core::value::Value;
use mdoc_core::verify::{Form, Inputs, verify};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;
use zeroize::Zeroizing;

use super::patterns::{BROKEN, CURVES, FORMS};
use super::session;

const DOC_TYPE: &str = "org.example.memory";

/// Runs to its end, with a stop at each point.
pub(super) fn run(folder: &Path, backend: &str) {
    let backend: &dyn Backend = match backend {
        "RustCrypto" => &RustCrypto,
        "AwsLc" => &AwsLc,
        other => panic!("there is no backend {other}"),
    };
    let process = Process { folder, backend };
    let held = process.hold();
    stop("held");
    drop(held);
    stop("dropped");
    process.read();
    stop("read");
    process.issue();
    stop("issued");
    process.present();
    stop("presented");
    process.agree();
    stop("agreed");
    session::run(folder, backend, || stop("open"));
    stop("ended");
    process.fail();
    stop("failed");
    process.encrypt();
    stop("encrypted");
}

/// Says where it is, and waits.
fn stop(point: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "\nat: {point}").unwrap();
    out.flush().unwrap();
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).unwrap();
}

struct Process<'a> {
    folder: &'a Path,
    backend: &'a dyn Backend,
}

/// Secrets as a program may hold them.
#[expect(dead_code, reason = "what is held is looked at from outside")]
struct Held {
    files: Vec<Zeroizing<Vec<u8>>>,
    keys: Vec<SoftwareKey>,
    session: Vec<Zeroizing<Vec<u8>>>,
}

impl Process<'_> {
    /// A file, read into room that was there from the beginning.
    fn file(&self, name: &str) -> Zeroizing<Vec<u8>> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(64 * 1024));
        let mut file = fs::File::open(self.folder.join(name)).unwrap();
        std::io::Read::read_to_end(&mut file, &mut bytes).unwrap();
        bytes
    }

    fn key(&self, name: &str) -> SoftwareKey {
        let secret = keys::secret_key(&self.folder.join(name)).unwrap();
        SoftwareKey::with_backend(secret, self.backend).unwrap()
    }

    fn public(&self, name: &str) -> PublicKey {
        keys::public_key(&self.folder.join(name)).unwrap()
    }

    fn transcript(&self) -> SessionTranscript {
        SessionTranscript::decode(&self.file("transcript.cbor"), &Limits::DEFAULT).unwrap()
    }

    fn hold(&self) -> Held {
        let all = CURVES.map(|(name, _)| format!("{name}.pem"));
        let parties = ["phone.pem", "device.pem", "reader.pem"].map(str::to_owned);
        let forms = FORMS.map(str::to_owned);
        let names: Vec<String> = all.into_iter().chain(parties).chain(forms).collect();
        let more = BROKEN.iter().copied().chain(["passphrase"]);
        let session = scrubbed(|| {
            let (phone, device) = (self.key("phone.pem"), self.key("device.pem"));
            let reader = self.public("reader.pub");
            let shared = self.backend.agree(phone.secret(), &reader).unwrap();
            let salt = self.transcript().salt(self.backend);
            let key = |info: &str| {
                let key = self.backend.hkdf_sha256(&shared, salt.as_ref(), info.as_bytes());
                Zeroizing::new(key.to_vec())
            };
            let (skreader, skdevice) = (key("SKReader"), key("SKDevice"));
            let mac = mac_key(device.secret(), &reader, &self.transcript(), self.backend).unwrap();
            let mac = Zeroizing::new(mac.to_vec());
            vec![shared, skreader, skdevice, mac]
        });
        Held {
            files: names
                .iter()
                .map(String::as_str)
                .chain(more)
                .map(|name| self.file(name))
                .collect(),
            keys: names.iter().map(|name| self.key(name)).collect(),
            session,
        }
    }

    /// Keys in every form, as the programs read them.
    fn read(&self) {
        for name in FORMS.into_iter().chain(["device.pem", "p384.pem", "ed25519.pem"]) {
            let key = keys::secret_key(&self.folder.join(name)).unwrap();
            let source = keys::KeySource::File(self.folder.join(name));
            assert_eq!(keys::public_half(&source).unwrap(), *key.public_key());
        }
    }

    fn document(&self, issuer: &SoftwareKey) -> Vec<u8> {
        let elements: NameSpaces = vec![(
            DOC_TYPE.to_owned(),
            vec![("name".to_owned(), Value::Text("Nobody".to_owned()))],
        )];
        let at = |text| Timestamp::parse(text).unwrap();
        let validity = Validity {
            signed: at("2026-06-01T00:00:00Z"),
            valid_from: at("2026-06-01T00:00:00Z"),
            valid_until: at("2026-07-01T00:00:00Z"),
            expected_update: None,
        };
        let mut rng = ChaCha20Rng::from_seed([3; 32]);
        let device = self.public("device.pub");
        let draft = Draft::new(DOC_TYPE, &elements, &device, validity);
        let unsigned = draft.salt(&mut rng, self.backend).unwrap();
        unsigned.sign(issuer, &[b"a certificate"]).unwrap()
    }

    /// A document by an issuer of each curve.
    fn issue(&self) {
        for (name, curve) in CURVES {
            let issuer = self.key(&format!("{name}.pem"));
            assert_eq!(issuer.public_key().curve(), curve);
            assert!(!self.document(&issuer).is_empty());
        }
    }

    /// The wallet's answer by signature and by MAC, and the reader who checks them.
    fn present(&self) {
        let licence = self.document(&self.key("p256.pem"));
        let document = IssuerSigned::decode(&licence, &Limits::DEFAULT).unwrap();
        let (device, reader) = (self.key("device.pem"), self.key("reader.pem"));
        let transcript = self.transcript();
        let reader_key = self.public("reader.pub");
        let mac = DeviceKey::Mac {
            secret: device.secret(),
            reader_key: &reader_key,
        };
        for key in [DeviceKey::Signature(&device), mac] {
            let presentation = Presentation {
                document: &document,
                release: &[(DOC_TYPE, "name")],
                device_elements: &NameSpaces::new(),
                transcript: &transcript,
                key: &key,
            };
            let presented = presentation.encode(&Limits::DEFAULT, self.backend).unwrap();
            let response = encode_response(&[presented], &[]);
            let mut inputs = Inputs::new(&[], Timestamp::parse("2026-06-02T00:00:00Z").unwrap());
            inputs.backend = self.backend;
            inputs.transcript = Some(&transcript);
            inputs.reader_key = Some(reader.secret());
            let report = verify(&response, Form::DeviceResponse, &inputs);
            let steps = report.documents()[0].steps();
            let device = steps.iter().find(|step| step.check.id().starts_with("device"));
            assert!(
                device.is_some_and(|step| step.outcome_name() == "passed"),
                "{steps:?}"
            );
        }
    }

    /// What a session does: both sides' keys, a message sealed and opened, one that was changed.
    fn agree(&self) {
        scrubbed(|| {
            let phone = self.key("phone.pem");
            let shared = self
                .backend
                .agree(phone.secret(), &self.public("reader.pub"))
                .unwrap();
            let salt = self.transcript().salt(self.backend);
            for info in ["SKReader", "SKDevice"] {
                let key = self.backend.hkdf_sha256(&shared, salt.as_ref(), info.as_bytes());
                let mut sealed = self.backend.seal(&key, &[1; 12], b"message");
                let opened = self.backend.open(&key, &[1; 12], &sealed).unwrap();
                assert_eq!(*opened, b"message");
                sealed[0] ^= 1;
                let refused = self.backend.open(&key, &[1; 12], &sealed);
                assert_eq!(refused, Err(CryptoError::BadTag));
            }
        });
    }

    /// Files that are refused, with a key in them; a passphrase that is wrong.
    fn fail(&self) {
        for name in BROKEN {
            let failure = keys::secret_key(&self.folder.join(name)).unwrap_err();
            assert!(failure.to_string().contains(name), "{failure}");
            let source = keys::KeySource::File(self.folder.join(name));
            // A JWK with the public half of another has a public half.
            let _ = keys::public_half(&source);
            let _ = keys::public_key(&self.folder.join(name));
            let _ = keys::certificates(&self.folder.join(name));
        }
        for name in FORMS {
            let _ = keys::public_key(&self.folder.join(name));
            let _ = keys::certificates(&self.folder.join(name));
        }
        let wrong = secret_from_encrypted(&self.file("pbkdf2.pem"), b"wrong");
        assert_eq!(wrong.unwrap_err(), KeyError::Passphrase);
    }

    /// Keys that are written again, plain and under a passphrase.
    fn encrypt(&self) {
        let passphrase = self.file("passphrase");
        for name in ["device.pem", "p521.pem"] {
            let key: SecretKey = secret_from_file(&self.file(name)).unwrap();
            assert_eq!(secret_to_pem(&key).as_bytes(), self.file(name).as_slice());
            let mut rng = ChaCha20Rng::from_seed([4; 32]);
            for kdf in [Kdf::Scrypt, Kdf::Pbkdf2] {
                assert!(secret_to_encrypted_pem(&key, &passphrase, kdf, &mut rng).is_ok());
            }
        }
    }
}
