//! Having a document made anew (E15): by the newest version of its profile, with the person's data as they are. The wallet
//! fetches it; what it had before is revoked then.

use mdoc_core::crypto::CryptoRng;
use mdoc_core::time::Timestamp;

use super::audit::{self, Entry};
use super::authority::Actor;
use super::document::{self, Document, Step, Why};
use super::request::data_fit;
use super::{Failure, notices, people, profiles};
use crate::domain::Refusal;
use crate::domain::id::Serial;
use crate::domain::life::{Move, State};
use crate::domain::role::Workflow;
use crate::store::Tx;
use crate::terms::Terms;

/// Has a document made anew, and tells its person. The profile stays the same; what is off, ended, or in no wallet is not
/// updated.
///
/// # Errors
/// [`Refusal::IllegalMove`]; those of the person's data, by the newest settings of the profile.
pub fn update(
    tx: &mut Tx<'_>,
    actor: &Actor,
    now: Timestamp,
    of: (&Serial, &Terms),
    why: Why<'_>,
    rng: &mut dyn CryptoRng,
) -> Result<Document, Failure> {
    anew(tx, actor, now, (of, false), why, rng)
}

/// The same for another lifetime, which begins when the wallet fetches it.
///
/// # Errors
/// As for [`update`].
pub fn renew(
    tx: &mut Tx<'_>,
    actor: &Actor,
    now: Timestamp,
    of: (&Serial, &Terms),
    why: Why<'_>,
    rng: &mut dyn CryptoRng,
) -> Result<Document, Failure> {
    anew(tx, actor, now, (of, true), why, rng)
}

fn anew(
    tx: &mut Tx<'_>,
    actor: &Actor,
    now: Timestamp,
    ((serial, terms), renews): ((&Serial, &Terms), bool),
    why: Why<'_>,
    rng: &mut dyn CryptoRng,
) -> Result<Document, Failure> {
    let mut document = document::for_workflow(tx, actor, Workflow::RequestUpdate, serial)?;
    if document.valid_until.is_some_and(|end| end <= now) {
        let (made, state) = (Move::Update, State::Expired);
        return Err(Refusal::IllegalMove { made, state }.into());
    }
    let settings = profiles::current(tx, &document.profile.0)?.profile.settings;
    people::hold(tx, &document.person)?;
    let person = people::read(tx, &document.person)?;
    if renews && document.state == State::Updating && !document.renews {
        // It waits for its wallet already, which fetches it for another lifetime then. Its person was told.
        let entry = Entry::new("document.renew", ("document", serial.as_str()));
        audit::append(tx, actor, now, &entry.because(why.reason, why.notes))?;
    } else {
        let mut step = Step {
            why,
            ..Step::default()
        };
        if renews {
            step.tells.insert("renews".to_owned(), true.into());
        }
        document::step_by(tx, actor, now, &mut document, (Move::Update, step))?;
        notices::update(tx, now, (&document, &person, &settings, terms), rng)?;
    }
    tx.execute(
        "UPDATE document SET renews = $2 WHERE serial = $1",
        &[serial.into(), i64::from(renews).into()],
    )?;
    document.renews = renews;
    data_fit(&person, &settings)?;
    Ok(document)
}
