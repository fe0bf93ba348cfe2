//! Bluetooth: as lines, and as btsnoop files that are made here, packet by packet.

use mdoc_core::ble::frame::{Fragments, Room};
use mdoc_core::ble::{Characteristic, Service, ident};
use mdoc_core::crypto::fastest;
use mdoc_core::engagement::DeviceEngagement;

use super::*;

/// The engagement of the session of the annex, which began over NFC.
fn engagement() -> Vec<u8> {
    let transcript = SessionTranscript::decode(TRANSCRIPT, &LIMITS).unwrap();
    let parts = Item::parse(transcript.raw(), &LIMITS).unwrap().array();
    let first = parts.unwrap().next().unwrap();
    Embedded::new(first).unwrap().content().to_vec()
}

fn with_engagement() -> Known {
    Known {
        engagement: Some(engagement()),
        ..known()
    }
}

fn right_ident() -> [u8; 16] {
    let engagement = engagement();
    let read = DeviceEngagement::decode(&engagement, &LIMITS).unwrap();
    ident(read.e_device_key_bytes.raw(), fastest())
}

fn fragments(message: &[u8], mtu: u16) -> Vec<Vec<u8>> {
    Fragments::new(message.to_vec(), Room::of_mtu(mtu)).collect()
}

/// A transaction in mdoc central client mode, as lines.
fn lines() -> Vec<String> {
    let line = |who: &str, what: &str, value: &[u8]| format!("{who} {what} {}", engagement::hex(value));
    let mut lines = vec![
        line("reader", "ident", &right_ident()),
        line("mdoc", "state", &[1]),
    ];
    lines.extend(
        fragments(ESTABLISHMENT, 185)
            .iter()
            .map(|value| line("reader", "server2client", value)),
    );
    lines.extend(
        fragments(DATA, 185)
            .iter()
            .map(|value| line("mdoc", "client2server", value)),
    );
    lines.push(line("reader", "server2client", &[&[0], TERMINATION].concat()));
    lines.push(line("reader", "state", &[2]));
    lines
}

fn explained(lines: &[String]) -> Explanation {
    explain(lines.join("\n").as_bytes(), &with_engagement()).unwrap()
}

use super::super::engagement;

#[test]
fn a_transaction_is_joined_and_opened() {
    let explained = explained(&lines());
    let text = explained.text();
    assert!(faults(&explained).is_empty(), "{text}");
    assert_eq!(explained.opened.len(), 2);
    for expected in [
        "mdoc central client mode: the reader is the GATT server",
        "as it follows from the engagement",
        "State: Start, from the mdoc",
        "State: End, from the reader",
        "family_name: \"Doe\"",
    ] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
}

#[test]
fn what_is_wrong_on_the_link_is_named() {
    let good = lines();
    let last = |what: &str| good.iter().rposition(|line| line.starts_with(what)).unwrap();
    let with = |at: usize, line: &str| {
        let mut lines = good.clone();
        lines[at] = line.to_owned();
        faults(&explained(&lines))
    };
    let without = |at: usize| {
        let mut lines = good.clone();
        lines.remove(at);
        faults(&explained(&lines))
    };
    let first_data = good
        .iter()
        .position(|line| line.contains("client2server"))
        .unwrap();
    let flag = good[first_data].replacen("client2server 01", "client2server 05", 1);
    let wrong_flag = with(first_data, &flag);
    assert!(
        wrong_flag[0]
            .starts_with("a fragment begins with 0x05 where 0x00 or 0x01 is expected; it is 182 bytes"),
        "{wrong_flag:?}"
    );
    let missing = without(last("mdoc client2server"));
    assert_eq!(
        missing,
        ["the last fragment is missing (first byte 00), and the message is not whole"]
    );
    let forgotten = good[last("mdoc client2server")].replacen("client2server 00", "client2server 01", 1);
    assert_eq!(
        with(last("mdoc client2server"), &forgotten),
        ["no fragment says that it is the last (first byte 00); the message is whole all the same"]
    );
    let ident = with(0, "reader ident 00112233445566778899aabbccddeeff");
    let expected = engagement::hex(&right_ident());
    assert_eq!(
        ident,
        [format!(
            "it is not that of the engagement, {expected}: the mdoc will not go on"
        )]
    );
    assert_eq!(with(0, "reader ident 0011"), ["Ident has 16 bytes"]);
    assert_eq!(with(1, "mdoc state 07"), ["State is 01 (Start) or 02 (End)"]);
    assert_eq!(with(1, "reader state 01"), ["only the client says Start"]);
    let mut after = good.clone();
    after.push("mdoc client2server 00a0".to_owned());
    let after = faults(&explained(&after));
    assert!(
        after.contains(&"it comes after State has said End".to_owned()),
        "{after:?}"
    );
    let mode = with(1, "reader client2server 00a0");
    assert!(
        mode.contains(&"a value is of the other mode than those before".to_owned()),
        "{mode:?}"
    );
}

