//! The registry of people (E1).

mod erase;
mod export;
mod groups;

pub use self::erase::{erase, erase_one};
#[cfg(test)]
pub(crate) use self::export::exported_columns;
pub use self::export::{Trail, export, export_one, exported};
pub use self::groups::{Group, add_group, group_at, groups};

use mdoc_core::crypto::CryptoRng;
use mdoc_core::time::Timestamp;
use serde_json::{Map, Value as Json, json};
use sha2::{Digest, Sha256};

use self::groups::group_is_there;
use super::Failure;
use super::audit::{self, Entry};
use super::authority::{self, Actor};
use super::operators;
use crate::domain::Refusal;
use crate::domain::id::PersonId;
use crate::domain::person::{Details, Person, key};
use crate::domain::role::{Scope, Workflow};
use crate::store::{Row, StoreError, Tx, Value};

/// The most bytes of a photograph.
pub const LARGEST_PHOTO: usize = 8 * 1024 * 1024;
/// The member with the number, and the most bytes of one.
const NUMBER: &str = "employee_number";
const LONGEST_NUMBER: usize = 64;

/// Adds a person. Without a number given, the next free one is assigned.
///
/// # Errors
/// [`Refusal::Field`], [`Refusal::Exists`] with the member that is taken, or that of [`authority::permit_into`]; nothing was
/// written then.
pub fn add(
    tx: &mut Tx<'_>,
    actor: &Actor,
    now: Timestamp,
    (details, number): (&Details, Option<&str>),
    rng: &mut dyn CryptoRng,
) -> Result<Person, Failure> {
    authority::permit(tx, actor, Workflow::EditPeople)?;
    details.check()?;
    group_is_there(tx, details.group.as_ref())?;
    // Whoever could add the person sees the person: that is part of the scope. Every rule comes before anything is
    // written: who adds many goes on after a refusal, and what was written stays.
    authority::permit_into(tx, actor, Workflow::EditPeople, details.group.as_ref())?;
    if let Some(given) = number {
        Refusal::check_name(NUMBER, given, LONGEST_NUMBER)?;
    }
    let mut person = Person {
        id: PersonId::random(rng),
        details: details.clone(),
        employee_number: number.unwrap_or_default().to_owned(),
        version: 1,
    };
    let mut tries = 0;
    loop {
        tries += 1;
        is_free(tx, &person)?;
        if number.is_none() {
            person.employee_number = next_number(tx)?;
        }
        if write(tx, now, &person, ADD)? == 1 {
            break;
        }
        if tries == TRIES {
            return Err(StoreError::Contended.into());
        }
        // Another node was quicker: what it wrote is seen now, and a number that it gave by hand is skipped.
        if number.is_none() {
            person.employee_number.clear();
        }
    }
    audit::append(
        tx,
        actor,
        now,
        &Entry::new("person.add", ("person", person.id.as_str())),
    )?;
    Ok(person)
}

/// How often another node may be quicker, one name or number after the other.
const TRIES: u32 = 16;

/// Where another node takes a name, a number or an id at the same time, nothing is written, and the transaction goes on: one
/// that adds many is not spoiled.
const ADD: &str = "INSERT INTO person (id, logon_name, logon_key, employee_number, external_id, given_name, family_name, email, \
         mobile_phone, group_id, user_data_approved, attributes, search_key, version, created, changed) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $15, $14, $14) ON CONFLICT DO NOTHING";

