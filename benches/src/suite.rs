//! What is compared with what, the goals, and the table.

use std::fmt::Write as _;

use crate::allocations::Allocations;
use crate::harness::{Spread, Times};
use crate::ours::{FAST, PURE};

/// A case of ours with what it is measured against.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// The case.
    pub case: String,
    /// The floor that it stands on.
    pub floor: String,
    /// At most so many times the floor, if there is a goal.
    pub most: Option<f64>,
    /// The case of the other library.
    pub peer: Option<&'static str>,
    /// At least so many times as fast as the other library, if there is a goal.
    pub least: Option<f64>,
    /// At most so many allocations, if there is a goal.
    pub allocations: Option<usize>,
    /// Asks for at most 1.3 times as many bytes as it puts out.
    pub bytes: Option<usize>,
}

impl Line {
    fn new(case: impl Into<String>, floor: impl Into<String>) -> Self {
        Self {
            case: case.into(),
            floor: floor.into(),
            most: None,
            peer: None,
            least: None,
            allocations: None,
            bytes: None,
        }
    }

    fn most(mut self, most: f64) -> Self {
        self.most = Some(most);
        self
    }

    fn peer(mut self, peer: &'static str, least: f64) -> Self {
        self.peer = Some(peer);
        self.least = Some(least);
        self
    }

    fn shown_beside(mut self, peer: &'static str) -> Self {
        self.peer = Some(peer);
        self
    }

    fn allocations(mut self, allocations: usize) -> Self {
        self.allocations = Some(allocations);
        self
    }
}

/// Case of the other library that issues.
pub const PEER_ISSUES: &str = "isomdl: issue";
/// Case of the other library that verifies.
pub const PEER_VERIFIES: &str = "isomdl: verify";

/// The lines of the table, with the goals. `licence` is the length of what is issued.
#[must_use]
pub fn lines(licence: usize) -> Vec<Line> {
    let line = |case: &str, floor: &str, backend: &str| {
        Line::new(format!("{case}, {backend}"), format!("floor: {floor}, {backend}"))
    };
    let issue = |backend| Line {
        bytes: Some(licence * 13 / 10),
        ..line("issue", "issue", backend).most(1.15).allocations(20)
    };
    vec![
        issue(FAST).peer(PEER_ISSUES, 4.0),
        issue(PURE).peer(PEER_ISSUES, 1.9),
        line("copies", "issue", FAST).most(1.15).peer(PEER_ISSUES, 4.0),
        line("copies, salt last", "copies", FAST)
            .most(1.2)
            .peer(PEER_ISSUES, 8.0),
        line("copies, salt last", "copies", PURE)
            .most(1.2)
            .shown_beside(PEER_ISSUES),
        line("verify", "verify", FAST)
            .most(1.25)
            .peer(PEER_VERIFIES, 25.0)
            .allocations(60),
        line("verify, chain cached", "verify, chain cached", FAST)
            .most(1.25)
            .peer(PEER_VERIFIES, 35.0)
            .allocations(60),
        line("verify", "verify", PURE)
            .shown_beside(PEER_VERIFIES)
            .allocations(60),
        line("verify, chain cached", "verify, chain cached", PURE)
            .shown_beside(PEER_VERIFIES)
            .allocations(60),
        Line::new("decode", "floor: decode").most(2.0),
    ]
}

/// What came out for a line.
#[derive(Debug, Clone)]
pub struct Result {
    /// The line.
    pub line: Line,
    /// Microseconds of a call.
    pub micros: Spread,
    /// Times the floor.
    pub to_floor: Spread,
    /// How many times as long the other library takes, if it was measured.
    pub to_peer: Option<Spread>,
    /// What one call asks of the allocator, if it was counted.
    pub allocations: Option<Allocations>,
}

impl Result {
    /// What there is a goal for and was not measured by this program.
    #[must_use]
    pub fn not_measured(&self) -> Vec<&'static str> {
        let line = &self.line;
        let counted = line.allocations.is_some() || line.bytes.is_some();
        [
            ("isomdl", line.least.is_some() && self.to_peer.is_none()),
            ("allocations", counted && self.allocations.is_none()),
        ]
        .into_iter()
        .filter_map(|(part, lacking)| lacking.then_some(part))
        .collect()
    }

    /// What was measured and is not reached, in words.
    #[must_use]
    pub fn missed(&self) -> Vec<String> {
        let line = &self.line;
        let mut missed = Vec::new();
        if let Some(most) = line.most.filter(|most| self.to_floor.median > *most) {
            missed.push(format!("{:.2} × floor, goal {most}", self.to_floor.median));
        }
        if let Some((least, peer)) = line
            .least
            .zip(self.to_peer)
            .filter(|(least, peer)| peer.median < *least)
        {
            missed.push(format!("{:.2} × isomdl, goal {least}", peer.median));
        }
        if let Some(Allocations { count, bytes }) = self.allocations {
            if let Some(most) = line.allocations.filter(|most| count > *most) {
                missed.push(format!("{count} allocations, goal {most}"));
            }
            if let Some(most) = line.bytes.filter(|most| bytes > *most) {
                missed.push(format!("{bytes} bytes allocated, goal {most}"));
            }
        }
        missed
    }
}

