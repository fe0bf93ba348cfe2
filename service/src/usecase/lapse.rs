//! Documents that nobody saw to any more (E13): requests that nobody approved or rejected, and collections that a wallet began
//! and left. What time does to everything else is in [`super::sweep`].

use mdoc_core::time::Timestamp;

use super::Failure;
use super::authority::Actor;
use super::change::end_everything;
use super::document::{self, Why};
use crate::domain::id::Serial;
use crate::domain::life::Move;
use crate::store::Tx;
use crate::terms::Terms;

/// How many documents are moved in one transaction: nobody waits long for it.
const AT_ONCE: i64 = 200;

/// Nobody decided in time.
const UNDECIDED: &str = "d.state = 'awaiting-validation' AND d.since < $1";
/// The offer was taken, nothing was collected, and no session is left. What an operator has still to hand out has no offer,
/// and one that nobody took ends by itself.
const LEFT: &str = "d.state = 'collectable' AND d.issued IS NULL AND d.since < $1 \
                    AND EXISTS (SELECT 1 FROM offer o WHERE o.document = d.serial) \
                    AND NOT EXISTS (SELECT 1 FROM offer o WHERE o.document = d.serial AND o.used IS NULL)";

/// Ends what is left; says how many.
///
/// # Errors
/// [`Failure::Store`].
pub fn lapse(tx: &mut Tx<'_>, now: Timestamp, terms: &Terms) -> Result<usize, Failure> {
    let actor = Actor::system("schedule");
    let mut ended = 0;
    for (when, lifetime) in [(UNDECIDED, terms.request_lifetime), (LEFT, terms.offer_lifetime)] {
        let since = Timestamp::from_unix(now.unix().saturating_sub(lifetime));
        let sql = format!("SELECT d.serial FROM document d WHERE {when} ORDER BY d.since LIMIT $2");
        let serials: Vec<Serial> = tx.rows(&sql, &[since.into(), AT_ONCE.into()], |row| row.get(0))?;
        for serial in serials {
            let mut document = document::read(tx, &serial)?;
            // Somebody may have seen to it while its row was waited for.
            let sql = format!("SELECT 1 FROM document d WHERE {when} AND d.serial = $2");
            let still: Option<i64> = tx.value(&sql, &[since.into(), (&serial).into()])?;
            if still.is_none() {
                continue;
            }
            document::step(tx, &actor, now, &mut document, (Move::Expire, Why::default()))?;
            end_everything(tx, &document, now)?;
            ended += 1;
        }
    }
    Ok(ended)
}
