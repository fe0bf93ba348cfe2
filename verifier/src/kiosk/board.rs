//! What the screens show, and when it changes.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::Instant;

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
    /// When it is to be forgotten, if it is of a person.
    pub until: Option<Instant>,
    /// Since the beginning.
    pub counts: Counts,
}

impl Snapshot {
    /// For a page, which forgets in time even if the kiosk does not say any more that it should.
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
        let left = self
            .until
            .map(|until| until.saturating_duration_since(Instant::now()));
        let left = left.map(|left| u64::try_from(left.as_millis()).unwrap_or(u64::MAX));
        json!({
            "number": self.number,
            "state": state,
            "result": result,
            "forgetIn": left,
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
    show_for: Duration,
}

impl Board {
    /// A result is to be shown for so long.
    #[must_use]
    pub fn new(show_for: Duration) -> Self {
        Self {
            state: Arc::new(watch::Sender::new(Snapshot::default())),
            show_for,
        }
    }

    /// Shows something else, and counts an outcome; gives the number of the new state.
    pub fn show(&self, phase: Phase) -> u64 {
        let mut number = 0;
        self.state.send_modify(|state| {
            state.number += 1;
            state.until = None;
            if let Phase::Shown(outcome) = &phase {
                state.counts.count(outcome.verdict);
                state.until = Instant::now().checked_add(self.show_for);
            }
            state.phase = phase;
            number = state.number;
        });
        number
    }

    /// Forgets what is shown, and breaks off what is being read.
    pub fn clear(&self) {
        self.state.send_if_modified(|state| {
            let something = !matches!(state.phase, Phase::Ready);
            if something {
                state.number += 1;
                (state.phase, state.until) = (Phase::Ready, None);
            }
            something
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
