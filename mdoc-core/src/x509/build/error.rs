//! Why a certificate is not made.

use core::fmt;

use super::Validity;
use crate::crypto::Curve;
use crate::seams::SignerError;
use crate::x509::{BadCertificate, SignatureError, UnusableKey};

/// Why a certificate or a revocation list was not made.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum BuildError {
    /// A text of the name is empty or too long.
    Text {
        /// Which one.
        field: &'static str,
        /// How many characters it may have.
        most: usize,
        /// How many it has.
        found: usize,
    },
    /// The country is not two upper-case letters; this is what it is.
    Country(String),
    /// The state is not a code of ISO 3166-2 in that country; this is what it is.
    State(String),
    /// A contact is neither an e-mail address nor a URI in ASCII, or there is none.
    Contact(String),
    /// The place of the revocation list is not a URI in ASCII.
    CrlUri(String),
    /// The address of the OCSP responder is not a URI in ASCII.
    OcspUri(String),
    /// A host is no name in ASCII and no IP address, or there is none.
    Host(String),
    /// The key of the subject's certificate cannot be used.
    SubjectKey(UnusableKey),
    /// A link between roots of two countries.
    OtherCountry {
        /// The country of the new root.
        found: String,
        /// The country of the old root.
        issuer: String,
    },
    /// It would end before it begins.
    EndsBeforeItBegins(Validity),
    /// It would be valid for longer than its role allows.
    ValidTooLong {
        /// What was asked for.
        asked: Validity,
        /// In words, what the role allows.
        most: String,
    },
    /// It would be valid while its issuer is not.
    OutsideIssuer {
        /// What was asked for.
        asked: Validity,
        /// When the issuer is valid.
        issuer: Validity,
    },
    /// The role does not allow keys on that curve.
    Curve(Curve),
    /// The certificate given as issuer may not issue certificates.
    IssuerNotCa(String),
    /// The issuer's subject has no country of the right form, and its certificates need one.
    IssuerWithoutCountry(String),
    /// The signer does not hold the key of the issuer.
    NotTheKeyOfTheIssuer,
    /// The key of the subject is the key of its issuer.
    KeyOfTheIssuer,
    /// The keeper of the key did not sign.
    Signer(SignerError),
    /// The keeper of the key returned a signature that does not verify.
    Signature(SignatureError),
    /// What came out cannot be read again: some part is too large.
    Unreadable(BadCertificate),
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text { field, most, found } => {
                write!(
                    f,
                    "the {field} has {found} characters where 1 to {most} are allowed"
                )
            }
            Self::Country(found) => write!(f, "the country is {found:?}, not two upper-case letters"),
            Self::State(found) => write!(
                f,
                "the state is {found:?}, not a code of ISO 3166-2 in that country"
            ),
            Self::Contact(found) => write!(f, "the contact {found:?} is no e-mail address and no URI"),
            Self::CrlUri(found) => write!(f, "the place of the revocation list is {found:?}, not a URI"),
            Self::EndsBeforeItBegins(asked) => {
                write!(
                    f,
                    "validity would end at {} before it begins at {}",
                    asked.until, asked.from
                )
            }
            Self::ValidTooLong { asked, most } => {
                write!(
                    f,
                    "validity from {} to {} is longer than {most}",
                    asked.from, asked.until
                )
            }
            Self::OutsideIssuer { asked, issuer } => write!(
                f,
                "validity from {} to {} is not within that of the issuer, {} to {}",
                asked.from, asked.until, issuer.from, issuer.until
            ),
            Self::Curve(curve) => write!(f, "a key on {curve} is not allowed in this role"),
            Self::IssuerNotCa(name) => write!(f, "{name} may not issue certificates"),
            Self::IssuerWithoutCountry(name) => {
                write!(f, "the issuer {name} has no country of two upper-case letters")
            }
            Self::NotTheKeyOfTheIssuer => f.write_str("the signing key is not that of the issuer"),
            Self::KeyOfTheIssuer => f.write_str("the subject cannot have the key of its issuer"),
            Self::OcspUri(uri) => write!(f, "OCSP address {uri:?} is not a URI in ASCII"),
            Self::Host(host) if host.is_empty() => f.write_str("no host name or IP address is given"),
            Self::Host(host) => write!(f, "{host:?} is no host name in ASCII"),
            Self::SubjectKey(_) => f.write_str("the key of the subject cannot be used"),
            Self::OtherCountry { found, issuer } => {
                write!(f, "the country {found} is not that of the old root, {issuer}")
            }
            Self::Signer(_) => f.write_str("the issuer's key did not sign"),
            Self::Signature(_) => f.write_str("the keeper of the issuer's key returned a wrong signature"),
            Self::Unreadable(_) => f.write_str("the result cannot be read again"),
        }
    }
}

impl core::error::Error for BuildError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::SubjectKey(cause) => Some(cause),
            Self::Signer(cause) => Some(cause),
            Self::Signature(cause) => Some(cause),
            Self::Unreadable(cause) => Some(cause),
            _ => None,
        }
    }
}
