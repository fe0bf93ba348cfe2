//! The steps about the certificates of the issuer's signature.

use core::cell::RefCell;
use std::borrow::Cow;
use std::sync::Arc;

use super::cache::{ChainCache, Known, Signature};
use super::check::Check;
use super::reason::{Code, Detail, Reason, Why};
use super::report::Steps;
use super::{Inputs, MDL_DOC_TYPE};
use crate::cose::Sign1;
use crate::x509::Certificate;
use crate::x509::path::{self, BrokenPath, Path, TrustAnchor};
use crate::x509::profile::{self, Finding, Role, Rule};
use crate::x509::revocation::{Evidence, PathRevocation, evaluate_path};

/// The certificates that came with a signature, leaf first, and what earlier verifications know of them.
pub(super) struct Chain {
    certificates: Certificates,
    /// Signatures that were found to hold now, and were not known before.
    learnt: RefCell<Vec<Signature>>,
}

/// Read for this verification, or known from another.
enum Certificates {
    Read(Vec<Certificate>),
    Known(Arc<Known>),
}

impl Chain {
    /// The certificates of the signature; none if one of them does not decode.
    pub(super) fn read(issuer_auth: &Sign1<'_>, steps: &mut Steps, inputs: &Inputs<'_>) -> Option<Self> {
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
        let known = inputs.known().and_then(|cache| cache.get(&encoded));
        let certificates = match known {
            Some(known) => Certificates::Known(known),
            None => Certificates::Read(certificates(&encoded, steps)?),
        };
        steps.pass(Check::X5chain);
        Some(Self {
            certificates,
            learnt: RefCell::default(),
        })
    }

    pub(super) fn certificates(&self) -> &[Certificate] {
        match &self.certificates {
            Certificates::Read(certificates) => certificates,
            Certificates::Known(known) => known.chain(),
        }
    }

    /// Whether the key of `issuer` made the signature on `certificate`: known, or found out.
    fn signed(&self, certificate: &Certificate, issuer: &Certificate, inputs: &Inputs<'_>) -> bool {
        if let Certificates::Known(known) = &self.certificates
            && known.signed(certificate, issuer)
        {
            return true;
        }
        let signed = path::signed(certificate, issuer, inputs.backend);
        if signed && inputs.cache.is_some() {
            let signature = Signature {
                certificate: certificate.clone(),
                issuer: issuer.clone(),
            };
            self.learnt.borrow_mut().push(signature);
        }
        signed
    }

    /// Leaves for the next verification what this one found out, if the chain leads to an anchor.
    fn remember(&self, intermediates: &[Certificate], inputs: &Inputs<'_>) {
        let learnt = self.learnt.take();
        if let Some(cache) = inputs.known()
            && !learnt.is_empty()
        {
            cache.add(self.certificates(), intermediates.len(), learnt);
        }
    }
}

impl<'a> Inputs<'a> {
    /// The cache, if it was made for the anchors to judge by.
    fn known(&self) -> Option<&'a ChainCache> {
        self.cache
            .filter(|cache| core::ptr::eq(cache.anchors(), self.anchors))
    }
}

fn certificates(encoded: &[Cow<'_, [u8]>], steps: &mut Steps) -> Option<Vec<Certificate>> {
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
    Some(chain)
}

/// Path, validity, profile, country and revocation of the chain that signed a document of that type.
///
/// Says who issued the signer's certificate, if that is trusted. Whatever the cache knows, the instant and the
/// revocation lists are those of this verification.
pub(super) fn inspect<'a>(
    chain: &'a Chain,
    doc_type: Option<&str>,
    steps: &mut Steps,
    inputs: &Inputs<'a>,
) -> Option<Issuer<'a>> {
    let ds = chain.certificates().first()?;
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
            chain.remember(intermediates, inputs);
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
    anchor.map(|anchor| match anchor {
        Found::Issuer(anchor, _) => Issuer::Iaca(&anchor.certificate),
        Found::Pinned(_) => Issuer::Unknown,
    })
}

/// Who issued the document signer's certificate, of one that is trusted.
#[derive(Clone, Copy)]
pub(super) enum Issuer<'a> {
    /// This authority, itself or by certificates between.
    Iaca(&'a Certificate),
    /// The document signer's certificate is the anchor, and nothing above it is known.
    Unknown,
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
    chain: &'a Chain,
    doc_type: Option<&str>,
    steps: &mut Steps,
    inputs: &Inputs<'a>,
) -> Option<Found<'a>> {
    let signed = |certificate: &Certificate, issuer: &Certificate| chain.signed(certificate, issuer, inputs);
    match path::find_with(
        doc_type,
        chain.certificates(),
        inputs.anchors,
        inputs.now,
        &signed,
    ) {
        Path::Anchored {
            anchor,
            intermediates,
        } => {
            if intermediates.is_empty() {
                steps.pass(Check::DsChain);
            } else {
                let count = format!("{} of them", intermediates.len());
                steps.find(Code::ChainIntermediates, Detail::Text(count));
            }
            Some(Found::Issuer(anchor, intermediates))
        }
        Path::Pinned { anchor } => {
            steps.find(
                Code::ChainPinned,
                Detail::Text(anchor.certificate.subject().to_string()),
            );
            Some(Found::Pinned(anchor))
        }
        Path::Broken(broken) => {
            let code = match broken {
                BrokenPath::NoAnchor { .. } | BrokenPath::Empty => Code::ChainUntrusted,
                BrokenPath::BadSignature { .. }
                | BrokenPath::UnusableAnchor { .. }
                | BrokenPath::TooManyAnchors { .. } => Code::ChainSignature,
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
    for check in [
        Check::DsCriticalExtensions,
        Check::DsKeyUsage,
        Check::DsKeyUsageCritical,
        Check::DsExtendedKeyUsageCritical,
        Check::DsProfile,
    ] {
        steps.pass_unless_found(check);
    }
    // Only a driving licence needs the purpose of its signer; the country is compared with the anchor's.
    if mdl {
        steps.pass_unless_found(Check::DsExtendedKeyUsage);
    } else if !steps.has(Check::DsExtendedKeyUsage) {
        steps.not_done(Check::DsExtendedKeyUsage, Why::NotApplicable);
    }
    if issuer.is_some() {
        steps.pass_unless_found(Check::CertificateCountry);
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
    for finding in certificate.findings_as_iaca() {
        steps.reason(Check::IacaProfile, Reason::profile(finding.clone(), true));
    }
    steps.pass_unless_found(Check::IacaProfile);
}

/// Every certificate of the path but the anchor, by the lists and the responders of its issuer.
fn revocation(
    ds: &Certificate,
    intermediates: &[Certificate],
    root: &Certificate,
    steps: &mut Steps,
    inputs: &Inputs<'_>,
) {
    let evidence = Evidence {
        lists: inputs.revocation_lists,
        answers: inputs.ocsp_answers,
    };
    match evaluate_path(ds, intermediates, root, evidence, inputs.now, inputs.backend) {
        PathRevocation::Good => steps.pass(Check::DsRevocation),
        PathRevocation::Revoked(certificate) => {
            let subject = certificate.subject().to_string();
            steps.find(Code::DsRevoked, Detail::Text(subject));
        }
        PathRevocation::NoLists => steps.not_done(Check::DsRevocation, Why::NoRevocationList),
        PathRevocation::Undetermined => steps.not_done(Check::DsRevocation, Why::RevocationUndetermined),
    }
}
