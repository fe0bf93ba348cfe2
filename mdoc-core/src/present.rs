//! Presenting: what was asked, cut down to what is there and permitted, and authenticated by the device.

use core::fmt;
use std::collections::BTreeSet;

use crate::cbor::{Embedded, embed, write};
use crate::cose::{Mac0, protected_header, to_be_signed, write_sign1};
use crate::crypto::{Backend, CryptoError, PublicKey, SecretKey};
use crate::device_request::ItemsRequest;
use crate::device_signed::{device_authentication_bytes, mac_key_of_shared};
use crate::error::DecodeError;
use crate::issue::NameSpaces;
use crate::issuer_signed::{IssuerSigned, IssuerSignedItem};
use crate::limits::Limits;
use crate::mso::MobileSecurityObject;
use crate::scrub::scrubbed;
use crate::seams::{Signer, SignerError};
use crate::transcript::SessionTranscript;
use crate::value;

/// An element of the document that answers an element of the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Match {
    /// The namespace.
    pub name_space: String,
    /// The element as it was asked for.
    pub requested: String,
    /// The element that would be released: the same, or the nearest `age_over_NN`.
    pub released: String,
    /// Whether the verifier means to keep it.
    pub intent_to_retain: bool,
}

/// What of a request a document can answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Matches {
    /// The elements that are there, in the order of the request.
    pub found: Vec<Match>,
    /// Namespace and identifier of those that are not.
    pub absent: Vec<(String, String)>,
}

/// Age statements that are released in one retrieval at the most (ISO/IEC 18013-5:2021, 7.2.5).
pub const MOST_AGE_STATEMENTS: usize = 2;

/// Finds what a document has of what is asked.
///
/// A question for `age_over_NN` is answered by the nearest true statement at or above NN, otherwise
/// by the nearest false one at or below; two of those at the most. Questions that one statement answers are all found,
/// so that nothing is lost of what the verifier means to keep.
///
/// # Errors
/// [`DecodeError`] if an item of the document does not decode.
pub fn find(
    document: &IssuerSigned<'_>,
    request: &ItemsRequest,
    limits: &Limits,
) -> Result<Matches, DecodeError> {
    let mut matches = Matches::default();
    let mut ages: BTreeSet<(&str, String)> = BTreeSet::new();
    for (name_space, elements) in &request.name_spaces {
        let held = held(document, name_space, limits)?;
        for element in elements {
            let exact = held
                .iter()
                .find(|(identifier, _)| *identifier == element.identifier);
            let released = match age_threshold(&element.identifier) {
                Some(asked) => nearest_age(&held, asked).filter(|released| {
                    let age = (name_space.as_str(), released.clone());
                    ages.contains(&age) || (ages.len() < MOST_AGE_STATEMENTS && ages.insert(age))
                }),
                None => exact.map(|(identifier, _)| identifier.clone()),
            };
            match released {
                Some(released) => matches.found.push(Match {
                    name_space: name_space.clone(),
                    requested: element.identifier.clone(),
                    released,
                    intent_to_retain: element.intent_to_retain,
                }),
                None => matches
                    .absent
                    .push((name_space.clone(), element.identifier.clone())),
            }
        }
    }
    Ok(matches)
}

/// The elements of a namespace, with the value of those that are booleans.
fn held(
    document: &IssuerSigned<'_>,
    name_space: &str,
    limits: &Limits,
) -> Result<Vec<(String, Option<bool>)>, DecodeError> {
    let items = document
        .name_spaces()
        .iter()
        .filter(|(name, _)| name == name_space);
    let mut held = Vec::new();
    for embedded in items.flat_map(|(_, items)| items) {
        let item = embedded.item(limits).and_then(IssuerSignedItem::decode)?;
        held.push((item.element_identifier.into_owned(), item.element_value.boolean()));
    }
    Ok(held)
}

/// NN of `age_over_NN`.
#[must_use]
pub fn age_threshold(identifier: &str) -> Option<u8> {
    let digits = identifier.strip_prefix("age_over_")?;
    if digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        digits.parse().ok()
    } else {
        None
    }
}

