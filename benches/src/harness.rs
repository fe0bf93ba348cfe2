//! Interleaved measuring: every round runs every case once, so that a slow phase of the machine meets all alike.
//!
//! What is measured is the time that the processor works for this thread: where others wait for the same processor,
//! their turns are not counted.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// How long to measure.
#[derive(Debug, Clone, Copy)]
pub struct Effort {
    /// Rounds; in each, every case runs one batch.
    pub rounds: usize,
    /// About how long a batch takes, in time that the processor works.
    pub batch: Duration,
}

/// Something to be measured.
pub struct Case<'a> {
    name: String,
    run: Box<dyn FnMut() + 'a>,
}

impl<'a> Case<'a> {
    /// The case of that name.
    pub fn new(name: impl Into<String>, run: impl FnMut() + 'a) -> Self {
        Self {
            name: name.into(),
            run: Box::new(run),
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Runs it once.
    pub fn once(&mut self) {
        (self.run)();
    }
}

/// Median, lower quartile, least and greatest of some numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    /// The middle one, or the mean of the middle two.
    pub median: f64,
    /// A quarter of them are no greater.
    pub low: f64,
    /// The least.
    pub least: f64,
    /// The greatest.
    pub greatest: f64,
}

impl Spread {
    /// Of numbers in any order.
    ///
    /// # Panics
    /// If there are none.
    #[must_use]
    pub fn of(numbers: &[f64]) -> Self {
        let mut sorted = numbers.to_vec();
        sorted.sort_by(f64::total_cmp);
        let half = sorted.len() / 2;
        let median = if sorted.len() % 2 == 1 {
            sorted[half]
        } else {
            f64::midpoint(sorted[half - 1], sorted[half])
        };
        Self {
            median,
            low: sorted[(sorted.len() - 1) / 4],
            least: sorted[0],
            greatest: sorted[sorted.len() - 1],
        }
    }
}

/// The times of one run: for each case, a number for each round.
pub struct Times(Vec<(String, Vec<f64>)>);

impl Times {
    fn samples(&self, name: &str) -> Option<&[f64]> {
        let found = self.0.iter().find(|(case, _)| case == name);
        found.map(|(_, samples)| samples.as_slice())
    }

    /// Microseconds of one call, if there is such a case.
    #[must_use]
    pub fn micros(&self, name: &str) -> Option<Spread> {
        self.samples(name).map(Spread::of)
    }

    /// How many times as long as the other case this one takes, round by round; if both are there.
    #[must_use]
    pub fn ratio(&self, name: &str, to: &str) -> Option<Spread> {
        let ratios: Vec<f64> = (self.samples(name)?.iter())
            .zip(self.samples(to)?)
            .map(|(one, other)| one / other)
            .collect();
        Some(Spread::of(&ratios))
    }

    /// The names, in the order in which the cases were given.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }
}

/// Microseconds that the processor has worked for this thread.
fn worked() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 * 1e6 + time.tv_nsec as f64 / 1e3
}

/// Microseconds of a call.
fn batch(case: &mut Case<'_>, calls: u32) -> f64 {
    let start = worked();
    for _ in 0..calls {
        case.once();
    }
    (worked() - start) / f64::from(calls)
}

/// Measures the cases against each other. In each round another case is the first.
#[must_use]
pub fn interleaved(cases: &mut [Case<'_>], effort: Effort) -> Times {
    let mut calls = Vec::with_capacity(cases.len());
    for case in &mut *cases {
        // What is made once in a process (tables, seeds) is no part of a call.
        case.once();
        case.once();
        let mut tried = 1;
        let mut micros = batch(case, tried);
        while micros * f64::from(tried) < 2_000.0 {
            tried *= 2;
            micros = batch(case, tried);
        }
        let fit = (effort.batch.as_secs_f64() * 1e6 / micros).ceil();
        calls.push(fit.clamp(1.0, 1e6) as u32);
    }
    let mut times: Vec<(String, Vec<f64>)> = cases
        .iter()
        .map(|case| (case.name.clone(), Vec::with_capacity(effort.rounds)))
        .collect();
    for round in 0..effort.rounds {
        for turn in 0..cases.len() {
            let at = (turn + round) % cases.len();
            let micros = batch(&mut cases[at], calls[at]);
            times[at].1.push(micros);
        }
    }
    Times(times)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        let odd = Spread::of(&[3.0, 1.0, 2.0]);
        assert_eq!((odd.least, odd.median, odd.greatest), (1.0, 2.0, 3.0));
        assert_eq!(Spread::of(&[4.0, 1.0, 2.0, 3.0]).median, 2.5);
        assert_eq!(Spread::of(&[5.0, 1.0, 2.0, 4.0, 3.0]).low, 2.0);
        assert_eq!(Spread::of(&[7.0]).low, 7.0);
    }

    #[test]
    fn ratios_are_of_the_same_round() {
        // The machine was three times slower in the second round: the ratio does not know it.
        let times = Times(vec![
            ("ours".to_owned(), vec![2.0, 6.0, 2.0]),
            ("floor".to_owned(), vec![1.0, 3.0, 1.0]),
        ]);
        let ratio = times.ratio("ours", "floor").unwrap();
        assert_eq!((ratio.least, ratio.median, ratio.greatest), (2.0, 2.0, 2.0));
        assert!(times.ratio("ours", "peer").is_none());
    }

    #[test]
    fn a_case_that_does_twice_as_much_takes_about_twice_as_long() {
        let work = |rounds: u32| {
            let mut sum = 0_u32;
            for at in 0..rounds {
                sum = std::hint::black_box(sum.wrapping_mul(31).wrapping_add(at));
            }
            std::hint::black_box(sum);
        };
        let mut cases = [Case::new("one", || work(2_000)), Case::new("two", || work(4_000))];
        let effort = Effort {
            rounds: 9,
            batch: Duration::from_millis(3),
        };
        let ratio = interleaved(&mut cases, effort).ratio("two", "one").unwrap();
        assert!((1.6..2.6).contains(&ratio.median), "{ratio:?}");
    }
}
