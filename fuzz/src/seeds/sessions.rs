//! Of sessions, of Bluetooth and of status lists.

use integration::statuses::claims;
use mdoc_core::ble::frame::{Fragments, Room};
use mdoc_core::ble::{Characteristic, Service};
use mdoc_core::session::{SessionData, Status};
use mdoc_core::status::{Bits, Claims, Content, IdentifierList};

use crate::fixtures::{files, world};
use crate::sessions::conversation;
use crate::statuses::IDENTIFIER;

pub(crate) fn session() -> Vec<Vec<u8>> {
    let made = conversation();
    let mut all = vec![
        made.hello.clone(),
        made.reply.clone(),
        SessionData::status(Status::Termination).encode(),
    ];
    all.extend(files(
        "annex-d",
        &["session_establishment.cbor", "session_termination.cbor"],
    ));
    all
}

/// The session as it is captured: a message each, lines of messages and of fragments, and traces in each form.
pub(crate) fn decode() -> Vec<Vec<u8>> {
    let made = conversation();
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let fragments = |message: &[u8], who: &str, to: &str| {
        let room = Room::of_mtu(100);
        let lines =
            Fragments::new(message.to_vec(), room).map(|value| format!("{who} {to} {}\n", hex(&value)));
        lines.collect::<String>()
    };
    let messages = format!("reader {}\nmdoc {}\n", hex(&made.hello), hex(&made.reply));
    let link = format!(
        "reader ident 00\nmdoc state 01\n{}{}reader state 02\n",
        fragments(&made.hello, "reader", "server2client"),
        fragments(&made.reply, "mdoc", "client2server")
    );
    let mut all = vec![
        made.engagement().to_vec(),
        made.hello.clone(),
        made.reply.clone(),
        messages.into_bytes(),
        link.into_bytes(),
    ];
    all.extend(files("annex-d", &["engagement.cbor", "transcript.cbor"]));
    all.extend([1001, 1002, 2001].map(trace));
    all
}

/// A btsnoop file: a connection, the discovery of the reader's characteristics, the mdoc's answer in notifications.
fn trace(form: u32) -> Vec<u8> {
    let mut file = b"btsnoop\0\0\0\0\x01".to_vec();
    file.extend(form.to_be_bytes());
    let mut record = |event: bool, data: &[u8]| {
        let kind: &[u8] = match (form, event) {
            (1002, true) => &[4],
            (1002, false) => &[2],
            _ => &[],
        };
        let flags: u32 = match (form, event) {
            (2001, true) => 3,
            (2001, false) => 5,
            (_, true) => 3,
            (_, false) => 1,
        };
        let length = u32::try_from(kind.len() + data.len()).unwrap();
        for number in [length, length, flags, 0, 0, 0] {
            file.extend(number.to_be_bytes());
        }
        file.extend(kind);
        file.extend(data);
    };
    record(true, &[0x3e, 19, 1, 0, 0x40, 0, 0, 0, 0]);
    let mut att = |pdu: &[u8]| {
        let length = u16::try_from(pdu.len()).unwrap();
        let (whole, inner) = ((length + 4).to_le_bytes(), length.to_le_bytes());
        record(false, &[&[0x40, 0x20], &whole[..], &inner, &[4, 0], pdu].concat());
    };
    for (handle, characteristic) in [
        (0x10, Characteristic::State),
        (0x13, Characteristic::Server2Client),
    ] {
        let uuid = characteristic.uuid(Service::Mdoc).unwrap().0;
        let reversed: Vec<u8> = uuid.into_iter().rev().collect();
        att(&[&[9, 21, handle - 1, 0, 0x10, handle, 0], reversed.as_slice()].concat());
    }
    for value in Fragments::new(conversation().reply.clone(), Room::of_mtu(60)) {
        att(&[&[0x1b, 0x13, 0], value.as_slice()].concat());
    }
    att(&[0x1b, 0x10, 0, 2]);
    file
}

/// Transactions as they go, for each of the four ends: connected, subscribed, started, a message each way, the end.
pub(crate) fn ble_link() -> Vec<Vec<u8>> {
    let client = |first| {
        [
            first, 0, 63, 2, 9, 3, 0, 3, 8, 6, 0, 10, 80, 6, 0, 6, 0, 4, 8, 3, 0, 0xa0, 1, 11, 0, 6, 0, 9, 0,
        ]
    };
    let server = |first| {
        [
            first, 0, 63, 3, 0, 3, 8, 4, 0, 1, 1, 4, 4, 3, 0, 0xa0, 1, 10, 80, 6, 0, 6, 0, 8, 0, 9, 0, 9, 0,
        ]
    };
    let mut all = vec![
        client(0).to_vec(),
        client(1).to_vec(),
        server(2).to_vec(),
        server(3).to_vec(),
        // Over a channel: a reader that knows its number, an mdoc that is spoken to, and a reader that gets none.
        vec![
            5, 12, 0, 10, 80, 6, 0, 14, 0, 7, 0, 0, 0, 3, 0xa0, 1, 2, 11, 0, 9, 0,
        ],
        vec![
            6, 12, 0, 14, 0, 5, 0, 0, 0, 1, 0xa0, 10, 80, 6, 0, 14, 0, 4, 0, 0, 0, 0, 8, 0,
        ],
        vec![5, 0, 63, 13, 0, 3, 0, 3, 8, 6, 0, 10, 80, 6, 0, 11, 0, 9, 0],
    ];
    // The Ident that an mdoc looks for.
    all[0][3] = 2;
    all[0][4] = 8;
    all
}

pub(crate) fn status_token() -> Vec<Vec<u8>> {
    files("status-list", &[".cbor"])
}

/// Lists with each answer, behind the byte that says how they are looked at.
pub(crate) fn status_check() -> Vec<Vec<u8>> {
    let world = world();
    let mut all = Vec::new();
    let mut add = |how: u8, claims: &Claims| all.push([&[how], claims.encode().as_slice()].concat());
    for (bits, value) in [
        (Bits::One, 0),
        (Bits::One, 1),
        (Bits::Two, 2),
        (Bits::Four, 12),
        (Bits::Eight, 200),
    ] {
        let claims = claims(world, bits, value);
        for how in [0, 2, 4, 8, 0x80] {
            add(how, &claims);
        }
    }
    let good = claims(world, Bits::One, 0);
    for id in [IDENTIFIER, b"other"] {
        let list = IdentifierList {
            identifiers: [id.to_vec()].into(),
            aggregation_uri: Some("https://a".to_owned()),
        };
        let content = Content::IdentifierList(list);
        let not_before = Some(world.now);
        add(
            1,
            &Claims {
                content,
                not_before,
                ..good.clone()
            },
        );
    }
    add(
        0,
        &Claims {
            expires: None,
            ttl: None,
            ..good
        },
    );
    all
}
