//! What goes over a Bluetooth link: values of characteristics, joined to messages.

use mdoc_core::ble::frame::Joiner;
use mdoc_core::ble::{Characteristic, Service, State, ident};
use mdoc_core::crypto::fastest;
use mdoc_core::engagement::DeviceEngagement;
use mdoc_core::session::capture::Sender;

use super::engagement::hex;
use super::session::Conversation;
use super::tree::Node;
use super::{Known, LIMITS, MOST_PARTS};

/// Something that happened on the link.
#[derive(Debug)]
pub(super) enum Event {
    /// A value was written, notified or read.
    Value {
        sender: Sender,
        /// Whose service it is, if that is known.
        service: Option<Service>,
        characteristic: Characteristic,
        value: Vec<u8>,
    },
    /// Somebody has connected; nothing of what came before goes on.
    Connected(String),
    /// The connection is gone.
    Disconnected(String),
    /// Something that is worth telling.
    Note(String),
    /// Something that is wrong.
    Fault(String),
}

/// A message on its way.
#[derive(Default)]
struct Incoming {
    joiner: Joiner,
    fragments: usize,
    bytes: usize,
    largest: usize,
    /// How often it was looked whether it is whole without a last fragment.
    looked: u8,
}

/// How often that is done for a message: it costs its length.
const MOST_LOOKS: u8 = 8;

struct Link<'a, 'k> {
    conversation: &'a mut Conversation<'k>,
    ident: Option<[u8; 16]>,
    reader: Incoming,
    mdoc: Incoming,
    mode: Option<Service>,
    started: bool,
    ended: bool,
    parts: Vec<Node>,
}

/// Explains what happened, and the messages that come out of it.
pub(super) fn explain(events: Vec<Event>, known: &Known, conversation: &mut Conversation<'_>) -> Vec<Node> {
    let engagement = known.engagement.as_ref();
    let engagement = engagement.and_then(|bytes| DeviceEngagement::decode(bytes, &LIMITS).ok());
    let mut link = Link {
        conversation,
        ident: engagement.map(|engagement| ident(engagement.e_device_key_bytes.raw(), fastest())),
        reader: Incoming::default(),
        mdoc: Incoming::default(),
        mode: None,
        started: false,
        ended: false,
        parts: Vec::new(),
    };
    for event in events {
        if link.parts.len() >= MOST_PARTS {
            let end = Node::new("more").fault(format!("only the first {MOST_PARTS} parts are shown"));
            link.parts.push(end);
            break;
        }
        link.event(event);
    }
    link.finish();
    let Link {
        mut parts,
        conversation,
        ..
    } = link;
    parts.extend(conversation.end());
    parts
}

impl Link<'_, '_> {
    fn event(&mut self, event: Event) {
        match event {
            Event::Value {
                sender,
                service,
                characteristic,
                value,
            } => {
                self.mode_of(service);
                match characteristic {
                    Characteristic::State => self.state(sender, &value),
                    Characteristic::Ident => self.ident(&value),
                    Characteristic::L2cap => {
                        let node = Node::new("L2CAP").value("psm", hex(&value));
                        self.parts.push(node);
                    }
                    Characteristic::Client2Server | Characteristic::Server2Client => {
                        self.fragment(sender, characteristic, &value);
                    }
                }
            }
            Event::Connected(text) => {
                self.finish();
                (self.started, self.ended, self.mode) = (false, false, None);
                self.parts.push(Node::new(text));
            }
            Event::Disconnected(text) => {
                self.finish();
                self.parts.push(Node::new(text));
            }
            Event::Note(text) => self.parts.push(Node::new(text)),
            Event::Fault(text) => self.parts.push(Node::new("trace").fault(text)),
        }
    }

    fn mode_of(&mut self, service: Option<Service>) {
        let Some(service) = service else { return };
        match self.mode {
            None => {
                self.mode = Some(service);
                let title = match service {
                    Service::Mdoc => "mdoc peripheral server mode: the mdoc is the GATT server",
                    Service::Reader => "mdoc central client mode: the reader is the GATT server",
                };
                self.parts.push(Node::new(title));
            }
            Some(mode) if mode != service => {
                self.mode = Some(service);
                let node = Node::new("mode").fault("a value is of the other mode than those before");
                self.parts.push(node);
            }
            Some(_) => {}
        }
    }

