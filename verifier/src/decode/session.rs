//! The messages of a session, one after the other.

use mdoc_cli::recognise::Structure;
use mdoc_core::cbor::{Item, embed};
use mdoc_core::cose::key;
use mdoc_core::crypto::{PublicKey, SecretKey, fastest};
use mdoc_core::engagement::DeviceEngagement;
use mdoc_core::session::capture::{CapturedKeys, Sender};
use mdoc_core::session::{SessionData, SessionEstablishment, Status};
use mdoc_core::transcript::SessionTranscript;
use zeroize::Zeroizing;

use super::engagement::reader_key;
use super::tree::Node;
use super::{Known, LIMITS, Opened, content};

/// How far off a counter may be that is looked for.
const COUNTERS: core::ops::RangeInclusive<u32> = 1..=64;
/// Most bytes of messages, together, for which it is looked for: each is decrypted up to 130 times. Those whose sender's key
/// is not known are decrypted half as often, and counted by themselves.
const MOST_SEARCHED: usize = 2 << 20;
/// Of a message for which it was not looked for.
const NOT_TRIED: &str =
    "other counters and keys were not tried: no more than 2 MiB of such messages are searched";

/// A session as far as its messages have come.
pub(super) struct Conversation<'a> {
    known: &'a Known,
    keys: CapturedKeys,
    /// What is still said about the keys, once there is a message that they should open.
    about_keys: Option<String>,
    established: bool,
    /// Of the next message: the reader's, the mdoc's.
    counters: (u32, u32),
    count: usize,
    /// Bytes of messages that did not open with the counter that was expected, and were tried with others.
    searched: usize,
    /// The same of messages whose sender's key is not known: tried with the other side's, which takes half as long.
    searched_as_other: usize,
    ended: Option<usize>,
    pub(super) opened: Vec<Opened>,
}

impl<'a> Conversation<'a> {
    pub(super) fn new(known: &'a Known) -> Self {
        let mut conversation = Self {
            known,
            keys: CapturedKeys::default(),
            about_keys: None,
            established: false,
            counters: (1, 1),
            count: 0,
            searched: 0,
            searched_as_other: 0,
            ended: None,
            opened: Vec::new(),
        };
        if let Some(transcript) = &known.transcript {
            conversation.derive(transcript, None);
        } else {
            conversation.take_given();
        }
        conversation
    }

    /// Keys that need no derivation come before all others.
    fn take_given(&mut self) {
        for (sender, key) in [
            (Sender::Reader, &self.known.sk_reader),
            (Sender::Mdoc, &self.known.sk_device),
        ] {
            if let Some(key) = key {
                self.keys = core::mem::take(&mut self.keys).with(sender, key.clone());
            }
        }
    }

    /// The keys, from whatever was given.
    fn derive(&mut self, transcript: &SessionTranscript, e_reader_key: Option<&PublicKey>) {
        let parts = Item::parse(transcript.raw(), &LIMITS).ok();
        let mut parts = parts.and_then(Item::array).into_iter().flatten();
        let (engaged, in_transcript) = (parts.next(), parts.next());
        let device = engaged.and_then(device_key);
        let reader = e_reader_key
            .cloned()
            .or_else(|| in_transcript.and_then(public_key));
        if let Some(shared) = &self.known.shared_secret {
            self.keys = CapturedKeys::of_shared_secret(shared, transcript, fastest());
        } else {
            let pairs = [
                (&self.known.e_device_key, &reader, &device, "mdoc"),
                (&self.known.e_reader_key, &device, &reader, "reader"),
            ];
            for (own, peer, own_public, whose) in pairs {
                let (Some(own), Some(peer)) = (own, peer) else {
                    continue;
                };
                if own_public.as_ref().is_some_and(|public| !is_half_of(own, public)) {
                    self.about_keys = Some(format!(
                        "the {whose}'s private key that was given is not that of this session's public one"
                    ));
                    continue;
                }
                match CapturedKeys::agree(own, peer, transcript, fastest()) {
                    Ok(keys) => self.keys = keys,
                    Err(error) => {
                        self.about_keys = Some(format!("the two ephemeral keys cannot agree: {error}"));
                    }
                }
            }
        }
        self.take_given();
    }

