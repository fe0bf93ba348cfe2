use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use super::*;
use crate::cbor::embed;
use crate::cose::key;
use crate::crypto::{
    Backend, CryptoError, Curve, DigestAlgorithm, PublicKey, RustCrypto, SecretKey, fastest,
};
use crate::engagement::{BleOptions, DeviceEngagement, encode_ble};
use crate::limits::Limits;
use crate::transcript::{Handover, SessionTranscript};

const LIMITS: Limits = Limits::DEFAULT;

macro_rules! annex_d {
    ($name:literal) => {
        include_bytes!(concat!("../../../tests/vectors/annex-d/", $name)).as_slice()
    };
}

fn rng() -> ChaCha20Rng {
    ChaCha20Rng::from_seed([3; 32])
}

fn hex(text: &str) -> Vec<u8> {
    let digits: String = text.split_whitespace().collect();
    base16ct::lower::decode_vec(digits).unwrap()
}

/// Facts, appendix A: `d = SHA-256(label) mod (n − 1) + 1`.
fn known_key(hex_scalar: &str) -> SecretKey {
    SecretKey::from_bytes(Curve::P256, &hex(hex_scalar)).unwrap()
}

fn device_key() -> SecretKey {
    known_key("4e191740332aa93137c522d43eb0dbf4b2f2b4d6c95192b9e4b442f09aaef130")
}

fn reader_key() -> SecretKey {
    known_key("07db8ef035be44eb9820f30c370f4a27600fafe1b047c02c30267f56c782f2db")
}

const ENGAGEMENT: &str = "a30063312e30018201d818584ba401022001215820a4716ca7439c75fdb35863c1a2a58935374d6ce82306f827705a
2d71b6ccf1f0225820028e80abaaae7e289cbbc8055b79a48bffad6c075975cd44044f648fd193a0120281830201a400f501f50a500f0e0d0c0b0a40
0988070605040302010b5000112233445540669788aabbccddeeff";
const REQUEST: &str = "a26776657273696f6e63312e306b646f63526571756573747381a16c6974656d7352657175657374d818584ba267646f
6354797065756f72672e69736f2e31383031332e352e312e6d444c6a6e616d65537061636573a1716f72672e69736f2e31383031332e352e31a16b61
67655f6f7665725f3138f4";

fn digest(bytes: &[u8]) -> String {
    base16ct::lower::encode_string(RustCrypto.digest(DigestAlgorithm::Sha256, &[bytes]).as_ref())
}

fn known_reader(engagement: &[u8]) -> ReaderSession<MayAsk> {
    let engagement = DeviceEngagement::decode(engagement, &LIMITS).unwrap();
    ReaderSession::open_with(&engagement, &Handover::Qr, |_| reader_key(), &RustCrypto).unwrap()
}

/// A reader that has asked, and the mdoc that was asked.
fn asked() -> (ReaderSession<Waiting>, DeviceSession<Asked>) {
    let mut rng = rng();
    let mdoc = DeviceSession::engage(Curve::P256, &BleOptions::default(), &mut rng);
    let scanned = DeviceEngagement::decode(mdoc.engagement(), &LIMITS).unwrap();
    let reader = ReaderSession::open(&scanned, &mut rng, fastest()).unwrap();
    let (reader, hello) = reader.ask(b"first", fastest()).unwrap();
    let (mdoc, request) = mdoc.accept(&hello, &LIMITS, &RustCrypto).unwrap();
    assert_eq!(request.as_slice(), b"first");
    (reader, mdoc)
}

fn status(ended: &Ended) -> Option<Status> {
    let owed = ended.owed.as_ref()?;
    let read = SessionData::decode(owed, &LIMITS).unwrap();
    assert_eq!(read.data, None, "a message of an error has no data");
    read.status
}

