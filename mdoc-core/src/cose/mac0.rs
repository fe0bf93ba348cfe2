//! `COSE_Mac0` with HMAC 256/256, as `deviceMac` uses it.

use super::{CoseFault, Envelope};
use crate::cbor::{Item, write};
use crate::crypto::{Backend, CryptoError, equal_in_constant_time};
use crate::error::DecodeError;
use crate::limits::Limits;

const HMAC_256_256: i64 = 5;
/// `{1: 5}`
const PROTECTED: [u8; 3] = [0xa1, 0x01, 0x05];

/// A received `COSE_Mac0`. Having one says that it decoded, not that the tag was checked.
///
/// Shape: `[protected: bstr .cbor map, unprotected: map, payload: nil, tag: bstr]`.
///
/// Source: RFC 9052, 6.2; ISO/IEC 18013-5:2021, 9.1.3.5.
#[derive(Debug, Clone)]
pub struct Mac0<'b> {
    envelope: Envelope<'b>,
    limits: Limits,
}

impl<'b> Mac0<'b> {
    /// Decodes a `COSE_Mac0`, with or without a COSE tag.
    ///
    /// # Errors
    /// [`DecodeError`] if a part is missing or of another type.
    pub fn decode(item: Item<'b>, limits: &Limits) -> Result<Self, DecodeError> {
        Envelope::decode(item, limits).map(|envelope| Self {
            envelope,
            limits: *limits,
        })
    }

    /// Whether it came with a tag, which the standard does not use here.
    #[must_use]
    pub const fn tagged(&self) -> bool {
        self.envelope.tagged
    }

    /// The attached payload.
    #[must_use]
    pub fn payload(&self) -> Option<&[u8]> {
        self.envelope.payload.as_deref()
    }

    /// Checks that the algorithm is HMAC 256/256, the only one of the standard.
    ///
    /// # Errors
    /// [`CoseFault`] for another one, or none.
    pub fn check_algorithm(&self) -> Result<(), CoseFault> {
        match self.envelope.algorithm(&self.limits)? {
            HMAC_256_256 => Ok(()),
            other => Err(CoseFault::AlgorithmUnknown(Some(other))),
        }
    }

    /// Checks the tag over the detached payload, in constant time.
    ///
    /// # Errors
    /// [`CoseFault`] if the algorithm is another one, another payload is attached, or the tag differs.
    pub fn verify_detached(
        &self,
        key: &[u8; 32],
        payload: &[u8],
        backend: &dyn Backend,
    ) -> Result<(), CoseFault> {
        self.check_detached(payload)?;
        if self.has_tag(key, payload, backend) {
            Ok(())
        } else {
            Err(CoseFault::Crypto(CryptoError::BadTag))
        }
    }

    /// Everything about it but the tag.
    pub(crate) fn check_detached(&self, payload: &[u8]) -> Result<(), CoseFault> {
        self.check_algorithm()?;
        if self.payload().is_some_and(|attached| attached != payload) {
            return Err(CoseFault::AttachedPayload);
        }
        Ok(())
    }

    /// Whether its tag is that of the key, in constant time.
    pub(crate) fn has_tag(&self, key: &[u8; 32], payload: &[u8], backend: &dyn Backend) -> bool {
        let tag = tag(key, &self.envelope.protected, payload, backend);
        equal_in_constant_time(&tag, &self.envelope.proof)
    }

    /// Appends an untagged `COSE_Mac0` over a detached payload.
    pub fn write(out: &mut Vec<u8>, key: &[u8; 32], payload: &[u8], backend: &dyn Backend) {
        write::array(out, 4);
        write::bytes(out, &PROTECTED);
        write::map(out, 0);
        write::null(out);
        write::bytes(out, &tag(key, &PROTECTED, payload, backend));
    }
}

/// The tag over the `MAC_structure` (RFC 9052, 6.3) with its empty external_aad.
fn tag(key: &[u8; 32], protected: &[u8], payload: &[u8], backend: &dyn Backend) -> [u8; 32] {
    let mut before = Vec::with_capacity(32);
    write::array(&mut before, 4);
    write::text(&mut before, "MAC0");
    write::bytes(&mut before, protected);
    write::bytes(&mut before, &[]);
    write::bytes_head(&mut before, payload.len());
    backend.hmac_sha256(key, &[&before, payload])
}
