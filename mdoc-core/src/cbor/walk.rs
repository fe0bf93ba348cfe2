//! The one pass over received CBOR that everything else relies on.

use std::borrow::Cow;

use super::keys::Keys;
use crate::error::{DecodeError, Fault};
use crate::limits::Limits;

pub(super) const BREAK: u8 = 0xff;

/// No limit of a caller goes beyond this, because nesting is walked by calls.
const MAX_DEPTH: usize = 256;

/// How an input was written, where the standard lets a reader be tolerant.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Shape {
    /// Items, nested ones included.
    pub items: usize,
    /// Items of indefinite length; ISO/IEC 18013-5 tells writers not to use them.
    pub indefinite: usize,
    /// Heads that are not the shortest; ISO/IEC 18013-5 tells writers not to use them.
    pub not_shortest: usize,
}

impl Shape {
    /// Items that a writer was to write in another way.
    const fn odd(&self) -> usize {
        self.indefinite + self.not_shortest
    }

    /// The sum of both, for a message that has parts inside tag 24.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self {
            items: self.items.saturating_add(other.items),
            indefinite: self.indefinite.saturating_add(other.indefinite),
            not_shortest: self.not_shortest.saturating_add(other.not_shortest),
        }
    }
}

/// The first bytes of an item.
#[derive(Clone, Copy)]
pub(super) struct Head {
    pub(super) major: u8,
    /// The argument; none for an indefinite length or a break.
    pub(super) value: Option<u64>,
    /// Bytes of the head itself.
    pub(super) len: usize,
}

/// Reads a head; none if the input is too short or the additional information is reserved.
#[inline]
pub(super) fn head(input: &[u8]) -> Option<Head> {
    let (first, rest) = input.split_first()?;
    let (major, info) = (first >> 5, first & 31);
    let (value, extra) = match info {
        0..=23 => (Some(u64::from(info)), 0),
        24 => (Some(u64::from(*rest.first()?)), 1),
        25 => (Some(u64::from(u16::from_be_bytes(*rest.first_chunk()?))), 2),
        26 => (Some(u64::from(u32::from_be_bytes(*rest.first_chunk()?))), 4),
        27 => (Some(u64::from_be_bytes(*rest.first_chunk()?)), 8),
        31 => (None, 0),
        _ => return None,
    };
    Some(Head {
        major,
        value,
        len: 1 + extra,
    })
}

/// Checks that `input` is exactly one item within the limits, and without duplicate keys.
pub(super) fn check(input: &[u8], limits: &Limits) -> Result<Shape, DecodeError> {
    if input.len() > limits.message {
        return Err(DecodeError::new(Fault::Limit("the message")));
    }
    let mut walk = Walk {
        input,
        at: 0,
        limits,
        shape: Shape::default(),
    };
    walk.item(0)?;
    match input.len().saturating_sub(walk.at) {
        0 => Ok(walk.shape),
        more => Err(walk.error(Fault::TrailingBytes(more))),
    }
}

/// The length of the first item of an input that was checked before. Counts the items that are still to be passed;
/// goes a call deeper only where a length is indefinite.
pub(super) fn item_len(input: &[u8]) -> Option<usize> {
    let mut at: usize = 0;
    let mut left: u64 = 1;
    while left > 0 {
        let head = head(input.get(at..)?)?;
        at += head.len;
        left -= 1;
        match (head.major, head.value) {
            (2 | 3, Some(len)) => at = at.checked_add(usize::try_from(len).ok()?)?,
            (2..=5, None) => {
                while *input.get(at)? != BREAK {
                    at = at.checked_add(item_len(input.get(at..)?)?)?;
                }
                at += 1;
            }
            (4, Some(count)) => left = left.checked_add(count)?,
            (5, Some(count)) => left = left.checked_add(count.checked_mul(2)?)?,
            (6, _) => left += 1,
            _ => {}
        }
    }
    Some(at)
}

struct Walk<'b, 'l> {
    input: &'b [u8],
    at: usize,
    limits: &'l Limits,
    shape: Shape,
}

