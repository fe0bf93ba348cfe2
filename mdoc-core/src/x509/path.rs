//! From a certificate up to one that is trusted.
//!
//! Trust comes from the configured anchors alone: a root that a message brings along counts for nothing.
//!
//! Source: RFC 5280, 6.1; ISO/IEC 18013-5:2021, Annex B.

use core::cell::Cell;
use core::fmt;
use std::collections::{BTreeMap, BTreeSet};

use super::profile::{may_issue, unknown_critical};
use super::{Certificate, UnusableKey};
use crate::crypto::Backend;
use crate::time::Timestamp;

/// Certificates that a message may bring along; more are refused unread.
pub const LONGEST_CHAIN: usize = 16;

/// Anchors whose keys are tried for the signatures of one path, beside those that a certificate's authority key identifier
/// points to and the first four others for each certificate: which names are in a chain is chosen by its sender, and many
/// anchors may have one name.
pub const MOST_TRIED: usize = 64;

/// Anchors that are tried for each certificate all the same: namesakes of one authority do not stand before the root of another.
const ALWAYS_TRIED: usize = 4;

/// A certificate that somebody decided to trust.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustAnchor {
    /// The certificate: of an issuing authority, or of one document signer.
    pub certificate: Certificate,
    /// The documents it is trusted for, by docType; `None` is all.
    pub doc_types: Option<Vec<String>>,
}

impl TrustAnchor {
    /// Trusts a certificate for every kind of document.
    #[must_use]
    pub const fn new(certificate: Certificate) -> Self {
        Self {
            certificate,
            doc_types: None,
        }
    }

    /// Whether it is trusted for documents of that kind.
    #[must_use]
    pub fn permits(&self, doc_type: &str) -> bool {
        self.doc_types
            .as_ref()
            .is_none_or(|permitted| permitted.iter().any(|p| p == doc_type))
    }
}

/// The same anchors with each certificate once, trusted for everything that it was trusted for; in the order of
/// their first mention.
#[must_use]
pub fn merged(anchors: impl IntoIterator<Item = TrustAnchor>) -> Vec<TrustAnchor> {
    let mut places: BTreeMap<[u8; 32], usize> = BTreeMap::new();
    // Of the places that came more than once: a list may name thousands of documents in each of its entries.
    let mut named: BTreeMap<usize, BTreeSet<String>> = BTreeMap::new();
    let mut all: Vec<TrustAnchor> = Vec::new();
    for anchor in anchors {
        let place = *places
            .entry(anchor.certificate.fingerprint())
            .or_insert(all.len());
        match (all.get_mut(place), anchor.doc_types) {
            (None, doc_types) => all.push(TrustAnchor {
                certificate: anchor.certificate,
                doc_types,
            }),
            (Some(known), None) => known.doc_types = None,
            (Some(known), Some(more)) => {
                if let Some(doc_types) = &mut known.doc_types {
                    let seen = named
                        .entry(place)
                        .or_insert_with(|| doc_types.iter().cloned().collect());
                    doc_types.extend(more.into_iter().filter(|doc_type| seen.insert(doc_type.clone())));
                }
            }
        }
    }
    all
}

/// Where a chain leads.
///
/// Only signatures, names and the intermediate certificates were looked at. Whether the first certificate
/// and the anchor are valid now and fit their roles is the caller's to check, as steps of their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Path<'a> {
    /// The signatures lead to an anchor.
    Anchored {
        /// The anchor.
        anchor: &'a TrustAnchor,
        /// Certificates between, the one that signed the first certificate first. The profile of ISO/IEC 18013-5
        /// has none, so any is worth a warning.
        intermediates: &'a [Certificate],
    },
    /// The first certificate is itself configured as an anchor, and is not self-signed. Nothing above it was seen.
    Pinned {
        /// The anchor, equal to the first certificate.
        anchor: &'a TrustAnchor,
    },
    /// There is no way to an anchor.
    Broken(BrokenPath),
}

