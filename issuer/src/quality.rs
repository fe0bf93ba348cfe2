//! The data-quality gate: what a document must satisfy before anybody signs it.
//!
//! [`check`] looks at filled elements, not at a format, so that an organisation's own format, or a program that fills
//! documents itself, cannot get past it. Rules follow identifiers: a `birth_date` must be plausible in every document;
//! some hold only in the namespace of the mDL or in the European PID. What is mandatory follows the docType.

mod ages;
mod elements;
mod finding;

use mdoc_core::time::{FullDate, Timestamp};
use mdoc_core::value::{TAG_FULL_DATE, TAG_TDATE, Value};
use mdoc_core::verify::MDL_MANDATORY;

use crate::format::fill::{Filled, IssuerFacts};
use crate::photo::Decoded;
pub use finding::{Finding, Rule, Severity};

/// docType of the mDL.
const MDL_DOCTYPE: &str = "org.iso.18013.5.1.mDL";
/// Namespace of the mDL.
const MDL_NAMESPACE: &str = "org.iso.18013.5.1";
/// docType and namespace of the European PID.
const PID: &str = "eu.europa.ec.eudi.pid.1";

/// docTypes of the photo ID; the spelling is not settled.
const PHOTO_ID: [&str; 2] = ["org.iso.23220.photoid.1", "org.iso.23220.photoID.1"];
/// Namespace of the elements that all documents of ISO/IEC 23220 share.
const ISO_23220: &str = "org.iso.23220.1";
/// docType and namespace of the European age verification.
const AGE_VERIFICATION: &str = "eu.europa.ec.av.1";

/// What every PID has. Source: PID rulebook, attributes and metadata.
const PID_MANDATORY: [&str; 8] = [
    "family_name",
    "given_name",
    "birth_date",
    "place_of_birth",
    "nationality",
    "portrait",
    "issuing_authority",
    "issuing_country",
];

/// What every photo ID has. Source: ISO/IEC TS 23220-4, draft of Annex C, as implementations have it.
const PHOTO_ID_MANDATORY: [&str; 8] = [
    "family_name_unicode",
    "given_name_unicode",
    "birth_date",
    "portrait",
    "issue_date",
    "expiry_date",
    "issuing_authority_unicode",
    "issuing_country",
];

/// What every proof of age has. Source: profile of the European age verification.
const AGE_VERIFICATION_MANDATORY: [&str; 1] = ["age_over_18"];

/// Checks everything that can be checked before signing, and returns all findings in the order of the document, then
/// those about elements that are missing or do not fit together.
///
/// `valid_from` is the validFrom that will be signed: ages and the expiry date are judged on that day, in UTC. A document
/// may be signed unless [`refuses`] says otherwise.
#[must_use]
pub fn check(filled: &Filled, facts: &IssuerFacts, valid_from: Timestamp) -> Vec<Finding> {
    check_with(filled, facts, valid_from, &Decoded::default())
}

/// Like [`check`], but pictures that are known to decode are not decoded again.
pub(crate) fn check_with(
    filled: &Filled,
    facts: &IssuerFacts,
    valid_from: Timestamp,
    decoded: &Decoded,
) -> Vec<Finding> {
    let mut gate = Gate {
        filled,
        facts,
        decoded,
        today: valid_from.date(),
        findings: Vec::new(),
    };
    for (namespace, identifier, value) in filled.elements() {
        gate.element(namespace, identifier, value);
    }
    gate.mandatory();
    for (namespace, _) in &filled.namespaces {
        gate.dates(namespace);
        gate.issuer(namespace);
        gate.ages(namespace);
    }
    gate.findings
}

/// Whether there is an error among the findings, so that the document must not be signed.
#[must_use]
pub fn refuses(findings: &[Finding]) -> bool {
    findings
        .iter()
        .any(|finding| finding.severity() == Severity::Error)
}

/// The work of [`check`].
struct Gate<'a> {
    filled: &'a Filled,
    facts: &'a IssuerFacts,
    decoded: &'a Decoded,
    /// The day of validFrom.
    today: FullDate,
    findings: Vec<Finding>,
}

