//! Files of btsnoop: what went between a host and its Bluetooth controller.
//!
//! As written by `btmon -w`, by hcidump and by Android's log of Bluetooth HCI. Source: RFC 1761 (snoop), the adaptation of
//! it by Symbian and BlueZ; Bluetooth Core 5.4, Vol 4, Part E (HCI) and Vol 3, Part A, 3.1 (L2CAP).

use std::collections::BTreeMap;

use super::NoExplanation;
use super::tree::Node;

const MAGIC: &[u8] = b"btsnoop\0";
/// Most packets of a file.
const MOST_PACKETS: usize = 2_000_000;
/// Most connections of which beginnings of messages are kept.
const MOST_CONNECTIONS: usize = 64;
/// The channel of the attribute protocol, and the one on which further channels are opened.
const ATT: u16 = 4;
const SIGNALLING: u16 = 5;
/// What enhanced channels of the attribute protocol are opened for (EATT).
const EATT: u16 = 0x0027;
/// Most such channels that are remembered.
const MOST_CHANNELS: usize = 256;

/// A connection: the number of the adapter in the upper half, its handle in the lower.
pub(super) type Connection = u32;

/// Something that happened between the host and another device.
#[derive(Debug)]
pub(super) enum Packet {
    Connected {
        connection: Connection,
        /// Whether this host has opened it.
        central: bool,
    },
    Disconnected {
        connection: Connection,
        reason: u8,
    },
    Att {
        connection: Connection,
        /// By this host.
        sent: bool,
        pdu: Vec<u8>,
    },
}

/// What is in a file.
pub(super) struct Packets {
    pub(super) acl: Vec<Packet>,
    pub(super) summary: Node,
}

/// How packets are told apart, by the number of the link type.
#[derive(Clone, Copy)]
enum Form {
    /// 1001: by the flags.
    Plain,
    /// 1002: by a first byte.
    Uart,
    /// 2001: by an opcode in the place of the flags.
    Monitor,
}

enum Hci<'b> {
    Acl { sent: bool, data: &'b [u8] },
    Event(&'b [u8]),
    Other,
}

/// Whether it begins as such a file.
pub(super) fn is(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC)
}

fn number(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (first, rest) = bytes.split_first_chunk::<4>()?;
    Some((u32::from_be_bytes(*first), rest))
}

fn short(bytes: &[u8]) -> Option<(u16, &[u8])> {
    let (first, rest) = bytes.split_first_chunk::<2>()?;
    Some((u16::from_le_bytes(*first), rest))
}

/// Reads a file. What is cut off at its end, or of no interest, is told in the summary.
///
/// # Errors
/// [`NoExplanation`] if its header is not that of a file that is read, or it is too long.
pub(super) fn packets(bytes: &[u8]) -> Result<Packets, NoExplanation> {
    let header = bytes.strip_prefix(MAGIC).and_then(|rest| {
        let (version, rest) = number(rest)?;
        let (link, rest) = number(rest)?;
        Some((version, link, rest))
    });
    let (version, link, mut rest) = header.ok_or(NoExplanation::Trace("that is cut off in its header"))?;
    if version != 1 {
        return Err(NoExplanation::Trace("of another version than 1"));
    }
    let form = match link {
        1001 => Form::Plain,
        1002 => Form::Uart,
        2001 => Form::Monitor,
        _ => {
            return Err(NoExplanation::Trace(
                "of another link than HCI (1001, 1002, 2001)",
            ));
        }
    };
    let mut reader = Reader::default();
    let (mut count, mut shortened) = (0_usize, 0_usize);
    let mut cut = false;
    while !rest.is_empty() {
        let Some((flags, original, data, after)) = record(rest) else {
            cut = true;
            break;
        };
        rest = after;
        count += 1;
        if count > MOST_PACKETS {
            return Err(NoExplanation::TooMany);
        }
        if data.len() < original {
            shortened += 1;
        }
        reader.adapter = match form {
            Form::Monitor => flags >> 16,
            Form::Plain | Form::Uart => 0,
        };
        reader.hci(&hci(form, flags, data));
    }
    let mut summary = Node::new("btsnoop")
        .value("packets", count)
        .value("attributes", reader.attributes);
    if cut {
        summary = summary.fault("the file is cut off in its last packet");
    }
    if shortened > 0 {
        summary = summary.fault(format!(
            "{shortened} packets were shortened when they were recorded: take them again in full length"
        ));
    }
    if reader.broken > 0 {
        summary = summary.fault(format!("{} packets are not as HCI has them", reader.broken));
    }
    if reader.attributes == 0 {
        summary = summary.note("there is no packet of the attribute protocol in it");
    }
    Ok(Packets {
        acl: reader.packets,
        summary,
    })
}

/// Flags, original length, data, and what follows the record.
fn record(bytes: &[u8]) -> Option<(u32, usize, &[u8], &[u8])> {
    let (original, rest) = number(bytes)?;
    let (included, rest) = number(rest)?;
    let (flags, rest) = number(rest)?;
    // How many were lost before, and when.
    let rest = rest.get(12..)?;
    let (data, after) = rest.split_at_checked(usize::try_from(included).ok()?)?;
    Some((flags, usize::try_from(original).ok()?, data, after))
}

