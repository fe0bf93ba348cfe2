//! What the screens show, and when it changes.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::watch;

use super::{Counts, Outcome};

/// What is shown now.
#[derive(Debug, Clone, Default)]
pub enum Phase {
    /// Waiting for a code.
    #[default]
    Ready,
    /// With a wallet.
    Reading,
    /// This came of it.
    Shown(Arc<Outcome>),
}

/// A state of the board.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    /// Grows with every change.
    pub number: u64,
    /// What is shown.
    pub phase: Phase,
    /// Since the beginning.
    pub counts: Counts,
}

impl Snapshot {
    /// For a page.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let (state, result) = match &self.phase {
            Phase::Ready => ("ready", Value::Null),
            Phase::Reading => ("reading", Value::Null),
            Phase::Shown(outcome) => ("result", outcome.to_json()),
        };
        let Counts {
            accepted,
            not_accepted,
            could_not_tell,
        } = self.counts;
        json!({
            "number": self.number,
            "state": state,
            "result": result,
            "counts": {
                "accepted": accepted,
                "notAccepted": not_accepted,
                "couldNotTell": could_not_tell,
            },
        })
    }
}

/// What all screens look at. Whatever is replaced is gone, the picture of the last person first of all.
#[derive(Debug, Clone)]
pub struct Board {
    state: Arc<watch::Sender<Snapshot>>,
}

impl Default for Board {
    fn default() -> Self {
        Self {
            state: Arc::new(watch::Sender::new(Snapshot::default())),
        }
    }
}

impl Board {
    /// Shows something else, and counts an outcome.
    pub fn show(&self, phase: Phase) {
        self.state.send_modify(|state| {
            state.number += 1;
            if let Phase::Shown(outcome) = &phase {
                state.counts.count(outcome.verdict);
            }
            state.phase = phase;
        });
    }

    /// What is shown now.
    #[must_use]
    pub fn now(&self) -> Snapshot {
        self.state.borrow().clone()
    }

    /// What is shown, as soon as it is not the state of this number any more.
    pub async fn after(&self, number: u64) -> Snapshot {
        let mut receiver = self.state.subscribe();
        let changed = receiver.wait_for(|state| state.number != number).await;
        changed.map_or_else(|_| self.now(), |state| state.clone())
    }
}
