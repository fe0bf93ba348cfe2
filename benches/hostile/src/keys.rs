//! Files of keys.

use mdoc_core::keys;

use crate::SIZE;
use crate::cbor::Decode;
use crate::measure::Case;

/// All of it.
pub(crate) fn cases(run: &mut dyn FnMut(Case<'_>)) {
    let secret = |bytes: &[u8]| {
        keys::secret_from_file(bytes)
            .map(|_| String::new())
            .map_err(|error| error.to_string())
    };
    let public = |bytes: &[u8]| {
        keys::public_from_file(bytes)
            .map(|_| String::new())
            .map_err(|error| error.to_string())
    };
    let sealed = |bytes: &[u8]| {
        keys::secret_from_encrypted(bytes, b"passphrase")
            .map(|_| String::new())
            .map_err(|error| error.to_string())
    };
    let text = |bytes: &[u8]| {
        let text = core::str::from_utf8(bytes).map_err(|error| error.to_string())?;
        match keys::secret_from_pem(text).or_else(|_| keys::secret_from_jwk(text)) {
            Ok(_) => Ok(String::new()),
            Err(error) => keys::public_from_pem(text)
                .map(|_| String::new())
                .map_err(|_| error.to_string()),
        }
    };
    let decoders: [(&str, &Decode<'_>); 4] = [
        ("keys::secret_from_file", &secret),
        ("keys::public_from_file", &public),
        ("keys::secret_from_encrypted", &sealed),
        ("keys, from text that is at hand", &text),
    ];
    for (decoder, decode) in decoders {
        for (input, bytes) in [
            (
                "a PEM block of 10 MB",
                format!(
                    "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
                    "M".repeat(SIZE)
                ),
            ),
            (
                "an encrypted PEM block of 10 MB",
                format!(
                    "-----BEGIN ENCRYPTED PRIVATE KEY-----\n{}\n-----END ENCRYPTED PRIVATE KEY-----\n",
                    "M".repeat(SIZE)
                ),
            ),
            (
                "beginnings without an end",
                "-----BEGIN PRIVATE KEY-----\n".repeat(SIZE / 28),
            ),
            (
                "a million empty blocks of another kind",
                "-----BEGIN EC PARAMETERS-----\n-----END EC PARAMETERS-----\n".repeat(SIZE / 58),
            ),
            (
                "a JWK with a member of 10 MB",
                format!(
                    "{{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"{}\"}}",
                    "A".repeat(SIZE)
                ),
            ),
            (
                "a JWK with a million members",
                format!("{{\"kty\":\"EC\"{}}}", ",\"a\":0".repeat(SIZE / 6)),
            ),
            (
                "a JWK of arrays in arrays",
                format!("{{\"kty\":{}", "[".repeat(SIZE)),
            ),
            ("DER of 10 MB", "0\u{1}".repeat(SIZE / 2)),
        ] {
            run(Case::new(decoder, input, bytes.as_bytes(), decode));
        }
    }
}
