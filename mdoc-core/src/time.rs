//! Instants and calendar dates as the standard writes them.
//!
//! Nothing here asks what time it is: the clock belongs to the caller.

use core::fmt;
use core::time::Duration;

use time::format_description::well_known::Rfc3339;
use time::{Date, Month, OffsetDateTime, UtcOffset};

/// A text that is not the date or time it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadTime;

impl fmt::Display for BadTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a date or time in the form of RFC 3339")
    }
}

impl core::error::Error for BadTime {}

/// By how much the clock of whoever signs lists and answers (status lists, revocation lists, OCSP) may be ahead of ours,
/// whatever the policy says. What was made this moment is also newer than the instant of whoever began before asking for
/// it.
pub const CLOCK_AHEAD: Duration = Duration::from_secs(60);

/// An instant in UTC, in whole seconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    const FIRST: i64 = -62_167_219_200; // 0000-01-01T00:00:00Z
    const LAST: i64 = 253_402_300_799; // 9999-12-31T23:59:59Z

    /// The instant `seconds` after the Unix epoch; years outside 0000 to 9999 are moved to that range's end.
    #[must_use]
    pub const fn from_unix(seconds: i64) -> Self {
        if seconds < Self::FIRST {
            Self(Self::FIRST)
        } else if seconds > Self::LAST {
            Self(Self::LAST)
        } else {
            Self(seconds)
        }
    }

    /// Seconds since the Unix epoch, negative before it.
    #[must_use]
    pub const fn unix(self) -> i64 {
        self.0
    }

    /// Reads an RFC 3339 date-time with any offset; a fraction of a second is cut off.
    ///
    /// # Errors
    /// [`BadTime`] if it is anything else, for example a date alone.
    pub fn parse(text: &str) -> Result<Self, BadTime> {
        // RFC 3339, 5.6, knows `T`, `t` and for readability a blank; a lower-case `z` is no offset to us,
        // because the standard wants `Z`.
        if !matches!(text.as_bytes().get(10), Some(b'T' | b't' | b' ')) || text.ends_with('z') {
            return Err(BadTime);
        }
        OffsetDateTime::parse(text, &Rfc3339)
            .map(|t| Self::from_unix(t.unix_timestamp()))
            .map_err(|_| BadTime)
    }

    /// Whether `text` is written the one way that ISO/IEC 18013-5 allows in ValidityInfo:
    /// UTC with `Z`, whole seconds.
    #[must_use]
    pub fn is_strict(text: &str) -> bool {
        Self::parse_strict(text).is_some()
    }

    /// Reads what [`Timestamp::is_strict`] says yes to: `2026-06-01T12:00:00Z`.
    #[must_use]
    pub fn parse_strict(text: &str) -> Option<Self> {
        let (date, time) = text.split_at_checked(10)?;
        let &[b'T', h0, h1, b':', m0, m1, b':', s0, s1, b'Z'] = time.as_bytes() else {
            return None;
        };
        let number = |tens: u8, ones: u8, below: u8| {
            let digits = tens.is_ascii_digit() && ones.is_ascii_digit();
            let number = digits.then(|| (tens - b'0') * 10 + (ones - b'0'))?;
            (number < below).then_some(i64::from(number))
        };
        let (hours, minutes, seconds) = (number(h0, h1, 24)?, number(m0, m1, 60)?, number(s0, s1, 60)?);
        let midnight = FullDate::parse(date).ok()?.midnight();
        Some(Self(midnight.unix() + hours * 3600 + minutes * 60 + seconds))
    }

    /// This instant moved later; stops at the end of the year 9999.
    #[must_use]
    pub fn plus(self, by: Duration) -> Self {
        Self::from_unix(
            self.0
                .saturating_add(i64::try_from(by.as_secs()).unwrap_or(i64::MAX)),
        )
    }

    /// This instant moved earlier; stops at the beginning of the year 0.
    #[must_use]
    pub fn minus(self, by: Duration) -> Self {
        Self::from_unix(
            self.0
                .saturating_sub(i64::try_from(by.as_secs()).unwrap_or(i64::MAX)),
        )
    }

    /// What [`fmt::Display`] writes, without an allocation: twenty characters of ASCII.
    pub(crate) fn strict(self) -> [u8; 20] {
        let two = |number: u8| [b'0' + number / 10 % 10, b'0' + number % 10];
        let t = self.civil();
        // The years are 0000 to 9999.
        let [century, year] =
            [t.year() / 100, t.year() % 100].map(|part| two(u8::try_from(part).unwrap_or(0)));
        let [[c, d], [e, f]] = [century, year];
        let [[m, n], [o, p]] = [two(u8::from(t.month())), two(t.day())];
        let [[h, i], [j, k], [q, r]] = [two(t.hour()), two(t.minute()), two(t.second())];
        [
            c, d, e, f, b'-', m, n, b'-', o, p, b'T', h, i, b':', j, k, b':', q, r, b'Z',
        ]
    }

    /// The calendar date in UTC.
    #[must_use]
    pub fn date(self) -> FullDate {
        FullDate(self.civil().date())
    }

    fn civil(self) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(self.0)
            .unwrap_or(OffsetDateTime::UNIX_EPOCH)
            .to_offset(UtcOffset::UTC)
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339, UTC with `Z`, whole seconds: the strict form of the standard.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(core::str::from_utf8(&self.strict()).unwrap_or_default())
    }
}

/// A calendar date, the `full-date` of RFC 8943, without a time zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FullDate(Date);

