//! Reading and writing the DER that certificates, revocation lists and key files are made of.
//!
//! The reader never allocates, never recurses and never reads beyond its bytes. Lengths must be definite
//! and minimal; tag numbers above 30 do not occur in these structures and are refused.

use core::fmt;

use crate::time::Timestamp;

/// Bytes that are not the DER structure they should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadCertificate {
    /// What was expected there.
    pub what: &'static str,
    /// Where, in bytes from the beginning of the outermost structure.
    pub offset: usize,
}

impl fmt::Display for BadCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not a proper {} at byte {}", self.what, self.offset)
    }
}

impl core::error::Error for BadCertificate {}

pub(crate) const BOOLEAN: u8 = 0x01;
pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const BIT_STRING: u8 = 0x03;
pub(crate) const OCTET_STRING: u8 = 0x04;
pub(crate) const NULL: u8 = 0x05;
pub(crate) const OBJECT_IDENTIFIER: u8 = 0x06;
pub(crate) const ENUMERATED: u8 = 0x0A;
pub(crate) const UTF8_STRING: u8 = 0x0C;
pub(crate) const PRINTABLE_STRING: u8 = 0x13;
pub(crate) const T61_STRING: u8 = 0x14;
pub(crate) const IA5_STRING: u8 = 0x16;
pub(crate) const UTC_TIME: u8 = 0x17;
pub(crate) const GENERALIZED_TIME: u8 = 0x18;
pub(crate) const BMP_STRING: u8 = 0x1E;
pub(crate) const SEQUENCE: u8 = 0x30;
pub(crate) const SET: u8 = 0x31;

/// The tag of `[number]`, primitive.
pub(crate) const fn context(number: u8) -> u8 {
    0x80 | number
}

/// The tag of `[number]`, constructed.
pub(crate) const fn constructed(number: u8) -> u8 {
    0xA0 | number
}

/// One element: tag, content, and where it was.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Element<'a> {
    pub(crate) tag: u8,
    /// The content octets.
    pub(crate) value: &'a [u8],
    /// Tag, length and content, as received.
    pub(crate) raw: &'a [u8],
    /// Where `raw` begins in the outermost structure.
    pub(crate) offset: usize,
}

impl<'a> Element<'a> {
    /// Where the content begins in the outermost structure.
    pub(crate) const fn value_offset(&self) -> usize {
        self.offset + self.raw.len() - self.value.len()
    }

