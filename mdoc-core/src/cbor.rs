//! Strict, bounded, borrowed decoding of CBOR (RFC 8949), and deterministic encoding.
//!
//! [`Item::parse`] walks the input once: well-formedness, UTF-8, nesting, counts, duplicate keys. After
//! that an [`Item`] is a view of the received bytes, and every accessor is total. What ISO/IEC 18013-5
//! allows a reader to tolerate (heads that are not the shortest, indefinite lengths) is taken and
//! counted in [`Shape`]; what it does not is an error.

mod diagnostic;
mod keys;
mod walk;
pub(crate) mod write;

use std::borrow::Cow;

pub use self::diagnostic::diagnostic;
pub use self::walk::Shape;
use crate::error::{DecodeError, Fault};
use crate::limits::{LONGEST_NAME, Limits};
use crate::value::{TAG_ENCODED, Value};

/// One well-formed CBOR item, as a view of the bytes it arrived in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Item<'b> {
    raw: &'b [u8],
}

/// The type of an item, with the value where it is small.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// Unsigned integer, major type 0.
    Unsigned(u64),
    /// Negative integer −1 − n, major type 1; here n.
    Negative(u64),
    /// Byte string.
    Bytes,
    /// Text string.
    Text,
    /// Array.
    Array,
    /// Map.
    Map,
    /// Tagged item, with the tag's number.
    Tag(u64),
    /// `true` or `false`.
    Bool(bool),
    /// `null` or `undefined`.
    Null,
    /// A floating-point number or another simple value.
    Simple,
}

/// Members of a map, in the order of the names that they were asked for by.
pub(crate) type Members<'b, const N: usize> = [Option<Item<'b>>; N];

impl<'b> Item<'b> {
    /// Takes exactly one item and checks all of it.
    ///
    /// # Errors
    /// [`DecodeError`] with the offset of the first byte at fault.
    pub fn parse(input: &'b [u8], limits: &Limits) -> Result<Self, DecodeError> {
        Self::parse_with_shape(input, limits).map(|(item, _)| item)
    }

    /// As [`Item::parse`], and tells how the input was written.
    ///
    /// # Errors
    /// [`DecodeError`] with the offset of the first byte at fault.
    pub fn parse_with_shape(input: &'b [u8], limits: &Limits) -> Result<(Self, Shape), DecodeError> {
        walk::check(input, limits).map(|shape| (Self { raw: input }, shape))
    }

