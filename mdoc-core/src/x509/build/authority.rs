//! Roots, and the link from an old root to a new one.

use super::parts::{
    alternative_names, ca_constraints, contacts, country, crl_uri, free_name, organization, slices, state_of,
    subject_key, text, usage,
};
use super::{BuildError, Draft, Validity, authority_key, check_issuer, checked};
use crate::crypto::CryptoRng;
use crate::seams::Signer;
use crate::x509::profile::Role;
use crate::x509::{Certificate, GeneralName, KeyUsage, der, oid};

const CERTIFICATES_AND_LISTS: KeyUsage = KeyUsage::KEY_CERT_SIGN.and(KeyUsage::CRL_SIGN);

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

/// What the link from the old root of an issuing authority to its new one is to say. Subject and key are those
/// of the new root.
#[derive(Debug, Clone)]
pub struct IacaLink {
    /// When it is valid: within the validity of the old root.
    pub validity: Validity,
    /// How to reach the authority: an e-mail address or a URI at least.
    pub contacts: Vec<GeneralName>,
    /// Where the revocation list of the old root is.
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

/// What a new root for other certificates is to say: for VICAL signers, or TLS servers and clients.
#[derive(Debug, Clone)]
pub struct OtherCa {
    /// `C`, if any.
    pub country: Option<String>,
    /// `CN`, up to 64 characters.
    pub common_name: String,
    /// `O`, up to 64 characters.
    pub organization: Option<String>,
    /// When it is valid: at most 20 years.
    pub validity: Validity,
}

impl IacaRoot {
    /// Makes the root, signed by its own key.
    ///
    /// # Errors
    /// [`BuildError`] for the first part that the profile does not allow, or if the key did not sign.
    pub fn build(&self, signer: &dyn Signer, rng: &mut dyn CryptoRng) -> Result<Certificate, BuildError> {
        let key = signer.public_key();
        if key.curve().is_octet_string() {
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
                usage(CERTIFICATES_AND_LISTS),
                subject_key(key),
                contacts(&self.contacts)?,
                crl_uri(&self.crl_uri)?,
            ],
        }
        .sign(key, signer, rng)
    }
}

impl IacaLink {
    /// Makes the link to the root `new`, signed by the key of the root `old`. If the two have different names,
    /// the new one is repeated in subjectAltName.
    ///
    /// # Errors
    /// [`BuildError`] for the first part that the profile does not allow, or if the key did not sign.
    pub fn build(
        &self,
        new: &Certificate,
        old: &Certificate,
        signer: &dyn Signer,
        rng: &mut dyn CryptoRng,
    ) -> Result<Certificate, BuildError> {
        let key = new.public_key().map_err(BuildError::SubjectKey)?;
        check_issuer(&key, old, signer)?;
        for curve in [key.curve(), signer.public_key().curve()] {
            if curve.is_octet_string() {
                return Err(BuildError::Curve(curve));
            }
        }
        if new.subject().country() != old.subject().country() {
            return Err(BuildError::OtherCountry {
                found: new.subject().country().unwrap_or_default(),
                issuer: old.subject().country().unwrap_or_default(),
            });
        }
        let mut extensions = vec![
            authority_key(old),
            subject_key(&key),
            ca_constraints(),
            usage(CERTIFICATES_AND_LISTS),
            contacts(&self.contacts)?,
            crl_uri(&self.crl_uri)?,
        ];
        if new.subject_der() != old.subject_der() {
            extensions.push(alternative_names(&[GeneralName::Directory(
                new.subject_der().to_vec(),
            )]));
        }
        Draft {
            issuer: old.subject_der().to_vec(),
            subject: new.subject_der().to_vec(),
            validity: checked(self.validity, Role::IacaLink.longest(), Some(old))?,
            extensions,
        }
        .sign(&key, signer, rng)
    }
}

impl ReaderCa {
    /// Makes the root, signed by its own key.
    ///
    /// # Errors
    /// [`BuildError`] for the first part that cannot be, or if the key did not sign.
    pub fn build(&self, signer: &dyn Signer, rng: &mut dyn CryptoRng) -> Result<Certificate, BuildError> {
        let name = (self.country.as_deref(), self.organization.as_deref());
        free_root(name, &self.common_name, self.validity, signer, rng)
    }
}

impl OtherCa {
    /// Makes the root, signed by its own key.
    ///
    /// # Errors
    /// [`BuildError`] for the first part that cannot be, or if the key did not sign.
    pub fn build(&self, signer: &dyn Signer, rng: &mut dyn CryptoRng) -> Result<Certificate, BuildError> {
        let name = (self.country.as_deref(), self.organization.as_deref());
        free_root(name, &self.common_name, self.validity, signer, rng)
    }
}

/// A root of which the standard does not say much.
fn free_root(
    (country_code, organization_name): (Option<&str>, Option<&str>),
    common_name: &str,
    validity: Validity,
    signer: &dyn Signer,
    rng: &mut dyn CryptoRng,
) -> Result<Certificate, BuildError> {
    let key = signer.public_key();
    let name = free_name(country_code, organization_name, common_name)?;
    Draft {
        issuer: name.clone(),
        subject: name,
        validity: checked(validity, Role::OtherCa.longest(), None)?,
        extensions: vec![ca_constraints(), usage(CERTIFICATES_AND_LISTS), subject_key(key)],
    }
    .sign(key, signer, rng)
}
