//! One document: a format and a person's data in, a signed mdoc out.

use core::fmt;
use core::time::Duration;
use std::sync::Arc;

use mdoc_core::crypto::{Backend, CryptoRng, DigestAlgorithm, PublicKey, equal_in_constant_time};
use mdoc_core::issue::{CopyOf, Draft, DraftError, ItemOrder, Template, Unsigned, Validity};
use mdoc_core::mso::{KeyAuthorizations, Status};
use mdoc_core::seams::SignerError;
use mdoc_core::time::{FullDate, Timestamp};
use serde_json::Value as Json;

use crate::format::Format;
use crate::format::fill::{self, FillErrors, Filled, Times};
use crate::quality::{self, Finding, Severity};
use crate::signer::{DocumentSigner, SignerFault};

/// What is to be issued to whom.
pub struct Order<'a> {
    /// The format of the document.
    pub format: &'a Format,
    /// The person's data, a JSON object.
    pub data: &'a Json,
    /// The person's portrait as an image file, if it is not in the data.
    pub portrait: Option<&'a [u8]>,
    /// The holder's key.
    pub device_key: &'a PublicKey,
    /// How long the document is valid; its administrative expiry is another matter.
    pub valid_for: Duration,
    /// The administrative date of issue; today if none.
    pub issue_date: Option<FullDate>,
    /// The issuing authority's name, if the data do not have it.
    pub authority: Option<&'a str>,
    /// Where the status will be published; a member of the second edition.
    pub status: Option<Status>,
    /// What the device may vouch for itself.
    pub key_authorizations: KeyAuthorizations,
    /// The digest of the elements.
    pub digest_algorithm: DigestAlgorithm,
    /// Digests without an element, so that the MSO does not tell how many elements there are.
    pub decoys: usize,
}

impl<'a> Order<'a> {
    /// An order with everything that has a default at its default: 30 days, SHA-256.
    #[must_use]
    pub fn new(format: &'a Format, data: &'a Json, device_key: &'a PublicKey) -> Self {
        Self {
            format,
            data,
            portrait: None,
            device_key,
            valid_for: Duration::from_secs(30 * 86_400),
            issue_date: None,
            authority: None,
            status: None,
            key_authorizations: KeyAuthorizations::default(),
            digest_algorithm: DigestAlgorithm::Sha256,
            decoys: 0,
        }
    }
}

/// An issued document.
#[derive(Debug, Clone)]
pub struct Issued {
    /// The encoded `IssuerSigned`.
    pub document: Vec<u8>,
    /// Its type.
    pub doc_type: String,
    /// When it was signed and is valid.
    pub validity: Validity,
    /// How many elements it has.
    pub elements: usize,
    /// What a person should look at, a sentence each.
    pub warnings: Vec<String>,
    /// Its elements: what a badge is drawn from.
    pub filled: Arc<Filled>,
}

/// Why a document was not issued. Nothing was signed.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum IssueError {
    /// The data do not fit the format; everything that is wrong.
    Data(FillErrors),
    /// The elements do not pass the data-quality gate; the findings that stop the document.
    Quality(Vec<Finding>),
    /// The signer's certificate does not allow it.
    Signer(SignerFault),
    /// The holder's key is the signer's own: whoever gave it took the wrong file.
    DeviceKeyOfSigner,
    /// The document cannot be built.
    Draft(DraftError),
    /// The key did not sign.
    Key(SignerError),
}

