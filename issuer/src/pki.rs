//! Keys with their certificates: issuing authority, document signer, reader and those who certify readers.
//!
//! The profiles are those of [`mdoc_core::x509::build`]; what is added here is what somebody who sets up a
//! country on a laptop does not want to think about: lifetimes, and what is passed on from above.

use core::time::Duration;

use mdoc_core::crypto::{CryptoRng, Curve, SecretKey};
use mdoc_core::seams::{Signer, SoftwareKey};
use mdoc_core::time::Timestamp;
use mdoc_core::x509::build::{
    BuildError, DocumentSigner, IacaRoot, ReaderAuthentication, ReaderCa, Validity,
};
use mdoc_core::x509::{Certificate, GeneralName};

const DAY: Duration = Duration::from_secs(86_400);

/// How long a root is valid if nothing is said: ten years.
pub const ROOT_LIFETIME: Duration = DAY.saturating_mul(3650);
/// How long the other certificates are valid if nothing is said: a year.
pub const LEAF_LIFETIME: Duration = DAY.saturating_mul(365);

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

/// A certificate that issues others, with the signer that holds its key.
#[derive(Clone, Copy)]
pub struct Authority<'a> {
    /// The certificate.
    pub certificate: &'a Certificate,
    /// The keeper of its key.
    pub signer: &'a dyn Signer,
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
    let (contacts, crl_uri, placeholder) = terms.addresses(None);
    let root = IacaRoot {
        country: country.to_owned(),
        state: state.map(str::to_owned),
        common_name: terms.common_name.clone(),
        organization: terms.organization.clone(),
        validity: terms.validity(ROOT_LIFETIME, None),
        contacts,
        crl_uri,
    };
    let signer = new_key(terms.curve, rng)?;
    Ok(Made {
        certificate: root.build(&signer, rng)?,
        key: signer.secret().clone(),
        placeholder,
    })
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
    let (contacts, crl_uri, placeholder) = terms.addresses(Some(authority.certificate));
    let certificate = DocumentSigner {
        common_name: terms.common_name.clone(),
        organization: terms.organization.clone(),
        validity: terms.validity(LEAF_LIFETIME, Some(authority.certificate)),
        mdoc_purpose: false,
        contacts,
        crl_uri,
    };
    let key = SecretKey::generate(terms.curve, rng);
    Ok(Made {
        certificate: certificate.build(key.public_key(), authority.certificate, authority.signer, rng)?,
        key,
        placeholder,
    })
}

/// Makes the root of those who certify readers.
///
/// # Errors
/// [`BuildError`] for what its profile does not allow.
pub fn reader_ca(country: &str, terms: &Terms, rng: &mut dyn CryptoRng) -> Result<Made, BuildError> {
    let root = ReaderCa {
        country: Some(country.to_owned()),
        common_name: terms.common_name.clone(),
        organization: terms.organization.clone(),
        validity: terms.validity(ROOT_LIFETIME, None),
    };
    let signer = new_key(terms.curve, rng)?;
    Ok(Made {
        certificate: root.build(&signer, rng)?,
        key: signer.secret().clone(),
        placeholder: false,
    })
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
    let (contacts, crl_uri, placeholder) = terms.addresses(Some(authority.certificate));
    let above = authority.certificate.subject().country();
    let certificate = ReaderAuthentication {
        country: country.map(str::to_owned).or(above),
        common_name: terms.common_name.clone(),
        organization: terms.organization.clone(),
        validity: terms.validity(LEAF_LIFETIME, Some(authority.certificate)),
        contacts,
        crl_uri,
    };
    let key = SecretKey::generate(terms.curve, rng);
    Ok(Made {
        certificate: certificate.build(key.public_key(), authority.certificate, authority.signer, rng)?,
        key,
        placeholder,
    })
}