    /// The elements inside.
    pub(crate) const fn inside(&self) -> Reader<'a> {
        Reader::at(self.value, self.value_offset())
    }

    pub(crate) const fn bad(&self, what: &'static str) -> BadCertificate {
        BadCertificate {
            what,
            offset: self.offset,
        }
    }

    /// The octets of a BIT STRING without unused bits.
    pub(crate) fn whole_octets(&self, what: &'static str) -> Result<&'a [u8], BadCertificate> {
        match self.value.split_first() {
            Some((0, octets)) => Ok(octets),
            _ => Err(self.bad(what)),
        }
    }

    /// The content of an INTEGER, checked to be written in the shortest way.
    pub(crate) fn integer(&self, what: &'static str) -> Result<&'a [u8], BadCertificate> {
        match self.value {
            [] => Err(self.bad(what)),
            [0x00, next, ..] if *next < 0x80 => Err(self.bad(what)),
            [0xFF, next, ..] if *next >= 0x80 => Err(self.bad(what)),
            value => Ok(value),
        }
    }

    /// The magnitude of an INTEGER that is not negative, without leading zeros.
    pub(crate) fn unsigned(&self, what: &'static str) -> Result<&'a [u8], BadCertificate> {
        match self.integer(what)? {
            [first, ..] if *first >= 0x80 => Err(self.bad(what)),
            [0x00, rest @ ..] => Ok(rest),
            value => Ok(value),
        }
    }

    /// A truth value, and whether it is written as DER asks (`FF` for true).
    pub(crate) fn boolean(&self, what: &'static str) -> Result<(bool, bool), BadCertificate> {
        match self.value {
            [0x00] => Ok((false, true)),
            [value] => Ok((true, *value == 0xFF)),
            _ => Err(self.bad(what)),
        }
    }

    /// A `Time` of RFC 5280 (4.1.2.5): whole seconds, UTC with `Z`.
    pub(crate) fn time(&self, what: &'static str) -> Result<Timestamp, BadCertificate> {
        let bad = || self.bad(what);
        let (century, rest) = match (self.tag, self.value) {
            // Two-digit years from 50 belong to the last century (RFC 5280, 4.1.2.5.1).
            (UTC_TIME, [tens, ..]) if self.value.len() == 13 => {
                (if *tens < b'5' { *b"20" } else { *b"19" }, self.value)
            }
            (GENERALIZED_TIME, [a, b, rest @ ..]) if self.value.len() == 15 => ([*a, *b], rest),
            _ => return Err(bad()),
        };
        let [c0, c1] = century;
        let &[y0, y1, o0, o1, d0, d1, h0, h1, m0, m1, s0, s1, zone] = rest else {
            return Err(bad());
        };
        let digits = [c0, c1, y0, y1, o0, o1, d0, d1, h0, h1, m0, m1, s0, s1];
        if !digits.iter().all(u8::is_ascii_digit) {
            return Err(bad());
        }
        let full = [
            c0, c1, y0, y1, b'-', o0, o1, b'-', d0, d1, b'T', h0, h1, b':', m0, m1, b':', s0, s1, zone,
        ];
        let text = core::str::from_utf8(&full).map_err(|_| bad())?;
        match Timestamp::parse_strict(text) {
            Some(instant) => Ok(instant),
            None => Timestamp::parse(text).map_err(|_| bad()), // the second before a leap second, perhaps
        }
    }

    /// Whether a `Time` that was read as that instant is written otherwise than [`time`] writes it.
    pub(crate) fn is_odd_time(&self, instant: Timestamp) -> bool {
        let utc = (1950..=2049).contains(&instant.date().year());
        // The digits are the instant's unless they name a leap second, which no instant has.
        let leap = matches!(self.value, [.., b'6', b'0', _]);
        leap || self.tag != if utc { UTC_TIME } else { GENERALIZED_TIME }
    }
}

/// Elements one after another.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
    offset: usize,
}

impl<'a> Reader<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self::at(bytes, 0)
    }

    /// Reads bytes which begin at `offset` of the outermost structure.
    pub(crate) const fn at(bytes: &'a [u8], offset: usize) -> Self {
        Self { rest: bytes, offset }
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The next element, whatever its tag.
    pub(crate) fn any(&mut self, what: &'static str) -> Result<Element<'a>, BadCertificate> {
        let bad = BadCertificate {
            what,
            offset: self.offset,
        };
        let (&tag, after) = self.rest.split_first().ok_or(bad)?;
        let (&first, mut after) = after.split_first().ok_or(bad)?;
        if tag & 0x1F == 0x1F {
            return Err(bad);
        }
        let length = if first < 0x80 {
            usize::from(first)
        } else {
            let count = usize::from(first & 0x7F);
            if count == 0 || count > 4 {
                return Err(bad);
            }
            let (octets, tail) = after.split_at_checked(count).ok_or(bad)?;
            after = tail;
            let length = octets.iter().fold(0, |sum, o| sum << 8 | usize::from(*o));
            let minimal = length >= 0x80 && octets.first() != Some(&0);
            if !minimal {
                return Err(bad);
            }
            length
        };
        let (value, tail) = after.split_at_checked(length).ok_or(bad)?;
        let (raw, _) = self
            .rest
            .split_at_checked(self.rest.len() - tail.len())
            .ok_or(bad)?;
        let element = Element {
            tag,
            value,
            raw,
            offset: self.offset,
        };
        self.rest = tail;
        self.offset += raw.len();
        Ok(element)
    }

    /// The next element, which must have that tag.
    pub(crate) fn one(&mut self, tag: u8, what: &'static str) -> Result<Element<'a>, BadCertificate> {
        let element = self.any(what)?;
        if element.tag == tag {
            Ok(element)
        } else {
            Err(element.bad(what))
        }
    }

    /// The next element if it has that tag.
    pub(crate) fn optional(
        &mut self,
        tag: u8,
        what: &'static str,
    ) -> Result<Option<Element<'a>>, BadCertificate> {
        if self.rest.first() == Some(&tag) {
            self.any(what).map(Some)
        } else {
            Ok(None)
        }
    }

    /// Says that nothing may follow.
    pub(crate) const fn end(&self, what: &'static str) -> Result<(), BadCertificate> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(BadCertificate {
                what,
                offset: self.offset,
            })
        }
    }

    /// The one element with that tag which makes up all the bytes.
    pub(crate) fn only(bytes: &'a [u8], tag: u8, what: &'static str) -> Result<Element<'a>, BadCertificate> {
        let mut reader = Self::new(bytes);
        let element = reader.one(tag, what)?;
        reader.end(what)?;
        Ok(element)
    }
}

