//! The session of Annex D, and what can go wrong with it.

mod trace;

use proptest::prelude::*;

use super::*;

macro_rules! annex_d {
    ($name:literal) => {
        include_bytes!(concat!("../../../tests/vectors/annex-d/", $name)).as_slice()
    };
}

pub(super) const ESTABLISHMENT: &[u8] = annex_d!("D.5.1_session_establishment.cbor");
pub(super) const DATA: &[u8] = annex_d!("D.5.1_session_data.cbor");
pub(super) const TERMINATION: &[u8] = annex_d!("D.5.1_session_termination.cbor");
const ENGAGEMENT: &[u8] = annex_d!("D.3.1_device_engagement.cbor");
const TRANSCRIPT: &[u8] = annex_d!("D.4.1.2_device_response.transcript.cbor");

fn key(text: &[u8]) -> SecretKey {
    mdoc_core::keys::secret_from_jwk(core::str::from_utf8(text).unwrap()).unwrap()
}

fn device_key() -> SecretKey {
    key(annex_d!("e_device_key.jwk.json"))
}

/// With the transcript and one private key, as the session of the annex has them.
pub(super) fn known() -> Known {
    Known {
        transcript: SessionTranscript::decode(TRANSCRIPT, &LIMITS).ok(),
        e_device_key: Some(device_key()),
        ..Known::default()
    }
}

const READER: Option<Sender> = Some(Sender::Reader);
const MDOC: Option<Sender> = Some(Sender::Mdoc);

fn of_session(messages: &[(Option<Sender>, &[u8])], known: &Known) -> Explanation {
    let messages: Vec<_> = messages
        .iter()
        .map(|(sender, message)| (*sender, message.to_vec()))
        .collect();
    session(&messages, known)
}

/// All faults, in their order.
pub(super) fn faults(explanation: &Explanation) -> Vec<String> {
    tree::faults(&explanation.parts)
        .iter()
        .map(|fault| fault["message"].as_str().unwrap().to_owned())
        .collect()
}

fn only_fault(explanation: &Explanation) -> String {
    let mut faults = faults(explanation);
    assert_eq!(faults.len(), 1, "{faults:?}");
    faults.remove(0)
}

#[test]
fn the_engagement_of_annex_d_is_explained() {
    let explained = explain(ENGAGEMENT, &Known::default()).unwrap();
    assert_eq!((explained.kind, explained.has_faults()), ("an engagement", false));
    let text = explained.text();
    for expected in [
        "eDeviceKey   P-256",
        "centralClient  45efef74-2b2c-4837-a9a3-b0e1d05a6917",
        "mdoc central client mode",
        "ident",
    ] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    let cut = explain(&ENGAGEMENT[..60], &Known::default());
    assert!(matches!(cut, Err(NoExplanation::Cbor(_))));
    let empty = explain(b"\xa1\x00\x631.0", &Known::default()).unwrap();
    assert_eq!(only_fault(&empty), "`1 (security)` is missing");
}

#[test]
fn the_transcript_of_annex_d_is_explained() {
    let explained = explain(TRANSCRIPT, &Known::default()).unwrap();
    assert!(!explained.has_faults());
    assert!(
        explained.text().contains("handover    NFC"),
        "{}",
        explained.text()
    );
    let other = Known {
        engagement: Some(ENGAGEMENT[1..].to_vec()),
        ..Known::default()
    };
    let fault = only_fault(&explain(TRANSCRIPT, &other).unwrap());
    assert_eq!(fault, "this is not the engagement that was given");
}

#[test]
fn the_session_of_annex_d_is_opened_and_explained() {
    let messages = [(READER, ESTABLISHMENT), (MDOC, DATA), (READER, TERMINATION)];
    let reader = Known {
        e_device_key: None,
        e_reader_key: Some(key(annex_d!("e_reader_key.jwk.json"))),
        ..known()
    };
    let unknown = messages.map(|(_, message)| (None, message));
    for explained in [
        of_session(&messages, &known()),
        of_session(&messages, &reader),
        of_session(&unknown, &known()),
    ] {
        let text = explained.text();
        assert!(faults(&explained).is_empty(), "{text}");
        for expected in [
            "key         SKReader, counter 1",
            "key        SKDevice, counter 1",
            "org.iso.18013.5.1.mDL",
            "family_name, to be kept",
            "family_name: \"Doe\"",
            "portrait: h'ffd8",
            "status  status 20, session termination",
        ] {
            assert!(text.contains(expected), "{expected}: {text}");
        }
        assert_eq!(
            explained.opened[0].bytes.as_slice(),
            annex_d!("D.4.1.1_device_request.cbor")
        );
        assert_eq!(explained.opened.len(), 2);
    }
}

