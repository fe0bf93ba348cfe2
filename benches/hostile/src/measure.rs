//! One input for one decoder: time, memory, answer.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use peak_alloc::PeakAlloc;

use crate::calibration::worked;

/// Stack of the thread that decodes, in bytes: a quarter of what threads of Rust get.
pub(crate) const STACK: usize = 512 * 1024;

/// How often what is beyond the bound for its time is measured again before that counts.
const AGAIN: usize = 5;

/// From how many milliseconds on an input is compared with half of it: shorter times say little.
const COMPARED: f64 = 5.0;

/// How many times as long as half of it an input may take. Linear is twice; what is quadratic takes four times as long.
const GROWTH: f64 = 3.0;

/// What a decoder may take.
#[derive(Clone, Copy, PartialEq)]
pub(crate) struct Bounds {
    /// Milliseconds that the processor works, on the machine of [`crate::calibration`].
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

/// What is tried with an input.
pub(crate) type Decode<'d> = dyn Fn(&[u8]) -> Answer + Sync + 'd;

/// What has to become of an input.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Due {
    /// It is refused with an error.
    Refused,
    /// It is decided upon: large, and perhaps in order.
    Decided,
}

/// An input for a decoder.
#[derive(Clone, Copy)]
pub(crate) struct Case<'a> {
    pub(crate) decoder: &'a str,
    pub(crate) input: &'a str,
    pub(crate) bytes: &'a [u8],
    pub(crate) decode: &'a Decode<'a>,
    pub(crate) due: Due,
    pub(crate) bounds: Bounds,
    /// Whether memory is held against inputs of 10 MB, though this one is smaller.
    pub(crate) small: bool,
    /// The same input at half its size, and what decodes it, to tell whether the time is linear however fast the machine is.
    pub(crate) half: Option<(&'a [u8], &'a Decode<'a>)>,
}

impl<'a> Case<'a> {
    /// To be refused.
    pub(crate) fn new(decoder: &'a str, input: &'a str, bytes: &'a [u8], decode: &'a Decode<'a>) -> Self {
        Self {
            decoder,
            input,
            bytes,
            decode,
            due: Due::Refused,
            bounds: Bounds::DEFAULT,
            small: false,
            half: None,
        }
    }

    /// Smaller than the other inputs, as it has to be to get that far: memory may be twice that of those.
    pub(crate) const fn small(mut self) -> Self {
        self.bounds.times *= crate::SIZE as f64 / self.bytes.len() as f64;
        self.small = true;
        self
    }

    pub(crate) const fn decided(mut self) -> Self {
        self.due = Due::Decided;
        self
    }

    /// Compared with the same input at half its size.
    pub(crate) const fn halved(self, half: &'a [u8]) -> Self {
        let decode = self.decode;
        self.halved_by(half, decode)
    }

