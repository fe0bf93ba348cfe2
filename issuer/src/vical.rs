//! Making lists of issuing authorities (VICAL), as their provider does.
//!
//! A list that is made has been checked as readers will check it: every root by its profile, the signer, the growth
//! since the list before, and in the end the bytes themselves against the provider's root.

use core::fmt;

use mdoc_core::crypto::{equal_in_constant_time, fastest};
use mdoc_core::limits::Limits;
use mdoc_core::seams::{Signer, SignerError};
use mdoc_core::time::Timestamp;
use mdoc_core::vical::build::{Draft, Entry};
use mdoc_core::vical::{self, Code, Inputs, Known, Outcome, SignedVical, Step, Why};
use mdoc_core::x509::path::TrustAnchor;
use mdoc_core::x509::profile::{self, Finding, Role, Weight};
use mdoc_core::x509::{Certificate, UnusableKey};
use serde::Deserialize;

use crate::signer::Deviations;

/// A list to be made, and by whom.
pub struct Order<'a> {
    /// What it says.
    pub draft: &'a Draft,
    /// The signer's key.
    pub signer: &'a dyn Signer,
    /// The signer's certificate, then intermediate ones. A self-signed one among them is left out of the list: readers
    /// have the root already.
    pub chain: &'a [Certificate],
    /// The provider's roots, that readers will check the list by.
    pub roots: &'a [TrustAnchor],
    /// The list before this one.
    pub previous: Option<&'a SignedVical<'a>>,
    /// What to do about roots of authorities that deviate from their profile in ways that readers tolerate.
    pub root_deviations: Deviations,
    /// What to do about such a signer.
    pub signer_deviations: Deviations,
}

/// A list that was made.
#[derive(Debug, Clone)]
pub struct Made {
    /// The list, signed.
    pub bytes: Vec<u8>,
    /// Deviations that were let pass, a sentence each.
    pub warnings: Vec<String>,
}

/// Why a list is not made.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// It would have no entries.
    NoEntries,
    /// There is no signer's certificate.
    NoSigner,
    /// An authority is trusted for no documents.
    NoDocTypes {
        /// The subject of its certificate.
        subject: String,
    },
    /// A certificate is there twice.
    Twice {
        /// Its subject.
        subject: String,
    },
    /// A root breaks rules of its profile, all of them named.
    RootProfile {
        /// Its subject.
        subject: String,
        /// The rules.
        findings: Vec<Finding>,
    },
    /// A root did not sign itself.
    RootSignature {
        /// Its subject.
        subject: String,
    },
    /// A root is not valid at the date of the list.
    RootNotValid {
        /// Its subject.
        subject: String,
        /// The first instant of its validity.
        not_before: Timestamp,
        /// The last one.
        not_after: Timestamp,
    },
    /// The key belongs to another certificate.
    OtherKey,
    /// The key in the signer's certificate cannot be used.
    SignerKey(UnusableKey),
    /// The signer's certificate breaks rules of its profile, all of them named.
    SignerProfile(Vec<Finding>),
    /// Readers could not check the list for as long as it is to be used.
    OutlivesSigner {
        /// Until when it is to be used.
        until: Timestamp,
        /// Until when the signer's certificate is valid.
        not_after: Timestamp,
    },
    /// An end lies before the date of the list.
    EndBeforeDate(&'static str),
    /// The list before is another provider's.
    OtherProvider {
        /// The other provider.
        previous: String,
    },
    /// The number of the issue does not grow.
    IssueId {
        /// That of the list before.
        previous: u64,
    },
    /// The date does not grow.
    Date {
        /// That of the list before.
        previous: Timestamp,
    },
    /// The keeper of the key did not sign.
    Signing(SignerError),
    /// Readers would not accept it: the steps that stand against it.
    Rejected(Vec<Step>),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rules = |f: &mut fmt::Formatter<'_>, findings: &[Finding]| {
            findings
                .iter()
                .try_for_each(|finding| write!(f, "\n  {finding} ({})", finding.rule.clause()))
        };
        match self {
            Self::NoEntries => f.write_str("the list would have no entries"),
            Self::NoSigner => f.write_str("there is no signer's certificate"),
            Self::NoDocTypes { subject } => write!(f, "{subject} is to be trusted for no documents"),
            Self::Twice { subject } => write!(f, "the certificate of {subject} is there twice"),
            Self::RootProfile { subject, findings } => {
                write!(
                    f,
                    "the certificate of {subject} breaks the profile of an issuing authority"
                )?;
                rules(f, findings)
            }
            Self::RootSignature { subject } => write!(f, "the root {subject} is not signed by its own key"),
            Self::RootNotValid {
                subject,
                not_before,
                not_after,
            } => write!(
                f,
                "the certificate of {subject} is valid from {not_before} to {not_after} only"
            ),
            Self::OtherKey => f.write_str("the signing key does not belong to the signer's certificate"),
            Self::SignerKey(why) => write!(f, "the key in the signer's certificate cannot be used: {why}"),
            Self::SignerProfile(findings) => {
                f.write_str("the signer's certificate breaks its profile")?;
                rules(f, findings)
            }
            Self::OutlivesSigner { until, not_after } => write!(
                f,
                "the list is to be used until {until}, after the signer's certificate expires at {not_after}"
            ),
            Self::EndBeforeDate(member) => write!(f, "{member} is not after the date of the list"),
            Self::OtherProvider { previous } => write!(f, "the list before is one of `{previous}`"),
            Self::IssueId { previous } => {
                write!(
                    f,
                    "the number of the issue has to be greater than {previous}, that of the list before"
                )
            }
            Self::Date { previous } => {
                write!(
                    f,
                    "the date has to be later than {previous}, that of the list before"
                )
            }
            Self::Signing(error) => error.fmt(f),
            Self::Rejected(steps) => {
                f.write_str("readers would not accept the list")?;
                steps
                    .iter()
                    // The failure that came first says it all.
                    .filter(|step| step.outcome != Outcome::NotDone(Why::EarlierFailure))
                    .try_for_each(|step| write!(f, "\n  {} ({})", step.message(), step.code()))
            }
        }
    }
}

