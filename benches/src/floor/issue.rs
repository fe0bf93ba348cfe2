//! Issuing: one buffer, one request for randomness, a digest for each slice of the buffer, one signature.

use std::ops::Range;

use sha2::{Digest as _, Sha256};

use super::Primitives;
use super::write::{ARRAY, BYTES, MAP, TAG, UNSIGNED, bytes, embedded_head, head, head_len, text};
use crate::world::{DOC_TYPE, NAME_SPACE};

/// `{1: -7}`: ES256.
pub(super) const PROTECTED: &[u8] = &[0xa1, 0x01, 0x26];

const SALT: usize = 32;

/// Bytes beside the items: MSO, certificate, signature.
const REST: usize = 3_000;

/// What does not change from one document to the next.
pub struct Issuer<P: Primitives> {
    /// Who signs.
    pub key: P::SigningKey,
    /// The certificate of that key, in DER.
    pub certificate: Vec<u8>,
    /// `signed` and `validFrom`.
    pub from: String,
    /// `validUntil`.
    pub until: String,
}

/// Identifier and encoded value.
pub type Element = (String, Vec<u8>);

/// An encoded `IssuerSigned` of those elements for the device key `x ‖ y`.
pub fn issue<P: Primitives>(issuer: &Issuer<P>, elements: &[Element], device_key: &[u8]) -> Vec<u8> {
    let mut salts = vec![0; elements.len() * SALT];
    P::fill(&mut salts);
    let size: usize = elements
        .iter()
        .map(|(name, value)| name.len() + value.len() + 100)
        .sum();
    let mut out = Vec::with_capacity(size + REST);
    let mut digests = Vec::with_capacity(elements.len());
    name_space(&mut out, elements.len());
    for (id, ((name, value), salt)) in elements.iter().zip(salts.chunks_exact(SALT)).enumerate() {
        let item = item(&mut out, id, Salt::Second(salt), name, value);
        digests.push(P::sha256(&out[item]));
    }
    sign(issuer, out, &digests, device_key)
}

/// A document of which only salts and device key are still to come.
pub struct Template {
    bytes: Vec<u8>,
    /// Where the salt of each item is, and the state of the hash function when it comes to it.
    items: Vec<(Range<usize>, Sha256)>,
}

/// Where the salt is in an item.
enum Salt<'s> {
    /// Behind the digest ID, where it is customarily.
    Second(&'s [u8]),
    /// Behind everything else, still unknown: thirty-two zeros.
    Last,
}

impl Template {
    /// Hashes everything up to the salts, which are the last in each item.
    #[must_use]
    pub fn new(elements: &[Element]) -> Self {
        let mut bytes = Vec::new();
        let mut items = Vec::with_capacity(elements.len());
        name_space(&mut bytes, elements.len());
        for (id, (name, value)) in elements.iter().enumerate() {
            let item = item(&mut bytes, id, Salt::Last, name, value);
            let salt = item.end - SALT..item.end;
            items.push((
                salt.clone(),
                Sha256::new_with_prefix(&bytes[item.start..salt.start]),
            ));
        }
        Self { bytes, items }
    }

    /// One copy, with salts of its own.
    pub fn copy<P: Primitives>(&self, issuer: &Issuer<P>, device_key: &[u8]) -> Vec<u8> {
        let mut salts = vec![0; self.items.len() * SALT];
        P::fill(&mut salts);
        let mut out = Vec::with_capacity(self.bytes.len() + REST);
        out.extend_from_slice(&self.bytes);
        let mut digests = Vec::with_capacity(self.items.len());
        for ((place, state), salt) in self.items.iter().zip(salts.chunks_exact(SALT)) {
            out[place.clone()].copy_from_slice(salt);
            digests.push(state.clone().chain_update(salt).finalize().into());
        }
        sign(issuer, out, &digests, device_key)
    }
}

