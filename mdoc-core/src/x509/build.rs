//! Making certificates by the profiles of Annex B.
//!
//! The limits of the profiles are enforced here: what is built gives no finding in [`super::profile`].
//! Only the public half of a subject's key is needed; the issuer's key signs through a [`Signer`].
//!
//! Source: ISO/IEC 18013-5:2021, Annex B; RFC 5280, 4.1 and 4.2.

mod crl;
mod error;
mod parts;

pub use self::crl::{ListTerms, RevokedSerial, build_crl};
pub use self::error::BuildError;
#[cfg(test)]
pub(super) use self::parts::extension;
use self::parts::{
    authority_key, ca_constraints, contacts, country, crl_uri, free_name, organization, purposes_of,
    relative_name, slices, state_of, subject_key, text, usage,
};
use super::oid::{self, Oid};
use super::profile::{Limit, Role, is_within, may_issue};
use super::signature::to_x509;
use super::{Certificate, CertificateSignature, GeneralName, KeyUsage};
use super::{der, public_key_der};
use crate::crypto::{CryptoRng, Curve, PublicKey, RustCrypto};
use crate::seams::Signer;
use crate::time::Timestamp;

/// What a new root of an issuing authority is to say.
#[derive(Debug, Clone)]
pub struct IacaRoot {
    /// `C`: two upper-case letters of ISO 3166-1; everything below has the same.
    pub country: String,
    /// `ST`: a code of ISO 3166-2 such as `US-MD`; if there, everything below has the same.
    pub state: Option<String>,
    /// `CN`, up to 64 characters.
    pub common_name: String,
    /// `O`, up to 64 characters.
    pub organization: Option<String>,
    /// When it is valid: at most 20 years.
    pub validity: Validity,
    /// How to reach the authority: an e-mail address or a URI at least.
    pub contacts: Vec<GeneralName>,
    /// Where its revocation list will be.
    pub crl_uri: String,
}

/// What a new document signer is to say. Country and state are those of its issuer.
#[derive(Debug, Clone)]
pub struct DocumentSigner {
    /// `CN`, up to 64 characters.
    pub common_name: String,
    /// `O`, up to 64 characters.
    pub organization: Option<String>,
    /// When it is valid: at most 457 days, and within the validity of its issuer.
    pub validity: Validity,
    /// Whether mdocDS of ISO/IEC 23220-4 is added to mdlDS.
    pub mdoc_purpose: bool,
    /// How to reach the authority: an e-mail address or a URI at least.
    pub contacts: Vec<GeneralName>,
    /// Where the revocation list of its issuer is.
    pub crl_uri: String,
}

/// What a new root for reader certificates is to say.
#[derive(Debug, Clone)]
pub struct ReaderCa {
    /// `C`, if any.
    pub country: Option<String>,
    /// `CN`, up to 64 characters.
    pub common_name: String,
    /// `O`, up to 64 characters.
    pub organization: Option<String>,
    /// When it is valid: at most 20 years.
    pub validity: Validity,
}

/// What a new reader authentication certificate is to say.
#[derive(Debug, Clone)]
pub struct ReaderAuthentication {
    /// `C`, if any.
    pub country: Option<String>,
    /// `CN`, up to 64 characters: who reads.
    pub common_name: String,
    /// `O`, up to 64 characters.
    pub organization: Option<String>,
    /// When it is valid: at most 1187 days, and within the validity of its issuer.
    pub validity: Validity,
    /// How to reach the issuer; must be there if the issuer is an IACA.
    pub contacts: Vec<GeneralName>,
    /// Where the revocation list of its issuer is.
    pub crl_uri: String,
}

/// What a new signer of status lists is to say (second edition).
#[derive(Debug, Clone)]
pub struct StatusListSigner {
    /// `C`, if any.
    pub country: Option<String>,
    /// `CN`, up to 64 characters.
    pub common_name: String,
    /// `O`, up to 64 characters.
    pub organization: Option<String>,
    /// When it is valid: at most 1187 days, and within the validity of its issuer.
    pub validity: Validity,
    /// Where the revocation list of its issuer is, if there is one.
    pub crl_uri: Option<String>,
}

/// The first and the last instant at which a certificate is valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    /// The first instant.
    pub from: Timestamp,
    /// The last instant.
    pub until: Timestamp,
}

