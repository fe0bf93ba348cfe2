//! Explaining what goes on between a wallet and a reader: an engagement, a transcript, the messages of a session, a
//! trace of Bluetooth. For who has to find out why two of them do not understand each other.
//!
//! Nothing is verified, and everything is read as far as it goes: what is wrong is named where it is. Keys that are
//! given open messages, and never appear in what comes out; what is in the messages does, since that is asked for.

mod att;
mod btsnoop;
mod content;
mod engagement;
mod lines;
mod link;
mod session;
#[cfg(test)]
mod tests;
mod tree;

use core::fmt;

use mdoc_cli::recognise::Structure;
use mdoc_core::cbor::{Embedded, Item};
use mdoc_core::crypto::SecretKey;
use mdoc_core::error::DecodeError;
use mdoc_core::limits::Limits;
use mdoc_core::session::capture::Sender;
use mdoc_core::transcript::SessionTranscript;
use zeroize::Zeroizing;

pub use self::tree::Node;

/// Most messages, lines or packets of which every one is shown.
pub(crate) const MOST_PARTS: usize = 10_000;
/// Bounds on what is decoded.
pub(crate) const LIMITS: Limits = Limits::DEFAULT;

/// What is known about the session besides its messages.
#[derive(Default)]
pub struct Known {
    /// The encoded engagement.
    pub engagement: Option<Vec<u8>>,
    /// The transcript; without it, it is that of a QR code, from the engagement and the reader's key.
    pub transcript: Option<SessionTranscript>,
    /// The mdoc's ephemeral private key.
    pub e_device_key: Option<SecretKey>,
    /// The reader's ephemeral private key.
    pub e_reader_key: Option<SecretKey>,
    /// The secret on which both agree (ZAB).
    pub shared_secret: Option<Zeroizing<Vec<u8>>>,
    /// The key of the reader's messages.
    pub sk_reader: Option<Box<Zeroizing<[u8; 32]>>>,
    /// The key of the mdoc's messages.
    pub sk_device: Option<Box<Zeroizing<[u8; 32]>>>,
}

impl fmt::Debug for Known {
    /// Without the keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Known(keys are not shown)")
    }
}

/// What was decoded, and what it told.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// What it is, with an article.
    pub kind: &'static str,
    /// What is in it.
    pub parts: Vec<Node>,
    /// Messages that were decrypted, in their order.
    pub opened: Vec<Opened>,
}

/// A message that was decrypted: a DeviceRequest of the reader, a DeviceResponse of the mdoc.
#[derive(Clone, PartialEq, Eq)]
pub struct Opened {
    /// Who has sent it.
    pub sender: Sender,
    /// What it says.
    pub bytes: Zeroizing<Vec<u8>>,
}

impl fmt::Debug for Opened {
    /// Without what it says.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Opened({:?}, {} bytes)", self.sender, self.bytes.len())
    }
}

/// Why there is nothing to explain.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum NoExplanation {
    /// It is none of what is explained here: the structure that it is, if it is one.
    Other(Structure),
    /// It is CBOR that does not decode.
    Cbor(DecodeError),
    /// A line of the text is neither a message nor a value of a characteristic.
    Line {
        /// Its number, from 1.
        number: usize,
        /// What is wrong with it.
        fault: &'static str,
    },
    /// It begins as a btsnoop file and is none that is read.
    Trace(&'static str),
    /// There are more messages, lines or packets than are looked at.
    TooMany,
}

impl fmt::Display for NoExplanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Other(structure) => f.write_str(structure.words()),
            Self::Cbor(error) => write!(f, "neither text nor CBOR that decodes: {error}"),
            Self::Line { number, fault } => write!(f, "a text of which line {number} {fault}"),
            Self::Trace(fault) => write!(f, "a btsnoop file {fault}"),
            Self::TooMany => write!(f, "longer than the {MOST_PARTS} messages that are looked at"),
        }
    }
}

impl core::error::Error for NoExplanation {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Cbor(cause) => Some(cause),
            _ => None,
        }
    }
}

impl Explanation {
    /// Whether something was found that is wrong.
    #[must_use]
    pub fn has_faults(&self) -> bool {
        self.parts.iter().any(Node::has_faults)
    }

    /// For people: a line each, what is inside is further to the right.
    #[must_use]
    pub fn text(&self) -> String {
        tree::text(&self.parts)
    }

    /// For programs.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        serde_json::json!({
            "kind": self.kind,
            "faults": tree::faults(&self.parts),
            "parts": self.parts.iter().map(Node::json).collect::<Vec<_>>(),
        })
    }
}

/// Explains bytes, whatever they are: CBOR of an engagement, transcript or message, a btsnoop file, or a text of lines.
///
/// # Errors
/// [`NoExplanation`] if it is nothing of these.
pub fn explain(bytes: &[u8], known: &Known) -> Result<Explanation, NoExplanation> {
    if btsnoop::is(bytes) {
        return trace(bytes, known);
    }
    match lines::read(bytes)? {
        Some(lines::Lines::Messages(messages)) => Ok(session(&messages, known)),
        Some(lines::Lines::Link(events)) => Ok(link(events, known)),
        None => cbor(bytes, known),
    }
}

/// Whether bytes are surely the text form: lines with senders, characteristics or whole messages. To be asked before they are
/// taken for hexadecimal digits or base64 of one thing.
#[must_use]
pub fn is_lines(bytes: &[u8]) -> bool {
    lines::is(bytes)
}

/// Explains the messages of a session, in their order, each with its sender if that is known.
#[must_use]
pub fn session(messages: &[(Option<Sender>, Vec<u8>)], known: &Known) -> Explanation {
    let mut conversation = session::Conversation::new(known);
    let parts = messages
        .iter()
        .map(|(sender, message)| conversation.message(*sender, message));
    let mut parts: Vec<Node> = parts.collect();
    parts.extend(conversation.end());
    Explanation {
        kind: match messages {
            [_] => "a message of a session",
            _ => "messages of a session",
        },
        parts,
        opened: conversation.opened,
    }
}

fn cbor(bytes: &[u8], known: &Known) -> Result<Explanation, NoExplanation> {
    let item = Item::parse(bytes, &LIMITS).map_err(NoExplanation::Cbor)?;
    let embedded = Embedded::new(item).ok();
    let inner = embedded
        .as_ref()
        .and_then(|embedded| embedded.item(&LIMITS).ok())
        .unwrap_or(item);
    let explained = |kind, part| Explanation {
        kind,
        parts: vec![part],
        opened: Vec::new(),
    };
    match Structure::of(item) {
        Structure::DeviceEngagement => Ok(explained("an engagement", engagement::engagement(inner.raw()))),
        Structure::SessionTranscript => Ok(explained(
            "a session transcript",
            engagement::transcript(inner, known),
        )),
        Structure::SessionEstablishment | Structure::SessionData => {
            Ok(session(&[(None, inner.raw().to_vec())], known))
        }
        other => Err(NoExplanation::Other(other)),
    }
}

fn trace(bytes: &[u8], known: &Known) -> Result<Explanation, NoExplanation> {
    let packets = btsnoop::packets(bytes)?;
    let mut explanation = link(att::events(&packets.acl), known);
    explanation.kind = "a trace of Bluetooth";
    explanation.parts.splice(0..0, [packets.summary]);
    Ok(explanation)
}

fn link(events: Vec<link::Event>, known: &Known) -> Explanation {
    let mut conversation = session::Conversation::new(known);
    let parts = link::explain(events, known, &mut conversation);
    Explanation {
        kind: "values of a Bluetooth link",
        parts,
        opened: conversation.opened,
    }
}
