//! The attribute protocol: which characteristic has which handle, and what is written, notified and read.
//!
//! Source: Bluetooth Core 5.4, Vol 3, Part F, 3.4.

use std::collections::{BTreeMap, BTreeSet};

use mdoc_core::ble::{Characteristic, Service, Uuid};
use mdoc_core::session::capture::Sender;

use super::btsnoop::{Connection, Packet};
use super::link::Event;

const ALL: [Characteristic; 5] = [
    Characteristic::State,
    Characteristic::Client2Server,
    Characteristic::Server2Client,
    Characteristic::Ident,
    Characteristic::L2cap,
];

/// Most handles of a server that are remembered.
const MOST_HANDLES: usize = 4096;

/// A GATT server: a connection, and whether it is this host.
type Server = (Connection, bool);

#[derive(Default)]
struct Reader {
    /// Handles of values, as discovery names them.
    known: BTreeMap<Server, BTreeMap<u16, (Service, Characteristic)>>,
    /// What a client has asked to read.
    reading: BTreeMap<Server, u16>,
    /// Connections of which something of the standard was seen.
    ours: BTreeSet<Connection>,
    connected: BTreeMap<Connection, bool>,
    /// Values of handles that nothing has named.
    unnamed: BTreeMap<Server, usize>,
    mtu: BTreeMap<Connection, u16>,
    current: Option<Connection>,
    /// The adapter that is looked at, and whether others have seen something of the standard.
    adapter: Option<u32>,
    others: bool,
    events: Vec<Event>,
}

/// What of the packets belongs to the standard.
pub(super) fn events(packets: &[Packet]) -> Vec<Event> {
    let mut reader = Reader::default();
    for packet in packets {
        match packet {
            Packet::Connected { connection, central } => reader.connected(*connection, *central),
            Packet::Disconnected { connection, reason } => reader.disconnected(*connection, *reason),
            Packet::Att {
                connection,
                sent,
                pdu,
            } => {
                // A PDU that is too short says nothing.
                if reader.is_looked_at(*connection) {
                    let _ = reader.pdu(*connection, *sent, pdu);
                }
            }
        }
    }
    reader.finish()
}

fn handle(bytes: &[u8]) -> Option<(u16, &[u8])> {
    let (handle, rest) = bytes.split_first_chunk::<2>()?;
    Some((u16::from_le_bytes(*handle), rest))
}

/// The characteristic with a UUID, which the air has with its last byte first.
fn characteristic(reversed: &[u8; 16]) -> Option<(Service, Characteristic)> {
    let mut uuid = *reversed;
    uuid.reverse();
    let services = [Service::Mdoc, Service::Reader].into_iter();
    let mut all = services.flat_map(|service| ALL.map(|characteristic| (service, characteristic)));
    all.find(|(service, characteristic)| characteristic.uuid(*service) == Some(Uuid(uuid)))
}

impl Reader {
    fn connected(&mut self, connection: Connection, central: bool) {
        for own in [true, false] {
            self.known.remove(&(connection, own));
            self.reading.remove(&(connection, own));
        }
        self.mtu.remove(&connection);
        self.ours.remove(&connection);
        self.connected.insert(connection, central);
    }

    fn disconnected(&mut self, connection: Connection, reason: u8) {
        if self.ours.remove(&connection) {
            let words = match reason {
                0x08 => "the other side was not heard any more",
                0x13 => "by the other side",
                0x16 => "by this side",
                0x3e => "it was never established",
                _ => "",
            };
            let words = match words {
                "" => format!("disconnected, reason {reason:#04x}"),
                words => format!("disconnected: {words} (reason {reason:#04x})"),
            };
            self.events.push(Event::Disconnected(words));
        }
        self.current = self.current.filter(|current| *current != connection);
    }

    /// A trace of both ends has everything twice: that adapter is looked at which comes first.
    fn is_looked_at(&mut self, connection: Connection) -> bool {
        let looked_at = self.adapter.is_none_or(|adapter| adapter == connection >> 16);
        self.others |= !looked_at;
        looked_at
    }

    /// From now on it is about this connection.
    fn take(&mut self, connection: Connection) {
        self.ours.insert(connection);
        self.adapter = Some(connection >> 16);
        if self.current == Some(connection) {
            return;
        }
        self.current = Some(connection);
        let how = match self.connected.get(&connection) {
            Some(true) => ", opened by this host",
            Some(false) => ", opened by the other device",
            None => ", which began before the trace",
        };
        self.events.push(Event::Connected(format!(
            "connection {:#06x}{how}",
            connection & 0xffff
        )));
    }

    fn pdu(&mut self, connection: Connection, sent: bool, pdu: &[u8]) -> Option<()> {
        let (opcode, rest) = pdu.split_first()?;
        // Requests and commands come from the client, the rest from the server.
        let to_server = (connection, !sent);
        let from_server = (connection, sent);
        match opcode {
            0x01 => self.error(from_server, rest)?,
            0x02 | 0x03 => {
                let (mtu, _) = handle(rest)?;
                let smaller = self.mtu.get(&connection).map_or(mtu, |other| mtu.min(*other));
                self.mtu.insert(connection, smaller);
            }
            0x09 => self.declarations(from_server, rest)?,
            0x0a => {
                self.reading.insert(to_server, handle(rest)?.0);
            }
            0x0b => {
                let handle = self.reading.remove(&from_server)?;
                self.read(from_server, handle, rest);
            }
            0x12 | 0x52 => {
                let (handle, value) = handle(rest)?;
                self.written(to_server, handle, value, *opcode == 0x12);
            }
            0x16 => {
                let (handle, _) = handle(rest)?;
                if let Some((_, characteristic)) = self.named(to_server, handle) {
                    let text = format!(
                        "{characteristic:?} is written in parts (prepared writes), which is not joined here"
                    );
                    self.events.push(Event::Fault(text));
                }
            }
            0x1b | 0x1d => {
                let (handle, value) = handle(rest)?;
                self.notified(from_server, handle, value, *opcode == 0x1d);
            }
            _ => {}
        }
        Some(())
    }