impl IacaRoot {
    /// Makes the root, signed by its own key.
    ///
    /// # Errors
    /// [`BuildError`] for the first part that the profile does not allow, or if the key did not sign.
    pub fn build(&self, signer: &dyn Signer, rng: &mut dyn CryptoRng) -> Result<Certificate, BuildError> {
        let key = signer.public_key();
        if key.curve() == Curve::Ed25519 {
            return Err(BuildError::Curve(key.curve()));
        }
        let mut name = vec![country(&self.country)?];
        if let Some(state) = &self.state {
            name.push(state_of(&self.country, state)?);
        }
        organization(&mut name, self.organization.as_deref())?;
        name.push(text(oid::COMMON_NAME, "common name", 64, &self.common_name)?);
        let name = der::tlv(der::SEQUENCE, &slices(&name));
        Draft {
            issuer: name.clone(),
            subject: name,
            validity: checked(self.validity, Role::IacaRoot.longest(), None)?,
            extensions: vec![
                ca_constraints(),
                usage(KeyUsage::KEY_CERT_SIGN.and(KeyUsage::CRL_SIGN)),
                subject_key(key),
                contacts(&self.contacts)?,
                crl_uri(&self.crl_uri)?,
            ],
        }
        .sign(key, signer, rng)
    }
}

impl DocumentSigner {
    /// Makes the certificate for `key`, signed by the issuer's key.
    ///
    /// # Errors
    /// [`BuildError`] for the first part that the profile does not allow, or if the key did not sign.
    pub fn build(
        &self,
        key: &PublicKey,
        issuer: &Certificate,
        signer: &dyn Signer,
        rng: &mut dyn CryptoRng,
    ) -> Result<Certificate, BuildError> {
        check_issuer(key, issuer, signer)?;
        let above = issuer.subject();
        let mut name = vec![
            above
                .country()
                .and_then(|found| country(&found).ok())
                .ok_or_else(|| BuildError::IssuerWithoutCountry(above.to_string()))?,
        ];
        if let Some(state) = above.attribute(oid::STATE_OR_PROVINCE) {
            name.push(relative_name(state.oid, state.tag, state.value)); // octet for octet as above
        }
        organization(&mut name, self.organization.as_deref())?;
        name.push(text(oid::COMMON_NAME, "common name", 64, &self.common_name)?);
        let purposes: &[Oid<'_>] = if self.mdoc_purpose {
            &[oid::MDL_DS, oid::MDOC_DS]
        } else {
            &[oid::MDL_DS]
        };
        let role = Role::DocumentSigner { mdl: true };
        Draft {
            issuer: issuer.subject_der().to_vec(),
            subject: der::tlv(der::SEQUENCE, &slices(&name)),
            validity: checked(self.validity, role.longest(), Some(issuer))?,
            extensions: vec![
                authority_key(issuer),
                subject_key(key),
                usage(KeyUsage::DIGITAL_SIGNATURE),
                purposes_of(purposes),
                contacts(&self.contacts)?,
                crl_uri(&self.crl_uri)?,
            ],
        }
        .sign(key, signer, rng)
    }
}

impl ReaderCa {
    /// Makes the root, signed by its own key.
    ///
    /// # Errors
    /// [`BuildError`] for the first part that cannot be, or if the key did not sign.
    pub fn build(&self, signer: &dyn Signer, rng: &mut dyn CryptoRng) -> Result<Certificate, BuildError> {
        let key = signer.public_key();
        let name = free_name(
            self.country.as_deref(),
            self.organization.as_deref(),
            &self.common_name,
        )?;
        Draft {
            issuer: name.clone(),
            subject: name,
            validity: checked(self.validity, Role::ReaderCa.longest(), None)?,
            extensions: vec![
                ca_constraints(),
                usage(KeyUsage::KEY_CERT_SIGN.and(KeyUsage::CRL_SIGN)),
                subject_key(key),
            ],
        }
        .sign(key, signer, rng)
    }
}

impl ReaderAuthentication {
    /// Makes the certificate for `key`, signed by the issuer's key. Has the purposes mdlReaderAuth and
    /// mdocReaderAuth.
    ///
    /// # Errors
    /// [`BuildError`] for the first part that the profile does not allow, or if the key did not sign.
    pub fn build(
        &self,
        key: &PublicKey,
        issuer: &Certificate,
        signer: &dyn Signer,
        rng: &mut dyn CryptoRng,
    ) -> Result<Certificate, BuildError> {
        check_issuer(key, issuer, signer)?;
        let mut extensions = vec![
            authority_key(issuer),
            subject_key(key),
            usage(KeyUsage::DIGITAL_SIGNATURE),
            purposes_of(&[oid::MDL_READER_AUTH, oid::MDOC_READER_AUTH]),
            crl_uri(&self.crl_uri)?,
        ];
        if !self.contacts.is_empty() {
            extensions.push(contacts(&self.contacts)?);
        }
        Draft {
            issuer: issuer.subject_der().to_vec(),
            subject: free_name(
                self.country.as_deref(),
                self.organization.as_deref(),
                &self.common_name,
            )?,
            validity: checked(self.validity, Role::ReaderAuthentication.longest(), Some(issuer))?,
            extensions,
        }
        .sign(key, signer, rng)
    }
}