#[test]
fn the_known_answers_come_out_on_both_sides() {
    let engagement = hex(ENGAGEMENT);
    let reader = known_reader(&engagement);
    let transcript = embed(reader.transcript().raw());
    assert_eq!(transcript.len(), 223);
    assert_eq!(
        digest(&transcript),
        "c634da66ae725fa4d3c1a51fa618f05e3c0b508c7c0b70af896800214cc39157"
    );
    let (reader, hello) = reader.ask(&hex(REQUEST), &RustCrypto).unwrap();
    assert_eq!(hello.len(), 233);
    assert_eq!(
        digest(&hello),
        "867af6e0089c019d8bbdb23f4692f41687fcaebeb2ecb5dbe7ef4309b830b984"
    );
    let mdoc = DeviceSession::engaged(device_key(), engagement);
    let (mdoc, request) = mdoc.accept(&hello, &LIMITS, fastest()).unwrap();
    assert_eq!(*request, hex(REQUEST));
    assert_eq!(mdoc.transcript(), reader.transcript());
    assert_eq!(mdoc.reader_key(), reader_key().public_key());
    let answer = hex("a26776657273696f6e63312e30667374617475730a");
    let reply = mdoc.answer_and_end(&answer, fastest()).unwrap();
    assert_eq!(
        base16ct::lower::encode_string(&reply),
        "a2646461746158259ca35e5b9a74d6bf45eeccf72c049e61ea6efc81611d4762828ed1c8b6afdaf96a56ad447f6673746174757314"
    );
    let Received::Last(response) = reader.receive(&reply, &LIMITS, &RustCrypto).unwrap() else {
        panic!("status 20 ends the session");
    };
    assert_eq!(response.bytes(), answer);
}

/// ISO/IEC 18013-5:2021, D.5.1: both ends with the keys of the annex, byte for byte.
#[test]
fn the_session_of_annex_d_comes_out_byte_for_byte() {
    let jwk = |text: &[u8]| crate::keys::secret_from_jwk(core::str::from_utf8(text).unwrap()).unwrap();
    let transcript =
        SessionTranscript::decode(annex_d!("D.4.1.2_device_response.transcript.cbor"), &LIMITS).unwrap();
    let parts: Vec<_> = crate::cbor::Item::parse(transcript.raw(), &LIMITS)
        .unwrap()
        .array()
        .unwrap()
        .collect();
    let engagement = crate::cbor::Embedded::new(parts[0]).unwrap();
    let pair: Vec<_> = parts[2].array().unwrap().map(|item| item.bytes()).collect();
    let handover = Handover::Nfc {
        select: pair[0].as_deref().unwrap(),
        request: pair[1].as_deref(),
    };
    let (device, reader) = (
        jwk(annex_d!("e_device_key.jwk.json")),
        jwk(annex_d!("e_reader_key.jwk.json")),
    );
    let scanned = DeviceEngagement::decode(engagement.content(), &LIMITS).unwrap();
    let session = ReaderSession::open_with(&scanned, &handover, |_| reader, &RustCrypto).unwrap();
    assert_eq!(session.transcript(), &transcript);
    let (session, hello) = session
        .ask(annex_d!("D.4.1.1_device_request.cbor"), &RustCrypto)
        .unwrap();
    assert_eq!(hello, annex_d!("D.5.1_session_establishment.cbor"));
    let mdoc = DeviceSession::engaged(device, engagement.content().to_vec());
    let (mdoc, request) = mdoc
        .accept_after(&handover, &hello, &LIMITS, &RustCrypto)
        .unwrap();
    assert_eq!(*request, annex_d!("D.4.1.1_device_request.cbor"));
    let (mdoc, reply) = mdoc
        .answer(annex_d!("D.4.1.2_device_response.cbor"), &RustCrypto)
        .unwrap();
    assert_eq!(reply, annex_d!("D.5.1_session_data.cbor"));
    let Received::More(session, response) = session.receive(&reply, &LIMITS, &RustCrypto).unwrap() else {
        panic!("the session goes on");
    };
    assert_eq!(response.bytes(), annex_d!("D.4.1.2_device_response.cbor"));
    let end = session.terminate();
    assert_eq!(end, annex_d!("D.5.1_session_termination.cbor"));
    let ended = mdoc.receive(&end, &LIMITS, &RustCrypto).unwrap_err();
    assert_eq!((ended.why, ended.owed), (Why::ByPeer(Status::Termination), None));
}