impl Gate<'_> {
    fn find(&mut self, namespace: &str, field: &str, rule: Rule) {
        self.findings.push(Finding {
            namespace: namespace.to_owned(),
            field: field.to_owned(),
            rule,
        });
    }

    fn mandatory(&mut self) {
        let (namespace, mandatory): (&str, &[&str]) = match self.filled.doctype.as_str() {
            MDL_DOCTYPE => (MDL_NAMESPACE, &MDL_MANDATORY),
            PID => (PID, &PID_MANDATORY),
            AGE_VERIFICATION => (AGE_VERIFICATION, &AGE_VERIFICATION_MANDATORY),
            doctype if PHOTO_ID.contains(&doctype) => (ISO_23220, &PHOTO_ID_MANDATORY),
            _ => return,
        };
        for identifier in mandatory {
            if self.filled.element(namespace, identifier).is_none() {
                self.find(namespace, identifier, Rule::MandatoryMissing);
            }
        }
    }

    /// How dates stand to each other and to the day of validFrom.
    fn dates(&mut self, namespace: &str) {
        let filled = self.filled;
        let date = |identifier| filled.element(namespace, identifier).and_then(date_of);
        let issue_name = if filled.element(namespace, "issuance_date").is_some() {
            "issuance_date"
        } else {
            "issue_date"
        };
        let (birth, issue, expiry) = (date("birth_date"), date(issue_name), date("expiry_date"));
        if birth.is_some_and(|birth| birth > self.today) {
            self.find(namespace, "birth_date", Rule::BirthDateFuture);
        }
        if birth.is_some_and(|birth| birth.year() < 1875) {
            self.find(namespace, "birth_date", Rule::BirthDateImplausible);
        }
        if issue.is_some_and(|issue| issue > self.today) {
            self.find(namespace, issue_name, Rule::IssueDateFuture);
        }
        if issue.zip(birth).is_some_and(|(issue, birth)| issue < birth) {
            self.find(namespace, issue_name, Rule::IssueBeforeBirth);
        }
        if issue.zip(expiry).is_some_and(|(issue, expiry)| issue > expiry) {
            self.find(namespace, "expiry_date", Rule::ExpiryBeforeIssue);
        }
        if expiry.is_some_and(|expiry| expiry < self.today) {
            self.find(namespace, "expiry_date", Rule::Expired);
        }
    }

    /// What the document says of its issuer must be what the signer's certificate says.
    fn issuer(&mut self, namespace: &str) {
        let country = self
            .filled
            .element(namespace, "issuing_country")
            .and_then(Value::as_text);
        let jurisdiction = self
            .filled
            .element(namespace, "issuing_jurisdiction")
            .and_then(Value::as_text);
        if country.is_some_and(|country| country != self.facts.country) {
            self.find(namespace, "issuing_country", Rule::CountryNotOfSigner);
        }
        let Some(jurisdiction) = jurisdiction else { return };
        if self
            .facts
            .jurisdiction
            .as_ref()
            .is_some_and(|state| state != jurisdiction)
        {
            self.find(namespace, "issuing_jurisdiction", Rule::JurisdictionNotOfSigner);
        }
        let first = jurisdiction.split('-').next().unwrap_or_default();
        if country.is_some_and(|country| country != first) {
            self.find(namespace, "issuing_jurisdiction", Rule::JurisdictionNotOfCountry);
        }
    }
}

/// The day of a `full-date`, or of a `tdate` in the strict form; `None` for anything else.
fn date_of(value: &Value) -> Option<FullDate> {
    match value {
        Value::Tag(TAG_FULL_DATE, text) => FullDate::parse(text.as_text()?).ok(),
        Value::Tag(TAG_TDATE, text) => {
            let text = text.as_text().filter(|text| Timestamp::is_strict(text))?;
            Timestamp::parse(text).ok().map(Timestamp::date)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