#[test]
fn without_keys_what_is_missing_is_named() {
    let explained = of_session(&[(READER, ESTABLISHMENT), (None, DATA)], &Known::default());
    let text = explained.text();
    assert!(!explained.has_faults(), "{text}");
    for expected in [
        "not decrypted: SKReader is not known",
        "not decrypted: SKDevice or SKReader is not known",
        "no message has ended the session",
    ] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
}

#[test]
fn raw_keys_open_their_own_side() {
    // Derived from the shared secret here, so that they are not the code under test.
    let backend = mdoc_core::crypto::fastest();
    let transcript = SessionTranscript::decode(TRANSCRIPT, &LIMITS).unwrap();
    let reader = key(annex_d!("e_reader_key.jwk.json"));
    let shared = backend.agree(&reader, device_key().public_key()).unwrap();
    let salt = transcript.salt(backend);
    let known = Known {
        sk_device: Some(Box::new(backend.hkdf_sha256(&shared, salt.as_ref(), b"SKDevice"))),
        ..Known::default()
    };
    let explained = of_session(&[(READER, ESTABLISHMENT), (MDOC, DATA)], &known);
    assert!(!explained.has_faults());
    assert_eq!(explained.opened.len(), 1);
    assert!(explained.text().contains("not decrypted: SKReader is not known"));

    let known = Known {
        shared_secret: Some(shared),
        transcript: Some(transcript),
        ..Known::default()
    };
    let explained = of_session(&[(READER, ESTABLISHMENT), (MDOC, DATA)], &known);
    assert_eq!((explained.has_faults(), explained.opened.len()), (false, 2));
}

/// A message that is sealed with a key that is derived with these words.
fn sealed(info: &[u8], identifier: u8, counter: u8) -> Vec<u8> {
    let backend = mdoc_core::crypto::fastest();
    let key = backend.hkdf_sha256(b"shared", b"", info);
    let mut iv = [0; 12];
    (iv[7], iv[11]) = (identifier, counter);
    let data = backend.seal(&key, &iv, b"\xa2\x67version\x631.0\x66status\x00");
    let data = Some(data.into());
    mdoc_core::session::SessionData { data, status: None }.encode()
}

fn knows_sk_device() -> Known {
    let backend = mdoc_core::crypto::fastest();
    Known {
        sk_device: Some(Box::new(backend.hkdf_sha256(b"shared", b"", b"SKDevice"))),
        ..Known::default()
    }
}

#[test]
fn messages_out_of_order_are_told_by_their_counters() {
    let twice = of_session(&[(READER, ESTABLISHMENT), (MDOC, DATA), (MDOC, DATA)], &known());
    assert_eq!(
        only_fault(&twice),
        "it was encrypted with counter 1 where 2 is expected: it came twice, or its sender counts wrong"
    );
    let known = knows_sk_device();
    let late = of_session(&[(MDOC, &sealed(b"SKDevice", 1, 3))], &known);
    assert_eq!(
        only_fault(&late),
        "it was encrypted with counter 3 where 1 is expected: \
         a message before it is missing, or its sender counts wrong"
    );
    let swapped = of_session(&[(READER, &sealed(b"SKDevice", 1, 1))], &known);
    assert_eq!(
        only_fault(&swapped),
        "it was encrypted with the key of the other side's messages (SKDevice)"
    );
    let foreign = of_session(&[(MDOC, &sealed(b"SKReader", 1, 1))], &known);
    assert!(only_fault(&foreign).starts_with("it does not decrypt with the keys that were given"));
}

/// A message that nothing opens.
fn zeros(len: usize) -> Vec<u8> {
    let data = Some(vec![0_u8; len].into());
    mdoc_core::session::SessionData { data, status: None }.encode()
}

#[test]
fn other_counters_are_not_looked_for_without_end() {
    // Two of them are more than is searched; what is not does not count.
    let large = zeros((1 << 20) + 1);
    let messages = [
        (READER, ESTABLISHMENT),
        (MDOC, DATA),
        (MDOC, large.as_slice()),
        (MDOC, large.as_slice()),
        (MDOC, DATA),
    ];
    let expected = [
        "it does not decrypt with the keys that were given: they are of another session, or it was changed",
        "it does not decrypt with the counter that is expected; \
         other counters and keys were not tried: no more than 2 MiB of such messages are searched",
        "it was encrypted with counter 1 where 4 is expected: it came twice, or its sender counts wrong",
    ];
    assert_eq!(faults(&of_session(&messages, &known())), expected);
}

