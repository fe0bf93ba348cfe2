//! Approving and rejecting what another operator requested (E7): four eyes, whatever sessions and machines they use.

use mdoc_core::time::Timestamp;

use super::authority::{self, Actor};
use super::change::end_but_tell;
use super::document::{self, Document, Why};
use super::{Failure, profiles};
use crate::domain::Refusal;
use crate::domain::id::Serial;
use crate::domain::life::Move;
use crate::domain::role::Workflow;
use crate::store::Tx;

/// Approves a request, or rejects it with a reason. Nothing leads to what was rejected any more; a wallet that waits for it is
/// told.
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
    document::step(tx, actor, now, &mut document, (made, why))?;
    if !document.state.is_open() {
        end_but_tell(tx, &document, now)?;
    }
    Ok(document)
}
