//! What an answer is worth.

use core::fmt;
use core::time::Duration;

use super::{CertificateStatus, OcspResponse, OcspStatus, SingleResponse};
use crate::crypto::{Backend, equal_in_constant_time};
use crate::time::{CLOCK_AHEAD, Timestamp};
use crate::x509::revocation::{Revocation, RevocationList};
use crate::x509::{Certificate, KeyUsage, SignatureError, UnusableKey, oid};

/// For how long after `thisUpdate` an answer without `nextUpdate` is believed that a certificate was not revoked.
///
/// Such a responder says that it has something newer at any time (RFC 6960, 4.2.2.1) and nothing of how old an answer may
/// be: so an old one could be shown for ever. A day is what browsers take (mozilla::pkix).
pub const LONGEST_WITHOUT_NEXT_UPDATE: Duration = Duration::from_secs(86_400);

/// What a response says of a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OcspAnswer {
    /// The response is authentic and current, and the certificate was not revoked.
    Good,
    /// The response is authentic and says that the certificate was revoked.
    Revoked {
        /// Since when.
        at: Timestamp,
    },
    /// The response says nothing to rely on.
    Undetermined(OcspUndetermined),
}

/// Why a response says nothing to rely on.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum OcspUndetermined {
    /// The certificate has another issuer than the one given.
    NotItsIssuer,
    /// The responder did not answer, and said why.
    NoAnswer(OcspStatus),
    /// Whoever answered is neither the issuer nor came with a certificate.
    UnknownResponder,
    /// The responder's certificate is of another issuer, or the issuer did not sign it.
    NotDelegated(Option<SignatureError>),
    /// The issuer certified the responder for something else: no OCSPSigning, or no digitalSignature.
    NotAResponder,
    /// The responder's certificate was not valid when it answered, or is not now.
    ResponderNotValid,
    /// The responder's certificate names neither a revocation list nor has ocsp-nocheck.
    ResponderUnchecked,
    /// The responder's certificate was revoked.
    ResponderRevoked,
    /// The key of the responder cannot be used.
    ResponderKey(UnusableKey),
    /// The signature of the response does not stand.
    Signature(SignatureError),
    /// The response has a critical extension that is not understood.
    CriticalExtension(String),
    /// The nonce of the request is not repeated.
    Nonce,
    /// The response is about other certificates.
    OtherCertificate,
    /// The responder does not know the certificate.
    Unknown,
    /// The answer is of later than now, by more than clocks differ.
    NotYetValid {
        /// Of when it is.
        this_update: Timestamp,
    },
    /// There is something newer; or the answer does not say when there will be, and is older than a day.
    Expired {
        /// When it was due.
        next_update: Option<Timestamp>,
    },
}

impl fmt::Display for OcspUndetermined {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotItsIssuer => f.write_str("the certificate has another issuer"),
            Self::NoAnswer(status) => write!(f, "the responder did not answer: {status}"),
            Self::UnknownResponder => {
                f.write_str("who answered is neither the issuer nor came with a certificate")
            }
            Self::NotDelegated(_) => f.write_str("the issuer did not certify the responder"),
            Self::NotAResponder => f.write_str("the responder is certified for something else"),
            Self::ResponderNotValid => f.write_str("the responder's certificate was not valid at that time"),
            Self::ResponderUnchecked => {
                f.write_str("whether the responder's certificate was revoked cannot be learnt")
            }
            Self::ResponderRevoked => f.write_str("the responder's certificate was revoked"),
            Self::ResponderKey(_) => f.write_str("the key of the responder cannot be used"),
            Self::Signature(_) => f.write_str("the signature of the response does not stand"),
            Self::CriticalExtension(oid) => {
                write!(f, "the response has the unknown critical extension {oid}")
            }
            Self::Nonce => f.write_str("the response does not repeat the nonce of the request"),
            Self::OtherCertificate => f.write_str("the response is about other certificates"),
            Self::Unknown => f.write_str("the responder does not know the certificate"),
            Self::NotYetValid { this_update } => {
                write!(f, "the answer is of {this_update}, which is to come")
            }
            Self::Expired {
                next_update: Some(due),
            } => write!(f, "a newer answer was due by {due}"),
            Self::Expired { next_update: None } => {
                f.write_str("the answer does not say how long it holds, and is older than a day")
            }
        }
    }
}

impl core::error::Error for OcspUndetermined {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::NotDelegated(Some(cause)) | Self::Signature(cause) => Some(cause),
            Self::ResponderKey(cause) => Some(cause),
            _ => None,
        }
    }
}

/// By what a response is judged.
#[derive(Clone, Copy)]
pub struct OcspCheck<'a> {
    /// The certificate in question.
    pub certificate: &'a Certificate,
    /// Its issuer, which is trusted.
    pub issuer: &'a Certificate,
    /// The nonce that was asked with; what was asked without is not compared.
    pub nonce: Option<&'a [u8]>,
    /// Revocation lists of the issuer, by which a responder may have been revoked.
    pub lists: &'a [RevocationList],
    /// The instant of the question.
    pub now: Timestamp,
}

