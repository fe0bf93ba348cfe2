//! A session between a wallet and a reader, of the library's own types, with ephemeral keys that are known beforehand.

use std::convert::Infallible;
use std::fs;
use std::path::Path;

use mdoc_core::cbor::embed;
use mdoc_core::cose::key::encode;
use mdoc_core::crypto::{Backend, Curve, RustCrypto, SecretKey};
use mdoc_core::engagement::{BleOptions, DeviceEngagement};
use mdoc_core::limits::Limits;
use mdoc_core::session::{DeviceSession, ReaderSession, Received};
use mdoc_core::transcript::SessionTranscript;
use rand_core::{TryCryptoRng, TryRng};
use zeroize::Zeroizing;

/// The files with what the two sides draw.
pub(super) const DRAWN: [&str; 2] = ["device.drawn", "reader.drawn"];

/// Randomness out of a file. It is masked there, so that nothing that is drawn lies in memory but where it was drawn to.
struct Drawn {
    masked: Vec<u8>,
    next: usize,
}

impl Drawn {
    fn read(folder: &Path, name: &str) -> Self {
        let masked = fs::read(folder.join(name)).unwrap();
        Self { masked, next: 0 }
    }
}

impl TryRng for Drawn {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut drawn = [0; 4];
        self.try_fill_bytes(&mut drawn)?;
        Ok(u32::from_le_bytes(drawn))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut drawn = [0; 8];
        self.try_fill_bytes(&mut drawn)?;
        Ok(u64::from_le_bytes(drawn))
    }

    fn try_fill_bytes(&mut self, room: &mut [u8]) -> Result<(), Infallible> {
        for octet in room {
            *octet = self.masked[self.next] ^ 0xa5;
            self.next += 1;
        }
        Ok(())
    }
}

impl TryCryptoRng for Drawn {}

const OPTIONS: BleOptions = BleOptions {
    peripheral_server_uuid: None,
    central_client_uuid: Some([7; 16]),
    peripheral_address: None,
    peripheral_psm: None,
};

/// What is secret in the session that [`run`] will have: each with its name, and whether it is held while both sides are
/// open.
pub(super) fn secrets(folder: &Path) -> Vec<(&'static str, bool, Zeroizing<Vec<u8>>)> {
    let [device, reader] = DRAWN.map(|name| SecretKey::generate(Curve::P256, &mut Drawn::read(folder, name)));
    let engaged = DeviceSession::engage(Curve::P256, &OPTIONS, &mut Drawn::read(folder, DRAWN[0]));
    let transcript =
        SessionTranscript::qr(&embed(engaged.engagement()), &embed(&encode(reader.public_key())));
    let shared = RustCrypto.agree(&device, reader.public_key()).unwrap();
    let salt = transcript.salt(&RustCrypto);
    let key = |info: &str| {
        let key = RustCrypto.hkdf_sha256(&shared, salt.as_ref(), info.as_bytes());
        Zeroizing::new(key.to_vec())
    };
    let scalar = |key: &SecretKey| Zeroizing::new(key.dangerous_bytes().to_vec());
    vec![
        ("SKReader of a session", true, key("SKReader")),
        ("SKDevice of a session", true, key("SKDevice")),
        ("Zab of a session", false, shared.clone()),
        ("ephemeral key of the wallet", false, scalar(&device)),
        ("ephemeral key of the reader", true, scalar(&reader)),
    ]
}

/// Two requests, two answers, the end. `open` is called while both sides are.
pub(super) fn run(folder: &Path, backend: &dyn Backend, open: impl FnOnce()) {
    let limits = Limits::DEFAULT;
    let wallet = DeviceSession::engage(Curve::P256, &OPTIONS, &mut Drawn::read(folder, DRAWN[0]));
    let engagement = wallet.engagement().to_vec();
    let engagement = DeviceEngagement::decode(&engagement, &limits).unwrap();
    let reader = ReaderSession::open(&engagement, &mut Drawn::read(folder, DRAWN[1]), backend).unwrap();
    let (reader, message) = reader.ask(b"the first request", backend).unwrap();
    let (wallet, request) = wallet.accept(&message, &limits, backend).unwrap();
    assert_eq!(*request, b"the first request");
    let (wallet, message) = wallet.answer(b"the first answer", backend).unwrap();
    let Received::More(reader, response) = reader.receive(&message, &limits, backend).unwrap() else {
        panic!("the session goes on");
    };
    assert_eq!(response.bytes(), b"the first answer");
    open();
    let (reader, message) = reader.ask(b"the second request", backend).unwrap();
    let (wallet, request) = wallet.receive(&message, &limits, backend).unwrap();
    assert_eq!(*request, b"the second request");
    let message = wallet.answer_and_end(b"the second answer", backend).unwrap();
    let Received::Last(response) = reader.receive(&message, &limits, backend).unwrap() else {
        panic!("the session has ended");
    };
    assert_eq!(response.bytes(), b"the second answer");
}
