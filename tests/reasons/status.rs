//! What status lists say of documents.

use core::time::Duration;

use integration::corpus::{Case, StatusList};
use integration::statuses::{URI, claims, reference, sign};
use mdoc_core::status::Bits;

use super::chains::revocation_list;
use super::{Maker, RELEASED};

pub(super) fn make(m: &mut Maker) {
    list(
        m,
        "status.revoked",
        "the entry of the document in its status list says that it was revoked",
        (Bits::One, 1),
        &["status failed status.revoked"],
    );
    list(
        m,
        "status.suspended",
        "the entry says that it was suspended, in a list of two bits, which is none for licences",
        (Bits::Two, 2),
        &["status failed status.suspended", "status warning status.form"],
    );
    list(
        m,
        "status.application-specific",
        "the entry has a value of the issuer's own, in a list of four bits, which is none for licences",
        (Bits::Four, 12),
        &[
            "status failed status.application-specific",
            "status warning status.form",
        ],
    );
    list(
        m,
        "status.form",
        "the document is valid, by a list of two bits, which is none for licences",
        (Bits::Two, 0),
        &["status warning status.form"],
    );
    let fetched = m.world.now.minus(Duration::from_secs(3 * 3600));
    let stale = list(
        m,
        "status.stale",
        "the list says that a newer one is to be asked for after two hours, and was fetched three hours ago",
        (Bits::One, 0),
        &["status warning status.stale"],
    );
    if let Some(list) = &mut stale.status_list {
        list.fetched = fetched;
    }
    let expired = list(
        m,
        "status.expired",
        "the issuer, asked itself, says that the document has expired; its list says valid",
        (Bits::One, 0),
        &["status failed status.expired"],
    );
    expired.issuer_says = Some("expired".to_owned());
}

/// A case whose document refers to a list that has this value for it.
fn list<'m>(
    m: &'m mut Maker,
    code: &str,
    what: &str,
    (bits, value): (Bits, u8),
    expect: &[&str],
) -> &'m mut Case {
    let issued = m.world.issue().status(reference()).sign();
    let response = m.world.present(&issued).only(RELEASED).response();
    let token = sign(&m.world, &claims(&m.world, bits, value));
    let (crl, now) = (revocation_list(&m.world, &[]), m.world.now);
    let case = m.add(code, what, response, expect);
    // The strict policy wants to know of the signers, too.
    case.crl = Some(crl);
    case.status_list = Some(StatusList {
        uri: URI.to_owned(),
        fetched: now,
        token,
    });
    case
}