    /// The same, for half of which there is another limit.
    pub(crate) const fn halved_by(mut self, half: &'a [u8], decode: &'a Decode<'a>) -> Self {
        self.half = Some((half, decode));
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
    pub(crate) peak: usize,
    pub(crate) answer: String,
    pub(crate) faults: Vec<String>,
    /// Whether it was held to other bounds than most.
    pub(crate) own_bounds: bool,
    /// Whether memory was held against 10 MB, though the input was smaller.
    pub(crate) small: bool,
    /// Whether it was measured again, because the first times were beyond the bound.
    pub(crate) again: bool,
    /// Whether it was compared with half of it; none if it was not to be.
    pub(crate) compared: Option<bool>,
}

impl Outcome {
    /// Memory as a multiple of the input.
    pub(crate) fn times(&self) -> f64 {
        self.peak as f64 / self.bytes.max(1) as f64
    }
}

/// What was measured of one run.
struct Measured {
    /// None if it panicked.
    answer: Option<Answer>,
    millis: f64,
    peak: usize,
}

fn measured(case: &Case<'_>, memory: &PeakAlloc) -> Measured {
    let decode = || {
        let before = memory.current_usage();
        memory.reset_peak_usage();
        let start = worked();
        let answer = catch_unwind(AssertUnwindSafe(|| (case.decode)(case.bytes)));
        let millis = worked() - start;
        Measured {
            answer: answer.ok(),
            millis,
            peak: memory.peak_usage().saturating_sub(before),
        }
    };
    thread::scope(|scope| {
        let thread = thread::Builder::new()
            .stack_size(STACK)
            .spawn_scoped(scope, decode);
        thread.unwrap().join().unwrap()
    })
}

/// Decodes three times and takes the shortest time: the first one pays for pages that are touched for the first time.
/// Where `patience` is more than once, only the bound counts and not the figure: it is decoded again only while it takes
/// that many times as long as its bound.
///
/// What takes longer than that is measured up to [`AGAIN`] times more, each time with `slowness` beside it, by which the
/// bound is stretched: how many times as long as the machine of the bounds this one takes now. It is a fault only if the
/// last of them is beyond that bound `patience` times over.
///
/// With such patience a time has to be linear, too, which other programs do not change: see [`grown`].
pub(crate) fn run(
    case: Case<'_>,
    memory: &PeakAlloc,
    (slowness, patience): (&dyn Fn() -> f64, f64),
) -> Outcome {
    let busy = patience > 1.0;
    let suspect = case.bounds.millis * patience;
    let mut last = measured(&case, memory);
    let (mut millis, mut peak) = (last.millis, last.peak);
    for _ in 1..3 {
        if millis > 1_000.0 || (busy && millis < suspect) {
            break;
        }
        last = measured(&case, memory);
        millis = millis.min(last.millis);
        peak = peak.max(last.peak);
    }
    let again = millis >= suspect;
    let mut late = None;
    if again {
        for _ in 0..AGAIN {
            let most = suspect * slowness();
            last = measured(&case, memory);
            millis = millis.min(last.millis);
            late = (millis >= most).then(|| format!("takes {millis:.1} ms where {most:.1} are allowed"));
            if late.is_none() {
                break;
            }
        }
    }
    let growth = case.half.filter(|_| busy && millis >= COMPARED);
    let growth = growth.map(|half| grown(&case, half, memory, millis));
    let compared = growth.as_ref().map(|growth| *growth != Growth::Unlike);
    let growth = growth.and_then(|growth| match growth {
        Growth::Fault(words) => Some(words),
        Growth::Linear | Growth::Unlike => None,
    });
    let mut faults: Vec<String> = late.into_iter().chain(growth).collect();
    let mut fault = |is: bool, words: String| {
        if is {
            faults.push(words);
        }
    };
    let times = peak as f64 / case.bytes.len().max(1) as f64;
    fault(
        times >= case.bounds.times,
        format!("takes {times:.2} × the input in memory"),
    );
    let answer = last.answer;
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
        small: case.small,
        again,
        compared,
    }
}

/// What an input takes beside half of it.
#[derive(PartialEq, Eq)]
enum Growth {
    Linear,
    /// One is taken and the other refused: there is nothing to compare.
    Unlike,
    Fault(String),
}

