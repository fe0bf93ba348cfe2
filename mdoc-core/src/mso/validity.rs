//! From when until when a document is valid.

use crate::cbor::Item;
use crate::error::DecodeError;
use crate::time::Timestamp;

/// When the MSO was signed, and from when until when it is valid. Both limits are inclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ValidityInfo {
    /// The instant of the signature.
    pub signed: Timestamp,
    /// The first instant of validity.
    pub valid_from: Timestamp,
    /// The last instant of validity.
    pub valid_until: Timestamp,
    /// When the issuer expects to sign again.
    pub expected_update: Option<Timestamp>,
    /// Whether all of them were written in the one form of the standard: UTC, whole seconds.
    pub strictly_written: bool,
    /// `signed`, rounded up where it was written with a fraction of a second.
    pub(crate) signed_at_the_latest: Timestamp,
}

impl ValidityInfo {
    pub(super) fn decode(item: Item<'_>) -> Result<Self, DecodeError> {
        let [signed, valid_from, valid_until, expected_update] =
            item.members(["signed", "validFrom", "validUntil", "expectedUpdate"])?;
        let mut strictly_written = true;
        let mut read = |name: &'static str, member: Option<Item<'_>>| {
            let instant = Instant::decode(member.ok_or(DecodeError::missing(name))?)
                .map_err(|error| error.within(name))?;
            strictly_written &= instant.strict;
            Ok::<_, DecodeError>(instant)
        };
        let signed = read("signed", signed)?;
        let valid_from = read("validFrom", valid_from)?;
        let valid_until = read("validUntil", valid_until)?;
        // Only a hint to the wallet: one that cannot be read is no reason to refuse the document.
        let expected_update = expected_update
            .filter(|item| !item.is_null())
            .and_then(|item| read("expectedUpdate", Some(item)).ok());
        Ok(Self {
            signed: signed.whole,
            valid_from: valid_from.rounded_up(),
            valid_until: valid_until.whole,
            expected_update: expected_update.map(|instant| instant.whole),
            strictly_written,
            signed_at_the_latest: signed.rounded_up(),
        })
    }
}

/// A `tdate` as received. A fraction of a second, which the standard excludes, is cut off and remembered:
/// rounding must never make a document valid at an instant at which it is not.
struct Instant {
    whole: Timestamp,
    fraction: bool,
    strict: bool,
}

impl Instant {
    fn decode(item: Item<'_>) -> Result<Self, DecodeError> {
        let wrong = || DecodeError::expected("a tag 0 date-time");
        let (tag, text) = item.tagged().ok_or_else(wrong)?;
        let text = text
            .text()
            .filter(|_| tag == crate::value::TAG_TDATE)
            .ok_or_else(wrong)?;
        if let Some(whole) = Timestamp::parse_strict(&text) {
            return Ok(Self {
                whole,
                fraction: false,
                strict: true,
            });
        }
        let whole = Timestamp::parse(&text).map_err(|_| DecodeError::expected("a date-time of RFC 3339"))?;
        let fraction = text.split_once('.').is_some_and(|(_, digits)| {
            digits
                .bytes()
                .take_while(u8::is_ascii_digit)
                .any(|digit| digit != b'0')
        });
        Ok(Self {
            whole,
            fraction,
            strict: false,
        })
    }

    fn rounded_up(&self) -> Timestamp {
        if self.fraction {
            self.whole.plus(core::time::Duration::from_secs(1))
        } else {
            self.whole
        }
    }
}
