//! Face to face: messages of a session, alone and as both sides take them; the structures of COSE by themselves.

use mdoc_core::cbor::{Item, embed};
use mdoc_core::cose::{Mac0, Sign1, key, write_sign1};
use mdoc_core::crypto::{Curve, RustCrypto, SecretKey};
use mdoc_core::engagement::{BleOptions, DeviceEngagement, encode_ble};
use mdoc_core::error::DecodeError;
use mdoc_core::limits::Limits;
use mdoc_core::seams::Signer as _;
use mdoc_core::session::{
    DeviceSession, Ended, MayAsk, ReaderSession, Received, SessionData, SessionEstablishment,
};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;

use crate::cbor::{BOTH, Decode, LIMITS, Shapes};
use crate::measure::{Answer, Case};
use crate::world::World;
use crate::{SIZE, certificates, write};

/// Nearly as large as a message may be.
const LARGE: usize = LIMITS.message - 1_000;

fn no(error: &DecodeError) -> String {
    error.to_string()
}

fn ended(ended: &Ended) -> String {
    ended.why.to_string()
}

/// Always the same keys, so that what was encrypted in one session is taken in the next.
fn rng() -> ChaCha20Rng {
    ChaCha20Rng::from_seed([5; 32])
}

/// Two sides of a session that is always the same.
pub(crate) struct Conversation {
    key: SecretKey,
    engagement: Vec<u8>,
}

impl Conversation {
    pub(crate) fn new() -> Self {
        let key = SecretKey::generate(Curve::P256, &mut rng());
        let options = BleOptions {
            central_client_uuid: Some([7; 16]),
            ..BleOptions::default()
        };
        Self {
            engagement: encode_ble(key.public_key(), &options),
            key,
        }
    }

    pub(crate) fn engagement(&self) -> &[u8] {
        &self.engagement
    }

    pub(crate) fn mdoc(&self) -> DeviceSession<mdoc_core::session::Engaged> {
        DeviceSession::engaged(self.key.clone(), self.engagement.clone())
    }

    pub(crate) const fn key(&self) -> &SecretKey {
        &self.key
    }

    fn reader(&self) -> ReaderSession<MayAsk> {
        let engagement = DeviceEngagement::decode(&self.engagement, &LIMITS).unwrap();
        ReaderSession::open(&engagement, &mut rng(), &RustCrypto).unwrap()
    }

    /// A request and what is answered to it.
    pub(crate) fn messages(&self, request: &[u8], response: &[u8]) -> [Vec<u8>; 2] {
        let (_, hello) = self.reader().ask(request, &RustCrypto).unwrap();
        let (mdoc, _) = self.mdoc().accept(&hello, &LIMITS, &RustCrypto).unwrap();
        [hello, mdoc.answer_and_end(response, &RustCrypto).unwrap()]
    }
}

