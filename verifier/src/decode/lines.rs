//! The text form: a message or a value a line, in hexadecimal digits.

use mdoc_core::ble::{Characteristic, Service};
use mdoc_core::cbor::Item;
use mdoc_core::session::capture::Sender;

use super::link::Event;
use super::{LIMITS, MOST_PARTS, NoExplanation};

/// Most lines that are looked at: a response of some hundred kilobytes in the smallest fragments.
const MOST_LINES: usize = 100_000;

/// What the lines are.
pub(super) enum Lines {
    /// Whole messages, with their senders as far as they are told.
    Messages(Vec<(Option<Sender>, Vec<u8>)>),
    /// Values of characteristics.
    Link(Vec<Event>),
}

/// Whether a text is surely of this form: a line begins with a sender or a characteristic, or the first of several lines
/// is a whole message. Other digits may be one thing, written over several lines.
pub(super) fn is(bytes: &[u8]) -> bool {
    let Ok(text) = core::str::from_utf8(bytes) else {
        return false;
    };
    let mut lines = text
        .trim_start_matches('\u{feff}')
        .lines()
        .take(MOST_LINES)
        .map(|line| line.split('#').next().unwrap_or_default().trim())
        .filter(|line| !line.is_empty());
    let Some(first) = lines.next() else { return false };
    let begins = |line: &str| {
        let word = line.split_whitespace().next().unwrap_or_default();
        sender(word).is_some() || characteristic(word).is_some()
    };
    let several = lines.next().is_some();
    begins(first) || several && hex(&[first]).is_some_and(|message| Item::parse(&message, &LIMITS).is_ok())
}

/// Reads a text; none if it is no text.
///
/// ```text
/// # a comment
/// reader a26a655265616465724b6579…       a message, with its sender
/// a16673746174757314                     a message
/// reader state 01                        a value that the reader writes or notifies
/// mdoc server2client 00a26464617461…     a fragment
/// ```
/// # Errors
/// [`NoExplanation`] with the first line at fault.
pub(super) fn read(bytes: &[u8]) -> Result<Option<Lines>, NoExplanation> {
    let Ok(text) = core::str::from_utf8(bytes) else {
        return Ok(None);
    };
    let text = text.trim_start_matches('\u{feff}');
    let mut messages = Vec::new();
    let mut events = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if index >= MOST_LINES {
            return Err(NoExplanation::TooMany);
        }
        let fault = |fault| NoExplanation::Line {
            number: index + 1,
            fault,
        };
        let line = line.split('#').next().unwrap_or_default();
        let words: Vec<&str> = line.split_whitespace().collect();
        let (sender, words) = match words.split_first() {
            None => continue,
            Some((first, rest)) => match sender(first) {
                Some(sender) => (Some(sender), rest),
                None => (None, words.as_slice()),
            },
        };
        let (characteristic, digits) = match words.split_first() {
            Some((first, rest)) => match characteristic(first) {
                Some(characteristic) => (Some(characteristic), rest),
                None => (None, words),
            },
            None => return Err(fault("has nobody's bytes")),
        };
        let value = hex(digits).ok_or(fault(
            "has something else than a sender, a characteristic and hexadecimal digits",
        ))?;
        match (characteristic, sender) {
            (None, _) => messages.push((sender, value)),
            (Some(_), None) => return Err(fault("has no sender: `reader` or `mdoc`")),
            (Some(characteristic), Some(sender)) => events.push(Event::Value {
                sender,
                service: service(characteristic, sender),
                characteristic,
                value,
            }),
        }
        if !messages.is_empty() && !events.is_empty() {
            return Err(fault(
                "is of another kind than those before: whole messages and values of characteristics do not go together",
            ));
        }
        if messages.len() > MOST_PARTS {
            return Err(NoExplanation::TooMany);
        }
    }
    match (messages.is_empty(), events.is_empty()) {
        (true, true) => Err(NoExplanation::Line {
            number: 1,
            fault: "and all others are empty",
        }),
        (false, _) => Ok(Some(Lines::Messages(messages))),
        _ => Ok(Some(Lines::Link(events))),
    }
}

fn sender(word: &str) -> Option<Sender> {
    match word.to_ascii_lowercase().as_str() {
        "reader" | ">" | "->" => Some(Sender::Reader),
        "mdoc" | "<" | "<-" => Some(Sender::Mdoc),
        _ => None,
    }
}

fn characteristic(word: &str) -> Option<Characteristic> {
    Some(match word.to_ascii_lowercase().as_str() {
        "state" => Characteristic::State,
        "client2server" => Characteristic::Client2Server,
        "server2client" => Characteristic::Server2Client,
        "ident" => Characteristic::Ident,
        "l2cap" => Characteristic::L2cap,
        _ => return None,
    })
}

/// Whose service it must be, from who sends what; none if either may be.
const fn service(characteristic: Characteristic, sender: Sender) -> Option<Service> {
    match (characteristic, sender) {
        (Characteristic::Client2Server, Sender::Reader) | (Characteristic::Server2Client, Sender::Mdoc) => {
            Some(Service::Mdoc)
        }
        (Characteristic::Client2Server, Sender::Mdoc)
        | (Characteristic::Server2Client, Sender::Reader)
        | (Characteristic::Ident, _) => Some(Service::Reader),
        _ => None,
    }
}

/// Digits, also with `0x` in front, and with colons or blanks between.
fn hex(words: &[&str]) -> Option<Vec<u8>> {
    let digits: String = words
        .iter()
        .flat_map(|word| word.strip_prefix("0x").unwrap_or(word).chars())
        .filter(|c| *c != ':')
        .collect();
    base16ct::mixed::decode_vec(digits)
        .ok()
        .filter(|value| !value.is_empty())
}
