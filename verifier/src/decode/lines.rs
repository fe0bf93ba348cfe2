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
    begins(first)
        || several
            && !first.contains(char::is_whitespace)
            && hex(first).is_some_and(|message| Item::parse(&message, &LIMITS).is_ok())
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
        let (sender, words) = match word(line) {
            None => continue,
            Some((first, rest)) => match sender(first) {
                Some(sender) => (Some(sender), rest),
                None => (None, line),
            },
        };
        let (characteristic, digits) = match word(words) {
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

/// Longer than every word that means something, in characters.
const LONGEST_WORD: usize = 20;

/// The first word, and what comes after it; none of blanks alone. Of a word that is too long to mean something, the end is not
/// looked for: it is all that is left.
fn word(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start();
    let mut begins = text.char_indices().take(LONGEST_WORD);
    let end = begins.find(|(_, c)| c.is_whitespace());
    text.split_at_checked(end.map_or(text.len(), |(at, _)| at))
        .filter(|(word, _)| !word.is_empty())
}

fn sender(word: &str) -> Option<Sender> {
    let is = |names: [&str; 3]| names.iter().any(|name| word.eq_ignore_ascii_case(name));
    match word {
        _ if is(["reader", ">", "->"]) => Some(Sender::Reader),
        _ if is(["mdoc", "<", "<-"]) => Some(Sender::Mdoc),
        _ => None,
    }
}

fn characteristic(word: &str) -> Option<Characteristic> {
    let (_, found) = [
        ("state", Characteristic::State),
        ("client2server", Characteristic::Client2Server),
        ("server2client", Characteristic::Server2Client),
        ("ident", Characteristic::Ident),
        ("l2cap", Characteristic::L2cap),
    ]
    .into_iter()
    .find(|(name, _)| word.eq_ignore_ascii_case(name))?;
    Some(found)
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

/// Digits, also with `0x` in front, and with colons or blanks between. What is none ends it at once, and nothing is kept
/// but the bytes: a line may be as long as the text.
fn hex(text: &str) -> Option<Vec<u8>> {
    let mut value = Vec::new();
    let mut half = None;
    let mut begins = true;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let first = core::mem::replace(&mut begins, c.is_whitespace());
        if begins || c == ':' || first && c == '0' && chars.next_if_eq(&'x').is_some() {
            continue;
        }
        let digit = u8::try_from(c.to_digit(16)?).ok()?;
        match half.take() {
            None => half = Some(digit << 4),
            Some(high) => value.push(high | digit),
        }
    }
    (half.is_none() && !value.is_empty()).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_read_with_what_people_put_between_them() {
        let bytes = Some(vec![0xa1, 0x66, 0x0b]);
        for text in [
            "a1660b",
            "A1660B",
            "0xa1 0x66 0x0B",
            "a1:66:0b",
            " a1\t66 0 b ",
            "0xa1660b",
        ] {
            assert_eq!(hex(text), bytes, "{text}");
        }
        for text in [
            "", " ", "a", "a16", "a1 6", "0x", ":", "g1", "a1-66", "a10x66", "ä1",
        ] {
            assert_eq!(hex(text), None, "{text}");
        }
    }

    #[test]
    fn a_line_may_be_long_and_is_refused_at_its_first_letter() {
        let long = format!("{}x", "0a ".repeat(1_000_000));
        assert_eq!(hex(&long), None);
        assert_eq!(hex(&long[..3_000_000]), Some(vec![0x0a; 1_000_000]));
        assert_eq!(word(" \u{a0}mdoc  state 01"), Some(("mdoc", "  state 01")));
        assert_eq!(word("  "), None);
        let letters = "x".repeat(100) + " y";
        assert_eq!(word(&letters), Some((letters.as_str(), "")));
    }
}
