//! Face to face: messages of a session, and what comes over Bluetooth.

use core::time::Duration;
use std::sync::OnceLock;

use mdoc_core::ble::Characteristic;
use mdoc_core::ble::frame::Room;
use mdoc_core::ble::link::{Action, Gatt, Input, Link, Peer, Role, Setup, Timeouts};
use mdoc_core::crypto::{Curve, SecretKey};
use mdoc_core::engagement::{BleOptions, DeviceEngagement, encode_ble};
use mdoc_core::limits::Limits;
use mdoc_core::session::{DeviceSession, ReaderSession, SessionData, SessionEstablishment};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;

use crate::fixtures::{LIMITS, one_in};
use crate::memory::remembering;

/// What a session of the fixed keys has sent so far.
pub(crate) struct Conversation {
    key: SecretKey,
    engagement: Vec<u8>,
    /// From the reader: the first message.
    pub(crate) hello: Vec<u8>,
    /// From the mdoc: its answer.
    pub(crate) reply: Vec<u8>,
}

impl Conversation {
    /// The mdoc's ephemeral key.
    pub(crate) const fn key(&self) -> &SecretKey {
        &self.key
    }

    /// What the QR code says.
    pub(crate) fn engagement(&self) -> &[u8] {
        &self.engagement
    }
}

fn rng() -> ChaCha20Rng {
    ChaCha20Rng::from_seed([5; 32])
}

/// Always the same: a seed that decrypts once decrypts each time.
pub(crate) fn conversation() -> &'static Conversation {
    static MADE: OnceLock<Conversation> = OnceLock::new();
    MADE.get_or_init(|| {
        let key = SecretKey::generate(Curve::P256, &mut rng());
        let options = BleOptions {
            central_client_uuid: Some([7; 16]),
            ..BleOptions::default()
        };
        let engagement = encode_ble(key.public_key(), &options);
        let decoded = DeviceEngagement::decode(&engagement, &LIMITS).unwrap();
        let (_, hello) = reader(&decoded).ask(b"request", remembering()).unwrap();
        let mdoc = DeviceSession::engaged(key.clone(), engagement.clone());
        let (mdoc, _) = mdoc.accept(&hello, &LIMITS, remembering()).unwrap();
        let reply = mdoc.answer_and_end(b"response", remembering()).unwrap();
        Conversation {
            key,
            engagement,
            hello,
            reply,
        }
    })
}

fn reader(engagement: &DeviceEngagement<'_>) -> ReaderSession<mdoc_core::session::MayAsk> {
    ReaderSession::open(engagement, &mut rng(), remembering()).unwrap()
}

/// The engagement of the one conversation, decoded.
fn engaged() -> &'static DeviceEngagement<'static> {
    static ENGAGED: OnceLock<DeviceEngagement<'static>> = OnceLock::new();
    ENGAGED.get_or_init(|| DeviceEngagement::decode(conversation().engagement(), &LIMITS).unwrap())
}

/// A message for either side of a session. What is taken is what the other side encrypted; what is not is answered.
pub fn session(input: &[u8]) {
    let data = SessionData::decode(input, &LIMITS);
    if let Ok(read) = &data {
        assert_eq!(SessionData::decode(&read.encode(), &LIMITS).unwrap(), *read);
    }
    if let Ok(read) = SessionEstablishment::decode(input, &LIMITS) {
        let written = SessionEstablishment::encode(read.e_reader_key_bytes.raw(), &read.data);
        let again = SessionEstablishment::decode(&written, &LIMITS).unwrap();
        assert_eq!(again.data, read.data);
    }
    let Conversation { key, engagement, .. } = conversation();
    let mdoc = DeviceSession::engaged(key.clone(), engagement.clone());
    match mdoc.accept(input, &LIMITS, remembering()) {
        Ok((_, request)) => assert_eq!(request.as_slice(), b"request"),
        Err(ended) => owed(ended.owed.as_deref()),
    }
    // The keys of a reader cost more than to see that a message is none.
    if data.is_err() && !one_in(16, input) {
        return;
    }
    let (waiting, _) = reader(engaged()).ask(b"request", remembering()).unwrap();
    match waiting.receive(input, &LIMITS, remembering()) {
        Ok(
            mdoc_core::session::Received::Last(response) | mdoc_core::session::Received::More(_, response),
        ) => {
            assert_eq!(response.bytes(), b"response");
        }
        Err(ended) => owed(ended.owed.as_deref()),
    }
}

