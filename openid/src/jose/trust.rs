//! Whose signature a statement about a wallet or a key may carry.

use core::fmt;

use mdoc_core::crypto::{Backend, PublicKey};
use mdoc_core::time::Timestamp;
use mdoc_core::x509::{Certificate, KeyUsage};

use super::jws::{Header, JwsError};

/// Why no key to verify with was found.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum TrustError {
    /// The header names no key: neither `x5c` nor `kid`.
    NoKey,
    /// The header names more than one.
    SeveralKeys,
    /// `kid` is not that of a key which is trusted.
    UnknownKid,
    /// `x5c` cannot be read.
    Chain(JwsError),
    /// A certificate of the chain cannot be read, or its key cannot be used.
    Certificate,
    /// A certificate is not valid at this time.
    Validity,
    /// The certificate of the signer is self-signed.
    SelfSigned,
    /// One that issues certificates may not.
    NotAuthority,
    /// The certificate of the signer is not for signatures.
    Usage,
    /// The chain does not end at an anchor that is trusted.
    NotTrusted,
}

impl fmt::Display for TrustError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoKey => "the signer is not named",
            Self::SeveralKeys => "the signer is named in more than one way",
            Self::UnknownKid => "the signer's key is not known",
            Self::Chain(_) => "the signer's certificates cannot be read",
            Self::Certificate => "a certificate of the signer cannot be used",
            Self::Validity => "a certificate of the signer is not valid at this time",
            Self::SelfSigned => "the signer's certificate is self-signed",
            Self::NotAuthority => "a certificate in the chain may not issue others",
            Self::Usage => "the signer's certificate is not for signatures",
            Self::NotTrusted => "the signer's certificates lead to no anchor that is trusted",
        })
    }
}

impl core::error::Error for TrustError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Chain(cause) => Some(cause),
            _ => None,
        }
    }
}

/// Who is trusted: authorities by their certificates, and keys by their names.
#[derive(Debug, Clone, Default)]
pub struct Trust {
    /// Anchors that the chains of `x5c` have to lead to.
    pub anchors: Vec<Certificate>,
    /// Keys and the `kid` that each goes by.
    pub keys: Vec<(String, PublicKey)>,
}

impl Trust {
    /// The key that the header of a JWT names, if it is one that is trusted at this time.
    ///
    /// A chain in `x5c` has the signer's certificate first, which is not self-signed; each is signed by the next, and
    /// the last by an anchor. The anchor itself may stand at the end. Only what makes a chain is looked at: names, revocation
    /// and policies are those of the wallets' providers, for which there is no profile.
    ///
    /// # Errors
    /// [`TrustError`].
    pub fn key(
        &self,
        header: &Header,
        now: Timestamp,
        backend: &dyn Backend,
    ) -> Result<PublicKey, TrustError> {
        let chain = header.x5c().map_err(TrustError::Chain)?;
        match (chain, header.text("kid")) {
            (Some(_), Some(_)) => Err(TrustError::SeveralKeys),
            (Some(chain), None) => self.leaf(&chain, now, backend),
            (None, Some(kid)) => {
                let mut known = self.keys.iter().filter(|(name, _)| name == kid);
                known
                    .next()
                    .map(|(_, key)| key.clone())
                    .ok_or(TrustError::UnknownKid)
            }
            (None, None) => Err(TrustError::NoKey),
        }
    }

    fn leaf(
        &self,
        chain: &[Vec<u8>],
        now: Timestamp,
        backend: &dyn Backend,
    ) -> Result<PublicKey, TrustError> {
        let read = |der: &Vec<u8>| Certificate::from_der(der).map_err(|_| TrustError::Certificate);
        let mut chain: Vec<Certificate> = chain.iter().map(read).collect::<Result<_, _>>()?;
        // Profiles say that the anchor is left out, and wallets send it.
        let ends_with_anchor = chain
            .last()
            .is_some_and(|last| self.anchors.iter().any(|anchor| anchor.der() == last.der()));
        if ends_with_anchor && chain.len() > 1 {
            chain.pop();
        }
        let leaf = chain.first().ok_or(TrustError::NoKey)?;
        if leaf.is_self_issued() {
            return Err(TrustError::SelfSigned);
        }
        if let Some(usage) = leaf.key_usage() {
            let usage = usage.map_err(|_| TrustError::Certificate)?;
            if !usage.contains(KeyUsage::DIGITAL_SIGNATURE) {
                return Err(TrustError::Usage);
            }
        }
        if chain.iter().any(|certificate| !certificate.is_valid_at(now)) {
            return Err(TrustError::Validity);
        }
        for (below, (subject, issuer)) in chain.iter().zip(chain.iter().skip(1)).enumerate() {
            if !issued(subject, issuer, below, backend)? {
                return Err(TrustError::NotTrusted);
            }
        }
        let last = chain.last().ok_or(TrustError::NoKey)?;
        for anchor in self.anchors.iter().filter(|anchor| anchor.is_valid_at(now)) {
            if issued(last, anchor, chain.len() - 1, backend)? {
                return leaf.public_key().map_err(|_| TrustError::Certificate);
            }
        }
        Err(TrustError::NotTrusted)
    }
}

/// Whether `issuer` signed `subject`, with `below` authorities between it and the signer; one that did and may not is an
/// error.
fn issued(
    subject: &Certificate,
    issuer: &Certificate,
    below: usize,
    backend: &dyn Backend,
) -> Result<bool, TrustError> {
    if subject.issuer_der() != issuer.subject_der() {
        return Ok(false);
    }
    let Ok(key) = issuer.public_key() else {
        return Err(TrustError::Certificate);
    };
    if subject.verify_signed_by(&key, backend).is_err() {
        return Ok(false);
    }
    let authority = issuer
        .basic_constraints()
        .and_then(Result::ok)
        .is_some_and(|constraints| {
            let longest = constraints.path_len.and_then(|len| usize::try_from(len).ok());
            constraints.ca && longest.is_none_or(|longest| below <= longest)
        });
    let may_sign = match issuer.key_usage() {
        None => true,
        Some(usage) => usage.is_ok_and(|usage| usage.contains(KeyUsage::KEY_CERT_SIGN)),
    };
    if authority && may_sign {
        Ok(true)
    } else {
        Err(TrustError::NotAuthority)
    }
}