impl OcspCheck<'_> {
    /// What the response says of the certificate.
    ///
    /// As with lists, revocation is believed even when a newer answer is due; that nothing is known against the
    /// certificate is believed only while the answer is current: until `nextUpdate`, or for
    /// [`LONGEST_WITHOUT_NEXT_UPDATE`] if it has none.
    #[must_use]
    pub fn judge(&self, response: &OcspResponse, backend: &dyn Backend) -> OcspAnswer {
        match self.answer(response, backend) {
            Err(why) => OcspAnswer::Undetermined(why),
            Ok(answer) => match answer.status {
                CertificateStatus::Revoked { at } => OcspAnswer::Revoked { at },
                CertificateStatus::Unknown => OcspAnswer::Undetermined(OcspUndetermined::Unknown),
                CertificateStatus::Good => {
                    let next_update = answer.next_update;
                    let newest = answer.this_update.plus(LONGEST_WITHOUT_NEXT_UPDATE);
                    if self.now <= next_update.unwrap_or(newest) {
                        OcspAnswer::Good
                    } else {
                        OcspAnswer::Undetermined(OcspUndetermined::Expired { next_update })
                    }
                }
            },
        }
    }

    /// Whether the issuer, or a responder that it certified, signed the response to this question; what it says
    /// of the certificate is not looked at.
    ///
    /// # Errors
    /// [`OcspUndetermined`] saying why it is not to be believed.
    pub fn trusted(&self, response: &OcspResponse, backend: &dyn Backend) -> Result<(), OcspUndetermined> {
        let basic = response
            .basic()
            .ok_or(OcspUndetermined::NoAnswer(response.status()))?;
        let responder = if basic.responder.is(self.issuer) {
            self.issuer
        } else {
            let came = basic.certificates.iter().find(|one| basic.responder.is(one));
            let came = came.ok_or(OcspUndetermined::UnknownResponder)?;
            self.delegated(came, basic.produced_at, backend)?;
            came
        };
        let key = responder.public_key().map_err(OcspUndetermined::ResponderKey)?;
        response
            .verify_signed_by(&key, backend)
            .map_err(OcspUndetermined::Signature)?;
        if let Some(oid) = &basic.critical {
            return Err(OcspUndetermined::CriticalExtension(oid.clone()));
        }
        if let Some(asked) = self.nonce
            && !equal_in_constant_time(asked, basic.nonce.as_deref().unwrap_or_default())
        {
            return Err(OcspUndetermined::Nonce);
        }
        Ok(())
    }

    fn answer<'r>(
        &self,
        response: &'r OcspResponse,
        backend: &dyn Backend,
    ) -> Result<&'r SingleResponse, OcspUndetermined> {
        if self.certificate.issuer_der() != self.issuer.subject_der() {
            return Err(OcspUndetermined::NotItsIssuer);
        }
        self.trusted(response, backend)?;
        let answers = response.answers();
        let about = |answer: &&SingleResponse| answer.id.is(self.certificate, self.issuer);
        let first = answers
            .iter()
            .find(about)
            .ok_or(OcspUndetermined::OtherCertificate)?;
        // If a response contradicts itself, the worse is believed.
        let revoked = |answer: &&SingleResponse| matches!(answer.status, CertificateStatus::Revoked { .. });
        let answer = answers.iter().filter(about).find(revoked).unwrap_or(first);
        if self.now.plus(CLOCK_AHEAD) < answer.this_update {
            return Err(OcspUndetermined::NotYetValid {
                this_update: answer.this_update,
            });
        }
        Ok(answer)
    }

    /// Whether the issuer certified that responder to answer for it (RFC 6960, 4.2.2.2).
    fn delegated(
        &self,
        responder: &Certificate,
        produced_at: Timestamp,
        backend: &dyn Backend,
    ) -> Result<(), OcspUndetermined> {
        if responder.issuer_der() != self.issuer.subject_der() {
            return Err(OcspUndetermined::NotDelegated(None));
        }
        let key = self.issuer.public_key().map_err(OcspUndetermined::ResponderKey)?;
        responder
            .verify_signed_by(&key, backend)
            .map_err(|why| OcspUndetermined::NotDelegated(Some(why)))?;
        let purpose = matches!(responder.extended_key_usage(),
            Some(Ok(purposes)) if purposes.contains(&oid::OCSP_SIGNING));
        let signs = match responder.key_usage() {
            Some(Ok(usage)) => usage.contains(KeyUsage::DIGITAL_SIGNATURE),
            Some(Err(_)) => false,
            None => true, // RFC 5280, 4.2.1.3: no limit
        };
        if !purpose || !signs || !responder.duplicate_extensions().is_empty() {
            return Err(OcspUndetermined::NotAResponder);
        }
        if let Some(oid) = super::super::profile::unknown_critical(responder) {
            return Err(OcspUndetermined::CriticalExtension(oid.to_string()));
        }
        if !responder.is_valid_at(produced_at) || !responder.is_valid_at(self.now) {
            return Err(OcspUndetermined::ResponderNotValid);
        }
        if responder.extension(oid::OCSP_NO_CHECK).is_some() {
            return Ok(());
        }
        if !matches!(responder.crl_distribution_points(), Some(Ok(points)) if !points.uris.is_empty()) {
            return Err(OcspUndetermined::ResponderUnchecked);
        }
        let revoked = self.lists.iter().any(|list| {
            matches!(
                list.evaluate(responder, self.issuer, self.now, backend),
                Revocation::Revoked { .. }
            )
        });
        if revoked {
            return Err(OcspUndetermined::ResponderRevoked);
        }
        Ok(())
    }
}