impl core::error::Error for Fault {}

/// Makes a list, and checks it as readers will.
///
/// # Errors
/// Every [`Fault`] that was found; nothing is signed unless all is well.
pub fn make(order: &Order<'_>) -> Result<Made, Vec<Fault>> {
    let (mut faults, mut warnings) = (Vec::new(), Vec::new());
    entries(order, &mut faults, &mut warnings);
    signer(order, &mut faults, &mut warnings);
    growth(order, &mut faults);
    if !faults.is_empty() {
        return Err(faults);
    }
    let chain = order.chain.iter().enumerate();
    let chain: Vec<&[u8]> = chain
        .filter(|(index, certificate)| *index == 0 || !certificate.is_self_issued())
        .map(|(_, certificate)| certificate.der())
        .collect();
    let bytes = order
        .draft
        .sign(order.signer, &chain)
        .map_err(|error| vec![Fault::Signing(error)])?;
    let stored = order.previous.map(Known::of);
    let mut inputs = Inputs::new(order.roots, order.draft.date);
    inputs.stored = stored.as_ref();
    let report = vical::verify(&bytes, &inputs);
    if let Err(no) = report.accept() {
        return Err(vec![Fault::Rejected(no.steps)]);
    }
    if SignedVical::decode(&bytes, &Limits::VICAL)
        .is_ok_and(|list| list.vical().entries.len() != order.draft.entries.len())
    {
        return Err(vec![Fault::Rejected(Vec::new())]);
    }
    // What was let pass above is said already.
    let about = [Code::ChainPinned, Code::NextUpdate].map(Code::id);
    let more = report.warnings().filter(|step| about.contains(&step.code()));
    warnings.extend(more.map(|step| step.message().into_owned()));
    Ok(Made { bytes, warnings })
}

/// What findings mean: those that refuse, and sentences about those that are let pass.
fn split(findings: Vec<Finding>, deviations: Deviations) -> (Vec<Finding>, Vec<Finding>) {
    findings
        .into_iter()
        .partition(|finding| finding.weight() == Weight::Hard || deviations == Deviations::Refuse)
}

fn entries(order: &Order<'_>, faults: &mut Vec<Fault>, warnings: &mut Vec<String>) {
    let draft = order.draft;
    if draft.entries.is_empty() {
        faults.push(Fault::NoEntries);
    }
    let mut seen = std::collections::BTreeSet::new();
    for entry in &draft.entries {
        let certificate = &entry.certificate;
        let subject = || certificate.subject().to_string();
        if entry.doc_types.is_empty() {
            faults.push(Fault::NoDocTypes { subject: subject() });
        }
        if !seen.insert(certificate.fingerprint()) {
            faults.push(Fault::Twice { subject: subject() });
            continue;
        }
        let role = vical::role_of(certificate);
        let (findings, passed) = split(profile::check(role, certificate, None), order.root_deviations);
        warnings.extend(passed.iter().map(|finding| format!("{}: {finding}", subject())));
        if !findings.is_empty() {
            faults.push(Fault::RootProfile {
                subject: subject(),
                findings,
            });
        }
        let own = |certificate: &Certificate| {
            certificate
                .public_key()
                .is_ok_and(|key| certificate.verify_signed_by(&key, fastest()).is_ok())
        };
        if role == Role::IacaRoot && !own(certificate) {
            faults.push(Fault::RootSignature { subject: subject() });
        }
        if !certificate.is_valid_at(draft.date) {
            faults.push(Fault::RootNotValid {
                subject: subject(),
                not_before: certificate.not_before(),
                not_after: certificate.not_after(),
            });
        }
    }
}

