//! What decides where the standard leaves a choice, or real issuers deviate from it.

use core::time::Duration;

use super::check::Check;
use super::reason::Why;

/// A named policy. What it never changes: a hard fault rejects, and a step not done is not a pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// The name, for reports.
    pub name: &'static str,
    /// Whether a deviation (a fault with the weight of that name) rejects; otherwise it is a warning.
    pub deviations_reject: bool,
    /// Whether evidence that may be missing must be there: revocation of the signer's certificate, status
    /// of the document, and the device authentication of everything but an issued document alone.
    pub evidence_required: bool,
    /// How far the clocks of issuer and verifier may be apart; used for validFrom and validUntil alone.
    pub clock_skew: Duration,
}

impl Policy {
    /// The default: what the standard calls for rejects; what real issuers get wrong without harm warns.
    pub const STANDARD: Self = Self {
        name: "standard",
        deviations_reject: false,
        evidence_required: false,
        clock_skew: Duration::ZERO,
    };

    /// Every rule of the profile rejects, and missing evidence too.
    pub const STRICT: Self = Self {
        name: "strict",
        deviations_reject: true,
        evidence_required: true,
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

    /// Whether a step that was left out for this reason stands against the document.
    pub(super) const fn insists(&self, check: Check, why: Why) -> bool {
        match why {
            // Nothing is cut off without an earlier failure; if it were, it must not count as a pass.
            Why::EarlierFailure => true,
            Why::NotApplicable | Why::NoDeviceSigned | Why::NoRequest | Why::NoStatusReference => false,
            Why::Pinned => false,
            Why::NoTranscript
            | Why::NoReaderKey
            | Why::NoRevocationList
            | Why::RevocationUndetermined
            | Why::StatusNotFetched => {
                self.evidence_required
                    && matches!(
                        check,
                        Check::DeviceAuthentication | Check::DsRevocation | Check::Status
                    )
            }
        }
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self::STANDARD
    }
}
