//! A text that matches a regular expression, made from the expression itself.

use core::iter::Peekable;
use core::str::Chars;

use crate::format::types::Pattern;

/// Longest text that is made, in characters.
const LONGEST: usize = 20_000;
/// What a negated class or a dot takes its characters from.
const USUAL: &str = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ .,-_/+@";

/// A text that matches, with every part repeated `more` times beyond the fewest if the pattern allows it.
///
/// Knows the constructs that formats use: characters, classes, groups, alternatives, repetitions. `None` if there are
/// others, such as classes within classes, and what comes of them does not match.
pub(super) fn matching(pattern: &Pattern, more: usize) -> Option<String> {
    let mut maker = Maker {
        rest: pattern.source().chars().peekable(),
        more,
        taken: 0,
    };
    let text = maker.alternatives()?;
    pattern.matches(&text).then_some(text)
}

struct Maker<'p> {
    rest: Peekable<Chars<'p>>,
    more: usize,
    /// How many characters have been taken from classes: the next one takes another, so that texts look less dull.
    taken: usize,
}

/// What a repetition repeats.
enum Atom {
    OneOf(Vec<char>),
    Text(String),
}

impl Maker<'_> {
    /// The first of several alternatives; the others are read over. Nesting is bounded by [`Pattern::new`].
    fn alternatives(&mut self) -> Option<String> {
        let first = self.sequence()?;
        while self.rest.next_if_eq(&'|').is_some() {
            self.sequence()?;
        }
        Some(first)
    }

    fn sequence(&mut self) -> Option<String> {
        let mut text = String::new();
        while let Some(c) = self.rest.next_if(|c| !matches!(c, '|' | ')')) {
            let atom = self.atom(c)?;
            let count = self.count()?;
            for _ in 0..count {
                match &atom {
                    Atom::Text(part) => text.push_str(part),
                    Atom::OneOf(set) => {
                        self.taken += 1;
                        text.push(*set.iter().cycle().nth(self.taken % set.len().max(1))?);
                    }
                }
                if text.len() > LONGEST {
                    return None;
                }
            }
        }
        Some(text)
    }

    fn atom(&mut self, first: char) -> Option<Atom> {
        Some(match first {
            '^' | '$' => Atom::Text(String::new()),
            '.' => Atom::OneOf(USUAL.chars().collect()),
            '[' => Atom::OneOf(self.class()?),
            '(' => {
                if self.rest.next_if_eq(&'?').is_some() {
                    // A name, or flags: neither changes what is made.
                    let end = self.rest.find(|c| matches!(c, ':' | '>' | ')'))?;
                    if end == ')' {
                        return Some(Atom::Text(String::new()));
                    }
                }
                let inner = self.alternatives()?;
                self.rest.next_if_eq(&')')?;
                Atom::Text(inner)
            }
            '\\' => match self.rest.next()? {
                'b' | 'B' | 'A' | 'z' => Atom::Text(String::new()),
                c => Atom::OneOf(escaped(c)),
            },
            c => Atom::Text(c.to_string()),
        })
    }

    /// The characters of a class, after its opening bracket.
    fn class(&mut self) -> Option<Vec<char>> {
        let negated = self.rest.next_if_eq(&'^').is_some();
        let mut set: Vec<char> = Vec::new();
        loop {
            let c = match self.rest.next()? {
                ']' if !set.is_empty() => break,
                '[' => return None,
                '\\' => {
                    let mut class = escaped(self.rest.next()?);
                    if class.len() > 1 {
                        set.append(&mut class);
                        continue;
                    }
                    class.pop()?
                }
                c => c,
            };
            if self.rest.next_if_eq(&'-').is_none() {
                set.push(c);
                continue;
            }
            match self.rest.next_if(|end| *end != ']') {
                Some('\\') => set.extend(c..=escaped(self.rest.next()?).pop()?),
                Some(end) => set.extend((c..=end).take(1000)),
                None => set.extend([c, '-']),
            }
        }
        if negated {
            set = USUAL.chars().filter(|c| !set.contains(c)).collect();
        }
        Some(set)
    }

    /// How often the atom before is to be repeated.
    fn count(&mut self) -> Option<usize> {
        let next = self.rest.next_if(|c| matches!(c, '?' | '*' | '+' | '{'));
        let (fewest, most) = match next {
            None => return Some(1),
            Some('?') => (0, 1),
            Some('*') => (0, usize::MAX),
            Some('+') => (1, usize::MAX),
            Some(_) => {
                let mut limits = String::new();
                while let Some(c) = self.rest.next_if(|c| *c != '}') {
                    limits.push(c);
                }
                self.rest.next()?;
                match limits.split_once(',') {
                    None => {
                        let exactly = limits.trim().parse().ok()?;
                        (exactly, exactly)
                    }
                    Some((from, "")) => (from.trim().parse().ok()?, usize::MAX),
                    Some((from, to)) => (from.trim().parse().ok()?, to.trim().parse().ok()?),
                }
            }
        };
        // A question mark behind a repetition makes it lazy, which is all the same here.
        self.rest.next_if_eq(&'?');
        Some(fewest.saturating_add(self.more).min(most))
    }
}

/// What an escaped character stands for.
fn escaped(c: char) -> Vec<char> {
    match c {
        'd' => ('0'..='9').collect(),
        'w' => ('a'..='z').chain('0'..='9').collect(),
        's' => vec![' '],
        'D' | 'S' | 'W' => vec!['-', '.', '+'],
        'n' => vec!['\n'],
        't' => vec!['\t'],
        other => vec![other],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_match_the_patterns_that_formats_use() {
        for source in [
            "[A-Z]{2}-[A-Z0-9]{1,3}",
            "[^@\\s]+@[^@\\s]+",
            "\\+[0-9]{4,18}",
            "[A-HJ-NPR-Z0-9]{17}",
            "[0-9A-Z-]{4,20}",
            "(?:north|south) (?P<n>\\d+)?x*?",
            "^a.c$",
            "[a\\-z\\]]{3,}",
            "",
        ] {
            let pattern = Pattern::new(source).unwrap();
            for more in 0..3 {
                assert!(matching(&pattern, more).is_some(), "{source} with {more} more");
            }
        }
        let letters = Pattern::new("[a-z]{2,3}").unwrap();
        assert_eq!(matching(&letters, 0).unwrap(), "bc");
        assert_eq!(matching(&letters, 9).unwrap(), "bcd");
    }

    #[test]
    fn what_is_not_understood_or_too_long_is_not_made() {
        for source in ["[[:alpha:]]{2}", "(?:(?:a{90}){90})"] {
            let pattern = Pattern::new(source).unwrap();
            let made = matching(&pattern, LONGEST);
            assert!(made.is_none_or(|text| pattern.matches(&text)), "{source}");
        }
    }
}
