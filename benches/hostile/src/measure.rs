//! One input for one decoder: time, memory, answer.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use peak_alloc::PeakAlloc;
use rustix::time::{ClockId, clock_gettime};

/// Stack of the thread that decodes, in bytes: a quarter of what threads of Rust get.
pub(crate) const STACK: usize = 512 * 1024;

/// What a decoder may take.
#[derive(Clone, Copy, PartialEq)]
pub(crate) struct Bounds {
    /// Milliseconds that the processor works.
    pub(crate) millis: f64,
    /// Memory beside the input, as a multiple of it.
    pub(crate) times: f64,
}

impl Bounds {
    pub(crate) const DEFAULT: Self = Self {
        millis: 50.0,
        times: 2.0,
    };
}

/// What a decoder says: what it read, or why it refused.
pub(crate) type Answer = Result<String, String>;

/// What has to become of an input.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Due {
    /// It is refused with an error.
    Refused,
    /// It is decided upon: large, and perhaps in order.
    Decided,
}

/// An input for a decoder.
pub(crate) struct Case<'a> {
    pub(crate) decoder: &'a str,
    pub(crate) input: &'a str,
    pub(crate) bytes: &'a [u8],
    pub(crate) decode: &'a (dyn Fn(&[u8]) -> Answer + Sync),
    pub(crate) due: Due,
    pub(crate) bounds: Bounds,
}

impl<'a> Case<'a> {
    /// To be refused.
    pub(crate) fn new(
        decoder: &'a str,
        input: &'a str,
        bytes: &'a [u8],
        decode: &'a (dyn Fn(&[u8]) -> Answer + Sync),
    ) -> Self {
        Self {
            decoder,
            input,
            bytes,
            decode,
            due: Due::Refused,
            bounds: Bounds::DEFAULT,
        }
    }

    /// Smaller than the other inputs, as it has to be to get that far: memory may be twice that of those.
    pub(crate) const fn small(mut self) -> Self {
        self.bounds.times *= crate::SIZE as f64 / self.bytes.len() as f64;
        self
    }

    pub(crate) const fn decided(mut self) -> Self {
        self.due = Due::Decided;
        self
    }
}

/// What became of it.
pub(crate) struct Outcome {
    pub(crate) decoder: String,
    pub(crate) input: String,
    pub(crate) bytes: usize,
    pub(crate) millis: f64,
    /// Most bytes that were in use at once beside the input.
    peak: usize,
    pub(crate) answer: String,
    pub(crate) faults: Vec<String>,
    /// Whether it was held to other bounds than most.
    pub(crate) own_bounds: bool,
}

impl Outcome {
    /// Memory as a multiple of the input.
    pub(crate) fn times(&self) -> f64 {
        self.peak as f64 / self.bytes.max(1) as f64
    }
}

fn worked() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 * 1e3 + time.tv_nsec as f64 / 1e6
}

/// Decodes three times and takes the shortest time: the first one pays for pages that are touched for the first time.
pub(crate) fn run(case: Case<'_>, memory: &PeakAlloc) -> Outcome {
    let mut millis = f64::INFINITY;
    let mut peak = 0;
    let mut answer: Option<Answer> = None;
    for _ in 0..3 {
        let decoded = thread::scope(|scope| {
            let decode = || {
                let before = memory.current_usage();
                memory.reset_peak_usage();
                let start = worked();
                let answer = catch_unwind(AssertUnwindSafe(|| (case.decode)(case.bytes)));
                let took = worked() - start;
                (answer, took, memory.peak_usage().saturating_sub(before))
            };
            let thread = thread::Builder::new()
                .stack_size(STACK)
                .spawn_scoped(scope, decode);
            thread.unwrap().join().unwrap()
        });
        let (said, took, used) = decoded;
        millis = millis.min(took);
        peak = peak.max(used);
        answer = said.ok();
        if took > 1_000.0 {
            break;
        }
    }
    let mut faults = Vec::new();
    let mut fault = |is: bool, words: String| {
        if is {
            faults.push(words);
        }
    };
    let times = peak as f64 / case.bytes.len().max(1) as f64;
    fault(millis >= case.bounds.millis, format!("takes {millis:.1} ms"));
    fault(
        times >= case.bounds.times,
        format!("takes {times:.2} × the input in memory"),
    );
    fault(answer.is_none(), "panics".to_owned());
    let taken = matches!(answer, Some(Ok(_))) && case.due == Due::Refused;
    fault(taken, "is taken".to_owned());
    let answer = match answer {
        Some(Ok(words)) => format!("taken: {words}"),
        Some(Err(words)) => words,
        None => "a panic".to_owned(),
    };
    Outcome {
        decoder: case.decoder.to_owned(),
        input: case.input.to_owned(),
        bytes: case.bytes.len(),
        millis,
        peak,
        answer: short(&answer),
        own_bounds: case.bounds != Bounds::DEFAULT,
        faults,
    }
}

/// One line of at most eighty characters.
fn short(words: &str) -> String {
    let line = words.lines().next().unwrap_or_default().replace('|', "/");
    let mut short: String = line.chars().take(80).collect();
    if short.len() < line.len() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    static MEMORY: PeakAlloc = PeakAlloc;

    fn faults(decode: impl Fn(&[u8]) -> Answer + Sync) -> Vec<String> {
        run(Case::new("decoder", "input", &[7; 1000], &decode), &MEMORY).faults
    }

    #[test]
    fn each_bound_can_be_broken() {
        assert!(faults(|_| Err("no".to_owned())).is_empty());
        assert_eq!(faults(|_| Ok("yes".to_owned())), ["is taken"]);
        // What the backtrace takes may be found fault with, too.
        let panics = faults(|_| panic!("on purpose"));
        assert!(panics.iter().any(|fault| fault == "panics"), "{panics:?}");
        let slow = faults(|_| {
            let start = worked();
            while worked() - start < 60.0 {}
            Err("no".to_owned())
        });
        assert!(slow[0].starts_with("takes 6"), "{slow:?}");
    }

    #[test]
    fn memory_that_is_taken_is_seen() {
        let greedy = faults(|bytes| {
            std::hint::black_box(vec![1_u8; bytes.len() * 3]);
            Err("no".to_owned())
        });
        assert!(greedy[0].contains("× the input in memory"), "{greedy:?}");
    }
}
