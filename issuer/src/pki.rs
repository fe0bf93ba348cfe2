//! Keys with their certificates: issuing authority, document signer, reader and those who certify readers.
//!
//! The profiles are those of [`mdoc_core::x509::build`]; what is added here is what somebody who sets up a
//! country on a laptop does not want to think about: lifetimes, and what is passed on from above.

mod kind;
mod list;

use core::time::Duration;

use mdoc_core::crypto::{CryptoRng, Curve, SecretKey};
use mdoc_core::seams::{Signer, SoftwareKey};
use mdoc_core::time::Timestamp;
use mdoc_core::x509::build::{BuildError, IacaLink, Validity};
use mdoc_core::x509::{Certificate, GeneralName};

pub use self::kind::Kind;
pub use self::list::{
    LIST_LIFETIME, LONGEST_LIST_LIFETIME, ListError, ListFault, current_list, revocation_list,
};

const DAY: Duration = Duration::from_secs(86_400);

/// How long a root is valid if nothing is said: ten years.
pub const ROOT_LIFETIME: Duration = DAY.saturating_mul(3650);
/// How long the other certificates are valid if nothing is said: a year.
pub const LEAF_LIFETIME: Duration = DAY.saturating_mul(365);
/// How long an OCSP responder is valid if nobody is to ask about it and nothing is said: 90 days.
pub const UNCHECKED_LIFETIME: Duration = DAY.saturating_mul(90);

/// The contact of an authority that named none. The domain cannot exist (RFC 6761).
pub const PLACEHOLDER_CONTACT: &str = "https://authority.invalid/";
/// The place of a revocation list that nobody named.
pub const PLACEHOLDER_CRL: &str = "https://authority.invalid/revoked.crl";

/// What certificates of every role have in common.
#[derive(Debug, Clone)]
pub struct Terms {
    /// `CN`.
    pub common_name: String,
    /// `O`.
    pub organization: Option<String>,
    /// The first instant of validity.
    pub from: Timestamp,
    /// How long it is valid; the usual time of its role if none.
    pub lifetime: Option<Duration>,
    /// How to reach the authority; if none, as the issuer says, or a placeholder.
    pub contacts: Vec<GeneralName>,
    /// Where the revocation list is; if none, as the issuer says, or a placeholder.
    pub crl_uri: Option<String>,
    /// The curve of the new key.
    pub curve: Curve,
}

/// A certificate with its new private key.
pub struct Made {
    /// The certificate.
    pub certificate: Certificate,
    /// Its private key.
    pub key: SecretKey,
    /// Whether a placeholder was put in for something that neither the terms nor the issuer say.
    pub placeholder: bool,
}

/// A certificate for a key that somebody has already.
#[derive(Debug, Clone)]
pub struct Certified {
    /// The certificate.
    pub certificate: Certificate,
    /// Whether a placeholder was put in for something that neither the terms nor the issuer say.
    pub placeholder: bool,
}

/// A certificate that issues others, with the signer that holds its key.
#[derive(Clone, Copy)]
pub struct Authority<'a> {
    /// The certificate.
    pub certificate: &'a Certificate,
    /// The keeper of its key.
    pub signer: &'a dyn Signer,
}

/// Makes a certificate with a new key.
///
/// # Errors
/// [`BuildError`] for what its profile does not allow, or if it needs an issuer and has none.
pub fn make(
    kind: &Kind,
    terms: &Terms,
    authority: Option<Authority<'_>>,
    rng: &mut dyn CryptoRng,
) -> Result<Made, BuildError> {
    let key = SecretKey::generate(terms.curve, rng);
    let certified = match authority {
        Some(authority) => kind.certify(terms, key.public_key(), authority, rng)?,
        None => {
            let signer = SoftwareKey::new(key.clone()).map_err(|_| BuildError::Curve(terms.curve))?;
            kind.root(terms, &signer, rng)?
        }
    };
    Ok(Made {
        certificate: certified.certificate,
        key,
        placeholder: certified.placeholder,
    })
}

