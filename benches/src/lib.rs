//! What issuing and verifying cost, as ratios: to the least that they can be ([`floor`]), and to another library.
//!
//! `docs/performance.md` says how to run it and what came out.

pub mod allocations;
pub mod baseline;
mod command;
pub mod floor;
pub mod harness;
pub mod ours;
pub mod suite;
pub mod world;

pub use self::command::run;

#[cfg(test)]
#[global_allocator]
static ALLOCATOR: &allocations::Counting = allocations::COUNTING;

/// Stays on one core, the last that there is, if the system lets it.
pub fn pin() {
    let pinned = core_affinity::get_core_ids()
        .and_then(|cores| cores.last().copied())
        .is_some_and(core_affinity::set_for_current);
    if !pinned {
        eprintln!("not pinned to one core: ratios may spread more");
    }
}
