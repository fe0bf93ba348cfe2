//! What decides where the standard leaves a choice, or real issuers deviate from it.

use core::time::Duration;

use super::check::Check;
use super::reason::Why;

/// What becomes of the status of a document (second edition): whether it was revoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StatusPolicy {
    /// A document that refers to a list is accepted only if a list says that it is valid.
    Require,
    /// Such a list is used if it is there; nothing known stands against no document.
    #[default]
    Prefer,
    /// Lists are not looked at.
    Skip,
}

impl StatusPolicy {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Require, Self::Prefer, Self::Skip];

    /// `require`, `prefer` or `skip`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Require => "require",
            Self::Prefer => "prefer",
            Self::Skip => "skip",
        }
    }

    /// The one of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|policy| policy.name() == name)
    }
}

/// A named policy. What it never changes: a hard fault rejects, and a step not done is not a pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// The name, for reports.
    pub name: &'static str,
    /// Whether a deviation (a fault with the weight of that name) rejects; otherwise it is a warning.
    pub deviations_reject: bool,
    /// Whether evidence that may be missing must be there: revocation of the signer's certificate, also of the signer
    /// of a status list, and the device authentication of everything but an issued document alone.
    pub evidence_required: bool,
    /// Whether the revocation of the signer's certificate, also of the signer of a status list, must be known where other
    /// evidence may be missing.
    pub revocation_required: bool,
    /// What becomes of the status of the document.
    pub status: StatusPolicy,
    /// How far the clocks of issuer and verifier may be apart; used for validFrom and validUntil alone.
    pub clock_skew: Duration,
}

impl Policy {
    /// The default: what the standard calls for rejects; what real issuers get wrong without harm warns.
    pub const STANDARD: Self = Self {
        name: "standard",
        deviations_reject: false,
        evidence_required: false,
        revocation_required: false,
        status: StatusPolicy::Prefer,
        clock_skew: Duration::ZERO,
    };

    /// Every rule of the profile rejects, and missing evidence too.
    pub const STRICT: Self = Self {
        name: "strict",
        deviations_reject: true,
        evidence_required: true,
        revocation_required: false,
        status: StatusPolicy::Require,
        clock_skew: Duration::ZERO,
    };

    /// The policy of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::STANDARD, Self::STRICT]
            .into_iter()
            .find(|policy| policy.name == name)
    }

    /// The same with clocks that may be apart.
    #[must_use]
    pub const fn with_clock_skew(mut self, skew: Duration) -> Self {
        self.clock_skew = skew;
        self
    }

    /// The same with another use of the status of documents.
    #[must_use]
    pub const fn with_status(mut self, status: StatusPolicy) -> Self {
        self.status = status;
        self
    }

    /// The same, and the revocation of signers must be known.
    #[must_use]
    pub const fn with_revocation_required(mut self, required: bool) -> Self {
        self.revocation_required = required;
        self
    }

    /// Whether a step that was left out for this reason stands against the document.
    pub(super) const fn insists(&self, check: Check, why: Why) -> bool {
        match why {
            // Nothing is cut off without an earlier failure; if it were, it must not count as a pass.
            Why::EarlierFailure => true,
            Why::NotApplicable | Why::NoDeviceSigned | Why::NoRequest | Why::NoStatusReference => false,
            Why::Pinned => false,
            Why::NoTranscript | Why::NoReaderKey => {
                self.evidence_required && matches!(check, Check::DeviceAuthentication)
            }
            Why::NoRevocationList | Why::RevocationUndetermined => {
                (self.evidence_required || self.revocation_required) && matches!(check, Check::DsRevocation)
            }
            Why::StatusNotFetched
            | Why::StatusSkipped
            | Why::StatusUnsupported
            | Why::StatusMalformed
            | Why::StatusSubject
            | Why::StatusSigner
            | Why::StatusSignature
            | Why::StatusTime
            | Why::StatusIndex
            | Why::StatusIssuerUnknown => matches!(self.status, StatusPolicy::Require),
        }
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self::STANDARD
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_must_be_known_of_the_signer_is_a_choice_of_its_own() {
        let required = Policy::STANDARD.with_revocation_required(true);
        for why in [Why::NoRevocationList, Why::RevocationUndetermined] {
            assert!(!Policy::STANDARD.insists(Check::DsRevocation, why));
            assert!(required.insists(Check::DsRevocation, why));
            assert!(Policy::STRICT.insists(Check::DsRevocation, why));
        }
        for why in [Why::NoTranscript, Why::NoReaderKey] {
            assert!(!required.insists(Check::DeviceAuthentication, why));
            assert!(Policy::STRICT.insists(Check::DeviceAuthentication, why));
        }
    }
}
