//! Private keys under a passphrase: PKCS#8 with PBES2, read within bounds and written.

use pkcs5::der::{Decode as _, Encode as _};
use pkcs5::pbes2::{EncryptionScheme as Cipher, Kdf as Derivation, Parameters, Pbkdf2Prf};
use pkcs5::{EncryptionScheme, scrypt};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::{Form, KeyError, form, secret_from_pkcs8, secret_to_pkcs8};
use crate::crypto::SecretKey;
use crate::scrub::scrubbed;
use crate::x509::{OCTET_STRING, Reader, SEQUENCE, encode_pem, pem_blocks, tlv};

/// The most rounds of PBKDF2 that a file may ask for: some seconds. OpenSSL writes 2 048, OWASP advises 600 000.
const MOST_ROUNDS: u32 = 10_000_000;
/// The most memory that scrypt may ask for, 128·N·r octets: 128 MiB.
const MOST_MEMORY: u64 = 128 << 20;
/// The most work that scrypt may ask for, N·r·p: 32 times what OpenSSL writes.
const MOST_WORK: u64 = 1 << 22;

/// Rounds of PBKDF2 with HMAC-SHA-256 in what is written (OWASP's advice of 2023).
const ROUNDS: u32 = 600_000;
/// scrypt in what is written: N = 2¹⁴, r = 8, p = 5, as hard as N = 2¹⁷ with p = 1 by OWASP's table. OpenSSL
/// does not open files that need more than 32 MiB, which leaves no larger N.
const SCRYPT: (u8, u32, u32) = (14, 8, 5);

/// How the key of the encryption is derived from the passphrase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Kdf {
    /// scrypt (RFC 7914) with N = 2¹⁴, r = 8, p = 5.
    #[default]
    Scrypt,
    /// PBKDF2 (RFC 8018) with 600 000 rounds of HMAC-SHA-256, for readers without scrypt.
    Pbkdf2,
}

/// Reads an `EncryptedPrivateKeyInfo` (RFC 5958, 3), PEM or DER, with its passphrase.
///
/// PBES2 with PBKDF2 over SHA-2 or with scrypt, and AES in CBC mode. What a file asks for in time and memory is
/// looked at before anything is computed.
///
/// # Errors
/// [`KeyError::Passphrase`] for a wrong one, otherwise what is wrong with the file.
pub fn secret_from_encrypted(file: &[u8], passphrase: &[u8]) -> Result<SecretKey, KeyError> {
    scrubbed(|| match form(file)? {
        Form::Pem(text) => {
            let block = pem_blocks(text)
                .find(|block| block.label == "ENCRYPTED PRIVATE KEY")
                .ok_or(KeyError::Unrecognised)?;
            open(&block.decode().ok_or(KeyError::Base64)?, passphrase)
        }
        Form::Der(der) => open(der, passphrase),
        Form::Jwk(_) => Err(KeyError::Unrecognised),
    })
}

/// Writes a private key as `ENCRYPTED PRIVATE KEY`: AES-256 in CBC mode under a key derived by `kdf`.
///
/// # Errors
/// [`KeyError::Encryption`] if the encryption is not to be had, which does not happen.
pub fn secret_to_encrypted_pem(
    key: &SecretKey,
    passphrase: &[u8],
    kdf: Kdf,
    rng: &mut dyn CryptoRng,
) -> Result<String, KeyError> {
    let (mut salt, mut iv) = ([0; 16], [0; 16]);
    rng.fill_bytes(&mut salt);
    rng.fill_bytes(&mut iv);
    let failed = |_| KeyError::Encryption("PBES2".to_owned());
    let (log_n, r, p) = SCRYPT;
    let parameters = match kdf {
        Kdf::Scrypt => scrypt::Params::new(log_n, r, p)
            .map_err(|_| KeyError::EncryptionCost)
            .and_then(|cost| Parameters::generate_scrypt_aes256cbc(cost, &salt, iv).map_err(failed))?,
        Kdf::Pbkdf2 => Parameters::generate_pbkdf2_sha256_aes256cbc(ROUNDS, &salt, iv).map_err(failed)?,
    };
    let sealed = scrubbed(|| parameters.encrypt(passphrase, &secret_to_pkcs8(key))).map_err(failed)?;
    let algorithm = EncryptionScheme::Pbes2(parameters)
        .to_der()
        .map_err(|_| KeyError::Encryption("PBES2".to_owned()))?;
    let whole = tlv(SEQUENCE, &[&algorithm, &tlv(OCTET_STRING, &[&sealed])]);
    Ok(encode_pem("ENCRYPTED PRIVATE KEY", &whole).to_string())
}

