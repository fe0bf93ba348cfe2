//! Approving and rejecting what another operator requested (E7): four eyes, whatever sessions and machines they use.

use mdoc_core::time::Timestamp;

use super::authority::{self, Actor};
use super::change::end_but_tell;
use super::document::{self, Document, Why};
use super::{Failure, people, profiles};
use crate::domain::Refusal;
use crate::domain::id::Serial;
use crate::domain::life::{Move, State};
use crate::domain::role::Workflow;
use crate::store::Tx;

/// Approves a request, or rejects it with a reason. Nothing leads to what was rejected any more; a wallet that waits for it is
/// told. What was approved is for the person's data as they are then: if those were changed since, and nobody has the document
/// yet, it is approved again.
///
/// # Errors
/// [`Refusal::OwnRequest`], [`Refusal::OwnDocument`], [`Refusal::ValidateRole`], [`Refusal::IllegalMove`], and those of the
/// reason.
pub fn validate(
    tx: &mut Tx<'_>,
    actor: &Actor,
    now: Timestamp,
    (serial, approved): (&Serial, bool),
    why: Why<'_>,
) -> Result<Document, Failure> {
    let mut document = document::for_workflow(tx, actor, Workflow::ValidateRequest, serial)?;
    // Whoever is no person, as the service itself, is no second pair of eyes.
    let Some(operator) = actor.person() else {
        return Err(Refusal::OwnRequest.into());
    };
    if document.requested_by.as_ref() == Some(operator) {
        return Err(Refusal::OwnRequest.into());
    }
    if document.person == *operator {
        return Err(Refusal::OwnDocument.into());
    }
    let (name, version) = &document.profile;
    let settings = profiles::version(tx, name, *version)?.settings;
    if !authority::has_one_of(tx, Some(operator), &settings.roles.validate)? {
        return Err(Refusal::ValidateRole.into());
    }
    let made = if approved { Move::Approve } else { Move::Reject };
    let data = people::data_version(tx, &document.person)?;
    let state = document.state;
    if state != State::AwaitingValidation
        && (!settings.validate_issuance || document.approved_data == Some(data))
    {
        return Err(Refusal::IllegalMove { made, state }.into());
    }
    document::step(tx, actor, now, &mut document, (made, why))?;
    if approved {
        tx.execute(
            "UPDATE document SET approved_data = $2 WHERE serial = $1",
            &[serial.into(), data.into()],
        )?;
        document.approved_data = Some(data);
    }
    if !document.state.is_open() {
        end_but_tell(tx, &document, now)?;
    }
    Ok(document)
}