/// How a file tells packets apart.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Link {
    Plain,
    Uart,
    Monitor,
}

/// A btsnoop file in the making.
struct File {
    link: Link,
    bytes: Vec<u8>,
    /// The number of the adapter, in the form that has one.
    adapter: u32,
    /// Over an enhanced channel, in pieces.
    enhanced: bool,
}

const CONNECTION: u16 = 0x0040;

impl File {
    fn new(link: Link) -> Self {
        let mut bytes = b"btsnoop\0\0\0\0\x01".to_vec();
        let number: u32 = match link {
            Link::Plain => 1001,
            Link::Uart => 1002,
            Link::Monitor => 2001,
        };
        bytes.extend(number.to_be_bytes());
        Self {
            link,
            bytes,
            adapter: 0,
            enhanced: false,
        }
    }

    fn record(&mut self, sent: bool, event: bool, data: &[u8]) {
        let direction = u32::from(!sent);
        let (flags, data) = match self.link {
            Link::Plain => (direction | u32::from(event) << 1, data.to_vec()),
            Link::Uart => {
                let kind = if event { 4 } else { 2 };
                (direction | u32::from(event) << 1, [&[kind], data].concat())
            }
            Link::Monitor => (
                self.adapter << 16 | if event { 3 } else { 4 + direction },
                data.to_vec(),
            ),
        };
        let len = u32::try_from(data.len()).unwrap();
        for number in [len, len, flags, 0] {
            self.bytes.extend(number.to_be_bytes());
        }
        self.bytes.extend(0x00e1_2345_6789_abcd_u64.to_be_bytes());
        self.bytes.extend(data);
    }

    fn connected(&mut self, role: u8) {
        let mut event = vec![0x3e, 19, 1, 0];
        event.extend(CONNECTION.to_le_bytes());
        event.push(role);
        event.extend([0; 14]);
        self.record(false, true, &event);
    }

    fn disconnected(&mut self, reason: u8) {
        let [low, high] = CONNECTION.to_le_bytes();
        self.record(false, true, &[5, 4, 0, low, high, reason]);
    }

    /// A PDU of the attribute protocol.
    fn att(&mut self, sent: bool, pdu: &[u8]) {
        if !self.enhanced {
            return self.l2cap(sent, 4, pdu);
        }
        // What this host receives on 0x40, the other one receives on 0x51.
        let len = u16::try_from(pdu.len()).unwrap().to_le_bytes();
        for piece in [&len[..], pdu].concat().chunks(60) {
            self.l2cap(sent, if sent { 0x51 } else { 0x40 }, piece);
        }
    }

    /// The signals that open an enhanced channel.
    fn open_enhanced(&mut self) {
        let request = [0x17, 1, 10, 0, 0x27, 0, 0, 2, 64, 0, 9, 0, 0x40, 0];
        self.l2cap(true, 5, &request);
        self.l2cap(false, 5, &[0x18, 1, 10, 0, 0, 2, 64, 0, 9, 0, 0, 0, 0x51, 0]);
        self.enhanced = true;
    }

    /// A frame, in packets of at most 27 bytes.
    fn l2cap(&mut self, sent: bool, channel: u16, payload: &[u8]) {
        let len = u16::try_from(payload.len()).unwrap();
        let l2cap = [&len.to_le_bytes()[..], &channel.to_le_bytes(), payload].concat();
        for (index, part) in l2cap.chunks(27).enumerate() {
            let begins = if sent { 0 } else { 2 };
            let boundary: u16 = if index == 0 { begins } else { 1 };
            let head = (CONNECTION | boundary << 12).to_le_bytes();
            let len = u16::try_from(part.len()).unwrap().to_le_bytes();
            self.record(sent, false, &[&head[..], &len, part].concat());
        }
    }