fn signer(order: &Order<'_>, faults: &mut Vec<Fault>, warnings: &mut Vec<String>) {
    let Some(certificate) = order.chain.first() else {
        faults.push(Fault::NoSigner);
        return;
    };
    let held = order.signer.public_key();
    match certificate.public_key() {
        Err(why) => faults.push(Fault::SignerKey(why)),
        Ok(certified) => {
            let same = certified.curve() == held.curve()
                && equal_in_constant_time(certified.as_bytes(), held.as_bytes());
            if !same {
                faults.push(Fault::OtherKey);
            }
        }
    }
    let findings = profile::check(Role::VicalSigner, certificate, None);
    let (findings, passed) = split(findings, order.signer_deviations);
    warnings.extend(passed.iter().map(|finding| format!("signer: {finding}")));
    if !findings.is_empty() {
        faults.push(Fault::SignerProfile(findings));
    }
    let draft = order.draft;
    for (name, end) in [("nextUpdate", draft.next_update), ("notAfter", draft.not_after)] {
        let Some(until) = end else { continue };
        if until <= draft.date {
            faults.push(Fault::EndBeforeDate(name));
        }
        // A list may forbid its use long after; that it is due for replacement has to be checkable.
        if name == "nextUpdate" && until > certificate.not_after() {
            let not_after = certificate.not_after();
            faults.push(Fault::OutlivesSigner { until, not_after });
        }
    }
}

fn growth(order: &Order<'_>, faults: &mut Vec<Fault>) {
    let Some(before) = order.previous.map(SignedVical::vical) else {
        return;
    };
    let draft = order.draft;
    if before.provider != draft.provider {
        faults.push(Fault::OtherProvider {
            previous: before.provider.clone(),
        });
    }
    if let Some(previous) = before.issue_id
        && draft.issue_id.is_none_or(|issue_id| issue_id <= previous)
    {
        faults.push(Fault::IssueId { previous });
    }
    if draft.date <= before.date {
        faults.push(Fault::Date {
            previous: before.date,
        });
    }
}

/// The largest [`Listing`] that is read, in bytes: room for five hundred authorities.
pub const LARGEST_LISTING: usize = 128 * 1024;

/// Why a [`Listing`] cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListingError {
    /// It is larger than [`LARGEST_LISTING`].
    TooLarge,
    /// It is not TOML, or says something that a listing has no place for: where, and what.
    Form(String),
}

impl fmt::Display for ListingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge => write!(f, "it is larger than {} KiB", LARGEST_LISTING / 1024),
            Self::Form(words) => f.write_str(words),
        }
    }
}

impl core::error::Error for ListingError {}

/// The entries of a list to be made, as a TOML file names them.
///
/// ```toml
/// [[entry]]
/// certificate = "nl.pem"                      # beside this file
/// docTypes = ["org.iso.18013.5.1.mDL"]
/// issuingAuthority = "RDW"                    # the rest is optional
/// issuingCountry = "NL"
/// stateOrProvinceName = "NL-UT"
/// certificateProfile = ["urn:oid:1.0.18013.5.1.7"]
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listing {
    /// The entries.
    #[serde(default, rename = "entry")]
    pub entries: Vec<ListedFile>,
}

/// One entry of a [`Listing`].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ListedFile {
    /// The file of the certificate.
    pub certificate: String,
    /// The documents that the authority is trusted for.
    pub doc_types: Vec<String>,
    /// The name of the authority.
    pub issuing_authority: Option<String>,
    /// Its country; otherwise that of the certificate.
    pub issuing_country: Option<String>,
    /// Its state or province; otherwise that of the certificate.
    pub state_or_province_name: Option<String>,
    /// Profiles of the certificate, as URNs.
    #[serde(default)]
    pub certificate_profile: Vec<String>,
}

impl Listing {
    /// Reads the file.
    ///
    /// # Errors
    /// [`ListingError`]: above [`LARGEST_LISTING`], or what the TOML reader says, with line and column.
    pub fn parse(text: &str) -> Result<Self, ListingError> {
        if text.len() > LARGEST_LISTING {
            return Err(ListingError::TooLarge);
        }
        toml::from_str(text).map_err(|error| ListingError::Form(error.to_string()))
    }
}

impl ListedFile {
    /// The entry, with the certificate that is in the file.
    #[must_use]
    pub fn entry(&self, certificate: Certificate) -> Entry {
        let mut entry = Entry::new(certificate, self.doc_types.clone());
        entry.issuing_authority.clone_from(&self.issuing_authority);
        entry.certificate_profiles.clone_from(&self.certificate_profile);
        if self.issuing_country.is_some() {
            entry.issuing_country.clone_from(&self.issuing_country);
        }
        if self.state_or_province_name.is_some() {
            entry.state_or_province.clone_from(&self.state_or_province_name);
        }
        entry
    }
}

#[cfg(test)]
mod tests;