fn new_key(curve: Curve, rng: &mut dyn CryptoRng) -> Result<SoftwareKey, BuildError> {
    SoftwareKey::new(SecretKey::generate(curve, rng)).map_err(|_| BuildError::Curve(curve))
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
mod tests {
    use mdoc_core::x509::profile::{self, Role};
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    use super::*;

    fn terms(name: &str) -> Terms {
        Terms {
            common_name: name.to_owned(),
            organization: None,
            from: Timestamp::parse("2026-06-01T12:00:00Z").unwrap(),
            lifetime: None,
            contacts: Vec::new(),
            crl_uri: None,
            curve: Curve::P256,
        }
    }

    #[test]
    fn what_is_made_keeps_to_its_profile_and_has_what_is_above() {
        let mut rng = ChaCha20Rng::from_seed([9; 32]);
        let mut root_terms = terms("Example IACA");
        root_terms.contacts = vec![GeneralName::Email("iaca@example.org".to_owned())];
        root_terms.crl_uri = Some("https://example.org/a.crl".to_owned());
        let root = iaca("NL", Some("NL-UT"), &root_terms, &mut rng).unwrap();
        assert!(!root.placeholder);
        assert_eq!(profile::check(Role::IacaRoot, &root.certificate, None), []);
        let signer = SoftwareKey::new(root.key.clone()).unwrap();
        let authority = Authority {
            certificate: &root.certificate,
            signer: &signer,
        };
        let ds = document_signer(&terms("DS"), authority, &mut rng).unwrap();
        assert!(!ds.placeholder, "contacts and list are those of the root");
        let role = Role::DocumentSigner { mdl: true };
        assert_eq!(profile::check(role, &ds.certificate, Some(&root.certificate)), []);
        assert_eq!(ds.certificate.subject().state_or_province().unwrap(), "NL-UT");
        let points = ds.certificate.crl_distribution_points().unwrap().unwrap();
        assert_eq!(points.uris, ["https://example.org/a.crl"]);
        assert_eq!(ds.certificate.not_after().to_string(), "2027-06-01T12:00:00Z");
    }

    #[test]
    fn a_signer_may_have_each_curve_of_its_profile() {
        let mut rng = ChaCha20Rng::from_seed([11; 32]);
        let root = iaca("NL", None, &terms("Example IACA"), &mut rng).unwrap();
        let signer = SoftwareKey::new(root.key.clone()).unwrap();
        let authority = Authority {
            certificate: &root.certificate,
            signer: &signer,
        };
        for curve in [Curve::P256, Curve::P384, Curve::P521, Curve::Ed25519] {
            let mut of_curve = terms("DS");
            of_curve.curve = curve;
            let ds = document_signer(&of_curve, authority, &mut rng).unwrap();
            let role = Role::DocumentSigner { mdl: true };
            assert_eq!(ds.key.curve(), curve);
            assert_eq!(profile::check(role, &ds.certificate, Some(&root.certificate)), []);
        }
    }

    #[test]
    fn an_issuing_authority_does_not_have_ed25519() {
        let mut rng = ChaCha20Rng::from_seed([12; 32]);
        let mut edwards = terms("Example root");
        edwards.curve = Curve::Ed25519;
        let refused = iaca("NL", None, &edwards, &mut rng).map(|_| ());
        assert_eq!(refused, Err(BuildError::Curve(Curve::Ed25519)));
    }

    #[test]
    fn a_leaf_ends_with_its_root_unless_more_is_asked_for() {
        let mut rng = ChaCha20Rng::from_seed([10; 32]);
        let mut short = terms("Reader CA");
        short.lifetime = Some(DAY.saturating_mul(30));
        let root = reader_ca("NL", &short, &mut rng).unwrap();
        let signer = SoftwareKey::new(root.key.clone()).unwrap();
        let authority = Authority {
            certificate: &root.certificate,
            signer: &signer,
        };
        let made = reader(None, &terms("Bar"), authority, &mut rng).unwrap();
        assert_eq!(made.certificate.not_after(), root.certificate.not_after());
        assert!(made.placeholder);
        let role = Role::ReaderAuthentication;
        assert_eq!(
            profile::check(role, &made.certificate, Some(&root.certificate)),
            []
        );
        let mut long = terms("Bar");
        long.lifetime = Some(DAY.saturating_mul(31));
        assert!(matches!(
            reader(None, &long, authority, &mut rng),
            Err(BuildError::OutsideIssuer { .. })
        ));
    }
}