    /// Discovery of these characteristics, at 0x10, 0x13, …, by a client that has sent `asked`.
    fn discovered(&mut self, service: Service, client_sent: bool) {
        for (index, characteristic) in CHARACTERISTICS.iter().enumerate() {
            let Some(uuid) = characteristic.uuid(service) else {
                continue;
            };
            let handle = 0x0f + 3 * u16::try_from(index).unwrap();
            self.att(client_sent, &[8, 1, 0, 0xff, 0xff, 3, 0x28]);
            let mut pdu = vec![9, 21];
            pdu.extend(handle.to_le_bytes());
            pdu.push(0x14);
            pdu.extend((handle + 1).to_le_bytes());
            pdu.extend(uuid.0.iter().rev());
            self.att(!client_sent, &pdu);
        }
        self.att(!client_sent, &[1, 8, 0x20, 0, 0x0a]);
    }
}

const CHARACTERISTICS: [Characteristic; 4] = [
    Characteristic::State,
    Characteristic::Client2Server,
    Characteristic::Server2Client,
    Characteristic::Ident,
];

/// The handle of a value.
fn handle(characteristic: Characteristic) -> [u8; 2] {
    let index = CHARACTERISTICS.iter().position(|c| *c == characteristic).unwrap();
    (0x10 + 3 * u16::try_from(index).unwrap()).to_le_bytes()
}

fn pdu(opcode: u8, characteristic: Characteristic, value: &[u8]) -> Vec<u8> {
    [&[opcode], &handle(characteristic)[..], value].concat()
}

/// A whole transaction, recorded at the reader: a client if the service is the mdoc's.
fn transaction(link: Link, service: Service) -> File {
    let mut file = File::new(link);
    record(&mut file, service);
    file
}

fn record(file: &mut File, service: Service) {
    use Characteristic::{Client2Server, Ident, Server2Client, State};
    let reader_is_client = service == Service::Mdoc;
    let client = reader_is_client;
    file.connected(u8::from(!reader_is_client));
    file.att(client, &[2, 0xf7, 0]);
    file.att(!client, &[3, 0xb9, 0]);
    if file.adapter > 0 {
        file.open_enhanced();
    }
    file.discovered(service, client);
    if service == Service::Reader {
        file.att(client, &pdu(0x0a, Ident, &[]));
        file.att(!client, &[&[0x0b], &right_ident()[..]].concat());
    }
    for characteristic in [State, Server2Client] {
        let [low, high] = handle(characteristic);
        file.att(client, &[0x12, low + 1, high, 1, 0]);
        file.att(!client, &[0x13]);
    }
    file.att(client, &pdu(0x52, State, &[1]));
    for (message, reader) in [(ESTABLISHMENT, true), (DATA, false)] {
        for value in fragments(message, 185) {
            let by_client = reader == reader_is_client;
            let sent = reader;
            match by_client {
                true => file.att(sent, &pdu(0x52, Client2Server, &value)),
                false => file.att(sent, &pdu(0x1b, Server2Client, &value)),
            }
        }
    }
    let opcode = if reader_is_client { 0x52 } else { 0x1b };
    file.att(true, &pdu(opcode, State, &[2]));
    file.disconnected(0x13);
}

/// BlueZ to BlueZ: over channels of their own, and both ends in one trace.
#[test]
fn enhanced_channels_are_read_and_one_adapter_of_several() {
    let mut file = File::new(Link::Monitor);
    file.adapter = 1;
    record(&mut file, Service::Reader);
    file.adapter = 2;
    file.enhanced = false;
    record(&mut file, Service::Reader);
    let explained = explain(&file.bytes, &with_engagement()).unwrap();
    let text = explained.text();
    assert!(faults(&explained).is_empty(), "{text}");
    assert_eq!(explained.opened.len(), 2, "{text}");
    assert!(text.contains("there are several adapters in the trace, adapter 1 is looked at"));
}

