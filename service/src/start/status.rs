//! Whether a certificate may sign lists of statuses: what is wrong with it is said before verifiers refuse every list.

use core::fmt;

use mdoc_core::time::Timestamp;
use mdoc_core::x509::profile::{self, Finding, Role};
use mdoc_core::x509::{Certificate, oid};

/// The purposes of other roles: the profile leaves open which one a signer of lists has, or whether it has any.
const OF_OTHERS: [oid::Oid<'static>; 10] = [
    oid::MDL_DS,
    oid::MDOC_DS,
    oid::MDL_READER_AUTH,
    oid::MDOC_READER_AUTH,
    oid::MDL_JWS,
    oid::MDL_VICAL,
    oid::MDOC_VICAL,
    oid::MDL_TLS_CLIENT_AUTH,
    oid::SERVER_AUTH,
    oid::CLIENT_AUTH,
];

/// Why a certificate does not sign lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum StatusFault {
    /// It breaks rules of its profile.
    Profile(Vec<Finding>),
    /// It was made for something else.
    Purpose(String),
    /// It is not valid yet.
    NotYetValid(Timestamp),
    /// It is not valid any more.
    Expired(Timestamp),
    /// No document signer is of its authority, whose name follows.
    OtherAuthority(String),
}

impl fmt::Display for StatusFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Profile(findings) => {
                f.write_str("it breaks the profile of signers of status lists")?;
                for finding in findings {
                    write!(f, "\n  {finding} ({})", finding.rule.clause())?;
                }
                Ok(())
            }
            Self::Purpose(purpose) => write!(f, "it was made for something else: the purpose {purpose}"),
            Self::NotYetValid(from) => write!(f, "it is not valid before {from}"),
            Self::Expired(end) => write!(f, "it expired at {end}"),
            Self::OtherAuthority(name) => write!(
                f,
                "it was issued by {name}, and no document signer was: verifiers would believe none of its lists"
            ),
        }
    }
}

/// Judges the certificate of the signer of lists beside those of the document signers.
pub(crate) fn judge(
    certificate: &Certificate,
    documents: &[Certificate],
    now: Timestamp,
) -> Result<(), StatusFault> {
    let findings = profile::check(Role::StatusListSigner, certificate, None);
    if !findings.is_empty() {
        return Err(StatusFault::Profile(findings));
    }
    // One that cannot be read breaks the profile.
    let purposes = certificate
        .extended_key_usage()
        .and_then(Result::ok)
        .unwrap_or_default();
    if let Some(purpose) = purposes.iter().find(|purpose| OF_OTHERS.contains(purpose)) {
        return Err(StatusFault::Purpose(purpose.to_string()));
    }
    if now < certificate.not_before() {
        return Err(StatusFault::NotYetValid(certificate.not_before()));
    }
    if now > certificate.not_after() {
        return Err(StatusFault::Expired(certificate.not_after()));
    }
    if documents
        .iter()
        .any(|document| same_authority(certificate, document))
    {
        Ok(())
    } else {
        Err(StatusFault::OtherAuthority(certificate.issuer().to_string()))
    }
}

/// Whether two certificates were issued by one authority, with one key of it.
fn same_authority(one: &Certificate, other: &Certificate) -> bool {
    let key = |certificate: &Certificate| {
        let key = certificate.authority_key_identifier().and_then(Result::ok);
        key.and_then(|key| key.key_identifier.map(<[u8]>::to_vec))
    };
    one.issuer_der() == other.issuer_der() && key(one) == key(other)
}
