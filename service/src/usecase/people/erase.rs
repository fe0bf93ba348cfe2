//! Erasing a person: what stays says what was done when, and by whom, and nothing of who that was.

use mdoc_core::time::Timestamp;
use serde_json::{Value as Json, json};

use super::{by_logon, read};
use crate::domain::Refusal;
use crate::domain::id::{ClientId, PersonId, Serial};
use crate::domain::life::State;
use crate::domain::person::key;
use crate::domain::role::Workflow;
use crate::store::{StoreError, Tx};
use crate::usecase::audit::{self, Entry};
use crate::usecase::authority::{self, Actor};
use crate::usecase::{Failure, operators};

/// Everything that hangs on documents of a person (`$1`) and is for their wallet alone: none of them is open.
const OF_WALLETS: [&str; 5] = [
    "DELETE FROM authorization_request WHERE offer IN \
     (SELECT o.id FROM offer o JOIN document d ON d.serial = o.document WHERE d.person = $1)",
    "DELETE FROM offer WHERE document IN (SELECT serial FROM document WHERE person = $1)",
    "DELETE FROM session WHERE document IN (SELECT serial FROM document WHERE person = $1)",
    "DELETE FROM refresh_token WHERE document IN (SELECT serial FROM document WHERE person = $1)",
    "DELETE FROM deferred WHERE document IN (SELECT serial FROM document WHERE person = $1)",
];

/// What was said of a person (`$1`), or of what is the person's.
const SAID: [&str; 4] = [
    "DELETE FROM photo WHERE person = $1",
    "UPDATE device SET binding = NULL, instance_key = NULL, app = NULL, platform = NULL, manufacturer = NULL, \
     model = NULL, os_version = NULL, app_version = NULL, key_security = NULL, status = 'disabled' WHERE owner = $1",
    "UPDATE document_move SET notes = NULL WHERE notes IS NOT NULL \
     AND document IN (SELECT serial FROM document WHERE person = $1)",
    // Where the person began one: an address, or an account of the machine.
    "UPDATE batch SET place = '' WHERE person = $1",
];

/// Erases a person whose logon name was given twice, for good. No document of the person is open: they are cancelled before,
/// so that what verifiers are told does not change by this. Documents stay, as do their ends and their entries in status
/// lists, moves and reasons, and the audit trail, which names nobody but by an id.
///
/// # Errors
/// [`Refusal::NotGranted`]; [`Refusal::Unknown`] if there is no such person, or none in scope; [`Refusal::Field`] if the names differ;
/// [`Refusal::OpenDocuments`].
pub fn erase(
    tx: &mut Tx<'_>,
    actor: &Actor,
    now: Timestamp,
    (logon_name, confirmed): (&str, &str),
) -> Result<PersonId, Failure> {
    authority::permit(tx, actor, Workflow::EditPeople)?;
    let id = by_logon(tx, logon_name)?.id;
    erase_one(tx, actor, now, (&id, confirmed))?;
    Ok(id)
}

