//! Switching documents off and on, and cancelling them (E14). The document in the wallet stays as it is; what its online
//! status says changes in the same transaction.

use mdoc_core::time::Timestamp;

use super::authority::Actor;
use super::document::{self, Document, Why};
use super::{Failure, profiles};
use crate::domain::Refusal;
use crate::domain::id::Serial;
use crate::domain::life::Move;
use crate::domain::role::Workflow;
use crate::status;
use crate::store::Tx;

/// What is to happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Switch it off.
    Disable,
    /// Switch it on again.
    Enable,
    /// Cancel it for good, where nobody has to approve that.
    Cancel,
    /// Ask for its cancellation, where another operator has to approve.
    RequestCancel,
    /// Approve the cancellation that another operator asked for.
    ApproveCancel,
    /// Reject it.
    RejectCancel,
}

impl Change {
    const fn workflow(self) -> Workflow {
        match self {
            Self::Disable | Self::Enable => Workflow::EnableDisable,
            Self::Cancel | Self::RequestCancel => Workflow::CancelCredential,
            Self::ApproveCancel | Self::RejectCancel => Workflow::ValidateCancellation,
        }
    }

    const fn made(self) -> Move {
        match self {
            Self::Disable => Move::Disable,
            Self::Enable => Move::Enable,
            Self::Cancel => Move::Cancel,
            Self::RequestCancel => Move::RequestCancel,
            Self::ApproveCancel => Move::ApproveCancel,
            Self::RejectCancel => Move::RejectCancel,
        }
    }
}

/// Does it to one document; no other one is touched.
///
/// # Errors
/// [`Refusal::ValidateCancellation`], [`Refusal::OwnCancellation`], [`Refusal::IllegalMove`], and those of the reason.
pub fn change(
    tx: &mut Tx<'_>,
    actor: &Actor,
    now: Timestamp,
    (serial, change): (&Serial, Change),
    why: Why<'_>,
) -> Result<Document, Failure> {
    let mut document = document::for_workflow(tx, actor, change.workflow(), serial)?;
    let (name, version) = &document.profile;
    let settings = profiles::version(tx, name, *version)?.settings;
    // What nobody has yet is withdrawn by whoever may cancel; what somebody has, by two.
    if change == Change::Cancel && settings.validate_cancellation && document.state.is_issued() {
        return Err(Refusal::ValidateCancellation.into());
    }
    if matches!(change, Change::ApproveCancel | Change::RejectCancel)
        && (actor.person().is_none() || actor.person() == document.cancel_requested_by.as_ref())
    {
        return Err(Refusal::OwnCancellation.into());
    }
    document::step(tx, actor, now, &mut document, (change.made(), why))?;
    if !document.state.is_open() {
        end_everything(tx, &document, now)?;
    }
    status::follow(tx, now, &document)?;
    Ok(document)
}

/// Nothing that a wallet was given leads to the document any more.
pub(crate) fn end_everything(tx: &mut Tx<'_>, document: &Document, now: Timestamp) -> Result<(), Failure> {
    let serial = &document.serial;
    tx.execute("DELETE FROM deferred WHERE document = $1", &[serial.into()])?;
    end_what_leads_on(tx, document, now)
}

/// The same for a document that a wallet may be waiting for: it is told so by the name that it asks by, until that or its
/// session is over (OpenID4VCI 1.0, 9.3). Its keys are forgotten.
pub(super) fn end_but_tell(tx: &mut Tx<'_>, document: &Document, now: Timestamp) -> Result<(), Failure> {
    tx.execute(
        "UPDATE deferred SET keys = $2 WHERE document = $1",
        &[(&document.serial).into(), b"".as_slice().into()],
    )?;
    end_what_leads_on(tx, document, now)
}

fn end_what_leads_on(tx: &mut Tx<'_>, document: &Document, now: Timestamp) -> Result<(), Failure> {
    let serial = &document.serial;
    tx.execute("DELETE FROM refresh_token WHERE document = $1", &[serial.into()])?;
    tx.execute(
        "UPDATE session SET ended = $2 WHERE document = $1 AND ended IS NULL \
         AND NOT EXISTS (SELECT 1 FROM deferred d WHERE d.document = $1)",
        &[serial.into(), now.into()],
    )?;
    tx.execute(
        "DELETE FROM offer WHERE document = $1 AND used IS NULL",
        &[serial.into()],
    )?;
    if !document.state.is_open() {
        tx.execute(
            "UPDATE offer SET ended = $2 WHERE document = $1 AND ended IS NULL",
            &[serial.into(), now.into()],
        )?;
    }
    Ok(())
}
