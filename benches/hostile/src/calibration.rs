//! How fast this machine is, so that a slow one does not fail for being slow.

use std::hint::black_box;
use std::sync::LazyLock;

use rustix::time::{ClockId, clock_gettime};

use crate::SIZE;

/// What [`work`] takes of the processor, in milliseconds, on the machine that the bounds are for: the least of hundreds
/// of times, on two cores of an AMD EPYC at 2.25 GHz that others shared.
const REFERENCE: f64 = 25.0;

/// How long a piece is that [`work`] keeps by itself, in bytes.
const PIECE: usize = 50;

/// Milliseconds that the processor has worked for this thread.
pub(crate) fn worked() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 * 1e3 + time.tv_nsec as f64 / 1e6
}

/// How many times as long as the reference machine this one takes now; never less than once.
pub(crate) fn slowness() -> f64 {
    (0..3)
        .map(|_| work())
        .fold(f64::INFINITY, f64::min)
        .max(REFERENCE)
        / REFERENCE
}

/// A fixed piece of work and what it took. As decoders do, it looks at each byte of an input of their size, which is a hash
/// (FNV-1a, 64 bits), and makes many small pieces of it.
fn work() -> f64 {
    static BYTES: LazyLock<Vec<u8>> = LazyLock::new(|| vec![0x5a; SIZE]);
    let bytes: &[u8] = &BYTES;
    let start = worked();
    let pieces: Vec<Vec<u8>> = bytes.chunks(PIECE).map(<[u8]>::to_vec).collect();
    let hash = |piece: &Vec<u8>| {
        piece.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
        })
    };
    black_box(pieces.iter().map(hash).fold(0, u64::wrapping_add));
    drop(pieces);
    worked() - start
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_work_takes_time_and_no_machine_is_faster_than_once() {
        assert!(work() > 0.0);
        assert!(slowness() >= 1.0);
    }
}
