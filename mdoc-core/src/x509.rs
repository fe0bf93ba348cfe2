//! Certificates: reading, judging, chaining, making them, and asking whether they were revoked.
//!
//! The structure of a certificate is read strictly; what its extensions say is decoded only when asked
//! for, so that one malformed extension does not hide the rest. Signatures are checked over received
//! bytes, names are compared as received bytes.
//!
//! Source: RFC 5280; ISO/IEC 18013-5:2021, Annex B.

pub mod build;
pub mod csr;
mod der;
mod extension;
mod general_name;
mod name;
pub mod ocsp;
pub mod oid;
mod parsed;
pub mod path;
mod pem;
pub mod profile;
pub mod revocation;
mod signature;

use core::fmt;
use core::ops::Range;
use std::sync::Arc;

use sha1::{Digest as _, Sha1};

pub use self::der::BadCertificate;
pub(crate) use self::der::{
    BIT_STRING, INTEGER, OBJECT_IDENTIFIER, OCTET_STRING, Reader, SEQUENCE, constructed, tlv,
};
pub use self::extension::{
    AuthorityKeyIdentifier, BasicConstraints, CrlDistributionPoints, Extension, KeyUsage,
};
pub use self::general_name::GeneralName;
use self::general_name::NameView;
pub use self::name::{Attribute, DistinguishedName};
use self::parsed::Parsed;
pub(crate) use self::pem::{blocks as pem_blocks, encode as encode_pem};
use self::profile::{Finding, Role};
#[cfg(test)]
pub(crate) use self::signature::to_x509;
pub use self::signature::{CertificateSignature, SignatureError, UnusableKey};
pub(crate) use self::signature::{
    algorithm_curve, key_algorithm_der, public_key, public_key_der, raw_from_der,
};
use crate::crypto::{Backend, DigestAlgorithm, PublicKey, RustCrypto};
use crate::time::Timestamp;

/// The largest certificate that is read, in bytes of DER.
pub const LARGEST_CERTIFICATE: usize = 64 * 1024;

/// The longest name of a subject or an issuer that is read, in bytes of DER. Real ones have some hundred; names are compared
/// with those of every trust anchor, and told in errors.
pub const LONGEST_NAME: usize = 2048;

/// Most certificates of a PEM text that are read; bundles of the web's authorities have some 150.
pub const MOST_CERTIFICATES: usize = 2_000;

/// An X.509 certificate whose structure was read; nobody has vouched for it yet.
///
/// Holds the received bytes; cloning is cheap. Two are equal if their bytes are.
///
/// Source: RFC 5280, 4.1.
#[derive(Clone)]
pub struct Certificate(Arc<Parsed>);

/// SHA-1 of the octets of a public key (RFC 5280, 4.2.1.2, method 1): a name for it, not a protection.
fn key_identifier(key: &[u8]) -> [u8; 20] {
    Sha1::digest(key).into()
}

/// Reading.
impl Certificate {
    /// Reads one certificate.
    ///
    /// # Errors
    /// [`BadCertificate`] with the first place where the structure is broken, or a limit is exceeded:
    /// 64 KiB, 64 extensions, names of 2 KiB with 64 attributes.
    pub fn from_der(der: &[u8]) -> Result<Self, BadCertificate> {
        Parsed::read(der).map(|parsed| Self(Arc::new(parsed)))
    }

    /// Reads the first certificate of a PEM text.
    ///
    /// # Errors
    /// [`BadCertificate`] if there is none, or it is broken.
    pub fn from_pem(text: &str) -> Result<Self, BadCertificate> {
        Self::pem_blocks(text).next().unwrap_or(Err(BadCertificate {
            what: "PEM block of a certificate",
            offset: 0,
        }))
    }

    /// Reads all certificates of a PEM text; other blocks and text between are passed over.
    ///
    /// # Errors
    /// [`BadCertificate`] of the first one that is broken.
    pub fn all_from_pem(text: &str) -> Result<Vec<Self>, BadCertificate> {
        Self::pem_blocks(text).collect()
    }