#[test]
fn a_session_has_many_rounds_each_with_its_own_counter() {
    let (mut reader, mut mdoc) = asked();
    for round in 0..300_u32 {
        let answer = vec![7; usize::try_from(round).unwrap()];
        let (answered, reply) = mdoc.answer(&answer, fastest()).unwrap();
        let Received::More(may_ask, response) = reader.receive(&reply, &LIMITS, &RustCrypto).unwrap() else {
            panic!("not ended");
        };
        assert_eq!(response.bytes(), answer);
        let (waiting, message) = may_ask.ask(&round.to_be_bytes(), &RustCrypto).unwrap();
        let (again, request) = answered.receive(&message, &LIMITS, fastest()).unwrap();
        assert_eq!(*request, round.to_be_bytes());
        (reader, mdoc) = (waiting, again);
    }
    let reply = mdoc.decline();
    let ended = reader.receive(&reply, &LIMITS, &RustCrypto).unwrap_err();
    assert_eq!((ended.why, ended.owed), (Why::ByPeer(Status::Termination), None));
}

#[test]
fn trap_53_a_message_that_is_lost_or_comes_twice_ends_the_session() {
    let (reader, mdoc) = asked();
    let (answered, first) = mdoc.answer(b"one", fastest()).unwrap();
    let Received::More(reader, _) = reader.receive(&first, &LIMITS, fastest()).unwrap() else {
        panic!("not ended");
    };
    let (reader, second) = reader.ask(b"two", fastest()).unwrap();
    let ended = reader.receive(&first, &LIMITS, fastest()).unwrap_err();
    assert_eq!(
        (&ended.why, status(&ended)),
        (&Why::Decrypt, Some(Status::EncryptionError))
    );
    let (mdoc, _) = answered.receive(&second, &LIMITS, fastest()).unwrap();
    let (answered, _) = mdoc.answer(b"three", fastest()).unwrap();
    let ended = answered.receive(&second, &LIMITS, fastest()).unwrap_err();
    assert_eq!(
        (&ended.why, status(&ended)),
        (&Why::Decrypt, Some(Status::EncryptionError))
    );
}

#[test]
fn a_second_session_establishment_is_answered_with_status_11() {
    let (_, mdoc) = asked();
    let (answered, _) = mdoc.answer(b"one", fastest()).unwrap();
    // With a request that would decrypt: the reader's key alone makes it what it is.
    let (reader, mdoc) = asked();
    let (_, reply) = mdoc.answer(b"one", fastest()).unwrap();
    let Received::More(reader, _) = reader.receive(&reply, &LIMITS, fastest()).unwrap() else {
        panic!("not ended");
    };
    let (_, second) = reader.ask(b"two", fastest()).unwrap();
    let data = SessionData::decode(&second, &LIMITS).unwrap().data.unwrap();
    let again = SessionEstablishment::encode(&embed(&key::encode(reader_key().public_key())), &data);
    let ended = answered.receive(&again, &LIMITS, fastest()).unwrap_err();
    assert!(
        matches!(&ended.why, Why::Decode(error) if error.to_string().contains("eReaderKey")),
        "{ended:?}"
    );
    assert_eq!(status(&ended), Some(Status::DecodingError));
    let (_, mdoc) = asked();
    let (answered, _) = mdoc.answer(b"one", fastest()).unwrap();
    let (_, request) = answered.receive(&second, &LIMITS, fastest()).unwrap();
    assert_eq!(request.as_slice(), b"two", "without it, that is the next request");
}

#[test]
fn every_changed_byte_of_an_answer_ends_the_session() {
    let sample = {
        let (_, mdoc) = asked();
        mdoc.answer_and_end(b"an answer", &RustCrypto).unwrap()
    };
    for at in 0..sample.len() {
        let (reader, mdoc) = asked();
        let mut reply = mdoc.answer_and_end(b"an answer", &RustCrypto).unwrap();
        reply[at] ^= 1;
        match reader.receive(&reply, &LIMITS, &RustCrypto) {
            // The status is not authenticated: it may be changed, and what it came with may not.
            Ok(Received::Last(response) | Received::More(_, response)) => {
                assert_eq!(response.bytes(), b"an answer", "at {at}");
            }
            Err(ended) => assert!(!ended.to_string().is_empty()),
        }
    }
}

