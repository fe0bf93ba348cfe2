//! Documents in which an age became another one (E15): `age_over_18` on the eighteenth birthday. When that is was written down
//! with the copies, so that nobody's data are looked at; days are those of UTC.

use mdoc_core::crypto::CryptoRng;
use mdoc_core::time::Timestamp;

use super::{AT_ONCE, PAUSE};
use crate::domain::batch::Operation;
use crate::domain::id::BatchId;
use crate::store::{StoreError, Tx};
use crate::usecase::Failure;

/// Whose the batches are.
const PLACE: &str = "birthdays";

/// Those that are due, of profiles that are in use: not those that wait for their wallet already, which gets what is right when it comes, and those that a
/// wallet fetched since the birthday say it already.
pub(crate) const DUE: &str = "SELECT d.serial FROM document d WHERE d.ages_change <= $1 AND d.state = 'active' \
     AND d.valid_until > $1 AND EXISTS (SELECT 1 FROM profile p WHERE p.name = d.profile AND p.enabled = 1) \
     AND NOT EXISTS (SELECT 1 FROM batch b JOIN batch_row r ON r.batch = b.id \
     WHERE b.place = $2 AND (b.created > $3 OR b.state = 'running') AND r.object = d.serial) \
     ORDER BY d.ages_change LIMIT $4";

/// Makes and confirms a batch of the documents that are due; gives it.
///
/// # Errors
/// [`Failure::Store`].
pub(super) fn due(
    tx: &mut Tx<'_>,
    now: Timestamp,
    rng: &mut dyn CryptoRng,
) -> Result<Option<BatchId>, Failure> {
    if found(tx, now)?.is_empty() {
        return Ok(None);
    }
    // Of two nodes one makes the batch, and the other one sees it.
    tx.execute(
        "INSERT INTO setting (name, value) VALUES ('birthdays', '') ON CONFLICT DO NOTHING",
        &[],
    )?;
    tx.rows(
        "SELECT name FROM setting WHERE name = 'birthdays' FOR UPDATE",
        &[],
        |_| Ok(()),
    )?;
    let serials = found(tx, now)?;
    if serials.is_empty() {
        return Ok(None);
    }
    let made = (Operation::Update, PLACE.to_owned(), serials.as_slice());
    super::begin(tx, now, made, rng).map(Some)
}

fn found(tx: &mut Tx<'_>, now: Timestamp) -> Result<Vec<String>, StoreError> {
    let values = [
        now.into(),
        PLACE.into(),
        (now.unix() - PAUSE).into(),
        AT_ONCE.into(),
    ];
    tx.rows(DUE, &values, |row| row.get(0))
}
