//! The steps of checking a list.

use super::check::Check;
use super::decode::{SignedVical, Vical};
use super::entries;
use super::reason::{Code, Detail, Reason, Why};
use super::report::{Report, Steps};
use crate::cose::CoseFault;
use crate::crypto::{Backend, CryptoError, DigestAlgorithm, RustCrypto, fastest};
use crate::limits::Limits;
use crate::time::Timestamp;
use crate::verify::Policy;
use crate::x509::Certificate;
use crate::x509::path::{self, BrokenPath, Path, TrustAnchor};
use crate::x509::profile::{self, Role};
use crate::x509::revocation::{Evidence, PathRevocation, RevocationList, evaluate_path};

/// What a list is judged by. The bytes under test are not among it.
#[derive(Clone, Copy)]
pub struct Inputs<'a> {
    /// The roots of providers that were configured. A root that comes with the list counts for nothing.
    pub roots: &'a [TrustAnchor],
    /// The instant to judge by.
    pub now: Timestamp,
    /// What decides where there is a choice; its clock skew is used for the date of the list.
    pub policy: Policy,
    /// What is known of the list of the same provider that was accepted last, if there was one.
    pub stored: Option<&'a Known>,
    /// Revocation lists at hand, for the signer's certificate.
    pub revocation_lists: &'a [RevocationList],
    /// Bounds on the input.
    pub limits: Limits,
    /// Who computes.
    pub backend: &'a dyn Backend,
}

impl<'a> Inputs<'a> {
    /// The least that is needed; the rest is none or default, to be set by field.
    #[must_use]
    pub fn new(roots: &'a [TrustAnchor], now: Timestamp) -> Self {
        Self {
            roots,
            now,
            policy: Policy::STANDARD,
            stored: None,
            revocation_lists: &[],
            limits: Limits::VICAL,
            backend: fastest(),
        }
    }
}

/// What tells an older list from a newer one of the same provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Who made the list.
    pub provider: String,
    /// The number of the issue.
    pub issue_id: Option<u64>,
    /// When it was made.
    pub date: Timestamp,
    /// SHA-256 of what is signed, as received.
    pub payload: [u8; 32],
}

impl Known {
    /// What is to be remembered of a list that was accepted.
    #[must_use]
    pub fn of(list: &SignedVical<'_>) -> Self {
        let vical = list.vical();
        let digest = RustCrypto.digest(DigestAlgorithm::Sha256, &[list.payload()]);
        Self {
            provider: vical.provider.clone(),
            issue_id: vical.issue_id,
            date: vical.date,
            payload: digest.as_ref().try_into().unwrap_or_default(),
        }
    }
}

/// Checks a received list.
///
/// Runs every step it can and never stops at the first failure. Trust comes from [`Inputs::roots`] alone.
#[must_use]
pub fn verify(bytes: &[u8], inputs: &Inputs<'_>) -> Report {
    match SignedVical::decode(bytes, &inputs.limits) {
        Ok(list) => verify_decoded(list, inputs),
        Err(error) => Steps::new(inputs.policy).unreadable(error),
    }
}

fn verify_decoded(list: SignedVical<'_>, inputs: &Inputs<'_>) -> Report {
    let mut steps = Steps::new(inputs.policy);
    for check in [Check::Decode, Check::Structure, Check::Version] {
        steps.pass(check);
    }
    form(&list, &mut steps);
    if let Some(chain) = chain(&list, &mut steps) {
        signer(&chain, &mut steps, inputs);
        signature(&list, &chain, &mut steps, inputs);
    }
    times(list.vical(), &mut steps, inputs);
    rollback(&list, &mut steps, inputs);
    entries::inspect(list.vical(), &mut steps, inputs.now);
    steps.finish(Some(list.into_vical()))
}

