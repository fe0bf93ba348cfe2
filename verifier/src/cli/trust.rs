//! The options that name whom to trust, and by what lists of authorities are judged.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, ValueEnum};
use mdoc_cli::input::Input;
use mdoc_cli::system::SystemClock;
use mdoc_cli::trust::{Anchors, ListTrust, anchors_with_lists};
use mdoc_cli::{Failure, args};
use mdoc_core::seams::Clock as _;
use mdoc_core::time::Timestamp;
use mdoc_core::verify::Policy;
use mdoc_core::x509::revocation::RevocationList;

/// Clocks of issuer and verifier may be this far apart when the present time is used.
const LIVE_SKEW: Duration = Duration::from_secs(30);

/// Whom to trust.
#[derive(Args)]
pub(super) struct TrustArguments {
    /// IACA certificate, list of them (VICAL), or folder of both; may be given more than once.
    #[arg(long, value_name = "FILE|DIR", required = true)]
    trust: Vec<PathBuf>,
    /// Root certificate of a VICAL's provider, or folder of them; may be given more than once.
    #[arg(long, value_name = "FILE|DIR")]
    vical_root: Vec<PathBuf>,
    /// Folder that keeps the last accepted VICAL of each provider, so that an older one is refused.
    #[arg(long, value_name = "DIR")]
    vical_state: Option<PathBuf>,
}

impl TrustArguments {
    /// The anchors, of certificates and of lists.
    ///
    /// # Errors
    /// [`Failure`] for the first file that cannot be read or list that is not accepted.
    pub(super) fn anchors(
        &self,
        judged: &Judged,
        revocation_lists: &[RevocationList],
    ) -> Result<Anchors, Failure> {
        let trust = ListTrust {
            roots: &self.vical_root,
            store: self.vical_state.as_deref(),
            now: judged.now,
            policy: judged.policy,
            revocation_lists,
        };
        anchors_with_lists(&self.trust, &trust)
    }
}

/// What everything is judged by.
#[derive(Args)]
pub(super) struct JudgeArguments {
    /// Judge by this instant [default: now].
    #[arg(long, value_name = "RFC3339", value_parser = args::instant)]
    at: Option<Timestamp>,
    /// How far clocks may be apart [default: 30s, and none with --at].
    #[arg(long, value_name = "DURATION", value_parser = args::duration)]
    skew: Option<Duration>,
    /// Revocation list, PEM or DER; may be given more than once.
    #[arg(long, value_name = "FILE")]
    crl: Vec<PathBuf>,
}

/// What is not of an issuer's making.
#[derive(Args)]
pub(super) struct PolicyArguments {
    /// What real issuers get wrong without harm is a warning (standard) or rejects, as what is missing
    /// does (strict).
    #[arg(long, value_enum, default_value_t = PolicyName::Standard)]
    policy: PolicyName,
}

#[derive(Clone, Copy, ValueEnum)]
enum PolicyName {
    // No documentation comments: they would spread the help of all options over three lines each.
    Standard,
    Strict,
}

/// An instant and a policy.
pub(super) struct Judged {
    pub(super) now: Timestamp,
    pub(super) policy: Policy,
}

impl JudgeArguments {
    /// The instant and the policy, with the clock skew.
    pub(super) fn judged(&self, policy: &PolicyArguments) -> Judged {
        let live = if self.at.is_none() {
            LIVE_SKEW
        } else {
            Duration::ZERO
        };
        let policy = match policy.policy {
            PolicyName::Standard => Policy::STANDARD,
            PolicyName::Strict => Policy::STRICT,
        };
        Judged {
            now: self.at.unwrap_or_else(|| SystemClock.now()),
            policy: policy.with_clock_skew(self.skew.unwrap_or(live)),
        }
    }

    /// The revocation lists.
    ///
    /// # Errors
    /// [`Failure`] that names the first file that is none.
    pub(super) fn revocation_lists(&self) -> Result<Vec<RevocationList>, Failure> {
        self.crl.iter().map(|path| revocation_list(path)).collect()
    }
}

fn revocation_list(path: &Path) -> Result<RevocationList, Failure> {
    let input = Input::read(path)?;
    let wrong = || {
        input
            .not("a revocation list")
            .hint("give a CRL of RFC 5280, in PEM or DER")
    };
    let of_another_kind = !matches!(input.kind(), "a PEM file" | "a certificate or key in DER");
    RevocationList::from_bytes(&input.bytes).map_err(|error| {
        if of_another_kind {
            return wrong();
        }
        Failure::new(format!("{} is not a revocation list: {error}", input.name))
            .hint("give a CRL of RFC 5280, in PEM or DER")
    })
}
