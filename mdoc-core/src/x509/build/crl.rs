//! Making revocation lists.

use super::parts::{authority_key, extension, slices};
use super::{BuildError, sign};
use crate::crypto::{Curve, RustCrypto};
use crate::seams::Signer;
use crate::time::Timestamp;
use crate::x509::revocation::RevocationList;
use crate::x509::{Certificate, CertificateSignature, KeyUsage, der, oid};

/// When a revocation list is made, when the next one is due, and its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListTerms {
    /// When it is made.
    pub this_update: Timestamp,
    /// When it is no longer to be used; a new one is due every 90 days.
    pub next_update: Timestamp,
    /// Higher than that of the list before.
    pub number: u64,
}

/// A revoked certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevokedSerial {
    /// Its serial number, most significant octet first: [`Certificate::serial_number`].
    pub serial_number: Vec<u8>,
    /// When it was revoked.
    pub at: Timestamp,
}

/// Makes the complete revocation list of an issuer.
///
/// Version 2, entries without extensions, and none of a list if nothing is revoked; the authority key
/// identifier and the number are its extensions (ISO/IEC 18013-5:2021, Annex B).
///
/// # Errors
/// [`BuildError`] if the issuer may not sign lists, the signer has another key, or the list would be out of
/// date before it begins.
pub fn build_crl(
    issuer: &Certificate,
    signer: &dyn Signer,
    revoked: &[RevokedSerial],
    terms: ListTerms,
) -> Result<RevocationList, BuildError> {
    if issuer.public_key().ok().as_ref() != Some(signer.public_key()) {
        return Err(BuildError::NotTheKeyOfTheIssuer);
    }
    if !matches!(issuer.key_usage(), Some(Ok(usage)) if usage.contains(KeyUsage::CRL_SIGN)) {
        return Err(BuildError::IssuerNotCa(issuer.subject().to_string()));
    }
    if terms.next_update < terms.this_update {
        return Err(BuildError::EndsBeforeItBegins(super::Validity {
            from: terms.this_update,
            until: terms.next_update,
        }));
    }
    let entries: Vec<_> = revoked
        .iter()
        .map(|entry| {
            let serial = der::unsigned(&entry.serial_number);
            der::tlv(der::SEQUENCE, &[&serial, &der::time(entry.at)])
        })
        .collect();
    let entries = if entries.is_empty() {
        Vec::new()
    } else {
        der::tlv(der::SEQUENCE, &slices(&entries))
    };
    let number = der::unsigned(&terms.number.to_be_bytes());
    let extensions = [authority_key(issuer), extension(oid::CRL_NUMBER, false, &number)];
    let curve: Curve = signer.public_key().curve();
    let tbs = der::tlv(
        der::SEQUENCE,
        &[
            &der::unsigned(&[1]),
            &CertificateSignature::der_for(curve),
            issuer.subject_der(),
            &der::time(terms.this_update),
            &der::time(terms.next_update),
            &entries,
            &der::tlv(
                der::constructed(0),
                &[&der::tlv(der::SEQUENCE, &slices(&extensions))],
            ),
        ],
    );
    let list = RevocationList::from_der(&sign(&tbs, signer)?).map_err(BuildError::Unreadable)?;
    list.verify_signed_by(signer.public_key(), &RustCrypto)
        .map_err(BuildError::Signature)?;
    Ok(list)
}
