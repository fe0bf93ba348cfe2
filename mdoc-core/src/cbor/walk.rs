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
    let mut walk = Walk::new(input, limits)?;
    let walked = walk.item(0);
    walk.end(walked)
}

/// The same, and calls `note` with each entry, key and value, if it is a map; the boolean tells whether it is. What
/// was noted is good only if there is no error.
#[inline]
pub(super) fn check_map<'b>(
    input: &'b [u8],
    limits: &Limits,
    note: impl FnMut(&'b [u8], &'b [u8]),
) -> Result<(Shape, bool), DecodeError> {
    let mut walk = Walk::new(input, limits)?;
    let is_map = input.first().is_some_and(|first| first >> 5 == 5);
    let walked = if is_map {
        walk.outermost_map(note)
    } else {
        walk.item(0)
    };
    walk.end(walked).map(|shape| (shape, is_map))
}

/// The length of the first item of an input that was checked before. Counts the items that are still to be passed;
/// goes a call deeper only where a length is indefinite.
pub(super) fn item_len(input: &[u8]) -> Option<usize> {
    let mut rest = input;
    let mut left: u64 = 1;
    while left > 0 {
        let (first, behind) = rest.split_first()?;
        left -= 1;
        match first {
            // As nearly all heads are: of one byte, or of two.
            0x00..=0x17 | 0x20..=0x37 | 0xe0..=0xf7 => {
                rest = behind;
                continue;
            }
            0x40..=0x57 | 0x60..=0x77 => {
                rest = behind.get(usize::from(first & 31)..)?;
                continue;
            }
            0x58 | 0x78 => {
                let (len, behind) = behind.split_first()?;
                rest = behind.get(usize::from(*len)..)?;
                continue;
            }
            // Tag 24, for one.
            0xd8 => {
                rest = behind.get(1..)?;
                left += 1;
                continue;
            }
            _ => {}
        }
        let head = head(rest)?;
        rest = rest.get(head.len..)?;
        match (head.major, head.value) {
            (2 | 3, Some(len)) => rest = rest.get(usize::try_from(len).ok()?..)?,
            (2..=5, None) => {
                while *rest.first()? != BREAK {
                    rest = rest.get(item_len(rest)?..)?;
                }
                rest = rest.get(1..)?;
            }
            (4, Some(count)) => left = left.checked_add(count)?,
            (5, Some(count)) => left = left.checked_add(count.checked_mul(2)?)?,
            (6, _) => left += 1,
            _ => {}
        }
    }
    input.len().checked_sub(rest.len())
}

/// Something is wrong: what it is, the walk knows. So what goes up from call to call is one bit.
struct Stop;

struct Walk<'b> {
    input: &'b [u8],
    /// What is still to be walked.
    rest: &'b [u8],
    most_items: usize,
    most_depth: usize,
    shape: Shape,
    wrong: Option<DecodeError>,
}

impl<'b> Walk<'b> {
    #[inline]
    fn new(input: &'b [u8], limits: &Limits) -> Result<Self, DecodeError> {
        if input.len() > limits.message {
            return Err(DecodeError::new(Fault::Limit("the message")));
        }
        Ok(Self {
            input,
            rest: input,
            most_items: limits.items,
            most_depth: limits.depth.min(MAX_DEPTH),
            shape: Shape::default(),
            wrong: None,
        })
    }

    #[inline]
    fn end(mut self, walked: Result<(), Stop>) -> Result<Shape, DecodeError> {
        if walked.is_ok() && self.rest.is_empty() {
            return Ok(self.shape);
        }
        if walked.is_ok() {
            let Stop = self.stop(Fault::TrailingBytes(self.rest.len()));
        }
        Err(self.wrong.unwrap_or(DecodeError::new(Fault::Truncated)))
    }

    /// Notes what is wrong, here.
    #[cold]
    #[inline(never)]
    fn stop(&mut self, fault: Fault) -> Stop {
        let at = self.input.len().saturating_sub(self.rest.len());
        self.wrong = Some(DecodeError::new(fault).at(at));
        Stop
    }

    /// The same, before what was read already.
    #[cold]
    #[inline(never)]
    fn stop_at(&mut self, rest: &'b [u8], fault: Fault) -> Stop {
        self.rest = rest;
        self.stop(fault)
    }

    #[cold]
    #[inline(never)]
    fn bad_head(&mut self) -> Stop {
        let reserved = self
            .rest
            .first()
            .is_some_and(|first| matches!(first & 31, 28..=30));
        self.stop(if reserved {
            Fault::Malformed("reserved additional information")
        } else {
            Fault::Truncated
        })
    }