fn nearest_age(held: &[(String, Option<bool>)], asked: u8) -> Option<String> {
    let statements = held
        .iter()
        .filter_map(|(name, value)| Some((age_threshold(name)?, (*value)?, name)));
    let over = statements
        .clone()
        .filter(|(age, value, _)| *value && *age >= asked)
        .min();
    let under = statements
        .filter(|(age, value, _)| !*value && *age <= asked)
        .max();
    over.or(under).map(|(_, _, name)| name.clone())
}

/// How the device shows that the document is in its hands. A key is used in one of the two ways for
/// all its life (ISO/IEC 18013-5:2021, 9.1.3.3).
pub enum DeviceKey<'a> {
    /// A signature, which any third party can check later.
    Signature(&'a dyn Signer),
    /// A MAC, which only this reader can check.
    Mac {
        /// The device key.
        secret: &'a SecretKey,
        /// The reader's ephemeral key of this session.
        reader_key: &'a PublicKey,
    },
}

impl DeviceKey<'_> {
    fn public_key(&self) -> &PublicKey {
        match self {
            Self::Signature(signer) => signer.public_key(),
            Self::Mac { secret, .. } => secret.public_key(),
        }
    }
}

/// Why a document cannot be presented.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum PresentError {
    /// The document itself does not decode.
    Document(DecodeError),
    /// The key is not the one that the issuer bound the document to.
    WrongDeviceKey,
    /// The issuer did not authorise the device to vouch for this element.
    Unauthorized {
        /// Its namespace.
        name_space: String,
        /// Its name.
        element: String,
    },
    /// The device key and the reader's key cannot agree on a secret for the MAC.
    Mac(CryptoError),
    /// The device key did not sign.
    Signer(SignerError),
}

impl fmt::Display for PresentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Document(_) => f.write_str("the document does not decode"),
            Self::WrongDeviceKey => f.write_str("the key is not the one that the document is bound to"),
            Self::Unauthorized { name_space, element } => {
                write!(
                    f,
                    "the issuer did not authorise the device to vouch for `{element}` of `{name_space}`"
                )
            }
            Self::Mac(_) => f.write_str("no MAC can be made with the device key and the reader's key"),
            Self::Signer(_) => f.write_str("the device key did not sign"),
        }
    }
}

impl core::error::Error for PresentError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Document(cause) => Some(cause),
            Self::Mac(cause) => Some(cause),
            Self::Signer(cause) => Some(cause),
            Self::WrongDeviceKey | Self::Unauthorized { .. } => None,
        }
    }
}

/// One document of a response, in the making.
pub struct Presentation<'a> {
    /// The document as issued.
    pub document: &'a IssuerSigned<'a>,
    /// Namespace and identifier of the elements to release; others stay back.
    pub release: &'a [(&'a str, &'a str)],
    /// Elements that the device itself vouches for, usually none.
    pub device_elements: &'a NameSpaces,
    /// The transcript of this session.
    pub transcript: &'a SessionTranscript,
    /// The key that the document is bound to.
    pub key: &'a DeviceKey<'a>,
}

