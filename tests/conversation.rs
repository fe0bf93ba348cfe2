//! A session as somebody has captured it: for the folder on which the programs are tried.

#![allow(
    clippy::unwrap_used,
    reason = "support for tests: where something is not as it should be, the test is to stop"
)]

use mdoc_core::ble::frame::{Fragments, Room};
use mdoc_core::crypto::{Backend as _, PublicKey, RustCrypto, SecretKey};
use mdoc_core::session::{SessionData, SessionEstablishment, Status};
use mdoc_core::transcript::SessionTranscript;
use mdoc_core::{cbor, cose};

/// The messages, each as a file, as lines, and in fragments; the keys derived as the standard says, beside the code that
/// is under test. `reader` is the reader's key, `mdoc` the other side's.
pub(crate) fn files(
    reader: &SecretKey,
    mdoc: &PublicKey,
    transcript: &SessionTranscript,
    (request, response): (&[u8], &[u8]),
) -> Vec<(&'static str, Vec<u8>)> {
    let shared = RustCrypto.agree(reader, mdoc).unwrap();
    let salt = transcript.salt(&RustCrypto);
    let seal = |info: &[u8], identifier, message: &[u8]| {
        let key = RustCrypto.hkdf_sha256(&shared, salt.as_ref(), info);
        RustCrypto.seal(&key, &[0, 0, 0, 0, 0, 0, 0, identifier, 0, 0, 0, 1], message)
    };
    let hello = cbor::embed(&cose::key::encode(reader.public_key()));
    let asked = SessionEstablishment::encode(&hello, &seal(b"SKReader", 0, request));
    let data = Some(seal(b"SKDevice", 1, response).into());
    let answered = SessionData { data, status: None }.encode();
    let ended = SessionData::status(Status::Termination).encode();

    let hex = |bytes: &[u8]| base16ct::lower::encode_string(bytes);
    let lines = format!(
        "# asked, answered, ended\nreader {}\nmdoc {}\nreader {}\n",
        hex(&asked),
        hex(&answered),
        hex(&ended)
    );
    let values = |message: &[u8], to: &str| -> Vec<String> {
        let fragments = Fragments::new(message.to_vec(), Room::of_mtu(512));
        fragments.map(|value| format!("{to} {}\n", hex(&value))).collect()
    };
    let mut link = vec!["reader state 01\n".to_owned()];
    link.extend(values(&asked, "reader client2server"));
    let answer = values(&answered, "mdoc server2client");
    let mut cut = link.clone();
    cut.extend(answer.iter().take(answer.len() - 1).cloned());
    link.extend(answer);
    for link in [&mut link, &mut cut] {
        link.push("reader state 02\n".to_owned());
    }
    let key = hex(RustCrypto
        .hkdf_sha256(&shared, salt.as_ref(), b"SKDevice")
        .as_slice());
    vec![
        ("session/establishment.cbor", asked),
        ("session/data.cbor", answered),
        ("session/termination.cbor", ended),
        ("session/lines.txt", lines.into_bytes()),
        ("session/link.txt", link.concat().into_bytes()),
        ("session/link-cut.txt", cut.concat().into_bytes()),
        ("session/skdevice.hex", key.into_bytes()),
    ]
}