fn open(der: &[u8], passphrase: &[u8]) -> Result<SecretKey, KeyError> {
    const WHAT: &str = "encrypted private key";
    let mut parts = Reader::only(der, SEQUENCE, WHAT)?.inside();
    let algorithm = parts.one(SEQUENCE, WHAT)?;
    let sealed = parts.one(OCTET_STRING, WHAT)?.value;
    parts.end(WHAT)?;
    let algorithm = tlv(SEQUENCE, &[algorithm.value]);
    let parameters = match EncryptionScheme::from_der(&algorithm) {
        Ok(EncryptionScheme::Pbes2(parameters)) => parameters,
        Ok(EncryptionScheme::Pbes1(_)) => return Err(KeyError::Encryption("PBES1".to_owned())),
        _ => return Err(KeyError::Encryption("an unknown method".to_owned())),
    };
    affordable(&parameters)?;
    let mut plain = Zeroizing::new(sealed.to_vec());
    let opened = parameters
        .decrypt_in_place(passphrase, &mut plain)
        .map_err(|error| match error {
            pkcs5::Error::UnsupportedAlgorithm { oid } => KeyError::Encryption(oid.to_string()),
            pkcs5::Error::AlgorithmParametersInvalid { .. } => KeyError::EncryptionCost,
            _ => KeyError::Passphrase,
        })?;
    match secret_from_pkcs8(opened) {
        // One wrong passphrase in 256 gives something that ends like a message.
        Err(KeyError::Structure(_)) => Err(KeyError::Passphrase),
        other => other,
    }
}

