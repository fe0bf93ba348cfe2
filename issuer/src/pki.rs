//! Keys with their certificates: issuing authority, document signer, reader and those who certify readers.
//!
//! The profiles are those of [`mdoc_core::x509::build`]; what is added here is what somebody who sets up a
//! country on a laptop does not want to think about: lifetimes, and what is passed on from above.

use core::fmt;
use core::time::Duration;

use mdoc_core::crypto::{CryptoRng, Curve, RustCrypto, SecretKey};
use mdoc_core::seams::{Signer, SoftwareKey};
use mdoc_core::time::Timestamp;
use mdoc_core::x509::build::{
    BuildError, DocumentSigner, IacaRoot, ListTerms, ReaderAuthentication, ReaderCa, RevokedSerial,
    StatusListSigner, Validity, build_crl,
};
use mdoc_core::x509::revocation::RevocationList;
use mdoc_core::x509::{Certificate, GeneralName, SignatureError};

const DAY: Duration = Duration::from_secs(86_400);

/// How long a root is valid if nothing is said: ten years.
pub const ROOT_LIFETIME: Duration = DAY.saturating_mul(3650);
/// How long the other certificates are valid if nothing is said: a year.
pub const LEAF_LIFETIME: Duration = DAY.saturating_mul(365);

/// How long a revocation list holds if nothing is said: a month.
pub const LIST_LIFETIME: Duration = DAY.saturating_mul(30);
/// The longest that a revocation list may hold: a new one is due every 90 days (ISO/IEC 18013-5:2021, Annex B).
pub const LONGEST_LIST_LIFETIME: Duration = DAY.saturating_mul(90);

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
        ocsp_uri: None,
    };
    let key = SecretKey::generate(terms.curve, rng);
    Ok(Made {
        certificate: certificate.build(key.public_key(), authority.certificate, authority.signer, rng)?,
        key,
        placeholder,
    })
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
    let (_, crl_uri, _) = terms.addresses(Some(authority.certificate));
    let certificate = StatusListSigner {
        country: authority.certificate.subject().country(),
        common_name: terms.common_name.clone(),
        organization: terms.organization.clone(),
        validity: terms.validity(LEAF_LIFETIME, Some(authority.certificate)),
        crl_uri: Some(crl_uri).filter(|uri| uri != PLACEHOLDER_CRL),
    };
    let key = SecretKey::generate(terms.curve, rng);
    Ok(Made {
        certificate: certificate.build(key.public_key(), authority.certificate, authority.signer, rng)?,
        key,
        placeholder: false,
    })
}

/// Why a revocation list was not made.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ListError {
    /// It would hold for more than [`LONGEST_LIST_LIFETIME`].
    TooLong(Duration),
    /// The list before is of another issuer; this is its name.
    OtherIssuer(String),
    /// The signature of the list before does not stand.
    Signature(SignatureError),
    /// The list before was made later than this one would be.
    Older {
        /// When the list before was made.
        before: Timestamp,
    },
    /// The number of the list before leaves none that is higher.
    Number,
    /// A serial number is empty, zero or longer than 20 octets.
    Serial,
    /// The list cannot be built.
    Build(BuildError),
}

impl fmt::Display for ListError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong(asked) => write!(
                f,
                "a revocation list holds for at most 90 days, not for {}",
                asked.as_secs().div_ceil(DAY.as_secs())
            ),
            Self::OtherIssuer(name) => write!(f, "the list before is of another issuer, {name}"),
            Self::Signature(_) => f.write_str("the issuer did not sign the list before"),
            Self::Older { before } => write!(f, "the list before was made later, at {before}"),
            Self::Number => f.write_str("the number of the list before leaves none that is higher"),
            Self::Serial => f.write_str("a serial number has 1 to 20 octets and is not zero"),
            Self::Build(_) => f.write_str("the list cannot be made"),
        }
    }
}

impl core::error::Error for ListError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Signature(cause) => Some(cause),
            Self::Build(cause) => Some(cause),
            _ => None,
        }
    }
}

/// Makes a revocation list: the first, or the one after `before`.
///
/// What was revoked stays revoked, since the first date; the number is higher by one.
///
/// # Errors
/// [`ListError`] if the list before is not of this issuer, or the new one would not keep to the profile.
pub fn revocation_list(
    authority: Authority<'_>,
    before: Option<&RevocationList>,
    revoke: &[Vec<u8>],
    now: Timestamp,
    lifetime: Duration,
) -> Result<RevocationList, ListError> {
    if lifetime > LONGEST_LIST_LIFETIME {
        return Err(ListError::TooLong(lifetime));
    }
    let mut revoked: Vec<RevokedSerial> = Vec::new();
    let mut number = 1;
    if let Some(before) = before {
        if before.issuer_der() != authority.certificate.subject_der() {
            return Err(ListError::OtherIssuer(before.issuer().to_string()));
        }
        before
            .verify_signed_by(authority.signer.public_key(), &RustCrypto)
            .map_err(ListError::Signature)?;
        if before.this_update() > now {
            return Err(ListError::Older {
                before: before.this_update(),
            });
        }
        number = number_after(before).ok_or(ListError::Number)?;
        revoked.extend(before.entries().map(|(serial, at)| RevokedSerial {
            serial_number: without_zeros(serial).to_vec(),
            at,
        }));
    }
    for serial in revoke {
        let serial_number = without_zeros(serial).to_vec();
        if serial_number.is_empty() || serial_number.len() > 20 {
            return Err(ListError::Serial);
        }
        if !revoked.iter().any(|known| known.serial_number == serial_number) {
            revoked.push(RevokedSerial {
                serial_number,
                at: now,
            });
        }
    }
    let terms = ListTerms {
        this_update: now,
        next_update: now.plus(lifetime),
        number,
    };
    build_crl(authority.certificate, authority.signer, &revoked, terms).map_err(ListError::Build)
}

