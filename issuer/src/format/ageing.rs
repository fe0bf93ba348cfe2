//! When the ages in a document become others: it says how old its holder was on the day from which it is valid, and no more.

use mdoc_core::time::FullDate;
use serde_json::Value as Json;

use super::derive::Derivation;
use super::fill::birth_date;
use super::{Element, Format, Origin};

/// Beyond that no document says anything else of an age.
const OLDEST: u16 = 150;

/// The first day after `on`, by UTC, for which a format makes another `age_over_NN` or `age_in_years` of the same data.
///
/// Always a birthday; who was born on 29 February has it on 1 March of a common year. None if no element of the document
/// follows from the age, if nothing changes any more, or without a birth date.
#[must_use]
pub fn next_change(format: &Format, data: &Json, on: FullDate) -> Option<FullDate> {
    let born = birth_date(format, data)?;
    let rules: Vec<&Derivation> = format
        .elements()
        .filter_map(|(_, element)| rule(element))
        .collect();
    let changes = |age: &u16| {
        let mut rules = rules.iter();
        rules.any(|rule| said(rule, age - 1) != said(rule, *age))
    };
    let age = (born.years_until(on) + 1..=OLDEST).find(changes)?;
    Some(birthday(born, age))
}

/// The rule by which an element is made. One of an age is never overridden by the data.
const fn rule(element: &Element) -> Option<&Derivation> {
    match &element.origin {
        Origin::Derived { derivation, .. } => Some(derivation),
        Origin::Data(_) => None,
    }
}

/// What a rule says of an age: for which ages there is an element, and whether they are reached.
fn said(rule: &Derivation, age: u16) -> Vec<(u16, bool)> {
    let reached = |nn: u8| (u16::from(nn), age >= u16::from(nn));
    match rule {
        Derivation::AgeOver(nn) => vec![reached(*nn)],
        Derivation::AgeInYears => vec![(age, true)],
        set => set.ages(age).into_iter().map(reached).collect(),
    }
}

/// The day on which somebody has completed so many years.
fn birthday(born: FullDate, age: u16) -> FullDate {
    let day = born.plus_years(age);
    if born.years_until(day) < age {
        day.plus_days(1)
    } else {
        day
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn format(elements: &str) -> Format {
        let xml = format!(
            r#"<document-format xmlns="urn:mdoc-issuer:document-format:1" name="x" version="1"
                doctype="com.example.x.1" display-name="X"><namespace name="com.example.x.1">
                <element identifier="birth_date" type="full-date"/>{elements}</namespace></document-format>"#
        );
        Format::read(xml.as_bytes()).unwrap()
    }

    fn next(format: &Format, born: &str, on: &str) -> Option<String> {
        let data = json!({ "birth_date": born });
        let on = FullDate::parse(on).unwrap();
        next_change(format, &data, on).map(|day| day.to_string())
    }

    #[test]
    fn each_threshold_is_passed_once_and_the_other_birthdays_change_nothing() {
        let set = format(
            r#"<element identifier="age_over_NN" type="bool" derive="age-over-set" ages="16 18 65"/>
               <element identifier="age_birth_year" type="uint" derive="age-birth-year"/>"#,
        );
        for (on, day) in [
            ("2020-05-05", Some("2024-06-11")),
            ("2024-06-10", Some("2024-06-11")),
            ("2024-06-11", Some("2026-06-11")),
            ("2026-06-10", Some("2026-06-11")),
            ("2026-06-11", Some("2073-06-11")),
            ("2073-06-11", None),
        ] {
            assert_eq!(next(&set, "2008-06-11", on).as_deref(), day, "{on}");
        }
        let one = r#"<element identifier="age_over_18" type="bool" derive="age-over" age="18"/>"#;
        assert_eq!(
            next(&format(one), "2008-06-11", "2020-05-05").as_deref(),
            Some("2026-06-11")
        );
        assert_eq!(next(&format(""), "2008-06-11", "2020-05-05"), None);
    }

    #[test]
    fn who_was_born_on_29_february_is_older_on_1_march_of_a_common_year() {
        let one = r#"<element identifier="age_over_18" type="bool" derive="age-over" age="18"/>
                     <element identifier="age_over_20" type="bool" derive="age-over" age="20"/>"#;
        let one = format(one);
        assert_eq!(
            next(&one, "2008-02-29", "2026-02-28").as_deref(),
            Some("2026-03-01")
        );
        assert_eq!(
            next(&one, "2008-02-29", "2026-03-01").as_deref(),
            Some("2028-02-29")
        );
    }

    #[test]
    fn an_age_in_years_and_the_nearest_set_change_with_every_birthday() {
        for rule in [
            r#"<element identifier="age_in_years" type="uint" derive="age-in-years"/>"#,
            r#"<element identifier="age_over_NN" type="bool" derive="nearest-age-set"/>"#,
        ] {
            let format = format(rule);
            for (on, day) in [("2026-06-10", "2026-06-11"), ("2026-06-11", "2027-06-11")] {
                assert_eq!(next(&format, "1984-06-11", on).as_deref(), Some(day), "{rule}");
            }
        }
    }

    #[test]
    fn without_a_date_of_birth_nothing_changes() {
        let one = r#"<element identifier="age_over_18" type="bool" derive="age-over" age="18"/>"#;
        let on = FullDate::parse("2026-06-10").unwrap();
        for data in [json!({}), json!({ "birth_date": "soon" }), json!([])] {
            assert_eq!(next_change(&format(one), &data, on), None, "{data}");
        }
    }

    #[test]
    fn it_is_the_first_day_on_which_the_elements_are_others() {
        use super::super::Catalogue;
        let catalogue = Catalogue::shipped();
        for name in ["iso-18013-5-mdl", "partial-iso-18013-5", "eu-age-verification"] {
            let format = catalogue.format(name).unwrap();
            for born in ["2008-02-29", "1961-12-31", "2012-01-01"] {
                let rules: Vec<_> = format
                    .elements()
                    .filter_map(|(_, element)| rule(element))
                    .collect();
                let date = FullDate::parse(born).unwrap();
                let of = |day: FullDate| {
                    let age = date.years_until(day);
                    rules.iter().map(|rule| said(rule, age)).collect::<Vec<_>>()
                };
                let on = FullDate::parse("2026-06-01").unwrap();
                let day = next_change(format, &json!({ "birth_date": born }), on).unwrap();
                let mut walked = on;
                while of(walked) == of(on) {
                    walked = walked.plus_days(1);
                }
                assert_eq!(walked, day, "{name} {born}");
            }
        }
    }
}
