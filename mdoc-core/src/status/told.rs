//! What the issuer says when it is asked itself, beside its lists.

use core::time::Duration;

use super::reason::{Code, Detail, Reason};
use super::{Answer, By, Finding, Freshness, Inputs, Reference};
use crate::time::Timestamp;

/// For how long the issuer's own answer is used.
pub const TOLD_FOR: Duration = Duration::from_secs(300);

/// How a document stands, in the issuer's own words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It may be relied on.
    Valid,
    /// Not now, perhaps later.
    Disabled,
    /// Not any more.
    Cancelled,
    /// Its time ran out.
    Expired,
    /// The issuer knows no such document.
    Unknown,
}

/// What the issuer answered about one reference of a document. It is not signed: whoever passes it in vouches for having
/// asked the issuer, over a channel that nobody else answers on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Told<'a> {
    /// What was asked about, as in the document.
    pub reference: Reference<'a>,
    /// The answer.
    pub standing: Standing,
    /// When it came in.
    pub at: Timestamp,
}

impl Told<'_> {
    /// What is known by it, at the instant of `inputs`.
    pub(super) fn finding(&self, inputs: &Inputs<'_>) -> Finding {
        let (at, skew) = (inputs.now, inputs.policy.clock_skew);
        let until = self.at.plus(TOLD_FOR);
        let freshness = Freshness {
            issued_at: self.at,
            fresh_until: until,
            usable_until: until,
        };
        let old = |limit| Answer::Unknown(Reason::new(Code::QueryTime, Detail::Time { limit, at }));
        let answer = if self.at.minus(skew) > at.plus(TOLD_FOR) {
            old(self.at)
        } else if at.minus(skew) >= until {
            old(until)
        } else {
            match self.standing {
                Standing::Valid => Answer::Valid,
                Standing::Disabled => Answer::Suspended,
                Standing::Cancelled => Answer::Revoked,
                Standing::Expired => Answer::Expired,
                Standing::Unknown => Answer::Unknown(Reason::plain(Code::QueryUnknown)),
            }
        };
        Finding {
            freshness: (!matches!(answer, Answer::Unknown(_))).then_some(freshness),
            answer,
            deviations: Vec::new(),
            by: By::Issuer,
        }
    }
}