impl Presentation<'_> {
    /// The encoded `Document`: released items and issuerAuth as the bytes they arrived in.
    ///
    /// # Errors
    /// [`PresentError`] if the key is another one, or an element is not the device's to vouch for.
    pub fn encode(&self, limits: &Limits, backend: &dyn Backend) -> Result<Vec<u8>, PresentError> {
        let mso = self.document.mso(limits).map_err(PresentError::Document)?;
        if mso.device_key_info.device_key.as_ref() != Ok(self.key.public_key()) {
            return Err(PresentError::WrongDeviceKey);
        }
        let device_name_spaces = self.device_name_spaces(&mso)?;
        let mut out = Vec::with_capacity(self.document.raw().len() + 512);
        write::map(&mut out, 3);
        write::text(&mut out, "docType");
        write::text(&mut out, &mso.doc_type);
        write::text(&mut out, "issuerSigned");
        self.write_issuer_signed(&mut out, limits)
            .map_err(PresentError::Document)?;
        write::text(&mut out, "deviceSigned");
        write::map(&mut out, 2);
        write::text(&mut out, "nameSpaces");
        out.extend_from_slice(&device_name_spaces);
        write::text(&mut out, "deviceAuth");
        write::map(&mut out, 1);
        let payload = device_authentication_bytes(self.transcript, &mso.doc_type, &device_name_spaces);
        self.write_device_auth(&mut out, &payload, backend)?;
        Ok(out)
    }

    fn write_device_auth(
        &self,
        out: &mut Vec<u8>,
        payload: &[u8],
        backend: &dyn Backend,
    ) -> Result<(), PresentError> {
        match self.key {
            DeviceKey::Signature(signer) => {
                let protected = protected_header(signer.algorithm());
                let signature = signer
                    .sign(&to_be_signed(&protected, payload))
                    .map_err(PresentError::Signer)?;
                write::text(out, "deviceSignature");
                write_sign1(out, &protected, &[], None, &signature);
            }
            DeviceKey::Mac { secret, reader_key } => {
                write::text(out, "deviceMac");
                let shared = scrubbed(|| backend.agree(secret, reader_key)).map_err(PresentError::Mac)?;
                scrubbed(|| {
                    let key = mac_key_of_shared(&shared, self.transcript, backend);
                    Mac0::write(out, &key, payload, backend);
                });
            }
        }
        Ok(())
    }

    fn device_name_spaces(&self, mso: &MobileSecurityObject) -> Result<Vec<u8>, PresentError> {
        let authorized = mso.device_key_info.key_authorizations.lookup();
        let mut inner = Vec::new();
        write::map(&mut inner, self.device_elements.len());
        for (name_space, elements) in self.device_elements {
            write::text(&mut inner, name_space);
            write::map(&mut inner, elements.len());
            for (element, value) in elements {
                if !authorized.permits(name_space, element) {
                    let (name_space, element) = (name_space.clone(), element.clone());
                    return Err(PresentError::Unauthorized { name_space, element });
                }
                write::text(&mut inner, element);
                inner.extend(value::encode(value));
            }
        }
        Ok(embed(&inner))
    }

    fn write_issuer_signed(&self, out: &mut Vec<u8>, limits: &Limits) -> Result<(), DecodeError> {
        let mut released: Vec<(&str, Vec<&Embedded<'_>>)> = Vec::new();
        for (name_space, items) in self.document.name_spaces() {
            let mut chosen = Vec::new();
            for embedded in items {
                let item = embedded.item(limits).and_then(IssuerSignedItem::decode)?;
                if self.release.contains(&(name_space, &item.element_identifier)) {
                    chosen.push(embedded);
                }
            }
            if !chosen.is_empty() {
                released.push((name_space, chosen));
            }
        }
        let issuer_auth = self
            .document
            .issuer_auth_raw()
            .ok_or(DecodeError::missing("issuerAuth"))?;
        write::map(out, 1 + usize::from(!released.is_empty()));
        if !released.is_empty() {
            write::text(out, "nameSpaces");
            write::map(out, released.len());
            for (name_space, items) in released {
                write::text(out, name_space);
                write::array(out, items.len());
                for item in items {
                    out.extend_from_slice(item.raw());
                }
            }
        }
        write::text(out, "issuerAuth");
        out.extend_from_slice(issuer_auth);
        Ok(())
    }
}

/// A whole `DeviceResponse`, status 0: documents as [`Presentation::encode`] made them, and the types
/// that were asked for and are not returned (code 0, which tells nothing of why).
#[must_use]
pub fn encode_response(documents: &[Vec<u8>], not_returned: &[&str]) -> Vec<u8> {
    let size: usize = documents.iter().map(Vec::len).sum();
    let mut out = Vec::with_capacity(size + 64);
    write::map(
        &mut out,
        2 + usize::from(!documents.is_empty()) + usize::from(!not_returned.is_empty()),
    );
    write::text(&mut out, "version");
    write::text(&mut out, "1.0");
    if !documents.is_empty() {
        write::text(&mut out, "documents");
        write::array(&mut out, documents.len());
        for document in documents {
            out.extend_from_slice(document);
        }
    }
    if !not_returned.is_empty() {
        write::text(&mut out, "documentErrors");
        write::array(&mut out, not_returned.len());
        for doc_type in not_returned {
            write::map(&mut out, 1);
            write::text(&mut out, doc_type);
            write::unsigned(&mut out, 0);
        }
    }
    write::text(&mut out, "status");
    write::unsigned(&mut out, 0);
    out
}

#[cfg(test)]
mod tests;
