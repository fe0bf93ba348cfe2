//! A received list, as it was received.

use std::borrow::Cow;

use crate::cbor::{Item, Shape};
use crate::cose::Sign1;
use crate::error::{self, DecodeError};
use crate::limits::Limits;
use crate::time::Timestamp;
use crate::value::TAG_TDATE;
use crate::x509::{BadCertificate, Certificate};

use super::MOST_ENTRIES;

const TAG_BIGNUM: u64 = 2;
const TAG_NEGATIVE_BIGNUM: u64 = 3;

/// A received list with its signature, as a view of the received bytes. Decoded, not verified.
///
/// Shape: `COSE_Sign1`, untagged (tag 18 is taken); its payload is the encoded [`Vical`] itself, without tag 24.
///
/// Source: ISO/IEC 18013-5:2021, Annex C.
#[derive(Debug, Clone)]
pub struct SignedVical<'b> {
    raw: &'b [u8],
    sign1: Sign1<'b>,
    vical: Vical,
    shape: Shape,
}

impl<'b> SignedVical<'b> {
    /// Reads a list. A fault in one entry is kept with the entry, and is no error.
    ///
    /// # Errors
    /// [`DecodeError`] if the list is no CBOR, exceeds a limit, lacks a required member outside of its entries,
    /// or has a major version other than 1. Never panics, whatever the bytes.
    pub fn decode(bytes: &'b [u8], limits: &Limits) -> Result<Self, DecodeError> {
        let (item, outer) = Item::parse_with_shape(bytes, limits)?;
        let sign1 = Sign1::decode(item, limits)?;
        let payload = sign1.payload().ok_or(DecodeError::missing("payload"))?;
        let (vical, inner) = Item::parse_with_shape(payload, limits)
            .and_then(|(item, shape)| Ok((Vical::decode(item)?, shape)))
            .map_err(|error| error.within("payload"))?;
        Ok(Self {
            raw: bytes,
            sign1,
            vical,
            shape: outer.and(inner),
        })
    }

    /// All of it as received.
    #[must_use]
    pub const fn raw(&self) -> &'b [u8] {
        self.raw
    }

    /// What is signed, as received.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        self.sign1.payload().unwrap_or_default() // there, or it did not decode
    }

    /// The signature with its headers.
    #[must_use]
    pub const fn sign1(&self) -> &Sign1<'b> {
        &self.sign1
    }

    /// What the list says.
    #[must_use]
    pub const fn vical(&self) -> &Vical {
        &self.vical
    }

    /// How it was written.
    #[must_use]
    pub const fn shape(&self) -> Shape {
        self.shape
    }

    pub(super) fn into_vical(self) -> Vical {
        self.vical
    }
}

/// What a list says.
///
/// ```cddl
/// VICAL = { "version": tstr, "vicalProvider": tstr, ? "vicalIssueID": uint, "date": tdate,
///           ? "nextUpdate": tdate, ? "notAfter": tdate, "certificateInfos": [* CertificateInfo],
///           ? "extensions": {* tstr => any}, ? "vicalURL": tstr }
/// ```
/// Other members are passed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vical {
    /// The version, `1.0`.
    pub version: String,
    /// Who made the list.
    pub provider: String,
    /// The number of the issue, which grows with each.
    pub issue_id: Option<u64>,
    /// When it was made.
    pub date: Timestamp,
    /// Until when there will be a newer one.
    pub next_update: Option<Timestamp>,
    /// From when on it must not be used any more (second edition).
    pub not_after: Option<Timestamp>,
    /// Where the newest one is (second edition).
    pub url: Option<String>,
    /// The entries, in the order received.
    pub entries: Vec<CertificateInfo>,
}

