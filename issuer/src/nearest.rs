//! What somebody probably meant by a name that does not exist.

/// Most candidates that are compared: nobody looks for a typing error in longer lists, and it takes time.
const MOST_CANDIDATES: usize = 200;

/// The candidate that is closest to `name`, if one is close enough to be a typing error.
///
/// Letters, case, `-` against `_`, and up to a third of the characters may differ.
pub(crate) fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let plain = simplified(name);
    // Longer names cannot be typing errors of an identifier, and the comparison is quadratic.
    if plain.len() > 100 {
        return None;
    }
    candidates
        .into_iter()
        .take(MOST_CANDIDATES)
        .map(|candidate| (distance(&plain, &simplified(candidate)), candidate))
        .filter(|(distance, candidate)| *distance <= candidate.chars().count() / 3)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// `surName`, `sur-name` and `SurName` become one spelling.
fn simplified(name: &str) -> Vec<char> {
    name.chars()
        .filter(|c| !matches!(c, '_' | '-' | ' ' | '.'))
        .flat_map(char::to_lowercase)
        .collect()
}

/// Levenshtein's distance: how many characters to add, drop or exchange.
fn distance(left: &[char], right: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.iter().enumerate() {
        let mut next = Vec::with_capacity(row.len());
        let mut last = i + 1;
        next.push(last);
        for ((b, diagonal), above) in right.iter().zip(&row).zip(row.iter().skip(1)) {
            last = (diagonal + usize::from(a != b)).min(above + 1).min(last + 1);
            next.push(last);
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typing_errors_are_recognised_and_other_names_are_not() {
        let names = ["family_name", "given_name", "birth_date"];
        for (typed, meant) in [
            ("famly_name", Some("family_name")),
            ("givenName", Some("given_name")),
            ("birthdate", Some("birth_date")),
            ("shoe_size", None),
            ("", None),
        ] {
            assert_eq!(nearest(typed, names), meant, "{typed}");
        }
    }
}
