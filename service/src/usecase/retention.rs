//! What is kept for a while after it is over, and then no more. Documents and the audit trail stay.

use mdoc_core::time::Timestamp;

use crate::domain::id::BatchId;
use crate::store::{StoreError, Tx};

/// How many of each kind go in one transaction: nobody waits long for it.
const AT_ONCE: i64 = 500;

/// How long what is over is kept, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Messages, after they went out, were withdrawn or given up.
    pub messages: i64,
    /// Batches, after they were done or stopped.
    pub batches: i64,
    /// Offers that were taken, after the end of their document.
    pub offers: i64,
}

impl Default for Retention {
    fn default() -> Self {
        const DAY: i64 = 86_400;
        Self {
            messages: 90 * DAY,
            batches: 365 * DAY,
            offers: 90 * DAY,
        }
    }
}

/// An operator may have had a message sent again since it was found: it is looked at once more.
pub(crate) const MESSAGES: &str = "DELETE FROM message WHERE id IN \
     (SELECT id FROM message WHERE state IN ('sent', 'failed', 'uncertain', 'withdrawn') AND changed < $1 \
     ORDER BY changed LIMIT $2) \
     AND state IN ('sent', 'failed', 'uncertain', 'withdrawn') AND changed < $1";

/// By an offer that goes, and before it: the keys of a wallet are found by it.
pub(crate) const SIGN_INS: &str = "DELETE FROM authorization_request WHERE offer IN \
     (SELECT id FROM offer WHERE ended < $1 ORDER BY ended LIMIT $2)";

pub(crate) const OFFERS: &str =
    "DELETE FROM offer WHERE id IN (SELECT id FROM offer WHERE ended < $1 ORDER BY ended LIMIT $2)";

pub(crate) const BATCH: &str = "SELECT id FROM batch WHERE ended < $1 ORDER BY ended LIMIT 1";

pub(crate) const ROWS: &str = "DELETE FROM batch_row WHERE batch = $1 AND number IN \
     (SELECT number FROM batch_row WHERE batch = $1 ORDER BY number LIMIT $2)";

/// Deletes what was kept long enough, some of each kind; says how much went. There may be more as long as something does.
///
/// # Errors
/// [`StoreError`].
pub fn sweep(tx: &mut Tx<'_>, now: Timestamp, kept: &Retention) -> Result<u64, StoreError> {
    let before = |seconds: i64| now.unix().saturating_sub(seconds);
    let mut gone = tx.execute(MESSAGES, &[before(kept.messages).into(), AT_ONCE.into()])?;
    gone += tx.execute(SIGN_INS, &[before(kept.offers).into(), AT_ONCE.into()])?;
    gone += tx.execute(OFFERS, &[before(kept.offers).into(), AT_ONCE.into()])?;
    let over: Option<BatchId> = tx.value(BATCH, &[before(kept.batches).into()])?;
    if let Some(id) = over {
        let rows = tx.execute(ROWS, &[(&id).into(), AT_ONCE.into()])?;
        gone += rows;
        if rows == 0 {
            tx.execute("DELETE FROM batch_node WHERE batch = $1", &[(&id).into()])?;
            gone += tx.execute("DELETE FROM batch WHERE id = $1", &[(&id).into()])?;
        }
    }
    Ok(gone)
}
