//! Private keys in files, and where keys in tokens are.

use std::hint::black_box;

use mdoc_core::crypto::SecretKey;
use mdoc_core::keys;
use mdoc_pkcs11::Uri;

/// A file with a private or a public key of whatever form. A key that is read is written and read to itself.
pub fn private_key(input: &[u8]) {
    match keys::secret_from_file(input) {
        Err(error) => assert!(!error.to_string().is_empty()),
        Ok(key) => {
            let pem = keys::secret_to_pem(&key);
            same(&keys::secret_from_pem(&pem).unwrap(), &key);
            let public = keys::public_to_pem(key.public_key());
            assert_eq!(keys::public_from_pem(&public).as_ref(), Ok(key.public_key()));
        }
    }
    match keys::public_from_file(input) {
        Err(error) => assert!(!error.to_string().is_empty()),
        Ok(key) => {
            let jwk = keys::public_to_jwk(&key);
            assert_eq!(keys::public_from_jwk(&jwk).as_ref(), Ok(&key));
            assert_eq!(
                keys::public_from_file(keys::public_to_pem(&key).as_bytes()),
                Ok(key)
            );
        }
    }
}

fn same(a: &SecretKey, b: &SecretKey) {
    assert!(a.curve() == b.curve() && a.dangerous_bytes() == b.dangerous_bytes());
}

/// A private key under a passphrase.
///
/// What a file may ask for takes seconds by intention, so files are passed over that ask for more than some
/// milliseconds: whether those limits are kept is for the tests of the reader.
pub fn encrypted_key(input: &[u8]) {
    if cheap(input) {
        match keys::secret_from_encrypted(input, b"fuzz") {
            Err(error) => assert!(!error.to_string().is_empty()),
            Ok(key) => same(&keys::secret_from_pem(&keys::secret_to_pem(&key)).unwrap(), &key),
        }
    }
    black_box(keys::secret_from_file(input).is_ok());
}

/// Whether no INTEGER of a DER file is larger than 2^9, nor any three of them together larger than 2^12: none but the
/// rounds and the costs are.
fn cheap(input: &[u8]) -> bool {
    // PEM hides its numbers; there is a target for PEM.
    if input.first() != Some(&0x30) {
        return true;
    }
    let mut product: u64 = 1;
    for at in 0..input.len().saturating_sub(2) {
        if input[at] != 2 {
            continue;
        }
        let len = usize::from(input[at + 1]);
        let Some(number) = input.get(at + 2..at + 2 + len).filter(|_| (1..=8).contains(&len)) else {
            continue;
        };
        let number = number
            .iter()
            .fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
        product = product.saturating_mul(number.max(1));
        if number > 512 {
            return false;
        }
    }
    product <= 4096
}

/// A `pkcs11:` URI. What is read is written and read to itself, but for the PIN, which is never shown.
pub fn pkcs11_uri(input: &[u8]) {
    let Ok(text) = core::str::from_utf8(input) else {
        return;
    };
    match text.parse::<Uri>() {
        Err(error) => assert!(!error.to_string().is_empty()),
        Ok(mut uri) => {
            let written = uri.to_string();
            let shown = format!("{uri:?}");
            uri.pin_value = None;
            assert!(shown == format!("{uri:?}"), "a PIN is shown");
            uri.pin_source = None;
            uri.unknown.clear();
            assert!(written.parse::<Uri>().unwrap() == uri, "{written}");
            black_box(uri.without_object());
        }
    }
}
