//! Certification requests: what somebody who holds a key asks an authority to certify.
//!
//! A request proves that whoever made it holds the private key. What it asks for is a wish: of it an authority
//! takes the public key and perhaps the name, and everything else from the profile of the role.
//!
//! Source: RFC 2986; RFC 5280; RFC 2985, 5.4.2.

use core::fmt;
use core::ops::Range;

use super::build::{
    BuildError, alternative_names, ca_constraints, country, organization, purposes_of, sign, slices,
    state_of, text, usage,
};
use super::der::{self, BadCertificate, Reader};
use super::extension::Extension;
use super::general_name::general_names;
use super::oid::{self, Oid};
use super::parsed::{raw_range, value_range};
use super::profile::Role;
use super::{
    CertificateSignature, DistinguishedName, GeneralName, LARGEST_CERTIFICATE, SignatureError, UnusableKey,
    pem, public_key, public_key_der,
};
use crate::crypto::{Backend, PublicKey, RustCrypto};
use crate::seams::Signer;

/// Attributes, and extensions asked for, in one request.
const MOST_PARTS: usize = 64;

const WHAT: &str = "certification request";

/// A certification request whose structure was read; whether its maker holds the key is still to be checked.
#[derive(Clone, PartialEq, Eq)]
pub struct CertificationRequest {
    der: Vec<u8>,
    info: Range<usize>,
    subject: Range<usize>,
    key: Range<usize>,
    extensions: Vec<Range<usize>>,
    algorithm: CertificateSignature,
    signature: Range<usize>,
}

impl CertificationRequest {
    /// Reads a request in DER.
    ///
    /// # Errors
    /// [`BadCertificate`] with the first place where the structure is broken, or a limit is exceeded: 64 KiB,
    /// 64 attributes, 64 extensions, names of 2 KiB.
    pub fn from_der(bytes: &[u8]) -> Result<Self, BadCertificate> {
        if bytes.len() > LARGEST_CERTIFICATE {
            return Err(BadCertificate {
                what: "certification request of at most 64 KiB",
                offset: LARGEST_CERTIFICATE,
            });
        }
        let mut outer = Reader::only(bytes, der::SEQUENCE, WHAT)?.inside();
        let info = outer.one(der::SEQUENCE, WHAT)?;
        let algorithm = outer.one(der::SEQUENCE, "signature algorithm")?;
        let signature = outer.one(der::BIT_STRING, "signature")?;
        signature.whole_octets("signature")?;
        outer.end(WHAT)?;

        let mut fields = info.inside();
        let version = fields.one(der::INTEGER, "version")?;
        if version.value != [0] {
            return Err(version.bad("version"));
        }
        let subject = fields.one(der::SEQUENCE, "subject")?;
        DistinguishedName::read(subject)?;
        let key = fields.one(der::SEQUENCE, "public key")?;
        let mut extensions = Vec::new();
        // RFC 2986 has the attributes always there; some leave an empty set out.
        if let Some(set) = fields.optional(der::constructed(0), "attributes")? {
            let (mut attributes, mut count) = (set.inside(), 0);
            while !attributes.is_empty() {
                let attribute = attributes.one(der::SEQUENCE, "attribute")?;
                count += 1;
                if count > MOST_PARTS {
                    return Err(attribute.bad("request of at most 64 attributes"));
                }
                let mut parts = attribute.inside();
                let kind = parts.one(der::OBJECT_IDENTIFIER, "attribute")?;
                let values = parts.one(der::SET, "attribute")?;
                parts.end("attribute")?;
                if Oid::from_content(kind.value) == Some(oid::EXTENSION_REQUEST) {
                    let mut inside = values.inside();
                    let mut list = inside.one(der::SEQUENCE, "extensions")?.inside();
                    inside.end("extensions")?;
                    while !list.is_empty() {
                        let mut probe = list;
                        let whole = probe.any("extension")?;
                        Extension::read(&mut list)?;
                        if extensions.len() == MOST_PARTS {
                            return Err(whole.bad("request of at most 64 extensions"));
                        }
                        extensions.push(raw_range(&whole));
                    }
                }
            }
        }
        fields.end(WHAT)?;
        let signature = value_range(&signature);
        Ok(Self {
            info: raw_range(&info),
            subject: raw_range(&subject),
            key: raw_range(&key),
            extensions,
            algorithm: CertificateSignature::read(algorithm.inside())?,
            signature: signature.start + 1..signature.end,
            der: bytes.to_vec(),
        })
    }

