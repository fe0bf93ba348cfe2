//! Who signed a list, and whether they may.

use super::check::Judge;
use super::reason::{Code, Detail, Reason};
use super::token::Token;
use super::{Reference, Trust};
use crate::cose::CoseFault;
use crate::crypto::PublicKey;
use crate::x509::path::{self, Path, TrustAnchor};
use crate::x509::profile::{self, Role, is_foreign, may_issue};
use crate::x509::revocation::{Evidence, PathRevocation, evaluate_path};
use crate::x509::{Certificate, oid};

impl Judge<'_> {
    /// Checks that the list was signed by somebody who may.
    pub(super) fn signature(&mut self, token: &Token<'_>, reference: Reference<'_>) -> Result<(), Reason> {
        let issuer = match (self.inputs.trust, reference.certificate()) {
            (Trust::Key(key), _) => return self.signed_by(token, key),
            // What the document names is vouched for by who signed the document.
            (_, Some(der)) => Certificate::from_der(der)
                .map_err(|error| Reason::new(Code::TrustMalformed, Detail::Certificate(error)))?,
            (Trust::Issuer(iaca), None) => iaca.clone(),
            (Trust::Named, None) => return Err(Reason::plain(Code::TrustMissing)),
        };
        let mut chain = Vec::new();
        for der in token.certificates()? {
            let certificate = Certificate::from_der(&der)
                .map_err(|error| Reason::new(Code::X5chainMalformed, Detail::Certificate(error)))?;
            chain.push(certificate);
        }
        self.chain(&chain, TrustAnchor::new(issuer))?;
        let signer = chain.first().ok_or(Reason::plain(Code::X5chainMissing))?;
        let key = signer.key();
        let key = key.map_err(|why| Reason::text(Code::SignerKey, why.to_string()))?;
        self.signed_by(token, key)
    }

    fn signed_by(&self, token: &Token<'_>, key: &PublicKey) -> Result<(), Reason> {
        token.verify(key, self.inputs.backend).map_err(|fault| {
            let code = if fault.is_algorithm() {
                Code::Algorithm
            } else {
                Code::Signature
            };
            let detail = match fault {
                CoseFault::Crypto(crate::crypto::CryptoError::BadSignature) => Detail::None,
                fault => Detail::Cose(fault),
            };
            Reason::new(code, detail)
        })
    }

    /// Path, validity, profile and revocation of the signer's certificate.
    fn chain(&mut self, chain: &[Certificate], trusted: TrustAnchor) -> Result<(), Reason> {
        let anchors = [trusted];
        let (now, backend) = (self.inputs.now, self.inputs.backend);
        let signer = chain.first().ok_or(Reason::plain(Code::X5chainMissing))?;
        let issuer = match path::find(chain, &anchors, now, backend) {
            Path::Anchored {
                anchor,
                intermediates,
            } => {
                let root = &anchor.certificate;
                if !may_issue(root) {
                    return Err(Reason::text(Code::TrustNotCa, root.subject().to_string()));
                }
                self.valid(root, Code::TrustValidity)?;
                self.revocation(signer, intermediates, root)?;
                Some(intermediates.first().unwrap_or(root))
            }
            Path::Pinned { anchor } => {
                let subject = anchor.certificate.subject().to_string();
                self.find(Reason::text(Code::SignerPinned, subject))?;
                None
            }
            Path::Broken(broken) => return Err(Reason::new(Code::ChainUntrusted, Detail::Path(broken))),
        };
        self.valid(signer, Code::SignerValidity)?;
        for finding in profile::check(Role::StatusListSigner, signer, issuer) {
            self.find(Reason::new(Code::SignerProfile, Detail::Profile(finding)))?;
        }
        purposes(signer)
    }

    fn valid(&self, certificate: &Certificate, code: Code) -> Result<(), Reason> {
        let (from, until, at) = (certificate.not_before(), certificate.not_after(), self.inputs.now);
        let limit = if at < from { from } else { until };
        if certificate.is_valid_at(at) {
            Ok(())
        } else {
            Err(Reason::new(code, Detail::Time { limit, at }))
        }
    }

    /// Every certificate of the path but the anchor, by the lists of its issuer.
    fn revocation(
        &self,
        signer: &Certificate,
        intermediates: &[Certificate],
        root: &Certificate,
    ) -> Result<(), Reason> {
        let (policy, now) = (self.inputs.policy, self.inputs.now);
        let evidence = Evidence {
            lists: self.inputs.revocation_lists,
            answers: self.inputs.ocsp_answers,
        };
        match evaluate_path(signer, intermediates, root, evidence, now, self.inputs.backend) {
            PathRevocation::Revoked(certificate) => {
                let subject = certificate.subject().to_string();
                Err(Reason::text(Code::SignerRevoked, subject))
            }
            PathRevocation::NoLists | PathRevocation::Undetermined
                if policy.evidence_required || policy.revocation_required =>
            {
                Err(Reason::plain(Code::SignerRevocationUnknown))
            }
            PathRevocation::Good | PathRevocation::NoLists | PathRevocation::Undetermined => Ok(()),
        }
    }
}

/// A purpose is optional, and the number of the one that is meant is not settled. But who was certified to read
/// documents, or to serve pages, must not tell which of them were revoked.
fn purposes(signer: &Certificate) -> Result<(), Reason> {
    let Some(Ok(purposes)) = signer.extended_key_usage() else {
        return Ok(()); // none, or one that breaks the profile
    };
    let foreign = |purpose: &oid::Oid<'_>| {
        is_foreign(*purpose) || [oid::SERVER_AUTH, oid::CLIENT_AUTH].contains(purpose)
    };
    match purposes.iter().find(|purpose| foreign(purpose)) {
        Some(purpose) => Err(Reason::text(Code::SignerPurpose, purpose.to_string())),
        None => Ok(()),
    }
}