    /// The bytes of the item as received.
    #[must_use]
    pub const fn raw(self) -> &'b [u8] {
        self.raw
    }

    /// The type of the item.
    #[must_use]
    pub fn kind(self) -> Kind {
        let Some(head) = walk::head(self.raw) else {
            return Kind::Simple;
        };
        match (head.major, head.value) {
            (0, Some(n)) => Kind::Unsigned(n),
            (1, Some(n)) => Kind::Negative(n),
            (2, _) => Kind::Bytes,
            (3, _) => Kind::Text,
            (4, _) => Kind::Array,
            (5, _) => Kind::Map,
            (6, Some(n)) => Kind::Tag(n),
            (7, Some(20)) if head.len == 1 => Kind::Bool(false),
            (7, Some(21)) if head.len == 1 => Kind::Bool(true),
            (7, Some(22 | 23)) if head.len == 1 => Kind::Null,
            _ => Kind::Simple,
        }
    }

    /// The value of an unsigned integer.
    #[must_use]
    pub fn unsigned(self) -> Option<u64> {
        if let Kind::Unsigned(n) = self.kind() {
            Some(n)
        } else {
            None
        }
    }

    /// The value of an integer that fits 64 bits.
    #[must_use]
    pub fn integer(self) -> Option<i64> {
        match self.kind() {
            Kind::Unsigned(n) => i64::try_from(n).ok(),
            Kind::Negative(n) => i64::try_from(n).ok().map(|n| -1 - n),
            _ => None,
        }
    }

    /// The value of a boolean.
    #[must_use]
    pub fn boolean(self) -> Option<bool> {
        if let Kind::Bool(value) = self.kind() {
            Some(value)
        } else {
            None
        }
    }

    /// Whether this is `null` or `undefined`.
    #[must_use]
    pub fn is_null(self) -> bool {
        self.kind() == Kind::Null
    }

    /// The content of a byte string; owned only if it came in chunks.
    #[must_use]
    pub fn bytes(self) -> Option<Cow<'b, [u8]>> {
        let head = walk::head(self.raw).filter(|head| head.major == 2)?;
        walk::content(self.raw, head)
    }

    /// The content of a text string; owned only if it came in chunks.
    #[must_use]
    pub fn text(self) -> Option<Cow<'b, str>> {
        match self.text_bytes()? {
            Cow::Borrowed(bytes) => core::str::from_utf8(bytes).ok().map(Cow::Borrowed),
            Cow::Owned(bytes) => String::from_utf8(bytes).ok().map(Cow::Owned),
        }
    }

    /// The elements of an array.
    #[must_use]
    pub fn array(self) -> Option<Items<'b>> {
        Items::of(self.raw, 4)
    }

    /// The entries of a map, in the order received.
    #[must_use]
    pub fn map(self) -> Option<Entries<'b>> {
        Items::of(self.raw, 5).map(Entries)
    }

    /// The tag and the item inside.
    #[must_use]
    pub fn tagged(self) -> Option<(u64, Self)> {
        let head = walk::head(self.raw).filter(|head| head.major == 6)?;
        let raw = self.raw.get(head.len..)?;
        Some((head.value?, Self { raw }))
    }

    /// The value of a map's text key, if the item is a map that has it.
    #[must_use]
    pub fn get(self, key: &str) -> Option<Self> {
        self.map()?
            .find(|(name, _)| name.text_bytes().is_some_and(|text| *text == *key.as_bytes()))
            .map(|(_, value)| value)
    }

    /// The value of a map's integer key, if the item is a map that has it.
    #[must_use]
    pub fn get_label(self, label: i64) -> Option<Self> {
        self.map()?
            .find(|(name, _)| name.integer() == Some(label))
            .map(|(_, value)| value)
    }

    /// The value as a tree of its own, for elements whose shape only a format knows.
    ///
    /// # Errors
    /// [`DecodeError`] for what CBOR allows and the tree cannot hold.
    pub fn to_value(self) -> Result<Value, DecodeError> {
        ciborium::de::from_reader_with_recursion_limit(self.raw, 2 * Limits::DEFAULT.depth)
            .map_err(|_| DecodeError::expected("a value of a common CBOR type"))
    }

    // What the structures of the standard are decoded with: the same accessors, with errors in words.

    pub(crate) fn expect_map(self) -> Result<Entries<'b>, DecodeError> {
        self.map().ok_or(DecodeError::expected("a map"))
    }

    pub(crate) fn expect_array(self) -> Result<Items<'b>, DecodeError> {
        self.array().ok_or(DecodeError::expected("an array"))
    }

    pub(crate) fn expect_text(self) -> Result<Cow<'b, str>, DecodeError> {
        self.text().ok_or(DecodeError::expected("a text string"))
    }

    /// The name of a document type, a namespace or an element, of [`LONGEST_NAME`] bytes at most.
    pub(crate) fn expect_name(self) -> Result<Cow<'b, str>, DecodeError> {
        let name = self.expect_text()?;
        if name.len() > LONGEST_NAME {
            return Err(DecodeError::new(Fault::Limit("a name")));
        }
        Ok(name)
    }

    pub(crate) fn expect_bytes(self) -> Result<Cow<'b, [u8]>, DecodeError> {
        self.bytes().ok_or(DecodeError::expected("a byte string"))
    }

    pub(crate) fn expect_unsigned(self) -> Result<u64, DecodeError> {
        self.unsigned()
            .ok_or(DecodeError::expected("an unsigned integer"))
    }

    /// A required member of a map.
    pub(crate) fn member(self, key: &'static str) -> Result<Self, DecodeError> {
        self.expect_map()?;
        self.get(key).ok_or(DecodeError::missing(key))
    }

    /// As [`Item::parse_with_shape`] for what should be a map: also gives its members with these names, as
    /// [`Item::members`] does. The inner error is that it is no map.
    #[inline]
    pub(crate) fn parse_members<const N: usize>(
        input: &'b [u8],
        limits: &Limits,
        names: [&str; N],
    ) -> Result<(Shape, Result<Members<'b, N>, DecodeError>), DecodeError> {
        let mut found = [None; N];
        let mut note = |name: &[u8], value| {
            let place = names.iter().position(|wanted| wanted.as_bytes() == name);
            if let Some(member) = place.and_then(|place| found.get_mut(place)) {
                *member = Some(Self { raw: value });
            }
        };
        let (shape, is_map) = walk::check_map(input, limits, |key, value| {
            if let Some((name, _)) = walk::short_text(key) {
                note(name, value);
            } else if let Some(name) = (Self { raw: key }).text_bytes() {
                note(&name, value);
            }
        })?;
        let map = if is_map {
            Ok(found)
        } else {
            Err(DecodeError::expected("a map"))
        };
        Ok((shape, map))
    }

    /// The members of a map with these names, in one pass over it; a name that is not there has none.
    pub(crate) fn members<const N: usize>(self, names: [&str; N]) -> Result<Members<'b, N>, DecodeError> {
        let mut found = [None; N];
        let mut entries = self.expect_map()?;
        while let Some((name, value)) = entries.next_named() {
            let Some(name) = name else { continue };
            let place = names.iter().position(|wanted| *name == *wanted.as_bytes());
            if let Some(place @ None) = place.and_then(|place| found.get_mut(place)) {
                *place = Some(value);
            }
        }
        Ok(found)
    }

    /// The content of a text string, which was checked to be UTF-8.
    fn text_bytes(self) -> Option<Cow<'b, [u8]>> {
        let head = walk::head(self.raw).filter(|head| head.major == 3)?;
        walk::content(self.raw, head)
    }

    /// An optional member of a map; `null` stands for absent.
    pub(crate) fn optional(self, key: &str) -> Option<Self> {
        self.get(key).filter(|value| !value.is_null())
    }
}