/// Changes a person, if nobody else did since it was read.
///
/// # Errors
/// As for [`add`], and [`Refusal::ChangedMeanwhile`]. [`Refusal::Unknown`] if the operator would not see the person
/// any more.
///
/// What documents are made of is approved as it stands: a change of it takes the approval away, which a further change may
/// give again.
pub fn change(tx: &mut Tx<'_>, actor: &Actor, now: Timestamp, person: &Person) -> Result<Person, Failure> {
    authority::permit_for(tx, actor, Workflow::EditPeople, &person.id)?;
    let details = &person.details;
    details.check()?;
    group_is_there(tx, details.group.as_ref())?;
    Refusal::check_name(NUMBER, &person.employee_number, LONGEST_NUMBER)?;
    hold(tx, &person.id)?;
    let before = read(tx, &person.id)?;
    if before.details.group != details.group
        && actor.person() == Some(&person.id)
        && authority::scope(tx, actor, Workflow::EditPeople)? < Scope::All
    {
        let rule = "whoever sees to a group alone does not change to another one";
        return Err(Refusal::field("group", rule).into());
    }
    if before.version != person.version {
        return Err(Refusal::ChangedMeanwhile.into());
    }
    // By this a provider says who signs in: whoever could write another one there would be two operators.
    if before.details.external_id != details.external_id
        && actor.person().is_some()
        && operators::is_operator(tx, &person.id)?
    {
        return Err(Refusal::OtherOperator.into());
    }
    is_free(tx, person)?;
    let mut person = person.clone();
    let data = |person: &Person| person.details.user_data(&person.employee_number);
    if before.details.user_data_approved && data(&before) != data(&person) {
        person.details.user_data_approved = false;
    }
    let changed_data = i64::from(data(&before) != data(&person));
    let sql = format!(
        "UPDATE person SET logon_name = $2, logon_key = $3, employee_number = $4, external_id = $5, given_name = $6, \
         family_name = $7, email = $8, mobile_phone = $9, group_id = $10, user_data_approved = $11, attributes = $12, \
         search_key = $13, version = version + 1, data_version = data_version + {changed_data}, changed = $14 \
         WHERE id = $1 AND version = $15"
    );
    let written = write(tx, now, &person, &sql).map_err(|why| taken(why, &person))?;
    if written == 0 {
        return Err(Refusal::ChangedMeanwhile.into());
    }
    // Whoever could change the person sees the person afterwards: nobody is put where the operator has no say.
    authority::permit_for(tx, actor, Workflow::EditPeople, &person.id)?;
    // The names of what changed: the values are the person's.
    let changed = changed_members(&before, &person);
    let entry = Entry::new("person.change", ("person", person.id.as_str()));
    audit::append(
        tx,
        actor,
        now,
        &entry.change(Json::Null, json!({ "members": changed })),
    )?;
    Ok(Person {
        version: person.version + 1,
        ..person
    })
}

/// Writes every member, in the order of the table, then the instant and the version that was read.
fn write(tx: &mut Tx<'_>, now: Timestamp, person: &Person, sql: &str) -> Result<u64, StoreError> {
    let details = &person.details;
    let attributes = Json::Object(details.attributes.clone()).to_string();
    tx.execute(
        sql,
        &[
            (&person.id).into(),
            (&details.logon_name).into(),
            (&details.logon_key()).into(),
            (&person.employee_number).into(),
            details.external_id.as_ref().into(),
            (&details.given_name).into(),
            (&details.family_name).into(),
            details.email.as_ref().into(),
            details.mobile_phone.as_ref().into(),
            details.group.as_ref().into(),
            details.user_data_approved.into(),
            (&attributes).into(),
            (&details.search_key(&person.employee_number)).into(),
            now.into(),
            person.version.into(),
        ],
    )
}

/// A person that the actor may see.
///
/// # Errors
/// [`Refusal::Unknown`] if there is none, or none in scope.
pub fn get(tx: &mut Tx<'_>, actor: &Actor, id: &PersonId) -> Result<Person, Failure> {
    authority::permit_for(tx, actor, Workflow::ViewReports, id)?;
    read(tx, id)
}

/// A person, whoever asks.
pub(crate) fn read(tx: &mut Tx<'_>, id: &PersonId) -> Result<Person, Failure> {
    let sql = format!("SELECT {COLUMNS} FROM person WHERE id = $1");
    tx.row(&sql, &[id.into()], of_row)?
        .ok_or_else(|| Refusal::Unknown { what: "person" }.into())
}

/// Which state of what documents are made of a person has: each change of the data or the photograph makes another one.
///
/// # Errors
/// [`Refusal::Unknown`] if there is no such person.
pub(crate) fn data_version(tx: &mut Tx<'_>, id: &PersonId) -> Result<i64, Failure> {
    tx.value("SELECT data_version FROM person WHERE id = $1", &[id.into()])?
        .ok_or_else(|| Refusal::Unknown { what: "person" }.into())
}

/// Has the row of a person stay as it is until the transaction ends. Everybody takes it after that of a document, and before
/// the audit trail: whatever is written that refers to the person takes it too. Who waited while the person was erased writes
/// nothing.
///
/// # Errors
/// [`Refusal::Unknown`] if there is no such person, or one who was erased.
pub(crate) fn hold(tx: &mut Tx<'_>, id: &PersonId) -> Result<(), Failure> {
    let held: Option<i64> = tx.value(
        "SELECT version FROM person WHERE id = $1 AND erased IS NULL FOR UPDATE",
        &[id.into()],
    )?;
    held.map(drop)
        .ok_or_else(|| Refusal::Unknown { what: "person" }.into())
}

