//! Approving and rejecting what another operator requested (E7): four eyes, whatever sessions and machines they use.

use mdoc_core::crypto::CryptoRng;
use mdoc_core::time::Timestamp;

use super::authority::{self, Actor};
use super::change::end_but_tell;
use super::document::{self, Document, Why};
use super::{Failure, notices, people, profiles};
use crate::domain::Refusal;
use crate::domain::id::{PersonId, Serial};
use crate::domain::life::{Move, State};
use crate::domain::profile::Delivery;
use crate::domain::role::Workflow;
use crate::store::{StoreError, Tx};
use crate::terms::Terms;

/// Approves a request, or rejects it with a reason. Nothing leads to what was rejected any more; a wallet that waits for it is
/// told. What was approved is for the person's data as they are then: if those were changed since, it is approved again before
/// somebody collects it, for the first time or by an offer of what is in a wallet already.
///
/// # Errors
/// [`Refusal::OwnRequest`], [`Refusal::OwnDocument`], [`Refusal::ValidateRole`], [`Refusal::IllegalMove`], those of the
/// reason, and of the notification if the person is told of it.
pub fn validate(
    tx: &mut Tx<'_>,
    actor: &Actor,
    now: Timestamp,
    (serial, approved, terms): (&Serial, bool, &Terms),
    why: Why<'_>,
    rng: &mut dyn CryptoRng,
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
    if document.issued.is_some() && hands_out(tx, &document, operator)? {
        return Err(Refusal::OwnRequest.into());
    }
    let settings = profiles::of_document(tx, &document)?.settings;
    if !authority::has_one_of(tx, Some(operator), &settings.roles.validate)? {
        return Err(Refusal::ValidateRole.into());
    }
    let made = if approved { Move::Approve } else { Move::Reject };
    people::hold(tx, &document.person)?;
    let data = people::data_version(tx, &document.person)?;
    let state = document.state;
    if state != State::AwaitingValidation
        && (!settings.validate_issuance || document.approved_data == Some(data))
    {
        return Err(Refusal::IllegalMove { made, state }.into());
    }
    document::step(tx, actor, now, &mut document, (made, why))?;
    if approved {
        let again = document.issued.map(|_| operator);
        tx.execute(
            "UPDATE document SET approved_data = $2, approved_again_by = $3 WHERE serial = $1",
            &[serial.into(), data.into(), again.into()],
        )?;
        (document.approved_data, document.approved_again_by) = (Some(data), again.cloned());
    }
    // Somebody was given an offer already where a wallet waits, or an operator handed one out.
    if state == State::AwaitingValidation
        && approved
        && document.delivery == Delivery::Notified
        && !notices::has_offer(tx, now, &document)?
    {
        let person = people::read(tx, &document.person)?;
        notices::possible(&person, &settings, terms)?;
        notices::offer(tx, actor, now, (&document, &person, &settings, terms), rng)?;
    }
    if !document.state.is_open() {
        end_but_tell(tx, &document, now)?;
    }
    Ok(document)
}

/// Whether the operator made an offer that gives the document to a wallet which has nothing of it: that is a request, too.
fn hands_out(tx: &mut Tx<'_>, document: &Document, operator: &PersonId) -> Result<bool, StoreError> {
    let made: Option<i64> = tx.value(
        "SELECT 1 FROM offer WHERE document = $1 AND made_by = $2 AND (used IS NULL OR generation >= $3) LIMIT 1",
        &[
            (&document.serial).into(),
            operator.into(),
            document.generation.into(),
        ],
    )?;
    Ok(made.is_some())
}
