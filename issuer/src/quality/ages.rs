//! Ages must agree with the birth date at validFrom, and with each other.

use mdoc_core::value::Value;

use super::{Gate, Rule, date_of};

impl Gate<'_> {
    pub(super) fn ages(&mut self, namespace: &str) {
        let filled = self.filled;
        // A document without a birth date can still contradict itself.
        let birth = filled
            .elements()
            .find(|(_, identifier, _)| *identifier == "birth_date")
            .and_then(|(_, _, v)| date_of(v));
        let age = birth.map(|birth| birth.years_until(self.today));
        let mut answers: Vec<(u16, bool)> = Vec::new();
        for (_, identifier, value) in filled.elements().filter(|(n, ..)| *n == namespace) {
            let number = value.as_integer().and_then(|number| u16::try_from(number).ok());
            match (identifier, over_age(identifier), value) {
                (_, Some(nn), Value::Bool(answer)) => {
                    answers.push((nn, *answer));
                    if age.is_some_and(|age| (age >= nn) != *answer) {
                        self.find(namespace, identifier, Rule::AgeOverWrong);
                    }
                }
                (_, Some(_), _) => {
                    self.find(
                        namespace,
                        identifier,
                        Rule::ValueType {
                            expected: "true or false",
                        },
                    );
                }
                ("age_in_years", ..) if age.is_some() && age != number => {
                    self.find(namespace, identifier, Rule::AgeWrong);
                }
                ("age_birth_year", ..) if birth.is_some() && birth.map(|b| b.year()) != number => {
                    self.find(namespace, identifier, Rule::BirthYearWrong);
                }
                _ if is_misspelled(identifier) => self.find(namespace, identifier, Rule::AgeOverSpelling),
                _ => {}
            }
        }
        let highest_true = answers.iter().filter(|(_, yes)| *yes).map(|(nn, _)| *nn).max();
        for (nn, _) in answers
            .iter()
            .filter(|(nn, yes)| !yes && highest_true.is_some_and(|high| high >= *nn))
        {
            self.find(
                namespace,
                &format!("age_over_{nn:02}"),
                Rule::AgeOverContradiction,
            );
        }
    }
}

/// The NN of `age_over_NN`.
pub(super) fn over_age(identifier: &str) -> Option<u16> {
    let digits = identifier.strip_prefix("age_over_")?;
    (digits.len() == 2 && digits.bytes().all(|b| b.is_ascii_digit())).then(|| digits.parse().ok())?
}

/// Whether an identifier is meant to be `age_over_NN`, but is not.
fn is_misspelled(identifier: &str) -> bool {
    let plain: String = identifier.chars().filter(char::is_ascii_alphanumeric).collect();
    let digits = plain.to_ascii_lowercase();
    digits
        .strip_prefix("ageover")
        .is_some_and(|nn| !nn.is_empty() && nn.bytes().all(|b| b.is_ascii_digit()))
}
