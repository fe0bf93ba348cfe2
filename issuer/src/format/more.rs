//! Of very many faults the first are told, and last of all how many more there are. Every list of faults that is cut does it so.

use core::fmt;
use core::ops::AddAssign;

/// How many faults there are beyond those that are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum More {
    /// So many.
    Counted(usize),
    /// Some: what has so many faults is not read to its end.
    Uncounted,
}

impl fmt::Display for More {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Counted(count) => write!(f, "and {count} more"),
            Self::Uncounted => f.write_str("and more"),
        }
    }
}

/// How many faults there are, told or not. As text: `1 fault`, `237 faults`, `more than 200 faults`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Count {
    /// Those that were counted.
    pub known: usize,
    /// Whether there are more, which nobody has counted.
    pub more: bool,
}

impl AddAssign for Count {
    fn add_assign(&mut self, other: Self) {
        self.known += other.known;
        self.more |= other.more;
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let beginning = if self.more { "more than " } else { "" };
        let ending = if self.known == 1 { "" } else { "s" };
        write!(f, "{beginning}{} fault{ending}", self.known)
    }
}

/// An entry of a list of faults. The last one may tell of no fault, but that there are more.
pub(crate) trait Told: fmt::Display {
    /// How many more there are, if that is what it tells.
    fn more(&self) -> Option<More>;
}

/// How many faults there are of which these are told.
pub(crate) fn count<T: Told>(told: &[T]) -> Count {
    let more = told.last().and_then(T::more);
    let known = told.len() - usize::from(more.is_some());
    match more {
        None => Count { known, more: false },
        Some(More::Counted(beyond)) => Count {
            known: known + beyond,
            more: false,
        },
        Some(More::Uncounted) => Count { known, more: true },
    }
}

/// Whose faults they are, how many, and those that are told: one sentence.
pub(crate) fn sentence<T: Told>(f: &mut fmt::Formatter<'_>, whose: &str, told: &[T]) -> fmt::Result {
    write!(f, "{whose} {}", count(told))?;
    for (at, one) in told.iter().enumerate() {
        write!(f, "{} {one}", if at == 0 { ":" } else { ";" })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Entry(Option<More>);

    impl fmt::Display for Entry {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            match self.0 {
                Some(more) => more.fmt(f),
                None => f.write_str("it is wrong"),
            }
        }
    }

    impl Told for Entry {
        fn more(&self) -> Option<More> {
            self.0
        }
    }

    struct List(Vec<Entry>);

    impl fmt::Display for List {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            sentence(f, "they have", &self.0)
        }
    }

    #[test]
    fn what_is_not_told_is_counted_or_said_to_be_there() {
        let list = |told: usize, more: Option<More>| {
            let mut entries: Vec<Entry> = (0..told).map(|_| Entry(None)).collect();
            entries.extend(more.map(|more| Entry(Some(more))));
            List(entries).to_string()
        };
        for (text, expected) in [
            (list(1, None), "they have 1 fault: it is wrong"),
            (list(2, None), "they have 2 faults: it is wrong; it is wrong"),
            (
                list(1, Some(More::Counted(30))),
                "they have 31 faults: it is wrong; and 30 more",
            ),
            (
                list(2, Some(More::Uncounted)),
                "they have more than 2 faults: it is wrong; it is wrong; and more",
            ),
        ] {
            assert_eq!(text, expected);
        }
        let mut count = Count::default();
        count += Count { known: 2, more: true };
        count += Count {
            known: 1,
            more: false,
        };
        assert_eq!(count.to_string(), "more than 3 faults");
    }
}
