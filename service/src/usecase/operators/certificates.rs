//! Certificates of operators: each belongs to one, by its fingerprint. That it is of an authority that is trusted, and that
//! whoever has it has its key, TLS made sure of.

use mdoc_core::crypto::CryptoRng;
use mdoc_core::time::Timestamp;
use serde_json::{Value as Json, json};

use super::super::audit::{self, Entry};
use super::super::authority::{self, Actor};
use super::super::{Failure, people};
use super::session::{Begun, begin, refused};
use super::{Judged, Patience, make, permit};
use crate::domain::Refusal;
use crate::domain::id::PersonId;
use crate::domain::operator::Method;
use crate::domain::role::Workflow;
use crate::secrets::Secrets;
use crate::store::Tx;

/// A certificate: SHA-256 of its DER, whom it names, and until when it is good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presented {
    /// SHA-256 of its DER.
    pub fingerprint: [u8; 32],
    /// Whom it names.
    pub subject: String,
    /// Since when it is good.
    pub from: Timestamp,
    /// Until when.
    pub until: Timestamp,
}

/// Gives an operator a certificate to sign in by.
///
/// # Errors
/// [`Refusal::OtherOperator`], [`Refusal::NotGranted`], [`Refusal::Unknown`]; [`Refusal::Exists`] if it is somebody's already.
pub fn add_certificate(
    tx: &mut Tx<'_>,
    actor: &Actor,
    now: Timestamp,
    (person, certificate): (&PersonId, &Presented),
) -> Result<(), Failure> {
    permit(tx, actor, person)?;
    authority::permit_for(tx, actor, Workflow::EditRoles, person)?;
    people::hold(tx, person)?;
    make(tx, person)?;
    let added = tx.execute(
        "INSERT INTO operator_certificate (fingerprint, person, name, expires, added) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (fingerprint) DO NOTHING",
        &[
            (&certificate.fingerprint).into(),
            person.into(),
            (&certificate.subject).into(),
            certificate.until.into(),
            now.into(),
        ],
    )?;
    let hex = hex(&certificate.fingerprint);
    if added == 0 {
        let (what, field) = ("certificate", "fingerprint");
        return Err(Refusal::Exists {
            what,
            field,
            name: hex,
        }
        .into());
    }
    let entry = Entry::new("operator.add-certificate", ("person", person.as_str()));
    let after = json!({ "fingerprint": hex });
    Ok(audit::append(tx, actor, now, &entry.change(Json::Null, after))?)
}

/// Takes a certificate away from whoever has it; sessions that were begun with a certificate of that person are over.
///
/// # Errors
/// [`Refusal::Unknown`], [`Refusal::NotGranted`].
pub fn remove_certificate(
    tx: &mut Tx<'_>,
    actor: &Actor,
    now: Timestamp,
    fingerprint: &[u8; 32],
) -> Result<(), Failure> {
    let unknown = Refusal::Unknown { what: "certificate" };
    authority::permit(tx, actor, Workflow::EditRoles)?;
    let person: Option<PersonId> = tx.value(
        "SELECT person FROM operator_certificate WHERE fingerprint = $1",
        &[fingerprint.into()],
    )?;
    let person = person.ok_or_else(|| unknown.clone())?;
    authority::permit_for(tx, actor, Workflow::EditRoles, &person)?;
    tx.execute(
        "DELETE FROM operator_certificate WHERE fingerprint = $1",
        &[fingerprint.into()],
    )?;
    tx.execute(
        "DELETE FROM operator_session WHERE person = $1 AND method = $2",
        &[(&person).into(), Method::Certificate.name().into()],
    )?;
    let entry = Entry::new("operator.remove-certificate", ("person", person.as_str()));
    let before = json!({ "fingerprint": hex(fingerprint) });
    Ok(audit::append(tx, actor, now, &entry.change(before, Json::Null))?)
}

/// Signs in whoever made the connection with a certificate.
///
/// # Errors
/// [`Failure::Store`]; [`Refusal::OperatorRefused`] is kept.
pub fn sign_in_by_certificate(
    tx: &mut Tx<'_>,
    now: Timestamp,
    (certificate, from): (&Presented, &str),
    (secrets, patience, rng): (&Secrets, Patience, &mut dyn CryptoRng),
) -> Result<Judged<Begun>, Failure> {
    let person: Option<PersonId> = tx.value(
        "SELECT person FROM operator_certificate WHERE fingerprint = $1",
        &[(&certificate.fingerprint).into()],
    )?;
    let Some(person) = person else {
        return Ok(Err(Refusal::OperatorRefused));
    };
    let method = Method::Certificate;
    if !(certificate.from <= now && now <= certificate.until) {
        let actor = Actor::outsider(from.to_owned());
        refused(tx, &actor, now, (&person, method, "certificate.time"))?;
        return Ok(Err(Refusal::OperatorRefused));
    }
    begin(tx, now, (&person, method, from), (secrets, patience, rng))
}

fn hex(bytes: &[u8]) -> String {
    base16ct::lower::encode_string(bytes)
}