impl fmt::Display for IssueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Data(errors) => {
                f.write_str("the data do not fit the format")?;
                errors
                    .0
                    .iter()
                    .try_for_each(|error| write!(f, "\n  {error} [{}]", error.code()))
            }
            Self::Quality(findings) => {
                f.write_str("the document does not pass the data-quality gate")?;
                findings
                    .iter()
                    .try_for_each(|finding| write!(f, "\n  {finding} [{}]", finding.code()))
            }
            Self::Signer(fault) => fault.fmt(f),
            Self::DeviceKeyOfSigner => {
                f.write_str("the device key is that of the signer; the holder has a key of their own")
            }
            Self::Draft(error) => error.fmt(f),
            Self::Key(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for IssueError {}

/// The instant that goes into the MSO: the full hour, so that it does not single out the document, but
/// not before the signer's certificate is valid. A document of less than a day has the instant itself.
#[must_use]
pub fn coarse(now: Timestamp, not_before: Timestamp, valid_for: Duration) -> Timestamp {
    const HOUR: i64 = 3600;
    if valid_for < Duration::from_secs(86_400) {
        return now;
    }
    let hour = Timestamp::from_unix(now.unix() - now.unix().rem_euclid(HOUR));
    if hour < not_before && now >= not_before {
        not_before
    } else {
        hour
    }
}

/// Fills the format, runs the data-quality gate, and signs. `now` is the instant of signing.
///
/// # Errors
/// [`IssueError`]; all faults of the data together, and all of the gate.
pub fn issue(
    order: &Order<'_>,
    signer: &DocumentSigner<'_>,
    now: Timestamp,
    rng: &mut dyn CryptoRng,
    backend: &dyn Backend,
) -> Result<Issued, IssueError> {
    if is_of_signer(order.device_key, signer) {
        return Err(IssueError::DeviceKeyOfSigner);
    }
    let content = Content {
        format: order.format,
        data: order.data,
        portrait: order.portrait,
        issue_date: order.issue_date,
        authority: order.authority,
    };
    let prepared = prepare(&content, order.valid_for, signer, now)?;
    let terms = Terms {
        status: order.status.clone(),
        key_authorizations: order.key_authorizations.clone(),
        digest_algorithm: order.digest_algorithm,
        decoys: order.decoys,
    };
    prepared.issue(order.device_key, &terms, signer, rng, backend)
}

/// Whether a key is that of the signer: whoever gave it took the wrong file.
pub(crate) fn is_of_signer(device_key: &PublicKey, signer: &DocumentSigner<'_>) -> bool {
    device_key.curve() == signer.key().public_key().curve()
        && equal_in_constant_time(device_key.as_bytes(), signer.key().public_key().as_bytes())
}

/// What the elements of a document are made of; the members as in [`Order`].
#[derive(Clone, Copy)]
pub struct Content<'a> {
    /// The format of the document.
    pub format: &'a Format,
    /// The person's data, a JSON object.
    pub data: &'a Json,
    /// The person's portrait as an image file, if it is not in the data.
    pub portrait: Option<&'a [u8]>,
    /// The administrative date of issue; today if none.
    pub issue_date: Option<FullDate>,
    /// The issuing authority's name, if the data do not have it.
    pub authority: Option<&'a str>,
}

/// What an MSO says besides the elements, their validity and the holder's key; the members as in [`Order`].
#[derive(Debug, Clone)]
pub struct Terms {
    /// Where the status will be published; of copies, each has its own.
    pub status: Option<Status>,
    /// What the device may vouch for itself.
    pub key_authorizations: KeyAuthorizations,
    /// The digest of the elements.
    pub digest_algorithm: DigestAlgorithm,
    /// Digests without an element.
    pub decoys: usize,
}

impl Default for Terms {
    fn default() -> Self {
        Self {
            status: None,
            key_authorizations: KeyAuthorizations::default(),
            digest_algorithm: DigestAlgorithm::Sha256,
            decoys: 0,
        }
    }
}

/// Elements that passed the gate, and when the document is valid: it lacks the holder's key and the
/// signature. Several documents may be made of it, each with salts and digest IDs of its own.
pub struct Prepared {
    filled: Arc<Filled>,
    validity: Validity,
    warnings: Vec<String>,
}

/// Fills the format and runs the gate; what it lets pass are warnings. `now` is the instant of signing.
///
/// # Errors
/// [`IssueError`]; all faults of the data together, and all of the gate.
pub fn prepare(
    content: &Content<'_>,
    valid_for: Duration,
    signer: &DocumentSigner<'_>,
    now: Timestamp,
) -> Result<Prepared, IssueError> {
    let signed = coarse(now, signer.certificate().not_before(), valid_for);
    let valid_until = signed.plus(valid_for);
    signer.check_times(now, valid_until).map_err(IssueError::Signer)?;
    let facts = signer.facts(content.authority);
    let times = Times {
        valid_from: signed,
        issue_date: content.issue_date.unwrap_or_else(|| signed.date()),
    };
    let (filled, decoded) = fill::fill_noting(content.format, content.data, content.portrait, &facts, &times)
        .map_err(IssueError::Data)?;
    let (errors, findings): (Vec<_>, Vec<_>) = quality::check_with(&filled, &facts, signed, &decoded)
        .into_iter()
        .partition(|finding| finding.severity() == Severity::Error);
    if !errors.is_empty() {
        return Err(IssueError::Quality(errors));
    }
    let mut warnings: Vec<String> = signer.warnings().iter().map(ToString::to_string).collect();
    warnings.extend(filled.warnings.iter().map(ToString::to_string));
    warnings.extend(findings.iter().map(ToString::to_string));
    Ok(Prepared {
        filled: Arc::new(filled),
        validity: Validity {
            signed,
            valid_from: signed,
            valid_until,
            expected_update: None,
        },
        warnings,
    })
}

impl Prepared {
    /// The type of the document.
    #[must_use]
    pub fn doc_type(&self) -> &str {
        &self.filled.doctype
    }

