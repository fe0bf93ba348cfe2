//! Replacing a document that was lost, stolen or damaged (E15): it is cancelled, and another one of its profile is requested
//! for the same person. Both, or neither.

use mdoc_core::crypto::CryptoRng;
use mdoc_core::time::Timestamp;
use serde_json::{Map, Value as Json};

use super::authority::Actor;
use super::change::end_everything;
use super::document::{self, Document, Step, Why};
use super::request::{self, Requested, Wish};
use super::{Failure, people, profiles};
use crate::domain::Refusal;
use crate::domain::id::Serial;
use crate::domain::life::{Move, State};
use crate::domain::profile::Delivery;
use crate::domain::role::Workflow;
use crate::status;
use crate::store::Tx;
use crate::terms::Terms;

/// Why a document is replaced: reasons of a cancellation after which the person is to have another one.
pub const REASONS: [&str; 7] = [
    "lost",
    "stolen",
    "damaged",
    "compromised",
    "superseded",
    "holder-request",
    "other",
];
/// The most characters of notes: the serial of the other document is noted before them.
const LONGEST_NOTES: usize = 900;

/// What came of it.
#[derive(Debug)]
pub struct Replaced {
    /// The document that is cancelled.
    pub old: Document,
    /// The one that stands for it.
    pub new: Requested,
}

/// Cancels a document that a wallet has, for a reason of a cancellation, and requests another one: by the newest version of
/// its profile, with the person's data as they are. The rules of a request find the old one gone. The histories of both
/// name the other one.
///
/// Where another operator approves cancellations, nobody replaces alone: it is refused. The cancellation is requested first, and
/// a document after it was approved.
///
/// # Errors
/// [`Refusal::NotReplaceable`], [`Refusal::ValidateCancellation`]; those of the reason and the notes; those of a request. Nothing
/// is done then.
pub fn replace(
    tx: &mut Tx<'_>,
    actor: &Actor,
    now: Timestamp,
    (serial, delivery, terms): (&Serial, Option<Delivery>, &Terms),
    why: Why<'_>,
    rng: &mut dyn CryptoRng,
) -> Result<Replaced, Failure> {
    let mut old = document::for_workflow(tx, actor, Workflow::RequestReplacement, serial)?;
    replaceable(&old, now)?;
    let (profile, version) = old.profile.clone();
    if profiles::version(tx, &profile, version)?
        .settings
        .validate_cancellation
    {
        return Err(Refusal::ValidateCancellation.into());
    }
    why.check(Move::Cancel)?;
    if let Some(reason) = why.reason
        && !REASONS.contains(&reason)
    {
        let rule = format!(
            "whoever gets another document gets it for one of {}",
            REASONS.join(", ")
        );
        return Err(Refusal::field("reason", rule).into());
    }
    if why
        .notes
        .is_some_and(|notes| notes.chars().count() > LONGEST_NOTES)
    {
        return Err(Refusal::field("notes", "it has more than 900 characters").into());
    }
    // Before the trail is: whoever requests something for the person waits here.
    people::hold(tx, &old.person)?;
    let new = Serial::random(rng);
    let mut notes = format!("replaced by {new}");
    if let Some(words) = why.notes {
        notes.push_str(": ");
        notes.push_str(words);
    }
    let step = Step {
        why: Why {
            notes: Some(&notes),
            ..why
        },
        tells: naming("replaced_by", &new),
        ..Step::default()
    };
    document::step_by(tx, actor, now, &mut old, (Move::Cancel, step))?;
    end_everything(tx, &old, now)?;
    status::follow(tx, now, &old)?;
    let wish = Wish {
        person: old.person.clone(),
        profile,
        delivery,
        notes: Some(format!("replaces {serial}")),
    };
    let tells = naming("replaces", serial);
    let new = request::begin(tx, actor, now, (&new, &wish, terms), tells, rng)?;
    Ok(Replaced { old, new })
}

/// What nobody has yet needs no other one: it is collected, or cancelled. What is over is requested anew.
fn replaceable(document: &Document, now: Timestamp) -> Result<(), Refusal> {
    let over = document.valid_until.is_some_and(|end| end <= now);
    match document.state {
        State::Active | State::Disabled | State::Updating if !over => Ok(()),
        state => Err(Refusal::NotReplaceable {
            state: if over && state.is_issued() {
                State::Expired
            } else {
                state
            },
        }),
    }
}

fn naming(member: &str, serial: &Serial) -> Map<String, Json> {
    Map::from_iter([(member.to_owned(), serial.as_str().into())])
}