/// The person with a logon name.
///
/// # Errors
/// [`Refusal::Unknown`] if there is none.
pub fn by_logon(tx: &mut Tx<'_>, logon_name: &str) -> Result<Person, Failure> {
    let sql = format!("SELECT {COLUMNS} FROM person WHERE logon_key = $1");
    tx.row(&sql, &[(&key(logon_name)).into()], of_row)?
        .ok_or_else(|| Refusal::Unknown { what: "person" }.into())
}

/// What is looked for.
#[derive(Debug, Clone, Default)]
pub struct Search {
    /// Part of a name, number or address; everybody if empty.
    pub text: String,
    /// Whose names come after this person's, for the next page.
    pub after: Option<PersonId>,
    /// The most that is wanted, up to 500.
    pub limit: u32,
}

/// People in scope, by family name, given name and id.
///
/// # Errors
/// [`Refusal::NotGranted`].
pub fn search(tx: &mut Tx<'_>, actor: &Actor, search: &Search) -> Result<Vec<Person>, Failure> {
    let scope = authority::scope(tx, actor, Workflow::ViewReports)?;
    let pattern = format!("%{}%", escaped(&key(&search.text)));
    let after = match &search.after {
        Some(id) => {
            authority::permit_for(tx, actor, Workflow::ViewReports, id)?;
            Some(read(tx, id)?)
        }
        None => None,
    };
    let (family, given, id) = after.as_ref().map_or(("", "", ""), |person| {
        let details = &person.details;
        (
            details.family_name.as_str(),
            details.given_name.as_str(),
            person.id.as_str(),
        )
    });
    let sql = format!(
        "{} SELECT {COLUMNS} FROM person p WHERE p.search_key LIKE $1 ESCAPE '!' AND {} \
         AND (p.family_name > $2 OR p.family_name = $2 AND (p.given_name > $3 OR p.given_name = $3 AND p.id > $6)) \
         ORDER BY p.family_name, p.given_name, p.id LIMIT $7",
        authority::BELOW,
        authority::IS_COVERED,
    );
    let operator = actor.person().map_or("", PersonId::as_str);
    let values: [Value<'_>; 7] = [
        (&pattern).into(),
        family.into(),
        given.into(),
        operator.into(),
        authority::width(scope).into(),
        id.into(),
        i64::from(search.limit.clamp(1, 500)).into(),
    ];
    Ok(tx.rows(&sql, &values, of_row)?)
}

/// Sets or replaces the photograph, as it is to be in documents. Another one is not what was approved of the person.
///
/// # Errors
/// [`Refusal::Field`] if it is too large, [`Refusal::Unknown`] for who was erased, or that of [`authority::permit_for`].
pub fn set_photo(
    tx: &mut Tx<'_>,
    actor: &Actor,
    now: Timestamp,
    id: &PersonId,
    (media_type, picture): (&str, &[u8]),
) -> Result<(), Failure> {
    authority::permit_for(tx, actor, Workflow::EditPeople, id)?;
    if picture.len() > LARGEST_PHOTO {
        return Err(Refusal::field("photo", "it has more than 8 MiB").into());
    }
    let digest: [u8; 32] = Sha256::digest(picture).into();
    hold(tx, id)?;
    let approved = read(tx, id)?.details.user_data_approved;
    let kept: Option<Vec<u8>> = tx.value("SELECT digest FROM photo WHERE person = $1", &[id.into()])?;
    let same = kept.as_deref() == Some(digest.as_slice());
    tx.execute(
        "INSERT INTO photo (person, media_type, digest, picture) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (person) DO UPDATE SET media_type = $2, digest = $3, picture = $4",
        &[id.into(), media_type.into(), (&digest).into(), picture.into()],
    )?;
    tx.execute(
        "UPDATE person SET version = version + 1, changed = $2, \
         data_version = data_version + CASE WHEN $3 = 1 THEN 0 ELSE 1 END, \
         user_data_approved = CASE WHEN $3 = 1 THEN user_data_approved ELSE 0 END WHERE id = $1",
        &[id.into(), now.into(), same.into()],
    )?;
    let entry = Entry::new("person.photo", ("person", id.as_str()));
    let withdrawn = approved && !same;
    let after = if withdrawn {
        json!({ "user_data_approved": false })
    } else {
        Json::Null
    };
    audit::append(tx, actor, now, &entry.change(Json::Null, after))?;
    Ok(())
}

/// The photograph, if there is one.
///
/// # Errors
/// [`StoreError`].
pub fn photo(tx: &mut Tx<'_>, id: &PersonId) -> Result<Option<Vec<u8>>, StoreError> {
    tx.value("SELECT picture FROM photo WHERE person = $1", &[id.into()])
}

const COLUMNS: &str = "id, logon_name, employee_number, external_id, given_name, family_name, email, mobile_phone, \
                       group_id, user_data_approved, attributes, version";

