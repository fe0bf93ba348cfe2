//! Which name was probably meant by one that does not exist.

/// Most candidates that are compared: nobody looks for a typing error in longer lists, and it takes time.
const MOST_CANDIDATES: usize = 200;
/// Characters of a name that are compared; the work grows with the product of two lengths.
const MOST_CHARACTERS: usize = 100;

/// The candidate nearest to `wanted`, if it is near enough to be a typing error: one edit in three
/// characters at most. `surName`, `sur-name` and `SurName` are one spelling.
#[must_use]
pub fn nearest<'c>(wanted: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let wanted = simplified(wanted);
    let most = (wanted.len() / 3).max(1);
    candidates
        .into_iter()
        .take(MOST_CANDIDATES)
        .filter_map(|candidate| {
            let most = most.min(candidate.len() / 3);
            Some((distance(&wanted, &simplified(candidate), most)?, candidate))
        })
        .min()
        .map(|(_, candidate)| candidate)
}

fn simplified(name: &str) -> Vec<char> {
    let plain = name
        .chars()
        .filter(|letter| !matches!(letter, '_' | '-' | ' ' | '.'));
    plain.flat_map(char::to_lowercase).take(MOST_CHARACTERS).collect()
}

/// Insertions, deletions, replacements and swaps of neighbours that make one from the other, if no more than `most`.
fn distance(a: &[char], b: &[char], most: usize) -> Option<usize> {
    let at = |row: &[usize], index: usize| row.get(index).copied().unwrap_or(usize::MAX / 2);
    if a.len().abs_diff(b.len()) > most {
        return None;
    }
    let mut before: Vec<usize> = Vec::with_capacity(b.len() + 1);
    let mut last: Vec<usize> = (0..=b.len()).collect();
    let mut row = Vec::with_capacity(b.len() + 1);
    for (i, from) in a.iter().enumerate() {
        row.clear();
        row.push(i + 1);
        for (j, to) in b.iter().enumerate() {
            let swapped = i > 0 && j > 0 && a.get(i - 1) == Some(to) && b.get(j - 1) == Some(from);
            let mut cost = (at(&last, j) + usize::from(from != to))
                .min(at(&last, j + 1) + 1)
                .min(at(&row, j) + 1);
            if swapped {
                cost = cost.min(at(&before, j - 1) + 1);
            }
            row.push(cost);
        }
        // What comes goes through this row, or by a swap through the one before it.
        if last.iter().chain(&row).all(|cost| *cost > most) {
            return None;
        }
        core::mem::swap(&mut before, &mut last);
        core::mem::swap(&mut last, &mut row);
    }
    Some(at(&last, b.len())).filter(|cost| *cost <= most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typing_errors_are_near_and_other_words_are_not() {
        let names = ["document.mdoc", "ds.pem", "ds.key.pem"];
        assert_eq!(nearest("docmuent.mdoc", names), Some("document.mdoc"));
        assert_eq!(nearest("DS.pem", names), Some("ds.pem"));
        assert_eq!(nearest("ds.kye.pem", names), Some("ds.key.pem"));
        assert_eq!(nearest("photo.jpg", names), None);
        assert_eq!(nearest("", names), None);
        let fields = ["family_name", "given_name", "birth_date"];
        for (typed, meant) in [
            ("famly_name", Some("family_name")),
            ("givenName", Some("given_name")),
            ("birthdate", Some("birth_date")),
            ("shoe_size", None),
        ] {
            assert_eq!(nearest(typed, fields), meant, "{typed}");
        }
    }
}
