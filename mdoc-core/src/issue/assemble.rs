//! A document up to its signature, from elements in whatever form they are kept.

use super::draw::Drawn;
use super::{DraftError, SALT_LEN, Unsigned, Validity};
use crate::cbor::write::{self, Output};
use crate::crypto::{CryptoRng, Digest, DigestAlgorithm, PublicKey};
use crate::mso::{Digests, KeyAuthorizations, MsoDraft, Status};
use crate::value::{TAG_ENCODED, Value};

/// Room for what comes behind the MSO, the certificates and the signature, so that the document seldom has to move.
const BEHIND_MSO: usize = 1280;

/// What an MSO says besides the digests of the elements.
pub(super) struct Terms<'a> {
    pub(super) doc_type: &'a str,
    pub(super) digest_algorithm: DigestAlgorithm,
    pub(super) key_authorizations: &'a KeyAuthorizations,
    pub(super) decoys: usize,
    pub(super) device_key: &'a PublicKey,
    pub(super) validity: Validity,
    pub(super) status: Option<&'a Status>,
}

/// Elements that can be written.
pub(super) trait Items {
    /// An element.
    type Item;

    /// Namespaces in the order in which they are written, with their elements.
    fn name_spaces(&self) -> &[(String, Vec<Self::Item>)];

    /// The length of the entries `elementIdentifier` and `elementValue`, without the map around them.
    fn element_len(&self, element: &Self::Item) -> usize;

    /// Appends `IssuerSignedItemBytes`, and gives their digest.
    fn write(&self, out: &mut Vec<u8>, element: &Self::Item, id: u32, salt: &[u8]) -> Digest;
}

/// Draws salts and digest IDs, writes the elements, and computes the MSO.
pub(super) fn assemble<I: Items>(
    items: &I,
    terms: &Terms<'_>,
    rng: &mut dyn CryptoRng,
) -> Result<Unsigned, DraftError> {
    let name_spaces = items.name_spaces();
    let elements = name_spaces.iter().map(|(_, elements)| elements.len()).sum();
    let drawn = Drawn::new(elements, terms.decoys, rng)?;
    let mut digests = Digests::new(drawn.ids.len(), name_spaces.iter().map(|(name, _)| name.as_str()));

    let mut encoded = Vec::with_capacity(size(items, terms, drawn.ids.len()));
    write::map(&mut encoded, 2);
    write::text(&mut encoded, "nameSpaces");
    write::map(&mut encoded, name_spaces.len());
    let (mut ids, mut salts) = (drawn.ids.iter().copied(), drawn.salts());
    for (at, (name, elements)) in name_spaces.iter().enumerate() {
        write::text(&mut encoded, name);
        write::array(&mut encoded, elements.len());
        for (element, (id, salt)) in elements.iter().zip(ids.by_ref().zip(salts.by_ref())) {
            digests.put(at, id, items.write(&mut encoded, element, id, salt));
        }
    }
    let len = terms.digest_algorithm.output_len();
    for (at, (id, random)) in (0..name_spaces.len()).cycle().zip(ids.zip(drawn.decoys())) {
        digests.put(at, id, Digest::new(random.get(..len).unwrap_or_default()));
    }
    digests.sort();
    let mso = MsoDraft {
        digest_algorithm: terms.digest_algorithm,
        digests: &digests,
        device_key: terms.device_key,
        key_authorizations: terms.key_authorizations,
        doc_type: terms.doc_type,
        signed: terms.validity.signed,
        valid_from: terms.validity.valid_from,
        valid_until: terms.validity.valid_until,
        expected_update: terms.validity.expected_update,
        status: terms.status,
    };
    Ok(Unsigned {
        encoded,
        payload: mso.encode(),
    })
}

/// How many bytes the document will have, or a few more.
fn size<I: Items>(items: &I, terms: &Terms<'_>, digests: usize) -> usize {
    let largest_id = u32::try_from(digests).unwrap_or(u32::MAX);
    let mut size = 0;
    for (name, elements) in items.name_spaces() {
        // The name is in the MSO, too.
        size += 2 * name.len() + 20;
        for element in elements {
            let len = item_len(items.element_len(element), largest_id);
            size += 2 + write::head_len(len) + len;
        }
    }
    let digest = id_len(largest_id) + 2 + terms.digest_algorithm.output_len();
    size + digests * digest + 400 + BEHIND_MSO
}

fn id_len(id: u32) -> usize {
    usize::try_from(id).map_or(5, write::head_len)
}

/// The length of an `IssuerSignedItem` whose entries for the element have that length.
fn item_len(element_len: usize, id: u32) -> usize {
    const ID_KEY: usize = 1 + "digestID".len();
    const SALT_KEY: usize = 1 + "random".len();
    1 + ID_KEY + id_len(id) + SALT_KEY + write::head_len(SALT_LEN) + SALT_LEN + element_len
}

/// What comes before the entries: tag 24, the head of the byte string, that of the map.
#[inline]
pub(super) fn write_start(out: &mut impl Output, element_len: usize, id: u32) {
    write::tag(out, TAG_ENCODED);
    write::bytes_head(out, item_len(element_len, id));
    write::map(out, 4);
}

/// The entries `digestID` and `random`.
#[inline]
pub(super) fn write_id_and_salt(out: &mut impl Output, id: u32, salt: &[u8]) {
    write_id_key(out);
    write_after_id_key(out, id, salt);
}

/// What is before the digest ID itself.
#[inline]
pub(super) fn write_id_key(out: &mut impl Output) {
    write::text(out, "digestID");
}

/// The digest ID and the entry `random`.
#[inline]
pub(super) fn write_after_id_key(out: &mut impl Output, id: u32, salt: &[u8]) {
    write::unsigned(out, u64::from(id));
    write::text(out, "random");
    write::bytes(out, salt);
}

/// The entries `elementIdentifier` and `elementValue`.
#[inline]
pub(super) fn write_element(out: &mut impl Output, identifier: &str, value: &Value) {
    write::text(out, "elementIdentifier");
    write::text(out, identifier);
    write::text(out, "elementValue");
    write::value(out, value);
}