fn form(list: &SignedVical<'_>, steps: &mut Steps) {
    let shape = list.shape();
    if shape.indefinite + shape.not_shortest > 0 {
        let counts = format!(
            "{} indefinite, {} not the shortest",
            shape.indefinite, shape.not_shortest
        );
        steps.find(Reason::new(Code::NotPreferred, Detail::Text(counts)));
    }
    if list.sign1().tagged() {
        steps.find(Reason::new(Code::Tagged, Detail::None));
    }
    if list.sign1().x5chain_is_protected() {
        steps.find(Reason::new(Code::X5chainProtected, Detail::None));
    }
    steps.pass_unless_found(Check::Encoding);
}

fn chain(list: &SignedVical<'_>, steps: &mut Steps) -> Option<Vec<Certificate>> {
    let encoded = match list.sign1().x5chain() {
        None => {
            steps.find(Reason::new(Code::X5chainMissing, Detail::None));
            return None;
        }
        Some(Err(error)) => {
            steps.find(Reason::new(Code::X5chainMalformed, Detail::Decode(error)));
            return None;
        }
        Some(Ok(encoded)) => encoded,
    };
    let mut chain = Vec::with_capacity(encoded.len());
    for (index, der) in encoded.iter().enumerate() {
        match Certificate::from_der(der) {
            Ok(certificate) => chain.push(certificate),
            Err(error) => {
                let text = format!("certificate {index}: {error}");
                steps.find(Reason::new(Code::X5chainMalformed, Detail::Text(text)));
                return None;
            }
        }
    }
    steps.pass(Check::X5chain);
    Some(chain)
}

/// Path, validity, profile and revocation of the signer's certificate.
fn signer(chain: &[Certificate], steps: &mut Steps, inputs: &Inputs<'_>) {
    let Some(signer) = chain.first() else { return };
    validity(
        signer,
        [Code::SignerNotYetValid, Code::SignerExpired],
        steps,
        inputs,
    );
    let mut issuer = None;
    match path::find(chain, inputs.roots, inputs.now, inputs.backend) {
        Path::Anchored {
            anchor,
            intermediates,
        } => {
            steps.pass(Check::SignerChain);
            let root = &anchor.certificate;
            validity(root, [Code::RootNotYetValid, Code::RootExpired], steps, inputs);
            revocation(signer, intermediates, root, steps, inputs);
            issuer = Some(intermediates.first().unwrap_or(root));
        }
        Path::Pinned { anchor } => {
            let subject = anchor.certificate.subject().to_string();
            steps.find(Reason::new(Code::ChainPinned, Detail::Text(subject)));
            for check in [Check::RootValidity, Check::SignerRevocation] {
                steps.not_done(check, Why::Pinned);
            }
        }
        Path::Broken(broken) => {
            let code = match broken {
                BrokenPath::NoAnchor { .. } | BrokenPath::Empty => Code::ChainUntrusted,
                BrokenPath::BadSignature { .. }
                | BrokenPath::UnusableAnchor { .. }
                | BrokenPath::TooManyAnchors { .. } => Code::ChainSignature,
                _ => Code::ChainBroken,
            };
            steps.find(Reason::new(code, Detail::Path(broken)));
        }
    }
    for finding in profile::check(Role::VicalSigner, signer, issuer) {
        steps.find(Reason::signer(finding));
    }
    steps.pass_unless_found(Check::SignerProfile);
}

fn validity(certificate: &Certificate, [early, late]: [Code; 2], steps: &mut Steps, inputs: &Inputs<'_>) {
    let (from, until, at) = (certificate.not_before(), certificate.not_after(), inputs.now);
    if at < from {
        steps.find(Reason::new(early, Detail::Time { limit: from, at }));
    } else if at > until {
        steps.find(Reason::new(late, Detail::Time { limit: until, at }));
    } else {
        steps.pass(early.check());
    }
}

