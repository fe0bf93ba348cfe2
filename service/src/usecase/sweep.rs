//! What time does to what is kept: collections that nobody finished, documents whose lifetime is over, and what was noted
//! so that it is not presented twice and could not be presented any more.

use mdoc_core::time::Timestamp;

use super::Failure;
use super::authority::Actor;
use super::change::end_everything;
use super::document::{self, Why};
use crate::domain::id::Serial;
use crate::domain::life::Move;
use crate::store::{StoreError, Tx};

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

/// Does what is due.
///
/// # Errors
/// [`Failure::Store`].
pub fn sweep(tx: &mut Tx<'_>, now: Timestamp) -> Result<Swept, Failure> {
    let actor = Actor::system("schedule");
    let issuing = due(
        tx,
        "SELECT serial FROM document d WHERE state = 'issuing' AND NOT EXISTS (SELECT 1 FROM session s \
         WHERE s.document = d.serial AND s.ended IS NULL AND s.expires >= $1) ORDER BY since LIMIT $2",
        now,
    )?;
    let over = due(
        tx,
        "SELECT serial FROM document WHERE valid_until < $1 \
         AND state IN ('active', 'disabled', 'updating', 'cancel-requested') ORDER BY valid_until LIMIT $2",
        now,
    )?;
    // Nobody collected it while it was offered; what an operator has still to hand out has no offer.
    let offered = due(
        tx,
        "SELECT d.serial FROM document d JOIN offer o ON o.document = d.serial WHERE d.state = 'collectable' \
         AND d.issued IS NULL AND o.used IS NULL AND o.expires < $1 ORDER BY o.expires LIMIT $2",
        now,
    )?;
    let mut swept = Swept::default();
    for (serials, made) in [
        (issuing, Move::Abandon),
        (over, Move::Expire),
        (offered, Move::Expire),
    ] {
        for serial in serials {
            let mut document = document::read(tx, &serial)?;
            if document.state.after(made, document.before).is_none() {
                continue;
            }
            document::step(tx, &actor, now, &mut document, (made, Why::default()))?;
            if made == Move::Expire {
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
        "DELETE FROM session WHERE expires < $1",
    ] {
        tx.execute(sql, &[now.into()])?;
    }
    Ok(swept)
}

fn due(tx: &mut Tx<'_>, sql: &str, now: Timestamp) -> Result<Vec<Serial>, StoreError> {
    tx.rows(sql, &[now.into(), AT_ONCE.into()], |row| row.get(0))
}
