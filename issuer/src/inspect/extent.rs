//! How much there is in a file, counted before any of it is shown: what is shown takes many times its own size.

use mdoc_core::cbor::{Item, Kind};
use mdoc_core::error::{DecodeError, Fault};
use mdoc_core::limits::Limits;
use mdoc_core::value::TAG_ENCODED;

/// The largest file of CBOR that is looked into, in bytes; a response with several portraits has some 150 KiB.
pub const LARGEST: usize = Limits::DEFAULT.message;

/// Deepest nesting of encoded CBOR in byte strings; the standard's structures need three.
const DEEPEST: usize = 6;

/// Content of byte strings that is always opened, in bytes.
const SMALL: usize = 1 << 16;

/// As the verifier's; of all items, those in byte strings included, there may be as
/// many as a verifier takes in one message.
pub(super) const LIMITS: Limits = Limits::DEFAULT;

/// Takes the item of a file, and checks that it can be shown.
///
/// # Errors
/// [`DecodeError`] if it is not well-formed CBOR, or there is too much of it. Byte strings that only look like encoded
/// CBOR are no error.
pub(super) fn parse(bytes: &[u8]) -> Result<Item<'_>, DecodeError> {
    let (item, shape) = Item::parse_with_shape(bytes, &LIMITS)?;
    let mut left = Left {
        items: LIMITS.items.saturating_sub(shape.items),
        bytes: (3 * bytes.len()).max(SMALL),
    };
    left.inside(item, 0)?;
    Ok(item)
}

/// What may still come.
struct Left {
    items: usize,
    /// Of content of byte strings; what is in one of them in another one counts twice.
    bytes: usize,
}

impl Left {
    fn inside(&mut self, item: Item<'_>, opened: usize) -> Result<(), DecodeError> {
        match item.kind() {
            Kind::Array => {
                let items = || item.array().into_iter().flatten();
                let may_be_signature = items().take(5).count() == 4;
                items().enumerate().try_for_each(|(at, item)| {
                    // The payload of a signature is shown, whatever CBOR it is.
                    let payload = item.bytes().filter(|_| may_be_signature && at == 2);
                    match payload {
                        Some(payload) => self.open(&payload, opened + 1),
                        None => self.inside(item, opened),
                    }
                })
            }
            Kind::Map => item.map().into_iter().flatten().try_for_each(|(key, value)| {
                self.inside(key, opened)?;
                self.inside(value, opened)
            }),
            Kind::Tag(tag) => {
                let Some((_, inner)) = item.tagged() else {
                    return Ok(());
                };
                match inner.bytes().filter(|_| tag == TAG_ENCODED) {
                    Some(content) => self.open(&content, opened + 1),
                    None => self.inside(inner, opened),
                }
            }
            // The payload of a signature: tag 24 once more, its number in one byte or in more than it needs.
            Kind::Bytes => match item.bytes() {
                Some(content) if matches!(content.first(), Some(0xd8..=0xdb)) => {
                    self.open(&content, opened + 1)
                }
                _ => Ok(()),
            },
            _ => Ok(()),
        }
    }

    fn open(&mut self, content: &[u8], opened: usize) -> Result<(), DecodeError> {
        let Ok((item, shape)) = Item::parse_with_shape(content, &LIMITS) else {
            return Ok(());
        };
        if opened > DEEPEST {
            return Err(DecodeError::new(Fault::Limit("the nesting of encoded CBOR")));
        }
        let take = |left: usize, what: usize, name| {
            left.checked_sub(what)
                .ok_or_else(|| DecodeError::new(Fault::Limit(name)))
        };
        self.items = take(self.items, shape.items, "the number of items")?;
        self.bytes = take(self.bytes, content.len(), "the size of encoded CBOR")?;
        self.inside(item, opened)
    }
}

#[cfg(test)]
mod tests {
    use mdoc_core::cbor::embed;

    use super::*;

    fn fault(bytes: &[u8]) -> Fault {
        parse(bytes).unwrap_err().fault().clone()
    }

    fn zeros(count: u16) -> Vec<u8> {
        let mut out = vec![0x99];
        out.extend_from_slice(&count.to_be_bytes());
        out.resize(out.len() + usize::from(count), 0);
        out
    }

    /// Of the content of a byte string with a length in two bytes.
    fn length_of(string: &[u8]) -> u16 {
        u16::from_be_bytes([string[1], string[2]])
    }

    #[test]
    fn items_are_counted_wherever_they_are() {
        assert!(parse(&zeros(19_999)).is_ok());
        let items = Fault::Limit("the number of items");
        assert_eq!(fault(&zeros(20_000)), items);
        // Ten byte strings, each of which a verifier would take.
        let ten = |each: u16| [vec![0x8a], embed(&zeros(each)).repeat(10)].concat();
        assert!(parse(&ten(1_900)).is_ok());
        assert_eq!(fault(&ten(2_000)), items);
        // The same as payloads of signatures.
        let payload = embed(&zeros(2_000));
        let length = u16::try_from(payload.len()).unwrap().to_be_bytes();
        let payload = [&[0x59][..], &length, &payload].concat();
        assert_eq!(fault(&[vec![0x8a], payload.repeat(10)].concat()), items);
        // The tag's number in two bytes.
        let long = [
            &[0x59][..],
            &(length_of(&payload) + 1).to_be_bytes(),
            &[0xd9, 0],
            &payload[4..],
        ]
        .concat();
        assert_eq!(fault(&[vec![0x8a], long.repeat(10)].concat()), items);
        // A payload of other CBOR, in which there is more of it.
        let other = [vec![0x8a], embed(&zeros(2_000)).repeat(10)].concat();
        let length = u16::try_from(other.len()).unwrap().to_be_bytes();
        let signature = [&[0x84, 0x40, 0xa0, 0x59][..], &length, &other, &[0x40]].concat();
        assert_eq!(fault(&signature), items);
        // Inside a tag 24 that is around no byte string.
        let odd = [vec![0xd8, 24, 0x8a], embed(&zeros(2_000)).repeat(10)].concat();
        assert_eq!(fault(&odd), items);
    }

    #[test]
    fn encoded_cbor_is_nested_a_few_levels_and_not_opened_again_and_again() {
        let nested = |levels: usize, inner: &[u8]| (0..levels).fold(inner.to_vec(), |inner, _| embed(&inner));
        assert!(parse(&nested(DEEPEST, &[0])).is_ok());
        let deep = Fault::Limit("the nesting of encoded CBOR");
        assert_eq!(fault(&nested(DEEPEST + 1, &[0])), deep);
        assert_eq!(
            fault(&nested(5, &[&[0x5a, 0, 1, 0, 0][..], &[0; 65_536]].concat())),
            Fault::Limit("the size of encoded CBOR")
        );
        assert!(parse(&nested(3, &[&[0x5a, 0, 1, 0, 0][..], &[0; 65_536]].concat())).is_ok());
        assert!(parse(&embed(&[0xff, 0xff])).is_ok(), "no CBOR in it");
    }

    #[test]
    fn a_file_is_not_larger_than_the_largest() {
        let text = |content: u32| {
            let mut out = vec![0x5a];
            out.extend_from_slice(&content.to_be_bytes());
            out.resize(5 + usize::try_from(content).unwrap(), 0);
            out
        };
        assert!(parse(&text((4 << 20) - 5)).is_ok());
        assert_eq!(fault(&text((4 << 20) - 4)), Fault::Limit("the message"));
    }
}
