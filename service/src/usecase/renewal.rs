//! Documents that are made anew by themselves (E15): ahead of their end, once a day a batch for each profile that says so; and
//! at birthdays. What became of each is in the rows of the batch; one that was refused is tried again the next day.

mod birthday;

use mdoc_core::crypto::CryptoRng;
use mdoc_core::time::Timestamp;

use super::authority::Actor;
use super::batch::{self, Plan};
use super::{Failure, profiles};
use crate::domain::batch::Operation;
use crate::domain::id::BatchId;
use crate::store::Tx;

#[cfg(test)]
pub(crate) use self::birthday::DUE as BIRTHDAYS;

/// How long it is waited after a batch, in seconds: less than a day, so that it does not come later each time.
const PAUSE: i64 = 20 * 3600;
/// How many documents one batch has; if there are more, the next one follows at once.
const AT_ONCE: i64 = 5000;

/// Whose the batches of a profile are.
fn place(profile: &str) -> String {
    format!("renewal of {profile}")
}

/// Makes and confirms a batch for the first profile of which documents are due, or for the birthdays of the day; gives it.
///
/// # Errors
/// [`Failure::Store`].
pub fn due(tx: &mut Tx<'_>, now: Timestamp, rng: &mut dyn CryptoRng) -> Result<Option<BatchId>, Failure> {
    match ending(tx, now, rng)? {
        Some(id) => Ok(Some(id)),
        None => birthday::due(tx, now, rng),
    }
}

/// For the first profile of which documents end soon.
fn ending(tx: &mut Tx<'_>, now: Timestamp, rng: &mut dyn CryptoRng) -> Result<Option<BatchId>, Failure> {
    for current in profiles::all(tx)? {
        let (name, days) = (
            &current.profile.name,
            i64::from(current.profile.settings.renew_days),
        );
        if days == 0 || !current.enabled {
            continue;
        }
        // Of two nodes one makes the batch, and the other one sees it.
        tx.rows(
            "SELECT name FROM profile WHERE name = $1 FOR UPDATE",
            &[name.into()],
            |_| Ok(()),
        )?;
        let serials: Vec<String> = tx.rows(
            "SELECT d.serial FROM document d WHERE (d.state = 'active' OR d.state = 'updating' AND d.renews = 0) \
             AND d.profile = $1 AND d.valid_until > $2 \
             AND d.valid_until <= $3 AND NOT EXISTS (SELECT 1 FROM batch_row r JOIN batch b ON b.id = r.batch \
             WHERE r.object = d.serial AND b.place = $4 AND (b.created > $5 OR b.state = 'running')) ORDER BY d.valid_until LIMIT $6",
            &[
                name.into(),
                now.into(),
                (now.unix() + days * 86_400).into(),
                (&place(name)).into(),
                (now.unix() - PAUSE).into(),
                AT_ONCE.into(),
            ],
            |row| row.get(0),
        )?;
        if serials.is_empty() {
            continue;
        }
        let made = (Operation::Renew, place(name), serials.as_slice());
        return begin(tx, now, made, rng).map(Some);
    }
    Ok(None)
}

/// Makes a batch and confirms it, in the name of the service itself.
fn begin(
    tx: &mut Tx<'_>,
    now: Timestamp,
    (operation, place, serials): (Operation, String, &[String]),
    rng: &mut dyn CryptoRng,
) -> Result<BatchId, Failure> {
    let plan = Plan {
        operation,
        reason: None,
        notes: None,
        profile: None,
        delivery: None,
    };
    let actor = Actor::system(&place);
    let id = batch::begin(tx, &actor, now, &plan, rng)?;
    batch::add(tx, &actor, &id, serials)?;
    let ready = batch::ready(tx, &actor, &id)?;
    batch::confirm(tx, &actor, now, (&id, ready.total))?;
    Ok(id)
}
