//! What is seen to before messages are taken: what nodes left behind that are gone, what was tried often enough, and what
//! tells of what is good no more.

use std::sync::atomic::{AtomicI64, Ordering};

use mdoc_core::time::Timestamp;

use super::{Rules, Stage, told};
use crate::domain::id::{MessageId, Serial};
use crate::domain::notice::{Channel, Notice};
use crate::store::{StoreError, Tx};

/// What is due and tells of what is good no more: of an offer that was taken or is over, of an update that was fetched or
/// whose document ended.
pub(crate) const WITHDRAW: &str = "UPDATE message SET state = 'withdrawn', sealed = NULL, changed = $1 \
     WHERE state IN ('waiting', 'failed', 'uncertain') AND due <= $1 AND ( \
     (offer IS NOT NULL AND NOT EXISTS \
     (SELECT 1 FROM offer o WHERE o.id = message.offer AND o.used IS NULL AND o.expires >= $1)) \
     OR (kind = 'update' AND NOT EXISTS (SELECT 1 FROM document d WHERE d.serial = message.document \
     AND (d.state = 'updating' OR d.state_before = 'updating' OR d.resumes = 'updating'))))";

/// A message that is not taken again. The audit trail is told of it when every message is held that is going to be: whoever
/// notes how it went with one has it before the trail.
pub(super) struct GivenUp {
    id: MessageId,
    document: Option<Serial>,
    kind: String,
    channel: String,
    tries: i64,
}

impl GivenUp {
    pub(super) fn tell(&self, tx: &mut Tx<'_>, now: Timestamp) -> Result<(), StoreError> {
        let said = (self.kind.as_str(), self.channel.as_str());
        let message = (&self.id, self.document.as_ref(), said, self.tries);
        told(tx, now, Stage::Failed, message)
    }
}

/// Sees to what was left; gives what was given up.
pub(super) fn settle(tx: &mut Tx<'_>, now: Timestamp, rules: &Rules) -> Result<Vec<GivenUp>, StoreError> {
    let given_up = give_up(tx, now, rules)?;
    // Both states are named for the index of what is held.
    tx.execute(
        "UPDATE message SET state = 'waiting', node = NULL, changed = $1 \
         WHERE state IN ('taken', 'handing-over') AND lease < $1 AND state = 'taken'",
        &[now.into()],
    )?;
    for channel in Channel::ALL {
        let after = if rules.repeatable.contains(&channel) {
            Stage::Waiting
        } else {
            Stage::Uncertain
        };
        tx.execute(
            "UPDATE message SET state = $2, changed = $1 WHERE state IN ('taken', 'handing-over') AND lease < $1 \
             AND state = 'handing-over' AND channel = $3",
            &[now.into(), after.name().into(), channel.name().into()],
        )?;
    }
    tx.execute(WITHDRAW, &[now.into()])?;
    leave(tx, now)?;
    Ok(given_up)
}

/// What would be taken again and was tried often enough has failed: it may be what ends every node that takes it.
fn give_up(tx: &mut Tx<'_>, now: Timestamp, rules: &Rules) -> Result<Vec<GivenUp>, StoreError> {
    let mut given_up = Vec::new();
    let left = tx.rows(
        "SELECT id, document, kind, channel, tries, state FROM message \
         WHERE state IN ('taken', 'handing-over') AND lease < $1 AND tries >= $2 ORDER BY id FOR UPDATE",
        &[now.into(), rules.tries.into()],
        |row| {
            let message = (row.get::<MessageId>(0)?, row.get::<Option<Serial>>(1)?);
            let said = (row.get::<String>(2)?, row.get::<String>(3)?);
            Ok((message, said, row.get::<i64>(4)?, row.get::<String>(5)?))
        },
    )?;
    for ((id, document), (kind, channel), tries, state) in left {
        let repeatable = Channel::named(&channel).is_some_and(|channel| rules.repeatable.contains(&channel));
        if state != Stage::Taken.name() && !repeatable {
            continue;
        }
        tx.execute(
            "UPDATE message SET state = $2, why = $3, changed = $4, node = NULL, lease = NULL WHERE id = $1",
            &[
                (&id).into(),
                Stage::Failed.name().into(),
                "each node that took it was gone before it was sent".into(),
                now.into(),
            ],
        )?;
        given_up.push(GivenUp {
            id,
            document,
            kind,
            channel,
            tries,
        });
    }
    Ok(given_up)
}

/// The condition of a message that this program knows to send; one that a newer program wrote is left to that.
pub(super) fn known() -> String {
    format!(
        "kind IN ('{}') AND channel IN ('{}')",
        Notice::ALL.map(Notice::name).join("', '"),
        Channel::ALL.map(Channel::name).join("', '")
    )
}

/// Tells the log how many messages are left to newer programs, as often as there are more or fewer.
fn leave(tx: &mut Tx<'_>, now: Timestamp) -> Result<(), StoreError> {
    static TOLD: AtomicI64 = AtomicI64::new(0);
    let sql = format!(
        "SELECT CAST(COUNT(*) AS BIGINT) FROM message WHERE state = 'waiting' AND due <= $1 AND NOT ({})",
        known()
    );
    let left = tx.value::<i64>(&sql, &[now.into()])?.unwrap_or_default();
    if TOLD.swap(left, Ordering::Relaxed) != left && left > 0 {
        tracing::warn!(
            messages = left,
            "messages of a kind or channel that this program does not know are left to newer ones"
        );
    }
    Ok(())
}