#[test]
fn messages_without_a_key_leave_the_search_to_others() {
    let (late, most, more) = (sealed(b"SKDevice", 1, 3), zeros((2 << 20) - 16), zeros(17));
    let messages = [
        (READER, most.as_slice()),
        (READER, more.as_slice()),
        (MDOC, late.as_slice()),
    ];
    let explained = of_session(&messages, &knows_sk_device());
    assert_eq!(
        only_fault(&explained),
        "it was encrypted with counter 3 where 1 is expected: \
         a message before it is missing, or its sender counts wrong"
    );
    let unknown = "not decrypted: SKReader is not known";
    let not_tried =
        "other counters and keys were not tried: no more than 2 MiB of such messages are searched";
    assert_eq!(explained.parts[0].notes, [unknown]);
    assert_eq!(explained.parts[1].notes, [unknown, not_tried]);
    // With no key at all there is nothing to try.
    let explained = of_session(&messages, &Known::default());
    assert!(!explained.has_faults());
    assert_eq!(explained.parts[1].notes, [unknown]);
}

#[test]
fn keys_of_another_session_are_told() {
    let other = Known {
        e_device_key: Some(key(annex_d!("device_key.jwk.json"))),
        ..known()
    };
    let explained = of_session(&[(READER, ESTABLISHMENT)], &other);
    assert_eq!(
        only_fault(&explained),
        "the mdoc's private key that was given is not that of this session's public one"
    );
    // A QR code's transcript for a session that began over NFC.
    let transcript = known().transcript.unwrap();
    let first = Item::parse(transcript.raw(), &LIMITS)
        .unwrap()
        .array()
        .unwrap()
        .next();
    let engagement = Embedded::new(first.unwrap()).unwrap().content().to_vec();
    let qr = Known {
        engagement: Some(engagement),
        transcript: None,
        ..known()
    };
    let explained = of_session(&[(READER, ESTABLISHMENT)], &qr);
    assert!(only_fault(&explained).starts_with("it does not decrypt"));
    assert!(explained.text().contains("the transcript is that of a QR code"));
}

#[test]
fn statuses_are_told_apart() {
    let status = |number: u8| [b"\xa1\x66status".as_slice(), &[0x18, number]].concat();
    for (number, expected) in [
        (10, Some("the sender could not decrypt, or agree on keys")),
        (11, Some("the sender could not decode what it had received")),
        (20, None),
        (
            99,
            Some("status 99 is none that the standard defines; it ends the session"),
        ),
    ] {
        let message = if number < 24 {
            [b"\xa1\x66status".as_slice(), &[number]].concat()
        } else {
            status(number)
        };
        let explained = of_session(&[(MDOC, &message)], &Known::default());
        assert_eq!(
            faults(&explained),
            expected.map(str::to_owned).into_iter().collect::<Vec<_>>()
        );
    }
    let after = of_session(&[(READER, TERMINATION), (MDOC, DATA)], &Known::default());
    assert_eq!(
        only_fault(&after),
        "it comes after message 1 has ended the session"
    );
}

#[test]
fn what_is_no_message_is_told() {
    for (sender, message, expected) in [
        (MDOC, ESTABLISHMENT, "only the reader sends SessionEstablishment"),
        (
            READER,
            annex_d!("D.4.1.1_device_request.cbor"),
            "it is not encrypted: SessionEstablishment or SessionData is expected",
        ),
        (
            READER,
            ENGAGEMENT,
            "SessionEstablishment or SessionData is expected",
        ),
        (
            READER,
            b"\xa1\x61x\x01",
            "it has neither eReaderKey nor data nor a status alone",
        ),
        (
            MDOC,
            b"\xa1\x64data\x41\x00",
            "it is shorter than the tag of AES-GCM, 16 bytes",
        ),
    ] {
        let explained = of_session(&[(sender, message)], &Known::default());
        assert_eq!(only_fault(&explained), expected);
    }
    let cut = of_session(&[(MDOC, &DATA[..40])], &Known::default());
    assert!(only_fault(&cut).starts_with("it does not decode: "));
    let again = of_session(&[(READER, ESTABLISHMENT), (READER, ESTABLISHMENT)], &known());
    assert!(
        faults(&again).contains(
            &"the session was established before: only the first message has eReaderKey".to_owned()
        )
    );
}

