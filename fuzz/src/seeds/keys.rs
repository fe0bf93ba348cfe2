//! Of keys and their addresses.

use mdoc_core::crypto::{Curve, SecretKey};
use mdoc_core::keys::{self, Kdf};

use super::kept;
use crate::fixtures::{files, world};

pub(crate) fn private_key() -> Vec<Vec<u8>> {
    let mut all = files("keys", &[".pem"]);
    all.extend(files("annex-d", &[".jwk.json"]));
    for curve in Curve::ALL {
        let key = SecretKey::generate(curve, &mut world().rng("file"));
        let pem = keys::secret_to_pem(&key).to_string();
        let body: String = pem.lines().filter(|line| !line.starts_with("--")).collect();
        all.push(<base64ct::Base64 as base64ct::Encoding>::decode_vec(&body).unwrap());
        all.push(keys::public_to_jwk(key.public_key()).into_bytes());
    }
    all
}

pub(crate) fn encrypted_key() -> Vec<Vec<u8>> {
    // Those that cost nothing to open are in the kept corpus.
    let mut all = kept("encrypted_key");
    for kdf in [Kdf::Scrypt, Kdf::Pbkdf2] {
        let key = world().key("file", Curve::P256);
        let pem = keys::secret_to_encrypted_pem(key.secret(), b"fuzz", kdf, &mut world().rng("kdf")).unwrap();
        let body: String = pem.lines().filter(|line| !line.starts_with("--")).collect();
        all.push(<base64ct::Base64 as base64ct::Encoding>::decode_vec(&body).unwrap());
    }
    all
}

pub(crate) fn pkcs11_uri() -> Vec<Vec<u8>> {
    [
        "pkcs11:token=My%20Token;object=ds;type=private;id=%01%a2?module-path=/usr/lib/m.so&pin-source=file:/pin",
        "pkcs11:slot-id=7;library-version=2.40;serial=1?module-name=softhsm2&pin-value=123456",
        "PKCS11:manufacturer=a;model=b;slot-description=c;slot-manufacturer=d;library-description=e;x-v=1",
        "pkcs11:?",
    ]
    .map(|text| text.as_bytes().to_vec())
    .into()
}
