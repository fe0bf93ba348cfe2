//! Values of options, as clap's value parsers: instants, durations, countries.

use core::time::Duration;

use mdoc_core::crypto::Curve;
use mdoc_core::time::{FullDate, Timestamp};

use crate::failure::steers;

const UNITS: [(char, u64); 5] = [
    ('s', 1),
    ('m', 60),
    ('h', 3_600),
    ('d', 86_400),
    ('y', 365 * 86_400),
];

/// The curve of a new key, by its name on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "clap", derive(clap::ValueEnum))]
pub enum CurveName {
    /// NIST P-256, which every reader knows.
    #[cfg_attr(feature = "clap", value(name = "P-256", help = None))]
    P256,
    /// NIST P-384.
    #[cfg_attr(feature = "clap", value(name = "P-384", help = None))]
    P384,
    /// NIST P-521.
    #[cfg_attr(feature = "clap", value(name = "P-521", help = None))]
    P521,
    /// Ed25519 of RFC 8032.
    #[cfg_attr(feature = "clap", value(name = "Ed25519", help = None))]
    Ed25519,
}

impl CurveName {
    /// The curve.
    #[must_use]
    pub const fn curve(self) -> Curve {
        match self {
            Self::P256 => Curve::P256,
            Self::P384 => Curve::P384,
            Self::P521 => Curve::P521,
            Self::Ed25519 => Curve::Ed25519,
        }
    }
}

/// An instant: RFC 3339 with any offset, or a date alone for its beginning in UTC.
///
/// # Errors
/// A sentence with an example of what is expected.
pub fn instant(text: &str) -> Result<Timestamp, String> {
    Timestamp::parse(text)
        .or_else(|_| FullDate::parse(text).map(FullDate::midnight))
        .map_err(|_| {
            "an instant such as 2026-06-01T12:00:00Z or a date such as 2026-06-01 is expected".to_owned()
        })
}

/// A duration: a number and a unit, `45s`, `90m`, `12h`, `30d`, `1y` (365 days). Longer than nothing.
///
/// # Errors
/// A sentence with an example of what is expected.
pub fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || "a number with a unit is expected: 45s, 90m, 12h, 30d or 1y (365 days)".to_owned();
    let unit = text.chars().last().ok_or_else(wrong)?;
    let (_, seconds) = UNITS
        .into_iter()
        .find(|(name, _)| *name == unit)
        .ok_or_else(wrong)?;
    let digits = text.strip_suffix(unit).unwrap_or_default();
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(wrong());
    }
    let count: u64 = digits.parse().map_err(|_| wrong())?;
    match count.checked_mul(seconds) {
        Some(0) => Err("a duration of nothing is of no use".to_owned()),
        Some(seconds) if seconds <= 1_000 * 365 * 86_400 => Ok(Duration::from_secs(seconds)),
        _ => Err("the duration is longer than a thousand years".to_owned()),
    }
}

/// A duration in the largest unit that gives a whole number: `30d`, `90m`.
#[must_use]
pub fn duration_text(duration: Duration) -> String {
    let seconds = duration.as_secs();
    UNITS
        .into_iter()
        .rev()
        .find(|(_, unit)| seconds > 0 && seconds.is_multiple_of(*unit))
        .map_or_else(
            || format!("{seconds}s"),
            |(name, unit)| format!("{}{name}", seconds / unit),
        )
}

/// A text of one line, without characters that steer a terminal, and not empty.
///
/// # Errors
/// A sentence that says which of these.
pub fn line(text: &str) -> Result<String, String> {
    if text.trim().is_empty() {
        Err("it must not be empty".to_owned())
    } else if text.chars().any(steers) {
        Err("it has control characters".to_owned())
    } else {
        Ok(text.to_owned())
    }
}

/// An absolute URI over HTTP, such as `https://status.example/1`.
///
/// # Errors
/// A sentence with an example of what is expected.
pub fn web_address(text: &str) -> Result<String, String> {
    let rest = ["https://", "http://"].iter().find_map(|scheme| {
        let head = text.get(..scheme.len())?;
        head.eq_ignore_ascii_case(scheme)
            .then(|| text.get(scheme.len()..))
            .flatten()
    });
    let host = rest
        .and_then(|rest| rest.split(['/', '?', '#']).next())
        .unwrap_or_default();
    if host.is_empty()
        || !text
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && !b"<>\"\\^`{|}".contains(&byte))
    {
        return Err("an address such as https://status.example/1 is expected".to_owned());
    }
    Ok(text.to_owned())
}

