//! Many copies of one person's document.

mod state;

use self::state::State;
use super::assemble::{self, Items, Terms, assemble};
use super::{Draft, DraftError, MOST_DIGESTS, Unsigned, Validity};
use crate::cbor::write::Length;
use crate::crypto::{Backend, CryptoRng, Digest, DigestAlgorithm, PublicKey};
use crate::mso::{KeyAuthorizations, Status};

/// In which order the entries of an `IssuerSignedItem` are written. ISO/IEC 18013-5 prescribes none: a reader hashes
/// the bytes as it received them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum ItemOrder {
    /// `digestID`, `random`, `elementIdentifier`, `elementValue`: what most issuers write.
    #[default]
    Customary,
    /// `elementIdentifier`, `elementValue`, `digestID`, `random`. What is the same in all copies comes first, so that it
    /// is hashed once for a person and not once a copy: half of the time with a portrait of 30 KB. Wallets and readers
    /// that look entries up by their keys, as CBOR wants it, do not notice; try yours before you use it.
    SaltLast,
}

/// What one copy has for itself.
#[derive(Debug, Clone, Copy)]
pub struct CopyOf<'a> {
    /// The holder's key; every copy has another, or copies can be told to belong together by it.
    pub device_key: &'a PublicKey,
    /// When the copy is signed and valid.
    pub validity: Validity,
    /// Where its status is published; every copy has a place of its own.
    pub status: Option<&'a Status>,
}

/// What all copies of a person's document have in common, made ready by [`Draft::template`].
///
/// Each copy has salts and digest IDs of its own, drawn as for a single document, so that copies cannot be told to
/// belong together by them.
///
/// With [`ItemOrder::SaltLast`] the state of the hash function after the common part is kept and continued for each
/// copy. These states are those of the `sha2` crate and not of a [`Backend`]: a backend hashes what is whole, and few
/// libraries let a state be copied. The digests are the same, SHA-2 being one function; a test compares them.
#[derive(Clone)]
pub struct Template {
    order: ItemOrder,
    doc_type: String,
    digest_algorithm: DigestAlgorithm,
    key_authorizations: KeyAuthorizations,
    decoys: usize,
    name_spaces: Vec<(String, Vec<Element>)>,
}

/// An element that is encoded.
#[derive(Clone)]
struct Element {
    /// What does not change from copy to copy: the entries `elementIdentifier` and `elementValue`; with the salt last,
    /// also the key `digestID`.
    entries: Vec<u8>,
    /// The length of the two entries.
    len: usize,
    /// With the salt last, the state after all that comes before the digest ID. The head of the byte string states a
    /// length that counts the ID, so there is a state for IDs of one byte, of two and of three.
    states: Vec<State>,
}

/// The smallest ID of each length.
const ID_CLASSES: [u32; 3] = [0, 24, 0x100];

// No ID is longer than the last class has them.
const _: () = assert!(MOST_DIGESTS <= 0x1_0000);

/// Which length an ID has, counted from the shortest.
const fn id_class(id: u32) -> usize {
    match id {
        0..24 => 0,
        24..0x100 => 1,
        _ => 2,
    }
}

impl Template {
    pub(super) fn new(draft: &Draft<'_>, order: ItemOrder) -> Result<Self, DraftError> {
        let elements: usize = draft.name_spaces.iter().map(|(_, elements)| elements.len()).sum();
        let digests = elements.saturating_add(draft.decoys);
        let algorithm = draft.digest_algorithm;
        let element = |(identifier, value): &(String, _)| {
            let len = Length::of(|counted| assemble::write_element(counted, identifier, value));
            let mut entries = Vec::with_capacity(len + 16);
            assemble::write_element(&mut entries, identifier, value);
            if order == ItemOrder::SaltLast {
                assemble::write_id_key(&mut entries);
            }
            // A state for each length of IDs that occurs.
            let classes = ID_CLASSES.iter().filter(|smallest| {
                let occurs = usize::try_from(**smallest).is_ok_and(|smallest| smallest < digests);
                order == ItemOrder::SaltLast && occurs
            });
            let state = |smallest: &u32| {
                let mut start = Vec::with_capacity(16);
                assemble::write_start(&mut start, len, *smallest);
                let mut state = State::new(algorithm);
                state.update(&start);
                state.update(&entries);
                state
            };
            Element {
                states: classes.map(state).collect(),
                entries,
                len,
            }
        };
        let name_spaces = draft
            .name_spaces
            .iter()
            .map(|(name, elements)| (name.clone(), elements.iter().map(element).collect()));
        Ok(Self {
            order,
            doc_type: draft.doc_type.to_owned(),
            digest_algorithm: algorithm,
            key_authorizations: draft.key_authorizations.clone(),
            decoys: draft.decoys,
            name_spaces: name_spaces.collect(),
        })
    }

    /// A copy that lacks only the issuer's signature, with salts and digest IDs of its own.
    ///
    /// # Errors
    /// [`DraftError::Validity`] if it could never be valid, [`DraftError::TooManyDigests`].
    pub fn copy(
        &self,
        copy: &CopyOf<'_>,
        rng: &mut dyn CryptoRng,
        backend: &dyn Backend,
    ) -> Result<Unsigned, DraftError> {
        copy.validity.check()?;
        let terms = Terms {
            doc_type: &self.doc_type,
            digest_algorithm: self.digest_algorithm,
            key_authorizations: &self.key_authorizations,
            decoys: self.decoys,
            device_key: copy.device_key,
            validity: copy.validity,
            status: copy.status,
        };
        let items = Copied {
            template: self,
            backend,
        };
        assemble(&items, &terms, rng)
    }
}

/// The elements of a template, on their way into a copy.
struct Copied<'a> {
    template: &'a Template,
    backend: &'a dyn Backend,
}

impl Items for Copied<'_> {
    type Item = Element;

    fn name_spaces(&self) -> &[(String, Vec<Element>)] {
        &self.template.name_spaces
    }

    fn element_len(&self, element: &Element) -> usize {
        element.len
    }

    fn write(&self, out: &mut Vec<u8>, element: &Element, id: u32, salt: &[u8]) -> Digest {
        let start = out.len();
        assemble::write_start(out, element.len, id);
        if self.template.order == ItemOrder::SaltLast {
            out.extend_from_slice(&element.entries);
            let own = out.len();
            assemble::write_after_id_key(out, id, salt);
            if let Some(state) = element.states.get(id_class(id)) {
                return state.finish(out.get(own..).unwrap_or_default());
            }
        } else {
            assemble::write_id_and_salt(out, id, salt);
            out.extend_from_slice(&element.entries);
        }
        let item = out.get(start..).unwrap_or_default();
        self.backend.digest(self.template.digest_algorithm, &[item])
    }
}

#[cfg(test)]
mod tests;