/// Why a chain leads nowhere. Names are those of certificates, in the form of RFC 4514.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum BrokenPath {
    /// The chain has no certificate.
    Empty,
    /// The chain has more than [`LONGEST_CHAIN`] certificates.
    TooLong {
        /// How many.
        certificates: usize,
    },
    /// No anchor has the name of the issuer.
    NoAnchor {
        /// The issuer that would have to be trusted.
        issuer: String,
    },
    /// Anchors have the name of the issuer, and none of their keys made the signature.
    BadSignature {
        /// The issuer.
        issuer: String,
        /// How many anchors were tried.
        anchors: usize,
    },
    /// Anchors have the name of the issuer, and those that were tried (as many as one path may take, [`MOST_TRIED`]) did not
    /// make the signature; the others were not tried.
    TooManyAnchors {
        /// The issuer.
        issuer: String,
    },
    /// An anchor made the signature, and its key cannot be used.
    UnusableAnchor {
        /// The anchor.
        subject: String,
        /// Why not.
        why: UnusableKey,
    },
    /// A CA allows fewer intermediate certificates below it than there are.
    PathLength {
        /// The CA.
        subject: String,
        /// How many there are.
        below: usize,
    },
    /// An intermediate certificate may not issue certificates.
    IntermediateNotCa {
        /// Its subject.
        subject: String,
    },
    /// An intermediate certificate is not valid at the time.
    IntermediateNotValid {
        /// Its subject.
        subject: String,
        /// The first instant of its validity.
        not_before: Timestamp,
        /// The last one.
        not_after: Timestamp,
    },
    /// An intermediate certificate has a critical extension that is not understood.
    IntermediateCritical {
        /// Its subject.
        subject: String,
        /// The extension.
        extension: String,
    },
    /// An intermediate certificate did not make the signature below it.
    IntermediateSignature {
        /// Its subject.
        subject: String,
    },
}

impl fmt::Display for BrokenPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("there is no certificate"),
            Self::TooLong { certificates } => {
                write!(
                    f,
                    "{certificates} certificates where {LONGEST_CHAIN} are the most"
                )
            }
            Self::NoAnchor { issuer } => write!(f, "the issuer {issuer} is not trusted"),
            Self::BadSignature { issuer, anchors } => write!(
                f,
                "none of the {anchors} trusted certificates named {issuer} made the signature"
            ),
            Self::TooManyAnchors { issuer } => write!(
                f,
                "so many trusted certificates were tried that some of those named {issuer} were not; none of the others made \
                 the signature"
            ),
            Self::UnusableAnchor { subject, why } => {
                write!(
                    f,
                    "the key of the trusted certificate {subject} cannot be used: {why}"
                )
            }
            Self::PathLength { subject, below } => write!(
                f,
                "{subject} allows fewer intermediate certificates below it than the {below} there are"
            ),
            Self::IntermediateNotCa { subject } => {
                write!(
                    f,
                    "the intermediate certificate {subject} may not issue certificates"
                )
            }
            Self::IntermediateNotValid {
                subject,
                not_before,
                not_after,
            } => write!(
                f,
                "the intermediate certificate {subject} is valid from {not_before} to {not_after} only"
            ),
            Self::IntermediateCritical { subject, extension } => write!(
                f,
                "the intermediate certificate {subject} has the unknown critical extension {extension}"
            ),
            Self::IntermediateSignature { subject } => {
                write!(
                    f,
                    "the intermediate certificate {subject} did not sign the one below it"
                )
            }
        }
    }
}

impl core::error::Error for BrokenPath {}

/// Finds the way from the first certificate of `chain` to one of the anchors.
///
/// Anchors are found by the issuer's name, byte for byte; among those of one name the one that the authority
/// key identifier points to is tried first, then the others, in so far as there are not too many ([`MOST_TRIED`]); of a
/// renewed root, the one that is valid `now`. Where no anchor signed, the next certificate of the chain is taken as an
/// intermediate if it is a CA, valid `now`, and every path length above permits it. Signatures between certificates that
/// were brought are verified last, from the anchor down: a chain that no anchor signed costs its receiver nothing by the
/// keys that its sender chose.
#[must_use]
pub fn find<'a>(
    chain: &'a [Certificate],
    anchors: &'a [TrustAnchor],
    now: Timestamp,
    backend: &dyn Backend,
) -> Path<'a> {
    find_for(None, chain, anchors, now, backend)
}