/// The elements of an array or, two by two, of a map.
#[derive(Debug, Clone)]
pub struct Items<'b> {
    rest: &'b [u8],
    left: Option<u64>,
}

impl<'b> Items<'b> {
    /// The items in one of that major type: 4 for an array, 5 for a map.
    fn of(raw: &'b [u8], major: u8) -> Option<Self> {
        let head = walk::head(raw).filter(|head| head.major == major)?;
        let left = head.value.map(|count| {
            if head.major == 5 {
                count.saturating_mul(2)
            } else {
                count
            }
        });
        Some(Self {
            rest: raw.get(head.len..)?,
            left,
        })
    }
}

impl Items<'_> {
    /// How many to make room for at once: as many as stated, and no more than real messages have, since whoever
    /// states a number has not yet sent as many.
    pub(crate) fn room(&self) -> usize {
        const MOST: u64 = 128;
        let stated = self.left.unwrap_or_default().min(MOST);
        usize::try_from(stated).unwrap_or_default()
    }
}

impl<'b> Iterator for Items<'b> {
    type Item = Item<'b>;

    fn next(&mut self) -> Option<Item<'b>> {
        match &mut self.left {
            Some(0) => return None,
            Some(left) => *left -= 1,
            None if self.rest.first() == Some(&walk::BREAK) => {
                self.left = Some(0);
                return None;
            }
            None => {}
        }
        // The last of a stated number is all that is left.
        if self.left == Some(0) {
            return Some(Item {
                raw: core::mem::take(&mut self.rest),
            });
        }
        let len = walk::item_len(self.rest)?;
        let (raw, rest) = self.rest.split_at_checked(len)?;
        self.rest = rest;
        Some(Item { raw })
    }
}

/// The entries of a map.
#[derive(Debug, Clone)]
pub struct Entries<'b>(Items<'b>);

impl<'b> Entries<'b> {
    /// The next entry, with the content of its key if that is a text string.
    #[inline]
    fn next_named(&mut self) -> Option<(Option<Cow<'b, [u8]>>, Item<'b>)> {
        // As keys are nearly always: a text string in one piece, of a map with a stated number of entries.
        if let Some(left) = self.0.left.filter(|left| *left > 1)
            && let Some((name, rest)) = walk::short_text(self.0.rest)
        {
            (self.0.left, self.0.rest) = (Some(left - 1), rest);
            return Some((Some(Cow::Borrowed(name)), self.0.next()?));
        }
        let (key, value) = self.next()?;
        Some((key.text_bytes(), value))
    }

    /// As [`Items::room`].
    pub(crate) fn room(&self) -> usize {
        self.0.room() / 2
    }
}

impl<'b> Iterator for Entries<'b> {
    type Item = (Item<'b>, Item<'b>);

    fn next(&mut self) -> Option<Self::Item> {
        Some((self.0.next()?, self.0.next()?))
    }
}

/// A tag 24 item: encoded CBOR in a byte string, together with the bytes it arrived in.
///
/// Whatever is hashed, signed or MACed travels like this (ISO/IEC 18013-5:2021, 8.1), and it is the
/// bytes of [`Embedded::raw`] that enter the computation, never a new encoding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Embedded<'b> {
    raw: &'b [u8],
    content: Cow<'b, [u8]>,
}

impl<'b> Embedded<'b> {
    /// Takes an item that must be a tag 24 byte string.
    ///
    /// # Errors
    /// [`DecodeError`] if it is not; the content is looked at by [`Embedded::item`].
    pub fn new(item: Item<'b>) -> Result<Self, DecodeError> {
        let wrong = || DecodeError::new(Fault::Expected("a tag 24 byte string"));
        let (tag, inner) = item.tagged().ok_or_else(wrong)?;
        if tag != TAG_ENCODED {
            return Err(wrong());
        }
        Ok(Self {
            raw: item.raw,
            content: inner.bytes().ok_or_else(wrong)?,
        })
    }

    /// The whole item as received: tag, head of the byte string, content.
    #[must_use]
    pub const fn raw(&self) -> &'b [u8] {
        self.raw
    }

    /// The content of the byte string.
    #[must_use]
    pub fn content(&self) -> &[u8] {
        &self.content
    }

    /// The one item inside.
    ///
    /// # Errors
    /// [`DecodeError`] if the content is not exactly one well-formed item.
    pub fn item(&self, limits: &Limits) -> Result<Item<'_>, DecodeError> {
        Item::parse(&self.content, limits).map_err(DecodeError::embedded)
    }

    /// As [`Embedded::item`], and tells how it was written.
    ///
    /// # Errors
    /// [`DecodeError`] if the content is not exactly one well-formed item.
    pub fn item_with_shape(&self, limits: &Limits) -> Result<(Item<'_>, Shape), DecodeError> {
        Item::parse_with_shape(&self.content, limits).map_err(DecodeError::embedded)
    }
}

/// `content` as a tag 24 byte string.
#[must_use]
pub fn embed(content: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(content.len() + 11);
    write::embedded(&mut out, content);
    out
}

#[cfg(test)]
mod tests;
