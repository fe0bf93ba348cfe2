//! Issuing: from elements to a signed document.
//!
//! Three steps, so that the key may be anywhere: a [`Draft`] says what is to be issued,
//! [`Draft::salt`] makes it [`Unsigned`] (salts, digest IDs, MSO), and a signature over
//! [`Unsigned::to_sign`] makes it an `IssuerSigned`.

use core::fmt;

use crate::cbor::write;
use crate::cose::{protected_header, to_be_signed, write_sign1};
use crate::crypto::{Backend, CryptoRng, Digest, DigestAlgorithm, PublicKey, SignatureAlgorithm};
use crate::mso::{KeyAuthorizations, MsoDraft, Status};
use crate::seams::{Signer, SignerError};
use crate::time::Timestamp;
use crate::value::{self, Value};

/// Elements to be issued: by namespace, identifier and value, in the order in which they are written.
pub type NameSpaces = Vec<(String, Vec<(String, Value)>)>;

/// Length of the salt of each element, in bytes.
pub const SALT_LEN: usize = 32;

/// When a document is signed and valid. Whole seconds; both limits inclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    /// The instant of the signature.
    pub signed: Timestamp,
    /// The first instant of validity, not before `signed`.
    pub valid_from: Timestamp,
    /// The last instant of validity, after `valid_from`.
    pub valid_until: Timestamp,
    /// When the wallet may expect a new signature.
    pub expected_update: Option<Timestamp>,
}

/// A draft that cannot be issued.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum DraftError {
    /// There is not one element.
    NoElements,
    /// A namespace, element identifier or the docType is empty.
    EmptyName,
    /// The same namespace twice, or the same element twice in one.
    Duplicate(String),
    /// `validFrom` is before `signed`, or `validUntil` not after `validFrom`.
    Validity,
}

impl fmt::Display for DraftError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoElements => f.write_str("a document needs at least one element"),
            Self::EmptyName => f.write_str("docType, namespaces and element identifiers are never empty"),
            Self::Duplicate(name) => write!(f, "`{name}` is there twice"),
            Self::Validity => {
                f.write_str("signed must not be after validFrom, nor validFrom at or after validUntil")
            }
        }
    }
}

impl core::error::Error for DraftError {}

/// What is to be issued.
#[derive(Debug, Clone)]
pub struct Draft<'a> {
    doc_type: &'a str,
    name_spaces: &'a NameSpaces,
    device_key: &'a PublicKey,
    validity: Validity,
    digest_algorithm: DigestAlgorithm,
    key_authorizations: KeyAuthorizations,
    status: Option<Status>,
    decoys: usize,
}

impl<'a> Draft<'a> {
    /// A document of that type with those elements for that device key.
    #[must_use]
    pub fn new(
        doc_type: &'a str,
        name_spaces: &'a NameSpaces,
        device_key: &'a PublicKey,
        validity: Validity,
    ) -> Self {
        Self {
            doc_type,
            name_spaces,
            device_key,
            validity,
            digest_algorithm: DigestAlgorithm::Sha256,
            key_authorizations: KeyAuthorizations::default(),
            status: None,
            decoys: 0,
        }
    }

    /// Another digest than SHA-256.
    #[must_use]
    pub const fn digest_algorithm(mut self, algorithm: DigestAlgorithm) -> Self {
        self.digest_algorithm = algorithm;
        self
    }

    /// Elements that the device may vouch for itself.
    #[must_use]
    pub fn authorize(mut self, authorizations: KeyAuthorizations) -> Self {
        self.key_authorizations = authorizations;
        self
    }

    /// Where the status is published: a member of the second edition, which readers of the first ignore.
    #[must_use]
    pub fn status(mut self, status: Status) -> Self {
        self.status = Some(status);
        self
    }

    /// As many random digests without an element, spread over the namespaces, so that the MSO does not
    /// tell how many elements there are.
    #[must_use]
    pub const fn decoys(mut self, count: usize) -> Self {
        self.decoys = count;
        self
    }