#[test]
fn lines_are_messages() {
    let hex = engagement::hex;
    let text = format!(
        "# a session\r\nreader {}\n\nmdoc 0x{}\n-> {}  # the end\n",
        hex(ESTABLISHMENT),
        hex(DATA).to_uppercase(),
        hex(TERMINATION)
    );
    let explained = explain(text.as_bytes(), &known()).unwrap();
    assert_eq!((explained.has_faults(), explained.opened.len()), (false, 2));
    assert!(is_lines(text.as_bytes()));
    let bare = format!("{}\n{}\n", hex(ESTABLISHMENT), hex(DATA));
    assert!(is_lines(bare.as_bytes()) && is_lines(b"> state 01\n"));
    let (first, rest) = bare.split_at(100);
    let wrapped = format!("{first}\n{rest}");
    assert!(!is_lines(wrapped.as_bytes()) && !is_lines(b"mdoc:owBj") && !is_lines(hex(DATA).as_bytes()));
    for (text, number, fault) in [
        ("reader a1\nreader xyz", 2, "has something else than a sender"),
        ("\nreader", 2, "has nobody's bytes"),
        ("state 01", 1, "has no sender"),
        ("reader a0\nmdoc state 01", 2, "is of another kind"),
        ("\n\n", 1, "and all others are empty"),
        ("hello", 1, "has something else"),
    ] {
        let error = explain(text.as_bytes(), &Known::default()).unwrap_err();
        let expected = format!("a text of which line {number} {fault}");
        assert!(error.to_string().starts_with(&expected), "{text:?}: {error}");
    }
}

#[test]
fn long_names_and_many_faults_make_no_long_list() {
    let name = "ä".repeat(2_000);
    let node = (0..2_000).fold(Node::new("document"), |node, _| {
        node.part(Node::new(name.as_str()).fault("it is wrong"))
    });
    let listed = tree::faults(&[node]);
    assert_eq!(listed.len(), 1_001);
    assert_eq!(listed[0]["at"][1], format!("{}…", "ä".repeat(1_300)));
    let last = serde_json::json!({"at": [], "message": "only the first 1000 of 2000 faults are listed"});
    assert_eq!(listed[1_000], last);
}

#[test]
fn other_structures_are_named() {
    let response = annex_d!("D.4.1.2_device_response.cbor");
    assert_eq!(
        explain(response, &Known::default()).unwrap_err(),
        NoExplanation::Other(Structure::DeviceResponse)
    );
}

#[test]
fn no_key_is_in_what_comes_out() {
    let known = known();
    let explained = of_session(&[(READER, ESTABLISHMENT), (MDOC, DATA)], &known);
    let key = engagement::hex(device_key().dangerous_bytes());
    let all = format!("{}{}{known:?}{explained:?}", explained.text(), explained.json());
    assert!(!all.to_lowercase().contains(&key));
    assert!(!format!("{:?}", explained.opened).contains("Doe"));
}

proptest! {
    #[test]
    fn any_bytes_are_explained_or_refused(
        start in proptest::sample::select(vec![
            &b""[..], b"btsnoop\0\0\0\0\x01\0\0\x03\xea", b"btsnoop\0\0\0\0\x01\0\0\x07\xd1", b"\xa2\x64data",
            b"\xa1\x66status", b"reader server2client ", b"mdoc state ", b"\xa2\x6aeReaderKey", b"\x83",
        ]),
        bytes in proptest::collection::vec(any::<u8>(), 0..300),
    ) {
        let bytes = [start, &bytes].concat();
        if let Ok(explained) = explain(&bytes, &known()) {
            prop_assert!(!explained.text().is_empty() && explained.json().is_object());
        }
    }

    #[test]
    fn any_text_of_lines_is_explained_or_refused(
        lines in proptest::collection::vec("(reader|mdoc|<|>)? ?(state|client2server|server2client|ident)? [0-9a-f]{0,40}", 0..20),
    ) {
        if let Ok(explained) = explain(lines.join("\n").as_bytes(), &known()) {
            prop_assert!(!explained.text().is_empty());
        }
    }

    #[test]
    fn damaged_messages_are_explained(at in 0..400_usize, bit in 0..8_u8, which in 0..3_usize) {
        let mut messages = [ESTABLISHMENT.to_vec(), DATA.to_vec(), TERMINATION.to_vec()];
        let len = messages[which].len();
        messages[which][at % len] ^= 1 << bit;
        let messages = messages.map(|message| (None, message));
        let explained = session(&messages, &known());
        prop_assert!(explained.has_faults(), "{}", explained.text());
    }
}
