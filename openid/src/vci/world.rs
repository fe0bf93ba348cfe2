//! Keys, times and certificates of the tests.

use core::time::Duration;

use mdoc_core::crypto::{Curve, SecretKey, SignatureAlgorithm};
use mdoc_core::seams::{Signer as _, SoftwareKey};
use mdoc_core::time::Timestamp;
use mdoc_core::x509::Certificate;
use mdoc_core::x509::build::{OtherCa, StatusListSigner, Validity};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use serde_json::{Map, Value};

use super::Window;
use crate::jose::json;
use crate::jose::trust::Trust;

pub(crate) const ISSUER: &str = "https://id.example.org/t/dmv";
pub(crate) const ES256: &[SignatureAlgorithm] = &[SignatureAlgorithm::Es256];

pub(crate) fn now() -> Timestamp {
    Timestamp::parse("2026-06-01T12:00:00Z").unwrap()
}

pub(crate) fn window() -> Window {
    Window::at(now())
}

pub(crate) fn ago(seconds: u64) -> Timestamp {
    now().minus(Duration::from_secs(seconds))
}

pub(crate) fn ahead(seconds: u64) -> Timestamp {
    now().plus(Duration::from_secs(seconds))
}

pub(crate) fn rng(seed: u8) -> ChaCha20Rng {
    ChaCha20Rng::from_seed([seed; 32])
}

pub(crate) fn key(seed: u8) -> SoftwareKey {
    SoftwareKey::new(SecretKey::generate(Curve::P256, &mut rng(seed))).unwrap()
}

/// A JWT whose header and claims are those of another with some members changed; null takes one away.
pub(crate) fn changed(token: &str, header: Value, claims: Value, signer: &SoftwareKey) -> String {
    let mut parts = token.split('.').map(|part| {
        let bytes = crate::jose::from_base64url(part).unwrap();
        json::object(&bytes).unwrap_or_default()
    });
    let edit = |mut members: Map<String, Value>, edits: Value| {
        for (name, value) in edits.as_object().cloned().unwrap_or_default() {
            if value.is_null() {
                members.remove(&name);
            } else {
                members.insert(name, value);
            }
        }
        serde_json::to_vec(&members).unwrap()
    };
    let header = edit(parts.next().unwrap(), header);
    let claims = edit(parts.next().unwrap(), claims);
    let signed = mdoc_core::jws::to_be_signed(&header, &claims);
    let signature = signer.sign(signed.as_bytes()).unwrap();
    format!("{signed}.{}", crate::jose::base64url(&signature))
}

/// Who says what wallets are: known by name and by an authority's certificate.
pub(crate) struct Provider {
    pub(crate) key: SoftwareKey,
    pub(crate) root: Certificate,
    pub(crate) leaf: Certificate,
    pub(crate) trust: Trust,
}

pub(crate) fn provider() -> Provider {
    let (root_key, key) = (key(100), key(101));
    let validity = |days: u64| Validity {
        from: ago(86_400),
        until: ahead(86_400 * days),
    };
    let root = OtherCa {
        country: None,
        common_name: "Providers".to_owned(),
        organization: None,
        validity: validity(1000),
    };
    let root = root.build(&root_key, &mut rng(102)).unwrap();
    let leaf = StatusListSigner {
        country: None,
        common_name: "Wallets".to_owned(),
        organization: None,
        validity: validity(400),
        crl_uri: None,
    };
    let leaf = leaf
        .build(key.public_key(), &root, &root_key, &mut rng(103))
        .unwrap();
    let trust = Trust {
        anchors: vec![root.clone()],
        keys: vec![("provider-1".to_owned(), key.public_key().clone())],
    };
    Provider {
        key,
        root,
        leaf,
        trust,
    }
}
