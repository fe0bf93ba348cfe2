//! What the lists say of each signed copy of a document: which entry it has, and how that follows the document's life.

use mdoc_core::crypto::CryptoRng;
use mdoc_core::time::Timestamp;

use crate::domain::id::Serial;
use crate::domain::life::Standing;
use crate::domain::profile::StatusKind;
use crate::store::{StoreError, Tx};
use crate::terms::Terms;
use crate::usecase::document::Document;

/// The entry of a copy, as a status list has it.
const VALID: i64 = 0;
const REVOKED: i64 = 1;
const SUSPENDED: i64 = 2;

/// What a list is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Shape {
    /// Bits or identifiers.
    pub kind: StatusKind,
    /// Bits an entry: 1 where revoked is all there is, 2 where suspended is something else.
    pub bits: u8,
}

impl Shape {
    /// The list for copies of a document of that kind.
    #[must_use]
    pub const fn of(kind: StatusKind, suspends: bool) -> Self {
        let bits = match kind {
            StatusKind::StatusList if suspends => 2,
            StatusKind::StatusList | StatusKind::IdentifierList => 1,
        };
        Self { kind, bits }
    }

    const fn name(self) -> &'static str {
        match self.kind {
            StatusKind::StatusList => "status",
            StatusKind::IdentifierList => "identifier",
        }
    }
}

/// An entry that nobody has yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The list, by its number.
    pub list: i64,
    /// The entry.
    pub index: i64,
}

/// The smallest list that may be set: while it is open, there is room for the copies of a document, and a free entry is
/// found soon.
pub const SMALLEST_LIST: i64 = 128;
/// How many identifiers a list gives out. Were all of them revoked, it would have some two megabytes; verifiers refuse what
/// has more than four ([`mdoc_core::status::LIMITS`]).
pub(crate) const MOST_IDENTIFIERS: i64 = 100_000;
/// How often an entry is drawn for a copy, at most; each second one is free, so that this is never reached.
const DRAWS: usize = 1000;

/// Whether a list has room for so many copies: even the last of them finds a free entry soon.
const HAS_ROOM: &str = "size - taken >= 2 * CAST($3 AS BIGINT)";

/// Finds entries for new copies: random ones, of the list that is being filled. That nobody takes them meanwhile is made
/// sure of when they are recorded.
///
/// # Errors
/// [`StoreError`]. None if no list has room for them: [`open_list`] makes one.
pub fn choose(
    tx: &mut Tx<'_>,
    shape: Shape,
    count: usize,
    rng: &mut dyn CryptoRng,
) -> Result<Option<Vec<Place>>, StoreError> {
    let sql = format!(
        "SELECT id, size FROM status_list WHERE kind = $1 AND bits = $2 AND closed = 0 AND {HAS_ROOM} \
         ORDER BY id LIMIT 1"
    );
    let wanted = [
        shape.name().into(),
        i64::from(shape.bits).into(),
        number(count).into(),
    ];
    let found = tx.row(&sql, &wanted, |row| Ok((row.get::<i64>(0)?, row.get::<i64>(1)?)))?;
    let Some((list, size)) = found else {
        return Ok(None);
    };
    let mut places: Vec<Place> = Vec::with_capacity(count);
    for _draw in 0..count.saturating_mul(DRAWS) {
        if places.len() == count {
            break;
        }
        let place = Place {
            list,
            index: below(size, rng),
        };
        let taken: Option<i64> = tx.value(
            "SELECT 1 FROM copy WHERE list = $1 AND place = $2",
            &[list.into(), place.index.into()],
        )?;
        if taken.is_none() && !places.contains(&place) {
            places.push(place);
        }
    }
    if places.len() < count {
        let what = format!("status list {list} has fewer free entries than it counts");
        return Err(StoreError::Unexpected(what));
    }
    Ok(Some(places))
}

/// Makes a list to be filled, unless there is one with room for so many copies. One that has not so much is closed.
///
/// # Errors
/// [`StoreError`].
pub fn open_list(tx: &mut Tx<'_>, shape: Shape, count: usize, terms: &Terms) -> Result<(), StoreError> {
    let wanted = [
        shape.name().into(),
        i64::from(shape.bits).into(),
        number(count).into(),
    ];
    // Two nodes that find none make one: the number is the next one, which can be there once.
    let last: Option<i64> = tx.value("SELECT COALESCE(MAX(id), 0) FROM status_list", &[])?;
    tx.execute(
        &format!(
            "UPDATE status_list SET closed = 1 WHERE kind = $1 AND bits = $2 AND closed = 0 AND NOT {HAS_ROOM}"
        ),
        &wanted,
    )?;
    let open: Option<i64> = tx.value(
        "SELECT id FROM status_list WHERE kind = $1 AND bits = $2 AND closed = 0",
        wanted.get(..2).unwrap_or_default(),
    )?;
    if open.is_some() {
        return Ok(());
    }
    let size = match shape.kind {
        // A setting from before there was a smallest one.
        StatusKind::StatusList => terms.list_size.max(SMALLEST_LIST),
        // What follows is drawn from so many that nobody meets another one.
        StatusKind::IdentifierList => i64::MAX,
    };
    tx.execute(
        "INSERT INTO status_list (id, kind, bits, size, taken, changes, closed) VALUES ($1, $2, $3, $4, 0, 0, 0) \
         ON CONFLICT DO NOTHING",
        &[
            (last.unwrap_or_default() + 1).into(),
            shape.name().into(),
            i64::from(shape.bits).into(),
            size.into(),
        ],
    )?;
    Ok(())
}

fn number(count: usize) -> i64 {
    // Half of it at most: it is doubled.
    i64::try_from(count).unwrap_or(i64::MAX).min(i64::MAX / 2)
}

