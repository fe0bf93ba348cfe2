//! The files with secrets, and how each secret may lie in memory.

use std::fs;
use std::path::Path;

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use base64ct::{Base64, Base64UrlUnpadded, Encoding as _};
use mdoc_core::cbor::embed;
use mdoc_core::cose::key::encode;
use mdoc_core::crypto::{Backend as _, Curve, PublicKey, RustCrypto, SecretKey};
use mdoc_core::device_signed::mac_key;
use mdoc_core::keys::{Kdf, public_to_jwk, public_to_pem, secret_to_encrypted_pem, secret_to_pem};
use mdoc_core::transcript::SessionTranscript;
use p256::pkcs8::DecodePrivateKey as _;
use p256::pkcs8::EncodePrivateKey as _;
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng as _, SeedableRng as _};
use sha2::{Digest as _, Sha256, Sha512};

use super::session::{self, DRAWN};

/// A piece of this many octets of a secret counts as the secret.
const PIECE: usize = 16;

/// Curves of the issuers, each with the name of its file.
pub(super) const CURVES: [(&str, Curve); 6] = [
    ("p256", Curve::P256),
    ("p384", Curve::P384),
    ("p521", Curve::P521),
    ("ed25519", Curve::Ed25519),
    ("brainpool256", Curve::BrainpoolP256r1),
    ("brainpool384", Curve::BrainpoolP384r1),
];

/// Forms of key files, each a key of its own on P-256.
pub(super) const FORMS: [&str; 7] = [
    "sec1.pem",
    "sec1.der",
    "pkcs8.der",
    "scrypt.pem",
    "pbkdf2.pem",
    "private.jwk",
    "escaped.jwk",
];

/// Files that no key is read from, though one is in it.
pub(super) const BROKEN: [&str; 4] = ["digit.pem", "cut.pem", "other.jwk", "digit.jwk"];

/// What is looked for.
pub(super) struct Patterns {
    names: Vec<String>,
    pieces: Vec<Vec<u8>>,
    held: Vec<String>,
    of_session: Vec<&'static str>,
    automaton: Option<AhoCorasick>,
}

impl Patterns {
    /// Writes the files, and keeps what is secret in them.
    pub(super) fn make(folder: &Path, seed: &str) -> Self {
        let mut rng = ChaCha20Rng::from_seed(Sha256::digest(seed).into());
        let mut patterns = Self {
            names: Vec::new(),
            pieces: Vec::new(),
            held: Vec::new(),
            of_session: Vec::new(),
            automaton: None,
        };
        let write = |name: &str, content: &[u8]| fs::write(folder.join(name), content).unwrap();
        let mut key = |name: &str, curve| {
            let key = SecretKey::generate(curve, &mut rng);
            patterns.key(name, &key);
            key
        };

        for (name, curve) in CURVES {
            write(
                &format!("{name}.pem"),
                secret_to_pem(&key(name, curve)).as_bytes(),
            );
        }
        let phone = key("phone", Curve::P256);
        let device = key("device", Curve::P256);
        let reader = key("reader", Curve::P256);
        for (name, key) in [("phone", &phone), ("device", &device), ("reader", &reader)] {
            write(&format!("{name}.pem"), secret_to_pem(key).as_bytes());
            write(&format!("{name}.pub"), public_to_pem(key.public_key()).as_bytes());
        }
        let forms = FORMS.map(|name| (name, key(name, Curve::P256)));
        let broken = BROKEN.map(|name| (name, key(name, Curve::P256)));

        let passphrase = Base64UrlUnpadded::encode_string(&Sha512::digest(device.dangerous_bytes()));
        write("passphrase", passphrase.as_bytes());
        for (name, key) in forms.iter().chain(&broken) {
            let pkcs8 = p256::SecretKey::from_pkcs8_pem(&secret_to_pem(key)).unwrap();
            let pem = secret_to_pem(key).to_string();
            let encrypted = |kdf, rng: &mut ChaCha20Rng| {
                secret_to_encrypted_pem(key, passphrase.as_bytes(), kdf, rng).unwrap()
            };
            let middle = pem.len() - 60;
            let content = match *name {
                "sec1.pem" => pkcs8.to_sec1_pem(Default::default()).unwrap().as_bytes().to_vec(),
                "sec1.der" => pkcs8.to_sec1_der().unwrap().to_vec(),
                "pkcs8.der" => pkcs8.to_pkcs8_der().unwrap().as_bytes().to_vec(),
                "scrypt.pem" => encrypted(Kdf::Scrypt, &mut rng).into_bytes(),
                "pbkdf2.pem" => encrypted(Kdf::Pbkdf2, &mut rng).into_bytes(),
                "private.jwk" => jwk(key, key.public_key()).into_bytes(),
                "escaped.jwk" => jwk(key, key.public_key()).replace('-', "\\u002d").into_bytes(),
                "other.jwk" => jwk(key, device.public_key()).into_bytes(),
                "digit.jwk" => jwk(key, key.public_key()).replace("\"}", "!\"}").into_bytes(),
                "digit.pem" => [&pem[..middle], "!", &pem[middle + 1..]].concat().into_bytes(),
                "cut.pem" => [&pem[..middle], &pem[middle + 8..]].concat().into_bytes(),
                other => panic!("how is {other} written?"),
            };
            write(name, &content);
            if !name.contains("scrypt") && !name.contains("pbkdf2") {
                patterns.text(name, key, &content);
            }
        }

        let transcript = SessionTranscript::qr(
            &embed(&encode(phone.public_key())),
            &embed(&encode(reader.public_key())),
        );
        write("transcript.cbor", transcript.raw());
        let salt = transcript.salt(&RustCrypto);
        let shared = RustCrypto.agree(&phone, reader.public_key()).unwrap();
        patterns.plain("passphrase", passphrase.as_bytes());
        patterns.both("Zab", &shared);
        for info in ["SKReader", "SKDevice"] {
            let key = RustCrypto.hkdf_sha256(&shared, salt.as_ref(), info.as_bytes());
            patterns.both(info, key.as_ref());
        }
        let static_shared = RustCrypto.agree(&device, reader.public_key()).unwrap();
        patterns.both("shared secret of the MAC", &static_shared);
        let key = mac_key(&device, reader.public_key(), &transcript, &RustCrypto).unwrap();
        patterns.both("EMacKey", key.as_ref());
        patterns
            .held
            .extend(["passphrase", "Zab", "SKReader", "SKDevice", "EMacKey"].map(str::to_owned));
        for name in DRAWN {
            let mut masked = [0; 256];
            rng.fill_bytes(&mut masked);
            write(name, &masked);
        }
        for (name, held, secret) in session::secrets(folder) {
            patterns.both(name, &secret);
            patterns.of_session.extend(held.then_some(name));
        }
        let built = AhoCorasick::builder()
            .kind(Some(AhoCorasickKind::DFA))
            .build(&patterns.pieces);
        patterns.automaton = Some(built.unwrap());
        patterns
    }

