//! Who uses the connections of an adapter.
//!
//! Between two adapters there is one connection, whichever of them began it: where an mdoc is reached in two ways, both go
//! over it, and whoever closes it ends both. So a way says which peer it uses, and only the last one that lets go closes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The address of a peer, as the system has it.
pub(crate) type Address = [u8; 6];

/// How often the connection with which peer is used by the ways over one adapter.
#[derive(Debug, Clone, Default)]
pub(crate) struct Connections(Arc<Mutex<BTreeMap<Address, Uses>>>);

#[derive(Debug, Default)]
struct Uses {
    number: usize,
    found: bool,
}

/// What is to be done by a way that has let go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Left {
    /// Nobody else uses the connection: it is to be closed.
    pub(crate) last: bool,
    /// Nobody else does, and the peer was found by what it advertises: it is to be forgotten.
    pub(crate) found: bool,
}

impl Connections {
    /// Says that one more way uses the connection with this peer, or is about to; `found` if by what it advertises.
    pub(crate) fn join(&self, peer: Address, found: bool) {
        let mut uses = self.uses();
        let uses = uses.entry(peer).or_default();
        uses.number = uses.number.saturating_add(1);
        uses.found |= found;
    }

    /// Says that one way has let go of it.
    pub(crate) fn leave(&self, peer: Address) -> Left {
        let mut all = self.uses();
        match all.get_mut(&peer) {
            Some(uses) if uses.number > 1 => {
                uses.number -= 1;
                let (last, found) = (false, false);
                Left { last, found }
            }
            _ => {
                let found = all.remove(&peer).is_some_and(|uses| uses.found);
                Left { last: true, found }
            }
        }
    }

    fn uses(&self) -> MutexGuard<'_, BTreeMap<Address, Uses>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