impl StatusListSigner {
    /// Makes the certificate for `key`, signed by the issuer's key. Has no purpose: that is optional, and the
    /// number of the one that is meant is not settled.
    ///
    /// # Errors
    /// [`BuildError`] for the first part that the profile does not allow, or if the key did not sign.
    pub fn build(
        &self,
        key: &PublicKey,
        issuer: &Certificate,
        signer: &dyn Signer,
        rng: &mut dyn CryptoRng,
    ) -> Result<Certificate, BuildError> {
        check_issuer(key, issuer, signer)?;
        for curve in [key.curve(), signer.public_key().curve()] {
            if curve == Curve::Ed25519 {
                return Err(BuildError::Curve(curve));
            }
        }
        let mut extensions = vec![
            authority_key(issuer),
            subject_key(key),
            usage(KeyUsage::DIGITAL_SIGNATURE),
        ];
        if let Some(uri) = &self.crl_uri {
            extensions.push(crl_uri(uri)?);
        }
        Draft {
            issuer: issuer.subject_der().to_vec(),
            subject: free_name(
                self.country.as_deref(),
                self.organization.as_deref(),
                &self.common_name,
            )?,
            validity: checked(self.validity, Role::StatusListSigner.longest(), Some(issuer))?,
            extensions,
        }
        .sign(key, signer, rng)
    }
}

/// A certificate but for its serial number, key and signature.
pub(super) struct Draft {
    pub(super) issuer: Vec<u8>,
    pub(super) subject: Vec<u8>,
    pub(super) validity: Validity,
    /// Each the whole `Extension`.
    pub(super) extensions: Vec<Vec<u8>>,
}

impl Draft {
    pub(super) fn sign(
        &self,
        key: &PublicKey,
        signer: &dyn Signer,
        rng: &mut dyn CryptoRng,
    ) -> Result<Certificate, BuildError> {
        // 158 random bits in 20 octets, positive: the profile asks for 63, and 71 if it can be.
        let mut serial = [0; 20];
        rng.fill_bytes(&mut serial);
        if let Some(first) = serial.first_mut() {
            *first = *first & 0x3F | 0x40;
        }
        let tbs = der::tlv(
            der::SEQUENCE,
            &[
                &der::tlv(der::constructed(0), &[&der::unsigned(&[2])]),
                &der::unsigned(&serial),
                &CertificateSignature::der_for(signer.public_key().curve()),
                &self.issuer,
                &der::tlv(
                    der::SEQUENCE,
                    &[&der::time(self.validity.from), &der::time(self.validity.until)],
                ),
                &self.subject,
                &public_key_der(key),
                &der::tlv(
                    der::constructed(3),
                    &[&der::tlv(der::SEQUENCE, &slices(&self.extensions))],
                ),
            ],
        );
        let signed = sign(&tbs, signer)?;
        let certificate = Certificate::from_der(&signed).map_err(BuildError::Unreadable)?;
        // The keeper of the key may be far away: trust its signature only after a look.
        certificate
            .verify_signed_by(signer.public_key(), &RustCrypto)
            .map_err(BuildError::Signature)?;
        Ok(certificate)
    }
}

/// `SEQUENCE { to be signed, algorithm, signature }`.
fn sign(tbs: &[u8], signer: &dyn Signer) -> Result<Vec<u8>, BuildError> {
    let curve = signer.public_key().curve();
    let raw = signer.sign(tbs).map_err(BuildError::Signer)?;
    Ok(der::tlv(
        der::SEQUENCE,
        &[
            tbs,
            &CertificateSignature::der_for(curve),
            &der::bit_string(&to_x509(curve, &raw)),
        ],
    ))
}

fn check_issuer(key: &PublicKey, issuer: &Certificate, signer: &dyn Signer) -> Result<(), BuildError> {
    if !may_issue(issuer) {
        return Err(BuildError::IssuerNotCa(issuer.subject().to_string()));
    }
    if issuer.public_key().ok().as_ref() != Some(signer.public_key()) {
        return Err(BuildError::NotTheKeyOfTheIssuer);
    }
    if key == signer.public_key() {
        return Err(BuildError::KeyOfTheIssuer);
    }
    Ok(())
}

fn checked(asked: Validity, limit: Limit, issuer: Option<&Certificate>) -> Result<Validity, BuildError> {
    if asked.until < asked.from {
        return Err(BuildError::EndsBeforeItBegins(asked));
    }
    if !is_within(limit, asked.from, asked.until) {
        let most = match limit {
            Limit::Days(457) => "457 days",
            Limit::Days(_) => "1187 days",
            Limit::Years(_) => "20 years",
        };
        return Err(BuildError::ValidTooLong { asked, most });
    }
    if let Some(issuer) = issuer {
        let issuer = Validity {
            from: issuer.not_before(),
            until: issuer.not_after(),
        };
        if asked.from < issuer.from || asked.until > issuer.until {
            return Err(BuildError::OutsideIssuer { asked, issuer });
        }
    }
    Ok(asked)
}

#[cfg(test)]
mod tests;