    /// What is to be found while it is held.
    pub(super) fn held(&self) -> &[String] {
        &self.held
    }

    /// What is to be found while a session is open.
    pub(super) fn of_session(&self) -> &[&'static str] {
        &self.of_session
    }

    pub(super) fn longest(&self) -> usize {
        self.pieces.iter().map(Vec::len).max().unwrap()
    }

    /// The names of what is in some memory.
    pub(super) fn find<'a>(&'a self, memory: &'a [u8]) -> impl Iterator<Item = &'a str> {
        let found = self.automaton.as_ref().unwrap().find_overlapping_iter(memory);
        found.map(|found| self.names[found.pattern().as_usize()].as_str())
    }

    /// A scalar as octets and as the words of a little-endian machine; of Ed25519 also what it is expanded to.
    fn key(&mut self, name: &str, key: &SecretKey) {
        self.both(&format!("{name} (scalar)"), key.dangerous_bytes());
        if !BROKEN.contains(&name) {
            self.held.push(format!("{name} (scalar)"));
        }
        if key.curve() == Curve::Ed25519 {
            let expanded = Sha512::digest(key.dangerous_bytes());
            self.both(&format!("{name} (expanded, scalar)"), &expanded[1..31]);
            self.both(&format!("{name} (expanded, prefix)"), &expanded[32..]);
        }
        if name.contains('.') {
            return;
        }
        self.text(&format!("{name}.pem"), key, secret_to_pem(key).as_bytes());
    }

    /// The part of a text that has the scalar in it.
    fn text(&mut self, name: &str, key: &SecretKey, content: &[u8]) {
        let Ok(text) = core::str::from_utf8(content) else {
            return;
        };
        let scalar = key.dangerous_bytes();
        let what = format!("{name} (text)");
        if text.starts_with('{') {
            self.plain(&what, Base64UrlUnpadded::encode_string(scalar).as_bytes());
        } else {
            let intact = secret_to_pem(key).to_string();
            let text = if name == "sec1.pem" { text } else { &intact };
            let packed: String = text.lines().filter(|line| !line.starts_with('-')).collect();
            let der = Base64::decode_vec(&packed).unwrap();
            let at = der
                .windows(scalar.len())
                .position(|window| window == scalar)
                .unwrap();
            let inside = &packed[(at * 4).div_ceil(3)..(at + scalar.len()) * 4 / 3];
            self.plain(&what, inside.as_bytes());
            // Files have lines of 64 characters.
            for line in text.lines().filter(|line| inside.contains(line)) {
                self.plain(&what, line.as_bytes());
            }
        }
        self.held.push(what);
    }

    fn both(&mut self, name: &str, secret: &[u8]) {
        self.plain(name, secret);
        let reversed: Vec<u8> = secret.iter().rev().copied().collect();
        self.plain(&format!("{name}, last octet first"), &reversed);
        let digits: String = secret.iter().map(|octet| format!("{octet:02x}")).collect();
        self.plain(&format!("{name}, as digits"), digits.as_bytes());
    }

    fn plain(&mut self, name: &str, secret: &[u8]) {
        assert!(secret.len() >= PIECE, "{name} is too short to be looked for");
        for piece in secret.windows(PIECE).step_by(4) {
            self.names.push(name.to_owned());
            self.pieces.push(piece.to_vec());
        }
    }
}

/// A private JWK, perhaps with the public half of another.
fn jwk(secret: &SecretKey, public: &PublicKey) -> String {
    let d = Base64UrlUnpadded::encode_string(secret.dangerous_bytes());
    public_to_jwk(public).replace("\"crv\"", &format!("\"kid\":\"a\\u002d\",\"d\":\"{d}\",\"crv\""))
}
