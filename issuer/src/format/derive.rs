//! Values that follow from other facts: ages, expiry, constants, and what is known of the issuer.

use core::fmt;

use mdoc_core::time::FullDate;

/// A rule that makes the value of an element.
#[derive(Debug, Clone, PartialEq)]
pub enum Derivation {
    /// `age-over`: whether the person is at least so many years old at validFrom.
    AgeOver(u8),
    /// `age-over-set`: one `age_over_NN` for every age of the list.
    AgeOverSet(Vec<u8>),
    /// `nearest-age-set`: one `age_over_NN` for 15 to 21, 25, the current age and the current age plus one.
    ///
    /// Source: advice of ISO/IEC 18013-5:2021 on age attestation. It tells the age of the person to whoever sees which
    /// elements there are; a fixed set does not.
    NearestAgeSet,
    /// `age-in-years`: completed years at validFrom.
    AgeInYears,
    /// `age-birth-year`: the year of the birth date.
    AgeBirthYear,
    /// `expiry`: the issue date plus a lifetime.
    Expiry(Lifetime),
    /// `issue-date`: the date on which the document is issued.
    IssueDate,
    /// `constant`: the same for everybody.
    Constant(serde_json::Value),
    /// `issuing-country`: the country of the signer's certificate.
    IssuingCountry,
    /// `issuing-jurisdiction`: the state or province of the signer's certificate.
    IssuingJurisdiction,
    /// `issuing-authority`: the name of the authority, as configured.
    IssuingAuthority,
    /// `un-distinguishing-sign`: the sign of the issuing country, by table.
    UnDistinguishingSign,
}

impl Derivation {
    /// The names of all rules in format files.
    pub const NAMES: [&'static str; 12] = [
        "age-over",
        "age-over-set",
        "nearest-age-set",
        "age-in-years",
        "age-birth-year",
        "expiry",
        "issue-date",
        "constant",
        "issuing-country",
        "issuing-jurisdiction",
        "issuing-authority",
        "un-distinguishing-sign",
    ];

    /// The name of this rule in format files.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::AgeOver(_) => "age-over",
            Self::AgeOverSet(_) => "age-over-set",
            Self::NearestAgeSet => "nearest-age-set",
            Self::AgeInYears => "age-in-years",
            Self::AgeBirthYear => "age-birth-year",
            Self::Expiry(_) => "expiry",
            Self::IssueDate => "issue-date",
            Self::Constant(_) => "constant",
            Self::IssuingCountry => "issuing-country",
            Self::IssuingJurisdiction => "issuing-jurisdiction",
            Self::IssuingAuthority => "issuing-authority",
            Self::UnDistinguishingSign => "un-distinguishing-sign",
        }
    }

    /// Whether the rule needs the birth date.
    #[must_use]
    pub const fn needs_birth_date(&self) -> bool {
        matches!(
            self,
            Self::AgeOver(_)
                | Self::AgeOverSet(_)
                | Self::NearestAgeSet
                | Self::AgeInYears
                | Self::AgeBirthYear
        )
    }

    /// Whether the rule makes several elements, so that the identifier ends with `NN`.
    #[must_use]
    pub const fn is_set(&self) -> bool {
        matches!(self, Self::AgeOverSet(_) | Self::NearestAgeSet)
    }

    /// The ages for which a set has an element, ascending; nothing for other rules.
    #[must_use]
    pub fn ages(&self, current: u16) -> Vec<u8> {
        match self {
            Self::AgeOverSet(ages) => ages.clone(),
            Self::NearestAgeSet => nearest_ages(current),
            _ => Vec::new(),
        }
    }
}

fn nearest_ages(current: u16) -> Vec<u8> {
    let mut ages: Vec<u8> = (15..=21).chain([25]).collect();
    let now = u8::try_from(current).unwrap_or(u8::MAX);
    ages.extend([now, now.saturating_add(1)].into_iter().filter(|age| *age <= 99));
    ages.sort_unstable();
    ages.dedup();
    ages
}

/// The identifier of one element of a set: the `NN` at the end of `template` becomes two digits.
#[must_use]
pub fn set_identifier(template: &str, age: u8) -> String {
    format!("{}{age:02}", template.strip_suffix("NN").unwrap_or(template))
}

/// A span of the calendar: a number of days, months or years.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetime {
    count: u16,
    unit: Unit,
}

/// What a [`Lifetime`] counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Days,
    Months,
    Years,
}

impl Lifetime {
    /// Reads `30 days`, `6 months`, `10 years`, or the singular of these. At most 36 525 days, 1 200 months or 100 years,
    /// and at least one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (count, unit) = text.split_once(' ')?;
        let (unit, most) = match unit {
            "day" | "days" => (Unit::Days, 36_525),
            "month" | "months" => (Unit::Months, 1200),
            "year" | "years" => (Unit::Years, 100),
            _ => return None,
        };
        let plain = !count.is_empty() && count.len() <= 5 && count.bytes().all(|b| b.is_ascii_digit());
        let count = if plain { count.parse().ok()? } else { return None };
        (1..=most).contains(&count).then_some(Self { count, unit })
    }

    /// The date so much later. Where the month is too short for the day, its last day.
    #[must_use]
    pub fn after(self, date: FullDate) -> FullDate {
        match self.unit {
            Unit::Days => date.plus_days(u32::from(self.count)),
            Unit::Years => date.plus_years(self.count),
            Unit::Months => {
                let months = u16::from(date.month()) - 1 + self.count;
                let year = date.year().saturating_add(months / 12);
                let month = u8::try_from(months % 12).unwrap_or(0) + 1;
                (28..=date.day())
                    .rev()
                    .chain([date.day().min(28)])
                    .find_map(|day| FullDate::from_ymd(year, month, day).ok())
                    .unwrap_or(date)
            }
        }
    }
}

impl fmt::Display for Lifetime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = match self.unit {
            Unit::Days => "day",
            Unit::Months => "month",
            Unit::Years => "year",
        };
        write!(
            f,
            "{} {unit}{}",
            self.count,
            if self.count == 1 { "" } else { "s" }
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lifetimes_end_on_days_that_exist() {
        for (start, lifetime, end) in [
            ("2026-01-31", "1 month", "2026-02-28"),
            ("2027-12-31", "2 months", "2028-02-29"),
            ("2026-03-15", "13 months", "2027-04-15"),
            ("2024-02-29", "10 years", "2034-02-28"),
            ("2026-06-01", "30 days", "2026-07-01"),
        ] {
            let lifetime = Lifetime::parse(lifetime).unwrap();
            assert_eq!(
                lifetime.after(FullDate::parse(start).unwrap()).to_string(),
                end,
                "{start} + {lifetime}"
            );
        }
        for bad in [
            "",
            "10",
            "0 days",
            "101 years",
            "+5 days",
            "5 weeks",
            "5  days",
            "99999 days",
        ] {
            assert_eq!(Lifetime::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_nearest_set_has_the_advised_ages() {
        assert_eq!(nearest_ages(42), [15, 16, 17, 18, 19, 20, 21, 25, 42, 43]);
        assert_eq!(nearest_ages(17), [15, 16, 17, 18, 19, 20, 21, 25]);
        assert_eq!(nearest_ages(99), [15, 16, 17, 18, 19, 20, 21, 25, 99]);
        assert_eq!(nearest_ages(120), [15, 16, 17, 18, 19, 20, 21, 25]);
        assert_eq!(set_identifier("age_over_NN", 5), "age_over_05");
    }
}
