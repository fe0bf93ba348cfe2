//! The step about the status of the document: whether it was revoked since it was signed.

use super::Inputs;
use super::certificates::Issuer;
use super::check::Check;
use super::policy::{Policy, StatusPolicy};
use super::reason::{Code, Detail, Why};
use super::report::Steps;
use crate::mso::MobileSecurityObject;
use crate::status::{self, Answer, Finding, Trust};

/// What the lists at hand say. `issuer` is who vouches for the MSO: none if its signature does not hold or nobody is
/// trusted, and then a certificate that the MSO names for its list is worth nothing.
pub(super) fn inspect(
    mso: &MobileSecurityObject,
    issuer: Option<Issuer<'_>>,
    doc_type: Option<&str>,
    steps: &mut Steps,
    inputs: &Inputs<'_>,
) -> Option<Finding> {
    let not_done = |steps: &mut Steps, why| {
        steps.not_done(Check::Status, why);
        None
    };
    let Some(reference) = &mso.status else {
        return not_done(steps, Why::NoStatusReference);
    };
    if inputs.policy.status == StatusPolicy::Skip {
        return not_done(steps, Why::StatusSkipped);
    }
    if inputs.status_lists.is_empty() && inputs.told.is_empty() && !reference.unknown {
        return not_done(steps, Why::StatusNotFetched);
    }
    let trust = match issuer {
        Some(Issuer::Iaca(iaca)) => Trust::Issuer(iaca),
        Some(Issuer::Unknown) => Trust::Named,
        None => return not_done(steps, Why::EarlierFailure),
    };
    let by = status::Inputs {
        trust,
        doc_type,
        now: inputs.now,
        // A deviation is reported as one here, and rejects as such.
        policy: Policy {
            deviations_reject: false,
            ..inputs.policy
        },
        revocation_lists: inputs.revocation_lists,
        ocsp_answers: inputs.ocsp_answers,
        told: inputs.told,
        backend: inputs.backend,
    };
    let finding = status::check(reference, inputs.status_lists, &by);
    report(&finding, steps, inputs);
    Some(finding)
}

fn report(finding: &Finding, steps: &mut Steps, inputs: &Inputs<'_>) {
    if let Answer::Unknown(reason) = &finding.answer {
        return steps.not_done(Check::Status, why(reason.code()));
    }
    match &finding.answer {
        Answer::Valid | Answer::Unknown(_) => {}
        Answer::Revoked => steps.find(Code::StatusRevoked, Detail::None),
        Answer::Suspended => steps.find(Code::StatusSuspended, Detail::None),
        Answer::Expired => steps.find(Code::StatusExpired, Detail::None),
        Answer::Application(value) => {
            steps.find(Code::StatusApplication, Detail::Text(value.to_string()));
        }
    }
    if let Some(held) = finding.freshness
        && held.is_stale_at(inputs.now)
    {
        let (limit, at) = (held.fresh_until, inputs.now);
        steps.find(Code::StatusStale, Detail::Time { limit, at });
    }
    for deviation in &finding.deviations {
        steps.find(Code::StatusForm, Detail::Text(deviation.to_string()));
    }
    steps.pass_unless_found(Check::Status);
}

/// The many reasons for which nothing is known, in the groups that a report tells apart; [`Finding`] has the reason.
const fn why(code: status::Code) -> Why {
    use status::Code as C;
    match code {
        C::NotFetched => Why::StatusNotFetched,
        C::Unsupported => Why::StatusUnsupported,
        C::TooLarge | C::Malformed | C::Tag | C::Type | C::TypePlace | C::TypeName | C::Jwt | C::Bits => {
            Why::StatusMalformed
        }
        C::Subject => Why::StatusSubject,
        C::X5chainMissing
        | C::X5chainMalformed
        | C::X5chainUnprotected
        | C::TrustMissing
        | C::TrustMalformed
        | C::TrustValidity
        | C::TrustNotCa
        | C::ChainUntrusted
        | C::SignerPinned
        | C::SignerValidity
        | C::SignerProfile
        | C::SignerPurpose
        | C::SignerRevoked
        | C::SignerRevocationUnknown => Why::StatusSigner,
        C::Algorithm | C::SignerKey | C::Signature => Why::StatusSignature,
        C::NotYetValid | C::Expired | C::ExpiryMissing | C::QueryTime => Why::StatusTime,
        C::Index | C::Reserved => Why::StatusIndex,
        C::QueryUnknown => Why::StatusIssuerUnknown,
    }
}
