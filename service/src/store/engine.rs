//! What the two databases have in common: they are given jobs, and tell how each ended.

use std::path::Path;
use std::sync::Arc;

use tokio::sync::oneshot;

use super::{StoreError, Tx};
use crate::metrics::Metrics;

/// A database that does jobs, each in a transaction.
pub(super) trait Engine: Send + Sync {
    /// Queues work that may write.
    fn write(&self, job: Box<dyn Job>);
    /// Queues work that only reads.
    fn read(&self, job: Box<dyn Job>);
    /// Writes a copy to a new file.
    fn copy_to(&self, path: &Path) -> Result<(), StoreError>;
}

/// What is to become of what a job wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    Keep,
    Discard,
}

/// Work and whoever waits for it.
pub(super) trait Job: Send {
    /// Does the work, perhaps once more.
    fn run(&mut self, tx: &mut Tx<'_>) -> Wish;
    /// Tells how it ended: by the work itself, or by the database.
    fn end(self: Box<Self>, kept: Result<(), StoreError>);
}

pub(super) struct Work<F, T, E> {
    work: F,
    result: Option<Result<T, E>>,
    reply: oneshot::Sender<Result<T, E>>,
    metrics: Arc<Metrics>,
    /// What it noted for the metrics, in the last run.
    noted: Vec<String>,
}

impl<F, T, E> Work<F, T, E> {
    pub(super) const fn new(work: F, reply: oneshot::Sender<Result<T, E>>, metrics: Arc<Metrics>) -> Self {
        Self {
            work,
            result: None,
            reply,
            metrics,
            noted: Vec::new(),
        }
    }
}

impl<F, T, E> Job for Work<F, T, E>
where
    F: FnMut(&mut Tx<'_>) -> Result<T, E> + Send,
    T: Send,
    E: From<StoreError> + Send,
{
    fn run(&mut self, tx: &mut Tx<'_>) -> Wish {
        let result = (self.work)(tx);
        let wish = if result.is_ok() { Wish::Keep } else { Wish::Discard };
        self.result = Some(result);
        self.noted = tx.take_noted();
        wish
    }

    fn end(self: Box<Self>, kept: Result<(), StoreError>) {
        if kept.is_ok() && matches!(self.result, Some(Ok(_))) {
            self.noted.iter().for_each(|action| self.metrics.done(action));
        }
        let result = match (kept, self.result) {
            (Err(error), _) => Err(error.into()),
            (Ok(()), Some(result)) => result,
            (Ok(()), None) => Err(StoreError::Unavailable("the work was not done".to_owned()).into()),
        };
        // Whoever asked may have gone; what was written stays.
        let _gone = self.reply.send(result);
    }
}