/// Tag, length and the concatenated parts; allocates once, so that a secret leaves no copy behind.
pub(crate) fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let octets = length.to_be_bytes();
    let significant = octets
        .iter()
        .position(|octet| *octet != 0)
        .unwrap_or(octets.len());
    let (_, octets) = octets.split_at(significant);
    let mut out = Vec::with_capacity(2 + octets.len() + length);
    out.push(tag);
    match u8::try_from(length) {
        Ok(short) if short < 0x80 => out.push(short),
        _ => {
            out.push(0x80 | u8::try_from(octets.len()).unwrap_or_default());
            out.extend_from_slice(octets);
        }
    }
    for part in parts {
        out.extend_from_slice(part);
    }
    out
}

/// An INTEGER of that magnitude (big-endian, leading zeros are dropped).
pub(crate) fn unsigned(magnitude: &[u8]) -> Vec<u8> {
    let zeros = magnitude.iter().take_while(|octet| **octet == 0).count();
    let (_, digits) = magnitude.split_at(zeros);
    match digits.first() {
        Some(first) if *first < 0x80 => tlv(INTEGER, &[digits]),
        _ => tlv(INTEGER, &[&[0], digits]),
    }
}

/// A BIT STRING of whole octets.
pub(crate) fn bit_string(octets: &[u8]) -> Vec<u8> {
    tlv(BIT_STRING, &[&[0], octets])
}

/// A `Time`: UTCTime up to 2049, GeneralizedTime from 2050 (RFC 5280, 4.1.2.5).
pub(crate) fn time(instant: Timestamp) -> Vec<u8> {
    let digits: String = instant
        .to_string()
        .chars()
        .filter(|c| c.is_ascii_digit())
        .collect();
    match (instant.date().year(), digits.split_at_checked(2)) {
        (1950..=2049, Some((_, short))) => tlv(UTC_TIME, &[short.as_bytes(), b"Z"]),
        _ => tlv(GENERALIZED_TIME, &[digits.as_bytes(), b"Z"]),
    }
}

/// A GeneralizedTime, whatever the year (RFC 6960, 4.2.1).
pub(crate) fn generalized_time(instant: Timestamp) -> Vec<u8> {
    let digits: String = instant
        .to_string()
        .chars()
        .filter(|c| c.is_ascii_digit())
        .collect();
    tlv(GENERALIZED_TIME, &[digits.as_bytes(), b"Z"])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        for length in [0, 1, 127, 128, 255, 256, 65_535, 65_536] {
            let content = vec![7; length];
            let written = tlv(OCTET_STRING, &[&content]);
            let read = Reader::only(&written, OCTET_STRING, "test").unwrap();
            assert_eq!(read.value, content);
            assert_eq!(read.raw, written);
        }
        for (text, tag) in [
            ("1950-01-01T00:00:00Z", UTC_TIME),
            ("2049-12-31T23:59:59Z", UTC_TIME),
            ("2050-01-01T00:00:00Z", GENERALIZED_TIME),
        ] {
            let instant = Timestamp::parse(text).unwrap();
            let written = time(instant);
            assert_eq!(
                Reader::only(&written, tag, "time").unwrap().time("time"),
                Ok(instant)
            );
        }
        assert_eq!(unsigned(&[0, 0, 0x80]), [2, 2, 0, 0x80]);
        assert_eq!(unsigned(&[0]), [2, 1, 0]);
    }

    #[test]
    fn only_minimal_definite_lengths_that_fit_are_read() {
        for bad in [
            &[][..],
            &[0x30],
            &[0x30, 0x01],
            &[0x30, 0x80, 0, 0],
            &[0x30, 0x81, 0x00],
            &[0x30, 0x81, 0x7F],
            &[0x30, 0x82, 0x00, 0x80],
            &[0x30, 0x85, 0, 0, 0, 0, 0],
            &[0x30, 0x84, 0xFF, 0xFF, 0xFF, 0xFF],
            &[0x1F, 0x01, 0x00],
        ] {
            assert!(Reader::new(bad).any("test").is_err(), "{bad:02x?}");
        }
    }

    #[test]
    fn times_have_seconds_and_z_and_exist() {
        for bad in [
            "2601010000Z",
            "260101000000",
            "260230000000Z",
            "2601010000+1Z",
            "",
        ] {
            let der = tlv(UTC_TIME, &[bad.as_bytes()]);
            assert!(Reader::new(&der).any("t").unwrap().time("t").is_err(), "{bad}");
        }
    }
}