/// Whether the whole input takes no more than [`GROWTH`] times as long as half of it: of the shortest of at least two times
/// each, and of up to [`AGAIN`] before it counts.
fn grown(case: &Case<'_>, (bytes, decode): (&[u8], &Decode<'_>), memory: &PeakAlloc, millis: f64) -> Growth {
    let half = Case {
        bytes,
        decode,
        ..*case
    };
    let (mut of_whole, mut of_half) = (millis, f64::INFINITY);
    for round in 0..AGAIN {
        let (whole, half) = (measured(case, memory), measured(&half, memory));
        let Some(answer) = half.answer else {
            return Growth::Fault("half of it panics".to_owned());
        };
        if whole.answer.is_some_and(|whole| whole.is_ok() != answer.is_ok()) {
            return Growth::Unlike;
        }
        of_whole = of_whole.min(whole.millis);
        of_half = of_half.min(half.millis);
        if round > 0 && of_whole <= GROWTH * of_half {
            return Growth::Linear;
        }
    }
    Growth::Fault(format!(
        "takes {of_whole:.1} ms, and half of it {of_half:.1} ms: more than {GROWTH} times as long"
    ))
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
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    static MEMORY: PeakAlloc = PeakAlloc;

    /// Without a bound on memory, which is counted for all threads of the tests together.
    fn outcome(decode: impl Fn(&[u8]) -> Answer + Sync, slowness: f64) -> Outcome {
        let mut case = Case::new("decoder", "input", &[7; 1000], &decode);
        case.bounds.times = f64::INFINITY;
        run(case, &MEMORY, (&|| slowness, 1.0))
    }

    fn faults(decode: impl Fn(&[u8]) -> Answer + Sync) -> Vec<String> {
        outcome(decode, 1.0).faults
    }

    fn work(millis: f64) {
        let start = worked();
        while worked() - start < millis {}
    }

    #[test]
    fn each_bound_can_be_broken() {
        assert!(faults(|_| Err("no".to_owned())).is_empty());
        assert_eq!(faults(|_| Ok("yes".to_owned())), ["is taken"]);
        assert_eq!(faults(|_| panic!("on purpose")), ["panics"]);
        let slow = faults(|_| {
            work(60.0);
            Err("no".to_owned())
        });
        assert!(slow[0].starts_with("takes 6"), "{slow:?}");
        assert!(slow[0].ends_with("50.0 are allowed"), "{slow:?}");
    }

    #[test]
    fn a_slow_machine_may_take_longer_and_not_as_long_as_it_likes() {
        let slow = |slowness| {
            let decode = |_: &[u8]| {
                work(60.0);
                Err("no".to_owned())
            };
            outcome(decode, slowness)
        };
        let stretched = slow(2.0);
        assert!(stretched.again && stretched.faults.is_empty());
        let beyond = slow(1.1);
        assert!(
            beyond.faults[0].ends_with("55.0 are allowed"),
            "{:?}",
            beyond.faults
        );
    }

    #[test]
    fn where_others_run_only_what_may_be_a_fault_is_measured_again() {
        // Within the bound, within the patience, beyond both.
        for (millis, expected) in [(5.0, 1), (12.0, 1), (40.0, 8)] {
            let runs = AtomicU32::new(0);
            let decode = |_: &[u8]| -> Answer {
                runs.fetch_add(1, Ordering::Relaxed);
                work(millis);
                Err("no".to_owned())
            };
            let mut case = Case::new("decoder", "input", &[7; 1000], &decode);
            case.bounds = Bounds {
                millis: 10.0,
                times: f64::INFINITY,
            };
            let outcome = run(case, &MEMORY, (&|| 1.0, 3.0));
            assert_eq!(outcome.faults.is_empty(), expected == 1, "{:?}", outcome.faults);
            assert_eq!(runs.load(Ordering::Relaxed), expected, "{millis} ms");
        }
    }

    #[test]
    fn where_others_run_what_is_not_linear_is_seen() {
        let outcome = |exponent: i32, patience, half_is_taken: bool| {
            let decode = |bytes: &[u8]| -> Answer {
                work(16.0 * (bytes.len() as f64 / 1000.0).powi(exponent));
                if half_is_taken && bytes.len() < 1000 {
                    return Ok("yes".to_owned());
                }
                Err("no".to_owned())
            };
            let bytes = [7_u8; 1000];
            let mut case = Case::new("decoder", "input", &bytes, &decode).halved(&bytes[..500]);
            case.bounds.times = f64::INFINITY;
            let outcome = run(case, &MEMORY, (&|| 1.0, patience));
            (outcome.faults, outcome.compared)
        };
        assert_eq!(outcome(1, 3.0, false), (Vec::new(), Some(true)));
        // There the time itself is held.
        assert_eq!(outcome(2, 1.0, false), (Vec::new(), None));
        let (quadratic, compared) = outcome(2, 3.0, false);
        assert!(
            quadratic[0].ends_with("more than 3 times as long"),
            "{quadratic:?}"
        );
        assert_eq!(compared, Some(true));
        assert_eq!(outcome(2, 3.0, true), (Vec::new(), Some(false)));
    }

    #[test]
    fn what_was_only_disturbed_is_no_fault() {
        let runs = AtomicU32::new(0);
        let disturbed = outcome(
            |_| {
                if runs.fetch_add(1, Ordering::Relaxed) < 5 {
                    work(60.0);
                }
                Err("no".to_owned())
            },
            1.0,
        );
        assert!(disturbed.again && disturbed.faults.is_empty());
        assert!(disturbed.millis < 50.0);
    }

    #[test]
    fn memory_that_is_taken_is_seen() {
        let decode = |bytes: &[u8]| {
            std::hint::black_box(vec![1_u8; bytes.len() * 3]);
            Err("no".to_owned())
        };
        let greedy = run(
            Case::new("decoder", "input", &[7; 1000], &decode),
            &MEMORY,
            (&|| 1.0, 1.0),
        );
        let memory = |fault: &String| fault.contains("× the input in memory");
        assert!(greedy.faults.iter().any(memory), "{:?}", greedy.faults);
    }
}
