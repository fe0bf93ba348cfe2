//! How often, and for how much, a call asks for memory.

use stats_alloc::Region;

use crate::ALLOCATOR;

/// What one call asked of the allocator. What C libraries ask of theirs is not seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allocations {
    /// New blocks and blocks that grew.
    pub count: usize,
    /// Bytes of new blocks, and those that blocks grew by.
    pub bytes: usize,
}

/// Counts during one call, after another that fills whatever is filled once.
pub fn count(mut call: impl FnMut()) -> Allocations {
    call();
    let region = Region::new(ALLOCATOR);
    call();
    let seen = region.change();
    let grown = usize::try_from(seen.bytes_reallocated).unwrap_or(0);
    Allocations {
        count: seen.allocations + seen.reallocations,
        // The crate counts what a block grew by as allocated too.
        bytes: seen.bytes_allocated.max(grown),
    }
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
            std::hint::black_box((&one, &two));
        });
        assert!(seen.count >= 3, "{seen:?}");
        assert!(seen.bytes >= 3_500, "{seen:?}");
    }
}
