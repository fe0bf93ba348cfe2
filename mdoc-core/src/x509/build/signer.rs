//! Those who sign data: documents, status lists, answers, lists of authorities, tokens.

use super::parts::{
    contacts, country, crl_uri, free_name, no_check, ocsp_uri, organization, relative_name, slices, text,
};
use super::{Above, BuildError, Leaf, Validity};
use crate::crypto::{CryptoRng, PublicKey};
use crate::seams::Signer;
use crate::x509::oid::{self, Oid};
use crate::x509::profile::{NO_CHECK_LIMIT, Role};
use crate::x509::{Certificate, GeneralName, KeyUsage, der};

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

/// What a new OCSP responder is to say. Country and state are those of its issuer.
#[derive(Debug, Clone)]
pub struct OcspResponder {
    /// `CN`, up to 64 characters.
    pub common_name: String,
    /// `O`, up to 64 characters.
    pub organization: Option<String>,
    /// When it is valid: within the validity of its issuer, and no longer than `revocation` allows.
    pub validity: Validity,
    /// How to reach the authority: an e-mail address or a URI at least.
    pub contacts: Vec<GeneralName>,
    /// How one learns that the responder itself was revoked.
    pub revocation: ResponderRevocation,
}

/// How one learns that an OCSP responder was revoked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResponderRevocation {
    /// By the list of its issuer at this address; valid for at most 457 days.
    List(String),
    /// Not at all (ocsp-nocheck); valid for at most 90 days.
    NoCheck,
}

/// What a new signer of lists of issuing authorities is to say.
#[derive(Debug, Clone)]
pub struct VicalSigner {
    /// `C`.
    pub country: String,
    /// `O`, up to 64 characters.
    pub organization: String,
    /// `CN`, up to 64 characters.
    pub common_name: String,
    /// When it is valid: at most 1187 days, and within the validity of its issuer.
    pub validity: Validity,
    /// Whether mdocVICAL of ISO/IEC 23220-4 is added to mdlVICAL.
    pub mdoc_purpose: bool,
    /// Where the revocation list of its issuer is.
    pub crl_uri: String,
    /// Where the OCSP responder of its issuer is; must be there if there is one.
    pub ocsp_uri: Option<String>,
}

/// What a new signer of the tokens of server retrieval is to say (first edition). Country and state are those of
/// its issuer.
#[derive(Debug, Clone)]
pub struct JwsSigner {
    /// `CN`, up to 64 characters.
    pub common_name: String,
    /// `O`, up to 64 characters.
    pub organization: Option<String>,
    /// When it is valid: at most 457 days, and within the validity of its issuer.
    pub validity: Validity,
    /// How to reach the authority: an e-mail address or a URI at least.
    pub contacts: Vec<GeneralName>,
    /// Where the revocation list of its issuer is.
    pub crl_uri: String,
}

/// A name with country and state of the issuer, octet for octet.
fn name_below(
    issuer: &Certificate,
    organization_name: Option<&str>,
    common_name: &str,
) -> Result<Vec<u8>, BuildError> {
    let above = issuer.subject();
    let mut name = vec![
        above
            .country()
            .and_then(|found| country(&found).ok())
            .ok_or_else(|| BuildError::IssuerWithoutCountry(above.to_string()))?,
    ];
    if let Some(state) = above.attribute(oid::STATE_OR_PROVINCE) {
        name.push(relative_name(state.oid, state.tag, state.value));
    }
    organization(&mut name, organization_name)?;
    name.push(text(oid::COMMON_NAME, "common name", 64, common_name)?);
    Ok(der::tlv(der::SEQUENCE, &slices(&name)))
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
        let role = Role::DocumentSigner { mdl: true };
        let purposes: &[Oid<'_>] = if self.mdoc_purpose {
            &[oid::MDL_DS, oid::MDOC_DS]
        } else {
            &[oid::MDL_DS]
        };
        Leaf {
            role,
            subject: name_below(issuer, self.organization.as_deref(), &self.common_name)?,
            validity: self.validity,
            limit: role.longest(),
            usage: KeyUsage::DIGITAL_SIGNATURE,
            purposes,
            more: vec![contacts(&self.contacts)?, crl_uri(&self.crl_uri)?],
        }
        .sign(key, Above { issuer, signer }, rng)
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
        Leaf {
            role: Role::StatusListSigner,
            subject: free_name(
                self.country.as_deref(),
                self.organization.as_deref(),
                &self.common_name,
            )?,
            validity: self.validity,
            limit: Role::StatusListSigner.longest(),
            usage: KeyUsage::DIGITAL_SIGNATURE,
            purposes: &[],
            more: self
                .crl_uri
                .iter()
                .map(|uri| crl_uri(uri))
                .collect::<Result<_, _>>()?,
        }
        .sign(key, Above { issuer, signer }, rng)
    }
}

impl OcspResponder {
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
        let (limit, revocation) = match &self.revocation {
            ResponderRevocation::List(uri) => (Role::OcspResponder.longest(), crl_uri(uri)?),
            ResponderRevocation::NoCheck => (NO_CHECK_LIMIT, no_check()),
        };
        Leaf {
            role: Role::OcspResponder,
            subject: name_below(issuer, self.organization.as_deref(), &self.common_name)?,
            validity: self.validity,
            limit,
            usage: KeyUsage::DIGITAL_SIGNATURE,
            purposes: &[oid::OCSP_SIGNING],
            more: vec![contacts(&self.contacts)?, revocation],
        }
        .sign(key, Above { issuer, signer }, rng)
    }
}

impl VicalSigner {
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
        let purposes: &[Oid<'_>] = if self.mdoc_purpose {
            &[oid::MDL_VICAL, oid::MDOC_VICAL]
        } else {
            &[oid::MDL_VICAL]
        };
        let mut more = vec![crl_uri(&self.crl_uri)?];
        if let Some(uri) = &self.ocsp_uri {
            more.push(ocsp_uri(uri)?);
        }
        Leaf {
            role: Role::VicalSigner,
            subject: free_name(Some(&self.country), Some(&self.organization), &self.common_name)?,
            validity: self.validity,
            limit: Role::VicalSigner.longest(),
            usage: KeyUsage::NON_REPUDIATION,
            purposes,
            more,
        }
        .sign(key, Above { issuer, signer }, rng)
    }
}

impl JwsSigner {
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
        Leaf {
            role: Role::JwsSigner,
            subject: name_below(issuer, self.organization.as_deref(), &self.common_name)?,
            validity: self.validity,
            limit: Role::JwsSigner.longest(),
            usage: KeyUsage::DIGITAL_SIGNATURE,
            purposes: &[oid::MDL_JWS],
            more: vec![contacts(&self.contacts)?, crl_uri(&self.crl_uri)?],
        }
        .sign(key, Above { issuer, signer }, rng)
    }
}