/// Notes that entries were taken. A list of bits is closed when half of it is: until then, a random entry is free every other
/// time. A list of identifiers is closed when it gave out as many as it may. One that is closed stays so.
///
/// # Errors
/// [`StoreError`].
pub fn taken(tx: &mut Tx<'_>, list: i64, count: usize) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE status_list SET taken = taken + $2, closed = CASE \
         WHEN kind = 'identifier' AND taken + $2 >= $3 THEN 1 \
         WHEN taken + $2 > size / 2 THEN 1 ELSE closed END WHERE id = $1",
        &[list.into(), number(count).into(), MOST_IDENTIFIERS.into()],
    )?;
    Ok(())
}

// The copies of a document are found by the document, and not by their list, which has a million of others: the plus signs
// keep databases from that.
pub(crate) const LISTS: &str = "SELECT DISTINCT c.list, l.bits FROM copy c JOIN status_list l ON l.id = c.list \
                                WHERE c.document = $1 AND c.valid_until >= $2";
pub(crate) const AFFECTED: &str = "SELECT 1 FROM copy WHERE document = $1 AND +list = $2 AND +status IN ($3, $4) \
                                   AND valid_until >= $5 LIMIT 1";
pub(crate) const FOLLOW: &str = "UPDATE copy SET status = $5, changed = (SELECT changes FROM status_list WHERE id = $2) \
                                 WHERE document = $1 AND +list = $2 AND +status IN ($3, $4) AND valid_until >= $6";

/// Lets the copies of a document say what its state means for them: in a list with two bits an entry, disabling suspends,
/// in others it revokes. A revoked copy stays revoked; an enabled document is fetched anew where disabling revoked it.
///
/// Each list counts its changes, and each entry says with which of them it changed: the count is taken under the lock of
/// the list's row, so that who has followed a list to a number has missed nothing up to it, whatever clocks say.
///
/// # Errors
/// [`StoreError`].
pub fn follow(tx: &mut Tx<'_>, now: Timestamp, document: &Document) -> Result<(), StoreError> {
    let standing = document.standing(now);
    let mut lists = tx.rows(LISTS, &[(&document.serial).into(), now.into()], |row| {
        Ok((row.get::<i64>(0)?, row.get::<i64>(1)?))
    })?;
    lists.sort_unstable();
    for (list, bits) in lists {
        let (before, after) = match standing {
            Standing::Cancelled => ([VALID, SUSPENDED], REVOKED),
            Standing::Disabled if bits >= 2 => ([VALID, VALID], SUSPENDED),
            Standing::Disabled => ([VALID, SUSPENDED], REVOKED),
            Standing::Valid => ([SUSPENDED, SUSPENDED], VALID),
            Standing::Expired | Standing::Unknown => return Ok(()),
        };
        let affected: Option<i64> = tx.value(
            AFFECTED,
            &[
                (&document.serial).into(),
                list.into(),
                before[0].into(),
                before[1].into(),
                now.into(),
            ],
        )?;
        if affected.is_none() {
            continue;
        }
        tx.execute(
            "UPDATE status_list SET changes = changes + 1 WHERE id = $1",
            &[list.into()],
        )?;
        tx.execute(
            FOLLOW,
            &[
                (&document.serial).into(),
                list.into(),
                before[0].into(),
                before[1].into(),
                after.into(),
                now.into(),
            ],
        )?;
    }
    Ok(())
}

/// Revokes the copies of a document that were given out before an instant. Changes are counted as [`follow`] does.
///
/// # Errors
/// [`StoreError`].
pub fn revoke_before(
    tx: &mut Tx<'_>,
    now: Timestamp,
    (serial, before): (&Serial, Timestamp),
) -> Result<(), StoreError> {
    revoke(tx, now, (serial, "issued", before.unix()))
}

/// Revokes the copies of a document that were given out with earlier generations of it than that one.
///
/// # Errors
/// [`StoreError`].
pub fn revoke_older(
    tx: &mut Tx<'_>,
    now: Timestamp,
    (serial, generation): (&Serial, i64),
) -> Result<(), StoreError> {
    revoke(tx, now, (serial, "generation", generation))
}

/// Revokes the copies of which a column is less than that.
fn revoke(
    tx: &mut Tx<'_>,
    now: Timestamp,
    (serial, column, bound): (&Serial, &'static str, i64),
) -> Result<(), StoreError> {
    let sql = format!(
        "SELECT DISTINCT list FROM copy WHERE document = $1 AND {column} < $2 AND status <> $3 AND valid_until >= $4"
    );
    let mut lists = tx.rows(
        &sql,
        &[serial.into(), bound.into(), REVOKED.into(), now.into()],
        |row| row.get::<i64>(0),
    )?;
    lists.sort_unstable();
    let sql = format!(
        "UPDATE copy SET status = $4, changed = (SELECT changes FROM status_list WHERE id = $2) \
         WHERE document = $1 AND +list = $2 AND {column} < $3 AND status <> $4 AND valid_until >= $5"
    );
    for list in lists {
        tx.execute(
            "UPDATE status_list SET changes = changes + 1 WHERE id = $1",
            &[list.into()],
        )?;
        tx.execute(
            &sql,
            &[
                serial.into(),
                list.into(),
                bound.into(),
                REVOKED.into(),
                now.into(),
            ],
        )?;
    }
    Ok(())
}

/// Any whole number below a limit, with the same likelihood.
fn below(limit: i64, rng: &mut dyn CryptoRng) -> i64 {
    let limit = u64::try_from(limit).unwrap_or(1).max(1);
    let fair = u64::MAX - u64::MAX % limit;
    loop {
        let number = rng.next_u64();
        if number < fair {
            return i64::try_from(number % limit).unwrap_or_default();
        }
    }
}