/// One entry of a list: a certificate, and what the list says of it.
///
/// ```cddl
/// CertificateInfo = { "certificate": bstr, "serialNumber": biguint, "ski": bstr, "docType": [+ tstr],
///     ? "certificateProfile": [+ tstr], ? "issuingAuthority": tstr, ? "issuingCountry": tstr,
///     ? "stateOrProvinceName": tstr, ? "issuer": bstr, ? "subject": bstr, ? "notBefore": tdate,
///     ? "notAfter": tdate, ? "extensions": {* tstr => any} }
/// ```
/// Everything is optional here: what is missing or of another type is among the faults. AAMVA writes
/// `CertificateProfile` and `Extensions`; the former is taken, the latter passed over as `extensions` is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateInfo {
    /// The certificate, or what is wrong with it.
    pub certificate: Result<Certificate, Fault>,
    /// The serial number that the list states: the magnitude, most significant octet first, without leading zeros.
    pub serial_number: Option<Vec<u8>>,
    /// The key identifier that the list states.
    pub ski: Option<Vec<u8>>,
    /// The documents that the authority is trusted for; none if that could not be read.
    pub doc_types: Vec<String>,
    /// The profiles of the certificate, as URNs.
    pub certificate_profiles: Vec<String>,
    /// The name of the authority.
    pub issuing_authority: Option<String>,
    /// Its country.
    pub issuing_country: Option<String>,
    /// Its state or province.
    pub state_or_province: Option<String>,
    /// The issuer's name in DER that the list states.
    pub issuer: Option<Vec<u8>>,
    /// The subject's name in DER that the list states.
    pub subject: Option<Vec<u8>>,
    /// The beginning of the validity that the list states.
    pub not_before: Option<Timestamp>,
    /// The end of the validity that the list states.
    pub not_after: Option<Timestamp>,
    /// Members of another type than they should be, or missing.
    pub faults: Vec<DecodeError>,
}

/// Why an entry has no certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The member is missing or no byte string, or the entry is no map.
    Member(DecodeError),
    /// The certificate is broken.
    Certificate(BadCertificate),
}

impl core::fmt::Display for Fault {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Member(error) => error.fmt(f),
            Self::Certificate(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for Fault {}

impl Vical {
    /// Reads the payload of a list.
    ///
    /// # Errors
    /// [`DecodeError`] if a required member is missing, one has another type, or the major version is not 1.
    pub fn decode(item: Item<'_>) -> Result<Self, DecodeError> {
        item.expect_map()?;
        let version = item
            .optional("version")
            .and_then(Item::text)
            .ok_or(DecodeError::new(error::Fault::NoVersion))?;
        if version.split('.').next() != Some("1") {
            return Err(DecodeError::new(error::Fault::Version(version.into_owned())));
        }
        let mut entries = Vec::new();
        let infos = item.member("certificateInfos")?;
        for (index, info) in infos
            .expect_array()
            .map_err(|error| error.within("certificateInfos"))?
            .enumerate()
        {
            if index == MOST_ENTRIES {
                return Err(DecodeError::new(error::Fault::Limit("the number of entries")));
            }
            entries.push(CertificateInfo::decode(info));
        }
        Ok(Self {
            version: version.into_owned(),
            provider: text(item.member("vicalProvider")?, "vicalProvider")?,
            issue_id: optional(item, "vicalIssueID", |item, _| item.expect_unsigned())?,
            date: tdate(item.member("date")?, "date")?,
            next_update: optional(item, "nextUpdate", tdate)?,
            not_after: optional(item, "notAfter", tdate)?,
            url: optional(item, "vicalURL", text)?,
            entries,
        })
    }
}

impl CertificateInfo {
    fn decode(item: Item<'_>) -> Self {
        let mut faults = Vec::new();
        let certificate = item
            .member("certificate")
            .and_then(|found| bytes(found, "certificate"))
            .map_err(Fault::Member)
            .and_then(|der| Certificate::from_der(&der).map_err(Fault::Certificate));
        let doc_types = match item.member("docType").and_then(|found| texts(found, "docType")) {
            Ok(doc_types) => doc_types,
            Err(error) => {
                faults.push(error);
                Vec::new()
            }
        };
        let profiles = if item.optional("certificateProfile").is_some() {
            "certificateProfile"
        } else {
            "CertificateProfile"
        };
        let certificate_profiles = member(item, profiles, texts, &mut faults).unwrap_or_default();
        for required in ["serialNumber", "ski"] {
            if item.map().is_some() && item.optional(required).is_none() {
                faults.push(DecodeError::missing(required));
            }
        }
        Self {
            certificate,
            serial_number: member(item, "serialNumber", number, &mut faults),
            ski: member(item, "ski", bytes, &mut faults),
            doc_types,
            certificate_profiles,
            issuing_authority: member(item, "issuingAuthority", text, &mut faults),
            issuing_country: member(item, "issuingCountry", text, &mut faults),
            state_or_province: member(item, "stateOrProvinceName", text, &mut faults),
            issuer: member(item, "issuer", bytes, &mut faults),
            subject: member(item, "subject", bytes, &mut faults),
            not_before: member(item, "notBefore", tdate, &mut faults),
            not_after: member(item, "notAfter", tdate, &mut faults),
            faults,
        }
    }

    /// Whether the key identifier that the list states is that of the certificate: the extension's value, or
    /// that computed from the key.
    #[must_use]
    pub fn ski_agrees(&self, certificate: &Certificate) -> bool {
        let Some(stated) = self.ski.as_deref() else {
            return true;
        };
        stated == certificate.computed_key_identifier()
            || matches!(certificate.subject_key_identifier(), Some(Ok(own)) if own == stated)
    }

    /// Whether the key identifier that the list states is the right one with the DER of an extension around it:
    /// `04 16 04 14` and the identifier. AAMVA writes it so in every entry.
    #[must_use]
    pub fn ski_is_wrapped(&self, certificate: &Certificate) -> bool {
        let stated = self.ski.as_deref().unwrap_or_default();
        stated
            .strip_prefix(&[0x04, 0x16, 0x04, 0x14])
            .is_some_and(|inner| inner == certificate.computed_key_identifier())
    }
}

fn member<'b, T>(
    entry: Item<'b>,
    name: &'static str,
    read: impl Fn(Item<'b>, &'static str) -> Result<T, DecodeError>,
    faults: &mut Vec<DecodeError>,
) -> Option<T> {
    match optional(entry, name, read) {
        Ok(found) => found,
        Err(error) => {
            faults.push(error);
            None
        }
    }
}

fn optional<'b, T>(
    map: Item<'b>,
    name: &'static str,
    read: impl Fn(Item<'b>, &'static str) -> Result<T, DecodeError>,
) -> Result<Option<T>, DecodeError> {
    map.optional(name).map(|found| read(found, name)).transpose()
}