fn name_space(out: &mut Vec<u8>, elements: usize) {
    head(out, MAP, 2);
    text(out, "nameSpaces");
    head(out, MAP, 1);
    text(out, NAME_SPACE);
    head(out, ARRAY, elements);
}

/// Appends an `IssuerSignedItemBytes` and tells where it is.
fn item(out: &mut Vec<u8>, id: usize, salt: Salt<'_>, name: &str, value: &[u8]) -> Range<usize> {
    let names = "digestID".len() + "random".len() + "elementIdentifier".len() + "elementValue".len() + 4;
    let len = 1 + names + head_len(id) + 2 + SALT + head_len(name.len()) + name.len() + value.len();
    let start = out.len();
    embedded_head(out, len);
    head(out, MAP, 4);
    text(out, "digestID");
    head(out, UNSIGNED, id);
    if let Salt::Second(salt) = salt {
        text(out, "random");
        bytes(out, salt);
    }
    text(out, "elementIdentifier");
    text(out, name);
    text(out, "elementValue");
    out.extend_from_slice(value);
    if let Salt::Last = salt {
        text(out, "random");
        bytes(out, &[0; SALT]);
    }
    start..out.len()
}

fn sign<P: Primitives>(
    issuer: &Issuer<P>,
    mut out: Vec<u8>,
    digests: &[[u8; 32]],
    device_key: &[u8],
) -> Vec<u8> {
    let mso = mso(issuer, digests, device_key);
    text(&mut out, "issuerAuth");
    head(&mut out, ARRAY, 4);
    bytes(&mut out, PROTECTED);
    head(&mut out, MAP, 1);
    head(&mut out, UNSIGNED, 33);
    bytes(&mut out, &issuer.certificate);
    let payload = out.len();
    head(&mut out, BYTES, 2 + head_len(mso.len()) + mso.len());
    head(&mut out, TAG, 24);
    bytes(&mut out, &mso);
    let to_sign = signature_structure(&out[payload..]);
    bytes(&mut out, &P::sign(&issuer.key, &to_sign));
    out
}

fn mso<P: Primitives>(issuer: &Issuer<P>, digests: &[[u8; 32]], device_key: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(digests.len() * 36 + 400);
    head(&mut out, MAP, 6);
    text(&mut out, "version");
    text(&mut out, "1.0");
    text(&mut out, "digestAlgorithm");
    text(&mut out, "SHA-256");
    text(&mut out, "valueDigests");
    head(&mut out, MAP, 1);
    text(&mut out, NAME_SPACE);
    head(&mut out, MAP, digests.len());
    for (id, digest) in digests.iter().enumerate() {
        head(&mut out, UNSIGNED, id);
        bytes(&mut out, digest);
    }
    text(&mut out, "deviceKeyInfo");
    head(&mut out, MAP, 1);
    text(&mut out, "deviceKey");
    let (x, y) = device_key.split_at(32);
    out.extend_from_slice(&[0xa4, 0x01, 0x02, 0x20, 0x01, 0x21]); // {1: 2, -1: 1, -2: x, -3: y}
    bytes(&mut out, x);
    out.push(0x22);
    bytes(&mut out, y);
    text(&mut out, "docType");
    text(&mut out, DOC_TYPE);
    text(&mut out, "validityInfo");
    head(&mut out, MAP, 3);
    for (name, time) in [
        ("signed", &issuer.from),
        ("validFrom", &issuer.from),
        ("validUntil", &issuer.until),
    ] {
        text(&mut out, name);
        head(&mut out, TAG, 0);
        text(&mut out, time);
    }
    out
}

/// `["Signature1", protected, h'', payload]`; the payload is a whole byte string.
pub(super) fn signature_structure(payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(payload.len() + 24);
    head(&mut out, ARRAY, 4);
    text(&mut out, "Signature1");
    bytes(&mut out, PROTECTED);
    bytes(&mut out, &[]);
    out.extend_from_slice(payload);
    out
}
