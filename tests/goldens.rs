//! Known answers that nobody in this project computed: Annex D, the facts' own, OpenID4VP, real requests.

mod annex_d;
mod facts;
mod openid4vp;
mod requests;

use std::path::PathBuf;

use integration::vectors;
use mdoc_core::crypto::{PublicKey, SecretKey};
use mdoc_core::keys;
use mdoc_core::limits::Limits;
use mdoc_core::seams::{Signer, SignerError, SoftwareKey};
use mdoc_core::transcript::SessionTranscript;
use serde_json::Value as Json;

fn path(name: &str) -> PathBuf {
    vectors::folder().join(name)
}

fn file(name: &str) -> Vec<u8> {
    std::fs::read(path(name)).unwrap_or_else(|why| panic!("{name}: {why}"))
}

fn json(name: &str) -> Json {
    serde_json::from_slice(&file(name)).unwrap()
}

fn secret(name: &str) -> SecretKey {
    keys::secret_from_file(&file(name)).unwrap()
}

fn transcript(name: &str) -> SessionTranscript {
    SessionTranscript::decode(&file(name), &Limits::DEFAULT).unwrap()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    let digits = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
    (0..text.len()).step_by(2).map(digits).collect()
}

/// A keeper of a key that has made one signature, long ago, and makes that one again.
struct Recorded {
    key: SoftwareKey,
    to_sign: Vec<u8>,
    signature: Vec<u8>,
}

impl Signer for Recorded {
    fn public_key(&self) -> &PublicKey {
        self.key.public_key()
    }

    fn sign(&self, to_sign: &[u8]) -> Result<Vec<u8>, SignerError> {
        assert_eq!(hex(to_sign), hex(&self.to_sign));
        Ok(self.signature.clone())
    }
}