impl FullDate {
    /// The date of a year (0 to 9999), month (1 to 12) and day.
    ///
    /// # Errors
    /// [`BadTime`] if there is no such day.
    pub fn from_ymd(year: u16, month: u8, day: u8) -> Result<Self, BadTime> {
        let month = Month::try_from(month).map_err(|_| BadTime)?;
        if year > 9999 {
            return Err(BadTime);
        }
        Date::from_calendar_date(i32::from(year), month, day)
            .map(Self)
            .map_err(|_| BadTime)
    }

    /// Reads `YYYY-MM-DD` and nothing else.
    ///
    /// # Errors
    /// [`BadTime`] for another form, or a day that does not exist.
    pub fn parse(text: &str) -> Result<Self, BadTime> {
        let &[y0, y1, y2, y3, b'-', m0, m1, b'-', d0, d1] = text.as_bytes() else {
            return Err(BadTime);
        };
        let number = |digits: &[u8]| {
            digits.iter().try_fold(0u16, |sum, digit| {
                digit
                    .is_ascii_digit()
                    .then(|| sum * 10 + u16::from(digit - b'0'))
                    .ok_or(BadTime)
            })
        };
        let (month, day) = (number(&[m0, m1])?, number(&[d0, d1])?);
        Self::from_ymd(
            number(&[y0, y1, y2, y3])?,
            u8::try_from(month).map_err(|_| BadTime)?,
            u8::try_from(day).map_err(|_| BadTime)?,
        )
    }

    /// The year, 0 to 9999.
    #[must_use]
    pub fn year(self) -> u16 {
        u16::try_from(self.0.year()).unwrap_or(0)
    }

    /// The month, 1 to 12.
    #[must_use]
    pub fn month(self) -> u8 {
        u8::from(self.0.month())
    }

    /// The day of the month, 1 to 31.
    #[must_use]
    pub fn day(self) -> u8 {
        self.0.day()
    }

    /// Midnight UTC at the beginning of this date.
    #[must_use]
    pub fn midnight(self) -> Timestamp {
        Timestamp::from_unix(self.0.midnight().assume_utc().unix_timestamp())
    }

    /// Completed years from this date, a birth date, to `on`; zero if `on` is earlier.
    ///
    /// A person born on 29 February completes a year on 1 March of a common year.
    #[must_use]
    pub fn years_until(self, on: Self) -> u16 {
        let years = on.year().saturating_sub(self.year());
        let before_birthday = (on.month(), on.day()) < (self.month(), self.day());
        if before_birthday {
            years.saturating_sub(1)
        } else {
            years
        }
    }

    /// The same day of the year `years` later; 29 February becomes 28 February in a common year.
    /// Stops at the year 9999.
    #[must_use]
    pub fn plus_years(self, years: u16) -> Self {
        let year = self.year().saturating_add(years).min(9999);
        Self::from_ymd(year, self.month(), self.day())
            .or_else(|_| Self::from_ymd(year, self.month(), 28))
            .unwrap_or(self)
    }

    /// The date `days` later.
    #[must_use]
    pub fn plus_days(self, days: u32) -> Self {
        self.midnight()
            .plus(Duration::from_secs(u64::from(days) * 86_400))
            .date()
    }
}

impl fmt::Display for FullDate {
    /// `YYYY-MM-DD`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year(), self.month(), self.day())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_are_instants_and_fractions_are_cut() {
        let utc = Timestamp::parse("2026-06-01T12:00:00Z").unwrap();
        assert_eq!(Timestamp::parse("2026-06-01T14:00:00+02:00").unwrap(), utc);
        assert_eq!(Timestamp::parse("2026-06-01T12:00:00.999Z").unwrap(), utc);
        assert_eq!(utc.to_string(), "2026-06-01T12:00:00Z");
        for bad in [
            "2026-06-01",
            "2026-06-01T12:00:00",
            "2026-06-01T12:00:00z",
            "2026-06-01T12:00:00+00:00Z",
            "",
        ] {
            assert_eq!(Timestamp::parse(bad), Err(BadTime), "{bad}");
        }
    }

    #[test]
    fn only_utc_whole_seconds_is_strict() {
        assert!(Timestamp::is_strict("2020-10-01T13:30:02Z"));
        assert!(!Timestamp::is_strict("2020-10-01T13:30:02.0Z"));
        assert!(!Timestamp::is_strict("2020-10-01T13:30:02+00:00"));
        assert!(!Timestamp::is_strict("2020-10-01t13:30:02Z"));
    }

    #[test]
    fn ages_turn_on_the_birthday() {
        let born = FullDate::parse("2004-02-29").unwrap();
        for (on, age) in [
            ("2022-02-28", 17),
            ("2022-03-01", 18),
            ("2024-02-29", 20),
            ("2003-01-01", 0),
        ] {
            assert_eq!(born.years_until(FullDate::parse(on).unwrap()), age, "{on}");
        }
        assert_eq!(born.plus_years(18).to_string(), "2022-02-28");
        assert_eq!(born.plus_days(1).to_string(), "2004-03-01");
    }

    #[test]
    fn dates_that_do_not_exist_are_refused() {
        for bad in [
            "2023-02-29",
            "2023-13-01",
            "2023-00-10",
            "23-01-01",
            "2023-1-01",
            "2023-01-01Z",
        ] {
            assert_eq!(FullDate::parse(bad), Err(BadTime), "{bad}");
        }
    }
}