#[test]
fn a_disconnection_ends_what_belongs_to_it_and_nothing_else() {
    use crate::decode::btsnoop::{Packet, packets};
    let mut file = File::new(Link::Monitor);
    let piece = |file: &mut File, boundary: u16, data: &[u8]| {
        let head = (CONNECTION | boundary << 12).to_le_bytes();
        let len = u16::try_from(data.len()).unwrap().to_le_bytes();
        file.record(true, false, &[&head[..], &len, data].concat());
    };
    for adapter in [1, 2] {
        file.adapter = adapter;
        file.open_enhanced();
        piece(&mut file, 0, &[3, 0, 4, 0, 0x0a]);
    }
    file.adapter = 1;
    file.disconnected(0x13);
    for adapter in [1, 2] {
        file.adapter = adapter;
        piece(&mut file, 1, &[0x10, 0]);
        file.att(true, &[0x0a, 0x13, 0]);
    }
    let read = packets(&file.bytes).unwrap();
    let adapters = read.acl.iter().filter_map(|packet| match packet {
        Packet::Att { connection, .. } => Some(*connection >> 16),
        _ => None,
    });
    assert_eq!(adapters.collect::<Vec<_>>(), [2, 2]);
}

#[test]
fn a_trace_is_read_down_to_the_documents() {
    for link in [Link::Plain, Link::Uart, Link::Monitor] {
        for (service, mode) in [
            (Service::Mdoc, "mdoc peripheral server mode"),
            (Service::Reader, "mdoc central client mode"),
        ] {
            let file = transaction(link, service);
            let explained = explain(&file.bytes, &with_engagement()).unwrap();
            let text = explained.text();
            assert!(faults(&explained).is_empty(), "{link:?} {text}");
            assert_eq!(explained.opened.len(), 2, "{link:?} {text}");
            for expected in [
                mode,
                "connection 0x0040: MTU 185, fragments of at most 182 bytes",
                "the client subscribes to Server2Client",
                "State: Start",
                "family_name: \"Doe\"",
                "State: End, from the reader",
                "disconnected: by the other side (reason 0x13)",
            ] {
                assert!(text.contains(expected), "{expected}: {text}");
            }
            assert_eq!(text.contains("as it follows"), service == Service::Reader);
        }
    }
}

#[test]
fn a_trace_without_discovery_is_told() {
    let mut file = File::new(Link::Uart);
    file.connected(0);
    file.att(true, &pdu(0x52, Characteristic::State, &[1]));
    file.att(false, &pdu(0x1b, Characteristic::Server2Client, &[0, 1]));
    let explained = explain(&file.bytes, &Known::default()).unwrap();
    let faults = faults(&explained);
    assert!(
        faults.len() == 1 && faults[0].starts_with("2 values are of handles that nothing in the trace names"),
        "{faults:?}"
    );
    let empty = explain(&File::new(Link::Plain).bytes, &Known::default()).unwrap();
    assert!(!empty.has_faults());
    assert!(empty.text().contains("no characteristic of the standard"));
}

#[test]
fn traces_that_are_damaged_are_told() {
    let good = transaction(Link::Uart, Service::Mdoc).bytes;
    let cut = explain(&good[..good.len() - 3], &with_engagement()).unwrap();
    assert!(faults(&cut).contains(&"the file is cut off in its last packet".to_owned()));
    for (bytes, fault) in [
        (&good[..10], "that is cut off in its header"),
        (b"btsnoop\0\0\0\0\x02\0\0\x03\xea", "of another version than 1"),
        (
            b"btsnoop\0\0\0\0\x01\0\0\0\x01",
            "of another link than HCI (1001, 1002, 2001)",
        ),
    ] {
        assert_eq!(
            explain(bytes, &Known::default()).unwrap_err(),
            NoExplanation::Trace(fault)
        );
    }
}

#[test]
fn refusals_and_a_connection_that_is_lost_are_told() {
    use Characteristic::{Client2Server, Ident};
    let mut file = File::new(Link::Monitor);
    file.connected(0);
    file.discovered(Service::Mdoc, true);
    for value in fragments(DATA, 185).iter().take(2) {
        file.att(true, &pdu(0x52, Client2Server, value));
    }
    let [low, high] = handle(Client2Server);
    file.att(true, &[0x12, low, high, 1]);
    file.att(false, &[1, 0x12, low, high, 0x03]);
    file.disconnected(0x08);
    let explained = explain(&file.bytes, &Known::default()).unwrap();
    let all = faults(&explained);
    assert!(
        all.contains(&"writing Client2Server was refused with error 0x03".to_owned()),
        "{all:?}"
    );
    assert!(
        all.contains(
            &"the last fragment is missing (first byte 00), and the message is not whole".to_owned()
        ),
        "{all:?}"
    );
    assert!(explained.text().contains("the other side was not heard any more"));
    assert!(Ident.uuid(Service::Mdoc).is_none());
}
