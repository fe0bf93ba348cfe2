//! Making a list.
//!
//! The bytes are deterministic for a list and its signature: members in the order of the standard's CDDL, shortest
//! heads, definite lengths. What is said of a certificate is taken from the certificate.
//!
//! Source: ISO/IEC 18013-5:2021, Annex C; `notAfter` and `vicalURL` from the second edition.

use super::decode::without_leading_zeros;
use crate::cbor::write;
use crate::cose::{protected_header, to_be_signed, write_sign1};
use crate::seams::{Signer, SignerError};
use crate::time::Timestamp;
use crate::x509::Certificate;

/// The version that is written.
const VERSION: &str = "1.0";
const TAG_BIGNUM: u64 = 2;

/// A list to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// Who makes it.
    pub provider: String,
    /// The number of the issue, higher than that of the one before.
    pub issue_id: Option<u64>,
    /// When it is made.
    pub date: Timestamp,
    /// Until when there will be a newer one.
    pub next_update: Option<Timestamp>,
    /// From when on it must not be used any more (second edition).
    pub not_after: Option<Timestamp>,
    /// Where the newest one will be (second edition).
    pub url: Option<String>,
    /// The entries, in this order.
    pub entries: Vec<Entry>,
}

/// An entry to be made. Serial number, key identifier, names and validity come from the certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The certificate of the authority.
    pub certificate: Certificate,
    /// The documents that it is trusted for; at least one.
    pub doc_types: Vec<String>,
    /// Its profiles, as URNs; none is not written.
    pub certificate_profiles: Vec<String>,
    /// The name of the authority.
    pub issuing_authority: Option<String>,
    /// Its country.
    pub issuing_country: Option<String>,
    /// Its state or province.
    pub state_or_province: Option<String>,
}

impl Entry {
    /// An entry with the country and state of the certificate's subject.
    #[must_use]
    pub fn new(certificate: Certificate, doc_types: Vec<String>) -> Self {
        let subject = certificate.subject();
        let (country, state) = (subject.country(), subject.state_or_province());
        Self {
            doc_types,
            certificate_profiles: Vec::new(),
            issuing_authority: None,
            issuing_country: country,
            state_or_province: state,
            certificate,
        }
    }
}

impl Draft {
    /// The list itself, encoded: what is to be signed.
    #[must_use]
    pub fn payload(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let optional = [
            self.issue_id.is_some(),
            self.next_update.is_some(),
            self.not_after.is_some(),
            self.url.is_some(),
        ];
        write::map(&mut out, 4 + count(&optional));
        write::text(&mut out, "version");
        write::text(&mut out, VERSION);
        write::text(&mut out, "vicalProvider");
        write::text(&mut out, &self.provider);
        if let Some(issue_id) = self.issue_id {
            write::text(&mut out, "vicalIssueID");
            write::unsigned(&mut out, issue_id);
        }
        tdate(&mut out, "date", Some(self.date));
        tdate(&mut out, "nextUpdate", self.next_update);
        tdate(&mut out, "notAfter", self.not_after);
        write::text(&mut out, "certificateInfos");
        write::array(&mut out, self.entries.len());
        for entry in &self.entries {
            entry.write(&mut out);
        }
        text(&mut out, "vicalURL", self.url.as_deref());
        out
    }

    /// Signs the list: an untagged `COSE_Sign1`, its certificates in the unprotected header.
    ///
    /// `chain` is the signer's certificate first, then intermediate ones; the root does not belong in it.
    ///
    /// # Errors
    /// [`SignerError`] if the key's keeper does not sign.
    pub fn sign(&self, signer: &dyn Signer, chain: &[&[u8]]) -> Result<Vec<u8>, SignerError> {
        let (payload, protected) = (self.payload(), protected_header(signer.algorithm()));
        let signature = signer.sign(&to_be_signed(&protected, &payload))?;
        let mut out = Vec::with_capacity(payload.len() + 1024);
        write_sign1(&mut out, &protected, chain, Some(&payload), &signature);
        Ok(out)
    }
}

impl Entry {
    fn write(&self, out: &mut Vec<u8>) {
        let certificate = &self.certificate;
        let optional = [
            !self.certificate_profiles.is_empty(),
            self.issuing_authority.is_some(),
            self.issuing_country.is_some(),
            self.state_or_province.is_some(),
        ];
        write::map(out, 8 + count(&optional));
        bytes(out, "certificate", certificate.der());
        write::text(out, "serialNumber");
        write::tag(out, TAG_BIGNUM);
        write::bytes(out, without_leading_zeros(certificate.serial_number()));
        let ski = match certificate.subject_key_identifier() {
            Some(Ok(own)) => own.to_vec(),
            _ => certificate.computed_key_identifier().to_vec(),
        };
        bytes(out, "ski", &ski);
        texts(out, "docType", &self.doc_types);
        if !self.certificate_profiles.is_empty() {
            texts(out, "certificateProfile", &self.certificate_profiles);
        }
        text(out, "issuingAuthority", self.issuing_authority.as_deref());
        text(out, "issuingCountry", self.issuing_country.as_deref());
        text(out, "stateOrProvinceName", self.state_or_province.as_deref());
        bytes(out, "issuer", certificate.issuer_der());
        bytes(out, "subject", certificate.subject_der());
        tdate(out, "notBefore", Some(certificate.not_before()));
        tdate(out, "notAfter", Some(certificate.not_after()));
    }
}

fn count(there: &[bool]) -> usize {
    there.iter().filter(|there| **there).count()
}

fn text(out: &mut Vec<u8>, name: &str, value: Option<&str>) {
    if let Some(value) = value {
        write::text(out, name);
        write::text(out, value);
    }
}

fn texts(out: &mut Vec<u8>, name: &str, values: &[String]) {
    write::text(out, name);
    write::array(out, values.len());
    for value in values {
        write::text(out, value);
    }
}

fn bytes(out: &mut Vec<u8>, name: &str, value: &[u8]) {
    write::text(out, name);
    write::bytes(out, value);
}

fn tdate(out: &mut Vec<u8>, name: &str, value: Option<Timestamp>) {
    if let Some(value) = value {
        write::text(out, name);
        write::tdate(out, value);
    }
}
