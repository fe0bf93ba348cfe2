//! Judging lists that were fetched.

use super::claims::{Claims, Content};
use super::reason::{Code, Detail, Reason};
use super::token::Token;
use super::{Answer, By, Evidence, Finding, Freshness, Inputs, Reference};
use crate::mso::Status;
use crate::time::{CLOCK_AHEAD, Timestamp};
use crate::verify::MDL_DOC_TYPE;
use crate::x509::profile::Weight;

/// What is known of the status of a document, by the lists at hand and by what the issuer said itself.
///
/// Lists that the document does not refer to are passed over. Of several lists under one address the one that was made
/// last counts, but for one that says revoked, which is for good; one that cannot be relied on takes nothing from one that
/// can. Where a document refers to both kinds of list, revoked counts before suspended, that before any other value, that
/// before valid, and unknown only if there is no other.
///
/// The issuer's own word makes a document known of which no list says anything, and takes precedence over one that says
/// valid, also where the issuer knows no such document. It takes nothing back that a signed list says against a document.
#[must_use]
pub fn check(status: &Status, evidence: &[Evidence<'_>], inputs: &Inputs<'_>) -> Finding {
    let found = Reference::all(status).filter_map(|reference| {
        evidence
            .iter()
            .filter(|evidence| evidence.uri == reference.uri())
            .map(|evidence| look_up(reference, evidence, inputs))
            .reduce(|a, b| if place(&b) > place(&a) { b } else { a })
    });
    let by_lists = worst(found);
    let told = Reference::all(status).filter_map(|reference| {
        let about = inputs.told.iter().filter(|told| told.reference == reference);
        about.max_by_key(|told| told.at).map(|told| told.finding(inputs))
    });
    let by_issuer = worst(told);
    let best = match (by_lists, by_issuer) {
        (Some(list), Some(issuer)) if prevails(&issuer.answer, &list.answer) => Some(Finding {
            deviations: list.deviations,
            ..issuer
        }),
        (Some(list), Some(_)) => Some(list),
        (list, issuer) => list.or(issuer),
    };
    best.unwrap_or_else(|| {
        let referred = Reference::all(status).next().is_some();
        let nothing = if referred {
            Code::NotFetched
        } else {
            Code::Unsupported
        };
        Finding::unknown(Reason::plain(nothing))
    })
}

/// Of several findings the one that counts.
fn worst(found: impl Iterator<Item = Finding>) -> Option<Finding> {
    found.reduce(|a, b| if b.answer.rank() > a.answer.rank() { b } else { a })
}

/// Whether the issuer's own word counts, and not the lists'.
fn prevails(issuer: &Answer, lists: &Answer) -> bool {
    match (issuer, lists) {
        (Answer::Unknown(reason), Answer::Valid | Answer::Unknown(_)) => reason.code() == Code::QueryUnknown,
        (issuer, lists) => issuer.rank() >= lists.rank(),
    }
}

/// Of findings by lists under one address, the one with the highest place counts.
fn place(finding: &Finding) -> (bool, Option<(Timestamp, Timestamp)>) {
    let held = finding.freshness.map(|held| (held.issued_at, held.fresh_until));
    (finding.answer == Answer::Revoked, held)
}

/// What one list says of a document.
#[must_use]
pub fn look_up(reference: Reference<'_>, evidence: &Evidence<'_>, inputs: &Inputs<'_>) -> Finding {
    let mut judge = Judge {
        inputs: *inputs,
        deviations: Vec::new(),
    };
    match judge.look_up(reference, evidence) {
        Ok((answer, freshness)) => Finding {
            answer,
            deviations: judge.deviations,
            freshness: Some(freshness),
            by: By::List,
        },
        Err(reason) => Finding {
            answer: Answer::Unknown(reason),
            deviations: judge.deviations,
            freshness: None,
            by: By::List,
        },
    }
}

/// A list under judgement. What stands against it ends the judgement.
pub(super) struct Judge<'a> {
    pub(super) inputs: Inputs<'a>,
    pub(super) deviations: Vec<Reason>,
}

impl Judge<'_> {
    /// Notes a deviation, if the policy lets it pass.
    pub(super) fn find(&mut self, reason: Reason) -> Result<(), Reason> {
        if reason.weight() == Weight::Hard || self.inputs.policy.deviations_reject {
            return Err(reason);
        }
        self.deviations.push(reason);
        Ok(())
    }

    fn look_up(
        &mut self,
        reference: Reference<'_>,
        evidence: &Evidence<'_>,
    ) -> Result<(Answer, Freshness), Reason> {
        let token = Token::decode(evidence.token)?;
        let claims = token.claims();
        if claims.subject != reference.uri() {
            return Err(Reason::plain(Code::Subject));
        }
        self.signature(&token, reference)?;
        for deviation in token.deviations() {
            self.find(deviation.clone())?;
        }
        let freshness = self.times(claims, evidence)?;
        // Not before all else was checked: what nobody vouched for is not worth the work.
        let answer = self.entry(&claims.content, reference)?;
        Ok((answer, freshness))
    }

    fn times(&mut self, claims: &Claims, evidence: &Evidence<'_>) -> Result<Freshness, Reason> {
        let (at, skew) = (self.inputs.now, self.inputs.policy.clock_skew);
        // A list that was changed this moment is newer than the instant of whoever asked for it.
        let ahead = skew.max(CLOCK_AHEAD);
        for limit in [Some(claims.issued_at), claims.not_before].into_iter().flatten() {
            if limit > at.plus(ahead) {
                return Err(Reason::new(Code::NotYetValid, Detail::Time { limit, at }));
            }
        }
        if claims.expires.is_none() {
            self.find(Reason::plain(Code::ExpiryMissing))?;
        }
        // A clock that was put back must not make a list that was kept last longer.
        let freshness = Freshness::of(claims, evidence.fetched.min(at));
        let limit = freshness.usable_until;
        if at.minus(skew) >= limit {
            return Err(Reason::new(Code::Expired, Detail::Time { limit, at }));
        }
        Ok(freshness)
    }

    fn entry(&mut self, content: &Content, reference: Reference<'_>) -> Result<Answer, Reason> {
        match (content, reference) {
            (Content::StatusList(encoded), Reference::StatusList(place)) => {
                let list = encoded.inflate()?;
                let value = list.get(place.index).ok_or_else(|| {
                    let (found, expected) = (list.entries(), "more");
                    Reason::differs(Code::Index, format!("{found} entries"), expected)
                })?;
                let answer = match Answer::of_value(value) {
                    Answer::Unknown(reason) => return Err(reason),
                    answer => answer,
                };
                let mdl = self.inputs.doc_type == Some(MDL_DOC_TYPE);
                if mdl && encoded.bits.count() != 1 {
                    let bits = Reason::text(Code::Bits, encoded.bits.count().to_string());
                    // It does not make a revoked document one of which nothing is known.
                    if answer == Answer::Valid {
                        self.find(bits)?;
                    } else {
                        self.deviations.push(bits);
                    }
                }
                Ok(answer)
            }
            (Content::IdentifierList(list), Reference::IdentifierList(place)) => {
                Ok(if list.contains(&place.id) {
                    Answer::Revoked
                } else {
                    Answer::Valid
                })
            }
            (Content::StatusList(_), Reference::IdentifierList(_)) => {
                Err(Reason::differs(Code::Type, "a status list", "an identifier list"))
            }
            (Content::IdentifierList(_), Reference::StatusList(_)) => {
                Err(Reason::differs(Code::Type, "an identifier list", "a status list"))
            }
        }
    }
}