impl<'b> Walk<'b, '_> {
    const fn error(&self, fault: Fault) -> DecodeError {
        DecodeError::new(fault).at(self.at)
    }

    fn rest(&self) -> &'b [u8] {
        self.input.get(self.at..).unwrap_or_default()
    }

    #[cold]
    fn bad_head(&self) -> DecodeError {
        let reserved = self
            .rest()
            .first()
            .is_some_and(|first| matches!(first & 31, 28..=30));
        self.error(if reserved {
            Fault::Malformed("reserved additional information")
        } else {
            Fault::Truncated
        })
    }

    #[inline]
    fn head(&mut self) -> Result<Head, DecodeError> {
        let Some(head) = head(self.rest()) else {
            return Err(self.bad_head());
        };
        let shortest = match (head.len, head.value) {
            (2, Some(n)) => n > 23,
            (3, Some(n)) => n > 0xff,
            (5, Some(n)) => n > 0xffff,
            (9, Some(n)) => n > 0xffff_ffff,
            _ => true,
        };
        if head.major == 7 {
            if head.len == 2 && head.value.is_some_and(|n| n < 32) {
                return Err(self.error(Fault::Malformed(
                    "a simple value in two bytes that has one of its own",
                )));
            }
        } else if !shortest {
            self.shape.not_shortest += 1;
        }
        self.at += head.len;
        Ok(head)
    }

    /// Called for every item, and only arrays, maps and tags go a call deeper.
    #[inline]
    fn item(&mut self, depth: usize) -> Result<(), DecodeError> {
        if depth > self.limits.depth.min(MAX_DEPTH) {
            return Err(self.error(Fault::Limit("the nesting")));
        }
        self.count()?;
        let start = self.at;
        let head = self.head()?;
        if head.value.is_none() {
            match head.major {
                2..=5 => self.shape.indefinite += 1,
                7 => {
                    self.at = start;
                    return Err(self.error(Fault::Malformed("a break where an item is due")));
                }
                _ => {
                    self.at = start;
                    return Err(self.error(Fault::Malformed("an indefinite length on a type without one")));
                }
            }
        }
        match head.major {
            2 | 3 => self.string(head),
            4 => self.array(head.value, depth),
            5 => self.map(head.value, depth),
            6 => self.tagged(depth),
            _ => Ok(()),
        }
    }

    #[inline]
    fn count(&mut self) -> Result<(), DecodeError> {
        self.shape.items += 1;
        if self.shape.items > self.limits.items {
            return Err(self.error(Fault::Limit("the number of items")));
        }
        Ok(())
    }

    #[inline]
    fn string(&mut self, head: Head) -> Result<(), DecodeError> {
        match head.value {
            Some(len) => self.content(head.major, len),
            None => self.chunks(head),
        }
    }

    fn chunks(&mut self, head: Head) -> Result<(), DecodeError> {
        while !self.take_break() {
            let chunk = self.head()?;
            match chunk.value {
                Some(len) if chunk.major == head.major => self.content(chunk.major, len)?,
                _ => return Err(self.error(Fault::Malformed("a chunk of another type in a string"))),
            }
            self.count()?;
        }
        Ok(())
    }

    #[inline]
    fn content(&mut self, major: u8, len: u64) -> Result<(), DecodeError> {
        let content = usize::try_from(len).ok().and_then(|len| self.rest().get(..len));
        let Some(content) = content else {
            return Err(self.error(Fault::Truncated));
        };
        if major == 3 && !content.is_ascii() && core::str::from_utf8(content).is_err() {
            return Err(self.error(Fault::Malformed("a text string that is not UTF-8")));
        }
        self.at += content.len();
        Ok(())
    }

    /// Whether the next byte ends a container of indefinite length; if so, goes past it.
    fn take_break(&mut self) -> bool {
        let is_break = self.rest().first() == Some(&BREAK);
        if is_break {
            self.at += 1;
        }
        is_break
    }

    /// A declared count that the rest of the input cannot hold is an error before it is a loop.
    fn plausible(&self, count: Option<u64>, each: usize) -> Result<(), DecodeError> {
        let room = self.rest().len() / each;
        match count {
            Some(count) if usize::try_from(count).map_or(true, |count| count > room) => {
                Err(self.error(Fault::Truncated))
            }
            _ => Ok(()),
        }
    }

    fn tagged(&mut self, depth: usize) -> Result<(), DecodeError> {
        self.item(depth + 1)
    }

    fn array(&mut self, count: Option<u64>, depth: usize) -> Result<(), DecodeError> {
        self.plausible(count, 1)?;
        match count {
            Some(count) => {
                for _ in 0..count {
                    self.item(depth + 1)?;
                }
            }
            None => {
                while !self.take_break() {
                    self.item(depth + 1)?;
                }
            }
        }
        Ok(())
    }

    fn map(&mut self, count: Option<u64>, depth: usize) -> Result<(), DecodeError> {
        self.plausible(count, 2)?;
        let mut keys = Keys::new();
        let mut left = count;
        loop {
            match &mut left {
                Some(0) => break,
                Some(left) => *left -= 1,
                None if self.take_break() => break,
                None => {}
            }
            let (start, odd) = (self.at, self.shape.odd());
            self.item(depth + 1)?;
            let raw = self.input.get(start..self.at).unwrap_or_default();
            if keys.add(raw, odd == self.shape.odd()) {
                self.at = start;
                return Err(self.error(Fault::DuplicateKey));
            }
            self.item(depth + 1)?;
        }
        if keys.has_duplicate() {
            return Err(self.error(Fault::DuplicateKey));
        }
        Ok(())
    }
}

/// The content of a text string of at most 23 bytes in one piece that an input begins with, and what follows it.
#[inline]
pub(super) fn short_text(input: &[u8]) -> Option<(&[u8], &[u8])> {
    let (first, rest) = input.split_first()?;
    let len = first.checked_sub(0x60).filter(|len| *len < 24)?;
    rest.split_at_checked(usize::from(len))
}

/// The content of a string that was checked before, behind its head; owned only if it came in chunks.
#[inline]
pub(super) fn content(raw: &[u8], head: Head) -> Option<Cow<'_, [u8]>> {
    let rest = raw.get(head.len..)?;
    match head.value {
        Some(len) => rest.get(..usize::try_from(len).ok()?).map(Cow::Borrowed),
        None => joined(rest),
    }
}

fn joined(mut rest: &[u8]) -> Option<Cow<'_, [u8]>> {
    let mut joined = Vec::new();
    while rest.first().is_some_and(|byte| *byte != BREAK) {
        let chunk = head(rest)?;
        let end = chunk.len.checked_add(usize::try_from(chunk.value?).ok()?)?;
        joined.extend_from_slice(rest.get(chunk.len..end)?);
        rest = rest.get(end..)?;
    }
    Some(Cow::Owned(joined))
}
