//! Issuing: from elements to a signed document.
//!
//! Three steps, so that the key may be anywhere: a [`Draft`] says what is to be issued,
//! [`Draft::salt`] makes it [`Unsigned`] (salts, digest IDs, MSO), and a signature over
//! [`Unsigned::to_sign`] makes it an `IssuerSigned`.
//!
//! Several documents of one person, each for another device key, are made from a [`Template`], which
//! [`Draft::template`] makes.
//!
//! A document is written into one buffer of known size, elements straight from their values, so that a
//! portrait is copied once; digests are computed over slices of that buffer. All randomness is asked for
//! at once.

mod assemble;
mod draw;
mod template;

use core::fmt;

use self::assemble::{Items, Terms, assemble};
pub use self::template::{CopyOf, ItemOrder, Template};
use crate::cbor::write::{self, Length};
use crate::cose::{protected, to_be_signed, write_sign1};
use crate::crypto::{Backend, CryptoRng, Digest, DigestAlgorithm, PublicKey, SignatureAlgorithm};
use crate::limits::LONGEST_NAME;
use crate::mso::{KeyAuthorizations, Status};
use crate::seams::{Signer, SignerError};
use crate::time::Timestamp;
use crate::value::Value;

/// Elements to be issued: by namespace, identifier and value, in the order in which they are written.
pub type NameSpaces = Vec<(String, Vec<(String, Value)>)>;

/// Most digests of a document, decoys included: what a reader with [`crate::limits::Limits::DEFAULT`] takes.
pub const MOST_DIGESTS: usize = 9_900;

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
    /// One of them has more than [`LONGEST_NAME`] bytes: no reader would take it.
    LongName,
    /// The same namespace twice, or the same element twice in one.
    Duplicate(String),
    /// `validFrom` is before `signed`, or `validUntil` not after `validFrom`.
    Validity,
    /// More than [`MOST_DIGESTS`].
    TooManyDigests,
}

impl fmt::Display for DraftError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoElements => f.write_str("a document needs at least one element"),
            Self::EmptyName => f.write_str("docType, namespaces and element identifiers are never empty"),
            Self::LongName => write!(
                f,
                "docType, namespaces and element identifiers have at most {LONGEST_NAME} bytes"
            ),
            Self::Duplicate(name) => write!(f, "`{name}` is there twice"),
            Self::TooManyDigests => {
                write!(
                    f,
                    "a document has at most {MOST_DIGESTS} digests, decoys included"
                )
            }
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
        self.validity.check()?;
        self.check_names()?;
        let items = Plain {
            name_spaces: self.name_spaces,
            algorithm: self.digest_algorithm,
            backend,
        };
        let terms = Terms {
            doc_type: self.doc_type,
            digest_algorithm: self.digest_algorithm,
            key_authorizations: &self.key_authorizations,
            decoys: self.decoys,
            device_key: self.device_key,
            validity: self.validity,
            status: self.status.as_ref(),
        };
        assemble(&items, &terms, rng)
    }

    /// Makes ready what all copies of a person's document have in common. The device key, the validity and
    /// the status are those of each copy; what the draft has of them is not used.
    ///
    /// # Errors
    /// [`DraftError`] if no copy could ever be issued.
    pub fn template(&self, order: ItemOrder) -> Result<Template, DraftError> {
        self.check_names()?;
        Template::new(self, order)
    }

    fn check_names(&self) -> Result<(), DraftError> {
        if self.name_spaces.is_empty() || self.name_spaces.iter().any(|(_, elements)| elements.is_empty()) {
            return Err(DraftError::NoElements);
        }
        // The docType may be the name of a namespace, as the PID's is; nothing else may be twice.
        let twice = match repeated(self.name_spaces) {
            None => self
                .name_spaces
                .iter()
                .find_map(|(_, elements)| repeated(elements)),
            twice => twice,
        };
        let names = || {
            let names = self.name_spaces.iter().flat_map(|(name, elements)| {
                let identifiers = elements.iter().map(|(identifier, _)| identifier.as_str());
                core::iter::once(name.as_str()).chain(identifiers)
            });
            names.chain([self.doc_type])
        };
        if names().any(str::is_empty) {
            return Err(DraftError::EmptyName);
        }
        if names().any(|name| name.len() > LONGEST_NAME) {
            return Err(DraftError::LongName);
        }
        match twice {
            Some(name) => Err(DraftError::Duplicate(name.to_owned())),
            None => Ok(()),
        }
    }
}

impl Validity {
    fn check(&self) -> Result<(), DraftError> {
        if self.valid_from < self.signed || self.valid_until <= self.valid_from {
            Err(DraftError::Validity)
        } else {
            Ok(())
        }
    }
}

/// A name that is there twice.
fn repeated<T>(named: &[(String, T)]) -> Option<&str> {
    /// Up to here it is less work to compare each with each, most of which differ in length, than to sort.
    const FEW: usize = 64;
    if named.len() <= FEW {
        let mut rest = named;
        while let [(name, _), others @ ..] = rest {
            if others.iter().any(|(other, _)| other == name) {
                return Some(name);
            }
            rest = others;
        }
        return None;
    }
    let mut names: Vec<&str> = named.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    names.windows(2).find_map(|pair| match pair {
        [one, other] if one == other => Some(*one),
        _ => None,
    })
}

/// Elements as a [`Draft`] has them, written in the customary order.
struct Plain<'a> {
    name_spaces: &'a NameSpaces,
    algorithm: DigestAlgorithm,
    backend: &'a dyn Backend,
}

impl Items for Plain<'_> {
    type Item = (String, Value);

    fn name_spaces(&self) -> &[(String, Vec<Self::Item>)] {
        self.name_spaces
    }

    fn element_len(&self, (identifier, value): &Self::Item) -> usize {
        Length::of(|counted| assemble::write_element(counted, identifier, value))
    }

    fn write(&self, out: &mut Vec<u8>, element: &Self::Item, id: u32, salt: &[u8]) -> Digest {
        let start = out.len();
        let (identifier, value) = element;
        assemble::write_start(out, self.element_len(element), id);
        assemble::write_id_and_salt(out, id, salt);
        assemble::write_element(out, identifier, value);
        let item = out.get(start..).unwrap_or_default();
        self.backend.digest(self.algorithm, &[item])
    }
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
        to_be_signed(protected(algorithm), &self.payload)
    }

    /// Puts a raw signature (`r ‖ s`) and the signer's certificates on the document: leaf first, the
    /// IACA root never among them. The result is the encoded `IssuerSigned`.
    #[must_use]
    pub fn attach(mut self, algorithm: SignatureAlgorithm, x5chain: &[&[u8]], signature: &[u8]) -> Vec<u8> {
        write::text(&mut self.encoded, "issuerAuth");
        write_sign1(
            &mut self.encoded,
            protected(algorithm),
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