/// As [`find`]; of several anchors with the key that signed, one that is trusted for documents of that type is found
/// before one that is not. Whether the one that is found is trusted for them is for the caller to check.
#[must_use]
pub fn find_for<'a>(
    doc_type: Option<&str>,
    chain: &'a [Certificate],
    anchors: &'a [TrustAnchor],
    now: Timestamp,
    backend: &dyn Backend,
) -> Path<'a> {
    let signed = |certificate: &Certificate, issuer: &Certificate| signed(certificate, issuer, backend);
    find_with(doc_type, chain, anchors, now, &signed)
}

/// Whether the key of the second certificate made the signature on the first.
pub(crate) type Signed<'s> = dyn Fn(&Certificate, &Certificate) -> bool + 's;

/// As [`find_for`], with whoever knows whether a signature holds.
pub(crate) fn find_with<'a>(
    doc_type: Option<&str>,
    chain: &'a [Certificate],
    anchors: &'a [TrustAnchor],
    now: Timestamp,
    signed: &Signed<'_>,
) -> Path<'a> {
    let Some((first, brought)) = chain.split_first() else {
        return Path::Broken(BrokenPath::Empty);
    };
    if chain.len() > LONGEST_CHAIN {
        return Path::Broken(BrokenPath::TooLong {
            certificates: chain.len(),
        });
    }
    let wanted = Wanted {
        doc_type,
        now,
        signed,
        tried: &Cell::new(0),
    };
    match climb(first, brought, anchors, wanted) {
        // A path to an issuer says more than a certificate that is trusted by itself. A self-signed one is
        // found as its own issuer above, and judged as a root.
        Path::Broken(broken) => {
            let pinned = anchors.iter().find(|anchor| anchor.certificate == *first);
            match pinned.filter(|_| !signed(first, first)) {
                Some(anchor) => Path::Pinned { anchor },
                None => Path::Broken(broken),
            }
        }
        path => path,
    }
}

/// What a path is looked for by.
#[derive(Clone, Copy)]
struct Wanted<'w> {
    doc_type: Option<&'w str>,
    now: Timestamp,
    signed: &'w Signed<'w>,
    /// How many anchors were tried so far, of those that count.
    tried: &'w Cell<usize>,
}

fn climb<'a>(
    first: &Certificate,
    brought: &'a [Certificate],
    anchors: &'a [TrustAnchor],
    wanted: Wanted<'_>,
) -> Path<'a> {
    let mut current = first;
    for depth in 0..=brought.len() {
        let (intermediates, above) = brought.split_at(depth);
        let broken = match anchor_of(current, depth, anchors, wanted) {
            Ok(anchor) => {
                return match unsigned(first, intermediates, wanted.signed) {
                    Some(subject) => Path::Broken(BrokenPath::IntermediateSignature { subject }),
                    None => Path::Anchored {
                        anchor,
                        intermediates,
                    },
                };
            }
            Err(broken) => broken,
        };
        // Only a certificate of the issuer's name is a candidate; a root brought along ends the way.
        let Some(next) = above.first().filter(|next| {
            next.subject_der() == current.issuer_der() && !next.is_self_issued() && *next != current
        }) else {
            return Path::Broken(broken);
        };
        if let Err(broken) = intermediate(next, depth, wanted.now) {
            return Path::Broken(broken);
        }
        current = next;
    }
    Path::Broken(BrokenPath::NoAnchor {
        issuer: current.issuer().to_string(),
    })
}

/// Whether `issuer` signed `certificate`, by computing it.
pub(crate) fn signed(certificate: &Certificate, issuer: &Certificate, backend: &dyn Backend) -> bool {
    issuer
        .key()
        .is_ok_and(|key| certificate.verify_signed_by(key, backend).is_ok())
}