#[test]
fn what_does_not_decode_is_answered_with_status_11() {
    let junk: [&[u8]; 4] = [b"", b"\xa0", b"\xff", b"\xa1\x64data\x01"];
    for message in junk {
        let (reader, mdoc) = asked();
        let (answered, _) = mdoc.answer(b"", fastest()).unwrap();
        let engaged = DeviceSession::engage(Curve::P256, &BleOptions::default(), &mut rng());
        for ended in [
            reader.receive(message, &LIMITS, fastest()).unwrap_err(),
            answered.receive(message, &LIMITS, fastest()).unwrap_err(),
            engaged.accept(message, &LIMITS, fastest()).unwrap_err(),
        ] {
            assert!(matches!(ended.why, Why::Decode(_)), "{ended:?}");
            assert_eq!(status(&ended), Some(Status::DecodingError));
        }
    }
}

#[test]
fn a_status_ends_the_session_and_nothing_is_owed() {
    for number in [10, 11, 20, 0, 99] {
        let expected = match number {
            10 => Status::EncryptionError,
            11 => Status::DecodingError,
            20 => Status::Termination,
            number => Status::Other(number),
        };
        let message = SessionData::status(expected).encode();
        let (reader, mdoc) = asked();
        let (answered, _) = mdoc.answer(b"", fastest()).unwrap();
        let engaged = DeviceSession::engage(Curve::P256, &BleOptions::default(), &mut rng());
        for ended in [
            reader.receive(&message, &LIMITS, fastest()).unwrap_err(),
            answered.receive(&message, &LIMITS, fastest()).unwrap_err(),
            engaged.accept(&message, &LIMITS, fastest()).unwrap_err(),
        ] {
            assert_eq!((ended.why, ended.owed), (Why::ByPeer(expected), None));
        }
    }
}

#[test]
fn a_key_that_is_of_no_use_is_an_encryption_error() {
    let mut rng = rng();
    let other_curve = SecretKey::generate(Curve::P384, &mut rng);
    let mut off_curve = key::encode(reader_key().public_key());
    *off_curve.last_mut().unwrap() ^= 1;
    for (bytes, code) in [
        (key::encode(other_curve.public_key()), "session.key-agreement"),
        (off_curve, "session.key"),
        (vec![0xa0], "session.key"),
    ] {
        let engaged = DeviceSession::engage(Curve::P256, &BleOptions::default(), &mut rng);
        let hello = SessionEstablishment::encode(&embed(&bytes), b"sealed");
        let ended = engaged.accept(&hello, &LIMITS, fastest()).unwrap_err();
        assert_eq!(
            (ended.why.code(), status(&ended)),
            (code, Some(Status::EncryptionError))
        );
    }
    // And an engagement with a key or a suite that we cannot use: nobody is connected, nothing is owed.
    let engaged = |from: &str, to: &str| {
        let bytes = hex(&ENGAGEMENT.replace('\n', "").replace(from, to));
        let engagement = DeviceEngagement::decode(&bytes, &LIMITS).unwrap();
        ReaderSession::open(&engagement, &mut ChaCha20Rng::from_seed([1; 32]), fastest()).unwrap_err()
    };
    let ended = engaged("018201d8", "018202d8");
    assert_eq!((ended.why, ended.owed), (Why::CipherSuite(2), None));
    let ended = engaged("a012028183", "a013028183");
    assert_eq!((ended.why.code(), ended.owed), ("session.key", None));
}