    /// Any head, with a count of those that are not the shortest.
    #[inline]
    fn head(&mut self) -> Result<Head, Stop> {
        let Some(head) = head(self.rest) else {
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
                return Err(self.stop(Fault::Malformed(
                    "a simple value in two bytes that has one of its own",
                )));
            }
        } else if !shortest {
            self.shape.not_shortest += 1;
        }
        self.rest = self.rest.get(head.len..).unwrap_or_default();
        Ok(head)
    }

    /// Called for every item, and only arrays, maps and tags go a call deeper. Whoever calls has made sure that items
    /// may be as deep as this.
    #[inline(always)]
    fn item(&mut self, depth: usize) -> Result<(), Stop> {
        self.count()?;
        let Some((first, rest)) = self.rest.split_first() else {
            return Err(self.bad_head());
        };
        match first {
            // A number or simple value of one byte.
            0x00..=0x17 | 0x20..=0x37 | 0xe0..=0xf7 => {
                self.rest = rest;
                Ok(())
            }
            // A string of at most 23 bytes.
            0x40..=0x57 | 0x60..=0x77 => {
                self.rest = rest;
                self.content(first >> 5, u64::from(first & 31))
            }
            // One of at most 255.
            0x58 | 0x78 => match rest.split_first() {
                Some((len @ 24.., rest)) => {
                    self.rest = rest;
                    self.content(first >> 5, u64::from(*len))
                }
                _ => self.longer_item(depth),
            },
            _ => self.longer_item(depth),
        }
    }

    #[inline(never)]
    fn longer_item(&mut self, depth: usize) -> Result<(), Stop> {
        let start = self.rest;
        let head = self.head()?;
        match (head.major, head.value) {
            (0 | 1 | 7, Some(_)) => Ok(()),
            (2 | 3, Some(len)) => self.content(head.major, len),
            (4, count) => self.array(count, depth + 1),
            (5, count) => self.map(count, depth + 1, |_, _| ()),
            (6, Some(_)) => {
                self.deep(depth + 1)?;
                self.item(depth + 1)
            }
            (2 | 3, None) => self.chunks(head.major),
            (7, None) => Err(self.stop_at(start, Fault::Malformed("a break where an item is due"))),
            _ => {
                let fault = Fault::Malformed("an indefinite length on a type without one");
                Err(self.stop_at(start, fault))
            }
        }
    }

    /// The whole input, which begins with the head of a map.
    fn outermost_map(&mut self, note: impl FnMut(&'b [u8], &'b [u8])) -> Result<(), Stop> {
        self.count()?;
        let head = self.head()?;
        self.map(head.value, 1, note)
    }

    /// Whether an item may begin here that is as deep as this.
    #[inline]
    fn deep(&mut self, depth: usize) -> Result<(), Stop> {
        if depth > self.most_depth {
            return Err(self.stop(Fault::Limit("the nesting")));
        }
        Ok(())
    }

    #[inline]
    fn count(&mut self) -> Result<(), Stop> {
        self.shape.items += 1;
        if self.shape.items > self.most_items {
            return Err(self.stop(Fault::Limit("the number of items")));
        }
        Ok(())
    }

    fn chunks(&mut self, major: u8) -> Result<(), Stop> {
        self.shape.indefinite += 1;
        while !self.take_break() {
            let chunk = self.head()?;
            match chunk.value {
                Some(len) if chunk.major == major => self.content(major, len)?,
                _ => return Err(self.stop(Fault::Malformed("a chunk of another type in a string"))),
            }
            self.count()?;
        }
        Ok(())
    }

    #[inline]
    fn content(&mut self, major: u8, len: u64) -> Result<(), Stop> {
        let split = usize::try_from(len).ok();
        let Some((content, rest)) = split.and_then(|len| self.rest.split_at_checked(len)) else {
            return Err(self.stop(Fault::Truncated));
        };
        if major == 3 && !is_ascii(content) && core::str::from_utf8(content).is_err() {
            return Err(self.stop(Fault::Malformed("a text string that is not UTF-8")));
        }
        self.rest = rest;
        Ok(())
    }

    /// Whether the next byte ends a container of indefinite length; if so, goes past it.
    fn take_break(&mut self) -> bool {
        match self.rest.split_first() {
            Some((&BREAK, rest)) => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    /// A declared count that the rest of the input cannot hold is an error before it is a loop.
    #[inline]
    fn plausible(&mut self, count: Option<u64>, each: usize) -> Result<(), Stop> {
        let room = self.rest.len() / each;
        match count {
            Some(count) if usize::try_from(count).map_or(true, |count| count > room) => {
                Err(self.stop(Fault::Truncated))
            }
            Some(_) => Ok(()),
            None => {
                self.shape.indefinite += 1;
                Ok(())
            }
        }
    }

    fn array(&mut self, count: Option<u64>, depth: usize) -> Result<(), Stop> {
        self.plausible(count, 1)?;
        let mut left = count;
        while !self.ends(&mut left) {
            self.deep(depth)?;
            self.item(depth)?;
        }
        Ok(())
    }

    #[inline]
    fn map(
        &mut self,
        count: Option<u64>,
        depth: usize,
        mut note: impl FnMut(&'b [u8], &'b [u8]),
    ) -> Result<(), Stop> {
        self.plausible(count, 2)?;
        let mut keys = Keys::new();
        let mut left = count;
        while !self.ends(&mut left) {
            self.deep(depth)?;
            let (start, odd) = (self.rest, self.shape.odd());
            self.item(depth)?;
            let key = start.get(..start.len() - self.rest.len()).unwrap_or_default();
            if keys.add(key, start, odd == self.shape.odd()) {
                return Err(self.stop_at(start, Fault::DuplicateKey));
            }
            let start = self.rest;
            self.item(depth)?;
            note(
                key,
                start.get(..start.len() - self.rest.len()).unwrap_or_default(),
            );
        }
        if keys.has_duplicate() {
            return Err(self.stop(Fault::DuplicateKey));
        }
        Ok(())
    }

    /// Whether a container has no more entries; the break of an indefinite one is passed.
    #[inline]
    fn ends(&mut self, left: &mut Option<u64>) -> bool {
        match left {
            Some(0) => true,
            Some(left) => {
                *left -= 1;
                false
            }
            None => self.take_break(),
        }
    }
}

/// As the method of slices, and faster for the few bytes that names have.
#[inline]
fn is_ascii(text: &[u8]) -> bool {
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let (eights, rest) = text.as_chunks::<8>();
    let mut seen = 0;
    for eight in eights {
        seen |= u64::from_ne_bytes(*eight);
    }
    match text.last_chunk() {
        // Some of them once more.
        Some(last) => seen |= u64::from_ne_bytes(*last),
        None => {
            for byte in rest {
                seen |= u64::from(*byte);
            }
        }
    }
    seen & HIGH == 0
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