    /// Draws salts and digest IDs and computes the MSO.
    ///
    /// Every digest ID is drawn without regard to the element, over all namespaces together, so that
    /// IDs correlate neither with elements nor between documents (section 2.2 of the facts).
    ///
    /// # Errors
    /// [`DraftError`] if this draft can never be issued.
    pub fn salt(&self, rng: &mut dyn CryptoRng, backend: &dyn Backend) -> Result<Unsigned, DraftError> {
        self.check()?;
        let elements: usize = self.name_spaces.iter().map(|(_, elements)| elements.len()).sum();
        let ids = shuffled(elements + self.decoys, rng);
        let mut salts = vec![0; elements * SALT_LEN];
        rng.fill_bytes(&mut salts);

        let mut encoded = Vec::with_capacity(self.size_hint());
        write::map(&mut encoded, 2);
        write::text(&mut encoded, "nameSpaces");
        write::map(&mut encoded, self.name_spaces.len());
        let mut value_digests: Vec<(&str, Vec<(u64, Digest)>)> = Vec::with_capacity(self.name_spaces.len());
        let mut drawn = ids.into_iter();
        let mut salts = salts.chunks_exact(SALT_LEN);
        for (name, elements) in self.name_spaces {
            write::text(&mut encoded, name);
            write::array(&mut encoded, elements.len());
            let mut digests = Vec::with_capacity(elements.len() + self.decoys);
            for ((identifier, value), (id, salt)) in elements.iter().zip(drawn.by_ref().zip(salts.by_ref())) {
                let start = encoded.len();
                write_item(&mut encoded, id, salt, identifier, value);
                let item = encoded.get(start..).unwrap_or_default();
                digests.push((id, backend.digest(self.digest_algorithm, &[item])));
            }
            value_digests.push((name, digests));
        }
        self.add_decoys(drawn, &mut value_digests, rng);
        for (_, digests) in &mut value_digests {
            digests.sort_unstable_by_key(|(id, _)| *id);
        }
        let mso = MsoDraft {
            digest_algorithm: self.digest_algorithm,
            value_digests: &value_digests,
            device_key: self.device_key,
            key_authorizations: &self.key_authorizations,
            doc_type: self.doc_type,
            signed: self.validity.signed,
            valid_from: self.validity.valid_from,
            valid_until: self.validity.valid_until,
            expected_update: self.validity.expected_update,
            status: self.status.as_ref(),
        };
        let mso = mso.encode();
        let mut payload = Vec::with_capacity(mso.len() + 8);
        write::embedded(&mut payload, &mso);
        Ok(Unsigned { encoded, payload })
    }

    fn check(&self) -> Result<(), DraftError> {
        let validity = self.validity;
        if validity.valid_from < validity.signed || validity.valid_until <= validity.valid_from {
            return Err(DraftError::Validity);
        }
        if self.name_spaces.iter().all(|(_, elements)| elements.is_empty()) {
            return Err(DraftError::NoElements);
        }
        let mut names: Vec<(&str, &str)> = vec![("", self.doc_type)];
        for (name, elements) in self.name_spaces {
            if elements.is_empty() {
                return Err(DraftError::NoElements);
            }
            if name.is_empty() {
                return Err(DraftError::EmptyName);
            }
            names.push(("", name));
            names.extend(
                elements
                    .iter()
                    .map(|(identifier, _)| (name.as_str(), identifier.as_str())),
            );
        }
        if names.iter().any(|(_, name)| name.is_empty()) {
            return Err(DraftError::EmptyName);
        }
        // The docType may be the name of a namespace, as the PID's is; nothing else may be twice.
        names.remove(0);
        names.sort_unstable();
        match names.windows(2).find(|pair| matches!(pair, [a, b] if a == b)) {
            Some([(_, name), ..]) => Err(DraftError::Duplicate((*name).to_owned())),
            _ => Ok(()),
        }
    }

    fn size_hint(&self) -> usize {
        let element = |(identifier, value): &(String, Value)| {
            let value = if let Value::Bytes(bytes) = value {
                bytes.len()
            } else {
                64
            };
            identifier.len() + value + 100
        };
        let items: usize = self
            .name_spaces
            .iter()
            .flat_map(|(_, elements)| elements)
            .map(element)
            .sum();
        let elements: usize = self.name_spaces.iter().map(|(_, elements)| elements.len()).sum();
        // items, the MSO in the payload, certificates and signature
        items + (elements + self.decoys) * (self.digest_algorithm.output_len() + 8) + 2048
    }