    /// Its elements: what a badge is drawn from.
    #[must_use]
    pub fn filled(&self) -> &Filled {
        &self.filled
    }

    /// When it is valid.
    #[must_use]
    pub const fn validity(&self) -> Validity {
        self.validity
    }

    /// What a person should look at, a sentence each.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Salts the elements and signs them for a holder's key; gives the document with what is to be told of it.
    pub(crate) fn issue(
        &self,
        device_key: &PublicKey,
        terms: &Terms,
        signer: &DocumentSigner<'_>,
        rng: &mut dyn CryptoRng,
        backend: &dyn Backend,
    ) -> Result<Issued, IssueError> {
        let filled = &self.filled;
        Ok(Issued {
            document: self.sign(device_key, terms, signer, rng, backend)?,
            doc_type: filled.doctype.clone(),
            validity: self.validity,
            elements: filled.elements().count(),
            warnings: self.warnings.clone(),
            filled: Arc::clone(filled),
        })
    }

    /// Like [`Self::issue`], the document alone.
    pub(crate) fn sign(
        &self,
        device_key: &PublicKey,
        terms: &Terms,
        signer: &DocumentSigner<'_>,
        rng: &mut dyn CryptoRng,
        backend: &dyn Backend,
    ) -> Result<Vec<u8>, IssueError> {
        let mut draft = self.draft(device_key, terms);
        if let Some(status) = &terms.status {
            draft = draft.status(status.clone());
        }
        let unsigned = draft.salt(rng, backend).map_err(IssueError::Draft)?;
        sign(unsigned, signer)
    }

    /// What the documents for several keys of one holder have in common, made ready.
    ///
    /// # Errors
    /// [`IssueError::Draft`].
    pub fn template(
        &self,
        terms: &Terms,
        device_key: &PublicKey,
        order: ItemOrder,
    ) -> Result<Template, IssueError> {
        let draft = self.draft(device_key, terms);
        draft.template(order).map_err(IssueError::Draft)
    }

    /// Signs a copy for a key of its own, with salts and digest IDs of its own, and the place of its status.
    ///
    /// # Errors
    /// [`IssueError`], also if the key is the signer's.
    pub fn copy(
        &self,
        template: &Template,
        (device_key, status): (&PublicKey, Option<&Status>),
        signer: &DocumentSigner<'_>,
        rng: &mut dyn CryptoRng,
        backend: &dyn Backend,
    ) -> Result<Vec<u8>, IssueError> {
        if is_of_signer(device_key, signer) {
            return Err(IssueError::DeviceKeyOfSigner);
        }
        let copy = CopyOf {
            device_key,
            validity: self.validity,
            status,
        };
        let unsigned = template.copy(&copy, rng, backend).map_err(IssueError::Draft)?;
        sign(unsigned, signer)
    }

    fn draft<'a>(&'a self, device_key: &'a PublicKey, terms: &Terms) -> Draft<'a> {
        let filled = &self.filled;
        Draft::new(&filled.doctype, &filled.namespaces, device_key, self.validity)
            .digest_algorithm(terms.digest_algorithm)
            .authorize(terms.key_authorizations.clone())
            .decoys(terms.decoys)
    }
}

fn sign(unsigned: Unsigned, signer: &DocumentSigner<'_>) -> Result<Vec<u8>, IssueError> {
    unsigned
        .sign(signer.key(), &[signer.certificate().der()])
        .map_err(IssueError::Key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trap_33_the_minute_of_issuing_does_not_show() {
        let at = |text: &str| Timestamp::parse(text).unwrap();
        let long_ago = at("2026-01-01T00:00:00Z");
        let month = Duration::from_secs(30 * 86_400);
        for now in [
            "2026-06-01T10:00:00Z",
            "2026-06-01T10:17:31Z",
            "2026-06-01T10:59:59Z",
        ] {
            assert_eq!(coarse(at(now), long_ago, month), at("2026-06-01T10:00:00Z"));
        }
    }

    #[test]
    fn trap_32_rounding_never_leaves_the_validity_of_the_signer() {
        let at = |text: &str| Timestamp::parse(text).unwrap();
        let (made, now) = (at("2026-06-01T10:15:00Z"), at("2026-06-01T10:17:31Z"));
        assert_eq!(coarse(now, made, Duration::from_secs(30 * 86_400)), made);
    }

    #[test]
    fn a_document_of_minutes_is_valid_when_it_is_issued() {
        let at = |text: &str| Timestamp::parse(text).unwrap();
        let now = at("2026-06-01T10:45:00Z");
        let signed = coarse(now, at("2026-01-01T00:00:00Z"), Duration::from_secs(300));
        assert_eq!(signed, now);
    }
}