/// A country: two letters of ISO 3166-1, taken in either case and given in upper case.
///
/// # Errors
/// A sentence with an example of what is expected.
pub fn country(text: &str) -> Result<String, String> {
    if text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        Ok(text.to_ascii_uppercase())
    } else {
        Err("two letters of ISO 3166-1 are expected, for example NL".to_owned())
    }
}

/// A state or province: a subdivision of ISO 3166-2 such as `NL-UT`, given in upper case.
///
/// # Errors
/// A sentence with an example of what is expected.
pub fn subdivision(text: &str) -> Result<String, String> {
    let wrong = || "a subdivision of ISO 3166-2 is expected, for example NL-UT".to_owned();
    let (country_code, part) = text.split_once('-').ok_or_else(wrong)?;
    let country_code = country(country_code).map_err(|_| wrong())?;
    if (1..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        Ok(format!("{country_code}-{}", part.to_ascii_uppercase()))
    } else {
        Err(wrong())
    }
}

/// An element as `namespace:element`; the last colon parts them, since a namespace may hold colons.
///
/// # Errors
/// A sentence with an example of what is expected.
pub fn element(text: &str) -> Result<(String, String), String> {
    match text.rsplit_once(':') {
        Some((name_space, element)) if !name_space.is_empty() && !element.is_empty() => {
            Ok((name_space.to_owned(), element.to_owned()))
        }
        _ => Err("namespace:element is expected, for example org.iso.18013.5.1:family_name".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_a_unit() {
        for (text, seconds) in [
            ("45s", 45),
            ("90m", 5_400),
            ("12h", 43_200),
            ("30d", 2_592_000),
            ("1y", 31_536_000),
        ] {
            let duration = duration(text).unwrap();
            assert_eq!(duration.as_secs(), seconds, "{text}");
            assert_eq!(duration_text(duration), text);
        }
        assert_eq!(duration_text(Duration::from_secs(25 * 3600)), "25h");
        for wrong in [
            "",
            "30",
            "d",
            "-1d",
            "+1d",
            "1.5h",
            "1w",
            "0d",
            "30 d",
            "99999999999999999999d",
            "1001y",
            "5é",
        ] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn instants_and_dates() {
        assert_eq!(
            instant("2026-06-01T14:00:00+02:00").unwrap().to_string(),
            "2026-06-01T12:00:00Z"
        );
        assert_eq!(instant("2026-06-01").unwrap().to_string(), "2026-06-01T00:00:00Z");
        assert!(instant("yesterday").unwrap_err().contains("2026-06-01T12:00:00Z"));
    }

    #[test]
    fn addresses_are_absolute() {
        for right in [
            "https://status.example/1",
            "HTTP://127.0.0.1:8080",
            "https://a?b=c#d",
        ] {
            assert_eq!(web_address(right).unwrap(), right);
        }
        for wrong in [
            "",
            "status.example/1",
            "https://",
            "https:///1",
            "https://a b",
            "ftp://a",
            "https://é",
        ] {
            assert!(web_address(wrong).is_err(), "{wrong}");
        }
        assert!(line("Example IACA").is_ok());
        assert!(line("a\u{1b}[31m").is_err() && line(" ").is_err());
    }

    #[test]
    fn countries_and_their_parts() {
        assert_eq!(country("nl").unwrap(), "NL");
        assert!(country("NLD").is_err());
        assert_eq!(subdivision("nl-ut").unwrap(), "NL-UT");
        for wrong in ["UT", "NL-", "NL-ABCD", "N-UT"] {
            assert!(subdivision(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_last_colon_parts_an_element() {
        assert_eq!(
            element("urn:eu:pid:1:age").unwrap(),
            ("urn:eu:pid:1".to_owned(), "age".to_owned())
        );
        assert!(element("family_name").is_err());
    }
}