    /// A Read By Type Response: declarations of characteristics with long UUIDs have 21 bytes.
    fn declarations(&mut self, server: Server, rest: &[u8]) -> Option<()> {
        let (length, list) = rest.split_first()?;
        if *length != 21 {
            return Some(());
        }
        for declaration in list.chunks_exact(21) {
            let (value_handle, uuid) = handle(declaration.get(3..)?)?;
            let Some(found) = characteristic(uuid.first_chunk()?) else {
                continue;
            };
            self.take(server.0);
            let known = self.known.entry(server).or_default();
            if known.len() < MOST_HANDLES {
                known.insert(value_handle, found);
            }
        }
        Some(())
    }

    fn named(&self, server: Server, handle: u16) -> Option<(Service, Characteristic)> {
        self.known.get(&server)?.get(&handle).copied()
    }

    fn error(&mut self, server: Server, rest: &[u8]) -> Option<()> {
        let (asked, rest) = rest.split_first()?;
        let (handle, rest) = handle(rest)?;
        let code = rest.first()?;
        self.reading.remove(&server);
        // Discovery ends with an error; that is how it is made.
        if matches!(asked, 0x0a | 0x12 | 0x16)
            && let Some((_, characteristic)) = self.around(server, handle)
        {
            let what = if *asked == 0x0a { "reading" } else { "writing" };
            let text = format!("{what} {characteristic:?} was refused with error {code:#04x}");
            self.events.push(Event::Fault(text));
        }
        Some(())
    }

    /// The characteristic of a value, or of a descriptor just behind it.
    fn around(&self, server: Server, handle: u16) -> Option<(Service, Characteristic)> {
        let known = self.known.get(&server)?;
        let (value, found) = known.range(..=handle).next_back()?;
        (handle - value <= 3).then_some(*found)
    }

    fn read(&mut self, server: Server, handle: u16, value: &[u8]) {
        if let Some((service, characteristic @ (Characteristic::Ident | Characteristic::L2cap))) =
            self.named(server, handle)
        {
            self.take(server.0);
            self.events.push(Event::Value {
                sender: server_of(service),
                service: Some(service),
                characteristic,
                value: value.to_vec(),
            });
        }
    }

    fn written(&mut self, server: Server, handle: u16, value: &[u8], answered: bool) {
        let Some((service, characteristic)) = self.named(server, handle) else {
            match (self.around(server, handle), value) {
                (Some((_, characteristic)), [1 | 2, 0]) => {
                    self.take(server.0);
                    let text = format!("the client subscribes to {characteristic:?}");
                    self.events.push(Event::Note(text));
                }
                (None, _) => *self.unnamed.entry(server).or_default() += 1,
                _ => {}
            }
            return;
        };
        self.take(server.0);
        if answered && characteristic != Characteristic::State {
            let text =
                format!("{characteristic:?} is written with response, the standard has writing without");
            self.events.push(Event::Note(text));
        }
        if characteristic == Characteristic::Server2Client {
            self.events
                .push(Event::Fault("the client writes Server2Client".to_owned()));
        }
        self.events.push(Event::Value {
            sender: server_of(service).other(),
            service: Some(service),
            characteristic,
            value: value.to_vec(),
        });
    }

    fn notified(&mut self, server: Server, handle: u16, value: &[u8], indicated: bool) {
        let Some((service, characteristic)) = self.named(server, handle) else {
            *self.unnamed.entry(server).or_default() += 1;
            return;
        };
        self.take(server.0);
        if indicated {
            let text = format!("{characteristic:?} is indicated, the standard has notifications");
            self.events.push(Event::Note(text));
        }
        self.events.push(Event::Value {
            sender: server_of(service),
            service: Some(service),
            characteristic,
            value: value.to_vec(),
        });
    }

    fn finish(mut self) -> Vec<Event> {
        let mut first = Vec::new();
        if self.others {
            first.push(Event::Note(format!(
                "there are several adapters in the trace, adapter {} is looked at",
                self.adapter.unwrap_or_default()
            )));
        }
        let adapter = self.adapter;
        self.mtu
            .retain(|connection, _| adapter.is_none_or(|adapter| adapter == connection >> 16));
        for (connection, mtu) in &self.mtu {
            first.push(Event::Note(format!(
                "connection {:#06x}: MTU {mtu}, fragments of at most {} bytes",
                connection & 0xffff,
                mtu.saturating_sub(3).min(512)
            )));
        }
        let none = self.events.is_empty();
        let unnamed: usize = self.unnamed.values().sum();
        if none && unnamed > 0 {
            self.events.push(Event::Fault(format!(
                "{unnamed} values are of handles that nothing in the trace names: it has to begin before the connection, \
                 and a device that remembers the handles has to forget the other one first"
            )));
        } else if none {
            self.events.push(Event::Note(
                "no characteristic of the standard is discovered in it".to_owned(),
            ));
        }
        first.append(&mut self.events);
        first
    }
}

const fn server_of(service: Service) -> Sender {
    match service {
        Service::Mdoc => Sender::Mdoc,
        Service::Reader => Sender::Reader,
    }
}
