//! Who asks: the reader authentication of a request (ISO/IEC 18013-5:2021, 9.1.4).

use core::cell::RefCell;
use core::fmt;

use mdoc_core::cose::{CoseFault, Sign1};
use mdoc_core::crypto::{Backend, PublicKey};
use mdoc_core::error::DecodeError;
use mdoc_core::time::Timestamp;
use mdoc_core::x509::path::{self, BrokenPath, Path, TrustAnchor};
use mdoc_core::x509::profile::{self, Finding, Role, Weight};
use mdoc_core::x509::{BadCertificate, Certificate, UnusableKey};

/// What is known of the reader that made a request.
#[derive(Debug, Clone, PartialEq)]
pub enum Reader {
    /// It did not sign. The mandatory elements of a driving licence may be shown to it all the same.
    Anonymous,
    /// It signed, with a certificate of somebody whom the wallet trusts.
    Trusted {
        /// The subject of its certificate.
        name: String,
        /// Deviations of its certificate from the profile.
        warnings: Vec<Finding>,
    },
    /// It signed, and there is nobody to vouch for the name in its certificate.
    Untrusted {
        /// The subject of its certificate, which anybody can write.
        name: String,
        /// Why it is not trusted.
        why: Distrust,
    },
    /// It signed, and the signature does not hold, or was not checked ([`ReaderFault::Effort`]): treat it as an attack,
    /// not as an anonymous reader.
    Failed(ReaderFault),
}

/// Why a reader whose signature holds is not trusted.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Distrust {
    /// Its certificate leads to no trusted reader CA.
    Path(BrokenPath),
    /// Its certificate, or that of the CA, is not valid now.
    NotValidNow,
    /// Its certificate is not one for readers.
    Profile(Vec<Finding>),
}

/// Why a reader's signature does not hold, or was not checked.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum ReaderFault {
    /// There are no certificates with it, or they do not decode.
    Certificates(Option<DecodeError>),
    /// A certificate does not decode.
    Certificate(BadCertificate),
    /// The key of the certificate cannot be used.
    Key(UnusableKey),
    /// The signature is not over this request in this session.
    Signature(CoseFault),
    /// It was not looked at: those before it took what one request may ask for
    /// ([`Limits::signatures`](mdoc_core::limits::Limits::signatures)).
    Effort,
}

impl fmt::Display for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anonymous => f.write_str("an unknown reader (it did not sign its request)"),
            Self::Trusted { name, .. } => write!(f, "{name} (trusted)"),
            Self::Untrusted { name, why } => {
                write!(f, "an untrusted reader that calls itself {name} ({why})")
            }
            Self::Failed(ReaderFault::Effort) => f.write_str(
                "a reader whose signature was not checked: the request has more signatures and certificates than is allowed",
            ),
            Self::Failed(fault) => {
                f.write_str("a reader whose signature does not hold: ")?;
                match fault {
                    ReaderFault::Certificates(None) => f.write_str("it has no certificates"),
                    ReaderFault::Certificates(Some(error)) => error.fmt(f),
                    ReaderFault::Certificate(error) => error.fmt(f),
                    ReaderFault::Key(error) => error.fmt(f),
                    ReaderFault::Signature(fault) => fault.fmt(f),
                    ReaderFault::Effort => Ok(()),
                }
            }
        }
    }
}

impl fmt::Display for Distrust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(broken) => broken.fmt(f),
            Self::NotValidNow => f.write_str("a certificate is not valid now"),
            Self::Profile(findings) => {
                f.write_str("the certificate is not one for readers")?;
                findings.iter().try_for_each(|finding| write!(f, "; {finding}"))
            }
        }
    }
}

/// Whom the wallet trusts to certify readers, and when.
#[derive(Clone, Copy)]
pub struct ReaderTrust<'a> {
    /// Certificates of reader CAs.
    pub anchors: &'a [TrustAnchor],
    /// The instant to judge by.
    pub now: Timestamp,
}

/// Judges the signatures of one request. A chain of certificates is looked at once, however many of them come with it.
pub(crate) struct Judge<'a> {
    trust: ReaderTrust<'a>,
    backend: &'a dyn Backend,
    known: RefCell<Vec<(Vec<Certificate>, Reader)>>,
}

impl<'a> Judge<'a> {
    pub(crate) const fn new(trust: ReaderTrust<'a>, backend: &'a dyn Backend) -> Self {
        Self {
            trust,
            backend,
            known: RefCell::new(Vec::new()),
        }
    }

    /// Judges one reader signature; `verify` checks it with the key of the certificate.
    pub(crate) fn judge(
        &self,
        signature: &Sign1<'_>,
        verify: impl FnOnce(&PublicKey) -> Result<(), CoseFault>,
    ) -> Reader {
        let chain = match signed_by(signature, verify) {
            Ok(chain) => chain,
            Err(fault) => return Reader::Failed(fault),
        };
        let mut known = self.known.borrow_mut();
        if let Some((_, reader)) = known.iter().find(|(known, _)| *known == chain) {
            return reader.clone();
        }
        let reader = trusted(&chain, &self.trust, self.backend);
        known.push((chain, reader.clone()));
        reader
    }
}

fn signed_by(
    signature: &Sign1<'_>,
    verify: impl FnOnce(&PublicKey) -> Result<(), CoseFault>,
) -> Result<Vec<Certificate>, ReaderFault> {
    let encoded = signature.x5chain().ok_or(ReaderFault::Certificates(None))?;
    let encoded = encoded.map_err(|error| ReaderFault::Certificates(Some(error)))?;
    let chain: Result<Vec<_>, _> = encoded.iter().map(|der| Certificate::from_der(der)).collect();
    let chain = chain.map_err(ReaderFault::Certificate)?;
    let leaf = chain.first().ok_or(ReaderFault::Certificates(None))?;
    let key = leaf.public_key().map_err(ReaderFault::Key)?;
    verify(&key).map_err(ReaderFault::Signature)?;
    Ok(chain)
}

fn trusted(chain: &[Certificate], trust: &ReaderTrust<'_>, backend: &dyn Backend) -> Reader {
    let Some(leaf) = chain.first() else {
        return Reader::Failed(ReaderFault::Certificates(None));
    };
    let name = leaf.subject().to_string();
    let anchor = match path::find(chain, trust.anchors, trust.now, backend) {
        Path::Anchored { anchor, .. } => Some(&anchor.certificate),
        Path::Pinned { .. } => None,
        Path::Broken(broken) => {
            return Reader::Untrusted {
                name,
                why: Distrust::Path(broken),
            };
        }
    };
    let valid = |certificate: &Certificate| certificate.is_valid_at(trust.now);
    if !valid(leaf) || anchor.is_some_and(|anchor| !valid(anchor)) {
        return Reader::Untrusted {
            name,
            why: Distrust::NotValidNow,
        };
    }
    let mut findings = profile::check(Role::ReaderAuthentication, leaf, anchor);
    if let Some(anchor) = anchor {
        findings.extend(profile::check(Role::ReaderCa, anchor, None));
    }
    let (hard, warnings): (Vec<_>, Vec<_>) = findings
        .into_iter()
        .partition(|finding| finding.weight() == Weight::Hard);
    if hard.is_empty() {
        Reader::Trusted { name, warnings }
    } else {
        Reader::Untrusted {
            name,
            why: Distrust::Profile(hard),
        }
    }
}