/// The results of those lines whose cases were measured.
pub fn results(
    lines: Vec<Line>,
    times: &Times,
    mut allocations: impl FnMut(&str) -> Option<Allocations>,
) -> Vec<Result> {
    let result = |line: Line| {
        Some(Result {
            micros: times.micros(&line.case)?,
            to_floor: times.ratio(&line.case, &line.floor)?,
            to_peer: line.peer.and_then(|peer| times.ratio(peer, &line.case)),
            allocations: allocations(&line.case),
            line,
        })
    };
    lines.into_iter().filter_map(result).collect()
}

fn goal<T: std::fmt::Display>(goal: Option<T>, sign: &str) -> String {
    goal.map(|goal| format!(" ({sign} {goal})")).unwrap_or_default()
}

/// The results as a table in Markdown, and below it the floor itself and whatever else was measured.
#[must_use]
pub fn table(results: &[Result], times: &Times) -> String {
    let mut out = String::from(
        "| case | µs | × floor: median (least to greatest), goal | × as fast as isomdl, goal | allocations, goal \
         | bytes allocated, goal | goals |\n|---|---:|---|---|---:|---:|---|\n",
    );
    for result in results {
        let Result {
            line,
            micros,
            to_floor,
            allocations,
            ..
        } = result;
        let peer = result.to_peer.map_or_else(
            || "–".to_owned(),
            |peer| format!("{:.1}{}", peer.median, goal(line.least, "≥")),
        );
        let counted = |of: fn(&Allocations) -> usize| {
            allocations
                .as_ref()
                .map_or_else(|| "–".to_owned(), |allocations| of(allocations).to_string())
        };
        let missed = result.missed();
        let verdict = if missed.is_empty() {
            match result.not_measured().as_slice() {
                [] => "ok".to_owned(),
                parts => format!("ok; not measured: {}", parts.join(", ")),
            }
        } else {
            format!("**missed**: {}", missed.join("; "))
        };
        let _ = writeln!(
            out,
            "| {} | {:.1} | {:.2} ({:.2} to {:.2}){} | {peer} | {}{} | {}{} | {verdict} |",
            line.case,
            micros.median,
            to_floor.median,
            to_floor.least,
            to_floor.greatest,
            goal(line.most, "≤"),
            counted(|allocations| allocations.count),
            goal(line.allocations, "≤"),
            counted(|allocations| allocations.bytes),
            goal(line.bytes, "≤"),
        );
    }
    out.push_str("\n| measured against | µs: median (least to greatest) |\n|---|---|\n");
    let ours = |name: &str| results.iter().any(|result| result.line.case == name);
    for name in times.names().filter(|name| !ours(name)) {
        if let Some(micros) = times.micros(name) {
            let Spread {
                median,
                least,
                greatest,
                ..
            } = micros;
            let _ = writeln!(out, "| {name} | {median:.1} ({least:.1} to {greatest:.1}) |");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn steady(number: f64) -> Spread {
        Spread {
            median: number,
            low: number,
            least: number,
            greatest: number,
        }
    }

    fn result(to_floor: f64, to_peer: Option<f64>, count: usize, bytes: usize) -> Result {
        Result {
            line: lines(1_000).remove(0),
            micros: steady(1.0),
            to_floor: steady(to_floor),
            to_peer: to_peer.map(steady),
            allocations: Some(Allocations { count, bytes }),
        }
    }

    #[test]
    fn each_goal_can_be_missed() {
        assert!(result(1.15, Some(4.0), 20, 1_300).missed().is_empty());
        assert!(result(1.15, None, 20, 1_300).missed().is_empty());
        assert_eq!(
            result(1.16, Some(4.0), 20, 1_300).missed(),
            ["1.16 × floor, goal 1.15"]
        );
        assert_eq!(
            result(1.0, Some(3.9), 20, 1_300).missed(),
            ["3.90 × isomdl, goal 4"]
        );
        assert_eq!(
            result(1.0, Some(4.0), 21, 1_300).missed(),
            ["21 allocations, goal 20"]
        );
        assert_eq!(
            result(1.0, Some(4.0), 20, 1_301).missed(),
            ["1301 bytes allocated, goal 1300"]
        );
    }
}