/// The anchor that signed `certificate`, below which there are `below` intermediates.
fn anchor_of<'a>(
    certificate: &Certificate,
    below: usize,
    anchors: &'a [TrustAnchor],
    Wanted {
        doc_type,
        now,
        signed,
        tried,
    }: Wanted<'_>,
) -> Result<&'a TrustAnchor, BrokenPath> {
    let wanted = match certificate.authority_key_identifier() {
        Some(Ok(identifier)) => identifier.key_identifier,
        _ => None,
    };
    let mut candidates: Vec<_> = anchors
        .iter()
        .filter(|anchor| anchor.certificate.subject_der() == certificate.issuer_der())
        .collect();
    let issuer = || certificate.issuer().to_string();
    if candidates.is_empty() {
        return Err(BrokenPath::NoAnchor { issuer: issuer() });
    }
    // Computed from the key: what a list says of it may be wrong.
    let is_meant = |anchor: &Certificate| wanted == Some(anchor.computed_key_identifier().as_slice());
    candidates.sort_by_cached_key(|anchor| {
        let trusted = doc_type.is_none_or(|doc_type| anchor.permits(doc_type));
        let anchor = &anchor.certificate;
        // `false` sorts first. Roots are renewed with the same name and key: one that is valid now goes before one
        // that is not.
        (!is_meant(anchor), !trusted, !anchor.is_valid_at(now))
    });
    let (mut unusable, mut too_long, mut others) = (None, false, 0);
    let anchors = candidates.len();
    for anchor in candidates {
        if let Err(why) = anchor.certificate.key() {
            unusable = Some(why);
            continue;
        }
        if !is_meant(&anchor.certificate) {
            others += 1;
            if others > ALWAYS_TRIED && tried.replace(tried.get() + 1) >= MOST_TRIED {
                return Err(BrokenPath::TooManyAnchors { issuer: issuer() });
            }
        }
        if signed(certificate, &anchor.certificate) {
            if permits_below(&anchor.certificate, below) {
                return Ok(anchor);
            }
            too_long = true;
        }
    }
    let issuer = issuer();
    Err(match unusable.cloned() {
        _ if too_long => BrokenPath::PathLength {
            subject: issuer,
            below,
        },
        Some(why) => BrokenPath::UnusableAnchor { subject: issuer, why },
        None => BrokenPath::BadSignature { issuer, anchors },
    })
}

/// Whether the path length of a CA permits that many intermediates below it.
fn permits_below(ca: &Certificate, below: usize) -> bool {
    match ca.basic_constraints() {
        Some(Ok(constraints)) => constraints
            .path_len
            .is_none_or(|most| usize::try_from(most).is_ok_and(|most| below <= most)),
        // What cannot be read permits nothing; what is absent says nothing.
        Some(Err(_)) => below == 0,
        None => true,
    }
}

/// The highest of the intermediates that did not sign the certificate below it.
fn unsigned(first: &Certificate, intermediates: &[Certificate], signed: &Signed<'_>) -> Option<String> {
    let from_above = intermediates.iter().rev();
    let below = from_above.clone().skip(1).chain([first]);
    let wrong = from_above.zip(below).find(|(above, below)| !signed(below, above));
    wrong.map(|(above, _)| above.subject().to_string())
}

/// Checks an intermediate certificate above `depth` others, but for its signature.
fn intermediate(certificate: &Certificate, depth: usize, now: Timestamp) -> Result<(), BrokenPath> {
    let subject = || certificate.subject().to_string();
    if !may_issue(certificate) {
        return Err(BrokenPath::IntermediateNotCa { subject: subject() });
    }
    if !certificate.is_valid_at(now) {
        return Err(BrokenPath::IntermediateNotValid {
            subject: subject(),
            not_before: certificate.not_before(),
            not_after: certificate.not_after(),
        });
    }
    if let Some(extension) = unknown_critical(certificate) {
        return Err(BrokenPath::IntermediateCritical {
            subject: subject(),
            extension: extension.to_string(),
        });
    }
    if !permits_below(certificate, depth) {
        return Err(BrokenPath::PathLength {
            subject: subject(),
            below: depth,
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
