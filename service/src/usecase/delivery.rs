//! What wallets tell of what they were given.

use mdoc_core::time::Timestamp;
use serde_json::json;

use super::Failure;
use super::audit::{self, Entry};
use super::authority::Actor;
use crate::domain::id::Serial;
use crate::secrets::Purpose;
use crate::store::Tx;
use crate::terms::Terms;

/// Notes how a delivery went; false if there was none of that name for the document. What was said before is said once.
///
/// # Errors
/// [`Failure::Store`].
pub fn note(
    tx: &mut Tx<'_>,
    actor: &Actor,
    now: Timestamp,
    (id, serial, event, terms): (&[u8], &Serial, &str, &Terms),
) -> Result<bool, Failure> {
    let id = terms.secrets.digest(Purpose::Transaction, &[id]);
    let before = tx.row(
        "SELECT event, generation FROM delivery WHERE notification_id = $1 AND document = $2 FOR UPDATE",
        &[(&id).into(), serial.into()],
        |row| Ok((row.get::<Option<String>>(0)?, row.get::<i64>(1)?)),
    )?;
    let Some((before, generation)) = before else {
        return Ok(false);
    };
    if before.as_deref() == Some(event) {
        return Ok(true);
    }
    tx.execute(
        "UPDATE delivery SET event = $2 WHERE notification_id = $1",
        &[(&id).into(), event.into()],
    )?;
    let entry = Entry::new("document.delivery", ("document", serial.as_str()));
    let after = json!({ "event": event, "generation": generation });
    audit::append(tx, actor, now, &entry.change(json!({ "event": before }), after))?;
    Ok(true)
}
