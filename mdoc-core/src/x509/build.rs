//! Making certificates by the profiles of Annex B.
//!
//! The limits of the profiles are enforced here: what is built gives no finding in [`super::profile`].
//! Only the public half of a subject's key is needed; the issuer's key signs through a [`Signer`].
//!
//! Source: ISO/IEC 18013-5:2021, Annex B; RFC 5280, 4.1 and 4.2.

mod authority;
mod crl;
mod error;
mod parts;
mod signer;
mod terminal;

pub use self::authority::{IacaLink, IacaRoot, OtherCa, ReaderCa};
pub use self::crl::{ListTerms, RevokedSerial, build_crl};
pub use self::error::BuildError;
pub(super) use self::parts::{
    alternative_names, ca_constraints, country, extension, organization, purposes_of, slices, state_of, text,
    usage,
};
use self::parts::{authority_key, subject_key};
pub use self::signer::{
    DocumentSigner, JwsSigner, OcspResponder, ResponderRevocation, StatusListSigner, VicalSigner,
};
pub use self::terminal::{ReaderAuthentication, TlsClient, TlsServer};
use super::oid::Oid;
use super::profile::{Limit, Role, is_within, may_issue};
use super::signature::to_x509;
use super::{Certificate, CertificateSignature, KeyUsage};
use super::{der, public_key_der};
use crate::crypto::{CryptoRng, PublicKey, RustCrypto};
use crate::seams::Signer;
use crate::time::Timestamp;

/// The first and the last instant at which a certificate is valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    /// The first instant.
    pub from: Timestamp,
    /// The last instant.
    pub until: Timestamp,
}

/// The CA that signs a new certificate.
#[derive(Clone, Copy)]
struct Above<'a> {
    issuer: &'a Certificate,
    signer: &'a dyn Signer,
}

/// What end-entity certificates have in common.
struct Leaf<'a> {
    role: Role,
    /// The whole `Name`.
    subject: Vec<u8>,
    validity: Validity,
    limit: Limit,
    usage: KeyUsage,
    /// None if the role needs none.
    purposes: &'a [Oid<'static>],
    /// Each the whole `Extension`, after those of keys and usages.
    more: Vec<Vec<u8>>,
}

impl Leaf<'_> {
    fn sign(
        self,
        key: &PublicKey,
        above: Above<'_>,
        rng: &mut dyn CryptoRng,
    ) -> Result<Certificate, BuildError> {
        let Above { issuer, signer } = above;
        check_issuer(key, issuer, signer)?;
        for curve in [key.curve(), signer.public_key().curve()] {
            if !self.role.allows(curve) {
                return Err(BuildError::Curve(curve));
            }
        }
        let mut extensions = vec![authority_key(issuer), subject_key(key), usage(self.usage)];
        if !self.purposes.is_empty() {
            extensions.push(purposes_of(self.purposes));
        }
        extensions.extend(self.more);
        Draft {
            issuer: issuer.subject_der().to_vec(),
            subject: self.subject,
            validity: checked(self.validity, self.limit, Some(issuer))?,
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
pub(super) fn sign(tbs: &[u8], signer: &dyn Signer) -> Result<Vec<u8>, BuildError> {
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
        return Err(BuildError::ValidTooLong {
            asked,
            most: limit.words(),
        });
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