    /// The certificates of a PEM text that can be read, and what is wrong with the others: a list of trust
    /// anchors is not lost for one entry that is no strict DER (real lists have them).
    #[must_use]
    pub fn readable_from_pem(text: &str) -> (Vec<Self>, Vec<BadCertificate>) {
        let (mut readable, mut broken) = (Vec::new(), Vec::new());
        for block in Self::pem_blocks(text) {
            match block {
                Ok(certificate) => readable.push(certificate),
                Err(error) => broken.push(error),
            }
        }
        (readable, broken)
    }

    /// Every certificate of a PEM text in its place, or what is wrong with it.
    #[must_use]
    pub fn each_from_pem(text: &str) -> Vec<Result<Self, BadCertificate>> {
        Self::pem_blocks(text).collect()
    }

    fn pem_blocks(text: &str) -> impl Iterator<Item = Result<Self, BadCertificate>> {
        pem::blocks(text)
            .filter(|block| matches!(block.label, "CERTIFICATE" | "X509 CERTIFICATE"))
            .take(MOST_CERTIFICATES + 1)
            .enumerate()
            .map(|(index, block)| {
                let bad = |what, offset| Err(BadCertificate { what, offset });
                if index == MOST_CERTIFICATES {
                    return bad("PEM text of at most 2,000 certificates", 0);
                }
                if block.len() > 2 * LARGEST_CERTIFICATE {
                    return bad("certificate of at most 64 KiB", LARGEST_CERTIFICATE);
                }
                let der = block.decode().ok_or(BadCertificate {
                    what: "Base64 text of a certificate",
                    offset: 0,
                })?;
                Self::from_der(&der)
            })
    }

    /// The certificate as a PEM text.
    #[must_use]
    pub fn to_pem(&self) -> String {
        pem::encode("CERTIFICATE", self.der()).to_string()
    }
}

/// What is in it.
impl Certificate {
    fn part(&self, range: &Range<usize>) -> &[u8] {
        self.0.der.get(range.clone()).unwrap_or_default()
    }