    /// Explains the next message.
    pub(super) fn message(&mut self, sender: Option<Sender>, bytes: &[u8]) -> Node {
        self.count += 1;
        let from = match sender {
            Some(Sender::Reader) => ", reader to mdoc",
            Some(Sender::Mdoc) => ", mdoc to reader",
            None => "",
        };
        let title = |name: &str| format!("message {}{from}: {name}, {} bytes", self.count, bytes.len());
        let (structure, fault) = match Item::parse(bytes, &LIMITS) {
            Ok(item) => (Structure::of(item), None),
            Err(error) => (Structure::Unknown, Some(error)),
        };
        let node = Node::new(title(match structure {
            Structure::Unknown => "not a message of a session",
            known => known.name(),
        }));
        let mut node = match (structure, fault) {
            (_, Some(error)) => node.fault(format!("it does not decode: {error}")),
            (Structure::SessionEstablishment, _) => self.establishment(node, sender, bytes),
            (Structure::SessionData, _) => self.data(node, sender, bytes),
            (Structure::DeviceRequest | Structure::DeviceResponse, _) => {
                let by = match structure {
                    Structure::DeviceRequest => Sender::Reader,
                    _ => Sender::Mdoc,
                };
                let fault = "it is not encrypted: SessionEstablishment or SessionData is expected";
                node.fault(fault).part(content::content(bytes, by))
            }
            (Structure::Unknown, _) => node.fault("it has neither eReaderKey nor data nor a status alone"),
            (_, _) => node.fault("SessionEstablishment or SessionData is expected"),
        };
        if let Some(ended) = self.ended.filter(|ended| *ended < self.count) {
            node = node.fault(format!("it comes after message {ended} has ended the session"));
        }
        node
    }

    /// What is to be said when no more messages come.
    pub(super) fn end(&self) -> Option<Node> {
        let missing = self.count > 0 && self.ended.is_none();
        missing.then(|| Node::new("end").note("no message has ended the session (status 20)"))
    }

    fn establishment(&mut self, node: Node, sender: Option<Sender>, bytes: &[u8]) -> Node {
        let mut node = node;
        let read = match SessionEstablishment::decode(bytes, &LIMITS) {
            Ok(read) => read,
            Err(error) => return node.fault(error),
        };
        if sender == Some(Sender::Mdoc) {
            node = node.fault("only the reader sends SessionEstablishment");
        }
        if self.established {
            node = node.fault("the session was established before: only the first message has eReaderKey");
        }
        self.established = true;
        let raw = read.e_reader_key_bytes.raw();
        let item = Item::parse(raw, &LIMITS).ok();
        node = match item.map(reader_key) {
            Some(Ok(curve)) => node.value("eReaderKey", curve),
            Some(Err(fault)) => node.fault(format!("the reader's ephemeral key is of no use: {fault}")),
            None => node.fault("the reader's ephemeral key is of no use"),
        };
        let key = item.and_then(public_key);
        match (&self.known.transcript, &self.known.engagement) {
            (Some(transcript), _) => {
                let parts = Item::parse(transcript.raw(), &LIMITS).ok();
                let second = parts.and_then(Item::array).and_then(|mut parts| parts.nth(1));
                if second.is_some_and(|second| second.raw() != raw) {
                    node = node.fault("the transcript that was given has another key of the reader");
                }
            }
            (None, Some(engagement)) => {
                let transcript = SessionTranscript::qr(&embed(engagement), raw);
                self.derive(&transcript, key.as_ref());
                node = node.note("the transcript is that of a QR code, from the engagement and this key");
            }
            (None, None) => {}
        }
        self.encrypted(node, Some(Sender::Reader), &read.data)
    }

    fn data(&mut self, node: Node, sender: Option<Sender>, bytes: &[u8]) -> Node {
        let read = match SessionData::decode(bytes, &LIMITS) {
            Ok(read) => read,
            Err(error) => return node.fault(error),
        };
        let mut node = node;
        if let Some(status) = read.status {
            node = node.value("status", status.to_string());
            node = match status {
                Status::Termination => node,
                Status::Other(number) => node.fault(format!(
                    "status {number} is none that the standard defines; it ends the session"
                )),
                _ if read.data.is_some() => node.fault("a message with an error has data"),
                _ => node.fault(match status {
                    Status::EncryptionError => "the sender could not decrypt, or agree on keys",
                    _ => "the sender could not decode what it had received",
                }),
            };
            self.ended.get_or_insert(self.count);
        }
        match &read.data {
            Some(data) => self.encrypted(node, sender, data),
            None => node,
        }
    }

