use std::fs;

use mdoc_core::crypto::Curve;

use super::*;
use crate::scratch::Folder;
use crate::system;

fn key() -> SecretKey {
    SecretKey::generate(Curve::P256, &mut system::random().unwrap())
}

const ROOT: &str = include_str!("../../../tests/vectors/certs/us-production-iaca/US-AZ-MDL-CA.pem");

#[test]
fn public_keys_in_every_form() {
    let folder = Folder::new("keys-public");
    let key = key();
    let public = key.public_key();
    let cose = cose::key::encode(public);
    let hex = cose
        .iter()
        .fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
    for path in [
        folder.with("a.pem", keys::public_to_pem(public), false),
        folder.with("a.jwk", keys::public_to_jwk(public), false),
        folder.with("a.cbor", &cose, false),
        folder.with("a.hex", hex, false),
        folder.with("b.cbor", mdoc_core::cbor::embed(&cose), false),
    ] {
        assert_eq!(&public_key(&path).unwrap(), public, "{}", path.display());
    }
    assert!(public_key(&folder.with("root.pem", ROOT, false)).is_ok());
    let failure =
        public_key(&folder.with("s.key.pem", keys::secret_to_pem(&key).as_bytes(), true)).unwrap_err();
    assert!(
        failure
            .message
            .ends_with("is a private key, a public key is expected")
    );
    let failure = public_key(&folder.with("t.cbor", [0x83, 0xf6, 0xf6, 0xf6], false)).unwrap_err();
    assert!(failure.message.contains("SessionTranscript"), "{failure}");
}

#[cfg(unix)]
#[test]
fn a_private_key_that_others_can_read_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = Folder::new("keys-private");
    let key = key();
    let path = folder.with("ds.key.pem", keys::secret_to_pem(&key).as_bytes(), true);
    assert_eq!(secret_key(&path).unwrap().public_key(), key.public_key());
    for mode in [0o640, 0o604, 0o644, 0o620] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let failure = secret_key(&path).unwrap_err();
        assert!(failure.message.contains(&format!("{mode:04o}")), "{failure}");
        assert!(failure.hint.unwrap().contains("chmod 600"));
    }
}

#[test]
fn a_certificate_is_no_private_key() {
    let folder = Folder::new("keys-none");
    let failure = secret_key(&folder.with("ds.pem", ROOT, true)).unwrap_err();
    assert!(
        failure
            .message
            .ends_with("ds.pem is a certificate, a private key is expected"),
        "{failure}"
    );
    assert!(failure.hint.unwrap().contains("ds.key.pem"));
}