    /// The received bytes.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.0.der
    }

    /// The received bytes that the signature is over.
    #[must_use]
    pub fn tbs(&self) -> &[u8] {
        self.part(&self.0.tbs)
    }

    /// The version, 1 to 3.
    #[must_use]
    pub fn version(&self) -> u8 {
        self.0.version
    }

    /// The content octets of the serial number as received: a signed integer, most significant first.
    #[must_use]
    pub fn serial_number_der(&self) -> &[u8] {
        self.part(&self.0.serial_number)
    }

    /// The serial number without the leading zero that keeps it positive.
    #[must_use]
    pub fn serial_number(&self) -> &[u8] {
        match self.serial_number_der() {
            [0, magnitude @ ..] if !magnitude.is_empty() => magnitude,
            all => all,
        }
    }

    /// The issuer's name as received.
    #[must_use]
    pub fn issuer_der(&self) -> &[u8] {
        self.part(&self.0.issuer)
    }

    /// The subject's name as received.
    #[must_use]
    pub fn subject_der(&self) -> &[u8] {
        self.part(&self.0.subject)
    }

    /// The issuer's name.
    #[must_use]
    pub fn issuer(&self) -> DistinguishedName<'_> {
        DistinguishedName::from_der(self.issuer_der()).unwrap_or_default() // read once before
    }

    /// The subject's name.
    #[must_use]
    pub fn subject(&self) -> DistinguishedName<'_> {
        DistinguishedName::from_der(self.subject_der()).unwrap_or_default() // read once before
    }

    /// Whether issuer and subject are the same name; says nothing of the signature.
    #[must_use]
    pub fn is_self_issued(&self) -> bool {
        self.issuer_der() == self.subject_der()
    }

    /// The first instant of its validity.
    #[must_use]
    pub fn not_before(&self) -> Timestamp {
        self.0.not_before
    }

    /// The last instant of its validity.
    #[must_use]
    pub fn not_after(&self) -> Timestamp {
        self.0.not_after
    }

    /// Whether `now` lies in its validity, both ends included (RFC 5280, 4.1.2.5).
    #[must_use]
    pub fn is_valid_at(&self, now: Timestamp) -> bool {
        self.not_before() <= now && now <= self.not_after()
    }

    /// Whether a time before 2050 is not a UTCTime, or one from 2050 is (RFC 5280, 4.1.2.5).
    #[must_use]
    pub fn times_encoded_oddly(&self) -> bool {
        self.0.times_encoded_oddly
    }

    /// The key of the subject.
    ///
    /// # Errors
    /// [`UnusableKey`] if the algorithm or the curve is not supported, or the key is none.
    pub fn public_key(&self) -> Result<PublicKey, UnusableKey> {
        self.key().cloned().map_err(Clone::clone)
    }

    /// The same, read when it is first asked for.
    pub(crate) fn key(&self) -> Result<&PublicKey, &UnusableKey> {
        self.0
            .known
            .key
            .get_or_init(|| public_key(self.public_key_info_der()))
            .as_ref()
    }

    /// The SubjectPublicKeyInfo as received.
    #[must_use]
    pub fn public_key_info_der(&self) -> &[u8] {
        self.part(&self.0.public_key_info)
    }

    /// The octets in the BIT STRING of the public key, as received.
    #[must_use]
    pub fn public_key_octets(&self) -> &[u8] {
        self.part(&self.0.public_key)
    }

    /// The key identifier that the subject's key should have: SHA-1 of [`Certificate::public_key_octets`]
    /// (RFC 5280, 4.2.1.2, method 1).
    #[must_use]
    pub fn computed_key_identifier(&self) -> [u8; 20] {
        *self
            .0
            .known
            .key_identifier
            .get_or_init(|| key_identifier(self.public_key_octets()))
    }

    /// SHA-256 of the received bytes.
    #[must_use]
    pub fn fingerprint(&self) -> [u8; 32] {
        *self.0.known.fingerprint.get_or_init(|| {
            let digest = RustCrypto.digest(DigestAlgorithm::Sha256, &[self.der()]);
            digest.as_ref().try_into().unwrap_or_default()
        })
    }

    /// What is wrong with it as the root of an issuing authority: computed once, whatever it is asked for.
    pub(crate) fn findings_as_iaca(&self) -> &[Finding] {
        self.0
            .known
            .as_iaca
            .get_or_init(|| profile::check(Role::IacaRoot, self, None))
    }

    /// The algorithm of its signature; named twice in a certificate, and read only if both agree.
    #[must_use]
    pub fn signature_algorithm(&self) -> &CertificateSignature {
        &self.0.algorithm
    }

    /// The AlgorithmIdentifier of its signature as received.
    #[must_use]
    pub fn signature_algorithm_der(&self) -> &[u8] {
        self.part(&self.0.algorithm_der)
    }

    /// The octets in the BIT STRING of the signature.
    #[must_use]
    pub fn signature(&self) -> &[u8] {
        self.part(&self.0.signature)
    }

    /// Checks that the holder of `issuer_key` signed this certificate.
    ///
    /// Any of the three hash functions goes with any curve: an issuer may sign a P-256 certificate with SHA-384.
    ///
    /// # Errors
    /// [`SignatureError`] saying why it does not stand.
    pub fn verify_signed_by(
        &self,
        issuer_key: &PublicKey,
        backend: &dyn Backend,
    ) -> Result<(), SignatureError> {
        if self.0.algorithms_differ {
            return Err(SignatureError::TwoAlgorithms);
        }
        self.0
            .algorithm
            .verify(issuer_key, self.tbs(), self.signature(), backend)
    }
}