fn text(item: Item<'_>, name: &'static str) -> Result<String, DecodeError> {
    item.expect_text()
        .map(Cow::into_owned)
        .map_err(|error| error.within(name))
}

fn bytes(item: Item<'_>, name: &'static str) -> Result<Vec<u8>, DecodeError> {
    item.expect_bytes()
        .map(Cow::into_owned)
        .map_err(|error| error.within(name))
}

fn texts(item: Item<'_>, name: &'static str) -> Result<Vec<String>, DecodeError> {
    let found: Result<Vec<_>, _> = item
        .expect_array()
        .map_err(|error| error.within(name))?
        .map(|item| text(item, name))
        .collect();
    match found {
        Ok(found) if found.is_empty() => Err(DecodeError::expected("at least one text string").within(name)),
        found => found,
    }
}

/// The magnitude of a bignum, or of an unsigned integer, which CBOR prefers for small ones.
fn number(item: Item<'_>, name: &'static str) -> Result<Vec<u8>, DecodeError> {
    let wrong = || DecodeError::expected("a bignum or an unsigned integer").within(name);
    let octets = match item.tagged() {
        Some((TAG_BIGNUM, inner)) => inner.bytes().ok_or_else(wrong)?.into_owned(),
        Some((TAG_NEGATIVE_BIGNUM, _)) => return Err(wrong()),
        _ => item.unsigned().ok_or_else(wrong)?.to_be_bytes().to_vec(),
    };
    Ok(without_leading_zeros(&octets).to_vec())
}

/// The same number without the octets that do not matter.
pub(super) fn without_leading_zeros(octets: &[u8]) -> &[u8] {
    let zeros = octets.iter().take_while(|octet| **octet == 0).count();
    octets.get(zeros..).unwrap_or_default()
}

fn tdate(item: Item<'_>, name: &'static str) -> Result<Timestamp, DecodeError> {
    let wrong = || DecodeError::expected("a date and time (tdate)").within(name);
    // The tag is part of the type; a text alone says the same, and is taken.
    let text = match item.tagged() {
        Some((TAG_TDATE, inner)) => inner.text(),
        Some(_) => None,
        None => item.text(),
    };
    Timestamp::parse(&text.ok_or_else(wrong)?).map_err(|_| wrong())
}