/// Every certificate of the path but the root, by the lists of its issuer.
fn revocation(
    signer: &Certificate,
    intermediates: &[Certificate],
    root: &Certificate,
    steps: &mut Steps,
    inputs: &Inputs<'_>,
) {
    let (lists, now, backend) = (inputs.revocation_lists, inputs.now, inputs.backend);
    let evidence = Evidence::lists(lists);
    match evaluate_path(signer, intermediates, root, evidence, now, backend) {
        PathRevocation::Good => steps.pass(Check::SignerRevocation),
        PathRevocation::Revoked(certificate) => {
            let subject = certificate.subject().to_string();
            steps.find(Reason::new(Code::SignerRevoked, Detail::Text(subject)));
        }
        PathRevocation::NoLists => steps.not_done(Check::SignerRevocation, Why::NoRevocationList),
        PathRevocation::Undetermined => steps.not_done(Check::SignerRevocation, Why::RevocationUndetermined),
    }
}

fn signature(list: &SignedVical<'_>, chain: &[Certificate], steps: &mut Steps, inputs: &Inputs<'_>) {
    let Some(signer) = chain.first() else { return };
    let key = match signer.public_key() {
        Ok(key) => key,
        Err(why) => {
            steps.find(Reason::new(Code::SignerKey, Detail::Text(why.to_string())));
            return;
        }
    };
    match list.sign1().verify(&key, list.payload(), inputs.backend) {
        Ok(()) => {
            steps.pass(Check::Algorithm);
            steps.pass(Check::Signature);
        }
        Err(fault) => {
            let code = match fault {
                CoseFault::AlgorithmMissing => Code::AlgMissing,
                CoseFault::AlgorithmUnknown(_) => Code::AlgUnsupported,
                CoseFault::AlgorithmCurve(..) => Code::AlgCurve,
                CoseFault::Crypto(CryptoError::SignatureLength { .. }) => Code::SignatureForm,
                _ => Code::SignatureInvalid,
            };
            if code.check() == Check::Signature {
                steps.pass(Check::Algorithm);
            }
            steps.find(Reason::new(code, Detail::Cose(fault)));
        }
    }
}

fn times(vical: &Vical, steps: &mut Steps, inputs: &Inputs<'_>) {
    let (at, skew) = (inputs.now, inputs.policy.clock_skew);
    if vical.date > at.plus(skew) {
        let limit = vical.date;
        steps.find(Reason::new(Code::DateFuture, Detail::Time { limit, at }));
    }
    steps.pass_unless_found(Check::Date);
    for (limit, code, why) in [
        (vical.not_after, Code::NotAfter, Why::NoNotAfter),
        (vical.next_update, Code::NextUpdate, Why::NoNextUpdate),
    ] {
        match limit {
            None => steps.not_done(code.check(), why),
            Some(limit) if at.minus(skew) > limit => {
                steps.find(Reason::new(code, Detail::Time { limit, at }));
            }
            Some(_) => steps.pass(code.check()),
        }
    }
}

fn rollback(list: &SignedVical<'_>, steps: &mut Steps, inputs: &Inputs<'_>) {
    let vical = list.vical();
    let Some(stored) = inputs.stored.filter(|stored| stored.provider == vical.provider) else {
        steps.not_done(Check::Rollback, Why::NoStoredList);
        return;
    };
    if let (Some(found), Some(known)) = (vical.issue_id, stored.issue_id)
        && found < known
    {
        let detail = Detail::Differs {
            found: found.to_string(),
            expected: format!("at least {known}"),
        };
        steps.find(Reason::new(Code::RollbackIssue, detail));
    }
    if vical.date < stored.date {
        let detail = Detail::Differs {
            found: vical.date.to_string(),
            expected: format!("{} or later", stored.date),
        };
        steps.find(Reason::new(Code::RollbackDate, detail));
    }
    // A list without its number, after one that had it, would escape the comparison of numbers.
    let same_issue =
        vical.issue_id == stored.issue_id || vical.issue_id.is_none() || stored.issue_id.is_none();
    if same_issue && vical.date == stored.date && Known::of(list).payload != stored.payload {
        steps.find(Reason::new(Code::RollbackContent, Detail::None));
    }
    steps.pass_unless_found(Check::Rollback);
}
