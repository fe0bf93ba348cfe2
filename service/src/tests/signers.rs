//! Which certificates sign status lists.

use mdoc_core::time::Timestamp;

use super::world::{NOON, certified};
use crate::start::status::{StatusFault, judge};

#[test]
fn a_certificate_that_may_not_sign_lists_starts_no_service() {
    let [ds, status] = certified(1).map(|made| made.certificate);
    let [other, _] = certified(2).map(|made| made.certificate);
    let at = |seconds: i64| Timestamp::from_unix(NOON + seconds);
    let documents = [other.clone(), ds.clone()];
    assert_eq!(judge(&status, &documents, at(0)), Ok(()));
    // Of another key of the authority, too: it has the same name.
    let foreign = judge(&status, &[other], at(0));
    assert!(
        matches!(foreign, Err(StatusFault::OtherAuthority(_))),
        "{foreign:?}"
    );
    let role = judge(&ds, &documents, at(0));
    assert!(
        matches!(role, Err(StatusFault::Profile(_) | StatusFault::Purpose(_))),
        "{role:?}"
    );
    let early = judge(&status, &documents, at(-2 * 86_400));
    assert_eq!(early, Err(StatusFault::NotYetValid(at(-86_400))));
    let late = judge(&status, &documents, at(10 * 366 * 86_400));
    assert_eq!(late, Err(StatusFault::Expired(status.not_after())));
}
