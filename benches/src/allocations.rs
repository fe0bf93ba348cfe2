//! How often, and for how much, a call asks for memory.

use std::alloc::System;
use std::hint::black_box;

use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

/// The allocator that counts.
pub type Counting = StatsAlloc<System>;

/// To be made the global allocator of a program that counts. One that measures what allocates much is to do without it:
/// counting takes time. C libraries have an allocator of their own.
pub const COUNTING: &Counting = &INSTRUMENTED_SYSTEM;

/// What one call asked of the allocator. What C libraries ask of theirs is not seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allocations {
    /// New blocks and blocks that grew.
    pub count: usize,
    /// Bytes of new blocks, and those that blocks grew by.
    pub bytes: usize,
}

/// Counts during one call, after another that fills whatever is filled once. None if this program does not count.
pub fn count(mut call: impl FnMut()) -> Option<Allocations> {
    let region = Region::new(COUNTING);
    drop(black_box(Box::new(0_u8)));
    if region.change().allocations == 0 {
        return None;
    }
    call();
    let region = Region::new(COUNTING);
    call();
    let seen = region.change();
    let grown = usize::try_from(seen.bytes_reallocated).unwrap_or(0);
    Some(Allocations {
        count: seen.allocations + seen.reallocations,
        // The crate counts what a block grew by as allocated too.
        bytes: seen.bytes_allocated.max(grown),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_and_their_bytes_are_counted() {
        // Other tests run at the same time: a lower bound is all that can be said here.
        let seen = count(|| {
            let mut one: Vec<u8> = Vec::with_capacity(1_000);
            let two = vec![0_u8; 500];
            one.resize(3_000, 1);
            black_box((&one, &two));
        })
        .unwrap();
        assert!(seen.count >= 3, "{seen:?}");
        assert!(seen.bytes >= 3_500, "{seen:?}");
    }
}
