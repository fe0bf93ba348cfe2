//! Work with libraries that may panic at input they do not expect.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// What comes of the work; none if it has panicked. What the work changes is not used after that: it may be half done.
pub(crate) fn unless_panicked<T>(work: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(work)).ok()
}
