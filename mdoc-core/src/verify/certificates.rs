//! The steps about the certificates of the issuer's signature.

use super::check::Check;
use super::reason::{Code, Detail, Reason, Why};
use super::report::Steps;
use super::{Inputs, MDL_DOC_TYPE};
use crate::cose::Sign1;
use crate::x509::Certificate;
use crate::x509::path::{self, BrokenPath, Path, TrustAnchor};
use crate::x509::profile::{self, Finding, Role, Rule};
use crate::x509::revocation::{PathRevocation, evaluate_path};

/// The certificates of the signature, leaf first; none if one of them does not decode.
pub(super) fn chain(issuer_auth: &Sign1<'_>, steps: &mut Steps) -> Option<Vec<Certificate>> {
    let encoded = match issuer_auth.x5chain() {
        None => {
            steps.find(Code::X5chainMissing, Detail::None);
            return None;
        }
        Some(Err(error)) => {
            steps.find(Code::X5chainMalformed, Detail::Decode(error));
            return None;
        }
        Some(Ok(encoded)) => encoded,
    };
    let mut chain = Vec::with_capacity(encoded.len());
    for (index, der) in encoded.iter().enumerate() {
        match Certificate::from_der(der) {
            Ok(certificate) => chain.push(certificate),
            Err(error) => {
                steps.find(
                    Code::X5chainMalformed,
                    Detail::Text(format!("certificate {index}: {error}")),
                );
                return None;
            }
        }
    }
    steps.pass(Check::X5chain);
    Some(chain)
}

/// Path, validity, profile, country and revocation of the chain that signed a document of that type.
pub(super) fn inspect(chain: &[Certificate], doc_type: Option<&str>, steps: &mut Steps, inputs: &Inputs<'_>) {
    let Some(ds) = chain.first() else { return };
    let anchor = path(chain, doc_type, steps, inputs);
    validity(ds, [Code::DsNotYetValid, Code::DsExpired], steps, inputs);
    document_signer(ds, anchor, doc_type, steps);
    match anchor {
        Some(Found::Issuer(anchor, intermediates)) => {
            validity(
                &anchor.certificate,
                [Code::IacaNotYetValid, Code::IacaExpired],
                steps,
                inputs,
            );
            iaca(&anchor.certificate, steps);
            revocation(ds, intermediates, &anchor.certificate, steps, inputs);
        }
        Some(Found::Pinned(_)) => {
            for check in [
                Check::IacaValidity,
                Check::IacaProfile,
                Check::CertificateCountry,
                Check::DsRevocation,
            ] {
                if !steps.has(check) {
                    steps.not_done(check, Why::Pinned);
                }
            }
        }
        None => {}
    }
    if let (Some(Found::Issuer(anchor, _) | Found::Pinned(anchor)), Some(doc_type)) = (anchor, doc_type) {
        if anchor.permits(doc_type) {
            steps.pass(Check::AnchorDocType);
        } else {
            steps.find(Code::AnchorDocType, Detail::Text(doc_type.to_owned()));
        }
    }
}

/// The anchor that a chain ends in.
#[derive(Clone, Copy)]
enum Found<'a> {
    /// A certificate that issued others, and those between, the signer's own issuer first.
    Issuer(&'a TrustAnchor, &'a [Certificate]),
    /// The document signer's own.
    Pinned(&'a TrustAnchor),
}

fn path<'a>(
    chain: &'a [Certificate],
    doc_type: Option<&str>,
    steps: &mut Steps,
    inputs: &Inputs<'a>,
) -> Option<Found<'a>> {
    match path::find_for(doc_type, chain, inputs.anchors, inputs.now, inputs.backend) {
        Path::Anchored {
            anchor,
            intermediates,
        } => {
            let anchor = inputs.anchors.iter().find(|known| *known == anchor)?;
            if intermediates.is_empty() {
                steps.pass(Check::DsChain);
            } else {
                let count = format!("{} of them", intermediates.len());
                steps.find(Code::ChainIntermediates, Detail::Text(count));
            }
            Some(Found::Issuer(anchor, intermediates))
        }
        Path::Pinned { anchor } => {
            let anchor = inputs.anchors.iter().find(|known| *known == anchor)?;
            steps.find(
                Code::ChainPinned,
                Detail::Text(anchor.certificate.subject().to_string()),
            );
            Some(Found::Pinned(anchor))
        }
        Path::Broken(broken) => {
            let code = match broken {
                BrokenPath::NoAnchor { .. } | BrokenPath::Empty => Code::ChainUntrusted,
                BrokenPath::BadSignature { .. } | BrokenPath::UnusableAnchor { .. } => Code::ChainSignature,
                _ => Code::ChainBroken,
            };
            steps.find(code, Detail::Path(broken));
            None
        }
    }
}