#[test]
fn a_session_ends_before_a_counter_is_used_twice() {
    let (mut reader, mut mdoc) = asked();
    reader.wear_out();
    mdoc.wear_out();
    let (answered, reply) = mdoc.answer(b"the last", fastest()).unwrap();
    let Received::More(reader, _) = reader.receive(&reply, &LIMITS, fastest()).unwrap() else {
        panic!("not ended");
    };
    let (reader, message) = reader.ask(b"the last", fastest()).unwrap();
    let (mdoc, _) = answered.receive(&message, &LIMITS, fastest()).unwrap();
    let ended = mdoc.answer(b"one more", fastest()).unwrap_err();
    assert_eq!(
        (&ended.why, status(&ended)),
        (&Why::Exhausted, Some(Status::Termination))
    );
    let ended = reader.receive(&reply, &LIMITS, fastest()).unwrap_err();
    assert_eq!(
        (&ended.why, status(&ended)),
        (&Why::Exhausted, Some(Status::Termination))
    );
}

#[test]
fn nothing_secret_is_shown() {
    let (reader, mdoc) = asked();
    assert!(format!("{reader:?}").starts_with("ReaderSession("));
    assert!(format!("{mdoc:?}").starts_with("DeviceSession("));
    let reply = mdoc.answer_and_end(b"personal data", fastest()).unwrap();
    let received = reader.receive(&reply, &LIMITS, fastest()).unwrap();
    assert_eq!(format!("{received:?}"), "Last(Response(13 bytes))");
}

/// EDeviceKey on each curve that agrees; the reader's key follows it.
#[test]
fn a_session_goes_its_whole_way_on_every_curve_that_agrees() {
    for curve in Curve::ALL.into_iter().filter(|curve| curve.agrees()) {
        let mut rng = rng();
        let mdoc = DeviceSession::engage(curve, &BleOptions::default(), &mut rng);
        let scanned = DeviceEngagement::decode(mdoc.engagement(), &LIMITS).unwrap();
        let reader = ReaderSession::open(&scanned, &mut rng, fastest()).unwrap();
        let (reader, hello) = reader.ask(b"first", fastest()).unwrap();
        let (mdoc, request) = mdoc.accept(&hello, &LIMITS, &RustCrypto).unwrap();
        assert_eq!(request.as_slice(), b"first", "{curve}");
        assert_eq!(mdoc.reader_key().curve(), curve);
        let (mdoc, reply) = mdoc.answer(b"one", &RustCrypto).unwrap();
        let Received::More(reader, response) = reader.receive(&reply, &LIMITS, fastest()).unwrap() else {
            panic!("{curve}: the session goes on");
        };
        assert_eq!(response.bytes(), b"one");
        let (reader, again) = reader.ask(b"second", fastest()).unwrap();
        let (mdoc, request) = mdoc.receive(&again, &LIMITS, &RustCrypto).unwrap();
        assert_eq!(request.as_slice(), b"second");
        let reply = mdoc.answer_and_end(b"two", &RustCrypto).unwrap();
        let Received::Last(response) = reader.receive(&reply, &LIMITS, fastest()).unwrap() else {
            panic!("{curve}: the session ends");
        };
        assert_eq!(response.bytes(), b"two");
    }
}

/// RFC 7748, 6.1: a key of small order on either side, which would make the session's keys known to everybody.
#[test]
fn keys_that_agree_on_zero_make_no_session() {
    let mut rng = rng();
    let zero = PublicKey::from_bytes(Curve::X25519, &[0; 32]).unwrap();
    let engagement = encode_ble(&zero, &BleOptions::default());
    let scanned = DeviceEngagement::decode(&engagement, &LIMITS).unwrap();
    let refused = ReaderSession::open(&scanned, &mut rng, fastest()).unwrap_err();
    assert_eq!(refused.why, Why::Agree(CryptoError::ZeroSecret));
    let mdoc = DeviceSession::engage(Curve::X25519, &BleOptions::default(), &mut rng);
    let hello = SessionEstablishment::encode(&embed(&key::encode(&zero)), b"never read");
    let refused = mdoc.accept(&hello, &LIMITS, &RustCrypto).unwrap_err();
    assert_eq!(refused.why, Why::Agree(CryptoError::ZeroSecret));
}