/// All of it.
pub(crate) fn cases(run: &mut dyn FnMut(Case<'_>)) {
    let shapes = Shapes::new();
    for limits in BOTH {
        messages(limits, &shapes, run);
        cose(limits, &shapes, run);
    }
}

fn messages(limits: Limits, shapes: &Shapes, run: &mut dyn FnMut(Case<'_>)) {
    let session = Conversation::new();
    let establishment = |bytes: &[u8]| -> Answer {
        let read = SessionEstablishment::decode(bytes, &limits).map_err(|error| no(&error))?;
        let item = read
            .e_reader_key_bytes
            .item(&limits)
            .map_err(|error| no(&error))?;
        key::decode(item).map_err(|fault| fault.to_string())?;
        Ok(format!("{} bytes", read.data.len()))
    };
    let data = |bytes: &[u8]| -> Answer {
        let read = SessionData::decode(bytes, &limits).map_err(|error| no(&error))?;
        Ok(format!("{} bytes", read.data.map_or(0, |data| data.len())))
    };
    let mdoc = |bytes: &[u8]| -> Answer {
        let accepted = session.mdoc().accept(bytes, &limits, &RustCrypto);
        let (_, request) = accepted.map_err(|error| ended(&error))?;
        Ok(format!("{} bytes", request.len()))
    };
    let reader = |bytes: &[u8]| -> Answer {
        let (waiting, _) = session.reader().ask(b"request", &RustCrypto).unwrap();
        match waiting.receive(bytes, &limits, &RustCrypto) {
            Ok(Received::Last(response) | Received::More(_, response)) => {
                Ok(format!("{} bytes", response.bytes().len()))
            }
            Err(error) => Err(ended(&error)),
        }
    };
    let decoders: [(&str, &Decode<'_>); 4] = [
        ("SessionEstablishment::decode, its key", &establishment),
        ("SessionData::decode", &data),
        ("DeviceSession::accept", &mdoc),
        ("ReaderSession::receive", &reader),
    ];
    for decoder in decoders {
        shapes.cases(decoder, limits, run);
    }
    if limits != LIMITS {
        return;
    }
    let text = |out: &mut Vec<u8>, text: &str| write::text(out, text);
    let hello = |key: &[u8], bytes: usize| {
        let mut out = Vec::new();
        write::map(&mut out, 2);
        text(&mut out, "eReaderKey");
        out.extend_from_slice(&embed(key));
        text(&mut out, "data");
        write::bytes(&mut out, &vec![7; bytes]);
        out
    };
    let data = |bytes: usize| {
        let mut out = Vec::new();
        write::map(&mut out, 1);
        text(&mut out, "data");
        write::bytes(&mut out, &vec![7; bytes]);
        out
    };
    let good = key::encode(session.key.public_key());
    let [asked, answered] = session.messages(&vec![7; LARGE - 500], &vec![7; LARGE - 500]);
    let inputs = [
        ("a first message of 10 MB", hello(&good, SIZE)),
        ("a first message of 4 MB", hello(&good, LARGE - 500)),
        ("a key of 4 MB", hello(&large_key(), 16)),
        ("a key of 9,900 members", hello(&wide_key(), 16)),
        ("an answer of 10 MB", data(SIZE)),
        ("an answer of 4 MB", data(LARGE)),
        ("a request of 4 MB, as the reader encrypts it", asked),
        ("a response of 4 MB, as the mdoc encrypts it", answered),
    ];
    for (decoder, decode) in decoders {
        for (input, bytes) in &inputs {
            let case = Case::new(decoder, input, bytes, decode);
            // Those that are whole, and at most as large as is taken.
            let whole = bytes.len() < LIMITS.message && bytes[0] & 0xe0 == 0xa0 && bytes[1] & 0xe0 == 0x60;
            run(match (whole, bytes.len() < 1_000_000) {
                (_, true) => case.decided().small(),
                (true, _) => case.decided(),
                _ => case,
            });
        }
    }
}

/// A key with a coordinate of 4 MB.
fn large_key() -> Vec<u8> {
    let mut out = vec![0xa4, 1, 2, 0x20, 1, 0x21];
    write::bytes(&mut out, &vec![7; LARGE - 500]);
    out.push(0x22);
    write::bytes(&mut out, &[7; 32]);
    out
}

/// A key with as many members as an item may have.
fn wide_key() -> Vec<u8> {
    let mut out = Vec::new();
    write::map(&mut out, 9_900);
    for label in 100..10_000 {
        write::unsigned(&mut out, label);
        out.push(0);
    }
    out
}

fn cose(limits: Limits, shapes: &Shapes, run: &mut dyn FnMut(Case<'_>)) {
    let world = World::new();
    let keys = |bytes: &[u8]| -> Answer {
        let item = Item::parse(bytes, &limits).map_err(|error| no(&error))?;
        match (key::decode(item), key::decode_secret(item)) {
            (Err(fault), Err(_)) => Err(fault.to_string()),
            _ => Ok("a key".to_owned()),
        }
    };
    let sign1 = |bytes: &[u8]| -> Answer {
        let item = Item::parse(bytes, &limits).map_err(|error| no(&error))?;
        let message = Sign1::decode(item, &limits).map_err(|error| no(&error))?;
        let chain = message
            .x5chain()
            .map_or(Ok(0), |chain| chain.map(|chain| chain.len()));
        let thumbprint = message.thumbprint().is_some();
        let public = world.ds_key.public_key();
        let verified = match message.payload() {
            Some(payload) => message.verify(public, payload, &RustCrypto),
            None => message.verify_detached(public, b"x", &RustCrypto),
        };
        match verified {
            Ok(()) => Ok("signed".to_owned()),
            Err(fault) => Err(format!("{fault}; {chain:?}, {thumbprint}")),
        }
    };
    let content = vec![7; LARGE];
    let mac0 = |bytes: &[u8]| -> Answer {
        let item = Item::parse(bytes, &limits).map_err(|error| no(&error))?;
        let message = Mac0::decode(item, &limits).map_err(|error| no(&error))?;
        message.check_algorithm().map_err(|fault| fault.to_string())?;
        message
            .verify_detached(&[7; 32], &content, &RustCrypto)
            .map(|()| "authentic".to_owned())
            .map_err(|fault| fault.to_string())
    };
    let decoders: [(&str, &Decode<'_>); 3] = [
        ("COSE_Key, private ones too", &keys),
        ("COSE_Sign1, its signature", &sign1),
        ("COSE_Mac0, its tag", &mac0),
    ];
    for decoder in decoders {
        shapes.cases(decoder, limits, run);
    }
    if limits != LIMITS {
        return;
    }
    let signed = |chain: &[&[u8]], payload: usize| {
        let mut out = Vec::new();
        let protected = mdoc_core::cose::protected_header(world.ds_key.algorithm());
        write_sign1(&mut out, &protected, chain, Some(&vec![7; payload]), &[7; 64]);
        out
    };
    let large = certificates::with_extension(&world, 60_000);
    let array = |protected: &[u8], unprotected: &[u8], payload: &[u8], last: usize| {
        let mut out = Vec::new();
        write::array(&mut out, 4);
        write::bytes(&mut out, protected);
        out.extend_from_slice(unprotected);
        out.extend_from_slice(payload);
        write::bytes(&mut out, &vec![7; last]);
        out
    };
    let hmac = [0xa1, 1, 5];
    let inputs = [
        ("a key with a coordinate of 4 MB", large_key()),
        ("a key of 9,900 members", wide_key()),
        ("a private part of 4 MB", {
            let mut out = vec![0xa3, 1, 1, 0x20, 6, 0x23];
            write::bytes(&mut out, &vec![7; LARGE]);
            out
        }),
        ("a payload of 10 MB", signed(&[], SIZE)),
        ("a payload of 4 MB", signed(&[], LARGE - 500)),
        ("sixteen certificates of 60 KB", signed(&[&*large; 16], 10)),
        (
            "thousands of certificates",
            signed(&vec![world.ds.der(); 4_000], 10),
        ),
        (
            "a protected header of 4 MB",
            array(&vec![0; LARGE - 500], &[0xa0], &[0xf6], 64),
        ),
        (
            "an unprotected header of 9,900 members",
            array(&hmac, &wide_key(), &[0xf6], 32),
        ),
        (
            "a protected header of 9,900 members",
            array(&wide_key(), &[0xa0], &[0xf6], 32),
        ),
        ("a tag of 4 MB", array(&hmac, &[0xa0], &[0xf6], LARGE - 500)),
        ("a tag of 32 bytes", array(&hmac, &[0xa0], &[0xf6], 32)),
    ];
    for (decoder, decode) in decoders {
        for (input, bytes) in &inputs {
            let case = Case::new(decoder, input, bytes, decode);
            run(if bytes.len() < 1_000_000 {
                case.small()
            } else {
                case
            });
        }
    }
}