/// Makes the link from the root of an authority to its next one, whose subject and key it has. Of the terms only
/// validity and addresses count; if no lifetime is given, it ends with the old root.
///
/// # Errors
/// [`BuildError`] for what its profile does not allow.
pub fn link(
    new: &Certificate,
    terms: &Terms,
    old: Authority<'_>,
    rng: &mut dyn CryptoRng,
) -> Result<Certified, BuildError> {
    let (contacts, crl_uri, placeholder) = terms.addresses(Some(old.certificate));
    let terms = IacaLink {
        validity: terms.validity(ROOT_LIFETIME.saturating_mul(2), Some(old.certificate)),
        contacts,
        crl_uri,
    };
    Ok(Certified {
        certificate: terms.build(new, old.certificate, old.signer, rng)?,
        placeholder,
    })
}

/// Makes the root of an issuing authority.
///
/// # Errors
/// [`BuildError`] for what its profile does not allow.
pub fn iaca(
    country: &str,
    state: Option<&str>,
    terms: &Terms,
    rng: &mut dyn CryptoRng,
) -> Result<Made, BuildError> {
    let kind = Kind::Iaca {
        country: country.to_owned(),
        state: state.map(str::to_owned),
    };
    make(&kind, terms, None, rng)
}

/// Makes a document signer below an issuing authority.
///
/// # Errors
/// [`BuildError`] for what its profile does not allow.
pub fn document_signer(
    terms: &Terms,
    authority: Authority<'_>,
    rng: &mut dyn CryptoRng,
) -> Result<Made, BuildError> {
    let kind = Kind::DocumentSigner { mdoc_purpose: false };
    make(&kind, terms, Some(authority), rng)
}

/// Makes the root of those who certify readers.
///
/// # Errors
/// [`BuildError`] for what its profile does not allow.
pub fn reader_ca(country: &str, terms: &Terms, rng: &mut dyn CryptoRng) -> Result<Made, BuildError> {
    let kind = Kind::ReaderCa {
        country: Some(country.to_owned()),
    };
    make(&kind, terms, None, rng)
}

/// Makes a reader certificate below a reader CA or an issuing authority.
///
/// # Errors
/// [`BuildError`] for what its profile does not allow.
pub fn reader(
    country: Option<&str>,
    terms: &Terms,
    authority: Authority<'_>,
    rng: &mut dyn CryptoRng,
) -> Result<Made, BuildError> {
    let kind = Kind::Reader {
        country: country.map(str::to_owned),
        mdoc_purpose: false,
        ocsp_uri: None,
    };
    make(&kind, terms, Some(authority), rng)
}

/// Makes a signer of status lists below an issuing authority.
///
/// # Errors
/// [`BuildError`] for what its profile does not allow.
pub fn status_list_signer(
    terms: &Terms,
    authority: Authority<'_>,
    rng: &mut dyn CryptoRng,
) -> Result<Made, BuildError> {
    make(&Kind::StatusListSigner, terms, Some(authority), rng)
}

impl Terms {
    /// As long as was asked for; if nothing was, the usual time, but not beyond the issuer.
    fn validity(&self, usual: Duration, issuer: Option<&Certificate>) -> Validity {
        let until = match (self.lifetime, issuer) {
            (Some(asked), _) => self.from.plus(asked),
            (None, Some(issuer)) => self.from.plus(usual).min(issuer.not_after()),
            (None, None) => self.from.plus(usual),
        };
        Validity {
            from: self.from,
            until,
        }
    }

    /// Contacts, place of the revocation list, and whether one of them is a placeholder.
    fn addresses(&self, issuer: Option<&Certificate>) -> (Vec<GeneralName>, String, bool) {
        let mut contacts = self.contacts.clone();
        if contacts.is_empty()
            && let Some(Ok(names)) = issuer.and_then(Certificate::issuer_alt_name)
        {
            contacts = names;
            contacts.retain(|name| matches!(name, GeneralName::Email(_) | GeneralName::Uri(_)));
        }
        let mut crl_uri = self.crl_uri.clone();
        if crl_uri.is_none()
            && let Some(Ok(points)) = issuer.and_then(Certificate::crl_distribution_points)
        {
            crl_uri = points.uris.into_iter().next();
        }
        let placeholder = contacts.is_empty() || crl_uri.is_none();
        if contacts.is_empty() {
            contacts.push(GeneralName::Uri(PLACEHOLDER_CONTACT.to_owned()));
        }
        let crl_uri = crl_uri.unwrap_or_else(|| PLACEHOLDER_CRL.to_owned());
        (contacts, crl_uri, placeholder)
    }
}

#[cfg(test)]
mod tests;