/// The same of a person who is named by the id, and whose logon name is given once.
///
/// # Errors
/// As for [`erase`].
pub fn erase_one(
    tx: &mut Tx<'_>,
    actor: &Actor,
    now: Timestamp,
    (id, confirmed): (&PersonId, &str),
) -> Result<(), Failure> {
    authority::permit_for(tx, actor, Workflow::EditPeople, id)?;
    let logon_name = read(tx, id)?.details.logon_name;
    if has_powers(tx, id)? || operators::has_account(tx, id)? {
        // Their end is the end of what somebody else gave.
        authority::permit_for(tx, actor, Workflow::EditRoles, id)?;
    }
    if key(confirmed) != key(&logon_name) {
        return Err(Refusal::field("confirm", "it is not the logon name of the person").into());
    }
    let documents = "SELECT serial, state FROM document WHERE person = $1 ORDER BY serial";
    tx.rows(&format!("{documents} FOR UPDATE"), &[id.into()], |_| Ok(()))?;
    super::hold(tx, id)?;
    // Who requested a document had the row of the person first.
    let documents = tx.rows(documents, &[id.into()], |row| {
        Ok((row.get::<Serial>(0)?, row.get::<String>(1)?))
    })?;
    let open = documents
        .iter()
        .filter(|(_, state)| State::named(state).is_none_or(State::is_open));
    let open = open.count();
    if open > 0 {
        return Err(Refusal::OpenDocuments { open }.into());
    }
    for sql in OF_WALLETS.iter().chain(&SAID) {
        tx.execute(sql, &[id.into()])?;
    }
    // What a node hands over at this moment goes out; nothing is kept of it.
    tx.execute(
        "UPDATE message SET sealed = NULL, why = NULL, node = NULL, lease = NULL, changed = $2, \
         state = CASE WHEN state = 'sent' THEN state ELSE 'withdrawn' END WHERE person = $1",
        &[id.into(), now.into()],
    )?;
    let names = documents.iter().map(|(serial, _)| serial.as_str());
    for name in names.chain([id.as_str()]) {
        forget_words(tx, name)?;
    }
    // Before the trail, as whoever signs in does it.
    operators::erase(tx, id)?;
    end_powers(tx, actor, now, id)?;
    let erased = format!("erased-{id}");
    tx.execute(
        "UPDATE person SET logon_name = $2, logon_key = $3, employee_number = $2, external_id = NULL, given_name = '', \
         family_name = '', email = NULL, mobile_phone = NULL, group_id = NULL, user_data_approved = 0, attributes = '{}', \
         search_key = '', version = version + 1, data_version = data_version + 1, changed = $4, erased = $4 WHERE id = $1",
        &[id.into(), (&erased).into(), (&key(&erased)).into(), now.into()],
    )?;
    let entry = Entry::new("person.erase", ("person", id.as_str()));
    let after = json!({ "documents": documents.len() });
    audit::append(tx, actor, now, &entry.change(Json::Null, after))?;
    Ok(())
}

/// What batches say in words where they name a person or a document. Rows are found by their batch, of which there are few.
fn forget_words(tx: &mut Tx<'_>, object: &str) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE batch_row SET message = NULL WHERE batch IN (SELECT id FROM batch) AND object = $1 \
         AND message IS NOT NULL",
        &[object.into()],
    )?;
    tx.execute(
        "UPDATE batch SET notes = NULL WHERE notes IS NOT NULL \
         AND EXISTS (SELECT 1 FROM batch_row r WHERE r.batch = batch.id AND r.object = $1)",
        &[object.into()],
    )?;
    Ok(())
}

/// Whether the person has a role, or a machine acts in the person's name.
fn has_powers(tx: &mut Tx<'_>, id: &PersonId) -> Result<bool, StoreError> {
    let found: Option<i64> = tx.value(
        "SELECT 1 FROM person p WHERE p.id = $1 AND (EXISTS (SELECT 1 FROM person_role r WHERE r.person = p.id) \
         OR EXISTS (SELECT 1 FROM client c WHERE c.operator = p.id AND c.enabled = 1))",
        &[id.into()],
    )?;
    Ok(found.is_some())
}

/// The person may do nothing any more, and no machine does it in the person's name.
fn end_powers(tx: &mut Tx<'_>, actor: &Actor, now: Timestamp, id: &PersonId) -> Result<(), StoreError> {
    let roles = tx.rows(
        "SELECT role FROM person_role WHERE person = $1 ORDER BY role",
        &[id.into()],
        |row| row.get::<String>(0),
    )?;
    tx.execute("DELETE FROM person_role WHERE person = $1", &[id.into()])?;
    for role in roles {
        let entry = Entry::new("role.withdraw", ("person", id.as_str()));
        audit::append(tx, actor, now, &entry.change(json!({ "role": role }), Json::Null))?;
    }
    let clients = tx.rows(
        "SELECT id FROM client WHERE operator = $1 AND enabled = 1 ORDER BY id",
        &[id.into()],
        |row| row.get::<ClientId>(0),
    )?;
    tx.execute(
        "DELETE FROM client_token WHERE client IN (SELECT id FROM client WHERE operator = $1)",
        &[id.into()],
    )?;
    tx.execute(
        "UPDATE client SET enabled = 0, secret = $2 WHERE operator = $1",
        &[id.into(), b"".as_slice().into()],
    )?;
    for client in clients {
        let entry = Entry::new("client.disable", ("client", client.as_str()));
        audit::append(tx, actor, now, &entry)?;
    }
    Ok(())
}