    /// Opens what is encrypted in a message. Of an unknown sender either is tried.
    fn encrypted(&mut self, node: Node, sender: Option<Sender>, data: &[u8]) -> Node {
        let node = node.value("encrypted", format!("{} bytes", data.len()));
        if data.len() < 16 {
            return node.fault("it is shorter than the tag of AES-GCM, 16 bytes");
        }
        let candidates = match sender {
            Some(sender) => vec![sender],
            None => vec![Sender::Mdoc, Sender::Reader],
        };
        for sender in &candidates {
            if let Some(opened) = self.open(*sender, self.counter(*sender), data) {
                return self.shown(node, *sender, opened);
            }
        }
        let is_searched = self.may_search(&candidates, data.len());
        if is_searched {
            // What would have opened it tells what is wrong.
            for sender in &candidates {
                if let Some((counter, opened)) = self.search(*sender, data) {
                    let expected = self.counter(*sender);
                    let why = if counter < expected {
                        "it came twice, or its sender counts wrong"
                    } else {
                        "a message before it is missing, or its sender counts wrong"
                    };
                    let node = node.fault(format!(
                        "it was encrypted with counter {counter} where {expected} is expected: {why}"
                    ));
                    *self.counter_mut(*sender) = counter;
                    return self.shown(node, *sender, opened);
                }
            }
            if let Some(other) = sender.map(Sender::other)
                && let Some((_, opened)) = self.search(other, data)
            {
                let node = node.fault(format!(
                    "it was encrypted with the key of the other side's messages ({})",
                    key_name(other)
                ));
                return node.part(content::content(&opened, other));
            }
        }
        let lacking: Vec<&str> = candidates
            .iter()
            .filter(|sender| !self.keys.has(**sender))
            .map(|sender| key_name(*sender))
            .collect();
        if let Some(sender) = sender {
            *self.counter_mut(sender) = self.counter(sender).saturating_add(1);
        }
        let node = match &self.about_keys {
            Some(about) => node.fault(about),
            None => node,
        };
        if !lacking.is_empty() {
            let node = node.note(format!("not decrypted: {} is not known", lacking.join(" or ")));
            return if is_searched || !self.has_a_key() {
                node
            } else {
                node.note(NOT_TRIED)
            };
        }
        if is_searched {
            node.fault(
                "it does not decrypt with the keys that were given: they are of another session, or it was changed",
            )
        } else {
            node.fault(format!(
                "it does not decrypt with the counter that is expected; {NOT_TRIED}"
            ))
        }
    }

    const fn has_a_key(&self) -> bool {
        self.keys.has(Sender::Reader) || self.keys.has(Sender::Mdoc)
    }

    /// Whether what would have opened a message of so many bytes is looked for, which then counts. Without any key
    /// there is nothing to look for.
    fn may_search(&mut self, candidates: &[Sender], bytes: usize) -> bool {
        if !self.has_a_key() {
            return false;
        }
        let is_own = candidates.iter().any(|sender| self.keys.has(*sender));
        let searched = if is_own {
            &mut self.searched
        } else {
            &mut self.searched_as_other
        };
        let sum = searched.saturating_add(bytes);
        let is_room = sum <= MOST_SEARCHED;
        if is_room {
            *searched = sum;
        }
        is_room
    }

    fn open(&self, sender: Sender, counter: u32, data: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        self.keys.open(sender, counter, data, fastest())?.ok()
    }

    /// The counter with which that sender has encrypted it, and what it says.
    fn search(&self, sender: Sender, data: &[u8]) -> Option<(u32, Zeroizing<Vec<u8>>)> {
        COUNTERS
            .into_iter()
            .find_map(|counter| Some((counter, self.open(sender, counter, data)?)))
    }

    fn shown(&mut self, node: Node, sender: Sender, bytes: Zeroizing<Vec<u8>>) -> Node {
        let counter = self.counter(sender);
        *self.counter_mut(sender) = counter.saturating_add(1);
        let node = node.value("key", format!("{}, counter {counter}", key_name(sender)));
        let node = node.part(content::content(&bytes, sender));
        self.opened.push(Opened { sender, bytes });
        node
    }

    const fn counter(&self, sender: Sender) -> u32 {
        match sender {
            Sender::Reader => self.counters.0,
            Sender::Mdoc => self.counters.1,
        }
    }

    const fn counter_mut(&mut self, sender: Sender) -> &mut u32 {
        match sender {
            Sender::Reader => &mut self.counters.0,
            Sender::Mdoc => &mut self.counters.1,
        }
    }
}

const fn key_name(sender: Sender) -> &'static str {
    match sender {
        Sender::Reader => "SKReader",
        Sender::Mdoc => "SKDevice",
    }
}

fn is_half_of(own: &SecretKey, public: &PublicKey) -> bool {
    own.public_key() == public
}

/// The key in a tag 24 item.
fn public_key(item: Item<'_>) -> Option<PublicKey> {
    let embedded = mdoc_core::cbor::Embedded::new(item).ok()?;
    key::decode(embedded.item(&LIMITS).ok()?).ok()
}

/// The mdoc's key of the engagement in a tag 24 item.
fn device_key(item: Item<'_>) -> Option<PublicKey> {
    let embedded = mdoc_core::cbor::Embedded::new(item).ok()?;
    DeviceEngagement::decode(embedded.content(), &LIMITS)
        .ok()?
        .e_device_key
        .ok()
}