fn without_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|octet| **octet == 0).count();
    number.get(zeros..).unwrap_or_default()
}

fn number_after(list: &RevocationList) -> Option<u64> {
    let digits = without_zeros(list.number().unwrap_or_default());
    if digits.len() > 8 {
        return None;
    }
    let number = digits
        .iter()
        .fold(0, |sum: u64, digit| sum << 8 | u64::from(*digit));
    number.checked_add(1)
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
    fn a_revocation_list_grows_and_its_number_with_it() {
        use mdoc_core::x509::revocation::Revocation;

        let mut rng = ChaCha20Rng::from_seed([13; 32]);
        let root = iaca("NL", None, &terms("Example IACA"), &mut rng).unwrap();
        let signer = SoftwareKey::new(root.key.clone()).unwrap();
        let authority = Authority {
            certificate: &root.certificate,
            signer: &signer,
        };
        let ds = document_signer(&terms("DS"), authority, &mut rng)
            .unwrap()
            .certificate;
        let day = |day: u8| Timestamp::parse(&format!("2026-07-{day:02}T00:00:00Z")).unwrap();
        let judge = |list: &RevocationList, now| list.evaluate(&ds, &root.certificate, now, &RustCrypto);

        let first = revocation_list(authority, None, &[], day(1), LIST_LIFETIME).unwrap();
        assert_eq!((first.number(), first.entries().count()), (Some(&[1][..]), 0));
        assert_eq!(judge(&first, day(2)), Revocation::Good);

        let serials = [ds.serial_number().to_vec()];
        let second = revocation_list(authority, Some(&first), &serials, day(3), LIST_LIFETIME).unwrap();
        assert_eq!(second.number(), Some(&[2][..]));
        assert_eq!(judge(&second, day(4)), Revocation::Revoked { at: day(3) });

        // Once revoked it stays so, since the first date, and is named once.
        let third = revocation_list(authority, Some(&second), &serials, day(5), LIST_LIFETIME).unwrap();
        assert_eq!((third.number(), third.entries().count()), (Some(&[3][..]), 1));
        assert_eq!(judge(&third, day(6)), Revocation::Revoked { at: day(3) });

        let refused = |before, serial: &[u8], now, days| {
            let lifetime = DAY.saturating_mul(days);
            revocation_list(authority, before, &[serial.to_vec()], now, lifetime).map(|_| ())
        };
        assert_eq!(refused(None, &[7], day(1), 90), Ok(()));
        let long = ListError::TooLong(DAY.saturating_mul(91));
        assert_eq!(refused(None, &[7], day(1), 91), Err(long));
        assert_eq!(refused(None, &[0, 0], day(1), 9), Err(ListError::Serial));
        assert_eq!(refused(None, &[9; 21], day(1), 9), Err(ListError::Serial));
        let older = ListError::Older { before: day(5) };
        assert_eq!(refused(Some(&third), &[7], day(4), 9), Err(older));

        let other = iaca("NL", None, &terms("Example IACA"), &mut rng).unwrap();
        let other_signer = SoftwareKey::new(other.key.clone()).unwrap();
        let twin = Authority {
            certificate: &other.certificate,
            signer: &other_signer,
        };
        let forged = revocation_list(twin, None, &[], day(1), LIST_LIFETIME).unwrap();
        let refused = revocation_list(authority, Some(&forged), &[], day(2), LIST_LIFETIME);
        assert!(matches!(refused, Err(ListError::Signature(_))));
    }

    #[test]
    fn a_status_list_signer_keeps_to_its_profile() {
        let mut rng = ChaCha20Rng::from_seed([14; 32]);
        let root = iaca("NL", None, &terms("Example IACA"), &mut rng).unwrap();
        let signer = SoftwareKey::new(root.key.clone()).unwrap();
        let authority = Authority {
            certificate: &root.certificate,
            signer: &signer,
        };
        let role = Role::StatusListSigner;
        for curve in [Curve::P256, Curve::P384, Curve::P521] {
            let mut of_curve = terms("Status");
            of_curve.curve = curve;
            let made = status_list_signer(&of_curve, authority, &mut rng).unwrap();
            assert_eq!(
                profile::check(role, &made.certificate, Some(&root.certificate)),
                []
            );
            assert!(
                made.certificate.crl_distribution_points().is_none(),
                "no placeholder"
            );
        }
        let mut edwards = terms("Status");
        edwards.curve = Curve::Ed25519;
        let refused = status_list_signer(&edwards, authority, &mut rng).map(|_| ());
        assert_eq!(refused, Err(BuildError::Curve(Curve::Ed25519)));
        // Who signs data for another end has the same usage; the root has not.
        let of_root: Vec<_> = profile::check(role, &root.certificate, None)
            .into_iter()
            .map(|finding| finding.rule.id())
            .collect();
        assert!(of_root.contains(&"status.key-usage") && of_root.contains(&"cert.validity-period"));
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
