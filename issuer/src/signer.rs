//! The document signer: a certificate that keeps its profile, and the key that belongs to it.

mod set;

use core::fmt;

use mdoc_core::crypto::equal_in_constant_time;
use mdoc_core::seams::Signer;
use mdoc_core::time::Timestamp;
use mdoc_core::x509::profile::{self, Finding, Role, Weight};
use mdoc_core::x509::{Certificate, UnusableKey};

pub use self::set::{AHEAD, Chosen, NearExpiry, NoSigner, SignerSet, Wanted};
use crate::format::fill::IssuerFacts;

/// A certificate and its key, fit to sign documents of one kind. Having one says that the certificate
/// keeps its profile and matches the key; the times are looked at when a document is signed.
pub struct DocumentSigner<'a> {
    certificate: Certificate,
    key: &'a dyn Signer,
    warnings: Vec<Finding>,
}

/// What to do about a certificate that differs from its profile in ways that readers tolerate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deviations {
    /// Refuse it, the default.
    Refuse,
    /// Sign all the same, with a warning each.
    Warn,
}

/// Why a certificate cannot sign documents.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignerFault {
    /// It belongs to another key.
    OtherKey,
    /// Its key cannot be used.
    Key(UnusableKey),
    /// It breaks rules of its profile, all of them named.
    Profile(Vec<Finding>),
    /// It is not valid yet.
    NotYetValid {
        /// From when on it is.
        not_before: Timestamp,
    },
    /// It is not valid any more.
    Expired {
        /// Until when it was.
        not_after: Timestamp,
    },
    /// The document would outlive it.
    DocumentOutlives {
        /// Until when the document would be valid.
        valid_until: Timestamp,
        /// Until when the certificate is.
        not_after: Timestamp,
    },
}

impl fmt::Display for SignerFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherKey => f.write_str("the signing key does not belong to the signer's certificate"),
            Self::Key(why) => write!(f, "the key in the signer's certificate cannot be used: {why}"),
            Self::Profile(findings) => {
                f.write_str("the signer's certificate breaks its profile")?;
                for finding in findings {
                    write!(f, "\n  {finding} ({})", finding.rule.clause())?;
                }
                Ok(())
            }
            Self::NotYetValid { not_before } => {
                write!(f, "the signer's certificate is not valid before {not_before}")
            }
            Self::Expired { not_after } => write!(f, "the signer's certificate expired at {not_after}"),
            Self::DocumentOutlives {
                valid_until,
                not_after,
            } => write!(
                f,
                "the document would be valid until {valid_until}, after the signer's certificate expires \
                 at {not_after}"
            ),
        }
    }
}

impl core::error::Error for SignerFault {}

impl<'a> DocumentSigner<'a> {
    /// Puts a certificate and its key together for documents of that type.
    ///
    /// # Errors
    /// [`SignerFault`] with every rule of the profile that is broken, or if the key is another one.
    pub fn new(
        certificate: Certificate,
        key: &'a dyn Signer,
        doc_type: &str,
        deviations: Deviations,
    ) -> Result<Self, SignerFault> {
        let certified = certificate.public_key().map_err(SignerFault::Key)?;
        let held = key.public_key();
        if certified.curve() != held.curve() || !equal_in_constant_time(certified.as_bytes(), held.as_bytes())
        {
            return Err(SignerFault::OtherKey);
        }
        let warnings = judge(&certificate, doc_type, deviations)?;
        Ok(Self {
            certificate,
            key,
            warnings,
        })
    }

    /// The certificate.
    #[must_use]
    pub const fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// Deviations from the profile that were let pass.
    #[must_use]
    pub fn warnings(&self) -> &[Finding] {
        &self.warnings
    }

    pub(crate) const fn key(&self) -> &dyn Signer {
        self.key
    }

    /// Checks that the certificate is valid when the document is signed, and as long as the document.
    ///
    /// # Errors
    /// [`SignerFault`] with the instants that decide.
    pub fn check_times(&self, signed: Timestamp, valid_until: Timestamp) -> Result<(), SignerFault> {
        within(&self.certificate, signed, valid_until)
    }

    /// What the certificate says of the issuer; documents have to say the same.
    #[must_use]
    pub fn facts(&self, authority: Option<&str>) -> IssuerFacts {
        let subject = self.certificate.subject();
        IssuerFacts {
            country: subject.country().unwrap_or_default(),
            jurisdiction: subject.state_or_province(),
            authority: authority.map(str::to_owned),
        }
    }
}

/// Judges a certificate by the profile of signers for that type; gives the deviations that are let pass.
fn judge(
    certificate: &Certificate,
    doc_type: &str,
    deviations: Deviations,
) -> Result<Vec<Finding>, SignerFault> {
    let mdl = doc_type == mdoc_core::verify::MDL_DOC_TYPE;
    let findings = profile::check(Role::DocumentSigner { mdl }, certificate, None);
    let refused = |finding: &Finding| finding.weight() == Weight::Hard || deviations == Deviations::Refuse;
    let (refused, warnings): (Vec<_>, Vec<_>) = findings.into_iter().partition(refused);
    if refused.is_empty() {
        Ok(warnings)
    } else {
        Err(SignerFault::Profile(refused))
    }
}

/// Whether a certificate is valid when a document is signed, and as long as the document.
fn within(certificate: &Certificate, signed: Timestamp, valid_until: Timestamp) -> Result<(), SignerFault> {
    let (not_before, not_after) = (certificate.not_before(), certificate.not_after());
    if signed < not_before {
        Err(SignerFault::NotYetValid { not_before })
    } else if signed > not_after {
        Err(SignerFault::Expired { not_after })
    } else if valid_until > not_after {
        Err(SignerFault::DocumentOutlives {
            valid_until,
            not_after,
        })
    } else {
        Ok(())
    }
}

/// `docs/cloud-keys.md` is compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../../docs/cloud-keys.md")]
struct CloudKeys;