fn hci(form: Form, flags: u32, data: &[u8]) -> Hci<'_> {
    let sent = flags & 1 == 0;
    match form {
        Form::Plain if flags & 2 == 0 => Hci::Acl { sent, data },
        Form::Plain if !sent => Hci::Event(data),
        Form::Plain => Hci::Other,
        Form::Uart => match data {
            [2, data @ ..] => Hci::Acl { sent, data },
            [4, data @ ..] => Hci::Event(data),
            _ => Hci::Other,
        },
        Form::Monitor => match flags & 0xffff {
            3 => Hci::Event(data),
            4 => Hci::Acl { sent: true, data },
            5 => Hci::Acl { sent: false, data },
            _ => Hci::Other,
        },
    }
}

#[derive(Default)]
struct Reader {
    adapter: u32,
    packets: Vec<Packet>,
    /// By connection and direction, what has begun.
    begun: BTreeMap<(Connection, bool), Vec<u8>>,
    /// Enhanced channels by connection, direction and number, each with its message and the length of that.
    channels: BTreeMap<(Connection, bool, u16), (usize, Vec<u8>)>,
    attributes: usize,
    broken: usize,
}

impl Reader {
    fn hci(&mut self, hci: &Hci<'_>) {
        let read = match hci {
            Hci::Acl { sent, data } => self.acl(*sent, data),
            Hci::Event(event) => {
                self.event(event);
                Some(())
            }
            Hci::Other => Some(()),
        };
        if read.is_none() {
            self.broken += 1;
        }
    }

    fn connection(&self, handle: u16) -> Connection {
        self.adapter << 16 | u32::from(handle & 0x0fff)
    }

    /// Of events, connections that come and go.
    fn event(&mut self, event: &[u8]) {
        match *event {
            // LE Meta: Connection Complete, Enhanced Connection Complete.
            [0x3e, _, 0x01 | 0x0a | 0x29, 0, low, high, role, ..] => self.packets.push(Packet::Connected {
                connection: self.connection(u16::from_le_bytes([low, high])),
                central: role == 0,
            }),
            [0x05, _, 0, low, high, reason, ..] => {
                let connection = self.connection(u16::from_le_bytes([low, high]));
                self.forget(connection);
                self.packets.push(Packet::Disconnected { connection, reason });
            }
            _ => {}
        }
    }

    /// In the time of what belongs to this connection: a file may be made of nothing but disconnections.
    fn forget(&mut self, connection: Connection) {
        self.begun.remove(&(connection, false));
        self.begun.remove(&(connection, true));
        let all = (connection, false, 0)..=(connection, true, u16::MAX);
        let channels: Vec<_> = self.channels.range(all).map(|(key, _)| *key).collect();
        for channel in channels {
            self.channels.remove(&channel);
        }
    }

    fn acl(&mut self, sent: bool, data: &[u8]) -> Option<()> {
        let (head, rest) = short(data)?;
        let (length, rest) = short(rest)?;
        let data = rest.get(..usize::from(length))?;
        let connection = self.connection(head);
        let key = (connection, sent);
        // Bits 12 and 13: 1 is what goes on with a message, everything else begins one.
        if head >> 12 & 3 != 1 {
            self.begun.remove(&key);
        } else if !self.begun.contains_key(&key) {
            return Some(());
        }
        if self.begun.len() >= MOST_CONNECTIONS && !self.begun.contains_key(&key) {
            self.begun.pop_first();
        }
        let begun = self.begun.entry(key).or_default();
        begun.extend_from_slice(data);
        let Some((length, rest)) = short(begun) else {
            return Some(());
        };
        let Some((channel, rest)) = short(rest) else {
            return Some(());
        };
        let length = usize::from(length);
        if rest.len() < length {
            return Some(());
        }
        let whole = rest.len() == length;
        let payload = rest.get(..length).unwrap_or_default().to_vec();
        self.begun.remove(&key);
        match channel {
            ATT => self.attribute(connection, sent, payload),
            SIGNALLING => {
                // A signal that is too short opens nothing.
                let _ = self.signal(connection, sent, &payload);
            }
            channel => self.enhanced((connection, sent, channel), &payload)?,
        }
        whole.then_some(())
    }

    fn attribute(&mut self, connection: Connection, sent: bool, pdu: Vec<u8>) {
        self.attributes += 1;
        self.packets.push(Packet::Att {
            connection,
            sent,
            pdu,
        });
    }

    /// Enhanced channels that are opened: each side names those on which it receives.
    fn signal(&mut self, connection: Connection, sent: bool, signal: &[u8]) -> Option<()> {
        let (code, rest) = signal.split_first()?;
        let rest = rest.get(3..)?;
        let channels = match code {
            // Request: what for, MTU, MPS, credits.
            0x17 if short(rest)?.0 == EATT => rest.get(8..)?,
            // Response: MTU, MPS, credits, result. Of what was asked for something else, nothing will come.
            0x18 => rest.get(8..)?,
            _ => return Some(()),
        };
        for channel in channels.chunks_exact(2).take(5) {
            let (channel, _) = short(channel)?;
            if self.channels.len() < MOST_CHANNELS {
                self.channels
                    .insert((connection, !sent, channel), (0, Vec::new()));
            }
        }
        Some(())
    }

    /// A piece of a message on an enhanced channel; the first one has the length in front.
    fn enhanced(&mut self, key: (Connection, bool, u16), piece: &[u8]) -> Option<()> {
        let Some((length, message)) = self.channels.get_mut(&key) else {
            return Some(());
        };
        let piece = if *length == 0 {
            let (whole, rest) = short(piece)?;
            *length = whole.into();
            rest
        } else {
            piece
        };
        message.extend_from_slice(piece);
        if message.len() >= *length {
            let fits = message.len() == *length;
            let pdu = core::mem::take(message);
            *length = 0;
            self.attribute(key.0, key.1, pdu);
            return fits.then_some(());
        }
        Some(())
    }
}
