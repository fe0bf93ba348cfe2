//! Those who take part in an exchange: readers, and the TLS servers and clients of server retrieval.

use super::parts::{alternative_names, contacts, crl_uri, free_name, ocsp_uri};
use super::{Above, BuildError, Leaf, Validity};
use crate::crypto::{CryptoRng, PublicKey};
use crate::seams::Signer;
use crate::x509::profile::Role;
use crate::x509::{Certificate, GeneralName, KeyUsage, oid};

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
    /// Whether mdocReaderAuth of ISO/IEC 23220-4 is added to mdlReaderAuth; some wallets refuse both together.
    pub mdoc_purpose: bool,
    /// How to reach the issuer; must be there if the issuer is an IACA.
    pub contacts: Vec<GeneralName>,
    /// Where the revocation list of its issuer is.
    pub crl_uri: String,
    /// Where the OCSP responder of its issuer is; must be there if there is one.
    pub ocsp_uri: Option<String>,
}

/// What a new certificate for the server of server retrieval is to say (first edition).
#[derive(Debug, Clone)]
pub struct TlsServer {
    /// `C`, if any.
    pub country: Option<String>,
    /// `CN`, up to 64 characters.
    pub common_name: String,
    /// `O`, up to 64 characters.
    pub organization: Option<String>,
    /// When it is valid: at most 822 days, and within the validity of its issuer.
    pub validity: Validity,
    /// Names and IP addresses of the server, at least one; the name may begin with `*.`.
    pub hosts: Vec<GeneralName>,
    /// Where the revocation list of its issuer is, if there is one.
    pub crl_uri: Option<String>,
}

/// What a new certificate for the client of server retrieval is to say (first edition).
#[derive(Debug, Clone)]
pub struct TlsClient {
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

impl ReaderAuthentication {
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
        let mut more = vec![crl_uri(&self.crl_uri)?];
        if !self.contacts.is_empty() {
            more.push(contacts(&self.contacts)?);
        }
        if let Some(uri) = &self.ocsp_uri {
            more.push(ocsp_uri(uri)?);
        }
        Leaf {
            role: Role::ReaderAuthentication,
            subject: free_name(
                self.country.as_deref(),
                self.organization.as_deref(),
                &self.common_name,
            )?,
            validity: self.validity,
            limit: Role::ReaderAuthentication.longest(),
            usage: KeyUsage::DIGITAL_SIGNATURE,
            purposes: if self.mdoc_purpose {
                &[oid::MDL_READER_AUTH, oid::MDOC_READER_AUTH]
            } else {
                &[oid::MDL_READER_AUTH]
            },
            more,
        }
        .sign(key, Above { issuer, signer }, rng)
    }
}

impl TlsServer {
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
        for host in &self.hosts {
            match host {
                GeneralName::Dns(name) if is_host(name) => {}
                GeneralName::Ip(octets) if matches!(octets.len(), 4 | 16) => {}
                GeneralName::Dns(name) => return Err(BuildError::Host(name.clone())),
                _ => return Err(BuildError::Host(String::new())),
            }
        }
        if self.hosts.is_empty() {
            return Err(BuildError::Host(String::new()));
        }
        let mut more = vec![alternative_names(&self.hosts)];
        if let Some(uri) = &self.crl_uri {
            more.push(crl_uri(uri)?);
        }
        Leaf {
            role: Role::TlsServer,
            subject: free_name(
                self.country.as_deref(),
                self.organization.as_deref(),
                &self.common_name,
            )?,
            validity: self.validity,
            limit: Role::TlsServer.longest(),
            usage: KeyUsage::DIGITAL_SIGNATURE,
            purposes: &[oid::SERVER_AUTH],
            more,
        }
        .sign(key, Above { issuer, signer }, rng)
    }
}

/// Whether it is a name of letters, digits and hyphens between dots (RFC 1123, 2.1), or `*.` before one.
fn is_host(name: &str) -> bool {
    let labels = name.strip_prefix("*.").unwrap_or(name);
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    name.len() <= 253 && labels.split('.').all(is_label)
}

impl TlsClient {
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
            role: Role::TlsClient,
            subject: free_name(
                self.country.as_deref(),
                self.organization.as_deref(),
                &self.common_name,
            )?,
            validity: self.validity,
            limit: Role::TlsClient.longest(),
            usage: KeyUsage::DIGITAL_SIGNATURE,
            purposes: &[oid::MDL_TLS_CLIENT_AUTH, oid::CLIENT_AUTH],
            more: self
                .crl_uri
                .iter()
                .map(|uri| crl_uri(uri))
                .collect::<Result<_, _>>()?,
        }
        .sign(key, Above { issuer, signer }, rng)
    }
}
