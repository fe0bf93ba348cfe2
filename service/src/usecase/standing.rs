//! The status query (E17): what anybody who may ask is told of a document, at once.

use mdoc_core::time::Timestamp;

use super::document;
use crate::domain::id::Serial;
use crate::domain::life::Standing;
use crate::store::{StoreError, Tx};

/// What somebody knows of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Known {
    /// Its serial: the document in any copy.
    Serial(Serial),
    /// An entry of a status list, by the numbers of list and entry: one copy.
    Entry(i64, i64),
    /// An identifier of an identifier list, with the number of the list: one copy.
    Identifier(i64, Vec<u8>),
}

/// How a document stands.
///
/// Of a copy that the wallet has replaced by a newer one it says what verifiers are told of that copy.
///
/// # Errors
/// [`StoreError`]. What nobody has issued is [`Standing::Unknown`].
pub fn standing(tx: &mut Tx<'_>, now: Timestamp, known: &Known) -> Result<Standing, StoreError> {
    let copy = match known {
        Known::Serial(serial) => return of_document(tx, now, serial),
        Known::Entry(list, place) => tx.row(
            "SELECT document, valid_until, status FROM copy WHERE list = $1 AND place = $2",
            &[(*list).into(), (*place).into()],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )?,
        Known::Identifier(list, identifier) => tx.row(
            "SELECT document, valid_until, status FROM copy WHERE list = $1 AND identifier = $2",
            &[(*list).into(), identifier.into()],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )?,
    };
    let found: Option<(Serial, Timestamp, i64)> = copy;
    let Some((serial, end, revoked)) = found else {
        return Ok(Standing::Unknown);
    };
    Ok(match of_document(tx, now, &serial)? {
        Standing::Valid if end < now => Standing::Expired,
        Standing::Valid if revoked != 0 => Standing::Cancelled,
        other => other,
    })
}

fn of_document(tx: &mut Tx<'_>, now: Timestamp, serial: &Serial) -> Result<Standing, StoreError> {
    let document = document::look(tx, serial)?;
    Ok(document.map_or(Standing::Unknown, |document| document.standing(now)))
}
