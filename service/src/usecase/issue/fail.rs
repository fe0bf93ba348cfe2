//! What becomes of a document that cannot be made of the person's data (E13).

use mdoc_core::time::Timestamp;

use crate::domain::id::Serial;
use crate::domain::life::{Move, State};
use crate::store::Tx;
use crate::usecase::audit::{self, Entry};
use crate::usecase::authority::Actor;
use crate::usecase::change::end_everything;
use crate::usecase::document::{self, Why};
use crate::usecase::{Failure, people};

/// The most characters of what is noted of faults.
const LONGEST: usize = 900;

/// Notes that a document cannot be made, and which fields of the data are at fault. One that nobody has yet has failed: it is
/// requested anew when the data are right. One that a wallet has stays what it is, and is fetched anew later.
///
/// Nothing happens if the data were changed since `version`: the next attempt shows.
///
/// # Errors
/// [`Failure::Store`].
pub fn fail(
    tx: &mut Tx<'_>,
    actor: &Actor,
    now: Timestamp,
    (serial, version): (&Serial, i64),
    faults: &[String],
) -> Result<(), Failure> {
    let mut document = document::read(tx, serial)?;
    if people::read(tx, &document.person)?.version != version {
        return Ok(());
    }
    let notes = words(faults);
    let why = Why {
        reason: None,
        notes: Some(&notes),
    };
    if document.state == State::Collectable {
        document::step(tx, actor, now, &mut document, (Move::Begin, Why::default()))?;
    }
    if document.state == State::Issuing {
        document::step(tx, actor, now, &mut document, (Move::Fail, why))?;
        return end_everything(tx, &document, now);
    }
    let entry = Entry::new("issuance.fail", ("document", serial.as_str())).because(None, Some(&notes));
    audit::append(tx, actor, now, &entry)?;
    Ok(())
}

fn words(faults: &[String]) -> String {
    let mut words = String::new();
    for (at, fault) in faults.iter().enumerate() {
        if words.chars().count() + fault.chars().count() > LONGEST {
            words.push_str(&format!("; and {} more", faults.len() - at));
            break;
        }
        if at > 0 {
            words.push_str("; ");
        }
        words.extend(fault.chars().filter(|character| !character.is_control()));
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_faults_fit_into_notes() {
        let faults = |count: usize| vec!["family_name [data.missing]".to_owned(); count];
        assert_eq!(words(&faults(1)), "family_name [data.missing]");
        assert_eq!(words(&faults(2)).matches("; ").count(), 1);
        let many = words(&faults(200));
        assert!(many.chars().count() <= 1000 && many.ends_with(" more"), "{many}");
        assert!(words(&["x".repeat(2000)]).ends_with("and 1 more"));
    }
}
