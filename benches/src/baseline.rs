//! What was measured when it was last found good, and whether it has grown since.

use std::fmt::Write as _;

use crate::suite::Result;

/// How much larger a figure may be than the one in the baseline.
pub const ALLOWANCE: f64 = 1.25;

/// The figures of a case that do not depend on the machine.
#[derive(Debug, Clone, PartialEq)]
pub struct Figures {
    /// The case.
    pub case: String,
    /// Times the floor: the lower quartile of the rounds. What else goes on at the machine makes some rounds slower,
    /// and what has really grown makes all of them so.
    pub to_floor: f64,
    /// Blocks that one call asks for.
    pub allocations: i64,
    /// Bytes that one call asks for.
    pub bytes: i64,
}

impl Figures {
    /// Of a case whose allocations were counted.
    #[must_use]
    pub fn of(result: &Result) -> Option<Self> {
        let allocations = result.allocations?;
        Some(Self {
            case: result.line.case.clone(),
            to_floor: result.to_floor.low,
            allocations: i64::try_from(allocations.count).unwrap_or(i64::MAX),
            bytes: i64::try_from(allocations.bytes).unwrap_or(i64::MAX),
        })
    }

    /// Whether the ratio to the floor has grown by more than a quarter.
    #[must_use]
    pub fn is_slower(&self, baseline: &[Self]) -> bool {
        let before = baseline.iter().find(|before| before.case == self.case);
        before.is_some_and(|before| self.to_floor > before.to_floor * ALLOWANCE)
    }
}

/// Writes the baseline.
#[must_use]
pub fn write(figures: &[Figures]) -> String {
    let mut out = String::from(
        "# Figures that were found good, written by `benches/run --update`. CI fails when one of them has grown by more than\n\
         # a quarter, and when a case is gone.\n",
    );
    for case in figures {
        let Figures {
            case,
            to_floor,
            allocations,
            bytes,
        } = case;
        let _ = write!(
            out,
            "\n[\"{case}\"]\nto_floor = {to_floor:.2}\nallocations = {allocations}\nbytes = {bytes}\n"
        );
    }
    out
}

/// Reads a baseline.
///
/// # Errors
/// What is wrong with it, in words.
pub fn read(text: &str) -> core::result::Result<Vec<Figures>, String> {
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| error.to_string())?;
    let case = |(case, figures): (&String, &toml::Value)| {
        let number = |name| {
            figures
                .get(name)
                .ok_or_else(|| format!("`{name}` of `{case}` is missing"))
        };
        let whole = |name| {
            number(name)?
                .as_integer()
                .ok_or_else(|| format!("`{name}` of `{case}` is no whole number"))
        };
        Ok(Figures {
            case: case.clone(),
            to_floor: number("to_floor")?
                .as_float()
                .ok_or_else(|| format!("`to_floor` of `{case}` is no number with a decimal point"))?,
            allocations: whole("allocations")?,
            bytes: whole("bytes")?,
        })
    };
    table.iter().map(case).collect()
}

/// What has grown by more than a quarter, or was not measured, in words.
#[must_use]
pub fn grown(baseline: &[Figures], now: &[Figures]) -> Vec<String> {
    let mut grown = Vec::new();
    for before in baseline {
        let case = &before.case;
        let Some(after) = now.iter().find(|figures| figures.case == *case) else {
            grown.push(format!("{case}: is in the baseline and was not measured"));
            continue;
        };
        let mut compare = |what: &str, before: f64, after: f64, digits: usize| {
            if after > before * ALLOWANCE {
                grown.push(format!(
                    "{case}: {what} {after:.digits$}, in the baseline {before:.digits$}"
                ));
            }
        };
        compare("times the floor", before.to_floor, after.to_floor, 2);
        compare(
            "allocations",
            before.allocations as f64,
            after.allocations as f64,
            0,
        );
        compare("bytes allocated", before.bytes as f64, after.bytes as f64, 0);
    }
    for after in now {
        if !baseline.iter().any(|before| before.case == after.case) {
            grown.push(format!("{}: is not in the baseline", after.case));
        }
    }
    grown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(to_floor: f64, allocations: i64, bytes: i64) -> Vec<Figures> {
        vec![Figures {
            case: "issue, RustCrypto".to_owned(),
            to_floor,
            allocations,
            bytes,
        }]
    }

    /// The table of figures is written by hand, after `benches/run --update`.
    #[test]
    fn the_page_has_the_allocations_of_the_baseline() {
        let page = include_str!("../../docs/performance.md");
        let figures = read(include_str!("../baseline.toml")).unwrap();
        let number = |cell: &str| -> i64 {
            let cell = cell.trim().split(' ').next().unwrap_or_default();
            cell.replace(',', "").parse().unwrap()
        };
        for Figures {
            case,
            allocations,
            bytes,
            ..
        } in figures
        {
            let start = format!("| {case} | ");
            let line = page.lines().find(|line| line.starts_with(&start)).unwrap();
            let cells: Vec<&str> = line.trim_matches('|').split('|').collect();
            let on_page = (number(cells[5]), number(cells[6]));
            assert_eq!(on_page, (allocations, bytes), "{case}");
        }
    }

    #[test]
    fn a_quarter_more_is_too_much() {
        let before = figures(1.2, 16, 40_000);
        assert!(grown(&before, &before).is_empty());
        assert!(grown(&before, &figures(1.5, 20, 50_000)).is_empty());
        assert!(grown(&before, &figures(0.5, 1, 1)).is_empty());
        let slower = grown(&before, &figures(1.51, 16, 40_000));
        assert_eq!(
            slower,
            ["issue, RustCrypto: times the floor 1.51, in the baseline 1.20"]
        );
        let more = grown(&before, &figures(1.2, 21, 40_000));
        assert_eq!(more, ["issue, RustCrypto: allocations 21, in the baseline 16"]);
        assert!(figures(1.51, 16, 40_000)[0].is_slower(&before));
        assert!(!figures(1.5, 21, 40_000)[0].is_slower(&before));
        let larger = grown(&before, &figures(1.2, 16, 50_001));
        assert_eq!(
            larger,
            ["issue, RustCrypto: bytes allocated 50001, in the baseline 40000"]
        );
    }

    #[test]
    fn a_case_that_is_gone_or_new_is_told() {
        let before = figures(1.2, 16, 40_000);
        assert_eq!(
            grown(&before, &[]),
            ["issue, RustCrypto: is in the baseline and was not measured"]
        );
        assert_eq!(grown(&[], &before), ["issue, RustCrypto: is not in the baseline"]);
    }

    #[test]
    fn what_was_written_is_read() {
        let before = figures(1.25, 16, 40_000);
        assert_eq!(read(&write(&before)).unwrap(), before);
        assert!(
            read("[\"issue\"]\nto_floor = 1.2\n")
                .unwrap_err()
                .contains("`allocations` of `issue` is missing")
        );
        assert!(read("[issue").is_err());
    }
}