    /// Reads a request in PEM or DER.
    ///
    /// # Errors
    /// [`BadCertificate`] with the first place where the structure is broken.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, BadCertificate> {
        // With the text that `openssl req -text` puts in front.
        if bytes.len() > 4 * LARGEST_CERTIFICATE {
            return Self::from_der(bytes);
        }
        let text = core::str::from_utf8(bytes).unwrap_or_default();
        let request = |label: &str| matches!(label, "CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST");
        match pem::blocks(text).find(|block| request(block.label)) {
            Some(block) => {
                let der = block.decode().ok_or(BadCertificate {
                    what: "Base64 text of a certification request",
                    offset: 0,
                })?;
                Self::from_der(&der)
            }
            None => Self::from_der(bytes),
        }
    }

    fn part(&self, range: &Range<usize>) -> &[u8] {
        self.der.get(range.clone()).unwrap_or_default()
    }

    /// The received bytes.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The request as a PEM text.
    #[must_use]
    pub fn to_pem(&self) -> String {
        pem::encode("CERTIFICATE REQUEST", &self.der).to_string()
    }

    /// The name that is asked for.
    #[must_use]
    pub fn subject(&self) -> DistinguishedName<'_> {
        DistinguishedName::from_der(self.part(&self.subject)).unwrap_or_default() // read once before
    }

    /// The key that is to be certified.
    ///
    /// # Errors
    /// [`UnusableKey`] if the algorithm or the curve is not supported, or the key is none.
    pub fn public_key(&self) -> Result<PublicKey, UnusableKey> {
        public_key(self.part(&self.key))
    }

    /// The algorithm of its signature.
    #[must_use]
    pub const fn signature_algorithm(&self) -> &CertificateSignature {
        &self.algorithm
    }

    /// The extensions that are asked for, in the order received.
    pub fn extensions(&self) -> impl Iterator<Item = Extension<'_>> {
        self.extensions.iter().filter_map(|range| {
            // Read once before, so nothing is left out.
            Extension::read(&mut Reader::at(self.part(range), range.start)).ok()
        })
    }

    /// The alternative names that are asked for; none if they are malformed.
    #[must_use]
    pub fn alternative_names(&self) -> Vec<GeneralName> {
        self.extensions()
            .find(|extension| extension.oid == oid::SUBJECT_ALT_NAME)
            .and_then(|extension| {
                let mut names = Vec::new();
                general_names(&extension, |name| names.push(name.to_name())).ok()?;
                Some(names)
            })
            .unwrap_or_default()
    }

    /// Checks that whoever made the request holds the private key, and returns the public one.
    ///
    /// # Errors
    /// [`Unproven`] saying why not.
    pub fn verify(&self, backend: &dyn Backend) -> Result<PublicKey, Unproven> {
        let key = self.public_key().map_err(Unproven::Key)?;
        self.algorithm
            .verify(&key, self.part(&self.info), self.part(&self.signature), backend)
            .map_err(Unproven::Signature)?;
        Ok(key)
    }
}

impl fmt::Debug for CertificationRequest {
    /// The subject.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CertificationRequest({})", self.subject())
    }
}

/// Why a request does not prove that its maker holds the key.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unproven {
    /// The key cannot be used.
    Key(UnusableKey),
    /// The signature does not stand.
    Signature(SignatureError),
}

impl fmt::Display for Unproven {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(_) => f.write_str("the key in the request cannot be certified"),
            Self::Signature(_) => f.write_str("the request does not prove that its maker holds the key"),
        }
    }
}

impl core::error::Error for Unproven {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Key(cause) => Some(cause),
            Self::Signature(cause) => Some(cause),
        }
    }
}

/// What a new certification request is to ask for: the usages of its role, and this name.
#[derive(Debug, Clone)]
pub struct RequestTerms {
    /// What the certificate is to be used for.
    pub role: Role,
    /// `C`, if any: two upper-case letters of ISO 3166-1.
    pub country: Option<String>,
    /// `ST`, if any: a code of ISO 3166-2 in that country.
    pub state: Option<String>,
    /// `O`, up to 64 characters.
    pub organization: Option<String>,
    /// `CN`, up to 64 characters.
    pub common_name: String,
    /// Names and IP addresses of a TLS server.
    pub hosts: Vec<GeneralName>,
}

impl RequestTerms {
    /// Makes the request, signed by the key that it is about.
    ///
    /// # Errors
    /// [`BuildError`] for the first part that the profile does not allow, or if the key did not sign.
    pub fn build(&self, signer: &dyn Signer) -> Result<CertificationRequest, BuildError> {
        let key = signer.public_key();
        if !self.role.allows(key.curve()) {
            return Err(BuildError::Curve(key.curve()));
        }
        let mut name = Vec::new();
        if let Some(code) = &self.country {
            name.push(country(code)?);
        }
        if let Some(state) = &self.state {
            name.push(state_of(self.country.as_deref().unwrap_or_default(), state)?);
        }
        organization(&mut name, self.organization.as_deref())?;
        name.push(text(oid::COMMON_NAME, "common name", 64, &self.common_name)?);
        let mut extensions = vec![usage(self.role.usage())];
        if self.role.is_ca() {
            extensions.push(ca_constraints());
        }
        let purposes = self.role.purposes();
        if !purposes.is_empty() {
            extensions.push(purposes_of(&purposes));
        }
        if !self.hosts.is_empty() {
            extensions.push(alternative_names(&self.hosts));
        }
        let kind = der::tlv(der::OBJECT_IDENTIFIER, &[oid::EXTENSION_REQUEST.content()]);
        let list = der::tlv(der::SEQUENCE, &slices(&extensions));
        let attribute = der::tlv(der::SEQUENCE, &[&kind, &der::tlv(der::SET, &[&list])]);
        let info = der::tlv(
            der::SEQUENCE,
            &[
                &der::unsigned(&[0]),
                &der::tlv(der::SEQUENCE, &slices(&name)),
                &public_key_der(key),
                &der::tlv(der::constructed(0), &[&attribute]),
            ],
        );
        let request =
            CertificationRequest::from_der(&sign(&info, signer)?).map_err(BuildError::Unreadable)?;
        match request.verify(&RustCrypto) {
            Ok(_) => Ok(request),
            Err(Unproven::Signature(why)) => Err(BuildError::Signature(why)),
            Err(Unproven::Key(why)) => Err(BuildError::SubjectKey(why)),
        }
    }
}

#[cfg(test)]
mod tests;