fn of_row(row: &Row<'_>) -> Result<Person, StoreError> {
    let attributes: Map<String, Json> = serde_json::from_str(&row.get::<String>(10)?)
        .map_err(|why| StoreError::Unexpected(format!("attributes of a person: {why}")))?;
    Ok(Person {
        id: row.get(0)?,
        employee_number: row.get(2)?,
        version: row.get(11)?,
        details: Details {
            logon_name: row.get(1)?,
            external_id: row.get(3)?,
            given_name: row.get(4)?,
            family_name: row.get(5)?,
            email: row.get(6)?,
            mobile_phone: row.get(7)?,
            group: row.get(8)?,
            user_data_approved: row.get(9)?,
            attributes,
        },
    })
}

/// The unique indices hold all the same if two nodes ask at once; this gives the member its name.
fn is_free(tx: &mut Tx<'_>, person: &Person) -> Result<(), Failure> {
    let logon_key = person.details.logon_key();
    let mut taken = |sql: &str, value: Value<'_>| -> Result<bool, StoreError> {
        let found: Option<i64> = tx.value(sql, &[value, (&person.id).into()])?;
        Ok(found.is_some())
    };
    if taken(
        "SELECT 1 FROM person WHERE logon_key = $1 AND id <> $2",
        (&logon_key).into(),
    )? {
        return Err(exists("person", "logon name", &person.details.logon_name));
    }
    let number = &person.employee_number;
    if taken(
        "SELECT 1 FROM person WHERE employee_number = $1 AND id <> $2",
        number.into(),
    )? {
        return Err(exists("person", "employee number", number));
    }
    if let Some(external) = &person.details.external_id
        && taken(
            "SELECT 1 FROM person WHERE external_id = $1 AND id <> $2",
            external.into(),
        )?
    {
        return Err(exists("person", "external id", external));
    }
    Ok(())
}

/// Two nodes asked at once: the unique index says of which member.
fn taken(error: StoreError, person: &Person) -> Failure {
    let StoreError::Taken { constraint } = &error else {
        return error.into();
    };
    let details = &person.details;
    let of = |column: &str| constraint.contains(column);
    if of("logon_key") {
        exists("person", "logon name", &details.logon_name)
    } else if of("employee_number") {
        exists("person", "employee number", &person.employee_number)
    } else if of("external_id") {
        exists(
            "person",
            "external id",
            details.external_id.as_deref().unwrap_or_default(),
        )
    } else {
        error.into()
    }
}

fn exists(what: &'static str, field: &'static str, name: &str) -> Failure {
    let name = name.to_owned();
    Refusal::Exists { what, field, name }.into()
}

/// Numbers are counted in a row of their own, and one that somebody gave by hand is skipped.
fn next_number(tx: &mut Tx<'_>) -> Result<String, StoreError> {
    tx.execute(
        "INSERT INTO setting (name, value) VALUES ('employee-number', '100000') ON CONFLICT DO NOTHING",
        &[],
    )?;
    let last: Option<String> = tx.value(
        "SELECT value FROM setting WHERE name = 'employee-number' FOR UPDATE",
        &[],
    )?;
    let mut number: i64 = last.and_then(|text| text.parse().ok()).unwrap_or(100_000);
    loop {
        number += 1;
        let text = number.to_string();
        let taken: Option<i64> = tx.value(
            "SELECT 1 FROM person WHERE employee_number = $1",
            &[(&text).into()],
        )?;
        if taken.is_none() {
            tx.execute(
                "UPDATE setting SET value = $1 WHERE name = 'employee-number'",
                &[(&text).into()],
            )?;
            return Ok(text);
        }
    }
}

fn changed_members(before: &Person, after: &Person) -> Vec<&'static str> {
    let (b, a) = (&before.details, &after.details);
    [
        ("logon_name", b.logon_name != a.logon_name),
        ("employee_number", before.employee_number != after.employee_number),
        ("external_id", b.external_id != a.external_id),
        ("given_name", b.given_name != a.given_name),
        ("family_name", b.family_name != a.family_name),
        ("email", b.email != a.email),
        ("mobile_phone", b.mobile_phone != a.mobile_phone),
        ("group", b.group != a.group),
        ("user_data_approved", b.user_data_approved != a.user_data_approved),
        ("attributes", b.attributes != a.attributes),
    ]
    .into_iter()
    .filter_map(|(name, changed)| changed.then_some(name))
    .collect()
}

/// What stands for itself in a pattern of `LIKE`.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        if matches!(character, '%' | '_' | '!') {
            out.push('!');
        }
        out.push(character);
    }
    out
}