/// Its extensions.
impl Certificate {
    /// All extensions, in the order received.
    pub fn extensions(&self) -> impl Iterator<Item = Extension<'_>> {
        self.0.extensions.iter().map(|at| Extension {
            oid: oid::Oid::read_before(self.part(&at.oid)),
            critical: at.critical,
            critical_encoded_oddly: at.critical_encoded_oddly,
            value: self.part(&at.value),
            offset: at.value.start,
        })
    }

    /// The first extension of that kind.
    #[must_use]
    pub fn extension(&self, oid: oid::Oid<'_>) -> Option<Extension<'_>> {
        self.extensions().find(|extension| extension.oid == oid)
    }

    /// The kinds of extension that are there more than once, which RFC 5280 (4.2) forbids.
    #[must_use]
    pub fn duplicate_extensions(&self) -> Vec<oid::Oid<'_>> {
        let mut twice: Vec<_> = self
            .extensions()
            .enumerate()
            .filter(|(at, extension)| {
                self.extensions()
                    .take(*at)
                    .any(|before| before.oid == extension.oid)
            })
            .map(|(_, extension)| extension.oid)
            .collect();
        twice.sort_unstable();
        twice.dedup();
        twice
    }

    /// What the key may be used for.
    #[must_use]
    pub fn key_usage(&self) -> Option<Result<KeyUsage, BadCertificate>> {
        self.extension(oid::KEY_USAGE).map(|e| KeyUsage::read(&e))
    }

    /// The purposes the key may be used for.
    #[must_use]
    pub fn extended_key_usage(&self) -> Option<Result<Vec<oid::Oid<'_>>, BadCertificate>> {
        let mut purposes = Vec::new();
        self.purposes(|purpose| purposes.push(purpose))
            .map(|read| read.map(|()| purposes))
    }

    /// The same, each purpose given to `purpose`.
    pub(in crate::x509) fn purposes<'a>(
        &'a self,
        purpose: impl FnMut(oid::Oid<'a>),
    ) -> Option<Result<(), BadCertificate>> {
        self.extension(oid::EXTENDED_KEY_USAGE)
            .map(|e| extension::extended_key_usage(&e, purpose))
    }

    /// Whether the key may issue certificates.
    #[must_use]
    pub fn basic_constraints(&self) -> Option<Result<BasicConstraints, BadCertificate>> {
        self.extension(oid::BASIC_CONSTRAINTS)
            .map(|e| BasicConstraints::read(&e))
    }

    /// The identifier of the subject's key.
    #[must_use]
    pub fn subject_key_identifier(&self) -> Option<Result<&[u8], BadCertificate>> {
        self.extension(oid::SUBJECT_KEY_IDENTIFIER)
            .map(|e| e.one(OCTET_STRING, "subject key identifier").map(|id| id.value))
    }

    /// The identifier of the issuer's key.
    #[must_use]
    pub fn authority_key_identifier(&self) -> Option<Result<AuthorityKeyIdentifier<'_>, BadCertificate>> {
        self.extension(oid::AUTHORITY_KEY_IDENTIFIER)
            .map(|e| AuthorityKeyIdentifier::read(&e))
    }

    /// How to reach the issuer.
    #[must_use]
    pub fn issuer_alt_name(&self) -> Option<Result<Vec<GeneralName>, BadCertificate>> {
        let mut names = Vec::new();
        self.names(oid::ISSUER_ALT_NAME, |name| names.push(name.to_name()))
            .map(|read| read.map(|()| names))
    }

    /// Other names of the subject.
    #[must_use]
    pub fn subject_alt_name(&self) -> Option<Result<Vec<GeneralName>, BadCertificate>> {
        let mut names = Vec::new();
        self.names(oid::SUBJECT_ALT_NAME, |name| names.push(name.to_name()))
            .map(|read| read.map(|()| names))
    }

    /// The names in an extension of that kind, each given to `name`.
    pub(in crate::x509) fn names<'a>(
        &'a self,
        oid: oid::Oid<'_>,
        name: impl FnMut(NameView<'a>),
    ) -> Option<Result<(), BadCertificate>> {
        self.extension(oid).map(|e| general_name::general_names(&e, name))
    }

    /// Where the OCSP responders of the issuer are.
    #[must_use]
    pub fn ocsp_addresses(&self) -> Option<Result<Vec<String>, BadCertificate>> {
        let extension = self.extension(oid::AUTHORITY_INFO_ACCESS)?;
        let mut addresses = Vec::new();
        let read = extension::ocsp_addresses(&extension, |uri| addresses.push(uri.to_owned()));
        Some(read.map(|()| addresses))
    }

    /// Where the issuer's revocation list is.
    #[must_use]
    pub fn crl_distribution_points(&self) -> Option<Result<CrlDistributionPoints, BadCertificate>> {
        self.extension(oid::CRL_DISTRIBUTION_POINTS)
            .map(|e| CrlDistributionPoints::read(&e))
    }
}

impl PartialEq for Certificate {
    fn eq(&self, other: &Self) -> bool {
        self.der() == other.der()
    }
}

impl Eq for Certificate {}

impl fmt::Debug for Certificate {
    /// Subject and serial number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let serial = base16ct::lower::encode_string(self.serial_number());
        write!(f, "Certificate({}, {serial})", self.subject())
    }
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod world;