    fn add_decoys(
        &self,
        ids: impl Iterator<Item = u64>,
        value_digests: &mut [(&str, Vec<(u64, Digest)>)],
        rng: &mut dyn CryptoRng,
    ) {
        let spaces = value_digests.len();
        for (at, id) in (0..spaces).cycle().zip(ids) {
            let mut random = [0; 64];
            rng.fill_bytes(&mut random);
            let digest = Digest::new(
                random
                    .get(..self.digest_algorithm.output_len())
                    .unwrap_or_default(),
            );
            if let Some((_, digests)) = value_digests.get_mut(at) {
                digests.push((id, digest));
            }
        }
    }
}

/// `IssuerSignedItemBytes`, straight into the output: the portrait is copied once.
fn write_item(out: &mut Vec<u8>, id: u64, salt: &[u8], identifier: &str, element: &Value) {
    let small = if matches!(element, Value::Bytes(_)) {
        Vec::new()
    } else {
        value::encode(element)
    };
    let value_len = match element {
        Value::Bytes(bytes) => write::head_len(bytes.len()) + bytes.len(),
        _ => small.len(),
    };
    let id_len = usize::try_from(id).map_or(9, write::head_len);
    let text_len = |text: &str| write::head_len(text.len()) + text.len();
    let len = 1
        + text_len("digestID")
        + id_len
        + text_len("random")
        + write::head_len(salt.len())
        + salt.len()
        + text_len("elementIdentifier")
        + text_len(identifier)
        + text_len("elementValue")
        + value_len;
    write::tag(out, value::TAG_ENCODED);
    write::bytes_head(out, len);
    write::map(out, 4);
    write::text(out, "digestID");
    write::unsigned(out, id);
    write::text(out, "random");
    write::bytes(out, salt);
    write::text(out, "elementIdentifier");
    write::text(out, identifier);
    write::text(out, "elementValue");
    match element {
        Value::Bytes(bytes) => write::bytes(out, bytes),
        _ => out.extend_from_slice(&small),
    }
}

/// The numbers below `count` in random order (Fisher and Yates).
fn shuffled(count: usize, rng: &mut dyn CryptoRng) -> Vec<u64> {
    let mut ids: Vec<u64> = (0..).take(count).collect();
    for last in (1..count).rev() {
        let bound = u64::try_from(last).unwrap_or(u64::MAX - 1) + 1;
        let at = loop {
            // Candidates beyond the largest multiple of the bound would favour small numbers.
            let candidate = rng.next_u64();
            if candidate < u64::MAX - u64::MAX % bound {
                break candidate % bound;
            }
        };
        ids.swap(last, usize::try_from(at).unwrap_or(0));
    }
    ids
}

/// A document that lacks only the issuer's signature.
#[derive(Debug, Clone)]
pub struct Unsigned {
    /// `IssuerSigned` up to the value of `issuerAuth`.
    encoded: Vec<u8>,
    /// `MobileSecurityObjectBytes`.
    payload: Vec<u8>,
}

impl Unsigned {
    /// The bytes that the issuer signs, for a key kept elsewhere.
    #[must_use]
    pub fn to_sign(&self, algorithm: SignatureAlgorithm) -> Vec<u8> {
        to_be_signed(&protected_header(algorithm), &self.payload)
    }

    /// Puts a raw signature (`r ‖ s`) and the signer's certificates on the document: leaf first, the
    /// IACA root never among them. The result is the encoded `IssuerSigned`.
    #[must_use]
    pub fn attach(mut self, algorithm: SignatureAlgorithm, x5chain: &[&[u8]], signature: &[u8]) -> Vec<u8> {
        write::text(&mut self.encoded, "issuerAuth");
        let protected = protected_header(algorithm);
        write_sign1(
            &mut self.encoded,
            &protected,
            x5chain,
            Some(&self.payload),
            signature,
        );
        self.encoded
    }

    /// Signs with a key at hand; the result is the encoded `IssuerSigned`.
    ///
    /// # Errors
    /// [`SignerError`] if the key's keeper does not sign.
    pub fn sign(self, signer: &dyn Signer, x5chain: &[&[u8]]) -> Result<Vec<u8>, SignerError> {
        let algorithm = signer.algorithm();
        let signature = signer.sign(&self.to_sign(algorithm))?;
        Ok(self.attach(algorithm, x5chain, &signature))
    }
}

#[cfg(test)]
mod tests;