fn validity(certificate: &Certificate, [early, late]: [Code; 2], steps: &mut Steps, inputs: &Inputs<'_>) {
    let (from, until, at) = (certificate.not_before(), certificate.not_after(), inputs.now);
    if at < from {
        steps.find(early, Detail::Time { limit: from, at });
    } else if at > until {
        steps.find(late, Detail::Time { limit: until, at });
    } else {
        steps.pass(early.check());
    }
}

fn document_signer(ds: &Certificate, anchor: Option<Found<'_>>, doc_type: Option<&str>, steps: &mut Steps) {
    let mdl = doc_type == Some(MDL_DOC_TYPE);
    let (issuer, root) = match anchor {
        Some(Found::Issuer(anchor, intermediates)) => {
            let root = &anchor.certificate;
            (Some(intermediates.first().unwrap_or(root)), Some(root))
        }
        _ => (None, None),
    };
    let mut checks = vec![
        Check::DsCriticalExtensions,
        Check::DsKeyUsage,
        Check::DsKeyUsageCritical,
        Check::DsExtendedKeyUsageCritical,
        Check::DsProfile,
    ];
    // Only a driving licence needs the purpose of its signer; the country is compared with the anchor's.
    if mdl {
        checks.push(Check::DsExtendedKeyUsage);
    }
    if issuer.is_some() {
        checks.push(Check::CertificateCountry);
    }
    let role = Role::DocumentSigner { mdl };
    let of_place = |finding: &Finding| signer_check(finding.rule) == Check::CertificateCountry;
    let mut findings = profile::check(role, ds, issuer);
    // Identifiers refer to the issuer of the certificate; the country is compared with what is trusted. Without
    // an anchor it has nothing to be compared with.
    if issuer != root || root.is_none() {
        findings.retain(|finding| !of_place(finding));
    }
    if issuer != root {
        findings.extend(profile::check(role, ds, root).into_iter().filter(of_place));
    }
    for finding in findings {
        steps.reason(signer_check(finding.rule), Reason::profile(finding, false));
    }
    for check in checks {
        steps.pass_unless_found(check);
    }
    if !steps.has(Check::DsExtendedKeyUsage) {
        steps.not_done(Check::DsExtendedKeyUsage, Why::NotApplicable);
    }
}

const fn signer_check(rule: Rule) -> Check {
    match rule {
        Rule::CriticalExtension => Check::DsCriticalExtensions,
        Rule::DsKeyUsage | Rule::DsKeyUsageExact => Check::DsKeyUsage,
        Rule::DsKeyUsageCritical => Check::DsKeyUsageCritical,
        Rule::DsEku | Rule::DsEkuForeign => Check::DsExtendedKeyUsage,
        Rule::DsEkuCritical => Check::DsExtendedKeyUsageCritical,
        Rule::Country | Rule::State | Rule::StatePresence => Check::CertificateCountry,
        _ => Check::DsProfile,
    }
}

fn iaca(certificate: &Certificate, steps: &mut Steps) {
    let findings: Vec<Finding> = profile::check(Role::IacaRoot, certificate, None);
    for finding in findings {
        steps.reason(Check::IacaProfile, Reason::profile(finding, true));
    }
    steps.pass_unless_found(Check::IacaProfile);
}

/// Every certificate of the path but the anchor, by the lists of its issuer.
fn revocation(
    ds: &Certificate,
    intermediates: &[Certificate],
    root: &Certificate,
    steps: &mut Steps,
    inputs: &Inputs<'_>,
) {
    let (lists, now, backend) = (inputs.revocation_lists, inputs.now, inputs.backend);
    match evaluate_path(ds, intermediates, root, lists, now, backend) {
        PathRevocation::Good => steps.pass(Check::DsRevocation),
        PathRevocation::Revoked(certificate) => {
            let subject = certificate.subject().to_string();
            steps.find(Code::DsRevoked, Detail::Text(subject));
        }
        PathRevocation::NoLists => steps.not_done(Check::DsRevocation, Why::NoRevocationList),
        PathRevocation::Undetermined => steps.not_done(Check::DsRevocation, Why::RevocationUndetermined),
    }
}