    fn state(&mut self, sender: Sender, value: &[u8]) {
        let from = name(sender);
        let node = match State::of(value) {
            Some(State::Start) => {
                let node = Node::new(format!("State: Start, from the {from}"));
                let again = core::mem::replace(&mut self.started, true);
                let client = self.mode.map(|mode| match mode {
                    Service::Mdoc => Sender::Reader,
                    Service::Reader => Sender::Mdoc,
                });
                match client {
                    Some(client) if client != sender => node.fault("only the client says Start"),
                    _ if again => node.note("it was said before"),
                    _ => node,
                }
            }
            Some(State::End) => {
                self.ended = true;
                Node::new(format!("State: End, from the {from}"))
            }
            None => Node::new(format!("State: {}, from the {from}", hex(value)))
                .fault("State is 01 (Start) or 02 (End)"),
        };
        let node = if value.len() > 1 {
            node.fault("State is one byte")
        } else {
            node
        };
        self.parts.push(node);
        if self.ended {
            self.finish();
        }
    }

    fn ident(&mut self, value: &[u8]) {
        let node = Node::new("Ident").value("ident", hex(value));
        self.parts.push(match self.ident {
            _ if value.len() != 16 => node.fault("Ident has 16 bytes"),
            None => node.note("not compared: the engagement is not known"),
            Some(expected) if expected == value => node.note("as it follows from the engagement"),
            Some(expected) => node.fault(format!(
                "it is not that of the engagement, {}: the mdoc will not go on",
                hex(&expected)
            )),
        });
    }

    fn fragment(&mut self, sender: Sender, characteristic: Characteristic, value: &[u8]) {
        if self.incoming(sender).fragments == 0 {
            self.forgotten(sender.other());
        }
        let incoming = self.incoming(sender);
        incoming.fragments += 1;
        incoming.bytes += value.len();
        incoming.largest = incoming.largest.max(value.len());
        let joined = incoming.joiner.push(value, &LIMITS);
        if joined == Ok(None) {
            return;
        }
        let Incoming {
            fragments,
            bytes,
            largest,
            ..
        } = core::mem::take(incoming);
        let node = Node::new(format!("{characteristic:?}, {}", in_fragments(fragments)))
            .value("bytes", bytes)
            .value("largest", largest);
        let mut node = match joined {
            Ok(message) => {
                let message = message.unwrap_or_default();
                node.part(self.conversation.message(Some(sender), &message))
            }
            Err(error) => {
                let start = value.get(..8).unwrap_or(value);
                node.fault(format!(
                    "{error}; it is {} bytes and begins {}",
                    value.len(),
                    hex(start)
                ))
            }
        };
        if !self.started {
            node = node.note("it comes before State says Start");
        }
        if self.ended {
            node = node.fault("it comes after State has said End");
        }
        self.parts.push(node);
    }

    const fn incoming(&mut self, sender: Sender) -> &mut Incoming {
        match sender {
            Sender::Reader => &mut self.reader,
            Sender::Mdoc => &mut self.mdoc,
        }
    }

    /// Takes a message that is whole although none of its fragments says that it is the last: the other side begins to
    /// answer it.
    fn forgotten(&mut self, sender: Sender) {
        let incoming = self.incoming(sender);
        if !incoming.joiner.is_within() || incoming.looked >= MOST_LOOKS {
            return;
        }
        incoming.looked += 1;
        let Some(message) = incoming.joiner.take_whole(&LIMITS) else {
            return;
        };
        let Incoming { fragments, bytes, .. } = core::mem::take(incoming);
        self.without_last(sender, fragments, bytes, &message);
    }

    fn without_last(&mut self, sender: Sender, fragments: usize, bytes: usize, message: &[u8]) {
        let node = Node::new(unfinished(sender, fragments))
            .value("bytes", bytes)
            .fault("no fragment says that it is the last (first byte 00); the message is whole all the same")
            .part(self.conversation.message(Some(sender), message));
        self.parts.push(node);
    }

    /// What has begun and will not go on.
    fn finish(&mut self) {
        for (sender, incoming) in [
            (Sender::Reader, core::mem::take(&mut self.reader)),
            (Sender::Mdoc, core::mem::take(&mut self.mdoc)),
        ] {
            let Incoming {
                mut joiner,
                fragments,
                bytes,
                ..
            } = incoming;
            if !joiner.is_within() {
                continue;
            }
            if let Some(message) = joiner.take_whole(&LIMITS) {
                self.without_last(sender, fragments, bytes, &message);
                continue;
            }
            let node = Node::new(unfinished(sender, fragments))
                .value("bytes", bytes)
                .fault("the last fragment is missing (first byte 00), and the message is not whole");
            self.parts.push(node);
        }
    }
}

fn in_fragments(count: usize) -> String {
    match count {
        1 => "1 fragment".to_owned(),
        count => format!("{count} fragments"),
    }
}

fn unfinished(sender: Sender, fragments: usize) -> String {
    format!("a message of the {}, {}", name(sender), in_fragments(fragments))
}

const fn name(sender: Sender) -> &'static str {
    match sender {
        Sender::Reader => "reader",
        Sender::Mdoc => "mdoc",
    }
}
