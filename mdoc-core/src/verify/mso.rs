//! The steps about the mobile security object itself.

use core::time::Duration;

use super::check::Check;
use super::reason::{Code, Detail, Why};
use super::report::Steps;
use super::{Inputs, device};
use crate::mso::MobileSecurityObject;
use crate::x509::Certificate;

/// Type, validity and device key of the MSO, and its times beside those of the certificate that signed it.
pub(super) fn inspect(
    mso: &MobileSecurityObject,
    claimed: Option<&str>,
    ds: Option<&Certificate>,
    steps: &mut Steps,
    inputs: &Inputs<'_>,
) {
    match claimed {
        None => steps.not_done(Check::MsoDocType, Why::NoDeviceSigned),
        Some(claimed) if claimed == mso.doc_type => steps.pass(Check::MsoDocType),
        Some(claimed) => {
            let differs = Detail::Differs {
                found: mso.doc_type.clone(),
                expected: claimed.to_owned(),
            };
            steps.find(Code::MsoDocType, differs);
        }
    }
    let validity = mso.validity_info;
    if !validity.strictly_written {
        steps.find(Code::TimeForm, Detail::None);
    }
    if validity.valid_from < validity.signed || validity.valid_until <= validity.valid_from {
        steps.find(Code::MsoValidityOrder, Detail::None);
    }
    let skew: Duration = steps.policy().clock_skew;
    if inputs.now.plus(skew) < validity.valid_from {
        steps.find(
            Code::MsoNotYetValid,
            Detail::Time {
                limit: validity.valid_from,
                at: inputs.now,
            },
        );
    } else if inputs.now.minus(skew) > validity.valid_until {
        steps.find(
            Code::MsoExpired,
            Detail::Time {
                limit: validity.valid_until,
                at: inputs.now,
            },
        );
    }
    steps.pass_unless_found(Check::MsoValidity);
    if let Some(ds) = ds {
        if validity.signed < ds.not_before() {
            let limit = ds.not_before();
            steps.find(
                Code::MsoSignedOutsideDs,
                Detail::Time {
                    limit,
                    at: validity.signed,
                },
            );
        } else if validity.signed_at_the_latest > ds.not_after() {
            let limit = ds.not_after();
            steps.find(
                Code::MsoSignedOutsideDs,
                Detail::Time {
                    limit,
                    at: validity.signed,
                },
            );
        } else {
            steps.pass(Check::MsoSigned);
        }
        if validity.valid_until > ds.not_after() {
            let limit = ds.not_after();
            steps.find(
                Code::MsoOutlivesDs,
                Detail::Time {
                    limit,
                    at: validity.valid_until,
                },
            );
        } else {
            steps.pass(Check::MsoOutlivesDs);
        }
    }
    device::key(mso, steps);
}
