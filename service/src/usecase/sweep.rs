//! What time does to what is kept: collections that nobody finished, documents whose lifetime is over, and what was noted
//! so that it is not presented twice and could not be presented any more.

use mdoc_core::time::Timestamp;

use super::Failure;
use super::authority::Actor;
use super::change::end_everything;
use super::document::{self, Why};
use crate::domain::id::Serial;
use crate::domain::life::Move;
use crate::store::Tx;

/// How many documents are moved in one transaction: nobody waits long for it.
const AT_ONCE: i64 = 200;

/// What was done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Documents that wait for a wallet again.
    pub abandoned: usize,
    /// Documents whose time is over.
    pub expired: usize,
}

impl Swept {
    /// Whether there may be more to do.
    #[must_use]
    pub fn is_full(self) -> bool {
        let full = usize::try_from(AT_ONCE).unwrap_or(usize::MAX);
        self.abandoned >= full || self.expired >= full
    }
}

/// What time does to documents: which move, to which of them, in which order.
struct Due {
    made: Move,
    /// Of the document `d`, with the present instant as `$1`.
    when: &'static str,
    order: &'static str,
}

const DUE: [Due; 3] = [
    Due {
        made: Move::Abandon,
        when: "d.state = 'issuing' AND NOT EXISTS (SELECT 1 FROM session s \
               WHERE s.document = d.serial AND s.ended IS NULL AND s.expires >= $1)",
        order: "d.since",
    },
    Due {
        made: Move::Expire,
        when: "d.valid_until < $1 AND d.state IN ('active', 'disabled', 'updating', 'cancel-requested')",
        order: "d.valid_until",
    },
    // Nobody collected it while it was offered; what an operator has still to hand out has no offer.
    Due {
        made: Move::Expire,
        when: "d.state = 'collectable' AND d.issued IS NULL \
               AND EXISTS (SELECT 1 FROM offer o WHERE o.document = d.serial AND o.used IS NULL AND o.expires < $1) \
               AND NOT EXISTS (SELECT 1 FROM offer o WHERE o.document = d.serial AND o.used IS NULL AND o.expires >= $1)",
        order: "d.since",
    },
];

/// Does what is due.
///
/// # Errors
/// [`Failure::Store`].
pub fn sweep(tx: &mut Tx<'_>, now: Timestamp) -> Result<Swept, Failure> {
    let actor = Actor::system("schedule");
    let mut swept = Swept::default();
    for due in DUE {
        let sql = format!(
            "SELECT d.serial FROM document d WHERE {} ORDER BY {} LIMIT $2",
            due.when, due.order
        );
        let serials: Vec<Serial> = tx.rows(&sql, &[now.into(), AT_ONCE.into()], |row| row.get(0))?;
        for serial in serials {
            let mut document = document::read(tx, &serial)?;
            // Who had the document until now may have done what makes it not due any more.
            let sql = format!("SELECT 1 FROM document d WHERE {} AND d.serial = $2", due.when);
            let still: Option<i64> = tx.value(&sql, &[now.into(), (&serial).into()])?;
            if still.is_none() || document.state.after(due.made, document.before).is_none() {
                continue;
            }
            document::step(tx, &actor, now, &mut document, (due.made, Why::default()))?;
            if due.made == Move::Expire {
                end_everything(tx, &document, now)?;
                swept.expired += 1;
            } else {
                swept.abandoned += 1;
            }
        }
    }
    for sql in [
        "DELETE FROM used_once WHERE expires < $1",
        "DELETE FROM client_token WHERE expires < $1",
        "DELETE FROM refresh_token WHERE expires < $1",
        "DELETE FROM deferred WHERE expires < $1",
        "DELETE FROM authorization_request WHERE expires < $1",
        "DELETE FROM session WHERE expires < $1 AND (waits IS NULL OR waits < $1)",
    ] {
        tx.execute(sql, &[now.into()])?;
    }
    Ok(swept)
}
