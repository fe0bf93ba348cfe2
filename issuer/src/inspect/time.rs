//! Periods of validity, with a remark in plain words.

use mdoc_core::time::Timestamp;

use super::tree::Node;

/// The end of a period under a name: `2026-07-01T12:00:00Z (expired 3 days ago)`.
pub(super) fn until(name: &str, until: Timestamp, now: Timestamp) -> Node {
    let away = until.unix() - now.unix();
    let remark = if away < 0 {
        format!("expired {} ago", span(away))
    } else {
        format!("{} left", span(away))
    };
    Node::text(name, until).remark(Some(remark))
}

/// The beginning of a period under a name; remarked upon if it is still to come.
pub(super) fn from(name: &str, from: Timestamp, now: Timestamp) -> Node {
    let away = from.unix() - now.unix();
    let remark = (away > 0).then(|| format!("not yet valid, begins in {}", span(away)));
    Node::text(name, from).remark(remark)
}

/// A length of time in the unit that people would use.
fn span(seconds: i64) -> String {
    let seconds = seconds.unsigned_abs();
    let units = [
        (2 * 365 * 86_400, 365 * 86_400, "years"),
        (2 * 86_400, 86_400, "days"),
        (2 * 3_600, 3_600, "hours"),
        (120, 60, "minutes"),
    ];
    units
        .into_iter()
        .find(|(least, ..)| seconds >= *least)
        .map_or_else(
            || format!("{seconds} seconds"),
            |(_, unit, name)| format!("{} {name}", seconds / unit),
        )
}