/// Looks at what a file asks for: it comes from anybody, and its numbers are computed with.
fn affordable(parameters: &Parameters) -> Result<(), KeyError> {
    match parameters.encryption {
        Cipher::Aes128Cbc { .. } | Cipher::Aes192Cbc { .. } | Cipher::Aes256Cbc { .. } => {}
        other => return Err(KeyError::Encryption(other.oid().to_string())),
    }
    match &parameters.kdf {
        Derivation::Pbkdf2(asked) => {
            if asked.prf == Pbkdf2Prf::HmacWithSha1 {
                return Err(KeyError::Encryption("PBKDF2 with SHA-1".to_owned()));
            }
            if (1..=MOST_ROUNDS).contains(&asked.iteration_count) {
                return Ok(());
            }
        }
        Derivation::Scrypt(asked) => {
            let (n, r) = (asked.cost_parameter, u64::from(asked.block_size));
            let p = u64::from(asked.parallelization);
            let blocks = n.checked_mul(r);
            let memory = blocks.and_then(|blocks| blocks.checked_mul(128));
            let work = blocks.and_then(|blocks| blocks.checked_mul(p));
            let possible = n >= 2 && n.is_power_of_two() && r > 0 && p > 0;
            if possible
                && memory.is_some_and(|memory| memory <= MOST_MEMORY)
                && work.is_some_and(|work| work <= MOST_WORK)
            {
                return Ok(());
            }
        }
        other => return Err(KeyError::Encryption(other.oid().to_string())),
    }
    Err(KeyError::EncryptionCost)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::process::{Command, Stdio};

    use pkcs5::pbes2::{Pbkdf2Params, ScryptParams};
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    use super::*;
    use crate::crypto::Curve;
    use crate::keys::{secret_from_file, secret_to_pem};

    const PASSPHRASE: &[u8] = "correct horse b\u{e4}ttery".as_bytes();

    fn key(curve: Curve) -> SecretKey {
        SecretKey::generate(curve, &mut ChaCha20Rng::from_seed([8; 32]))
    }

    /// `EncryptedPrivateKeyInfo` with any parameters over something.
    fn file(parameters: Parameters) -> Vec<u8> {
        let algorithm = EncryptionScheme::Pbes2(parameters).to_der().unwrap();
        tlv(SEQUENCE, &[&algorithm, &tlv(OCTET_STRING, &[&[7; 64]])])
    }

    /// Runs openssl with an input and gives its output; none where there is no openssl.
    fn openssl(arguments: &[&str], input: &[u8]) -> Option<Vec<u8>> {
        let mut command = Command::new("openssl");
        command
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        command.stderr(Stdio::piped());
        let Ok(mut child) = command.spawn() else {
            eprintln!("openssl is not installed: its reading and writing of passphrases was NOT tried");
            return None;
        };
        child.stdin.take().unwrap().write_all(input).unwrap();
        let output = child.wait_with_output().unwrap();
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{arguments:?}: {words}");
        Some(output.stdout)
    }

    #[test]
    fn what_is_written_under_a_passphrase_is_opened_by_it_alone() {
        let mut rng = ChaCha20Rng::from_seed([9; 32]);
        for (curve, kdf) in [
            (Curve::P256, Kdf::Scrypt),
            (Curve::P384, Kdf::Pbkdf2),
            (Curve::Ed25519, Kdf::Scrypt),
        ] {
            let key = key(curve);
            let pem = secret_to_encrypted_pem(&key, PASSPHRASE, kdf, &mut rng).unwrap();
            assert_eq!(secret_from_file(pem.as_bytes()).unwrap_err(), KeyError::Encrypted);
            let read = secret_from_encrypted(pem.as_bytes(), PASSPHRASE).unwrap();
            assert_eq!(read.dangerous_bytes(), key.dangerous_bytes());
            let der = pem_blocks(&pem).next().unwrap().decode().unwrap();
            assert!(secret_from_encrypted(&der, PASSPHRASE).is_ok());
            for wrong in [&b""[..], b"correct horse", b"Correct horse battery"] {
                let refused = secret_from_encrypted(pem.as_bytes(), wrong).unwrap_err();
                assert_eq!(refused, KeyError::Passphrase);
            }
            let again = secret_to_encrypted_pem(&key, PASSPHRASE, kdf, &mut rng).unwrap();
            assert_ne!(pem, again, "salt and initial vector are new each time");
        }
    }

    #[test]
    fn openssl_opens_what_is_written() {
        let mut rng = ChaCha20Rng::from_seed([10; 32]);
        let pass = format!("pass:{}", String::from_utf8_lossy(PASSPHRASE));
        for curve in [Curve::P256, Curve::P521, Curve::Ed25519] {
            for kdf in [Kdf::Scrypt, Kdf::Pbkdf2] {
                let key = key(curve);
                let pem = secret_to_encrypted_pem(&key, PASSPHRASE, kdf, &mut rng).unwrap();
                let Some(plain) = openssl(&["pkey", "-passin", &pass], pem.as_bytes()) else {
                    return;
                };
                assert_eq!(plain, secret_to_pem(&key).as_bytes(), "{curve} {kdf:?}");
            }
        }
    }

    #[test]
    fn what_openssl_writes_is_opened() {
        let pass = format!("pass:{}", String::from_utf8_lossy(PASSPHRASE));
        let key = key(Curve::P256);
        for how in [
            &["-v2", "aes-256-cbc"][..],
            &["-v2", "aes-128-cbc", "-v2prf", "hmacWithSHA512"],
            &["-v2", "aes-256-cbc", "-iter", "600000"],
            &["-scrypt"],
            &[
                "-scrypt",
                "-scrypt_N",
                "16384",
                "-scrypt_r",
                "8",
                "-scrypt_p",
                "2",
            ],
            &["-scrypt", "-outform", "DER"],
        ] {
            let arguments = [&["pkcs8", "-topk8", "-passout", &pass], how].concat();
            let Some(made) = openssl(&arguments, secret_to_pem(&key).as_bytes()) else {
                return;
            };
            let read = secret_from_encrypted(&made, PASSPHRASE).unwrap();
            assert_eq!(read.dangerous_bytes(), key.dangerous_bytes(), "{how:?}");
        }
        // What protects nothing is not opened, and said by its name.
        for (how, what) in [
            (
                &["-v2", "aes-256-cbc", "-v2prf", "hmacWithSHA1"][..],
                "PBKDF2 with SHA-1",
            ),
            (&["-v2", "des3"], "an unknown method"),
        ] {
            let arguments = [&["pkcs8", "-topk8", "-passout", &pass], how].concat();
            let made = openssl(&arguments, secret_to_pem(&key).as_bytes()).unwrap();
            let refused = secret_from_encrypted(&made, PASSPHRASE).unwrap_err();
            assert_eq!(refused, KeyError::Encryption(what.to_owned()), "{how:?}");
        }
    }

    #[test]
    fn a_file_that_asks_for_too_much_is_refused_at_once() {
        let cipher = Cipher::Aes256Cbc { iv: [0; 16] };
        let rounds = |iteration_count| Parameters {
            kdf: Derivation::Pbkdf2(Pbkdf2Params {
                salt: pkcs5::pbes2::Salt::new([1; 8]).unwrap(),
                iteration_count,
                key_length: None,
                prf: Pbkdf2Prf::HmacWithSha256,
            }),
            encryption: cipher,
        };
        let memory = |cost_parameter, block_size, parallelization| Parameters {
            kdf: Derivation::Scrypt(ScryptParams {
                salt: pkcs5::pbes2::Salt::new([1; 8]).unwrap(),
                cost_parameter,
                block_size,
                parallelization,
                key_length: None,
            }),
            encryption: cipher,
        };
        for hostile in [
            rounds(0),
            rounds(MOST_ROUNDS + 1),
            rounds(u32::MAX),
            memory(0, 8, 1),
            memory(1, 8, 1),
            memory(3, 8, 1),
            memory(1 << 14, 0, 1),
            memory(1 << 14, 8, 0),
            memory(1 << 18, 8, 1),
            memory(1 << 63, 8, 1),
            memory(1 << 63, u16::MAX, u16::MAX),
            memory(1 << 14, 8, u16::MAX),
            memory(2, u16::MAX, u16::MAX),
        ] {
            let refused = affordable(&hostile).unwrap_err();
            assert_eq!(refused, KeyError::EncryptionCost, "{hostile:?}");
            // What the encoding already rules out comes back as an unknown method; none is computed.
            let refused = secret_from_encrypted(&file(hostile.clone()), PASSPHRASE).unwrap_err();
            assert!(
                matches!(refused, KeyError::EncryptionCost | KeyError::Encryption(_)),
                "{hostile:?}: {refused:?}"
            );
        }
        for honest in [
            rounds(2048),
            rounds(600_000),
            memory(1 << 17, 8, 1),
            memory(1 << 14, 8, 5),
        ] {
            assert_eq!(affordable(&honest), Ok(()), "{honest:?}");
        }
    }

    #[test]
    fn a_changed_file_is_refused() {
        let mut rng = ChaCha20Rng::from_seed([11; 32]);
        let key = key(Curve::P256);
        let pem = secret_to_encrypted_pem(&key, PASSPHRASE, Kdf::Scrypt, &mut rng).unwrap();
        let der = pem_blocks(&pem).next().unwrap().decode().unwrap();
        // The head and the end of the ciphertext; each needs the derivation, which takes its time.
        for place in [0, 1, 4, 20, der.len() - 1, der.len() - 17] {
            let mut changed = der.to_vec();
            changed[place] ^= 1;
            let read = secret_from_encrypted(&changed, PASSPHRASE);
            assert!(
                read.as_ref()
                    .map_or(true, |read| read.public_key() != key.public_key()),
                "octet {place}"
            );
        }
        assert!(secret_from_encrypted(&der[..der.len() - 1], PASSPHRASE).is_err());
    }

    proptest::proptest! {
        #[test]
        fn no_file_stops_the_program(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
            let _ = secret_from_encrypted(&tlv(SEQUENCE, &[&bytes]), b"x");
        }
    }
}