/// What is still to be sent is a status alone.
fn owed(message: Option<&[u8]>) {
    let Some(message) = message else { return };
    let read = SessionData::decode(message, &LIMITS).unwrap();
    assert!(read.data.is_none() && read.status.is_some());
}

const CHARACTERISTICS: [Characteristic; 5] = [
    Characteristic::State,
    Characteristic::Client2Server,
    Characteristic::Server2Client,
    Characteristic::Ident,
    Characteristic::L2cap,
];

/// Whatever a radio tells, in any order: the first byte chooses the end and whether it uses L2CAP, then each event has a kind, a byte and, for
/// values, a length with as many bytes.
pub fn ble_link(input: &[u8]) {
    let Some((first, mut rest)) = input.split_first() else {
        return;
    };
    let setup = Setup {
        role: if first & 1 == 0 { Role::Mdoc } else { Role::Reader },
        gatt: if first & 2 == 0 {
            Gatt::Client
        } else {
            Gatt::Server
        },
        ident: [9; 16],
        l2cap: first & 4 != 0,
        timeouts: Timeouts::default(),
        limits: Limits {
            message: 600,
            ..LIMITS
        },
    };
    let mut now = Duration::ZERO;
    let mut link = Link::new(setup, now);
    let mut over = false;
    while let [kind, byte, after @ ..] = rest {
        rest = after;
        let peer = Peer(u64::from(byte & 3));
        let room = Room::of_mtu(u16::from(*byte) * 3);
        let characteristic = CHARACTERISTICS[usize::from(byte >> 2) % CHARACTERISTICS.len()];
        let value = || {
            let (len, bytes) = after.split_first().unwrap_or((&0, &[]));
            let len = usize::from(*len).min(bytes.len());
            bytes.split_at(len)
        };
        match kind % 15 {
            0 => link.handle(Input::Connected { peer, room }, now),
            1 => link.handle(Input::Resized { peer, room }, now),
            2 => link.handle(Input::Ident((byte & 1 == 0).then(|| vec![*byte; 16])), now),
            3 => link.handle(Input::Subscribed { peer, characteristic }, now),
            4 | 5 => {
                let (value, after) = value();
                rest = after;
                let value = value.to_vec();
                link.handle(
                    Input::Value {
                        peer,
                        characteristic,
                        value,
                    },
                    now,
                );
            }
            6 => link.handle(Input::Sent, now),
            7 => link.handle(Input::Failed, now),
            8 => link.handle(Input::Lost { peer }, now),
            9 => {
                now = match link.deadline() {
                    Some(deadline) if byte & 1 == 0 => deadline.max(now),
                    _ => now + Duration::from_millis(u64::from(*byte) * 10),
                };
                link.handle(Input::Tick, now);
            }
            10 => link.send(vec![*byte; usize::from(*byte)], now),
            12 => link.handle(Input::Channel { peer }, now),
            13 => link.handle(Input::NoChannel, now),
            14 => {
                let (bytes, after) = value();
                rest = after;
                let bytes = bytes.to_vec();
                link.handle(Input::Bytes { peer, bytes }, now);
            }
            _ => link.end(now),
        }
        while let Some(action) = link.poll() {
            assert!(!over, "{action:?} after the end");
            match action {
                Action::Over(ending) => {
                    assert!(!ending.code().is_empty() && !ending.to_string().is_empty());
                    over = true;
                }
                Action::Message(message) => assert!(!message.is_empty() && message.len() <= 600),
                Action::Put(_, _, value) => assert!(!value.is_empty() && value.len() <= 512),
                Action::Send(_, piece) => assert!(!piece.is_empty() && piece.len() <= 4_096),
                _ => {}
            }
        }
        assert_eq!(link.deadline().is_none(), over);
    }
    // Left alone it ends by itself.
    for _ in 0..8 {
        let Some(deadline) = link.deadline() else { break };
        link.handle(Input::Tick, deadline.max(now));
    }
    assert!(link.deadline().is_none());
}
