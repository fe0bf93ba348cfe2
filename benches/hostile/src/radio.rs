//! What comes over Bluetooth: ten megabytes for the machine of a transaction, in pieces of every size.

use core::time::Duration;

use mdoc_core::ble::Characteristic::{Server2Client, State};
use mdoc_core::ble::frame::Room;
use mdoc_core::ble::link::{Action, Gatt, Input, Link, Peer, Role, Setup, Timeouts};

use crate::SIZE;
use crate::cbor::LIMITS;
use crate::measure::{Answer, Bounds, Case};

const PEER: Peer = Peer(1);

/// A reader that is connected and may be answered, over GATT or over a channel.
fn open(channel: bool) -> Link {
    let setup = Setup {
        role: Role::Reader,
        gatt: Gatt::Client,
        ident: [9; 16],
        l2cap: channel,
        timeouts: Timeouts::default(),
        limits: LIMITS,
    };
    let mut link = Link::new(setup, Duration::ZERO);
    let inputs = if channel {
        vec![Input::Channel { peer: PEER }]
    } else {
        let subscribed = |characteristic| Input::Subscribed {
            peer: PEER,
            characteristic,
        };
        vec![
            Input::Connected {
                peer: PEER,
                room: Room::of_mtu(515),
            },
            subscribed(State),
            subscribed(Server2Client),
            Input::Sent,
        ]
    };
    let mut ready = false;
    for input in inputs {
        link.handle(input, Duration::ZERO);
        while let Some(action) = link.poll() {
            ready |= action == Action::Ready;
        }
    }
    assert!(ready, "the link is not open");
    link
}

/// Gives pieces until there are none or the link ends, and says what came out.
fn drive<'b>(channel: bool, pieces: impl Iterator<Item = &'b [u8]>) -> Answer {
    let mut link = open(channel);
    let (mut messages, mut taken) = (0, 0);
    for piece in pieces {
        let piece = piece.to_vec();
        link.handle(
            if channel {
                Input::Bytes {
                    peer: PEER,
                    bytes: piece,
                }
            } else {
                Input::Value {
                    peer: PEER,
                    characteristic: Server2Client,
                    value: piece,
                }
            },
            Duration::ZERO,
        );
        while let Some(action) = link.poll() {
            match action {
                Action::Message(message) => {
                    messages += 1;
                    taken += message.len();
                }
                Action::Over(ending) => return Err(ending.to_string()),
                _ => {}
            }
        }
    }
    Ok(format!("{messages} messages, {taken} bytes"))
}

/// All of it.
pub(crate) fn cases(run: &mut dyn FnMut(Case<'_>)) {
    // As small as they can be, there are millions of them: at a thousand a second that would take more than an hour.
    let streamed = Bounds {
        millis: 2_000.0,
        times: 2.0,
    };
    for (input, size, flag) in [
        ("fragments of 512 bytes that do not end", 512, 1),
        ("fragments of 20 bytes that do not end", 20, 1),
        ("fragments of two bytes that do not end", 2, 1),
        ("messages of one fragment of 512 bytes", 512, 0),
        ("messages of one byte", 2, 0),
        ("fragments that say neither", 512, 2),
        ("one fragment of 10 MB", SIZE, 1),
        ("one message of 10 MB", SIZE, 0),
    ] {
        let mut bytes = vec![7; SIZE / size * size];
        bytes.chunks_mut(size).for_each(|piece| piece[0] = flag);
        let decode = |bytes: &[u8]| drive(false, bytes.chunks(size));
        let case = Case::new("Link, fragments", input, &bytes, &decode);
        let case = if flag == 0 && size < SIZE {
            case.decided()
        } else {
            case
        };
        run(if size < 100 {
            Case {
                bounds: streamed,
                ..case
            }
        } else {
            case
        });
    }
    for (input, length, message, size) in [
        ("a message of 2³² bytes, 4 KB at once", u32::MAX, 4_096, 4_096),
        ("messages of a byte, 64 KB at once", 1, 1, 65_536),
        ("messages of a byte, 512 bytes at once", 1, 1, 512),
        ("messages of 4 MB, 4 KB at once", 4 << 20, 4 << 20, 4_096),
        ("messages of 4 MB, a byte at once", 4 << 20, 4 << 20, 1),
        (
            "a message that is too large by a byte",
            (4 << 20) + 1,
            4 << 20,
            4_096,
        ),
    ] {
        let one = [&u32::to_be_bytes(length)[..], &vec![7; message]].concat();
        let bytes = one.repeat(SIZE.div_ceil(one.len()));
        let decode = |bytes: &[u8]| drive(true, bytes.chunks(size));
        let case = Case::new("Link, a channel", input, &bytes, &decode);
        let case = if length <= 4 << 20 { case.decided() } else { case };
        run(if size == 1 || message == 1 {
            Case {
                bounds: streamed,
                ..case
            }
        } else {
            case
        });
    }
}
